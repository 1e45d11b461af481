//! What parties said about agreements: where they stand, and their history.

use oversight::{Action, Actor, AuditEvent, Purpose, Realm};
use policy::{Agreement, SideState};
use store::agreements::{self, Side, Step};
use store::{Act, StoreError};

use crate::fixture::{Council, organisation};
use crate::on_every_store;

on_every_store![history_is_kept_in_order_beside_where_parties_stand, the_oldest_words_are_forgotten_first];

const TEXT: &str = r#"
id = "aurora-2026"
title = { ja = "合意", en = "Agreement" }
parties = ["coordinator", "aurora"]
from = "2026-01-01T00:00:00Z"
until = "2030-01-01T00:00:00Z"
reciprocal = true
[[terms]]
from = ["coordinator:members"]
to = ["aurora"]
classes = ["indicator"]
tlp = "amber"
pap = "red"
purposes = ["collective-defence"]
onward = "none"
originator_control = false
"#;

fn agreement() -> Agreement {
    Agreement::from_toml(TEXT).unwrap()
}

async fn say(council: &Council, party: &str, words: Vec<(SideState, Option<&str>)>) {
    let party = organisation(party);
    let words: Vec<_> = words.into_iter().map(|(state, why)| (state, why.map(str::to_owned))).collect();
    let written = council.store.write(move |tx| {
        for (state, reason) in words {
            let side = Side {
                agreement: agreement().id,
                party: party.clone(),
                state,
                person: "p1".to_owned(),
                hash: hex::encode(agreement().hash()),
                at: tx.now(),
            };
            agreements::step(tx, &Realm::Live, &Step { side, name: "見張 太郎".to_owned(), reason })?;
        }
        let event = AuditEvent::done(Action::AgreementChanged, Actor::Node, Purpose::Administration);
        Ok::<_, StoreError>(Act::audited((), &Realm::Live, event))
    });
    written.await.unwrap();
}

async fn draft(council: &Council) {
    let written = council.store.write(|tx| {
        agreements::draft(tx, &Realm::Live, &agreement(), &organisation("coordinator"))?;
        let event = AuditEvent::done(Action::AgreementChanged, Actor::Node, Purpose::Administration);
        Ok(Act::audited((), &Realm::Live, event))
    });
    written.await.unwrap();
}

async fn steps(council: &Council, limit: usize) -> Vec<Step> {
    let read =
        move |reader: &store::Reader<'_>| agreements::steps(reader, &Realm::Live, &agreement().id, limit);
    council.store.read(read).await.unwrap()
}

async fn history_is_kept_in_order_beside_where_parties_stand(council: Council) {
    draft(&council).await;
    say(&council, "coordinator", vec![(SideState::Signed, None)]).await;
    council.pass_time(1_000_000);
    say(&council, "aurora", vec![(SideState::Signed, None), (SideState::Suspended, Some("点検のため"))])
        .await;
    let told: Vec<_> = steps(&council, 10)
        .await
        .into_iter()
        .map(|step| (step.side.party.to_string(), step.side.state, step.name, step.reason))
        .collect();
    let line = |party: &str, state, why: Option<&str>| {
        (party.to_owned(), state, "見張 太郎".to_owned(), why.map(str::to_owned))
    };
    assert_eq!(
        told,
        [
            line("aurora", SideState::Suspended, Some("点検のため")),
            line("aurora", SideState::Signed, None),
            line("coordinator", SideState::Signed, None),
        ]
    );
    assert_eq!(steps(&council, 1).await.len(), 1);
    let read = |reader: &store::Reader<'_>| {
        Ok((
            agreements::standings(reader, &Realm::Live, &[])?,
            agreements::drafted(reader, &Realm::Live)?,
            agreements::changes(reader, &Realm::Live)?,
        ))
    };
    let (standings, drafted, changes) = council.store.read(read).await.unwrap();
    assert_eq!(standings[0].side(&organisation("aurora")), SideState::Suspended);
    assert_eq!(standings[0].side(&organisation("coordinator")), SideState::Signed);
    assert_eq!((drafted.len(), drafted[0].by.as_str()), (1, "coordinator"));
    assert_eq!(changes, 4, "whoever decides by agreements looks again after each");
}

async fn the_oldest_words_are_forgotten_first(council: Council) {
    draft(&council).await;
    let many = usize::try_from(agreements::STEPS_MAX).unwrap() + 3;
    let words = (0..many)
        .map(|n| if n % 2 == 0 { (SideState::Signed, None) } else { (SideState::Suspended, Some("x")) });
    say(&council, "aurora", words.collect()).await;
    let kept = steps(&council, many).await;
    assert_eq!(kept.len(), usize::try_from(agreements::STEPS_MAX).unwrap());
    assert_eq!(kept[0].side.state, SideState::Signed, "the newest is there: {many} is odd");
}
