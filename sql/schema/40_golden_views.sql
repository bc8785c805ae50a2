-- What managers read of golden tasks: which there are, and how many users get right. Nobody else sees them, so that nobody knows a
-- check when they get it.

create view task_mgmt.golden_tasks with (security_barrier) as
select g.project_name, t.task_id, t.task_type, t.completion_status, g.added_at, g.added_by
from task_mgmt.golden_task g
join task_mgmt.task t on t.project_name = g.project_name and t.task_no = g.task_no
where g.project_name = any ((select task_mgmt.managed_projects())::text[]);
comment on view task_mgmt.golden_tasks is 'Tasks with a known outcome, copies of which check users. Shown to managers.';
comment on column task_mgmt.golden_tasks.project_name is 'The project.';
comment on column task_mgmt.golden_tasks.task_id is 'The task.';
comment on column task_mgmt.golden_tasks.task_type is 'The kind of work.';
comment on column task_mgmt.golden_tasks.completion_status is 'The outcome that is right; empty while the task is open again, when it checks nobody.';
comment on column task_mgmt.golden_tasks.added_at is 'When it became one.';
comment on column task_mgmt.golden_tasks.added_by is 'The database role that made it one.';

create view task_mgmt.golden_scores with (security_barrier) as
select a.project_name, a.task_type, u.user_id, count(*) as answered, count(*) filter (where a.is_correct) as correct,
	round(100.0 * count(*) filter (where a.is_correct) / count(*), 2) as score_percent, max(a.completed_at) as last_answered_at
from task_mgmt.golden_answers a
join task_mgmt.project_user u on u.project_name = a.project_name and u.user_no = a.user_no
where a.project_name = any ((select task_mgmt.managed_projects())::text[])
group by a.project_name, a.task_type, u.user_id;
comment on view task_mgmt.golden_scores is 'How many copies of golden tasks users have answered, and how many rightly. Shown to managers.';
comment on column task_mgmt.golden_scores.project_name is 'The project.';
comment on column task_mgmt.golden_scores.task_type is 'The kind of work.';
comment on column task_mgmt.golden_scores.user_id is 'Who was checked and has answered.';
comment on column task_mgmt.golden_scores.answered is 'How many checks they have completed.';
comment on column task_mgmt.golden_scores.correct is 'How many of these as the golden task is.';
comment on column task_mgmt.golden_scores.score_percent is 'The share of these, in percent.';
comment on column task_mgmt.golden_scores.last_answered_at is 'When they completed the last one.';
