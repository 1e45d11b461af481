//! `/api/v1/sharing-groups`: groups that objects are limited to. Who is in one is known to its members only.

use std::collections::{BTreeMap, BTreeSet};

use api::{NewSharingGroup, SharingGroupInfo, SharingGroupList};
use axum::Json;
use axum::extract::{Path, State};
use oversight::{Action, AuditEvent, OrganisationId};
use policy::{GroupId, Operation};
use store::sharing_groups::{self, SharingGroup};
use store::{Act, StoreError, Tx, collections, organisations};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::ingest;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::state::AppState;

/// Bytes of a name at most.
const NAME_BYTES_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(get)).routes(routes!(join, leave))
}

/// The groups that the caller's organisation is in.
#[utoipa::path(get, path = "/api/v1/sharing-groups", tag = "sharing", security(("session" = []), ("token" = [])),
    responses((status = 200, body = SharingGroupList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<SharingGroupList>> {
    caller.demand(&state, Operation::Read)?;
    let groups = seen(&state, &caller).await?;
    Ok(Json(SharingGroupList { groups }))
}

/// One group.
#[utoipa::path(get, path = "/api/v1/sharing-groups/{id}", tag = "sharing", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "UUID")),
    responses((status = 200, body = SharingGroupInfo), crate::api::CallerRefusal))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<SharingGroupInfo>> {
    caller.demand(&state, Operation::Read)?;
    find(&state, &caller, &id).await.map(Json)
}

/// Makes a group, with the caller's organisation as its owner and first member.
#[utoipa::path(post, path = "/api/v1/sharing-groups", tag = "sharing", security(("session" = [])),
    request_body = NewSharingGroup,
    responses((status = 200, body = SharingGroupInfo), crate::api::CallerRefusal))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<NewSharingGroup>,
) -> Answer<Json<SharingGroupInfo>> {
    caller.demand(&state, Operation::ManageGroups)?;
    for (field, name) in [("name_ja", &body.name_ja), ("name_en", &body.name_en)] {
        if name.trim().is_empty() || name.len() > NAME_BYTES_MAX {
            let detail = format!("{field}: write a name of 1 to {NAME_BYTES_MAX} bytes");
            return Err(Failure::rule("length", detail));
        }
    }
    let parsed = body.members.iter().map(|name| OrganisationId::parse(name));
    let mut members: BTreeSet<OrganisationId> = parsed
        .collect::<Option<_>>()
        .ok_or_else(|| Failure::rule("short-name", "members: they are organisations' short names"))?;
    members.insert(caller.principal.organisation.clone());
    let id = GroupId(Uuid::new_v4());
    let (asker, collection) = (caller.clone(), state.collection.key);
    let write = state.store.write(move |tx| {
        let realm = asker.realm().clone();
        let owner = asker.principal.organisation.clone();
        let group =
            SharingGroup { id, name_ja: body.name_ja, name_en: body.name_en, owner, created: tx.now() };
        sharing_groups::add(tx, &realm, &group)?;
        for member in &members {
            take_in(tx, &asker, id, member)?;
        }
        let places = define(tx, &asker, &group, collection)?;
        let event = event(&asker, id, "made").on(places);
        Ok(Act::audited((), &realm, event))
    });
    write.await?;
    state.policies.renew().await.map_err(Failure::internal)?;
    find(&state, &caller, &id.to_string()).await.map(Json)
}

/// Takes an organisation in. The owner says who is in its group.
#[utoipa::path(put, path = "/api/v1/sharing-groups/{id}/members/{organisation}", tag = "sharing", security(("session" = [])),
    params(("id" = String, Path, description = "UUID"), ("organisation" = String, Path, description = "Short name")),
    responses((status = 200, body = SharingGroupInfo), crate::api::CallerRefusal))]
async fn join(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, organisation)): Path<(String, String)>,
) -> Answer<Json<SharingGroupInfo>> {
    caller.demand(&state, Operation::ManageGroups)?;
    let group = find(&state, &caller, &id).await?;
    if !group.may_change {
        return Err(Failure::not_allowed());
    }
    let organisation = OrganisationId::parse(&organisation).ok_or_else(Failure::not_found)?;
    let (asker, group) = (caller.clone(), parse(&id)?);
    let write = state.store.write(move |tx| {
        take_in(tx, &asker, group, &organisation)?;
        let event = event(&asker, group, "joined").with("organisation", organisation.as_str());
        Ok(Act::audited((), asker.realm(), event))
    });
    write.await?;
    state.policies.renew().await.map_err(Failure::internal)?;
    find(&state, &caller, &id).await.map(Json)
}

/// Lets an organisation go: any, where the caller's owns the group, else its own. A group without members reaches nobody.
#[utoipa::path(delete, path = "/api/v1/sharing-groups/{id}/members/{organisation}", tag = "sharing", security(("session" = [])),
    params(("id" = String, Path, description = "UUID"), ("organisation" = String, Path, description = "Short name")),
    responses((status = 204), crate::api::CallerRefusal))]
async fn leave(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, organisation)): Path<(String, String)>,
) -> Answer<http::StatusCode> {
    caller.demand(&state, Operation::ManageGroups)?;
    let group = find(&state, &caller, &id).await?;
    let organisation = OrganisationId::parse(&organisation).ok_or_else(Failure::not_found)?;
    if !group.may_change && organisation != caller.principal.organisation {
        return Err(Failure::not_allowed());
    }
    let (asker, group) = (caller.clone(), parse(&id)?);
    let write = state.store.write(move |tx| {
        if !sharing_groups::leave(tx, asker.realm(), group, &organisation)? {
            return Err(StoreError::NotFound { what: organisation.to_string() });
        }
        let event = event(&asker, group, "left").with("organisation", organisation.as_str());
        Ok(Act::audited((), asker.realm(), event))
    });
    write.await?;
    state.policies.renew().await.map_err(Failure::internal)?;
    Ok(http::StatusCode::NO_CONTENT)
}

fn take_in(
    tx: &mut Tx<'_>,
    caller: &Caller,
    group: GroupId,
    organisation: &OrganisationId,
) -> Result<(), StoreError> {
    if organisations::get(tx, caller.realm(), organisation)?.is_none() {
        return Err(StoreError::NotFound { what: organisation.to_string() });
    }
    sharing_groups::join(tx, caller.realm(), group, organisation).map(drop)
}

/// Puts the group's marking definition and the definition of its extension into the log.
fn define(
    tx: &mut Tx<'_>,
    caller: &Caller,
    group: &SharingGroup,
    collection: collections::CollectionKey,
) -> Result<Vec<String>, StoreError> {
    let created = stix::Timestamp::from_instant(group.created).to_string();
    let author = case::extension_identity();
    let author = author.get("id").and_then(serde_json::Value::as_str).unwrap_or_default();
    let texts = [group.id.definition(&group.name_en, &created), policy::extension_definition(author)];
    ingest::add_own(tx, caller.realm(), collection, &group.owner, texts)
}

fn parse(id: &str) -> Answer<GroupId> {
    id.parse().map_err(|_| Failure::not_found())
}

async fn find(state: &AppState, caller: &Caller, id: &str) -> Answer<SharingGroupInfo> {
    let id = parse(id)?.to_string();
    seen(state, caller).await?.into_iter().find(|group| group.id == id).ok_or_else(Failure::not_found)
}

/// The groups whose members the caller may know: those its organisation is in, or owns.
async fn seen(state: &AppState, caller: &Caller) -> Answer<Vec<SharingGroupInfo>> {
    let may_manage = caller.may(state, Operation::ManageGroups);
    let asker = caller.clone();
    let found = state.store.read(move |reader| {
        let own = &asker.principal.organisation;
        let members: BTreeMap<GroupId, BTreeSet<OrganisationId>> =
            sharing_groups::members(reader, asker.realm())?;
        // Circles of case rooms are nobody's: entries say who is in them.
        let made = sharing_groups::list(reader, asker.realm())?.into_iter();
        let made = made.filter(|group| group.owner.as_str() != policy::Label::SEVERAL);
        let groups = made.filter_map(|group| {
            let members = members.get(&group.id).cloned().unwrap_or_default();
            (members.contains(own) || group.owner == *own).then(|| SharingGroupInfo {
                id: group.id.to_string(),
                marking: group.id.marking().to_string(),
                name_ja: group.name_ja,
                name_en: group.name_en,
                may_change: may_manage && group.owner == *own,
                owner: group.owner.to_string(),
                members: members.iter().map(ToString::to_string).collect(),
            })
        });
        Ok(groups.collect())
    });
    Ok(found.await?)
}

fn event(caller: &Caller, group: GroupId, step: &str) -> AuditEvent {
    AuditEvent::done(Action::SharingGroupChanged, caller.actor.clone(), caller.purpose)
        .with("group", group.to_string())
        .with("step", step)
}
