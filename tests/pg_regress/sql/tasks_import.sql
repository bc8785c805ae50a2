-- Tasks: bringing in existing ones with their state, and many at once.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Bad"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x"]}');
end $$;
set task_mgmt.fake_now = '2024-05-05 12:00:00+00';

-- A completed task comes with its outcome, its completer and its times.
select create_task('p', '{"task_id": "done", "task_type": "x", "completion_status": "Done", "completed_user_id": "v",
	"first_start_ts": 1700000000, "last_leased_ts": 1700000100.5}');
select status, completion_status, completed_user_id, first_start_ts, last_leased_ts, completed_at
from task_mgmt.tasks
where task_id = 'done';

-- A held task comes with its lease; it is its holder's active task.
select create_task('p', '{"task_id": "held", "task_type": "x", "active_user_id": "u", "first_start_ts": 1714910300,
	"last_leased_ts": 1714910399}');
select status, active_user_id, first_start_ts, last_leased_ts from task_mgmt.tasks where task_id = 'held';
select get_user('p', 'u')->>'active_task' as active_task, get_task('p', 'held')->'last_leased_ts' as last_leased_ts;

-- A held task that was never started has no first start; whoever takes it over is the first.
select create_user('p', '{"user_id": "w", "qualified_task_types": ["x"]}');
select create_task('p', '{"task_id": "never", "task_type": "x", "active_user_id": "w", "last_leased_ts": 1714900000}');
select get_task('p', 'never')->'first_start_ts' as first_start_ts;
select start_task('p', 'v', 'never');
select first_start_ts from task_mgmt.tasks where task_id = 'never';
select release_task('p', 'v', 'never', 'Bad');

-- The lease is idle since the time given, so somebody else may take it at 90 s.
select start_task('p', 'v', 'held');
set task_mgmt.fake_now = '2024-05-05 12:01:29+00';
select start_task('p', 'v', 'held');
select release_task('p', 'v', 'held');
reset task_mgmt.fake_now;

-- A user holds one task at most.
select start_task('p', 'u', 'held');
select create_task('p', '{"task_id": "more", "task_type": "x", "active_user_id": "u"}');
select create_tasks('p', '[{"task_id": "more1", "task_type": "x", "active_user_id": "v"},
	{"task_id": "more2", "task_type": "x", "active_user_id": "v"}]');

-- A state that contradicts itself is refused.
select create_task('p', '{"task_type": "x", "completion_status": "Done"}');
select create_task('p', '{"task_type": "x", "completed_user_id": "v"}');
select create_task('p', '{"task_type": "x", "completion_status": "Odd", "completed_user_id": "v"}');
select create_task('p', '{"task_type": "x", "is_active": false, "completion_status": "Done", "completed_user_id": "v"}');
select create_task('p', '{"task_type": "x", "is_active": false, "completed_user_id": "v"}');
select create_task('p', '{"task_type": "x", "is_active": false, "active_user_id": "v"}');
select create_task('p', '{"task_type": "x", "active_user_id": "v", "completion_status": "Done", "completed_user_id": "v"}');

-- The task is named if it has an id.
select create_task('p', '{"task_id": "odd", "task_type": "x", "completion_status": "Done"}');

-- Many at once are handed out in the order of the array.
select create_tasks('p', '[{"task_id": "m3", "task_type": "x"}, {"task_id": "m1", "task_type": "x"},
	{"task_id": "m2", "task_type": "x", "priority": 99}]');
select start_task('p', 'v'), release_task('p', 'v', 'm2', 'Done');
select start_task('p', 'v'), release_task('p', 'v', 'm3', 'Done');
select start_task('p', 'v'), release_task('p', 'v', 'm1', 'Done');

-- None at all is fine, too.
select create_tasks('p', '[]');

-- All or nothing: the error names the element, and none is there.
select create_tasks('p', '[{"task_id": "n1", "task_type": "x"}, {"task_id": "n2", "task_type": "x", "priority": "urgent"}]');
select create_tasks('p', '[{"task_id": "n1", "task_type": "x"}, {"task_id": "n2"}]');
select create_tasks('p', '[{"task_id": "n1", "task_type": "x"}, 7]');
select create_tasks('p', '[{"task_id": "n1", "task_type": "x"}, {"task_id": "", "task_type": "x"}]');
select create_tasks('p', '[{"task_id": "n1", "task_type": "x"}, {"task_id": "n2", "task_type": "x", "completion_status": "Done"}]');
select create_tasks('p', '[{"task_id": "n1", "task_type": "x"}, {"task_id": "n2", "task_type": "none"}]');
select create_tasks('p', '[{"task_id": "n1", "task_type": "x"}, {"task_id": "n2", "task_type": "x", "assigned_user_id": "none"}]');
select create_tasks('p', '[{"task_id": "n1", "task_type": "x"}, {"task_id": "n2", "task_type": "x", "completion_status": "Odd", "completed_user_id": "v"}]');
select create_tasks('p', '[{"task_id": "n1", "task_type": "x"}, {"task_id": "n2", "task_type": "x", "active_user_id": "u"}]');
select create_tasks('p', '[{"task_id": "n1", "task_type": "x"}, {"task_id": "m1", "task_type": "x"}]');
select create_tasks('p', '[{"task_id": "n1", "task_type": "x"}, {"task_id": "n1", "task_type": "x"}]');
select create_tasks('p', '{"task_id": "n1", "task_type": "x"}');
select create_tasks('p', null);
select count(*) from task_mgmt.tasks where task_id like 'n_';

-- One bad among thousands is found.
select create_tasks('p', (
	select jsonb_agg(jsonb_build_object('task_type', 'x', 'task_id', 'k' || i, 'priority', case i when 2500 then to_jsonb(0.5) else '0' end))
	from generate_series(0, 4999) i));
select create_tasks('p', (
	select jsonb_agg(jsonb_build_object('task_type', 'x', 'task_id', 'k' || i % 4999))
	from generate_series(0, 4999) i));
select create_tasks('p', (
	select jsonb_agg(jsonb_build_object('task_type', 'x', 'task_id', 'k' || i)) from generate_series(0, 4999) i));
select ready from task_mgmt.workload where project_name = 'p';

select delete_project('p', cascade => true);
