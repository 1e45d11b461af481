//! A reported sighting is read strictly: what is not mechanical information in its one form is refused, whoever sends it.

use std::net::IpAddr;

use api::{NewSighting, SightingOutcome};
use jiff::{SignedDuration, Timestamp};
use oversight::{MechanicalInformation, PROTOCOLS, Purpose};
use stix::Id;
use stix::marking::Tlp;
use uuid::Uuid;

/// Most values of one kind in one sighting.
const VALUES_MAX: usize = 64;
/// STIX 2.1 §5.2: `count` is at most this.
const COUNT_MAX: u64 = 999_999_999;
/// Largest count of bytes: what every JSON reader holds exactly.
const BYTES_MAX: u64 = (1 << 53) - 1;
/// How far a record's clock may be ahead of the hub's.
const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(24);

/// A sighting as an edge reported it, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reported {
    /// The edge's own number for it; the STIX sighting bears it.
    pub(crate) id: Uuid,
    /// The indicator that matched.
    pub(crate) indicator: Id,
    /// Its version, as the edge had it.
    pub(crate) indicator_version: stix::Timestamp,
    /// First seen.
    pub(crate) first_seen: Timestamp,
    /// Last seen.
    pub(crate) last_seen: Timestamp,
    /// How often.
    pub(crate) count: u64,
    /// What it was let out for.
    pub(crate) purpose: Purpose,
    /// What it bears.
    pub(crate) marking: Tlp,
    /// The values.
    pub(crate) information: MechanicalInformation,
}

/// Why a sighting is refused for good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refused {
    /// A stable code.
    pub(crate) code: &'static str,
    /// Why; never with the value in it, which is what must not be let in.
    pub(crate) message: String,
}

impl Refused {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Not there, or not there for this edge: the two must look alike.
    pub(crate) fn not_found() -> Self {
        Self::new("not-found", "there is no such indicator that this edge may see")
    }
}

impl From<Refused> for SightingOutcome {
    fn from(refused: Refused) -> Self {
        Self::Refused { code: refused.code.to_owned(), message: refused.message }
    }
}

impl Reported {
    /// Reads a sighting that arrived at `now`.
    pub(crate) fn read(new: &NewSighting, now: Timestamp) -> Result<Self, Refused> {
        let indicator = Id::parse(&new.indicator).ok().filter(|id| id.object_type() == "indicator");
        let (first_seen, last_seen) =
            (time("first_seen", &new.first_seen)?, time("last_seen", &new.last_seen)?);
        if first_seen > last_seen {
            return Err(Refused::new("times", "`first_seen` is later than `last_seen`"));
        }
        if last_seen > now.saturating_add(AHEAD_MAX).unwrap_or(Timestamp::MAX) {
            let message =
                "`last_seen` is more than a day ahead of the hub's clock; set the clock of the log's source";
            return Err(Refused::new("clock-ahead", message));
        }
        if !(1..=COUNT_MAX).contains(&new.count) {
            return Err(Refused::new("count", format!("`count` is not within 1 and {COUNT_MAX}")));
        }
        let purpose = Purpose::parse(&new.purpose)
            .filter(|p| !matches!(p, Purpose::Administration | Purpose::Oversight));
        Ok(Self {
            id: new.id,
            indicator: indicator
                .ok_or_else(|| Refused::new("indicator", "`indicator` is no identifier of an indicator"))?,
            indicator_version: stix::Timestamp::parse(&new.indicator_version)
                .map_err(|_| Refused::new("indicator", "`indicator_version` is no STIX timestamp"))?,
            first_seen,
            last_seen,
            count: new.count,
            purpose: purpose
                .ok_or_else(|| Refused::new("purpose", "`purpose` is none that a sighting is let out for"))?,
            marking: Tlp::parse(&new.marking).ok_or_else(|| {
                Refused::new("marking", "`marking` is none of clear, green, amber, amber+strict, red")
            })?,
            information: information(new)?,
        })
    }
}

fn time(name: &str, text: &str) -> Result<Timestamp, Refused> {
    // STIX timestamps are UTC with `Z`; a local offset would tell where the sensor stands.
    let time = stix::Timestamp::parse(text).ok().and_then(|time| time.instant());
    time.ok_or_else(|| {
        Refused::new("times", format!("`{name}` is no time of the form `2026-01-31T09:00:00.000Z`"))
    })
}

fn information(new: &NewSighting) -> Result<MechanicalInformation, Refused> {
    let lengths = [new.addresses.len(), new.domains.len(), new.hashes.len(), new.ports.len()];
    if lengths.into_iter().any(|length| length > VALUES_MAX) {
        return Err(Refused::new(
            "too-many-values",
            format!("a sighting holds at most {VALUES_MAX} values of a kind"),
        ));
    }
    let protocol = new.protocol.as_deref();
    if protocol.is_some_and(|protocol| !PROTOCOLS.contains(&protocol)) {
        return Err(Refused::new("protocol", format!("`protocol` is none of {}", PROTOCOLS.join(", "))));
    }
    if new.bytes.is_some_and(|bytes| bytes > BYTES_MAX) {
        return Err(Refused::new("bytes", format!("`bytes` is larger than {BYTES_MAX}")));
    }
    Ok(MechanicalInformation {
        addresses: each(
            &new.addresses,
            address,
            "addresses",
            "an IP address in its one canonical form (RFC 5952)",
        )?,
        domains: each(&new.domains, domain, "domains", "a domain name in lower-case A-labels")?,
        hashes: each(
            &new.hashes,
            hash,
            "hashes",
            "`MD5:`, `SHA-1:`, `SHA-256:` or `SHA-512:` and lower-case digits",
        )?,
        ports: new.ports.clone(),
        protocol: new.protocol.clone(),
        bytes: new.bytes,
    })
}

fn each<T>(
    texts: &[String],
    read: impl Fn(&str) -> Option<T>,
    name: &str,
    form: &str,
) -> Result<Vec<T>, Refused> {
    let read = |(index, text): (usize, &String)| {
        read(text).ok_or_else(|| Refused::new("not-mechanical", format!("`{name}[{index}]` is not {form}")))
    };
    texts.iter().enumerate().map(read).collect()
}

fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().filter(|address: &IpAddr| address.to_canonical().to_string() == text)
}

fn domain(text: &str) -> Option<String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
    };
    let legal = text.len() <= 253 && text.split('.').all(label) && text.parse::<IpAddr>().is_err();
    legal.then(|| text.to_owned())
}

fn hash(text: &str) -> Option<(String, String)> {
    let (algorithm, digest) = text.split_once(':')?;
    let digits = match algorithm {
        "MD5" => 32,
        "SHA-1" => 40,
        "SHA-256" => 64,
        "SHA-512" => 128,
        _ => return None,
    };
    let legal =
        digest.len() == digits && digest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    legal.then(|| (algorithm.to_owned(), digest.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> NewSighting {
        NewSighting {
            id: Uuid::nil(),
            indicator: "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".to_owned(),
            indicator_version: "2026-04-01T00:00:00.000Z".to_owned(),
            first_seen: "2026-04-02T00:00:00Z".to_owned(),
            last_seen: "2026-04-02T00:00:01.5Z".to_owned(),
            count: 2,
            purpose: "collective-defence".to_owned(),
            marking: "amber".to_owned(),
            addresses: vec!["192.0.2.1".to_owned(), "2001:db8::1".to_owned()],
            domains: vec!["_dmarc.xn--r8jz45g.example".to_owned()],
            hashes: vec![format!("SHA-256:{}", "0a".repeat(32))],
            ports: vec![443],
            protocol: Some("tcp".to_owned()),
            bytes: Some(1),
        }
    }

    fn check(change: impl FnOnce(&mut NewSighting), expected: &str) {
        let mut new = sample();
        change(&mut new);
        let now = "2026-04-02T00:01:00Z".parse().unwrap();
        let found = Reported::read(&new, now).map_or_else(|refused| refused.code, |_| "read");
        assert_eq!(found, expected, "{new:?}");
    }

    #[test]
    fn a_minimised_sighting_is_read() {
        check(|_| {}, "read");
        check(|s| s.last_seen = "2026-04-02T23:00:00Z".to_owned(), "read");
    }

    #[test]
    fn what_is_not_mechanical_is_refused() {
        for text in
            ["192.0.2.1:80", "::ffff:192.0.2.1", "2001:DB8::1", "192.0.2.01", "192.0.2.0/24", "taro", ""]
        {
            check(|s| s.addresses = vec![text.to_owned()], "not-mechanical");
        }
        for text in [
            "evil.example/path?user=taro",
            "taro@evil.example",
            "EVIL.example",
            "a..b",
            "evil.example.",
            "日本.example",
            "192.0.2.1",
            "",
        ] {
            check(|s| s.domains = vec![text.to_owned()], "not-mechanical");
        }
        for text in ["SHA-256:00", "SSDEEP:whatever", "0000", "MD5:GG000000000000000000000000000000"] {
            check(|s| s.hashes = vec![text.to_owned()], "not-mechanical");
        }
        check(|s| s.protocol = Some("taro's session".to_owned()), "protocol");
        check(|s| s.addresses = vec!["192.0.2.1".to_owned(); 65], "too-many-values");
    }

    #[test]
    fn other_fields_are_read_strictly() {
        check(|s| s.indicator = "malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".to_owned(), "indicator");
        check(|s| s.indicator_version = "yesterday".to_owned(), "indicator");
        check(|s| s.first_seen = "2026-04-03T00:00:00Z".to_owned(), "times");
        check(|s| s.first_seen = "2026-04-02T09:00:00+09:00".to_owned(), "times");
        check(|s| s.last_seen = "2026-04-04T00:00:00Z".to_owned(), "clock-ahead");
        check(|s| s.count = 0, "count");
        check(|s| s.purpose = "oversight".to_owned(), "purpose");
        check(|s| s.marking = "TLP:AMBER".to_owned(), "marking");
        check(|s| s.bytes = Some(u64::MAX), "bytes");
    }
}
