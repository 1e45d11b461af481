//! Half-done passkey ceremonies and sign-ins by an identity provider. They are in the store, for the answer may come to another hub on it.

use jiff::SignedDuration;
use oversight::authorisation::{Decision, Resolution};
use serde::{Deserialize, Serialize};
use store::{Act, Store, StoreError, Tx, challenges};
use uuid::Uuid;
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use super::oidc::UnderWay;
use crate::REALM;

/// How long a person has to touch the key.
const CHALLENGE_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// How long a person has at an identity provider, which may ask for several things.
pub(crate) const PROVIDER_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// A ceremony under way.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "kebab-case")]
pub(crate) enum Challenge {
    /// Somebody signs in.
    SignIn {
        /// What the answer is checked against.
        state: DiscoverableAuthentication,
    },
    /// An account registers a passkey.
    Register {
        /// The account.
        account: String,
        /// What the answer is checked against.
        state: PasskeyRegistration,
    },
    /// Somebody is at an identity provider.
    Provider {
        /// What the answer is checked against.
        under_way: Box<UnderWay>,
    },
    /// A commissioner signs a decision on an authorisation.
    Decide {
        /// The account.
        account: String,
        /// What is signed.
        decision: Decision,
    },
    /// A commissioner signs a resolution on the commission or its frame.
    Resolve {
        /// The account.
        account: String,
        /// What is signed.
        resolution: Resolution,
    },
}

/// Keeps a ceremony and gives the id to ask for it by.
///
/// # Errors
/// Those of the store.
pub(crate) async fn begin(store: &Store, challenge: &Challenge) -> Result<Uuid, StoreError> {
    let id = Uuid::new_v4();
    let body = serde_json::to_string(challenge).map_err(|error| StoreError::Database(error.to_string()))?;
    let life = if matches!(challenge, Challenge::Provider { .. }) { PROVIDER_LIFE } else { CHALLENGE_LIFE };
    let keep = move |tx: &mut Tx<'_>| {
        let expires = tx.now().checked_add(life).unwrap_or(jiff::Timestamp::MAX);
        challenges::keep(tx, &REALM, &id, expires, &body).map(Act::bookkeeping)
    };
    store.write(keep).await?;
    Ok(id)
}

/// Takes a ceremony out: an answer can be tried once.
///
/// # Errors
/// Those of the store.
pub(crate) async fn take(store: &Store, id: Uuid) -> Result<Option<Challenge>, StoreError> {
    let body = store.write(move |tx| challenges::take(tx, &REALM, &id).map(Act::bookkeeping)).await?;
    body.map(|body| serde_json::from_str(&body).map_err(|error| StoreError::Corrupt(error.to_string())))
        .transpose()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use store::{Clock, Options};

    use super::*;

    fn challenge() -> Challenge {
        let address = url::Url::parse("http://localhost:8440").unwrap();
        let passkeys = super::super::Passkeys::new(&address, "Yagura").unwrap();
        Challenge::SignIn { state: passkeys.start_sign_in().unwrap().1 }
    }

    #[tokio::test]
    async fn an_answer_can_be_tried_once_and_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(1_793_491_200));
        let seconds = Arc::clone(&now);
        let clock =
            Clock::from_fn(move || jiff::Timestamp::from_second(seconds.load(Ordering::SeqCst)).unwrap());
        let store = Store::open(folder.path(), Options { clock, ..Options::default() }).unwrap();
        let id = begin(&store, &challenge()).await.unwrap();
        assert!(matches!(take(&store, id).await.unwrap(), Some(Challenge::SignIn { .. })));
        assert!(take(&store, id).await.unwrap().is_none());
        let late = begin(&store, &challenge()).await.unwrap();
        now.fetch_add(CHALLENGE_LIFE.as_secs(), Ordering::SeqCst);
        assert!(take(&store, late).await.unwrap().is_none());
    }
}
