//! What the public is told in numbers: who publishes it, and what a visitor who is not signed in sees.

use std::collections::BTreeSet;

use hub::{HubConfig, TransparencyConfig};
use oversight::authorisation::{Category, CategoryCounts, STATEMENT_KIND, Statement, Statistics, Told};
use oversight::{Action, OrganisationRole, PersonRole};
use serde_json::{Value, json};
use store::Place;
use store::trees::Tree;
use tlog::{SigningKey, leaf_hash};

use crate::authorisations::{Edge, granted};
use crate::commissioners::{Commissioner, adopt_frame, commission, hub_with, wanted, with_frame};
use crate::database::Server;
use crate::log::{checkpoint_of, root_of};
use crate::signed::Signed;
use crate::support::{Reply, TestHub};

const LOG: &str = "/log/statistics";
const PUBLISH: &str = "/api/v1/oversight/statistics";

fn key() -> SigningKey {
    SigningKey::from_seed("commission.example/statistics", [9; 32]).unwrap()
}

fn with_statistics(config: &mut HubConfig) {
    with_frame(config);
    config.statistics_keys = vec![key().verifying_key()];
}

fn with_page(config: &mut HubConfig) {
    with_statistics(config);
    let contact = Some("https://commission.example.jp/".parse().unwrap());
    config.transparency = Some(TransparencyConfig { contact });
}

/// Numbers of the year before the first entry of the log, counted from the log as it stands.
async fn counted(hub: &TestHub, corrects: Option<&str>) -> Statistics {
    let (size, root) = hub.running.store().read(|reader| Tree::Authorisations.head(reader)).await.unwrap();
    let note = hub.get("/log/authorisations/checkpoint").stranger().send().await.body;
    let none = CategoryCounts {
        requested: Told::Number(0),
        requested_in_emergency: Told::Number(0),
        granted: Told::Number(7),
        granted_in_emergency: Told::Few,
        refused: Told::Number(0),
        withdrawn: Told::Number(0),
        suspended: Told::Number(0),
        resumed: Told::Number(0),
        revoked: Told::Number(0),
        used: Told::Number(4321),
        operators: Told::Few,
    };
    Statistics {
        v: 1,
        log: String::from_utf8(note).unwrap().lines().next().unwrap().to_owned(),
        size,
        root: hex::encode(root),
        from: "2024-03-31T15:00:00Z".parse().unwrap(),
        until: "2025-03-31T15:00:00Z".parse().unwrap(),
        suppressed_below: 5,
        corrects: corrects.map(|note| hex::encode(leaf_hash(note.as_bytes()))),
        categories: Category::ALL.iter().map(|category| (*category, none.clone())).collect(),
        all: none,
    }
}

fn sign(statistics: &Statistics) -> String {
    key().sign_statement(STATEMENT_KIND, std::str::from_utf8(&statistics.canonical()).unwrap())
}

/// Statements that nobody published, put into the store, each of another year: something to ask for where there is no commission.
pub async fn published_behind(hub: &TestHub, years: i64) {
    for year in 0..years {
        let mut told = counted(hub, None).await;
        let later = jiff::SignedDuration::from_hours(year * 366 * 24);
        (told.from, told.until) = (told.from + later, told.until + later);
        put(hub, sign(&told)).await;
    }
}

async fn put(hub: &TestHub, note: String) {
    let write = move |tx: &mut store::Tx<'_>| {
        let statement = Statement::read(&note, &[key().verifying_key()]).unwrap();
        if store::statistics::by_hash(tx, &statement.hash)?.is_none() {
            store::statistics::append(tx, (&statement, &note), None)?;
        }
        Ok(store::Act::bookkeeping(()))
    };
    hub.running.store().write(write).await.unwrap();
}

fn text(reply: &Reply) -> String {
    String::from_utf8(reply.body.clone()).unwrap()
}

/// On a server of its own; `None`, said loudly, where there is no PostgreSQL.
fn on(server: Option<&Server>, change: fn(&mut HubConfig)) -> impl FnOnce(&mut HubConfig) + use<> {
    let place = server.map(|server| Place::parse(&server.address()));
    move |config| {
        change(config);
        config.store = place;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commission_publishes_and_nobody_else() {
    publishing(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commission_publishes_on_postgresql_too() {
    let Some(server) = Server::start() else { return };
    publishing(Some(&server)).await;
}

async fn publishing(server: Option<&Server>) {
    let hub = hub_with(on(server, with_statistics)).await;
    let members = commission(&hub).await;
    let note = sign(&counted(&hub, None).await);
    let body = || json!({ "note": note });
    for (organisation, role) in [
        ("commission", PersonRole::Administrator),
        ("coordinator", PersonRole::Administrator),
        ("npa", PersonRole::Approver),
        ("kinki-power", PersonRole::Approver),
    ] {
        let person = Signed::person(&hub, organisation, role).await;
        assert_eq!(person.post(PUBLISH, body()).await.status, 403, "{organisation} {role:?}");
    }
    let program = hub.token("commission", &[PersonRole::Commissioner]).await;
    let asked =
        hub.ask(reqwest::Method::POST, PUBLISH).bearer(&program).header("content-type", "application/json");
    assert_eq!(asked.body(body().to_string()).send().await.status, 403, "no program publishes");
    let foreign = json!({ "note": note.replace("commission.example", "somebody.example") });
    let refused = members[0].signed.post(PUBLISH, foreign).await;
    assert_eq!(refused.status, 422, "{}", text(&refused));
    assert!(text(&refused).contains("no valid signature"), "{}", text(&refused));

    let published = members[0].signed.done(PUBLISH, body()).await;
    assert_eq!((&published["leaf"], &published["note"]), (&json!(0), &json!(note)));
    assert_eq!(published["hash"], hex::encode(leaf_hash(note.as_bytes())));
    let again = members[1].signed.post(PUBLISH, body()).await;
    assert!(again.status == 422 && text(&again).contains("a correction names it"), "{}", text(&again));
    let correction = sign(&counted(&hub, Some(&note)).await);
    let corrected = members[1].signed.done(PUBLISH, json!({ "note": correction })).await;
    assert_eq!((&corrected["leaf"], &corrected["corrects"]), (&json!(1), &json!(0)));
    let acts = hub.audit(Action::StatisticsPublished).await;
    assert_eq!((acts.len(), &*acts[0].event.detail["corrects"]), (2, "0"));

    // The log of statistics is one like the others, and its entries are the notes.
    let head = checkpoint_of(&hub, LOG, 2).await;
    assert!(head.origin.ends_with(LOG));
    assert_eq!(root_of(&hub, LOG, head.size).await, head.root);
    let bundle = hub.get(&format!("{LOG}/tile/entries/000.p/2")).stranger().send().await.body;
    let entries = tlog::decode_entries(&bundle).unwrap();
    assert_eq!(entries, [note.as_bytes(), correction.as_bytes()]);
    // Whoever is signed in reads them.
    let operator = Signed::person(&hub, "kinki-power", PersonRole::Analyst).await;
    let listed = operator.good(&format!("{PUBLISH}?limit=1")).await;
    assert_eq!((&listed["statements"][0]["leaf"], &listed["next"]), (&json!(1), &json!(1)));
    let older = operator.good(&format!("{PUBLISH}?before=1")).await;
    assert_eq!(older["statements"][0]["corrected_by"], 1);
    assert_eq!(older["keys"], json!([key().verifying_key().encode()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_sign_in_publishes_nothing() {
    let hub = hub_with(with_statistics).await;
    let members = commission(&hub).await;
    let note = sign(&counted(&hub, None).await);
    let aged = hub.running.store().write({
        let id = members[0].id.clone();
        move |tx| {
            store::sessions::end_all(tx, &oversight::Realm::Live, &id)?;
            let session = store::sessions::Session {
                hash: store::secrets::hash("old"),
                person: id,
                csrf: "word".to_owned(),
                created: tx.now() - jiff::SignedDuration::from_hours(1),
                expires: tx.now() + jiff::SignedDuration::from_hours(1),
                seen: tx.now(),
                origin: store::sessions::Origin::default(),
            };
            store::sessions::add(tx, &oversight::Realm::Live, &session).map(store::Act::bookkeeping)
        }
    });
    aged.await.unwrap();
    let asked = hub.ask(reqwest::Method::POST, PUBLISH).stranger().header("content-type", "application/json");
    let asked = asked.header("cookie", "yagura_session=old").header("x-yagura-csrf", "word");
    let refused = asked.body(json!({ "note": note }).to_string()).send().await;
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("fresh-proof-needed")));
}

/// Every name of a member in a document, with those around it.
fn names(value: &Value, around: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                // Grounds and numbers are the statement's own, and looked at elsewhere.
                let path = format!("{around}/{name}");
                if name != "statistics" || member.is_array() {
                    names(member, &path, found);
                }
                found.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, around, found)),
        _ => {}
    }
}

/// A hub in which there is everything that the public must not be told.
async fn busy_hub(server: Option<&Server>) -> (TestHub, String) {
    let hub = hub_with(on(server, with_page)).await;
    let note = {
        let mut members: Vec<Commissioner<'_>> = commission(&hub).await;
        adopt_frame(&mut members).await;
        hub.organisation("agency-that-asks", OrganisationRole::Agency).await;
        let requester = Signed::person(&hub, "agency-that-asks", PersonRole::Approver).await;
        let edge = Edge::new(&hub, "kinki-power").await;
        edge.register().await;
        let asked = requester.done("/api/v1/authorisations", wanted(&["kinki-power"])).await;
        granted(&mut members, &asked).await;
        requester.done("/api/v1/authorisations", wanted(&["harbour"])).await;
        let note = sign(&counted(&hub, None).await);
        members[0].signed.done(PUBLISH, json!({ "note": note })).await;
        checkpoint_of(&hub, LOG, 1).await;
        note
    };
    (hub, note)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_tells_what_is_public_and_nothing_else() {
    told_to_the_public(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_tells_no_more_on_postgresql() {
    let Some(server) = Server::start() else { return };
    told_to_the_public(Some(&server)).await;
}

async fn told_to_the_public(server: Option<&Server>) {
    let (hub, note) = busy_hub(server).await;
    let api = hub.get("/api/v1/transparency").stranger().send().await;
    assert_eq!(api.status, 200);
    let told = api.json();
    assert_eq!(told["commission"]["name"], "委員会");
    assert_eq!((&told["commission"]["members"], &told["commission"]["threshold"]), (&json!(5), &json!(3)));
    assert_eq!(told["statistics"][0]["note"], note);
    assert_eq!(told["logs"].as_array().unwrap().len(), 3);
    for (log, path) in told["logs"].as_array().unwrap().iter().zip(["/log", "/log/authorisations", LOG]) {
        let key = tlog::VerifyingKey::parse(log["key"].as_str().unwrap()).unwrap();
        let seen = tlog::open_log(log["checkpoint"].as_str().unwrap(), &key, key.name()).unwrap();
        assert_eq!(log["size"], seen.size);
        assert!(log["address"].as_str().unwrap().ends_with(path), "{log}");
    }
    let mut found = BTreeSet::new();
    names(&told, "", &mut found);
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(
        found.join(" "),
        "/commission /commission/digest /commission/leaf /commission/members /commission/name /commission/organisation_en \
         /commission/organisation_ja /commission/since /commission/threshold /contact /frame /frame/digest /frame/leaf /frame/measures \
         /frame/measures/article /frame/measures/category /frame/measures/hours_max /frame/since /frame/source /frame/version /logs \
         /logs/address /logs/checkpoint /logs/cosigned_at /logs/cosigned_by /logs/key /logs/log /logs/root /logs/size /name_en /name_ja \
         /statistics /statistics/at /statistics/corrected_by /statistics/corrects /statistics/hash /statistics/key /statistics/leaf \
         /statistics/note /statistics/statistics /statistics_keys /witnesses",
        "a member that is new here is told to the whole world: is it public by its nature"
    );
    // What the hub knows beside that stands in none of its forms.
    let secrets = hub.running.store().read(|reader| {
        let realm = oversight::Realm::Live;
        let mut secrets = vec![
            "203.0.113.1".to_owned(),
            "evil.example".to_owned(),
            "traffic to a command server".to_owned(),
            "measures-2y".to_owned(),
        ];
        for organisation in store::organisations::list(reader, &realm)? {
            if organisation.id.as_str() != "commission" && organisation.id.as_str() != "coordinator" {
                secrets.extend([organisation.id.to_string(), organisation.name_ja, organisation.name_en]);
            }
        }
        for person in store::people::list(reader, &realm)? {
            secrets.extend([person.id, person.login, person.name]);
        }
        let all = store::authorisations::page(reader, &realm, store::authorisations::Of::All, None, 10)?;
        secrets.extend(all.iter().flat_map(|one| [one.terms.id.to_string(), one.terms.list_root.clone()]));
        Ok(secrets)
    });
    let mut secrets: Vec<String> = secrets.await.unwrap();
    // Three letters may stand in any key by chance.
    secrets.retain(|secret| secret.len() > 5);
    assert!(secrets.len() > 20 && secrets.contains(&"agency-that-asks".to_owned()), "{secrets:?}");
    let statement = "/api/v1/transparency/statistics/0";
    for path in ["/transparency?lang=ja", "/transparency?lang=en", "/api/v1/transparency", statement] {
        let reply = hub.get(path).stranger().send().await;
        assert_eq!(reply.status, 200, "{path}");
        let body = text(&reply);
        for secret in &secrets {
            assert!(!body.contains(secret.as_str()), "{path} tells `{secret}`");
        }
    }
    assert_eq!(text(&hub.get(statement).stranger().send().await), note, "byte for byte");
    assert_eq!(hub.get("/api/v1/transparency/statistics/1").stranger().send().await.status, 404);
    assert_eq!(hub.get("/api/v1/transparency/statistics/x").stranger().send().await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_in_two_languages_needs_no_script_and_is_kept_for_a_while() {
    let (hub, _) = busy_hub(None).await;
    let page = async |path: &str, language: &str| {
        hub.get(path)
            .stranger()
            .header("accept", "text/html")
            .header("accept-language", language)
            .send()
            .await
    };
    let english = page("/transparency", "en-GB, ja;q=0.5").await;
    assert_eq!((english.status, english.header("content-language")), (200, "en"));
    assert_eq!(english.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(
        (english.header("vary").contains("accept-language"), english.header("cache-control")),
        (true, "public, max-age=60")
    );
    let policy = english.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert_eq!(english.header("x-frame-options"), "DENY");
    let body = text(&english);
    assert!(!body.contains("<script") && !body.contains("style=") && !body.contains(" onload"));
    // The hash in the policy is that of the style on the page: with another one a browser shows it bare.
    let (_, style) = body.split_once("<style>").unwrap();
    let (style, _) = style.split_once("</style>").unwrap();
    let digest = <sha2::Sha256 as sha2::Digest>::digest(style.as_bytes());
    let digest = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest);
    assert!(policy.contains(&digest), "{policy}");
    for told in [
        "4321",
        "1–4",
        "1 April 2024 to 31 March 2025",
        "yagura log verify --from",
        &key().verifying_key().encode(),
    ] {
        assert!(body.contains(told), "{told}");
    }
    let japanese = page("/transparency?lang=ja", "en").await;
    assert_eq!(japanese.header("content-language"), "ja");
    assert!(text(&japanese).contains("2024年4月1日から2025年3月31日まで"));
    assert_ne!(english.header("etag"), japanese.header("etag"));
    for (path, etag) in [
        ("/transparency?lang=en", english.header("etag")),
        ("/transparency?lang=ja", japanese.header("etag")),
    ] {
        let known = hub.get(path).stranger().header("if-none-match", &format!("\"x\", {etag}")).send().await;
        assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, etag));
        let other = hub.get(path).stranger().header("if-none-match", "\"x\"").send().await;
        assert_eq!(other.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_turned_it_on_there_is_nothing_and_who_asks_too_often_waits() {
    let closed = TestHub::start().await;
    for path in ["/transparency", "/api/v1/transparency", "/api/v1/transparency/statistics/0"] {
        assert_eq!(closed.get(path).stranger().send().await.status, 404, "{path}");
        assert_eq!(closed.get(path).send().await.status, 404, "{path}, though signed in");
    }
    let open = hub_with(with_page).await;
    let mut statuses = BTreeSet::new();
    for _ in 0..310 {
        let reply = open.get("/api/v1/transparency").stranger().send().await;
        statuses.insert((reply.status, !reply.header("retry-after").is_empty()));
    }
    assert_eq!(statuses, BTreeSet::from([(200, false), (429, true)]));
    // Nobody who is signed in is kept out by that.
    assert_eq!(open.get("/taxii2/").send().await.status, 200);
    for (hub, is_told) in [(&open, true), (&closed, false)] {
        let node = hub.get("/api/v1/node").stranger().send().await.json();
        assert_eq!(node["transparency"], is_told, "the console leads to the page where there is one");
    }
}
