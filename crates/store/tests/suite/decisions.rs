//! What SQL gives out against Cedar asked directly: for made-up readers, labels and rows, those that Cedar lets be read and no
//! others.

use oversight::Realm;
use policy::{Engine, Label, LabelKey, Trial};
use store::collections::CollectionKey;
use store::objects::{self, Filter, NewObject, Row};
use store::{Act, Store};

use crate::fixture::{Council, added_event, indicator, organisation, parse};

/// Decisions, each about one row for one reader. `make soak` asks for ten millions.
fn asked() -> usize {
    std::env::var("YAGURA_DECISIONS").map_or(60_000, |text| text.parse().expect("a number of decisions"))
}

/// Labels and rows of one council; and how many readers look at it before the next one is made up.
const LABELS: usize = 150;
const ROWS: usize = 1_000;
const READERS: usize = 100;

async fn sql_gives_what_cedar_allows(council: Council) {
    let built_in = Engine::compile(&Engine::built_in()).unwrap();
    let (mut decided, mut allowed) = (0, 0);
    for seed in 0.. {
        let trial = Trial::new(&built_in, seed, LABELS);
        let labels: Vec<Label> = trial
            .pairs()
            .map(|(_, label)| label.clone())
            .filter(|label| label.realm == Realm::Live)
            .collect();
        let (collection, keys, label_of_row) = filled(&council.store, seed, &labels).await;
        let engine = built_in.under(trial.circumstances().clone());
        let readers = trial.readers();
        for turn in 0..READERS {
            let reader = &readers[(turn * 37 + usize::try_from(seed).unwrap()) % readers.len()];
            let reads: Vec<bool> = labels.iter().map(|label| engine.reasons(reader, label).allowed).collect();
            let expected: Vec<String> = label_of_row
                .iter()
                .enumerate()
                .filter(|(_, label)| reads[**label])
                .map(|(row, _)| indicator(number(seed, row))["id"].as_str().unwrap().to_owned())
                .collect();
            let visible = engine.visible(reader, keys.iter().copied().zip(&labels));
            let rows = council
                .store
                .read(move |reader| {
                    let mut filter = Filter::new(collection, &visible, ROWS);
                    filter.limit = ROWS;
                    Ok(objects::page(reader, &Realm::Live, &filter)?.rows)
                })
                .await
                .unwrap();
            let given: Vec<String> = rows.iter().map(|row: &Row| row.id.to_string()).collect();
            assert_eq!(given, expected, "council {seed}, {reader:?}");
            decided += ROWS;
            allowed += given.len();
            if decided >= asked() {
                println!("{decided} decisions, of which {allowed} let a row be read");
                assert!(allowed > decided / 100 && allowed < decided, "both answers come up");
                return;
            }
        }
    }
}

fn number(council: u64, row: usize) -> u64 {
    council * ROWS as u64 + row as u64
}

/// A collection of rows under the labels, each row's label by its number; and the labels' keys.
async fn filled(store: &Store, seed: u64, labels: &[Label]) -> (CollectionKey, Vec<LabelKey>, Vec<usize>) {
    let label_of_row: Vec<usize> = (0..ROWS).map(|row| (row * 7919 + row / 3) % labels.len()).collect();
    let (labels, of_row, from) = (labels.to_vec(), label_of_row.clone(), organisation("coordinator"));
    let (collection, keys) = store
        .write(move |tx| {
            let id = uuid::Uuid::from_u128(0xD0 + u128::from(seed));
            let collection =
                store::collections::add(tx, &Realm::Live, id, &format!("council-{seed}"), "")?.key;
            let keys: Vec<LabelKey> =
                labels.iter().map(|label| store::labels::intern(tx, label)).collect::<Result<_, _>>()?;
            let object = |(row, label): (usize, &usize)| NewObject {
                object: parse(&indicator(number(seed, row))),
                label: keys[*label],
            };
            let new: Vec<NewObject> = of_row.iter().enumerate().map(object).collect();
            objects::add(tx, &Realm::Live, collection, &from, &new)?;
            Ok(Act::audited((collection, keys), &Realm::Live, added_event(&from)))
        })
        .await
        .unwrap();
    (collection, keys, label_of_row)
}

crate::on_every_store!(sql_gives_what_cedar_allows);
