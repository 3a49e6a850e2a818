//! The programs in `examples` run as a reader would type them, with nothing prepared, and print what a reader wants to
//! see.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs an example, and gives what it printed.
fn run(example: &str) -> String {
    let ran = Command::new(built(example)).output().unwrap();
    let (out, err) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    assert!(ran.status.success(), "{example}\n{out}{err}");
    out
}

/// The program of an example, which `cargo test` builds beside the tests. Where this test alone was asked for, nobody
/// built it, or only its last version: then Cargo does so now.
fn built(example: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples").join(example);
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modified = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    if modified(&program) < modified(&project.join(format!("examples/{example}.rs"))) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked", "--example", example]).current_dir(project);
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success(), "{example} does not build");
    }
    program
}

#[track_caller]
fn assert_says(out: &str, lines: &[&str]) {
    for line in lines {
        assert!(out.lines().any(|said| said.trim() == *line), "no line {line:?} in\n{out}");
    }
}

#[test]
fn a_partners_day() {
    let out = run("partner_day");
    assert!(out.contains("refused: Lindelaan 10 t/m 14, 1012 JV Amsterdam: "), "{out}");
    assert_says(&out, &["2 flagged, 2 to deliver", "1012JS|1|A: stacked, 3 or more"]);
    assert_says(&out, &["1012JT|3|BIS: below the threshold, which may be nobody else"]);
    assert_says(&out, &["news: 1012JS|1|A is stacked, 3 or more"]);
}

#[test]
fn a_broker_in_one_process() {
    let out = run("broker");
    assert_says(&out, &["4 messages handled", "partner 1: 2 flags held, 2 released", "partner 3 is done"]);
}

#[test]
fn a_log_is_verified() {
    let out = run("verify_log");
    assert!(out.contains("is in the log of") && out.contains("[log_altered]"), "{out}");
}
