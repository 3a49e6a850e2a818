//! Exit statuses, on which a script at night relies, and what must not stop or hang one.

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use stapel::{Broker, BrokerKeys, Partner};

use crate::common::{Desk, text};
use crate::consortium::{BY, PARTNERS, carry, consortium};

const NOW: &str = "--now 2026-12-01T09:00:00Z";

fn status(desk: &Desk, line: &str) -> i32 {
    desk.run(line, &[], b"").status.code().unwrap()
}

/// A command that was begun, with its standard input open.
fn begin(desk: &Desk, line: &str, stdout: Stdio) -> Child {
    Command::new(env!("CARGO_BIN_EXE_stapel"))
        .current_dir(desk.path(""))
        .args(line.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a shell makes of a line in which `stapel` is the command.
#[cfg(unix)]
fn shell(desk: &Desk, line: &str) -> (i32, String) {
    let line = line.replace("stapel ", &format!("{} ", env!("CARGO_BIN_EXE_stapel")));
    let output = Command::new("sh").args(["-c", &line]).current_dir(desk.path("")).output().unwrap();
    (output.status.code().unwrap(), text(&output.stderr))
}

#[test]
fn rows_that_are_refused_have_a_status_of_their_own() {
    let desk = consortium();
    desk.write("a.csv", "adres\n\"Dam 1, 1012 JS\"\nnergens\n");
    desk.write("b.csv", "adres\n\"Dam 2, 1012 JS\"\n");
    let flag = format!("partner flag --dir politie {BY} a.csv {NOW}");
    let flags = |desk: &Desk| desk.json("partner status --dir politie")[0]["flags"].clone();
    assert_eq!(desk.ended(&format!("{flag} --strict")), (1, "rows_refused".to_owned()));
    assert_eq!(flags(&desk), 0, "with --strict nothing is done");
    assert_eq!(status(&desk, &flag), 3);
    assert_eq!(flags(&desk), 1);
    assert_eq!(status(&desk, &format!("--strict partner flag --dir politie {BY} b.csv {NOW}")), 0);
    for command in ["withdraw", "ask"] {
        assert_eq!(status(&desk, &format!("partner {command} --dir politie {BY} a.csv {NOW}")), 3, "{command}");
    }
    // What is in doubt is said, and counts where that is asked for.
    desk.write("c.csv", "postcode;huisnummer;nummeraanduiding_id\n1012JS;3;1\n1012JS;3;2\n");
    let doubt = format!("partner flag --dir politie {BY} c.csv {NOW}");
    let said = text(&desk.run(&doubt, &[], b"").stderr);
    assert!(said.contains("c.csv: 1 address has rows with different BAG ids"), "{said}");
    assert_eq!((status(&desk, &doubt), status(&desk, &format!("{doubt} --strict"))), (0, 3));
    let lines = |line: &str| desk.run(line, &[], b"Dam 1, 1012 JS\nnergens\n").status.code();
    assert_eq!((lines("address"), lines("address --strict")), (Some(0), Some(3)));
    assert_eq!((status(&desk, "policy check policy.toml"), status(&desk, "partner")), (0, 2));
    let help = desk.stapel("--help");
    let readme = include_str!("../../README.md");
    for (status, said) in [
        (0, "done"),
        (1, "nothing was done"),
        (2, "the command line is wrong"),
        (3, "something was refused, and the rest was done"),
        (74, "what it did is done, and not all of it could be said"),
        (75, "nothing is wrong with what was given: try the same again later"),
    ] {
        assert!(help.contains(&format!("  {status:<3} {said}")), "{help}");
        assert!(readme.contains(&format!("| {status} | {said}")), "{status}");
    }
}

#[test]
fn what_the_broker_rejects_is_not_said_to_be_done() {
    let desk = consortium();
    // A question before the first release: the broker did its part, and the partner got no answer.
    desk.write("a.csv", "adres\n\"Dam 1, 1012 JS\"\n");
    desk.stapel(&format!("partner flag --dir politie {BY} a.csv {NOW}"));
    desk.stapel(&format!("partner deliver --dir politie {NOW}"));
    carry(&desk, "politie", "2026-12-01T09:00:00Z");
    let ask = format!("partner ask --dir politie {BY} --own {NOW}");
    let handle = format!("broker handle --dir broker politie/outbox {NOW}");
    desk.stapel(&ask);
    assert_eq!(status(&desk, &handle), 0);
    assert_eq!(status(&desk, &format!("partner read --dir politie {NOW}")), 3);
    desk.stapel(&ask);
    assert_eq!(status(&desk, &format!("{handle} --strict")), 3);
    desk.told(&format!("partner read --dir politie {NOW}"));
    // Several certificates, one of which is none.
    desk.write("none.cert", "nothing");
    assert_eq!(desk.ended(&format!("broker certify --dir broker 1.1.1.cert none.cert {NOW}")).0, 3);
    assert_eq!(desk.ended(&format!("broker certify --dir broker none.cert {NOW}")).0, 1);
}

#[test]
fn what_fares_better_later_has_a_status_of_its_own() {
    let desk = consortium();
    let keys = BrokerKeys::open(&desk.path("broker/keys")).unwrap();
    let broker = Broker::open(&desk.path("broker"), keys).unwrap();
    assert_eq!(desk.ended(&format!("broker release --dir broker {NOW}")), (75, "folder_in_use".to_owned()));
    drop(broker);
    assert_eq!(status(&desk, &format!("broker release --dir broker {NOW}")), 0);
    // A partner's commands wait for its folder.
    let partner = Partner::open(&desk.path("politie")).unwrap();
    assert_eq!(desk.ended("partner news --dir politie --wait 0"), (75, "folder_in_use".to_owned()));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| status(&desk, "partner news --dir politie --wait 86400"));
        // Made by whoever begins to wait.
        while !desk.path("politie/lock.next").exists() && !waiting.is_finished() {
            thread::sleep(Duration::from_millis(1));
        }
        drop(partner);
        assert_eq!(waiting.join().unwrap(), 0);
    });
}

/// Rust opens a standard output that is closed as /dev/null.
#[cfg(unix)]
#[test]
fn what_is_said_once_is_not_said_to_nobody() {
    let desk = consortium();
    desk.stapel(&format!("partner confirm --dir politie {NOW}"));
    desk.stapel(&format!("broker handle --dir broker politie/outbox {NOW}"));
    let read = format!("stapel partner read --dir politie {NOW}");
    let before = desk.list("politie/outbox");
    let (status, err) = shell(&desk, &format!("{read} >&-"));
    assert!(status == 1 && err.contains("standard output is closed") && err.ends_with("[io]\n"), "{status} {err}");
    assert_eq!(desk.list("politie/outbox"), before);
    let delivery = desk.delivery("politie/outbox");
    let (status, err) = shell(&desk, &format!("stapel broker handle --dir broker < {delivery} >&-"));
    assert!(status == 1 && err.contains("standard output is closed"), "{status} {err}");
    assert_eq!(shell(&desk, "stapel partner news --dir politie >&-").0, 1);
    // A reader who goes away before it was said.
    let mut child = begin(&desk, &read[7..], Stdio::piped());
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(74), "{}", text(&output.stderr));
    assert_eq!(desk.list("politie/outbox"), before);
    assert_eq!(shell(&desk, &format!("{read} > /dev/null")).0, 0);
    assert!(desk.list("politie/outbox").is_empty());
}

#[test]
fn nobody_waits_for_an_input_with_the_store_locked() {
    let desk = consortium();
    desk.stapel(&format!("partner confirm --dir politie {NOW}"));
    let message = desk.read(&desk.delivery("politie/outbox"));
    let mut child = begin(&desk, &format!("broker handle --dir broker {NOW}"), Stdio::piped());
    // Long enough for it to have opened the store, if it did.
    thread::sleep(Duration::from_secs(1));
    assert_eq!(status(&desk, &format!("broker release --dir broker {NOW}")), 0);
    child.stdin.take().unwrap().write_all(&message).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && !output.stdout.is_empty(), "{}", text(&output.stderr));
}

/// Whoever may write to a folder of messages puts many files there that are none, by names that come first.
#[cfg(unix)]
#[test]
fn many_files_that_are_none_keep_the_others_from_nothing() {
    let desk = consortium();
    desk.stapel(&format!("partner confirm --dir politie {NOW}"));
    let delivery = desk.delivery("politie/outbox");
    for number in 0..20_000 {
        std::os::unix::fs::symlink("nowhere", desk.path(&format!("politie/outbox/a{number}.msg"))).unwrap();
    }
    let handled = desk.run(&format!("broker handle --dir broker politie/outbox {NOW}"), &[], b"");
    let err = text(&handled.stderr);
    assert_eq!(text(&handled.stdout), format!("{delivery}: receipt\n"));
    assert_eq!(handled.status.code(), Some(3));
    assert!(err.lines().count() < 30 && err.contains("more like these"), "{err}");

    for number in 0..10_005 {
        fs::write(desk.path(&format!("politie/outbox/a{number}.reply")), "none").unwrap();
    }
    let read = desk.run(&format!("partner read --dir politie {NOW}"), &[], b"");
    let err = text(&read.stderr);
    assert!(text(&read.stdout).starts_with(&format!("{delivery}.reply: accepted")), "{err}");
    assert_eq!(read.status.code(), Some(3));
    assert!(err.contains("6 files are left for the next run") && err.lines().count() < 30, "{err}");
}

#[test]
fn a_monitor_sees_what_is_wrong_since_when_and_what_to_do() {
    let desk = consortium();
    let check = |now: &str| {
        let output = desk.run(&format!("broker status --dir broker --check --now {now}"), &[], b"");
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
        (output.status.code().unwrap(), text(&output.stdout))
    };
    let (status, told) = check("2026-12-01T10:00:00Z");
    assert!(status == 1 && told.starts_with("WARNING: 1 fault, as of 2026-12-01T08:00:00Z\n"), "{told}");
    assert!(told.contains("WARNING [backup_overdue]: no backup was made") && told.contains("stapel broker backup"));
    desk.stapel("broker backup --dir broker --to copy --now 2026-12-01T10:00:00Z");
    let (status, told) = check("2026-12-01T10:00:00Z");
    assert_eq!(status, 0, "{told}");
    let expected = "OK: 0 faults, as of 2026-12-01T10:00:00Z\n\
                    next release of epoch 1: 2026-12-02T00:00:00Z; new flags show for the first time once all that \
                    flag have delivered (not yet: 1, 2, 3, 4), at the latest 2026-12-08T00:00:00Z\n\
                    last backup: 2026-12-01T10:00:00Z\n";
    assert_eq!(told, expected);

    // Twenty days without a release.
    let (status, told) = check("2026-12-21T09:00:00Z");
    assert!(status == 2 && told.starts_with("CRITICAL: 3 faults, as of 2026-12-01T10:00:00Z\n"), "{told}");
    let overdue = "\nCRITICAL since 2026-12-02T00:00:00Z [release_overdue]: epoch 1 has had no release since ";
    assert!(told.contains(overdue) && told.contains("stapel broker accept-clock"), "{told}");
    let json = desk.run("broker status --dir broker --check --json --now 2026-12-21T09:00:00Z", &[], b"");
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["check"], &json["faults"][0]["since"]), (&"CRITICAL".into(), &"2026-12-02T00:00:00Z".into()));

    // While another process has the store open.
    let keys = BrokerKeys::open(&desk.path("broker/keys")).unwrap();
    let broker = Broker::open(&desk.path("broker"), keys).unwrap();
    assert_eq!(check("2026-12-01T10:00:00Z").0, 0);
    let output = desk.run("broker status --dir broker --now 2026-12-01T10:00:00Z", &[], b"");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && out.starts_with("as of 2026-12-01T10:00:00Z\npolicy version 1"), "{out}{err}");
    assert!(err.contains("another process has the store open") && out.contains("last backup: 2026-12-01T10"), "{err}");
    drop(broker);

    // What is not there.
    fs::rename(desk.path("broker/keys/epoch-1.pepper"), desk.path("pepper")).unwrap();
    let (status, told) = check("2026-12-01T10:00:00Z");
    assert!(status == 2 && told.contains("epoch-1.pepper is not there: put the folder with the keys back"), "{told}");
    fs::rename(desk.path("pepper"), desk.path("broker/keys/epoch-1.pepper")).unwrap();
    // Keys that lie elsewhere are looked for where they were last, whether or not the command says where that is.
    fs::rename(desk.path("broker/keys"), desk.path("keys")).unwrap();
    let (status, told) = check("2026-12-01T10:00:00Z");
    assert!(status == 2 && told.contains("has no keys in broker/keys:"), "{told}");
    desk.stapel("broker status --dir broker --keys keys --now 2026-12-01T10:00:00Z");
    assert_eq!(check("2026-12-01T10:00:00Z").0, 0);
    desk.stapel("broker status --dir broker --now 2026-12-01T10:00:00Z");
    fs::rename(desk.path("keys"), desk.path("away")).unwrap();
    let (status, told) = check("2026-12-01T10:00:00Z");
    let keys = desk.path("keys").canonicalize().unwrap_or_else(|_| desk.path("keys"));
    assert!(status == 2 && told.contains(&format!("has no keys in {}:", keys.display())), "{told}");
    fs::rename(desk.path("away"), desk.path("broker/keys")).unwrap();
    desk.stapel("broker status --dir broker --now 2026-12-01T10:00:00Z");
    fs::remove_file(desk.path("broker/status.json")).unwrap();
    let (status, told) = check("2026-12-01T10:00:00Z");
    assert!(status == 3 && told.starts_with("UNKNOWN: ") && told.contains("stapel broker status"), "{told}");
    desk.stapel("broker status --dir broker --now 2026-12-01T10:00:00Z");
    assert_eq!(check("2026-12-01T10:00:00Z").0, 0);
    assert_eq!(status_of_nobody(&desk), 3);
}

fn status_of_nobody(desk: &Desk) -> i32 {
    let output = desk.run("broker status --dir nobody --check", &[], b"");
    assert!(text(&output.stdout).contains("has no keys: make them with stapel broker init"));
    output.status.code().unwrap()
}

/// On a full disk the flags may be set where their references cannot be kept: that is said, and is not status 1.
#[cfg(unix)]
#[test]
fn what_was_done_is_said_where_references_cannot_be_kept() {
    let desk = consortium();
    // One address, so that little is to be written of it, under many references.
    let rows: String = (0..4_000).map(|number| format!("zaak-{number};\"Dam 1, 1012 JS\"\n")).collect();
    desk.write("many.csv", format!("ref;adres\n{rows}"));
    let full = |line: &str| {
        // A file of more than 24 KiB cannot be written.
        let command = env!("CARGO_BIN_EXE_stapel");
        let line = format!("trap '' XFSZ; ulimit -f 48; {command} {line} {NOW}");
        let output = Command::new("sh").args(["-c", &line]).current_dir(desk.path("")).output().unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(err.contains("refs") && err.contains("and the references of rows were not kept: "), "{out}{err}");
        assert!(err.ends_with("[io]\n"), "{err}");
        (output.status.code(), out)
    };
    let (status, out) = full("partner flag --dir politie --actor j --case Z-1 many.csv");
    assert_eq!((status, out.as_str()), (Some(3), "1 added, 0 changed, 0 withdrawn, 0 unchanged\n"));
    assert_eq!(desk.json("partner status --dir politie")[0]["flags"], 1);
    let (status, out) = full("partner ask --dir politie --actor j --case Z-1 many.csv");
    assert!(status == Some(3) && out.ends_with("question-0000000001.msg\n"), "{out}");
    // With room the same rows do the rest.
    let said = desk.stapel(&format!("partner flag --dir politie --actor j --case Z-1 many.csv {NOW}"));
    assert_eq!(said, "0 added, 0 changed, 0 withdrawn, 1 unchanged\n");
    assert!(desk.path("politie/refs.sealed").exists());
}

/// What waits in the outbox, and what the broker replied, is not taken for read where the journal cannot have it.
#[cfg(unix)]
#[test]
fn a_full_disk_takes_no_reply_and_no_message_out_of_an_outbox() {
    let desk = consortium();
    desk.write("a.csv", "adres\n\"Dam 1, 1012 JS\"\n");
    desk.stapel(&format!("partner flag --dir politie {BY} a.csv {NOW}"));
    desk.stapel(&format!("partner deliver --dir politie {NOW}"));
    desk.stapel(&format!("partner ask --dir politie {BY} a.csv {NOW}"));
    desk.stapel(&format!("broker handle --dir broker politie/outbox {NOW}"));
    let before = desk.list("politie/outbox");
    assert!(before.iter().any(|name| name.ends_with(".reply")) && before.len() >= 3, "{before:?}");
    let line = format!("trap '' XFSZ; ulimit -f 0; {} partner read --dir politie {NOW}", env!("CARGO_BIN_EXE_stapel"));
    let output = Command::new("sh").args(["-c", &line]).current_dir(desk.path("")).output().unwrap();
    let err = text(&output.stderr);
    assert!(output.status.code() == Some(1) && err.ends_with("[io]\n"), "{err}");
    assert_eq!(desk.list("politie/outbox"), before);
    // The question was not accepted, which is a status of its own.
    let read = desk.run(&format!("partner read --dir politie {NOW}"), &[], b"");
    assert_eq!(read.status.code(), Some(3), "{}", text(&read.stderr));
    assert!(desk.list("politie/outbox").is_empty());
}

/// Whoever puts a folder back and forgets a part is told which.
#[test]
fn a_folder_that_is_half_there_says_what_is_missing() {
    let desk = consortium();
    for (gone, said) in [
        ("keys/checkpoint.key", "put the folder with the keys back"),
        ("store/flags.redb", "put a backup back"),
        ("store/ledger.redb", "put a backup back"),
        ("policies", "that of a backup"),
    ] {
        fs::rename(desk.path("broker").join(gone), desk.path("aside")).unwrap();
        let output = desk.run(&format!("broker release --dir broker {NOW}"), &[], b"");
        let err = text(&output.stderr);
        assert!(err.contains(&format!("broker/{gone}: ")) && err.contains(said), "{err}");
        assert!(output.status.code() == Some(1) && err.ends_with("[broker_folder]\n"), "{err}");
        fs::rename(desk.path("aside"), desk.path("broker").join(gone)).unwrap();
    }
    desk.stapel(&format!("broker release --dir broker {NOW}"));
}

#[test]
fn a_backup_is_proven_good_or_it_is_not() {
    let desk = consortium();
    desk.write("a.csv", "adres\n\"Dam 1, 1012 JS\"\n");
    desk.stapel(&format!("partner flag --dir politie {BY} a.csv {NOW}"));
    desk.stapel(&format!("partner deliver --dir politie {NOW}"));
    carry(&desk, "politie", "2026-12-01T09:00:00Z");
    desk.stapel("broker release --dir broker --now 2026-12-02T09:00:00Z");
    desk.stapel("broker backup --dir broker --to copy --now 2026-12-02T10:00:00Z");
    let now = "--now 2026-12-02T10:00:00Z";
    let verify = format!("broker backup --dir broker --verify copy {now}");
    let files = |desk: &Desk| {
        let list = desk.list("copy/backup");
        let bytes: Vec<_> = list.iter().map(|name| desk.read(&format!("copy/backup/{name}"))).collect();
        (desk.list("copy"), desk.list("copy/policies"), list, bytes)
    };
    let before = files(&desk);
    let told = desk.stapel(&verify);
    assert!(told.starts_with("copy is good, as of 2026-12-02T09:00:00Z\npolicy version 1, digest "), "{told}");
    assert!(
        told.contains("epoch 1: 1 flag held by ") && told.contains(" lines of the log, 0 of them pruned"),
        "{told}"
    );
    let json = &desk.json(&verify)[0];
    assert_eq!((&json["status"]["latest"], &json["checkpoints"]), (&"2026-12-02T09:00:00Z".into(), &2.into()));
    assert!(files(&desk) == before, "nothing is written there");

    // One byte of a line of the log; of sealed flags, which nobody finds without the key, one of each page.
    for name in ["copy/backup/ledger.redb", "copy/backup/flags.redb"] {
        let whole = desk.read(name);
        let mut altered = whole.clone();
        match whole.windows(12).rposition(|bytes| bytes == b"epoch_opened") {
            Some(at) => altered[at] ^= 1,
            None => (4096..whole.len()).step_by(4096).for_each(|page| altered[page + 100] ^= 1),
        }
        desk.write(name, altered);
        assert_eq!(desk.code(&verify), "store_damaged", "{name}");
        desk.write(name, &whole[..whole.len() / 2]);
        assert_ne!(status(&desk, &verify), 0, "{name}");
        desk.write(name, whole);
    }
    fs::rename(desk.path("copy/policies/1.toml"), desk.path("aside")).unwrap();
    assert_eq!(status(&desk, &verify), 1);
    fs::rename(desk.path("aside"), desk.path("copy/policies/1.toml")).unwrap();
    // A key is missing, or is another's.
    fs::rename(desk.path("broker/keys/epoch-1.blobs"), desk.path("aside")).unwrap();
    assert_eq!(desk.code(&verify), "broker_keys");
    desk.write("broker/keys/epoch-1.blobs", [7; 32]);
    private(&desk, "broker/keys/epoch-1.blobs");
    assert_eq!(desk.code(&verify), "store_damaged");
    fs::rename(desk.path("aside"), desk.path("broker/keys/epoch-1.blobs")).unwrap();
    // What was broken off is none, and can be made whole.
    fs::rename(desk.path("copy/backup"), desk.path("copy/store.making")).unwrap();
    assert_eq!(desk.code(&verify), "store");
    desk.stapel("broker backup --dir broker --to copy --now 2026-12-02T10:00:00Z");
    desk.stapel(&verify);
}

#[cfg(unix)]
fn private(desk: &Desk, name: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(desk.path(name), fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &Desk, _: &str) {}

#[test]
fn a_backup_whose_policy_is_over_is_restored_under_a_newer_one() {
    let desk = consortium();
    desk.stapel("broker backup --dir broker --to copy --now 2026-12-01T10:00:00Z");
    let old = text(&desk.read("policy.toml"));
    let version = format!("version = 2\nprevious = \"{}\"", desk.stapel("policy digest policy.toml").trim());
    let epoch = "[[epoch]]\nnumber = 2\nkey_id = \"22222222222222222222222222222222\"\nopens = 2027-11-15\n\
                 closes = 2028-11-14\n\n[[partner]]";
    let newer = old.replace("version = 1", &version).replacen("[[partner]]", epoch, 1);
    desk.write("policy-2.toml", newer);
    for (folder, _) in PARTNERS {
        desk.stapel(&format!("policy sign policy-2.toml --key {folder}.policy.key --previous policy.toml"));
    }
    fs::remove_dir_all(desk.path("broker/store")).unwrap();
    let now = "2027-12-05T09:00:00Z";
    let verified = desk.run(&format!("broker backup --dir broker --verify copy --now {now}"), &[], b"");
    assert!(text(&verified.stderr).contains("--policy"), "{}", text(&verified.stderr));
    let restore = format!("broker restore --from copy --dir broker --date 2027-12-05 --now {now}");
    let told = text(&desk.run(&restore, &[], b"").stderr);
    assert!(told.contains("--policy") && told.ends_with("[clock_ahead]\n"), "{told}");
    assert!(!desk.path("broker/store").exists());
    let told = &desk.json(&format!("{restore} --policy policy-2.toml"))[0];
    assert_eq!(told["policy_version"], 2, "{told}");
    desk.stapel(&format!("broker release --dir broker --now {now}"));
    let status = &desk.json(&format!("broker status --dir broker --now {now}"))[0];
    assert_eq!((&status["epochs"][0]["number"], &status["epochs"][1]), (&2.into(), &serde_json::Value::Null));
}

#[test]
fn a_partners_folder_that_is_half_there_says_what_is_missing() {
    let desk = consortium();
    desk.stapel(&format!("partner confirm --dir politie {NOW}"));
    for gone in ["journal.key", "partner.key", "policy.toml", "journal.sealed"] {
        fs::rename(desk.path("politie").join(gone), desk.path("aside")).unwrap();
        let output = desk.run("partner status --dir politie", &[], b"");
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{gone}: {err}");
        assert!(
            err.contains(gone)
                && (err.contains("put it back") || err.contains("put them back"))
                && err.ends_with("[partner_folder]\n"),
            "{gone}: {err}"
        );
        fs::rename(desk.path("aside"), desk.path("politie").join(gone)).unwrap();
    }
    desk.stapel("partner status --dir politie");
}

#[test]
fn a_strict_status_of_a_broker_with_a_fault_is_no_success() {
    let desk = consortium();
    let line = "broker status --dir broker --now 2026-12-01T10:00:00Z";
    assert_eq!((status(&desk, line), status(&desk, &format!("{line} --strict"))), (0, 3), "no backup was made");
    desk.stapel("broker backup --dir broker --to copy --now 2026-12-01T10:00:00Z");
    assert_eq!(status(&desk, &format!("{line} --strict")), 0);
}
