use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::fast::RandomState;
use oversight::{OrganisationId, OrganisationRole, PersonRole, Purpose};

use crate::circumstances::Facts;
use crate::class::{Class, Kind};
use crate::clearances::Clearances;
use crate::compile::{BUILT_IN, Compiled, Words, compile};
use crate::question::{Asker, Question};
use crate::request::{Answer, Target, ask, decide};
use crate::sitting::{ask_about, ask_all};
use crate::{
    AgreementId, Circumstances, Explainer, Label, LabelKey, Personal, Principal, PrincipalKind, Situation,
    Under, Visible,
};

/// The policies in force and the circumstances under which they stand, and the only way to a decision. Cedar decides; any error in
/// an evaluation denies. A change of policy, of an agreement, of a sharing group, or the instant at which an agreement begins or ends,
/// is a new engine. Decisions are remembered as long as the same policies stand under the same terms.
#[derive(Debug)]
pub struct Engine {
    compiled: Arc<Compiled>,
    circumstances: Arc<Circumstances>,
    facts: Facts,
    policies: u64,
    epoch: u64,
    /// Shared by engines to which the same questions have the same answers.
    memory: Arc<RwLock<Memory>>,
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
    /// Draft, sign, suspend and end agreements for one's organisation.
    Agree,
    /// Make sharing groups, and say who is in one's own.
    ManageGroups,
    /// Ask the commission for an authorisation of state-tasked monitoring.
    RequestAuthorisation,
    /// See the authorisations that concern one's own organisation (all, for the commission).
    SeeAuthorisations,
    /// See what was found under the authorisations that concern one's own organisation.
    SeeSelections,
    /// Decide on authorisations as a commissioner.
    DecideAuthorisation,
    /// Name the commission, and propose another one.
    ConstituteCommission,
    /// Publish statistics of what was authorised.
    PublishStatistics,
    /// Fetch authorisations as an edge, and sign for their use.
    UseAuthorisations,
    /// Write one's own organisation's reports of incidents, and see them.
    WriteReports,
    /// File them, and say what may be given to whom.
    FileReports,
    /// See the reports that one's organisation was given, and answer them.
    AnswerReports,
    /// Enter and confirm clearances and oaths of people.
    QualifyPeople,
    /// Open for oneself what one may not see, in an emergency.
    RaiseEmergency,
    /// Say afterwards whether an emergency was justified.
    ReviewEmergencies,
    /// See playbooks, and the runs and orders that concern one's own organisation.
    ReadRuns,
    /// Bring playbooks in, start and cancel runs, do their tasks.
    RunPlaybooks,
    /// Agree to what a run would carry out, or refuse it.
    ApproveActions,
    /// Have what was ordered undone.
    UndoActions,
    /// Fetch orders as an edge, and report on them.
    ReceiveOrders,
    /// See evidence of cases, its custody, and the requests for it that concern one's own organisation.
    SeeEvidence,
    /// Bring evidence in, take it out, and give it from hand to hand.
    HandleEvidence,
    /// Say what may not be destroyed, and what is.
    KeepEvidence,
    /// Ask another organisation to preserve evidence or to hand it over.
    RequestEvidence,
    /// Answer such a request for one's own organisation.
    AnswerEvidence,
}

/// Why something may or may not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Whether it may.
    pub allowed: bool,
    /// The ids of the policies that decided; none where no policy permits. Failures begin with `error: `.
    pub policies: Vec<String>,
    /// The agreement that gives it, and the number of its term from 1, where only an agreement does.
    pub agreement: Option<(AgreementId, usize)>,
}

/// The policies cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(pub String);

/// Decisions made so far.
#[derive(Debug, Default)]
struct Memory {
    reads: HashMap<Question, Given, RandomState>,
    operations: HashMap<(Class, Operation), bool, RandomState>,
    purposes: HashMap<Class, BTreeSet<Purpose>, RandomState>,
}

/// Whether something may be read, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    No,
    /// By the council's rules.
    Plainly,
    /// By a term alone, by its number in the facts.
    By(usize),
    /// By an emergency alone.
    InEmergency,
}

impl Given {
    fn of(answer: &Answer) -> Self {
        match (answer.allowed, answer.term) {
            (false, _) => Self::No,
            (true, _) if answer.emergency => Self::InEmergency,
            (true, None) => Self::Plainly,
            (true, Some(term)) => Self::By(term),
        }
    }
}

/// So many decisions are remembered; then all are forgotten and made anew. Labels come from outside, and memory is finite.
const DECISIONS_MAX: usize = 200_000;

/// So many questions are asked before their answers are remembered.
const QUESTIONS_AT_ONCE: usize = 4_096;

impl Engine {
    /// Compiles policies, given as (file name, text); refuses what does not parse or does not fit the schema. A file whose name
    /// ends in `.cedarschema` is the schema; without one the built-in schema counts.
    pub fn compile(policies: &[(String, String)]) -> Result<Self, PolicyError> {
        let engine = Self {
            compiled: Arc::new(compile(policies)?),
            circumstances: Arc::default(),
            facts: Facts::default(),
            policies: epoch(policies),
            epoch: epoch(policies),
            memory: Arc::default(),
        };
        engine.try_out()?;
        Ok(engine)
    }

    /// The same policies under other circumstances.
    ///
    /// What was decided is forgotten, unless the terms of agreements are the same, in force alike and between the same organisations. A
    /// [`Question`] holds all else: who is in which group is part of what is asked, and not of the answer.
    #[must_use]
    pub fn under(&self, circumstances: Circumstances) -> Self {
        let facts = Facts::of(&circumstances);
        let memory =
            if facts.have_the_terms_of(&self.facts) { Arc::clone(&self.memory) } else { Arc::default() };
        Self {
            compiled: Arc::clone(&self.compiled),
            facts,
            policies: self.policies,
            epoch: self.policies ^ circumstances.fingerprint(),
            circumstances: Arc::new(circumstances),
            memory,
        }
    }

    /// The circumstances under which the policies stand.
    #[must_use]
    pub fn circumstances(&self) -> &Arc<Circumstances> {
        &self.circumstances
    }

    /// What stands above a policy in its file: what it says, for people.
    #[must_use]
    pub fn words(&self, policy: &str) -> Option<&Words> {
        self.compiled.words.get(policy)
    }

    /// The policies that the program brings along (`policies/*.cedar`).
    #[must_use]
    pub fn built_in() -> Vec<(String, String)> {
        BUILT_IN.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect()
    }

    /// A number that stands for these policies, agreements and groups and no others, the same on every node that has them.
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

    /// Whether the principal may do something to objects under a label. What it may not read, or reads in an emergency alone, it may not
    /// withdraw; all other
    /// operations are about the node, in the label's realm.
    #[must_use]
    pub fn check(&self, principal: &Principal, operation: Operation, label: &Label) -> bool {
        let node = || self.may(principal, operation);
        match operation {
            Operation::Read => self.may_read(principal, label),
            Operation::Delete => {
                self.reads_usually(principal, label)
                    && node()
                    && self.may_on(principal, "withdraw_object", label)
            }
            Operation::WidenRelease | Operation::RestrictRelease => {
                let action =
                    if operation == Operation::WidenRelease { "widen_object" } else { "restrict_object" };
                self.reads_usually(principal, label) && node() && self.may_on(principal, action, label)
            }
            Operation::SeeReleases
            | Operation::AskRelease
            | Operation::AskQuestions
            | Operation::SubmitAnonymously
            | Operation::OpenSeals
            | Operation::Agree
            | Operation::ManageGroups
            | Operation::RequestAuthorisation
            | Operation::SeeAuthorisations
            | Operation::SeeSelections
            | Operation::DecideAuthorisation
            | Operation::ConstituteCommission
            | Operation::PublishStatistics
            | Operation::UseAuthorisations
            | Operation::WriteReports
            | Operation::FileReports
            | Operation::AnswerReports
            | Operation::QualifyPeople
            | Operation::RaiseEmergency
            | Operation::ReviewEmergencies
            | Operation::ReadRuns
            | Operation::RunPlaybooks
            | Operation::ApproveActions
            | Operation::UndoActions
            | Operation::ReceiveOrders
            | Operation::SeeEvidence
            | Operation::HandleEvidence
            | Operation::KeepEvidence
            | Operation::RequestEvidence
            | Operation::AnswerEvidence
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
        let (mut keys, mut under, mut urgent) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        let mut take = |key: LabelKey, received: Option<&AgreementId>, given: Given| {
            if given != Given::No {
                keys.push(key);
                if given == Given::InEmergency {
                    urgent.insert(key);
                }
                under.extend(self.under_which(received, given).map(|under| (key, under)));
            }
        };
        let (mut unknown, mut copies) = (Vec::new(), Vec::new());
        {
            let asker = self.asker(&class);
            let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
            for (key, label) in labels {
                if !label.instead_of.is_empty() {
                    copies.push((key, label));
                    continue;
                }
                let question = asker.question(label);
                match memory.reads.get(&question) {
                    Some(given) => take(key, label.agreement.as_ref(), *given),
                    None => unknown.push((key, label.agreement.as_ref(), question)),
                }
            }
        }
        let mut told = Vec::with_capacity(unknown.len());
        let questions: Vec<Question> = unknown
            .into_iter()
            .map(|(key, received, question)| {
                told.push((key, received));
                question
            })
            .collect();
        for ((key, received), given) in told.into_iter().zip(self.decide_reads(questions)) {
            take(key, received, given);
        }
        for (key, label) in copies {
            take(key, label.agreement.as_ref(), self.shown(&class, label));
        }
        let purposes = self.purposes(&class);
        Visible::new(keys, under, class, purposes, self.epoch).in_emergency(urgent)
    }

    /// The agreement that something is given under: that of the term which gives it, else the one under which it came in.
    fn under_which(&self, received: Option<&AgreementId>, given: Given) -> Option<Under> {
        let clause = match given {
            Given::By(term) => self.facts.clause(term),
            Given::No | Given::Plainly | Given::InEmergency => None,
        };
        match clause {
            Some(clause) => Some(Under { agreement: clause.agreement.clone(), term: Some(clause.number) }),
            None => received.map(|agreement| Under { agreement: agreement.clone(), term: None }),
        }
    }

    /// Why the principal may or may not read: the ids of the policies that decided, for the console's "who can see this".
    /// None decided where no policy permits.
    #[must_use]
    pub fn explain(&self, principal: &Principal, label: &Label) -> (bool, Vec<String>) {
        let explanation = self.reasons(principal, label);
        (explanation.allowed, explanation.policies)
    }

    /// The same, with the agreement that gives it.
    #[must_use]
    pub fn reasons(&self, principal: &Principal, label: &Label) -> Explanation {
        Explainer::new(self).reasons(principal, label)
    }

    /// The clearances and oaths that there are.
    #[must_use]
    pub fn clearances(&self) -> &Clearances {
        &self.compiled.clearances
    }

    /// Which kinds of organisations may read what bears a label, beside its originator: those whose analysts may, in an
    /// organisation of their own, where they hold the clearances and oaths that it demands.
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
                purpose: Purpose::CollectiveDefence,
                personal: Personal { qualifications: label.demands.clone(), ..Personal::default() },
            };
            self.may_read(&principal, label)
        };
        OrganisationRole::ALL.iter().copied().filter(reads).collect()
    }

    /// What these policies say of one request, whoever thought of it. Nothing is remembered.
    #[must_use]
    pub fn replay(&self, situation: &Situation) -> bool {
        decide(&self.compiled, situation).allowed
    }

    /// The organisations that policies of this set name.
    #[must_use]
    pub fn names(&self) -> &[OrganisationId] {
        &self.compiled.organisations
    }

    pub(crate) fn parts(&self) -> (&Compiled, &Facts) {
        (&self.compiled, &self.facts)
    }

    pub(crate) fn asker<'a>(&'a self, class: &'a Class) -> Asker<'a> {
        Asker::new(class, &self.compiled, &self.facts)
    }

    fn may_on(&self, principal: &Principal, action: &str, label: &Label) -> bool {
        let question = self.asker(&Class::of(principal)).question(label);
        ask_about(&self.compiled, &self.facts, action, &question).allowed
    }

    fn may_read(&self, principal: &Principal, label: &Label) -> bool {
        self.shown(&Class::of(principal), label) != Given::No
    }

    /// Whether something may be read by more than an emergency, which is for looking and for nothing else.
    fn reads_usually(&self, principal: &Principal, label: &Label) -> bool {
        !matches!(self.shown(&Class::of(principal), label), Given::No | Given::InEmergency)
    }

    /// By what something is shown, redacted copies told apart.
    fn shown(&self, class: &Class, label: &Label) -> Given {
        if self.is_replaced(class, label) {
            Given::No
        } else {
            self.decide_read(self.asker(class).question(label))
        }
    }

    /// Whether a redacted copy is not for these readers, because they have the original, or a copy that holds more of it.
    pub(crate) fn is_replaced(&self, class: &Class, label: &Label) -> bool {
        let reads = |other: &Label| self.decide_read(self.asker(class).question(other)) != Given::No;
        // Its originator has the original, but for its people who lack a clearance that the original demands.
        let has_own = label.originator == class.organisation
            && (class.kind == Kind::Peer || label.instead_of.iter().all(|other| other.demands.is_empty()));
        !label.instead_of.is_empty() && (has_own || label.instead_of.iter().any(reads))
    }

    fn decide_read(&self, question: Question) -> Given {
        let known = self.memory.read().unwrap_or_else(PoisonError::into_inner).reads.get(&question).copied();
        if let Some(known) = known {
            return known;
        }
        let given = Given::of(&ask_about(&self.compiled, &self.facts, "read", &question));
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        memory.make_room(1);
        memory.reads.insert(question, given);
        given
    }

    /// The same of many questions of one class that were not answered yet, in their order.
    fn decide_reads(&self, questions: Vec<Question>) -> Vec<Given> {
        let mut all = Vec::with_capacity(questions.len());
        let mut waiting = questions.into_iter();
        loop {
            let some: Vec<Question> = waiting.by_ref().take(QUESTIONS_AT_ONCE).collect();
            if some.is_empty() {
                return all;
            }
            let distinct: Vec<&Question> =
                some.iter().collect::<HashSet<_, RandomState>>().into_iter().collect();
            let answers = ask_all(&self.compiled, &self.facts, "read", &distinct);
            let answered: HashMap<&Question, Given, RandomState> =
                distinct.into_iter().zip(answers.iter().map(Given::of)).collect();
            let first = all.len();
            all.extend(some.iter().map(|question| answered.get(question).copied().unwrap_or(Given::No)));
            let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
            memory.make_room(some.len());
            memory.reads.extend(some.into_iter().zip(all.iter().skip(first).copied()));
        }
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
        let label = Label::unmarked(&originator, &oversight::Realm::Live);
        let kinds = [
            PrincipalKind::Person(String::new()),
            PrincipalKind::Program(String::new()),
            PrincipalKind::Edge(String::new()),
            PrincipalKind::Peer(String::new()),
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
                purpose: Purpose::CollectiveDefence,
                personal: Personal::default(),
            });
            let question = self.asker(&class).question(&label);
            let on_object = ["read", "withdraw_object", "widen_object", "restrict_object"]
                .map(|action| (action, ask_about(&self.compiled, &self.facts, action, &question)));
            let on_node = OPERATIONS.map(|operation| (node_action(operation), Target::Node));
            let purposes = Purpose::ALL.iter().map(|purpose| ("receive_for", Target::Purpose(*purpose)));
            let plain = on_node.into_iter().chain(purposes);
            let plain = plain.map(|(action, target)| (action, ask(&self.compiled, &class, action, target)));
            for (action, answer) in on_object.into_iter().chain(plain) {
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
        if self.reads.len() + self.operations.len() + self.purposes.len() + more > DECISIONS_MAX {
            *self = Self::default();
        }
    }
}

/// Every operation.
pub(crate) const OPERATIONS: [Operation; 40] = [
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
    Operation::Agree,
    Operation::ManageGroups,
    Operation::RequestAuthorisation,
    Operation::SeeAuthorisations,
    Operation::SeeSelections,
    Operation::DecideAuthorisation,
    Operation::ConstituteCommission,
    Operation::PublishStatistics,
    Operation::UseAuthorisations,
    Operation::WriteReports,
    Operation::FileReports,
    Operation::AnswerReports,
    Operation::QualifyPeople,
    Operation::RaiseEmergency,
    Operation::ReviewEmergencies,
    Operation::ReadRuns,
    Operation::RunPlaybooks,
    Operation::ApproveActions,
    Operation::UndoActions,
    Operation::ReceiveOrders,
    Operation::SeeEvidence,
    Operation::HandleEvidence,
    Operation::KeepEvidence,
    Operation::RequestEvidence,
    Operation::AnswerEvidence,
];

/// The action of the schema that an operation on the node is.
impl Operation {
    /// Every operation.
    pub const ALL: &'static [Self] = &OPERATIONS;

    /// Its name in policies, as an action on the node.
    #[must_use]
    pub fn name(self) -> &'static str {
        node_action(self)
    }
}

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
        Operation::Agree => "agree",
        Operation::ManageGroups => "manage_groups",
        Operation::RequestAuthorisation => "request_authorisation",
        Operation::SeeAuthorisations => "see_authorisations",
        Operation::SeeSelections => "see_selections",
        Operation::DecideAuthorisation => "decide_authorisation",
        Operation::ConstituteCommission => "constitute_commission",
        Operation::PublishStatistics => "publish_statistics",
        Operation::UseAuthorisations => "use_authorisations",
        Operation::WriteReports => "write_reports",
        Operation::FileReports => "file_reports",
        Operation::AnswerReports => "answer_reports",
        Operation::QualifyPeople => "qualify_people",
        Operation::RaiseEmergency => "raise_emergency",
        Operation::ReviewEmergencies => "review_emergencies",
        Operation::ReadRuns => "read_runs",
        Operation::RunPlaybooks => "run_playbooks",
        Operation::ApproveActions => "approve_actions",
        Operation::UndoActions => "undo_actions",
        Operation::ReceiveOrders => "receive_orders",
        Operation::SeeEvidence => "see_evidence",
        Operation::HandleEvidence => "handle_evidence",
        Operation::KeepEvidence => "keep_evidence",
        Operation::RequestEvidence => "request_evidence",
        Operation::AnswerEvidence => "answer_evidence",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GroupId, Trial};

    #[test]
    fn decisions_are_forgotten_with_the_terms_and_not_with_a_group() {
        let built_in = Engine::compile(&Engine::built_in()).unwrap();
        let given = Trial::new(&built_in, 1, 0).circumstances().clone();
        let remembers = |one: &Engine, other: &Engine| Arc::ptr_eq(&one.memory, &other.memory);
        let engine = built_in.under(given.clone());
        assert!(!remembers(&built_in, &engine), "terms came");

        let mut grouped = given.clone();
        let member = given.organisations.keys().next().cloned().into_iter();
        grouped.groups.insert(GroupId(uuid::Uuid::from_u128(77)), member.collect());
        let with_group = engine.under(grouped);
        assert!(remembers(&engine, &with_group));
        assert_ne!(engine.epoch(), with_group.epoch());

        let mut over = given;
        over.agreements.pop();
        assert!(!remembers(&engine, &engine.under(over)), "terms are gone");
    }
}
