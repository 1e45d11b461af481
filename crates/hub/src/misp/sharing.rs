//! Sharing groups, as the events that one may see name them.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use policy::Operation;
use serde_json::{Value, json};
use store::objects::{self, Filter, Order};

use super::gather::{Gatherer, small_number};
use super::{Fields, answer};
use crate::listed::Listed;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::state::AppState;

/// Reports looked at, the newest first.
const LOOKED_AT_MAX: usize = 5_000;

pub(super) fn routes() -> Listed {
    Listed::default()
        .get("/sharingGroups/index", index)
        .get("/sharing_groups/index", index)
        .get("/sharing_groups", index)
        .get("/sharingGroups/view/{id}", view)
        .get("/sharing_groups/view/{id}", view)
}

/// The groups by UUID, each with who brought in the event that names it. Members are told where the event tells them.
async fn groups(state: &AppState, caller: &Caller) -> Answer<BTreeMap<String, Fields>> {
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let visible = work.door.visible(reader, &asker.principal)?;
        let gatherer =
            Gatherer { reader, realm: asker.realm(), visible: &visible, collection: work.collection.key };
        let filter = Filter {
            types: &["report"],
            order: Order::Descending,
            revoked: false,
            ..Filter::new(work.collection.key, &visible, LOOKED_AT_MAX)
        };
        let mut groups: BTreeMap<String, Fields> = BTreeMap::new();
        let mut leaving: Vec<Leaving> = Vec::new();
        for row in objects::page(reader, asker.realm(), &filter)?.rows {
            let Some(head) = gatherer.head(row)? else { continue };
            let group = head.event.get("SharingGroup").and_then(Value::as_object);
            let Some(group) = group else { continue };
            let Some(uuid) = group.get("uuid").and_then(Value::as_str) else { continue };
            if !groups.contains_key(uuid) {
                leaving.extend(head.leaving());
                groups.insert(uuid.to_owned(), group.clone());
            }
        }
        Ok((groups, leaving, visible.clone()))
    });
    let (groups, leaving, visible) = found.await?;
    let recipient = Recipient { caller: caller.clone(), door: "misp" };
    let released =
        state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, groups).await?;
    Ok(released.into_inner())
}

fn told(uuid: &str, mut group: Fields) -> Value {
    group.insert("id".to_owned(), json!(small_number(uuid)));
    let organisations = group.shift_remove("SharingGroupOrg").unwrap_or_else(|| json!([]));
    let servers = group.shift_remove("SharingGroupServer").unwrap_or_else(|| json!([]));
    let organisation = group.shift_remove("Organisation").unwrap_or_else(|| json!({}));
    json!({
        "SharingGroup": group,
        "Organisation": organisation,
        "SharingGroupOrg": organisations,
        "SharingGroupServer": servers,
        "editable": false,
        "deletable": false,
    })
}

async fn index(State(state): State<AppState>, caller: Caller) -> Answer<Response> {
    caller.demand(&state, Operation::Read)?;
    let groups = groups(&state, &caller).await?;
    let list: Vec<Value> = groups.into_iter().map(|(uuid, group)| told(&uuid, group)).collect();
    Ok(answer(&json!({ "response": list })))
}

async fn view(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    caller.demand(&state, Operation::Read)?;
    let groups = groups(&state, &caller).await?;
    let found = groups.into_iter().find(|(uuid, _)| *uuid == id || small_number(uuid) == id);
    let (uuid, group) = found.ok_or_else(Failure::not_found)?;
    Ok(answer(&told(&uuid, group)))
}
