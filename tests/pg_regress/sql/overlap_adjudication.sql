-- Several people on one task: if they disagree, one more user decides; and whatever else may happen to copies and original.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Yes", "No"], "overlap": 2}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x"]'::jsonb)) from unnest('{ann, bob, cia, dan}'::text[]) u;
	perform create_task('p', '{"task_id": "a", "task_type": "x"}');
end $$;
create view seen as
	select t.task_id, t.status, t.completion_status, t.active_user_id, t.completed_user_id, t.is_active, o.copies, o.completed, o.completion_statuses, o.result
	from task_mgmt.tasks t
	left join task_mgmt.overlaps o using (project_name, task_id)
	order by t.task_id collate "C";
-- A user takes a task and completes it.
create function answer(user_id text, task text, status text) returns text language plpgsql as $$
declare
	started text;
begin
	started := start_task('p', user_id, task);
	perform release_task('p', user_id, started, status);
	return started;
end $$;

-- The original goes to somebody who has answered none of the copies, whose word counts as work.
select answer('ann', 'a', 'Yes'), answer('bob', 'a', 'No');
select * from seen;
select task_id from peek_tasks('p', 'ann');
select task_id from peek_tasks('p', 'cia');
select start_task('p', 'ann'), start_task('p', 'bob');
select start_task('p', 'ann', 'a');
select start_task('p', 'cia');
select * from task_mgmt.check_invariants();
select undo_release('p', 'ann', 'a#1');
select release_task('p', 'cia', 'a', 'No');
select * from seen;
select undo_release('p', 'ann', 'a#1');
select kind, user_id, detail from task_mgmt.events where task_id = 'a' order by event_no;
select user_id, completion_status, tasks from task_mgmt.throughput order by 1;
select user_id, tasks_completed from payroll('p', '-infinity', 'infinity');

-- A decision can be taken back; an answer, too, before anybody decides: then the original waits again.
select undo_release('p', 'cia', 'a'), release_task('p', 'cia', 'a');
select undo_release('p', 'bob', 'a#2');
select * from seen;
select * from task_mgmt.check_invariants();
select release_task('p', 'bob', 'a#2', 'Yes');
select * from seen;
select undo_release('p', 'bob', 'a#2');

-- Opened again, the original is for somebody to decide, although the copies agree.
select reactivate_task('p', 'a');
select * from seen;
select start_task('p', 'ann', 'a');
select answer('dan', 'a', 'No');
select result from task_mgmt.overlaps;
select * from task_mgmt.check_invariants();

-- A manager's word on copies and original.
select create_task('p', '{"task_id": "b", "task_type": "x", "overlap": 3}');
select answer('ann', 'b', 'Yes'), answer('bob', 'b', 'No'), start_task('p', 'cia', 'b');
select update_task('p', 'b', '{"completion_status": "Yes", "completed_user_id": "dan"}');
select update_task('p', 'b#3', '{"completion_status": "No", "completed_user_id": "ann"}');
select update_task('p', 'b#3', '{"completion_status": "No"}');
select * from seen where task_id like 'b%';
select update_task('p', 'b#1', '{"completion_status": "No"}');
select * from seen where task_id like 'b%';
select update_task('p', 'b', '{"completion_status": "Yes"}'), result from task_mgmt.overlaps where task_id = 'b';
select result from task_mgmt.overlaps where task_id = 'b';
select update_task('p', 'b', '{"completion_status": ""}'), reactivate_task('p', 'b#1');
select * from seen where task_id like 'b%';
select answer('ann', 'b#1', 'Yes');
select update_task('p', 'b', '{"completion_status": "Yes", "completed_user_id": "dan"}');
select * from seen where task_id like 'b%';
select user_id, completion_status, tasks from task_mgmt.throughput order by 1, 2;
select * from task_mgmt.check_invariants();

-- Cancelled copies do not count: another one is handed out, and there is no room for the cancelled one any more.
select create_task('p', '{"task_id": "c", "task_type": "x"}');
select start_task('p', 'ann', 'c'), start_task('p', 'bob', 'c'), cancel_task('p', 'c#1');
select * from seen where task_id like 'c%';
select release_task('p', 'bob', 'c#2', 'Yes');
select * from seen where task_id like 'c%';
select start_task('p', 'ann', 'c');
select reactivate_task('p', 'c#1');
select cancel_task('p', 'c#3'), reactivate_task('p', 'c#1'), start_task('p', 'ann', 'c#1'), force_release_task('p', 'c#1');
select reactivate_task('p', 'c#2'), cancel_task('p', 'c#1'), cancel_task('p', 'c#2');
select * from seen where task_id like 'c%';
select answer('bob', 'c', 'No'), answer('dan', 'c', 'No');
select * from seen where task_id like 'c%';
select * from task_mgmt.check_invariants();

-- The original is cancelled: its copies go on, and come to nothing. Opened again, it is for somebody to decide.
select create_task('p', '{"task_id": "d", "task_type": "x"}');
select start_task('p', 'ann', 'd'), start_task('p', 'bob', 'd'), cancel_task('p', 'd'), release_task('p', 'ann', 'd#1', 'Yes'), release_task('p', 'bob', 'd#2', 'Yes');
select * from seen where task_id like 'd%';
select reactivate_task('p', 'd'), start_task('p', 'cia');
select * from task_mgmt.check_invariants();
-- While somebody decides, a copy is opened again and completed otherwise: the decision stays theirs.
select reactivate_task('p', 'd#1');
select * from seen where task_id like 'd%';
select release_task('p', 'cia', 'd'), start_task('p', 'cia', 'd#1');
select release_task('p', 'cia', 'd#1', 'Yes');
select * from seen where task_id like 'd%';
select * from task_mgmt.check_invariants();

-- Held back, paused or waiting for others, the original gives out no copies; those that are out go on.
select create_task('p', '{"task_id": "e", "task_type": "x", "overlap": 3}'), create_task('p', '{"task_id": "up", "task_type": "x", "overlap": 1, "is_paused": true}');
select start_task('p', 'ann', 'e'), update_task('p', 'e', '{"is_active": false}'), start_task('p', 'bob');
select update_task('p', 'e', '{"is_active": true, "is_paused": true}'), start_task('p', 'bob'), unpause_task('p', 'e');
select create_dependency('p', '{"dependency_id": "e-up", "task_id": "e", "dependent_on_task_id": "up", "required_completion_status": "Yes"}'), start_task('p', 'bob');
select release_task('p', 'ann', 'e#1', 'Yes'), answer('bob', 'up', 'Yes'), start_task('p', 'bob'), start_task('p', 'cia');
-- Once all are out, it waits for them besides.
select update_task('p', 'e', '{"is_active": false}'), reactivate_task('p', 'up');
select update_task('p', 'e', '{"is_active": true}');
select * from seen where task_id like 'e%';
select * from task_mgmt.check_invariants();
select answer('dan', 'up', 'Yes');
select update_task('p', 'e', '{"is_active": true}');
select update_task('p', 'e', '{"is_active": false}'), release_task('p', 'bob', 'e#2', 'Yes'), release_task('p', 'cia', 'e#3', 'No');
select * from seen where task_id like 'e%';
select update_task('p', 'e', '{"is_active": true}'), start_task('p', 'dan'), release_task('p', 'dan', 'e', 'No');
select * from task_mgmt.check_invariants();
-- Held back or waiting, it is completed all the same if its copies agree.
select create_task('p', '{"task_id": "h", "task_type": "x"}'), answer('ann', 'h', 'Yes'), start_task('p', 'bob', 'h'), update_task('p', 'h', '{"is_active": false}'), reactivate_task('p', 'up'),
	create_dependency('p', '{"dependency_id": "h-up", "task_id": "h", "dependent_on_task_id": "up", "required_completion_status": "Yes"}'), release_task('p', 'bob', 'h#2', 'Yes');
select * from seen where task_id like 'h%';
select * from task_mgmt.check_invariants();

-- Taken over, or transferred: only by and to somebody who has not answered.
select create_task('p', '{"task_id": "f", "task_type": "x", "overlap": 3}'), answer('ann', 'f', 'Yes'), start_task('p', 'bob', 'f');
set task_mgmt.fake_now = '2100-01-01 00:00:00+00';
select start_task('p', 'ann', 'f#2');
select count(*) from peek_tasks('p', 'ann') where task_id = 'f#2';
select start_task('p', 'cia', 'f#2');
reset task_mgmt.fake_now;
select transfer_tasks('p', 'cia', 'ann');
select transfer_tasks('p', 'cia', 'ann', skip_unqualified => true), transfer_tasks('p', 'cia', 'dan');
select task_id, assigned_user_id, active_user_id from task_mgmt.tasks where task_id like 'f%' order by 1;
select start_task('p', 'ann', 'f#2');
select start_task('p', 'dan'), * from task_mgmt.check_invariants();

-- What makes copies differ from their original is refused, and so is an overlap that is in use.
select create_task_type('p', '{"task_type": "y", "completion_statuses": ["Yes"]}');
select update_task('p', 'f', '{"task_type": "y"}');
select update_task('p', 'f', '{"extra_data": {"seed_id": 5}}');
select update_task('p', 'f', '{"overlap": 2}');
select update_task('p', 'f#1', '{"segment_type": "axon"}');
select update_task('p', 'f#1', '{"overlap": 2}');
select update_task('p', 'f', get_task('p', 'f')), update_task('p', 'f#2', '{"priority": 3, "note": "n"}');
select update_task('p', 'f#1', '{"original_task_id": "a"}');
select update_task('p', 'up', '{"overlap": 2}');
select create_task('p', '{"task_id": "g", "task_type": "x", "overlap": 1, "priority": 99}'), start_task('p', 'cia');
select update_task('p', 'g', '{"overlap": 2}');
select release_task('p', 'cia', 'g'), update_task('p', 'g', '{"overlap": 2}'), start_task('p', 'cia');
select create_task('p', '{"task_type": "x", "overlap": 0}');
select create_task('p', '{"task_type": "x", "overlap": 101}');
select create_task('p', '{"task_type": "x", "overlap": 2, "active_user_id": "dan"}');
select create_task_type('p', '{"task_type": "z", "overlap": 0}');
select update_task_type('p', 'y', '{"overlap": 101}');
select update_task_type('p', 'y', '{"overlap": 5}'), get_task_type('p', 'y')->'overlap', update_task_type('p', 'y', '{"overlap": null}'), get_task_type('p', 'y')->'overlap';
select * from task_mgmt.check_invariants();

drop view seen;
drop function answer;
select delete_project('p', cascade => true);
