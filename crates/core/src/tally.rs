//! How tasks are counted: each under a small number that says how it ended, how urgent it is and whether it is somebody's own.

/// What a task is counted under. SQL computes the same by `task_mgmt.count_key`, from a task's row.
pub fn key(status: &str, priority: i32, is_assigned: bool) -> i16 {
    let ending = match status {
        "completed" => 1,
        "failed" => 2,
        "cancelled" => 3,
        "skipped" => 4,
        "expired" => 5,
        _ => 0,
    };
    let urgency = match priority {
        ..=49 => 0,
        50..=74 => 1,
        75..=99 => 2,
        100.. => 3,
    };
    ending * 8 + urgency * 2 + i16::from(is_assigned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_task_has_a_number_of_its_own() {
        let statuses = ["queued", "completed", "failed", "cancelled", "skipped", "expired"];
        let mut keys = vec![];
        for status in statuses {
            for priority in [25, 50, 75, 100] {
                keys.extend([key(status, priority, false), key(status, priority, true)]);
            }
        }
        assert_eq!(keys, (0..48).collect::<Vec<i16>>());
        assert_eq!(key("queued", i32::MIN, false), key("queued", 49, false));
        assert_eq!(key("queued", i32::MAX, false), key("queued", 100, false));
    }
}
