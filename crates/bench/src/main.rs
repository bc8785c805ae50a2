//! Measures what it costs to take a task and complete it: bare updates (the limit), a hand-written queue, and task_mgmt.
//! pgbench makes the load; every measurement starts from a fresh copy of a prepared database. Then calls that do much at once
//! are compared with bare statements. Prints tables, keeps a CSV file, and says how the goals are met.

mod options;
mod plan;

mod server;
mod template;

mod entry;
mod pgbench;
mod window;

mod cell;

mod comparison;
mod ingestion;
mod lanes;
mod loading;
mod peers;
mod statistics;
mod traces;

mod machine;
mod record;
mod report;
mod verdict;

use anyhow::Result;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use crate::machine::Machine;
use crate::options::{Options, Settings};
use crate::record::Recorder;
use crate::server::Server;
use crate::template::Templates;

fn main() -> Result<()> {
    let settings = Settings::from(Options::parse());
    let mut server = Server::connect()?;
    server.drop_leftovers()?;
    let machine = Machine::inspect(&mut server)?;
    println!("{machine}");
    let mut recorder = Recorder::create(machine)?;
    let bar = progress_bar(settings.steps())?;
    let mut templates = Templates::new(&settings);

    let mut groups = Vec::new();
    for group in plan::groups(&settings) {
        let mut measurements = Vec::new();
        for run in 1..=settings.runs {
            let mut found = Vec::new();
            for cell in group.in_order_of(run) {
                bar.set_message(format!("run {run}: {cell}"));
                let template = templates.prepare(&mut server, cell.situation)?;
                let figures = cell::measure(&mut server, &template, &cell, &settings)?;
                if bar.is_hidden() {
                    eprintln!("run {run}: {cell}: {:.0} tasks/s", figures.tasks_per_second);
                }
                found.push((cell, figures));
                bar.inc(1);
            }
            let compared = cell::compare(run, found);
            recorder.keep(&compared)?;
            measurements.extend(compared);
        }
        templates.drop_unless_reused(&mut server)?;
        groups.push(report::summarise(&group, &measurements));
    }

    let mut comparisons = Vec::new();
    for subject in plan::subjects(&settings) {
        let mut found = Vec::new();
        for run in 1..=settings.comparison_runs {
            bar.set_message(format!("run {run}: {}", subject.name()));
            let comparison = subject.measure(&mut server, &mut templates, &settings, run)?;
            recorder.keep_comparison(subject, &comparison)?;
            found.push(comparison);
            bar.inc(1);
        }
        comparisons.push((subject, found));
    }
    bar.finish_and_clear();
    templates.drop_all(&mut server)?;

    if !groups.is_empty() {
        println!("{}", report::table(&groups));
    }
    if !comparisons.is_empty() {
        println!("{}", report::comparisons(&comparisons));
    }
    for verdict in verdict::all(&groups, &comparisons) {
        println!("{verdict}");
    }
    println!("\nkept in {}", recorder.path().display());
    Ok(())
}

fn progress_bar(steps: u64) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {elapsed} gone, {eta} to go  {msg}")?;
    let bar = ProgressBar::new(steps).with_style(style);
    bar.enable_steady_tick(std::time::Duration::from_secs(1));
    Ok(bar)
}
