//! Where skeletons come from: volumes with the cells that somebody has traced in them. Each becomes a project.

use std::path::{Path, PathBuf};

use task_mgmt_core::neuroglancer::Point;

/// A volume, and a folder with skeletons of its cells.
#[derive(Clone, Debug)]
pub struct Volume {
    pub project: &'static str,
    pub description: String,
    pub folder: PathBuf,
    /// Nanometres of a voxel, along each axis.
    pub resolution: Point,
    /// Nanometres of one in a file.
    pub unit: f64,
    pub segmentation_path: String,
    /// What whoever shows these data is to say.
    pub attribution: &'static str,
}

/// Stands where a link needs the path of a segmentation, and there is none.
pub const NO_SEGMENTATION: &str = "precomputed://no-segmentation";
/// Files in the SWC format give micrometres unless they say otherwise.
pub const MICROMETRE: f64 = 1000.0;

/// What scripts/neurons has put into a folder.
pub fn fetched(folder: &Path) -> Vec<Volume> {
    vec![
        Volume {
            project: "hemibrain",
            description: "Olfactory projection neurons of the fruit fly".into(),
            folder: folder.join("hemibrain"),
            resolution: [8.0; 3],
            unit: 8.0,
            segmentation_path: "precomputed://gs://neuroglancer-janelia-flyem-hemibrain/v1.2/segmentation".into(),
            attribution: "Janelia hemibrain v1.2, CC BY: Scheffer et al. 2020, doi:10.7554/eLife.57443; the example \
                neurons of navis 1.12.0, GPL-3.0",
        },
        Volume {
            project: "cerebellum",
            description: "Cells of the cerebellum".into(),
            folder: folder.join("cerebellum"),
            resolution: [100.0; 3],
            unit: MICROMETRE,
            segmentation_path: NO_SEGMENTATION.into(),
            attribution: "Granule, Golgi, Purkinje, basket and stellate cell of dbbs-models 6.0.0, GPL-3.0: Masoli et al. \
                2015, doi:10.3389/fncel.2015.00047, and 2020, doi:10.1371/journal.pcbi.1007937 and \
                doi:10.1038/s42003-020-0953-x; Rizza et al. 2021, doi:10.1038/s41598-021-83209-w",
        },
    ]
}

impl Volume {
    /// What turns a coordinate of a file into voxels.
    pub fn scale(&self) -> Point {
        self.resolution.map(|nanometres| self.unit / nanometres)
    }
}
