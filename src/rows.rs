//! Rows by key, without the executor: finds them by an index, inserts, deletes and updates them. The claim path uses it for
//! the tables whose statements would spend most of their time in setting up plans; what it does is what the statement beside
//! each use says. Indexes are plain columns; a partial one leaves out the rows that have a null in its key.

mod index;
pub mod names;

use std::ffi::CStr;
use std::marker::PhantomData;

use pgrx::pg_sys;
use pgrx::prelude::*;

use self::index::Index;
use self::names::oid;
use crate::error::Error;
use crate::spi;

/// A table of schema task_mgmt, open for reading and writing until it goes out of scope.
pub struct Table {
    relation: pg_sys::Relation,
}

/// What a scan sees: all that was committed when it was taken, whatever the isolation level.
pub struct Snapshot(pg_sys::Snapshot);

/// The rows with some key, in the order of an index.
pub struct Scan<'t> {
    scan: pg_sys::SysScanDesc,
    index: pg_sys::Relation,
    table: &'t Table,
}

/// A row that a scan stands on.
pub struct Row<'s> {
    tuple: pg_sys::HeapTuple,
    columns: pg_sys::TupleDesc,
    _scan: PhantomData<&'s ()>,
}

/// The value of a key column, by the column's number in the table.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Key(pg_sys::ScanKeyData);

/// Where a row is, as long as the snapshot that found it lives: block and position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u32, u16);

impl Snapshot {
    pub fn latest() -> Self {
        // SAFETY: inside a transaction, which shall see what it has written itself; registered until dropped.
        unsafe {
            pg_sys::CommandCounterIncrement();
            Self(pg_sys::RegisterSnapshot(pg_sys::GetLatestSnapshot()))
        }
    }
}

impl Snapshot {
    /// The oldest transaction that was running when the snapshot was taken, and one that had not begun by then; both never
    /// wrap around. None if the present transaction has written: what it removed is out of its sight, but may come back.
    pub fn horizon(&self) -> Option<(u64, u64)> {
        // SAFETY: the snapshot is registered; the next id is read from shared memory, after the snapshot was taken. Its xmax
        // would not do, because transactions with larger ids may have been running.
        unsafe {
            if pg_sys::GetTopTransactionIdIfAny() != pg_sys::InvalidTransactionId {
                return None;
            }
            let next = pg_sys::ReadNextFullTransactionId().value;
            Some((self.oldest_running(next), next))
        }
    }

    /// The oldest transaction that was running when the snapshot was taken; all of them are near the given one.
    pub fn oldest_running(&self, near: u64) -> u64 {
        // SAFETY: the snapshot is registered.
        let oldest = unsafe { (*self.0).xmin.into_inner() };
        near.wrapping_add_signed(i64::from(oldest.wrapping_sub(near as u32) as i32))
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // An error leaves it to the resource owner, which is then already releasing what it owns.
        if !std::thread::panicking() {
            // SAFETY: registered by `latest`.
            unsafe { pg_sys::UnregisterSnapshot(self.0) }
        }
    }
}

impl Key {
    pub fn text(column: i16, value: &str) -> Self {
        Self::new(column, pg_sys::F_TEXTEQ, value.into_datum())
    }

    pub fn int4(column: i16, value: i32) -> Self {
        Self::new(column, pg_sys::F_INT4EQ, value.into_datum())
    }

    pub fn int8(column: i16, value: i64) -> Self {
        Self::new(column, pg_sys::F_INT8EQ, value.into_datum())
    }

    pub fn numeric(column: i16, value: AnyNumeric) -> Self {
        Self::new(column, pg_sys::F_NUMERIC_EQ, value.into_datum())
    }

    pub fn bool(column: i16, value: bool) -> Self {
        Self::new(column, pg_sys::F_BOOLEQ, value.into_datum())
    }

    pub fn above(column: i16, value: i32) -> Self {
        let strategy = pg_sys::BTGreaterStrategyNumber;
        Self::compare(column, strategy, pg_sys::F_INT4GT, value.into_datum())
    }

    pub fn below(column: i16, value: i32) -> Self {
        let strategy = pg_sys::BTLessStrategyNumber;
        Self::compare(column, strategy, pg_sys::F_INT4LT, value.into_datum())
    }

    pub fn at_least(column: i16, value: i64) -> Self {
        let strategy = pg_sys::BTGreaterEqualStrategyNumber;
        Self::compare(column, strategy, pg_sys::F_INT8GE, value.into_datum())
    }

    fn new(column: i16, equal: u32, value: Option<pg_sys::Datum>) -> Self {
        Self::compare(column, pg_sys::BTEqualStrategyNumber, equal, value)
    }

    /// Compares with collation "C", which all key columns have.
    fn compare(column: i16, strategy: u32, procedure: u32, value: Option<pg_sys::Datum>) -> Self {
        let mut key = pg_sys::ScanKeyData::default();
        // SAFETY: fills a key of our own with a comparison that fits the type of the value.
        unsafe {
            let value = value.unwrap_or(pg_sys::Datum::null());
            pg_sys::ScanKeyInit(&mut key, column, strategy as u16, pg_sys::Oid::from(procedure), value);
        }
        Self(key)
    }
}

impl From<pg_sys::ItemPointerData> for Place {
    fn from(pointer: pg_sys::ItemPointerData) -> Self {
        let (block, position) = pgrx::itemptr::item_pointer_get_both(pointer);
        Self(block, position)
    }
}

impl Place {
    fn pointer(self) -> pg_sys::ItemPointerData {
        let mut pointer = pg_sys::ItemPointerData::default();
        pgrx::itemptr::item_pointer_set_all(&mut pointer, self.0, self.1);
        pointer
    }
}

impl Table {
    pub fn open(name: &'static CStr) -> Self {
        Self::open_locked(name, pg_sys::RowExclusiveLock)
    }

    pub fn open_to_read(name: &'static CStr) -> Self {
        Self::open_locked(name, pg_sys::AccessShareLock)
    }

    fn open_locked(name: &'static CStr, mode: u32) -> Self {
        // SAFETY: the relation is locked until the end of the transaction and stays open until dropped.
        unsafe { Self { relation: pg_sys::table_open(oid(name), mode as i32) } }
    }

    /// The rows with these keys, which are the first columns of the index.
    pub fn scan<'t>(&'t self, index: &'static CStr, snapshot: &Snapshot, keys: &mut [Key]) -> Scan<'t> {
        // SAFETY: Key is a transparent ScanKeyData; the scan copies the keys and lives no longer than the table.
        unsafe {
            let index = pg_sys::index_open(oid(index), pg_sys::AccessShareLock as i32);
            let (count, keys) = (keys.len() as i32, keys.as_mut_ptr().cast::<pg_sys::ScanKeyData>());
            let scan = pg_sys::systable_beginscan_ordered(self.relation, index, snapshot.0, count, keys);
            Scan { scan, index, table: self }
        }
    }

    /// A scan that will be restarted with other keys, `most_keys` at most: much cheaper than as many scans.
    pub fn scan_often<'t>(
        &'t self,
        index: &'static CStr,
        snapshot: &Snapshot,
        mut keys: Vec<Key>,
        most_keys: usize,
    ) -> Scan<'t> {
        repeat_last(&mut keys, most_keys);
        self.scan(index, snapshot, &mut keys)
    }

    /// Tells this table from one of the same name in another installation of the extension.
    pub fn oid(&self) -> pg_sys::Oid {
        // SAFETY: the relation is open.
        unsafe { (*self.relation).rd_id }
    }

    /// A label of an enum column.
    pub fn label(&self, column: i16, label: &CStr) -> Option<pg_sys::Datum> {
        // SAFETY: the column exists and is an enum; enum_in refuses an unknown label.
        unsafe {
            let type_oid = pg_sys::SPI_gettypeid((*self.relation).rd_att, i32::from(column));
            let arguments = [label.into_datum(), type_oid.into_datum()];
            pgrx::direct_function_call_as_datum(pg_sys::enum_in, &arguments)
        }
    }

    /// Inserts a row; `values` has one entry for each column, None for null.
    pub fn insert(&self, values: &[Option<pg_sys::Datum>]) {
        // SAFETY: the values fit the columns in number and type.
        unsafe {
            let tuple = self.form(values);
            pg_sys::heap_insert(self.relation, tuple, pg_sys::GetCurrentCommandId(true), 0, std::ptr::null_mut());
            let place = Place::from((*tuple).t_self);
            self.indexes().iter().for_each(|index| index.insert(self, place, values));
        }
    }

    /// Deletes a row unless somebody else has changed it, waiting for whoever is about to; whether it did. Errors: 40001 if
    /// the row is younger than the snapshot of a REPEATABLE READ transaction.
    pub fn delete(&self, place: Place) -> Result<bool, Error> {
        self.remove(place, true)
    }

    /// The same without waiting.
    pub fn try_delete(&self, place: Place) -> Result<bool, Error> {
        self.remove(place, false)
    }

    fn remove(&self, place: Place, wait: bool) -> Result<bool, Error> {
        let mut place = place.pointer();
        let mut failure = pg_sys::TM_FailureData::default();
        // SAFETY: the place comes from a scan of this table whose snapshot still lives.
        let result = unsafe {
            let command = pg_sys::GetCurrentCommandId(true);
            pg_sys::heap_delete(self.relation, &mut place, command, crosscheck(), wait, &mut failure, false)
        };
        decide(result, pg_sys::TM_Result::TM_BeingModified)
    }

    /// Replaces a row by one with other values, waiting for whoever locks it; false if it has been changed meanwhile.
    /// Errors: 40001 as for `delete`.
    pub fn update(&self, place: Place, values: &[Option<pg_sys::Datum>]) -> Result<bool, Error> {
        let mut place = place.pointer();
        let mut failure = pg_sys::TM_FailureData::default();
        let mut lock_mode = 0;
        // SAFETY: as for `delete`; the values fit the columns.
        unsafe {
            let tuple = self.form(values);
            let command = pg_sys::GetCurrentCommandId(true);
            let result = pg_sys::heap_update(
                self.relation,
                &mut place,
                tuple,
                command,
                crosscheck(),
                true,
                &mut failure,
                &mut lock_mode,
                // It tells that the indexes which only summarize need an entry all the same; no table has such an index.
                #[cfg(not(any(feature = "pg14", feature = "pg15")))]
                &mut { pg_sys::TU_UpdateIndexes::TU_None },
            );
            let is_updated = decide(result, pg_sys::TM_Result::TM_Ok)?;
            let is_heap_only = u32::from((*(*tuple).t_data).t_infomask2) & pg_sys::HEAP_ONLY_TUPLE != 0;
            if is_updated && !is_heap_only {
                let place = Place::from((*tuple).t_self);
                self.indexes().iter().for_each(|index| index.insert(self, place, values));
            }
            Ok(is_updated)
        }
    }

    fn form(&self, values: &[Option<pg_sys::Datum>]) -> pg_sys::HeapTuple {
        let mut nulls = [false; MOST_COLUMNS];
        let mut datums = [pg_sys::Datum::null(); MOST_COLUMNS];
        for (column, value) in values.iter().enumerate() {
            nulls[column] = value.is_none();
            datums[column] = value.unwrap_or(pg_sys::Datum::null());
        }
        // SAFETY: one entry for each column, as the callers vouch.
        unsafe {
            let tuple = pg_sys::heap_form_tuple((*self.relation).rd_att, datums.as_mut_ptr(), nulls.as_mut_ptr());
            (*tuple).t_tableOid = (*self.relation).rd_id;
            tuple
        }
    }

    /// Inserts many rows and their entries, except those of the index `later`, which are left to `insert_entries`. Returns
    /// where the rows are.
    pub fn insert_all<const N: usize>(
        &self,
        rows: impl IntoIterator<Item = [Option<pg_sys::Datum>; N]>,
        later: Option<&'static CStr>,
    ) -> Vec<Place> {
        let later = later.map(oid);
        let indexes: Vec<Index> = self.indexes().into_iter().filter(|index| Some(index.oid()) != later).collect();
        let (mut rows, mut batch, mut slots) = (rows.into_iter(), Vec::new(), Vec::new());
        let mut places = Vec::with_capacity(rows.size_hint().0);
        // SAFETY: the slots are of this table's type and live to the end of the block; the values fit the columns.
        unsafe {
            let columns = (*self.relation).rd_att;
            let (command, bulk) = (pg_sys::GetCurrentCommandId(true), pg_sys::GetBulkInsertState());
            loop {
                pgrx::check_for_interrupts!();
                batch.clear();
                batch.extend(rows.by_ref().take(BATCH));
                if batch.is_empty() {
                    break;
                }
                while slots.len() < batch.len() {
                    slots.push(pg_sys::MakeSingleTupleTableSlot(columns, &raw const pg_sys::TTSOpsHeapTuple));
                }
                for (slot, row) in slots.iter().zip(&batch) {
                    pg_sys::ExecStoreHeapTuple(self.form(row), *slot, true);
                }
                pg_sys::heap_multi_insert(self.relation, slots.as_mut_ptr(), batch.len() as i32, command, 0, bulk);
                let first = places.len();
                places.extend(slots.iter().take(batch.len()).map(|slot| Place::from((**slot).tts_tid)));
                for index in &indexes {
                    places[first..].iter().zip(&batch).for_each(|(place, row)| index.insert(self, *place, row));
                }
            }
            pg_sys::FreeBulkInsertState(bulk);
            slots.into_iter().for_each(|slot| pg_sys::ExecDropSingleTupleTableSlot(slot));
        }
        places
    }

    /// Inserts the entries of rows into one index, in the order given. Of a row's values only those of the index are read.
    pub fn insert_entries<const N: usize>(
        &self,
        index: &'static CStr,
        rows: impl IntoIterator<Item = (Place, [Option<pg_sys::Datum>; N])>,
    ) {
        let index = Index::open(oid(index));
        for (number, (place, row)) in rows.into_iter().enumerate() {
            if number % BATCH == 0 {
                pgrx::check_for_interrupts!();
            }
            index.insert(self, place, &row);
        }
    }

    fn indexes(&self) -> Vec<Index> {
        // SAFETY: the list is ours, and valid while the table is open.
        unsafe {
            let list = pg_sys::RelationGetIndexList(self.relation);
            let count = if list.is_null() { 0 } else { (*list).length as usize };
            let indexes = (0..count).map(|position| Index::open((*(*list).elements.add(position)).oid_value)).collect();
            pg_sys::list_free(list);
            indexes
        }
    }
}

/// Rows that are written to a table at a time.
const BATCH: usize = 500;
/// No table here has more.
const MOST_COLUMNS: usize = 64;

impl Drop for Table {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened by `open`; the lock is kept to the end of the transaction.
            unsafe { pg_sys::table_close(self.relation, pg_sys::NoLock as i32) }
        }
    }
}

impl Scan<'_> {
    /// Begins anew with other keys, as many at most as there is room for.
    pub fn restart(&mut self, mut keys: Vec<Key>) {
        // SAFETY: the scan is open, and given as many keys as it began with. They count the columns of the index.
        unsafe {
            let scan = (*self.scan).iscan;
            repeat_last(&mut keys, (*scan).numberOfKeys as usize);
            let index = (*self.index).rd_index;
            let columns = (*index).indkey.values.as_slice((*index).indnatts as usize);
            for Key(key) in &mut keys {
                let position = columns.iter().position(|column| *column == key.sk_attno);
                key.sk_attno = position.map_or(0, |position| position as i16 + 1);
            }
            let first = keys.as_mut_ptr().cast::<pg_sys::ScanKeyData>();
            pg_sys::index_rescan(scan, first, keys.len() as i32, std::ptr::null_mut(), 0);
        }
    }

    /// The next row, if any.
    pub fn next(&mut self) -> Option<Row<'_>> {
        // SAFETY: the scan is open; the tuple is pinned until the scan moves on, which the borrow prevents.
        unsafe {
            let forward = pg_sys::ScanDirection::ForwardScanDirection;
            let tuple = pg_sys::systable_getnext_ordered(self.scan, forward);
            let columns = (*self.table.relation).rd_att;
            (!tuple.is_null()).then_some(Row { tuple, columns, _scan: PhantomData })
        }
    }
}

impl Drop for Scan<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened by `scan`.
            unsafe {
                pg_sys::systable_endscan_ordered(self.scan);
                pg_sys::index_close(self.index, pg_sys::NoLock as i32);
            }
        }
    }
}

impl Row<'_> {
    /// A column that may be null.
    pub fn find<T: FromDatum>(&self, column: i16) -> Option<T> {
        let mut is_null = false;
        // SAFETY: the tuple is pinned, the column exists, and every T read here copies what it needs.
        unsafe {
            let datum = pg_sys::SPI_getbinval(self.tuple, self.columns, i32::from(column), &mut is_null);
            let type_oid = pg_sys::SPI_gettypeid(self.columns, i32::from(column));
            T::from_polymorphic_datum(datum, is_null, type_oid)
        }
    }

    /// A column that is never null.
    pub fn get<T: FromDatum>(&self, column: i16) -> Result<T, Error> {
        self.find(column).ok_or_else(|| Error::Internal(format!("column {column} of a row is null")))
    }

    /// A column of any type, as its text.
    pub fn text(&self, column: i16) -> String {
        // SAFETY: as for `find`; the result is null or a C string of our memory context.
        unsafe {
            let text = pg_sys::SPI_getvalue(self.tuple, self.columns, i32::from(column));
            if text.is_null() { String::new() } else { CStr::from_ptr(text).to_string_lossy().into_owned() }
        }
    }

    pub fn place(&self) -> Place {
        // SAFETY: the tuple is pinned.
        Place::from(unsafe { (*self.tuple).t_self })
    }

    /// A copy of all values, for an update.
    pub fn values(&self) -> Vec<Option<pg_sys::Datum>> {
        // SAFETY: both arrays have room for each column of the tuple, whose copy lives as long as the call of the function.
        unsafe {
            let count = (*self.columns).natts as usize;
            let mut datums = vec![pg_sys::Datum::null(); count];
            let mut nulls = vec![false; count];
            let tuple = pg_sys::heap_copytuple(self.tuple);
            pg_sys::heap_deform_tuple(tuple, self.columns, datums.as_mut_ptr(), nulls.as_mut_ptr());
            datums.into_iter().zip(nulls).map(|(datum, is_null)| (!is_null).then_some(datum)).collect()
        }
    }
}

/// A key that is repeated changes nothing.
fn repeat_last(keys: &mut Vec<Key>, count: usize) {
    if let Some(&last) = keys.last() {
        keys.resize(count, last);
    }
}

/// Makes what was written visible to the statements that follow.
pub fn finish() {
    // SAFETY: inside a transaction, between commands.
    unsafe { pg_sys::CommandCounterIncrement() }
}

/// The snapshot that a changed row must be visible in, or null for READ COMMITTED.
fn crosscheck() -> pg_sys::Snapshot {
    match spi::keeps_snapshot() {
        // SAFETY: inside a transaction, whose snapshot exists by then.
        true => unsafe { pg_sys::GetTransactionSnapshot() },
        false => std::ptr::null_mut(),
    }
}

/// What the result of a change means; `tolerated` is one that counts as "somebody else is at it".
fn decide(result: pg_sys::TM_Result::Type, tolerated: pg_sys::TM_Result::Type) -> Result<bool, Error> {
    match result {
        pg_sys::TM_Result::TM_Ok => Ok(true),
        pg_sys::TM_Result::TM_Updated | pg_sys::TM_Result::TM_Deleted => match crosscheck().is_null() {
            true => Ok(false),
            false => Err(Error::Serialization),
        },
        result if result == tolerated => Ok(false),
        result => Err(Error::Internal(format!("a row cannot be changed: {result}"))),
    }
}
