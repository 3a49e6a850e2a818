//! Kills `stapel broker serve` with SIGKILL while partners talk to it: every receipt that one was given is honoured
//! afterwards, and no answer is charged twice.
//!
//! Each partner has a state message and a question under way all the time. What got no reply before a kill is sent
//! again after it, as spec/carrier.md has it; then a status reply must agree to the last number with what the partner
//! knows.
//!
//! `STAPEL_KILLS` says how often; without it 8 times.

#![allow(clippy::print_stdout)] // How much was met is what the long form of this is run for.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stapel::Broker;
use stapel::audit::{Checkpoint, ExportedLog, LogKey};
use stapel::message::{Answer, LogEntry, Receipt, Reply, Request, StatusReply, StatusRequest};
use stapel_service::client::Carrier;
use stapel_testkit as testkit;
use stapel_testkit::{Client, ROSTER, Seeded, code, pseudonym, stored_keys};

use crate::served::{ASKED, PARTNERS, Server, Town};

/// Of how many addresses the partners speak.
const PSEUDONYMS: usize = 60;

/// How long the load goes on before a kill, in microseconds at most.
const LOAD: usize = 400_000;

/// A kill ends every attempt. One that fails without a kill is a fault, which is told after this time.
const NO_KILL: Duration = Duration::from_secs(60);

/// The flags that partners deliver before the broker is served. Only those are released: no day ends in the test.
fn first_flags(at: usize) -> Vec<u8> {
    (0..PSEUDONYMS as u8).filter(|flag| (usize::from(*flag) + at).is_multiple_of(at + 2)).collect()
}

/// What somebody is answered of a pseudonym.
fn standing(at: usize, flag: u8) -> u8 {
    match (0..usize::from(PARTNERS)).filter(|other| first_flags(*other).contains(&flag)).count() {
        count if count < 2 => 0,
        count => match ROSTER[at].sees {
            "presence" => 255,
            "band" => 2,
            _ => count.min(3) as u8,
        },
    }
}

/// What a message says.
#[derive(Clone)]
enum Said {
    Delta { flagged: BTreeSet<u8>, withdrawn: BTreeSet<u8> },
    Confirm,
    Question(BTreeSet<u8>),
}

/// One of a partner's series: of state messages, or of questions.
struct Series {
    at: usize,
    asks: bool,
    client: Client,
    random: Seeded,
    /// What was sent and got no reply yet.
    under_way: Option<(Vec<u8>, Said)>,
    /// The last message that was replied to, and the reply.
    last: Option<(Vec<u8>, Vec<u8>)>,
    /// Of state messages, what the partner holds.
    held: BTreeSet<u8>,
    /// Of questions, about how many pseudonyms they were that were free, for a released flag of the partner's own: in a
    /// release as many as it has such flags.
    free: usize,
    /// And about how many others.
    charged: u32,
    /// The lines of the log that replies named.
    entries: Vec<LogEntry>,
}

impl Series {
    fn new(at: usize, asks: bool, client: &Client) -> Series {
        let random = Seeded::new(2 * at as u64 + u64::from(asks));
        let held = first_flags(at).into_iter().collect();
        let (under_way, last, free, charged, entries) = (None, None, 0, 0, Vec::new());
        Series { at, asks, client: client.clone(), random, under_way, last, held, free, charged, entries }
    }

    fn draw(&mut self, most: usize) -> BTreeSet<u8> {
        (0..1 + self.random.below(most)).map(|_| self.random.below(PSEUDONYMS) as u8).collect()
    }

    /// Makes its next message.
    fn make(&mut self, town: &Town) -> (Vec<u8>, Said) {
        let now = town.now();
        if self.asks {
            let asked = self.draw(30);
            let pseudonyms: Vec<_> = asked.iter().map(|flag| pseudonym(*flag)).collect();
            return (self.client.question(&pseudonyms, now), Said::Question(asked));
        }
        if self.random.below(5) == 0 {
            let message = self.client.message(&Request::Confirm, now);
            self.client.accepted = self.client.highest_state;
            return (message, Said::Confirm);
        }
        let flagged = self.draw(12);
        let withdrawn: BTreeSet<u8> = self.draw(12).difference(&flagged).copied().collect();
        let last_day = testkit::day("2027-07-31");
        let flags: Vec<_> = flagged.iter().map(|flag| (pseudonym(*flag), last_day)).collect();
        let gone: Vec<_> = withdrawn.iter().map(|flag| pseudonym(*flag)).collect();
        (self.client.delta(&flags, &gone, now), Said::Delta { flagged, withdrawn })
    }

    /// Has the message that is under way replied to, or a new one; whether there was a reply.
    fn go_on(&mut self, town: &Town, carrier: &Carrier) -> bool {
        let (message, said) = self.under_way.take().unwrap_or_else(|| self.make(town));
        let Ok(bytes) = carrier.exchange(&message, Duration::ZERO) else {
            self.under_way = Some((message, said));
            return false;
        };
        match (testkit::read(&bytes), said) {
            (Reply::Receipt(Receipt { held, log, .. }), said) => {
                if let Said::Delta { flagged, withdrawn } = said {
                    self.held.extend(flagged);
                    self.held.retain(|flag| !withdrawn.contains(flag));
                }
                assert_eq!(held as usize, self.held.len());
                self.entries.push(log);
            }
            (Reply::Answer(Answer { standings, log, .. }), Said::Question(asked)) => {
                let expected: Vec<u8> = asked.iter().map(|flag| standing(self.at, *flag)).collect();
                assert_eq!(standings, expected);
                let own = first_flags(self.at);
                let free = asked.iter().filter(|flag| own.contains(flag)).count().min(own.len() - self.free);
                self.free += free;
                self.charged += (asked.len() - free) as u32;
                self.entries.push(log);
            }
            (other, _) => panic!("partner {}: {}", self.client.number, code(&other)),
        }
        self.last = Some((message, bytes));
        true
    }

    /// The last message gets the same reply again. Where one came after it, that one may have been accepted.
    fn check_last(&self, carrier: &Carrier) {
        let Some((message, reply)) = &self.last else { return };
        let again = carrier.exchange(message, Duration::ZERO).unwrap();
        if again != *reply {
            assert_eq!((code(&testkit::read(&again)), self.under_way.is_some()), ("stale", true));
        }
    }

    /// What was replied to is there, and what was not is taken up.
    fn check(&mut self, town: &Town, carrier: &Carrier) {
        self.check_last(carrier);
        if self.under_way.is_some() {
            assert!(self.go_on(town, carrier));
        }
        self.check_last(carrier);
    }
}

/// Both series of a partner.
struct Talk {
    states: Series,
    questions: Series,
}

impl Talk {
    fn check(&mut self, town: &Town, server: &Server) {
        let carrier = town.carrier(self.states.client.number, server);
        self.states.check(town, &carrier);
        self.questions.check(town, &carrier);
        let client = &mut self.questions.client;
        let request = Request::Status(StatusRequest { tree_size: 0, lines: Vec::new(), receipt: Vec::new() });
        let reply = carrier.exchange(&client.message(&request, town.now()), Duration::ZERO).unwrap();
        let status = match testkit::read(&reply) {
            Reply::Status(status) => status,
            other => panic!("{}", code(&other)),
        };
        let StatusReply { accepted_state, highest_state, highest_question, held, .. } = status;
        let last = self.states.client.highest_state;
        assert_eq!((accepted_state, highest_state), (last, last));
        assert_eq!(highest_question, client.highest_question);
        assert_eq!(held as usize, self.states.held.len());
        let left = ASKED - self.questions.charged;
        assert_eq!((status.asked_left_today, status.asked_left_epoch), (left, left));
    }

    fn series(&mut self) -> [&mut Series; 2] {
        [&mut self.states, &mut self.questions]
    }
}

/// Talks until the server is killed.
fn load(town: &Town, server: Server, talks: &mut [Talk], pause: Duration) {
    let is_killed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for talk in talks {
            for series in talk.series() {
                let carrier = town.carrier(series.client.number, &server);
                let is_killed = &is_killed;
                scope.spawn(move || {
                    while series.go_on(town, &carrier) {}
                    let failed = Instant::now();
                    while !is_killed.load(Ordering::SeqCst) {
                        assert!(failed.elapsed() < NO_KILL, "no reply, and no kill");
                        std::thread::sleep(Duration::from_millis(1));
                    }
                });
            }
        }
        std::thread::sleep(pause);
        server.kill();
        is_killed.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_server_that_is_killed_under_load_honours_its_receipts_and_charges_nothing_twice() {
    let kills: u64 = std::env::var("STAPEL_KILLS").map_or(8, |kills| kills.parse().unwrap());
    let mut random = Seeded::new(kills);
    let (town, clients) = Town::new(first_flags);
    let mut talks: Vec<Talk> = clients
        .iter()
        .enumerate()
        .map(|(at, client)| Talk { states: Series::new(at, false, client), questions: Series::new(at, true, client) })
        .collect();
    let mut under_way = 0;
    for kill in 0..kills {
        // Every fourth dies while it begins.
        if kill % 4 == 3 {
            let server = town.spawn();
            std::thread::sleep(Duration::from_micros(random.below(200_000) as u64));
            server.kill();
            continue;
        }
        let server = town.serve();
        talks.iter_mut().for_each(|talk| talk.check(&town, &server));
        load(&town, server, &mut talks, Duration::from_micros(random.below(LOAD) as u64));
        under_way += talks.iter_mut().flat_map(Talk::series).filter(|series| series.under_way.is_some()).count();
    }
    let server = town.serve();
    talks.iter_mut().for_each(|talk| talk.check(&town, &server));
    assert!(server.stop().success());

    let broker = Broker::open(&town.path("broker"), stored_keys(&town.path("keys"))).unwrap();
    let mut log = ExportedLog::default();
    broker.log_rows(|index, row| Ok(log.push(row.to_json(index).as_bytes()).map(drop)?)).unwrap();
    let name = LogKey::of(town.policy.policy());
    let checkpoints = broker.checkpoints().unwrap();
    let checkpoints: Vec<_> = checkpoints.iter().map(|bytes| Checkpoint::verify(bytes, &name).unwrap()).collect();
    log.check(&checkpoints).unwrap();
    let entries: Vec<&LogEntry> =
        talks.iter().flat_map(|talk| talk.states.entries.iter().chain(&talk.questions.entries)).collect();
    for entry in &entries {
        assert_eq!(log.log().leaf(entry.index), Some(entry.leaf));
    }
    println!("{kills} kills: {} replies, {under_way} messages were under way when it was killed", entries.len());
    // Kills that met nothing would show nothing.
    assert!(under_way as u64 >= kills, "of {kills} kills, with {under_way} messages under way");
}
