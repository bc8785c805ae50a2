-- What must always hold between the tables. Each branch returns the rows that break it; all see one snapshot, so that a
-- database at work shows no false ones.

create function task_mgmt.check_invariants()
returns table (invariant text, project_name text, object text, detail text)
language sql stable parallel unsafe security definer
set search_path = pg_catalog, pg_temp
as $$
select * from (
	-- I1: a lease is of an existing task, by an existing user.
	select 'I1 lease of an existing task and user', l.project_name::text, l.task_id::text, 'user ' || l.user_no
	from task_mgmt.lease l
	left join task_mgmt.task t on t.project_name = l.project_name and t.task_no = l.task_no and t.task_id = l.task_id
	left join task_mgmt.project_user u on u.project_name = l.project_name and u.user_no = l.user_no
	where t.task_no is null or u.user_no is null

	union all -- I2: a user holds one task of a project at most.
	select 'I2 one task a user', l.project_name, u.user_id, string_agg(l.task_id, ', ' order by l.task_id)
	from task_mgmt.lease l
	join task_mgmt.project_user u on u.project_name = l.project_name and u.user_no = l.user_no
	group by l.project_name, u.user_id
	having count(*) > 1

	union all -- I3: a completed task has an allowed completion status and a completer; an open one has neither.
	select 'I3 completion is consistent', t.project_name, t.task_id, t.status || ', "' || t.completion_status || '"'
	from task_mgmt.task t
	left join task_mgmt.task_type y on y.project_name = t.project_name and y.task_type = t.task_type
	left join task_mgmt.project_user u on u.project_name = t.project_name and u.user_no = t.completed_user_no
	where t.status in ('created', 'running')
		or (t.status = 'completed') <> (t.completion_status <> '')
		or (t.status = 'completed') <> (t.completed_user_no is not null)
		or (t.status = 'completed') <> (t.completed_at is not null)
		or t.status = 'completed' and (u.user_no is null or t.completion_status <> all (y.completion_statuses))

	union all -- I3, D4: nobody holds a finished task.
	select 'I3 nobody holds a finished task', t.project_name, t.task_id, t.status::text
	from task_mgmt.lease l
	join task_mgmt.task t on t.project_name = l.project_name and t.task_no = l.task_no
	where t.status <> 'queued'

	union all -- I4: a task waits for as many dependencies as are not satisfied.
	select 'I4 waits for its unsatisfied dependencies', coalesce(d.project_name, b.project_name),
		coalesce(t.task_id, 'task ' || coalesce(d.task_no, b.task_no)),
		format('waits for %s, unsatisfied %s', coalesce(b.unsatisfied, 0), coalesce(d.unsatisfied, 0))
	from (
		select d.project_name, d.task_no, count(*) as unsatisfied
		from task_mgmt.dependency d
		where not d.is_satisfied
		group by d.project_name, d.task_no
	) d
	full join task_mgmt.blocked b on b.project_name = d.project_name and b.task_no = d.task_no
	left join task_mgmt.task t on t.project_name = coalesce(d.project_name, b.project_name)
		and t.task_no = coalesce(d.task_no, b.task_no)
	where coalesce(b.unsatisfied, 0) <> coalesce(d.unsatisfied, 0) or t.task_no is null

	union all -- I4: a dependency on a task that is completed as required is satisfied.
	select 'I4 completion satisfies', d.project_name, d.dependency_id, u.task_id || ' is ' || u.completion_status
	from task_mgmt.dependency d
	join task_mgmt.task u on u.project_name = d.project_name and u.task_no = d.upstream_no
	where not d.is_satisfied and u.completion_status = d.required_completion_status

	union all -- Dependencies are between existing tasks, and the upstream one knows that it has dependents.
	select 'dependency between existing tasks', d.project_name, d.dependency_id, format('%s on %s', d.task_no, d.upstream_no)
	from task_mgmt.dependency d
	left join task_mgmt.task t on t.project_name = d.project_name and t.task_no = d.task_no
	left join task_mgmt.task u on u.project_name = d.project_name and u.task_no = d.upstream_no
	where t.task_no is null or u.has_dependents is not true

	union all -- I5: time is booked by existing users on existing tasks, so that totals are sums of submissions.
	select 'I5 time of an existing user and task', s.project_name, s.submission_no::text, format('user %s, task %s', s.user_no, s.task_no)
	from task_mgmt.submission s
	left join task_mgmt.task t on t.project_name = s.project_name and t.task_no = s.task_no
	left join task_mgmt.project_user u on u.project_name = s.project_name and u.user_no = s.user_no
	where t.task_no is null or u.user_no is null

	union all -- I6, D4: the event that a lease is fenced by gave the task to its holder, unless the task came in as held.
	select 'I6 lease follows from its event', l.project_name, l.task_id, 'fence ' || l.fence
	from task_mgmt.lease l
	left join task_mgmt.event e on e.project_name = l.project_name and e.task_no = l.task_no and e.event_no = l.fence
		and e.kind in ('started', 'taken_over') and e.user_no = l.user_no
	where e.event_no is null and l.fence <> l.task_no

	union all -- D5: what is ready can be started, and what can be started is ready.
	select 'D5 ready is what can be started', coalesce(r.project_name, s.project_name), coalesce(r.task_id, s.task_id),
		case when r.task_no is null then 'is not ready' else 'is ready, but cannot be started' end
	from task_mgmt.ready r
	full join task_mgmt.startable s on s.project_name = r.project_name and s.queue_no = r.queue_no
		and s.urgency = r.urgency and s.task_no = r.task_no and s.lane_no = r.lane_no and s.task_id = r.task_id
	where r.task_no is null or s.task_no is null

	union all -- D6: a task is in the lane of its type and segment type, and assigned to an existing user.
	select 'D6 lane and assignee exist', t.project_name, t.task_id, t.task_type || ', ' || t.segment_type
	from task_mgmt.task t
	left join task_mgmt.lane a on a.project_name = t.project_name and a.lane_no = t.lane_no
		and a.task_type = t.task_type and a.segment_type = t.segment_type
	left join task_mgmt.project_user u on u.project_name = t.project_name and u.user_no = t.assigned_user_no
	left join task_mgmt.task_type y on y.project_name = t.project_name and y.task_type = t.task_type
	left join task_mgmt.project p on p.project_name = t.project_name
	where a.lane_no is null or y.task_type is null or p.project_name is null
		or t.assigned_user_no is not null and u.user_no is null

	union all -- Edits were made for existing tasks.
	select 'edit for an existing task', e.project_name, e.kind || ' edit ' || e.edit_id, 'task ' || e.task_no
	from (
		select 'split' as kind, project_name, edit_id, task_no from task_mgmt.split_edit
		union all
		select 'merge', project_name, edit_id, task_no from task_mgmt.merge_edit
	) e
	left join task_mgmt.task t on t.project_name = e.project_name and t.task_no = e.task_no
	where t.task_no is null

	union all -- What an event replaced and moved belongs to an event that is kept, and to an existing segment.
	select 'replaced root of an existing event', r.project_name, r.event_id, 'root ' || r.root_id
	from task_mgmt.segment_edit_root r
	left join task_mgmt.segment_edit_event e on e.project_name = r.project_name and e.event_id = r.event_id
	where e.event_id is null

	union all
	select 'move of an existing segment by an existing event', m.project_name, m.event_id, 'segment ' || m.seed_id
	from task_mgmt.segment_move m
	left join task_mgmt.segment_edit_event e on e.project_name = m.project_name and e.event_id = m.event_id
	left join task_mgmt.segment s on s.project_name = m.project_name and s.seed_id = m.seed_id
	where e.event_id is null or s.seed_id is null

	union all -- Updates are of existing segments.
	select 'update of an existing segment', u.project_name, 'segment ' || u.seed_id, u.status::text
	from task_mgmt.segment_update u
	left join task_mgmt.segment s on s.project_name = u.project_name and s.seed_id = u.seed_id
	where s.seed_id is null
) as violation (invariant, project_name, object, detail)
where violation.project_name = any ((select task_mgmt.readable_projects())::text[])
$$;
comment on function task_mgmt.check_invariants() is
	'One row for each violation of what must hold between the tables, in the projects that the caller may read; none when all is well.';
