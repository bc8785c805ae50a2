-- What managers of people look at: who holds what and for how long, and who may do what.

create view task_mgmt.held_tasks with (security_barrier) as
select l.project_name, l.task_id, t.task_type, nullif(t.segment_type, '') as segment_type, h.user_id, l.leased_at,
	l.started_at, l.attempt, l.fence as lease_token, l.expires_at as lease_expires_at, l.instance, idle.seconds as idle_seconds, idle.limit_seconds as max_idle_seconds,
	greatest(idle.limit_seconds - idle.seconds, 0) as remaining_lease_seconds, idle.seconds >= idle.limit_seconds as is_idle
from task_mgmt.lease l
join task_mgmt.task t on t.project_name = l.project_name and t.task_no = l.task_no
join task_mgmt.task_type y on y.project_name = l.project_name and y.task_type = t.task_type
join task_mgmt.project p on p.project_name = l.project_name
join task_mgmt.project_user h on h.project_name = l.project_name and h.user_no = l.user_no
cross join lateral (
	select extract(epoch from (select task_mgmt.present()) - l.leased_at)::float8,
		task_mgmt.idle_limit(l, y.max_idle_seconds, p.max_idle_seconds, (select task_mgmt.server_idle_limit()))
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
comment on column task_mgmt.held_tasks.attempt is 'Which attempt it is.';
comment on column task_mgmt.held_tasks.lease_token is 'What the holder names it by; another one after every claim.';
comment on column task_mgmt.held_tasks.lease_expires_at is 'When the lease ends by itself; null if it is taken over once it is idle.';
comment on column task_mgmt.held_tasks.instance is 'Which of the user''s processes holds it; null if it did not say.';
comment on column task_mgmt.held_tasks.idle_seconds is 'Seconds since the lease was last renewed.';
comment on column task_mgmt.held_tasks.max_idle_seconds is 'The idle limit: the length of a lease that ends by itself; else that of the task type, of the project, or the setting.';
comment on column task_mgmt.held_tasks.remaining_lease_seconds is 'Seconds until the idle limit; 0 once it is reached.';
comment on column task_mgmt.held_tasks.is_idle is 'True once the idle limit is reached, so that somebody else may take the task over.';

create view task_mgmt.qualifications with (security_barrier) as
select q.project_name, u.user_id, q.kind, q.name, q.level, q.expires_at, q.granted_at,
	coalesce(q.expires_at <= (select task_mgmt.present()), false) as is_expired
from task_mgmt.qualification q
join task_mgmt.project_user u on u.project_name = q.project_name and u.user_no = q.user_no
where q.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.qualifications is 'What users are qualified for, how well, and until when.';
comment on column task_mgmt.qualifications.project_name is 'The project.';
comment on column task_mgmt.qualifications.user_id is 'Who is qualified.';
comment on column task_mgmt.qualifications.kind is 'What for: task_type or segment_type.';
comment on column task_mgmt.qualifications.name is 'The task type or segment type.';
comment on column task_mgmt.qualifications.level is 'How well; null counts as 0. Compared with the min_level of the task type.';
comment on column task_mgmt.qualifications.expires_at is 'From when on it gives the user no more tasks; null for never.';
comment on column task_mgmt.qualifications.granted_at is 'When it was given or last changed.';
comment on column task_mgmt.qualifications.is_expired is 'True from expires_at on.';
