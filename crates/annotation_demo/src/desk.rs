//! Where one person works: starts tasks, saves states, books time and releases, through SQL functions alone.

use anyhow::{Context, Result, bail, ensure};
use postgres::Client;
use serde_json::{Value, json};
use task_mgmt_core::neuroglancer::Point;
use task_mgmt_core::neuroglancer::layers::{CERTAIN_ENDS, ROOT_LOCATION, SEED_LOCATION, SEGMENTATION, UNCERTAIN_ENDS};
use task_mgmt_server::database::Database;

use crate::people::{Person, Role};
use crate::review::{Judgement, judge};
use crate::shift::Shift;
use crate::state::{points, set_points, set_segments};
use crate::trace::{Outcome, Trace};

/// Time that is booked for looking at a task and for each end; nobody waits so long.
const SECONDS_TO_LOOK: u64 = 30;
const SECONDS_OF_END: u64 = 4;

pub struct Desk<'s> {
    client: Client,
    shift: &'s Shift<'s>,
    person: &'static Person,
}

/// A task that the person holds.
struct Held {
    task_id: String,
    data: Value,
}

impl<'s> Desk<'s> {
    pub fn open(database: &Database, shift: &'s Shift<'s>, person: &'static Person) -> Result<Self> {
        Ok(Self { client: database.open()?, shift, person })
    }

    /// Takes the next task and completes it; false if there is none.
    pub fn do_next(&mut self) -> Result<bool> {
        let Some(task) = self.start()? else { return Ok(false) };
        let work = match self.person.role {
            Role::Annotator | Role::Novice | Role::Newcomer => Self::trace,
            Role::Reviewer => Self::review,
            Role::Program => Self::measure,
        };
        let task_id = task.task_id.clone();
        work(self, task).with_context(|| format!("task {task_id}"))?;
        self.shift.note_completed();
        Ok(true)
    }

    pub fn is_all_done(&mut self) -> Result<bool> {
        let query = "select coalesce(sum(ready + held + paused + blocked), 0) = 0
            from task_mgmt.workload
            where project_name = $1";
        Ok(self.client.query_one(query, &[&self.shift.project])?.get(0))
    }

    fn start(&mut self) -> Result<Option<Held>> {
        let start = "select start_task($1, $2)";
        let task: Option<String> = self.client.query_one(start, &[&self.shift.project, &self.person.user_id])?.get(0);
        let Some(task_id) = task else { return Ok(None) };
        let read = "select add_segment_type_and_instructions($1, $2)";
        let data = self.client.query_one(read, &[&self.shift.project, &task_id])?.get(0);
        Ok(Some(Held { task_id, data }))
    }

    /// The first time a trace is released too early; then half of the ends are saved, then all.
    fn trace(&mut self, mut task: Held) -> Result<()> {
        let trace = self.trace_of(&task.data["segment_seed_id"])?;
        let state = &task.data["ng_state"];
        ensure!(
            points(state, SEED_LOCATION) == [trace.cell.piece.root()],
            "the state does not begin with the seed, expanded by start_task"
        );
        ensure!(!task.data["instruction"].is_null(), "there is no instruction");
        let is_first = points(state, ROOT_LOCATION).is_empty();
        if is_first {
            self.release_too_early(&mut task, trace)?;
        }
        let mut certain = trace.certain.as_slice();
        if is_first && self.is_forgetful(&task) {
            certain = &certain[..certain.len() - certain.len().div_ceil(10)];
        }
        let state = &mut task.data["ng_state"];
        let half = certain.len() / 2;
        set_points(state, CERTAIN_ENDS, &certain[..half]);
        self.save(&task)?;
        self.book(&task, SECONDS_TO_LOOK + SECONDS_OF_END * half as u64)?;
        let state = &mut task.data["ng_state"];
        set_points(state, ROOT_LOCATION, &[trace.cell.piece.root()]);
        set_points(state, CERTAIN_ENDS, certain);
        set_points(state, UNCERTAIN_ENDS, &trace.uncertain);
        self.save(&task)?;
        self.book(&task, SECONDS_OF_END * (certain.len() - half + trace.uncertain.len()) as u64 + 1)?;
        self.release(&task, trace.outcome.status(), None)
    }

    /// Judges by what the state of the review shows, which is that of the trace. A trace that lacks ends is opened again.
    fn review(&mut self, task: Held) -> Result<()> {
        let original = original(&task)?;
        let seed = self.seed_of(original)?;
        let trace = self.trace_of(&seed)?;
        let state = &task.data["ng_state"];
        let status_layer = format!("Status: {}", trace.outcome.status());
        let layers = state["layers"].as_array().into_iter().flatten();
        ensure!(layers.filter(|layer| layer["name"] == *status_layer).count() == 1, "there is no layer {status_layer}");
        let marked: Vec<Point> = [CERTAIN_ENDS, UNCERTAIN_ENDS].iter().flat_map(|layer| points(state, layer)).collect();
        let (judgement, note) = judge(trace, &marked);
        self.book(&task, SECONDS_TO_LOOK + trace.number_of_ends() as u64)?;
        if judgement == Judgement::Inaccurate {
            self.client.execute("select reactivate_task($1, $2)", &[&self.shift.project, &original])?;
        }
        self.release(&task, judgement.status(), Some(&note))
    }

    /// What a program adds to a segment whose trace is done: how long it is.
    fn measure(&mut self, task: Held) -> Result<()> {
        let seed = self.seed_of(original(&task)?)?;
        let trace = self.trace_of(&seed)?;
        let resolution =
            "select sv_resolution_x, sv_resolution_y, sv_resolution_z from task_mgmt.projects where project_name = $1";
        let row = self.client.query_one(resolution, &[&self.shift.project])?;
        let millimetres = trace.cell.piece.length([row.get(0), row.get(1), row.get(2)]) / 1e6;
        // A length that is too large for a number becomes null.
        let data = json!({"skeleton_path_length_mm": millimetres});
        self.client.execute(
            "select update_segment($1, $2::text::numeric, $3)",
            &[&self.shift.project, &trace.cell.seed_id.to_string(), &data],
        )?;
        self.release(&task, "Done", None)
    }

    /// Each outcome asks for something that is not there yet, and says so.
    fn release_too_early(&mut self, task: &mut Held, trace: &Trace) -> Result<()> {
        let state = &mut task.data["ng_state"];
        let root = trace.cell.piece.root();
        let expected = match (trace.outcome, self.person.role) {
            (Outcome::Done, Role::Novice) => {
                set_points(state, ROOT_LOCATION, &[root]);
                set_points(state, CERTAIN_ENDS, &trace.certain[..1]);
                "Insufficient certain end count for a complete neuron"
            }
            (Outcome::Done, _) => "Root Location must have exactly 1 annotation, found 0",
            (Outcome::CantContinue, _) => "Status 'cant_continue' requires at least 1 uncertain end, found 0",
            (Outcome::Merger | Outcome::WrongCellType, _) => {
                set_segments(state, SEGMENTATION, &[trace.cell.seed_id, trace.neighbour]);
                "Segmentation layer must have exactly 1 visible segment, found 2"
            }
        };
        self.save(task)?;
        let message = self.refused(task, trace.outcome.status())?;
        ensure!(message.contains(expected), "it was refused by \"{message}\" instead of \"{expected}\"");
        set_segments(&mut task.data["ng_state"], SEGMENTATION, &[trace.cell.seed_id]);
        Ok(())
    }

    fn is_forgetful(&self, task: &Held) -> bool {
        self.person.role == Role::Novice && task.data["assigned_user_id"] == self.person.user_id
    }

    fn save(&mut self, task: &Held) -> Result<()> {
        let data = json!({"ng_state": task.data["ng_state"]});
        self.client.execute("select update_task($1, $2, $3)", &[&self.shift.project, &task.task_id, &data])?;
        Ok(())
    }

    fn book(&mut self, task: &Held, seconds: u64) -> Result<()> {
        self.client.execute(
            "select submit_timesheet($1, $2, $3, $4)",
            &[&self.shift.project, &self.person.user_id, &(seconds as f64), &task.task_id],
        )?;
        self.shift.note_booked(self.person.user_id, seconds);
        Ok(())
    }

    fn release(&mut self, task: &Held, status: &str, note: Option<&str>) -> Result<()> {
        self.client.execute(
            "select release_task($1, $2, $3, $4, note => $5)",
            &[&self.shift.project, &self.person.user_id, &task.task_id, &status, &note],
        )?;
        Ok(())
    }

    /// Tries to complete a task, and returns the words by which that is refused.
    fn refused(&mut self, task: &Held, status: &str) -> Result<String> {
        let Err(error) = self.release(task, status, None) else { bail!("it was completed too early") };
        let error = error.downcast::<postgres::Error>()?;
        let Some(refusal) = error.as_db_error() else { return Err(error.into()) };
        self.shift.note_refused(self.person.user_id, &task.task_id, status, refusal.message());
        Ok(refusal.message().to_owned())
    }

    fn trace_of(&self, seed: &Value) -> Result<&'s Trace<'s>> {
        // Large ids are text.
        let seed_id = seed.as_u64().or_else(|| seed.as_str()?.parse().ok());
        let trace = seed_id.and_then(|seed| self.shift.traces.get(&seed));
        trace.copied().with_context(|| format!("there is no cell of seed {seed}"))
    }

    fn seed_of(&mut self, task: &str) -> Result<Value> {
        let query = "select segment_seed_id::text from task_mgmt.tasks where project_name = $1 and task_id = $2";
        Ok(Value::String(self.client.query_one(query, &[&self.shift.project, &task])?.get(0)))
    }
}

fn original(task: &Held) -> Result<&str> {
    task.data["extra_data"]["original_task_id"].as_str().context("it does not say what it is about")
}
