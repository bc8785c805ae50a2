-- What people read of a project besides its tasks: settings, users, task types, time and access. A view shows a caller the
-- projects that the caller may read.

create view task_mgmt.projects with (security_barrier) as
select project_name, status, description, segmentation_path, sv_resolution_x, sv_resolution_y, sv_resolution_z,
	brain_mesh_path, datastack_name, synapse_table, extra_layers, max_idle_seconds, created_at, notify_events
from task_mgmt.project
where project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.projects is 'Projects: the tenants, to one of which everything else belongs.';
comment on column task_mgmt.projects.project_name is 'The project.';
comment on column task_mgmt.projects.status is 'Only an active project hands out work.';
comment on column task_mgmt.projects.description is 'What the project is about.';
comment on column task_mgmt.projects.segmentation_path is 'Where the segmentation volume is.';
comment on column task_mgmt.projects.sv_resolution_x is 'Size of a supervoxel coordinate in x, in nanometres.';
comment on column task_mgmt.projects.sv_resolution_y is 'Size of a supervoxel coordinate in y, in nanometres.';
comment on column task_mgmt.projects.sv_resolution_z is 'Size of a supervoxel coordinate in z, in nanometres.';
comment on column task_mgmt.projects.brain_mesh_path is 'Where the mesh of the whole brain is.';
comment on column task_mgmt.projects.datastack_name is 'Name of the datastack of the segmentation.';
comment on column task_mgmt.projects.synapse_table is 'Name of the table of synapses.';
comment on column task_mgmt.projects.extra_layers is 'An array of further neuroglancer layers.';
comment on column task_mgmt.projects.max_idle_seconds is 'When an idle lease may be taken over; null for the setting task_mgmt.max_idle_seconds.';
comment on column task_mgmt.projects.created_at is 'When it was created.';
comment on column task_mgmt.projects.notify_events is 'Of which events listeners are notified: "all" or an array of kinds; null for none.';

create view task_mgmt.users with (security_barrier) as
select u.project_name, u.user_id, u.hourly_rate, coalesce(active.task_id, '') as active_task, u.qualified_task_types,
	u.qualified_segment_types, u.is_active, u.bound_role, u.created_at, u.capacity
from task_mgmt.project_user u
left join lateral (
	select l.task_id
	from task_mgmt.lease l
	where l.project_name = u.project_name and l.user_no = u.user_no and l.user_no > 0
	order by l.leased_at desc, l.fence desc
	limit 1
) active on true
where u.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.users is 'Users: whoever works in a project, and what they hold.';
comment on column task_mgmt.users.project_name is 'The project.';
comment on column task_mgmt.users.user_id is 'The user''s name within the project.';
comment on column task_mgmt.users.hourly_rate is 'What an hour costs; each submission of time keeps the rate of its moment.';
comment on column task_mgmt.users.active_task is 'The task that the user holds; empty if none.';
comment on column task_mgmt.users.qualified_task_types is 'The task types that the user is qualified for, whatever the level and whether expired or not; see qualifications.';
comment on column task_mgmt.users.qualified_segment_types is 'The segment types that the user is qualified for, whether expired or not; see qualifications.';
comment on column task_mgmt.users.is_active is 'False if the user gets no more tasks.';
comment on column task_mgmt.users.bound_role is 'The database role whose members alone act as this user; null if any worker may.';
comment on column task_mgmt.users.created_at is 'When the user was created.';
comment on column task_mgmt.users.capacity is 'How many tasks the user may hold at once; null for any number.';

create view task_mgmt.task_types with (security_barrier) as
select project_name, task_type, completion_statuses, description, max_idle_seconds, min_level, overlap,
	golden_percent, golden_min_score_percent, golden_min_answers, verification_handler,
	completion_handler, creation_handler, created_at, lease_seconds, max_attempts, backoff, params_schema, preset
from task_mgmt.task_type
where project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.task_types is 'Task types: the kinds of work of a project.';
comment on column task_mgmt.task_types.project_name is 'The project.';
comment on column task_mgmt.task_types.task_type is 'The kind of work.';
comment on column task_mgmt.task_types.completion_statuses is 'The outcomes that a completion may name.';
comment on column task_mgmt.task_types.description is 'What is to be done.';
comment on column task_mgmt.task_types.max_idle_seconds is 'When an idle lease may be taken over; null for the project''s.';
comment on column task_mgmt.task_types.min_level is 'The level that a user''s qualification must have; 0 if any does.';
comment on column task_mgmt.task_types.overlap is 'How many users work on copies of a task that says nothing else of it.';
comment on column task_mgmt.task_types.golden_percent is 'How many of a user''s tasks are followed by a check, in percent; null if none.';
comment on column task_mgmt.task_types.golden_min_score_percent is 'The score below which a user loses the qualification; null if nobody does.';
comment on column task_mgmt.task_types.golden_min_answers is 'How many answers there must be for that; null for one.';
comment on column task_mgmt.task_types.verification_handler is 'The function that may refuse a completion; null if none.';
comment on column task_mgmt.task_types.completion_handler is 'The function that follows a completion; null if none.';
comment on column task_mgmt.task_types.creation_handler is 'The function that creates a task for a segment; null if none.';
comment on column task_mgmt.task_types.created_at is 'When it was created.';
comment on column task_mgmt.task_types.lease_seconds is 'How long a lease of claim_tasks lasts that says nothing else; null for the setting task_mgmt.lease_seconds.';
comment on column task_mgmt.task_types.max_attempts is 'How many attempts of a task may fail before the task has; null for the setting task_mgmt.max_attempts.';
comment on column task_mgmt.task_types.backoff is 'How long a task waits after a failure: base_seconds, factor, max_seconds, jitter; null for the default.';
comment on column task_mgmt.task_types.params_schema is 'What the params of its tasks must be, in JSON Schema; null if anything goes.';
comment on column task_mgmt.task_types.preset is 'Further rules for what its tasks say of themselves; null if none.';

create function task_mgmt.submission_as_json(submission task_mgmt.submission, user_id text, task_id text) returns jsonb
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
	'submission_id', submission.submission_no,
	'user_id', user_id,
	'task_id', task_id,
	'seconds_spent', trim_scale(submission.seconds_spent),
	'submitted_at', submission.submitted_at
) || case
	when submission.reason is null then '{}'
	else jsonb_build_object('reason', submission.reason, 'corrected_by', submission.corrected_by)
end;
comment on function task_mgmt.submission_as_json(task_mgmt.submission, text, text) is
	'Internal: a submission in the shape that get_timesheet_submissions returns.';

create view task_mgmt.timesheet_submissions with (security_barrier) as
select s.project_name, s.submission_no as submission_id, u.user_id, t.task_id, s.seconds_spent, s.hourly_rate,
	s.submitted_at, s.reason, s.corrected_by
from task_mgmt.submission s
join task_mgmt.project_user u on u.project_name = s.project_name and u.user_no = s.user_no
join task_mgmt.task t on t.project_name = s.project_name and t.task_no = s.task_no
where s.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.timesheet_submissions is 'Every submission of time as it was made, and every correction.';
comment on column task_mgmt.timesheet_submissions.project_name is 'The project.';
comment on column task_mgmt.timesheet_submissions.submission_id is 'A number; later submissions have larger ones.';
comment on column task_mgmt.timesheet_submissions.user_id is 'Whose time it is.';
comment on column task_mgmt.timesheet_submissions.task_id is 'The task it was spent on.';
comment on column task_mgmt.timesheet_submissions.seconds_spent is 'Seconds, exact to the millisecond; negative if a correction takes time back.';
comment on column task_mgmt.timesheet_submissions.hourly_rate is 'The user''s rate at that moment, or the rate that is corrected.';
comment on column task_mgmt.timesheet_submissions.submitted_at is 'When it was submitted.';
comment on column task_mgmt.timesheet_submissions.reason is 'Why time was corrected; null unless it is a correction.';
comment on column task_mgmt.timesheet_submissions.corrected_by is 'The database role that corrected; null unless it is a correction.';

create view task_mgmt.timesheet with (security_barrier) as
select s.project_name, u.user_id, t.task_id, s.seconds_spent, s.submission_count, s.cost
from (
	select project_name, user_no, task_no, sum(seconds_spent) as seconds_spent, count(*) as submission_count,
		trim_scale(round(sum(seconds_spent * hourly_rate) / 3600, 6)) as cost
	from task_mgmt.submission
	where project_name = any ((select task_mgmt.readable_projects())::text[])
	group by project_name, user_no, task_no
) s
join task_mgmt.project_user u on u.project_name = s.project_name and u.user_no = s.user_no
join task_mgmt.task t on t.project_name = s.project_name and t.task_no = s.task_no;
comment on view task_mgmt.timesheet is 'The time of each user on each task: the sum of their submissions and corrections.';
comment on column task_mgmt.timesheet.project_name is 'The project.';
comment on column task_mgmt.timesheet.user_id is 'Whose time it is.';
comment on column task_mgmt.timesheet.task_id is 'The task it was spent on.';
comment on column task_mgmt.timesheet.seconds_spent is 'Seconds, exact to the millisecond.';
comment on column task_mgmt.timesheet.submission_count is 'How many submissions and corrections they came in.';
comment on column task_mgmt.timesheet.cost is 'What they cost, each submission at its rate, rounded to six decimals.';

create view task_mgmt.access_grants with (security_barrier) as
select project_name, role, access_level
from task_mgmt.access
where project_name = '*' or project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.access_grants is 'Which database role may do what, and where.';
comment on column task_mgmt.access_grants.project_name is 'The project; * for all.';
comment on column task_mgmt.access_grants.role is 'The database role; its members have the same access.';
comment on column task_mgmt.access_grants.access_level is 'The level, which includes the ones before: reader, worker, manager, admin.';
