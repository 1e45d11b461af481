//! The content of attachments that copies from other hubs list: fetched from the hub that gave the copy, held against size and hash that the copy says,
//! sealed and kept.
//!
//! 1. A copy that comes notes what it lists ([`came`]).
//! 2. Each content is fetched once by itself ([`run`]), so that a giver that goes away later does not matter. What fails is tried again after
//!    pauses that grow, and given up in the end; a task of its own does that, since no clock of a report may wait for another hub.
//! 3. Whoever opens one that is not here yet has it fetched at once ([`bring`]), given up or not.
//! 4. What nothing lists any more goes with the object that brought the copy (`store::reports::contents::forget`).

use std::time::Duration;

use api::Code;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use oversight::{Actor, AuditEvent, Purpose};
use regime::Attachment;
use serde::Deserialize;
use serde_json::Value as Json;
use stix::Id;
use store::peers::Peer;
use store::reports::abroad;
use store::reports::contents::{self as rows, Wanted};
use store::{Act, Reader, StoreError, Tx};

use super::abroad::hub_of;
use super::told::FILE_BYTES_MAX;
use crate::REALM;
use crate::federation::contents::fetch;
use crate::problem::{Answer, Failure};
use crate::state::AppState;

/// How long a person waits for a file that is at another hub.
pub(crate) const READER_WAIT: Duration = Duration::from_secs(30);

/// How often it is looked whether there is something to fetch.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Contents of one look, all of them at once: fewer than the other hub gives at once, so that there is room for whoever waits for one.
const FETCHES_MAX: usize = 2;
/// How long the other hub may take where nobody waits.
const FETCH_WAIT: Duration = Duration::from_secs(120);
/// How often a content is asked for, or sent; with the pauses between that is some two days.
const ATTEMPTS_MAX: u64 = 10;
/// The pause after the first time; each further one is four times as long.
const PAUSE_SECONDS_FIRST: i64 = 5;
/// The longest pause.
const PAUSE_SECONDS_MAX: i64 = 86_400;
/// When a person may try again.
const READER_PAUSE: Duration = Duration::from_secs(30);
/// Files of one copy that are looked at: as many as a report holds.
const LISTED_MAX: usize = 200;

/// Why a content is not here.
#[derive(Debug)]
pub(crate) enum NotBrought {
    /// Its hub is not asked from here: it sends of its own accord, or the exchange with it has ended.
    NoWay,
    /// Its hub does not answer as it should; why, for the log.
    Away(String),
    /// Its hub does not give it.
    NotGiven,
    /// What its hub gives is not what the copy lists.
    Wrong,
    /// It is here and could not be kept.
    Failed(Failure),
}

impl From<StoreError> for NotBrought {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<NotBrought> for Failure {
    /// What the reader of the copy is told, with the remedy. That there is such a file it reads in the copy.
    fn from(why: NotBrought) -> Self {
        match why {
            NotBrought::NoWay => Self::new(
                Code::Unavailable,
                "the file is not here yet: the hub that gave the copy cannot be asked from here, and sends it by itself where it can; \
                 look again later, or ask the organisation that gave the copy",
            ),
            NotBrought::Away(cause) => Self::new(
                Code::Unavailable,
                "the file is not here yet, and the hub that gave the copy cannot be reached now; try again later",
            )
            .caused_by(cause)
            .retry_after(READER_PAUSE),
            NotBrought::NotGiven => Self::new(
                Code::NotFound,
                "the hub that gave the copy does not give this file, or not any more; ask the organisation that gave the copy",
            ),
            NotBrought::Wrong => Self::new(
                Code::Unprocessable,
                "what the other hub gives is not the file that the copy lists: its size or SHA-256 differs, and nothing of it is kept; \
                 call the organisation that gave the copy by a way that you know",
            ),
            NotBrought::Failed(failure) => failure,
        }
    }
}

/// What a copy lists, as far as it may be attached to a report.
pub(crate) fn listed(copy: &[u8]) -> Vec<Attachment> {
    let form: Json = serde_json::from_slice(copy).unwrap_or_default();
    let lines = form.get("lines").and_then(Json::as_array).into_iter().flatten();
    let lines = lines.filter(|line| line.get("field").and_then(Json::as_str) == Some("@attachments"));
    let files = lines.filter_map(|line| line.get("value").and_then(Json::as_array)).flatten();
    let fits = |file: &Attachment| {
        file.is_legal() && usize::try_from(file.size).is_ok_and(|size| size <= FILE_BYTES_MAX)
    };
    files.filter_map(|file| Attachment::deserialize(file).ok()).filter(fits).take(LISTED_MAX).collect()
}

/// What a content is sealed for: moved to another report or under another hash, it does not open.
pub(crate) fn purpose(report: &Id, sha256: &str) -> String {
    format!("report file {report} {sha256}")
}

/// Notes what a copy lists that came in an object.
///
/// # Errors
/// Those of the database.
pub(crate) fn came(tx: &mut Tx<'_>, (report, object): (&Id, &Id), copy: &str) -> Result<(), StoreError> {
    for file in listed(copy.as_bytes()) {
        match rows::list(tx, &REALM, (report, object), (&file.sha256, file.size)) {
            // More than a report may hold: the copy shows them, and nobody fetches them.
            Err(StoreError::Limit { .. }) => return Ok(()),
            listed => listed?,
        }
    }
    Ok(())
}

/// When something is tried next that was tried `attempts` times before this time; never after the last time.
pub(crate) fn next_try(now: Timestamp, attempts: u64) -> Option<Timestamp> {
    if attempts.saturating_add(1) >= ATTEMPTS_MAX {
        return None;
    }
    let growth = 4_i64.saturating_pow(u32::try_from(attempts).unwrap_or(u32::MAX));
    let pause = PAUSE_SECONDS_FIRST.saturating_mul(growth).min(PAUSE_SECONDS_MAX);
    now.checked_add(SignedDuration::from_secs(pause)).ok()
}

/// Fetches, until the hub stops, what copies list.
pub(crate) async fn run(state: AppState) {
    loop {
        tokio::select! {
            () = state.stopping.wait() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let looked = tokio::select! {
            () = state.stopping.wait() => return,
            looked = look(&state) => looked,
        };
        if let Err(error) = looked {
            tracing::error!(%error, "attachments of reports of other hubs cannot be looked after");
        }
    }
}

async fn look(state: &AppState) -> Result<(), StoreError> {
    let due = state.store.read(|reader| rows::due(reader, &REALM, FETCHES_MAX)).await?;
    let fetched = join_all(due.into_iter().map(|wanted| try_once(state, wanted))).await;
    fetched.into_iter().collect()
}

/// Fetches one content, unless another process does.
async fn try_once(state: &AppState, mut wanted: Wanted) -> Result<(), StoreError> {
    let claimed = wanted.clone();
    let claim = move |tx: &mut Tx<'_>| {
        let next = next_try(tx.now(), claimed.attempts);
        rows::put_off(tx, &REALM, &claimed, next).map(Act::bookkeeping)
    };
    if !state.store.write(claim).await? {
        return Ok(());
    }
    wanted.attempts = wanted.attempts.saturating_add(1);
    let Err(why) = bring(state, &wanted, FETCH_WAIT).await else { return Ok(()) };
    tracing::debug!(?why, "an attachment of a report of another hub is not here yet");
    // What was wrong once is not asked for again by itself, nor what there is no room for.
    let is_hopeless = match &why {
        NotBrought::Wrong => true,
        NotBrought::Failed(failure) => failure.code() == Code::Unprocessable,
        NotBrought::NoWay | NotBrought::Away(_) | NotBrought::NotGiven => false,
    };
    if is_hopeless { give_up(state, wanted).await } else { Ok(()) }
}

async fn give_up(state: &AppState, wanted: Wanted) -> Result<(), StoreError> {
    let write = move |tx: &mut Tx<'_>| rows::put_off(tx, &REALM, &wanted, None).map(|_| Act::bookkeeping(()));
    state.store.write(write).await
}

/// Fetches a content that is wanted from the hub that gave the copy, and keeps it.
///
/// # Errors
/// [`NotBrought`]; then nothing is kept.
pub(crate) async fn bring(state: &AppState, wanted: &Wanted, patience: Duration) -> Result<(), NotBrought> {
    let report = wanted.report.clone();
    let look = move |reader: &Reader<'_>| match abroad::giver(reader, &REALM, &report)? {
        Some(giver) => hub_of(reader, &giver),
        None => Ok(None),
    };
    let (peer, _) = state.store.read(look).await?.ok_or(NotBrought::NoWay)?;
    let content = fetch(state, &peer, wanted, patience).await;
    if matches!(content, Err(NotBrought::Wrong)) {
        refuse(state, &peer, wanted).await?;
    }
    keep(state, wanted, &content?).await.map_err(NotBrought::Failed)
}

/// Seals a content that is what the copy lists, and keeps it where it is still wanted.
///
/// # Errors
/// There is no room for it; those of the database.
pub(crate) async fn keep(state: &AppState, wanted: &Wanted, content: &[u8]) -> Answer<()> {
    let (report, sha256) = (wanted.report.clone(), wanted.sha256.clone());
    let sealed = state.vault.seal_bytes(&purpose(&report, &sha256), content).map_err(Failure::internal)?;
    let write = move |tx: &mut Tx<'_>| {
        rows::keep(tx, &REALM, (&report, &sha256), &sealed).map(|_| Act::bookkeeping(()))
    };
    Ok(state.store.write(write).await?)
}

/// Writes down that a hub gave something else than what the copy lists.
///
/// # Errors
/// Those of the database.
pub(crate) async fn refuse(state: &AppState, peer: &Peer, wanted: &Wanted) -> Result<(), StoreError> {
    tracing::error!(
        peer = peer.id,
        "what a peer gives as an attachment of a report is not what its copy lists; nothing of it is kept"
    );
    let actor = Actor::Program { id: peer.id.clone(), organisation: peer.organisation.clone() };
    let event = AuditEvent::refused(actor, Purpose::CollectiveDefence, "wrong-content")
        .on([wanted.report.as_str()])
        .with("sha256", &wanted.sha256)
        .with("peer", peer.id.clone());
    state.store.write(move |_| Ok(Act::audited((), &REALM, event))).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(name: &str, size: u64, sha256: &str) -> Json {
        json!({ "name": name, "size": size, "sha256": sha256 })
    }

    #[test]
    fn only_what_may_be_attached_is_listed() {
        let good = file("a.pdf", 7, &"a".repeat(64));
        let check = |field: &str, value: Json, expected: usize| {
            let copy = json!({ "lines": [{ "field": "summary", "value": "x" }, { "field": field, "value": value }] });
            assert_eq!(listed(copy.to_string().as_bytes()).len(), expected, "{copy}");
        };
        check("@attachments", json!([good, good]), 2);
        check("@kind", json!([good]), 0);
        check("@attachments", json!("a.pdf"), 0);
        check("@attachments", json!([good, 1, file("b", 1, "no hash"), file("../b", 1, &"b".repeat(64))]), 1);
        check("@attachments", json!([file("b", (32 << 20) + 1, &"b".repeat(64))]), 0);
        check("@attachments", json!(vec![good; 300]), LISTED_MAX);
        assert!(listed(b"no JSON").is_empty());
    }

    #[test]
    fn pauses_grow_and_end() {
        let (mut at, mut pauses) = (Timestamp::UNIX_EPOCH, Vec::new());
        while let Some(next) = next_try(at, u64::try_from(pauses.len()).unwrap()) {
            pauses.push(next.duration_since(at).as_secs());
            at = next;
        }
        assert_eq!(pauses, [5, 20, 80, 320, 1_280, 5_120, 20_480, 81_920, 86_400]);
        assert_eq!(next_try(at, u64::MAX), None);
    }
}
