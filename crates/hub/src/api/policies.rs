//! `/api/v1/policies` and `/api/v1/policy-proposals`: what is in force, and a change of it, which one administrator proposes and
//! another one approves.

use api::{
    NewPolicyProposal, PoliciesInForce, PolicyDecision, PolicyFile, PolicyProposal, PolicyProposalList,
};
use axum::Json;
use axum::extract::{Path, State};
use policy::{Operation, Safety};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::fresh_proof;
use crate::policies::{PolicyChanges, Proposed, Who, told};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(in_force))
        .routes(routes!(list, propose))
        .routes(routes!(one))
        .routes(routes!(decide))
}

/// The policies in force, with what no policy may ever allow.
#[utoipa::path(get, path = "/api/v1/policies", tag = "administration", security(("session" = []), ("token" = [])),
    responses((status = 200, body = PoliciesInForce), crate::api::CallerRefusal))]
async fn in_force(State(state): State<AppState>, caller: Caller) -> Answer<Json<PoliciesInForce>> {
    caller.demand(&state, Operation::Administer)?;
    let (status, files) = (state.policies.status(), state.policies.files());
    let changes = match status.changes {
        PolicyChanges::Folder => "folder",
        PolicyChanges::Proposals => "proposals",
    };
    Ok(Json(PoliciesInForce {
        set: status.hash,
        since: status.since.to_string(),
        changes: changes.to_owned(),
        files: files.into_iter().map(|(name, text)| PolicyFile { name, text }).collect(),
        safety: PolicyFile { name: "safety.cedar".to_owned(), text: Safety::text().to_owned() },
        refused: status.refused.map(|refused| refused.why),
    }))
}

/// The proposals: the open ones first, then the newest.
#[utoipa::path(get, path = "/api/v1/policy-proposals", tag = "administration", security(("session" = []), ("token" = [])),
    responses((status = 200, body = PolicyProposalList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<PolicyProposalList>> {
    caller.demand(&state, Operation::Administer)?;
    let found = state.policies.proposals().await?;
    let told = move |reader: &store::Reader<'_>| {
        found.into_iter().map(|proposal| told(reader, proposal, None)).collect::<Result<_, _>>()
    };
    Ok(Json(PolicyProposalList { proposals: state.store.read(told).await? }))
}

/// Propose other policies. They are in force when another administrator approves them.
///
/// What they would change for the readers and objects of this hub is worked out first and stands in the answer. A set that cannot be used,
/// that allows what no policy may ever allow, or that would leave fewer than two persons to administer the node, is refused
/// (`unprocessable`). The last sign-in must be no older than 15 minutes (`fresh-proof-needed`), here and for the decision.
#[utoipa::path(post, path = "/api/v1/policy-proposals", tag = "administration", security(("session" = [])),
    request_body = NewPolicyProposal, responses((status = 200, body = PolicyProposal), crate::api::CallerRefusal))]
async fn propose(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewPolicyProposal>,
) -> Answer<Json<PolicyProposal>> {
    caller.demand(&state, Operation::Administer)?;
    fresh_proof(&state, &caller).await?;
    let files = body.files.into_iter().map(|file| (file.name, file.text)).collect();
    let proposed = state.policies.propose(Who::caller(&caller), &body.reason, files).await?;
    answer(&state, proposed).await
}

/// A proposal with its files.
#[utoipa::path(get, path = "/api/v1/policy-proposals/{id}", tag = "administration", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the proposal")),
    responses((status = 200, body = PolicyProposal), crate::api::CallerRefusal))]
async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<PolicyProposal>> {
    caller.demand(&state, Operation::Administer)?;
    answer(&state, state.policies.proposal(&id).await?).await
}

/// Approve or refuse another person's proposal, or take one's own back.
///
/// An approval names the set that was looked at; it is examined once more, and in force when this is answered.
#[utoipa::path(post, path = "/api/v1/policy-proposals/{id}/decision", tag = "administration", security(("session" = [])),
    params(("id" = String, Path, description = "the proposal")), request_body = PolicyDecision,
    responses((status = 200, body = PolicyProposal), crate::api::CallerRefusal))]
async fn decide(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<PolicyDecision>,
) -> Answer<Json<PolicyProposal>> {
    caller.demand(&state, Operation::Administer)?;
    fresh_proof(&state, &caller).await?;
    let who = Who::caller(&caller);
    let proposed = match body.decision.as_str() {
        "approve" => state.policies.approve(who, &id, Some(&body.set), &body.text).await?,
        "refuse" | "withdraw" => {
            let is_own = state.policies.proposal(&id).await?.proposal.proposer == caller.id();
            if is_own != (body.decision == "withdraw") {
                let why = "one's own proposal is withdrawn, another person's is refused";
                return Err(Failure::rule("proposal-own", why));
            }
            state.policies.close(who, &id, &body.text).await?
        }
        _ => {
            let why = "decision: it is `approve`, `refuse` or `withdraw`";
            return Err(Failure::rule("not-one-of", why));
        }
    };
    answer(&state, proposed).await
}

async fn answer(state: &AppState, proposed: Proposed) -> Answer<Json<PolicyProposal>> {
    let Proposed { proposal, files } = proposed;
    let told = move |reader: &store::Reader<'_>| told(reader, proposal, Some(files));
    Ok(Json(state.store.read(told).await?))
}
