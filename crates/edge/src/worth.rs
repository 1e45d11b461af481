//! What an indicator's confidence is worth by now: it decays with its age, by the kind of the value that was met.

use std::collections::HashMap;

use analysis::decay::Decay;
use matcher::Match;
use stix::observable::ValueKind;

/// How confidence decays, and from where on a match stays inside.
#[derive(Debug, Clone, PartialEq)]
pub struct Worth {
    /// Below this much of confidence, 0–100, a match stays inside.
    pub confidence_min: u8,
    /// Lifetimes in days that the operator set, by kind; others are [`Decay::of`].
    pub lifetime_days: HashMap<ValueKind, f64>,
}

/// Stated and left, where too little is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decayed {
    stated: u8,
    left: u8,
}

impl std::fmt::Display for Decayed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { stated, left } = self;
        write!(f, "the confidence was {stated} and has decayed to {left}")
    }
}

impl Worth {
    /// Whether too little is left of the confidence that the indicator's producer stated; of none stated nothing decays.
    pub(crate) fn decayed(&self, found: &Match<'_>, now: jiff::Timestamp) -> Option<Decayed> {
        let stated = found.indicator.confidence()?;
        let version = stix::Timestamp::parse(&found.indicator.version()).ok()?.instant()?;
        let kinds =
            found.hits.iter().filter_map(|hit| found.observation.values.get(*hit)).map(|value| value.kind);
        let left = self.left(kinds, (now - version).total(jiff::Unit::Hour).ok()? / 24.0)?;
        let left = percent(f64::from(stated) * left);
        (left < self.confidence_min).then_some(Decayed { stated, left })
    }

    /// What is left after so many days, of the kind that lives longest.
    fn left(&self, kinds: impl Iterator<Item = ValueKind>, days: f64) -> Option<f64> {
        let left = |kind| {
            let usual = Decay::of(kind);
            let lifetime_days = self.lifetime_days.get(&kind).copied().unwrap_or(usual.lifetime_days);
            Decay { lifetime_days, ..usual }.left_after(days)
        };
        kinds.map(left).max_by(f64::total_cmp)
    }
}

fn percent(number: f64) -> u8 {
    number.round().clamp(0.0, 100.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lives_longest_counts_and_lifetimes_can_be_set() {
        let mut worth = Worth { confidence_min: 30, lifetime_days: HashMap::new() };
        let left = |worth: &Worth, kinds: &[ValueKind], days| {
            worth.left(kinds.iter().copied(), days).map(|left| percent(left * 80.0))
        };
        assert_eq!(left(&worth, &[ValueKind::Ipv4], 0.0), Some(80));
        assert_eq!(left(&worth, &[ValueKind::Ipv4], 24.37), Some(40), "after its half-life");
        assert_eq!(left(&worth, &[ValueKind::Ipv4], 200.0), Some(0));
        assert_eq!(left(&worth, &[ValueKind::Ipv4, ValueKind::Sha256], 200.0), Some(65));
        assert_eq!(left(&worth, &[], 1.0), None);
        worth.lifetime_days.insert(ValueKind::Ipv4, 400.0);
        assert_eq!(left(&worth, &[ValueKind::Ipv4], 200.0), Some(21));
    }
}
