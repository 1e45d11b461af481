use jiff::Timestamp;

use super::entry::{EntryId, Person};
use super::replica::Room;
use super::situation::{Decision, Period, Situation};
use super::task::Task;
use super::{RoomEntry, Says};

/// What the next shift has to know, made of what it may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// From when it tells.
    pub since: Timestamp,
    /// Who commands.
    pub commander: Option<Person>,
    /// The period that runs.
    pub period: Option<Period>,
    /// Open tasks: those that are late first, then by due time, then the rest.
    pub open: Vec<Task>,
    /// How many of them are late.
    pub late: usize,
    /// What was handed back, declined or withdrawn since.
    pub ended: Vec<EntryId>,
    /// What was decided since.
    pub decisions: Vec<Decision>,
    /// The notes since, oldest first.
    pub notes: Vec<EntryId>,
    /// What the room comes to.
    pub situation: Situation,
}

/// The brief for somebody, of what happened from `since` on.
#[must_use]
pub fn brief(room: &Room, since: Timestamp, now: Timestamp, sees: impl Fn(&RoomEntry) -> bool) -> Brief {
    let situation = room.situation(&sees);
    let without_effect: std::collections::BTreeSet<EntryId> =
        situation.ignored.iter().map(|ignored| ignored.entry).collect();
    let recent: Vec<_> = room
        .ordered()
        .into_iter()
        .filter(|(id, entry)| entry.at >= since && sees(entry) && !without_effect.contains(id))
        .collect();
    let of = |wanted: fn(&Says) -> bool| -> Vec<EntryId> {
        recent.iter().filter(|(_, entry)| wanted(&entry.says)).map(|(id, _)| *id).collect()
    };
    let mut open: Vec<Task> = situation.tasks.values().filter(|task| task.is_open()).cloned().collect();
    open.sort_by_key(|task| (!task.is_late(now), task.due.is_none(), task.due, task.offered, task.id));
    Brief {
        since,
        commander: situation.commander.clone(),
        period: situation.period(now).cloned(),
        late: open.iter().filter(|task| task.is_late(now)).count(),
        open,
        ended: of(|says| {
            matches!(
                says,
                Says::TaskHandedBack { .. } | Says::TaskDeclined { .. } | Says::TaskWithdrawn { .. }
            )
        }),
        decisions: situation.decisions.iter().filter(|decision| decision.at >= since).cloned().collect(),
        notes: of(|says| matches!(says, Says::Note { .. } | Says::Reported { .. } | Says::Mailed(_))),
        situation,
    }
}
