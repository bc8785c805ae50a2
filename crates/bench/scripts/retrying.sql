-- What claim_tasks and fail_task would have written of the tasks that are scheduled.

update task_mgmt.task t
set attempts = 1, failures = 1, error = 'The disk is full.', first_start_ts = t.created_at, last_leased_ts = t.created_at
from task_mgmt.blocked b
where b.project_name = t.project_name and b.task_no = t.task_no and b.run_after is not null;

insert into task_mgmt.event (project_name, task_no, event_no, occurred_at, kind, user_no, detail)
select t.project_name, t.task_no, nextval('task_mgmt.serial'), t.created_at, turn.kind, u.user_no, turn.detail
from (values ('started'::task_mgmt.event_kind, null), ('retried', 'The disk is full.')) as turn (kind, detail)
join task_mgmt.task t on t.failures = 1
join task_mgmt.project_user u on u.project_name = t.project_name and u.user_id = 'machine';
