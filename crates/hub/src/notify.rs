//! Alerts of saved searches: what came in is looked through for each, and told on the stream, by mail and to webhooks.
//!
//! What comes in is news, and what is opened to a search's owner later; a version that only bears another label is not. A hit becomes
//! a notice in the store, in the transaction that moves the search's cursor, so that a crash tells twice at worst and
//! never loses. A notice holds identifiers and no content. When it is sent, its owner is looked up as it is then, and what it may
//! see then passes the one door; where nothing is left, nothing is sent.

mod calls;
mod deliver;
mod emergencies;
mod mail;
mod message;
mod reports;
mod rooms;
pub(crate) mod webhook;

pub(crate) use mail::recipient;

use std::collections::HashMap;
use std::time::Duration;

use api::{StreamAlert, StreamEvent};
use jiff::Timestamp;
use policy::Principal;
use stix::Id;
use store::alerts::{Alert, State, Way};
use store::objects::Place;
use store::saved_searches::SavedSearch;
use store::tellings::Audience;
use store::{Act, Reader, StoreError, alerts, objects, releases, saved_searches};

use crate::finding::Terms;
use crate::principal;
use crate::release::{InView, class};
use crate::state::AppState;
use crate::stream::told;

/// The log is followed at most so often.
const PAUSE: Duration = Duration::from_millis(300);
/// The queue is looked at so often where nothing comes in: retries are due.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Looks at once, where what an owner may see changes meanwhile.
const LOOKS_MAX: usize = 4;
/// Objects that one alert is about at most; what comes in faster becomes several.
const HITS_MAX: usize = 100;

/// Follows the log and the queue until the hub stops.
pub(crate) async fn run(state: AppState) {
    let (mut committed, mut policies) = (state.store.committed(), state.policies.changed());
    let sender = deliver::Sender::new(&state.config);
    // What was opened while no hub ran may be behind any search.
    let mut all = true;
    loop {
        committed.mark_unchanged();
        policies.mark_unchanged();
        match look_through(&state, all).await {
            Ok(more) => all = more,
            Err(error) => tracing::error!(%error, "saved searches cannot be looked through"),
        }
        if let Err(error) = sender.send_due(&state).await {
            tracing::error!(%error, "alerts cannot be sent");
        }
        if let Err(error) = reports::send_due(&state, sender.mailer()).await {
            tracing::error!(%error, "mail about the clocks of reports cannot be sent");
        }
        if let Err(error) = rooms::send_due(&state, sender.mailer()).await {
            tracing::error!(%error, "entries of case rooms cannot be sent by mail");
        }
        if let Err(error) = calls::ring(&state, &sender).await {
            tracing::error!(%error, "calls into case rooms cannot be told of");
        }
        if let Err(error) = sender.tell_emergencies(&state).await {
            tracing::error!(%error, "emergencies cannot be told of by mail");
        }
        if let Err(error) = sender.ring_emergencies(&state).await {
            tracing::error!(%error, "emergencies cannot be told of to the webhook");
        }
        if all && !state.stopping.is_set() {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        tokio::select! {
            changed = committed.changed() => if changed.is_err() { return },
            // What is opened is behind the log's end: nothing new need come in for it.
            changed = policies.changed() => match changed {
                Ok(()) => all = true,
                Err(_) => return,
            },
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
    through: Place,
    more: bool,
}

/// What a look gave.
enum Looked {
    New(Box<New>),
    /// Something was opened to the owner, or closed, that is to be written down first.
    Unsettled(Box<Principal>),
}

/// Looks through the searches that are behind the log, or all of them; whether there is more to look at.
async fn look_through(state: &AppState, all: bool) -> Result<bool, StoreError> {
    let mut more = false;
    for _ in 0..LOOKS_MAX {
        let work = state.clone();
        let found = state.store.read(move |reader| {
            let searches = if all {
                saved_searches::alerting(reader, &crate::REALM)?
            } else {
                let newest = objects::newest_sequence(reader)?;
                saved_searches::behind(reader, &crate::REALM, newest)?
            };
            searches.into_iter().map(|search| look(&work, reader, search)).collect::<Result<Vec<_>, _>>()
        });
        let (mut new, mut unsettled) = (Vec::new(), HashMap::new());
        for looked in found.await? {
            match looked {
                Looked::New(found) if found.through == found.search.place && found.hits.is_empty() => {}
                Looked::New(found) => new.push(*found),
                Looked::Unsettled(principal) => drop(unsettled.insert(class(&principal), *principal)),
            }
        }
        more |= new.iter().any(|new| new.more);
        if !new.is_empty() {
            tell(state, new).await?;
        }
        if unsettled.is_empty() {
            return Ok(more);
        }
        for principal in unsettled.into_values() {
            state.door.settle(&state.store, &principal).await?;
        }
    }
    Ok(true)
}

/// Writes down how far searches have come, and what is to be told of it.
async fn tell(state: &AppState, new: Vec<New>) -> Result<(), StoreError> {
    let written = state.store.write(move |tx| {
        for New { search, hits, through, .. } in new {
            // Gone meanwhile, or looked through by another process of this node.
            let kept = saved_searches::get(tx, &crate::REALM, &search.id)?;
            if kept.is_none_or(|kept| kept.place != search.place) {
                continue;
            }
            saved_searches::advance(tx, &crate::REALM, &search.id, through)?;
            if hits.is_empty() {
                continue;
            }
            for hits in hits.chunks(HITS_MAX) {
                for way in ways(&search) {
                    alerts::add(tx, &crate::REALM, &notice(&search, way, hits, tx.now()))?;
                }
            }
            let event = StreamEvent::Alert { alert: live(&search, hits.len(), tx.now()) };
            told::say(tx, &crate::REALM, &Audience::Owner(search.owner), &event)?;
        }
        Ok(Act::bookkeeping(()))
    });
    written.await
}

fn look(state: &AppState, reader: &Reader<'_>, search: SavedSearch) -> Result<Looked, StoreError> {
    let terms = serde_json::from_str(&search.terms).ok().and_then(|terms| Terms::read(&terms).ok());
    let caller = principal::of_owner(reader, &search.owner)?;
    let (Some(terms), Some(caller)) = (terms, caller) else {
        // Whoever may not sign in is told nothing, now or later.
        let through = Place { sequence: objects::newest_sequence(reader)?, opening: None };
        return Ok(Looked::New(Box::new(New { search, hits: Vec::new(), through, more: false })));
    };
    let Some(InView { visible, view }) = state.door.in_view(reader, &caller.principal)? else {
        return Ok(Looked::Unsettled(Box::new(caller.principal)));
    };
    let realm = caller.realm();
    let scope = terms.scope(reader, realm, visible)?;
    let news = terms.since(reader, realm, (&scope, &view), search.place)?;
    let opened = search.place.opened_ahead(&view);
    // A version that only bears another label now was told of when it came in, or was opened.
    let was_read = |label| scope.visible.contains(label) && !opened.contains(&label);
    let mut hits = Vec::new();
    for row in news.rows {
        // What one has brought in oneself is no news.
        if row.originator != caller.principal.organisation
            && !releases::stood_under(reader, realm, &row, search.place.sequence, was_read)?
        {
            hits.push(row.id);
        }
    }
    Ok(Looked::New(Box::new(New { search, hits, through: news.through, more: news.more })))
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
