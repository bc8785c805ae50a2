select user_id, hourly_rate, qualified_task_types,
	array_to_string(qualified_segment_types[1:6], ', ') || case when cardinality(qualified_segment_types) > 6 then ', ...' else '' end as segment_types
from task_mgmt.users
where project_name = :'project'
order by user_id;

select * from peek_tasks(:'project', 'ben', 3);

select task_id, rule, is_passed, found
from (select min(task_id) as task_id from task_mgmt.tasks where project_name = :'project' and assigned_user_id = '') t,
	explain_assignment(:'project', 'zoe', task_id);

select task_type, user_id, share_percent from task_mgmt.feedback_policies where project_name = :'project';
