//! Retention classes, and the names of class keys.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest name of an authorisation or a class, in bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// The longest that a class may keep anything, in days: a hundred years.
pub const DAYS_MAX: u32 = 36_525;

/// The name of an authorisation or of a retention class: letters, digits, `-` and `_`, at most [`NAME_BYTES_MAX`] of them.
///
/// So few characters, because the name becomes part of labels on tokens and of aliases in key services, and because each has one spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// The day of a class key, and whose it is: `authorisation/2026-11-29/class` is its one spelling.
///
/// Days are those of UTC. Where one key has to stand for a whole authorisation (pseudonyms that stay the same over it), its day is the
/// one on which the authorisation begins, and its class one that lasts as long.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClassKeyId {
    authorisation: Name,
    /// Of the years 1970 to 9999.
    day: Date,
    class: Name,
}

/// How long something is kept, and by which law. Configuration, never a constant: periods are decided by jurists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawClass", into = "RawClass")]
pub struct RetentionClass {
    name: Name,
    /// From 1 to [`DAYS_MAX`].
    days: u32,
    /// Not empty.
    legal_basis: String,
}

/// The classes of a node, as its configuration names them. Each name stands for one class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<RetentionClass>", into = "Vec<RetentionClass>")]
pub struct RetentionClasses(BTreeMap<Name, RetentionClass>);

/// What is wrong with a name, an identifier or a class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassError {
    /// Not a name.
    #[error("`{0}` is not a name: use 1 to {NAME_BYTES_MAX} letters, digits, `-` and `_`")]
    Name(String),
    /// Not the identifier of a class key, or another spelling of one.
    #[error("`{0}` does not name a class key: it has the form `authorisation/2026-11-29/class`")]
    Id(String),
    /// A day before 1970 or after 9999.
    #[error("{0} is not a day of the years 1970 to 9999")]
    Day(Date),
    /// A time that no class may have.
    #[error("the retention class `{name}` keeps for {days} days: give it 1 to {DAYS_MAX}")]
    Days {
        /// The class.
        name: Name,
        /// What was asked for.
        days: u32,
    },
    /// Nobody said by which law.
    #[error("the retention class `{0}` has no `legal_basis`: say by which law or agreement it is kept")]
    Basis(Name),
    /// Two classes of one name.
    #[error("there are two retention classes `{0}`: remove one of them")]
    Twice(Name),
}

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// [`ClassError::Name`].
    pub fn new(text: impl Into<String>) -> Result<Self, ClassError> {
        let text = text.into();
        let fits = (1..=NAME_BYTES_MAX).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            Ok(Self(text))
        } else {
            Err(ClassError::Name(text.chars().take(NAME_BYTES_MAX).collect()))
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ClassKeyId {
    /// The key of a class, for what is kept under an authorisation and came on a day (of UTC).
    ///
    /// # Errors
    /// [`ClassError::Day`].
    pub fn new(authorisation: Name, day: Date, class: Name) -> Result<Self, ClassError> {
        if day.year() < 1970 { Err(ClassError::Day(day)) } else { Ok(Self { authorisation, day, class }) }
    }

    /// Reads `authorisation/2026-11-29/class`; no other spelling is accepted.
    ///
    /// # Errors
    /// [`ClassError::Id`].
    pub fn parse(text: &str) -> Result<Self, ClassError> {
        let wrong = || ClassError::Id(text.chars().take(3 * NAME_BYTES_MAX).collect());
        let mut parts = text.splitn(3, '/');
        let (Some(authorisation), Some(day), Some(class)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong());
        };
        let date: Date = day.parse().map_err(|_| wrong())?;
        // jiff reads other forms of ISO 8601 too, and a key has one name.
        if date.to_string() != day {
            return Err(wrong());
        }
        let (authorisation, class) = (Name::new(authorisation), Name::new(class));
        Self::new(authorisation.map_err(|_| wrong())?, date, class.map_err(|_| wrong())?).map_err(|_| wrong())
    }

    /// Under which authorisation.
    pub fn authorisation(&self) -> &Name {
        &self.authorisation
    }

    /// Of which day (UTC).
    pub fn day(&self) -> Date {
        self.day
    }

    /// Of which retention class.
    pub fn class(&self) -> &Name {
        &self.class
    }
}

impl RetentionClass {
    /// A class that keeps for so many days, by this law.
    ///
    /// # Errors
    /// [`ClassError::Days`] and [`ClassError::Basis`].
    pub fn new(name: Name, days: u32, legal_basis: impl Into<String>) -> Result<Self, ClassError> {
        let legal_basis = legal_basis.into();
        if !(1..=DAYS_MAX).contains(&days) {
            return Err(ClassError::Days { name, days });
        }
        if legal_basis.trim().is_empty() {
            return Err(ClassError::Basis(name));
        }
        Ok(Self { name, days, legal_basis })
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// How many days it keeps.
    pub fn days(&self) -> u32 {
        self.days
    }

    /// By which law or agreement, for people.
    pub fn legal_basis(&self) -> &str {
        &self.legal_basis
    }

    /// When the key of a day is to be destroyed: at midnight (UTC) so many days after that day began.
    ///
    /// Counted from the day's beginning, so that what came first is kept no longer than the class allows; what came at its end is kept up to
    /// a day less.
    pub fn expires(&self, day: Date) -> Timestamp {
        let ends = day.checked_add(Span::new().days(i64::from(self.days)));
        let midnight = ends.ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
        // Past the year 9999 there is no date to write.
        midnight.map_or(Timestamp::MAX, |midnight| midnight.timestamp())
    }
}

impl RetentionClasses {
    /// The classes of a configuration.
    ///
    /// # Errors
    /// [`ClassError::Twice`].
    pub fn new(classes: impl IntoIterator<Item = RetentionClass>) -> Result<Self, ClassError> {
        let mut named = BTreeMap::new();
        for class in classes {
            if let Some(other) = named.insert(class.name.clone(), class) {
                return Err(ClassError::Twice(other.name));
            }
        }
        Ok(Self(named))
    }

    /// The class of this name.
    pub fn get(&self, name: &Name) -> Option<&RetentionClass> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &RetentionClass> {
        self.0.values()
    }

    /// When a class key is to be destroyed; nothing where its class is not configured.
    pub fn expires(&self, id: &ClassKeyId) -> Option<Timestamp> {
        Some(self.get(&id.class)?.expires(id.day))
    }
}

/// The day (UTC) that a time belongs to.
pub fn day_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = ClassError;

    fn try_from(text: String) -> Result<Self, ClassError> {
        Self::new(text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for ClassKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.authorisation, self.day, self.class)
    }
}

impl TryFrom<String> for ClassKeyId {
    type Error = ClassError;

    fn try_from(text: String) -> Result<Self, ClassError> {
        Self::parse(&text)
    }
}

impl From<ClassKeyId> for String {
    fn from(id: ClassKeyId) -> Self {
        id.to_string()
    }
}

/// A class as the configuration writes it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClass {
    name: Name,
    days: u32,
    legal_basis: String,
}

impl TryFrom<RawClass> for RetentionClass {
    type Error = ClassError;

    fn try_from(raw: RawClass) -> Result<Self, ClassError> {
        Self::new(raw.name, raw.days, raw.legal_basis)
    }
}

impl From<RetentionClass> for RawClass {
    fn from(class: RetentionClass) -> Self {
        Self { name: class.name, days: class.days, legal_basis: class.legal_basis }
    }
}

impl TryFrom<Vec<RetentionClass>> for RetentionClasses {
    type Error = ClassError;

    fn try_from(classes: Vec<RetentionClass>) -> Result<Self, ClassError> {
        Self::new(classes)
    }
}

impl From<RetentionClasses> for Vec<RetentionClass> {
    fn from(classes: RetentionClasses) -> Self {
        classes.0.into_values().collect()
    }
}
