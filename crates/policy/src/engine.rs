use std::collections::{BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use foldhash::fast::RandomState;
use oversight::{OrganisationId, OrganisationRole, PersonRole, Purpose};

use crate::class::Class;
use crate::compile::{BUILT_IN, Compiled, compile};
use crate::request::{Answer, Target, ask};
use crate::{Label, LabelKey, Principal, PrincipalKind, Visible};

/// The policies in force, and the only way to a decision. Cedar decides; any error in an evaluation denies.
/// Decisions per (class of principal, operation, label) are remembered as long as the engine lives; a change of policy is a
/// new engine.
#[derive(Debug)]
pub struct Engine {
    compiled: Compiled,
    epoch: u64,
    memory: RwLock<Memory>,
}

/// What a principal may be allowed to do. `Read` and `Write` are about objects under a label; the others are about the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// See an object.
    Read,
    /// Publish objects.
    Write,
    /// Withdraw objects from a collection.
    Delete,
    /// See and work cases.
    WorkCases,
    /// Report sightings as an edge.
    ReportSightings,
    /// See edges of one's own organisation (all, for the coordinator).
    SeeEdges,
    /// Register and remove edges, organisations, people, tokens.
    Administer,
    /// Read the audit log.
    Inspect,
    /// See who was given what (one's own organisation's part is seen by everybody who may look).
    SeeReleases,
    /// Ask an originator for release of an object.
    AskRelease,
    /// Let more organisations see an object than before.
    WidenRelease,
    /// Let fewer organisations see an object than before, and recall what they were given.
    RestrictRelease,
    /// Ask the council a question, and answer one.
    AskQuestions,
    /// Report with one's name withheld.
    SubmitAnonymously,
    /// Learn who reported with its name withheld.
    OpenSeals,
}

/// The policies cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(pub String);

/// Decisions made so far.
#[derive(Debug, Default)]
struct Memory {
    /// By label, and by shape of labels: see [`Label::shape`].
    reads: HashMap<Class, HashMap<Label, bool, RandomState>, RandomState>,
    reads_count: usize,
    operations: HashMap<(Class, Operation), bool, RandomState>,
    purposes: HashMap<Class, BTreeSet<Purpose>, RandomState>,
}

/// So many decisions are remembered; then all are forgotten and made anew. Labels come from outside, and memory is finite.
const DECISIONS_MAX: usize = 200_000;

impl Engine {
    /// Compiles policies, given as (file name, text); refuses what does not parse or does not fit the schema. A file whose name
    /// ends in `.cedarschema` is the schema; without one the built-in schema counts.
    pub fn compile(policies: &[(String, String)]) -> Result<Self, PolicyError> {
        let engine = Self { compiled: compile(policies)?, epoch: epoch(policies), memory: RwLock::default() };
        engine.try_out()?;
        Ok(engine)
    }

    /// The policies that the program brings along (`policies/*.cedar`).
    #[must_use]
    pub fn built_in() -> Vec<(String, String)> {
        BUILT_IN.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect()
    }

    /// A number that stands for these policies and no others, the same on every node that has them.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether the principal may do something to the node as a whole: [`Operation::Read`] is whether it may look at all.
    #[must_use]
    pub fn may(&self, principal: &Principal, operation: Operation) -> bool {
        let key = (Class::of(principal), operation);
        if let Some(known) = self.memory.read().unwrap_or_else(PoisonError::into_inner).operations.get(&key) {
            return *known;
        }
        let allowed = ask(&self.compiled, &key.0, node_action(operation), Target::Node).allowed;
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        memory.make_room(1);
        memory.operations.insert(key, allowed);
        allowed
    }

    /// Whether the principal may do something to objects under a label. What it may not read it may not withdraw; all other
    /// operations are about the node, in the label's realm.
    #[must_use]
    pub fn check(&self, principal: &Principal, operation: Operation, label: &Label) -> bool {
        let node = || self.may(principal, operation);
        match operation {
            Operation::Read => self.may_read(principal, label),
            Operation::Delete => {
                let withdraw = || {
                    ask(&self.compiled, &Class::of(principal), "withdraw_object", Target::Object(label))
                        .allowed
                };
                self.may_read(principal, label) && node() && withdraw()
            }
            Operation::WidenRelease | Operation::RestrictRelease => {
                let action =
                    if operation == Operation::WidenRelease { "widen_object" } else { "restrict_object" };
                let object =
                    || ask(&self.compiled, &Class::of(principal), action, Target::Object(label)).allowed;
                self.may_read(principal, label) && node() && object()
            }
            Operation::SeeReleases
            | Operation::AskRelease
            | Operation::AskQuestions
            | Operation::SubmitAnonymously
            | Operation::OpenSeals
            | Operation::Write
            | Operation::WorkCases
            | Operation::ReportSightings
            | Operation::SeeEdges
            | Operation::Administer
            | Operation::Inspect => principal.realm == label.realm && node(),
        }
    }

    /// Which of the labels the principal may read: what SQL then filters by.
    #[must_use]
    pub fn visible<'a>(
        &self,
        principal: &Principal,
        labels: impl IntoIterator<Item = (LabelKey, &'a Label)>,
    ) -> Visible {
        let class = Class::of(principal);
        let mut keys = Vec::new();
        let mut unknown = Vec::new();
        {
            let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
            let known = memory.reads.get(&class);
            for (key, label) in labels {
                match known.and_then(|known| known.get(label)) {
                    Some(true) => keys.push(key),
                    Some(false) => {}
                    None => unknown.push((key, label)),
                }
            }
        }
        for (key, label) in unknown {
            if self.decide_read(&class, label) {
                keys.push(key);
            }
        }
        let purposes = self.purposes(&class);
        Visible::new(keys, class, purposes, self.epoch)
    }

    /// Why the principal may or may not read: the ids of the policies that decided, for the console's "who can see this".
    /// None decided where no policy permits.
    #[must_use]
    pub fn explain(&self, principal: &Principal, label: &Label) -> (bool, Vec<String>) {
        let Answer { allowed, because } =
            ask(&self.compiled, &Class::of(principal), "read", Target::Object(label));
        (allowed, because)
    }

    /// Which kinds of organisations may read what bears a label, beside its originator: those whose analysts may, in an
    /// organisation of their own.
    #[must_use]
    pub fn audience(&self, label: &Label) -> Vec<OrganisationRole> {
        let Some(organisation) = ["somebody", "somebody-else"]
            .into_iter()
            .filter_map(OrganisationId::parse)
            .find(|organisation| *organisation != label.originator)
        else {
            return Vec::new();
        };
        let reads = |role: &OrganisationRole| {
            let principal = Principal {
                kind: PrincipalKind::Person(String::new()),
                organisation: organisation.clone(),
                organisation_role: *role,
                roles: BTreeSet::from([PersonRole::Analyst]),
                realm: label.realm.clone(),
            };
            self.may_read(&principal, label)
        };
        OrganisationRole::ALL.iter().copied().filter(reads).collect()
    }

    fn may_read(&self, principal: &Principal, label: &Label) -> bool {
        let class = Class::of(principal);
        let known = {
            let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
            memory.reads.get(&class).and_then(|known| known.get(label)).copied()
        };
        known.unwrap_or_else(|| self.decide_read(&class, label))
    }

    /// Decides what is not remembered. Unless a policy asks which markings there are, labels of one shape are decided alike: so
    /// that a stranger who makes up markings by the thousand costs a look-up each and not a decision.
    fn decide_read(&self, class: &Class, label: &Label) -> bool {
        let shape = if self.compiled.names_markings { label.clone() } else { label.shape() };
        let known = {
            let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
            memory.reads.get(class).and_then(|known| known.get(&shape)).copied()
        };
        let allowed =
            known.unwrap_or_else(|| ask(&self.compiled, class, "read", Target::Object(&shape)).allowed);
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        memory.make_room(2);
        let reads = memory.reads.entry(class.clone()).or_default();
        let before = reads.len();
        reads.insert(label.clone(), allowed);
        reads.insert(shape, allowed);
        let added = reads.len() - before;
        memory.reads_count += added;
        allowed
    }

    fn purposes(&self, class: &Class) -> BTreeSet<Purpose> {
        if let Some(known) = self.memory.read().unwrap_or_else(PoisonError::into_inner).purposes.get(class) {
            return known.clone();
        }
        let may =
            |purpose: &Purpose| ask(&self.compiled, class, "receive_for", Target::Purpose(*purpose)).allowed;
        let purposes: BTreeSet<Purpose> = Purpose::ALL.iter().copied().filter(may).collect();
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        memory.make_room(1);
        memory.purposes.insert(class.clone(), purposes.clone());
        purposes
    }

    /// Asks one question of every kind, so that a schema which does not fit the program is refused when it is read and does
    /// not turn into a node that refuses everybody everything.
    fn try_out(&self) -> Result<(), PolicyError> {
        let (Some(organisation), Some(originator)) = (OrganisationId::parse("a"), OrganisationId::parse("b"))
        else {
            return Ok(());
        };
        let label = Label {
            realm: oversight::Realm::Live,
            tlp: crate::TlpLabel::Unmarked,
            statements: BTreeSet::new(),
            unknown: BTreeSet::new(),
            originator,
        };
        let kinds = [
            PrincipalKind::Person(String::new()),
            PrincipalKind::Program(String::new()),
            PrincipalKind::Edge(String::new()),
        ];
        for (kind, role) in kinds
            .into_iter()
            .flat_map(|kind| OrganisationRole::ALL.iter().map(move |role| (kind.clone(), role)))
        {
            let class = Class::of(&Principal {
                kind,
                organisation: organisation.clone(),
                organisation_role: *role,
                roles: PersonRole::ALL.iter().copied().collect(),
                realm: oversight::Realm::Live,
            });
            let on_object = ["read", "withdraw_object", "widen_object", "restrict_object"]
                .map(|action| (action, Target::Object(&label)));
            let on_node = OPERATIONS.map(|operation| (node_action(operation), Target::Node));
            let purposes = Purpose::ALL.iter().map(|purpose| ("receive_for", Target::Purpose(*purpose)));
            for (action, target) in on_object.into_iter().chain(on_node).chain(purposes) {
                let answer = ask(&self.compiled, &class, action, target);
                if let Some(error) = answer.because.iter().find(|reason| reason.starts_with("error: ")) {
                    return Err(PolicyError(format!(
                        "the policies fail on a plain question (`{action}`): {error}"
                    )));
                }
            }
        }
        Ok(())
    }
}

impl Memory {
    /// Forgets everything if there is no room for so many more decisions.
    fn make_room(&mut self, more: usize) {
        if self.reads_count + self.operations.len() + self.purposes.len() + more > DECISIONS_MAX {
            *self = Self::default();
        }
    }
}

const OPERATIONS: [Operation; 15] = [
    Operation::Read,
    Operation::Write,
    Operation::Delete,
    Operation::WorkCases,
    Operation::ReportSightings,
    Operation::SeeEdges,
    Operation::Administer,
    Operation::Inspect,
    Operation::SeeReleases,
    Operation::AskRelease,
    Operation::WidenRelease,
    Operation::RestrictRelease,
    Operation::AskQuestions,
    Operation::SubmitAnonymously,
    Operation::OpenSeals,
];

/// The action of the schema that an operation on the node is.
fn node_action(operation: Operation) -> &'static str {
    match operation {
        Operation::Read => "browse",
        Operation::Write => "publish",
        Operation::Delete => "withdraw",
        Operation::WorkCases => "work_cases",
        Operation::ReportSightings => "report_sightings",
        Operation::SeeEdges => "see_edges",
        Operation::Administer => "administer",
        Operation::Inspect => "inspect",
        Operation::SeeReleases => "see_releases",
        Operation::AskRelease => "ask_release",
        Operation::WidenRelease => "widen_release",
        Operation::RestrictRelease => "restrict_release",
        Operation::AskQuestions => "ask_questions",
        Operation::SubmitAnonymously => "submit_anonymously",
        Operation::OpenSeals => "open_seals",
    }
}

fn epoch(policies: &[(String, String)]) -> u64 {
    use sha2::Digest;
    let mut files: Vec<_> = policies.iter().collect();
    files.sort_unstable();
    let mut hash = sha2::Sha256::new();
    for part in files.into_iter().flat_map(|(file, text)| [file, text]) {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
