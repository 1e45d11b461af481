//! `.tlog-proof` files: made, written, read and verified offline.

use std::collections::HashMap;

use proptest::prelude::*;
use tlog::proof::ProofError;
use tlog::{
    Checkpoint, CosignatureKind, CosigningKey, Frontier, Hash, LogKey, NoteError, PROOF_EXTRA_BYTES_MAX,
    Policy, SigningKey, TlogProof, TlogProofError, Unaccepted, Unproved, leaf_hash,
};

const ORIGIN: &str = "council.example/log";

fn log_key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, [1; 32]).unwrap()
}

fn witness() -> CosigningKey {
    CosigningKey::from_seed("witness.example", CosignatureKind::MlDsa44, &[2; 32]).unwrap()
}

fn policy() -> Policy {
    let file = format!(
        "log {}\nwitness w {}\nquorum w\n",
        log_key().verifying_key().encode(),
        witness().cosigner_key().encode()
    );
    Policy::parse(file.as_bytes()).unwrap()
}

fn leaf(at: u64) -> Hash {
    leaf_hash(format!("entry {at}").as_bytes())
}

/// The nodes of a log of `size` entries and its cosigned checkpoint.
fn log(size: u64) -> (HashMap<(u8, u64), Hash>, String) {
    let (mut stored, mut frontier) = (HashMap::new(), Frontier::new());
    for at in 0..size {
        stored
            .extend(frontier.append(leaf(at)).into_iter().map(|(level, index, hash)| ((level, index), hash)));
    }
    let head = Checkpoint { origin: ORIGIN.into(), size, root: frontier.root() };
    let note = log_key().sign_checkpoint(&head) + &witness().cosign(&head.to_text(), 1_700_000_000).unwrap();
    (stored, note)
}

fn proof(index: u64, size: u64) -> TlogProof {
    let (stored, note) = log(size);
    TlogProof::make(index, &note, |level, index| stored.get(&(level, index)).copied()).unwrap()
}

#[test]
fn a_proof_holds_for_its_entry_and_no_other() {
    for (index, size) in [(0, 1), (0, 7), (3, 7), (6, 7), (299, 300)] {
        let proof = TlogProof::parse(&proof(index, size).to_text()).unwrap();
        assert_eq!(proof.index(), index);
        let witnessed = proof.verify(&leaf(index), &policy()).unwrap();
        assert_eq!(witnessed.checkpoint().size, size);
        assert_eq!(witnessed.quorum_time(), Some(1_700_000_000));
        let other = proof.verify(&leaf(index + 1), &policy());
        assert_eq!(other, Err(Unproved::Path(ProofError::RootMismatch)));
    }
}

#[test]
fn the_form_is_that_of_the_specification() {
    let proof = proof(2, 3).with_extra(b"age-v1.2.1").unwrap();
    let text = proof.to_text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..3], ["c2sp.org/tlog-proof@v1", "extra YWdlLXYxLjIuMQ==", "index 2"]);
    assert_eq!((lines[3].len(), lines[4], lines[5]), (44, "", ORIGIN));
    let read = TlogProof::parse(&text).unwrap();
    assert_eq!(read, proof);
    assert_eq!(read.unauthenticated_extra(), Some(b"age-v1.2.1".as_slice()));
    assert_eq!(read.with_extra(b"").unwrap().unauthenticated_extra(), None);
}

#[test]
fn other_forms_are_refused() {
    let text = proof(2, 3).to_text();
    let malformed = |changed: String| {
        assert_ne!(changed, text);
        let error = TlogProof::parse(&changed).unwrap_err();
        assert!(matches!(error, TlogProofError::Malformed(_) | TlogProofError::Note(_)), "{changed}");
    };
    malformed(text.replace("@v1", "@v2"));
    malformed(text.replace("index 2", "index 02"));
    malformed(text.replace("index 2", "index +2"));
    malformed(text.replace("index 2", "index  2"));
    malformed(text.replace("index 2\n", ""));
    malformed(text.replace("index 2", "extra \nindex 2"));
    malformed(text.replace("index 2", "extra !\nindex 2"));
    malformed(text.replace("index 2", "extra AA==\nextra AA==\nindex 2"));
    malformed(text.replacen("=\n", "\n", 1));
    malformed(text.replace("\n\n", "\n"));
    malformed(text.replace("\n", "\r\n"));
    malformed(text.split("\n\n").next().unwrap().to_owned() + "\n\n");
    malformed(text.trim_end().to_owned());
    let hashes = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(65);
    malformed(text.replace("index 2\n", &format!("index 2\n{hashes}")));
    let large = vec![1; PROOF_EXTRA_BYTES_MAX + 1];
    assert_eq!(proof(2, 3).with_extra(&large), Err(TlogProofError::TooLarge));
}

#[test]
fn another_place_path_or_checkpoint_does_not_hold() {
    let text = proof(2, 7).to_text();
    let verify = |text: &str| TlogProof::parse(text).unwrap().verify(&leaf(2), &policy());
    assert!(verify(&text).is_ok());
    assert_eq!(verify(&text.replace("index 2", "index 3")), Err(Unproved::Path(ProofError::RootMismatch)));
    let far = verify(&text.replace("index 2", "index 7"));
    assert_eq!(far, Err(Unproved::Path(ProofError::IndexOutOfRange { index: 7, size: 7 })));
    let mut lines: Vec<&str> = text.lines().collect();
    lines.remove(3);
    assert!(matches!(verify(&(lines.join("\n") + "\n")), Err(Unproved::Path(_))));
    // The head of a smaller tree, though rightly signed, is not the one that the path leads to.
    let (_, smaller) = log(6);
    let moved = format!("{}\n\n{smaller}", text.split("\n\n").next().unwrap());
    assert!(matches!(verify(&moved), Err(Unproved::Path(_))));
}

#[test]
fn the_quorum_and_the_log_are_demanded() {
    let text = proof(2, 7).to_text();
    let uncosigned: String =
        text.lines().filter(|line| !line.contains("witness")).map(|line| format!("{line}\n")).collect();
    let proof = TlogProof::parse(&uncosigned).unwrap();
    let refused = proof.verify(&leaf(2), &policy());
    assert!(matches!(refused, Err(Unproved::Unaccepted(Unaccepted::NoQuorum { .. }))));
    let key = LogKey::from(log_key().verifying_key());
    let open = Policy::parse(b"quorum none\n").unwrap();
    assert!(proof.verify_in(&leaf(2), &key, &open).is_ok());
    let unknown = Unproved::Unaccepted(Unaccepted::Note(NoteError::UnknownLog(ORIGIN.into())));
    assert_eq!(proof.verify(&leaf(2), &open), Err(unknown));
}

#[test]
fn what_is_not_in_the_log_has_no_proof() {
    let (stored, note) = log(3);
    let make = |index| TlogProof::make(index, &note, |level, index| stored.get(&(level, index)).copied());
    assert_eq!(make(3), Err(TlogProofError::Path(ProofError::IndexOutOfRange { index: 3, size: 3 })));
    assert!(TlogProof::make(0, "no note", |_, _| None).is_err());
}

proptest! {
    /// One changed octet is refused, changes only what nothing authenticates, or is a line of a key that the policy does not know.
    #[test]
    fn a_changed_proof_does_not_hold(place in 0_usize..10_000, octet in 0x20_u8..0x7f) {
        let text = proof(2, 7).to_text();
        let place = place % text.len();
        let mut changed = text.clone().into_bytes();
        changed[place] = octet;
        let Ok(changed) = String::from_utf8(changed) else { return Ok(()) };
        prop_assume!(changed != text);
        let held = TlogProof::parse(&changed).ok().and_then(|proof| proof.verify(&leaf(2), &policy()).ok());
        prop_assert!(held.is_none(), "{changed}");
    }
}
