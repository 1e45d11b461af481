//! One document of a text to a rule, a correlation or a filter that is fit for use.

use regex::RegexBuilder;
use rsigma_eval::CompiledRule;
use rsigma_parser::{
    ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, Detection, DetectionItem,
    Detections, FilterRule, Modifier, SigmaRule, SigmaValue, StringPart,
};

use crate::budget;
use crate::correlate::GROUP_RECORDS_MAX;
use crate::rule::Why;

/// The longest condition, in bytes.
const CONDITION_BYTES_MAX: usize = 4 << 10;
/// The longest regular expression or value with wildcards, in bytes.
const EXPRESSION_BYTES_MAX: usize = 4 << 10;
/// What a regular expression is taken to cost, in bytes: the least of these that it compiles to. The last is the most.
const EXPRESSION_COSTS_BYTES: [usize; 3] = [64 << 10, 1 << 20, 4 << 20];
/// What all regular expressions of one rule may cost, in bytes.
const EXPRESSIONS_BYTES_MAX: usize = 16 << 20;
/// What all spellings that `windash` gives the values of one rule may have, in bytes.
const SPELLINGS_BYTES_MAX: usize = 256 << 10;
/// The most rules that a correlation may name, and fields that it may group by.
const CORRELATED_MAX: usize = 64;

/// What a document says.
pub(crate) enum Document {
    /// A rule, and what its expressions and spellings cost, in bytes.
    Rule(Box<SigmaRule>, usize),
    Correlation(Box<CorrelationRule>),
    /// A filter, and what it costs each rule that it is for.
    Filter(Box<FilterRule>, usize),
}

/// Reads one document, or several that depend on one another. What is wrong with one of these is told in its place.
pub(crate) fn read(text: &str) -> Result<Vec<Result<Document, Why>>, Why> {
    budget::check(text)?;
    let read = rsigma_parser::parse_sigma_yaml(text).map_err(|error| refusal(&error.to_string()))?;
    let mut all: Vec<Result<Document, Why>> = Vec::new();
    all.extend(read.rules.into_iter().map(checked_rule));
    all.extend(read.correlations.into_iter().map(checked_correlation));
    all.extend(read.filters.into_iter().map(checked_filter));
    // A rule that was read has only been warned of: a misspelt `status` keeps no rule from use.
    match read.errors.first() {
        Some(error) if all.is_empty() => Err(refusal(error)),
        None if all.is_empty() => Err(Why::new("sigma-rule", "the text holds no rule")),
        _ => Ok(all),
    }
}

/// Compiles a rule that [`read`] gave.
pub(crate) fn compile(rule: &SigmaRule) -> Result<CompiledRule, Why> {
    rsigma_eval::compile_rule(rule).map_err(|error| refusal(&error.to_string()))
}

/// The stable code for what the parser says.
fn refusal(message: &str) -> Why {
    let code = match message {
        text if text.starts_with("YAML") => "sigma-yaml",
        text if text.starts_with("Unknown modifier") || text.contains("modifier") => "sigma-modifier",
        text if text.starts_with("Condition") => "sigma-condition",
        text if text.starts_with("Missing required field") => "sigma-field-missing",
        text if text.contains("regex") => "sigma-expression",
        _ => "sigma-rule",
    };
    Why::new(code, message)
}

fn checked_rule(mut rule: SigmaRule) -> Result<Document, Why> {
    let cost = cost_of(&rule.detection)?;
    if rule.logsource.product.is_none()
        && rule.logsource.category.is_none()
        && rule.logsource.service.is_none()
    {
        return Err(Why::new(
            "sigma-logsource",
            "the rule names no log source, so it would concern every record",
        ));
    }
    // The evaluator obeys some attributes; whose rule it is must not decide what it may cost.
    rule.custom_attributes.clear();
    Ok(Document::Rule(Box::new(rule), cost))
}

fn checked_filter(mut filter: FilterRule) -> Result<Document, Why> {
    let cost = cost_of(&filter.detection)?;
    filter.custom_attributes.clear();
    Ok(Document::Filter(Box::new(filter), cost))
}

fn checked_correlation(mut rule: CorrelationRule) -> Result<Document, Why> {
    if rule.rules.is_empty() || rule.rules.len() > CORRELATED_MAX || rule.group_by.len() > CORRELATED_MAX {
        let message = format!(
            "a correlation names between one and {CORRELATED_MAX} rules, and groups by as many fields"
        );
        return Err(Why::new("sigma-too-large", message));
    }
    if let CorrelationCondition::Threshold { predicates, .. } = &rule.condition
        && predicates.iter().any(|(_, count)| *count > GROUP_RECORDS_MAX as u64)
        && matches!(rule.correlation_type.as_str(), "event_count" | "value_count")
    {
        let message = format!("the correlation counts further than {GROUP_RECORDS_MAX}");
        return Err(Why::new("sigma-too-large", message));
    }
    // Where it states no condition, all its rules are meant; the evaluator would be content with one.
    let rules = rule.rules.len() as u64;
    if let (CorrelationType::Temporal, CorrelationCondition::Threshold { predicates, .. }) =
        (rule.correlation_type, &mut rule.condition)
        && predicates.as_slice() == [(ConditionOperator::Gte, 1)]
    {
        *predicates = vec![(ConditionOperator::Gte, rules)];
    }
    rule.custom_attributes.clear();
    Ok(Document::Correlation(Box::new(rule)))
}

/// What the values of a rule cost beyond its text, in bytes.
fn cost_of(detections: &Detections) -> Result<usize, Why> {
    if detections.condition_strings.iter().map(String::len).sum::<usize>() > CONDITION_BYTES_MAX {
        let message = format!("the condition has more than {} KiB", CONDITION_BYTES_MAX >> 10);
        return Err(Why::new("sigma-too-large", message));
    }
    let mut cost = Cost::default();
    for detection in detections.named.values() {
        cost.add(detection)?;
    }
    Ok(cost.expressions + cost.spellings)
}

/// What the values of a rule have cost so far, in bytes.
#[derive(Default)]
struct Cost {
    expressions: usize,
    spellings: usize,
}

impl Cost {
    fn add(&mut self, detection: &Detection) -> Result<(), Why> {
        match detection {
            Detection::AllOf(items) => items.iter().try_for_each(|item| self.add_item(item)),
            Detection::AnyOf(members) | Detection::And(members) => {
                members.iter().try_for_each(|member| self.add(member))
            }
            Detection::Keywords(values) => values.iter().try_for_each(check_wildcards),
            Detection::ArrayMatch { body, .. } => self.add(body),
            Detection::Conditional { named, .. } => named.values().try_for_each(|member| self.add(member)),
        }
    }

    fn add_item(&mut self, item: &DetectionItem) -> Result<(), Why> {
        let has = |modifier| item.field.has_modifier(modifier);
        if has(Modifier::Expand) {
            let message = "`expand` asks for values that stand outside of the rule; write them into it";
            return Err(Why::new("sigma-placeholder", message));
        }
        for value in &item.values {
            if has(Modifier::Re) {
                self.add_expression(item, value)?;
            } else {
                check_wildcards(value)?;
            }
            if has(Modifier::WindAsh) {
                self.add_spellings(value)?;
            }
        }
        Ok(())
    }

    fn add_expression(&mut self, item: &DetectionItem, value: &SigmaValue) -> Result<(), Why> {
        let SigmaValue::String(text) = value else { return Ok(()) };
        if text.original.len() > EXPRESSION_BYTES_MAX {
            let message = format!("a regular expression has more than {} KiB", EXPRESSION_BYTES_MAX >> 10);
            return Err(Why::new("sigma-expression", message));
        }
        let fits = |limit: &usize| {
            let mut builder = RegexBuilder::new(&text.original);
            builder.case_insensitive(item.field.has_modifier(Modifier::IgnoreCase)).size_limit(*limit).build()
        };
        let [.., most] = EXPRESSION_COSTS_BYTES;
        fits(&most).map_err(|error| Why::new("sigma-expression", error.to_string()))?;
        self.expressions +=
            EXPRESSION_COSTS_BYTES.into_iter().find(|limit| fits(limit).is_ok()).unwrap_or(most);
        if self.expressions > EXPRESSIONS_BYTES_MAX {
            let message =
                format!("the regular expressions take more than {} MiB", EXPRESSIONS_BYTES_MAX >> 20);
            return Err(Why::new("sigma-expression", message));
        }
        Ok(())
    }

    /// Every hyphen of a value may be written in five ways, of up to three bytes.
    fn add_spellings(&mut self, value: &SigmaValue) -> Result<(), Why> {
        let SigmaValue::String(text) = value else { return Ok(()) };
        let hyphens = u32::try_from(text.original.matches('-').count()).unwrap_or(u32::MAX);
        let spellings = 5_usize.saturating_pow(hyphens).saturating_mul(text.original.len());
        self.spellings = self.spellings.saturating_add(spellings);
        if self.spellings > SPELLINGS_BYTES_MAX {
            let message =
                format!("`windash` would spell the values in more than {} KiB", SPELLINGS_BYTES_MAX >> 10);
            return Err(Why::new("sigma-too-large", message));
        }
        Ok(())
    }
}

/// A value with wildcards becomes a regular expression.
fn check_wildcards(value: &SigmaValue) -> Result<(), Why> {
    let SigmaValue::String(text) = value else { return Ok(()) };
    let has_wildcards = text.parts.iter().any(|part| matches!(part, StringPart::Special(_)));
    if has_wildcards && text.original.len() > EXPRESSION_BYTES_MAX {
        let message = format!("a value with wildcards has more than {} KiB", EXPRESSION_BYTES_MAX >> 10);
        return Err(Why::new("sigma-expression", message));
    }
    Ok(())
}
