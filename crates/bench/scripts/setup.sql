-- What every measured database starts from: the tables to compare with, and a project with a user for each client and one for all of
-- them, who may hold any number of tasks.

create extension task_mgmt;
create extension pg_prewarm;

create table limit_task (
	task_no bigint primary key,
	status smallint not null default 0,
	task_id text not null
);

create table insert_task (
	task_no bigint generated always as identity primary key,
	status smallint not null default 0,
	task_id text not null
);

create type queue_status as enum ('pending', 'running', 'done');

create table queue_task (
	id bigint generated always as identity primary key,
	task_id text not null,
	priority integer not null default 50,
	status queue_status not null default 'pending',
	worker text,
	started_at timestamptz,
	completed_at timestamptz,
	outcome text
) with (autovacuum_vacuum_scale_factor = 0.01);

create index queue_task_pending_idx on queue_task (priority desc, id) where status = 'pending';

select create_project('bench');
select create_task_type('bench', '{"task_type": "work", "completion_statuses": ["Done"]}');
select create_task_type('bench', '{"task_type": "nobody''s work", "completion_statuses": ["Done"]}');
select create_user('bench', '{"user_id": "machine", "qualified_task_types": ["work"], "capacity": "unlimited"}');
