//! Where to draw the nodes of a small graph: forces, as Fruchterman and Reingold described them (1991), from a fixed beginning.
//! The same graph gets the same places on every machine of one kind, so a link to a view shows the same picture.

/// A place; both parts from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// Nodes that are laid out at most; the work grows with the square.
pub const NODES_MAX: usize = 600;
const ROUNDS: usize = 220;

/// Places for `nodes` nodes with edges between them, given as pairs of indices; an edge to what is not there is passed over.
/// Beyond [`NODES_MAX`] the nodes stand in a spiral, and forces do not move them.
#[must_use]
pub fn places(nodes: usize, edges: &[(usize, usize)]) -> Vec<Point> {
    let mut places: Vec<Point> = (0..nodes).map(|index| spiral(index, nodes)).collect();
    if (2..=NODES_MAX).contains(&nodes) {
        let edges: Vec<(usize, usize)> =
            edges.iter().copied().filter(|(a, b)| a != b && *a < nodes && *b < nodes).collect();
        let ideal = (1.0 / as_f64(nodes)).sqrt();
        for round in 0..ROUNDS {
            let heat = 0.12 * (1.0 - as_f64(round) / as_f64(ROUNDS));
            relax(&mut places, &edges, ideal, heat);
        }
    }
    fit(&mut places);
    places
}

/// One round of forces.
fn relax(places: &mut [Point], edges: &[(usize, usize)], ideal: f64, heat: f64) {
    let mut moves = vec![(0.0_f64, 0.0_f64); places.len()];
    for (index, (one, shift)) in places.iter().zip(&mut moves).enumerate() {
        for (other_index, other) in places.iter().enumerate().filter(|(other, _)| *other != index) {
            let (dx, dy, distance) = between(*one, *other, index, other_index);
            let push = ideal * ideal / distance;
            shift.0 += dx / distance * push;
            shift.1 += dy / distance * push;
        }
        // A pull to the middle keeps what hangs on nothing within sight.
        shift.0 -= (one.x - 0.5) * ideal * 0.6;
        shift.1 -= (one.y - 0.5) * ideal * 0.6;
    }
    for (a, b) in edges {
        let (Some(one), Some(other)) = (places.get(*a), places.get(*b)) else { continue };
        let (dx, dy, distance) = between(*one, *other, *a, *b);
        let pull = distance * distance / ideal;
        for (index, sign) in [(*a, -1.0), (*b, 1.0)] {
            if let Some(shift) = moves.get_mut(index) {
                shift.0 += sign * dx / distance * pull;
                shift.1 += sign * dy / distance * pull;
            }
        }
    }
    for (place, (dx, dy)) in places.iter_mut().zip(moves) {
        let length = dx.hypot(dy);
        if length > 1e-9 {
            let step = length.min(heat) / length;
            place.x += dx * step;
            place.y += dy * step;
        }
    }
}

/// From one place to another one; two nodes in one place are moved apart by their numbers.
fn between(to: Point, from: Point, to_index: usize, from_index: usize) -> (f64, f64, f64) {
    let (mut dx, mut dy) = (to.x - from.x, to.y - from.y);
    if dx.hypot(dy) < 1e-6 {
        dx = if to_index > from_index { 1e-3 } else { -1e-3 };
        dy = dx / 2.0;
    }
    (dx, dy, dx.hypot(dy))
}

/// The beginning: a sunflower's spiral, evenly spread and without two nodes in one place.
fn spiral(index: usize, nodes: usize) -> Point {
    let turn = as_f64(index) * 2.399_963_229_728_653;
    let radius = 0.48 * ((as_f64(index) + 0.5) / as_f64(nodes.max(1))).sqrt();
    Point { x: 0.5 + radius * turn.cos(), y: 0.5 + radius * turn.sin() }
}

/// Stretches both axes to 0–1, and rounds, so that differences in the last digits do not show.
fn fit(places: &mut [Point]) {
    let span = |part: fn(&Point) -> f64, places: &[Point]| {
        let low = places.iter().map(part).fold(f64::INFINITY, f64::min);
        let high = places.iter().map(part).fold(f64::NEG_INFINITY, f64::max);
        (low, high - low)
    };
    let (left, width) = span(|place| place.x, places);
    let (top, height) = span(|place| place.y, places);
    let scaled = |value: f64, low: f64, size: f64| {
        if size < 1e-9 { 0.5 } else { ((value - low) / size * 10_000.0).round() / 10_000.0 }
    };
    for place in places {
        place.x = scaled(place.x, left, width);
        place.y = scaled(place.y, top, height);
    }
}

fn as_f64(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, proptest};

    use super::*;

    fn distance(a: Point, b: Point) -> f64 {
        (a.x - b.x).hypot(a.y - b.y)
    }

    #[test]
    fn what_hangs_together_stands_together() {
        // Two rings of five, one edge between them.
        let ring = |from: usize| (0..5).map(move |n| (from + n, from + (n + 1) % 5));
        let edges: Vec<(usize, usize)> = ring(0).chain(ring(5)).chain([(0, 5)]).collect();
        let at = places(10, &edges);
        let mean = |pairs: &[(usize, usize)]| {
            pairs.iter().map(|(a, b)| distance(at[*a], at[*b])).sum::<f64>() / pairs.len() as f64
        };
        let within: Vec<_> =
            (0..5).flat_map(|a| (0..a).flat_map(move |b| [(a, b), (a + 5, b + 5)])).collect();
        let across: Vec<_> = (0..5).flat_map(|a| (5..10).map(move |b| (a, b))).collect();
        assert!(mean(&within) * 1.4 < mean(&across), "{} {}", mean(&within), mean(&across));
    }

    #[test]
    fn one_node_stands_in_the_middle_and_none_nowhere() {
        assert_eq!(places(1, &[]), [Point { x: 0.5, y: 0.5 }]);
        assert!(places(0, &[(0, 1)]).is_empty());
    }

    proptest! {
        #[test]
        fn places_are_within_the_picture_apart_and_always_the_same(nodes in 2_usize..40, edges in prop::collection::vec((0_usize..45, 0_usize..45), 0..80)) {
            let at = places(nodes, &edges);
            assert_eq!(at.len(), nodes);
            assert!(at.iter().all(|place| (0.0..=1.0).contains(&place.x) && (0.0..=1.0).contains(&place.y)));
            assert_eq!(at, places(nodes, &edges));
        }
    }
}
