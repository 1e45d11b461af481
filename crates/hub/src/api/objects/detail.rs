//! One object: its JSON, its versions, who can see it and why.

use std::collections::BTreeSet;

use api::{ObjectDetail, ObjectRoute, ObjectVersion, RouteHop};
use axum::Json;
use axum::extract::{Path, State};
use oversight::{OrganisationId, OrganisationRole, PersonRole, Purpose};
use policy::{Label, LabelKey, Operation, Personal, Principal, PrincipalKind};
use serde::Deserialize;
use serde_json::Value;
use stix::{Id, Object, Timestamp};
use store::objects::Row;
use store::{Reader, StoreError, labels, objects, peers, routes, sightings};

use crate::api::summaries::{Teller, leaving, microseconds, parse};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::request::Query;
use crate::state::AppState;

/// Most sightings by others than edges that are added up.
const SIGHTINGS_ADDED_MAX: usize = 1_000;
/// An organisation that brought nothing in: what it sees, every organisation of its role sees.
const ANY_ORGANISATION: &str = "any-organisation-of-this-role";

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct VersionQuery {
    /// A version as its producer wrote it; absent: the newest that the caller may see.
    version: Option<String>,
}

/// One object.
#[utoipa::path(get, path = "/api/v1/objects/{id}", tag = "objects", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier"), VersionQuery),
    responses((status = 200, body = ObjectDetail), crate::api::CallerRefusal))]
pub(super) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<VersionQuery>,
) -> Answer<Json<ObjectDetail>> {
    caller.demand(&state, Operation::Read)?;
    let id = Id::parse(&id).map_err(|_| Failure::not_found())?;
    let version = query.version.as_deref().map(Timestamp::parse).transpose();
    let version =
        version.map_err(|error| Failure::new(api::Code::BadRequest, format!("version: {error}")))?;
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let mut teller = Teller::new(reader, &work.door, &asker.principal)?;
        let realm = asker.realm();
        let row = match &version {
            Some(version) => objects::get_version(reader, realm, &teller.visible, &id, version)?,
            None => objects::get(reader, realm, &teller.visible, &id)?,
        };
        let Some(row) = row else { return Ok(None) };
        let versions = objects::versions(reader, realm, &teller.visible, &row.id)?;
        let detail = detail(&work, &asker, &mut teller, &row, &versions)?;
        // The other versions are told with their times and hashes.
        let mut told: Vec<Leaving> = versions.iter().chain([&row]).map(leaving).collect();
        told.extend(teller.take_named());
        Ok(Some((detail, told, teller.visible)))
    });
    let (detail, leaving, visible) = found.await?.ok_or_else(Failure::not_found)?;
    let recipient = Recipient { caller, door: "object" };
    let detail =
        state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, detail).await?;
    Ok(Json(detail.into_inner()))
}

fn detail(
    state: &AppState,
    caller: &Caller,
    teller: &mut Teller<'_, '_>,
    row: &Row,
    versions: &[Row],
) -> Result<ObjectDetail, StoreError> {
    let (reader, realm) = (teller.reader, caller.realm());
    let object = parse(row)?;
    let label = labels::get(reader, realm, row.label)?
        .ok_or_else(|| StoreError::Corrupt(format!("label {}", row.label)))?;
    Ok(ObjectDetail {
        summary: teller.object(row)?,
        audience: audience(state, row.label, &label),
        because: state.engine.load().explain(&caller.principal, &label).1,
        versions: versions.iter().map(version).collect(),
        sightings: times_sighted(reader, caller, teller, &row.id)?,
        routes: came_by(reader, caller, versions)?,
        object: Value::Object(object.properties().clone()),
    })
}

/// How the versions that the caller may see came from other hubs.
fn came_by(reader: &Reader<'_>, caller: &Caller, seen: &[Row]) -> Result<Vec<ObjectRoute>, StoreError> {
    let Some(first) = seen.first() else { return Ok(Vec::new()) };
    let known = routes::of_object(reader, caller.realm(), &first.id)?;
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let peers = peers::list(reader, caller.realm())?;
    let hop = |hub: &String| RouteHop {
        hub: hub.clone(),
        peer: peers.iter().find(|peer| peer.hub == *hub).map(|peer| peer.id.clone()),
    };
    let keys: BTreeSet<String> = seen.iter().map(|row| routes::version_key(row.version.as_deref())).collect();
    let told = known.into_iter().filter(|route| keys.contains(&route.version_key));
    let told = told.map(|route| ObjectRoute {
        hops: route.hops.iter().map(hop).collect(),
        version_key: route.version_key,
        peer: route.peer,
        organisation: route.organisation,
        agreement: route.agreement,
        received: route.received.to_string(),
        held: route.held,
    });
    Ok(told.collect())
}

fn version(row: &Row) -> ObjectVersion {
    ObjectVersion {
        sequence: row.sequence,
        version: row.version.clone(),
        date_added: microseconds(row.date_added_us),
        hash: hex::encode(row.hash),
    }
}

/// The roles whose people see it, whichever organisation of the role they belong to. Its originator sees it besides.
fn audience(state: &AppState, key: LabelKey, label: &Label) -> Vec<String> {
    let Some(organisation) = OrganisationId::parse(ANY_ORGANISATION) else { return Vec::new() };
    let engine = state.engine.load();
    let sees = |role: &OrganisationRole| {
        let principal = Principal {
            kind: PrincipalKind::Person(String::new()),
            organisation: organisation.clone(),
            organisation_role: *role,
            roles: BTreeSet::from([PersonRole::Analyst]),
            realm: label.realm.clone(),
            purpose: Purpose::CollectiveDefence,
            // Of a clearance that it demands is told beside.
            personal: Personal { qualifications: label.demands.clone(), ..Personal::default() },
        };
        engine.visible(&principal, [(key, label)]).contains(key)
    };
    OrganisationRole::ALL.iter().copied().filter(sees).map(|role| role.name().to_owned()).collect()
}

/// Sightings by edges, and for what edges do not look for, the counts of visible sightings by others.
fn times_sighted(
    reader: &Reader<'_>,
    caller: &Caller,
    teller: &Teller<'_, '_>,
    id: &Id,
) -> Result<u64, StoreError> {
    let by_edges = sightings::times_seen(reader, caller.realm(), &teller.visible, id)?;
    if by_edges > 0 {
        return Ok(by_edges);
    }
    let mentions = objects::referring_to(reader, caller.realm(), &teller.visible, id, SIGHTINGS_ADDED_MAX)?;
    let sighting = |object: &Object| object.text("sighting_of_ref") == Some(id.as_str());
    let mut sum = 0_u64;
    for mention in mentions.iter().filter(|mention| mention.row.id.object_type() == "sighting") {
        let object = parse(&mention.row)?;
        if sighting(&object) {
            sum = sum.saturating_add(object.get("count").and_then(Value::as_u64).unwrap_or(1));
        }
    }
    Ok(sum)
}
