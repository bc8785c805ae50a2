-- The queue of updates: leased one by one, tried again, never lost.

select create_project('p'), create_project('q'), create_project('r');
select count(create_segment(project, jsonb_build_object('seed_id', seed, 'seed_x', 1, 'seed_y', 2, 'seed_z', 3, 'current_segment_id', root)))
from (values ('p', 1, 100), ('p', 2, 200), ('p', 3, 200), ('p', 18446744073709551615, 18446744073709551614), ('p', 5, null), ('q', 1, 100), ('r', 1, 100)) s (project, seed, root);
create view queue as
select seed_id, current_segment_id as root, status, retry_count as retries, error_message as error, created_at::time(0), last_attempt::time(0), available_at::time(0), worker, is_requeued as requeued
from task_mgmt.segment_update_queue where project_name = 'p' order by seed_id;
set timezone = 'UTC';

-- Asked for by root or by seed; unknown ones are passed over.
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select queue_segment_updates('p', '{200, 7}') as by_root, queue_segment_updates('p', '{}') as none;
set task_mgmt.fake_now = '2030-01-01 00:00:01+00';
select queue_segment_updates('p', '{18446744073709551614, 18446744073709551614}') as by_root, queue_segment_updates_for_seeds('p', '{5, 6}') as by_seed;
select * from queue;
select count(*) from task_mgmt.segment_update_queue where project_name <> 'p';

-- Oldest first, each to one worker.
set task_mgmt.fake_now = '2030-01-01 00:00:10+00';
select seed_id, current_segment_id, attempt from claim_segment_update('p', 'ann');
select token as token_2 from task_mgmt.segment_update where seed_id = 2 \gset
select seed_id, current_segment_id, attempt from claim_segment_update('p', 'bob', 10);
select token as token_3 from task_mgmt.segment_update where seed_id = 3 \gset
set task_mgmt.fake_now = '2030-01-01 00:00:11+00';
select project_name, seed_id, current_segment_id, attempt from claim_segment_update('p', 'ann');
select seed_id, current_segment_id from claim_segment_update('p');
select * from claim_segment_update('p');
select * from queue;
select get_segment_update_stats('p');

-- Done, once; with another token nothing happens.
select complete_segment_update('p', 2, :token_2 + 1) as other_token, complete_segment_update('p', 2, :token_2) as done, complete_segment_update('p', 2, :token_2) as again,
	complete_segment_update('p', 77, 1) as no_update, extend_segment_update('p', 2, :token_2) as over, fail_segment_update('p', 2, :token_2, 'late') is null as over_too;

-- A lease can be made longer, and ends by itself: then somebody else gets the update, and the first worker hears of it.
set task_mgmt.fake_now = '2030-01-01 00:00:19+00';
select extend_segment_update('p', 3, :token_3, 20), extend_segment_update('p', 3, :token_3 + 1, 20);
set task_mgmt.fake_now = '2030-01-01 00:00:38+00';
select count(*) from claim_segment_update('p');
set task_mgmt.fake_now = '2030-01-01 00:00:39+00';
select seed_id, attempt from claim_segment_update('p', 'cat', 30);
select complete_segment_update('p', 3, :token_3), extend_segment_update('p', 3, :token_3), fail_segment_update('p', 3, :token_3, 'too late') is null as lost;
select status, retries, worker from queue where seed_id = 3;
-- As long as nobody has claimed it, the end of the lease does no harm.
select token as token_3 from task_mgmt.segment_update where seed_id = 3 \gset
set task_mgmt.fake_now = '2030-01-01 00:01:10+00';
select complete_segment_update('p', 3, :token_3);
select * from queue where seed_id in (2, 3);

-- What fails waits 2, 4, 8 and so on up to 300 seconds, and lets others go first.
set task_mgmt.fake_now = '2030-01-01 00:10:00+00';
select queue_segment_updates_for_seeds('p', '{1}');
delete from task_mgmt.segment_update where seed_id <> 1;
do $$ declare c record; begin
	for attempt in 1..10 loop
		perform set_config('task_mgmt.fake_now', (select available_at::text from task_mgmt.segment_update where seed_id = 1), false);
		select * into strict c from claim_segment_update('p', 'ann') where seed_id = 1;
		raise notice 'attempt %: %, waits %', c.attempt, fail_segment_update('p', 1, c.token, 'no answer', 0),
			(select available_at - last_attempt from task_mgmt.segment_update where seed_id = 1);
	end loop;
end $$;
set task_mgmt.fake_now = '2030-01-01 00:50:00+00';
select queue_segment_updates_for_seeds('p', '{1}');
select retries, error, available_at from queue where seed_id = 1;
set task_mgmt.fake_now = '2030-01-01 00:50:01+00';
select fail_segment_update('p', 1, token, 'down') from claim_segment_update('p');
set task_mgmt.fake_now = '2030-01-01 00:50:02+00';
select queue_segment_updates_for_seeds('p', '{2}');
select seed_id from claim_segment_update('p');
set task_mgmt.fake_now = '2030-01-01 00:50:03+00';
select seed_id, attempt from claim_segment_update('p');

-- After max_retries failures it is given up, until somebody asks again.
set task_mgmt.fake_now = '2030-01-01 00:50:04+00';
select fail_segment_update('p', 1, (select token from task_mgmt.segment_update where project_name = 'p' and seed_id = 1), repeat('é', 3000), 2);
select status, retries, length(error) as length, available_at from queue where seed_id = 1;
set task_mgmt.fake_now = '2030-01-01 00:59:00+00';
select seed_id from claim_segment_update('p', lease_seconds => 1);
select queue_segment_updates_for_seeds('p', '{1}');
select status, retries, error, available_at from queue where seed_id = 1;

-- What is asked for while a worker is at it is not lost: the end of the attempt makes it pending again, however it ends.
set task_mgmt.fake_now = '2030-01-01 00:59:02+00';
select token as token_1 from claim_segment_update('p') where seed_id = 1 \gset
set task_mgmt.fake_now = '2030-01-01 00:59:03+00';
select queue_segment_updates_for_seeds('p', '{1}');
select * from queue where seed_id = 1;
set task_mgmt.fake_now = '2030-01-01 00:59:04+00';
select complete_segment_update('p', 1, :token_1);
select * from queue where seed_id = 1;
select token as token_1 from claim_segment_update('p') where seed_id = 1 \gset
set task_mgmt.fake_now = '2030-01-01 00:59:05+00';
select queue_segment_updates('p', '{100}'), fail_segment_update('p', 1, :token_1, 'given up?', 1);
select * from queue where seed_id = 1;
-- Who claims it after a lease has ended starts after the request, so there is nothing left to repeat.
set task_mgmt.fake_now = '2030-01-01 00:59:10+00';
select token as token_1 from claim_segment_update('p', lease_seconds => 1) where seed_id = 1 \gset
set task_mgmt.fake_now = '2030-01-01 00:59:11+00';
select queue_segment_updates_for_seeds('p', '{1}');
set task_mgmt.fake_now = '2030-01-01 00:59:12+00';
select seed_id, attempt, complete_segment_update('p', seed_id, token) from claim_segment_update('p') where seed_id = 1;
select status from queue where seed_id = 1;

-- Who waits keeps the place in the queue when asked for again; created_at says when that was.
delete from task_mgmt.segment_update;
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select queue_segment_updates_for_seeds('p', '{3}');
set task_mgmt.fake_now = '2030-01-01 00:00:01+00';
select queue_segment_updates_for_seeds('p', '{2}');
set task_mgmt.fake_now = '2030-01-01 00:00:02+00';
select queue_segment_updates_for_seeds('p', '{3}');
select seed_id, created_at, available_at from queue;
select seed_id from claim_segment_update('p');

-- Without a project: the oldest of all in which the caller may work.
set task_mgmt.fake_now = '2030-01-01 00:00:03+00';
select queue_segment_updates('r', '{100}');
set task_mgmt.fake_now = '2030-01-01 00:00:04+00';
select queue_segment_updates('q', '{100}');
create role regress_one;
create role regress_two;
select grant_access('regress_one', 'worker', 'q'), grant_access('regress_two', 'reader'), grant_access('regress_two', 'worker', 'r');
set role regress_one;
select project_name, seed_id from claim_segment_update();
select project_name, seed_id from claim_segment_update();
select * from claim_segment_update('p');
reset role;
select project_name, worker from task_mgmt.segment_update_queue where status = 'processing' order by 1;
select project_name, seed_id from claim_segment_update(worker => 'all');
set role regress_two;
select project_name, seed_id from claim_segment_update();
reset role;
select * from claim_segment_update();

-- Completed ones go after some days.
delete from task_mgmt.segment_update;
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select queue_segment_updates_for_seeds('p', '{1, 2, 3}');
select complete_segment_update('p', seed_id, token) from claim_segment_update('p');
set task_mgmt.fake_now = '2030-01-07 00:00+00';
select complete_segment_update('p', seed_id, token) from claim_segment_update('p');
set task_mgmt.fake_now = '2030-01-08 00:00+00';
select get_segment_update_stats('p'), cleanup_completed_updates('p') as not_yet, cleanup_completed_updates('q') as elsewhere;
set task_mgmt.fake_now = '2030-01-08 00:00:01+00';
select cleanup_completed_updates('p') as first, cleanup_completed_updates('p', 0) as others, get_segment_update_stats('p');

-- A bad argument is refused.
select queue_segment_updates('p', '{-1}');
select queue_segment_updates('p', null);
select queue_segment_updates_for_seeds('p', '{18446744073709551616}');
select queue_segment_updates_for_seeds('p', '{null}');
select queue_segment_updates('none', '{1}');
select * from claim_segment_update('none');
select * from claim_segment_update('p', '');
select * from claim_segment_update('p', lease_seconds => 0);
select * from claim_segment_update('p', lease_seconds => 86401);
select * from claim_segment_update('p', lease_seconds => null);
select extend_segment_update('p', 1, 1, -1);
select extend_segment_update('p', 0.5, 1);
select complete_segment_update('p', 1, null);
select complete_segment_update('none', 1, 1);
select fail_segment_update('p', 1, 1, null);
select fail_segment_update('p', 1, 1, 'x', null);
select get_segment_update_stats('none');
select cleanup_completed_updates('p', -1);
select cleanup_completed_updates('none');

reset task_mgmt.fake_now;
select * from task_mgmt.check_invariants();
select delete_project('p', true), delete_project('q', true), delete_project('r', true), revoke_access('regress_two');
drop view queue;
drop role regress_one, regress_two;
