-- Facts: which task has found out or read them.

select create_project('p'), create_task_type('p', '{"task_type": "t", "completion_statuses": ["Done"]}'),
	create_tasks('p', '[{"task_id": "one", "task_type": "t"}, {"task_id": "two", "task_type": "t"}]');
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';

-- A fact says by which task it was found out; reading it for a task is one call, and is recorded.
select create_fact('p', '{"fact_id": "a", "text": "a", "produced_by_task": "one"}'), create_facts('p', '[{"fact_id": "b", "text": "b"}, {"fact_id": "c", "text": "c", "produced_by_task": "two"}]');
select read_fact('p', 'a', 'two') = get_fact('p', 'a') as same, read_fact('p', 'b', 'two') ->> 'text' as text;
select * from task_mgmt.fact_lineage order by task_id, relation, fact_id;

-- S35: what is recorded twice is there once.
set task_mgmt.fake_now = '2030-01-02 00:00:00+00';
select link_task_fact('p', 'two', 'a', 'reads') as again, link_task_fact('p', 'one', 'b', 'reads') as new, link_task_fact('p', 'one', 'a', 'reads') as other_relation, read_fact('p', 'b', 'one') ->> 'text' as text;
select * from task_mgmt.fact_lineage order by task_id, relation, fact_id;
select unlink_task_fact('p', 'one', 'a', 'reads') as was_there, unlink_task_fact('p', 'one', 'a', 'reads') as again, unlink_task_fact('p', 'two', 'b', 'produces') as never;

-- Facts are found by their tasks.
select list_facts('p', '{"produced_by": "one"}') #> '{items,0,fact_id}' as found_out, list_facts('p', '{"read_by": "two"}') -> 'total' as read,
	list_facts('p', '{"read_by": "two", "q": "b"}') #> '{items,0,fact_id}' as read_and, list_facts('p', '{"produced_by": "one", "read_by": "two"}') #> '{items,0,fact_id}' as both,
	list_facts('p', '{"produced_by": "two", "read_by": "one"}') as neither;

-- What does not exist is refused, and nothing is recorded.
select link_task_fact('p', 'none', 'a', 'reads');
select link_task_fact('p', 'one', 'none', 'reads');
select link_task_fact('p', 'one', 'a', 'writes');
select link_task_fact('p', 'one', 'a', null);
select link_task_fact('none', 'one', 'a', 'reads');
select unlink_task_fact('p', 'none', 'a', 'reads');
select unlink_task_fact('p', 'one', 'none', 'reads');
select read_fact('p', 'none', 'one');
select read_fact('p', 'a', 'none');
select read_fact('p', 'a', null);
select create_fact('p', '{"text": "a", "produced_by_task": "none"}');
select create_fact('p', '{"text": "a", "produced_by_task": ""}');

-- S35: what is recorded of a fact goes with it, and of tasks with them.
select delete_fact('p', 'a');
select task_id, relation, fact_id from task_mgmt.fact_lineage order by task_id, relation, fact_id;
select update_fact('p', 'b', '{"valid_to": "2030-01-01T00:00:00Z"}'), delete_expired_facts('p');
select task_id, relation, fact_id from task_mgmt.fact_lineage order by task_id, relation, fact_id;
select clear_project_data('p') -> 'tasks' as tasks;
select count(*) as lineage, (select count(*) from task_mgmt.facts) as facts from task_mgmt.task_fact;
select * from task_mgmt.check_invariants();

select delete_project('p', cascade => true);
