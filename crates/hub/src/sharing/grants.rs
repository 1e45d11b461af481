//! Grants: an originator lets an organisation see an object beyond its markings, and the grant may end.

use std::collections::BTreeSet;
use std::time::Duration;

use oversight::{Action, Actor, AuditEvent, OrganisationId, Purpose, Realm};
use stix::Id;
use store::objects::Relabelled;
use store::requests::{self, Request, State};
use store::{Act, StoreError, Tx};

use super::{change_labels, tell};
use crate::REALM;
use crate::redaction;
use crate::state::AppState;

/// How often it is looked whether grants have ended.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Lets an organisation see every version of an object that there is.
///
/// # Errors
/// Those of the database.
pub(crate) fn grant(
    tx: &mut Tx<'_>,
    realm: &Realm,
    object: &Id,
    recipient: &OrganisationId,
) -> Result<Vec<Relabelled>, StoreError> {
    change_labels(tx, realm, object, None, |label| {
        label.granted.insert(recipient.clone());
    })
}

/// Ends a grant: it is not in force from here on, unless another one is for the same organisation and object.
///
/// # Errors
/// [`StoreError::Stale`] where it is not in force any more.
pub(crate) fn end_grants(
    tx: &mut Tx<'_>,
    realm: &Realm,
    request: &Request,
    text: &str,
) -> Result<(), StoreError> {
    let ended = Request { state: State::Ended, ..request.clone() };
    requests::answer(tx, realm, &ended, State::Granted)?;
    requests::fall(tx, realm, request)?;
    let others = requests::grants(tx, realm, &request.object)?;
    if !others.iter().any(|other| other.recipient == request.recipient) {
        let original = redaction::original_of(tx, realm, &request.object)?;
        change_labels(tx, realm, &original, None, |label| {
            label.granted.remove(&request.recipient);
        })?;
    }
    let to = BTreeSet::from([request.asker.clone(), request.recipient.clone()]);
    tell(tx, realm, to, ("release-answer", &request.id), (Some(&request.object), text))
}

/// Ends grants when their time has come, until the hub stops.
pub(crate) async fn run(state: AppState) {
    loop {
        tokio::select! {
            () = state.stopping.wait() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if let Err(error) = end_what_is_over(&state).await {
            tracing::error!(%error, "grants that are over cannot be ended");
        }
    }
}

async fn end_what_is_over(state: &AppState) -> Result<(), StoreError> {
    if state.store.read(|reader| requests::ended(reader, &REALM)).await?.is_empty() {
        return Ok(());
    }
    let written = state.store.write(|tx| {
        let mut events = Vec::new();
        for request in requests::ended(tx, &REALM)? {
            end_grants(tx, &REALM, &request, "the grant has ended")?;
            events.push(
                AuditEvent::done(Action::ReleaseChanged, Actor::Node, Purpose::Administration)
                    .on([request.object.as_str()])
                    .with("request", &request.id)
                    .with("recipient", request.recipient.as_str())
                    .with("change", "grant-ended"),
            );
        }
        Ok(if events.is_empty() { Act::bookkeeping(()) } else { Act::audited_all((), &REALM, events) })
    });
    written.await
}
