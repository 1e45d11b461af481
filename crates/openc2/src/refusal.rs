use std::fmt;

use crate::Status;

/// Why something that somebody sent is not taken, and which clause says so. It bears no value out of what was sent, so it may be logged
/// and answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    fault: Fault,
    clause: &'static str,
    pointer: String,
    message: &'static str,
}

/// What kind of fault a [`Refusal`] is: it decides the status of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is against the language: 400.
    Malformed,
    /// It is sound, and this consumer does not do it: 501, with the fixed text of the profile.
    Unsupported(&'static str),
}

impl Refusal {
    pub(crate) fn malformed(clause: &'static str, at: &At, message: &'static str) -> Self {
        Self { fault: Fault::Malformed, clause, pointer: at.to_string(), message }
    }

    pub(crate) fn unsupported(
        clause: &'static str,
        at: &At,
        text: &'static str,
        message: &'static str,
    ) -> Self {
        Self { fault: Fault::Unsupported(text), clause, pointer: at.to_string(), message }
    }

    /// The same, as a fault of the sender's. For what the language forbids outright where a profile would say "not supported".
    pub(crate) fn into_malformed(self, clause: &'static str) -> Self {
        Self { fault: Fault::Malformed, clause, ..self }
    }

    /// What kind of fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// The clause, e.g. `LS 3.3.1.4`; `LS` is the Language Specification 1.0, `SLPF` the profile 1.0, `HTTPS` and `MQTT` the transfer
    /// specifications, `I-JSON` RFC 7493.
    #[must_use]
    pub fn clause(&self) -> &'static str {
        self.clause
    }

    /// Where: a JSON pointer (RFC 6901), empty for the whole.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &'static str {
        self.message
    }

    /// The status to answer with.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.fault {
            Fault::Malformed => Status::BadRequest,
            Fault::Unsupported(_) => Status::NotImplemented,
        }
    }

    /// The text to answer with: the profile's own where it has one.
    #[must_use]
    pub fn status_text(&self) -> String {
        match self.fault {
            Fault::Malformed => self.to_string(),
            Fault::Unsupported(text) => text.to_owned(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(f, "{} at `{place}` ({})", self.message, self.clause)
    }
}

impl std::error::Error for Refusal {}

/// The most characters of one step of a pointer that are repeated in a refusal.
const STEP_CHARS_MAX: usize = 40;

/// A place in what was sent. Names are the sender's, so they are cut and stripped of control characters.
#[derive(Debug, Clone, Default)]
pub(crate) struct At(Vec<String>);

impl At {
    pub(crate) fn root() -> Self {
        Self::default()
    }

    pub(crate) fn to(&self, step: impl fmt::Display) -> Self {
        let mut steps = self.0.clone();
        steps.push(
            step.to_string().chars().filter(|c| !c.is_control()).take(STEP_CHARS_MAX).collect::<String>(),
        );
        Self(steps)
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "/{}", step.replace('~', "~0").replace('/', "~1")))
    }
}
