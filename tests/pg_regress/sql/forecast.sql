-- Forecast: how long the open tasks will take, going by what was done.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', jsonb_build_object('task_type', t, 'completion_statuses', '["Done"]'::jsonb)) from unnest('{busy, new, finished}'::text[]) t;
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["busy", "new"]}'), create_user('p', '{"user_id": "v", "qualified_task_types": ["busy"]}'),
		create_user('p', '{"user_id": "gone", "qualified_task_types": ["busy"]}'), deactivate_user('p', 'gone');
end $$;

-- Nothing is known, and nothing is to be done.
select * from forecast('p');

do $$ begin
	perform create_tasks('p', (select jsonb_agg(jsonb_build_object('task_id', 'b' || n, 'task_type', 'busy')) from generate_series(1, 20) n));
	perform create_tasks('p', '[{"task_id": "n1", "task_type": "new"}, {"task_id": "n2", "task_type": "new", "is_active": false}, {"task_id": "n3", "task_type": "new", "is_paused": true},
		{"task_id": "n4", "task_type": "new"}, {"task_id": "f", "task_type": "finished", "completion_status": "Done", "completed_user_id": "u"}]');
	perform cancel_task('p', 'n4');
	-- One task long ago, three this week, of which one took long and another has no time; somebody is at work.
	perform set_config('task_mgmt.fake_now', '2030-01-01 00:00:00+00', false);
	perform start_task('p', 'u', 'b1'), submit_timesheet('p', 'u', 50, 'b1'), submit_timesheet('p', 'u', 50, 'b1'), release_task('p', 'u', 'b1', 'Done');
	perform set_config('task_mgmt.fake_now', '2030-01-08 00:00:00.000001+00', false);
	perform start_task('p', 'u', 'b2'), submit_timesheet('p', 'u', 200, 'b2'), release_task('p', 'u', 'b2', 'Done');
	perform start_task('p', 'u', 'b3'), submit_timesheet('p', 'u', 100000, 'b3'), release_task('p', 'u', 'b3', 'Done');
	perform start_task('p', 'u', 'b4'), release_task('p', 'u', 'b4', 'Done');
	perform start_task('p', 'u', 'b5'), submit_timesheet('p', 'u', 1, 'b5');
	perform set_config('task_mgmt.fake_now', '2030-01-15 00:00:00+00', false);
end $$;
-- Held, paused and waiting tasks are open, cancelled ones are not; what is unknown is null.
select * from forecast('p');

-- A week later nobody has completed anything; what a task takes is still known.
set task_mgmt.fake_now = '2030-01-15 00:00:00.000001+00';
select * from forecast('p') where task_type = 'busy';

-- Time that was corrected counts as corrected.
select correct_time('p', 'u', 'b2', -200, 'was not there') is not null as corrected;
select median_seconds from forecast('p') where task_type = 'busy';

-- Who may start a type is active, has its level and is not expired.
do $$ begin
	perform create_task_type('p', '{"task_type": "hard", "completion_statuses": ["Done"], "min_level": 2}');
	perform create_user('p', jsonb_build_object('user_id', n)) from unnest('{novice, one, expert, was, will, left}'::text[]) n;
	perform grant_qualification('p', 'novice', 'task_type', 'hard'), grant_qualification('p', 'one', 'task_type', 'hard', 1),
		grant_qualification('p', 'expert', 'task_type', 'hard', 2), grant_qualification('p', 'was', 'task_type', 'hard', 3, '2030-01-15 00:00:00.000001+00'),
		grant_qualification('p', 'will', 'task_type', 'hard', 3, '2030-01-15 00:00:00.000002+00'), grant_qualification('p', 'left', 'task_type', 'hard', 2),
		grant_qualification('p', 'expert', 'segment_type', 'hard', 0), deactivate_user('p', 'left');
end $$;
select qualified_users from forecast('p') where task_type = 'hard';
select update_task_type('p', 'hard', '{"min_level": 0}');
select qualified_users from forecast('p') where task_type = 'hard';

-- A task with an overlap is as much work as there are copies to hand out and to complete, and a decision if they disagree.
do $$ begin
	perform create_task_type('p', '{"task_type": "shared", "completion_statuses": ["Done", "Bad"], "overlap": 3}');
	perform update_user('p', u, '{"qualified_task_types": ["shared"]}') from unnest('{novice, one, will, expert}'::text[]) u;
	perform create_task('p', '{"task_id": "s", "task_type": "shared"}');
end $$;
create function shared() returns table (status text, open_tasks bigint, completed_last_week bigint, throughput numeric, median_seconds numeric) language sql as $$
	select t.status::text, f.open_tasks, f.completed_last_week, (select sum(tasks) from task_mgmt.throughput where task_type = 'shared'), f.median_seconds
	from forecast('p') f, task_mgmt.tasks t
	where f.task_type = 'shared' and t.task_id = 's'
$$;
select * from shared();
select start_task('p', 'novice'), start_task('p', 'one');
select * from shared();
select start_task('p', 'will'), submit_timesheet('p', 'novice', 60, 's#1'), release_task('p', 'novice', 's#1', 'Done');
select * from shared();
select release_task('p', 'one', 's#2', 'Done'), release_task('p', 'will', 's#3', 'Bad');
select * from shared();
select start_task('p', 'expert'), submit_timesheet('p', 'expert', 1000, 's');
select * from shared();
-- The decision is given back, and the third copy completed as the others are: that is the work of three users.
select release_task('p', 'expert', 's'), update_task('p', 's#3', '{"completion_status": "Done"}');
select * from shared();
select reactivate_task('p', 's'), start_task('p', 'expert');
select * from shared();
select release_task('p', 'expert', 's', 'Bad');
select * from shared();
drop function shared;

select * from forecast('none');
select * from forecast(null);
reset task_mgmt.fake_now;
select delete_project('p', cascade => true);
