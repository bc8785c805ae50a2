-- Tasks. The columns that a release changes stand in front, so that its log record stays short. What must hold between columns
-- is checked by task_mgmt.check_invariants: constraints would be parsed anew by every release. Every task is updated once at
-- least, and its neighbours at about the same time, so a page keeps room for most of them: then no index is written.
-- has_seed_state says that ng_state is in the seed form, so that nobody has to read it to know. A task with an overlap above 1 is
-- worked on in copies, each of which is a task that names it as its original; it is_concluded if they completed it. A copy that
-- is_check is one of a golden task. What stands behind extra_data is what a task says of itself, most often nothing: a null there takes
-- no room, and reads as what a task has that says nothing. attempts counts the claims and failures the failed ones since the task was last enqueued; while
-- somebody holds the task, the number of the attempt is in the lease. failed_at says of a task that has failed when it did. expires_at and open_key are null once the task is finished:
-- of open tasks, no two have one key. counted_key says under what the task is counted, see statistics. has_conversations stays true once it is, so that a completion without any looks for none.

create table task_mgmt.task (
	project_name text collate "C" not null,
	task_no bigint not null,
	status task_mgmt.task_status not null default 'queued',
	completed_user_no integer,
	completed_at timestamptz,
	first_start_ts timestamptz,
	last_leased_ts timestamptz,
	attempts integer not null default 0,
	failures integer not null default 0,
	completion_status text not null default '',
	task_id text collate "C" not null,
	task_type text collate "C" not null,
	segment_type text collate "C" not null default '',
	lane_no integer not null,
	priority integer not null,
	assigned_user_no integer,
	is_paused boolean not null default false,
	is_checked boolean not null default false,
	has_dependents boolean not null default false,
	has_seed_state boolean not null default false,
	overlap smallint not null default 1,
	original_no bigint,
	is_check boolean not null default false,
	is_concluded boolean not null default false,
	segment_seed_id numeric(20),
	created_at timestamptz not null,
	created_by text not null,
	batch_id text not null default '',
	note text,
	ng_state jsonb not null default '{}',
	ng_state_initial jsonb not null default '{}',
	extra_data jsonb,
	title text,
	description text,
	params jsonb,
	domain text,
	drift_score double precision,
	metadata jsonb,
	channel text,
	result jsonb,
	error text,
	ttl_seconds double precision,
	expires_at timestamptz,
	unique_key text collate "C",
	open_key text collate "C",
	max_attempts integer,
	backoff jsonb,
	instance text,
	has_conversations boolean not null default false,
	failed_at timestamptz,
	counted_key smallint not null,
	constraint task_pkey primary key (project_name, task_no),
	constraint task_task_id_key unique (project_name, task_id)
) with (fillfactor = 60);
select pg_catalog.pg_extension_config_dump('task_mgmt.task', '');

create function task_mgmt.count_key(status task_mgmt.task_status, priority integer, assigned_user_no integer) returns smallint
language sql immutable parallel safe
return (case status when 'completed' then 8 when 'failed' then 16 when 'cancelled' then 24 when 'skipped' then 32 when 'expired' then 40 else 0 end
	+ case when priority < 50 then 0 when priority < 75 then 2 when priority < 100 then 4 else 6 end
	+ (assigned_user_no is not null)::integer)::smallint;
comment on function task_mgmt.count_key(task_mgmt.task_status, integer, integer) is
	'Internal: what a task is counted under: 8 times how it ended, twice how urgent it is, and 1 if it is somebody''s own.';

create index task_assigned_idx on task_mgmt.task (project_name, assigned_user_no) where assigned_user_no is not null;
create index task_segment_seed_idx on task_mgmt.task (project_name, segment_seed_id) where segment_seed_id is not null;
create index task_channel_idx on task_mgmt.task (project_name, channel, task_no) where channel is not null;
create index task_domain_idx on task_mgmt.task (project_name, domain, task_no) where domain is not null;
create index task_original_idx on task_mgmt.task (project_name, original_no) where original_no is not null;
create index task_expires_at_idx on task_mgmt.task (project_name, expires_at) where expires_at is not null;
create index task_failed_at_idx on task_mgmt.task (project_name, failed_at) where failed_at is not null;
create unique index task_open_key_idx on task_mgmt.task (project_name, open_key) where open_key is not null;
