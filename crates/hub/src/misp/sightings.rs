//! Sightings, which anybody who sees an attribute may add.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use jiff::Timestamp;
use policy::Operation;
use serde_json::{Value, json};
use stix::observable::recognise;
use store::objects::Row;
use store::{StoreError, objects, organisations};
use uuid::Uuid;

use api::Code;

use super::events::{body, shown, submit};
use super::gather::{Gatherer, object_body};
use super::{Fields, answer, search};
use crate::listed::Listed;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::state::AppState;

/// Attributes of one value that a sighting is added to.
const PARENTS_MAX: usize = 100;

pub(super) fn routes() -> Listed {
    Listed::default()
        .post("/sightings/add", add_by_body)
        .post("/sightings/add/{id}", add)
        .post("/sightings/listSightings", list)
}

async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    let held = body(&state, &caller, &headers, sent).await?;
    let mut fields = object_body(&held.bytes)?;
    fields.insert("id".to_owned(), json!(id));
    record(&state, &caller, fields, held).await
}

async fn add_by_body(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    let held = body(&state, &caller, &headers, sent).await?;
    let fields = object_body(&held.bytes)?;
    record(&state, &caller, fields, held).await
}

/// What is sighted: an attribute by its UUID, or every attribute with the value.
struct Parent {
    row: Row,
    report: Option<String>,
}

async fn record(
    state: &AppState,
    caller: &Caller,
    fields: Fields,
    held: crate::ingest::HeldBody,
) -> Answer<Response> {
    caller.demand(state, Operation::Write)?;
    let text = |name: &str| {
        fields.get(name).and_then(|value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    };
    let kind = text("type").unwrap_or_else(|| "0".to_owned());
    if !matches!(kind.as_str(), "0" | "1") {
        let detail = "sightings of type 0 (seen) and 1 (false positive) are taken here; an expiry is an edit of the attribute";
        return Err(Failure::new(Code::Unprocessable, detail));
    }
    let named = ["id", "uuid", "attribute_uuid"].iter().find_map(|name| Uuid::try_parse(&text(name)?).ok());
    let values: Vec<String> = match fields.get("values").or_else(|| fields.get("value")) {
        Some(Value::Array(list)) => {
            list.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
        }
        Some(Value::String(value)) => vec![value.clone()],
        _ => Vec::new(),
    };
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let visible = work.door.visible(reader, &asker.principal)?;
        let gatherer =
            Gatherer { reader, realm: asker.realm(), visible: &visible, collection: work.collection.key };
        let organisation = organisations::get(reader, asker.realm(), &asker.principal.organisation)?;
        Ok((parents(&gatherer, named, &values)?, organisation, visible.clone()))
    });
    let (parents, organisation, visible) = found.await?;
    if parents.is_empty() {
        return Err(Failure::not_found());
    }
    let leaving: Vec<Leaving> = parents.iter().map(|parent| Leaving::from(&parent.row)).collect();
    let recipient = Recipient { caller: caller.clone(), door: "misp" };
    state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, ()).await?;
    let seen = text("date_sighting").or_else(|| text("timestamp")).and_then(|text| text.parse::<i64>().ok());
    let seen = seen.and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or_else(Timestamp::now);
    let organisation = organisation.ok_or_else(Failure::not_found)?;
    let mut objects = vec![bytes::Bytes::from(::misp::extension_definition().to_string())];
    let mut made = Vec::new();
    for parent in &parents {
        let uuid = Uuid::new_v4();
        let saw = ::misp::Seen {
            uuid,
            at: seen,
            is_false_positive: kind == "1",
            source: text("source"),
            organisation: organisation.identity.as_str().split_once("--").map(|(_, uuid)| uuid.to_owned()),
            organisation_name: organisation.name_en.clone(),
        };
        let object = crate::api::summaries::parse(&parent.row)?;
        objects.push(saw.of(&object, parent.report.as_deref()));
        made.push(json!({
            "uuid": uuid.to_string(), "type": kind, "date_sighting": seen.as_second().to_string(),
            "source": text("source").unwrap_or_default(), "attribute_uuid": object.id().as_str().split_once("--").map(|(_, uuid)| uuid),
        }));
    }
    submit(state, caller, held, objects).await?;
    let first = made.into_iter().next().unwrap_or_default();
    Ok(answer(&json!({ "Sighting": first })))
}

fn parents(
    gatherer: &Gatherer<'_, '_>,
    named: Option<Uuid>,
    values: &[String],
) -> Result<Vec<Parent>, StoreError> {
    let mut rows: Vec<Row> =
        named.map(|uuid| gatherer.part(uuid)).transpose()?.flatten().into_iter().collect();
    if named.is_none() {
        for (kind, value) in values.iter().take(PARENTS_MAX).filter_map(|value| recognise(value)) {
            rows.extend(objects::mentioning(
                gatherer.reader,
                gatherer.realm,
                gatherer.visible,
                kind,
                &value,
                PARENTS_MAX,
            )?);
        }
    }
    let mut parents = Vec::new();
    for row in rows
        .into_iter()
        .filter(|row| row.id.object_type() == "indicator" || named.is_some())
        .take(PARENTS_MAX)
    {
        let report = gatherer.containers_of(&row, PARENTS_MAX)?.into_iter().next();
        parents.push(Parent { row, report: report.map(|row| row.id.to_string()) });
    }
    Ok(parents)
}

/// The sightings of an event's attributes, or of one attribute.
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    caller.demand(&state, Operation::Read)?;
    let held = body(&state, &caller, &headers, sent).await?;
    let fields = object_body(&held.bytes)?;
    let id = match fields.get("id").or_else(|| fields.get("uuid")) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return Err(Failure::new(Code::BadRequest, "`id` names an event or an attribute")),
    };
    let of_attribute = fields.get("context").and_then(Value::as_str) == Some("attribute");
    let event = match (of_attribute, Uuid::try_parse(&id)) {
        (true, Ok(attribute)) => super::attributes::event_of(&state, &caller, attribute).await?.to_string(),
        (true, Err(_)) => return Err(Failure::not_found()),
        (false, _) => id.clone(),
    };
    let event = shown(&state, &caller, &event).await?;
    let mut sightings = Vec::new();
    for (attribute, _) in search::attributes_of(&event) {
        if of_attribute && attribute.get("uuid").and_then(Value::as_str) != Some(id.as_str()) {
            continue;
        }
        let list = attribute.get("Sighting").and_then(Value::as_array).into_iter().flatten();
        sightings.extend(list.cloned());
    }
    Ok(answer(&Value::Array(sightings)))
}
