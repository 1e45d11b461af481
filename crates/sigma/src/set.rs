//! From texts to a set.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::SignedDuration;
use rsigma_eval::{CompiledRule, CorrelationEngine, Engine, MatchDetailLevel};
use rsigma_parser::{CorrelationRule, FilterRule, FilterRuleTarget, LogSource, SigmaRule};
use telemetry::Format;

use crate::budget;
use crate::compile::{self, Document};
use crate::correlate::{self, Names};
use crate::logsource::{Asked, Source};
use crate::rule::{Origin, Refused, Rule, RuleText, Why, short};

/// How a set is built.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Indicators that state a lower confidence are refused (`confidence-low`); those that state none are taken.
    pub confidence_min: Option<u8>,
    /// Takes an indicator to count at any time. Otherwise it counts for records from `valid_from` on and before `valid_until`.
    pub any_time: bool,
}

/// A new set and what did not make it in.
#[derive(Debug)]
pub struct Built {
    /// The set.
    pub set: RuleSet,
    /// Rules that cannot be used, with the reason.
    pub refused: Vec<Refused>,
}

/// Rules compiled for use; immutable, so share it in an [`Arc`] and put a newer one in its place.
#[derive(Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    /// The evaluator's names for the rules → their places in `rules`.
    keys: HashMap<String, usize>,
    groups: Vec<Group>,
    /// The formats that any rule is about.
    formats: Vec<Format>,
    correlations: Vec<CorrelationRule>,
    any_time: bool,
}

/// The rules of one log source.
struct Group {
    asked: Asked,
    engine: Engine,
}

/// The most rules of a set.
const RULES_MAX: usize = 50_000;
/// The most text of all rules, in bytes.
const TEXT_BYTES_MAX: usize = 64 << 20;
/// What the regular expressions and spellings of all rules may cost, in bytes.
const COST_BYTES_MAX: usize = 1 << 30;
/// The most filters of a set: each may have every rule compiled into a longer one.
const FILTERS_MAX: usize = 1000;

impl RuleSet {
    /// A set that matches nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Compiles rules. Nothing is dropped silently: what cannot be used is in [`Built::refused`]. Of several versions of one
    /// indicator only the newest counts; a revoked one never matches. Rules of files may refer to one another (correlations,
    /// filters), those of an indicator only to what stands in the same pattern.
    #[must_use]
    pub fn build(texts: impl IntoIterator<Item = RuleText>, options: Options) -> Built {
        let mut builder = Builder::default();
        for text in newest_versions(texts) {
            if let Some(why) = unfit(&text.origin, options) {
                builder.refused.push(Refused { line: None, ..why.at(&text.origin, 1) });
                continue;
            }
            builder.add(&text);
        }
        builder.finish(options)
    }

    /// How many rules the set matches, correlations included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether the set matches nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules in use.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// Whether any rule is about records of this format.
    pub(crate) fn concerns(&self, format: Format) -> bool {
        self.formats.contains(&format)
    }

    /// The evaluators of the rules that are about a record of this source.
    pub(crate) fn engines<'s>(&'s self, source: &'s Source) -> impl Iterator<Item = &'s Engine> {
        self.groups.iter().filter(|group| group.asked.is_met_by(source)).map(|group| &group.engine)
    }

    /// The rule behind the evaluator's name for it.
    pub(crate) fn rule(&self, key: &str) -> Option<&Rule> {
        self.keys.get(key).and_then(|at| self.rules.get(*at))
    }

    /// Whether the rule counts for a record of this time.
    pub(crate) fn counts_at(&self, rule: &Rule, time: jiff::Timestamp) -> bool {
        self.any_time || rule.origin.indicator().is_none_or(|indicator| indicator.counts_at(time))
    }

    /// The shortest span of time that a correlation looks at.
    pub(crate) fn shortest_window(&self) -> Option<SignedDuration> {
        let seconds = self.correlations.iter().map(|rule| rule.timespan.seconds).min()?;
        Some(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)))
    }

    /// What the correlations of a log remember, at its beginning; `None` where there are none.
    pub(crate) fn correlation_engine(&self) -> Option<CorrelationEngine> {
        if self.correlations.is_empty() { None } else { correlate::engine(&self.correlations).ok() }
    }
}

impl std::fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleSet").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Of each indicator the newest version, in the order in which they came.
fn newest_versions(texts: impl IntoIterator<Item = RuleText>) -> Vec<RuleText> {
    let mut kept: Vec<RuleText> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for text in texts {
        let Origin::Indicator(indicator) = &text.origin else {
            kept.push(text);
            continue;
        };
        match places.get(indicator.id.as_str()).and_then(|at| kept.get_mut(*at)) {
            Some(earlier) => {
                let is_newer = earlier
                    .origin
                    .indicator()
                    .is_none_or(|earlier| earlier.version.sort_key() < indicator.version.sort_key());
                if is_newer {
                    *earlier = text;
                }
            }
            None => {
                places.insert(indicator.id.to_string(), kept.len());
                kept.push(text);
            }
        }
    }
    kept
}

/// Why no rule of an indicator may be used, whatever it says.
fn unfit(origin: &Origin, options: Options) -> Option<Why> {
    let indicator = origin.indicator()?;
    if indicator.revoked {
        return Some(Why::new("revoked", "the indicator is revoked"));
    }
    let (given, least) = (indicator.confidence?, options.confidence_min?);
    (given < least).then(|| Why::new("confidence-low", format!("the confidence {given} is below {least}")))
}

/// A correlation or filter that waits until all rules are known.
struct Waiting<T> {
    rule: T,
    origin: Origin,
    line: u32,
}

#[derive(Default)]
struct Builder {
    rules: Vec<Rule>,
    keys: HashMap<String, usize>,
    compiled: BTreeMap<Asked, Vec<CompiledRule>>,
    /// By scope: an indicator's identifier, or nothing for all files together.
    names: BTreeMap<String, Names>,
    correlations: Vec<Waiting<CorrelationRule>>,
    filters: Vec<Waiting<(FilterRule, usize)>>,
    refused: Vec<Refused>,
    text_bytes: usize,
    cost_bytes: usize,
}

fn scope(origin: &Origin) -> &str {
    match origin {
        Origin::Indicator(indicator) => indicator.id.as_str(),
        Origin::File(_) => "",
    }
}

impl Builder {
    fn add(&mut self, text: &RuleText) {
        let origin = &text.origin;
        let documents = match budget::documents(&text.yaml) {
            Ok(documents) => documents,
            Err(why) => return self.refused.push(why.at(origin, 1)),
        };
        if documents.is_empty() {
            self.refused.push(Why::new("sigma-rule", "the text holds no rule").at(origin, 1));
        }
        for document in documents {
            let line = document.line;
            self.text_bytes += document.text.len();
            if self.text_bytes > TEXT_BYTES_MAX {
                let why =
                    Why::new("set-full", format!("the rules have more than {} MiB", TEXT_BYTES_MAX >> 20));
                return self.refused.push(why.at(origin, line));
            }
            match compile::read(document.text) {
                Ok(read) => read.into_iter().for_each(|one| {
                    if let Err(why) = one.and_then(|one| self.take(one, origin, line)) {
                        self.refused.push(why.at(origin, line));
                    }
                }),
                Err(why) => self.refused.push(why.at(origin, line)),
            }
        }
    }

    fn take(&mut self, document: Document, origin: &Origin, line: u32) -> Result<(), Why> {
        if self.rules.len() + self.correlations.len() >= RULES_MAX || self.filters.len() >= FILTERS_MAX {
            return Err(Why::new(
                "set-full",
                format!("there are {RULES_MAX} rules or {FILTERS_MAX} filters already"),
            ));
        }
        let origin = origin.clone();
        match document {
            Document::Rule(rule, cost) => {
                self.pay(cost)?;
                self.take_rule(*rule, origin, line)?;
            }
            Document::Correlation(rule) => self.correlations.push(Waiting { rule: *rule, origin, line }),
            Document::Filter(rule, cost) => self.filters.push(Waiting { rule: (*rule, cost), origin, line }),
        }
        Ok(())
    }

    fn pay(&mut self, cost: usize) -> Result<(), Why> {
        self.cost_bytes = self.cost_bytes.saturating_add(cost);
        if self.cost_bytes > COST_BYTES_MAX {
            let message = format!("the expressions of all rules take more than {} MiB", COST_BYTES_MAX >> 20);
            return Err(Why::new("set-full", message));
        }
        Ok(())
    }

    fn take_rule(&mut self, mut rule: SigmaRule, origin: Origin, line: u32) -> Result<(), Why> {
        let names = [rule.id.clone(), rule.name.clone(), Some(rule.title.clone())];
        let key = self.key(&origin, rule.id.as_deref().unwrap_or(&rule.title));
        let told = Rule {
            id: rule.id.replace(key.clone()),
            title: short(&rule.title).to_owned(),
            level: rule.level.as_ref().map(rsigma_parser::Level::as_str),
            origin,
            line,
            reports: true,
        };
        rule.name = None;
        let compiled = compile::compile(&rule)?;
        self.compiled.entry(Asked::of(&rule.logsource)).or_default().push(compiled);
        self.enter(key, told, names);
        Ok(())
    }

    /// A name for a rule that is its own in the set, and the same in the next set that has it.
    fn key(&self, origin: &Origin, name: &str) -> String {
        let key = format!("{} {name}", origin.name());
        let again = (2_u32..).map(|number| format!("{key} {number}"));
        std::iter::once(key.clone()).chain(again).find(|key| !self.keys.contains_key(key)).unwrap_or(key)
    }

    fn enter(&mut self, key: String, rule: Rule, names: [Option<String>; 3]) {
        let known = self.names.entry(scope(&rule.origin).to_owned()).or_default();
        for name in names.into_iter().flatten() {
            known.entry(name).or_insert_with(|| key.clone());
        }
        self.keys.insert(key, self.rules.len());
        self.rules.push(rule);
    }

    fn finish(mut self, options: Options) -> Built {
        let correlations = self.correlations();
        for key in correlate::feeders(&correlations) {
            if let Some(rule) = self.keys.get(key).and_then(|at| self.rules.get_mut(*at)) {
                rule.reports = false;
            }
        }
        let filters = self.filters();
        let mut groups = Vec::with_capacity(self.compiled.len());
        for (asked, compiled) in std::mem::take(&mut self.compiled) {
            groups.push(Group { engine: self.group(&asked, compiled, &filters), asked });
        }
        let is_asked = |format: &Format| groups.iter().any(|group| group.asked.may_concern(*format));
        let formats = Format::ALL.into_iter().filter(is_asked).collect();
        let Self { rules, keys, refused, .. } = self;
        let any_time = options.any_time;
        Built { set: RuleSet { rules, keys, groups, formats, correlations, any_time }, refused }
    }

    fn group(
        &mut self,
        asked: &Asked,
        compiled: Vec<CompiledRule>,
        filters: &[Waiting<FilterRule>],
    ) -> Engine {
        let ids: BTreeSet<String> = compiled.iter().filter_map(|rule| rule.id.clone()).collect();
        let mut engine = Engine::new();
        engine.set_match_detail(MatchDetailLevel::Summary);
        engine.extend_compiled_rules(compiled);
        for Waiting { rule, origin, line } in filters {
            let FilterRuleTarget::Specific(keys) = &rule.rules else { continue };
            let concerns = keys.iter().any(|key| ids.contains(key))
                && rule.logsource.as_ref().is_none_or(|filter| asked.is_within(filter));
            if concerns && let Err(error) = engine.apply_filter(rule) {
                self.refused.push(Why::new("sigma-rule", error.to_string()).at(origin, *line));
            }
        }
        engine
    }

    /// The correlations whose rules are all known, those that others build on first. What is left over builds on something
    /// unknown, or on itself.
    fn correlations(&mut self) -> Vec<CorrelationRule> {
        let mut taken = Vec::new();
        let mut waiting = std::mem::take(&mut self.correlations);
        loop {
            let before = waiting.len();
            for one in std::mem::take(&mut waiting) {
                let mut rule = one.rule.clone();
                let names = self.names.entry(scope(&one.origin).to_owned()).or_default();
                match correlate::resolve(&mut rule, names) {
                    Ok(()) => self.take_correlation(rule, one, &mut taken),
                    Err(_) => waiting.push(one),
                }
            }
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
        }
        for Waiting { rule, origin, line } in waiting {
            let named = short(&rule.rules.join("`, `")).to_owned();
            let message = format!("a rule among `{named}` is not there, or builds on this one");
            self.refused.push(Why::new("sigma-correlation", message).at(&origin, line));
        }
        taken
    }

    fn take_correlation(
        &mut self,
        mut rule: CorrelationRule,
        waiting: Waiting<CorrelationRule>,
        taken: &mut Vec<CorrelationRule>,
    ) {
        let Waiting { rule: written, origin, line } = waiting;
        let key = self.key(&origin, written.id.as_deref().unwrap_or(&written.title));
        rule.id = Some(key.clone());
        rule.name = None;
        if let Err(why) = correlate::engine(std::slice::from_ref(&rule)) {
            self.refused.push(why.at(&origin, line));
            return;
        }
        let told = Rule {
            id: written.id.clone(),
            title: short(&written.title).to_owned(),
            level: written.level.as_ref().map(rsigma_parser::Level::as_str),
            origin,
            line,
            reports: true,
        };
        self.enter(key, told, [written.id, written.name, Some(written.title)]);
        taken.push(rule);
    }

    /// The filters with the keys of the rules that they are for: those of their own scope.
    fn filters(&mut self) -> Vec<Waiting<FilterRule>> {
        let mut fit = Vec::new();
        for Waiting { rule: (mut rule, cost), origin, line } in std::mem::take(&mut self.filters) {
            let names = self.names.entry(scope(&origin).to_owned()).or_default();
            let keys: BTreeSet<String> = match &rule.rules {
                FilterRuleTarget::Any => names.values().cloned().collect(),
                FilterRuleTarget::Specific(wanted) => {
                    wanted.iter().filter_map(|name| names.get(name)).cloned().collect()
                }
            };
            // Each rule that it is for gets its own of what it compiles to.
            let paid = self.pay(cost.saturating_mul(keys.len()));
            let is_there = if keys.is_empty() {
                Err(Why::new("sigma-filter", "none of the rules that the filter is for is there"))
            } else {
                paid
            };
            match is_there {
                Ok(()) => {
                    rule.rules = FilterRuleTarget::Specific(keys.into_iter().collect());
                    fit.push(Waiting { rule, origin, line });
                }
                Err(why) => self.refused.push(why.at(&origin, line)),
            }
        }
        fit
    }
}

impl Asked {
    /// Whether a filter for this source is for all rules that ask for it.
    fn is_within(&self, filter: &LogSource) -> bool {
        let other = Self::of(filter);
        let within = |own: &Option<String>, wanted: &Option<String>| wanted.is_none() || own == wanted;
        within(&self.product, &other.product)
            && within(&self.category, &other.category)
            && within(&self.service, &other.service)
    }
}

/// The set and the engines in it are read by several threads at once.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Arc<RuleSet>>();
};
