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

	union all -- I2: a user holds as many tasks of a project as they may, one in general.
	select 'I2 as many tasks as a user may hold', l.project_name, u.user_id, string_agg(l.task_id, ', ' order by l.task_id)
	from task_mgmt.lease l
	join task_mgmt.project_user u on u.project_name = l.project_name and u.user_no = l.user_no
	group by l.project_name, u.user_id, u.capacity
	having count(*) > u.capacity

	union all -- I3: a completed task has an allowed completion status and a completer; an open one has neither.
	select 'I3 completion is consistent', t.project_name, t.task_id, t.status || ', "' || t.completion_status || '"'
	from task_mgmt.task t
	left join task_mgmt.task_type y on y.project_name = t.project_name and y.task_type = t.task_type
	left join task_mgmt.project_user u on u.project_name = t.project_name and u.user_no = t.completed_user_no
	where t.status in ('created', 'scheduled', 'retrying', 'running')
		or (t.status = 'completed') <> (t.completion_status <> '')
		or (t.status = 'completed') <> (t.completed_user_no is not null)
		or (t.status = 'completed') <> (t.completed_at is not null)
		or t.status = 'completed' and (u.user_no is null
			or t.completion_status <> all (task_mgmt.allowed_statuses(y.completion_statuses)))

	union all -- I3, D4: nobody holds a finished task.
	select 'I3 nobody holds a finished task', t.project_name, t.task_id, t.status::text
	from task_mgmt.lease l
	join task_mgmt.task t on t.project_name = l.project_name and t.task_no = l.task_no
	where t.status <> 'queued'

	union all -- Attempts are counted by claims: that of a lease is a later one than those before it; some of them failed.
	select 'attempts are claims', t.project_name, t.task_id, format('attempts %s, failures %s, lease %s', t.attempts, t.failures, l.attempt)
	from task_mgmt.task t
	left join task_mgmt.lease l on l.project_name = t.project_name and l.task_no = t.task_no
	where t.failures < 0 or t.failures > t.attempts or l.attempt <= t.attempts

	union all -- Statistics count every task once, under what it is.
	select 'counts are those of the tasks', p.project_name, 'key ' || coalesce(c.count_key, n.count_key),
		format('counted %s, there are %s', coalesce(c.tasks, 0), coalesce(n.tasks, 0))
	from task_mgmt.project p
	cross join lateral (
		select c.count_key, c.tasks, n.count_key, n.tasks
		from task_mgmt.project_counts(p.project_name) c
		full join (
			select task_mgmt.count_key(t.status, t.priority, t.assigned_user_no) as count_key, count(*) as tasks
			from task_mgmt.task t
			where t.project_name = p.project_name
			group by 1
		) n on n.count_key = c.count_key
		where c.tasks is distinct from n.tasks
	) as x (c_key, c_tasks, n_key, n_tasks)
	cross join lateral (select x.c_key as count_key, x.c_tasks as tasks) c
	cross join lateral (select x.n_key as count_key, x.n_tasks as tasks) n

	union all -- A finished task neither expires nor waits for a time, and its key is free.
	select 'nothing to come for a finished task', t.project_name, t.task_id, t.status::text
	from task_mgmt.task t
	left join task_mgmt.blocked b on b.project_name = t.project_name and b.task_no = t.task_no
	where t.status <> 'queued' and (t.expires_at is not null or t.open_key is not null or b.run_after is not null or b.is_on_hold)
		or t.status = 'queued' and t.open_key is distinct from t.unique_key
		or (t.failed_at is not null) <> (t.status = 'failed')

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

	union all -- A task waits for its open copies once there are as many copies as there are to be.
	select 'waits for its open copies', coalesce(o.project_name, b.project_name), coalesce(o.task_id, 'task ' || b.task_no),
		format('waits for %s, open %s of %s', coalesce(b.open_copies, 0), o.open_copies, o.copies)
	from task_mgmt.overlap_details o
	full join (select * from task_mgmt.blocked where open_copies > 0) b
		on b.project_name = o.project_name and b.task_no = o.task_no
	where coalesce(b.open_copies, 0) <> coalesce(case when o.copies >= o.overlap then o.open_copies end, 0)

	union all -- There are not more copies than there are to be; they are of one type and segment, each for another user.
	select 'copies of an original', t.project_name, t.task_id, format('copy of %s', coalesce(o.task_id, 'task ' || t.original_no))
	from task_mgmt.task t
	left join task_mgmt.overlap_details d on d.project_name = t.project_name and d.task_no = t.original_no
	left join task_mgmt.task o on o.project_name = t.project_name and o.task_no = t.original_no
	left join task_mgmt.lease h on h.project_name = t.project_name and h.task_no = t.task_no
	where t.original_no is not null and not t.is_check and (
		d.task_no is null or d.copies > d.overlap or t.overlap <> 1 or t.task_type <> o.task_type
		or t.segment_type <> o.segment_type or t.segment_seed_id is distinct from o.segment_seed_id
		or t.status <> 'cancelled' and exists (
			select from task_mgmt.task c
			left join task_mgmt.lease i on i.project_name = c.project_name and i.task_no = c.task_no
			where c.project_name = t.project_name and c.original_no = t.original_no and c.task_no <> t.task_no and not c.is_check
				and coalesce(i.user_no, c.completed_user_no) = coalesce(h.user_no, t.completed_user_no)
		)
	)

	union all -- Only what has copies can be completed by their agreement.
	select 'concluded by its copies', t.project_name, t.task_id, format('%s, overlap %s', t.status, t.overlap)
	from task_mgmt.task t
	where t.is_concluded and (t.status <> 'completed' or t.overlap = 1)

	union all -- What a task has found out or read exists, and so does the task.
	select 'lineage of an existing task and fact', l.project_name, coalesce(t.task_id, 'task ' || l.task_no),
		format('%s %s', l.relation, l.fact_id)
	from task_mgmt.task_fact l
	left join task_mgmt.task t on t.project_name = l.project_name and t.task_no = l.task_no
	left join task_mgmt.fact f on f.project_name = l.project_name and f.fact_id = l.fact_id
	where t.task_no is null or f.fact_id is null

	union all -- A conversation belongs to an existing task, which says that it has some.
	select 'conversation of an existing task', c.project_name, coalesce(t.task_id, 'task ' || c.task_no),
		'conversation ' || c.conversation_no
	from task_mgmt.conversation c
	left join task_mgmt.task t on t.project_name = c.project_name and t.task_no = c.task_no
	where t.task_no is null or not t.has_conversations

	union all -- A fact is one of an existing project.
	select 'fact of an existing project', f.project_name, f.fact_id, 'created by ' || f.created_by
	from task_mgmt.fact f
	left join task_mgmt.project p on p.project_name = f.project_name
	where p.project_name is null

	union all -- Golden tasks exist and are no copies, and what checks is a copy of an existing task.
	select 'golden tasks and checks', g.project_name, coalesce(t.task_id, 'task ' || g.task_no), 'is golden'
	from task_mgmt.golden_task g
	left join task_mgmt.task t on t.project_name = g.project_name and t.task_no = g.task_no
	where t.task_no is null or t.original_no is not null
	union all
	select 'golden tasks and checks', t.project_name, t.task_id, 'is a check'
	from task_mgmt.task t
	left join task_mgmt.task o on o.project_name = t.project_name and o.task_no = t.original_no
	where t.is_check and (o.task_no is null or o.task_type <> t.task_type)

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

	union all -- Time: at no rate is more taken back than was booked at it.
	select 'time is not negative', s.project_name, format('user %s, task %s', s.user_no, s.task_no),
		format('%s s at the rate %s', sum(s.seconds_spent), s.hourly_rate)
	from task_mgmt.submission s
	group by s.project_name, s.user_no, s.task_no, s.hourly_rate
	having sum(s.seconds_spent) < 0

	union all -- Pay: a user's rate is the last one of an existing user's history.
	select 'rate is the last of its history', coalesce(u.project_name, r.project_name),
		coalesce(u.user_id, 'user ' || r.user_no), format('is %s, was set to %s', u.hourly_rate, r.hourly_rate)
	from task_mgmt.project_user u
	full join (
		select distinct on (project_name, user_no) project_name, user_no, hourly_rate
		from task_mgmt.rate
		order by project_name, user_no, rate_no desc
	) r on r.project_name = u.project_name and r.user_no = u.user_no
	where r.hourly_rate is distinct from u.hourly_rate

	union all -- Pay: closed periods do not overlap.
	select 'closed periods do not overlap', p.project_name, p.period_id::text, 'period ' || q.period_id
	from task_mgmt.pay_period p
	join task_mgmt.pay_period q on q.project_name = p.project_name and q.period_id > p.period_id
		and q.starts_at < p.ends_at and p.starts_at < q.ends_at

	union all -- Pay: totals of a closed period are the sums of its submissions; if those were cleared, there are none.
	select 'totals of a closed period are its sums', coalesce(t.project_name, s.project_name),
		coalesce(t.user_id, s.user_id), format('period %s', coalesce(t.period_id, s.period_id))
	from task_mgmt.pay_total t
	full join (
		select p.project_name, p.period_id, u.user_id, sum(s.seconds_spent) as seconds,
			round(sum(s.seconds_spent * s.hourly_rate) / 3600, 6) as cost
		from task_mgmt.pay_period p
		join task_mgmt.submission s on s.project_name = p.project_name and s.submitted_at >= p.starts_at
			and s.submitted_at < p.ends_at
		join task_mgmt.project_user u on u.project_name = s.project_name and u.user_no = s.user_no
		group by p.project_name, p.period_id, u.user_id
	) s on s.project_name = t.project_name and s.period_id = t.period_id and s.user_id = t.user_id
	left join task_mgmt.pay_period p on p.project_name = coalesce(t.project_name, s.project_name)
		and p.period_id = coalesce(t.period_id, s.period_id)
	where p.period_id is null
		or p.cleared_at is null and (t.seconds, t.cost) is distinct from (s.seconds, s.cost)
		or p.cleared_at is not null and s.user_id is not null

	union all -- I6, D4: the event that a lease is fenced by gave the task to its holder, unless the task came in as held.
	select 'I6 lease follows from its event', l.project_name, l.task_id, 'fence ' || l.fence
	from task_mgmt.lease l
	left join task_mgmt.event e on e.project_name = l.project_name and e.task_no = l.task_no and e.event_no = l.fence
		and e.kind in ('started', 'taken_over', 'release_undone') and e.user_no = l.user_no
	where e.event_no is null and l.fence <> l.task_no

	union all -- The number of an event is no task's, which stands for that task's creation.
	select 'event has a number of its own', e.project_name, coalesce(t.task_id, 'project'), 'event ' || e.event_no
	from task_mgmt.event e
	join task_mgmt.task t on t.project_name = e.project_name and t.task_no = e.event_no

	union all -- A published event has what was published, and no other one has.
	select 'published event has its data', coalesce(e.project_name, c.project_name), coalesce(e.detail, c.event_type),
		'event ' || coalesce(e.event_no, c.event_no)
	from (select * from task_mgmt.event where kind = 'custom') e
	full join task_mgmt.custom_event c on c.project_name = e.project_name and c.event_no = e.event_no
	where e.detail is distinct from c.event_type

	union all -- A failed event exists, and so does the consumer.
	select 'failed event of an existing consumer', f.project_name, f.consumer, 'event ' || f.event_no
	from task_mgmt.failed_event f
	left join task_mgmt.event_consumer c on c.project_name = f.project_name and c.consumer = f.consumer
	left join task_mgmt.event e on e.project_name = f.project_name and e.event_no = f.event_no
	left join task_mgmt.task t on t.project_name = f.project_name and t.task_no = f.event_no
	where c.consumer is null or e.event_no is null and t.task_no is null

	union all -- D5: what is ready can be started, and what can be started is ready.
	select 'D5 ready is what can be started', coalesce(r.project_name, s.project_name), coalesce(r.task_id, s.task_id),
		case when r.task_no is null then 'is not ready' else 'is ready, but cannot be started' end
	from task_mgmt.ready r
	full join task_mgmt.startable s on s.project_name = r.project_name and s.queue_no = r.queue_no
		and s.has_seed_state = r.has_seed_state and s.is_shared = r.is_shared and s.urgency = r.urgency and s.task_no = r.task_no
		and s.lane_no = r.lane_no and s.task_id = r.task_id and s.attempts = r.attempts
		and s.expires_at is not distinct from r.expires_at and s.channel is not distinct from r.channel
	where r.task_no is null or s.task_no is null

	union all -- I11: a task has the slots of the limits that it counts towards, and no others.
	select 'I11 slots are those of the tasks', coalesce(s.project_name, c.project_name), coalesce(t.task_id, 'task ' || coalesce(s.task_no, c.task_no)),
		format('%s slot of limit %s', case when coalesce(s.is_running, c.is_running) then 'running' else 'queued' end,
			coalesce(s.limit_no, c.limit_no)) || case when s.task_no is null then ' is missing' else '' end
	from (select * from task_mgmt.limit_slot where task_no <> 0) s
	full join task_mgmt.limited_task c on c.project_name = s.project_name and c.limit_no = s.limit_no and c.is_running = s.is_running
		and c.task_no = s.task_no
	left join task_mgmt.task t on t.project_name = coalesce(s.project_name, c.project_name)
		and t.task_no = coalesce(s.task_no, c.task_no)
	where s.task_no is null or c.task_no is null

	union all -- I11: a limit has as many slots as it allows, each once.
	select 'I11 as many slots as allowed', coalesce(m.project_name, s.project_name), coalesce(m.scope || ' ' || m.key, 'limit ' || s.limit_no),
		format('%s, %s to %s, of %s', coalesce(s.slots, 0), s.first, s.last, m.allowed)
	from (
		select project_name, limit_no, scope, key, sort.is_running, sort.allowed
		from task_mgmt.task_limit
		cross join lateral (values (false, max_queued), (true, max_running)) as sort (is_running, allowed)
	) m
	full join (
		select project_name, limit_no, is_running, count(distinct slot_no) filter (where slot_no > 0) as slots,
			count(*) filter (where slot_no > 0) as rows, min(slot_no) filter (where slot_no > 0) as first, max(slot_no) as last,
			count(*) filter (where (slot_no = 0) <> (is_surplus is true) or slot_no = 0 and task_no = 0) as odd
		from task_mgmt.limit_slot
		group by project_name, limit_no, is_running
	) s on s.project_name = m.project_name and s.limit_no = m.limit_no and s.is_running = m.is_running
	where m.limit_no is null or coalesce(s.rows, 0) <> coalesce(m.allowed, 0) or s.slots <> s.rows or s.first < 1 or s.last > m.allowed
		or s.odd > 0 or m.allowed is null and s.limit_no is not null

	union all -- A project knows whether it has limits, and limits are of existing types and users.
	select 'limits are known', p.project_name, p.project_name, format('limits_no is %s', coalesce(p.limits_no::text, 'null'))
	from task_mgmt.project p
	where (p.limits_no is not null) <> exists (select from task_mgmt.task_limit m where m.project_name = p.project_name)
	union all
	select 'limits are known', m.project_name, m.scope || ' ' || m.key, 'does not exist'
	from task_mgmt.task_limit m
	left join task_mgmt.task_type y on y.project_name = m.project_name and y.task_type = m.key
	left join task_mgmt.project_user u on u.project_name = m.project_name and u.user_id = m.key
	where m.scope = 'task_type' and y.task_type is null or m.scope = 'agent' and u.user_id is null

	union all -- A user is qualified for what the arrays name, and for nothing else.
	select 'qualifications are those of the user', coalesce(q.project_name, n.project_name), coalesce(q.name, n.name),
		case when q.name is null then 'is named, but has no row' else 'has a row, but is not named' end
	from task_mgmt.qualification q
	full join (
		select project_name, user_no, 'task_type' as kind, unnest(qualified_task_types) as name from task_mgmt.project_user
		union
		select project_name, user_no, 'segment_type', unnest(qualified_segment_types) from task_mgmt.project_user
	) n on n.project_name = q.project_name and n.user_no = q.user_no and n.kind = q.kind and n.name = q.name
	where q.name is null or n.name is null

	union all -- A claim looks for what has expired from the first expiry on.
	select 'earliest expiry is known', u.project_name, u.user_id, u.earliest_expiry_at::text
	from task_mgmt.project_user u
	where u.earliest_expiry_at is distinct from (
		select min(q.expires_at) from task_mgmt.qualification q where q.project_name = u.project_name and q.user_no = u.user_no
	)

	union all -- A lane asks for the level of its task type.
	select 'lane has the level of its type', a.project_name, a.task_type || ', ' || a.segment_type, format('%s, not %s', a.min_level, y.min_level)
	from task_mgmt.lane a
	join task_mgmt.task_type y on y.project_name = a.project_name and y.task_type = a.task_type
	where a.min_level <> y.min_level

	union all -- D6: a task is in the lane of its type and segment type, and of its channel if that is to be limited, and
	-- assigned to an existing user.
	select 'D6 lane and assignee exist', t.project_name, t.task_id, t.task_type || ', ' || t.segment_type
	from task_mgmt.task t
	left join task_mgmt.lane a on a.project_name = t.project_name and a.lane_no = t.lane_no
		and a.task_type = t.task_type and a.segment_type = t.segment_type and a.channel = coalesce((
			select m.key
			from task_mgmt.task_limit m
			where m.project_name = t.project_name and m.scope = 'channel' and m.key = t.channel collate "C" and m.max_running is not null
		), '')
	left join task_mgmt.project_user u on u.project_name = t.project_name and u.user_no = t.assigned_user_no
	left join task_mgmt.task_type y on y.project_name = t.project_name and y.task_type = t.task_type
	left join task_mgmt.project p on p.project_name = t.project_name
	where a.lane_no is null or y.task_type is null or p.project_name is null
		or t.assigned_user_no is not null and u.user_no is null

	union all -- D6: a task of a segment is in the lane of the type that the segment is expected to have.
	select 'D6 lane of the segment''s type', t.project_name, t.task_id,
		format('%s, segment %s is expected to be %s', t.segment_type, s.seed_id, s.expected_segment_type)
	from task_mgmt.task t
	join task_mgmt.segment s on s.project_name = t.project_name and s.seed_id = t.segment_seed_id
	where t.segment_type <> coalesce(s.expected_segment_type, '')

	union all -- Segments are of existing types and projects.
	select 'segment of existing types', s.project_name, s.seed_id::text,
		format('%s, expected %s', s.segment_type, s.expected_segment_type)
	from task_mgmt.segment s
	left join task_mgmt.project p on p.project_name = s.project_name
	left join task_mgmt.segment_type y on y.project_name = s.project_name and y.type_name = s.segment_type
	left join task_mgmt.segment_type e on e.project_name = s.project_name and e.type_name = s.expected_segment_type
	where p.project_name is null
		or s.segment_type is not null and y.type_name is null
		or s.expected_segment_type is not null and e.type_name is null

	union all -- What is linked exists.
	select 'link of an existing segment and task', l.project_name, l.seed_id::text, 'task ' || l.task_no
	from task_mgmt.segment_task l
	left join task_mgmt.segment s on s.project_name = l.project_name and s.seed_id = l.seed_id
	left join task_mgmt.task t on t.project_name = l.project_name and t.task_no = l.task_no
	where s.seed_id is null or t.task_no is null

	union all -- An endpoint is of an existing segment, and has the status that it was given last.
	select 'endpoint has its segment and last status', e.project_name, e.seed_id::text,
		format('endpoint %s is %s, last given %s', e.endpoint_id, e.status, u.new_status)
	from task_mgmt.endpoint e
	left join task_mgmt.segment s on s.project_name = e.project_name and s.seed_id = e.seed_id
	left join lateral (
		select o.new_status
		from task_mgmt.endpoint_update o
		where o.project_name = e.project_name and o.endpoint_id = e.endpoint_id
		order by o.update_id desc
		limit 1
	) u on true
	where s.seed_id is null or u.new_status is distinct from e.status

	union all -- Params and metadata are objects, and a score is a share.
	select 'what a task says of itself', t.project_name, t.task_id,
		format('params %s, metadata %s, drift_score %s', jsonb_typeof(t.params), jsonb_typeof(t.metadata), t.drift_score)
	from task_mgmt.task t
	where jsonb_typeof(t.params) <> 'object' or jsonb_typeof(t.metadata) <> 'object' or not t.drift_score between 0 and 1

	union all -- A task knows whether its state is in the seed form. That is short, so a large state need not be read.
	select 'seed state is known', t.project_name, t.task_id, 'has_seed_state is ' || t.has_seed_state
	from task_mgmt.task t
	where t.has_seed_state <> case
		when pg_column_size(t.ng_state) > 100 then false
		when jsonb_typeof(t.ng_state) <> 'object' then false
		when t.ng_state - 'seed_id' <> '{}' then false
		when coalesce(t.ng_state ->> 'seed_id', '') !~ '^(0|[1-9][0-9]{0,19})$' then false
		when jsonb_typeof(t.ng_state -> 'seed_id') = 'string'
			then (t.ng_state ->> 'seed_id')::numeric between 9007199254740993 and 18446744073709551615
		else (t.ng_state ->> 'seed_id')::numeric <= 18446744073709551615
	end

	union all -- Feedback is about an existing task, given by another one.
	select 'feedback of existing tasks', f.project_name, f.feedback_id::text, format('%s on %s', f.feedback_task_no, f.task_no)
	from task_mgmt.feedback f
	left join task_mgmt.task t on t.project_name = f.project_name and t.task_no = f.task_no
	left join task_mgmt.task r on r.project_name = f.project_name and r.task_no = f.feedback_task_no
	where t.task_no is null or r.task_no is null

	union all -- A policy is about an existing type and user, and there can be feedback.
	select 'policy of an existing type and user', p.project_name, p.task_type, 'user ' || p.user_no
	from task_mgmt.feedback_policy p
	left join task_mgmt.task_type y on y.project_name = p.project_name and y.task_type = p.task_type
	left join task_mgmt.task_type f on f.project_name = p.project_name and f.task_type = 'trace_feedback_v0'
	left join task_mgmt.project_user u on u.project_name = p.project_name and u.user_no = p.user_no
	where y.task_type is null or f.task_type is null or p.user_no <> 0 and u.user_no is null

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
	union all -- What was due belongs to a schedule, which has gone on from there.
	select 'schedule goes on after its last due time', r.project_name, r.name, r.due_at::text
	from task_mgmt.schedule_run r
	left join task_mgmt.schedule s on s.project_name = r.project_name and s.name = r.name
	where s.name is null or s.next_run_at <= r.due_at
) as violation (invariant, project_name, object, detail)
where violation.project_name = any ((select task_mgmt.readable_projects())::text[])
$$;
comment on function task_mgmt.check_invariants() is
	'One row for each violation of what must hold between the tables, in the projects that the caller may read; none when all is well.';
