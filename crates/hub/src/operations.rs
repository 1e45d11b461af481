//! What the operator of the node looks at: `/healthz`, `/readyz`, `/metrics`.

use std::time::Duration;

use api::Code;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, header};
use policy::Operation;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use serde_json::json;
use store::peers::Counts;

use crate::endings;
use crate::listed::Listed;
use crate::log::PublishedLog;
use crate::mqtt::Mqtt;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::state::AppState;
use crate::wake::Wake;

/// What `/readyz` says of policy files that cannot be used.
const POLICIES_REFUSED: &str =
    "policies-refused: the policy files were changed and are not taken up; the older ones stay in force";

pub(crate) fn routes() -> Listed {
    Listed::default().get("/healthz", healthz).get("/readyz", readyz).get("/metrics", metrics)
}

/// Everything that is counted. Values and labels never hold what was searched for, nor who asked.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram>,
    /// Objects taken in, duplicates and refused ones apart.
    pub(crate) ingested: Family<Ingested, Counter>,
    /// Objects that left, by the door they took.
    pub(crate) released: Family<Released, Counter>,
    /// What came from peers and went to them, by what became of it.
    peers: Family<WithPeer, Counter>,
    /// Batches of one-way peers, by what became of them.
    batches: Family<WithPeer, Counter>,
    /// Batches that wait in a one-way peer's folder.
    waiting: Family<OfPeer, Gauge>,
    /// Batches of a one-way peer that are missing.
    missing: Family<OfPeer, Gauge>,
    /// Tokens that end within two weeks.
    tokens_ending: Gauge,
    /// When the certificate that the hub serves with ends, in seconds of Unix time; 0 without one.
    certificate_ends: Gauge,
    /// Certificates of the node's authority, and its roots, that end soon.
    certificates_ending: Family<Within, Gauge>,
    /// Streams that are open.
    pub(crate) streams: Gauge,
    /// The newest sequence of the log.
    pub(crate) sequence: Gauge,
    /// Leaves under the newest signed checkpoint.
    pub(crate) checkpoint: Gauge,
    /// Leaves under the newest signed checkpoint of authorisations.
    pub(crate) authorisations: Gauge,
    /// Leaves under the newest signed checkpoint of statistics.
    pub(crate) statistics: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

/// What became of objects that came in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Ingested {
    /// `accepted`, `duplicate`, `refused`.
    pub(crate) outcome: &'static str,
}

/// The door that objects left by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Released {
    /// E.g. `taxii`, `stream`.
    pub(crate) door: &'static str,
}

/// What was exchanged with a peer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WithPeer {
    /// Its short name here.
    peer: String,
    /// As in [`Counts`].
    outcome: &'static str,
}

/// Within how many days something ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Within {
    /// 30, or 7.
    days: u8,
}

/// How it stands with a peer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPeer {
    /// Its short name here.
    peer: String,
}

impl Metrics {
    /// Adds what was exchanged with a peer.
    pub(crate) fn with_peer(&self, peer: &str, counts: &Counts) {
        let counted = [
            ("accepted", counts.accepted),
            ("duplicate", counts.duplicates),
            ("refused", counts.refused),
            ("conflict", counts.conflicts),
            ("withdrawn", counts.withdrawn),
            ("malformed", counts.malformed),
            ("sent", counts.sent),
            ("taken-back", counts.taken_back),
        ];
        for (outcome, count) in counted.into_iter().filter(|(_, count)| *count > 0) {
            self.peers.get_or_create(&WithPeer { peer: peer.to_owned(), outcome }).inc_by(count);
        }
    }

    /// Counts a batch of a one-way peer: `written`, `taken`, `duplicate`, `quarantined`.
    pub(crate) fn batch(&self, peer: &str, outcome: &'static str) {
        self.batches.get_or_create(&WithPeer { peer: peer.to_owned(), outcome }).inc();
    }

    /// How many batches wait in a one-way peer's folder.
    pub(crate) fn waits_with_peer(&self, peer: &str, files: i64) {
        self.waiting.get_or_create(&OfPeer { peer: peer.to_owned() }).set(files);
    }

    /// How many batches of a one-way peer are missing.
    pub(crate) fn missing_from_peer(&self, peer: &str, count: i64) {
        self.missing.get_or_create(&OfPeer { peer: peer.to_owned() }).set(count);
    }

    pub(crate) fn new((wake, mqtt): (&Wake, &Mqtt), logs: [&PublishedLog; 3]) -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            // 1 ms to 4 s: what a person or a poller notices.
            seconds: Family::new_with_constructor(|| {
                Histogram::new([0.001, 0.004, 0.016, 0.064, 0.256, 1.0, 4.0])
            }),
            ingested: Family::default(),
            released: Family::default(),
            peers: Family::default(),
            batches: Family::default(),
            waiting: Family::default(),
            missing: Family::default(),
            tokens_ending: Gauge::default(),
            certificate_ends: Gauge::default(),
            certificates_ending: Family::default(),
            streams: Gauge::default(),
            sequence: Gauge::default(),
            checkpoint: Gauge::default(),
            authorisations: Gauge::default(),
            statistics: Gauge::default(),
        };
        wake.register(&mut metrics.registry);
        mqtt.register(&mut metrics.registry);
        for shelf in logs.into_iter().filter_map(PublishedLog::shelf) {
            shelf.register(&mut metrics.registry);
        }
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("yagura_requests", "Requests answered", self.requests.clone());
        registry.register_with_unit(
            "yagura_answer",
            "Time to the first byte",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register("yagura_objects_in", "Objects that came in, by outcome", self.ingested.clone());
        registry.register("yagura_objects_out", "Objects that left, by door", self.released.clone());
        let about = "What came from peers and went to them";
        registry.register("yagura_peer_objects", about, self.peers.clone());
        let about = "Batches of one-way peers, by what became of them";
        registry.register("yagura_peer_batches", about, self.batches.clone());
        let about = "Batches that wait in a one-way peer's folder";
        registry.register("yagura_peer_batches_waiting", about, self.waiting.clone());
        let about = "Batches of a one-way peer that are missing";
        registry.register("yagura_peer_batches_missing", about, self.missing.clone());
        registry.register(
            "yagura_tokens_ending",
            "Tokens that end within two weeks",
            self.tokens_ending.clone(),
        );
        registry.register(
            "yagura_certificate_end",
            "End of the certificate that is served with, in seconds of Unix time",
            self.certificate_ends.clone(),
        );
        let about = "Certificates and roots of the node's authority that end within so many days";
        registry.register("yagura_certificates_ending", about, self.certificates_ending.clone());
        registry.register("yagura_streams_open", "Open event streams", self.streams.clone());
        registry.register("yagura_log_sequence", "Newest sequence of the log", self.sequence.clone());
        registry.register(
            "yagura_checkpoint_size",
            "Leaves under the newest checkpoint",
            self.checkpoint.clone(),
        );
        registry.register(
            "yagura_authorisations_checkpoint_size",
            "Leaves under the newest checkpoint of authorisations",
            self.authorisations.clone(),
        );
        registry.register(
            "yagura_statistics_checkpoint_size",
            "Leaves under the newest checkpoint of statistics",
            self.statistics.clone(),
        );
        self
    }

    pub(crate) fn request(&self, method: &Method, route: &str, status: StatusCode, elapsed: Duration) {
        // Methods are the client's to invent; labels must stay few.
        let known = matches!(
            *method,
            Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::PATCH | Method::DELETE
        );
        let method = if known { method.as_str() } else { "other" };
        let labels = Answered { method: method.to_owned(), route: route.to_owned(), status: status.as_u16() };
        self.requests.get_or_create(&labels).inc();
        self.seconds.get_or_create(&Route { route: route.to_owned() }).observe(elapsed.as_secs_f64());
    }
}

/// The process runs.
async fn healthz() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// The node can serve; if not, why not.
async fn readyz(State(state): State<AppState>) -> Answer<Response> {
    let mut reasons = Vec::new();
    if state.stopping.is_set() {
        reasons.push("stopping: the node was told to stop".to_owned());
    }
    if let Err(error) = state.store.read(|_| Ok(())).await {
        reasons.push(format!("{}: the store cannot be read", error.code()));
    }
    let logs = state.logs();
    for trouble in logs.iter().filter_map(|log| log.trouble()) {
        reasons.push(format!("log-stopped: {trouble}"));
    }
    if reasons.is_empty() {
        // It serves, and somebody should look at it. What is wrong in particular is for whoever runs it: `yagura admin policy show`.
        let refused = state.policies.status().refused;
        let mut notices: Vec<String> = refused.iter().map(|_| POLICIES_REFUSED.to_owned()).collect();
        // One bucket holds them all.
        let of_bucket = logs.iter().find_map(|log| log.shelf().and_then(|shelf| shelf.trouble()));
        notices.extend(of_bucket.map(str::to_owned));
        notices.extend(state.wake.trouble().map(str::to_owned));
        notices.extend(state.mqtt.trouble().map(str::to_owned));
        let certificate = state.certificate_ends();
        if let Ok(soon) = state.store.read(move |reader| endings::soon(reader, certificate)).await {
            notices.extend(endings::notices(&soon, jiff::Timestamp::now()));
        }
        let counts = state.store.read(|reader| store::emergencies::counts(reader, &crate::REALM)).await;
        notices.extend(counts.ok().filter(|(_, overdue)| *overdue > 0).map(|(_, overdue)| {
            format!("emergency-reviews-overdue: {overdue} emergencies wait for a review; see the console under Administration, Emergencies")
        }));
        return Ok(Json(json!({ "status": "ready", "notices": notices })).into_response());
    }
    Err(Failure::new(Code::Unavailable, format!("not ready: {}", reasons.join("; "))))
}

/// Counters in the text format of OpenMetrics, for those who run or inspect the node.
async fn metrics(State(state): State<AppState>, caller: Caller) -> Answer<Response> {
    caller.demand_any(&state, &[Operation::Administer, Operation::Inspect])?;
    state.metrics.sequence.set(*state.store.committed().borrow());
    let certificate = state.certificate_ends();
    let soon = state.store.read(move |reader| endings::soon(reader, certificate)).await?;
    let now = jiff::Timestamp::now();
    for days in [30, 7] {
        let bound = now + jiff::SignedDuration::from_hours(24 * i64::from(days));
        let ending = soon.iter().filter(|ending| {
            matches!(ending.kind, "issued-certificate" | "root") && ending.at > now && ending.at <= bound
        });
        let count = i64::try_from(ending.count()).unwrap_or(i64::MAX);
        state.metrics.certificates_ending.get_or_create(&Within { days }).set(count);
    }
    let tokens = soon.iter().filter(|ending| ending.kind == "token" && ending.at > now);
    state.metrics.tokens_ending.set(i64::try_from(tokens.count()).unwrap_or(i64::MAX));
    state.metrics.certificate_ends.set(state.certificate_ends().map_or(0, jiff::Timestamp::as_second));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &state.metrics.registry)
        .map_err(Failure::internal)?;
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, media_type)], text).into_response())
}
