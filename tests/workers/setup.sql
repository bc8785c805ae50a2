-- What a worker is to do: 50 short tasks, and some of which something is to happen while they run. A lease lasts three seconds.
create extension task_mgmt;
select create_project('p');
select create_task_type('p', '{"task_type": "wait", "max_attempts": 3, "backoff": {"base_seconds": 0.1}}');
select create_user('p', '{"user_id": "w", "qualified_task_types": ["wait"], "capacity": "unlimited"}');
select create_tasks('p', jsonb_agg(jsonb_build_object('task_id', 'short ' || n, 'task_type', 'wait',
	'params', jsonb_build_object('seconds', 0.02, 'failures', case when n = 7 then 99 when n % 10 = 0 then 1 else 0 end))))
from generate_series(1, 50) as n;
-- Nobody waits ten minutes: one is cancelled, the other one handed back when the worker stops. The lease is shorter than the one that is
-- worked on twice, as its first worker is killed.
select create_task('p', '{"task_id": "cancelled", "task_type": "wait", "priority": "critical", "params": {"seconds": 600}}');
select create_task('p', '{"task_id": "killed", "task_type": "wait", "priority": "critical", "params": {"seconds": 4}}');
