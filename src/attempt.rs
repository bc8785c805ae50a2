//! A part of a transaction that can be taken back: with what it wrote go the locks that it took, and nothing else.

use std::mem;

use pgrx::pg_sys;

/// An internal subtransaction. Unless it is kept, it is rolled back when it goes out of scope, also by an error.
pub struct Attempt {
    context: pg_sys::MemoryContext,
    owner: pg_sys::ResourceOwner,
}

impl Attempt {
    pub fn begin() -> Self {
        // SAFETY: inside a transaction, and no call of this extension runs in a parallel worker; the caller goes on in the
        // memory context that it was in.
        unsafe {
            let attempt = Self { context: pg_sys::CurrentMemoryContext, owner: pg_sys::CurrentResourceOwner };
            pg_sys::BeginInternalSubTransaction(std::ptr::null());
            pg_sys::MemoryContextSwitchTo(attempt.context);
            attempt
        }
    }

    /// Makes it a part of the transaction like any other.
    pub fn keep(self) {
        // SAFETY: whatever began within it has ended, so it is the current subtransaction.
        unsafe { pg_sys::ReleaseCurrentSubTransaction() };
        self.resume();
        mem::forget(self);
    }

    fn resume(&self) {
        // SAFETY: both belong to the surrounding transaction, which outlives this value.
        unsafe {
            pg_sys::MemoryContextSwitchTo(self.context);
            pg_sys::CurrentResourceOwner = self.owner;
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        // SAFETY: as in `keep`; an error that unwinds has been taken over by pgrx before this runs.
        unsafe { pg_sys::RollbackAndReleaseCurrentSubTransaction() };
        self.resume();
    }
}
