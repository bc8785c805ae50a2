-- Undoing a release: a completion is taken back for a minute, as long as nobody has built on it.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Failed"]}');
	perform create_task_type('p', '{"task_type": "y", "completion_statuses": ["Done"]}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x", "y"]'::jsonb)) from unnest('{u, v}'::text[]) u;
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x", "priority": 90}, {"task_id": "b", "task_type": "x"}, {"task_id": "c", "task_type": "x"},
		{"task_id": "d", "task_type": "y", "priority": 10}]');
	perform create_dependency('p', jsonb_build_object('dependency_id', t, 'task_id', t, 'dependent_on_task_id', 'a', 'required_completion_status', 'Done'))
	from unnest('{b, c}'::text[]) t;
end $$;
set timezone = 'UTC';
create view seen as
	select task_id, status, completion_status, completed_user_id, active_user_id, is_active, first_start_ts, last_leased_ts, completed_at
	from task_mgmt.tasks order by task_id;
-- Sets the clock to so many seconds after a fixed moment.
create function at(seconds numeric) returns void language sql as $$
	select set_config('task_mgmt.fake_now', ('2030-01-01 00:00:00+00'::timestamptz + seconds * interval '1 second')::text, false)
$$;

-- The user holds the task again, and what waited for it waits again.
select at(0), start_task('p', 'u'), at(10), release_task('p', 'u', 'a', 'Done');
select * from seen where task_id <> 'd';
select at(69.999), undo_release('p', 'u', 'a');
select * from seen where task_id <> 'd';
select kind, user_id, detail from task_mgmt.events where task_id = 'a' order by event_no;
select task_id, kind from task_mgmt.events where task_id in ('b', 'c') and kind <> 'created' order by event_no, task_id;
select * from task_mgmt.check_invariants();
-- Again, it changes nothing.
select undo_release('p', 'u', 'a'), count(*) from task_mgmt.events where task_id = 'a';

-- The lease is a whole one, and the task can be completed anew, which frees what waits.
select at(80), start_task('p', 'u'), renew_lease('p', 'u', 'a'), release_task('p', 'u', 'a', 'Failed');
select undo_release('p', 'u', 'a'), release_task('p', 'u', 'a', 'Done');
select task_id, is_active from seen;

-- Within the limit, which a superuser sets.
select at(140), undo_release('p', 'u', 'a');
set task_mgmt.undo_seconds = 61;
select undo_release('p', 'u', 'a'), release_task('p', 'u', 'a', 'Done');
set task_mgmt.undo_seconds = 0;
select undo_release('p', 'u', 'a');
set task_mgmt.undo_seconds = -1;
reset task_mgmt.undo_seconds;

-- Not somebody else's, nor what is not completed or was brought in so.
select undo_release('p', 'v', 'a');
select undo_release('p', 'u', 'd');
select create_task('p', '{"task_id": "old", "task_type": "x", "completion_status": "Done", "completed_user_id": "u"}'), undo_release('p', 'u', 'old');
select start_task('p', 'u', 'd');
select undo_release('p', 'u', 'd');
select release_task('p', 'u', 'd');
select create_task('p', '{"task_id": "gone", "task_type": "x"}'), cancel_task('p', 'gone');
select undo_release('p', 'u', 'gone');

-- Not while the user holds another task.
select start_task('p', 'u', 'd');
select undo_release('p', 'u', 'a');
select release_task('p', 'u', 'd');

-- Not once somebody has started what waited for it; handed back, it waits again. One that was cancelled does not count.
select start_task('p', 'v', 'b');
select undo_release('p', 'u', 'a');
select release_task('p', 'v', 'b', 'Done');
select undo_release('p', 'u', 'a');
select reactivate_task('p', 'b'), start_task('p', 'v', 'b'), release_task('p', 'v', 'b'), cancel_task('p', 'c');
select undo_release('p', 'u', 'a');
select task_id, status, is_active from seen where task_id in ('a', 'b', 'c');
select * from task_mgmt.check_invariants();

-- A dependency that was waived stays satisfied.
select update_dependency('p', 'b', '{"is_satisfied": true}'), start_task('p', 'v', 'b'), release_task('p', 'u', 'a', 'Done'), undo_release('p', 'u', 'a');
select release_task('p', 'v', 'b');

-- Not after a manager has given it another outcome, or opened it again.
select release_task('p', 'u', 'a', 'Done'), update_task('p', 'a', '{"completion_status": "Failed"}');
select undo_release('p', 'u', 'a');
select reactivate_task('p', 'a');
select undo_release('p', 'u', 'a');

-- Not if a handler has done something with it.
create function follow(text, text, text) returns void language sql begin atomic end;
select start_task('p', 'u', 'a'), release_task('p', 'u', 'a', 'Done'), register_handler('p', 'x', 'completion', 'follow(text, text, text)');
select undo_release('p', 'u', 'a');
select unregister_handler('p', 'x', 'completion');

-- Who gets no work gets none back.
select pause_project('p');
select undo_release('p', 'u', 'a');
select resume_project('p'), deactivate_user('p', 'u');
select undo_release('p', 'u', 'a');
select update_user('p', 'u', '{"is_active": true}');

select undo_release('p', 'u', 'none');
select undo_release('p', 'none', 'a');
select undo_release('none', 'u', 'a');
select undo_release('p', 'u', null);

-- Workers may, for the users they may act as.
create role regress_undoer;
create role regress_bound;
select grant_access('regress_undoer', 'reader', 'p');
set role regress_undoer;
select undo_release('p', 'u', 'a');
reset role;
select grant_access('regress_undoer', 'worker', 'p'), bind_user('p', 'u', 'regress_bound');
set role regress_undoer;
select undo_release('p', 'u', 'a');
reset role;
select unbind_user('p', 'u');
set role regress_undoer;
select undo_release('p', 'u', 'a');
reset role;
select revoke_access('regress_undoer', 'p');
drop role regress_undoer, regress_bound;

reset task_mgmt.fake_now;
drop view seen;
drop function at;
select delete_project('p', cascade => true);
drop function follow;
