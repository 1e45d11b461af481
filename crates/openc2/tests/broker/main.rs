//! The module `client` and a real broker.

// The attribute tells clippy that the helpers in these modules are tests too, so they may unwrap and index.
#[cfg(test)]
mod client;
#[cfg(test)]
mod mosquitto;
