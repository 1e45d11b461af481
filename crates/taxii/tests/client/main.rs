//! The client of other people's TAXII servers.

// The attribute tells clippy that the helpers in the module are tests too, so they may unwrap and index.
#[cfg(test)]
mod sections;
#[cfg(test)]
mod servers;
