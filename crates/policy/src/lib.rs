//! Labels and release: who may see what, decided by Cedar over files in `policies/`. The only maker of [`Released`].
//!
//! An object's markings become a [`Label`]; the [`Engine`] decides, per class of principal and label, and remembers;
//! [`Visible`] is what one principal may read, for SQL to filter by; [`Visible::release`] is the one door.
//!
//! What must not be here: I/O, the clock, randomness, SQL, HTTP, and a rule about who may see what. Rules are policies.

mod class;
mod compile;
mod engine;
mod label;
mod principal;
mod release;
mod request;

pub use engine::{Engine, Operation, PolicyError};
pub use label::{InvalidLabel, Label, LabelId, TlpLabel};
pub use principal::{Principal, PrincipalKind};
pub use release::{LabelKey, Released, Visible};
