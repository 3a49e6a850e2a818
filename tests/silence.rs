//! What a broker does after days on which nobody ran it: what is safe goes on, and what destroys waits for a person.

use std::fs;

use stapel::audit::{Event, LogRow};
use stapel::broker::Destroys;
use stapel::message::{Question, Reply, Request};
use stapel::{Broker, Clock, Pseudonym, Timestamp};
use stapel_testkit as testkit;
use stapel_testkit::{
    Client, DAY, Flag, ROSTER, START, code, noon, policy_text, pseudonym, stored_keys, two_epochs, write_policy,
};

struct Town {
    folder: tempfile::TempDir,
    broker: Option<Broker>,
    clients: Vec<Client>,
}

impl Town {
    /// Three organisations flag 1 through December and 2 through January, in both epochs; last released on day 8.
    fn settled() -> Town {
        let folder = tempfile::tempdir().unwrap();
        write_policy(&folder.path().join("policy.toml"), &policy_text(&ROSTER[..3], &two_epochs()));
        let keys = stored_keys(&folder.path().join("keys"));
        let broker = Broker::create(&folder.path().join("broker"), keys, &folder.path().join("policy.toml"), START);
        let broker = broker.unwrap();
        let policy = broker.policy();
        let clients = [1, 2, 3].map(|number| Client::new(number, &policy)).to_vec();
        let mut town = Town { folder, broker: Some(broker), clients };
        for number in [0, 3] {
            for at in 0..3 {
                town.enter(at, if number == 0 { 1 } else { 2 });
                assert_eq!(town.full_set(at, noon(number)), "ok");
            }
        }
        for number in [4, 6, 8] {
            town.broker().release(noon(number)).unwrap();
        }
        town
    }

    fn broker(&self) -> &Broker {
        self.broker.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.broker = None;
        let keys = stored_keys(&self.folder.path().join("keys"));
        self.broker = Some(Broker::open(&self.folder.path().join("broker"), keys).unwrap());
    }

    /// Has a client speak in an epoch.
    fn enter(&mut self, at: usize, epoch: u32) {
        (self.clients[at].epoch, self.clients[at].key_id) = (epoch, testkit::secret(epoch).key_id());
    }

    fn full_set(&mut self, at: usize, now: Timestamp) -> &'static str {
        let flags: [Flag; 2] = [(pseudonym(1), testkit::day("2026-12-31")), (pseudonym(2), testkit::day("2027-01-31"))];
        let message = self.clients[at].full_set(&flags, stapel::message::Part { number: 1, of: 1 }, now);
        code(&testkit::read(&self.broker().handle(&message, now)))
    }

    fn send(&mut self, at: usize, message: Vec<u8>, now: Timestamp) -> &'static str {
        let broker = self.broker.as_ref().unwrap();
        code(&self.clients[at].send(broker, &message, now))
    }

    fn withdrawal(&mut self, at: usize, of: Pseudonym, time: Timestamp) -> Vec<u8> {
        let before = self.clients[at].accepted;
        let message = self.clients[at].delta(&[], &[of], time);
        self.clients[at].accepted = before;
        message
    }

    /// Whether each of two pseudonyms is stacked.
    fn stacked(&mut self, now: Timestamp) -> [bool; 2] {
        self.enter(0, 2);
        let pseudonyms = [pseudonym(1), pseudonym(2)];
        let question = Question { sweep: None, pseudonyms: &pseudonyms };
        let broker = self.broker.as_ref().unwrap();
        match self.clients[0].say(broker, &Request::Question(question), now) {
            Reply::Answer(answer) => [0, 1].map(|at| answer.standings[at] > 1),
            other => panic!("{other:?}"),
        }
    }

    fn has_keys(&self, epoch: u32) -> bool {
        self.folder.path().join(format!("keys/epoch-{epoch}.pepper")).exists()
    }

    /// How many lines the log has on a purge.
    fn purges(&self) -> usize {
        let mut purges = 0;
        let visited = self.broker().log_rows(|_, row| {
            purges += usize::from(matches!(row, LogRow::Line(line) if matches!(line.event, Event::Purge { .. })));
            Ok(())
        });
        visited.unwrap();
        purges
    }

    /// The moments that lines on an accepted clock name.
    fn accepted(&self) -> Vec<Timestamp> {
        let mut accepted = Vec::new();
        let visited = self.broker().log_rows(|_, row| {
            if let LogRow::Line(line) = row
                && let Event::ClockAccepted { last } = line.event
            {
                accepted.push(last);
            }
            Ok(())
        });
        visited.unwrap();
        accepted
    }
}

#[test]
fn after_a_long_weekend_what_is_safe_goes_on_and_what_destroys_waits() {
    let mut town = Town::settled();
    let last = noon(8).day().start();
    let purges = town.purges();
    assert_eq!(town.broker().status().silence, None);
    // Four days; the first epoch is over by then.
    let now = noon(12);
    assert_eq!(town.stacked(now), [true, true]);
    town.enter(1, 2);
    let withdrawal = town.withdrawal(1, pseudonym(2), now);
    assert_eq!(town.send(1, withdrawal, now), "ok");
    let status = town.broker().status();
    let silence = status.silence.unwrap();
    assert_eq!((silence.since, silence.seconds), (last, now.since(last)));
    assert_eq!(
        status.epochs.iter().map(|epoch| (epoch.number, epoch.as_of)).collect::<Vec<_>>(),
        [(1, now.day().start()), (2, now.day().start()),]
    );
    let faults = status.faults_at(now, 1_000);
    let codes: Vec<_> = faults.iter().map(|fault| (fault.code.as_str(), fault.since)).collect();
    assert!(codes.contains(&("clock_unconfirmed", Some(last))), "{faults:?}");

    // The first epoch waits to be closed. Whoever speaks in it is told that it is over, and goes on in the other.
    town.enter(2, 1);
    assert_eq!(town.full_set(2, now), "wrong_epoch");
    town.reopen();
    assert_eq!(town.broker().status().silence, Some(silence));
    town.broker().release(noon(13)).unwrap();
    assert_eq!(town.purges(), purges, "what was withdrawn is in the files until a person has looked");
    assert!(town.has_keys(1) && fs::read_dir(town.folder.path().join("keys")).unwrap().count() > 3);
    assert_eq!(town.broker().purge(noon(13)).unwrap_err().code(), "clock_unconfirmed");
    assert_eq!(town.stacked(noon(13)), [true, true], "two organisations flag what one withdrew");

    // A person looks.
    let would_end = town.broker().would_end(noon(13)).unwrap();
    assert_eq!(would_end.epochs, [1]);
    town.broker().accept_clock(noon(13)).unwrap();
    assert_eq!((town.has_keys(1), town.broker().status().silence), (false, None));
    assert_eq!(town.purges(), purges + 1);
    assert_eq!(town.accepted(), [last]);
    town.enter(2, 1);
    assert_eq!(town.full_set(2, noon(13)), "wrong_epoch");
    town.broker().purge(noon(13)).unwrap();
    // Nothing is left to say, and nothing is said.
    town.broker().accept_clock(noon(13)).unwrap();
    assert_eq!(town.accepted(), [last]);
}

#[test]
fn two_weeks_that_nobody_confirmed_are_the_bound() {
    // By midnight of day 8, the last release: two silences of seven days, or one of fourteen.
    for days in [vec![15, 22], vec![22]] {
        let mut town = Town::settled();
        for number in days {
            assert!(town.stacked(noon(number).day().start())[1]);
        }
        assert_eq!(town.broker().status().silence.unwrap().seconds, 14 * DAY);
        let latest = town.broker().status().latest;
        town.broker().check_clock(latest.plus(3 * DAY)).unwrap();
        let late = latest.plus(3 * DAY + 1);
        assert_eq!(town.broker().check_clock(late).unwrap_err().code(), "clock_ahead");
        town.enter(1, 2);
        assert_eq!(town.full_set(1, late), "unavailable");
        // Once a person has looked there are two weeks more.
        town.broker().accept_clock(late).unwrap();
        town.broker().check_clock(late.plus(13 * DAY)).unwrap();
    }
}

/// Nobody knows whose clock is wrong, and a withdrawal needs none.
#[test]
fn a_withdrawal_of_another_time_is_taken_while_the_clock_is_not_confirmed() {
    for silent in [2, 5] {
        let mut town = Town::settled();
        let now = noon(8 + silent);
        town.enter(1, 2);
        town.enter(2, 2);
        let wrong = Timestamp(now.0 - 3 * DAY);
        let message = town.clients[1].message(&Request::Confirm, wrong);
        let withdrawal = town.withdrawal(2, pseudonym(2), wrong);
        let Reply::Rejection(confirmed) = testkit::read(&town.broker().handle(&message, now)) else { panic!("taken") };
        assert_eq!(confirmed.code.as_str(), "clock");
        assert_eq!(confirmed.sentence.contains("if yours is right, tell the operator"), silent == 5);
        assert_eq!(town.send(2, withdrawal, now), if silent == 5 { "ok" } else { "clock" }, "after {silent} days");
        let message = town.clients[1].message(&Request::Confirm, now);
        assert_eq!(town.send(1, message, now), "ok");
    }
}

/// The clock says that the first epoch is over, and the caller is not sure enough of it.
#[test]
fn a_clock_that_may_destroy_nothing_shows_and_ends_flags_all_the_same() {
    let mut town = Town::settled();
    let unsure = |now| Clock::from(now).destroying(Destroys::Nothing);
    let purges = town.purges();
    for number in [9, 10, 11] {
        // A release of each day, so that there is no silence.
        assert_eq!(town.broker().release(unsure(noon(number))).unwrap().len(), 2, "day {number}");
    }
    town.enter(1, 2);
    let withdrawal = town.withdrawal(1, pseudonym(2), noon(11));
    assert_eq!(code(&testkit::read(&town.broker().handle(&withdrawal, unsure(noon(11))))), "ok");
    town.broker().release(unsure(noon(12))).unwrap();
    let status = town.broker().status();
    assert_eq!(status.silence, None);
    let held_back = status.held_back.clone().unwrap();
    assert!(held_back.epochs == [1] && held_back.rows > 0, "{held_back:?}");
    let faults = status.faults_at(noon(12), 1_000);
    let fault = faults.iter().find(|fault| fault.code == "clock_unconfirmed").unwrap();
    assert!(fault.finding.contains("epoch 1 is over") && fault.finding.contains("accept-clock"), "{fault:?}");
    assert_eq!(town.broker().purge(unsure(noon(12))).unwrap_err().code(), "clock_unconfirmed");
    assert!(town.has_keys(1) && town.purges() == purges);
    // Whoever speaks in it is told that it is over all the same.
    town.enter(2, 1);
    assert_eq!(town.full_set(2, noon(12)), "wrong_epoch");
    // That was under a plain clock, which may destroy, so that the epoch closed.
    assert!(!town.has_keys(1));
    town.broker().release(noon(12)).unwrap();
    assert_eq!((town.purges(), town.broker().status().held_back), (purges + 1, None));
    assert_eq!(town.accepted(), []);
}

#[test]
fn a_clock_that_nobody_is_sure_of_holds_nothing_back_where_nothing_waits() {
    let town = Town::settled();
    town.broker().release(noon(9)).unwrap();
    town.broker().release(Clock::from(noon(9).plus(60)).destroying(Destroys::Nothing)).unwrap();
    let status = town.broker().status();
    assert_eq!(status.held_back, None);
    assert!(status.faults_at(noon(9).plus(60), 1_000).iter().all(|fault| fault.code != "clock_unconfirmed"));
}

#[test]
fn what_a_clock_holds_back_is_destroyed_once_a_person_says_that_it_is_right_and_the_log_says_so() {
    let town = Town::settled();
    let unsure = |now| Clock::from(now).destroying(Destroys::Nothing);
    for number in [9, 10, 11, 12] {
        town.broker().release(unsure(noon(number))).unwrap();
    }
    let latest = town.broker().status().latest;
    assert!(town.has_keys(1));
    assert_eq!(town.broker().would_end(noon(12)).unwrap().epochs, [1]);
    town.broker().accept_clock(noon(12)).unwrap();
    assert_eq!((town.has_keys(1), town.accepted()), (false, vec![latest]));
    assert_eq!(town.broker().status().held_back, None);
    town.broker().accept_clock(noon(12)).unwrap();
    assert_eq!(town.accepted(), [latest], "nothing was left to say");
}

/// What a person accepts is purged at once, and no later purge is let through by it: its refusal says so.
#[test]
fn a_purge_under_a_clock_that_nobody_is_sure_of_is_refused_also_after_it_was_accepted() {
    let mut town = Town::settled();
    let unsure = |now| Clock::from(now).destroying(Destroys::Nothing);
    town.enter(1, 2);
    let withdrawal = town.withdrawal(1, pseudonym(2), noon(9));
    assert_eq!(code(&testkit::read(&town.broker().handle(&withdrawal, unsure(noon(9))))), "ok");
    town.broker().release(unsure(noon(10))).unwrap();
    let purges = town.purges();
    let refusal = |town: &Town| {
        let error = town.broker().purge(unsure(noon(10))).unwrap_err();
        assert_eq!(error.code(), "clock_unconfirmed");
        error.to_string()
    };
    let said = refusal(&town);
    assert!(said.contains("a purge by itself stays refused until the clock is kept in step"), "{said}");
    town.broker().accept_clock(noon(10)).unwrap();
    assert_eq!((town.purges(), town.broker().status().held_back), (purges + 1, None));
    assert_eq!(refusal(&town), said);
    town.broker().purge(noon(10)).unwrap();
}

/// After the machine's clock was set, messages of two organisations are evidence; those of one are none.
#[test]
fn keys_are_destroyed_once_messages_of_two_organisations_are_dated_past_the_end() {
    let mut town = Town::settled();
    town.reopen();
    let attested = |now| Clock::from(now).destroying(Destroys::Attested);
    for number in [9, 10, 11] {
        town.broker().release(attested(noon(number))).unwrap();
    }
    assert_eq!(town.broker().attested(), Timestamp(0));
    // The last day of the first epoch is day 9. What is dated on that day says nothing of its end.
    let say = |town: &mut Town, at: usize, time: Timestamp| {
        town.enter(at, 2);
        let message = town.clients[at].message(&Request::Confirm, time);
        let reply = town.broker().handle(&message, attested(noon(11)));
        town.clients[at].accepted = 0;
        code(&testkit::read(&reply))
    };
    say(&mut town, 0, noon(9));
    say(&mut town, 1, noon(11));
    say(&mut town, 1, noon(11));
    assert_eq!(town.broker().attested(), noon(9));
    town.broker().release(attested(noon(11))).unwrap();
    assert!(town.has_keys(1), "one organisation is no evidence");
    let purges = town.purges();
    say(&mut town, 2, noon(10));
    assert_eq!(town.broker().attested(), noon(10));
    town.broker().release(attested(noon(11))).unwrap();
    assert!(!town.has_keys(1));
    assert_eq!(town.purges(), purges, "what ended since waits still");
    say(&mut town, 2, noon(11));
    town.broker().release(attested(noon(11))).unwrap();
    assert_eq!((town.purges(), town.broker().status().held_back), (purges + 1, None));
}
