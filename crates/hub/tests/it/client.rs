//! The typed client against a real hub: everything that commands and edges ask, and whose fault an error is.

use api::client::{Client, Error, Settings};
use api::{NewEdge, NewOrganisation, NewPerson, NewToken};
use serde_json::json;
use stix::marking::Tlp;

use crate::rest::named;
use crate::support::{TestHub, id_of};

fn client(hub: &TestHub, token: &str) -> Client {
    let address = format!("http://{}", hub.running.listen);
    Client::new(&Settings { address, token: Some(token.to_owned()), root_certificate: None, identity: None })
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_imported_is_exported_byte_for_byte() {
    let hub = TestHub::start_with(|config| config.page_objects_max = 2).await;
    let admin = client(&hub, &hub.token);
    let lines: Vec<String> =
        (0..5).map(|n| format!("{} ", named("campaign", &format!("作戦 {n}"), Tlp::Green))).collect();
    let taken = admin.import(lines.join("\n").into_bytes()).await.unwrap();
    assert_eq!((taken.accepted, taken.refused.len()), (5, 0));
    let collections = admin.collections().await.unwrap();
    assert_eq!(collections, [hub.running.collection.to_string()]);
    let (mut texts, mut next, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = admin.export(&collections[0], next.as_deref(), false).await.unwrap();
        texts.extend(page.objects.iter().map(|object| object.get().to_owned()));
        pages += 1;
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(texts, lines.iter().map(|line| line.trim().to_owned()).collect::<Vec<_>>());
    assert_eq!(pages, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn administration_by_client() {
    let hub = TestHub::start().await;
    let admin = client(&hub, &hub.token);
    assert_eq!(admin.node().await.unwrap().realm, "live");
    let organisation: NewOrganisation =
        serde_json::from_value(json!({ "id": "rail", "name_ja": "鉄道", "name_en": "Rail", "role": "operator", "sectors": ["railways"] })).unwrap();
    assert_eq!(admin.add_organisation(&organisation).await.unwrap().id, "rail");
    assert_eq!(admin.organisations().await.unwrap().len(), 2);
    let person: NewPerson = serde_json::from_value(
        json!({ "login": "ito", "name": "伊藤", "organisation": "rail", "roles": ["analyst"] }),
    )
    .unwrap();
    assert!(admin.add_person(&person).await.unwrap().sign_in.contains("/sign-in#link="));
    assert_eq!(admin.people().await.unwrap().len(), 2);
    let token: NewToken =
        serde_json::from_value(json!({ "organisation": "rail", "roles": ["analyst"] })).unwrap();
    let issued = admin.add_token(&token).await.unwrap();
    let rail = client(&hub, &issued.token);
    assert_eq!(rail.board().await.unwrap().sectors.len(), 15);
    assert!(rail.cases("open").await.unwrap().cases.is_empty());
    let edge = NewEdge { id: "rail-1".to_owned(), organisation: "rail".to_owned(), name: "駅".to_owned() };
    let registered = admin.add_edge(&edge).await.unwrap();
    assert!(client(&hub, &registered.token).intelligence(0, 0).await.unwrap().changes.is_empty());
    assert_eq!(admin.edge("rail-1").await.unwrap().organisation, "rail");
    admin.remove_edge("rail-1").await.unwrap();
    assert!(admin.edges().await.unwrap().edges.is_empty());
    admin.revoke_token(&issued.info.id).await.unwrap();
    assert!(matches!(rail.board().await, Err(Error::Refused(problem)) if problem.status == 401));
    assert_eq!(admin.tokens().await.unwrap().len(), 1);

    // Whose fault is it?
    let again = admin.add_organisation(&organisation).await.unwrap_err();
    assert!(
        matches!(&again, Error::Request(problem) if problem.status == 409) && !again.is_passing(),
        "{again}"
    );
    assert!(matches!(admin.audit(None).await, Err(Error::Refused(problem)) if problem.status == 403));
    let address = hub.running.listen;
    hub.running.stop().await;
    let gone = admin.node().await.unwrap_err();
    assert!(matches!(&gone, Error::Unreachable(_)) && gone.is_passing(), "{gone}");
    assert!(
        !gone.to_string().contains(&address.to_string()) || gone.to_string().contains("refused"),
        "{gone}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_the_hubs_own_certificate() {
    let hub = TestHub::start_with(|config| config.tls_on_loopback = true).await;
    let address = format!("https://localhost:{}", hub.running.listen.port());
    let root = std::fs::read(hub.folder.path().join("tls.crt")).unwrap();
    let settings = |root| Settings {
        address: address.clone(),
        token: Some(hub.token.clone()),
        root_certificate: root,
        identity: None,
    };
    let pinned = Client::new(&settings(Some(root))).unwrap();
    assert_eq!(pinned.organisations().await.unwrap().len(), 1);
    pinned.import(named("campaign", "x", Tlp::Green).to_string().into_bytes()).await.unwrap();
    assert_eq!(
        id_of(&serde_json::to_value(&pinned.organisations().await.unwrap()[0]).unwrap()),
        "coordinator"
    );
    if let Ok(trusting) = Client::new(&settings(None)) {
        let error = trusting.node().await.unwrap_err();
        assert!(matches!(error, Error::Unreachable(_)), "a certificate that nobody vouches for: {error}");
    }
    assert!(matches!(Client::new(&settings(Some(b"no certificate".to_vec()))), Err(Error::Settings(_))));
}
