-- The view of who holds what: how long a lease has been idle, and how long it lasts.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_task_type('p', '{"task_type": "slow", "completion_statuses": ["Done"], "max_idle_seconds": 3600}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x", "slow"]'::jsonb)) from unnest('{u, v, w}'::text[]) u;
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "slow"}, {"task_id": "free", "task_type": "x"},
		{"task_id": "c", "task_type": "x", "active_user_id": "w", "last_leased_ts": 1893456000}]');
	perform update_task('p', 'b', '{"segment_type": "axon"}'), update_user('p', 'v', '{"qualified_segment_types": ["axon"]}');
	set task_mgmt.fake_now = '2030-01-01 00:00:10+00';
	perform start_task('p', 'u', 'a'), start_task('p', 'v', 'b');
end $$;
set timezone = 'UTC';

set task_mgmt.fake_now = '2030-01-01 00:01:39.5+00';
select project_name, task_id, task_type, segment_type, user_id, leased_at, started_at, attempt, lease_expires_at, instance, idle_seconds,
	max_idle_seconds, remaining_lease_seconds, is_idle
from task_mgmt.held_tasks order by task_id;
-- From exactly the limit on, somebody else may take it, and does.
set task_mgmt.fake_now = '2030-01-01 00:01:40+00';
select task_id, idle_seconds, remaining_lease_seconds, is_idle from task_mgmt.held_tasks where task_id = 'a';
-- Renewed, it begins anew.
select renew_lease('p', 'u', 'a');
select task_id, idle_seconds, remaining_lease_seconds, is_idle, started_at from task_mgmt.held_tasks where task_id = 'a';
-- The limit of the type comes before the project's, the project's before the setting.
select update_project('p', '{"max_idle_seconds": 10}');
select task_id, max_idle_seconds from task_mgmt.held_tasks order by task_id;
select update_project('p', '{"max_idle_seconds": null}');
set task_mgmt.max_idle_seconds = 7;
select task_id, max_idle_seconds from task_mgmt.held_tasks order by task_id;
reset task_mgmt.max_idle_seconds;

-- A reader sees the projects that are theirs to read.
create role regress_looker;
select create_project('q'), grant_access('regress_looker', 'reader', 'q');
set role regress_looker;
select count(*) from task_mgmt.held_tasks;
reset role;
select grant_access('regress_looker', 'reader', 'p');
set role regress_looker;
select count(*) from task_mgmt.held_tasks;
reset role;
select revoke_access('regress_looker', 'p'), revoke_access('regress_looker', 'q'), delete_project('q');
drop role regress_looker;

reset task_mgmt.fake_now;
select delete_project('p', cascade => true);
