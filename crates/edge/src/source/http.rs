//! HTTP push: bodies of records, as Vector, Fluent Bit and other shippers send them. A body is answered with 200 when its records
//! are on disk, and with what its sender should do otherwise: come again later (429, 503), or not as it is (4xx).

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use axum_server::tls_rustls::RustlsConfig;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use telemetry::{BulkAction, Lines, Unreadable};
use tokio::sync::Semaphore;

use crate::config::HttpPush;
use crate::source::journal::{Key, NewEntry, Refused};
use crate::source::{Inlet, RECORD_BYTES_MAX};

/// The largest body as it comes.
const BODY_BYTES_MAX: usize = 16 << 20;
/// The largest body unpacked.
const UNPACKED_BYTES_MAX: usize = 32 << 20;
/// Bodies that are unpacked at once; together they bound the memory of this door.
const AT_ONCE_MAX: usize = 4;
/// How long a body waits to be one of them.
const TURN_WAIT: Duration = Duration::from_secs(2);
/// How long a body may take to come.
const BODY_WAIT: Duration = Duration::from_secs(30);
/// How long the head of a request may take to come.
const HEAD_WAIT: Duration = Duration::from_secs(10);
/// When a sender should come again.
const RETRY_AFTER_SECONDS: &str = "2";
/// The largest window of a zstd frame, as a power of two: memory that its sender chooses.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// An open door.
pub(crate) struct Door {
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    state: Arc<Behind>,
}

/// What is behind it.
struct Behind {
    inlet: Arc<Inlet>,
    token: [u8; 32],
    turns: Semaphore,
}

/// Why a body is not taken.
#[derive(Debug)]
enum Turned {
    Token,
    Busy,
    Full,
    Disk,
    TooLarge,
    Slow,
    Encoding,
    MediaType,
    Packing,
    Content(Unreadable),
    Method,
}

impl Door {
    pub(crate) fn new(listener: TcpListener, inlet: Arc<Inlet>, config: &HttpPush) -> Self {
        let tls = config.tls.as_ref().map(|tls| {
            let mut tls = tls.as_ref().clone();
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
            RustlsConfig::from_config(Arc::new(tls))
        });
        let state = Behind { inlet, token: config.token, turns: Semaphore::new(AT_ONCE_MAX) };
        Self { listener, tls, state: Arc::new(state) }
    }

    /// Takes bodies until the edge stops.
    pub(crate) async fn attend(self) {
        let service = Router::new().fallback(answer).with_state(self.state).into_make_service();
        let served = match self.tls {
            Some(tls) => match axum_server::from_tcp_rustls(self.listener, tls) {
                Ok(mut server) => {
                    server.http_builder().http1().header_read_timeout(HEAD_WAIT);
                    server.serve(service).await
                }
                Err(error) => Err(error),
            },
            None => match axum_server::from_tcp(self.listener) {
                Ok(mut server) => {
                    server.http_builder().http1().header_read_timeout(HEAD_WAIT);
                    server.serve(service).await
                }
                Err(error) => Err(error),
            },
        };
        if let Err(error) = served {
            tracing::error!(%error, "a door for pushed records closed");
        }
    }
}

async fn answer(State(behind): State<Arc<Behind>>, request: Request) -> Response {
    let taken = behind.take(request).await;
    if let Err(turned) = &taken {
        behind.inlet.counters.refused(turned.code(), 1);
    }
    taken.unwrap_or_else(IntoResponse::into_response)
}

impl Behind {
    async fn take(&self, request: Request) -> Result<Response, Turned> {
        let (head, body) = request.into_parts();
        self.check_token(&head.headers)?;
        match head.method {
            Method::POST | Method::PUT => {}
            // What shippers ask before they send.
            Method::GET | Method::HEAD => return Ok(StatusCode::OK.into_response()),
            _ => return Err(Turned::Method),
        }
        if !is_text(&head.headers) {
            return Err(Turned::MediaType);
        }
        let packing = Packing::of(&head.headers)?;
        let journal = self.inlet.journal.as_ref().ok_or(Turned::Disk)?;
        if journal.is_full() {
            return Err(Turned::Full);
        }
        let _turn = tokio::time::timeout(TURN_WAIT, self.turns.acquire()).await.map_err(|_| Turned::Busy)?;
        let body = read(body).await?;
        self.inlet.counters.received(1);
        let is_bulk = head.uri.path().ends_with("/_bulk");
        let unpacked = tokio::task::spawn_blocking(move || lines_of(&body, packing, is_bulk));
        let (lines, actions) = unpacked.await.unwrap_or(Err(Turned::Packing))?;
        for (why, count) in &lines.refused {
            self.inlet.counters.refused(why.code(), *count);
        }
        let answer = match &actions {
            Some(actions) => bulk_answer(actions),
            None => json!({ "taken": lines.count, "refused": refused(&lines) }),
        };
        if lines.count > 0 {
            journal.keep(&NewEntry { key: key_of(&lines.bytes), lines: lines.bytes }).await?;
        }
        Ok(Json(answer).into_response())
    }

    /// Compares digests, so that the time it takes tells nothing of the token.
    fn check_token(&self, headers: &HeaderMap) -> Result<(), Turned> {
        let given =
            headers.get(header::AUTHORIZATION).and_then(|given| given.to_str().ok()).unwrap_or_default();
        let token = match given.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => "",
        };
        let given: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if bool::from(given.ct_eq(&self.token)) { Ok(()) } else { Err(Turned::Token) }
    }
}

async fn read(body: Body) -> Result<Bytes, Turned> {
    let reading = axum::body::to_bytes(body, BODY_BYTES_MAX);
    let read = tokio::time::timeout(BODY_WAIT, reading).await.map_err(|_| Turned::Slow)?;
    // The one error that is not the connection's is the limit.
    read.map_err(|_| Turned::TooLarge)
}

/// Fluent Bit's own default is MessagePack, which is no text.
fn is_text(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|given| given.to_str().ok()).unwrap_or_default();
    !["msgpack", "protobuf", "octet-stream", "multipart/", "form-urlencoded"]
        .iter()
        .any(|other| given.contains(other))
}

/// How a body is packed.
#[derive(Debug, Clone, Copy)]
enum Packing {
    Plain,
    Gzip,
    Zlib,
    Zstd,
}

impl Packing {
    fn of(headers: &HeaderMap) -> Result<Self, Turned> {
        match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"" | b"identity") => Ok(Self::Plain),
            Some(b"gzip" | b"x-gzip") => Ok(Self::Gzip),
            Some(b"deflate") => Ok(Self::Zlib),
            Some(b"zstd") => Ok(Self::Zstd),
            Some(_) => Err(Turned::Encoding),
        }
    }

    /// The body as it was before, if it is no larger than allowed.
    fn unpack(self, body: &[u8]) -> Result<Vec<u8>, Turned> {
        let reader: Box<dyn Read + '_> = match self {
            Self::Plain => Box::new(body),
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(body)),
            Self::Zlib => Box::new(flate2::read::ZlibDecoder::new(body)),
            Self::Zstd => {
                let mut decoder = zstd::Decoder::new(body).map_err(|_| Turned::Packing)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|_| Turned::Packing)?;
                Box::new(decoder)
            }
        };
        let mut unpacked = Vec::new();
        reader.take(UNPACKED_BYTES_MAX as u64 + 1).read_to_end(&mut unpacked).map_err(|_| Turned::Packing)?;
        if unpacked.len() > UNPACKED_BYTES_MAX { Err(Turned::TooLarge) } else { Ok(unpacked) }
    }
}

type Parts = (Lines, Option<Vec<BulkAction>>);

fn lines_of(body: &[u8], packing: Packing, is_bulk: bool) -> Result<Parts, Turned> {
    let body = packing.unpack(body)?;
    if is_bulk {
        let (lines, actions) = Lines::of_bulk(&body, RECORD_BYTES_MAX).map_err(Turned::Content)?;
        return Ok((lines, Some(actions)));
    }
    Ok((Lines::of_body(&body, RECORD_BYTES_MAX).map_err(Turned::Content)?, None))
}

/// Who sends the same lines again sends them because no answer came.
fn key_of(lines: &[u8]) -> Key {
    let digest: [u8; 32] = Sha256::digest(lines).into();
    *digest.first_chunk().unwrap_or(&[0; 16])
}

fn refused(lines: &Lines) -> Value {
    lines.refused.iter().map(|(why, count)| (why.code().to_owned(), Value::from(*count))).collect()
}

/// Shippers look whether there were errors, and some count the items.
fn bulk_answer(actions: &[BulkAction]) -> Value {
    let items: Vec<Value> = actions
        .iter()
        .map(|action| json!({ action.name(): { "status": 201, "result": "created" } }))
        .collect();
    json!({ "took": 0, "errors": false, "items": items })
}

impl From<Refused> for Turned {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Full => Self::Full,
            Refused::Disk => Self::Disk,
            Refused::TooLong => Self::TooLarge,
        }
    }
}

impl Turned {
    /// A stable code.
    fn code(&self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Busy => "busy",
            Self::Full => "queue-full",
            Self::Disk => "disk-full",
            Self::TooLarge => "body-too-large",
            Self::Slow => "body-too-slow",
            Self::Encoding => "encoding",
            Self::MediaType => "media-type",
            Self::Packing => "body-not-unpacked",
            Self::Content(why) => why.code(),
            Self::Method => "method",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Busy | Self::Full => StatusCode::TOO_MANY_REQUESTS,
            // Not 408, on which Fluent Bit gives the batch up.
            Self::Disk | Self::Slow => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Encoding | Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Packing | Self::Content(_) => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Token => "send the source's token as `Authorization: Bearer …`".to_owned(),
            Self::Busy => "other bodies are being unpacked; send it again".to_owned(),
            Self::Full => "too much waits to be matched; send it again later".to_owned(),
            Self::Disk => "the edge's disk does not take it; send it again later".to_owned(),
            Self::TooLarge => format!(
                "a body may have {} MiB, unpacked {} MiB; send smaller batches",
                BODY_BYTES_MAX >> 20,
                UNPACKED_BYTES_MAX >> 20
            ),
            Self::Slow => "the body did not come in time; send it again".to_owned(),
            Self::Encoding => "a body may be packed by gzip, deflate or zstd".to_owned(),
            Self::MediaType => {
                "send JSON (an array, lines or a stream of objects) or lines of text".to_owned()
            }
            Self::Packing => "the body cannot be unpacked".to_owned(),
            Self::Content(why) => format!("the body cannot be taken apart: {why}"),
            Self::Method => "records are sent by POST".to_owned(),
        }
    }
}

impl IntoResponse for Turned {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = Json(json!({ "code": self.code(), "message": self.message() }));
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
