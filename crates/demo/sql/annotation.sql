select create_project('fly_brain', sv_resolution_x => 16, sv_resolution_y => 16, sv_resolution_z => 42);

select create_task_type('fly_brain', '{"task_type": "trace_v0", "completion_statuses": ["Done", "Can''t Continue"]}');

select create_user('fly_brain', '{"user_id": "ann", "hourly_rate": 25, "qualified_task_types": ["trace_v0"]}');

create function check_trace(project_name text, task_id text, completion_status text) returns jsonb
language sql stable
return (
	select jsonb_build_object(
		'passed', check_trace.completion_status <> 'Done' or t.ng_state ? 'end_points',
		'message', 'A trace that is done has end points.')
	from task_mgmt.tasks t
	where t.project_name = check_trace.project_name and t.task_id = check_trace.task_id
);

select register_handler('fly_brain', 'trace_v0', 'verification', 'check_trace(text, text, text)');

select create_task('fly_brain', '{
	"task_id": "trace_1", "task_type": "trace_v0", "priority": 75,
	"ng_state": {"position": [13042, 8211, 1907]}, "extra_data": {"seed_id": 74732294451380972}
}');

select start_task('fly_brain', 'ann');

select release_task('fly_brain', 'ann', 'trace_1', 'Done');

select update_task('fly_brain', 'trace_1', '{
	"ng_state": {"position": [13042, 8211, 1907], "end_points": [[12877, 8340, 1893]]}
}');

select submit_timesheet('fly_brain', 'ann', 754.25, 'trace_1');

select release_task('fly_brain', 'ann', 'trace_1', 'Done', note => 'one end is at the border of the volume');

select task_id, status, completion_status, completed_user_id, get_total_task_cost('fly_brain', task_id) as cost, note
from task_mgmt.tasks
where project_name = 'fly_brain';

select kind, user_id, role_name, detail from task_mgmt.events where project_name = 'fly_brain' order by event_no;
