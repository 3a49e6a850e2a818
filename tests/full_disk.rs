//! A broker on a real file system that fills up: a small one, which only a superuser may mount. Elsewhere, and for the
//! finer steps everywhere, the simulated disk of `src/broker/tests.rs` stands for it.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Stdio};

use stapel::broker::BrokerStatus;
use stapel::message::{Delta, Group, Part, Question, Request};
use stapel::{Broker, Timestamp};
use stapel_testkit as testkit;
use stapel_testkit::{Client, ROSTER, RULES, START, code, policy_text, pseudonym, stored_keys, write_policy};

/// Ends a mount, also when its test fails.
struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

fn mount(arguments: &[&str], folder: &Path) -> bool {
    let status = Command::new("mount").args(arguments).arg(folder).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Thousands of flags that no other seed has: a full set as the partner's first message, else a delta.
fn flags(client: &mut Client, seed: u64, now: Timestamp) -> Vec<u8> {
    let numbers = (0..4_000u64).map(|number| {
        let mixed = (number ^ (seed << 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        u128::from(mixed) << 64 | u128::from(number)
    });
    let mut pseudonyms = testkit::numbered(numbers);
    pseudonyms.sort_unstable();
    let flagged = vec![Group { terms: testkit::until(testkit::day("2027-03-31")), pseudonyms: &pseudonyms }];
    let request = Request::Delta(Delta { flagged, withdrawn: &[] });
    client.message(&request, now)
}

#[test]
#[expect(clippy::print_stderr, reason = "what was not tested is to be seen")]
fn a_disk_that_fills_up_takes_nothing_that_was_receipted() {
    let own = tempfile::tempdir().unwrap();
    let disk = own.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    if !mount(&["-t", "tmpfs", "-o", "size=2m", "tmpfs"], &disk) {
        eprintln!("no small file system could be mounted here; the simulated one stands for it");
        return;
    }
    let mounted = Mounted(&disk);
    let policy = own.path().join("policy.toml");
    let budgets = "[[override]]\nrule = \"first-set\"\nreason = \"a test\"\n[budgets]\nnew_flags_a_day = 1000000";
    let rules = RULES.replace("[budgets]", budgets);
    write_policy(&policy, &policy_text(&ROSTER, &rules));
    let keys = || stored_keys(&own.path().join("keys"));
    let broker = Broker::create(&disk.join("broker"), keys(), &policy, START).unwrap();
    let mut clients = [1, 2, 3, 4].map(|number| Client::new(number, &broker.policy()));
    for client in &mut clients {
        let none = client.full_set(&[], Part { number: 1, of: 1 }, START);
        assert_eq!(code(&client.send(&broker, &none, START)), "ok");
    }
    let now = START.plus(86_400);
    let question = Request::Question(Question { sweep: None, pseudonyms: &[pseudonym(1)] });
    let asked = clients[0].message(&question, now);
    let answer = broker.handle(&asked, now);

    let mut refused = None;
    for seed in 0..75 {
        let at = seed as usize % clients.len();
        let held = broker.status().epochs;
        let message = flags(&mut clients[at], seed, now);
        match code(&clients[at].send(&broker, &message, now)) {
            "ok" => {}
            other => {
                assert_eq!(other, "unavailable");
                assert!(broker.status().epochs == held, "nothing is half done");
                refused = Some((at, message, held));
                break;
            }
        }
    }
    let (at, message, held) = refused.expect("two megabytes fill up");
    assert!(broker.status().last_fault.unwrap().contains("the disk is full"));
    let standing = broker.status().faults;
    assert_eq!((standing.len(), standing[0].code.as_str(), standing[0].since), (1, "store", Some(now)));
    // What was written before is not to be taken for what is so now.
    assert!(BrokerStatus::read(&disk.join("broker")).map_or(true, |status| status.faults == standing));
    assert!(broker.handle(&asked, now) == answer, "what was answered is answered again");

    assert!(mount(&["-o", "remount,size=64m"], &disk));
    assert_eq!(code(&clients[at].send(&broker, &message, now)), "ok", "the same bytes, at the same broker");
    assert_eq!(broker.status().faults, []);
    assert_eq!(BrokerStatus::read(&disk.join("broker")).unwrap().faults, []);
    let asks = clients[1].say(&broker, &question, now);
    assert_eq!(code(&asks), "ok");
    broker.release(now.plus(86_400)).unwrap();
    let after = broker.status().epochs;
    assert!(after != held);
    drop(broker);
    let broker = Broker::open(&disk.join("broker"), keys()).unwrap();
    assert!(broker.status().epochs == after);
    drop((broker, mounted));
}

#[test]
#[expect(clippy::print_stderr, reason = "what was not tested is to be seen")]
fn a_backup_that_finds_no_room_is_none_and_is_made_again_in_the_same_place() {
    let own = tempfile::tempdir().unwrap();
    let disk = own.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    if !mount(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"], &disk) {
        eprintln!("no small file system could be mounted here; the simulated one stands for it");
        return;
    }
    let mounted = Mounted(&disk);
    let policy = own.path().join("policy.toml");
    write_policy(&policy, &policy_text(&ROSTER, RULES));
    let keys = || stored_keys(&own.path().join("keys"));
    let broker = Broker::create(&own.path().join("broker"), keys(), &policy, START).unwrap();
    let copy = disk.join("copy");
    for _ in 0..2 {
        let error = broker.backup(&copy, START).unwrap_err().to_string();
        assert!(error.contains("copy/store.making/") && error.contains("make room"), "{error}");
        assert!(Broker::verify_backup(&copy, keys()).unwrap_err().to_string().contains("no whole backup"));
        assert_eq!(broker.status().last_backup, None);
    }
    assert!(mount(&["-o", "remount,size=64m"], &disk));
    broker.backup(&copy, START).unwrap();
    let verified = Broker::verify_backup(&copy, keys()).unwrap();
    assert_eq!((verified.status.latest, verified.checkpoints), (START, 1));
    assert_eq!(broker.status().last_backup, Some(START));
    drop((broker, mounted));
}
