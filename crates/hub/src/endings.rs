//! What ends soon by itself and is missed when it has: the certificate that the hub serves with, tokens of programs, clearances and
//! oaths of people.

use jiff::{SignedDuration, Timestamp};
use oversight::OrganisationId;
use rustls::pki_types::CertificateDer;
use store::{Reader, StoreError, people, qualifications, tokens};

use crate::REALM;

/// How long before its end something is told of.
const TOLD_BEFORE: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How long after its end a token is still told of: whoever comes back from a holiday finds out why a program is silent.
const TOLD_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Something that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    /// `certificate`, `token` or `qualification`.
    pub(crate) kind: &'static str,
    /// The id of the token, or of the entry of the clearance or oath; empty for the certificate.
    pub(crate) id: String,
    /// What people call it.
    pub(crate) name: String,
    /// When.
    pub(crate) at: Timestamp,
    /// The organisation that it concerns; `None`: the node.
    pub(crate) organisation: Option<OrganisationId>,
}

/// What ends within two weeks, or did within one, soonest first.
///
/// # Errors
/// Those of the database.
pub(crate) fn soon(reader: &Reader<'_>, certificate: Option<Timestamp>) -> Result<Vec<Ending>, StoreError> {
    let now = reader.now();
    let (id, name, organisation) = (String::new(), String::new(), None);
    let own = certificate.map(|at| Ending { kind: "certificate", id, name, at, organisation });
    let tokens = tokens::list(reader, &REALM)?.into_iter().map(|token| Ending {
        kind: "token",
        id: token.id,
        name: token.name,
        at: token.expires,
        organisation: Some(token.organisation),
    });
    let held = qualifications(reader, now)?;
    let is_soon = |ending: &Ending| {
        let left = ending.at.duration_since(now);
        left <= TOLD_BEFORE && (left >= -TOLD_AFTER || ending.kind == "certificate")
    };
    let mut found: Vec<Ending> = own.into_iter().chain(tokens).chain(held).filter(is_soon).collect();
    found.sort_by_key(|ending| ending.at);
    Ok(found)
}

/// Clearances and oaths of people who can sign in, but for those in whose place another one of the same kind already stands.
fn qualifications(reader: &Reader<'_>, now: Timestamp) -> Result<Vec<Ending>, StoreError> {
    let mut found = Vec::new();
    for held in qualifications::ending(reader, &REALM, (now - TOLD_AFTER, now + TOLD_BEFORE))? {
        let Some(person) = people::get(reader, &REALM, &held.person)?.filter(|person| !person.disabled)
        else {
            continue;
        };
        let others = qualifications::of_person(reader, &REALM, &person.id, qualifications::OPEN_MAX * 4)?;
        let is_renewed = others.iter().any(|other| {
            other.qualification == held.qualification
                && other.until > held.until
                && other.since <= held.until
                && other.approved == Some(true)
                && other.ended.is_none()
        });
        if !is_renewed {
            found.push(Ending {
                kind: "qualification",
                id: held.id,
                name: format!("{} · {}", person.name, held.qualification),
                at: held.until,
                organisation: Some(person.organisation),
            });
        }
    }
    Ok(found)
}

/// What `/readyz` says of them, which anybody reads: how many, and no names.
pub(crate) fn notices(endings: &[Ending], now: Timestamp) -> Vec<String> {
    let days = |at: Timestamp| at.duration_since(now).as_hours().div_euclid(24);
    let certificate = endings.iter().find(|ending| ending.kind == "certificate").map(|ending| {
        if ending.at <= now {
            "certificate-ended: the certificate that the node serves with has ended; replace it and start the node again".to_owned()
        } else {
            let days = days(ending.at);
            format!("certificate-ends: the certificate that the node serves with ends in {days} days; replace it and start the node again")
        }
    });
    let ending = endings.iter().filter(|ending| ending.kind == "token" && ending.at > now).count();
    let tokens = (ending > 0).then(|| {
        format!(
            "tokens-end: {ending} tokens end within two weeks; see the console under Administration, Tokens"
        )
    });
    let held = endings.iter().filter(|ending| ending.kind == "qualification" && ending.at > now).count();
    let held = (held > 0).then(|| {
        format!(
            "qualifications-end: {held} clearances or oaths of people end within two weeks; see the console under Administration, \
             Clearances"
        )
    });
    certificate.into_iter().chain(tokens).chain(held).collect()
}

/// When a certificate ends (RFC 5280 §4.1.2.5).
pub(crate) fn end_of(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(until: (i32, u8, u8)) -> CertificateDer<'static> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec!["hub.example.jp".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
        parameters.self_signed(&key).unwrap().der().clone()
    }

    #[test]
    fn a_certificate_says_when_it_ends() {
        for (until, expected) in [
            ((2027, 3, 31), "2027-03-31T00:00:00Z"),
            ((2049, 12, 31), "2049-12-31T00:00:00Z"),
            ((2050, 1, 1), "2050-01-01T00:00:00Z"),
            ((4096, 1, 1), "4096-01-01T00:00:00Z"),
        ] {
            let certificate = made(until);
            assert_eq!(end_of(&certificate).map(|at| at.to_string()).as_deref(), Some(expected));
            for length in 0..certificate.len() {
                // What is cut off anywhere is no certificate, and nothing else.
                assert_eq!(end_of(&CertificateDer::from(certificate[..length].to_vec())), None, "{length}");
            }
        }
    }

    #[test]
    fn strangers_are_told_how_many_and_no_names() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let ending = |kind: &'static str, hours: i64| Ending {
            kind,
            id: "t".to_owned(),
            name: "hunter2".to_owned(),
            at: now + SignedDuration::from_hours(hours),
            organisation: None,
        };
        let found = notices(&[ending("token", -5), ending("token", 5), ending("certificate", 73)], now);
        assert!(found[0].starts_with("certificate-ends: ") && found[0].contains("in 3 days"), "{found:?}");
        assert!(found[1].starts_with("tokens-end: 1 tokens"), "{found:?}");
        assert!(!format!("{found:?}").contains("hunter2"));
        assert!(notices(&[ending("certificate", -1)], now)[0].starts_with("certificate-ended: "));
        assert!(notices(&[ending("token", -1)], now).is_empty());
        let found = notices(&[ending("qualification", 5), ending("qualification", -5)], now);
        assert!(found.len() == 1 && found[0].starts_with("qualifications-end: 1 "), "{found:?}");
    }
}
