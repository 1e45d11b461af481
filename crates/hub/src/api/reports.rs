//! `/api/v1/reports`: reports of incidents: one record, many forms, clocks, receipts.

mod abroad;
mod events;
mod files;
mod filings;
mod profile;
mod shown;

use std::sync::Arc;

use api::{
    Code, NewReport, Report as ReportAnswer, ReportCatalogue, ReportDutyList, ReportList, ReportSummary,
    ReportTaken,
};
use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use oversight::{Action, AuditEvent};
use policy::{LabelKey, Operation, Visible};
use regime::{Emergency, Event, EventId, Kind, Report, duties};
use serde::Deserialize;
use stix::Id;
use store::reports::abroad::came_to;
use store::reports::{self as rows, Filter, Head};
use store::{Act, Reader, StoreError, Tx, audit};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::reports::elsewhere::Elsewhere;
use crate::reports::{InHand, Sent, report_id, told};
use crate::request::{JsonBody, Query};
use crate::sharing::unfit;
use crate::state::AppState;

/// Reports of one answer.
const LISTED_MAX: usize = 200;
/// Reports whose clocks are put side by side.
const CLOCKED_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(catalogue))
        .routes(routes!(clocks))
        .routes(routes!(list, begin))
        .routes(routes!(get))
        .merge(abroad::routes())
        .merge(events::routes())
        .merge(files::routes())
        .merge(filings::routes())
        .merge(profile::routes())
}

/// What there is to report with: kinds, fields, regimes, the severity scheme.
#[utoipa::path(get, path = "/api/v1/report-catalogue", tag = "reports", security(("session" = []), ("token" = [])),
    responses((status = 200, body = ReportCatalogue), crate::api::CallerRefusal))]
async fn catalogue(State(state): State<AppState>, caller: Caller) -> Answer<Json<ReportCatalogue>> {
    caller.demand_any(&state, &[Operation::Read, Operation::WriteReports, Operation::AnswerReports])?;
    Ok(Json(told::catalogue(&state.regimes)))
}

/// The clocks of one's own organisation's reports that are open, the most urgent first.
#[utoipa::path(get, path = "/api/v1/report-duties", tag = "reports", security(("session" = []), ("token" = [])),
    responses((status = 200, body = ReportDutyList), crate::api::CallerRefusal))]
async fn clocks(State(state): State<AppState>, caller: Caller) -> Answer<Json<ReportDutyList>> {
    caller.demand(&state, Operation::WriteReports)?;
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let now = reader.now();
        let heads = rows::pressing(reader, caller.realm(), &caller.principal.organisation, CLOCKED_MAX)?;
        let mut open = Vec::new();
        for head in &heads {
            let Some(found) = InHand::any(reader, caller.realm(), &head.id)? else { continue };
            let all = duties(&found.report, &found.profile, &work.regimes, now);
            let of_this = all.iter().filter(|duty| duty.is_open());
            open.extend(of_this.map(|duty| told::duty(&head.id, &head.title, duty)));
        }
        told::by_urgency(&mut open);
        let reports = u64::try_from(heads.len()).unwrap_or(u64::MAX);
        Ok(ReportDutyList { duties: open, reports, as_of: now.to_string() })
    });
    Ok(Json(found.await?))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReportQuery {
    /// What an answer before gave as `next`.
    after: Option<String>,
    /// How many, at most 200; 50 where absent.
    limit: Option<usize>,
}

/// One's own organisation's reports, and those of which it was given a copy, be they kept here or at another hub, the newest change first.
#[utoipa::path(get, path = "/api/v1/reports", tag = "reports", security(("session" = []), ("token" = [])), params(ReportQuery),
    responses((status = 200, body = ReportList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ReportQuery>,
) -> Answer<Json<ReportList>> {
    caller.demand_any(&state, &[Operation::WriteReports, Operation::AnswerReports])?;
    let limit = query.limit.unwrap_or(50).clamp(1, LISTED_MAX);
    let after = query.after.as_deref().map(place).transpose()?;
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let mut listing = Listing::own(reader, &work, &asker, (after.clone(), limit))?;
        if asker.may(&work, Operation::AnswerReports) {
            listing.elsewhere(reader, &work, &asker, (after, limit))?;
        }
        Ok(listing.list(limit, reader.now()))
    });
    let (list, elsewhere) = found.await?;
    Ok(Json(match elsewhere {
        Some((visible, labels)) => abroad::told(&state, caller, &visible, (&labels, &[]), list).await?,
        None => list,
    }))
}

/// What a reader may see, and the labels of what it is told of objects.
type FromObjects = (Arc<Visible>, Vec<LabelKey>);

/// A page of the list in the making.
struct Listing {
    /// Every report in its place; nothing of those that are not seen any more.
    reports: Vec<((Timestamp, Id), Option<ReportSummary>)>,
    /// What is told of objects, and their labels.
    elsewhere: Option<FromObjects>,
}

impl Listing {
    /// The reports that are kept here.
    fn own(
        reader: &Reader<'_>,
        state: &AppState,
        caller: &Caller,
        (after, limit): (Option<(Timestamp, Id)>, usize),
    ) -> Result<Self, StoreError> {
        let organisation = caller.principal.organisation.clone();
        let filter = Filter { organisation, own: caller.may(state, Operation::WriteReports), after, limit };
        let heads = rows::list(reader, caller.realm(), &filter)?;
        let told = |head: &Head| Some(told::summary(head, &filter.organisation));
        let reports = heads.iter().map(|head| ((head.changed, head.id.clone()), told(head)));
        Ok(Self { reports: reports.collect(), elsewhere: None })
    }

    /// Those of other hubs.
    fn elsewhere(
        &mut self,
        reader: &Reader<'_>,
        state: &AppState,
        caller: &Caller,
        (after, limit): (Option<(Timestamp, Id)>, usize),
    ) -> Result<(), StoreError> {
        let organisation = &caller.principal.organisation;
        for came in came_to(reader, caller.realm(), organisation, after.as_ref(), limit)? {
            let summary = match Elsewhere::seen(reader, state, caller, &came.report) {
                Ok(found) => {
                    let visible = || (Arc::clone(&found.visible), Vec::new());
                    self.elsewhere.get_or_insert_with(visible).1.extend(found.labels());
                    Some(found.summary(reader)?)
                }
                Err(StoreError::NotFound { .. }) => None,
                Err(error) => return Err(error),
            };
            self.reports.push(((came.changed, came.report), summary));
        }
        Ok(())
    }

    /// The page: the newest change first.
    fn list(mut self, limit: usize, now: Timestamp) -> (ReportList, Option<FromObjects>) {
        self.reports.sort_by(|((one, id), _), ((other, other_id), _)| other.cmp(one).then(id.cmp(other_id)));
        self.reports.truncate(limit);
        let last = self.reports.last().filter(|_| self.reports.len() == limit);
        let next = last.map(|((changed, id), _)| format!("{}_{id}", changed.as_microsecond()));
        let reports = self.reports.into_iter().filter_map(|(_, summary)| summary).collect();
        (ReportList { reports, next, as_of: now.to_string() }, self.elsewhere)
    }
}

/// The place in the list after a report.
fn place(after: &str) -> Answer<(Timestamp, Id)> {
    let read = || {
        let (micros, id) = after.split_once('_')?;
        Some((Timestamp::from_microsecond(micros.parse().ok()?).ok()?, Id::parse(id).ok()?))
    };
    read().ok_or_else(|| Failure::new(Code::BadRequest, "after: give back what an answer gave as `next`"))
}

/// Begin a report: the emergency report, six things at most.
///
/// `id` is made by whoever writes the report, at the first word. What was written without a connection is sent when there is one, and sent
/// twice it is one report; the answer tells the identifier under which it is kept. Clocks run from the time of awareness that it
/// says, but never from later than it was logged.
#[utoipa::path(post, path = "/api/v1/reports", tag = "reports", security(("session" = []), ("token" = [])),
    request_body = NewReport, responses((status = 200, body = ReportTaken), crate::api::CallerRefusal))]
async fn begin(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewReport>,
) -> Answer<Json<ReportTaken>> {
    caller.demand(&state, Operation::WriteReports)?;
    let kind = kind_of(&body.kind)?;
    let aware = instant("aware", &body.aware)?;
    let fields = body.fields.iter().map(|(name, value)| (name.clone(), told::read_value(value))).collect();
    let emergency = Emergency { kind, aware, fields };
    let id = report_id(&caller.principal.organisation, body.id);
    let sent = Sent::of(body.id, "begin", &body);
    let work = state.clone();
    let write = move |tx: &mut Tx<'_>| {
        if rows::head(tx, caller.realm(), &id)?.is_some() {
            // Under its own name nothing else can have been sent.
            sent.note(tx, &caller, &id)?;
            let found = InHand::own(tx, &caller, &id)?;
            return Ok(Act::bookkeeping(taken(&work, &found, &[], true, tx.now())));
        }
        let (now, by, organisation) = (tx.now(), caller.id(), &caller.principal.organisation);
        let events =
            regime::open(&emergency, &work.regimes.catalogue, by, now).map_err(|error| wrong(&error))?;
        let realm = caller.realm().to_string();
        let report = Report::new(id.clone(), &realm, organisation.as_str(), now);
        let report = report.map_err(|refusal| unfit("report", refusal.to_string()))?;
        rows::open(tx, caller.realm(), &report, organisation)?;
        sent.note(tx, &caller, &id)?;
        let mut found = InHand::own(tx, &caller, &id)?;
        let leaf = audit::next_leaf(tx)?;
        let new = found.add(tx, &work.regimes, events, leaf)?;
        let event = changed(&caller, &id, &new).with("kind", emergency.kind.name());
        Ok(Act::audited(taken(&work, &found, &new, false, now), caller.realm(), event))
    };
    Ok(Json(state.store.write(write).await?))
}

/// A report, whole; for whoever was given a copy, its filings, the files that they list, and what was answered.
#[utoipa::path(get, path = "/api/v1/reports/{id}", tag = "reports", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")),
    responses((status = 200, body = ReportAnswer), crate::api::CallerRefusal))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<ReportAnswer>> {
    caller.demand_any(&state, &[Operation::WriteReports, Operation::AnswerReports])?;
    let id = known(&id)?;
    if !abroad::is_kept(&state, &caller, &id).await? {
        return abroad::get(&state, caller, id).await;
    }
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let found = seen(reader, &work, &caller, &id)?;
        shown::report(reader, &work, &caller, &found)
    });
    Ok(Json(found.await?))
}

/// A report that the caller may see something of.
pub(super) fn seen(
    reader: &Reader<'_>,
    state: &AppState,
    caller: &Caller,
    id: &Id,
) -> Result<InHand, StoreError> {
    let found = InHand::seen(reader, caller, id)?;
    let needed = if found.is_of(&caller.principal.organisation) {
        Operation::WriteReports
    } else {
        Operation::AnswerReports
    };
    if caller.may(state, needed) { Ok(found) } else { Err(StoreError::NotFound { what: id.to_string() }) }
}

/// A report's identifier out of a path.
pub(super) fn known(id: &str) -> Answer<Id> {
    Id::parse(id).ok().filter(|id| id.object_type() == "incident").ok_or_else(Failure::not_found)
}

pub(super) fn unprocessable(message: impl Into<String>) -> Failure {
    Failure::new(Code::Unprocessable, message)
}

pub(super) fn kind_of(name: &str) -> Answer<Kind> {
    Kind::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        Failure::rule("not-one-of", format!("kind: it is one of {}", known.join(", ")))
    })
}

pub(super) fn instant(what: &str, text: &str) -> Answer<Timestamp> {
    let wrong = || Failure::rule("time-form", format!("{what}: it is a time as in RFC 3339"));
    text.parse().map_err(|_| wrong().with("field", what))
}

/// What a field cannot hold, as the caller is told.
pub(super) fn wrong(error: &regime::WrongValue) -> StoreError {
    unfit("field", error.to_string())
}

/// The act of having added events.
pub(super) fn changed(caller: &Caller, id: &Id, new: &[EventId]) -> AuditEvent {
    let names: Vec<String> = new.iter().map(ToString::to_string).collect();
    AuditEvent::done(Action::ReportChanged, caller.actor.clone(), caller.purpose)
        .on([id.as_str()])
        .with("events", names.join(" "))
}

/// What became of what was sent, with what does not fit together in the new events.
pub(super) fn taken(
    state: &AppState,
    found: &InHand,
    new: &[EventId],
    already: bool,
    now: Timestamp,
) -> ReportTaken {
    let findings = regime::findings(&found.report, &state.regimes, now);
    let about_new = findings.iter().filter(|finding| finding.event.is_none_or(|event| new.contains(&event)));
    ReportTaken {
        id: found.head.id.to_string(),
        events: new.iter().map(ToString::to_string).collect(),
        already,
        findings: about_new.map(told::finding).collect(),
    }
}

/// Adds events to one's own organisation's report as one act that was sent under a name.
pub(super) async fn append(
    state: &AppState,
    caller: Caller,
    (id, sent): (Id, Sent),
    make: impl FnOnce(&Reader<'_>, &InHand) -> Result<Vec<Event>, StoreError> + Send + 'static,
) -> Answer<Json<ReportTaken>> {
    let work = state.clone();
    let write = move |tx: &mut Tx<'_>| {
        let mut found = InHand::own(tx, &caller, &id)?;
        if !sent.note(tx, &caller, &id)? {
            return Ok(Act::bookkeeping(taken(&work, &found, &[], true, tx.now())));
        }
        let events = make(tx, &found)?;
        let leaf = audit::next_leaf(tx)?;
        let new = found.add(tx, &work.regimes, events, leaf)?;
        let answer = taken(&work, &found, &new, new.is_empty(), tx.now());
        if new.is_empty() {
            return Ok(Act::bookkeeping(answer));
        }
        Ok(Act::audited(answer, caller.realm(), changed(&caller, &id, &new)))
    };
    Ok(Json(state.store.write(write).await?))
}
