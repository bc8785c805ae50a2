//! How a reviewer judges a trace: by the ends that the skeleton has.

use std::collections::HashMap;

use task_mgmt_core::neuroglancer::Point;

use crate::trace::{Outcome, Trace};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Judgement {
    Perfect,
    Accurate,
    Fair,
    Inaccurate,
}

impl Judgement {
    pub fn status(self) -> &'static str {
        match self {
            Self::Perfect => "Perfect",
            Self::Accurate => "Accurate",
            Self::Fair => "Fair",
            Self::Inaccurate => "Inaccurate",
        }
    }
}

/// The judgement on a trace with these ends marked, and what the reviewer notes.
pub fn judge(trace: &Trace, marked: &[Point]) -> (Judgement, String) {
    let (missing, wrong) = difference(&trace.cell.piece.ends(), marked);
    let judgement = match trace.outcome {
        _ if missing + wrong > 0 => Judgement::Inaccurate,
        Outcome::Done => Judgement::Perfect,
        Outcome::CantContinue => Judgement::Accurate,
        Outcome::Merger | Outcome::WrongCellType => Judgement::Fair,
    };
    (judgement, format!("{missing} of {} ends missing, {wrong} wrong", trace.number_of_ends()))
}

/// How many of the expected points were not found, and how many found ones are not expected, to the last bit.
pub fn difference(expected: &[Point], found: &[Point]) -> (usize, usize) {
    let mut surplus: HashMap<[u64; 3], i64> = HashMap::new();
    for (points, weight) in [(expected, -1), (found, 1)] {
        for point in points {
            *surplus.entry(point.map(f64::to_bits)).or_default() += weight;
        }
    }
    let missing: i64 = surplus.values().filter(|surplus| **surplus < 0).sum();
    let wrong: i64 = surplus.values().filter(|surplus| **surplus > 0).sum();
    (missing.unsigned_abs() as usize, wrong as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_counts_as_often_as_it_is_there() {
        let [a, b, c] = [[1.0, 2.0, 3.0], [-1.0, 2.0, 3.0], [0.1 + 0.2, 0.0, 0.0]];
        assert_eq!(difference(&[a, b, a, c], &[c, a, b, a]), (0, 0));
        assert_eq!(difference(&[a, a, b], &[a, c]), (2, 1));
        assert_eq!(difference(&[c], &[[0.3, 0.0, 0.0]]), (1, 1));
        assert_eq!(difference(&[], &[b, b]), (0, 2));
        assert_eq!(difference(&[a], &[]), (1, 0));
    }
}
