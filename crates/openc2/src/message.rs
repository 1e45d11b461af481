use serde_json::{Map, Value};

use crate::args::DateTime;
use crate::command::Command;
use crate::json;
use crate::names::{Language, Reading};
use crate::read::{self, Fields, Writer};
use crate::refusal::{At, Refusal};
use crate::response::Response;

/// A message: headers and one content (LS 3.2, HTTPS 3.3.2, MQTT 2.4.2).
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Who to whom, and about which request.
    pub headers: Headers,
    /// What it carries, as it came: what is signed is this and not a second spelling of it.
    pub content: Content,
    /// A signature, in whichever form both ends agreed on; [`crate::signed`] has ours.
    pub signature: Option<String>,
}

/// A message's headers (LS 3.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// The request that this is or answers.
    pub request_id: Option<String>,
    /// When the content was made.
    pub created: Option<DateTime>,
    /// Who made it.
    pub from: Option<String>,
    /// For whom it is; for everybody who gets it where nothing is said.
    pub to: Vec<String>,
}

/// What a message carries, as JSON that was not judged yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A command; read it with [`Command::read`].
    Request(Value),
    /// An answer; read it with [`Response::read`].
    Response(Value),
    /// A notification. The language names this type and says nothing more of it.
    Notification(Map<String, Value>),
}

/// What kind of message (LS 3.4.2.11): in MQTT a property says so (MQTT 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// `req`
    Request,
    /// `rsp`
    Response,
    /// `ntf`
    Notification,
}

/// The media type of a message in JSON (HTTPS 3.3.1).
pub const CONTENT_TYPE: &str = "application/openc2+json;version=1.0";

/// The media type of the language itself (LS 3.2), which MQTT writes (MQTT 2.4.1).
pub const CONTENT_TYPE_BARE: &str = "application/openc2";

/// The longest identifier in a header, in characters.
pub const HEADER_CHARS_MAX: usize = 256;
/// The most recipients of one message.
pub const RECIPIENTS_MAX: usize = 256;

impl Message {
    /// Reads a message.
    ///
    /// # Errors
    /// It is no message, with the clause that says so. Its content is not judged here, so that a command that cannot be read is
    /// answered all the same.
    pub fn parse(text: &[u8]) -> Result<Self, Refusal> {
        let root = At::root();
        let value = json::parse(text)?;
        let fields = Fields::new(&value, &root, "LS 3.2", &["headers", "body", "signature"], 1)?;
        let body = fields.get("body", |value, at| {
            let fields = Fields::new(value, at, "HTTPS 3.3.2", &["openc2"], 1)?;
            fields.get("openc2", Content::read)
        })?;
        let content = body.flatten().ok_or_else(|| {
            Refusal::malformed("HTTPS 3.3.2", &root.to("body"), "the property must be there")
        })?;
        Ok(Self {
            headers: fields.get("headers", Headers::read)?.unwrap_or_default(),
            content,
            signature: fields.text("signature")?,
        })
    }

    /// A command with its headers.
    #[must_use]
    pub fn request(headers: Headers, command: &Command, language: Language) -> Self {
        Self { headers, content: Content::Request(command.write(language)), signature: None }
    }

    /// An answer with its headers.
    #[must_use]
    pub fn response(headers: Headers, response: &Response, language: Language) -> Self {
        Self { headers, content: Content::Response(response.write(language)), signature: None }
    }

    /// The message as JSON.
    #[must_use]
    pub fn write(&self) -> Value {
        let (name, content) = match &self.content {
            Content::Request(command) => ("request", command.clone()),
            Content::Response(response) => ("response", response.clone()),
            Content::Notification(event) => ("notification", Value::Object(event.clone())),
        };
        let body = Writer::new().put("openc2", Some(Writer::new().put(name, Some(content)).done())).done();
        Writer::new()
            .put("headers", self.headers.write())
            .put("body", Some(body))
            .put("signature", self.signature.clone())
            .done()
    }

    /// The bytes that go out.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.write().to_string().into_bytes()
    }

    /// The command in it.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn command(&self, reading: &Reading) -> Result<Command, Refusal> {
        match &self.content {
            Content::Request(command) => Command::read(command, reading),
            _ => Err(Refusal::malformed("LS 3.2", &At::root(), "the message carries no command")),
        }
    }

    /// The answer in it.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn answer(&self, reading: &Reading) -> Result<Response, Refusal> {
        match &self.content {
            Content::Response(response) => Response::read(response, reading),
            _ => Err(Refusal::malformed("LS 3.2", &At::root(), "the message carries no response")),
        }
    }
}

impl Content {
    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> MessageType {
        match self {
            Self::Request(_) => MessageType::Request,
            Self::Response(_) => MessageType::Response,
            Self::Notification(_) => MessageType::Notification,
        }
    }

    fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
        const CLAUSE: &str = "HTTPS 3.3.2";
        let map = read::object(value, at, CLAUSE)?;
        let mut entries = map.iter();
        let (Some((name, value)), None) = (entries.next(), entries.next()) else {
            return Err(Refusal::malformed(CLAUSE, at, "exactly one content belongs here"));
        };
        match (name.as_str(), value) {
            ("request", value) => Ok(Self::Request(value.clone())),
            ("response", value) => Ok(Self::Response(value.clone())),
            ("notification", Value::Object(event)) => Ok(Self::Notification(event.clone())),
            _ => Err(Refusal::malformed(CLAUSE, &at.to(name), "there is no such content")),
        }
    }
}

impl Headers {
    fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
        const CLAUSE: &str = "LS 3.2";
        let fields = Fields::new(value, at, CLAUSE, &["request_id", "created", "from", "to"], 1)?;
        let id = |value: &Value, at: &At| {
            let text = read::text(value, at, CLAUSE)?;
            let fits =
                (1..=HEADER_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
            if fits { Ok(text) } else { Err(Refusal::malformed(CLAUSE, at, "an identifier belongs here")) }
        };
        let to = |value: &Value, at: &At| {
            let list = read::list(value, at, CLAUSE)?;
            if list.len() > RECIPIENTS_MAX {
                return Err(Refusal::malformed(CLAUSE, at, "there are too many recipients"));
            }
            list.iter().map(|value| id(value, at)).collect()
        };
        Ok(Self {
            request_id: fields.get("request_id", id)?,
            created: fields.get("created", |v, at| read::count(v, at, CLAUSE).map(DateTime))?,
            from: fields.get("from", id)?,
            to: fields.get("to", to)?.unwrap_or_default(),
        })
    }

    fn write(&self) -> Option<Value> {
        let writer = Writer::new()
            .put("request_id", self.request_id.clone())
            .put("created", self.created.map(|time| time.0))
            .put("from", self.from.clone())
            .put("to", (!self.to.is_empty()).then(|| self.to.clone()));
        (*self != Self::default()).then(|| writer.done())
    }

    /// The headers of an answer to a message with these (LS 3.2: the request's identifier comes back).
    #[must_use]
    pub fn answering(&self, from: &str, now: DateTime) -> Self {
        Self {
            request_id: self.request_id.clone(),
            created: Some(now),
            from: Some(from.to_owned()),
            to: self.from.iter().cloned().collect(),
        }
    }
}

impl MessageType {
    /// `req`, `rsp`, `ntf`
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "req",
            Self::Response => "rsp",
            Self::Notification => "ntf",
        }
    }
}

/// Whether a `Content-Type` says that a message of ours is in it: JSON, of language 1.x.
#[must_use]
pub fn is_content_type(text: &str) -> bool {
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/openc2+json"));
    let parameters: Vec<(String, &str)> = parts
        .filter_map(|part| part.split_once('='))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"')))
        .collect();
    let versions: Vec<&str> = parameters.iter().filter(|(n, _)| n == "version").map(|(_, v)| *v).collect();
    media && matches!(versions.as_slice(), [version] if version.starts_with("1."))
}
