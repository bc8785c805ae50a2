//! The only way to the database: statements that are planned once per backend, each run on a fresh snapshot, whatever the
//! isolation level, so that what is read after a lock is what that lock protects. Under REPEATABLE READ and SERIALIZABLE a
//! change to a row that the transaction's own snapshot cannot see fails with 40001, as it does in PostgreSQL's foreign keys.

use std::cell::OnceCell;
use std::ffi::CString;
use std::panic::AssertUnwindSafe;

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;

use crate::error::Error;
use crate::planning::ByIndex;

/// A statement whose plan is kept for the life of the backend. Made by [`sql!`] where it is used.
pub struct Statement {
    text: &'static str,
    snapshot: Snapshot,
    plan: OnceCell<pg_sys::SPIPlanPtr>,
}

/// What a statement sees in REPEATABLE READ and SERIALIZABLE; in READ COMMITTED all see what is committed when they run.
#[derive(Clone, Copy)]
pub enum Snapshot {
    /// What is committed when it runs.
    Latest,
    /// What the transaction sees.
    Callers,
}

/// Declares a statement of a function that only reads: it agrees with what else the transaction reads.
macro_rules! read {
    ($text:expr) => {{
        thread_local! {
            static STATEMENT: &'static $crate::spi::Statement =
                $crate::spi::Statement::leak($text, $crate::spi::Snapshot::Callers);
        }
        STATEMENT.with(|statement| *statement)
    }};
}
pub(crate) use read;

/// Declares a statement; its parameters get the types of the arguments of the first call.
macro_rules! sql {
    ($text:expr) => {{
        thread_local! {
            static STATEMENT: &'static $crate::spi::Statement = $crate::spi::Statement::leak($text, $crate::spi::Snapshot::Latest);
        }
        STATEMENT.with(|statement| *statement)
    }};
}
pub(crate) use sql;

/// A row of a result; columns are counted from 1.
pub struct Row {
    tuple: pg_sys::HeapTuple,
    columns: pg_sys::TupleDesc,
}

impl Row {
    /// A column that is never null.
    pub fn get<T: FromDatum>(&self, column: i32) -> Result<T, Error> {
        self.find(column)?.ok_or_else(|| Error::Internal(format!("column {column} of a result is null")))
    }

    /// A column that may be null.
    pub fn find<T: FromDatum>(&self, column: i32) -> Result<Option<T>, Error> {
        let mut is_null = false;
        // SAFETY: tuple and descriptor live until SPI_finish, which the closure that sees this row precedes;
        // T copies what it needs, because every T read here is owned.
        unsafe {
            let datum = pg_sys::SPI_getbinval(self.tuple, self.columns, column, &mut is_null);
            let oid = pg_sys::SPI_gettypeid(self.columns, column);
            Ok(T::from_polymorphic_datum(datum, is_null, oid))
        }
    }
}

impl Statement {
    pub fn leak(text: &'static str, snapshot: Snapshot) -> &'static Self {
        Box::leak(Box::new(Self { text, snapshot, plan: OnceCell::new() }))
    }

    /// Runs the statement and returns the number of rows that it returned or changed.
    pub fn run(&self, arguments: &[DatumWithOid]) -> Result<usize, Error> {
        self.with_rows(arguments, |_, processed| Ok(processed))
    }

    /// Runs the statement and maps its first row.
    pub fn first<T>(
        &self,
        arguments: &[DatumWithOid],
        map: impl FnOnce(&Row) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.with_rows(arguments, |rows, _| rows.next().map(|row| map(&row)).transpose())
    }

    /// Runs a statement that returns exactly one row and returns its first column, which is never null.
    pub fn value<T: FromDatum>(&self, arguments: &[DatumWithOid]) -> Result<T, Error> {
        let value = self.first(arguments, |row| row.get(1))?;
        value.ok_or_else(|| Error::Internal("a statement that returns one row returned none".into()))
    }

    /// Runs the statement and maps all its rows.
    pub fn all<T>(
        &self,
        arguments: &[DatumWithOid],
        mut map: impl FnMut(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        self.with_rows(arguments, |rows, _| rows.map(|row| map(&row)).collect())
    }

    fn with_rows<T>(
        &self,
        arguments: &[DatumWithOid],
        read: impl FnOnce(&mut dyn Iterator<Item = Row>, usize) -> Result<T, Error>,
    ) -> Result<T, Error> {
        Spi::connect(|_| {
            let plan = self.plan(arguments)?;
            // SAFETY: the plan is kept, and was prepared for arguments of these types.
            let (table, processed) = unsafe { execute(plan, arguments, self.snapshot) }?;
            let rows = if table.is_null() { 0 } else { processed };
            let mut rows = (0..rows).map(|index| {
                // SAFETY: SPI allocated that many tuples, which live until the end of this connection.
                unsafe { Row { tuple: *(*table).vals.add(index), columns: (*table).tupdesc } }
            });
            read(&mut rows, processed)
        })
    }

    fn plan(&self, arguments: &[DatumWithOid]) -> Result<pg_sys::SPIPlanPtr, Error> {
        if let Some(plan) = self.plan.get() {
            return Ok(*plan);
        }
        let text = CString::new(self.text).map_err(|error| Error::Internal(error.to_string()))?;
        let mut types: Vec<pg_sys::Oid> = arguments.iter().map(DatumWithOid::oid).collect();
        // SAFETY: connected to SPI; a kept plan lives as long as the backend.
        let plan = unsafe {
            let options = pg_sys::CURSOR_OPT_GENERIC_PLAN as i32;
            let plan = pg_sys::SPI_prepare_cursor(text.as_ptr(), types.len() as i32, types.as_mut_ptr(), options);
            if plan.is_null() || pg_sys::SPI_keepplan(plan) != 0 {
                let code = pg_sys::SPI_result;
                return Err(Error::Internal(format!("SPI cannot plan a statement: {code}")));
            }
            plan
        };
        Ok(*self.plan.get_or_init(|| plan))
    }
}

/// Runs an insert whose unique key may be taken, which `taken` turns into an error; it is given the rest of that key,
/// which begins with the project.
/// Looking for conflicts beforehand would cost a bulk load a quarter of its time, and a race would remain.
pub fn insert_unique(
    project: &str,
    insert: impl FnOnce() -> Result<(), Error>,
    taken: impl Fn(String) -> Error,
) -> Result<(), Error> {
    let project = AssertUnwindSafe(project);
    let taken = AssertUnwindSafe(taken);
    PgTryBuilder::new(AssertUnwindSafe(insert))
        .catch_when(PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION, move |error| match &error {
            // The transaction is lost either way: nothing is caught here, one error is told in better words.
            CaughtError::PostgresError(report) => Err(taken(key_after(&project, report.detail().unwrap_or_default()))),
            _ => error.rethrow(),
        })
        .execute()
}

/// What follows the project in `Key (project_name, task_id)=(p, t) already exists.`, whatever the language.
fn key_after(project: &str, detail: &str) -> String {
    let key = detail.split_once(")=(").and_then(|(_, rest)| rest.rsplit_once(')')).map_or("", |(key, _)| key);
    key.strip_prefix(project).map_or(key, |rest| rest.trim_start_matches(", ")).to_owned()
}

/// Runs a plan: the result table (null if the statement returns no rows) and the number of rows.
///
/// # Safety
/// Connected to SPI, and the plan was prepared for the types of the arguments.
unsafe fn execute(
    plan: pg_sys::SPIPlanPtr,
    arguments: &[DatumWithOid],
    snapshot: Snapshot,
) -> Result<(*mut pg_sys::SPITupleTable, usize), Error> {
    let mut values: Vec<pg_sys::Datum> = Vec::with_capacity(arguments.len());
    let mut nulls: Vec<std::ffi::c_char> = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let value = argument.datum();
        nulls.push(if value.is_some() { b' ' } else { b'n' } as std::ffi::c_char);
        values.push(value.map_or(pg_sys::Datum::null(), |value| value.sans_lifetime()));
    }
    let _by_index = ByIndex::new();
    // SAFETY: values and nulls have one entry for each parameter; SPI copies the snapshot.
    unsafe {
        let (values, nulls) = (values.as_mut_ptr(), nulls.as_ptr());
        let status = match (keeps_snapshot(), snapshot) {
            (false, _) => pg_sys::SPI_execute_plan(plan, values, nulls, false, 0),
            (true, Snapshot::Callers) => pg_sys::SPI_execute_plan(plan, values, nulls, true, 0),
            (true, Snapshot::Latest) => {
                let (latest, own) = (pg_sys::GetLatestSnapshot(), pg_sys::GetTransactionSnapshot());
                pg_sys::SPI_execute_snapshot(plan, values, nulls, latest, own, false, true, 0)
            }
        };
        Spi::check_status(status)?;
        Ok((pg_sys::SPI_tuptable, pg_sys::SPI_processed as usize))
    }
}

/// Whether the transaction has one snapshot from beginning to end: REPEATABLE READ or SERIALIZABLE.
pub fn keeps_snapshot() -> bool {
    // SAFETY: reads a variable of the transaction.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// Gives the transaction its id, unless it has one.
pub fn begin_writing() {
    // SAFETY: inside a transaction; fails with an error on a standby, as any write does.
    unsafe { pg_sys::GetCurrentTransactionId() };
}

/// Runs a command that is made up at run time, from quoted identifiers only.
pub fn run_command(text: &str) -> Result<(), Error> {
    Ok(Spi::run(text)?)
}

/// Runs a query that is made up at run time, from quoted identifiers only, and returns the one value of its one row. It is
/// planned as any client's query would be.
pub fn query<T: FromDatum + IntoDatum>(text: &str, arguments: &[DatumWithOid]) -> Result<Option<T>, Error> {
    Ok(Spi::get_one_with_args(text, arguments)?)
}
