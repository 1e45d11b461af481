//! Private matching: a hub with a classified list and an operator with a day of traffic find what both have, the hub learns nothing
//! else of the traffic and the operator nothing of the list.
//!
//! The mathematics is the verifiable oblivious pseudorandom function of RFC 9497, ristretto255 with SHA-512, mode 1. The operator
//! holds the key, draws a new one for each round and destroys it at the end; the hub asks. `docs/developers/private-matching.md`
//! says who learns what and what is not protected.
//!
//! The crate takes values and returns values: messages come as bytes and go as bytes, seeds, times and days are arguments. Threads that
//! a call uses end with it.
//!
//! ```
//! use oprf::*;
//!
//! // What the commission approved: two values, N = 5, one round a day.
//! let value = |text: &str| Input::new("domain-name", text.as_bytes());
//! let list = List::new(vec![value("evil.example")?, value("bad.example")?])?;
//! let seed = Seed::new([1; 32]);
//! let terms = Terms {
//!     authorisation: AuthorisationId([2; 32]),
//!     operator: OperatorId([3; 16]),
//!     mode: Mode::Match,
//!     elements: 5,
//!     filter_values_max: 1024,
//! };
//! let approved =
//!     Approved { terms: terms.clone(), list_root: list_root(&list, &seed), seed_commitment: seed.commitment() };
//!
//! // The operator opens a round and sends its set.
//! let (admitted, _) = Ledger::new(1_000).admit(terms.clone(), RoundId([4; 16]), Day(20_000))?;
//! let set = List::new(vec![value("evil.example")?, value("good.example")?])?;
//! let (operator, open) = Operator::open(admitted, set, Seed::new([5; 32]))?;
//! let (mut answering, filter) = operator.filter(Threads::ONE)?;
//!
//! // The hub asks, the operator answers and signs what it was asked.
//! let (admitted, _) = Ledger::new(1_000).admit(terms, open.round, Day(20_000))?;
//! let hub = Hub::open(admitted, RoundOpen::decode(&open.encode())?, list.clone(), &[], seed.clone())?;
//! let filter = FilterMessage::decode(&filter.encode(), open.filter_values)?;
//! let (mut matching, queries) = hub.ask(filter, Threads::ONE)?;
//! let answers = answering.answer(&queries, Threads::ONE)?;
//! let (receipt, _signed) = answering.finish(1_800_000_000, str::to_owned);
//!
//! // The hub learns which of its values the operator has, the commission that nothing else was asked.
//! matching.take(&answers, Threads::ONE)?;
//! let evil = list.position(&value("evil.example")?).ok_or("not listed")?;
//! assert_eq!(matching.finish()?.trusted()?, &Found::Values(vec![evil]));
//! approved.audit(&list, &seed, &receipt, Threads::ONE)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod audit;
mod blind;
mod commitment;
mod element;
mod filter;
mod hub;
mod input;
mod key;
mod ledger;
mod message;
mod operator;
mod proof;
mod questions;
mod receipt;
mod seed;
mod suite;
mod threads;
#[cfg(test)]
mod vectors;

pub use audit::{Approved, AuditError};
pub use blind::{BadProof, Blinds};
pub use commitment::{Hash, commitment, list_root, salts};
pub use element::{ELEMENT_BYTES, Element, ElementError};
pub use filter::{FILTER_VALUES_MAX, Filter, FilterError, padded_size};
pub use hub::{CanaryMissed, Found, Hub, HubError, Matching, Outcome};
pub use input::{Input, InputError, LIST_VALUES_MAX, List, VALUE_BYTES_MAX};
pub use key::SecretKey;
pub use ledger::{Admitted, Day, Entry, Ledger, LimitError, Terms};
pub use message::{
    Answer, AuthorisationId, BATCH_ELEMENTS_MAX, FilterMessage, MessageError, Mode, OperatorId, Query,
    ROUND_ELEMENTS_MAX, RoundId, RoundOpen,
};
pub use operator::{Answering, Operator, Refused};
pub use proof::{PROOF_BYTES, Proof};
pub use receipt::{NotReceipt, RECEIPT_KIND, Receipt};
pub use seed::Seed;
pub use threads::Threads;
