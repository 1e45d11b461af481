//! What was found under an authorisation: its content to whoever asked for it and to the operator whose network it left; to the commission
//! how much it was, and who looked.

use std::collections::BTreeMap;

use api::{
    AuthorisationUse, Code, RetentionEnd, SelectionAnomaly, SelectionCount, SelectionInfo, SelectionList,
    SelectionLook, SelectionRecipient,
};
use axum::Json;
use axum::extract::{Path, State};
use oversight::Action;
use policy::Operation;
use serde::Deserialize;
use store::authorisations::selections::{self, Kept, Look, Page};
use store::authorisations::{Authorisation, receipts};
use store::{Act, Reader, StoreError, Tx, audit, retention};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Eye, event, missing, parse};
use crate::api::commission::document;
use crate::api::session::fresh_proof;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::Query;
use crate::retention::{Retention, Unopened};
use crate::state::AppState;

/// Selections of one answer where nothing else is asked for.
const LISTED: usize = 50;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(used))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SelectionQuery {
    /// Those before this number; absent: the newest.
    before: Option<u64>,
    /// How many, at most 200; 50 where absent.
    limit: Option<usize>,
}

/// What was found under an authorisation. Looking at it is an act that is written down, and told to the commission.
///
/// For the organisation that asked; for an operator what left its own network. The last sign-in must be no older than 15 minutes
/// (`fresh-proof-needed`).
#[utoipa::path(get, path = "/api/v1/authorisations/{id}/selections", tag = "oversight", security(("session" = [])),
    params(("id" = String, Path, description = "UUID"), SelectionQuery),
    responses((status = 200, body = SelectionList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SelectionQuery>,
) -> Answer<Json<SelectionList>> {
    caller.demand(&state, Operation::SeeSelections)?;
    fresh_proof(&state, &caller).await?;
    let id = parse(&id)?;
    let asker = caller.clone();
    state.store.read(move |reader| concerned(reader, &asker, id).map(drop)).await?;
    let retention = state.retention.as_ref().ok_or_else(|| {
        let why = "the keys to what is kept are not configured at this node (`[retention]`)";
        Failure::new(Code::Unavailable, why)
    })?;
    state.demand_witnesses()?;
    let limit = query.limit.unwrap_or(LISTED).clamp(1, selections::PAGE_MAX);
    let rows = state.store.write(move |tx| look(tx, &caller, id, (query.before, limit))).await?;
    let next = rows.last().filter(|_| rows.len() == limit).map(|last| last.number);
    opened(retention, rows, next).await.map(Json)
}

/// The authorisation, for whoever sees what came of it.
fn concerned(reader: &Reader<'_>, caller: &Caller, id: Uuid) -> Result<Authorisation, StoreError> {
    let eye = Eye::of(caller, reader)?;
    let found = eye.find(reader, id)?;
    // What a round of private matching found is the asker's alone, and shown elsewhere.
    let is_concerned = found.terms.private.is_none() && (eye.asked(&found) || eye.is_operator(&found));
    if is_concerned { Ok(found) } else { Err(missing(id)) }
}

/// The rows, and the look at them, before any of it is opened.
fn look(
    tx: &mut Tx<'_>,
    caller: &Caller,
    id: Uuid,
    (before, limit): (Option<u64>, usize),
) -> Result<Act<Vec<Kept>>, StoreError> {
    let found = concerned(tx, caller, id)?;
    let own = &caller.principal.organisation;
    let operator = (found.terms.requested_by != *own).then_some(own);
    let rows = selections::page(tx, caller.realm(), id, &Page { before, operator, limit })?;
    let given = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let leaf = audit::next_leaf(tx)?;
    selections::note_look(tx, caller.realm(), id, (own, caller.id()), (given, leaf))?;
    let event = event(caller, Action::SelectionsSeen, id)
        .with("at_least", selections::bucket(given).to_string())
        .with("recipient", own.to_string());
    Ok(Act::audited(rows, caller.realm(), event))
}

async fn opened(retention: &Retention, rows: Vec<Kept>, next: Option<u64>) -> Answer<SelectionList> {
    let mut list = SelectionList { selections: Vec::new(), unopened: Vec::new(), next };
    for row in rows {
        match retention.open_row(&row).await {
            Ok(found) => list.selections.push(SelectionInfo {
                number: row.number,
                came: row.came.to_string(),
                selection: document(&found.signed.selection)?,
                signature: found.signed.signature,
                key: found.key,
            }),
            Err(Unopened::Unavailable(cause)) => {
                let detail = "the node's key service is away; try again later";
                return Err(Failure::new(Code::Unavailable, detail).caused_by(cause));
            }
            Err(unopened) => {
                if unopened == Unopened::Altered {
                    let authorisation = row.selection.authorisation;
                    tracing::error!(%authorisation, number = row.number, "a sealed selection was altered or moved");
                }
                list.unopened.push(row.number);
            }
        }
    }
    Ok(list)
}

/// What became of an authorisation, for the commission: uses, how much came, who looked, what edges should not have sent. No content.
#[utoipa::path(get, path = "/api/v1/oversight/authorisations/{id}/use", tag = "oversight", security(("session" = [])),
    params(("id" = String, Path, description = "UUID")),
    responses((status = 200, body = AuthorisationUse), crate::api::CallerRefusal))]
async fn used(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<AuthorisationUse>> {
    caller.demand(&state, Operation::DecideAuthorisation)?;
    let id = parse(&id)?;
    let read = move |reader: &Reader<'_>| {
        let eye = Eye::of(&caller, reader)?;
        let found = eye.find(reader, id)?;
        if !eye.is_commission {
            return Err(missing(id));
        }
        let realm = caller.realm();
        let looks = selections::looks(reader, realm, id)?;
        let taken = selections::tallies(reader, realm, id)?.into_iter().map(|tally| SelectionCount {
            hour: tally.hour.to_string(),
            operator: tally.operator.to_string(),
            at_least: selections::bucket(tally.taken),
        });
        let anomalies = selections::anomalies(reader, realm, id)?.into_iter();
        let ends = retention::of_authorisation(reader, realm, id)?.into_iter();
        Ok(AuthorisationUse {
            uses: receipts::uses(reader, realm, id)?,
            queries_per_day: found.terms.queries_per_day,
            kept: selections::bucket(selections::kept(reader, realm, id)?),
            taken: taken.collect(),
            recipients: recipients(&looks),
            looks: looks.into_iter().map(told_look).collect(),
            anomalies: anomalies.map(told_anomaly).collect(),
            ends: ends.map(told_end).collect(),
        })
    };
    Ok(Json(state.store.read(read).await?))
}

/// By organisation; the last look of each stands first.
fn recipients(looks: &[Look]) -> Vec<SelectionRecipient> {
    let mut found: BTreeMap<&str, SelectionRecipient> = BTreeMap::new();
    for look in looks {
        let name = look.organisation.as_str();
        let known = found.entry(name).or_insert_with(|| SelectionRecipient {
            organisation: name.to_owned(),
            looks: 0,
            last: look.at.to_string(),
        });
        known.looks = known.looks.saturating_add(1);
    }
    found.into_values().collect()
}

fn told_look(look: Look) -> SelectionLook {
    SelectionLook {
        at: look.at.to_string(),
        organisation: look.organisation.to_string(),
        person: look.person,
        at_least: look.given,
        leaf: look.leaf,
    }
}

fn told_anomaly(anomaly: selections::Anomaly) -> SelectionAnomaly {
    SelectionAnomaly {
        kind: anomaly.kind,
        operator: anomaly.operator.to_string(),
        edge: anomaly.edge,
        times: anomaly.times,
        first: anomaly.first.to_string(),
        last: anomaly.last.to_string(),
    }
}

fn told_end(end: retention::End) -> RetentionEnd {
    RetentionEnd { class_key: end.class_key, decided: end.decided.to_string(), certificate: end.certificate }
}
