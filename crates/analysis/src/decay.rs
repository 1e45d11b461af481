//! How an indicator loses its worth with time: the polynomial of MISP's decaying models
//! (`score = base · (1 − (t/τ)^(1/δ))`), with a lifetime τ and a speed δ for each kind of value.
//!
//! The lifetimes are judgements, not measurements: addresses change hands within weeks (MISP's "NIDS simple decaying
//! model" has τ = 120 days and δ = 2.3), a URL of a phishing kit within days, while a hash stays true for ever and only
//! becomes rare. Each is stated with its half-life wherever it is used.

use stix::observable::ValueKind;

/// How worth is lost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decay {
    /// After so many days nothing is left.
    pub lifetime_days: f64,
    /// Above 1: most is lost early; 1: evenly.
    pub speed: f64,
}

impl Decay {
    /// How values of a kind decay.
    #[must_use]
    pub fn of(kind: ValueKind) -> Self {
        let (lifetime_days, speed) = match kind {
            ValueKind::Ipv4 | ValueKind::Ipv6 => (120.0, 2.3),
            ValueKind::Url => (60.0, 2.3),
            ValueKind::Domain | ValueKind::Email => (180.0, 2.0),
            ValueKind::Md5 | ValueKind::Sha1 | ValueKind::Sha256 | ValueKind::Sha512 | ValueKind::Cve => {
                (1095.0, 1.0)
            }
            ValueKind::Mac
            | ValueKind::FileName
            | ValueKind::AutonomousSystem
            | ValueKind::Account
            | ValueKind::RegistryKey
            | ValueKind::RegistryValue
            | ValueKind::RegistryData
            | ValueKind::CommandLine
            | ValueKind::CertificateSerial
            | ValueKind::UserAgent
            | ValueKind::Ja3
            | ValueKind::Ja3s
            | ValueKind::Ja4
            | ValueKind::FilePath
            | ValueKind::Mutex => (365.0, 1.5),
        };
        Self { lifetime_days, speed }
    }

    /// What is left after so many days: 1 at the beginning, 0 from the lifetime on.
    #[must_use]
    pub fn left_after(self, days: f64) -> f64 {
        let part = (days.max(0.0) / self.lifetime_days).min(1.0);
        1.0 - part.powf(1.0 / self.speed)
    }

    /// After how many days half is left.
    #[must_use]
    pub fn half_life_days(self) -> f64 {
        self.lifetime_days * 0.5_f64.powf(self.speed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::*;

    fn check(kind: &str, half_life: f64) {
        let decay = Decay::of(ValueKind::from_name(kind).unwrap());
        assert!((decay.half_life_days() - half_life).abs() < 0.5, "{kind}: {}", decay.half_life_days());
        assert!((decay.left_after(decay.half_life_days()) - 0.5).abs() < 1e-9, "{kind}");
    }

    #[test]
    fn half_lives_are_as_documented() {
        check("ipv4-addr", 24.4);
        check("url", 12.2);
        check("domain-name", 45.0);
        check("file:hashes.SHA-256", 547.5);
    }

    proptest! {
        #[test]
        fn worth_only_falls_and_stays_between_none_and_all(days in 0.0_f64..4000.0, more in 0.0_f64..400.0) {
            for kind in ["ipv4-addr", "url", "domain-name", "file:hashes.SHA-256", "email-addr"] {
                let decay = Decay::of(ValueKind::from_name(kind).unwrap());
                let (now, later) = (decay.left_after(days), decay.left_after(days + more));
                assert!((0.0..=1.0).contains(&now) && later <= now);
            }
        }
    }
}
