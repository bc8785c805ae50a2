select * from task_mgmt.workload where project_name = 'debian' order by completed desc, blocked desc limit 10;
