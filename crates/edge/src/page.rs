//! The edge's own small page: what was asked of us, what matched, what left the building. For the operator alone: it listens on
//! loopback, and what it changes takes a link that the edge printed ([`guard`]).

pub(crate) mod guard;
pub(crate) mod orders;
pub(crate) mod tuning;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;

use crate::Shared;
use crate::ledger::{Counts, LedgerRow};
use crate::source::counters::Counted;
use crate::source::kafka::PartitionLag;
use crate::status::{SourceReport, WindowsReport};

/// Longest body of a change.
const BODY_BYTES_MAX: usize = 64 << 10;
/// Rows on the page.
const ROWS_MAX: u32 = 500;

#[derive(Serialize)]
struct Ledger {
    id: String,
    hub: String,
    connected: bool,
    generation: i64,
    indicators: u64,
    refused: u64,
    rules: u64,
    rules_refused: u64,
    rule_matches: u64,
    records: u64,
    waiting: u64,
    counts: Counts,
    trouble: Option<&'static str>,
    consent: ConsentInWords,
    sources: Vec<SourceInFull>,
    rows: Vec<LedgerRow>,
    /// What the state asks; nothing where the operator pinned no commission.
    authority: Option<AuthorityInWords>,
    /// What was read and is kept; nothing where none is configured.
    history: Option<crate::history::report::Shown>,
    as_of: jiff::Timestamp,
}

#[derive(Serialize)]
struct AuthorityInWords {
    /// Entries of the log of authorisations that were checked, and when witnesses vouched for it last.
    seen: u64,
    witnessed: Option<jiff::Timestamp>,
    tasks: Vec<crate::authority::Task>,
    /// The verifier key of what this edge signs at the end of private matching: the operator tells it to the commission.
    key: String,
}

impl AuthorityInWords {
    fn of(authority: &crate::authority::Authority) -> Self {
        let (seen, witnessed) = authority.seen();
        Self { seen, witnessed, tasks: authority.in_words(), key: authority.verifier_key() }
    }
}

#[derive(Serialize)]
struct SourceInFull {
    #[serde(flatten)]
    health: api::SourceHealth,
    listens: Option<SocketAddr>,
    behind_messages: Option<u64>,
    partitions: Vec<PartitionLag>,
    repeated: u64,
    unreadable_by: BTreeMap<&'static str, u64>,
    #[serde(flatten)]
    counted: Counted,
    windows: WindowsReport,
}

#[derive(Serialize)]
struct ConsentInWords {
    purposes: Vec<&'static str>,
    up_to: Option<String>,
    mark_as: Option<String>,
    own_addresses: bool,
}

/// Serves the page, where there is to be one.
pub(crate) fn attend(
    shared: &Arc<Shared>,
    listener: Option<tokio::net::TcpListener>,
    tasks: &mut tokio::task::JoinSet<()>,
) {
    let Some(listener) = listener else { return };
    let router = router(Arc::clone(shared));
    tasks.spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the edge's page stopped");
        }
    });
}

/// The page and the JSON behind it.
fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/page.js", get(|| async { script(include_str!("page/page.js")) }))
        .route("/page.css", get(style))
        .route("/flow.js", get(|| async { script(include_str!("page/flow.js")) }))
        .route("/tuning.js", get(|| async { script(include_str!("page/tuning.js")) }))
        .route("/history.js", get(history_script))
        .route("/authority.js", get(|| async { script(include_str!("page/authority.js")) }))
        .route("/history.css", get(history_style))
        .route("/api/v1/ledger", get(ledger))
        .route("/api/v1/tuning", get(tuning::show))
        .route("/orders.js", get(|| async { script(include_str!("page/orders.js")) }))
        .route("/api/v1/orders", get(orders::show).post(orders::decide))
        .route("/api/v1/enter", post(tuning::enter))
        .route("/api/v1/changes", post(tuning::change))
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok" }))
        .with_state(shared)
}

async fn page() -> Response {
    let headers = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
             form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, Html(include_str!("page/page.html"))).into_response()
}

fn script(text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("page/page.css")).into_response()
}

async fn history_script() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (headers, include_str!("page/history.js")).into_response()
}

async fn history_style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("page/history.css")).into_response()
}

async fn ledger(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !is_asked_by_our_name(&headers) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    let reading = tokio::task::spawn_blocking(move || read(&shared)).await;
    match reading {
        Ok(Ok(ledger)) => Json(ledger).into_response(),
        Ok(Err(error)) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A page elsewhere could make the operator's browser ask under another name (DNS rebinding).
fn is_asked_by_our_name(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

fn sources(shared: &Shared) -> Vec<SourceInFull> {
    let in_full = |report: SourceReport| {
        let inlet = shared.inlets.get(&report.health.name);
        SourceInFull {
            listens: inlet.and_then(|inlet| inlet.listens),
            counted: inlet.map(|inlet| inlet.counters.read()).unwrap_or_default(),
            behind_messages: report.behind_messages,
            partitions: report.partitions,
            repeated: report.repeated,
            unreadable_by: report.unreadable,
            windows: report.windows,
            health: report.health,
        }
    };
    shared.status.reports().into_iter().map(in_full).collect()
}

async fn metrics(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !is_asked_by_our_name(&headers) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    match crate::metrics::text(&shared) {
        Some(text) => ([(header::CONTENT_TYPE, crate::metrics::MEDIA_TYPE)], text).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn read(shared: &Shared) -> Result<Ledger, crate::SpoolError> {
    let status = &shared.status;
    let consent = &shared.config.consent;
    Ok(Ledger {
        id: shared.config.id.clone(),
        hub: shared.config.hub.url.clone(),
        connected: status.connected.load(Ordering::Relaxed),
        generation: status.generation.load(Ordering::Relaxed),
        indicators: status.indicators.load(Ordering::Relaxed),
        refused: status.refused.load(Ordering::Relaxed),
        rules: status.rules.load(Ordering::Relaxed),
        rules_refused: status.rules_refused.load(Ordering::Relaxed),
        rule_matches: status.rule_matches.load(Ordering::Relaxed),
        records: status.records.load(Ordering::Relaxed),
        waiting: shared.spool.waiting_count()?,
        counts: shared.spool.counts()?,
        trouble: status.trouble(),
        consent: ConsentInWords {
            purposes: consent.purposes.iter().map(|purpose| purpose.name()).collect(),
            up_to: consent.up_to.map(oversight::tlp_word),
            mark_as: consent.mark_as.map(oversight::tlp_word),
            own_addresses: consent.own_addresses,
        },
        sources: sources(shared),
        rows: shared.spool.ledger(ROWS_MAX)?,
        authority: shared.authority.as_deref().map(AuthorityInWords::of),
        history: shared
            .history
            .as_ref()
            .map(|history| crate::history::report::shown(history, &shared.spool))
            .transpose()?,
        as_of: jiff::Timestamp::now(),
    })
}
