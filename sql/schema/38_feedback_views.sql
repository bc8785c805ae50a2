-- What people read of feedback: reviews with their judgement, and the policies.

create view task_mgmt.feedback_details as
select f.project_name, f.feedback_id, t.task_id, r.task_id as feedback_task_id, f.user_id,
	r.completion_status as feedback, task_mgmt.feedback_color(r.completion_status) as feedback_color, r.note, f.created_at,
	t.ng_state as task_link, r.ng_state as feedback_link
from task_mgmt.feedback f
join task_mgmt.task t on t.project_name = f.project_name and t.task_no = f.task_no
join task_mgmt.task r on r.project_name = f.project_name and r.task_no = f.feedback_task_no
where r.status = 'completed';
comment on view task_mgmt.feedback_details is 'Internal: feedback of all projects with the states of both tasks.';

create function task_mgmt.feedback_as_json(feedback task_mgmt.feedback_details) returns jsonb
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
	'project_name', feedback.project_name,
	'feedback_id', feedback.feedback_id,
	'task_id', feedback.task_id,
	'feedback_task_id', feedback.feedback_task_id,
	'user_id', feedback.user_id,
	'feedback', feedback.feedback,
	'feedback_color', feedback.feedback_color,
	'note', feedback.note,
	'created_at', feedback.created_at,
	'task_link', feedback.task_link,
	'feedback_link', feedback.feedback_link
);
comment on function task_mgmt.feedback_as_json(task_mgmt.feedback_details) is
	'Internal: feedback in the shape that get_task_feedback returns.';

create view task_mgmt.task_feedback with (security_barrier) as
select project_name, feedback_id, task_id, feedback_task_id, user_id, feedback, feedback_color, note, created_at
from task_mgmt.feedback_details
where project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.task_feedback is 'What reviewers said of completed traces.';
comment on column task_mgmt.task_feedback.project_name is 'The project.';
comment on column task_mgmt.task_feedback.feedback_id is 'A number.';
comment on column task_mgmt.task_feedback.task_id is 'The task that was reviewed.';
comment on column task_mgmt.task_feedback.feedback_task_id is 'The task that was the review.';
comment on column task_mgmt.task_feedback.user_id is 'Who did the work that was reviewed; unknown if nobody can be named.';
comment on column task_mgmt.task_feedback.feedback is 'The judgement: the completion status of the review, which is not shown while it is open again.';
comment on column task_mgmt.task_feedback.feedback_color is 'Perfect and Accurate are green, Fair is yellow, anything else is red.';
comment on column task_mgmt.task_feedback.note is 'The reviewer''s note.';
comment on column task_mgmt.task_feedback.created_at is 'When the review was completed first.';

create view task_mgmt.feedback_policies with (security_barrier) as
select p.project_name, p.task_type, u.user_id, p.share_percent
from task_mgmt.feedback_policy p
left join task_mgmt.project_user u on u.project_name = p.project_name and u.user_no = p.user_no
where p.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.feedback_policies is 'How many of the completed tasks of a type are reviewed.';
comment on column task_mgmt.feedback_policies.project_name is 'The project.';
comment on column task_mgmt.feedback_policies.task_type is 'The type of the tasks.';
comment on column task_mgmt.feedback_policies.user_id is 'Whose tasks; null for everybody who has no share of their own.';
comment on column task_mgmt.feedback_policies.share_percent is 'The share that is reviewed, in percent.';
