-- What people read of edits, supervoxels and the updates of segments. A view shows a caller the projects that the caller may read.

create view task_mgmt.split_edits with (security_barrier) as
select e.project_name, e.edit_id, t.task_id, e.user_id, e.sources, e.sinks, e.created_at
from task_mgmt.split_edit e
join task_mgmt.task t on t.project_name = e.project_name and t.task_no = e.task_no
where e.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.split_edits is 'What users split while they worked on tasks.';
comment on column task_mgmt.split_edits.project_name is 'The project.';
comment on column task_mgmt.split_edits.edit_id is 'The number of the edit.';
comment on column task_mgmt.split_edits.task_id is 'The task that it was made for.';
comment on column task_mgmt.split_edits.user_id is 'Who made it.';
comment on column task_mgmt.split_edits.sources is 'Points on one side: [segment id as text, x, y, z] in nanometres.';
comment on column task_mgmt.split_edits.sinks is 'Points on the other side, in the same form.';
comment on column task_mgmt.split_edits.created_at is 'When it was made.';

create view task_mgmt.merge_edits with (security_barrier) as
select e.project_name, e.edit_id, t.task_id, e.user_id, e.points, e.created_at
from task_mgmt.merge_edit e
join task_mgmt.task t on t.project_name = e.project_name and t.task_no = e.task_no
where e.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.merge_edits is 'What users merged while they worked on tasks.';
comment on column task_mgmt.merge_edits.project_name is 'The project.';
comment on column task_mgmt.merge_edits.edit_id is 'The number of the edit.';
comment on column task_mgmt.merge_edits.task_id is 'The task that it was made for.';
comment on column task_mgmt.merge_edits.user_id is 'Who made it.';
comment on column task_mgmt.merge_edits.points is 'The points that were joined: [segment id as text, x, y, z] in nanometres.';
comment on column task_mgmt.merge_edits.created_at is 'When it was made.';

create view task_mgmt.supervoxels with (security_barrier) as
select project_name, supervoxel_id, seed_x, seed_y, seed_z, current_segment_id, moved_at, created_at, updated_at
from task_mgmt.supervoxel
where project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.supervoxels is 'The smallest pieces of the segmentation that are kept track of.';
comment on column task_mgmt.supervoxels.project_name is 'The project.';
comment on column task_mgmt.supervoxels.supervoxel_id is 'Its id: 0 to 2^64-1.';
comment on column task_mgmt.supervoxels.seed_x is 'A point within it, x in voxels of the project''s resolution.';
comment on column task_mgmt.supervoxels.seed_y is 'The same point, y.';
comment on column task_mgmt.supervoxels.seed_z is 'The same point, z.';
comment on column task_mgmt.supervoxels.current_segment_id is 'The root that it is part of.';
comment on column task_mgmt.supervoxels.moved_at is 'The time of the edit since which it is part of that root; null if no event has moved it.';
comment on column task_mgmt.supervoxels.created_at is 'When it was created here.';
comment on column task_mgmt.supervoxels.updated_at is 'When it was changed here.';

create view task_mgmt.segment_edit_events with (security_barrier) as
select e.project_name, e.event_id,
	array(
		select r.root_id::numeric
		from task_mgmt.segment_edit_root r
		where r.project_name = e.project_name and r.event_id = e.event_id
		order by r.place) as old_root_ids,
	e.new_root_ids::numeric[] as new_root_ids, e.edit_timestamp, e.processed_at, e.operation_type, e.supervoxels_moved,
	array(
		select m.seed_id::numeric
		from task_mgmt.segment_move m
		where m.project_name = e.project_name and m.event_id = e.event_id
		order by m.seed_id) as segments_moved
from task_mgmt.segment_edit_event e
where e.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.segment_edit_events is 'Edits of the segmentation that supervoxels and segments have followed.';
comment on column task_mgmt.segment_edit_events.project_name is 'The project.';
comment on column task_mgmt.segment_edit_events.event_id is 'The name by which an event is applied once only.';
comment on column task_mgmt.segment_edit_events.old_root_ids is 'The roots that the edit replaced.';
comment on column task_mgmt.segment_edit_events.new_root_ids is 'The roots that the edit made.';
comment on column task_mgmt.segment_edit_events.edit_timestamp is 'When the segmentation was edited.';
comment on column task_mgmt.segment_edit_events.processed_at is 'When the event was applied here.';
comment on column task_mgmt.segment_edit_events.operation_type is 'What kind of edit it was: merge, split, or as the caller named it.';
comment on column task_mgmt.segment_edit_events.supervoxels_moved is 'How many supervoxels got another root by it.';
comment on column task_mgmt.segment_edit_events.segments_moved is 'The seeds of the segments that got another root by it.';

create view task_mgmt.segment_update_queue with (security_barrier) as
select u.project_name, u.seed_id, s.current_segment_id, u.status, u.created_at, u.last_attempt, u.retry_count,
	u.error_message, u.available_at, u.worker, u.is_requeued
from task_mgmt.segment_update u
left join task_mgmt.segment s on s.project_name = u.project_name and s.seed_id = u.seed_id
where u.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.segment_update_queue is 'Segments whose root and statistics are to be, are being or were read again.';
comment on column task_mgmt.segment_update_queue.project_name is 'The project.';
comment on column task_mgmt.segment_update_queue.seed_id is 'The segment.';
comment on column task_mgmt.segment_update_queue.current_segment_id is 'The root that the segment has now; null if none is known.';
comment on column task_mgmt.segment_update_queue.status is 'pending, processing, completed or failed.';
comment on column task_mgmt.segment_update_queue.created_at is 'When the update was last asked for.';
comment on column task_mgmt.segment_update_queue.last_attempt is 'When a worker last took it or told how it ended; null if never.';
comment on column task_mgmt.segment_update_queue.retry_count is 'How many attempts since then have failed, or ended without a word.';
comment on column task_mgmt.segment_update_queue.error_message is 'Why the last of these attempts failed; null if none did.';
comment on column task_mgmt.segment_update_queue.available_at is 'From when on it can be claimed (a processing one: when its lease ends); null if it is over.';
comment on column task_mgmt.segment_update_queue.worker is 'Who is at it; null if nobody is.';
comment on column task_mgmt.segment_update_queue.is_requeued is 'True if it was asked for again while a worker is at it; then it becomes pending again.';
