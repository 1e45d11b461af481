//! Whole rounds over bytes: what they tell when all is well.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it was made")]

mod parties;

use oprf::*;
use parties::*;

#[test]
fn a_round_finds_what_both_have_and_nothing_else() {
    let (mut answering, open, filter) = opened(Mode::Match, operators_set(), operator_seed());
    assert_eq!((open.filter_values, open.batches()), (1_536, 3));
    let (mut matching, queries) = asked(&open, &filter, approved_list());
    assert_eq!(queries.iter().map(|query| query.elements.len()).collect::<Vec<_>>(), [1000, 1000, 500]);
    // One at a time on the operator's side, the last first on the hub's.
    for query in &queries[..2] {
        answering.answer(std::slice::from_ref(query), Threads::ONE).unwrap();
    }
    let (mut answering, _, _) = opened(Mode::Match, operators_set(), operator_seed());
    let mut answers = arrived(&answering.answer(&queries, threads()).unwrap());
    answers.reverse();
    for answer in &answers {
        matching.take(std::slice::from_ref(answer), Threads::ONE).unwrap();
    }
    let outcome = matching.finish().unwrap();
    let places =
        ["evil.example", "worse.example"].map(|name| approved_list().position(&value(name)).unwrap());
    assert_eq!(outcome.trusted().unwrap(), &Found::Values(places.to_vec()));
}

#[test]
fn a_count_only_round_tells_how_many() {
    let (mut answering, open, filter) = opened(Mode::Count, operators_set(), operator_seed());
    let (mut matching, queries) = asked(&open, &filter, approved_list());
    let answers = answering.answer(&queries, threads()).unwrap();
    assert!(answers.iter().all(|answer| answer.proof.is_none()));
    matching.take(&arrived(&answers), threads()).unwrap();
    assert_eq!(matching.finish().unwrap().trusted().unwrap(), &Found::Count(2));
    let (receipt, ()) = answering.finish(1, |_| ());
    approved(Mode::Count).audit(&approved_list(), &list_seed(), &receipt, threads()).unwrap();
}

#[test]
fn answers_of_a_count_only_round_are_in_another_order_that_the_seed_decides() {
    let answers = |seed: Seed| {
        let (mut answering, open, filter) = opened(Mode::Count, operators_set(), seed);
        let (_, queries) = asked(&open, &filter, approved_list());
        answering.answer(&queries, threads()).unwrap()
    };
    let [one, again] = [answers(operator_seed()), answers(operator_seed())];
    assert_eq!(one, again);
    // The same key answers in order in a round that matches: so what was asked first is seen to be anywhere, in any batch.
    let (_, open, filter) = opened(Mode::Count, operators_set(), operator_seed());
    let (_, queries) = asked(&open, &filter, approved_list());
    let (mut in_order, _, _) = opened(Mode::Match, operators_set(), operator_seed());
    let ordered = in_order.answer(&queries, threads()).unwrap();
    let flat =
        |answers: &[Answer]| answers.iter().flat_map(|answer| answer.elements.clone()).collect::<Vec<_>>();
    let (ordered, shuffled) = (flat(&ordered), flat(&one));
    assert_ne!(ordered, shuffled);
    let stayed = ordered.iter().zip(&shuffled).filter(|(a, b)| a == b).count();
    assert!(stayed < 20, "{stayed} of {} stayed in place", ordered.len());
    let first_batch: std::collections::HashSet<_> = ordered[..1000].iter().map(Element::bytes).collect();
    let still = shuffled[..1000].iter().filter(|element| first_batch.contains(element.bytes())).count();
    assert!((300..500).contains(&still), "{still}: answers were shuffled within their batch only");
    let sorted = |mut elements: Vec<Element>| {
        elements.sort_by_key(|element| *element.bytes());
        elements
    };
    assert_eq!(sorted(ordered), sorted(shuffled));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let run = |threads: Threads| {
        let (operator, open) =
            Operator::open(admit(Mode::Match, ROUND), operators_set(), operator_seed()).unwrap();
        let (mut answering, filter) = operator.filter(threads).unwrap();
        let hub = Hub::open(admit(Mode::Match, ROUND), open, approved_list(), &[], list_seed()).unwrap();
        let (_, queries) = hub.ask(filter.clone(), threads).unwrap();
        let answers = answering.answer(&queries, threads).unwrap();
        (filter, queries, answers, answering.finish(0, str::to_owned))
    };
    assert_eq!(run(Threads::ONE), run(Threads(3.try_into().unwrap())));
}

#[test]
fn an_empty_set_and_an_empty_list_are_rounds_like_others() {
    let (mut answering, open, filter) = opened(Mode::Match, List::default(), operator_seed());
    assert_eq!(open.filter_values, 1_024);
    let hub = Hub::open(admit(Mode::Match, ROUND), open.clone(), List::default(), &[], list_seed()).unwrap();
    let (mut matching, queries) = hub.ask(FilterMessage::decode(&filter, 1_024).unwrap(), threads()).unwrap();
    assert_eq!(queries.iter().map(|query| query.elements.len()).sum::<usize>(), ELEMENTS as usize);
    matching.take(&answering.answer(&queries, threads()).unwrap(), threads()).unwrap();
    assert_eq!(matching.finish().unwrap().trusted().unwrap(), &Found::Values(vec![]));
}

#[test]
fn a_receipt_is_signed_as_a_statement_of_the_log_and_read_again() {
    let (mut answering, open, filter) = opened(Mode::Match, operators_set(), operator_seed());
    let (_, queries) = asked(&open, &filter, approved_list());
    answering.answer(&queries, threads()).unwrap();
    let key = tlog::SigningKey::from_seed("edge.operator.example", [7; 32]).unwrap();
    let (receipt, note) = answering.finish(1_800_000_000, |body| key.sign_statement(RECEIPT_KIND, body));

    let text = tlog::open_text(&note, &key.verifying_key()).unwrap();
    let read = Receipt::parse(text).unwrap();
    assert_eq!(read, receipt);
    assert_eq!((read.answered, read.open.round), (ELEMENTS, ROUND));
    approved(Mode::Match).audit(&approved_list(), &list_seed(), &read, threads()).unwrap();

    // One spelling only, and no other statement.
    for changed in [
        text.replace("time 1800000000", "time 01800000000"),
        text.replace("mode match", "mode Match"),
        text.replace("elements-answered 2500", "elements-answered +2500"),
        text.replace("yagura-oprf-receipt", "yagura-other"),
        text.replace("filter-values 1536", "filter-values 1537"),
        format!("{text}more\n"),
        text.to_uppercase(),
    ] {
        assert_ne!(changed, text);
        assert_eq!(Receipt::parse(&changed), Err(NotReceipt), "{changed}");
    }
}

#[test]
fn blinds_depend_on_the_round_and_on_its_key() {
    let first_of = |round: RoundId, seed: Seed| {
        let (operator, open) = Operator::open(admit(Mode::Match, round), operators_set(), seed).unwrap();
        let (_, filter) = operator.filter(threads()).unwrap();
        asked(&open, &filter.encode(), approved_list()).1[0].elements[0]
    };
    let usual = first_of(ROUND, operator_seed());
    assert_eq!(usual, first_of(ROUND, operator_seed()));
    assert_ne!(usual, first_of(RoundId([9; 16]), operator_seed()));
    assert_ne!(usual, first_of(ROUND, Seed::new([6; 32])));
}

#[test]
fn the_root_is_that_of_the_logs_tree_and_binds_order_and_values() {
    let (list, seed) = (approved_list(), list_seed());
    let mut tree = tlog::Frontier::new();
    for (input, salt) in list.inputs().iter().zip(salts(&seed)) {
        tree.append(tlog::leaf_hash(&commitment(input, &salt)));
    }
    assert_eq!(list_root(&list, &seed), tree.root());
    assert_eq!(list_root(&List::default(), &seed), tlog::empty_root());
    let other = parties::list(&["a.example"]);
    assert_ne!(list_root(&other, &seed), list_root(&other, &operator_seed()));
}
