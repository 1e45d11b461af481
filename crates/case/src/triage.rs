use std::collections::BTreeSet;

use oversight::OrganisationId;
use stix::Id;

use crate::change::TITLE_CHARS_MAX;
use crate::{Case, Severity, State};

/// A case opens with at most so many earlier sightings: the latest.
pub const WITH_MAX: usize = 1_000;

/// When sightings make a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Sightings closer together than this belong together.
    pub window: jiff::SignedDuration,
    /// So many members must see related indicators.
    pub members_min: usize,
    /// An indicator of at least this severity opens a case alone.
    pub severity_alone: Severity,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            window: jiff::SignedDuration::from_hours(24),
            members_min: 2,
            severity_alone: Severity::SEVERE,
        }
    }
}

/// What triage needs of one sighting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The STIX sighting.
    pub sighting: Id,
    /// The indicator that matched.
    pub indicator: Id,
    /// Its name, for the title.
    pub indicator_name: String,
    /// What the indicator is tied to: campaign, intrusion set, malware (their ids); sightings of one thread belong together.
    pub threads: Vec<Id>,
    /// The indicator's severity.
    pub severity: Severity,
    /// Whose network.
    pub organisation: OrganisationId,
    /// When.
    pub at: jiff::Timestamp,
}

/// What to do with a sighting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Triage {
    /// It stands alone.
    Nothing,
    /// It joins this open case.
    Join(Id),
    /// It opens a case, with these earlier sightings.
    Open {
        /// The rule: `several-members` or `high-severity`.
        rule: &'static str,
        /// A title in words.
        title: String,
        /// The severity to begin with.
        severity: Severity,
        /// Indices into `recent` that belong to it, ascending.
        with: Vec<usize>,
    },
}

/// Decides on one new sighting, given the open cases and the recent sightings that are in no case, all of one realm.
///
/// Two sightings are related when they are of one indicator or of indicators that share a thread, and close in time.
/// In this order: a sighting joins the open case that it is related to (of several, the one that was seen last); related
/// sightings at several members open a case; a grave indicator opens one alone.
#[must_use]
pub fn triage(new: &Seen, open: &[Case], recent: &[Seen], rules: &Rules) -> Triage {
    let joinable = open.iter().filter(|case| {
        case.state == State::Open && is_near(new.at, case.last_seen, rules) && concerns(case, new)
    });
    if let Some(case) = joinable.max_by(|a, b| (a.last_seen, &b.id).cmp(&(b.last_seen, &a.id))) {
        return Triage::Join(case.id.clone());
    }
    let with = related(new, recent, rules);
    let members = with
        .iter()
        .filter_map(|index| recent.get(*index))
        .map(|seen| &seen.organisation)
        .chain([&new.organisation])
        .collect::<BTreeSet<_>>()
        .len();
    let gravest = with.iter().filter_map(|index| recent.get(*index)).map(|seen| seen.severity).max();
    let severity = gravest.map_or(new.severity, |gravest| gravest.max(new.severity));
    if members >= rules.members_min {
        // What reaches several members is more than one member's trouble.
        let severity = severity.max(Severity::CONSIDERABLE);
        return Triage::Open { rule: "several-members", title: title(new, members), severity, with };
    }
    if new.severity >= rules.severity_alone {
        return Triage::Open { rule: "high-severity", title: title(new, members), severity, with };
    }
    Triage::Nothing
}

/// Indices of what is related to the new sighting, the latest [`WITH_MAX`] of them, ascending.
fn related(new: &Seen, recent: &[Seen], rules: &Rules) -> Vec<usize> {
    let mut with: Vec<usize> = recent
        .iter()
        .enumerate()
        .filter(|(_, seen)| {
            seen.sighting != new.sighting && is_near(new.at, seen.at, rules) && is_related(new, seen)
        })
        .map(|(index, _)| index)
        .collect();
    if with.len() > WITH_MAX {
        with.sort_by_key(|index| recent.get(*index).map(|seen| std::cmp::Reverse(seen.at)));
        with.truncate(WITH_MAX);
        with.sort_unstable();
    }
    with
}

fn is_related(a: &Seen, b: &Seen) -> bool {
    a.indicator == b.indicator || a.threads.iter().any(|thread| b.threads.contains(thread))
}

/// A case holds the indicators and threads of its sightings among its objects.
fn concerns(case: &Case, seen: &Seen) -> bool {
    std::iter::once(&seen.indicator).chain(&seen.threads).any(|id| case.objects.contains(id))
}

fn is_near(a: jiff::Timestamp, b: jiff::Timestamp, rules: &Rules) -> bool {
    a.duration_since(b).abs() <= rules.window
}

/// The indicator's name, and at how many organisations: short, and to be read in both languages.
fn title(new: &Seen, members: usize) -> String {
    let name =
        if new.indicator_name.trim().is_empty() { new.indicator.as_str() } else { new.indicator_name.trim() };
    let suffix = if members > 1 { format!(" — {members} 組織 / organisations") } else { String::new() };
    let room = TITLE_CHARS_MAX.saturating_sub(suffix.chars().count());
    name.chars().take(room).chain(suffix.chars()).collect()
}
