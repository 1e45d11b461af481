//! Who is in a room, and the situation report that several write at once.

use std::collections::BTreeMap;
use std::time::Instant;

use api::{RoomHere, RoomPresence, RoomPresent, RoomReport};
use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use policy::{Operation, PrincipalKind};
use serde::Deserialize;
use store::StoreError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Rooms, case_id, lost, tell};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::{JsonBody, Query};
use crate::room::told::Telling;
use crate::sharing::unfit;
use crate::state::AppState;

/// Letters in which a reader says what it knows of a report, at most: a writer takes nine or so.
const KNOWN_LETTERS_MAX: usize = 16_000;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(present)).routes(routes!(report))
}

/// Say that one is in a room, and hear who else is.
///
/// A console says it every fifteen seconds; who was not heard for three times as long has left. Nothing of it is written down; the processes of
/// a hub that runs as several tell each other, and other hubs are not told. One is told of people of one's own organisation, and of those whose
/// organisation one sees in the room.
#[utoipa::path(post, path = "/api/v1/cases/{id}/room/presence", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")), request_body = RoomHere,
    responses((status = 200, body = RoomPresence), crate::api::CallerRefusal))]
async fn present(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<RoomHere>,
) -> Answer<Json<RoomPresence>> {
    caller.demand(&state, Operation::WorkCases)?;
    let id = case_id(&id)?;
    let asked = (id.clone(), false);
    let told = move |state: &AppState,
                     caller: &Caller,
                     rooms: &Rooms,
                     telling: &mut Telling<'_, '_, '_>,
                     now: Timestamp|
          -> Result<RoomPresence, StoreError> {
        let one = rooms.get(&id).ok_or_else(lost)?;
        let (presence, at) = (&state.rooms.presence, Instant::now());
        let room = (caller.realm(), &id);
        let own = telling.own(caller)?;
        // A program is in no room.
        if let PrincipalKind::Person(account) = &caller.principal.kind {
            let who = (account.as_str(), &own);
            if body.leaves {
                presence.leave(room, who, at);
            } else {
                presence.hear(room, who, body.writes, (at, now));
            }
        }
        let members = &one.situation.members;
        let here = presence.here(room, at, |name| *name == own || members.contains(name));
        let here = here.into_iter().map(|(account, one)| {
            Ok(RoomPresent {
                person: telling.present(&account, &one.organisation)?,
                since: one.since.to_string(),
                writes: one.writes,
            })
        });
        Ok(RoomPresence {
            here: here.collect::<Result<_, StoreError>>()?,
            organisations: BTreeMap::new(),
            people: BTreeMap::new(),
            as_of: now.to_string(),
        })
    };
    tell(&state, caller, asked, told, |told, (organisations, people)| RoomPresence {
        organisations,
        people,
        ..told
    })
    .await
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReportQuery {
    /// Which of the room's reports; the last one where absent.
    report: Option<u16>,
    /// What the reader knows of it: a state vector of Yjs in base64. All of it is told where absent.
    known: Option<String>,
}

/// A situation report as it is being written: what it says, and what the reader lacks of it.
///
/// It is made of what was typed, as far as the caller may see it, in the order in which entries count. One types by writing entries that say
/// `typed`; each says what was typed since the last one.
#[utoipa::path(get, path = "/api/v1/cases/{id}/room/report", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident"), ReportQuery),
    responses((status = 200, body = RoomReport), crate::api::CallerRefusal))]
async fn report(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<ReportQuery>,
) -> Answer<Json<RoomReport>> {
    caller.demand(&state, Operation::WorkCases)?;
    let id = case_id(&id)?;
    if query.known.as_ref().is_some_and(|known| known.len() > KNOWN_LETTERS_MAX) {
        let why = format!("known: it has at most {KNOWN_LETTERS_MAX} letters; leave it out to be told all");
        return Err(Failure::rule("report-known", why));
    }
    let asked = (id.clone(), false);
    let told = move |_: &AppState,
                     _: &Caller,
                     rooms: &Rooms,
                     _: &mut Telling<'_, '_, '_>,
                     now: Timestamp|
          -> Result<RoomReport, StoreError> {
        let one = rooms.get(&id).ok_or_else(lost)?;
        let reports = one.situation.reports;
        let number = query.report.unwrap_or(reports.max(1));
        if number == 0 || number > reports.saturating_add(1) {
            let why = format!("report: {reports} were begun in this room");
            return Err(unfit("no-such-report", why));
        }
        one.report(number, |report| {
            let update = report.lacking(query.known.as_deref());
            Ok(RoomReport {
                report: number,
                reports,
                text: report.text(),
                update: update.map_err(|error| unfit("report-known", format!("known: {error}")))?,
                changes: report.changes(),
                left_out: report.left_out(),
                as_of: now.to_string(),
            })
        })
    };
    tell(&state, caller, asked, told, |told, _| told).await
}
