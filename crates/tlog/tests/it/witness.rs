//! The witness protocol: every status of the specification, and what a witness never does.

use std::collections::HashMap;

use proptest::prelude::*;
use tlog::witness::{AddCheckpoint, AddCheckpointError, Refusal, Suspicion, WitnessAnswer};
use tlog::{Checkpoint, Frontier, Hash, LogKey, NoteError, SigningKey, empty_root, leaf_hash};

const ORIGIN: &str = "council.example/log";

fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, [1; 32]).unwrap()
}

fn keys() -> Vec<LogKey> {
    vec![key().verifying_key().into()]
}

/// A log whose entries from `fork` on are other ones.
struct Log {
    stored: HashMap<(u8, u64), Hash>,
    heads: Vec<Checkpoint>,
}

fn log(size: u64, fork: u64) -> Log {
    let mut frontier = Frontier::new();
    let head = |frontier: &Frontier| Checkpoint {
        origin: ORIGIN.into(),
        size: frontier.size(),
        root: frontier.root(),
    };
    let mut log = Log { stored: HashMap::new(), heads: vec![head(&frontier)] };
    for at in 0..size {
        let entry = if at < fork { format!("{at}") } else { format!("other {at}") };
        let nodes = frontier.append(leaf_hash(entry.as_bytes()));
        log.stored.extend(nodes.into_iter().map(|(level, index, hash)| ((level, index), hash)));
        log.heads.push(head(&frontier));
    }
    log
}

impl Log {
    fn request(&self, old: u64, new: usize) -> AddCheckpoint {
        let note = key().sign_checkpoint(&self.heads[new]);
        AddCheckpoint::make(old, &note, |level, index| self.stored.get(&(level, index)).copied()).unwrap()
    }
}

/// The refusal of a request by a witness that cosigned `latest` last, and what it suspects.
fn refused(request: &AddCheckpoint, latest: Option<&Checkpoint>) -> (u16, Option<Suspicion>) {
    let refused = request.judge(&keys(), latest).unwrap_err();
    (refused.refusal.status(), refused.suspicion(latest))
}

#[test]
fn a_log_that_grows_is_followed() {
    let log = log(40, 40);
    let mut latest: Option<Checkpoint> = None;
    for new in [0, 0, 1, 1, 2, 7, 8, 33, 40] {
        let old = latest.as_ref().map_or(0, |latest| latest.size);
        let request = AddCheckpoint::parse(&log.request(old, new).to_text()).unwrap();
        assert_eq!(request.origin(), ORIGIN);
        latest = Some(request.judge(&keys(), latest.as_ref()).unwrap());
        assert_eq!(latest.as_ref(), log.heads.get(new));
    }
}

#[test]
fn each_refusal_has_its_status() {
    let (log, fork) = (log(40, 40), log(40, 8));
    let at = |size: usize| Some(&log.heads[size]);
    // 409, with the size.
    assert_eq!(refused(&log.request(0, 20), at(10)), (409, None));
    let conflict = log.request(0, 20).judge(&keys(), at(10)).unwrap_err().refusal;
    assert_eq!((conflict.body().as_str(), &conflict), ("10\n", &Refusal::Conflict { latest: 10 }));
    assert_eq!(refused(&log.request(5, 20), None), (409, None));
    // A request whose answer was lost is no misdeed.
    assert_eq!(refused(&log.request(5, 10), at(10)), (409, None));
    // 400: the old size beyond the new one.
    let turned = log.request(5, 10).to_text().replacen("old 5", "old 11", 1);
    assert_eq!(refused(&AddCheckpoint::parse(&turned).unwrap(), at(10)), (400, None));
    // 422: a fork; two trees of one size; a wrong proof; a proof where there is nothing to prove.
    assert_eq!(refused(&fork.request(10, 20), at(10)), (422, Some(Suspicion::Fork)));
    assert_eq!(refused(&fork.request(10, 10), at(10)), (422, Some(Suspicion::SplitView)));
    assert_eq!(refused(&fork.request(3, 10), at(10)), (409, Some(Suspicion::SplitView)));
    let needless = log.request(5, 10).to_text().replacen("old 5", "old 0", 1);
    assert_eq!(refused(&AddCheckpoint::parse(&needless).unwrap(), None), (422, Some(Suspicion::Fork)));
    // 422: an empty tree with a root that is not that of the empty tree.
    let odd = Checkpoint { origin: ORIGIN.into(), size: 0, root: [1; 32] };
    let odd = AddCheckpoint::make(0, &key().sign_checkpoint(&odd), |_, _| None).unwrap();
    assert_eq!(refused(&odd, None), (422, Some(Suspicion::SplitView)));
    assert_eq!(log.heads[0].root, empty_root());
    // A log that was rolled back, by whichever old size it says.
    assert_eq!(refused(&log.request(5, 8), at(10)), (409, Some(Suspicion::Rollback)));
    let claimed = log.request(5, 8).to_text().replacen("old 5", "old 10", 1);
    assert_eq!(refused(&AddCheckpoint::parse(&claimed).unwrap(), at(10)), (400, Some(Suspicion::Rollback)));
}

#[test]
fn strangers_and_forgers_leave_no_suspicion() {
    let log = log(10, 10);
    let stranger = SigningKey::from_seed(ORIGIN, [2; 32]).unwrap();
    let unsigned = AddCheckpoint::make(0, &stranger.sign_checkpoint(&log.heads[3]), |_, _| None).unwrap();
    let judged = unsigned.judge(&keys(), None).unwrap_err();
    assert_eq!(judged.refusal, Refusal::Forbidden(NoteError::NotSigned(ORIGIN.into())));
    assert_eq!((judged.refusal.status(), judged.signed.as_ref()), (403, None));
    assert_eq!(judged.suspicion(Some(&log.heads[5])), None);
    // A false signature of a known key spoils the note, whatever else is on it.
    let good = key().sign_checkpoint(&log.heads[3]);
    let false_line = key().sign_checkpoint(&log.heads[4]).lines().last().unwrap().to_owned() + "\n";
    let forged = AddCheckpoint::make(0, &(good + &false_line), |_, _| None).unwrap();
    assert_eq!(refused(&forged, None), (403, None));
    let other = SigningKey::from_seed("other.example", [1; 32]).unwrap();
    let head = Checkpoint { origin: "other.example".into(), ..log.heads[3].clone() };
    let unknown = AddCheckpoint::make(0, &other.sign_checkpoint(&head), |_, _| None).unwrap();
    assert_eq!(refused(&unknown, None), (404, None));
}

#[test]
fn only_the_specified_form_is_read() {
    let text = log(20, 20).request(5, 20).to_text();
    assert_eq!(AddCheckpoint::parse(&text).unwrap().to_text(), text);
    let bad = |changed: String| {
        assert_ne!(changed, text);
        assert!(AddCheckpoint::parse(&changed).is_err(), "{changed}");
    };
    for old in ["old 05", "old +5", "old", "old ", "Old 5", "old 5 ", "old 18446744073709551616", "old -5"] {
        bad(text.replacen("old 5", old, 1));
    }
    bad(text.replacen("=\n", "\n", 1));
    bad(text.replacen("=\n", "= \n", 1));
    bad(text.replacen("\n\n", "\n", 1));
    bad(text.replace('\n', "\r\n"));
    bad(text.trim_end().to_owned());
    let hashes = |count: usize| {
        format!(
            "old 5\n{}\n{}",
            format!("{}=\n", "A".repeat(43)).repeat(count),
            text.split_once("\n\n").unwrap().1
        )
    };
    assert!(AddCheckpoint::parse(&hashes(63)).is_ok());
    bad(hashes(64));
    let large = text + &"x".repeat(tlog::witness::ADD_CHECKPOINT_BYTES_MAX);
    assert_eq!(AddCheckpoint::parse(&large), Err(AddCheckpointError::TooLarge));
}

#[test]
fn answers_are_read_as_specified() {
    assert_eq!(WitnessAnswer::parse(200, "lines\n"), WitnessAnswer::Cosigned("lines\n".into()));
    assert_eq!(WitnessAnswer::parse(409, "20852163\n"), WitnessAnswer::Conflict(20_852_163));
    for body in ["", "1", "01\n", "x\n", "1\n\n"] {
        assert_eq!(WitnessAnswer::parse(409, body), WitnessAnswer::Refused(409));
    }
    assert_eq!(WitnessAnswer::parse(422, "1\n"), WitnessAnswer::Refused(422));
}

proptest! {
    /// Whatever is brought, and in whatever order, what a witness cosigns is one growing log.
    #[test]
    fn a_witness_never_cosigns_two_histories(
        steps in prop::collection::vec((any::<bool>(), 0_u64..30, 0_usize..30), 1..60),
        fork in 1_u64..29,
    ) {
        let logs = [log(30, 30), log(30, fork)];
        let mut cosigned: Vec<Checkpoint> = Vec::new();
        for (other, old, new) in steps {
            let request = logs[usize::from(other)].request(old.min(new as u64), new);
            if let Ok(head) = request.judge(&keys(), cosigned.last()) {
                cosigned.push(head);
            }
        }
        prop_assert!(cosigned.is_sorted_by_key(|head| head.size));
        let of_one = |log: &Log| cosigned.iter().all(|head| log.heads[head.size as usize] == *head);
        prop_assert!(of_one(&logs[0]) || of_one(&logs[1]));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(old [0-9]{1,3}\n)?[a-zA-Z0-9=+/\n \u{2014}]{0,200}") {
        if let Ok(request) = AddCheckpoint::parse(&text) {
            prop_assert_eq!(request.to_text(), text);
        }
    }
}
