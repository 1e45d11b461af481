//! What the operator may change while the edge runs, by its page or by `yagura edge`: each change is in the ledger, and is on disk
//! before it counts.

use oversight::{EXPLANATION_CHARS_MAX, Judgement, Opinion, Word, opine};
use serde::{Deserialize, Serialize};
use stix::Id;
use uuid::Uuid;

use crate::ledger::{LedgerKind, LedgerRow};
use crate::spool::verdicts::Decision;
use crate::tuning::{GivenOpinion, PERSONS_VERDICTS_MAX, Reason, State, Verdict};
use crate::{Shared, SpoolError};

/// A change that a person makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// The indicator is a false alarm here: its sightings stay inside.
    Mark {
        /// The indicator.
        indicator: String,
        /// Why, in the operator's own words.
        #[serde(default)]
        reason: String,
        /// Whether it is plainly wrong (`strongly-disagree`), and not only of no use here (`disagree`).
        #[serde(default)]
        strongly: bool,
        /// Whether the reason may leave with the opinion.
        #[serde(default)]
        send_reason: bool,
    },
    /// Holds an indicator's sightings back, to look at it later.
    Hold {
        /// The indicator.
        indicator: String,
        /// Why, in the operator's own words.
        #[serde(default)]
        reason: String,
    },
    /// Lets the sightings of an indicator out that the edge holds back.
    Release {
        /// The indicator.
        indicator: String,
    },
    /// Keeps the sightings of such an indicator inside, without calling it a false alarm.
    Dismiss {
        /// The indicator.
        indicator: String,
    },
    /// Takes back whatever was decided; an opinion that was given is withdrawn.
    Undo {
        /// The indicator.
        indicator: String,
    },
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// A stable code.
    pub code: String,
    /// Why, for a person.
    pub message: String,
}

impl Refused {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }

    fn unfit(message: impl Into<String>) -> Self {
        Self::new("unprocessable", message)
    }
}

impl From<SpoolError> for Refused {
    fn from(error: SpoolError) -> Self {
        let code = match error {
            SpoolError::Full => "disk-full",
            SpoolError::Unusable(_) => "spool",
        };
        Self::new(code, error.to_string())
    }
}

impl Change {
    fn indicator(&self) -> &str {
        match self {
            Self::Mark { indicator, .. }
            | Self::Hold { indicator, .. }
            | Self::Release { indicator }
            | Self::Dismiss { indicator }
            | Self::Undo { indicator } => indicator,
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Mark { .. } => "false-alarm",
            Self::Hold { .. } => "held",
            Self::Release { .. } => "released",
            Self::Dismiss { .. } => "dismissed",
            Self::Undo { .. } => "undone",
        }
    }

    fn note(&self) -> Result<String, Refused> {
        let (Self::Mark { reason, .. } | Self::Hold { reason, .. }) = self else { return Ok(String::new()) };
        let reason = reason.trim();
        if reason.chars().count() > EXPLANATION_CHARS_MAX || reason.chars().any(char::is_control) {
            let why = format!("the reason has at most {EXPLANATION_CHARS_MAX} characters on one line");
            return Err(Refused::unfit(why));
        }
        Ok(reason.to_owned())
    }
}

/// Makes a change; `by` is told in the ledger (`page`, `command`).
pub(crate) fn make(shared: &Shared, change: &Change, by: &'static str) -> Result<(), Refused> {
    let id = Id::parse(change.indicator())
        .ok()
        .filter(|id| id.object_type() == "indicator")
        .ok_or_else(|| Refused::unfit("this is no identifier of an indicator"))?;
    let _one_at_a_time = shared.deciding.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let before = shared.tuning.verdict(&id);
    if before.is_none() && !shared.indicators.holds(&id) {
        return Err(Refused::new("not-found", "the edge does not look for this indicator"));
    }
    let now = jiff::Timestamp::now();
    let mut after = verdict_after(change, before.as_ref(), now)?;
    if after.is_some() && before.is_none() && shared.tuning.verdicts().len() >= PERSONS_VERDICTS_MAX {
        let why = format!("{PERSONS_VERDICTS_MAX} indicators are decided on; undo some that are no more");
        return Err(Refused::new("too-many", why));
    }
    let name = shared.indicators.name_of(&id);
    let row = |kind, detail: String| LedgerRow {
        at: now,
        kind,
        indicator: id.to_string(),
        name: name.clone(),
        detail,
    };
    let note = after.as_ref().map_or("", |verdict| verdict.note.as_str());
    let mut ledger = vec![row(LedgerKind::Decided, format!("{} ({by}) {note}", change.word()))];
    let opinion = match opinion(shared, &id, change, (before.as_ref(), after.as_ref()), now) {
        Some(Ok(given)) => Some(given),
        Some(Err(why)) => {
            ledger.push(row(LedgerKind::Withheld, format!("opinion: {why}")));
            None
        }
        None => None,
    };
    if let (Some(verdict), Some((id, opinion))) = (&mut after, &opinion) {
        let said = opinion.said();
        verdict.opinion = (!said.withdrawn).then_some(GivenOpinion {
            id: *id,
            judgement: said.judgement,
            created: said.created,
        });
    }
    let verdicts = [(id.clone(), after.clone())];
    let given = opinion.as_ref().map(|(id, opinion)| (*id, opinion));
    shared.spool.decide(&Decision { verdicts: &verdicts, opinion: given, ledger: &ledger })?;
    shared.tuning.set(&id, after);
    shared.opined.notify_one();
    Ok(())
}

fn verdict_after(
    change: &Change,
    before: Option<&Verdict>,
    now: jiff::Timestamp,
) -> Result<Option<Verdict>, Refused> {
    let is = |state| before.is_some_and(|verdict| verdict.state == state);
    let to = |state, note| {
        let reason = before.map_or(Reason::Person, |verdict| verdict.reason.clone());
        Ok(Some(Verdict { state, reason, note, at: now, opinion: None }))
    };
    match change {
        Change::Mark { .. } if is(State::FalseAlarm) => {
            Err(Refused::unfit("it is marked as a false alarm; undo that first"))
        }
        Change::Mark { .. } => to(State::FalseAlarm, change.note()?),
        Change::Hold { .. } if before.is_some() => {
            Err(Refused::unfit("something was decided about it; undo that first"))
        }
        Change::Hold { .. } => to(State::Quarantined, change.note()?),
        Change::Release { .. } | Change::Dismiss { .. } if !is(State::Quarantined) => {
            Err(Refused::unfit("its sightings are not held back for a look"))
        }
        Change::Release { .. } => to(State::Released, String::new()),
        Change::Dismiss { .. } => to(State::Dismissed, String::new()),
        Change::Undo { .. } if before.is_none() => Err(Refused::unfit("nothing was decided about it")),
        Change::Undo { .. } => Ok(None),
    }
}

/// The opinion that a change gives or takes back; `None` where there is none to give.
fn opinion(
    shared: &Shared,
    id: &Id,
    change: &Change,
    (before, after): (Option<&Verdict>, Option<&Verdict>),
    now: jiff::Timestamp,
) -> Option<Result<(Uuid, Opinion), oversight::Withheld>> {
    let config = &shared.config;
    let (number, word) = match (change, before.and_then(|verdict| verdict.opinion)) {
        (Change::Mark { strongly, send_reason, .. }, None) if config.consent.opinions => {
            let judgement = if *strongly { Judgement::StronglyDisagree } else { Judgement::Disagree };
            let note = after.map(|verdict| verdict.note.as_str()).filter(|_| *send_reason);
            let word = Word { judgement, explanation: note, withdrawn: false, created: now, modified: now };
            let said_at = now.to_string();
            let number = shared.spool.sighting_id(&[b"opinion", id.as_str().as_bytes(), said_at.as_bytes()]);
            (number, word)
        }
        (Change::Undo { .. }, Some(given)) => {
            // What is taken back is a later version, to the millisecond.
            let after = given.created + jiff::SignedDuration::from_millis(1);
            let GivenOpinion { id, judgement, created } = given;
            let modified = now.max(after);
            (id, Word { judgement, explanation: None, withdrawn: true, created, modified })
        }
        _ => return None,
    };
    let about = (id, shared.indicators.marking_of(id));
    Some(opine(about, &word, config.purpose, &config.consent).map(|opinion| (number, opinion)))
}
