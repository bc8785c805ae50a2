-- Events: the append-only history of every state change but the creation of a task, which its row tells until it is deleted.

create table task_mgmt.event (
	project_name text collate "C" not null,
	task_no bigint not null,
	event_no bigint not null,
	occurred_at timestamptz not null,
	kind task_mgmt.event_kind not null,
	user_no integer,
	role_name text,
	detail text,
	constraint event_pkey primary key (project_name, task_no, event_no)
);
select pg_catalog.pg_extension_config_dump('task_mgmt.event', '');
