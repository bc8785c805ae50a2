//! Creating dependencies under the key of the project's graph: both ends are looked up and locked, statuses and cycles are
//! checked, and tasks that now wait for something can no longer be started.

use std::collections::{BTreeSet, HashMap, HashSet};

use task_mgmt_core::cycles;
use task_mgmt_core::dependencies::NewDependency;

use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events::{self, Actor};
use crate::locks::{self, Key};
use crate::ready;
use crate::satisfaction;
use crate::spi::sql;
use crate::tasks;

/// What task `a` waits for: its upstream tasks and, as an original, its copies. The planner takes ancestors for many: offset 0 keeps
/// it from reading all dependencies of the project instead of theirs.
macro_rules! waited_for {
    () => {
        "(
            select d.upstream_no from task_mgmt.dependency d where d.project_name = $1 and d.task_no = a.task_no
            union all
            select c.task_no from task_mgmt.task c where c.project_name = $1 and c.original_no = a.task_no and not c.is_check
            offset 0
        )"
    };
}

/// Creates dependencies under the key of the graph. They make the tasks wait unless they are satisfied already.
pub fn create(project: &str, new: &[NewDependency]) -> Result<(), Error> {
    require_free_ids(project, new)?;
    let ends = Ends::find(project, new)?;
    lock_dependents(project, new);
    tasks::lock_rows(project, ends.task_nos().into_iter().collect())?;
    let now = clock::now()?;
    let ends = Ends::find(project, new)?;
    ends.check_statuses(new)?;
    ends.check_cycles(project, new)?;
    let rows: Vec<Row> = new.iter().map(|one| ends.row(one)).collect();
    insert(project, &rows)?;
    let mut waiting: HashMap<i64, i32> = HashMap::new();
    for row in rows.iter().filter(|row| !row.is_satisfied) {
        *waiting.entry(row.task_no).or_default() += 1;
    }
    block(project, &waiting, now)?;
    let satisfied: BTreeSet<i64> = rows.iter().filter(|row| row.is_satisfied).map(|row| row.task_no).collect();
    satisfaction::activate_held(project, &satisfied.into_iter().collect::<Vec<_>>(), now)
}

/// Errors: 42710. The key of the graph keeps others from taking an id meanwhile.
fn require_free_ids(project: &str, new: &[NewDependency]) -> Result<(), Error> {
    let ids: Vec<String> = new.iter().map(NewDependency::id).collect();
    let mut seen = HashSet::new();
    let twice = ids.iter().find(|id| !seen.insert(*id)).cloned();
    let taken = sql!(
        "select d.dependency_id
        from unnest($2) with ordinality as new (dependency_id, position)
        cross join lateral (
            select d.dependency_id
            from task_mgmt.dependency d
            where d.project_name = $1 and d.dependency_id = new.dependency_id
            offset 0
        ) as d
        order by new.position
        limit 1"
    )
    .first(&[project.into(), ids.into()], |row| row.get(1))?;
    match taken.or(twice) {
        Some(dependency) => Err(Error::DependencyExists { project: project.into(), dependency }),
        None => Ok(()),
    }
}

/// A claim passes over tasks whose key is taken; for a large set their rows are all that is locked.
fn lock_dependents(project: &str, new: &[NewDependency]) {
    if new.len() <= locks::MOST_KEYS {
        let keys: Vec<Key> = new.iter().map(|one| Key::Task(project, &one.task_id)).collect();
        locks::lock_all(&keys);
    }
}

/// A dependency as it is stored.
struct Row {
    dependency_id: String,
    task_no: i64,
    upstream_no: i64,
    is_satisfied: bool,
    is_waived: bool,
    required_completion_status: String,
}

fn insert(project: &str, rows: &[Row]) -> Result<(), Error> {
    sql!(
        "with made as (
            insert into task_mgmt.dependency (project_name, dependency_id, task_no, upstream_no, is_satisfied,
                is_waived, required_completion_status)
            select $1, dependency_id, task_no, upstream_no, is_satisfied, is_waived, required_completion_status
            from unnest($2, $3, $4, $5, $6, $7)
                as new (dependency_id, task_no, upstream_no, is_satisfied, is_waived, required_completion_status)
            returning upstream_no
        )
        update task_mgmt.task t
        set has_dependents = true
        where t.project_name = $1 and t.task_no in (select upstream_no from made) and not t.has_dependents"
    )
    .run(&[
        project.into(),
        rows.iter().map(|row| row.dependency_id.as_str()).collect::<Vec<_>>().into(),
        rows.iter().map(|row| row.task_no).collect::<Vec<_>>().into(),
        rows.iter().map(|row| row.upstream_no).collect::<Vec<_>>().into(),
        rows.iter().map(|row| row.is_satisfied).collect::<Vec<_>>().into(),
        rows.iter().map(|row| row.is_waived).collect::<Vec<_>>().into(),
        rows.iter().map(|row| row.required_completion_status.as_str()).collect::<Vec<_>>().into(),
    ])?;
    Ok(())
}

/// Adds to what tasks wait for. Those that nobody holds and that are not finished can no longer be started.
fn block(project: &str, waiting: &HashMap<i64, i32>, now: Instant) -> Result<(), Error> {
    if waiting.is_empty() {
        return Ok(());
    }
    let mut task_nos: Vec<i64> = waiting.keys().copied().collect();
    task_nos.sort_unstable();
    ready::withdraw(project, &task_nos)?;
    satisfaction::add_unsatisfied(project, &task_nos, task_nos.iter().map(|no| waiting[no]).collect())?;
    events::append(project, &task_nos, "blocked", Actor::Caller, None, now)
}

/// The tasks at both ends of some dependencies, by id.
pub struct Ends<'a>(HashMap<&'a str, End>);

struct End {
    task_no: i64,
    task_type: String,
    completion_status: String,
    allowed: Vec<String>,
}

impl<'a> Ends<'a> {
    /// Errors: P0002 for the first task that does not exist.
    pub fn find(project: &str, new: &'a [NewDependency]) -> Result<Self, Error> {
        let named = || new.iter().flat_map(|one| [one.task_id.as_str(), one.dependent_on_task_id.as_str()]);
        let ids: Vec<&str> = named().collect::<BTreeSet<_>>().into_iter().collect();
        let rows = sql!(
            "select id.position, t.task_no, t.task_type, t.completion_status, y.completion_statuses
            from unnest($2) with ordinality as id (task_id, position)
            join task_mgmt.task t on t.project_name = $1 and t.task_id = id.task_id
            join task_mgmt.task_type y on y.project_name = $1 and y.task_type = t.task_type"
        )
        .all(&[project.into(), ids.clone().into()], |row| {
            let end = End {
                task_no: row.get(2)?,
                task_type: row.get(3)?,
                completion_status: row.get(4)?,
                allowed: row.get(5)?,
            };
            Ok((ids[row.get::<i64>(1)? as usize - 1], end))
        })?;
        let ends: HashMap<&str, End> = rows.into_iter().collect();
        match named().find(|id| !ends.contains_key(id)) {
            Some(missing) => Err(tasks::not_found(project, missing)?),
            None => Ok(Self(ends)),
        }
    }

    pub fn task_nos(&self) -> BTreeSet<i64> {
        self.0.values().map(|end| end.task_no).collect()
    }

    fn row(&self, new: &NewDependency) -> Row {
        let upstream = &self.0[new.dependent_on_task_id.as_str()];
        Row {
            dependency_id: new.id(),
            task_no: self.0[new.task_id.as_str()].task_no,
            upstream_no: upstream.task_no,
            is_waived: new.is_satisfied,
            is_satisfied: new.is_satisfied || upstream.completion_status == new.required_completion_status,
            required_completion_status: new.required_completion_status.clone(),
        }
    }

    fn check_statuses(&self, new: &[NewDependency]) -> Result<(), Error> {
        new.iter().try_for_each(|one| {
            let upstream = &self.0[one.dependent_on_task_id.as_str()];
            tasks::require_status_allowed(&one.required_completion_status, &upstream.task_type, &upstream.allowed)
        })
    }

    /// A new cycle leads from an upstream task over what it waits for back to a dependent one.
    fn check_cycles(&self, project: &str, new: &[NewDependency]) -> Result<(), Error> {
        let number = |id: &String| self.0[id.as_str()].task_no;
        let mut edges: Vec<(i64, i64)> =
            new.iter().map(|one| (number(&one.task_id), number(&one.dependent_on_task_id))).collect();
        let upstream: BTreeSet<i64> = edges.iter().map(|(_, upstream)| *upstream).collect();
        edges.extend(
            sql!(concat!(
                "with recursive ancestor (task_no) as (
                    select unnest($2)
                    union
                    select w.upstream_no from ancestor a cross join lateral ",
                waited_for!(),
                " as w
                )
                select a.task_no, w.upstream_no from ancestor a cross join lateral ",
                waited_for!(),
                " as w"
            ))
            .all(&[project.into(), upstream.into_iter().collect::<Vec<_>>().into()], |row| {
                Ok((row.get(1)?, row.get(2)?))
            })?,
        );
        match cycles::find_cycle(&edges) {
            None => Ok(()),
            Some(cycle) => Err(Error::Cycle(describe(project, &cycle)?)),
        }
    }
}

/// The cycle in words; of a long one the beginning.
fn describe(project: &str, cycle: &[i64]) -> Result<String, Error> {
    const MOST_NAMED: usize = 20;
    let named: Vec<i64> = cycle.iter().copied().take(MOST_NAMED).collect();
    let mut names = sql!(
        "select t.task_id
        from unnest($2) with ordinality as no (task_no, position)
        join task_mgmt.task t on t.project_name = $1 and t.task_no = no.task_no
        order by no.position"
    )
    .all(&[project.into(), named.into()], |row| row.get::<String>(1))?;
    if cycle.len() > MOST_NAMED {
        names.push(format!("{} more", cycle.len() - MOST_NAMED));
    }
    names.push(names[0].clone());
    Ok(names.join(" -> "))
}
