//! Reads skeletons in the SWC format: a line for each node with its number, label, x, y, z, radius and the number of its
//! parent. Files come from many programs, so a reader is lenient in how things are written and strict in what they mean.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use task_mgmt_core::neuroglancer::Point;

/// The nodes that hang together. The root comes first, and every other node after its parent.
#[derive(Debug, PartialEq)]
pub struct Piece {
    pub nodes: Vec<Point>,
    /// Indexes into `nodes`; the root's is its own.
    pub parents: Vec<usize>,
}

/// The pieces of a file, in the order of their roots; as many as it has roots. A parent that the file does not have makes a
/// root, as one below zero does. Coordinates are multiplied by `scale`. Errors name the line.
pub fn read(text: &str, scale: Point) -> Result<Vec<Piece>> {
    let mut nodes = Vec::new();
    let mut indexes = HashMap::new();
    // Some programs end lines as old Macs did, or begin the file with a mark of the byte order.
    for (number, line) in text.trim_start_matches('\u{feff}').split(['\n', '\r']).enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let place = || format!("line {}, \"{}\"", number + 1, shortened(line));
        let node = Node::read(line, scale).with_context(place)?;
        ensure!(
            indexes.insert(node.id, nodes.len()).is_none(),
            "there are two nodes {} (line {})",
            node.id,
            number + 1
        );
        nodes.push(node);
    }
    ensure!(!nodes.is_empty(), "it has no nodes");

    let parents: Vec<Option<usize>> = nodes.iter().map(|node| indexes.get(&node.parent).copied()).collect();
    let children = Children::of(&parents);
    let mut pieces = Vec::new();
    for (root, _) in parents.iter().enumerate().filter(|(_, parent)| parent.is_none()) {
        pieces.push(Piece::collect(root, &nodes, &children));
    }
    let reached: usize = pieces.iter().map(|piece| piece.nodes.len()).sum();
    if reached < nodes.len() {
        bail!("{} of its {} nodes hang on a cycle, and on no root", nodes.len() - reached, nodes.len());
    }
    Ok(pieces)
}

impl Piece {
    pub fn root(&self) -> Point {
        self.nodes[0]
    }

    /// The nodes that are nobody's parent. A root that stands alone is one.
    pub fn ends(&self) -> Vec<Point> {
        self.number_of_children()
            .zip(&self.nodes)
            .filter(|(children, _)| *children == 0)
            .map(|(_, node)| *node)
            .collect()
    }

    /// How many nodes have more than one child.
    pub fn branch_points(&self) -> usize {
        self.number_of_children().filter(|children| *children > 1).count()
    }

    /// Of all its edges, in nanometres, where a voxel has these measures; infinite if it is too large for a number.
    pub fn length(&self, resolution: Point) -> f64 {
        let edge = |(node, parent): (&Point, &usize)| {
            let [x, y, z] = std::array::from_fn(|axis| (node[axis] - self.nodes[*parent][axis]) * resolution[axis]);
            x.hypot(y).hypot(z)
        };
        self.nodes.iter().zip(&self.parents).map(edge).sum()
    }

    fn collect(root: usize, nodes: &[Node], children: &Children) -> Self {
        let mut piece = Self { nodes: vec![nodes[root].at], parents: vec![0] };
        // Of each node that is in the piece: where it is in the file. The list is its own queue.
        let mut places = vec![root];
        let mut next = 0;
        while let Some(place) = places.get(next).copied() {
            for child in children.of_node(place) {
                piece.nodes.push(nodes[*child].at);
                piece.parents.push(next);
                places.push(*child);
            }
            next += 1;
        }
        piece
    }

    fn number_of_children(&self) -> impl Iterator<Item = usize> {
        let mut children = vec![0; self.nodes.len()];
        self.parents.iter().skip(1).for_each(|parent| children[*parent] += 1);
        children.into_iter()
    }
}

struct Node {
    id: i64,
    at: Point,
    parent: i64,
}

impl Node {
    /// The label and the radius may be anything, and columns may follow.
    fn read(line: &str, scale: Point) -> Result<Self> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [id, _, x, y, z, _, parent, ..] = fields[..] else {
            bail!("it has {} of the seven columns", fields.len());
        };
        let node = Self {
            id: integer(id)?,
            at: [coordinate(x, scale[0])?, coordinate(y, scale[1])?, coordinate(z, scale[2])?],
            parent: integer(parent)?,
        };
        ensure!(node.id >= 0, "the number of a node is not negative");
        ensure!(node.id != node.parent, "it is its own parent");
        Ok(node)
    }
}

/// Some programs write numbers of nodes as they write all numbers, such as 1.0e+01.
fn integer(text: &str) -> Result<i64> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let number: f64 = text.parse().ok().with_context(|| format!("{text} is not a number"))?;
    ensure!(number.fract() == 0.0 && number.abs() <= 2f64.powi(53), "{text} is not an integer");
    Ok(number as i64)
}

fn coordinate(text: &str, scale: f64) -> Result<f64> {
    let number: f64 = text.parse().ok().with_context(|| format!("{text} is not a number"))?;
    let scaled = number * scale;
    ensure!(scaled.is_finite(), "{text} is too large or no number");
    // Without the sign of a zero, which no table keeps.
    Ok(scaled + 0.0)
}

fn shortened(line: &str) -> String {
    line.chars().filter(|character| !character.is_control()).take(60).collect()
}

/// The children of all nodes, one after the other.
struct Children {
    all: Vec<usize>,
    /// Where those of a node begin.
    begins: Vec<usize>,
}

impl Children {
    fn of(parents: &[Option<usize>]) -> Self {
        let mut begins = vec![0; parents.len() + 1];
        parents.iter().flatten().for_each(|parent| begins[parent + 1] += 1);
        for index in 1..begins.len() {
            begins[index] += begins[index - 1];
        }
        let mut places = begins.clone();
        let mut all = vec![0; begins[parents.len()]];
        for (child, parent) in parents.iter().enumerate() {
            if let Some(parent) = parent {
                all[places[*parent]] = child;
                places[*parent] += 1;
            }
        }
        Self { all, begins }
    }

    fn of_node(&self, node: usize) -> &[usize] {
        &self.all[self.begins[node]..self.begins[node + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: Point = [1.0; 3];

    /// A root with two branches, one of which has a node on its way.
    const Y: &str = "1 1 0 0 0 1 -1\n2 0 3 4 0 1 1\n3 6 3 4 12 1 2\n4 6 -3 0 0 1 1\n";

    fn refusal(text: &str) -> String {
        format!("{:#}", read(text, ONE).unwrap_err())
    }

    #[test]
    fn ends_are_the_nodes_without_children() {
        let pieces = read(Y, ONE).unwrap();
        assert_eq!(pieces.len(), 1);
        assert_eq!(pieces[0].root(), [0.0; 3]);
        assert_eq!(pieces[0].ends(), [[-3.0, 0.0, 0.0], [3.0, 4.0, 12.0]]);
        assert_eq!(pieces[0].branch_points(), 1);
        assert_eq!(pieces[0].length([1.0; 3]), 5.0 + 12.0 + 3.0);
    }

    #[test]
    fn coordinates_are_scaled_along_each_axis() {
        let pieces = read(Y, [2.0, 1.0, 0.5]).unwrap();
        assert_eq!(pieces[0].ends(), [[-6.0, 0.0, 0.0], [6.0, 4.0, 6.0]]);
        assert_eq!(pieces[0].length([0.5, 1.0, 2.0]), 5.0 + 12.0 + 3.0);
    }

    #[test]
    fn how_it_is_written_does_not_matter() {
        let plain = read(Y, ONE).unwrap();
        let carriage_returns = Y.replace('\n', "\r\n");
        let old_mac = Y.replace('\n', "\r");
        let tabs = Y.replace(' ', "\t ");
        let commented = format!("\u{feff}# n T x y z R P\n\n{}# the end", Y.replace('\n', " 17 # a node\n\n"));
        let scientific = "1.0e0 1 0 -0 0e5 nan -1.0\n2 0 3 .4e1 0 1 1\n3.0 6 3 +4 1.2E+1 1 2.0e+00\n4 x -3 0 0 - 1";
        for text in [&carriage_returns, &old_mac, &tabs, &commented, scientific] {
            assert_eq!(read(text, ONE).unwrap(), plain, "{text}");
        }
    }

    #[test]
    fn a_parent_may_come_after_its_child() {
        let backwards: Vec<&str> = Y.lines().rev().collect();
        let piece = &read(&backwards.join("\n"), ONE).unwrap()[0];
        assert_eq!((piece.root(), piece.ends().len(), piece.nodes.len()), ([0.0; 3], 2, 4));
    }

    #[test]
    fn a_node_alone_is_root_and_end() {
        let piece = &read("7 1 1 2 3 1 -1", ONE).unwrap()[0];
        assert_eq!((piece.root(), piece.ends()), ([1.0, 2.0, 3.0], vec![[1.0, 2.0, 3.0]]));
        assert_eq!((piece.branch_points(), piece.length(ONE)), (0, 0.0));
    }

    #[test]
    fn what_is_not_connected_is_several_pieces() {
        let pieces = read("1 0 0 0 0 1 -1\n2 0 1 0 0 1 1\n5 0 9 0 0 1 -1\n6 0 8 0 0 1 4\n7 0 7 0 0 1 6", ONE).unwrap();
        let roots: Vec<f64> = pieces.iter().map(|piece| piece.root()[0]).collect();
        let ends: Vec<f64> = pieces.iter().map(|piece| piece.ends()[0][0]).collect();
        assert_eq!((roots, ends), (vec![0.0, 9.0, 8.0], vec![1.0, 9.0, 7.0]));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        assert_eq!(refusal(""), "it has no nodes");
        assert_eq!(refusal("# only a header\n\n"), "it has no nodes");
        assert_eq!(refusal("1 0 0 0 0 1 2\n2 0 0 0 0 1 1"), "2 of its 2 nodes hang on a cycle, and on no root");
        assert_eq!(
            refusal(&format!("{Y}8 0 0 0 0 1 9\n9 0 0 0 0 1 8\n10 0 0 0 0 1 9")),
            "3 of its 7 nodes hang on a cycle, and on no root"
        );
        assert_eq!(refusal("1 0 0 0 0 1 1"), "line 1, \"1 0 0 0 0 1 1\": it is its own parent");
        assert_eq!(refusal("1 0 0 0 0 1 -1\n1 0 0 0 0 1 -1"), "there are two nodes 1 (line 2)");
        assert_eq!(refusal("1 0 0 0 0 1"), "line 1, \"1 0 0 0 0 1\": it has 6 of the seven columns");
        for (line, reason) in [
            ("1.5 0 0 0 0 1 -1", "1.5 is not an integer"),
            ("-2 0 0 0 0 1 -1", "the number of a node is not negative"),
            ("1 0 a 0 0 1 -1", "a is not a number"),
            ("1 0 nan 0 0 1 -1", "nan is too large or no number"),
            ("1 0 0 inf 0 1 -1", "inf is too large or no number"),
            ("1 0 0 0 1e400 1 -1", "1e400 is too large or no number"),
            ("1 0 0 0 0 1 1e30", "1e30 is not an integer"),
        ] {
            assert!(refusal(line).ends_with(reason), "{}", refusal(line));
        }
        assert!(read("1 0 1e308 0 0 1 -1", ONE).is_ok());
        assert!(read("1 0 1e308 0 0 1 -1", [100.0; 3]).is_err());
    }

    #[test]
    fn a_long_chain_is_no_obstacle() {
        let lines: Vec<String> = (0..200_000).map(|id| format!("{id} 0 {id} 0 0 1 {}", id - 1)).collect();
        let piece = &read(&lines.join("\n"), ONE).unwrap()[0];
        assert_eq!((piece.ends(), piece.length(ONE)), (vec![[199_999.0, 0.0, 0.0]], 199_999.0));
    }

    proptest! {
        /// Each node hangs on an earlier one or is a root; the lines are in any order.
        #[test]
        fn every_node_is_in_one_piece(
            parents in prop::collection::vec(prop::option::weighted(0.9, any::<prop::sample::Index>()), 1..60),
            order in any::<u64>(),
        ) {
            let parents: Vec<Option<usize>> = parents.iter().enumerate()
                .map(|(id, parent)| parent.filter(|_| id > 0).map(|parent| parent.index(id)))
                .collect();
            let mut lines: Vec<(u64, String)> = parents.iter().enumerate().map(|(id, parent)| {
                let parent = parent.map_or(-1, |parent| parent as i64);
                ((id as u64).wrapping_mul(order | 1) % 61, format!("{id} 0 {id} 0.25 -1e-3 1 {parent}"))
            }).collect();
            lines.sort();
            let text: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
            let pieces = read(&text.join("\n"), ONE).unwrap();

            prop_assert_eq!(pieces.len(), parents.iter().filter(|parent| parent.is_none()).count());
            let mut seen: Vec<usize> = pieces.iter().flat_map(|piece| &piece.nodes).map(|node| node[0] as usize).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..parents.len()).collect::<Vec<_>>());
            for piece in &pieces {
                for (index, node) in piece.nodes.iter().enumerate() {
                    let parent = piece.parents[index];
                    prop_assert!(parent < index || index == 0 && parent == 0);
                    let expected = (index > 0).then(|| piece.nodes[parent][0] as usize);
                    prop_assert_eq!(parents[node[0] as usize], expected);
                }
            }
            let mut ends: Vec<usize> = pieces.iter().flat_map(Piece::ends).map(|end| end[0] as usize).collect();
            ends.sort_unstable();
            let childless = (0..parents.len()).filter(|id| !parents.contains(&Some(*id)));
            prop_assert_eq!(ends, childless.collect::<Vec<_>>());
        }

        #[test]
        fn no_text_makes_it_panic(text in "([0-9.eE+-]{0,3}[ \t\n\r#]?){0,80}|.{0,80}") {
            let _ = read(&text, ONE);
        }
    }
}
