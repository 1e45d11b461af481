//! The search for observations that satisfy a pattern together (STIX 2.1 §9.5): which observation stands for which `[ … ]`.
//!
//! A depth-first search: each operator offers the bindings of its operands one by one and what stands around it goes on with
//! each. Constraints of time are looked at with every single observation that is added, which is as right as looking at the end,
//! because none of them becomes true again by more observations; and it keeps most combinations from being built.

use super::EvaluateError;

/// Observation operators over numbered comparisons.
#[derive(Debug)]
pub(super) enum Node {
    Test(usize),
    And(Vec<Self>),
    Or(Vec<Self>),
    FollowedBy(Vec<Self>),
    Within { inner: Box<Self>, span: i128 },
    Repeats { inner: Box<Self>, times: u64 },
    StartStop { inner: Box<Self>, start: i128, stop: i128 },
}

/// The most bindings of what stands before `REPEATS`.
const REPEATED_MAX: usize = 1 << 14;

/// What is known of the observations. Times are in nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Hits<'a> {
    /// For each comparison of the pattern, from left to right, the observations that satisfy it.
    pub tests: &'a [Vec<usize>],
    /// Start and end of each observation.
    pub spans: &'a [(i128, i128)],
    /// How often each observation was made.
    pub numbers: &'a [u64],
    /// An observation that must be among those bound; `None` asks for any.
    pub including: Option<usize>,
    /// After how many steps the search is given up.
    pub steps_max: u64,
}

/// One comparison and the observation that stands for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bound {
    /// The observation's number in the list.
    pub observation: usize,
    /// The comparison's number in the pattern, from left to right.
    pub test: usize,
    /// How many times, where the observation was made several times.
    pub times: u64,
}

/// Observations that satisfy a pattern together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Each comparison that was needed, with its observation; alternatives that were not needed are left out.
    pub bound: Vec<Bound>,
}

impl Binding {
    /// The observations, each once, rising.
    #[must_use]
    pub fn observations(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.bound.iter().map(|bound| bound.observation).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl Node {
    /// How many operators and tests stand within each other or must hold together.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Test(_) => 1,
            Self::And(members) | Self::FollowedBy(members) => {
                members.iter().map(Self::depth).fold(1, usize::saturating_add)
            }
            Self::Or(members) => 1 + members.iter().map(Self::depth).max().unwrap_or_default(),
            Self::Within { inner, .. } | Self::Repeats { inner, .. } | Self::StartStop { inner, .. } => {
                1 + inner.depth()
            }
        }
    }

    /// How many observations a binding has at least.
    pub(super) fn size_min(&self) -> u64 {
        match self {
            Self::Test(_) => 1,
            Self::And(members) | Self::FollowedBy(members) => {
                members.iter().map(Self::size_min).fold(0, u64::saturating_add)
            }
            Self::Or(members) => members.iter().map(Self::size_min).min().unwrap_or(u64::MAX),
            Self::Repeats { inner, times } => inner.size_min().saturating_mul(*times),
            Self::Within { inner, .. } | Self::StartStop { inner, .. } => inner.size_min(),
        }
    }

    /// Whether every comparison that cannot be done without is satisfied by something.
    fn possible(&self, hits: &Hits<'_>) -> bool {
        match self {
            Self::Test(test) => hits.tests.get(*test).is_some_and(|observations| !observations.is_empty()),
            Self::And(members) | Self::FollowedBy(members) => {
                members.iter().all(|member| member.possible(hits))
            }
            Self::Or(members) => members.iter().any(|member| member.possible(hits)),
            Self::Within { inner, .. } | Self::Repeats { inner, .. } | Self::StartStop { inner, .. } => {
                inner.possible(hits)
            }
        }
    }

    /// Whether the comparison stands in this part.
    fn contains(&self, test: usize) -> bool {
        match self {
            Self::Test(own) => *own == test,
            Self::And(members) | Self::Or(members) | Self::FollowedBy(members) => {
                members.iter().any(|member| member.contains(test))
            }
            Self::Within { inner, .. } | Self::Repeats { inner, .. } | Self::StartStop { inner, .. } => {
                inner.contains(test)
            }
        }
    }
}

/// Looks for a binding.
pub(super) fn search(root: &Node, hits: &Hits<'_>) -> Result<Option<Binding>, EvaluateError> {
    let available = hits.numbers.iter().fold(0_u64, |sum, number| sum.saturating_add(*number));
    if root.size_min() > available {
        return Ok(None);
    }
    if !root.possible(hits) {
        return Ok(None);
    }
    let mut search = Search::new(hits);
    let Some(including) = hits.including else { return search.run(root) };
    // The one that must be there is put in the place of each comparison that it satisfies.
    for (test, observations) in hits.tests.iter().enumerate() {
        if observations.contains(&including) {
            search.pinned = Some((test, including));
            if let Some(binding) = search.run(root)? {
                return Ok(Some(binding));
            }
        }
    }
    Ok(None)
}

/// A restriction on the observations that are bound while it is active.
#[derive(Debug, Clone, Copy)]
enum Constraint {
    /// There is a moment in each such that all lie within the span: the latest start is not further than that from the earliest
    /// end.
    Within { span: i128, latest: i128, earliest: i128 },
    /// There is a moment in each that is not before this one.
    NotBefore(i128),
    /// There is a moment in each from `start` on and before `stop`.
    Between { start: i128, stop: i128 },
}

/// Goes on with what has been bound; `true` ends the search.
type Next<'n, 'a> = &'n mut dyn FnMut(&mut Search<'a>) -> Result<bool, EvaluateError>;

struct Search<'a> {
    hits: &'a Hits<'a>,
    bound: Vec<Bound>,
    /// How often each observation is in use.
    used: Vec<u64>,
    active: Vec<Constraint>,
    /// What `latest` and `earliest` were before each observation that is bound, for each `Within` that was active.
    before: Vec<(i128, i128)>,
    steps: u64,
    /// A comparison and the observation that must stand for it.
    pinned: Option<(usize, usize)>,
}

impl<'a> Search<'a> {
    fn new(hits: &'a Hits<'a>) -> Self {
        let used = vec![0; hits.spans.len()];
        Self { hits, bound: Vec::new(), used, active: Vec::new(), before: Vec::new(), steps: 0, pinned: None }
    }

    /// Ends with nothing bound, unless something was found.
    fn run(&mut self, root: &Node) -> Result<Option<Binding>, EvaluateError> {
        let mut found = None;
        self.each(root, &mut |search| {
            let included =
                search.hits.including.is_none_or(|one| search.bound.iter().any(|b| b.observation == one));
            if included {
                found = Some(Binding { bound: search.bound.clone() });
            }
            Ok(included)
        })?;
        Ok(found)
    }

    fn each(&mut self, node: &Node, next: Next<'_, 'a>) -> Result<bool, EvaluateError> {
        match node {
            Node::Test(test) => self.each_hit(*test, next),
            Node::And(members) => self.all(members, None, next),
            Node::FollowedBy(members) => self.all(members, Some(self.bound.len()), next),
            Node::Or(members) => {
                let only = self.pinned.filter(|(test, _)| node.contains(*test));
                for member in
                    members.iter().filter(|member| only.is_none_or(|(test, _)| member.contains(test)))
                {
                    if self.each(member, next)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Node::Within { inner, span } => {
                let constraint = Constraint::Within { span: *span, latest: i128::MIN, earliest: i128::MAX };
                self.constrained(inner, Some(constraint), next)
            }
            Node::StartStop { inner, start, stop } => {
                if start >= stop {
                    return Ok(false);
                }
                self.constrained(inner, Some(Constraint::Between { start: *start, stop: *stop }), next)
            }
            Node::Repeats { inner, times: 1 } => self.each(inner, next),
            Node::Repeats { inner, times } => self.repeated(inner, *times, next),
        }
    }

    /// Offers the observations that satisfy one comparison.
    fn each_hit(&mut self, test: usize, next: Next<'_, 'a>) -> Result<bool, EvaluateError> {
        let hits = self.hits.tests.get(test).map(Vec::as_slice).unwrap_or_default();
        let pinned = self.pinned.filter(|(pinned, _)| *pinned == test).map(|(_, observation)| observation);
        for observation in hits.iter().copied().filter(|one| pinned.is_none_or(|pinned| pinned == *one)) {
            if self.take(Bound { observation, test, times: 1 })? {
                if next(self)? {
                    return Ok(true);
                }
                self.release();
            }
        }
        Ok(false)
    }

    /// All members, on different observations; where `ordered` says from where on the first of them are bound, each later than
    /// those before it.
    fn all(
        &mut self,
        members: &[Node],
        ordered: Option<usize>,
        next: Next<'_, 'a>,
    ) -> Result<bool, EvaluateError> {
        let Some((first, rest)) = members.split_first() else { return next(self) };
        let earlier = ordered.and_then(|start| self.bound.get(start..)).unwrap_or_default();
        let latest = earlier.iter().map(|bound| self.span(bound.observation).0).max();
        self.constrained(first, latest.map(Constraint::NotBefore), &mut |search| {
            search.all(rest, ordered, next)
        })
    }

    /// A part under a constraint, which does not bind what comes after the part.
    fn constrained(
        &mut self,
        inner: &Node,
        constraint: Option<Constraint>,
        next: Next<'_, 'a>,
    ) -> Result<bool, EvaluateError> {
        self.active.extend(constraint);
        let found = self.each(inner, &mut |search| {
            let constraint = if constraint.is_some() { search.active.pop() } else { None };
            let found = next(search);
            search.active.extend(constraint);
            found
        });
        if constraint.is_some() {
            self.active.pop();
        }
        found
    }

    /// `times` bindings of the inner part that share no observation. Which of two equal ones comes first makes no difference,
    /// so they are chosen in the order of a list, each as often as it can be.
    fn repeated(&mut self, inner: &Node, times: u64, next: Next<'_, 'a>) -> Result<bool, EvaluateError> {
        let (list, needed) = self.bindings(inner)?;
        if needed == Some(0) {
            return Ok(false);
        }
        let mut chosen: Vec<(usize, u64)> = Vec::new();
        let (mut at, mut left) = (0, times);
        loop {
            while left > 0
                && let Some(binding) = list.get(at)
            {
                let copies = self.take_copies(binding, left)?;
                if copies > 0 {
                    chosen.push((at, copies));
                    left -= copies;
                }
                at += 1;
            }
            if left == 0 && next(self)? {
                return Ok(true);
            }
            loop {
                let Some((last, copies)) = chosen.pop() else { return Ok(false) };
                let Some(binding) = list.get(last) else { return Ok(false) };
                self.release_all(binding.len());
                left += copies;
                if copies > 1 && self.take_all(binding, copies - 1)? {
                    chosen.push((last, copies - 1));
                    left -= copies - 1;
                }
                at = last + 1;
                let first = chosen.first().map_or(at, |(first, _)| *first);
                if needed.is_none_or(|needed| first < needed)
                    && self.can_reach(list.get(at..).unwrap_or_default(), left)?
                {
                    break;
                }
            }
        }
    }

    /// The bindings of a part, each once. Where the pinned comparison stands in it, those with the pinned observation come
    /// first, and their number is the second value: one of them must be chosen.
    fn bindings(&mut self, inner: &Node) -> Result<(Vec<Vec<Bound>>, Option<usize>), EvaluateError> {
        let start = self.bound.len();
        // Only one of the repetitions is to have the pinned observation.
        let pinned = self.pinned.take();
        let mut list: Vec<Vec<Bound>> = Vec::new();
        self.each(inner, &mut |search| {
            let mut binding = search.bound.get(start..).unwrap_or_default().to_vec();
            binding.sort_unstable();
            list.push(binding);
            // Keeping one costs as much as trying many.
            search.spend(8)?;
            if list.len() > REPEATED_MAX { Err(EvaluateError::TooMuchWork) } else { Ok(false) }
        })?;
        self.pinned = pinned;
        let observations =
            |binding: &Vec<Bound>| binding.iter().map(|b| (b.observation, b.times)).collect::<Vec<_>>();
        list.sort_by_cached_key(observations);
        list.dedup_by_key(|binding| observations(binding));
        let Some((_, one)) = pinned.filter(|(test, _)| inner.contains(*test)) else {
            return Ok((list, None));
        };
        let (mut with, without): (Vec<_>, Vec<_>) =
            list.into_iter().partition(|binding| binding.iter().any(|bound| bound.observation == one));
        let needed = with.len();
        with.extend(without);
        Ok((with, Some(needed)))
    }

    /// Whether enough of the bindings could each be added by itself.
    fn can_reach(&mut self, list: &[Vec<Bound>], left: u64) -> Result<bool, EvaluateError> {
        let mut reached = 0_u64;
        for binding in list {
            if reached >= left {
                break;
            }
            let copies = self.take_copies(binding, left)?;
            if copies > 0 {
                self.release_all(binding.len());
                reached = reached.saturating_add(copies);
            }
        }
        Ok(reached >= left)
    }

    /// Adds the binding as many times as it can be, at most `most`; gives how many times.
    fn take_copies(&mut self, binding: &[Bound], most: u64) -> Result<u64, EvaluateError> {
        let mut copies = most;
        for bound in binding {
            let same = binding.iter().filter(|other| other.observation == bound.observation);
            let each: u64 = same.map(|other| other.times).sum();
            copies = copies.min(self.free(bound.observation) / each.max(1));
        }
        Ok(if copies > 0 && self.take_all(binding, copies)? { copies } else { 0 })
    }

    fn take_all(&mut self, binding: &[Bound], copies: u64) -> Result<bool, EvaluateError> {
        for (count, bound) in binding.iter().enumerate() {
            if !self.take(Bound { times: bound.times.saturating_mul(copies), ..*bound })? {
                self.release_all(count);
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn free(&self, observation: usize) -> u64 {
        let number = self.hits.numbers.get(observation).copied().unwrap_or_default();
        number.saturating_sub(self.used.get(observation).copied().unwrap_or_default())
    }

    fn span(&self, observation: usize) -> (i128, i128) {
        self.hits.spans.get(observation).copied().unwrap_or_default()
    }

    fn spend(&mut self, steps: u64) -> Result<(), EvaluateError> {
        self.steps += steps;
        if self.steps > self.hits.steps_max { Err(EvaluateError::TooMuchWork) } else { Ok(()) }
    }

    /// Binds an observation if it is free and no constraint forbids it.
    fn take(&mut self, bound: Bound) -> Result<bool, EvaluateError> {
        self.spend(1)?;
        if self.free(bound.observation) < bound.times || !self.allowed(bound.observation) {
            return Ok(false);
        }
        if let Some(used) = self.used.get_mut(bound.observation) {
            *used += bound.times;
        }
        let (first, last) = self.span(bound.observation);
        for constraint in &mut self.active {
            if let Constraint::Within { latest, earliest, .. } = constraint {
                self.before.push((*latest, *earliest));
                (*latest, *earliest) = ((*latest).max(first), (*earliest).min(last));
            }
        }
        self.bound.push(bound);
        Ok(true)
    }

    fn allowed(&self, observation: usize) -> bool {
        let (first, last) = self.span(observation);
        self.active.iter().all(|constraint| match *constraint {
            Constraint::NotBefore(moment) => last >= moment,
            Constraint::Between { start, stop } => first < stop && last >= start,
            Constraint::Within { span, latest, earliest } => {
                latest.max(first).saturating_sub(earliest.min(last)) <= span
            }
        })
    }

    /// Takes back what was bound last. The constraints that are active are those that were when it was bound.
    fn release(&mut self) {
        let Some(bound) = self.bound.pop() else { return };
        if let Some(used) = self.used.get_mut(bound.observation) {
            *used -= bound.times;
        }
        for constraint in self.active.iter_mut().rev() {
            if let Constraint::Within { latest, earliest, .. } = constraint
                && let Some(before) = self.before.pop()
            {
                (*latest, *earliest) = before;
            }
        }
    }

    fn release_all(&mut self, count: usize) {
        for _ in 0..count {
            self.release();
        }
    }
}
