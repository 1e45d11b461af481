//! The sample council: who is in it, and which of them run an edge.

use api::NewOrganisation;
use serde::Deserialize;

use super::replay::{self, Log};
use crate::output::Failure;

const COUNCIL: &str = include_str!("../../../../sample/council.json");

/// The sample council.
pub(super) struct Council {
    /// Who runs the hub; it is there from the first start on.
    pub(super) coordinator: NewOrganisation,
    /// Everybody else.
    pub(super) organisations: Vec<NewOrganisation>,
    /// The edges.
    pub(super) edges: Vec<Edge>,
}

/// An edge of the sample.
pub(super) struct Edge {
    /// Short name.
    pub(super) id: String,
    /// Its operator.
    pub(super) organisation: String,
    /// For people.
    pub(super) name: String,
    /// The logs it reads.
    pub(super) logs: Vec<Log>,
}

#[derive(Deserialize)]
struct Written {
    organisations: Vec<NewOrganisation>,
    edges: Vec<WrittenEdge>,
}

#[derive(Deserialize)]
struct WrittenEdge {
    id: String,
    organisation: String,
    name: String,
}

/// Reads the sample that the program brings along.
pub(super) fn sample() -> Result<Council, Failure> {
    let broken = |what: &str| {
        Failure::system("demo", format!("the sample council: {what}"), format!("見本の協議会：{what}"))
    };
    let written: Written = serde_json::from_str(COUNCIL).map_err(|e| broken(&e.to_string()))?;
    let (coordinators, organisations): (Vec<_>, Vec<_>) =
        written.organisations.into_iter().partition(|organisation| organisation.role == "coordinator");
    let coordinator = coordinators.into_iter().next().ok_or_else(|| broken("no coordinator"))?;
    let edge = |edge: WrittenEdge| Edge {
        logs: replay::logs_of(&edge.id),
        id: edge.id,
        organisation: edge.organisation,
        name: edge.name,
    };
    Ok(Council { coordinator, organisations, edges: written.edges.into_iter().map(edge).collect() })
}
