//! What a set of policies would change for the readers and objects of this hub, and whether it breaks the safety specification.
//!
//! It is asked by classes of readers and by labels, never by objects: how many objects a label has is counted beside the log. So a
//! store of a million objects is looked through as fast as one of a thousand that has as many labels.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use api::{PolicyEffect, PolicyExample, PolicyFindings};
use oversight::{OrganisationId, OrganisationRole, PersonRole, Purpose};
use policy::{
    Break, Effect, Engine, Label, LabelKey, Operation, Personal, Principal, PrincipalKind, Safety, Trial,
};
use store::{Reader, StoreError, edges, labels, objects, organisations, peers, people, tokens};
use tokio::task::spawn_blocking;

use super::{Files, PolicyKeeper, compiled};
use crate::administration::Error;
use crate::principal::personal_of;
use crate::{HubError, REALM};

/// Pairs of reader and label that are asked about at most for every purpose; beyond that for the usual one.
const PAIRS_MAX: usize = 4_000_000;
/// Kinds of readers that are told of at most.
const EFFECTS_MAX: usize = 200;
/// Labels and organisations that are named as examples.
const EXAMPLES_MAX: usize = 5;
/// Made-up situations that a set is tried on, and what they are made from: the same for every set, so that what was found once is
/// found again.
const TRIAL: (u64, usize) = (1, 20_000);
/// People who may run the node after a change, at least: it takes two to take a change back.
const ADMINISTRATORS_MIN: u64 = 2;

/// A set that can be used and breaks nothing, with what it would change.
pub(super) struct Examined {
    pub(super) files: Files,
    pub(super) engine: Engine,
    pub(super) findings: PolicyFindings,
}

/// What a store holds, as far as policies tell it apart.
struct Population {
    /// Each class of readers, and how many there are of it.
    readers: Vec<(Principal, u64)>,
    labels: Vec<(LabelKey, Label)>,
    /// How many objects there are under each label.
    objects: BTreeMap<LabelKey, u64>,
}

impl PolicyKeeper {
    /// Looks at a set that is to take the place of the one in force.
    ///
    /// # Errors
    /// [`Error::Rule`] where it cannot be used, allows what no policy may, or would leave nobody to change it again.
    pub(super) async fn examine(&self, files: Files) -> Result<Examined, Error> {
        let invalid = |error: HubError| Error::rule("policy-unusable", error.message);
        let (files, engine) = compiled(files).await.map_err(invalid)?;
        let population = self.0.store.read(population).await?;
        let before = self.0.engine.load_full();
        let work = move || {
            let engine = engine.under(before.circumstances().as_ref().clone());
            let findings = findings(&files, (&before, &engine), &population)?;
            Ok::<_, Error>(Examined { files, engine, findings })
        };
        let examined = spawn_blocking(work).await.map_err(|error| Error::Invalid(error.to_string()))??;
        self.proved(examined).await
    }

    /// Has the prover prove, where there is one, what was tried before.
    async fn proved(&self, mut examined: Examined) -> Result<Examined, Error> {
        if let Some(prover) = &self.0.prover {
            let asked = prover.ask(&self.files(), &examined.files, &examined.engine).await;
            examined.findings.proof =
                Some(asked.map_err(|found| Error::rule("policy-unsafe", broken(&found)))?);
        }
        Ok(examined)
    }
}

fn population(reader: &Reader<'_>) -> Result<Population, StoreError> {
    let council = organisations::list(reader, &REALM)?;
    let roles: BTreeMap<OrganisationId, OrganisationRole> =
        council.into_iter().map(|organisation| (organisation.id, organisation.role)).collect();
    let mut counted: HashMap<Principal, u64> = HashMap::new();
    let mut count_with =
        |kind: PrincipalKind, organisation: OrganisationId, own: BTreeSet<PersonRole>, personal: Personal| {
            if let Some(role) = roles.get(&organisation) {
                let principal = principal(kind, organisation, *role, own);
                *counted.entry(Principal { personal, ..principal }).or_default() += 1;
            }
        };
    for person in people::list(reader, &REALM)?.into_iter().filter(|person| !person.disabled) {
        let personal = personal_of(reader, &person.id)?;
        count_with(PrincipalKind::Person(String::new()), person.organisation, person.roles, personal);
    }
    let mut count = |kind, organisation, own| count_with(kind, organisation, own, Personal::default());
    for token in tokens::list(reader, &REALM)?.into_iter().filter(|token| token.is_good(reader.now())) {
        count(PrincipalKind::Program(String::new()), token.organisation, token.roles);
    }
    for edge in edges::list(reader, &REALM)? {
        count(PrincipalKind::Edge(String::new()), edge.organisation, BTreeSet::new());
    }
    for peer in peers::list(reader, &REALM)?.into_iter().filter(|peer| peer.state == peers::State::Active) {
        count(PrincipalKind::Peer(String::new()), peer.organisation, BTreeSet::new());
    }
    let mut readers: Vec<(Principal, u64)> = counted.into_iter().collect();
    readers.sort_by_cached_key(|(one, _)| (one.organisation.clone(), kind(&one.kind), one.roles.clone()));
    Ok(Population {
        readers,
        labels: labels::all(reader, &REALM)?,
        objects: objects::by_label(reader, &REALM)?,
    })
}

fn principal(
    kind: PrincipalKind,
    organisation: OrganisationId,
    organisation_role: OrganisationRole,
    roles: BTreeSet<PersonRole>,
) -> Principal {
    let purpose = match (&kind, organisation_role) {
        (PrincipalKind::Edge(_), _) => Purpose::OwnDefence,
        (_, OrganisationRole::Oversight) => Purpose::Oversight,
        _ => Purpose::CollectiveDefence,
    };
    let personal = Personal::default();
    Principal { kind, organisation, organisation_role, roles, realm: REALM, purpose, personal }
}

/// # Errors
/// [`Error::Rule`] where the set breaks the specification or would leave nobody to change it again.
fn findings(
    files: &[(String, String)],
    (before, after): (&Engine, &Engine),
    population: &Population,
) -> Result<PolicyFindings, Error> {
    hold_against_safety(files, after, population)?;
    let administrators = population.readers.iter().filter(|(reader, _)| {
        matches!(reader.kind, PrincipalKind::Person(_)) && after.may(reader, Operation::Administer)
    });
    if administrators.map(|(_, count)| count).sum::<u64>() < ADMINISTRATORS_MIN {
        let message = "these policies leave fewer than two persons who may administer the node: nobody could change them again";
        return Err(Error::rule("policy-no-administrators", message));
    }
    let pairs = population.readers.len() * population.labels.len() * Purpose::ALL.len();
    let all_purposes = pairs <= PAIRS_MAX;
    let mut asked = Vec::new();
    let mut class_of = Vec::new();
    for (class, (reader, _)) in population.readers.iter().enumerate() {
        let usual = [reader.purpose];
        let purposes = if all_purposes { Purpose::ALL } else { usual.as_slice() };
        for purpose in purposes {
            asked.push(Principal { purpose: *purpose, ..reader.clone() });
            class_of.push(class);
        }
    }
    let effects = policy::compare(before, after, &asked, &population.labels);
    let (effects, effects_left) = told(&effects, &class_of, population);
    Ok(PolicyFindings {
        readers: population.readers.iter().map(|(_, count)| count).sum(),
        labels: count(population.labels.len()),
        objects: population.objects.values().sum(),
        all_purposes,
        effects,
        effects_left,
        tried: count(TRIAL.1),
        proof: None,
    })
}

fn hold_against_safety(
    files: &[(String, String)],
    after: &Engine,
    population: &Population,
) -> Result<(), Error> {
    let safety = Safety::of(files).map_err(|error| Error::Invalid(error.to_string()))?;
    let readers: Vec<Principal> = population.readers.iter().map(|(reader, _)| reader.clone()).collect();
    let labels: Vec<&Label> = population.labels.iter().map(|(_, label)| label).collect();
    let found = safety
        .broken_in(after, &Trial::new(after, TRIAL.0, TRIAL.1))
        .or_else(|| safety.broken_by(after, &readers, &labels));
    found.map_or(Ok(()), |found| Err(Error::rule("policy-unsafe", broken(&found))))
}

/// A break of the safety specification, in both languages: whoever proposed it reads it as it is.
pub(super) fn broken(found: &Break) -> String {
    let told = found.situation.told();
    format!(
        "the safety specification is broken (`{}`): {} They would allow: {}. 安全仕様に反します：{}許されることになるもの：{}。",
        found.rule, found.words.en, told.en, found.words.ja, told.ja
    )
}

/// What changes for readers of one kind, gathered.
#[derive(Default)]
struct Gathered {
    classes: BTreeSet<usize>,
    gained: BTreeSet<LabelKey>,
    lost: BTreeSet<LabelKey>,
    may_now: BTreeSet<Operation>,
    may_no_more: BTreeSet<Operation>,
    purposes_gained: BTreeSet<Purpose>,
    purposes_lost: BTreeSet<Purpose>,
}

/// By kind of reader, role of the organisation and own roles: most objects gained first, then most lost. And how many are left out.
fn told(effects: &[Effect], class_of: &[usize], population: &Population) -> (Vec<PolicyEffect>, u64) {
    let mut kinds: BTreeMap<(&'static str, OrganisationRole, BTreeSet<PersonRole>), Gathered> =
        BTreeMap::new();
    for effect in effects {
        let Some(class) = class_of.get(effect.reader).copied() else { continue };
        let Some((reader, _)) = population.readers.get(class) else { continue };
        let key = (kind(&reader.kind), reader.organisation_role, reader.roles.clone());
        let gathered = kinds.entry(key).or_default();
        gathered.classes.insert(class);
        gathered.gained.extend(&effect.gained);
        gathered.lost.extend(&effect.lost);
        gathered.may_now.extend(&effect.may_now);
        gathered.may_no_more.extend(&effect.may_no_more);
        gathered.purposes_gained.extend(&effect.purposes_gained);
        gathered.purposes_lost.extend(&effect.purposes_lost);
    }
    let mut rows: Vec<PolicyEffect> = kinds
        .into_iter()
        .map(|((kind, role, roles), gathered)| row(kind, (role, &roles), &gathered, population))
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.gained, row.lost)));
    let left = count(rows.len().saturating_sub(EFFECTS_MAX));
    rows.truncate(EFFECTS_MAX);
    (rows, left)
}

fn row(
    kind: &str,
    (role, roles): (OrganisationRole, &BTreeSet<PersonRole>),
    gathered: &Gathered,
    population: &Population,
) -> PolicyEffect {
    let classes = || gathered.classes.iter().filter_map(|class| population.readers.get(*class));
    let names: BTreeSet<&str> = classes().map(|(reader, _)| reader.organisation.as_str()).collect();
    let objects = |keys: &BTreeSet<LabelKey>| -> u64 {
        keys.iter().filter_map(|key| population.objects.get(key)).sum()
    };
    let purposes = |all: &BTreeSet<Purpose>| all.iter().map(|purpose| purpose.name().to_owned()).collect();
    let may = |all: &BTreeSet<Operation>| all.iter().map(|operation| operation.name().to_owned()).collect();
    PolicyEffect {
        kind: kind.to_owned(),
        organisation_role: role.name().to_owned(),
        roles: roles.iter().map(|role| role.name().to_owned()).collect(),
        organisation_count: count(names.len()),
        organisations: names.into_iter().take(EXAMPLES_MAX).map(str::to_owned).collect(),
        readers: classes().map(|(_, count)| count).sum(),
        gained: objects(&gathered.gained),
        lost: objects(&gathered.lost),
        gained_examples: examples(&gathered.gained, population),
        lost_examples: examples(&gathered.lost, population),
        may_now: may(&gathered.may_now),
        may_no_more: may(&gathered.may_no_more),
        purposes_gained: purposes(&gathered.purposes_gained),
        purposes_lost: purposes(&gathered.purposes_lost),
    }
}

/// The labels with the most objects.
fn examples(keys: &BTreeSet<LabelKey>, population: &Population) -> Vec<PolicyExample> {
    let mut found: Vec<(u64, &Label)> = population
        .labels
        .iter()
        .filter(|(key, _)| keys.contains(key))
        .map(|(key, label)| (population.objects.get(key).copied().unwrap_or(0), label))
        .filter(|(objects, _)| *objects > 0)
        .collect();
    found.sort_by_key(|(objects, _)| std::cmp::Reverse(*objects));
    let told = |(objects, label): (u64, &Label)| PolicyExample {
        tlp: label.tlp.word().to_owned(),
        class: label.class.name().to_owned(),
        originator: label.originator.as_str().to_owned(),
        objects,
    };
    found.into_iter().take(EXAMPLES_MAX).map(told).collect()
}

fn kind(kind: &PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::Person(_) => "person",
        PrincipalKind::Program(_) => "program",
        PrincipalKind::Edge(_) => "edge",
        PrincipalKind::Peer(_) => "peer",
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
