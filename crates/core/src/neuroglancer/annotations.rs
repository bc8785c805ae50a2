//! Annotations of a layer: points and lines. Their ids follow from what they are, so that two readers of the same rows agree.

use serde::Serialize;
use serde_json::value::RawValue;

use super::saved::coordinates;
use super::{Point, Project};

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Annotation {
    Point {
        point: Point,
        r#type: &'static str,
        id: String,
    },
    #[serde(rename_all = "camelCase")]
    Line {
        point_a: Point,
        point_b: Point,
        r#type: &'static str,
        id: String,
    },
}

/// A merge as it was kept: where the user touched the segments, in nanometres; None for what is no place.
#[derive(Debug, Default, PartialEq)]
pub struct MergeEdit(pub Vec<Option<Point>>);

impl MergeEdit {
    /// Reads an array of points `[segment id, x, y, z]`; anything else is an edit without places.
    pub fn read(text: &str) -> Self {
        let points: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
        Self(points.into_iter().map(|point| coordinates(point, 1)).collect())
    }
}

/// One annotation for each point.
pub fn points(project_name: &str, layer: &str, at: &[Point]) -> Vec<Annotation> {
    let annotate = |(position, point): (usize, &Point)| Annotation::Point {
        point: *point,
        r#type: "point",
        id: id(project_name, layer, position, point),
    };
    at.iter().enumerate().map(annotate).collect()
}

/// A line, in voxels, for each edit that begins with two places.
pub fn lines(project: &Project, layer: &str, edits: &[MergeEdit]) -> Vec<Annotation> {
    let in_voxels = |point: &Point| -> Point { std::array::from_fn(|axis| point[axis] / project.resolution[axis]) };
    let ends = edits.iter().filter_map(|edit| match edit.0.as_slice() {
        [Some(from), Some(to), ..] => Some((in_voxels(from), in_voxels(to))),
        _ => None,
    });
    let ends = ends.filter(|(from, to)| from.iter().chain(to).all(|coordinate| coordinate.is_finite()));
    let annotate = |(position, (point_a, point_b)): (usize, (Point, Point))| Annotation::Line {
        point_a,
        point_b,
        r#type: "line",
        id: id(&project.project_name, layer, position, &[point_a, point_b].concat()),
    };
    ends.enumerate().map(annotate).collect()
}

/// 32 hexadecimal digits. The position tells equal points of a layer apart.
fn id(project_name: &str, layer: &str, position: usize, coordinates: &[f64]) -> String {
    let names = [project_name.as_bytes(), &[0], layer.as_bytes(), &[0]].concat();
    let position = (position as u64).to_le_bytes();
    let coordinates = coordinates.iter().flat_map(|coordinate| coordinate.to_bits().to_le_bytes());
    format!("{:032x}", fnv_1a(names.into_iter().chain(position).chain(coordinates)))
}

/// FNV-1a of 128 bits: alike everywhere and in every version, which the standard library's hashes do not promise.
fn fnv_1a(bytes: impl IntoIterator<Item = u8>) -> u128 {
    const OFFSET_BASIS: u128 = 0x6c62272e07bb014262b821756295c58d;
    const PRIME: u128 = 0x0000000001000000000000000000013b;
    bytes.into_iter().fold(OFFSET_BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use proptest::prelude::*;

    fn ids(annotations: &[Annotation]) -> Vec<&str> {
        annotations.iter().map(Annotation::id).collect()
    }

    impl Annotation {
        fn id(&self) -> &str {
            match self {
                Self::Point { id, .. } | Self::Line { id, .. } => id,
            }
        }
    }

    #[test]
    fn ids_are_fnv_1a() {
        assert_eq!(fnv_1a(*b""), 0x6c62272e07bb014262b821756295c58d);
        assert_eq!(fnv_1a(*b"a"), 0xd228cb696f1a8caf78912b704e4a8964);
        assert_eq!(fnv_1a(*b"foobar"), 0x343e1662793c64bf6f0d3597ba446f18);
    }

    #[test]
    fn a_point_that_is_none_has_no_place() {
        let edit = MergeEdit::read(r#"[["1", 8, 8.5, 80], ["2", 1, 2], [3, "4", 5, 6], 7, ["1", 1e400, 1, 1]]"#);
        assert_eq!(edit.0, [Some([8.0, 8.5, 80.0]), None, None, None, None]);
        for text in ["", "{}", "null", "[", "\"x\"", "5"] {
            assert_eq!(MergeEdit::read(text), MergeEdit::default());
        }
    }

    proptest! {
        #[test]
        fn ids_are_unique_and_the_same_again(at: Vec<Point>, copies in 1..4usize) {
            let at: Vec<Point> = at.iter().flat_map(|point| vec![*point; copies]).collect();
            let (one, again) = (points("p", "Certain Ends", &at), points("p", "Certain Ends", &at));
            prop_assert_eq!(ids(&one), ids(&again));
            prop_assert_eq!(ids(&one).into_iter().collect::<HashSet<_>>().len(), at.len());
            prop_assert!(ids(&one).iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
            for other in [points("q", "Certain Ends", &at), points("p", "Uncertain Ends", &at)] {
                prop_assert!(ids(&one).iter().all(|id| !ids(&other).contains(id)));
            }
        }
    }
}
