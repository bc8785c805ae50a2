-- Edit events: supervoxels, segments and the queue of updates follow, once for each event, whatever the order of arrival.

select create_project('p'), create_project('q');
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-02 00:00:00+00';
-- Gives project p supervoxels and segments: an array of [supervoxel or null, its root, segment or null, its root or null].
create function begin_with(data jsonb) returns void language plpgsql as $$ begin
	perform set_config('task_mgmt.fake_now', '2030-01-01 00:00:00+00', true);
	perform delete_project('p', cascade => true), create_project('p');
	perform create_supervoxels('p', (select coalesce(jsonb_agg(jsonb_build_object('supervoxel_id', r->0, 'seed_x', 1, 'seed_y', 2, 'seed_z', 3, 'current_segment_id', r->1)), '[]')
		from jsonb_array_elements(data) r where r->>0 is not null));
	perform create_segments('p', (select coalesce(jsonb_agg(jsonb_build_object('seed_id', r->2, 'seed_x', 1, 'seed_y', 2, 'seed_z', 3, 'current_segment_id', r->3)), '[]')
		from jsonb_array_elements(data) r where r->>2 is not null));
	perform set_config('task_mgmt.fake_now', '2030-01-02 00:00:00+00', true);
end $$;
create view state as
select 'supervoxel' as what, supervoxel_id as id, current_segment_id as root, moved_at::time(0) as moved_at, null::time(0) as last_merge_at, updated_at::date as updated_at, null as in_queue
from task_mgmt.supervoxel where project_name = 'p'
union all
select 'segment', s.seed_id, s.current_segment_id, m.moved_at::time(0), s.last_merge_at::time(0), s.updated_at::date, u.status::text
from task_mgmt.segment s
left join lateral (select max(moved_at) as moved_at from task_mgmt.segment_move m where m.project_name = s.project_name and m.seed_id = s.seed_id) m on true
left join task_mgmt.segment_update u using (project_name, seed_id)
where project_name = 'p'
order by 1 desc, 2;

-- A merge moves the supervoxels of the old roots; the segments with these seeds or roots follow. Others stay, also in other projects.
select begin_with('[[1, 100, 1, 100], [2, 200, 2, null], [3, 300, 3, 300], [null, null, 4, 200], [18446744073709551615, 200, null, null]]');
select create_supervoxel('q', '{"supervoxel_id": 1, "seed_x": 1, "seed_y": 2, "seed_z": 3, "current_segment_id": 100}');
select update_supervoxels_for_merge('p', '{200, 100}', 18446744073709551614, 'm', '2030-01-01 01:00+00');
select * from state;
select get_supervoxel('q', 1)->'current_segment_id' as in_q;
select jsonb_pretty(get_segment_edit_event('p', 'm'));
select * from task_mgmt.segment_edit_events where project_name = 'p';

-- A second delivery changes nothing, whatever it says; in another project the name is another event.
select update_supervoxels_for_merge('p', '{300}', 5, 'm', '2030-01-01 02:00+00'), update_supervoxels_for_split('p', 300, '{5}', '{"3": 5}', 'm', '2030-01-01 02:00+00');
select root from state where id = 3;
select update_supervoxels_for_merge('q', '{100}', 5, 'm', '2030-01-01 02:00+00', 'undo of a split'), get_segment_edit_event('q', 'm')->>'operation_type' as operation_type;

-- A split moves what is assigned; a segment with the old root whose seed is not assigned is only looked up again.
select begin_with('[[1, 100, 1, 100], [2, 100, 2, 100], [3, 100, 3, 100], [4, 100, 4, 50], [5, 500, 5, 500], [null, null, 6, 100], [null, null, 7, 100], [null, null, 8, 800]]');
select update_supervoxels_for_split('p', 100, '{101, 102}', '{"1": 101, "2": "102", "4": 101, "5": 102, "6": 102, "8": 101, "99": 101}', 's', '2030-01-01 01:00+00');
select * from state;
select get_segment_edit_event('p', 's') - 'processed_at' as event;
select update_supervoxels_for_split('p', 100, '{101, 102}', '{"3": 101}', 's', '2030-01-01 01:00+00') as again, get_supervoxel('p', 3)->'current_segment_id' as still;

-- Nothing to move is an event all the same.
select update_supervoxels_for_split('p', 7, '{8, 9}', '{}', 'empty split', '2030-01-01 01:00+00'), update_supervoxels_for_merge('p', '{}', 8, 'empty merge', '2030-01-01 01:00+00');
select event_id, old_root_ids, new_root_ids, supervoxels_moved, segments_moved from task_mgmt.segment_edit_events where project_name = 'p' and event_id ~ 'empty' order by 1;

-- An event that arrives late does not undo a newer one, even if ids come back.
select begin_with('[[1, 100, 1, 100], [null, null, 2, 100], [3, 100, 3, 100]]');
select update_supervoxels_for_split('p', 100, '{100, 101}', '{"1": 100, "2": 100, "3": 101}', 'newer', '2030-01-01 02:00+00');
select update_supervoxels_for_merge('p', '{100, 200}', 300, 'older', '2030-01-01 01:00+00') as moved;
select * from state;
select update_supervoxels_for_split('p', 50, '{51}', '{"1": 51, "2": 51, "3": 51}', 'older split', '2030-01-01 01:59:59+00') as moved;
select * from state;
select get_segment_edit_event('p', 'older')->'segments_moved' as by_older, get_segment_edit_event('p', 'older split')->'segments_moved' as by_older_split;

-- Of two edits of one moment the one that arrives last is newer.
select update_supervoxels_for_merge('p', '{100}', 400, 'same moment', '2030-01-01 02:00+00') as moved, get_supervoxel('p', 1)->'current_segment_id' as root;

-- A late merge goes on to where newer ones have led: here 1 and 2 became 3, 3 and 4 became 5, 5 and 6 became 7.
select begin_with('[[10, 1, 10, 1], [20, 2, null, null], [40, 4, 40, 4], [null, null, 60, 6]]');
select update_supervoxels_for_merge('p', '{5, 6}', 7, 'third', '2030-01-01 03:00+00'), update_supervoxels_for_merge('p', '{3, 4}', 5, 'second', '2030-01-01 02:00+00'),
	update_supervoxels_for_merge('p', '{1, 2}', 3, 'first', '2030-01-01 01:00+00');
select * from state;
select event_id, old_root_ids, new_root_ids, supervoxels_moved, segments_moved from task_mgmt.segment_edit_events where project_name = 'p' order by edit_timestamp;
-- In order it comes to the same.
create temp table late as select what, id, root, last_merge_at from state;
select begin_with('[[10, 1, 10, 1], [20, 2, null, null], [40, 4, 40, 4], [null, null, 60, 6]]');
select update_supervoxels_for_merge('p', '{1, 2}', 3, 'first', '2030-01-01 01:00+00'), update_supervoxels_for_merge('p', '{3, 4}', 5, 'second', '2030-01-01 02:00+00'),
	update_supervoxels_for_merge('p', '{5, 6}', 7, 'third', '2030-01-01 03:00+00');
select count(*) from (select * from late except select what, id, root, last_merge_at from state) as difference;
drop table late;

-- A late split goes on, too; a late merge whose new root was split since stays there, and the segment is looked up again.
select begin_with('[[10, 1, 10, 1], [20, 1, 20, 1]]');
select update_supervoxels_for_merge('p', '{2, 9}', 3, 'merge after', '2030-01-01 02:00+00'), update_supervoxels_for_split('p', 3, '{4, 5}', '{}', 'split after', '2030-01-01 03:00+00'),
	update_supervoxels_for_split('p', 1, '{2, 6}', '{"10": 2, "20": 6}', 'split before', '2030-01-01 01:00+00');
select * from state;

-- Ids that come back lead nowhere for ever.
select begin_with('[[10, 1, 10, 1]]');
select update_supervoxels_for_merge('p', '{1}', 1, 'itself', '2030-01-01 02:00+00'), update_supervoxels_for_merge('p', '{1}', 1, 'itself again', '2030-01-01 01:00+00'),
	update_supervoxels_for_merge('p', '{1}', 2, 'there', '2030-01-01 03:00+00'), update_supervoxels_for_merge('p', '{2}', 1, 'and back', '2030-01-01 03:00+00'),
	update_supervoxels_for_merge('p', '{5}', 1, 'late', '2030-01-01 00:00+00');
select * from state;

-- What a merge did before does not make last_merge_at go back; a segment that somebody gave another root since is still moved by its seed.
select begin_with('[[1, 100, 1, 999]]');
update task_mgmt.segment set last_merge_at = '2030-01-01 23:00+00';
select update_supervoxels_for_merge('p', '{100}', 200, 'm', '2030-01-01 01:00+00');
select * from state;

-- Supervoxels that are made of segments remember what moved these.
select begin_with('[[null, null, 1, 100]]');
select update_supervoxels_for_merge('p', '{100}', 200, 'newer', '2030-01-01 02:00+00'), populate_supervoxels_from_segments('p'),
	update_supervoxels_for_split('p', 100, '{101}', '{"1": 101}', 'older', '2030-01-01 01:00+00');
select * from state;

-- Roots that are named twice are one; the order stays.
select update_supervoxels_for_merge('p', '{9, 8, 9}', 10, 'twice', '2030-01-01 01:00+00'), get_segment_edit_event('p', 'twice')->'old_root_ids' as old_root_ids;

-- A bad argument is refused, and nothing is recorded.
select update_supervoxels_for_merge('p', '{1, -1}', 2, 'bad', '2030-01-01+00');
select update_supervoxels_for_merge('p', '{1, null}', 2, 'bad', '2030-01-01+00');
select update_supervoxels_for_merge('p', '{1, 0.5}', 2, 'bad', '2030-01-01+00');
select update_supervoxels_for_merge('p', null, 2, 'bad', '2030-01-01+00');
select update_supervoxels_for_merge('p', '{1}', 18446744073709551616, 'bad', '2030-01-01+00');
select update_supervoxels_for_merge('p', '{1}', 'NaN', 'bad', '2030-01-01+00');
select update_supervoxels_for_merge('p', '{1}', 2, '', '2030-01-01+00');
select update_supervoxels_for_merge('p', '{1}', 2, null, '2030-01-01+00');
select update_supervoxels_for_merge('p', '{1}', 2, 'bad', null);
select update_supervoxels_for_merge('p', '{1}', 2, 'bad', 'infinity');
select update_supervoxels_for_merge('p', '{1}', 2, 'bad', '-infinity');
select update_supervoxels_for_merge('p', '{1}', 2, 'bad', '2030-01-03 00:00:01+00');
select update_supervoxels_for_merge('p', '{1}', 2, 'bad', '2030-01-01+00', '');
select update_supervoxels_for_split('p', 1, '{2, 3}', '{"1": 4}', 'bad', '2030-01-01+00');
select update_supervoxels_for_split('p', 1, '{2, 3}', '{"-1": 2}', 'bad', '2030-01-01+00');
select update_supervoxels_for_split('p', 1, '{2, 3}', '{"1": 2, "01": 3}', 'bad', '2030-01-01+00');
select update_supervoxels_for_split('p', 1, '{2, 3}', '{"1": null}', 'bad', '2030-01-01+00');
select update_supervoxels_for_split('p', 1, '{2, 3}', '[[1, 2]]', 'bad', '2030-01-01+00');
select update_supervoxels_for_split('p', -1, '{2, 3}', '{}', 'bad', '2030-01-01+00');
select update_supervoxels_for_split('p', 1, '{2, 99999999999999999999}', '{}', 'bad', '2030-01-01+00');
select update_supervoxels_for_merge('none', '{1}', 2, 'bad', '2030-01-01+00');
select get_segment_edit_event('p', 'bad');
select get_segment_edit_event('none', 'm');

select * from task_mgmt.check_invariants();
select begin_with('[]');
select delete_project('p'), delete_project('q');
drop view state;
drop function begin_with;
