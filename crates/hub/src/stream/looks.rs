//! One look at the log for everybody who waits for news.
//!
//! An object that comes in wakes every open stream at once. What has to be read and told is the same for all of one class (kind,
//! organisation, roles): it is read and put into words once, and whether each reader is still signed in is asked for all of them in
//! the same snapshot. While one look is under way, the next readers gather.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use api::StreamEvent;
use bytes::Bytes;
use policy::{Operation, Principal, Visible};
use store::objects::{self, Change, Place, Row, TailFilter};
use store::secrets::SecretHash;
use store::{Reader, StoreError, cases, sightings};
use tokio::sync::oneshot;

use super::{BATCH_CHANGES_MAX, sse};
use crate::api::summaries::Teller;
use crate::principal::Caller;
use crate::release::{Leaving, class, may_hear_the_end_of};
use crate::state::AppState;

/// Readers that share one look at most.
const GROUP_MAX: usize = 2_048;

/// What the log brought to one class of readers after a place.
pub(super) struct News {
    pub(super) visible: Arc<Visible>,
    /// Each event as it is sent.
    pub(super) events: Vec<(Place, Bytes)>,
    pub(super) leaving: Vec<Leaving>,
    /// Where the look ended.
    pub(super) through: Place,
    pub(super) more: bool,
}

/// What a reader has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum After {
    /// Everything up to here.
    Place(Place),
    /// Nothing: it begins behind the newest sequence when it came, and behind what was opened so far.
    Newest(i64),
}

/// What a look at the log gave.
pub(super) enum Look {
    /// A reader as it is now, and its news.
    News(Caller, Arc<News>),
    /// Something was opened to the reader, or closed, that is to be written down first.
    Unsettled(Caller),
    SignedOut,
}

/// Those who wait for a look. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Looks(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    readers: Vec<Asked>,
    /// Whether a task is looking; it goes on until nobody waits.
    is_looking: bool,
}

/// Who asks, after which place, and where the answer goes.
struct Asked {
    caller: Caller,
    after: After,
    reply: oneshot::Sender<Look>,
}

impl Looks {
    /// The caller's news after a place.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn look(
        &self,
        state: &AppState,
        caller: Caller,
        after: After,
    ) -> Result<Look, StoreError> {
        let (reply, answer) = oneshot::channel();
        let begin = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.readers.push(Asked { caller, after, reply });
            !std::mem::replace(&mut waiting.is_looking, true)
        };
        if begin {
            // A task of its own: whoever began it may go away.
            tokio::spawn(self.clone().look_all(state.clone()));
        }
        answer.await.map_err(|_| StoreError::Closed)
    }

    async fn look_all(self, state: AppState) {
        while let Some(group) = self.next_group() {
            let (asked, replies): (Vec<(Caller, After)>, Vec<_>) =
                group.into_iter().map(|asked| ((asked.caller, asked.after), asked.reply)).unzip();
            let work = state.clone();
            match state.store.read(move |reader| for_all(&work, reader, &asked)).await {
                Ok(looks) => {
                    for (reply, look) in replies.into_iter().zip(looks) {
                        // The reader may have gone away.
                        let _ = reply.send(look);
                    }
                }
                // Who waited learns it by the reply that never comes, and ends; it may resume.
                Err(error) => tracing::error!(%error, "streams cannot read the log"),
            }
        }
    }

    fn next_group(&self) -> Option<Vec<Asked>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.readers.is_empty() {
            waiting.is_looking = false;
            return None;
        }
        let count = waiting.readers.len().min(GROUP_MAX);
        Some(waiting.readers.drain(..count).collect())
    }
}

fn for_all(
    state: &AppState,
    reader: &Reader<'_>,
    asked: &[(Caller, After)],
) -> Result<Vec<Look>, StoreError> {
    let mut known: HashMap<(Principal, Option<SecretHash>), Option<Principal>> = HashMap::new();
    let mut told: HashMap<(Principal, After), Option<Arc<News>>> = HashMap::new();
    let mut looks = Vec::with_capacity(asked.len());
    for (caller, after) in asked {
        let principal = match known.entry((caller.principal.clone(), caller.session)) {
            Entry::Occupied(entry) => entry.get().clone(),
            Entry::Vacant(entry) => entry.insert(caller.renewed(reader)?.map(|now| now.principal)).clone(),
        };
        let Some(principal) = principal else {
            looks.push(Look::SignedOut);
            continue;
        };
        let now = Caller { principal, ..caller.clone() };
        let news = match told.entry((class(&now.principal), *after)) {
            Entry::Occupied(entry) => entry.get().clone(),
            Entry::Vacant(entry) => entry.insert(news(state, reader, &now, *after)?.map(Arc::new)).clone(),
        };
        looks.push(match news {
            Some(news) => Look::News(now, news),
            None => Look::Unsettled(now),
        });
    }
    Ok(looks)
}

/// A look for one reader alone.
///
/// # Errors
/// The store's.
pub(super) fn alone(
    state: &AppState,
    reader: &Reader<'_>,
    caller: Caller,
    after: After,
) -> Result<Look, StoreError> {
    let looks = for_all(state, reader, &[(caller, after)])?;
    Ok(looks.into_iter().next().unwrap_or(Look::SignedOut))
}

/// What a class of readers is told after a place; `None` where something was opened to it, or closed, that is not written down yet.
fn news(
    state: &AppState,
    reader: &Reader<'_>,
    caller: &Caller,
    after: After,
) -> Result<Option<News>, StoreError> {
    let Some(in_view) = state.door.in_view(reader, &caller.principal)? else { return Ok(None) };
    let after = match after {
        After::Place(place) => place,
        After::Newest(newest) => Place::behind(newest, &in_view.view),
    };
    let mut teller = Teller::of(reader, in_view.visible, &caller.principal)?;
    let visible = Arc::clone(&teller.visible);
    let filter = TailFilter {
        visible: &visible,
        after: after.sequence,
        types: &[],
        last_only: false,
        limit: BATCH_CHANGES_MAX,
    };
    let tail = objects::tail_in_view(reader, caller.realm(), &filter, &in_view.view, after)?;
    let (mut events, mut leaving) = (Vec::new(), Vec::new());
    for (place, change) in tail.changes {
        let event = match change {
            Change::Added(row) => {
                leaving.push(Leaving::from(&row));
                tell(&mut teller, state, caller, &row)?
            }
            Change::Removed { sequence, id, label, originator, gone: true, .. } => {
                if !may_hear_the_end_of(reader, &caller.principal, &id, &originator)? {
                    continue;
                }
                leaving.push(Leaving { sequence, label, originator });
                StreamEvent::Removed { id: id.to_string() }
            }
            Change::Removed { gone: false, .. } => continue,
        };
        events.extend(sse(Some(place), &event).map(|bytes| (place, bytes)));
    }
    // What stands beside an object in its event leaves as well: the indicator's name, the terms of a marking.
    leaving.extend(teller.take_named());
    Ok(Some(News { visible, events, leaving, through: tail.through, more: tail.more }))
}

/// A sighting of an edge's and a case are told as what they are; every other object as an object, and so is a case to those who
/// do not work on cases.
fn tell(
    teller: &mut Teller<'_, '_>,
    state: &AppState,
    caller: &Caller,
    row: &Row,
) -> Result<StreamEvent, StoreError> {
    let visible = Arc::clone(&teller.visible);
    match row.id.object_type() {
        "sighting" => {
            if let Some(sighting) = sightings::get(teller.reader, caller.realm(), &visible, &row.id)? {
                return Ok(StreamEvent::Sighting { sighting: teller.sighting(&sighting)? });
            }
        }
        "incident" if caller.may(state, Operation::WorkCases) => {
            if let Some((case, label)) = cases::get(teller.reader, caller.realm(), &visible, &row.id)? {
                return Ok(StreamEvent::Case { case: teller.case(&case, label)? });
            }
        }
        _ => {}
    }
    Ok(StreamEvent::Object { object: teller.object(row)? })
}
