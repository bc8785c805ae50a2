-- Overlap: what the copies of a task come to. Everything here is derived from the tasks themselves.

-- The copies of each task that has some; those that came to nothing do not count.
create view task_mgmt.copy_tally as
select c.project_name, c.original_no, count(*) as copies, count(*) filter (where c.status = 'queued') as open,
	min(c.completion_status) filter (where c.status = 'completed') as first_status,
	max(c.completion_status) filter (where c.status = 'completed') as last_status
from task_mgmt.task c
where c.original_no is not null and not c.is_check and c.status in ('queued', 'completed')
group by c.project_name, c.original_no;
comment on view task_mgmt.copy_tally is 'Internal: how many copies a task has, how many are open, and the first and last of their completion statuses by name.';

-- Where each task stands that is worked on in copies.
create view task_mgmt.overlap_details as
select t.project_name, t.task_no, t.task_id, t.task_type, t.overlap, t.status, coalesce(c.copies, 0) as copies,
	coalesce(c.open, 0) as open_copies,
	case when c.copies >= t.overlap and c.open = 0 and c.first_status = c.last_status then c.first_status end as agreed_status,
	coalesce(c.copies >= t.overlap and c.open = 0, false) as is_answered
from task_mgmt.task t
left join task_mgmt.copy_tally c on c.project_name = t.project_name and c.original_no = t.task_no
where t.overlap > 1;
comment on view task_mgmt.overlap_details is 'Internal: where the tasks of all projects stand that several people work on.';

-- What the agreement of its copies completed is nobody's: the copies are the work of their users.
create view task_mgmt.completed_work as
select t.project_name, t.task_no, t.task_type, t.completed_user_no, t.completed_at, t.completion_status
from task_mgmt.task t
where t.status = 'completed' and not t.is_concluded;
comment on view task_mgmt.completed_work is 'Internal: completed tasks of all projects that are the work of who completed them.';
