//! Recounts from the events who must hold which task and how it must stand, and compares that with the tables. What clients
//! were told is compared with both: a lost, doubled or half-done change shows as a difference.

use std::collections::HashMap;

use postgres::Client;

/// What a client was told, or what it cannot know because its connection broke during the call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    Acknowledged,
    /// Acknowledged, but it leaves no trace of its own if things were so already.
    Settled,
    Unknown,
}

/// What clients did that leaves a trace that can be counted.
#[derive(Debug, Default)]
pub struct Ledger {
    /// (project, task, user, completion status)
    pub completions: Vec<([String; 4], Outcome)>,
    /// (project, task, user), milliseconds
    pub submissions: Vec<([String; 3], i64, Outcome)>,
    /// The same of corrections, which may be negative.
    pub corrections: Vec<([String; 3], i64, Outcome)>,
}

impl Ledger {
    pub fn absorb(&mut self, other: Ledger) {
        self.completions.extend(other.completions);
        self.submissions.extend(other.submissions);
        self.corrections.extend(other.corrections);
    }
}

#[derive(Debug, Default, PartialEq)]
struct TaskState {
    status: String,
    holder: String,
    completion_status: String,
    completed_user: String,
    /// How often it was claimed since it was last put into the queue, and how often that has failed.
    attempts: i32,
    failures: i32,
}

impl TaskState {
    fn complete(&mut self, completed_user: String, completion_status: String) {
        (self.status, self.holder) = ("completed".into(), String::new());
        (self.completion_status, self.completed_user) = (completion_status, completed_user);
    }

    fn claim(&mut self, user: String) -> String {
        self.attempts += 1;
        std::mem::replace(&mut self.holder, user)
    }

    fn open(&mut self) {
        let (attempts, failures) = (self.attempts, self.failures);
        *self = Self { status: "open".into(), attempts, failures, ..Self::default() };
    }
}

/// Fails unless the tasks of a project stand as their events say.
pub fn assert_tasks_follow_from_events(client: &mut Client, project: &str) {
    let mut states: HashMap<String, TaskState> = HashMap::new();
    let events = client
        .query(
            "select task_id, kind::text, coalesce(user_id, ''), coalesce(detail, '') from task_mgmt.events
            where project_name = $1 and task_id is not null
            order by task_id, event_no",
            &[&project],
        )
        .unwrap();
    for event in events {
        let (task, kind, user, detail): (String, String, String, String) =
            (event.get(0), event.get(1), event.get(2), event.get(3));
        let state = states.entry(task.clone()).or_default();
        let is_legal = apply(state, &kind, user, detail);
        assert!(is_legal, "{project}/{task}: {kind} cannot follow, now {state:?}");
    }
    states.retain(|_, state| !state.status.is_empty());
    let tasks = client
        .query(
            "select task_id, case when status in ('completed', 'cancelled', 'failed', 'expired') then status::text else 'open' end,
                active_user_id, completion_status, completed_user_id, attempts, failures
            from task_mgmt.tasks where project_name = $1",
            &[&project],
        )
        .unwrap();
    assert_eq!(tasks.len(), states.len(), "tasks and tasks with events in {project}");
    for row in tasks {
        let task: String = row.get(0);
        let found = TaskState {
            status: row.get(1),
            holder: row.get(2),
            completion_status: row.get(3),
            completed_user: row.get(4),
            attempts: row.get(5),
            failures: row.get(6),
        };
        assert_eq!(states.get(&task), Some(&found), "{project}/{task}: by its events (left) and its row (right)");
    }
}

/// Takes a step; false if the event cannot happen in this state.
fn apply(state: &mut TaskState, kind: &str, user: String, detail: String) -> bool {
    let is_open = state.status == "open";
    match kind {
        "created" => {
            let is_first = state.status.is_empty();
            state.status = "open".into();
            is_first
        }
        "started" => is_open && state.claim(user).is_empty(),
        "taken_over" => is_open && state.claim(user) == detail,
        "handed_back" | "snoozed" => is_open && std::mem::take(&mut state.holder) == user,
        "retried" | "lease_expired" | "failed" => {
            state.failures += 1;
            if kind == "failed" {
                state.status = kind.into();
            }
            is_open && std::mem::take(&mut state.holder) == user
        }
        "expired" => {
            state.status = kind.into();
            is_open && state.holder.is_empty()
        }
        // One that was on hold goes on; any other begins anew.
        "enqueued" => {
            let was_over = matches!(state.status.as_str(), "failed" | "cancelled" | "expired");
            if was_over {
                *state = TaskState { status: "open".into(), ..TaskState::default() };
            }
            was_over || is_open && state.holder.is_empty()
        }
        "force_released" => is_open && !std::mem::take(&mut state.holder).is_empty(),
        "completed" => {
            let was_alive = is_open || state.status == "completed";
            state.complete(user, detail);
            was_alive
        }
        // What its copies came to; a decision or an outcome that there is stays.
        "concluded" => {
            let was_free = is_open && state.holder.is_empty();
            state.complete(user, detail);
            was_free
        }
        "cancelled" => {
            state.holder.clear();
            state.status = "cancelled".into();
            is_open
        }
        "deleted" => {
            let was_there = !state.status.is_empty();
            *state = TaskState::default();
            was_there
        }
        "release_undone" => {
            let was_theirs = state.completed_user == user;
            state.open();
            was_theirs && state.claim(user).is_empty()
        }
        "reactivated" => {
            state.open();
            !is_open
        }
        _ => true,
    }
}

/// Fails if an original is open although its copies are completed and agree, unless it was opened again or given up since.
pub fn assert_agreement_concludes(client: &mut Client, project: &str) {
    let overlooked = client.query(
        "select o.task_id
        from task_mgmt.overlaps o
        join task_mgmt.tasks t using (project_name, task_id)
        where o.project_name = $1 and o.result = 'needs_adjudication' and t.active_user_id = ''
            and (select count(*) from jsonb_object_keys(o.completion_statuses)) = 1
            and not exists (
                select from task_mgmt.events e
                where e.project_name = $1 and e.task_id = o.task_id and e.kind in ('reactivated', 'handed_back', 'force_released')
                    and e.event_no > (
                        select max(c.event_no)
                        from task_mgmt.events c
                        join task_mgmt.tasks k using (project_name, task_id)
                        where c.project_name = $1 and k.original_task_id = o.task_id and c.kind = 'completed'
                    )
            )",
        &[&project],
    );
    let overlooked: Vec<String> = overlooked.unwrap().iter().map(|row| row.get(0)).collect();
    assert!(overlooked.is_empty(), "copies in {project} agree without effect: {overlooked:?}");
    let answers = client.query_one(
        "select count(*) filter (where status = 'completed'), count(distinct (original_task_id, completed_user_id))
            filter (where status = 'completed')
        from task_mgmt.tasks where project_name = $1 and original_task_id is not null",
        &[&project],
    );
    let answers = answers.unwrap();
    let (completed, users): (i64, i64) = (answers.get(0), answers.get(1));
    assert_eq!(completed, users, "completed copies in {project}, and users who completed one of an original");
}

/// Fails unless every acknowledged completion and submission in a project is there once, and nothing that nobody asked for.
pub fn assert_ledger_is_kept(client: &mut Client, project: &str, ledger: &Ledger) {
    let completions = client.query(
        "select task_id, user_id, detail, count(*), count(*) filter (where kind = 'concluded') from task_mgmt.events
        where project_name = $1 and kind in ('completed', 'concluded') group by 1, 2, 3",
        &[&project],
    );
    let completions = completions.unwrap();
    let kept = completions.iter().map(|row| (key([row.get(0), row.get(1), row.get(2)]), row.get(3))).collect();
    // What copies came to was told to nobody.
    let concluded =
        completions.iter().map(|row| (key([row.get(0), row.get(1), row.get(2)]), row.get(4), Outcome::Unknown));
    let told = ledger.completions.iter().filter(|(key, _)| key[0] == project);
    let told =
        told.map(|([_, task, user, status], outcome)| (key([task.clone(), user.clone(), status.clone()]), 1, *outcome));
    compare("completions", project, kept, told.chain(concluded));

    for (what, condition, times) in [
        ("milliseconds", "reason is null", &ledger.submissions),
        ("corrected milliseconds", "reason is not null", &ledger.corrections),
    ] {
        let query = format!(
            "select task_id, user_id, (sum(seconds_spent) * 1000)::bigint from task_mgmt.timesheet_submissions
            where project_name = $1 and {condition} group by 1, 2"
        );
        let kept = client.query(&query, &[&project]).unwrap();
        let kept = kept.iter().map(|row| (key([row.get(0), row.get(1)]), row.get(2))).collect();
        let told = times.iter().filter(|(key, ..)| key[0] == project);
        let told = told.map(|([_, task, user], milliseconds, outcome)| {
            (key([task.clone(), user.clone()]), *milliseconds, *outcome)
        });
        compare(what, project, kept, told);
    }
}

/// Fails unless each completion of a trace as Done has one task to post-process it. From that of a copy nothing follows, nor if
/// it was Done already, and only who did it was corrected.
pub fn assert_traces_are_followed_up_once(client: &mut Client, project: &str) {
    let differences = client
        .query(
            "select coalesce(done.expected, made.task_id)
            from (
                select 'postprocess_' || t.segment_seed_id || '_' || e.event_no as expected
                from (
                    select task_id, event_no, kind, detail, lag(detail) over (partition by task_id order by event_no) as before
                    from task_mgmt.events
                    where project_name = $1 and kind in ('completed', 'concluded', 'reactivated', 'release_undone')
                ) e
                join task_mgmt.task t on t.project_name = $1 and t.task_id = e.task_id
                where e.kind in ('completed', 'concluded') and e.detail = 'Done' and e.before is distinct from e.detail
                    and t.task_type = 'trace_v0' and t.segment_seed_id is not null and t.original_no is null
            ) done
            full join (
                select task_id from task_mgmt.task
                where project_name = $1 and task_type = 'trace_postprocess_v0' and original_no is null
            ) made on made.task_id = done.expected
            where done.expected is null or made.task_id is null",
            &[&project],
        )
        .unwrap();
    let differences: Vec<String> = differences.iter().map(|row| row.get(0)).collect();
    assert!(
        differences.is_empty(),
        "follow-ups of {project} that are missing, or follow from nothing: {differences:?}"
    );
}

fn key<const N: usize>(parts: [String; N]) -> String {
    parts.join(" | ")
}

/// What is kept must lie between what was acknowledged and that plus what is unknown, which may be negative; what is settled is
/// there.
fn compare(what: &str, project: &str, kept: HashMap<String, i64>, told: impl Iterator<Item = (String, i64, Outcome)>) {
    let untold = (0, i64::MIN, 0);
    let mut bounds: HashMap<String, (i64, i64, i64)> = kept.keys().map(|key| (key.clone(), untold)).collect();
    for (key, amount, outcome) in told {
        let (least, settled, most) = bounds.entry(key).or_insert(untold);
        match outcome {
            Outcome::Acknowledged => {
                *least += amount;
                *most += amount;
            }
            Outcome::Settled => {
                *settled = amount;
                *most += amount;
            }
            Outcome::Unknown => {
                *least += amount.min(0);
                *most += amount.max(0);
            }
        }
    }
    for (key, (least, settled, most)) in bounds {
        let least = least.max(settled);
        let found = kept.get(&key).copied().unwrap_or(0);
        assert!((least..=most).contains(&found), "{what} of {project}, {key}: kept {found}, told {least} to {most}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_open_and_free_is_concluded() {
        for (status, holder, is_legal) in
            [("open", "", true), ("open", "ann", false), ("completed", "", false), ("cancelled", "", false)]
        {
            let mut state = TaskState { status: status.into(), holder: holder.into(), ..TaskState::default() };
            assert_eq!(apply(&mut state, "concluded", "bob".into(), "Done".into()), is_legal, "{status} {holder}");
        }
    }
}
