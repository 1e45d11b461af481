//! All state of a hub: the log of labelled objects, the audit tree, accounts, edges, sightings, cases.
//!
//! A [`Store`] is one folder with one SQLite database, or a PostgreSQL database that several processes share. [`Store::write`] runs
//! a closure on the one writer and returns when its commit is on disk; [`Store::read`] runs one over a consistent snapshot. Inside, each noun has
//! a module of free functions over [`Tx`] or [`Reader`] (a `Tx` reads too). Nothing commits without an [`Act`]
//! that says what it was, and whoever reads objects brings the [`policy::Visible`] labels: SQL filters by them.
//!
//! The log is its own outbox: each accepted or removed object has one sequence number in it, given in the
//! transaction of the object, and whoever sends things on keeps a durable cursor over it ([`outbox`]).

mod act;
mod connection;
mod error;
mod options;
mod postgresql;
mod schema;
mod sql;
mod sqlite;
mod store;
mod value;
mod words;
mod writer;

pub mod agreements;
pub mod alerts;
pub mod anonymous;
pub mod audit;
pub mod authorisations;
pub mod batches;
pub mod blobs;
pub mod calls;
pub mod carried;
pub mod cases;
pub mod certificates;
pub mod challenges;
pub mod charters;
pub mod collections;
pub mod copies;
pub mod credentials;
pub mod edges;
pub mod emergencies;
pub mod evidence;
pub mod feedback;
pub mod foreign;
pub mod grades;
pub mod holds;
pub mod identities;
pub mod identity_providers;
pub mod labels;
pub mod leases;
pub mod links;
pub mod lone_approvals;
pub mod mails;
pub mod misp_numbers;
pub mod notices;
pub mod objects;
pub mod openings;
pub mod orders;
pub mod organisations;
pub mod outbox;
pub mod outreach;
pub mod peers;
pub mod people;
pub mod playbooks;
pub mod products;
pub mod proposals;
pub mod qualifications;
pub mod questions;
pub mod recalls;
pub mod recoveries;
pub mod releases;
pub mod reports;
pub mod requests;
pub mod retention;
pub mod routes;
pub mod runs;
pub mod sameness;
pub mod saved_searches;
pub mod secrets;
pub mod sessions;
pub mod settings;
pub mod sharing_groups;
pub mod sightings;
pub mod statistics;
pub mod statuses;
pub mod taxii_links;
pub mod tellings;
pub mod tokens;
pub mod trees;
pub mod widenings;

pub use act::Act;
pub use error::StoreError;
pub use options::{Clock, Options};
pub use sql::{Reader, Tx};
pub use store::{Place, Store, inspect};
