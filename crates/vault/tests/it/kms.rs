//! A key service with the interface of AWS KMS.

use std::net::SocketAddr;
use std::sync::Arc;

use vault::Wrapped;
use vault::service::{Destroyed, KeyService, KmsAddress, KmsCredentials, KmsService, ServiceError};

use crate::kms_server::{ACCESS_KEY, REGION, SECRET_KEY, SIGNING_KEY, Server};
use crate::support::{at, id, name};

fn address(server: SocketAddr) -> KmsAddress {
    KmsAddress {
        endpoint: format!("http://{server}"),
        region: REGION.to_owned(),
        prefix: name("node"),
        signing_key: SIGNING_KEY.to_owned(),
        pending_days: 7,
        roots: None,
    }
}

fn credentials(secret: &str) -> KmsCredentials {
    KmsCredentials {
        access_key_id: ACCESS_KEY.to_owned(),
        secret_access_key: secret.to_owned(),
        session_token: Some("a-token".to_owned()),
    }
}

fn service(server: SocketAddr) -> KmsService {
    KmsService::new(address(server), credentials(SECRET_KEY)).unwrap()
}

#[tokio::test]
async fn does_what_every_key_service_does() {
    let (server, address) = Server::start().await;
    crate::service::check(Arc::new(service(address)), || server.let_it_end()).await;
}

#[tokio::test]
async fn long_lists_are_read_to_their_end() {
    let (server, address) = Server::start().await;
    let service = service(address);
    let mut ids: Vec<_> = (1..=5).map(|day| id(&format!("a/2026-11-0{day}/short"))).collect();
    for id in &ids {
        service.create(id).await.unwrap();
    }
    server.short_pages();
    assert_eq!(service.class_keys().await.unwrap(), ids);
    assert!(server.asked().iter().filter(|action| *action == "ListAliases").count() >= 3);
    ids.truncate(0);
    let other = KmsService::new(
        KmsAddress { prefix: name("other"), ..self::address(address) },
        credentials(SECRET_KEY),
    );
    assert_eq!(other.unwrap().class_keys().await.unwrap(), ids);
}

#[tokio::test]
async fn a_scheduled_deletion_says_until_when() {
    let (_server, address) = Server::start().await;
    let service = service(address);
    let one = id("a/2026-11-28/short");
    let wrapped = service.create(&one).await.unwrap();
    let pending =
        Destroyed::Pending { until: Some(at("2026-11-30T02:13:20Z") + jiff::SignedDuration::from_secs(0)) };
    let became = service.destroy(&one, Some(&wrapped)).await.unwrap();
    let Destroyed::Pending { until: Some(until) } = became else { panic!("{became:?}, not {pending:?}") };
    assert_eq!(until.as_second(), 1_796_000_000);
    assert_eq!(service.destroy(&one, None).await.unwrap(), became, "again, by its alias");
    assert!(matches!(service.create(&one).await, Err(ServiceError::Pending(_))), "no second life meanwhile");
}

#[tokio::test]
async fn an_alias_that_is_taken_away_hides_no_key() {
    let (server, address) = Server::start().await;
    let service = service(address);
    let one = id("a/2026-11-28/short");
    let wrapped = service.create(&one).await.unwrap();
    server.drop_alias("alias/node/a/2026-11-28/short");
    assert!(matches!(service.destroy(&one, Some(&wrapped)).await.unwrap(), Destroyed::Pending { .. }));
    assert_eq!(server.keys_usable(), 0);
}

#[tokio::test]
async fn what_is_another_class_keys_does_not_open() {
    let (_server, address) = Server::start().await;
    let service = service(address);
    let (one, two) = (id("a/2026-11-28/short"), id("a/2026-11-29/short"));
    let wrapped = service.create(&one).await.unwrap();
    let second = service.create(&two).await.unwrap();
    assert_eq!(service.unwrap_key(&two, &wrapped).await.unwrap_err(), ServiceError::NotOurs(two.clone()));
    let nothing = Wrapped::new(b"key file".to_vec()).unwrap();
    assert_eq!(service.unwrap_key(&two, &nothing).await.unwrap_err(), ServiceError::NotOurs(two.clone()));
    service.unwrap_key(&two, &second).await.unwrap();
}

#[tokio::test]
async fn nothing_but_not_found_means_gone() {
    let (server, address) = Server::start().await;
    let service = service(address);
    let one = id("a/2026-11-28/short");
    let wrapped = service.create(&one).await.unwrap();
    let answers = [
        (500, "KMSInternalException", true),
        (400, "ThrottlingException", true),
        (503, "SomethingElse", true),
        (400, "AccessDeniedException", false),
        (403, "UnrecognizedClientException", false),
    ];
    for (status, kind, passing) in answers {
        let check = |outcome: ServiceError| match outcome {
            ServiceError::Unreachable(why) => assert!(passing && why.contains(kind), "{why}"),
            ServiceError::Refused(why) => assert!(!passing && why.contains(kind), "{why}"),
            other => panic!("{kind} gave {other}"),
        };
        server.answer_next(&[(status, kind)]);
        check(service.unwrap_key(&one, &wrapped).await.unwrap_err());
        server.answer_next(&[(status, kind)]);
        check(service.destroy(&one, Some(&wrapped)).await.unwrap_err());
        server.answer_next(&[(status, kind)]);
        check(service.class_keys().await.unwrap_err());
    }
    service.unwrap_key(&one, &wrapped).await.unwrap();
}

#[tokio::test]
async fn a_wrong_secret_and_a_server_that_is_away_are_told_apart() {
    let (_server, address) = Server::start().await;
    let wrong = KmsService::new(self::address(address), credentials("another secret")).unwrap();
    let refused = wrong.health().await.unwrap_err();
    assert!(
        matches!(&refused, ServiceError::Refused(why) if why.contains("InvalidSignatureException")),
        "{refused}"
    );
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = service(free).health().await.unwrap_err();
    assert!(matches!(away, ServiceError::Unreachable(_)), "{away}");
}

#[test]
fn addresses_are_checked_and_secrets_not_shown() {
    let (here, good) = ("127.0.0.1:9".parse().unwrap(), credentials(SECRET_KEY));
    let check = |change: &dyn Fn(&mut KmsAddress), expected: &str| {
        let mut address = address(here);
        change(&mut address);
        let found =
            KmsService::new(address, good.clone()).err().map(|cause| cause.to_string()).unwrap_or_default();
        assert!(found.contains(expected), "{found}");
    };
    check(&|address| address.endpoint = "http://kms.example.jp".into(), "with TLS only");
    check(&|address| address.endpoint = "kms.example.jp".into(), "is not of the form");
    check(&|address| address.endpoint = "https://kms.example.jp/path".into(), "is not of the form");
    check(&|address| address.region = "a/b".into(), "is not a region");
    check(&|address| address.pending_days = 6, "6 is not of 7 to 30");
    check(&|address| address.roots = Some("/nowhere.pem".into()), "ca: `/nowhere.pem` cannot be used");
    check(&|address| address.endpoint = "https://kms.example.jp".into(), "");
    assert!(!format!("{good:?}").contains("wJalr") && !format!("{good:?}").contains("a-token"));
    let bad = KmsCredentials { session_token: Some("a\nb".into()), ..good };
    assert!(matches!(KmsService::new(address(here), bad), Err(ServiceError::Unusable(_))));
}
