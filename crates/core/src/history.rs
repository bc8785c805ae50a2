//! What events say of a task's status: the one place that knows what each kind of event does to it.

/// The status of a task after an event of this kind, if it had `status` before.
pub fn status_after<'a>(kind: &str, status: &'a str) -> &'a str {
    match kind {
        "started" | "taken_over" | "release_undone" => "running",
        "handed_back" | "force_released" | "retried" | "lease_expired" | "snoozed" => "queued",
        "reactivated" | "activated" | "enqueued" => "queued",
        "completed" | "concluded" => "completed",
        "cancelled" => "cancelled",
        "failed" => "failed",
        "expired" => "expired",
        "held" => "created",
        "unblocked" if status == "created" => "queued",
        _ => status,
    }
}

/// The status that a task was created with, which its row does not keep: what the first event that does anything to it
/// presupposes, or, if there is none, what it still is.
pub fn first_status<'a>(kinds: impl IntoIterator<Item = &'a str>, present: &'a str) -> &'a str {
    let presupposed = kinds.into_iter().find_map(|kind| match kind {
        "handed_back" | "force_released" | "taken_over" | "retried" | "lease_expired" | "snoozed" | "failed" => {
            Some("running")
        }
        "reactivated" | "release_undone" => Some("completed"),
        "activated" | "enqueued" => Some("created"),
        "started" | "held" | "completed" | "concluded" | "cancelled" | "unblocked" | "expired" => Some("queued"),
        _ => None,
    });
    presupposed.unwrap_or(present)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(kinds: &[&'static str], present: &'static str) -> Vec<&'static str> {
        let mut status = first_status(kinds.iter().copied(), present);
        let mut statuses = vec![status];
        for kind in kinds {
            status = status_after(kind, status);
            statuses.push(status);
        }
        statuses
    }

    #[test]
    fn a_life_is_told_from_its_beginning() {
        let life = ["started", "handed_back", "started", "completed", "reactivated", "cancelled"];
        let told = ["queued", "running", "queued", "running", "completed", "queued", "cancelled"];
        assert_eq!(statuses(&life, "cancelled"), told);
    }

    #[test]
    fn the_life_of_a_worker_s_task_is_told() {
        let life =
            ["enqueued", "started", "retried", "started", "lease_expired", "started", "snoozed", "started", "failed"];
        let told =
            ["created", "queued", "running", "queued", "running", "queued", "running", "queued", "running", "failed"];
        assert_eq!(statuses(&life, "failed"), told);
        assert_eq!(statuses(&["expired", "enqueued"], "queued"), ["queued", "expired", "queued"]);
    }

    #[test]
    fn what_came_in_otherwise_is_known_from_what_followed() {
        assert_eq!(statuses(&["changed", "handed_back"], "queued"), ["running", "running", "queued"]);
        assert_eq!(statuses(&["reactivated"], "queued"), ["completed", "queued"]);
        assert_eq!(statuses(&["paused", "activated"], "queued"), ["created", "created", "queued"]);
        assert_eq!(statuses(&["paused"], "completed"), ["completed", "completed"]);
        assert_eq!(statuses(&[], "created"), ["created"]);
    }

    #[test]
    fn what_becomes_free_is_queued_unless_it_is_more_than_that() {
        assert_eq!(status_after("unblocked", "created"), "queued");
        assert_eq!(status_after("unblocked", "cancelled"), "cancelled");
        assert_eq!(status_after("blocked", "created"), "created");
    }
}
