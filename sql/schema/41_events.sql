-- Events: the append-only history of every state change but the creation of a task, which its row tells until it is
-- deleted; and events that programs publish. Every event has a number of its own, and a creation has that of the task, so that the numbers order them all.

-- from_key and to_key say of an event after which a task is counted otherwise under what it was and is; a creation that was counted
-- is an event of task 0, for as many tasks as amount says. instance is the process that has ended an attempt.
create table task_mgmt.event (
	project_name text collate "C" not null,
	task_no bigint not null,
	event_no bigint not null,
	occurred_at timestamptz not null,
	kind task_mgmt.event_kind not null,
	user_no integer,
	role_name text,
	detail text,
	from_key smallint,
	to_key smallint,
	amount integer,
	instance text,
	constraint event_pkey primary key (project_name, event_no)
);
select pg_catalog.pg_extension_config_dump('task_mgmt.event', '');

create index event_task_idx on task_mgmt.event (project_name, task_no, event_no);

-- What belongs to an event of kind custom beside its row in event, which stays narrow.
create table task_mgmt.custom_event (
	project_name text collate "C" not null,
	event_no bigint not null,
	event_type text not null,
	data jsonb not null,
	dedupe_key text collate "C",
	constraint custom_event_pkey primary key (project_name, event_no),
	constraint custom_event_dedupe_key_key unique (project_name, dedupe_key),
	constraint data_is_an_object check (jsonb_typeof(data) = 'object')
);
select pg_catalog.pg_extension_config_dump('task_mgmt.custom_event', '');
