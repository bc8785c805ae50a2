-- Dependencies: a task waits until all it depends on are completed as required.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Bad"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x"]}');
end $$;
create view seen as
	select t.task_id, t.status, t.is_active,
		(select string_agg(dependent_on_task_id || case when is_satisfied then ' ok' else ' ?' end, ', ' order by dependent_on_task_id)
		from task_mgmt.dependencies d where d.project_name = 'p' and d.task_id = t.task_id) as waits_for
	from task_mgmt.tasks t where project_name = 'p' order by task_id;
-- Starts and completes a task.
create function finish(task_id text, status text default 'Done') returns boolean language sql as
	$$ select start_task('p', 'u', $1) = $1 and release_task('p', 'u', $1, $2) $$;
-- Makes a task wait for another.
create function wait_for(task_id text, upstream text, status text default 'Done') returns text language sql as
	$$ select create_dependency('p', jsonb_build_object('task_id', $1, 'dependent_on_task_id', $2, 'required_completion_status', $3)) $$;

-- A task that waits for two is startable when both are done, not before.
select create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}, {"task_id": "c", "task_type": "x"}]');
select wait_for('c', 'a'), wait_for('c', 'b');
table seen;
select finish('a');
table seen;
select start_task('p', 'u', 'c');
select get_unsatisfied_dependencies_for_task('p', 'c');
select finish('b');
table seen;
select start_task('p', 'u'), release_task('p', 'u', 'c', 'Done');

-- A task that was created inactive is activated by its last dependency.
select create_tasks('p', '[{"task_id": "d", "task_type": "x"}, {"task_id": "e", "task_type": "x", "is_active": false}]');
select wait_for('e', 'd'), finish('d'), get_task('p', 'e')->'is_active' as is_active;
select finish('e');

-- Another status satisfies nothing; the required one later does.
select create_tasks('p', '[{"task_id": "f", "task_type": "x"}, {"task_id": "g", "task_type": "x"}, {"task_id": "h", "task_type": "x"}]');
select wait_for('g', 'f', 'Done'), wait_for('h', 'f', 'Bad');
select finish('f', 'Bad');
select * from seen where task_id in ('f', 'g', 'h');
select start_task('p', 'u', 'g');
select reactivate_task('p', 'f'), finish('f', 'Done');
select * from seen where task_id in ('f', 'g', 'h');

-- Handing back, pausing and cancelling an upstream satisfies nothing.
select create_tasks('p', '[{"task_id": "i", "task_type": "x"}, {"task_id": "j", "task_type": "x"}]'), wait_for('j', 'i');
select start_task('p', 'u', 'i'), release_task('p', 'u', 'i'), pause_task('p', 'i'), cancel_task('p', 'i');
select * from seen where task_id = 'j';

-- At creation, a completed upstream satisfies at once.
select create_task('p', '{"task_id": "k", "task_type": "x", "is_active": false}'), wait_for('k', 'a');
select * from seen where task_id = 'k';
select create_task('p', '{"task_id": "l", "task_type": "x"}'), wait_for('l', 'a'), wait_for('l', 'f', 'Bad');
select * from seen where task_id = 'l';

-- A held task is not interrupted; handed back, it waits.
select create_tasks('p', '[{"task_id": "m", "task_type": "x"}, {"task_id": "n", "task_type": "x"}]'), start_task('p', 'v', 'm'), wait_for('m', 'n');
select * from seen where task_id = 'm';
select release_task('p', 'v', 'm');
select start_task('p', 'v', 'm');
select finish('n'), finish('m');

-- A completed task is not touched; opened again, it waits.
select create_task('p', '{"task_id": "o", "task_type": "x"}'), wait_for('m', 'o');
select * from seen where task_id = 'm';
select reactivate_task('p', 'm');
select * from seen where task_id = 'm';
select finish('o'), finish('m');

-- Re-opening an upstream blocks again those dependents that nobody has started; for the others it is recorded.
select create_tasks('p', '[{"task_id": "up", "task_type": "x"}, {"task_id": "free", "task_type": "x"},
	{"task_id": "held", "task_type": "x"}, {"task_id": "done", "task_type": "x"}]');
select wait_for('free', 'up'), wait_for('held', 'up'), wait_for('done', 'up'), finish('up'), finish('done'), start_task('p', 'v', 'held');
select reactivate_task('p', 'up');
select * from seen where task_id in ('free', 'held', 'done', 'up');
select task_id, kind from task_mgmt.events where project_name = 'p' and kind in ('upstream_reopened', 'blocked')
	and task_id in ('free', 'held', 'done') and event_no > (select max(event_no) from task_mgmt.events where kind = 'reactivated')
order by task_id;
select release_task('p', 'v', 'held', 'Done'), finish('up');
select * from seen where task_id in ('free', 'held', 'done', 'up');

-- So does opening it by update_task, and completing it with another status.
select update_task('p', 'up', '{"completion_status": "Bad"}');
select * from seen where task_id = 'free';
select update_task('p', 'up', '{"completion_status": "Done"}');
select * from seen where task_id = 'free';
select update_task('p', 'up', '{"completion_status": ""}');
select * from seen where task_id = 'free';

-- A task that was taken over in the meantime is a started one.
select finish('up');
select create_tasks('p', '[{"task_id": "q", "task_type": "x"}]'), wait_for('q', 'up'), start_task('p', 'v', 'q'), reactivate_task('p', 'up');
set task_mgmt.fake_now = '2100-01-01';
select start_task('p', 'u', 'q'), release_task('p', 'u', 'q', 'Done');
reset task_mgmt.fake_now;

-- Long chains run through in order.
select create_tasks('p', (select jsonb_agg(jsonb_build_object('task_id', 'chain' || i, 'task_type', 'x', 'priority', 100 + i)) from generate_series(1, 50) i));
select create_dependencies('p', (select jsonb_agg(jsonb_build_object('task_id', 'chain' || i + 1, 'dependent_on_task_id', 'chain' || i,
	'required_completion_status', 'Done')) from generate_series(1, 49) i));
do $$ begin
	for i in 1..50 loop
		assert start_task('p', 'u') = 'chain' || i;
		perform release_task('p', 'u', 'chain' || i, 'Done');
	end loop;
end $$;

select * from task_mgmt.check_invariants();
drop view seen;
drop function finish, wait_for;
select delete_project('p', cascade => true);
