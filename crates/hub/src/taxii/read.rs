//! What a collection gives: objects, manifest, versions, each in pages.

use std::sync::Arc;

use api::Code;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use policy::{Released, Visible};
use serde::Serialize;
use store::collections::CollectionKey;
use store::objects::{self, Filter, IdFilter, Page, Row, Versions};
use store::{Reader, StoreError};
use taxii::{Allowed, ManifestRecord, Query, VersionFilter, media, message};

use super::cursor::Question;
use super::{Access, Client, answer, resource};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{InView, Leaving, Recipient};
use crate::state::AppState;

/// §5.4: objects leave byte for byte as they came in.
pub(super) async fn objects(
    State(state): State<AppState>,
    Client(caller): Client,
    Path(collection): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<Response> {
    let access = readable(&state, &caller, &collection).await?;
    let asked = Asked::read("objects", &collection, query.as_deref(), Allowed::Collection)?;
    let page = page(&state, &caller, &access, &asked, None, "taxii-objects").await?;
    Ok(envelope(page, &asked))
}

/// §5.6.
pub(super) async fn object(
    State(state): State<AppState>,
    Client(caller): Client,
    Path((collection, object)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer<Response> {
    let access = readable(&state, &caller, &collection).await?;
    let asked = Asked::read(&object, &collection, query.as_deref(), Allowed::Object)?;
    let page = page(&state, &caller, &access, &asked, Some(object), "taxii-objects").await?;
    Ok(envelope(page, &asked))
}

/// §5.3.
pub(super) async fn manifest(
    State(state): State<AppState>,
    Client(caller): Client,
    Path(collection): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<Response> {
    let access = readable(&state, &caller, &collection).await?;
    let asked = Asked::read("manifest", &collection, query.as_deref(), Allowed::Collection)?;
    let page = page(&state, &caller, &access, &asked, None, "taxii-manifest").await?.into_inner();
    let record = |row: &Row| ManifestRecord {
        id: row.id.to_string(),
        date_added: timestamp(row.date_added_us),
        version: version(row),
        media_type: Some(media::of_stix(row.spec_version).to_owned()),
    };
    let list = List { objects: page.rows.iter().map(record).collect(), ..List::of(&page, &asked) };
    let mut response = resource(&list)?;
    add_dates(&mut response, &page);
    Ok(response)
}

/// §5.8.
pub(super) async fn versions(
    State(state): State<AppState>,
    Client(caller): Client,
    Path((collection, object)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer<Response> {
    let access = readable(&state, &caller, &collection).await?;
    let mut asked =
        Asked::read(&format!("{object}/versions"), &collection, query.as_deref(), Allowed::Versions)?;
    asked.query.versions.insert(VersionFilter::All);
    let page = page(&state, &caller, &access, &asked, Some(object), "taxii-versions").await?.into_inner();
    let list = List { versions: page.rows.iter().map(version).collect(), ..List::of(&page, &asked) };
    let mut response = resource(&list)?;
    add_dates(&mut response, &page);
    Ok(response)
}

/// A manifest or a list of versions. An empty one is `{}`.
#[derive(Default, Serialize)]
struct List {
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    objects: Vec<ManifestRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    versions: Vec<String>,
}

impl List {
    fn of(page: &Page, asked: &Asked) -> Self {
        Self { more: (!page.rows.is_empty()).then_some(page.more), next: asked.next(page), ..Self::default() }
    }
}

/// What was asked, and where to go on from.
struct Asked {
    query: Query,
    question: Question,
    after: Option<i64>,
}

impl Asked {
    fn read(endpoint: &str, collection: &str, query: Option<&str>, allowed: Allowed) -> Answer<Self> {
        let bad = |detail: String| Failure::new(Code::BadRequest, detail);
        let query =
            Query::parse(query.unwrap_or_default(), allowed).map_err(|error| bad(error.to_string()))?;
        let question = Question::new(&format!("{collection}/{endpoint}"), &query.fingerprint());
        let after = query.next.as_deref().map(|token| {
            question.read(token).ok_or_else(|| {
                bad("`next` is not from an answer to this same query; begin without it".to_owned())
            })
        });
        Ok(Self { after: after.transpose()?, query, question })
    }

    fn next(&self, page: &Page) -> Option<String> {
        let last = page.rows.last().filter(|_| page.more)?;
        Some(self.question.token(last.date_added_us))
    }
}

async fn readable(state: &AppState, caller: &Caller, collection: &str) -> Answer<Access> {
    let access = Access::find(state, caller, collection).await?;
    Access::demand(access.can_read)?;
    Ok(access)
}

/// One page as the client may see it; what another organisation brought in is written down before this returns.
async fn page(
    state: &AppState,
    caller: &Caller,
    access: &Access,
    asked: &Asked,
    object: Option<String>,
    door: &'static str,
) -> Answer<Released<Page>> {
    let (realm, key) = (caller.realm().clone(), access.collection.key);
    let (query, after) = (asked.query.clone(), asked.after);
    let limit = query.limit.unwrap_or(u32::MAX).min(state.config.page_objects_max);
    let found = state.door.read_in_view(&state.store, &caller.principal, move |reader, in_view| {
        let page = read_page(reader, &realm, key, in_view, &query, after, object.as_deref(), limit)?;
        Ok(page.map(|page| (Arc::clone(&in_view.visible), page)))
    });
    let (visible, page): (Arc<Visible>, Page) = found.await?.ok_or_else(Failure::not_found)?;
    let leaving: Vec<Leaving> = page.rows.iter().map(Leaving::from).collect();
    let recipient = Recipient { caller: caller.clone(), door };
    state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, page).await
}

/// `None` where one object is asked for and is not there for this reader.
#[expect(
    clippy::too_many_arguments,
    reason = "one query's parts, each from another layer; a struct would be built for this one call"
)]
fn read_page(
    reader: &Reader<'_>,
    realm: &oversight::Realm,
    collection: CollectionKey,
    in_view: &InView,
    query: &Query,
    after: Option<i64>,
    object: Option<&str>,
    limit: u32,
) -> Result<Option<Page>, StoreError> {
    let visible = in_view.visible.as_ref();
    let ids: Vec<&str> = object.map_or_else(|| query.ids.iter().map(String::as_str).collect(), |id| vec![id]);
    let types: Vec<&str> = query.types.iter().map(String::as_str).collect();
    let spec_versions: Vec<&str> = query.spec_versions.iter().map(String::as_str).collect();
    let ids: IdFilter<'_> = &ids;
    let added_after =
        query.added_after.as_ref().and_then(stix::Timestamp::instant).map(jiff::Timestamp::as_microsecond);
    let filter = Filter {
        after,
        added_after,
        ids,
        types: &types,
        versions: wanted_versions(query),
        spec_versions: &spec_versions,
        ..Filter::new(collection, visible, usize::try_from(limit).unwrap_or(usize::MAX))
    };
    let page = objects::page_in_view(reader, realm, &filter, &in_view.view)?;
    if page.rows.is_empty() && object.is_some() {
        let any = Filter { ids, versions: demanded_versions(query), ..Filter::new(collection, visible, 1) };
        if objects::page(reader, realm, &any)?.rows.is_empty() {
            return Ok(None);
        }
    }
    Ok(Some(page))
}

/// What has to be there for an empty page to be an answer and no 404: versions that are named by their dates, for one that was
/// deleted is not found (§5.7); else any.
fn demanded_versions(query: &Query) -> Versions {
    let is_named = |version: &VersionFilter| matches!(version, VersionFilter::Exact(_));
    if query.versions.is_empty() || !query.versions.iter().all(is_named) {
        return Versions::all();
    }
    wanted_versions(query)
}

/// §3.4.1: nothing said means the last.
fn wanted_versions(query: &Query) -> Versions {
    let mut wanted = Versions { last: query.versions.is_empty(), ..Versions::default() };
    for version in &query.versions {
        match version {
            VersionFilter::All => wanted.all = true,
            VersionFilter::First => wanted.first = true,
            VersionFilter::Last => wanted.last = true,
            VersionFilter::Exact(at) => wanted.at.push(at.clone()),
        }
    }
    wanted
}

fn envelope(page: Released<Page>, asked: &Asked) -> Response {
    let page = page.into_inner();
    let bodies: Vec<&Bytes> = page.rows.iter().map(|row| &row.body).collect();
    let mut response = answer(message::envelope(&bodies, asked.next(&page).as_deref()));
    add_dates(&mut response, &page);
    response
}

/// §3.5: where the page begins and ends, for clients that page by date.
fn add_dates(response: &mut Response, page: &Page) {
    let (Some(first), Some(last)) = (page.rows.first(), page.rows.last()) else { return };
    for (name, at) in
        [("x-taxii-date-added-first", first.date_added_us), ("x-taxii-date-added-last", last.date_added_us)]
    {
        if let Ok(value) = HeaderValue::try_from(timestamp(at)) {
            response.headers_mut().insert(name, value);
        }
    }
}

/// Microseconds since 1970 as TAXII wants them: six digits, always.
pub(super) fn timestamp(us: i64) -> String {
    jiff::Timestamp::from_microsecond(us).map_or_else(|_| String::new(), |at| format!("{at:.6}"))
}

/// `modified`, else `created`, else when it was added (§5.3).
fn version(row: &Row) -> String {
    row.version.clone().unwrap_or_else(|| timestamp(row.date_added_us))
}
