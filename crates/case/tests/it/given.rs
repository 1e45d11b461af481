//! Sightings and cases to work with.

use std::collections::BTreeSet;

use case::{Case, Opening, Seen, Severity};
use oversight::{OrganisationId, Realm};
use stix::Id;
use stix::marking::Tlp;

pub(crate) fn organisation(name: &str) -> OrganisationId {
    OrganisationId::parse(name).expect("a short name")
}

pub(crate) fn id(object_type: &str, number: u16) -> Id {
    Id::parse(&format!("{object_type}--00000000-0000-4000-8000-00000000{number:04x}")).expect("an id")
}

pub(crate) fn severity(level: u8) -> Severity {
    Severity::new(level).expect("0 to 5")
}

/// A time, in minutes after some moment.
pub(crate) fn minutes(minutes: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_800_000_000 + 60 * minutes).expect("a time")
}

pub(crate) fn seen(number: u16, indicator: u16, threads: &[u16], of: &str, at: i64) -> Seen {
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

pub(crate) fn opening(number: u16) -> Opening {
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

pub(crate) fn case_of(number: u16, sightings: &[Seen]) -> Case {
    Case::open(opening(number), sightings, minutes(1))
}
