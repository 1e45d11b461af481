use oprf::{
    Approved, AuditError, AuthorisationId, Hash, Input, List, OperatorId, Receipt, Seed, Threads, list_root,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use stix::observable::{ValueKind, canonical, pattern_value};
use stix::pattern::{Comparison, Observation, Operator, Pattern, Test};

use super::frame::Frame;
use super::list::IndicatorList;
use super::terms::{FILTER_VALUES_MAX, Terms, TermsError, is_hash};
use crate::OrganisationId;
use crate::organisation::vocabulary;

vocabulary! {
    /// What a round of private matching tells whoever asks.
    PrivateMode {
        /// Which of the list's values the operator has.
        Match = "match",
        /// How many of them.
        Count = "count",
    }
}

vocabulary! {
    /// What working a round out once more found.
    RoundVerdict {
        /// The approved list was asked, and nothing else.
        Good = "good",
        /// The seed that was given is not the one that was approved.
        Seed = "seed",
        /// The list that was given is not the one that was approved.
        List = "list",
        /// The receipt is of a round on other terms.
        Terms = "terms",
        /// The operator did not answer as many elements as were to be asked.
        Count = "count",
        /// Something else was asked.
        Substituted = "substituted",
    }
}

/// How a list is held against what an operator has without either side showing it to the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivateTerms {
    /// What a round tells.
    pub mode: PrivateMode,
    /// N: how many elements are asked in a round, values and dummies together.
    pub elements: u32,
    /// The most values that an operator's filter may have, padded.
    pub filter_values_max: u32,
    /// What binds to the seed of the list's salts and blinds, 64 hexadecimal digits.
    pub seed_commitment: String,
}

impl PrivateTerms {
    pub(super) fn check(&self, terms: &Terms, frame: &Frame) -> Result<(), TermsError> {
        if !terms.fields.is_empty() {
            return Err(TermsError::PrivateFields);
        }
        if terms.queries_per_day != 1 {
            return Err(TermsError::PrivateQuota);
        }
        let max = self.filter_values_max;
        let is_bucket = max <= FILTER_VALUES_MAX && oprf::padded_size(max as usize) == Some(max);
        if !is_bucket || self.elements < terms.list_size || self.elements > frame.list_max {
            return Err(TermsError::PrivateSizes { max: frame.list_max });
        }
        if is_hash(&self.seed_commitment) { Ok(()) } else { Err(TermsError::PrivateSeed) }
    }

    /// Whether rounds on these terms tell nothing that those on the wider ones do not.
    pub(super) fn narrow(narrower: Option<&Self>, wider: Option<&Self>) -> bool {
        match (narrower, wider) {
            (None, None) => true,
            (Some(narrower), Some(wider)) => {
                narrower.mode == wider.mode
                    && narrower.elements <= wider.elements
                    && narrower.filter_values_max <= wider.filter_values_max
            }
            _ => false,
        }
    }
}

impl Terms {
    /// What the ledgers of rounds hold an operator's rounds to; `None` where private matching was not asked for.
    #[must_use]
    pub fn round_at(&self, operator: &OrganisationId) -> Option<oprf::Terms> {
        let private = self.private.as_ref()?;
        Some(oprf::Terms {
            authorisation: AuthorisationId(self.digest()),
            operator: number_of(operator),
            mode: match private.mode {
                PrivateMode::Match => oprf::Mode::Match,
                PrivateMode::Count => oprf::Mode::Count,
            },
            elements: private.elements,
            filter_values_max: private.filter_values_max,
        })
    }

    /// What the commission approved of an operator's rounds, for their audit.
    #[must_use]
    pub fn approved_at(&self, operator: &OrganisationId) -> Option<Approved> {
        let private = self.private.as_ref()?;
        Some(Approved {
            terms: self.round_at(operator)?,
            list_root: hash(&self.list_root)?,
            seed_commitment: hash(&private.seed_commitment)?,
        })
    }
}

impl RoundVerdict {
    /// Works a round at an operator out once more, from the list with its seed and what the operator's edge signed. The caller has checked
    /// the receipt's signature.
    #[must_use]
    pub fn on(
        terms: &Terms,
        operator: &OrganisationId,
        list: &IndicatorList,
        (receipt, threads): (&Receipt, Threads),
    ) -> Self {
        let Some(approved) = terms.approved_at(operator) else { return Self::Terms };
        let Some(seed) = hash(&list.salt).map(Seed::new) else { return Self::Seed };
        let Ok(list) = PrivateList::read(&list.patterns) else { return Self::List };
        match approved.audit(list.list(), &seed, receipt, threads) {
            Ok(()) => Self::Good,
            Err(AuditError::Seed) => Self::Seed,
            Err(AuditError::List) => Self::List,
            Err(AuditError::Terms) => Self::Terms,
            Err(AuditError::Count { .. }) => Self::Count,
            Err(AuditError::Substituted) => Self::Substituted,
        }
    }
}

fn hash(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok().map(|()| hash)
}

/// What messages of a round call an operator: hub and edge know each other's organisations by short names.
fn number_of(operator: &OrganisationId) -> OperatorId {
    let hash = Sha256::new().chain_update(b"yagura operator v1\0").chain_update(operator.as_str());
    let hash: Hash = hash.finalize().into();
    OperatorId(hash.first_chunk().copied().unwrap_or_default())
}

/// A list of patterns as private matching compares it: whole values.
#[derive(Debug, Clone)]
pub struct PrivateList {
    list: List,
    /// Which pattern a value of the list is of, from 0, by the value's place.
    members: Vec<u32>,
}

/// A pattern that private matching cannot look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "number {number} cannot be matched privately: a pattern is to be one comparison with one whole value, as in `[domain-name:value = 'evil.example']`, and each value is given once"
)]
pub struct NotPrivate {
    /// Which pattern, from 1.
    pub number: usize,
}

impl PrivateList {
    /// Reads patterns, each of which is one value.
    ///
    /// # Errors
    /// [`NotPrivate`] names the first that is none, or that is there twice.
    pub fn read(patterns: &[String]) -> Result<Self, NotPrivate> {
        let mut inputs = Vec::with_capacity(patterns.len());
        for (number, pattern) in (1..).zip(patterns) {
            inputs.push(value_of(pattern).ok_or(NotPrivate { number })?);
        }
        let list = List::new(inputs.clone()).map_err(|_| NotPrivate { number: inputs.len() })?;
        let mut members = vec![None; list.inputs().len()];
        for (number, input) in (0_u32..).zip(&inputs) {
            let member = list.position(input).and_then(|place| members.get_mut(place));
            let twice = NotPrivate { number: number as usize + 1 };
            let member = member.filter(|member| member.is_none()).ok_or(twice)?;
            *member = Some(number);
        }
        Ok(Self { list, members: members.into_iter().flatten().collect() })
    }

    /// The values.
    #[must_use]
    pub fn list(&self) -> &List {
        &self.list
    }

    /// The root that the terms name: over the values, each under a salt out of the seed.
    #[must_use]
    pub fn root(&self, seed: &Seed) -> Hash {
        list_root(&self.list, seed)
    }

    /// Which pattern the value at a place is of, from 0.
    #[must_use]
    pub fn member(&self, place: usize) -> Option<u32> {
        self.members.get(place).copied()
    }
}

/// The value that a pattern is: one comparison for equality, nothing around it. Networks are none: a round compares whole values, and
/// no record shows a network.
fn value_of(pattern: &str) -> Option<Input> {
    let pattern = Pattern::parse(pattern).ok()?;
    let Observation::Test(Comparison::Test(Test {
        path,
        negated: false,
        operator: Operator::Equal(constant),
    })) = &pattern.root
    else {
        return None;
    };
    let (kind, value) = pattern_value(path, constant)?;
    let is_network = matches!(kind, ValueKind::Ipv4 | ValueKind::Ipv6) && value.contains('/');
    if is_network { None } else { Input::new(kind.name(), value.as_bytes()).ok() }
}

/// Gives what a value that an operator met is compared as: itself in its one spelling, and of a name also the names above it but for
/// the topmost, so that `evil.example` on a list is met in `www.evil.example`.
pub fn met(kind: ValueKind, value: &str, each: &mut dyn FnMut(Input)) {
    let Some((kind, value)) = canonical(kind, value) else { return };
    let mut give = |value: &str| Input::new(kind.name(), value.as_bytes()).into_iter().for_each(&mut *each);
    give(&value);
    if kind != ValueKind::Domain {
        return;
    }
    let mut rest = value.as_str();
    while let Some((_, above)) = rest.split_once('.') {
        if above.contains('.') {
            give(above);
        }
        rest = above;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(patterns: &[&str]) -> Result<PrivateList, NotPrivate> {
        PrivateList::read(&patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_list_is_values_and_each_leads_back_to_its_pattern() {
        let found = read(&[
            "[url:value = 'http://z.example/']",
            "[domain-name:value = 'EVIL.example']",
            "[ipv4-addr:value = '203.0.113.1/32']",
        ])
        .unwrap();
        let place = |kind: &str, value: &str| {
            let input = Input::new(kind, value.as_bytes()).unwrap();
            found.member(found.list().position(&input).unwrap())
        };
        assert_eq!(place("url", "http://z.example/"), Some(0));
        assert_eq!(place("domain-name", "evil.example"), Some(1));
        assert_eq!(place("ipv4-addr", "203.0.113.1"), Some(2));
        assert_eq!(found.member(3), None);
    }

    #[test]
    fn what_is_not_one_whole_value_is_refused() {
        let good = "[domain-name:value = 'a.example']";
        for bad in [
            "[ipv4-addr:value = '203.0.113.0/24']",
            "[domain-name:value LIKE '%.example']",
            "[domain-name:value != 'b.example']",
            "[NOT domain-name:value = 'b.example']",
            "[domain-name:value = 'b.example' OR domain-name:value = 'c.example']",
            "[domain-name:value = 'b.example'] FOLLOWEDBY [domain-name:value = 'c.example']",
            "[domain-name:value = 'b.example'] REPEATS 2 TIMES",
            "[domain-name:value = 'A.example.']",
            "none",
        ] {
            assert_eq!(read(&[good, bad]).err(), Some(NotPrivate { number: 2 }), "{bad}");
        }
    }

    #[test]
    fn names_are_met_with_what_is_above_them() {
        let texts = |kind, value: &str| {
            let mut inputs = Vec::new();
            met(kind, value, &mut |input| inputs.push(input));
            let text = |input: Input| String::from_utf8_lossy(&input.bytes()[1..]).into_owned();
            inputs.into_iter().map(text).collect::<Vec<_>>()
        };
        assert_eq!(
            texts(ValueKind::Domain, "A.b.Evil.example."),
            ["domain-namea.b.evil.example", "domain-nameb.evil.example", "domain-nameevil.example"]
        );
        assert_eq!(texts(ValueKind::Ipv6, "::ffff:203.0.113.9"), ["ipv4-addr203.0.113.9"]);
        assert_eq!(texts(ValueKind::Domain, "localhost"), ["domain-namelocalhost"]);
        assert!(texts(ValueKind::Ipv4, "no address").is_empty());
    }
}
