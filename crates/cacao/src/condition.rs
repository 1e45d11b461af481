//! Conditions of if and while steps (CACAO 2.0 §4.8, §4.9): "a boolean expression as defined in the STIX Patterning Grammar".
//!
//! The specification says no more than that, and that a variable is used as `__name__:value` (§10.18). Read together: the variable
//! stands where STIX has an object path, so `__name__` is the type and `value` the first property. What that leaves open is decided
//! so:
//!
//! - The brackets of an observation may be left out, as in all of the specification's examples: `__ip__:value = '198.51.100.1'`.
//!   Several in brackets may be joined by `AND` and `OR`. There is one state of the variables and no time in it, so `FOLLOWEDBY` and
//!   the qualifiers `WITHIN`, `REPEATS`, `START` have no meaning and are refused.
//! - A variable may stand on the right as well, bare or within a text: `__a__:value = __b__:value`. It is put into the tree that was
//!   read and not into the text, so no value can change what the expression says.
//! - Values compare by the type their variable declares: integers and floats as numbers, booleans as booleans, dictionaries by the
//!   path behind `value`. A text on the right is read as a number or boolean where the variable is one.
//! - A value that is unknown (null) satisfies no comparison, `NOT EXISTS` apart.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use stix::pattern::evaluate::{Predicate, Scope};
use stix::pattern::{Comparison, Constant, Observation, Operator, Pattern, Step, Test};

use crate::variable::{self, mentions};

/// The longest condition, in bytes.
pub const CONDITION_BYTES_MAX: usize = 64 << 10;

/// Why a condition cannot be read or evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// Longer than [`CONDITION_BYTES_MAX`].
    #[error("the condition has {0} bytes, the limit is {CONDITION_BYTES_MAX}")]
    TooLong(usize),
    /// Not an expression of STIX patterning.
    #[error("the condition is no STIX expression: {0}")]
    Syntax(String),
    /// A part of STIX patterning that needs observations over time.
    #[error("`{0}` asks for observations over time, which variables do not have")]
    OverTime(&'static str),
    /// A path that is not a variable's value.
    #[error("`{0}` is no variable's value: conditions ask about `__name__:value`")]
    NotAVariable(String),
    /// A variable that is not declared where the condition stands.
    #[error("the variable `{0}` is not defined here")]
    Undefined(String),
    /// An operand that is unknown.
    #[error("the variable `{0}` has no value")]
    Unknown(String),
    /// A regular expression or the like that cannot be used.
    #[error("{0}")]
    Unusable(String),
}

/// A condition that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    tree: Tree,
}

#[derive(Debug, Clone, PartialEq)]
enum Tree {
    Test(Comparison),
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// A variable as a condition sees it: its declared type and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Typed {
    /// `type` of the declaration.
    pub kind: String,
    /// The value, as it stands in the variable.
    pub value: Value,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// What is no boolean expression over variables.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        if text.len() > CONDITION_BYTES_MAX {
            return Err(ConditionError::TooLong(text.len()));
        }
        let plain = normalise(text);
        let in_brackets = plain.trim_start_matches(|c: char| c == '(' || c.is_whitespace()).starts_with('[');
        let whole = if in_brackets { plain } else { format!("[{plain}]") };
        let pattern = Pattern::parse(&whole).map_err(|error| ConditionError::Syntax(error.to_string()))?;
        let tree = tree_of(&pattern.root)?;
        for test in pattern.tests() {
            let value_first = matches!(test.path.steps.first(), Some(Step::Key(key)) if key == "value");
            if !variable::is_name(&test.path.object_type) || !value_first {
                let short = test.path.object_type.chars().take(60).collect();
                return Err(ConditionError::NotAVariable(short));
            }
        }
        Ok(Self { tree })
    }

    /// Every variable that the condition asks about, each once.
    #[must_use]
    pub fn variables(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for test in self.tests() {
            names.insert(test.path.object_type.clone());
            for text in texts_of(&test.operator) {
                let found = mentions(text).into_iter().filter(|mention| mention.with_value);
                names.extend(found.map(|mention| mention.name.to_owned()));
            }
        }
        names
    }

    /// Whether the condition holds.
    ///
    /// # Errors
    /// Variables that are not defined or, on the right, have no value; expressions that cannot be used.
    pub fn holds(&self, lookup: &dyn Fn(&str) -> Option<Typed>) -> Result<bool, ConditionError> {
        self.tree.holds(lookup)
    }

    /// Tests whose operand can never compare with a variable of the type that is declared: the variable and its type.
    pub(crate) fn kind_conflicts(&self, lookup: &dyn Fn(&str) -> Option<Typed>) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for test in self.tests() {
            let Some(typed) = lookup(&test.path.object_type) else { continue };
            let deeper = test.path.steps.len() > 1;
            if !deeper
                && constants_of(&test.operator).iter().any(|constant| !comparable(&typed.kind, constant))
            {
                found.push((test.path.object_type.clone(), typed.kind));
            }
        }
        found
    }

    fn tests(&self) -> Vec<&Test> {
        let mut out = Vec::new();
        self.tree.collect(&mut out);
        out
    }
}

impl Tree {
    fn holds(&self, lookup: &dyn Fn(&str) -> Option<Typed>) -> Result<bool, ConditionError> {
        // All members are asked, so that a variable that is not defined is told whatever the others say.
        let each = |members: &[Self]| members.iter().map(|m| m.holds(lookup)).collect::<Result<Vec<_>, _>>();
        match self {
            Self::All(members) => Ok(each(members)?.into_iter().all(|holds| holds)),
            Self::Any(members) => Ok(each(members)?.into_iter().any(|holds| holds)),
            Self::Test(comparison) => {
                let mut graph = Map::new();
                let ready = prepare(comparison, lookup, &mut graph)?;
                let unusable = |error: stix::pattern::evaluate::EvaluateError| {
                    ConditionError::Unusable(error.to_string())
                };
                // One object for each variable: tests on several variables may be joined by AND.
                Predicate::new(&ready, Scope::Observation).map_err(unusable)?.holds(&graph).map_err(unusable)
            }
        }
    }

    fn collect<'t>(&'t self, out: &mut Vec<&'t Test>) {
        match self {
            Self::All(members) | Self::Any(members) => members.iter().for_each(|member| member.collect(out)),
            Self::Test(comparison) => collect_tests(comparison, out),
        }
    }
}

fn collect_tests<'c>(comparison: &'c Comparison, out: &mut Vec<&'c Test>) {
    match comparison {
        Comparison::Test(test) => out.push(test),
        Comparison::And(members) | Comparison::Or(members) => {
            members.iter().for_each(|member| collect_tests(member, out));
        }
    }
}

fn tree_of(observation: &Observation) -> Result<Tree, ConditionError> {
    let all = |members: &[Observation]| members.iter().map(tree_of).collect::<Result<Vec<_>, _>>();
    match observation {
        Observation::Test(comparison) => Ok(Tree::Test(comparison.clone())),
        Observation::And(members) => Ok(Tree::All(all(members)?)),
        Observation::Or(members) => Ok(Tree::Any(all(members)?)),
        Observation::FollowedBy(_) => Err(ConditionError::OverTime("FOLLOWEDBY")),
        Observation::Qualified { .. } => Err(ConditionError::OverTime("WITHIN, REPEATS or START")),
    }
}

/// The comparison with all variables on the right replaced by their values, and the objects that it is held against.
fn prepare(
    comparison: &Comparison,
    lookup: &dyn Fn(&str) -> Option<Typed>,
    graph: &mut Map<String, Value>,
) -> Result<Comparison, ConditionError> {
    let mut all = |members: &[Comparison]| {
        members.iter().map(|member| prepare(member, lookup, graph)).collect::<Result<Vec<_>, _>>()
    };
    match comparison {
        Comparison::And(members) => Ok(Comparison::And(all(members)?)),
        Comparison::Or(members) => Ok(Comparison::Or(all(members)?)),
        Comparison::Test(test) => {
            let name = &test.path.object_type;
            let typed = lookup(name).ok_or_else(|| ConditionError::Undefined(name.clone()))?;
            let mut object = Map::new();
            object.insert("type".to_owned(), Value::String(name.clone()));
            if let Some(value) = native(&typed) {
                object.insert("value".to_owned(), value);
            }
            graph.insert(name.clone(), Value::Object(object));
            let operator = fill(&test.operator, &typed.kind, lookup)?;
            Ok(Comparison::Test(Test { path: test.path.clone(), negated: test.negated, operator }))
        }
    }
}

/// The value as JSON of the type that is declared; nothing where it is unknown.
fn native(typed: &Typed) -> Option<Value> {
    let Value::String(text) = &typed.value else {
        return Some(typed.value.clone()).filter(|value| !value.is_null());
    };
    let as_text = || Value::String(text.clone());
    Some(match typed.kind.as_str() {
        "bool" => text.parse::<bool>().map_or_else(|_| as_text(), Value::Bool),
        "integer" | "long" => text.parse::<i64>().map_or_else(|_| as_text(), Value::from),
        "float" => text.parse::<f64>().map_or_else(|_| as_text(), Value::from),
        "dictionary" => serde_json::from_str(text).unwrap_or_else(|_| as_text()),
        "hexstring" | "hash" | "md5-hash" | "sha256-hash" => Value::String(text.to_ascii_lowercase()),
        _ => as_text(),
    })
}

fn fill(
    operator: &Operator,
    kind: &str,
    lookup: &dyn Fn(&str) -> Option<Typed>,
) -> Result<Operator, ConditionError> {
    let text = |text: &String| {
        variable::substitute(text, |name| {
            let typed = lookup(name).ok_or_else(|| ConditionError::Undefined(name.to_owned()))?;
            match typed.value {
                Value::Null => Err(ConditionError::Unknown(name.to_owned())),
                Value::String(text) => Ok(text),
                other => Ok(other.to_string()),
            }
        })
    };
    let one = |constant: &Constant| {
        Ok(match constant {
            Constant::String(raw) => coerce(text(raw)?, kind),
            Constant::Hex(bytes) if is_hex_kind(kind) => Constant::String(hex::encode(bytes)),
            other => other.clone(),
        })
    };
    Ok(match operator {
        Operator::Equal(constant) => Operator::Equal(one(constant)?),
        Operator::NotEqual(constant) => Operator::NotEqual(one(constant)?),
        Operator::Greater(constant) => Operator::Greater(one(constant)?),
        Operator::GreaterOrEqual(constant) => Operator::GreaterOrEqual(one(constant)?),
        Operator::Less(constant) => Operator::Less(one(constant)?),
        Operator::LessOrEqual(constant) => Operator::LessOrEqual(one(constant)?),
        Operator::In(list) => Operator::In(list.iter().map(one).collect::<Result<_, _>>()?),
        Operator::Like(raw) => Operator::Like(text(raw)?),
        Operator::Matches(raw) => Operator::Matches(text(raw)?),
        Operator::IsSubset(raw) => Operator::IsSubset(text(raw)?),
        Operator::IsSuperset(raw) => Operator::IsSuperset(text(raw)?),
        Operator::Exists => Operator::Exists,
    })
}

fn is_hex_kind(kind: &str) -> bool {
    matches!(kind, "hexstring" | "hash" | "md5-hash" | "sha256-hash")
}

/// A text on the right as the type that the variable on the left declares.
fn coerce(text: String, kind: &str) -> Constant {
    match kind {
        "integer" | "long" => text.parse().map_or_else(|_| Constant::String(text), Constant::Integer),
        "float" => text.parse().map_or_else(|_| Constant::String(text), Constant::Float),
        "bool" => text.parse().map_or_else(|_| Constant::String(text), Constant::Boolean),
        _ if is_hex_kind(kind) => Constant::String(text.to_ascii_lowercase()),
        _ => Constant::String(text),
    }
}

fn comparable(kind: &str, constant: &Constant) -> bool {
    match (kind, constant) {
        (_, Constant::String(text)) if variable::mentions_any(text) => true,
        ("integer" | "long", Constant::String(text)) => text.parse::<i64>().is_ok(),
        ("float", Constant::String(text)) => text.parse::<f64>().is_ok(),
        ("bool", Constant::String(text)) => text.parse::<bool>().is_ok(),
        ("integer" | "long" | "float", other) => other.kind() == "number",
        ("bool", other) => other.kind() == "boolean",
        ("dictionary", _) => false,
        (kind, Constant::Hex(_)) => is_hex_kind(kind),
        (_, Constant::String(_) | Constant::Timestamp(_)) => true,
        (_, _) => false,
    }
}

fn constants_of(operator: &Operator) -> Vec<&Constant> {
    match operator {
        Operator::Equal(one)
        | Operator::NotEqual(one)
        | Operator::Greater(one)
        | Operator::GreaterOrEqual(one)
        | Operator::Less(one)
        | Operator::LessOrEqual(one) => vec![one],
        Operator::In(list) => list.iter().collect(),
        Operator::Like(_)
        | Operator::Matches(_)
        | Operator::IsSubset(_)
        | Operator::IsSuperset(_)
        | Operator::Exists => Vec::new(),
    }
}

fn texts_of(operator: &Operator) -> Vec<&str> {
    match operator {
        Operator::Like(text)
        | Operator::Matches(text)
        | Operator::IsSubset(text)
        | Operator::IsSuperset(text) => vec![text],
        _ => constants_of(operator)
            .into_iter()
            .filter_map(|constant| match constant {
                Constant::String(text) => Some(text.as_str()),
                _ => None,
            })
            .collect(),
    }
}

/// `==` becomes `=`, which the grammar means by it, and a bare variable on the right becomes a text that names it.
fn normalise(text: &str) -> String {
    let spans: Vec<(usize, usize)> =
        mentions(text).iter().filter(|mention| mention.with_value).map(|mention| mention.span).collect();
    let mut out = String::with_capacity(text.len() + 8);
    let (mut from, mut at) = (0, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with('\'') {
            at += literal_length(rest);
        } else if rest.starts_with("==") {
            out.push_str(text.get(from..at + 1).unwrap_or_default());
            at += 2;
            from = at;
        } else if let Some((_, stop)) = spans.iter().find(|(start, _)| *start == at).copied() {
            let before = format!("{out}{}", text.get(from..at).unwrap_or_default());
            if is_operand(&before) {
                out = before;
                out.push('\'');
                out.push_str(text.get(at..stop).unwrap_or_default());
                out.push('\'');
                from = stop;
            }
            at = stop;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// How long the literal is that begins here, with its apostrophes.
fn literal_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\'' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// Whether what follows this text is the right side of a comparison.
fn is_operand(before: &str) -> bool {
    let before = before.trim_end();
    if before.ends_with(['=', '<', '>']) {
        return true;
    }
    let word =
        |text: &str| text.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_owned();
    if matches!(word(before).as_str(), "LIKE" | "MATCHES" | "ISSUBSET" | "ISSUPERSET") {
        return true;
    }
    if !before.ends_with(['(', ',']) {
        return false;
    }
    // Within the parentheses of `IN ( … )`.
    before.rfind('(').is_some_and(|open| before.get(..open).is_some_and(|text| word(text.trim_end()) == "IN"))
}
