//! What an update may be given in other words than a record shows: a named priority, an agent, null for what is empty.

use task_mgmt_core::tasks::two_users;

use crate::error::Error;
use crate::json::Jsonb;
use crate::spi::read;

const KEYS: [&str; 7] = ["priority", "agent", "assigned_user_id", "description", "params", "drift_score", "metadata"];

/// The same data in the words of the record, so that what is so already is not taken for a change.
/// Errors: 22023 if agent and assigned_user_id, which are one, differ.
pub fn settle(data: Jsonb, keys: &[String]) -> Result<Jsonb, Error> {
    let has = |key: &str| keys.iter().any(|given| given == key);
    // A state is large, and to look for words in vain would copy it.
    if !KEYS.into_iter().any(has) {
        return Ok(data);
    }
    if has("agent") && has("assigned_user_id") {
        require_one_user(&data)?;
    }
    read!(
        "select $1 - 'agent'
            || case when $1 ? 'agent' then jsonb_build_object('assigned_user_id', $1 -> 'agent') else '{}' end
            || coalesce((
                select jsonb_object_agg(word.shown_as, word.meaning)
                from (values
                    ('priority', '\"low\"'::jsonb, 'priority', '25'::jsonb),
                    ('priority', '\"medium\"', 'priority', '50'),
                    ('priority', '\"high\"', 'priority', '75'),
                    ('priority', '\"critical\"', 'priority', '100'),
                    ('agent', 'null', 'assigned_user_id', '\"\"'),
                    ('assigned_user_id', 'null', 'assigned_user_id', '\"\"'),
                    ('description', 'null', 'description', '\"\"'),
                    ('params', 'null', 'params', '{}'),
                    ('drift_score', 'null', 'drift_score', '0'),
                    ('metadata', 'null', 'metadata', '{}')
                ) as word (key, given, shown_as, meaning)
                where $1 -> word.key = word.given
            ), '{}')"
    )
    .value(&[data.into()])
}

fn require_one_user(data: &Jsonb) -> Result<(), Error> {
    let users = read!(
        "select coalesce(nullif($1 ->> 'agent', ''), 'nobody'), coalesce(nullif($1 ->> 'assigned_user_id', ''), 'nobody')"
    )
    .first(&[data.clone().into()], |row| Ok((row.get::<String>(1)?, row.get::<String>(2)?)))?;
    match users {
        Some((agent, assigned)) if agent != assigned => Err(two_users("data", &agent, &assigned).into()),
        _ => Ok(()),
    }
}
