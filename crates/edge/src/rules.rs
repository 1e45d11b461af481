//! The Sigma rules of an edge: those of shared indicators, and the operator's own out of files.

pub(crate) mod files;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwap;
use sigma::{Built, Options, Refused, RuleSet, RuleText};

use crate::ConfigError;
use crate::config::Matching;
use crate::rules::files::RuleFiles;
use crate::status::Status;

/// The rules in use, and what the next set is made of besides indicators.
pub(crate) struct Rules {
    own: RuleFiles,
    options: Options,
    set: ArcSwap<RuleSet>,
}

/// Refused rules that are told of one by one.
const TOLD_MAX: usize = 20;

impl Rules {
    /// Reads the operator's own rules; nothing is compiled yet.
    pub(crate) fn new(matching: &Matching) -> Result<Self, ConfigError> {
        let own = files::read_rules(&matching.sigma)
            .map_err(|(path, cause)| ConfigError::Unreadable { path, cause })?;
        let confidence_min = (matching.confidence_min > 0).then_some(matching.confidence_min);
        let options = Options { confidence_min, any_time: false };
        Ok(Self { own, options, set: ArcSwap::from_pointee(RuleSet::none()) })
    }

    /// The rules in use.
    pub(crate) fn current(&self) -> Arc<RuleSet> {
        self.set.load_full()
    }

    /// Compiles the operator's own rules and those of indicators, and puts them in use; how many indicators are.
    pub(crate) fn rebuild(&self, of_indicators: Vec<RuleText>, status: &Status) -> usize {
        let texts = self.own.texts.iter().cloned().chain(of_indicators);
        let Built { set, refused } = RuleSet::build(texts, self.options);
        let refused: Vec<&Refused> = self.own.refused.iter().chain(&refused).collect();
        for refused in refused.iter().take(TOLD_MAX) {
            tracing::warn!(code = refused.code, "a Sigma rule is not used: {refused}");
        }
        let indicators = set.rules().filter_map(|rule| rule.origin.indicator());
        let used = indicators.map(|indicator| &indicator.id).collect::<BTreeSet<_>>().len();
        status.rules.store(set.len() as u64, Ordering::Relaxed);
        status.rules_refused.store(refused.len() as u64, Ordering::Relaxed);
        self.set.store(Arc::new(set));
        used
    }
}
