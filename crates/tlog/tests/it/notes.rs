//! Notes, keys and checkpoints, against the examples of C2SP and against `signed_note` and `tlog_tiles`.

use proptest::prelude::*;
use signed_note::{Note, StandardVerifier, Verifier, VerifierList};
use tlog::{
    Checkpoint, CheckpointError, KeyError, NOTE_BYTES_MAX, NoteError, SigningKey, VerifyingKey, open,
    open_log, open_text,
};

const NAME: &str = "council.example/log";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(NAME, [seed; 32]).unwrap()
}

fn head() -> Checkpoint {
    Checkpoint { origin: NAME.into(), size: 20_852_163, root: [0xa5; 32] }
}

/// The example at the end of C2SP signed-note.
const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE_NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
/// The first example of C2SP tlog-checkpoint.
const EXAMPLE_CHECKPOINT: &str =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

#[test]
fn the_examples_of_the_specifications() {
    let key = VerifyingKey::parse(EXAMPLE_KEY).unwrap();
    assert_eq!(key.encode(), EXAMPLE_KEY);
    assert_eq!(key.name(), "example.com/foo");
    assert_eq!(open_text(EXAMPLE_NOTE, &key), Ok("This is an example message.\n"));
    assert_eq!(open(EXAMPLE_NOTE, &key), Err(NoteError::NotCheckpoint(CheckpointError::Lines)));

    let checkpoint = Checkpoint::parse(EXAMPLE_CHECKPOINT).unwrap();
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.to_text(), EXAMPLE_CHECKPOINT);
}

#[test]
fn what_is_signed_is_opened() {
    let note = key(1).sign_checkpoint(&head());
    assert_eq!(open(&note, &key(1).verifying_key()), Ok(head()));
    assert_eq!(open_log(&note, &key(1).verifying_key(), NAME), Ok(head()));
    assert_eq!(
        open_log(&note, &key(1).verifying_key(), "other.example"),
        Err(NoteError::OtherLog { expected: "other.example".into(), found: NAME.into() })
    );
}

#[test]
fn another_implementation_opens_our_notes() {
    let note = key(1).sign_checkpoint(&head());
    let verifier = StandardVerifier::new(&key(1).verifying_key().encode()).unwrap();
    assert_eq!(verifier.name(), NAME);
    let parsed = Note::from_bytes(note.as_bytes()).unwrap();
    let (known, unknown) = parsed.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((known.len(), unknown.len()), (1, 0));
    let theirs = tlog_tiles::checkpoint::Checkpoint::from_bytes(parsed.text()).unwrap();
    assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), (NAME, head().size, head().root));
}

#[test]
fn we_open_the_notes_of_another_implementation() {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[5; 32]);
    let ours = SigningKey::from_seed(NAME, [5; 32]).unwrap();
    let id = signed_note::key_id(NAME, &[&[1], secret.verifying_key().as_bytes().as_slice()].concat());
    assert_eq!(ours.verifying_key().encode().split('+').nth(1), Some(format!("{id:08x}").as_str()));
    let signer = format!(
        "PRIVATE+KEY+{NAME}+{id:08x}+{}",
        base64::Engine::encode(
            &base64::prelude::BASE64_STANDARD,
            [&[1], secret.as_bytes().as_slice()].concat()
        )
    );
    let signer = signed_note::StandardSigner::new(&signer).unwrap();
    let mut note = Note::new(head().to_text().as_bytes(), &[]).unwrap();
    note.add_sigs(&[&signer]).unwrap();
    let note = String::from_utf8(note.to_bytes()).unwrap();
    assert_eq!(open(&note, &ours.verifying_key()), Ok(head()));
    assert_eq!(note, ours.sign_checkpoint(&head()));
}

/// A witness or a second key adds lines; they are passed over, and one's own must still hold.
#[test]
fn signatures_of_others_are_passed_over() {
    let note = key(1).sign_checkpoint(&head());
    let of_other = key(2).sign_checkpoint(&head());
    let other_line = of_other.lines().last().unwrap();
    let both = format!("{note}{other_line}\n");
    assert_eq!(open(&both, &key(1).verifying_key()), Ok(head()));
    assert_eq!(open(&both, &key(2).verifying_key()), Ok(head()));
    assert_eq!(open(&both, &key(3).verifying_key()), Err(NoteError::NotSigned(NAME.into())));
    let many = format!("{note}{}", format!("{other_line}\n").repeat(16));
    assert_eq!(open(&many, &key(1).verifying_key()), Ok(head()));
    let too_many = format!("{note}{}", format!("{other_line}\n").repeat(64));
    assert_eq!(open(&too_many, &key(1).verifying_key()), Err(NoteError::TooLarge));
    assert_eq!(open(&"x".repeat(NOTE_BYTES_MAX + 1), &key(1).verifying_key()), Err(NoteError::TooLarge));
}

/// A second, wrong line by the key makes the note unacceptable, even where the first holds.
#[test]
fn one_bad_signature_of_the_key_spoils_the_note() {
    let note = key(1).sign_checkpoint(&head());
    let other = key(1).sign_checkpoint(&Checkpoint { size: 1, ..head() });
    let spoiled = format!("{note}{}\n", other.lines().last().unwrap());
    assert_eq!(open(&spoiled, &key(1).verifying_key()), Err(NoteError::BadSignature(NAME.into())));
}

#[test]
fn what_is_not_a_note_is_refused() {
    let good = key(1).sign_checkpoint(&head());
    for note in [
        "",
        "\n",
        "\n\n",
        "text\n",
        "text\n\n",
        "text\n\n\n",
        good.trim_end(),
        good.replace("\n\n", "\n").as_str(),
        good.replace('\u{2014}', "-").as_str(),
        good.replace('\n', "\r\n").as_str(),
        good.replace(" council.example/log ", "  ").as_str(),
        good.replace(" council.example/log ", " council.example/log  ").as_str(),
        "text\n\n\u{2014} council.example/log AAAA\n",
        "text\n\n\u{2014} council.example/log AAAAAA==\n",
        format!("{good}\n").as_str(),
        format!("{good}more text\n").as_str(),
    ] {
        assert!(matches!(open(note, &key(1).verifying_key()), Err(NoteError::Malformed(_))), "{note:?}");
    }
}

#[test]
fn what_is_not_a_checkpoint_is_refused() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    let check = |text: String, expected| assert_eq!(Checkpoint::parse(&text), Err(expected), "{text:?}");
    check(String::new(), CheckpointError::Lines);
    check(format!("o\n1\n{root}"), CheckpointError::Lines);
    check(format!("\n1\n{root}\n"), CheckpointError::Lines);
    check(format!("o\n1\n{root}\n\n"), CheckpointError::Lines);
    check(format!("o\n1\n{root}\n\nextension\n"), CheckpointError::Lines);
    check(format!("o\t\n1\n{root}\n"), CheckpointError::Lines);
    check("o\n1\n".into(), CheckpointError::Lines);
    for size in ["01", "+1", "-1", " 1", "1.0", "x", "18446744073709551616", "１"] {
        check(format!("o\n{size}\n{root}\n"), CheckpointError::Size);
    }
    for root in ["AAAA", root.trim_end_matches('='), &root.replace('/', "_"), &root.replace("I=", "J="), "x"]
    {
        check(format!("o\n1\n{root}\n"), CheckpointError::Root);
    }
}

#[test]
fn extension_lines_are_opaque() {
    let text = format!("{EXAMPLE_CHECKPOINT}one thing\nanother\n");
    let (checkpoint, extensions) = Checkpoint::parse_extended(&text).unwrap();
    assert_eq!(checkpoint.to_text(), EXAMPLE_CHECKPOINT);
    assert_eq!(extensions, ["one thing", "another"]);
}

/// An origin with a line feed would write the lines after it itself.
#[test]
fn an_origin_cannot_forge_lines() {
    let forged = Checkpoint { origin: format!("{NAME}\n9\nAAAA"), size: 1, root: [0; 32] };
    let read = open(&key(1).sign_checkpoint(&forged), &key(1).verifying_key()).unwrap();
    assert_eq!((read.size, read.root), (1, [0; 32]));
    assert_ne!(read.origin, NAME);
}

#[test]
fn keys_that_cannot_be() {
    for name in ["", "a b", "a+b", "a\u{3000}b", "a\nb", "a\u{0}b"] {
        assert_eq!(SigningKey::from_seed(name, [1; 32]).unwrap_err(), KeyError::Name(name.into()));
    }
    let good = key(1).verifying_key().encode();
    let [name, id, material] = good.split('+').collect::<Vec<_>>()[..] else { panic!("three parts: {good}") };
    let check = |text: String, expected| assert_eq!(VerifyingKey::parse(&text), Err(expected), "{text}");
    check(String::new(), KeyError::Form);
    check(format!("{name}+{id}"), KeyError::Form);
    check(format!("{name}+{id}+?"), KeyError::Form);
    check(format!("{name}+{id}+"), KeyError::Form);
    check(format!("{name}+{id}+AgAA"), KeyError::Algorithm(2));
    check(format!("{name}+{id}+AQAA"), KeyError::Point);
    check(format!("other+{id}+{material}"), KeyError::Hash);
    check(format!("{name}+00000000+{material}"), KeyError::Hash);
    check(format!("{name}+{}+{material}", id.to_uppercase() + "0"), KeyError::Hash);
    check(format!("+{id}+{material}"), KeyError::Name(String::new()));
}

#[test]
fn a_secret_key_is_not_shown() {
    let shown = format!("{:?}", key(42));
    assert!(shown.contains(&key(42).verifying_key().encode()));
    assert!(!shown.contains("42, 42"));
}

/// Any bit of a note, flipped, leaves either no text, no note, or no valid signature.
#[test]
fn every_flipped_bit_is_caught() {
    let good = key(1).sign_checkpoint(&head()).into_bytes();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            if let Ok(note) = String::from_utf8(bytes) {
                assert!(open(&note, &key(1).verifying_key()).is_err(), "byte {at}, bit {bit}");
            }
        }
    }
}

proptest! {
    #[test]
    fn keys_and_checkpoints_come_back(seed in any::<[u8; 32]>(), name in "[a-z日本./-]{1,30}", size in any::<u64>(), root in any::<[u8; 32]>()) {
        let key = SigningKey::from_seed(&name, seed).unwrap();
        let public = VerifyingKey::parse(&key.verifying_key().encode()).unwrap();
        prop_assert_eq!(&public, &key.verifying_key());
        let theirs = StandardVerifier::new(&public.encode()).unwrap();
        prop_assert_eq!(theirs.name(), name.as_str());
        let checkpoint = Checkpoint { origin: name, size, root };
        prop_assert_eq!(open(&key.sign_checkpoint(&checkpoint), &public), Ok(checkpoint));
    }

    #[test]
    fn strange_notes_are_answered(note in "(.|\n|— ){0,200}") {
        prop_assert!(open(&note, &key(1).verifying_key()).is_err());
        prop_assert!(VerifyingKey::parse(&note).is_err());
    }
}
