-- Tasks: a completion cannot be forged by update_task; completing through it does all that a completion does.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Bad"]}');
	perform create_task_type('p', '{"task_type": "y", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "after", "task_type": "x"},
		{"task_id": "still", "task_type": "x"}]');
	perform create_dependency('p', '{"task_id": "after", "dependent_on_task_id": "a", "required_completion_status": "Done"}');
end $$;
create view seen as
	select task_id, status, completion_status, completed_user_id, active_user_id, completed_at is not null as has_time
	from task_mgmt.tasks where project_name = 'p' order by task_id;

-- A completion needs an allowed status and somebody who did it.
select update_task('p', 'a', '{"completion_status": "Odd", "completed_user_id": "u"}');
select update_task('p', 'a', '{"completion_status": "Done"}');
select update_task('p', 'a', '{"completion_status": "Done", "completed_user_id": "none"}');
select update_task('p', 'a', '{"completed_user_id": "u"}');
select update_task('p', 'a', '{"completion_status": "", "completed_user_id": "u"}');
table seen;

-- An inactive task has no outcome.
select update_task('p', 'after', '{"completion_status": "Done", "completed_user_id": "u"}');
select update_task('p', 'after', '{"completed_user_id": "u"}');
select update_task('p', 'after', '{"completion_status": "Done"}');
select update_task('p', 'after', '{"completion_status": "Odd", "completed_user_id": "none"}');

-- Completing a held task ends the lease; the holder is who did it unless another is named.
select start_task('p', 'u', 'a');
select update_task('p', 'a', '{"completion_status": "Bad"}');
table seen;
select get_user('p', 'u')->>'active_task' as active_task;
select release_task('p', 'u', 'a', 'Done');

-- Another outcome replaces it; what waited for that one can start.
select update_task('p', 'a', '{"completion_status": "Done", "completed_user_id": "v", "note": "checked"}');
table seen;
select start_task('p', 'u', 'after'), release_task('p', 'u', 'after');

-- The same outcome again changes nothing.
select update_task('p', 'a', '{"completion_status": "Done"}');
select count(*) from task_mgmt.events where project_name = 'p' and task_id = 'a' and kind = 'completed';

-- Correcting only who did it keeps the outcome.
select update_task('p', 'a', '{"completed_user_id": "u"}');
select completed_user_id, completion_status from seen where task_id = 'a';

-- A completed task has a completer, an open one has none.
select update_task('p', 'a', '{"completed_user_id": ""}');
select update_task('p', 'a', '{"completion_status": "Bad", "completed_user_id": ""}');
select update_task('p', 'a', '{"completion_status": "", "completed_user_id": "v"}');
select update_task('p', 'a', '{"completed_user_id": "none"}');
select update_task('p', 'a', '{"completion_status": "Done", "completed_user_id": "v"}'),
	update_task('p', 'a', '{"completion_status": "Done", "completed_user_id": "u"}');
select completed_user_id, completion_status from seen where task_id = 'a';

-- Written back as it is, a completion is not made anew.
select update_task('p', 'a', get_task('p', 'a'));
select count(*) from task_mgmt.events where project_name = 'p' and task_id = 'a' and kind = 'completed';

-- Replacing the outcome makes those wait again that waited for the former.
select update_task('p', 'a', '{"completion_status": "Bad"}');
select start_task('p', 'u', 'after');

-- An empty status opens the task again.
select update_task('p', 'a', '{"completion_status": "", "completed_user_id": ""}');
table seen;
select update_task('p', 'a', '{"completion_status": ""}');

-- The type of a completed task stays, so that its outcome stays allowed.
select update_task('p', 'still', '{"completion_status": "Bad", "completed_user_id": "u"}');
select update_task('p', 'still', '{"task_type": "y"}');
select update_task('p', 'still', '{"priority": 3, "is_paused": true}'), get_task('p', 'still')->>'completion_status' as kept;

-- A cancelled task has no outcome.
select cancel_task('p', 'a');
select update_task('p', 'a', '{"completion_status": "Done", "completed_user_id": "u"}');
select update_task('p', 'a', '{"note": "why"}'), get_task('p', 'a')->>'status' as status;

-- Verification is asked, and completion follows, as at a release.
create function verify(text, text, status text) returns jsonb language sql as
	$$ select jsonb_build_object('passed', status <> 'Bad', 'message', 'no ' || status) $$;
create function follow(text, task_id text, status text) returns void language plpgsql as
	$$ begin raise notice '% is %', task_id, status; end $$;
select register_handler('p', 'x', 'verification', 'verify(text, text, text)'),
	register_handler('p', 'x', 'completion', 'follow(text, text, text)');
select create_task('p', '{"task_id": "b", "task_type": "x"}');
select update_task('p', 'b', '{"priority": 9, "completion_status": "Bad", "completed_user_id": "u"}');
select get_task('p', 'b')->'priority' as priority, get_task('p', 'b')->>'status' as status;
select update_task('p', 'b', '{"priority": 9, "completion_status": "Done", "completed_user_id": "u"}');
select get_task('p', 'b')->'priority' as priority, get_task('p', 'b')->>'status' as status;
-- Neither is asked again when only who did it is corrected; a change of the outcome asks both.
create or replace function verify(text, text, status text) returns jsonb language sql as
	$$ select jsonb_build_object('passed', status = 'Bad', 'message', 'no ' || status) $$;
select update_task('p', 'b', '{"completed_user_id": "v"}');
select update_task('p', 'b', '{"completion_status": "Done", "completed_user_id": "u"}');
select update_task('p', 'b', '{"completion_status": "Bad"}');
select update_task('p', 'b', '{"completion_status": "Done"}');
select completed_user_id, completion_status from seen where task_id = 'b';

drop view seen;
select delete_project('p', cascade => true);
drop function verify, follow;
