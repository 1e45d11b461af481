//! `/api/v1/taxii-links`: TAXII servers of parties that run no hub of ours, and how far each has come.

use api::{NewTaxiiLink, TaxiiLink, TaxiiLinkChange, TaxiiLinkList};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use policy::Operation;
use store::taxii_links::{self, Progress};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::edges::sees;
use super::peers::counted;
use crate::foreign::administration;
use crate::principal::Caller;
use crate::problem::Answer;
use crate::request::JsonBody;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(change, remove))
}

/// Links to TAXII servers, with how far each has come.
///
/// All of them for the coordinator; for others those of their own organisation.
#[utoipa::path(get, path = "/api/v1/taxii-links", tag = "peers", security(("session" = []), ("token" = [])),
    responses((status = 200, body = TaxiiLinkList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<TaxiiLinkList>> {
    caller.demand(&state, Operation::SeeEdges)?;
    let newest = *state.store.committed().borrow();
    let found = state.store.read(move |reader| {
        let links = taxii_links::list(reader, caller.realm())?;
        let seen = links.into_iter().filter(|link| sees(&caller.principal, &link.organisation));
        seen.map(|link| {
            let progress = taxii_links::progress(reader, caller.realm(), &link.id)?;
            Ok(told(link, &progress, newest))
        })
        .collect()
    });
    Ok(Json(TaxiiLinkList { links: found.await? }))
}

/// Add a link to a TAXII server.
///
/// What is read there is its organisation's, as if that had published it here; what the organisation may have is pushed there.
#[utoipa::path(post, path = "/api/v1/taxii-links", tag = "peers", security(("session" = []), ("token" = [])),
    request_body = NewTaxiiLink, responses((status = 200, body = TaxiiLink), crate::api::CallerRefusal))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewTaxiiLink>,
) -> Answer<Json<TaxiiLink>> {
    caller.demand(&state, Operation::Administer)?;
    let link = administration::add_taxii_link(&state.store, &state.config.data, caller.by(), &new).await?;
    Ok(Json(told(link, &Progress::default(), 0)))
}

/// Suspend or resume a link.
#[utoipa::path(patch, path = "/api/v1/taxii-links/{id}", tag = "peers", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the link's short name")), request_body = TaxiiLinkChange,
    responses((status = 200, body = TaxiiLink), crate::api::CallerRefusal))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(change): JsonBody<TaxiiLinkChange>,
) -> Answer<Json<TaxiiLink>> {
    caller.demand(&state, Operation::Administer)?;
    let link = administration::change_taxii_link(&state.store, caller.by(), &id, &change).await?;
    let (realm, newest) = (caller.realm().clone(), *state.store.committed().borrow());
    let progress = state.store.read(move |reader| taxii_links::progress(reader, &realm, &id)).await?;
    Ok(Json(told(link, &progress, newest)))
}

/// Remove a link. What it brought stays.
#[utoipa::path(delete, path = "/api/v1/taxii-links/{id}", tag = "peers", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the link's short name")),
    responses((status = 204, description = "removed"), crate::api::CallerRefusal))]
async fn remove(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<StatusCode> {
    caller.demand(&state, Operation::Administer)?;
    administration::remove_taxii_link(&state.store, caller.by(), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn told(link: taxii_links::TaxiiLink, progress: &Progress, newest: i64) -> TaxiiLink {
    let behind = if link.pushes { newest.saturating_sub(progress.pushed) } else { 0 };
    TaxiiLink {
        id: link.id,
        organisation: link.organisation.to_string(),
        discovery: link.discovery,
        collection: link.collection,
        user: link.user,
        every_seconds: link.every_seconds,
        pulls: link.pulls,
        pushes: link.pushes,
        suspended: link.suspended,
        trouble: progress.trouble.clone(),
        failures: u64::try_from(progress.failures).unwrap_or(0),
        at: progress.at.map(|at| at.to_string()),
        behind: u64::try_from(behind).unwrap_or(0),
        counts: counted(&progress.counts),
    }
}
