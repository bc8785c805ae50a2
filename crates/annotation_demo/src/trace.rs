//! How the trace of a cell shall go. The ends are those of its skeleton; how the trace is completed is made up, so that every
//! outcome occurs.

use task_mgmt_core::neuroglancer::Point;

use crate::cells::Cell;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    Done,
    CantContinue,
    Merger,
    WrongCellType,
}

#[derive(Debug)]
pub struct Trace<'a> {
    pub cell: &'a Cell,
    pub outcome: Outcome,
    pub certain: Vec<Point>,
    pub uncertain: Vec<Point>,
    /// Another segment, which somebody might take for a part of this one.
    pub neighbour: u64,
}

impl Outcome {
    pub fn status(self) -> &'static str {
        match self {
            Self::Done => "Done",
            Self::CantContinue => "Can't Continue",
            Self::Merger => "Merger",
            Self::WrongCellType => "Wrong Cell Type",
        }
    }

    /// What the segment is afterwards.
    pub fn segment_status(self) -> &'static str {
        match self {
            Self::Done | Self::CantContinue => "Proofread",
            Self::Merger | Self::WrongCellType => "Wrong type",
        }
    }
}

impl<'a> Trace<'a> {
    /// One for each cell.
    pub fn plan(cells: &'a [Cell]) -> Vec<Self> {
        let neighbours = cells.iter().cycle().skip(1);
        cells.iter().zip(neighbours).enumerate().map(|(place, (cell, other))| Self::new(place, cell, other)).collect()
    }

    pub fn number_of_ends(&self) -> usize {
        self.certain.len() + self.uncertain.len()
    }

    /// A tenth of the ends of a trace that cannot be continued may go on.
    fn new(place: usize, cell: &'a Cell, other: &Cell) -> Self {
        let mut certain = cell.piece.ends();
        let outcome = outcome(place, certain.len());
        let number_uncertain = if outcome == Outcome::CantContinue { certain.len().div_ceil(10) } else { 0 };
        let uncertain = certain.split_off(certain.len() - number_uncertain);
        Self { cell, outcome, certain, uncertain, neighbour: other.seed_id }
    }
}

/// A trace is not done with fewer than two ends.
fn outcome(place: usize, ends: usize) -> Outcome {
    match place % 6 {
        _ if ends < 2 => Outcome::CantContinue,
        2 => Outcome::CantContinue,
        4 => Outcome::Merger,
        5 => Outcome::WrongCellType,
        _ => Outcome::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swc;

    fn cells(ends: &[usize]) -> Vec<Cell> {
        let star = |ends: usize| {
            let nodes = (0..ends).map(|end| format!("\n{} 0 {end} 1 0 1 0", end + 1)).collect::<String>();
            swc::read(&format!("0 1 0 0 0 1 -1{nodes}"), [1.0; 3]).unwrap().remove(0)
        };
        let cell = |(seed, ends): (usize, &usize)| Cell {
            seed_id: seed as u64,
            cell_type: "star".into(),
            file: "star.swc".into(),
            piece: star(*ends),
        };
        ends.iter().enumerate().map(cell).collect()
    }

    #[test]
    fn every_outcome_occurs() {
        let cells = cells(&[9; 6]);
        let outcomes: Vec<Outcome> = Trace::plan(&cells).iter().map(|trace| trace.outcome).collect();
        for outcome in [Outcome::Done, Outcome::CantContinue, Outcome::Merger, Outcome::WrongCellType] {
            assert!(outcomes.contains(&outcome), "{outcome:?}");
        }
    }

    #[test]
    fn every_end_is_marked_once() {
        for ends in [0, 1, 2, 3, 10, 99] {
            for trace in Trace::plan(&cells(&[ends; 7])) {
                // A root that stands alone is an end.
                assert_eq!(trace.number_of_ends(), ends.max(1));
                assert_eq!(trace.outcome == Outcome::CantContinue, !trace.uncertain.is_empty());
                assert!(trace.outcome != Outcome::Done || trace.certain.len() >= 2);
            }
        }
    }

    #[test]
    fn the_neighbour_is_another_segment() {
        let cells = cells(&[2, 2, 2]);
        let neighbours: Vec<u64> = Trace::plan(&cells).iter().map(|trace| trace.neighbour).collect();
        assert_eq!(neighbours, [1, 2, 0]);
    }
}
