-- Work goes on where it stood.
\set QUIET on
\set ON_ERROR_STOP on
set task_mgmt.fake_now = '2030-01-01 00:00:59+00';
do $$
declare
	before bigint := (select max(event_no) from task_mgmt.event);
begin
	assert (select count(*) from task_mgmt.check_invariants()) = 0, 'an invariant is broken';

	-- No number is given twice: of a user, a lane, an event, a task.
	perform create_user('dump', '{"user_id": "carl", "qualified_task_types": ["trace", "new"], "qualified_segment_types": ["axon"]}');
	perform create_task_type('dump', '{"task_type": "new"}');
	assert create_task('dump', '{"task_type": "new"}')::bigint > before, 'a number was given twice';
	assert create_split_edit('dump', 'done', 'bob', '[]', '[]') = 2 and create_merge_edit('dump', 'done', 'bob', '[]') = 2, 'an edit''s number';
	assert update_supervoxels_for_merge('dump', '{18446744073709551611}', 1, 'event 🧠', '2030-01-01 00:00:00+00') = 0, 'applied twice';
	assert (select seed_id from claim_segment_update('dump')) = 18446744073709551613, 'an update is lost';

	assert list_facts('dump', '{"q": "über", "tag": "a,b", "metadata": {"n": 1.1}, "read_by": "held"}') -> 'total' = '1', 'a fact is not found';
	assert list_facts('dump', '{"q": "über"}') #>> '{items,0,fact_id}' = 'fact 🧠', 'a fact is not found by its index';

	-- The history of a claim, its takeover and its completion goes on, with the handler and the limits that were set.
	assert start_task('dump', 'bob') = 'mine', 'not what is assigned to bob';
	assert release_task('dump', 'bob', 'mine', 'Done');
	assert start_task('dump', 'bob') = 'after', 'not the oldest that is free';
	assert verify_task('dump', 'after', 'Done')->>'message' = 'restored';
	perform set_config('task_mgmt.fake_now', '2030-01-01 00:01:00+00', true);
	assert start_task('dump', 'carl', 'held') = 'held', 'not taken over';
	assert release_task('dump', 'carl', 'held', 'Can''t Continue');
	assert list_conversations('dump', 'held') #>> '{0,status}' = 'processed', 'a conversation was overlooked';
	assert (get_task('dump', 'waits')->>'is_active')::boolean, 'still waits';
	assert update_task('dump', 'review', '{"completion_status": "Perfect"}');
	assert get_task_feedback('dump', 'bob')->0->>'feedback_color' = 'green', 'the built-in handler is not found';
	assert release_task('dump', 'fay', 'shared#2', 'Fair');
	assert get_task('dump', 'shared')->>'completion_status' = 'Fair', 'copies agree without effect';
	assert get_total_task_time('dump', 'done') = 12.345;
	perform set_config('task_mgmt.fake_now', '2030-01-01 02:00:00.5+00', true);
	assert (select array_agg(due_at) from run_due_schedules('dump')) = '{2030-01-01 02:00:00+00}', 'a due time is lost or comes again';
	assert (select count(*) from task_mgmt.check_invariants()) = 0, 'an invariant is broken now';

	-- A consumer goes on reading, as soon as nobody is left who was at something before.
	assert not publish_event('dump', 'again', dedupe_key => E'once\U0001F9E0'), 'published twice';
	perform set_config('task_mgmt.fake_now', '2031-01-01 00:00:00+00', true);
	loop
		exit when (select payload->'data'->>'accuracy' from read_events('dump', 'reader')) = '0.12345678901234567890';
		perform pg_sleep(0.01);
	end loop;
	assert fail_event('dump', 'reader', (select event_no from read_events('dump', 'reader')), 'again') = 'retrying';
	assert (select failures from task_mgmt.failed_event) = 2, 'failures are forgotten';
end $$;

-- Who was granted access has it, and who was bound is still.
set role "dump Worker";
do $$ begin
	assert list_all_projects() = '{dump}';
	assert start_task('dump', 'anna') is not null;
end $$;
reset role;
