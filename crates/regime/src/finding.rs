//! What does not fit together in a report. A report is taken all the same; a person should look.

use jiff::{SignedDuration, Timestamp};

use crate::event::{Event, EventId, Moment, What};
use crate::{Regimes, Report, Text};

/// A clock may be ahead by so much without anybody being told.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// A filing that was logged later than this after it is said to have happened is told of.
const LATE_LOGGING: SignedDuration = SignedDuration::from_hours(1);

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable code, e.g. `clock-in-future`.
    pub code: &'static str,
    /// The event, where it is one.
    pub event: Option<EventId>,
    /// What is wrong, for a person.
    pub message: Text,
}

/// Everything that does not fit together, by event.
///
/// Codes: `clock-in-future` (something is said to have happened later than it was logged), `logged-in-future` (it was logged later than
/// now), `order` (what must come first came later), `logged-late`, `no-such-regime`, `active-file`.
#[must_use]
pub fn findings(report: &Report, regimes: &Regimes, now: Timestamp) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        report.events().iter().flat_map(|(id, event)| about_event(*id, event, regimes, now)).collect();
    let record = report.record();
    let moment = |moment| record.moment(moment);
    let pairs = [
        (Moment::Occurred, Moment::Detected),
        (Moment::Occurred, Moment::Aware),
        (Moment::Detected, Moment::Aware),
        (Moment::Aware, Moment::Handled),
    ];
    for (first, second) in pairs {
        if moment(first).zip(moment(second)).is_some_and(|(a, b)| a > b) {
            let (a, b) = (first.label(), second.label());
            let message = Text {
                ja: format!("{}が{}より後です", a.ja, b.ja),
                en: format!("“{}” lies after “{}”", a.en, b.en),
            };
            found.push(Finding { code: "order", event: None, message });
        }
    }
    found
}

fn about_event(id: EventId, event: &Event, regimes: &Regimes, now: Timestamp) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |code, ja: &str, en: &str| {
        found.push(Finding { code, event: Some(id), message: Text::new(ja, en) });
    };
    if event.logged.duration_since(now) > SKEW {
        add(
            "logged-in-future",
            "記録時刻が現在より後です。時計を確認してください",
            "it was logged later than now: check the clocks",
        );
    }
    let claimed = match &event.what {
        What::Happened { at, .. } | What::Filed { at, .. } | What::Answered { at, .. } => Some(*at),
        _ => None,
    };
    if claimed.is_some_and(|at| at.duration_since(event.logged) > SKEW) {
        add(
            "clock-in-future",
            "記録時刻より後に起きたことになっています。期限は記録時刻から数えます",
            "it is said to have happened later than it was logged; clocks run from when it was logged",
        );
    }
    if let What::Filed { at, .. } = &event.what
        && event.logged.duration_since(*at) > LATE_LOGGING
    {
        add(
            "logged-late",
            "提出から記録まで1時間を超えています",
            "it was logged more than an hour after it was filed",
        );
    }
    if let What::Attached { attachment } = &event.what
        && attachment.is_active()
    {
        add("active-file", "開くと動作するおそれのある添付です", "the file does something when it is opened");
    }
    if !names_what_is_there(&event.what, regimes) {
        add(
            "no-such-regime",
            "この制度・段階・提出先は登録されていません",
            "there is no such regime, stage or recipient here",
        );
    }
    found
}

fn names_what_is_there(what: &What, regimes: &Regimes) -> bool {
    let (regime, stage, recipient) = match what {
        What::Filed { regime, stage, recipient, .. } | What::Answered { regime, stage, recipient, .. } => {
            (regime, Some(stage), Some(recipient))
        }
        What::Extended { regime, stage, .. } => (regime, Some(stage), None),
        What::Consent { regime, recipient, .. } => (regime, None, Some(recipient)),
        What::Ruled { regime, .. } => (regime, None, None),
        _ => return true,
    };
    regimes.get(regime).is_some_and(|regime| {
        stage.is_none_or(|stage| regime.stage(stage).is_some())
            && recipient.is_none_or(|recipient| regime.recipient(recipient).is_some())
    })
}
