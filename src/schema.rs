//! The install order of the SQL files. Paths are relative to this file.

use pgrx::prelude::*;

extension_sql_file!("../sql/schema/00_types.sql", name = "types", bootstrap);
extension_sql_file!("../sql/schema/10_projects.sql", name = "projects_sql");
extension_sql_file!("../sql/schema/11_users.sql", name = "users_sql", requires = ["projects_sql"]);
extension_sql_file!("../sql/schema/12_task_types.sql", name = "task_types_sql", requires = ["users_sql"]);
extension_sql_file!("../sql/schema/13_access.sql", name = "access_sql", requires = ["task_types_sql"]);
extension_sql_file!("../sql/schema/14_segment_types.sql", name = "segment_types_sql", requires = ["access_sql"]);
extension_sql_file!(
    "../sql/schema/15_qualifications.sql",
    name = "qualifications_sql",
    requires = ["segment_types_sql"]
);
extension_sql_file!("../sql/schema/20_tasks.sql", name = "tasks_sql", requires = ["qualifications_sql"]);
extension_sql_file!("../sql/schema/21_assignment.sql", name = "assignment_sql", requires = ["tasks_sql"]);
extension_sql_file!("../sql/schema/22_dependencies.sql", name = "dependencies_sql", requires = ["assignment_sql"]);
extension_sql_file!("../sql/schema/23_timesheets.sql", name = "timesheets_sql", requires = ["dependencies_sql"]);
extension_sql_file!("../sql/schema/24_segments.sql", name = "segments_sql", requires = ["timesheets_sql"]);
extension_sql_file!("../sql/schema/25_edits.sql", name = "edits_sql", requires = ["segments_sql"]);
extension_sql_file!("../sql/schema/26_segment_updates.sql", name = "segment_updates_sql", requires = ["edits_sql"]);
extension_sql_file!("../sql/schema/27_pay.sql", name = "pay_sql", requires = ["segment_updates_sql"]);
extension_sql_file!("../sql/schema/28_feedback.sql", name = "feedback_sql", requires = ["pay_sql"]);
extension_sql_file!("../sql/schema/29_golden.sql", name = "golden_sql", requires = ["feedback_sql"]);
extension_sql_file!("../sql/schema/29_overlap.sql", name = "overlap_sql", requires = ["golden_sql"]);
extension_sql_file!("../sql/schema/41_events.sql", name = "events_sql", requires = ["overlap_sql"]);
extension_sql_file!(
    "../sql/schema/42_event_streams.sql",
    name = "event_streams_sql",
    requires = ["events_sql", readable_projects, present]
);
extension_sql_file!("../sql/schema/42_facts.sql", name = "facts_sql", requires = ["event_streams_sql", fact_keys]);
extension_sql_file!("../sql/schema/43_conversations.sql", name = "conversations_sql", requires = ["facts_sql"]);
extension_sql_file!(
    "../sql/schema/30_views.sql",
    name = "views_sql",
    requires = ["conversations_sql", readable_projects, present]
);
extension_sql_file!("../sql/schema/31_project_views.sql", name = "project_views_sql", requires = ["views_sql"]);
extension_sql_file!("../sql/schema/34_segment_views.sql", name = "segment_views_sql", requires = ["project_views_sql"]);
extension_sql_file!("../sql/schema/35_edit_views.sql", name = "edit_views_sql", requires = ["segment_views_sql"]);
extension_sql_file!(
    "../sql/schema/36_people_views.sql",
    name = "people_views_sql",
    requires = ["edit_views_sql", present, server_idle_limit]
);
extension_sql_file!("../sql/schema/37_pay_views.sql", name = "pay_views_sql", requires = ["people_views_sql"]);
extension_sql_file!(
    "../sql/schema/38_feedback_views.sql",
    name = "feedback_views_sql",
    requires = ["pay_views_sql", feedback_color]
);
extension_sql_file!(
    "../sql/schema/39_overlap_views.sql",
    name = "overlap_views_sql",
    requires = ["feedback_views_sql"]
);
extension_sql_file!(
    "../sql/schema/40_golden_views.sql",
    name = "golden_views_sql",
    requires = ["overlap_views_sql", managed_projects]
);
extension_sql_file!(
    "../sql/schema/44_fact_views.sql",
    name = "fact_views_sql",
    requires = ["golden_views_sql", present]
);
extension_sql_file!(
    "../sql/schema/45_conversation_views.sql",
    name = "conversation_views_sql",
    requires = ["fact_views_sql"]
);
extension_sql_file!("../sql/schema/52_schedules.sql", name = "schedules_sql", requires = ["conversation_views_sql"]);
extension_sql_file!("../sql/schema/46_statistics.sql", name = "statistics_sql", requires = ["schedules_sql"]);
extension_sql_file!("../sql/schema/60_invariants.sql", name = "invariants_sql", requires = ["statistics_sql"]);
extension_sql_file!("../sql/schema/90_functions.sql", name = "functions_sql", finalize);
