//! What goes in comes out again.
#![cfg(test)]

mod corpus;
mod documents;
mod hostile;
mod lists;
mod markings;
mod torture;
