//! Requests to Cedar: how a class of principals, a label, the node and a purpose look to a policy.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request,
    RestrictedExpression,
};
use oversight::Purpose;

use crate::Label;
use crate::class::Class;
use crate::compile::Compiled;

/// What a question is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    Object(&'a Label),
    Node,
    Purpose(Purpose),
}

/// An answer, and the ids of the policies that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) allowed: bool,
    pub(crate) because: Vec<String>,
}

/// Asks Cedar. Cedar itself passes over a policy that fails in evaluation, so that a failing `forbid` would let through what
/// it should stop: here any error, in whatever part, is a no.
pub(crate) fn ask(compiled: &Compiled, class: &Class, action: &str, target: Target<'_>) -> Answer {
    match try_ask(compiled, class, action, target) {
        Ok(answer) => answer,
        Err(error) => Answer { allowed: false, because: vec![format!("error: {error}")] },
    }
}

/// Any error while a question is put together: it has no use but to be told.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

fn try_ask(compiled: &Compiled, class: &Class, action: &str, target: Target<'_>) -> Result<Answer, Trouble> {
    let principal = principal(class)?;
    let resource = resource(target)?;
    let request = Request::new(
        principal.uid(),
        uid("Yagura::Action", action)?,
        resource.uid(),
        Context::empty(),
        Some(&compiled.schema),
    )?;
    let entities = Entities::from_entities([principal, resource], Some(&compiled.schema))?;
    let response = Authorizer::new().is_authorized(&request, &compiled.policies, &entities);
    let errors: Vec<String> =
        response.diagnostics().errors().map(|error| format!("error: {error}")).collect();
    if !errors.is_empty() {
        return Ok(Answer { allowed: false, because: errors });
    }
    let mut because: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
    because.sort_unstable();
    Ok(Answer { allowed: response.decision() == Decision::Allow, because })
}

/// A class stands for all principals in it; its entity has no name of its own, for policies cannot ask for one.
fn principal(class: &Class) -> Result<Entity, Trouble> {
    let roles = class
        .roles
        .iter()
        .map(|role| reference("Yagura::PersonRole", role.name()))
        .collect::<Result<Vec<_>, Trouble>>()?;
    let attributes = HashMap::from([
        ("organisation".to_owned(), reference("Yagura::Organisation", class.organisation.as_str())?),
        (
            "organisation_role".to_owned(),
            reference("Yagura::OrganisationRole", class.organisation_role.name())?,
        ),
        ("roles".to_owned(), RestrictedExpression::new_set(roles)),
        ("realm".to_owned(), RestrictedExpression::new_string(class.realm.to_string())),
    ]);
    Ok(Entity::new(uid(class.kind.entity_type(), "class")?, attributes, HashSet::new())?)
}

fn resource(target: Target<'_>) -> Result<Entity, Trouble> {
    match target {
        Target::Object(label) => {
            let markings = label.statements.iter().chain(&label.unknown);
            let markings = markings.map(|id| RestrictedExpression::new_string(id.to_string()));
            let attributes = HashMap::from([
                ("realm".to_owned(), RestrictedExpression::new_string(label.realm.to_string())),
                ("tlp".to_owned(), reference("Yagura::Tlp", label.tlp.word())?),
                ("originator".to_owned(), reference("Yagura::Organisation", label.originator.as_str())?),
                ("has_statement".to_owned(), RestrictedExpression::new_bool(!label.statements.is_empty())),
                ("has_unknown_marking".to_owned(), RestrictedExpression::new_bool(!label.unknown.is_empty())),
                ("markings".to_owned(), RestrictedExpression::new_set(markings)),
            ]);
            Ok(Entity::new(uid("Yagura::Object", "label")?, attributes, HashSet::new())?)
        }
        Target::Node => Ok(Entity::new_no_attrs(uid("Yagura::Node", "node")?, HashSet::new())),
        Target::Purpose(purpose) => {
            Ok(Entity::new_no_attrs(uid("Yagura::Purpose", purpose.name())?, HashSet::new()))
        }
    }
}

fn reference(entity_type: &str, id: &str) -> Result<RestrictedExpression, Trouble> {
    Ok(RestrictedExpression::new_entity_uid(uid(entity_type, id)?))
}

fn uid(entity_type: &str, id: &str) -> Result<EntityUid, Trouble> {
    Ok(EntityUid::from_type_name_and_id(entity_type.parse::<EntityTypeName>()?, EntityId::new(id)))
}
