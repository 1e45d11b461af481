//! `/api/v1/questions`: the council is asked, and answers under the marking that each answerer gives.
//!
//! A question is a STIX note labelled `request-for-information`; an answer is a note labelled `answer` that refers to it (STIX 2.1
//! §4.11). Both stand in the log as every other object, so whoever may not see one does not know of it.

use std::collections::BTreeSet;

use api::{NewQuestion, NewQuestionAnswer, Question, QuestionAnswer, QuestionList};
use axum::Json;
use axum::extract::{Path, State};
use oversight::{Action, AuditEvent, OrganisationId, OrganisationRole, Sector};
use policy::{Label, Operation};
use serde::Deserialize;
use serde_json::{Value, json};
use stix::marking::Tlp;
use stix::{Id, Object};
use store::questions as rows;
use store::{Act, Reader, StoreError, Tx, objects, organisations};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::summaries::{Teller, leaving, parse};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::request::{JsonBody, Query};
use crate::sharing::{self, LINE_CHARS_MAX, TEXT_CHARS_MAX};
use crate::state::AppState;

/// Questions of one answer.
const LISTED_MAX: usize = 200;
/// Objects that a question is about at most.
const OBJECTS_MAX: usize = 50;
/// The label of a note that asks.
const ASKS: &str = "request-for-information";
/// The label of a note that answers.
const ANSWERS: &str = "answer";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, ask))
        .routes(routes!(get))
        .routes(routes!(answer))
        .routes(routes!(close))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct QuestionQuery {
    /// Closed ones instead of open ones.
    #[serde(default)]
    closed: bool,
}

/// Questions to the council, with the answers that one may see.
#[utoipa::path(get, path = "/api/v1/questions", tag = "sharing", security(("session" = []), ("token" = [])), params(QuestionQuery),
    responses((status = 200, body = QuestionList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<QuestionQuery>,
) -> Answer<Json<QuestionList>> {
    caller.demand(&state, Operation::Read)?;
    let questions = tell(&state, caller, move |reader, caller| {
        rows::list(reader, caller.realm(), query.closed, LISTED_MAX)
    })
    .await?;
    Ok(Json(QuestionList { questions }))
}

/// One question.
#[utoipa::path(get, path = "/api/v1/questions/{id}", tag = "sharing", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the note that asks")),
    responses((status = 200, body = Question), crate::api::CallerRefusal))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Question>> {
    caller.demand(&state, Operation::Read)?;
    one(&state, caller, Id::parse(&id).map_err(|_| Failure::not_found())?).await
}

/// Ask the council, or some organisations or sectors in particular.
///
/// Its marking says who may see it; who is asked in particular sees it besides.
#[utoipa::path(post, path = "/api/v1/questions", tag = "sharing", security(("session" = []), ("token" = [])), request_body = NewQuestion,
    responses((status = 200, body = Question), crate::api::CallerRefusal))]
async fn ask(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewQuestion>,
) -> Answer<Json<Question>> {
    caller.demand(&state, Operation::AskQuestions)?;
    let asked = Asked::read(body)?;
    let (work, asker) = (state.clone(), caller.clone());
    let id = Id::new("note", uuid::Uuid::new_v4());
    let note = id.clone();
    let write = move |tx: &mut Tx<'_>| put(tx, &work, &asker, &note, &asked);
    state.store.write(write).await?;
    one(&state, caller, id).await
}

/// Answer a question, under a marking of one's own. Who asked sees it under every level but `red`.
#[utoipa::path(post, path = "/api/v1/questions/{id}/answers", tag = "sharing", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the note that asks")), request_body = NewQuestionAnswer,
    responses((status = 200, body = Question), crate::api::CallerRefusal))]
async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewQuestionAnswer>,
) -> Answer<Json<Question>> {
    caller.demand(&state, Operation::AskQuestions)?;
    let id = Id::parse(&id).map_err(|_| Failure::not_found())?;
    let text = sharing::text("text", &body.text, TEXT_CHARS_MAX)?;
    let level = sharing::level(&body.tlp)?;
    let (work, asker, question) = (state.clone(), caller.clone(), id.clone());
    let write = move |tx: &mut Tx<'_>| {
        let (realm, own) = (asker.realm(), &asker.principal.organisation);
        let asked = visible_question(tx, &work, &asker, &question)?;
        let answer = Id::new("note", uuid::Uuid::new_v4());
        let note =
            note(tx, &asker, &answer, (ANSWERS, None, &text), (level, std::slice::from_ref(&question)))?;
        let label = |object: &Object| routed(object, &asker, level, [&asked.asker]);
        sharing::add_object(tx, realm, (work.collection.key, own), &note, label)?;
        let row = rows::Answer { id: answer, organisation: own.clone(), at: tx.now() };
        rows::answer(tx, realm, &question, &row)?;
        let to =
            BTreeSet::from([asked.asker]).into_iter().filter(|to| to != own && level != Tlp::Red).collect();
        sharing::tell(tx, realm, to, ("answer", question.as_str()), (Some(&row.id), &text))?;
        let event = AuditEvent::done(Action::QuestionAnswered, asker.actor.clone(), asker.purpose)
            .on([question.as_str(), row.id.as_str()]);
        Ok(Act::audited((), realm, event))
    };
    state.store.write(write).await?;
    one(&state, caller, id).await
}

/// Close a question that one's organisation asked.
#[utoipa::path(post, path = "/api/v1/questions/{id}/close", tag = "sharing", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the note that asks")),
    responses((status = 200, body = Question), crate::api::CallerRefusal))]
async fn close(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Question>> {
    caller.demand(&state, Operation::AskQuestions)?;
    let id = Id::parse(&id).map_err(|_| Failure::not_found())?;
    let (work, asker, question) = (state.clone(), caller.clone(), id.clone());
    let write = move |tx: &mut Tx<'_>| {
        let asked = visible_question(tx, &work, &asker, &question)?;
        if asked.asker != asker.principal.organisation {
            return Err(sharing::refused());
        }
        rows::close(tx, asker.realm(), &question)?;
        let event = AuditEvent::done(Action::QuestionClosed, asker.actor.clone(), asker.purpose)
            .on([question.as_str()]);
        Ok(Act::audited((), asker.realm(), event))
    };
    sharing::answered(state.store.write(write).await)?;
    one(&state, caller, id).await
}

/// A question that can be asked.
struct Asked {
    title: String,
    text: String,
    level: Tlp,
    organisations: Vec<String>,
    sectors: BTreeSet<Sector>,
    objects: Vec<Id>,
    due: Option<jiff::Timestamp>,
}

impl Asked {
    fn read(body: NewQuestion) -> Answer<Self> {
        let sectors = body.sectors.iter().map(|name| Sector::parse(name)).collect::<Option<_>>();
        let objects = body.objects.iter().map(|id| Id::parse(id)).collect::<Result<Vec<_>, _>>();
        let objects =
            objects.map_err(|_| Failure::rule("identifier", "objects: one is no STIX identifier"))?;
        if objects.len() > OBJECTS_MAX {
            return Err(Failure::rule("count", "objects: a question is about at most 50"));
        }
        Ok(Self {
            title: sharing::text("title", &body.title, LINE_CHARS_MAX)?,
            text: sharing::text("text", &body.text, TEXT_CHARS_MAX)?,
            level: sharing::level(&body.tlp)?,
            organisations: body.organisations,
            sectors: sectors.ok_or_else(|| Failure::rule("not-one-of", "sectors: one is not known"))?,
            objects,
            due: body.due.as_deref().map(|text| sharing::ahead("due", text)).transpose()?,
        })
    }
}

fn put(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    id: &Id,
    asked: &Asked,
) -> Result<Act<()>, StoreError> {
    let (realm, own) = (caller.realm(), &caller.principal.organisation);
    let visible = state.door.visible(tx, &caller.principal)?;
    for object in &asked.objects {
        if objects::get(tx, realm, &visible, object)?.is_none() {
            return Err(StoreError::NotFound { what: object.to_string() });
        }
    }
    let mut addressed = BTreeSet::new();
    for name in &asked.organisations {
        addressed.insert(sharing::member(tx, realm, name)?);
    }
    for organisation in organisations::list(tx, realm)? {
        if organisation.sectors.iter().any(|sector| asked.sectors.contains(sector)) {
            addressed.insert(organisation.id);
        }
    }
    addressed.remove(own);
    let text = note(tx, caller, id, (ASKS, Some(&asked.title), &asked.text), (asked.level, &asked.objects))?;
    let label = |object: &Object| routed(object, caller, asked.level, &addressed);
    sharing::add_object(tx, realm, (state.collection.key, own), &text, label)?;
    let question = rows::Question {
        id: id.clone(),
        asker: own.clone(),
        addressed: addressed.clone(),
        is_closed: false,
        at: tx.now(),
        due: asked.due,
        answers: 0,
    };
    rows::add(tx, realm, &question)?;
    sharing::tell(tx, realm, addressed, ("question", id.as_str()), (Some(id), &asked.title))?;
    let event =
        AuditEvent::done(Action::QuestionAsked, caller.actor.clone(), caller.purpose).on([id.as_str()]);
    Ok(Act::audited((), realm, event))
}

/// The label of a note: its marking, and those to whom it is sent besides. TLP:RED goes to nobody besides.
fn routed<'o>(
    object: &Object,
    caller: &Caller,
    level: Tlp,
    to: impl IntoIterator<Item = &'o OrganisationId>,
) -> Label {
    let mut label = Label::of(object, &caller.principal.organisation, caller.realm(), |_| None);
    if level != Tlp::Red {
        label.granted = to.into_iter().filter(|to| **to != label.originator).cloned().collect();
    }
    label
}

/// A STIX note of the caller's organisation. Without objects that it is about, it is about who wrote it: a note has one at least.
fn note(
    tx: &Tx<'_>,
    caller: &Caller,
    id: &Id,
    (label, title, text): (&str, Option<&str>, &str),
    (level, about): (Tlp, &[Id]),
) -> Result<Value, StoreError> {
    let own = organisations::get(tx, caller.realm(), &caller.principal.organisation)?;
    let own = own.ok_or_else(|| StoreError::Corrupt("the caller's organisation".to_owned()))?;
    let about: Vec<String> = match about {
        [] => vec![own.identity.to_string()],
        about => about.iter().map(ToString::to_string).collect(),
    };
    let now = sharing::stix_time(tx.now());
    let mut note = json!({
        "type": "note", "spec_version": "2.1", "id": id.as_str(), "created": now, "modified": now,
        "created_by_ref": own.identity.as_str(), "labels": [label], "content": text,
        "object_refs": about, "object_marking_refs": [level.id()],
    });
    if let (Some(title), Value::Object(properties)) = (title, &mut note) {
        properties.insert("abstract".to_owned(), Value::String(title.to_owned()));
    }
    Ok(note)
}

/// A question whose note the caller may see.
fn visible_question(
    reader: &Reader<'_>,
    state: &AppState,
    caller: &Caller,
    id: &Id,
) -> Result<rows::Question, StoreError> {
    let visible = state.door.visible(reader, &caller.principal)?;
    let not_found = || StoreError::NotFound { what: id.to_string() };
    objects::get(reader, caller.realm(), &visible, id)?.ok_or_else(not_found)?;
    rows::get(reader, caller.realm(), id)?.ok_or_else(not_found)
}

async fn one(state: &AppState, caller: Caller, id: Id) -> Answer<Json<Question>> {
    let found = tell(state, caller, move |reader, caller| {
        Ok(rows::get(reader, caller.realm(), &id)?.into_iter().collect())
    });
    found.await?.pop().map(Json).ok_or_else(Failure::not_found)
}

/// The questions that the caller may see, with the answers that it may see.
async fn tell(
    state: &AppState,
    caller: Caller,
    find: impl FnOnce(&Reader<'_>, &Caller) -> Result<Vec<rows::Question>, StoreError> + Send + 'static,
) -> Answer<Vec<Question>> {
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let mut teller = Teller::new(reader, &work.door, &asker.principal)?;
        let mut left = Vec::new();
        let mut told = Vec::new();
        for question in find(reader, &asker)? {
            told.extend(told_one(&mut teller, &asker, &question, &mut left)?);
        }
        Ok((told, left, teller.visible))
    });
    let (told, left, visible) = found.await?;
    let recipient = Recipient { caller, door: "questions" };
    let told = state.door.release(&state.store, &state.metrics, &recipient, &visible, &left, told).await?;
    Ok(told.into_inner())
}

fn told_one(
    teller: &mut Teller<'_, '_>,
    caller: &Caller,
    question: &rows::Question,
    left: &mut Vec<Leaving>,
) -> Result<Option<Question>, StoreError> {
    let (reader, realm, own) = (teller.reader, caller.realm(), &caller.principal.organisation);
    let Some(row) = objects::get(reader, realm, &teller.visible, &question.id)? else { return Ok(None) };
    let note = parse(&row)?;
    left.push(leaving(&row));
    let mut answers = Vec::new();
    for answer in rows::answers(reader, realm, &question.id)? {
        let Some(row) = objects::get(reader, realm, &teller.visible, &answer.id)? else { continue };
        left.push(leaving(&row));
        answers.push(QuestionAnswer {
            id: answer.id.to_string(),
            organisation: answer.organisation.as_str().to_owned(),
            text: parse(&row)?.text("content").unwrap_or_default().to_owned(),
            marking: teller.object(&row)?.marking,
            at: answer.at.to_string(),
        });
    }
    let is_own = question.asker == *own;
    // Who is asked beside one is the asker's, the coordinator's and each one's own business.
    let sees_all = is_own || caller.principal.organisation_role == OrganisationRole::Coordinator;
    let addressed = question.addressed.iter().filter(|name| sees_all || *name == own);
    let about = note.get("object_refs").and_then(Value::as_array).into_iter().flatten();
    let about = about.filter_map(Value::as_str).filter(|id| !id.starts_with("identity--"));
    Ok(Some(Question {
        id: question.id.to_string(),
        title: note.text("abstract").unwrap_or_default().to_owned(),
        text: note.text("content").unwrap_or_default().to_owned(),
        asker: question.asker.as_str().to_owned(),
        marking: teller.object(&row)?.marking,
        addressed: addressed.map(|name| name.as_str().to_owned()).collect(),
        state: match (question.is_closed, answers.is_empty()) {
            (true, _) => "closed",
            (false, false) => "answered",
            (false, true) => "open",
        }
        .to_owned(),
        at: question.at.to_string(),
        due: question.due.map(|due| due.to_string()),
        objects: about.map(str::to_owned).collect(),
        answers,
        own: is_own,
    }))
}
