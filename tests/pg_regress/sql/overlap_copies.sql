-- Several people on one task: each gets a copy, and if all agree, the task is completed as the copies are.

do $$ begin
	perform create_project('p', 'gs://seg', 4, 4, 40);
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Yes", "No"], "overlap": 2}');
	perform create_task_type('p', '{"task_type": "y", "completion_statuses": ["Yes"]}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x", "y"]'::jsonb)) from unnest('{ann, bob, cia, dan}'::text[]) u;
end $$;
create view seen as
	select task_id, original_task_id, overlap, status, completion_status, active_user_id, completed_user_id, is_active
	from task_mgmt.tasks order by created_at, task_id collate "C";
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';

-- The overlap is that of the type unless the task has its own; what is brought in with its holder or outcome is one user's work.
select get_task_type('p', 'x'), get_task_type('p', 'y');
select task_type, overlap from task_mgmt.task_types where project_name = 'p' order by 1;
select create_tasks('p', '[
	{"task_id": "a", "task_type": "x", "priority": 90, "batch_id": "b", "segment_seed_id": 7, "segment_type": "axon", "note": "n",
		"ng_state": {"at": 1}, "ng_state_initial": {"at": 0}, "extra_data": {"k": 1}},
	{"task_id": "own", "task_type": "x", "overlap": 3, "is_paused": true},
	{"task_id": "single", "task_type": "x", "overlap": 1, "is_paused": true},
	{"task_id": "old", "task_type": "x", "completion_status": "Yes", "completed_user_id": "dan"},
	{"task_id": "held", "task_type": "x", "active_user_id": "dan"},
	{"task_id": "after", "task_type": "y", "priority": 1}]');
select task_id, overlap from seen;
select create_dependency('p', '{"dependency_id": "d", "task_id": "after", "dependent_on_task_id": "a", "required_completion_status": "Yes"}');
select update_user('p', u, '{"qualified_segment_types": ["axon"]}') from unnest('{ann, bob, cia, dan}'::text[]) u;
create table handled (task_id text, status text);
create function handle(project text, task text, status text) returns void language sql security definer set search_path = public
	as 'insert into handled values ($2, $3)';
select register_handler('p', 'x', 'completion', 'handle(text, text, text)');

-- A copy is like its original was at its beginning.
select start_task('p', 'ann'), start_task('p', 'ann'), start_task('p', 'ann', 'a#1');
select start_task('p', 'ann', 'a');
select get_task('p', 'a#1') - 'created_at';
select created_at, (get_task('p', 'a'))->'overlap' as overlap, (get_task('p', 'a'))->'original_task_id' as original from task_mgmt.tasks where task_id = 'a#1';
select * from task_mgmt.overlaps where task_id = 'a';
select * from task_mgmt.check_invariants();

-- Nobody gets two of them; another user gets the next, and then the original waits for both.
select update_task('p', 'a#1', '{"ng_state": {"at": 2}}'), release_task('p', 'ann', 'a#1', 'Yes'), start_task('p', 'ann');
select start_task('p', 'ann', 'a');
select task_id, why from peek_tasks('p', 'ann');
select task_id, why from peek_tasks('p', 'bob');
select rule, is_passed, found from explain_assignment('p', 'ann', 'a') where not is_passed;
select task_type, rule, removed from explain_assignment('p', 'ann') where removed > 0;
select start_task('p', 'bob'), start_task('p', 'cia');
select start_task('p', 'cia', 'a');
select rule, is_passed, found from explain_assignment('p', 'cia', 'a') where not is_passed;
select * from seen where task_id like 'a%';
select task_type, ready, held, blocked from task_mgmt.workload where project_name = 'p' order by 1;
select * from task_mgmt.check_invariants();

-- A copy that is handed back is there for whoever has not worked on another one, by name as by itself.
select release_task('p', 'bob', 'a#2'), start_task('p', 'ann');
select start_task('p', 'ann', 'a#2');
select start_task('p', 'cia'), release_task('p', 'cia', 'a#2');
select start_task('p', 'bob', 'a#2');

-- The last copy completes the original: its state and completer are the last copy's, dependents may start, the handler runs once.
select * from handled;
set task_mgmt.fake_now = '2030-01-01 01:00:00+00';
select update_task('p', 'a#2', '{"ng_state": {"at": 3}}'), submit_timesheet('p', 'bob', 60, 'a#2'), release_task('p', 'bob', 'a#2', 'Yes');
select * from seen where task_id like 'a%';
select ng_state, completed_at, first_start_ts, last_leased_ts from task_mgmt.tasks where task_id = 'a';
select * from handled;
select task_id, kind, user_id, detail from task_mgmt.events where task_id in ('a', 'a#1', 'a#2', 'after') order by event_no, task_id;
select task_id, copies, completed, completion_statuses, result from task_mgmt.overlaps order by 1;
select * from task_mgmt.check_invariants();
select release_task('p', 'bob', 'a#2', 'Yes');
-- Nobody has released the original itself.
select release_task('p', 'bob', 'a', 'Yes');

-- What the copies took is the work of their users; the original is nobody's.
select day, user_id, task_type, tasks from task_mgmt.throughput where user_id <> 'dan' order by 1, 2;
select user_id, tasks_completed, tasks_by_status from payroll('p', '2030-01-01', '2030-01-02') where user_id <> 'dan';
-- They follow the segment of their seed.
select create_segment('p', '{"seed_id": 7, "seed_x": 0, "seed_y": 0, "seed_z": 0}');
select jsonb_path_query_array(get_segment_tasks('p', 7), '$[*].task_id'), jsonb_path_query_array(get_segment_tasks('p', 7), '$[*].segment_type');

-- Its outcome is not one user's to take back.
select unregister_handler('p', 'x', 'completion'), undo_release('p', 'bob', 'a#2');
select undo_release('p', 'bob', 'a');

-- By name, paused or not; assigned; of the best project; the seed form is expanded in the copy.
select create_segment('p', '{"seed_id": 9, "seed_x": 1, "seed_y": 2, "seed_z": 3}'),
	create_task('p', '{"task_id": "seeded", "task_type": "x", "priority": 80, "ng_state": {"seed_id": 9}, "segment_seed_id": 9}');
select start_task('p', 'ann', 'own'), start_task('p', 'cia'), * from start_task_cross_project('bob');
select task_id, ng_state ? 'layers' as is_expanded, ng_state_initial ? 'layers' as was_expanded from task_mgmt.tasks where task_id like 'seeded%' order by 1;
select release_task('p', 'ann', 'own#1'), assign_task('p', 'own', 'dan');
select start_task('p', 'ann', 'own');
select release_task('p', 'dan', 'held'), start_task('p', 'dan', 'own'), start_task('p', 'ann');
select * from seen where original_task_id in ('own', 'seeded');
select * from task_mgmt.check_invariants();

-- Ids that are taken are passed over; where there is no room for more characters, a number does.
select create_tasks('p', jsonb_build_array('{"task_id": "b", "task_type": "x", "priority": 99}'::jsonb, '{"task_id": "b#1", "task_type": "y", "is_paused": true}'::jsonb,
	jsonb_build_object('task_id', repeat('l', 199), 'task_type', 'x', 'priority', 98)));
select release_task('p', u, get_user('p', u)->>'active_task') from unnest('{ann, bob, cia, dan}'::text[]) u;
select start_task('p', 'ann'), start_task('p', 'bob'), start_task('p', 'cia') ~ '^\d+$', start_task('p', 'dan') ~ '^\d+$';
select create_task('p', '{"task_id": "b#2", "task_type": "y"}');
select * from task_mgmt.check_invariants();

-- An original waits for its copies, so none of them can wait for it, nor for what does. It may wait for one of them as for other tasks.
select create_user('p', '{"user_id": "eve", "qualified_task_types": ["x", "y"]}'),
	create_tasks('p', '[{"task_id": "w", "task_type": "x", "priority": 100}, {"task_id": "follower", "task_type": "y"}]');
select start_task('p', 'eve'), release_task('p', 'eve', 'w#1'),
	create_dependency('p', '{"dependency_id": "f", "task_id": "follower", "dependent_on_task_id": "w", "required_completion_status": "Yes"}');
select create_dependency('p', '{"dependency_id": "c", "task_id": "w#1", "dependent_on_task_id": "w", "required_completion_status": "Yes"}');
select create_dependency('p', '{"dependency_id": "c", "task_id": "w#1", "dependent_on_task_id": "follower", "required_completion_status": "Yes"}');
select create_dependency('p', '{"dependency_id": "c", "task_id": "w", "dependent_on_task_id": "w#1", "required_completion_status": "No"}');
select * from task_mgmt.check_invariants();

-- Of copies that are free, and what they are copies of, a user would get one.
select release_task('p', u, get_user('p', u)->>'active_task') from unnest('{ann, bob, cia, dan}'::text[]) u;
select create_task('p', '{"task_id": "q", "task_type": "x", "overlap": 3, "priority": 200}');
select start_task('p', 'ann'), start_task('p', 'bob');
select release_task('p', 'ann', 'q#1'), release_task('p', 'bob', 'q#2');
select task_id, why from peek_tasks('p', 'cia', 2);
select start_task('p', 'ann', 'q#1'), start_task('p', 'bob', 'q#2'), pause_task('p', 'q');
set task_mgmt.fake_now = '2030-01-03 00:00+00';
select task_id, why from peek_tasks('p', 'cia') where why = 'takeover';

-- What is assigned to a third user goes to them, whatever the receiver has done.
select release_task('p', 'bob', 'q#2', 'Yes'), assign_task('p', 'q#1', 'dan'), transfer_tasks('p', 'ann', 'bob');
select task_id, assigned_user_id, active_user_id from task_mgmt.tasks where task_id = 'q#1';
select * from task_mgmt.check_invariants();

drop view seen;
select delete_project('p', cascade => true);
drop function handle;
drop table handled;
reset task_mgmt.fake_now;
reset timezone;
