//! Packages become tasks: the section is the task type, the archive's priority orders them.

use std::collections::BTreeSet;

use anyhow::Result;
use postgres::Client;
use serde_json::{Value, json};
use task_mgmt_server::database::Database;

use crate::PROJECT;
use crate::graph::Graph;

/// The users, each with an hourly rate.
pub const USERS: [(&str, u32); 8] = [
    ("ada", 48),
    ("alan", 45),
    ("barbara", 40),
    ("dennis", 36),
    ("edsger", 32),
    ("grace", 30),
    ("ken", 25),
    ("margaret", 20),
];

/// Tasks or dependencies in one call.
const CHUNK: usize = 100_000;

/// Creates the project with its users, task types, tasks and dependencies.
pub fn load(database: &Database, graph: &Graph) -> Result<()> {
    let mut client = database.open()?;
    client
        .execute("select create_project($1, description => 'The packages of this machine''s archive')", &[&PROJECT])?;
    let sections: BTreeSet<&str> = graph.packages.iter().map(|package| package.section.as_str()).collect();
    let sections: Vec<&str> = sections.into_iter().collect();
    for section in &sections {
        call(&mut client, "create_task_type", json!({"task_type": section, "completion_statuses": ["Done"]}))?;
    }
    for (number, (user, rate)) in USERS.iter().enumerate() {
        let qualified: Vec<&str> = qualifications(number, &sections).collect();
        let data = json!({"user_id": user, "hourly_rate": rate, "qualified_task_types": qualified});
        call(&mut client, "create_user", data)?;
    }
    for packages in graph.packages.chunks(CHUNK) {
        let tasks = packages.iter().map(|package| {
            json!({
                "task_id": package.name,
                "task_type": package.section,
                "priority": package.priority,
                "extra_data": {"version": package.version},
            })
        });
        call(&mut client, "create_tasks", tasks.collect())?;
    }
    for edges in graph.edges.chunks(CHUNK) {
        let dependencies = edges.iter().map(|(from, to)| {
            json!({
                "task_id": graph.packages[*from].name,
                "dependent_on_task_id": graph.packages[*to].name,
                "required_completion_status": "Done",
            })
        });
        call(&mut client, "create_dependencies", dependencies.collect())?;
    }
    Ok(client.batch_execute("analyze")?)
}

/// Every third section, so that every section has two or three users.
fn qualifications<'s>(user: usize, sections: &[&'s str]) -> impl Iterator<Item = &'s str> {
    let first = user % 3;
    sections.iter().skip(first).step_by(3).copied()
}

/// Calls a function that takes the project and `data`.
fn call(client: &mut Client, function: &str, data: Value) -> Result<()> {
    let call = format!("select {function}($1, $2::text::jsonb)");
    client.execute(&call, &[&PROJECT, &data.to_string()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_has_several_users() {
        let names: Vec<String> = (0..60).map(|number| format!("section {number}")).collect();
        let sections: Vec<&str> = names.iter().map(String::as_str).collect();
        for section in &sections {
            let users = (0..USERS.len()).filter(|user| qualifications(*user, &sections).any(|name| name == *section));
            assert!([2, 3].contains(&users.count()), "{section}");
        }
    }
}
