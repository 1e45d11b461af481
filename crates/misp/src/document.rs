//! MISP's JSON, read under limits. An event is kept as it was written; everything else is a reading of it.

use serde_json::Value;

use crate::lenient::Fields;

/// What a stranger may send at most. Beyond each limit the whole document is refused.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a document.
    pub bytes_max: usize,
    /// Nesting of lists and dictionaries.
    pub depth_max: usize,
    /// Events in a document.
    pub events_max: usize,
    /// Attributes in an event, those of its objects included.
    pub attributes_max: usize,
    /// Objects in an event.
    pub objects_max: usize,
    /// Members of any other list: tags, galaxies, sightings, references.
    pub list_max: usize,
    /// Bytes of one text. Attached files are texts, in base64.
    pub text_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 256 << 20,
            depth_max: 40,
            events_max: 10_000,
            attributes_max: 250_000,
            objects_max: 50_000,
            list_max: 20_000,
            text_bytes_max: 64 << 20,
        }
    }
}

/// The text is no MISP document, or too large a one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", if path.is_empty() { "document" } else { path })]
pub struct ReadError {
    /// A stable code: `misp-json`, `misp-shape`, `misp-limit`.
    pub code: &'static str,
    /// Where, e.g. `Event.Object[3].Attribute`.
    pub path: String,
    /// What is wrong, for a person.
    pub message: String,
}

impl ReadError {
    fn new(code: &'static str, path: &str, message: impl Into<String>) -> Self {
        Self { code, path: path.to_owned(), message: message.into() }
    }
}

/// One MISP event, as it was written, without the `Event` around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event(pub(crate) Fields);

impl Event {
    /// An event out of its fields; whatever is not a dictionary is no event.
    ///
    /// # Errors
    /// `misp-shape` where it is no event, `misp-limit` where it is too large.
    pub fn from_value(value: Value, limits: &Limits) -> Result<Self, ReadError> {
        let Value::Object(mut fields) = value else {
            return Err(ReadError::new("misp-shape", "Event", "an event is a JSON object"));
        };
        match fields.get_mut("Event") {
            Some(Value::Object(inner)) => fields = std::mem::take(inner),
            Some(_) => return Err(ReadError::new("misp-shape", "Event", "an event is a JSON object")),
            None => {}
        }
        check_event(&fields, limits)?;
        Ok(Self(fields))
    }

    /// Everything it says.
    #[must_use]
    pub fn fields(&self) -> &serde_json::Map<String, Value> {
        &self.0
    }

    /// As MISP serves it: within `Event`.
    #[must_use]
    pub fn into_json(self) -> Value {
        Value::Object(Fields::from_iter([("Event".to_owned(), Value::Object(self.0))]))
    }
}

/// The events of a document: one event (with or without `Event` around it), a list of them, a `response` of a search, or a
/// collection of attributes and objects without an event, which is read as one event that says nothing else.
///
/// # Errors
/// `misp-json` with the place where it ends to be JSON; `misp-shape` where it holds no event; `misp-limit`.
pub fn read(json: &[u8], limits: &Limits) -> Result<Vec<Event>, ReadError> {
    if json.len() > limits.bytes_max {
        let message = format!("it is larger than {} bytes; send events one by one", limits.bytes_max);
        return Err(ReadError::new("misp-limit", "", message));
    }
    let json = json.strip_prefix("\u{feff}".as_bytes()).unwrap_or(json);
    let value: Value = serde_json::from_slice(json)
        .map_err(|error| ReadError::new("misp-json", "", format!("not JSON: {error}")))?;
    let mut found = Vec::new();
    collect(value, limits, &mut found)?;
    if found.is_empty() {
        return Err(ReadError::new("misp-shape", "", "there is no MISP event in it"));
    }
    Ok(found)
}

fn collect(value: Value, limits: &Limits, found: &mut Vec<Event>) -> Result<(), ReadError> {
    match value {
        Value::Array(list) => list.into_iter().try_for_each(|item| collect(item, limits, found)),
        Value::Object(mut fields) => {
            if let Some(response) = fields.get_mut("response") {
                return collect(response.take(), limits, found);
            }
            let is_event =
                ["Event", "info", "Attribute", "Object"].iter().any(|key| fields.contains_key(*key));
            if !is_event {
                let message = "this is no event: it has none of `Event`, `info`, `Attribute`, `Object`";
                return Err(ReadError::new("misp-shape", "", message));
            }
            if found.len() >= limits.events_max {
                let message = format!("more than {} events; send them in parts", limits.events_max);
                return Err(ReadError::new("misp-limit", "", message));
            }
            // A single attribute of a search stands where the list of attributes would.
            if let Some(single @ Value::Object(_)) = fields.get_mut("Attribute") {
                *single = Value::Array(vec![single.take()]);
            }
            found.push(Event::from_value(Value::Object(fields), limits)?);
            Ok(())
        }
        _ => Err(ReadError::new("misp-shape", "", "an event is a JSON object")),
    }
}

/// What is counted over a whole event.
#[derive(Default)]
struct Tally {
    attributes: usize,
    objects: usize,
}

fn check_event(fields: &Fields, limits: &Limits) -> Result<(), ReadError> {
    check_fields(fields, "Event", 1, limits, &mut Tally::default())
}

fn check_fields(
    fields: &Fields,
    path: &str,
    depth: usize,
    limits: &Limits,
    tally: &mut Tally,
) -> Result<(), ReadError> {
    fields.iter().try_for_each(|(key, value)| match value {
        Value::Object(_) | Value::Array(_) | Value::String(_) => {
            check_value(key, value, &format!("{path}.{key}"), depth, limits, tally)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    })
}

fn check_value(
    key: &str,
    value: &Value,
    path: &str,
    depth: usize,
    limits: &Limits,
    tally: &mut Tally,
) -> Result<(), ReadError> {
    let too_many = |what: &str, max: usize| {
        Err(ReadError::new("misp-limit", path, format!("more than {max} {what}; split the event")))
    };
    if depth > limits.depth_max {
        return too_many("levels of nesting", limits.depth_max);
    }
    match value {
        Value::String(text) if text.len() > limits.text_bytes_max => {
            too_many("bytes in one text", limits.text_bytes_max)
        }
        Value::Object(fields) => check_fields(fields, path, depth + 1, limits, tally),
        Value::Array(list) => {
            match key {
                "Attribute" => {
                    tally.attributes += list.len();
                    if tally.attributes > limits.attributes_max {
                        return too_many("attributes", limits.attributes_max);
                    }
                }
                "Object" => {
                    tally.objects += list.len();
                    if tally.objects > limits.objects_max {
                        return too_many("objects", limits.objects_max);
                    }
                }
                _ if list.len() > limits.list_max => return too_many("entries", limits.list_max),
                _ => {}
            }
            list.iter().enumerate().try_for_each(|(index, item)| match item {
                Value::Object(_) | Value::Array(_) | Value::String(_) => {
                    check_value("", item, &format!("{path}[{index}]"), depth + 1, limits, tally)
                }
                Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}
