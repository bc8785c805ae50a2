//! What task_mgmt decides without a database: the shapes of its `data` arguments, and whether dependencies form a cycle.
//! Nothing here knows PostgreSQL.

pub mod arguments;
pub mod cycles;
pub mod dependencies;
pub mod edits;
pub mod frontier;
pub mod projects;
pub mod segment_updates;
pub mod supervoxels;
pub mod task_types;
pub mod tasks;
pub mod timesheets;
pub mod users;
