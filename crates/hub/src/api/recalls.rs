//! `/api/v1/recalls`: what was given out is taken back, and everybody who was given it acknowledges that.

use std::collections::{BTreeMap, BTreeSet};

use api::{Code, NewRecall, Recall, RecallBeyond, RecallHolder, RecallList};
use axum::Json;
use axum::extract::{Path, State};
use jiff::SignedDuration;
use oversight::{Action, AuditEvent, OrganisationId, OrganisationRole, Realm};
use policy::Operation;
use serde::Deserialize;
use stix::{Id, Timestamp};
use store::recalls::{self, Part, Which};
use store::{Act, Reader, StoreError, Tx, labels, objects, releases};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::session::second_look;
use crate::api::summaries::{parse, shown_name};
use crate::federation::acts;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::redaction;
use crate::request::{JsonBody, Query};
use crate::sharing::{self, LINE_CHARS_MAX, TEXT_CHARS_MAX};
use crate::state::AppState;

/// Recalls of one answer.
const LISTED_MAX: usize = 200;
/// A year.
const DEADLINE_HOURS_MAX: u32 = 8_760;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, issue)).routes(routes!(get)).routes(routes!(acknowledge))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RecallQuery {
    /// Only those that one's organisation has yet to acknowledge, oldest first.
    #[serde(default)]
    pending: bool,
    /// Only those of this object.
    object: Option<String>,
}

/// Recalls that concern one's organisation: of what it brought in, and of what it was given. Coordinator and oversight see all.
#[utoipa::path(get, path = "/api/v1/recalls", tag = "sharing", security(("session" = []), ("token" = [])), params(RecallQuery),
    responses((status = 200, body = RecallList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<RecallQuery>,
) -> Answer<Json<RecallList>> {
    caller.demand_any(&state, &[Operation::Read, Operation::SeeReleases])?;
    let object = query.object.as_deref().map(Id::parse).transpose();
    let object = object.map_err(|_| Failure::new(Code::BadRequest, "object: it is no STIX identifier"))?;
    let sees_all = caller.may(&state, Operation::SeeReleases);
    let found = state.store.read(move |reader| {
        let (realm, own) = (caller.realm(), &caller.principal.organisation);
        let mut found = match object {
            _ if query.pending => recalls::pending_for(reader, realm, own)?,
            Some(id) => recalls::list(reader, realm, &Which::Object(id), LISTED_MAX)?,
            None if sees_all => recalls::list(reader, realm, &Which::All, LISTED_MAX)?,
            None => {
                let mut found = recalls::list(reader, realm, &Which::IssuedFor(own.clone()), LISTED_MAX)?;
                found.extend(recalls::list(reader, realm, &Which::Given(own.clone()), LISTED_MAX)?);
                found.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.id.cmp(&b.id)));
                found
            }
        };
        found.truncate(LISTED_MAX);
        let told = found.into_iter().map(|recall| told(reader, &caller, sees_all, recall));
        Ok(told.collect::<Result<Vec<_>, StoreError>>()?.into_iter().flatten().collect())
    });
    Ok(Json(RecallList { recalls: found.await? }))
}

/// One recall.
#[utoipa::path(get, path = "/api/v1/recalls/{id}", tag = "sharing", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the recall")), responses((status = 200, body = Recall), crate::api::CallerRefusal))]
async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<Json<Recall>> {
    caller.demand_any(&state, &[Operation::Read, Operation::SeeReleases])?;
    answer(&state, caller, id).await
}

/// Recall an object, or one version of it.
///
/// From now on nobody but its originator can read it. Everybody who was given it is told why, and has to acknowledge it by the
/// deadline. What the originator publishes as a newer version is not recalled. Redacted copies are recalled with it: each whose
/// recipients there are is a recall of its own, by the copy's identifier. A person's last sign-in must be no older than 15 minutes
/// (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/recalls", tag = "sharing", security(("session" = []), ("token" = [])), request_body = NewRecall,
    responses((status = 200, body = Recall), crate::api::CallerRefusal))]
async fn issue(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewRecall>,
) -> Answer<Json<Recall>> {
    caller.demand(&state, Operation::RestrictRelease)?;
    let object = Id::parse(&body.object).map_err(|_| Failure::not_found())?;
    let version = body.version.as_deref().map(Timestamp::parse).transpose();
    let version = version.map_err(|error| Failure::new(Code::BadRequest, format!("version: {error}")))?;
    let reason = sharing::text("reason", &body.reason, TEXT_CHARS_MAX)?;
    if !(1..=DEADLINE_HOURS_MAX).contains(&body.deadline_hours) {
        let why = format!("deadline_hours: it goes from 1 to {DEADLINE_HOURS_MAX}");
        return Err(Failure::rule("out-of-range", why));
    }
    second_look(&state, &caller).await?;
    let hours = SignedDuration::from_hours(i64::from(body.deadline_hours));
    let id = uuid::Uuid::now_v7().to_string();
    let (work, asker, recall) = (state.clone(), caller.clone(), id.clone());
    let write = move |tx: &mut Tx<'_>| {
        take_back(tx, &work, &asker, (&object, version.as_ref()), (recall, reason, hours))
    };
    sharing::answered(state.store.write(write).await)?;
    answer(&state, caller, id).await
}

/// Acknowledge a recall for one's organisation: what was given is deleted, and whoever passed it on has passed on the recall.
#[utoipa::path(post, path = "/api/v1/recalls/{id}/acknowledge", tag = "sharing", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the recall")), responses((status = 200, body = Recall), crate::api::CallerRefusal))]
async fn acknowledge(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Recall>> {
    caller.demand(&state, Operation::AskRelease)?;
    let (asker, recall) = (caller.clone(), id.clone());
    let write = move |tx: &mut Tx<'_>| acknowledged(tx, &asker, &recall, &Part::Itself);
    state.store.write(write).await?;
    answer(&state, caller, id).await
}

/// An edge that reads on from a sequence has forgotten what it was told to forget before it.
pub(crate) async fn acknowledge_for_edge(state: &AppState, caller: &Caller, after: i64) -> Answer<()> {
    let asker = caller.clone();
    let pending = state.store.read(move |reader| {
        recalls::pending_for_edge(reader, asker.realm(), &asker.principal.organisation, asker.id())
    });
    let done: Vec<String> = pending
        .await?
        .into_iter()
        .filter(|recall| recall.sequence <= after)
        .map(|recall| recall.id)
        .collect();
    for recall in done {
        let asker = caller.clone();
        let write = move |tx: &mut Tx<'_>| {
            let edge = Part::Edge(asker.id().to_owned());
            acknowledged(tx, &asker, &recall, &edge)
        };
        state.store.write(write).await?;
    }
    Ok(())
}

fn acknowledged(tx: &mut Tx<'_>, caller: &Caller, recall: &str, part: &Part) -> Result<Act<()>, StoreError> {
    let holder = (&caller.principal.organisation, part);
    if !recalls::acknowledge(tx, caller.realm(), recall, holder, caller.id())? {
        return Ok(Act::bookkeeping(()));
    }
    let event = AuditEvent::done(Action::RecallAcknowledged, caller.actor.clone(), caller.purpose)
        .with("recall", recall);
    Ok(Act::audited((), caller.realm(), event))
}

fn take_back(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    (object, version): (&Id, Option<&Timestamp>),
    (id, reason, hours): (String, String, SignedDuration),
) -> Result<Act<()>, StoreError> {
    let realm = caller.realm();
    let visible = state.door.visible(tx, &caller.principal)?;
    let row = match version {
        Some(version) => objects::get_version(tx, realm, &visible, object, version)?,
        None => objects::get(tx, realm, &visible, object)?,
    };
    let row = row.ok_or_else(|| StoreError::NotFound { what: object.to_string() })?;
    let label = labels::get(tx, realm, row.label)?
        .ok_or_else(|| StoreError::Corrupt(format!("label {}", row.label)))?;
    if !state.engine.load().check(&caller.principal, Operation::RestrictRelease, &label) {
        return Err(sharing::refused());
    }
    if label.unknown.contains(&sharing::recalled()) {
        return Err(sharing::unfit("recalled-before", "it is recalled already"));
    }
    let recipients = recipients(tx, caller, &row, version.is_some())?;
    let one_version = version.and(row.version.as_deref());
    let copies = redaction::given(tx, realm, (object, &row.originator), one_version)?;
    let moved = sharing::change_labels(tx, realm, object, one_version, |label| {
        label.unknown.insert(sharing::recalled());
        label.granted.clear();
    })?;
    let recall = recalls::Recall {
        id,
        object: object.clone(),
        version: version.and(row.version.clone()),
        name: known_name(tx, realm, &visible, &row, version.is_some())?,
        reason,
        originator: row.originator.clone(),
        issuer: caller.principal.organisation.clone(),
        at: tx.now(),
        deadline: tx.now() + hours,
        sequence: moved.iter().map(|moved| moved.to).max().unwrap_or(0),
    };
    let own = &state.federation.own.hub;
    let peers = recalls::add(tx, realm, &recall, &recipients)?;
    acts::carry_recall(tx, own, &recall, &peers)?;
    let recalled_copies = recall_copies(tx, (realm, own), &recall, copies)?;
    let mut to: BTreeSet<OrganisationId> = recipients.into_keys().collect();
    to.insert(row.originator.clone());
    to.remove(&caller.principal.organisation);
    let event = AuditEvent::done(Action::ObjectsRecalled, caller.actor.clone(), caller.purpose)
        .on([object.as_str()])
        .with("recall", &recall.id)
        .with("told", to.len().to_string())
        .with("copies", recalled_copies.to_string())
        .with("deadline", recall.deadline.to_string());
    let text = format!("{}: {}", recall.name, recall.reason);
    sharing::tell(tx, realm, to, ("recall", &recall.id), (Some(object), &text))?;
    Ok(Act::audited((), realm, event))
}

/// Recalls the redacted copies that somebody was given, each by its own identifier: its recipients do not know the original. How many
/// there were.
fn recall_copies(
    tx: &mut Tx<'_>,
    (realm, own): (&Realm, &str),
    of: &recalls::Recall,
    copies: Vec<redaction::Given>,
) -> Result<usize, StoreError> {
    let sequence = objects::newest_sequence(tx)?;
    let count = copies.len();
    for copy in copies {
        let recall = recalls::Recall {
            id: uuid::Uuid::now_v7().to_string(),
            object: copy.id,
            name: copy.name.chars().take(LINE_CHARS_MAX).collect(),
            sequence,
            ..of.clone()
        };
        let peers = recalls::add(tx, realm, &recall, &copy.to)?;
        acts::carry_recall(tx, own, &recall, &peers)?;
        let mut to: BTreeSet<OrganisationId> = copy.to.into_keys().collect();
        to.remove(&of.issuer);
        let text = format!("{}: {}", recall.name, recall.reason);
        sharing::tell(tx, realm, to, ("recall", &recall.id), (Some(&recall.object), &text))?;
    }
    Ok(count)
}

/// The name that everybody knows who was given any version: where its versions have different ones, who had an older one would
/// learn a name that it was never shown, so they are told the identifier.
fn known_name(
    tx: &Tx<'_>,
    realm: &Realm,
    visible: &policy::Visible,
    row: &objects::Row,
    one_version: bool,
) -> Result<String, StoreError> {
    let name = shown_name(&parse(row)?);
    if !one_version {
        for other in objects::versions(tx, realm, visible, &row.id)? {
            if shown_name(&parse(&other)?) != name {
                return Ok(row.id.to_string());
            }
        }
    }
    Ok(name.chars().take(LINE_CHARS_MAX).collect())
}

/// Who was given it, and by which doors; not its originator.
fn recipients(
    tx: &Tx<'_>,
    caller: &Caller,
    row: &objects::Row,
    one_version: bool,
) -> Result<BTreeMap<OrganisationId, BTreeSet<String>>, StoreError> {
    let realm = caller.realm();
    let mut found = if one_version {
        let mut found: BTreeMap<OrganisationId, BTreeSet<String>> = BTreeMap::new();
        for release in releases::of_version(tx, realm, row.sequence)? {
            found.entry(release.recipient).or_default().insert(release.door);
        }
        found
    } else {
        releases::recipients(tx, realm, &row.id)?
    };
    found.remove(&row.originator);
    Ok(found)
}

async fn answer(state: &AppState, caller: Caller, id: String) -> Answer<Json<Recall>> {
    let sees_all = caller.may(state, Operation::SeeReleases);
    let found = state.store.read(move |reader| match recalls::get(reader, caller.realm(), &id)? {
        Some(recall) => told(reader, &caller, sees_all, recall),
        None => Ok(None),
    });
    found.await?.map(Json).ok_or_else(Failure::not_found)
}

/// A recall as the caller may know it; nothing where it is none of its business.
fn told(
    reader: &Reader<'_>,
    caller: &Caller,
    sees_all: bool,
    recall: recalls::Recall,
) -> Result<Option<Recall>, StoreError> {
    let own = &caller.principal.organisation;
    let mut holders = recalls::holders(reader, caller.realm(), &recall.id)?;
    let is_party = *own == recall.originator || *own == recall.issuer;
    let had_it = is_party || holders.iter().any(|holder| holder.organisation == *own);
    if !is_party && !sees_all {
        holders.retain(|holder| holder.organisation == *own);
        if holders.is_empty() {
            return Ok(None);
        }
    }
    // Who supervises sees acts and no content.
    let is_withheld = caller.principal.organisation_role == OrganisationRole::Oversight;
    let waiting = holders.iter().filter(|holder| holder.acknowledged.is_none());
    let pending = waiting.clone().any(|holder| holder.organisation == *own && holder.part == Part::Itself);
    let waiting = u64::try_from(waiting.count()).unwrap_or(u64::MAX);
    Ok(Some(Recall {
        id: recall.id,
        object: recall.object.to_string(),
        version: recall.version,
        name: if is_withheld || !had_it { recall.object.to_string() } else { recall.name },
        reason: if is_withheld { String::new() } else { recall.reason },
        originator: recall.originator.as_str().to_owned(),
        issuer: recall.issuer.as_str().to_owned(),
        at: recall.at.to_string(),
        deadline: recall.deadline.to_string(),
        pending,
        overdue: waiting > 0 && recall.deadline < reader.now(),
        waiting,
        holders: holders.into_iter().map(holder).collect(),
    }))
}

fn holder(holder: recalls::Holder) -> RecallHolder {
    let (edge, peer) = match holder.part {
        Part::Itself => (None, None),
        Part::Edge(edge) => (Some(edge), None),
        Part::Peer(peer) => (None, Some(peer)),
    };
    let beyond =
        holder.beyond.map(|reach| RecallBeyond { holders: reach.holders, acknowledged: reach.acknowledged });
    RecallHolder {
        organisation: holder.organisation.as_str().to_owned(),
        edge,
        peer,
        beyond,
        acknowledged: holder.acknowledged.map(|at| at.to_string()),
        acknowledged_by: holder.acknowledged_by,
    }
}
