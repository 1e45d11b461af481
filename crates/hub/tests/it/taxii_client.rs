//! Our TAXII client against our hub: what the OASIS interoperability rows ask of a client, each row's section in a test's name.

use std::time::Duration;

use oversight::{OrganisationRole, PersonRole};
use serde_json::{Value, json};
use stix::marking::Tlp;
use taxii::client::{Client, Credentials, Cursor, Error, Filters, Place, Settings};

use crate::rest::named;
use crate::support::{TestHub, V1, V2, V3, id_of, indicator, indicator_with, marked};

fn client(hub: &TestHub, credentials: Credentials) -> Client {
    let discovery = format!("http://{}/taxii2/", hub.running.listen);
    Client::new(&Settings { credentials, ..Settings::new(discovery) }).unwrap()
}

fn bearer(hub: &TestHub, token: &str) -> Client {
    client(hub, Credentials::Bearer(token.to_owned()))
}

/// Every object from a cursor on, as the texts that came, and the cursor behind them.
async fn read(client: &Client, place: &Place, filters: Filters, from: Cursor) -> (Vec<String>, Cursor) {
    let mut poll = client.poll(place.clone(), filters, from);
    let mut texts = Vec::new();
    while let Some(page) = poll.next_page().await.unwrap() {
        texts.extend(page.objects.iter().map(|object| object.get().to_owned()));
    }
    (texts, poll.cursor())
}

#[tokio::test(flavor = "multi_thread")]
async fn interop_3_1_sign_in_by_basic_and_bearer_and_not_at_all() {
    let hub = TestHub::start().await;
    let basic = Credentials::Basic { user: "any".to_owned(), password: hub.token.clone() };
    for known in [client(&hub, basic), bearer(&hub, &hub.token)] {
        assert_eq!(known.discovery().await.unwrap().title, "Yagura");
    }
    for stranger in [client(&hub, Credentials::None), bearer(&hub, "yg_wrong")] {
        assert!(matches!(stranger.discovery().await, Err(Error::Refused { status: 401, .. })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn interop_3_2_to_3_4_discovery_api_root_and_collections() {
    let hub = TestHub::start().await;
    let client = bearer(&hub, &hub.token);
    let discovery = client.discovery().await.unwrap();
    assert!(
        discovery.default.as_deref().is_some_and(|root| root.starts_with('/')),
        "relative is legal (§4.1)"
    );
    let roots = client.api_roots(&discovery);
    assert_eq!(roots.len(), 1);
    let root = client.api_root(&roots[0]).await.unwrap();
    assert!(root.versions.contains(&taxii::media::TAXII.to_owned()) && root.max_content_length > 1_000_000);
    let collections = client.collections(&roots[0]).await.unwrap();
    let ids: Vec<&str> = collections.iter().map(|collection| collection.id.as_str()).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    assert_eq!(ids, sorted, "§2.1.7: by id");
    let place = client.first_writable().await.unwrap();
    assert_eq!(place.collection, hub.running.collection.to_string());
    assert_eq!(client.collection(&place).await.unwrap().id, place.collection);
    let absent = Place { collection: uuid::Uuid::new_v4().to_string(), ..place };
    assert!(matches!(client.collection(&absent).await, Err(Error::Refused { status: 404, .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn interop_3_5_read_and_write_in_every_combination() {
    let hub = TestHub::start().await;
    hub.organisation("rail", OrganisationRole::Operator).await;
    hub.organisation("watch", OrganisationRole::Oversight).await;
    let place = bearer(&hub, &hub.token).first_readable().await.unwrap();
    let object = marked(indicator(V1), Tlp::Green).to_string();
    let check = async |token: &str, reads: bool, writes: bool| {
        let client = bearer(&hub, token);
        if let Ok(collection) = client.collection(&place).await {
            assert_eq!((collection.can_read, collection.can_write), (reads, writes));
        } else {
            assert!(!reads && !writes, "§5: who may neither read nor write does not find it");
        }
        let read = client.objects(&place, &Filters::default(), &Cursor::default()).await;
        assert_eq!(read.is_ok(), reads, "{read:?}");
        let written = client.add(&place, &[&object]).await;
        assert_eq!(written.is_ok(), writes, "{written:?}");
    };
    check(&hub.token, true, true).await;
    check(&hub.token("rail", &[PersonRole::Analyst]).await, true, true).await;
    check(&hub.token("rail", &[PersonRole::Trainee]).await, true, false).await;
    check(&hub.token("watch", &[PersonRole::Commissioner]).await, false, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interop_3_7_objects_go_in_and_come_out_as_they_were_and_a_poll_resumes() {
    let hub = TestHub::start_with(|config| config.page_objects_max = 3).await;
    let client = bearer(&hub, &hub.token);
    let place = client.first_writable().await.unwrap();
    // Custom properties, number forms, escapes: nothing is written anew on the way.
    let texts: Vec<String> = (0..10)
        .map(|number| {
            let text = named("campaign", &format!("作戦 {number}"), Tlp::Green).to_string();
            format!("{},\"x_yen\": 1.50e2, \"x_text\":\"\\u3084\" }}", text.trim_end_matches('}'))
        })
        .collect();
    let status = client.add(&place, &texts[..7]).await.unwrap();
    assert_eq!((status.total_count, status.success_count, status.pending_count), (7, 7, 0));
    let settled = client.settled(&place.root, status.clone(), Duration::from_secs(5)).await.unwrap();
    assert_eq!(settled, status, "what is complete is not asked for again");
    assert_eq!(client.status(&place.root, &status.id).await.unwrap().success_count, 7);
    let (first, cursor) = read(&client, &place, Filters::default(), Cursor::default()).await;
    assert_eq!(first, texts[..7]);
    assert!(cursor.next.is_none() && cursor.added_after.is_some());
    client.add(&place, &texts[7..]).await.unwrap();
    let (second, cursor) = read(&client, &place, Filters::default(), cursor).await;
    assert_eq!(second, texts[7..], "only what is new");
    assert!(read(&client, &place, Filters::default(), cursor).await.0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn interop_3_6_manifest_3_9_versions_3_12_delete_3_13_filters() {
    let hub = TestHub::start().await;
    let client = bearer(&hub, &hub.token);
    let place = client.first_writable().await.unwrap();
    let id = format!("indicator--{}", uuid::Uuid::new_v4());
    let versions: Vec<String> = [V1, V2, V3].map(|version| indicator_with(&id, version).to_string()).into();
    client.add(&place, &versions).await.unwrap();
    client.add(&place, &[named("malware", "m", Tlp::Green).to_string()]).await.unwrap();
    let filters = |matches: &[(&'static str, &str)]| Filters {
        limit: std::num::NonZeroU32::new(2),
        matches: matches.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
    };
    let all = filters(&[("id", &id), ("version", "all")]);
    assert_eq!(read(&client, &place, all.clone(), Cursor::default()).await.0, versions);
    let manifest = client.manifest(&place, &all, &Cursor::default()).await.unwrap();
    assert_eq!((manifest.entries.len(), manifest.entries[0].version.as_str()), (2, V1));
    let rest = Cursor { next: manifest.next, added_after: None };
    assert_eq!(client.manifest(&place, &all, &rest).await.unwrap().entries[0].version, V3);
    assert_eq!(client.versions(&place, &id, None).await.unwrap().entries, [V1, V2, V3]);
    let of = async |matches: &[(&'static str, &str)]| {
        read(&client, &place, filters(matches), Cursor::default()).await.0.len()
    };
    assert_eq!(of(&[("type", "indicator,malware")]).await, 2, "a comma is or");
    assert_eq!(of(&[("type", "malware"), ("id", &id)]).await, 0, "two filters are and");
    assert_eq!(of(&[("id", &id), ("version", "first,last")]).await, 2);
    assert_eq!(of(&[("id", &id), ("version", V2)]).await, 1);
    assert_eq!(of(&[("spec_version", "2.0")]).await, 0);
    let wrong = client.objects(&place, &filters(&[("colour", "red")]), &Cursor::default()).await;
    assert!(matches!(wrong, Err(Error::Request { status: 400, .. })), "{wrong:?}");
    client.delete(&place, &id, Some(V2)).await.unwrap();
    assert_eq!(client.versions(&place, &id, None).await.unwrap().entries, [V1, V3]);
    client.delete(&place, &id, None).await.unwrap();
    assert!(matches!(client.delete(&place, &id, None).await, Err(Error::Refused { status: 404, .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_hub_refuses_is_told_object_by_object() {
    let hub = TestHub::start_with(|config| config.body_bytes_max = 64 * 1024).await;
    let client = bearer(&hub, &hub.token);
    let place = client.first_writable().await.unwrap();
    let (good, mut bad) = (indicator(V1), indicator(V1));
    bad["modified"] = json!("yesterday");
    let status = client.add(&place, &[good.to_string(), bad.to_string()]).await.unwrap();
    assert_eq!((status.success_count, status.failure_count), (1, 1));
    assert_eq!(status.failures[0].id, id_of(&bad));
    assert!(status.failures[0].message.as_ref().is_some_and(|why| why.contains("modified")));
    let large = json!({ "x_fill": "x".repeat(70 * 1024) }).to_string();
    let refused = client.add(&place, &[large]).await;
    assert!(matches!(refused, Err(Error::Request { status: 413, .. })), "{refused:?}");
    let senseless = client.add(&place, &["}"]).await;
    assert!(matches!(senseless, Err(Error::Request { status: 422, .. })), "{senseless:?}");
    let known: Vec<Value> = read(&client, &place, Filters::default(), Cursor::default())
        .await
        .0
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    assert_eq!(known, [good]);
}
