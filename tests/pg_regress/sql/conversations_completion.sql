-- Conversations: a completion deals with those that existed when the task was claimed.

select create_project('p'), create_task_type('p', '{"task_type": "t", "completion_statuses": ["Done"]}'),
	create_user('p', '{"user_id": "u", "qualified_task_types": ["t"]}'), create_user('p', '{"user_id": "v", "qualified_task_types": ["t"]}');
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';

create function said(task text) returns text language sql as $$
	select string_agg(concat_ws(' ', item ->> 'content', item ->> 'status', item ->> 'processed_at'), ', ' order by place)
	from jsonb_array_elements(list_conversations('p', task)) with ordinality as items (item, place)
$$;

-- C10: exactly the active ones; what came after the claim, and what is archived, is left alone.
select create_task('p', '{"task_id": "one", "task_type": "t", "conversations": [{"content": "a"}, {"content": "b", "status": "archived"}, {"content": "c", "status": "processed"}]}');
select create_conversation('p', 'one', '{"content": "d"}') <> '' as d, start_task('p', 'u', 'one'), create_conversation('p', 'one', '{"content": "e"}') <> '' as e;
set task_mgmt.fake_now = '2030-01-02 00:00:00+00';
select release_task('p', 'u', 'one', 'Done'), said('one');
select content, updated_at from task_mgmt.conversations order by conversation_id::bigint;
select completed_at from task_mgmt.tasks;

-- A second release of the same changes nothing; nor does work that is done again deal with what was dealt with.
set task_mgmt.fake_now = '2030-01-03 00:00:00+00';
select release_task('p', 'u', 'one', 'Done'), said('one');
select reactivate_task('p', 'one'), start_task('p', 'v', 'one'), release_task('p', 'v', 'one', 'Done'), said('one');

-- Handing back and a refused completion leave all as they are.
select create_task('p', '{"task_id": "two", "task_type": "t", "conversations": [{"content": "a"}]}'), start_task('p', 'u', 'two'), release_task('p', 'u', 'two'), said('two');
select start_task('p', 'u', 'two'), start_task('p', 'v') as nothing;
select release_task('p', 'v', 'two', 'Done');
select release_task('p', 'u', 'two', 'Odd');
select said('two');

-- C10: one transaction: what is taken back is taken back for both.
begin;
select release_task('p', 'u', 'two', 'Done'), said('two');
rollback;
select said('two');

-- A takeover is a claim of its own.
select create_conversation('p', 'two', '{"content": "between"}') <> '' as between;
set task_mgmt.fake_now = '2030-01-04 00:00:00+00';
select start_task('p', 'v', 'two'), create_conversation('p', 'two', '{"content": "after"}') <> '' as after, release_task('p', 'v', 'two', 'Done'), said('two');

-- A task that is brought in with its holder is claimed with its conversations; so is one that a manager completes for the holder.
select create_task('p', '{"task_id": "held", "task_type": "t", "active_user_id": "u", "conversations": [{"content": "with it"}]}');
select create_conversation('p', 'held', '{"content": "later"}') <> '' as later, update_task('p', 'held', '{"completion_status": "Done"}'), said('held');

-- Nobody has claimed what a manager completes otherwise, or what is cancelled.
select create_tasks('p', '[{"task_id": "free", "task_type": "t", "conversations": [{"content": "a"}]}, {"task_id": "cancelled", "task_type": "t", "conversations": [{"content": "a"}]}]');
select update_task('p', 'free', '{"completion_status": "Done", "completed_user_id": "u"}'), start_task('p', 'u', 'cancelled'), cancel_task('p', 'cancelled'), said('free'), said('cancelled');

-- C11: a failure leaves all as they are, too, and its error is kept; who is asked again deals with them.
select create_user('p', '{"user_id": "m", "qualified_task_types": ["t"], "capacity": "unlimited"}');
select create_task('p', '{"task_id": "three", "task_type": "t", "agent": "m", "max_attempts": 1, "conversations": [{"content": "a"}]}');
select fail_task('p', task_id, lease_token, 'broken') from claim_tasks('p', 'm', own_tasks => 'only');
select said('three'), status, error from task_mgmt.tasks where task_id = 'three';
select requeue_failed('p');
select complete_task('p', task_id, lease_token, completion_status => 'Done') from claim_tasks('p', 'm', own_tasks => 'only');
select said('three'), status from task_mgmt.tasks where task_id = 'three';

select * from task_mgmt.check_invariants();
drop function said;
select delete_project('p', cascade => true);
