//! What processes of one hub say to each other, sealed: whoever else may listen where they speak learns nothing of it, and whoever else may
//! speak there is not believed.
//!
//! - The key is made of the node's ([`Vault::between_processes`]), which every process of it has: one with another key does not start. A seal is
//!   bound to what it is for and to the node's collection.
//! - When it was sealed stands within, by the clock of who sealed it, so that nothing old can be said again. Nothing remembers what was heard
//!   already: within [`AGE_MAX`] a message can be repeated.
//! - All are of one length: how long a message is would tell whose it is about and whether they write.
//! - Nonces are drawn by chance, which NIST SP 800-38D lets one key do 2^32 times. A hundred people who are in rooms day and night take twenty
//!   years for that.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use uuid::Uuid;

use super::news;
use crate::HubError;
use crate::vault::{SEAL_BYTES, Vault};

/// Seconds by which the clocks of two processes may differ, on the way and all.
const AGE_MAX: u64 = 60;
/// How often at most it is told that they differ by more.
const WARN_EVERY: Duration = Duration::from_secs(60);
/// Bytes of the time within: seconds since 1970.
const TIME_BYTES: usize = 8;
/// Bytes within, of every message.
const BYTES: usize = TIME_BYTES + news::BYTES_MAX;
/// Letters of every message, in base64url without padding: PostgreSQL carries text, and less than 8,000 bytes of it.
const CHARS: usize = ((BYTES + SEAL_BYTES) * 4).div_ceil(3);

/// Seals and opens what processes of one node say.
pub(crate) struct Seal {
    vault: Vault,
    /// To what it is bound.
    purpose: String,
    /// When it was last told that clocks differ.
    warned: Mutex<Option<Instant>>,
}

/// Why a message is not listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unheard {
    /// No process of this node has sealed it, or not for this, or it was altered; which of them cannot be known.
    Foreign,
    /// One has, at another time than now: by so many seconds later than this process's clock, or earlier.
    Untimely(i64),
}

impl Seal {
    /// That of the node with this seed and this collection.
    ///
    /// # Errors
    /// `key` where no key can be made.
    pub(crate) fn new(seed: &[u8; 32], collection: &Uuid) -> Result<Self, HubError> {
        let failed = |_| HubError::new("key", "no key for what processes say can be made of the node's key");
        let vault = Vault::between_processes(seed).map_err(failed)?;
        Ok(Self { vault, purpose: format!("room presence\n{collection}"), warned: Mutex::default() })
    }

    /// Seals a message that is said now; nothing where it is longer than any, or the machine gives no randomness.
    pub(super) fn seal(&self, message: &str, now: Timestamp) -> Option<String> {
        if message.len() > news::BYTES_MAX {
            return None;
        }
        let mut within = now.as_second().to_be_bytes().to_vec();
        within.extend_from_slice(message.as_bytes());
        // Spaces behind it mean nothing to whoever reads it.
        within.resize(BYTES, b' ');
        let sealed = self.vault.seal_bytes(&self.purpose, &within).ok()?;
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a message, whoever wrote it: what is within, with spaces behind it.
    ///
    /// # Errors
    /// [`Unheard`].
    pub(super) fn open(&self, message: &[u8], now: Timestamp) -> Result<Vec<u8>, Unheard> {
        if message.len() != CHARS {
            return Err(Unheard::Foreign);
        }
        let sealed = URL_SAFE_NO_PAD.decode(message).map_err(|_| Unheard::Foreign)?;
        let within = self.vault.open_bytes(&self.purpose, &sealed).map_err(|_| Unheard::Foreign)?;
        let (time, within) = within.split_first_chunk::<TIME_BYTES>().ok_or(Unheard::Foreign)?;
        let (said, now) = (i64::from_be_bytes(*time), now.as_second());
        if said.abs_diff(now) > AGE_MAX {
            return Err(Unheard::Untimely(said.saturating_sub(now)));
        }
        Ok(within.to_vec())
    }

    /// Whether it is to be told now that clocks differ: whoever repeats old messages must not fill the program's log.
    pub(super) fn warns(&self, now: Instant) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.is_some_and(|last| now.saturating_duration_since(last) < WARN_EVERY) {
            return false;
        }
        *warned = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    const NODE: Uuid = Uuid::from_u128(1);
    const MESSAGE: &str = "{\"account\":\"a-1\",\"organisation\":\"police\"}";

    fn seal(seed: u8) -> Seal {
        Seal::new(&[seed; 32], &NODE).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn open(seal: &Seal, message: &[u8], now: Timestamp) -> Result<String, Unheard> {
        seal.open(message, now).map(|within| String::from_utf8(within).unwrap().trim_end().to_owned())
    }

    #[test]
    fn the_processes_of_a_node_understand_each_other_and_nobody_else_does() {
        let (one, now) = (seal(1), at(1_800_000_000));
        let sealed = one.seal(MESSAGE, now).unwrap();
        for process in [&one, &seal(1)] {
            assert_eq!(open(process, sealed.as_bytes(), now).as_deref(), Ok(MESSAGE));
        }
        assert_eq!(seal(2).open(sealed.as_bytes(), now), Err(Unheard::Foreign), "another node's key");
        let elsewhere = Seal::new(&[1; 32], &Uuid::from_u128(2)).unwrap();
        assert_eq!(elsewhere.open(sealed.as_bytes(), now), Err(Unheard::Foreign), "another node");
        let mut within = now.as_second().to_be_bytes().to_vec();
        within.resize(BYTES, b' ');
        for (purpose, heard) in [(one.purpose.as_str(), Ok("")), ("another", Err(Unheard::Foreign))] {
            let sealed = URL_SAFE_NO_PAD.encode(one.vault.seal_bytes(purpose, &within).unwrap());
            assert_eq!(open(&one, sealed.as_bytes(), now).as_deref(), heard.as_deref(), "{purpose}");
        }
    }

    #[test]
    fn whoever_listens_sees_nothing() {
        let (one, now) = (seal(1), at(1_800_000_000));
        let longest = "x".repeat(news::BYTES_MAX);
        for message in ["", MESSAGE, MESSAGE, &longest] {
            let sealed = one.seal(message, now).unwrap();
            assert_eq!(sealed.len(), CHARS, "each is as long as any other");
            assert!(sealed.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
            let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
            for text in ["police", "account", "xxxxxx", "      "] {
                assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
            }
            assert_eq!(open(&one, sealed.as_bytes(), now).as_deref(), Ok(message));
        }
        assert_ne!(one.seal(MESSAGE, now), one.seal(MESSAGE, now), "the same is not sealed alike twice");
        assert_eq!(one.seal(&format!("{longest}x"), now), None);
    }

    #[test]
    fn what_was_altered_is_nobodys() {
        let (one, now) = (seal(1), at(1_800_000_000));
        let sealed = one.seal(MESSAGE, now).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for place in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[place] ^= 1;
            let altered = URL_SAFE_NO_PAD.encode(altered);
            assert_eq!(one.open(altered.as_bytes(), now), Err(Unheard::Foreign), "{place}");
        }
        for length in 0..sealed.len() {
            assert_eq!(one.open(&sealed.as_bytes()[..length], now), Err(Unheard::Foreign), "{length}");
        }
        for longer in [format!("{sealed}="), format!("{sealed}A"), format!(" {sealed}"), sealed.repeat(2)] {
            assert_eq!(one.open(longer.as_bytes(), now), Err(Unheard::Foreign));
        }
    }

    #[test]
    fn what_was_said_at_another_time_is_not_listened_to() {
        let (one, now) = (seal(1), at(1_800_000_000));
        let sealed = one.seal(MESSAGE, now).unwrap();
        for (later, heard) in [
            (0, Ok(MESSAGE)),
            (60, Ok(MESSAGE)),
            (-60, Ok(MESSAGE)),
            (61, Err(Unheard::Untimely(-61))),
            (-61, Err(Unheard::Untimely(61))),
            (86_400, Err(Unheard::Untimely(-86_400))),
        ] {
            let now = now + SignedDuration::from_secs(later);
            assert_eq!(open(&one, sealed.as_bytes(), now).as_deref(), heard.as_deref(), "{later}");
        }
        for (said, heard) in [(Timestamp::MIN, Timestamp::MAX), (Timestamp::MAX, Timestamp::MIN)] {
            let sealed = one.seal(MESSAGE, said).unwrap();
            assert!(matches!(one.open(sealed.as_bytes(), heard), Err(Unheard::Untimely(_))));
            assert_eq!(open(&one, sealed.as_bytes(), said).as_deref(), Ok(MESSAGE));
        }
        // Times that no clock has.
        for time in [i64::MIN, i64::MAX] {
            let mut within = time.to_be_bytes().to_vec();
            within.resize(BYTES, b' ');
            let sealed = URL_SAFE_NO_PAD.encode(one.vault.seal_bytes(&one.purpose, &within).unwrap());
            assert!(matches!(one.open(sealed.as_bytes(), now), Err(Unheard::Untimely(_))));
        }
    }

    #[test]
    fn it_is_told_once_a_minute_that_clocks_differ() {
        let (one, begun) = (seal(1), Instant::now());
        let told = (0..180).filter(|second| one.warns(begun + Duration::from_secs(*second)));
        assert_eq!(told.collect::<Vec<_>>(), [0, 60, 120]);
    }

    proptest! {
        #[test]
        fn garbage_is_nobodys(noise in proptest::collection::vec(any::<u8>(), 0..2 * CHARS)) {
            prop_assert_eq!(seal(1).open(&noise, at(0)), Err(Unheard::Foreign));
        }

        #[test]
        fn what_looks_like_a_seal_is_none(noise in "[A-Za-z0-9_-]{731}") {
            prop_assert_eq!(noise.len(), CHARS);
            prop_assert_eq!(seal(1).open(noise.as_bytes(), at(0)), Err(Unheard::Foreign));
        }

        #[test]
        fn what_is_sealed_is_opened(message in "[!-~]{0,512}", second in -60_i64..=60) {
            let one = seal(1);
            let sealed = one.seal(&message, at(second)).unwrap();
            prop_assert_eq!(open(&one, sealed.as_bytes(), at(0)), Ok(message));
        }
    }
}
