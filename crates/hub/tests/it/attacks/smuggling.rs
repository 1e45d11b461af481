//! Against HTTP itself, by raw sockets: messages that two servers would read differently, headers that are there twice, and headers that
//! only a proxy may set.

use std::time::Duration;

use oversight::{OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Attack, answer, noticed};
use crate::authorisation::{add_person, sign_in};
use crate::rest::JSON;
use crate::support::TestHub;

pub async fn all() -> Vec<Attack> {
    let hub = TestHub::start().await;
    vec![framing(&hub).await, twice(&hub).await, believed(&hub).await]
}

/// The request that is hidden behind another one.
const HIDDEN: &str = "GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n";
/// How long a socket that says nothing more is listened to.
const SILENCE: Duration = Duration::from_millis(1500);

/// What came back on a socket.
struct Heard {
    statuses: Vec<u16>,
    is_closed: bool,
    text: String,
}

/// Writes bytes and reads until nothing more comes.
async fn say(hub: &TestHub, bytes: &[u8]) -> Heard {
    let mut socket = TcpStream::connect(hub.running.listen).await.unwrap();
    // A server that has read enough may close before all is written.
    let _ = socket.write_all(bytes).await;
    let (mut heard, mut is_closed) = (Vec::new(), false);
    let mut buffer = [0; 8192];
    while !is_closed {
        match tokio::time::timeout(SILENCE, socket.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => is_closed = true,
            Ok(Ok(count)) => heard.extend_from_slice(&buffer[..count]),
            Err(_) => break,
        }
    }
    let text = String::from_utf8_lossy(&heard).into_owned();
    let statuses = text.split("HTTP/1.1 ").skip(1).filter_map(|rest| rest.get(..3)?.parse().ok()).collect();
    Heard { statuses, is_closed, text }
}

impl Heard {
    /// How it was refused: with an error or nothing, and a closed socket, and the hidden request was never answered. What a server that
    /// closes has said last does not always arrive.
    fn refusal(&self) -> Option<String> {
        let is_error = self.statuses.iter().all(|status| *status >= 400) && self.statuses.len() <= 1;
        noticed(is_error && self.is_closed, "an error, and closed")
    }
}

/// A request with these header lines and this body, and behind it the hidden one.
fn request(hub: &TestHub, headers: &str, body: &str) -> Vec<u8> {
    let token = &hub.token;
    let head = format!(
        "POST /api/v1/cases HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\nContent-Type: {JSON}\r\n"
    );
    format!("{head}{headers}\r\n{body}{HIDDEN}").into_bytes()
}

async fn framing(hub: &TestHub) -> Attack {
    let mut attack = Attack::new("Header smuggling", "hub, framing");
    let case = json!({ "title": "by a socket", "severity": 1 }).to_string();
    let honest = request(hub, &format!("Content-Length: {}\r\n", case.len()), &case);
    let heard = say(hub, &honest).await;
    assert_eq!(heard.statuses, [200, 200], "two honest requests on one connection: {}", heard.text);
    let chunked = format!("{:x}\r\n{case}\r\n0\r\n\r\n", case.len());
    let honest = request(hub, "Transfer-Encoding: chunked\r\n", &chunked);
    assert_eq!(say(hub, &honest).await.statuses, [200, 200]);
    let end = "0\r\n\r\n";
    let tried: Vec<(&str, &str, String)> = vec![
        ("a length, then chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", end.to_owned()),
        ("chunks, then a length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", end.to_owned()),
        ("chunks and no length", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", end.to_owned()),
        ("two lengths", "Content-Length: 0\r\nContent-Length: 5\r\n", end.to_owned()),
        ("two lengths in one line", "Content-Length: 0, 5\r\n", end.to_owned()),
        ("one length twice in one line", "Content-Length: 5, 5\r\n", end.to_owned()),
        ("a length with a sign", "Content-Length: +5\r\n", end.to_owned()),
        ("a length below zero", "Content-Length: -5\r\n", end.to_owned()),
        ("a hexadecimal length", "Content-Length: 0x5\r\n", end.to_owned()),
        ("a length that no number holds", "Content-Length: 18446744073709551621\r\n", end.to_owned()),
        ("an unknown coding", "Transfer-Encoding: xchunked\r\n", end.to_owned()),
        ("chunks that are not last", "Transfer-Encoding: chunked, identity\r\n", end.to_owned()),
        (
            "a second coding after chunks",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
            end.to_owned(),
        ),
        ("a space before the colon", "Transfer-Encoding : chunked\r\n", end.to_owned()),
        ("a vertical tab before the value", "Transfer-Encoding:\u{b}chunked\r\n", end.to_owned()),
        ("a folded line", "X-A: b\r\n Transfer-Encoding: chunked\r\n", String::new()),
        ("a carriage return alone", "X-A: b\rTransfer-Encoding: chunked\r\n", String::new()),
        ("a zero byte in a value", "X-A: b\0c\r\n", String::new()),
        ("a zero byte in a name", "X\0A: b\r\n", String::new()),
        ("a name with a space", "X A: b\r\n", String::new()),
        ("a line without a name", ": b\r\n", String::new()),
        ("a chunk with a sign", "Transfer-Encoding: chunked\r\n", format!("+5\r\nhello\r\n{end}")),
        ("a chunk below zero", "Transfer-Encoding: chunked\r\n", format!("-5\r\nhello\r\n{end}")),
        (
            "a chunk that no number holds",
            "Transfer-Encoding: chunked\r\n",
            format!("ffffffffffffffff5\r\nhello\r\n{end}"),
        ),
        ("a chunk longer than it says", "Transfer-Encoding: chunked\r\n", format!("3\r\nhello\r\n{end}")),
        (
            "a line end in a chunk's extension",
            "Transfer-Encoding: chunked\r\n",
            format!("5;a\nb\r\nhello\r\n{end}"),
        ),
        ("a million bytes of one header", "", String::new()),
        ("two hundred headers", "", String::new()),
    ];
    let many = "X-A: b\r\n".repeat(200);
    let long = format!("X-A: {}\r\n", "b".repeat(1_000_000));
    let bytes = tried.iter().map(|(what, headers, body)| match *what {
        "a million bytes of one header" => request(hub, &long, ""),
        "two hundred headers" => request(hub, &many, ""),
        _ => request(hub, headers, body),
    });
    let heard = futures::future::join_all(bytes.map(async |bytes| say(hub, &bytes).await)).await;
    for ((what, ..), heard) in tried.iter().zip(&heard) {
        attack.refused(*what, heard.refusal());
    }
    let old = format!("POST /api/v1/cases HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n{end}{HIDDEN}");
    attack.refused("chunks in HTTP/1.0", say(hub, old.as_bytes()).await.refusal());
    let body =
        format!("GET /healthz HTTP/1.1\r\nHost: hub\r\nContent-Length: {}\r\n\r\n{HIDDEN}", HIDDEN.len());
    let heard = say(hub, body.as_bytes()).await;
    attack
        .refused("a request as the body of a GET", noticed(heard.statuses == [200], "not read as a request"));
    let tunnel = say(
        hub,
        format!("CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n{HIDDEN}").as_bytes(),
    )
    .await;
    let is_refused = tunnel.statuses.first().is_some_and(|status| *status >= 400);
    attack.refused("a tunnel", noticed(is_refused, "no tunnel"));
    let split =
        "GET /api/v1/objects?after=%0d%0aX-Planted:%20yes HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n";
    let heard = say(hub, split.as_bytes()).await;
    attack.refused(
        "a line end in a value that an answer may repeat",
        noticed(!heard.text.contains("X-Planted: yes\r\n"), "no header of it"),
    );
    attack
}

async fn twice(hub: &TestHub) -> Attack {
    let mut attack = Attack::new("Header smuggling", "hub, what is there twice");
    hub.organisation("harbour", OrganisationRole::Operator).await;
    let other = hub.token("harbour", &[PersonRole::Analyst]).await;
    let ask = async |headers: &str| {
        let text = format!("GET /api/v1/objects HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        let heard = say(hub, text.as_bytes()).await;
        assert_eq!(heard.statuses.len(), 1, "{}", heard.text);
        (heard.statuses[0] >= 400).then(|| heard.statuses[0].to_string())
    };
    let (host, own) = ("Host: hub\r\n", format!("Authorization: Bearer {}\r\n", hub.token));
    let others = format!("Authorization: Bearer {other}\r\n");
    assert_eq!(ask(&format!("{host}{own}")).await, None);
    attack.refused("no `Host`", ask(&own).await);
    attack.refused("two times `Host`", ask(&format!("{host}Host: evil.example\r\n{own}")).await);
    attack.refused("two times the same `Host`", ask(&format!("{host}{host}{own}")).await);
    attack.refused("a good token and another's", ask(&format!("{host}{own}{others}")).await);
    attack.refused("another's token and a good one", ask(&format!("{host}{others}{own}")).await);
    attack.refused(
        "a token that nobody has, and a good one",
        ask(&format!("{host}Authorization: Bearer yg_x\r\n{own}")).await,
    );
    let listed = format!("{host}Authorization: Bearer yg_x, Bearer {}\r\n", hub.token);
    attack.refused("two tokens in one line", ask(&listed).await);
    let account = add_person(hub, "coordinator", PersonRole::Analyst).await;
    let (first, second) = (sign_in(hub, &account).await.0, sign_in(hub, &account).await.0);
    let cookie = |secret: &str| format!("Cookie: yagura_session={secret}\r\n");
    assert_eq!(ask(&format!("{host}{}", cookie(&first))).await, None);
    attack.refused(
        "two sessions in two lines",
        ask(&format!("{host}{}{}", cookie(&first), cookie(&second))).await,
    );
    let both = format!("{host}Cookie: yagura_session={first}; a=b; yagura_session={second}\r\n");
    attack.refused("two sessions in one line", ask(&both).await);
    attack
}

async fn believed(hub: &TestHub) -> Attack {
    let mut attack = Attack::new("Header smuggling", "hub, what only a proxy may say");
    // Who guesses names another address with each attempt.
    for name in ["x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip", "x-client-ip"] {
        let mut last = None;
        for attempt in 0..6 {
            let from = if name == "forwarded" {
                format!("for=198.51.100.{attempt}")
            } else {
                format!("198.51.100.{attempt}")
            };
            let body =
                json!({ "login": format!("victim-{name}"), "password": "wrong wrong wrong" }).to_string();
            let ask = hub.ask(Method::POST, "/api/v1/session/password").stranger().header(name, &from);
            let reply = ask.header("accept", JSON).header("content-type", JSON).body(body).send().await;
            assert!(matches!(reply.status, 401 | 429));
            last = Some(reply);
        }
        let last = last.unwrap();
        attack.refused(
            format!("guesses on, by another `{name}` each time"),
            answer(&last).filter(|_| last.status == 429),
        );
    }
    for (name, value) in [
        ("x-forwarded-user", "administrator"),
        ("x-remote-user", "administrator"),
        ("remote-user", "administrator"),
        ("x-forwarded-client-cert", "Subject=\"CN=harbour-1\""),
        ("x-ssl-client-s-dn", "CN=harbour-1"),
    ] {
        let mut told = None;
        for path in ["/api/v1/objects", "/edge/v1/authorisations"] {
            let reply = hub.get(path).stranger().header("accept", JSON).header(name, value).send().await;
            told = (reply.status == 401).then(|| answer(&reply)).flatten();
            if told.is_none() {
                break;
            }
        }
        attack.refused(format!("`{name}` says who asks"), told);
    }
    for (name, value) in
        [("x-original-url", "/metrics"), ("x-rewrite-url", "/metrics"), ("x-forwarded-prefix", "/metrics")]
    {
        let honest = hub.get("/healthz").stranger().send().await.body;
        let reply = hub.get("/healthz").stranger().header(name, value).send().await;
        attack.refused(format!("`{name}` names another page"), noticed(reply.body == honest, "not believed"));
    }
    for (name, value) in
        [("host", "evil.example"), ("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")]
    {
        let found = hub.get("/taxii2/").header(name, value).send().await;
        let start = hub.ask(Method::POST, "/api/v1/session/passkey/start").stranger().header(name, value);
        let start: Value = start.header("content-type", JSON).send().await.json();
        assert_eq!(found.status, 200);
        let is_own =
            !String::from_utf8_lossy(&found.body).contains("evil") && start["options"]["rpId"] == "localhost";
        attack.refused(format!("`{name}` says what the hub is called"), noticed(is_own, "not believed"));
    }
    attack
}
