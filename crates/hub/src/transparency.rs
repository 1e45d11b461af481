//! What the public is told without signing in: who oversees, what was counted, how to check it. A page (`/transparency`) and the same as
//! JSON (`/api/v1/transparency`).
//!
//! It is made of what is public by its nature and of nothing else: the commission and its frame, the published statistics, the signed
//! checkpoints. No function here reads an authorisation, an organisation but the commission's own, or a person. What is told is made anew
//! once in some seconds and not for each visitor, so that visitors cost nothing but the answer.

mod page;
mod visits;
mod words;

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{
    Code, PublicCommission, PublicFrame, PublicLog, PublicMeasure, PublicWitness, Transparency as Told,
};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use store::trees::Tree;
use store::{Reader, StoreError, charters, organisations, statistics};
use tlog::{LogKey, Witnessed};
use tokio::sync::Mutex;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::visits::Visits;
use self::words::Language;
use crate::api::statistics::told as told_statement;
use crate::config::TransparencyConfig;
use crate::listed::Listed;
use crate::log::PublishedLog;
use crate::problem::{Answer, Failure};
use crate::request::{Query, RemoteAddress};
use crate::state::AppState;

/// How long what was made is told before it is made anew.
const FRESH: Duration = Duration::from_secs(10);
/// How long others may keep it.
const CACHE: &str = "public, max-age=60";

/// What was made last, and how many asked for it.
#[derive(Default)]
pub(crate) struct Transparency {
    made: Mutex<Option<(Instant, Arc<Made>)>>,
    visits: Visits,
}

/// What is told, in each of its forms.
struct Made {
    japanese: Form,
    english: Form,
    json: Form,
}

/// One form of it.
struct Form {
    tag: String,
    body: Bytes,
}

impl Form {
    fn new(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        // Weak: what is between us and the reader may compress it.
        Self { tag: format!("W/\"{}\"", hex::encode(Sha256::digest(&body))), body }
    }
}

/// The page, which is not in the OpenAPI document.
pub(crate) fn page_routes() -> Listed {
    Listed::default().get("/transparency", page)
}

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(json)).routes(routes!(statement))
}

#[derive(Debug, Deserialize)]
struct PageQuery {
    /// `ja` or `en`; else what the browser asks for.
    lang: Option<String>,
}

/// The page.
async fn page(
    State(state): State<AppState>,
    RemoteAddress(from): RemoteAddress,
    Query(query): Query<PageQuery>,
    asked: HeaderMap,
) -> Answer<Response> {
    let config = admitted(&state, from)?;
    let language = Language::of(query.lang.as_deref(), &asked);
    let made = made(&state, config).await?;
    let form = match language {
        Language::Japanese => &made.japanese,
        Language::English => &made.english,
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_LANGUAGE, language.tag().to_owned()),
        (header::VARY, "accept-language".to_owned()),
        (header::CONTENT_SECURITY_POLICY, page::security_policy()),
    ];
    Ok((headers, answer(form, &asked)).into_response())
}

/// What this node tells the public about the monitoring that it carries for the state.
///
/// Needs no sign-in. It is there where the node's operator turned it on (`[transparency]`), and 404 elsewhere. Signed notes come as their
/// texts; `/log/statistics` and the other logs are where they are proved. At most 300 requests a minute are answered to one address.
#[utoipa::path(get, path = "/api/v1/transparency", tag = "transparency", security(),
    responses((status = 200, body = Told), crate::api::PublicRefusal))]
async fn json(
    State(state): State<AppState>,
    RemoteAddress(from): RemoteAddress,
    asked: HeaderMap,
) -> Answer<Response> {
    let config = admitted(&state, from)?;
    let made = made(&state, config).await?;
    let headers = [(header::CONTENT_TYPE, "application/json")];
    Ok((headers, answer(&made.json, &asked)).into_response())
}

/// A signed statement of statistics by its place in their log, byte for byte.
#[utoipa::path(get, path = "/api/v1/transparency/statistics/{leaf}", tag = "transparency", security(),
    params(("leaf" = u64, Path, description = "its place in the log of statistics")),
    responses((status = 200, body = String, content_type = "text/plain"), crate::api::PublicRefusal))]
async fn statement(
    State(state): State<AppState>,
    RemoteAddress(from): RemoteAddress,
    Path(leaf): Path<String>,
    asked: HeaderMap,
) -> Answer<Response> {
    admitted(&state, from)?;
    let leaf = leaf.parse().map_err(|_| Failure::not_found())?;
    let found = state.store.read(move |reader| statistics::get(reader, leaf)).await?;
    let form = Form::new(found.ok_or_else(Failure::not_found)?.note);
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"statistics-{leaf}.txt\"")),
    ];
    Ok((headers, answer(&form, &asked)).into_response())
}

/// The configuration, where the public is told something and this address did not ask too often.
fn admitted(state: &AppState, from: std::net::IpAddr) -> Answer<&TransparencyConfig> {
    let config = state.config.transparency.as_ref().ok_or_else(Failure::not_found)?;
    match state.transparency.visits.admit(from, Instant::now()) {
        Ok(()) => Ok(config),
        Err(pause) => {
            let why = "too many requests; what is told here changes seldom, and may be kept for a minute";
            Err(Failure::new(Code::TooMany, why).retry_after(pause))
        }
    }
}

/// The body, or that the reader has it already.
fn answer(form: &Form, asked: &HeaderMap) -> Response {
    let headers = [(header::ETAG, form.tag.clone()), (header::CACHE_CONTROL, CACHE.to_owned())];
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let strong = form.tag.trim_start_matches("W/");
    let is_known = known.flat_map(|value| value.split(',')).any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.trim_start_matches("W/") == strong
    });
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, form.body.clone()).into_response()
}

/// What is told now. Whoever comes while it is being made waits for that.
async fn made(state: &AppState, config: &TransparencyConfig) -> Answer<Arc<Made>> {
    let mut made = state.transparency.made.lock().await;
    if let Some((at, made)) = made.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
        tracing::trace!(age = at.elapsed().as_secs(), "told as it was made");
        return Ok(Arc::clone(made));
    }
    let told = gather(state, config).await?;
    let fresh = Arc::new(Made {
        japanese: Form::new(page::render(&told, &state.address, Language::Japanese)),
        english: Form::new(page::render(&told, &state.address, Language::English)),
        json: Form::new(serde_json::to_vec(&told).map_err(Failure::internal)?),
    });
    *made = Some((Instant::now(), Arc::clone(&fresh)));
    Ok(fresh)
}

async fn gather(state: &AppState, config: &TransparencyConfig) -> Answer<Told> {
    let read = |reader: &Reader<'_>| {
        let published = statistics::page(reader, None, statistics::PAGE_MAX)?.into_iter();
        let published = published.map(told_statement).collect::<Result<Vec<_>, _>>()?;
        Ok((commission(reader)?, frame(reader)?, published))
    };
    let (commission, frame, statistics) = state.store.read(read).await?;
    let mut logs = Vec::new();
    for (log, tree) in state.logs().into_iter().zip(Tree::ALL) {
        logs.extend(told_log(state, log, tree).await?);
    }
    let witnesses = state.config.witnesses.iter().flat_map(|all| all.policy.witnesses());
    Ok(Told {
        name_ja: state.config.name_ja.clone(),
        name_en: state.config.name_en.clone(),
        contact: config.contact.as_ref().map(ToString::to_string),
        commission,
        frame,
        statistics_keys: state.publisher.keys(),
        statistics,
        logs,
        witnesses: witnesses
            .map(|witness| PublicWitness { name: witness.name.clone(), key: witness.key.encode() })
            .collect(),
    })
}

/// The commission without the names of its members: those it tells itself.
fn commission(reader: &Reader<'_>) -> Result<Option<PublicCommission>, StoreError> {
    let Some(standing) = charters::commission(reader, &crate::REALM)? else { return Ok(None) };
    let organisation = organisations::get(reader, &crate::REALM, &standing.organisation)?;
    let names = organisation.map(|known| (known.name_ja, known.name_en));
    let (organisation_ja, organisation_en) = names.unwrap_or_default();
    Ok(Some(PublicCommission {
        name: standing.text.name.clone(),
        organisation_ja,
        organisation_en,
        members: u64::try_from(standing.text.members.len()).unwrap_or(u64::MAX),
        threshold: standing.text.threshold,
        since: standing.at.to_string(),
        digest: hex::encode(standing.text.digest()),
        leaf: standing.leaf,
    }))
}

/// The frame without its limits on single authorisations.
fn frame(reader: &Reader<'_>) -> Result<Option<PublicFrame>, StoreError> {
    let Some(standing) = charters::frame(reader, &crate::REALM)? else { return Ok(None) };
    let measures = standing.text.categories.iter().map(|(category, rule)| PublicMeasure {
        category: category.name().to_owned(),
        article: rule.article.clone(),
        hours_max: rule.hours_max,
    });
    Ok(Some(PublicFrame {
        version: standing.text.version,
        source: standing.text.source.clone(),
        since: standing.at.to_string(),
        digest: hex::encode(standing.text.digest()),
        leaf: standing.leaf,
        measures: measures.collect(),
    }))
}

/// A log by its newest checkpoint; none before witnesses have cosigned the first.
async fn told_log(state: &AppState, log: &PublishedLog, tree: Tree) -> Answer<Option<PublicLog>> {
    let Some(note) = log.newest(&state.store).await? else { return Ok(None) };
    let note = String::from_utf8(note.to_vec()).map_err(Failure::internal)?;
    let key = log.key();
    let checkpoint = tlog::open_log(&note, &key, key.name()).map_err(Failure::internal)?;
    let policy = state.config.witnesses.as_ref().map(|witnesses| &witnesses.policy);
    let witnessed = policy.and_then(|policy| policy.check_log(&note, &LogKey::from(key.clone())).ok());
    let cosigned_by = witnessed.iter().flat_map(Witnessed::cosigned);
    let seconds = witnessed.as_ref().and_then(Witnessed::quorum_time);
    let at = seconds.and_then(|seconds| Timestamp::from_second(i64::try_from(seconds).ok()?).ok());
    let path = match tree.segment() {
        "" => "/log".to_owned(),
        segment => format!("/log/{segment}"),
    };
    Ok(Some(PublicLog {
        log: if tree == Tree::Acts { "acts" } else { tree.segment() }.to_owned(),
        address: state.address.join(&path).map_err(Failure::internal)?.to_string(),
        key: key.encode(),
        size: checkpoint.size,
        root: hex::encode(checkpoint.root),
        cosigned_by: cosigned_by.map(|(name, _)| name.clone()).collect(),
        cosigned_at: at.map(|at| at.to_string()),
        checkpoint: note,
    }))
}
