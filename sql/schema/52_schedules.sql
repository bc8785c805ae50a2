-- Schedules: cron expressions that make tasks, and the due times that were evaluated.

create type task_mgmt.misfire_policy as enum ('one', 'all', 'skip');
comment on type task_mgmt.misfire_policy is
	'What becomes of due times that were not evaluated in time: one task for all of them, one for each, or none for what is too late.';

-- data is what create_task takes. next_run_at is the first due time that was not evaluated; null while paused, or if there is none.
create table task_mgmt.schedule (
	project_name text collate "C" not null,
	name text collate "C" not null,
	cron text not null,
	timezone text not null,
	data jsonb not null,
	misfire_policy task_mgmt.misfire_policy not null,
	misfire_grace_seconds double precision not null,
	is_paused boolean not null default false,
	next_run_at timestamptz,
	scheduled_by text not null,
	created_at timestamptz not null,
	updated_at timestamptz not null,
	constraint schedule_pkey primary key (project_name, name),
	constraint paused_schedule_is_not_due check (not is_paused or next_run_at is null)
) with (fillfactor = 70);
select pg_catalog.pg_extension_config_dump('task_mgmt.schedule', '');

create index schedule_due_idx on task_mgmt.schedule (project_name, next_run_at, name) where next_run_at is not null;

-- A row is a due time that was evaluated: with the task that was created, or the error that no task was created for. The last ones
-- of each schedule are kept. The key keeps a due time from being evaluated twice, should all else fail.
create table task_mgmt.schedule_run (
	project_name text collate "C" not null,
	name text collate "C" not null,
	due_at timestamptz not null,
	run_at timestamptz not null,
	task_id text collate "C",
	error text,
	constraint schedule_run_pkey primary key (project_name, name, due_at),
	constraint run_has_task_or_error check (num_nonnulls(task_id, error) = 1)
);
select pg_catalog.pg_extension_config_dump('task_mgmt.schedule_run', '');

create view task_mgmt.schedules with (security_barrier) as
select s.project_name, s.name, s.cron, s.timezone, s.data, s.misfire_policy, s.misfire_grace_seconds, s.is_paused, s.next_run_at,
	last.due_at as last_due_at, last.run_at as last_run_at, last.task_id as last_task_id, last.error as last_error,
	s.scheduled_by, s.created_at, s.updated_at
from task_mgmt.schedule s
left join lateral (
	select r.due_at, r.run_at, r.task_id, r.error
	from task_mgmt.schedule_run r
	where r.project_name = s.project_name and r.name = s.name
	order by r.due_at desc
	limit 1
) last on true
where s.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.schedules is 'What creates tasks at set times, with its next and its last due time.';
comment on column task_mgmt.schedules.project_name is 'The project.';
comment on column task_mgmt.schedules.name is 'The schedule''s name.';
comment on column task_mgmt.schedules.cron is 'When tasks are due, as a cron expression.';
comment on column task_mgmt.schedules.timezone is 'The time zone that the expression speaks of.';
comment on column task_mgmt.schedules.data is 'What each task is made of, as create_task takes it.';
comment on column task_mgmt.schedules.misfire_policy is 'What becomes of due times that were not evaluated in time.';
comment on column task_mgmt.schedules.misfire_grace_seconds is 'How late a task of policy skip may be.';
comment on column task_mgmt.schedules.is_paused is 'True while it makes no tasks.';
comment on column task_mgmt.schedules.next_run_at is 'The first due time that was not evaluated yet; null while paused, or if there is none.';
comment on column task_mgmt.schedules.last_due_at is 'The last due time that got a task, or an error instead; null if none.';
comment on column task_mgmt.schedules.last_run_at is 'When that was.';
comment on column task_mgmt.schedules.last_task_id is 'The task that was created then; null if none.';
comment on column task_mgmt.schedules.last_error is 'Why no task was created then; null if one was.';
comment on column task_mgmt.schedules.scheduled_by is 'The database role that defined it last.';
comment on column task_mgmt.schedules.created_at is 'When it was created.';
comment on column task_mgmt.schedules.updated_at is 'When it was created, redefined, paused or resumed last.';

create view task_mgmt.schedule_runs with (security_barrier) as
select r.project_name, r.name, r.due_at, r.run_at, r.task_id, r.error
from task_mgmt.schedule_run r
where r.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.schedule_runs is 'The last hundred due times of each schedule, with what came of them.';
comment on column task_mgmt.schedule_runs.project_name is 'The project.';
comment on column task_mgmt.schedule_runs.name is 'The schedule''s name.';
comment on column task_mgmt.schedule_runs.due_at is 'When the task was due; of several for which one task was created, the first.';
comment on column task_mgmt.schedule_runs.run_at is 'When that was evaluated.';
comment on column task_mgmt.schedule_runs.task_id is 'The task that was created; null if none.';
comment on column task_mgmt.schedule_runs.error is 'Why none was created; null if one was.';
