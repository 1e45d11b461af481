use std::cmp::Ordering;
use std::fmt;

/// A STIX timestamp (STIX 2.1 §2.16): RFC 3339 in UTC, `Z`, any number of fraction digits.
/// The original text is kept; order and equality are of the instant, without truncation.
#[derive(Clone)]
pub struct Timestamp {
    text: Box<str>,
    sort_key: Box<str>,
}

/// The text is not a STIX timestamp.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a timestamp of the form `2026-01-31T09:00:00.000Z`")]
pub struct InvalidTimestamp(pub String);

impl Timestamp {
    /// Reads a timestamp.
    ///
    /// # Errors
    /// Refuses offsets other than `Z`, lower-case `t` and `z`, and instants that do not exist.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let (seconds, fraction) =
            parts(text).ok_or_else(|| InvalidTimestamp(text.chars().take(60).collect()))?;
        let fraction = fraction.trim_end_matches('0');
        let sort_key =
            if fraction.is_empty() { seconds.into() } else { format!("{seconds}.{fraction}").into() };
        Ok(Self { text: text.into(), sort_key })
    }

    /// Whether the text is a timestamp: what [`parse`](Self::parse) would say, without keeping it.
    #[must_use]
    pub fn is_valid(text: &str) -> bool {
        parts(text).is_some()
    }

    /// An instant written with millisecond precision, as STIX asks of new objects.
    #[must_use]
    pub fn from_instant(instant: jiff::Timestamp) -> Self {
        let text = format!("{instant:.3}");
        Self::parse(&text)
            .unwrap_or_else(|_| Self { sort_key: text.trim_end_matches('Z').into(), text: text.into() })
    }

    /// The text as its producer wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A text whose byte order is the order of the instants; equal instants have equal keys.
    /// Databases store and compare this.
    #[must_use]
    pub fn sort_key(&self) -> &str {
        &self.sort_key
    }

    /// The instant, to the nanosecond (finer digits are cut); `None` outside of the years that `jiff` counts.
    #[must_use]
    pub fn instant(&self) -> Option<jiff::Timestamp> {
        self.text.parse().ok()
    }
}

/// Date and time to the second, and the digits of the fraction.
fn parts(text: &str) -> Option<(&str, &str)> {
    let body = text.strip_suffix('Z')?;
    let (seconds, fraction) = body.split_once('.').unwrap_or((body, ""));
    let fraction_is_legal = !body.ends_with('.') && fraction.bytes().all(|b| b.is_ascii_digit());
    (fraction_is_legal && is_civil(seconds)).then_some((seconds, fraction))
}

/// Whether the text is `YYYY-MM-DDTHH:MM:SS` and stands in the calendar. RFC 3339 §5.6 allows second 60, for leap seconds.
fn is_civil(text: &str) -> bool {
    let Ok([y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2]) =
        <[u8; 19]>::try_from(text.as_bytes())
    else {
        return false;
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_i16, |n, b| b.is_ascii_digit().then(|| n * 10 + i16::from(b - b'0')))
    };
    let two = |a, b| number(&[a, b]).and_then(|n| i8::try_from(n).ok());
    let (Some(year), Some(month), Some(day)) = (number(&[y1, y2, y3, y4]), two(m1, m2), two(d1, d2)) else {
        return false;
    };
    let time_exists = two(h1, h2).is_some_and(|hour| hour < 24)
        && two(n1, n2).is_some_and(|minute| minute < 60)
        && two(s1, s2).is_some_and(|second| second <= 60);
    time_exists && jiff::civil::Date::new(year, month, day).is_ok()
}

impl PartialEq for Timestamp {
    fn eq(&self, other: &Self) -> bool {
        self.sort_key == other.sort_key
    }
}

impl Eq for Timestamp {}

impl std::hash::Hash for Timestamp {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.sort_key.hash(state);
    }
}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sort_key.cmp(&other.sort_key)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
