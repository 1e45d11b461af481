//! `/api/v1/lone-approvals`: what one person approved alone in an emergency, and its review by another organisation.

use api::{LoneApproval, LoneApprovalList, LoneApprovalReview};
use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use oversight::OrganisationRole;
use policy::Operation;
use store::lone_approvals::{self as rows, LoneApproval as Row, Review};
use store::{Act, Reader, StoreError, Tx};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::runs::did;
use super::session::{fresh_proof, people_only};
use crate::REALM;
use crate::principal::Caller;
use crate::problem::Answer;
use crate::request::JsonBody;
use crate::runs::told::Names;
use crate::sharing::{LINE_CHARS_MAX, answered, tell, text, unfit};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(review))
}

/// Whether one is there for a caller: the coordinator's and the oversight organisation's people see all, others what their organisation asked for or
/// approved.
fn is_for(caller: &Caller, row: &Row) -> bool {
    let (own, role) = (&caller.principal.organisation, caller.principal.organisation_role);
    matches!(role, OrganisationRole::Coordinator | OrganisationRole::Oversight)
        || row.organisation == *own
        || row.requester == *own
}

/// Whether a caller may review one: a person of another organisation than the one that approved and the one that asked.
fn may_review(state: &AppState, caller: &Caller, row: &Row) -> bool {
    let own = &caller.principal.organisation;
    caller.may(state, Operation::ReviewEmergencies) && row.organisation != *own && row.requester != *own
}

/// What one person approved alone: those without a review, what is due first; then the newest others.
#[utoipa::path(get, path = "/api/v1/lone-approvals", tag = "response", security(("session" = [])),
    responses((status = 200, body = LoneApprovalList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<LoneApprovalList>> {
    caller.demand_any(&state, &[Operation::ReadRuns, Operation::ReviewEmergencies])?;
    caller.session.ok_or_else(people_only)?;
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let names = Names::for_viewer(reader, &caller.principal.organisation)?;
        let all = rows::list(reader, &REALM)?.into_iter().filter(|row| is_for(&caller, row));
        all.map(|row| told(reader, &names, (&work, &caller), &row)).collect::<Result<_, StoreError>>()
    });
    Ok(Json(LoneApprovalList { approvals: found.await? }))
}

fn told(
    reader: &Reader<'_>,
    names: &Names,
    (state, caller): (&AppState, &Caller),
    row: &Row,
) -> Result<LoneApproval, StoreError> {
    let person =
        |by: (&str, &oversight::OrganisationId), at: Timestamp| names.person(reader, by, at.to_string());
    let stands = match &row.review {
        Some(review) if review.justified => "justified",
        Some(_) => "unjustified",
        None if row.review_due <= reader.now() => "overdue",
        None => "waits",
    };
    let reviewed_by =
        row.review.as_ref().map(|review| person((&review.person, &review.organisation), review.at));
    Ok(LoneApproval {
        id: row.id.clone(),
        run: row.run.clone(),
        step: row.step.clone(),
        hash: row.hash.clone(),
        approved_by: person((&row.person, &row.organisation), row.at)?,
        requested_by: names.organisation(&row.requester),
        reason: row.reason.clone(),
        review_due: row.review_due.to_string(),
        state: stands.to_owned(),
        reviewed_by: reviewed_by.transpose()?,
        finding: row.review.as_ref().map(|review| review.finding.clone()),
        may_review: row.review.is_none() && may_review(state, caller, row),
    })
}

/// Say whether an approval by one person alone was justified.
///
/// For commissioners and administrators, in person, of another organisation than the one that approved and the one that asked; with a sign-in no older
/// than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/lone-approvals/{id}/review", tag = "response", security(("session" = [])),
    params(("id" = String, Path, description = "the approval's id")), request_body = LoneApprovalReview,
    responses((status = 200, body = LoneApproval), crate::api::CallerRefusal))]
async fn review(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<LoneApprovalReview>,
) -> Answer<Json<LoneApproval>> {
    caller.demand(&state, Operation::ReviewEmergencies)?;
    fresh_proof(&state, &caller).await?;
    let finding = text("finding", &body.finding, LINE_CHARS_MAX)?;
    let work = state.clone();
    let write = move |tx: &mut Tx<'_>| {
        let row = rows::get(tx, &REALM, &id)?.filter(|row| is_for(&caller, row));
        let row = row.ok_or_else(|| StoreError::NotFound { what: id.clone() })?;
        if row.review.is_some() {
            return Err(StoreError::Stale { what: id });
        }
        if !may_review(&work, &caller, &row) {
            return Err(unfit(
                "not-allowed-reviewer",
                "a person of another organisation than who approved and who asked reviews it",
            ));
        }
        let review = Review {
            person: caller.id().to_owned(),
            organisation: caller.principal.organisation.clone(),
            at: tx.now(),
            justified: body.justified,
            finding: finding.clone(),
        };
        rows::review(tx, &REALM, &id, &review)?;
        let to = [row.organisation.clone(), row.requester.clone()].into();
        let word = if body.justified { "justified" } else { "unjustified" };
        tell(tx, &REALM, to, ("lone-approval-reviewed", &id), (None, &format!("{word} · {finding}")))?;
        let event = did(&caller, "review-lone-approval").on([row.run.as_str()]);
        let event =
            event.with("approval", id.as_str()).with("justified", word).with("finding", finding.as_str());
        let names = Names::for_viewer(tx, &caller.principal.organisation)?;
        let row = Row { review: Some(review), ..row };
        let told = told(tx, &names, (&work, &caller), &row)?;
        Ok(Act::audited(told, &REALM, event))
    };
    Ok(Json(answered(state.store.write(write).await)?))
}
