//! start_task of a user who qualifies for 200 lanes, with tasks in all of them, beside that of one who qualifies for one.

use anyhow::Result;
use postgres::Client;

use crate::comparison::{Side, add_time};
use crate::server::{self, DATABASE, Server};

const SETUP: &str = include_str!("../scripts/lanes.sql");
const CLAIMS: u32 = 1_000;
/// Calls that do not count, because they make plans.
const WARM_UP: u32 = 20;

pub fn measure(server: &mut Server, template: &str) -> Result<Vec<Side>> {
    let mut database = server.copy(template, DATABASE)?;
    database.batch_execute(SETUP)?;
    server::settle(&mut database)?;
    claim(&mut database, "one_lane", WARM_UP)?;
    claim(&mut database, "many_lanes", WARM_UP)?;
    let (mut one, mut many) = (0.0, 0.0);
    for _ in 0..CLAIMS / 10 {
        one += claim(&mut database, "one_lane", 10)?;
        many += claim(&mut database, "many_lanes", 10)?;
    }
    let side = |(what, seconds)| Side { what, times: CLAIMS, seconds };
    Ok([("start_task, 1 lane", one), ("start_task, 200 lanes", many)].map(side).to_vec())
}

/// The seconds that so many claims take, without the releases between them.
fn claim(database: &mut Client, project: &str, times: u32) -> Result<f64> {
    let start = database.prepare("select start_task($1, 'user')")?;
    let release = database.prepare("select release_task($1, 'user', $2, 'Done')")?;
    let mut seconds = 0.0;
    for _ in 0..times {
        let task: String = add_time(&mut seconds, || database.query_one(&start, &[&project]))?.get(0);
        database.execute(&release, &[&project, &task])?;
    }
    Ok(seconds)
}
