-- Every task was handed out once and completed by the user that it was handed to; nobody holds one any more.
do $$
declare
	found record;
begin
	select
		count(*) filter (where status = 'completed') as completed,
		count(*) filter (where active_user_id <> '') as held,
		count(distinct completed_user_id) as users
	into found
	from task_mgmt.tasks where project_name = 'pooled';
	assert found.completed = 1600 and found.held = 0 and found.users = 32, found::text;
	assert not exists (select from task_mgmt.check_invariants()), 'invariants are broken';
end $$;
