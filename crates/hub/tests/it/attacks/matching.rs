//! Against private matching: a hub that asks for what was not approved, an operator that answers by another key or floods the hub, and
//! bytes that are no points.

use oprf::{
    Answer, Answering, AuditError, Element, FilterMessage, Found, Hub, HubError, Ledger, List, Matching,
    Mode, Operator, Query, Receipt, RoundId, RoundOpen, Seed, Terms, Threads,
};

use self::parties::{
    ELEMENTS, ROUND, TODAY, admit, approved, approved_list, arrived, asked, list_seed, opened, operator_seed,
    operators_set, terms, threads, value,
};
use super::{Attack, error};

#[path = "../../../../oprf/tests/parties/mod.rs"]
#[expect(dead_code, reason = "these tests need less of it than those of private matching")]
mod parties;

pub fn all() -> Vec<Attack> {
    vec![swapped(), replayed(), wrong_key(), flooding(), points()]
}

/// A round up to its answers.
fn answered() -> (Answering, Matching, Vec<Query>, Vec<Answer>) {
    let (mut answering, open, filter) = opened(Mode::Match, operators_set(), operator_seed());
    let (matching, queries) = asked(&open, &filter, approved_list());
    let answers = answering.answer(&queries, threads()).unwrap();
    (answering, matching, queries, answers)
}

/// The receipt of a round in which the hub asked for this list.
fn receipt_of(list: List) -> Receipt {
    let (mut answering, open, filter) = opened(Mode::Match, operators_set(), operator_seed());
    let (_, queries) = asked(&open, &filter, list);
    answering.answer(&queries, threads()).unwrap();
    answering.finish(0, |_| ()).0
}

fn swapped() -> Attack {
    let mut attack =
        Attack::new("Indicator swapped after approval", "private matching, the commission's audit");
    let approved = approved(Mode::Match);
    let audit = |list: &List, seed: &Seed, receipt: &Receipt| {
        error::<(), AuditError>(approved.audit(list, seed, receipt, threads()))
    };
    let honest = receipt_of(approved_list());
    assert_eq!(audit(&approved_list(), &list_seed(), &honest), None);
    let (listed, target) = (value("listed-7.example"), value("journalist.example"));
    let other = |input: &oprf::Input| if *input == listed { target.clone() } else { input.clone() };
    let swapped = List::new(approved_list().inputs().iter().map(other).collect()).unwrap();
    let receipt = receipt_of(swapped.clone());
    attack.detected("one of 1,200 values replaced", audit(&approved_list(), &list_seed(), &receipt));
    attack.detected("the same, with the list that fits it", audit(&swapped, &list_seed(), &receipt));
    attack.detected("the same, with another seed", audit(&approved_list(), &operator_seed(), &receipt));
    let mut longer = approved_list().inputs().to_vec();
    longer.push(value("zz-last-of-all.example"));
    let receipt = receipt_of(List::new(longer).unwrap());
    attack.detected("a value in a dummy's place", audit(&approved_list(), &list_seed(), &receipt));
    type Change = fn(&mut Receipt);
    let changes: [(&str, Change); 4] = [
        ("the receipt of another round", |receipt| receipt.open.round.0[0] ^= 1),
        ("the receipt of another authorisation", |receipt| receipt.open.authorisation.0[0] ^= 1),
        ("a receipt for fewer values", |receipt| receipt.answered = 1_000),
        ("a receipt over other points", |receipt| receipt.elements[0] ^= 1),
    ];
    for (what, change) in changes {
        let mut receipt = honest.clone();
        change(&mut receipt);
        attack.detected(what, audit(&approved_list(), &list_seed(), &receipt));
    }
    attack
}

fn replayed() -> Attack {
    let mut attack = Attack::new("Re-used authorisation", "private matching");
    let (mut answering, _, queries, _) = answered();
    let again = answering.answer(&queries[..1], Threads::ONE);
    attack.refused("a batch that was answered", error(again));
    let beyond = Query { batch: 3, ..queries[2].clone() };
    attack.refused("a batch beyond the approved number", error(answering.answer(&[beyond], Threads::ONE)));
    let (mut fresh, open, filter) = opened(Mode::Match, operators_set(), operator_seed());
    let (_, queries) = asked(&open, &filter, approved_list());
    let foreign = Query { round: RoundId([9; 16]), ..queries[0].clone() };
    attack.refused("a query of another round", error(fresh.answer(&[foreign], Threads::ONE)));
    assert!(fresh.answer(&queries, threads()).is_ok());
    let mut ledger = Ledger::new(u64::from(ELEMENTS) * 2);
    ledger.admit(terms(Mode::Match), ROUND, TODAY).unwrap();
    let second = ledger.admit(terms(Mode::Match), RoundId([8; 16]), TODAY);
    attack.refused("a second round of the day under it", error(second));
    let round = ledger.admit(terms(Mode::Match), ROUND, oprf::Day(20_001));
    attack.refused("the same round on another day", error(round));
    let other =
        Terms { authorisation: oprf::AuthorisationId([7; 32]), elements: ELEMENTS + 1, ..terms(Mode::Match) };
    attack.refused(
        "more in all than an operator's share of a day",
        error(ledger.admit(other, RoundId([7; 16]), TODAY)),
    );
    attack
}

fn wrong_key() -> Attack {
    let mut attack = Attack::new("Wrong operator key", "private matching");
    let (_, mut matching, queries, answers) = answered();
    let (mut other, _, _) = opened(Mode::Match, operators_set(), Seed::new([6; 32]));
    let foreign = other.answer(&queries, threads()).unwrap();
    attack.refused("answers by another key", error(matching.take(&arrived(&foreign), threads())));
    let mut one = answers.clone();
    one[1].elements[999] = answers[0].elements[0];
    attack.refused("one wrong answer among a thousand", error(matching.take(&one, threads())));
    let mut turned = answers.clone();
    turned[1].elements.swap(3, 4);
    attack.refused("two answers in each other's place", error(matching.take(&turned, threads())));
    let moved = Answer { batch: 1, ..answers[0].clone() };
    attack.refused("the answer to another batch", error(matching.take(&[moved], Threads::ONE)));
    let bare = Answer { proof: None, ..answers[1].clone() };
    attack.refused("an answer without its proof", error(matching.take(&[bare], Threads::ONE)));
    matching.take(&answers, threads()).unwrap();
    assert!(
        matches!(matching.finish().unwrap().trusted().unwrap(), Found::Values(found) if !found.is_empty())
    );
    // The proof says nothing of the filter; canaries do.
    let (mut answering, open, _) = opened(Mode::Match, operators_set(), operator_seed());
    let (_, _, filter) = opened(Mode::Match, operators_set(), Seed::new([6; 32]));
    let (mut matching, queries) = asked(&open, &filter, approved_list());
    matching.take(&arrived(&answering.answer(&queries, threads()).unwrap()), threads()).unwrap();
    let outcome = matching.finish().unwrap();
    attack.detected("a filter by another key than the answers", error(outcome.trusted().map(drop)));
    attack
}

fn flooding() -> Attack {
    let mut attack = Attack::new("Filter flooding", "private matching");
    let large: Vec<_> = (0..5_000).map(|number| value(&format!("flood-{number}.example"))).collect();
    let own = Operator::open(admit(Mode::Match, ROUND), List::new(large.clone()).unwrap(), operator_seed());
    attack.refused("the operator's own side is given too large a set", error(own.map(drop)));
    let generous = Terms { filter_values_max: 1 << 20, ..terms(Mode::Match) };
    let (admitted, _) = Ledger::new(u64::MAX).admit(generous, ROUND, TODAY).unwrap();
    let (operator, flooding) = Operator::open(admitted, List::new(large).unwrap(), operator_seed()).unwrap();
    let hub = |open: RoundOpen| Hub::open(admit(Mode::Match, ROUND), open, approved_list(), &[], list_seed());
    attack.refused("a larger filter is announced", error::<_, HubError>(hub(flooding).map(drop)));
    let (_, open, small) = opened(Mode::Match, operators_set(), operator_seed());
    let (_, filter) = operator.filter(threads()).unwrap();
    let bytes = filter.encode();
    attack.refused(
        "a larger filter than announced, as bytes",
        error(FilterMessage::decode(&bytes, open.filter_values).map(drop)),
    );
    let asked = hub(open.clone()).unwrap().ask(filter, threads());
    attack.refused("a larger filter than announced, as a value", error(asked.map(drop)));
    assert!(FilterMessage::decode(&small, open.filter_values).is_ok());
    for (what, bytes) in [
        ("a filter that is cut off", small[..small.len() / 2].to_vec()),
        ("a filter with bytes behind it", [small.as_slice(), &[0; 64]].concat()),
        ("a filter of ones: as many values as bits", [&small[..small.len() - 512], &[0xff; 512]].concat()),
    ] {
        attack.refused(what, error(FilterMessage::decode(&bytes, open.filter_values).map(drop)));
    }
    attack
}

fn points() -> Attack {
    let mut attack = Attack::new("Non-canonical points", "private matching");
    let (_, _, queries, answers) = answered();
    assert!(Query::decode(&queries[0].encode()).is_ok() && Answer::decode(&answers[0].encode()).is_ok());
    // RFC 9496 appendix A.2, and the identity.
    for (bytes, what) in [
        ("00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "not canonical"),
        (
            "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "a field element beyond the prime",
        ),
        ("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "the prime itself"),
        ("0100000000000000000000000000000000000000000000000000000000000000", "negative"),
        ("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371", "no square root"),
        ("4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f", "a negative product"),
        ("0000000000000000000000000000000000000000000000000000000000000000", "the identity"),
    ] {
        let point: [u8; 32] = hex::decode(bytes).unwrap().try_into().unwrap();
        attack.refused(format!("{what}, alone"), error(Element::decode(point)));
        let mut query = queries[0].encode();
        query[24 + 32 * 5..][..32].copy_from_slice(&point);
        attack.refused(format!("{what}, in a query"), error(Query::decode(&query)));
        let mut answer = answers[0].encode();
        answer[24..][..32].copy_from_slice(&point);
        attack.refused(format!("{what}, in an answer"), error(Answer::decode(&answer)));
    }
    attack
}
