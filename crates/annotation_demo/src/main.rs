//! The annotation domain on real neurons: segments, seeds and ends come from skeletons; annotators trace them, reviewers judge
//! the traces, a program measures what is done. Then the ends in the database are compared with those of the skeletons.
//! Ends with what a manager sees.

mod volume;

mod cells;
mod swc;

mod people;
mod review;
mod trace;

mod desk;
mod setup;
mod shift;
mod state;

mod checks;
mod picture;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use clap::Parser;
use task_mgmt_server::database::Database;

use crate::cells::{Cell, Cells};
use crate::trace::Trace;
use crate::volume::{MICROMETRE, NO_SEGMENTATION, Volume};

/// Where scripts/neurons puts skeletons, from the top of the checkout.
const FETCHED: &str = "target/neurons";

/// Annotators trace real neurons through task_mgmt, then the end points are compared with the skeletons.
///
/// PGHOST, PGPORT, PGUSER and PGDATABASE name the server. The database of the demo on it is replaced.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Take the .swc files in this folder instead of those that scripts/neurons has fetched, and in the folders in it, which name the types of cells
    #[arg(long, value_name = "DIR")]
    swc: Option<PathBuf>,
    /// How many nanometres one is in these files
    #[arg(long, value_name = "NM", default_value_t = MICROMETRE, requires = "swc")]
    unit: f64,
    /// The voxels of the project, in nanometres
    #[arg(long, num_args = 3, value_names = ["X", "Y", "Z"], default_values_t = [8.0, 8.0, 8.0], requires = "swc")]
    resolution: Vec<f64>,
    /// The segmentation that links are to show
    #[arg(long, value_name = "PATH", default_value = NO_SEGMENTATION, requires = "swc")]
    segmentation: String,
    /// The database that is made
    #[arg(long, value_name = "NAME", default_value = "demo_annotation")]
    database: String,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut volumes = Vec::new();
    for volume in options.volumes()? {
        heading(&format!("The skeletons of {}", volume.project));
        if !volume.attribution.is_empty() {
            println!("{}", volume.attribution);
        }
        let cells = Cells::read(&volume)?;
        describe(&cells, &volume);
        volumes.push((volume, cells));
    }
    let database = Database::create("task_mgmt_annotation_demo", &options.database)?;
    for (volume, cells) in &volumes {
        run(&database, volume, cells)?;
    }
    Ok(())
}

impl Options {
    fn volumes(&self) -> Result<Vec<Volume>> {
        let Some(folder) = &self.swc else { return Ok(volume::fetched(Path::new(FETCHED))) };
        let resolution = self.resolution.iter().copied().chain([self.unit]);
        ensure!(resolution.clone().all(|size| size.is_finite() && size > 0.0), "sizes are positive numbers");
        let [x, y, z] = self.resolution[..] else { bail!("--resolution takes three numbers") };
        Ok(vec![Volume {
            project: "swc",
            description: format!("The skeletons in {}", folder.display()),
            folder: folder.clone(),
            resolution: [x, y, z],
            unit: self.unit,
            segmentation_path: self.segmentation.clone(),
            attribution: "",
        }])
    }
}

/// Everything that happens in one project.
fn run(database: &Database, volume: &Volume, cells: &Cells) -> Result<()> {
    let project = volume.project;
    heading(&format!("Setting up the project {project}"));
    let traces = Trace::plan(&cells.cells);
    setup::set_up(database, volume, cells, &traces)?;
    let script = |text: &str| database.psql(&format!("\\set ON_ERROR_STOP on\n\\set project {project}\n{text}"));
    script(include_str!("../sql/before.sql"))?;

    heading(&format!("Working in {project}"));
    let begin = Instant::now();
    let report = shift::work(database, project, &traces)?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{} tasks completed in {seconds:.1} s, {} attempts refused", report.completed, report.refused);

    heading(&format!("Checking {project}"));
    checks::check(database, project, &traces, &report)?;

    heading(&format!("What the manager of {project} sees"));
    script(include_str!("../sql/after.sql"))?;
    checks::check_correction(database, project, &report)?;
    if let Some(cell) = cells.cells.iter().max_by_key(|cell| cell.piece.nodes.len()) {
        println!("\n{} ({}):\n{}", cell.seed_id, cell.cell_type, picture::draw(&cell.piece));
    }
    Ok(())
}

fn heading(text: &str) {
    println!("\n== {text}");
}

fn describe(cells: &Cells, volume: &Volume) {
    const SHOWN: usize = 12;
    let all = &cells.cells;
    let (pieces, types, left_out) = (all.len(), cells.types().len(), cells.left_out.len());
    println!("pieces of skeletons: {pieces}, types of cells: {types}, files left out: {left_out}");
    for Cell { seed_id, cell_type, file, piece } in all.iter().take(SHOWN) {
        let millimetres = piece.length(volume.resolution) / 1e6;
        println!(
            "{cell_type}, {file}: segment {seed_id}, {} nodes, {} branch points, {} ends, {millimetres:.3} mm",
            piece.nodes.len(),
            piece.branch_points(),
            piece.ends().len(),
        );
    }
    if all.len() > SHOWN {
        println!("and {} more", all.len() - SHOWN);
    }
}
