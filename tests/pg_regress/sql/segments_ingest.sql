-- Bringing in many seeds: all are checked first, then all that are new are created, or none.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x"}');
	perform create_segment_type('p', '{"type_name": "axon"}'), create_segment_type('p', '{"type_name": "soma"}');
	perform create_segments('p', '[{"seed_id": 1, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": "axon"},
		{"seed_id": 2, "seed_x": 0, "seed_y": 0, "seed_z": 0}]');
	perform create_task('p', '{"task_id": "waits", "task_type": "x", "segment_seed_id": 18446744073709551615}');
end $$;
create view seeds as
select seed_id, seed_x, expected_segment_type as expected, batch, current_segment_id as current, status, extra_data from task_mgmt.segments where project_name = 'p' order by seed_id;

-- New ones are created, those of the same type are there; a seed that occurs twice is created once; root 0 is none.
select ingest_segments('p', '[{"seed_id": 1, "seed_x": 5, "seed_y": 0, "seed_z": 0, "expected_segment_type": "axon"},
	{"seed_id": "18446744073709551615", "seed_x": 5, "seed_y": 6, "seed_z": 7, "expected_segment_type": "axon", "batch": "b", "current_segment_id": 77, "extra_data": {"k": 1}},
	{"seed_id": 2, "seed_x": 5, "seed_y": 0, "seed_z": 0}, {"seed_id": 3, "seed_x": 5, "seed_y": 0, "seed_z": 0, "current_segment_id": 0},
	{"seed_id": 3, "seed_x": 6, "seed_y": 0, "seed_z": 0}]', dry_run => true);
select seed_id from seeds;
select ingest_segments('p', '[{"seed_id": 1, "seed_x": 5, "seed_y": 0, "seed_z": 0, "expected_segment_type": "axon"},
	{"seed_id": "18446744073709551615", "seed_x": 5, "seed_y": 6, "seed_z": 7, "expected_segment_type": "axon", "batch": "b", "current_segment_id": 77, "extra_data": {"k": 1}},
	{"seed_id": 2, "seed_x": 5, "seed_y": 0, "seed_z": 0}, {"seed_id": 3, "seed_x": 5, "seed_y": 0, "seed_z": 0, "current_segment_id": 0},
	{"seed_id": 3, "seed_x": 6, "seed_y": 0, "seed_z": 0}]');
select * from seeds;
select get_task('p', 'waits')->>'segment_type' as follows;

-- A conflict or a point without a supervoxel refuses all, and each is told.
select jsonb_pretty(ingest_segments('p', '[{"seed_id": 10, "seed_x": 0, "seed_y": 0, "seed_z": 0}, {"seed_id": 1, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": "soma"},
	{"seed_id": 0, "seed_x": 1, "seed_y": 2.5, "seed_z": 3}, {"seed_id": 18446744073709551615, "seed_x": 0, "seed_y": 0, "seed_z": 0}, {"seed_id": 2, "seed_x": 0, "seed_y": 0, "seed_z": 0}]'));
select ingest_segments('p', '[{"seed_id": 0, "seed_x": 1, "seed_y": 2, "seed_z": 3}]', true);
select count(*) from seeds;

-- A segment under the same root is there, too, whatever its seed; without one, all candidates under a root are new, and so are those in the background.
select ingest_segments('p', '[{"seed_id": 20, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 77, "expected_segment_type": "axon"},
	{"seed_id": 21, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 78}, {"seed_id": 22, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 78},
	{"seed_id": 23, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 0}]');
select seed_id from seeds where seed_id between 20 and 23;
select ingest_segments('p', '[{"seed_id": 24, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 77, "expected_segment_type": "soma"}]') - 'dry_run' as other_type,
	ingest_segments('p', '[{"seed_id": 24, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 78}]')->'existing' as there;

-- Updates of the new ones are asked for.
select seed_id, status from task_mgmt.segment_update_queue where project_name = 'p' order by seed_id;

-- Of several segments under a root, the one counts that stays; a retired one does not.
select create_segments('p', '[{"seed_id": 30, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 79},
	{"seed_id": 31, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 79, "expected_segment_type": "axon"},
	{"seed_id": 32, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 80, "status": "Duplicate", "expected_segment_type": "soma"}]');
create view at_roots as
select ingest_segments('p', '[{"seed_id": 33, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 79, "expected_segment_type": "axon"},
	{"seed_id": 34, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 80, "expected_segment_type": "axon"}]', dry_run => true) as report;
select report from at_roots;
select retire_duplicate_segments('p', dry_run => false, current_segment_ids => '{79, 80}');
select report from at_roots;
drop view at_roots;

-- What is wrong by itself is an error that names the element.
select ingest_segments('p', '[{"seed_id": 10, "seed_x": 0, "seed_y": 0, "seed_z": 0}, {"seed_id": 11, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": "none"}]');
select ingest_segments('p', '[{"seed_id": 10, "seed_x": 0, "seed_y": 0}]');
select ingest_segments('p', '[{"seed_id": 10, "seed_x": 0, "seed_y": 0, "seed_z": 0, "status": "Raw"}]');
select ingest_segments('p', '[{"seed_id": 10, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": ""}]');
select ingest_segments('p', '{"segments": {}}');
select ingest_segments('p', null);
select ingest_segments('p', '[]', null);
select ingest_segments('none', '[]');
select ingest_segments('p', '[]');

drop view seeds;
select * from task_mgmt.check_invariants();
select delete_project('p', cascade => true);
