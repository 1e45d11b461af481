//! The commission's audit: all that was asked is worked out once more from the approved list and seed, and compared with what the
//! operator signed.

use sha2::{Digest, Sha256};

use crate::commitment::{Hash, list_root};
use crate::input::List;
use crate::ledger::Terms;
use crate::questions::Questions;
use crate::receipt::Receipt;
use crate::seed::Seed;
use crate::threads::Threads;

/// What the commission approved, by which a hub's list and seed are known again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// The terms.
    pub terms: Terms,
    /// [`list_root`] of list and seed.
    pub list_root: Hash,
    /// [`Seed::commitment`].
    pub seed_commitment: Hash,
}

/// What the audit found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The seed is not the one that was committed to.
    #[error("the seed is not the one that was approved")]
    Seed,
    /// The list is not the one that was approved.
    #[error("the list is not the one that was approved")]
    List,
    /// The receipt is of another authorisation, operator, mode or N.
    #[error("the receipt is of a round on other terms than were approved")]
    Terms,
    /// The operator did not answer N elements.
    #[error("the operator answered {answered} of {allowed} elements")]
    Count {
        /// As the receipt says.
        answered: u32,
        /// N.
        allowed: u32,
    },
    /// Something else was asked than was approved.
    #[error("the hub asked for something else than the approved list")]
    Substituted,
}

impl Approved {
    /// Audits one round: recomputes every blinded element from the list, the seed and the round in the receipt.
    ///
    /// The caller has checked the receipt's signature. A list that was swapped in one value after its approval has another hash,
    /// whichever value it was.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn audit(
        &self,
        list: &List,
        seed: &Seed,
        receipt: &Receipt,
        threads: Threads,
    ) -> Result<(), AuditError> {
        if seed.commitment() != self.seed_commitment {
            return Err(AuditError::Seed);
        }
        if list_root(list, seed) != self.list_root {
            return Err(AuditError::List);
        }
        let (terms, open) = (&self.terms, &receipt.open);
        let agreed = open.authorisation == terms.authorisation
            && open.operator == terms.operator
            && open.mode == terms.mode
            && open.elements == terms.elements
            && open.filter_values <= terms.filter_values_max;
        if !agreed {
            return Err(AuditError::Terms);
        }
        if receipt.answered != open.elements {
            return Err(AuditError::Count { answered: receipt.answered, allowed: open.elements });
        }
        let questions = Questions::new(list, seed, open).ok_or(AuditError::Terms)?;
        let mut asked = Sha256::new();
        for element in questions.blinded(threads).iter().flatten() {
            asked.update(element.bytes());
        }
        if <Hash>::from(asked.finalize()) == receipt.elements { Ok(()) } else { Err(AuditError::Substituted) }
    }
}
