//! Authorisations: what the state may have looked for in other people's networks, and the proof that an edge asks for before it
//! does.
//!
//! A [`Terms`] says what is asked for. Commissioners decide on it ([`Decision`]), each with a passkey over the terms themselves, so
//! that anyone who knows the [`Commission`] can check a grant without asking the hub. The decision is an [`Entry`] of the log of
//! authorisations, whose checkpoint witnesses cosign. An edge hands all of that to its [`Gate`], which alone makes an
//! [`Authorised`]: the permission that state-tasked work demands. How long anything may last, by which article and on which
//! condition, is a [`Frame`]: configuration that the commission signs, not a constant of this program.
//!
//! A hub can do none of this by itself: it holds no commissioner's key, and what it leaves out of the log an edge does not act on.

mod assertion;
mod commission;
mod decision;
mod entry;
mod frame;
mod gate;
mod list;
mod private;
mod pseudonym;
mod quota;
mod receipt;
mod resolution;
mod selection;
mod standing;
mod statement;
mod statistics;
mod terms;

pub use assertion::{Assertion, AssertionError, PublicKey};
pub use commission::{Commission, CommissionError, Member};
pub use decision::{Decided, Decision, DecisionError, Verdict};
pub use entry::{Entry, EntryError, EntryKind};
pub use frame::{CategoryRule, EmergencyRule, Frame, FrameError};
pub use gate::{
    Ask, Authorised, AuthorisedRound, Contradiction, Gate, Package, Refused, Resumption, Trusted, Witnessed,
};
pub use list::{IndicatorList, ListError};
pub use private::{NotPrivate, PrivateList, PrivateMode, PrivateTerms, RoundVerdict, met};
pub use pseudonym::PseudonymKey;
pub use quota::Quota;
pub use receipt::{Receipt, Use};
pub use resolution::{Resolution, Resolved, Subject};
pub use selection::{Selected, SelectedInformation, Selection, SignedSelection, Unselected};
pub use standing::State;
pub use statement::{STATEMENT_BYTES_MAX, STATEMENT_KIND, Statement, StatementError};
pub use statistics::{CategoryCounts, Opened, Question, Statistics, StatisticsError, Told};
pub use terms::{Category, Field, Kind, Terms, TermsError};
