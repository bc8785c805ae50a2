//! Finds a cycle among dependencies, so that it can be refused by name.

use std::collections::HashMap;

/// A cycle in the directed graph of `edges` (from a task to the one it depends on): its tasks in order, each once,
/// or None. Linear in the number of edges, and without recursion, because chains may be as long as a project.
pub fn find_cycle(edges: &[(i64, i64)]) -> Option<Vec<i64>> {
    let mut targets: HashMap<i64, Vec<i64>> = HashMap::new();
    for (from, to) in edges {
        targets.entry(*from).or_default().push(*to);
    }
    let mut states: HashMap<i64, State> = HashMap::with_capacity(targets.len());
    for (start, _) in edges {
        if states.contains_key(start) {
            continue;
        }
        if let Some(cycle) = search(*start, &targets, &mut states) {
            return Some(cycle);
        }
    }
    None
}

#[derive(PartialEq)]
enum State {
    OnPath,
    Done,
}

/// Depth-first search; `path` holds the nodes being explored, each with the number of edges already followed.
fn search(start: i64, targets: &HashMap<i64, Vec<i64>>, states: &mut HashMap<i64, State>) -> Option<Vec<i64>> {
    let mut path = vec![(start, 0)];
    states.insert(start, State::OnPath);
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
                let nodes = path.iter().map(|(node, _)| *node);
                return Some(nodes.skip_while(|node| node != next).collect());
            }
            None => {
                states.insert(*next, State::OnPath);
                path.push((*next, 0));
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

    proptest! {
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
