use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ObjectSummary;

/// A part of the graph, with places to draw it at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Graph {
    /// Objects and values.
    pub nodes: Vec<GraphNode>,
    /// What ties them.
    pub edges: Vec<GraphEdge>,
    /// Nodes that have more neighbours than are shown.
    pub withheld: Vec<GraphWithheld>,
    /// The earliest time of any edge shown, before `from` and `until` were applied: RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earliest: Option<String>,
    /// The latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest: Option<String>,
    /// When this was true: RFC 3339.
    pub as_of: String,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GraphNode {
    /// A STIX identifier, or `value:<kind>:<value>`.
    pub id: String,
    /// The object, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectSummary>,
    /// The kind of value, where it is one, e.g. `domain-name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What to write beside it.
    pub name: String,
    /// From the left, 0–1.
    pub x: f64,
    /// From the top, 0–1.
    pub y: f64,
    /// Whether its neighbours were asked for.
    pub expanded: bool,
}

/// A tie between two nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GraphEdge {
    /// From which node.
    pub source: String,
    /// To which.
    pub target: String,
    /// `relationship_type`, the property that names the target (`object_refs`), `sighting`, or `value`.
    pub kind: String,
    /// The relationship or sighting that it stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Since when: RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// A node with more neighbours than are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GraphWithheld {
    /// The node.
    pub node: String,
    /// `high-degree`: more than one answer gives; `full`: the picture has no room for more.
    pub reason: String,
    /// How many objects name it that you may see, counted up to 1000.
    pub degree: u64,
    /// Give this back as `next` with the node alone in `expand` for its further neighbours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The shortest path between two nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GraphPath {
    /// `found`, `none` (none within the depth), `given-up` (too much to look through).
    pub outcome: String,
    /// The nodes of the path in order, both ends included; empty where there is none.
    pub path: Vec<String>,
    /// The path as a graph.
    pub graph: Graph,
}

/// What several nodes have in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GraphCommon {
    /// The neighbours that all of them have.
    pub common: Vec<String>,
    /// They and the nodes asked about, as a graph.
    pub graph: Graph,
}
