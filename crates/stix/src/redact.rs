//! An object without some of its parts: another object, with an identifier of its own (STIX 2.1 §3.5, §7.2.3).
//!
//! Which parts, and for whom, is not asked here. What is asked here: that the rest is a valid object, that its selectors name what
//! they named before, and that nothing of what was left out stands in it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::validate::{Severity, validate};
use crate::{Id, Object};

/// A selector as the steps it takes (STIX 2.1 §7.2.3.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Step {
    Name(String),
    Place(usize),
}

/// Properties without which an object is another thing, or means another thing: an object of which one of these is to be left out is
/// left out as a whole. What each type requires besides, its validation says.
const KEPT: [&str; 11] = [
    "type",
    "spec_version",
    "id",
    "created",
    "modified",
    "revoked",
    "valid_until",
    "is_family",
    "object_marking_refs",
    "granular_markings",
    "extensions",
];

/// Texts that are shorter are not looked for in what remains: they stand everywhere.
const TOLD_BYTES_MIN: usize = 4;

impl Selector {
    /// Reads a selector.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let step = |step: &str| {
            let place = step.strip_prefix('[').and_then(|step| step.strip_suffix(']'));
            place
                .and_then(|place| place.parse().ok())
                .map_or_else(|| Step::Name(step.to_owned()), Step::Place)
        };
        Self(text.split('.').map(step).collect())
    }

    /// Whether this names `other` or something around it.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// The text that [`Selector::parse`] reads.
    #[must_use]
    pub fn text(&self) -> String {
        let steps = self.0.iter().map(|step| match step {
            Step::Name(name) => name.clone(),
            Step::Place(place) => format!("[{place}]"),
        });
        steps.collect::<Vec<_>>().join(".")
    }

    /// The property of the object in which it is.
    #[must_use]
    pub fn property(&self) -> Option<&str> {
        match self.0.first() {
            Some(Step::Name(name)) => Some(name),
            _ => None,
        }
    }

    /// The nearest entry of a list around it, or its property.
    fn around(&self) -> Self {
        let last = self.0.iter().rposition(|step| matches!(step, Step::Place(_)));
        Self(self.0.iter().take(last.map_or(1, |last| last + 1)).cloned().collect())
    }

    fn whole_property(&self) -> Self {
        Self(self.0.iter().take(1).cloned().collect())
    }
}

/// A copy of an object without what the selectors name, under another identifier and another creator, of the same version. `None` where
/// there can be none: where a property that the object needs would be missing, or where the rest would still tell what was
/// left out, or the object's own identifier.
///
/// Where the exact parts cannot be left out, for an entry of a list would be no valid entry without them, the entry is left out, and
/// then the whole property. The same input gives the same bytes.
#[must_use]
pub fn without(
    object: &Object,
    withheld: &BTreeSet<Selector>,
    id: &Id,
    created_by: Option<&Id>,
) -> Option<Object> {
    let names_kept = |selector: &Selector| {
        selector.0.len() == 1 && selector.property().is_none_or(|property| KEPT.contains(&property))
    };
    if withheld.iter().any(names_kept) {
        return None;
    }
    let wider: [fn(&Selector) -> Selector; 3] = [Selector::clone, Selector::around, Selector::whole_property];
    wider.into_iter().find_map(|widened| {
        let parts: BTreeSet<Selector> = withheld.iter().map(widened).collect();
        if parts.iter().any(names_kept) {
            return None;
        }
        let cut = Cut::of(object.properties(), &parts)?;
        let text = cut.write(object, id, created_by)?;
        let copy = Object::parse(Bytes::from(text)).ok()?;
        (is_as_valid(object, &copy) && tells_nothing(object, &copy, &cut)).then_some(copy)
    })
}

/// Faults that the original has as well (an empty list in a property of the producer's own) are not the copy's. What is missing counts as
/// a fault, also where the specification only advises to have it.
fn is_as_valid(object: &Object, copy: &Object) -> bool {
    let faults = |object: &Object| -> Vec<(&'static str, String)> {
        let found = validate(object).into_iter();
        let found = found
            .filter(|finding| finding.severity == Severity::Error || finding.code.starts_with("missing"));
        found.map(|finding| (finding.code, finding.path)).collect()
    };
    let new = faults(copy);
    if new.is_empty() {
        return true;
    }
    let old = faults(object);
    new.iter().all(|fault| old.contains(fault))
}

/// What is cut out of an object, as a tree over its values.
#[derive(Default)]
struct Cut {
    /// Whether the value here goes as a whole.
    whole: bool,
    names: BTreeMap<String, Cut>,
    places: BTreeMap<usize, Cut>,
}

impl Cut {
    /// `None` where a selector names nothing: then it is not known what its producer meant to mark.
    fn of(properties: &Map<String, Value>, parts: &BTreeSet<Selector>) -> Option<Self> {
        let mut root = Self::default();
        for part in parts {
            crate::marking::select(properties, &part.text())?;
            let mut node = &mut root;
            for step in &part.0 {
                node = match step {
                    Step::Name(name) => node.names.entry(name.clone()).or_default(),
                    Step::Place(place) => node.places.entry(*place).or_default(),
                };
            }
            node.whole = true;
        }
        for (name, cut) in &mut root.names {
            cut.settle(properties.get(name)?);
        }
        Some(root)
    }

    /// A list or dictionary of which everything goes, goes itself (STIX 2.1 §2.12 forbids empty ones).
    fn settle(&mut self, value: &Value) {
        if self.whole {
            return;
        }
        let left = match value {
            Value::Array(list) => {
                for (place, cut) in &mut self.places {
                    if let Some(value) = list.get(*place) {
                        cut.settle(value);
                    }
                }
                list.len().saturating_sub(self.places.values().filter(|cut| cut.whole).count())
            }
            Value::Object(map) => {
                for (name, cut) in &mut self.names {
                    if let Some(value) = map.get(name) {
                        cut.settle(value);
                    }
                }
                map.len().saturating_sub(self.names.values().filter(|cut| cut.whole).count())
            }
            _ => 1,
        };
        self.whole = left == 0;
    }

    /// What remains of a value.
    fn rest(&self, value: &Value) -> Option<Value> {
        if self.whole {
            return None;
        }
        Some(match value {
            Value::Array(list) => {
                let rest = list.iter().enumerate();
                let rest = rest.filter_map(|(place, value)| match self.places.get(&place) {
                    Some(cut) => cut.rest(value),
                    None => Some(value.clone()),
                });
                Value::Array(rest.collect())
            }
            Value::Object(map) => {
                let rest = map.iter().filter_map(|(name, value)| {
                    let rest = match self.names.get(name) {
                        Some(cut) => cut.rest(value)?,
                        None => value.clone(),
                    };
                    Some((name.clone(), rest))
                });
                Value::Object(rest.collect())
            }
            value => value.clone(),
        })
    }

    /// What a selector is called in the copy; `None` where what it names is gone.
    fn renamed(&self, selector: &Selector) -> Option<Selector> {
        let mut node = Some(self);
        let mut steps = Vec::with_capacity(selector.0.len());
        for step in &selector.0 {
            let (next, step) = match step {
                Step::Name(name) => (node.and_then(|node| node.names.get(name)), Step::Name(name.clone())),
                Step::Place(place) => {
                    let gone = |node: &Self| node.places.range(..place).filter(|(_, cut)| cut.whole).count();
                    let before = node.map_or(0, gone);
                    (node.and_then(|node| node.places.get(place)), Step::Place(place.saturating_sub(before)))
                }
            };
            if next.is_some_and(|next| next.whole) {
                return None;
            }
            steps.push(step);
            node = next;
        }
        Some(Selector(steps))
    }

    /// The granular markings of the copy: the selectors of what remains, and no marking of what does not.
    fn granular(&self, markings: &Value) -> Option<Value> {
        let mut kept = Vec::new();
        for marking in markings.as_array()? {
            let selectors = marking.get("selectors").and_then(Value::as_array)?;
            let mut seen = BTreeSet::new();
            let renamed = selectors.iter().filter_map(|text| self.renamed(&Selector::parse(text.as_str()?)));
            let renamed: Vec<Value> = renamed
                .map(|selector| selector.text())
                .filter(|text| seen.insert(text.clone()))
                .map(Value::String)
                .collect();
            if renamed.is_empty() {
                continue;
            }
            let mut marking = marking.as_object()?.clone();
            marking.insert("selectors".to_owned(), Value::Array(renamed));
            kept.push(Value::Object(marking));
        }
        (!kept.is_empty()).then_some(Value::Array(kept))
    }

    /// The copy's text, its properties in the order of the original. What is not cut is written as its producer wrote it, so that no
    /// digit of a number is lost.
    fn write(&self, object: &Object, id: &Id, created_by: Option<&Id>) -> Option<String> {
        let source: RawProperties<'_> = serde_json::from_slice(object.bytes()).ok()?;
        let mut out: Vec<(String, String)> = Vec::with_capacity(source.0.len());
        let creator = created_by.map(|id| ("created_by_ref".to_owned(), json!(id.as_str()).to_string()));
        for (name, value) in object.properties() {
            let text = match name.as_str() {
                "id" => {
                    out.push((name.clone(), json!(id.as_str()).to_string()));
                    // Observables (SCOs) have no creator.
                    if object.get("created").is_some() {
                        out.extend(creator.clone());
                    }
                    continue;
                }
                "created_by_ref" => continue,
                "granular_markings" => match self.granular(value) {
                    Some(kept) => kept.to_string(),
                    None => continue,
                },
                _ => match self.names.get(name) {
                    Some(cut) => match cut.rest(value) {
                        Some(rest) => rest.to_string(),
                        None => continue,
                    },
                    None => source.0.get(name.as_str())?.get().to_owned(),
                },
            };
            out.push((name.clone(), text));
        }
        let written: Vec<String> =
            out.into_iter().map(|(name, text)| format!("{}:{text}", Value::String(name))).collect();
        Some(format!("{{{}}}", written.join(",")))
    }
}

#[derive(Deserialize)]
struct RawProperties<'a>(#[serde(borrow)] std::collections::HashMap<std::borrow::Cow<'a, str>, &'a RawValue>);

/// Whether no text that was left out stands in the copy all the same, in a part that nobody marked, and the original's identifier
/// neither. Whoever marks a name and forgets that the description tells it meant to withhold it.
fn tells_nothing(object: &Object, copy: &Object, cut: &Cut) -> bool {
    let mut withheld = Vec::new();
    for (name, cut) in &cut.names {
        if let Some(value) = object.get(name) {
            texts_cut(value, cut, &mut withheld);
        }
    }
    let told: Vec<&str> = withheld.into_iter().filter(|text| text.len() >= TOLD_BYTES_MIN).collect();
    let original =
        [object.id().as_str(), object.id().as_str().rsplit_once("--").map_or("", |(_, uuid)| uuid)];
    let mut clean = true;
    for (name, value) in copy.properties() {
        if is_apart(name) {
            continue;
        }
        each_text(value, &mut |text| {
            clean &= !told.iter().any(|told| text.contains(told));
            clean &= original.iter().all(|id| id.is_empty() || !text.contains(id));
        });
    }
    clean
}

/// Properties whose texts are words of the specification or identifiers that were not marked; `id` and creator are the copy's own.
fn is_apart(name: &str) -> bool {
    matches!(
        name,
        "type"
            | "spec_version"
            | "id"
            | "created_by_ref"
            | "created"
            | "modified"
            | "granular_markings"
            | "object_marking_refs"
    )
}

/// The texts of a value that are cut out of it.
fn texts_cut<'v>(value: &'v Value, cut: &Cut, into: &mut Vec<&'v str>) {
    if cut.whole {
        all_texts(value, into);
        return;
    }
    for (name, cut) in &cut.names {
        if let Some(value) = value.get(name) {
            texts_cut(value, cut, into);
        }
    }
    for (place, cut) in &cut.places {
        if let Some(value) = value.get(place) {
            texts_cut(value, cut, into);
        }
    }
}

fn all_texts<'v>(value: &'v Value, into: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(list) => list.iter().for_each(|value| all_texts(value, into)),
        Value::Object(map) => map.values().for_each(|value| all_texts(value, into)),
        _ => {}
    }
}

fn each_text(value: &Value, take: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => take(text),
        Value::Array(list) => list.iter().for_each(|value| each_text(value, take)),
        Value::Object(map) => map.values().for_each(|value| each_text(value, take)),
        _ => {}
    }
}
