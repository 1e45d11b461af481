//! `/api/v1/cases/{id}/room` and `/api/v1/rooms`: what several hubs know, do and decide about one case.

mod found;
mod live;
mod mail;
mod mail_out;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use api::{
    Campaign, CampaignCase, NewRoomEntries, NewRoomEntry, NewRoomPublication, NewRoomSeverity,
    Room as RoomAnswer, RoomBrief, RoomCaseList, RoomTaken, RoomTakenList,
};
use axum::Json;
use axum::extract::{Path, State};
use case::Severity;
use case::room::{Says, brief};
use jiff::{SignedDuration, Timestamp};
use policy::{LabelKey, Operation};
use serde::Deserialize;
use stix::Id;
use store::objects::{self, Filter, Order, Versions};
use store::{Act, StoreError, Tx};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::summaries::{Teller, leaving, parse};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::request::{JsonBody, Query};
use crate::room::given::Reading;
use crate::room::told::{Telling, audiences};
use crate::room::write::{Wanted, Writer, entry_id, instant, inverse, publish as published, read_says};
use crate::room::{Mark, Names, Seen, campaign as joined, seen};
use crate::sharing::unfit;
use crate::state::AppState;

/// Lines of one answer, where nothing else is asked for.
const LINES: usize = 300;
/// Lines of one answer at most.
const LINES_MAX: usize = 5_000;
/// Cases of one list.
const CASES_MAX: usize = 200;
/// Entries that are written at once.
const ENTRIES_AT_ONCE: usize = 100;
/// What a brief tells of where nothing else is asked for: a shift.
const SHIFT: SignedDuration = SignedDuration::from_hours(8);

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, add))
        .routes(routes!(brief_of))
        .routes(routes!(campaign))
        .routes(routes!(propose_severity))
        .routes(routes!(publish))
        .routes(routes!(add_several))
        .merge(live::routes())
        .merge(found::routes())
        .merge(mail::routes())
        .merge(mail_out::routes())
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RoomQuery {
    /// How many lines of the timeline, the newest; at most 5,000, 300 where absent.
    limit: Option<usize>,
    /// The `cursor` of an answer that one holds. Where what it told still stands, this one's timeline has only the lines since; where not, or
    /// where it means nothing here, all is told anew.
    known: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BriefQuery {
    /// From when it tells: RFC 3339. Eight hours ago where absent.
    since: Option<String>,
}

/// Cases with rooms, those that other hubs share among them, the newest first.
#[utoipa::path(get, path = "/api/v1/rooms", tag = "cases", security(("session" = []), ("token" = [])),
    responses((status = 200, body = RoomCaseList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<RoomCaseList>> {
    caller.demand(&state, Operation::WorkCases)?;
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let names = Names::read(reader, asker.realm(), &work.federation.own.hub)?;
        let mut teller = Teller::new(reader, &work.door, &asker.principal)?;
        let visible = std::sync::Arc::clone(&teller.visible);
        let filter = Filter {
            collection: work.collection.key,
            visible: &visible,
            after: None,
            added_after: None,
            ids: &[],
            types: &["incident"],
            versions: Versions::last(),
            spec_versions: &[],
            revoked: false,
            order: Order::Descending,
            limit: CASES_MAX,
        };
        let page = objects::page(reader, asker.realm(), &filter)?;
        let mut leaving_now: Vec<Leaving> = page.rows.iter().map(leaving).collect();
        let mut telling = Telling::new(&names, &mut teller);
        let cases = page
            .rows
            .iter()
            .map(|row| telling.case_of(&asker, row, &parse(row)?))
            .collect::<Result<Vec<_>, StoreError>>()?;
        leaving_now.extend(teller.take_named());
        let list = RoomCaseList { more: cases.len() == CASES_MAX, cases, as_of: reader.now().to_string() };
        Ok((list, leaving_now, visible))
    });
    let (list, leaving, visible) = found.await?;
    let recipient = Recipient { caller, door: "rooms" };
    let list = state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, list).await?;
    Ok(Json(list.into_inner()))
}

/// What a telling needs: the cases' rooms as the reader sees them, and whom they name.
type Rooms = BTreeMap<Id, Seen>;

/// Tells something of a case's room; with the rooms that are joined to it where that is asked for.
async fn tell<T: Send + 'static>(
    state: &AppState,
    caller: Caller,
    (id, with_joined): (Id, bool),
    tell: impl FnOnce(&AppState, &Caller, &Rooms, &mut Telling<'_, '_, '_>, Timestamp) -> Result<T, StoreError>
    + Send
    + 'static,
    finish: impl FnOnce(T, Named) -> T + Send + 'static,
) -> Answer<Json<T>> {
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let mut teller = Teller::new(reader, &work.door, &asker.principal)?;
        let visible = std::sync::Arc::clone(&teller.visible);
        let reading = Reading::of(&asker, &id, visible.epoch());
        let Some(first) = seen(&work.rooms, reader, asker.realm(), &visible, &id)? else { return Ok(None) };
        let rooms = if with_joined {
            joined(&work.rooms, reader, asker.realm(), &visible, first)?
        } else {
            BTreeMap::from([(id, first)])
        };
        let names = Names::read(reader, asker.realm(), &work.federation.own.hub)?;
        let mut telling = Telling::new(&names, &mut teller);
        let told = tell(&work, &asker, &rooms, &mut telling, reader.now())?;
        let told = finish(told, telling.named());
        let named = teller.take_named();
        let labels = rooms.values().flat_map(Seen::labels).chain(named.iter().map(|part| part.label));
        let labels: BTreeSet<LabelKey> = labels.collect();
        let fresh = work.rooms.given.fresh(reading.as_ref(), rooms.values(), &named, Instant::now());
        Ok(Some((told, (labels, fresh), reading, visible)))
    });
    let (told, (labels, fresh), reading, visible) = found.await?.ok_or_else(Failure::not_found)?;
    let recipient = Recipient { caller, door: "room" };
    let labels: Vec<LabelKey> = labels.into_iter().collect();
    let parts = (labels.as_slice(), fresh.parts.as_slice());
    let released =
        state.door.release_again(&state.store, &state.metrics, &recipient, &visible, parts, told).await?;
    state.rooms.given.note(reading, fresh, Instant::now());
    Ok(Json(released.into_inner()))
}

/// What organisations and people are called.
type Named = (BTreeMap<String, api::RoomName>, BTreeMap<String, String>);

fn lost() -> StoreError {
    StoreError::Corrupt("a room that was read".to_owned())
}

/// A case's room, as far as the caller may see it.
///
/// What the caller may not see counts for nothing and is not told, unless its originator chose that a stub says when and whose. An open room
/// is asked for again at each change, with the `cursor` of the last answer.
#[utoipa::path(get, path = "/api/v1/cases/{id}/room", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident"), RoomQuery),
    responses((status = 200, body = RoomAnswer), crate::api::CallerRefusal))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<RoomQuery>,
) -> Answer<Json<RoomAnswer>> {
    caller.demand(&state, Operation::WorkCases)?;
    let id = case_id(&id)?;
    let asked = (id.clone(), true);
    let limit = query.limit.unwrap_or(LINES).clamp(1, LINES_MAX);
    let known: Option<Mark> = query.known.and_then(|text| text.parse().ok());
    let told = move |state: &AppState,
                     caller: &Caller,
                     rooms: &Rooms,
                     telling: &mut Telling<'_, '_, '_>,
                     now: Timestamp|
          -> Result<RoomAnswer, StoreError> {
        let one = rooms.get(&id).ok_or_else(lost)?;
        let since = known.map(|mark| telling.lines_since(one, mark, limit)).transpose()?.flatten();
        let continues = since.is_some();
        let timeline = since.map_or_else(|| telling.lines(one, limit), Ok)?;
        let others = rooms.iter().filter(|(other, _)| **other != id);
        let joined = others.map(|(_, other)| telling.case(caller, other)).collect::<Result<_, _>>()?;
        Ok(RoomAnswer {
            case: telling.case(caller, one)?,
            you: telling.reader(caller)?,
            situation: telling.situation(&one.situation, now)?,
            timeline,
            continues,
            cursor: one.mark.to_string(),
            lines: one.lines(),
            joined,
            audiences: audiences(&state.engine.load(), caller),
            organisations: BTreeMap::new(),
            people: BTreeMap::new(),
            as_of: now.to_string(),
        })
    };
    tell(&state, caller, asked, told, |told, (organisations, people)| RoomAnswer {
        organisations,
        people,
        ..told
    })
    .await
}

/// What the next shift has to know.
#[utoipa::path(get, path = "/api/v1/cases/{id}/room/brief", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident"), BriefQuery),
    responses((status = 200, body = RoomBrief), crate::api::CallerRefusal))]
async fn brief_of(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<BriefQuery>,
) -> Answer<Json<RoomBrief>> {
    caller.demand(&state, Operation::WorkCases)?;
    let id = case_id(&id)?;
    let since = query.since.as_deref().map(|text| instant("since", text)).transpose()?;
    let asked = (id.clone(), false);
    let told = move |_: &AppState,
                     caller: &Caller,
                     rooms: &Rooms,
                     telling: &mut Telling<'_, '_, '_>,
                     now: Timestamp|
          -> Result<RoomBrief, StoreError> {
        let one = rooms.get(&id).ok_or_else(lost)?;
        let since = since.unwrap_or_else(|| now.checked_sub(SHIFT).unwrap_or(now));
        let brief = brief(&one.room, since, now, crate::room::all);
        let reports = one.situation.reports;
        let report = (reports > 0).then(|| one.report(reports, case::room::Report::text));
        let (situation, lines) = telling.brief(one, &brief, now)?;
        Ok(RoomBrief {
            case: telling.case(caller, one)?,
            since: since.to_string(),
            situation,
            late: brief.late,
            lines,
            report,
            organisations: BTreeMap::new(),
            people: BTreeMap::new(),
            as_of: now.to_string(),
        })
    };
    tell(&state, caller, asked, told, |told, (organisations, people)| RoomBrief {
        organisations,
        people,
        ..told
    })
    .await
}

/// The cases that are one incident with a case, side by side.
#[utoipa::path(get, path = "/api/v1/cases/{id}/campaign", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")),
    responses((status = 200, body = Campaign), crate::api::CallerRefusal))]
async fn campaign(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Campaign>> {
    caller.demand(&state, Operation::WorkCases)?;
    let id = case_id(&id)?;
    let asked = (id.clone(), true);
    let told = move |_: &AppState,
                     caller: &Caller,
                     rooms: &Rooms,
                     telling: &mut Telling<'_, '_, '_>,
                     now: Timestamp|
          -> Result<Campaign, StoreError> {
        let mut cases = Vec::new();
        let mut named: BTreeMap<String, usize> = BTreeMap::new();
        let others = rooms.iter().filter(|(other, _)| **other != id);
        for (_, one) in rooms.get_key_value(&id).into_iter().chain(others) {
            let situation = telling.situation(&one.situation, now)?;
            for object in concerned(one, &situation.objects) {
                *named.entry(object).or_default() += 1;
            }
            cases.push(CampaignCase { case: telling.case(caller, one)?, situation });
        }
        let common = named.into_iter().filter(|(_, times)| *times > 1).map(|(object, _)| object).collect();
        let (organisations, people) = Named::default();
        Ok(Campaign { cases, common, organisations, people, as_of: now.to_string() })
    };
    tell(&state, caller, asked, told, |told, (organisations, people)| Campaign {
        organisations,
        people,
        ..told
    })
    .await
}

/// The objects that a case or its room names.
fn concerned(seen: &Seen, in_room: &[String]) -> BTreeSet<String> {
    let own = case::from_stix(&seen.object).map(|case| case.objects).unwrap_or_default();
    own.iter().map(ToString::to_string).chain(in_room.iter().cloned()).collect()
}

/// Write an entry into a case's room.
///
/// Time, writer and organisation are set here. What would have no effect, since somebody commands already or a task is another's, is
/// refused with the reason. An entry is an object of the log under its own marking; `only` is a marking, too, and no policy gives
/// what bears it to anybody else.
#[utoipa::path(post, path = "/api/v1/cases/{id}/room", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")), request_body = NewRoomEntry,
    responses((status = 200, body = RoomTaken), crate::api::CallerRefusal))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewRoomEntry>,
) -> Answer<Json<RoomTaken>> {
    let id = case_id(&id)?;
    look(&state, &caller, &id).await?;
    write(&state, caller, move |tx, writer| {
        let mut seen = writer.room(tx, &id)?;
        let (label, says) = (writer.label(tx, &seen, &body.label)?, read_says(tx, writer, &body.entry)?);
        writer.write_into(tx, &mut seen, Wanted { key: body.key, part: "", label, says, by_system: false })
    })
    .await
}

/// Write entries into several rooms, or take some back: all of it or nothing.
#[utoipa::path(post, path = "/api/v1/rooms/entries", tag = "cases", security(("session" = []), ("token" = [])),
    request_body = NewRoomEntries, responses((status = 200, body = RoomTakenList), crate::api::CallerRefusal))]
async fn add_several(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewRoomEntries>,
) -> Answer<Json<RoomTakenList>> {
    if !(1..=ENTRIES_AT_ONCE).contains(&body.entries.len()) {
        let why = format!("entries: write 1 to {ENTRIES_AT_ONCE} at once");
        return Err(Failure::rule("count", why));
    }
    write(&state, caller, move |tx, writer| {
        // A room is read once, however many entries it gets.
        let (mut taken, mut rooms) = (Vec::new(), Rooms::new());
        for one in &body.entries {
            let id = Id::parse(&one.case).map_err(|_| StoreError::NotFound { what: one.case.clone() })?;
            if !rooms.contains_key(&id) {
                rooms.insert(id.clone(), writer.room(tx, &id)?);
            }
            let seen = rooms.get_mut(&id).ok_or_else(lost)?;
            let wanted = wanted(tx, writer, seen, one)?;
            taken.push(writer.write_into(tx, seen, wanted)?);
        }
        Ok(RoomTakenList { taken })
    })
    .await
}

/// What one of several asks for.
fn wanted(
    tx: &Tx<'_>,
    writer: &Writer<'_>,
    seen: &Seen,
    one: &api::NewRoomEntryOf,
) -> Result<Wanted, StoreError> {
    let (label, says, part) = match (&one.entry, &one.undo) {
        (Some(entry), None) => (writer.label(tx, seen, &one.label)?, read_says(tx, writer, entry)?, ""),
        (None, Some(undo)) => {
            let (label, says) = inverse(seen, &entry_id(undo)?, one.reason.as_deref().unwrap_or_default())?;
            (label, says, "undo")
        }
        _ => return Err(unfit("entry-or-undo", "entries: each has either `entry` or `undo`")),
    };
    Ok(Wanted { key: one.key, part, label, says, by_system: false })
}

/// Make an entry of one's own organisation known to more, as an entry of its own that does not name where it came from.
#[utoipa::path(post, path = "/api/v1/cases/{id}/room/{entry}/publish", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident"), ("entry" = String, Path, description = "The entry's name")),
    request_body = NewRoomPublication, responses((status = 200, body = RoomTaken), crate::api::CallerRefusal))]
async fn publish(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, entry)): Path<(String, String)>,
    JsonBody(body): JsonBody<NewRoomPublication>,
) -> Answer<Json<RoomTaken>> {
    let id = case_id(&id)?;
    look(&state, &caller, &id).await?;
    write(&state, caller, move |tx, writer| published(tx, writer, (&id, &entry), &body)).await
}

/// Have the scheme of severities propose a level, out of what is known; it stands in the room with its reasons. A person declares.
#[utoipa::path(post, path = "/api/v1/cases/{id}/room/severity", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")), request_body = NewRoomSeverity,
    responses((status = 200, body = RoomTaken), crate::api::CallerRefusal))]
async fn propose_severity(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewRoomSeverity>,
) -> Answer<Json<RoomTaken>> {
    let id = case_id(&id)?;
    let work = state.clone();
    write(&state, caller, move |tx, writer| {
        let mut seen = writer.room(tx, &id)?;
        let scheme = &work.regimes.severity;
        let hit = case::from_stix(&seen.object).map_or(0, |case| case.members.len());
        let proposal = scheme.propose(&body.answers, u16::try_from(hit).unwrap_or(u16::MAX));
        let nothing = || unfit("severity-unanswered", "answers: answer one factor of the scheme at least");
        let proposal = proposal.ok_or_else(nothing)?;
        let level = Severity::new(proposal.level).unwrap_or(Severity::NONE);
        let mut reasons: Vec<String> = proposal
            .reasons
            .iter()
            .filter_map(|(factor, choice, share)| {
                let factor = scheme.factors.iter().find(|known| known.id == *factor)?;
                let (_, choice, _) = factor.choices.iter().find(|(id, _, _)| id == choice)?;
                let (name, of) = (&factor.name, choice);
                Some(format!("{}: {} / {}: {} ({share} %)", name.ja, of.ja, name.en, of.en))
            })
            .collect();
        if proposal.campaign {
            reasons.push(format!("{hit} 組織に影響 / {hit} organisations are hit (+1)"));
        }
        let label = writer.open_label(tx, &seen)?;
        let says = Says::SeverityProposed { level, reasons };
        writer.write_into(
            tx,
            &mut seen,
            Wanted { key: body.key, part: "proposed", label, says, by_system: true },
        )
    })
    .await
}

/// Reads a room before it is written to: whoever writes holds up everybody else who does, and finds it read.
///
/// # Errors
/// Not allowed; those of the database.
async fn look(state: &AppState, caller: &Caller, case: &Id) -> Answer<()> {
    caller.demand(state, Operation::WorkCases)?;
    let (work, asker, case) = (state.clone(), caller.clone(), case.clone());
    let looked = state.store.read(move |reader| {
        let visible = work.door.visible(reader, &asker.principal)?;
        seen(&work.rooms, reader, asker.realm(), &visible, &case).map(drop)
    });
    Ok(looked.await?)
}

/// Writes as the caller; what is limited to somebody new is decided on at once.
async fn write<T: Send + 'static>(
    state: &AppState,
    caller: Caller,
    write: impl Fn(&mut Tx<'_>, &mut Writer<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Answer<Json<T>> {
    caller.demand(state, Operation::WorkCases)?;
    let work = state.clone();
    let written = state.store.write(move |tx| {
        let mut writer = Writer::new(tx, &work, &caller)?;
        let done = write(tx, &mut writer)?;
        let (events, has_new_circle) = (std::mem::take(&mut writer.events), writer.has_new_circle);
        let result = (done, has_new_circle);
        Ok(if events.is_empty() {
            Act::bookkeeping(result)
        } else {
            Act::audited_all(result, caller.realm(), events)
        })
    });
    let (done, has_new_circle) = written.await?;
    if has_new_circle {
        state.policies.renew().await.map_err(Failure::internal)?;
    }
    Ok(Json(done))
}

fn case_id(text: &str) -> Answer<Id> {
    Id::parse(text).ok().filter(|id| id.object_type() == "incident").ok_or_else(Failure::not_found)
}
