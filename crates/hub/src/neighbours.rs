//! What stands beside an object or a value: the objects that it names and that name it, the far ends of its relationships, the values
//! that it mentions, and what else mentions those. Only what the reader may see, end by end: a relationship does not tell of an end
//! that is hidden, and no way leads through it.

use std::collections::HashMap;

use jiff::Timestamp;
use oversight::Realm;
use policy::Visible;
use stix::observable::{ValueKind, values};
use stix::{Id, Object};
use store::objects::{Mention, Row};
use store::{Reader, StoreError, objects};

use crate::api::summaries::{leaving, parse};
use crate::release::Leaving;

/// Values of one object that are followed.
const VALUES_MAX: usize = 50;
/// What a value's node begins with.
const VALUE_PREFIX: &str = "value:";
/// References that tie everything to everybody and tell nothing.
const UNTOLD: [&str; 2] = ["created_by_ref", "object_marking_refs"];

/// A node of the graph.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Node {
    /// An object.
    Object(Id),
    /// A value.
    Value(ValueKind, String),
}

/// A tie between two nodes.
#[derive(Debug, Clone)]
pub(crate) struct Tie {
    pub(crate) source: Node,
    pub(crate) target: Node,
    pub(crate) kind: String,
    /// The relationship or sighting that it stands for.
    pub(crate) object: Option<Id>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    /// The object that says so.
    pub(crate) said_by: Leaving,
}

/// A page of what stands beside a node.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    pub(crate) ties: Vec<Tie>,
    /// Where to read on: before this sequence.
    pub(crate) next: Option<i64>,
}

/// Looks around for one reader of one snapshot.
pub(crate) struct Around<'a, 'c> {
    reader: &'a Reader<'c>,
    realm: &'a Realm,
    visible: &'a Visible,
    /// Only ties that hold at some time from … until ….
    window: (Option<Timestamp>, Option<Timestamp>),
    /// Mentions read for one node.
    limit: usize,
    seen: HashMap<Id, bool>,
    /// The earliest and latest time of any tie that was met, within the window or not.
    pub(crate) span: Option<(Timestamp, Timestamp)>,
}

impl Node {
    /// A STIX identifier, or `value:<kind>:<value>`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix(VALUE_PREFIX) {
            None => Id::parse(text).ok().map(Self::Object),
            Some(rest) => ValueKind::ALL.into_iter().find_map(|kind| {
                let value = rest.strip_prefix(kind.name())?.strip_prefix(':')?;
                (!value.is_empty()).then(|| Self::Value(kind, value.to_owned()))
            }),
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Object(id) => id.to_string(),
            Self::Value(kind, value) => format!("{VALUE_PREFIX}{}:{value}", kind.name()),
        }
    }
}

impl<'a, 'c> Around<'a, 'c> {
    pub(crate) fn new(
        reader: &'a Reader<'c>,
        realm: &'a Realm,
        visible: &'a Visible,
        window: (Option<Timestamp>, Option<Timestamp>),
        limit: usize,
    ) -> Self {
        Self { reader, realm, visible, window, limit, seen: HashMap::new(), span: None }
    }

    /// Whether a node may be shown at all: values are there where something that mentions them is.
    pub(crate) fn is_there(&mut self, node: &Node) -> Result<bool, StoreError> {
        match node {
            Node::Object(id) => self.is_visible(id),
            Node::Value(kind, value) => {
                let found = objects::mentioning(self.reader, self.realm, self.visible, *kind, value, 1)?;
                Ok(!found.is_empty())
            }
        }
    }

    /// How many objects name a node, up to [`objects::COUNT_MAX`].
    pub(crate) fn degree(&self, node: &Node) -> Result<u64, StoreError> {
        match node {
            Node::Object(id) => objects::referring_count(self.reader, self.realm, self.visible, id),
            Node::Value(kind, value) => {
                objects::mentioning_count(self.reader, self.realm, self.visible, *kind, value)
            }
        }
    }

    /// What stands beside a node, from before a sequence on; the first page (`i64::MAX`) also has what the object itself names.
    pub(crate) fn beside(&mut self, node: &Node, before: i64) -> Result<Beside, StoreError> {
        let mut ties = Vec::new();
        let next = match node {
            Node::Object(id) => {
                let Some(row) = objects::get(self.reader, self.realm, self.visible, id)? else {
                    return Ok(Beside::default());
                };
                if before == i64::MAX {
                    self.own(&row, &mut ties)?;
                }
                self.mentions(id, before, &mut ties)?
            }
            Node::Value(kind, value) => {
                let mut rows = objects::mentioning_before(
                    self.reader,
                    self.realm,
                    self.visible,
                    (*kind, value),
                    before,
                    self.limit + 1,
                )?;
                let more = rows.len() > self.limit;
                rows.truncate(self.limit);
                for row in &rows {
                    let object = parse(row)?;
                    let source = Node::Object(row.id.clone());
                    ties.push(tie((source, node.clone()), "value", (None, &object), leaving(row)));
                }
                rows.last().filter(|_| more).map(|row| row.sequence)
            }
        };
        for (since, until) in ties.iter().map(|tie| (tie.since, tie.until)) {
            self.stretch(since);
            self.stretch(until);
        }
        let (from, until) = self.window;
        ties.retain(|tie| tie.holds_within(from, until));
        Ok(Beside { ties, next })
    }

    /// What an object names: references and values.
    fn own(&mut self, row: &Row, ties: &mut Vec<Tie>) -> Result<(), StoreError> {
        let object = parse(row)?;
        let here = Node::Object(row.id.clone());
        for (path, id) in object.references() {
            let property = property(&path);
            if UNTOLD.contains(&property) || path.contains("marking") || !self.is_visible(&id)? {
                continue;
            }
            ties.push(tie((here.clone(), Node::Object(id)), property, (None, &object), leaving(row)));
        }
        for (kind, value) in values(&object).into_iter().take(VALUES_MAX) {
            let there = Node::Value(kind, value);
            ties.push(tie((here.clone(), there), "value", (None, &object), leaving(row)));
        }
        Ok(())
    }

    /// What names an object.
    fn mentions(&mut self, id: &Id, before: i64, ties: &mut Vec<Tie>) -> Result<Option<i64>, StoreError> {
        let mut mentions =
            objects::referring_before(self.reader, self.realm, self.visible, id, before, self.limit + 1)?;
        let more = mentions.len() > self.limit;
        mentions.truncate(self.limit);
        for mention in &mentions {
            self.mention(id, mention, ties)?;
        }
        Ok(mentions.last().filter(|_| more).map(|mention| mention.row.sequence))
    }

    fn mention(&mut self, id: &Id, mention: &Mention, ties: &mut Vec<Tie>) -> Result<(), StoreError> {
        let (row, object) = (&mention.row, parse(&mention.row)?);
        let end = |name: &str| object.text(name).and_then(|text| Id::parse(text).ok());
        if row.id.object_type() == "relationship"
            && let (Some(source), Some(target)) = (end("source_ref"), end("target_ref"))
            && (source == *id || target == *id)
        {
            if self.is_visible(&source)? && self.is_visible(&target)? {
                let kind = object.text("relationship_type").unwrap_or("related-to");
                let ends = (Node::Object(source), Node::Object(target));
                ties.push(tie(ends, kind, (Some(&row.id), &object), leaving(row)));
            }
            return Ok(());
        }
        if row.id.object_type() == "sighting" && end("sighting_of_ref").as_ref() == Some(id) {
            let places = object.references().into_iter();
            let places = places.filter(|(path, _)| property(path) == "where_sighted_refs");
            let mut told = false;
            for (_, place) in places {
                if self.is_visible(&place)? {
                    let ends = (Node::Object(id.clone()), Node::Object(place));
                    ties.push(tie(ends, "sighting", (Some(&row.id), &object), leaving(row)));
                    told = true;
                }
            }
            if told {
                return Ok(());
            }
        }
        for path in &mention.properties {
            if !UNTOLD.contains(&property(path)) {
                let ends = (Node::Object(row.id.clone()), Node::Object(id.clone()));
                ties.push(tie(ends, property(path), (None, &object), leaving(row)));
            }
        }
        Ok(())
    }

    fn is_visible(&mut self, id: &Id) -> Result<bool, StoreError> {
        if let Some(known) = self.seen.get(id) {
            return Ok(*known);
        }
        let found = objects::get(self.reader, self.realm, self.visible, id)?.is_some();
        self.seen.insert(id.clone(), found);
        Ok(found)
    }

    fn stretch(&mut self, at: Option<Timestamp>) {
        if let Some(at) = at {
            let (earliest, latest) = self.span.unwrap_or((at, at));
            self.span = Some((earliest.min(at), latest.max(at)));
        }
    }
}

impl Tie {
    /// The other end.
    pub(crate) fn far(&self, near: &Node) -> &Node {
        if self.source == *near { &self.target } else { &self.source }
    }

    /// What has no time holds always.
    fn holds_within(&self, from: Option<Timestamp>, until: Option<Timestamp>) -> bool {
        let begins = self.since.or(self.until);
        let ends = self.until.or(self.since);
        until.is_none_or(|until| begins.is_none_or(|begins| begins <= until))
            && from.is_none_or(|from| ends.is_none_or(|ends| ends >= from))
    }
}

fn tie(
    (source, target): (Node, Node),
    kind: &str,
    (stands_for, object): (Option<&Id>, &Object),
    said_by: Leaving,
) -> Tie {
    Tie {
        source,
        target,
        kind: kind.to_owned(),
        object: stands_for.cloned(),
        since: time(object, &["start_time", "first_seen", "first_observed", "valid_from", "created"]),
        until: time(object, &["stop_time", "last_seen", "last_observed"]),
        said_by,
    }
}

/// The first of some properties that holds a time.
pub(crate) fn time(object: &Object, properties: &[&str]) -> Option<Timestamp> {
    properties.iter().find_map(|property| object.text(property)?.parse().ok())
}

/// `object_refs[2]` is of `object_refs`, and so is what stands within an extension: the innermost name counts.
fn property(path: &str) -> &str {
    let named = path.split('[').next().unwrap_or(path);
    named.rsplit('.').find(|part| !part.is_empty()).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_called_by_their_innermost_name() {
        let check = |path: &str, expected: &str| assert_eq!(property(path), expected, "{path}");
        check("object_refs[2]", "object_refs");
        check("created_by_ref", "created_by_ref");
        check("extensions.extension-definition--x.objects[0]", "objects");
    }

    #[test]
    fn nodes_are_read_as_they_are_written() {
        for text in [
            "indicator--00000000-0000-4000-8000-000000000001",
            "value:domain-name:evil.example.com",
            "value:url:http://evil.example.com/a,b",
            "value:file:hashes.SHA-256:00",
            "value:file:name:a b.exe",
        ] {
            assert_eq!(Node::parse(text).map(|node| node.text()).as_deref(), Some(text));
        }
        for text in ["", "value:", "value:nothing:x", "value:url:", "indicator"] {
            assert_eq!(Node::parse(text), None, "{text}");
        }
    }
}
