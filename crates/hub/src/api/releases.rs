//! `/api/v1/releases`: the release ledger. Who was given what.

use api::{Code, GivenObject, ReleaseList, ReleaseRow};
use axum::Json;
use axum::extract::{Path, State};
use oversight::OrganisationId;
use policy::Operation;
use serde::Deserialize;
use stix::Id;
use store::releases::{self, Release, ReleaseCursor};
use store::{StoreError, objects};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::summaries::{Teller, leaving};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::request::Query;
use crate::state::AppState;

/// Rows of one answer at most.
const ROWS_MAX: usize = 200;
/// Objects that one row shows at most.
const SHOWN_MAX: usize = 20;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(of_object))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReleaseQuery {
    /// What this organisation was given.
    organisation: Option<String>,
    /// Who was given the version with this sequence number.
    sequence: Option<i64>,
    /// What the last answer gave as `next`.
    after: Option<String>,
    /// How many rows, at most 200; 50 where absent.
    limit: Option<usize>,
}

/// The release ledger: what an organisation was given, or who was given a version.
///
/// Say `organisation` or `sequence`. Everybody may ask what its own organisation was given; the rest is for the coordinator and
/// for oversight. The originator of an object asks `/api/v1/objects/{id}/releases`.
#[utoipa::path(get, path = "/api/v1/releases", tag = "sharing", security(("session" = []), ("token" = [])), params(ReleaseQuery),
    responses((status = 200, body = ReleaseList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ReleaseQuery>,
) -> Answer<Json<ReleaseList>> {
    let wanted = Wanted::of(&query)?;
    let is_own = matches!(&wanted, Wanted::Organisation(id, _) if *id == caller.principal.organisation);
    if is_own {
        caller.demand_any(&state, &[Operation::Read, Operation::SeeReleases])?;
    } else {
        caller.demand(&state, Operation::SeeReleases)?;
    }
    let limit = query.limit.unwrap_or(50).clamp(1, ROWS_MAX);
    tell(&state, caller, move |reader, realm| match wanted {
        Wanted::Organisation(id, after) => {
            let (rows, next) = releases::to_organisation(reader, realm, &id, after, limit)?;
            Ok((rows, next.map(|next| format!("{}.{}", next.first_sequence, next.seen))))
        }
        Wanted::Sequence(sequence) => Ok((releases::of_version(reader, realm, sequence)?, None)),
    })
    .await
}

/// Who was given an object: for its originator, the coordinator and oversight.
#[utoipa::path(get, path = "/api/v1/objects/{id}/releases", tag = "sharing", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier")),
    responses((status = 200, body = ReleaseList), crate::api::CallerRefusal))]
async fn of_object(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<ReleaseList>> {
    caller.demand_any(&state, &[Operation::Read, Operation::SeeReleases])?;
    let id = Id::parse(&id).map_err(|_| Failure::not_found())?;
    if !caller.may(&state, Operation::SeeReleases) {
        let (work, asker, asked) = (state.clone(), caller.clone(), id.clone());
        let originator = state.store.read(move |reader| {
            let visible = work.door.visible(reader, &asker.principal)?;
            Ok(objects::get(reader, asker.realm(), &visible, &asked)?.map(|row| row.originator))
        });
        let originator = originator.await?.ok_or_else(Failure::not_found)?;
        if originator != caller.principal.organisation {
            let detail = "who was given an object is told to its originator, the coordinator and oversight";
            return Err(Failure::new(Code::NotAllowed, detail));
        }
    }
    tell(&state, caller, move |reader, realm| Ok((releases::of_object(reader, realm, &id)?, None))).await
}

/// What is asked for.
enum Wanted {
    Organisation(OrganisationId, Option<ReleaseCursor>),
    Sequence(i64),
}

impl Wanted {
    fn of(query: &ReleaseQuery) -> Answer<Self> {
        let wrong = |detail| Failure::new(Code::BadRequest, detail);
        let after = query.after.as_deref().map(|text| {
            let (first, seen) = text.split_once('.')?;
            Some(ReleaseCursor { first_sequence: first.parse().ok()?, seen: seen.parse().ok()? })
        });
        let after = match after {
            Some(None) => return Err(wrong("`after` is not what an answer gave as `next`")),
            Some(after) => after,
            None => None,
        };
        match (&query.organisation, query.sequence) {
            (Some(id), None) => {
                let id = OrganisationId::parse(id)
                    .ok_or_else(|| wrong("`organisation` is not an organisation's short name"))?;
                Ok(Self::Organisation(id, after))
            }
            (None, Some(sequence)) => Ok(Self::Sequence(sequence)),
            _ => Err(wrong("say either `organisation` or `sequence`")),
        }
    }
}

/// Reads rows and tells them, with what the reader may see of the objects.
async fn tell(
    state: &AppState,
    caller: Caller,
    read: impl FnOnce(&store::Reader<'_>, &oversight::Realm) -> Result<(Vec<Release>, Option<String>), StoreError>
    + Send
    + 'static,
) -> Answer<Json<ReleaseList>> {
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let (rows, next) = read(reader, asker.realm())?;
        let mut teller = Teller::new(reader, &work.door, &asker.principal)?;
        let mut left = Vec::new();
        let rows = rows.into_iter().map(|row| told(&mut teller, &asker, row, &mut left));
        let rows = rows.collect::<Result<Vec<_>, StoreError>>()?;
        Ok((ReleaseList { rows, next }, left, teller.visible))
    });
    let (list, left, visible) = found.await?;
    if left.is_empty() {
        return Ok(Json(list));
    }
    let recipient = Recipient { caller, door: "releases" };
    let list = state.door.release(&state.store, &state.metrics, &recipient, &visible, &left, list).await?;
    Ok(Json(list.into_inner()))
}

fn told(
    teller: &mut Teller<'_, '_>,
    caller: &Caller,
    row: Release,
    left: &mut Vec<Leaving>,
) -> Result<ReleaseRow, StoreError> {
    let run = (row.first_sequence, row.last_sequence);
    let mut shown = Vec::new();
    for version in objects::between(teller.reader, caller.realm(), &teller.visible, run, SHOWN_MAX)? {
        let summary = teller.object(&version)?;
        left.push(leaving(&version));
        shown.push(GivenObject {
            sequence: summary.sequence,
            id: summary.id,
            object_type: summary.object_type,
            name: summary.name,
        });
    }
    Ok(ReleaseRow {
        recipient: row.recipient.as_str().to_owned(),
        first_sequence: row.first_sequence,
        last_sequence: row.last_sequence,
        door: row.door,
        purpose: row.purpose.name().to_owned(),
        agreement: row.under.as_ref().map(|under| under.agreement.to_string()),
        term: row.under.and_then(|under| under.term).and_then(|term| u32::try_from(term).ok()),
        times: row.times,
        first_at: row.first_at.to_string(),
        last_at: row.last_at.to_string(),
        first_leaf: row.first_leaf,
        last_leaf: row.last_leaf,
        objects: shown,
    })
}
