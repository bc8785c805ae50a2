-- Supervoxels: of a project, with ids of 64 bits.

select create_project('p'), create_project('q');
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';

-- All of 0 to 2^64-1 is kept; above 2^53 it is text in JSON.
select create_supervoxel('p', '{"supervoxel_id": "18446744073709551615", "seed_x": 0.1, "seed_y": -2, "seed_z": 2.0000000000000004, "current_segment_id": 18446744073709551614}');
select create_supervoxels('p', '[
	{"supervoxel_id": 9007199254740993, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 9007199254740992},
	{"supervoxel_id": 0, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": "18446744073709551614"}]');
select jsonb_pretty(get_supervoxel('p', 18446744073709551615));
select get_supervoxel('p', 9007199254740993), get_supervoxel('p', 0.0)->'supervoxel_id' as zero;
select jsonb_path_query_array(get_supervoxels_by_segment('p', 18446744073709551614), '$[*].supervoxel_id') as of_root, get_supervoxels_by_segment('p', 7) as of_none;
select * from task_mgmt.supervoxels where supervoxel_id > 9007199254740992 order by supervoxel_id;

-- They belong to a project: another one may have the same, elsewhere.
select create_supervoxel('q', '{"supervoxel_id": 0, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 5}'), get_supervoxel('p', 0)->'current_segment_id' as in_p, get_supervoxel('q', 0)->'current_segment_id' as in_q;

-- Once only; of many all or none.
select create_supervoxel('p', '{"supervoxel_id": 0, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 5}');
select create_supervoxels('p', '[{"supervoxel_id": 5, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 5}, {"supervoxel_id": "0", "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 5}]');
select create_supervoxels('p', '[{"supervoxel_id": 5, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 5}, {"supervoxel_id": "5", "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 5}]');
select create_supervoxels('p', '[{"supervoxel_id": 5, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 5}, {"supervoxel_id": 6}]');
select get_supervoxel('p', 5);
select create_supervoxels('p', '[]');

-- What is not an id is refused.
select create_supervoxel('p', '{"supervoxel_id": 18446744073709551616, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 5}');
select create_supervoxel('p', '{"supervoxel_id": 7, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": -1}');
select create_supervoxel('p', '{"supervoxel_id": 7, "seed_x": 1e400, "seed_y": 1, "seed_z": 1, "current_segment_id": 1}');
select create_supervoxel('p', '{"supervoxel_id": 7, "seed_x": null, "seed_y": 1, "seed_z": 1, "current_segment_id": 1}');
select create_supervoxel('p', '{"supervoxel_id": 7, "nope": 1}');
select get_supervoxel('p', -1);
select get_supervoxel('p', 0.5);
select get_supervoxel('p', 'NaN');
select get_supervoxels_by_segment('p', 18446744073709551616);
select get_supervoxels_by_segment('p', null);
select create_supervoxel('none', '{"supervoxel_id": 7, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 1}');
select get_supervoxel('none', 7);
select get_supervoxels_by_segment('none', 7);
select populate_supervoxels_from_segments('none');

-- One is made of each segment whose root is known; those that exist stay as they are.
select create_segments('p', '[{"seed_id": 0, "seed_x": 9, "seed_y": 9, "seed_z": 9, "current_segment_id": 99}, {"seed_id": 11, "seed_x": 1, "seed_y": 1, "seed_z": 1},
	{"seed_id": 10, "seed_x": 1.5, "seed_y": 2.5, "seed_z": 3.5, "current_segment_id": 100},
	{"seed_id": 18446744073709551614, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 18446744073709551615}]'),
	create_segment('q', '{"seed_id": 12, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 5}');
select populate_supervoxels_from_segments('p'), populate_supervoxels_from_segments('p') as again;
select supervoxel_id, seed_x, seed_y, seed_z, current_segment_id from task_mgmt.supervoxels where project_name = 'p' order by supervoxel_id;
select count(*) from task_mgmt.supervoxels where project_name = 'q';

select delete_project('p', cascade => true), delete_project('q', cascade => true);
select count(*) from task_mgmt.supervoxel;
