//! Real bundles, found through `$YAGURA_CORPUS` and nowhere else.

use std::collections::HashMap;

use bytes::Bytes;
use oversight::Realm;
use stix::Object;
use store::Act;
use store::objects::{self, AddOutcome, NewObject, SearchFilter, Versions};

use crate::fixture::{Council, added_event, organisation, refusal};
use crate::on_every_store;

on_every_store!(attack_comes_back_byte_for_byte,);

/// The one object of which two bundles give different contents under one version.
const DIFFERS: &str = "intrusion-set--68ba94ab-78b8-43e7-83e2-aed3466882c6";
/// Objects of one transaction.
const BATCH: usize = 2000;

async fn attack_comes_back_byte_for_byte(council: Council) {
    let Some(root) = std::env::var_os("YAGURA_CORPUS") else {
        eprintln!("SKIPPED: the ATT&CK bundles need YAGURA_CORPUS");
        return;
    };
    let root = std::path::Path::new(&root).join("stix");
    let enterprise = split(&root.join("attack-enterprise-derived/enterprise-attack-stix21-derived.json"));
    let codes = add(&council, &enterprise).await;
    assert_eq!(codes.iter().find(|code| **code != "added"), None);
    assert!(add(&council, &enterprise).await.iter().all(|code| *code == "duplicate"));
    check_content(&council, &enterprise, true, &[]).await;
    // The two bundles give one version of one object with different `x_mitre_domains`; the first is kept.
    let ics = split(&root.join("attack-stix-data/ics-attack/ics-attack.json"));
    let codes = add(&council, &ics).await;
    let refused: Vec<String> = ics
        .iter()
        .zip(&codes)
        .filter(|(_, code)| !matches!(**code, "added" | "duplicate"))
        .map(|(text, code)| format!("{code} {}", Object::parse(text.clone()).unwrap().id()))
        .collect();
    assert_eq!(refused, [format!("content-conflict {DIFFERS}")]);
    check_content(&council, &ics, false, &[DIFFERS]).await;
    let visible = council.all();
    let (found, counted) = council
        .store
        .read(move |reader| {
            let filter = SearchFilter {
                visible: &visible,
                query: "APT29",
                types: &["intrusion-set"],
                revoked: false,
                after: None,
                limit: 5,
            };
            let found = objects::search(reader, &Realm::Live, &filter)?.rows;
            let technique = found[0].id.clone();
            let mentions = objects::referring_to(reader, &Realm::Live, &visible, &technique, 1000)?;
            assert!(mentions.len() > 50, "{}", mentions.len());
            assert_eq!(store::audit::verify(reader)?, store::audit::head(reader)?);
            Ok((
                String::from_utf8_lossy(&found[0].body).into_owned(),
                objects::count(reader, &Realm::Live, &visible, &[])?,
            ))
        })
        .await
        .unwrap();
    assert!(found.contains("\"APT29\""), "{found}");
    assert!(counted > 20_000, "{counted}");
}

fn split(file: &std::path::Path) -> Vec<Bytes> {
    let text = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    stix::bundle::split(&Bytes::from(text)).unwrap()
}

async fn add(council: &Council, texts: &[Bytes]) -> Vec<&'static str> {
    let mut codes = Vec::new();
    for batch in texts.chunks(BATCH) {
        let label = council.clear;
        let collection = council.collection;
        let new: Vec<NewObject> = batch
            .iter()
            .map(|text| NewObject { object: Object::parse(text.clone()).unwrap(), label })
            .collect();
        let outcomes: Vec<AddOutcome> = council
            .store
            .write(move |tx| {
                let from = organisation("a");
                let outcomes = objects::add(tx, &Realm::Live, collection, &from, &new)?;
                Ok(Act::audited(outcomes, &Realm::Live, added_event(&from)))
            })
            .await
            .unwrap();
        codes.extend(outcomes.iter().map(refusal));
    }
    codes
}

/// Everything of the bundle is in the pages: as its producer wrote it, or, unless `strictly`, as an equal object that came
/// first was written.
async fn check_content(council: &Council, texts: &[Bytes], strictly: bool, except: &[&str]) {
    let rows = council.walk(&council.all(), 1000, Versions::all()).await;
    let stored: HashMap<(String, Option<String>), Bytes> =
        rows.into_iter().map(|row| ((row.id.to_string(), row.version), row.body)).collect();
    for text in texts {
        let object = Object::parse(text.clone()).unwrap();
        let key = (object.id().to_string(), object.version().map(|version| version.as_str().to_owned()));
        let body = stored.get(&key).unwrap_or_else(|| panic!("{} is missing", object.id()));
        let equal =
            |body: &Bytes| Object::parse(body.clone()).unwrap().canonical_hash() == object.canonical_hash();
        let same = body == text || (!strictly && equal(body));
        assert_eq!(same, !except.contains(&object.id().as_str()), "{}", object.id());
    }
}
