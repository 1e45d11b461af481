use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A problem document (RFC 9457) with a stable `code`; its text is English, the console translates code and reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `about:blank`, or an address that explains the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: Code,
    /// A stable word for exactly which rule was broken, where there is one: one cause, one remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What stands in the places of the reason's text, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// This case in particular, and the remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The request's id, to quote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// Every error code there is, with status and title, defined once.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:literal, $title:literal;)+) => {
        /// A stable error code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code { $($(#[$doc])* #[serde(rename = $text)] $variant),+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as on the wire.
            #[must_use]
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $text),+ } }

            /// The HTTP status.
            #[must_use]
            pub fn status(self) -> u16 { match self { $(Self::$variant => $status),+ } }

            /// What happened, in a few English words.
            #[must_use]
            pub fn title(self) -> &'static str { match self { $(Self::$variant => $title),+ } }
        }
    };
}

codes! {
    /// The request's body or a parameter cannot be read.
    BadRequest = "bad-request", 400, "the request cannot be read";
    /// Nobody is signed in.
    SignInNeeded = "sign-in-needed", 401, "sign in first";
    /// Name, password, passkey, link or token is wrong or has expired.
    SignInRefused = "sign-in-refused", 401, "sign-in was refused";
    /// The session is good, but this asks for a proof of who is there that is fresh: sign in again and repeat it.
    FreshProofNeeded = "fresh-proof-needed", 403, "prove again who you are";
    /// The signed-in principal may not do this.
    NotAllowed = "not-allowed", 403, "not allowed";
    /// It is not there, or not there for this principal.
    NotFound = "not-found", 404, "not found";
    /// The method is not offered here.
    MethodNotAllowed = "method-not-allowed", 405, "method not allowed";
    /// The response cannot be given in the asked-for media type.
    NotAcceptable = "not-acceptable", 406, "media type not offered";
    /// Somebody else changed it meanwhile.
    Conflict = "conflict", 409, "changed meanwhile";
    /// The body is too large.
    TooLarge = "too-large", 413, "too large";
    /// The body is of another media type.
    UnsupportedMediaType = "unsupported-media-type", 415, "media type not understood";
    /// The content breaks a rule.
    Unprocessable = "unprocessable", 422, "breaks a rule";
    /// Too many requests.
    TooMany = "too-many", 429, "too many requests";
    /// Our fault; it is in the node's log under the request's id.
    Internal = "internal", 500, "the node failed";
    /// The node cannot serve just now: starting, stopping, disk full.
    Unavailable = "unavailable", 503, "not available now";
}

/// By hand: what the derive makes of a name that comes out of a macro is Rust's name of the variant, not the word on the wire.
impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let names = Self::ALL.iter().map(|code| code.name());
        let words = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A stable error code."))
            .enum_values(Some(names));
        words.into()
    }
}

impl ToSchema for Code {}

impl Problem {
    /// A problem of a code, with the particulars.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            reason: None,
            params: BTreeMap::new(),
            detail: Some(detail.into()),
            request: None,
        }
    }
}
