//! The fields that a record can hold, as data.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::event::{Kind, is_name};
use crate::problem::{Problems, read_toml};
use crate::value::NUMBER_MAX;
use crate::{Text, Value};

/// The emergency report asks for so many things at most, the kind and the time of awareness among them.
pub const EMERGENCY_FIELDS_MAX: usize = 6;
/// The most fields of a catalogue.
const FIELDS_MAX: usize = 500;
/// The most choices of one field.
const CHOICES_MAX: usize = 100;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldType {
    /// One line.
    Text,
    /// Several lines.
    LongText,
    /// Yes or no.
    YesNo,
    /// A whole number, not negative.
    Number,
    /// An instant, RFC 3339.
    Time,
    /// One of the choices.
    Choice,
    /// Several of the choices.
    Choices,
    /// Lines of free text, e.g. indicators.
    List,
}

/// One thing to choose.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Its name in a record.
    pub id: String,
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name: lower-case letters, digits, `_`.
    pub id: String,
    /// What it holds.
    pub field_type: FieldType,
    /// The kinds of incident that it is for; empty for all.
    pub kinds: BTreeSet<Kind>,
    /// Whether the emergency report asks for it.
    pub emergency: bool,
    /// Whether an organisation declares it in peacetime.
    pub profile: bool,
    /// What it is called.
    pub label: Text,
    /// What belongs there.
    pub help: Option<Text>,
    /// What it is counted in.
    pub unit: Option<Text>,
    /// What there is to choose, in order.
    pub choices: Vec<Choice>,
}

/// A value that the field cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongValue {
    /// There is no such field.
    #[error("there is no field `{0}`")]
    NoField(String),
    /// It is of another type, or not one of the choices.
    #[error("the field `{field}` holds {wanted}")]
    Type {
        /// The field.
        field: String,
        /// What it holds, in words.
        wanted: &'static str,
    },
    /// Too long, too many, too great, or with characters that deceive.
    #[error("the value of `{0}` is too long, too great or holds control characters")]
    Bounds(String),
}

/// All fields, in the order in which they are asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    fields: Vec<Field>,
    by_id: BTreeMap<String, usize>,
}

impl Catalogue {
    /// The field of that name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Field> {
        self.by_id.get(id).and_then(|at| self.fields.get(*at))
    }

    /// Every field, in order.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter()
    }

    /// The fields that are asked where an incident is of these kinds, without those that only the profile has.
    pub fn asked(&self, kinds: &BTreeSet<Kind>) -> impl Iterator<Item = &Field> {
        self.fields
            .iter()
            .filter(|field| field.emergency || !field.profile)
            .filter(move |field| field.kinds.is_empty() || !field.kinds.is_disjoint(kinds))
    }

    /// Whether a field can hold a value.
    ///
    /// # Errors
    /// [`WrongValue`].
    pub fn check(&self, id: &str, value: &Value) -> Result<(), WrongValue> {
        let field = self.get(id).ok_or_else(|| WrongValue::NoField(id.chars().take(60).collect()))?;
        if !value.is_bounded() {
            return Err(WrongValue::Bounds(field.id.clone()));
        }
        if field.holds(value) {
            Ok(())
        } else {
            Err(WrongValue::Type { field: field.id.clone(), wanted: field.field_type.words() })
        }
    }

    /// Reads the file of fields.
    pub(crate) fn read(text: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let raw: RawCatalogue = read_toml(text, problems)?;
        if raw.field.len() > FIELDS_MAX {
            problems.error("field", format!("more than {FIELDS_MAX} fields"));
            return None;
        }
        let mut catalogue = Self::default();
        for raw in raw.field {
            let field = raw.into_field(problems);
            if catalogue.by_id.insert(field.id.clone(), catalogue.fields.len()).is_some() {
                problems.error(format!("field.{}", field.id), "there are two fields of this name");
            }
            catalogue.fields.push(field);
        }
        // The kind and the time of awareness are asked beside the fields.
        let emergency = catalogue.fields.iter().filter(|field| field.emergency).count() + 2;
        if emergency > EMERGENCY_FIELDS_MAX {
            let message = format!(
                "the emergency report would ask {emergency} things; at most {EMERGENCY_FIELDS_MAX} may be"
            );
            problems.error("field", message);
        }
        Some(catalogue)
    }
}

impl Field {
    fn holds(&self, value: &Value) -> bool {
        let is_choice = |name: &String| self.choices.iter().any(|choice| choice.id == *name);
        match (self.field_type, value) {
            (FieldType::Text, Value::Text(text)) => !text.contains('\n'),
            (FieldType::LongText, Value::Text(_))
            | (FieldType::YesNo, Value::YesNo(_))
            | (FieldType::List, Value::List(_)) => true,
            (FieldType::Number, Value::Number(number)) => (0..=NUMBER_MAX).contains(number),
            (FieldType::Time, Value::Text(text)) => text.parse::<jiff::Timestamp>().is_ok(),
            (FieldType::Choice, Value::Text(name)) => is_choice(name),
            (FieldType::Choices, Value::List(names)) => names.iter().all(is_choice),
            _ => false,
        }
    }

    /// The choice of that name.
    #[must_use]
    pub fn choice(&self, id: &str) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.id == id)
    }
}

impl FieldType {
    /// The word of the files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::LongText => "long-text",
            Self::YesNo => "yes-no",
            Self::Number => "number",
            Self::Time => "time",
            Self::Choice => "choice",
            Self::Choices => "choices",
            Self::List => "list",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Text => "one line of text",
            Self::LongText => "text",
            Self::YesNo => "yes or no",
            Self::Number => "a whole number that is not negative",
            Self::Time => "a time such as 2026-11-29T08:15:00Z",
            Self::Choice => "one of its choices",
            Self::Choices => "a list of its choices",
            Self::List => "a list of lines",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCatalogue {
    field: Vec<RawField>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawField {
    id: String,
    #[serde(rename = "type")]
    field_type: FieldType,
    #[serde(default)]
    kinds: BTreeSet<Kind>,
    #[serde(default)]
    emergency: bool,
    #[serde(default)]
    profile: bool,
    label: Text,
    help: Option<Text>,
    unit: Option<Text>,
    #[serde(default)]
    choices: Vec<Choice>,
}

impl RawField {
    fn into_field(self, problems: &mut Problems<'_>) -> Field {
        let key = format!("field.{}", self.id.chars().take(60).collect::<String>());
        if !is_name(&self.id) {
            problems.error(&key, "a name has 1 to 60 of a–z, 0–9 and _, and begins with a letter");
        }
        let texts = [Some(&self.label), self.help.as_ref(), self.unit.as_ref()];
        for fault in texts.into_iter().flatten().filter_map(Text::fault) {
            problems.error(&key, fault);
        }
        let is_choice = matches!(self.field_type, FieldType::Choice | FieldType::Choices);
        if is_choice == self.choices.is_empty() {
            problems.error(format!("{key}.choices"), "a choice needs choices, and nothing else has any");
        }
        if self.choices.len() > CHOICES_MAX {
            problems.error(format!("{key}.choices"), format!("more than {CHOICES_MAX} choices"));
        }
        let ids: BTreeSet<&str> = self.choices.iter().map(|choice| choice.id.as_str()).collect();
        if ids.len() < self.choices.len() || ids.iter().any(|id| id.is_empty() || id.len() > 60) {
            problems.error(format!("{key}.choices"), "each choice has a name of its own of 1 to 60 bytes");
        }
        for fault in self.choices.iter().filter_map(|choice| Text::new(&choice.ja, &choice.en).fault()) {
            problems.error(format!("{key}.choices"), fault);
        }
        Field {
            id: self.id,
            field_type: self.field_type,
            kinds: self.kinds,
            emergency: self.emergency,
            profile: self.profile,
            label: self.label,
            help: self.help,
            unit: self.unit,
            choices: self.choices,
        }
    }
}
