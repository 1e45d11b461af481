use std::collections::BTreeMap;
use std::fmt;

use crate::detail::{Detail, Told};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know; nothing is wrong.
    Note,
    /// Against a SHOULD, or probably not what was meant. The playbook runs.
    Warning,
    /// Against a MUST, or without a meaning. The playbook is kept and shown, and does not run.
    Error,
}

impl Severity {
    /// `note`, `warning`, `error`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that is wrong with a playbook, or odd about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// A stable name of the kind of finding, e.g. `cycle`.
    pub code: &'static str,
    /// Where in the document: a JSON pointer (RFC 6901), empty for the whole.
    pub pointer: String,
    /// What is wrong, by a stable code of its own: a kind of finding may have several.
    pub detail: Detail,
    /// What stands in the places of its text, by their names.
    pub arguments: BTreeMap<&'static str, String>,
    /// What is wrong, one English sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub remedy: &'static str,
}

impl Finding {
    fn new(severity: Severity, told: Told, pointer: String) -> Self {
        let (message, Told { detail, arguments }) = (told.say(), told);
        Self { severity, code: detail.kind(), pointer, detail, arguments, message, remedy: detail.remedy() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(f, "{} {} at {place}: {}; {}", self.severity.as_str(), self.code, self.message, self.remedy)
    }
}

/// The most findings of one document; a hostile one could have millions.
pub const FINDINGS_MAX: usize = 1_000;

/// Collects findings up to [`FINDINGS_MAX`].
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    dropped: usize,
}

impl Findings {
    fn add(&mut self, severity: Severity, told: Told, at: &Pointer) {
        if self.list.len() < FINDINGS_MAX {
            self.list.push(Finding::new(severity, told, at.to_string()));
        } else {
            self.dropped += 1;
        }
    }

    pub(crate) fn error(&mut self, told: impl Into<Told>, at: &Pointer) {
        self.add(Severity::Error, told.into(), at);
    }

    pub(crate) fn warn(&mut self, told: impl Into<Told>, at: &Pointer) {
        self.add(Severity::Warning, told.into(), at);
    }

    pub(crate) fn note(&mut self, told: impl Into<Told>, at: &Pointer) {
        self.add(Severity::Note, told.into(), at);
    }

    /// The findings, heaviest first, then in the order of the document's parts.
    pub(crate) fn into_sorted(mut self) -> Vec<Finding> {
        if self.dropped > 0 {
            // What was dropped could have been an error, so the list as a whole is one.
            let told = Detail::TooManyFindings.with(&[("count", &self.dropped)]);
            self.list.push(Finding::new(Severity::Error, told, String::new()));
        }
        self.list.sort_by(|a, b| {
            b.severity.cmp(&a.severity).then_with(|| a.pointer.cmp(&b.pointer)).then(a.code.cmp(b.code))
        });
        self.list
    }
}

/// A place in a document, as the list of steps to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pointer(Vec<String>);

impl Pointer {
    pub(crate) fn root() -> Self {
        Self::default()
    }

    /// The place `step` below this one.
    pub(crate) fn at(&self, step: impl fmt::Display) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.to_string());
        Self(steps)
    }

    /// The place of one workflow step's property.
    pub(crate) fn step(id: &str, property: &str) -> Self {
        let step = Self::root().at("workflow").at(id);
        if property.is_empty() { step } else { step.at(property) }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "/{}", step.replace('~', "~0").replace('/', "~1")))
    }
}
