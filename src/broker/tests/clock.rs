//! A clock that is ahead ends nothing and destroys no key, unless a person said that it is right.

use super::*;

/// A folder for a broker, with keys in which epoch 1 was opened, and a copy of the broker on its first day.
struct Copied {
    lost: tempfile::TempDir,
    copy: tempfile::TempDir,
    keys: tempfile::TempDir,
    policy: tempfile::TempDir,
}

impl Copied {
    fn begin() -> Copied {
        let place = || tempfile::tempdir().unwrap();
        let policy = sample::folder(&sample::TEXT);
        let made = Copied { lost: place(), copy: place(), keys: key_folder(), policy };
        let broker = made.create(made.lost.path(), START).unwrap();
        for certificate in sample::certificates(&sample::policy()) {
            broker.keep_certificate(&certificate, START).unwrap();
        }
        let mut client = Client { number: 1, state: 0, question: 0, accepted: 0 };
        let message = client.full_set(&[1], START);
        assert_eq!(client.send(&broker, &message, START), "ok");
        broker.backup(made.copy.path(), START).unwrap();
        made
    }

    fn open_keys(&self) -> BrokerKeys {
        BrokerKeys::open(self.keys.path()).unwrap()
    }

    fn create(&self, folder: &Path, now: Timestamp) -> Result<Broker, BrokerError> {
        Broker::create(folder, self.open_keys(), &self.policy.path().join("policy.toml"), now)
    }

    fn open(&self) -> Broker {
        Broker::open(self.lost.path(), self.open_keys()).unwrap()
    }

    fn has_keys(&self) -> bool {
        ["epoch-1.pepper", "epoch-1.blobs"].iter().all(|name| self.keys.path().join(name).exists())
            && !self.keys.path().join("epoch-1.destroyed").exists()
    }
}

/// Noon of a day after the last of epoch 1.
fn past() -> Timestamp {
    let closes = sample::policy().epochs[0].closes;
    closes.plus(1).start().plus(DAY / 2)
}

#[test]
fn no_broker_is_restored_or_made_past_the_last_epoch() {
    let made = Copied::begin();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let restored = Broker::restore_under(made.copy.path(), &at("restored"), made.open_keys(), &[], past());
    for error in [restored.unwrap_err(), made.create(&at("made"), past()).unwrap_err()] {
        assert!(matches!(error, BrokerError::ClockPastEpochs { .. }), "{error}");
        assert!(error.to_string().contains("adopt a newer policy first, or set the clock right"), "{error}");
    }
    assert!(made.has_keys());
    // With the right clock all is there.
    let broker = Broker::restore(made.copy.path(), &at("restored"), made.open_keys(), day(1)).unwrap();
    assert_eq!(broker.status().epochs.len(), 1);
    assert!(made.has_keys());
}

#[test]
fn a_copy_older_than_three_days_is_restored_where_a_person_says_that_the_clock_is_right() {
    let made = Copied::begin();
    let folder = tempfile::tempdir().unwrap();
    let late = START.plus(3 * DAY + 1);
    let error = Broker::restore(made.copy.path(), folder.path(), made.open_keys(), late).unwrap_err();
    assert!(matches!(error, BrokerError::ClockAheadOfCopy { latest: START, .. }), "{error}");
    assert!(Broker::open(folder.path(), made.open_keys()).is_err(), "nothing is put in place");
    let broker = Broker::restore_under(made.copy.path(), folder.path(), made.open_keys(), &[], late).unwrap();
    broker.release(late.plus(DAY)).unwrap();
    let mut accepted = 0;
    let visit = |_, row: &LogRow| {
        accepted += u64::from(matches!(row, LogRow::Line(line) if matches!(line.event, Event::ClockAccepted { .. })));
        Ok(())
    };
    broker.log_rows(visit).unwrap();
    assert_eq!(accepted, 1);
}

#[test]
fn keys_of_an_epoch_that_would_be_over_are_not_destroyed_by_making_a_broker() {
    let made = Copied::begin();
    // The policy goes on with a second epoch, so that the day is not past its last.
    let newer = with_second_epoch();
    let folder = tempfile::tempdir().unwrap();
    let make = || Broker::create(folder.path(), made.open_keys(), &newer.path().join("policy.toml"), past());
    let error = make().unwrap_err();
    assert!(matches!(error, BrokerError::ClockPastKeys { epoch: 1, .. }), "{error}");
    assert!(made.has_keys());
    // Where the clock is right, the operator takes them away.
    for name in ["epoch-1.pepper", "epoch-1.blobs"] {
        std::fs::remove_file(made.keys.path().join(name)).unwrap();
    }
    assert_eq!(make().unwrap().status().epochs[0].number, 2);
}

#[test]
fn a_clock_is_accepted_up_to_the_last_epoch_and_says_first_what_ends() {
    let made = Copied::begin();
    let broker = made.open();
    let ends = |now| broker.would_end(now).map(|ends| (ends.flags, ends.epochs, ends.lines > 0));
    assert_eq!(ends(day(4)).unwrap(), (0, Vec::new(), false));
    assert_eq!(ends(last_day().plus(1).start()).unwrap(), (1, Vec::new(), false));
    for error in [broker.accept_clock(past()).unwrap_err(), ends(past()).unwrap_err()] {
        assert!(matches!(error, BrokerError::ClockPastEpochs { .. }), "{error}");
    }
    assert_eq!(broker.status().epochs[0].partners[0].held, 1);
    assert!(made.has_keys());
    assert_eq!(broker.release(day(1)).unwrap().len(), 1, "with the right clock all is as it was");

    // A newer policy is adopted all the same, which ends nothing; then the clock is accepted.
    let newer = with_second_epoch();
    let newer = newer.path().join("policy.toml");
    assert_eq!(broker.release(past()).unwrap_err().code(), "clock_ahead");
    broker.adopt_policy(&newer, past()).unwrap();
    assert!(made.has_keys());
    assert_eq!(broker.release(past()).unwrap_err().code(), "clock_ahead", "nobody said yet that it is right");
    assert_eq!(ends(past()).unwrap(), (1, vec![1], false));
    assert_eq!(broker.status().epochs[0].partners[0].held, 1, "it was only asked");
    broker.accept_clock(past()).unwrap();
    assert_eq!(broker.status().epochs[0].number, 2);
    assert!(!made.has_keys());
    verify_log(&broker);
}

#[test]
fn an_ordinary_release_closes_the_last_epoch() {
    let made = Copied::begin();
    let broker = made.open();
    let closes = sample::policy().epochs[0].closes.start();
    broker.accept_clock(closes).unwrap();
    assert!(made.has_keys());
    broker.release(past()).unwrap();
    assert!(broker.status().epochs.is_empty() && !made.has_keys());
}

/// The policy that follows the sample and has a second epoch, which opens before the first closes.
fn with_second_epoch() -> tempfile::TempDir {
    let first = &sample::policy().epochs[0];
    let closes = format!("closes = {}\n", first.closes);
    let second = format!(
        "{closes}[[epoch]]\nnumber = 2\nkey_id = \"aa23456789abcdef0123456789abcdef\"\nopens = {}\ncloses = {}\n",
        "2027-11-20",
        first.closes.plus(300)
    );
    let follows = format!("version = 2\nprevious = \"{}\"\n", sample::signed().digest());
    sample::folder(&sample::changed_text(&[("version = 1\n", &follows), (&closes, &second)]))
}

#[test]
fn a_clock_that_is_behind_is_said_once() {
    let made = Copied::begin();
    let broker = made.open();
    broker.release(day(1)).unwrap();
    for behind in [Timestamp(day(1).0 - 300), Timestamp(day(1).0 - 100)] {
        assert_eq!(broker.release(behind).unwrap_err().code(), "clock");
        let said: Vec<Fault> =
            broker.status().faults_at(behind, 2).into_iter().filter(|fault| fault.code == "clock").collect();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].since.is_some() && said[0].finding.contains(&behind.to_string()), "{said:?}");
    }
}
