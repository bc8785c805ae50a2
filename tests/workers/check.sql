-- Whether the workers have done all of setup.sql, each task once. Any row is wrong.
create temporary view ends as
select task_id, count(*) filter (where kind = 'completed') as completions, count(*) filter (where kind = 'failed') as failures,
	count(*) filter (where kind = 'lease_expired') as lost, count(*) filter (where kind = 'started') as starts
from task_mgmt.events
where task_id is not null
group by task_id;

select 'wrong end', t.task_id, t.status, t.attempts, t.error, t.result, e
from task_mgmt.tasks t
join ends e using (task_id)
where t.project_name = 'p' and t.task_id not in ('last') and case t.task_id
	when 'cancelled' then (t.status, t.result, e.completions + e.failures) is distinct from ('cancelled', null::jsonb, 0)
	when 'short 7' then (t.status, t.error, e.completions, e.failures)
		is distinct from ('failed', format('attempt %s went wrong', e.starts), 0, 1) or e.starts < 3
	when 'killed' then t.status <> 'completed' or e.completions <> 1 or e.lost < 1
	else t.status <> 'completed' or t.result->>'done_by' is null or (e.completions, e.failures) <> (1, 0)
		or t.attempts <= coalesce((t.params->>'failures')::int, 0)
	end
union all
select 'not handed back', t.task_id, t.status, t.attempts, t.error, t.result, e
from task_mgmt.tasks t
join ends e using (task_id)
where t.task_id = 'last' and (t.status <> 'queued' or t.active_user_id <> '' or t.failures > 0 or e.starts <> 1);
select 'attempts do not add up', t.task_id, t.attempts, e.starts from task_mgmt.tasks t join ends e using (task_id) where t.attempts <> e.starts;
select 'tasks', count(*) from task_mgmt.tasks having count(*) <> 53;
select * from task_mgmt.check_invariants();
