//! jsonb as it comes and goes: a copy of the stored bytes, turned into text only when somebody parses it.

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::nullable::Nullable;
use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::Error;

/// A detoasted jsonb value.
#[derive(Clone)]
pub struct Jsonb(Vec<u8>);

impl Jsonb {
    /// The value of JSON text that the program has made.
    pub fn of(text: &str) -> Result<Self, Error> {
        // SAFETY: what jsonb_in returns is a jsonb.
        let value =
            datum(text).and_then(|datum| unsafe { Self::from_polymorphic_datum(datum, false, Self::type_oid()) });
        value.ok_or_else(|| Error::Internal("JSON contains a zero byte".into()))
    }

    /// An object without keys.
    pub fn empty() -> Result<Self, Error> {
        Self::of("{}")
    }

    /// The value as JSON text, numbers in full precision.
    pub fn text(&self) -> String {
        // SAFETY: the bytes are a copy of a valid, detoasted jsonb; Vec aligns them as malloc does.
        let text = unsafe {
            pgrx::direct_function_call::<&core::ffi::CStr>(pg_sys::jsonb_out, &[Some(self.0.as_ptr().into())])
        };
        text.unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// A payload that has come as a part of a jsonb argument, as a value of a column.
pub fn datum(text: &str) -> Option<pg_sys::Datum> {
    let text = std::ffi::CString::new(text).ok()?;
    // SAFETY: jsonb_in takes a C string, here of JSON that was parsed before.
    unsafe { pgrx::direct_function_call_as_datum(pg_sys::jsonb_in, &[text.as_c_str().into_datum()]) }
}

impl FromDatum for Jsonb {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the datum is a non-null varlena of type jsonb; detoasting yields a plain one of the size in its header.
        unsafe {
            let original = datum.cast_mut_ptr::<pg_sys::varlena>();
            let plain = pg_sys::pg_detoast_datum(original);
            let bytes = std::slice::from_raw_parts(plain.cast::<u8>(), pgrx::varlena::varsize(plain)).to_vec();
            if plain != original {
                pg_sys::pfree(plain.cast());
            }
            Some(Self(bytes))
        }
    }
}

impl IntoDatum for Jsonb {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        // SAFETY: palloc returns space for all bytes, and they begin with a valid varlena header.
        unsafe {
            let copy = pg_sys::palloc(self.0.len()).cast::<u8>();
            std::ptr::copy_nonoverlapping(self.0.as_ptr(), copy, self.0.len());
            Some(copy.into())
        }
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::JSONBOID
    }
}

pgrx::impl_sql_translatable!(Jsonb, "jsonb");

// SAFETY: as pgrx's own JsonB: from_polymorphic_datum is given the argument's datum and null flag.
unsafe impl<'fcx> ArgAbi<'fcx> for Jsonb {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the caller vouches for the type; functions here take Option<Jsonb>, so a null never arrives.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or_else(|| pgrx::error!("a jsonb argument is null"))
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: the caller vouches for the type.
        unsafe { arg.unbox_arg_using_from_datum() }.into()
    }
}

// SAFETY: the returned datum is a jsonb allocated in the function's memory context.
unsafe impl BoxRet for Jsonb {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        match self.into_datum() {
            // SAFETY: a fresh jsonb datum, as the SQL declaration says.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}
