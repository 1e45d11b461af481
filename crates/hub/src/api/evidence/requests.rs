//! `/api/v1/evidence-requests`: evidence is to be preserved or handed over, with a legal basis and until a time.

use api::{EvidenceRequest, EvidenceRequestAnswer, EvidenceRequestList, NewEvidenceRequest};
use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use oversight::OrganisationId;
use policy::Operation;
use store::evidence::requests::{self as rows, Kind, NewRequest};
use store::{Act, Tx};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{DESCRIPTION_CHARS_MAX, REASON_CHARS_MAX, case_id, item_id, renewed};
use crate::api::session::fresh_proof;
use crate::evidence::requests::{self as asking, Answer as Said};
use crate::evidence::told::Telling;
use crate::evidence::{case, fetched};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::sharing::{LINE_CHARS_MAX, ahead, answered, text};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(ask))
        .routes(routes!(get))
        .routes(routes!(answer))
        .routes(routes!(receive))
}

/// The requests of a case that one's own organisation made or was asked; nobody else is told of them.
#[utoipa::path(get, path = "/api/v1/cases/{id}/evidence-requests", tag = "evidence", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")),
    responses((status = 200, body = EvidenceRequestList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<EvidenceRequestList>> {
    caller.demand(&state, Operation::SeeEvidence)?;
    let id = case_id(&id)?;
    let work = state.clone();
    let read = state.store.read(move |reader| {
        case(reader, &work, &caller, &id)?;
        let found = rows::list(reader, caller.realm(), &id, &caller.principal.organisation)?;
        let telling = Telling { reader, state: &work, caller: &caller };
        let requests = found.iter().map(|request| telling.request(request)).collect::<Result<_, _>>()?;
        let askable = telling.askable(&id)?;
        Ok(EvidenceRequestList { requests, askable, as_of: reader.now().to_string() })
    });
    Ok(Json(read.await?))
}

/// Ask an organisation to preserve evidence or to hand it over. It is told at once; one of another hub as soon as its hub is reached.
///
/// For duty officers and approvers of the coordinator and of agencies, in person, with a sign-in no older than 15 minutes (`fresh-proof-needed`), as
/// is the answer. `id` is made by whoever asks: sent again, it is the same request.
#[utoipa::path(post, path = "/api/v1/evidence-requests", tag = "evidence", security(("session" = [])),
    request_body = NewEvidenceRequest, responses((status = 200, body = EvidenceRequest), crate::api::CallerRefusal))]
async fn ask(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewEvidenceRequest>,
) -> Answer<Json<EvidenceRequest>> {
    caller.demand(&state, Operation::RequestEvidence)?;
    fresh_proof(&state, &caller).await?;
    let new = checked(&caller, &body)?;
    let (work, asker) = (state.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| {
        let asked = asking::ask(tx, &work, &asker, &new)?;
        Ok(match asked {
            Some(done) => Act::audited_all(done.has_new_circle, asker.realm(), done.events),
            None => Act::bookkeeping(false),
        })
    };
    renewed(&state, answered(state.store.write(write).await)?).await?;
    shown(&state, &caller, body.id).await.map(Json)
}

fn checked(caller: &Caller, body: &NewEvidenceRequest) -> Answer<NewRequest> {
    let due = ahead("due", &body.due)?;
    let reference = body.reference.as_deref().map(str::trim).filter(|reference| !reference.is_empty());
    let reference = reference.map(|reference| text("reference", reference, LINE_CHARS_MAX)).transpose()?;
    Ok(NewRequest {
        id: body.id,
        case: case_id(&body.case)?,
        kind: Kind::parse(&body.kind)
            .ok_or_else(|| Failure::rule("not-one-of", "kind: it is `preserve` or `hand-over`"))?,
        asker: caller.principal.organisation.clone(),
        asker_person: caller.id().to_owned(),
        asked: OrganisationId::parse(&body.organisation).ok_or_else(|| {
            Failure::rule("short-name", "organisation: it is a short name, or a name out of `askable`")
        })?,
        subject: text("subject", &body.subject, DESCRIPTION_CHARS_MAX)?,
        legal_basis: text("legal_basis", &body.legal_basis, REASON_CHARS_MAX)?,
        reference: reference.unwrap_or_default(),
        // As it is stored, so that the same request sent twice is the same.
        due: Timestamp::from_second(due.as_second()).unwrap_or(due),
    })
}

/// A request that concerns one's own organisation.
#[utoipa::path(get, path = "/api/v1/evidence-requests/{id}", tag = "evidence", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the request")),
    responses((status = 200, body = EvidenceRequest), crate::api::CallerRefusal))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<EvidenceRequest>> {
    caller.demand(&state, Operation::SeeEvidence)?;
    shown(&state, &caller, item_id(&id)?).await.map(Json)
}

async fn shown(state: &AppState, caller: &Caller, id: Uuid) -> Answer<EvidenceRequest> {
    let (work, asker) = (state.clone(), caller.clone());
    let read = state.store.read(move |reader| {
        let request = asking::seen(reader, &asker, id)?;
        Telling { reader, state: &work, caller: &asker }.request(&request)
    });
    Ok(read.await?)
}

/// Accept a request, refuse it with a reason, fulfil it with items, withdraw or close it.
///
/// What is handed over is offered to the asker, item by item, and is in its hands once it has accepted; what is preserved is held. To an asker of another hub what is
/// handed over is named by its hashes, and it is received from there or brought in a package.
#[utoipa::path(post, path = "/api/v1/evidence-requests/{id}/answer", tag = "evidence", security(("session" = [])),
    params(("id" = String, Path, description = "the request")), request_body = EvidenceRequestAnswer,
    responses((status = 200, body = EvidenceRequest), crate::api::CallerRefusal))]
async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<EvidenceRequestAnswer>,
) -> Answer<Json<EvidenceRequest>> {
    caller.demand_any(&state, &[Operation::RequestEvidence, Operation::AnswerEvidence])?;
    fresh_proof(&state, &caller).await?;
    let id = item_id(&id)?;
    let said = Said::parse(&body.answer).ok_or_else(|| {
        let known = "answer: it is one of `accept`, `refuse`, `fulfil`, `withdraw`, `close`";
        Failure::rule("not-one-of", known)
    })?;
    // Whoever does not do what is asked, or asks for it no more, says why.
    let note = match said {
        Said::Accept | Said::Fulfil | Said::Close if body.note.trim().is_empty() => String::new(),
        _ => text("note", &body.note, REASON_CHARS_MAX)?,
    };
    if body.items.len() > rows::ITEMS_MAX {
        return Err(Failure::rule("count", format!("items: at most {}", rows::ITEMS_MAX)));
    }
    let (work, asker) = (state.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| {
        let done = asking::answer(tx, &work, &asker, (id, said), (&note, &body.items))?;
        Ok(Act::audited_all(done.has_new_circle, asker.realm(), done.events))
    };
    renewed(&state, answered(state.store.write(write).await)?).await?;
    if let Some(retention) = &state.retention {
        retention.look_at_holds().await.map_err(Failure::internal)?;
    }
    shown(&state, &caller, id).await.map(Json)
}

/// Receive what another hub hands over: its content is fetched from there, held against what was named, and is an item of this case from then on.
///
/// Sent again it is the same item. What is not here within 20 seconds goes on coming, and the request tells how far it is (`named`); while it is `coming`, nothing
/// more is begun. An item is for one's own organisation alone until its label is changed. In person, with a sign-in no older than 15 minutes
/// (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/evidence-requests/{id}/items/{item}/receive", tag = "evidence", security(("session" = [])),
    params(("id" = String, Path, description = "the request"), ("item" = String, Path, description = "the item, as its hub names it")),
    responses((status = 200, body = EvidenceRequest), crate::api::CallerRefusal))]
async fn receive(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, item)): Path<(String, String)>,
) -> Answer<Json<EvidenceRequest>> {
    caller.demand(&state, Operation::HandleEvidence)?;
    fresh_proof(&state, &caller).await?;
    let (id, item) = (item_id(&id)?, item_id(&item)?);
    let (work, asker) = (state.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| fetched::begin(tx, &work, &asker, (id, item));
    let begun = answered(state.store.write(write).await)?;
    renewed(&state, begun.has_new_circle).await?;
    if let Some(wanted) = begun.wanted {
        fetched::bring(&state, &caller, wanted).await?;
    }
    shown(&state, &caller, id).await.map(Json)
}
