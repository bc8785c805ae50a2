//! How facts are found: `task_mgmt.fact_keys_idx` holds the keys of each, which `task_mgmt_core::facts::search` makes.

use pgrx::prelude::*;
use serde_json::value::RawValue;
use task_mgmt_core::facts::search::{Keys, Traits, fold};

use crate::json::Jsonb;

/// Internal: what a fact is found by, for the index.
#[pg_extern(sql = "
create function task_mgmt.fact_keys(project_name text, namespace text, subject text, predicate text, tags text[], text text,
    metadata jsonb) returns integer[]
language c immutable parallel safe
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn fact_keys(
    project_name: Option<&str>,
    namespace: Option<&str>,
    subject: Option<&str>,
    predicate: Option<&str>,
    tags: Option<Vec<Option<String>>>,
    text: Option<&str>,
    metadata: Option<Jsonb>,
) -> Vec<i32> {
    let mut keys = Keys::of(project_name.unwrap_or_default());
    let metadata = metadata.map(|metadata| metadata.text());
    let parsed: Option<&RawValue> = metadata.as_deref().and_then(|metadata| serde_json::from_str(metadata).ok());
    keys.add_traits(Traits { namespace, subject, predicate, metadata: parsed });
    tags.iter().flatten().flatten().for_each(|tag| keys.add_tag(tag));
    [text, metadata.as_deref()].into_iter().flatten().for_each(|text| keys.add_text(text));
    keys.finish()
}

/// Internal: whether a text contains a part whose cases are folded, in upper or lower case.
#[pg_extern(sql = "
create function task_mgmt.contains_folded(text text, part text) returns boolean
language c immutable strict parallel safe
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn contains_folded(text: &str, part: &str) -> bool {
    fold(text).contains(part)
}
