//! `/api/v1/graph`: how things hang together, drawn. Every answer is bounded, and says where it was cut and why.

use std::collections::{BTreeMap, BTreeSet};

use analysis::graph::{Budget, Way, common_neighbours, shortest_path};
use analysis::layout;
use api::{Code, Graph, GraphCommon, GraphEdge, GraphNode, GraphPath, GraphWithheld};
use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use policy::Operation;
use serde::Deserialize;
use store::{Reader, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::summaries::{Teller, leaving};
use crate::neighbours::{Around, Node, Tie};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::request::Query;
use crate::state::AppState;

/// Nodes that one question names at most.
const ASKED_MAX: usize = 100;
/// Nodes of one picture.
const NODES_MAX: usize = 300;
/// Neighbours of one node in one answer.
const NEIGHBOURS_MAX: usize = 100;
const NEIGHBOURS_DEFAULT: usize = 40;
/// How far a path is looked for.
const BUDGET: Budget = Budget { depth: 6, expansions: 150 };
/// Neighbours of one node that a path may lead through.
const WAY_NEIGHBOURS_MAX: usize = 200;
/// Nodes that are compared at once.
const COMMON_MAX: usize = 8;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(picture)).routes(routes!(path)).routes(routes!(common))
}

#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PictureQuery {
    /// Where to begin: STIX identifiers or `value:<kind>:<value>`, one a line (`%0A`).
    nodes: String,
    /// Nodes whose neighbours are wanted, one a line; each is shown too.
    #[serde(default)]
    expand: String,
    /// Only ties that hold at or after this time: RFC 3339.
    from: Option<String>,
    /// Only ties that hold at or before this time.
    until: Option<String>,
    /// Neighbours of each node, at most 100; 40 where absent.
    limit: Option<usize>,
    /// For further neighbours of the one node in `expand`: from `withheld`.
    next: Option<i64>,
}

/// A part of the graph, laid out.
///
/// The same question gives the same picture, as long as nothing comes in.
#[utoipa::path(get, path = "/api/v1/graph", tag = "graph", security(("session" = []), ("token" = [])), params(PictureQuery),
    responses((status = 200, body = Graph), crate::api::CallerRefusal))]
async fn picture(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<PictureQuery>,
) -> Answer<Json<Graph>> {
    let window = window(query.from.as_deref(), query.until.as_deref())?;
    let (start, expand) = (nodes(&query.nodes, ASKED_MAX)?, nodes(&query.expand, ASKED_MAX)?);
    let limit = query.limit.unwrap_or(NEIGHBOURS_DEFAULT).clamp(1, NEIGHBOURS_MAX);
    let before = query.next.filter(|_| expand.len() == 1).unwrap_or(i64::MAX);
    let graph = answer(&state, caller, "graph", move |_, asker, reader, teller| {
        let visible = std::sync::Arc::clone(&teller.visible);
        let mut around = Around::new(reader, asker.realm(), &visible, window, limit);
        let mut drawing = Drawing::default();
        for node in start.iter().chain(&expand) {
            if around.is_there(node)? {
                drawing.put(node);
            }
        }
        if drawing.nodes.is_empty() {
            return Ok(None);
        }
        for node in &expand {
            drawing.expand(&mut around, node, before)?;
        }
        drawing.told(teller, around.span).map(Some)
    });
    graph.await
}

#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PathQuery {
    /// One end: a STIX identifier or `value:<kind>:<value>`.
    one: String,
    /// The other.
    other: String,
    /// Only over ties that hold at or after this time: RFC 3339.
    from: Option<String>,
    /// Only over ties that hold at or before this time.
    until: Option<String>,
}

/// The shortest path between two nodes, up to six ties long.
///
/// Of a node that more than 200 objects name, the newest 200 are looked at.
#[utoipa::path(get, path = "/api/v1/graph/path", tag = "graph", security(("session" = []), ("token" = [])), params(PathQuery),
    responses((status = 200, body = GraphPath), crate::api::CallerRefusal))]
async fn path(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<PathQuery>,
) -> Answer<Json<GraphPath>> {
    let window = window(query.from.as_deref(), query.until.as_deref())?;
    let (one, other) = (node(&query.one)?, node(&query.other)?);
    let found = answer(&state, caller, "graph-path", move |_, asker, reader, teller| {
        let visible = std::sync::Arc::clone(&teller.visible);
        let mut around = Around::new(reader, asker.realm(), &visible, window, WAY_NEIGHBOURS_MAX);
        if !around.is_there(&one)? || !around.is_there(&other)? {
            return Ok(None);
        }
        let way = shortest_path(&one, &other, BUDGET, |node| far_ends(&mut around, node))?;
        let (outcome, nodes) = match way {
            Way::Found(nodes) => ("found", nodes),
            Way::None => ("none", Vec::new()),
            Way::GivenUp => ("given-up", Vec::new()),
        };
        let mut drawing = Drawing::default();
        let shown = if nodes.is_empty() { vec![one, other] } else { nodes.clone() };
        shown.iter().for_each(|node| drawing.put(node));
        drawing.tie_together(&mut around)?;
        let (graph, leaving) = drawing.told(teller, around.span)?;
        let path = nodes.iter().map(Node::text).collect();
        Ok(Some((GraphPath { outcome: outcome.to_owned(), path, graph }, leaving)))
    });
    found.await
}

#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CommonQuery {
    /// Two to eight nodes, one a line (`%0A`).
    nodes: String,
    /// Only over ties that hold at or after this time: RFC 3339.
    from: Option<String>,
    /// Only over ties that hold at or before this time.
    until: Option<String>,
}

/// What several nodes all have for a neighbour.
#[utoipa::path(get, path = "/api/v1/graph/common", tag = "graph", security(("session" = []), ("token" = [])), params(CommonQuery),
    responses((status = 200, body = GraphCommon), crate::api::CallerRefusal))]
async fn common(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<CommonQuery>,
) -> Answer<Json<GraphCommon>> {
    let window = window(query.from.as_deref(), query.until.as_deref())?;
    let starts = nodes(&query.nodes, COMMON_MAX)?;
    if starts.len() < 2 {
        return Err(Failure::new(Code::BadRequest, "nodes: name two at least, one a line"));
    }
    let found = answer(&state, caller, "graph-common", move |_, asker, reader, teller| {
        let visible = std::sync::Arc::clone(&teller.visible);
        let mut around = Around::new(reader, asker.realm(), &visible, window, WAY_NEIGHBOURS_MAX);
        let mut drawing = Drawing::default();
        for start in &starts {
            if !around.is_there(start)? {
                return Ok(None);
            }
            drawing.put(start);
        }
        let common = common_neighbours(&starts, |node| far_ends(&mut around, node))?;
        common.iter().take(NODES_MAX).for_each(|node| drawing.put(node));
        for start in &starts {
            drawing.tie_node(&mut around, start)?;
        }
        let (graph, leaving) = drawing.told(teller, around.span)?;
        let common = common.iter().take(NODES_MAX).map(Node::text).collect();
        Ok(Some((GraphCommon { common, graph }, leaving)))
    });
    found.await
}

fn far_ends(around: &mut Around<'_, '_>, node: &Node) -> Result<Vec<Node>, StoreError> {
    Ok(around.beside(node, i64::MAX)?.ties.iter().map(|tie| tie.far(node).clone()).collect())
}

/// A picture in the making.
#[derive(Default)]
struct Drawing {
    /// In the order in which they came: that decides where they are drawn.
    nodes: Vec<Node>,
    places: BTreeMap<Node, usize>,
    expanded: BTreeSet<Node>,
    ties: BTreeMap<(String, String, String), Tie>,
    withheld: Vec<GraphWithheld>,
}

impl Drawing {
    fn put(&mut self, node: &Node) {
        if !self.places.contains_key(node) {
            self.places.insert(node.clone(), self.nodes.len());
            self.nodes.push(node.clone());
        }
    }

    /// Adds a node's neighbours as far as there is room.
    fn expand(&mut self, around: &mut Around<'_, '_>, node: &Node, before: i64) -> Result<(), StoreError> {
        if !self.places.contains_key(node) || !self.expanded.insert(node.clone()) {
            return Ok(());
        }
        let beside = around.beside(node, before)?;
        let mut is_full = false;
        for tie in beside.ties {
            let far = tie.far(node).clone();
            if !self.places.contains_key(&far) && self.nodes.len() >= NODES_MAX {
                is_full = true;
                continue;
            }
            self.put(&far);
            self.tie(tie);
        }
        if is_full || beside.next.is_some() {
            self.withheld.push(GraphWithheld {
                node: node.text(),
                reason: if is_full { "full" } else { "high-degree" }.to_owned(),
                degree: around.degree(node)?,
                next: beside.next.filter(|_| !is_full).map(|next| next.to_string()),
            });
        }
        Ok(())
    }

    /// Adds the ties among the nodes that are there.
    fn tie_together(&mut self, around: &mut Around<'_, '_>) -> Result<(), StoreError> {
        for node in self.nodes.clone() {
            self.tie_node(around, &node)?;
        }
        Ok(())
    }

    fn tie_node(&mut self, around: &mut Around<'_, '_>, node: &Node) -> Result<(), StoreError> {
        for tie in around.beside(node, i64::MAX)?.ties {
            if self.places.contains_key(tie.far(node)) {
                self.tie(tie);
            }
        }
        Ok(())
    }

    fn tie(&mut self, tie: Tie) {
        let standing = tie.object.as_ref().map_or_else(|| tie.kind.clone(), ToString::to_string);
        self.ties.entry((tie.source.text(), tie.target.text(), standing)).or_insert(tie);
    }

    fn told(
        self,
        teller: &mut Teller<'_, '_>,
        span: Option<(Timestamp, Timestamp)>,
    ) -> Result<(Graph, Vec<Leaving>), StoreError> {
        let place = |node: &Node| self.places.get(node).copied();
        let pairs: Vec<(usize, usize)> =
            self.ties.values().filter_map(|tie| Some((place(&tie.source)?, place(&tie.target)?))).collect();
        let points = layout::places(self.nodes.len(), &pairs);
        let mut parts: Vec<Leaving> = self.ties.values().map(|tie| tie.said_by.clone()).collect();
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for (node, point) in self.nodes.iter().zip(points) {
            let (object, kind, name) = match node {
                Node::Value(kind, value) => (None, Some(kind.name().to_owned()), value.clone()),
                Node::Object(id) => {
                    let Some((row, summary)) = teller.object_by_id(id)? else { continue };
                    parts.push(leaving(&row));
                    let name = summary.name.clone();
                    (Some(summary), None, name)
                }
            };
            let expanded = self.expanded.contains(node);
            nodes.push(GraphNode { id: node.text(), object, kind, name, x: point.x, y: point.y, expanded });
        }
        let edges = self.ties.values().map(edge).collect();
        let graph = Graph {
            nodes,
            edges,
            withheld: self.withheld,
            earliest: span.map(|(earliest, _)| earliest.to_string()),
            latest: span.map(|(_, latest)| latest.to_string()),
            as_of: teller.reader.now().to_string(),
        };
        Ok((graph, parts))
    }
}

fn edge(tie: &Tie) -> GraphEdge {
    GraphEdge {
        source: tie.source.text(),
        target: tie.target.text(),
        kind: tie.kind.clone(),
        object: tie.object.as_ref().map(ToString::to_string),
        from: tie.since.map(|since| since.to_string()),
        until: tie.until.map(|until| until.to_string()),
    }
}

fn node(text: &str) -> Answer<Node> {
    Node::parse(text.trim()).ok_or_else(|| {
        Failure::new(
            Code::BadRequest,
            format!("`{text}` is neither a STIX identifier nor `value:<kind>:<value>`"),
        )
    })
}

fn nodes(text: &str, limit: usize) -> Answer<Vec<Node>> {
    let named: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if named.len() > limit {
        return Err(Failure::new(Code::BadRequest, format!("more than {limit} nodes are named")));
    }
    named.into_iter().map(node).collect()
}

type Window = (Option<Timestamp>, Option<Timestamp>);

fn window(from: Option<&str>, until: Option<&str>) -> Answer<Window> {
    let time = |name: &str, text: Option<&str>| {
        let text = text.filter(|text| !text.is_empty());
        let read = text.map(str::parse::<Timestamp>).transpose();
        read.map_err(|_| {
            Failure::new(Code::BadRequest, format!("{name}: it is a time such as `2026-04-01T00:00:00Z`"))
        })
    };
    Ok((time("from", from)?, time("until", until)?))
}

/// Reads, releases and answers; not found where the work gives nothing.
pub(super) async fn answer<T: Send + 'static>(
    state: &AppState,
    caller: Caller,
    door: &'static str,
    work: impl FnOnce(
        &AppState,
        &Caller,
        &Reader<'_>,
        &mut Teller<'_, '_>,
    ) -> Result<Option<(T, Vec<Leaving>)>, StoreError>
    + Send
    + 'static,
) -> Answer<Json<T>> {
    caller.demand(state, Operation::Read)?;
    let (held, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let mut teller = Teller::new(reader, &held.door, &asker.principal)?;
        let found = work(&held, &asker, reader, &mut teller)?;
        Ok(found.map(|(value, leaving)| (value, leaving, teller.visible)))
    });
    let (value, leaving, visible) = found.await?.ok_or_else(Failure::not_found)?;
    let recipient = Recipient { caller, door };
    let value =
        state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, value).await?;
    Ok(Json(value.into_inner()))
}
