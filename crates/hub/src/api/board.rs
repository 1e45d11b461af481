//! `/api/v1/board`: is something happening to us, where, and is someone on it?

use std::collections::{BTreeMap, HashMap};

use api::{Board, CaseSummary, EdgeHealth, MinuteCount, SectorState};
use axum::Json;
use axum::extract::State;
use case::State as CaseState;
use jiff::{SignedDuration, Timestamp};
use oversight::{OrganisationId, Sector};
use policy::Operation;
use store::{Reader, StoreError, cases, objects, sightings};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cases::incident;
use super::edges::{health_counts, seen_edges};
use super::summaries::{Teller, sighting_leaving};
use crate::principal::Caller;
use crate::problem::Answer;
use crate::release::{Leaving, Recipient};
use crate::state::AppState;

/// Sightings on the board.
const SIGHTINGS_SHOWN: usize = 50;
/// Cases on the board.
const CASES_SHOWN: usize = 100;
/// How far back a sector's sightings are counted.
const SECTOR_WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// Minutes of the chart.
const MINUTES: i64 = 60;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(board))
}

/// The situation board.
///
/// Everything on it is counted over what the caller may see. Follow `/api/v1/stream` after `sequence` to keep it current.
#[utoipa::path(get, path = "/api/v1/board", tag = "situation", security(("session" = []), ("token" = [])),
    responses((status = 200, body = Board), crate::api::CallerRefusal))]
async fn board(State(state): State<AppState>, caller: Caller) -> Answer<Json<Board>> {
    caller.demand(&state, Operation::Read)?;
    let (work, asker) = (state.clone(), caller.clone());
    // Read before the snapshot: following from here may tell something again, and leaves nothing out.
    let sequence = *state.store.committed().borrow();
    let (board, leaving, visible) = state
        .store
        .read(move |reader| {
            let mut teller = Teller::new(reader, &work.door, &asker.principal)?;
            let (board, leaving) = put_together(&work, &asker, &mut teller, sequence)?;
            Ok((board, leaving, teller.visible))
        })
        .await?;
    let recipient = Recipient { caller, door: "board" };
    let board =
        state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, board).await?;
    Ok(Json(board.into_inner()))
}

fn put_together(
    state: &AppState,
    caller: &Caller,
    teller: &mut Teller<'_, '_>,
    sequence: i64,
) -> Result<(Board, Vec<Leaving>), StoreError> {
    let (reader, realm, now) = (teller.reader, caller.realm(), teller.reader.now());
    let mut leaving = Vec::new();
    let cases = if caller.may(state, Operation::WorkCases) {
        open_cases(caller, teller, &mut leaving)?
    } else {
        Vec::new()
    };
    let newest = sightings::recent(reader, realm, &teller.visible, SIGHTINGS_SHOWN)?;
    leaving.extend(newest.iter().map(sighting_leaving));
    let board = Board {
        sectors: sectors(caller, teller, &cases, now)?,
        last_hour: last_hour(reader, caller, teller, now)?,
        sightings: newest.iter().map(|sighting| teller.sighting(sighting)).collect::<Result<_, _>>()?,
        edges: edge_counts(state, caller, reader, now)?,
        indicators: objects::count(reader, realm, &teller.visible, &["indicator"])?,
        cases: cases.into_iter().take(CASES_SHOWN).collect(),
        sequence,
        as_of: now.to_string(),
    };
    leaving.extend(teller.take_named());
    Ok((board, leaving))
}

/// All that are open: those beyond [`CASES_SHOWN`] are not shown one by one and do not leave, but count for their sectors.
fn open_cases(
    caller: &Caller,
    teller: &mut Teller<'_, '_>,
    leaving: &mut Vec<Leaving>,
) -> Result<Vec<CaseSummary>, StoreError> {
    let open = cases::list(teller.reader, caller.realm(), &teller.visible, Some(CaseState::Open))?;
    for (case, label) in open.iter().take(CASES_SHOWN) {
        leaving.extend(incident(teller, caller, case, *label)?);
    }
    open.iter().map(|(case, label)| teller.case(case, *label)).collect()
}

fn edge_counts(
    state: &AppState,
    caller: &Caller,
    reader: &Reader<'_>,
    now: Timestamp,
) -> Result<Vec<(EdgeHealth, u64)>, StoreError> {
    if !caller.may(state, Operation::SeeEdges) {
        return Ok(Vec::new());
    }
    Ok(health_counts(&seen_edges(state, caller, reader, now)?))
}

fn sectors(
    caller: &Caller,
    teller: &Teller<'_, '_>,
    cases: &[CaseSummary],
    now: Timestamp,
) -> Result<Vec<SectorState>, StoreError> {
    let from = now - SECTOR_WINDOW;
    let seen: HashMap<OrganisationId, u64> =
        sightings::per_organisation(teller.reader, caller.realm(), &teller.visible, from)?
            .into_iter()
            .collect();
    let state_of = |sector: Sector| {
        let name = sector.name().to_owned();
        let concerned = cases.iter().filter(|case| case.sectors.contains(&name));
        let members: Vec<_> =
            teller.organisations().filter(|known| known.sectors.contains(&sector)).collect();
        let mut prefectures: Vec<u8> = members.iter().filter_map(|member| member.prefecture).collect();
        prefectures.sort_unstable();
        prefectures.dedup();
        SectorState {
            severity: concerned.clone().map(|case| case.severity).max(),
            cases: u64::try_from(concerned.count()).unwrap_or(u64::MAX),
            sightings: members.iter().filter_map(|member| seen.get(&member.id)).sum(),
            organisations: u64::try_from(members.len()).unwrap_or(u64::MAX),
            prefectures,
            sector: name,
        }
    };
    Ok(Sector::ALL.iter().map(|sector| state_of(*sector)).collect())
}

/// Sixty minutes up to the present one, also those without any sighting.
fn last_hour(
    reader: &Reader<'_>,
    caller: &Caller,
    teller: &Teller<'_, '_>,
    now: Timestamp,
) -> Result<Vec<MinuteCount>, StoreError> {
    let minute = |number: i64| Timestamp::from_second(number * 60).unwrap_or_default();
    let present = now.as_second().div_euclid(60);
    let (from, to) = (present - MINUTES + 1, present + 1);
    let counted = sightings::per_minute(reader, caller.realm(), &teller.visible, minute(from), minute(to))?;
    let counted: BTreeMap<i64, u64> =
        counted.into_iter().map(|(at, count)| (at.as_second().div_euclid(60), count)).collect();
    let count = |number: i64| MinuteCount {
        at: minute(number).to_string(),
        count: counted.get(&number).copied().unwrap_or(0),
    };
    Ok((from..to).map(count).collect())
}
