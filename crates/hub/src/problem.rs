//! Errors with two messages: what the caller may read, and what the log records. The second never travels.
//!
//! A handler returns [`Failure`]; [`answer_failure`](crate::server) renders it at the outermost layer, where the request's id
//! and the form of the route (problem document, or TAXII error) are known.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::{Code, Problem};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use store::StoreError;

/// What a handler returns when it cannot do what was asked.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    code: Code,
    /// Exactly which rule was broken, for whoever says it in another language than the detail's; one of [`api::REASONS`].
    reason: Option<&'static str>,
    /// What stands in the places of the reason's text.
    params: BTreeMap<&'static str, String>,
    detail: String,
    /// For the log only: may hold paths, SQL, other people's names.
    cause: Option<Arc<str>>,
    /// Whether the refusal is in the audit log already, with more than the outermost layer knows.
    is_audited: bool,
    /// After how many seconds the same may be asked again, where that is known.
    retry_after: Option<u64>,
}

pub(crate) type Answer<T> = Result<T, Failure>;

impl Failure {
    /// A failure with what the caller may read: what is wrong in particular, and the remedy.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            reason: None,
            params: BTreeMap::new(),
            detail: detail.into(),
            cause: None,
            is_audited: false,
            retry_after: None,
        }
    }

    /// A rule was broken: which one, by a word of [`api::REASONS`], and what the caller may read.
    pub(crate) fn rule(reason: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Code::Unprocessable, detail).because(reason)
    }

    /// It is not there, or not there for this principal: the two must look alike, so the text is fixed.
    pub(crate) fn not_found() -> Self {
        Self::new(Code::NotFound, "there is nothing at this address that you may see")
    }

    /// Policy does not allow this operation to this principal.
    pub(crate) fn not_allowed() -> Self {
        Self::new(Code::NotAllowed, "your role does not allow this; ask an administrator of the council")
    }

    /// Our fault. The caller learns nothing but the request's id.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        Self::new(Code::Internal, "the node failed; quote the request's id to its operator").caused_by(cause)
    }

    /// Names the cause. A word that nobody would find in a catalogue is no reason, and is left out.
    pub(crate) fn because(mut self, reason: &'static str) -> Self {
        self.reason = api::is_reason(reason).then_some(reason);
        self
    }

    /// Adds what stands in a place of the reason's text.
    pub(crate) fn with(mut self, place: &'static str, value: impl std::fmt::Display) -> Self {
        self.params.insert(place, value.to_string());
        self
    }

    /// Adds what the log should record.
    pub(crate) fn caused_by(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string().into());
        self
    }

    /// Says that the refusal was written to the audit log where it happened. Every other 403 and refused sign-in is written by
    /// the outermost layer.
    pub(crate) fn audited(mut self) -> Self {
        self.is_audited = true;
        self
    }

    /// Says when the same may be asked again (RFC 9110 §10.2.3).
    pub(crate) fn retry_after(mut self, pause: Duration) -> Self {
        // Rounded up: who comes back when it was told to is let in.
        self.retry_after = Some(pause.as_secs().saturating_add(u64::from(pause.subsec_nanos() > 0)).max(1));
        self
    }

    pub(crate) fn is_audited(&self) -> bool {
        self.is_audited
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// The rule that was broken, where it has a name.
    pub(crate) fn reason(&self) -> Option<&'static str> {
        self.reason
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// As an RFC 9457 document.
    pub(crate) fn to_problem(&self, request: &str) -> Problem {
        Problem {
            reason: self.reason.map(str::to_owned),
            params: self.params.iter().map(|(place, value)| ((*place).to_owned(), value.clone())).collect(),
            request: Some(request.to_owned()),
            ..Problem::new(self.code, self.detail.clone())
        }
    }
}

impl IntoResponse for Failure {
    /// An empty response that carries the failure to the outermost layer, which renders it.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if self.status() == StatusCode::UNAUTHORIZED {
            // RFC 9110 §11.6.1, and TAXII interoperability: a 401 names the schemes.
            let schemes =
                HeaderValue::from_static(r#"Bearer realm="yagura", Basic realm="yagura", charset="UTF-8""#);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, schemes);
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Failure {
    /// What the store could not do, as the caller may know it. Our own mistakes and damage stay in the log.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stale { .. } => Self::new(Code::Conflict, error.to_string()),
            StoreError::Exists { .. } => Self::new(Code::Conflict, error.to_string()).because("exists"),
            StoreError::NotFound { .. } => Self::not_found(),
            StoreError::Limit { .. } => Self::rule("limit", error.to_string()),
            StoreError::Abandoned { code, message } => Self::rule(code, message),
            StoreError::Full => {
                Self::new(Code::Unavailable, "the node's disk is full: nothing was written; try again later")
                    .caused_by(error)
            }
            StoreError::Unreachable(_) => Self::new(
                Code::Unavailable,
                "the node's database is away: nothing was written; try again in a moment",
            )
            .caused_by(error),
            StoreError::Undecided(_) => {
                let detail = "the node's database was lost while it wrote; look whether it is there before you try again";
                Self::new(Code::Unavailable, detail).caused_by(error)
            }
            StoreError::Closed => {
                Self::new(Code::Unavailable, "the node is stopping; try again later").caused_by(error)
            }
            _ => Self::internal(error),
        }
    }
}

/// The code that describes a bare status best: for answers that the framework gave before a handler ran.
pub(crate) fn code_of(status: StatusCode) -> Code {
    match status {
        StatusCode::UNAUTHORIZED => Code::SignInNeeded,
        StatusCode::FORBIDDEN => Code::NotAllowed,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::NOT_ACCEPTABLE => Code::NotAcceptable,
        StatusCode::CONFLICT => Code::Conflict,
        StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        StatusCode::UNPROCESSABLE_ENTITY => Code::Unprocessable,
        StatusCode::TOO_MANY_REQUESTS => Code::TooMany,
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        status if status.is_client_error() => Code::BadRequest,
        _ => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_tells_a_reason_that_is_known_and_what_stands_in_its_places() {
        let problem =
            Failure::rule("text-length", "title: it has 1 to 200 characters").with("field", "title");
        let problem = serde_json::to_value(problem.with("max", 200).to_problem("r1")).unwrap();
        assert_eq!(problem["code"], "unprocessable");
        assert_eq!(problem["status"], 422);
        assert_eq!(problem["reason"], "text-length");
        assert_eq!(problem["params"], serde_json::json!({ "field": "title", "max": "200" }));
    }

    #[test]
    fn a_write_that_is_taken_back_says_why_unless_nobody_could_read_it() {
        let reason = |code| {
            let taken_back = StoreError::Abandoned { code, message: "why".to_owned() };
            let problem = serde_json::to_value(Failure::from(taken_back).to_problem("r1")).unwrap();
            assert_eq!((problem["detail"].as_str(), problem.get("params")), (Some("why"), None));
            problem.get("reason").cloned()
        };
        assert_eq!(reason("merge-itself"), Some("merge-itself".into()));
        assert_eq!(reason("of-no-catalogue"), None);
    }
}
