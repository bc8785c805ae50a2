//! Which golden task checks a user next, and what its copy is called.

use std::hash::Hasher;

use fnv::FnvHasher;

/// Orders golden tasks, for each user otherwise.
pub fn turn(user: &str, task_id: &str) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write(user.as_bytes());
    hasher.write(&[0]);
    hasher.write(task_id.as_bytes());
    hasher.finish()
}

/// The id of a new task as those of the same kind are: the number at the end is another one.
pub fn look_alike(task_id: &str, number: i64) -> String {
    const MOST_CHARS: usize = 180;
    let stem = task_id.trim_end_matches(|character: char| character.is_ascii_digit());
    let stem: String = stem.chars().take(MOST_CHARS).collect();
    format!("{stem}{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::check_name;
    use proptest::prelude::*;

    #[test]
    fn the_number_at_the_end_is_another_one() {
        let ids = ["17", "trace_4_17", "cell", "cell-", "7a", ""].map(|id| look_alike(id, 99));
        assert_eq!(ids, ["99", "trace_4_99", "cell99", "cell-99", "7a99", "99"]);
    }

    #[test]
    fn users_do_not_all_begin_with_the_same_task() {
        let tasks: Vec<String> = (0..10).map(|number| format!("golden-{number}")).collect();
        let first = |user: &str| tasks.iter().min_by_key(|task| turn(user, task)).unwrap();
        let firsts: std::collections::HashSet<_> = (0..50).map(|user| first(&format!("user-{user}"))).collect();
        assert!(firsts.len() > 4, "{firsts:?}");
    }

    proptest! {
        #[test]
        fn a_name_stays_one(id in "\\PC{1,200}", number in 1..i64::MAX) {
            prop_assert!(check_name("task_id", &look_alike(&id, number)).is_ok());
        }
    }
}
