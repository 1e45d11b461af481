//! `/api/v1/notices`: what the reader's organisation was told.

use api::{Code, Notice, NoticeList, NoticesSeen};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use policy::Operation;
use store::{Act, notices};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::state::AppState;

/// Notices of one answer.
const LISTED_MAX: usize = 200;
/// What kinds of notices about authorisations begin with.
const OF_AUTHORISATIONS: &str = "authorisation-";
/// What notices of people's clearances and oaths begin with.
const OF_QUALIFICATIONS: &str = "qualification-";
/// What notices of emergencies begin with.
const OF_EMERGENCIES: &str = "emergency-";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(seen))
}

/// What one's organisation was told, newest first.
#[utoipa::path(get, path = "/api/v1/notices", tag = "sharing", security(("session" = []), ("token" = [])),
    responses((status = 200, body = NoticeList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<NoticeList>> {
    caller.demand_any(&state, &[Operation::Read, Operation::Inspect])?;
    let knows = caller.may(&state, Operation::SeeAuthorisations);
    let qualifies = caller.may(&state, Operation::QualifyPeople);
    let reviews = caller.may(&state, Operation::ReviewEmergencies);
    let found = state.store.read(move |reader| {
        notices::list(reader, caller.realm(), &caller.principal.organisation, LISTED_MAX)
    });
    // That there is an authorisation is for those who answer for the organisation, who is to be cleared for its administrators.
    let known = |notice: &notices::Notice| {
        (knows || !notice.kind.starts_with(OF_AUTHORISATIONS))
            && (qualifies || !notice.kind.starts_with(OF_QUALIFICATIONS))
            && (reviews || !notice.kind.starts_with(OF_EMERGENCIES))
    };
    let notices: Vec<Notice> = found.await?.into_iter().filter(known).map(told).collect();
    let unseen = notices.iter().filter(|notice| !notice.seen).count();
    Ok(Json(NoticeList { notices, unseen: u64::try_from(unseen).unwrap_or(u64::MAX) }))
}

/// Say that notices were looked at.
#[utoipa::path(post, path = "/api/v1/notices/seen", tag = "sharing", security(("session" = []), ("token" = [])),
    request_body = NoticesSeen, responses((status = 204, description = "noted"), crate::api::CallerRefusal))]
async fn seen(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<NoticesSeen>,
) -> Answer<StatusCode> {
    caller.demand_any(&state, &[Operation::Read, Operation::Inspect])?;
    let through = body
        .through
        .parse()
        .map_err(|_| Failure::new(Code::BadRequest, "through: it is a time as in RFC 3339"))?;
    let mark = move |tx: &mut store::Tx<'_>| {
        notices::mark_seen(tx, caller.realm(), &caller.principal.organisation, through).map(Act::bookkeeping)
    };
    state.store.write(mark).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn told(notice: notices::Notice) -> Notice {
    Notice {
        id: notice.id,
        at: format!("{:.6}", notice.at),
        kind: notice.kind,
        subject: notice.subject,
        object: notice.object.map(|id| id.to_string()),
        text: notice.text,
        seen: notice.seen.is_some(),
    }
}
