use std::fmt;

/// Whether a file can be used in spite of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// It can; somebody should look.
    Warning,
    /// It cannot: the file is left out.
    Error,
}

/// One thing found in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Error or warning.
    pub gravity: Gravity,
    /// The file's name.
    pub file: String,
    /// Where in it: a dotted key such as `stage.final.clock.1.basis`, or `line 12`.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.key, self.message)
    }
}

/// Gathers what is found in one file.
pub(crate) struct Problems<'a> {
    file: &'a str,
    pub(crate) found: Vec<Problem>,
}

/// At most so many for one file: whoever sends more is not helped by reading them.
const PROBLEMS_MAX: usize = 100;

impl<'a> Problems<'a> {
    pub(crate) fn of(file: &'a str) -> Self {
        Self { file, found: Vec::new() }
    }

    pub(crate) fn error(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.push(Gravity::Error, key.into(), message.into());
    }

    pub(crate) fn warning(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.push(Gravity::Warning, key.into(), message.into());
    }

    pub(crate) fn is_fatal(&self) -> bool {
        self.found.iter().any(|problem| problem.gravity == Gravity::Error)
    }

    fn push(&mut self, gravity: Gravity, key: String, message: String) {
        if self.found.len() < PROBLEMS_MAX {
            self.found.push(Problem { gravity, file: self.file.to_owned(), key, message });
        }
    }
}

/// Reads TOML into a raw form; what serde refuses becomes a problem with its line.
pub(crate) fn read_toml<T: serde::de::DeserializeOwned>(
    text: &str,
    problems: &mut Problems<'_>,
) -> Option<T> {
    match toml::from_str(text) {
        Ok(raw) => Some(raw),
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
            problems.error(format!("line {line}"), error.message().to_owned());
            None
        }
    }
}
