//! The calls of MISP's REST that its clients (PyMISP) use, so that whoever runs a MISP can push and pull events here.
//!
//! There are no events beside the log: what comes in is converted to STIX and goes through the one way in; what goes out is
//! gathered from the objects that this principal may see, passes the one door, and is converted back. An event of which one may
//! see a part is that part.

mod attributes;
mod edit;
mod events;
mod gather;
mod search;
mod sharing;
mod sightings;
mod tags;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header;
use policy::Operation;
use serde_json::{Map, Value, json};
use store::organisations;

use crate::listed::Listed;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::state::AppState;

/// A dictionary of MISP's JSON.
type Fields = Map<String, Value>;

/// The version of MISP that is answered like, and the client that goes with it.
const VERSION: &str = "2.5.0";

/// The first segments of MISP's addresses.
pub(crate) const SEGMENTS: [&str; 9] = [
    "events",
    "attributes",
    "objects",
    "sightings",
    "tags",
    "sharingGroups",
    "sharing_groups",
    "users",
    "servers",
];

pub(crate) fn routes() -> Listed {
    Listed::default()
        .get("/servers/getVersion", version)
        .get("/users/view/{id}", user)
        .and(events::routes())
        .and(attributes::routes())
        .and(sightings::routes())
        .and(sharing::routes())
        .and(tags::routes())
}

/// MISP's form of an error.
pub(crate) fn error_message(failure: &Failure, request: &str) -> Value {
    let message = if failure.code() == api::Code::NotAllowed {
        // Clients compare this text.
        "You do not have permission to do that.".to_owned()
    } else {
        failure.detail().to_owned()
    };
    json!({
        "saved": false,
        "name": failure.code().title(),
        "message": message,
        "url": "",
        "errors": failure.detail(),
        "code": failure.code().name(),
        "request": request,
    })
}

fn answer(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

async fn version(State(state): State<AppState>, caller: Caller) -> Answer<Response> {
    caller.demand_any(&state, &[Operation::Read, Operation::Write])?;
    Ok(answer(&json!({
        "version": VERSION,
        "pymisp_recommended_version": VERSION,
        "perm_sync": false,
        "perm_sighting": caller.may(&state, Operation::Write),
        "perm_galaxy_editor": false,
        "request_encoding": [],
        "filter_sightings": true,
    })))
}

/// Who asks. Other users are nobody's business here.
async fn user(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    caller.demand_any(&state, &[Operation::Read, Operation::Write])?;
    if id.trim_end_matches(".json") != "me" {
        return Err(Failure::not_found());
    }
    let (realm, organisation) = (caller.realm().clone(), caller.principal.organisation.clone());
    let known = state.store.read(move |reader| organisations::get(reader, &realm, &organisation)).await?;
    let known = known.ok_or_else(Failure::not_found)?;
    let uuid = known.identity.as_str().split_once("--").map(|(_, uuid)| uuid.to_owned());
    let (may_write, may_delete) =
        (caller.may(&state, Operation::Write), caller.may(&state, Operation::Delete));
    Ok(answer(&json!({
        "User": {
            "id": "1", "org_id": gather::small_number(known.id.as_str()), "server_id": "0", "role_id": "1", "autoalert": false,
            "email": format!("program@{}", known.id), "disabled": false, "authkey": "", "termsaccepted": true,
        },
        "Organisation": { "id": gather::small_number(known.id.as_str()), "name": known.name_en, "uuid": uuid, "local": true },
        "Role": {
            "id": "1", "name": if may_write { "User" } else { "Read Only" }, "perm_add": may_write, "perm_modify": may_write,
            "perm_modify_org": may_write, "perm_publish": may_write, "perm_delegate": false, "perm_sync": false,
            "perm_admin": false, "perm_audit": false, "perm_auth": true, "perm_site_admin": false, "perm_regexp_access": false,
            "perm_tagger": may_write, "perm_template": false, "perm_sharing_group": false, "perm_tag_editor": false,
            "perm_sighting": may_write, "perm_object_template": false, "perm_galaxy_editor": false,
            "perm_delete": may_delete,
        },
        "UserSetting": {},
    })))
}
