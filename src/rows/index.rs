//! Entries of indexes.

use pgrx::pg_sys;

use super::Table;

/// An index that is open for writing.
pub struct Index {
    relation: pg_sys::Relation,
    info: *mut pg_sys::IndexInfo,
}

impl Index {
    /// The index stays the caller's to close.
    pub fn new(relation: pg_sys::Relation) -> Self {
        // SAFETY: the index is open.
        Self { relation, info: unsafe { pg_sys::BuildIndexInfo(relation) } }
    }

    pub fn oid(&self) -> pg_sys::Oid {
        // SAFETY: the index is open.
        unsafe { (*self.relation).rd_id }
    }

    /// Inserts the entry of a row, unless the index is partial and leaves it out.
    pub fn insert(&self, table: &Table, place: pg_sys::ItemPointerData, row: &[Option<pg_sys::Datum>]) {
        const MOST_COLUMNS: usize = pg_sys::INDEX_MAX_KEYS as usize;
        let mut place = place;
        let mut datums = [pg_sys::Datum::null(); MOST_COLUMNS];
        let mut nulls = [false; MOST_COLUMNS];
        // SAFETY: the row has a value for each column of the table, and index columns are plain ones.
        unsafe {
            let form = (*self.relation).rd_index;
            let columns = (*form).indkey.values.as_slice((*form).indnatts as usize);
            for (position, column) in columns.iter().enumerate() {
                let value = row[*column as usize - 1];
                datums[position] = value.unwrap_or(pg_sys::Datum::null());
                nulls[position] = value.is_none();
            }
            if !(*self.info).ii_Predicate.is_null() && nulls[(*form).indnkeyatts as usize - 1] {
                return;
            }
            let unique = match (*form).indisunique {
                true => pg_sys::IndexUniqueCheck::UNIQUE_CHECK_YES,
                false => pg_sys::IndexUniqueCheck::UNIQUE_CHECK_NO,
            };
            let (datums, nulls) = (datums.as_mut_ptr(), nulls.as_mut_ptr());
            pg_sys::index_insert(self.relation, datums, nulls, &mut place, table.relation, unique, false, self.info);
        }
    }
}
