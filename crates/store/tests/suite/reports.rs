//! Reports of incidents: events that are only added, copies, attachments, clocks that were told.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use oversight::{Action, Actor, AuditEvent, Purpose, Realm};
use regime::{Event, EventId, Kind, Moment, Profile, Provenance, Report, Stated, Value, What};
use stix::Id;
use store::reports::abroad::{self, GivenAbroad};
use store::reports::contents;
use store::reports::receipts::{self, Checked, Found};
use store::reports::{self, Filed, Filter, Outline, Warning};
use store::{Act, StoreError, Tx, audit};

use crate::fixture::{Council, START_US, organisation, stix_id};
use crate::on_every_store;

on_every_store!(
    events_are_added_and_read_back_as_one_report,
    what_is_sent_twice_is_taken_once,
    one_sees_ones_own_and_what_one_was_given,
    attachments_have_a_bound,
    clocks_are_found_and_told_once,
    what_passes_between_hubs_is_found_again,
    what_receipts_prove_is_found_again,
    contents_are_fetched_kept_and_forgotten_with_their_copies,
    what_is_owed_to_a_hub_is_sent_until_it_is_there,
);

const LIVE: Realm = Realm::Live;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(START_US + micros).unwrap()
}

fn happened(moment: Moment, micros: i64) -> Event {
    let what = What::Happened { moment, at: at(micros) };
    Event { logged: at(micros), by: Some("hanako".to_owned()), what }
}

fn stated(field: &str, text: &str, micros: i64) -> Event {
    let said = Stated { value: Some(Value::text(text)), provenance: Provenance::Person };
    let what = What::Stated { fields: BTreeMap::from([(field.to_owned(), said)]) };
    Event { logged: at(micros), by: None, what }
}

fn outline(title: &str, next_wake: Option<i64>) -> Outline {
    Outline {
        title: title.to_owned(),
        kinds: [Kind::Ransomware, Kind::DataBreach].into(),
        next_due: Some(at(9)),
        next_wake: next_wake.map(at),
    }
}

fn begin(tx: &mut Tx<'_>, number: u64, of: &str, events: &[Event]) -> Result<Id, StoreError> {
    let id = stix_id("incident", number);
    let report = Report::new(id.clone(), "live", of, at(0)).unwrap();
    reports::open(tx, &LIVE, &report, &organisation(of))?;
    let leaf = audit::next_leaf(tx)?;
    let changed = at(i64::try_from(number).unwrap());
    reports::append(tx, &LIVE, &id, (events, leaf), (changed, &outline("題", None)))?;
    Ok(id)
}

fn event(action: Action) -> AuditEvent {
    AuditEvent::done(action, Actor::Node, Purpose::Administration)
}

async fn events_are_added_and_read_back_as_one_report(council: Council) {
    let events = [happened(Moment::Aware, 5), stated("summary", "暗号化された", 6)];
    let first = events.clone();
    let id = council
        .store
        .write(move |tx| {
            let id = begin(tx, 1, "a", &first)?;
            Ok(Act::audited(id, &LIVE, event(Action::ReportChanged)))
        })
        .await
        .unwrap();
    let (later, name) = (stated("impact", "停止", 8), id.clone());
    council
        .store
        .write(move |tx| {
            let leaf = audit::next_leaf(tx)?;
            reports::append(tx, &LIVE, &name, (&[later], leaf), (at(8), &outline("新しい題", Some(7))))?;
            Ok(Act::audited((), &LIVE, event(Action::ReportChanged)))
        })
        .await
        .unwrap();
    let name = id.clone();
    let (head, report, logged) =
        council.store.read(move |reader| reports::load(reader, &LIVE, &name)).await.unwrap().unwrap();
    assert_eq!((head.events, head.title.as_str(), head.changed), (3, "新しい題", at(8)));
    assert_eq!((head.next_due, head.next_wake), (Some(at(9)), Some(at(7))));
    assert_eq!(head.kinds, [Kind::Ransomware, Kind::DataBreach].into());
    assert_eq!((report.organisation(), report.changed()), ("a", at(8)));
    let sequences: Vec<(i64, u64)> = logged.iter().map(|one| (one.sequence, one.leaf)).collect();
    assert_eq!(sequences, [(1, 0), (2, 0), (3, 1)]);
    assert_eq!(logged[0].event, events[0]);
    assert_eq!(report.record().moment(Moment::Aware), Some(at(5)));
    // One event is never there twice, and a report is begun once.
    let (again, name) = (events[0].clone(), id.clone());
    let twice = council.store.write(move |tx| {
        reports::append(tx, &LIVE, &name, (&[again], 9), (at(9), &outline("", None))).map(Act::bookkeeping)
    });
    assert_eq!(twice.await.unwrap_err().code(), "exists");
    let begun = council.store.write(|tx| begin(tx, 1, "b", &[]).map(Act::bookkeeping));
    assert_eq!(begun.await.unwrap_err().code(), "exists");
    let missing = council.store.write(|tx| {
        let id = stix_id("incident", 404);
        reports::append(tx, &LIVE, &id, (&[], 0), (at(0), &outline("", None))).map(Act::bookkeeping)
    });
    assert_eq!(missing.await.unwrap_err().code(), "not-found");
    // Whoever writes into the table is found out.
    council.alter("UPDATE report_events SET event = REPLACE(event, '停止', '正常') WHERE sequence = 3");
    let altered = council.store.read(move |reader| reports::load(reader, &LIVE, &id)).await;
    assert!(matches!(altered, Err(StoreError::Corrupt(_))), "{altered:?}");
}

async fn what_is_sent_twice_is_taken_once(council: Council) {
    let id = council.store.write(|tx| begin(tx, 1, "a", &[]).map(Act::bookkeeping)).await.unwrap();
    let send = |name: &'static str, hash: [u8; 32]| {
        let id = id.clone();
        council.store.write(move |tx| reports::send(tx, &LIVE, &id, (name, &hash)).map(Act::bookkeeping))
    };
    assert!(send("one", [1; 32]).await.unwrap());
    assert!(!send("one", [1; 32]).await.unwrap());
    assert_eq!(send("one", [2; 32]).await.unwrap_err().code(), "exists");
    assert!(send("two", [2; 32]).await.unwrap());
}

fn filed(number: u8, given_to: Option<&str>) -> Filed {
    Filed {
        event: EventId([number; 32]),
        send: number.to_string(),
        regime: "eu.gdpr".to_owned(),
        stage: "notification".to_owned(),
        recipient: "authority".to_owned(),
        given_to: given_to.map(organisation),
        at: at(i64::from(number)),
        actor: "hanako".to_owned(),
        copy: vec![0, 255, number],
        leaf: u64::from(number),
    }
}

async fn one_sees_ones_own_and_what_one_was_given(council: Council) {
    let (first, second) = (filed(1, None), filed(2, Some("ministry")));
    let kept = [first.clone(), second.clone()];
    council
        .store
        .write(move |tx| {
            for (number, of) in [(1, "a"), (2, "b"), (3, "a")] {
                begin(tx, number, of, &[])?;
            }
            for one in &kept {
                reports::file_copy(tx, &LIVE, &stix_id("incident", 1), one)?;
            }
            Ok(Act::bookkeeping(()))
        })
        .await
        .unwrap();
    council
        .store
        .read(move |reader| {
            assert_eq!(reports::filed(reader, &LIVE, &stix_id("incident", 1))?, [first, second]);
            let list = |of: &str, own: bool, after: Option<(Timestamp, Id)>, limit: usize| {
                let filter = Filter { organisation: organisation(of), own, after, limit };
                let heads = reports::list(reader, &LIVE, &filter)?;
                Ok::<_, StoreError>(heads.iter().map(|head| head.id.clone()).collect::<Vec<_>>())
            };
            let ids = |numbers: &[u64]| numbers.iter().map(|n| stix_id("incident", *n)).collect::<Vec<_>>();
            assert_eq!(list("a", true, None, 9)?, ids(&[3, 1]));
            assert_eq!(list("a", true, None, 1)?, ids(&[3]));
            assert_eq!(list("a", true, Some((at(3), stix_id("incident", 3))), 9)?, ids(&[1]));
            assert_eq!(list("a", false, None, 9)?, ids(&[]));
            assert_eq!(list("b", true, None, 9)?, ids(&[2]));
            assert_eq!(list("ministry", true, None, 9)?, ids(&[1]));
            assert_eq!(list("ministry", false, None, 9)?, ids(&[1]));
            assert_eq!(list("c", true, None, 9)?, ids(&[]));
            Ok(())
        })
        .await
        .unwrap();
}

async fn attachments_have_a_bound(council: Council) {
    let id = council.store.write(|tx| begin(tx, 1, "a", &[]).map(Act::bookkeeping)).await.unwrap();
    let keep = |name: &'static str, sealed: Vec<u8>| {
        let id = id.clone();
        council
            .store
            .write(move |tx| reports::keep_file(tx, &LIVE, &id, (name, &sealed)).map(Act::bookkeeping))
    };
    assert!(keep("aa", vec![7; 1000]).await.unwrap());
    assert!(!keep("aa", vec![7; 1000]).await.unwrap());
    let name = id.clone();
    let found = council.store.read(move |reader| reports::file(reader, &LIVE, &name, "aa")).await;
    assert_eq!(found.unwrap(), Some(vec![7; 1000]));
    let full = reports::FILES_BYTES_MAX - 1500;
    council.alter(&format!("UPDATE reports SET bytes = bytes + {full}"));
    assert_eq!(keep("bb", vec![7; 1000]).await.unwrap_err().code(), "too-large");
    assert!(keep("cc", vec![7; 500]).await.unwrap());
    let none = council.store.read(move |reader| reports::file(reader, &LIVE, &id, "bb")).await;
    assert_eq!(none.unwrap(), None);
}

async fn clocks_are_found_and_told_once(council: Council) {
    let (id, other) = council
        .store
        .write(|tx| {
            let (id, other) = (begin(tx, 1, "a", &[])?, begin(tx, 2, "b", &[])?);
            reports::outline(tx, &LIVE, &id, &outline("", Some(1_000)))?;
            Ok(Act::bookkeeping((id, other)))
        })
        .await
        .unwrap();
    let awake = |now: i64| council.store.read(move |reader| reports::awake(reader, &LIVE, at(now), 9));
    assert_eq!(awake(999).await.unwrap(), []);
    assert_eq!(awake(1_000).await.unwrap(), std::slice::from_ref(&id));
    let warn = |turn: &'static str, due: i64| {
        let id = id.clone();
        council.store.write(move |tx| {
            let mail = (due == 2).then_some("duty@example.jp");
            reports::warn(tx, &LIVE, &id, ("r/s/t", turn, at(due)), mail).map(Act::bookkeeping)
        })
    };
    assert!(warn("half-time", 1).await.unwrap());
    assert!(!warn("half-time", 1).await.unwrap());
    assert!(warn("overdue", 1).await.unwrap());
    assert!(warn("half-time", 2).await.unwrap(), "a deadline that was put off is another one");
    // Mail goes for one of them, from one process, until it is settled.
    let due = async || council.store.read(|reader| reports::mails_due(reader, &LIVE, 9)).await.unwrap();
    let first = due().await;
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].mail.as_str(), first[0].due, first[0].attempts), ("duty@example.jp", at(2), 0));
    let put_off = |warning: &Warning, attempts: u64, next: Option<i64>| {
        let warning = warning.clone();
        council.store.write(move |tx| {
            let next = (attempts, next.map(at));
            reports::put_off_mail(tx, &LIVE, &warning, next).map(Act::bookkeeping)
        })
    };
    assert!(put_off(&first[0], 1, Some(500)).await.unwrap());
    assert!(!put_off(&first[0], 1, Some(500)).await.unwrap(), "another process has it");
    assert_eq!(due().await, []);
    council.pass_time(500);
    let again = due().await;
    assert_eq!(again[0].attempts, 1);
    assert!(put_off(&again[0], 1, None).await.unwrap());
    council.pass_time(1_000_000);
    assert_eq!(due().await, []);
    // What an organisation declares may change what is owed of all its reports.
    let profile = Profile { fields: BTreeMap::from([("gdpr_controller".to_owned(), Value::YesNo(true))]) };
    let declared = profile.clone();
    council
        .store
        .write(move |tx| {
            reports::declare(tx, &LIVE, &organisation("b"), (&Profile::default(), "x"))?;
            reports::declare(tx, &LIVE, &organisation("b"), (&declared, "hanako"))?;
            Ok(Act::bookkeeping(()))
        })
        .await
        .unwrap();
    assert_eq!(awake(2_000_000).await.unwrap(), [id.clone(), other]);
    council
        .store
        .read(move |reader| {
            assert_eq!(reports::profile(reader, &LIVE, &organisation("b"))?, profile);
            assert_eq!(reports::profile(reader, &LIVE, &organisation("a"))?, Profile::default());
            let pressing = reports::pressing(reader, &LIVE, &organisation("a"), 9)?;
            assert_eq!(pressing.len(), 1);
            Ok(())
        })
        .await
        .unwrap();
}

async fn what_passes_between_hubs_is_found_again(council: Council) {
    let (report, event) = (stix_id("incident", 1), EventId([7; 32]));
    let given = GivenAbroad { report: report.clone(), event, object: stix_id("note", 1) };
    let (row, id) = (given.clone(), report.clone());
    let written = council.store.write(move |tx| {
        abroad::give(tx, &LIVE, &row)?;
        assert!(matches!(abroad::give(tx, &LIVE, &row), Err(StoreError::Exists { .. })), "once");
        assert_eq!(abroad::without_receipt(tx, &LIVE, 10)?, std::slice::from_ref(&row));
        // Of several processes one sends the receipt.
        assert!(abroad::send_receipt(tx, &LIVE, &id, &event)?);
        assert!(!abroad::send_receipt(tx, &LIVE, &id, &event)?);
        let [kinki, ministry, police] = ["1-kinki", "ministry", "police"].map(organisation);
        assert!(abroad::take(tx, &LIVE, &ministry, (&id, &kinki))?);
        assert!(!abroad::take(tx, &LIVE, &ministry, (&id, &kinki))?, "it is known");
        assert!(abroad::take(tx, &LIVE, &ministry, (&stix_id("incident", 2), &kinki))?);
        assert_eq!(
            (abroad::came_count(tx, &LIVE, &ministry)?, abroad::came_count(tx, &LIVE, &police)?),
            (2, 0)
        );
        Ok(Act::audited((), &LIVE, event_of()))
    });
    written.await.unwrap();
    let read = council.store.read(move |reader| {
        let (ministry, police) = (organisation("ministry"), organisation("police"));
        assert_eq!(abroad::given(reader, &LIVE, &report)?, [given]);
        assert!(abroad::without_receipt(reader, &LIVE, 10)?.is_empty());
        let giver = abroad::giver(reader, &LIVE, &report)?;
        assert_eq!(
            (giver, abroad::giver(reader, &LIVE, &stix_id("incident", 3))?),
            (Some(organisation("1-kinki")), None)
        );
        assert!(abroad::came(reader, &LIVE, &police, &report)?.is_none());
        let all = abroad::came_to(reader, &LIVE, &ministry, None, 10)?;
        let first = abroad::came_to(reader, &LIVE, &ministry, None, 1)?;
        let place = (first[0].changed, first[0].report.clone());
        let rest = abroad::came_to(reader, &LIVE, &ministry, Some(&place), 10)?;
        assert_eq!([first, rest].concat(), all, "a page goes on where the one before ended");
        Ok(all.len())
    });
    assert_eq!(read.await.unwrap(), 2);
}

async fn what_receipts_prove_is_found_again(council: Council) {
    let (report, event) = (stix_id("incident", 1), EventId([7; 32]));
    let hashes = ["aa", "bb"].map(str::to_owned);
    let found = [
        Found::Proved { copy: hashes[0].clone() },
        Found::Wrong { why: "not-signed".to_owned() },
        Found::NoKey,
    ];
    let (id, copies, notes) = (report.clone(), hashes.clone(), found.clone());
    let written = council.store.write(move |tx| {
        for copy in copies.iter().chain(&copies) {
            receipts::note_copy(tx, &LIVE, (&id, &event), copy)?;
        }
        for (number, found) in (1..).zip(&notes) {
            let (object, found, checked) = (stix_id("note", number), found.clone(), at(0));
            let wrong = Found::Wrong { why: "malformed".to_owned() };
            receipts::note(
                tx,
                &LIVE,
                &id,
                &Checked { event, object: object.clone(), found: wrong, checked },
            )?;
            // What comes again is looked at again.
            receipts::note(tx, &LIVE, &id, &Checked { event, object, found, checked })?;
        }
        Ok(Act::audited((), &LIVE, event_of()))
    });
    written.await.unwrap();
    let read = council.store.read(move |reader| {
        assert_eq!(receipts::copies(reader, &LIVE, (&report, &event))?, hashes);
        assert!(receipts::copies(reader, &LIVE, (&report, &EventId([8; 32])))?.is_empty());
        assert!(receipts::checked(reader, &LIVE, &stix_id("incident", 2))?.is_empty());
        let all = receipts::checked(reader, &LIVE, &report)?;
        Ok(all.into_iter().map(|one| one.found).collect::<Vec<_>>())
    });
    assert_eq!(read.await.unwrap(), found);
}

async fn contents_are_fetched_kept_and_forgotten_with_their_copies(council: Council) {
    let (report, copies) = (stix_id("incident", 1), [1, 2].map(|number| stix_id("note", number)));
    let (id, objects) = (report.clone(), copies.clone());
    let listed = council.store.write(move |tx| {
        for (object, sha256, size) in [(0, "aa", 5), (0, "aa", 5), (0, "bb", 7), (1, "aa", 5)] {
            contents::list(tx, &LIVE, (&id, &objects[object]), (sha256, size))?;
        }
        let due = contents::due(tx, &LIVE, 10)?;
        let told: Vec<(&str, u64)> = due.iter().map(|one| (one.sha256.as_str(), one.size)).collect();
        assert_eq!(told, [("aa", 5), ("bb", 7)], "each once");
        // Of several processes one asks for it, and not again before its time.
        let later = tx.now() + SignedDuration::from_millis(1);
        assert!(contents::put_off(tx, &LIVE, &due[0], Some(later))?);
        assert!(!contents::put_off(tx, &LIVE, &due[0], None)?);
        assert!(contents::put_off(tx, &LIVE, &due[1], None)?, "it is given up");
        assert_eq!(contents::due(tx, &LIVE, 10)?, []);
        assert!(!contents::keep(tx, &LIVE, (&stix_id("incident", 9), "aa"), b"x")?, "nobody wants it");
        Ok(Act::bookkeeping(()))
    });
    listed.await.unwrap();
    council.pass_time(2_000);
    let due = council.store.read(|reader| contents::due(reader, &LIVE, 10)).await.unwrap();
    assert_eq!(due.iter().map(|one| (one.sha256.as_str(), one.attempts)).collect::<Vec<_>>(), [("aa", 1)]);

    let id = report.clone();
    let kept = council.store.write(move |tx| {
        assert_eq!(contents::content(tx, &LIVE, &id, "aa")?, None);
        assert!(contents::keep(tx, &LIVE, (&id, "aa"), b"sealed")?);
        assert!(!contents::keep(tx, &LIVE, (&id, "aa"), b"again")?, "it is here");
        assert!(contents::is_here(tx, &LIVE, &id, "aa")? && !contents::is_here(tx, &LIVE, &id, "bb")?);
        assert_eq!(contents::due(tx, &LIVE, 10)?, []);
        assert_eq!(contents::wanted(tx, &LIVE, &id, "aa")?, None);
        assert_eq!(contents::wanted(tx, &LIVE, &id, "bb")?.map(|one| one.attempts), Some(1));
        // A later copy that lists what was given up has it asked for anew.
        contents::list(tx, &LIVE, (&id, &stix_id("note", 3)), ("bb", 7))?;
        assert_eq!(contents::due(tx, &LIVE, 10)?.len(), 1);
        Ok(Act::bookkeeping(()))
    });
    kept.await.unwrap();

    let removed = council.store.write(move |tx| {
        let [first, second] = &copies;
        contents::forget(tx, &LIVE, &stix_id("note", 9))?;
        contents::forget(tx, &LIVE, first)?;
        assert_eq!(contents::content(tx, &LIVE, &report, "aa")?.as_deref(), Some(&b"sealed"[..]));
        contents::forget(tx, &LIVE, second)?;
        assert_eq!(contents::content(tx, &LIVE, &report, "aa")?, None, "it goes with the last copy");
        assert!(contents::wanted(tx, &LIVE, &report, "aa")?.is_none());
        assert!(contents::wanted(tx, &LIVE, &report, "bb")?.is_some(), "the third copy lists it");
        for number in 0..contents::LISTED_MAX {
            let listed = contents::list(tx, &LIVE, (&report, second), (&format!("{number}"), 1));
            assert_eq!(listed.is_ok(), number + 1 < contents::LISTED_MAX, "{number}");
        }
        Ok(Act::bookkeeping(()))
    });
    removed.await.unwrap();
}

async fn what_is_owed_to_a_hub_is_sent_until_it_is_there(council: Council) {
    let report = stix_id("incident", 1);
    let id = report.clone();
    let written = council.store.write(move |tx| {
        contents::owe(tx, &LIVE, "west", (&id, "aa"))?;
        assert_eq!(contents::owed(tx, &LIVE, "north")?, None);
        let owed = contents::owed(tx, &LIVE, "west")?.unwrap();
        assert_eq!((owed.sha256.as_str(), owed.attempts), ("aa", 0));
        let later = tx.now() + SignedDuration::from_millis(1);
        assert!(contents::put_off_owed(tx, &LIVE, &owed, Some(later))?);
        assert!(!contents::put_off_owed(tx, &LIVE, &owed, None)?, "another process has it");
        assert_eq!(contents::owed(tx, &LIVE, "west")?, None);
        Ok(Act::bookkeeping(()))
    });
    written.await.unwrap();
    council.pass_time(2_000);
    let sent = council.store.write(move |tx| {
        let owed = contents::owed(tx, &LIVE, "west")?.unwrap();
        assert_eq!(owed.attempts, 1);
        // What is given once more is sent once more.
        contents::owe(tx, &LIVE, "west", (&report, "aa"))?;
        assert!(!contents::put_off_owed(tx, &LIVE, &owed, None)?);
        let again = contents::owed(tx, &LIVE, "west")?.unwrap();
        assert!(contents::put_off_owed(tx, &LIVE, &again, None)?);
        assert_eq!(contents::owed(tx, &LIVE, "west")?, None);
        Ok(Act::bookkeeping(()))
    });
    sent.await.unwrap();
}

fn event_of() -> AuditEvent {
    event(Action::ReportFiled)
}
