//! What task_mgmt decides without a database: the shapes of its `data` arguments, whether dependencies form a cycle, what
//! neuroglancer shows, and whether a state may be completed.
//! Nothing here knows PostgreSQL.

pub mod arguments;
pub mod completions;
pub mod conversations;
pub mod cycles;
pub mod dependencies;
pub mod edits;
pub mod endpoints;
pub mod event_streams;
pub mod facts;
pub mod feedback;
pub mod frontier;
pub mod golden;
pub mod handlers;
pub mod history;
pub mod horizon;
pub mod ingestion;
pub mod neuroglancer;
pub mod params_schema;
pub mod pay;
pub mod priorities;
pub mod projects;
pub mod qualifications;
pub mod retries;
pub mod schedules;
pub mod segment_types;
pub mod segment_updates;
pub mod segments;
pub mod shares;
pub mod standard_types;
pub mod supervoxels;
pub mod tally;
pub mod task_content;
pub mod task_filters;
pub mod task_presets;
pub mod task_types;
pub mod tasks;
pub mod times;
pub mod timesheets;
pub mod users;
