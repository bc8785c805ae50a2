-- Access: granting and revoking, members of roles, users bound to roles, what is closed to everybody.

create role regress_anna;
create role "regress Bob ""b""";
create role regress_team;
create role regress_dora in role regress_team;
do $$ begin
	perform create_project('p'), create_project('q');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}]');
end $$;

-- Without a grant nothing is open: no function, no view, no table.
set role regress_anna;
select list_all_projects();
select * from task_mgmt.projects;
select * from task_mgmt.task;
reset role;

-- What is refused, by name.
select grant_access('regress_none', 'reader', 'p');
select grant_access('regress_anna', 'god', 'p');
select grant_access('regress_anna', 'Reader', 'p');
select grant_access('regress_anna', 'reader', 'none');
select grant_access('public', 'reader', 'p');
select grant_access(null, 'reader', 'p');
select grant_access('regress_anna', null, 'p');
select grant_access('regress_anna', 'reader', null);
select revoke_access('regress_none', 'p');
select revoke_access('regress_anna', 'none');
select * from task_mgmt.access_grants;

-- A grant opens the functions and views, the tables never. I12: so there is no way past the functions' defaults and checks.
select grant_access('regress_anna', 'admin', 'p');
set role regress_anna;
select project_name from task_mgmt.projects;
select * from task_mgmt.task;
insert into task_mgmt.lease default values;
insert into task_mgmt.task (project_name, task_id) values ('p', 'plain');
update task_mgmt.projects set status = 'archived';
update task_mgmt.task_types set completion_handler = 'f(text,text,text)';
delete from task_mgmt.events;
select * from task_mgmt.startable;
select * from task_mgmt.task_details;
select nextval('task_mgmt.serial');
create table task_mgmt.mine (i int);
reset role;

-- A view shows the projects that one may read, and nothing of the others leaks through a condition.
-- In which order a condition sees the rows differs between versions of PostgreSQL, so it does not tell one name from another.
select create_user('q', '{"user_id": "secret"}'), create_task_type('q', '{"task_type": "secret"}'), create_task('q', '{"task_id": "secret", "task_type": "secret"}');
create function leak(text) returns boolean language plpgsql cost 0.0000001 as $$ begin raise notice 'saw a name of length %', length($1); return true; end $$;
set role regress_anna;
select project_name, user_id from task_mgmt.users where leak(user_id) order by user_id;
select project_name, task_id from task_mgmt.tasks where leak(task_id) order by task_id;
select distinct project_name from task_mgmt.events;
select project_name, task_type from task_mgmt.task_types;
select project_name, task_type from task_mgmt.workload;
select count(*) from task_mgmt.dependencies, task_mgmt.timesheet, task_mgmt.timesheet_submissions;
select * from task_mgmt.check_invariants();
reset role;
drop function leak;

-- A new level replaces the old one, up and down; granting twice is harmless.
select grant_access('regress_anna', 'reader', 'p'), grant_access('regress_anna', 'reader', 'p');
select project_name, role, access_level from task_mgmt.access_grants order by 1, 2;
set role regress_anna;
select start_task('p', 'u');
reset role;

-- A grant for all projects adds to one for a project: the higher of the two counts.
select grant_access('regress_anna', 'worker'), grant_access('regress_anna', 'reader', 'p');
set role regress_anna;
select list_all_projects(), start_task('p', 'u'), release_task('p', 'u', 'a');
select project_name, role, access_level from task_mgmt.access_grants order by 1, 2;
reset role;

-- Revoking says whether there was a grant, and takes away that one only.
select revoke_access('regress_anna'), revoke_access('regress_anna');
set role regress_anna;
select list_all_projects();
reset role;
select revoke_access('regress_anna', 'p');
set role regress_anna;
select list_all_projects();
select * from task_mgmt.projects;
reset role;

-- Members of a role have its access; odd names are quoted.
select grant_access('regress_team', 'worker', 'p'), grant_access('regress Bob "b"', 'manager', 'p');
set role regress_dora;
select start_task('p', 'u'), release_task('p', 'u', 'a');
set role "regress Bob ""b""";
select create_task('p', '{"task_id": "c", "task_type": "x"}');
reset role;
revoke regress_team from regress_dora;
set role regress_dora;
select start_task('p', 'u');
reset role;

-- A user bound to a role is for its members, and for managers.
select grant_access('regress_dora', 'worker', 'p'), grant_access('regress_anna', 'worker', 'p'), bind_user('p', 'u', 'regress_anna');
select user_id, bound_role from task_mgmt.users where project_name = 'p' order by user_id;
set role regress_dora;
select start_task('p', 'u');
select start_task('p', 'v'), release_task('p', 'v', 'a');
set role regress_anna;
select start_task('p', 'u'), start_task('p', 'v');
set role regress_dora;
select release_task('p', 'u', 'a', 'Done');
select renew_lease('p', 'u', 'a');
select submit_timesheet('p', 'u', 1, 'a');
select update_task('p', 'a', '{"note": "by dora"}');
select update_task('p', 'b', '{"note": "by dora"}');
select * from start_task_cross_project('u');
set role regress_anna;
select update_task('p', 'a', '{"note": "by anna"}');
set role "regress Bob ""b""";
select submit_timesheet('p', 'u', 1, 'a'), release_task('p', 'u', 'a');
reset role;
select unbind_user('p', 'u'), unbind_user('p', 'u');
set role regress_dora;
select start_task('p', 'u'), release_task('p', 'u', 'a');
reset role;
select bind_user('p', 'none', 'regress_anna');
select bind_user('p', 'u', 'regress_none');
select bind_user('none', 'u', 'regress_anna');
select unbind_user('p', 'none');

-- The history of a project tells who was given what.
select detail from task_mgmt.events where project_name = 'p' and kind = 'project_changed' and detail ~ 'team|bound|revoked' order by event_no;

-- A role that was dropped has no access, and its grant can still be taken away.
select bind_user('p', 'v', 'regress_dora');
create role regress_gone;
select grant_access('regress_gone', 'reader', 'p');
select set_config('test.gone', 'regress_gone'::regrole::oid::text, false) is null as is_null;
revoke all on all functions in schema public from regress_gone;
drop owned by regress_gone;
drop role regress_gone;
select count(*) from task_mgmt.access_grants where role::oid = current_setting('test.gone')::oid;
select revoke_access(current_setting('test.gone'), 'p');

-- Deleting a project takes its grants along, and with them what they opened.
select delete_project('p', cascade => true), delete_project('q', cascade => true);
select * from task_mgmt.access_grants;
drop role regress_anna, "regress Bob ""b""", regress_dora, regress_team;

-- Nothing is open to PUBLIC.
select oid::regprocedure from pg_proc where proowner = current_user::regrole and prolang = (select oid from pg_language where lanname = 'c')
	and exists (select from aclexplode(coalesce(proacl, acldefault('f', proowner))) where grantee = 0) and probin ~ 'task_mgmt';
select relname from pg_class, aclexplode(relacl) where relnamespace = 'task_mgmt'::regnamespace and grantee = 0;
select nspname from pg_namespace, aclexplode(nspacl) where nspname = 'task_mgmt' and grantee = 0;
