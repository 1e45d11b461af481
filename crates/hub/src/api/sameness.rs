//! `/api/v1/sameness`: what may be one and the same thing under several identifiers. Proposed with reasons, decided by a person,
//! for the eyes of the person's organisation, and undone again. No object is touched by any of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use analysis::graph::components;
use analysis::sameness::{Candidate, family, propose};
use api::{Code, NewSameness, ObjectSummary, SamenessDecision, SamenessList, SamenessProposal};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use oversight::{Action, AuditEvent};
use policy::{Operation, PrincipalKind, Visible};
use serde::Deserialize;
use stix::Id;
use store::objects::{Filter, Order};
use store::sameness::Decision;
use store::{Act, Reader, StoreError, objects, sameness};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actors::words;
use super::graph::answer;
use super::summaries::{Teller, leaving, parse};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::Leaving;
use crate::request::{JsonBody, Query};
use crate::state::AppState;

/// Objects compared at once: the newest of a family.
const COMPARED_MAX: usize = 5_000;
/// Proposals told of.
const PROPOSALS_MAX: usize = 100;
/// Decisions told of.
const DECISIONS_TOLD: usize = 200;
/// Objects held for one at most, in the eyes of one organisation.
const GROUP_MAX: usize = 100;
/// Longest reason, in characters.
const REASON_CHARACTERS_MAX: usize = 2_000;

/// The types of each family that is asked for.
const FAMILIES: [(&str, &[&str]); 6] = [
    ("actor", &["intrusion-set", "threat-actor"]),
    ("campaign", &["campaign"]),
    ("indicator", &["indicator"]),
    ("infrastructure", &["infrastructure"]),
    ("software", &["malware", "tool"]),
    ("vulnerability", &["vulnerability"]),
];

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, decide)).routes(routes!(undo)).routes(routes!(same))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FamilyQuery {
    /// `actor` (where absent), `campaign`, `indicator`, `infrastructure`, `software`, `vulnerability`.
    #[serde(default)]
    family: String,
}

/// What may be one and the same, and what your organisation decided of it.
///
/// The newest 5000 objects of the family are compared. What was decided is not proposed again until it is undone.
#[utoipa::path(get, path = "/api/v1/sameness", tag = "sameness", security(("session" = []), ("token" = [])), params(FamilyQuery),
    responses((status = 200, body = SamenessList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<FamilyQuery>,
) -> Answer<Json<SamenessList>> {
    let wanted = if query.family.is_empty() { "actor" } else { &query.family };
    let known = FAMILIES.into_iter().find(|(name, _)| *name == wanted);
    let (_, types) = known.ok_or_else(|| {
        let names: Vec<&str> = FAMILIES.iter().map(|(name, _)| *name).collect();
        Failure::new(Code::BadRequest, format!("family: one of {}", names.join(", ")))
    })?;
    let listed = answer(&state, caller, "sameness", move |work, asker, reader, teller| {
        let visible = Arc::clone(&teller.visible);
        let filter = Filter {
            types,
            revoked: false,
            order: Order::Descending,
            ..Filter::new(work.collection.key, &visible, COMPARED_MAX)
        };
        let rows = objects::page(reader, asker.realm(), &filter)?.rows;
        let candidates =
            rows.iter().map(|row| candidate(&parse(row)?)).collect::<Result<Vec<_>, StoreError>>()?;
        let organisation = &asker.principal.organisation;
        let decided =
            sameness::of_organisation(reader, asker.realm(), organisation, sameness::DECISIONS_MAX)?;
        let settled: BTreeSet<&(Id, Id)> =
            decided.iter().filter(|one| one.undone.is_none()).map(|one| &one.pair).collect();
        let mut parts = Vec::new();
        let mut proposals = Vec::new();
        for proposal in propose(&candidates, PROPOSALS_MAX + settled.len()) {
            if settled.contains(&proposal.pair) || proposals.len() == PROPOSALS_MAX {
                continue;
            }
            let Some((one, other)) = both(teller, &proposal.pair, &mut parts)? else { continue };
            let reasons = proposal.reasons.into_iter().map(words).collect();
            proposals.push(SamenessProposal { one, other, strength: proposal.strength, reasons });
        }
        let mut decisions = Vec::new();
        for decision in
            decided.iter().filter(|one| types.contains(&one.pair.0.object_type())).take(DECISIONS_TOLD)
        {
            decisions.extend(told(teller, decision, &mut parts)?);
        }
        let compared = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let list = SamenessList { proposals, decisions, compared, as_of: reader.now().to_string() };
        Ok(Some((list, parts)))
    });
    listed.await
}

/// Decide that two objects are one, or that they are not.
///
/// It holds for your organisation's view of them, and a person decides: programs are refused.
#[utoipa::path(post, path = "/api/v1/sameness", tag = "sameness", security(("session" = []), ("token" = [])),
    request_body = NewSameness, responses((status = 200, body = SamenessDecision), crate::api::CallerRefusal))]
async fn decide(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewSameness>,
) -> Answer<Json<SamenessDecision>> {
    let person = person(&state, &caller)?;
    let read = |text: &str| Id::parse(text).map_err(|_| Failure::not_found());
    let (one, other) = (read(&new.one)?, read(&new.other)?);
    let (a, b) = (family(one.object_type()), family(other.object_type()));
    if one == other || a.is_none() || a != b {
        return Err(Failure::rule(
            "sameness-kinds",
            "one, other: name two objects of one kind: actors, software, indicators, campaigns …",
        ));
    }
    if new.reason.chars().count() > REASON_CHARACTERS_MAX {
        let why = "reason: at most 2000 characters";
        return Err(Failure::rule("text-max", why)
            .with("field", "reason")
            .with("max", REASON_CHARACTERS_MAX));
    }
    let pair = if one < other { (one, other) } else { (other, one) };
    let (work, asker, id) = (state.clone(), caller.clone(), uuid::Uuid::new_v4().to_string());
    let wanted = id.clone();
    let written = state.store.write(move |tx| {
        let visible = work.door.visible(tx, &asker.principal)?;
        for end in [&pair.0, &pair.1] {
            if objects::get(tx, asker.realm(), &visible, end)?.is_none() {
                return Err(StoreError::NotFound { what: "object".to_owned() });
            }
        }
        let decision = Decision {
            id,
            organisation: asker.principal.organisation.clone(),
            pair,
            same: new.same,
            reason: new.reason.trim().to_owned(),
            person,
            decided: tx.now(),
            undone: None,
            undone_by: None,
        };
        sameness::add(tx, asker.realm(), &decision)?;
        let event = audit(&asker, &decision, if decision.same { "same" } else { "different" });
        Ok(Act::audited((), asker.realm(), event))
    });
    written.await?;
    let told = answer(&state, caller, "sameness", move |_, asker, reader, teller| {
        let mut parts = Vec::new();
        let Some(decision) = sameness::get(reader, asker.realm(), &wanted)? else { return Ok(None) };
        Ok(told(teller, &decision, &mut parts)?.map(|told| (told, parts)))
    });
    told.await
}

/// Undo a decision. It stays on record as undone.
#[utoipa::path(delete, path = "/api/v1/sameness/{id}", tag = "sameness", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "The decision's id")),
    responses((status = 204), crate::api::CallerRefusal))]
async fn undo(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<StatusCode> {
    let person = person(&state, &caller)?;
    let asker = caller.clone();
    let undone = state.store.write(move |tx| {
        let organisation = &asker.principal.organisation;
        let undone = sameness::undo(tx, asker.realm(), organisation, &id, &person)?;
        let decision = undone.ok_or_else(|| StoreError::NotFound { what: "decision".to_owned() })?;
        let event = audit(&asker, &decision, "undone");
        Ok(Act::audited((), asker.realm(), event))
    });
    undone.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The objects that your organisation holds for the same as one.
#[utoipa::path(get, path = "/api/v1/objects/{id}/same", tag = "sameness", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier")),
    responses((status = 200, body = [ObjectSummary]), crate::api::CallerRefusal))]
async fn same(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Vec<ObjectSummary>>> {
    let id = Id::parse(&id).map_err(|_| Failure::not_found())?;
    let told = answer(&state, caller, "sameness", move |_, asker, reader, teller| {
        let visible = Arc::clone(&teller.visible);
        if objects::get(reader, asker.realm(), &visible, &id)?.is_none() {
            return Ok(None);
        }
        let (mut same, mut parts) = (Vec::new(), Vec::new());
        for id in held_for_same(reader, asker, &visible, &id)? {
            if let Some((row, summary)) = teller.object_by_id(&id)? {
                parts.push(leaving(&row));
                same.push(summary);
            }
        }
        Ok(Some((same, parts)))
    });
    told.await
}

/// What an organisation's decisions in force hold for the same as an object, over several steps, the object itself left out. A
/// decision about what the reader may not see leads nowhere.
pub(super) fn held_for_same(
    reader: &Reader<'_>,
    caller: &Caller,
    visible: &Visible,
    id: &Id,
) -> Result<Vec<Id>, StoreError> {
    let mut nodes = BTreeSet::from([id.clone()]);
    let mut pairs = Vec::new();
    let mut open = vec![id.clone()];
    while let Some(at) = open.pop() {
        for decision in sameness::about(reader, caller.realm(), &caller.principal.organisation, &at)? {
            if !decision.same || nodes.len() >= GROUP_MAX {
                continue;
            }
            let far = if decision.pair.0 == at { &decision.pair.1 } else { &decision.pair.0 };
            if objects::get(reader, caller.realm(), visible, far)?.is_none() {
                continue;
            }
            if nodes.insert(far.clone()) {
                open.push(far.clone());
            }
            pairs.push(decision.pair);
        }
    }
    let group = components(&nodes, &pairs).into_iter().find(|group| group.contains(id));
    Ok(group.unwrap_or_default().into_iter().filter(|same| same != id).collect())
}

fn candidate(object: &stix::Object) -> Result<Candidate, StoreError> {
    let names = objects::names(object);
    Ok(Candidate { id: object.id().clone(), names, values: stix::observable::values(object) })
}

/// A person who may publish; programs propose and do not decide.
fn person(state: &AppState, caller: &Caller) -> Answer<String> {
    caller.demand(state, Operation::Write)?;
    match &caller.principal.kind {
        PrincipalKind::Person(id) => Ok(id.clone()),
        _ => Err(Failure::new(Code::NotAllowed, "a person decides this; sign in as one")),
    }
}

fn audit(caller: &Caller, decision: &Decision, outcome: &str) -> AuditEvent {
    AuditEvent::done(Action::SamenessDecided, caller.actor.clone(), caller.purpose)
        .on([decision.pair.0.as_str(), decision.pair.1.as_str()])
        .with("decision", decision.id.as_str())
        .with("outcome", outcome)
}

fn both(
    teller: &mut Teller<'_, '_>,
    pair: &(Id, Id),
    parts: &mut Vec<Leaving>,
) -> Result<Option<(ObjectSummary, ObjectSummary)>, StoreError> {
    let (Some((a, one)), Some((b, other))) = (teller.object_by_id(&pair.0)?, teller.object_by_id(&pair.1)?)
    else {
        return Ok(None);
    };
    parts.extend([leaving(&a), leaving(&b)]);
    Ok(Some((one, other)))
}

/// A decision, where both objects are still there for the reader.
fn told(
    teller: &mut Teller<'_, '_>,
    decision: &Decision,
    parts: &mut Vec<Leaving>,
) -> Result<Option<SamenessDecision>, StoreError> {
    let Some((one, other)) = both(teller, &decision.pair, parts)? else { return Ok(None) };
    Ok(Some(SamenessDecision {
        id: decision.id.clone(),
        one,
        other,
        same: decision.same,
        reason: decision.reason.clone(),
        person: teller.person(&decision.person)?,
        decided: decision.decided.to_string(),
        undone: decision.undone.map(|at| at.to_string()),
    }))
}
