//! What ends soon by itself and is missed when it has: the certificate that the hub serves with, those that its own authority issued and
//! the authority's roots, tokens of programs, clearances and oaths of people.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use oversight::OrganisationId;
use rustls::pki_types::CertificateDer;
use store::{Reader, StoreError, certificates, people, qualifications, tokens};

use crate::REALM;
use crate::state::AppState;

/// How long before its end something is told of.
const TOLD_BEFORE: SignedDuration = SignedDuration::from_hours(14 * 24);
/// The same for certificates and roots: a new one has to reach whoever uses it.
const CERTIFICATES_TOLD_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// When the log says it once more.
const URGENT_BEFORE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long after its end a token is still told of: whoever comes back from a holiday finds out why a program is silent.
const TOLD_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Something that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    /// `certificate`, `issued-certificate`, `root`, `token` or `qualification`.
    pub(crate) kind: &'static str,
    /// The id of the token, or of the entry of the clearance or oath; the serial number of what was issued and of a root; empty for the
    /// certificate that the hub serves with.
    pub(crate) id: String,
    /// What people call it.
    pub(crate) name: String,
    /// When.
    pub(crate) at: Timestamp,
    /// The organisation that it concerns; `None`: the node.
    pub(crate) organisation: Option<OrganisationId>,
}

impl Ending {
    fn told_before(&self) -> SignedDuration {
        match self.kind {
            "certificate" | "issued-certificate" | "root" => CERTIFICATES_TOLD_BEFORE,
            _ => TOLD_BEFORE,
        }
    }
}

/// What ends within two weeks (certificates: within 30 days), or did within one week, soonest first.
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
    let issued = issued(reader, now)?;
    let is_soon = |ending: &Ending| {
        let left = ending.at.duration_since(now);
        left <= ending.told_before() && (left >= -TOLD_AFTER || ending.kind == "certificate")
    };
    let mut found: Vec<Ending> =
        own.into_iter().chain(tokens).chain(held).chain(issued).filter(is_soon).collect();
    found.sort_by_key(|ending| ending.at);
    Ok(found)
}

/// What the node's authority issued, but for what another certificate of the same holder outlives; and its roots.
fn issued(reader: &Reader<'_>, now: Timestamp) -> Result<Vec<Ending>, StoreError> {
    let mut found = Vec::new();
    let span = (now - TOLD_AFTER, now + CERTIFICATES_TOLD_BEFORE);
    for one in certificates::ending(reader, &REALM, span)? {
        let others = certificates::of_holder(reader, &REALM, one.holder, &one.subject)?;
        if others.iter().any(|other| other.revoked.is_none() && other.ends > one.ends) {
            continue;
        }
        let name = format!("{} {}", one.holder.name(), one.subject);
        found.push(Ending {
            kind: "issued-certificate",
            id: one.serial,
            name,
            at: one.ends,
            organisation: None,
        });
    }
    let roots = certificates::trusted_roots(reader, &REALM)?.into_iter();
    found.extend(roots.map(|root| Ending {
        kind: "root",
        name: root.id.chars().take(8).collect(),
        id: root.id,
        at: root.ends,
        organisation: None,
    }));
    Ok(found)
}

/// Says in the log what ends: when it is known to end soon, once more when it is a week, and when it has ended.
pub(crate) async fn run(state: AppState) {
    const LOOK_EVERY: Duration = Duration::from_secs(3600);
    let mut said = BTreeSet::new();
    loop {
        let certificate = state.certificate_ends();
        match state.store.read(move |reader| Ok((soon(reader, certificate)?, reader.now()))).await {
            Ok((endings, now)) => endings.iter().for_each(|ending| say(ending, now, &mut said)),
            Err(error) => tracing::warn!(%error, "what ends soon cannot be read"),
        }
        tokio::select! {
            () = state.stopping.wait() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Names of people stay out of the log.
fn say(ending: &Ending, now: Timestamp, said: &mut BTreeSet<(&'static str, String, u8)>) {
    let left = ending.at.duration_since(now);
    let step = match left {
        left if left <= SignedDuration::ZERO => 2,
        left if left <= URGENT_BEFORE => 1,
        _ => 0,
    };
    if ending.kind == "qualification" || !said.insert((ending.kind, ending.id.clone(), step)) {
        return;
    }
    let (kind, id, at) = (ending.kind, ending.id.as_str(), ending.at);
    let days = left.as_hours().div_euclid(24);
    match step {
        0 => tracing::warn!(kind, id, %at, days, "ends soon"),
        1 => tracing::warn!(kind, id, %at, days, "ends within a week"),
        _ => tracing::error!(kind, id, %at, "has ended"),
    }
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
            "certificate-ended: the certificate that the node serves with has ended; replace it, and it is taken up".to_owned()
        } else {
            let days = days(ending.at);
            format!("certificate-ends: the certificate that the node serves with ends in {days} days; replace it, and it is taken up")
        }
    });
    let ending = endings.iter().filter(|ending| ending.kind == "token" && ending.at > now).count();
    let tokens = (ending > 0).then(|| {
        format!(
            "tokens-end: {ending} tokens end within two weeks; see the console under Administration, Tokens"
        )
    });
    let issued = |ending: &&Ending| matches!(ending.kind, "issued-certificate" | "root") && ending.at > now;
    let issued = endings.iter().filter(issued).count();
    let issued = (issued > 0).then(|| {
        format!(
            "certificates-end: {issued} certificates or roots of the node's authority end within 30 days; see `yagura admin ca list`"
        )
    });
    let held = endings.iter().filter(|ending| ending.kind == "qualification" && ending.at > now).count();
    let held = (held > 0).then(|| {
        format!(
            "qualifications-end: {held} clearances or oaths of people end within two weeks; see the console under Administration, \
             Clearances"
        )
    });
    certificate.into_iter().chain(issued).chain(tokens).chain(held).collect()
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
    fn the_log_says_it_when_it_is_soon_and_when_it_is_a_week_and_when_it_is_over() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut said = BTreeSet::new();
        for (days, expected) in [(29, 1), (20, 1), (7, 2), (1, 2), (0, 3), (-3, 3)] {
            let ending = Ending {
                kind: "issued-certificate",
                id: "4a".to_owned(),
                name: "edge power-1".to_owned(),
                at: now + SignedDuration::from_hours(24 * days),
                organisation: None,
            };
            say(&ending, now, &mut said);
            assert_eq!(said.len(), expected, "{days}");
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
        let found = notices(&[ending("issued-certificate", 5), ending("root", -5)], now);
        assert!(found.len() == 1 && found[0].starts_with("certificates-end: 1 "), "{found:?}");
        let found = notices(&[ending("qualification", 5), ending("qualification", -5)], now);
        assert!(found.len() == 1 && found[0].starts_with("qualifications-end: 1 "), "{found:?}");
    }
}
