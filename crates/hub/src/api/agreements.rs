//! `/api/v1/agreements`: what organisations agree to give each other. Drafted, signed by each party, suspended, ended.

use api::{
    AgreementEntry, AgreementInfo, AgreementList, AgreementOrders, AgreementSide, AgreementStep,
    AgreementTerm, AgreementText, Code,
};
use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use oversight::{Action, AuditEvent, OrganisationId, OrganisationRole, Purpose};
use policy::{
    Agreement, AgreementId, ObjectClass, Onward, Operation, OrderAction, OrderTerm, Side, SideState,
    Standing, Term, Title,
};
use stix::marking::{Pap, Tlp};
use store::agreements::{parse_state, state_name};
use store::{Act, Reader, StoreError, Tx, agreements, organisations, people};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::fresh_proof;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::sharing;
use crate::state::AppState;

/// Lines of an agreement's history that are told.
const HISTORY_MAX: usize = 200;
/// Most characters of a reason.
const REASON_CHARS_MAX: usize = 2_000;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, draft)).routes(routes!(get)).routes(routes!(step))
}

/// The agreements of the caller's organisation; for the coordinator and for oversight, all.
#[utoipa::path(get, path = "/api/v1/agreements", tag = "sharing", security(("session" = []), ("token" = [])),
    responses((status = 200, body = AgreementList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<AgreementList>> {
    caller.demand_any(&state, &[Operation::Read, Operation::Inspect])?;
    let agreements = seen(&state, &caller).await?;
    Ok(Json(AgreementList {
        agreements: agreements.into_iter().map(|found| found.tell(&caller, &state, Vec::new())).collect(),
    }))
}

/// One agreement.
#[utoipa::path(get, path = "/api/v1/agreements/{id}", tag = "sharing", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "Short name")),
    responses((status = 200, body = AgreementInfo), crate::api::CallerRefusal))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<AgreementInfo>> {
    caller.demand_any(&state, &[Operation::Read, Operation::Inspect])?;
    Ok(Json(one(&state, &caller, &id).await?))
}

/// Drafts an agreement. It gives nothing before every party has signed it.
#[utoipa::path(post, path = "/api/v1/agreements", tag = "sharing", security(("session" = [])),
    request_body = AgreementText,
    responses((status = 200, body = AgreementInfo), crate::api::CallerRefusal))]
async fn draft(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<AgreementText>,
) -> Answer<Json<AgreementInfo>> {
    caller.demand(&state, Operation::Agree)?;
    let agreement = read(&body).map_err(|why| Failure::rule("agreement-text", why))?;
    if !agreement.parties.contains(&caller.principal.organisation) {
        let why = "`parties`: your own organisation is none of them; add it";
        return Err(Failure::rule("agreement-without-oneself", why));
    }
    if state.policies.agreements_in_files().iter().any(|other| other.id == agreement.id) {
        return Err(Failure::new(
            Code::Conflict,
            format!("`{}` stands in a file already; choose another id", agreement.id),
        ));
    }
    let (asker, text, id) = (caller.clone(), agreement.clone(), agreement.id.to_string());
    let write = state.store.write(move |tx| {
        let realm = asker.realm().clone();
        for party in &text.parties {
            if organisations::get(tx, &realm, party)?.is_none() {
                let why = format!("`parties`: `{party}` is not an organisation of this hub");
                return Err(sharing::unfit("agreement-party", why));
            }
        }
        agreements::draft(tx, &realm, &text, &asker.principal.organisation)?;
        tell_others(tx, &asker, &text, "agreement-drafted", None)?;
        let event = event(&asker, &text.id, "draft").with("hash", hex::encode(text.hash()));
        Ok(Act::audited((), &realm, event))
    });
    write.await?;
    state.policies.renew().await.map_err(Failure::internal)?;
    Ok(Json(one(&state, &caller, &id).await?))
}

/// Signs, suspends, resumes or ends the side of the caller's organisation. What is ended stays ended. The last sign-in must be no
/// older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/agreements/{id}/side", tag = "sharing", security(("session" = [])),
    params(("id" = String, Path, description = "Short name")), request_body = AgreementStep,
    responses((status = 200, body = AgreementInfo), crate::api::CallerRefusal))]
async fn step(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<AgreementStep>,
) -> Answer<Json<AgreementInfo>> {
    caller.demand(&state, Operation::Agree)?;
    let found = find(&state, &caller, &id).await?;
    let party = caller.principal.organisation.clone();
    if !found.standing.agreement.parties.contains(&party) {
        return Err(Failure::not_allowed());
    }
    let wanted = Wanted::read(&body, &found.standing.agreement)?;
    fresh_proof(&state, &caller).await?;
    let (asker, in_files) = (caller.clone(), state.policies.agreements_in_files());
    let write = state.store.write(move |tx| say(tx, &asker, party, &in_files, wanted));
    write.await?;
    state.policies.renew().await.map_err(Failure::internal)?;
    Ok(Json(one(&state, &caller, &id).await?))
}

/// What a party says.
struct Wanted {
    agreement: AgreementId,
    state: SideState,
    hash: String,
    reason: Option<String>,
}

impl Wanted {
    fn read(body: &AgreementStep, agreement: &Agreement) -> Answer<Self> {
        let hash = hex::encode(agreement.hash());
        if body.hash != hash {
            let detail = "`hash` is not that of the agreement as it stands; read it again";
            return Err(Failure::new(Code::Conflict, detail));
        }
        let state = parse_state(&body.state).filter(|state| *state != SideState::Unsigned);
        let state = state
            .ok_or_else(|| Failure::rule("not-one-of", "state: it is `signed`, `suspended` or `ended`"))?;
        let given = body.reason.as_deref().filter(|reason| !reason.trim().is_empty());
        let reason = match (given, state) {
            (Some(reason), _) => Some(sharing::text("reason", reason, REASON_CHARS_MAX)?),
            (None, SideState::Suspended | SideState::Ended) => {
                let detail = "reason: the other parties are to read why; write it";
                return Err(Failure::rule("agreement-reason", detail));
            }
            (None, _) => None,
        };
        Ok(Self { agreement: agreement.id.clone(), state, hash, reason })
    }
}

/// Puts a party's word down, if its side may become that, and tells the other parties.
fn say(
    tx: &mut Tx<'_>,
    asker: &Caller,
    party: OrganisationId,
    in_files: &[Agreement],
    wanted: Wanted,
) -> Result<Act<()>, StoreError> {
    let realm = asker.realm().clone();
    let Wanted { agreement, state, hash, reason } = wanted;
    // Looked at again, in the transaction that changes it.
    let standings = agreements::standings(tx, &realm, in_files)?;
    let standing = standings.into_iter().find(|standing| standing.agreement.id == agreement);
    let standing = standing.ok_or_else(|| StoreError::NotFound { what: agreement.to_string() })?;
    if hex::encode(standing.agreement.hash()) != hash || !next(standing.side(&party)).contains(&state) {
        let from = state_name(standing.side(&party));
        let why = format!(
            "your organisation's side is `{from}`; from there it cannot become `{}`",
            state_name(state)
        );
        return Err(sharing::unfit("agreement-side", why));
    }
    let person = people::get(tx, &realm, asker.id())?;
    let side = agreements::Side {
        agreement: agreement.clone(),
        party,
        state,
        person: asker.id().to_owned(),
        hash: hash.clone(),
        at: tx.now(),
    };
    let name = person.map(|person| person.name).unwrap_or_default();
    agreements::step(tx, &realm, &agreements::Step { side, name, reason: reason.clone() })?;
    let kind = match state {
        SideState::Suspended => "agreement-suspended",
        SideState::Ended => "agreement-ended",
        SideState::Signed | SideState::Unsigned => "agreement-signed",
    };
    tell_others(tx, asker, &standing.agreement, kind, reason.as_deref())?;
    let event = event(asker, &agreement, state_name(state)).with("hash", hash);
    Ok(Act::audited((), &realm, event))
}

/// Tells the parties beside the caller's own.
fn tell_others(
    tx: &mut Tx<'_>,
    asker: &Caller,
    agreement: &Agreement,
    kind: &'static str,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    let own = &asker.principal.organisation;
    let to = agreement.parties.iter().filter(|party| *party != own).cloned().collect();
    let title = format!("{} / {}", agreement.title.ja, agreement.title.en);
    let text = reason.map_or_else(|| title.clone(), |reason| format!("{title}\n{reason}"));
    sharing::tell(tx, asker.realm(), to, (kind, agreement.id.as_str()), (None, &text))
}

/// An agreement as it was found.
struct Found {
    standing: Standing,
    sides: Vec<agreements::Side>,
    drafted: Option<agreements::Drafted>,
    in_file: bool,
    now: Timestamp,
}

/// One agreement with its history.
async fn one(state: &AppState, caller: &Caller, id: &str) -> Answer<AgreementInfo> {
    let found = find(state, caller, id).await?;
    let (realm, agreement) = (caller.realm().clone(), found.standing.agreement.id.clone());
    let steps = state.store.read(move |reader| agreements::steps(reader, &realm, &agreement, HISTORY_MAX));
    let history = steps.await?.into_iter().map(entry).collect();
    Ok(found.tell(caller, state, history))
}

fn entry(step: agreements::Step) -> AgreementEntry {
    AgreementEntry {
        party: step.side.party.to_string(),
        state: state_name(step.side.state).to_owned(),
        person: step.name,
        reason: step.reason,
        hash: step.side.hash,
        at: step.side.at.to_string(),
    }
}

async fn find(state: &AppState, caller: &Caller, id: &str) -> Answer<Found> {
    let id = AgreementId::parse(id).ok_or_else(Failure::not_found)?;
    let mut found = seen(state, caller).await?.into_iter();
    found.find(|found| found.standing.agreement.id == id).ok_or_else(Failure::not_found)
}

/// What the caller may know of.
async fn seen(state: &AppState, caller: &Caller) -> Answer<Vec<Found>> {
    let in_files = state.policies.agreements_in_files();
    let sees_all = caller.principal.organisation_role == OrganisationRole::Coordinator
        || caller.may(state, Operation::Inspect);
    let asker = caller.clone();
    let read = move |reader: &Reader<'_>| {
        let realm = asker.realm();
        let sides = agreements::sides(reader, realm)?;
        let is_known = |standing: &Standing| {
            sees_all || standing.agreement.parties.contains(&asker.principal.organisation)
        };
        let drafts = agreements::drafted(reader, realm)?;
        let standings = agreements::standings(reader, realm, &in_files)?;
        let found = standings.into_iter().filter(is_known).map(|standing| {
            let id = &standing.agreement.id;
            let sides = sides.iter().filter(|side| side.agreement == *id).cloned().collect();
            let in_file = in_files.iter().any(|known| known.id == *id);
            let drafted = drafts.iter().find(|draft| draft.agreement == *id && !in_file).cloned();
            Found { sides, drafted, in_file, now: reader.now(), standing }
        });
        Ok(found.collect())
    };
    Ok(state.store.read(read).await?)
}

impl Found {
    fn tell(self, caller: &Caller, state: &AppState, history: Vec<AgreementEntry>) -> AgreementInfo {
        let standing = &self.standing;
        let agreement = &standing.agreement;
        let side = |party: &OrganisationId| AgreementSide {
            party: party.to_string(),
            state: state_name(standing.side(party)).to_owned(),
            at: self.sides.iter().find(|side| side.party == *party).map(|side| side.at.to_string()),
        };
        let own = &caller.principal.organisation;
        let may = if agreement.parties.contains(own) && caller.may(state, Operation::Agree) {
            next(standing.side(own)).iter().map(|state| state_name(*state).to_owned()).collect()
        } else {
            Vec::new()
        };
        AgreementInfo {
            text: text(agreement),
            hash: hex::encode(agreement.hash()),
            source: if self.in_file { "file" } else { "store" }.to_owned(),
            in_force: standing.is_in_force(self.now),
            sides: agreement.parties.iter().map(side).collect(),
            may,
            drafted_by: self.drafted.as_ref().map(|drafted| drafted.by.to_string()),
            drafted: self.drafted.as_ref().map(|drafted| drafted.at.to_string()),
            history,
        }
    }
}

/// What a party's state may become.
fn next(state: SideState) -> &'static [SideState] {
    match state {
        SideState::Unsigned | SideState::Suspended => &[SideState::Signed, SideState::Ended],
        SideState::Signed => &[SideState::Suspended, SideState::Ended],
        SideState::Ended => &[],
    }
}

fn event(caller: &Caller, agreement: &AgreementId, step: &str) -> AuditEvent {
    AuditEvent::done(Action::AgreementChanged, caller.actor.clone(), caller.purpose)
        .with("agreement", agreement.as_str())
        .with("step", step)
        .with("party", caller.principal.organisation.as_str())
}

fn text(agreement: &Agreement) -> AgreementText {
    AgreementText {
        id: agreement.id.to_string(),
        title_ja: agreement.title.ja.clone(),
        title_en: agreement.title.en.clone(),
        parties: strings(&agreement.parties),
        from: agreement.from.to_string(),
        until: agreement.until.to_string(),
        reciprocal: agreement.reciprocal,
        terms: agreement.terms.iter().map(told_term).collect(),
        orders: agreement.orders.iter().map(told_orders).collect(),
    }
}

fn told_orders(term: &OrderTerm) -> AgreementOrders {
    AgreementOrders {
        by: strings(&term.by),
        at: strings(&term.at),
        actions: term.actions.iter().map(|action| action.name().to_owned()).collect(),
        minutes_max: term.minutes_max,
    }
}

fn told_term(term: &Term) -> AgreementTerm {
    let (onward, onward_to) = match &term.onward {
        Onward::None => ("none", Vec::new()),
        Onward::Named(named) => ("named", strings(named)),
        Onward::SameTerms => ("same-terms", Vec::new()),
    };
    AgreementTerm {
        from: strings(&term.from),
        to: strings(&term.to),
        classes: term.classes.iter().map(|class| class.name().to_owned()).collect(),
        tlp: term.tlp.name().to_owned(),
        pap: term.pap.name().to_owned(),
        purposes: strings(&term.purposes),
        onward: onward.to_owned(),
        onward_to,
        originator_control: term.originator_control,
    }
}

fn strings<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(|item| item.to_string()).collect()
}

/// Reads what was drafted; the error names the part.
fn read(body: &AgreementText) -> Result<Agreement, String> {
    let time = |name: &str, text: &str| {
        text.parse::<Timestamp>().map_err(|error| format!("`{name}` is not a time as in RFC 3339: {error}"))
    };
    let terms = (1..)
        .zip(&body.terms)
        .map(|(number, term)| read_term(term).map_err(|error: String| format!("term {number}: {error}")));
    let orders = (1..)
        .zip(&body.orders)
        .map(|(number, term)| read_orders(term).map_err(|error| format!("orders {number}: {error}")));
    let agreement = Agreement {
        id: AgreementId::parse(&body.id).ok_or("`id` is 1–64 of `a–z 0–9 -`")?,
        title: Title { ja: body.title_ja.clone(), en: body.title_en.clone() },
        parties: body.parties.iter().map(|name| organisation(name)).collect::<Result<_, _>>()?,
        from: time("from", &body.from)?,
        until: time("until", &body.until)?,
        reciprocal: body.reciprocal,
        terms: terms.collect::<Result<_, _>>()?,
        orders: orders.collect::<Result<_, _>>()?,
    };
    agreement.check().map_err(|error| error.to_string())?;
    Ok(agreement)
}

fn read_term(term: &AgreementTerm) -> Result<Term, String> {
    let side = |text: &String| text.parse::<Side>().map_err(|error| error.to_string());
    let class = |name: &String| {
        ObjectClass::parse(name).ok_or_else(|| format!("`classes`: `{name}` is no class of objects"))
    };
    let purpose =
        |name: &String| Purpose::parse(name).ok_or_else(|| format!("`purposes`: `{name}` is no purpose"));
    let onward = match term.onward.as_str() {
        "none" => Onward::None,
        "same-terms" => Onward::SameTerms,
        "named" => {
            Onward::Named(term.onward_to.iter().map(|name| organisation(name)).collect::<Result<_, _>>()?)
        }
        other => return Err(format!("`onward`: `{other}` is neither `none`, `named` nor `same-terms`")),
    };
    Ok(Term {
        from: term.from.iter().map(side).collect::<Result<_, _>>()?,
        to: term.to.iter().map(side).collect::<Result<_, _>>()?,
        classes: term.classes.iter().map(class).collect::<Result<_, _>>()?,
        tlp: Tlp::parse(&term.tlp).ok_or("`tlp` is not a level")?,
        pap: Pap::parse(&term.pap).ok_or("`pap` is not a level")?,
        purposes: term.purposes.iter().map(purpose).collect::<Result<_, _>>()?,
        onward,
        originator_control: term.originator_control,
    })
}

fn read_orders(term: &AgreementOrders) -> Result<OrderTerm, String> {
    let action = |name: &String| {
        let unknown = || format!("`actions`: `{name}` is neither `deny` nor `contain`");
        OrderAction::parse(name).ok_or_else(unknown)
    };
    Ok(OrderTerm {
        by: term.by.iter().map(|name| organisation(name)).collect::<Result<_, _>>()?,
        at: term
            .at
            .iter()
            .map(|text| text.parse::<Side>().map_err(|error| error.to_string()))
            .collect::<Result<_, _>>()?,
        actions: term.actions.iter().map(action).collect::<Result<_, _>>()?,
        minutes_max: term.minutes_max,
    })
}

fn organisation(name: &str) -> Result<OrganisationId, String> {
    OrganisationId::parse(name).ok_or_else(|| format!("`{name}` is not an organisation's short name"))
}
