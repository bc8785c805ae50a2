-- What each function does, in one line, and that nobody but the owner may use anything until grant_access says so.

comment on function create_project is 'Creates an active project and returns its name.';
comment on function get_project is 'A project as a JSON object.';
comment on function update_project is 'Changes the settings of a project; absent keys keep their values.';
comment on function list_all_projects is 'The names of all active projects that the caller may read.';
comment on function project_exists is 'Whether there is a project of this name, whatever its status.';
comment on function pause_project is 'Stops a project from handing out work until it is resumed.';
comment on function resume_project is 'Makes a paused or archived project active again.';
comment on function archive_project is 'Puts a project away; its data stays.';
comment on function delete_project is 'Removes a project, with cascade also its tasks; false if there is none.';

comment on function create_user is 'Creates a user and returns its id; does nothing if it exists with the same data.';
comment on function get_user is 'A user as a JSON object.';
comment on function list_users is 'All users of a project as a JSON array.';
comment on function update_user is 'Changes a user; absent keys keep their values.';
comment on function deactivate_user is 'Stops a user from getting more tasks.';

comment on function create_task_type is 'Creates a task type and returns its name.';
comment on function get_task_type is 'A task type as a JSON object.';
comment on function list_task_types is 'All task types of a project as a JSON array.';
comment on function update_task_type is 'Changes a task type; absent keys keep their values.';
comment on function add_standard_task_types is 'Adds the three standard task types of annotation projects, or brings them up to date.';

comment on function create_task is 'Creates a task and returns its id.';
comment on function create_tasks is 'Creates many tasks at once, all or none, and returns how many.';
comment on function get_task is 'A task as a JSON object.';
comment on function update_task is 'Changes a task; absent keys keep their values, null clears them.';
comment on function pause_task is 'Leaves a task out of automatic selection.';
comment on function unpause_task is 'Lets a paused task be selected again.';
comment on function cancel_task is 'Ends a task without a result, whoever holds it.';
comment on function reactivate_task is 'Opens a completed or cancelled task again; dependents wait for it again.';
comment on function assign_task is 'Reserves a task for a user, or with null for nobody.';
comment on function get_paused_tasks_by_user is 'The open, paused tasks assigned to a user, as a JSON array.';
comment on function list_tasks_summary is 'How many tasks are open, completed and paused, and the first of them, as a JSON object.';

comment on function start_task is
	'Gives a user a task: the one held, the one asked for, or the best one; null if there is nothing to do.';
comment on function release_task is 'Completes a task that the user holds, or with an empty status hands it back unfinished.';
comment on function force_release_task is 'Takes a task from whoever holds it; the history records who did it.';
comment on function renew_lease is 'Renews a user''s lease of a task, so that nobody takes it over.';
comment on function start_task_cross_project is 'Gives a user a task of any of the user''s projects, by the rules of start_task.';
comment on function get_task_cross_project is 'A task wherever it is: one row for each project that has one of this id.';

comment on function create_dependency is 'Makes a task wait until another completes with a given status; returns the id.';
comment on function create_dependencies is 'Creates many dependencies at once, all or none, and returns how many.';
comment on function get_dependency is 'A dependency as a JSON object.';
comment on function update_dependency is 'Changes a dependency, or lets its task go on without waiting.';
comment on function delete_dependency is 'Removes a dependency; a task that waited for nothing else can be started.';
comment on function get_dependencies_for_task is 'What a task waits or waited for, as a JSON array.';
comment on function get_dependencies_depending_on_task is 'Which tasks wait or waited for a task, as a JSON array.';
comment on function get_unsatisfied_dependencies_for_task is 'What a task still waits for, as a JSON array.';

comment on function register_handler is 'Registers a function as verification, completion or creation handler of a task type.';
comment on function unregister_handler is 'Removes a handler from a task type; false if there was none.';
comment on function verify_task is 'Asks the verification handler whether a task may be completed with a status.';
comment on function add_segment_task is 'Creates a task for a segment through the creation handler of a task type.';

comment on function submit_timesheet is 'Books time of a user on the task that they hold and renews their lease.';
comment on function get_timesheet_submissions is 'Submissions of time, newest first, as a JSON array.';
comment on function get_user_work_history is 'What a user has worked in the last days, as a JSON object.';
comment on function get_task_timesheet_summary is 'The time spent on a task, in all and by user, as a JSON object.';
comment on function get_total_task_time is 'The seconds that all users have spent on a task.';
comment on function get_total_task_cost is 'What the time spent on a task costs.';

comment on function clear_project_data is 'Removes all tasks of a project with their dependencies, time and history.';
comment on function clear_project_users is 'Removes all users of a project, if none of them has completed a task.';
comment on function clear_project_task_types is 'Removes all task types of a project that has no tasks.';

comment on function grant_access is 'Gives a role a level of access to one project or, by default, to all.';
comment on function revoke_access is 'Takes a role''s access to one project or, by default, to all away; false if it had none.';
comment on function bind_user is 'Lets only members of a role, and managers, act as a user.';
comment on function unbind_user is 'Lets every worker of the project act as a user again.';

comment on function task_mgmt.readable_projects is 'Internal: the projects that the views show to the caller.';

-- By default PostgreSQL gives functions and types to everybody.
do $$
declare
	revocation text;
begin
	for revocation in
		select pg_catalog.format('revoke all on %s %s from public', kind, name)
		from (
			select 'function', p.oid::pg_catalog.regprocedure::text, d.refobjid
			from pg_catalog.pg_depend d
			join pg_catalog.pg_proc p on p.oid = d.objid
			where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.deptype = 'e'
			union all
			select 'type', t.oid::pg_catalog.regtype::text, d.refobjid
			from pg_catalog.pg_depend d
			join pg_catalog.pg_type t on t.oid = d.objid
			where d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.deptype = 'e' and t.typtype = 'e'
		) as member (kind, name, extension)
		where extension = (select e.oid from pg_catalog.pg_extension e where e.extname = 'task_mgmt')
	loop
		execute revocation;
	end loop;
end
$$;
