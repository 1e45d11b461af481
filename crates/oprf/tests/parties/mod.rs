//! A hub, an operator and a commission that hold a small round.

use oprf::{
    Answer, Answering, Approved, AuthorisationId, Day, FilterMessage, Hub, Input, Ledger, List, Matching,
    Mode, Operator, OperatorId, Query, RoundId, RoundOpen, Seed, Terms, Threads, list_root,
};

/// N: two batches and a half, so that batches differ in size and dummies are among them.
pub(crate) const ELEMENTS: u32 = 2_500;
pub(crate) const ROUND: RoundId = RoundId([4; 16]);
pub(crate) const TODAY: Day = Day(20_000);

pub(crate) fn value(text: &str) -> Input {
    Input::new("domain-name", text.as_bytes()).unwrap()
}

pub(crate) fn list(texts: &[&str]) -> List {
    List::new(texts.iter().map(|text| value(text)).collect()).unwrap()
}

/// What the commission approved: 1,200 values, of which the operator has two, and a canary.
pub(crate) fn approved_list() -> List {
    let names = (0..1_197).map(|number| format!("listed-{number}.example"));
    let known = ["evil.example", "worse.example", "canary.example"].map(str::to_owned);
    List::new(names.chain(known).map(|name| value(&name)).collect()).unwrap()
}

pub(crate) fn operators_set() -> List {
    let names = (0..1_500).map(|number| format!("benign-{number}.example"));
    let known = ["evil.example", "worse.example", "canary.example"].map(str::to_owned);
    List::new(names.chain(known).map(|name| value(&name)).collect()).unwrap()
}

pub(crate) fn list_seed() -> Seed {
    Seed::new([1; 32])
}

pub(crate) fn operator_seed() -> Seed {
    Seed::new([5; 32])
}

pub(crate) fn terms(mode: Mode) -> Terms {
    Terms {
        authorisation: AuthorisationId([2; 32]),
        operator: OperatorId([3; 16]),
        mode,
        elements: ELEMENTS,
        filter_values_max: 2_048,
    }
}

pub(crate) fn approved(mode: Mode) -> Approved {
    Approved {
        terms: terms(mode),
        list_root: list_root(&approved_list(), &list_seed()),
        seed_commitment: list_seed().commitment(),
    }
}

pub(crate) fn admit(mode: Mode, round: RoundId) -> oprf::Admitted {
    Ledger::new(1_000_000).admit(terms(mode), round, TODAY).unwrap().0
}

/// The operator's side up to its filter, as bytes.
pub(crate) fn opened(mode: Mode, set: List, seed: Seed) -> (Answering, RoundOpen, Vec<u8>) {
    let (operator, open) = Operator::open(admit(mode, ROUND), set, seed).unwrap();
    let (answering, filter) = operator.filter(threads()).unwrap();
    (answering, RoundOpen::decode(&open.encode()).unwrap(), filter.encode())
}

/// The hub's side up to its queries, over bytes.
pub(crate) fn asked(open: &RoundOpen, filter: &[u8], list: List) -> (Matching, Vec<Query>) {
    let canaries = [value("canary.example")];
    let hub = Hub::open(admit(open.mode, open.round), open.clone(), list, &canaries, list_seed()).unwrap();
    let (matching, queries) =
        hub.ask(FilterMessage::decode(filter, open.filter_values).unwrap(), threads()).unwrap();
    let bytes: Vec<Vec<u8>> = queries.iter().map(Query::encode).collect();
    (matching, Query::decode_all(&bytes, threads()).unwrap())
}

/// Answers as they arrive.
pub(crate) fn arrived(answers: &[Answer]) -> Vec<Answer> {
    let bytes: Vec<Vec<u8>> = answers.iter().map(Answer::encode).collect();
    Answer::decode_all(&bytes, threads()).unwrap()
}

pub(crate) fn threads() -> Threads {
    Threads(2.try_into().unwrap())
}
