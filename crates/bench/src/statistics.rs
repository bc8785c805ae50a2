//! Statistics of the large backlog, beside counting its tasks.

use anyhow::Result;
use postgres::Client;

use crate::comparison::{Side, add_time};
use crate::options::Settings;
use crate::plan::{Beside, Situation};
use crate::server::{self, DATABASE, Server};
use crate::template::{self, Templates};

const COUNTED: &str = "select status, count(*) from task_mgmt.task where project_name = 'bench' group by status";

pub fn measure(server: &mut Server, templates: &mut Templates, settings: &Settings) -> Result<Vec<Side>> {
    let template = templates.prepare(server, Situation { backlog: settings.large_backlog, beside: Beside::Nothing })?;
    let mut database = server.copy(&template, DATABASE)?;
    template::sweep(&mut database)?;
    server::settle(&mut database)?;
    Ok(vec![
        repeat(&mut database, "select count(*)", COUNTED, 5)?,
        repeat(&mut database, "task_statistics", "select task_statistics('bench')", 200)?,
        repeat(&mut database, "queue_statistics", "select queue_statistics('bench')", 200)?,
    ])
}

fn repeat(database: &mut Client, what: &'static str, query: &str, times: u32) -> Result<Side> {
    let statement = database.prepare(query)?;
    // Makes the plan and brings the tasks into memory.
    database.query(&statement, &[])?;
    let mut seconds = 0.0;
    for _ in 0..times {
        add_time(&mut seconds, || database.query(&statement, &[]))?;
    }
    Ok(Side { what, times, seconds })
}
