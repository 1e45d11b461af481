//! Cosignatures of both kinds, against `signed_note`, `ed25519-dalek` through the specification's own lines, and a second ML-DSA.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ml_dsa::signature::{Keypair, Verifier};
use proptest::prelude::*;
use tlog::{
    COSIGNATURE_TIME_MAX, Checkpoint, CosignError, CosignatureKind, CosignerKey, CosigningKey, KeyError,
    LogKey, NoteError, SigningKey, open_by_any,
};

const ORIGIN: &str = "council.example/log";
const NAME: &str = "witness.example/w1";
const BOTH: [CosignatureKind; 2] = [CosignatureKind::Ed25519, CosignatureKind::MlDsa44];

fn cosigner(kind: CosignatureKind, seed: u8) -> CosigningKey {
    CosigningKey::from_seed(NAME, kind, &[seed; 32]).unwrap()
}

fn head() -> Checkpoint {
    Checkpoint { origin: ORIGIN.into(), size: 20_852_163, root: [0xa5; 32] }
}

fn note() -> String {
    SigningKey::from_seed(ORIGIN, [1; 32]).unwrap().sign_checkpoint(&head())
}

fn cosigned(kind: CosignatureKind, time: u64) -> String {
    note() + &cosigner(kind, 2).cosign(&head().to_text(), time).unwrap()
}

/// Name, key id and the bytes after it of the last signature line.
fn last_signature(note: &str) -> Vec<u8> {
    let line = note.lines().last().unwrap();
    let bytes = STANDARD.decode(line.rsplit(' ').next().unwrap()).unwrap();
    bytes[4..].to_vec()
}

#[test]
fn what_is_cosigned_is_recognised() {
    for kind in BOTH {
        let key = cosigner(kind, 2).cosigner_key();
        assert_eq!(key.cosigned_at(&cosigned(kind, 1_679_315_147)), Ok(Some(1_679_315_147)));
        assert_eq!(key.cosigned_at(&cosigned(kind, 0)), Ok(Some(0)));
        assert_eq!(key.cosigned_at(&note()), Ok(None));
        let again = cosigned(kind, 7) + &cosigner(kind, 2).cosign(&head().to_text(), 5).unwrap();
        assert_eq!(key.cosigned_at(&again), Ok(Some(7)), "the latest counts");
        // Another's line is passed over, also where it bears the same name.
        let other = cosigner(kind, 3).cosigner_key();
        assert_eq!(other.cosigned_at(&cosigned(kind, 7)), Ok(None));
    }
}

#[test]
fn the_ed25519_message_is_that_of_the_specification() {
    let note = cosigned(CosignatureKind::Ed25519, 1_679_315_147);
    let signature = last_signature(&note);
    let (time, signature) = signature.split_first_chunk::<8>().unwrap();
    assert_eq!(u64::from_be_bytes(*time), 1_679_315_147);
    let message = format!("cosignature/v1\ntime 1679315147\n{}", head().to_text());
    let public = cosigner(CosignatureKind::Ed25519, 2).cosigner_key().to_bytes().to_vec();
    let public = ed25519_dalek::VerifyingKey::from_bytes(&public.try_into().unwrap()).unwrap();
    let signature = ed25519_dalek::Signature::from_slice(signature).unwrap();
    public.verify_strict(message.as_bytes(), &signature).unwrap();
}

/// The structure `cosigned_message` written out once more, and verified by another implementation of ML-DSA.
#[test]
fn another_ml_dsa_verifies_the_specified_structure() {
    let note = cosigned(CosignatureKind::MlDsa44, 1_679_315_147);
    let signature = last_signature(&note);
    assert_eq!(signature.len(), 8 + 2420);
    let mut message = b"subtree/v1\n\0".to_vec();
    message.push(18);
    message.extend_from_slice(NAME.as_bytes());
    message.extend_from_slice(&1_679_315_147_u64.to_be_bytes());
    message.push(19);
    message.extend_from_slice(ORIGIN.as_bytes());
    message.extend_from_slice(&[0; 8]);
    message.extend_from_slice(&20_852_163_u64.to_be_bytes());
    message.extend_from_slice(&[0xa5; 32]);
    let theirs = ml_dsa::SigningKey::<ml_dsa::MlDsa44>::from_seed(&[2; 32].into());
    let public = theirs.verifying_key();
    assert_eq!(public.encode().as_slice(), cosigner(CosignatureKind::MlDsa44, 2).cosigner_key().to_bytes());
    let parsed = ml_dsa::Signature::<ml_dsa::MlDsa44>::try_from(&signature[8..]).unwrap();
    public.verify(&message, &parsed).unwrap();

    // And the other way round: what the other one signs is accepted here.
    let theirs = theirs.expanded_key().sign_deterministic(&message, &[]).unwrap();
    let bytes = [&signature[..8], theirs.encode().as_slice()].concat();
    let line = note.lines().last().unwrap();
    let id = &STANDARD.decode(line.rsplit(' ').next().unwrap()).unwrap()[..4];
    let forged_by_friend =
        format!("{}\u{2014} {NAME} {}\n", self::note(), STANDARD.encode([id, &bytes].concat()));
    let key = cosigner(CosignatureKind::MlDsa44, 2).cosigner_key();
    assert_eq!(key.cosigned_at(&forged_by_friend), Ok(Some(1_679_315_147)));
}

#[test]
fn keys_are_read_as_they_are_written() {
    for kind in BOTH {
        let key = cosigner(kind, 2).cosigner_key();
        assert_eq!(CosignerKey::parse(&key.encode()), Ok(key.clone()));
        assert_eq!((key.name(), key.kind()), (NAME, kind));
        let changed = key.encode().replace("w1", "w2");
        assert_eq!(CosignerKey::parse(&changed), Err(KeyError::Hash));
    }
    let log = SigningKey::from_seed(ORIGIN, [1; 32]).unwrap().verifying_key().encode();
    assert_eq!(CosignerKey::parse(&log), Err(KeyError::Algorithm(1)), "a log's key is no cosigner's");
    let short = format!("{NAME}+00000000+{}", STANDARD.encode([6; 33]));
    assert_eq!(CosignerKey::parse(&short), Err(KeyError::Point));
    let long = "w".repeat(256);
    assert!(CosigningKey::from_seed(&long, CosignatureKind::Ed25519, &[1; 32]).is_ok());
    let refused = CosigningKey::from_seed(&long, CosignatureKind::MlDsa44, &[1; 32]);
    assert_eq!(refused.unwrap_err(), KeyError::Name(long));
}

#[test]
fn what_cannot_be_cosigned_is_refused() {
    for kind in BOTH {
        let key = cosigner(kind, 2);
        let late = key.cosign(&head().to_text(), COSIGNATURE_TIME_MAX + 1);
        assert_eq!(late, Err(CosignError::Time(COSIGNATURE_TIME_MAX + 1)));
        assert!(matches!(key.cosign("not a checkpoint\n", 1), Err(CosignError::NotCheckpoint(_))));
        assert!(!format!("{key:?}").contains("secret"));
    }
    let long = Checkpoint { origin: "o".repeat(256), ..head() };
    assert_eq!(cosigner(CosignatureKind::MlDsa44, 2).cosign(&long.to_text(), 1), Err(CosignError::Origin));
    assert!(cosigner(CosignatureKind::Ed25519, 2).cosign(&long.to_text(), 1).is_ok());
}

/// A cosignature is of one tree, one log, one time and (ML-DSA-44) one name: put on anything else it is false.
#[test]
fn a_cosignature_cannot_be_moved() {
    for kind in BOTH {
        let key = cosigner(kind, 2);
        let line = key.cosign(&head().to_text(), 7).unwrap();
        let others = [
            Checkpoint { size: 20_852_164, ..head() },
            Checkpoint { root: [0xa6; 32], ..head() },
            Checkpoint { origin: "other.example/log".into(), ..head() },
        ];
        for other in others {
            let moved = format!("{}\n{line}", other.to_text());
            let bad = Err(NoteError::BadSignature(NAME.into()));
            assert_eq!(key.cosigner_key().cosigned_at(&moved), bad);
        }
        // The time is signed, too.
        let mut bytes = STANDARD.decode(line.trim_end().rsplit(' ').next().unwrap()).unwrap();
        bytes[11] ^= 1;
        let later = format!("{}\u{2014} {NAME} {}\n", note(), STANDARD.encode(bytes));
        assert!(key.cosigner_key().cosigned_at(&later).is_err());
    }
}

/// Extension lines are covered by the Ed25519 kind and not by ML-DSA-44, as the specification says.
#[test]
fn extension_lines_are_covered_as_specified() {
    let extended = head().to_text() + "extension\n";
    for kind in BOTH {
        let line = cosigner(kind, 2).cosign(&extended, 7).unwrap();
        let key = cosigner(kind, 2).cosigner_key();
        assert_eq!(key.cosigned_at(&format!("{extended}\n{line}")), Ok(Some(7)));
        let stripped = key.cosigned_at(&format!("{}\n{line}", head().to_text()));
        assert_eq!(stripped.is_ok(), kind == CosignatureKind::MlDsa44);
    }
}

#[test]
fn a_log_may_sign_with_any_of_its_keys() {
    let note_key = LogKey::from(SigningKey::from_seed(ORIGIN, [1; 32]).unwrap().verifying_key());
    let own = CosigningKey::from_seed(ORIGIN, CosignatureKind::MlDsa44, &[9; 32]).unwrap();
    let own_key = LogKey::parse(&own.cosigner_key().encode()).unwrap();
    assert_eq!(LogKey::parse(&note_key.encode()), Ok(note_key.clone()));
    let text = head().to_text();
    let by_own = format!("{text}\n{}", own.cosign(&text, 3).unwrap());
    assert_eq!(open_by_any(&by_own, [&note_key, &own_key]), Ok((head(), text.as_str())));
    assert_eq!(open_by_any(&by_own, [&note_key]), Err(NoteError::NotSigned(ORIGIN.into())));
    assert_eq!(open_by_any(&note(), [&own_key, &note_key]), Ok((head(), text.as_str())));
    assert_eq!(open_by_any(&note(), []), Err(NoteError::UnknownLog(ORIGIN.into())));
    // A key of another name is not the log's, whatever it signed.
    let other = SigningKey::from_seed("other.example", [1; 32]).unwrap();
    let foreign = other.sign_checkpoint(&head());
    let keys = [LogKey::from(other.verifying_key())];
    assert_eq!(open_by_any(&foreign, &keys), Err(NoteError::UnknownLog(ORIGIN.into())));
    // One good signature does not excuse a false one by another key of the log.
    let forged = note() + &own.cosign(&Checkpoint { size: 1, ..head() }.to_text(), 3).unwrap();
    assert_eq!(open_by_any(&forged, [&note_key, &own_key]), Err(NoteError::BadSignature(ORIGIN.into())));
}

proptest! {
    /// Whatever byte of a signature line is changed, the cosignature is false, unreadable or another's, and never accepted.
    #[test]
    fn a_changed_cosignature_is_never_accepted(place in 0_usize..72, bit in 0_u8..8) {
        let note = cosigned(CosignatureKind::Ed25519, 7);
        let mut bytes = last_signature(&note);
        bytes[place] ^= 1 << bit;
        let line = note.lines().last().unwrap();
        let id = &STANDARD.decode(line.rsplit(' ').next().unwrap()).unwrap()[..4];
        let changed = format!("{}\u{2014} {NAME} {}\n", self::note(), STANDARD.encode([id, &bytes].concat()));
        let key = cosigner(CosignatureKind::Ed25519, 2).cosigner_key();
        prop_assert_eq!(key.cosigned_at(&changed), Err(NoteError::BadSignature(NAME.into())));
    }
}
