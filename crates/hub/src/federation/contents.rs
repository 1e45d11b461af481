//! The content of attachments that copies of reports list, from the hub where the report is kept to that of whoever was given a copy.
//!
//! - A peer asks for it ([`give`], [`fetch`]), by report and SHA-256. It is given what a copy lists that went to an organisation of its hub, as long as
//!   that copy may still be given to it; all else is not there. Before the bytes leave, an act and the ledger say so.
//! - A hub that nobody can reach sends it after the copy ([`send_owed`], [`take`]), by the same rule.
//!
//! Whoever takes it holds it against the size and the hash that the copy says, and keeps nothing else.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use api::Code;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{StatusCode, header};
use oversight::{Action, AuditEvent};
use policy::Visible;
use sha2::{Digest, Sha256};
use stix::Id;
use store::peers::{Peer, State as PeerState, Way};
use store::reports::contents::{self as rows, Owed, Wanted};
use store::reports::{abroad, file};
use store::{Act, Reader, StoreError, Tx, objects};

use super::card::Card;
use super::links::Remote;
use super::pull::{address, client, good, link};
use super::receive::Trouble;
use super::serve::PeerCaller;
use crate::REALM;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::reports::InHand;
use crate::reports::abroad::lets_pass;
use crate::reports::contents::{NotBrought, keep, listed, next_try, purpose, refuse};
use crate::reports::told::FILE_BYTES_MAX;
use crate::room::names::speaks_for;
use crate::state::AppState;

/// The route: report and SHA-256.
pub(super) const ROUTE: &str = "/peer/v1/contents/{report}/{sha256}";

/// Contents that one peer fetches or sends at once: each is held in memory.
const AT_ONCE_MAX: usize = 6;
/// Longest silence within a content.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long the peer may take over a content that is sent to it: the link waits for it.
const SEND_WAIT: Duration = Duration::from_secs(120);
/// Bytes that are handed over at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// What is given to a peer, and what is written down about it.
struct Given {
    caller: Caller,
    visible: Arc<Visible>,
    leaving: Leaving,
    sealed: Vec<u8>,
}

/// A content that a peer fetches or sends.
struct Busy {
    state: AppState,
    peer: String,
}

impl Busy {
    fn begin(state: &AppState, peer: &str) -> Answer<Self> {
        let has_room = state.federation.lives.with(peer, |live| {
            let has_room = live.contents < AT_ONCE_MAX;
            live.contents += usize::from(has_room);
            has_room
        });
        if !has_room {
            return Err(Failure::new(
                Code::TooMany,
                "your other files are still on their way; try again later",
            ));
        }
        Ok(Self { state: state.clone(), peer: peer.to_owned() })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.state.federation.lives.with(&self.peer, |live| live.contents = live.contents.saturating_sub(1));
    }
}

/// The content of an attachment, for the hub of whoever was given a copy that lists it.
pub(super) async fn give(
    State(state): State<AppState>,
    PeerCaller(peer): PeerCaller,
    Path((report, sha256)): Path<(String, String)>,
) -> Answer<Response> {
    let busy = Busy::begin(&state, &peer.id)?;
    let report = Id::parse(&report).map_err(|_| Failure::not_found())?;
    let content = Bytes::from(disclosed(&state, &peer, (report, sha256)).await?);
    // It counts until the peer has read it.
    let parts = futures::stream::unfold((content, busy), |(mut rest, busy)| async move {
        if rest.is_empty() {
            return None;
        }
        let part = rest.split_to(rest.len().min(CHUNK_BYTES));
        Some((Ok::<_, Infallible>(part), (rest, busy)))
    });
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((kind, Body::from_stream(parts)).into_response())
}

/// A content on its way to a peer, after it was written down that the peer is given it.
async fn disclosed(state: &AppState, peer: &Peer, (report, sha256): (Id, String)) -> Answer<Vec<u8>> {
    let (work, id) = (state.clone(), peer.id.clone());
    let sealed_for = purpose(&report, &sha256);
    let look = move |tx: &mut Tx<'_>| {
        let given = given(tx, &work, &id, (&report, &sha256))?;
        let given = given.ok_or_else(|| StoreError::NotFound { what: sha256.clone() })?;
        let caller = &given.caller;
        let act = AuditEvent::done(Action::ReportRead, caller.actor.clone(), caller.purpose)
            .on([report.as_str()])
            .with("sha256", sha256)
            .with("peer", id);
        Ok(Act::audited(given, &REALM, act))
    };
    let given = state.store.write(look).await?;
    let content = state.vault.open_bytes(&sealed_for, &given.sealed).map_err(Failure::internal)?;
    let recipient = Recipient { caller: given.caller, door: "peer" };
    let fresh = [given.leaving];
    let released =
        state.door.release(&state.store, &state.metrics, &recipient, &given.visible, &fresh, content).await;
    match released {
        Ok(released) => Ok(released.into_inner()),
        // What is not for it is not there, whichever check says so.
        Err(failure) if failure.code() == Code::NotAllowed => Err(Failure::not_found()),
        Err(failure) => Err(failure),
    }
}

/// What a peer may be given now: what stands in a copy that went to an organisation of its hub, where it may read what carries the copy.
fn given(
    reader: &Reader<'_>,
    state: &AppState,
    peer: &str,
    (report, sha256): (&Id, &str),
) -> Result<Option<Given>, StoreError> {
    let Some((peer, caller)) = super::caller(reader, peer)? else { return Ok(None) };
    let Some(found) = InHand::any(reader, &REALM, report)? else { return Ok(None) };
    // What its organisation has withdrawn is given to nobody.
    let stands = found.report.record().attachments.iter().any(|file| file.sha256 == sha256);
    if !stands || !lets_pass(reader, &state.engine.load(), &peer, &found.head.organisation)? {
        return Ok(None);
    }
    let visible = state.door.visible(reader, &caller.principal)?;
    for one in abroad::given(reader, &REALM, report)? {
        let went_there = found.filed.iter().any(|filed| {
            filed.event == one.event
                && filed.given_to.as_ref().is_some_and(|to| speaks_for(&peer.hub, to))
                && listed(&filed.copy).iter().any(|file| file.sha256 == sha256)
        });
        if !went_there {
            continue;
        }
        if let Some(row) = objects::get(reader, &REALM, &visible, &one.object)? {
            let sealed = file(reader, &REALM, report, sha256)?;
            let leaving = Leaving::from(&row);
            return Ok(sealed.map(|sealed| Given { caller, visible, leaving, sealed }));
        }
    }
    Ok(None)
}

/// A content that a peer sends of its own accord, after the copy that lists it.
pub(super) async fn take(
    State(state): State<AppState>,
    PeerCaller(peer): PeerCaller,
    Path((report, sha256)): Path<(String, String)>,
    body: Body,
) -> Answer<StatusCode> {
    let _busy = Busy::begin(&state, &peer.id)?;
    let report = Id::parse(&report).map_err(|_| Failure::not_found())?;
    let parts = body.into_data_stream().map(|part| part.map_err(|error| error.to_string()));
    let content = match read(parts, FILE_BYTES_MAX).await {
        Ok(Some(content)) => content,
        Ok(None) => return Err(Failure::new(Code::TooLarge, "a file has at most 32 MiB")),
        Err(why) => return Err(Failure::new(Code::BadRequest, why)),
    };
    let hub = peer.hub.clone();
    let look = move |reader: &Reader<'_>| {
        let giver = abroad::giver(reader, &REALM, &report)?;
        let is_its_own = giver.is_some_and(|giver| speaks_for(&hub, &giver));
        if !is_its_own {
            return Ok((None, false));
        }
        let wanted = rows::wanted(reader, &REALM, &report, &sha256)?;
        Ok((wanted, rows::is_here(reader, &REALM, &report, &sha256)?))
    };
    let wanted = match state.store.read(look).await? {
        (Some(wanted), _) => wanted,
        // It was sent before, and the answer did not arrive.
        (None, true) => return Ok(StatusCode::NO_CONTENT),
        (None, false) => return Err(Failure::not_found()),
    };
    if !is_wanted(&wanted, &content) {
        refuse(&state, &peer, &wanted).await?;
        return Err(Failure::new(Code::Unprocessable, "this is not the file that the copy lists"));
    }
    keep(&state, &wanted, &content).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn is_wanted(wanted: &Wanted, content: &[u8]) -> bool {
    u64::try_from(content.len()).is_ok_and(|size| size == wanted.size)
        && hex::encode(Sha256::digest(content)) == wanted.sha256
}

/// A body of at most so many bytes; nothing where it has more.
async fn read(
    mut parts: impl Stream<Item = Result<Bytes, String>> + Unpin,
    bytes_max: usize,
) -> Result<Option<Vec<u8>>, String> {
    let mut content = Vec::new();
    loop {
        let part = tokio::time::timeout(SILENCE_MAX, parts.next()).await;
        let Some(part) = part.map_err(|_| "the body fell silent before its end".to_owned())? else {
            return Ok(Some(content));
        };
        content.extend_from_slice(&part?);
        if content.len() > bytes_max {
            return Ok(None);
        }
    }
}

/// Fetches a content from the hub that gave the copy.
///
/// # Errors
/// Why it is not had: nothing of it is kept here.
pub(crate) async fn fetch(
    state: &AppState,
    peer: &Peer,
    wanted: &Wanted,
    patience: Duration,
) -> Result<Vec<u8>, NotBrought> {
    let remote = linked(peer).ok_or(NotBrought::NoWay)?;
    let asked = tokio::time::timeout(patience, ask(state, &remote, wanted)).await;
    asked.unwrap_or_else(|_| Err(NotBrought::Away("it does not answer in time".to_owned())))
}

/// A peer that is asked from here; nothing where it cannot be reached, or the exchange with it has ended.
pub(super) fn linked(peer: &Peer) -> Option<Remote> {
    let is_linked = peer.way == Way::Link && peer.state == PeerState::Active;
    let card = Card::open(&peer.card).ok().filter(|_| is_linked);
    card.and_then(|card| Remote::of(peer, &card))
}

async fn ask(state: &AppState, remote: &Remote, wanted: &Wanted) -> Result<Vec<u8>, NotBrought> {
    let away = |trouble: Trouble| NotBrought::Away(trouble.to_string());
    let client = client(state, remote).map_err(away)?;
    let url = address(remote, &path(&wanted.report, &wanted.sha256)).map_err(away)?;
    let answer = client.get(url).send().await.map_err(|error| away(link(&error)))?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Err(NotBrought::NotGiven);
    }
    let answer = good(answer).await.map_err(away)?;
    let bytes_max = usize::try_from(wanted.size).unwrap_or(FILE_BYTES_MAX).min(FILE_BYTES_MAX);
    let parts = answer.bytes_stream().map(|part| part.map_err(|error| link(&error).to_string()));
    let content = read(parts, bytes_max).await.map_err(NotBrought::Away)?;
    content.filter(|content| is_wanted(wanted, content)).ok_or(NotBrought::Wrong)
}

fn path(report: &Id, sha256: &str) -> String {
    format!("/peer/v1/contents/{report}/{sha256}")
}

/// Sends a peer that cannot ask for it the next content that it is owed, if there is one. One at a time: objects wait for it.
///
/// # Errors
/// The link broke; those of the database.
pub(super) async fn send_owed(
    state: &AppState,
    client: &reqwest::Client,
    remote: &Remote,
) -> Result<(), Trouble> {
    let hub = remote.peer.hub.clone();
    let Some(mut owed) = state.store.read(move |reader| rows::owed(reader, &REALM, &hub)).await? else {
        return Ok(());
    };
    let claimed = owed.clone();
    let claim = move |tx: &mut Tx<'_>| {
        let next = next_try(tx.now(), claimed.attempts);
        rows::put_off_owed(tx, &REALM, &claimed, next).map(Act::bookkeeping)
    };
    if !state.store.write(claim).await? {
        return Ok(());
    }
    owed.attempts = owed.attempts.saturating_add(1);
    let content = match disclosed(state, &remote.peer, (owed.report.clone(), owed.sha256.clone())).await {
        Ok(content) => content,
        // It may not be given to it any more.
        Err(failure) if failure.code() == Code::NotFound => return settle(state, owed).await,
        Err(failure) => {
            tracing::warn!(peer = remote.peer.id, why = failure.detail(), "a file is sent to a peer later");
            return Ok(());
        }
    };
    let url = address(remote, &path(&owed.report, &owed.sha256))?;
    let sent = client.post(url).timeout(SEND_WAIT).body(content).send().await.map_err(|e| link(&e))?;
    if sent.status().is_success() {
        return settle(state, owed).await;
    }
    let status = sent.status().as_u16();
    tracing::warn!(peer = remote.peer.id, status, "a peer does not take a file that its copy lists");
    Ok(())
}

async fn settle(state: &AppState, owed: Owed) -> Result<(), Trouble> {
    let write =
        move |tx: &mut Tx<'_>| rows::put_off_owed(tx, &REALM, &owed, None).map(|_| Act::bookkeeping(()));
    Ok(state.store.write(write).await?)
}
