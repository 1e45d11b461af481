//! The conditions that every read shares, as SQL.
//!
//! Numbers and the fixed names of our own columns are written into the text; whatever a stranger may have typed is
//! a parameter.

use policy::{LabelKey, Visible};

use super::place::rows_of;
use crate::sql::Value;

/// Conditions joined by AND, with their parameters.
#[derive(Default)]
pub(super) struct Conditions<'v> {
    pub(super) sql: String,
    pub(super) params: Vec<Value<'v>>,
}

impl<'v> Conditions<'v> {
    /// Begins with rows of one realm.
    pub(super) fn in_realm(realm: i64) -> Self {
        Self { sql: "log.realm = ?1".to_owned(), params: vec![Value::Integer(realm)] }
    }

    /// Adds a condition without parameters.
    pub(super) fn and(&mut self, sql: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
    }

    /// Adds `column operator number`.
    pub(super) fn compare(&mut self, left: &str, number: i64) {
        self.params.push(Value::Integer(number));
        let place = self.params.len();
        self.and(&format!("{left} ?{place}"));
    }

    /// Adds that a column has one of these texts; none: any.
    pub(super) fn one_of(&mut self, column: &str, texts: &[&'v str]) {
        if texts.is_empty() {
            return;
        }
        let mut places = Vec::with_capacity(texts.len());
        for text in texts {
            self.params.push(Value::Text(text));
            places.push(format!("?{}", self.params.len()));
        }
        self.and(&format!("{column} IN ({})", places.join(",")));
    }
}

/// A SQL condition: the column holds a label that the reader may see.
pub(crate) fn label_condition(column: &str, visible: &Visible) -> String {
    if visible.keys().is_empty() {
        // An empty list is SQLite's alone.
        return "1 = 0".to_owned();
    }
    let keys: Vec<String> = visible.keys().iter().map(LabelKey::to_string).collect();
    format!("{column} IN ({})", keys.join(","))
}

/// A SQL condition: of the versions that the reader may see, `log` is the last one of the object's first line.
///
/// Flag 1 is the last for everybody, 0 for nobody who sees it; with 2 it depends on what the reader sees of the others.
pub(super) fn last_condition(visible: &Visible) -> String {
    format!(
        "(log.is_last = 1 OR log.is_last = 2 AND {})",
        no_other(
            "newer",
            visible,
            "(newer.line < log.line OR newer.line = log.line AND newer.version_key > log.version_key)"
        )
    )
}

/// A SQL condition: of the versions that the reader may see, `log` is the first one of the object's first line.
pub(super) fn first_condition(visible: &Visible) -> String {
    format!(
        "(log.is_first = 1 OR log.is_first = 2 AND {})",
        no_other(
            "older",
            visible,
            "(older.line < log.line OR older.line = log.line AND older.version_key < log.version_key)"
        )
    )
}

/// A SQL condition: nothing that the reader may see of an earlier line of the object stands before `log`.
pub(super) fn line_condition(visible: &Visible) -> String {
    format!("(log.line = 0 OR {})", no_other("earlier", visible, "earlier.line < log.line"))
}

/// A SQL condition: the reader sees no version of `log`'s object, in its collection, of which `what` is true.
fn no_other(name: &str, visible: &Visible, what: &str) -> String {
    let places = rows_of(&format!("{name}.sequence"), "log.object");
    let labels = label_condition(&format!("{name}.label"), visible);
    format!(
        "NOT EXISTS (SELECT 1 FROM log AS {name} WHERE {places} AND {name}.id = log.id AND {name}.realm + 0 = log.realm
          AND {name}.collection + 0 = log.collection AND {name}.kind = 0 AND {what} AND {labels})"
    )
}
