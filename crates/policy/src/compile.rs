//! From files to policies that can be relied on: parsed, named, strictly validated, about classes only.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use oversight::OrganisationId;

use crate::PolicyError;

/// The ending of the file that holds the schema.
pub(crate) const SCHEMA_ENDING: &str = ".cedarschema";

/// What the program brings along.
pub(crate) const BUILT_IN: [(&str, &str); 3] = [
    ("yagura.cedarschema", include_str!("../../../policies/yagura.cedarschema")),
    ("release.cedar", include_str!("../../../policies/release.cedar")),
    ("operations.cedar", include_str!("../../../policies/operations.cedar")),
];

/// Policies and their schema, checked.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) policies: PolicySet,
    pub(crate) schema: Schema,
    /// Whether some policy looks at the identifiers of markings, and not only at whether there are any.
    pub(crate) names_markings: bool,
    /// What stands above each policy in its file: by id, in English and in Japanese.
    pub(crate) words: BTreeMap<String, Words>,
    /// The organisations that policies name.
    pub(crate) organisations: Vec<OrganisationId>,
}

/// Compiles (file name, text) pairs. Without a schema among them the built-in one counts.
pub(crate) fn compile(files: &[(String, String)]) -> Result<Compiled, PolicyError> {
    let schema = schema(files)?;
    let mut policies = PolicySet::new();
    let mut names = BTreeSet::new();
    for (file, text) in files.iter().filter(|(file, _)| !file.ends_with(SCHEMA_ENDING)) {
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
    Ok(Compiled { policies, schema, names_markings, words, organisations })
}

fn schema(files: &[(String, String)]) -> Result<Schema, PolicyError> {
    let mut given = files.iter().filter(|(file, _)| file.ends_with(SCHEMA_ENDING));
    let text = match (given.next(), given.next()) {
        (Some((file, _)), Some((other, _))) => {
            return Err(PolicyError(format!("there are two schemas, `{file}` and `{other}`; keep one")));
        }
        (Some((_, text)), None) => text.as_str(),
        (None, _) => BUILT_IN.first().map(|(_, text)| *text).unwrap_or_default(),
    };
    let (schema, warnings) = Schema::from_cedarschema_str(text)
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
