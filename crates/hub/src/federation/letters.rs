//! Letters between hubs about orders: one asks for an action at an edge of the other, which tells what became of it.
//!
//! A letter is put on its way in the transaction of what it is about, travels in the stream like an act on an object ([`super::acts`]), and is
//! sent until the other hub has said that it has it. Each is taken in by a transaction of its own, once; so a link that is cut loses none, and
//! what comes twice is done once. What a letter asks for is decided by `runs`.

use serde::{Deserialize, Serialize};
use store::carried::{self, Kind, Reach};
use store::{Act, StoreError, Tx};

use super::frame::Malformed;
use crate::REALM;
use crate::runs::drive::Driven;
use crate::runs::{abroad, foreign};
use crate::state::AppState;

/// Longest name of a letter, in bytes.
const ID_BYTES_MAX: usize = 200;
/// Longest letter, in bytes.
const LETTER_BYTES_MAX: usize = 128 * 1024;

/// A letter as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Letter {
    /// Its name, the same however often it is sent.
    pub(crate) id: String,
    /// What it says.
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What a letter says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum What {
    /// An order is asked for.
    OrderAsked {
        /// The request, as a note signed with the key of the asking hub's log.
        note: String,
    },
    /// What became of one.
    OrderTold {
        /// The asking hub's name for the command.
        command: String,
        /// An [`api::OrderReport`], as JSON.
        report: String,
    },
}

impl Letter {
    /// Checks a letter that came from a peer.
    pub(super) fn checked(self) -> Result<Self, Malformed> {
        let long = match &self.what {
            What::OrderAsked { note } => note.len(),
            What::OrderTold { command, report } => command.len().saturating_add(report.len()),
        };
        let good = (1..=ID_BYTES_MAX).contains(&self.id.len())
            && !self.id.contains(char::is_control)
            && long <= LETTER_BYTES_MAX;
        if good { Ok(self) } else { Err(Malformed("a letter about an order is broken".to_owned())) }
    }

    fn kind(&self) -> Kind {
        match self.what {
            What::OrderAsked { .. } => Kind::Order,
            What::OrderTold { .. } => Kind::Report,
        }
    }
}

/// Puts a letter on its way to a peer. Whoever commits it wakes the links ([`crate::runs::Response::wake`]).
///
/// # Errors
/// Those of the database.
pub(crate) fn send(tx: &mut Tx<'_>, peer: &str, letter: &Letter) -> Result<(), StoreError> {
    let text = serde_json::to_string(letter).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    carried::send(tx, &REALM, peer, &carried::Out { id: letter.id.clone(), kind: letter.kind(), text })
}

/// Takes a letter of a peer's in.
///
/// # Errors
/// Those of the database.
pub(super) async fn take(state: &AppState, peer: &str, letter: Letter) -> Result<(), StoreError> {
    let (work, name) = (state.clone(), peer.to_owned());
    let write = move |tx: &mut Tx<'_>| {
        let Some((peer, _)) = super::caller(tx, &name)? else {
            return Ok(Act::bookkeeping(Driven::default()));
        };
        let known = carried::came(tx, &REALM, &name, &letter.id)?.is_some();
        let taken = carried::In { id: letter.id.clone(), kind: letter.kind(), is_first: false, told: None };
        carried::take(tx, &REALM, &name, &taken)?;
        if known {
            // It was taken in before; only that did not arrive.
            return Ok(Act::bookkeeping(Driven::default()));
        }
        match &letter.what {
            What::OrderAsked { note } => foreign::asked(tx, &work.response, &peer, note),
            What::OrderTold { command, report } => abroad::told(tx, &work.response, &peer, (command, report)),
        }
    };
    if state.store.write(write).await?.has_ordered {
        state.response.wake();
    }
    Ok(())
}

/// Of a letter nothing more is told than that it is here.
pub(super) fn reach() -> Reach {
    Reach { is_settled: true, ..Reach::default() }
}
