//! What a schedule is to be, and making it so.

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone};
use task_mgmt_core::arguments::Invalid;
use task_mgmt_core::schedules::MisfirePolicy;
use task_mgmt_core::schedules::recurrence::Recurrence;

use crate::access;
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::json::Jsonb;
use crate::spi::sql;

/// The arguments of `schedule_task`, each valid by itself.
pub struct Definition<'a> {
    pub name: &'a str,
    pub cron: &'a str,
    pub recurrence: Recurrence,
    pub data: Jsonb,
    pub policy: MisfirePolicy,
    pub grace_seconds: f64,
}

impl Definition<'_> {
    /// Creates the schedule, or replaces its definition. Returns the next due time. Errors: 22023 if there never is one.
    pub fn store(&self, project: &str) -> Result<Option<TimestampWithTimeZone>, Error> {
        let next = loop {
            if let Some(found) = Stored::lock(project, self.name)? {
                break self.replace(project, &found)?;
            }
            // Somebody else may be creating it; then it is there to be locked.
            if let Some(next) = self.create(project)? {
                break Some(next);
            }
        };
        next.map(Instant::timestamptz).transpose()
    }

    /// The next due time, if there was no schedule of this name.
    fn create(&self, project: &str) -> Result<Option<Instant>, Error> {
        let now = clock::now()?;
        let next = self.recurrence.next_after(now.into()).map(Instant::from).ok_or_else(|| self.never())?;
        let inserted = sql!(
            "insert into task_mgmt.schedule
                (project_name, name, cron, timezone, data, misfire_policy, misfire_grace_seconds, next_run_at, scheduled_by,
                created_at, updated_at)
            values ($1, $2, $3, $4, $5, $6::task_mgmt.misfire_policy, $7, $8, $9, $10, $10)
            on conflict do nothing"
        )
        .run(&self.columns(project, next, now)?)?;
        if inserted == 0 {
            return Ok(None);
        }
        self.record(project, now)?;
        Ok(Some(next))
    }

    /// The next due time, which stays as it was if the definition does, and if there is one: a time zone may have been gone for a while.
    fn replace(&self, project: &str, found: &Stored) -> Result<Option<Instant>, Error> {
        let now = clock::now()?;
        let next = found.first_run(&self.recurrence, now).ok_or_else(|| self.never())?;
        let replaced = sql!(
            "update task_mgmt.schedule s
            set cron = given.cron, timezone = given.timezone, data = given.data, misfire_policy = given.misfire_policy,
                misfire_grace_seconds = given.misfire_grace_seconds, next_run_at = case when not s.is_paused then $8 end,
                scheduled_by = $9, updated_at = $10
            from (select $3, $4, $5, $6::task_mgmt.misfire_policy, $7)
                as given (cron, timezone, data, misfire_policy, misfire_grace_seconds)
            where s.project_name = $1 and s.name = $2
                and ((s.cron, s.timezone, s.data, s.misfire_policy, s.misfire_grace_seconds) is distinct from
                        (given.cron, given.timezone, given.data, given.misfire_policy, given.misfire_grace_seconds)
                    or s.next_run_at is null and not s.is_paused)"
        )
        .run(&self.columns(project, next, now)?)?;
        if replaced == 0 {
            return Ok(found.next_run_at);
        }
        self.record(project, now)?;
        Ok(Some(next).filter(|_| !found.is_paused))
    }

    fn columns<'a>(&'a self, project: &'a str, next: Instant, now: Instant) -> Result<[DatumWithOid<'a>; 10], Error> {
        Ok([
            project.into(),
            self.name.into(),
            self.cron.into(),
            self.recurrence.timezone().into(),
            self.data.clone().into(),
            self.policy.name().into(),
            self.grace_seconds.into(),
            next.into(),
            access::role_name(access::caller()?).into(),
            now.into(),
        ])
    }

    fn record(&self, project: &str, now: Instant) -> Result<(), Error> {
        let (name, cron, timezone) = (self.name, self.cron, self.recurrence.timezone());
        super::record(project, &format!("schedule {name} is {cron} in {timezone}"), now)
    }

    fn never(&self) -> Error {
        Invalid(format!("cron never comes true, found {:?}", self.cron)).into()
    }
}

/// A schedule as it is.
pub struct Stored {
    pub cron: String,
    pub timezone: String,
    pub is_paused: bool,
    pub next_run_at: Option<Instant>,
    last_due_at: Option<Instant>,
}

impl Stored {
    /// Keeps others from changing or evaluating it until the transaction ends; none if there is no such schedule.
    pub fn lock(project: &str, name: &str) -> Result<Option<Self>, Error> {
        let found = sql!(
            "select cron, timezone, is_paused, next_run_at
            from task_mgmt.schedule
            where project_name = $1 and name = $2
            for no key update"
        )
        .first(&[project.into(), name.into()], |row| {
            Ok(Self {
                cron: row.get(1)?,
                timezone: row.get(2)?,
                is_paused: row.get(3)?,
                next_run_at: row.find(4)?,
                last_due_at: None,
            })
        })?;
        let Some(found) = found else { return Ok(None) };
        let last_due_at = sql!("select max(due_at) from task_mgmt.schedule_run where project_name = $1 and name = $2")
            .first(&[project.into(), name.into()], |row| row.find(1))?;
        Ok(Some(Self { last_due_at: last_due_at.flatten(), ..found }))
    }

    /// The first due time from now on that was not evaluated yet, also if the clock was put back.
    pub fn first_run(&self, recurrence: &Recurrence, now: Instant) -> Option<Instant> {
        let from = self.last_due_at.map_or(now, |last| last.max(now));
        recurrence.next_after(from.into()).map(Instant::from)
    }
}
