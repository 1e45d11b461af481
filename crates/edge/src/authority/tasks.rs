//! The lists of all authorisations in use, compiled to one set.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;

use matcher::{Indicator, IndicatorSet, Options, WarningLists};
use oversight::authorisation::{Authorised, IndicatorList};
use stix::Id;
use uuid::Uuid;

/// What the sources look for under authorisations.
#[derive(Debug)]
pub(crate) struct Tasks {
    set: Arc<IndicatorSet>,
    members: HashMap<Id, (Arc<Authorised>, u32)>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { set: Arc::new(IndicatorSet::none()), members: HashMap::new() }
    }
}

impl Tasks {
    /// Compiles lists; how many patterns of each authorisation cannot be looked for, where any.
    ///
    /// They are looked for as they were granted: warning lists, own assets and confidence are the operator's judgement for its own
    /// defence.
    pub(super) fn compile<'l>(
        lists: impl Iterator<Item = (Arc<Authorised>, &'l IndicatorList)>,
    ) -> (Self, BTreeMap<Uuid, usize>) {
        let (mut indicators, mut members) = (Vec::new(), HashMap::new());
        for (authorised, list) in lists {
            for (member, pattern) in (0_u32..).zip(&list.patterns) {
                let indicator = indicator(&authorised, member, pattern);
                members.insert(indicator.id.clone(), (Arc::clone(&authorised), member));
                indicators.push(indicator);
            }
        }
        let seed = std::hash::RandomState::new().hash_one(indicators.len());
        let options = Options { any_time: true, seed, ..Options::default() };
        let built = IndicatorSet::build(indicators, &WarningLists::none(), &options, 0);
        let mut unusable = BTreeMap::new();
        for (id, why) in &built.refused {
            tracing::warn!(code = why.code, "a pattern of an authorisation cannot be looked for: {why}");
            if let Some((authorised, _)) = members.remove(id) {
                *unusable.entry(authorised.terms().id).or_default() += 1;
            }
        }
        (Self { set: Arc::new(built.set), members }, unusable)
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn set(&self) -> &Arc<IndicatorSet> {
        &self.set
    }

    /// Under which authorisation something is looked for, and which pattern of its list it is.
    pub(crate) fn of(&self, id: &Id) -> Option<(&Authorised, u32)> {
        self.members.get(id).map(|(authorised, member)| (authorised.as_ref(), *member))
    }
}

/// A pattern as the matcher takes it, under a name that is this edge's own.
fn indicator(authorised: &Authorised, member: u32, pattern: &str) -> Indicator {
    let terms = authorised.terms();
    let name = Uuid::new_v5(&terms.id, &member.to_be_bytes());
    Indicator {
        id: Id::new("indicator", name),
        version: stix::Timestamp::from_instant(terms.from),
        name: format!("{}/{member}", terms.id),
        pattern: pattern.to_owned(),
        confidence: None,
        valid_from: stix::Timestamp::from_instant(terms.from),
        valid_until: Some(stix::Timestamp::from_instant(terms.until)),
        revoked: false,
        reach: None,
    }
}
