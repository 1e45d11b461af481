//! What an organisation declares in peacetime: it stands in every form from then on.

use api::ReportProfile;
use axum::Json;
use axum::extract::State;
use oversight::{Action, AuditEvent};
use policy::Operation;
use regime::Profile;
use store::reports as rows;
use store::{Act, Tx};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wrong;
use crate::principal::Caller;
use crate::problem::Answer;
use crate::reports::told;
use crate::request::JsonBody;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get, declare))
}

/// What one's own organisation declared for its reports.
#[utoipa::path(get, path = "/api/v1/report-profile", tag = "reports", security(("session" = []), ("token" = [])),
    responses((status = 200, body = ReportProfile), crate::api::CallerRefusal))]
async fn get(State(state): State<AppState>, caller: Caller) -> Answer<Json<ReportProfile>> {
    caller.demand(&state, Operation::WriteReports)?;
    let found =
        state.store.read(move |reader| rows::profile(reader, caller.realm(), &caller.principal.organisation));
    Ok(Json(shown(&found.await?)))
}

/// Declare what one's own organisation's reports are filled with, in place of what was declared before.
#[utoipa::path(put, path = "/api/v1/report-profile", tag = "reports", security(("session" = []), ("token" = [])),
    request_body = ReportProfile, responses((status = 200, body = ReportProfile), crate::api::CallerRefusal))]
async fn declare(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<ReportProfile>,
) -> Answer<Json<ReportProfile>> {
    caller.demand(&state, Operation::FileReports)?;
    let fields = body.fields.iter().map(|(name, value)| (name.clone(), told::read_value(value)));
    let profile = Profile { fields: fields.collect() };
    let work = state.clone();
    let write = move |tx: &mut Tx<'_>| {
        profile.check(&work.regimes.catalogue).map_err(|error| wrong(&error))?;
        rows::declare(tx, caller.realm(), &caller.principal.organisation, (&profile, caller.id()))?;
        let names: Vec<&str> = profile.fields.keys().map(String::as_str).collect();
        let event = AuditEvent::done(Action::ReportProfileDeclared, caller.actor.clone(), caller.purpose)
            .with("fields", names.join(" "));
        Ok(Act::audited(profile, caller.realm(), event))
    };
    Ok(Json(shown(&state.store.write(write).await?)))
}

fn shown(profile: &Profile) -> ReportProfile {
    let fields = profile.fields.iter().map(|(name, value)| (name.clone(), told::value(value)));
    ReportProfile { fields: fields.collect() }
}
