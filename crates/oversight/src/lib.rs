//! Authorisations, minimisation, retention and the vocabulary of audit: the crate that a jurist can be shown.

mod audit;
pub mod authorisation;
mod circle;
mod consent;
pub mod custody;
mod leaf_proof;
mod level;
mod minimise;
mod opinion;
mod organisation;
mod qualification;
mod realm;
pub mod reason;
mod receipt;
mod seal;

pub use audit::{Action, Actor, AuditEvent, Outcome};
pub use circle::circle;
pub use consent::{Consent, Purpose};
pub use leaf_proof::{LeafProof, NoLeafProof, Shown};
pub use level::{tlp_from_word, tlp_word};
pub use minimise::{MechanicalInformation, Minimised, MinimisedSighting, PROTOCOLS, Withheld, minimise};
pub use opinion::{EXPLANATION_CHARS_MAX, Judgement, Opinion, Said, Word, opine};
pub use organisation::{OrganisationId, OrganisationRole, PersonRole, Sector};
pub use qualification::{InvalidQualification, QUALIFICATION_BYTES_MAX, Qualification, QualificationKind};
pub use realm::Realm;
pub use receipt::{COPY, FilingReceipt, NoReceipt};
