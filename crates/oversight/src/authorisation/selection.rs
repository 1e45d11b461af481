use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use telemetry::Observation;
use uuid::Uuid;

use super::gate::Authorised;
use super::pseudonym::PseudonymKey;
use super::terms::{Field, Terms};
use crate::minimise::{Parts, known_protocol, parts};
use crate::{Consent, OrganisationId};

/// What was found under an authorisation, as it leaves an edge: which of the patterns, in which hour, roughly how often, and of the
/// record only the fields that were granted. There is no room in it for anything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// The same however often it is sent; it tells nothing without the edge's key.
    pub id: Uuid,
    /// Under which authorisation.
    pub authorisation: Uuid,
    /// Its grant's place in the log of authorisations.
    pub grant: u64,
    /// At which operator.
    pub operator: OrganisationId,
    /// By which edge.
    pub edge: String,
    /// Which pattern of the list, from 0.
    pub member: u32,
    /// The hour (UTC) in which the records say that it was, by its beginning.
    pub hour: Timestamp,
    /// How many such records there were at least: 1, 10, 100 and so on.
    pub at_least: u64,
    /// The fields that were granted.
    pub information: SelectedInformation,
}

/// The mechanical information of a [`Selection`]. A field that was not granted is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectedInformation {
    /// Addresses that are not the operator's own, RFC 5952 text, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// The operator's own addresses as pseudonyms of this authorisation, 32 hexadecimal digits, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own: Vec<String>,
    /// Domain names that matched, A-labels in lower case, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// Hashes that matched: algorithm name of STIX 2.1 §10.7 and lower-case hexadecimal, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<(String, String)>,
    /// Source and destination ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// Transport protocol, one of [`PROTOCOLS`](crate::PROTOCOLS).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Bytes counted by the records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// A selection that its edge signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedSelection {
    /// What was found.
    pub selection: Selection,
    /// The edge's Ed25519 signature over [`Selection::signed`], in hexadecimal.
    pub signature: String,
}

/// A proof: this was found by what was granted, and holds nothing but what was granted to leave. Made by [`Authorised::select`]
/// alone, but for [`Selected::unseal`], which takes only what [`Selected::seal`] gave under the same key.
///
/// ```compile_fail
/// use oversight::authorisation::{Selected, Selection};
/// fn forge(selection: Selection) -> Selected {
///     Selected { selection, count: 1 } // the fields are private
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// With a count of its own beside it.
    selection: Selection,
    count: u64,
}

/// Why a record stays inside although it is what was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unselected {
    /// It is of another time than the authorisation.
    #[error("the record is not of the time of the authorisation")]
    Time,
    /// Nothing in the record matched: what was not selected never leaves.
    #[error("nothing in the record matched")]
    Unmatched,
    /// The list has no such pattern.
    #[error("the list has no such pattern")]
    Member,
}

/// Set before the text under the signature.
const DOMAIN: &[u8] = b"yagura selection v1\0";

impl Selection {
    /// The bytes that are signed.
    #[must_use]
    pub fn signed(&self) -> Vec<u8> {
        [DOMAIN, &serde_json_canonicalizer::to_vec(self).unwrap_or_default()].concat()
    }

    /// Whether the terms let this leave: a hub refuses anything else, whoever signed it.
    #[must_use]
    pub fn is_within(&self, terms: &Terms) -> bool {
        self.authorisation == terms.id
            && terms.operators.contains(&self.operator)
            && self.member < terms.list_size
            && self.at_least == bucket(self.at_least)
            && self.hour == hour_of(self.hour)
            && self.hour > terms.from - SignedDuration::from_hours(1)
            && self.hour < terms.until
            && self.information.fields().is_subset(&terms.fields)
    }
}

impl SelectedInformation {
    /// The fields that something stands in.
    #[must_use]
    pub fn fields(&self) -> BTreeSet<Field> {
        [
            (Field::Addresses, !self.addresses.is_empty()),
            (Field::OwnPseudonyms, !self.own.is_empty()),
            (Field::Domains, !self.domains.is_empty()),
            (Field::Hashes, !self.hashes.is_empty()),
            (Field::Ports, !self.ports.is_empty()),
            (Field::Protocol, self.protocol.is_some()),
            (Field::Bytes, self.bytes.is_some()),
        ]
        .into_iter()
        .filter_map(|(field, is_there)| is_there.then_some(field))
        .collect()
    }
}

impl SignedSelection {
    /// Signs for what was found. `sign` is the edge's key.
    #[must_use]
    pub fn sign(selection: Selection, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Self {
        let signature = hex::encode(sign(&selection.signed()));
        Self { selection, signature }
    }

    /// Whether the edge with this Ed25519 key signed it.
    #[must_use]
    pub fn is_of(&self, key: &[u8; 32]) -> bool {
        use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
        let Ok(signature) = hex::decode(&self.signature) else { return false };
        UnparsedPublicKey::new(&ED25519, key).verify(&self.selection.signed(), &signature).is_ok()
    }
}

impl Authorised {
    /// Makes what may leave of a record that one of the patterns matched. `matched` are the indices of `record.values` that it hit,
    /// `at` is when the record was seen where it bears no time, and `consent` says only which addresses are the operator's own.
    ///
    /// The result depends on nothing but the matched values, the two ends, ports, protocol, size and hour of the record, as far as
    /// these were granted. Whatever else the record holds makes no difference to a single byte of it.
    ///
    /// # Errors
    /// Why nothing may leave.
    pub fn select(
        &self,
        member: u32,
        (record, matched): (&Observation<'_>, &[usize]),
        consent: &Consent,
        pseudonyms: &PseudonymKey,
        at: Timestamp,
    ) -> Result<Selected, Unselected> {
        let (terms, used) = (self.terms(), self.used());
        if member >= used.count {
            return Err(Unselected::Member);
        }
        let seen = record.time.unwrap_or(at);
        if !(terms.from..terms.until).contains(&seen) {
            return Err(Unselected::Time);
        }
        if !matched.iter().any(|index| record.values.get(*index).is_some()) {
            return Err(Unselected::Unmatched);
        }
        let information = self.granted(record, matched, consent, pseudonyms);
        let hour = hour_of(seen);
        let id = pseudonyms.id(terms.id, &named(member, hour, &information));
        let selection = Selection {
            id,
            authorisation: terms.id,
            grant: used.grant,
            operator: used.operator.clone(),
            edge: used.edge.clone(),
            member,
            hour,
            at_least: 1,
            information,
        };
        Ok(Selected { selection, count: 1 })
    }

    /// Of the record, what was granted.
    fn granted(
        &self,
        record: &Observation<'_>,
        matched: &[usize],
        consent: &Consent,
        pseudonyms: &PseudonymKey,
    ) -> SelectedInformation {
        let Parts { others, own, domains, hashes } = parts(record, matched, consent);
        let lets_out = |field| self.lets_out(field);
        let own: BTreeSet<String> = own
            .into_iter()
            .filter(|_| lets_out(Field::OwnPseudonyms))
            .map(|address| pseudonyms.of(self.terms().id, address))
            .collect();
        let ports = [record.src_port, record.dst_port].into_iter().flatten();
        SelectedInformation {
            addresses: others.into_iter().filter(|_| lets_out(Field::Addresses)).collect(),
            own: own.into_iter().collect(),
            domains: domains.into_iter().filter(|_| lets_out(Field::Domains)).collect(),
            hashes: hashes.into_iter().filter(|_| lets_out(Field::Hashes)).collect(),
            ports: ports.filter(|_| lets_out(Field::Ports)).collect(),
            protocol: record
                .protocol
                .as_deref()
                .filter(|_| lets_out(Field::Protocol))
                .and_then(known_protocol),
            bytes: record.bytes.filter(|_| lets_out(Field::Bytes)),
        }
    }
}

impl Selected {
    /// What may leave.
    #[must_use]
    pub fn selection(&self) -> Selection {
        Selection { at_least: bucket(self.count), ..self.selection.clone() }
    }

    /// By which it is known.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.selection.id
    }

    /// Both as one: they are about the same pattern, hour and information.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        if self.id() != other.id() {
            return self;
        }
        self.count = self.count.saturating_add(other.count);
        let bytes = &mut self.selection.information.bytes;
        *bytes = match (*bytes, other.selection.information.bytes) {
            (Some(one), Some(two)) => Some(one.saturating_add(two)),
            (one, two) => one.or(two),
        };
        self
    }

    /// For `seal`.
    pub(crate) fn content(&self) -> (&Selection, u64) {
        (&self.selection, self.count)
    }

    /// For `seal`: the other door through which a proof may come back.
    pub(crate) fn restored(selection: Selection, count: u64) -> Self {
        Self { selection, count }
    }
}

/// What makes two finds one: everything but how often and how much.
fn named(member: u32, hour: Timestamp, information: &SelectedInformation) -> Vec<u8> {
    let what = SelectedInformation { bytes: None, ..information.clone() };
    serde_json_canonicalizer::to_vec(&(member, hour, what)).unwrap_or_default()
}

/// The largest power of ten that is not larger; nought for nought.
fn bucket(count: u64) -> u64 {
    count.checked_ilog10().map_or(0, |digits| 10_u64.pow(digits))
}

/// The beginning of the hour (UTC).
fn hour_of(time: Timestamp) -> Timestamp {
    let second = time.as_second().div_euclid(3600) * 3600;
    Timestamp::from_second(second).unwrap_or(time)
}
