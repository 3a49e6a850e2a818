//! What people and machines do wrong: a disk that is full, a copy that was broken off, a wrong folder, an odd name.

use std::fs;

use crate::common::{Desk, text};
use crate::consortium::{BY, PARTNERS, carry, consortium, deliver};

const DAYS: [&str; 3] = ["2026-12-01T09:00:00Z", "2026-12-02T09:00:00Z", "2026-12-03T09:00:00Z"];

const NOW: &str = "--now 2026-12-01T09:00:00Z";

/// The exit status of a command, and all that it says.
fn said(desk: &Desk, line: &str) -> (i32, String, String) {
    let output = desk.run(line, &[], b"");
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// Flags one address of the police, and writes its delivery.
fn delivery(desk: &Desk) -> String {
    desk.write("a.csv", "adres\n\"Dam 1, 1012 JS\"\n");
    desk.stapel(&format!("partner flag --dir politie {BY} a.csv {NOW}"));
    desk.stapel(&format!("partner deliver --dir politie {NOW}"));
    desk.delivery("politie/outbox")
}

#[cfg(unix)]
#[test]
fn a_name_steers_no_terminal_and_forges_no_line() {
    let desk = consortium();
    delivery(&desk);
    let name = "a\nstapel: all is well\u{1b}[2J.msg";
    desk.write(&format!("politie/outbox/{name}"), "nothing");
    fs::create_dir(desk.path(&format!("politie/outbox/b\u{202e}\n{name}"))).unwrap();
    let (_, out, err) = said(&desk, &format!("broker handle --dir broker politie/outbox {NOW}"));
    let (_, read, more) = said(&desk, &format!("partner read --dir politie {NOW}"));
    let missing = desk.run("policy check", &["no\nsuch\u{1b}.toml"], b"");
    for text in [&out, &err, &read, &more, &text(&missing.stderr)] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
        assert!(text.lines().all(|line| !line.starts_with("stapel: all is well")), "{text:?}");
    }
    assert!(out.contains("a\\nstapel: all is well\\u{1b}[2J.msg: unsigned rejection"), "{out}");
    assert!(err.contains("b\\u{202e}\\n"), "{err}");
    assert!(text(&missing.stderr).contains("no\\nsuch\\u{1b}.toml"));
}
