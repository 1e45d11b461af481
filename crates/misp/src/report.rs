//! What a conversion did, for a machine to read: what became what, what is kept in the extension, what deserves a look.

use std::collections::BTreeMap;

use serde::Serialize;

/// Warnings that are told in full; further ones are counted.
const WARNINGS_MAX: usize = 1_000;

/// The account of one conversion.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// MISP events.
    pub events: u64,
    /// MISP attributes, those of objects included.
    pub attributes: u64,
    /// MISP objects.
    pub objects: u64,
    /// What was made, counted by STIX type, or by MISP's word for it on the way back.
    pub converted: BTreeMap<String, u64>,
    /// Fields that the target has no place for and that are kept beside it, counted by their path, e.g. `attribute.distribution`.
    pub kept_in_extension: BTreeMap<String, u64>,
    /// What was not kept. Always empty but for numbers that a server gave out for its own use.
    pub lost: BTreeMap<String, u64>,
    /// What a person should look at.
    pub warnings: Vec<Warning>,
    /// Warnings beyond those that are told.
    pub warnings_more: u64,
}

/// One thing that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// A stable code, e.g. `homograph`, `not-marked`, `indicator-too-broad`.
    pub code: &'static str,
    /// The element: its UUID or STIX identifier.
    pub element: String,
    /// What and why, for a person.
    pub message: String,
}

impl Report {
    pub(crate) fn made(&mut self, what: &str) {
        match self.converted.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(self.converted.insert(what.to_owned(), 1)),
        }
    }

    pub(crate) fn warn(&mut self, code: &'static str, element: &str, message: impl Into<String>) {
        if self.warnings.len() < WARNINGS_MAX {
            self.warnings.push(Warning { code, element: element.to_owned(), message: message.into() });
        } else {
            self.warnings_more += 1;
        }
    }

    /// Adds another account to this one.
    pub fn add(&mut self, other: Self) {
        self.events += other.events;
        self.attributes += other.attributes;
        self.objects += other.objects;
        let sums = [
            (&mut self.converted, other.converted),
            (&mut self.kept_in_extension, other.kept_in_extension),
            (&mut self.lost, other.lost),
        ];
        for (sum, more) in sums {
            more.into_iter().for_each(|(key, count)| *sum.entry(key).or_default() += count);
        }
        self.warnings_more += other.warnings_more;
        for warning in other.warnings {
            if self.warnings.len() < WARNINGS_MAX {
                self.warnings.push(warning);
            } else {
                self.warnings_more += 1;
            }
        }
    }
}
