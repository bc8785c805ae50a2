-- Neuroglancer: states, layers and links of segments, traces and segment types (annotation reference 14).
\pset format unaligned

do $$ begin
	perform create_project('p', 'gs://seg', 4, 4, 40, extra_layers => '[{"name": "EM", "type": "image", "source": "gs://em", "shader": "é"}, {"name": "Notes"}]');
	perform create_project('bare');
	perform create_task_type('p', '{"task_type": "trace_v0", "completion_statuses": ["Done"]}');
	insert into task_mgmt.segment_type (project_name, type_name, sample_segment_ids, seed_mask, region_mesh, created_at, updated_at) values
		('p', 'axon', '{7,18446744073709551615}', 'gs://mask', 'gs://mesh', now(), now()), ('p', 'plain', '{}', null, '', now(), now());
	insert into task_mgmt.segment (project_name, seed_id, seed_x, seed_y, seed_z, root_x, root_y, root_z, current_segment_id, expected_segment_type, created_at, updated_at) values
		('p', 18446744073709551615, 100, 200.5, 300, 1, 2, 3.5, 18446744073709551614, 'axon', now(), now()),
		('p', 0, 1e16, 0.00001, -2, null, null, null, null, null, now(), now()),
		('p', 3, 1, 2, 3, null, null, null, 0, 'gone', now(), now()),
		('bare', 3, 1, 2, 3, null, null, null, null, null, now(), now());
	insert into task_mgmt.endpoint (project_name, seed_id, x, y, z, status, user_id, created_at, updated_at)
	select 'p', 18446744073709551615, n, n + 0.5, -n, status, 'u', now(), now()
	from (values (1, 'CERTAIN'), (2, 'UNCERTAIN'), (3, 'CERTAIN'), (4, 'BREADCRUMB'), (5, 'CONTINUED'), (1, 'CERTAIN')) as e (n, status_text),
		cast(status_text as task_mgmt.endpoint_status) as status;
	perform create_tasks('p', '[{"task_id": "by seed", "task_type": "trace_v0", "extra_data": {"seed_id": "18446744073709551615"}},
		{"task_id": "linked", "task_type": "trace_v0"}, {"task_id": "alone", "task_type": "trace_v0"},
		{"task_id": "untyped", "task_type": "trace_v0", "segment_seed_id": 3}, {"task_id": "lost", "task_type": "trace_v0", "segment_seed_id": 4}]');
	insert into task_mgmt.segment_task (project_name, seed_id, task_no)
	select 'p', 0, task_no from task_mgmt.task where task_id = 'linked';
	insert into task_mgmt.merge_edit (project_name, task_no, user_id, points, created_at)
	select 'p', task_no, 'u', points::jsonb, '2030-01-01 00:00:00+00'::timestamptz - n * interval '1 s'
	from task_mgmt.task, (values (1, '[["1", 40, 80, 400], ["2", 10, 10, 10]]'), (2, '[["3", 4, 4, 40], ["4", 8, 8.5, 80.25], ["5", 0, 0, 0]]'),
		(3, '[["1", 1, 1, 1]]'), (4, '[["1", 1, 1], ["2", 1, 1, 1]]'), (5, '[]')) as e (n, points)
	where task_id = 'by seed';
end $$;

-- What a state shows, without the annotations' ids.
create function shown(state jsonb) returns table (layer text) language sql as $$
	select regexp_replace(layer::text, '"id": "[0-9a-f]{32}"', '"id": "..."', 'g') from jsonb_array_elements(state->'layers') layer
$$;
create function names(state jsonb) returns jsonb language sql as $$ select jsonb_path_query_array(state, '$.layers[*].name') $$;

-- A segment with everything.
select get_segment_ng_state('p', 18446744073709551615) - 'layers' as around;
select * from shown(get_segment_ng_state('p', 18446744073709551615));

-- One with nothing but its seed.
select * from shown(get_segment_ng_state('p', 0));

-- Each flag leaves its layers out.
select names(get_segment_ng_state('p', 18446744073709551615, include_certain_ends => false, include_uncertain_ends => false));
select names(get_segment_ng_state('p', 18446744073709551615, include_breadcrumbs => false, include_segment_type_layers => false));

-- Ids are unique, and the same for every reader.
select count(*), count(distinct id) from jsonb_path_query(get_segment_ng_state('p', 18446744073709551615), '$.layers[*].annotations[*].id') id;
select get_segment_ng_state('p', 18446744073709551615) = get_segment_ng_state('p', 18446744073709551615) as agree;

-- A trace has the merges of its task, oldest first; a missing segment type has no layers.
select * from shown(get_trace_task_state('p', 'by seed')) where layer ~ 'MERGES';
select names(get_trace_task_state('p', 'by seed')), names(get_trace_task_state('p', 'linked'));
select names(get_trace_task_state('p', 'by seed', false, false, false, false, false)), names(get_trace_task_state('p', 'untyped'));
select (get_trace_task_state('p', 'by seed', include_merges => false)) = get_segment_ng_state('p', 18446744073709551615) as same_but_for_merges;

-- A segment type, with and without its name.
select layer from jsonb_array_elements(get_segment_type_layers('p', 'axon')) layer;
select layer from jsonb_array_elements(get_segment_type_layers('p', 'plain', include_names => true)) layer;

-- A link is the viewer and the state with everything escaped, in the order that viewers have always got.
create function unescaped(link text) returns text language sql as $$
	select convert_from(decode(string_agg(case when part ~ '^%' then substr(part, 2) else encode(part::bytea, 'hex') end, '' order by n), 'hex'), 'UTF8')
	from regexp_matches(regexp_replace(link, '^.*#!', ''), '%..|[^%]', 'g') with ordinality as m (parts, n), lateral (select parts[1]) as p (part)
$$;
select get_segment_link('p', 3, false, false, false, false);
select get_segment_link('p', 18446744073709551615) !~ '[^A-Za-z0-9_.~%-]' as is_escaped from (select set_config('task_mgmt.neuroglancer_url', '', false)) s;
select unescaped(get_segment_link('p', 0));
select unescaped(get_segment_link('p', 18446744073709551615))::jsonb = get_segment_ng_state('p', 18446744073709551615) as segment,
	unescaped(get_trace_task_link('p', 'by seed'))::jsonb = get_trace_task_state('p', 'by seed') as trace,
	unescaped(get_trace_task_link('p', 'by seed', false, false, false, false, false))::jsonb = get_trace_task_state('p', 'by seed', false, false, false, false, false) as less;
select unescaped(get_segment_type_link('p', 'axon'));
select names(unescaped(get_segment_type_link('p', 'axon', include_names => false))::jsonb);
set task_mgmt.neuroglancer_url = 'https://viewer.example/#!';
select left(get_segment_type_link('p', 'plain'), 40), left(get_trace_task_link('p', 'linked'), 40);
reset task_mgmt.neuroglancer_url;

-- Errors name what is missing.
select get_segment_ng_state('none', 1);
select get_segment_link('p', 1);
select get_segment_ng_state('p', 3);
select names(get_segment_ng_state('p', 3, include_segment_type_layers => false));
select get_segment_ng_state('bare', 3);
select update_project('bare', '{"sv_resolution_x": 1, "sv_resolution_y": 1, "sv_resolution_z": 1}'), get_segment_link('bare', 3);
select get_trace_task_state('p', 'none');
select get_trace_task_link('none', 'by seed');
select get_trace_task_state('p', 'alone');
select get_trace_task_state('p', 'lost');
select get_segment_type_layers('none', 'axon');
select get_segment_type_link('p', 'none');
select get_segment_type_layers('bare', 'axon');

-- So do bad arguments.
select get_segment_ng_state('p', -1);
select get_segment_ng_state('p', 18446744073709551616);
select get_segment_link('p', 0.5);
select get_segment_link('p', 'NaN');
select get_segment_ng_state('p', 3, include_breadcrumbs => null);
select get_trace_task_state('p', 'by seed', include_merges => null);
select get_segment_type_layers('p', 'axon', null);

-- Reading is allowed where nothing may be written.
begin read only;
select names(get_segment_ng_state('p', 0)), left(get_trace_task_link('p', 'by seed'), 8), jsonb_array_length(get_segment_type_layers('p', 'axon'));
rollback;

select delete_project('p', cascade => true), delete_project('bare', cascade => true);
select count(*) as merge_edits from task_mgmt.merge_edit;
drop function shown, names, unescaped;
