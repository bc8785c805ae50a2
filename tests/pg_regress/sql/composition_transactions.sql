-- Composition: the functions act in the caller's transaction, at any isolation level, and leave with it.

set task_mgmt.fake_now = '2030-01-01';
do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}]');
	perform create_dependency('p', '{"task_id": "b", "dependent_on_task_id": "a", "required_completion_status": "Done"}');
end $$;
create table mine (note text);
create view seen as
	select (select string_agg(task_id || ' ' || status || ' ' || is_active, ', ' order by task_id) from task_mgmt.tasks where project_name = 'p') as tasks,
		(select count(*) from task_mgmt.timesheet_submissions where project_name = 'p') as submissions,
		(select count(*) from task_mgmt.events where project_name = 'p') as events, (select count(*) from mine) as mine;
table seen;

-- A whole piece of work with the caller's own rows is there, or none of it.
begin;
insert into mine values ('work');
select start_task('p', 'u'), submit_timesheet('p', 'u', 1, 'a'), release_task('p', 'u', 'a', 'Done'), start_task('p', 'v');
select create_user('p', '{"user_id": "w"}'), create_task('p', '{"task_id": "c", "task_type": "x"}'), create_project('q');
table seen;
rollback;
table seen;
select project_exists('q'), list_users('p')->2 is null as no_third_user;

-- A refusal inside undoes the caller's rows, too.
begin;
insert into mine values ('refused');
select start_task('p', 'u', 'b');
commit;
table seen;

-- With a savepoint only what came after it is undone, and the locks of that go with it.
begin;
insert into mine values ('kept');
savepoint s;
select start_task('p', 'u');
rollback to s;
select start_task('p', 'v');
savepoint s;
select start_task('p', 'u', 'a');
rollback to s;
select release_task('p', 'v', 'a');
commit;
table seen;

-- In a function with an exception block it is the same.
do $$ begin
	begin
		perform start_task('p', 'u'), 1 / 0;
	exception when division_by_zero then
		raise notice 'u holds "%"', get_user('p', 'u')->>'active_task';
	end;
	perform start_task('p', 'v');
	raise notice 'v holds "%"', get_user('p', 'v')->>'active_task';
	perform release_task('p', 'v', 'a');
end $$;

-- At the stricter levels everything works alike.
begin isolation level repeatable read;
select start_task('p', 'u'), submit_timesheet('p', 'u', 1, 'a'), release_task('p', 'u', 'a', 'Done'), start_task('p', 'u'), release_task('p', 'u', 'b', 'Done');
table seen;
rollback;
begin isolation level serializable;
select start_task('p', 'u'), submit_timesheet('p', 'u', 1, 'a'), release_task('p', 'u', 'a', 'Done'), start_task('p', 'u'), release_task('p', 'u', 'b', 'Done');
table seen;
rollback;

-- A write is not possible where nothing may be written, a look is.
begin read only;
select create_user('p', '{"user_id": "w"}');
rollback;
begin read only;
select submit_timesheet('p', 'u', 1, 'a');
rollback;
begin read only;
select get_task('p', 'a')->>'status' as status;
commit;

-- A prepared statement, a cursor and a set of rows are ways to call, too.
prepare start(text, text) as select start_task($1, $2);
execute start('p', 'u');
execute start('p', 'u');
begin;
declare work cursor for select release_task('p', user_id, active_task) from task_mgmt.users where project_name = 'p' and active_task <> '';
fetch all from work;
commit;
deallocate start;
select user_id, start_task('p', user_id) from (values ('u'), ('v')) u (user_id);
select release_task('p', 'u', 'a');

-- A trigger of the caller's may call them.
create function on_note() returns trigger language plpgsql as $$ begin perform create_task('p', jsonb_build_object('task_id', new.note, 'task_type', 'x')); return new; end $$;
create trigger note after insert on mine for each row execute function on_note();
insert into mine values ('from a trigger');
select get_task('p', 'from a trigger')->>'status' as status;

-- The caller's settings and locks are theirs: search_path, role and plan settings are as before; no advisory lock of ours meets theirs.
set search_path = pg_temp, public;
select start_task('p', 'u') is not null as started, current_setting('search_path') as search_path, current_setting('enable_seqscan') as seqscan;
begin;
select pause_task('p', 'b');
select distinct objsubid > 2 as of_our_own from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
commit;
select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
reset search_path;

-- Objects that a caller puts in the way are not used.
create schema evil;
create function evil.pg_has_role(oid, regrole, text) returns boolean language sql as 'select true';
create table evil.task (i int);
create operator evil.= (function = texteq, leftarg = text, rightarg = text);
set search_path = evil, public, pg_catalog;
select start_task('p', 'u') is not null as started;
reset search_path;
drop schema evil cascade;

select * from task_mgmt.check_invariants();
drop view seen;
drop table mine;
drop function on_note;
select delete_project('p', cascade => true);
