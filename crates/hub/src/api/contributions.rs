//! `/api/v1/contributions`: what came of what an organisation brought in; and judgements on what others brought in.
//!
//! How many others saw the same thing is told so that nobody can be found out by it: from three others on, in coarse steps, of the
//! sightings that came in before the last full five minutes, and never by sector or name. So two looks a moment apart, or at two
//! objects, differ only when a step is crossed.

use std::collections::BTreeSet;

use api::{Contribution, ContributionList, NewJudgement, ScorePart};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::Timestamp;
use oversight::{Action, AuditEvent};
use policy::{Label, Operation, Visible};
use serde::Deserialize;
use serde_json::{Value, json};
use stix::{Id, Object};
use store::objects::{Filter, Order, Row};
use store::{Act, Reader, StoreError, Tx, feedback, labels, objects, organisations, releases};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::summaries::{Teller, leaving, parse};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::redaction;
use crate::release::{Leaving, Recipient};
use crate::request::{JsonBody, Query};
use crate::sharing::{self, TEXT_CHARS_MAX};
use crate::state::AppState;

/// Contributions of one answer at most.
const PAGE_MAX: usize = 100;
/// What counts as a contribution: what others can use. Relationships, notes and markings go with it.
const TYPES: [&str; 12] = [
    "attack-pattern",
    "campaign",
    "course-of-action",
    "grouping",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "malware",
    "report",
    "threat-actor",
    "tool",
    "vulnerability",
];
/// The steps in which counts are told. The first is the smallest group in which one is not found out.
const STEPS: [u64; 6] = [3, 5, 10, 20, 50, 100];
/// What is said of an object because of which something was blocked: an opinion with the label `led-to-block`.
const BLOCKED: &str = "blocked";
/// Counts change at full multiples of this.
const SETTLED_SECONDS: i64 = 300;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(judge))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ContributionQuery {
    /// From the answer before.
    next: Option<i64>,
    /// How many, at most 100; 25 where absent.
    limit: Option<usize>,
}

/// What came of one's own contributions, newest first.
#[utoipa::path(get, path = "/api/v1/contributions", tag = "sharing", security(("session" = []), ("token" = [])),
    params(ContributionQuery), responses((status = 200, body = ContributionList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ContributionQuery>,
) -> Answer<Json<ContributionList>> {
    caller.demand(&state, Operation::Read)?;
    let limit = query.limit.unwrap_or(25).clamp(1, PAGE_MAX);
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let mut teller = Teller::new(reader, &work.door, &asker.principal)?;
        let own = own_labels(&work, reader, &asker)?;
        let mut filter = Filter::new(work.collection.key, &own, limit);
        filter.types = &TYPES;
        filter.order = Order::Descending;
        filter.after = query.next;
        let page = objects::page(reader, asker.realm(), &filter)?;
        let settled = settled(reader.now());
        let told = page.rows.iter().map(|row| contribution(&mut teller, &asker, row, settled));
        let contributions = told.collect::<Result<Vec<_>, StoreError>>()?;
        let next = page.rows.last().filter(|_| page.more).map(|row| row.date_added_us.to_string());
        let left: Vec<Leaving> = page.rows.iter().map(leaving).collect();
        Ok((ContributionList { contributions, next, as_of: settled.to_string() }, left, teller.visible))
    });
    let (list, left, visible) = found.await?;
    let recipient = Recipient { caller, door: "contributions" };
    let list = state.door.release(&state.store, &state.metrics, &recipient, &visible, &left, list).await?;
    Ok(Json(list.into_inner()))
}

/// Judge what another organisation brought in: confirmed, or a false alarm; or say that it led to a block in one's own network.
///
/// It becomes a STIX opinion under the object's own marking; its originator sees it. An organisation's last word counts.
#[utoipa::path(post, path = "/api/v1/objects/{id}/judgements", tag = "sharing", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier")), request_body = NewJudgement,
    responses((status = 204, description = "noted"), crate::api::CallerRefusal))]
async fn judge(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewJudgement>,
) -> Answer<StatusCode> {
    caller.demand(&state, Operation::AskQuestions)?;
    let id = Id::parse(&id).map_err(|_| Failure::not_found())?;
    let explanation = sharing::text("explanation", &body.explanation, TEXT_CHARS_MAX)?;
    let opinion = match body.judgement.as_str() {
        "confirmed" => "agree",
        "false-alarm" => "disagree",
        BLOCKED => "strongly-agree",
        _ => {
            let why = "judgement: it is `confirmed`, `false-alarm` or `blocked`";
            return Err(Failure::rule("not-one-of", why));
        }
    };
    let work = state.clone();
    let write =
        move |tx: &mut Tx<'_>| give(tx, &work, &caller, &id, (&body.judgement, opinion, &explanation));
    state.store.write(write).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn give(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    id: &Id,
    (judgement, opinion, explanation): (&str, &str, &str),
) -> Result<Act<()>, StoreError> {
    let (realm, own) = (caller.realm(), &caller.principal.organisation);
    let visible = state.door.visible(tx, &caller.principal)?;
    let row = objects::get(tx, realm, &visible, id)?;
    let row = row.ok_or_else(|| StoreError::NotFound { what: id.to_string() })?;
    if row.originator == *own {
        return Err(sharing::unfit("own-judgement", "one does not judge what one brought in oneself"));
    }
    let label = labels::get(tx, realm, row.label)?
        .ok_or_else(|| StoreError::Corrupt(format!("label {}", row.label)))?;
    let identity = organisations::get(tx, realm, own)?
        .ok_or_else(|| StoreError::Corrupt("the caller's organisation".to_owned()))?
        .identity;
    let mut text = opinion_on(&parse(&row)?, (opinion, explanation), identity.as_str(), tx.now());
    if let (BLOCKED, Value::Object(properties)) = (judgement, &mut text) {
        properties.insert("labels".to_owned(), json!(["led-to-block"]));
    }
    let under = |_: &Object| {
        let mut label = Label { originator: own.clone(), ..label.alone() };
        label.granted.insert(row.originator.clone());
        label.granted.remove(own);
        label
    };
    let (object, _) = sharing::add_object(tx, realm, (state.collection.key, own), &text, under)?;
    // Who judges a copy judges what it was made of.
    let judged = redaction::original_of(tx, realm, id)?;
    if judgement == BLOCKED {
        // What one blocked may turn out to be a false alarm all the same.
        feedback::block(tx, realm, &judged, own, object.id())?;
    } else {
        feedback::judge(tx, realm, &judged, own, (judgement, object.id()))?;
    }
    let event = AuditEvent::done(Action::ContributionJudged, caller.actor.clone(), caller.purpose)
        .on([id.as_str(), object.id().as_str()])
        .with("judgement", judgement);
    let to = BTreeSet::from([row.originator]);
    sharing::tell(tx, realm, to, ("answer", object.id().as_str()), (Some(id), explanation))?;
    Ok(Act::audited((), realm, event))
}

/// A STIX opinion (§4.12) that bears the markings of what it is about.
fn opinion_on(about: &Object, (opinion, explanation): (&str, &str), maker: &str, now: Timestamp) -> Value {
    let id = Id::new("opinion", uuid::Uuid::new_v4());
    let now = sharing::stix_time(now);
    let mut text = json!({
        "type": "opinion", "spec_version": "2.1", "id": id.as_str(), "created": now, "modified": now,
        "created_by_ref": maker, "opinion": opinion, "explanation": explanation,
        "object_refs": [about.id().as_str()],
    });
    if let (Some(markings), Value::Object(properties)) = (about.get("object_marking_refs"), &mut text) {
        properties.insert("object_marking_refs".to_owned(), markings.clone());
    }
    text
}

/// The labels of what the caller's organisation brought in itself.
fn own_labels(state: &AppState, reader: &Reader<'_>, caller: &Caller) -> Result<Visible, StoreError> {
    let mut known = labels::all(reader, caller.realm())?;
    known.retain(|(_, label)| label.originator == caller.principal.organisation);
    let engine = state.engine.load();
    Ok(engine.visible(&caller.principal, known.iter().map(|(key, label)| (*key, label))))
}

fn contribution(
    teller: &mut Teller<'_, '_>,
    caller: &Caller,
    row: &Row,
    settled: Timestamp,
) -> Result<Contribution, StoreError> {
    let (reader, realm, own) = (teller.reader, caller.realm(), &caller.principal.organisation);
    let seen = step(feedback::seen_by_others(reader, realm, &row.id, own, settled)?);
    let judgements = feedback::judgements(reader, realm, &row.id)?;
    let judged = |word: &str| {
        let count = judgements.iter().filter(|(by, judgement)| *by != own && *judgement == word).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    };
    let (confirmed, false_alarm) = (judged("confirmed"), judged("false-alarm"));
    let blocked = feedback::blocked_by_others(reader, realm, &row.id, own)?;
    let mut given_to = releases::recipients(reader, realm, &row.id)?;
    given_to
        .extend(redaction::given(reader, realm, (&row.id, own), None)?.into_iter().flat_map(|copy| copy.to));
    let given_to = given_to.keys().filter(|to| *to != own).count();
    let linked = objects::referring_to(reader, realm, &teller.visible, &row.id, 1)?;
    let parts = score(&parse(row)?, !linked.is_empty(), seen, (confirmed, false_alarm, blocked));
    let sum: i16 = parts.iter().map(|part| part.points).sum();
    Ok(Contribution {
        object: teller.object(row)?,
        seen_by_at_least: seen,
        given_to: u64::try_from(given_to).unwrap_or(u64::MAX),
        confirmed,
        false_alarm,
        blocked,
        score: u8::try_from(sum.clamp(0, 100)).unwrap_or(0),
        parts,
    })
}

/// How good a contribution is, in parts that can each be said in words.
fn score(
    object: &Object,
    is_linked: bool,
    seen: Option<u64>,
    (confirmed, false_alarm, blocked): (u64, u64, u64),
) -> Vec<ScorePart> {
    let part = |name: &str, points: i16, of: i16| ScorePart { part: name.to_owned(), points, of };
    let text = |property: &str| object.text(property).is_some_and(|text| !text.trim().is_empty());
    let yes = |is: bool, points: i16| if is { points } else { 0 };
    let times = |count: u64, points: i16, most: u64| {
        i16::try_from(count.min(most)).unwrap_or(0).saturating_mul(points)
    };
    let context = yes(text("description"), 10)
        + yes(object.get("labels").is_some() || is_typed(object), 5)
        + yes(is_linked, 15);
    vec![
        part("context", context, 30),
        part("confidence", yes(object.get("confidence").is_some(), 10), 10),
        part("seen", seen.map_or(0, |count| if count >= 10 { 30 } else { 20 }), 30),
        part("confirmed", times(confirmed, 15, 2), 30),
        part("blocked", times(blocked, 10, 2), 20),
        part("false-alarm", times(false_alarm, -30, 2), -60),
    ]
}

fn is_typed(object: &Object) -> bool {
    ["indicator_types", "malware_types", "tool_types", "threat_actor_types", "report_types"]
        .iter()
        .any(|property| object.get(property).is_some())
}

/// The greatest step that a count reaches; nothing below the first.
pub(crate) fn step(count: u64) -> Option<u64> {
    STEPS.into_iter().rev().find(|step| count >= *step)
}

/// The last time at which counts changed.
fn settled(now: Timestamp) -> Timestamp {
    let seconds = now.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(SETTLED_SECONDS)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_in_steps_and_not_below_three() {
        let check = |count, expected| assert_eq!(step(count), expected, "{count}");
        check(0, None);
        check(1, None);
        check(2, None);
        check(3, Some(3));
        check(4, Some(3));
        check(9, Some(5));
        check(10, Some(10));
        check(1_000, Some(100));
    }

    #[test]
    fn a_score_says_how_it_comes_about() {
        let object = |text: &str| Object::parse(bytes::Bytes::from(text.to_owned())).unwrap();
        let bare = r#"{"type":"indicator","id":"indicator--6f2b2c1a-6a3c-4e0f-9f0e-2f7f1f6c9a11","spec_version":"2.1"}"#;
        let points = |parts: Vec<ScorePart>| parts.iter().map(|part| part.points).collect::<Vec<_>>();
        assert_eq!(points(score(&object(bare), false, None, (0, 0, 0))), [0, 0, 0, 0, 0, 0]);
        assert_eq!(points(score(&object(bare), true, Some(3), (1, 5, 1))), [15, 0, 20, 15, 10, -60]);
        assert_eq!(points(score(&object(bare), true, Some(50), (9, 0, 9))), [15, 0, 30, 30, 20, 0]);
    }

    #[test]
    fn counts_change_at_full_five_minutes() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(settled(at("2026-11-23T05:04:59Z")), at("2026-11-23T05:00:00Z"));
        assert_eq!(settled(at("2026-11-23T05:05:00Z")), at("2026-11-23T05:05:00Z"));
    }
}
