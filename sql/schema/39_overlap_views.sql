-- What people read of tasks that several people work on.

create view task_mgmt.overlaps with (security_barrier) as
select o.project_name, o.task_id, o.task_type, o.overlap, o.copies, o.copies - o.open_copies as completed,
	coalesce(found.statuses, '{}') as completion_statuses,
	case
		when o.status not in ('queued', 'completed') then null
		when o.status = 'completed' and t.completion_status = o.agreed_status then 'agree'
		when o.status = 'completed' then 'adjudicated'
		when o.is_answered then 'needs_adjudication'
		else 'open'
	end as result
from task_mgmt.overlap_details o
join task_mgmt.task t on t.project_name = o.project_name and t.task_no = o.task_no
left join lateral (
	select jsonb_object_agg(each.completion_status, each.copies) as statuses
	from (
		select c.completion_status, count(*) as copies
		from task_mgmt.task c
		where c.project_name = o.project_name and c.original_no = o.task_no and c.status = 'completed' and not c.is_check
		group by c.completion_status
	) each
) found on true
where o.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.overlaps is 'Tasks that several people work on, and whether these agree.';
comment on column task_mgmt.overlaps.project_name is 'The project.';
comment on column task_mgmt.overlaps.task_id is 'The task; its copies are the tasks that name it as original_task_id.';
comment on column task_mgmt.overlaps.task_type is 'The kind of work.';
comment on column task_mgmt.overlaps.overlap is 'How many users are to complete a copy.';
comment on column task_mgmt.overlaps.copies is 'How many copies there are; cancelled ones do not count.';
comment on column task_mgmt.overlaps.completed is 'How many of them are completed.';
comment on column task_mgmt.overlaps.completion_statuses is 'How many of these have which completion status.';
comment on column task_mgmt.overlaps.result is
	'open; agree, if the task is completed as all copies are; needs_adjudication, if it is not and all copies are completed; adjudicated, if it is completed otherwise; null if it has ended without a result.';
