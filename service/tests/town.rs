//! A broker on disk, three partners, and clocks that the tests set.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use stapel::audit::{Event, LogRow};
use stapel::message::{Part, Request};
use stapel::{Broker, Timestamp};
use stapel_service::server::clock::{ServiceClock, Source};
use stapel_service::server::consortium::Consortium;
use stapel_testkit as testkit;
use stapel_testkit::{Client, ROSTER, START, code, policy_text, pseudonym, stored_keys, two_epochs, write_policy};

/// The clocks of a machine that a test sets.
#[derive(Default)]
pub(crate) struct Told {
    wall: AtomicU64,
    boot: AtomicU64,
    is_synchronised: AtomicBool,
}

impl Source for Told {
    fn wall(&self) -> Duration {
        Duration::from_secs(self.wall.load(Ordering::Relaxed))
    }

    fn boot(&self) -> Duration {
        Duration::from_secs(self.boot.load(Ordering::Relaxed))
    }

    fn is_synchronised(&self) -> bool {
        self.is_synchronised.load(Ordering::Relaxed)
    }
}

/// A handle on clocks that a test keeps.
#[derive(Clone)]
pub(crate) struct Clocks(pub(crate) Arc<Told>);

impl Source for Clocks {
    fn wall(&self) -> Duration {
        self.0.wall()
    }

    fn boot(&self) -> Duration {
        self.0.boot()
    }

    fn is_synchronised(&self) -> bool {
        self.0.is_synchronised()
    }
}

impl Clocks {
    fn at(now: Timestamp) -> Clocks {
        let told = Told::default();
        told.wall.store(now.0, Ordering::Relaxed);
        told.boot.store(1_000, Ordering::Relaxed);
        told.is_synchronised.store(true, Ordering::Relaxed);
        Clocks(Arc::new(told))
    }

    /// Lets time pass until a moment.
    pub(crate) fn pass_until(&self, now: Timestamp) {
        let passed = now.0 - self.0.wall.swap(now.0, Ordering::Relaxed);
        self.0.boot.fetch_add(passed, Ordering::Relaxed);
    }

    /// Sets the wall clock.
    pub(crate) fn set(&self, now: Timestamp) {
        self.0.wall.store(now.0, Ordering::Relaxed);
    }

    pub(crate) fn keep_in_step(&self, is_synchronised: bool) {
        self.0.is_synchronised.store(is_synchronised, Ordering::Relaxed);
    }
}

pub(crate) struct Town {
    folder: tempfile::TempDir,
    pub(crate) clocks: Clocks,
    pub(crate) consortium: Option<Arc<Consortium>>,
    pub(crate) clients: Vec<Client>,
}

impl Town {
    /// Three organisations flag 1 and 2 in the first epoch.
    pub(crate) fn new() -> Town {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        write_policy(&path("policy.toml"), &policy_text(&ROSTER[..3], &two_epochs()));
        let made = Broker::create(&path("broker"), stored_keys(&path("keys")), &path("policy.toml"), START).unwrap();
        let clients = [1, 2, 3].map(|number| Client::new(number, &made.policy())).to_vec();
        drop(made);
        let clocks = Clocks::at(START);
        let mut town = Town { folder, clocks, consortium: None, clients };
        town.open();
        for at in 0..3 {
            let flags = [1, 2].map(|number| (pseudonym(number), testkit::day("2026-12-31")));
            let message = town.clients[at].full_set(&flags, Part { number: 1, of: 1 }, START);
            assert_eq!(town.send(&message), "ok");
        }
        town
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Opens the broker, as a service that begins now.
    pub(crate) fn open(&mut self) {
        self.open_with(self.clocks.clone());
    }

    pub(crate) fn open_with(&mut self, clocks: impl Source + 'static) {
        self.consortium = None;
        let clock = Arc::new(ServiceClock::new(clocks));
        let opened =
            Consortium::open(self.path("broker"), self.path("keys"), stapel::Threads::default(), clock).unwrap();
        self.consortium = Some(Arc::new(opened));
    }

    pub(crate) fn consortium(&self) -> &Arc<Consortium> {
        self.consortium.as_ref().unwrap()
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.consortium().broker
    }

    pub(crate) fn send(&self, message: &[u8]) -> &'static str {
        let clock = self.consortium().clock.read(self.broker());
        code(&testkit::read(&self.broker().handle(message, clock)))
    }

    /// Has a client say that nothing changed, in the second epoch.
    pub(crate) fn confirm(&mut self, at: usize, time: Timestamp) -> &'static str {
        (self.clients[at].epoch, self.clients[at].key_id) = (2, testkit::secret(2).key_id());
        let message = self.clients[at].message(&Request::Confirm, time);
        self.send(&message)
    }

    pub(crate) fn has_keys(&self, epoch: u32) -> bool {
        self.path(&format!("keys/epoch-{epoch}.pepper")).exists()
    }

    /// How many lines of the log are of this kind.
    pub(crate) fn lines(&self, is_it: impl Fn(&Event) -> bool) -> usize {
        let mut found = 0;
        let visited = self.broker().log_rows(|_, row| {
            found += usize::from(matches!(row, LogRow::Line(line) if is_it(&line.event)));
            Ok(())
        });
        visited.unwrap();
        found
    }

    pub(crate) fn releases(&self) -> usize {
        self.lines(|event| matches!(event, Event::Release { .. }))
    }
}
