//! A skeleton as a picture of characters: each is two by four dots. Looks along the axis in which the cell is thinnest.

use task_mgmt_core::neuroglancer::Point;

use crate::swc::Piece;

const COLUMNS: usize = 72;
const MAX_ROWS: usize = 28;

/// The lines of the picture, without trailing blanks.
pub fn draw(piece: &Piece) -> String {
    let view = View::of(&piece.nodes);
    let mut dots = vec![0u8; COLUMNS * view.rows];
    for (node, parent) in piece.nodes.iter().zip(&piece.parents) {
        let (from, to) = (view.project(*node), view.project(piece.nodes[*parent]));
        let steps = (from.0 - to.0).abs().max((from.1 - to.1).abs()).ceil().max(1.0) as usize;
        for step in 0..=steps {
            let share = step as f64 / steps as f64;
            let (x, y) = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
            let (x, y) = (x.round() as usize, y.round() as usize);
            dots[y / 4 * COLUMNS + x / 2] |= DOTS[y % 4][x % 2];
        }
    }
    let character = |dots: &u8| char::from_u32(0x2800 + u32::from(*dots)).filter(|_| *dots > 0).unwrap_or(' ');
    let lines =
        dots.chunks(COLUMNS).map(|row| row.iter().map(character).collect::<String>().trim_end().to_owned() + "\n");
    lines.collect()
}

/// The bits of a braille character, by row and column.
const DOTS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

struct View {
    across: usize,
    down: usize,
    least: Point,
    dots_per_unit: f64,
    rows: usize,
}

impl View {
    fn of(nodes: &[Point]) -> Self {
        let extreme = |start: f64, of: fn(f64, f64) -> f64| -> Point {
            std::array::from_fn(|axis| nodes.iter().map(|node| part(node[axis])).fold(start, of))
        };
        let (least, most) = (extreme(f64::INFINITY, f64::min), extreme(f64::NEG_INFINITY, f64::max));
        let size: Point = std::array::from_fn(|axis| most[axis] - least[axis]);
        let mut axes = [0, 1, 2];
        axes.sort_by(|one, other| size[*other].total_cmp(&size[*one]));
        let [across, down, _] = axes;
        let width = (COLUMNS * 2 - 1) as f64;
        let height = (MAX_ROWS * 4 - 1) as f64;
        let dots_per_unit = (width / size[across]).min(height / size[down]);
        // All nodes in one place have no size.
        let dots_per_unit = if dots_per_unit.is_finite() { dots_per_unit } else { 0.0 };
        let rows = ((size[down] * dots_per_unit).round() as usize).min(MAX_ROWS * 4 - 1) / 4 + 1;
        Self { across, down, least, dots_per_unit, rows }
    }

    /// In dots, from the top left.
    fn project(&self, node: Point) -> (f64, f64) {
        let place = |axis: usize| (part(node[axis]) - self.least[axis]) * self.dots_per_unit;
        let (x, y) = (place(self.across), place(self.down));
        (x.clamp(0.0, (COLUMNS * 2 - 1) as f64), y.clamp(0.0, (self.rows * 4 - 1) as f64))
    }
}

/// Differences of the largest numbers would be infinite.
fn part(coordinate: f64) -> f64 {
    coordinate / 4.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_along_the_longest_axis_is_one_row() {
        let picture = draw(&Piece { nodes: vec![[5.0, 0.0, 7.0], [5.0, 100.0, 7.0]], parents: vec![0, 0] });
        assert_eq!(picture, format!("{}\n", "⠉".repeat(COLUMNS)));
    }

    #[test]
    fn a_node_alone_is_a_dot() {
        assert_eq!(draw(&Piece { nodes: vec![[5.0, 1.0, 7.0]], parents: vec![0] }), "⠁\n");
    }

    proptest! {
        #[test]
        fn any_skeleton_can_be_drawn(nodes in prop::collection::vec(prop::array::uniform3(prop::num::f64::NORMAL), 1..20)) {
            let parents = (0..nodes.len()).map(|node: usize| node.saturating_sub(1)).collect();
            let picture = draw(&Piece { nodes, parents });
            prop_assert!(picture.chars().any(|dots| !dots.is_whitespace()));
            prop_assert!(picture.lines().count() <= MAX_ROWS);
            prop_assert!(picture.lines().all(|line| line.chars().count() <= COLUMNS));
        }
    }
}
