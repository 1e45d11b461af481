//! The hub's side of a round: takes the filter, asks, checks the answers, looks up, forgets.
//!
//! Each state takes the one before it. What is secret (list, seed, blinds) and what is the operator's (the filter) goes with the
//! last one.

use std::collections::BTreeSet;

use crate::blind::{BadProof, Blinds};
use crate::element::Element;
use crate::filter::{Filter, FilterError};
use crate::input::{Input, List};
use crate::ledger::Admitted;
use crate::message::{Answer, FilterMessage, Mode, Query, RoundId, RoundOpen};
use crate::operator::truncate;
use crate::questions::Questions;
use crate::seed::Seed;
use crate::suite::finalize_unnamed;
use crate::threads::Threads;

/// A round that an operator opened and the hub admitted.
#[derive(Debug)]
pub struct Hub {
    open: RoundOpen,
    list: List,
    canaries: BTreeSet<usize>,
    seed: Seed,
}

/// A round whose filter is here and whose queries are out.
pub struct Matching {
    open: RoundOpen,
    canaries: BTreeSet<usize>,
    filter: Filter,
    questions: Questions,
    /// How many of the questions are the list's; dummies follow.
    listed: usize,
    /// What was sent, until it is answered.
    sent: Vec<Option<Vec<Element>>>,
    /// Places of values that the filter has; in count-only rounds of answers.
    found: Vec<usize>,
}

/// What a round told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The places in the list of the values that the operator has, ascending, canaries apart.
    Values(Vec<usize>),
    /// How many of the list's values it has, canaries apart.
    Count(usize),
}

/// The end of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    found: Found,
    canaries: usize,
    canaries_missing: usize,
}

/// Canaries that the operator's set must have had were not found: the filter was made with another key than the answers, or
/// without part of the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{missing} of {canaries} canaries were not found: filter and answers are not of one key, or traffic is missing"
)]
pub struct CanaryMissed {
    /// Not found.
    pub missing: usize,
    /// Agreed.
    pub canaries: usize,
}

/// Why the hub does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// The round is not the one that was admitted, or its terms are others.
    #[error("the operator opened the round on other terms than were admitted")]
    OtherTerms,
    /// More values than N.
    #[error("the list has {list} values, the authorisation allows {allowed} elements")]
    ListTooLong {
        /// Values in the list.
        list: usize,
        /// N.
        allowed: u32,
    },
    /// A canary that the list, and so the authorisation, does not hold.
    #[error("a canary is not in the approved list")]
    CanaryNotListed,
    /// A message of another round.
    #[error("the message is of round {}, not of this one", hex::encode(.0.0))]
    OtherRound(RoundId),
    /// A filter of another size than was announced.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The batch was answered before, or never asked.
    #[error("the answer to batch {0} has been taken before, or was not asked for")]
    Replayed(u32),
    /// Not as many elements as were asked, or no proof in a round that has one.
    #[error("the answer to batch {0} does not fit what was asked")]
    Unfit(u32),
    /// The answers were not made with the announced key.
    #[error("batch {batch}: {cause}")]
    Proof {
        /// The batch.
        batch: u32,
        /// What is said of it.
        cause: BadProof,
    },
    /// The round is not complete.
    #[error("{0} batches have not been answered")]
    Unanswered(usize),
}

impl Hub {
    /// Takes part in a round. `list` and `seed` are those that the commission approved; `canaries` are values of the list that the
    /// operator's set is known to have.
    ///
    /// # Errors
    /// [`HubError::OtherTerms`], [`HubError::ListTooLong`], [`HubError::CanaryNotListed`].
    pub fn open(
        admitted: Admitted,
        open: RoundOpen,
        list: List,
        canaries: &[Input],
        seed: Seed,
    ) -> Result<Self, HubError> {
        let Admitted { terms, round } = admitted;
        let agreed = open.round == round
            && open.authorisation == terms.authorisation
            && open.operator == terms.operator
            && open.mode == terms.mode
            && open.elements == terms.elements
            && open.filter_values <= terms.filter_values_max;
        if !agreed {
            return Err(HubError::OtherTerms);
        }
        if list.inputs().len() > open.elements as usize {
            return Err(HubError::ListTooLong { list: list.inputs().len(), allowed: open.elements });
        }
        let places = canaries.iter().map(|canary| list.position(canary).ok_or(HubError::CanaryNotListed));
        Ok(Self { canaries: places.collect::<Result<_, _>>()?, open, list, seed })
    }

    /// Takes the operator's filter and gives the queries: all batches, padded to N.
    ///
    /// # Errors
    /// [`HubError::OtherRound`], [`HubError::Filter`].
    pub fn ask(self, message: FilterMessage, threads: Threads) -> Result<(Matching, Vec<Query>), HubError> {
        let Self { open, list, canaries, seed } = self;
        let FilterMessage { round, filter } = message;
        if round != open.round {
            return Err(HubError::OtherRound(round));
        }
        if filter.size() != open.filter_values {
            return Err(FilterError::Size(filter.size()).into());
        }
        let too_long = HubError::ListTooLong { list: list.inputs().len(), allowed: open.elements };
        let questions = Questions::new(&list, &seed, &open).ok_or(too_long)?;
        let blinded = questions.blinded(threads);
        let query =
            |(batch, elements): (u32, &Vec<Element>)| Query { round, batch, elements: elements.clone() };
        let queries = (0..).zip(&blinded).map(query).collect();
        let sent = blinded.into_iter().map(Some).collect();
        let listed = list.inputs().len();
        Ok((Matching { open, canaries, filter, questions, listed, sent, found: vec![] }, queries))
    }
}

impl Matching {
    /// Takes answers, in any order: checks each proof, takes the blinds off and looks up.
    ///
    /// # Errors
    /// [`HubError`]; then none of these answers was taken, and the round is best ended.
    pub fn take(&mut self, answers: &[Answer], threads: Threads) -> Result<(), HubError> {
        let mut batches = BTreeSet::new();
        for answer in answers {
            self.check(answer)?;
            if !batches.insert(answer.batch) {
                return Err(HubError::Replayed(answer.batch));
            }
        }
        let found = threads.map(answers, 1, |_, answers| {
            answers.iter().map(|answer| self.look_up(answer)).collect::<Result<Vec<_>, _>>()
        });
        let found: Vec<Vec<usize>> = found.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
        self.found.extend(found.into_iter().flatten());
        for batch in batches {
            if let Some(sent) = self.sent.get_mut(batch as usize) {
                *sent = None;
            }
        }
        Ok(())
    }

    /// Ends the round: what was found. Everything else is forgotten.
    ///
    /// # Errors
    /// [`HubError::Unanswered`].
    pub fn finish(mut self) -> Result<Outcome, HubError> {
        let unanswered = self.sent.iter().flatten().count();
        if unanswered > 0 {
            return Err(HubError::Unanswered(unanswered));
        }
        self.found.sort_unstable();
        let canaries = self.canaries.len();
        let (found, seen) = match self.open.mode {
            Mode::Match => {
                // A dummy is found by chance only, once in 200 million rounds.
                self.found.retain(|place| *place < self.listed);
                let (seen, values): (Vec<_>, Vec<_>) =
                    self.found.iter().copied().partition(|place| self.canaries.contains(place));
                (Found::Values(values), seen.len())
            }
            // Which ones they are is not known; fewer than there are canaries are too few in any case.
            Mode::Count => {
                (Found::Count(self.found.len().saturating_sub(canaries)), self.found.len().min(canaries))
            }
        };
        Ok(Outcome { found, canaries, canaries_missing: canaries - seen })
    }

    fn check(&self, answer: &Answer) -> Result<(), HubError> {
        if answer.round != self.open.round {
            return Err(HubError::OtherRound(answer.round));
        }
        let sent = self.sent.get(answer.batch as usize).and_then(Option::as_ref);
        let sent = sent.ok_or(HubError::Replayed(answer.batch))?;
        let proved = answer.proof.is_some() == (self.open.mode == Mode::Match);
        if proved && answer.elements.len() == sent.len() {
            Ok(())
        } else {
            Err(HubError::Unfit(answer.batch))
        }
    }

    /// The places of what the filter has, among the values of the answered batch.
    fn look_up(&self, answer: &Answer) -> Result<Vec<usize>, HubError> {
        let batch = answer.batch as usize;
        let (places, inputs) = self.questions.batch(batch);
        let blinds = self.questions.blinds(batch, inputs.len());
        let outputs = match answer.proof {
            Some(proof) => {
                let sent =
                    self.sent.get(batch).and_then(Option::as_ref).ok_or(HubError::Replayed(answer.batch))?;
                let inputs = inputs.iter().map(Input::bytes);
                let finalized = blinds.finalize(&self.open.public, inputs, sent, &answer.elements, &proof);
                finalized.map_err(|cause| HubError::Proof { batch: answer.batch, cause })?
            }
            None => unnamed(blinds, &answer.elements),
        };
        Ok(places
            .zip(&outputs)
            .filter(|(_, output)| self.filter.contains(truncate(output)))
            .map(|(place, _)| place)
            .collect())
    }
}

fn unnamed(blinds: Blinds, answered: &[Element]) -> Vec<[u8; 64]> {
    blinds.unblind(answered).iter().map(finalize_unnamed).collect()
}

impl Outcome {
    /// What was found, where all canaries were.
    ///
    /// # Errors
    /// [`CanaryMissed`].
    pub fn trusted(&self) -> Result<&Found, CanaryMissed> {
        if self.canaries_missing == 0 { Ok(&self.found) } else { Err(self.missed()) }
    }

    /// What was found although canaries may be missing: a hit is a hit all the same, only what is missing says nothing.
    pub fn danger_untrusted(&self) -> &Found {
        &self.found
    }

    fn missed(&self) -> CanaryMissed {
        CanaryMissed { missing: self.canaries_missing, canaries: self.canaries }
    }
}
