//! The color of feedback, for the views.

use pgrx::prelude::*;
use task_mgmt_core::feedback::color;

/// Internal: the color that a judgement is shown in.
#[pg_extern(sql = "
create function task_mgmt.feedback_color(completion_status text) returns text
language c immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
pub fn feedback_color(completion_status: &str) -> &'static str {
    color(completion_status)
}
