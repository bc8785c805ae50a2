//! How kept statements are planned: alike, whatever the tables hold. A plan lives as long as its backend, so the size that a table
//! happens to have when it is made (often none) says nothing about what it will meet.

use pgrx::pg_sys;
use pgrx::prelude::*;

/// While it lives, statements are planned to find every row by an index, by all that is known of it.
pub struct ByIndex {
    settings: [bool; 6],
    sizes: pg_sys::get_relation_info_hook_type,
    statistics: pg_sys::get_relation_stats_hook_type,
}

impl ByIndex {
    pub fn new() -> Self {
        // SAFETY: settings and hooks of this backend, which is single-threaded.
        unsafe {
            let saved = Self {
                settings: unwanted().map(|setting| setting.replace(false)),
                sizes: pg_sys::get_relation_info_hook,
                statistics: pg_sys::get_relation_stats_hook,
            };
            pg_sys::get_relation_info_hook = Some(pretend_size);
            pg_sys::get_relation_stats_hook = Some(forget_statistics);
            saved
        }
    }
}

impl Drop for ByIndex {
    fn drop(&mut self) {
        // SAFETY: as above; errors unwind through here too.
        unsafe {
            unwanted().into_iter().zip(self.settings).for_each(|(setting, saved)| setting.write(saved));
            pg_sys::get_relation_info_hook = self.sizes;
            pg_sys::get_relation_stats_hook = self.statistics;
        }
    }
}

/// The planner's settings for what reads a table, or a project, as a whole; and for compiling what such a plan would cost.
fn unwanted() -> [*mut bool; 6] {
    [
        &raw mut pg_sys::enable_seqscan,
        &raw mut pg_sys::enable_bitmapscan,
        &raw mut pg_sys::enable_hashjoin,
        &raw mut pg_sys::enable_mergejoin,
        &raw mut pg_sys::enable_material,
        &raw mut pg_sys::jit_enabled,
    ]
}

/// Makes a table look like one of 200 projects with 200 rows each, every row on another page. Without statistics the planner
/// takes 200 for the number of values of a column, so two columns of a key are one row, and the project alone is many.
#[pg_guard]
unsafe extern "C-unwind" fn pretend_size(
    _root: *mut pg_sys::PlannerInfo,
    _relation: pg_sys::Oid,
    _has_children: bool,
    table: *mut pg_sys::RelOptInfo,
) {
    const ROWS: u32 = 200 * 200;
    // SAFETY: the planner has just filled in the table and the list of its indexes.
    unsafe {
        (*table).tuples = f64::from(ROWS);
        (*table).pages = ROWS;
        for index in pgrx::PgList::<pg_sys::IndexOptInfo>::from_pg((*table).indexlist).iter_ptr() {
            (*index).tuples = f64::from(ROWS);
            (*index).pages = ROWS / 4;
            (*index).tree_height = 2;
        }
    }
}

/// Says that there are no statistics of any column.
#[pg_guard]
unsafe extern "C-unwind" fn forget_statistics(
    _root: *mut pg_sys::PlannerInfo,
    _table: *mut pg_sys::RangeTblEntry,
    _column: pg_sys::AttrNumber,
    found: *mut pg_sys::VariableStatData,
) -> bool {
    // SAFETY: the planner's own structure, to be filled in.
    unsafe { (*found).statsTuple = std::ptr::null_mut() };
    true
}
