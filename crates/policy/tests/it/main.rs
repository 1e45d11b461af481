//! The policies of this repository, asked through the engine.

// The attribute tells clippy that the helpers in these modules are tests too, so they may unwrap and index.
#[cfg(test)]
mod acs;
#[cfg(test)]
mod acs_written;
#[cfg(test)]
mod change;
#[cfg(test)]
mod emergency;
#[cfg(test)]
mod failing;
#[cfg(test)]
mod given;
#[cfg(test)]
mod labels;
#[cfg(test)]
mod model;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod redaction;
#[cfg(test)]
mod release;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod table;

#[cfg(test)]
use given::{engine, label, marking, organisation, person};
