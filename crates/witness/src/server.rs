//! A witness as an HTTP service (C2SP tlog-witness, HTTP Interface).

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tlog::witness::{ADD_CHECKPOINT_BYTES_MAX, Refusal, SIZE_MEDIA_TYPE};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::state::{AddFailure, Witness};

/// How long a request's body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How many requests are judged at a time; more wait.
const AT_ONCE_MAX: usize = 32;
/// A witness may serve its checkpoint from caches, but not for long.
const CHECKPOINT_CACHE: &str = "public, max-age=10";
const TEXT: &str = "text/plain; charset=utf-8";

#[derive(Clone)]
struct Shared {
    witness: Arc<Witness>,
    turns: Arc<Semaphore>,
}

/// The two addresses of a witness, below a prefix of the caller's choice: `POST /add-checkpoint`, and `GET /<hash of an origin>/checkpoint`.
///
/// What is answered is signed, so that nothing of it rests on TLS; who wants TLS puts this router behind it.
pub fn router(witness: Arc<Witness>) -> Router {
    let shared = Shared { witness, turns: Arc::new(Semaphore::new(AT_ONCE_MAX)) };
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin_hash}/checkpoint", get(checkpoint))
        .with_state(shared)
}

/// Serves a witness until `stop` ends; answers that were begun are finished.
///
/// # Errors
/// Those of the socket.
pub async fn serve(
    witness: Arc<Witness>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router(witness)).with_graceful_shutdown(stop).await
}

async fn add_checkpoint(State(shared): State<Shared>, request: Request<Body>) -> Response {
    let body = tokio::time::timeout(BODY_TIMEOUT, to_bytes(request.into_body(), ADD_CHECKPOINT_BYTES_MAX));
    let Ok(body) = body.await else {
        return text(StatusCode::REQUEST_TIMEOUT, "the request took too long\n");
    };
    let body = body.ok().and_then(|body| String::from_utf8(body.to_vec()).ok());
    let Some(body) = body else {
        return text(StatusCode::BAD_REQUEST, "the request is not text, or too large\n");
    };
    let answer = in_turn(&shared, move |witness| witness.add_checkpoint(&body, now())).await;
    match answer {
        Some(Ok(lines)) => text(StatusCode::OK, lines),
        Some(Err(AddFailure::Request(error))) => text(StatusCode::BAD_REQUEST, format!("{error}\n")),
        Some(Err(AddFailure::Refused(refusal))) => refused(&refusal),
        Some(Err(AddFailure::Witness(error))) => broken(&error),
        None => broken(&"the task ended early"),
    }
}

async fn checkpoint(State(shared): State<Shared>, Path(origin_hash): Path<String>) -> Response {
    match in_turn(&shared, move |witness| witness.checkpoint(&origin_hash)).await {
        Some(Ok(Some(note))) => {
            ([(CACHE_CONTROL, CHECKPOINT_CACHE), (CONTENT_TYPE, TEXT)], note).into_response()
        }
        Some(Ok(None)) => text(StatusCode::NOT_FOUND, "nothing of such a log was cosigned here\n"),
        Some(Err(error)) => broken(&error),
        None => broken(&"the task ended early"),
    }
}

/// Judging reads and writes files, so it is done on a thread that may wait; `None` where that thread failed.
async fn in_turn<T: Send + 'static>(
    shared: &Shared,
    work: impl FnOnce(&Witness) -> T + Send + 'static,
) -> Option<T> {
    let turn = Arc::clone(&shared.turns).acquire_owned().await.ok()?;
    let witness = Arc::clone(&shared.witness);
    let task = tokio::task::spawn_blocking(move || {
        // Given back when the work is done, even where the client has gone away before.
        let _turn = turn;
        work(&witness)
    });
    task.await.ok()
}

fn refused(refusal: &Refusal) -> Response {
    let media = if matches!(refusal, Refusal::Conflict { .. }) { SIZE_MEDIA_TYPE } else { TEXT };
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(CONTENT_TYPE, media)], refusal.body()).into_response()
}

/// The cause is for the witness's operator; the client is told that there is one.
fn broken(error: &impl ToString) -> Response {
    tracing::error!(error = error.to_string(), "the witness cannot answer");
    text(StatusCode::INTERNAL_SERVER_ERROR, "the witness cannot answer; its operator has to look at it\n")
}

fn text(status: StatusCode, body: impl Into<String>) -> Response {
    (status, [(CONTENT_TYPE, TEXT)], body.into()).into_response()
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
