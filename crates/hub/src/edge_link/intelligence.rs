//! Indicators for an edge: a snapshot first, then what changed, as soon as it changes.
//!
//! An edge asks on with the sequence that it was given. That sequence is good as long as the edge may see the same things by the
//! same policies: when they change, what it holds may be too much or too little, and it is told to begin anew. So that a lost
//! answer does no harm, the beginning counts only once the edge has asked on from it.

use std::collections::HashMap;
use std::time::Duration;

use api::{Code, Intelligence, IntelligenceChange};
use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use oversight::Realm;
use policy::{LabelKey, Operation, TlpLabel};
use serde::Deserialize;
use serde_json::Value;
use stix::Object;
use store::objects::{Change, Row, TailFilter};
use store::{Act, Reader, StoreError, Tx, labels, objects, settings};
use tokio::time::Instant;

use crate::api::recalls;
use crate::api::summaries::{leaving, parse};
use crate::principal::{Caller, EdgeCaller};
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient, may_hear_the_end_of};
use crate::request::Query;
use crate::state::AppState;

/// Most changes of one answer.
const PAGE_MAX: usize = 5_000;
/// Longest time that an answer is held back.
const WAIT_SECONDS_MAX: u64 = 60;
/// A waiting answer looks at the policies at least so often.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct IntelligenceQuery {
    /// The sequence of the last answer; 0 begins.
    #[serde(default)]
    after: i64,
    /// Seconds to wait for news, at most 60.
    #[serde(default)]
    wait: u64,
}

/// What one read gave.
struct Read {
    answer: Intelligence,
    leaving: Vec<Leaving>,
    visible: std::sync::Arc<policy::Visible>,
}

/// Indicators that this edge may have, and what changed among them.
///
/// Answers at once when there is something to tell, else after `wait`.
#[utoipa::path(get, path = "/edge/v1/intelligence", tag = "edge link", security(("edge" = [])), params(IntelligenceQuery),
    responses((status = 200, body = Intelligence), crate::api::CallerRefusal))]
pub(super) async fn get(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    Query(query): Query<IntelligenceQuery>,
) -> Answer<Json<Intelligence>> {
    caller.demand(&state, Operation::ReportSightings)?;
    let deadline = Instant::now() + Duration::from_secs(query.wait.min(WAIT_SECONDS_MAX));
    let mut committed = state.store.committed();
    let sight = sight(&state, &caller);
    let mut after = query.after;
    let reset = !is_known(&state, &caller, &sight, after).await?;
    if reset {
        after = 0;
    } else {
        recalls::acknowledge_for_edge(&state, &caller, after).await?;
    }
    loop {
        committed.mark_unchanged();
        let read = read(&state, &caller, after, reset).await?.ok_or_else(|| {
            Failure::new(Code::SignInRefused, "this edge was removed or given to another operator meanwhile")
        })?;
        let nothing = read.answer.changes.is_empty() && !reset;
        if nothing && read.answer.more {
            after = read.answer.sequence;
            continue;
        }
        if !nothing || Instant::now() >= deadline || state.stopping.is_set() {
            return answer(&state, caller, &sight, read).await;
        }
        after = read.answer.sequence;
        tokio::select! {
            _ = committed.changed() => {}
            () = tokio::time::sleep_until(deadline.min(Instant::now() + LOOK_EVERY)) => {}
            () = state.stopping.wait() => {}
        }
        if self::sight(&state, &caller) != sight {
            // Other policies: the next question is answered by them, from the beginning.
            let sequence = query.after;
            return Ok(Json(Intelligence { sequence, more: true, reset: false, changes: Vec::new() }));
        }
    }
}

/// What decides which indicators an edge may have: the policies in force, and who its operator is.
fn sight(state: &AppState, caller: &Caller) -> String {
    let principal = &caller.principal;
    format!("{:016x} {} {}", state.engine.load().epoch(), principal.organisation, principal.organisation_role)
}

fn setting(edge: &str) -> String {
    format!("edge-sight/{edge}")
}

/// The setting with the beginning that an edge was given and has not yet asked on from. In the store, since the edge may ask on from
/// another hub.
fn beginning_setting(edge: &str) -> String {
    format!("edge-begun/{edge}")
}

fn beginning(sight: &str, sequence: i64) -> String {
    format!("{sequence} {sight}")
}

/// Whether the edge's sequence stands for what it may see now; the first question that shows so is written down.
async fn is_known(state: &AppState, caller: &Caller, sight: &str, after: i64) -> Answer<bool> {
    if after <= 0 {
        return Ok(false);
    }
    if after > *state.store.committed().borrow() {
        // Another hub may have given it, and this one not heard of it yet.
        state.store.look().await?;
    }
    if after > *state.store.committed().borrow() {
        return Ok(false);
    }
    let (realm, edge, wanted) = (caller.realm().clone(), caller.id().to_owned(), sight.to_owned());
    let kept = state.store.read(move |reader| {
        Ok((
            settings::get(reader, &realm, &setting(&edge))?,
            settings::get(reader, &realm, &beginning_setting(&edge))?,
        ))
    });
    let (kept, begun) = kept.await?;
    if kept.is_some_and(|kept| kept == wanted.as_bytes()) {
        return Ok(true);
    }
    if begun.is_none_or(|begun| begun != beginning(sight, after).as_bytes()) {
        return Ok(false);
    }
    let (realm, name) = (caller.realm().clone(), setting(caller.id()));
    let put =
        move |tx: &mut Tx<'_>| settings::put(tx, &realm, &name, wanted.as_bytes()).map(Act::bookkeeping);
    state.store.write(put).await?;
    Ok(true)
}

async fn answer(state: &AppState, caller: Caller, sight: &str, read: Read) -> Answer<Json<Intelligence>> {
    let (realm, name) = (caller.realm().clone(), beginning_setting(caller.id()));
    let recipient = Recipient { caller, door: "edge" };
    let Read { answer, leaving, visible } = read;
    let released =
        state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, answer).await?;
    let answer = released.into_inner();
    if answer.reset {
        let begun = beginning(sight, answer.sequence);
        let put =
            move |tx: &mut Tx<'_>| settings::put(tx, &realm, &name, begun.as_bytes()).map(Act::bookkeeping);
        state.store.write(put).await?;
    }
    Ok(Json(answer))
}

/// One look; nothing where the edge is not what it was when it asked.
async fn read(
    state: &AppState,
    caller: &Caller,
    after: i64,
    reset: bool,
) -> Result<Option<Read>, StoreError> {
    let (work, asker) = (state.clone(), caller.clone());
    let read = state.store.read(move |reader| {
        if asker.renewed(reader)?.is_none_or(|now| now.principal != asker.principal) {
            return Ok(None);
        }
        let visible = work.door.visible(reader, &asker.principal)?;
        let filter =
            TailFilter { visible: &visible, after, types: &["indicator"], last_only: true, limit: PAGE_MAX };
        let tail = objects::tail(reader, asker.realm(), &filter)?;
        let mut told = Told {
            reader,
            realm: asker.realm(),
            levels: HashMap::new(),
            leaving: Vec::new(),
            changes: Vec::new(),
            now: reader.now(),
            begins: after == 0,
        };
        for change in tail.changes {
            match change {
                Change::Added(row) => told.version(&row)?,
                // Who holds nothing yet has nothing to forget.
                Change::Removed { gone: true, .. } if told.begins => {}
                Change::Removed { id, gone: true, originator, .. } => {
                    if may_hear_the_end_of(reader, &asker.principal, &id, &originator)? {
                        told.changes.push(IntelligenceChange::Drop { id: id.to_string() });
                    }
                }
                Change::Removed { id, gone: false, .. } => {
                    // A newer version was withdrawn: an older one counts again.
                    if let Some(row) = objects::get(reader, asker.realm(), &visible, &id)? {
                        told.version(&row)?;
                    }
                }
            }
        }
        let answer = Intelligence { sequence: tail.through, more: tail.more, reset, changes: told.changes };
        Ok(Some(Read { answer, leaving: told.leaving, visible }))
    });
    read.await
}

/// Changes as they are told.
struct Told<'a, 'c> {
    reader: &'a Reader<'c>,
    realm: &'a Realm,
    levels: HashMap<LabelKey, Option<String>>,
    leaving: Vec<Leaving>,
    changes: Vec<IntelligenceChange>,
    now: Timestamp,
    /// Whether the edge holds nothing yet, so that it need not be told to forget.
    begins: bool,
}

impl Told<'_, '_> {
    fn version(&mut self, row: &Row) -> Result<(), StoreError> {
        let object = parse(row)?;
        if row.revoked || is_over(&object, self.now) {
            if !self.begins {
                self.changes.push(IntelligenceChange::Drop { id: row.id.to_string() });
            }
            return Ok(());
        }
        let tlp = self.level(row.label)?;
        self.leaving.push(leaving(row));
        self.changes
            .push(IntelligenceChange::Put { object: Value::Object(object.properties().clone()), tlp });
        Ok(())
    }

    fn level(&mut self, label: LabelKey) -> Result<Option<String>, StoreError> {
        if let Some(known) = self.levels.get(&label) {
            return Ok(known.clone());
        }
        let level = labels::get(self.reader, self.realm, label)?.and_then(|label| match label.tlp {
            // What a marking that nobody knows asks for may be stricter than any level beside it.
            _ if !label.unknown.is_empty() => None,
            TlpLabel::Level(level) => Some(level.name().to_owned()),
            TlpLabel::Unmarked => None,
        });
        self.levels.insert(label, level.clone());
        Ok(level)
    }
}

/// Whether an indicator's validity has ended (STIX 2.1 §4.7 `valid_until`).
fn is_over(indicator: &Object, now: Timestamp) -> bool {
    let until = indicator.text("valid_until").and_then(|text| stix::Timestamp::parse(text).ok());
    until.and_then(|until| until.instant()).is_some_and(|until| until <= now)
}
