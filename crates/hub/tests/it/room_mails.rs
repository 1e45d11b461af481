//! An entry of a room goes by mail to who may read it, under its label, and to nobody else.

use oversight::{Action, Realm};
use reqwest::Method;
use serde_json::{Value, json};
use store::Act;
use store::mails::{self, RoomMail};

use crate::room::{Worker, council, note, only, open};
use crate::room_calls::{Taken, by, server, until};
use crate::support::{Reply, TestHub};

async fn hub_with(port: u16) -> TestHub {
    TestHub::start_with(|config| config.mail = Some(by(port))).await
}

/// Says where mail reaches somebody.
async fn gives(worker: &Worker<'_>, address: &str, language: &str) -> u16 {
    let body = json!({ "address": address, "language": language });
    worker.signed.ask(Method::PUT, "/api/v1/me/mail", Some(body)).await.status
}

fn to(people: &[&str], organisations: &[&str]) -> Value {
    json!({ "key": uuid::Uuid::new_v4(), "people": people, "organisations": organisations })
}

async fn sends(worker: &Worker<'_>, case: &str, entry: &str, body: Value) -> Reply {
    worker.signed.post(&format!("/api/v1/cases/{case}/room/{entry}/mail"), body).await
}

/// Why it is not sent.
async fn refused(worker: &Worker<'_>, case: &str, entry: &str, body: Value) -> String {
    let reply = sends(worker, case, entry, body).await;
    assert_eq!(reply.status, 422, "{}", String::from_utf8_lossy(&reply.body));
    reply.json()["detail"].as_str().unwrap().to_owned()
}

/// What a mail server took, as a reader of mail shows it.
fn shown((_, raw): &(String, String)) -> case::mail::Mail {
    case::mail::read(raw.as_bytes()).unwrap()
}

/// No mail more than these came.
async fn stays(taken: &Taken, count: usize) {
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    assert_eq!(taken.lock().unwrap().len(), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_goes_to_who_may_read_it_and_is_on_record() {
    let (port, taken) = server().await;
    let hub = hub_with(port).await;
    let [nco, police, power]: [Worker<'_>; 3] = council(&hub).await;
    let case = nco.opens("浄水場の異常").await;
    let entry = nco.says(&case, open(note("塩素が止まりました"))).await;
    police.says(&case, open(note("見ました"))).await;
    assert_eq!(gives(&nco, "desk@a.jp", "ja").await, 204);
    assert_eq!(gives(&police, "desk@b.jp", "ja").await, 422, "only to the operator's domains");
    assert_eq!(gives(&police, "desk@a.jp", "de").await, 422);
    assert_eq!(gives(&police, "keiji@a.jp", "en").await, 204);
    assert_eq!(gives(&power, "plant@a.jp", "ja").await, 204);
    let own = police.signed.good("/api/v1/me/mail").await;
    assert_eq!((&own["address"], &own["language"]), (&json!("keiji@a.jp"), &json!("en")));

    let listed = nco.signed.good(&format!("/api/v1/cases/{case}/room/{entry}/recipients")).await;
    let mut accounts: Vec<&str> = listed["persons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|person| person["account"].as_str().unwrap())
        .collect();
    accounts.sort_unstable();
    let mut expected = [nco.account.as_str(), police.account.as_str()];
    expected.sort_unstable();
    assert_eq!(accounts, expected, "the operator is not in the room: {listed}");
    assert_eq!(listed["members"].as_array().unwrap().len(), 2);

    let body = to(&[&police.account], &["coordinator"]);
    let reply = sends(&nco, &case, &entry, body.clone()).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    let sent = reply.json();
    assert_eq!((&sent["recipients"], &sent["already"]), (&json!(2), &json!(false)));
    assert_eq!(sent["organisations"], json!(["coordinator", "police"]));
    let mut mails = until(&taken, 2).await;
    mails.sort();
    let [japanese, english] = [shown(&mails[0]), shown(&mails[1])];
    assert_eq!([&*mails[0].0, &*mails[1].0], ["desk@a.jp", "keiji@a.jp"]);
    assert!(english.subject.starts_with("TLP:AMBER [Yagura] entry of case "), "{}", english.subject);
    assert!(japanese.subject.starts_with("TLP:AMBER [Yagura] 事案 "), "{}", japanese.subject);
    for mail in [&japanese, &english] {
        assert!(
            mail.text.starts_with("TLP:AMBER\n\n") && mail.text.ends_with("\nTLP:AMBER"),
            "{}",
            mail.text
        );
        assert!(
            mail.text.contains("塩素が止まりました") && mail.text.contains("浄水場の異常"),
            "{}",
            mail.text
        );
        assert!(mail.text.contains(&format!("/cases/{case}/room")), "{}", mail.text);
        assert!(mail.attachments.is_empty() && !mail.subject.contains("浄水場"), "{mail:?}");
    }
    assert!(english.text.contains("\nWritten by: duty_officer ("), "{}", english.text);

    // The act, with no address in it; and the delivery, to the other organisation alone.
    let acts = hub.audit(Action::EntryMailed).await;
    let [act] = acts.as_slice() else { panic!("{} acts", acts.len()) };
    assert!(act.event.objects.contains(&sent["object"].as_str().unwrap().to_owned()));
    let detail = |name: &str| act.event.detail[name].clone();
    assert_eq!([detail("recipients"), detail("organisations")], ["2", "coordinator,police"]);
    let written = serde_json::to_string(&act.event).unwrap();
    assert!(!written.contains("@a.jp") && !written.contains(&police.account), "{written}");
    assert_eq!(released_by_mail(&hub).await, ["police"]);

    // Under the same key it is the same mail.
    assert_eq!(sends(&nco, &case, &entry, body).await.json()["already"], true);
    stays(&taken, 2).await;
}

/// To whom something was given by mail.
async fn released_by_mail(hub: &TestHub) -> Vec<String> {
    let rows = hub.audit(Action::ObjectsReleased).await;
    let by_mail = rows.iter().filter(|row| row.event.detail["door"] == "mail");
    by_mail.map(|row| row.event.detail["recipient"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_it_is_sent_nothing_and_nothing_is_learnt_by_asking() {
    let (port, taken) = server().await;
    let hub = hub_with(port).await;
    let [nco, police, power]: [Worker<'_>; 3] = council(&hub).await;
    let case = nco.opens("浄水場の異常").await;
    police.says(&case, open(note("見ました"))).await;
    for (worker, address) in [(&nco, "desk@a.jp"), (&police, "keiji@a.jp"), (&power, "plant@a.jp")] {
        assert_eq!(gives(worker, address, "ja").await, 204);
    }
    let side = nco.says(&case, only(&["coordinator"], false, note("見立て"))).await;
    let stranger = uuid::Uuid::new_v4().to_string();
    let may_not = refused(&nco, &case, &side, to(&[&nco.account, &police.account], &[])).await;
    assert!(may_not.contains(&police.account) && !may_not.contains(&nco.account), "{may_not}");
    let unknown = refused(&nco, &case, &side, to(&[&stranger], &[])).await;
    assert_eq!(may_not.replace(&police.account, "x"), unknown.replace(&stranger, "x"));
    let open_entry = nco.says(&case, open(note("みなへ"))).await;
    let not_here = refused(&nco, &case, &open_entry, to(&[&power.account], &[])).await;
    assert_eq!(may_not.replace(&police.account, "x"), not_here.replace(&power.account, "x"));
    assert!(refused(&nco, &case, &side, to(&[], &["police"])).await.ends_with("`police`"));
    assert!(refused(&nco, &case, &side, to(&[], &["nobody-here"])).await.ends_with("`nobody-here`"));
    // A mail address is nobody's account.
    refused(&nco, &case, &open_entry, to(&["keiji@a.jp"], &[])).await;
    refused(&nco, &case, &open_entry, to(&[], &[])).await;
    let crowd = vec!["x"; 51];
    refused(&nco, &case, &open_entry, to(&crowd, &[])).await;

    let label = json!({ "tlp": "red" });
    let body = json!({ "key": uuid::Uuid::new_v4(), "label": label, "entry": note("口頭のみ") });
    let red = nco.says(&case, body).await;
    assert!(refused(&nco, &case, &red, to(&[&nco.account], &[])).await.contains("TLP:RED"));
    let command = nco.says(&case, open(json!({ "says": "commands" }))).await;
    refused(&nco, &case, &command, to(&[&nco.account], &[])).await;
    let path = format!("/api/v1/cases/{case}/room/{open_entry}/mail");
    let by_program = hub.send_json(&hub.token, Method::POST, &path, to(&[&nco.account], &[])).await;
    assert_eq!(by_program.status, 422, "a program sends none");
    // What one does not see is not there.
    assert_eq!(sends(&power, &case, &side, to(&[&power.account], &[])).await.status, 404);
    assert_eq!(power.signed.get(&path.replace("/mail", "/recipients")).await.status, 200);
    assert_eq!(power.signed.get(&format!("/api/v1/cases/{case}/room/{side}/recipients")).await.status, 404);
    // Who takes its address back is sent nothing.
    assert_eq!(police.signed.ask(Method::DELETE, "/api/v1/me/mail", None).await.status, 204);
    refused(&nco, &case, &open_entry, to(&[&police.account], &[])).await;
    assert!(hub.audit(Action::EntryMailed).await.is_empty());
    stays(&taken, 0).await;
}

/// Mails of one person that wait to be sent.
async fn waiting(hub: &TestHub, case: &str, entry: &str, (from, to): (&str, &str), count: usize) {
    let (case, entry): (stix::Id, String) = (case.parse().unwrap(), entry.to_owned());
    let (sender, recipient) = (from.to_owned(), to.to_owned());
    let done = hub.running.store().write(move |tx| {
        for _ in 0..count {
            let mail = RoomMail {
                id: uuid::Uuid::new_v4().to_string(),
                request: uuid::Uuid::new_v4().to_string(),
                case: case.clone(),
                entry: entry.clone(),
                sender: sender.clone(),
                recipient: recipient.clone(),
                at: tx.now(),
                attempts: 0,
            };
            mails::add(tx, &Realm::Live, &mail)?;
        }
        Ok(Act::bookkeeping(()))
    });
    done.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_it_may_be_read_is_asked_again_when_it_leaves() {
    let (port, taken) = server().await;
    let hub = hub_with(port).await;
    let [nco, police, _]: [Worker<'_>; 3] = council(&hub).await;
    let case = nco.opens("浄水場の異常").await;
    let side = nco.says(&case, only(&["coordinator"], false, note("見立て"))).await;
    assert_eq!(gives(&police, "keiji@a.jp", "ja").await, 204);
    // As if it could be read when it was asked for.
    waiting(&hub, &case, &side, (&nco.account, &police.account), 1).await;
    let begun = std::time::Instant::now();
    loop {
        let told = nco.signed.good("/api/v1/notices").await;
        let lost = |notice: &&Value| notice["kind"] == "room-mail-lost";
        if let Some(notice) = told["notices"].as_array().unwrap().iter().find(lost) {
            assert_eq!(notice["text"], "police");
            break;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "nobody was told");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    stays(&taken, 0).await;
    assert!(released_by_mail(&hub).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sends_so_many_mails_an_hour_and_is_told_when_again() {
    let (port, taken) = server().await;
    let hub = hub_with(port).await;
    let [nco, police, _]: [Worker<'_>; 3] = council(&hub).await;
    let case = nco.opens("浄水場の異常").await;
    police.says(&case, open(note("見ました"))).await;
    let entry = nco.says(&case, open(note("みなへ"))).await;
    assert_eq!(gives(&nco, "desk@a.jp", "ja").await, 204);
    assert_eq!(gives(&police, "keiji@a.jp", "ja").await, 204);
    let side = nco.says(&case, only(&["coordinator"], false, note("見立て"))).await;
    // Nothing of these leaves, and each was asked for.
    waiting(&hub, &case, &side, (&nco.account, &police.account), 99).await;
    let reply = sends(&nco, &case, &entry, to(&[&nco.account, &police.account], &[])).await;
    assert_eq!(reply.status, 429, "{}", String::from_utf8_lossy(&reply.body));
    let seconds: u64 = reply.header("retry-after").parse().unwrap();
    assert!((3_000..=3_601).contains(&seconds), "{seconds}");
    assert_eq!(sends(&nco, &case, &entry, to(&[&police.account], &[])).await.status, 200);
    assert_eq!(sends(&police, &case, &entry, to(&[&nco.account], &[])).await.status, 200, "each for itself");
    let mut mails = until(&taken, 2).await;
    mails.sort();
    assert_eq!(mails.iter().map(|(to, _)| &**to).collect::<Vec<_>>(), ["desk@a.jp", "keiji@a.jp"]);
}
