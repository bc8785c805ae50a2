//! Task management inside PostgreSQL: projects hand out tasks to users, atomically, from any SQL client.
//!
//! A table of contents. Every domain is a triple: `sql/schema/NN_domain.sql`, `src/domain.rs`,
//! `tests/pg_regress/sql/domain_*.sql`. ARCHITECTURE.md tells how they work together.

use pgrx::prelude::*;

mod access;
mod arguments;
mod clock;
mod columns;
mod error;
mod events;
mod json;
mod locks;
mod rows;
mod schema;
mod settings;
mod spi;

mod assignment;
mod candidates;
mod clearing;
mod cross_project;
mod dependencies;
mod grants;
mod handlers;
mod lanes;
mod projects;
mod ready;
mod release;
mod satisfaction;
mod takeover;
mod task_changes;
mod task_creation;
mod task_types;
mod tasks;
mod timesheets;
mod users;

pgrx::pg_module_magic!(name, version);

#[pg_guard]
#[allow(non_snake_case)]
pub extern "C-unwind" fn _PG_init() {
    settings::register();
}
