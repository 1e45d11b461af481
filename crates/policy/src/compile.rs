//! From files to policies that can be relied on: parsed, named, strictly validated, about classes only.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{
    ActionConstraint, EntityUid, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator,
};
use oversight::OrganisationId;
use serde_json::{Value, json};

use crate::PolicyError;
use crate::clearances::{CLEARANCES_FILE, Clearances};

/// The ending of the file that holds the schema.
pub(crate) const SCHEMA_ENDING: &str = ".cedarschema";

/// What the program brings along.
pub(crate) const BUILT_IN: [(&str, &str); 4] = [
    ("yagura.cedarschema", include_str!("../../../policies/yagura.cedarschema")),
    ("release.cedar", include_str!("../../../policies/release.cedar")),
    ("operations.cedar", include_str!("../../../policies/operations.cedar")),
    (CLEARANCES_FILE, include_str!("../../../policies/clearances.toml")),
];

/// What no policy may ever allow: its name, and its text.
pub(crate) const SAFETY: (&str, &str) = ("safety.cedar", include_str!("../../../policies/safety.cedar"));

/// Policies and their schema, checked.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) policies: Policies,
    pub(crate) schema: Schema,
    /// Whether some policy looks at the identifiers of markings, and not only at whether there are any.
    pub(crate) names_markings: bool,
    /// What stands above each policy in its file: by id, in English and in Japanese.
    pub(crate) words: BTreeMap<String, Words>,
    /// The organisations that policies name.
    pub(crate) organisations: Vec<OrganisationId>,
    /// The clearances and oaths that there are.
    pub(crate) clearances: Clearances,
}

/// A set of policies, sorted by what they are about: of those for other actions Cedar would find out each time that they are not
/// asked, and there are many of them.
#[derive(Debug, Clone)]
pub(crate) struct Policies {
    all: PolicySet,
    by_action: HashMap<EntityUid, About>,
}

/// The policies that may have something to say of one action.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) all: PolicySet,
    /// Those that may answer otherwise where the context has a term.
    pub(crate) by_term: PolicySet,
    /// Those that may answer otherwise in an emergency.
    pub(crate) in_emergency: PolicySet,
}

impl Policies {
    fn new(all: PolicySet, schema: &Schema) -> Result<Self, PolicyError> {
        // What a policy says of a group it says of the actions in it.
        let groups: HashSet<EntityUid> = schema.action_groups().cloned().collect();
        let mut by_action = HashMap::new();
        for action in schema.actions() {
            let is_about = |policy: &&Policy| match policy.action_constraint() {
                ActionConstraint::Any => true,
                ActionConstraint::Eq(named) => named == *action,
                ActionConstraint::In(named) => {
                    named.iter().any(|named| named == action || groups.contains(named))
                }
            };
            by_action.insert(action.clone(), About::of(some_of(&all, is_about)?)?);
        }
        Ok(Self { all, by_action })
    }

    /// Those that may have something to say of an action.
    pub(crate) fn about(&self, action: Option<&EntityUid>) -> &PolicySet {
        action.and_then(|action| self.by_action.get(action)).map_or(&self.all, |about| &about.all)
    }

    /// The same, sorted; nothing for an action that the schema does not have.
    pub(crate) fn sorted(&self, action: &EntityUid) -> Option<&About> {
        self.by_action.get(action)
    }
}

impl About {
    fn of(all: PolicySet) -> Result<Self, PolicyError> {
        let by_term = some_of(&all, |policy| looks_at(policy, "term"))?;
        let in_emergency = some_of(&all, |policy| looks_at(policy, "emergency"))?;
        Ok(Self { all, by_term, in_emergency })
    }
}

fn some_of(all: &PolicySet, wanted: impl Fn(&&Policy) -> bool) -> Result<PolicySet, PolicyError> {
    PolicySet::from_policies(all.policies().filter(wanted).cloned())
        .map_err(|error| PolicyError(error.to_string()))
}

/// Compiles (file name, text) pairs. Without a schema, or clearances, among them the built-in ones count.
pub(crate) fn compile(files: &[(String, String)]) -> Result<Compiled, PolicyError> {
    let schema = schema(files)?;
    let mut policies = PolicySet::new();
    let mut names = BTreeSet::new();
    for (file, text) in files.iter().filter(|(file, _)| is_policies(file)) {
        let parsed = PolicySet::from_str(text)
            .map_err(|error| PolicyError(format!("`{file}` does not parse: {error}")))?;
        if parsed.num_of_templates() > 0 {
            return Err(PolicyError(format!(
                "`{file}` holds a template; write policies without `?principal` and `?resource`"
            )));
        }
        for policy in parsed.policies() {
            let name = name(file, policy, &mut names)?;
            about_classes(&name, policy)?;
            policies
                .add(policy.new_id(PolicyId::new(&name)))
                .map_err(|error| PolicyError(format!("`{file}`: {error}")))?;
        }
    }
    if policies.num_of_policies() == 0 {
        return Err(PolicyError("there are no policies; nobody could see anything".to_owned()));
    }
    validate(&policies, &schema)?;
    let names_markings = policies.policies().any(names_markings);
    let words = files.iter().flat_map(|(_, text)| words(text)).collect();
    let organisations = named_organisations(&policies);
    let policies = Policies::new(policies, &schema)?;
    let clearances = clearances(files)?;
    Ok(Compiled { policies, schema, names_markings, words, organisations, clearances })
}

pub(crate) fn is_policies(file: &str) -> bool {
    !file.ends_with(SCHEMA_ENDING) && file != CLEARANCES_FILE
}

fn clearances(files: &[(String, String)]) -> Result<Clearances, PolicyError> {
    let given = files.iter().find(|(file, _)| file == CLEARANCES_FILE).map(|(_, text)| text.as_str());
    let built_in = || BUILT_IN.iter().find(|(file, _)| *file == CLEARANCES_FILE).map(|(_, text)| *text);
    Clearances::from_toml(given.or_else(built_in).unwrap_or_default())
}

/// The schema among the files, else the built-in one.
pub(crate) fn schema_text(files: &[(String, String)]) -> Result<&str, PolicyError> {
    let mut given = files.iter().filter(|(file, _)| file.ends_with(SCHEMA_ENDING));
    match (given.next(), given.next()) {
        (Some((file, _)), Some((other, _))) => {
            Err(PolicyError(format!("there are two schemas, `{file}` and `{other}`; keep one")))
        }
        (Some((_, text)), None) => Ok(text.as_str()),
        (None, _) => Ok(BUILT_IN.first().map(|(_, text)| *text).unwrap_or_default()),
    }
}

fn schema(files: &[(String, String)]) -> Result<Schema, PolicyError> {
    let (schema, warnings) = Schema::from_cedarschema_str(schema_text(files)?)
        .map_err(|error| PolicyError(format!("the schema does not parse: {error}")))?;
    match warnings.into_iter().next() {
        Some(warning) => Err(PolicyError(format!("the schema is doubtful: {warning}"))),
        None => Ok(schema),
    }
}

/// The `@id` that every policy must bear, because decisions are explained by it.
fn name(file: &str, policy: &Policy, names: &mut BTreeSet<String>) -> Result<String, PolicyError> {
    let Some(name) = policy.annotation("id").filter(|name| !name.is_empty()) else {
        return Err(PolicyError(format!("`{file}`: a policy bears no `@id(\"…\")`: {policy}")));
    };
    if !names.insert(name.to_owned()) {
        return Err(PolicyError(format!("`{file}`: the id `{name}` is used twice")));
    }
    Ok(name.to_owned())
}

/// Decisions are remembered per class of principal and per label. A policy that named one person or one object would be
/// answered from the wrong memory, so there may be none.
fn about_classes(name: &str, policy: &Policy) -> Result<(), PolicyError> {
    const SINGLE: [&str; 6] = ["Person", "Program", "Edge", "Peer", "Object", "Node"];
    let named =
        policy.entity_literals().into_iter().find(|literal| SINGLE.contains(&literal.type_name().basename()));
    match named {
        Some(named) => Err(PolicyError(format!(
            "policy `{name}` names `{named}`; decide by organisation, role or label instead"
        ))),
        None => Ok(()),
    }
}

fn validate(policies: &PolicySet, schema: &Schema) -> Result<(), PolicyError> {
    let result = Validator::new(schema.clone()).validate(policies, ValidationMode::Strict);
    if let Some(error) = result.validation_errors().next() {
        return Err(PolicyError(format!("a policy does not fit the schema: {error}")));
    }
    // A warning says that a policy can never apply, or that a text is written to mislead: nobody means that.
    match result.validation_warnings().next() {
        Some(warning) => Err(PolicyError(format!("a policy is doubtful: {warning}"))),
        None => Ok(()),
    }
}

/// Whether the attribute `markings` occurs in a policy; in doubt it does.
fn names_markings(policy: &Policy) -> bool {
    policy.to_json().map_or(true, |json| json.to_string().contains("\"markings\""))
}

/// Whether what a policy answers may depend on an attribute of the context; in doubt it does.
fn looks_at(policy: &Policy, attribute: &str) -> bool {
    policy.to_json().map_or(true, |json| uses_of_context(&json, attribute))
}

/// In Cedar's JSON form `context.x` and `context has x` are `{".": {left, attr}}` and `{"has": {left, attr}}`; the context in any other
/// place is all of it.
fn uses_of_context(json: &Value, attribute: &str) -> bool {
    let is_context = |json: Option<&Value>| json.is_some_and(|json| *json == json!({ "Var": "context" }));
    match json {
        Value::Object(_) if is_context(Some(json)) => true,
        Value::Object(parts) => parts.iter().any(|(operator, of)| {
            if matches!(operator.as_str(), "." | "has") && is_context(of.get("left")) {
                of.get("attr").and_then(Value::as_str).is_none_or(|named| named == attribute)
            } else {
                uses_of_context(of, attribute)
            }
        }),
        Value::Array(items) => items.iter().any(|item| uses_of_context(item, attribute)),
        _ => false,
    }
}

fn named_organisations(policies: &PolicySet) -> Vec<OrganisationId> {
    let literals = policies.policies().flat_map(Policy::entity_literals);
    let named = literals
        .filter(|literal| literal.type_name().basename() == "Organisation")
        .filter_map(|literal| OrganisationId::parse(literal.id().unescaped()));
    named.collect::<BTreeSet<_>>().into_iter().collect()
}

/// A rule in words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// In Japanese.
    pub ja: String,
    /// In English.
    pub en: String,
}

/// The comments directly above each `@id`: the lines before the first one with a character that is not of Latin script are
/// English, the rest is Japanese.
fn words(text: &str) -> Vec<(String, Words)> {
    let mut found = Vec::new();
    let mut words = Words::default();
    for line in text.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("//") {
            let comment = comment.trim();
            let is_japanese =
                comment.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'));
            if is_japanese || !words.ja.is_empty() {
                words.ja.push_str(comment);
            } else {
                if !words.en.is_empty() {
                    words.en.push(' ');
                }
                words.en.push_str(comment);
            }
        } else {
            let id = line.strip_prefix("@id(\"").and_then(|rest| rest.strip_suffix("\")"));
            found.extend(id.map(|id| (id.to_owned(), words.clone())));
            words = Words::default();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_policy_may_look_at_of_the_context_is_known_and_all_of_it_counts_as_everything() {
        let looks = |condition: &str, attribute: &str| {
            let text = format!("permit (principal, action, resource) when {{ {condition} }};");
            looks_at(&Policy::parse(None, text).unwrap(), attribute)
        };
        for sees in [
            "context.term.no_wider_than_received",
            "context has term",
            "context has term && context.term.tlp.contains(resource.tlp)",
            "context has term.tlp",
            "(if context.granted then context else context).granted",
            "context == principal.context",
            "{ inner: context }.inner.granted",
            "resource.tags == [context.term]",
        ] {
            assert!(looks(sees, "term"), "{sees}");
        }
        for blind in [
            "context.granted",
            "principal.term == 1",
            "context has received && context.received.term",
            "true",
        ] {
            assert!(!looks(blind, "term"), "{blind}");
        }
        assert!(looks("context.emergency", "emergency") && !looks("context.emergency", "term"));
    }
}
