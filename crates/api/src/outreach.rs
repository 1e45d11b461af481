//! What is asked of people outside: abuse notices, take-down requests, warnings to victims; and what became of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::OrderPerson;

/// What was asked outside, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutreachList {
    /// At most as many as were asked for.
    pub outreach: Vec<Outreach>,
    /// Ask on with this as `after`.
    pub next: Option<String>,
}

/// To write one down, as a draft: nothing is sent by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOutreach {
    /// Made by whoever writes it: the same again is the same one.
    #[schema(value_type = String)]
    pub id: Uuid,
    /// `abuse` (a notice of abuse), `take-down` (a request to take something down) or `warning` (a warning to victims).
    pub kind: String,
    /// To whom: 1 to 200 characters.
    pub recipient: String,
    /// How it reaches them: a mail address, a form, a telephone number; 1 to 300 characters.
    pub way: String,
    /// Addresses, names, URLs it is about; at most 50, each of 1 to 300 characters.
    #[serde(default)]
    pub about: Vec<String>,
    /// What it says: 1 to 8000 characters.
    pub text: String,
    /// On which basis: a law, a contract, terms of use.
    pub basis: Option<String>,
    /// What its recipient may do with it: `clear`, `green` or `amber`.
    pub tlp: String,
    /// The case. It may go no further than that one's marking allows.
    pub case: Option<String>,
    /// The run whose step asks for it.
    pub run: Option<String>,
}

/// Something that is asked of people outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outreach {
    /// Its id here.
    pub id: String,
    /// `abuse`, `take-down` or `warning`.
    pub kind: String,
    /// Whose it is.
    pub organisation: String,
    /// To whom.
    pub recipient: String,
    /// How it reaches them.
    pub way: String,
    /// What it is about.
    pub about: Vec<String>,
    /// What it says.
    pub text: String,
    /// On which basis.
    pub basis: Option<String>,
    /// Its TLP level.
    pub tlp: String,
    /// The case.
    pub case: Option<String>,
    /// The run.
    pub run: Option<String>,
    /// `draft`, `sent`, `acknowledged`, `done`, `refused` or `withdrawn`.
    pub state: String,
    /// When it was written: RFC 3339.
    pub created: String,
    /// When it last changed: RFC 3339.
    pub changed: String,
    /// Until when an answer is expected: RFC 3339.
    pub due: Option<String>,
    /// Whether that is over and nothing has come.
    pub is_overdue: bool,
    /// What was done, in order.
    pub steps: Vec<OutreachStep>,
    /// What may come next; empty where the caller may do nothing about it.
    pub may_become: Vec<String>,
}

/// What was done about one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutreachStep {
    /// By whom, and when.
    pub by: OrderPerson,
    /// How it stood from then on.
    pub state: String,
    /// In words: a ticket's number, an answer, a reason.
    pub words: Option<String>,
}

/// To note what was done about one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutreachChange {
    /// How it stands from now on.
    pub state: String,
    /// In words: at most 1000 characters.
    pub words: Option<String>,
    /// Until when an answer is expected: RFC 3339. For what is sent or acknowledged.
    pub due: Option<String>,
}
