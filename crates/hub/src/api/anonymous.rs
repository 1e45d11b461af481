//! `/api/v1/anonymous`: reports with their reporters' names withheld from all but the coordinator.
//!
//! 1. What names the reporter is taken out or refused, and said ([`withheld`]).
//! 2. The objects are brought in by `anonymous`, which is no organisation. The record of acts names the report's pseudonym.
//! 3. Who it was is sealed ([`seal`]) to the coordinator's key, whose private half the node does not keep, and stored apart.
//! 4. The reporter gets a receipt. Whoever holds it can follow the report, without signing in.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use api::{
    AnonymousObject, AnonymousReceipt, AnonymousReport, AnonymousReportList, AnonymousReported, Code,
    NewAnonymousReport, SealKey, SealOpened, SealOpening,
};
use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use oversight::{Action, Actor, AuditEvent, OrganisationId, Purpose};
use policy::{Label, Operation};
use stix::Object;
use store::anonymous::{self, Report, Seal};
use store::{
    Act, Reader, StoreError, Tx, audit, labels, objects, organisations, people, releases, secrets, settings,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::contributions::step;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::redaction::{self, Whose};
use crate::request::JsonBody;
use crate::sharing::seal::{self, Reporter};
use crate::sharing::withheld::{self, Withheld};
use crate::sharing::{self, TEXT_CHARS_MAX};
use crate::state::AppState;

/// Who brings in what is reported with a name withheld. No organisation may be called so.
pub(crate) const ANONYMOUS: &str = "anonymous";
/// The setting that holds the public half of the key to which names are sealed.
const KEY_SETTING: &str = "seal.key";
/// What a receipt begins with.
const RECEIPT_PREFIX: &str = "yr_";
/// Objects of one report at most.
const OBJECTS_MAX: usize = 200;
/// Reports of one organisation in an hour. Counted in memory alone, so that no row tells who reported.
const HOURLY_MAX: u32 = 20;
/// Reports of one answer.
const LISTED_MAX: usize = 200;

/// How many reports each organisation made in this hour.
#[derive(Debug, Default)]
pub(crate) struct Reporters(Mutex<HashMap<OrganisationId, (Option<Instant>, u32)>>);

impl Reporters {
    fn admit(&self, organisation: &OrganisationId) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, count) = known.entry(organisation.clone()).or_default();
        if began.is_none_or(|began| began.elapsed() > Duration::from_secs(3_600)) {
            (*began, *count) = (Some(Instant::now()), 0);
        }
        *count += 1;
        *count <= HOURLY_MAX
    }
}

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, report))
        .routes(routes!(follow))
        .routes(routes!(new_key))
        .routes(routes!(open))
}

/// Reports with names withheld, and whether there is a key to seal names to.
#[utoipa::path(get, path = "/api/v1/anonymous", tag = "sharing", security(("session" = []), ("token" = [])),
    responses((status = 200, body = AnonymousReportList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<AnonymousReportList>> {
    caller.demand_any(&state, &[Operation::OpenSeals, Operation::SubmitAnonymously])?;
    let is_opener = caller.may(&state, Operation::OpenSeals);
    let found = state.store.read(move |reader| {
        let reports =
            if is_opener { anonymous::list(reader, caller.realm(), LISTED_MAX)? } else { Vec::new() };
        let reports = reports.into_iter().map(|report| told(reader, report));
        Ok(AnonymousReportList {
            reports: reports.collect::<Result<_, StoreError>>()?,
            seal_key: key(reader)?,
        })
    });
    Ok(Json(found.await?))
}

/// Report with one's name withheld.
///
/// All or nothing: when an object is refused nothing is stored. The answer shows what is shared, what was changed before, and why.
#[utoipa::path(post, path = "/api/v1/anonymous", tag = "sharing", security(("session" = []), ("token" = [])),
    request_body = NewAnonymousReport, responses((status = 200, body = AnonymousReported), crate::api::CallerRefusal))]
async fn report(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewAnonymousReport>,
) -> Answer<Json<AnonymousReported>> {
    let (receipt, prepared) = submit(&state, &caller, body.objects, Vec::new(), body.dry_run).await?;
    Ok(Json(reported(receipt, prepared)))
}

/// Follow a report by its receipt. Whoever holds the receipt may; nobody need sign in.
#[utoipa::path(post, path = "/api/v1/anonymous/follow", tag = "sharing", security(()), request_body = AnonymousReceipt,
    responses((status = 200, body = AnonymousReport), crate::api::AnyRefusal))]
async fn follow(
    State(state): State<AppState>,
    JsonBody(body): JsonBody<AnonymousReceipt>,
) -> Answer<Json<AnonymousReport>> {
    let hash = secrets::hash(body.receipt.trim());
    let found = state.store.read(move |reader| {
        let report = anonymous::by_receipt(reader, &crate::REALM, &hash)?;
        report.map(|report| told(reader, report)).transpose()
    });
    found.await?.map(Json).ok_or_else(Failure::not_found)
}

/// Make a new key to seal names to. What was sealed before is opened with the key of its time.
#[utoipa::path(post, path = "/api/v1/anonymous/key", tag = "sharing", security(("session" = []), ("token" = [])),
    responses((status = 200, body = SealKey), crate::api::CallerRefusal))]
async fn new_key(State(state): State<AppState>, caller: Caller) -> Answer<Json<SealKey>> {
    caller.demand(&state, Operation::OpenSeals)?;
    let (public, private) = seal::generate().map_err(|_| Failure::internal("no key could be made"))?;
    let kept = public.clone();
    let write = move |tx: &mut Tx<'_>| {
        settings::put(tx, caller.realm(), KEY_SETTING, kept.as_bytes())?;
        let event = AuditEvent::done(Action::SealKeyChanged, caller.actor.clone(), caller.purpose);
        Ok(Act::audited((), caller.realm(), event.with("key", short(&kept))))
    };
    state.store.write(write).await?;
    Ok(Json(SealKey { public, private }))
}

/// Learn who made a report. The reason stands in the record of acts before the name is told.
#[utoipa::path(post, path = "/api/v1/anonymous/{id}/open", tag = "sharing", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the report's pseudonym")), request_body = SealOpening,
    responses((status = 200, body = SealOpened), crate::api::CallerRefusal))]
async fn open(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<SealOpening>,
) -> Answer<Json<SealOpened>> {
    caller.demand(&state, Operation::OpenSeals)?;
    let reason = sharing::text("reason", &body.reason, TEXT_CHARS_MAX)?;
    let (asker, report) = (caller.clone(), id.clone());
    let seal = state.store.read(move |reader| anonymous::seal(reader, asker.realm(), &report)).await?;
    let seal = seal.ok_or_else(Failure::not_found)?;
    let opened = seal::open(&body.private, &id, &seal.sealed);
    let outcome = if opened.is_ok() { oversight::Outcome::Done } else { oversight::Outcome::Refused };
    let write = move |tx: &mut Tx<'_>| {
        let event = AuditEvent::done(Action::SealOpened, caller.actor.clone(), caller.purpose)
            .with("report", &id)
            .with("reason", reason.chars().take(1_000).collect::<String>());
        Ok(Act::audited(tx.now(), caller.realm(), AuditEvent { outcome, ..event }))
    };
    state.store.write(write).await?;
    let reporter = opened.map_err(|_| {
        let why =
            format!("this is not the key that opens it: take the private half of `{}`", short(&seal.key));
        Failure::rule("seal-key", why)
    })?;
    Ok(Json(SealOpened {
        organisation: reporter.organisation.as_str().to_owned(),
        account: reporter.account,
        at: reporter.at,
    }))
}

/// Takes a report in with its reporter's name withheld, by whatever door it came. `names` are words by which the reporter is
/// known beside those that this node knows. Without a receipt nothing was stored.
///
/// # Errors
/// 403 for who may not; 503 without a key to seal names to; 429 for the organisation's reports of an hour.
pub(crate) async fn submit(
    state: &AppState,
    caller: &Caller,
    objects: Vec<serde_json::Value>,
    mut names: Vec<String>,
    is_trial: bool,
) -> Answer<(Option<String>, Withheld)> {
    caller.demand(state, Operation::SubmitAnonymously)?;
    if objects.is_empty() || objects.len() > OBJECTS_MAX {
        let why = format!("objects: a report has 1 to {OBJECTS_MAX}");
        return Err(Failure::rule("count", why));
    }
    let asker = caller.clone();
    let (known, key) =
        state.store.read(move |reader| Ok((self::names(reader, &asker)?, key(reader)?))).await?;
    names.extend(known);
    let now = Timestamp::now();
    let mut prepared = withheld::prepare(objects, &names, &sharing::stix_time(now), uuid::Uuid::new_v4);
    let parsed = read(&mut prepared);
    if is_trial || !prepared.refused.is_empty() {
        return Ok((None, prepared));
    }
    let key = key.ok_or_else(|| {
        let why = "the coordinator has not made a key to seal names to; ask it to";
        Failure::new(Code::Unavailable, why)
    })?;
    if !state.reporters.admit(&caller.principal.organisation) {
        let why =
            format!("your organisation made {HOURLY_MAX} such reports within the hour; try again later");
        return Err(Failure::new(Code::TooMany, why));
    }
    let receipt = secrets::generate(RECEIPT_PREFIX)?;
    let id = format!("anonymous-{}", uuid::Uuid::new_v4().simple());
    let reporter = Reporter {
        organisation: caller.principal.organisation.clone(),
        account: caller.id().to_owned(),
        at: now.to_string(),
    };
    let sealed = seal::seal(&key, &id, &reporter)
        .map_err(|_| Failure::internal("a name cannot be sealed: the key is not one"))?;
    let (work, hash, seal) = (state.clone(), secrets::hash(&receipt), Seal { key, sealed });
    let write = move |tx: &mut Tx<'_>| store_report(tx, &work, id, parsed, &hash, &seal);
    state.store.write(write).await?;
    Ok((Some(receipt), prepared))
}

/// The objects as they will be stored; what breaks a rule of STIX is refused.
fn read(prepared: &mut Withheld) -> Vec<Object> {
    let mut parsed = Vec::new();
    let mut faults = Vec::new();
    for (index, object) in (0_u64..).zip(&prepared.objects) {
        match Object::parse(bytes::Bytes::from(object.to_string())) {
            Ok(object) => match crate::ingest::fault(&object) {
                None => parsed.push(object),
                Some(fault) => faults.push((index, fault)),
            },
            Err(error) => faults.push((index, error.message)),
        }
    }
    for (index, fault) in faults {
        prepared.refuse(index, "not-stix", &fault);
    }
    parsed
}

fn reported(receipt: Option<String>, prepared: Withheld) -> AnonymousReported {
    AnonymousReported {
        receipt,
        objects: prepared.objects,
        changed: prepared.changed,
        refused: prepared.refused,
    }
}

fn store_report(
    tx: &mut Tx<'_>,
    state: &AppState,
    id: String,
    parsed: Vec<Object>,
    receipt: &secrets::SecretHash,
    seal: &Seal,
) -> Result<Act<()>, StoreError> {
    let realm = &crate::REALM;
    let originator = nobody()?;
    let mut new = Vec::new();
    for object in parsed {
        // An anonymous reporter cannot show that an object was its own before.
        if objects::originator(tx, realm, object.id())?.is_some() && object.version().is_some() {
            return Err(sharing::unfit("not-creator", "an object of this identifier is here already"));
        }
        let label = labels::intern(tx, &Label::of(&object, &originator, realm, |_| None))?;
        new.push(objects::NewObject { object, label });
    }
    let outcomes = objects::add(tx, realm, state.collection.key, &originator, &new)?;
    let mut places = Vec::new();
    for (outcome, new) in outcomes.into_iter().zip(&new) {
        match outcome {
            objects::AddOutcome::Added { sequence, .. } => {
                places.push(sequence);
                let whose = Whose { realm, collection: state.collection.key, originator: &originator };
                places.extend(redaction::follow(tx, whose, &new.object, |_| None)?);
            }
            objects::AddOutcome::Duplicate { .. } => {}
            // An observable that is known is known by its value.
            objects::AddOutcome::Refused { .. } if new.object.version().is_none() => {}
            objects::AddOutcome::Refused { code, message } => return Err(sharing::unfit(code, message)),
        }
    }
    let hour = tx.now().as_second();
    let at = Timestamp::from_second(hour - hour.rem_euclid(3_600)).unwrap_or_else(|_| tx.now());
    let leaf = audit::next_leaf(tx)?;
    let report = Report { id, objects: new.iter().map(|new| new.object.id().clone()).collect(), at, leaf };
    anonymous::add(tx, realm, &report, receipt, seal)?;
    let actor = Actor::Program { id: report.id, organisation: originator };
    let event = AuditEvent::done(Action::ReportedAnonymously, actor, Purpose::CollectiveDefence)
        .on(crate::release::sequence_ranges(places.into_iter()));
    Ok(Act::audited((), realm, event))
}

/// A report as the holder of its receipt, and the coordinator, may know it.
fn told(reader: &Reader<'_>, report: Report) -> Result<AnonymousReport, StoreError> {
    let realm = &crate::REALM;
    let known = labels::all(reader, realm)?;
    let mut seen = Vec::new();
    for id in report.objects {
        let label = objects::standing_label(reader, realm, &id)?;
        let label = label.and_then(|key| known.iter().find(|(known, _)| *known == key));
        let state = match label {
            None => "withdrawn",
            Some((_, label)) if label.unknown.contains(&sharing::recalled()) => "recalled",
            Some(_) => "shared",
        };
        let given = releases::recipients(reader, realm, &id)?.len();
        seen.push(AnonymousObject {
            id: id.to_string(),
            state: state.to_owned(),
            given_to_at_least: step(u64::try_from(given).unwrap_or(u64::MAX)),
        });
    }
    Ok(AnonymousReport { id: report.id, at: report.at.to_string(), leaf: report.leaf, objects: seen })
}

/// The words by which a reporter is known.
fn names(reader: &Reader<'_>, caller: &Caller) -> Result<Vec<String>, StoreError> {
    let mut names = BTreeSet::from([caller.principal.organisation.as_str().to_owned()]);
    if let Some(own) = organisations::get(reader, caller.realm(), &caller.principal.organisation)? {
        names.extend([own.name_ja, own.name_en, own.identity.to_string()]);
    }
    if let Some(person) = people::get(reader, caller.realm(), caller.id())? {
        names.extend([person.name, person.login]);
    }
    Ok(names.into_iter().filter(|name| !name.trim().is_empty()).collect())
}

fn key(reader: &Reader<'_>) -> Result<Option<String>, StoreError> {
    Ok(settings::get(reader, &crate::REALM, KEY_SETTING)?.and_then(|bytes| String::from_utf8(bytes).ok()))
}

/// The beginning of a public key, to tell keys apart.
fn short(key: &str) -> String {
    key.chars().take(16).collect()
}

fn nobody() -> Result<OrganisationId, StoreError> {
    OrganisationId::parse(ANONYMOUS).ok_or_else(|| StoreError::Corrupt("nobody's name".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_a_name_that_the_store_takes() {
        assert_eq!(nobody().unwrap().as_str(), ANONYMOUS);
    }

    #[test]
    fn reports_are_limited_for_each_organisation() {
        let reporters = Reporters::default();
        let (one, two) = (OrganisationId::parse("a").unwrap(), OrganisationId::parse("b").unwrap());
        assert!((0..HOURLY_MAX).all(|_| reporters.admit(&one)));
        assert!(!reporters.admit(&one));
        assert!(reporters.admit(&two));
    }
}
