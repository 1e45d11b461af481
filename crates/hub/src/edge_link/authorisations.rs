//! What edges are given of the commission's decisions, and what they sign for having used them.
//!
//! An edge believes nothing of this: it checks each package against the commission and the frame that its operator pinned, and the
//! log against its witnesses. The hub only carries.

use api::{
    AuthorisedIndicators, Code, EdgeAuthorisationLog, EdgeAuthorisations, EdgeKey, ReceiptOutcome,
    ReceiptsAccepted, ReceiptsPosted,
};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::SignedDuration;
use oversight::Action;
use oversight::authorisation::{Decided, EntryKind, Package, Receipt, Resumption, Terms};
use policy::Operation;
use serde::Deserialize;
use store::authorisations::receipts::{self, Taken};
use store::authorisations::{self, Authorisation, Of, log};
use store::charters;
use store::{Act, Reader, StoreError, Tx};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::act;
use crate::api::authorisations::told_list;
use crate::api::commission::document;
use crate::principal::{Caller, EdgeCaller};
use crate::problem::{Answer, Failure};
use crate::request::{JsonBody, Query};
use crate::state::AppState;

/// Packages of one answer.
const PACKAGES_MAX: usize = 50;
/// Entries of the log of one answer.
const ENTRIES_MAX: u64 = 1_000;
/// Receipts of one request.
const RECEIPTS_MAX: usize = 100;
/// How far an edge's clock may stand before the hub's.
const CLOCK_AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);
/// What stands before an edge's name under the signature that shows that it has its key.
const KEY_DOMAIN: &[u8] = b"yagura edge key v1\0";

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(indicators))
        .routes(routes!(entries))
        .routes(routes!(register))
        .routes(routes!(take))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// Those asked for before this place in the log of authorisations; absent: the newest.
    before: Option<u64>,
}

/// Nothing is handed out to be acted on while nobody looks at the log; what stops something always is.
fn demand_witnesses(state: &AppState) -> Answer<()> {
    state.authorisations_log.cosigned().map_or(Ok(()), |witnesses| witnesses.demand())
}

/// The grants in force at this edge's operator, with what proves them.
#[utoipa::path(get, path = "/edge/v1/authorisations", tag = "edge link", security(("edge" = [])), params(PageQuery),
    responses((status = 200, body = EdgeAuthorisations), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    Query(query): Query<PageQuery>,
) -> Answer<Json<EdgeAuthorisations>> {
    caller.demand(&state, Operation::UseAuthorisations)?;
    demand_witnesses(&state)?;
    let read = move |reader: &Reader<'_>| {
        let (realm, of) = (caller.realm(), Of::InForceAt(&caller.principal.organisation));
        let found = authorisations::page(reader, realm, of, query.before, PACKAGES_MAX)?;
        let next = found.last().filter(|_| found.len() == PACKAGES_MAX).map(|last| last.request_leaf);
        let open = found.iter().filter(|found| !found.sealed).map(|found| found.terms.id).collect();
        let packages = found.iter().map(|found| document(&package(reader, found)?));
        let commission = charters::commission(reader, realm)?;
        let frame = charters::frame(reader, realm)?;
        Ok(EdgeAuthorisations {
            packages: packages.collect::<Result<_, StoreError>>()?,
            open,
            next,
            commission: commission.map(|known| document(&known.text)).transpose()?,
            frame: frame.map(|known| document(&known.text)).transpose()?,
        })
    };
    Ok(Json(state.store.read(read).await?))
}

/// A grant as its record in the log has it, with the resumption where it was suspended.
fn package(reader: &Reader<'_>, found: &Authorisation) -> Result<Package, StoreError> {
    #[derive(Deserialize)]
    struct Record {
        terms: Terms,
        decided: Decided,
    }
    let lost = || StoreError::Corrupt(format!("the grant of authorisation {}", found.terms.id));
    let read = |logged: &log::Logged| serde_json::from_slice::<Record>(&logged.record).map_err(|_| lost());
    let leaf = found.grant_leaf.ok_or_else(lost)?;
    let granted = log::get(reader, leaf)?.ok_or_else(lost)?;
    let Record { terms, decided } = read(&granted)?;
    let resumed = log::last_of(reader, found.terms.id, EntryKind::Resume)?;
    let resumption = resumed.map(|logged| {
        let decided = read(&logged)?.decided;
        Ok::<_, StoreError>(Resumption { decided, salt: hex::encode(logged.salt), index: logged.leaf })
    });
    Ok(Package {
        terms,
        decided,
        salt: hex::encode(granted.salt),
        index: leaf,
        resumption: resumption.transpose()?,
    })
}

/// What is looked for under an authorisation that is in force at this edge's operator; sealed lists are not given out.
///
/// That an edge was given it is written down.
#[utoipa::path(get, path = "/edge/v1/authorisations/{id}/list", tag = "edge link", security(("edge" = [])),
    params(("id" = String, Path, description = "UUID")),
    responses((status = 200, body = AuthorisedIndicators), crate::api::CallerRefusal))]
async fn indicators(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    Path(id): Path<String>,
) -> Answer<Json<AuthorisedIndicators>> {
    caller.demand(&state, Operation::UseAuthorisations)?;
    demand_witnesses(&state)?;
    let id = Uuid::parse_str(&id).map_err(|_| Failure::not_found())?;
    let look = move |tx: &mut Tx<'_>| {
        let missing = || StoreError::NotFound { what: id.to_string() };
        let found = authorisations::get(tx, caller.realm(), id)?.ok_or_else(missing)?;
        let is_given = !found.sealed
            && found.state == oversight::authorisation::State::Granted
            && tx.now() < found.terms.until
            && found.terms.operators.contains(&caller.principal.organisation);
        let list = if is_given { authorisations::list_of(tx, caller.realm(), id)? } else { None };
        let list = list.ok_or_else(missing)?;
        let event = act(&caller, Action::AuthorisationListInspected).with("authorisation", id.to_string());
        Ok(Act::audited(told_list(list), caller.realm(), event))
    };
    Ok(Json(state.store.write(look).await?))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LogQuery {
    /// The first entry wanted: as many as the edge has seen.
    from: u64,
}

/// The log of authorisations from an entry on, and its newest signed checkpoint.
///
/// The same is published to everybody as tiles under `/log/authorisations/`.
#[utoipa::path(get, path = "/edge/v1/authorisation-log", tag = "edge link", security(("edge" = [])), params(LogQuery),
    responses((status = 200, body = EdgeAuthorisationLog), crate::api::CallerRefusal))]
async fn entries(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    Query(query): Query<LogQuery>,
) -> Answer<Json<EdgeAuthorisationLog>> {
    caller.demand(&state, Operation::UseAuthorisations)?;
    let log = &state.authorisations_log;
    let note = log
        .newest(&state.store)
        .await?
        .ok_or_else(|| Failure::new(Code::Unavailable, "the log has no checkpoint yet; try again later"))?;
    let checkpoint = String::from_utf8(note.to_vec()).map_err(Failure::internal)?;
    let key = log.key();
    let size = tlog::open_log(&checkpoint, &key, key.name()).map_err(Failure::internal)?.size;
    let to = query.from.saturating_add(ENTRIES_MAX).min(size);
    let entries = state.store.read(move |reader| log::entries(reader, query.from, to)).await?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(Failure::internal);
    Ok(Json(EdgeAuthorisationLog {
        checkpoint,
        entries: entries.into_iter().map(text).collect::<Answer<_>>()?,
        more: to < size,
    }))
}

/// Say which key this edge will sign receipts with.
///
/// Once: an edge that lost its key is removed and registered again.
#[utoipa::path(put, path = "/edge/v1/key", tag = "edge link", security(("edge" = [])), request_body = EdgeKey,
    responses((status = 204, description = "registered"), crate::api::CallerRefusal))]
async fn register(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    JsonBody(body): JsonBody<EdgeKey>,
) -> Answer<StatusCode> {
    caller.demand(&state, Operation::UseAuthorisations)?;
    let wrong = || {
        let why = "`key` is an Ed25519 key of 64 hexadecimal digits, and `signature` is its own over the edge's name";
        Failure::new(Code::Unprocessable, why)
    };
    let mut key = [0; 32];
    hex::decode_to_slice(&body.key, &mut key).map_err(|_| wrong())?;
    let signature = hex::decode(&body.signature).map_err(|_| wrong())?;
    let signed = [KEY_DOMAIN, caller.id().as_bytes()].concat();
    UnparsedPublicKey::new(&ED25519, key).verify(&signed, &signature).map_err(|_| wrong())?;
    let event = act(&caller, Action::EdgeChanged)
        .on([caller.id()])
        .with("change", "receipt-key")
        .with("key", hex::encode(key));
    let register = move |tx: &mut Tx<'_>| {
        let is_new = receipts::register_key(tx, caller.realm(), caller.id(), &key)?;
        Ok(if is_new { Act::audited((), caller.realm(), event) } else { Act::bookkeeping(()) })
    };
    state.store.write(register).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hand in receipts.
///
/// Each is taken in once, however often it is sent, and answered one by one. What is answered as accepted is durable and stands in
/// the log of authorisations.
#[utoipa::path(post, path = "/edge/v1/receipts", tag = "edge link", security(("edge" = [])), request_body = ReceiptsPosted,
    responses((status = 200, body = ReceiptsAccepted), crate::api::CallerRefusal))]
async fn take(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    JsonBody(posted): JsonBody<ReceiptsPosted>,
) -> Answer<Json<ReceiptsAccepted>> {
    caller.demand(&state, Operation::UseAuthorisations)?;
    if posted.receipts.len() > RECEIPTS_MAX {
        return Err(Failure::new(Code::Unprocessable, format!("receipts: at most {RECEIPTS_MAX} at a time")));
    }
    let write = move |tx: &mut Tx<'_>| {
        let mut outcomes = Vec::with_capacity(posted.receipts.len());
        let mut events = Vec::new();
        for posted in posted.receipts {
            let outcome = take_one(tx, &caller, posted)?;
            if let (ReceiptOutcome::Accepted { leaf }, receipt) = &outcome {
                let used = receipt.as_ref().map(|receipt| receipt.used.authorisation.to_string());
                let event = act(&caller, Action::AuthorisationUsed).with("leaf", leaf.to_string());
                events.push(event.with("authorisation", used.unwrap_or_default()));
            }
            outcomes.push(outcome.0);
        }
        Ok(if events.is_empty() {
            Act::bookkeeping(outcomes)
        } else {
            Act::audited_all(outcomes, caller.realm(), events)
        })
    };
    Ok(Json(ReceiptsAccepted { outcomes: state.store.write(write).await? }))
}

fn take_one(
    tx: &mut Tx<'_>,
    caller: &Caller,
    posted: serde_json::Value,
) -> Result<(ReceiptOutcome, Option<Receipt>), StoreError> {
    let refused = |why: &str| Ok((ReceiptOutcome::Refused { why: why.to_owned() }, None));
    let Ok(receipt) = serde_json::from_value::<Receipt>(posted) else {
        return refused("it is no receipt");
    };
    let Some(key) = receipts::key_of(tx, caller.realm(), caller.id())? else {
        return refused("this edge has registered no key");
    };
    if !receipt.is_of(&key) {
        return refused("it is not signed by this edge's key");
    }
    let found = authorisations::get(tx, caller.realm(), receipt.used.authorisation)?;
    if !found.is_some_and(|found| fits(&receipt, &found, caller, tx.now())) {
        return refused(
            "there is no grant of this at this operator, or the receipt says what it does not allow",
        );
    }
    let outcome = match receipts::take(tx, caller.realm(), &receipt, &key)? {
        Taken::Accepted(leaf) => ReceiptOutcome::Accepted { leaf },
        Taken::Duplicate(leaf) => ReceiptOutcome::Duplicate { leaf },
        Taken::Contradicts(leaf) => {
            let why =
                format!("this edge signed for something else under this number of this day: entry {leaf}");
            ReceiptOutcome::Refused { why }
        }
    };
    Ok((outcome, Some(receipt)))
}

/// Whether a receipt is about that grant, at this edge. One for a use after the grant was stopped is taken: it is evidence. One
/// beyond what was granted is not, so that nobody can fill the log: an edge that keeps to its grants signs for none.
fn fits(receipt: &Receipt, found: &Authorisation, caller: &Caller, now: jiff::Timestamp) -> bool {
    let (used, terms) = (&receipt.used, &found.terms);
    // In private matching an edge signs for as many elements as it will answer.
    let count_fits = match &terms.private {
        Some(private) => used.count == private.elements,
        None => (1..=terms.list_size).contains(&used.count),
    };
    let operator = &caller.principal.organisation;
    Some(used.grant) == found.grant_leaf
        && used.operator == *operator
        && terms.operators.contains(operator)
        && used.edge == caller.id()
        && used.asked_by == terms.requested_by
        && count_fits
        && (1..=terms.queries_per_day).contains(&used.number)
        && (terms.from..terms.until).contains(&used.at)
        && used.at <= now + CLOCK_AHEAD_MAX
        && used.asked.len() == 64
        && (found.sealed || used.asked == terms.list_root)
}
