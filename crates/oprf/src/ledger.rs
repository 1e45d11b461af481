//! Who may ask how much: a value that the caller keeps, and that a round cannot begin without.

use std::collections::{BTreeMap, BTreeSet};

use crate::filter::{FILTER_VALUES_MAX, padded_size};
use crate::message::{AuthorisationId, Mode, OperatorId, ROUND_ELEMENTS_MAX, RoundId};

/// A day, counted from 1970-01-01. Both sides take that of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u32);

/// What an authorisation allows of private matching, as the caller has read it from the verified authorisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The authorisation.
    pub authorisation: AuthorisationId,
    /// The operator that is asked.
    pub operator: OperatorId,
    /// What a round may tell.
    pub mode: Mode,
    /// N: how many elements the hub sends in a round, values and dummies together; 1 to [`ROUND_ELEMENTS_MAX`].
    pub elements: u32,
    /// The most values that the operator's filter may have, padded.
    pub filter_values_max: u32,
}

/// What has been asked: one round for each authorisation, operator and day, so that an answer cannot lead to the next question, and
/// a bound on the elements of an operator's day.
///
/// The caller stores each [`Entry`] before the round begins: what was admitted counts, whatever becomes of it. Hub and edge keep
/// one each, and neither relies on the other's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// The most elements that one operator is asked on one day, over all authorisations.
    elements_a_day_max: u64,
    entries: BTreeMap<(OperatorId, Day, AuthorisationId), (RoundId, u32)>,
    /// The rounds in `entries`.
    rounds: BTreeSet<RoundId>,
}

/// One admitted round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The operator that is asked.
    pub operator: OperatorId,
    /// When.
    pub day: Day,
    /// The authorisation.
    pub authorisation: AuthorisationId,
    /// The round.
    pub round: RoundId,
    /// N, counted in full.
    pub elements: u32,
}

/// A round that the ledger let begin. Made by [`Ledger::admit`] only; `Operator` and `Hub` ask for one.
#[derive(Debug, PartialEq, Eq)]
pub struct Admitted {
    pub(crate) terms: Terms,
    pub(crate) round: RoundId,
}

/// Why a round may not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The terms allow nothing, or more than the protocol does.
    #[error(
        "the terms are out of bounds: 1 to {ROUND_ELEMENTS_MAX} elements, a filter of a size bucket up to {FILTER_VALUES_MAX}"
    )]
    Terms,
    /// The round has been there before.
    #[error("this round has been held before")]
    RoundUsed,
    /// Another round under this authorisation today.
    #[error("this authorisation has had its round of the day at this operator")]
    AuthorisationUsed,
    /// The operator's day is used up.
    #[error("the operator would be asked {asked} elements today, {max} are allowed")]
    Elements {
        /// With this round.
        asked: u64,
        /// The bound.
        max: u64,
    },
}

impl Ledger {
    /// A ledger with nothing in it.
    pub fn new(elements_a_day_max: u64) -> Self {
        Self { elements_a_day_max, entries: BTreeMap::new(), rounds: BTreeSet::new() }
    }

    /// The ledger with the entries that the caller has stored.
    pub fn restore(elements_a_day_max: u64, entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut ledger = Self::new(elements_a_day_max);
        for entry in entries {
            ledger.enter(entry);
        }
        ledger
    }

    /// Lets the round begin and writes it down, or says why not.
    ///
    /// # Errors
    /// [`LimitError`]; then nothing was written.
    pub fn admit(&mut self, terms: Terms, round: RoundId, day: Day) -> Result<(Admitted, Entry), LimitError> {
        let bucket = padded_size(terms.filter_values_max as usize) == Some(terms.filter_values_max);
        if !bucket || !(1..=ROUND_ELEMENTS_MAX).contains(&terms.elements) {
            return Err(LimitError::Terms);
        }
        if self.rounds.contains(&round) {
            return Err(LimitError::RoundUsed);
        }
        if self.entries.contains_key(&(terms.operator, day, terms.authorisation)) {
            return Err(LimitError::AuthorisationUsed);
        }
        let asked = self.asked(terms.operator, day) + u64::from(terms.elements);
        if asked > self.elements_a_day_max {
            return Err(LimitError::Elements { asked, max: self.elements_a_day_max });
        }
        let (operator, authorisation, elements) = (terms.operator, terms.authorisation, terms.elements);
        let entry = Entry { operator, day, authorisation, round, elements };
        self.enter(entry);
        Ok((Admitted { terms, round }, entry))
    }

    /// How many elements the operator has been asked on that day.
    pub fn asked(&self, operator: OperatorId, day: Day) -> u64 {
        self.entries(operator, day).map(|entry| u64::from(entry.elements)).sum()
    }

    /// What the operator has been asked on that day.
    pub fn entries(&self, operator: OperatorId, day: Day) -> impl Iterator<Item = Entry> {
        let days =
            (operator, day, AuthorisationId([0; 32]))..=(operator, day, AuthorisationId([u8::MAX; 32]));
        self.entries.range(days).map(|(&(operator, day, authorisation), &(round, elements))| Entry {
            operator,
            day,
            authorisation,
            round,
            elements,
        })
    }

    /// Forgets what was before a day. A round's number that is forgotten could come again; its blinds would still be others, for the
    /// round's key is part of them.
    pub fn forget_before(&mut self, day: Day) {
        self.entries.retain(|(_, held, _), _| *held >= day);
        self.rounds = self.entries.values().map(|(round, _)| *round).collect();
    }

    fn enter(&mut self, entry: Entry) {
        self.entries.insert((entry.operator, entry.day, entry.authorisation), (entry.round, entry.elements));
        self.rounds.insert(entry.round);
    }
}
