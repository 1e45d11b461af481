//! Lakes of our own making, asked in SQL.

mod cluster;
mod differential;
mod made;
mod questions;
