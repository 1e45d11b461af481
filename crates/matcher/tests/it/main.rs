//! One program for all tests of the crate.

// The attribute tells clippy that the helpers in these modules are tests too, so they may unwrap and index.
#[cfg(test)]
mod agreement;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod given;
#[cfg(test)]
mod patterns;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod sets;
#[cfg(test)]
mod windows;
