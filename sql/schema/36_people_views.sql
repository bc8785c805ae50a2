-- What managers of people look at: who holds what, and for how long.

create view task_mgmt.held_tasks with (security_barrier) as
select l.project_name, l.task_id, t.task_type, nullif(t.segment_type, '') as segment_type, h.user_id, l.leased_at,
	l.started_at, idle.seconds as idle_seconds, idle.limit_seconds as max_idle_seconds,
	greatest(idle.limit_seconds - idle.seconds, 0) as remaining_lease_seconds, idle.seconds >= idle.limit_seconds as is_idle
from task_mgmt.lease l
join task_mgmt.task t on t.project_name = l.project_name and t.task_no = l.task_no
join task_mgmt.task_type y on y.project_name = l.project_name and y.task_type = t.task_type
join task_mgmt.project p on p.project_name = l.project_name
join task_mgmt.project_user h on h.project_name = l.project_name and h.user_no = l.user_no
cross join lateral (
	select extract(epoch from (select task_mgmt.present()) - l.leased_at)::float8,
		task_mgmt.idle_limit(y.max_idle_seconds, p.max_idle_seconds, (select task_mgmt.server_idle_limit()))
) as idle (seconds, limit_seconds)
where l.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.held_tasks is 'Who holds what, since when, and how soon somebody else may take it over.';
comment on column task_mgmt.held_tasks.project_name is 'The project.';
comment on column task_mgmt.held_tasks.task_id is 'The task that is held.';
comment on column task_mgmt.held_tasks.task_type is 'The kind of work.';
comment on column task_mgmt.held_tasks.segment_type is 'The segment type that a user must be qualified for; null if none.';
comment on column task_mgmt.held_tasks.user_id is 'Who holds it.';
comment on column task_mgmt.held_tasks.leased_at is 'When the lease was last started or renewed.';
comment on column task_mgmt.held_tasks.started_at is
	'When this lease began, or that of a former holder it was taken over from; null if brought in as held and not started since.';
comment on column task_mgmt.held_tasks.idle_seconds is 'Seconds since the lease was last renewed.';
comment on column task_mgmt.held_tasks.max_idle_seconds is 'The idle limit: that of the task type, else of the project, else the setting.';
comment on column task_mgmt.held_tasks.remaining_lease_seconds is 'Seconds until the idle limit; 0 once it is reached.';
comment on column task_mgmt.held_tasks.is_idle is 'True once the idle limit is reached, so that somebody else may take the task over.';
