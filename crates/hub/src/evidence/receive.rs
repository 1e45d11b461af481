//! Content on its way in: hashed, sealed and written piece by piece as it comes, so that none of it is ever whole in memory or on a disk as it was.
//!
//! 1. The item is announced, one's own, and there is room for what is announced.
//! 2. Each piece is sealed and written under the name of this upload, which counts for nothing yet.
//! 3. In one transaction: the item's content is this upload; three entries of custody with their leaves; what other uploads left is removed.
//!
//! An upload that breaks off leaves pieces that nothing names; the next one removes them, or the clock.

use std::time::Duration;

use api::Code;
use aws_lc_rs::digest::{self, SHA3_256, SHA256};
use axum::body::{Body, BodyDataStream};
use futures::StreamExt;
use oversight::Realm;
use oversight::custody::{CustodyAct, Party};
use oversight::reason::CustodyReason;
use policy::Operation;
use store::evidence::{self as rows, Item, Kept, State, content};
use store::{Act, StoreError, Tx};
use uuid::Uuid;

use super::custody::{Book, Said, party};
use super::seal::{CHUNK_BYTES, ContentKey, SealedKey};
use super::{fetched, seen, stream_permit};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::sharing::unfit;
use crate::state::AppState;

/// How long nothing may come.
const IDLE: Duration = Duration::from_secs(60);

/// What was taken in, before it counts.
struct Taken {
    size: u64,
    sha256: String,
    sha3_256: String,
    chunks: u64,
}

/// Takes an item's content in.
///
/// # Errors
/// Not found; too large; another content than was announced; the connection broke off.
pub(crate) async fn receive(
    state: &AppState,
    caller: &Caller,
    id: Uuid,
    (announced, body): (Option<u64>, Body),
) -> Answer<()> {
    let _permit = stream_permit()?;
    let mut stream = body.into_data_stream();
    let received = receive_from(state, caller, id, (announced, &mut stream)).await;
    if received.is_err() {
        crate::ingest::drain(&mut stream).await;
    }
    received
}

/// The same of a stream, by a caller that has a place among those whose content comes in.
///
/// # Errors
/// As [`receive`].
pub(super) async fn receive_from(
    state: &AppState,
    caller: &Caller,
    id: Uuid,
    (announced, stream): (Option<u64>, &mut BodyDataStream),
) -> Answer<()> {
    let room = room_for(state, caller, id, announced).await?;
    let upload = Uuid::new_v4();
    let realm = caller.realm().clone();
    let (key, sealed) = ContentKey::make(state, &realm, (id, upload)).await?;
    let into = Into { state, realm: &realm, item: id, upload, key: &key, room };
    let taken = match into.take(stream).await {
        Ok(taken) => finish(state, caller, (id, upload), taken, sealed).await,
        Err(failure) => Err(failure),
    };
    if taken.is_err() {
        into.give_up().await;
    }
    taken
}

/// How much more may come, in bytes.
///
/// # Errors
/// Not found; the content is here; there is no room for as much as is announced.
pub(super) async fn room_for(
    state: &AppState,
    caller: &Caller,
    id: Uuid,
    announced: Option<u64>,
) -> Answer<u64> {
    let (work, asker) = (state.clone(), caller.clone());
    let read = state.store.read(move |reader| {
        let seen = own_announced(reader, &work, &asker, id)?;
        let own = &asker.principal.organisation;
        rows::bytes_of(reader, asker.realm(), &seen.new.case, own)
    });
    let config = &state.config.evidence;
    let left = config.case_bytes_max.saturating_sub(read.await?);
    let room = left.min(config.item_bytes_max);
    if announced.is_some_and(|bytes| bytes > room) { Err(too_large(state, room)) } else { Ok(room) }
}

/// An item that the caller's organisation announced, and whose content is still to come.
fn own_announced(
    reader: &store::Reader<'_>,
    state: &AppState,
    caller: &Caller,
    id: Uuid,
) -> Result<Item, StoreError> {
    let item = seen(reader, state, caller, id)?.item;
    if item.new.organisation != caller.principal.organisation {
        return Err(unfit("not-allowed-announcer", "the content comes from whoever announced the item"));
    }
    match item.state {
        State::Announced => Ok(item),
        State::Kept | State::Disposed => {
            Err(StoreError::Exists { what: "the content of this item".to_owned() })
        }
    }
}

fn too_large(state: &AppState, room: u64) -> Failure {
    let config = &state.config.evidence;
    let why = if room < config.item_bytes_max {
        format!(
            "your organisation's evidence in this case may have {} bytes in all, of which {room} are left; ask the node's operator \
             (`evidence.case_bytes_max`)",
            config.case_bytes_max
        )
    } else {
        format!(
            "an item of evidence has at most {} bytes here; split it, or ask the node's operator (`evidence.item_bytes_max`)",
            config.item_bytes_max
        )
    };
    Failure::new(Code::TooLarge, why)
}

/// Where an upload goes.
struct Into<'a> {
    state: &'a AppState,
    realm: &'a Realm,
    item: Uuid,
    upload: Uuid,
    key: &'a ContentKey,
    room: u64,
}

impl Into<'_> {
    async fn take(&self, stream: &mut BodyDataStream) -> Answer<Taken> {
        let (mut sha256, mut sha3_256) = (digest::Context::new(&SHA256), digest::Context::new(&SHA3_256));
        let (mut size, mut chunks) = (0_u64, 0_u64);
        let mut piece: Vec<u8> = Vec::with_capacity(CHUNK_BYTES);
        loop {
            let next = tokio::time::timeout(IDLE, stream.next()).await;
            let next = next.map_err(|_| broken(&"nothing came for a minute"))?;
            let Some(part) = next else { break };
            let part = part.map_err(|error| broken(&error))?;
            size = size.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
            if size > self.room {
                return Err(too_large(self.state, self.room));
            }
            sha256.update(&part);
            sha3_256.update(&part);
            let mut rest = part.as_ref();
            while !rest.is_empty() {
                // A full piece is written once there is more: then it is known not to be the last.
                if piece.len() == CHUNK_BYTES {
                    self.keep(chunks, false, std::mem::take(&mut piece)).await?;
                    chunks = chunks.saturating_add(1);
                }
                let (now, later) = rest.split_at(rest.len().min(CHUNK_BYTES.saturating_sub(piece.len())));
                piece.extend_from_slice(now);
                rest = later;
            }
        }
        if size == 0 {
            return Err(Failure::rule("content-empty", "the content is empty"));
        }
        self.keep(chunks, true, piece).await?;
        Ok(Taken {
            size,
            sha256: hex::encode(sha256.finish()),
            sha3_256: hex::encode(sha3_256.finish()),
            chunks: chunks.saturating_add(1),
        })
    }

    async fn keep(&self, number: u64, is_last: bool, mut piece: Vec<u8>) -> Answer<()> {
        self.key.seal(number, is_last, &mut piece).map_err(Failure::internal)?;
        let (realm, key) = (self.realm.clone(), (self.item, self.upload, number));
        let write = move |tx: &mut Tx<'_>| content::add(tx, &realm, key, &piece).map(Act::bookkeeping);
        Ok(self.state.store.write(write).await?)
    }

    /// Removes what came; where that fails, the clock does it later.
    async fn give_up(&self) {
        let (realm, item, upload) = (self.realm.clone(), self.item, self.upload);
        let removed = self.state.store.write(move |tx| {
            // What was written down as the item's own meanwhile is kept: the failure was behind it.
            let kept = rows::for_node(tx, &realm, item)?.and_then(|item| item.kept);
            if kept.is_none_or(|kept| kept.upload != upload) {
                content::remove_upload(tx, &realm, item, upload)?;
            }
            Ok(Act::bookkeeping(()))
        });
        if let Err(error) = removed.await {
            tracing::warn!(%error, "what came of an upload that broke off is not removed yet");
        }
    }
}

fn broken(cause: &dyn std::fmt::Display) -> Failure {
    Failure::new(Code::BadRequest, "the content broke off; nothing of it was kept, send it again")
        .caused_by(cause)
}

/// Makes an upload the item's content, with the beginning of its custody.
async fn finish(
    state: &AppState,
    caller: &Caller,
    (id, upload): (Uuid, Uuid),
    taken: Taken,
    sealed: SealedKey,
) -> Answer<()> {
    let (work, asker) = (state.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| {
        // Rights may have ended while gigabytes came.
        if !asker.may(&work, Operation::HandleEvidence) {
            return Err(unfit("not-allowed-role", "your role does not allow this any more"));
        }
        let mut item = own_announced(tx, &work, &asker, id)?;
        if let Some(declared) = item.new.declared.as_ref().filter(|declared| **declared != taken.sha256) {
            let why = format!(
                "what came has the SHA-256 {}, and {declared} was announced: nothing of it was kept",
                taken.sha256
            );
            return Err(unfit("other-content", why));
        }
        let realm = asker.realm().clone();
        let kept = Kept {
            received: tx.now(),
            size: taken.size,
            sha256: taken.sha256,
            sha3_256: taken.sha3_256,
            chunks: taken.chunks,
            upload,
            class_key: sealed.class_key,
            sealed_key: Some(sealed.sealed),
        };
        rows::receive(tx, &realm, id, &kept)?;
        content::remove_others(tx, &realm, id, upload)?;
        item.kept = Some(kept);
        let by = party(tx, &asker)?;
        let begins = match fetched::received(tx, &realm, &item, by.clone())? {
            Some(received) => vec![received, sealed_in(&item)],
            None => beginning(&item, by).into(),
        };
        let mut book = Book::open(tx)?;
        for said in begins {
            let by = (said.act != CustodyAct::Sealed).then_some(&asker);
            book.write(tx, &realm, &mut item, (by, said))?;
        }
        Ok(book.done((), &realm))
    };
    crate::sharing::answered(state.store.write(write).await)
}

/// How custody begins: secured where it was found, brought in, sealed. What another hub hands over begins with that ([`fetched::received`]).
fn beginning(item: &Item, by: Party) -> [Said; 3] {
    let new = &item.new;
    let collected = Said::new(CustodyAct::Collected, new.reason.as_str())
        .on(new.legal_basis.as_deref())
        .with("collector", new.collector.as_str())
        .with("seized_at", new.seized_at.as_str())
        .with("seized_where", new.seized_where.as_str())
        .with("name", new.name.as_str())
        .with("kind", new.kind.as_str())
        .with("description", new.description.as_str());
    let collected = match &new.declared {
        Some(declared) => collected.with("announced_sha256", declared.as_str()),
        None => collected,
    };
    let collector =
        Party { organisation: by.organisation.clone(), account: None, name: Some(new.collector.clone()) };
    let received = Said::new(CustodyAct::Received, CustodyReason::Received.text()).from(collector).to(by);
    [collected, received, sealed_in(item)]
}

fn sealed_in(item: &Item) -> Said {
    let under = item.kept.as_ref().and_then(|kept| kept.class_key.clone());
    Said::new(CustodyAct::Sealed, CustodyReason::Sealed.text())
        .with("cipher", "AES-256-GCM")
        .with("sealed_under", under.unwrap_or_else(|| "node".to_owned()))
}
