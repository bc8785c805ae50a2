-- Two projects of one user and 20,000 tasks: all in one lane, and spread over 20 task types and 10 segment types.

select create_project('one_lane'), create_project('many_lanes');

select create_task_type(project, jsonb_build_object('task_type', 'type-' || n, 'completion_statuses', array['Done']))
from unnest(array['one_lane', 'many_lanes']) as project
cross join generate_series(0, 19) as n;

select create_user('one_lane', '{"user_id": "user", "qualified_task_types": ["type-0"]}');
select create_user('many_lanes', jsonb_build_object(
	'user_id', 'user',
	'qualified_task_types', (select array_agg('type-' || n) from generate_series(0, 19) as n),
	'qualified_segment_types', (select array_agg('segment-type-' || n) from generate_series(0, 9) as n)));

select create_tasks('one_lane', jsonb_agg(jsonb_build_object('task_type', 'type-0', 'priority', n % 3)))
from generate_series(1, 20000) as n;
select create_tasks('many_lanes', jsonb_agg(jsonb_build_object(
	'task_type', 'type-' || n % 20, 'segment_type', 'segment-type-' || n / 20 % 10, 'priority', n % 3)))
from generate_series(1, 20000) as n;
