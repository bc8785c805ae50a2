-- Qualifications: the arrays of a user are the simple form; each may have a level and a moment from which on it is none.

set task_mgmt.fake_now = '2029-12-31 00:00:00+00';
do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_task_type('p', '{"task_type": "hard", "completion_statuses": ["Done"], "min_level": 2}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x", "x"], "qualified_segment_types": ["axon"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x", "hard"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}, {"task_id": "axon", "task_type": "x", "segment_type": "axon"},
		{"task_id": "h", "task_type": "hard", "priority": 99}]');
end $$;
set timezone = 'UTC';
-- Sets the clock to so many seconds after a fixed moment.
create function at(seconds numeric) returns void language sql as $$
	select set_config('task_mgmt.fake_now', ('2030-01-01 00:00:00+00'::timestamptz + seconds * interval '1 second')::text, false)
$$;
create view arrays as select qualified_task_types, qualified_segment_types from task_mgmt.users where user_id = 'u';
create view broken as select invariant, object, detail from task_mgmt.check_invariants();

-- What the arrays name are qualifications without level or expiry; what is granted is named in the arrays.
select kind, name, level, expires_at, is_expired from task_mgmt.qualifications where user_id = 'u' order by kind, name;
select at(0), grant_qualification('p', 'u', 'task_type', 'hard', 1, '2030-01-01 00:01:00+00');
select grant_qualification('p', 'u', 'segment_type', 'soma');
select * from arrays;
select get_qualifications('p', 'u');
select * from broken;

-- The simple form sets and drops; what stays keeps its level and expiry.
select update_user('p', 'u', '{"qualified_task_types": ["hard"]}'), update_user('p', 'u', '{"hourly_rate": 3, "qualified_segment_types": []}');
select kind, name, level, expires_at, is_expired from task_mgmt.qualifications where user_id = 'u' order by kind, name;
select update_user('p', 'u', get_user('p', 'u')), update_user('p', 'u', '{"qualified_task_types": ["hard", "x"], "qualified_segment_types": ["axon"]}');
select kind, name, level, expires_at, is_expired from task_mgmt.qualifications where user_id = 'u' order by kind, name;
select * from broken;

-- The level must be that of the task type, or above.
select start_task('p', 'u', 'h');
select start_task('p', 'v', 'h');
select found from explain_assignment('p', 'u', 'h') where rule like '%task type';
select found from explain_assignment('p', 'v', 'h') where rule like '%task type';
select found from explain_assignment('p', 'v', 'axon') where rule like '%segment type';
select task_id from peek_tasks('p', 'u');
select grant_qualification('p', 'u', 'task_type', 'hard', 2, '2030-01-01 00:01:00+00');
select task_id from peek_tasks('p', 'u');
select start_task('p', 'u'), release_task('p', 'u', 'h');
select update_task_type('p', 'hard', '{"min_level": 3}'), get_task_type('p', 'hard')->'min_level' as min_level;
select start_task('p', 'u', 'h');
select start_task('p', 'u'), release_task('p', 'u', 'a');
-- Also in a lane that is opened later.
select update_task('p', 'h', '{"segment_type": "axon"}'), start_task('p', 'u') <> 'h' as passes_over, release_task('p', 'u', 'a');
select update_task_type('p', 'hard', '{"min_level": null}'), get_task_type('p', 'hard')->'min_level' as min_level;
select start_task('p', 'u'), release_task('p', 'u', 'h'), update_task_type('p', 'hard', '{"min_level": 2}'), update_task('p', 'h', '{"segment_type": null}');
select * from broken;

-- From its moment on it gives no more tasks: not one by selection, by name, in another project's call, by takeover, by transfer.
select at(59.999);
select task_id from peek_tasks('p', 'u');
select at(60);
select task_id from peek_tasks('p', 'u');
select start_task('p', 'u', 'h');
select found from explain_assignment('p', 'u', 'h') where rule like '%task type';
select task_id from start_task_cross_project('u');
select release_task('p', 'u', 'a');
select grant_qualification('p', 'v', 'task_type', 'hard', 9), at(0), start_task('p', 'v', 'h'), at(90);
select count(*) from peek_tasks('p', 'u') where task_id = 'h';
select start_task('p', 'u', 'h');
select transfer_tasks('p', 'v', 'u');
select transfer_tasks('p', 'v', 'u', skip_unqualified => true), release_task('p', 'v', 'h');
-- One for a segment type, too.
select grant_qualification('p', 'u', 'segment_type', 'axon', expires_at => '2030-01-01 00:02:00+00'), at(119), start_task('p', 'u', 'axon'), release_task('p', 'u', 'axon');
select at(120);
select task_id from peek_tasks('p', 'u');
select start_task('p', 'u', 'axon');
select found from explain_assignment('p', 'u', 'axon') where rule like '%segment type';

-- What is held stays held, and can be completed.
select grant_qualification('p', 'u', 'task_type', 'hard', 2, '2030-01-01 00:03:00+00'), at(179), start_task('p', 'u');
select at(180), start_task('p', 'u'), renew_lease('p', 'u', 'h'), release_task('p', 'u', 'h', 'Done');
select kind, name, is_expired from task_mgmt.qualifications where user_id = 'u' order by kind, name;
-- Granted again without a moment, it is one again.
select reactivate_task('p', 'h'), grant_qualification('p', 'u', 'task_type', 'hard', 2), start_task('p', 'u'), release_task('p', 'u', 'h', 'Done');

-- Taken away.
select revoke_qualification('p', 'u', 'task_type', 'hard'), revoke_qualification('p', 'u', 'task_type', 'hard');
select revoke_qualification('p', 'u', 'segment_type', 'axon');
select * from arrays;
select get_qualifications('p', 'u');
select detail from task_mgmt.events where kind = 'project_changed' order by event_no desc limit 2;
select * from broken;

-- Refused.
select grant_qualification('p', 'u', 'color', 'x');
select grant_qualification('p', 'u', 'task_type', '');
select grant_qualification('p', 'u', 'task_type', 'x', -1);
select grant_qualification('p', 'none', 'task_type', 'x');
select grant_qualification('none', 'u', 'task_type', 'x');
select revoke_qualification('p', 'u', 'color', 'x');
select revoke_qualification('p', 'none', 'task_type', 'x');
select get_qualifications('p', 'none');
select get_qualifications('none', 'u');
select create_task_type('p', '{"task_type": "y", "min_level": -1}');
select update_task_type('p', 'x', '{"min_level": -1}');

-- Managers grant, readers look.
create role regress_qualifier;
select create_user('p', '{"user_id": "nothing"}'), grant_access('regress_qualifier', 'reader', 'p');
set role regress_qualifier;
select get_qualifications('p', 'nothing');
select count(*) from task_mgmt.qualifications;
select grant_qualification('p', 'u', 'task_type', 'x');
select revoke_qualification('p', 'u', 'task_type', 'x');
reset role;
select revoke_access('regress_qualifier', 'p');
drop role regress_qualifier;

-- They go with their user.
select clear_project_data('p'), clear_project_users('p');
select count(*) from task_mgmt.qualification;

reset task_mgmt.fake_now;
drop view arrays, broken;
drop function at;
select delete_project('p');
