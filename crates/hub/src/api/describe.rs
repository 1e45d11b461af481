//! What every operation's description says of its failures.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use api::{Code, Problem};
use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::header;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use crate::principal::SESSION_COOKIE;
use crate::state::AppState;

/// The failures of an address that anybody may ask.
pub(crate) struct AnyRefusal;

/// The failures of an address that anybody may ask, where the node's operator opened it.
pub(crate) struct PublicRefusal;

/// The failures of an address for which one signs in.
pub(crate) struct CallerRefusal;

impl IntoResponses for AnyRefusal {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[
            Code::BadRequest,
            Code::SignInRefused,
            Code::TooLarge,
            Code::TooMany,
            Code::Internal,
            Code::Unavailable,
        ])
    }
}

impl IntoResponses for PublicRefusal {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[Code::BadRequest, Code::NotFound, Code::TooMany, Code::Internal, Code::Unavailable])
    }
}

impl IntoResponses for CallerRefusal {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[
            Code::BadRequest,
            Code::SignInNeeded,
            Code::NotAllowed,
            Code::NotFound,
            Code::TooLarge,
            Code::Unprocessable,
            Code::TooMany,
            Code::Internal,
            Code::Unavailable,
        ])
    }
}

/// The document itself.
pub(crate) fn routes() -> Router<AppState> {
    static DOCUMENT: LazyLock<Bytes> =
        LazyLock::new(|| crate::openapi().to_json().unwrap_or_default().into());
    let document = || async { ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.clone()) };
    Router::new().route("/api/openapi.json", get(document))
}

fn refusals(codes: &[Code]) -> BTreeMap<String, RefOr<Response>> {
    codes.iter().map(|code| (code.status().to_string(), RefOr::T(refusal(*code)))).collect()
}

fn refusal(code: Code) -> Response {
    let schema = Ref::from_schema_name(Problem::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(code.title()).content("application/problem+json", content).build()
}

/// Names each operation by its method and path: the handlers' own names (`list`, `add`) repeat from noun to noun, and generators of
/// clients make functions of these.
pub(crate) fn name_operations(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("delete", &mut item.delete),
            ("patch", &mut item.patch),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_name(method, path));
            }
        }
    }
}

/// `get /api/v1/objects/{id}/references` is `getObjectsByIdReferences`; `post /edge/v1/hello` is `postEdgeHello`.
fn operation_name(method: &str, path: &str) -> String {
    let words = path.split('/').filter(|part| !matches!(*part, "" | "api" | "v1"));
    let words = words.map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(parameter) => format!("By{}", capitals(parameter)),
        None => capitals(part),
    });
    std::iter::once(method.to_owned()).chain(words).collect()
}

/// `passkey-start` is `PasskeyStart`.
fn capitals(words: &str) -> String {
    let word = |word: &str| {
        let mut characters = word.chars();
        characters
            .next()
            .map(|first| first.to_ascii_uppercase())
            .into_iter()
            .chain(characters)
            .collect::<String>()
    };
    words.split(['-', '_', '.']).map(word).collect()
}

/// The beginning of the OpenAPI document: what it is about, how one signs in, and the schema that every failure refers to.
pub(crate) fn head() -> OpenApi {
    let info = InfoBuilder::new().title("Yagura hub").version("v1").description(Some(
        "Objects, cases, edges, people and audit of one hub. Errors are RFC 9457 problem documents with a stable `code`.",
    ));
    let cookie = ApiKeyValue::with_description(
        SESSION_COOKIE,
        "A person's session. Every request that changes something also brings the session's `csrf` as `X-Yagura-CSRF`.",
    );
    let bearer = |about: &str| {
        SecurityScheme::Http(
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build(),
        )
    };
    let components = ComponentsBuilder::new()
        .schema(<Problem as ToSchema>::name(), Problem::schema())
        .schema(<Code as ToSchema>::name(), Code::schema())
        .security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
        .security_scheme("token", bearer("A program's token, `yg_…`."))
        .security_scheme("edge", bearer("An edge's token, `ye_…`; good for `/edge/v1` only."))
        .build();
    OpenApiBuilder::new().info(info.build()).components(Some(components)).build()
}
