//! `/api/v1/cases`: where organisations work together.

use api::{Case as CaseAnswer, CaseChange, CaseEntry, CaseList, CaseObjects, NewCase, NewEntry};
use axum::Json;
use axum::extract::{Path, State};
use case::{Case, Change, Entry, EntryKind, Opening, Refusal, Severity, State as CaseState, TITLE_CHARS_MAX};
use oversight::{Action, AuditEvent, OrganisationRole, Purpose};
use policy::{Label, LabelKey, ObjectClass, Operation, Principal, PrincipalKind, TlpLabel};
use serde::Deserialize;
use stix::Id;
use stix::marking::Tlp;
use store::{Act, StoreError, Tx, cases, labels, objects, organisations, people};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::summaries::{Teller, leaving};
use crate::casework;
use crate::principal::{Caller, personal_of};
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::request::{JsonBody, Query};
use crate::sharing::unfit;
use crate::state::AppState;

/// Most objects that a case's answer shows.
const OBJECTS_SHOWN: usize = 500;
/// Objects that a line of the timeline names.
const OBJECTS_NAMED: usize = 10;
/// Most objects that a case is opened with by hand.
const OBJECTS_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, open))
        .routes(routes!(get, change))
        .routes(routes!(add_entry))
        .routes(routes!(add_objects))
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum WantedState {
    #[default]
    Open,
    Closed,
    All,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CaseQuery {
    /// `open` where absent.
    #[serde(default)]
    #[param(inline)]
    state: WantedState,
}

/// Cases, newest change first.
#[utoipa::path(get, path = "/api/v1/cases", tag = "cases", security(("session" = []), ("token" = [])), params(CaseQuery),
    responses((status = 200, body = CaseList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<CaseQuery>,
) -> Answer<Json<CaseList>> {
    caller.demand(&state, Operation::WorkCases)?;
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let mut teller = Teller::new(reader, &work.door, &asker.principal)?;
        let mut known = cases::list(reader, asker.realm(), &teller.visible, None)?;
        let open = known.iter().filter(|(case, _)| case.state == CaseState::Open).count();
        known.retain(|(case, _)| match query.state {
            WantedState::Open => case.state == CaseState::Open,
            WantedState::Closed => case.state == CaseState::Closed,
            WantedState::All => true,
        });
        known.sort_by_key(|(case, _)| std::cmp::Reverse(case.changed));
        let told = known.iter().map(|(case, label)| teller.case(case, *label)).collect::<Result<_, _>>()?;
        let list = CaseList {
            cases: told,
            open: u64::try_from(open).unwrap_or(u64::MAX),
            as_of: reader.now().to_string(),
        };
        let mut leaving = Vec::new();
        for (case, label) in &known {
            leaving.extend(incident(&teller, &asker, case, *label)?);
        }
        leaving.extend(teller.take_named());
        Ok((list, leaving, teller.visible))
    });
    let (list, leaving, visible) = found.await?;
    let recipient = Recipient { caller, door: "cases" };
    let list = state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, list).await?;
    Ok(Json(list.into_inner()))
}

/// One case with its timeline and the objects concerned.
#[utoipa::path(get, path = "/api/v1/cases/{id}", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")),
    responses((status = 200, body = CaseAnswer), crate::api::CallerRefusal))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<CaseAnswer>> {
    caller.demand(&state, Operation::WorkCases)?;
    answer(&state, caller, case_id(&id)?).await
}

/// Open a case by hand.
///
/// It bears the strictest marking of the objects that it is opened with, and at least TLP:AMBER.
#[utoipa::path(post, path = "/api/v1/cases", tag = "cases", security(("session" = []), ("token" = [])), request_body = NewCase,
    responses((status = 200, body = CaseAnswer), crate::api::CallerRefusal))]
async fn open(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewCase>,
) -> Answer<Json<CaseAnswer>> {
    caller.demand(&state, Operation::WorkCases)?;
    let title = new.title.trim().to_owned();
    if !(1..=TITLE_CHARS_MAX).contains(&title.chars().count()) {
        let why = format!("title: it has 1 to {TITLE_CHARS_MAX} characters");
        return Err(Failure::rule("text-length", why).with("field", "title").with("max", TITLE_CHARS_MAX));
    }
    if new.objects.len() > OBJECTS_MAX {
        return Err(Failure::rule("count", format!("objects: a case is opened with at most {OBJECTS_MAX}")));
    }
    let severity = Severity::new(new.severity)
        .ok_or_else(|| Failure::rule("out-of-range", "severity: it goes from 0 to 5"))?;
    let concerned: Vec<Id> = new
        .objects
        .iter()
        .map(|id| Id::parse(id))
        .collect::<Result<_, _>>()
        .map_err(|e| Failure::rule("identifier", e.to_string()))?;
    let (work, asker) = (state.clone(), caller.clone());
    let id = casework::new_id();
    let opened = id.clone();
    let write = move |tx: &mut Tx<'_>| {
        let label = label_of(&work, &asker, tx, &concerned)?;
        let mut case = Case::open(
            opening(&asker, cases::next_number(tx, asker.realm())?, opened, title, severity),
            [],
            tx.now(),
        );
        case.objects.extend(concerned);
        casework::open(tx, work.collection.key, &mut case, &label)?;
        let event =
            AuditEvent::done(Action::CaseOpened, asker.actor.clone(), asker.purpose).on([case.id.as_str()]);
        Ok(Act::audited((), asker.realm(), event.with("rule", "person")))
    };
    state.store.write(write).await?;
    answer(&state, caller, id).await
}

/// Change a case: title, severity, who works it, whether it is open.
///
/// `revision` is that of the case which the change was made on; where somebody was faster, the answer is `conflict`.
#[utoipa::path(patch, path = "/api/v1/cases/{id}", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")), request_body = CaseChange,
    responses((status = 200, body = CaseAnswer), crate::api::CallerRefusal))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<CaseChange>,
) -> Answer<Json<CaseAnswer>> {
    caller.demand(&state, Operation::WorkCases)?;
    let revision = body.revision;
    let changes = changes(body)?;
    apply(&state, &caller, case_id(&id)?, Some(revision), changes).await?;
    answer(&state, caller, case_id(&id)?).await
}

/// Write into a case's timeline.
#[utoipa::path(post, path = "/api/v1/cases/{id}/entries", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")), request_body = NewEntry,
    responses((status = 200, body = CaseAnswer), crate::api::CallerRefusal))]
async fn add_entry(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewEntry>,
) -> Answer<Json<CaseAnswer>> {
    caller.demand(&state, Operation::WorkCases)?;
    apply(&state, &caller, case_id(&id)?, None, vec![Change::Note(body.text)]).await?;
    answer(&state, caller, case_id(&id)?).await
}

/// Add objects to a case.
///
/// From then on the case bears a marking that is as strict as theirs: whoever may not see one of them no longer sees the case.
#[utoipa::path(post, path = "/api/v1/cases/{id}/objects", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")), request_body = CaseObjects,
    responses((status = 200, body = CaseAnswer), crate::api::CallerRefusal))]
async fn add_objects(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<CaseObjects>,
) -> Answer<Json<CaseAnswer>> {
    caller.demand(&state, Operation::WorkCases)?;
    if body.objects.is_empty() || body.objects.len() > OBJECTS_MAX {
        return Err(Failure::rule("count", format!("objects: name 1 to {OBJECTS_MAX}")));
    }
    let ids: Vec<Id> = body
        .objects
        .iter()
        .map(|id| Id::parse(id))
        .collect::<Result<_, _>>()
        .map_err(|e| Failure::rule("identifier", e.to_string()))?;
    apply(&state, &caller, case_id(&id)?, None, vec![Change::Objects(ids)]).await?;
    answer(&state, caller, case_id(&id)?).await
}

fn case_id(text: &str) -> Answer<Id> {
    Id::parse(text).map_err(|_| Failure::not_found())
}

fn opening(caller: &Caller, number: i64, id: Id, title: String, severity: Severity) -> Opening {
    let organisation = caller.principal.organisation.clone();
    let is_concerned = caller.principal.organisation_role == OrganisationRole::Operator;
    Opening {
        id,
        realm: caller.realm().clone(),
        number,
        rule: "person".to_owned(),
        title,
        severity,
        marking: Tlp::Amber,
        members: is_concerned.then(|| organisation.clone()).into_iter().collect(),
        by: Some((caller.id().to_owned(), organisation)),
    }
}

/// The join of the objects that a case is opened with, at least AMBER. What the caller may not see is not found.
fn label_of(state: &AppState, caller: &Caller, tx: &Tx<'_>, concerned: &[Id]) -> Result<Label, StoreError> {
    let visible = state.door.visible(tx, &caller.principal)?;
    let mut bearing: Vec<LabelKey> = Vec::new();
    for id in concerned {
        let row = objects::get(tx, caller.realm(), &visible, id)?;
        bearing.push(row.ok_or_else(|| StoreError::NotFound { what: id.to_string() })?.label);
    }
    let own = Label {
        tlp: TlpLabel::Level(Tlp::Amber),
        class: ObjectClass::Incident,
        ..Label::unmarked(&caller.principal.organisation, caller.realm())
    };
    casework::join(tx, caller.realm(), own, bearing)
}

/// What is asked for, in an order in which each step is legal: reopen first, close last.
fn changes(body: CaseChange) -> Answer<Vec<Change>> {
    let mut changes = Vec::new();
    let state = body.state.as_deref();
    if state == Some("open") {
        changes.push(Change::Reopen);
    }
    changes.extend(body.title.map(Change::Title));
    if let Some(level) = body.severity {
        changes.push(Change::Severity(
            Severity::new(level)
                .ok_or_else(|| Failure::rule("out-of-range", "severity: it goes from 0 to 5"))?,
        ));
    }
    changes.extend(
        body.assignee.map(|account| Change::Assign(Some(account).filter(|account| !account.is_empty()))),
    );
    match state {
        Some("closed") => {
            let reason = body
                .reason
                .ok_or_else(|| Failure::rule("close-reason", "reason: say why the case is closed"))?;
            changes.push(Change::Close(reason));
        }
        Some("open") | None => {}
        Some(_) => return Err(Failure::rule("not-one-of", "state: it is `open` or `closed`")),
    }
    Ok(changes)
}

/// Carries changes out in one transaction. A part that changes nothing is passed over as long as another one does.
async fn apply(
    state: &AppState,
    caller: &Caller,
    id: Id,
    revision: Option<i64>,
    changes: Vec<Change>,
) -> Answer<()> {
    let (work, asker) = (state.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| {
        let realm = asker.realm().clone();
        let visible = work.door.visible(tx, &asker.principal)?;
        let found = cases::get(tx, &realm, &visible, &id)?;
        let (mut case, label) = found.ok_or_else(|| StoreError::NotFound { what: id.to_string() })?;
        let mut label =
            labels::get(tx, &realm, label)?.ok_or_else(|| StoreError::Corrupt(format!("label {label}")))?;
        let expected = revision.unwrap_or(case.revision);
        if expected != case.revision {
            return Err(StoreError::Stale { what: format!("case {}", case.number) });
        }
        let mut written = Vec::new();
        for change in changes {
            if let Change::Assign(Some(account)) = &change {
                check_assignee(&work, tx, account, &label)?;
            }
            if let Change::Objects(ids) = &change {
                label = label_with(tx, &realm, label, (&visible, ids))?;
            }
            match case.apply(change, asker.id(), &asker.principal.organisation, tx.now()) {
                Ok(entries) => written.extend(entries),
                Err(Refusal::Nothing) => {}
                Err(refusal) => return Err(refused(&refusal)),
            }
        }
        if written.is_empty() {
            return Err(refused(&Refusal::Nothing));
        }
        casework::change(tx, work.collection.key, &mut case, &label, (expected, false))?;
        let kinds: Vec<&str> = written.iter().map(|entry| kind_name(&entry.kind)).collect();
        let event =
            AuditEvent::done(Action::CaseChanged, asker.actor.clone(), asker.purpose).on([case.id.as_str()]);
        Ok(Act::audited((), &realm, event.with("changes", kinds.join(" "))))
    };
    Ok(state.store.write(write).await?)
}

/// A case's label joined with those of objects, all of which the caller must see.
fn label_with(
    tx: &Tx<'_>,
    realm: &oversight::Realm,
    label: Label,
    (visible, ids): (&policy::Visible, &[Id]),
) -> Result<Label, StoreError> {
    let mut bearing = Vec::with_capacity(ids.len());
    for id in ids {
        let row = objects::get(tx, realm, visible, id)?;
        bearing.push(row.ok_or_else(|| StoreError::NotFound { what: "object".to_owned() })?.label);
    }
    casework::join(tx, realm, label, bearing)
}

fn refused(refusal: &Refusal) -> StoreError {
    let reason = match refusal {
        Refusal::Closed => "case-closed",
        Refusal::Text { .. } => "case-text",
        Refusal::Nothing => "case-unchanged",
    };
    unfit(reason, refusal.to_string())
}

/// A case is given to somebody who may work it and see it.
fn check_assignee(state: &AppState, tx: &Tx<'_>, account: &str, label: &Label) -> Result<(), StoreError> {
    let refused = || StoreError::Abandoned {
        code: "assignee",
        message: "this case cannot be given to that account".to_owned(),
    };
    let person =
        people::get(tx, &label.realm, account)?.filter(|person| !person.disabled).ok_or_else(refused)?;
    let organisation = organisations::get(tx, &label.realm, &person.organisation)?.ok_or_else(refused)?;
    let personal = personal_of(tx, &person.id)?;
    let principal = Principal {
        kind: PrincipalKind::Person(person.id),
        organisation: organisation.id,
        organisation_role: organisation.role,
        roles: person.roles,
        realm: label.realm.clone(),
        purpose: Purpose::IncidentResponse,
        personal,
    };
    let engine = state.engine.load();
    let may =
        engine.may(&principal, Operation::WorkCases) && engine.check(&principal, Operation::Read, label);
    if may { Ok(()) } else { Err(refused()) }
}

/// The case as the caller may see it.
async fn answer(state: &AppState, caller: Caller, id: Id) -> Answer<Json<CaseAnswer>> {
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let mut teller = Teller::new(reader, &work.door, &asker.principal)?;
        let Some((case, label)) = cases::get(reader, asker.realm(), &teller.visible, &id)? else {
            return Ok(None);
        };
        let mut leaving: Vec<Leaving> = incident(&teller, &asker, &case, label)?.into_iter().collect();
        let mut shown = Vec::new();
        // Of many sightings some are enough; what they are of comes first.
        let (sightings, others): (Vec<&Id>, Vec<&Id>) =
            case.objects.iter().partition(|id| id.object_type() == "sighting");
        for id in others.into_iter().chain(sightings).take(OBJECTS_SHOWN) {
            if let Some((row, summary)) = teller.object_by_id(id)? {
                leaving.push(self::leaving(&row));
                shown.push(summary);
            }
        }
        let timeline =
            case.timeline.iter().map(|entry| told(&mut teller, entry)).collect::<Result<_, _>>()?;
        let answer = CaseAnswer { summary: teller.case(&case, label)?, timeline, objects: shown };
        leaving.extend(teller.take_named());
        Ok(Some((answer, leaving, teller.visible)))
    });
    let (answer, leaving, visible) = found.await?.ok_or_else(Failure::not_found)?;
    let recipient = Recipient { caller, door: "case" };
    let answer =
        state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, answer).await?;
    Ok(Json(answer.into_inner()))
}

/// A case leaves as the version of its incident in the log.
pub(super) fn incident(
    teller: &Teller<'_, '_>,
    caller: &Caller,
    case: &Case,
    label: LabelKey,
) -> Result<Option<Leaving>, StoreError> {
    let row = objects::get(teller.reader, caller.realm(), &teller.visible, &case.id)?;
    Ok(row.map(|row| Leaving { label, ..leaving(&row) }))
}

fn told(teller: &mut Teller<'_, '_>, entry: &Entry) -> Result<CaseEntry, StoreError> {
    let mut told = CaseEntry {
        at: entry.at.to_string(),
        by: entry.by.clone(),
        by_name: entry.by.as_deref().map(|account| teller.person(account)).transpose()?.flatten(),
        organisation: entry.organisation.as_ref().map(|organisation| organisation.as_str().to_owned()),
        kind: kind_name(&entry.kind).to_owned(),
        text: None,
        from: None,
        to: None,
        object: None,
        indicator: None,
        indicator_name: None,
    };
    match &entry.kind {
        EntryKind::Opened { rule: text }
        | EntryKind::Title { to: text }
        | EntryKind::Note { text }
        | EntryKind::Closed { reason: text } => {
            told.text = Some(text.clone());
        }
        EntryKind::Sighting { id, organisation, indicator } => {
            told.object = Some(id.to_string());
            told.organisation = Some(organisation.as_str().to_owned());
            told.indicator_name = teller.name(indicator)?;
            told.indicator = Some(indicator.to_string());
        }
        EntryKind::Severity { from, to } => (told.from, told.to) = (Some(from.level()), Some(to.level())),
        EntryKind::Assigned { to } => {
            told.text = to.as_deref().map(|account| teller.person(account)).transpose()?.flatten();
            told.object.clone_from(to);
        }
        EntryKind::Objects { ids } => {
            let mut names = Vec::new();
            for id in ids.iter().take(OBJECTS_NAMED) {
                names.extend(teller.name(id)?);
            }
            told.text = Some(names.join(", "));
            told.to = u8::try_from(ids.len()).ok();
        }
        EntryKind::Reopened => {}
    }
    Ok(told)
}

fn kind_name(kind: &EntryKind) -> &'static str {
    match kind {
        EntryKind::Opened { .. } => "opened",
        EntryKind::Sighting { .. } => "sighting",
        EntryKind::Title { .. } => "title",
        EntryKind::Severity { .. } => "severity",
        EntryKind::Assigned { .. } => "assigned",
        EntryKind::Note { .. } => "note",
        EntryKind::Closed { .. } => "closed",
        EntryKind::Reopened => "reopened",
        EntryKind::Objects { .. } => "objects",
    }
}
