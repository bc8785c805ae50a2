//! The cells of a volume: every piece of every skeleton becomes a segment, and the folder of the file names its type.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use task_mgmt_core::arguments::check_name;

use crate::swc::{self, Piece};
use crate::volume::Volume;

/// A piece of a skeleton, with the id that it has as a segment.
#[derive(Debug)]
pub struct Cell {
    pub seed_id: u64,
    pub cell_type: String,
    pub file: String,
    pub piece: Piece,
}

#[derive(Debug)]
pub struct Cells {
    /// In the order of their types and files.
    pub cells: Vec<Cell>,
    /// Files that are not skeletons, and why.
    pub left_out: Vec<(PathBuf, String)>,
}

impl Cells {
    /// Reads the `.swc` files in the volume's folder, which are cells of the type that it is named by, and in the folders in it.
    /// What is no skeleton is left out; errors: there is nothing else.
    pub fn read(volume: &Volume) -> Result<Self> {
        let mut files = Vec::new();
        for folder in folders(&volume.folder)? {
            let cell_type = name(&folder);
            files.extend(skeletons(&folder)?.into_iter().map(|file| (cell_type.clone(), file)));
        }
        let (mut read, mut left_out) = (Vec::new(), Vec::new());
        for (cell_type, file) in files {
            match pieces(volume, &cell_type, &file) {
                Ok(pieces) => read.push((cell_type, file, pieces)),
                Err(reason) => left_out.push((file, format!("{reason:#}"))),
            }
        }
        for (file, reason) in &left_out {
            println!("left out: {}: {reason}", file.display());
        }
        ensure!(!read.is_empty(), "{} has no skeletons: no file NAME.swc that can be read", volume.folder.display());
        Ok(Self { cells: with_ids(read), left_out })
    }

    /// Without repetition, in order.
    pub fn types(&self) -> Vec<&str> {
        let types: BTreeSet<&str> = self.cells.iter().map(|cell| cell.cell_type.as_str()).collect();
        types.into_iter().collect()
    }
}

/// A file that is named by the number of a body, as exports from a volume are, is that segment; all others are numbered.
/// The volume itself is not at hand, so the number of the body also stands for the supervoxel at its seed.
fn with_ids(read: Vec<(String, PathBuf, Vec<Piece>)>) -> Vec<Cell> {
    let body = |file: &Path| file.file_stem()?.to_str()?.parse::<u64>().ok().filter(|id| *id > 0);
    let mut taken = HashSet::new();
    let bodies: Vec<Option<u64>> = read.iter().map(|(_, file, _)| body(file).filter(|id| taken.insert(*id))).collect();
    let mut free = (1..).filter(|id| !taken.contains(id));
    let mut cells = Vec::new();
    for ((cell_type, file, pieces), mut body) in read.into_iter().zip(bodies) {
        let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for piece in pieces {
            let seed_id = body.take().or_else(|| free.next()).unwrap_or_default();
            cells.push(Cell { seed_id, cell_type: cell_type.clone(), file: file.clone(), piece });
        }
    }
    cells
}

fn pieces(volume: &Volume, cell_type: &str, file: &Path) -> Result<Vec<Piece>> {
    check_name("the name of its folder", cell_type)?;
    // Comments may be in any encoding.
    let text = String::from_utf8_lossy(&fs::read(file)?).into_owned();
    swc::read(&text, volume.scale())
}

/// The folder and those in it.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = entries(folder)?.into_iter().filter(|path| path.is_dir()).collect();
    folders.insert(0, fs::canonicalize(folder)?);
    Ok(folders)
}

fn skeletons(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_skeleton = |path: &PathBuf| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("swc"));
    Ok(entries(folder)?.into_iter().filter(|path| path.is_file() && is_skeleton(path)).collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(files: &[(&str, usize)]) -> Vec<u64> {
        let piece = || Piece { nodes: vec![[0.0; 3]], parents: vec![0] };
        let read = files.iter().map(|(file, pieces)| {
            ("t".into(), PathBuf::from(file), std::iter::repeat_with(piece).take(*pieces).collect())
        });
        with_ids(read.collect()).iter().map(|cell| cell.seed_id).collect()
    }

    #[test]
    fn a_file_may_be_named_by_its_segment() {
        assert_eq!(ids(&[("18446744073709551615.swc", 1), ("722817260.swc", 1)]), [u64::MAX, 722_817_260]);
    }

    #[test]
    fn other_segments_are_numbered_around_them() {
        assert_eq!(ids(&[("a.swc", 2), ("2.swc", 2), ("0.swc", 1), ("-5.swc", 1)]), [1, 3, 2, 4, 5, 6]);
    }

    #[test]
    fn two_files_of_a_number_are_two_segments() {
        assert_eq!(ids(&[("a/7.swc", 1), ("b/7.swc", 1), ("b/18446744073709551616.swc", 1)]), [7, 1, 2]);
    }
}
