//! What comes after a hit, with four organisations, a coordinator and a broker, each as it is: who comes to know of
//! whom, and when.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use stapel::partner::{AgendaItem, AskAnswer, Case, NewNote, NoteProgress, Received, TalkNews, WaitsFor};
use stapel::policy::{Certificate, Policy, PolicySignature, Statement};
use stapel::talk::{NoteContent, Outcome};
use stapel::{AddressKey, Broker, Partner, SignedPolicy, Timestamp};
use stapel_testkit::{START, broker_keys, noon, policy_key, sample_policy_text, secret, stored_keys};
use tempfile::TempDir;

pub(crate) const POLICE: u16 = 1;
pub(crate) const TAX: u16 = 2;
pub(crate) const HOUSING: u16 = 3;
pub(crate) const TOWN_HALL: u16 = 4;
pub(crate) const COORDINATOR: u16 = 5;

/// A consortium of the sample's four organisations and a coordinator.
pub(crate) struct Town {
    pub(crate) folder: TempDir,
    pub(crate) broker: Broker,
    partners: BTreeMap<u16, Partner>,
    /// All that the broker replied.
    pub(crate) replies: Vec<Vec<u8>>,
}

pub(crate) fn text(meet: &str) -> String {
    let coordinator = policy_key("coordinatiepunt").verifying_key();
    let text = sample_policy_text().replacen("[[epoch]]", &format!("[meet]\n{meet}\n[[epoch]]"), 1);
    format!(
        "{text}\n[[organisation]]\nslug = \"coordinatiepunt\"\nname = \"Coördinatiepunt\"\n\
         oin = \"00000099000000005000\"\ncontact = \"a\"\npolicy_key = \"{coordinator}\"\n\n[[partner]]\nnumber = 5\n\
         name = \"Coördinatiepunt\"\norganisation = \"coordinatiepunt\"\nmay = [\"coordinate\"]\n\
         legal_basis_coordinate = \"a\"\n"
    )
}

pub(crate) fn home(number: u32) -> AddressKey {
    AddressKey::from_canonical(&format!("1012JS|{number}|")).unwrap()
}

pub(crate) fn by() -> Case {
    Case::new("j.jansen", "Z-2026-1").unwrap()
}

/// All of a consortium but its broker.
pub(crate) struct Founded {
    pub(crate) folder: TempDir,
    /// The policy's file, with signatures and certificates beside it.
    pub(crate) path: PathBuf,
    pub(crate) partners: BTreeMap<u16, Partner>,
    pub(crate) certificates: Vec<Certificate>,
}

impl Founded {
    /// By this policy, in files.
    pub(crate) fn of(text: &str) -> Founded {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        fs::write(&path, text).unwrap();
        let policy = Policy::parse(text).unwrap();
        let sign = |slug: &str| PolicySignature::sign(&policy, &policy_key(slug)).unwrap();
        let signatures: Vec<_> = policy.organisations.iter().map(|one| sign(one.slug.as_str())).collect();
        for signature in &signatures {
            fs::write(signature.path_beside(&path), signature.to_text()).unwrap();
        }
        let mut partners: BTreeMap<u16, Partner> = BTreeMap::new();
        for entry in &policy.partners {
            let own = folder.path().join(entry.number.to_string());
            Partner::init(own.as_path(), entry.number).unwrap();
            Partner::join(own.as_path(), &path).unwrap();
            if !entry.may.coordinate {
                secret_of_sample().create(&own.join("epoch-1.secret")).unwrap();
            }
            partners.insert(entry.number, Partner::open(own.as_path()).unwrap());
        }
        let certified = |partner: &Partner| {
            let organisation = policy.partner(partner.number()).unwrap().organisation.as_str();
            let epoch = &policy.epochs[0];
            let statement = Statement {
                partner: partner.number(),
                epoch: 1,
                serial: 1,
                keys: Some(partner.keys(1).unwrap()),
                first_day: epoch.opens,
                last_day: epoch.closes,
            };
            Certificate::sign(&policy, statement, &policy_key(organisation)).unwrap()
        };
        let certificates: Vec<_> = partners.values().map(certified).collect();
        for partner in partners.values_mut() {
            partner.take_certificates(certificates.clone()).unwrap();
        }
        for certificate in &certificates {
            fs::write(path.with_file_name(certificate.file_name()), certificate.to_text()).unwrap();
        }
        Founded { folder, path, partners, certificates }
    }
}

impl Town {
    fn new(meet: &str) -> Town {
        Town::of(&text(meet))
    }

    fn of(text: &str) -> Town {
        let in_memory = |founded: &Founded| {
            let signed = SignedPolicy::read(&founded.path).unwrap();
            Broker::in_memory(broker_keys(), signed, &founded.certificates, START).unwrap()
        };
        Town::with(text, in_memory)
    }

    /// A town whose broker keeps what it has in the folder `broker`.
    pub(crate) fn on_disk(meet: &str) -> Town {
        Town::with(&text(meet), |founded| {
            let folder = founded.folder.path();
            let keys = stored_keys(&folder.join("keys"));
            Broker::create(&folder.join("broker"), keys, &founded.path, START).unwrap()
        })
    }

    fn with(text: &str, begin: impl FnOnce(&Founded) -> Broker) -> Town {
        let founded = Founded::of(text);
        let broker = begin(&founded);
        let Founded { folder, partners, .. } = founded;
        Town { folder, broker, partners, replies: Vec::new() }
    }

    /// All deliver an empty set, so that the epoch begins to answer.
    pub(crate) fn begin(&mut self) {
        for number in [POLICE, TAX, HOUSING, TOWN_HALL] {
            self.deliver(number, noon(0));
        }
    }

    pub(crate) fn partner(&mut self, number: u16) -> &mut Partner {
        self.partners.get_mut(&number).unwrap()
    }

    fn carry(&mut self, number: u16, message: &[u8], now: Timestamp) {
        let reply = self.broker.handle(message, now);
        self.replies.push(reply.clone());
        let received = self.partner(number).read(&reply, now).unwrap();
        assert!(!matches!(received, Received::Rejection { .. } | Received::Hint(_)), "{number}, {now}: {received:?}");
    }

    /// A partner's state message of the day.
    pub(crate) fn deliver(&mut self, number: u16, now: Timestamp) {
        let mut messages = self.partner(number).deliver(now).unwrap();
        if messages.is_empty() {
            messages = self.partner(number).confirm(now).unwrap();
        }
        messages.iter().for_each(|message| self.carry(number, message, now));
    }

    /// A partner's messages of the day of what comes after a hit, as they look from outside: how long each and its
    /// reply is, and which line of the log is on it.
    pub(crate) fn talk(&mut self, number: u16, now: Timestamp) -> Vec<(usize, usize, u64)> {
        let mut seen = Vec::new();
        while let Some(message) = self.partner(number).talk(now).unwrap() {
            let reply = self.broker.handle(&message, now);
            let line = match self.partner(number).read(&reply, now).unwrap() {
                Received::Kept(kept) => kept.log.index,
                Received::Posted(posted) => posted.log.index,
                other => panic!("{number}, {now}: {other:?}"),
            };
            seen.push((message.len(), reply.len(), line));
            self.replies.push(reply);
        }
        seen
    }

    /// A partner's day, as a program does it.
    pub(crate) fn sync(&mut self, number: u16, now: Timestamp) {
        if number != COORDINATOR {
            self.deliver(number, now);
        }
        self.talk(number, now);
    }

    pub(crate) fn sync_all(&mut self, now: Timestamp) {
        (1..=5).for_each(|number| self.sync(number, now));
    }

    pub(crate) fn flag(&mut self, number: u16, home: AddressKey, now: Timestamp) {
        self.partner(number).flag([&home], &by(), now).unwrap();
    }

    pub(crate) fn put_forward(&mut self, number: u16, home: AddressKey, now: Timestamp) {
        self.partner(number).put_forward([&home], &by(), now).unwrap();
    }

    /// The coordinator's, at the end of the year.
    fn agenda(&mut self) -> Vec<AgendaItem> {
        self.partner(COORDINATOR).agenda(noon(364).day()).unwrap()
    }

    fn news(&mut self, number: u16) -> Vec<TalkNews> {
        self.partner(number).take_talk_news().unwrap()
    }
}

pub(crate) fn secret_of_sample() -> stapel::secret::SecretFile {
    let mut file = secret(1);
    file.secret = stapel::secret::Secret::from_bytes([0x71; 32]);
    file
}

/// Police and tax office flag a home, and housing too; all four have delivered, and it was released on day 1.
pub(crate) fn stacked(meet: &str) -> Town {
    let mut town = Town::new(meet);
    for number in [POLICE, TAX, HOUSING] {
        town.flag(number, home(1), noon(0));
    }
    town.begin();
    (POLICE..=TOWN_HALL).for_each(|number| town.deliver(number, noon(1)));
    town
}

#[test]
fn the_coordinator_is_told_who_put_forward_and_hears_the_address_from_them_alone() {
    let mut town = stacked("");
    town.put_forward(POLICE, home(1), noon(1));
    town.sync_all(noon(1));
    for number in 1..=5 {
        assert!(town.news(number).is_empty(), "nothing before the turn of the day");
    }
    town.sync_all(noon(2));
    // The others that flag it hear that somebody did; whoever does not flag it hears nothing.
    let asked = TalkNews::Asked { address: home(1), answer_by: noon(7).day() };
    assert_eq!(town.news(TAX), [asked]);
    assert_eq!(town.news(HOUSING), [asked]);
    assert_eq!(town.news(TOWN_HALL), []);
    assert_eq!(town.news(POLICE), [TalkNews::Introduced { conversation: 1, partner: COORDINATOR }]);
    assert_eq!(
        town.news(COORDINATOR),
        [
            TalkNews::Introduced { conversation: 1, partner: POLICE },
            TalkNews::Note { conversation: 1, partner: POLICE }
        ]
    );
    let agenda = town.agenda();
    assert_eq!(agenda.len(), 1);
    assert_eq!(agenda[0].joined, [(POLICE, noon(2).day())]);
    assert_eq!(agenda[0].addresses, [("1012JS|1|".to_owned(), Vec::new())]);
    assert!(agenda[0].is_new && agenda[0].waits == Some((noon(2).day(), WaitsFor::FirstDecision)));

    // One joins, and one says not now, of which nobody hears.
    town.partner(TAX).answer(&home(1), AskAnswer::Join, &by(), noon(2)).unwrap();
    town.partner(HOUSING).answer(&home(1), AskAnswer::NotNow, &by(), noon(2)).unwrap();
    town.sync_all(noon(2));
    assert_eq!(town.news(TAX), [], "the day's messages have gone");
    town.sync_all(noon(3));
    town.sync_all(noon(4));
    assert_eq!(town.news(POLICE), [], "the coordinator alone is told who joined");
    assert_eq!(town.news(HOUSING), []);
    assert_eq!(town.news(TAX), [TalkNews::Introduced { conversation: 1, partner: COORDINATOR }]);
    let agenda = town.agenda();
    assert_eq!(agenda[0].joined, [(POLICE, noon(2).day()), (TAX, noon(4).day())]);

    // It decides, and who joined hears it.
    let note = NewNote::Decision { lead: Some(POLICE), next: Some(noon(20).day()), text: "Politie gaat erheen." };
    town.partner(COORDINATOR).write_note(1, &note, &by(), noon(5)).unwrap();
    town.sync_all(noon(5));
    town.sync_all(noon(6));
    for number in [POLICE, TAX] {
        assert_eq!(town.news(number), [TalkNews::Decision { conversation: 1 }], "{number}");
        let known: Vec<_> = town.partner(number).conversations().collect();
        assert_eq!(known[0].lead, Some(POLICE), "{number}");
    }
    assert_eq!(town.news(HOUSING), []);
    // And how it ended.
    let note = NewNote::Outcome { outcome: Outcome::ByOne, text: "" };
    town.partner(POLICE).write_note(1, &note, &by(), noon(6)).unwrap();
    town.sync_all(noon(6));
    town.sync_all(noon(7));
    assert_eq!(town.agenda()[0].outcome, Some(Outcome::ByOne));
}

#[test]
fn the_address_of_a_flag_that_was_withdrawn_since_is_written_by_nobody() {
    let mut town = stacked("");
    town.put_forward(POLICE, home(1), noon(1));
    town.sync_all(noon(1));
    // The turn of the day is over, and the police have not heard of it.
    town.sync(TAX, noon(2));
    town.partner(POLICE).withdraw([&home(1)], &by(), noon(2)).unwrap();
    town.sync_all(noon(2));
    town.sync_all(noon(3));
    assert_eq!(town.news(POLICE), [TalkNews::Introduced { conversation: 1, partner: COORDINATOR }]);
    assert_eq!(town.news(COORDINATOR), [TalkNews::Introduced { conversation: 1, partner: POLICE }]);
    assert_eq!(town.agenda()[0].addresses, []);
}

#[test]
fn two_that_meet_directly_are_told_of_each_other_and_write() {
    let mut town = stacked("direct = [[\"politie\", \"belastingdienst\"]]\ntell_others = false");
    town.put_forward(POLICE, home(1), noon(1));
    town.sync_all(noon(1));
    town.sync_all(noon(2));
    assert_eq!(town.news(TAX), [], "the policy says that others are not told");
    town.news(POLICE);
    town.put_forward(TAX, home(1), noon(3));
    town.sync_all(noon(3));
    town.sync_all(noon(4));
    assert!(town.news(POLICE).contains(&TalkNews::Introduced { conversation: 1, partner: TAX }));
    assert!(town.news(TAX).contains(&TalkNews::Introduced { conversation: 1, partner: POLICE }));
    assert_eq!(town.news(HOUSING), []);
    let text = "Wij hebben er een onderzoek lopen.";
    town.partner(POLICE).write_note(1, &NewNote::Text { text, to: Some(TAX) }, &by(), noon(4)).unwrap();
    town.sync(POLICE, noon(5));
    town.sync(TAX, noon(5));
    let of_tax: Vec<_> = town.partner(TAX).conversations().collect();
    assert!(
        of_tax[0]
            .notes
            .iter()
            .any(|note| { note.from == Some(POLICE) && note.content == NoteContent::Text(text.to_owned()) })
    );
    // That it was read the other's program says, with no note of anybody.
    town.sync(POLICE, noon(6));
    let of_police: Vec<_> = town.partner(POLICE).conversations().collect();
    let own = of_police[0].notes.iter().find(|note| note.content == NoteContent::Text(text.to_owned())).unwrap();
    assert_eq!(own.copies[0].progress, NoteProgress::Read);
    assert_eq!(town.news(POLICE), []);

    // Whoever leaves can be written to no longer, and the other is told.
    town.partner(TAX).leave(1, &by(), noon(6)).unwrap();
    town.sync(TAX, noon(7));
    town.sync(POLICE, noon(8));
    let news = town.news(POLICE);
    assert!(news.contains(&TalkNews::Left { conversation: 1, partner: TAX }), "{news:?}");
    assert_eq!(town.partner(POLICE).complaints().unwrap().len(), 0);
    assert_eq!(town.partner(TAX).complaints().unwrap().len(), 0);
}

/// The longest wait, over a simulated year: four organisations, of which one delivers once a week. Every third day
/// police and that one come to flag the same home, and put it forward with the flag; the weekly delivery stacks it. It
/// is to be on the coordinator's agenda, with its address, within eight days; with two exchanges a day, of which the
/// second brings the address of what the first had.
#[test]
fn an_introduction_comes_within_eight_days_of_the_delivery_that_stacks() {
    let mut town = Town::new("exchanges_a_day = 2");
    // Three organisations must hold flags at all.
    town.flag(TAX, home(1_000), noon(0));
    town.begin();
    let mut stacked_on: BTreeMap<String, u64> = BTreeMap::new();
    let mut waits: BTreeMap<u64, u64> = BTreeMap::new();
    let (mut undelivered, mut weekly) = (Vec::new(), 1);
    for day in 1..=364 {
        let now = noon(day);
        if day % 3 == 0 {
            let new = home(day as u32);
            for number in [POLICE, HOUSING] {
                town.flag(number, new, now);
                town.put_forward(number, new, now);
            }
            undelivered.push(new);
        }
        for number in [POLICE, TAX, TOWN_HALL] {
            town.sync(number, now);
        }
        // Each week on another day of it, so that it comes at every distance before a release.
        if day == weekly {
            weekly = (day / 7 + 1) * 7 + (day / 7 + 1) % 7;
            town.sync(HOUSING, now);
            stacked_on.extend(undelivered.drain(..).map(|home| (home.as_str().to_owned(), day)));
        }
        town.talk(COORDINATOR, now);
        for (key, _) in town.agenda().into_iter().flat_map(|item| item.addresses) {
            if let Some(since) = stacked_on.remove(&key) {
                *waits.entry(day - since).or_default() += 1;
                // It was talked about, and the flags end.
                let talked = AddressKey::from_canonical(&key).unwrap();
                for number in [POLICE, HOUSING] {
                    town.partner(number).withdraw([&talked], &by(), now).unwrap();
                }
            }
        }
        if day % 60 == 0 {
            town.flag(TAX, home(1_000 + day as u32), now);
        }
    }
    let longest = *waits.keys().last().unwrap();
    // Seven are those of `max_wait_days`, on each weekday on which a delivery can come; and a day for the exchange.
    assert!(longest <= 8, "{waits:?}");
    assert!(waits.values().sum::<u64>() > 100, "{waits:?}");
    // What is left was stacked in the last days.
    assert!(stacked_on.values().all(|since| *since > 350), "{stacked_on:?}");
}

/// How many days pass between a note and its reading at the coordinator of so many organisations and the other way
/// round, and how often. On each day so many hits are put forward by three organisations. Each of these writes the
/// address, and a text three days later; the coordinator decides on the day on which it has the address and a week
/// later, which goes to all three. It comes before all others on a day, so that it reads nothing on the day on which it
/// is written.
fn waits(organisations: u16, hits_a_day: u32) -> BTreeMap<u64, u32> {
    const DAYS: u64 = 42;
    let flags = [POLICE, TAX, HOUSING, TOWN_HALL].into_iter().chain(6..organisations + 2);
    let partners: Vec<u16> = flags.collect();
    let more = |number: u16| {
        let key = policy_key(&format!("organisatie-{number}")).verifying_key();
        format!(
            "\n[[organisation]]\nslug = \"organisatie-{number}\"\nname = \"Organisatie {number}\"\n\
             oin = \"000000990001{number:04}0000\"\ncontact = \"a\"\npolicy_key = \"{key}\"\n\n[[partner]]\n\
             number = {number}\nname = \"Systeem {number}\"\norganisation = \"organisatie-{number}\"\n\
             may = [\"flag\"]\nlegal_basis_flag = \"a\"\n"
        )
    };
    let more: String = partners.iter().filter(|number| **number > COORDINATOR).map(|number| more(*number)).collect();
    let mut town = Town::of(&(text("") + &more));
    let homes: Vec<AddressKey> = (1..=hits_a_day * DAYS as u32).map(home).collect();
    for number in &partners {
        town.partner(*number).flag(&homes, &by(), noon(0)).unwrap();
        town.deliver(*number, noon(0));
    }
    let mut hits = homes.iter();
    // What was written and by whom, in which conversation of its writer's, on which day; until it is read.
    let mut unread: BTreeMap<(String, u16), u64> = BTreeMap::new();
    let mut read = BTreeMap::new();
    let mut texts: BTreeMap<(u16, u32), u64> = BTreeMap::new();
    let mut decided: BTreeMap<u32, u64> = BTreeMap::new();
    for day in 1..DAYS {
        let now = noon(day);
        for at in 0..u64::from(hits_a_day) {
            let hit = *hits.next().unwrap();
            for turn in 0..3 {
                let number = partners[((day * 5 + at * 3 + turn) % partners.len() as u64) as usize];
                town.put_forward(number, hit, now);
            }
        }
        town.talk(COORDINATOR, now);
        for item in town.agenda().into_iter().filter(|item| !item.addresses.is_empty()) {
            let last = decided.get(&item.conversation).copied();
            if last.is_none_or(|last| last + 7 == day) && decided.get(&item.conversation) != Some(&0) {
                let text = format!("besluit {} {day}", item.conversation);
                let note = NewNote::Decision { lead: None, next: None, text: &text };
                town.partner(COORDINATOR).write_note(item.conversation, &note, &by(), now).unwrap();
                decided.insert(item.conversation, if last.is_none() { day } else { 0 });
                for (number, _) in &item.joined {
                    unread.insert((text.clone(), *number), day);
                }
            }
        }
        for number in &partners {
            town.sync(*number, now);
            let known: Vec<_> = town.partner(*number).conversations().collect();
            for one in known {
                let since = *texts.entry((*number, one.number)).or_insert(day);
                if since + 3 == day {
                    let text = format!("tekst {number} {}", one.number);
                    let note = NewNote::Text { text: &text, to: None };
                    town.partner(*number).write_note(one.number, &note, &by(), now).unwrap();
                    unread.insert((text, COORDINATOR), day);
                }
            }
        }
        for number in partners.iter().chain([&COORDINATOR]) {
            for note in town.partner(*number).conversations().flat_map(|one| one.notes) {
                let text = match note.content {
                    NoteContent::Text(text) | NoteContent::Decision { text, .. } => text,
                    _ => continue,
                };
                if let Some(since) = unread.remove(&(text, *number)) {
                    *read.entry(day - since).or_default() += 1;
                }
            }
        }
    }
    // What is left was written in the last days.
    assert!(unread.values().all(|since| *since + 8 > DAYS), "{unread:?}");
    read
}

/// With four exchanges a day, as is the default. The figures stand in spec/after-a-hit.md.
#[test]
fn notes_wait_as_long_as_the_text_says() {
    assert_eq!(waits(4, 1), BTreeMap::from([(1, 207), (2, 105)]));
}
