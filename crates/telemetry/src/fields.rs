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
    /// Whether `{"a.b": …}` says the same as `{"a": {"b": …}}`.
    dotted: bool,
}

impl Fields {
    /// Builds the tree. A name may itself hold dots (Zeek's `id.orig_h`): `flat` takes the whole path as one name.
    pub(crate) fn new(table: Table, flat: bool) -> Self {
        let mut root = Self::default();
        for (path, reading) in table {
            let parts: Vec<&'static str> = if flat { vec![path] } else { path.split('.').collect() };
            root.add(parts.into_iter(), *reading);
        }
        root
    }

    /// A tree in which dots and nesting are the same thing, of several tables, each below a path of its own (`""` for the top).
    pub(crate) fn below(tables: &[(&'static str, Table)]) -> Self {
        let mut root = Self { dotted: true, ..Self::default() };
        for (prefix, table) in tables {
            let before = || prefix.split('.').filter(|part| !part.is_empty());
            for (path, reading) in *table {
                root.add(before().chain(path.split('.')), *reading);
            }
        }
        root
    }

    fn add(&mut self, parts: impl Iterator<Item = &'static str>, reading: Reading) {
        let mut node = self;
        for part in parts {
            let (name, lists) = match part.find("[]") {
                Some(at) => part.split_at(at),
                None => (part, ""),
            };
            node = node.child(name);
            for _ in 0..lists.len() / 2 {
                let dotted = node.dotted;
                node = node.items.get_or_insert_with(|| Box::new(Self { dotted, ..Self::default() }));
            }
        }
        node.reading = Some(reading);
    }

    fn child(&mut self, name: &'static str) -> &mut Self {
        let at = self.names.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            self.names.push((name, Self { dotted: self.dotted, ..Self::default() }));
            self.names.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the position was found or pushed a line above")]
        &mut self.names[at].1
    }

    fn get(&self, name: &str) -> Option<&Self> {
        self.names.iter().find(|(known, _)| *known == name).map(|(_, node)| node)
    }

    /// The node of a name; where dots are nesting, of a path in one name.
    fn find(&self, name: &str) -> Option<&Self> {
        let found = self.get(name);
        if found.is_some() || !self.dotted || !name.contains('.') {
            return found;
        }
        name.split('.').try_fold(self, |node, part| node.get(part))
    }

    /// The rule for a column of that name.
    pub(crate) fn reading_of(&self, name: &str) -> Option<Reading> {
        self.find(name).and_then(Self::reading_of_one)
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
        let Some(node) = fields.find(&name) else { continue };
        let path: Cow<'_, str> =
            if path.is_empty() { Cow::Borrowed(&name) } else { Cow::Owned(format!("{path}.{name}")) };
        read_value(node, &path, value, depth, draft);
    }
}

fn read_value<'a>(node: &Fields, path: &str, value: LazyValue<'a>, depth: usize, draft: &mut Draft<'a>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value.get_type() {
        JsonType::Object => match node.reading {
            Some(
                reading @ (Reading::HttpHeader
                | Reading::HashObject
                | Reading::Observable
                | Reading::EventData),
            ) => read_pair(reading, path, value, draft),
            _ => read_members(node, path, value, depth, draft),
        },
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

/// An object that says in one member what the other is.
fn read_pair<'a>(reading: Reading, path: &str, object: LazyValue<'a>, draft: &mut Draft<'a>) {
    let (mut name, mut content) = (None, None);
    for (key, value) in object.into_object_iter().into_iter().flatten().flatten() {
        let key: &str = &key;
        match (reading, key) {
            (Reading::EventData, "@Name" | "Name") => name = text_of(&value),
            (Reading::EventData, "#attributes") => name = member(value, "Name"),
            (Reading::EventData, "#text" | "text" | "Value") => content = text_of(&value),
            (_, "value") => content = text_of(&value),
            (Reading::HttpHeader, "name") => name = text_of(&value),
            (Reading::Observable, "type_id") => name = Some(value.as_raw_cow()),
            _ => {}
        }
    }
    let Some(content) = content else { return };
    let field = Cow::Owned(format!("{path}.value"));
    match (reading, name) {
        // The file's name and its hash then stand in the same object.
        (Reading::HashObject, _) => draft.take_hash(Cow::Owned(path.to_owned()), content),
        (Reading::Observable, Some(name)) => draft.take_observable(&name, field, content),
        (Reading::EventData, Some(name)) => draft.take_event_data(&name, path, content),
        (_, Some(name)) => draft.take_header(&name, field, content),
        (_, None) => {}
    }
}

/// The text of one member of an object.
fn member<'a>(object: LazyValue<'a>, name: &str) -> Option<Cow<'a, str>> {
    let mut members = object.into_object_iter()?.flatten();
    members.find(|(key, _)| &**key == name).and_then(|(_, value)| text_of(&value))
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
