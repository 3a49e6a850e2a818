//! Mishaps: messages and replies are lost, doubled, reordered, late and of before; old copies of the partner's folder
//! are put back, the broker is restored or made anew, clocks stand still and days pass. Afterwards a partner and an
//! honest broker agree again in a bounded number of exchanges, nothing that was withdrawn goes on counting, nobody is
//! blamed, and a person is asked only where the partner's own folder forgot what it had said.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use stapel::audit::{Event, LogRow};
use stapel::message::{Code, FullSet, Group, Part, Rejection, RenewalReason, Reply, Request, Terms};
use stapel::partner::{Next, PartnerError, Received};
use stapel::{AddressKey, Broker, Case, Level, Partner, Policy, Pseudonym, PseudonymKey, Timestamp};
use stapel_testkit as testkit;
use stapel_testkit::{Client, Entry, START};

const DAY: u64 = 86_400;

/// The partner that is played; one that flags all, and one that asks about all, so that what the broker counts is seen.
const PARTIES: [Entry; 3] = [
    Entry { number: 1, organisation: "politie", may: r#""flag", "ask""#, sees: "count" },
    Entry { number: 2, organisation: "belastingdienst", may: r#""flag""#, sees: "count" },
    Entry { number: 3, organisation: "zaanwonen", may: r#""ask""#, sees: "presence" },
];

/// More exchanges than this the parties may never need: days over which a budget is spread are counted apart.
const MOST_EXCHANGES: usize = 12;

/// Where epochs overlap: the day on which the second opens, and the last of the first.
const SECOND_OPENS: &str = "2026-12-15";
const FIRST_CLOSES: &str = "2026-12-25";

/// So that flags end within a history.
const MAX_DAYS: u16 = 31;

/// A flag of the other flagger's can be renewed twice, and so stands for all of a history.
const LONGEST_HISTORY: u64 = 50 * DAY;

/// How many homes there are: three at each of four house numbers.
const HOMES: u8 = 12;

/// With the house numbers, each of which may be flagged alone.
const ADDRESSES: u8 = HOMES + HOMES / 3;

#[derive(Clone, Debug)]
enum Step {
    Flag(BTreeSet<u8>),
    Withdraw(BTreeSet<u8>),
    Renew(BTreeSet<u8>),
    Replace {
        homes: BTreeSet<u8>,
        shrink: bool,
    },
    /// What there is to deliver, each message and each reply of which may be lost.
    Deliver {
        confirm: bool,
        arrives: u8,
        returns: u8,
    },
    Ask {
        arrives: bool,
        returns: bool,
    },
    Status {
        arrives: bool,
        returns: bool,
    },
    /// One of all messages so far comes to the broker once more.
    Double(usize),
    /// One of all replies so far comes to the partner, once more or for the first time.
    Late(usize),
    GiveUp(usize),
    Wait {
        hours: u16,
    },
    /// The operator's daily call.
    Release,
    /// Both programs end, and are started again.
    Restart,
    CopyFolder,
    PutFolderBack,
    BackUp,
    Restore,
    MakeBrokerAnew,
    /// From here on nothing goes wrong, and all is looked at.
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    let homes = |most| prop::collection::btree_set(0..ADDRESSES, 1..most);
    let index = || 0usize..1_000;
    // Each bit is a message that comes through.
    let mostly = || prop_oneof![2 => Just(0xffu8), 2 => any::<u8>(), 1 => Just(0u8)];
    prop_oneof![
        4 => homes(6).prop_map(Step::Flag),
        4 => homes(8).prop_map(Step::Withdraw),
        1 => homes(12).prop_map(Step::Renew),
        1 => (homes(12), any::<bool>()).prop_map(|(homes, shrink)| Step::Replace { homes, shrink }),
        8 => (prop::bool::weighted(0.2), mostly(), mostly())
            .prop_map(|(confirm, arrives, returns)| Step::Deliver { confirm, arrives, returns }),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(arrives, returns)| Step::Ask { arrives, returns }),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(arrives, returns)| Step::Status { arrives, returns }),
        3 => index().prop_map(Step::Double),
        4 => index().prop_map(Step::Late),
        4 => index().prop_map(Step::GiveUp),
        3 => (1u16..40).prop_map(|hours| Step::Wait { hours }),
        1 => (70u16..400).prop_map(|hours| Step::Wait { hours }),
        1 => Just(Step::Release),
        1 => Just(Step::Restart),
        1 => Just(Step::CopyFolder),
        1 => Just(Step::PutFolderBack),
        1 => Just(Step::BackUp),
        1 => Just(Step::Restore),
        1 => prop::bool::weighted(0.3).prop_map(|anew| if anew { Step::MakeBrokerAnew } else { Step::Restart }),
        2 => Just(Step::Settle),
    ]
}

#[derive(Clone, Copy, Debug)]
struct Rules {
    house_numbers: bool,
    /// Whether a second epoch opens on the fifteenth day; the first closes ten days later.
    overlap: bool,
    new_flags_a_day: u32,
}

fn rules() -> impl Strategy<Value = Rules> {
    (any::<bool>(), any::<bool>(), prop_oneof![Just(10u32), Just(1_000)])
        .prop_map(|(house_numbers, overlap, new_flags_a_day)| Rules { house_numbers, overlap, new_flags_a_day })
}

impl Rules {
    /// The epochs that are open, the newest first.
    fn open(self, now: Timestamp) -> Vec<u32> {
        let is_open = |number: u32| match number {
            1 => !self.overlap || now.day() <= testkit::day(FIRST_CLOSES),
            _ => self.overlap && now.day() >= testkit::day(SECOND_OPENS),
        };
        [2, 1].into_iter().filter(|number| is_open(*number)).collect()
    }

    fn policy_text(self) -> String {
        let Rules { house_numbers, overlap, new_flags_a_day } = self;
        let levels = if house_numbers { r#"["unit", "number"]"# } else { r#"["unit"]"# };
        let key_id = |epoch| testkit::secret(epoch).key_id();
        let epoch = |number: u32, opens: &str, closes: &str| {
            let key_id = key_id(number);
            format!("[[epoch]]\nnumber = {number}\nkey_id = \"{key_id}\"\nopens = {opens}\ncloses = {closes}\n")
        };
        let epochs = match overlap {
            true => epoch(1, "2026-12-01", FIRST_CLOSES) + &epoch(2, SECOND_OPENS, "2027-11-30"),
            false => epoch(1, "2026-12-01", "2027-11-30"),
        };
        let overrides =
            ["own-flag", "names-somebody", "max-wait", "min-changed", "epoch-length", "epoch-overlap", "min-sources"];
        let overrides =
            overrides.map(|rule| format!("[[override]]\nrule = \"{rule}\"\nreason = \"a test\"\n")).concat();
        let rules = format!(
            r#"version = 1
valid_from = 2026-12-01
{overrides}
[counting]
threshold = 2
min_sources = 2
levels = {levels}
own_flag_required = false
[release]
min_changed = 1
max_wait_days = 1
[retention]
max_days = {MAX_DAYS}
max_renewals = 2
[budgets]
new_flags_a_day = {new_flags_a_day}
first_set_flags = 40
asked_a_day = 100000
asked_an_epoch = 1000000
status_a_day = 1000
{epochs}"#
        );
        testkit::policy_text(&PARTIES, &rules)
    }
}

struct World {
    folder: tempfile::TempDir,
    rules: Rules,
    now: Timestamp,
    partner: Option<Partner>,
    other: Client,
    asker: Client,
    broker: Option<Broker>,
    /// How many brokers' folders there were.
    brokers: usize,
    messages: Vec<Vec<u8>>,
    replies: Vec<Vec<u8>>,
    /// Whether an older copy took the place of the partner's folder since all was settled last: then the broker may
    /// hold flags that it does not know of.
    forgot_flags: bool,
    /// Whether one ever did: then the broker may know of an earlier first day.
    forgot_days: bool,
    /// Whether the broker was ever made anew without a word: then complaints are right.
    broker_forgot: bool,
}

fn by() -> Case {
    Case::new("j.jansen", "2026-0117").unwrap()
}

/// A home, or after those a house number.
fn home(at: u8) -> AddressKey {
    if at >= HOMES {
        return home((at - HOMES) * 3).number_key();
    }
    AddressKey::from_canonical(&format!("1012JS|{}|{}", 1 + at / 3, ["A", "B", "C"][usize::from(at % 3)])).unwrap()
}

fn all_addresses(house_numbers: bool) -> Vec<AddressKey> {
    (0..if house_numbers { ADDRESSES } else { HOMES }).map(home).collect()
}

/// Copies a folder in the place of what is there.
fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

impl World {
    fn new(rules: Rules) -> World {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy.toml");
        testkit::write_policy(&policy, &rules.policy_text());
        let epochs: &[u32] = if rules.overlap { &[1, 2] } else { &[1] };
        testkit::partner_folder(&folder.path().join("partner"), 1, &policy, epochs);
        let mut world = World {
            rules,
            now: START,
            partner: None,
            other: Client::of(2, &Policy::read(&policy).unwrap()),
            asker: Client::of(3, &Policy::read(&policy).unwrap()),
            broker: None,
            brokers: 0,
            messages: Vec::new(),
            replies: Vec::new(),
            forgot_flags: false,
            forgot_days: false,
            broker_forgot: false,
            folder,
        };
        world.open_partner();
        world.make_broker();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open_partner(&mut self) {
        self.partner = Some(Partner::open(&self.path("partner")).unwrap());
    }

    fn broker_path(&self) -> PathBuf {
        self.path(&format!("broker-{}", self.brokers))
    }

    fn make_broker(&mut self) {
        self.broker = None;
        self.brokers += 1;
        let keys = testkit::stored_keys(&self.path("keys"));
        self.broker = Some(Broker::create(&self.broker_path(), keys, &self.path("policy.toml"), self.now).unwrap());
    }

    fn partner(&mut self) -> &mut Partner {
        self.partner.as_mut().unwrap()
    }

    fn broker(&self) -> &Broker {
        self.broker.as_ref().unwrap()
    }

    /// Brings a message to the broker; its reply.
    fn bring(&mut self, message: &[u8]) -> Vec<u8> {
        self.messages.push(message.to_vec());
        let reply = self.broker().handle(message, self.now);
        self.replies.push(reply.clone());
        reply
    }

    /// Brings what arrives of messages, and reads what comes back.
    fn exchange(&mut self, messages: Vec<Vec<u8>>, arrives: u8, returns: u8) {
        for (at, message) in messages.into_iter().enumerate() {
            self.messages.push(message.clone());
            if arrives >> (at % 8) & 1 == 1 {
                let reply = self.bring(&message);
                if returns >> (at % 8) & 1 == 1 {
                    self.read(&reply);
                }
            }
        }
    }

    /// Reads a reply, which may be one that the partner no longer waits for.
    fn read(&mut self, reply: &[u8]) {
        let now = self.now;
        match self.partner().read(reply, now) {
            Ok(_) | Err(PartnerError::UnexpectedReply { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// A person says that the partner's clock is right where its folder saw nothing for over a month.
    fn accept_partners_clock(&mut self) {
        let now = self.now;
        if let Err(PartnerError::ClockAhead { .. }) = self.partner().status(now) {
            self.partner().accept_clock(&by(), now).unwrap();
        }
    }

    fn play(&mut self, step: &Step) {
        let now = self.now;
        let addresses = if self.rules.house_numbers { ADDRESSES } else { HOMES };
        let homes = |homes: &BTreeSet<u8>| homes.range(..addresses).map(|at| home(*at)).collect::<Vec<_>>();
        match step {
            Step::Flag(flagged) => drop(self.partner().flag(homes(flagged), &by(), now).unwrap()),
            Step::Withdraw(withdrawn) => drop(self.partner().withdraw(homes(withdrawn), &by(), now).unwrap()),
            Step::Renew(renewed) => {
                let standing: BTreeSet<_> = self.partner().flags().map(|flag| flag.address).collect();
                let renewed: Vec<_> = homes(renewed).into_iter().filter(|home| standing.contains(home)).collect();
                match self.partner().renew(&renewed, RenewalReason::ObservedAgain, &by(), now) {
                    Ok(_) | Err(PartnerError::TooManyRenewals { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Replace { homes: wanted, shrink } => {
                match self.partner().replace_all(homes(wanted), *shrink, &by(), now) {
                    Ok(_) | Err(PartnerError::Shrink { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Deliver { confirm, arrives, returns } => {
                let partner = self.partner();
                let messages = if *confirm { partner.confirm(now) } else { partner.deliver(now) }.unwrap();
                self.exchange(messages, *arrives, *returns);
            }
            Step::Ask { arrives, returns } => {
                let messages = self.partner().ask_own(&by(), now).unwrap();
                self.exchange(messages, 0xff * u8::from(*arrives), 0xff * u8::from(*returns));
            }
            Step::Status { arrives, returns } => {
                let message = self.partner().status(now).unwrap();
                self.exchange(vec![message], u8::from(*arrives), u8::from(*returns));
            }
            Step::Double(at) => {
                if !self.messages.is_empty() {
                    let message = self.messages[at % self.messages.len()].clone();
                    self.bring(&message);
                }
            }
            Step::Late(at) => {
                if !self.replies.is_empty() {
                    let reply = self.replies[at % self.replies.len()].clone();
                    self.read(&reply);
                }
            }
            Step::GiveUp(at) => {
                let in_flight: Vec<_> = self.partner().in_flight().map(|message| message.digest).collect();
                if !in_flight.is_empty() {
                    self.partner().give_up(in_flight[at % in_flight.len()], now).unwrap();
                }
            }
            Step::Wait { hours } => {
                self.now = now.plus(u64::from(*hours) * 3_600).min(START.plus(LONGEST_HISTORY)).max(now);
                self.accept_partners_clock();
            }
            Step::Release => drop(self.broker().release(now)),
            Step::Restart => {
                self.partner = None;
                self.open_partner();
                self.broker = None;
                let keys = testkit::stored_keys(&self.path("keys"));
                self.broker = Some(Broker::open(&self.broker_path(), keys).unwrap());
            }
            Step::CopyFolder => {
                self.partner = None;
                copy(&self.path("partner"), &self.path("copy"));
                self.open_partner();
            }
            Step::PutFolderBack => {
                if self.path("copy").exists() {
                    self.partner = None;
                    copy(&self.path("copy"), &self.path("partner"));
                    self.open_partner();
                    (self.forgot_flags, self.forgot_days) = (true, true);
                    self.accept_partners_clock();
                }
            }
            Step::BackUp => {
                let _ = fs::remove_dir_all(self.path("backup"));
                self.broker().backup(&self.path("backup"), now).unwrap();
            }
            Step::Restore => {
                if self.path("backup").exists() {
                    self.broker = None;
                    self.brokers += 1;
                    let keys = testkit::stored_keys(&self.path("keys"));
                    let (from, to) = (self.path("backup"), self.broker_path());
                    self.broker = Some(Broker::restore_under(&from, &to, keys, &[], now).unwrap());
                }
            }
            Step::MakeBrokerAnew => {
                // The keys of an epoch that is over would be in the way, and are the operator's to take away.
                if !(self.rules.overlap && now.day() > testkit::day(FIRST_CLOSES)) {
                    self.make_broker();
                    self.broker_forgot = true;
                }
            }
            Step::Settle => self.settle(),
        }
    }

    /// From here on every message and reply comes through, once and in order.
    fn settle(&mut self) {
        if self.broker().check_clock(self.now).is_err() {
            self.broker().accept_clock(self.now).unwrap();
        }
        let (mut exchanges, mut days) = (0, 0);
        while !self.agrees() {
            exchanges += 1;
            self.now = self.now.plus(1);
            assert!(exchanges <= MOST_EXCHANGES + days, "they do not agree after {exchanges} exchanges");
            let now = self.now;
            for message in self.partner().deliver(now).unwrap() {
                let reply = self.bring(&message);
                let received = self.partner().read(&reply, now).unwrap();
                match received {
                    Received::Receipt(_) => {}
                    Received::Rejection { next: Next::Again, .. } | Received::Late(_) => {}
                    Received::Rejection { next: Next::Wait, .. } => {
                        self.wait_a_day();
                        days += 1;
                    }
                    Received::Rejection { next: Next::SetClock, .. } => {
                        // It was made days ago, and is made anew.
                    }
                    Received::Rejection { next: Next::FetchPolicy, rejection } => {
                        // It was made in an epoch that is over.
                        assert_eq!(rejection.code.as_str(), "wrong_epoch");
                    }
                    Received::Rejection { next, rejection } => {
                        let forgot = if next == Next::DeclareShrink { self.forgot_flags } else { self.forgot_days };
                        assert!(forgot, "a person is asked although nothing was forgotten: {}", rejection.sentence);
                        self.decide(next);
                    }
                    other => panic!("{other:?}"),
                }
            }
            if self.partner().deliver(now).unwrap().is_empty() && self.partner().undelivered() > 0 {
                self.wait_a_day();
                days += 1;
            }
        }
        self.have_all_flagged();
        self.wait_a_day();
        self.look();
        self.forgot_flags = false;
    }

    /// Has the other flagger flag all addresses, in each open epoch, over some days where its budget wants that.
    fn have_all_flagged(&mut self) {
        let mut most = usize::MAX;
        for _ in 0..12 {
            match self.rules.open(self.now).into_iter().find_map(|epoch| self.flag_in(epoch, most)) {
                Some(Rejection { code: Code::Gap, number, .. }) => self.other.accepted = number,
                Some(Rejection { code: Code::OverBudget, number, .. }) => most = number as usize,
                Some(rejection) => panic!("{rejection:?}"),
                None if most == usize::MAX => return,
                None => {
                    most = usize::MAX;
                    self.wait_a_day();
                }
            }
        }
        panic!("the other flagger is refused");
    }

    /// Has it flag at most so many addresses; why not.
    fn flag_in(&mut self, epoch: u32, most: usize) -> Option<Rejection> {
        let file = testkit::secret(epoch);
        let key = PseudonymKey::new(&file.secret, &file.scope);
        let month_ends = ["2027-02-28", "2027-01-31", "2026-12-31"].map(testkit::day);
        let last_day = month_ends.into_iter().find(|day| *day <= self.now.day().plus(MAX_DAYS)).unwrap();
        let mut columns: BTreeMap<Terms, Vec<Pseudonym>> = BTreeMap::new();
        for address in all_addresses(self.rules.house_numbers).into_iter().take(most) {
            let house_number = address.level() == Level::Number;
            let renewal = Some(RenewalReason::ObservedAgain);
            let terms = Terms { last_day, first_day: START.day(), renewal, house_number };
            columns.entry(terms).or_default().push(key.pseudonym(&address));
        }
        columns.values_mut().for_each(|column| column.sort_unstable());
        let flagged = columns.iter().map(|(terms, pseudonyms)| Group { terms: *terms, pseudonyms }).collect();
        let set = FullSet { shrink: true, part: Part { number: 1, of: 1 }, flagged };
        (self.other.epoch, self.other.key_id) = (epoch, file.key_id());
        match self.other.say(self.broker.as_ref().unwrap(), &Request::FullSet(set), self.now) {
            Reply::Receipt(_) => None,
            Reply::Rejection(rejection) => Some(rejection),
            reply => panic!("{reply:?}"),
        }
    }

    /// What a person does whose folder forgot what it had said.
    fn decide(&mut self, next: Next) {
        let now = self.now;
        let flagged: Vec<_> = self.partner().flags().map(|flag| flag.address).collect();
        match next {
            Next::DeclareShrink => drop(self.partner().replace_all(&flagged, true, &by(), now).unwrap()),
            Next::Renew | Next::End => drop(self.partner().withdraw(&flagged, &by(), now).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    /// Whether the broker has been told everything, as both see it.
    fn agrees(&mut self) -> bool {
        let now = self.now;
        let request = self.partner().status(now).unwrap();
        let reply = self.bring(&request);
        match self.partner().read(&reply, now).unwrap() {
            Received::Status { status, .. } => {
                let is_idle = self.partner().deliver(now).unwrap().is_empty() && self.partner().undelivered() == 0;
                is_idle && !status.full_set_required
            }
            Received::Rejection { next: Next::Again, .. } => false,
            other => panic!("{other:?}"),
        }
    }

    fn wait_a_day(&mut self) {
        self.now = Timestamp(self.now.0 - self.now.0 % DAY + DAY + 3_600);
        self.broker().release(self.now).unwrap();
    }

    /// Looks at what the broker counts, and at what each side says of the other.
    fn look(&mut self) {
        let today = self.now.day();
        // What ended at the turn of the day is withdrawn by nobody.
        let flagged: BTreeSet<AddressKey> = self
            .partner()
            .flags()
            .filter(|flag| flag.last_day >= today)
            .flat_map(|flag| [flag.address, flag.address.number_key()])
            .collect();
        for address in all_addresses(self.rules.house_numbers) {
            let counted = self.counts(&address);
            let is_flagged = flagged.contains(&address);
            assert_eq!(counted, is_flagged, "counted: {counted}, flagged: {is_flagged}: {}", address.as_str());
        }
        let complaints = self.partner().complaints().unwrap();
        assert!(complaints.is_empty() || self.broker_forgot, "a false blame: {complaints:?}");
        self.partner().check_journal().unwrap();
        let forgotten = self.broker().log_rows(|_, row| {
            if let LogRow::Line(line) = row
                && let Event::Forgotten { announced: false, .. } = line.event
            {
                assert!(self.broker_forgot, "a false alarm at the broker");
            }
            Ok(())
        });
        forgotten.unwrap();
    }

    /// Whether the broker tells somebody else that the address is flagged.
    fn counts(&mut self, address: &AddressKey) -> bool {
        let now = self.now;
        for epoch in self.rules.open(now) {
            let file = testkit::secret(epoch);
            let pseudonym = PseudonymKey::new(&file.secret, &file.scope).pseudonym(address);
            (self.asker.epoch, self.asker.key_id) = (epoch, file.key_id());
            let question = self.asker.question(&[pseudonym], now);
            match self.asker.send(self.broker.as_ref().unwrap(), &question, now) {
                Reply::Answer(answer) => return answer.standings[0] > 1,
                Reply::Rejection(rejection) => {
                    // A broker made anew knows no number that was used, and one put back knows fewer.
                    let code = rejection.code.as_str();
                    assert!(["other_epoch"].contains(&code), "{}", rejection.sentence);
                }
                other => panic!("{other:?}"),
            }
        }
        panic!("no epoch answers");
    }
}

/// Plays a history, and settles at its end.
fn play(rules: Rules, steps: &[Step]) {
    let mut world = World::new(rules);
    for step in steps {
        world.play(step);
    }
    world.settle();
}

fn config() -> ProptestConfig {
    let times: u32 = std::env::var("STAPEL_CASES").map_or(1, |times| times.parse().unwrap());
    ProptestConfig {
        cases: 40 * times,
        max_shrink_iters: 3_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_went_wrong_they_agree_again_and_nobody_is_blamed(
        rules in rules(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        play(rules, &steps);
    }
}

/// A status reply of before the second of two restores is read after it.
#[test]
fn what_was_said_before_a_restore_is_not_held_against_the_broker_after_it() {
    let rules = Rules { house_numbers: false, overlap: true, new_flags_a_day: 10 };
    let steps: Vec<Step> = vec![
        Step::Settle,
        Step::BackUp,
        Step::Settle,
        Step::Flag([1].into()),
        Step::Deliver { confirm: false, arrives: 255, returns: 255 },
        Step::Withdraw([1].into()),
        Step::Release,
        Step::Replace { homes: [2].into(), shrink: false },
        Step::Flag([0].into()),
        Step::Late(0),
        Step::Wait { hours: 287 },
        Step::Restore,
        Step::Settle,
        Step::Status { arrives: true, returns: false },
        Step::Restore,
        Step::Deliver { confirm: true, arrives: 255, returns: 255 },
        Step::Late(669),
    ];
    play(rules, &steps);
}

/// After a restore a full set of one epoch arrives, and what was said before it in another does not.
#[test]
fn after_a_restore_a_full_set_speaks_for_no_message_of_another_epoch() {
    let rules = Rules { house_numbers: false, overlap: true, new_flags_a_day: 10 };
    let (all, arrives) = (0xff, 0xff);
    let steps = [
        Step::Flag([8].into()),
        Step::Deliver { confirm: false, arrives, returns: all },
        Step::Wait { hours: 324 },
        Step::Deliver { confirm: false, arrives, returns: 0b110 },
        Step::GiveUp(0),
        Step::BackUp,
        Step::Restore,
        Step::Deliver { confirm: false, arrives, returns: all },
        Step::Flag([0].into()),
        Step::Withdraw([8].into()),
        Step::Deliver { confirm: false, arrives: 0b100, returns: all },
    ];
    play(rules, &steps);
}
