//! An asker that plays its best to learn who flags what: from its answers, and from knowing besides on which day each
//! other organisation delivered something. What it can prove is counted.
//!
//! Its inference is exact for each address: it keeps all sets of others that may flag it, and after each answer those
//! that can follow and that the answer fits. A flag is attributed when every set left has its organisation.

use std::collections::BTreeSet;

use stapel::message::{Part, Reply, Request};
use stapel::policy::{Sees, SignedPolicy};
use stapel::{Broker, Pseudonym, Timestamp};
use stapel_testkit::*;

const ADDRESSES: u8 = 120;
const NAMES: [&str; 6] = ["een", "twee", "drie", "vier", "vijf", "zes"];
const LAST_DAYS: [&str; 2] = ["2027-05-31", "2027-06-30"];

/// How many days after the first one the second epoch opens.
const SECOND_OPENS: u64 = 105;

/// When a flag was added that is to be attributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// The first sets, which come one a day.
    FirstSets,
    /// Days on which each other organisation adds and withdraws something now and then.
    Daily,
    /// The first set of the last organisation, long after the others'.
    LateSet,
    /// Fortnights in which one organisation adds one flag and nobody else anything.
    Alone,
    /// After a restore all deliver again, one a day, and one of them some new flags.
    Restore,
    /// So it is in the next epoch.
    NextEpoch,
}

const PHASES: [Phase; 6] =
    [Phase::FirstSets, Phase::Daily, Phase::LateSet, Phase::Alone, Phase::Restore, Phase::NextEpoch];

struct Game {
    /// Where the broker is that is to be restored; others are in memory.
    folder: Option<tempfile::TempDir>,
    /// `None` only while it is restored.
    broker: Option<Broker>,
    policy: SignedPolicy,
    clients: Vec<Client>,
    /// How many organisations act together; they are the first.
    together: usize,
    /// Whether they know on which day each other organisation delivered something.
    knows_who_delivers: bool,
    day: u64,
    random: Seeded,
    /// What each organisation holds.
    held: Vec<BTreeSet<u8>>,
    /// Those that delivered something since the last answer, and since the last full release.
    delivered_lately: u32,
    delivered: u32,
    /// The epochs in which all deliver, the newest first.
    epochs: Vec<u32>,
    /// The sets of others that may flag each address, as a bit for each set.
    possible: Vec<u64>,
    /// By address and organisation: when the flag was added, and whether it is attributed.
    added: Vec<(u8, usize, Phase, bool)>,
    junk: u8,
}

impl Game {
    fn new(organisations: usize, sees: &'static str, together: usize, knows_who_delivers: bool) -> Game {
        let entry = |at: usize| Entry { number: at as u16 + 1, organisation: NAMES[at], may: r#""flag", "ask""#, sees };
        let roster: Vec<Entry> = (0..organisations).map(entry).collect();
        let names = "[[override]]\nrule = \"names-somebody\"\nreason = \"a test\"\n\
                     [retention]\nmax_days = 220\nmax_renewals = 0\n";
        let opens = START.day().plus(SECOND_OPENS as u16);
        let second =
            format!("[[epoch]]\nnumber = 2\nkey_id = \"{}\"\nopens = {opens}\ncloses = 2028-01-31\n", "2".repeat(32));
        let closes = format!("closes = {}\n{second}", opens.plus(30));
        let rules = RULES.replace("[budgets]", &format!("{names}[budgets]")).replace("closes = 2027-11-30\n", &closes);
        let text = policy_text(&roster, &rules);
        let policy = signed(&text);
        let folder = (knows_who_delivers && sees == "count").then(|| tempfile::tempdir().unwrap());
        let broker = match &folder {
            None => broker(&policy),
            Some(folder) => {
                let at = |name: &str| folder.path().join(name);
                write_policy(&at("policy.toml"), &text);
                Broker::create(&at("broker"), stored_keys(&at("keys")), &at("policy.toml"), START).unwrap()
            }
        };
        let mut game = Game {
            broker: Some(broker),
            folder,
            clients: roster.iter().map(|entry| Client::new(entry.number, &policy)).collect(),
            policy,
            together,
            knows_who_delivers,
            day: 0,
            random: Seeded::new(7),
            held: vec![BTreeSet::new(); organisations],
            delivered_lately: 0,
            delivered: 0,
            epochs: vec![1],
            possible: vec![1; ADDRESSES.into()],
            added: Vec::new(),
            junk: 0,
        };
        // The first flags all addresses, so that it may ask about them; whoever helps it flags none, so that no count
        // is capped by it.
        let all: BTreeSet<u8> = (0..ADDRESSES).collect();
        game.full_set(0, all);
        for at in 1..together {
            game.full_set(at, BTreeSet::new());
        }
        game
    }

    fn others(&self) -> std::ops::Range<usize> {
        self.together..self.clients.len()
    }

    fn now(&self, hour: u64) -> Timestamp {
        Timestamp((START.0 / DAY + self.day) * DAY + hour * 3_600)
    }

    fn send(&mut self, at: usize, message: &[u8], hour: u64) -> Reply {
        let now = self.now(hour);
        self.clients[at].send(self.broker.as_ref().unwrap(), message, now)
    }

    /// The client of an organisation, set to an epoch.
    fn client(&mut self, at: usize, epoch: u32) -> &mut Client {
        let listed = self.policy.policy().epoch(epoch).unwrap();
        (self.clients[at].epoch, self.clients[at].key_id) = (epoch, listed.key_id);
        &mut self.clients[at]
    }

    fn full_set(&mut self, at: usize, flags: BTreeSet<u8>) {
        let hour = if self.day == 0 { 13 } else { 8 };
        let rows: Vec<Flag> = flags.iter().map(|number| (pseudonym(*number), day(LAST_DAYS[0]))).collect();
        let now = self.now(hour);
        for epoch in self.epochs.clone() {
            let message = self.client(at, epoch).full_set(&rows, Part { number: 1, of: 1 }, now);
            assert_eq!(code(&self.send(at, &message, hour)), "ok");
        }
        self.note(at, flags);
    }

    /// Says that nothing changed, so that it stays fresh; the broker does not take that before a full set came.
    fn confirm(&mut self, at: usize) {
        let now = self.now(23);
        let epoch = self.epochs[self.epochs.len() - 1];
        let message = self.client(at, epoch).message(&Request::Confirm, now);
        self.send(at, &message, 23);
    }

    /// Notes what one of the others delivered.
    fn note(&mut self, at: usize, flags: BTreeSet<u8>) {
        self.held[at] = flags;
        if at >= self.together {
            self.delivered_lately |= 1 << (at - self.together);
        }
    }

    fn first_set(&mut self, at: usize, phase: Phase) {
        let mut flags = BTreeSet::new();
        while flags.len() < 40 {
            flags.insert(self.below(ADDRESSES));
        }
        self.added.extend(flags.iter().map(|number| (*number, at, phase, false)));
        self.full_set(at, flags);
    }

    /// All deliver again what they hold, those that act together first and then one a day; one of the others with some
    /// new flags.
    fn deliver_again(&mut self, phase: Phase) {
        for at in 0..self.together {
            self.full_set(at, if at == 0 { (0..ADDRESSES).collect() } else { BTreeSet::new() });
        }
        let others = self.others();
        for at in others.clone() {
            let mut flags = self.held[at].clone();
            if at == others.end - 1 {
                let new: Vec<u8> = (0..ADDRESSES).filter(|number| !flags.contains(number)).step_by(9).collect();
                for number in new {
                    flags.insert(number);
                    self.note_added(number, at, phase);
                }
            }
            self.full_set(at, flags);
            self.end_day();
        }
        (0..9).for_each(|_| self.end_day());
    }

    fn restore(&mut self) {
        let Some(folder) = &self.folder else { return };
        let at = |name: &str| folder.path().join(name);
        let now = self.now(1);
        self.broker.as_ref().unwrap().backup(&at("copy"), now).unwrap();
        self.broker = None;
        std::fs::remove_dir_all(at("broker")).unwrap();
        let keys = stored_keys(&at("keys"));
        self.broker = Some(Broker::restore(&at("copy"), &at("broker"), keys, now.plus(60)).unwrap());
        self.clients.iter_mut().for_each(|client| client.accepted = 0);
    }

    /// What was attributed before it was withdrawn stays attributed.
    fn note_added(&mut self, number: u8, at: usize, phase: Phase) {
        if !self.added.iter().any(|(address, by, ..)| (*address, *by) == (number, at)) {
            self.added.push((number, at, phase, false));
        }
    }

    /// One of the others adds some flags, and withdraws some.
    fn change(&mut self, at: usize, adds: usize, withdraws: usize, phase: Phase) {
        let mut flags = self.held[at].clone();
        let withdrawn: Vec<u8> = flags.iter().copied().skip(self.below(9).into()).take(withdraws).collect();
        flags.retain(|number| !withdrawn.contains(number));
        let mut new = BTreeSet::new();
        while new.len() < adds {
            let number = self.below(ADDRESSES);
            if !self.held[at].contains(&number) {
                new.insert(number);
            }
        }
        new.iter().for_each(|number| self.note_added(*number, at, phase));
        let rows: Vec<Flag> = new.iter().map(|number| (pseudonym(*number), day(LAST_DAYS[0]))).collect();
        let withdrawn: Vec<Pseudonym> = withdrawn.iter().map(|number| pseudonym(*number)).collect();
        flags.extend(new);
        let now = self.now(9);
        for epoch in self.epochs.clone() {
            let message = self.client(at, epoch).delta(&rows, &withdrawn, now);
            assert_eq!(code(&self.send(at, &message, 9)), "ok");
        }
        self.note(at, flags);
    }

    fn below(&mut self, bound: u8) -> u8 {
        self.random.below(bound.into()) as u8
    }

    /// Ends a day: those that act together do all that may bring a release about, and ask when the day has turned.
    fn end_day(&mut self) {
        self.junk = (self.junk + 1) % 100;
        let junk = |number: u8| pseudonym(ADDRESSES + number);
        for at in 0..self.together {
            let flip = (pseudonym(0), day(LAST_DAYS[usize::from(self.junk) % 2]));
            let mut rows = vec![(junk(self.junk), day(LAST_DAYS[0]))];
            rows.extend((at == 0).then_some(flip));
            let withdrawn = [junk((self.junk + 98) % 100)];
            let now = self.now(23);
            for epoch in self.epochs.clone() {
                let message = self.client(at, epoch).delta(&rows, &withdrawn, now);
                assert_eq!(code(&self.send(at, &message, 23)), "ok");
            }
        }
        if self.day % 7 == 3 {
            self.others().for_each(|at| self.confirm(at));
        }
        self.day += 1;
        if !self.knows_who_delivers {
            self.delivered_lately = !0;
        }
        self.delivered |= self.delivered_lately;
        let asked: Vec<Pseudonym> = (0..ADDRESSES).map(pseudonym).chain([junk(self.junk)]).collect();
        for epoch in self.epochs.clone() {
            let now = self.now(1);
            let question = self.client(0, epoch).question(&asked, now);
            match self.send(0, &question, 1) {
                Reply::Answer(answer) => {
                    self.learn(&answer.standings);
                    self.delivered_lately = 0;
                    return;
                }
                other => assert!(["other_epoch", "not_yet_answering"].contains(&code(&other)), "{}", code(&other)),
            }
        }
    }

    /// Draws all conclusions from the standings of all addresses and, at the end, of what the asker flagged today.
    fn learn(&mut self, standings: &[u8]) {
        let (told, own) = standings.split_at(ADDRESSES.into());
        // The own flag of today shows exactly after a full release.
        let was_full = own[0] != 1;
        let may_add = if was_full { self.delivered } else { 0 };
        let may_go = self.delivered_lately;
        let enough_sources = told.iter().any(|standing| *standing > 1);
        let counting = &self.policy.policy().counting;
        let sees = self.policy.policy().partners[0].sees;
        let others = self.others().len();
        for (possible, standing) in self.possible.iter_mut().zip(told) {
            if *standing == 1 {
                continue; // Its own flag does not show yet.
            }
            let fits = |set: u32| {
                let count = set.count_ones() as usize + 1;
                let stacked = match sees {
                    Sees::Presence => 255,
                    Sees::Band => counting.band(count).unwrap_or(0),
                    _ => count.min(counting.count_cap.into()) as u8,
                };
                let told = if count < counting.threshold.into() { 0 } else { stacked };
                (!enough_sources && *standing == 0) || told == *standing
            };
            let mut after = 0u64;
            for from in (0..1u32 << others).filter(|set| *possible & 1 << set != 0) {
                for to in (0..1u32 << others).filter(|set| fits(*set)) {
                    if (to & !from) & !may_add == 0 && (from & !to) & !may_go == 0 {
                        after |= 1 << to;
                    }
                }
            }
            assert_ne!(after, 0, "what the asker holds for possible is not what happened");
            *possible = after;
        }
        for (address, organisation, _, attributed) in &mut self.added {
            let bit = 1 << (*organisation - self.together);
            let possible = self.possible[usize::from(*address)];
            *attributed |= (0..1u32 << others).filter(|set| possible & 1 << set != 0).all(|set| set & bit != 0);
        }
        // Nobody is named that never flagged the address.
        for (address, possible) in (0..).zip(&self.possible) {
            let sure = (0..1u32 << others).filter(|set| *possible & 1 << set != 0).fold(!0, |sure, set| sure & set);
            for at in (0..others).filter(|at| sure & 1 << at != 0) {
                assert!(self.added.iter().any(|(number, by, ..)| (*number, *by) == (address, at + self.together)));
            }
        }
        if was_full {
            self.delivered = 0;
        }
    }

    /// All deliver in the first week; then come days of work, quiet fortnights, a restore and the next epoch.
    fn play(mut self) -> Game {
        for at in self.others() {
            self.first_set(at, Phase::FirstSets);
            self.end_day();
        }
        (0..9).for_each(|_| self.end_day());
        for _ in 0..20 {
            for at in self.others() {
                if self.below(3) == 0 {
                    self.change(at, 2, 1, Phase::Daily);
                }
            }
            self.end_day();
        }
        (0..9).for_each(|_| self.end_day());
        for at in self.others().take(2) {
            self.change(at, 1, 0, Phase::Alone);
            (0..14).for_each(|_| self.end_day());
        }
        if self.folder.is_some() {
            self.restore();
            self.deliver_again(Phase::Restore);
        }
        while self.day < SECOND_OPENS {
            self.end_day();
        }
        self.epochs.insert(0, 2);
        self.deliver_again(Phase::NextEpoch);
        self
    }

    /// All but one deliver in the first week, and that one after three.
    fn play_late(mut self) -> Game {
        let late = self.others().end - 1;
        for at in self.others().start..late {
            self.first_set(at, Phase::FirstSets);
            self.end_day();
        }
        while self.day < 21 {
            self.end_day();
        }
        self.first_set(late, Phase::LateSet);
        (0..9).for_each(|_| self.end_day());
        self
    }

    /// How many flags that were added in a phase were attributed, of how many.
    fn figure(&self, phase: Phase) -> (usize, usize) {
        let added = || self.added.iter().filter(|(_, _, of, _)| *of == phase);
        (added().filter(|(.., attributed)| *attributed).count(), added().count())
    }
}

/// The figures that stand in section 4.1 of spec/threats.md, a line for each game.
#[test]
fn an_asker_that_plays_its_best_attributes_no_more_than_the_threat_model_says() {
    let threats = include_str!("../spec/threats.md");
    let mut unsaid = Vec::new();
    for knows in [false, true] {
        for together in [1, 2] {
            for organisations in [3, 4, 6] {
                for sees in ["presence", "count"].into_iter().filter(|sees| knows || *sees == "count") {
                    let game = || Game::new(organisations, sees, together, knows);
                    let (whole, late) = (game().play(), game().play_late());
                    let mut line =
                        format!("| {} | {together} of {organisations}, {sees} |", if knows { "yes" } else { "no" });
                    for phase in PHASES {
                        let figure = if phase == Phase::LateSet { late.figure(phase) } else { whole.figure(phase) };
                        line += &format!(" {} of {} |", figure.0, figure.1);
                        if together == 1 && !knows {
                            assert!(figure.0 == 0, "{line}");
                        }
                    }
                    if !threats.contains(&line) {
                        unsaid.push(line);
                    }
                }
            }
        }
    }
    assert!(unsaid.is_empty(), "section 4.1 of spec/threats.md does not have:\n{}", unsaid.join("\n"));
}
