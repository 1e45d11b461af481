//! From the path of a field to its reading: a tree that a JSON record is walked along.

use std::borrow::Cow;

use sonic_rs::{JsonType, JsonValueTrait, LazyValue};

use crate::reading::{Draft, Reading};

/// A table of fields: the path from the top with `.` between names and `[]` after a list.
pub(crate) type Table = &'static [(&'static str, Reading)];

/// The table as a tree.
#[derive(Default)]
pub(crate) struct Fields {
    names: Vec<(&'static str, Fields)>,
    items: Option<Box<Fields>>,
    reading: Option<Reading>,
}

impl Fields {
    /// Builds the tree. A name may itself hold dots (Zeek's `id.orig_h`): `flat` takes the whole path as one name.
    pub(crate) fn new(table: Table, flat: bool) -> Self {
        let mut root = Self::default();
        for (path, reading) in table {
            let mut node = &mut root;
            let parts: Vec<&'static str> = if flat { vec![path] } else { path.split('.').collect() };
            for part in parts {
                let (name, lists) = match part.find("[]") {
                    Some(at) => part.split_at(at),
                    None => (part, ""),
                };
                node = node.child(name);
                for _ in 0..lists.len() / 2 {
                    node = node.items.get_or_insert_default();
                }
            }
            node.reading = Some(*reading);
        }
        root
    }

    fn child(&mut self, name: &'static str) -> &mut Self {
        let at = self.names.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            self.names.push((name, Self::default()));
            self.names.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the position was found or pushed a line above")]
        &mut self.names[at].1
    }

    fn get(&self, name: &str) -> Option<&Self> {
        self.names.iter().find(|(known, _)| *known == name).map(|(_, node)| node)
    }
}

/// Reads every field of an object that the tree names, in the order of the record.
pub(crate) fn read_object<'a>(fields: &Fields, object: LazyValue<'a>, draft: &mut Draft<'a>) {
    read_members(fields, "", object, DEPTH_MAX, draft);
}

/// No table is deeper than this. A list in a list is read by the same rule, so a hostile record could be nested without end.
const DEPTH_MAX: usize = 12;

fn read_members<'a>(fields: &Fields, path: &str, object: LazyValue<'a>, depth: usize, draft: &mut Draft<'a>) {
    let Some(entries) = object.into_object_iter() else { return };
    for (name, value) in entries.flatten() {
        let Some(node) = fields.get(&name) else { continue };
        let path: Cow<'_, str> =
            if path.is_empty() { Cow::Borrowed(&name) } else { Cow::Owned(format!("{path}.{name}")) };
        read_value(node, &path, value, depth, draft);
    }
}

fn read_value<'a>(node: &Fields, path: &str, value: LazyValue<'a>, depth: usize, draft: &mut Draft<'a>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value.get_type() {
        JsonType::Object if node.reading == Some(Reading::HttpHeader) => read_header(path, value, draft),
        JsonType::Object => read_members(node, path, value, depth, draft),
        JsonType::Array => {
            // Some writers give one value where others give a list of it, so a list is also read by a plain field's rule.
            let items = node.items.as_deref().unwrap_or(node);
            for (index, item) in value.into_array_iter().into_iter().flatten().flatten().enumerate() {
                read_value(items, &format!("{path}[{index}]"), item, depth, draft);
            }
        }
        JsonType::String => {
            if let (Some(reading), Some(text)) = (node.reading_of_one(), text_of(&value)) {
                draft.take(reading, Cow::Owned(path.to_owned()), text);
            }
        }
        JsonType::Number => {
            if let Some(reading) = node.reading_of_one() {
                draft.take(reading, Cow::Owned(path.to_owned()), value.as_raw_cow());
            }
        }
        JsonType::Null | JsonType::Boolean => {}
    }
}

fn read_header<'a>(path: &str, header: LazyValue<'a>, draft: &mut Draft<'a>) {
    let (mut name, mut content) = (None, None);
    for (key, value) in header.into_object_iter().into_iter().flatten().flatten() {
        match key.as_ref() {
            "name" => name = text_of(&value),
            "value" => content = text_of(&value),
            _ => {}
        }
    }
    if let (Some(name), Some(content)) = (name, content) {
        draft.take_header(&name, Cow::Owned(format!("{path}.value")), content);
    }
}

impl Fields {
    /// The rule for a single value, also where the table expects a list.
    fn reading_of_one(&self) -> Option<Reading> {
        self.reading.or_else(|| self.items.as_deref().and_then(|items| items.reading))
    }
}

/// The text of a JSON string, borrowed from the line where it holds no escape.
pub(crate) fn text_of<'a>(value: &LazyValue<'a>) -> Option<Cow<'a, str>> {
    let raw = value.as_raw_cow();
    if let Cow::Borrowed(raw) = raw
        && let Some(inner) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'))
        && !inner.contains('\\')
    {
        return Some(Cow::Borrowed(inner));
    }
    value.as_str().map(|text| Cow::Owned(text.to_owned()))
}
