//! What the hub asks in a round, as it follows from list, seed and round: the hub makes its queries so, the commission makes
//! them once more.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::blind::Blinds;
use crate::element::Element;
use crate::input::{Input, List};
use crate::message::{BATCH_ELEMENTS_MAX, Mode, RoundOpen};
use crate::seed::Seed;
use crate::threads::Threads;

/// The values of a round, padded with dummies to N, and the secrets they are blinded with.
pub(crate) struct Questions {
    /// The list's values, then dummies: N in all.
    inputs: Vec<Input>,
    mode: Mode,
    blinds: Seed,
}

impl Questions {
    /// `None` where the list is longer than N. Blinds and dummies depend on all that the round was opened with, its key included, so
    /// an operator that opens a round a second time with another key is not sent the same blinds.
    pub(crate) fn new(list: &List, seed: &Seed, open: &RoundOpen) -> Option<Self> {
        let dummies = (open.elements as usize).checked_sub(list.inputs().len())?;
        let opened = Sha256::digest(open.encode());
        let mut stream = seed.derive("dummies", &opened).stream(0);
        let mut inputs = list.inputs().to_vec();
        inputs.extend((0..dummies).map(|_| Input::dummy(stream.take())));
        Some(Self { inputs, mode: open.mode, blinds: seed.derive("blinds", &opened) })
    }

    /// All batches, blinded.
    pub(crate) fn blinded(&self, threads: Threads) -> Vec<Vec<Element>> {
        threads.map(&self.inputs, BATCH_ELEMENTS_MAX as usize, |batch, inputs| {
            self.blinds(batch, inputs.len()).blind(inputs.iter().map(Input::bytes))
        })
    }

    /// The blinds of a batch.
    pub(crate) fn blinds(&self, batch: usize, count: usize) -> Blinds {
        match self.mode {
            Mode::Match => Blinds::derive(&self.blinds, batch as u64, count),
            Mode::Count => Blinds::same(&self.blinds, count),
        }
    }

    /// The values of a batch, and their places in the whole.
    pub(crate) fn batch(&self, batch: usize) -> (Range<usize>, &[Input]) {
        let from = batch.saturating_mul(BATCH_ELEMENTS_MAX as usize).min(self.inputs.len());
        let to = from.saturating_add(BATCH_ELEMENTS_MAX as usize).min(self.inputs.len());
        (from..to, self.inputs.get(from..to).unwrap_or_default())
    }
}
