//! The programs in `examples` run as a reader would type them, with nothing prepared, and print what their pages say.

use std::process::Command;

/// Runs an example, and gives what it printed.
fn run(example: &str) -> String {
    let cargo = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--locked", "--package", "stapel", "--example", example])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8(cargo.stdout).unwrap(), String::from_utf8(cargo.stderr).unwrap());
    assert!(cargo.status.success(), "{example}\n{out}{err}");
    out
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
    assert_says(&out, &["2 flagged, 2 to deliver", "1012JS|1|A: Stacked(Count(3))", "1012JT|3|BIS: BelowThreshold"]);
    assert_says(&out, &["news of 1012JS|1|A: NewlyStacked(Count(3))"]);
}

#[test]
fn a_broker_in_one_process() {
    let out = run("broker");
    assert_says(&out, &["3 messages handled", "partner 1: 2 flags held, 2 released", "partner 3 is done"]);
}

#[test]
fn a_log_is_verified() {
    let out = run("verify_log");
    assert!(out.contains("is in the log of") && out.contains("[log_altered]"), "{out}");
}
