-- What people read about pay and throughput. A day is one of the session's time zone.

create view task_mgmt.rates with (security_barrier) as
select r.project_name, u.user_id, r.effective_from, r.hourly_rate, r.set_by
from task_mgmt.rate r
join task_mgmt.project_user u on u.project_name = r.project_name and u.user_no = r.user_no
where r.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.rates is 'Every hourly rate that a user has had.';
comment on column task_mgmt.rates.project_name is 'The project.';
comment on column task_mgmt.rates.user_id is 'Whose rate it is.';
comment on column task_mgmt.rates.effective_from is 'Since when it counts for time that is submitted.';
comment on column task_mgmt.rates.hourly_rate is 'What an hour costs.';
comment on column task_mgmt.rates.set_by is 'The database role that set it.';

create view task_mgmt.pay_periods with (security_barrier) as
select p.project_name, p.period_id, p.starts_at, p.ends_at, p.note, p.closed_at, p.closed_by, p.cleared_at,
	coalesce(t.users, 0) as users, coalesce(t.seconds, 0) as seconds, coalesce(t.cost, 0) as cost
from task_mgmt.pay_period p
left join (
	select project_name, period_id, count(*) as users, sum(seconds) as seconds, sum(cost) as cost
	from task_mgmt.pay_total
	group by project_name, period_id
) t on t.project_name = p.project_name and t.period_id = p.period_id
where p.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.pay_periods is 'Closed pay periods with what all users together got.';
comment on column task_mgmt.pay_periods.project_name is 'The project.';
comment on column task_mgmt.pay_periods.period_id is 'The period''s number.';
comment on column task_mgmt.pay_periods.starts_at is 'Its first moment.';
comment on column task_mgmt.pay_periods.ends_at is 'The first moment after it.';
comment on column task_mgmt.pay_periods.note is 'What was noted at closing; null if nothing.';
comment on column task_mgmt.pay_periods.closed_at is 'When it was closed.';
comment on column task_mgmt.pay_periods.closed_by is 'The database role that closed it.';
comment on column task_mgmt.pay_periods.cleared_at is 'Since when the submissions that it sums up are cleared; null if they are there.';
comment on column task_mgmt.pay_periods.users is 'How many users submitted time or were corrected.';
comment on column task_mgmt.pay_periods.seconds is 'The seconds of all users, corrections included.';
comment on column task_mgmt.pay_periods.cost is 'What they cost.';

create view task_mgmt.pay_totals with (security_barrier) as
select t.project_name, t.period_id, p.starts_at, p.ends_at, t.user_id, t.seconds, t.cost
from task_mgmt.pay_total t
join task_mgmt.pay_period p on p.project_name = t.project_name and p.period_id = t.period_id
where t.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.pay_totals is 'What each user got in each closed pay period, as stored at closing.';
comment on column task_mgmt.pay_totals.project_name is 'The project.';
comment on column task_mgmt.pay_totals.period_id is 'The period''s number.';
comment on column task_mgmt.pay_totals.starts_at is 'The first moment of the period.';
comment on column task_mgmt.pay_totals.ends_at is 'The first moment after the period.';
comment on column task_mgmt.pay_totals.user_id is 'The user''s name at closing.';
comment on column task_mgmt.pay_totals.seconds is 'Seconds submitted in the period, corrections included; negative if more was taken back than submitted.';
comment on column task_mgmt.pay_totals.cost is 'What they cost, each submission at its rate, rounded to six decimals.';

create view task_mgmt.throughput with (security_barrier) as
select t.project_name, t.completed_at::date as day, u.user_id, t.task_type, t.completion_status, count(*) as tasks
from task_mgmt.completed_work t
join task_mgmt.project_user u on u.project_name = t.project_name and u.user_no = t.completed_user_no
where t.project_name = any ((select task_mgmt.readable_projects())::text[])
group by t.project_name, t.completed_at::date, u.user_id, t.task_type, t.completion_status;
comment on view task_mgmt.throughput is 'How many tasks each user completed each day, by kind and outcome.';
comment on column task_mgmt.throughput.project_name is 'The project.';
comment on column task_mgmt.throughput.day is 'The day of the completion, in the session''s time zone.';
comment on column task_mgmt.throughput.user_id is 'Who completed them.';
comment on column task_mgmt.throughput.task_type is 'The kind of work.';
comment on column task_mgmt.throughput.completion_status is 'The outcome.';
comment on column task_mgmt.throughput.tasks is 'How many tasks; one that was opened again and completed anew counts once, at its last completion.';

create view task_mgmt.time_per_day with (security_barrier) as
select s.project_name, s.submitted_at::date as day, u.user_id, trim_scale(sum(s.seconds_spent)) as seconds,
	trim_scale(round(sum(s.seconds_spent * s.hourly_rate) / 3600, 6)) as cost
from task_mgmt.submission s
join task_mgmt.project_user u on u.project_name = s.project_name and u.user_no = s.user_no
where s.project_name = any ((select task_mgmt.readable_projects())::text[])
group by s.project_name, s.submitted_at::date, u.user_id;
comment on view task_mgmt.time_per_day is 'How much time each user submitted each day, corrections included.';
comment on column task_mgmt.time_per_day.project_name is 'The project.';
comment on column task_mgmt.time_per_day.day is 'The day of the submission, in the session''s time zone.';
comment on column task_mgmt.time_per_day.user_id is 'Whose time it is.';
comment on column task_mgmt.time_per_day.seconds is 'Seconds, exact to the millisecond.';
comment on column task_mgmt.time_per_day.cost is 'What they cost, each submission at its rate, rounded to six decimals.';
