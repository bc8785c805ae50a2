select history->>'user_id' as user_id, history->>'submission_count' as tasks,
	round((history->>'total_hours')::numeric, 3) as hours
from get_user_work_history('debian', 'grace') as history;

select user_id, count(*) as tasks, round(sum(seconds_spent) / 3600, 3) as hours, round(sum(cost), 2) as cost
from task_mgmt.timesheet
where project_name = 'debian'
group by rollup (user_id)
order by user_id;

select task_id, active_user_id, completed_user_id, get_total_task_cost('debian', task_id) as cost
from task_mgmt.tasks
where project_name = 'debian'
order by cost desc
limit 5;

select event_no, occurred_at, kind, user_id, detail
from task_mgmt.events
where project_name = 'debian' and task_id = 'libc6'
order by event_no;
