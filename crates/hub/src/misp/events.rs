//! Events: read, added, changed, withdrawn.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, header};
use policy::Operation;
use serde_json::{Value, json};
use uuid::Uuid;

use ::misp::{Event, Limits};
use api::Code;

use super::edit::{self, Change};
use super::gather::{Gathered, Gatherer, dressed, numbers, object_body, undressed};
use super::{Fields, answer, search};
use crate::api::session::second_look;
use crate::ingest::{self, HeldBody, Outcome, Submission};
use crate::listed::Listed;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::Recipient;
use crate::state::AppState;
use crate::taxii::{Withdrawal, withdraw_all};

/// Objects that an answer names as refused.
const REFUSED_TOLD_MAX: usize = 50;

pub(super) fn routes() -> Listed {
    Listed::default()
        .get("/events/index", search::index)
        .post("/events/index", search::index_by)
        .get("/events", search::index)
        .post("/events/restSearch", search::events)
        .get("/events/view/{id}", view)
        .post("/events/view/{id}", view_by)
        .post("/events/add", add)
        .post("/events/add/{option}", add_with)
        .post("/events/edit/{id}", edit)
        .post("/events/edit/{id}/{option}", edit_with)
        .post("/events/publish/{id}", publish)
        .post("/events/unpublish/{id}", unpublish)
        .post("/events/delete/{id}", delete)
        .post("/objects/add/{id}", add_object)
        .post("/objects/add/{id}/{option}", add_object_with)
}

async fn view(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    caller.demand(&state, Operation::Read)?;
    let event = shown(&state, &caller, id.trim_end_matches(".json")).await?;
    Ok(answer(&json!({ "Event": without_deleted(event) })))
}

/// The same with what was deleted, if the body asks for it.
async fn view_by(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    caller.demand(&state, Operation::Read)?;
    let held = body(&state, &caller, &headers, sent).await?;
    let asks = object_body(&held.bytes)?
        .get("deleted")
        .is_some_and(|deleted| deleted.to_string().contains(['1', 't']));
    let event = shown(&state, &caller, id.trim_end_matches(".json")).await?;
    Ok(answer(&json!({ "Event": if asks { event } else { without_deleted(event) } })))
}

/// Deleted parts stay in the event, so that whoever has them learns of it; they are told to those who ask for them.
pub(super) fn without_deleted(mut event: Fields) -> Fields {
    let is_there = |part: &Value| !part.get("deleted").is_some_and(edit::is_true);
    for name in ["Attribute", "Object", "EventReport"] {
        if let Some(Value::Array(list)) = event.get_mut(name) {
            list.retain(is_there);
            for inner in list.iter_mut().filter_map(|part| part.get_mut("Attribute")?.as_array_mut()) {
                inner.retain(is_there);
            }
        }
    }
    event
}

/// An event as this principal may see it, through the door.
pub(super) async fn shown(state: &AppState, caller: &Caller, id: &str) -> Answer<Fields> {
    let (work, asker, id) = (state.clone(), caller.clone(), id.to_owned());
    let found = state.store.read(move |reader| {
        let visible = work.door.visible(reader, &asker.principal)?;
        let gatherer =
            Gatherer { reader, realm: asker.realm(), visible: &visible, collection: work.collection.key };
        let Some(container) = gatherer.container(&id)? else { return Ok(None) };
        Ok(gatherer.event(container)?.map(|gathered| (gathered, visible.clone())))
    });
    let (gathered, visible) = found.await?.ok_or_else(Failure::not_found)?;
    let leaving: Vec<_> = gathered.leaving().collect();
    let number = numbers(state, vec![gathered.uuid]).await?.get(&gathered.uuid).copied().unwrap_or_default();
    let recipient = Recipient { caller: caller.clone(), door: "misp" };
    let event = dressed(gathered, number);
    let released =
        state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, event).await?;
    Ok(released.into_inner())
}

/// An event for a change of it: by whoever brought it in, and nobody else.
pub(super) async fn own(state: &AppState, caller: &Caller, id: &str) -> Answer<Gathered> {
    let (work, asker, id) = (state.clone(), caller.clone(), id.to_owned());
    let found = state.store.read(move |reader| {
        let visible = work.door.visible(reader, &asker.principal)?;
        let gatherer =
            Gatherer { reader, realm: asker.realm(), visible: &visible, collection: work.collection.key };
        let Some(container) = gatherer.container(&id)? else { return Ok(None) };
        gatherer.event(container)
    });
    let gathered = found.await?.ok_or_else(Failure::not_found)?;
    let is_own = gathered.container().is_some_and(|row| row.originator == caller.principal.organisation);
    if is_own { Ok(gathered) } else { Err(Failure::not_allowed()) }
}

/// A body of MISP's: JSON, uncompressed.
pub(super) async fn body(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
) -> Answer<HeldBody> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Failure::new(Code::UnsupportedMediaType, "send the body without `Content-Encoding`"));
    }
    state.ingest.read_body(caller, headers, body).await
}

async fn add(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    caller.demand(&state, Operation::Write)?;
    let held = body(&state, &caller, &headers, sent).await?;
    let mut event = one_event(&held)?;
    undressed(&mut event.0);
    let now = jiff::Timestamp::now();
    edit::stamp_missing(&mut event.0, now);
    let uuid = match event.0.get("uuid").and_then(Value::as_str).and_then(|uuid| Uuid::try_parse(uuid).ok()) {
        Some(uuid) => uuid,
        None => {
            let uuid = Uuid::new_v4();
            event.0.insert("uuid".to_owned(), json!(uuid.to_string()));
            uuid
        }
    };
    if own(&state, &caller, &uuid.to_string()).await.is_ok() {
        let detail = format!("the event {uuid} is here already; change it with events/edit");
        return Err(Failure::new(Code::Conflict, detail));
    }
    let event = checked(event.0)?;
    let made = ::misp::to_stix(&[event], &::misp::Options::at(now));
    submit(&state, &caller, held, made.objects).await?;
    after(&state, &caller, uuid).await
}

async fn add_with(
    state: State<AppState>,
    caller: Caller,
    Path(_option): Path<String>,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    add(state, caller, headers, sent).await
}

async fn edit(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    caller.demand(&state, Operation::Write)?;
    let held = body(&state, &caller, &headers, sent).await?;
    let mut event = one_event(&held)?;
    undressed(&mut event.0);
    change(&state, &caller, &id, Change::Merge(event.0), held).await
}

async fn edit_with(
    state: State<AppState>,
    caller: Caller,
    Path((id, _option)): Path<(String, String)>,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    edit(state, caller, Path(id), headers, sent).await
}

/// Changes an event and answers with what it is then.
pub(super) async fn change(
    state: &AppState,
    caller: &Caller,
    id: &str,
    change: Change,
    held: HeldBody,
) -> Answer<Response> {
    let gathered = own(state, caller, id).await?;
    let uuid = gathered.uuid;
    let objects = edit::changed(&gathered, change, jiff::Timestamp::now())?;
    submit(state, caller, held, objects).await?;
    after(state, caller, uuid).await
}

/// What the caller sees of an event after a change. Some may be marked so that the caller's program may not have it back.
async fn after(state: &AppState, caller: &Caller, uuid: Uuid) -> Answer<Response> {
    match shown(state, caller, &uuid.to_string()).await {
        Ok(event) => Ok(answer(&json!({ "Event": without_deleted(event) }))),
        Err(failure) if failure.code() == Code::NotFound => {
            let message = "the event was taken in and is marked so that your program is not given it";
            Ok(answer(&json!({ "saved": true, "message": message, "Event": { "uuid": uuid.to_string() } })))
        }
        Err(failure) => Err(failure),
    }
}

/// The one event of a body, as it was sent.
struct Sent(Fields);

fn one_event(held: &HeldBody) -> Answer<Sent> {
    let mut events = ::misp::read(&held.bytes, &Limits::default()).map_err(|error| unreadable(&error))?;
    match (events.pop(), events.is_empty()) {
        (Some(event), true) => Ok(Sent(event.fields().clone())),
        _ => Err(Failure::new(Code::BadRequest, "send one event in a request")),
    }
}

pub(super) fn checked(fields: Fields) -> Answer<Event> {
    Event::from_value(Value::Object(fields), &Limits::default()).map_err(|error| unreadable(&error))
}

fn unreadable(error: &::misp::ReadError) -> Failure {
    let code = match error.code {
        "misp-limit" => Code::TooLarge,
        _ => Code::BadRequest,
    };
    Failure::new(code, format!("{error} ({})", error.code))
}

/// Takes objects in through the one way in. What an organisation or a galaxy is called may be known otherwise here, and is no
/// matter of this event; anything else that is refused is told.
pub(super) async fn submit(
    state: &AppState,
    caller: &Caller,
    held: HeldBody,
    objects: Vec<bytes::Bytes>,
) -> Answer<()> {
    second_look(state, caller).await?;
    let mut envelope = Vec::with_capacity(objects.iter().map(|object| object.len() + 1).sum::<usize>() + 16);
    envelope.extend_from_slice(b"{\"objects\":[");
    for (place, object) in objects.iter().enumerate() {
        if place > 0 {
            envelope.push(b',');
        }
        envelope.extend_from_slice(object);
    }
    envelope.extend_from_slice(b"]}");
    let held = held.with_bytes(envelope.into());
    let taken = ingest::take(state, &Submission::of(caller, state.collection.key), held).await?;
    let mut refused = Vec::new();
    for verdict in &taken.verdicts {
        let Outcome::Refused { code, message } = &verdict.outcome else { continue };
        let id = verdict.id.as_deref().unwrap_or("?");
        let object_type = id.split("--").next().unwrap_or_default();
        let is_common = matches!(object_type, "identity" | "marking-definition" | "extension-definition")
            || (code == "content-conflict"
                && matches!(
                    object_type,
                    "intrusion-set" | "malware" | "tool" | "attack-pattern" | "course-of-action" | "campaign"
                ));
        if !is_common && refused.len() < REFUSED_TOLD_MAX {
            refused.push(format!("{id}: {message} [{code}]"));
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    let detail = format!("a part of the event was refused, the rest was taken in: {}", refused.join("; "));
    Err(Failure::new(Code::Conflict, detail))
}

async fn publish(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    set_published(&state, &caller, &id, true).await
}

async fn unpublish(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Response> {
    set_published(&state, &caller, &id, false).await
}

/// Whether an event is published is a word in it: who may see it is decided by its marking alone, before and after.
async fn set_published(state: &AppState, caller: &Caller, id: &str, published: bool) -> Answer<Response> {
    caller.demand(state, Operation::Write)?;
    let held = state.ingest.read_body(caller, &HeaderMap::new(), Body::empty()).await?;
    let now = jiff::Timestamp::now().as_second().to_string();
    let mut fields = Fields::new();
    fields.insert("published".to_owned(), json!(published));
    if published {
        fields.insert("publish_timestamp".to_owned(), json!(now));
    }
    change(state, caller, id, Change::Merge(fields), held).await?;
    let message = if published { "Event published." } else { "Event unpublished." };
    Ok(answer(
        &json!({ "saved": true, "success": true, "name": message, "message": message, "url": "/events/index" }),
    ))
}

/// Withdraws the event and everything in it that the caller's organisation brought in.
async fn delete(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    caller.demand(&state, Operation::Delete)?;
    let gathered = own(&state, &caller, &id).await?;
    let own = gathered.rows.iter().filter(|row| row.originator == caller.principal.organisation);
    let ids = own
        .filter(|row| !matches!(row.id.object_type(), "identity" | "marking-definition"))
        .map(|row| row.id.clone())
        .collect();
    match withdraw_all(&state, &caller, ids).await? {
        Withdrawal::Done => Ok(answer(&json!({
            "saved": true, "success": true, "name": "Event deleted.", "message": "Event deleted.", "url": "/events/delete",
        }))),
        Withdrawal::NotThere => Err(Failure::not_found()),
        Withdrawal::NotAllowed => Err(Failure::not_allowed()),
    }
}

async fn add_object(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    caller.demand(&state, Operation::Write)?;
    let held = body(&state, &caller, &headers, sent).await?;
    let mut object = object_body(&held.bytes)?;
    if let Some(Value::Object(inner)) = object.get_mut("Object") {
        object = std::mem::take(inner);
    }
    let uuid = object.entry("uuid").or_insert_with(|| json!(Uuid::new_v4().to_string())).clone();
    let event = Fields::from_iter([("Object".to_owned(), json!([object]))]);
    let gathered = own(&state, &caller, &id).await?;
    let objects = edit::changed(&gathered, Change::Merge(event), jiff::Timestamp::now())?;
    submit(&state, &caller, held, objects).await?;
    let event = shown(&state, &caller, &gathered.uuid.to_string()).await?;
    let made = event.get("Object").and_then(Value::as_array).into_iter().flatten();
    let made =
        made.into_iter().find(|object| object.get("uuid") == Some(&uuid)).ok_or_else(Failure::not_found)?;
    Ok(answer(&json!({ "Object": made })))
}

async fn add_object_with(
    state: State<AppState>,
    caller: Caller,
    Path((id, _option)): Path<(String, String)>,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    add_object(state, caller, Path(id), headers, sent).await
}
