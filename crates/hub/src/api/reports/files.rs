//! Attachments: named safely, sealed, found by the hash of what is in them.

use api::ReportFileTaken;
use axum::Json;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::Response;
use bytes::Bytes;
use oversight::{Action, AuditEvent};
use policy::Operation;
use regime::{Attachment, Event, What, safe_name};
use serde::Deserialize;
use sha2::Digest;
use store::reports as rows;
use store::{Act, StoreError, Tx, audit};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use super::filings::download;
use super::{abroad, changed, known, seen};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::reports::InHand;
use crate::reports::contents::{listed, purpose};
use crate::reports::told::{self, FILE_BYTES_MAX};
use crate::request::Query;
use crate::state::AppState;

/// The longest name that is read at all, in bytes.
const NAME_BYTES_MAX: usize = 4_096;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(attach).layer(DefaultBodyLimit::max(FILE_BYTES_MAX)))
        .routes(routes!(file))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FileQuery {
    /// What the file is called; whatever does harm in a name is taken out of it.
    name: String,
}

/// Attach a file, at most 32 MiB; the body is its content. The same content under the same name is attached once.
#[utoipa::path(post, path = "/api/v1/reports/{id}/files", tag = "reports", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident"), FileQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = ReportFileTaken), crate::api::CallerRefusal))]
async fn attach(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<FileQuery>,
    body: Bytes,
) -> Answer<Json<ReportFileTaken>> {
    caller.demand(&state, Operation::WriteReports)?;
    let id = known(&id)?;
    if query.name.len() > NAME_BYTES_MAX {
        return Err(Failure::rule("file-name-long", "name: it is longer than 4,096 bytes"));
    }
    let safe = safe_name(&query.name);
    let file = Attachment {
        name: safe.name,
        size: u64::try_from(body.len()).unwrap_or(u64::MAX),
        sha256: hex::encode(sha2::Sha256::digest(&body)),
    };
    let sealed = state.vault.seal_bytes(&purpose(&id, &file.sha256), &body).map_err(Failure::internal)?;
    let work = state.clone();
    let write = move |tx: &mut Tx<'_>| {
        let mut found = InHand::own(tx, &caller, &id)?;
        let answer = |already| ReportFileTaken { file: told::file(&file), renamed: safe.changed, already };
        if found.report.record().attachments.contains(&file) {
            return Ok(Act::bookkeeping(answer(true)));
        }
        rows::keep_file(tx, caller.realm(), &id, (&file.sha256, &sealed))?;
        let what = What::Attached { attachment: file.clone() };
        let event = Event { logged: tx.now(), by: Some(caller.id().to_owned()), what };
        let leaf = audit::next_leaf(tx)?;
        let new = found.add(tx, &work.regimes, vec![event], leaf)?;
        let event = changed(&caller, &id, &new).with("sha256", &file.sha256);
        Ok(Act::audited(answer(false), caller.realm(), event))
    };
    Ok(Json(state.store.write(write).await?))
}

/// The content of an attachment: for the organisation itself, and for whoever was given a copy that names it.
#[utoipa::path(get, path = "/api/v1/reports/{id}/files/{sha256}", tag = "reports", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident"), ("sha256" = String, Path, description = "of its content, in hexadecimal")),
    responses((status = 200, description = "the content", body = Vec<u8>, content_type = "application/octet-stream"),
        crate::api::CallerRefusal))]
async fn file(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, sha256)): Path<(String, String)>,
) -> Answer<Response> {
    caller.demand_any(&state, &[Operation::WriteReports, Operation::AnswerReports])?;
    let id = known(&id)?;
    if !abroad::is_kept(&state, &caller, &id).await? {
        return abroad::file(&state, caller, (id, sha256)).await;
    }
    let (work, sealed_for) = (state.clone(), purpose(&id, &sha256));
    let read = move |tx: &mut Tx<'_>| {
        let missing = || StoreError::NotFound { what: sha256.clone() };
        let found = seen(tx, &work, &caller, &id)?;
        let organisation = &caller.principal.organisation;
        let own = found.is_of(organisation);
        let mut given = found.filed.iter().filter(|filed| filed.given_to.as_ref() == Some(organisation));
        let lists = |copy: &[u8]| listed(copy).iter().any(|file| file.sha256 == sha256);
        if !own && !given.any(|filed| lists(&filed.copy)) {
            return Err(missing());
        }
        let record = found.report.record();
        let file = record.attachments.iter().find(|file| file.sha256 == sha256).ok_or_else(missing)?;
        let sealed = rows::file(tx, caller.realm(), &id, &sha256)?.ok_or_else(missing)?;
        let answer = (file.name.clone(), sealed);
        if own {
            return Ok(Act::bookkeeping(answer));
        }
        let event = AuditEvent::done(Action::ReportRead, caller.actor.clone(), caller.purpose)
            .on([id.as_str()])
            .with("sha256", &sha256);
        Ok(Act::audited(answer, caller.realm(), event))
    };
    let (name, sealed) = state.store.write(read).await?;
    let content = state.vault.open_bytes(&sealed_for, &sealed).map_err(Failure::internal)?;
    Ok(download(&name, content))
}
