//! Passwords, kept as argon2id hashes (RFC 9106).

use std::sync::Arc;

use api::{Code, Secret};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::problem::Failure;

/// Shortest password, in characters.
pub(crate) const PASSWORD_CHARACTERS_MIN: usize = 12;
/// Longest password, in characters.
pub(crate) const PASSWORD_CHARACTERS_MAX: usize = 256;
/// Hashes computed at once: each takes 19 MiB and a core, and strangers may ask for them.
const HASHES_AT_ONCE_MAX: usize = 2;
/// Most attempts that may wait for their turn.
const WAITING_MAX: usize = 64;
/// A hash of no password: an unknown name is checked against it and takes as long as a known one. It is written down because working
/// one out at the start would leave its 19 MiB with the allocator of a hub that does nothing.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Y4KzzIgUErd7/K7tAmABwA$2Yxp8fZuezrpDqEKtQpD4v5MTGi6koAdwQLGXz5ptCM";

/// Hashes and checks passwords away from the threads that serve requests.
#[derive(Debug)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

/// Why a password was not checked or hashed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Too many are waiting.
    #[error("too many sign-ins at once")]
    Busy,
    /// The hash function failed.
    #[error("the password cannot be hashed: {0}")]
    Failed(String),
}

impl From<PasswordError> for Failure {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => {
                Self::new(Code::Unavailable, "too many sign-ins at once; try again in a few seconds")
            }
            PasswordError::Failed(cause) => Self::internal(cause),
        }
    }
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(HASHES_AT_ONCE_MAX)),
            queue: Arc::new(Semaphore::new(WAITING_MAX)),
        }
    }

    /// Whether the password is the one that was hashed. `None` stands for an unknown name and is never right.
    pub(crate) async fn verify(&self, password: Secret, kept: Option<String>) -> Result<bool, PasswordError> {
        let known = kept.is_some();
        let kept = kept.unwrap_or_else(|| NOBODY.to_owned());
        let right = self.in_turn(move || Ok(verify(&password, &kept))).await?;
        Ok(right && known)
    }

    /// The hash to keep.
    pub(crate) async fn hash(&self, password: Secret) -> Result<String, PasswordError> {
        self.in_turn(move || hash(&password)).await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _place = self.queue.try_acquire().map_err(|_| PasswordError::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        let task = tokio::task::spawn_blocking(move || {
            // Held until the work is over, also where the caller has gone away.
            let _turn = turn;
            work()
        });
        task.await.map_err(|e| PasswordError::Failed(e.to_string()))?
    }
}

/// Whether a password may be chosen; else why not.
pub(crate) fn judge(password: &str, login: &str) -> Result<(), String> {
    let length = password.chars().count();
    if !(PASSWORD_CHARACTERS_MIN..=PASSWORD_CHARACTERS_MAX).contains(&length) {
        return Err(format!(
            "a password has {PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX} characters, this one {length}"
        ));
    }
    let mut kinds: Vec<char> = password.chars().collect();
    kinds.sort_unstable();
    kinds.dedup();
    let holds_login = login.len() >= 4 && password.to_lowercase().contains(&login.to_lowercase());
    if kinds.len() < 4 || holds_login {
        return Err("a password neither repeats a few characters nor holds the sign-in name".to_owned());
    }
    Ok(())
}

/// Argon2id, 19 MiB, 2 passes, 1 lane: what the library recommends, and OWASP.
fn hash(password: &str) -> Result<String, PasswordError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|e| PasswordError::Failed(e.to_string()))
}

fn verify(password: &str, kept: &str) -> bool {
    PasswordHash::new(kept)
        .is_ok_and(|kept| Argon2::default().verify_password(password.as_bytes(), &kept).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_costs_what_a_known_one_does() {
        let cost = |kept: &str| {
            let kept = PasswordHash::new(kept).unwrap();
            let length = kept.hash.map(|hash| hash.as_bytes().len());
            (kept.algorithm.to_string(), kept.version, kept.params.to_string(), length)
        };
        assert_eq!(cost(NOBODY), cost(&hash("鍵は置いていかない 2026").unwrap()));
    }

    #[tokio::test]
    async fn only_the_same_password_is_right() {
        let passwords = Passwords::new();
        let kept = passwords.hash("鍵は置いていかない 2026".to_owned().into()).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_eq!(
            passwords.verify("鍵は置いていかない 2026".to_owned().into(), Some(kept.clone())).await,
            Ok(true)
        );
        assert_eq!(
            passwords.verify("鍵は置いていかない 2027".to_owned().into(), Some(kept)).await,
            Ok(false)
        );
        assert_eq!(passwords.verify("x".to_owned().into(), None).await, Ok(false));
        assert_eq!(passwords.verify("x".to_owned().into(), Some("not a hash".to_owned())).await, Ok(false));
    }

    fn check(password: &str, may: bool) {
        assert_eq!(judge(password, "sato").is_ok(), may, "{password}");
    }

    #[test]
    fn weak_passwords_are_refused() {
        check("correct horse battery", true);
        check("short", false);
        check("aaaaaaaaaaaaaaaa", false);
        check("abababababababab", false);
        check("i-am-SATO-2026!", false);
        check(&"x7-q".repeat(65), false);
    }
}
