//! Correlations: rules over the matches of other rules, by the records' own time.

use std::collections::{BTreeMap, BTreeSet};

use rsigma_eval::{
    CorrelationAction, CorrelationConfig, CorrelationEngine, EvaluationResult, JsonEvent, TimestampFallback,
};
use rsigma_parser::{ConditionExpr, CorrelationCondition, CorrelationRule};
use serde_json::Value;

use crate::rule::Why;

/// The most groups that the correlations of one log remember; beyond, the longest untouched are forgotten.
const GROUPS_MAX: usize = 10_000;
/// The most records that a group remembers; beyond, the earliest are forgotten.
pub(crate) const GROUP_RECORDS_MAX: usize = 1000;
/// What is remembered of one value, in bytes: two values that begin with as much alike are one.
const VALUE_BYTES_MAX: usize = 256;

/// The names by which the rules of one scope may be referred to, and the keys behind them.
pub(crate) type Names = BTreeMap<String, String>;

/// Puts keys in place of the names that a correlation refers to. The first name that is not known is the error.
pub(crate) fn resolve(rule: &mut CorrelationRule, names: &Names) -> Result<(), String> {
    let key = |name: &String| names.get(name).cloned().ok_or_else(|| name.clone());
    rule.rules = rule.rules.iter().map(key).collect::<Result<_, _>>()?;
    if let CorrelationCondition::Extended(condition) = &mut rule.condition {
        resolve_condition(condition, names)?;
    }
    for alias in &mut rule.aliases {
        let mapping = std::mem::take(&mut alias.mapping);
        alias.mapping = mapping
            .into_iter()
            .map(|(name, field)| Ok((key(&name)?, field)))
            .collect::<Result<_, String>>()?;
    }
    Ok(())
}

fn resolve_condition(condition: &mut ConditionExpr, names: &Names) -> Result<(), String> {
    match condition {
        ConditionExpr::Identifier(name) => {
            *name = names.get(name).ok_or_else(|| name.clone())?.clone();
            Ok(())
        }
        ConditionExpr::And(members) | ConditionExpr::Or(members) => {
            members.iter_mut().try_for_each(|member| resolve_condition(member, names))
        }
        ConditionExpr::Not(member) => resolve_condition(member, names),
        ConditionExpr::Selector { .. } => Ok(()),
    }
}

/// An evaluator of these correlations that remembers nothing yet.
pub(crate) fn engine(rules: &[CorrelationRule]) -> Result<CorrelationEngine, Why> {
    let mut engine = CorrelationEngine::new(CorrelationConfig {
        timestamp_fallback: TimestampFallback::Skip,
        max_state_entries: GROUPS_MAX,
        max_group_entries: Some(GROUP_RECORDS_MAX),
        // A threshold that was reached is told once and counted anew, not told again with each record that follows.
        action_on_match: CorrelationAction::Reset,
        ..CorrelationConfig::default()
    });
    for rule in rules {
        engine.add_correlation(rule).map_err(|error| Why::new("sigma-correlation", error.to_string()))?;
    }
    Ok(engine)
}

/// The keys of rules that only feed a correlation (`generate` is not set).
pub(crate) fn feeders(rules: &[CorrelationRule]) -> BTreeSet<&str> {
    rules.iter().filter(|rule| !rule.generate).flat_map(|rule| &rule.rules).map(String::as_str).collect()
}

/// Tells the correlations what one record met; which of them it completes.
pub(crate) fn feed(
    engine: &mut CorrelationEngine,
    record: &Value,
    met: &[EvaluationResult],
    time: jiff::Timestamp,
) -> Vec<EvaluationResult> {
    let remembered = shortened(record);
    let all = engine.process_with_detections(&JsonEvent::borrow(&remembered), met.to_vec(), time.as_second());
    all.into_iter().filter(EvaluationResult::is_correlation).collect()
}

fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let mut end = text.len().min(VALUE_BYTES_MAX);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            Value::String(text.get(..end).unwrap_or_default().to_owned())
        }
        Value::Array(members) => members.iter().map(shortened).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), shortened(value))).collect())
        }
        other => other.clone(),
    }
}
