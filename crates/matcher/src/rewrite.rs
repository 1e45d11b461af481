//! A pattern as it is asked of a graph in canonical spelling: constants, names of hashes and types of addresses in the spelling
//! of [`graph`](crate::graph), and what `=` means to feeds (networks, names and what lies below them) written out.

use stix::observable::{ValueKind, canonical, pattern_value};
use stix::pattern::{Comparison, Constant, ObjectPath, Observation, Operator, Step, Test};

use crate::key::KeyKind;
use crate::reach::{Reach, UrlMode};

/// The observation expression with each test rewritten.
pub(crate) fn canonical_pattern(expression: &Observation, reach: Reach) -> Observation {
    let all =
        |members: &[Observation]| members.iter().map(|member| canonical_pattern(member, reach)).collect();
    match expression {
        Observation::Test(inner) => Observation::Test(comparison(inner, reach)),
        Observation::And(members) => Observation::And(all(members)),
        Observation::Or(members) => Observation::Or(all(members)),
        Observation::FollowedBy(members) => Observation::FollowedBy(all(members)),
        Observation::Qualified { inner, qualifiers } => Observation::Qualified {
            inner: Box::new(canonical_pattern(inner, reach)),
            qualifiers: qualifiers.clone(),
        },
    }
}

fn comparison(node: &Comparison, reach: Reach) -> Comparison {
    match node {
        Comparison::Test(test) => rewritten(test, reach),
        Comparison::And(members) => Comparison::And(members.iter().map(|m| comparison(m, reach)).collect()),
        Comparison::Or(members) => Comparison::Or(members.iter().map(|m| comparison(m, reach)).collect()),
    }
}

fn rewritten(test: &Test, reach: Reach) -> Comparison {
    let path = plain_path(&test.path);
    let as_is = |operator| Comparison::Test(Test { path: path.clone(), negated: test.negated, operator });
    match &test.operator {
        Operator::Equal(constant) => any(&path, std::slice::from_ref(constant), test.negated, reach),
        Operator::NotEqual(constant) => any(&path, std::slice::from_ref(constant), !test.negated, reach),
        Operator::In(constants) => any(&path, constants, test.negated, reach),
        Operator::IsSubset(network) => {
            let (path, network) = network_of(&path, network, test.negated);
            Comparison::Test(Test { path, negated: test.negated, operator: Operator::IsSubset(network) })
        }
        Operator::Like(operand) => match like(&path, operand) {
            Like::Equal(constant) => any(&path, &[constant], test.negated, reach),
            Like::Wild(operand) => as_is(Operator::Like(operand)),
        },
        other => as_is(other.clone()),
    }
}

/// Whether the value is any of the constants. Those that mean more than one value become tests of their own.
fn any(path: &ObjectPath, constants: &[Constant], negated: bool, reach: Reach) -> Comparison {
    let mut tests: Vec<(ObjectPath, Operator)> = Vec::new();
    let mut plain: Vec<(ObjectPath, Vec<Constant>)> = Vec::new();
    for constant in constants {
        let Some((kind, text)) = pattern_value(path, constant) else {
            put(&mut plain, path.clone(), number(path, constant));
            continue;
        };
        let path = typed(path, kind, negated);
        if matches!(kind, ValueKind::Ipv4 | ValueKind::Ipv6) && text.contains('/') {
            tests.push((path, Operator::IsSubset(text)));
            continue;
        }
        if kind == ValueKind::Url
            && let Some(wide) = wide_url(&text, reach.urls)
        {
            tests.push((path, wide));
            continue;
        }
        if kind == ValueKind::Domain && reach.covers.reaches_below(&text) {
            tests.push((path.clone(), below(&text)));
        }
        put(&mut plain, path, Constant::String(text));
    }
    tests.extend(plain.into_iter().map(|(path, mut constants)| {
        match (constants.pop(), constants.is_empty()) {
            (Some(only), true) => (path, Operator::Equal(only)),
            (last, _) => {
                constants.extend(last);
                (path, Operator::In(constants))
            }
        }
    }));
    let mut all: Vec<Comparison> = tests
        .into_iter()
        .map(|(path, operator)| Comparison::Test(Test { path, negated, operator }))
        .collect();
    match (all.len(), negated) {
        (0, _) => Comparison::Test(Test { path: path.clone(), negated, operator: Operator::In(Vec::new()) }),
        (1, _) => all.swap_remove(0),
        (_, false) => Comparison::Or(all),
        (_, true) => Comparison::And(all),
    }
}

/// Everything below a name. `LIKE` cannot say that `_` stands for itself.
fn below(name: &str) -> Operator {
    if name.contains('_') {
        Operator::Matches(format!("\\.{}\\z", name.replace('.', "\\.")))
    } else {
        Operator::Like(format!("%.{name}"))
    }
}

/// What a URL covers where that is more than itself.
fn wide_url(url: &str, mode: UrlMode) -> Option<Operator> {
    let (kind, url) = mode.asked(url);
    let end = match kind {
        KeyKind::UrlPath => "(\\?|\\z)",
        KeyKind::UrlBelow if url.ends_with('/') => "",
        KeyKind::UrlBelow => "([/?]|\\z)",
        _ => return None,
    };
    Some(Operator::Matches(format!("\\A{}{end}", regex::escape(url))))
}

fn put(plain: &mut Vec<(ObjectPath, Vec<Constant>)>, path: ObjectPath, constant: Constant) {
    match plain.iter_mut().find(|(known, _)| *known == path) {
        Some((_, constants)) => constants.push(constant),
        None => plain.push((path, vec![constant])),
    }
}

/// Ports that some exporters write as texts; protocols in lower case.
fn number(path: &ObjectPath, constant: &Constant) -> Constant {
    let Constant::String(text) = constant else { return constant.clone() };
    match (path.object_type.as_str(), path.steps.first()) {
        ("network-traffic", Some(Step::Key(key))) if key == "src_port" || key == "dst_port" => {
            text.parse().map_or_else(|_| constant.clone(), Constant::Integer)
        }
        ("network-traffic", Some(Step::Key(key))) if key == "protocols" => {
            Constant::String(text.to_ascii_lowercase())
        }
        _ => constant.clone(),
    }
}

/// An address stands under the type that it has: producers write `ipv4-addr` for both.
fn typed(path: &ObjectPath, kind: ValueKind, negated: bool) -> ObjectPath {
    let is_address = matches!(path.object_type.as_str(), "ipv4-addr" | "ipv6-addr");
    let mut path = path.clone();
    if is_address && !negated && path.steps.len() == 1 && matches!(kind, ValueKind::Ipv4 | ValueKind::Ipv6) {
        kind.name().clone_into(&mut path.object_type);
    }
    path
}

fn network_of(path: &ObjectPath, network: &str, negated: bool) -> (ObjectPath, String) {
    match canonical(ValueKind::Ipv4, network) {
        Some((kind, text)) => (typed(path, kind, negated), text),
        None => (path.clone(), network.to_owned()),
    }
}

enum Like {
    /// Without wildcards.
    Equal(Constant),
    Wild(String),
}

/// Names, hashes and hardware addresses are in lower case; so is what they are to be like.
fn like(path: &ObjectPath, operand: &str) -> Like {
    let kind = pattern_value(path, &Constant::String("a.example".to_owned())).map(|(kind, _)| kind);
    if !operand.contains(['%', '_']) {
        return Like::Equal(Constant::String(operand.to_owned()));
    }
    if kind == Some(ValueKind::Domain) {
        let name = |rest: &str| canonical(ValueKind::Domain, rest).map(|(_, name)| format!("%.{name}"));
        let below = operand.strip_prefix("%.").filter(|rest| !rest.contains('%')).and_then(name);
        return Like::Wild(below.unwrap_or_else(|| operand.to_ascii_lowercase()));
    }
    let folded = path.object_type == "mac-addr"
        || matches!(path.steps.as_slice(), [Step::Key(key), Step::Key(_)] if key == "hashes");
    Like::Wild(if folded { operand.to_ascii_lowercase() } else { operand.to_owned() })
}

/// The path with the names of hashes as the specification spells them, and with `[*]` where producers leave it out.
fn plain_path(path: &ObjectPath) -> ObjectPath {
    let mut steps: Vec<Step> = Vec::with_capacity(path.steps.len() + 1);
    let mut after_hashes = false;
    for (position, step) in path.steps.iter().enumerate() {
        let Step::Key(key) = step else {
            steps.push(step.clone());
            continue;
        };
        let known = after_hashes.then(|| hash_name(key)).flatten();
        steps.push(Step::Key(known.map_or_else(|| key.clone(), str::to_owned)));
        after_hashes = key == "hashes";
        let missing = match path.steps.get(position + 1) {
            Some(Step::Key(_)) => key.ends_with("_refs"),
            Some(Step::Index(_) | Step::Any) => false,
            None => key == "protocols" && path.object_type == "network-traffic",
        };
        if missing {
            steps.push(Step::Any);
        }
    }
    ObjectPath { object_type: path.object_type.clone(), steps }
}

fn hash_name(name: &str) -> Option<&'static str> {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    match plain.as_str() {
        "MD5" => Some("MD5"),
        "SHA1" => Some("SHA-1"),
        "SHA256" => Some("SHA-256"),
        "SHA512" => Some("SHA-512"),
        _ => None,
    }
}
