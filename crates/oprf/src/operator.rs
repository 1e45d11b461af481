//! The operator's side of a round: opens it, gives its set as a filter, answers what was allowed, signs what was asked.
//!
//! Each state takes the one before it, so no step can be taken twice or left out.

use sha2::{Digest, Sha256};

use crate::filter::{Filter, padded_size};
use crate::input::List;
use crate::key::SecretKey;
use crate::ledger::Admitted;
use crate::message::{Answer, BATCH_ELEMENTS_MAX, FilterMessage, Mode, Query, RoundId, RoundOpen};
use crate::receipt::Receipt;
use crate::seed::{Seed, shuffle};
use crate::threads::Threads;

/// How many of the operator's values are evaluated at once, with one inversion for their encodings.
const VALUES_AT_ONCE: usize = 1000;

/// A round that was opened. Its key is destroyed with it, or with the state that follows.
#[derive(Debug)]
pub struct Operator {
    open: RoundOpen,
    key: SecretKey,
    seed: Seed,
    set: List,
}

/// A round whose filter is out, in which queries are answered.
#[derive(Debug)]
pub struct Answering {
    open: RoundOpen,
    key: SecretKey,
    seed: Seed,
    /// Over the encodings of all elements in the batches before `next`.
    asked: Sha256,
    /// How many elements these batches had.
    answered: u32,
    /// The batch that comes next.
    next: u32,
}

/// Why the operator does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The set is larger than the terms allow.
    #[error("the operator's set of {0} values is larger than the authorisation allows")]
    SetTooLarge(usize),
    /// The key could not be derived from the seed, which is as likely as guessing it.
    #[error("no key can be derived from this seed")]
    Key,
    /// The query is of another round.
    #[error("the query is of round {}, not of this one", hex::encode(.0.0))]
    OtherRound(RoundId),
    /// The batch has been answered: a replay, or a second set of queries.
    #[error("batch {0} has been answered before")]
    Replayed(u32),
    /// Batches come in order; in count-only rounds all at once.
    #[error("batch {expected} comes next, not {found}")]
    OutOfOrder {
        /// The batch that comes next.
        expected: u32,
        /// The one that came.
        found: u32,
    },
    /// More than N.
    #[error("the round's {0} elements have all been answered")]
    OverLimit(u32),
    /// A batch that is not as large as its place says.
    #[error("batch {batch} has {found} elements, {expected} are expected")]
    BatchSize {
        /// The batch.
        batch: u32,
        /// What N and its place make of it.
        expected: u32,
        /// What came.
        found: u32,
    },
    /// A count-only round answers all or nothing.
    #[error("a count-only round is asked all of its {0} batches at once")]
    NotWhole(u32),
}

impl Operator {
    /// Opens a round on the operator's set. `seed` is drawn anew for each round: the key, the padding, the proofs and the order of
    /// shuffled answers come from it.
    ///
    /// # Errors
    /// [`Refused::SetTooLarge`], [`Refused::Key`].
    pub fn open(admitted: Admitted, set: List, seed: Seed) -> Result<(Self, RoundOpen), Refused> {
        let Admitted { terms, round } = admitted;
        let count = set.inputs().len();
        let filter_values = padded_size(count)
            .filter(|size| *size <= terms.filter_values_max)
            .ok_or(Refused::SetTooLarge(count))?;
        let key = SecretKey::derive(&seed.derive("key", &[]), &round.0).ok_or(Refused::Key)?;
        let open = RoundOpen {
            round,
            authorisation: terms.authorisation,
            operator: terms.operator,
            mode: terms.mode,
            public: *key.public(),
            filter_values,
            elements: terms.elements,
        };
        Ok((Self { open: open.clone(), key, seed, set }, open))
    }

    /// Evaluates the set and gives it as a filter, before any query is seen. The set is forgotten.
    ///
    /// # Errors
    /// [`Refused::SetTooLarge`], which [`open`](Self::open) has ruled out.
    pub fn filter(self, threads: Threads) -> Result<(Answering, FilterMessage), Refused> {
        let Self { open, key, seed, set } = self;
        let evaluate =
            |_: usize, inputs: &[_]| key.evaluate(inputs, open.mode).iter().map(truncate).collect::<Vec<_>>();
        let values = threads.map(set.inputs(), VALUES_AT_ONCE, evaluate).concat();
        let filter = Filter::new(values, &seed.derive("padding", &[]))
            .ok_or(Refused::SetTooLarge(set.inputs().len()))?;
        let message = FilterMessage { round: open.round, filter };
        let asked = Sha256::new();
        Ok((Answering { open, key, seed, asked, answered: 0, next: 0 }, message))
    }
}

impl Answering {
    /// Answers the next batches, in their order. In a count-only round all batches come in one call, for the answers are shuffled
    /// over the whole round.
    ///
    /// # Errors
    /// [`Refused`]; then none of these batches was answered, and none counts.
    pub fn answer(&mut self, queries: &[Query], threads: Threads) -> Result<Vec<Answer>, Refused> {
        for (expected, query) in (self.next..).zip(queries) {
            self.check(query, expected)?;
        }
        if self.open.mode == Mode::Count && queries.len() != self.open.batches() as usize {
            return Err(Refused::NotWhole(self.open.batches()));
        }
        for query in queries {
            self.count(query);
        }
        Ok(match self.open.mode {
            Mode::Match => threads.map(queries, 1, |_, queries| self.proved(queries)).concat(),
            Mode::Count => self.shuffled(queries, threads),
        })
    }

    /// Ends the round: the receipt, and what `sign` makes of its text (`tlog`'s `sign_statement` with
    /// [`RECEIPT_KIND`](crate::RECEIPT_KIND)). The key is overwritten before anything is signed.
    pub fn finish<S>(self, time: u64, sign: impl FnOnce(&str) -> S) -> (Receipt, S) {
        let Self { open, key, asked, answered, .. } = self;
        drop(key);
        let receipt = Receipt { open, answered, elements: asked.finalize().into(), time };
        let signed = sign(&receipt.body());
        (receipt, signed)
    }

    fn check(&self, query: &Query, expected: u32) -> Result<(), Refused> {
        if query.round != self.open.round {
            return Err(Refused::OtherRound(query.round));
        }
        if query.batch < self.next {
            return Err(Refused::Replayed(query.batch));
        }
        if query.batch >= self.open.batches() {
            return Err(Refused::OverLimit(self.open.elements));
        }
        if query.batch != expected {
            return Err(Refused::OutOfOrder { expected, found: query.batch });
        }
        let (batch, expected, found) =
            (query.batch, self.open.batch_elements(query.batch), query.elements.len() as u32);
        if found == expected { Ok(()) } else { Err(Refused::BatchSize { batch, expected, found }) }
    }

    fn count(&mut self, query: &Query) {
        for element in &query.elements {
            self.asked.update(element.bytes());
        }
        self.answered += query.elements.len() as u32;
        self.next += 1;
    }

    fn proved(&self, queries: &[Query]) -> Vec<Answer> {
        let fresh = self.seed.derive("proofs", &[]);
        let answer = |query: &Query| {
            let (elements, proof) = self.key.prove_batch(&query.elements, &fresh);
            Answer { round: query.round, batch: query.batch, elements, proof: Some(proof) }
        };
        queries.iter().map(answer).collect()
    }

    fn shuffled(&self, queries: &[Query], threads: Threads) -> Vec<Answer> {
        let evaluate = |_: usize, queries: &[Query]| {
            queries.iter().flat_map(|query| self.key.evaluate_blinded(&query.elements)).collect::<Vec<_>>()
        };
        let mut elements = threads.map(queries, 1, evaluate).concat();
        shuffle(&mut elements, &self.seed.derive("order", &[]));
        let answer = |(batch, elements): (u32, &[_])| Answer {
            round: self.open.round,
            batch,
            elements: elements.to_vec(),
            proof: None,
        };
        (0..).zip(elements.chunks(BATCH_ELEMENTS_MAX as usize)).map(answer).collect()
    }
}

/// The first 64 bits of an output: what the filter holds of it.
pub(crate) fn truncate(output: &[u8; 64]) -> u64 {
    output.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}
