//! Every setting of the extension.

use std::ffi::CString;

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::prelude::*;
use task_mgmt_core::retries::MAX_DELAY_SECONDS;

static MAX_IDLE_SECONDS: GucSetting<f64> = GucSetting::<f64>::new(90.0);
static NEUROGLANCER_URL: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"https://spelunker.cave-explorer.org/#!"));
static UNDO_SECONDS: GucSetting<f64> = GucSetting::<f64>::new(60.0);
static LEASE_SECONDS: GucSetting<f64> = GucSetting::<f64>::new(600.0);
static MAX_ATTEMPTS: GucSetting<i32> = GucSetting::<i32>::new(5);
static FAKE_NOW: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

/// Seconds after which a lease may be taken over, unless the task type or the project says otherwise.
pub fn max_idle_seconds() -> f64 {
    MAX_IDLE_SECONDS.get()
}

/// What links to a state begin with.
pub fn neuroglancer_url() -> String {
    NEUROGLANCER_URL.get().unwrap_or_default().to_string_lossy().into_owned()
}

/// Internal: the idle limit where neither task type nor project has one, for views.
#[pg_extern(sql = "
create function task_mgmt.server_idle_limit() returns double precision
language c stable parallel unsafe
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
pub fn server_idle_limit() -> f64 {
    max_idle_seconds()
}

/// Seconds after a completion within which its user may undo it.
pub fn undo_seconds() -> f64 {
    UNDO_SECONDS.get()
}

/// Seconds after which a lease of `claim_tasks` ends, unless the call or the task type says otherwise.
pub fn lease_seconds() -> f64 {
    LEASE_SECONDS.get()
}

/// After how many failed attempts a task has failed, unless the task or its type says otherwise.
pub fn max_attempts() -> i32 {
    MAX_ATTEMPTS.get()
}

/// The time that tests put in place of the clock, or None.
pub fn fake_now() -> Option<String> {
    FAKE_NOW.get().map(|text| text.to_string_lossy().into_owned()).filter(|text| !text.is_empty())
}

/// Registers the settings; called once when the library is loaded.
pub fn register() {
    GucRegistry::define_float_guc(
        c"task_mgmt.max_idle_seconds",
        c"Seconds without renewal after which a lease may be taken over.",
        c"A project's or task type's own max_idle_seconds comes first.",
        &MAX_IDLE_SECONDS,
        0.001,
        1e9,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_float_guc(
        c"task_mgmt.undo_seconds",
        c"Seconds after a completion within which undo_release takes it back.",
        c"0 means never.",
        &UNDO_SECONDS,
        0.0,
        1e9,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_float_guc(
        c"task_mgmt.lease_seconds",
        c"Seconds after which a lease of claim_tasks ends.",
        c"What the call or the task type says comes first.",
        &LEASE_SECONDS,
        0.001,
        MAX_DELAY_SECONDS,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"task_mgmt.max_attempts",
        c"After how many failed attempts a task has failed.",
        c"What the task or its type says comes first.",
        &MAX_ATTEMPTS,
        1,
        i32::MAX,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"task_mgmt.neuroglancer_url",
        c"The viewer that links to neuroglancer states lead to.",
        c"What stands before the state, with the #! at its end.",
        &NEUROGLANCER_URL,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"task_mgmt.fake_now",
        c"A timestamp that replaces the clock, for tests.",
        c"Empty means the real time.",
        &FAKE_NOW,
        GucContext::Suset,
        GucFlags::NO_SHOW_ALL,
    );
    // SAFETY: a plain call with a static name, made while the library is being loaded.
    unsafe { refuse_unknown(c"task_mgmt".as_ptr()) };
}

#[cfg(not(feature = "pg14"))]
use pgrx::pg_sys::MarkGUCPrefixReserved as refuse_unknown;

/// PostgreSQL 14 can only warn.
#[cfg(feature = "pg14")]
use pgrx::pg_sys::EmitWarningsOnPlaceholders as refuse_unknown;
