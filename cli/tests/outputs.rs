//! Files that commands write: none takes the place of what a person may need, and a command that wrote nothing leaves
//! nothing that is in the way of the next.

use crate::common::{Desk, text};
use crate::consortium::{BY, consortium};

const OPERATOR: &str = "broker init --dir b --name B --oin 00000099000000009000 --log-origin stapel.example/z";
const SECRET: &str = "keygen secret --purpose zorg --epoch 2";
const POLICY: &str = "keygen policy --organisation politie --name P --oin 00000099000000001000 --contact c";
const PARTNER: &str = "partner init --number 1 --name P --organisation politie --legal-basis-flag Wet";

/// What is said on standard error by a command that must do nothing.
fn refused(desk: &Desk, line: &str) -> String {
    let output = desk.run(line, &[], b"");
    let error = text(&output.stderr);
    assert!([Some(1), Some(2)].contains(&output.status.code()), "stapel {line}\n{error}");
    error
}

#[test]
fn an_enrolment_takes_the_place_of_no_file() {
    let desk = Desk::new();
    desk.stapel("sandbox --dir s");
    let key = desk.read("s/partner/partner.key");
    let said = refused(&desk, "partner keys --dir s/partner --epoch 1 --enrolment s/partner/partner.key");
    assert!(said.contains("s/partner/partner.key is there already"), "{said}");
    assert_eq!(desk.read("s/partner/partner.key"), key);
    // What the command itself is about to write is no place for it either, and one name is not given twice.
    std::fs::create_dir(desk.path("p")).unwrap();
    std::fs::create_dir(desk.path("k")).unwrap();
    for line in [
        format!("{POLICY} --out x --enrolment x"),
        format!("{POLICY} --out x --enrolment ./x"),
        format!("{SECRET} --out x --enrolment x"),
        format!("{SECRET} --out x --parts 2 --enrolment x.1"),
        format!("{PARTNER} --dir p --enrolment p/partner.key"),
        format!("{PARTNER} --dir p --enrolment p/journal.key"),
        format!("{OPERATOR} --keys k --enrolment k/signing.key"),
        format!("{OPERATOR} --keys k --enrolment k/checkpoint.key"),
    ] {
        let said = refused(&desk, &line);
        assert!(!said.contains("left as it was"), "it was not there: {line}\n{said}");
        let left = [desk.list("."), desk.list("p"), desk.list("k")].concat();
        assert_eq!(left, ["k", "p", "s"], "{line}\n{said}");
    }
}

#[test]
fn nothing_is_drawn_where_its_enrolment_cannot_be_written() {
    let desk = Desk::new();
    for line in [
        format!("{POLICY} --out k"),
        format!("{SECRET} --out k"),
        format!("{SECRET} --out k --parts 3"),
        format!("{PARTNER} --dir k"),
        format!("{OPERATOR} --keys k"),
    ] {
        let said = refused(&desk, &format!("{line} --enrolment none/enrolment.toml"));
        assert!(said.contains("none/enrolment.toml") && said.ends_with("[io]\n"), "{said}");
        assert!(desk.list(".").is_empty(), "{line} left {:?}", desk.list("."));
        // It can be repeated as it was meant.
        desk.stapel(&format!("{line} --enrolment enrolment.toml"));
        for made in desk.list(".") {
            let path = desk.path(&made);
            if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.unwrap();
        }
    }
}

#[test]
fn keys_are_drawn_for_no_enrolment_that_cannot_be_written() {
    let desk = Desk::new();
    desk.stapel("sandbox --dir s");
    let before = desk.list("s/partner");
    // Whoever waits for a folder leaves a file of its own there.
    let said = refused(&desk, "partner keys --dir s/partner --wait 0 --epoch 2 --enrolment none/keys.toml");
    assert!(said.contains("none/keys.toml"), "{said}");
    assert_eq!(desk.list("s/partner"), before);
}

/// A character that is not seen is refused with whose text has it.
#[test]
fn a_text_that_cannot_be_enrolled_is_named() {
    let desk = Desk::new();
    for (option, key) in [("--name", "organisation.name"), ("--contact", "organisation.contact")] {
        let more = ["--out", "key", "--enrolment", "e.toml", option, "a\u{202e}b"];
        let words = POLICY.replace(if option == "--name" { " --name P" } else { " --contact c" }, "");
        let output = desk.run(&words, &more, b"");
        let err = text(&output.stderr);
        assert!(output.status.code() == Some(1) && err.contains(&format!("{key}: the character \\u{{202e}}")), "{err}");
        assert!(!desk.path("key").exists() && !desk.path("e.toml").exists());
    }
}

/// What is no file, and is written to as if it were one: a pipe, a folder, and links to them and to a file.
#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_not_replaced() {
    use std::fs;
    use std::os::unix::fs::symlink;
    let desk = Desk::new();
    desk.stapel("sandbox --dir s");
    desk.write("file", "mine");
    fs::create_dir(desk.path("folder")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(desk.path("pipe")).status().unwrap().success());
    for (name, to) in [("to-pipe", "pipe"), ("to-folder", "folder"), ("to-file", "file"), ("to-nothing", "nothing")] {
        symlink(to, desk.path(name)).unwrap();
    }
    let kind = |name: &str| fs::symlink_metadata(desk.path(name)).unwrap().file_type();
    for name in ["pipe", "folder", "to-pipe", "to-folder", "to-file", "to-nothing"] {
        let before = kind(name);
        for line in [
            format!("broker log --dir s/broker --checkpoints cp --out {name}"),
            format!("partner flag --dir s/partner --actor a --case Z-1 s/addresses.csv --refused {name}"),
            format!("register build s/addresses.csv --date 2026-11-01 --out {name}"),
        ] {
            let output = desk.run(&line, &[], b"");
            let said = text(&output.stderr);
            assert_ne!(output.status.code(), Some(0), "{line}\n{said}");
            assert!(kind(name) == before && desk.read("file") == b"mine", "{line}\n{said}");
            let is_told = said.contains("[not_a_file]") || kind(name).is_dir() || name == "to-folder";
            assert!(said.contains(name) && is_told, "{line}\n{said}");
        }
    }
    assert!(!desk.path("nothing").exists());
    // A file is replaced, as it says.
    desk.stapel("broker log --dir s/broker --checkpoints cp --out file");
    assert_ne!(desk.read("file"), b"mine");
}

/// With a name typed wrong no key goes, and a folder is not taken for another's.
#[test]
fn no_key_and_no_policy_is_written_over_by_a_table() {
    let desk = consortium();
    desk.write("bad.csv", "adres\nDam\n");
    let before = desk.read("politie/epoch-1.secret");
    let line =
        format!("partner flag --dir politie {BY} --now 2026-12-01T09:00:00Z --refused politie/epoch-1.secret bad.csv");
    assert_eq!(desk.code(&line), "out_file");
    assert_eq!(desk.read("politie/epoch-1.secret"), before);
    // The table of refused rows itself is written anew.
    for _ in 0..2 {
        let line = format!("partner flag --dir politie {BY} --now 2026-12-01T09:00:00Z --refused refused.csv bad.csv");
        assert_eq!(desk.run(&line, &[], b"").status.code(), Some(3));
    }
    let asked = desk.run("broker status --dir politie", &[], b"");
    let err = text(&asked.stderr);
    assert!(err.contains("politie is a partner's folder and no broker's: name the broker's"), "{err}");
    assert_eq!(desk.code("broker init --dir politie"), "broker_folder");
    assert!(!desk.path("politie/keys").exists());
}

/// A letter to some organisations alone would tell who flags: where one cannot be written, none is left, and the
/// command can be given again.
#[cfg(unix)]
#[test]
fn where_one_letter_cannot_be_written_none_is_left() {
    let desk = consortium();
    desk.stapel("policy letters policy.toml --out all");
    let longest = desk.list("all").iter().map(|name| desk.read(&format!("all/{name}")).len()).max().unwrap();
    assert!(longest > 512, "a file of so much cannot be written below");
    let line =
        format!("trap '' XFSZ; ulimit -f 1; {} policy letters policy.toml --out some", env!("CARGO_BIN_EXE_stapel"));
    let output = std::process::Command::new("sh").args(["-c", &line]).current_dir(desk.path("")).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(!desk.path("some").exists());
    desk.stapel("policy letters policy.toml --out some");
}
