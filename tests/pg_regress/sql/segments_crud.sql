-- Segments: creating, reading, changing and listing them.

do $$ begin
	perform create_project('p'), create_project('q');
	perform create_segment_type('p', jsonb_build_object('type_name', name)) from unnest('{axon, dendrite}'::text[]) name;
end $$;
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
set timezone = 'UTC';

-- A seed and its point are enough; what is not set is not shown.
select create_segment('p', '{"seed_id": 12, "seed_x": 1.5, "seed_y": -2, "seed_z": 1e3}'), get_segment('p', 12);
select create_segment('p', '{"seed_id": "18446744073709551615", "seed_x": 0.1, "seed_y": 2, "seed_z": 3, "root_x": 4, "root_y": 5.25, "root_z": 6,
	"segment_type": "axon", "expected_segment_type": "dendrite", "batch": "b", "current_segment_id": 9223372036854775808,
	"skeleton_path_length_mm": 0.25, "pre_synapse_count": 1, "post_synapse_count": 0, "status": "Wrong type", "is_exported": true,
	"last_modified": "2020-01-01T00:00:00+01:00", "last_merge_at": "2020-01-02 03:04:05.678901Z",
	"extra_data": {"a": null, "id": 18446744073709551615}}');
select jsonb_pretty(get_segment('p', 18446744073709551615));

-- All of 64 bits are kept, as text in JSON above 2^53.
select create_segments('p', '[{"seed_id": 0, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 0},
	{"seed_id": 9007199254740992, "seed_x": 0, "seed_y": 0, "seed_z": 0}, {"seed_id": 9007199254740993, "seed_x": 0, "seed_y": 0, "seed_z": 0},
	{"seed_id": 9223372036854775808, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": "18446744073709551614"}]');
select seed_id, get_segment('p', seed_id)->'seed_id' as json, get_segment('p', seed_id)->'current_segment_id' as current
from task_mgmt.segments where project_name = 'p' order by seed_id;

-- Null is as if absent.
select create_segment('q', '{"seed_id": 1, "seed_x": 0, "seed_y": 0, "seed_z": 0, "root_x": null, "status": null, "is_exported": null, "batch": null,
	"extra_data": null, "current_segment_id": null, "last_merge_at": null}'), get_segment('q', 1) - '{created_at,updated_at}'::text[] as segment;

-- A seed is taken once in a project; of many, none is created, and the message names the element.
select create_segment('q', '{"seed_id": 12, "seed_x": 0, "seed_y": 0, "seed_z": 0}');
select create_segment('p', '{"seed_id": 12, "seed_x": 0, "seed_y": 0, "seed_z": 0}');
select create_segments('p', '[{"seed_id": 20, "seed_x": 0, "seed_y": 0, "seed_z": 0}, {"seed_id": 12, "seed_x": 0, "seed_y": 0, "seed_z": 0}]');
select create_segments('p', '[{"seed_id": 20, "seed_x": 0, "seed_y": 0, "seed_z": 0}, {"seed_id": "20", "seed_x": 0, "seed_y": 0, "seed_z": 0}]');
select create_segments('p', '[]'), get_segment('p', 20);

-- Wrong data is refused by name.
select create_segment('p', '{"seed_id": 20}');
select create_segment('p', '{"seed_id": -1, "seed_x": 0, "seed_y": 0, "seed_z": 0}');
select create_segment('p', '{"seed_id": 18446744073709551616, "seed_x": 0, "seed_y": 0, "seed_z": 0}');
select create_segment('p', '{"seed_id": 20, "seed_x": "0", "seed_y": 0, "seed_z": 0}');
select create_segment('p', '{"seed_id": 20, "seed_x": 1e400, "seed_y": 0, "seed_z": 0}');
select create_segment('p', '{"seed_id": 20, "seed_x": 0, "seed_y": 0, "seed_z": 0, "root_x": 1, "root_y": 2}');
select create_segment('p', '{"seed_id": 20, "seed_x": 0, "seed_y": 0, "seed_z": 0, "segment_type": "soma"}');
select create_segments('p', '[{"seed_id": 20, "seed_x": 0, "seed_y": 0, "seed_z": 0}, {"seed_id": 21, "seed_x": 0, "seed_y": 0, "seed_z": 0,
	"expected_segment_type": "soma"}]');
select create_segment('p', '{"seed_id": 20, "seed_x": 0, "seed_y": 0, "seed_z": 0, "status": "raw"}');
select create_segment('p', '{"seed_id": 20, "seed_x": 0, "seed_y": 0, "seed_z": 0, "post_synapse_count": -1}');
select create_segment('p', '{"seed_id": 20, "seed_x": 0, "seed_y": 0, "seed_z": 0, "last_merge_at": "yesterday"}');
select create_segment('p', '{"seed_id": 20, "seed_x": 0, "seed_y": 0, "seed_z": 0, "task_ids": []}');
select create_segment('none', '{"seed_id": 20, "seed_x": 0, "seed_y": 0, "seed_z": 0}');
select create_segments('none', '[]');
select create_segment('p', null);
select get_segment('p', 20);
select get_segment('none', 12);
select get_segment('p', -1);
select get_segment('p', 1.5);
select get_segment('p', 'NaN');
select get_segment('p', null);

-- A change touches only the keys given; null clears.
set task_mgmt.fake_now = '2030-01-02 00:00:00+00';
select update_segment('p', 12, '{"status": "Verified", "batch": "c", "current_segment_id": "18446744073709551615", "root_x": 1, "root_y": 2, "root_z": 3,
	"expected_segment_type": "axon", "last_merge_at": "2021-01-01T00:00:00Z"}'), get_segment('p', 12);
select update_segment('p', 12, '{"root_x": 7, "seed_z": 0.5, "batch": null}'), get_segment('p', 12);
select update_segment('p', 12, '{"root_x": null}');
select update_segment('p', 12, '{"root_x": null, "root_y": null, "root_z": null, "current_segment_id": null, "expected_segment_type": null,
	"last_merge_at": null}'), get_segment('p', 12);
select update_segment('p', 18446744073709551615, '{"extra_data": {"b": 0.12345678901234567890}}'),
	get_segment('p', 18446744073709551615)->'extra_data' as extra_data;
select update_segment('p', 18446744073709551615, '{"extra_data": null}'), get_segment('p', 18446744073709551615)->'extra_data' is null as cleared;
select update_segment('p', 12, '{"status": null}');
select update_segment('p', 12, '{"seed_id": 13}');
select update_segment('p', 12, '{"task_ids": ["a"]}');
select update_segment('p', 12, '{"segment_type": "soma"}');
select update_segment('p', 12, '{"expected_segment_type": "soma"}');
select update_segment('p', 12, '[]');
select update_segment('p', 99, '{"status": "Raw"}');
select update_segment('p', 99, '{"expected_segment_type": "axon"}');
select update_segment('none', 12, '{"expected_segment_type": "axon"}');

-- A record can be written back as it was read, in any time zone, which changes nothing.
set task_mgmt.fake_now = '2030-01-03 00:00:00+00';
set timezone = 'Asia/Kolkata';
select update_segment('p', 18446744073709551615, get_segment('p', 18446744073709551615)),
	update_segment('p', 18446744073709551615, get_segment('p', 18446744073709551615) || '{"batch": "d"}');
set timezone = 'UTC';
select get_segment('p', 18446744073709551615) - '{project_name,seed_x,seed_y,seed_z}'::text[] as segment;

-- Listing is in order of the seed, filtered, in pages.
select create_segments('q', jsonb_agg(jsonb_build_object('seed_id', i, 'seed_x', i, 'seed_y', 0, 'seed_z', 0, 'batch', case when i % 2 = 0 then 'even' end,
	'status', case when i % 3 = 0 then 'Proofread' else 'Raw' end, 'current_segment_id', case when i > 20 then i % 5 + 100 end)))
from generate_series(13, 30) i;
create function seeds(filters jsonb, max_rows integer default 1000, skip integer default 0) returns text language sql as
	$$ select string_agg(segment->>'seed_id', ' ') from jsonb_array_elements(list_segments('q', filters, max_rows, skip)) segment $$;
select seeds('{}'), seeds('{}', 3) as three, seeds('{}', 3, 17) as last, list_segments('q', '{}', 0) as none, list_segments('q', skip => 100) as beyond;
select seeds('{"batch": "even"}') as even, seeds('{"batch": null}', 3) as odd, seeds('{"status": "Proofread", "batch": "even"}') as proofread;
select seeds('{"current_segment_id": 102}') as root, seeds('{"current_segment_id": "102", "status": "Proofread"}') as both, seeds('{"current_segment_id": null}', 2) as rootless;
select list_segments('p', '{"segment_type": "axon", "expected_segment_type": "dendrite"}')->0->'seed_id' as typed, seeds('{"segment_type": "none"}') as nothing;
select list_segments('p', '{"expected_segment_type": null}', 1)->0->'seed_id' as untyped, list_segments('p', '{"segment_type": null}', 1)->0->'seed_id' as without;
select list_segments('q', '{"status": "raw"}');
select list_segments('q', '{"seed_id": 1}');
select list_segments('q', '[]');
select list_segments('q', null);
select list_segments('q', max_rows => -1);
select list_segments('q', skip => -1);
select list_segments('none');

drop function seeds;
reset task_mgmt.fake_now;
reset timezone;
select * from task_mgmt.check_invariants();
select delete_project('p', cascade => true), delete_project('q', cascade => true);
