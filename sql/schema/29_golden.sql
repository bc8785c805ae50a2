-- Golden tasks: completed tasks whose completion status is known to be right.

create table task_mgmt.golden_task (
	project_name text collate "C" not null,
	task_no bigint not null,
	added_at timestamptz not null,
	added_by text not null,
	constraint golden_task_pkey primary key (project_name, task_no)
);
select pg_catalog.pg_extension_config_dump('task_mgmt.golden_task', '');

-- The answers to checks. While the golden task is open again, nothing is known to be right.
create view task_mgmt.golden_answers as
select c.project_name, c.completed_user_no as user_no, c.task_type, c.task_no, c.original_no, c.completed_at,
	c.completion_status = g.completion_status as is_correct
from task_mgmt.task c
join task_mgmt.task g on g.project_name = c.project_name and g.task_no = c.original_no
where c.is_check and c.status = 'completed' and g.status = 'completed' and c.assigned_user_no = c.completed_user_no;
comment on view task_mgmt.golden_answers is 'Internal: what users have answered to copies of golden tasks, in all projects.';
