//! What was not taken in at a source's door, and why.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use telemetry::Decoded;

/// Counts since the start, by stable codes.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Counted>);

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counted {
    /// Bodies, messages or datagrams that came.
    pub(crate) received: u64,
    /// What was turned away, by reason: its sender was told, where the way in can tell.
    pub(crate) refused: BTreeMap<&'static str, u64>,
    /// What is gone, by reason: nobody could be told.
    pub(crate) dropped: BTreeMap<&'static str, u64>,
}

impl Counters {
    pub(crate) fn received(&self, by: u64) {
        self.with(|counted| counted.received += by);
    }

    pub(crate) fn refused(&self, why: &'static str, by: u64) {
        if by > 0 {
            self.with(|counted| *counted.refused.entry(why).or_default() += by);
        }
    }

    pub(crate) fn dropped(&self, why: &'static str, by: u64) {
        if by > 0 {
            self.with(|counted| *counted.dropped.entry(why).or_default() += by);
        }
    }

    /// Counts what came out of a binary format: what gave no line is gone.
    pub(crate) fn decoded(&self, decoded: &Decoded) {
        self.received(decoded.records);
        for (why, by) in &decoded.refused {
            self.dropped(why.code(), *by);
        }
    }

    pub(crate) fn read(&self) -> Counted {
        self.with(|counted| counted.clone())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Counted) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
