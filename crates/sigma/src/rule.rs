use std::sync::Arc;

use stix::Object;

use crate::indicator::Indicator;

/// A text of one or more Sigma rules, and whose they are.
///
/// Bounds, beyond which a rule is refused and nothing else stops: 64 KiB and 10,000 nodes of YAML for a rule, anchors written
/// out; 32 levels; 4 KiB of condition; regular expressions of 4 KiB that compile to 4 MiB each and 16 MiB together; 256 KiB of
/// spellings by `windash`.
#[derive(Debug, Clone)]
pub struct RuleText {
    pub(crate) origin: Origin,
    pub(crate) yaml: String,
}

impl RuleText {
    /// The rules in an indicator's pattern.
    ///
    /// # Errors
    /// `pattern-missing`, `version-missing`, `validity`, with the reason.
    pub fn of_indicator(object: &Object) -> Result<Self, Refused> {
        match Indicator::from_object(object) {
            Ok((indicator, yaml)) => Ok(Self { origin: Origin::Indicator(Arc::new(indicator)), yaml }),
            Err(why) => Err(Refused {
                place: object.id().to_string(),
                line: None,
                code: why.code,
                message: why.message,
            }),
        }
    }

    /// The rules in one of the operator's own files, by its name.
    #[must_use]
    pub fn of_file(name: &str, yaml: String) -> Self {
        Self { origin: Origin::File(name.into()), yaml }
    }

    /// Whose the rules are.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// Whose a rule is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A shared indicator, which a sighting can name.
    Indicator(Arc<Indicator>),
    /// The operator's own file; nothing of it leaves.
    File(Arc<str>),
}

impl Origin {
    /// The indicator's identifier or the file's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Indicator(indicator) => indicator.id.as_str(),
            Self::File(name) => name,
        }
    }

    /// The indicator, where one stands behind the rule.
    #[must_use]
    pub fn indicator(&self) -> Option<&Indicator> {
        match self {
            Self::Indicator(indicator) => Some(indicator),
            Self::File(_) => None,
        }
    }
}

/// A rule in use.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The rule's own identifier, as its author wrote it.
    pub id: Option<String>,
    /// The rule's title.
    pub title: String,
    /// `informational`, `low`, `medium`, `high` or `critical`, where the author gave one.
    pub level: Option<&'static str>,
    /// Whose it is.
    pub origin: Origin,
    /// The line of the text on which it begins, from 1.
    pub line: u32,
    /// False for what only feeds a correlation.
    pub(crate) reports: bool,
}

/// A rule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}{}: {message}", line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct Refused {
    /// The indicator's identifier or the file's name.
    pub place: String,
    /// The line on which the rule begins, or its fault is, from 1.
    pub line: Option<u32>,
    /// A stable code, e.g. `sigma-yaml`, `sigma-too-large`, `sigma-placeholder`.
    pub code: &'static str,
    /// Why, for a person.
    pub message: String,
}

/// A reason without its place.
#[derive(Debug)]
pub(crate) struct Why {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) line: Option<u32>,
}

impl Why {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), line: None }
    }

    pub(crate) fn at(self, origin: &Origin, line: u32) -> Refused {
        let Self { code, message, line: within } = self;
        let line = line.saturating_add(within.map_or(0, |within| within.saturating_sub(1)));
        Refused {
            place: origin.name().to_owned(),
            line: Some(line),
            code,
            message: short(&message).to_owned(),
        }
    }
}

/// The beginning of a stranger's text that is only shown.
pub(crate) fn short(text: &str) -> &str {
    const SHOWN_BYTES_MAX: usize = 200;
    let mut end = text.len().min(SHOWN_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
