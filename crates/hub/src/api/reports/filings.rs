//! Forms, what was filed with its copy and receipt, and answers to it.

use std::collections::BTreeSet;

use api::{NewReportAnswer, NewReportFiling, ReportFiling, ReportForm, ReportTaken};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header;
use jiff::Timestamp;
use oversight::{Action, AuditEvent, OrganisationId};
use policy::Operation;
use regime::{Copy, Event, Form, What, render};
use stix::Id;
use store::reports::{self as rows, Filed};
use store::{Act, StoreError, Tx, audit, cases, organisations};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::abroad::{self, Asked};
use super::{instant, known, seen, shown, taken};
use crate::api::session::second_look;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::reports::abroad::{Receiver, added, give, is_given_reports, named};
use crate::reports::{InHand, Sent, receipts, told};
use crate::request::JsonBody;
use crate::sharing::{member, tell, unfit};
use crate::state::AppState;

/// Cases that one answer names.
const CASES_MAX: usize = 20;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(form))
        .routes(routes!(file))
        .routes(routes!(copy))
        .routes(routes!(receipt))
        .routes(routes!(answer))
}

/// The form of a stage for a recipient, as it would be filed now.
#[utoipa::path(get, path = "/api/v1/reports/{id}/forms/{regime}/{stage}/{recipient}", tag = "reports",
    security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident"), ("regime" = String, Path, description = "regime"),
        ("stage" = String, Path, description = "stage"), ("recipient" = String, Path, description = "recipient")),
    responses((status = 200, body = ReportForm), crate::api::CallerRefusal))]
async fn form(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, regime, stage, recipient)): Path<(String, String, String, String)>,
) -> Answer<Json<ReportForm>> {
    caller.demand(&state, Operation::WriteReports)?;
    let id = known(&id)?;
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let found = InHand::own(reader, &caller, &id)?;
        let form = rendered(&work, &found, (&regime, &stage, &recipient), reader.now())?;
        Ok(told::form(&form, &work.regimes))
    });
    Ok(Json(found.await?))
}

fn rendered(
    state: &AppState,
    found: &InHand,
    names: (&str, &str, &str),
    now: Timestamp,
) -> Result<Form, StoreError> {
    render(&found.report, &found.profile, &state.regimes, names, now)
        .map_err(|error| unfit("form", error.to_string()))
}

/// File the form of a stage: its exact copy is kept, its hash becomes a leaf of the log, and the clock is met.
///
/// With `given_to` an organisation is given the copy and told of it; without, it went another way, and what is kept is the proof of it. To an
/// organisation of a neighbouring hub the copy travels as an object that is for it and the giver alone, and the receipt follows. A person's last
/// sign-in must be no older than 15 minutes (`fresh-proof-needed`). Sent twice under one name, it is filed once.
#[utoipa::path(post, path = "/api/v1/reports/{id}/filings", tag = "reports", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")), request_body = NewReportFiling,
    responses((status = 200, body = ReportFiling), crate::api::CallerRefusal))]
async fn file(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewReportFiling>,
) -> Answer<Json<ReportFiling>> {
    caller.demand(&state, Operation::FileReports)?;
    let id = known(&id)?;
    second_look(&state, &caller).await?;
    let at = body.at.as_deref().map(|text| instant("at", text)).transpose()?;
    let sent = Sent::of(body.send, "file", &body);
    let work = state.clone();
    let write = move |tx: &mut Tx<'_>| {
        let mut found = InHand::own(tx, &caller, &id)?;
        if !sent.note(tx, &caller, &id)? {
            let send = body.send.to_string();
            let filed = found.filed.iter().find(|filed| filed.send == send);
            let filed =
                filed.ok_or_else(|| StoreError::Exists { what: "another act of this name".to_owned() })?;
            let answer = shown::filing(tx, filed, None, (&work, &id))?;
            return Ok(Act::bookkeeping((answer, false)));
        }
        let given_to = body.given_to.as_deref().map(|name| receiver(tx, &work, &caller, name)).transpose()?;
        let filed = Filing { body: &body, at, given_to: given_to.as_ref() };
        let filed = filed.carry_out(tx, &work, &caller, &mut found)?;
        let put = match &given_to {
            Some(Receiving::Abroad(to)) => {
                Some(give(tx, &work, (&id, &caller.principal.organisation), (&filed, to))?)
            }
            _ => None,
        };
        let answer = shown::filing(tx, &filed, None, (&work, &id))?;
        let names = (filed.regime.as_str(), filed.stage.as_str(), filed.recipient.as_str());
        let event = AuditEvent::done(Action::ReportFiled, caller.actor.clone(), caller.purpose)
            .on([id.as_str()])
            .with("event", filed.event.to_string())
            .with("regime", names.0)
            .with("stage", names.1)
            .with("recipient", names.2)
            .with("given_to", filed.given_to.as_ref().map(ToString::to_string).unwrap_or_default())
            .with(oversight::COPY, &answer.copy);
        if let Some(Receiving::Here(to)) = given_to {
            let text = format!("{} {} / {}", found.head.organisation, names.0, names.1);
            tell(tx, caller.realm(), BTreeSet::from([to]), ("report-filed", id.as_str()), (None, &text))?;
        }
        let added = put.as_ref().map(|put| added(caller.actor.clone(), caller.purpose, &put.object));
        let answer = (answer, put.is_some_and(|put| put.has_new_circle));
        Ok(Act::audited_all(answer, caller.realm(), std::iter::once(event).chain(added).collect()))
    };
    let (answer, has_new_circle) = state.store.write(write).await?;
    abroad::renewed(&state, has_new_circle).await?;
    Ok(Json(answer))
}

/// Whoever is given a copy.
enum Receiving {
    /// An organisation of this council.
    Here(OrganisationId),
    /// One of a neighbouring hub.
    Abroad(Box<Receiver>),
}

impl Receiving {
    /// As the filing names it.
    fn name(&self) -> &OrganisationId {
        match self {
            Self::Here(id) => id,
            Self::Abroad(receiver) => &receiver.name,
        }
    }
}

/// An organisation that can be given reports: another one of this council, the coordinator or an agency; or one of a neighbouring hub.
fn receiver(tx: &Tx<'_>, state: &AppState, caller: &Caller, name: &str) -> Result<Receiving, StoreError> {
    if let Some(receiver) = named(tx, state, caller, name)? {
        return Ok(Receiving::Abroad(Box::new(receiver)));
    }
    let id = member(tx, caller.realm(), name)?;
    let role = organisations::get(tx, caller.realm(), &id)?.map(|found| found.role);
    let receives = role.is_some_and(is_given_reports);
    if !receives || id == caller.principal.organisation {
        return Err(unfit(
            "given-to-whom",
            "given_to: reports are given to the coordinator or to another agency",
        ));
    }
    Ok(Receiving::Here(id))
}

/// A filing in the making.
struct Filing<'a> {
    body: &'a NewReportFiling,
    at: Option<Timestamp>,
    given_to: Option<&'a Receiving>,
}

impl Filing<'_> {
    /// Renders the form, keeps its copy and adds the event. The act itself is the caller's first leaf.
    fn carry_out(
        self,
        tx: &mut Tx<'_>,
        state: &AppState,
        caller: &Caller,
        found: &mut InHand,
    ) -> Result<Filed, StoreError> {
        let (body, now) = (self.body, tx.now());
        let version = found.report.record().versions().len();
        if body.version.is_some_and(|looked_at| usize::try_from(looked_at) != Ok(version)) {
            return Err(StoreError::Stale { what: "the report".to_owned() });
        }
        let names = (body.regime.as_str(), body.stage.as_str(), body.recipient.as_str());
        let form = rendered(state, found, names, now)?;
        if !state.regimes.get(names.0).is_some_and(|regime| regime.enabled) {
            return Err(unfit("regime-disabled", "this regime is not in use here: its rule is not final"));
        }
        if form.lines.is_empty() {
            return Err(unfit(
                "consent-missing",
                "this recipient is given only what you consent to: consent first",
            ));
        }
        let copy = Copy::of(&form);
        let event: Event = copy.filed(self.at.unwrap_or(now), caller.id(), now);
        let leaf = audit::next_leaf(tx)?;
        let filed = Filed {
            event: event.id(),
            send: body.send.to_string(),
            regime: body.regime.clone(),
            stage: body.stage.clone(),
            recipient: body.recipient.clone(),
            given_to: self.given_to.map(|to| to.name().clone()),
            at: now,
            actor: caller.id().to_owned(),
            copy: copy.bytes().to_vec(),
            leaf,
        };
        found.add(tx, &state.regimes, vec![event], leaf)?;
        rows::file_copy(tx, caller.realm(), found.report.id(), &filed)?;
        Ok(filed)
    }
}

/// The exact copy of what was filed, byte for byte: for who filed it, and for whom it was given to.
#[utoipa::path(get, path = "/api/v1/reports/{id}/filings/{event}/copy", tag = "reports", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident"), ("event" = String, Path, description = "the filing's event")),
    responses((status = 200, description = "the form in canonical JSON (RFC 8785)", body = Vec<u8>, content_type = "application/octet-stream"),
        crate::api::CallerRefusal))]
async fn copy(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, event)): Path<(String, String)>,
) -> Answer<Response> {
    caller.demand_any(&state, &[Operation::WriteReports, Operation::AnswerReports])?;
    let id = known(&id)?;
    if !abroad::is_kept(&state, &caller, &id).await? {
        return abroad::bytes(&state, caller, (id, event), Asked::Copy).await;
    }
    let filed = given(&state, &caller, (id, event)).await?;
    Ok(download(&format!("{}.json", filed.event), filed.copy))
}

/// The receipt of a filing: a C2SP tlog-proof that its leaf is in the log, with the record that names the copy's hash. Whoever has it, the
/// copy and the log's key checks both offline, with `yagura report verify`.
#[utoipa::path(get, path = "/api/v1/reports/{id}/filings/{event}/receipt", tag = "reports", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident"), ("event" = String, Path, description = "the filing's event")),
    responses((status = 200, description = "the receipt", body = Vec<u8>, content_type = "application/octet-stream"),
        crate::api::CallerRefusal))]
async fn receipt(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, event)): Path<(String, String)>,
) -> Answer<Response> {
    caller.demand_any(&state, &[Operation::WriteReports, Operation::AnswerReports])?;
    let id = known(&id)?;
    if !abroad::is_kept(&state, &caller, &id).await? {
        return abroad::bytes(&state, caller, (id, event), Asked::Receipt).await;
    }
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let found = seen(reader, &work, &asker, &id)?;
        let filed = found.copy_for(&asker.principal.organisation, &event).cloned();
        filed.ok_or(StoreError::NotFound { what: event })
    });
    let filed = found.await?;
    let text = receipts::make(&state, caller.realm(), &filed).await?;
    Ok(download(&format!("{}.tlog-proof", filed.event), text.into_bytes()))
}

/// A copy on its way to its reader; that another organisation reads it is written down before it leaves.
async fn given(state: &AppState, caller: &Caller, (id, event): (Id, String)) -> Answer<Filed> {
    let (work, asker) = (state.clone(), caller.clone());
    let read = move |tx: &mut Tx<'_>| {
        let found = seen(tx, &work, &asker, &id)?;
        let filed = found.copy_for(&asker.principal.organisation, &event).cloned();
        let filed = filed.ok_or(StoreError::NotFound { what: event })?;
        if found.is_of(&asker.principal.organisation) {
            return Ok(Act::bookkeeping(filed));
        }
        let event = AuditEvent::done(Action::ReportRead, asker.actor.clone(), asker.purpose)
            .on([id.as_str()])
            .with("event", filed.event.to_string());
        Ok(Act::audited(filed, asker.realm(), event))
    };
    Ok(state.store.write(read).await?)
}

/// Bytes that a browser saves and never shows.
pub(super) fn download(name: &str, bytes: Vec<u8>) -> Response {
    let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename*=UTF-8''{encoded}")),
    ];
    (headers, bytes).into_response()
}

/// Answer what was filed: acknowledge it, advise, name similar cases, ask for another report.
///
/// Whoever was given the copy answers; what it answers to a copy that came from another hub goes back there. Where the copy went another way, the
/// organisation itself writes down what it was answered.
#[utoipa::path(post, path = "/api/v1/reports/{id}/answers", tag = "reports", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")), request_body = NewReportAnswer,
    responses((status = 200, body = ReportTaken), crate::api::CallerRefusal))]
async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewReportAnswer>,
) -> Answer<Json<ReportTaken>> {
    caller.demand_any(&state, &[Operation::WriteReports, Operation::AnswerReports])?;
    let id = known(&id)?;
    let said = said(&body)?;
    let sent = Sent::of(body.send, "answer", &body);
    if !abroad::is_kept(&state, &caller, &id).await? {
        return abroad::answer(&state, caller, (id, sent), (body, said)).await;
    }
    let work = state.clone();
    let write = move |tx: &mut Tx<'_>| {
        let mut found = seen(tx, &work, &caller, &id)?;
        let organisation = &caller.principal.organisation;
        let filed = found.copy_for(organisation, &body.filing).cloned();
        let filed = filed.ok_or_else(|| StoreError::NotFound { what: body.filing.clone() })?;
        if found.is_of(organisation) && filed.given_to.is_some() {
            return Err(unfit("answer-not-yours", "whoever was given this copy answers it, and nobody else"));
        }
        if !sent.note(tx, &caller, &id)? {
            return Ok(Act::bookkeeping(taken(&work, &found, &[], true, tx.now())));
        }
        if let regime::Answer::SimilarCases { ids } = &said {
            demand_cases(tx, &work, &caller, ids)?;
        }
        let (now, leaf) = (tx.now(), audit::next_leaf(tx)?);
        let what = What::Answered {
            regime: filed.regime.clone(),
            stage: filed.stage.clone(),
            recipient: filed.recipient.clone(),
            at: now,
            answer: said,
        };
        let event = Event { logged: now, by: Some(caller.id().to_owned()), what };
        let new = found.add(tx, &work.regimes, vec![event], leaf)?;
        let mut to: BTreeSet<OrganisationId> = filed.given_to.iter().cloned().collect();
        to.insert(found.head.organisation.clone());
        to.remove(organisation);
        let text = format!("{} / {}: {}", filed.regime, filed.stage, body.answer);
        tell(tx, caller.realm(), to, ("report-answer", id.as_str()), (None, &text))?;
        let act = AuditEvent::done(Action::ReportAnswered, caller.actor.clone(), caller.purpose)
            .on([id.as_str()])
            .with("events", new.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            .with("filing", filed.event.to_string())
            .with("answer", &body.answer);
        let mut answer = taken(&work, &found, &new, false, now);
        if !found.is_of(organisation) {
            // What else does not fit is the reporting organisation's to know.
            answer.findings.clear();
        }
        Ok(Act::audited(answer, caller.realm(), act))
    };
    Ok(Json(state.store.write(write).await?))
}

/// Whoever names a case must see it.
pub(super) fn demand_cases(
    tx: &Tx<'_>,
    state: &AppState,
    caller: &Caller,
    ids: &[Id],
) -> Result<(), StoreError> {
    let unknown = || unfit("cases-unseen", "cases: there is one that you may not see");
    if !caller.may(state, Operation::WorkCases) {
        return Err(unknown());
    }
    let visible = state.door.visible(tx, &caller.principal)?;
    for id in ids {
        cases::get(tx, caller.realm(), &visible, id)?.ok_or_else(unknown)?;
    }
    Ok(())
}

fn said(body: &NewReportAnswer) -> Answer<regime::Answer> {
    let text = || {
        body.text
            .clone()
            .ok_or_else(|| Failure::rule("answer-text-missing", "text: say what is advised or asked for"))
    };
    Ok(match body.answer.as_str() {
        "acknowledged" => regime::Answer::Acknowledged,
        "advice" => regime::Answer::Advice { text: text()? },
        "requested" => regime::Answer::Requested { text: text()? },
        "similar-cases" if (1..=CASES_MAX).contains(&body.cases.len()) => {
            let ids = body.cases.iter().map(|id| known(id)).collect::<Answer<_>>();
            regime::Answer::SimilarCases { ids: ids.map_err(|_| wrong_cases())? }
        }
        "similar-cases" => return Err(wrong_cases()),
        _ => {
            return Err(Failure::rule(
                "not-one-of",
                "answer: it is `acknowledged`, `advice`, `similar-cases` or `requested`",
            ));
        }
    })
}

fn wrong_cases() -> Failure {
    Failure::rule("cases-count", "cases: 1 to 20 identifiers of cases")
}
