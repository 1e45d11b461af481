//! `/api/v1/outreach`: what is asked of people outside, and what became of it.
//!
//! The hub sends none of it: a person does, by the way that is written down, and notes it. So whatever goes outside has been seen by somebody.

use api::{NewOutreach, Outreach, OutreachChange, OutreachList, OutreachStep};
use axum::Json;
use axum::extract::{Path, State};
use oversight::{Action, AuditEvent, OrganisationId};
use policy::{Label, Operation, TlpLabel};
use serde::Deserialize;
use stix::Id;
use stix::marking::Tlp;
use store::outreach::{self as rows, New, Outreach as Row, STEPS_MAX, State as Stands, Step};
use store::{Act, Reader, StoreError, Tx, cases, labels, objects, runs};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::runs::place;
use crate::REALM;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::{JsonBody, Query};
use crate::runs::told::Names;
use crate::runs::{account, run_id};
use crate::sharing::{LINE_CHARS_MAX, ahead, answered, tell, text, unfit};
use crate::state::AppState;

/// What can be asked.
const KINDS: [&str; 3] = ["abuse", "take-down", "warning"];
const RECIPIENT_CHARS_MAX: usize = 200;
const ABOUT_MAX: usize = 50;
const TEXT_CHARS_MAX: usize = 8_000;
const WORDS_CHARS_MAX: usize = 1_000;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, write)).routes(routes!(get)).routes(routes!(step))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OutreachQuery {
    /// What an answer before gave as `next`.
    after: Option<String>,
    /// How many, at most 200; 50 where absent.
    limit: Option<usize>,
    /// Those about this case alone.
    case: Option<String>,
}

/// What one's own organisation asks of people outside, the newest first.
#[utoipa::path(get, path = "/api/v1/outreach", tag = "response", security(("session" = []), ("token" = [])), params(OutreachQuery),
    responses((status = 200, body = OutreachList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<OutreachQuery>,
) -> Answer<Json<OutreachList>> {
    caller.demand(&state, Operation::ReadRuns)?;
    let limit = query.limit.unwrap_or(50).clamp(1, rows::LISTED_MAX);
    let before = query.after.as_deref().map(place).transpose()?;
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let own = &caller.principal.organisation;
        let from = before.as_ref().map(|(at, id)| (*at, id.as_str()));
        let found = rows::list(reader, &REALM, (Some(own), query.case.as_deref()), from, limit)?;
        let last = found.last().filter(|_| found.len() == limit);
        let next = last.map(|last| format!("{}_{}", last.new.created.as_microsecond(), last.new.id));
        let names = Names::for_viewer(reader, own)?;
        let all = found.iter().map(|row| told(reader, (&work, &caller), &names, row));
        Ok(OutreachList { outreach: all.collect::<Result<_, StoreError>>()?, next })
    });
    Ok(Json(found.await?))
}

/// One of them, whole.
#[utoipa::path(get, path = "/api/v1/outreach/{id}", tag = "response", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "its id")),
    responses((status = 200, body = Outreach), crate::api::CallerRefusal))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Outreach>> {
    caller.demand(&state, Operation::ReadRuns)?;
    shown(&state, caller, id).await
}

async fn shown(state: &AppState, caller: Caller, id: String) -> Answer<Json<Outreach>> {
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let row = own(reader, &caller, &id)?;
        let names = Names::for_viewer(reader, &caller.principal.organisation)?;
        told(reader, (&work, &caller), &names, &row)
    });
    Ok(Json(found.await?))
}

/// One of the caller's organisation.
fn own(reader: &Reader<'_>, caller: &Caller, id: &str) -> Result<Row, StoreError> {
    let found = rows::get(reader, &REALM, id)?;
    let found = found.filter(|row| row.new.organisation == caller.principal.organisation);
    found.ok_or_else(|| StoreError::NotFound { what: id.to_owned() })
}

fn told(
    reader: &Reader<'_>,
    (state, caller): (&AppState, &Caller),
    names: &Names,
    row: &Row,
) -> Result<Outreach, StoreError> {
    let new = &row.new;
    let about = serde_json::from_str(&new.about);
    let steps = rows::steps(reader, &REALM, &new.id)?.into_iter().map(|step| {
        let by = names.person(reader, (&step.person, &new.organisation), step.at.to_string())?;
        Ok(OutreachStep { by, state: step.state.name().to_owned(), words: step.words })
    });
    let may = caller.may(state, Operation::RunPlaybooks) && row.steps < STEPS_MAX;
    let next = Stands::ALL.into_iter().filter(|next| may && row.state.leads_to(*next));
    Ok(Outreach {
        id: new.id.clone(),
        kind: new.kind.clone(),
        organisation: names.organisation(&new.organisation),
        recipient: new.recipient.clone(),
        way: new.way.clone(),
        about: about.map_err(|_| StoreError::Corrupt(format!("what {} is about", new.id)))?,
        text: new.body.clone(),
        basis: new.basis.clone(),
        tlp: new.tlp.clone(),
        case: new.case.as_ref().map(ToString::to_string),
        run: new.run.clone(),
        state: row.state.name().to_owned(),
        created: new.created.to_string(),
        changed: row.changed.to_string(),
        due: row.due.map(|due| due.to_string()),
        is_overdue: row.state.is_awaited() && row.due.is_some_and(|due| due <= reader.now()),
        steps: steps.collect::<Result<_, StoreError>>()?,
        may_become: next.map(|next| next.name().to_owned()).collect(),
    })
}

/// A draft that was read and is not written yet.
struct Draft {
    new: NewOutreach,
    tlp: Tlp,
    case: Option<Id>,
}

fn read(mut new: NewOutreach) -> Answer<Draft> {
    if !KINDS.contains(&new.kind.as_str()) {
        return Err(Failure::rule("not-one-of", format!("kind: it is one of {KINDS:?}")));
    }
    new.recipient = text("recipient", &new.recipient, RECIPIENT_CHARS_MAX)?;
    new.way = text("way", &new.way, LINE_CHARS_MAX)?;
    new.text = text("text", &new.text, TEXT_CHARS_MAX)?;
    new.basis = new.basis.map(|basis| text("basis", &basis, LINE_CHARS_MAX)).transpose()?;
    if new.about.len() > ABOUT_MAX {
        return Err(Failure::rule("count", format!("about: it names at most {ABOUT_MAX} things")));
    }
    let about: Answer<Vec<String>> = new.about.iter().map(|one| text("about", one, LINE_CHARS_MAX)).collect();
    new.about = about?;
    let tlp = Tlp::parse(&new.tlp).filter(|tlp| matches!(tlp, Tlp::Clear | Tlp::Green | Tlp::Amber));
    let why = "tlp: what goes outside is `clear`, `green` or `amber`";
    let tlp = tlp.ok_or_else(|| Failure::rule("outreach-tlp", why))?;
    let case = new.case.as_deref().map(Id::parse).transpose();
    let case = case.map_err(|error| Failure::rule("identifier", format!("case: {error}")))?;
    Ok(Draft { new, tlp, case })
}

/// Write something down that is to be asked of people outside. Nothing is sent by it.
///
/// `id` is made by whoever asks: sent again, it is the same one. What is about a case of somebody else's goes no further than its marking allows.
#[utoipa::path(post, path = "/api/v1/outreach", tag = "response", security(("session" = []), ("token" = [])),
    request_body = NewOutreach, responses((status = 200, body = Outreach), crate::api::CallerRefusal))]
async fn write(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewOutreach>,
) -> Answer<Json<Outreach>> {
    caller.demand(&state, Operation::RunPlaybooks)?;
    let Draft { new, tlp, case } = read(new)?;
    let id = run_id(&caller.principal.organisation, new.id);
    let (work, asker, name) = (state.clone(), caller.clone(), id.clone());
    let write = move |tx: &mut Tx<'_>| {
        if let Some(case) = &case {
            let visible = work.door.visible(tx, &asker.principal)?;
            if cases::get(tx, &REALM, &visible, case)?.is_none() {
                return Err(unfit("no-such-case", "case: there is no such case that you may see"));
            }
        }
        may_leave(tx, &asker.principal.organisation, (case.as_ref(), tlp))?;
        let run = new.run.as_deref();
        let ran = run.map(|run| runs::get(tx, &REALM, run)).transpose()?.flatten();
        if run.is_some() && ran.is_none_or(|ran| ran.begun.organisation != asker.principal.organisation) {
            return Err(unfit("no-such-run", "run: your organisation has no such run"));
        }
        let row = New {
            id: name,
            organisation: asker.principal.organisation.clone(),
            person: account(&asker),
            case,
            run: new.run,
            kind: new.kind,
            recipient: new.recipient,
            way: new.way,
            about: serde_json::to_string(&new.about).unwrap_or_default(),
            body: new.text,
            basis: new.basis,
            tlp: new.tlp,
            created: tx.now(),
        };
        if !rows::add(tx, &REALM, &row)? {
            return Ok(Act::bookkeeping(()));
        }
        Ok(Act::audited((), &REALM, event(&asker, &row, Stands::Draft)))
    };
    answered(state.store.write(write).await)?;
    shown(&state, caller, id).await
}

/// Note what was done about one: that it was sent and until when an answer is expected, what came back.
///
/// What is about a case is looked at again before it is noted as sent: its marking may have become stricter.
#[utoipa::path(post, path = "/api/v1/outreach/{id}/steps", tag = "response", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "its id")), request_body = OutreachChange,
    responses((status = 200, body = Outreach), crate::api::CallerRefusal))]
async fn step(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(change): JsonBody<OutreachChange>,
) -> Answer<Json<Outreach>> {
    caller.demand(&state, Operation::RunPlaybooks)?;
    let next = Stands::parse(&change.state);
    let next = next.ok_or_else(|| Failure::rule("not-one-of", "state: there is no such state"))?;
    let words = change.words.as_deref().map(str::trim).filter(|words| !words.is_empty());
    let words = words.map(|words| text("words", words, WORDS_CHARS_MAX)).transpose()?;
    if words.is_none() && matches!(next, Stands::Refused | Stands::Withdrawn) {
        return Err(Failure::rule("words-missing", "words: why?"));
    }
    let due = change.due.as_deref().map(|due| ahead("due", due)).transpose()?;
    if due.is_some() && !next.is_awaited() {
        return Err(Failure::rule("due-not-awaited", "due: nothing is awaited any more"));
    }
    let (asker, name) = (caller.clone(), id.clone());
    let write = move |tx: &mut Tx<'_>| {
        let row = own(tx, &asker, &name)?;
        if !row.state.leads_to(next) || row.steps >= STEPS_MAX {
            let (is, next) = (row.state.name(), next.name());
            return Err(unfit("outreach-state", format!("state: it is `{is}` and cannot become `{next}`")));
        }
        if next == Stands::Sent {
            let tlp = Tlp::parse(&row.new.tlp).unwrap_or(Tlp::Clear);
            may_leave(tx, &row.new.organisation, (row.new.case.as_ref(), tlp))?;
        }
        let step = Step { at: tx.now(), person: account(&asker), state: next, words };
        rows::step(tx, &REALM, &name, &step, due.or(row.due.filter(|_| next.is_awaited())))?;
        let event = event(&asker, &row.new, next);
        let event = match &step.words {
            Some(words) => event.with("words", words.as_str()),
            None => event,
        };
        Ok(Act::audited((), &REALM, event))
    };
    answered(state.store.write(write).await)?;
    shown(&state, caller, id).await
}

fn event(caller: &Caller, row: &New, state: Stands) -> AuditEvent {
    let event = AuditEvent::done(Action::OutreachChanged, caller.actor.clone(), caller.purpose);
    let event = event
        .with("id", row.id.as_str())
        .with("kind", row.kind.as_str())
        .with("to", row.recipient.as_str())
        .with("state", state.name());
    match &row.case {
        Some(case) => event.on([case.as_str()]),
        None => event,
    }
}

/// Whether something about a case may go outside under a marking.
fn may_leave(
    reader: &Reader<'_>,
    own: &OrganisationId,
    (case, tlp): (Option<&Id>, Tlp),
) -> Result<(), StoreError> {
    let Some(case) = case else { return Ok(()) };
    let label = match objects::standing_label(reader, &REALM, case)? {
        Some(key) => labels::get(reader, &REALM, key)?,
        None => None,
    };
    let label = label.ok_or_else(|| unfit("no-such-case", "case: it is not here any more"))?;
    lets_out(&label, own, tlp).map_err(|why| unfit("outreach-freer", format!("tlp: {why}")))
}

/// What is one's own goes where one says. Of what is another's no more leaves than it was marked for.
fn lets_out(label: &Label, own: &OrganisationId, tlp: Tlp) -> Result<(), String> {
    if label.originator == *own {
        return Ok(());
    }
    let is_limited = !label.unknown.is_empty()
        || !label.groups.is_empty()
        || !label.demands.is_empty()
        || label.originator_control;
    let level = match label.tlp {
        TlpLabel::Level(level) if !is_limited => level,
        TlpLabel::Level(_) | TlpLabel::Unmarked => {
            return Err("the case is another organisation's, which lets nothing of it outside".to_owned());
        }
    };
    if level > Tlp::Amber {
        return Err(format!("{} lets nothing of the case outside; ask its originator", level.title()));
    }
    if tlp < level {
        return Err(format!("the case is {}: mark it so, or stricter", level.title()));
    }
    Ok(())
}

/// Tells organisations whose answers are overdue, once for each time that was set.
///
/// # Errors
/// Those of the database.
pub(crate) async fn look(state: &AppState) -> Result<(), StoreError> {
    if state.store.read(|reader| rows::overdue(reader, &REALM, reader.now())).await?.is_empty() {
        return Ok(());
    }
    let write = |tx: &mut Tx<'_>| {
        for row in rows::overdue(tx, &REALM, tx.now())? {
            let to = [row.new.organisation.clone()].into();
            tell(
                tx,
                &REALM,
                to,
                ("outreach-overdue", &row.new.id),
                (row.new.case.as_ref(), &row.new.recipient),
            )?;
            rows::remind(tx, &REALM, &row.new.id)?;
        }
        Ok(Act::bookkeeping(()))
    };
    state.store.write(write).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_anothers_case_no_more_leaves_than_it_was_marked_for() {
        let id = |name: &str| OrganisationId::parse(name).unwrap();
        let label = |tlp: TlpLabel| Label { tlp, ..Label::unmarked(&id("police"), &REALM) };
        let lets = |label: &Label, own: &str, tlp: Tlp| lets_out(label, &id(own), tlp).is_ok();
        let amber = label(TlpLabel::Level(Tlp::Amber));
        assert!(lets(&amber, "kinki", Tlp::Amber) && !lets(&amber, "kinki", Tlp::Green));
        let green = label(TlpLabel::Level(Tlp::Green));
        assert!(lets(&green, "kinki", Tlp::Amber) && !lets(&green, "kinki", Tlp::Clear));
        for closed in [TlpLabel::Level(Tlp::AmberStrict), TlpLabel::Level(Tlp::Red), TlpLabel::Unmarked] {
            assert!(!lets(&label(closed), "kinki", Tlp::Amber), "{closed:?}");
            assert!(lets(&label(closed), "police", Tlp::Clear), "one's own goes where one says");
        }
        assert!(!lets(&Label { originator_control: true, ..green }, "kinki", Tlp::Amber));
    }
}
