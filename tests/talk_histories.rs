//! Random histories of what comes after a hit, with mishaps: messages and replies are lost and doubled, programs end in
//! the middle, and the broker is put back from a copy. Beside them goes a plain model of sets, made from
//! spec/after-a-hit.md 3. It reads what the broker accepted, and never what it tells.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use stapel::message::{EntryKind, Reply, Request, Role, Unverified};
use stapel::partner::{AskAnswer, Conversation, NewNote, NoteProgress, TalkRun};
use stapel::secret::VerifyingKey;
use stapel::talk::{ConversationId, NoteContent, Outcome, Subject};
use stapel::{AddressKey, Broker, Day, Partner, Pseudonym, PseudonymKey, Timestamp};
use stapel_testkit::{START, noon, operator_key, stored_keys};

use crate::after_a_hit::{COORDINATOR, Founded, HOUSING, POLICE, TAX, TOWN_HALL, by, home, secret_of_sample, text};

/// Those who flag.
const FLAGGING: [u16; 4] = [POLICE, TAX, HOUSING, TOWN_HALL];

/// Homes that a history is about.
const HOMES: u32 = 3;

/// Messages of one run, at most: more of them and it would not come to an end.
const MOST_MESSAGES: usize = 24;

/// Days without mishaps after which all is settled.
const SETTLED: usize = 5;

#[derive(Clone, Debug)]
enum Step {
    Flag(u16, u32),
    /// Of what is not put forward.
    Withdraw(u16, u32),
    PutForward(u16, u32),
    TakeBack(u16, u32),
    /// Whatever was asked and not answered.
    Join(u16),
    /// In the conversation over a home.
    Write(u16, u32),
    Decide,
    Outcome(u16, u32),
    Leave(u16, u32),
    /// All have their run, in which so many of the messages do not arrive, or have no reply; and the day turns.
    Day {
        arrives: u64,
        returns: u64,
    },
    /// One of the messages so far comes to the broker once more.
    Double(usize),
    Restart(u16),
    RestartBroker,
    BackUp,
    Restore,
}

fn step() -> impl Strategy<Value = Step> {
    let one = || (prop::sample::select(FLAGGING.to_vec()), 1..=HOMES);
    let mostly = || prop_oneof![3 => Just(u64::MAX), 2 => any::<u64>()];
    prop_oneof![
        3 => one().prop_map(|(partner, home)| Step::Flag(partner, home)),
        1 => one().prop_map(|(partner, home)| Step::Withdraw(partner, home)),
        5 => one().prop_map(|(partner, home)| Step::PutForward(partner, home)),
        2 => one().prop_map(|(partner, home)| Step::TakeBack(partner, home)),
        2 => one().prop_map(|(partner, _)| Step::Join(partner)),
        3 => one().prop_map(|(partner, home)| Step::Write(partner, home)),
        2 => Just(Step::Decide),
        1 => one().prop_map(|(partner, home)| Step::Outcome(partner, home)),
        2 => one().prop_map(|(partner, home)| Step::Leave(partner, home)),
        10 => (mostly(), mostly()).prop_map(|(arrives, returns)| Step::Day { arrives, returns }),
        2 => (0usize..1_000).prop_map(Step::Double),
        1 => (1u16..=5).prop_map(Step::Restart),
        1 => Just(Step::RestartBroker),
        1 => Just(Step::BackUp),
        1 => prop::bool::weighted(0.5).prop_map(|restore| if restore { Step::Restore } else { Step::RestartBroker }),
    ]
}

/// Who is introduced to whom, by sets.
#[derive(Clone, Default)]
struct Model {
    flags: BTreeMap<u16, BTreeSet<AddressKey>>,
    released: BTreeMap<u16, BTreeSet<AddressKey>>,
    /// What the broker keeps of what each put forward, and its last day.
    rows: BTreeMap<u16, (BTreeSet<AddressKey>, Day)>,
    /// Those who are introduced, the lower number first.
    introduced: BTreeSet<(AddressKey, u16, u16)>,
    /// Those who were, still or not.
    pairs: BTreeSet<(AddressKey, u16, u16)>,
    /// Who left, until it puts the home forward anew.
    left: BTreeSet<(AddressKey, u16)>,
    /// Every introduction, from both sides.
    told: BTreeMap<(u16, AddressKey, u16), BTreeSet<Day>>,
    asks: BTreeSet<(u16, AddressKey)>,
}

impl Model {
    fn turn(&mut self, today: Day) {
        // Three organisations have a new flag each day, so that each release is of all flags.
        self.released = self.flags.clone();
        let mut standing: BTreeMap<AddressKey, Vec<u16>> = BTreeMap::new();
        for (partner, (rows, last_day)) in &mut self.rows {
            let flags = self.flags.get(partner).cloned().unwrap_or_default();
            rows.retain(|home| *last_day >= today && flags.contains(home));
            for home in rows.iter() {
                standing.entry(*home).or_default().push(*partner);
            }
        }
        self.left.retain(|(home, one)| *one != COORDINATOR || standing.contains_key(home));
        for (home, forwarding) in &standing {
            let flagging: Vec<u16> = FLAGGING.into_iter().filter(|one| self.released[one].contains(home)).collect();
            if flagging.len() < 2 {
                continue;
            }
            let others = flagging.iter().filter(|one| !forwarding.contains(one));
            self.asks.extend(others.map(|one| (*one, *home)));
            let direct = [POLICE, TAX].iter().all(|one| forwarding.contains(one)).then_some((POLICE, TAX));
            let pairs: Vec<_> = direct.into_iter().chain(forwarding.iter().map(|one| (*one, COORDINATOR))).collect();
            for (one, other) in pairs {
                let has_left = |one: u16| self.left.contains(&(*home, one));
                // Nobody of these histories has the coordinator leave.
                if !has_left(one) && !has_left(other) && self.introduced.insert((*home, one, other)) {
                    self.pairs.insert((*home, one, other));
                    self.told.entry((one, *home, other)).or_default().insert(today);
                    self.told.entry((other, *home, one)).or_default().insert(today);
                }
            }
        }
    }

    fn leave(&mut self, partner: u16, home: AddressKey) {
        let is_in =
            |(about, one, other): &(AddressKey, u16, u16)| *about == home && (*one == partner || *other == partner);
        if self.pairs.iter().any(is_in) {
            self.introduced.retain(|pair| !is_in(pair));
            self.left.insert((home, partner));
        }
    }
}

struct World {
    founded: Founded,
    broker: Option<Broker>,
    brokers: usize,
    day: u64,
    model: Model,
    /// What a copy of the store has.
    copied: Option<Model>,
    was_restored: bool,
    keys: BTreeMap<u16, VerifyingKey>,
    homes: BTreeMap<Pseudonym, AddressKey>,
    conversations: BTreeMap<ConversationId, AddressKey>,
    messages: Vec<Vec<u8>>,
    accepted: BTreeSet<Vec<u8>>,
    /// Texts are numbered, so that each is another.
    texts: usize,
}

impl World {
    fn new() -> World {
        let founded = Founded::of(&text("direct = [[\"politie\", \"belastingdienst\"]]"));
        let keys = founded.partners.iter().map(|(number, one)| (*number, one.keys(1).unwrap().message)).collect();
        let file = secret_of_sample();
        let pseudonyms = PseudonymKey::new(&file.secret, &file.scope);
        let mut world = World {
            broker: None,
            brokers: 0,
            day: 0,
            model: Model::default(),
            copied: None,
            was_restored: false,
            keys,
            homes: (1..=HOMES).map(|number| (pseudonyms.pseudonym(&home(number)), home(number))).collect(),
            conversations: BTreeMap::new(),
            messages: Vec::new(),
            accepted: BTreeSet::new(),
            texts: 0,
            founded,
        };
        let keys = stored_keys(&world.path("keys"));
        world.broker = Some(Broker::create(&world.path("broker-0"), keys, &world.founded.path, START).unwrap());
        world
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.founded.folder.path().join(name)
    }

    fn now(&self) -> Timestamp {
        noon(self.day)
    }

    fn broker(&self) -> &Broker {
        self.broker.as_ref().unwrap()
    }

    fn partner(&mut self, number: u16) -> &mut Partner {
        self.founded.partners.get_mut(&number).unwrap()
    }

    fn is_put_forward(&mut self, partner: u16, home: &AddressKey) -> bool {
        self.partner(partner).put_forward_rows().any(|row| row.address == *home)
    }

    /// The number of the conversation over a home that a partner did not leave.
    fn conversation(&mut self, partner: u16, home: &AddressKey) -> Option<u32> {
        let mut all = self.partner(partner).conversations();
        all.find(|one| one.address == Some(*home) && one.left.is_none()).map(|one| one.number)
    }

    fn text(&mut self) -> String {
        self.texts += 1;
        format!("Bericht {}", self.texts)
    }

    /// Writes a note, where there is somebody to write to.
    fn write(&mut self, partner: u16, conversation: Option<u32>, note: &NewNote<'_>) {
        let now = self.now();
        if let Some(number) = conversation {
            match self.partner(partner).write_note(number, note, &by(), now) {
                Ok(()) => {}
                Err(error) => assert_eq!(error.code(), "no_conversation", "all others left"),
            }
        }
    }

    fn play(&mut self, step: &Step) {
        let now = self.now();
        match *step {
            Step::Flag(partner, number) => drop(self.partner(partner).flag([&home(number)], &by(), now).unwrap()),
            Step::Withdraw(partner, number) => {
                if !self.is_put_forward(partner, &home(number)) {
                    self.partner(partner).withdraw([&home(number)], &by(), now).unwrap();
                }
            }
            Step::PutForward(partner, number) => {
                self.partner(partner).flag([&home(number)], &by(), now).unwrap();
                self.partner(partner).put_forward([&home(number)], &by(), now).unwrap();
            }
            Step::TakeBack(partner, number) => {
                self.partner(partner).take_back([&home(number)], &by(), now).unwrap();
            }
            Step::Join(partner) => {
                let asked: Vec<_> = self.partner(partner).asked().filter(|asked| asked.answer.is_none()).collect();
                for asked in asked {
                    self.partner(partner).answer(&asked.address, AskAnswer::Join, &by(), now).unwrap();
                }
            }
            Step::Write(partner, number) => {
                let (text, conversation) = (self.text(), self.conversation(partner, &home(number)));
                self.write(partner, conversation, &NewNote::Text { text: &text, to: None });
            }
            Step::Decide => {
                let all: Vec<_> = self.partner(COORDINATOR).conversations().map(|one| one.number).collect();
                for number in all {
                    let text = self.text();
                    self.write(COORDINATOR, Some(number), &NewNote::Decision { lead: None, next: None, text: &text });
                }
            }
            Step::Outcome(partner, number) => {
                let (text, conversation) = (self.text(), self.conversation(partner, &home(number)));
                let outcome = Outcome::NothingFound;
                self.write(partner, conversation, &NewNote::Outcome { outcome, text: &text });
            }
            Step::Leave(partner, number) => {
                if let Some(conversation) = self.conversation(partner, &home(number)) {
                    self.partner(partner).leave(conversation, &by(), now).unwrap();
                }
            }
            Step::Day { arrives, returns } => self.a_day(arrives, returns),
            Step::Double(at) => {
                if !self.messages.is_empty() {
                    let message = self.messages[at % self.messages.len()].clone();
                    self.bring(&message);
                }
            }
            Step::Restart(number) => {
                let folder = self.path(&number.to_string());
                drop(self.founded.partners.remove(&number));
                self.founded.partners.insert(number, Partner::open(folder.as_path()).unwrap());
            }
            Step::RestartBroker => {
                self.broker = None;
                let (keys, folder) = (stored_keys(&self.path("keys")), self.path(&format!("broker-{}", self.brokers)));
                self.broker = Some(Broker::open(&folder, keys).unwrap());
            }
            Step::BackUp => {
                let _ = std::fs::remove_dir_all(self.path("copy"));
                self.broker().backup(&self.path("copy"), now).unwrap();
                self.copied = Some(self.model.clone());
            }
            Step::Restore => self.restore(),
        }
    }

    /// The store is lost, and put back from a copy of this day or the day before.
    fn restore(&mut self) {
        let Some(copied) = self.copied.take() else { return };
        self.broker = None;
        self.brokers += 1;
        let (keys, folder) = (stored_keys(&self.path("keys")), self.path(&format!("broker-{}", self.brokers)));
        match Broker::restore(&self.path("copy"), &folder, keys, self.now()) {
            Ok(broker) => self.broker = Some(broker),
            // More than three days old: an operator says that the clock is right, which other tests are about.
            Err(error) => {
                assert_eq!(error.code(), "clock_ahead");
                self.brokers -= 1;
                let folder = self.path(&format!("broker-{}", self.brokers));
                self.broker = Some(Broker::open(&folder, stored_keys(&self.path("keys"))).unwrap());
                return;
            }
        }
        self.was_restored = true;
        // What was introduced is as in the copy; no flag is there, and no row of it stands.
        (self.model.introduced, self.model.pairs) = (copied.introduced, copied.pairs);
        self.model.left = copied.left;
        self.model.flags.clear();
        self.model.rows.clear();
    }

    /// All have their run, and the day turns.
    fn a_day(&mut self, arrives: u64, returns: u64) {
        let mut at = 0;
        for number in FLAGGING {
            // So that there is something new of each organisation.
            let (now, new) = (self.now(), home(1_000 + self.day as u32));
            self.partner(number).flag([&new], &by(), now).unwrap();
            self.deliver(number);
        }
        for number in FLAGGING.into_iter().chain([COORDINATOR]) {
            let now = self.now();
            self.partner(number).resume_talk(TalkRun::default());
            for count in 0.. {
                assert!(count < MOST_MESSAGES, "the run of {number} does not end");
                let Some(message) = self.partner(number).talk(now).unwrap() else { break };
                let bit = at % 64;
                at += 1;
                self.messages.push(message.clone());
                if arrives >> bit & 1 == 0 {
                    break;
                }
                let reply = self.bring(&message);
                if returns >> bit & 1 == 0 {
                    break;
                }
                let _ = self.partner(number).read(&reply, now).unwrap();
            }
        }
        self.day += 1;
        let midnight = self.now().day().start().plus(30);
        self.broker().release(midnight).unwrap();
        self.model.turn(self.now().day());
    }

    /// A partner's flags, all of them, whatever it takes.
    fn deliver(&mut self, number: u16) {
        let now = self.now();
        for _ in 0..6 {
            let messages = self.partner(number).confirm(now).unwrap();
            let last = messages.len();
            let mut accepted = 0;
            for message in messages {
                let reply = self.broker().handle(&message, now);
                let received = self.partner(number).read(&reply, now).unwrap();
                accepted += usize::from(matches!(received, stapel::partner::Received::Receipt(_)));
            }
            if accepted == last {
                let flags = (1..=HOMES).map(home).filter(|home| self.founded.partners[&number].flag_of(home).is_some());
                let flags = flags.collect();
                self.model.flags.insert(number, flags);
                return;
            }
        }
        panic!("{number} cannot deliver");
    }

    /// Brings a message of what comes after a hit to the broker, and tells the model what was accepted.
    fn bring(&mut self, message: &[u8]) -> Vec<u8> {
        let reply = self.broker().handle(message, self.now());
        let key = operator_key().verifying_key();
        let said = Unverified::parse(&reply, Role::Broker).unwrap().verify(&key).unwrap().reply().unwrap();
        if let Reply::Post(post) = &said {
            for entry in &post.entries {
                let EntryKind::Introduced { conversation, .. } = entry.told else { continue };
                let about = self.homes.iter().find(|(pseudonym, _)| Subject::of(pseudonym) == entry.subject);
                self.conversations.insert(conversation, *about.unwrap().1);
            }
        }
        if matches!(said, Reply::Rejection(_)) || !self.accepted.insert(message.to_vec()) {
            return reply;
        }
        let parsed = Unverified::parse(message, Role::Partner).unwrap();
        let opened = self.keys.iter().find_map(|(number, key)| Some((*number, parsed.verify(key).ok()?)));
        let (sender, verified) = opened.unwrap();
        match verified.request().unwrap() {
            Request::PutForward(said) => {
                let homes = said.rows().filter_map(|row| self.homes.get(row.pseudonym)).copied();
                let flags = self.model.flags.get(&sender).cloned().unwrap_or_default();
                let rows = homes.filter(|home| flags.contains(home)).collect();
                let rows: BTreeSet<AddressKey> = rows;
                self.model.left.retain(|(home, one)| *one != sender || !rows.contains(home));
                self.model.rows.insert(sender, (rows, said.last_day));
            }
            Request::Exchange(exchange) => {
                for left in &exchange.left {
                    if let Some(home) = self.conversations.get(left) {
                        self.model.leave(sender, *home);
                    }
                }
            }
            _ => panic!("no such message is made here"),
        }
        reply
    }

    /// Nothing goes wrong any more: whoever was introduced knows it, and nothing is known of anybody else; each note
    /// came once.
    fn settle(&mut self) {
        for _ in 0..SETTLED {
            self.a_day(u64::MAX, u64::MAX);
        }
        let model = self.model.clone();
        for (number, partner) in &self.founded.partners {
            let complaints = partner.complaints().unwrap();
            assert!(complaints.is_empty(), "a false blame by {number}: {complaints:?}");
            partner.check_journal().unwrap();
            for asked in partner.asked() {
                assert!(model.asks.contains(&(*number, asked.address)), "{number} was asked for no reason");
            }
            if *number == COORDINATOR {
                continue;
            }
            let mut known = BTreeSet::new();
            for one in partner.conversations() {
                let home = one.address.unwrap();
                for other in &one.introduced {
                    let days = model.told.get(&(*number, home, other.partner)).cloned().unwrap_or_default();
                    assert!(
                        days.contains(&other.since),
                        "{number} met {} on {}, and not on {days:?}",
                        other.partner,
                        other.since
                    );
                    known.insert((home, other.partner));
                }
            }
            // Of what was introduced before a restore, and is in no copy, whoever was not told yet may never hear.
            let pairs =
                model.introduced.iter().flat_map(|(home, low, high)| [(*low, *home, *high), (*high, *home, *low)]);
            let must: BTreeSet<_> = match self.was_restored {
                true => pairs.filter(|pair| pair.0 == *number).map(|pair| (pair.1, pair.2)).collect(),
                false => model.told.keys().filter(|told| told.0 == *number).map(|told| (told.1, told.2)).collect(),
            };
            assert!(must.is_subset(&known), "{number} was not told of all that it was introduced to");
        }
        self.notes_came_once();
    }

    fn notes_came_once(&self) {
        let mut written = BTreeMap::new();
        let mut came: BTreeMap<(u16, u16, String), usize> = BTreeMap::new();
        let mut left = BTreeSet::new();
        for (number, partner) in &self.founded.partners {
            for one in partner.conversations() {
                let home = home_of(&one);
                left.extend(one.left.and(home).map(|home| (*number, home)));
                for note in one.notes {
                    let (NoteContent::Text(text)
                    | NoteContent::Decision { text, .. }
                    | NoteContent::Outcome { text, .. }) = note.content
                    else {
                        continue;
                    };
                    match note.from {
                        None => {
                            let copies = note.copies.iter();
                            written
                                .extend(copies.map(|copy| ((*number, copy.to, text.clone()), (copy.progress, home))));
                        }
                        Some(from) => *came.entry((from, *number, text)).or_default() += 1,
                    }
                }
            }
        }
        for (which, times) in &came {
            assert_eq!(*times, 1, "twice: {which:?}");
            assert!(written.contains_key(which), "nobody wrote it: {which:?}");
        }
        for (which, (progress, home)) in &written {
            // A broker that was put back may not know of the introduction any more.
            let is_unknown = self.was_restored && *progress == NoteProgress::NotIntroduced;
            let has_come = came.contains_key(which) || is_unknown;
            let left = [which.0, which.1].iter().any(|one| home.is_none_or(|home| left.contains(&(*one, home))));
            assert!(has_come || left, "lost: {which:?}, {progress:?}");
        }
    }
}

/// The address of a conversation; at the coordinator from a note.
fn home_of(one: &Conversation) -> Option<AddressKey> {
    let told = one.notes.iter().find_map(|note| match &note.content {
        NoteContent::Address { key, .. } => AddressKey::from_canonical(key).ok(),
        _ => None,
    });
    one.address.or(told)
}

fn play(steps: &[Step]) {
    let mut world = World::new();
    world.a_day(u64::MAX, u64::MAX);
    for step in steps {
        world.play(step);
    }
    world.settle();
}

fn config() -> ProptestConfig {
    let times: u32 = std::env::var("STAPEL_CASES").map_or(1, |times| times.parse().unwrap());
    ProptestConfig { cases: 12 * times, max_shrink_iters: 500, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_went_wrong_those_meet_who_must_and_no_others(steps in prop::collection::vec(step(), 1..50)) {
        play(&steps);
    }
}

#[test]
fn after_a_restore_they_meet_again_and_what_was_written_comes_once() {
    let all = Step::Day { arrives: u64::MAX, returns: u64::MAX };
    let steps = [
        Step::PutForward(POLICE, 1),
        Step::PutForward(TAX, 1),
        all.clone(),
        all.clone(),
        Step::BackUp,
        Step::Write(POLICE, 1),
        all.clone(),
        Step::PutForward(HOUSING, 1),
        Step::Write(TAX, 1),
        all.clone(),
        Step::Restore,
        all.clone(),
        Step::Write(POLICE, 1),
        all,
    ];
    let mut world = World::new();
    world.a_day(u64::MAX, u64::MAX);
    steps.iter().for_each(|step| world.play(step));
    world.settle();
    assert!(world.was_restored && world.model.introduced.len() == 4, "{:?}", world.model.told);
    let notes = world.founded.partners[&COORDINATOR].conversations().flat_map(|one| one.notes);
    let texts: Vec<_> = notes.filter(|note| matches!(note.content, NoteContent::Text(_))).collect();
    assert_eq!(texts.len(), 3, "two of the police, and one of the tax office");
}

#[test]
fn a_history_in_which_they_meet_write_and_leave_is_as_the_model_says() {
    let all = Step::Day { arrives: u64::MAX, returns: u64::MAX };
    let steps = [
        Step::PutForward(POLICE, 1),
        Step::PutForward(TAX, 1),
        Step::Flag(HOUSING, 1),
        all.clone(),
        Step::Day { arrives: 0x5555_5555, returns: u64::MAX },
        Step::Day { arrives: u64::MAX, returns: 0x3333_3333 },
        Step::Join(HOUSING),
        all.clone(),
        Step::Write(POLICE, 1),
        Step::Decide,
        all.clone(),
        Step::Leave(TAX, 1),
        all.clone(),
        Step::PutForward(TAX, 1),
        all.clone(),
    ];
    let mut world = World::new();
    world.a_day(u64::MAX, u64::MAX);
    steps.iter().for_each(|step| world.play(step));
    world.settle();
    let met = |one: u16| world.model.told.keys().filter(|told| told.0 == one).count();
    assert_eq!([POLICE, TAX, HOUSING, TOWN_HALL, COORDINATOR].map(met), [2, 2, 1, 0, 3]);
    assert_eq!(world.model.told[&(TAX, home(1), POLICE)].len(), 2, "it left, and came back");
}
