-- Who holds what, what can be started, and what waits: one table each, and nowhere else.

-- A row is a user holding a task. leased_at is renewed by the holder; started_at is null for a task that was
-- brought in as held and not started since; fence grows with every claim of the task. A lease with expires_at ends by itself; any
-- other can be taken over once it is idle. instance tells processes apart that work under one user.
create table task_mgmt.lease (
	project_name text collate "C" not null,
	task_no bigint not null,
	user_no integer not null,
	fence bigint not null,
	leased_at timestamptz not null,
	started_at timestamptz,
	task_id text collate "C" not null,
	attempt integer not null,
	expires_at timestamptz,
	instance text,
	constraint lease_pkey primary key (project_name, task_no)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
select pg_catalog.pg_extension_config_dump('task_mgmt.lease', '');

-- The predicate holds for all rows. It keeps the planner from using this index for a look-up by task, which it may take for as
-- good as the primary key because the table is small; only statements that repeat the predicate can use the index.
create index lease_user_idx on task_mgmt.lease (project_name, user_no) where user_no > 0;
create index lease_expires_at_idx on task_mgmt.lease (project_name, expires_at) where expires_at is not null;

-- A row is a task that could be started right now. queue_no is the lane, or minus the user_no that the task is assigned to;
-- urgency is minus the priority, so that the index runs from the most urgent, oldest task on. Tasks that are ready since their
-- creation (is_returned false) are used up in the order of their numbers, so that a claim need not look at the used-up part;
-- all others come back anywhere. A claim locks by task_id, expands the state of a task that has_seed_state, and asks what the user
-- has done already of one that is_shared: that has an overlap, or is a copy. attempts is what the task says; from expires_at on, the
-- task is not handed out.
create table task_mgmt.ready (
	project_name text collate "C" not null,
	queue_no integer not null,
	is_returned boolean not null,
	has_seed_state boolean not null,
	is_shared boolean not null,
	urgency integer not null,
	task_no bigint not null,
	lane_no integer not null,
	task_id text collate "C" not null,
	attempts integer not null,
	expires_at timestamptz,
	channel text collate "C",
	constraint ready_pkey primary key (project_name, queue_no, is_returned, urgency, task_no)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, vacuum_index_cleanup = on);
select pg_catalog.pg_extension_config_dump('task_mgmt.ready', '');

create index ready_channel_idx on task_mgmt.ready (project_name, channel, queue_no, is_returned, urgency, task_no) where channel is not null;

-- A row is a task that waits: for unsatisfied dependencies, held back until it is activated (or until its last dependency is
-- satisfied) or on hold until it is enqueued, until run_after, or because all its copies are handed out and some of them still open.
-- It is also the gate that everyone who blocks or unblocks the task locks.
create table task_mgmt.blocked (
	project_name text collate "C" not null,
	task_no bigint not null,
	unsatisfied integer not null,
	is_held boolean not null default false,
	open_copies integer not null default 0,
	is_on_hold boolean not null default false,
	run_after timestamptz,
	constraint blocked_pkey primary key (project_name, task_no),
	constraint blocked_for_a_reason check (unsatisfied >= 0 and open_copies >= 0
		and (unsatisfied > 0 or open_copies > 0 or is_held or is_on_hold or run_after is not null))
) with (fillfactor = 70);
select pg_catalog.pg_extension_config_dump('task_mgmt.blocked', '');

create index blocked_run_after_idx on task_mgmt.blocked (project_name, run_after) where run_after is not null;

-- What task_mgmt.ready must contain, recomputed from the rest.
create view task_mgmt.startable as
select t.project_name, coalesce(-t.assigned_user_no, t.lane_no) as queue_no, t.has_seed_state,
	t.overlap > 1 or t.original_no is not null as is_shared, -t.priority as urgency, t.task_no, t.lane_no, t.task_id,
	t.attempts, t.expires_at, t.channel
from task_mgmt.task t
where t.status = 'queued'
	and not t.is_paused
	and not exists (select from task_mgmt.lease l where l.project_name = t.project_name and l.task_no = t.task_no)
	and not exists (select from task_mgmt.blocked b where b.project_name = t.project_name and b.task_no = t.task_no);
comment on view task_mgmt.startable is 'Internal: what task_mgmt.ready must contain, recomputed from the other tables.';

create function task_mgmt.idle_limit(
	lease task_mgmt.lease, of_task_type double precision, of_project double precision, of_server double precision)
returns double precision
language sql stable parallel safe
return coalesce(
	extract(epoch from lease.expires_at - lease.leased_at)::float8, of_task_type, of_project, of_server);
comment on function task_mgmt.idle_limit(task_mgmt.lease, double precision, double precision, double precision) is
	'Internal: the seconds without renewal after which a lease may be taken over: until it ends by itself, or else those of the task type, the project or the server.';
