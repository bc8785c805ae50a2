//! Finds a cycle among dependencies, so that it can be refused by name, or edges without which there is none.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

/// From a task to the one it depends on.
pub type Edge = (i64, i64);

/// A cycle in the directed graph of `edges`: its tasks in order, each once,
/// or None. Linear in the number of edges, and without recursion, because chains may be as long as a project.
pub fn find_cycle(edges: &[Edge]) -> Option<Vec<i64>> {
    explore(edges, |path, next| {
        let nodes = path.iter().map(|(node, _)| *node);
        ControlFlow::Break(nodes.skip_while(|node| *node != next).collect())
    })
}

/// The edges without those that would close a cycle, and those: where a search from the first edge on comes back to a node
/// that it is coming from. Linear, like [`find_cycle`].
pub fn break_cycles(edges: &[Edge]) -> (Vec<Edge>, Vec<Edge>) {
    let mut closing = HashSet::new();
    explore(edges, |path, next| {
        closing.extend(path.last().map(|(node, _)| (*node, next)));
        ControlFlow::<()>::Continue(())
    });
    edges.iter().partition(|edge| !closing.contains(edge))
}

#[derive(PartialEq)]
enum State {
    OnPath,
    Done,
}

/// Depth-first search over all edges, in their order. `on_cycle` is called for each edge that closes one, with the nodes being
/// explored (each with the number of edges already followed) and the node among them that the edge leads back to.
fn explore<B>(edges: &[Edge], mut on_cycle: impl FnMut(&[(i64, usize)], i64) -> ControlFlow<B>) -> Option<B> {
    let mut targets: HashMap<i64, Vec<i64>> = HashMap::new();
    for (from, to) in edges {
        targets.entry(*from).or_default().push(*to);
    }
    let mut states: HashMap<i64, State> = HashMap::with_capacity(targets.len());
    let mut path = Vec::new();
    for (start, _) in edges {
        if !states.contains_key(start) {
            states.insert(*start, State::OnPath);
            path.push((*start, 0));
        }
        while let Some((node, followed)) = path.last_mut() {
            let Some(next) = targets.get(node).and_then(|targets| targets.get(*followed)) else {
                states.insert(*node, State::Done);
                path.pop();
                continue;
            };
            *followed += 1;
            match states.get(next) {
                Some(State::Done) => {}
                Some(State::OnPath) => {
                    if let ControlFlow::Break(result) = on_cycle(&path, *next) {
                        return Some(result);
                    }
                }
                None => {
                    states.insert(*next, State::OnPath);
                    path.push((*next, 0));
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cycle_is_returned_in_order() {
        assert_eq!(find_cycle(&[(1, 2), (2, 3), (3, 4), (4, 2)]), Some(vec![2, 3, 4]));
        assert_eq!(find_cycle(&[(1, 2), (1, 3), (2, 4), (3, 4)]), None);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let chain: Vec<_> = (0..1_000_000).map(|node| (node, node + 1)).collect();
        assert_eq!(find_cycle(&chain), None);
    }

    #[test]
    fn only_edges_that_close_a_cycle_are_dropped() {
        let edges = [(1, 2), (2, 3), (3, 1), (3, 4), (4, 4), (5, 3)];
        let (kept, dropped) = break_cycles(&edges);
        assert_eq!(kept, [(1, 2), (2, 3), (3, 4), (5, 3)]);
        assert_eq!(dropped, [(3, 1), (4, 4)]);
    }

    proptest! {
        #[test]
        fn nothing_is_dropped_without_a_cycle(edges in prop::collection::vec((0i64..50, 0i64..50), 0..200)) {
            let down: Vec<_> = edges.into_iter().filter(|(from, to)| from > to).collect();
            prop_assert_eq!(break_cycles(&down), (down, vec![]));
        }

        #[test]
        fn each_dropped_edge_would_close_a_cycle(edges in prop::collection::vec((0i64..20, 0i64..20), 0..60)) {
            let (kept, dropped) = break_cycles(&edges);
            prop_assert_eq!(find_cycle(&kept), None);
            prop_assert_eq!(kept.len() + dropped.len(), edges.len());
            for edge in dropped {
                let with_edge: Vec<_> = kept.iter().copied().chain([edge]).collect();
                prop_assert!(find_cycle(&with_edge).is_some());
            }
        }

        #[test]
        fn edges_that_only_go_down_have_none(edges in prop::collection::vec((0i64..50, 0i64..50), 0..200)) {
            let down: Vec<_> = edges.into_iter().filter(|(from, to)| from > to).collect();
            prop_assert_eq!(find_cycle(&down), None);
        }

        #[test]
        fn what_is_found_is_a_cycle(edges in prop::collection::vec((0i64..20, 0i64..20), 0..60)) {
            if let Some(cycle) = find_cycle(&edges) {
                for (index, node) in cycle.iter().enumerate() {
                    let next = cycle[(index + 1) % cycle.len()];
                    prop_assert!(edges.contains(&(*node, next)));
                }
            } else {
                // Without a cycle, removing nodes that nothing depends on must remove all.
                let mut rest = edges;
                while !rest.is_empty() {
                    let before = rest.len();
                    let targets: Vec<_> = rest.iter().map(|(_, to)| *to).collect();
                    rest.retain(|(from, _)| targets.contains(from));
                    prop_assert!(rest.len() < before);
                }
            }
        }
    }
}
