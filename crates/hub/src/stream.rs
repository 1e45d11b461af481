//! stub
use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
}
