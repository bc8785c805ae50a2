-- The same, many at a time.
select jsonb_agg(jsonb_build_object('task_id', task_id, 'lease_token', lease_token)) as claimed
from claim_tasks('bench', 'machine', :batch, instance => :client_id) \gset
select from complete_tasks('bench', :claimed);
