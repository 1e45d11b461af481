//! Labels and release: who may see what, decided by Cedar over files in `policies/`. The only maker of [`Released`].

mod engine;
mod label;
mod principal;
mod release;

pub use engine::{Engine, Operation, PolicyError};
pub use label::{Label, LabelId, TlpLabel};
pub use principal::{Principal, PrincipalKind};
pub use release::{LabelKey, Released, Visible};
