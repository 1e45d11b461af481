//! Takes notices out of the queue and hands them to the other side, again and again for a while.

use jiff::SignedDuration;
use store::alerts::{Alert, State, Way};
use store::saved_searches::SavedSearch;
use store::{Act, StoreError, alerts, saved_searches};

use super::mail::{self, Mailer};
use super::message::{self, Message};
use super::webhook::Webhooks;
use crate::api::summaries::{Teller, leaving};
use crate::config::HubConfig;
use crate::principal;
use crate::release::Recipient;
use crate::state::AppState;

/// Notices sent in one round.
const ROUND_MAX: usize = 50;
/// How often sending is tried; with the pauses of [`pause`] that is over about three hours.
pub(super) const ATTEMPTS_MAX: u64 = 8;

/// Longer than any attempt takes.
pub(super) const CLAIM: SignedDuration = SignedDuration::from_secs(120);

/// What sends.
pub(super) struct Sender {
    mailer: Option<Mailer>,
    webhooks: Option<Webhooks>,
}

/// What became of one attempt.
enum Outcome {
    Sent,
    /// Nothing is left that the owner may see.
    Withheld,
    /// A code; it may go better later.
    Trouble(&'static str),
    /// A code; it will not go better.
    GivenUp(&'static str),
}

impl Sender {
    pub(super) fn new(config: &HubConfig) -> Self {
        let mailer = config.mail.as_ref().and_then(|mail| {
            Mailer::new(mail).map_err(|why| tracing::error!(why, "mail cannot be sent")).ok()
        });
        let webhooks = Webhooks::new(config.webhooks_to_private_addresses);
        let webhooks = webhooks.map_err(|error| tracing::error!(%error, "webhooks cannot be sent")).ok();
        Self { mailer, webhooks }
    }

    /// What sends mail, where it is configured.
    pub(super) fn mailer(&self) -> Option<&Mailer> {
        self.mailer.as_ref()
    }

    /// What sends to webhooks.
    pub(super) fn webhooks(&self) -> Option<&Webhooks> {
        self.webhooks.as_ref()
    }

    /// Sends what is due.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn send_due(&self, state: &AppState) -> Result<(), StoreError> {
        let due = state.store.read(|reader| alerts::due(reader, &crate::REALM, reader.now(), ROUND_MAX));
        // One slow receiver does not hold up the others.
        let sent = due.await?.into_iter().map(|notice| async move {
            if !claim(state, &notice).await? {
                return Ok(());
            }
            let outcome = self.send(state, &notice).await?;
            settle(state, notice, outcome).await
        });
        futures::future::try_join_all(sent).await.map(drop)
    }

    async fn send(&self, state: &AppState, notice: &Alert) -> Result<Outcome, StoreError> {
        let Some((search, message)) = released(state, notice).await? else { return Ok(Outcome::Withheld) };
        Ok(match notice.way {
            Way::Stream => Outcome::Sent,
            Way::Mail => match (&self.mailer, &search.mail) {
                (Some(mailer), Some(to)) => match mailer.send(to, &message).await {
                    Ok(()) => Outcome::Sent,
                    Err(mail::Trouble::Passing(code)) => Outcome::Trouble(code),
                    Err(mail::Trouble::Final(code)) => Outcome::GivenUp(code),
                },
                _ => Outcome::GivenUp("mail-not-configured"),
            },
            Way::Webhook => match (&self.webhooks, &search.webhook, &search.secret) {
                (Some(webhooks), Some(address), Some(secret)) => {
                    match webhooks.send(address, secret, &notice.id, &message).await {
                        Ok(()) => Outcome::Sent,
                        Err(code) => Outcome::Trouble(code),
                    }
                }
                _ => Outcome::GivenUp("webhook-not-configured"),
            },
        })
    }
}

/// What may be told of a notice now, to its owner as it is now. Passing the door writes it down before it leaves.
async fn released(state: &AppState, notice: &Alert) -> Result<Option<(SavedSearch, Message)>, StoreError> {
    let (work, notice_id) = (state.clone(), notice.id.clone());
    let (search_id, ids, way) = (notice.search.clone(), notice.objects.clone(), notice.way);
    let found = state.store.read(move |reader| {
        let Some(search) = saved_searches::get(reader, &crate::REALM, &search_id)? else { return Ok(None) };
        let Some(caller) = principal::of_owner(reader, &search.owner)? else { return Ok(None) };
        let mut teller = Teller::new(reader, &work.door, &caller.principal)?;
        let mut objects = Vec::new();
        let mut parts = Vec::new();
        for id in &ids {
            if let Some((row, summary)) = teller.object_by_id(id)? {
                parts.push(leaving(&row));
                objects.push(summary);
            }
        }
        if objects.is_empty() {
            return Ok(None);
        }
        let message = message::of(&work, &search, &notice_id, objects, reader.now());
        Ok(Some((search, caller, message, parts, teller.visible)))
    });
    let Some((search, caller, message, parts, visible)) = found.await? else { return Ok(None) };
    // Mail tells how many, and nothing of any object.
    let (door, parts) = if way == Way::Mail { ("mail", Vec::new()) } else { ("webhook", parts) };
    let recipient = Recipient { caller, door };
    let passed =
        state.door.release(&state.store, &state.metrics, &recipient, &visible, &parts, message).await;
    Ok(passed.ok().map(|message| (search, message.into_inner())))
}

/// Takes a notice for a while, so that no other process of this node sends it as well; whether it was still to be had. Where this
/// process dies over it, it is due again.
async fn claim(state: &AppState, notice: &Alert) -> Result<bool, StoreError> {
    let id = notice.id.clone();
    let claimed = state.store.write(move |tx| {
        let until = tx.now() + CLAIM;
        alerts::claim(tx, &crate::REALM, &id, until).map(Act::bookkeeping)
    });
    claimed.await
}

async fn settle(state: &AppState, notice: Alert, outcome: Outcome) -> Result<(), StoreError> {
    let attempts = notice.attempts + 1;
    let (next, trouble) = match outcome {
        Outcome::Sent => (State::Sent, None),
        Outcome::Withheld => (State::Withheld, None),
        Outcome::Trouble(code) if attempts < ATTEMPTS_MAX => (State::Waiting, Some(code)),
        Outcome::Trouble(code) | Outcome::GivenUp(code) => (State::Failed, Some(code)),
    };
    if let Some(code) = trouble {
        tracing::warn!(notice = notice.id, way = notice.way.name(), attempts, code, "an alert was not taken");
    }
    let settled = state.store.write(move |tx| {
        let due = tx.now() + pause(attempts);
        alerts::settle(tx, &crate::REALM, &notice.id, next, (due, trouble)).map(Act::bookkeeping)
    });
    settled.await
}

/// Ten seconds after the first attempt, then three times as long each time.
pub(super) fn pause(attempts: u64) -> SignedDuration {
    let power = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(8);
    SignedDuration::from_secs(10 * 3_i64.pow(power))
}
