//! Task management inside PostgreSQL: projects hand out tasks to users, atomically, from any SQL client.
//!
//! A table of contents. Every domain is a triple: `sql/schema/NN_domain.sql`, `src/domain.rs`,
//! `tests/pg_regress/sql/domain_*.sql`. ARCHITECTURE.md tells how they work together.

use pgrx::prelude::*;

mod access;
mod arguments;
mod clock;
mod error;
mod events;
mod json;
mod locks;
mod schema;
mod settings;
mod spi;

mod projects;
mod users;
mod task_types;
mod grants;
mod lanes;
mod tasks;
mod task_creation;
mod task_changes;
mod ready;
mod assignment;
mod takeover;
mod release;
mod dependencies;
mod satisfaction;
mod handlers;
mod timesheets;
mod clearing;
mod cross_project;

pgrx::pg_module_magic!(name, version);

#[pg_guard]
#[allow(non_snake_case)]
pub extern "C-unwind" fn _PG_init() {
    settings::register();
}
