use std::fmt;

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
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub remedy: &'static str,
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
    pub(crate) fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        at: &Pointer,
        message: impl Into<String>,
        remedy: &'static str,
    ) {
        if self.list.len() < FINDINGS_MAX {
            let finding =
                Finding { severity, code, pointer: at.to_string(), message: message.into(), remedy };
            self.list.push(finding);
        } else {
            self.dropped += 1;
        }
    }

    pub(crate) fn error(
        &mut self,
        code: &'static str,
        at: &Pointer,
        message: impl Into<String>,
        remedy: &'static str,
    ) {
        self.add(Severity::Error, code, at, message, remedy);
    }

    pub(crate) fn warn(
        &mut self,
        code: &'static str,
        at: &Pointer,
        message: impl Into<String>,
        remedy: &'static str,
    ) {
        self.add(Severity::Warning, code, at, message, remedy);
    }

    pub(crate) fn note(
        &mut self,
        code: &'static str,
        at: &Pointer,
        message: impl Into<String>,
        remedy: &'static str,
    ) {
        self.add(Severity::Note, code, at, message, remedy);
    }

    /// The findings, heaviest first, then in the order of the document's parts.
    pub(crate) fn into_sorted(mut self) -> Vec<Finding> {
        if self.dropped > 0 {
            // What was dropped could have been an error, so the list as a whole is one.
            self.list.push(Finding {
                severity: Severity::Error,
                code: "too-many-findings",
                pointer: String::new(),
                message: format!("{} more findings are not listed", self.dropped),
                remedy: "mend those that are listed and look again",
            });
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
