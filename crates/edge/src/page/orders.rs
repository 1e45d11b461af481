//! What the operator sees of orders: who ordered what on which authority, until when, how it stands; and how it decides.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::config::orders::Device;
use crate::orders::Decision;
use crate::page::guard::is_of_our_page;
use crate::page::is_asked_by_our_name;
use crate::spool::orders::OrderRow;
use crate::tuning::control::Refused;
use crate::{Shared, SpoolError};

/// Orders on the page.
const ROWS_MAX: u32 = 200;

#[derive(Serialize)]
struct Orders {
    /// Whether orders are taken, and whether the operator is asked.
    enabled: bool,
    asks: bool,
    /// Whose signatures count.
    issuers: Vec<String>,
    devices: Vec<&'static str>,
    longest_minutes: u64,
    trouble: Option<String>,
    /// The broker that orders come by; nothing where they come by the link alone.
    broker: Option<Broker>,
    orders: Vec<Ordered>,
    /// Whether this page may decide.
    may_change: bool,
}

#[derive(Serialize)]
struct Broker {
    address: String,
    connected: bool,
    /// Whether orders come by it alone.
    only: bool,
}

/// An order as its operator sees it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ordered {
    /// Who signed it; empty where no signature holds.
    pub issuer: String,
    /// The command.
    pub command_id: String,
    /// When it came.
    pub at: jiff::Timestamp,
    /// `deny 198.51.100.7`
    pub words: String,
    /// Why it is ordered, by whom and on which authority, as the hub says.
    pub about: api::OrderContext,
    /// How it stands.
    pub state: api::OrderState,
    /// Why, in words.
    pub why: Option<String>,
    /// When it begins, in milliseconds since 1970.
    pub starts: Option<u64>,
    /// When it ends, likewise.
    pub ends: Option<u64>,
    /// What it stopped.
    pub stopped: Option<u64>,
    /// When the operator agreed.
    pub agreed: Option<jiff::Timestamp>,
    /// When it last changed.
    pub changed: jiff::Timestamp,
    /// Whether the operator may agree or refuse.
    pub may_decide: bool,
    /// Whether the operator may take it back.
    pub may_undo: bool,
}

impl From<OrderRow> for Ordered {
    fn from(row: OrderRow) -> Self {
        let waits = row.state == api::OrderState::Waiting;
        Self {
            may_decide: row.open && waits,
            may_undo: row.open && !waits && !row.is_undo && row.ending.is_none(),
            issuer: row.issuer,
            command_id: row.command_id,
            at: row.at,
            words: row.words,
            about: row.about,
            state: row.state,
            why: row.why,
            starts: row.starts,
            ends: row.ends,
            stopped: row.stopped,
            agreed: row.agreed,
            changed: row.changed,
        }
    }
}

/// The orders, those that are not over first.
pub(super) async fn show(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !is_asked_by_our_name(&headers) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    let may_change = shared.guard.may_change(&headers);
    match shared.blocking(move |shared| read(shared, may_change)).await {
        Ok(orders) => Json(orders).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

fn read(shared: &Shared, may_change: bool) -> Result<Option<Orders>, SpoolError> {
    let (Some(config), Some(door)) = (&shared.config.orders, &shared.orders) else { return Ok(None) };
    let mut issuers: Vec<String> = config.verifier.keys.iter().map(|key| key.issuer.clone()).collect();
    issuers.sort();
    issuers.dedup();
    Ok(Some(Orders {
        enabled: config.enabled,
        asks: config.asks,
        issuers,
        devices: config.devices.iter().map(Device::name).collect(),
        longest_minutes: config.longest_ms / 60_000,
        trouble: door.trouble(),
        broker: config.mqtt.as_ref().map(|mqtt| Broker {
            address: mqtt.broker.shown(),
            connected: door.carried.is_connected.load(Ordering::Relaxed),
            only: mqtt.only,
        }),
        orders: shared.spool.orders(ROWS_MAX)?.into_iter().map(Ordered::from).collect(),
        may_change,
    }))
}

/// The orders, those that are not over first; none where none are configured.
pub(crate) fn ordered(shared: &Shared) -> Result<Vec<Ordered>, Refused> {
    if shared.orders.is_none() {
        return Err(Refused::new("not-found", "no orders are configured here"));
    }
    Ok(shared.spool.orders(ROWS_MAX)?.into_iter().map(Ordered::from).collect())
}

/// Decides about the order of that command, whoever signed it. Not to be called where something else is to go on meanwhile.
pub(crate) fn decide_now(shared: &Shared, command: &str, what: Decision) -> Result<(), Refused> {
    let none = |why: &str| Refused::new("not-found", why);
    let orders = shared.orders.as_ref().ok_or_else(|| none("no orders are configured here"))?;
    let open = shared.spool.open_orders()?.into_iter().filter(|row| row.command_id == command);
    let mut issuers = open.map(|row| row.issuer);
    let issuer = issuers.next().ok_or_else(|| none("there is no such order that is not over"))?;
    if issuers.next().is_some() {
        return Err(Refused::new(
            "ambiguous",
            "several issuers ordered something under this name; use the page",
        ));
    }
    let decided = orders.decide(issuer, command.to_owned(), what);
    match tokio::runtime::Handle::current().block_on(decided)? {
        true => Ok(()),
        false => Err(Refused::new("over", "there is nothing to decide about this order any more")),
    }
}

/// What the operator decides about one order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decided {
    issuer: String,
    command_id: String,
    #[serde(rename = "do")]
    what: Decision,
}

/// Agrees, refuses, or takes back.
pub(super) async fn decide(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(decided): Json<Decided>,
) -> Response {
    if !is_asked_by_our_name(&headers) || !is_of_our_page(&headers) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    if !shared.guard.may_change(&headers) {
        let why = "open the page by the link that `yagura edge link` prints";
        return (StatusCode::UNAUTHORIZED, Json(Refused::new("link-needed", why))).into_response();
    }
    let Some(orders) = &shared.orders else {
        let why = "no orders are configured here";
        return (StatusCode::NOT_FOUND, Json(Refused::new("not-found", why))).into_response();
    };
    let Decided { issuer, command_id, what } = decided;
    match orders.decide(issuer, command_id, what).await {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => {
            let why = "there is nothing to decide about this order any more; look at how it stands";
            (StatusCode::CONFLICT, Json(Refused::new("over", why))).into_response()
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, Json(Refused::from(error))).into_response(),
    }
}
