-- What people read of segments: types, segments with their tasks, endpoints and locks. The views that begin with Internal are for
-- the functions; the others show a caller the projects that the caller may read.

create view task_mgmt.segment_tasks as
select project_name, segment_seed_id as seed_id, task_no
from task_mgmt.task
where segment_seed_id is not null
union
select project_name, seed_id::numeric, task_no
from task_mgmt.segment_task;
comment on view task_mgmt.segment_tasks is 'Internal: the tasks of the segments of all projects: those that name the seed, and those that are linked.';

create view task_mgmt.segment_details as
select s.project_name, s.seed_id, s.seed_x, s.seed_y, s.seed_z, s.root_x, s.root_y, s.root_z,
	array(
		select t.task_id
		from task_mgmt.segment_tasks own
		join task_mgmt.task t on t.project_name = s.project_name and t.task_no = own.task_no
		where own.project_name = s.project_name and own.seed_id = s.seed_id
		order by own.task_no
	) as task_ids,
	s.segment_type, s.expected_segment_type, s.batch, s.current_segment_id, s.skeleton_path_length_mm,
	s.pre_synapse_count, s.post_synapse_count, s.status, s.is_exported, s.created_at, s.updated_at, s.last_modified,
	s.last_merge_at, s.extra_data
from task_mgmt.segment s;
comment on view task_mgmt.segment_details is 'Internal: segments of all projects with their tasks.';

create function task_mgmt.segment_as_json(segment task_mgmt.segment_details) returns jsonb
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
	'seed_id', task_mgmt.id_as_json(segment.seed_id),
	'project_name', segment.project_name,
	'seed_x', segment.seed_x,
	'seed_y', segment.seed_y,
	'seed_z', segment.seed_z,
	'task_ids', segment.task_ids,
	'status', segment.status,
	'is_exported', segment.is_exported,
	'created_at', segment.created_at,
	'updated_at', segment.updated_at,
	'last_modified', segment.last_modified
) || jsonb_strip_nulls(jsonb_build_object(
	'root_x', segment.root_x,
	'root_y', segment.root_y,
	'root_z', segment.root_z,
	'segment_type', segment.segment_type,
	'expected_segment_type', segment.expected_segment_type,
	'batch', segment.batch,
	'current_segment_id', task_mgmt.id_as_json(segment.current_segment_id),
	'skeleton_path_length_mm', segment.skeleton_path_length_mm,
	'pre_synapse_count', segment.pre_synapse_count,
	'post_synapse_count', segment.post_synapse_count,
	'last_merge_at', segment.last_merge_at
)) || case when segment.extra_data is null then '{}' else jsonb_build_object('extra_data', segment.extra_data) end;
comment on function task_mgmt.segment_as_json(task_mgmt.segment_details) is 'Internal: a segment in the shape that get_segment returns.';

-- The one rule for which of several segments under one present root stays: place 1. A determined type comes before an
-- undetermined one; then comes the segment whose completed tasks were leased last, then the one that was merged first (never
-- counts as first), then the oldest.
create view task_mgmt.ranked_duplicates as
select s.project_name, s.current_segment_id, s.seed_id,
	row_number() over (
		partition by s.project_name, s.current_segment_id
		order by coalesce(s.expected_segment_type, 'undetermined') = 'undetermined', c.last_leased_ts desc nulls last,
			s.last_merge_at nulls first, s.created_at, s.seed_id
	) as place
from (
	select d.project_name, d.current_segment_id, d.seed_id, d.expected_segment_type, d.last_merge_at, d.created_at,
		count(*) over (partition by d.project_name, d.current_segment_id) as size
	from task_mgmt.segment d
	where d.status <> 'Duplicate' and d.current_segment_id is not null and d.current_segment_id <> 0
) s
cross join lateral (
	select max(t.last_leased_ts) as last_leased_ts
	from task_mgmt.segment_tasks own
	join task_mgmt.task t on t.project_name = s.project_name and t.task_no = own.task_no
	where own.project_name = s.project_name and own.seed_id = s.seed_id and t.status = 'completed'
) c
where s.size > 1;
comment on view task_mgmt.ranked_duplicates is 'Internal: segments that share their present root, in all projects; place 1 stays.';

create view task_mgmt.segment_types with (security_barrier) as
select project_name, type_name, sample_segment_ids, description, region_mesh, seed_mask, instruction, instruction_link,
	created_at, updated_at
from task_mgmt.segment_type
where project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.segment_types is 'Segment types: kinds of cells, say.';
comment on column task_mgmt.segment_types.project_name is 'The project.';
comment on column task_mgmt.segment_types.type_name is 'The type''s name within the project.';
comment on column task_mgmt.segment_types.sample_segment_ids is 'Segments that show what the type looks like.';
comment on column task_mgmt.segment_types.description is 'What the type is.';
comment on column task_mgmt.segment_types.region_mesh is 'Where the mesh of the region is in which the type occurs.';
comment on column task_mgmt.segment_types.seed_mask is 'Where the volume is that marks possible seeds.';
comment on column task_mgmt.segment_types.instruction is 'What whoever works on a segment of this type must know.';
comment on column task_mgmt.segment_types.instruction_link is 'Where more of that is written.';
comment on column task_mgmt.segment_types.created_at is 'When it was created.';
comment on column task_mgmt.segment_types.updated_at is 'When it was last changed.';

create view task_mgmt.segments with (security_barrier) as
select project_name, seed_id, seed_x, seed_y, seed_z, root_x, root_y, root_z, task_ids, segment_type,
	expected_segment_type, batch, current_segment_id, skeleton_path_length_mm, pre_synapse_count, post_synapse_count,
	status, is_exported, created_at, updated_at, last_modified, last_merge_at, extra_data
from task_mgmt.segment_details
where project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.segments is 'Segments: neurons, say, each known by the supervoxel at its seed.';
comment on column task_mgmt.segments.project_name is 'The project.';
comment on column task_mgmt.segments.seed_id is 'The supervoxel at the seed: 0 to 2^64-1.';
comment on column task_mgmt.segments.seed_x is 'The seed''s x, in voxels of the project''s resolution.';
comment on column task_mgmt.segments.seed_y is 'The seed''s y, in voxels of the project''s resolution.';
comment on column task_mgmt.segments.seed_z is 'The seed''s z, in voxels of the project''s resolution.';
comment on column task_mgmt.segments.root_x is 'The root''s x (of a neuron: at its soma), in voxels of the project''s resolution; null if unknown.';
comment on column task_mgmt.segments.root_y is 'The root''s y, in voxels of the project''s resolution; null if unknown.';
comment on column task_mgmt.segments.root_z is 'The root''s z, in voxels of the project''s resolution; null if unknown.';
comment on column task_mgmt.segments.task_ids is 'Its tasks, in order of creation: those of this seed, and those linked to it.';
comment on column task_mgmt.segments.segment_type is 'The segment type that it was found to be; null if unknown.';
comment on column task_mgmt.segments.expected_segment_type is 'The segment type that its tasks ask of a user; null if none.';
comment on column task_mgmt.segments.batch is 'The batch that it came with.';
comment on column task_mgmt.segments.current_segment_id is 'The present root of the supervoxel at the seed; null if unknown.';
comment on column task_mgmt.segments.skeleton_path_length_mm is 'Length of its skeleton, in millimetres.';
comment on column task_mgmt.segments.pre_synapse_count is 'How many synapses it is presynaptic of.';
comment on column task_mgmt.segments.post_synapse_count is 'How many synapses it is postsynaptic of.';
comment on column task_mgmt.segments.status is 'How far its proofreading is: Raw, Proofread, Duplicate, Wrong type, Verified.';
comment on column task_mgmt.segments.is_exported is 'A mark for the project''s own use.';
comment on column task_mgmt.segments.created_at is 'When it was created.';
comment on column task_mgmt.segments.updated_at is 'When it was last changed here.';
comment on column task_mgmt.segments.last_modified is 'When the segment itself was last modified, as the project knows it.';
comment on column task_mgmt.segments.last_merge_at is 'When another segment was last merged into it; null if never.';
comment on column task_mgmt.segments.extra_data is 'Whatever else the project keeps with it.';

create view task_mgmt.endpoints with (security_barrier) as
select project_name, endpoint_id, seed_id, x, y, z, status, user_id, created_at, updated_at
from task_mgmt.endpoint
where project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.endpoints is 'Where segments end, may go on, or were marked on the way.';
comment on column task_mgmt.endpoints.project_name is 'The project.';
comment on column task_mgmt.endpoints.endpoint_id is 'A number.';
comment on column task_mgmt.endpoints.seed_id is 'The segment.';
comment on column task_mgmt.endpoints.x is 'In voxels of the project''s resolution.';
comment on column task_mgmt.endpoints.y is 'In voxels of the project''s resolution.';
comment on column task_mgmt.endpoints.z is 'In voxels of the project''s resolution.';
comment on column task_mgmt.endpoints.status is 'CERTAIN (an end), UNCERTAIN (may go on), CONTINUED (tracing went on from here) or BREADCRUMB (a mark on the way).';
comment on column task_mgmt.endpoints.user_id is 'Who made it.';
comment on column task_mgmt.endpoints.created_at is 'When it was made.';
comment on column task_mgmt.endpoints.updated_at is 'When it was given its status.';

create view task_mgmt.endpoint_updates with (security_barrier) as
select project_name, update_id, endpoint_id, user_id, new_status, updated_at
from task_mgmt.endpoint_update
where project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.endpoint_updates is 'The history of endpoints: every status that one was given, also of endpoints that are gone.';
comment on column task_mgmt.endpoint_updates.project_name is 'The project.';
comment on column task_mgmt.endpoint_updates.update_id is 'A number; later updates of an endpoint have larger ones.';
comment on column task_mgmt.endpoint_updates.endpoint_id is 'The endpoint.';
comment on column task_mgmt.endpoint_updates.user_id is 'Who gave it the status.';
comment on column task_mgmt.endpoint_updates.new_status is 'The status.';
comment on column task_mgmt.endpoint_updates.updated_at is 'When that was.';

create view task_mgmt.locked_segments with (security_barrier) as
select project_name, segment_id, created_at
from task_mgmt.locked_segment
where project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.locked_segments is 'Segments that nobody is to edit any more.';
comment on column task_mgmt.locked_segments.project_name is 'The project.';
comment on column task_mgmt.locked_segments.segment_id is 'The id of its root: 0 to 2^64-1.';
comment on column task_mgmt.locked_segments.created_at is 'When it was locked.';
