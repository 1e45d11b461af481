//! What is handed over at another hub, fetched from there into an item here.
//!
//! 1. An item is announced for what was named, once: whoever asks again means the same one ([`begin`]). It is for the asker's organisation alone, under the
//!    case's level or a stricter one.
//! 2. A task of its own asks the other hub and takes in what comes, as any content is taken in ([`bring`]). Whoever asked waits a moment for its end, and
//!    may go away: gigabytes take longer than a browser waits.
//! 3. What came counts once size and SHA-256 are those that were named. Its custody begins with whom it is from, and with where its custody there is to
//!    be followed on ([`received`]).
//!
//! What broke off or is refused leaves an item that waits for its content: it is tried again, or given up after a day as all of those are.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::{Code, EvidenceLabel, Words};
use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use oversight::custody::{CustodyAct, Party};
use oversight::reason::CustodyReason;
use oversight::{Action, Actor, AuditEvent, Purpose, Realm};
use policy::{LabelKey, Operation};
use regime::safe_name;
use stix::Id;
use store::evidence::abroad::{self as rows, Named};
use store::evidence::requests::{self, Kind, Request, State as Standing, Step};
use store::evidence::{self as items, Item, NewItem, State};
use store::peers::Peer;
use store::{Act, Reader, StoreError, Tx};
use uuid::Uuid;

use super::custody::Said;
use super::receive::{receive_from, room_for};
use super::{label, requests as asking, stream_permit};
use crate::federation::evidence as there;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::reports::abroad::{hub_of, words_of};
use crate::reports::contents::NotBrought;
use crate::reports::passed::LEVEL;
use crate::sharing::unfit;
use crate::state::AppState;

/// How long whoever asks waits for the end of it; what takes longer goes on without.
const WAIT: Duration = Duration::from_secs(20);
/// Contents of which it is remembered what became of them.
const REMEMBERED_MAX: usize = 1_000;
/// What an item is whose kind its hub does not tell.
const KIND: &str = "other";

/// A named item, by its request and as its hub names it.
type Key = (Uuid, Uuid);

/// What is fetched just now by this process, and why what was tried last is not here.
#[derive(Default)]
pub(crate) struct Arriving(Mutex<HashMap<Key, Coming>>);

/// How it is with one.
#[derive(Debug, Clone)]
pub(crate) enum Coming {
    /// It is fetched; so many bytes are here.
    Underway(Arc<AtomicU64>),
    /// It is not here, by a word of [`api::REASONS`].
    Failed(&'static str),
}

impl Arriving {
    /// How it is with a named item; nothing where nobody asked for it since the hub started, or it came.
    pub(crate) fn of(&self, key: Key) -> Option<Coming> {
        self.lock().get(&key).cloned()
    }

    /// Begins one; nothing where it is underway.
    fn begin(&self, key: Key) -> Option<Arc<AtomicU64>> {
        let mut known = self.lock();
        if matches!(known.get(&key), Some(Coming::Underway(_))) {
            return None;
        }
        if known.len() >= REMEMBERED_MAX {
            known.retain(|_, one| matches!(one, Coming::Underway(_)));
        }
        let bytes = Arc::new(AtomicU64::new(0));
        known.insert(key, Coming::Underway(Arc::clone(&bytes)));
        Some(bytes)
    }

    fn end(&self, key: Key, trouble: Option<&'static str>) {
        let mut known = self.lock();
        match trouble {
            Some(reason) => known.insert(key, Coming::Failed(reason)),
            None => known.remove(&key),
        };
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Coming>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that is fetched; however that ends, it is not underway any more.
struct Underway {
    state: AppState,
    key: Key,
    bytes: Arc<AtomicU64>,
    trouble: Option<&'static str>,
}

impl Underway {
    fn begin(state: &AppState, key: Key) -> Option<Self> {
        let bytes = state.federation.arriving.begin(key)?;
        Some(Self { state: state.clone(), key, bytes, trouble: None })
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.state.federation.arriving.end(self.key, self.trouble);
    }
}

/// What is to be fetched.
pub(crate) struct Wanted {
    request: Uuid,
    case: Id,
    named: Named,
    /// The item here.
    own: Uuid,
    peer: Peer,
}

/// What was begun.
pub(crate) struct Begun {
    /// What is to be fetched; nothing where it is here, or was.
    pub(crate) wanted: Option<Wanted>,
    /// Whether policies are to be asked anew: something is for somebody for whom nothing was before.
    pub(crate) has_new_circle: bool,
}

/// Whether the caller may have fetched what a request was fulfilled by.
pub(crate) fn may_receive(state: &AppState, caller: &Caller, request: &Request) -> bool {
    request.new.asker == caller.principal.organisation
        && caller.session.is_some()
        && caller.may(state, Operation::HandleEvidence)
        && is_handed_over(request)
}

fn is_handed_over(request: &Request) -> bool {
    request.new.kind == Kind::HandOver && request.state == Standing::Fulfilled
}

/// Announces the item that a named one is fetched into, unless that was done before.
///
/// # Errors
/// Not found; the request does not stand as a hand-over that is fulfilled; its hub is not asked from here.
pub(crate) fn begin(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    (request, item): Key,
) -> Result<Act<Begun>, StoreError> {
    let realm = caller.realm().clone();
    let request = asking::seen(tx, caller, request)?;
    let new = &request.new;
    let (_, incident) = super::case(tx, state, caller, &new.case)?;
    let named = rows::named(tx, &realm, new.id)?.into_iter().find(|one| one.item == item);
    let own = &caller.principal.organisation;
    let named = named.filter(|_| new.asker == *own);
    let named = named.ok_or_else(|| StoreError::NotFound { what: item.to_string() })?;
    let known = match named.own {
        Some(known) => items::for_node(tx, &realm, known)?,
        // Or it was given up.
        None => None,
    };
    if known.as_ref().is_some_and(|known| known.state != State::Announced) {
        return Ok(Act::bookkeeping(Begun { wanted: None, has_new_circle: false }));
    }
    if !is_handed_over(&request) {
        return Err(StoreError::Stale { what: format!("request {}", new.id) });
    }
    let peer = hub_of(tx, &new.asked)?.map(|(peer, _)| peer);
    let peer = peer.filter(|peer| there::is_asked(state, peer));
    let peer = peer.ok_or_else(|| unfit("hand-over-by-package", BY_PACKAGE))?;
    let wanted = |named: Named, own| Wanted {
        request: new.id,
        case: new.case.clone(),
        named,
        own,
        peer: peer.clone(),
    };
    if let Some(known) = known {
        let wanted = wanted(named, known.new.id);
        return Ok(Act::bookkeeping(Begun { wanted: Some(wanted), has_new_circle: false }));
    }
    let level = label::level_of(tx, caller, incident.label)?.max(LEVEL);
    let asked = EvidenceLabel { tlp: level.name().to_owned(), only: Some(Vec::new()) };
    let drawn = label::draw(tx, state, caller, (&incident, own), &asked)?;
    let item = announced(tx, caller, (&request, &named), drawn.key)?;
    items::announce(tx, &realm, &item)?;
    rows::set_own(tx, &realm, (new.id, named.item), item.id)?;
    let event = AuditEvent::done(Action::EvidenceChanged, caller.actor.clone(), caller.purpose)
        .on([new.case.to_string(), item.id.to_string()])
        .with("act", "announced")
        .with("request", new.id.to_string())
        .with("their_item", named.item.to_string());
    let begun = Begun { wanted: Some(wanted(named, item.id)), has_new_circle: drawn.has_new_circle };
    Ok(Act::audited(begun, &realm, event))
}

/// What is known of an item that another hub named: what it is called and hashes to, who handed it over, and when. Who secured it, where and when before
/// that, its custody there says.
fn announced(
    reader: &Reader<'_>,
    caller: &Caller,
    (request, named): (&Request, &Named),
    label: LabelKey,
) -> Result<NewItem, StoreError> {
    let new = &request.new;
    let bare = |name: &str| Words { ja: name.to_owned(), en: name.to_owned() };
    let giver = words_of(reader, &new.asked)?.unwrap_or_else(|| bare(new.asked.as_str()));
    let hub = hub_of(reader, &new.asked)?.map_or_else(|| bare(new.asked.as_str()), |(_, words)| words);
    let handed_over = fulfilled(reader, caller.realm(), new.id)?.map_or(request.changed, |step| step.at);
    Ok(NewItem {
        id: Uuid::new_v4(),
        case: new.case.clone(),
        label,
        organisation: caller.principal.organisation.clone(),
        person: caller.id().to_owned(),
        name: safe_name(&named.name).name,
        kind: KIND.to_owned(),
        description: format!(
            "{}から、求め {} により受領（相手のハブの証拠品 {item}） / received from {} under request {} (item {item} at its hub)",
            giver.ja,
            new.id,
            giver.en,
            new.id,
            item = named.item
        ),
        collector: giver.both(),
        seized_at: handed_over.to_string(),
        seized_where: hub.both(),
        reason: CustodyReason::HandedOver.text().to_owned(),
        legal_basis: Some(new.legal_basis.clone()).filter(|basis| !basis.is_empty()),
        declared: Some(named.sha256.clone()),
    })
}

/// The step that handed over what a request asked for.
fn fulfilled(reader: &Reader<'_>, realm: &Realm, request: Uuid) -> Result<Option<Step>, StoreError> {
    let steps = requests::steps(reader, realm, request)?;
    Ok(steps.into_iter().find(|step| step.step == Standing::Fulfilled.name()))
}

/// How the custody of an item begins that was handed over at another hub: from whom it is, and which entry of its custody there is the last that this hub
/// was told of. Nothing for an item that was secured here.
///
/// # Errors
/// Those of the database.
pub(super) fn received(
    reader: &Reader<'_>,
    realm: &Realm,
    item: &Item,
    by: Party,
) -> Result<Option<Said>, StoreError> {
    let Some((request, named)) = rows::origin(reader, realm, item.new.id)? else { return Ok(None) };
    let Some(request) = requests::get(reader, realm, request)? else { return Ok(None) };
    let new = request.new;
    let hub = hub_of(reader, &new.asked)?.map(|(peer, _)| peer.hub);
    let step = fulfilled(reader, realm, new.id)?;
    let notes = rows::notes(reader, realm, new.id)?;
    let note = notes.iter().find(|note| step.as_ref().is_some_and(|step| step.number == note.number));
    let said = Said::new(CustodyAct::Received, CustodyReason::HandedOver.text())
        .on(item.new.legal_basis.as_deref())
        .from(Party { organisation: new.asked, account: None, name: None })
        .to(by)
        .with("name", item.new.name.as_str())
        .with("description", item.new.description.as_str())
        .with("request", new.id.to_string())
        .with("their_item", named.item.to_string())
        .with("their_custody", named.custody)
        .with("their_entries", named.entries.to_string());
    let said = match hub {
        Some(hub) => said.with("hub", hub),
        None => said,
    };
    Ok(Some(match note.and_then(|note| note.leaf) {
        Some(leaf) => said.with("their_leaf", leaf.to_string()),
        None => said,
    }))
}

/// Fetches what was begun. Whoever asks is answered at its end, or after a moment.
///
/// # Errors
/// It is not had; then nothing of it counts.
pub(crate) async fn bring(state: &AppState, caller: &Caller, wanted: Wanted) -> Answer<()> {
    let key = (wanted.request, wanted.named.item);
    // It is on its way already.
    let Some(mut underway) = Underway::begin(state, key) else { return Ok(()) };
    let permit = stream_permit()?;
    let (work, asker) = (state.clone(), caller.clone());
    let task = tokio::spawn(async move {
        let _permit = permit;
        let brought = tokio::select! {
            brought = fetch(&work, &asker, &wanted, &underway.bytes) => brought,
            () = work.stopping.wait() => Err(broke_off()),
        };
        if let Err(failure) = &brought {
            underway.trouble = Some(failure.reason().unwrap_or("hand-over-broke-off"));
            let (peer, why) = (&wanted.peer.id, failure.detail());
            tracing::warn!(peer, why, cause = failure.cause(), "evidence of another hub did not come");
        }
        drop(underway);
        brought
    });
    match tokio::time::timeout(WAIT, task).await {
        Ok(Ok(brought)) => brought,
        Ok(Err(error)) => Err(Failure::internal(error)),
        // It goes on, and the request tells how far it is.
        Err(_) => Ok(()),
    }
}

async fn fetch(state: &AppState, caller: &Caller, wanted: &Wanted, bytes: &Arc<AtomicU64>) -> Answer<()> {
    let (size, item) = (wanted.named.size, wanted.named.item);
    // Before the other hub writes down that it gave it.
    room_for(state, caller, wanted.own, Some(size)).await?;
    let answer = there::fetch(state, &wanted.peer, (wanted.request, item)).await.map_err(not_had)?;
    let mut stream = Body::from_stream(counted(answer, size, bytes)).into_data_stream();
    let Err(failure) = receive_from(state, caller, wanted.own, (Some(size), &mut stream)).await else {
        return Ok(());
    };
    let is_other = matches!(failure.reason(), Some("other-content" | "content-empty"));
    if is_other || bytes.load(Ordering::Relaxed) > size {
        refuse(state, wanted).await?;
        return Err(other());
    }
    if failure.code() == Code::BadRequest {
        return Err(broke_off().caused_by(failure.cause().unwrap_or_default()));
    }
    Err(failure)
}

/// What an answer gives, counted. It ends once more came than was named: no hash fits that, and no more of it is waited for.
fn counted(
    answer: reqwest::Response,
    size: u64,
    bytes: &Arc<AtomicU64>,
) -> impl Stream<Item = reqwest::Result<Bytes>> + Send + use<> {
    let (before, so_far) = (Arc::clone(bytes), Arc::clone(bytes));
    answer
        .bytes_stream()
        .take_while(move |_| std::future::ready(before.load(Ordering::Relaxed) <= size))
        .inspect(move |part| {
            let more = part.as_ref().map_or(0, Bytes::len);
            so_far.fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Ordering::Relaxed);
        })
}

/// Writes down that a hub gave something else than what it named.
async fn refuse(state: &AppState, wanted: &Wanted) -> Result<(), StoreError> {
    let Wanted { request, case, named, own, peer } = wanted;
    tracing::error!(
        peer = peer.id,
        "what a peer gives as evidence is not what it named; nothing of it counts"
    );
    let actor = Actor::Program { id: peer.id.clone(), organisation: peer.organisation.clone() };
    let event = AuditEvent::refused(actor, Purpose::CollectiveDefence, "wrong-content")
        .on([case.to_string(), own.to_string()])
        .with("request", request.to_string())
        .with("their_item", named.item.to_string())
        .with("sha256", &named.sha256)
        .with("peer", peer.id.clone());
    state.store.write(move |_| Ok(Act::audited((), &crate::REALM, event))).await
}

const BY_PACKAGE: &str = "the hub where the item lies cannot be asked from here; have the item brought in a package, and hold it against the hashes that \
    its hub named";

/// Why it is not had, with the remedy.
fn not_had(why: NotBrought) -> Failure {
    match why {
        NotBrought::NoWay => Failure::rule("hand-over-by-package", BY_PACKAGE),
        NotBrought::Away(cause) => Failure::new(
            Code::Unavailable,
            "the hub where the item lies cannot be reached now; try again later, or have the item brought in a package",
        )
        .because("hand-over-away")
        .caused_by(cause),
        NotBrought::NotGiven => Failure::rule(
            "hand-over-not-given",
            "the hub where the item lies does not give it, or not any more; ask the organisation that handed it over",
        ),
        NotBrought::Wrong => other(),
        NotBrought::Failed(failure) => failure,
    }
}

fn other() -> Failure {
    Failure::rule(
        "wrong-content",
        "what the other hub gave is not the item that it named: its size or SHA-256 differs, and nothing of it is kept; call the organisation \
         that handed it over by a way that you know",
    )
}

fn broke_off() -> Failure {
    Failure::new(Code::Unavailable, "the content broke off, and nothing of it is kept; receive it again")
        .because("hand-over-broke-off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_fetched_once_at_a_time_and_what_went_wrong_is_told_until_it_is_tried_again() {
        let (arriving, key) = (Arriving::default(), (Uuid::from_u128(1), Uuid::from_u128(2)));
        assert!(arriving.of(key).is_none());
        arriving.begin(key).unwrap().store(7, Ordering::Relaxed);
        assert!(arriving.begin(key).is_none(), "it is underway");
        assert!(
            matches!(arriving.of(key), Some(Coming::Underway(bytes)) if bytes.load(Ordering::Relaxed) == 7)
        );
        arriving.end(key, Some("hand-over-away"));
        assert!(matches!(arriving.of(key), Some(Coming::Failed("hand-over-away"))));
        assert!(arriving.begin(key).is_some());
        arriving.end(key, None);
        assert!(arriving.of(key).is_none());
    }

    #[test]
    fn no_more_is_remembered_than_may_be_and_what_is_underway_always() {
        let arriving = Arriving::default();
        let key = |number: usize| (Uuid::nil(), Uuid::from_u128(u128::try_from(number).unwrap()));
        assert!(arriving.begin(key(0)).is_some());
        for number in 1..=REMEMBERED_MAX * 2 {
            assert!(arriving.begin(key(number)).is_some());
            arriving.end(key(number), Some("hand-over-away"));
        }
        assert!(arriving.lock().len() <= REMEMBERED_MAX);
        assert!(arriving.begin(key(0)).is_none());
    }
}
