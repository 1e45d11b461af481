use std::borrow::Cow;

use super::{column_reading, finish};
use crate::json::LINE_BYTES_MAX;
use crate::reading::{Draft, Reading};
use crate::{Observation, Unreadable};

/// Reads a log of tab-separated values. The header lines (`#separator` … `#types`) are its state: they say what the columns
/// of the lines after them are, and a new header in the middle (after a rotation) replaces the old one.
#[derive(Debug, Clone)]
pub struct TsvReader {
    separator: String,
    set_separator: String,
    empty: String,
    unset: String,
    kind: String,
    columns: Vec<Column>,
    /// The names of all columns, those nobody reads included.
    names: Vec<String>,
}

#[derive(Debug, Clone)]
struct Column {
    index: usize,
    name: String,
    reading: Reading,
    list: bool,
}

/// The most columns a header may name. Zeek's widest own log has about fifty.
const COLUMNS_MAX: usize = 1024;

impl Default for TsvReader {
    fn default() -> Self {
        Self {
            separator: "\t".to_owned(),
            set_separator: ",".to_owned(),
            empty: "(empty)".to_owned(),
            unset: "-".to_owned(),
            kind: String::new(),
            columns: Vec::new(),
            names: Vec::new(),
        }
    }
}

impl TsvReader {
    /// Whether columns are parted by tabs and members of sets by commas, as they are unless somebody configured otherwise.
    #[must_use]
    pub fn is_standard(&self) -> bool {
        self.separator == "\t" && self.set_separator == ","
    }

    /// Every column of a record with its name, as written; for showing the record whole.
    pub fn cells<'a>(&'a self, line: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.names.iter().map(String::as_str).zip(line.split(self.separator.as_str()))
    }

    /// How many columns a record has; 0 before a header came.
    #[must_use]
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// The log's name, of the `#path` line.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.kind
    }

    /// Reads one line: a record, or `None` for a header line.
    pub fn read<'a>(&mut self, line: &'a [u8]) -> Result<Option<Observation<'a>>, Unreadable> {
        if line.len() > LINE_BYTES_MAX {
            return Err(Unreadable::TooLong);
        }
        let text = std::str::from_utf8(line).map_err(|_| Unreadable::NotUtf8)?;
        if let Some(header) = text.strip_prefix('#') {
            return self.read_header(header).map(|()| None);
        }
        if self.names.is_empty() {
            return Err(if text.starts_with('{') { Unreadable::OtherFormat } else { Unreadable::NoHeader });
        }
        let cells: Vec<&str> = text.split(self.separator.as_str()).collect();
        if cells.len() != self.names.len() {
            let torn = cells.len() < self.names.len() && cells.len() > 1;
            return Err(if torn { Unreadable::CutOff } else { Unreadable::OtherFormat });
        }
        let mut draft = Draft::new();
        draft.set_kind(Cow::Owned(self.kind.clone()));
        for column in &self.columns {
            let Some(cell) = cells.get(column.index) else { continue };
            self.read_cell(column, cell, &mut draft);
        }
        finish(draft).map(Some)
    }

    fn read_cell<'a>(&self, column: &Column, cell: &'a str, draft: &mut Draft<'a>) {
        if cell == self.unset || cell == self.empty {
            return;
        }
        if !column.list {
            draft.take(column.reading, Cow::Owned(column.name.clone()), unescape(cell));
            return;
        }
        for (index, member) in cell.split(self.set_separator.as_str()).enumerate() {
            if member != self.unset {
                draft.take(column.reading, Cow::Owned(format!("{}[{index}]", column.name)), unescape(member));
            }
        }
    }

    fn read_header(&mut self, header: &str) -> Result<(), Unreadable> {
        if let Some(value) = header.strip_prefix("separator ") {
            // The first line of a header: what came before belongs to another log.
            *self = Self { separator: unescape(value.trim()).into_owned(), ..Self::default() };
            return if self.separator.is_empty() { Err(Unreadable::NoHeader) } else { Ok(()) };
        }
        let (name, value) = header.split_once(self.separator.as_str()).unwrap_or((header, ""));
        match name {
            "set_separator" if !value.is_empty() => self.set_separator = unescape(value).into_owned(),
            "empty_field" => value.clone_into(&mut self.empty),
            "unset_field" => value.clone_into(&mut self.unset),
            "path" => value.clone_into(&mut self.kind),
            "fields" => self.read_fields(value)?,
            "types" => self.read_types(value),
            // `#open`, `#close`, and comments of any kind.
            _ => {}
        }
        Ok(())
    }

    fn read_fields(&mut self, names: &str) -> Result<(), Unreadable> {
        self.names.clear();
        self.columns.clear();
        if names.split(self.separator.as_str()).count() > COLUMNS_MAX {
            return Err(Unreadable::TooLong);
        }
        self.names.extend(names.split(self.separator.as_str()).map(str::to_owned));
        for (index, name) in names.split(self.separator.as_str()).enumerate() {
            if let Some(reading) = column_reading(name) {
                self.columns.push(Column { index, name: name.to_owned(), reading, list: false });
            }
        }
        Ok(())
    }

    fn read_types(&mut self, types: &str) {
        let types: Vec<&str> = types.split(self.separator.as_str()).collect();
        for column in &mut self.columns {
            let kind = types.get(column.index).copied().unwrap_or_default();
            column.list = kind.starts_with("set[") || kind.starts_with("vector[");
        }
    }
}

/// The bytes that an escaped cell stands for; `None` where the cell is no UTF-8.
#[must_use]
pub fn unescape_tsv(cell: &[u8]) -> Option<Cow<'_, [u8]>> {
    Some(match unescape(std::str::from_utf8(cell).ok()?) {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    })
}

/// Zeek writes bytes that would be mistaken for structure, and bytes that are no text, as `\x09`.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains("\\x") {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend_from_slice(before.as_bytes());
        match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.extend_from_slice(b"\\x");
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    match String::from_utf8(bytes) {
        Ok(text) => Cow::Owned(text),
        // The bytes are no UTF-8: what Zeek wrote says more than a replacement character would.
        Err(_) => Cow::Borrowed(text),
    }
}
