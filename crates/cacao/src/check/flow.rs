//! The workflow as a graph: who follows whom, what belongs to which branch, where branches end.

use std::collections::{BTreeMap, BTreeSet};

use crate::detail::{Detail, Told};
use crate::finding::{Findings, Pointer};
use crate::step::{Step, StepKind};
use crate::{Playbook, STEPS_MAX};

/// The most branches of a whole playbook: each is walked once.
pub(super) const BRANCHES_TOTAL_MAX: usize = 4_000;
/// How deep branches may lie in branches.
pub(super) const BRANCH_DEPTH_MAX: usize = 16;
/// The most steps walked over all branches. Only branches that share steps, which is an error anyway, come near it.
const STEPS_WALKED_MAX: usize = 50_000;

/// The steps that one frame of a run walks: the main flow, the flow of the exception, or one branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    /// The step that opens it and the name of the branch; none for the main flow and the exception's.
    pub(crate) owner: Owner,
    /// Its first step.
    pub(crate) first: String,
    /// All steps that are in the workflow and reached from the first without entering branches.
    pub(crate) steps: BTreeSet<String>,
}

/// A step and the name of one of its branches.
type Owner = Option<(String, String)>;

/// All regions of a playbook that a run can reach.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) regions: Vec<Region>,
    /// The step that opens branches → which regions.
    by_owner: BTreeMap<String, Vec<usize>>,
}

impl Flow {
    /// Walks the workflow and says what is wrong with it.
    pub(crate) fn of(playbook: &Playbook, findings: &mut Findings) -> Self {
        references(playbook, findings);
        ends_of_steps(playbook, findings);
        let mut flow = Self::default();
        if !flow.walk(playbook, findings) {
            return flow;
        }
        flow.shared_steps(playbook, findings);
        flow.cycles(playbook, findings);
        flow.unreachable(playbook, findings);
        flow
    }

    /// The branches that the step opens.
    pub(crate) fn branches_of(&self, step: &str) -> impl Iterator<Item = &Region> {
        self.by_owner.get(step).into_iter().flatten().filter_map(|index| self.regions.get(*index))
    }

    /// Finds the regions, from the outside to the inside. False where there are too many.
    fn walk(&mut self, playbook: &Playbook, findings: &mut Findings) -> bool {
        let mut open: Vec<(Owner, &str, usize)> = Vec::new();
        open.extend(playbook.workflow_exception.as_deref().map(|first| (None, first, 0)));
        open.extend(playbook.workflow_start.as_deref().map(|first| (None, first, 0)));
        let mut seen = BTreeSet::new();
        let (mut too_deep, mut walked) = (false, 0);
        while let Some((owner, first, depth)) = open.pop() {
            if !playbook.workflow.contains_key(first) || !seen.insert((owner.clone(), first.to_owned())) {
                continue;
            }
            if self.regions.len() >= BRANCHES_TOTAL_MAX || walked > STEPS_WALKED_MAX {
                findings.error(
                    Detail::TooManyBranches.with(&[("most", &BRANCHES_TOTAL_MAX)]),
                    &Pointer::root().at("workflow"),
                );
                return false;
            }
            let steps = reached(playbook, first);
            walked += steps.len();
            for id in &steps {
                let Some(step) = playbook.workflow.get(id) else { continue };
                for (name, inner) in step.branches() {
                    if depth < BRANCH_DEPTH_MAX {
                        open.push((Some((id.clone(), name)), inner, depth + 1));
                    } else if !too_deep {
                        too_deep = true;
                        findings.error(
                            Detail::BranchesTooDeep.with(&[("most", &BRANCH_DEPTH_MAX)]),
                            &Pointer::step(id, ""),
                        );
                    }
                }
            }
            if let Some((owner, _)) = &owner {
                self.by_owner.entry(owner.clone()).or_default().push(self.regions.len());
            }
            self.regions.push(Region { owner, first: first.to_owned(), steps });
        }
        true
    }

    /// A step belongs to one branch: "each branch MUST reference a unique end step" (§4.7 to §4.10), and what two branches share
    /// would lead both to the same end.
    fn shared_steps(&self, playbook: &Playbook, findings: &mut Findings) {
        let mut homes: BTreeMap<&str, &Region> = BTreeMap::new();
        let mut told = BTreeSet::new();
        for region in &self.regions {
            for step in &region.steps {
                let Some(home) = homes.insert(step, region) else { continue };
                // The main flow and the exception's are walked one after the other, never at once.
                let both_outer = home.owner.is_none() && region.owner.is_none();
                if both_outer || !told.insert(step) {
                    continue;
                }
                let is_end =
                    playbook.workflow.get(step).is_some_and(|step| matches!(step.kind, StepKind::End));
                findings.error(shared(home, region, is_end), &Pointer::step(step, ""));
            }
        }
    }

    /// Within a region steps lead forward only; the one way to repeat is a while step.
    fn cycles(&self, playbook: &Playbook, findings: &mut Findings) {
        let mut told = BTreeSet::new();
        for region in &self.regions {
            if let Some((owner, _)) = &region.owner
                && region.steps.contains(owner)
                && told.insert(owner.as_str())
            {
                findings.error(Detail::CycleOfBranch, &Pointer::step(owner, ""));
            }
            for step in cycle_in(playbook, region) {
                if told.insert(step) {
                    findings.error(Detail::Cycle, &Pointer::step(step, ""));
                }
            }
        }
    }

    fn unreachable(&self, playbook: &Playbook, findings: &mut Findings) {
        let reached: BTreeSet<&String> = self.regions.iter().flat_map(|region| &region.steps).collect();
        for id in playbook.workflow.keys().filter(|id| !reached.contains(id)) {
            findings.warn(Detail::UnreachableStep, &Pointer::step(id, ""));
        }
    }
}

/// A step, or the end of both, that belongs to two regions: to two branches, or to a branch and to one of the outer flows.
fn shared(one: &Region, two: &Region, is_end: bool) -> Told {
    let (of_two, of_flow) = if is_end {
        (Detail::SharedEnd, Detail::SharedEndOfFlow)
    } else {
        (Detail::SharedStep, Detail::SharedStepOfFlow)
    };
    match (&one.owner, &two.owner) {
        (Some((step, branch)), Some((other_step, other_branch))) => of_two.with(&[
            ("branch", branch),
            ("step", step),
            ("other_branch", other_branch),
            ("other_step", other_step),
        ]),
        (Some((step, branch)), None) => {
            of_flow.with(&[("first", &two.first), ("branch", branch), ("step", step)])
        }
        (None, Some((step, branch))) => {
            of_flow.with(&[("first", &one.first), ("branch", branch), ("step", step)])
        }
        (None, None) => Told::from(of_flow),
    }
}

/// The steps reached from `first` in its own branch, `first` included.
fn reached(playbook: &Playbook, first: &str) -> BTreeSet<String> {
    let mut steps = BTreeSet::new();
    let mut open = vec![first];
    while let Some(id) = open.pop() {
        let Some(step) = playbook.workflow.get(id) else { continue };
        if steps.insert(id.to_owned()) {
            open.extend(step.followers().into_iter().map(|(_, next)| next));
        }
    }
    steps
}

/// Steps of the region that an edge from behind leads back to. No recursion: a chain may have as many steps as a playbook.
fn cycle_in<'p>(playbook: &'p Playbook, region: &'p Region) -> Vec<&'p str> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        Open,
        Done,
    }
    let mut marks: BTreeMap<&str, Mark> = BTreeMap::new();
    let mut found = Vec::new();
    let followers = |id: &str| -> Vec<&'p str> {
        let step = playbook.workflow.get(id);
        step.map(Step::followers).into_iter().flatten().map(|(_, next)| next).collect()
    };
    let mut stack: Vec<(&str, Vec<&str>)> = vec![(&region.first, followers(&region.first))];
    marks.insert(&region.first, Mark::Open);
    while let Some((id, rest)) = stack.last_mut() {
        let Some(next) = rest.pop() else {
            marks.insert(id, Mark::Done);
            stack.pop();
            continue;
        };
        match marks.get(next) {
            Some(Mark::Open) => found.push(next),
            Some(Mark::Done) => {}
            None if stack.len() <= STEPS_MAX => {
                marks.insert(next, Mark::Open);
                stack.push((next, followers(next)));
            }
            None => {}
        }
    }
    found
}

/// What refers to steps that are not there, or that may not stand there.
fn references(playbook: &Playbook, findings: &mut Findings) {
    let here = |id: &str| playbook.workflow.get(id);
    for (name, id) in
        [("workflow_start", &playbook.workflow_start), ("workflow_exception", &playbook.workflow_exception)]
    {
        let Some(id) = id else { continue };
        if here(id).is_none() {
            findings.error(Detail::MissingStep.with(&[("id", &id)]), &Pointer::root().at(name));
        }
    }
    for (id, step) in &playbook.workflow {
        let branches =
            step.branches().into_iter().map(|(branch, next)| (branch_place(step, id, &branch), next));
        let followers = step.followers().into_iter().map(|(name, next)| (Pointer::step(id, name), next));
        for (place, next) in followers.chain(branches) {
            match here(next) {
                None if next.is_empty() => {}
                None => {
                    findings.error(Detail::MissingStep.with(&[("id", &next)]), &place);
                }
                Some(next) if matches!(next.kind, StepKind::Start) => {
                    findings.error(Detail::StartNotFirst, &place);
                }
                Some(_) => {}
            }
        }
    }
}

fn branch_place(step: &Step, id: &str, branch: &str) -> Pointer {
    match &step.kind {
        StepKind::Parallel(_) => Pointer::step(id, "next_steps").at(branch),
        StepKind::Switch(_) => Pointer::step(id, "cases").at(branch),
        _ => Pointer::step(id, if branch == "false" { "on_false" } else { "on_true" }),
    }
}

/// How each step goes on (§4.1): `on_completion`, or `on_success` and perhaps `on_failure`, and nothing behind an end.
fn ends_of_steps(playbook: &Playbook, findings: &mut Findings) {
    for (id, step) in &playbook.workflow {
        let place = Pointer::step(id, "");
        let (completion, success, failure) =
            (step.on_completion.is_some(), step.on_success.is_some(), step.on_failure.is_some());
        match &step.kind {
            StepKind::End if completion || success || failure => {
                findings.error(Detail::EndContinues, &place);
            }
            StepKind::End => {}
            StepKind::Start if success || failure => {
                findings.error(Detail::StartWithSuccess, &place);
            }
            _ if completion && (success || failure) => {
                findings.error(Detail::CompletionAndSuccess, &place);
            }
            _ if !completion && !success => {
                findings.error(Detail::NoContinuation, &place);
            }
            _ => {}
        }
    }
}
