//! Ways through a graph that is too large to hold: whoever asks hands in a function that gives a node's neighbours.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How far a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Longest path, in edges.
    pub depth: usize,
    /// Nodes whose neighbours are asked for, over both ends.
    pub expansions: usize,
}

/// What a search for a path came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way<N> {
    /// The nodes from one end to the other, both included: no path is shorter.
    Found(Vec<N>),
    /// There is none within the depth.
    None,
    /// The budget was used up before one was found.
    GivenUp,
}

/// A shortest path between two nodes of an undirected graph, searched from both ends in turn, always from the side that has
/// fewer nodes open: a hub with a hundred thousand neighbours is opened last. Equal inputs give the same path.
///
/// `neighbours` may leave out some of a node's neighbours where there are too many; a path through those is not found.
///
/// # Errors
/// What `neighbours` gives.
pub fn shortest_path<N: Ord + Clone, E>(
    from: &N,
    to: &N,
    budget: Budget,
    mut neighbours: impl FnMut(&N) -> Result<Vec<N>, E>,
) -> Result<Way<N>, E> {
    if from == to {
        return Ok(Way::Found(vec![from.clone()]));
    }
    let mut sides = [Side::new(from), Side::new(to)];
    let mut left = budget.expansions;
    for _ in 0..budget.depth {
        let [one, other] = &mut sides;
        let (side, far) = if one.open.len() <= other.open.len() { (one, other) } else { (other, one) };
        if side.open.is_empty() {
            return Ok(Way::None);
        }
        let mut meeting: BTreeSet<N> = BTreeSet::new();
        for node in std::mem::take(&mut side.open) {
            if left == 0 {
                return Ok(Way::GivenUp);
            }
            left -= 1;
            for next in neighbours(&node)? {
                if side.came_from.contains_key(&next) {
                    continue;
                }
                if far.came_from.contains_key(&next) {
                    meeting.insert(next.clone());
                }
                side.came_from.insert(next.clone(), Some(node.clone()));
                side.open.push(next);
            }
        }
        side.open.sort();
        if let Some(middle) = meeting.first() {
            let [one, other] = &sides;
            let mut path = one.way_back(middle);
            path.reverse();
            path.extend(other.way_back(middle).into_iter().skip(1));
            return Ok(Way::Found(path));
        }
    }
    Ok(Way::None)
}

/// The nodes that every one of the starts has for a neighbour, the starts themselves left out.
///
/// # Errors
/// What `neighbours` gives.
pub fn common_neighbours<N: Ord + Clone, E>(
    starts: &[N],
    mut neighbours: impl FnMut(&N) -> Result<Vec<N>, E>,
) -> Result<BTreeSet<N>, E> {
    let mut common: Option<BTreeSet<N>> = None;
    for start in starts {
        let these: BTreeSet<N> =
            neighbours(start)?.into_iter().filter(|node| !starts.contains(node)).collect();
        common = Some(match common {
            None => these,
            Some(known) => known.intersection(&these).cloned().collect(),
        });
    }
    Ok(common.unwrap_or_default())
}

/// Everything that can be reached, as groups: what hangs together. Each group sorted, the groups by their first node.
#[must_use]
pub fn components<N: Ord + Clone>(nodes: &BTreeSet<N>, edges: &[(N, N)]) -> Vec<Vec<N>> {
    let mut beside: BTreeMap<&N, Vec<&N>> = BTreeMap::new();
    for (a, b) in edges {
        beside.entry(a).or_default().push(b);
        beside.entry(b).or_default().push(a);
    }
    let mut seen: BTreeSet<&N> = BTreeSet::new();
    let mut groups = Vec::new();
    for node in nodes {
        if !seen.insert(node) {
            continue;
        }
        let mut group = vec![node.clone()];
        let mut queue = VecDeque::from([node]);
        while let Some(at) = queue.pop_front() {
            for next in beside.get(at).into_iter().flatten() {
                if nodes.contains(*next) && seen.insert(next) {
                    group.push((*next).clone());
                    queue.push_back(next);
                }
            }
        }
        group.sort();
        groups.push(group);
    }
    groups
}

struct Side<N> {
    came_from: BTreeMap<N, Option<N>>,
    open: Vec<N>,
}

impl<N: Ord + Clone> Side<N> {
    fn new(start: &N) -> Self {
        Self { came_from: BTreeMap::from([(start.clone(), None)]), open: vec![start.clone()] }
    }

    /// From a node back to this side's start, both included.
    fn way_back(&self, node: &N) -> Vec<N> {
        let mut way = vec![node.clone()];
        let mut at = node;
        while let Some(Some(before)) = self.came_from.get(at) {
            way.push(before.clone());
            at = before;
        }
        way
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::{prop, proptest};

    use super::*;

    const WIDE: Budget = Budget { depth: 100, expansions: 10_000 };

    fn beside(edges: &[(u8, u8)], node: u8) -> Vec<u8> {
        let ends = edges.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]);
        ends.filter(|(a, _)| *a == node).map(|(_, b)| b).collect()
    }

    fn path(edges: &[(u8, u8)], from: u8, to: u8, budget: Budget) -> Way<u8> {
        shortest_path(&from, &to, budget, |node| Ok::<_, Infallible>(beside(edges, *node))).unwrap()
    }

    #[test]
    fn loops_end_and_budgets_hold() {
        let ring = [(1, 2), (2, 3), (3, 1), (3, 4)];
        assert_eq!(path(&ring, 1, 4, WIDE), Way::Found(vec![1, 3, 4]));
        assert_eq!(path(&ring, 1, 1, WIDE), Way::Found(vec![1]));
        assert_eq!(path(&ring, 1, 9, WIDE), Way::None);
        let line: Vec<(u8, u8)> = (0..50).map(|n| (n, n + 1)).collect();
        assert_eq!(path(&line, 0, 50, Budget { depth: 6, expansions: 1000 }), Way::None);
        assert_eq!(path(&line, 0, 50, Budget { depth: 100, expansions: 5 }), Way::GivenUp);
    }

    #[test]
    fn a_hub_of_a_hundred_thousand_is_opened_last() {
        let mut asked = Vec::new();
        let way = shortest_path(&0_u32, &7, WIDE, |node| {
            asked.push(*node);
            Ok::<_, Infallible>(match node {
                0 => (100..100_100).collect(),
                100 => vec![0, 7],
                7 => vec![100],
                _ => vec![0],
            })
        });
        assert_eq!(way, Ok(Way::Found(vec![0, 100, 7])));
        assert!(asked.len() <= 3, "{asked:?}");
    }

    proptest! {
        #[test]
        fn no_path_is_shorter(edges in prop::collection::vec((0_u8..12, 0_u8..12), 0..30), from in 0_u8..12, to in 0_u8..12) {
            // Breadth first from one end only: slow and obvious.
            let mut distance = BTreeMap::from([(from, 0_usize)]);
            let mut queue = VecDeque::from([from]);
            while let Some(at) = queue.pop_front() {
                for next in beside(&edges, at) {
                    if !distance.contains_key(&next) {
                        distance.insert(next, distance[&at] + 1);
                        queue.push_back(next);
                    }
                }
            }
            match path(&edges, from, to, WIDE) {
                Way::Found(way) => {
                    assert_eq!(way.len() - 1, distance[&to]);
                    assert_eq!((way.first(), way.last()), (Some(&from), Some(&to)));
                    assert!(way.windows(2).all(|step| beside(&edges, step[0]).contains(&step[1])));
                }
                Way::None => assert!(!distance.contains_key(&to)),
                Way::GivenUp => panic!("the budget was wide"),
            }
        }

        #[test]
        fn common_neighbours_are_neighbours_of_all(edges in prop::collection::vec((0_u8..9, 0_u8..9), 0..30), starts in prop::collection::vec(0_u8..9, 1..4)) {
            let common = common_neighbours(&starts, |node| Ok::<_, Infallible>(beside(&edges, *node))).unwrap();
            for node in 0..9 {
                let is_one = !starts.contains(&node) && starts.iter().all(|start| beside(&edges, *start).contains(&node));
                assert_eq!(common.contains(&node), is_one);
            }
        }

        #[test]
        fn components_part_the_nodes(edges in prop::collection::vec((0_u8..12, 0_u8..12), 0..14)) {
            let nodes: BTreeSet<u8> = (0..12).collect();
            let groups = components(&nodes, &edges);
            let mut all: Vec<u8> = groups.iter().flatten().copied().collect();
            all.sort_unstable();
            assert_eq!(all, nodes.iter().copied().collect::<Vec<_>>());
            let group_of = |node: u8| groups.iter().position(|group| group.contains(&node));
            assert!(edges.iter().all(|(a, b)| group_of(*a) == group_of(*b)));
        }
    }
}
