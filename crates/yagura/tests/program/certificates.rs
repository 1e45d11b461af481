//! `yagura admin ca` and an edge that goes on through all of it, and `yagura admin emergency`.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::person::Person;
use crate::running::{Edge, Hub, admin, edge_config_of, register_edge, wait_until, yagura};

fn tried(hub: &Hub, arguments: &[&str]) -> Output {
    yagura().args(["--lang", "en", "admin", "--data"]).arg(hub.data()).args(arguments).output().unwrap()
}

/// Issues to the edge into a folder, then puts the files where the edge looks for them.
fn issue(hub: &Hub, folder: &Path, place: &Path) -> String {
    std::fs::create_dir_all(folder).unwrap();
    let said = admin(hub, &["ca", "issue", "--edge", "harbour-1", "--out", folder.to_str().unwrap()]);
    assert_eq!(said.lines().count(), 2, "{said}");
    for ending in ["crt", "key"] {
        std::fs::copy(folder.join(format!("harbour-1.{ending}")), place.with_extension(ending)).unwrap();
    }
    let mode =
        std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(folder.join("harbour-1.key")).unwrap());
    assert_eq!(mode & 0o777, 0o600, "the key is its owner's");
    let listed = admin(hub, &["ca", "list"]);
    let line = listed.lines().rfind(|line| line.starts_with("edge\t")).unwrap();
    line.split('\t').nth(1).unwrap().to_owned()
}

fn is_connected(edge: &Edge) -> bool {
    edge.ledger()["connected"] == true
}

#[test]
fn an_edge_goes_on_while_its_certificate_and_the_root_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // Without the authority there is nothing to demand: it is made first.
    let hub = Hub::start(&path("hub"));
    let edge_token = register_edge(&hub);
    let none = tried(&hub, &["ca", "issue", "--edge", "harbour-1"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&none.stderr).contains("yagura admin ca init"), "{none:?}");
    assert!(admin(&hub, &["ca", "init"]).starts_with("root\t"));
    let token = hub.token.clone();
    let data = hub.stop();
    // A stopped hub's authority is at hand as well.
    let roots = yagura().args(["admin", "--data"]).arg(&data).args(["ca", "roots"]).output().unwrap();
    assert!(String::from_utf8_lossy(&roots.stdout).starts_with("-----BEGIN CERTIFICATE-----"));
    std::fs::write(path("hub.toml"), "tls_on_loopback = true\n[tls]\nclient_ca = \"own\"\n").unwrap();
    let hub = Hub::start_beside(&data, &path("hub.toml"), &token);
    assert!(hub.address.starts_with("https://"), "{}", hub.address);

    let place = path("edge-certificate.crt");
    let (certificate, key) = (place.clone(), place.with_extension("key"));
    let first = issue(&hub, &path("first"), &place);
    let root = data.join("tls.crt");
    let sections =
        format!("certificate = {root:?}\nclient = {{ certificate = {certificate:?}, key = {key:?} }}\n");
    let config = edge_config_of(&path("edge"), "harbour-1", &hub, &edge_token, &sections);
    let edge = Edge::start(&config);
    wait_until("the edge is let in with its certificate", || is_connected(&edge));

    let revoked = admin(&hub, &["ca", "revoke", &first, "--reason", "the machine was lent"]);
    assert!(revoked.contains("\trevoked\t") && revoked.ends_with("the machine was lent"), "{revoked}");
    wait_until("the edge is refused", || !is_connected(&edge));
    admin(&hub, &["ca", "rotate"]);
    let second = issue(&hub, &path("second"), &place);
    assert_ne!(first, second);
    wait_until("the edge has read its new certificate", || is_connected(&edge));
    let finished = admin(&hub, &["ca", "rotate", "--finish"]);
    assert!(finished.contains("\tsigns\t"), "{finished}");
    wait_until("the edge is there under the new root", || is_connected(&edge));
    assert_eq!(admin(&hub, &["ca", "list"]).lines().filter(|line| line.starts_with("root\t")).count(), 1);
    let again = tried(&hub, &["ca", "rotate", "--finish"]);
    assert_eq!(again.status.code(), Some(1));
    // A key is shown once, to the one who asked for it, and the folder's files are not written over.
    let over =
        tried(&hub, &["ca", "issue", "--edge", "harbour-1", "--out", path("second").to_str().unwrap()]);
    assert_eq!(over.status.code(), Some(3), "{over:?}");
}

#[test]
fn emergencies_are_listed_and_ended_at_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&folder.path().join("hub"));
    let text = ["org", "add", "police", "--name-ja", "警察", "--name-en", "Police", "--role", "agency"];
    admin(&hub, &text);
    let officer = Person::of(&hub, "police", "duty_officer");
    let wanted = json!({ "class": "incident", "reason": "nobody answers", "minutes": 30 });
    let raised: Value = officer.done("/api/v1/emergencies", &wanted);
    let id = raised["id"].as_str().unwrap();
    let listed = admin(&hub, &["emergency", "list"]);
    assert!(listed.starts_with(&format!("{id}\ton\tpolice\t")), "{listed}");
    admin(&hub, &["emergency", "end", id]);
    assert!(admin(&hub, &["emergency", "list"]).starts_with(&format!("{id}\twaits\tpolice\t")));
    let again = tried(&hub, &["emergency", "end", id]);
    assert_eq!(again.status.code(), Some(1), "it is over: {again:?}");
    let mine = officer.good("/api/v1/emergencies");
    assert_eq!(mine["emergencies"][0]["state"], "waits");
}
