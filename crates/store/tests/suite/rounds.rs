//! Rounds of private matching, as far as the store knows them: each once, one a day, and what became of them.

use oversight::Realm;
use store::authorisations::rounds::{self, Kept, Opening, Round, Stand};
use store::{Act, StoreError, Tx};
use uuid::Uuid;

use crate::fixture::{Council, organisation};
use crate::on_every_store;

on_every_store!(
    a_round_is_asked_for_opened_and_ended_once,
    a_day_has_one_round_of_an_authorisation_at_an_operator,
    what_waits_too_long_lapses,
    a_receipt_is_kept_once,
);

const LIVE: Realm = Realm::Live;
const HOUR: i64 = 3_600_000_000;

async fn write<T: Send + 'static>(
    council: &Council,
    f: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    council.store.write(move |tx| f(tx).map(Act::bookkeeping)).await
}

async fn ask(council: &Council, id: u128, authorisation: u128, operator: &str) -> Result<(), StoreError> {
    let operator = organisation(operator);
    let ids = (Uuid::from_u128(id), Uuid::from_u128(authorisation));
    write(council, move |tx| rounds::ask(tx, &LIVE, ids, &operator, "person")).await
}

fn opening(day: u32, round: u8) -> Opening {
    Opening {
        edge: "harbour-1".to_owned(),
        day,
        round: [round; 16],
        elements: 2_500,
        message: vec![1, round],
    }
}

async fn open(council: &Council, id: u128, opening: Opening) -> Result<(), StoreError> {
    write(council, move |tx| rounds::open(tx, &LIVE, Uuid::from_u128(id), &opening)).await
}

async fn end(council: &Council, id: u128, outcome: Result<u64, &'static str>) -> Result<(), StoreError> {
    write(council, move |tx| rounds::end(tx, &LIVE, Uuid::from_u128(id), outcome)).await
}

async fn get(council: &Council, id: u128) -> Round {
    let read = council.store.read(move |reader| rounds::get(reader, &LIVE, Uuid::from_u128(id)));
    read.await.unwrap().unwrap()
}

async fn today(council: &Council) -> u32 {
    council.store.read(|reader| Ok(rounds::day_of(reader.now()))).await.unwrap()
}

async fn waiting(council: &Council, operator: &'static str) -> Vec<u128> {
    let read = council.store.read(move |reader| rounds::waiting_at(reader, &LIVE, &organisation(operator)));
    read.await.unwrap().iter().map(|round| round.id.as_u128()).collect()
}

fn is_stale(result: &Result<(), StoreError>) -> bool {
    matches!(result, Err(StoreError::Stale { .. }))
}

fn exists(result: &Result<(), StoreError>) -> bool {
    matches!(result, Err(StoreError::Exists { .. }))
}

async fn a_round_is_asked_for_opened_and_ended_once(council: Council) {
    ask(&council, 1, 7, "harbour").await.unwrap();
    assert!(exists(&ask(&council, 2, 7, "harbour").await), "one waits");
    ask(&council, 3, 7, "kinki-power").await.unwrap();
    assert_eq!(
        (waiting(&council, "harbour").await, waiting(&council, "kinki-power").await),
        (vec![1], vec![3])
    );
    assert!(is_stale(&end(&council, 1, Ok(1)).await), "it was not opened");
    let day = today(&council).await;
    open(&council, 1, opening(day, 4)).await.unwrap();
    assert!(is_stale(&open(&council, 1, opening(day, 5)).await), "it was opened");
    assert!(exists(&open(&council, 3, opening(day, 4)).await), "the number was used");
    assert_eq!(waiting(&council, "harbour").await, [0; 0]);
    let council = council.reopen().await;
    let round = get(&council, 1).await;
    assert_eq!((round.stand, round.opening), (Stand::Open, Some(opening(day, 4))));
    end(&council, 1, Ok(10)).await.unwrap();
    assert!(is_stale(&end(&council, 1, Err("why")).await), "it ended");
    let round = get(&council, 1).await;
    assert_eq!((round.stand, round.found, round.why), (Stand::Matched, Some(10), None));
    open(&council, 3, opening(day, 5)).await.unwrap();
    end(&council, 3, Err("proof")).await.unwrap();
    let round = get(&council, 3).await;
    assert_eq!((round.stand, round.found, round.why.as_deref()), (Stand::Failed, None, Some("proof")));
    let all = council.store.read(|reader| rounds::of_authorisation(reader, &LIVE, Uuid::from_u128(7)));
    assert_eq!(all.await.unwrap().len(), 2);
    let audited =
        write(&council, |tx| rounds::note_audit(tx, &LIVE, Uuid::from_u128(1), ("good", "someone")));
    audited.await.unwrap();
    let audit = get(&council, 1).await.audit.unwrap();
    assert_eq!((audit.verdict.as_str(), audit.person.as_str()), ("good", "someone"));
}

async fn a_day_has_one_round_of_an_authorisation_at_an_operator(council: Council) {
    let day = today(&council).await;
    ask(&council, 1, 7, "harbour").await.unwrap();
    open(&council, 1, opening(day, 1)).await.unwrap();
    end(&council, 1, Err("broken off")).await.unwrap();
    assert!(exists(&ask(&council, 2, 7, "harbour").await), "what was opened counts, whatever became of it");
    ask(&council, 3, 8, "harbour").await.unwrap();
    open(&council, 3, opening(day, 2)).await.unwrap();
    let entries = |round: u8| {
        let read = council
            .store
            .read(move |reader| rounds::ledger(reader, &LIVE, (&organisation("harbour"), day), &[round; 16]));
        async move { read.await.unwrap().len() }
    };
    assert_eq!(entries(9).await, 2);
    council.pass_time(24 * HOUR);
    ask(&council, 4, 7, "harbour").await.unwrap();
    assert!(exists(&open(&council, 4, opening(day + 1, 1)).await), "yesterday's number");
    open(&council, 4, opening(day + 1, 3)).await.unwrap();
    let read = council
        .store
        .read(move |reader| rounds::ledger(reader, &LIVE, (&organisation("harbour"), day + 1), &[1; 16]));
    assert_eq!(read.await.unwrap().len(), 2, "today's, and the one of that number");
}

async fn what_waits_too_long_lapses(council: Council) {
    ask(&council, 1, 7, "harbour").await.unwrap();
    council.pass_time(HOUR + 1);
    assert_eq!(get(&council, 1).await.stand, Stand::Lapsed);
    assert_eq!(waiting(&council, "harbour").await, [0; 0]);
    let day = today(&council).await;
    assert!(is_stale(&open(&council, 1, opening(day, 1)).await));
    ask(&council, 2, 7, "harbour").await.unwrap();
    open(&council, 2, opening(day, 1)).await.unwrap();
    council.pass_time(HOUR + 1);
    assert_eq!(get(&council, 2).await.stand, Stand::Lapsed);
}

async fn a_receipt_is_kept_once(council: Council) {
    ask(&council, 1, 7, "harbour").await.unwrap();
    let receive = |id: u128, text: String| {
        write(&council, move |tx| rounds::receive(tx, &LIVE, Uuid::from_u128(id), &text))
    };
    assert_eq!(receive(1, "one".to_owned()).await.unwrap(), Kept::Accepted);
    assert_eq!(receive(1, "one".to_owned()).await.unwrap(), Kept::Duplicate);
    assert_eq!(receive(1, "other".to_owned()).await.unwrap(), Kept::Contradicts);
    assert_eq!(get(&council, 1).await.receipt.unwrap().0, "one");
    let large = receive(1, "x".repeat(rounds::RECEIPT_BYTES_MAX + 1)).await.unwrap_err();
    assert!(matches!(large, StoreError::Limit { .. }), "{large}");
    let none = receive(2, "one".to_owned()).await.unwrap_err();
    assert!(matches!(none, StoreError::NotFound { .. }), "{none}");
}
