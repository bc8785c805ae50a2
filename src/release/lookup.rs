//! Finding leases by their tokens, many at once: each index is opened once, each user and task type read once.

use std::collections::HashMap;
use std::rc::Rc;

use pgrx::pg_sys;

use super::{HeldTask, TaskRow, TaskType};
use crate::clock;
use crate::columns::{lease, project_user, task};
use crate::error::Error;
use crate::rows::{Key, Snapshot, Table};

/// A user as a lease names them, with the role that they are bound to.
pub type Holder = (Rc<str>, Option<pg_sys::Oid>);

impl<'a> HeldTask<'a> {
    /// The task if this is the token of its lease.
    pub fn look_up_token(project: &'a str, task_id: &'a str, token: i64) -> Result<Option<Self>, Error> {
        Ok(Self::look_up_tokens(project, [(task_id, token)])?.pop().flatten())
    }

    /// Each of the tasks if this is the token of its lease. The caller holds their keys.
    pub fn look_up_tokens(
        project: &'a str,
        wanted: impl IntoIterator<Item = (&'a str, i64)>,
    ) -> Result<Vec<Option<Self>>, Error> {
        let snapshot = Rc::new(Snapshot::latest());
        let (tasks, leases) = (Table::open(c"task"), Table::open(c"lease"));
        let (of_task, of_lease) = (Key::text(task::PROJECT_NAME, project), Key::text(lease::PROJECT_NAME, project));
        let mut task_scan = tasks.scan_often(c"task_task_id_key", &snapshot, vec![of_task], 2);
        let mut lease_scan = leases.scan_often(c"lease_pkey", &snapshot, vec![of_lease], 2);
        let (mut holders, mut types) = (HashMap::new(), HashMap::new());
        let now = clock::now()?;
        let mut look_up = |task_id: &'a str, token| {
            task_scan.restart(vec![of_task, Key::text(task::TASK_ID, task_id)]);
            let Some(task) = task_scan.next().map(|row| TaskRow::read(&row)).transpose()? else { return Ok(None) };
            lease_scan.restart(vec![of_lease, Key::int8(lease::TASK_NO, task.task_no)]);
            let Some(row) = lease_scan.next() else { return Ok(None) };
            if row.get::<i64>(lease::FENCE)? != token {
                return Ok(None);
            }
            let user_no = row.get(lease::USER_NO)?;
            let holder = match holders.get(&user_no) {
                Some(holder) => Option::clone(holder),
                None => holders.entry(user_no).or_insert(find_holder(project, user_no, &snapshot)?).clone(),
            };
            let Some(holder) = holder else { return Ok(None) };
            let task_type = match types.get(&task.task_type) {
                Some(task_type) => Rc::clone(task_type),
                None => {
                    let found = Rc::new(TaskType::find(project, task.task_type.clone(), &snapshot)?);
                    types.insert(task.task_type.clone(), Rc::clone(&found));
                    found
                }
            };
            Self::read((project, task_id), holder, &row, (task, task_type), (Rc::clone(&snapshot), now)).map(Some)
        };
        wanted.into_iter().map(|(task_id, token)| look_up(task_id, token)).collect()
    }
}

fn find_holder(project: &str, user_no: i32, snapshot: &Snapshot) -> Result<Option<Holder>, Error> {
    let users = Table::open_to_read(c"project_user");
    let keys = &mut [Key::text(project_user::PROJECT_NAME, project), Key::int4(project_user::USER_NO, user_no)];
    let mut scan = users.scan(c"project_user_pkey", snapshot, keys);
    let read = |row: crate::rows::Row| {
        let user: String = row.get(project_user::USER_ID)?;
        Ok((user.into(), row.find(project_user::BOUND_ROLE)))
    };
    scan.next().map(read).transpose()
}
