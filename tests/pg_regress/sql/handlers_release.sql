-- Handlers: at a release, verification may refuse, completion follows; all of it or nothing happens.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Bad"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}]');
	perform create_dependency('p', '{"task_id": "b", "dependent_on_task_id": "a", "required_completion_status": "Done"}');
end $$;
create function verify(project text, task text, status text) returns jsonb language plpgsql as $$ begin
	raise notice 'verify % % %, which is %', project, task, status, public.get_task(project, task)->>'status';
	return jsonb_build_object('passed', status <> 'Bad', 'message', 'why not ' || status);
end $$;
create function follow(project text, task text, status text) returns int language plpgsql as $$ begin
	raise notice 'follow % % %, which is %', project, task, status, public.get_task(project, task)->>'status';
	perform public.create_task(project, jsonb_build_object('task_type', 'x', 'task_id', 'after ' || task));
	return 1;
end $$;
select register_handler('p', 'x', 'verification', 'verify(text, text, text)'), register_handler('p', 'x', 'completion', 'follow(text, text, text)');

-- Handing back unfinished runs none.
select start_task('p', 'u', 'a'), release_task('p', 'u', 'a');

-- A release that is not the caller's to make runs none, and neither does a status that is not allowed.
select start_task('p', 'u', 'a');
select release_task('p', 'v', 'a', 'Done');
select release_task('p', 'u', 'a', 'Odd');

-- A failed verification refuses with its own message and changes nothing.
select release_task('p', 'u', 'a', 'Bad');
select get_task('p', 'a')->>'active_user_id' as holder, get_task('p', 'a')->>'completion_status' as status;

-- One that passed lets the task be completed; completion sees it completed, and its dependents free.
select release_task('p', 'u', 'a', 'Done');
select task_id, status, is_active from task_mgmt.tasks where project_name = 'p' order by task_id;

-- A completion handler that raises undoes the completion.
create or replace function follow(project text, task text, status text) returns int language plpgsql as $$ begin
	perform public.create_task(project, '{"task_type": "x", "task_id": "undone"}');
	raise exception 'no room' using errcode = '53100', hint = 'make some';
end $$;
select start_task('p', 'u', 'b');
select release_task('p', 'u', 'b', 'Done');
select get_task('p', 'b')->>'active_user_id' as holder;
select get_task('p', 'undone');

-- So does a verification that raises; the caller may go on in a savepoint.
create or replace function verify(project text, task text, status text) returns jsonb language plpgsql as $$ begin
	return jsonb_build_object('passed', 1 / 0);
end $$;
begin;
savepoint s;
select release_task('p', 'u', 'b', 'Done');
rollback to s;
select current_user = session_user as same_role, current_setting('search_path') as search_path;
select release_task('p', 'u', 'b', '', 'handed back instead');
commit;
select get_task('p', 'b')->>'note' as note;

-- An unusable answer refuses, too.
create function answer(text, text, text) returns jsonb language sql stable as $$ select current_setting('test.answer', true)::jsonb $$;
select register_handler('p', 'x', 'verification', 'answer(text, text, text)');
set test.answer = '[]';
select verify_task('p', 'b', 'Done');
set test.answer = 'null';
select verify_task('p', 'b', 'Done');
set test.answer = '{}';
select verify_task('p', 'b', 'Done');
set test.answer = '{"passed": "yes"}';
select verify_task('p', 'b', 'Done');
set test.answer = '{"passed": true, "message": 7}';
select verify_task('p', 'b', 'Done');
set test.answer = '{"passed": false}';
select verify_task('p', 'b', 'Done');
set test.answer = '{"passed": true, "message": "fine", "score": 1}';
select verify_task('p', 'b', 'Done');
create or replace function answer(text, text, text) returns jsonb language sql as 'select null::jsonb';
select verify_task('p', 'b', 'Done');

-- A handler that is gone refuses completions, not handing back.
select unregister_handler('p', 'x', 'completion'), start_task('p', 'u', 'b');
drop function answer;
select release_task('p', 'u', 'b', 'Done');
select release_task('p', 'u', 'b');
select unregister_handler('p', 'x', 'verification');

-- A verification that takes the task away makes the release fail rather than report what did not happen.
create function steal(project text, task text, status text) returns jsonb language plpgsql as $$ begin
	perform public.force_release_task(project, task);
	return '{"passed": true}';
end $$;
create function told(text, task text, status text) returns void language plpgsql as $$ begin raise notice '% is %', task, status; end $$;
select register_handler('p', 'x', 'verification', 'steal(text, text, text)'), register_handler('p', 'x', 'completion', 'told(text, text, text)');
select start_task('p', 'u', 'b');
select release_task('p', 'u', 'b', 'Done');
select active_user_id, status, completion_status from task_mgmt.tasks where project_name = 'p' and task_id = 'b';
select count(*) from task_mgmt.events where project_name = 'p' and task_id = 'b' and kind = 'completed';

-- So does one that gives it to somebody else, and one that ends it under an update that completes it.
create or replace function steal(project text, task text, status text) returns jsonb language plpgsql as $$ begin
	perform public.force_release_task(project, task), public.start_task(project, 'v', task);
	return '{"passed": true}';
end $$;
select release_task('p', 'u', 'b', 'Done');
select get_task('p', 'b')->>'active_user_id' as holder;
create or replace function steal(project text, task text, status text) returns jsonb language plpgsql as $$ begin
	perform public.cancel_task(project, task);
	return '{"passed": true}';
end $$;
select update_task('p', 'b', '{"completion_status": "Done"}');
select get_task('p', 'b')->>'status' as status;

select * from task_mgmt.check_invariants();
select delete_project('p', cascade => true);
drop function verify, follow, steal, told;
