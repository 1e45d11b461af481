//! Cases as the hub uses them: triage, changes, and the way through STIX.

// The attribute tells clippy that the helpers in these modules are tests too, so they may unwrap and index.
#[cfg(test)]
mod changes;
#[cfg(test)]
mod incident;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod severity;
#[cfg(test)]
mod triage;

use std::collections::BTreeSet;

use case::{Case, Opening, Seen, Severity};
use oversight::{OrganisationId, Realm};
use stix::Id;
use stix::marking::Tlp;

fn organisation(name: &str) -> OrganisationId {
    OrganisationId::parse(name).expect("a short name")
}

fn id(object_type: &str, number: u16) -> Id {
    Id::parse(&format!("{object_type}--00000000-0000-4000-8000-00000000{number:04x}")).expect("an id")
}

fn severity(level: u8) -> Severity {
    Severity::new(level).expect("0 to 5")
}

/// A time, in minutes after some moment.
fn minutes(minutes: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_800_000_000 + 60 * minutes).expect("a time")
}

fn seen(number: u16, indicator: u16, threads: &[u16], of: &str, at: i64) -> Seen {
    Seen {
        sighting: id("sighting", number),
        indicator: id("indicator", indicator),
        indicator_name: format!("indicator {indicator}"),
        threads: threads.iter().map(|thread| id("campaign", *thread)).collect(),
        severity: severity(2),
        organisation: organisation(of),
        at: minutes(at),
    }
}

fn opening(number: u16) -> Opening {
    Opening {
        id: id("incident", number),
        realm: Realm::Live,
        number: number.into(),
        rule: "several-members".into(),
        title: "港湾を狙う攻撃 / attacks on ports".into(),
        severity: severity(3),
        marking: Tlp::Amber,
        by: None,
        members: BTreeSet::new(),
    }
}

fn case_of(number: u16, sightings: &[Seen]) -> Case {
    Case::open(opening(number), sightings, minutes(1))
}
