-- Explanation: why a user may start a task, or what keeps them from the tasks of each lane.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_task_type('p', '{"task_type": "y", "completion_statuses": ["Done"], "max_idle_seconds": 30}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x"]'::jsonb, 'qualified_segment_types', '["axon"]'::jsonb))
	from unnest('{u, w}'::text[]) u;
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x", "y"]}');
	perform create_tasks('p', '[{"task_id": "free", "task_type": "x"}, {"task_id": "held", "task_type": "x"}, {"task_id": "waits", "task_type": "x"},
		{"task_id": "theirs", "task_type": "x", "assigned_user_id": "v"}, {"task_id": "axon", "task_type": "x", "segment_type": "axon"},
		{"task_id": "dendrite", "task_type": "x", "segment_type": "dendrite"}, {"task_id": "paused", "task_type": "x", "is_paused": true},
		{"task_id": "inactive", "task_type": "x", "is_active": false}, {"task_id": "other", "task_type": "y"}, {"task_id": "cancelled", "task_type": "x"},
		{"task_id": "done", "task_type": "x", "completion_status": "Done", "completed_user_id": "v"}]');
	perform create_dependency('p', '{"task_id": "waits", "dependent_on_task_id": "free", "required_completion_status": "Done"}');
	perform create_dependency('p', '{"task_id": "waits", "dependent_on_task_id": "cancelled", "required_completion_status": "Done"}');
	perform cancel_task('p', 'cancelled');
	set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
	perform start_task('p', 'v', 'held');
	set task_mgmt.fake_now = '2030-01-01 00:00:40+00';
end $$;

-- One row for each rule, in the order in which start_task asks.
select rule, applies_to, is_passed, found from explain_assignment('p', 'u', 'free');

-- Each state breaks its rule, and only that.
create view broken as
	select task_id, e.task_type, e.segment_type, e.rule, e.applies_to, e.found
	from unnest('{free, held, waits, theirs, axon, dendrite, paused, inactive, other, cancelled, done, none}'::text[]) as task_id,
		explain_assignment('p', 'u', task_id) as e
	where not e.is_passed;
select * from broken;

-- A holder gets the task again, whatever the rules say; of the others they get none before that.
select start_task('p', 'u', 'free'), update_user('p', 'u', '{"qualified_task_types": []}'), pause_task('p', 'free');
select bool_and(is_passed) from explain_assignment('p', 'u', 'free');
select rule, is_passed, found from explain_assignment('p', 'u', 'axon') where not is_passed;
select start_task('p', 'u') is not distinct from 'free' as gets_it_again;
select release_task('p', 'u', 'free'), update_user('p', 'u', '{"qualified_task_types": ["x"]}'), unpause_task('p', 'free');

-- A lease that is idle for exactly the limit hinders nobody.
set task_mgmt.fake_now = '2030-01-01 00:01:29.999999+00';
select is_passed, found from explain_assignment('p', 'u', 'held') where rule like 'nobody%';
set task_mgmt.fake_now = '2030-01-01 00:01:30+00';
select is_passed, found from explain_assignment('p', 'u', 'held') where rule like 'nobody%';

-- Without a task: for each lane, what each rule removes of what the rules before have left.
select task_type, segment_type, rule, applies_to, is_passed, found, open_tasks, removed, remaining from explain_assignment('p', 'u')
where removed > 0 or rule = 'the task is not paused';

-- A user who is deactivated, a project that is paused, a task that is held: they remove everything.
select deactivate_user('p', 'w'), start_task('p', 'u', 'axon');
select pause_project('p');
select rule, found, sum(open_tasks), sum(removed) from explain_assignment('p', 'w') where removed > 0 group by 1, 2;
select resume_project('p');
select rule, found, sum(open_tasks), sum(removed) from explain_assignment('p', 'w') where removed > 0 group by 1, 2;
select rule, found, sum(open_tasks), sum(removed) from explain_assignment('p', 'u') where rule like '%holds no other%' group by 1, 2;

-- A user or a task that does not exist is an answer; a project is not.
select * from explain_assignment('p', 'none', 'free');
select * from explain_assignment('p', 'none');
select * from explain_assignment('p', 'u', 'none');
select * from explain_assignment('none', 'u');
select * from explain_assignment(null, 'u');
select * from explain_assignment('p', null);

-- Readers may ask, others not; asking writes nothing, not even in a read-only transaction.
create role regress_explainer;
set role regress_explainer;
select * from explain_assignment('p', 'u');
reset role;
select grant_access('regress_explainer', 'reader', 'p');
set role regress_explainer;
begin read only;
select count(*) from explain_assignment('p', 'u', 'free');
select count(*) > 0 from explain_assignment('p', 'u');
commit;
reset role;
select revoke_access('regress_explainer', 'p');
drop role regress_explainer;

reset task_mgmt.fake_now;
drop view broken;
select delete_project('p', cascade => true);
