-- Statistics: how many tasks there are of each kind, whatever became of them, before and after their events are folded.

do $$ begin
	perform create_project('p'), create_project('q');
	perform create_task_type('p', '{"task_type": "x", "max_attempts": 2, "completion_statuses": ["Done", "Other"]}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x"]'::jsonb, 'capacity', 'unlimited')) from unnest('{w, v}'::text[]) u;
end $$;
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
create function token(task text) returns bigint language sql as $$ select lease_token from task_mgmt.held_tasks where task_id = task $$;

-- D15, D17, D35, C16: the keys are there from the beginning, and add up.
select task_statistics('p');
select queue_statistics('p');
select * from processing_statistics('p');
select create_tasks('p', jsonb_agg(jsonb_build_object('task_id', 't' || n, 'task_type', 'x', 'priority', (array['low', 'medium', 'high', 'critical'])[1 + n % 4]))) from generate_series(1, 10) n;
select create_tasks('p', '[{"task_id": "own", "task_type": "x", "agent": "v", "priority": "high"}, {"task_id": "later", "task_type": "x", "run_after": "2031-01-01T00:00:00Z"}, {"task_id": "hold", "task_type": "x", "hold": true},
	{"task_id": "ttl", "task_type": "x", "ttl_seconds": 10}, {"task_id": "done", "task_type": "x", "completion_status": "Done", "completed_user_id": "v"}]');
select task_statistics('p');
select queue_statistics('p');
-- Each way in which a task goes on.
select count(*) from claim_tasks('p', 'w', 4, own_tasks => 'none', instance => 'one'), claim_tasks('p', 'v', 1, own_tasks => 'only', instance => 'two') as own;
select task_statistics('p') -> 'in_progress_tasks', queue_statistics('p');
select complete_task('p', 't3', token('t3')), complete_task('p', 't7', token('t7'), completion_status => 'Other'), fail_task('p', 't2', token('t2'), 'e'), fail_task('p', 't6', token('t6'), 'e', retryable => false);
select * from complete_tasks('p', jsonb_build_array(jsonb_build_object('task_id', 'own', 'lease_token', token('own'))));
select cancel_task('p', 't1'), update_task('p', 't4', '{"priority": "critical"}'), assign_task('p', 't5', 'v'), update_task('p', 'done', '{"completion_status": "Other"}');
select task_statistics('p'), queue_statistics('p');
select * from processing_statistics('p');
select * from task_mgmt.check_invariants();
-- Folded, they are the same; a later sweep sees that those of before an earlier one are over.
select count(*) >= 0 as swept from sweep();
select count(*) >= 0 as swept from sweep();
select count(*) >= 0 as swept from sweep();
select (select count(*) from task_mgmt.task_count) > 0, task_statistics('p'), queue_statistics('p');
select * from processing_statistics('p');
select * from task_mgmt.check_invariants();
-- And the ways back; somebody who is deleted was never there.
set task_mgmt.fake_now = '2030-01-01 00:00:20+00';
select sum(tasks_expired) from sweep() where project_name = 'p';
select reactivate_task('p', 't1'), enqueue_task('p', 't6'), enqueue_task('p', 'ttl'), update_task('p', 't3', '{"completion_status": ""}'), delete_task('p', 't7'), delete_tasks('p', '{t8, t9}'), undo_release('p', 'v', 'own');
select task_statistics('p'), queue_statistics('p');
select * from task_mgmt.check_invariants();
select task_statistics('p')::jsonb - 'total_tasks' as counts, (select sum(value::integer) from jsonb_each_text(task_statistics('p') - 'total_tasks')) = (task_statistics('p') ->> 'total_tasks')::integer as adds_up;
-- A lease that ended.
select count(*) from claim_tasks('p', 'w', 1, lease_seconds => 1, instance => 'one');
set task_mgmt.fake_now = '2030-01-01 00:05:00+00';
-- D37: overdue things are seen, and swept.
select jsonb_object_keys(health());
select health() ->> 'status', (health() ->> 'overdue_leases')::integer > 0;
select leases_ended, tasks_expired from sweep() where project_name = 'p';
select * from processing_statistics('p');
select health() ->> 'status', health() -> 'overdue_leases';
-- Other projects, and who may see it.
select task_statistics('q') -> 'total_tasks';
select task_statistics('none such');
select clear_project_data('p') is not null, task_statistics('p');
select * from processing_statistics('p');
select * from task_mgmt.check_invariants();
select delete_project('p', cascade => true), delete_project('q');
drop function token;
