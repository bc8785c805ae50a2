-- Dependencies: a task waits until another one completes with the required completion status. One that was waived stays
-- satisfied whatever happens to the upstream task.

create table task_mgmt.dependency (
	project_name text collate "C" not null,
	dependency_id text collate "C" not null,
	task_no bigint not null,
	upstream_no bigint not null,
	is_satisfied boolean not null,
	is_waived boolean not null,
	required_completion_status text not null,
	constraint dependency_pkey primary key (project_name, dependency_id),
	constraint dependency_not_on_itself check (task_no <> upstream_no)
) with (fillfactor = 90);
select pg_catalog.pg_extension_config_dump('task_mgmt.dependency', '');

create index dependency_task_idx on task_mgmt.dependency (project_name, task_no);
create index dependency_upstream_idx on task_mgmt.dependency (project_name, upstream_no);
