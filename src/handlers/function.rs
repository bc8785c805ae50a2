//! A function that somebody registered as a handler: is it fit, who owns it, and calling it as that owner.

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::datum::DatumWithOid;
use pgrx::nullable::Nullable;
use pgrx::pg_sys;
use pgrx::prelude::*;
use task_mgmt_core::arguments::Invalid;

use crate::access;
use crate::error::Error;
use crate::spi::{self, sql};

/// What a handler is for.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Verification,
    Completion,
    Creation,
}

impl Kind {
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        let all = [Kind::Verification, Kind::Completion, Kind::Creation];
        let found = all.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| Invalid(format!("kind must be verification, completion or creation, found \"{name}\"")))
    }

    pub fn name(self) -> &'static str {
        match self {
            Kind::Verification => "verification",
            Kind::Completion => "completion",
            Kind::Creation => "creation",
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Kind::Verification => "(project_name text, task_id text, completion_status text) returns jsonb",
            Kind::Completion => "(project_name text, task_id text, completion_status text)",
            Kind::Creation => "(project_name text, seed_id numeric, options jsonb) returns text",
        }
    }

    fn argument_types(self) -> [pg_sys::Oid; 3] {
        match self {
            Kind::Verification | Kind::Completion => [pg_sys::TEXTOID; 3],
            Kind::Creation => [pg_sys::TEXTOID, pg_sys::NUMERICOID, pg_sys::JSONBOID],
        }
    }

    fn result_type(self) -> Option<pg_sys::Oid> {
        match self {
            Kind::Verification => Some(pg_sys::JSONBOID),
            Kind::Completion => None,
            Kind::Creation => Some(pg_sys::TEXTOID),
        }
    }
}

/// A function as the catalog describes it now.
pub struct Function {
    /// Name and argument types with their schemas, as text: columns of type regprocedure would block pg_upgrade.
    pub signature: String,
    kind: Kind,
    name: String,
    owner: pg_sys::Oid,
}

impl Function {
    /// Looks at a function that is to become a handler. Errors: P0002 no such function, 22023 it does not fit the kind.
    pub fn describe(kind: Kind, Regprocedure(oid): Regprocedure) -> Result<Self, Error> {
        let found = Self::fitting(kind, oid)?;
        let (function, is_fit) = found.ok_or(Error::FunctionNotFound(oid.to_u32()))?;
        match is_fit {
            true => Ok(function),
            false => Err(Error::HandlerSignature {
                kind: kind.name(),
                handler: function.signature,
                expected: kind.expected(),
            }),
        }
    }

    /// Finds a handler by its kept signature. Errors: 55000 if it is gone, or another function has taken its name.
    pub fn find(kind: Kind, signature: &str) -> Result<Self, Error> {
        let oid = sql!("select to_regprocedure($1)::oid").first(&[signature.into()], |row| row.find(1))?.flatten();
        let found = oid.map_or(Ok(None), |oid| Self::fitting(kind, oid))?;
        match found {
            Some((function, true)) => Ok(function),
            _ => Err(Error::HandlerMissing { kind: kind.name(), handler: signature.into() }),
        }
    }

    /// A handler runs as its owner, so whoever registers it must be allowed to act as the owner. Errors: 42501.
    pub fn require_rights_of_owner(&self) -> Result<(), Error> {
        let role = access::caller()?;
        // SAFETY: a catalog look-up of two role ids.
        if unsafe { pg_sys::has_privs_of_role(role, self.owner) } {
            return Ok(());
        }
        Err(Error::HandlerOfAnother { role: access::role_name(role), owner: access::role_name(self.owner) })
    }

    /// Whether it is one of the built-in handlers, which only do what the call that runs them is to do. They are the functions
    /// of the extension that are in its inner schema, and fit.
    pub fn is_built_in(&self) -> Result<bool, Error> {
        let found = sql!(
            "select
            from pg_proc p
            join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
            join pg_extension e on d.refclassid = 'pg_extension'::regclass and e.oid = d.refobjid
            where p.oid = to_regprocedure($1) and e.extname = 'task_mgmt'
                and p.pronamespace = 'task_mgmt'::regnamespace"
        );
        Ok(found.run(&[self.signature.as_str().into()])? > 0)
    }

    /// A built-in creation handler makes tasks of the type that it is named after, whatever type it is called for. Errors: 22023.
    pub fn require_own_type(&self, task_type: &str) -> Result<(), Error> {
        match self.kind == Kind::Creation && self.name != format!("task_mgmt.create_{task_type}") {
            true => Err(Error::HandlerOfAnotherType { handler: self.signature.clone(), task_type: task_type.into() }),
            false => Ok(()),
        }
    }

    /// Calls the function as its owner. The result of a completion handler is ignored, whatever its type.
    pub fn call<T: FromDatum + IntoDatum>(&self, arguments: &[DatumWithOid]) -> Result<Option<T>, Error> {
        let text = match self.kind {
            Kind::Completion => format!("select {}($1, $2, $3) is null", self.name),
            Kind::Verification | Kind::Creation => format!("select {}($1, $2, $3)", self.name),
        };
        access::acting_as(self.owner, || as_owner(self.owner, || spi::query(&text, arguments)))
    }

    /// The function, and whether it fits the kind.
    fn fitting(kind: Kind, oid: pg_sys::Oid) -> Result<Option<(Self, bool)>, Error> {
        sql!(
            "select p.oid::regprocedure::text, format('%I.%I', n.nspname, p.proname), p.proowner,
                p.prokind = 'f' and not p.proretset and p.proargtypes = $2::oidvector
                    and p.prorettype = coalesce($3, p.prorettype)
            from pg_proc p
            join pg_namespace n on n.oid = p.pronamespace
            where p.oid = $1"
        )
        .first(&[oid.into(), oid_vector(kind.argument_types()).into(), kind.result_type().into()], |row| {
            Ok((Self { signature: row.get(1)?, kind, name: row.get(2)?, owner: row.get(3)? }, row.get(4)?))
        })
    }
}

/// The text form of an oidvector.
fn oid_vector(oids: [pg_sys::Oid; 3]) -> String {
    oids.map(|oid| oid.to_u32().to_string()).join(" ")
}

/// Runs `body` as the owner of a handler, as Postgres does for the functions of an index: no way back to another role, and
/// settings that it changes are restored. The search_path is the pinned one of our own functions. If `body` raises, the
/// transaction or savepoint that aborts restores role and settings.
fn as_owner<T>(owner: pg_sys::Oid, body: impl FnOnce() -> T) -> T {
    let (mut role, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: reads and sets the backend's own state, and restores it when `body` has returned.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&mut role, &mut context);
        let restricted = pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION;
        pg_sys::SetUserIdAndSecContext(owner, context | restricted as i32);
        let level = pg_sys::NewGUCNestLevel();
        let result = body();
        pg_sys::AtEOXact_GUC(false, level);
        pg_sys::SetUserIdAndSecContext(role, context);
        result
    }
}

/// An argument of SQL type regprocedure, so that callers write a function's name.
pub struct Regprocedure(pg_sys::Oid);

impl FromDatum for Regprocedure {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, oid: pg_sys::Oid) -> Option<Self> {
        // SAFETY: a regprocedure is an oid.
        unsafe { pg_sys::Oid::from_polymorphic_datum(datum, is_null, oid) }.map(Self)
    }
}

pgrx::impl_sql_translatable!(Regprocedure, "regprocedure");

// SAFETY: from_polymorphic_datum is given the argument's datum and null flag.
unsafe impl<'fcx> ArgAbi<'fcx> for Regprocedure {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the caller vouches for the type.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or(Self(pg_sys::InvalidOid))
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: the caller vouches for the type.
        unsafe { arg.unbox_arg_using_from_datum() }.into()
    }
}
