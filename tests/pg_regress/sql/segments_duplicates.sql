-- Of several segments under one present root, one stays, by one rule.

do $$ begin
	perform create_project('p'), create_project('q');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u"}');
	perform create_segment_type('p', jsonb_build_object('type_name', name)) from unnest('{axon, undetermined}'::text[]) name;
end $$;
create function add(seed numeric, root numeric, more jsonb default '{}', project text default 'p') returns void language sql as $$
	select create_segment(project, jsonb_build_object('seed_id', seed::text, 'seed_x', 0, 'seed_y', 0, 'seed_z', 0, 'current_segment_id', root::text) || more) $$;
create function finished(seed numeric, task text, at float8) returns void language sql as $$
	select create_task('p', jsonb_build_object('task_id', task, 'task_type', 'x', 'segment_seed_id', seed::text, 'completion_status', 'Done', 'completed_user_id', 'u', 'last_leased_ts', at)) $$;
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';

-- A determined type comes first.
do $$ begin
	perform add(11, 1), add(12, 1, '{"expected_segment_type": "undetermined"}'), add(13, 1, '{"expected_segment_type": "axon"}');
	perform finished(11, 'a', 1e9), finished(12, 'b', 2e9);
-- Then completed tasks that were leased last, linked ones too; open ones do not count.
	perform add(21, 2), add(22, 2), add(23, 2), add(24, 2);
	perform finished(21, 'c', 1e9), finished(22, 'd', 1e9 + 1), create_task('p', '{"task_id": "open", "task_type": "x", "segment_seed_id": 24}');
	perform create_task('p', '{"task_id": "linked", "task_type": "x", "completion_status": "Done", "completed_user_id": "u", "last_leased_ts": 1100000000}'),
		link_segment_task('p', 23, 'linked');
-- Then what was merged first; never is first.
	perform add(31, 3, '{"last_merge_at": "2020-01-02T00:00:00Z"}'), add(32, 3, '{"last_merge_at": "2020-01-01T00:00:00Z"}');
	perform add(41, 18446744073709551615, '{"last_merge_at": "2020-01-01T00:00:00Z"}'), add(18446744073709551614, 18446744073709551615);
-- Then the oldest, then the smallest seed.
	perform set_config('task_mgmt.fake_now', '2029-01-01 00:00:00+00', true), add(62, 5), add(61, 5);
	perform set_config('task_mgmt.fake_now', '2030-01-01 00:00:00+00', true), add(51, 5);
-- Alone under a root, without a root, in the background, of another project, or a duplicate already: these are no duplicates.
	perform add(71, 6), add(72, 6, '{"status": "Duplicate"}'), add(73, null), add(74, null), add(75, 0), add(76, 0), add(11, 1, project => 'q');
end $$;

select jsonb_pretty(retire_duplicate_segments('p'));
select count(*) from task_mgmt.segments where project_name = 'p' and status = 'Duplicate';
-- Only those under the roots that are named, or all.
select retire_duplicate_segments('p', current_segment_ids => '{6, 0, 99}') as none, retire_duplicate_segments('p', current_segment_ids => '{}') - 'groups' as no_root;
select retire_duplicate_segments('p', false, '{3, 3, 18446744073709551615}') as retired;
select retire_duplicate_segments('p', dry_run => false) - 'groups' as retired;
select seed_id, current_segment_id, status from task_mgmt.segments where project_name = 'p' order by seed_id;
select retire_duplicate_segments('p', false), retire_duplicate_segments('q', false);
select kind, detail from task_mgmt.events where project_name = 'p' and kind = 'project_changed' order by event_no;
select retire_duplicate_segments('none');
select retire_duplicate_segments('p', null);
select retire_duplicate_segments('p', true, '{-1}');
select retire_duplicate_segments('p', true, '{null}');

drop function add, finished;
reset task_mgmt.fake_now;
select * from task_mgmt.check_invariants();
select delete_project('p', cascade => true), delete_project('q', cascade => true);
