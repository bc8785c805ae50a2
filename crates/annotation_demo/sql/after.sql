select completion_status, user_id, sum(tasks) from task_mgmt.throughput where project_name = :'project' group by 1, 2 order by 2, 1 \crosstabview

select user_id, feedback, count(*) from task_mgmt.task_feedback where project_name = :'project' group by 1, 2 order by 1, 2 \crosstabview

select user_id, count(*) as reviews, round(100.0 * count(*) filter (where feedback_color = 'green') / count(*)) as percent_green,
	(array_agg(note order by feedback_id) filter (where feedback = 'Inaccurate'))[1] as first_complaint
from task_mgmt.task_feedback
where project_name = :'project'
group by user_id
order by user_id;

select close_pay_period(:'project', now() - interval '1 day', now(), note => 'the first day');

select user_id, task_id, seconds_spent, correct_time(project_name, user_id, task_id, -30, 'the clock ran on')
from task_mgmt.timesheet
where project_name = :'project'
order by seconds_spent desc, user_id, task_id
limit 1;

select * from payroll(:'project', now() - interval '1 day', now() + interval '1 day');

select user_id, seconds, cost from task_mgmt.pay_totals where project_name = :'project' order by user_id;

select expected_segment_type, seed_id, s.status, round(skeleton_path_length_mm::numeric, 3) as mm,
	count(*) filter (where e.status = 'CERTAIN') as certain, count(*) filter (where e.status = 'UNCERTAIN') as uncertain
from task_mgmt.segments s
left join task_mgmt.endpoints e using (project_name, seed_id)
where project_name = :'project'
group by project_name, expected_segment_type, seed_id, s.status, skeleton_path_length_mm
order by expected_segment_type, seed_id
limit 12;

select layer->>'name' as layer, layer->>'type' as type, coalesce(layer->'source'->>'url', layer->>'source') as source,
	layer->>'annotationColor' as color, layer->'segments' as segments, jsonb_array_length(layer->'annotations') as annotations
from task_mgmt.segments, jsonb_array_elements(get_segment_ng_state(project_name, seed_id)->'layers') layer
where project_name = :'project' and seed_id = (select min(seed_id) from task_mgmt.segments where project_name = :'project');

select task_id, left(get_trace_task_link(project_name, task_id), 100) as link, length(get_trace_task_link(project_name, task_id))
from task_mgmt.tasks
where project_name = :'project' and task_type = 'trace_v0'
order by task_id
limit 3;

select seed_id, left(get_segment_link(project_name, seed_id, include_certain_ends => false), 100) as link
from task_mgmt.segments
where project_name = :'project'
order by seed_id
limit 3;

select event_no, kind, user_id, detail
from task_mgmt.events
where project_name = :'project'
	and task_id = (select min(task_id) from task_mgmt.tasks where project_name = :'project' and assigned_user_id = 'ben')
order by event_no;

select * from task_mgmt.check_invariants();
