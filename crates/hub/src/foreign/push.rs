//! Writes what a TAXII server's organisation may have into its collection.
//!
//! TAXII knows objects and their removal, and nothing of who may see what: an object that the organisation may no longer have is
//! not taken back by this way. What is withdrawn or recalled here is deleted there, where the server lets us.

use std::time::Duration;

use bytes::Bytes;
use policy::PrincipalKind;
use store::objects::{self, Change, Narrow, TailFilter};
use store::peers::Counts;
use store::taxii_links::{self, TaxiiLink};
use store::{Act, Reader, StoreError};
use taxii::client::{Client, Error, Place};

use super::{Trouble, advance, caller, place};
use crate::REALM;
use crate::principal::Caller;
use crate::release::{Leaving, Recipient};
use crate::state::AppState;

/// Changes of one request at most.
const BATCH_CHANGES_MAX: usize = 200;
/// How long the server may take to deal with a request.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);
/// Room in a body for what stands around the objects.
const ENVELOPE_BYTES: u64 = 64;

/// One step along the log.
enum Step {
    Add(Bytes),
    Remove(String, Option<String>),
}

/// What one read brought.
struct Batch {
    caller: Caller,
    visible: std::sync::Arc<policy::Visible>,
    steps: Vec<Step>,
    leaving: Vec<Leaving>,
    through: i64,
    more: bool,
}

/// Writes to the end of the log.
pub(super) async fn run(state: &AppState, link: &TaxiiLink, client: &Client) -> Result<(), Trouble> {
    let id = link.id.clone();
    let mut after = state.store.read(move |reader| taxii_links::progress(reader, &REALM, &id)).await?.pushed;
    if after >= *state.store.committed().borrow() {
        return Ok(());
    }
    let place = place(link, client, true).await?;
    let most = client.api_root(&place.root).await?.max_content_length.saturating_sub(ENVELOPE_BYTES);
    loop {
        let (work, id) = (state.clone(), link.id.clone());
        let batch = state.store.read(move |reader| look(&work, reader, &id, after)).await?;
        let Some(batch) = batch else { return Err(Trouble::Gone) };
        let recipient = Recipient { caller: batch.caller, door: "taxii-push" };
        let released = state.door.release(
            &state.store,
            &state.metrics,
            &recipient,
            &batch.visible,
            &batch.leaving,
            batch.steps,
        );
        let counts = send(client, &place, most, released.await?.into_inner()).await?;
        let id = link.id.clone();
        let (through, done) = (batch.through, counts);
        let write = move |tx: &mut store::Tx<'_>| {
            advance(tx, &id, |progress| {
                progress.pushed = through;
                progress.counts.add(&done);
            })
            .map(Act::bookkeeping)
        };
        state.store.write(write).await?;
        state.metrics.with_peer(&format!("taxii/{}", link.id), &counts);
        if !batch.more || state.stopping.is_set() {
            return Ok(());
        }
        after = batch.through;
    }
}

fn look(state: &AppState, reader: &Reader<'_>, link: &str, after: i64) -> Result<Option<Batch>, StoreError> {
    let Some(caller) = caller(reader, link, PrincipalKind::Peer)? else { return Ok(None) };
    let visible = state.door.visible(reader, &caller.principal)?;
    let filter =
        TailFilter { visible: &visible, after, types: &[], last_only: false, limit: BATCH_CHANGES_MAX };
    let narrow = Narrow { collection: Some(state.collection.key), labels: None };
    let tail = objects::narrow_tail(reader, &REALM, &filter, &narrow)?;
    let (mut steps, mut leaving) = (Vec::new(), Vec::new());
    for change in tail.changes {
        match change {
            // What it brought itself it has.
            Change::Added(row) if row.originator == caller.principal.organisation => {}
            Change::Added(row) => {
                leaving.push(Leaving::from(&row));
                steps.push(Step::Add(row.body));
            }
            Change::Removed { originator, .. } if originator == caller.principal.organisation => {}
            Change::Removed { sequence, id, version, label, originator, gone: true, .. } => {
                leaving.push(Leaving { sequence, label, originator });
                steps.push(Step::Remove(id.to_string(), version));
            }
            Change::Removed { gone: false, .. } => {}
        }
    }
    Ok(Some(Batch { caller, visible, steps, leaving, through: tail.through, more: tail.more }))
}

/// Sends runs of objects, each as long as the server takes, and removals between them.
async fn send(client: &Client, place: &Place, most: u64, steps: Vec<Step>) -> Result<Counts, Error> {
    let mut counts = Counts::default();
    let (mut run, mut bytes): (Vec<Bytes>, u64) = (Vec::new(), 0);
    for step in steps {
        match step {
            Step::Add(object) => {
                let length = u64::try_from(object.len()).unwrap_or(u64::MAX).saturating_add(1);
                if bytes.saturating_add(length) > most {
                    add(client, place, &mut run, &mut counts).await?;
                    bytes = 0;
                }
                bytes = bytes.saturating_add(length);
                run.push(object);
            }
            Step::Remove(id, version) => {
                add(client, place, &mut run, &mut counts).await?;
                bytes = 0;
                match client.delete(place, &id, version.as_deref()).await {
                    Ok(()) => counts.taken_back += 1,
                    // It is not there, or the server lets nobody delete: there is nothing more that we can do.
                    Err(Error::Refused { .. } | Error::Request { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    add(client, place, &mut run, &mut counts).await?;
    Ok(counts)
}

async fn add(client: &Client, place: &Place, run: &mut Vec<Bytes>, counts: &mut Counts) -> Result<(), Error> {
    if run.is_empty() {
        return Ok(());
    }
    let begun = client.add(place, run).await?;
    let status = client.settled(&place.root, begun, SETTLED_WITHIN).await?;
    counts.sent += status.success_count;
    for failure in status.failures.iter().take(10) {
        tracing::warn!(object = %failure.id, "a TAXII server refused an object");
    }
    run.clear();
    Ok(())
}
