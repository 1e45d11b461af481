//! Half-done passkey ceremonies: what the authenticator's answer will be checked against.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

/// How long a person has to touch the key.
const CHALLENGE_SECONDS: Duration = Duration::from_secs(300);
/// Most ceremonies under way; beyond it the oldest is dropped, so that strangers cannot fill the memory.
const CHALLENGES_MAX: usize = 4_096;

/// A ceremony under way.
#[derive(Debug)]
pub(crate) enum Challenge {
    /// Somebody signs in.
    SignIn(DiscoverableAuthentication),
    /// An account registers a passkey.
    Register {
        /// The account.
        account: String,
        /// What the answer is checked against.
        state: PasskeyRegistration,
    },
}

/// The table of ceremonies: each is taken out once.
#[derive(Debug, Default)]
pub(crate) struct Challenges(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    open: HashMap<Uuid, Challenge>,
    /// In the order of their beginning, and so of their end. May name some that were taken already.
    ends: VecDeque<(Instant, Uuid)>,
}

impl Challenges {
    /// Keeps a ceremony and gives the id to ask for it by.
    pub(crate) fn begin(&self, challenge: Challenge, now: Instant) -> Uuid {
        let id = Uuid::new_v4();
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.drop_ended(now);
        while table.ends.len() >= CHALLENGES_MAX {
            if let Some((_, oldest)) = table.ends.pop_front() {
                table.open.remove(&oldest);
            }
        }
        table.ends.push_back((now + CHALLENGE_SECONDS, id));
        table.open.insert(id, challenge);
        id
    }

    /// Takes a ceremony out: an answer can be tried once.
    pub(crate) fn take(&self, id: Uuid, now: Instant) -> Option<Challenge> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.drop_ended(now);
        table.open.remove(&id)
    }
}

impl Table {
    fn drop_ended(&mut self, now: Instant) {
        while let Some((_, id)) = self.ends.pop_front_if(|(end, _)| *end <= now) {
            self.open.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge() -> Challenge {
        let address = url::Url::parse("http://localhost:8440").unwrap();
        let passkeys = super::super::Passkeys::new(&address, "Yagura").unwrap();
        Challenge::SignIn(passkeys.start_sign_in().unwrap().1)
    }

    #[test]
    fn an_answer_can_be_tried_once_and_in_time() {
        let (challenges, now) = (Challenges::default(), Instant::now());
        let id = challenges.begin(challenge(), now);
        assert!(challenges.take(id, now).is_some());
        assert!(challenges.take(id, now).is_none());
        let late = challenges.begin(challenge(), now);
        assert!(challenges.take(late, now + CHALLENGE_SECONDS).is_none());
    }

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let (challenges, now) = (Challenges::default(), Instant::now());
        let first = challenges.begin(challenge(), now);
        for _ in 0..CHALLENGES_MAX {
            challenges.begin(challenge(), now);
        }
        assert!(challenges.take(first, now).is_none());
        assert!(challenges.0.lock().unwrap().open.len() <= CHALLENGES_MAX);
    }
}
