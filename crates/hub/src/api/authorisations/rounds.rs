//! Rounds of private matching: asked for by whoever has a grant for it, looked at, and worked out once more for the commission.

use api::{
    AuthorisedIndicators, Code, NewRound, NewRoundAudit, RoundAudit, RoundFound, RoundInfo, RoundList,
};
use axum::Json;
use axum::extract::{Path, State};
use oprf::Receipt;
use oversight::authorisation::{IndicatorList, RoundVerdict, State as Stand, Terms};
use oversight::{Action, OrganisationId};
use policy::Operation;
use store::authorisations::rounds::{self, Round};
use store::authorisations::selections::{self, Kept};
use store::authorisations::{self, Authorisation, receipts};
use store::{Act, Reader, StoreError, Tx, audit};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Eye, event, missing, parse};
use crate::api::session::fresh_proof;
use crate::edge_link::rounds::{SealedFound, opened};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::retention::Unopened;
use crate::rounds::threads;
use crate::sharing::{answered, unfit};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    // A list that is given along is as large as one that is asked for.
    let with_list = axum::extract::DefaultBodyLimit::max(authorisations::LIST_BYTES_MAX + 256 * 1024);
    OpenApiRouter::new()
        .routes(routes!(list, ask))
        .routes(routes!(found))
        .routes(routes!(audited).layer(with_list))
}

/// The rounds of private matching under an authorisation, those asked for last first.
///
/// To whoever asked and to the commission all of them; to an operator those at itself, without what came of them.
#[utoipa::path(get, path = "/api/v1/authorisations/{id}/rounds", tag = "oversight", security(("session" = [])),
    params(("id" = String, Path, description = "UUID")),
    responses((status = 200, body = RoundList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<RoundList>> {
    caller.demand(&state, Operation::SeeAuthorisations)?;
    let id = parse(&id)?;
    let read = move |reader: &Reader<'_>| {
        let eye = Eye::of(&caller, reader)?;
        let found = eye.find(reader, id)?;
        let rounds = rounds::of_authorisation(reader, caller.realm(), id)?.into_iter();
        let seen = rounds.filter(|round| sees(&eye, &found, round));
        let told = seen.map(|round| told(reader, &eye, &found, round));
        Ok(RoundList { rounds: told.collect::<Result<_, StoreError>>()? })
    };
    Ok(Json(state.store.read(read).await?))
}

fn sees(eye: &Eye<'_>, found: &Authorisation, round: &Round) -> bool {
    eye.is_commission || eye.asked(found) || round.operator == eye.caller.principal.organisation
}

fn told(
    reader: &Reader<'_>,
    eye: &Eye<'_>,
    found: &Authorisation,
    round: Round,
) -> Result<RoundInfo, StoreError> {
    let is_operator = round.operator == eye.caller.principal.organisation;
    let shows_receipt = eye.is_commission || is_operator;
    let edge = round.opening.as_ref().map(|opening| opening.edge.clone());
    let key = match edge.as_deref().filter(|_| shows_receipt) {
        Some(edge) => receipts::key_of(reader, eye.caller.realm(), edge)?
            .and_then(|key| tlog::VerifyingKey::from_bytes(edge, &key).ok()),
        None => None,
    };
    let audit = round.audit.filter(|_| eye.is_commission).map(|audit| RoundAudit {
        verdict: audit.verdict,
        at: audit.at.to_string(),
        person: audit.person,
    });
    Ok(RoundInfo {
        id: round.id,
        authorisation: round.authorisation,
        operator: round.operator.to_string(),
        state: round.stand.name().to_owned(),
        asked: round.asked.to_string(),
        elements: round.opening.map(|opening| opening.elements),
        edge,
        opened: round.opened.map(|at| at.to_string()),
        ended: round.ended.map(|at| at.to_string()),
        at_least: round.found.filter(|_| eye.is_commission || eye.asked(found)),
        why: round.why,
        receipt: round.receipt.map(|(note, _)| note).filter(|_| shows_receipt),
        receipt_key: key.map(|key| key.encode()),
        audit,
    })
}

/// Ask an operator's edge for a round of private matching.
///
/// For the organisation that has the grant. One a day at each operator; the first of its edges that opens it holds it, within an hour.
/// The last sign-in must be no older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/authorisations/{id}/rounds", tag = "oversight", security(("session" = [])),
    params(("id" = String, Path, description = "UUID")), request_body = NewRound,
    responses((status = 200, body = RoundInfo), crate::api::CallerRefusal))]
async fn ask(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewRound>,
) -> Answer<Json<RoundInfo>> {
    caller.demand(&state, Operation::RequestAuthorisation)?;
    fresh_proof(&state, &caller).await?;
    let id = parse(&id)?;
    let operator = OrganisationId::parse(&body.operator)
        .ok_or_else(|| Failure::rule("short-name", "operator: it is an organisation's short name"))?;
    let is_kept = state.retention.is_some();
    state.demand_witnesses()?;
    let write = move |tx: &mut Tx<'_>| begin(tx, &caller, (id, &operator), is_kept);
    answered(state.store.write(write).await).map(Json)
}

fn begin(
    tx: &mut Tx<'_>,
    caller: &Caller,
    (id, operator): (Uuid, &OrganisationId),
    is_kept: bool,
) -> Result<Act<RoundInfo>, StoreError> {
    let eye = Eye::of(caller, tx)?;
    let found = eye.find(tx, id)?;
    if !eye.asked(&found) {
        return Err(missing(id));
    }
    if found.terms.private.is_none() {
        return Err(unfit("round-not-private", "this authorisation is not for private matching"));
    }
    let is_in_force =
        found.state == Stand::Granted && (found.terms.from..found.terms.until).contains(&tx.now());
    if !is_in_force || !found.terms.operators.contains(operator) {
        return Err(unfit("round-not-now", "the authorisation does not count now, or not at this operator"));
    }
    if !is_kept {
        return Err(unfit(
            "round-not-kept",
            "this node keeps nothing that is found under authorisations: its operator has not configured `[retention]`",
        ));
    }
    let round = Uuid::new_v4();
    rounds::ask(tx, caller.realm(), (round, id), operator, caller.id())?;
    let event = event(caller, Action::PrivateRoundAsked, id)
        .with("round", round.to_string())
        .with("operator", operator.to_string());
    let kept = rounds::get(tx, caller.realm(), round)?.ok_or_else(|| missing(round))?;
    Ok(Act::audited(told(tx, &eye, &found, kept)?, caller.realm(), event))
}

/// A round of an authorisation that the caller sees.
fn one(
    reader: &Reader<'_>,
    eye: &Eye<'_>,
    (id, round): (Uuid, Uuid),
) -> Result<(Authorisation, Round), StoreError> {
    let found = eye.find(reader, id)?;
    let kept = rounds::get(reader, eye.caller.realm(), round)?;
    let kept = kept.filter(|kept| kept.authorisation == id).ok_or_else(|| missing(round))?;
    Ok((found, kept))
}

/// What was found in a round. Looking at it is an act that is written down, and told to the commission.
///
/// For the organisation that asked. The last sign-in must be no older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(get, path = "/api/v1/authorisations/{id}/rounds/{round}/found", tag = "oversight", security(("session" = [])),
    params(("id" = String, Path, description = "UUID"), ("round" = String, Path, description = "UUID")),
    responses((status = 200, body = RoundFound), crate::api::CallerRefusal))]
async fn found(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, round)): Path<(String, String)>,
) -> Answer<Json<RoundFound>> {
    caller.demand(&state, Operation::SeeSelections)?;
    fresh_proof(&state, &caller).await?;
    let (id, round) = (parse(&id)?, parse(&round)?);
    let retention = state.retention.as_ref().ok_or_else(|| {
        Failure::new(
            Code::Unavailable,
            "the keys to what is kept are not configured at this node (`[retention]`)",
        )
    })?;
    state.demand_witnesses()?;
    let row = state.store.write(move |tx| look(tx, &caller, (id, round))).await?;
    let found = retention.open_as::<SealedFound>(&row).await.map_err(|unopened| match unopened {
        Unopened::Over => Failure::new(Code::NotFound, "what was found is not kept any more"),
        Unopened::Altered => Failure::internal("what was found in a round was altered or moved"),
        Unopened::Unavailable(cause) => {
            Failure::new(Code::Unavailable, "the node's key service is away; try again later")
                .caused_by(cause)
        }
    })?;
    if found.round != round {
        return Err(Failure::internal("what was found in a round was moved to another one"));
    }
    Ok(Json(found.into()))
}

/// The row, and the look at it, before it is opened.
fn look(tx: &mut Tx<'_>, caller: &Caller, ids: (Uuid, Uuid)) -> Result<Act<Kept>, StoreError> {
    let eye = Eye::of(caller, tx)?;
    let (found, round) = one(tx, &eye, ids)?;
    if !eye.asked(&found) {
        return Err(missing(round.id));
    }
    let row = selections::by_id(tx, caller.realm(), round.id)?.ok_or_else(|| missing(round.id))?;
    let own = &caller.principal.organisation;
    let (given, leaf) = (round.found.unwrap_or(0), audit::next_leaf(tx)?);
    selections::note_look(tx, caller.realm(), found.terms.id, (own, caller.id()), (given, leaf))?;
    let event = event(caller, Action::SelectionsSeen, found.terms.id)
        .with("round", round.id.to_string())
        .with("at_least", given.to_string())
        .with("recipient", own.to_string());
    Ok(Act::audited(row, caller.realm(), event))
}

/// Have a round worked out once more: whether the hub asked for the approved list and nothing else.
///
/// For commissioners. Everything that was asked follows from list, seed and the round's opening; its hash is compared with what the
/// operator's edge signed. List and seed are those that the asker gave to the commission; where none are given, those of the hub. What is
/// computed here is computed by the hub: who does not trust it takes the receipt, list and seed and runs `yagura check round`.
#[utoipa::path(post, path = "/api/v1/oversight/authorisations/{id}/rounds/{round}/audit", tag = "oversight",
    security(("session" = [])), request_body = NewRoundAudit,
    params(("id" = String, Path, description = "UUID"), ("round" = String, Path, description = "UUID")),
    responses((status = 200, body = RoundInfo), crate::api::CallerRefusal))]
async fn audited(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, round)): Path<(String, String)>,
    JsonBody(body): JsonBody<NewRoundAudit>,
) -> Answer<Json<RoundInfo>> {
    caller.demand(&state, Operation::DecideAuthorisation)?;
    let ids = (parse(&id)?, parse(&round)?);
    let asker = caller.clone();
    let read = move |tx: &mut Tx<'_>| evidence(tx, &asker, ids, body.list);
    let evidence = state.store.write(read).await?;
    let computed = tokio::task::spawn_blocking(move || {
        let Evidence { terms, operator, list, receipt } = evidence;
        RoundVerdict::on(&terms, &operator, &list, (&receipt, threads()))
    });
    let verdict = computed.await.map_err(Failure::internal)?.name();
    let write = move |tx: &mut Tx<'_>| {
        let eye = Eye::of(&caller, tx)?;
        let (found, _) = one(tx, &eye, ids)?;
        rounds::note_audit(tx, caller.realm(), ids.1, (verdict, caller.id()))?;
        let (_, round) = one(tx, &eye, ids)?;
        let event = event(&caller, Action::PrivateRoundAudited, ids.0)
            .with("round", ids.1.to_string())
            .with("verdict", verdict);
        Ok(Act::audited(told(tx, &eye, &found, round)?, caller.realm(), event))
    };
    Ok(Json(state.store.write(write).await?))
}

/// What a round is audited with.
struct Evidence {
    terms: Terms,
    operator: OrganisationId,
    list: IndicatorList,
    receipt: Receipt,
}

/// Reads what is needed. Taking the hub's own list is a look at it, and written down as one.
fn evidence(
    tx: &mut Tx<'_>,
    caller: &Caller,
    ids: (Uuid, Uuid),
    given: Option<AuthorisedIndicators>,
) -> Result<Act<Evidence>, StoreError> {
    let eye = Eye::of(caller, tx)?;
    let (found, round) = one(tx, &eye, ids)?;
    if !eye.is_commission {
        return Err(missing(round.id));
    }
    let lacking =
        || unfit("round-no-receipt", "the round has no receipt yet, or it is not signed by the edge's key");
    let (note, edge) = round.receipt.zip(round.opening).ok_or_else(lacking)?;
    let key = receipts::key_of(tx, caller.realm(), &edge.edge)?.ok_or_else(lacking)?;
    let receipt = opened(&note.0, &edge.edge, &key).ok_or_else(lacking)?;
    let is_given = given.is_some();
    let list = match given {
        Some(given) => IndicatorList { salt: given.salt, patterns: given.patterns },
        None => authorisations::list_of(tx, caller.realm(), ids.0)?.ok_or_else(|| missing(ids.0))?,
    };
    let evidence = Evidence { terms: found.terms, operator: round.operator, list, receipt };
    if is_given {
        return Ok(Act::bookkeeping(evidence));
    }
    let looked = event(caller, Action::AuthorisationListInspected, ids.0);
    Ok(Act::audited(evidence, caller.realm(), looked))
}
