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

#[test]
fn an_export_that_was_broken_off_blames_nobody() {
    let desk = consortium();
    delivery(&desk);
    carry(&desk, "politie", DAYS[0]);
    desk.stapel(&format!("broker release --dir broker --now {}", DAYS[1]));
    desk.stapel("broker log --dir broker --out log.jsonl --checkpoints cps");
    let (old, covered) = (desk.read("log.jsonl"), desk.list("cps"));
    deliver(&desk, "fiscus", DAYS[1]);
    desk.stapel(&format!("broker release --dir broker --now {}", DAYS[2]));

    // The log cannot be written: no checkpoint comes that it does not have the lines of.
    assert_eq!(desk.code("broker log --dir broker --out missing/log.jsonl --checkpoints cps"), "io");
    assert_eq!(desk.list("cps"), covered);

    // Whoever has an older log than the checkpoint is told what that may be.
    desk.stapel("broker log --dir broker --out log.jsonl --checkpoints cps");
    assert!(desk.list("cps").len() > covered.len());
    desk.write("log.jsonl", old);
    let (status, _, err) = said(&desk, "audit verify --policy policy.toml --log log.jsonl --checkpoints cps");
    assert!(status == 1 && err.ends_with("[log_altered]\n"), "{err}");
    assert!(err.contains("the log is older than the checkpoint: export it again"), "{err}");
    assert!(!err.contains("was altered"), "{err}");
}

#[test]
fn a_reply_that_was_half_copied_says_what_to_do() {
    let desk = consortium();
    let reply = format!("{}.reply", delivery(&desk));
    let handle = format!("broker handle --dir broker politie/outbox {NOW}");
    desk.stapel(&handle);
    let whole = desk.read(&reply);
    for length in [0, 10, whole.len() / 2, whole.len() - 1] {
        desk.write(&reply, &whole[..length]);
        for line in [&handle, &format!("partner read --dir politie {NOW}")] {
            let (status, _, err) = said(&desk, line);
            assert_eq!(status, 1, "{length}: {err}");
            assert!(err.contains(&reply) && err.contains("take it away"), "{length}: {err}");
            assert!(err.contains("the broker gives it again when the message is handled again"), "{length}: {err}");
        }
    }
    fs::remove_file(desk.path(&reply)).unwrap();
    desk.stapel(&handle);
    assert_eq!(desk.read(&reply), whole);
    desk.stapel(&format!("partner read --dir politie {NOW}"));
    assert!(desk.list("politie/outbox").is_empty());
}

#[test]
fn a_reply_that_nobody_waits_for_is_said_once() {
    let desk = consortium();
    delivery(&desk);
    carry(&desk, "politie", DAYS[0]);
    for (folder, _) in &PARTNERS[1..] {
        desk.stapel(&format!("partner confirm --dir {folder} {NOW}"));
        carry(&desk, folder, DAYS[0]);
    }
    desk.stapel(&format!("broker release --dir broker --now {}", DAYS[1]));
    desk.stapel(&format!("partner ask --dir politie {BY} --own --now {}", DAYS[1]));
    desk.stapel(&format!("broker handle --dir broker politie/outbox --now {}", DAYS[1]));
    let mut replies = desk.list("politie/outbox").into_iter().filter(|name| name.ends_with(".reply"));
    let reply = format!("politie/outbox/{}", replies.next_back().unwrap());
    let answer = desk.read(&reply);
    // A path is what `ask` printed.
    desk.stapel(&format!("partner give-up --dir politie {} --now {}", reply.trim_end_matches(".reply"), DAYS[1]));
    desk.write(&reply, &answer);
    let read = format!("partner read --dir politie --now {}", DAYS[1]);
    let (status, out, err) = said(&desk, &read);
    assert_eq!(status, 0, "{out}{err}");
    assert!(err.contains(&reply) && err.contains("no longer waited for"), "{out}{err}");
    assert!(desk.list("politie/outbox").is_empty());
    assert_eq!(said(&desk, &read).2, "stapel: there is no reply to read\n");
    // One that another partner waits for is still a failure, and stays.
    desk.write("politie/outbox/theirs.reply", other_partners_reply(&desk));
    assert_eq!(desk.code(&read), "unexpected_reply");
    assert_eq!(desk.list("politie/outbox"), ["theirs.reply"]);
}

fn other_partners_reply(desk: &Desk) -> Vec<u8> {
    desk.stapel(&format!("partner confirm --dir fiscus --now {}", DAYS[1]));
    desk.stapel(&format!("broker handle --dir broker fiscus/outbox --now {}", DAYS[1]));
    desk.read(&format!("{}.reply", desk.delivery("fiscus/outbox")))
}

#[test]
fn give_up_takes_the_path_that_deliver_prints() {
    let desk = consortium();
    let path = delivery(&desk);
    let elsewhere = path.replace("politie/", "fiscus/");
    assert_eq!(desk.code(&format!("partner give-up --dir politie {elsewhere} {NOW}")), "no_such_message");
    desk.stapel(&format!("partner give-up --dir politie {path} {NOW}"));
    assert!(desk.list("politie/outbox").is_empty());
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

#[test]
fn a_wrong_folder_of_keys_is_said_and_nothing_is_to_be_taken_away() {
    let desk = consortium();
    delivery(&desk);
    let status = "partner status --dir politie --keys fiscus";
    let (code, _, err) = said(&desk, status);
    assert!(code == 1 && err.ends_with("[partner_folder]\n"), "{err}");
    assert!(err.contains("the keys in fiscus are not those of this folder"), "{err}");
    assert!(err.contains("--keys") && !err.contains("take it away"), "{err}");
    fs::rename(desk.path("politie/state.sealed"), desk.path("aside")).unwrap();
    let (_, _, err) = said(&desk, status);
    assert!(err.contains("another key sealed it: name the folder that has its keys (--keys"), "{err}");
    fs::rename(desk.path("aside"), desk.path("politie/state.sealed")).unwrap();
    // A state that was altered, under the right key, can be made again.
    desk.write("politie/state.sealed", "altered");
    private(&desk, "politie/state.sealed");
    let (_, _, err) = said(&desk, "partner status --dir politie");
    assert!(err.contains("state.sealed") && err.contains("take it away"), "{err}");
    // Nothing in an empty journal says whose key is wrong.
    let (_, _, err) = said(&desk, "partner status --dir gemeente --keys fiscus");
    assert!(err.contains("the keys in fiscus are not those of this folder") && !err.contains("take it"), "{err}");
}

#[cfg(unix)]
#[test]
fn what_was_done_and_could_not_be_said_has_a_status_of_its_own() {
    use std::fs::File;
    use std::process::Command;
    let desk = consortium();
    desk.write("a.csv", "adres\n\"Dam 1, 1012 JS\"\n");
    for line in [
        format!("partner flag --dir politie {BY} a.csv {NOW}"),
        format!("partner deliver --dir politie {NOW}"),
        format!("broker handle --dir broker politie/outbox {NOW}"),
        format!("broker release --dir broker {NOW}"),
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_stapel"));
        let output = command.current_dir(desk.path("")).args(line.split_whitespace()).stdout(full).output().unwrap();
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(74), "{line}: {err}");
        assert!(
            err.contains("what it did is done, and not all of it was said") && err.ends_with("[io]\n"),
            "{line}: {err}"
        );
    }
    assert!(fs::exists(desk.path(&format!("{}.reply", desk.delivery("politie/outbox")))).unwrap());
}

#[test]
fn a_strict_export_without_a_checkpoint_is_no_success() {
    let desk = consortium();
    desk.stapel("broker log --dir broker --out log.jsonl --checkpoints cps");
    let export = "audit export --ldv --policy policy.toml --log log.jsonl --activity https://a.example/1";
    assert_eq!(said(&desk, export).0, 0);
    assert_eq!(said(&desk, &format!("--strict {export}")).0, 3);
}

#[cfg(unix)]
#[test]
fn what_a_kill_left_in_an_outbox_is_swept() {
    let desk = consortium();
    delivery(&desk);
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3_700);
    for name in [".stapel-12-0.new", ".stapel-notes.new", ".stapel-12-0.newer"] {
        desk.write(&format!("politie/outbox/{name}"), "half");
        let file = fs::File::options().write(true).open(desk.path(&format!("politie/outbox/{name}"))).unwrap();
        file.set_modified(old).unwrap();
    }
    desk.write("politie/outbox/.stapel-13-0.new", "being written");
    desk.stapel(&format!("partner deliver --dir politie {NOW}"));
    let left = desk.list("politie/outbox");
    assert_eq!(left[..3], [".stapel-12-0.newer", ".stapel-13-0.new", ".stapel-notes.new"]);
}

#[test]
fn an_epoch_that_is_over_gets_no_new_flags_unsaid_and_no_new_keys() {
    let desk = consortium();
    desk.write("a.csv", "adres\n\"Dam 1, 1012 JS\"\n");
    let (last, over) = ("--now 2027-11-30T09:00:00Z", "--now 2027-12-01T09:00:00Z");
    let by = "--actor j.jansen --case clock --date 2027-11-30";
    desk.stapel(&format!("partner accept-clock --dir politie {by} {last}"));
    let (_, _, err) = said(&desk, &format!("partner flag --dir politie {BY} a.csv {over}"));
    assert!(err.contains("all epochs of the policy are over"), "{err}");
    desk.stapel(&format!("partner forget-epoch --dir politie {BY} 1 {over}"));
    assert_eq!(desk.code("partner keys --dir politie --epoch 1"), "certificate");
    assert!(!desk.path("politie/epoch-1.seal").exists());
}

#[cfg(unix)]
fn private(desk: &Desk, name: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(desk.path(name), fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &Desk, _: &str) {}
