//! Tells of emergencies that were raised, by mail and to a webhook, at once. Both say which organisation, until when and where to look;
//! who it is and what for stays inside.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use store::emergencies::{self, Emergency};
use store::{Act, StoreError};

use super::deliver::{ATTEMPTS_MAX, CLAIM, Sender, pause};
use super::mail;
use crate::REALM;
use crate::state::AppState;

/// Nobody is told for the first time of what was raised longer ago.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// The body of a webhook's message.
#[derive(Debug, Serialize)]
struct Message {
    /// `emergency.raised`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When it was sent.
    timestamp: String,
    data: Data,
}

#[derive(Debug, Serialize)]
struct Data {
    emergency: String,
    organisation: String,
    raised: String,
    until: String,
    link: String,
}

impl Sender {
    /// Tells by mail of emergencies that were raised within a day; what cannot be sent is tried again.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn tell_emergencies(&self, state: &AppState) -> Result<(), StoreError> {
        let (Some(mailer), to) = (self.mailer(), &state.config.emergency.mail) else { return Ok(()) };
        if to.is_empty() {
            return Ok(());
        }
        let untold =
            state.store.read(|reader| emergencies::untold(reader, &REALM, reader.now() - TOLD_WITHIN));
        for emergency in untold.await? {
            let subject = format!("[Yagura] 緊急アクセス / emergency access: {}", emergency.organisation);
            let words = format!("{}\n{} – {}\n", link(state), emergency.raised, emergency.until);
            let mut is_told = true;
            for address in to {
                let sent = mailer.send_words(address, subject.clone(), words.clone()).await;
                is_told &= !matches!(sent, Err(mail::Trouble::Passing(_)));
            }
            if is_told {
                let told = move |tx: &mut store::Tx<'_>| {
                    emergencies::mark_told(tx, &REALM, &emergency.id).map(Act::bookkeeping)
                };
                state.store.write(told).await?;
            }
        }
        Ok(())
    }

    /// Tells the webhook, where one is configured.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn ring_emergencies(&self, state: &AppState) -> Result<(), StoreError> {
        let (Some(webhooks), Some(to)) = (self.webhooks(), &state.config.emergency.webhook) else {
            return Ok(());
        };
        let due =
            state.store.read(|reader| emergencies::rings_due(reader, &REALM, reader.now() - TOLD_WITHIN));
        for (emergency, attempts) in due.await? {
            // Taken for a while first: where this process dies over it, it is due again.
            if !put_off(state, &emergency.id, (attempts, attempts + 1), Some(CLAIM)).await? {
                continue;
            }
            let attempts = attempts + 1;
            let message = message(state, &emergency);
            // The emergency's id, so that a receiver that is told twice knows it.
            let again = match webhooks.send(&to.address, &to.secret, &emergency.id, &message).await {
                Ok(()) => None,
                Err(code) => {
                    tracing::warn!(code, attempts, "the webhook for emergencies did not take one");
                    (attempts < ATTEMPTS_MAX).then(|| pause(attempts))
                }
            };
            put_off(state, &emergency.id, (attempts, attempts), again).await?;
        }
        Ok(())
    }
}

/// Notes when it is tried next; `None`: never again. Whether it was still to be had.
async fn put_off(
    state: &AppState,
    id: &str,
    attempts: (u64, u64),
    until: Option<SignedDuration>,
) -> Result<bool, StoreError> {
    let id = id.to_owned();
    let write = move |tx: &mut store::Tx<'_>| {
        let next = until.map(|pause| tx.now() + pause);
        emergencies::put_off_ring(tx, &REALM, &id, attempts, next).map(Act::bookkeeping)
    };
    state.store.write(write).await
}

fn link(state: &AppState) -> String {
    format!("{}administration/emergencies", state.address)
}

fn message(state: &AppState, emergency: &Emergency) -> Message {
    Message {
        kind: "emergency.raised",
        timestamp: Timestamp::now().to_string(),
        data: Data {
            emergency: emergency.id.clone(),
            organisation: emergency.organisation.as_str().to_owned(),
            raised: emergency.raised.to_string(),
            until: emergency.until.to_string(),
            link: link(state),
        },
    }
}
