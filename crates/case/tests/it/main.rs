//! Cases as the hub uses them: triage, changes, and the way through STIX.

// The attribute tells clippy that the helpers in these modules are tests too, so they may unwrap and index.
#[cfg(test)]
mod changes;
#[cfg(test)]
mod given;
#[cfg(test)]
mod incident;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod report;
#[cfg(test)]
mod room;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod severity;
#[cfg(test)]
mod triage;

#[cfg(test)]
use given::{case_of, id, minutes, opening, organisation, seen, severity};
