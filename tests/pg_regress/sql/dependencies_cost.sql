-- Blocking many tasks reads as many pages of the index of ready tasks as there are tasks, a few times over, also when the kept plan
-- was made before there were any statistics.
\set VERBOSITY terse
select create_project('cost'), create_task_type('cost', '{"task_type": "x", "completion_statuses": ["Done"]}');
select create_tasks('cost', jsonb_agg(jsonb_build_object('task_id', 't' || n, 'task_type', 'x')))
from generate_series(0, 5000) as n;
begin;
select pg_stat_get_xact_blocks_fetched('task_mgmt.ready_pkey'::regclass) as pages_before \gset
select create_dependencies('cost', jsonb_agg(jsonb_build_object(
	'task_id', 't' || n, 'dependent_on_task_id', 't0', 'required_completion_status', 'Done')))
from generate_series(1, 5000) as n;
select pg_stat_get_xact_blocks_fetched('task_mgmt.ready_pkey'::regclass) - :pages_before between 5000 and 10 * 5000 as is_linear;
commit;
select delete_project('cost', cascade => true);
