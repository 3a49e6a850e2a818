//! Whoever watches a broker sees what is wrong, since when, and what comes, without the broker's lock.

use std::fs;
use std::path::PathBuf;

use stapel::broker::{BrokerStatus, Fault, Severity};
use stapel::{Broker, Timestamp};
use stapel_testkit::{Client, ROSTER, RULES, START, certificate, code, policy_text, stored_keys, write_policy};

const DAY: u64 = 86_400;

fn day(number: u64) -> Timestamp {
    START.plus(number * DAY)
}

struct Place(tempfile::TempDir);

impl Place {
    fn begin() -> (Place, Broker) {
        let place = Place(tempfile::tempdir().unwrap());
        write_policy(&place.path("policy.toml"), &policy_text(&ROSTER, RULES));
        let keys = stored_keys(&place.path("keys"));
        let broker = Broker::create(&place.path("broker"), keys, &place.path("policy.toml"), START).unwrap();
        (place, broker)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn open(&self) -> Result<Broker, stapel::BrokerError> {
        Broker::open(&self.path("broker"), stored_keys(&self.path("keys")))
    }

    fn read(&self) -> BrokerStatus {
        BrokerStatus::read(&self.path("broker")).unwrap()
    }
}

fn codes(faults: &[Fault]) -> Vec<(Severity, &str)> {
    faults.iter().map(|fault| (fault.severity, fault.code.as_str())).collect()
}

#[test]
fn what_is_read_beside_an_open_broker_is_what_it_says_of_itself() {
    let (place, broker) = Place::begin();
    assert_eq!(place.read(), broker.status());
    let mut client = Client::new(1, &broker.policy());
    let none = client.full_set(&[], stapel::message::Part { number: 1, of: 1 }, START.plus(90));
    assert_eq!(code(&client.send(&broker, &none, START.plus(90))), "ok");
    let status = place.read();
    assert_eq!((&status, status.as_of), (&broker.status(), START.plus(90)));
    broker.backup(&place.path("copy"), START.plus(100)).unwrap();
    assert_eq!(place.read().last_backup, Some(START.plus(100)));
    broker.release(day(1)).unwrap();
    assert_eq!((place.read(), place.read().as_of), (broker.status(), day(1)));
    drop(broker);
    assert_eq!(place.open().unwrap().status().last_backup, Some(START.plus(100)));
    assert!(!place.path("copy/status.json").exists());
}

#[test]
fn what_time_shows_is_a_fault_with_its_time() {
    // Nobody delivers here, of which another test is.
    let without_sets = |faults: Vec<Fault>| -> Vec<Fault> {
        faults.into_iter().filter(|fault| fault.code != "full_set_missing").collect()
    };
    let (place, broker) = Place::begin();
    broker.backup(&place.path("copy"), START).unwrap();
    broker.release(day(1)).unwrap();
    let status = place.read();
    // The day's release speaks of midnight.
    let due = day(2).day().start();
    assert_eq!(status.epochs[0].next_release, due);
    assert_eq!(without_sets(status.faults_at(due.plus(DAY - 1), 9)), []);
    let found = without_sets(status.faults_at(due.plus(DAY), 9));
    assert_eq!(codes(&found), [(Severity::Warning, "release_overdue")]);
    assert!(found[0].since == Some(due) && found[0].finding.contains("stapel broker release"), "{found:?}");
    let found = without_sets(status.faults_at(day(21), 9));
    assert_eq!(codes(&found), [(Severity::Critical, "release_overdue"), (Severity::Warning, "backup_overdue")]);
    assert!(found[0].since == Some(due) && found[0].finding.contains("accept-clock"), "{found:?}");
    assert_eq!(found[1].since, Some(START.plus(9 * DAY)));
    // A clock that is behind, and the policy's end.
    assert_eq!(codes(&without_sets(status.faults_at(START, 2))), [(Severity::Critical, "clock")]);
    let ends = status.closes.plus(1).start();
    let found = without_sets(status.faults_at(Timestamp(ends.0 - 1), 1_000));
    assert_eq!(codes(&found), [(Severity::Critical, "release_overdue"), (Severity::Warning, "policy_ends")]);
    assert!(codes(&without_sets(status.faults_at(ends, 1_000))).contains(&(Severity::Critical, "policy_ends")));
}

#[test]
fn who_has_no_certificate_or_full_set_is_named() {
    let (place, broker) = Place::begin();
    let epoch = broker.status().epochs[0].clone();
    assert_eq!((epoch.uncertified, epoch.without_full_set), (vec![], vec![1, 2, 3, 4, 5]));
    let policy = broker.policy();
    let mut client = Client::new(3, &policy);
    let none = client.full_set(&[], stapel::message::Part { number: 1, of: 1 }, START);
    assert_eq!(code(&client.send(&broker, &none, START)), "ok");
    assert_eq!(broker.status().epochs[0].without_full_set, [1, 2, 4, 5]);
    let missing = |now| {
        let faults = broker.status().faults_at(now, u32::MAX);
        faults.into_iter().find(|fault| fault.code == "full_set_missing")
    };
    let since = START.day().start();
    assert_eq!(missing(since.plus(3 * DAY - 1)), None);
    let fault = missing(since.plus(3 * DAY)).unwrap();
    assert!(fault.since == Some(since) && fault.finding.contains("of partner 1, 2, 4, 5:"), "{fault:?}");
    // A suspension is a decision, and no lack.
    let suspension = certificate(policy.policy(), 3, 1, 2, None);
    broker.keep_certificate(&suspension, START).unwrap();
    assert_eq!(broker.status().epochs[0].uncertified, [0u16; 0]);
    drop(broker);

    let other = Place(tempfile::tempdir().unwrap());
    write_policy(&other.path("policy.toml"), &policy_text(&ROSTER, RULES));
    for partner in [2, 4] {
        fs::remove_file(other.path(&format!("{partner}.1.1.cert"))).unwrap();
    }
    let keys = stored_keys(&other.path("keys"));
    let broker = Broker::create(&other.path("broker"), keys, &other.path("policy.toml"), START).unwrap();
    assert_eq!(broker.status().epochs[0].uncertified, [2, 4]);
    let found = broker.status().faults_at(START, u32::MAX);
    let finding = &found.iter().find(|fault| fault.code == "not_certified").unwrap().finding;
    assert!(finding.contains("of partner 2, 4,") && finding.contains("stapel broker certify"), "{finding}");
    drop(place);
}

#[test]
fn a_fault_stands_until_it_is_put_right_whichever_process_met_it() {
    let (place, broker) = Place::begin();
    broker.release(day(2)).unwrap();
    assert!(broker.release(day(1)).is_err());
    let standing = |broker: &Broker| broker.status().faults;
    assert_eq!(codes(&standing(&broker)), [(Severity::Critical, "clock")]);
    drop(broker);
    assert_eq!(place.read().faults[0].since, Some(day(1)));
    let broker = place.open().unwrap();
    assert!(broker.release(day(1).plus(60)).is_err());
    let found = standing(&broker);
    assert!(found.len() == 1 && found[0].since == Some(day(1)), "{found:?}");
    broker.release(day(2).plus(60)).unwrap();
    assert_eq!((standing(&broker), place.read().faults), (vec![], vec![]));
}

#[test]
fn a_broker_that_does_not_open_says_so_to_those_who_watch_it() {
    let (place, broker) = Place::begin();
    drop(broker);
    let pepper = place.path("keys/epoch-1.pepper");
    fs::rename(&pepper, place.path("aside")).unwrap();
    for _ in 0..2 {
        assert_eq!(place.open().unwrap_err().code(), "broker_keys");
        let found = place.read().faults;
        assert_eq!((codes(&found), found[0].since), (vec![(Severity::Critical, "broker_keys")], None));
    }
    fs::rename(place.path("aside"), &pepper).unwrap();
    drop(place.open().unwrap());
    assert_eq!(place.read().faults, []);
}

#[test]
fn what_cannot_be_written_is_not_taken_for_what_is_so() {
    let (place, broker) = Place::begin();
    // A folder in its place stops even a superuser.
    fs::create_dir(place.path("broker/status.new")).unwrap();
    broker.release(day(1)).unwrap();
    let error = BrokerStatus::read(&place.path("broker")).unwrap_err();
    assert!(error.to_string().contains("status.json") && error.to_string().contains("stapel broker status"), "{error}");
    fs::remove_dir(place.path("broker/status.new")).unwrap();
    fs::write(place.path("broker/status.json"), "{").unwrap();
    assert!(BrokerStatus::read(&place.path("broker")).unwrap_err().to_string().contains("not whole"));
    drop(broker);
    assert_eq!(place.read().latest, place.open().unwrap().status().latest);
}
