//! What leaves an edge, and what the audit log holds.

// The attribute tells clippy that the helpers in these modules are tests too, so they may unwrap and index.
#[cfg(test)]
mod audit;
#[cfg(test)]
mod authorisation;
#[cfg(test)]
mod given;
#[cfg(test)]
mod interference;
#[cfg(test)]
mod minimise;
#[cfg(test)]
mod private;
#[cfg(test)]
mod seal;
#[cfg(test)]
mod selection;
#[cfg(test)]
mod statistics;
#[cfg(test)]
mod vocabulary;

#[cfg(test)]
use given::{consent, indicator, let_out, noon, observation, observed};
