//! What a broker does on time, under clocks that the tests set.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stapel::Timestamp;
use stapel::audit::Event;
use stapel::broker::BrokerStatus;
use stapel::message::Request;
use stapel_service::server::clock::Source;
use stapel_service::server::schedule::{LONGEST_WAIT, Schedule, Stop, start};
use stapel_testkit::noon;

use super::town::{Clocks, Town};

fn midnight(number: u64) -> Timestamp {
    noon(number).day().start()
}

#[test]
fn releases_checkpoints_and_ends_of_epochs_come_on_time() {
    let town = Town::new();
    let mut schedule = Schedule::new(town.consortium().clone());
    let wait = schedule.turn();
    assert_eq!(wait, LONGEST_WAIT);
    let checkpoints = town.broker().checkpoints().unwrap().len();
    let releases = town.releases();
    // Close before midnight it waits no longer than until then.
    town.clocks.pass_until(Timestamp(midnight(1).0 - 4));
    assert_eq!(schedule.turn(), Duration::from_secs(4));
    assert_eq!(town.releases(), releases);
    town.clocks.pass_until(midnight(1));
    schedule.turn();
    assert_eq!((town.releases(), town.broker().checkpoints().unwrap().len()), (releases + 1, checkpoints + 1));
    assert_eq!(town.broker().status().epochs[0].tags, 2, "max_wait_days is over, so that new flags show");
    // What is done is not done again.
    town.clocks.pass_until(midnight(1).plus(600));
    schedule.turn();
    assert_eq!(town.releases(), releases + 1);
    for number in 2..=9 {
        town.clocks.pass_until(midnight(number));
        schedule.turn();
    }
    assert!(town.has_keys(1) && town.has_keys(2));
    town.clocks.pass_until(midnight(10));
    schedule.turn();
    assert!(!town.has_keys(1) && town.has_keys(2));
    assert_eq!(town.lines(|event| matches!(event, Event::EpochClosed { epoch: 1 })), 1);
    assert!(town.lines(|event| matches!(event, Event::Purge { .. })) > 0);
    assert_eq!(town.broker().status().held_back, None);
}

#[test]
fn while_what_is_due_is_done_a_monitor_waits_for_longer() {
    /// Clocks that note each time how soon the status was to be written again.
    struct Noting {
        clocks: Clocks,
        folder: PathBuf,
        seen: Arc<Mutex<Vec<Option<u32>>>>,
    }
    impl Source for Noting {
        fn wall(&self) -> Duration {
            let within = BrokerStatus::read(&self.folder).ok().and_then(|status| status.again_within);
            self.seen.lock().unwrap().push(within);
            self.clocks.wall()
        }
        fn boot(&self) -> Duration {
            self.clocks.boot()
        }
        fn is_synchronised(&self) -> bool {
            true
        }
    }
    let mut town = Town::new();
    let seen = Arc::default();
    town.open_with(Noting { clocks: town.clocks.clone(), folder: town.path("broker"), seen: Arc::clone(&seen) });
    let mut schedule = Schedule::new(town.consortium().clone());
    schedule.turn();
    let mut turn = |now| {
        town.clocks.pass_until(now);
        seen.lock().unwrap().clear();
        schedule.turn();
        seen.lock().unwrap().iter().flatten().max().copied()
    };
    assert_eq!(turn(midnight(1)), Some(1_800));
    assert_eq!(turn(midnight(1).plus(60)), Some(60));
}

#[test]
fn after_a_stop_there_is_one_release_and_not_one_for_each_that_was_missed() {
    let mut town = Town::new();
    Schedule::new(town.consortium().clone()).turn();
    let releases = town.releases();
    town.consortium = None;
    town.clocks.pass_until(noon(2));
    town.open();
    let mut schedule = Schedule::new(town.consortium().clone());
    schedule.turn();
    schedule.turn();
    assert_eq!(town.releases(), releases + 1);
    assert_eq!(town.broker().status().epochs[0].as_of, midnight(2));
}

#[test]
fn without_a_clock_in_step_nothing_is_destroyed_until_a_person_says_that_it_is_right() {
    let mut town = Town::new();
    town.clocks.keep_in_step(false);
    town.open();
    let mut schedule = Schedule::new(town.consortium().clone());
    for number in 1..=12 {
        town.clocks.pass_until(midnight(number));
        schedule.turn();
    }
    let status = BrokerStatus::read(&town.path("broker")).unwrap();
    assert_eq!(status.held_back.as_ref().unwrap().epochs, [1]);
    assert_eq!(status.epochs[1].as_of, midnight(12), "releases go on");
    let faults = status.faults_at(midnight(12), 1_000);
    assert!(faults.iter().any(|fault| fault.code == "clock_unconfirmed" && fault.finding.contains("epoch 1 is over")));
    assert!(town.has_keys(1));
    // Once the kernel says that it is kept in step, the rest is done.
    town.clocks.keep_in_step(true);
    town.clocks.pass_until(midnight(12).plus(60));
    schedule.turn();
    assert!(!town.has_keys(1));
    assert_eq!(town.broker().status().held_back, None);
}

#[test]
fn a_clock_that_was_set_destroys_keys_when_two_organisations_say_that_the_epoch_is_over() {
    let mut town = Town::new();
    let mut schedule = Schedule::new(town.consortium().clone());
    for number in 1..=8 {
        town.clocks.pass_until(midnight(number));
        schedule.turn();
    }
    // By two and a half days, over the end of the first epoch.
    town.clocks.set(noon(10));
    assert!(schedule.turn() <= LONGEST_WAIT);
    assert_eq!(town.broker().status().epochs[1].as_of, midnight(10), "flags show and end");
    assert!(town.has_keys(1));
    town.confirm(0, noon(10));
    schedule.turn();
    assert!(town.has_keys(1));
    town.confirm(1, noon(10));
    schedule.turn();
    assert!(!town.has_keys(1));
    assert_eq!(town.broker().status().held_back, None);
}

#[test]
fn a_clock_that_was_set_and_is_not_in_step_is_in_doubt() {
    let mut town = Town::new();
    town.clocks.keep_in_step(false);
    town.open();
    let mut schedule = Schedule::new(town.consortium().clone());
    schedule.turn();
    let releases = town.releases();
    town.clocks.set(noon(1));
    schedule.turn();
    assert_eq!(town.releases(), releases);
    let status = BrokerStatus::read(&town.path("broker")).unwrap();
    assert!(status.faults.iter().any(|fault| fault.code == "clock_untrusted"), "{:?}", status.faults);
    assert_eq!(town.confirm(0, noon(1)), "unavailable");
    assert_eq!(town.confirm(1, noon(1)), "unavailable");
    // Both agree with the clock.
    town.clocks.pass_until(noon(1).plus(60));
    schedule.turn();
    assert_eq!(town.releases(), releases + 1);
    assert!(town.broker().status().faults.is_empty());
}

#[test]
fn a_monitor_sees_when_the_service_is_gone_and_when_it_stopped_by_itself() {
    let mut town = Town::new();
    let mut schedule = Schedule::new(town.consortium().clone());
    schedule.turn();
    let faults = |town: &Town, now: Timestamp| {
        let faults = BrokerStatus::read(&town.path("broker")).unwrap().faults_at(now, 1_000);
        faults.into_iter().filter(|fault| fault.code == "not_running").count()
    };
    assert_eq!((faults(&town, noon(0).plus(60)), faults(&town, noon(0).plus(61))), (0, 1));
    town.clocks.pass_until(noon(0).plus(50));
    schedule.turn();
    assert_eq!(faults(&town, noon(0).plus(110)), 0);
    schedule.end();
    assert_eq!(faults(&town, noon(0).plus(500)), 0);
    // A broker that is used by files alone promises nothing.
    drop(schedule);
    town.open();
    assert_eq!(faults(&town, noon(0).plus(500)), 0);
}

#[test]
fn a_service_that_was_killed_is_missed_until_it_runs_again() {
    let mut town = Town::new();
    let missed = |town: &Town| {
        let status = BrokerStatus::read(&town.path("broker")).unwrap();
        let faults = status.faults_at(noon(0).plus(600), 1_000);
        faults.into_iter().find(|fault| fault.code == "not_running").map(|fault| fault.since.unwrap())
    };
    Schedule::new(town.consortium().clone()).turn();
    // It was killed, and commands open the broker.
    town.clocks.pass_until(noon(0).plus(600));
    for _ in 0..2 {
        town.open();
        let message = town.clients[0].message(&Request::Confirm, noon(0).plus(600));
        assert_eq!(town.send(&message), "ok");
        town.clients[0].accepted = town.clients[0].highest_state;
        town.broker().release(noon(0).plus(600)).unwrap();
        assert_eq!(missed(&town), Some(noon(0)));
    }
    Schedule::new(town.consortium().clone()).turn();
    assert_eq!(missed(&town), None);
    Schedule::new(town.consortium().clone()).end();
    town.open();
    assert_eq!(BrokerStatus::read(&town.path("broker")).unwrap().again_within, None);
}

#[test]
fn a_fault_is_noted_and_ends_nothing() {
    let town = Town::new();
    let mut schedule = Schedule::new(town.consortium().clone());
    schedule.turn();
    town.clocks.set(Timestamp(noon(0).0 - 3_600));
    schedule.turn();
    let status = BrokerStatus::read(&town.path("broker")).unwrap();
    assert!(status.faults.iter().any(|fault| fault.code == "clock"), "{:?}", status.faults);
    town.clocks.set(noon(0));
    schedule.turn();
    assert!(town.broker().status().faults.is_empty());
}

#[test]
fn a_schedule_stops_promptly() {
    let town = Town::new();
    let stop = Stop::default();
    let running = start(town.consortium().clone(), stop.clone()).unwrap();
    stop.stop();
    running.join().unwrap();
    assert!(stop.is_stopped());
    assert_eq!(BrokerStatus::read(&town.path("broker")).unwrap().again_within, None);
}
