//! Reads a TAXII server on from where it stopped.

use std::sync::Arc;

use bytes::Bytes;
use policy::PrincipalKind;
use serde_json::value::RawValue;
use store::peers::Counts;
use store::taxii_links::{self, TaxiiLink};
use store::{Act, StoreError, Tx};
use taxii::client::{Client, Cursor, Filters};
use tokio::task::spawn_blocking;

use super::{Trouble, advance, caller, place};
use crate::REALM;
use crate::ingest::{self, Outcome, Submission, Verdict};
use crate::state::AppState;

/// The code of a write that was given up because the link is not there any more.
const LINK_GONE: &str = "link-gone";

/// Reads to the end.
pub(super) async fn run(state: &AppState, link: &TaxiiLink, client: &Client) -> Result<(), Trouble> {
    let id = link.id.clone();
    let progress = state.store.read(move |reader| taxii_links::progress(reader, &REALM, &id)).await?;
    // A cursor that cannot be read is as good as none: what is known already is a duplicate.
    let cursor: Cursor = serde_json::from_str(&progress.pulled).unwrap_or_default();
    let mut poll = client.poll(place(link, client, false).await?, Filters::default(), cursor);
    while let Some(page) = poll.next_page().await? {
        let cursor = serde_json::to_string(&poll.cursor()).unwrap_or_default();
        take(state, link, &page.objects, cursor).await?;
        if state.stopping.is_set() {
            return Ok(());
        }
    }
    Ok(())
}

/// A page and the cursor behind it, in one transaction.
async fn take(
    state: &AppState,
    link: &TaxiiLink,
    objects: &[Box<RawValue>],
    cursor: String,
) -> Result<(), Trouble> {
    let members: Vec<Bytes> =
        objects.iter().map(|object| Bytes::copy_from_slice(object.get().as_bytes())).collect();
    let read = spawn_blocking(move || {
        (Arc::new(ingest::markings_in(&members)), members.iter().map(ingest::read).collect::<Vec<_>>())
    });
    let (markings, readings) = read.await.map_err(|_| StoreError::Closed)?;
    let (door, collection, id) = (state.door.clone(), state.collection.key, link.id.clone());
    let write = move |tx: &mut Tx<'_>| {
        let caller = caller(tx, &id, PrincipalKind::Program)?;
        let caller =
            caller.ok_or_else(|| StoreError::Abandoned { code: LINK_GONE, message: String::new() })?;
        let submission = Submission::of(&caller, collection);
        let verdicts = ingest::add_in(tx, &door, &submission, &markings, readings)?;
        let counts = counted(&verdicts);
        advance(tx, &id, |progress| {
            progress.pulled = cursor;
            progress.counts.add(&counts);
        })?;
        let events = ingest::events(&submission, &verdicts);
        let events: Vec<_> = events.into_iter().map(|event| event.with("taxii", id.clone())).collect();
        Ok(if events.is_empty() {
            Act::bookkeeping(counts)
        } else {
            Act::audited_all(counts, &REALM, events)
        })
    };
    match state.store.write(write).await {
        Err(StoreError::Abandoned { code: LINK_GONE, .. }) => Err(Trouble::Gone),
        Err(error) => Err(error.into()),
        Ok(counts) => {
            state.metrics.with_peer(&format!("taxii/{}", link.id), &counts);
            Ok(())
        }
    }
}

fn counted(verdicts: &[Verdict]) -> Counts {
    let mut counts = Counts::default();
    for verdict in verdicts {
        match &verdict.outcome {
            Outcome::Accepted { .. } => counts.accepted += 1,
            Outcome::Duplicate { .. } => counts.duplicates += 1,
            Outcome::Refused { code, .. } => {
                counts.refused += 1;
                counts.conflicts += u64::from(code == "content-conflict");
            }
        }
    }
    counts
}
