//! Labels and release: who may see what, decided by Cedar over files in `policies/`. The only maker of [`Released`],
//! and of [`permit::Permit`], without which nothing is ordered.
//!
//! An object's markings become a [`Label`]; the [`Engine`] decides, per class of principal and label, and remembers;
//! [`Visible`] is what one principal may read, for SQL to filter by; [`Visible::release`] is the one door.
//!
//! What must not be here: I/O, the clock, randomness, SQL, HTTP, and a rule about who may see what. Rules are policies.

mod acs;
mod agreement;
mod change;
mod circumstances;
mod class;
mod clearances;
mod compile;
mod emergency;
mod engine;
mod explainer;
mod label;
mod marking;
mod object_class;
pub mod permit;
mod principal;
mod proof;
mod question;
pub mod redaction;
mod release;
mod request;
mod safety;
mod sitting;
mod situation;
mod trial;

pub use acs::{
    ACS_EXTENSION, Acs, AcsStatement, AcsStatements, AcsTerms, Unsayable, acs_stands_for_source,
    acs_withholds_source, is_acs,
};
pub use agreement::{
    Agreement, AgreementId, InvalidAgreement, NAMED_MAX, ORDER_MINUTES_MAX, Onward, OrderAction, OrderTerm,
    Side, SideState, Standing, TERMS_MAX, TITLE_BYTES_MAX, Term, Title,
};
pub use change::{Effect, compare};
pub use circumstances::Circumstances;
pub use clearances::{CLEARANCES_FILE, Clearances, Defined, demand_marking};
pub use compile::Words;
pub use emergency::{Cover, Emergency, EmergencyScope};
pub use engine::{Engine, Explanation, Operation, PolicyError};
pub use explainer::Explainer;
pub use label::{InvalidLabel, Label, LabelId, TlpLabel};
pub use marking::{
    GroupId, MARKING_EXTENSION, Marking, ORIGINATOR_CONTROL, demand_definition, extension_definition,
    originator_control_definition,
};
pub use object_class::ObjectClass;
pub use principal::{Personal, Principal, PrincipalKind};
pub use proof::{Example, Inquiry, Proof, Verdict};
pub use release::{LabelKey, Released, Under, Visible};
pub use safety::{Break, Safety};
pub use situation::Situation;
pub use trial::Trial;
