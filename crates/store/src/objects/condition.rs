//! The conditions that every read shares, as SQL.
//!
//! `kind < 2 AND kind = 0` stands wherever versions are found by identifier: SQLite uses a partial index only where the
//! index's own condition is in the query word for word.
//!
//! Numbers and the fixed names of our own columns are written into the text; whatever a stranger may have typed is
//! a parameter.

use policy::{LabelKey, Visible};

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

/// A SQL condition: of the versions that the reader may see, `log` is the last one.
///
/// Flag 1 is the last for everybody, 0 for nobody who sees it; with 2 it depends on what the reader sees of the later ones.
pub(super) fn last_condition(visible: &Visible) -> String {
    let newer = label_condition("newer.label", visible);
    format!(
        "(log.is_last = 1 OR log.is_last = 2 AND NOT EXISTS (SELECT 1 FROM log AS newer
          WHERE newer.realm = log.realm AND newer.id = log.id AND newer.version_key > log.version_key
          AND newer.collection = log.collection AND newer.kind < 2 AND newer.kind = 0 AND {newer}))"
    )
}

/// A SQL condition: of the versions that the reader may see, `log` is the first one.
pub(super) fn first_condition(visible: &Visible) -> String {
    let older = label_condition("older.label", visible);
    format!(
        "(log.is_first = 1 OR log.is_first = 2 AND NOT EXISTS (SELECT 1 FROM log AS older
          WHERE older.realm = log.realm AND older.id = log.id AND older.version_key < log.version_key
          AND older.collection = log.collection AND older.kind < 2 AND older.kind = 0 AND {older}))"
    )
}
