//! How far the numbers of all events are settled, as a look at the server shows.

use pgrx::pg_sys;
use pgrx::prelude::*;
use task_mgmt_core::horizon::Observation;

use crate::rows::{Snapshot, names};

/// One look, to be kept in a `task_mgmt_core::horizon::Horizon`. The caller's transaction counts as one that is running, if it
/// has an id.
pub fn observe() -> Observation {
    let last_number = last_number();
    // SAFETY: reads a counter in shared memory.
    let next_transaction = unsafe { pg_sys::ReadNextFullTransactionId().value };
    let oldest_running = Snapshot::latest().oldest_running(next_transaction);
    Observation { last_number, next_transaction, oldest_running }
}

/// The last number given out to anybody.
pub fn last_number() -> i64 {
    let sequence = names::oid(c"serial");
    // SAFETY: the sequence exists, and belongs to the owner of the extension, who runs this.
    let last = unsafe { pgrx::direct_function_call(pg_sys::pg_sequence_last_value, &[sequence.into_datum()]) };
    last.unwrap_or(0)
}
