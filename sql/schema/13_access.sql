-- Access: which database role may do what, per project; '*' stands for all projects.

create table task_mgmt.access (
	project_name text collate "C" not null,
	role regrole not null,
	access_level task_mgmt.access_level not null,
	constraint access_pkey primary key (project_name, role)
);
select pg_catalog.pg_extension_config_dump('task_mgmt.access', '');
