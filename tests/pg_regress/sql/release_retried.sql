-- A client that got no answer repeats its release: the same one again is answered as the first time, and changes nothing.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Failed"]}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x"]'::jsonb)) from unnest('{u, v}'::text[]) u;
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}]');
end $$;
create table calls (task_id text);
create function follow(text, text, text) returns void language sql as $$ insert into public.calls values ($2) $$;
select register_handler('p', 'x', 'completion', 'follow(text, text, text)');
create view seen as select task_id, status, completion_status, completed_user_id, note from task_mgmt.tasks order by task_id;

-- Completed once: one event, one run of the handler, the first note.
select start_task('p', 'u', 'a'), release_task('p', 'u', 'a', 'Done', 'first');
select release_task('p', 'u', 'a', 'Done', 'second'), release_task('p', 'u', 'a', 'Done');
select * from seen where task_id = 'a';
select count(*) from calls;
select kind, user_id, detail from task_mgmt.events where task_id = 'a' order by event_no;

-- Also when the next task was taken in between.
select start_task('p', 'u');
select release_task('p', 'u', 'a', 'Done');
-- With another status, or as handing back, it is refused, and told why.
select release_task('p', 'u', 'a', 'Failed');
select release_task('p', 'u', 'a');
select release_task('p', 'u', 'b'), release_task('p', 'u', 'a', 'Failed');
-- Nor is it somebody else's.
select release_task('p', 'v', 'a', 'Done');

-- Handed back, and again; what a manager does meanwhile does not matter.
select release_task('p', 'u', 'b');
select pause_task('p', 'b'), release_task('p', 'u', 'b'), unpause_task('p', 'b');
select kind from task_mgmt.events where task_id = 'b' order by event_no;
-- Not by somebody else, nor with a status, nor after somebody has started it.
select release_task('p', 'v', 'b');
select release_task('p', 'u', 'b', 'Done');
select start_task('p', 'v', 'b');
select release_task('p', 'u', 'b');
select release_task('p', 'v', 'b');
select release_task('p', 'u', 'b');
select release_task('p', 'v', 'b');

-- Opened again, it is not done.
select reactivate_task('p', 'a');
select release_task('p', 'u', 'a', 'Done');
select release_task('p', 'u', 'a');
-- A task that was never theirs, or does not exist.
select create_task('p', '{"task_id": "c", "task_type": "x"}');
select release_task('p', 'u', 'c');
select release_task('p', 'u', 'none');

-- Only who may act as the user is answered.
create role regress_retrier;
create role regress_bound;
select grant_access('regress_retrier', 'worker', 'p'), start_task('p', 'u', 'a'), release_task('p', 'u', 'a', 'Done'), bind_user('p', 'u', 'regress_bound');
set role regress_retrier;
select release_task('p', 'u', 'a', 'Done');
reset role;
select revoke_access('regress_retrier', 'p'), unbind_user('p', 'u');
drop role regress_retrier, regress_bound;

drop view seen;
select delete_project('p', cascade => true);
drop function follow;
drop table calls;
