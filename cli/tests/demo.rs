//! `stapel demo` as a user runs it: its numbers, its text and its errors.

#![allow(clippy::print_stdout)] // Says what was left out.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

fn demo(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stapel"));
    // A month of messages waits for the disk thousands of times, and nothing here is about the disk.
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() {
        command.env("TMPDIR", memory);
    }
    command.arg("demo").args(arguments).output().unwrap()
}

/// What `--json` prints: one object on one line, and nothing on standard error.
fn object(arguments: &[&str]) -> Value {
    let output = demo(&[arguments, &["--json"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}{text}");
    assert_eq!((text.lines().count(), errors.as_str()), (1, ""));
    serde_json::from_str(&text).unwrap()
}

fn number(object: &Value, pointer: &str) -> u64 {
    object.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("no number at {pointer} in {object}"))
}

/// What holds for any town: nothing differs, nothing was found, and the numbers fit one another.
fn assert_sound(object: &Value) {
    assert_eq!((number(object, "/mismatches"), number(object, "/leaks")), (0, 0), "{object}");
    assert_eq!((number(object, "/partners"), number(object, "/organisations")), (5, 4));
    let heights = |name: &str| {
        let stacks = object.get(name).and_then(Value::as_object).unwrap();
        assert_eq!(stacks.keys().collect::<Vec<_>>(), ["1", "2", "3", "4"], "{object}");
        stacks
            .iter()
            .map(|(height, count)| (height.parse::<u64>().unwrap(), count.as_u64().unwrap()))
            .collect::<Vec<_>>()
    };
    let stacked = heights("stacked");
    heights("stacked_numbers");
    let homes: u64 = stacked.iter().map(|(_, count)| count).sum();
    let organisations_flags: u64 = stacked.iter().map(|(height, count)| height * count).sum();
    assert!(homes < number(object, "/addresses"));
    // The municipality has two systems, whose flags on one home count once.
    let flags = number(object, "/flags");
    assert!(flags > organisations_flags && flags < 2 * organisations_flags, "{flags} {organisations_flags}");
    // Every partner asks about all its own flags, three times in whole.
    assert!(number(object, "/standings_checked") > 2 * flags, "{object}");
    // Full sets alone are 16 bytes a flag, homes and house numbers.
    assert!(number(object, "/bytes/sent") > 16 * (flags + number(object, "/number_flags")), "{object}");
    assert!(number(object, "/searched/bytes") > number(object, "/bytes/returned"));
    assert!(number(object, "/messages") >= 400 && number(object, "/releases") >= 30, "{object}");
    assert_month(object);
    assert!(object.pointer("/seconds/total").and_then(Value::as_f64).unwrap() > 0.0);
}

/// Of the month after hits: who put forward was introduced, in time, and conversations came to an end.
fn assert_month(object: &Value) {
    let month = |name: &str| number(object, &format!("/after_a_hit/{name}"));
    assert_eq!(month("days"), 28);
    assert!(month("flags") > 80 && month("stacked") > 20, "{object}");
    assert!(month("addresses") > 10 && month("addresses") <= month("put_forward"), "{object}");
    assert!(month("introduced") > month("addresses") && month("asked") > 10, "{object}");
    assert!((1..=8).contains(&month("longest_wait_days")), "{object}");
    let outcomes = object.pointer("/after_a_hit/outcomes").and_then(Value::as_object).unwrap();
    let ended: u64 = outcomes.values().filter_map(Value::as_u64).sum();
    assert!(outcomes.len() >= 3 && ended > 5 && ended <= month("addresses") + 1, "{object}");
    // Each introduction to the coordinator brings it a note with the address, each decision some more.
    assert!(month("notes") > month("introduced"), "{object}");
}

#[test]
fn a_made_town() {
    let object = object(&["--addresses", "300"]);
    assert_sound(&object);
    assert_eq!((number(&object, "/addresses"), number(&object, "/refused/rows")), (300, 0));
}

#[test]
fn the_smallest_town_and_another_seed() {
    for seed in ["2", "3"] {
        assert_sound(&object(&["--addresses", "100", "--seed", seed]));
    }
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    let [one, two, other] = ["5", "5", "6"].map(|seed| {
        let mut object = object(&["--addresses", "200", "--seed", seed]);
        let all = object.as_object_mut().unwrap();
        all.retain(|name, _| !["seconds", "bytes", "searched", "seed"].contains(&name.as_str()));
        object
    });
    assert_eq!(one, two);
    assert_ne!(one, other);
}

#[test]
fn the_text_tells_every_phase() {
    let output = demo(&["--addresses", "400"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for phrase in [
        "1. The town",
        "somebody put it forward: answer by 2027-02-21",
        "introduced to coordinator",
        "decides: the police lead, again on 3 March",
        "writes how it ended: taken up together",
        "12. A month after hits",
        "13. The checks",
        "no own flag",
        "below threshold",
        "stacked: 2",
        "3 or more",
        "the same receipt again",
        "stale",
        "bad_signature",
        "malformed",
        "over_budget",
        "flagged until 2027-06-30",
        "Different: 0.",
        "Found: 0.",
        "as it should be",
    ] {
        assert!(text.contains(phrase), "no {phrase:?} in {text}");
    }
    assert!(!text.contains("NOT") && !text.contains('\x1b') && text.lines().all(|line| line == line.trim_end()));
}

#[test]
fn the_register_of_weesp() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/bag_weesp.tsv");
    if !path.exists() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must have the register at {}", path.display());
        println!("left out: no register at {}", path.display());
        return;
    }
    let object = object(&["--register", path.to_str().unwrap()]);
    assert_sound(&object);
    assert_eq!(object["town"], "Weesp");
    assert_eq!((number(&object, "/rows"), number(&object, "/refused/rows")), (12_034, 108));
    assert_eq!(number(&object, "/addresses") + number(&object, "/rows_of_known_addresses"), 12_034 - 108);
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let not_a_register = format!("{folder}/Cargo.toml");
    for (arguments, phrase) in [
        (vec!["--register", "no-such-file.tsv"], "no-such-file.tsv"),
        (vec!["--register", &not_a_register], "names no column street"),
        (vec!["--addresses", "99"], "99"),
        (vec!["--keep", folder], "is not empty"),
    ] {
        let output = demo(&arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && output.stdout.is_empty() && errors.contains(phrase),
            "{arguments:?}: {errors}"
        );
    }
}
