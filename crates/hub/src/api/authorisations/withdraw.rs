//! Taking one's own request back, before the commission has decided on it.

use api::{AuthorisationInfo, AuthorisationWithdrawal};
use axum::Json;
use axum::extract::{Path, State};
use oversight::Action;
use policy::Operation;
use store::{Act, StoreError, Tx, authorisations};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Eye, event, missing, one, parse};
use crate::api::commission::REASON_CHARS_MAX;
use crate::commission;
use crate::principal::Caller;
use crate::problem::Answer;
use crate::request::JsonBody;
use crate::sharing::{self, answered, unfit};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(withdraw))
}

/// Take one's own request back.
///
/// For the organisation that asked, until the commission has decided; what some commissioners have signed so far falls away. That it was
/// asked for, and taken back, stays in the log. After a decision it is refused (422): what was granted ends by the commission's word.
#[utoipa::path(post, path = "/api/v1/authorisations/{id}/withdraw", tag = "oversight", security(("session" = [])),
    params(("id" = String, Path, description = "UUID")), request_body = AuthorisationWithdrawal,
    responses((status = 200, body = AuthorisationInfo), crate::api::CallerRefusal))]
async fn withdraw(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<AuthorisationWithdrawal>,
) -> Answer<Json<AuthorisationInfo>> {
    caller.demand(&state, Operation::RequestAuthorisation)?;
    let id = parse(&id)?;
    let reason = sharing::text("reason", &body.reason, REASON_CHARS_MAX)?;
    let asker = caller.clone();
    answered(state.store.write(move |tx| carry_out(tx, &asker, id, &reason)).await)?;
    one(&state, &caller, id).await.map(Json)
}

fn carry_out(tx: &mut Tx<'_>, caller: &Caller, id: Uuid, reason: &str) -> Result<Act<()>, StoreError> {
    let eye = Eye::of(caller, tx)?;
    let found = eye.find(tx, id)?;
    if !eye.asked(&found) {
        return Err(missing(id));
    }
    if !found.state.may_be_withdrawn() {
        let why =
            format!("it is `{}`: only what nobody has decided on can be taken back", found.state.name());
        return Err(unfit("withdraw-decided", why));
    }
    let commission = eye.standing.as_ref().map(|standing| standing.commission.organisation.clone());
    let leaf = authorisations::withdraw(tx, caller.realm(), id, reason)?;
    commission::tell(tx, caller.realm(), &commission, "authorisation-withdrawn", &id.to_string())?;
    let event = event(caller, Action::AuthorisationWithdrawn, id).with("leaf", leaf.to_string());
    Ok(Act::audited((), caller.realm(), event))
}
