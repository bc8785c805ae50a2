-- Composition: the extension goes where it is told, leaves nothing behind, and comes back in one session.

-- Used first, so that this session has plans of the extension that is about to go.
do $$ begin
	perform create_project('p'), create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}'),
		create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}'), create_task('p', '{"task_id": "a", "task_type": "x"}');
	perform start_task('p', 'u'), release_task('p', 'u', 'a', 'Done');
end $$;
create function leavings() returns table (left_behind text) language sql as $$
	select nspname::text from pg_namespace where nspname ~ 'task_mgmt'
	union all select oid::regprocedure::text from pg_proc where probin ~ 'task_mgmt' or prosrc ~ 'task_mgmt\.' and proname <> 'leavings'
	union all select oid::regtype::text from pg_type where typname ~ 'task_|project' and typnamespace <> 'pg_catalog'::regnamespace
	union all select classid::regclass || ' ' || objid from pg_depend where refclassid = 'pg_extension'::regclass
		and refobjid = (select oid from pg_extension where extname = 'task_mgmt')
	union all select 'privileges ' || classoid::regclass || ' ' || objoid from pg_init_privs where classoid = 'pg_proc'::regclass
		and not exists (select from pg_proc where oid = objoid)
	order by 1
$$;

-- DROP EXTENSION leaves nothing, not even with data, grants and handlers.
create role regress_anna;
create function done(text, text, text) returns void language sql as '';
select grant_access('regress_anna', 'worker', 'p'), register_handler('p', 'x', 'completion', 'done(text, text, text)');
drop extension task_mgmt;
select * from leavings();
drop role regress_anna;

-- It comes back empty, and works in the same session. D40: whoever asks for it twice has it once.
create extension task_mgmt;
create extension if not exists task_mgmt;
select list_all_projects();
do $$ begin
	perform create_project('p'), create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}'),
		create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}'), create_task('p', '{"task_id": "a", "task_type": "x"}');
end $$;
select start_task('p', 'u'), submit_timesheet('p', 'u', 1, 'a'), release_task('p', 'u', 'a', 'Done'), get_task('p', 'a')->>'status' as status;
drop extension task_mgmt;

-- In a schema of one's choice; the tables stay in theirs.
create schema "my Tasks";
create extension task_mgmt schema "my Tasks";
select start_task('p', 'u');
select "my Tasks".create_project('p'), "my Tasks".create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}'),
	"my Tasks".create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}'), "my Tasks".create_task('p', '{"task_id": "a", "task_type": "x"}');
select "my Tasks".start_task('p', 'u'), "my Tasks".release_task('p', 'u', 'a', 'Done');
select status from task_mgmt.tasks;
select * from task_mgmt.check_invariants();
set search_path = "my Tasks";
select get_task('p', 'a')->>'completion_status' as completion_status;
reset search_path;

-- A role that is granted access there can call it.
create role regress_bob;
select "my Tasks".grant_access('regress_bob', 'reader');
set role regress_bob;
select "my Tasks".list_all_projects();
reset role;
select "my Tasks".revoke_access('regress_bob');
revoke usage on schema "my Tasks" from regress_bob;
drop role regress_bob;

-- It cannot be moved, because its functions know their schema.
alter extension task_mgmt set schema public;
drop extension task_mgmt;
drop schema "my Tasks";
select * from leavings();

-- Undone with its transaction, it was never there; made in one, it can be used at once.
begin;
create extension task_mgmt;
select create_project('p');
rollback;
select * from leavings();

-- Functions of others with the same names are not in the way, and stay as they are.
begin;
create function start_task() returns text language sql return 'mine';
create extension task_mgmt;
select start_task(), obj_description('start_task()'::regprocedure) as comment, has_function_privilege('public', 'start_task()', 'execute') as is_open;
rollback;

-- The tests that follow need it.
create extension task_mgmt;
drop function leavings, done;
