//! What may be one and the same thing under several identifiers, with the reasons. A proposal is an answer to a question and changes
//! nothing: a person decides, and every producer's object stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use stix::Id;
use stix::observable::ValueKind;

use crate::Words;
use crate::names::key;

/// Shortest name, in characters of its key, that makes two things alike: shorter ones are shared by accident.
const KEY_CHARS_MIN: usize = 4;
/// A name or value that more objects than this share says nothing.
const SHARED_BY_MAX: usize = 50;

/// An object that may be the same as another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its identifier.
    pub id: Id,
    /// Its name first, then its aliases.
    pub names: Vec<String>,
    /// The values it stands on.
    pub values: Vec<(ValueKind, String)>,
}

/// Two objects that may be one, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The two, the lesser identifier first.
    pub pair: (Id, Id),
    /// How strong the reasons are, 1–100; not a probability.
    pub strength: u8,
    /// Each reason, strongest first.
    pub reasons: Vec<Words>,
}

/// Kinds of things that can be one another: an actor is called intrusion set by one producer and threat actor by the next.
#[must_use]
pub fn family(object_type: &str) -> Option<&'static str> {
    match object_type {
        "indicator" => Some("indicator"),
        "intrusion-set" | "threat-actor" => Some("actor"),
        "malware" | "tool" => Some("software"),
        "campaign" => Some("campaign"),
        "vulnerability" => Some("vulnerability"),
        "infrastructure" => Some("infrastructure"),
        _ => None,
    }
}

/// Every pair that shares a value or a name, strongest first, at most `limit`.
#[must_use]
pub fn propose(candidates: &[Candidate], limit: usize) -> Vec<Proposal> {
    let mut found: BTreeMap<(usize, usize), Vec<(u8, Words)>> = BTreeMap::new();
    let mut by_value: BTreeMap<&Vec<(ValueKind, String)>, Vec<usize>> = BTreeMap::new();
    let mut by_name: BTreeMap<(&'static str, String), BTreeSet<usize>> = BTreeMap::new();
    for (place, candidate) in candidates.iter().enumerate() {
        let Some(family) = family(candidate.id.object_type()) else { continue };
        if family == "indicator" {
            if !candidate.values.is_empty() {
                by_value.entry(&candidate.values).or_default().push(place);
            }
            continue;
        }
        for name in &candidate.names {
            let key = key(name);
            if key.chars().count() >= KEY_CHARS_MIN || is_number_of_a_group(&key) {
                by_name.entry((family, key)).or_default().insert(place);
            }
        }
    }
    for (values, places) in by_value.iter().filter(|(_, places)| places.len() <= SHARED_BY_MAX) {
        for pair in pairs(places) {
            found.entry(pair).or_default().push(same_values(values));
        }
    }
    for ((_, key), places) in by_name.iter().filter(|(_, places)| places.len() <= SHARED_BY_MAX) {
        let places: Vec<usize> = places.iter().copied().collect();
        for pair in pairs(&places) {
            if let (Some(a), Some(b)) = (candidates.get(pair.0), candidates.get(pair.1)) {
                found.entry(pair).or_default().push(same_name(key, a, b));
            }
        }
    }
    let mut proposals: Vec<Proposal> =
        found.into_iter().filter_map(|(pair, reasons)| proposal(candidates, pair, reasons)).collect();
    proposals.sort_by(|a, b| (b.strength, &a.pair).cmp(&(a.strength, &b.pair)));
    proposals.truncate(limit);
    proposals
}

/// `APT1`, `TA5`: short, and still a name that somebody gave on purpose.
fn is_number_of_a_group(key: &str) -> bool {
    key.chars().count() == 3
        && key.chars().any(|c| c.is_ascii_digit())
        && key.chars().any(char::is_alphabetic)
}

fn pairs(places: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    places.iter().enumerate().flat_map(|(n, a)| places.iter().skip(n + 1).map(|b| (*a, *b)))
}

fn same_values(values: &[(ValueKind, String)]) -> (u8, Words) {
    let shown = values.first().map_or("", |(_, value)| value.as_str());
    if values.len() == 1 {
        return (
            90,
            Words::new(
                format!("どちらも {shown} だけを探します"),
                format!("both look for {shown} and nothing else"),
            ),
        );
    }
    let count = values.len();
    (
        95,
        Words::new(
            format!("どちらも同じ {count} 個の値を探します（{shown} など）"),
            format!("both look for the same {count} values ({shown} among them)"),
        ),
    )
}

fn same_name(shared: &str, a: &Candidate, b: &Candidate) -> (u8, Words) {
    let place = |candidate: &Candidate| candidate.names.iter().position(|name| key(name) == shared);
    let written = a.names.iter().find(|name| key(name) == shared).cloned().unwrap_or_default();
    match (place(a), place(b)) {
        (Some(0), Some(0)) => {
            (80, Words::new(format!("同じ名前「{written}」"), format!("the same name, `{written}`")))
        }
        (Some(0), _) | (_, Some(0)) => (
            60,
            Words::new(
                format!("一方の名前「{written}」が他方の別名"),
                format!("the name of one, `{written}`, is an alias of the other"),
            ),
        ),
        _ => (40, Words::new(format!("共通の別名「{written}」"), format!("an alias in common, `{written}`"))),
    }
}

/// Each further reason takes a third off the doubt that is left.
fn proposal(
    candidates: &[Candidate],
    (a, b): (usize, usize),
    mut reasons: Vec<(u8, Words)>,
) -> Option<Proposal> {
    let (a, b) = (candidates.get(a)?, candidates.get(b)?);
    reasons.sort_by_key(|(strength, _)| std::cmp::Reverse(*strength));
    let mut doubt = 100_u32;
    for (place, (strength, _)) in reasons.iter().enumerate() {
        doubt = if place == 0 { 100 - u32::from(*strength) } else { doubt * 2 / 3 };
    }
    let pair = if a.id < b.id { (a.id.clone(), b.id.clone()) } else { (b.id.clone(), a.id.clone()) };
    Some(Proposal {
        pair,
        strength: u8::try_from(100 - doubt.min(99)).unwrap_or(1).min(99),
        reasons: reasons.into_iter().map(|(_, words)| words).collect(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, proptest};

    use super::*;

    fn named(object_type: &str, number: u8, names: &[&str]) -> Candidate {
        let id =
            Id::parse(&format!("{object_type}--00000000-0000-4000-8000-0000000000{number:02x}")).unwrap();
        Candidate { id, names: names.iter().map(|name| (*name).to_owned()).collect(), values: Vec::new() }
    }

    fn looking_for(number: u8, values: &[&str]) -> Candidate {
        let values = values.iter().map(|value| (ValueKind::Domain, (*value).to_owned())).collect();
        Candidate { values, ..named("indicator", number, &["same name"]) }
    }

    fn check(candidates: &[Candidate], expected: &[(u8, &str)]) {
        let found = propose(candidates, 100);
        let told: Vec<(u8, &str)> =
            found.iter().map(|one| (one.strength, one.reasons[0].en.as_str())).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn actors_under_aliases_are_proposed() {
        let bear = named("intrusion-set", 1, &["APT28", "Fancy Bear", "Sofacy"]);
        check(
            &[bear.clone(), named("threat-actor", 2, &["Fancy-Bear"])],
            &[(60, "the name of one, `Fancy Bear`, is an alias of the other")],
        );
        check(
            &[bear.clone(), named("threat-actor", 2, &["apt 28", "Sofacy", "FANCY BEAR"])],
            &[(92, "the same name, `APT28`")],
        );
        check(&[bear.clone(), named("malware", 2, &["Sofacy"])], &[]);
        check(&[bear, named("intrusion-set", 2, &["APT29"])], &[]);
    }

    #[test]
    fn indicators_on_the_same_values_are_proposed_and_on_some_of_them_not() {
        let both = [looking_for(1, &["a.example"]), looking_for(2, &["a.example"])];
        check(&both, &[(90, "both look for a.example and nothing else")]);
        check(&[looking_for(1, &["a.example"]), looking_for(2, &["a.example", "b.example"])], &[]);
        check(&[looking_for(1, &[]), looking_for(2, &[])], &[]);
    }

    #[test]
    fn what_everybody_shares_says_nothing() {
        let many: Vec<Candidate> = (0..60).map(|n| named("malware", n, &["Generic"])).collect();
        check(&many, &[]);
    }

    proptest! {
        #[test]
        fn proposals_are_pairs_once_each_and_do_not_depend_on_the_order(names in prop::collection::vec(prop::collection::vec("[a-c]{4,5}", 1..4), 0..20)) {
            let mut candidates: Vec<Candidate> = names.iter().zip(0..).map(|(names, n)| {
                named("malware", n, &names.iter().map(String::as_str).collect::<Vec<_>>())
            }).collect();
            let found = propose(&candidates, 1000);
            let pairs: BTreeSet<_> = found.iter().map(|one| one.pair.clone()).collect();
            assert_eq!(pairs.len(), found.len());
            assert!(found.iter().all(|one| one.pair.0 < one.pair.1 && (1..=99).contains(&one.strength) && !one.reasons.is_empty()));
            candidates.reverse();
            let again: BTreeSet<_> = propose(&candidates, 1000).into_iter().map(|one| (one.pair, one.strength)).collect();
            assert_eq!(again, found.into_iter().map(|one| (one.pair, one.strength)).collect());
        }
    }
}
