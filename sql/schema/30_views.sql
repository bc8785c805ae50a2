-- What people read: tasks, dependencies, the history and the workload. The views that end in _details are for the functions;
-- the others show a caller the projects that the caller may read.

-- What a copy checks its user with is told only where it would be missed.
create view task_mgmt.task_details as
select t.project_name, t.task_id, t.task_type,
	case
		when l.task_no is not null then 'running'
		when t.status = 'queued' and (b.is_held or b.is_on_hold) then 'created'
		when t.status = 'queued' and b.run_after > (select task_mgmt.present())
			then case t.attempts when 0 then 'scheduled'::task_mgmt.task_status else 'retrying' end
		else t.status
	end as status,
	t.completion_status, t.priority,
	coalesce(a.user_id, '') as assigned_user_id,
	coalesce(h.user_id, '') as active_user_id,
	coalesce(c.user_id, '') as completed_user_id,
	b.task_no is null or l.task_no is not null or t.status <> 'queued' as is_active,
	t.is_paused, t.is_checked, t.segment_type, t.segment_seed_id, t.batch_id, t.note,
	coalesce(l.leased_at, t.last_leased_ts) as last_leased_ts,
	coalesce(t.first_start_ts, l.started_at) as first_start_ts,
	t.completed_at, t.created_at, coalesce(l.attempt, t.attempts) as attempts, t.failures, b.run_after, t.ttl_seconds,
	t.expires_at, t.unique_key, t.max_attempts, t.backoff, l.expires_at as lease_expires_at,
	coalesce(l.instance, t.instance) as instance, t.failed_at, t.ng_state, t.ng_state_initial, t.extra_data,
	t.task_no, t.assigned_user_no, l.user_no as active_user_no, l.fence, t.overlap,
	case when not t.is_check or o.overlap > 1 then o.task_id end as original_task_id,
	t.title, coalesce(t.description, '') as description, coalesce(t.params, '{}') as params, t.domain,
	coalesce(t.drift_score, 0) as drift_score, coalesce(t.metadata, '{}') as metadata, t.channel, t.result, t.error,
	greatest(t.created_at, (
		select e.occurred_at
		from task_mgmt.event e
		where e.project_name = t.project_name and e.task_no = t.task_no
		order by e.event_no desc
		limit 1
	)) as updated_at,
	case when t.has_conversations then (
		select count(*) from task_mgmt.conversation v where v.project_name = t.project_name and v.task_no = t.task_no
	) else 0 end as conversation_count
from task_mgmt.task t
left join task_mgmt.lease l on l.project_name = t.project_name and l.task_no = t.task_no
left join task_mgmt.blocked b on b.project_name = t.project_name and b.task_no = t.task_no
left join task_mgmt.project_user a on a.project_name = t.project_name and a.user_no = t.assigned_user_no
left join task_mgmt.project_user h on h.project_name = t.project_name and h.user_no = l.user_no
left join task_mgmt.project_user c on c.project_name = t.project_name and c.user_no = t.completed_user_no
left join task_mgmt.task o on o.project_name = t.project_name and o.task_no = t.original_no;
comment on view task_mgmt.task_details is 'Internal: tasks of all projects with what is derived from other tables.';

create function task_mgmt.task_as_json(task task_mgmt.task_details) returns jsonb
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
	'task_id', task.task_id,
	'task_type', task.task_type,
	'status', task.status,
	'completion_status', task.completion_status,
	'priority', task.priority,
	'assigned_user_id', task.assigned_user_id,
	'active_user_id', task.active_user_id,
	'completed_user_id', task.completed_user_id,
	'is_active', task.is_active,
	'is_paused', task.is_paused,
	'is_checked', task.is_checked,
	'segment_type', nullif(task.segment_type, ''),
	'segment_seed_id', task_mgmt.id_as_json(task.segment_seed_id),
	'batch_id', task.batch_id,
	'note', task.note,
	'last_leased_ts', coalesce(extract(epoch from task.last_leased_ts)::float8, 0),
	'first_start_ts', extract(epoch from task.first_start_ts)::float8,
	'completed_at', task.completed_at,
	'created_at', task.created_at,
	'ng_state', task.ng_state,
	'ng_state_initial', task.ng_state_initial,
	'overlap', task.overlap,
	'original_task_id', task.original_task_id,
	'title', task.title,
	'description', task.description,
	'params', task.params,
	'domain', task.domain,
	'drift_score', task.drift_score,
	'metadata', task.metadata,
	'channel', task.channel,
	'result', task.result,
	'error', task.error,
	'updated_at', task.updated_at,
	'attempts', task.attempts,
	'failures', task.failures,
	'max_attempts', task.max_attempts,
	'backoff', task.backoff,
	'run_after', task.run_after,
	'ttl_seconds', task.ttl_seconds,
	'expires_at', task.expires_at,
	'unique_key', task.unique_key,
	'failed_at', task.failed_at
) || case when task.extra_data is null then '{}' else jsonb_build_object('extra_data', task.extra_data) end;
comment on function task_mgmt.task_as_json(task_mgmt.task_details) is 'Internal: a task in the shape that get_task returns.';

create view task_mgmt.dependency_details as
select d.project_name, d.dependency_id, t.task_id, u.task_id as dependent_on_task_id, d.is_satisfied,
	d.required_completion_status
from task_mgmt.dependency d
join task_mgmt.task t on t.project_name = d.project_name and t.task_no = d.task_no
join task_mgmt.task u on u.project_name = d.project_name and u.task_no = d.upstream_no;
comment on view task_mgmt.dependency_details is 'Internal: dependencies of all projects, by task id.';

create view task_mgmt.tasks with (security_barrier) as
select project_name, task_id, task_type, status, completion_status, priority, assigned_user_id, active_user_id,
	completed_user_id, is_active, is_paused, is_checked, segment_type, segment_seed_id, batch_id, note, last_leased_ts,
	first_start_ts, completed_at, created_at, ng_state, ng_state_initial, extra_data, overlap, original_task_id,
	title, description, params, domain, drift_score, metadata, channel, result, error, updated_at, attempts, failures,
	max_attempts, backoff, run_after, ttl_seconds, expires_at, unique_key, lease_expires_at, instance, conversation_count, failed_at
from task_mgmt.task_details
where project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.tasks is 'Tasks with who holds them and what state they are in.';
comment on column task_mgmt.tasks.project_name is 'The project.';
comment on column task_mgmt.tasks.task_id is 'The task''s name within the project.';
comment on column task_mgmt.tasks.task_type is 'The kind of work; see task_types.';
comment on column task_mgmt.tasks.status is 'Where the task is in its life: created (held back), scheduled (for run_after), queued, retrying (after run_after), running, completed, failed, cancelled, expired.';
comment on column task_mgmt.tasks.completion_status is 'The outcome named at completion; empty while open.';
comment on column task_mgmt.tasks.priority is 'Higher comes first.';
comment on column task_mgmt.tasks.assigned_user_id is 'The only user who may start it; empty if anybody may.';
comment on column task_mgmt.tasks.active_user_id is 'Who holds it; empty if nobody does.';
comment on column task_mgmt.tasks.completed_user_id is 'Who completed it; empty while open.';
comment on column task_mgmt.tasks.is_active is 'False while it waits: for dependencies or for its copies, or because it is held back.';
comment on column task_mgmt.tasks.is_paused is 'True if it is left out of automatic selection.';
comment on column task_mgmt.tasks.is_checked is 'A mark for the project''s own use.';
comment on column task_mgmt.tasks.segment_type is 'The segment type that a user must be qualified for; empty if none.';
comment on column task_mgmt.tasks.segment_seed_id is 'The supervoxel at the seed of the task''s segment: 0 to 2^64-1.';
comment on column task_mgmt.tasks.batch_id is 'The batch that the task came with.';
comment on column task_mgmt.tasks.note is 'Free text, last set at a release or by update_task.';
comment on column task_mgmt.tasks.last_leased_ts is 'When its lease was last started or renewed; null if never.';
comment on column task_mgmt.tasks.first_start_ts is 'When it was first started; null if never.';
comment on column task_mgmt.tasks.completed_at is 'When it was completed; null while open.';
comment on column task_mgmt.tasks.created_at is 'When it was created.';
comment on column task_mgmt.tasks.ng_state is 'The neuroglancer state as last saved.';
comment on column task_mgmt.tasks.ng_state_initial is 'The neuroglancer state as created.';
comment on column task_mgmt.tasks.extra_data is 'Whatever else the project keeps with the task.';
comment on column task_mgmt.tasks.overlap is 'How many users work on copies of it; 1 for a task that one user works on.';
comment on column task_mgmt.tasks.original_task_id is 'The task that it is a copy of; null for any other.';
comment on column task_mgmt.tasks.title is 'What it is, in one line; null if it does not say.';
comment on column task_mgmt.tasks.description is 'What is to be done, in more lines; empty if it does not say.';
comment on column task_mgmt.tasks.params is 'What whoever does it is to work with, an object.';
comment on column task_mgmt.tasks.domain is 'The field that it belongs to; null if none.';
comment on column task_mgmt.tasks.drift_score is 'How far it is from what is usual: 0 to 1.';
comment on column task_mgmt.tasks.metadata is 'What others note about it, an object.';
comment on column task_mgmt.tasks.channel is 'Where it came from and its answer goes; null if none.';
comment on column task_mgmt.tasks.result is 'What came out of it; null while nothing has.';
comment on column task_mgmt.tasks.error is 'Why it failed; null if it has not.';
comment on column task_mgmt.tasks.updated_at is 'When it last changed, by its history.';
comment on column task_mgmt.tasks.attempts is 'How often it has been started since it was last enqueued.';
comment on column task_mgmt.tasks.failures is 'How many of these attempts have failed.';
comment on column task_mgmt.tasks.max_attempts is 'How many attempts may fail before the task has; null for those of its type.';
comment on column task_mgmt.tasks.backoff is 'How long it waits after a failure: base_seconds, factor, max_seconds, jitter; null for that of its type.';
comment on column task_mgmt.tasks.failed_at is 'When it failed for good; null if it has not.';
comment on column task_mgmt.tasks.run_after is 'When it can be started at the earliest; null if at once.';
comment on column task_mgmt.tasks.ttl_seconds is 'How long after it was enqueued it expires; null if never.';
comment on column task_mgmt.tasks.expires_at is 'When it expires unless somebody holds it; null if never, or if it is over.';
comment on column task_mgmt.tasks.unique_key is 'What no two open tasks have in common; null if none.';
comment on column task_mgmt.tasks.lease_expires_at is 'When the lease of its holder ends by itself; null if it does not.';
comment on column task_mgmt.tasks.instance is 'Which of its user''s processes holds it or has held it last; null if it did not say.';
comment on column task_mgmt.tasks.conversation_count is 'How many conversations it has, in whatever state.';

create view task_mgmt.dead_letters with (security_barrier) as
select t.project_name, t.task_id, t.task_type, t.title, t.params, t.channel, nullif(a.user_id, '') as agent, t.attempts, t.failures, t.error, t.result,
	t.failed_at, t.created_at
from task_mgmt.task t
left join task_mgmt.project_user a on a.project_name = t.project_name and a.user_no = t.assigned_user_no
where t.failed_at is not null and t.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.dead_letters is 'Tasks that have failed for good; enqueue_task and requeue_failed give them new attempts.';
comment on column task_mgmt.dead_letters.project_name is 'The project.';
comment on column task_mgmt.dead_letters.task_id is 'The task''s name within the project.';
comment on column task_mgmt.dead_letters.task_type is 'The kind of work.';
comment on column task_mgmt.dead_letters.title is 'What it is, in one line; null if it does not say.';
comment on column task_mgmt.dead_letters.params is 'What whoever does it is to work with; null if nothing.';
comment on column task_mgmt.dead_letters.channel is 'Where it came from and its answer goes; null if none.';
comment on column task_mgmt.dead_letters.agent is 'The user that it is assigned to; null if anybody may do it.';
comment on column task_mgmt.dead_letters.attempts is 'How often it was started.';
comment on column task_mgmt.dead_letters.failures is 'How many of these attempts failed.';
comment on column task_mgmt.dead_letters.error is 'Why the last one failed.';
comment on column task_mgmt.dead_letters.result is 'What the last one left behind; null if nothing.';
comment on column task_mgmt.dead_letters.failed_at is 'When the last one failed.';
comment on column task_mgmt.dead_letters.created_at is 'When it was created.';

create view task_mgmt.dependencies with (security_barrier) as
select * from task_mgmt.dependency_details
where project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.dependencies is 'Which task waits for which.';
comment on column task_mgmt.dependencies.project_name is 'The project.';
comment on column task_mgmt.dependencies.dependency_id is 'The dependency''s name within the project.';
comment on column task_mgmt.dependencies.task_id is 'The task that waits.';
comment on column task_mgmt.dependencies.dependent_on_task_id is 'The upstream task, for which it waits.';
comment on column task_mgmt.dependencies.is_satisfied is 'True if the task no longer waits for it.';
comment on column task_mgmt.dependencies.required_completion_status is 'The completion status that satisfies it.';

create view task_mgmt.events with (security_barrier) as
select e.project_name, e.event_no, e.occurred_at,
	case when t.task_id is null and e.task_no <> 0 then ( -- It is deleted, and the end of its history says what it was.
		select d.detail
		from task_mgmt.event d
		where d.project_name = e.project_name and d.task_no = e.task_no and d.kind = 'deleted'
	) else t.task_id end as task_id,
	e.kind, u.user_id, e.role_name, e.detail
from task_mgmt.event e
left join task_mgmt.task t on t.project_name = e.project_name and t.task_no = e.task_no
left join task_mgmt.project_user u on u.project_name = e.project_name and u.user_no = e.user_no
where e.amount is null and e.project_name = any ((select task_mgmt.readable_projects())::text[])
union all -- The creation of a task is told by its row, until it is deleted.
select t.project_name, t.task_no, t.created_at, t.task_id, 'created', null, t.created_by, null
from task_mgmt.task t
where t.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.events is 'The history: one row for every change of a task, or of a project where task_id is null.';
comment on column task_mgmt.events.project_name is 'The project.';
comment on column task_mgmt.events.event_no is 'Grows with time; every event has its own.';
comment on column task_mgmt.events.occurred_at is 'When it happened.';
comment on column task_mgmt.events.task_id is 'The task; null for a change of the project.';
comment on column task_mgmt.events.kind is 'What happened.';
comment on column task_mgmt.events.user_id is 'The user whose work it was; null for an act of management or a consequence.';
comment on column task_mgmt.events.role_name is 'The database role that managed; null for work or a consequence.';
comment on column task_mgmt.events.detail is 'Completion status, previous holder, assignee, reason, or the id of a deleted task; of a published event, its type.';

create view task_mgmt.workload with (security_barrier) as
select y.project_name, y.task_type, coalesce(n.ready, 0) as ready, coalesce(n.held, 0) as held,
	coalesce(n.paused, 0) as paused, coalesce(n.blocked, 0) as blocked, coalesce(n.completed, 0) as completed,
	coalesce(n.cancelled, 0) as cancelled, n.oldest_ready_at
from task_mgmt.task_type y
left join lateral (
	select count(*) filter (where r.is_ready) as ready,
		count(*) filter (where l.task_no is not null) as held,
		count(*) filter (where t.status = 'queued' and l.task_no is null and b.task_no is null and t.is_paused) as paused,
		count(*) filter (where t.status = 'queued' and l.task_no is null and b.task_no is not null) as blocked,
		count(*) filter (where t.status = 'completed') as completed,
		count(*) filter (where t.status = 'cancelled') as cancelled,
		min(t.created_at) filter (where r.is_ready) as oldest_ready_at
	from task_mgmt.task t
	left join task_mgmt.lease l on l.project_name = t.project_name and l.task_no = t.task_no
	left join task_mgmt.blocked b on b.project_name = t.project_name and b.task_no = t.task_no
	cross join lateral (
		select t.status = 'queued' and l.task_no is null and b.task_no is null and not t.is_paused
	) as r (is_ready)
	where t.project_name = y.project_name and t.task_type = y.task_type
) n on true
where y.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.workload is 'How much work of each kind there is, at a glance.';
comment on column task_mgmt.workload.project_name is 'The project.';
comment on column task_mgmt.workload.task_type is 'The kind of work.';
comment on column task_mgmt.workload.ready is 'Tasks that could be started right now.';
comment on column task_mgmt.workload.held is 'Tasks that somebody holds.';
comment on column task_mgmt.workload.paused is 'Paused tasks that nobody holds.';
comment on column task_mgmt.workload.blocked is 'Tasks that wait for dependencies, for their copies or for being activated.';
comment on column task_mgmt.workload.completed is 'Completed tasks.';
comment on column task_mgmt.workload.cancelled is 'Cancelled tasks.';
comment on column task_mgmt.workload.oldest_ready_at is 'When the oldest of the ready tasks was created.';
