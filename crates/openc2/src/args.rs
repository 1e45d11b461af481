use std::collections::BTreeMap;

use serde_json::Value;

use crate::names::{Direction, DropProcess, Language, Reading, ResponseType, is_nsid};
use crate::read::{self, Writer};
use crate::refusal::{At, Refusal};
use crate::target::RuleNumber;
use crate::texts;

const CLAUSE: &str = "LS 3.3.1.4";

/// A moment: milliseconds since the beginning of 1970, UTC (LS 3.4.2.2).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct DateTime(pub u64);

impl DateTime {
    /// The moment this many milliseconds later, if JSON can say it.
    #[must_use]
    pub fn after(self, milliseconds: u64) -> Option<Self> {
        let sum = self.0.checked_add(milliseconds)?;
        i64::try_from(sum).is_ok_and(|sum| sum <= crate::json::INTEGER_MAX).then_some(Self(sum))
    }
}

/// Moments before 1970 are its beginning.
impl From<jiff::Timestamp> for DateTime {
    fn from(time: jiff::Timestamp) -> Self {
        Self(u64::try_from(time.as_millisecond()).unwrap_or(0))
    }
}

/// How a command is to be carried out (LS 3.3.1.4).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Args {
    /// When it begins.
    pub start_time: Option<DateTime>,
    /// When it ends.
    pub stop_time: Option<DateTime>,
    /// For how many milliseconds it holds.
    pub duration: Option<u64>,
    /// Which answer is wanted.
    pub response_requested: Option<ResponseType>,
    /// The packet filter profile's.
    pub slpf: SlpfArgs,
    /// Other profiles', by namespace, as they came. Nobody here carries them out, so a consumer refuses them.
    pub extensions: BTreeMap<String, Value>,
}

/// The packet filter profile's arguments (SLPF 2.1.3.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SlpfArgs {
    /// What becomes of denied packets.
    pub drop_process: Option<DropProcess>,
    /// Whether the rule survives a restart of the device.
    pub persistent: Option<bool>,
    /// Which traffic.
    pub direction: Option<Direction>,
    /// Which number the rule is to have.
    pub insert_rule: Option<RuleNumber>,
}

/// From when to when something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first moment.
    pub start: DateTime,
    /// The moment from which it no longer holds; for ever where there is none.
    pub stop: Option<DateTime>,
}

impl Args {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Which answer is wanted: `complete` where nothing is said.
    #[must_use]
    pub fn wants(&self) -> ResponseType {
        self.response_requested.unwrap_or(ResponseType::Complete)
    }

    /// From when to when the command holds, by `stop = start + duration`; a start that is not said is now.
    ///
    /// # Errors
    /// All three are said, it ends before it begins, or it has ended.
    pub fn span(&self, now: DateTime) -> Result<Span, Refusal> {
        let at = At::root().to("args");
        let refuse = |message| Err(Refusal::malformed(CLAUSE, &at, message));
        if self.start_time.is_some() && self.stop_time.is_some() && self.duration.is_some() {
            return refuse("only two of start_time, stop_time and duration may be said");
        }
        let earlier = |stop: DateTime, duration: u64| stop.0.checked_sub(duration).map(DateTime);
        let (start, stop) = match (self.start_time, self.stop_time, self.duration) {
            (None, Some(stop), Some(duration)) => match earlier(stop, duration) {
                Some(start) => (start, Some(stop)),
                None => return refuse("the duration reaches back before 1970"),
            },
            (start, stop, None) => (start.unwrap_or(now), stop),
            (start, _, Some(duration)) => {
                let start = start.unwrap_or(now);
                match start.after(duration) {
                    Some(stop) => (start, Some(stop)),
                    None => return refuse("the duration is too long to have an end"),
                }
            }
        };
        if stop.is_some_and(|stop| stop <= start) {
            return refuse("the command ends before it begins");
        }
        if stop.is_some_and(|stop| stop <= now) {
            return refuse("the time of the command is over");
        }
        Ok(Span { start, stop })
    }

    pub(crate) fn read(value: &Value, at: &At, reading: &Reading) -> Result<Self, Refusal> {
        let map = read::object(value, at, CLAUSE)?;
        if map.is_empty() {
            return Err(Refusal::malformed("LS 3.3.1", at, "at least one argument belongs here"));
        }
        let mut args = Self::default();
        for (name, value) in map {
            let at = at.to(name);
            match name.as_str() {
                "start_time" => args.start_time = Some(DateTime(read::count(value, &at, "LS 3.4.2.2")?)),
                "stop_time" => args.stop_time = Some(DateTime(read::count(value, &at, "LS 3.4.2.2")?)),
                "duration" => args.duration = Some(read::count(value, &at, "LS 3.4.2.3")?),
                "response_requested" => args.response_requested = Some(ResponseType::read(value, &at)?),
                "slpf" if reading.takes("slpf") => args.slpf = SlpfArgs::read(value, &at)?,
                nsid if reading.takes(nsid) && is_nsid(nsid) && value.is_object() => {
                    args.extensions.insert(nsid.to_owned(), value.clone());
                }
                _ => return Err(unknown(CLAUSE, &at)),
            }
        }
        if args.start_time.is_some() && args.stop_time.is_some() && args.duration.is_some() {
            let message = "only two of start_time, stop_time and duration may be said";
            return Err(Refusal::malformed(CLAUSE, at, message));
        }
        Ok(args)
    }

    pub(crate) fn write(&self) -> Option<Value> {
        if self.is_empty() {
            return None;
        }
        let slpf = self.slpf != SlpfArgs::default();
        let writer = Writer::new()
            .put("start_time", self.start_time.map(|time| time.0))
            .put("stop_time", self.stop_time.map(|time| time.0))
            .put("duration", self.duration)
            .put("response_requested", self.response_requested.map(ResponseType::as_str))
            .put("slpf", slpf.then(|| self.slpf.write()));
        Some(writer.all(&self.extensions).done())
    }
}

/// An argument that nobody here knows is sound JSON and not supported: it gets the profile's answer, never silence.
fn unknown(clause: &'static str, at: &At) -> Refusal {
    Refusal::unsupported(clause, at, texts::OPTION_NOT_SUPPORTED, "the argument is not known here")
}

impl SlpfArgs {
    fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
        const CLAUSE: &str = "SLPF 2.1.3.2";
        let map = read::object(value, at, CLAUSE)?;
        if map.is_empty() {
            return Err(Refusal::malformed(CLAUSE, at, "at least one argument belongs here"));
        }
        let mut args = Self::default();
        for (name, value) in map {
            let at = at.to(name);
            match name.as_str() {
                "drop_process" => args.drop_process = Some(DropProcess::read(value, &at)?),
                "direction" => args.direction = Some(Direction::read(value, &at)?),
                "insert_rule" => args.insert_rule = Some(RuleNumber::read(value, &at)?),
                "persistent" => {
                    let flag = value.as_bool();
                    let refuse = || Refusal::malformed(CLAUSE, &at, "true or false belongs here");
                    args.persistent = Some(flag.ok_or_else(refuse)?);
                }
                _ => return Err(unknown(CLAUSE, &at)),
            }
        }
        Ok(args)
    }

    fn write(self) -> Value {
        Writer::new()
            .put("drop_process", self.drop_process.map(DropProcess::as_str))
            .put("persistent", self.persistent)
            .put("direction", self.direction.map(Direction::as_str))
            .put("insert_rule", self.insert_rule.map(|number| number.0))
            .done()
    }
}

/// Which answer a command wants that could not be read otherwise. `none` holds even then (SLPF 3.2.1.7.1).
#[must_use]
pub fn wants_of(command: &Value) -> ResponseType {
    let said = command.pointer("/args/response_requested").and_then(Value::as_str);
    said.and_then(ResponseType::parse).unwrap_or(ResponseType::Complete)
}

/// The version of the language that a reader or writer of `command` should speak back: 1.1 where something of it is in the command.
#[must_use]
pub fn language_of(command: &Value) -> Language {
    let target = command.get("target").and_then(Value::as_object);
    let marked = target.is_some_and(|target| {
        let args = target.get("features").and_then(Value::as_array);
        target.keys().any(|key| key.contains('/') || key == "slpf")
            || args.is_some_and(|features| features.iter().any(|feature| feature == "args"))
    });
    if marked { Language::V1_1 } else { Language::V1_0 }
}
