//! Private matching as the commission grants it and an edge is let to do it: never in place of a list, never without its grant.

use std::collections::BTreeSet;

use jiff::Timestamp;
use oprf::{Ledger, Operator, RoundId, Seed, Threads};
use oversight::OrganisationId;
use oversight::authorisation::{
    Field, IndicatorList, PrivateList, PrivateMode, PrivateTerms, Quota, Refused, RoundVerdict, Terms,
    TermsError,
};

use crate::authorisation::{Scene, frame, list, terms};

fn noon() -> Timestamp {
    "2026-11-02T12:00:00Z".parse().unwrap()
}

fn operator() -> OrganisationId {
    OrganisationId::parse("kinki-power").unwrap()
}

fn asked() -> IndicatorList {
    let names = ["a", "b", "c"].map(|name| format!("[domain-name:value = '{name}.example']"));
    IndicatorList { salt: hex::encode([9; 32]), patterns: names.to_vec() }
}

fn private() -> Terms {
    let seed = Seed::new([9; 32]);
    Terms {
        list_root: hex::encode(PrivateList::read(&asked().patterns).unwrap().root(&seed)),
        fields: BTreeSet::new(),
        queries_per_day: 1,
        private: Some(PrivateTerms {
            mode: PrivateMode::Match,
            elements: 5,
            filter_values_max: 1_024,
            seed_commitment: hex::encode(seed.commitment()),
        }),
        ..terms()
    }
}

fn changed(change: impl FnOnce(&mut PrivateTerms)) -> Terms {
    let mut terms = private();
    change(terms.private.as_mut().unwrap());
    terms
}

#[test]
fn terms_without_it_have_the_hash_that_they_had() {
    let text = String::from_utf8(terms().canonical()).unwrap();
    assert!(!text.contains("private"));
    assert!(String::from_utf8(private().canonical()).unwrap().contains(r#""private":{"elements":5"#));
    let read: Terms = serde_json::from_slice(&private().canonical()).unwrap();
    assert_eq!(read, private());
}

#[test]
fn only_what_a_round_can_be_is_granted() {
    let check = |terms: Terms| terms.check(&frame());
    assert_eq!(check(private()), Ok(()));
    assert_eq!(
        check(Terms { fields: BTreeSet::from([Field::Ports]), ..private() }),
        Err(TermsError::PrivateFields)
    );
    assert_eq!(check(Terms { queries_per_day: 2, ..private() }), Err(TermsError::PrivateQuota));
    let max = frame().list_max;
    let sizes = Err(TermsError::PrivateSizes { max });
    assert_eq!(check(changed(|private| private.elements = 2)), sizes, "fewer than are listed");
    assert_eq!(check(changed(|private| private.elements = max + 1)), sizes);
    for values in [0, 1_000, 1_025, 1 << 24] {
        assert_eq!(check(changed(|private| private.filter_values_max = values)), sizes, "{values}");
    }
    assert_eq!(check(changed(|private| private.seed_commitment.clear())), Err(TermsError::PrivateSeed));
    // A narrower form asks for no more, and for nothing of another kind.
    let narrow = |terms: Terms| Terms { id: uuid::Uuid::from_u128(8), narrows: Some(terms.id), ..terms };
    let wide = private();
    assert_eq!(narrow(private()).narrows(&wide), Ok(()));
    let wider = Err(TermsError::Wider("its private matching"));
    assert_eq!(narrow(changed(|private| private.elements = 6)).narrows(&wide), wider);
    assert_eq!(narrow(changed(|private| private.mode = PrivateMode::Count)).narrows(&wide), wider);
    assert_eq!(narrow(Terms { private: None, ..private() }).narrows(&wide), wider);
}

#[test]
fn a_round_is_permitted_where_it_was_granted_and_a_list_never_in_its_place() {
    let mut scene = Scene::new();
    let package = scene.grant(&private(), &[0, 1, 2]);
    let direct = scene.grant(&terms(), &[0, 1, 2]);
    scene.follow("2026-11-02T11:00:00Z");
    let ask = |package| scene.gate.ask(package, &Quota::default(), noon()).unwrap();
    assert_eq!(ask(&package).permit(&asked()).map(drop), Err(Refused::Private));
    assert_eq!(ask(&package).permit(&list()).map(drop), Err(Refused::Private));
    assert_eq!(ask(&direct).permit_round().map(drop), Err(Refused::Private));
    let first = ask(&package);
    let spent = first.quota().clone();
    let round = first.permit_round().unwrap();
    assert_eq!((round.rounds().elements, round.terms()), (5, &private()));
    let used = round.used(b"the opening");
    assert_eq!((used.count, used.number, used.asked.len()), (5, 1, 64));
    assert_ne!(used.asked, round.used(b"another opening").asked);
    let again = scene.gate.ask(&package, &spent, noon()).map(drop);
    assert_eq!(again, Err(Refused::Quota(1)), "one round a day");
    let tomorrow = noon() + jiff::SignedDuration::from_hours(24);
    scene.follow("2026-11-03T11:00:00Z");
    assert!(scene.gate.ask(&package, &spent, tomorrow).is_ok());
}

#[test]
fn a_round_is_worked_out_once_more_by_whoever_has_list_and_seed() {
    let terms = private();
    let rounds = terms.round_at(&operator()).unwrap();
    let admit = || Ledger::new(1_000).admit(rounds.clone(), RoundId([4; 16]), oprf::Day(1)).unwrap().0;
    let receipt_for = |patterns: &[String], seed: [u8; 32]| {
        let (operator, open) = Operator::open(admit(), oprf::List::default(), Seed::new([5; 32])).unwrap();
        let (mut answering, filter) = operator.filter(Threads::ONE).unwrap();
        let list = PrivateList::read(patterns).unwrap().list().clone();
        let hub = oprf::Hub::open(admit(), open, list, &[], Seed::new(seed)).unwrap();
        answering.answer(&hub.ask(filter, Threads::ONE).unwrap().1, Threads::ONE).unwrap();
        answering.finish(1, |_| ()).0
    };
    let on = |list: &IndicatorList, receipt: &oprf::Receipt| {
        RoundVerdict::on(&terms, &operator(), list, (receipt, Threads::ONE))
    };
    let good = receipt_for(&asked().patterns, [9; 32]);
    assert_eq!(on(&asked(), &good), RoundVerdict::Good);
    let mut other = asked();
    other.patterns[1] = "[domain-name:value = 'x.example']".to_owned();
    assert_eq!(on(&asked(), &receipt_for(&other.patterns, [9; 32])), RoundVerdict::Substituted);
    assert_eq!(on(&asked(), &receipt_for(&asked().patterns, [8; 32])), RoundVerdict::Substituted);
    assert_eq!(on(&other, &good), RoundVerdict::List);
    assert_eq!(on(&IndicatorList { salt: hex::encode([8; 32]), ..asked() }, &good), RoundVerdict::Seed);
    let elsewhere = OrganisationId::parse("harbour").unwrap();
    let verdict = RoundVerdict::on(&terms, &elsewhere, &asked(), (&good, Threads::ONE));
    assert_eq!(verdict, RoundVerdict::Terms, "another operator's receipt");
    let mut fewer = good;
    fewer.answered = 4;
    assert_eq!(on(&asked(), &fewer), RoundVerdict::Count);
}
