//! What users are qualified for, how well and until when. The arrays of `task_mgmt.project_user` are what a claim reads; it looks
//! into `task_mgmt.qualification` only for a user one of whose qualifications has expired, or for a type that asks for a level.

use std::cell::OnceCell;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::qualifications::{Kind, check};

use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock::{self, Instant};
use crate::columns::{lane, project_user, qualification};
use crate::error::Error;
use crate::events::{self, Actor};
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::projects;
use crate::rows::{self, Row, Snapshot, Table};
use crate::spi::{read, sql};
use crate::users;

/// Qualifies a user for a task type or segment type, or changes the level or expiry of that; the name appears in the user's
/// qualified_task_types or qualified_segment_types.
///
/// *Arguments*: `kind` is task_type or segment_type; `level` from 0 on (null counts as 0) is compared with the min_level of
/// the task type; from `expires_at` on (null for never) it gives the user no more tasks: what they hold stays theirs.
/// *Returns* true.
/// *Errors*: P0002 project or user unknown; 22023 a bad kind, name or level; 42501 the caller is not a manager.
/// *Locks*: the user's key.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn grant_qualification(
    project_name: Option<&str>,
    user_id: Option<&str>,
    kind: Option<&str>,
    name: Option<&str>,
    level: default!(Option<i32>, "NULL"),
    expires_at: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let user = required("user_id", user_id)?;
    let kind = Kind::parse(required("kind", kind)?).map_err(Error::from)?;
    let name = required("name", name)?;
    check(name, level).map_err(Error::from)?;
    locks::lock(Key::User(project, user));
    let (user_no, now) = (users::lock_no(project, user)?, clock::now()?);
    sql!(
        "insert into task_mgmt.qualification (project_name, user_no, kind, name, level, expires_at, granted_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (project_name, user_no, kind, name) do update
        set level = excluded.level, expires_at = excluded.expires_at, granted_at = excluded.granted_at"
    )
    .run(&[
        project.into(),
        user_no.into(),
        kind.name().into(),
        name.into(),
        level.into(),
        expires_at.into(),
        now.into(),
    ])?;
    sql!(
        "update task_mgmt.project_user
        set qualified_task_types = qualified_task_types || case
                when $3 = 'task_type' and $4 <> all(qualified_task_types) then array[$4] else '{}' end,
            qualified_segment_types = qualified_segment_types || case
                when $3 = 'segment_type' and $4 <> all(qualified_segment_types) then array[$4] else '{}' end
        where project_name = $1 and user_no = $2"
    )
    .run(&[project.into(), user_no.into(), kind.name().into(), name.into()])?;
    note_earliest_expiry(project, user)?;
    record(project, format!("{user} is qualified for {} {name}", kind.name()), now)?;
    Ok(true)
}

/// Takes a qualification away; what the user holds stays theirs.
///
/// *Arguments*: as `grant_qualification`.
/// *Returns* whether the user had it.
/// *Errors*: P0002 project or user unknown; 22023 a bad kind or name; 42501 the caller is not a manager.
/// *Locks*: the user's key.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn revoke_qualification(
    project_name: Option<&str>,
    user_id: Option<&str>,
    kind: Option<&str>,
    name: Option<&str>,
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let user = required("user_id", user_id)?;
    let kind = Kind::parse(required("kind", kind)?).map_err(Error::from)?;
    let name = required("name", name)?;
    check(name, None).map_err(Error::from)?;
    locks::lock(Key::User(project, user));
    let user_no = users::lock_no(project, user)?;
    if !withdraw(project, user, user_no, kind, name)? {
        return Ok(false);
    }
    record(project, format!("{user} is no longer qualified for {} {name}", kind.name()), clock::now()?)?;
    Ok(true)
}

/// Takes a qualification away; whether the user had it. The caller has locked the user's row.
pub fn withdraw(project: &str, user: &str, user_no: i32, kind: Kind, name: &str) -> Result<bool, Error> {
    let revoked = sql!(
        "delete from task_mgmt.qualification where project_name = $1 and user_no = $2 and kind = $3 and name = $4"
    );
    let arguments = [project.into(), user_no.into(), kind.name().into(), name.into()];
    if revoked.run(&arguments)? == 0 {
        return Ok(false);
    }
    sql!(
        "update task_mgmt.project_user
        set qualified_task_types = case $3
                when 'task_type' then array_remove(qualified_task_types, $4) else qualified_task_types end,
            qualified_segment_types = case $3
                when 'segment_type' then array_remove(qualified_segment_types, $4) else qualified_segment_types end
        where project_name = $1 and user_no = $2"
    )
    .run(&arguments)?;
    note_earliest_expiry(project, user)?;
    Ok(true)
}

/// What a user is qualified for, as a JSON array ordered by kind and name: objects of kind, name, level, expires_at
/// (null if none), granted_at, is_expired.
///
/// *Errors*: P0002 project or user unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_qualifications(project_name: Option<&str>, user_id: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let user = required("user_id", user_id)?;
    access::require(Level::Reader, project)?;
    let found = read!(
        "select coalesce(jsonb_agg(jsonb_build_object(
            'kind', q.kind, 'name', q.name, 'level', q.level, 'expires_at', q.expires_at, 'granted_at', q.granted_at,
            'is_expired', coalesce(q.expires_at <= $3, false)
        ) order by q.kind, q.name) filter (where q.name is not null), '[]')
        from task_mgmt.project_user u
        left join task_mgmt.qualification q on q.project_name = $1 and q.user_no = u.user_no
        where u.project_name = $1 and u.user_id = $2
        group by u.user_no"
    )
    .first(&[project.into(), user.into(), clock::now()?.into()], |row| row.get(1))?;
    match found {
        Some(found) => Ok(found),
        None => Err(users::not_found(project, user)?.into()),
    }
}

/// Brings the qualifications of a user into line with the arrays that have just been set: those that stay keep what they are.
pub fn follow(project: &str, user: &str) -> Result<(), Error> {
    sql!(
        "with named as (
            select u.user_no, 'task_type' as kind, unnest(u.qualified_task_types) as name
            from task_mgmt.project_user u
            where u.project_name = $1 and u.user_id = $2
            union
            select u.user_no, 'segment_type', unnest(u.qualified_segment_types)
            from task_mgmt.project_user u
            where u.project_name = $1 and u.user_id = $2
        ), dropped as (
            delete from task_mgmt.qualification q
            using task_mgmt.project_user u
            where u.project_name = $1 and u.user_id = $2 and q.project_name = $1 and q.user_no = u.user_no
                and not exists (select from named n where n.kind = q.kind and n.name = q.name)
        )
        insert into task_mgmt.qualification (project_name, user_no, kind, name, granted_at)
        select $1, user_no, kind, name, $3
        from named
        order by kind, name
        on conflict do nothing"
    )
    .run(&[project.into(), user.into(), clock::now()?.into()])?;
    note_earliest_expiry(project, user)
}

fn note_earliest_expiry(project: &str, user: &str) -> Result<(), Error> {
    sql!(
        "update task_mgmt.project_user u
        set earliest_expiry_at = (
            select min(q.expires_at)
            from task_mgmt.qualification q
            where q.project_name = $1 and q.user_no = u.user_no
        )
        where u.project_name = $1 and u.user_id = $2"
    )
    .run(&[project.into(), user.into()])?;
    Ok(())
}

fn record(project: &str, what: String, now: Instant) -> Result<(), Error> {
    events::append(project, &[0], "project_changed", Actor::Caller, Some(&what), now)
}

/// What a user may start tasks of at some moment.
pub struct Qualifications {
    project: String,
    user_no: i32,
    task_types: Vec<String>,
    segment_types: Vec<String>,
    details: OnceCell<Vec<Detail>>,
}

/// A row of `task_mgmt.qualification`.
struct Detail {
    kind: String,
    name: String,
    level: i32,
    expires_at: Option<Instant>,
    expiry: String,
}

impl Qualifications {
    /// From a row of `task_mgmt.project_user`.
    pub fn of(project: &str, user: &Row, now: Instant) -> Result<Self, Error> {
        let mut found = Self {
            project: project.into(),
            user_no: user.get(project_user::USER_NO)?,
            task_types: user.get(project_user::QUALIFIED_TASK_TYPES)?,
            segment_types: user.get(project_user::QUALIFIED_SEGMENT_TYPES)?,
            details: OnceCell::new(),
        };
        let earliest_expiry: Option<Instant> = user.find(project_user::EARLIEST_EXPIRY_AT);
        if earliest_expiry.is_some_and(|moment| moment <= now) {
            let expired = |kind: Kind| {
                let details = found.details().iter().filter(move |detail| detail.kind == kind.name());
                let expired = details.filter(|detail| detail.expires_at.is_some_and(|moment| moment <= now));
                expired.map(|detail| detail.name.clone()).collect::<Vec<_>>()
            };
            let (task_types, segment_types) = (expired(Kind::TaskType), expired(Kind::SegmentType));
            found.task_types.retain(|name| !task_types.contains(name));
            found.segment_types.retain(|name| !segment_types.contains(name));
        }
        Ok(found)
    }

    pub fn has_task_type(&self, task_type: &str, min_level: i32) -> bool {
        self.task_types.iter().any(|one| one == task_type) && (min_level == 0 || self.level(task_type) >= min_level)
    }

    /// A task without a segment type, which is empty, is for everybody.
    pub fn has_segment_type(&self, segment_type: &str) -> bool {
        segment_type.is_empty() || self.segment_types.iter().any(|one| one == segment_type)
    }

    /// The lanes of the tasks that the user is qualified for, in order.
    pub fn lanes(&self, snapshot: &Snapshot) -> Result<Vec<i32>, Error> {
        let table = Table::open_to_read(c"lane");
        let mut lanes = vec![];
        for task_type in &self.task_types {
            let keys =
                &mut [rows::Key::text(lane::PROJECT_NAME, &self.project), rows::Key::text(lane::TASK_TYPE, task_type)];
            let mut scan = table.scan(c"lane_pkey", snapshot, keys);
            while let Some(row) = scan.next() {
                if self.has_task_type(task_type, row.get(lane::MIN_LEVEL)?)
                    && self.has_segment_type(&row.get::<String>(lane::SEGMENT_TYPE)?)
                {
                    lanes.push(row.get(lane::LANE_NO)?);
                }
            }
        }
        lanes.sort_unstable();
        lanes.dedup();
        Ok(lanes)
    }

    /// What the user has of a qualification, in words.
    pub fn describe(&self, kind: Kind, name: &str) -> String {
        let detail = self.details().iter().find(|detail| detail.kind == kind.name() && detail.name == name);
        let Some(detail) = detail else { return "the user is not qualified".into() };
        let is_valid = match kind {
            Kind::TaskType => self.has_task_type(name, 0),
            Kind::SegmentType => self.has_segment_type(name),
        };
        match (detail.expires_at, is_valid) {
            (None, _) => format!("the user has level {}", detail.level),
            (Some(_), true) => format!("the user has level {} until {}", detail.level, detail.expiry),
            (Some(_), false) => format!("the user had level {} until {}", detail.level, detail.expiry),
        }
    }

    fn level(&self, task_type: &str) -> i32 {
        let is_it = |detail: &&Detail| detail.kind == Kind::TaskType.name() && detail.name == task_type;
        self.details().iter().find(is_it).map_or(0, |detail| detail.level)
    }

    fn details(&self) -> &[Detail] {
        self.details.get_or_init(|| {
            let (table, snapshot) = (Table::open_to_read(c"qualification"), Snapshot::latest());
            let keys = &mut [
                rows::Key::text(qualification::PROJECT_NAME, &self.project),
                rows::Key::int4(qualification::USER_NO, self.user_no),
            ];
            let mut scan = table.scan(c"qualification_pkey", &snapshot, keys);
            let mut details = vec![];
            while let Some(row) = scan.next() {
                details.push(Detail {
                    kind: row.text(qualification::KIND),
                    name: row.text(qualification::NAME),
                    level: row.find(qualification::LEVEL).unwrap_or_default(),
                    expires_at: row.find(qualification::EXPIRES_AT),
                    expiry: row.text(qualification::EXPIRES_AT),
                });
            }
            details
        })
    }
}
