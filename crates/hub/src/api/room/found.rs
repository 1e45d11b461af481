//! What is found for a room: values in what somebody types, and cases that have something in common with it.

use api::{NewRoomIndicators, RoomIndicatorsTaken, RoomText, RoomThing, RoomValue, RoomValues, SimilarCases};
use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use misp::list::values_in;
use policy::Operation;
use store::{StoreError, objects};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Rooms, case_id, concerned, look, lost, tell, write};
use crate::api::session::second_look;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::room::told::Telling;
use crate::room::{indicators, similar};
use crate::state::AppState;

/// Characters of a text in which values are looked for.
const TEXT_CHARS_MAX: usize = 20_000;
/// Objects that are told of for one value.
const KNOWN_MAX: usize = 5;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(values)).routes(routes!(link)).routes(routes!(alike))
}

/// The values in what somebody types: addresses, domain names, URLs, hashes …, also defanged; and what is known of each.
///
/// Nothing is kept of the text.
#[utoipa::path(post, path = "/api/v1/cases/{id}/room/values", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")), request_body = RoomText,
    responses((status = 200, body = RoomValues), crate::api::CallerRefusal))]
async fn values(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<RoomText>,
) -> Answer<Json<RoomValues>> {
    caller.demand(&state, Operation::WorkCases)?;
    let id = case_id(&id)?;
    if body.text.chars().nth(TEXT_CHARS_MAX).is_some() {
        let why = format!("text: it has at most {TEXT_CHARS_MAX} characters");
        return Err(Failure::rule("text-max", why).with("field", "text").with("max", TEXT_CHARS_MAX));
    }
    let asked = (id.clone(), false);
    let told = move |_: &AppState,
                     caller: &Caller,
                     rooms: &Rooms,
                     telling: &mut Telling<'_, '_, '_>,
                     _: Timestamp|
          -> Result<RoomValues, StoreError> {
        let one = rooms.get(&id).ok_or_else(lost)?;
        let in_room: Vec<String> = one.situation.objects.iter().map(ToString::to_string).collect();
        let linked = concerned(one, &in_room);
        let (found, more) = values_in(&body.text, indicators::AT_ONCE);
        let (reader, visible) = telling.snapshot();
        let values = found.into_iter().map(|(kind, value)| {
            let rows = objects::mentioning(reader, caller.realm(), &visible, kind, &value, KNOWN_MAX)?;
            let known = rows.iter().filter_map(|row| telling.thing(&row.id).transpose());
            let known: Vec<RoomThing> = known.collect::<Result<_, StoreError>>()?;
            let linked = known.iter().any(|thing| linked.contains(&thing.id));
            Ok(RoomValue { kind: kind.name().to_owned(), value, known, linked })
        });
        Ok(RoomValues { values: values.collect::<Result<_, StoreError>>()?, more })
    };
    tell(&state, caller, asked, told, |told, _| told).await
}

/// Make indicators and observables of values, and link them with the case, beside objects that are here: one entry of the room.
///
/// They are published under the entry's own label, to whom the entry is told and to nobody else. A person's last sign-in must be no older than
/// 15 minutes (`fresh-proof-needed`), but for what stays within one's own organisation.
#[utoipa::path(post, path = "/api/v1/cases/{id}/room/indicators", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")), request_body = NewRoomIndicators,
    responses((status = 200, body = RoomIndicatorsTaken), crate::api::CallerRefusal))]
async fn link(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewRoomIndicators>,
) -> Answer<Json<RoomIndicatorsTaken>> {
    let id = case_id(&id)?;
    look(&state, &caller, &id).await?;
    indicators::bounds(&body)?;
    if !body.indicators.is_empty() || !body.observables.is_empty() {
        caller.demand(&state, Operation::Write)?;
        let own = caller.principal.organisation.as_str();
        let stays = body.label.only.as_ref().is_some_and(|only| only.iter().all(|name| name == own));
        if !stays {
            second_look(&state, &caller).await?;
        }
    }
    write(&state, caller, move |tx, writer| indicators::take(tx, writer, &id, &body)).await
}

/// Cases that have something in common with a case, and what: indicators, values, actors, malware, techniques.
///
/// Only what the caller may see counts, of the cases, of what they name, and of what says so.
#[utoipa::path(get, path = "/api/v1/cases/{id}/similar", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")),
    responses((status = 200, body = SimilarCases), crate::api::CallerRefusal))]
async fn alike(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<SimilarCases>> {
    caller.demand(&state, Operation::WorkCases)?;
    let id = case_id(&id)?;
    let asked = (id.clone(), false);
    let told = move |_: &AppState,
                     caller: &Caller,
                     rooms: &Rooms,
                     telling: &mut Telling<'_, '_, '_>,
                     now: Timestamp|
          -> Result<SimilarCases, StoreError> {
        let one = rooms.get(&id).ok_or_else(lost)?;
        similar::similar(caller, one, telling, now)
    };
    tell(&state, caller, asked, told, |told, _| told).await
}
