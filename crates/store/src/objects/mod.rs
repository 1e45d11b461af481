//! The log of labelled objects: what comes in, and every way to read it.
//!
//! Every read takes the labels that the reader may see and filters by them in SQL. What is not visible is not
//! there: not in a page, a count, a search, a reference, nor in where a page ends.

mod add;
mod find;
mod page;
mod remove;
mod row;
mod tail;

use policy::{LabelKey, Visible};
use stix::Object;

pub use add::{AddOutcome, NewObject, OBJECT_BYTES_MAX, add};
pub(crate) use add::{LogState, last_sequence};
pub use find::{
    COUNT_MAX, Hits, Mention, SearchCursor, SearchFilter, mentioning, referring_to, search, search_count,
};
pub use page::{Filter, IdFilter, Order, PAGE_MAX, Page, Versions, count, get, get_version, page, versions};
pub use remove::{remove, remove_version};
pub use row::Row;
pub use tail::{Change, Tail, TailFilter, tail};

/// A SQL condition: the column holds a label that the reader may see.
pub(crate) fn label_condition(column: &str, visible: &Visible) -> String {
    in_list(column, visible.keys())
}

fn in_list(column: &str, keys: &[LabelKey]) -> String {
    let keys: Vec<String> = keys.iter().map(LabelKey::to_string).collect();
    format!("{column} IN ({})", keys.join(","))
}

/// The name a person would know an object by.
fn display_name(object: &Object) -> Option<&str> {
    object.text("name").filter(|name| !name.is_empty())
}
