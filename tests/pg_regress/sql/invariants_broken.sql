-- Invariants: whatever is broken by hand is reported; a healthy database reports nothing.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Bad"]}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x"]'::jsonb)) from unnest('{u, v, w}'::text[]) u;
	perform create_tasks('p', '[{"task_id": "free", "task_type": "x"}, {"task_id": "held", "task_type": "x"}, {"task_id": "waits", "task_type": "x"},
		{"task_id": "done", "task_type": "x"}, {"task_id": "paused", "task_type": "x", "is_paused": true},
		{"task_id": "inactive", "task_type": "x", "is_active": false}, {"task_id": "mine", "task_type": "x", "assigned_user_id": "w"},
		{"task_id": "cancelled", "task_type": "x"}]'), create_task('p', '{"task_id": "shared", "task_type": "x", "overlap": 2, "is_paused": true}');
	perform create_dependency('p', '{"dependency_id": "d", "task_id": "waits", "dependent_on_task_id": "free", "required_completion_status": "Done"}');
	perform create_dependency('p', '{"dependency_id": "e", "task_id": "mine", "dependent_on_task_id": "done", "required_completion_status": "Done"}');
	perform set_config('task_mgmt.fake_now', '2030-01-01 00:00:00+00', true);
	perform start_task('p', 'u', 'done'), submit_timesheet('p', 'u', 1, 'done'), release_task('p', 'u', 'done', 'Done'), start_task('p', 'v', 'shared'), release_task('p', 'v', 'shared#1', 'Done'),
		start_task('p', 'w', 'shared'), release_task('p', 'w', 'shared#2'), start_task('p', 'u', 'held'),
		cancel_task('p', 'cancelled');
	perform create_segment_type('p', '{"type_name": "axon"}'), create_segment_type('p', '{"type_name": "soma"}');
	perform create_segment('p', '{"seed_id": 1, "seed_x": 0, "seed_y": 0, "seed_z": 0, "segment_type": "soma", "expected_segment_type": "axon"}');
	perform create_task('p', '{"task_id": "traced", "task_type": "x", "segment_seed_id": 1, "is_paused": true}'), link_segment_task('p', 1, 'done');
	perform create_endpoint('p', '{"seed_id": 1, "x": 0, "y": 0, "z": 0, "status": "CERTAIN", "user_id": "u"}');
	perform set_config('task_mgmt.fake_now', '2030-02-01 00:00:00+00', true);
	perform close_pay_period('p', '2030-01-01 00:00:00+00', '2030-01-08 00:00:00+00'), close_pay_period('p', '2030-01-08 00:00:00+00', '2030-01-15 00:00:00+00');
	perform create_split_edit('p', 'done', 'u', '[]', '[]'), create_merge_edit('p', 'done', 'u', '[]');
	perform create_segment('p', '{"seed_id": 7, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 1}');
	perform update_supervoxels_for_merge('p', '{1}', 2, 'e', now());
	perform create_fact('p', '{"fact_id": "found", "text": "x", "produced_by_task": "done"}'), create_fact('p', '{"fact_id": "said", "text": "x", "created_by": "me"}'), create_conversation('p', 'free', '{"content": "x"}');
	perform publish_event('p', 'published'), create_event_consumer('p', 'c');
end $$;
select * from task_mgmt.check_invariants();

-- Does something by hand, returns what is reported (numbers as N), and undoes it.
create function broken(statement text) returns table (invariant text, object text, detail text) language plpgsql as $$ begin
	begin
		execute replace(replace(statement, '#t', '(select task_no from task_mgmt.task where task_id = '), '#u', '(select user_no from task_mgmt.project_user where user_id = ');
		create temp table report as select * from task_mgmt.check_invariants();
		raise exception using errcode = 'UNDO0', message = (select coalesce(json_agg(r order by r.invariant, r.object, r.detail), '[]')::text from report r);
	exception when sqlstate 'UNDO0' then
		return query select j->>'invariant', regexp_replace(j->>'object', '\d{2,}', 'N', 'g'), regexp_replace(j->>'detail', '(?<=user |task |fence |period |endpoint |limit |conversation )\d+|\d+(?= on )|(?<= on )\d+', 'N', 'g') from json_array_elements(sqlerrm::json) j;
	end;
end $$;

-- I1: who holds what.
select * from broken($$delete from task_mgmt.task where task_id = 'held'$$);
select * from broken($$update task_mgmt.lease set user_no = 99999$$);
select * from broken($$update task_mgmt.lease set task_id = 'free'$$);

-- I2: one task a user.
select * from broken($$insert into task_mgmt.lease (project_name, task_no, user_no, fence, leased_at, started_at, task_id, attempt) select project_name, #t'mine'), user_no, fence, leased_at, started_at, 'mine', 1 from task_mgmt.lease$$);

-- I3: a completion is whole.
select * from broken($$update task_mgmt.task set completion_status = 'Odd' where task_id = 'done'$$);
select * from broken($$update task_mgmt.task set completion_status = '' where task_id = 'done'$$);
select * from broken($$update task_mgmt.task set completed_user_no = null where task_id = 'done'$$);
select * from broken($$update task_mgmt.task set completed_user_no = 99999 where task_id = 'done'$$);
select * from broken($$update task_mgmt.task set completed_at = null where task_id = 'done'$$);
select * from broken($$update task_mgmt.task set completion_status = 'Done', completed_user_no = #u'u') where task_id = 'cancelled'$$);
select * from broken($$update task_mgmt.task set status = 'running' where task_id = 'held'$$);
select * from broken($$update task_mgmt.task set status = 'completed' where task_id = 'paused'$$);
select * from broken($$update task_mgmt.task set status = 'cancelled' where task_id = 'held'$$);

-- I4: waiting is for unsatisfied dependencies.
select * from broken($$delete from task_mgmt.blocked where task_no = #t'waits')$$);
select * from broken($$update task_mgmt.blocked set unsatisfied = 2 where task_no = #t'waits')$$);
select * from broken($$update task_mgmt.dependency set is_satisfied = true where dependency_id = 'd'$$);
select * from broken($$update task_mgmt.dependency set is_satisfied = false where dependency_id = 'e'$$);
select * from broken($$delete from task_mgmt.dependency where dependency_id = 'd'$$);
select * from broken($$delete from task_mgmt.task where task_id = 'waits'$$);
select * from broken($$delete from task_mgmt.task where task_id = 'inactive'$$);

-- Dependencies are between existing tasks, and the upstream knows of them.
select * from broken($$update task_mgmt.task set has_dependents = false where task_id = 'free'$$);
select * from broken($$update task_mgmt.dependency set upstream_no = 99999999 where dependency_id = 'd'$$);

-- What a task says of itself.
select * from broken($$update task_mgmt.task set params = '[]', drift_score = 1 where task_id = 'free'$$);
select * from broken($$update task_mgmt.task set metadata = 'null' where task_id = 'free'$$);
select * from broken($$update task_mgmt.task set drift_score = 'NaN' where task_id = 'free'$$);

-- I5: time is somebody's, on something.
select * from broken($$update task_mgmt.submission set user_no = 99999$$);
select * from broken($$update task_mgmt.submission set task_no = 99999999$$);

-- Time is not taken back beyond what was booked, at any rate.
select * from broken($$update task_mgmt.submission set seconds_spent = -1, reason = 'r', corrected_by = 'me'$$);

-- A rate is the last one of a user's history.
select * from broken($$update task_mgmt.project_user set hourly_rate = 5 where user_id = 'u'$$);
select * from broken($$delete from task_mgmt.rate where user_no = #u'u')$$);
select * from broken($$insert into task_mgmt.rate select project_name, 99999, rate_no, hourly_rate, effective_from, set_by from task_mgmt.rate where user_no = #u'u')$$);

-- Totals of closed periods are sums of submissions; periods do not overlap.
select * from broken($$update task_mgmt.pay_total set seconds = 2$$);
select * from broken($$update task_mgmt.pay_total set cost = 2$$);
select * from broken($$update task_mgmt.pay_total set user_id = 'none'$$);
select * from broken($$delete from task_mgmt.pay_total$$);
select * from broken($$delete from task_mgmt.pay_period where ends_at = '2030-01-08 00:00:00+00'$$);
select * from broken($$update task_mgmt.pay_period set cleared_at = closed_at where ends_at = '2030-01-08 00:00:00+00'$$);
select * from broken($$update task_mgmt.pay_period set starts_at = starts_at - interval '1 second' where ends_at = '2030-01-15 00:00:00+00'$$);
select * from broken($$update task_mgmt.submission set submitted_at = submitted_at + interval '1 week'$$);
select * from broken($$delete from task_mgmt.submission$$);

-- I6: a lease comes from its event.
select * from broken($$update task_mgmt.lease set fence = fence - 1$$);
select * from broken($$update task_mgmt.lease set user_no = #u'w')$$);
select * from broken($$delete from task_mgmt.event where kind = 'started'$$);

-- D5: ready is what can be started, all of it and nothing else.
select * from broken($$delete from task_mgmt.ready where task_id = 'free'$$);
select * from broken($$update task_mgmt.ready set urgency = 0 where task_id = 'free'$$);
select * from broken($$update task_mgmt.ready set task_id = 'other' where task_id = 'free'$$);
select * from broken($$update task_mgmt.ready set has_seed_state = true where task_id = 'free'$$);
select * from broken($$update task_mgmt.ready set is_shared = true where task_id = 'free'$$);
select * from broken($$insert into task_mgmt.ready (project_name, queue_no, is_returned, has_seed_state, is_shared, urgency, task_no, lane_no, task_id, attempts) select project_name, lane_no, false, has_seed_state, false, -priority, task_no, lane_no, task_id, attempts from task_mgmt.task where task_id in ('held', 'waits', 'done', 'paused', 'inactive', 'cancelled')$$);
select * from broken($$update task_mgmt.task set is_paused = true where task_id = 'free'$$);
select * from broken($$update task_mgmt.task set is_paused = false where task_id = 'paused'$$);
select * from broken($$update task_mgmt.task set assigned_user_no = #u'v') where task_id = 'mine'$$);
select * from broken($$update task_mgmt.task set priority = 7 where task_id = 'free'$$);
select * from broken($$delete from task_mgmt.lease$$);
select * from broken($$delete from task_mgmt.blocked where is_held$$);

-- An original waits for its open copies; there are not too many, each is another user's, and they are about the same.
select * from broken($$update task_mgmt.blocked set open_copies = 2 where open_copies > 0$$);
select * from broken($$delete from task_mgmt.blocked where open_copies > 0$$);
select * from broken($$update task_mgmt.blocked set open_copies = 1 where task_no = #t'inactive')$$);
select * from broken($$update task_mgmt.task set overlap = 3 where task_id = 'shared'$$);
select * from broken($$update task_mgmt.task set overlap = 1 where task_id = 'shared'$$);
select * from broken($$update task_mgmt.task set original_no = #t'shared') where task_id = 'paused'$$);
select * from broken($$update task_mgmt.task set status = 'completed', completion_status = 'Done', completed_user_no = #u'v'), completed_at = created_at where task_id = 'shared#2'$$);
select * from broken($$insert into task_mgmt.lease (project_name, task_no, user_no, fence, leased_at, started_at, task_id, attempt) select project_name, task_no, #u'v'), task_no, now(), now(), task_id, 1 from task_mgmt.task where task_id = 'shared#2'$$);
select * from broken($$update task_mgmt.task set segment_seed_id = 5 where task_id = 'shared#2'$$);
select * from broken($$update task_mgmt.task set is_concluded = true where task_id in ('done', 'shared')$$);

-- A golden task exists and is no copy; a check is a copy of something.
select * from broken($$insert into task_mgmt.golden_task values ('p', 99999999, now(), 'r')$$);
select * from broken($$insert into task_mgmt.golden_task values ('p', #t'shared#1'), now(), 'r')$$);
select * from broken($$update task_mgmt.task set is_check = true where task_id = 'paused'$$);

-- A task knows whether its state is in the seed form.
select * from broken($$update task_mgmt.task set has_seed_state = true where task_id in ('free', 'paused', 'done')$$);
select * from broken($$update task_mgmt.task set ng_state = '{"seed_id": 0}' where task_id = 'paused'$$);
select * from broken($$update task_mgmt.task set ng_state = '{"seed_id": "18446744073709551615"}' where task_id = 'paused'$$);
select state, (select count(*) from broken(format($$update task_mgmt.task set has_seed_state = true, ng_state = %L where task_id = 'paused'$$, state)))
from unnest(array['null', '[]', '5', '{"seed_id": null}', '{"seed_id": true}', '{"seed_id": -1}', '{"seed_id": 5.0}', '{"seed_id": 18446744073709551616}',
	'{"seed_id": "5"}', '{"seed_id": "9007199254740992"}', '{"seed_id": "18446744073709551616"}', '{"seed_id": "09007199254740993"}',
	'{"seed_id": 5, "layers": []}', '{"seed_id": [5]}']) as state;

-- A user is qualified for what the arrays name, the first expiry is known, and a lane asks for the level of its type.
select * from broken($$delete from task_mgmt.qualification where user_no = #u'u')$$);
select * from broken($$update task_mgmt.project_user set qualified_segment_types = '{axon}' where user_id = 'v'$$);
select * from broken($$update task_mgmt.project_user set qualified_task_types = '{}' where user_id = 'v'$$);
select * from broken($$update task_mgmt.project_user set earliest_expiry_at = '2030-01-01 00:00:00+00' where user_id = 'w'$$);
select * from broken($$update task_mgmt.qualification set expires_at = '2030-01-01 00:00:00+00' where user_no = #u'w')$$);
select * from broken($$update task_mgmt.lane set min_level = 2 where segment_type = 'axon'$$);

-- D6: lanes, types and assignees exist.
select * from broken($$delete from task_mgmt.lane$$);
select * from broken($$update task_mgmt.task set segment_type = 'axon' where task_id = 'paused'$$);
select * from broken($$delete from task_mgmt.task_type$$);
select * from broken($$update task_mgmt.task set assigned_user_no = 99999 where task_id = 'paused'$$);

-- D6: a task follows its segment.
select * from broken($$update task_mgmt.task t set segment_type = '', lane_no = a.lane_no from task_mgmt.lane a where t.task_id = 'traced' and a.segment_type = ''$$);
select * from broken($$update task_mgmt.segment set expected_segment_type = 'soma'$$);

-- Segments, links and endpoints are of what exists.
select * from broken($$delete from task_mgmt.segment_type where type_name = 'soma'$$);
select * from broken($$update task_mgmt.segment_task set task_no = 99999999$$);
select * from broken($$update task_mgmt.segment_task set seed_id = 2$$);
select * from broken($$delete from task_mgmt.segment$$);
select * from broken($$update task_mgmt.endpoint set status = 'UNCERTAIN'$$);
select * from broken($$delete from task_mgmt.endpoint_update$$);

-- Feedback is between existing tasks, and a policy about what exists.
select * from broken($$insert into task_mgmt.feedback (project_name, task_no, feedback_task_no, user_id, created_at) select 'p', task_no, 99999999, 'u', created_at from task_mgmt.task where task_id = 'done'$$);
select * from broken($$insert into task_mgmt.feedback_policy (project_name, task_type, user_no, share_percent) values ('p', 'x', 0, 5)$$);

-- Edits, edit events and updates are of what exists.
select invariant, regexp_replace(object, '\d+$', 'N') as object, detail from broken($$update task_mgmt.split_edit set task_no = 99999999$$);
select invariant, regexp_replace(object, '\d+$', 'N') as object, detail from broken($$update task_mgmt.merge_edit set task_no = 99999999$$);
select * from broken($$delete from task_mgmt.segment_edit_event$$);

-- Lineage, conversations and facts are of what exists.
select * from broken($$update task_mgmt.task_fact set task_no = 99999999$$);
select * from broken($$update task_mgmt.task_fact set fact_id = 'none'$$);
select * from broken($$update task_mgmt.conversation set task_no = 99999999$$);
select invariant, object, regexp_replace(detail, '\d+$', 'N') as detail from broken($$update task_mgmt.task set has_conversations = false$$);
select * from broken($$update task_mgmt.fact set project_name = 'none' where fact_id = 'said'$$);
-- Events have numbers of their own, published ones their data, failed ones a consumer.
select invariant, object, regexp_replace(detail, '\d+', 'N') as detail from broken($$update task_mgmt.event set event_no = #t'paused') where kind = 'cancelled'$$);
select invariant, object, regexp_replace(detail, '\d+', 'N') as detail from broken($$delete from task_mgmt.custom_event$$);
select invariant, object, regexp_replace(detail, '\d+', 'N') as detail from broken($$delete from task_mgmt.event where kind = 'custom'$$);
select invariant, object, regexp_replace(detail, '\d+', 'N') as detail from broken($$update task_mgmt.custom_event set event_type = 'other'$$);
select invariant, object, regexp_replace(detail, '\d+', 'N') as detail from broken($$insert into task_mgmt.failed_event select project_name, 'nobody', event_no, 1, '', now(), now(), false, true from task_mgmt.custom_event$$);
select * from broken($$insert into task_mgmt.failed_event values ('p', 'c', 1, 1, '', now(), now(), false, true)$$);

-- An update is open and can be claimed at some time, or it is over; a worker is at it, or nobody is.
\set VERBOSITY terse
update task_mgmt.segment_update set available_at = null;
update task_mgmt.segment_update set status = 'completed';
update task_mgmt.segment_update set worker = 'w';
update task_mgmt.segment_update set is_requeued = true;
\set VERBOSITY default

-- Attempts are claims, some of which failed; what is ready says the same of them as the task.
select * from broken($$update task_mgmt.task set failures = 1 where task_id = 'free'$$);
select * from broken($$update task_mgmt.lease set attempt = 0$$);
select * from broken($$update task_mgmt.ready set attempts = 7 where task_id = 'free'$$);
select * from broken($$update task_mgmt.ready set expires_at = now() where task_id = 'free'$$);
select * from broken($$update task_mgmt.ready set channel = 'c' where task_id = 'free'$$);
-- Nothing is to come for a finished task, and an open one has its key.
select * from broken($$update task_mgmt.task set expires_at = now() where task_id = 'done'$$);
select * from broken($$update task_mgmt.task set open_key = 'k' where task_id = 'done'$$);
select * from broken($$update task_mgmt.task set unique_key = 'k' where task_id = 'free'$$);
select * from broken($$insert into task_mgmt.blocked (project_name, task_no, unsatisfied, run_after) values ('p', #t'cancelled'), 0, now())$$);

-- I11: slots are those of the tasks that count, and as many as allowed; a project knows its limits.
select set_limit('p', 'project', null, 20, 20), set_limit('p', 'channel', 'c', 0), set_limit('p', 'agent', 'u', 1), set_limit('p', 'task_type', 'x', 1);
select * from broken($$update task_mgmt.limit_slot set task_no = 0 where task_no = #t'held')$$);
select * from broken($$update task_mgmt.limit_slot set task_no = #t'done') where task_no = #t'held')$$);
select * from broken($$delete from task_mgmt.limit_slot where task_no = #t'held')$$);
select * from broken($$delete from task_mgmt.limit_slot where task_no = 0 and slot_no = 20$$);
select * from broken($$update task_mgmt.limit_slot set slot_no = 21 where task_no = 0 and slot_no = 20 and is_running$$);
select * from broken($$update task_mgmt.limit_slot set slot_no = 2 where task_no = #t'held')$$);
select invariant, regexp_replace(object, '\d+', 'N') as object, detail from broken($$delete from task_mgmt.task_limit where scope = 'agent'$$);
select * from broken($$update task_mgmt.limit_slot set is_surplus = true where slot_no = 20$$);
select * from broken($$update task_mgmt.task_limit set max_queued = 19 where scope = 'project'$$);
select * from broken($$update task_mgmt.project set limits_no = null$$);
select * from broken($$update task_mgmt.task_limit set key = 'none' where scope = 'task_type'$$);
select * from broken($$update task_mgmt.task_limit set key = 'none' where scope = 'agent'$$);
select * from broken($$update task_mgmt.task_limit set max_running = 0 where scope = 'channel'; update task_mgmt.task set channel = 'c' where task_id = 'inactive'$$);
select set_limit('p', 'project'), set_limit('p', 'channel', 'c'), set_limit('p', 'agent', 'u'), set_limit('p', 'task_type', 'x');

-- After all of this the database is as it was.
select * from task_mgmt.check_invariants();
drop function broken;
select delete_project('p', cascade => true);
