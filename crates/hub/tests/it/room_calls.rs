//! Who is called into a room is told by mail and webhook until somebody looks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hub::{MailConfig, RoomCalls};
use oversight::OrganisationId;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::room::{Worker, council, note, open};
use crate::support::TestHub;

/// What a mail server took: to whom, and the text.
pub type Taken = Arc<Mutex<Vec<(String, String)>>>;

/// A mail server that takes everything.
pub async fn server() -> (u16, Taken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, taken) = (listener.local_addr().unwrap().port(), Taken::default());
    let kept = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&kept)));
        }
    });
    (port, taken)
}

async fn serve(stream: TcpStream, taken: Taken) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let (mut to, mut text, mut is_text) = (String::new(), String::new(), false);
    write.write_all(b"220 here\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
            _ if is_text && line != "." => {
                text += &format!("{line}\n");
                continue;
            }
            _ if is_text => {
                is_text = false;
                taken.lock().unwrap().push((std::mem::take(&mut to), std::mem::take(&mut text)));
                "250 taken"
            }
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 ok"
            }
            "DATA" => {
                is_text = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
    }
}

/// How a hub reaches that server.
pub fn by(port: u16) -> MailConfig {
    MailConfig {
        server: "127.0.0.1".to_owned(),
        port: Some(port),
        security: Some("none".to_owned()),
        certificate: None,
        user: None,
        password_file: None,
        from: "yagura@a.jp".to_owned(),
        domains: vec!["a.jp".to_owned()],
    }
}

async fn hub_with(port: u16) -> TestHub {
    let police = OrganisationId::parse("police").unwrap();
    let addresses = ["duty@a.jp", "chief@a.jp"].map(str::to_owned).to_vec();
    let calls = RoomCalls {
        again: jiff::SignedDuration::from_secs(1),
        mail: BTreeMap::from([(police, addresses)]),
        ..RoomCalls::default()
    };
    TestHub::start_with(|config| {
        config.mail = Some(by(port));
        config.room_calls = calls;
    })
    .await
}

fn task(to: &str) -> Value {
    open(json!({ "says": "task-offered", "to": to, "title": "秘密の依頼", "lane": "threat" }))
}

pub async fn until(taken: &Taken, count: usize) -> Vec<(String, String)> {
    let begun = Instant::now();
    loop {
        let found = taken.lock().unwrap().clone();
        if found.len() >= count {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{} mails came", found.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// No mail comes any more.
async fn quiet(taken: &Taken) {
    // One may be under way.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = taken.lock().unwrap().len();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(taken.lock().unwrap().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_on_to_the_next_address_until_somebody_looks() {
    let (port, taken) = server().await;
    let hub = hub_with(port).await;
    let [nco, police, _]: [Worker<'_>; 3] = council(&hub).await;
    let case = nco.opens("浄水場の異常").await;
    nco.says(&case, task("kinki-power")).await;
    nco.says(&case, task("police")).await;
    let mails = until(&taken, 3).await;
    let to: Vec<&str> = mails.iter().take(3).map(|(to, _)| to.as_str()).collect();
    assert_eq!(
        to,
        ["duty@a.jp", "chief@a.jp", "chief@a.jp"],
        "who has no address here is written to by nobody"
    );
    let all: String = mails.iter().map(|(_, text)| text.as_str()).collect();
    assert!(all.contains("Subject:") && !all.contains("秘密"), "{all}");
    // Somebody looks into the inbox.
    let told = police.signed.good("/api/v1/notices").await;
    police.signed.done("/api/v1/notices/seen", json!({ "through": told["notices"][0]["at"] })).await;
    quiet(&taken).await;
    // Or says something in the room.
    let before = taken.lock().unwrap().len();
    nco.says(&case, task("police")).await;
    until(&taken, before + 1).await;
    police.says(&case, open(note("見ました"))).await;
    quiet(&taken).await;
}

/// What a webhook was told: its headers in small letters, and the body.
type Told = Arc<Mutex<Vec<(String, Value)>>>;

/// A receiver that takes everything.
async fn receiver() -> (String, Told) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, told) = (format!("http://{}/hook", listener.local_addr().unwrap()), Told::default());
    let kept = Arc::clone(&told);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(receive(stream, Arc::clone(&kept)));
        }
    });
    (address, told)
}

async fn receive(stream: TcpStream, told: Told) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).await.unwrap() > 0, "{head}");
    }
    let head = head.to_lowercase();
    let length = head.split_once("content-length: ").unwrap().1.split_once('\r').unwrap().0;
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    told.lock().unwrap().push((head, serde_json::from_slice(&body).unwrap()));
    let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    stream.get_mut().write_all(answer).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_each_time_until_somebody_looks() {
    let (address, told) = receiver().await;
    let hook = hub::SignedWebhook { address, secret: vec![7; 32] };
    let police_id = OrganisationId::parse("police").unwrap();
    let hub = TestHub::start_with(|config| {
        config.webhooks_to_private_addresses = true;
        config.room_calls = RoomCalls {
            again: jiff::SignedDuration::from_secs(1),
            webhooks: BTreeMap::from([(police_id, hook)]),
            ..RoomCalls::default()
        };
    })
    .await;
    let [nco, police, _]: [Worker<'_>; 3] = council(&hub).await;
    let case = nco.opens("浄水場の異常").await;
    nco.says(&case, task("kinki-power")).await;
    nco.says(&case, task("police")).await;
    let begun = Instant::now();
    while told.lock().unwrap().len() < 3 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the program was not told three times");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let first = told.lock().unwrap().clone();
    let mut ids = Vec::new();
    for (number, (head, body)) in first.iter().take(3).enumerate() {
        let id = head.split_once("webhook-id: ").unwrap().1.split_once('\r').unwrap().0;
        ids.push(id.to_owned());
        assert!(head.contains("webhook-signature: v1,"), "{head}");
        assert_eq!((&body["type"], &body["data"]["time"]), (&json!("room.task-offered"), &json!(number + 1)));
        assert_eq!(
            (&body["data"]["organisation"], &body["data"]["urgent"]),
            (&json!("police"), &json!(false))
        );
        assert!(!body.to_string().contains("秘密"), "nothing of the case: {body}");
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "a receiver that drops what it had before drops no call");
    police.says(&case, open(note("見ました"))).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = told.lock().unwrap().len();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(told.lock().unwrap().len(), before);
}
