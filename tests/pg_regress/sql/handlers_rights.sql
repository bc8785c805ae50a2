-- Handlers run as their owner, with the owner's rights and no others, and cannot become anybody else.

create role regress_manager;
create role regress_worker;
create role regress_stranger;
grant create, usage on schema public to regress_manager, regress_worker, regress_stranger;
do $$ begin
	perform create_project('p'), create_project('q');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_task_type('q', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}, {"task_id": "c", "task_type": "x"}]');
	perform grant_access('regress_manager', 'manager', 'p'), grant_access('regress_worker', 'worker', 'p');
end $$;
create table secret (word text);
insert into secret values ('sesame');

-- A manager registers functions of their own, not those of somebody else.
set role regress_manager;
create function check_it(text, text, text) returns jsonb language plpgsql as $$ begin
	return jsonb_build_object('passed', true, 'message', format('%s, %s', current_user, current_setting('search_path')));
end $$;
reset role;
create function of_superuser(text, text, text) returns jsonb language sql as $$ select jsonb_build_object('passed', true, 'message', current_user) $$;
set role regress_worker;
create function of_worker(text, text, text) returns jsonb language sql as $$ select '{"passed": true}'::jsonb $$;
select register_handler('p', 'x', 'verification', 'of_worker(text, text, text)');
set role regress_manager;
select register_handler('p', 'x', 'verification', 'check_it(text, text, text)');
select register_handler('p', 'x', 'verification', 'of_superuser(text, text, text)');
select register_handler('p', 'x', 'verification', 'of_worker(text, text, text)');
select register_handler('q', 'x', 'verification', 'check_it(text, text, text)');

-- Whoever calls, it runs as its owner, with a fixed search_path; afterwards the caller is who they were.
set role regress_worker;
select verify_task('p', 'a', 'Done')->>'message' as owner_and_path;
select current_user, current_setting('search_path') as search_path;

-- It has the rights of its owner: more than the worker who releases.
set role regress_manager;
create function follow(project text, text, text) returns void language plpgsql as $$ begin
	perform public.create_task(project, '{"task_id": "made", "task_type": "x"}');
end $$;
select register_handler('p', 'x', 'completion', 'follow(text, text, text)');
set role regress_worker;
select create_task('p', '{"task_id": "made", "task_type": "x"}');
select start_task('p', 'u', 'a'), release_task('p', 'u', 'a', 'Done');
reset role;
select role_name from task_mgmt.events where project_name = 'p' and task_id = 'made' and kind = 'created';

-- And none beyond: not another project, not the extension's tables, not other tables.
create function attempt(what text) returns text language plpgsql as $$ begin
	perform set_config('test.what', what, false);
	return verify_task('p', 'b', 'Done')->>'message';
exception when others then
	return sqlerrm;
end $$;
grant execute on function attempt to regress_worker;
set role regress_manager;
create or replace function check_it(text, text, text) returns jsonb language plpgsql as $$ begin
	execute current_setting('test.what');
	return jsonb_build_object('passed', true, 'message', 'it went through');
end $$;
reset role;
select attempt($$select public.create_task('q', '{"task_type": "x"}')$$);
select attempt($$select public.grant_access('regress_manager', 'admin', 'p')$$);
select attempt($$select public.create_project('r')$$);
select attempt($$select word from public.secret$$);
select attempt($$update task_mgmt.task set note = 'forged'$$);
select attempt($$insert into task_mgmt.access values ('*', 'regress_manager', 'admin')$$);
select attempt($$set role regress_worker$$);
select attempt($$reset role$$);
select attempt($$set session authorization postgres$$);
select attempt($$create temp table t (i int)$$);
select attempt($$declare c cursor with hold for select 1$$);
select attempt($$listen something$$);

-- What it may do goes through, and its settings do not stay.
select attempt($$select public.get_task('p', 'a')$$);
select attempt($$set work_mem = '123MB'$$), current_setting('work_mem') as work_mem;

-- A caller's own identity does not help inside: a superuser's release runs it as the owner, too.
select start_task('p', 'u', 'b');
set test.what = $$select public.create_task('q', '{"task_type": "x"}')$$;
select release_task('p', 'u', 'b', 'Done');
select release_task('p', 'u', 'b');

-- Nor for what follows a completion: it is refused as a whole, and nothing has changed.
set role regress_manager;
create or replace function follow(project text, text, text) returns void language plpgsql as $$ begin
	perform public.create_task('p', '{"task_id": "before", "task_type": "x"}');
	perform public.create_task('q', '{"task_type": "x"}');
end $$;
reset role;
set test.what = 'select 1';
select start_task('p', 'u', 'b');
select release_task('p', 'u', 'b', 'Done');
select get_task('p', 'b')->>'active_user_id' as still_held, release_task('p', 'u', 'b');
select get_task('p', 'before');

-- A handler within a handler is not the owner of the first.
set test.what = 'select 1';
create function outer_check(project text, task text, status text) returns jsonb language plpgsql as $$ begin
	return public.verify_task('q', 'qa', status) || jsonb_build_object('now', current_user);
end $$;
create function inner_check(text, text, text) returns jsonb language plpgsql as $$ begin
	return jsonb_build_object('passed', true, 'message', current_user);
end $$;
alter function inner_check owner to regress_stranger;
select create_task('q', '{"task_id": "qa", "task_type": "x"}'), register_handler('p', 'x', 'verification', 'outer_check(text, text, text)');
grant regress_stranger to current_user;
select register_handler('q', 'x', 'verification', 'inner_check(text, text, text)');
select verify_task('p', 'b', 'Done')->>'message' = 'regress_stranger' as inner_is_stranger, current_user = session_user as outer_is_back;

-- Rights that are taken away from the owner are gone at once.
select register_handler('p', 'x', 'verification', 'check_it(text, text, text)'), set_config('test.what', $$select public.get_task('p', 'a')$$, false);
select revoke_access('regress_manager', 'p');
select verify_task('p', 'b', 'Done');
select start_task('p', 'u', 'c');
select release_task('p', 'u', 'c', 'Done');
select get_task('p', 'c')->>'status' as status;

select delete_project('p', cascade => true), delete_project('q', cascade => true);
drop function attempt, outer_check, inner_check, of_superuser, of_worker, check_it, follow;
drop table secret;
revoke create, usage on schema public from regress_manager, regress_worker, regress_stranger;
drop role regress_manager, regress_worker, regress_stranger;
