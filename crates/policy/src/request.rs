//! Requests to Cedar: how a class of principals, a question about an object, the node and a purpose look to a policy.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression,
};
use oversight::{OrganisationRole, PersonRole, Purpose, Qualification, QualificationKind, Realm};
use stix::marking::{Pap, Tlp};

use crate::circumstances::{Clause, Facts, Received};
use crate::class::{Class, Kind};
use crate::compile::Compiled;
use crate::question::Question;
use crate::situation::Situation;

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
    /// An emergency was decisive.
    pub(crate) emergency: bool,
}

/// By what something is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// By the council's rules alone.
    Plain,
    /// By a term, and whether that gives no more than that under which the object came in.
    Term(usize, bool),
    /// By an emergency that covers it.
    Emergency,
}

/// The schema's types, each parsed once: parsing a name takes longer than deciding by it.
static TYPES: LazyLock<HashMap<&'static str, EntityTypeName>> = LazyLock::new(|| {
    let names = [
        "Yagura::Action",
        "Yagura::Edge",
        "Yagura::Node",
        "Yagura::Object",
        "Yagura::ObjectClass",
        "Yagura::Organisation",
        "Yagura::OrganisationRole",
        "Yagura::Pap",
        "Yagura::Peer",
        "Yagura::Person",
        "Yagura::PersonRole",
        "Yagura::Program",
        "Yagura::Purpose",
        "Yagura::Tlp",
    ];
    names.into_iter().filter_map(|name| Some((name, name.parse().ok()?))).collect()
});

/// The name of an object that is asked for alone.
const OBJECT: &str = "label";
/// The word for what bears no level.
const UNMARKED: &str = "unmarked";

/// Asks Cedar. Cedar itself passes over a policy that fails in evaluation, so that a failing `forbid` would let through what
/// it should stop: here any error, in whatever part, is a no.
pub(crate) fn ask(compiled: &Compiled, class: &Class, action: &str, target: Target) -> Answer {
    match situation_at(compiled, class, action, target) {
        Ok(situation) => decide(compiled, &situation),
        Err(error) => Answer::failed(&error),
    }
}

/// The request that a question about the node or a purpose becomes.
pub(crate) fn situation_at(
    compiled: &Compiled,
    class: &Class,
    action: &str,
    target: Target,
) -> Result<Situation, Trouble> {
    let principal = principal(Asking {
        kind: class.kind,
        organisation: class.organisation.as_str(),
        role: class.organisation_role,
        roles: &mut class.roles.iter().copied(),
        realm: &class.realm,
        held: &compiled.clearances.held(&class.personal.qualifications),
    })?;
    let resource = match target {
        Target::Node => uid("Yagura::Node", "node")?,
        Target::Purpose(purpose) => uid("Yagura::Purpose", purpose.name())?,
    };
    let resource = Entity::new_no_attrs(resource, HashSet::new());
    Scene::of(compiled, principal, resource, Context::empty())?.asking(compiled, action)
}

/// What a question about an object becomes by one of its ways: the same for every action.
pub(crate) struct Scene {
    principal: EntityUid,
    resource: EntityUid,
    context: Context,
    entities: Entities,
}

impl Scene {
    /// # Errors
    /// The question does not fit the schema, or the term is not there.
    pub(crate) fn new(
        compiled: &Compiled,
        facts: &Facts,
        question: &Question,
        way: Way,
    ) -> Result<Self, Trouble> {
        let context = context(facts, question, way)?;
        Self::of(compiled, reader(compiled, question)?, object(compiled, question, OBJECT)?, context)
    }

    fn of(
        compiled: &Compiled,
        principal: Entity,
        resource: Entity,
        context: Context,
    ) -> Result<Self, Trouble> {
        let (one, other) = (principal.uid(), resource.uid());
        let entities = Entities::from_entities([principal, resource], Some(&compiled.schema))?;
        Ok(Self { principal: one, resource: other, context, entities })
    }

    /// The request that it is for one action.
    ///
    /// # Errors
    /// The schema has no such action for such a principal and resource.
    pub(crate) fn asking(&self, compiled: &Compiled, action: &str) -> Result<Situation, Trouble> {
        let action = uid("Yagura::Action", action)?;
        let (principal, resource) = (self.principal.clone(), self.resource.clone());
        let request =
            Request::new(principal, action, resource, self.context.clone(), Some(&compiled.schema))?;
        Ok(Situation::new(request, self.entities.clone()))
    }
}

/// Any error while a question is put together: it has no use but to be told.
pub(crate) type Trouble = Box<dyn std::error::Error + Send + Sync>;

impl Answer {
    pub(crate) fn failed(error: &Trouble) -> Self {
        Self { allowed: false, because: vec![format!("error: {error}")], term: None, emergency: false }
    }

    /// Whether it is a no because something failed.
    pub(crate) fn is_failure(&self) -> bool {
        self.because.iter().any(|reason| reason.starts_with("error: "))
    }
}

/// What a set of policies says of one request.
pub(crate) fn decide(compiled: &Compiled, situation: &Situation) -> Answer {
    let (request, entities) = situation.parts();
    decide_by(compiled.policies.about(request.action()), request, entities)
}

/// The same of some policies alone.
pub(crate) fn decide_by(policies: &PolicySet, request: &Request, entities: &Entities) -> Answer {
    let response = Authorizer::new().is_authorized(request, policies, entities);
    let errors: Vec<String> =
        response.diagnostics().errors().map(|error| format!("error: {error}")).collect();
    if !errors.is_empty() {
        return Answer { allowed: false, because: errors, term: None, emergency: false };
    }
    let mut because: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
    because.sort_unstable();
    Answer { allowed: response.decision() == Decision::Allow, because, term: None, emergency: false }
}

/// All of a principal that a policy is told.
struct Asking<'a> {
    kind: Kind,
    organisation: &'a str,
    role: OrganisationRole,
    roles: &'a mut dyn Iterator<Item = PersonRole>,
    realm: &'a Realm,
    held: &'a BTreeSet<Qualification>,
}

/// A class stands for all principals in it; its entity has no name of its own, for policies cannot ask for one.
fn principal(asking: Asking<'_>) -> Result<Entity, Trouble> {
    let Asking { kind, organisation, role, roles, realm, held } = asking;
    let roles = roles.map(|role| reference("Yagura::PersonRole", role.name()));
    let roles = roles.collect::<Result<Vec<_>, Trouble>>()?;
    let attributes = HashMap::from([
        ("organisation".to_owned(), reference("Yagura::Organisation", organisation)?),
        ("organisation_role".to_owned(), reference("Yagura::OrganisationRole", role.name())?),
        ("roles".to_owned(), RestrictedExpression::new_set(roles)),
        ("realm".to_owned(), RestrictedExpression::new_string(realm.to_string())),
        ("clearances".to_owned(), names(held, QualificationKind::Clearance)),
        ("oaths".to_owned(), names(held, QualificationKind::Oath)),
    ]);
    Ok(Entity::new(uid(kind.entity_type(), "class")?, attributes, HashSet::new())?)
}

/// The short names of the qualifications of one kind.
fn names(all: &BTreeSet<Qualification>, kind: QualificationKind) -> RestrictedExpression {
    let names = all.iter().filter(|one| one.kind == kind).map(|one| one.name().to_owned());
    RestrictedExpression::new_set(names.map(RestrictedExpression::new_string))
}

/// Who asks.
pub(crate) fn reader(compiled: &Compiled, question: &Question) -> Result<Entity, Trouble> {
    principal(Asking {
        kind: question.kind,
        organisation: question.organisation.text(&compiled.organisations),
        role: question.role,
        roles: &mut question.roles.iter(),
        realm: &question.realm,
        held: &question.held,
    })
}

/// What is asked for; policies cannot ask for its name.
pub(crate) fn object(compiled: &Compiled, question: &Question, name: &str) -> Result<Entity, Trouble> {
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
        ("clearances".to_owned(), names(&question.demands, QualificationKind::Clearance)),
        ("oaths".to_owned(), names(&question.demands, QualificationKind::Oath)),
    ]);
    Ok(Entity::new(uid("Yagura::Object", name)?, attributes, HashSet::new())?)
}

/// What is true between the two, by one way.
///
/// # Errors
/// The term is not there.
pub(crate) fn context(facts: &Facts, question: &Question, way: Way) -> Result<Context, Trouble> {
    let boolean = RestrictedExpression::new_bool;
    let mut parts = vec![
        ("purpose".to_owned(), reference("Yagura::Purpose", question.purpose.name())?),
        ("in_every_group".to_owned(), boolean(question.in_every_group)),
        ("granted".to_owned(), boolean(question.granted)),
        ("emergency".to_owned(), boolean(way == Way::Emergency)),
    ];
    if let Some(received) = &question.received {
        parts.push(("received".to_owned(), received_record(received)?));
    }
    if let Way::Term(index, no_wider) = way {
        let clause = facts.clause(index).ok_or("a term that is not there")?;
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

pub(crate) fn uid(entity_type: &str, id: &str) -> Result<EntityUid, Trouble> {
    let entity_type =
        TYPES.get(entity_type).ok_or_else(|| format!("`{entity_type}` is no type of the schema"))?;
    Ok(EntityUid::from_type_name_and_id(entity_type.clone(), EntityId::new(id)))
}
