-- Tasks: pausing, cancelling, assigning, activating, editing.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Bad"]}');
	perform create_task_type('p', '{"task_type": "y", "completion_statuses": ["Fine"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x", "y"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x", "priority": 1}]');
end $$;

-- A paused task is left out of selection, unpaused it is back; repeating either is harmless.
select pause_task('p', 'a'), pause_task('p', 'a');
select start_task('p', 'u'), release_task('p', 'u', 'b');
select unpause_task('p', 'a'), unpause_task('p', 'a');
select start_task('p', 'u');

-- Pausing does not disturb the holder, and lasts beyond their release.
select pause_task('p', 'a'), get_task('p', 'a')->>'status' as status;
select submit_timesheet('p', 'u', 1, 'a'), release_task('p', 'u', 'a');
select start_task('p', 'u'), release_task('p', 'u', 'b');
select unpause_task('p', 'a');
select pause_task('p', 'none');
select unpause_task('none', 'a');

-- A cancelled task is handed out neither automatically nor by name; repeating is harmless.
select cancel_task('p', 'a'), cancel_task('p', 'a'), get_task('p', 'a')->>'status' as status;
select start_task('p', 'u'), release_task('p', 'u', 'b');
select start_task('p', 'u', 'a');
select reactivate_task('p', 'a');
select start_task('p', 'u');

-- Who holds a task that is cancelled loses it, and is told so.
select cancel_task('p', 'a'), get_user('p', 'u')->>'active_task' as active_task;
select release_task('p', 'u', 'a', 'Done');
select submit_timesheet('p', 'u', 1, 'a');
select start_task('p', 'u'), release_task('p', 'u', 'b', 'Done');
select cancel_task('p', 'b');
select cancel_task('p', 'none');

-- Reactivating opens a completed or cancelled task again and forgets the outcome; an open one is an error.
select reactivate_task('p', 'b'), reactivate_task('p', 'a');
select status, completion_status, completed_user_id, completed_at, first_start_ts is not null as was_started
from task_mgmt.tasks where project_name = 'p' and task_id = 'b';
select reactivate_task('p', 'b');
select reactivate_task('p', 'none');

-- An assigned task is for one user only; null and '' give it back to all.
select assign_task('p', 'a', 'v'), get_task('p', 'a')->>'assigned_user_id' as assigned;
select start_task('p', 'u', 'a');
select start_task('p', 'u'), release_task('p', 'u', 'b');
select assign_task('p', 'a', 'u'), start_task('p', 'u'), release_task('p', 'u', 'a');
select assign_task('p', 'a', null), get_task('p', 'a')->>'assigned_user_id' as assigned;
select assign_task('p', 'a', 'v'), assign_task('p', 'a', ''), get_task('p', 'a')->>'assigned_user_id' as assigned;
select assign_task('p', 'a', 'none');
select assign_task('p', 'none', 'u');

-- Assigning a held task to somebody else leaves it with its holder until the release.
select start_task('p', 'u', 'a'), assign_task('p', 'a', 'v'), start_task('p', 'u') as still;
select release_task('p', 'u', 'a'), start_task('p', 'v'), release_task('p', 'v', 'a'), assign_task('p', 'a', null);

-- Editing touches only the keys given.
select update_task('p', 'a', '{"priority": 0, "batch_id": "b2", "note": "n", "is_checked": true, "extra_data": {"k": 1},
	"ng_state": {"a": 1}, "segment_seed_id": 5}');
select update_task('p', 'a', '{}');
select priority, batch_id, note, is_checked, extra_data, ng_state, ng_state_initial, segment_seed_id, task_type
from task_mgmt.tasks where project_name = 'p' and task_id = 'a';
select update_task('p', 'a', '{"note": null, "extra_data": null, "segment_seed_id": null, "ng_state_initial": [2]}');
select note, extra_data, segment_seed_id, ng_state_initial, priority
from task_mgmt.tasks where project_name = 'p' and task_id = 'a';

-- A record can be written back as it was read, also in part; only what differs is a change.
create temp view history as select count(*) from task_mgmt.events where project_name = 'p';
select count as before from history \gset
select update_task('p', 'a', get_task('p', 'a')), update_task('p', 'a', '{"status": "queued", "priority": 0}');
select count - :before as events from history;
select update_task('p', 'a', get_task('p', 'a') || '{"note": "again"}'), get_task('p', 'a')->>'note' as note;
select count - :before as events from history;
select start_task('p', 'u', 'b'), update_task('p', 'b', get_task('p', 'b')), release_task('p', 'u', 'b');
drop view history;

-- What counts for selection takes effect at once: priority, pause, assignment, type.
select start_task('p', 'u'), release_task('p', 'u', 'b');
select update_task('p', 'a', '{"priority": 7}'), start_task('p', 'u'), release_task('p', 'u', 'a');
select update_task('p', 'a', '{"is_paused": true}'), start_task('p', 'u'), release_task('p', 'u', 'b');
select update_task('p', 'a', '{"is_paused": false, "assigned_user_id": "v"}'), start_task('p', 'u'), release_task('p', 'u', 'b');
select update_task('p', 'a', '{"assigned_user_id": null, "task_type": "y"}'), start_task('p', 'u'), release_task('p', 'u', 'b');
select update_task('p', 'a', '{"assigned_user_id": ""}'), start_task('p', 'v'), release_task('p', 'v', 'a');
select update_task('p', 'a', '{"segment_type": "axon"}');
select start_task('p', 'v'), release_task('p', 'v', 'b');
select update_task('p', 'a', '{"segment_type": null}'), start_task('p', 'v'), release_task('p', 'v', 'a');

-- An inactive task waits until it is activated; only a free, open one can be made to wait.
select update_task('p', 'a', '{"is_active": false}'), get_task('p', 'a')->>'status' as status;
select start_task('p', 'v', 'a');
select update_task('p', 'a', '{"is_active": true}'), get_task('p', 'a')->>'status' as status;
select start_task('p', 'v', 'a');
select update_task('p', 'a', '{"is_active": false}');

-- Who holds a task is not made to wait, so it is active whatever it depends on.
select create_dependency('p', '{"dependency_id": "ab", "task_id": "a", "dependent_on_task_id": "b", "required_completion_status": "Done"}');
select update_task('p', 'a', '{"is_active": true}'), get_task('p', 'a')->'is_active' as is_active, delete_dependency('p', 'ab');
select release_task('p', 'v', 'a', 'Fine');
select update_task('p', 'a', '{"is_active": false}');

-- What a change must not be; nothing of it happens.
select update_task('p', 'b', '{"task_id": "c"}');
select update_task('p', 'b', '{"active_user_id": "u"}');
select update_task('p', 'b', '{"status": "completed"}');
select update_task('p', 'b', '{"last_leased_ts": 1}');
select update_task('p', 'b', '{"first_start_ts": null}');
select update_task('p', 'b', '{"created_at": "2020-01-01"}');
select update_task('p', 'b', '{"colour": 1}');
select update_task('p', 'b', '{"note": "n", "priority": null}');
select update_task('p', 'b', '{"ng_state": null}');
select update_task('p', 'b', '{"completion_status": null}');
select update_task('p', 'b', '{"priority": 3, "task_type": "none"}');
select update_task('p', 'b', '{"priority": 3, "assigned_user_id": "none"}');
select update_task('p', 'b', '{"priority": 3, "segment_seed_id": -1}');
select update_task('p', 'b', '{"priority": 1e10}');
select update_task('p', 'b', '[]');
select update_task('p', 'b', null);
select update_task('p', 'none', '{}');
select update_task('none', 'b', '{}');
select get_task('p', 'b')->'priority' as priority;

select delete_project('p', cascade => true);
