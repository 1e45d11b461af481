//! The REST addresses under `/api/v1`, one noun a file.

pub(crate) mod anonymous;
mod audit;
mod board;
mod cases;
mod contributions;
pub(crate) mod describe;
pub(crate) mod edges;
mod node;
mod notices;
mod objects;
mod organisations;
mod passkeys;
mod peers;
mod people;
mod questions;
pub(crate) mod recalls;
mod release_requests;
mod releases;
mod session;
pub(crate) mod summaries;
mod tokens;

use utoipa_axum::router::OpenApiRouter;

pub(crate) use describe::{AnyRefusal, CallerRefusal};

use crate::state::AppState;

/// Every noun.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(node::routes())
        .merge(session::routes())
        .merge(passkeys::routes())
        .merge(board::routes())
        .merge(objects::routes())
        .merge(releases::routes())
        .merge(recalls::routes())
        .merge(release_requests::routes())
        .merge(notices::routes())
        .merge(questions::routes())
        .merge(contributions::routes())
        .merge(anonymous::routes())
        .merge(cases::routes())
        .merge(edges::routes())
        .merge(peers::routes())
        .merge(organisations::routes())
        .merge(people::routes())
        .merge(tokens::routes())
        .merge(audit::routes())
}
