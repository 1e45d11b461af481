//! One document of a text to a rule, a correlation or a filter that is fit for use.

use regex::RegexBuilder;
use rsigma_eval::CompiledRule;
use rsigma_parser::{
    CorrelationCondition, CorrelationRule, Detection, DetectionItem, Detections, FilterRule, Modifier,
    SigmaRule, SigmaValue, StringPart,
};

use crate::budget;
use crate::correlate::GROUP_RECORDS_MAX;
use crate::rule::Why;

/// The longest condition, in bytes.
const CONDITION_BYTES_MAX: usize = 4 << 10;
/// The longest regular expression or value with wildcards, in bytes.
const EXPRESSION_BYTES_MAX: usize = 4 << 10;
/// What a regular expression may compile to, in bytes.
const EXPRESSION_COMPILED_BYTES_MAX: usize = 1 << 20;
/// The most regular expressions of one rule.
const EXPRESSIONS_MAX: usize = 64;
/// The most spellings that `windash` may give the values of one rule.
const SPELLINGS_MAX: usize = 4096;
/// The most rules that a correlation may name, and fields that it may group by.
const CORRELATED_MAX: usize = 64;

/// What a document says.
pub(crate) enum Document {
    Rule(Box<SigmaRule>),
    Correlation(Box<CorrelationRule>),
    Filter(Box<FilterRule>),
}

/// Reads one document, or several that depend on one another. What is wrong with one of these is told in its place.
pub(crate) fn read(text: &str) -> Result<Vec<Result<Document, Why>>, Why> {
    budget::check(text)?;
    let read = rsigma_parser::parse_sigma_yaml(text).map_err(|error| refusal(&error.to_string()))?;
    let rules =
        read.rules.into_iter().map(|rule| checked_rule(rule).map(|rule| Document::Rule(Box::new(rule))));
    let correlations = read
        .correlations
        .into_iter()
        .map(|rule| checked_correlation(rule).map(|rule| Document::Correlation(Box::new(rule))));
    let filters = read
        .filters
        .into_iter()
        .map(|rule| checked_filter(rule).map(|rule| Document::Filter(Box::new(rule))));
    let all: Vec<_> = rules.chain(correlations).chain(filters).collect();
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

fn checked_rule(mut rule: SigmaRule) -> Result<SigmaRule, Why> {
    check_detections(&rule.detection)?;
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
    Ok(rule)
}

fn checked_filter(mut filter: FilterRule) -> Result<FilterRule, Why> {
    check_detections(&filter.detection)?;
    filter.custom_attributes.clear();
    Ok(filter)
}

fn checked_correlation(mut rule: CorrelationRule) -> Result<CorrelationRule, Why> {
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
    rule.custom_attributes.clear();
    Ok(rule)
}

fn check_detections(detections: &Detections) -> Result<(), Why> {
    if detections.condition_strings.iter().map(String::len).sum::<usize>() > CONDITION_BYTES_MAX {
        let message = format!("the condition has more than {} KiB", CONDITION_BYTES_MAX >> 10);
        return Err(Why::new("sigma-too-large", message));
    }
    let mut cost = Cost::default();
    for detection in detections.named.values() {
        cost.add(detection)?;
    }
    Ok(())
}

/// What the values of a rule have cost so far.
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
        self.expressions += 1;
        let SigmaValue::String(text) = value else { return Ok(()) };
        if self.expressions > EXPRESSIONS_MAX || text.original.len() > EXPRESSION_BYTES_MAX {
            let message = format!(
                "a rule may have {EXPRESSIONS_MAX} regular expressions of {} KiB each",
                EXPRESSION_BYTES_MAX >> 10
            );
            return Err(Why::new("sigma-expression", message));
        }
        let built = RegexBuilder::new(&text.original)
            .case_insensitive(item.field.has_modifier(Modifier::IgnoreCase))
            .size_limit(EXPRESSION_COMPILED_BYTES_MAX)
            .build();
        built.map(drop).map_err(|error| Why::new("sigma-expression", error.to_string()))
    }

    /// Every hyphen of a value may be written in five ways.
    fn add_spellings(&mut self, value: &SigmaValue) -> Result<(), Why> {
        let SigmaValue::String(text) = value else { return Ok(()) };
        let hyphens = u32::try_from(text.original.matches('-').count()).unwrap_or(u32::MAX);
        self.spellings = self.spellings.saturating_add(5_usize.saturating_pow(hyphens));
        if self.spellings > SPELLINGS_MAX {
            let message = format!("`windash` would give the values more than {SPELLINGS_MAX} spellings");
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
