use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::json;
use crate::names::{Action, Language, Reading};
use crate::read::{self, Fields, Writer};
use crate::refusal::{At, Refusal};
use crate::target::{RuleNumber, TargetName};
use crate::text::Uri;

/// What came of a command (LS 3.3.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    /// 102: it was taken and is not done.
    Processing,
    /// 200: it is done.
    Ok,
    /// 201: it is done and made something. Only version 1.1 knows it.
    Created,
    /// 400: the sender's fault.
    BadRequest,
    /// 401: the sender did not prove who it is.
    Unauthorized,
    /// 403: it was understood and is not allowed.
    Forbidden,
    /// 404: there is nothing that it is about.
    NotFound,
    /// 500: it could not be done.
    InternalError,
    /// 501: it is not done here.
    NotImplemented,
    /// 503: not now.
    ServiceUnavailable,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Processing,
        Self::Ok,
        Self::Created,
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::InternalError,
        Self::NotImplemented,
        Self::ServiceUnavailable,
    ];

    /// Its number.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Processing => 102,
            Self::Ok => 200,
            Self::Created => 201,
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::InternalError => 500,
            Self::NotImplemented => 501,
            Self::ServiceUnavailable => 503,
        }
    }

    /// The status of this number.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|status| i64::from(status.code()) == code)
    }

    /// Whether no other answer to the command follows.
    #[must_use]
    pub fn is_final(self) -> bool {
        self != Self::Processing
    }

    /// Whether the command did what it says.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Ok | Self::Created)
    }
}

/// An answer to a command (LS 3.3.2).
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// What came of it.
    pub status: Status,
    /// The same in words.
    pub status_text: Option<String>,
    /// What else there is to tell.
    pub results: Option<Results>,
}

/// What an answer tells (LS 3.3.2.2); at least one thing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Results {
    /// Versions of the language.
    pub versions: Option<Vec<String>>,
    /// Profiles: namespaces in version 1.0, URIs in 1.1.
    pub profiles: Option<Vec<String>>,
    /// What can be done with what.
    pub pairs: Option<Pairs>,
    /// Commands a minute.
    pub rate_limit: Option<Number>,
    /// Arguments. Only version 1.1 knows it.
    pub args: Option<Vec<String>>,
    /// The packet filter profile's.
    pub slpf: Option<SlpfResults>,
    /// Other profiles', as they came.
    pub extensions: BTreeMap<String, Value>,
}

/// What the packet filter profile tells (SLPF 2.2.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SlpfResults {
    /// The number of the rule that was made.
    pub rule_number: Option<RuleNumber>,
}

/// Actions and the targets that each can have (LS 3.4.2.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs(pub BTreeMap<Action, BTreeSet<TargetName>>);

impl Pairs {
    /// Whether the action can have the target.
    #[must_use]
    pub fn has(&self, action: Action, target: &TargetName) -> bool {
        self.0.get(&action).is_some_and(|targets| targets.contains(target))
    }

    /// Whether all of these are among the others.
    #[must_use]
    pub fn are_within(&self, others: &Self) -> bool {
        self.0.iter().all(|(action, targets)| targets.iter().all(|target| others.has(*action, target)))
    }

    /// Adds one.
    pub fn add(&mut self, action: Action, target: TargetName) {
        self.0.entry(action).or_default().insert(target);
    }

    fn read(value: &Value, at: &At, reading: &Reading) -> Result<Self, Refusal> {
        const CLAUSE: &str = "LS 3.4.2.1";
        let map = read::object(value, at, CLAUSE)?;
        let empty = |at: &At| Refusal::malformed(CLAUSE, at, "at least one belongs here");
        if map.is_empty() {
            return Err(empty(at));
        }
        let mut pairs = Self::default();
        for (action, targets) in map {
            let at = at.to(action);
            let action = Action::parse(action)
                .ok_or_else(|| Refusal::malformed(CLAUSE, &at, "there is no such action"))?;
            let targets = read::unique(targets, &at, CLAUSE, |value, at| target_name(value, at, reading))?;
            if targets.is_empty() {
                return Err(empty(&at));
            }
            pairs.0.insert(action, targets.into_iter().collect());
        }
        Ok(pairs)
    }

    fn write(&self, language: Language) -> Value {
        let entries = self.0.iter().map(|(action, targets)| {
            let names = targets.iter().map(|target| target.spell(language)).collect();
            (action.as_str().to_owned(), names)
        });
        Value::Object(entries.collect::<Map<_, _>>())
    }
}

fn target_name(value: &Value, at: &At, reading: &Reading) -> Result<TargetName, Refusal> {
    let name = value.as_str().and_then(TargetName::parse);
    let taken = |name: &TargetName| match name {
        TargetName::Common(_) => true,
        TargetName::Extension { nsid, .. } => reading.takes(nsid),
    };
    name.filter(taken).ok_or_else(|| Refusal::malformed("LS 3.4.2.1", at, "there is no such target"))
}

impl Response {
    /// A status alone.
    #[must_use]
    pub fn new(status: Status) -> Self {
        Self { status, status_text: None, results: None }
    }

    /// A status and a text.
    #[must_use]
    pub fn with_text(status: Status, text: impl Into<String>) -> Self {
        Self { status_text: Some(text.into()), ..Self::new(status) }
    }

    /// What was refused, as an answer.
    #[must_use]
    pub fn refusing(refusal: &Refusal) -> Self {
        Self::with_text(refusal.status(), refusal.status_text())
    }

    /// The number of the rule that was made.
    #[must_use]
    pub fn rule_number(&self) -> Option<RuleNumber> {
        self.results.as_ref()?.slpf?.rule_number
    }

    /// Reads a response that stands alone, without a message around it.
    ///
    /// # Errors
    /// It is no response, with the clause that says so.
    pub fn parse(text: &[u8], reading: &Reading) -> Result<Self, Refusal> {
        Self::read(&json::parse(text)?, reading)
    }

    /// Reads a response out of JSON that was parsed by [`crate::Message::parse`], or made here.
    ///
    /// # Errors
    /// It is no response, with the clause that says so.
    pub fn read(value: &Value, reading: &Reading) -> Result<Self, Refusal> {
        let root = At::root();
        let fields = Fields::new(value, &root, "LS 3.3.2", &["status", "status_text", "results"], 0)?;
        let status = fields.get("status", |value, at| {
            let found = json::integer(value).and_then(Status::from_code);
            let known = found.filter(|s| *s != Status::Created || reading.language != Some(Language::V1_0));
            known.ok_or_else(|| Refusal::malformed("LS 3.3.2.1", at, "there is no such status"))
        })?;
        let status = status.ok_or_else(|| {
            Refusal::malformed("LS 3.3.2", &root.to("status"), "the property must be there")
        })?;
        Ok(Self {
            status,
            status_text: fields.text("status_text")?,
            results: fields.get("results", |value, at| Results::read(value, at, reading))?,
        })
    }

    /// The response as JSON. Version 1.0 has no 201: it is 200 there.
    #[must_use]
    pub fn write(&self, language: Language) -> Value {
        let status = match (self.status, language) {
            (Status::Created, Language::V1_0) => Status::Ok,
            (status, _) => status,
        };
        Writer::new()
            .put("status", Some(status.code()))
            .put("status_text", self.status_text.clone())
            .put("results", self.results.as_ref().map(|results| results.write(language)))
            .done()
    }
}

/// Responses are kept as the JSON of version 1.1, which can say all that 1.0 can.
impl Serialize for Response {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.write(Language::V1_1).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Response {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::read(&value, &Reading::default()).map_err(serde::de::Error::custom)
    }
}

impl Results {
    fn read(value: &Value, at: &At, reading: &Reading) -> Result<Self, Refusal> {
        const CLAUSE: &str = "LS 3.3.2.2";
        let map = read::object(value, at, CLAUSE)?;
        if map.is_empty() {
            return Err(Refusal::malformed(CLAUSE, at, "at least one result belongs here"));
        }
        let text = |value: &Value, at: &At| read::text(value, at, CLAUSE);
        let mut results = Self::default();
        for (name, value) in map {
            let at = at.to(name);
            match name.as_str() {
                "versions" => results.versions = Some(read::unique(value, &at, CLAUSE, text)?),
                "profiles" => {
                    let one = |value: &Value, at: &At| profile(value, at, reading);
                    results.profiles = Some(read::unique(value, &at, CLAUSE, one)?);
                }
                "pairs" => results.pairs = Some(Pairs::read(value, &at, reading)?),
                "rate_limit" => {
                    let number = value.as_number().filter(|n| n.as_f64().is_some_and(|n| n >= 0.0));
                    let refuse =
                        || Refusal::malformed(CLAUSE, &at, "a number that is not negative belongs here");
                    results.rate_limit = Some(number.ok_or_else(refuse)?.clone());
                }
                "args" if reading.language != Some(Language::V1_0) => {
                    results.args = Some(read::unique(value, &at, CLAUSE, text)?);
                }
                "slpf" if reading.takes("slpf") => results.slpf = Some(SlpfResults::read(value, &at)?),
                nsid if reading.takes(nsid) && value.is_object() => {
                    results.extensions.insert(nsid.to_owned(), value.clone());
                }
                _ => return Err(Refusal::malformed(CLAUSE, &at, "there is no such result")),
            }
        }
        Ok(results)
    }

    fn write(&self, language: Language) -> Value {
        Writer::new()
            .put("versions", self.versions.clone())
            .put("profiles", self.profiles.clone())
            .put("pairs", self.pairs.as_ref().map(|pairs| pairs.write(language)))
            .put("rate_limit", self.rate_limit.clone().map(Value::Number))
            .put("args", self.args.clone())
            .put("slpf", self.slpf.map(SlpfResults::write))
            .all(&self.extensions)
            .done()
    }
}

/// A profile's name: a short one in version 1.0, a URI in 1.1.
fn profile(value: &Value, at: &At, reading: &Reading) -> Result<String, Refusal> {
    let name = read::text(value, at, "LS 3.4.2.12")?;
    let is_uri = Uri::parse(&name).is_some();
    let fits = match reading.language {
        Some(Language::V1_0) => !name.is_empty(),
        Some(Language::V1_1) => is_uri,
        None => is_uri || !name.is_empty(),
    };
    if fits { Ok(name) } else { Err(Refusal::malformed("LS 3.4.2.12", at, "a profile's name belongs here")) }
}

impl SlpfResults {
    fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
        let fields = Fields::new(value, at, "SLPF 2.2.2", &["rule_number"], 0)?;
        Ok(Self { rule_number: fields.get("rule_number", RuleNumber::read)? })
    }

    fn write(self) -> Value {
        Writer::new().put("rule_number", self.rule_number.map(|number| number.0)).done()
    }
}
