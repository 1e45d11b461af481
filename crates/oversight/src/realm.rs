use std::fmt;

/// Which world a thing belongs to: the live one, or one exercise. Part of every key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Realm {
    /// The real thing.
    #[default]
    Live,
    /// An exercise, by its identifier (1–64 of `a–z 0–9 -`).
    Exercise(Box<str>),
}

impl Realm {
    /// Reads `live` or `exercise:<id>`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "live" {
            return Some(Self::Live);
        }
        let id = text.strip_prefix("exercise:")?;
        let legal = (1..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        legal.then(|| Self::Exercise(id.into()))
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("live"),
            Self::Exercise(id) => write!(f, "exercise:{id}"),
        }
    }
}
