//! What the scheme proposes.

use std::collections::BTreeMap;

use proptest::prelude::{Strategy, prop_assert, proptest};
use regime::{Proposal, Scheme, Verified};

use crate::given::shipped;

fn propose(answers: &[(&str, &str)], organisations: u16) -> Option<Proposal> {
    let answers =
        answers.iter().map(|(factor, choice)| ((*factor).to_owned(), (*choice).to_owned())).collect();
    shipped().severity.propose(&answers, organisations)
}

#[test]
fn nothing_known_proposes_nothing() {
    assert_eq!(propose(&[], 10), None);
    assert_eq!(propose(&[("functional-impact", "no such answer")], 1), None);
}

#[test]
fn a_proposal_says_why() {
    let found =
        propose(&[("functional-impact", "denied"), ("actor", "criminal"), ("location", "control")], 1)
            .unwrap();
    // (100 + 50 + 80) / 3 = 77.
    assert_eq!((found.level, found.score, found.significant, found.campaign), (4, 77, true, false));
    let reasons: Vec<(&str, u32)> =
        found.reasons.iter().map(|(factor, _, share)| (factor.as_str(), *share)).collect();
    assert_eq!(reasons, [("functional-impact", 43), ("location", 34), ("actor", 21)]);
    assert_eq!(found.unanswered.len(), 5);
}

#[test]
fn others_who_are_hit_make_it_graver() {
    let answers = [("functional-impact", "significant")];
    let levels = [1, 2, 3, 40].map(|organisations| propose(&answers, organisations).unwrap().level);
    assert_eq!(levels, [3, 3, 4, 4]);
    assert_eq!(propose(&[("functional-impact", "denied")], 40).unwrap().level, 5);
}

#[test]
fn the_scheme_says_what_it_rests_on() {
    let scheme = &shipped().severity;
    assert_eq!(scheme.levels.len(), 6);
    assert_eq!(scheme.weights_basis.verified, Verified::Unknown);
    assert_eq!(scheme.level(3).unwrap().name.en, "High");
    assert_eq!(scheme.level(6), None);
}

fn answers(scheme: &Scheme) -> impl Strategy<Value = (BTreeMap<String, String>, usize)> + use<> {
    let factors: Vec<(String, Vec<String>)> = scheme
        .factors
        .iter()
        .map(|factor| (factor.id.clone(), factor.choices.iter().map(|(id, _, _)| id.clone()).collect()))
        .collect();
    let count = factors.len();
    (proptest::collection::vec(0..6_usize, count), 0..count).prop_map(move |(picks, which)| {
        let picked = factors
            .iter()
            .zip(picks)
            .filter_map(|((id, choices), pick)| Some((id.clone(), choices.get(pick)?.clone())));
        (picked.collect(), which)
    })
}

proptest! {
    #[test]
    fn a_graver_answer_never_lowers_the_level((answers, which) in answers(&shipped().severity), organisations in 0..6_u16) {
        let scheme = &shipped().severity;
        let factor = &scheme.factors[which];
        let Some(before) = scheme.propose(&answers, organisations) else { return Ok(()) };
        prop_assert!(before.level <= 5 && before.score <= 100);
        if let Some(given) = answers.get(&factor.id) {
            let score = factor.choices.iter().find(|(id, _, _)| id == given).unwrap().2;
            for (choice, _, _) in factor.choices.iter().filter(|(_, _, other)| *other >= score) {
                let mut graver = answers.clone();
                graver.insert(factor.id.clone(), choice.clone());
                let after = scheme.propose(&graver, organisations).unwrap();
                prop_assert!(after.level >= before.level && after.score >= before.score);
            }
        }
        prop_assert!(scheme.propose(&answers, organisations + 1).unwrap().level >= before.level);
    }
}
