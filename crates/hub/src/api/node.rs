//! `GET /api/v1/node`: what anybody may know of the node.

use api::Node;
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(node))
}

/// About the node.
///
/// Needs no sign-in: the console shows the node's name before anybody is known.
#[utoipa::path(get, path = "/api/v1/node", tag = "node", security(), responses((status = 200, body = Node), crate::api::AnyRefusal))]
async fn node(State(state): State<AppState>) -> Json<Node> {
    Json(about(&state))
}

/// About the node.
pub(super) fn about(state: &AppState) -> Node {
    let policies = state.policies.status();
    Node {
        name_ja: state.config.name_ja.clone(),
        name_en: state.config.name_en.clone(),
        realm: crate::REALM.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        policies: policies.hash,
        policies_refused: policies.refused.is_some(),
        transparency: state.config.transparency.is_some(),
        passwords: state.config.passwords,
    }
}
