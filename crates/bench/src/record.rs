//! The CSV file: one row for each measurement, written as soon as its group is complete.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::cell::Measurement;
use crate::comparison::{Comparison, Subject};
use crate::machine::Machine;

/// Writes the file of one call of the program.
pub struct Recorder {
    path: PathBuf,
    writer: csv::Writer<File>,
    machine: Machine,
}

/// A line of the file. The machine is in every line, so that lines of several files can be put together.
#[derive(Default, Serialize)]
struct Row<'a> {
    measured_at: &'a str,
    run: u32,
    what: &'a str,
    clients: u32,
    backlog: u32,
    beside: &'a str,
    mode: &'a str,
    tasks: u64,
    seconds: f64,
    tasks_per_second: f64,
    ratio_to_limit: Option<f64>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    wal_bytes_per_task: Option<f64>,
    dead_tuples_per_task: Option<f64>,
    cores: usize,
    cpu: &'a str,
    ram_gib: f64,
    postgresql: &'a str,
    commit: &'a str,
}

impl Recorder {
    pub fn create(machine: Machine) -> Result<Self> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench");
        fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        let path = directory.canonicalize()?.join(format!("{}.csv", machine.measured_at));
        let writer = csv::Writer::from_path(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { path, writer, machine })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn keep(&mut self, measurements: &[Measurement]) -> Result<()> {
        for Measurement { run, cell, figures, ratio_to_limit } in measurements {
            self.writer.serialize(Row {
                run: *run,
                what: &cell.work.to_string(),
                clients: cell.clients,
                backlog: cell.situation.backlog,
                beside: &cell.situation.beside.to_string(),
                mode: &cell.mode.to_string(),
                tasks: figures.tasks,
                seconds: figures.seconds,
                tasks_per_second: figures.tasks_per_second,
                ratio_to_limit: Some(*ratio_to_limit),
                p50_ms: Some(figures.p50_ms),
                p99_ms: Some(figures.p99_ms),
                wal_bytes_per_task: Some(figures.wal_bytes_per_task),
                dead_tuples_per_task: Some(figures.dead_tuples_per_task),
                ..self.machine.row()
            })?;
        }
        Ok(self.writer.flush()?)
    }

    pub fn keep_comparison(&mut self, subject: Subject, comparison: &Comparison) -> Result<()> {
        for side in &comparison.sides {
            self.writer.serialize(Row {
                run: comparison.run,
                what: &format!("{}: {}", subject.name(), side.what),
                clients: 1,
                tasks: side.times.into(),
                seconds: side.seconds,
                tasks_per_second: side.rate(),
                ratio_to_limit: Some(comparison.ratio(side)),
                ..self.machine.row()
            })?;
        }
        Ok(self.writer.flush()?)
    }
}

impl Machine {
    fn row(&self) -> Row<'_> {
        Row {
            measured_at: &self.measured_at,
            cores: self.cores,
            cpu: &self.cpu,
            ram_gib: self.ram_gib,
            postgresql: &self.postgresql,
            commit: &self.commit,
            ..Row::default()
        }
    }
}
