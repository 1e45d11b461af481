//! The log of labelled objects: what comes in, and every way to read it.
//!
//! Every read takes the labels that the reader may see and filters by them in SQL. What is not visible is not
//! there: not in a page, a count, a search, a reference, nor in where a page ends.

mod add;
mod condition;
mod find;
mod flags;
mod follow;
mod fulltext;
mod hits;
mod index;
mod named;
mod page;
mod place;
mod plan;
#[cfg(test)]
mod plan_tests;
mod relabel;
mod remove;
mod row;
mod spread;
mod tail;
mod tally;
mod view;

use stix::Object;

use crate::{Reader, StoreError};

pub use add::{
    AddOutcome, Added, Bringer, Earlier, Guard, NewObject, OBJECT_BYTES_MAX, VERSIONS_MAX, add, add_from,
    add_guarded,
};
pub(crate) use add::{LogState, last_sequence};
pub(crate) use condition::label_condition;
pub use find::{
    COUNT_MAX, Hits, Mention, SearchCursor, SearchFilter, Within, mentioning, mentioning_before,
    mentioning_count, referring_before, referring_count, referring_to, search, search_count,
    search_count_within, search_within,
};
pub use follow::{FOLLOWED_MAX, Following, Referring, following, only_came_in};
pub use fulltext::Fit;
pub(crate) use index::index_again;
pub use named::{Named, NamedBatch, named, names};
pub use page::{
    FILTER_VALUES_MAX, Filter, IdFilter, Order, PAGE_MAX, Page, Standing, Versions, brought_before, count,
    get, get_version, holds_type, originator, page, standing, standing_label, stored, versions,
};
pub(crate) use place::{migrate as migrate_places, object_key, rows_of};
#[cfg(test)]
pub(crate) use plan_tests::seen as test_visible;
pub use relabel::{Relabelled, relabel};
pub use remove::{remove, remove_made, remove_version};
pub use row::Row;
pub use spread::{by_label, spread};
pub use tail::{Change, Narrow, TAIL_MAX, Tail, TailFilter, between, narrow_tail, tail};
pub use view::{Place, ViewTail, page_in_view, tail_in_view};

/// The newest sequence that this snapshot holds.
///
/// # Errors
/// Those of the database.
pub fn newest_sequence(reader: &Reader<'_>) -> Result<i64, StoreError> {
    last_sequence(reader)
}

/// The name a person would know an object by.
fn display_name(object: &Object) -> Option<&str> {
    object.text("name").filter(|name| !name.is_empty())
}
