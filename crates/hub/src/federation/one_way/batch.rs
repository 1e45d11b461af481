//! A batch as a file: what a hub gives a one-way peer at once, signed, numbered, and bound to what went before.
//!
//! ```text
//! yagura-peer-batch/v1
//! {"hub":"…","series":"…","number":12,"follows":11,"previous":"…","bytes":4711,"body":"…","made":"…"}
//!
//! — hub.example.jp/log AbCd…
//!
//! {"sequence":0,"hello":{…}}
//! {"sequence":815,"envelope":{…},"object":{…}}
//! …
//! ```
//!
//! The head is a signed note (C2SP) by the key of the hub's log. It holds the hash of the body, which is frames as on the live
//! stream, and the hash of the head of the batch that it follows. That is the one before, or an earlier one where batches were lost
//! and what was in them is sent again.
//!
//! This module reads what strangers write. It knows no file and no clock, and nothing else of the hub.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tlog::{SigningKey, VerifyingKey};

/// What the note begins with, after `yagura-`.
const KIND: &str = "peer-batch/v1";
/// The note's first line.
const FIRST_LINE: &[u8] = b"yagura-peer-batch/v1\n";
/// The longest head.
pub(super) const HEAD_BYTES_MAX: usize = 4 * 1024;
/// The highest number.
const NUMBER_MAX: i64 = 999_999_999_999;
/// Digits of a number in a file's name.
const DIGITS: usize = 12;

/// SHA-256 of what is signed of a batch.
pub(super) type Hash = [u8; 32];

/// What the first batch of a series follows.
pub(super) const NOTHING_BEFORE: Hash = [0; 32];

/// Which batch it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    /// The hub that wrote it.
    pub(super) hub: String,
    /// The series that it is of; another one-way peer of the same hub has another.
    pub(super) series: String,
    /// Its number, from 1.
    pub(super) number: i64,
    /// The batch that it follows; 0 where it follows none.
    pub(super) follows: i64,
    /// The hash of that one.
    pub(super) previous: Hash,
    /// When it was written.
    pub(super) made: Timestamp,
}

/// A batch whose signature and body are as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) label: Label,
    pub(super) hash: Hash,
    /// Frames, one a line.
    pub(super) body: Bytes,
}

/// Why a file is no batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    /// There is less than its head says; it may be on its way still.
    #[error("it breaks off before its end")]
    Torn,
    /// It is something else.
    #[error("it is no batch: {0}")]
    Foreign(&'static str),
    /// The hub's key did not sign it.
    #[error("the hub did not sign it, or it was changed: {0}")]
    Unsigned(String),
    /// The hub signed it, and it cannot be.
    #[error("{0}")]
    Broken(&'static str),
}

/// The head as it is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    hub: String,
    series: String,
    number: i64,
    follows: i64,
    previous: String,
    bytes: u64,
    body: String,
    made: Timestamp,
}

/// The file of a batch, and its hash.
pub(super) fn seal(label: &Label, body: &[u8], key: &SigningKey) -> (Vec<u8>, Hash) {
    let head = Head {
        hub: label.hub.clone(),
        series: label.series.clone(),
        number: label.number,
        follows: label.follows,
        previous: hex::encode(label.previous),
        bytes: u64::try_from(body.len()).unwrap_or(u64::MAX),
        body: hex::encode(Sha256::digest(body)),
        made: label.made,
    };
    // Texts and numbers: there is nothing in it that JSON could not hold.
    let head = serde_json::to_string(&head).unwrap_or_default();
    let mut file = key.sign_statement(KIND, &head).into_bytes();
    file.push(b'\n');
    file.extend_from_slice(body);
    (file, hash_of(&head))
}

/// Reads a file that should be a batch of the hub that has this key, with a body of no more than `body_bytes_max`.
pub(super) fn open(file: &Bytes, key: &VerifyingKey, body_bytes_max: u64) -> Result<Batch, Flaw> {
    let (note, begin) = split(file)?;
    let note = std::str::from_utf8(note).map_err(|_| Flaw::Foreign("its head is no text"))?;
    let signed = tlog::open_text(note, key).map_err(|e| Flaw::Unsigned(e.to_string()))?;
    let statement = signed.as_bytes().strip_prefix(FIRST_LINE).and_then(|rest| rest.strip_suffix(b"\n"));
    let statement = statement.and_then(|bytes| std::str::from_utf8(bytes).ok());
    let statement = statement.ok_or(Flaw::Broken("its head is not of this kind"))?;
    let head: Head = serde_json::from_str(statement).map_err(|_| Flaw::Broken("its head cannot be read"))?;
    let label = label(&head)?;
    if head.bytes > body_bytes_max {
        return Err(Flaw::Broken("its body is longer than a body may be"));
    }
    let body = file.slice(begin..);
    match u64::try_from(body.len()).unwrap_or(u64::MAX).cmp(&head.bytes) {
        std::cmp::Ordering::Less => return Err(Flaw::Torn),
        std::cmp::Ordering::Greater => {
            return Err(Flaw::Unsigned("there is more than its head says".to_owned()));
        }
        std::cmp::Ordering::Equal => {}
    }
    if hex::encode(Sha256::digest(&body)) != head.body {
        return Err(Flaw::Unsigned("its body is not the one that was signed".to_owned()));
    }
    Ok(Batch { label, hash: hash_of(statement), body })
}

/// The name of a batch's file. It says where in the series it belongs, so that nobody has to open those that are not wanted yet.
pub(super) fn file_name(number: i64, follows: i64) -> String {
    format!("batch-{number:0DIGITS$}-{follows:0DIGITS$}.yagura")
}

/// The number of a file by its name, and the one it follows.
pub(super) fn parse_name(name: &str) -> Option<(i64, i64)> {
    let numbers = name.strip_prefix("batch-")?.strip_suffix(".yagura")?;
    let (number, follows) = numbers.split_once('-')?;
    let parse = |text: &str| {
        let is_number = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { text.parse::<i64>().ok() } else { None }
    };
    let (number, follows) = (parse(number)?, parse(follows)?);
    (number > follows).then_some((number, follows))
}

/// The note, and where the body begins: two empty lines further.
fn split(file: &Bytes) -> Result<(&[u8], usize), Flaw> {
    let window = file.get(..file.len().min(HEAD_BYTES_MAX)).unwrap_or_default();
    if !window.starts_with(FIRST_LINE) {
        let may_begin_so = FIRST_LINE.starts_with(window);
        return Err(if may_begin_so { Flaw::Torn } else { Flaw::Foreign("it begins otherwise") });
    }
    let empty_line_after = |from: usize| {
        let rest = window.get(from..)?;
        rest.windows(2).position(|pair| pair == b"\n\n").map(|place| from + place + 2)
    };
    let end = empty_line_after(0).and_then(empty_line_after);
    match end {
        // The last line feed is no part of the note.
        Some(begin) => Ok((window.get(..begin - 1).unwrap_or_default(), begin)),
        None if window.len() < HEAD_BYTES_MAX => Err(Flaw::Torn),
        None => Err(Flaw::Foreign("its head has no end")),
    }
}

fn label(head: &Head) -> Result<Label, Flaw> {
    let is_id = |text: &str| text.len() == 32 && is_hexadecimal(text);
    let mut previous = NOTHING_BEFORE;
    let good = is_id(&head.hub)
        && is_id(&head.series)
        && (1..=NUMBER_MAX).contains(&head.number)
        && (0..head.number).contains(&head.follows)
        && head.previous.len() == 64
        && is_hexadecimal(&head.previous)
        && hex::decode_to_slice(&head.previous, &mut previous).is_ok()
        && (head.follows == 0) == (previous == NOTHING_BEFORE);
    if !good {
        return Err(Flaw::Broken("its head says what cannot be"));
    }
    Ok(Label {
        hub: head.hub.clone(),
        series: head.series.clone(),
        number: head.number,
        follows: head.follows,
        previous,
        made: head.made,
    })
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn hash_of(statement: &str) -> Hash {
    let mut hash = Sha256::new();
    hash.update(FIRST_LINE);
    hash.update(statement);
    hash.update(b"\n");
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY_BYTES_MAX: u64 = 1 << 20;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed("hub.example.jp/log", [seed; 32]).unwrap()
    }

    fn label(number: i64, follows: i64) -> Label {
        Label {
            hub: "0123456789abcdef0123456789abcdef".to_owned(),
            series: "fedcba9876543210fedcba9876543210".to_owned(),
            number,
            follows,
            previous: if follows == 0 { NOTHING_BEFORE } else { [9; 32] },
            made: "2026-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    fn sealed(body: &[u8]) -> Vec<u8> {
        seal(&label(12, 11), body, &key(7)).0
    }

    fn read(file: &[u8]) -> Result<Batch, Flaw> {
        open(&Bytes::copy_from_slice(file), &key(7).verifying_key(), BODY_BYTES_MAX)
    }

    #[track_caller]
    fn check(file: &[u8], expected: &str) {
        let found = read(file).map_or_else(|flaw| flaw.to_string(), |_| "good".to_owned());
        assert!(found.contains(expected), "`{found}` is not `{expected}`");
    }

    /// A head of the hub's own that says something else.
    fn signed(change: impl FnOnce(&mut Head)) -> Vec<u8> {
        let body = b"{}\n";
        let mut head = Head {
            hub: label(1, 0).hub,
            series: label(1, 0).series,
            number: 1,
            follows: 0,
            previous: hex::encode(NOTHING_BEFORE),
            bytes: 3,
            body: hex::encode(Sha256::digest(body)),
            made: label(1, 0).made,
        };
        change(&mut head);
        let mut file = key(7).sign_statement(KIND, &serde_json::to_string(&head).unwrap()).into_bytes();
        file.extend_from_slice(b"\n{}\n");
        file
    }

    /// Written with OpenSSL by the text at the head of this module.
    #[test]
    fn a_batch_that_another_program_wrote_is_read() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/peer_batch/first");
        let key = SigningKey::from_seed("log.example", [1; 32]).unwrap();
        let file = Bytes::from(std::fs::read(path).unwrap());
        let batch = open(&file, &key.verifying_key(), BODY_BYTES_MAX).unwrap();
        assert_eq!((batch.label.number, batch.label.follows), (1, 0));
        assert_eq!(seal(&batch.label, &batch.body, &key), (file.to_vec(), batch.hash));
    }

    #[test]
    fn a_batch_by_another_key_is_not_the_hubs() {
        let file = seal(&label(1, 0), b"{}\n", &key(8)).0;
        check(&file, "did not sign it");
        let other_name = SigningKey::from_seed("other.example.jp/log", [7; 32]).unwrap();
        check(&seal(&label(1, 0), b"{}\n", &other_name).0, "did not sign it");
    }

    #[test]
    fn what_the_hub_signed_otherwise_is_no_batch() {
        check(&[key(7).sign_statement("peer-card/v1", "{}").as_bytes(), b"\n"].concat(), "begins otherwise");
        check(&[key(7).sign_statement(KIND, "{}").as_bytes(), b"\n"].concat(), "cannot be read");
        check(&[key(7).sign_statement(KIND, "{}\n{}").as_bytes(), b"\n"].concat(), "cannot be read");
    }

    #[test]
    fn a_head_that_says_what_cannot_be_is_refused() {
        check(&signed(|_| {}), "good");
        check(&signed(|head| head.number = 0), "cannot be");
        check(&signed(|head| head.number = -1), "cannot be");
        check(&signed(|head| head.number = i64::MAX), "cannot be");
        check(&signed(|head| head.follows = 1), "cannot be");
        check(&signed(|head| head.previous = hex::encode([1; 32])), "cannot be");
        check(&signed(|head| (head.number, head.follows) = (3, 2)), "cannot be");
        check(&signed(|head| head.previous = "zz".repeat(32)), "cannot be");
        check(&signed(|head| head.hub = "../../../../etc/passwd-012345678".to_owned()), "cannot be");
        check(&signed(|head| head.series = String::new()), "cannot be");
    }

    #[test]
    fn sizes_are_believed_to_nobody() {
        check(&signed(|head| head.bytes = u64::MAX), "longer than a body may be");
        check(&signed(|head| head.bytes = 4), "breaks off");
        check(&signed(|head| head.bytes = 2), "more than its head says");
        check(&signed(|head| head.bytes = 0), "more than its head says");
        let long = [FIRST_LINE, &vec![b'x'; 2 * HEAD_BYTES_MAX][..]].concat();
        check(&long, "no end");
        check(&vec![b'\n'; 2 * HEAD_BYTES_MAX], "begins otherwise");
        check(b"", "breaks off");
        check(b"PK\x03\x04", "begins otherwise");
    }

    #[test]
    fn names_are_numbers_and_nothing_else() {
        assert_eq!(parse_name(&file_name(12, 11)), Some((12, 11)));
        assert_eq!(file_name(12, 11), "batch-000000000012-000000000011.yagura");
        for name in [
            "batch-12-11.yagura",
            "batch-000000000011-000000000012.yagura",
            "batch-000000000012-000000000012.yagura",
            "batch-+00000000012-000000000011.yagura",
            "batch-000000000012-000000000011.yagura.part",
            ".batch-000000000012-000000000011.yagura",
            "../batch-000000000012-000000000011.yagura",
            "batch-000000000012.yagura",
            "",
        ] {
            assert_eq!(parse_name(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_batch_is_read_as_it_was_sealed(
            body in proptest::collection::vec(any::<u8>(), 0..2_000),
            number in 1..=NUMBER_MAX,
            back in 1..1_000_i64,
        ) {
            let label = label(number, (number - back).max(0));
            let (file, hash) = seal(&label, &body, &key(7));
            prop_assert_eq!(read(&file).unwrap(), Batch { label, hash, body: body.into() });
        }

        #[test]
        fn a_batch_that_is_cut_short_is_torn_wherever_it_is_cut(
            body in proptest::collection::vec(any::<u8>(), 1..300),
            cut in any::<proptest::sample::Index>(),
        ) {
            let file = sealed(&body);
            prop_assert_eq!(read(&file[..cut.index(file.len())]), Err(Flaw::Torn));
        }

        #[test]
        fn a_changed_byte_is_noticed_wherever_it_stands(
            body in proptest::collection::vec(any::<u8>(), 0..300),
            place in any::<proptest::sample::Index>(),
            flip in 1..=255_u8,
        ) {
            let mut file = sealed(&body);
            let place = place.index(file.len());
            file[place] ^= flip;
            prop_assert!(read(&file).is_err(), "byte {} of {}", place, file.len());
        }

        #[test]
        fn anything_is_read_without_harm(noise in proptest::collection::vec(any::<u8>(), 0..6_000)) {
            prop_assert!(read(&noise).is_err());
            let _ = read(&[FIRST_LINE, &noise].concat());
            let _ = parse_name(&String::from_utf8_lossy(&noise));
        }
    }
}
