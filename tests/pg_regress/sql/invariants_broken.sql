-- Invariants: whatever is broken by hand is reported; a healthy database reports nothing.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Bad"]}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x"]'::jsonb)) from unnest('{u, v, w}'::text[]) u;
	perform create_tasks('p', '[{"task_id": "free", "task_type": "x"}, {"task_id": "held", "task_type": "x"}, {"task_id": "waits", "task_type": "x"},
		{"task_id": "done", "task_type": "x"}, {"task_id": "paused", "task_type": "x", "is_paused": true},
		{"task_id": "inactive", "task_type": "x", "is_active": false}, {"task_id": "mine", "task_type": "x", "assigned_user_id": "w"},
		{"task_id": "cancelled", "task_type": "x"}]');
	perform create_dependency('p', '{"dependency_id": "d", "task_id": "waits", "dependent_on_task_id": "free", "required_completion_status": "Done"}');
	perform create_dependency('p', '{"dependency_id": "e", "task_id": "mine", "dependent_on_task_id": "done", "required_completion_status": "Done"}');
	perform start_task('p', 'u', 'done'), submit_timesheet('p', 'u', 1, 'done'), release_task('p', 'u', 'done', 'Done'), start_task('p', 'u', 'held'),
		cancel_task('p', 'cancelled');
	perform create_split_edit('p', 'done', 'u', '[]', '[]'), create_merge_edit('p', 'done', 'u', '[]');
	insert into task_mgmt.segment (project_name, seed_id, seed_x, seed_y, seed_z, current_segment_id, created_at, updated_at)
	values ('p', 7, 1, 1, 1, 1, now(), now());
	perform update_supervoxels_for_merge('p', '{1}', 2, 'e', now());
end $$;
select * from task_mgmt.check_invariants();

-- Does something by hand, returns what is reported (numbers as N), and undoes it.
create function broken(statement text) returns table (invariant text, object text, detail text) language plpgsql as $$ begin
	begin
		execute replace(replace(statement, '#t', '(select task_no from task_mgmt.task where task_id = '), '#u', '(select user_no from task_mgmt.project_user where user_id = ');
		create temp table report as select * from task_mgmt.check_invariants();
		raise exception using errcode = 'UNDO0', message = (select coalesce(json_agg(r order by r.invariant, r.object, r.detail), '[]')::text from report r);
	exception when sqlstate 'UNDO0' then
		return query select j->>'invariant', regexp_replace(j->>'object', '\d{2,}', 'N'), regexp_replace(j->>'detail', '(?<=user |task |fence )\d+|\d+(?= on )|(?<= on )\d+', 'N', 'g') from json_array_elements(sqlerrm::json) j;
	end;
end $$;

-- I1: who holds what.
select * from broken($$delete from task_mgmt.task where task_id = 'held'$$);
select * from broken($$update task_mgmt.lease set user_no = 99999$$);
select * from broken($$update task_mgmt.lease set task_id = 'free'$$);

-- I2: one task a user.
select * from broken($$insert into task_mgmt.lease (project_name, task_no, user_no, fence, leased_at, started_at, task_id) select project_name, #t'mine'), user_no, fence, leased_at, started_at, 'mine' from task_mgmt.lease$$);

-- I3: a completion is whole.
select * from broken($$update task_mgmt.task set completion_status = 'Odd' where task_id = 'done'$$);
select * from broken($$update task_mgmt.task set completion_status = '' where task_id = 'done'$$);
select * from broken($$update task_mgmt.task set completed_user_no = null where task_id = 'done'$$);
select * from broken($$update task_mgmt.task set completed_user_no = 99999 where task_id = 'done'$$);
select * from broken($$update task_mgmt.task set completed_at = null where task_id = 'done'$$);
select * from broken($$update task_mgmt.task set completion_status = 'Done', completed_user_no = #u'u') where task_id = 'cancelled'$$);
select * from broken($$update task_mgmt.task set status = 'running' where task_id = 'held'$$);
select * from broken($$update task_mgmt.task set status = 'completed' where task_id = 'paused'$$);
select * from broken($$update task_mgmt.task set status = 'cancelled' where task_id = 'held'$$);

-- I4: waiting is for unsatisfied dependencies.
select * from broken($$delete from task_mgmt.blocked where task_no = #t'waits')$$);
select * from broken($$update task_mgmt.blocked set unsatisfied = 2 where task_no = #t'waits')$$);
select * from broken($$update task_mgmt.dependency set is_satisfied = true where dependency_id = 'd'$$);
select * from broken($$update task_mgmt.dependency set is_satisfied = false where dependency_id = 'e'$$);
select * from broken($$delete from task_mgmt.dependency where dependency_id = 'd'$$);
select * from broken($$delete from task_mgmt.task where task_id = 'waits'$$);
select * from broken($$delete from task_mgmt.task where task_id = 'inactive'$$);

-- Dependencies are between existing tasks, and the upstream knows of them.
select * from broken($$update task_mgmt.task set has_dependents = false where task_id = 'free'$$);
select * from broken($$update task_mgmt.dependency set upstream_no = 99999999 where dependency_id = 'd'$$);

-- I5: time is somebody's, on something.
select * from broken($$update task_mgmt.submission set user_no = 99999$$);
select * from broken($$update task_mgmt.submission set task_no = 99999999$$);

-- I6: a lease comes from its event.
select * from broken($$update task_mgmt.lease set fence = fence - 1$$);
select * from broken($$update task_mgmt.lease set user_no = #u'w')$$);
select * from broken($$delete from task_mgmt.event where kind = 'started'$$);

-- D5: ready is what can be started, all of it and nothing else.
select * from broken($$delete from task_mgmt.ready where task_id = 'free'$$);
select * from broken($$update task_mgmt.ready set urgency = 0 where task_id = 'free'$$);
select * from broken($$update task_mgmt.ready set task_id = 'other' where task_id = 'free'$$);
select * from broken($$insert into task_mgmt.ready (project_name, queue_no, is_returned, urgency, task_no, lane_no, task_id) select project_name, lane_no, false, -priority, task_no, lane_no, task_id from task_mgmt.task where task_id in ('held', 'waits', 'done', 'paused', 'inactive', 'cancelled')$$);
select * from broken($$update task_mgmt.task set is_paused = true where task_id = 'free'$$);
select * from broken($$update task_mgmt.task set is_paused = false where task_id = 'paused'$$);
select * from broken($$update task_mgmt.task set assigned_user_no = #u'v') where task_id = 'mine'$$);
select * from broken($$update task_mgmt.task set priority = 7 where task_id = 'free'$$);
select * from broken($$delete from task_mgmt.lease$$);
select * from broken($$delete from task_mgmt.blocked where is_held$$);

-- D6: lanes, types and assignees exist.
select * from broken($$delete from task_mgmt.lane$$);
select * from broken($$update task_mgmt.task set segment_type = 'axon' where task_id = 'paused'$$);
select * from broken($$delete from task_mgmt.task_type$$);
select * from broken($$update task_mgmt.task set assigned_user_no = 99999 where task_id = 'paused'$$);

-- Edits, edit events and updates are of what exists.
select invariant, regexp_replace(object, '\d+$', 'N') as object, detail from broken($$update task_mgmt.split_edit set task_no = 99999999$$);
select invariant, regexp_replace(object, '\d+$', 'N') as object, detail from broken($$update task_mgmt.merge_edit set task_no = 99999999$$);
select * from broken($$delete from task_mgmt.segment_edit_event$$);
select * from broken($$delete from task_mgmt.segment$$);

-- An update is open and can be claimed at some time, or it is over; a worker is at it, or nobody is.
\set VERBOSITY terse
update task_mgmt.segment_update set available_at = null;
update task_mgmt.segment_update set status = 'completed';
update task_mgmt.segment_update set worker = 'w';
update task_mgmt.segment_update set is_requeued = true;
\set VERBOSITY default

-- After all of this the database is as it was.
select * from task_mgmt.check_invariants();
drop function broken;
delete from task_mgmt.segment_move;
delete from task_mgmt.segment_update;
delete from task_mgmt.segment;
select delete_project('p', cascade => true);
