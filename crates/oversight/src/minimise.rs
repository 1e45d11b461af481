use serde::Serialize;
use stix::Id;
use stix::marking::Tlp;
use telemetry::Observation;

use crate::{Consent, Purpose};

/// The closed type of what may leave an edge: addresses, ports, protocol, times, sizes, domain names, hashes, fingerprints.
/// Bodies, subjects, URL paths and queries, names and account contents are not in it and cannot be put in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct MechanicalInformation {
    /// Addresses, RFC 5952 text.
    pub addresses: Vec<std::net::IpAddr>,
    /// Domain names, A-labels; of a URL only its host.
    pub domains: Vec<String>,
    /// Hashes: algorithm name of STIX 2.1 §10.7 and lower-case hexadecimal.
    pub hashes: Vec<(String, String)>,
    /// Source and destination ports.
    pub ports: Vec<u16>,
    /// Transport protocol.
    pub protocol: Option<String>,
    /// Bytes counted by the record.
    pub bytes: Option<u64>,
}

/// A proof: this sighting was made by [`minimise`] under a consent that covers it. There is no other constructor,
/// but for [`Minimised::unseal`], which takes only what [`Minimised::seal`] gave under the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimised {
    sighting: MinimisedSighting,
}

/// What a [`Minimised`] holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinimisedSighting {
    /// The indicator that matched.
    pub indicator: Id,
    /// Its version, as its producer wrote it.
    pub indicator_version: String,
    /// When: the record's time, else when it was read.
    pub seen: jiff::Timestamp,
    /// What it was let out for.
    pub purpose: Purpose,
    /// What it bears.
    pub marking: Tlp,
    /// The values.
    pub information: MechanicalInformation,
}

/// Why a match stays inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// The operator has not consented to this purpose.
    #[error("the operator has not consented to this purpose")]
    Purpose,
    /// The indicator is marked more strictly than the operator's consent reaches.
    #[error("the indicator is marked more strictly than the operator's consent reaches")]
    Marking,
}

/// Makes the one thing that may leave from what was seen, if the operator's consent covers it. `matched` are the indices of
/// `observation.values` that the indicator hit; `read_at` stands in where the record bears no time.
pub fn minimise(
    _indicator: (&Id, &str, Option<Tlp>),
    _observation: &Observation<'_>,
    _matched: &[usize],
    _purpose: Purpose,
    _consent: &Consent,
    _read_at: jiff::Timestamp,
) -> Result<Minimised, Withheld> {
    Err(Withheld::Purpose)
}

impl Minimised {
    /// What may be sent.
    #[must_use]
    pub fn sighting(&self) -> &MinimisedSighting {
        &self.sighting
    }

    /// The durable form for a spool: content and a keyed digest, so that nothing but our own output can be read back.
    #[must_use]
    pub fn seal(&self, _key: &[u8; 32]) -> Vec<u8> {
        Vec::new()
    }

    /// Reads what [`Minimised::seal`] wrote under the same key; anything else is `None`.
    #[must_use]
    pub fn unseal(_sealed: &[u8], _key: &[u8; 32]) -> Option<Self> {
        None
    }
}
