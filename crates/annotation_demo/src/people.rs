//! Who works: annotators of different types of cells, reviewers, and a program.

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    Annotator,
    /// Forgets a tenth of the ends the first time.
    Novice,
    Reviewer,
    Program,
    /// Is not qualified for any type of cell yet.
    Newcomer,
}

#[derive(Debug)]
pub struct Person {
    pub user_id: &'static str,
    pub role: Role,
    pub hourly_rate: u32,
    /// Every so many types of cells, from which on; annotators only.
    share: (usize, usize),
}

pub const PEOPLE: [Person; 7] = [
    Person { user_id: "ada", role: Role::Annotator, hourly_rate: 32, share: (2, 0) },
    Person { user_id: "ben", role: Role::Novice, hourly_rate: 24, share: (1, 0) },
    Person { user_id: "cleo", role: Role::Annotator, hourly_rate: 30, share: (2, 1) },
    Person { user_id: "dora", role: Role::Reviewer, hourly_rate: 45, share: (1, 0) },
    Person { user_id: "emil", role: Role::Reviewer, hourly_rate: 40, share: (1, 0) },
    Person { user_id: "measuring", role: Role::Program, hourly_rate: 0, share: (1, 0) },
    Person { user_id: "zoe", role: Role::Newcomer, hourly_rate: 20, share: (1, 0) },
];

impl Person {
    pub fn task_type(&self) -> &'static str {
        match self.role {
            Role::Annotator | Role::Novice | Role::Newcomer => "trace_v0",
            Role::Reviewer => "trace_feedback_v0",
            Role::Program => "trace_postprocess_v0",
        }
    }

    pub fn cell_types<'t>(&self, types: &[&'t str]) -> Vec<&'t str> {
        let (step, first) = self.share;
        match self.role {
            Role::Annotator | Role::Novice => types.iter().skip(first).step_by(step).copied().collect(),
            Role::Reviewer | Role::Program | Role::Newcomer => vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_cell_has_an_annotator() {
        let types = ["a", "b", "c", "d", "e"];
        for number in 1..=types.len() {
            let types = &types[..number];
            for cell_type in types {
                assert!(PEOPLE.iter().any(|person| person.cell_types(types).contains(cell_type)));
            }
        }
    }
}
