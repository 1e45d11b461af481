//! The TAXII 2.1 server: discovery, API root, collections, status; what is in a collection is in [`read`] and [`write`].
//!
//! What one may not see is not found; what one may see but not do is forbidden (TAXII 2.1 §5).

mod cursor;
mod read;
mod withheld;
mod write;

pub(crate) use withheld::Statuses;
pub(crate) use write::{Withdrawal, withdraw_all};

use axum::Router;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::request::Parts;
use http::{HeaderMap, header};
use policy::{Operation, PrincipalKind};
use store::collections::{self, Collection};
use store::statuses;
use taxii::{ApiRoot, Collections, Discovery, ErrorMessage, media};
use uuid::Uuid;

use crate::first_start::DEFINITIONS;
use crate::listed::Listed;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::state::AppState;
use api::Code;

/// Every address ends in a slash (TAXII 2.1 §4); without it, it is served as well.
pub(crate) fn routes(api_root: &str) -> Listed {
    let root = format!("/{api_root}");
    let collection = format!("{root}/collections/{{collection}}");
    let object = format!("{collection}/objects/{{object}}");
    let mut listed = Listed::default()
        .get("/taxii2/", discovery)
        .get(&format!("{root}/"), api_root_resource)
        .get(&format!("{root}/status/{{status}}/"), status)
        .get(&format!("{root}/collections/"), all_collections)
        .get(&format!("{collection}/"), one_collection)
        .get(&format!("{collection}/manifest/"), read::manifest)
        .get(&format!("{collection}/objects/"), read::objects)
        .post(&format!("{collection}/objects/"), write::add)
        .get(&format!("{object}/"), read::object)
        .delete(&format!("{object}/"), write::delete)
        .get(&format!("{object}/versions/"), read::versions);
    // The rest under the API root is TAXII's as well, and not the console's.
    let rest = Router::new()
        .route(&format!("{root}/{{*rest}}"), any(nothing))
        .route("/taxii2/{*rest}", any(nothing));
    listed.router = listed.router.merge(rest);
    listed
}

/// The form of errors on TAXII routes (§3.6.1).
pub(crate) fn error_message(failure: &Failure, request: &str) -> ErrorMessage {
    ErrorMessage {
        title: failure.code().title().to_owned(),
        description: Some(failure.detail().to_owned()),
        error_id: Some(request.to_owned()),
        error_code: Some(failure.code().name().to_owned()),
        http_status: Some(failure.code().status().to_string()),
        external_details: None,
        details: serde_json::Map::new(),
    }
}

/// A signed-in client that understands TAXII 2.1. Who is not signed in learns nothing else.
struct Client(Caller);

impl FromRequestParts<AppState> for Client {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Answer<Self> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if media::is_acceptable(joined(&parts.headers).as_deref()) {
            return Ok(Self(caller));
        }
        Err(Failure::new(
            Code::NotAcceptable,
            format!("the answer is `{}`; say so in `Accept`", media::TAXII),
        ))
    }
}

/// A collection, and what the client may do with it.
struct Access {
    collection: Collection,
    can_read: bool,
    can_write: bool,
}

impl Access {
    /// The collection of that id.
    ///
    /// # Errors
    /// 404 where it is not, or neither read nor write is allowed: the two look alike.
    async fn find(state: &AppState, caller: &Caller, id: &str) -> Answer<Self> {
        let id = Uuid::parse_str(id).ok().filter(|id| *id != DEFINITIONS).ok_or_else(Failure::not_found)?;
        let realm = caller.realm().clone();
        let collection = state.store.read(move |reader| collections::get(reader, &realm, &id)).await?;
        let access = Self::to(state, caller, collection.ok_or_else(Failure::not_found)?);
        if access.can_read || access.can_write { Ok(access) } else { Err(Failure::not_found()) }
    }

    fn to(state: &AppState, caller: &Caller, collection: Collection) -> Self {
        Self {
            collection,
            can_read: caller.may(state, Operation::Read),
            can_write: caller.may(state, Operation::Write),
        }
    }

    fn demand(is_allowed: bool) -> Answer<()> {
        if is_allowed { Ok(()) } else { Err(Failure::not_allowed()) }
    }

    fn resource(&self) -> taxii::Collection {
        taxii::Collection {
            id: self.collection.id.to_string(),
            title: self.collection.title.clone(),
            description: Some(self.collection.description.clone()),
            alias: None,
            can_read: self.can_read,
            can_write: self.can_write,
            media_types: vec![media::STIX.to_owned(), media::STIX_2_0.to_owned()],
        }
    }
}

fn joined(headers: &HeaderMap) -> Option<String> {
    let lines: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

fn answer(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, media::TAXII)], body).into_response()
}

fn resource(value: &impl serde::Serialize) -> Answer<Response> {
    serde_json::to_vec(value).map(answer).map_err(Failure::internal)
}

/// Whose a status is.
fn submitter(caller: &Caller) -> String {
    let kind = match caller.principal.kind {
        PrincipalKind::Person(_) => "person",
        PrincipalKind::Program(_) => "program",
        PrincipalKind::Edge(_) => "edge",
        PrincipalKind::Peer(_) => "peer",
    };
    format!("{kind}:{}", caller.id())
}

async fn nothing(_: Client) -> Failure {
    Failure::not_found()
}

/// §4.1.
async fn discovery(State(state): State<AppState>, _: Client) -> Answer<Response> {
    let root = format!("/{}/", state.config.api_root);
    resource(&Discovery {
        title: state.config.name_en.clone(),
        description: Some(state.config.name_ja.clone()),
        contact: None,
        default: Some(root.clone()),
        api_roots: vec![root],
    })
}

/// §4.2.
async fn api_root_resource(State(state): State<AppState>, _: Client) -> Answer<Response> {
    resource(&ApiRoot {
        title: state.config.name_en.clone(),
        description: Some(state.config.name_ja.clone()),
        versions: vec![media::TAXII.to_owned()],
        max_content_length: u64::try_from(state.config.body_bytes_max).unwrap_or(u64::MAX),
    })
}

/// §4.3: for the submitter alone.
async fn status(
    State(state): State<AppState>,
    Client(caller): Client,
    Path(id): Path<String>,
) -> Answer<Response> {
    let (realm, submitter) = (caller.realm().clone(), submitter(&caller));
    if let Some(body) = state.withheld_statuses.get(&id, &submitter) {
        return Ok(answer(body));
    }
    let body = state.store.read(move |reader| statuses::get(reader, &realm, &id, &submitter)).await?;
    Ok(answer(body.ok_or_else(Failure::not_found)?))
}

/// §5.1: sorted by id, as interoperability asks.
async fn all_collections(State(state): State<AppState>, Client(caller): Client) -> Answer<Response> {
    let realm = caller.realm().clone();
    let all = state.store.read(move |reader| collections::list(reader, &realm)).await?;
    let offered = all.into_iter().filter(|collection| collection.id != DEFINITIONS);
    let known = offered.map(|collection| Access::to(&state, &caller, collection));
    let collections =
        known.filter(|access| access.can_read || access.can_write).map(|access| access.resource()).collect();
    resource(&Collections { collections })
}

/// §5.2.
async fn one_collection(
    State(state): State<AppState>,
    Client(caller): Client,
    Path(id): Path<String>,
) -> Answer<Response> {
    resource(&Access::find(&state, &caller, &id).await?.resource())
}
