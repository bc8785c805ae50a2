-- Events: every change appends one row that says what, who, and the details.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Bad"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}]');
end $$;
set timezone = 'UTC';
-- What was added to the history since the last look.
create sequence looked;
create function news() returns table (task_id text, kind text, user_id text, by_role text, detail text) language sql volatile as $$
	with new as (
		select * from task_mgmt.events e where project_name = 'p' and event_no > (select last_value from looked)
	), seen as (
		select setval('looked', greatest((select last_value from looked), coalesce((select max(event_no) from new), 1)))
	)
	select new.task_id, new.kind::text, new.user_id, case when new.role_name = current_user then 'me' else new.role_name end, new.detail
	from seen, new
	order by new.event_no, new.task_id
$$;
select * from news();

-- Work: the user did it.
select start_task('p', 'u'), renew_lease('p', 'u', 'a'), submit_timesheet('p', 'u', 1, 'a'), release_task('p', 'u', 'a');
select * from news();
select start_task('p', 'u'), release_task('p', 'u', 'a', 'Done');
select * from news();

-- Takeover: who did it, and from whom.
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select start_task('p', 'u');
set task_mgmt.fake_now = '2030-01-01 00:02:00+00';
select start_task('p', 'v'), release_task('p', 'v', 'b');
select * from news();
select occurred_at from task_mgmt.events where project_name = 'p' and kind = 'taken_over';
reset task_mgmt.fake_now;

-- Management: the role did it.
select pause_task('p', 'b'), unpause_task('p', 'b'), assign_task('p', 'b', 'u'), assign_task('p', 'b', null), update_task('p', 'b', '{"priority": 7}'),
	update_task('p', 'b', '{"is_active": false}'), update_task('p', 'b', '{"is_active": true}'), cancel_task('p', 'b'), reactivate_task('p', 'b');
select * from news();
select start_task('p', 'u'), force_release_task('p', 'b', 'why'), update_task('p', 'b', '{"completion_status": "Bad", "completed_user_id": "v"}');
select * from news();

-- Calls that change nothing leave no trace, and neither do those that are refused or undone.
select unpause_task('p', 'b'), start_task('p', 'u') is null as nothing, create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
select start_task('p', 'u', 'b');
begin;
select reactivate_task('p', 'b');
rollback;
select * from news();

-- Consequences are nobody's act: a task waits, can start, waits again.
select create_task('p', '{"task_id": "c", "task_type": "x"}'), create_dependency('p', '{"task_id": "c", "dependent_on_task_id": "b", "required_completion_status": "Done"}');
select reactivate_task('p', 'b'), start_task('p', 'u'), release_task('p', 'u', 'b', 'Done'), reactivate_task('p', 'b');
select * from news();

-- The project itself: created, changed, cleared.
select pause_project('p'), resume_project('p'), update_project('p', '{"description": "d"}'), clear_project_data('p');
select * from news();
select task_id, kind, detail from task_mgmt.events where project_name = 'p' order by event_no;

-- Nobody may change the history, not even an admin.
create role regress_admin;
select grant_access('regress_admin', 'admin');
set role regress_admin;
delete from task_mgmt.event;
update task_mgmt.events set detail = '';
reset role;
select revoke_access('regress_admin');
drop role regress_admin;

drop function news;
drop sequence looked;
select delete_project('p', cascade => true);
