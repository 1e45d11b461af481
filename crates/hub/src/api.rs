//! The REST addresses under `/api/v1`, one noun a file.

mod actors;
mod agreements;
pub(crate) mod anonymous;
mod asked;
mod audience;
mod audit;
pub(crate) mod authorisations;
mod board;
mod cases;
pub(crate) mod commission;
mod contributions;
mod copies;
pub(crate) mod describe;
pub(crate) mod edges;
mod emergencies;
mod endings;
mod evidence;
mod feed;
mod graph;
mod holds;
mod identity_providers;
mod lone_approvals;
pub(crate) mod matrix;
mod node;
mod notices;
mod objects;
mod oidc;
mod orders;
mod organisations;
pub(crate) mod outreach;
mod own_mail;
mod passkeys;
mod peers;
mod people;
mod playbooks;
mod policies;
mod qualifications;
mod questions;
pub(crate) mod recalls;
mod recoveries;
mod release_requests;
mod releases;
mod reports;
mod room;
mod runs;
mod sameness;
mod saved_searches;
mod scores;
pub(crate) mod session;
mod sessions;
mod sharing_groups;
pub(crate) mod statistics;
pub(crate) mod summaries;
mod taxii_links;
mod tokens;
mod widenings;

use utoipa_axum::router::OpenApiRouter;

pub(crate) use describe::{AnyRefusal, CallerRefusal, PublicRefusal};

use crate::state::AppState;

/// Every noun.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(node::routes())
        .merge(session::routes())
        .merge(passkeys::routes())
        .merge(oidc::routes())
        .merge(sessions::routes())
        .merge(own_mail::routes())
        .merge(board::routes())
        .merge(objects::routes())
        .merge(releases::routes())
        .merge(reports::routes())
        .merge(recalls::routes())
        .merge(release_requests::routes())
        .merge(widenings::routes())
        .merge(notices::routes())
        .merge(questions::routes())
        .merge(contributions::routes())
        .merge(anonymous::routes())
        .merge(saved_searches::routes())
        .merge(graph::routes())
        .merge(matrix::routes())
        .merge(actors::routes())
        .merge(sameness::routes())
        .merge(scores::routes())
        .merge(feed::routes())
        .merge(agreements::routes())
        .merge(sharing_groups::routes())
        .merge(audience::routes())
        .merge(copies::routes())
        .merge(cases::routes())
        .merge(room::routes())
        .merge(evidence::routes())
        .merge(edges::routes())
        .merge(peers::routes())
        .merge(taxii_links::routes())
        .merge(organisations::routes())
        .merge(people::routes())
        .merge(identity_providers::routes())
        .merge(qualifications::routes())
        .merge(emergencies::routes())
        .merge(recoveries::routes())
        .merge(endings::routes())
        .merge(tokens::routes())
        .merge(policies::routes())
        .merge(audit::routes())
        .merge(commission::routes())
        .merge(authorisations::routes())
        .merge(statistics::routes())
        .merge(holds::routes())
        .merge(playbooks::routes())
        .merge(runs::routes())
        .merge(orders::routes())
        .merge(asked::routes())
        .merge(lone_approvals::routes())
        .merge(outreach::routes())
}
