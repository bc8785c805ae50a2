//! Databases that are prepared once for each situation; a measurement takes a copy.

use anyhow::{Result, ensure};
use postgres::Client;

use crate::options::Settings;
use crate::plan::{Beside, Situation};
use crate::server::Server;

const SETUP: &str = include_str!("../scripts/setup.sql");
const RETRYING: &str = include_str!("../scripts/retrying.sql");
/// Tasks in one call of create_tasks.
const CHUNK: u32 = 100_000;

/// The prepared databases.
pub struct Templates {
    users: u32,
    unstartable: u32,
    prepared: Vec<(Situation, String)>,
}

impl Templates {
    pub fn new(settings: &Settings) -> Self {
        Self { users: settings.most_clients(), unstartable: settings.large_backlog, prepared: vec![] }
    }

    /// The name of the database for a situation, which is made if there is none yet.
    pub fn prepare(&mut self, server: &mut Server, situation: Situation) -> Result<String> {
        if let Some((_, name)) = self.prepared.iter().find(|(prepared, _)| *prepared == situation) {
            return Ok(name.clone());
        }
        let name = name(situation);
        let mut database = server.create(&name)?;
        database.batch_execute(SETUP)?;
        add_users(&mut database, self.users)?;
        fill(&mut database, situation, self.unstartable)?;
        database.batch_execute("vacuum analyze")?;
        database.close()?;
        self.prepared.push((situation, name.clone()));
        Ok(name)
    }

    /// The name of the one without tasks.
    pub fn prepare_empty(&mut self, server: &mut Server) -> Result<String> {
        self.prepare(server, Situation { backlog: 0, beside: Beside::Nothing })
    }

    /// Drops what only one group of cells needs.
    pub fn drop_unless_reused(&mut self, server: &mut Server) -> Result<()> {
        self.drop_where(server, |situation| situation.beside != Beside::Nothing)
    }

    pub fn drop_all(&mut self, server: &mut Server) -> Result<()> {
        self.drop_where(server, |_| true)
    }

    fn drop_where(&mut self, server: &mut Server, is_unwanted: impl Fn(&Situation) -> bool) -> Result<()> {
        for (_, name) in self.prepared.iter().filter(|(situation, _)| is_unwanted(situation)) {
            server.drop(name)?;
        }
        self.prepared.retain(|(situation, _)| !is_unwanted(situation));
        Ok(())
    }
}

fn name(situation: Situation) -> String {
    let beside = match situation.beside {
        Beside::Nothing => "",
        Beside::Paused => "_paused",
        Beside::Blocked => "_blocked",
        Beside::Unqualified => "_unqualified",
        Beside::OtherProjects => "_other_projects",
        Beside::Scheduled => "_scheduled",
        Beside::Retrying => "_retrying",
        Beside::Expired => "_expired",
        Beside::OnHold => "_on_hold",
    };
    format!("bench_{}{beside}", situation.backlog)
}

/// One user for each client, named by its number as pgbench counts: from 0.
fn add_users(database: &mut Client, users: u32) -> Result<()> {
    database.execute(
        "select create_user('bench', jsonb_build_object('user_id', n::text, 'qualified_task_types', array['work']))
        from generate_series(0, $1::bigint - 1) as n",
        &[&i64::from(users)],
    )?;
    Ok(())
}

fn fill(database: &mut Client, situation: Situation, unstartable: u32) -> Result<()> {
    let Situation { backlog, beside } = situation;
    database.execute(
        "insert into limit_task (task_no, task_id)
        select n, 'task-' || to_char(n, 'FM00000000') from generate_series(1, $1::bigint) as n",
        &[&i64::from(backlog)],
    )?;
    add_to_queue(database, 0, backlog)?;
    add_tasks(database, "bench", "task", 0, backlog, "{}")?;
    // Most urgent: whoever looked at them would come upon them first.
    match beside {
        Beside::Nothing => {}
        Beside::Paused => {
            add_tasks(database, "bench", "paused", 0, unstartable, r#"{"priority": 100, "is_paused": true}"#)?;
        }
        Beside::Blocked => {
            add_tasks(database, "bench", "gate", 0, 1, r#"{"is_paused": true}"#)?;
            add_tasks(database, "bench", "blocked", 0, unstartable, r#"{"priority": 100}"#)?;
            block(database, "blocked", "gate", unstartable)?;
        }
        Beside::Unqualified => {
            let nobodys = r#"{"priority": 100, "task_type": "nobody's work"}"#;
            add_tasks(database, "bench", "unqualified", 0, unstartable, nobodys)?;
        }
        Beside::OtherProjects => {
            for number in 0..10 {
                let project = format!("other_{number}");
                database.execute("select create_project($1)", &[&project])?;
                let work = r#"{"task_type": "work", "completion_statuses": ["Done"]}"#;
                database.execute("select create_task_type($1, $2::text::jsonb)", &[&project, &work])?;
                add_tasks(database, &project, "task", 0, unstartable / 10, r#"{"priority": 100}"#)?;
            }
        }
        Beside::Scheduled => add_tasks(database, "bench", "scheduled", 0, unstartable, LATER)?,
        Beside::Retrying => {
            add_tasks(database, "bench", "retrying", 0, unstartable, LATER)?;
            fail_once(database)?;
        }
        Beside::Expired => {
            add_tasks(database, "bench", "expired", 0, unstartable, r#"{"priority": 100, "ttl_seconds": 0.001}"#)?;
            sweep(database)?;
        }
        Beside::OnHold => {
            add_tasks(database, "bench", "held", 0, unstartable, r#"{"priority": 100, "run_immediately": false}"#)?;
        }
    }
    Ok(())
}

const LATER: &str = r#"{"priority": 100, "run_after": "9999-01-01T00:00:00Z"}"#;

/// Makes scheduled tasks look as if their first attempt had failed, which a million claims would do much more slowly.
fn fail_once(database: &mut Client) -> Result<()> {
    database.batch_execute(RETRYING)?;
    let broken: Option<String> = database
        .query_one(
            "select min(format('%s: %s, %s', invariant, object, detail)) from task_mgmt.check_invariants()",
            &[],
        )?
        .get(0);
    ensure!(broken.is_none(), "retrying tasks are not as they should be: {}", broken.unwrap_or_default());
    Ok(())
}

/// Creates tasks `first + 1` to `first + count`. `data` overrides what is usual.
pub fn add_tasks(database: &mut Client, project: &str, prefix: &str, first: u32, count: u32, data: &str) -> Result<()> {
    for (from, to) in chunks(first, count) {
        database.execute(
            "select create_tasks($1, jsonb_agg(
                jsonb_build_object('task_type', 'work', 'task_id', $2 || to_char(n, 'FM-00000000')) || $5::text::jsonb))
            from generate_series($3::bigint, $4::bigint) as n",
            &[&project, &prefix, &from, &to, &data],
        )?;
    }
    Ok(())
}

/// Sweeps until there is nothing left to.
pub fn sweep(database: &mut Client) -> Result<()> {
    while !database.query("select from sweep(100000)", &[])?.is_empty() {}
    Ok(())
}

/// Adds rows `first + 1` to `first + count` to the hand-written queue.
pub fn add_to_queue(database: &mut Client, first: u32, count: u32) -> Result<()> {
    for (from, to) in chunks(first, count) {
        database.execute(
            "insert into queue_task (task_id)
            select 'task-' || to_char(n, 'FM00000000') from generate_series($1::bigint, $2::bigint) as n",
            &[&from, &to],
        )?;
    }
    Ok(())
}

/// Makes the tasks of one prefix wait for the only one of another prefix.
fn block(database: &mut Client, prefix: &str, upstream: &str, count: u32) -> Result<()> {
    for (from, to) in chunks(0, count) {
        database.execute(
            "select create_dependencies('bench', jsonb_agg(jsonb_build_object(
                'task_id', $1 || to_char(n, 'FM-00000000'),
                'dependent_on_task_id', $2 || '-00000001',
                'required_completion_status', 'Done')))
            from generate_series($3::bigint, $4::bigint) as n",
            &[&prefix, &upstream, &from, &to],
        )?;
    }
    Ok(())
}

/// The numbers after `first`, in chunks of which each is one call.
fn chunks(first: u32, count: u32) -> impl Iterator<Item = (i64, i64)> {
    let last = first + count;
    (first..last).step_by(CHUNK as usize).map(move |from| (i64::from(from) + 1, i64::from(last.min(from + CHUNK))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_every_number_once() {
        assert_eq!(chunks(0, 250_000).collect::<Vec<_>>(), [(1, 100_000), (100_001, 200_000), (200_001, 250_000)]);
        assert_eq!(chunks(10_000, 8_000).collect::<Vec<_>>(), [(10_001, 18_000)]);
    }
}
