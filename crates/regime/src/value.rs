use serde::{Deserialize, Serialize};

use crate::text::{cleaned, is_unclean};

/// The longest text of a value in characters.
pub(crate) const VALUE_CHARS_MAX: usize = 20_000;
/// The longest line of a list in characters.
const LINE_CHARS_MAX: usize = 1_000;
/// The most lines of a list.
pub(crate) const LINES_MAX: usize = 1_000;
/// Numbers are exact in every JSON reader up to here.
pub(crate) const NUMBER_MAX: i64 = (1 << 53) - 1;

/// What a field of a record holds. What it may hold is said by [`crate::Field`]; here it is only bounded.
///
/// Times are RFC 3339 text, choices are the name of the choice, several choices and lists are lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    YesNo(bool),
    /// A whole number of at most 53 bits.
    Number(i64),
    /// A text, a time or a choice.
    Text(String),
    /// Several.
    List(Vec<String>),
}

impl Value {
    /// A text without what may not stand in one.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(cleaned(text))
    }

    /// A list of texts, each without what may not stand in one.
    #[must_use]
    pub fn list<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        Self::List(lines.into_iter().map(cleaned).collect())
    }

    /// Whether it is within bounds and holds no character that could deceive a reader.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        let fits = |text: &str, max: usize| text.chars().nth(max).is_none() && !text.chars().any(is_unclean);
        match self {
            Self::YesNo(_) => true,
            Self::Number(number) => number.abs() <= NUMBER_MAX,
            Self::Text(text) => fits(text, VALUE_CHARS_MAX),
            Self::List(lines) => {
                lines.len() <= LINES_MAX && lines.iter().all(|line| fits(line, LINE_CHARS_MAX))
            }
        }
    }
}
