//! Reports and what is owed: the shipped regimes, clocks, forms, receipts, and hostile input.

// The attribute tells clippy that the helpers in these modules are tests too, so they may unwrap and index.
#[cfg(test)]
mod attachments;
#[cfg(test)]
mod carriage;
#[cfg(test)]
mod clocks;
#[cfg(test)]
mod conditions;
#[cfg(test)]
mod duties;
#[cfg(test)]
mod events;
#[cfg(test)]
mod files;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod given;
#[cfg(test)]
mod severity;
#[cfg(test)]
mod shipped;
#[cfg(test)]
mod torture;
