//! What may not be destroyed, and what is.

use api::{Evidence, EvidenceDisposal, EvidenceHoldLift, NewEvidenceHold};
use axum::Json;
use axum::extract::{Path, State};
use oversight::custody::CustodyAct;
use policy::Operation;
use store::evidence::{self as rows, holds};
use store::{StoreError, Tx};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{REASON_CHARS_MAX, item_id, shown};
use crate::api::session::fresh_proof;
use crate::evidence::custody::{Book, Said};
use crate::evidence::{in_hand, seen};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::sharing::{answered, text, unfit};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(hold)).routes(routes!(lift)).routes(routes!(dispose))
}

/// Hold an item: nobody destroys it, and its key stays beyond the time of its retention class, until another person lifts the hold.
///
/// For approvers of whoever has it in its hands, in person, with a sign-in no older than 15 minutes, here and below.
#[utoipa::path(post, path = "/api/v1/evidence/{id}/holds", tag = "evidence", security(("session" = [])),
    params(("id" = String, Path, description = "the item")), request_body = NewEvidenceHold,
    responses((status = 200, body = Evidence), crate::api::CallerRefusal))]
async fn hold(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewEvidenceHold>,
) -> Answer<Json<Evidence>> {
    caller.demand(&state, Operation::KeepEvidence)?;
    fresh_proof(&state, &caller).await?;
    let id = item_id(&id)?;
    let reason = text("reason", &body.reason, REASON_CHARS_MAX)?;
    let legal_basis = text("legal_basis", &body.legal_basis, REASON_CHARS_MAX)?;
    let (work, asker) = (state.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| {
        let realm = asker.realm().clone();
        let mut item = in_hand(tx, &work, &asker, id)?.item;
        let hold = holds::Hold {
            id: Uuid::new_v4(),
            item: id,
            organisation: asker.principal.organisation.clone(),
            person: asker.id().to_owned(),
            reason: reason.clone(),
            legal_basis: legal_basis.clone(),
            set: tx.now(),
            lifted: None,
        };
        holds::set(tx, &realm, &hold)?;
        let said =
            Said::new(CustodyAct::HoldSet, reason).on(Some(&legal_basis)).with("hold", hold.id.to_string());
        let mut book = Book::open(tx)?;
        book.write(tx, &realm, &mut item, (Some(&asker), said))?;
        Ok(book.done((), &realm))
    };
    answered(state.store.write(write).await)?;
    told_keys(&state).await?;
    shown(&state, &caller, id).await.map(Json)
}

/// Lift a hold: for another person than the one who set it.
#[utoipa::path(post, path = "/api/v1/evidence/{id}/holds/{hold}/lift", tag = "evidence", security(("session" = [])),
    params(("id" = String, Path, description = "the item"), ("hold" = String, Path, description = "the hold")),
    request_body = EvidenceHoldLift,
    responses((status = 200, body = Evidence), crate::api::CallerRefusal))]
async fn lift(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, hold)): Path<(String, String)>,
    JsonBody(body): JsonBody<EvidenceHoldLift>,
) -> Answer<Json<Evidence>> {
    caller.demand(&state, Operation::KeepEvidence)?;
    fresh_proof(&state, &caller).await?;
    let (id, hold) = (item_id(&id)?, item_id(&hold)?);
    let reason = text("reason", &body.reason, REASON_CHARS_MAX)?;
    let (work, asker) = (state.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| {
        let realm = asker.realm().clone();
        let mut item = seen(tx, &work, &asker, id)?.item;
        if item.custodian != asker.principal.organisation {
            return Err(unfit("not-allowed-custodian", "only whoever has the item in its hands may do this"));
        }
        let lifted = holds::lift(tx, &realm, (id, hold), (asker.id(), &reason))?;
        let said = Said::new(CustodyAct::HoldLifted, reason)
            .on(Some(&lifted.legal_basis))
            .with("hold", lifted.id.to_string());
        let mut book = Book::open(tx)?;
        book.write(tx, &realm, &mut item, (Some(&asker), said))?;
        Ok(book.done((), &realm))
    };
    answered(state.store.write(write).await)?;
    told_keys(&state).await?;
    shown(&state, &caller, id).await.map(Json)
}

/// Destroy an item's content, for ever: its pieces and its sealed key, and its class key where it has one, which makes it unreadable in every backup.
/// What is written about it stays. What is held is not destroyed.
#[utoipa::path(post, path = "/api/v1/evidence/{id}/dispose", tag = "evidence", security(("session" = [])),
    params(("id" = String, Path, description = "the item")), request_body = EvidenceDisposal,
    responses((status = 200, body = Evidence), crate::api::CallerRefusal))]
async fn dispose(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<EvidenceDisposal>,
) -> Answer<Json<Evidence>> {
    caller.demand(&state, Operation::KeepEvidence)?;
    fresh_proof(&state, &caller).await?;
    let id = item_id(&id)?;
    let reason = text("reason", &body.reason, REASON_CHARS_MAX)?;
    let legal_basis = text("legal_basis", &body.legal_basis, REASON_CHARS_MAX)?;
    let (work, asker) = (state.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| {
        let realm = asker.realm().clone();
        let mut item = in_hand(tx, &work, &asker, id)?.item;
        let class_key = item.kept.as_ref().and_then(|kept| kept.class_key.clone());
        let by_class = class_key.as_deref().zip(work.retention.as_ref());
        let by_class = by_class.is_some_and(|(key, retention)| retention.is_held(key));
        if by_class || holds::is_held(tx, &realm, id)? {
            return Err(held());
        }
        let said = Said::new(CustodyAct::Disposed, reason).on(Some(&legal_basis));
        let mut book = Book::open(tx)?;
        book.write(tx, &realm, &mut item, (Some(&asker), said))?;
        rows::dispose(tx, &realm, id)?;
        Ok(book.done(class_key, &realm))
    };
    let class_key = answered(state.store.write(write).await)?;
    if let Some((class_key, retention)) = class_key.zip(state.retention.as_ref()) {
        retention.end_early(&class_key).await;
    }
    shown(&state, &caller, id).await.map(Json)
}

fn held() -> StoreError {
    unfit("held", "the item is held: it is not destroyed until every hold is lifted")
}

/// The keys know of a hold before it is answered.
async fn told_keys(state: &AppState) -> Answer<()> {
    if let Some(retention) = &state.retention {
        retention.look_at_holds().await.map_err(Failure::internal)?;
    }
    Ok(())
}
