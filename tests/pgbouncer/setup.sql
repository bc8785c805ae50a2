-- 32 users, 1600 tasks: as many as the 32 clients of work.sql take and complete.
create extension task_mgmt;
select create_project('pooled') \g /dev/null
select create_task_type('pooled', '{"task_type": "trace", "completion_statuses": ["Done"]}') \g /dev/null
select create_user('pooled', jsonb_build_object(
	'user_id', 'user' || n, 'hourly_rate', 10, 'qualified_task_types', array['trace']))
from generate_series(0, 31) n \g /dev/null
select create_tasks('pooled', jsonb_agg(jsonb_build_object(
	'task_id', 'task' || n, 'task_type', 'trace', 'priority', n)))
from generate_series(1, 1600) n \g /dev/null
