-- Sweeping many projects: a call keeps few keys. And what people start across projects is due, and has not expired.

set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
do $$
declare
	project text;
begin
	foreach project in array '{p, q, idle}'::text[] loop
		perform create_project(project);
		perform create_task_type(project, '{"task_type": "t", "lease_seconds": 10, "backoff": {"base_seconds": 1}}');
		perform create_user(project, '{"user_id": "machine", "qualified_task_types": ["t"], "capacity": "unlimited"}');
		perform create_user(project, '{"user_id": "ann", "qualified_task_types": ["t"]}');
	end loop;
	perform create_tasks(project, (select jsonb_agg('{"task_type": "t"}'::jsonb) from generate_series(1, 40))) from unnest('{p, q}'::text[]) project;
	perform claim_tasks(project, 'machine', 100) from unnest('{p, q}'::text[]) project;
end $$;

set task_mgmt.fake_now = '2030-01-01 00:00:10+00';
begin;
select * from sweep() order by project_name;
select count(*) filter (where objsubid = 14) as tasks, count(*) filter (where objsubid = 11) as projects
from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
commit;
select * from sweep();
select * from sweep();

-- Whoever starts a task of any project frees what is due there, and ends what has expired.
select clear_project_data('p'), clear_project_data('q');
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select create_task('p', '{"task_id": "short", "task_type": "t", "ttl_seconds": 10}');
select create_task('q', '{"task_id": "due", "task_type": "t", "run_after": "2030-01-01T00:00:10Z"}');
set task_mgmt.fake_now = '2030-01-01 00:00:10+00';
select * from start_task_cross_project('ann');
select release_task('q', 'ann', 'due', 'completed');
select * from start_task_cross_project('ann');
select task_id, status from task_mgmt.tasks order by task_id;

-- The end of time.
set task_mgmt.fake_now = '9999-12-31 23:59:59+00';
select create_task('p', '{"task_id": "last", "task_type": "t", "run_after": "9999-12-31T23:59:59-23:59:59", "ttl_seconds": 315360000}');
select extend_ttl('p', 'last', 315360000);
select expires_at from task_mgmt.tasks where task_id = 'last';
update task_mgmt.task set expires_at = '294276-12-31' where task_id = 'last';
select extend_ttl('p', 'last', 315360000);
set task_mgmt.fake_now = '10000-01-01 00:00:00+00';
select extend_ttl('p', 'last', 1);
set task_mgmt.fake_now = 'infinity';
select count(*) from claim_tasks('p', 'machine');
set task_mgmt.fake_now = '0001-01-01 00:00:00+00 BC';
select task_mgmt.present();
reset task_mgmt.fake_now;
select * from task_mgmt.check_invariants();

select delete_project(project, cascade => true) from unnest('{p, q, idle}'::text[]) project;
