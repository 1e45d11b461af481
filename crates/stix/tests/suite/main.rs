//! Everything the crate promises, through its public face.

mod bundles;
mod corpus;
mod objects;
mod observables;
mod patterns;
mod sco_ids;
mod validation;
