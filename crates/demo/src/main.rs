//! The main job on real input: workers drain the dependency graph of Debian's packages through start_task and
//! release_task. Then the history is checked: nothing was handed out before what it depends on, nothing twice.
//! Ends with what an administrator and an annotator see.

mod stanza;

mod archive;
mod graph;

mod history;
mod loading;
mod workers;

use std::time::Instant;

use anyhow::{Result, bail, ensure};
use clap::Parser;
use task_mgmt_server::database::Database;

use crate::graph::Graph;
use crate::history::History;

/// The project of the packages.
const PROJECT: &str = "debian";
/// By default, everything that these need.
const WANTED: [&str; 8] =
    ["postgresql", "gnome", "kde-full", "texlive-full", "sagemath", "rails", "ros-desktop-full", "libreoffice"];

/// Workers drain the dependency graph of Debian's packages through task_mgmt, then the history is checked.
///
/// PGHOST, PGPORT, PGUSER and PGDATABASE name the server. The database demo on it is replaced.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Take all packages of the archive instead of a few thousand
    #[arg(long)]
    full: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();

    heading("The packages of this machine's archive");
    let graph = read(&options)?;

    heading("Loading");
    let database = Database::create("task_mgmt_demo", "demo")?;
    let begin = Instant::now();
    loading::load(&database, &graph)?;
    let (tasks, dependencies) = (graph.packages.len(), graph.edges.len());
    println!("{tasks} tasks and {dependencies} dependencies in {:.1} s", begin.elapsed().as_secs_f64());

    database.psql(include_str!("../sql/workload.sql"))?;

    heading("Working");
    let begin = Instant::now();
    workers::drain(&database, &graph)?;
    let seconds = begin.elapsed().as_secs_f64();
    let users = loading::USERS.len();
    println!(
        "{users} workers started, timed and released {tasks} tasks in {seconds:.1} s: {:.0} tasks/s",
        tasks as f64 / seconds
    );

    heading("Checking the history in task_mgmt.events");
    check(&database, &graph)?;

    heading("What an administrator sees");
    database.psql(include_str!("../sql/workload.sql"))?;
    database.psql(include_str!("../sql/administrator.sql"))?;

    heading("What an annotator sees");
    database.psql(include_str!("../sql/annotation.sql"))?;
    check_annotation(&database)
}

fn heading(text: &str) {
    println!("\n== {text}");
}

fn read(options: &Options) -> Result<Graph> {
    let archive = archive::read()?;
    println!("{} packages in the output of apt-cache dumpavail", archive.len());
    let graph = if options.full { Graph::of_all(archive) } else { Graph::of_needed(archive, &WANTED)? };
    if !options.full {
        println!("{} of them are needed by {}", graph.packages.len(), WANTED.join(", "));
    }
    println!("{} dependencies, {} of them on what another package provides", graph.edges.len(), graph.provided);
    print_left_out("on packages that the archive does not have", &graph.unknown);
    print_left_out("that would close a cycle", &graph.closing_cycles);
    Ok(graph)
}

fn print_left_out(reason: &str, edges: &[(String, String)]) {
    const EXAMPLES: usize = 3;
    if edges.is_empty() {
        return;
    }
    let examples: Vec<String> = edges.iter().take(EXAMPLES).map(|(from, to)| format!("{from} on {to}")).collect();
    let more = if edges.len() > EXAMPLES { ", ..." } else { "" };
    println!("left out: {} dependencies {reason} ({}{more})", edges.len(), examples.join(", "));
}

fn check(database: &Database, graph: &Graph) -> Result<()> {
    let violations = History::read(database)?.violations(graph);
    if violations.is_empty() {
        println!("every package was handed out and completed once, after everything that it depends on");
        return Ok(());
    }
    for violation in violations.iter().take(20) {
        println!("{violation}");
    }
    bail!("the history has {} faults", violations.len())
}

/// The example has been refused once, then completed; only then there is both a note and time.
fn check_annotation(database: &Database) -> Result<()> {
    let query =
        "select completion_status = 'Done' and note is not null and get_total_task_cost(project_name, task_id) > 0
        from task_mgmt.tasks
        where project_name = 'fly_brain' and task_id = 'trace_1'";
    let has_ended: bool = database.open()?.query_one(query, &[])?.get(0);
    ensure!(has_ended, "the annotation example did not end as it should");
    Ok(())
}
