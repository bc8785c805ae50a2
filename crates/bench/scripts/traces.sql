-- A project of the standard task types, a user who traces, 200 segments with a task each; and a plain table to compare with.

select create_project('traces', 'gs://bench', 4, 4, 40), add_standard_task_types('traces');
select create_user('traces', '{"user_id": "user", "qualified_task_types": ["trace_v0"]}');
select create_segments('traces', jsonb_agg(jsonb_build_object('seed_id', n, 'seed_x', n, 'seed_y', n, 'seed_z', n)))
from generate_series(1, 200) as n;
select create_tasks('traces', jsonb_agg(jsonb_build_object(
	'task_id', 'trace-' || n, 'task_type', 'trace_v0', 'segment_seed_id', n)))
from generate_series(1, 200) as n;

create table plain_state (
	task_id text primary key,
	ng_state jsonb not null
);

insert into plain_state
select 'trace-' || n, '{}' from generate_series(1, 200) as n;
