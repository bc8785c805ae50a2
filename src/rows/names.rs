//! The tables, indexes and sequences of schema task_mgmt by name.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::prelude::*;

thread_local! {
    /// What was looked up since the catalog changed last.
    static KNOWN: RefCell<BTreeMap<&'static CStr, pg_sys::Oid>> = const { RefCell::new(BTreeMap::new()) };
    static IS_WATCHING: Cell<bool> = const { Cell::new(false) };
}

/// The relation of this name.
pub fn oid(name: &'static CStr) -> pg_sys::Oid {
    KNOWN.with_borrow(|known| known.get(name).copied()).unwrap_or_else(|| look_up(name))
}

fn look_up(name: &'static CStr) -> pg_sys::Oid {
    // SAFETY: catalog look-ups; the callback is registered once.
    let oid = unsafe {
        if !IS_WATCHING.replace(true) {
            let cache = pg_sys::SysCacheIdentifier::RELNAMENSP as i32;
            pg_sys::CacheRegisterSyscacheCallback(cache, Some(forget), pg_sys::Datum::null());
        }
        let schema = pg_sys::get_namespace_oid(c"task_mgmt".as_ptr(), false);
        pg_sys::get_relname_relid(name.as_ptr(), schema)
    };
    KNOWN.with_borrow_mut(|known| known.insert(name, oid));
    oid
}

/// Relations may be others when the extension has been dropped and created again.
#[pg_guard]
unsafe extern "C-unwind" fn forget(_argument: pg_sys::Datum, _cache: i32, _hash: u32) {
    KNOWN.with_borrow_mut(BTreeMap::clear);
}
