//! What a manager does before anybody can work: the project, its types of cells, segments, traces and people.

use anyhow::{Result, ensure};
use postgres::Client;
use serde_json::{Value, json};
use task_mgmt_server::database::Database;

use crate::cells::Cells;
use crate::people::{PEOPLE, Role};
use crate::trace::{Outcome, Trace};
use crate::volume::Volume;

/// How many of everybody's traces are reviewed, in percent; of a novice's all.
const REVIEWED_PERCENT: i32 = 50;
/// Ends of a trace that a novice gets to begin with.
const ENOUGH_ENDS: usize = 10;

/// Creates all that belongs to a volume.
pub fn set_up(database: &Database, volume: &Volume, cells: &Cells, traces: &[Trace]) -> Result<()> {
    let mut manager = Manager { client: database.open()?, project: volume.project };
    manager.create_project(volume)?;
    let types = cells.types();
    for cell_type in &types {
        manager.create_segment_type(cell_type, cells)?;
    }
    manager.ingest(volume, cells)?;
    manager.create_people(&types)?;
    for cell_type in &types {
        manager.create_traces(cell_type, cells)?;
    }
    let (traced, types) = (cells.cells.len(), types.len());
    println!("create_trace_tasks: {traced} traces for {types} types of cells, as the dry runs said");
    manager.assign_to_novice(traces)?;
    Ok(manager.client.batch_execute("analyze")?)
}

struct Manager {
    client: Client,
    project: &'static str,
}

impl Manager {
    fn create_project(&mut self, volume: &Volume) -> Result<()> {
        let [x, y, z] = volume.resolution;
        self.client.execute(
            "select create_project($1, segmentation_path => $2, sv_resolution_x => $3, sv_resolution_y => $4,
                sv_resolution_z => $5, description => $6)",
            &[&self.project, &volume.segmentation_path, &x, &y, &z, &volume.description],
        )?;
        self.client.execute("select add_standard_task_types($1)", &[&self.project])?;
        Ok(())
    }

    /// Three cells are examples of their type.
    fn create_segment_type(&mut self, cell_type: &str, cells: &Cells) -> Result<()> {
        let of_type = cells.cells.iter().filter(|cell| cell.cell_type == cell_type);
        let samples: Vec<String> = of_type.take(3).map(|cell| cell.seed_id.to_string()).collect();
        let data = json!({
            "type_name": cell_type,
            "sample_segment_ids": samples,
            "instruction": "Mark the root and every end; say where you cannot tell.",
        });
        self.call("create_segment_type", &data)?;
        Ok(())
    }

    fn ingest(&mut self, volume: &Volume, cells: &Cells) -> Result<()> {
        let candidates: Vec<Value> = cells
            .cells
            .iter()
            .map(|cell| {
                let [x, y, z] = cell.piece.root();
                json!({
                    "seed_id": cell.seed_id.to_string(),
                    "current_segment_id": cell.seed_id.to_string(),
                    "seed_x": x, "seed_y": y, "seed_z": z,
                    "expected_segment_type": cell.cell_type,
                    "batch": volume.project,
                    "extra_data": {"file": cell.file},
                })
            })
            .collect();
        let report: Value = self.call("ingest_segments", &Value::Array(candidates))?;
        let all = json!(cells.cells.len());
        ensure!(report["created"] == all && report["is_refused"] == false, "ingest_segments says {report}");
        println!("ingest_segments: {all} created");
        Ok(())
    }

    fn create_people(&mut self, types: &[&str]) -> Result<()> {
        self.client
            .execute("select set_feedback_policy($1, 'trace_v0', $2::int4)", &[&self.project, &REVIEWED_PERCENT])?;
        for person in &PEOPLE {
            let data = json!({
                "user_id": person.user_id,
                "hourly_rate": person.hourly_rate,
                "qualified_task_types": [person.task_type()],
                "qualified_segment_types": person.cell_types(types),
            });
            self.client.execute("select create_user($1, $2)", &[&self.project, &data])?;
            if person.role == Role::Novice {
                let policy = "select set_feedback_policy($1, 'trace_v0', 100, $2)";
                self.client.execute(policy, &[&self.project, &person.user_id])?;
            }
        }
        Ok(())
    }

    /// Looks before it leaps.
    fn create_traces(&mut self, cell_type: &str, cells: &Cells) -> Result<()> {
        let number = cells.cells.iter().filter(|cell| cell.cell_type == cell_type).count();
        let filters = json!({"expected_segment_type": cell_type, "batch": self.project});
        for is_dry_run in [true, false] {
            let options = json!({"dry_run": is_dry_run, "batch_id": cell_type});
            let call = "select create_trace_tasks($1, $2, $3)";
            let report: Value = self.client.query_one(call, &[&self.project, &filters, &options])?.get(0);
            let told = (&report["segments_found"], &report["tasks_created"]);
            let created = if is_dry_run { 0 } else { number };
            ensure!(told == (&json!(number), &json!(created)), "create_trace_tasks says {report}");
        }
        Ok(())
    }

    /// The trace in which the novice will forget ends, which has enough of them.
    fn assign_to_novice(&mut self, traces: &[Trace]) -> Result<()> {
        let novice = PEOPLE.iter().find(|person| person.role == Role::Novice);
        let trace = traces.iter().find(|trace| trace.outcome == Outcome::Done && trace.number_of_ends() >= ENOUGH_ENDS);
        let (Some(novice), Some(trace)) = (novice, trace) else { return Ok(()) };
        self.client.execute(
            "select assign_task($1, task_id, $3)
            from task_mgmt.tasks
            where project_name = $1 and segment_seed_id = $2::text::numeric",
            &[&self.project, &trace.cell.seed_id.to_string(), &novice.user_id],
        )?;
        Ok(())
    }

    /// Calls a function that takes the project and `data`, and returns JSON, a number or a text.
    fn call(&mut self, function: &str, data: &Value) -> Result<Value> {
        let call = format!("select to_jsonb({function}($1, $2))");
        Ok(self.client.query_one(&call, &[&self.project, data])?.get(0))
    }
}
