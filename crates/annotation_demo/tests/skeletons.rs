//! The demo from beginning to end on skeletons made here: those that are in order, and those that nobody would want.
//! PGHOST, PGPORT, PGUSER and PGDATABASE lead to the server.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of its own below the target folder, empty at first.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn write(folder: &Path, file: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A trunk with a branch at each of its nodes.
fn comb(teeth: usize) -> String {
    let tooth = |tooth: usize| {
        let (node, above) = (2 * tooth + 1, if tooth == 0 { -1 } else { 2 * tooth as i64 - 1 });
        format!("{node} 0 {tooth}.1 0.25 -{tooth}e-1 1 {above}\n{} 6 {tooth}.1 7.3 {tooth} 1 {node}\n", node + 1)
    };
    (0..teeth).map(tooth).collect()
}

fn demo(folder: &Path, database: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_task_mgmt_annotation_demo"))
        .arg("--swc")
        .arg(folder)
        .args(["--database", database])
        .args(arguments)
        .output()
        .unwrap()
}

/// What a demo that ends well has printed.
fn shown(output: Output) -> String {
    let (shown, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{shown}\n{errors}");
    assert!(!errors.contains("ERROR"), "{errors}");
    shown.into_owned()
}

fn assert_shows(shown: &str, texts: &[&str]) {
    for text in texts {
        assert!(shown.contains(text), "{text} is not in\n{shown}");
    }
}

#[test]
fn every_end_of_every_skeleton_is_found() {
    let folder = folder("several_types");
    for (file, teeth) in
        [("basket/10.swc", 40), ("basket/11.swc", 3), ("granule/a.swc", 12), ("golgi/b.swc", 25), ("golgi/c.swc", 9)]
    {
        write(&folder, file, comb(teeth));
    }
    write(&folder, "18446744073709551615.swc", comb(2));
    let shown = shown(demo(&folder, "demo_several_types", &["--unit", "100", "--resolution", "4", "4", "40"]));
    assert_shows(
        &shown,
        &[
            "pieces of skeletons: 6, types of cells: 4, files left out: 0",
            "several_types, 18446744073709551615.swc: segment 18446744073709551615, 4 nodes",
            "create_trace_tasks: 6 traces for 4 types of cells, as the dry runs said",
            "Root Location must have exactly 1 annotation, found 0",
            "Status 'cant_continue' requires at least 1 uncertain end, found 0",
            "Segmentation layer must have exactly 1 visible segment, found 2",
            "Insufficient certain end count for a complete neuron",
            "all 91 ends of 6 skeletons are in the database and in the states, to the last bit",
            "4 of 40 ends missing, 0 wrong",
            "task_mgmt.check_invariants() finds nothing",
            "https://spelunker.cave-explorer.org/#!",
        ],
    );
}

#[test]
fn hostile_files_are_read_or_left_out() {
    let folder = folder("hostile");
    write(&folder, "alone.swc", "1 1 1 2 3 1 -1");
    write(
        &folder,
        "roots.SWC",
        "# two\r\n1 1 0 0 0 1 -1\r\n2 1 1 0 0 1 1\r\n3 1 0 0 0 1 -1\r\n4 1 5 0 0 1 3\r\n5 1 5 1 0 1 3\r\n",
    );
    write(&folder, "orphan.swc", "5 1 0 0 0 1 4\n6 1 1 1 1 1 5\n7 1 1 1 1 1 5");
    write(&folder, "huge.swc", "1 1 -1e305 0 0 1 -1\n2 1 1e305 1e-320 1 1 1\n3 1 1e305 -0.0 1 nan 1");
    write(&folder, "scientific.swc", "1.0e+00 1 1e1 2E-1 -3.5e0 1 -1.0e+00\n2.0e+00 1 1e2 .5 0 1 1.0e+00");
    write(
        &folder,
        "comment.swc",
        b"# \xff\xfe no text \xe9\n1 1 0 0 0 1 -1 # root\n2 1 1 1 1 1 1 8 9\n3 1 2 2 2 1 1\n",
    );
    write(&folder, "'; drop table x; --/quote'\"s\\.swc", comb(3));
    write(&folder, "cycle.swc", "1 1 0 0 0 1 3\n2 1 0 0 0 1 1\n3 1 0 0 0 1 2");
    write(&folder, "empty.swc", "");
    write(&folder, "header.swc", "# nothing else");
    write(&folder, "twice.swc", "1 1 0 0 0 1 -1\n1 1 0 0 0 1 -1");
    write(&folder, "infinite.swc", "1 1 inf 0 0 1 -1");
    write(&folder, "too_huge.swc", "1 1 1e308 0 0 1 -1");
    write(&folder, "short.swc", "1 1 0 0 0");
    write(&folder, "binary.swc", [0u8, 159, 146, 150, 10, 0, 1, 2]);
    write(&folder, "control\u{7}/a.swc", comb(2));
    write(&folder, "notes.txt", "no skeleton");
    fs::create_dir(folder.join("folder.swc")).unwrap();

    let shown = shown(demo(&folder, "demo_hostile", &[]));
    assert_shows(
        &shown,
        &[
            "pieces of skeletons: 8, types of cells: 2, files left out: 9",
            "cycle.swc: 3 of its 3 nodes hang on a cycle, and on no root",
            "empty.swc: it has no nodes",
            "header.swc: it has no nodes",
            "twice.swc: there are two nodes 1 (line 2)",
            "infinite.swc: line 1, \"1 1 inf 0 0 1 -1\": inf is too large or no number",
            "too_huge.swc: line 1",
            "short.swc: line 1, \"1 1 0 0 0\": it has 5 of the seven columns",
            "binary.swc: line 1",
            "the name of its folder must not contain control characters",
            "all 14 ends of 8 skeletons are in the database and in the states, to the last bit",
        ],
    );
}

#[test]
fn without_skeletons_it_says_so() {
    let folder = folder("nothing");
    for (place, reason) in [(folder.clone(), "has no skeletons"), (folder.join("none"), "cannot read the folder")] {
        let output = demo(&place, "demo_nothing", &[]);
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains(reason));
    }
    write(&folder, "a.swc", comb(2));
    for size in [["--unit", "0"], ["--unit", "nan"]] {
        let output = demo(&folder, "demo_nothing", &size);
        assert!(String::from_utf8_lossy(&output.stderr).contains("sizes are positive numbers"));
    }
}
