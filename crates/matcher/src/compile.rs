//! From a pattern's syntax tree to branches that a scanner can look up.

use stix::observable::{ValueKind, canonical, pattern_value};
use stix::pattern::{Comparison, Constant, ObjectPath, Observation, Operator, Pattern, Step, Test};
use telemetry::Role;

use crate::condition::{Condition, Conjunction, Single, Subject};
use crate::indicator::{Unusable, short};
use crate::key::{Key, KeyKind};
use crate::part::{self, Part};
use crate::reach::Reach;

/// A pattern as branches and parts, any of which is enough; and why the others cannot be used.
#[derive(Default)]
pub(crate) struct Compiled {
    /// What look-ups by value decide, with what stands beside the value.
    pub(crate) branches: Vec<Conjunction>,
    /// What needs the whole record, or several of them.
    pub(crate) parts: Vec<Part>,
    pub(crate) unusable: Vec<Unusable>,
    /// How many observations of the pattern were compiled so far.
    observations: u32,
}

/// The most branches of one pattern. A list of 50,000 alternatives is read; a product of alternatives that grows beyond is not.
const BRANCHES_MAX: usize = 1 << 16;

/// Compiles a pattern; an error says why no part of it can be used. `unanchored` takes parts that no value leads to.
pub(crate) fn compile(pattern: &str, reach: Reach, unanchored: bool) -> Result<Compiled, Unusable> {
    let pattern =
        Pattern::parse(pattern).map_err(|error| Unusable::new("pattern-syntax", error.to_string()))?;
    let mut compiled = Compiled::default();
    observation(&pattern.root, reach, unanchored, &mut compiled);
    if compiled.branches.is_empty() && compiled.parts.is_empty() {
        let nothing = || Unusable::new("pattern-never-matches", "nothing can satisfy the pattern");
        return Err(compiled.unusable.into_iter().next().unwrap_or_else(nothing));
    }
    Ok(compiled)
}

fn observation(expression: &Observation, reach: Reach, unanchored: bool, out: &mut Compiled) {
    match expression {
        Observation::Or(members) => {
            members.iter().for_each(|member| observation(member, reach, unanchored, out));
        }
        Observation::Test(test) => {
            let plain = plain(test, reach);
            // What look-ups decide is decided by them alone.
            let anchored = plain.branches.iter().all(|branch| anchor(branch).is_some());
            let overcome = plain.unusable.iter().all(|unusable| part::OVERCOME.contains(&unusable.code));
            if overcome && !(anchored && plain.unusable.is_empty()) {
                match part::compile(expression, reach, unanchored) {
                    Ok(part) => return out.push_part(part, expression),
                    // The first reason is the one to tell.
                    Err(unusable) if part::OVERCOME.contains(&unusable.code) => {}
                    Err(unusable) => out.unusable.push(unusable),
                }
            }
            out.observations += 1;
            out.branches.extend(plain.branches);
            out.unusable.extend(plain.unusable);
        }
        Observation::And(_) | Observation::FollowedBy(_) | Observation::Qualified { .. } => {
            match part::compile(expression, reach, unanchored) {
                Ok(part) => out.push_part(part, expression),
                Err(unusable) => {
                    out.observations += part::observations(expression);
                    out.unusable.push(unusable);
                }
            }
        }
    }
}

impl Compiled {
    fn push_part(&mut self, part: Part, expression: &Observation) {
        self.parts.push(Part { first: self.observations, ..part });
        self.observations += part::observations(expression);
    }
}

/// What of one observation look-ups decide.
fn plain(comparison: &Comparison, reach: Reach) -> Compiled {
    let mut out = Compiled::default();
    match alternatives(comparison) {
        Ok(alternatives) => alternatives.iter().for_each(|tests| branch(tests, reach, &mut out)),
        Err(unusable) => out.unusable.push(unusable),
    }
    out
}

/// The comparison as alternatives of tests that must all hold (disjunctive normal form).
fn alternatives(comparison: &Comparison) -> Result<Vec<Vec<&Test>>, Unusable> {
    let too_many =
        || Unusable::new("pattern-too-complex", format!("the pattern has more than {BRANCHES_MAX} branches"));
    match comparison {
        Comparison::Test(test) => Ok(vec![vec![test]]),
        Comparison::Or(members) => {
            let mut all = Vec::new();
            for member in members {
                all.append(&mut alternatives(member)?);
                if all.len() > BRANCHES_MAX {
                    return Err(too_many());
                }
            }
            Ok(all)
        }
        Comparison::And(members) => {
            let mut all: Vec<Vec<&Test>> = vec![Vec::new()];
            for member in members {
                let right = alternatives(member)?;
                // Both factors count: ten thousand tests in each of a thousand branches are ten million.
                let tests = all.first().map_or(1, Vec::len).max(1);
                if all.len().saturating_mul(right.len()).saturating_mul(tests) > BRANCHES_MAX {
                    return Err(too_many());
                }
                all = all
                    .iter()
                    .flat_map(|left| {
                        right.iter().map(move |right| left.iter().chain(right).copied().collect())
                    })
                    .collect();
            }
            Ok(all)
        }
    }
}

/// A comparison that look-ups decide. They know the values of a list and not their order.
fn decided(test: &Test, reach: Reach) -> Result<Condition, Unusable> {
    let ordered = test.path.steps.iter().any(|step| matches!(step, Step::Index(_)));
    if ordered { Err(property(&test.path)) } else { condition(test, reach) }
}

fn branch(tests: &[&Test], reach: Reach, out: &mut Compiled) {
    let conditions: Result<Vec<Condition>, Unusable> =
        tests.iter().map(|test| decided(test, reach)).collect();
    let checked = conditions.and_then(|conditions| {
        can_be_met(&conditions)?;
        is_small(&conditions)?;
        Ok(conditions)
    });
    match checked {
        Ok(conditions) => out.branches.push(conditions.into()),
        Err(unusable) => out.unusable.push(unusable),
    }
}

/// A stranger's pattern must not cost seconds for each record: what is looked up by one value and then decided term by term is
/// bounded. A list of alternatives that are looked up each by itself is not.
fn is_small(conditions: &[Condition]) -> Result<(), Unusable> {
    const TERMS_MAX: usize = 64;
    const VALUES_MAX: usize = 1024;
    let values: usize = conditions
        .iter()
        .map(|condition| match condition {
            Condition::Value { keys, .. } => keys.len(),
            Condition::Port { ports, .. } => ports.len(),
            Condition::Protocol(names) => names.len(),
            Condition::EndKind { .. } => 1,
        })
        .sum();
    if conditions.len() > TERMS_MAX || conditions.len() > 1 && values > VALUES_MAX {
        let message =
            format!("the pattern joins more than {TERMS_MAX} terms or {VALUES_MAX} values by `AND`");
        return Err(Unusable::new("pattern-too-complex", message));
    }
    Ok(())
}

/// A single-valued object cannot have two values: `[ipv4-addr:value = 'a' AND ipv4-addr:value = 'b']` never holds.
fn can_be_met(conditions: &[Condition]) -> Result<(), Unusable> {
    let exact = |condition: &Condition| match condition {
        Condition::Value { subject: Subject::Single(single), keys, .. } => match keys.as_ref() {
            [key] if !key.kind.is_range() => Some((*single, key.clone())),
            _ => None,
        },
        _ => None,
    };
    let mut known: Vec<(Single, Key)> = Vec::new();
    for (single, key) in conditions.iter().filter_map(exact) {
        if known.iter().any(|(other, value)| *other == single && *value != key) {
            let message = "the pattern asks one object for two different values";
            return Err(Unusable::new("pattern-never-matches", message));
        }
        known.push((single, key));
    }
    Ok(())
}

/// The condition to look a branch up by: the most selective one. A file's name alone is none, there are too many alike.
pub(crate) fn anchor(branch: &[Condition]) -> Option<&Condition> {
    let rank = |condition: &Condition| match condition {
        Condition::Value { keys, .. } => {
            keys.iter().map(|key| part::selectivity(key.kind)).max().unwrap_or(u8::MAX)
        }
        _ => u8::MAX,
    };
    branch.iter().min_by_key(|condition| rank(condition)).filter(|condition| rank(condition) < u8::MAX)
}

pub(crate) fn condition(test: &Test, reach: Reach) -> Result<Condition, Unusable> {
    if test.negated {
        return Err(operator(test, "NOT"));
    }
    let constants: &[Constant] = match &test.operator {
        Operator::Equal(constant) => std::slice::from_ref(constant),
        Operator::In(constants) => constants,
        Operator::IsSubset(network) => return subset(test, network),
        Operator::Like(like) => return like_below(test, like, reach),
        Operator::NotEqual(_) => return Err(operator(test, "!=")),
        Operator::Greater(_) | Operator::GreaterOrEqual(_) | Operator::Less(_) | Operator::LessOrEqual(_) => {
            return Err(operator(test, "<, <=, >, >="));
        }
        Operator::Matches(_) => return Err(operator(test, "MATCHES")),
        Operator::IsSuperset(_) => return Err(operator(test, "ISSUPERSET")),
        Operator::Exists => return Err(operator(test, "EXISTS")),
    };
    if test.path.object_type == "network-traffic"
        && let Some(condition) = traffic(&test.path, constants)?
    {
        return Ok(condition);
    }
    let (subject, role) = subject(&test.path).ok_or_else(|| property(&test.path))?;
    let mut keys = Vec::with_capacity(constants.len());
    for constant in constants {
        keys.extend(keys_of(&test.path, constant, reach)?);
    }
    Ok(Condition::Value { subject, role, keys: keys.into() })
}

fn operator(test: &Test, name: &str) -> Unusable {
    Unusable::new("pattern-operator", format!("`{name}` on `{}` is not matched", path_text(&test.path)))
}

fn property(path: &ObjectPath) -> Unusable {
    Unusable::new("pattern-property", format!("`{}` is not found in network telemetry", path_text(path)))
}

fn path_text(path: &ObjectPath) -> String {
    let mut text = format!("{}:", path.object_type);
    for (position, step) in path.steps.iter().enumerate() {
        match step {
            Step::Key(key) if position == 0 => text.push_str(key),
            Step::Key(key) => text.push_str(&format!(".{key}")),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
            Step::Any => text.push_str("[*]"),
        }
    }
    short(&text).to_owned()
}

fn keys_names(path: &ObjectPath) -> Vec<&str> {
    let name = |step: &'_ Step| matches!(step, Step::Key(_));
    path.steps
        .iter()
        .filter(|step| name(step))
        .filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) | Step::Any => None,
        })
        .collect()
}

/// Which object, and which end of it, a path is about.
fn subject(path: &ObjectPath) -> Option<(Subject, Option<Role>)> {
    let single = |single| Some((Subject::Single(single), None));
    match (path.object_type.as_str(), keys_names(path).as_slice()) {
        ("ipv4-addr" | "ipv6-addr", ["value"]) => single(Single::Address),
        ("domain-name", ["value"]) => single(Single::Domain),
        ("url", ["value"]) => single(Single::Url),
        ("email-addr", ["value"]) => single(Single::Email),
        ("mac-addr", ["value"]) => single(Single::Mac),
        ("file" | "artifact" | "x509-certificate", ["hashes", _]) | ("file", ["name"]) => {
            Some((Subject::File, None))
        }
        ("network-traffic", ["src_ref", "value"]) => Some((Subject::Record, Some(Role::Source))),
        ("network-traffic", ["dst_ref", "value"]) => Some((Subject::Record, Some(Role::Destination))),
        ("domain-name", ["resolves_to_refs", "value"]) => Some((Subject::Resolved, Some(Role::Content))),
        ("email-message", ["from_ref" | "sender_ref", "value"]) => {
            Some((Subject::Record, Some(Role::Source)))
        }
        ("email-message", ["to_refs" | "cc_refs" | "bcc_refs", "value"]) => {
            Some((Subject::Record, Some(Role::Destination)))
        }
        _ => None,
    }
}

fn keys_of(path: &ObjectPath, constant: &Constant, reach: Reach) -> Result<Vec<Key>, Unusable> {
    let not_a_value = || {
        let message = format!("the value that `{}` is compared to is none of its kind", path_text(path));
        Unusable::new("pattern-value", message)
    };
    let Some((kind, text)) = pattern_value(path, constant) else {
        let hash = matches!(keys_names(path).as_slice(), ["hashes", _]);
        let known = hash && !matches!(keys_names(path).get(1), Some(name) if is_known_hash(name));
        return Err(if known { property(path) } else { not_a_value() });
    };
    let key = Key::from_canonical(kind, &text).ok_or_else(not_a_value)?;
    check_breadth(&key, &text)?;
    if key.kind == KeyKind::Url {
        let (kind, url) = reach.urls.asked(&text);
        return Ok(vec![Key::new(kind, url.as_bytes())]);
    }
    if key.kind == KeyKind::Domain && reach.covers.reaches_below(&text) {
        let below = Key::new(KeyKind::DomainBelow, key.bytes.clone());
        return Ok(vec![key, below]);
    }
    Ok(vec![key])
}

fn is_known_hash(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    matches!(plain.as_str(), "MD5" | "SHA1" | "SHA256" | "SHA512")
}

/// What would match half of the Internet is a mistake, and what names no host matches nothing.
fn check_breadth(key: &Key, text: &str) -> Result<(), Unusable> {
    let too_broad = match key.kind {
        KeyKind::Net4(length) => length < 8,
        KeyKind::Net6(length) => length < 16,
        KeyKind::Domain | KeyKind::DomainBelow => !text.contains('.'),
        KeyKind::Email => !text.rsplit('@').next().unwrap_or_default().contains(['.', '[']),
        _ => false,
    };
    if too_broad {
        return Err(Unusable::new(
            "too-broad",
            format!("`{}` covers too much to tell anything", short(text)),
        ));
    }
    Ok(())
}

/// `ISSUBSET`: an address within a network.
fn subset(test: &Test, network: &str) -> Result<Condition, Unusable> {
    let (subject, role) = subject(&test.path).ok_or_else(|| property(&test.path))?;
    let addresses = matches!(
        (subject, role, test.path.object_type.as_str()),
        (Subject::Single(Single::Address) | Subject::Resolved, _, _)
            | (Subject::Record, _, "network-traffic")
    );
    if !addresses {
        return Err(operator(test, "ISSUBSET"));
    }
    let value = canonical(ValueKind::Ipv4, network)
        .and_then(|(kind, text)| Some((Key::from_canonical(kind, &text)?, text)));
    let Some((key, text)) = value else {
        return Err(Unusable::new("pattern-value", format!("`{}` is no network", short(network))));
    };
    check_breadth(&key, &text)?;
    Ok(Condition::Value { subject, role, keys: Box::new([key]) })
}

/// `LIKE '%.name'` on a domain name is everything below the name; `LIKE` without wildcards is equality. Other wildcards are
/// not matched.
fn like_below(test: &Test, like: &str, reach: Reach) -> Result<Condition, Unusable> {
    let (subject, role) = subject(&test.path).ok_or_else(|| property(&test.path))?;
    if !like.contains(['%', '_']) {
        let keys = keys_of(&test.path, &Constant::String(like.to_owned()), reach)?;
        return Ok(Condition::Value { subject, role, keys: keys.into() });
    }
    let below = like.strip_prefix("%.").filter(|rest| !rest.contains(['%', '_']));
    let (Some(name), Subject::Single(Single::Domain)) = (below, subject) else {
        return Err(operator(test, "LIKE"));
    };
    let Some((ValueKind::Domain, name)) = canonical(ValueKind::Domain, name) else {
        return Err(Unusable::new("pattern-value", format!("`{}` is no domain name", short(name))));
    };
    let key = Key::new(KeyKind::DomainBelow, name.as_bytes());
    check_breadth(&key, &name)?;
    Ok(Condition::Value { subject, role, keys: Box::new([key]) })
}

/// Ports, protocols and the types of the ends; `None` for the other properties of traffic.
fn traffic(path: &ObjectPath, constants: &[Constant]) -> Result<Option<Condition>, Unusable> {
    let bad =
        || Unusable::new("pattern-value", format!("`{}` is compared to what it cannot be", path_text(path)));
    let texts = || {
        constants.iter().map(|constant| match constant {
            Constant::String(text) => Some(text.to_ascii_lowercase()),
            _ => None,
        })
    };
    let end = |role| -> Result<Option<Condition>, Unusable> {
        let ports: Option<Box<[u16]>> = constants.iter().map(port).collect();
        Ok(Some(Condition::Port { role, ports: ports.ok_or_else(bad)? }))
    };
    match keys_names(path).as_slice() {
        ["src_port"] => end(Role::Source),
        ["dst_port"] => end(Role::Destination),
        ["protocols"] => {
            let names: Option<Box<[Box<str>]>> = texts().map(|text| text.map(Into::into)).collect();
            Ok(Some(Condition::Protocol(names.ok_or_else(bad)?)))
        }
        [end @ ("src_ref" | "dst_ref"), "type"] => {
            let role = if *end == "src_ref" { Role::Source } else { Role::Destination };
            let kind = match (texts().next().flatten().as_deref(), constants.len()) {
                (Some("ipv4-addr"), 1) => KeyKind::V4,
                (Some("ipv6-addr"), 1) => KeyKind::V6,
                (Some("domain-name"), 1) => KeyKind::Domain,
                (Some("mac-addr"), 1) => KeyKind::Mac,
                _ => return Err(bad()),
            };
            Ok(Some(Condition::EndKind { role, kind }))
        }
        _ => Ok(None),
    }
}

/// A port as a number, or as the text that some exporters write.
fn port(constant: &Constant) -> Option<u16> {
    match constant {
        Constant::Integer(number) => u16::try_from(*number).ok(),
        Constant::String(text) => text.parse().ok(),
        _ => None,
    }
}
