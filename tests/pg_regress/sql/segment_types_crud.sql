-- Segment types: creating, reading, changing and deleting them.

select create_project('p');
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
set timezone = 'UTC';

-- Only the name is required.
select create_segment_type('p', '{"type_name": "bare"}'), get_segment_type('p', 'bare');
select create_segment_type('p', '{"type_name": "axon", "sample_segment_ids": [1, "18446744073709551615", 9007199254740993],
	"description": "long", "region_mesh": "gs://mesh", "seed_mask": "gs://mask", "instruction": "Follow it.", "instruction_link": "https://a"}');
select jsonb_pretty(get_segment_type('p', 'axon'));
select create_segment_type('p', '{"type_name": "null", "sample_segment_ids": null, "description": null}'), get_segment_type('p', 'null');

-- A name is taken once.
select create_segment_type('p', '{"type_name": "bare"}');

-- Wrong data is refused by name.
select create_segment_type('p', '{}');
select create_segment_type('p', '{"type_name": ""}');
select create_segment_type('p', '{"type_name": "y", "sample_segment_ids": [-1]}');
select create_segment_type('p', '{"type_name": "y", "sample_segment_ids": ["18446744073709551616"]}');
select create_segment_type('p', '{"type_name": "y", "sample_segment_ids": 1}');
select create_segment_type('p', '{"type_name": "y", "instruction": 1}');
select create_segment_type('p', '{"type_name": "y", "link": "x"}');
select create_segment_type('none', '{"type_name": "y"}');
select create_segment_type('p', null);

-- A change touches only the keys given; null clears.
set task_mgmt.fake_now = '2030-01-02 00:00:00+00';
select update_segment_type('p', 'bare', '{"instruction": "Look.", "sample_segment_ids": [7]}'), get_segment_type('p', 'bare');
select update_segment_type('p', 'axon', '{"instruction": null, "description": "longer"}'),
	get_segment_type('p', 'axon') - '{sample_segment_ids,region_mesh,seed_mask,project_name}'::text[] as axon;
select update_segment_type('p', 'axon', '{"sample_segment_ids": null}');
select update_segment_type('p', 'axon', '{"type_name": "dendrite"}');
select update_segment_type('p', 'none', '{}');
select update_segment_type('none', 'axon', '{}');

-- A record can be written back as it was read, which changes nothing.
set task_mgmt.fake_now = '2030-01-03 00:00:00+00';
select update_segment_type('p', 'axon', get_segment_type('p', 'axon')), get_segment_type('p', 'axon')->>'updated_at' as updated_at;

select type->>'type_name' as listed from jsonb_array_elements(list_segment_types('p')) type;
select list_segment_types('none');
select get_segment_type('p', 'none');
select type_name, sample_segment_ids, instruction_link, created_at, updated_at from task_mgmt.segment_types order by type_name;

-- What is named by a segment, a task or a user stays.
select create_segment('p', '{"seed_id": 5, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": "axon"}');
select delete_segment_type('p', 'axon');
select update_segment('p', 5, '{"expected_segment_type": null, "segment_type": "axon"}');
select delete_segment_type('p', 'axon');
select update_segment('p', 5, '{"segment_type": null}'), delete_segment_type('p', 'axon'), list_segment_types('p') @> '[{"type_name": "axon"}]' as still;
select create_user('p', '{"user_id": "u", "qualified_segment_types": ["other", "bare"]}');
select delete_segment_type('p', 'bare');
select create_task_type('p', '{"task_type": "x"}'), create_task('p', '{"task_id": "a", "task_type": "x", "segment_type": "null"}');
select delete_segment_type('p', 'null');
select update_user('p', 'u', '{"qualified_segment_types": []}'), delete_segment_type('p', 'bare');
select delete_segment_type('p', 'bare');
select delete_segment_type('none', 'bare');

reset task_mgmt.fake_now;
reset timezone;
select delete_project('p', cascade => true);
