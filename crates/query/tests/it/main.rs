//! Lakes of our own making, asked in SQL.
#![cfg(test)]

mod cluster;
mod differential;
mod made;
mod questions;
