//! What an object is worth to one's own organisation now, and how sources are graded. Every score says how it came about.

use std::collections::BTreeSet;
use std::sync::Arc;

use analysis::grading::{Credibility, Reliability};
use analysis::score::{Facts, score};
use api::{Grade as Told, Grades, NewGrade, Score, ScoreStep};
use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use oversight::{Action, AuditEvent, OrganisationId};
use policy::Operation;
use serde_json::Value;
use stix::{Id, Object};
use store::grades::Grade;
use store::objects::Row;
use store::{Act, StoreError, grades, objects, organisations};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actors::words;
use super::graph::answer;
use super::summaries::{leaving, parse};
use crate::neighbours::time;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::relations::Relations;
use crate::release::Leaving;
use crate::request::JsonBody;
use crate::state::AppState;

/// Objects on the same value that are counted.
const OTHERS_MAX: usize = 200;
/// Longest reason, in characters.
const REASON_CHARACTERS_MAX: usize = 2_000;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(of_object)).routes(routes!(list)).routes(routes!(grade))
}

/// What an object is worth to your organisation now, 0–100, with every step in words.
#[utoipa::path(get, path = "/api/v1/objects/{id}/score", tag = "scores", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier")),
    responses((status = 200, body = Score), crate::api::CallerRefusal))]
async fn of_object(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Score>> {
    let id = Id::parse(&id).map_err(|_| Failure::not_found())?;
    let told = answer(&state, caller, "score", move |_, asker, reader, teller| {
        let visible = Arc::clone(&teller.visible);
        let mut relations = Relations::new(reader, asker.realm(), &visible);
        let Some(row) = relations.get(&id)? else { return Ok(None) };
        let mut parts = vec![leaving(&row)];
        let facts = facts(asker, &mut relations, &row, &mut parts)?;
        let found = score(&facts);
        let step = |step: analysis::score::Step| ScoreStep {
            name: step.name.to_owned(),
            factor: step.factor,
            why: words(step.why),
        };
        let steps = found.steps.into_iter().map(step).collect();
        Ok(Some((Score { value: found.value, steps, as_of: reader.now().to_string() }, parts)))
    });
    told.await
}

fn facts(
    caller: &Caller,
    relations: &mut Relations<'_, '_>,
    row: &Row,
    parts: &mut Vec<Leaving>,
) -> Result<Facts, StoreError> {
    let object = parse(row)?;
    let now = relations.reader.now();
    let organisation = &caller.principal.organisation;
    let grade = grades::get(relations.reader, relations.realm, organisation, &row.originator)?;
    let value = stix::observable::values(&object).into_iter().next();
    let mut confirmed = ["valid_from", "modified", "created"]
        .into_iter()
        .filter_map(|property| time(&object, &[property]))
        .filter(|at| *at <= now)
        .max();
    let mut is_sighted = false;
    for seen in relations.sightings(&row.id)? {
        if confirmed.is_none_or(|at| seen.at > at) && seen.at <= now {
            (confirmed, is_sighted) = (Some(seen.at), true);
        }
        parts.push(seen.said_by);
    }
    let confirmed =
        confirmed.unwrap_or_else(|| Timestamp::from_microsecond(row.date_added_us).unwrap_or(now));
    let others = match &value {
        Some((kind, value)) => others(relations, row, (*kind, value), parts)?,
        None => 0,
    };
    let is_expired = time(&object, &["valid_until"]).is_some_and(|until| until <= now);
    Ok(Facts {
        confidence: object.get("confidence").and_then(Value::as_u64).and_then(|c| u8::try_from(c).ok()),
        stated: stated(&object),
        reliability: grade.and_then(|grade| Reliability::parse(&grade.reliability)),
        kind: value.map(|(kind, _)| kind),
        age_days: now.duration_since(confirmed).as_secs_f64() / 86_400.0,
        is_sighted,
        others,
        is_over: row.revoked || is_expired,
    })
}

/// How many other organisations brought in something on the same value.
fn others(
    relations: &Relations<'_, '_>,
    row: &Row,
    (kind, value): (stix::observable::ValueKind, &str),
    parts: &mut Vec<Leaving>,
) -> Result<u32, StoreError> {
    let found =
        objects::mentioning(relations.reader, relations.realm, relations.visible, kind, value, OTHERS_MAX)?;
    let mut organisations: BTreeSet<&OrganisationId> = BTreeSet::new();
    for other in found.iter().filter(|other| other.originator != row.originator && !other.revoked) {
        parts.push(leaving(other));
        organisations.insert(&other.originator);
    }
    Ok(u32::try_from(organisations.len()).unwrap_or(u32::MAX))
}

/// A credibility that the producer tagged it with, as MISP does.
fn stated(object: &Object) -> Option<Credibility> {
    let labels = object.get("labels").and_then(Value::as_array)?;
    labels.iter().filter_map(Value::as_str).find_map(Credibility::from_misp_tag)
}

/// How your organisation grades the sources of what it is given.
#[utoipa::path(get, path = "/api/v1/grades", tag = "scores", security(("session" = []), ("token" = [])),
    responses((status = 200, body = Grades), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<Grades>> {
    caller.demand(&state, Operation::Read)?;
    let known = state
        .store
        .read(move |reader| grades::list(reader, caller.realm(), &caller.principal.organisation))
        .await?;
    Ok(Json(Grades { grades: known.into_iter().filter_map(told).collect() }))
}

/// Grade a source by the admiralty code, `A`–`F`. It counts for your organisation's scores.
#[utoipa::path(put, path = "/api/v1/grades/{source}", tag = "scores", security(("session" = []), ("token" = [])),
    params(("source" = String, Path, description = "The organisation's short name")), request_body = NewGrade,
    responses((status = 200, body = Told), crate::api::CallerRefusal))]
async fn grade(
    State(state): State<AppState>,
    caller: Caller,
    Path(source): Path<String>,
    JsonBody(new): JsonBody<NewGrade>,
) -> Answer<Json<Told>> {
    caller.demand(&state, Operation::Write)?;
    let source = OrganisationId::parse(&source).ok_or_else(Failure::not_found)?;
    let reliability = Reliability::parse(new.reliability.trim())
        .ok_or_else(|| Failure::rule("not-one-of", "reliability: one letter, `A` to `F`"))?;
    if new.reason.chars().count() > REASON_CHARACTERS_MAX {
        let why = "reason: at most 2000 characters";
        return Err(Failure::rule("text-max", why)
            .with("field", "reason")
            .with("max", REASON_CHARACTERS_MAX));
    }
    let written = state.store.write(move |tx| {
        let realm = caller.realm().clone();
        if organisations::get(tx, &realm, &source)?.is_none() {
            return Err(StoreError::NotFound { what: "organisation".to_owned() });
        }
        let grade = Grade {
            source,
            reliability: reliability.letter().to_string(),
            reason: new.reason.trim().to_owned(),
            person: caller.id().to_owned(),
            graded: tx.now(),
        };
        grades::put(tx, &realm, &caller.principal.organisation, &grade)?;
        let event = AuditEvent::done(Action::SourceGraded, caller.actor.clone(), caller.purpose)
            .with("source", grade.source.as_str())
            .with("reliability", grade.reliability.as_str());
        Ok(Act::audited(grade, &realm, event))
    });
    told(written.await?).map(Json).ok_or_else(|| Failure::internal("a grade that is none"))
}

fn told(grade: Grade) -> Option<Told> {
    let reliability = Reliability::parse(&grade.reliability)?;
    Some(Told {
        source: grade.source.as_str().to_owned(),
        reliability: grade.reliability,
        words: words(reliability.words()),
        misp_tag: reliability.misp_tag(),
        reason: grade.reason,
        graded: grade.graded.to_string(),
    })
}
