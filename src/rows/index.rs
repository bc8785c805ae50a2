//! Entries of indexes.

use pgrx::pg_sys;

use super::{Place, Table};

/// An index, open for writing until it goes out of scope.
pub struct Index {
    relation: pg_sys::Relation,
    info: *mut pg_sys::IndexInfo,
    /// The positions of its columns in a row of the table.
    columns: Vec<usize>,
    unique: pg_sys::IndexUniqueCheck::Type,
    /// Whether it leaves out rows that have a null in its key.
    is_partial: bool,
    /// How many of `columns` are the key.
    key_length: usize,
}

impl Index {
    pub fn open(oid: pg_sys::Oid) -> Self {
        // SAFETY: the index is locked until the end of the transaction and stays open until dropped; its columns are plain ones.
        unsafe {
            let relation = pg_sys::index_open(oid, pg_sys::RowExclusiveLock as i32);
            let info = pg_sys::BuildIndexInfo(relation);
            let form = (*relation).rd_index;
            let columns = (*form).indkey.values.as_slice((*form).indnatts as usize);
            Self {
                relation,
                info,
                columns: columns.iter().map(|column| *column as usize - 1).collect(),
                unique: match (*form).indisunique {
                    true => pg_sys::IndexUniqueCheck::UNIQUE_CHECK_YES,
                    false => pg_sys::IndexUniqueCheck::UNIQUE_CHECK_NO,
                },
                is_partial: !(*info).ii_Predicate.is_null(),
                key_length: (*form).indnkeyatts as usize,
            }
        }
    }

    pub fn oid(&self) -> pg_sys::Oid {
        // SAFETY: the index is open.
        unsafe { (*self.relation).rd_id }
    }

    /// Inserts the entry of a row, unless the index is partial and leaves it out.
    pub fn insert(&self, table: &Table, place: Place, row: &[Option<pg_sys::Datum>]) {
        const MOST_COLUMNS: usize = pg_sys::INDEX_MAX_KEYS as usize;
        let mut datums = [pg_sys::Datum::null(); MOST_COLUMNS];
        let mut nulls = [false; MOST_COLUMNS];
        for (position, column) in self.columns.iter().enumerate() {
            nulls[position] = row[*column].is_none();
            datums[position] = row[*column].unwrap_or(pg_sys::Datum::null());
        }
        if self.is_partial && nulls[..self.key_length].contains(&true) {
            return;
        }
        let (datums, nulls) = (datums.as_mut_ptr(), nulls.as_mut_ptr());
        let mut place = place.pointer();
        // SAFETY: the row is one of the table, with a value for each column.
        unsafe {
            let (relation, table) = (self.relation, table.relation);
            pg_sys::index_insert(relation, datums, nulls, &mut place, table, self.unique, false, self.info);
        }
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened by `open`; the lock is kept to the end of the transaction.
            unsafe { pg_sys::index_close(self.relation, pg_sys::NoLock as i32) }
        }
    }
}
