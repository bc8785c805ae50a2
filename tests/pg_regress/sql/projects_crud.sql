-- Projects: creating, reading, changing and listing them.

-- Only the name is required.
select create_project('bare');
select get_project('bare') - 'created_at' as bare;

-- Everything else can be given.
select create_project('full', 'gs://seg', 4, 4.5, 40, 'about', 'gs://mesh', 'stack', 'syn',
	'[{"name": "em", "source": null}]', 30);
select key, value from jsonb_each(get_project('full')) where key <> 'created_at' order by key;

-- The time of creation is kept.
select (get_project('full')->>'created_at')::timestamptz between now() - interval '1 minute' and clock_timestamp() as is_now;

-- A name is taken once.
select create_project('bare', 'gs://other');
select get_project('bare')->>'segmentation_path' as unchanged;

-- A name is needed, and '*' stands for all projects.
select create_project(null);
select create_project('');
select create_project('*');
select create_project(repeat('n', 201));
select create_project(E'tab\tbed');

-- Resolutions and limits are positive and finite.
select create_project('refused', sv_resolution_x => 0);
select create_project('refused', sv_resolution_y => -4);
select create_project('refused', sv_resolution_z => 'NaN');
select create_project('refused', max_idle_seconds => 'infinity');

-- Extra layers are a list of objects.
select create_project('refused', extra_layers => '{"name": "em"}');
select create_project('refused', extra_layers => '["em"]');

-- Nothing came of the refused.
select project_exists('refused');

-- A change touches only the keys given.
select update_project('full', '{"description": "new", "sv_resolution_x": 8}');
select key, value from jsonb_each(get_project('full')) where key <> 'created_at' order by key;

-- Null clears; a cleared description is empty.
select update_project('full', '{"description": null, "extra_layers": null, "max_idle_seconds": null, "sv_resolution_x": null}');
select get_project('full') - 'created_at' as cleared;

-- A record can be written back as it was read, which is no change.
select update_project('full', get_project('full'));
select count(*) from task_mgmt.events where project_name = 'full' and kind = 'project_changed';

-- Unknown keys, wrong types and bad values are refused by name and change nothing.
select update_project('full', '{"status": "paused"}');
select update_project('full', '{"project_name": "renamed"}');
select update_project('full', '{"sv_resolution_x": "8"}');
select update_project('full', '{"sv_resolution_x": -1}');
select update_project('full', '{"description": 1}');
select update_project('full', '{"extra_layers": {}}');
select update_project('full', '["description"]');
select update_project('full', '"description"');
select update_project('full', null);
select get_project('full')->>'brain_mesh_path' as unchanged;

-- An unknown project is an error, except where the question is whether it exists.
select get_project('none');
select update_project('none', '{}');
select project_exists('none'), project_exists('bare');
select get_project(null);
select project_exists(null);

-- The list is alphabetical, as byte order has it.
select create_project('Zebra'), create_project('ätna');
select list_all_projects();

-- The view says the same as the functions.
select project_name, status, segmentation_path, sv_resolution_y, max_idle_seconds
from task_mgmt.projects
order by project_name;

-- Deleting an empty project takes its users and types along; deleting it again says that there was nothing.
select create_user('full', '{"user_id": "u"}'), create_task_type('full', '{"task_type": "x"}');
select delete_project('full'), delete_project('full');
select delete_project('bare'), delete_project('Zebra'), delete_project('ätna'), list_all_projects();

-- Nothing is left of it under the same name.
select create_project('full'), list_users('full'), list_task_types('full');
select kind from task_mgmt.events where project_name = 'full';
select delete_project('full');
