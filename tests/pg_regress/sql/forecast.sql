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

select * from forecast('none');
select * from forecast(null);
reset task_mgmt.fake_now;
select delete_project('p', cascade => true);
