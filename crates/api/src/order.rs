//! Orders to edges, and what became of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Orders for one edge, oldest first. `GET /edge/v1/orders?after=S&wait=SECONDS` answers at once when there is something, else after `wait`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EdgeOrders {
    /// The orders after `after`, at most 500.
    pub orders: Vec<EdgeOrder>,
    /// Ask on with this.
    pub sequence: i64,
}

/// One order: a signed OpenC2 command, and for people what it is part of. What counts is what is signed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EdgeOrder {
    /// Its place in the hub's list for this edge, from 1.
    pub sequence: i64,
    /// The OpenC2 message, as its JSON serialisation; its `signature` is this hub's.
    #[schema(value_type = Object)]
    pub message: serde_json::Value,
    /// What is told of it.
    pub about: OrderContext,
}

/// Why something is ordered, by whom, and on which authority: what an operator is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderContext {
    /// The command's identifier, as in the message.
    pub command_id: String,
    /// The run of a playbook that it belongs to.
    pub run: Option<String>,
    /// The playbook's name.
    pub playbook: Option<String>,
    /// The step's name.
    pub step: Option<String>,
    /// The case that it answers.
    pub case: Option<String>,
    /// Who asked for it.
    pub requested_by: OrderPerson,
    /// Who agreed, in the order in which they did.
    pub approved_by: Vec<OrderPerson>,
    /// The legal basis, in words.
    pub basis: Option<String>,
    /// What holds the decision: an identifier or address.
    pub reference: Option<String>,
    /// The command that this one undoes.
    pub undoes: Option<String>,
    /// Where one hub asked and another ordered: both. None where a hub ordered of its own edge for its own people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hubs: Option<OrderHubs>,
}

/// The two hubs of an order that one asked for and the other one gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderHubs {
    /// The name of the one whose people asked and agreed first.
    pub asking: String,
    /// The name of the one that orders its edge.
    pub ordering: String,
}

/// What other hubs asked to be ordered of edges here, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AskedOrderList {
    /// At most as many as were asked for.
    pub orders: Vec<AskedOrder>,
    /// Ask on with this as `after`.
    pub next: Option<String>,
    /// How many organisations here must agree to each.
    pub required: u32,
}

/// What another hub asked to be ordered of an edge here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AskedOrder {
    /// This hub's name for it: the command's, when it is ordered.
    pub id: String,
    /// The peer that asked, by its short name.
    pub peer: String,
    /// The edge; none where no agreement lets the peer ask anything there.
    pub edge: Option<String>,
    /// The edge's operator.
    pub organisation: Option<String>,
    /// `waiting`, `ordered`, `refused`, `withdrawn` or `over`.
    pub state: String,
    /// Why, in words.
    pub why: Option<String>,
    /// The same by its code, where a gate said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_reason: Option<GateReason>,
    /// Why it is asked for, by whom and on which authority.
    pub about: OrderContext,
    /// The OpenC2 command.
    #[schema(value_type = Object)]
    pub command: serde_json::Value,
    /// SHA-256 of the signed request, hexadecimal: what is agreed to.
    pub hash: String,
    /// The agreement that lets the peer ask.
    pub agreement: Option<String>,
    /// When it came: RFC 3339.
    pub asked: String,
    /// From when it may not be ordered any more.
    pub expires: String,
    /// When its effect ends.
    pub stops: Option<String>,
    /// Who agreed here.
    pub given: Vec<OrderPerson>,
    /// Whether the caller may answer.
    pub may_answer: bool,
    /// The request, as a note signed with the key of the other hub's log.
    pub note: String,
}

/// An answer to what another hub asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedOrderAnswer {
    /// The hash that was shown.
    pub hash: String,
    /// In words; needed for a refusal. The other hub is told it.
    pub reason: Option<String>,
}

/// A person who asked or agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderPerson {
    /// The organisation's name.
    pub organisation: String,
    /// The person's name, where the organisation shows it.
    pub name: Option<String>,
    /// When: RFC 3339.
    pub at: String,
}

/// What became of orders at an edge. `POST /edge/v1/orders/reports`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderReportsPosted {
    /// At most 500, oldest first. Each is taken in once by its command and number.
    pub reports: Vec<OrderReport>,
}

/// One report of an edge on one order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderReport {
    /// The command.
    pub command_id: String,
    /// Counts the edge's reports on this command, from 1.
    pub number: u32,
    /// When, by the edge's clock: RFC 3339.
    pub at: String,
    /// How it stands.
    pub state: OrderState,
    /// The OpenC2 response, where there is one to give back.
    #[schema(value_type = Option<Object>)]
    pub response: Option<serde_json::Value>,
    /// In words, where it was refused or something is wrong.
    pub why: Option<String>,
    /// Packets or questions that it stopped until then, where the device counts them.
    pub stopped: Option<u64>,
    /// What `why` says by its code, where a gate said it. A hub tells it to its readers; edges do not send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_reason: Option<GateReason>,
}

/// Why a gate refused, for who says it in another language: the English text stands beside it and counts where the code is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateReason {
    /// Of a run's order: `not-ordered` where this hub did not give it, `at-edge` where the edge did not take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The gate, where the text names one: `playbook`, `authority`, `marking`, `protected`, `radius`, `approval`; of an edge `time`, `end`,
    /// `device`, `allow-list`, `protected`, `radius`, `consent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// A stable code such as `too-wide`.
    pub code: String,
    /// What stands in the places of its text, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arguments: BTreeMap<String, String>,
}

impl GateReason {
    /// The reason in a text that a gate said; none where no gate did.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let said = oversight::reason::said_in(text)?;
        let arguments = said.arguments.into_iter().map(|(name, value)| (name.to_owned(), value));
        Some(Self {
            refused: said.refused.map(str::to_owned),
            gate: said.gate,
            code: said.reason.code().to_owned(),
            arguments: arguments.collect(),
        })
    }
}

/// How an order stands at an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// It was taken, and is written down there.
    Taken,
    /// It waits for the edge's operator to agree.
    Waiting,
    /// It was refused: signature, time, operator, allow list, protected assets or blast radius.
    Refused,
    /// Only counted, not carried out: how much it would have hit.
    Shadow,
    /// The device has it, as read back from it.
    Enforced,
    /// The device was to have it, and had it not, or had something else.
    Drifted,
    /// It could not be carried out.
    Failed,
    /// It was undone before its time, by an order or by the edge's operator.
    Released,
    /// Its time is over, and the device has it no more.
    Expired,
}

/// Answer to reports of an edge on orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderReportsAccepted {
    /// How many are kept now, those that were known included.
    pub kept: u32,
}
