//! Feeds and lists from web servers, good ones and hostile ones.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::running::{Hub, yagura};
use crate::served::{Page, Server};

fn uuid(number: u32) -> String {
    format!("5a6f1f2e-0000-4000-8000-{number:012}")
}

fn event(number: u32, info: &str) -> String {
    json!({ "Event": { "uuid": uuid(number), "info": info, "date": "2026-01-02", "timestamp": "1767312000",
        "Tag": [{ "name": "tlp:green" }],
        "Attribute": [{ "uuid": uuid(number + 1000), "type": "domain", "category": "Network activity",
            "value": format!("evil{number}.example"), "to_ids": true, "timestamp": "1767312000" }] } })
    .to_string()
}

/// A manifest that gives each event this date.
fn manifest(dates: &[(u32, u32)]) -> String {
    let entries =
        dates.iter().map(|(number, date)| (uuid(*number), json!({ "info": "i", "timestamp": date })));
    Value::Object(entries.collect()).to_string()
}

fn feed(server: &Server, events: u32) {
    let dates: Vec<(u32, u32)> = (1..=events).map(|number| (number, 1_767_312_000 + number)).collect();
    server.put("/feed/manifest.json", Page::tagged(manifest(&dates), "1"));
    for number in 1..=events {
        server.put(&format!("/feed/{}.json", uuid(number)), Page::of(event(number, "first")));
    }
}

fn import(hub: &Hub, arguments: &[&str], cursor: Option<&Path>) -> (Option<i32>, String) {
    let mut command = yagura();
    command.args(["import", "--hub", &hub.address]).args(arguments).env("YAGURA_TOKEN", &hub.token);
    if let Some(cursor) = cursor {
        command.arg("--cursor").arg(cursor);
    }
    let done = command.output().unwrap();
    (done.status.code(), String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap())
}

#[test]
fn a_feed_is_read_once_and_then_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&folder.path().join("hub"));
    let server = Server::start();
    feed(&server, 3);
    let (address, cursor) = (format!("{}/feed/", server.address), folder.path().join("cursor"));
    let read = || import(&hub, &["--misp-feed", &address], Some(&cursor));
    let (code, said) = read();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" 0 refused"), "{said}");
    assert_eq!(server.asked().len(), 4);

    let (code, said) = read();
    assert!(code == Some(0) && said.contains("nothing new"), "{said}");
    assert_eq!(server.asked(), ["/feed/manifest.json"]);

    // One event is newer; the address may be that of the manifest, too.
    server.put(
        "/feed/manifest.json",
        Page::tagged(manifest(&[(1, 1_767_312_001), (2, 1_767_999_999), (3, 1_767_312_003)]), "2"),
    );
    server.put(
        &format!("/feed/{}.json", uuid(2)),
        Page::of(event(2, "second").replace("1767312000", "1767999999")),
    );
    let whole = format!("{address}manifest.json");
    let (code, said) = import(&hub, &["--misp-feed", &whole], Some(&cursor));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(server.asked(), ["/feed/manifest.json".to_owned(), format!("/feed/{}.json", uuid(2))]);

    // What one remembers of one feed says nothing of another.
    let other = format!("{}/other/", server.address);
    let (code, said) = import(&hub, &["--misp-feed", &other], Some(&cursor));
    assert!(code == Some(1) && said.contains("[cursor]"), "{said}");
}

#[test]
fn a_feed_that_breaks_off_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&folder.path().join("hub"));
    let server = Server::start();
    feed(&server, 45);
    let broken = format!("/feed/{}.json", uuid(43));
    server.put(&broken, Page::status("503 Service Unavailable"));
    let (address, cursor) = (format!("{}/feed/", server.address), folder.path().join("cursor"));
    let (code, said) = import(&hub, &["--misp-feed", &address], Some(&cursor));
    assert!(code == Some(3) && said.contains("[server]"), "{said}");
    assert_eq!(
        server.asked().iter().filter(|path| **path == broken).count(),
        4,
        "asked again before giving up"
    );
    server.put(&broken, Page::of(event(43, "first")));
    let (code, said) = import(&hub, &["--misp-feed", &address], Some(&cursor));
    assert_eq!(code, Some(0), "{said}");
    // Forty were remembered: the manifest and five events are left.
    assert_eq!(server.asked().len(), 6);
}

#[test]
fn hostile_feeds_harm_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&folder.path().join("hub"));
    let server = Server::start();
    feed(&server, 5);
    let path = |number| format!("/feed/{}.json", uuid(number));
    server.put(&path(1), Page::of(event(1, "first").replacen(&uuid(1), &uuid(77), 1)));
    server.put(&path(2), Page::of("{\"Event\":["));
    server.put(&path(3), Page::status("404 Not Found"));
    let elsewhere = Server::start();
    server.put(
        &path(4),
        Page {
            headers: vec![("location", format!("{}/inner", elsewhere.address))],
            ..Page::status("302 Found")
        },
    );
    let mut manifest: Value =
        serde_json::from_slice(manifest(&[(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]).as_bytes()).unwrap();
    manifest["../../../etc/passwd"] = json!({ "info": "x" });
    manifest["http://127.0.0.1:1/x"] = json!({ "info": "x" });
    server.put("/feed/manifest.json", Page::tagged(manifest.to_string(), "1"));
    let (address, cursor) = (format!("{}/feed/", server.address), folder.path().join("cursor"));
    let (code, said) = import(&hub, &["--misp-feed", &address], Some(&cursor));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("4 refused"), "{said}");
    for code in ["[feed-event]", "[misp-json]", "[not-there]"] {
        assert!(said.contains(code), "{code} in {said}");
    }
    assert!(elsewhere.asked().is_empty(), "nobody is sent to another server");
    assert!(server.asked().iter().all(|path| path.starts_with("/feed/")), "nor out of the feed's folder");
    // What failed is tried again though the manifest has not changed, and what is whole is not.
    import(&hub, &["--misp-feed", &address], Some(&cursor));
    let again = server.asked();
    assert!(again.contains(&path(2)) && !again.contains(&path(5)), "{again:?}");

    // A few kilobytes that say gigabytes: one member of a gzip file, again and again.
    let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    member.write_all(&vec![b'a'; 1 << 20]).unwrap();
    server.put("/bomb.txt", Page::of(member.finish().unwrap().repeat(300)));
    let bomb = format!("{}/bomb.txt", server.address);
    let (code, said) = import(&hub, &["--from-url", &bomb], None);
    assert!(code == Some(1) && said.contains("[too-large]"), "{said}");
    for (address, code) in [
        ("http://feed.example/".to_owned(), "[address]"),
        ("file:///etc/passwd".to_owned(), "[address]"),
        (format!("{}/nothing", server.address), "[not-there]"),
    ] {
        let (_, said) = import(&hub, &["--from-url", &address], None);
        assert!(said.contains(code), "{address}: {said}");
    }
}

#[test]
fn lists_come_from_web_servers_too() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&folder.path().join("hub"));
    let server = Server::start();
    let list = "# seen\nhxxps://evil[.]example/a\n198.51.100[.]7\nbad(dot)example\n";
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(list.as_bytes()).unwrap();
    server.put("/list.txt.gz", Page::tagged(packed.finish().unwrap(), "a"));
    server.put("/list.csv", Page::of("type,value,comment\ndomain,evil.example,C2\nip-dst,198.51.100.8,\n"));
    let (text, csv) = (format!("{}/list.txt.gz", server.address), format!("{}/list.csv", server.address));
    let cursor = folder.path().join("cursor");
    let (code, said) = import(&hub, &["--tlp", "green", "--from-url", &text], Some(&cursor));
    assert!(code == Some(0) && said.contains(" 0 refused"), "{said}");
    let (_, again) = import(&hub, &["--tlp", "green", "--from-url", &text], Some(&cursor));
    assert!(again.contains("nothing new"), "{again}");
    let (code, said) = import(&hub, &["--tlp", "green", "--from-url", &csv], None);
    assert_eq!(code, Some(0), "{said}");
    let out = folder.path().join("out.json");
    let mut export = yagura();
    export.args(["export", "--hub", &hub.address, "--output"]).arg(&out).env("YAGURA_TOKEN", &hub.token);
    assert!(export.status().unwrap().success());
    let text = std::fs::read_to_string(&out).unwrap();
    for pattern in [
        "[url:value = 'https://evil.example/a']",
        "[ipv4-addr:value = '198.51.100.7']",
        "'evil.example'",
        "'198.51.100.8'",
    ] {
        assert!(text.contains(pattern), "{pattern} in {text}");
    }
}
