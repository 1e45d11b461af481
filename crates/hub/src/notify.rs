//! Alerts of saved searches: what came in is looked through for each, and told on the stream, by mail and to webhooks.
//!
//! A hit becomes a notice in the store, in the transaction that moves the search's cursor, so that a crash tells twice at worst and
//! never loses. A notice holds identifiers and no content. When it is sent, its owner is looked up as it is then, and what it may
//! see then passes the one door; where nothing is left, nothing is sent.

mod deliver;
mod mail;
mod message;
pub(crate) mod webhook;

pub(crate) use mail::recipient;

use std::time::Duration;

use api::{StreamAlert, StreamEvent};
use jiff::Timestamp;
use stix::Id;
use store::alerts::{Alert, State, Way};
use store::saved_searches::SavedSearch;
use store::{Act, Reader, StoreError, alerts, objects, saved_searches};

use crate::finding::Terms;
use crate::principal;
use crate::state::{AppState, Live};

/// The log is followed at most so often.
const PAUSE: Duration = Duration::from_millis(300);
/// The queue is looked at so often where nothing comes in: retries are due.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Objects that one alert is about at most; what comes in faster becomes several.
const HITS_MAX: usize = 100;

/// Follows the log and the queue until the hub stops.
pub(crate) async fn run(state: AppState) {
    let mut committed = state.store.committed();
    let sender = deliver::Sender::new(&state.config);
    loop {
        committed.mark_unchanged();
        if let Err(error) = look_through(&state).await {
            tracing::error!(%error, "saved searches cannot be looked through");
        }
        if let Err(error) = sender.send_due(&state).await {
            tracing::error!(%error, "alerts cannot be sent");
        }
        tokio::select! {
            changed = committed.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = state.stopping.wait() => return,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What one search found new.
struct New {
    search: SavedSearch,
    hits: Vec<Id>,
    through: i64,
}

async fn look_through(state: &AppState) -> Result<(), StoreError> {
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let newest = objects::newest_sequence(reader)?;
        let behind = saved_searches::behind(reader, &crate::REALM, newest)?;
        behind.into_iter().map(|search| look(&work, reader, search)).collect::<Result<Vec<_>, _>>()
    });
    let found = found.await?;
    if found.is_empty() {
        return Ok(());
    }
    let told = state.store.write(move |tx| {
        let mut told = Vec::new();
        for New { search, hits, through } in found {
            // Gone meanwhile, or looked through by another process of this node.
            let kept = saved_searches::get(tx, &crate::REALM, &search.id)?;
            if kept.is_none_or(|kept| kept.cursor != search.cursor) {
                continue;
            }
            saved_searches::advance(tx, &crate::REALM, &search.id, through)?;
            if hits.is_empty() {
                continue;
            }
            for way in ways(&search) {
                alerts::add(tx, &crate::REALM, &notice(&search, way, &hits, tx.now()))?;
            }
            told.push((search.owner.clone(), live(&search, hits.len(), tx.now())));
        }
        Ok(Act::bookkeeping(told))
    });
    for (owner, alert) in told.await? {
        let _ = state.live.send(Live::Alert(owner, StreamEvent::Alert { alert }));
    }
    Ok(())
}

fn look(state: &AppState, reader: &Reader<'_>, search: SavedSearch) -> Result<New, StoreError> {
    let newest = objects::newest_sequence(reader)?;
    let terms = serde_json::from_str(&search.terms).ok().and_then(|terms| Terms::read(&terms).ok());
    let caller = principal::of_owner(reader, &search.owner)?;
    let (Some(terms), Some(caller)) = (terms, caller) else {
        // Whoever may not sign in is told nothing, now or later.
        return Ok(New { search, hits: Vec::new(), through: newest });
    };
    let visible = state.door.visible(reader, &caller.principal)?;
    let scope = terms.scope(reader, caller.realm(), visible)?;
    let (rows, through) = terms.since(reader, caller.realm(), &scope, (search.cursor, HITS_MAX))?;
    // What one has brought in oneself is no news.
    let own = &caller.principal.organisation;
    let hits = rows.into_iter().filter(|row| row.originator != *own).map(|row| row.id).collect();
    Ok(New { search, hits, through })
}

fn ways(search: &SavedSearch) -> impl Iterator<Item = Way> {
    let mail = search.mail.as_ref().map(|_| Way::Mail);
    let webhook = search.webhook.as_ref().map(|_| Way::Webhook);
    [Some(Way::Stream), mail, webhook].into_iter().flatten()
}

fn notice(search: &SavedSearch, way: Way, hits: &[Id], now: Timestamp) -> Alert {
    Alert {
        id: uuid::Uuid::new_v4().to_string(),
        search: search.id.clone(),
        way,
        // The list of alerts is there from now on; the stream only says so.
        state: if way == Way::Stream { State::Sent } else { State::Waiting },
        objects: hits.to_vec(),
        attempts: 0,
        due: now,
        created: now,
        trouble: None,
    }
}

fn live(search: &SavedSearch, hits: usize, now: Timestamp) -> StreamAlert {
    StreamAlert {
        search: search.id.clone(),
        name: search.name.clone(),
        hits: u64::try_from(hits).unwrap_or(u64::MAX),
        at: now.to_string(),
    }
}
