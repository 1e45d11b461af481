//! `/api/v1/playbooks`: what can be run.

use api::{NewPlaybook, Playbook as PlaybookAnswer, PlaybookAdded, PlaybookList};
use axum::Json;
use axum::extract::{DefaultBodyLimit, Path, State};
use cacao::Playbook;
use oversight::{Action, AuditEvent};
use policy::Operation;
use serde::Deserialize;
use store::playbooks::{self, Head};
use store::{Act, StoreError, Tx};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use super::session::second_look;
use crate::REALM;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::{JsonBody, Query};
use crate::runs::told::{self, Names};
use crate::state::AppState;

/// Longest document, in bytes.
const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// Longest body: a document of which every character is escaped once.
const BODY_BYTES_MAX: usize = 4 << 20;
/// Longest identifier and version, in bytes.
const NAME_BYTES_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(add).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)))
        .routes(routes!(get))
}

/// The playbooks that are here, each in its newest version: those that came with the program, one's own organisation's, and what others marked
/// for more than themselves.
#[utoipa::path(get, path = "/api/v1/playbooks", tag = "response", security(("session" = []), ("token" = [])),
    responses((status = 200, body = PlaybookList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<PlaybookList>> {
    caller.demand(&state, Operation::ReadRuns)?;
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let (own, now) = (&caller.principal.organisation, reader.now());
        let names = Names::for_viewer(reader, own)?;
        let lines = work.response.shelf.lines(reader, own)?;
        let newest = lines.iter().filter_map(|line| Some((line.first()?, line.len())));
        let told = newest.map(|one| told::summary(one, &work.response.config, (&names, own), now));
        let mut playbooks: Vec<_> = told.collect();
        playbooks.sort_by(|one, two| one.name.en.cmp(&two.name.en).then_with(|| one.id.cmp(&two.id)));
        Ok(PlaybookList { playbooks })
    });
    Ok(Json(found.await?))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VersionQuery {
    /// `modified`; the newest where absent.
    version: Option<String>,
}

/// A playbook, whole: document, findings, graph.
#[utoipa::path(get, path = "/api/v1/playbooks/{id}", tag = "response", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the playbook's identifier"), VersionQuery),
    responses((status = 200, body = PlaybookAnswer), crate::api::CallerRefusal))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<VersionQuery>,
) -> Answer<Json<PlaybookAnswer>> {
    caller.demand(&state, Operation::ReadRuns)?;
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let (own, now) = (&caller.principal.organisation, reader.now());
        let line = work.response.shelf.line(reader, own, &id)?;
        let wanted = line
            .iter()
            .find(|shelved| query.version.as_deref().is_none_or(|version| shelved.modified() == version));
        let wanted = wanted.ok_or_else(|| StoreError::NotFound { what: id.clone() })?;
        let names = Names::for_viewer(reader, own)?;
        let summary = told::summary((wanted, line.len()), &work.response.config, (&names, own), now);
        let versions = line.iter().map(|shelved| shelved.modified().to_owned()).collect();
        Ok(told::whole(wanted, summary, versions))
    });
    Ok(Json(found.await?))
}

/// Bring a playbook in, byte for byte.
///
/// One with findings that are errors is kept and shown, and does not run. Without a signature that counts here it runs for people of the
/// organisation alone whose approver brought it; an approver's last sign-in must be no older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/playbooks", tag = "response", security(("session" = []), ("token" = [])),
    request_body = NewPlaybook, responses((status = 200, body = PlaybookAdded), crate::api::CallerRefusal))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewPlaybook>,
) -> Answer<Json<PlaybookAdded>> {
    caller.demand(&state, Operation::RunPlaybooks)?;
    let by_approver = caller.may(&state, Operation::ApproveActions);
    if by_approver {
        second_look(&state, &caller).await?;
    }
    let wrong = |reason: &'static str, why: String| Failure::rule(reason, format!("document: {why}"));
    if new.document.len() > DOCUMENT_BYTES_MAX {
        return Err(wrong("playbook-size", format!("at most {DOCUMENT_BYTES_MAX} bytes")));
    }
    let playbook = Playbook::parse(new.document.as_bytes())
        .map_err(|error| wrong("playbook-unreadable", error.to_string()))?;
    let modified = playbook.modified.as_ref().map(|at| at.as_str().to_owned());
    let modified = modified
        .ok_or_else(|| wrong("playbook-no-version", "it has no `modified`, so no version".to_owned()))?;
    let named =
        playbook.id.strip_prefix("playbook--").is_some_and(|uuid| uuid::Uuid::parse_str(uuid).is_ok());
    if !named || playbook.id.len() > NAME_BYTES_MAX || modified.len() > NAME_BYTES_MAX {
        return Err(wrong("playbook-id", "its `id` is `playbook--` and a UUID".to_owned()));
    }
    let work = state.clone();
    let write = move |tx: &mut Tx<'_>| {
        let own = caller.principal.organisation.clone();
        let head = Head {
            organisation: own.clone(),
            id: playbook.id.clone(),
            modified,
            digest: hex::encode(playbook.digest()),
            person: crate::runs::account(&caller),
            by_approver,
            added: tx.now(),
        };
        let is_new = playbooks::add(tx, &REALM, &head, new.document.as_bytes())?;
        let line = work.response.shelf.line(tx, &own, &head.id)?;
        let kept = line.iter().find(|shelved| shelved.modified() == head.modified);
        let kept = kept.ok_or_else(|| StoreError::Corrupt(format!("{} was not kept", head.id)))?;
        let names = Names::for_viewer(tx, &own)?;
        let summary = told::summary((kept, line.len()), &work.response.config, (&names, &own), tx.now());
        let answer = told::added(kept, summary, !is_new);
        if !is_new {
            return Ok(Act::bookkeeping(answer));
        }
        let event = AuditEvent::done(Action::PlaybookAdded, caller.actor.clone(), caller.purpose)
            .on([head.id.as_str()])
            .with("version", head.modified.as_str())
            .with("digest", head.digest.as_str());
        Ok(Act::audited(answer, &REALM, event))
    };
    Ok(Json(state.store.write(write).await?))
}
