use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use oversight::{OrganisationId, Purpose};

use crate::class::Class;
use crate::{AgreementId, Principal};

/// A label's number in one store.
pub type LabelKey = i64;

/// The labels that principals of one class may read under one set of policies: made by [`crate::Engine::visible`] alone.
/// The default one shows nothing and releases nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Visible {
    keys: Vec<LabelKey>,
    /// Those of them that are read because an agreement says so.
    under: BTreeMap<LabelKey, Under>,
    class: Option<Class>,
    purposes: BTreeSet<Purpose>,
    epoch: u64,
    /// Those of them that are read because of an emergency alone.
    urgent: BTreeSet<LabelKey>,
}

/// The agreement under which something is given. Written as `aurora-2026#1` (its first term), or as `aurora-2026` where no single
/// term gives it: it came in under that agreement, and the council's rules give it on as far as the agreement lets them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Under {
    /// Which.
    pub agreement: AgreementId,
    /// The number of the term that gives it, from 1.
    pub term: Option<usize>,
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
        under: BTreeMap<LabelKey, Under>,
        class: Class,
        purposes: BTreeSet<Purpose>,
        epoch: u64,
    ) -> Self {
        keys.sort_unstable();
        keys.dedup();
        Self { keys, under, class: Some(class), purposes, epoch, urgent: BTreeSet::new() }
    }

    /// The same, of which some are read in an emergency alone.
    pub(crate) fn in_emergency(self, urgent: BTreeSet<LabelKey>) -> Self {
        Self { urgent, ..self }
    }

    /// Whether what bears a label is read because of an emergency, and of nothing else.
    #[must_use]
    pub fn is_in_emergency(&self, key: LabelKey) -> bool {
        self.urgent.contains(&key)
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

    /// The agreement under which what bears a label is given, where one is needed for it.
    #[must_use]
    pub fn under(&self, key: LabelKey) -> Option<&Under> {
        self.under.get(&key)
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

impl Under {
    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (agreement, term) = match text.split_once('#') {
            Some((agreement, term)) => (agreement, Some(term.parse().ok().filter(|term| *term > 0)?)),
            None => (text, None),
        };
        Some(Self { agreement: AgreementId::parse(agreement)?, term })
    }
}

impl fmt::Display for Under {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.term {
            Some(term) => write!(f, "{}#{term}", self.agreement),
            None => self.agreement.fmt(f),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agreement_and_its_term_are_read_as_they_are_written() {
        let check = |text: &str, expected: Option<(&str, Option<usize>)>| {
            let found = Under::parse(text);
            let told = found.as_ref().map(|under| (under.agreement.to_string(), under.term));
            assert_eq!(told, expected.map(|(agreement, term)| (agreement.to_owned(), term)), "{text}");
            assert!(found.is_none_or(|under| under.to_string() == text), "{text}");
        };
        check("aurora-2026", Some(("aurora-2026", None)));
        check("aurora-2026#2", Some(("aurora-2026", Some(2))));
        check("aurora-2026#0", None);
        check("aurora-2026#x", None);
        check("#1", None);
        check("", None);
    }
}
