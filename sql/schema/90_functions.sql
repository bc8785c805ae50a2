-- What each function does, in one line, and that nobody but the owner may use anything until grant_access says so.

-- They are found as members of the extension, as others may have functions of the same names.
do $$
declare
	statement text;
begin
	for statement in
		select pg_catalog.format('comment on function %s is %L', p.oid::pg_catalog.regprocedure, said.comment)
		from (values
			('create_project', 'Creates an active project and returns its name.'),
			('get_project', 'A project as a JSON object.'),
			('update_project', 'Changes the settings of a project; absent keys keep their values.'),
			('list_all_projects', 'The names of all active projects that the caller may read.'),
			('project_exists', 'Whether there is a project of this name, whatever its status.'),
			('pause_project', 'Stops a project from handing out work until it is resumed.'),
			('resume_project', 'Makes a paused or archived project active again.'),
			('archive_project', 'Puts a project away; its data stays.'),
			('delete_project', 'Removes a project, with cascade also its tasks; false if there is none.'),

			('create_user', 'Creates a user and returns its id; does nothing if it exists with the same data.'),
			('get_user', 'A user as a JSON object.'),
			('list_users', 'All users of a project as a JSON array.'),
			('update_user', 'Changes a user; absent keys keep their values.'),
			('deactivate_user', 'Stops a user from getting more tasks.'),

			('create_fact', 'Records a fact and returns its id.'),
			('create_facts', 'Records many facts at once, all or none, and returns how many.'),
			('get_fact', 'A fact as a JSON object.'),
			('find_fact', 'The id of the one fact whose id is, or else begins with, the prefix.'),
			('list_facts', 'Facts of a project that fit filters, newest first, and how many there are.'),
			('get_current_truth', 'Of each predicate of each subject the fact that is in effect and took effect last.'),
			('update_fact', 'Changes a fact; absent keys keep their values.'),
			('delete_fact', 'Removes a fact and its lineage.'),
			('delete_expired_facts', 'Removes the facts whose valid_to has passed, or counts them.'),
			('fact_statistics', 'How many facts a project has, by how they stand to time and rules.'),
			('link_task_fact', 'Records that a task has found a fact out or read it.'),
			('unlink_task_fact', 'Undoes link_task_fact.'),
			('read_fact', 'Records that a task has read a fact, and returns the fact.'),
			('fact_keys', 'Internal: what a fact is found by, for the index.'),
			('contains_folded', 'Internal: whether a text contains a part whose cases are folded, in upper or lower case.'),

			('create_conversation', 'Adds a conversation to a task and returns its id.'),
			('list_conversations', 'The conversations of a task as a JSON array, in order of creation.'),
			('update_conversation', 'Changes a conversation; absent keys keep their values.'),
			('delete_conversation', 'Removes a conversation.'),

			('create_task_type', 'Creates a task type and returns its name.'),
			('get_task_type', 'A task type as a JSON object.'),
			('list_task_types', 'All task types of a project as a JSON array.'),
			('update_task_type', 'Changes a task type; absent keys keep their values.'),
			('add_standard_task_types', 'Adds the four standard task types of annotation projects, or brings them up to date.'),

			('create_segment_type', 'Creates a segment type and returns its name.'),
			('get_segment_type', 'A segment type as a JSON object.'),
			('list_segment_types', 'All segment types of a project as a JSON array.'),
			('update_segment_type', 'Changes a segment type; absent keys keep their values, null clears them.'),
			('delete_segment_type', 'Removes a segment type that no segment, task or user names.'),

			('create_segment', 'Creates a segment and returns its seed id.'),
			('create_segments', 'Creates many segments at once, all or none, and returns how many.'),
			('get_segment', 'A segment as a JSON object.'),
			('update_segment', 'Changes a segment; absent keys keep their values, null clears them.'),
			('list_segments', 'Segments of a project, filtered and in pages, as a JSON array.'),
			('ingest_segments', 'Creates the segments of many seeds, all that are new or none; conflicts are reported.'),
			('retire_duplicate_segments', 'Marks all but one of the segments under one present root as duplicates.'),
			('link_segment_task', 'Links a task to a segment; false if it was linked already.'),
			('unlink_segment_task', 'Takes a link of a task to a segment away; false if there was none.'),
			('get_segment_tasks', 'The tasks of a segment as a JSON array.'),
			('add_segment_type_and_instructions', 'A task as a JSON object, with type and instructions of its segment.'),
			('create_endpoint', 'Creates an endpoint of a segment and returns its number.'),
			('update_endpoint_status', 'Gives an endpoint another status.'),
			('replace_endpoints', 'Makes the endpoints of a segment those that are given; the others go.'),
			('get_endpoints', 'The endpoints of a segment as a JSON array.'),
			('get_endpoint_updates', 'Every status that an endpoint was given, as a JSON array.'),
			('lock_segments', 'Locks segments, which nobody is to edit any more; returns how many were not locked.'),
			('unlock_segments', 'Unlocks segments; returns how many were locked.'),
			('get_unlocked_segments', 'Those of the segments that are not locked, in the order given.'),

			('create_task', 'Creates a task and returns its id.'),
			('create_tasks', 'Creates many tasks at once, all or none, and returns how many.'),
			('get_task', 'A task as a JSON object.'),
			('list_tasks', 'A page of the tasks that fit filters, and how many there are.'),
			('find_task', 'The id of the task whose id begins so.'),
			('task_status', 'How a task is: status, last change, error.'),
			('update_task', 'Changes a task; absent keys keep their values, null clears them.'),
			('pause_task', 'Leaves a task out of automatic selection.'),
			('unpause_task', 'Lets a paused task be selected again.'),
			('merge_metadata', 'Adds keys to the metadata of a task; returns all of it.'),
			('delete_task', 'Removes a task with what belongs to it; its history stays.'),
			('delete_tasks', 'Removes tasks as delete_task does; returns how many there were.'),
			('soft_delete_task', 'Ends a task without a result, but keeps it: cancel_task.'),
			('cancel_task', 'Ends a task without a result, whoever holds it.'),
			('reactivate_task', 'Opens a completed or cancelled task again; dependents wait for it again.'),
			('assign_task', 'Reserves a task for a user, or with null for nobody.'),
			('get_paused_tasks_by_user', 'The open, paused tasks assigned to a user, as a JSON array.'),
			('list_tasks_summary', 'How many tasks are open, completed and paused, and the first of them, as a JSON object.'),

			('start_task', 'Gives a user a task: the one held, the one asked for, or the best one; null if there is nothing to do.'),
			('release_task', 'Completes a task that the user holds, or with an empty status hands it back unfinished.'),
			('force_release_task', 'Takes a task from whoever holds it; the history records who did it.'),
			('renew_lease', 'Renews a user''s lease of a task, so that nobody takes it over.'),
			('undo_release', 'Takes back a completion of a moment ago and gives the task to its user again.'),
			('claim_tasks', 'Gives a worker several tasks at once, each on a lease that ends by itself and with a token.'),
			('heartbeat', 'Prolongs the lease of a task: ok, lost or cancelled.'),
			('complete_task', 'Completes a task by the token of its lease: completed, lost or cancelled.'),
			('complete_tasks', 'Completes many tasks by the tokens of their leases: a row for each.'),
			('fail_task', 'Ends a failed attempt: retrying, failed, lost or cancelled.'),
			('report_result', 'Completes or fails a task by the success that its result tells.'),
			('snooze_task', 'Puts a task off that cannot be worked on now, which is no failure.'),
			('release_tasks', 'Hands back all that a user, or one of the user''s processes, holds; how many.'),
			('enqueue_task', 'Lets a task on hold be started, or one that failed, expired or was cancelled anew; its status.'),
			('requeue_failed', 'Enqueues tasks that have failed; how many.'),
			('sweep', 'Ends leases and tasks whose time is over and frees those that are due: counts for each project.'),
			('task_statistics', 'How many tasks of a project there are, by how far they are, as a JSON object.'),
			('queue_statistics', 'What waits in the queues of a project, as a JSON object.'),
			('processing_statistics', 'What each process has done in a project: a row for each user and instance.'),
			('health', 'Whether a server does what it should, as a JSON object.'),
			('remaining_ttl', 'How many seconds a task has left until it expires; null if it never does.'),
			('extend_ttl', 'Lets a task expire later; false if it is over.'),
			('list_expiring_tasks', 'The open tasks that expire soon, as a JSON array.'),
			('start_task_cross_project', 'Gives a user a task of any of the user''s projects, by the rules of start_task.'),
			('get_task_cross_project', 'A task wherever it is: one row for each project that has one of this id.'),

			('get_segment_ng_state', 'The neuroglancer state of a segment, as a JSON object.'),
			('get_segment_link', 'A link that opens the neuroglancer state of a segment.'),
			('get_trace_task_state', 'The neuroglancer state of a task''s segment with the merges of the task, as a JSON object.'),
			('get_trace_task_link', 'A link that opens the neuroglancer state of a task''s segment.'),
			('get_segment_type_layers', 'The neuroglancer layers that show a segment type, as a JSON array.'),
			('get_segment_type_link', 'A link that opens the layers of a segment type.'),
			('expand_ng_state', 'Replaces an ng_state in the seed form by the state of that segment; false for any other state.'),
			('explain_assignment', 'Why a user may start a task or not, or what keeps them from the tasks of each lane: a row for each rule.'),
			('peek_tasks', 'The next tasks that a user would get, in order, without taking them.'),
			('transfer_tasks', 'Gives what is assigned to or held by a user to another one, or to everybody.'),

			('grant_qualification', 'Qualifies a user for a task type or segment type, if wanted with a level and until a moment.'),
			('revoke_qualification', 'Takes a qualification away; false if the user did not have it.'),
			('get_qualifications', 'What a user is qualified for, as a JSON array.'),

			('schedule_task', 'Creates a schedule, or gives it another definition; returns its next due time.'),
			('pause_schedule', 'Keeps a schedule from creating tasks until it is resumed.'),
			('resume_schedule', 'Lets a paused schedule create tasks again; returns its next due time.'),
			('remove_schedule', 'Removes a schedule; false if there is none.'),
			('get_schedule', 'A schedule as a JSON object, with its next and its last due time.'),
			('list_schedules', 'All schedules of a project as a JSON array.'),
			('next_runs', 'When a cron expression is due next.'),
			('run_due_schedules', 'Creates the tasks that are due, each once, of one project or all.'),

			('create_dependency', 'Makes a task wait until another completes with a given status; returns the id.'),
			('create_dependencies', 'Creates many dependencies at once, all or none, and returns how many.'),
			('get_dependency', 'A dependency as a JSON object.'),
			('update_dependency', 'Changes a dependency, or lets its task go on without waiting.'),
			('delete_dependency', 'Removes a dependency; a task that waited for nothing else can be started.'),
			('get_dependencies_for_task', 'What a task waits or waited for, as a JSON array.'),
			('get_dependencies_depending_on_task', 'Which tasks wait or waited for a task, as a JSON array.'),
			('get_unsatisfied_dependencies_for_task', 'What a task still waits for, as a JSON array.'),

			('register_handler', 'Registers a function as verification, completion or creation handler of a task type.'),
			('unregister_handler', 'Removes a handler from a task type; false if there was none.'),
			('verify_task', 'Asks the verification handler whether a task may be completed with a status.'),
			('add_segment_task', 'Creates a task for a segment through the creation handler of a task type.'),

			('create_trace_tasks', 'Creates a trace task for each of the segments that fit, all or none.'),
			('create_feedback_task_from_trace', 'Creates a feedback task that begins with the state of a trace; returns its id.'),
			('get_task_feedback', 'Feedback about the work of a user, newest first, as a JSON array.'),
			('get_task_feedback_cross_project', 'Feedback about the work of a user in all projects, newest first, as a JSON array.'),
			('set_feedback_policy', 'Sets how many of the completed tasks of a type get a feedback task; null removes it.'),
			('get_feedback_policy', 'How many of the completed tasks get a feedback task, as a JSON array.'),
			('verify_trace_v0', 'Built-in verification handler of trace_v0.'),
			('verify_trace_feedback_v0', 'Built-in verification handler of trace_feedback_v0.'),
			('verify_trace_postprocess_v0', 'Built-in verification handler of trace_postprocess_v0.'),
			('verify_segmentation_verification_v0', 'Built-in verification handler of segmentation_verification_v0.'),
			('complete_trace_v0', 'Built-in completion handler of trace_v0.'),
			('complete_trace_feedback_v0', 'Built-in completion handler of trace_feedback_v0.'),
			('create_trace_v0', 'Built-in creation handler of trace_v0.'),
			('create_trace_feedback_v0', 'Built-in creation handler of trace_feedback_v0.'),
			('add_golden_task', 'Makes a completed task one with a known outcome, copies of which check users.'),
			('remove_golden_task', 'Makes a golden task one like any other; false if it was none.'),
			('feedback_color', 'Internal: the color that a judgement is shown in.'),

			('submit_timesheet', 'Books time of a user on the task that they hold and renews their lease.'),
			('get_timesheet_submissions', 'Submissions of time, newest first, as a JSON array.'),
			('get_user_work_history', 'What a user has worked in the last days, as a JSON object.'),
			('get_task_timesheet_summary', 'The time spent on a task, in all and by user, as a JSON object.'),
			('get_total_task_time', 'The seconds that all users have spent on a task, or on several.'),
			('get_total_task_cost', 'What the time spent on a task, or on several, costs.'),

			('get_rate_history', 'Every hourly rate that a user has had, newest first, as a JSON array.'),
			('correct_time', 'Books a counter-entry to the time of a user on a task, with its reason.'),
			('close_pay_period', 'Closes a pay period for good, stores what each user got in it, and returns its number.'),
			('get_pay_periods', 'The closed pay periods, latest first, as a JSON array.'),
			('payroll', 'What each user submitted and completed in an interval, one row a user.'),
			('forecast', 'How long the open tasks of each kind will take, if work goes on as before.'),

			('create_split_edit', 'Keeps what a user split while working on a task, and returns the number of the edit.'),
			('create_merge_edit', 'Keeps what a user merged while working on a task, and returns the number of the edit.'),
			('get_split_edit', 'A split edit as a JSON object; null if there is none of this number.'),
			('get_merge_edit', 'A merge edit as a JSON object; null if there is none of this number.'),
			('get_split_edits', 'The split edits of a task, a user or both, newest first, as a JSON array.'),
			('get_merge_edits', 'The merge edits of a task, a user or both, newest first, as a JSON array.'),

			('create_supervoxel', 'Creates a supervoxel and returns its id.'),
			('create_supervoxels', 'Creates many supervoxels at once, all or none, and returns how many.'),
			('get_supervoxel', 'A supervoxel as a JSON object.'),
			('get_supervoxels_by_segment', 'The supervoxels of a root, as a JSON array.'),
			('populate_supervoxels_from_segments', 'Creates the supervoxel at the seed of every segment whose root is known.'),
			('update_supervoxels_for_merge', 'Lets supervoxels and segments follow a merge, once for each event.'),
			('update_supervoxels_for_split', 'Lets supervoxels and segments follow a split, once for each event.'),
			('get_segment_edit_event', 'An edit event that was applied, as a JSON object.'),

			('queue_segment_updates', 'Asks for an update of every segment that has one of these roots.'),
			('queue_segment_updates_for_seeds', 'Asks for updates of segments by their seeds.'),
			('claim_segment_update', 'Leases the oldest update of a segment to a worker, for one project or all.'),
			('extend_segment_update', 'Gives a worker more time for an update; false if the lease was lost.'),
			('complete_segment_update', 'Ends an update that has been made; false if the lease was lost.'),
			('fail_segment_update', 'Ends an attempt that has failed: tried again later, or given up.'),
			('get_segment_update_stats', 'How many updates of segments there are in each status, as a JSON object.'),
			('cleanup_completed_updates', 'Removes updates that were completed some days ago, and returns how many.'),

			('create_event_consumer', 'Creates a consumer of a project''s events and returns its name.'),
			('delete_event_consumer', 'Removes a consumer with its position; false if there is none.'),
			('read_events', 'The next events for a consumer, which come again until they are acknowledged.'),
			('ack_events', 'Acknowledges the events up to a number; false if they were acknowledged already.'),
			('fail_event', 'Says that a consumer could not process an event: it comes again later, or is dead.'),
			('requeue_dead_events', 'Gives a consumer its dead events once more, or one of them; returns how many.'),
			('publish_event', 'Adds an event of one''s own to the history; false if its dedupe_key is taken.'),
			('task_history', 'Everything that happened to a task, one row for each event.'),

			('clear_project_data', 'Removes all tasks of a project with their dependencies, time, edits and history.'),
			('clear_project_users', 'Removes all users of a project, if none of them has completed a task.'),
			('clear_segments', 'Removes all segments of a project with their endpoints and links to tasks.'),
			('clear_project_task_types', 'Removes all task types of a project that has no tasks.'),

			('grant_access', 'Gives a role a level of access to one project or, by default, to all.'),
			('revoke_access', 'Takes a role''s access to one project or, by default, to all away; false if it had none.'),
			('bind_user', 'Lets only members of a role, and managers, act as a user.'),
			('unbind_user', 'Lets every worker of the project act as a user again.'),

			('present', 'Internal: the time, as all functions see it.'),
			('server_idle_limit', 'Internal: the setting task_mgmt.max_idle_seconds, for views.'),
			('managed_projects', 'Internal: the projects that the views for managers show to the caller.'),
			('readable_projects', 'Internal: the projects that the views show to the caller.')
		) as said (name, comment)
		join pg_catalog.pg_proc p on p.proname = said.name
		join pg_catalog.pg_depend d
			on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'
		join pg_catalog.pg_extension e on e.oid = d.refobjid and e.extname = 'task_mgmt'
	loop
		execute statement;
	end loop;
end
$$;

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
