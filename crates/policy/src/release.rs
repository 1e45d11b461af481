use crate::Principal;
use oversight::{OrganisationId, Purpose};

/// A label's number in one store.
pub type LabelKey = i64;

/// The labels one principal may read at one epoch of policy: made by [`crate::Engine::visible`] alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Visible {
    keys: Vec<LabelKey>,
}

/// A proof: policy allowed this value out to this recipient. Everything that leaves a hub is one; there is no other constructor
/// than [`Visible::release`].
#[derive(Debug, Clone)]
pub struct Released<T> {
    value: T,
    recipient: OrganisationId,
    purpose: Purpose,
}

impl Visible {
    /// The keys, ascending.
    #[must_use]
    pub fn keys(&self) -> &[LabelKey] {
        &self.keys
    }

    /// Whether a label may be read.
    #[must_use]
    pub fn contains(&self, key: LabelKey) -> bool {
        self.keys.binary_search(&key).is_ok()
    }

    /// The one release function: gives the value out if every label it is made of may be read, else nothing.
    #[must_use]
    pub fn release<T>(&self, principal: &Principal, purpose: Purpose, labels: &[LabelKey], value: T) -> Option<Released<T>> {
        labels.iter().all(|key| self.contains(*key)).then(|| Released {
            value,
            recipient: principal.organisation.clone(),
            purpose,
        })
    }
}

impl<T> Released<T> {
    /// To whom.
    #[must_use]
    pub fn recipient(&self) -> &OrganisationId {
        &self.recipient
    }

    /// What for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// What.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Takes it out, to be written to the recipient.
    pub fn into_inner(self) -> T {
        self.value
    }
}
