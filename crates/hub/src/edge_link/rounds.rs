//! Rounds of private matching, as edges hold them: they ask what waits, open it, send their set, are asked, answer, and sign.
//!
//! 1. An edge opens a round that somebody with a grant asked for. The ledger's entry is written before anything goes on.
//! 2. It sends its set, and only then is given what is asked.
//! 3. With the last answer it is known what was found: that is sealed and written down, and the rest forgotten ([`crate::rounds`]).
//! 4. What the edge signs at the end is kept for the commission's audit, whatever became of the round.
//!
//! A message that is not as it must be ends the round.

use api::{Code, EdgeRound, EdgeRounds, RoundFound};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use oprf::{Day, Found, Ledger, Outcome, Receipt, RoundOpen, Seed};
use oversight::Action;
use oversight::authorisation::{PrivateList, State as Stand};
use policy::Operation;
use store::authorisations::rounds::{self, Kept, Opening, Round};
use store::authorisations::selections::{self, NewSelection};
use store::authorisations::{self, Authorisation, receipts};
use store::{Act, Reader, StoreError, Tx};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;
use uuid::Uuid;
use vault::{ClassKeyId, Name, day_of};

use super::act;
use crate::principal::{Caller, EdgeCaller};
use crate::problem::{Answer, Failure};
use crate::retention::Retention;
use crate::rounds::Trouble;
use crate::sharing::unfit;
use crate::state::AppState;

/// Largest set, in bytes: the most values that can be granted, at the most bits that the coding takes for each.
const FILTER_BYTES_MAX: usize = 64 << 20;
/// The most elements that one operator is asked on one day, over all authorisations.
const ELEMENTS_A_DAY_MAX: u64 = 1_000_000;
/// Hits of one round that are kept, so that one sealed record holds them. Of more the first are kept, and that there were more.
const HITS_MAX: usize = 4_000;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(open))
        .routes(routes!(filter).layer(DefaultBodyLimit::max(FILTER_BYTES_MAX)))
        .routes(routes!(query))
        .routes(routes!(answer))
        .routes(routes!(receipt))
}

/// What was found in a round, as it is sealed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedFound {
    pub(crate) round: Uuid,
    pub(crate) members: Vec<u32>,
    pub(crate) count: u64,
    pub(crate) cut: bool,
}

/// The rounds of private matching that wait for an edge of this operator.
#[utoipa::path(get, path = "/edge/v1/rounds", tag = "edge link", security(("edge" = [])),
    responses((status = 200, body = EdgeRounds), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, EdgeCaller(caller): EdgeCaller) -> Answer<Json<EdgeRounds>> {
    caller.demand(&state, Operation::UseAuthorisations)?;
    state.demand_witnesses()?;
    let read = move |reader: &Reader<'_>| {
        let waiting = rounds::waiting_at(reader, caller.realm(), &caller.principal.organisation)?;
        let told = waiting.iter().map(|one| EdgeRound { id: one.id, authorisation: one.authorisation });
        Ok(EdgeRounds { rounds: told.collect() })
    };
    Ok(Json(state.store.read(read).await?))
}

/// Open a round: the body is the message `RoundOpen`.
///
/// The first of the operator's edges that does so holds the round. It counts as this authorisation's round of the day.
#[utoipa::path(post, path = "/edge/v1/rounds/{id}/open", tag = "edge link", security(("edge" = [])),
    params(("id" = String, Path, description = "UUID")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204, description = "opened"), crate::api::CallerRefusal))]
async fn open(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer<StatusCode> {
    caller.demand(&state, Operation::UseAuthorisations)?;
    state.demand_witnesses()?;
    let id = parse(&id)?;
    demand_retention(&state)?;
    let (asker, edge) = (caller.clone(), caller.id().to_owned());
    let sent = body.clone();
    let is_open = move |reader: &Reader<'_>| {
        let found = rounds::get(reader, asker.realm(), id)?;
        let opening =
            found.filter(|found| found.stand == rounds::Stand::Open).and_then(|found| found.opening);
        if opening.is_some_and(|opening| opening.edge == asker.id() && opening.message == sent) {
            return Ok(true);
        }
        waiting(reader, &asker, id).map(|_| false)
    };
    // The answer to the same message was lost on its way.
    if state.store.read(is_open).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    let message =
        RoundOpen::decode(&body).map_err(|error| Failure::new(Code::Unprocessable, error.to_string()))?;
    if !state.rounds.has_room() {
        return Err(failure(&Trouble::Full));
    }
    let opened = message.clone();
    let hub = state.store.write(move |tx| begin(tx, &caller, id, opened)).await?;
    state.rounds.hold(id, &edge, message, hub).map_err(|trouble| failure(&trouble))?;
    Ok(StatusCode::NO_CONTENT)
}

/// A round that waits for an edge of this caller's operator.
fn waiting(reader: &Reader<'_>, caller: &Caller, id: Uuid) -> Result<Round, StoreError> {
    let found = rounds::get(reader, caller.realm(), id)?;
    let found = found.filter(|found| {
        found.stand == rounds::Stand::Asked && found.operator == caller.principal.organisation
    });
    found.ok_or_else(|| StoreError::NotFound { what: id.to_string() })
}

/// Lets the round begin: the grant counts, the ledger has room, and the message is about what was granted. All in the transaction that
/// writes the entry.
fn begin(
    tx: &mut Tx<'_>,
    caller: &Caller,
    id: Uuid,
    message: RoundOpen,
) -> Result<Act<oprf::Hub>, StoreError> {
    let realm = caller.realm();
    let round = waiting(tx, caller, id)?;
    let refused = |why: String| unfit("unprocessable", why);
    if receipts::key_of(tx, realm, caller.id())?.is_none() {
        return Err(refused("this edge has registered no key to sign with".to_owned()));
    }
    let found = in_force(tx, caller, &round)?;
    let (list, seed) = approved(tx, caller, &found)?;
    let day = rounds::day_of(tx.now());
    let known = rounds::ledger(tx, realm, (&round.operator, day), &message.round.0)?;
    let terms =
        found.terms.round_at(&round.operator).ok_or_else(|| refused("it is not private".to_owned()))?;
    let mut ledger =
        Ledger::restore(ELEMENTS_A_DAY_MAX, known.iter().filter_map(|known| entry(tx, caller, known)));
    let admitted =
        ledger.admit(terms, message.round, Day(day)).map_err(|error| refused(error.to_string()))?.0;
    let opening = Opening {
        edge: caller.id().to_owned(),
        day,
        round: message.round.0,
        elements: message.elements,
        message: message.encode(),
    };
    let hub = oprf::Hub::open(admitted, message, list.list().clone(), &[], seed);
    let hub = hub.map_err(|error| refused(error.to_string()))?;
    rounds::open(tx, realm, id, &opening)?;
    let event = act(caller, Action::PrivateRoundOpened)
        .with("authorisation", round.authorisation.to_string())
        .with("round", id.to_string())
        .with("elements", opening.elements.to_string());
    Ok(Act::audited(hub, realm, event))
}

/// An entry of the ledger as it was written; `None` where its authorisation is gone, whose day it then is no more.
fn entry(reader: &Reader<'_>, caller: &Caller, known: &Round) -> Option<oprf::Entry> {
    let opening = known.opening.as_ref()?;
    let found = authorisations::get(reader, caller.realm(), known.authorisation).ok()??;
    let terms = found.terms.round_at(&known.operator)?;
    Some(oprf::Entry {
        operator: terms.operator,
        day: Day(opening.day),
        authorisation: terms.authorisation,
        round: oprf::RoundId(opening.round),
        elements: opening.elements,
    })
}

/// The authorisation of a round, where it counts now at this operator.
fn in_force(reader: &Reader<'_>, caller: &Caller, round: &Round) -> Result<Authorisation, StoreError> {
    let found = authorisations::get(reader, caller.realm(), round.authorisation)?;
    let now = reader.now();
    let found = found.filter(|found| {
        found.state == Stand::Granted
            && (found.terms.from..found.terms.until).contains(&now)
            && found.terms.operators.contains(&round.operator)
    });
    found.ok_or_else(|| unfit("unprocessable", "the authorisation does not count now"))
}

/// List and seed, which must be those that were approved.
pub(crate) fn approved(
    reader: &Reader<'_>,
    caller: &Caller,
    found: &Authorisation,
) -> Result<(PrivateList, Seed), StoreError> {
    let damaged = || StoreError::Corrupt(format!("the list of authorisation {}", found.terms.id));
    let list = authorisations::list_of(reader, caller.realm(), found.terms.id)?.ok_or_else(damaged)?;
    let mut seed = [0; 32];
    hex::decode_to_slice(&list.salt, &mut seed).map_err(|_| damaged())?;
    let (list, seed) = (PrivateList::read(&list.patterns).map_err(|_| damaged())?, Seed::new(seed));
    if hex::encode(list.root(&seed)) == found.terms.list_root { Ok((list, seed)) } else { Err(damaged()) }
}

/// Send the operator's set: the body is the message `FilterMessage`.
#[utoipa::path(post, path = "/edge/v1/rounds/{id}/filter", tag = "edge link", security(("edge" = [])),
    params(("id" = String, Path, description = "UUID")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204, description = "taken"), crate::api::CallerRefusal))]
async fn filter(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer<StatusCode> {
    let id = going_on(&state, &caller, &id).await?.id;
    let (work, edge) = (state.clone(), caller.id().to_owned());
    let taken = computed(move || work.rounds.take_filter(id, &edge, &body)).await?;
    settled(&state, &caller, id, taken).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A batch of what is asked: the message `Query`.
#[utoipa::path(get, path = "/edge/v1/rounds/{id}/queries/{batch}", tag = "edge link", security(("edge" = [])),
    params(("id" = String, Path, description = "UUID"), ("batch" = u32, Path, description = "from 0")),
    responses((status = 200, description = "the message", body = Vec<u8>, content_type = "application/octet-stream"),
        crate::api::CallerRefusal))]
async fn query(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    Path((id, batch)): Path<(String, u32)>,
) -> Answer<Response> {
    let id = going_on(&state, &caller, &id).await?.id;
    let query = state.rounds.query(id, caller.id(), batch).map_err(|trouble| failure(&trouble))?;
    let query = query.ok_or_else(Failure::not_found)?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], query).into_response())
}

/// Answer a batch: the body is the message `Answer`. The last one ends the round.
#[utoipa::path(post, path = "/edge/v1/rounds/{id}/answers", tag = "edge link", security(("edge" = [])),
    params(("id" = String, Path, description = "UUID")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204, description = "taken"), crate::api::CallerRefusal))]
async fn answer(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer<StatusCode> {
    let round = match going_on(&state, &caller, &id).await {
        Ok(round) => round,
        // The answer to the last one was lost on its way.
        Err(_) if is_matched(&state, &caller, &id).await? => return Ok(StatusCode::NO_CONTENT),
        Err(failure) => return Err(failure),
    };
    let (id, work, edge) = (round.id, state.clone(), caller.id().to_owned());
    let taken = computed(move || work.rounds.take_answer(id, &edge, &body)).await?;
    if let Some(outcome) = settled(&state, &caller, id, taken).await? {
        conclude(&state, &caller, &round, &outcome).await?;
        state.rounds.forget(id);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A round that this edge opened and whose authorisation counts still: what the commission stops ends between two messages.
async fn going_on(state: &AppState, caller: &Caller, id: &str) -> Answer<Round> {
    caller.demand(state, Operation::UseAuthorisations)?;
    let id = parse(id)?;
    state.demand_witnesses()?;
    let asker = caller.clone();
    let read = move |reader: &Reader<'_>| {
        let found = rounds::get(reader, asker.realm(), id)?;
        let is_its = |found: &Round| found.opening.as_ref().is_some_and(|opening| opening.edge == asker.id());
        let found = found.filter(|found| found.stand == rounds::Stand::Open && is_its(found));
        let found = found.ok_or_else(|| StoreError::NotFound { what: id.to_string() })?;
        in_force(reader, &asker, &found).map(|_| found)
    };
    match state.store.read(read).await {
        Err(StoreError::Abandoned { message, .. }) => {
            settled(state, caller, id, Err(Trouble::Broken(message))).await
        }
        found => Ok(found?),
    }
}

async fn is_matched(state: &AppState, caller: &Caller, id: &str) -> Answer<bool> {
    let (id, asker) = (parse(id)?, caller.clone());
    let found = state.store.read(move |reader| rounds::get(reader, asker.realm(), id)).await?;
    Ok(found.is_some_and(|found| {
        found.stand == rounds::Stand::Matched
            && found.opening.is_some_and(|opening| opening.edge == caller.id())
    }))
}

async fn computed<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    tokio::task::spawn_blocking(work).await.map_err(Failure::internal)
}

/// Ends a round whose message was not as it must be, before that is answered.
async fn settled<T>(state: &AppState, caller: &Caller, id: Uuid, taken: Result<T, Trouble>) -> Answer<T> {
    let trouble = match taken {
        Ok(taken) => return Ok(taken),
        Err(trouble) => trouble,
    };
    if let Trouble::Broken(why) = &trouble {
        state.rounds.forget(id);
        let (caller, why) = (caller.clone(), why.clone());
        let write = move |tx: &mut Tx<'_>| {
            rounds::end(tx, caller.realm(), id, Err(&why))?;
            let event = act(&caller, Action::PrivateRoundEnded)
                .with("round", id.to_string())
                .with("why", why.clone());
            Ok(Act::audited((), caller.realm(), event))
        };
        match state.store.write(write).await {
            Ok(()) | Err(StoreError::Stale { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(failure(&trouble))
}

fn failure(trouble: &Trouble) -> Failure {
    let code = match trouble {
        Trouble::NotHere | Trouble::NotNow | Trouble::Full => Code::Unavailable,
        Trouble::Broken(_) => Code::Unprocessable,
    };
    Failure::new(code, trouble.to_string())
}

/// Seals what was found and writes down that the round is over.
async fn conclude(state: &AppState, caller: &Caller, round: &Round, outcome: &Outcome) -> Answer<()> {
    let (asker, of) = (caller.clone(), round.authorisation);
    let read = move |reader: &Reader<'_>| {
        let missing = || StoreError::NotFound { what: of.to_string() };
        let found = authorisations::get(reader, asker.realm(), of)?.ok_or_else(missing)?;
        let (list, _) = approved(reader, &asker, &found)?;
        Ok((list, found.terms.retention))
    };
    let (list, class) = state.store.read(read).await?;
    // No canaries are agreed on here, so all of it is trusted.
    let sealed = sealed_found(round.id, &list, outcome.danger_untrusted());
    let class_key = class_key(round, &class)?;
    let content = serde_json::to_vec(&sealed).map_err(Failure::internal)?;
    let record =
        demand_retention(state)?.seal(class_key.clone(), round.id, &content).await.map_err(|error| {
            Failure::new(Code::Unavailable, "the node's key service is away; try again later")
                .caused_by(error)
        })?;
    let new = NewSelection {
        id: round.id,
        authorisation: of,
        operator: round.operator.clone(),
        edge: caller.id().to_owned(),
        class_key: class_key.to_string(),
        sealed: record,
    };
    let caller = caller.clone();
    let write = move |tx: &mut Tx<'_>| {
        let at_least = if sealed.count == 0 { 0 } else { selections::bucket(sealed.count) };
        rounds::end(tx, caller.realm(), new.id, Ok(at_least))?;
        selections::add(tx, caller.realm(), &new)?;
        let event = act(&caller, Action::PrivateRoundEnded)
            .with("authorisation", of.to_string())
            .with("round", new.id.to_string())
            .with("at_least", at_least.to_string());
        Ok(Act::audited((), caller.realm(), event))
    };
    Ok(state.store.write(write).await?)
}

fn sealed_found(round: Uuid, list: &PrivateList, found: &Found) -> SealedFound {
    match found {
        Found::Values(places) => {
            let mut members: Vec<u32> = places.iter().filter_map(|place| list.member(*place)).collect();
            members.sort_unstable();
            let cut = members.len() > HITS_MAX;
            members.truncate(HITS_MAX);
            SealedFound { round, members, count: places.len() as u64, cut }
        }
        Found::Count(count) => SealedFound { round, members: Vec::new(), count: *count as u64, cut: false },
    }
}

impl From<SealedFound> for RoundFound {
    fn from(found: SealedFound) -> Self {
        Self { members: found.members, count: found.count, cut: found.cut }
    }
}

/// Authorisation, day on which the round was opened, retention class of its terms.
fn class_key(round: &Round, class: &str) -> Answer<ClassKeyId> {
    let name = |text: &str| Name::new(text).map_err(Failure::internal);
    let opened = round.opened.unwrap_or(round.asked);
    ClassKeyId::new(name(&round.authorisation.to_string())?, day_of(opened), name(class)?)
        .map_err(Failure::internal)
}

/// Hand in what was signed at the end of a round: the body is the signed note. It is taken in once, however often it is sent.
#[utoipa::path(post, path = "/edge/v1/rounds/{id}/receipt", tag = "edge link", security(("edge" = [])),
    params(("id" = String, Path, description = "UUID")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204, description = "kept"), crate::api::CallerRefusal))]
async fn receipt(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer<StatusCode> {
    caller.demand(&state, Operation::UseAuthorisations)?;
    let id = parse(&id)?;
    let refused = || {
        let why = "this is no receipt of this round, or this edge's key did not sign it";
        Failure::new(Code::Unprocessable, why)
    };
    let asker = caller.clone();
    let read = move |reader: &Reader<'_>| {
        let found = rounds::get(reader, asker.realm(), id)?;
        let opening = found.and_then(|found| found.opening).filter(|opening| opening.edge == asker.id());
        Ok((opening, receipts::key_of(reader, asker.realm(), asker.id())?))
    };
    let (opening, key) = state.store.read(read).await?;
    let opening = opening.ok_or_else(Failure::not_found)?;
    let note = String::from_utf8(body.to_vec()).map_err(|_| refused())?;
    let read = key.and_then(|key| opened(&note, caller.id(), &key)).ok_or_else(refused)?;
    if read.open.encode() != opening.message || read.answered > read.open.elements {
        return Err(refused());
    }
    let write = move |tx: &mut Tx<'_>| {
        let kept = rounds::receive(tx, caller.realm(), id, &note)?;
        let event = act(&caller, Action::PrivateRoundSigned)
            .with("round", id.to_string())
            .with("answered", read.answered.to_string());
        Ok(match kept {
            Kept::Accepted => Act::audited(kept, caller.realm(), event),
            Kept::Duplicate | Kept::Contradicts => Act::bookkeeping(kept),
        })
    };
    match state.store.write(write).await? {
        Kept::Accepted | Kept::Duplicate => Ok(StatusCode::NO_CONTENT),
        Kept::Contradicts => {
            Err(Failure::new(Code::Conflict, "this edge signed for something else in this round"))
        }
    }
}

/// The receipt in a note that this key signed under the edge's name.
pub(crate) fn opened(note: &str, edge: &str, key: &[u8; 32]) -> Option<Receipt> {
    let key = tlog::VerifyingKey::from_bytes(edge, key).ok()?;
    Receipt::parse(tlog::open_text(note, &key).ok()?).ok()
}

fn demand_retention(state: &AppState) -> Answer<&Retention> {
    state.retention.as_ref().ok_or_else(|| {
        let why = "this node keeps nothing that is found under authorisations: its operator has not configured `[retention]`";
        Failure::new(Code::Unavailable, why)
    })
}

fn parse(id: &str) -> Answer<Uuid> {
    Uuid::parse_str(id).map_err(|_| Failure::not_found())
}
