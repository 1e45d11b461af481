//! Tags: those that the events one may see bear, put on and taken off.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use policy::Operation;
use serde_json::{Value, json};
use store::objects::{self, Filter, Order};
use uuid::Uuid;

use api::Code;

use super::answer;
use super::edit::Change;
use super::events::{body, change};
use super::gather::{Gatherer, object_body, small_number};
use crate::listed::Listed;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::state::AppState;

/// Reports looked at, the newest first.
const LOOKED_AT_MAX: usize = 5_000;

pub(super) fn routes() -> Listed {
    Listed::default()
        .get("/tags/index", index)
        .get("/tags", index)
        .post("/tags/attachTagToObject", attach)
        .post("/tags/removeTagFromObject", detach)
}

async fn index(State(state): State<AppState>, caller: Caller) -> Answer<Response> {
    caller.demand(&state, Operation::Read)?;
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
        let (mut names, mut leaving) = (BTreeSet::new(), Vec::<Leaving>::new());
        for row in objects::page(reader, asker.realm(), &filter)?.rows {
            let Some(head) = gatherer.head(row)? else { continue };
            let tags = head.event.get("Tag").and_then(Value::as_array).into_iter().flatten();
            let before = names.len();
            names.extend(tags.filter_map(|tag| tag.get("name")?.as_str()).map(str::to_owned));
            if names.len() > before {
                leaving.extend(head.leaving());
            }
        }
        Ok((names, leaving, visible.clone()))
    });
    let (names, leaving, visible) = found.await?;
    let recipient = Recipient { caller, door: "misp" };
    let released =
        state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, names).await?;
    let tags: Vec<Value> = released
        .into_inner()
        .into_iter()
        .map(|name| json!({ "id": small_number(&name), "name": name, "colour": "#888888", "exportable": true }))
        .collect();
    Ok(answer(&json!({ "Tag": tags })))
}

async fn attach(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    set(&state, &caller, &headers, sent, true).await
}

async fn detach(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    set(&state, &caller, &headers, sent, false).await
}

async fn set(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    sent: Body,
    is_on: bool,
) -> Answer<Response> {
    caller.demand(state, Operation::Write)?;
    let held = body(state, caller, headers, sent).await?;
    let fields = object_body(&held.bytes)?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let wrong = || Failure::new(Code::BadRequest, "send the `uuid` of an event or attribute, and the `tag`");
    let name = text("tag").filter(|name| !name.is_empty()).ok_or_else(wrong)?.to_owned();
    let uuid = Uuid::try_parse(text("uuid").ok_or_else(wrong)?).map_err(|_| Failure::not_found())?;
    let event = match super::events::own(state, caller, &uuid.to_string()).await {
        Ok(_) => uuid,
        Err(failure) if failure.code() == Code::NotFound => {
            super::attributes::event_of(state, caller, uuid).await?
        }
        Err(failure) => return Err(failure),
    };
    let message = format!("Tag {name} {} {uuid}.", if is_on { "attached to" } else { "removed from" });
    let set = Change::Tag { uuid: uuid.to_string(), name, is_on };
    change(state, caller, &event.to_string(), set, held).await?;
    Ok(answer(&json!({ "saved": true, "success": true, "name": message, "message": message })))
}
