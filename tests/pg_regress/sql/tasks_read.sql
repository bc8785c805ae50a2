-- Tasks: what a manager sees of them.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_task_type('p', '{"task_type": "y"}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_tasks('p', '[
		{"task_id": "a0", "task_type": "x", "priority": 0}, {"task_id": "a1", "task_type": "x", "priority": 1},
		{"task_id": "a2", "task_type": "x", "priority": 2}, {"task_id": "a3", "task_type": "x", "priority": 3},
		{"task_id": "a4", "task_type": "x", "priority": 4}, {"task_id": "a6", "task_type": "x", "priority": 5},
		{"task_id": "a5", "task_type": "x", "priority": 5},
		{"task_id": "p0", "task_type": "x", "priority": 1, "is_paused": true, "assigned_user_id": "u"},
		{"task_id": "p1", "task_type": "x", "priority": 2, "is_paused": true, "assigned_user_id": "u"},
		{"task_id": "p2", "task_type": "x", "priority": 1, "is_paused": true},
		{"task_id": "p3", "task_type": "x", "priority": 9, "is_paused": true, "assigned_user_id": "u", "is_active": false},
		{"task_id": "p4", "task_type": "x", "is_paused": true, "assigned_user_id": "u", "completion_status": "Done",
			"completed_user_id": "u"},
		{"task_id": "p5", "task_type": "x", "is_paused": true, "assigned_user_id": "u"},
		{"task_id": "d", "task_type": "x", "completion_status": "Done", "completed_user_id": "u"},
		{"task_id": "i", "task_type": "x", "is_active": false},
		{"task_id": "c", "task_type": "x"}]');
	perform cancel_task('p', 'c'), cancel_task('p', 'p5'), start_task('p', 'u', 'a0');
end $$;

-- The summary counts open tasks (paused ones among them) and completed ones, and lists the first five of each kind.
select key, value from jsonb_each(list_tasks_summary('p')) order by key;

-- A project without tasks has zeros and empty lists.
select create_project('q'), list_tasks_summary('q');
select list_tasks_summary('none');

-- A user's paused tasks are those assigned to them that are open, best first.
select jsonb_path_query_array(get_paused_tasks_by_user('p', 'u'), '$[*].task_id') as paused;
select get_paused_tasks_by_user('p', 'u')->0 = get_task('p', 'p1') as in_the_shape_of_get_task;
select get_paused_tasks_by_user('p', 'unknown'), get_paused_tasks_by_user('q', 'u');
select get_paused_tasks_by_user('none', 'u');

-- The workload counts every task once.
select task_type, ready, held, paused, blocked, completed, cancelled, oldest_ready_at is not null as has_oldest
from task_mgmt.workload
where project_name = 'p'
order by task_type;

-- The view of tasks tells where each one is.
select task_id, status, is_active, is_paused, assigned_user_id, active_user_id, completed_user_id
from task_mgmt.tasks
where project_name = 'p' and task_id > 'a4'
order by task_id;

-- Reading changes nothing, and is allowed where nothing may be written.
begin read only;
select get_task('p', 'a0')->>'status' as status, list_tasks_summary('p')->'active_count' as active, get_project('p')->>'status',
	get_user('p', 'u')->>'active_task', get_task_type('p', 'x')->>'task_type', get_total_task_time('p', 'a0');
select start_task('p', 'u');
rollback;

select delete_project('p', cascade => true), delete_project('q');
