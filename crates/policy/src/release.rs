use std::collections::BTreeSet;

use oversight::{OrganisationId, Purpose};

use crate::Principal;
use crate::class::Class;

/// A label's number in one store.
pub type LabelKey = i64;

/// The labels that principals of one class may read under one set of policies: made by [`crate::Engine::visible`] alone.
/// The default one shows nothing and releases nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Visible {
    keys: Vec<LabelKey>,
    class: Option<Class>,
    purposes: BTreeSet<Purpose>,
    epoch: u64,
}

/// A proof: policy allowed this value out to this recipient. Everything that leaves a hub is one; there is no other constructor
/// than [`Visible::release`].
///
/// ```compile_fail
/// use oversight::{OrganisationId, Purpose};
/// fn forge(value: String, recipient: OrganisationId) -> policy::Released<String> {
///     policy::Released { value, recipient, purpose: Purpose::OwnDefence } // the fields are private
/// }
/// ```
///
/// Nor can what one may see be made up:
///
/// ```compile_fail
/// let visible = policy::Visible { keys: vec![1, 2, 3], ..policy::Visible::default() }; // the fields are private
/// ```
///
/// Nor can a released value be exchanged for another one:
///
/// ```compile_fail
/// fn exchange(mut released: policy::Released<String>) {
///     *released.value() = "something else".to_owned(); // a shared reference
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Released<T> {
    value: T,
    recipient: OrganisationId,
    purpose: Purpose,
}

impl Visible {
    /// For the engine.
    pub(crate) fn new(
        mut keys: Vec<LabelKey>,
        class: Class,
        purposes: BTreeSet<Purpose>,
        epoch: u64,
    ) -> Self {
        keys.sort_unstable();
        keys.dedup();
        Self { keys, class: Some(class), purposes, epoch }
    }

    /// The keys, ascending.
    #[must_use]
    pub fn keys(&self) -> &[LabelKey] {
        &self.keys
    }

    /// Of what may be read only what `keep` takes: never more.
    #[must_use]
    pub fn narrowed(&self, keep: impl Fn(LabelKey) -> bool) -> Self {
        Self { keys: self.keys.iter().copied().filter(|key| keep(*key)).collect(), ..self.clone() }
    }

    /// Whether a label may be read.
    #[must_use]
    pub fn contains(&self, key: LabelKey) -> bool {
        self.keys.binary_search(&key).is_ok()
    }

    /// The policies under which this was worked out: equal to [`crate::Engine::epoch`] as long as they are in force.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether this was worked out for principals like this one: of the same kind, organisation, roles and realm.
    #[must_use]
    pub fn is_for(&self, principal: &Principal) -> bool {
        self.class.as_ref().is_some_and(|class| *class == Class::of(principal))
    }

    /// The purposes for which the principal may be given anything; an edge knows its own defence only.
    #[must_use]
    pub fn purposes(&self) -> &BTreeSet<Purpose> {
        &self.purposes
    }

    /// The one release function: gives the value out if every label it is made of may be read, else nothing.
    /// Nothing also where this was worked out for another class of principal, or where the principal may not be given
    /// anything for that purpose.
    ///
    /// What is made of no labelled thing (an empty page, a service's description) has no labels and passes.
    #[must_use]
    pub fn release<T>(
        &self,
        principal: &Principal,
        purpose: Purpose,
        labels: &[LabelKey],
        value: T,
    ) -> Option<Released<T>> {
        let allowed = self.is_for(principal)
            && self.purposes.contains(&purpose)
            && labels.iter().all(|key| self.contains(*key));
        allowed.then(|| Released { value, recipient: principal.organisation.clone(), purpose })
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
