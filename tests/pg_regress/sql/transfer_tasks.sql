-- Transfer: what is assigned to or held by somebody who leaves goes to somebody else, or back to everybody.

create function prepare() returns void language plpgsql as $$
begin
	perform delete_project('p', cascade => true);
	perform create_project('p');
	perform create_task_type('p', jsonb_build_object('task_type', t, 'completion_statuses', '["Done"]'::jsonb)) from unnest('{x, y}'::text[]) t;
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x", "y"], "qualified_segment_types": ["axon"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x", "y"], "qualified_segment_types": ["axon"]}');
	perform create_user('p', '{"user_id": "w", "qualified_task_types": ["x"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x", "assigned_user_id": "u"}, {"task_id": "b", "task_type": "y", "assigned_user_id": "u"},
		{"task_id": "axon", "task_type": "x", "segment_type": "axon", "assigned_user_id": "u", "is_paused": true},
		{"task_id": "waits", "task_type": "x", "assigned_user_id": "u", "is_active": false},
		{"task_id": "done", "task_type": "x", "assigned_user_id": "u", "completion_status": "Done", "completed_user_id": "u"},
		{"task_id": "theirs", "task_type": "x", "assigned_user_id": "u", "active_user_id": "w"},
		{"task_id": "other", "task_type": "x", "assigned_user_id": "w"}, {"task_id": "free", "task_type": "x"}]');
	perform start_task('p', 'u', 'free');
end $$;
create view seen as
	select task_id, status, assigned_user_id as assigned, active_user_id as active, is_active, is_paused from task_mgmt.tasks order by task_id;
create view history as
	select task_id, kind, detail from task_mgmt.events
	where project_name = 'p' and kind in ('assigned', 'force_released') order by event_no, task_id;
select prepare();

-- All that is open goes, what is held also; what somebody else holds stays in their hands.
select transfer_tasks('p', 'u', 'v');
select * from seen;
select * from history;
select task_id, why from peek_tasks('p', 'v');
select release_task('p', 'u', 'free', 'Done');
select start_task('p', 'v'), start_task('p', 'u') is null as u_gets_nothing;
select * from task_mgmt.check_invariants();
-- Once more there is nothing left.
select transfer_tasks('p', 'u', 'v');

-- Back to everybody.
select prepare(), transfer_tasks('p', 'u', null);
select * from seen;
select * from history;
select * from task_mgmt.check_invariants();

-- Only what is assigned, or only one type.
select prepare(), transfer_tasks('p', 'u', 'v', include_held => false);
select task_id, assigned, active from seen where assigned = 'u' or active = 'u';
select prepare(), transfer_tasks('p', 'u', 'v', task_type => 'y');
select task_id, assigned, active from seen where assigned = 'v';

-- What a manager has assigned to a third one stays theirs, though it is taken from the holder.
select prepare(), assign_task('p', 'free', 'w'), transfer_tasks('p', 'u', 'v');
select task_id, assigned, active from seen where task_id = 'free';
select task_id, assigned, active from seen where assigned = 'u' or active = 'u';

-- Nobody gets what they are not qualified for: all is refused, or that stays.
select prepare();
select transfer_tasks('p', 'u', 'w');
select count(*) from seen where assigned = 'w';
select transfer_tasks('p', 'u', 'w', skip_unqualified => true);
select task_id, assigned, active from seen;
select * from task_mgmt.check_invariants();

-- More than 64 tasks.
select prepare(), create_tasks('p', (select jsonb_agg(jsonb_build_object('task_type', 'x', 'assigned_user_id', 'u')) from generate_series(1, 100)));
select transfer_tasks('p', 'u', 'v');
select count(*) from seen where assigned = 'v';
select transfer_tasks('p', 'v', null);
select count(*) from seen where assigned = '';
select * from task_mgmt.check_invariants();

-- Refused: the same user, who does not exist, who is deactivated, an unknown type.
select transfer_tasks('p', 'u', 'u');
select transfer_tasks('p', 'none', 'v');
select transfer_tasks('p', 'u', 'none');
select transfer_tasks('p', 'u', 'v', task_type => 'none');
select deactivate_user('p', 'v'), deactivate_user('p', 'u');
select transfer_tasks('p', 'u', 'v');
select transfer_tasks('none', 'u', 'v');
select transfer_tasks(null, 'u', 'v');
select transfer_tasks('p', null, 'v');
select transfer_tasks('p', '', 'v');
select transfer_tasks('p', 'u', 'v', include_held => null);
-- From somebody who is deactivated it may be.
select assign_task('p', 'a', 'u'), transfer_tasks('p', 'u', 'w');

create role regress_mover;
select grant_access('regress_mover', 'worker', 'p');
set role regress_mover;
select transfer_tasks('p', 'w', null);
reset role;
select revoke_access('regress_mover', 'p');
drop role regress_mover;

drop view seen, history;
drop function prepare;
select delete_project('p', cascade => true);
