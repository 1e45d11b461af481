//! The commissioners' decisions: each signs with a passkey of its own, over the hash of what is decided.

use api::{AuthorisationInfo, ChallengeAnswer, DecisionChallenge, NewDecision};
use axum::Json;
use axum::extract::{Path, State};
use oversight::Action;
use oversight::authorisation::{Decided, Decision, Kind, State as Stand, Terms, Verdict};
use policy::Operation;
use store::authorisations::{self, Authorisation};
use store::{Act, Reader, StoreError, Tx};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{event, missing, one, parse};
use crate::api::commission::{REASON_CHARS_MAX, too_late};
use crate::commission::{self, Standing, cast, demand_member, is_open, names, options};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::sharing::{answered, unfit};
use crate::sign_in::challenges::{self, Challenge};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(start)).routes(routes!(finish))
}

/// Begin to sign a decision.
///
/// `options` is what `PublicKeyCredential.parseRequestOptionsFromJSON` takes. To refuse, suspend and revoke takes one commissioner and
/// a reason; to grant and to resume as many as the commission's constitution says, an emergency two. Whoever joins others signs the
/// words that they signed.
#[utoipa::path(post, path = "/api/v1/authorisations/{id}/decisions/start", tag = "oversight", security(("session" = [])),
    params(("id" = String, Path, description = "UUID")), request_body = NewDecision,
    responses((status = 200, body = DecisionChallenge), crate::api::CallerRefusal))]
async fn start(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewDecision>,
) -> Answer<Json<DecisionChallenge>> {
    caller.demand(&state, Operation::DecideAuthorisation)?;
    let id = parse(&id)?;
    let verdict = Verdict::parse(&body.verdict).ok_or_else(|| {
        let why = "verdict: it is `grant`, `refuse`, `suspend`, `resume` or `revoke`";
        Failure::rule("not-one-of", why)
    })?;
    let reason = body.reason.trim().to_owned();
    let stops = matches!(verdict, Verdict::Refuse | Verdict::Suspend | Verdict::Revoke);
    if reason.chars().count() > REASON_CHARS_MAX || stops && reason.is_empty() {
        let why = format!(
            "reason: whoever refuses or stops something says why, in 1 to {REASON_CHARS_MAX} characters"
        );
        return Err(Failure::rule("decision-reason", why).with("max", REASON_CHARS_MAX));
    }
    let (asker, is_configured) = (caller.clone(), state.frame.is_some());
    let read = move |reader: &Reader<'_>| {
        let standing = Standing::demand(reader, asker.realm(), is_configured || stops)?;
        let member = demand_member(&asker, &standing.commission, reader.now())?;
        let found = authorisations::get(reader, asker.realm(), id)?.ok_or_else(|| missing(id))?;
        if hex::encode(found.terms.digest()) != body.terms {
            return Err(StoreError::Stale { what: id.to_string() });
        }
        let own = question(reader, &standing, &found, (verdict, reason))?;
        let commission = &standing.commission.text;
        let needed = own.persons(commission, &standing.frame.text);
        let joined = found.pending.filter(|pending| {
            needed > 1 && is_open(pending, commission, reader.now()) && joins(&own, &pending.decision)
        });
        let signed_by = match &joined {
            Some(joined) => names(commission, &joined.members(commission).unwrap_or_default()),
            None => Vec::new(),
        };
        let decision = joined.map_or(own, |joined| joined.decision);
        let options = options(&decision.challenge(), commission, member);
        Ok((decision, options, signed_by, needed))
    };
    let (decision, options, signed_by, needed) = answered(state.store.read(read).await)?;
    let document = serde_json::to_value(&decision).map_err(Failure::internal)?;
    let challenge = Challenge::Decide { account: caller.id().to_owned(), decision };
    let challenge_id = challenges::begin(&state.store, &challenge).await?;
    Ok(Json(DecisionChallenge { challenge_id, options, document, signed_by, needed }))
}

/// The decision as somebody begins it now.
fn question(
    reader: &Reader<'_>,
    standing: &Standing,
    found: &Authorisation,
    (verdict, reason): (Verdict, String),
) -> Result<Decision, StoreError> {
    if found.state.after(verdict).is_none() {
        let why = format!("it is `{}`; from there nobody can `{}` it", found.state.name(), verdict.name());
        return Err(unfit("decision-state", why));
    }
    check_grantable(reader, standing, &found.terms, verdict)?;
    Ok(Decision {
        verdict,
        authorisation: found.terms.id,
        request: found.request_leaf,
        terms: hex::encode(found.terms.digest()),
        kind: found.terms.kind,
        frame: hex::encode(standing.frame.text.digest()),
        number: found.decisions.saturating_add(1),
        asked: reader.now(),
        reason,
    })
}

/// What allows something is held against the frame in force and the clock when it is begun and when it is done.
fn check_grantable(
    reader: &Reader<'_>,
    standing: &Standing,
    terms: &Terms,
    verdict: Verdict,
) -> Result<(), StoreError> {
    if !matches!(verdict, Verdict::Grant | Verdict::Resume) {
        return Ok(());
    }
    terms.check(&standing.frame.text).map_err(|error| unfit("terms", error.to_string()))?;
    if terms.until <= reader.now() {
        return Err(unfit("terms-over", "its time is over"));
    }
    let Some(wider) = terms.narrows else { return Ok(()) };
    let found = authorisations::get(reader, &crate::REALM, wider)?;
    let counts =
        found.is_some_and(|found| found.state == Stand::Granted && terms.narrows(&found.terms).is_ok());
    let why = "the authorisation that it narrows does not count any more";
    if counts { Ok(()) } else { Err(unfit("narrows-gone", why)) }
}

/// Whether what others sign is the same question but for its time and words.
fn joins(own: &Decision, other: &Decision) -> bool {
    *own == Decision { asked: own.asked, reason: own.reason.clone(), ..other.clone() }
}

/// Finish signing a decision. When enough have signed, it is carried out at once and stands in the log.
#[utoipa::path(post, path = "/api/v1/authorisations/{id}/decisions/finish", tag = "oversight", security(("session" = [])),
    params(("id" = String, Path, description = "UUID")), request_body = ChallengeAnswer,
    responses((status = 200, body = AuthorisationInfo), crate::api::CallerRefusal))]
async fn finish(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ChallengeAnswer>,
) -> Answer<Json<AuthorisationInfo>> {
    caller.demand(&state, Operation::DecideAuthorisation)?;
    let id = parse(&id)?;
    let assertion = commission::assertion(&body.credential)?;
    let decision = match challenges::take(&state.store, body.challenge_id).await? {
        Some(Challenge::Decide { account, decision })
            if account == caller.id() && decision.authorisation == id =>
        {
            decision
        }
        _ => return Err(too_late()),
    };
    let (asker, own) = (caller.clone(), Decided { decision, assertions: vec![assertion] });
    answered(state.store.write(move |tx| sign(tx, &asker, &own)).await)?;
    one(&state, &caller, id).await.map(Json)
}

/// Takes a commissioner's answer: alone, or with those that are there. Everything is looked at again, in the transaction that writes
/// it down.
fn sign(tx: &mut Tx<'_>, caller: &Caller, own: &Decided) -> Result<Act<()>, StoreError> {
    let realm = caller.realm().clone();
    let id = own.decision.authorisation;
    let stale = || StoreError::Stale { what: id.to_string() };
    let standing = Standing::read(tx, &realm)?.ok_or_else(stale)?;
    let (commission, frame) = (&standing.commission.text, &standing.frame.text);
    let member = demand_member(caller, &standing.commission, tx.now())?;
    let found = authorisations::get(tx, &realm, id)?.ok_or_else(|| missing(id))?;
    if own.decision.frame != hex::encode(frame.digest()) || own.decision.kind != found.terms.kind {
        return Err(stale());
    }
    check_grantable(tx, &standing, &found.terms, own.decision.verdict)?;
    let needed = own.decision.persons(commission, frame);
    let pending = if needed > 1 { found.pending.clone() } else { None };
    let (decided, who) = cast(own, pending, (commission, member, tx.now()))?;
    let told = |action| {
        event(caller, action, id)
            .with("verdict", own.decision.verdict.name())
            .with("signed", who.len().to_string())
            .with("needed", needed.to_string())
    };
    if who.len() < needed as usize {
        authorisations::keep_pending(tx, &realm, &decided)?;
        return Ok(Act::audited((), &realm, told(Action::AuthorisationAnswered)));
    }
    decided.verify(commission, frame).map_err(|error| unfit("not-allowed-decision", error.to_string()))?;
    let leaf = authorisations::decide(tx, &realm, &decided)?;
    let (action, kind) = outcome(decided.decision.verdict, decided.decision.kind);
    tell(tx, &standing, &found, decided.decision.verdict, kind)?;
    Ok(Act::audited((), &realm, told(action).with("leaf", leaf.to_string())))
}

/// The act, and the kind of notice.
fn outcome(verdict: Verdict, kind: Kind) -> (Action, &'static str) {
    match (verdict, kind) {
        (Verdict::Grant, Kind::Emergency) => (Action::AuthorisationGranted, "authorisation-emergency"),
        (Verdict::Grant, Kind::Ordinary) => (Action::AuthorisationGranted, "authorisation-granted"),
        (Verdict::Refuse, _) => (Action::AuthorisationRefused, "authorisation-refused"),
        (Verdict::Suspend, _) => (Action::AuthorisationSuspended, "authorisation-suspended"),
        (Verdict::Resume, _) => (Action::AuthorisationResumed, "authorisation-resumed"),
        (Verdict::Revoke, _) => (Action::AuthorisationRevoked, "authorisation-revoked"),
    }
}

/// Tells who asked and the commission; and the operators, who have no part in what was never granted.
fn tell(
    tx: &mut Tx<'_>,
    standing: &Standing,
    found: &Authorisation,
    verdict: Verdict,
    kind: &str,
) -> Result<(), StoreError> {
    let id: Uuid = found.terms.id;
    let operators = found.terms.operators.iter().filter(|_| verdict != Verdict::Refuse);
    let to = operators.chain([&found.terms.requested_by, &standing.commission.organisation]);
    commission::tell(tx, &crate::REALM, to, kind, &id.to_string())
}
