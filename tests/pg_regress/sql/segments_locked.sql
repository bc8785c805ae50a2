-- Locked segments: what nobody is to edit any more.

select create_project('p'), create_project('q');

select lock_segments('p', '{3, 1, 18446744073709551615, 1}'), lock_segments('p', '{1, 0}') as again, lock_segments('p', '{}') as none;
select project_name, segment_id from task_mgmt.locked_segments order by segment_id;

-- What is not locked comes back in the order given, as often as given; locks are of one project.
select get_unlocked_segments('p', '{5, 1, 4, 5, 18446744073709551615, 18446744073709551614, 0}'), get_unlocked_segments('p', '{1, 3}') as none,
	get_unlocked_segments('q', '{3, 1}') as other, get_unlocked_segments('p', '{}') as nothing;
select unlock_segments('p', '{1, 18446744073709551615, 7}'), unlock_segments('p', '{1}') as again, get_unlocked_segments('p', '{1, 3}');

-- Without ids nothing is checked, else the project must exist.
select get_unlocked_segments('none', '{}');
select get_unlocked_segments('none', '{1}');
select lock_segments('none', '{}');
select unlock_segments('none', '{1}');

-- Bad ids are named.
select lock_segments('p', '{1, -1}');
select lock_segments('p', '{1.5}');
select unlock_segments('p', '{18446744073709551616}');
select get_unlocked_segments('p', '{1, null}');
select get_unlocked_segments('p', null);

select delete_project('p'), delete_project('q');
select count(*) from task_mgmt.locked_segments;
