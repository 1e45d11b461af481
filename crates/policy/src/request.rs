//! Requests to Cedar: how a class of principals, a question about an object, the node and a purpose look to a policy.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request,
    RestrictedExpression,
};
use oversight::{PersonRole, Purpose};
use stix::marking::{Pap, Tlp};

use crate::circumstances::{Clause, Facts, Received};
use crate::class::Class;
use crate::compile::Compiled;
use crate::question::Question;

/// What a question is about that is no object.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    Node,
    Purpose(Purpose),
}

/// An answer, and the ids of the policies that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) allowed: bool,
    pub(crate) because: Vec<String>,
    /// The term that was decisive, by its number in the facts.
    pub(crate) term: Option<usize>,
}

/// The word for what bears no level.
const UNMARKED: &str = "unmarked";

/// Asks Cedar. Cedar itself passes over a policy that fails in evaluation, so that a failing `forbid` would let through what
/// it should stop: here any error, in whatever part, is a no.
pub(crate) fn ask(compiled: &Compiled, class: &Class, action: &str, target: Target) -> Answer {
    let asked = || {
        let principal = principal(
            class.kind.entity_type(),
            class.organisation.as_str(),
            class.organisation_role.name(),
            class.roles.iter().copied(),
            &class.realm.to_string(),
        )?;
        let resource = match target {
            Target::Node => uid("Yagura::Node", "node")?,
            Target::Purpose(purpose) => uid("Yagura::Purpose", purpose.name())?,
        };
        let resource = Entity::new_no_attrs(resource, HashSet::new());
        decide(compiled, action, principal, resource, Context::empty())
    };
    asked().unwrap_or_else(|error| Answer::failed(&error))
}

/// Asks Cedar about an object: first without any agreement, then under each term that might give it. The first yes counts, and an
/// error in any part is a no to all.
pub(crate) fn ask_about(compiled: &Compiled, facts: &Facts, action: &str, question: &Question) -> Answer {
    let under = |term: Option<(usize, bool)>| {
        let clause = term.map(|(index, no_wider)| {
            let clause = facts.clause(index).ok_or("a term that is not there")?;
            Ok::<_, Trouble>((clause, no_wider))
        });
        let context = context(question, clause.transpose()?)?;
        let organisation = question.organisation.text(&compiled.organisations);
        let principal = principal(
            question.kind.entity_type(),
            organisation,
            question.role.name(),
            question.roles.iter(),
            &question.realm.to_string(),
        )?;
        decide(compiled, action, principal, object(compiled, question)?, context)
    };
    let asked = || {
        let alone = under(None)?;
        if alone.allowed || alone.is_failure() {
            return Ok(alone);
        }
        let mut given = None;
        for term in &question.terms {
            let answer = under(Some(*term))?;
            if answer.is_failure() {
                return Ok(answer);
            }
            if answer.allowed && given.is_none() {
                given = Some(Answer { term: Some(term.0), ..answer });
            }
        }
        Ok(given.unwrap_or(alone))
    };
    asked().unwrap_or_else(|error: Trouble| Answer::failed(&error))
}

/// Any error while a question is put together: it has no use but to be told.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

impl Answer {
    fn failed(error: &Trouble) -> Self {
        Self { allowed: false, because: vec![format!("error: {error}")], term: None }
    }

    /// Whether it is a no because something failed.
    pub(crate) fn is_failure(&self) -> bool {
        self.because.iter().any(|reason| reason.starts_with("error: "))
    }
}

fn decide(
    compiled: &Compiled,
    action: &str,
    principal: Entity,
    resource: Entity,
    context: Context,
) -> Result<Answer, Trouble> {
    let action = uid("Yagura::Action", action)?;
    let request = Request::new(principal.uid(), action, resource.uid(), context, Some(&compiled.schema))?;
    let entities = Entities::from_entities([principal, resource], Some(&compiled.schema))?;
    let response = Authorizer::new().is_authorized(&request, &compiled.policies, &entities);
    let errors: Vec<String> =
        response.diagnostics().errors().map(|error| format!("error: {error}")).collect();
    if !errors.is_empty() {
        return Ok(Answer { allowed: false, because: errors, term: None });
    }
    let mut because: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
    because.sort_unstable();
    Ok(Answer { allowed: response.decision() == Decision::Allow, because, term: None })
}

/// A class stands for all principals in it; its entity has no name of its own, for policies cannot ask for one.
fn principal(
    entity_type: &str,
    organisation: &str,
    role: &str,
    roles: impl Iterator<Item = PersonRole>,
    realm: &str,
) -> Result<Entity, Trouble> {
    let roles = roles
        .map(|role| reference("Yagura::PersonRole", role.name()))
        .collect::<Result<Vec<_>, Trouble>>()?;
    let attributes = HashMap::from([
        ("organisation".to_owned(), reference("Yagura::Organisation", organisation)?),
        ("organisation_role".to_owned(), reference("Yagura::OrganisationRole", role)?),
        ("roles".to_owned(), RestrictedExpression::new_set(roles)),
        ("realm".to_owned(), RestrictedExpression::new_string(realm.to_owned())),
    ]);
    Ok(Entity::new(uid(entity_type, "class")?, attributes, HashSet::new())?)
}

fn object(compiled: &Compiled, question: &Question) -> Result<Entity, Trouble> {
    let boolean = RestrictedExpression::new_bool;
    let markings = question.markings.iter().flat_map(|markings| markings.iter());
    let markings = markings.map(|id| RestrictedExpression::new_string(id.to_string()));
    let realm = question.other_realm.as_ref().unwrap_or(&question.realm).to_string();
    let originator = question.originator.text(&compiled.organisations);
    let attributes = HashMap::from([
        ("realm".to_owned(), RestrictedExpression::new_string(realm)),
        ("class".to_owned(), reference("Yagura::ObjectClass", question.class.name())?),
        ("tlp".to_owned(), reference("Yagura::Tlp", question.tlp.word())?),
        ("pap".to_owned(), reference("Yagura::Pap", question.pap.map_or(UNMARKED, Pap::name))?),
        ("originator".to_owned(), reference("Yagura::Organisation", originator)?),
        ("has_statement".to_owned(), boolean(question.has_statement)),
        ("has_unknown_marking".to_owned(), boolean(question.has_unknown)),
        ("markings".to_owned(), RestrictedExpression::new_set(markings)),
        ("limited_to_groups".to_owned(), boolean(question.limited)),
        ("originator_control".to_owned(), boolean(question.originator_control)),
    ]);
    Ok(Entity::new(uid("Yagura::Object", "label")?, attributes, HashSet::new())?)
}

fn context(question: &Question, term: Option<(&Clause, bool)>) -> Result<Context, Trouble> {
    let boolean = RestrictedExpression::new_bool;
    let mut parts = vec![
        ("purpose".to_owned(), reference("Yagura::Purpose", question.purpose.name())?),
        ("in_every_group".to_owned(), boolean(question.in_every_group)),
        ("granted".to_owned(), boolean(question.granted)),
    ];
    if let Some(received) = &question.received {
        parts.push(("received".to_owned(), received_record(received)?));
    }
    if let Some((clause, no_wider)) = term {
        parts.push(("term".to_owned(), term_record(clause, no_wider)?));
    }
    Ok(Context::from_pairs(parts)?)
}

fn received_record(received: &Received) -> Result<RestrictedExpression, Trouble> {
    let boolean = RestrictedExpression::new_bool;
    Ok(RestrictedExpression::new_record([
        ("in_force".to_owned(), boolean(received.in_force)),
        ("is_recipient".to_owned(), boolean(received.is_recipient)),
        ("is_named".to_owned(), boolean(received.is_named)),
        ("same_terms".to_owned(), boolean(received.same_terms)),
    ])?)
}

/// Ceilings become the sets of levels up to them, which policies can ask with `contains`.
fn term_record(clause: &Clause, no_wider: bool) -> Result<RestrictedExpression, Trouble> {
    let term = &clause.term;
    let set = |kind: &str, names: &mut dyn Iterator<Item = &'static str>| {
        let references = names.map(|name| reference(kind, name)).collect::<Result<Vec<_>, Trouble>>()?;
        Ok::<_, Trouble>(RestrictedExpression::new_set(references))
    };
    let levels = Tlp::ALL.into_iter().filter(|level| *level <= term.tlp);
    let pap = Pap::ALL.into_iter().filter(|level| *level <= term.pap);
    let pap = pap.map(Pap::name).chain([UNMARKED]);
    let classes = term.classes.iter().map(|class| class.name());
    let purposes = term.purposes.iter().map(|purpose| purpose.name());
    Ok(RestrictedExpression::new_record([
        ("agreement".to_owned(), RestrictedExpression::new_string(clause.agreement.to_string())),
        ("classes".to_owned(), set("Yagura::ObjectClass", &mut { classes })?),
        ("tlp".to_owned(), set("Yagura::Tlp", &mut levels.map(Tlp::name))?),
        ("pap".to_owned(), set("Yagura::Pap", &mut { pap })?),
        ("purposes".to_owned(), set("Yagura::Purpose", &mut { purposes })?),
        ("no_wider_than_received".to_owned(), RestrictedExpression::new_bool(no_wider)),
    ])?)
}

fn reference(entity_type: &str, id: &str) -> Result<RestrictedExpression, Trouble> {
    Ok(RestrictedExpression::new_entity_uid(uid(entity_type, id)?))
}

fn uid(entity_type: &str, id: &str) -> Result<EntityUid, Trouble> {
    Ok(EntityUid::from_type_name_and_id(entity_type.parse::<EntityTypeName>()?, EntityId::new(id)))
}
