//! What travels between hubs: one frame a line of JSON, the object in it exactly as its producer wrote it.
//!
//! | frame | members beside `sequence` |
//! |---|---|
//! | greeting, first on every stream | `hello`: `hub`, `version`, `from`, `sight`, `now` |
//! | an object | `envelope`, and `object` (the JSON itself) or `text` (the JSON in a string, where it has line feeds in it) |
//! | withdrawn | `removed`: `id`, `version` |
//! | no longer shared | `withheld`: `id`, `version` |
//! | the turn is over | `settled`: the number of the sight that holds from here on |
//! | an order that is asked for, or what became of one | `letter`: `id`, `kind`, and what its kind needs; `sequence` says nothing |
//! | which organisations can be given reports | `receivers`: `id`, `ja`, `en` of each, in place of what was told before |
//! | a recall, another marking | `act`: `id`, `kind`, `object`, `reason`, `at`, `hops`, and what its kind needs; `sequence` says nothing |
//! | nothing more just now | `end`: true |
//!
//! `sequence` is a place in the sender's log and rises from frame to frame. A *turn* follows a change of policy: frames that say
//! `again` go back over what was passed, and end with `settled`.

use bytes::{Bytes, BytesMut};
use policy::AgreementId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stix::Id;
use store::routes::HOPS_MAX;

use super::acts::Act;
use super::card::is_hub_id;
use super::letters::Letter;
use crate::reports::abroad::{OFFERED_MAX, Offered};

/// The longest line: the longest object with every character escaped, and its envelope.
pub(super) const FRAME_BYTES_MAX: usize = 2 * store::objects::OBJECT_BYTES_MAX + 64 * 1024;
/// Longest name of an organisation or an agreement, in characters.
const WORDS_CHARACTERS_MAX: usize = 200;
/// Longest version.
const VERSION_BYTES_MAX: usize = 100;

/// Where an object came from: beside it, never in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Envelope {
    /// The hub where it was brought in.
    pub(super) origin: String,
    /// The organisation that brought it in there, as that hub tells it.
    pub(super) organisation: String,
    /// The hubs that it passed through, the origin first and the sender last.
    pub(super) hops: Vec<String>,
    /// The agreement under which it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) agreement: Option<String>,
}

/// What a stream begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    /// Who speaks.
    pub(super) hub: String,
    /// Which version of this format.
    pub(super) version: u32,
    /// The frames go on after this sequence: what was asked for, or less where the sender's log is another one than it was.
    pub(super) from: i64,
    /// The sight that holds.
    pub(super) sight: i64,
    /// What time it is there.
    pub(super) now: jiff::Timestamp,
}

/// A version that is withdrawn or no longer shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Gone {
    pub(super) id: Id,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
}

/// One frame, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    Hello(Hello),
    Object { sequence: i64, again: bool, envelope: Envelope, bytes: Bytes },
    Removed { sequence: i64, gone: Gone },
    Withheld { sequence: i64, gone: Gone },
    Settled { sequence: i64, sight: i64 },
    Act { sequence: i64, act: Box<Act> },
    Letter { sequence: i64, letter: Box<Letter> },
    Receivers { sequence: i64, offered: Vec<Offered> },
    Progress { sequence: i64, end: bool },
}

/// A line that is no frame; the text says why.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub(super) struct Malformed(pub(super) String);

impl Malformed {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// The form on the wire.
#[derive(Default, Serialize, Deserialize)]
struct Line<'a> {
    sequence: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    again: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hello: Option<Hello>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    removed: Option<Gone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    withheld: Option<Gone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settled: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<Box<Act>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    letter: Option<Box<Letter>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    receivers: Option<Vec<Offered>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    end: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    envelope: Option<Envelope>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    object: Option<&'a RawValue>,
}

impl Frame {
    /// Reads a line without its line feed.
    pub(super) fn parse(line: &Bytes) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(line).map_err(|_| Malformed::new("it is not UTF-8"))?;
        let read: Line<'_> =
            serde_json::from_str(text).map_err(|e| Malformed::new(format!("it is no frame: {e}")))?;
        let parts = [
            read.hello.is_some(),
            read.removed.is_some(),
            read.withheld.is_some(),
            read.settled.is_some(),
            read.act.is_some(),
            read.letter.is_some(),
            read.receivers.is_some(),
            read.object.is_some(),
            read.text.is_some(),
        ];
        if parts.iter().filter(|part| **part).count() > 1 || read.sequence < 0 {
            return Err(Malformed::new("it says several things at once, or a sequence below 0"));
        }
        let (sequence, again) = (read.sequence, read.again);
        if let Some(hello) = read.hello {
            return Ok(Self::Hello(checked_hello(hello)?));
        }
        if let Some(gone) = read.removed {
            return Ok(Self::Removed { sequence, gone: checked_gone(gone)? });
        }
        if let Some(gone) = read.withheld {
            return Ok(Self::Withheld { sequence, gone: checked_gone(gone)? });
        }
        if let Some(act) = read.act {
            return Ok(Self::Act { sequence, act: Box::new(act.checked()?) });
        }
        if let Some(letter) = read.letter {
            return Ok(Self::Letter { sequence, letter: Box::new(letter.checked()?) });
        }
        if let Some(offered) = read.receivers {
            return Ok(Self::Receivers { sequence, offered: checked_receivers(offered)? });
        }
        if let Some(sight) = read.settled {
            return Ok(Self::Settled { sequence, sight });
        }
        let bytes = match (read.object, read.text) {
            (Some(raw), _) => line.slice_ref(raw.get().as_bytes()),
            (None, Some(text)) => Bytes::from(text),
            (None, None) => return Ok(Self::Progress { sequence, end: read.end }),
        };
        let envelope = read.envelope.ok_or_else(|| Malformed::new("an object has no envelope"))?;
        Ok(Self::Object { sequence, again, envelope: checked_envelope(envelope)?, bytes })
    }

    /// Writes the frame as a line.
    pub(super) fn write(&self, to: &mut BytesMut) -> Result<(), Malformed> {
        let raw;
        let mut line = Line::default();
        match self {
            Self::Hello(hello) => line.hello = Some(hello.clone()),
            Self::Object { sequence, again, envelope, bytes } => {
                (line.sequence, line.again, line.envelope) = (*sequence, *again, Some(envelope.clone()));
                let text = std::str::from_utf8(bytes).map_err(|_| Malformed::new("the object is no text"))?;
                if text.contains(['\n', '\r']) || text.trim().len() != text.len() {
                    line.text = Some(text.to_owned());
                } else {
                    raw =
                        serde_json::from_str::<&RawValue>(text).map_err(|e| Malformed::new(e.to_string()))?;
                    line.object = Some(raw);
                }
            }
            Self::Removed { sequence, gone } => {
                (line.sequence, line.removed) = (*sequence, Some(gone.clone()));
            }
            Self::Withheld { sequence, gone } => {
                (line.sequence, line.again, line.withheld) = (*sequence, true, Some(gone.clone()));
            }
            Self::Settled { sequence, sight } => (line.sequence, line.settled) = (*sequence, Some(*sight)),
            Self::Act { sequence, act } => (line.sequence, line.act) = (*sequence, Some(act.clone())),
            Self::Letter { sequence, letter } => {
                (line.sequence, line.letter) = (*sequence, Some(letter.clone()));
            }
            Self::Receivers { sequence, offered } => {
                (line.sequence, line.receivers) = (*sequence, Some(offered.clone()));
            }
            Self::Progress { sequence, end } => (line.sequence, line.end) = (*sequence, *end),
        }
        let text = serde_json::to_vec(&line).map_err(|e| Malformed::new(e.to_string()))?;
        to.extend_from_slice(&text);
        to.extend_from_slice(b"\n");
        Ok(())
    }
}

fn checked_hello(hello: Hello) -> Result<Hello, Malformed> {
    if is_hub_id(&hello.hub) && hello.version == 1 && hello.from >= 0 && hello.sight >= 0 {
        return Ok(hello);
    }
    Err(Malformed::new("the greeting is of another version of this format, or is broken"))
}

fn checked_receivers(offered: Vec<Offered>) -> Result<Vec<Offered>, Malformed> {
    if offered.len() <= OFFERED_MAX && offered.iter().all(Offered::is_good) {
        return Ok(offered);
    }
    Err(Malformed::new("it tells of organisations that have no names, or of too many"))
}

fn checked_gone(gone: Gone) -> Result<Gone, Malformed> {
    let good = gone
        .version
        .as_ref()
        .is_none_or(|version| version.len() <= VERSION_BYTES_MAX && stix::Timestamp::parse(version).is_ok());
    if good { Ok(gone) } else { Err(Malformed::new("a version is no timestamp")) }
}

fn checked_envelope(envelope: Envelope) -> Result<Envelope, Malformed> {
    let is_short =
        |text: &str| text.chars().count() <= WORDS_CHARACTERS_MAX && !text.chars().any(char::is_control);
    let distinct: std::collections::BTreeSet<&String> = envelope.hops.iter().collect();
    let good = (1..=HOPS_MAX).contains(&envelope.hops.len())
        && distinct.len() == envelope.hops.len()
        && envelope.hops.iter().all(|hop| is_hub_id(hop))
        && envelope.hops.first() == Some(&envelope.origin)
        && is_short(&envelope.organisation)
        && envelope.agreement.as_deref().is_none_or(|name| AgreementId::parse(name).is_some());
    if good { Ok(envelope) } else { Err(Malformed::new("an envelope is broken, or its way too long")) }
}

/// Cuts what comes into lines, of a length that is bounded.
#[derive(Debug, Default)]
pub(super) struct Lines {
    held: BytesMut,
    /// How much of `held` is known to have no line feed.
    searched: usize,
}

impl Lines {
    /// Takes in what came.
    pub(super) fn push(&mut self, part: &[u8]) {
        self.held.extend_from_slice(part);
    }

    /// The next whole line, without its line feed; empty lines are passed over.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Malformed> {
        loop {
            let rest = self.held.get(self.searched..).unwrap_or_default();
            let Some(place) = rest.iter().position(|byte| *byte == b'\n') else {
                self.searched = self.held.len();
                if self.held.len() > FRAME_BYTES_MAX {
                    return Err(Malformed::new(format!("a frame is longer than {FRAME_BYTES_MAX} bytes")));
                }
                return Ok(None);
            };
            let mut line = self.held.split_to(self.searched + place + 1);
            self.searched = 0;
            line.truncate(line.len() - 1);
            if !line.is_empty() {
                return Ok(Some(line.freeze()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "0123456789abcdef0123456789abcdef";

    fn envelope() -> Envelope {
        Envelope {
            origin: HUB.to_owned(),
            organisation: "Agency".to_owned(),
            hops: vec![HUB.to_owned()],
            agreement: None,
        }
    }

    fn round_trip(bytes: &'static str) {
        let frame = Frame::Object {
            sequence: 7,
            again: false,
            envelope: envelope(),
            bytes: Bytes::from_static(bytes.as_bytes()),
        };
        let mut line = BytesMut::new();
        frame.write(&mut line).unwrap();
        let mut lines = Lines::default();
        for part in line.chunks(3) {
            lines.push(part);
        }
        let line = lines.next().unwrap().unwrap();
        assert_eq!(Frame::parse(&line).unwrap(), frame, "{bytes}");
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn objects_travel_byte_for_byte() {
        round_trip(r#"{"type":"x","a":1.10,"b":"\u00e9é"}"#);
        round_trip("{\n  \"type\": \"x\",\r\n  \"n\": 1e3\n}");
        round_trip(" {\"type\":\"x\"} ");
    }

    fn check(line: &str, expected: &str) {
        let found = Frame::parse(&Bytes::copy_from_slice(line.as_bytes()))
            .map_or_else(|e| e.to_string(), |frame| format!("{frame:?}"));
        assert!(found.contains(expected), "`{line}` gave `{found}`");
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        check("", "no frame");
        check("[]", "no frame");
        check("{\"sequence\":-1}", "sequence below 0");
        check("{\"sequence\":1,\"object\":{}}", "no envelope");
        check("{\"sequence\":1,\"settled\":1,\"object\":{}}", "several things at once");
        check("{\"sequence\":1,\"removed\":{\"id\":\"x\"}}", "no frame");
        let gone = "{\"sequence\":1,\"removed\":{\"id\":\"file--00000000-0000-4000-8000-000000000001\",\"version\":\"now\"}}";
        check(gone, "no timestamp");
        check("{\"sequence\":99999999999999999999}", "no frame");
        check("{\"sequence\":3,\"unknown\":1}", "Progress");
        check("{\"sequence\":3,\"receivers\":[{\"id\":\"a\",\"ja\":\"\",\"en\":\"A\"}]}", "no names");
        check("{\"sequence\":3,\"receivers\":[{\"id\":\"A!\",\"ja\":\"a\",\"en\":\"A\"}]}", "no frame");
        check("{\"sequence\":3,\"receivers\":[{\"id\":\"a\",\"ja\":\"あ\",\"en\":\"A\"}]}", "Receivers");
    }

    #[test]
    fn envelopes_are_bounded() {
        let with = |hops: Vec<String>, origin: &str| {
            let hops = serde_json::to_string(&hops).unwrap();
            format!(
                "{{\"sequence\":1,\"object\":{{}},\"envelope\":{{\"origin\":\"{origin}\",\"organisation\":\"a\",\"hops\":{hops}}}}}"
            )
        };
        let hub = |n: usize| format!("{n:032x}");
        check(&with(vec![HUB.to_owned()], HUB), "Object");
        check(&with(vec![], HUB), "broken");
        check(&with(vec![hub(1)], HUB), "broken");
        check(&with(vec![HUB.to_owned(), HUB.to_owned()], HUB), "broken");
        check(&with((0..HOPS_MAX).map(hub).collect(), &hub(0)), "Object");
        check(&with((0..=HOPS_MAX).map(hub).collect(), &hub(0)), "too long");
        check(&with(vec!["evil".to_owned()], "evil"), "broken");
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let mut lines = Lines::default();
        lines.push(&vec![b'x'; FRAME_BYTES_MAX + 1]);
        assert!(lines.next().is_err());
    }
}
