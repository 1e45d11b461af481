//! `/api/v1/authorisations`: what is asked of the commission, where it stands, what is looked for, what edges signed for.
//!
//! Who knows of one: the commission; whoever asked; an operator whom it names, from the grant on. To anybody else it does not exist.

mod decisions;
mod receipts;
mod records;
mod request;
mod rounds;
mod selections;
mod withdraw;

use api::{AuthorisationEntry, AuthorisationInfo, AuthorisationList, AuthorisedIndicators, PendingDecision};
use axum::Json;
use axum::extract::{Path, State};
use oversight::authorisation::{IndicatorList, State as Stand, Verdict};
use oversight::{Action, AuditEvent};
use policy::Operation;
use serde::Deserialize;
use store::authorisations::{self, Authorisation, Of, log};
use store::charters;
use store::{Act, Reader, StoreError, Tx};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::commission::document;
use crate::commission::{self, Standing, is_open, names};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::Query;
use crate::state::AppState;

/// Authorisations of one answer where nothing else is asked for.
const LISTED: usize = 50;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(indicators))
        .merge(request::routes())
        .merge(decisions::routes())
        .merge(receipts::routes())
        .merge(records::routes())
        .merge(rounds::routes())
        .merge(selections::routes())
        .merge(withdraw::routes())
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// Those asked for before this place in the log of authorisations; absent: the newest.
    before: Option<u64>,
    /// How many, at most 200; 50 where absent.
    limit: Option<usize>,
}

/// Authorisations, those asked for last first.
///
/// The commission sees all; an organisation those that it asked for and those that were granted for its networks.
#[utoipa::path(get, path = "/api/v1/authorisations", tag = "oversight", security(("session" = [])), params(PageQuery),
    responses((status = 200, body = AuthorisationList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Answer<Json<AuthorisationList>> {
    caller.demand(&state, Operation::SeeAuthorisations)?;
    let limit = query.limit.unwrap_or(LISTED).clamp(1, authorisations::PAGE_MAX);
    let read = move |reader: &Reader<'_>| {
        let eye = Eye::of(&caller, reader)?;
        let of = if eye.is_commission { Of::All } else { Of::Organisation(&caller.principal.organisation) };
        let found = authorisations::page(reader, caller.realm(), of, query.before, limit)?;
        let next = found.last().filter(|_| found.len() == limit).map(|last| last.request_leaf);
        let told = found.iter().map(|found| eye.tell(reader, found, Vec::new()));
        Ok(AuthorisationList { authorisations: told.collect::<Result<_, _>>()?, next })
    };
    Ok(Json(state.store.read(read).await?))
}

/// One authorisation, with what happened to it.
///
/// Each step comes with the entry of the log and with what that commits to: whoever reads it can check it against the published log.
#[utoipa::path(get, path = "/api/v1/authorisations/{id}", tag = "oversight", security(("session" = [])),
    params(("id" = String, Path, description = "UUID")),
    responses((status = 200, body = AuthorisationInfo), crate::api::CallerRefusal))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<AuthorisationInfo>> {
    caller.demand(&state, Operation::SeeAuthorisations)?;
    one(&state, &caller, parse(&id)?).await.map(Json)
}

/// What is looked for under an authorisation. Looking at it is an act that is written down.
///
/// For the commission and the organisation that asked; for an operator whom it names once it is granted, unless the list is sealed.
#[utoipa::path(get, path = "/api/v1/authorisations/{id}/list", tag = "oversight", security(("session" = [])),
    params(("id" = String, Path, description = "UUID")),
    responses((status = 200, body = AuthorisedIndicators), crate::api::CallerRefusal))]
async fn indicators(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<AuthorisedIndicators>> {
    caller.demand(&state, Operation::SeeAuthorisations)?;
    let id = parse(&id)?;
    let look = move |tx: &mut Tx<'_>| {
        let eye = Eye::of(&caller, tx)?;
        let found = eye.find(tx, id)?;
        if !eye.sees_list(&found) {
            return Err(missing(id));
        }
        let list = authorisations::list_of(tx, caller.realm(), id)?.ok_or_else(|| missing(id))?;
        let event = event(&caller, Action::AuthorisationListInspected, id);
        Ok(Act::audited(told_list(list), caller.realm(), event))
    };
    Ok(Json(state.store.write(look).await?))
}

pub(crate) fn told_list(list: IndicatorList) -> AuthorisedIndicators {
    AuthorisedIndicators { salt: list.salt, patterns: list.patterns }
}

/// As which of those who may know something a caller looks.
struct Eye<'c> {
    caller: &'c Caller,
    /// Whether it is a commissioner of the organisation whose commission stands.
    is_commission: bool,
    standing: Option<Standing>,
}

impl<'c> Eye<'c> {
    fn of(caller: &'c Caller, reader: &Reader<'_>) -> Result<Self, StoreError> {
        let commission = charters::commission(reader, caller.realm())?;
        let roles = &caller.principal.roles;
        let is_commission = roles.contains(&oversight::PersonRole::Commissioner)
            && commission.is_some_and(|standing| standing.organisation == caller.principal.organisation);
        Ok(Self { caller, is_commission, standing: Standing::read(reader, caller.realm())? })
    }

    fn find(&self, reader: &Reader<'_>, id: Uuid) -> Result<Authorisation, StoreError> {
        let found = authorisations::get(reader, self.caller.realm(), id)?;
        found.filter(|found| self.sees(found)).ok_or_else(|| missing(id))
    }

    fn sees(&self, found: &Authorisation) -> bool {
        self.is_commission || self.asked(found) || self.is_operator(found)
    }

    fn sees_list(&self, found: &Authorisation) -> bool {
        self.is_commission || self.asked(found) || self.is_operator(found) && !found.sealed
    }

    fn asked(&self, found: &Authorisation) -> bool {
        found.terms.requested_by == self.caller.principal.organisation
    }

    fn is_operator(&self, found: &Authorisation) -> bool {
        found.state.was_granted() && found.terms.operators.contains(&self.caller.principal.organisation)
    }

    fn tell(
        &self,
        reader: &Reader<'_>,
        found: &Authorisation,
        history: Vec<AuthorisationEntry>,
    ) -> Result<AuthorisationInfo, StoreError> {
        let now = reader.now();
        let terms = &found.terms;
        let uses = match self.is_commission {
            true => Some(authorisations::receipts::uses(reader, self.caller.realm(), terms.id)?),
            false => None,
        };
        Ok(AuthorisationInfo {
            id: terms.id,
            state: found.state.name().to_owned(),
            in_force: found.state == Stand::Granted && (terms.from..terms.until).contains(&now),
            terms_hash: hex::encode(terms.digest()),
            sealed: found.sealed,
            request_leaf: found.request_leaf,
            grant_leaf: found.grant_leaf,
            created: found.created.to_string(),
            changed: found.changed.to_string(),
            pending: self.pending(found, now),
            uses,
            may: self.may(found, now),
            terms: document(terms)?,
            history,
        })
    }

    fn pending(&self, found: &Authorisation, now: jiff::Timestamp) -> Option<PendingDecision> {
        let standing = self.standing.as_ref().filter(|_| self.is_commission)?;
        let commission = &standing.commission.text;
        let pending = found.pending.as_ref().filter(|pending| is_open(*pending, commission, now))?;
        Some(PendingDecision {
            verdict: pending.decision.verdict.name().to_owned(),
            signed_by: names(commission, &pending.members(commission).ok()?),
            needed: pending.decision.persons(commission, &standing.frame.text),
            reason: pending.decision.reason.clone(),
            asked: pending.decision.asked.to_string(),
        })
    }

    fn may(&self, found: &Authorisation, now: jiff::Timestamp) -> Vec<String> {
        let member = self.standing.as_ref().map(|standing| &standing.commission);
        if member.and_then(|standing| commission::member(self.caller, standing, now)).is_none() {
            return Vec::new();
        }
        let can_follow = |verdict: &&Verdict| found.state.after(**verdict).is_some();
        Verdict::ALL.iter().filter(can_follow).map(|verdict| verdict.name().to_owned()).collect()
    }
}

/// One authorisation with its history.
async fn one(state: &AppState, caller: &Caller, id: Uuid) -> Answer<AuthorisationInfo> {
    let asker = caller.clone();
    let read = move |reader: &Reader<'_>| {
        let eye = Eye::of(&asker, reader)?;
        let found = eye.find(reader, id)?;
        let history = log::of_authorisation(reader, id)?.iter().map(entry).collect();
        eye.tell(reader, &found, history)
    };
    Ok(state.store.read(read).await?)
}

fn entry(logged: &log::Logged) -> AuthorisationEntry {
    AuthorisationEntry {
        leaf: logged.leaf,
        kind: logged.kind.name().to_owned(),
        at: logged.at.to_string(),
        entry: String::from_utf8_lossy(&logged.entry).into_owned(),
        record: String::from_utf8_lossy(&logged.record).into_owned(),
        salt: hex::encode(logged.salt),
    }
}

fn parse(id: &str) -> Answer<Uuid> {
    Uuid::parse_str(id).map_err(|_| Failure::not_found())
}

fn missing(id: Uuid) -> StoreError {
    StoreError::NotFound { what: id.to_string() }
}

fn event(caller: &Caller, action: Action, id: Uuid) -> AuditEvent {
    AuditEvent::done(action, caller.actor.clone(), caller.purpose).with("authorisation", id.to_string())
}
