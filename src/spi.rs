//! The only way to the database: statements that are planned once per backend, each run on a fresh snapshot.
//! A transaction id is assigned only when a statement really writes.

use std::cell::OnceCell;
use std::panic::{RefUnwindSafe, UnwindSafe};

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use pgrx::spi::OwnedPreparedStatement;

use crate::error::Error;

/// A statement whose plan is kept for the life of the backend. Made by [`sql!`] where it is used.
pub struct Statement {
    text: &'static str,
    plan: OnceCell<OwnedPreparedStatement>,
}

/// Declares a statement; its parameters get the types of the arguments of the first call.
macro_rules! sql {
    ($text:expr) => {{
        thread_local! {
            static STATEMENT: &'static $crate::spi::Statement = $crate::spi::Statement::leak($text);
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
    pub fn leak(text: &'static str) -> &'static Self {
        Box::leak(Box::new(Self { text, plan: OnceCell::new() }))
    }

    /// Runs the statement and returns the number of rows that it returned or changed.
    pub fn run(&self, arguments: &[DatumWithOid]) -> Result<usize, Error> {
        Spi::connect(|client| Ok(client.select(self.plan(arguments)?, None, arguments)?.len()))
    }

    /// Runs the statement and maps its first row.
    pub fn first<T>(
        &self,
        arguments: &[DatumWithOid],
        map: impl FnOnce(&Row) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.with_rows(arguments, |rows| rows.next().map(|row| map(&row)).transpose())
    }

    /// Runs the statement and maps all its rows.
    pub fn all<T>(
        &self,
        arguments: &[DatumWithOid],
        mut map: impl FnMut(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        self.with_rows(arguments, |rows| rows.map(|row| map(&row)).collect())
    }

    fn with_rows<T>(
        &self,
        arguments: &[DatumWithOid],
        read: impl FnOnce(&mut dyn Iterator<Item = Row>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        Spi::connect(|client| {
            let count = client.select(self.plan(arguments)?, None, arguments)?.len();
            // SAFETY: the statement above has just set SPI_tuptable, or left it null if it returns no rows.
            let table = unsafe { pg_sys::SPI_tuptable };
            let mut rows = (0..if table.is_null() { 0 } else { count }).map(|index| {
                // SAFETY: SPI allocated `count` tuples, which live until the end of this connection.
                unsafe { Row { tuple: *(*table).vals.add(index), columns: (*table).tupdesc } }
            });
            read(&mut rows)
        })
    }

    /// A plan that is not marked read-only makes SPI take a fresh snapshot for each run.
    fn plan(&self, arguments: &[DatumWithOid]) -> Result<&OwnedPreparedStatement, Error> {
        if let Some(plan) = self.plan.get() {
            return Ok(plan);
        }
        let types: Vec<PgOid> = arguments.iter().map(|argument| PgOid::from(argument.oid())).collect();
        let plan = Spi::connect_mut(|client| client.prepare_mut(self.text, &types).map(|plan| plan.keep()))?;
        Ok(self.plan.get_or_init(|| plan))
    }
}

/// Runs `body` in a subtransaction; a Postgres error rolls it back and is returned.
pub fn savepoint<T>(body: impl FnOnce() -> T + UnwindSafe + RefUnwindSafe) -> Result<T, CaughtError> {
    // SAFETY: main thread, inside a transaction; memory context and resource owner are restored as PL/pgSQL does.
    unsafe {
        let (context, owner) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let outcome = PgTryBuilder::new(move || Ok(body())).catch_others(Err).execute();
        match outcome {
            Ok(_) => pg_sys::ReleaseCurrentSubTransaction(),
            Err(_) => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
        outcome
    }
}
