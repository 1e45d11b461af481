//! The router: every noun's routes, and the layers around them.
//!
//! To add a noun: write `<noun>.rs` with `pub(crate) fn routes() -> OpenApiRouter<AppState>`, and add one line to [`rest`].

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use ::api::{Code, Problem};
use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum_server::tls::TlsInfo;
use http::{HeaderName, HeaderValue, Method, StatusCode, Version, header};
use oversight::{Actor, AuditEvent, Purpose};
use store::Act;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tracing::Instrument;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::listed::Listed;
use crate::principal::Asker;
use crate::problem::{Failure, code_of};
use crate::state::AppState;
use crate::strangers::Tried;
use crate::{api, console, edge_link, federation, log, misp, stream, taxii, transparency};

/// Largest body that is not a body of objects, in bytes.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// Every REST noun, with its part of the OpenAPI document.
fn rest() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(api::describe::head())
        .merge(api::routes())
        .merge(edge_link::routes())
        .merge(stream::routes())
        .merge(transparency::routes())
}

/// The OpenAPI 3.1 document of everything under `/api/v1` and `/edge/v1`.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut document = rest().split_for_parts().1;
    api::describe::name_operations(&mut document);
    document
}

/// What is outside of the OpenAPI document: TAXII, the log, operations.
fn others(api_root: &str) -> Listed {
    let public = log::routes().and(transparency::page_routes()).and(crate::operations::routes());
    taxii::routes(api_root).and(misp::routes()).and(public)
}

/// Every operation of a hub with this API root, as `METHOD /path/{parameter}`: those of the OpenAPI document and all others.
#[must_use]
pub fn all_operations(api_root: &str) -> Vec<String> {
    const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
    let document = serde_json::to_value(openapi()).unwrap_or_default();
    let paths = document.get("paths").and_then(serde_json::Value::as_object).into_iter().flatten();
    let described = paths.flat_map(|(path, item)| {
        let offered = METHODS.iter().filter(|method| item.get(**method).is_some());
        offered.map(move |method| format!("{} {path}", method.to_ascii_uppercase()))
    });
    described.chain(others(api_root).operations).collect()
}

/// The whole server.
pub(crate) fn router(state: AppState) -> Router {
    let (rest, _) = rest().split_for_parts();
    let uncompressed = NotForContentType::const_new("application/octet-stream");
    Router::new()
        .merge(rest)
        .merge(others(&state.config.api_root).router)
        .merge(api::describe::routes())
        .fallback(console::serve)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(DefaultPredicate::new().and(uncompressed)),
        )
        .layer(middleware::from_fn_with_state(state.clone(), certified))
        .layer(middleware::from_fn_with_state(state.clone(), answer))
        .with_state(state)
}

/// What is served to peers, on a listener of its own: nothing else is there, and nothing of it is on the other one.
pub(crate) fn peers_router(state: AppState) -> Router {
    federation::router()
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(state.clone(), answer))
        .with_state(state)
}

/// The outermost layer: gives the request its id, measures and logs it, renders failures, adds the security headers.
///
/// The log names the route's pattern and never the path or query, which hold values that were searched for.
async fn answer(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let id = uuid::Uuid::now_v7().simple().to_string();
    let form = Form::of(request.uri().path(), &state.config.api_root);
    let route =
        request.extensions().get::<MatchedPath>().map_or("-".to_owned(), |path| path.as_str().to_owned());
    let method = request.method().clone();
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    let asker = Arc::new(Asker::default());
    request.extensions_mut().insert(Arc::clone(&asker));
    let span = tracing::info_span!("request", id = %id, %method, route);
    let started = Instant::now();
    let mut response = match ambiguous(&request) {
        Some(failure) => ([(header::CONNECTION, "close")], failure).into_response(),
        None => next.run(request).instrument(span.clone()).await,
    };
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let failure = failure_of(&mut response);
        audit_refusal(&state, (&asker, from), &failure, &method, &route).await;
        response = render(&response, &failure, form, &id, &span);
    }
    let elapsed = started.elapsed();
    state.metrics.request(&method, &route, status, elapsed);
    let _entered = span.enter();
    tracing::info!(status = status.as_u16(), milliseconds = elapsed.as_secs_f64() * 1e3, "answered");
    add_headers(&mut response, form, &id);
    if is_over_tls(&state) {
        // Browsers heed it only where the certificate is one that they trust.
        let year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

/// Holds the certificate that a connection showed against what counts now: one that was revoked, or is over, is good for nothing on
/// connections that are open either.
async fn certified(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let shown = request.extensions().get::<Arc<TlsInfo>>().map(|tls| tls.peer_certificates.as_slice());
    let admits = state
        .tls
        .as_ref()
        .is_none_or(|served| served.admits(shown.unwrap_or_default(), jiff::Timestamp::now()));
    if admits {
        return next.run(request).await;
    }
    let why = "the certificate that this connection shows was revoked, or is over; connect again with the one that counts";
    ([(header::CONNECTION, "close")], Failure::new(Code::SignInRefused, why)).into_response()
}

/// Whether people come by TLS: the hub's own, or that of something in front.
fn is_over_tls(state: &AppState) -> bool {
    state.config.speaks_tls() || state.address.scheme() == "https"
}

/// Refuses a request of which two servers may think that it is for different hosts (RFC 9112 §3.2).
fn ambiguous(request: &Request) -> Option<Failure> {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    let needs_one = request.version() == Version::HTTP_11;
    let is_clear = hosts == 1 || hosts == 0 && !needs_one;
    (!is_clear).then(|| Failure::new(Code::BadRequest, "a request has one `Host` header"))
}

/// Which kind of client speaks on a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Rest,
    Taxii,
    Misp,
    Console,
}

impl Form {
    fn of(path: &str, api_root: &str) -> Self {
        match path.split('/').nth(1).unwrap_or_default() {
            "api" | "edge" | "peer" | "log" | "healthz" | "readyz" | "metrics" => Self::Rest,
            "taxii2" => Self::Taxii,
            first if first == api_root => Self::Taxii,
            first if misp::SEGMENTS.contains(&first) => Self::Misp,
            _ => Self::Console,
        }
    }
}

/// What went wrong: what the handler said, else what the status says.
fn failure_of(response: &mut Response) -> Failure {
    let status = response.status();
    response.extensions_mut().remove::<Failure>().unwrap_or_else(|| {
        let code = code_of(status);
        Failure::new(code, code.title())
    })
}

/// Writes down that somebody was refused: by policy, or at sign-in. Strangers are written down as long as they are few, for they
/// could fill the log; those that are not are counted, and their number is written down.
async fn audit_refusal(
    state: &AppState,
    (asker, from): (&Asker, Option<IpAddr>),
    failure: &Failure,
    method: &Method,
    route: &str,
) {
    let is_refusal =
        matches!(failure.code(), Code::NotAllowed | Code::SignInRefused | Code::FreshProofNeeded)
            && !failure.is_audited();
    if !is_refusal {
        return;
    }
    let (actor, purpose) = match asker.caller() {
        Some(caller) => (caller.actor.clone(), caller.purpose),
        None => {
            let tried = Tried::From(from.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
            if !state.strangers.admit(&tried, Instant::now()) {
                return;
            }
            (Actor::Stranger, Purpose::Administration)
        }
    };
    let event = AuditEvent::refused(actor, purpose, failure.code().name())
        .with("method", method.as_str())
        .with("route", route);
    if let Err(error) = state.store.write(move |_| Ok(Act::audited((), &crate::REALM, event))).await {
        tracing::error!(%error, "a refusal could not be written to the audit log");
    }
}

fn render(response: &Response, failure: &Failure, form: Form, id: &str, span: &tracing::Span) -> Response {
    let status = response.status();
    let _entered = span.enter();
    match failure.cause() {
        Some(cause) if status.is_server_error() => {
            tracing::error!(code = failure.code().name(), cause, "failed");
        }
        cause => {
            tracing::debug!(code = failure.code().name(), detail = failure.detail(), cause, "refused");
        }
    }
    let (media_type, body) = match form {
        Form::Taxii => (::taxii::media::TAXII, to_json(&taxii::error_message(failure, id))),
        Form::Misp => ("application/json", to_json(&misp::error_message(failure, id))),
        Form::Rest | Form::Console => (
            "application/problem+json",
            to_json(&Problem { status: status.as_u16(), ..failure.to_problem(id) }),
        ),
    };
    let mut rendered = (status, [(header::CONTENT_TYPE, media_type)], body).into_response();
    for (name, value) in response.headers() {
        // What described the empty body does not describe this one.
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            rendered.headers_mut().append(name, value.clone());
        }
    }
    rendered
}

fn to_json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn add_headers(response: &mut Response, form: Form, id: &str) {
    const CSP: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
        font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    match form {
        Form::Console => {
            set(header::CONTENT_SECURITY_POLICY, CSP);
            set(header::X_FRAME_OPTIONS, "DENY");
            set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
            set(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
        }
        Form::Rest | Form::Taxii | Form::Misp => {
            set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
            // Who may see what can change within a second: nothing between us and the reader keeps a copy.
            set(header::CACHE_CONTROL, "no-store");
        }
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    if matches!(response.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response.headers_mut().entry(header::RETRY_AFTER).or_insert(HeaderValue::from_static("5"));
    }
}
