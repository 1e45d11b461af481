//! What each side may try, and who finds it.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it was made")]

mod parties;

use oprf::*;
use parties::*;

/// A round up to its answers.
fn answered() -> (Answering, Matching, Vec<Query>, Vec<Answer>) {
    let (mut answering, open, filter) = opened(Mode::Match, operators_set(), operator_seed());
    let (matching, queries) = asked(&open, &filter, approved_list());
    let answers = answering.answer(&queries, threads()).unwrap();
    (answering, matching, queries, answers)
}

// ---- by the hub

#[test]
fn an_indicator_that_was_swapped_after_approval_is_found_by_the_audit() {
    let swapped: Vec<Input> =
        approved_list()
            .inputs()
            .iter()
            .map(|input| {
                if *input == value("listed-7.example") { value("journalist.example") } else { input.clone() }
            })
            .collect();
    let swapped = List::new(swapped).unwrap();
    assert_eq!(swapped.inputs().len(), approved_list().inputs().len());

    let (mut answering, open, filter) = opened(Mode::Match, operators_set(), operator_seed());
    let (_, queries) = asked(&open, &filter, swapped.clone());
    answering.answer(&queries, threads()).unwrap();
    let (receipt, ()) = answering.finish(0, |_| ());

    let approved = approved(Mode::Match);
    let audit = |list: &List, seed: &Seed| approved.audit(list, seed, &receipt, threads());
    // The approved list does not give what was asked, and the list that does is not the approved one.
    assert_eq!(audit(&approved_list(), &list_seed()), Err(AuditError::Substituted));
    assert_eq!(audit(&swapped, &list_seed()), Err(AuditError::List));
    assert_eq!(audit(&approved_list(), &operator_seed()), Err(AuditError::Seed));
}

#[test]
fn a_dummy_that_was_replaced_by_a_value_is_found_by_the_audit() {
    let mut longer = approved_list().inputs().to_vec();
    longer.push(value("zz-last-of-all.example"));
    let (mut answering, open, filter) = opened(Mode::Match, operators_set(), operator_seed());
    let (_, queries) = asked(&open, &filter, List::new(longer).unwrap());
    answering.answer(&queries, threads()).unwrap();
    let (receipt, ()) = answering.finish(0, |_| ());
    let found = approved(Mode::Match).audit(&approved_list(), &list_seed(), &receipt, threads());
    assert_eq!(found, Err(AuditError::Substituted));
}

#[test]
fn a_receipt_of_another_round_or_an_unfinished_one_does_not_pass_the_audit() {
    let (answering, _, _, _) = answered();
    let (receipt, ()) = answering.finish(0, |_| ());
    let approved = approved(Mode::Match);
    let audit = |receipt: &Receipt| approved.audit(&approved_list(), &list_seed(), receipt, threads());
    assert_eq!(audit(&receipt), Ok(()));
    let changed = |change: fn(&mut Receipt)| {
        let mut receipt = receipt.clone();
        change(&mut receipt);
        audit(&receipt)
    };
    assert_eq!(changed(|receipt| receipt.open.authorisation.0[0] ^= 1), Err(AuditError::Terms));
    assert_eq!(changed(|receipt| receipt.open.operator.0[0] ^= 1), Err(AuditError::Terms));
    assert_eq!(changed(|receipt| receipt.open.elements += 1), Err(AuditError::Terms));
    assert_eq!(changed(|receipt| receipt.open.mode = Mode::Count), Err(AuditError::Terms));
    assert_eq!(changed(|receipt| receipt.open.filter_values = 4_096), Err(AuditError::Terms));
    assert_eq!(
        changed(|receipt| receipt.answered = 1_000),
        Err(AuditError::Count { answered: 1_000, allowed: ELEMENTS })
    );
    assert_eq!(changed(|receipt| receipt.open.round.0[0] ^= 1), Err(AuditError::Substituted));
    assert_eq!(changed(|receipt| receipt.elements[0] ^= 1), Err(AuditError::Substituted));
}

#[test]
fn a_second_set_of_queries_is_refused() {
    let (mut answering, _, queries, _) = answered();
    for query in &queries {
        assert_eq!(
            answering.answer(std::slice::from_ref(query), Threads::ONE),
            Err(Refused::Replayed(query.batch))
        );
    }
    let (receipt, ()) = answering.finish(0, |_| ());
    assert_eq!(receipt.answered, ELEMENTS);
}

#[test]
fn more_than_was_allowed_is_refused() {
    let (mut answering, _, queries, _) = answered();
    let beyond = Query { batch: 3, ..queries[2].clone() };
    assert_eq!(
        answering.answer(std::slice::from_ref(&beyond), Threads::ONE),
        Err(Refused::OverLimit(ELEMENTS))
    );
    let (mut fresh, _, _) = opened(Mode::Match, operators_set(), operator_seed());
    let mut all = queries.clone();
    all.push(beyond);
    assert_eq!(fresh.answer(&all, threads()), Err(Refused::OverLimit(ELEMENTS)));
    // The last batch has its place's size and no other.
    let full = Query { batch: 2, ..queries[0].clone() };
    let size = Refused::BatchSize { batch: 2, expected: 500, found: 1000 };
    fresh.answer(&queries[..2], threads()).unwrap();
    assert_eq!(fresh.answer(&[full], Threads::ONE), Err(size));
    fresh.answer(&queries[2..], threads()).unwrap();
}

#[test]
fn queries_of_another_round_or_out_of_order_are_refused() {
    let (mut answering, open, filter) = opened(Mode::Match, operators_set(), operator_seed());
    let (_, queries) = asked(&open, &filter, approved_list());
    let other = RoundId([9; 16]);
    let foreign = Query { round: other, ..queries[0].clone() };
    assert_eq!(answering.answer(&[foreign], Threads::ONE), Err(Refused::OtherRound(other)));
    let order = Refused::OutOfOrder { expected: 0, found: 1 };
    assert_eq!(answering.answer(&queries[1..2], Threads::ONE), Err(order));
    let twice = [queries[0].clone(), queries[0].clone()];
    assert_eq!(answering.answer(&twice, Threads::ONE), Err(Refused::OutOfOrder { expected: 1, found: 0 }));
    // Nothing of this was counted.
    let (receipt, ()) = answering.finish(0, |_| ());
    assert_eq!(receipt.answered, 0);
}

#[test]
fn a_count_only_round_is_not_answered_in_parts() {
    let (mut answering, open, filter) = opened(Mode::Count, operators_set(), operator_seed());
    let (_, queries) = asked(&open, &filter, approved_list());
    assert_eq!(answering.answer(&queries[..1], Threads::ONE), Err(Refused::NotWhole(3)));
    assert_eq!(answering.answer(&[], Threads::ONE), Err(Refused::NotWhole(3)));
    answering.answer(&queries, threads()).unwrap();
    assert_eq!(answering.answer(&queries, threads()), Err(Refused::Replayed(0)));
}

#[test]
fn one_round_a_day_and_no_more_than_the_operators_share() {
    let mut ledger = Ledger::new(6_000);
    let (_, entry) = ledger.admit(terms(Mode::Match), ROUND, TODAY).unwrap();
    let other_round = RoundId([8; 16]);
    assert_eq!(ledger.admit(terms(Mode::Match), ROUND, Day(20_001)), Err(LimitError::RoundUsed));
    assert_eq!(ledger.admit(terms(Mode::Match), other_round, TODAY), Err(LimitError::AuthorisationUsed));
    // A ledger that was stored knows the same.
    let mut restored = Ledger::restore(6_000, [entry]);
    assert_eq!(restored, ledger);
    assert_eq!(restored.admit(terms(Mode::Count), other_round, TODAY), Err(LimitError::AuthorisationUsed));

    let under = |number: u8| Terms { authorisation: AuthorisationId([number; 32]), ..terms(Mode::Match) };
    ledger.admit(under(10), RoundId([10; 16]), TODAY).unwrap();
    let over = LimitError::Elements { asked: 7_500, max: 6_000 };
    assert_eq!(ledger.admit(under(11), RoundId([11; 16]), TODAY), Err(over));
    assert_eq!(ledger.asked(terms(Mode::Match).operator, TODAY), 5_000);
    // Another operator and another day have their own.
    let elsewhere = Terms { operator: OperatorId([77; 16]), ..under(11) };
    ledger.admit(elsewhere, RoundId([11; 16]), TODAY).unwrap();
    ledger.admit(under(11), RoundId([12; 16]), Day(20_001)).unwrap();
    ledger.forget_before(Day(20_001));
    assert_eq!(ledger.asked(terms(Mode::Match).operator, TODAY), 0);
    assert_eq!(ledger.asked(terms(Mode::Match).operator, Day(20_001)), 2_500);

    for terms in [
        Terms { elements: 0, ..terms(Mode::Match) },
        Terms { elements: ROUND_ELEMENTS_MAX + 1, ..terms(Mode::Match) },
        Terms { filter_values_max: 1_025, ..terms(Mode::Match) },
    ] {
        assert_eq!(Ledger::new(u64::MAX).admit(terms, ROUND, TODAY), Err(LimitError::Terms));
    }
}

// ---- by the operator

#[test]
fn answers_by_another_key_are_not_taken() {
    let (_, open, filter) = opened(Mode::Match, operators_set(), operator_seed());
    let (mut matching, queries) = asked(&open, &filter, approved_list());
    let (mut other, _, _) = opened(Mode::Match, operators_set(), Seed::new([6; 32]));
    let answers = other.answer(&queries, threads()).unwrap();
    let wrong = HubError::Proof { batch: 0, cause: BadProof };
    assert_eq!(matching.take(&arrived(&answers), threads()), Err(wrong));
    assert_eq!(matching.finish(), Err(HubError::Unanswered(3)));
}

#[test]
fn one_wrong_answer_among_a_thousand_is_noticed() {
    let (_, mut matching, _, mut answers) = answered();
    let good = answers.clone();
    answers[1].elements[999] = answers[0].elements[0];
    let wrong = HubError::Proof { batch: 1, cause: BadProof };
    assert_eq!(matching.take(&answers, threads()), Err(wrong));
    // Two that changed places are two wrong ones.
    answers[1] = good[1].clone();
    answers[1].elements.swap(3, 4);
    assert_eq!(matching.take(&answers, threads()), Err(wrong));
    matching.take(&good, threads()).unwrap();
    matching.finish().unwrap();
}

/// The proof binds answers to the announced key and says nothing of the filter: an operator that makes its filter with another key
/// hides all that it has. Canaries find it.
#[test]
fn a_filter_by_another_key_than_the_answers_is_given_away_by_canaries() {
    let (mut answering, open, _) = opened(Mode::Match, operators_set(), operator_seed());
    let (_, _, other_filter) = opened(Mode::Match, operators_set(), Seed::new([6; 32]));
    let (mut matching, queries) = asked(&open, &other_filter, approved_list());
    matching.take(&arrived(&answering.answer(&queries, threads()).unwrap()), threads()).unwrap();
    let outcome = matching.finish().unwrap();
    assert_eq!(outcome.trusted(), Err(CanaryMissed { missing: 1, canaries: 1 }));
    assert_eq!(outcome.danger_untrusted(), &Found::Values(vec![]));
}

#[test]
fn traffic_left_out_is_given_away_by_canaries_in_a_count_only_round_too() {
    let without = list(&["benign.example"]);
    let (mut answering, open, filter) = opened(Mode::Count, without, operator_seed());
    let (mut matching, queries) = asked(&open, &filter, approved_list());
    matching.take(&arrived(&answering.answer(&queries, threads()).unwrap()), threads()).unwrap();
    assert_eq!(matching.finish().unwrap().trusted(), Err(CanaryMissed { missing: 1, canaries: 1 }));
}

#[test]
fn a_filter_that_was_not_announced_is_not_read() {
    let (_, open, _) = opened(Mode::Match, operators_set(), operator_seed());
    let large: Vec<Input> = (0..5_000).map(|number| value(&format!("flood-{number}.example"))).collect();
    // The operator's own side does not open such a round.
    let refused =
        Operator::open(admit(Mode::Match, ROUND), List::new(large.clone()).unwrap(), operator_seed());
    assert_eq!(refused.err(), Some(Refused::SetTooLarge(5_000)));
    // One that does is refused by the hub: by the size it announces, and by another size than it announced.
    let generous = Terms { filter_values_max: 1 << 20, ..terms(Mode::Match) };
    let (admitted, _) = Ledger::new(u64::MAX).admit(generous, ROUND, TODAY).unwrap();
    let (operator, flooding) = Operator::open(admitted, List::new(large).unwrap(), operator_seed()).unwrap();
    assert_eq!(flooding.filter_values, 6_144);
    let opened_by_hub =
        |open: RoundOpen| Hub::open(admit(Mode::Match, ROUND), open, approved_list(), &[], list_seed());
    assert_eq!(opened_by_hub(flooding).err(), Some(HubError::OtherTerms));
    let (_, filter) = operator.filter(threads()).unwrap();
    let size = FilterError::Size(6_144);
    assert_eq!(FilterMessage::decode(&filter.encode(), open.filter_values), Err(MessageError::Filter(size)));
    let asked = opened_by_hub(open).unwrap().ask(filter, threads());
    assert_eq!(asked.err(), Some(HubError::Filter(size)));
}

#[test]
fn a_round_on_other_terms_than_admitted_is_not_held() {
    let (_, open, _) = opened(Mode::Match, operators_set(), operator_seed());
    let hub =
        |open: RoundOpen| Hub::open(admit(Mode::Match, ROUND), open, approved_list(), &[], list_seed()).err();
    assert_eq!(hub(open.clone()), None);
    for change in [
        (|open: &mut RoundOpen| open.round.0[0] ^= 1) as fn(&mut RoundOpen),
        |open| open.authorisation.0[0] ^= 1,
        |open| open.operator.0[0] ^= 1,
        |open| open.mode = Mode::Count,
        |open| open.elements += 1,
        |open| open.filter_values = 4_096,
    ] {
        let mut changed = open.clone();
        change(&mut changed);
        assert_eq!(hub(changed), Some(HubError::OtherTerms));
    }
    let canaries = [value("never-approved.example")];
    let unlisted = Hub::open(admit(Mode::Match, ROUND), open, approved_list(), &canaries, list_seed());
    assert_eq!(unlisted.err(), Some(HubError::CanaryNotListed));
}

#[test]
fn answers_are_taken_once_and_only_for_this_round() {
    let (_, mut matching, _, answers) = answered();
    let other = RoundId([9; 16]);
    let foreign = Answer { round: other, ..answers[0].clone() };
    assert_eq!(matching.take(&[foreign], Threads::ONE), Err(HubError::OtherRound(other)));
    let twice = [answers[0].clone(), answers[0].clone()];
    assert_eq!(matching.take(&twice, Threads::ONE), Err(HubError::Replayed(0)));
    matching.take(&answers[..1], Threads::ONE).unwrap();
    assert_eq!(matching.take(&answers[..1], Threads::ONE), Err(HubError::Replayed(0)));
    let beyond = Answer { batch: 3, ..answers[2].clone() };
    assert_eq!(matching.take(&[beyond], Threads::ONE), Err(HubError::Replayed(3)));
    // The answer to one batch is none to another, and without its proof it is none at all.
    let moved = Answer { batch: 1, ..answers[0].clone() };
    let wrong = HubError::Proof { batch: 1, cause: BadProof };
    assert_eq!(matching.take(&[moved], Threads::ONE), Err(wrong));
    let bare = Answer { proof: None, ..answers[1].clone() };
    assert_eq!(matching.take(&[bare], Threads::ONE), Err(HubError::Unfit(1)));
    let short = Answer { elements: answers[1].elements[1..].to_vec(), ..answers[1].clone() };
    assert_eq!(matching.take(&[short], Threads::ONE), Err(HubError::Unfit(1)));
    assert_eq!(matching.finish(), Err(HubError::Unanswered(2)));
}

// ---- by whoever writes bytes

#[test]
fn what_is_no_element_is_not_read() {
    let (_, _, queries, answers) = answered();
    // RFC 9496 appendix A.2: not canonical, negative, not on the curve; then the identity.
    for (bytes, cause) in [
        ("00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", ElementError::Encoding),
        ("f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ElementError::Encoding),
        ("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ElementError::Encoding),
        ("0100000000000000000000000000000000000000000000000000000000000000", ElementError::Encoding),
        ("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371", ElementError::Encoding),
        ("0000000000000000000000000000000000000000000000000000000000000000", ElementError::Identity),
    ] {
        let point: [u8; 32] = hex::decode(bytes).unwrap().try_into().unwrap();
        assert_eq!(Element::decode(point), Err(cause), "{bytes}");
        let mut query = queries[0].encode();
        query[24 + 32 * 5..][..32].copy_from_slice(&point);
        assert_eq!(Query::decode(&query), Err(MessageError::Element(cause)));
        let mut answer = answers[0].encode();
        answer[24..][..32].copy_from_slice(&point);
        assert_eq!(Answer::decode(&answer), Err(MessageError::Element(cause)));
    }
}
