//! Attributes: searched, read, added, changed, withdrawn one by one.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use policy::Operation;
use serde_json::{Value, json};
use uuid::Uuid;

use api::Code;

use super::edit::{self, Change};
use super::events::{body, own, shown, submit};
use super::gather::{Gatherer, undressed};
use super::{Fields, answer, search};
use crate::ingest::HeldBody;
use crate::listed::Listed;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::state::AppState;

/// Events that one attribute is looked up in.
const EVENTS_MAX: usize = 50;

pub(super) fn routes() -> Listed {
    Listed::default()
        .post("/attributes/restSearch", search::attributes)
        .get("/attributes/view/{id}", view)
        .post("/attributes/add/{id}", add)
        .post("/attributes/add/{id}/{option}", add_with)
        .post("/attributes/edit/{id}", edit)
        .post("/attributes/delete/{id}", delete)
}

/// The UUID of the event that an attribute is of, as far as this principal may see both.
pub(super) async fn event_of(state: &AppState, caller: &Caller, attribute: Uuid) -> Answer<Uuid> {
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let visible = work.door.visible(reader, &asker.principal)?;
        let gatherer =
            Gatherer { reader, realm: asker.realm(), visible: &visible, collection: work.collection.key };
        let Some(part) = gatherer.part(attribute)? else { return Ok(None) };
        let container = gatherer.containers_of(&part, EVENTS_MAX)?.into_iter().next();
        Ok(container.and_then(|row| Uuid::try_parse(row.id.as_str().split_once("--")?.1).ok()))
    });
    found.await?.ok_or_else(Failure::not_found)
}

fn identified(id: &str) -> Answer<Uuid> {
    Uuid::try_parse(id.trim_end_matches(".json")).map_err(|_| Failure::not_found())
}

fn find(event: &Fields, attribute: Uuid) -> Option<Fields> {
    search::attributes_of(event).find_map(|(found, _)| {
        let uuid = found.get("uuid").and_then(Value::as_str).and_then(|uuid| Uuid::try_parse(uuid).ok());
        (uuid == Some(attribute)).then(|| found.clone())
    })
}

async fn view(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    caller.demand(&state, Operation::Read)?;
    let attribute = identified(&id)?;
    let event = event_of(&state, &caller, attribute).await?;
    told(&state, &caller, event, attribute).await
}

async fn told(state: &AppState, caller: &Caller, event: Uuid, attribute: Uuid) -> Answer<Response> {
    let event = shown(state, caller, &event.to_string()).await?;
    let found = find(&event, attribute).ok_or_else(Failure::not_found)?;
    Ok(answer(&json!({ "Attribute": found })))
}

/// The attributes of a body: one, or a list of them.
fn sent_attributes(held: &HeldBody) -> Answer<Vec<Fields>> {
    let wrong = |detail: String| Failure::new(Code::BadRequest, detail);
    let mut value: Value = serde_json::from_slice(&held.bytes)
        .map_err(|error| wrong(format!("the body is not JSON: {error}")))?;
    if let Some(inner) = value.get_mut("Attribute") {
        value = inner.take();
    }
    let list = match value {
        Value::Array(list) => list,
        single => vec![single],
    };
    let fields = list.into_iter().map(|item| match item {
        Value::Object(fields) => Ok(fields),
        _ => Err(wrong("an attribute is a JSON object".to_owned())),
    });
    fields.collect()
}

async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    caller.demand(&state, Operation::Write)?;
    let held = body(&state, &caller, &headers, sent).await?;
    let mut attributes = sent_attributes(&held)?;
    let mut uuids = Vec::new();
    for attribute in &mut attributes {
        let known = attribute.get("uuid").and_then(Value::as_str).and_then(|uuid| Uuid::try_parse(uuid).ok());
        let uuid = known.unwrap_or_else(Uuid::new_v4);
        attribute.insert("uuid".to_owned(), json!(uuid.to_string()));
        uuids.push(uuid);
    }
    let mut change = Fields::from_iter([("Attribute".to_owned(), json!(attributes))]);
    undressed(&mut change);
    let gathered = own(&state, &caller, &id).await?;
    let objects = edit::changed(&gathered, Change::Merge(change), jiff::Timestamp::now())?;
    submit(&state, &caller, held, objects).await?;
    let event = shown(&state, &caller, &gathered.uuid.to_string()).await?;
    let mut made: Vec<Value> =
        uuids.into_iter().filter_map(|uuid| find(&event, uuid)).map(Value::Object).collect();
    let made = if made.len() == 1 { made.remove(0) } else { Value::Array(made) };
    Ok(answer(&json!({ "Attribute": made })))
}

async fn add_with(
    state: State<AppState>,
    caller: Caller,
    Path((id, _option)): Path<(String, String)>,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    add(state, caller, Path(id), headers, sent).await
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
    let attribute = identified(&id)?;
    let mut changed = sent_attributes(&held)?.pop().unwrap_or_default();
    changed.insert("uuid".to_owned(), json!(attribute.to_string()));
    let event = replace(&state, &caller, attribute, changed, held).await?;
    told(&state, &caller, event, attribute).await
}

/// An attribute that is deleted stays as deleted, so that whoever has it learns of it.
async fn delete(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    caller.demand(&state, Operation::Write)?;
    let attribute = identified(&id)?;
    let held = state.ingest.read_body(&caller, &HeaderMap::new(), Body::empty()).await?;
    let changed = Fields::from_iter([
        ("uuid".to_owned(), json!(attribute.to_string())),
        ("deleted".to_owned(), json!(true)),
    ]);
    replace(&state, &caller, attribute, changed, held).await?;
    Ok(answer(
        &json!({ "saved": true, "success": true, "name": "Attribute deleted.", "message": "Attribute deleted." }),
    ))
}

async fn replace(
    state: &AppState,
    caller: &Caller,
    attribute: Uuid,
    changed: Fields,
    held: HeldBody,
) -> Answer<Uuid> {
    let event = event_of(state, caller, attribute).await?;
    let mut change = Fields::from_iter([("Attribute".to_owned(), json!([changed]))]);
    undressed(&mut change);
    let gathered = own(state, caller, &event.to_string()).await?;
    let objects = edit::changed(&gathered, Change::Merge(change), jiff::Timestamp::now())?;
    submit(state, caller, held, objects).await?;
    Ok(event)
}
