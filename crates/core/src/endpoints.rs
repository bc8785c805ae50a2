//! What may be said of an endpoint, and what replacing the endpoints of a segment changes.

use std::collections::HashMap;

use serde::Deserialize;

use crate::arguments::{Invalid, check_name, parse_object, parse_objects};
use crate::tasks::SeedId;

/// An end that is one, one that may go on, one from which tracing went on, or a mark on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum EndpointStatus {
    Certain,
    Uncertain,
    Continued,
    Breadcrumb,
}

/// The `data` of `create_endpoint`. Coordinates are voxels of the project's resolution.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewEndpoint {
    pub seed_id: SeedId,
    pub x: f64,
    pub y: f64,
    pub z: f64,
    pub status: EndpointStatus,
    pub user_id: String,
}

/// An element of the `data` of `replace_endpoints`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenEndpoint {
    pub x: f64,
    pub y: f64,
    pub z: f64,
    pub status: EndpointStatus,
}

/// What makes the endpoints of a segment what is given; the rest is kept.
#[derive(Debug, Default, PartialEq)]
pub struct Replacement {
    pub created: Vec<GivenEndpoint>,
    pub changed: Vec<(i64, EndpointStatus)>,
    pub deleted: Vec<i64>,
}

impl TryFrom<String> for EndpointStatus {
    type Error = Invalid;

    fn try_from(name: String) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|status| status.name() == name);
        found.ok_or_else(|| Invalid(format!("\"{name}\" is none of {}", Self::ALL.map(Self::name).join(", "))))
    }
}

impl EndpointStatus {
    const ALL: [Self; 4] = [Self::Certain, Self::Uncertain, Self::Continued, Self::Breadcrumb];

    pub fn name(self) -> &'static str {
        match self {
            Self::Certain => "CERTAIN",
            Self::Uncertain => "UNCERTAIN",
            Self::Continued => "CONTINUED",
            Self::Breadcrumb => "BREADCRUMB",
        }
    }

    /// The status of this name. `argument` says where it stands.
    pub fn parse(argument: &str, name: &str) -> Result<Self, Invalid> {
        Self::try_from(name.to_owned()).map_err(|Invalid(reason)| Invalid(format!("{argument}: {reason}")))
    }
}

impl NewEndpoint {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let endpoint: Self = parse_object("data", text)?;
        check_name("data.user_id", &endpoint.user_id)?;
        Ok(endpoint)
    }
}

impl GivenEndpoint {
    pub fn parse_all(text: &str) -> Result<Vec<Self>, Invalid> {
        parse_objects("data", text)
    }

    /// Both zeros are one coordinate.
    fn place(&self) -> [u64; 3] {
        [self.x, self.y, self.z].map(|coordinate| (coordinate + 0.0).to_bits())
    }
}

impl Replacement {
    /// An endpoint stays if its point is given, above all with its status; a point may be given several times.
    pub fn find(existing: &[(i64, GivenEndpoint)], given: &[GivenEndpoint]) -> Self {
        let mut places: HashMap<[u64; 3], Vec<(i64, EndpointStatus)>> = HashMap::new();
        for (id, endpoint) in existing.iter().rev() {
            places.entry(endpoint.place()).or_default().push((*id, endpoint.status));
        }
        let mut others: Vec<&GivenEndpoint> = vec![];
        for one in given {
            let equal = places.get_mut(&one.place()).and_then(|left| {
                let position = left.iter().rposition(|(_, status)| *status == one.status)?;
                Some(left.remove(position))
            });
            if equal.is_none() {
                others.push(one);
            }
        }
        let mut replacement = Self::default();
        for one in others {
            match places.get_mut(&one.place()).and_then(Vec::pop) {
                Some((id, _)) => replacement.changed.push((id, one.status)),
                None => replacement.created.push(*one),
            }
        }
        replacement.deleted = places.into_values().flatten().map(|(id, _)| id).collect();
        replacement.deleted.sort_unstable();
        replacement
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(x: f64, status: EndpointStatus) -> GivenEndpoint {
        GivenEndpoint { x, y: 0.0, z: 0.0, status }
    }

    /// The endpoints that a replacement leaves, in no order.
    fn apply(existing: &[(i64, GivenEndpoint)], replacement: &Replacement) -> Vec<(i64, GivenEndpoint)> {
        let mut endpoints: Vec<_> =
            existing.iter().copied().filter(|(id, _)| !replacement.deleted.contains(id)).collect();
        for (id, status) in &replacement.changed {
            endpoints.iter_mut().filter(|(other, _)| other == id).for_each(|(_, endpoint)| endpoint.status = *status);
        }
        let first = existing.len() as i64;
        endpoints.extend(replacement.created.iter().enumerate().map(|(index, one)| (first + index as i64, *one)));
        endpoints
    }

    #[test]
    fn points_that_stay_keep_their_ids() {
        let existing = [
            (1, at(1.0, EndpointStatus::ALL[0])),
            (2, at(2.0, EndpointStatus::ALL[0])),
            (3, at(3.0, EndpointStatus::ALL[0])),
        ];
        let given = [at(2.0, EndpointStatus::ALL[2]), at(1.0, EndpointStatus::ALL[0]), at(4.0, EndpointStatus::ALL[1])];
        let replacement = Replacement::find(&existing, &given);
        assert_eq!(replacement.created, [given[2]]);
        assert_eq!(replacement.changed, [(2, EndpointStatus::ALL[2])]);
        assert_eq!(replacement.deleted, [3]);
    }

    #[test]
    fn of_several_at_one_point_the_equal_one_stays() {
        let existing = [(1, at(0.0, EndpointStatus::ALL[0])), (2, at(-0.0, EndpointStatus::ALL[3]))];
        let replacement = Replacement::find(&existing, &[at(0.0, EndpointStatus::ALL[3])]);
        assert_eq!(replacement, Replacement { deleted: vec![1], ..Replacement::default() });
    }

    #[test]
    fn statuses_have_the_names_that_they_are_read_by() {
        for status in EndpointStatus::ALL {
            assert_eq!(EndpointStatus::parse("new_status", status.name()), Ok(status));
        }
        let error = EndpointStatus::parse("new_status", "certain").unwrap_err();
        assert_eq!(error.0, "new_status: \"certain\" is none of CERTAIN, UNCERTAIN, CONTINUED, BREADCRUMB");
    }

    prop_compose! {
        fn endpoints()(places in prop::collection::vec((0..4_u8, 0..4_usize), 0..12)) -> Vec<GivenEndpoint> {
            places.into_iter().map(|(x, status)| at(f64::from(x), EndpointStatus::ALL[status])).collect()
        }
    }

    proptest! {
        #[test]
        fn a_replacement_leaves_what_is_given(before in endpoints(), given in endpoints()) {
            let existing: Vec<_> = before.into_iter().enumerate().map(|(id, one)| (id as i64, one)).collect();
            let after = apply(&existing, &Replacement::find(&existing, &given));
            let sorted = |endpoints: Vec<GivenEndpoint>| {
                let mut names: Vec<_> = endpoints.iter().map(|one| (one.place(), one.status.name())).collect();
                names.sort_unstable();
                names
            };
            prop_assert_eq!(sorted(after.iter().map(|(_, one)| *one).collect()), sorted(given.clone()));
            prop_assert_eq!(Replacement::find(&after, &given), Replacement::default());
        }
    }
}
