//! What the operator can always see of its own edge: what was asked, what matched, what left.

use serde::Serialize;

/// What a ledger row tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LedgerKind {
    /// The hub asked to look for an indicator, or to stop.
    Asked,
    /// An indicator matched; the detail says whether it may leave.
    Matched,
    /// A hunt through the history found what an indicator asks for; the detail says when that was.
    Found,
    /// A match stayed inside: the consent does not cover it.
    Withheld,
    /// A sighting left and the hub acknowledged it.
    Sent,
    /// The hub refused a sighting.
    Refused,
    /// An indicator matched that was marked as a false alarm: it stays inside.
    Held,
    /// The edge holds an indicator's sightings back from now on; the detail says why.
    Quarantined,
    /// A person decided about an indicator.
    Decided,
    /// The state asked under an authorisation, and the edge began to look.
    Tasked,
    /// What the state asked was stopped, or was over; the detail says why.
    Ended,
    /// The state asked and the edge does not do it; the detail says why.
    Declined,
    /// What was found under an authorisation left, and the hub acknowledged it.
    Selected,
    /// An order was taken, or waits for the operator; the detail says who ordered it, on what authority and until when.
    Ordered,
    /// An order was refused; the detail says by which gate, or that the operator did.
    Rejected,
    /// A device does what was ordered, as read back from it.
    Enforced,
    /// A device had not what was ordered, or had what nobody ordered; the detail says which.
    Drifted,
    /// What was ordered is over: at its time, or undone before it.
    Undone,
}

impl LedgerKind {
    const ALL: [Self; 18] = [
        Self::Asked,
        Self::Matched,
        Self::Found,
        Self::Withheld,
        Self::Sent,
        Self::Refused,
        Self::Held,
        Self::Quarantined,
        Self::Decided,
        Self::Tasked,
        Self::Ended,
        Self::Declined,
        Self::Selected,
        Self::Ordered,
        Self::Rejected,
        Self::Enforced,
        Self::Drifted,
        Self::Undone,
    ];

    /// The name in the spool and on the page.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Matched => "matched",
            Self::Found => "found",
            Self::Withheld => "withheld",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Held => "held",
            Self::Quarantined => "quarantined",
            Self::Decided => "decided",
            Self::Tasked => "tasked",
            Self::Ended => "ended",
            Self::Declined => "declined",
            Self::Selected => "selected",
            Self::Ordered => "ordered",
            Self::Rejected => "rejected",
            Self::Enforced => "enforced",
            Self::Drifted => "drifted",
            Self::Undone => "undone",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The counter that a row of this kind moves; what the hub answered is counted when it is acknowledged.
    #[must_use]
    pub fn counted(self) -> Option<&'static str> {
        match self {
            Self::Matched => Some("matched"),
            Self::Found => Some("found"),
            Self::Withheld => Some("withheld"),
            // What is held back is counted by indicator, whether it has a row or not.
            Self::Asked | Self::Sent | Self::Refused | Self::Held | Self::Quarantined | Self::Decided => None,
            Self::Tasked | Self::Ended | Self::Declined | Self::Selected => None,
            Self::Ordered | Self::Rejected | Self::Enforced | Self::Drifted | Self::Undone => None,
        }
    }
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerRow {
    /// When.
    pub at: jiff::Timestamp,
    /// What.
    pub kind: LedgerKind,
    /// The indicator's identifier; empty for a change of many.
    pub indicator: String,
    /// Its name.
    pub name: String,
    /// The particulars: source and line of a match, contents of what was sent, the reason of a refusal.
    pub detail: String,
}

/// What was counted since the spool was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Matches.
    pub matched: u64,
    /// Matches that stayed inside.
    pub withheld: u64,
    /// Matches whose sightings were held back: of quarantined indicators and false alarms.
    pub held: u64,
    /// Sightings that the hub took in.
    pub sent: u64,
    /// Sightings that the hub had already.
    pub duplicate: u64,
    /// Sightings that the hub refused.
    pub refused: u64,
    /// What hunts found in the history and was not matched before.
    pub found: u64,
    /// What left under authorisations.
    pub selected: u64,
    /// What was found under authorisations and dropped, since as much waited as may.
    pub selected_lost: u64,
}
