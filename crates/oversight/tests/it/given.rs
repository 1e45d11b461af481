//! Records and an operator to work with.

use std::borrow::Cow;
use std::collections::BTreeSet;

use oversight::{Consent, Minimised, Purpose, Withheld, minimise};
use stix::Id;
use stix::marking::Tlp;
use stix::observable::ValueKind;
use telemetry::{Observation, Observed, Role};

pub(crate) fn indicator() -> Id {
    Id::parse("indicator--00000000-0000-4000-8000-000000000001").expect("an id")
}

pub(crate) fn noon() -> jiff::Timestamp {
    "2026-11-23T03:00:00Z".parse().expect("a time")
}

/// An operator that tells the council of attacks up to AMBER, without its own addresses.
pub(crate) fn consent() -> Consent {
    Consent {
        purposes: BTreeSet::from([Purpose::CollectiveDefence]),
        up_to: Some(Tlp::Amber),
        mark_as: Some(Tlp::Green),
        own_addresses: false,
        opinions: false,
        own_networks: vec![
            "203.0.113.0/24".parse().expect("a network"),
            "2001:db8:1::/48".parse().expect("a network"),
        ],
    }
}

pub(crate) fn observed(kind: ValueKind, role: Role, value: &str) -> Observed<'static> {
    Observed { field: Cow::Borrowed("field"), kind, value: Cow::Owned(value.to_owned()), role }
}

pub(crate) fn observation(values: Vec<Observed<'static>>) -> Observation<'static> {
    Observation {
        time: Some(noon()),
        kind: Cow::Borrowed("http"),
        protocol: Some(Cow::Borrowed("tcp")),
        src_port: Some(50_123),
        dst_port: Some(443),
        bytes: Some(1_234),
        values,
        ..Observation::default()
    }
}

pub(crate) fn let_out(
    observation: &Observation<'_>,
    matched: &[usize],
    consent: &Consent,
) -> Result<Minimised, Withheld> {
    minimise(
        (&indicator(), "2026-11-01T00:00:00.000Z", Some(Tlp::Amber)),
        observation,
        matched,
        Purpose::CollectiveDefence,
        consent,
        noon(),
    )
}
