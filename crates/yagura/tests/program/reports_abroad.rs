//! A report on real parts: an operator writes it at its hub and files it to a ministry at another one, which acknowledges and advises; a third
//! organisation there learns nothing, and with files alone the ministry proves what it was given. A file follows the copy that lists it.

use std::path::Path;

use serde_json::{Value, json};

use crate::council::Member;
use crate::person::Person;
use crate::running::{Hub, admin, wait_until, wait_until_or_tell, yagura};

/// Reports and what is answered to them, both ways. The parties are named one by one: the other hub's organisation is a member here, too.
fn agreement(own: &str, other: &str) -> String {
    let term = |from: &str, to: &str| {
        format!(
            "[[terms]]\nfrom = [\"{from}\"]\nto = [\"{to}\"]\nclasses = [\"report\"]\ntlp = \"amber+strict\"\npap = \"red\"\n\
             purposes = [\"collective-defence\", \"incident-response\"]\nonward = \"none\"\noriginator_control = false\n"
        )
    };
    format!(
        "id = \"reports\"\nparties = [\"{own}\", \"{other}\"]\nfrom = \"2020-01-01T00:00:00Z\"\nuntil = \"2100-01-01T00:00:00Z\"\n\
         reciprocal = false\ntitle = {{ ja = \"報告\", en = \"Reports\" }}\n{}{}",
        term(own, other),
        term(other, own),
    )
}

/// `yagura report`, as somebody who has a token.
fn run(hub: &Hub, token: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = yagura();
    command.args(["--lang", "en", "report"]).args(arguments);
    let done = command.env("YAGURA_HUB", &hub.address).env("YAGURA_TOKEN", token).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (done.status.code(), text(&done.stdout).trim().to_owned(), text(&done.stderr))
}

#[track_caller]
fn good(hub: &Hub, token: &str, arguments: &[&str]) -> String {
    let (code, out, said) = run(hub, token, arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    out
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_report_is_filed_to_a_ministry_of_another_hub_which_acknowledges_and_advises() {
    let folder = tempfile::tempdir().unwrap();
    let east = Member::by_agreement(folder.path(), "east");
    let west = Member::by_agreement(folder.path(), "west");
    let ways = [east.knows(&west, "agency").unwrap(), west.knows(&east, "agency").unwrap()];
    let operator = ["--role", "operator", "--sector", "power"];
    admin(
        &east.hub,
        &[&["org", "add", "kinki", "--name-ja", "近畿電力", "--name-en", "Kinki Power"], &operator[..]]
            .concat(),
    );
    for (id, ja, en) in [("ministry", "総務省", "Ministry"), ("police", "警察", "Police")] {
        admin(&west.hub, &["org", "add", id, "--name-ja", ja, "--name-en", en, "--role", "agency"]);
    }
    east.agrees(&agreement("kinki", "west"));
    west.agrees(&agreement("ministry", "east"));
    let kinki = admin(&east.hub, &["token", "add", "--org", "kinki", "--role", "duty_officer"]);
    let police = admin(&west.hub, &["token", "add", "--org", "police", "--role", "duty_officer"]);
    let reader = admin(&west.hub, &["token", "add", "--org", "ministry", "--role", "duty_officer"]);
    let ministry = Person::of(&west.hub, "ministry", "duty_officer");

    let draft = path(folder.path(), "draft.json");
    good(
        &east.hub,
        "",
        &["draft", "--kind", "ransomware", "--set", "summary=基幹系が暗号化された", "--out", &draft],
    );
    let report = good(&east.hub, &kinki, &["send", &draft]);
    let receivers = || run(&east.hub, &kinki, &["receivers"]);
    wait_until_or_tell(
        "the ministry is told of",
        || receivers().1.contains("ministry.west"),
        || receivers().1,
    );
    assert!(!receivers().1.contains("police"), "no agreement lets its answers come here: {}", receivers().1);

    // Filed while nothing gets through, it arrives when something does.
    ways.iter().for_each(crate::council::Way::cut);
    let kept = path(folder.path(), "kinki");
    let names = ["eu.gdpr", "notification", "authority"];
    let file = |to: &str| {
        let arguments = [&["file", &report], &names[..], &["--given-to", to, "--out", &kept]].concat();
        run(&east.hub, &kinki, &arguments)
    };
    assert_ne!(file("police.west").0, Some(0), "nobody there may answer it");
    let (code, event, said) = file("ministry.west");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(good(&west.hub, &reader, &["list"]), "");
    ways.iter().for_each(crate::council::Way::mend);
    let listed = || run(&west.hub, &reader, &["list"]);
    wait_until_or_tell("the ministry has the copy", || listed().1.contains(&report), || listed().2);
    assert!(listed().1.contains("Kinki Power") && listed().1.contains("east"), "{}", listed().1);

    let at = format!("/api/v1/reports/{report}");
    let say = |answer: &str, text: Value| {
        let body = json!({ "send": uuid::Uuid::new_v4(), "filing": event, "answer": answer, "text": text });
        ministry.done(&format!("{at}/answers"), &body)
    };
    say("acknowledged", Value::Null);
    say("advice", json!("VPNを止めてください"));
    let thread = || {
        let shown: Value =
            serde_json::from_str(&good(&east.hub, &kinki, &["show", &report, "--json"])).unwrap();
        shown["thread"].clone()
    };
    wait_until("both answers are in the operator's thread", || thread().as_array().unwrap().len() == 2);
    let told = thread();
    assert_eq!(
        (&told[0]["answer"], &told[1]["answer"]),
        (&json!("acknowledged"), &json!("advice")),
        "{told}"
    );
    assert_eq!(told[1]["text"], "VPNを止めてください");
    assert!(told[1]["by"].as_str().unwrap().contains("総務省"), "{told}");

    // The ministry has the same bytes as the operator, and proves with the key of the operator's hub that they were filed.
    let given = path(folder.path(), "ministry");
    good(&west.hub, &reader, &["receipt", &report, &event, "--out", &given]);
    // The hub looked at the receipt when it came, against the key on the card of the operator's hub.
    let shown: Value = serde_json::from_str(&good(&west.hub, &reader, &["show", &report, "--json"])).unwrap();
    assert_eq!(shown["filings"][0]["receipt"]["state"], "verified", "{shown}");
    assert!(good(&west.hub, &reader, &["show", &report]).contains("the receipt holds"));
    let copy = format!("{given}/{event}.json");
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(format!("{kept}/{event}.json")).unwrap());
    let card = admin(&east.hub, &["peer", "card"]);
    let card: Value = serde_json::from_str(card.lines().nth(1).unwrap()).unwrap();
    let policy = path(folder.path(), "policy");
    std::fs::write(&policy, format!("log {}\nquorum none\n", card["key"].as_str().unwrap())).unwrap();
    let proof = format!("{given}/{event}.tlog-proof");
    let verify = ["verify", "--receipt", &proof, "--copy", &copy, "--policy", &policy];
    assert!(good(&west.hub, "", &verify).contains("eu.gdpr/notification/authority"));

    // The police, at the same hub as the ministry, learn nothing.
    assert_eq!(good(&west.hub, &police, &["list"]), "");
    assert_ne!(run(&west.hub, &police, &["show", &report]).0, Some(0));
    let shown: Value = serde_json::from_str(&good(&east.hub, &kinki, &["show", &report, "--json"])).unwrap();
    let object = shown["filings"][0]["object"].as_str().unwrap();
    let seen = |token: &str| {
        crate::running::get(&format!("{}/api/v1/objects/{object}", west.hub.address), Some(token))
    };
    assert!(seen(&reader).is_some() && seen(&police).is_none() && seen(&west.hub.token).is_none());

    // A file that a copy lists follows it, for the same reader.
    let note = path(folder.path(), "note.json");
    std::fs::write(&note, r#"{"ransom":"note"}"#).unwrap();
    good(&east.hub, &kinki, &["attach", &report, &note]);
    let names = ["jp.common.ransomware", "first", "police"];
    let to = ["--given-to", "ministry.west", "--out", &kept];
    good(&east.hub, &kinki, &[&["file", &report], &names[..], &to[..]].concat());
    let shown = || run(&west.hub, &reader, &["show", &report]).1;
    wait_until_or_tell("the copy lists the file", || shown().contains("note.json"), shown);
    let shown: Value = serde_json::from_str(&good(&west.hub, &reader, &["show", &report, "--json"])).unwrap();
    let content = format!("{}{at}/files/{}", west.hub.address, shown["files"][0]["sha256"].as_str().unwrap());
    wait_until("the file is there", || crate::running::get(&content, Some(&reader)).is_some());
    assert_eq!(crate::running::get(&content, Some(&reader)), Some(json!({ "ransom": "note" })));
    assert!(crate::running::get(&content, Some(&police)).is_none());
}
