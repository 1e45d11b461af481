//! `/api/v1/objects/{id}/copies`: the redacted copies of an object, what each leaves out, and for whom it is.

use api::{RedactedCopies, RedactedCopy};
use axum::Json;
use axum::extract::{Path, State};
use store::{StoreError, copies, labels, objects, releases};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::audience::{Teller, entitled, note};
use crate::principal::Caller;
use crate::problem::Answer;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The redacted copies of an object: what each leaves out, who sees it instead of the object, and who was given it. For the object's
/// originator and the coordinator.
#[utoipa::path(get, path = "/api/v1/objects/{id}/copies", tag = "sharing", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier")),
    responses((status = 200, body = RedactedCopies), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<RedactedCopies>> {
    let (id, label, council) = entitled(&state, &caller, &id).await?;
    note(&state, &caller, &id, "-").await?;
    let engine = state.engine.load_full();
    let found = state.store.read(move |reader| {
        let realm = caller.realm();
        let (mut told, mut teller) = (Vec::new(), Teller::new(&engine, &council));
        for copy in copies::of_original(reader, realm, &id)? {
            if copy.originator != label.originator {
                continue;
            }
            let standing = objects::standing(reader, realm, &copy.id, &copy.originator)?;
            let Some(last) = standing.last() else { continue };
            let label = labels::get(reader, realm, last.label)?
                .ok_or_else(|| StoreError::Corrupt(format!("label {}", last.label)))?;
            told.push(RedactedCopy {
                version: last.version.clone(),
                withheld: copy.withheld,
                given_to: releases::recipients(reader, realm, &copy.id)?
                    .into_keys()
                    .map(|organisation| organisation.to_string())
                    .collect(),
                audience: teller.tell(&copy.id, &label),
            });
        }
        Ok(RedactedCopies { copies: told })
    });
    Ok(Json(found.await?))
}
