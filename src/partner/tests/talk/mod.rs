//! What comes after a hit: partners of one town, and a broker that does as a test says.

mod agreement;
mod coordinator;
mod crashes;
mod due;
mod introductions;
mod news;
mod notes;
mod numbers;
mod put_off;
mod rows;

use std::collections::BTreeMap;

use super::*;
use crate::message::{
    ENTRIES_AT_ONCE, Entry, EntryKind, Exchange, Kept, Kind, LogEntry, NoteFate, NoteSlot, Post, Request, Role,
    Unverified, Verified,
};
use crate::partner::talk::pace::MadeToday;
use crate::pseudonym::Pseudonym;
use crate::slug::Slug;
use crate::talk::{ConversationId, RowCode, Subject};

const POLICE: u16 = 1;
const TAX: u16 = 2;
const HOUSING: u16 = 3;
const COORDINATOR: u16 = 5;

const DAY: u64 = 86_400;

/// The sample with a coordinator, house numbers, and a second epoch that overlaps the first from 2027-06-01.
fn meet_text() -> String {
    let key_id = sample::secret_file(2).key_id();
    let second = format!(
        "[[epoch]]\nnumber = 2\nkey_id = \"{key_id}\"\nopens = 2027-06-01\ncloses = 2028-05-31\n\n[[organisation]]"
    );
    let text = sample::text_with_meet();
    let text = text.replacen("[meet]", "[meet]\nexchanges_a_day = 2", 1);
    let text = text.replacen("threshold = 2", "threshold = 2\nlevels = [\"unit\", \"number\"]", 1);
    text.replacen("[[organisation]]", &second, 1)
}

/// Some partners of one consortium, each with a broker of its own, and what waits for each.
struct Town {
    plays: BTreeMap<u16, Play>,
    entries: BTreeMap<u16, Vec<Entry>>,
    notes: BTreeMap<u16, Vec<NoteSlot>>,
    /// The last number of an entry or a note.
    counted: u64,
}

/// A message that put forward.
struct Forwarded {
    partner: u16,
    number: u64,
    last_day: Day,
    receivers: Vec<u16>,
    rows: Vec<(Pseudonym, Vec<RowCode>)>,
}

impl Forwarded {
    fn code(&self, pseudonym: &Pseudonym, receiver: u16) -> RowCode {
        let at = self.receivers.iter().position(|one| *one == receiver).unwrap();
        self.rows.iter().find(|(row, _)| row == pseudonym).unwrap().1[at]
    }
}

/// The folder of a partner with keys, policy and secrets.
fn folder_of(number: u16, policy: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    files::create_private(&folder.path().join("partner.key"), &[number as u8; 32]).unwrap();
    Partner::init(folder.path(), number).unwrap();
    Partner::join(folder.path(), &sample::folder(policy).path().join("policy.toml")).unwrap();
    if number != COORDINATOR {
        for epoch in [1, 2] {
            let path = folder.path().join(format!("epoch-{epoch}.secret"));
            sample::secret_file(epoch).create(&path).unwrap();
        }
    }
    folder
}

/// The certificate of a partner's keys in an epoch.
fn certified(partner: &Partner, epoch: u32, serial: u32) -> Certificate {
    let policy = partner.policy().policy();
    let (number, keys) = (partner.number(), Some(partner.keys(epoch).unwrap()));
    let (first_day, last_day) = policy.epoch(epoch).map(|epoch| (epoch.opens, epoch.closes)).unwrap();
    let statement = Statement { partner: number, epoch, serial, keys, first_day, last_day };
    let organisation = policy.partner(number).unwrap().organisation.as_str().to_owned();
    Certificate::sign(policy, statement, &sample::policy_key(&organisation)).unwrap()
}

impl Town {
    /// Police, tax office, housing and coordinator, who have each other's certificates.
    fn new() -> Town {
        let mut town = Town::without_certificates();
        let all: Vec<_> =
            town.plays.values().flat_map(|play| [1, 2].map(|epoch| certified(&play.partner, epoch, 1))).collect();
        for play in town.plays.values_mut() {
            play.partner.take_certificates(all.clone()).unwrap();
        }
        town
    }

    fn without_certificates() -> Town {
        let text = meet_text();
        let play = |number: u16| {
            let folder = folder_of(number, &text);
            let partner = Partner::open(folder.path()).unwrap();
            let broker = Broker::new(partner.policy().clone());
            (number, Play { folder, partner, broker })
        };
        let plays = [POLICE, TAX, HOUSING, COORDINATOR].map(play).into();
        Town { plays, entries: BTreeMap::new(), notes: BTreeMap::new(), counted: 0 }
    }

    /// One in which police and tax office put a home forward, and are introduced to each other.
    fn introduced() -> Town {
        let mut town = Town::new();
        let police = town.put_forward(POLICE, 1, NOW);
        let tax = town.put_forward(TAX, 1, NOW);
        town.introduce(&police, &tax, 1, NOW.day().plus(1));
        for number in [POLICE, TAX] {
            town.partner(number).talk_run = TalkRun::default();
            town.run(number, NOW.plus(DAY));
            town.exchange_more(number);
            town.partner(number).take_talk_news().unwrap();
        }
        town
    }

    fn play(&mut self, number: u16) -> &mut Play {
        self.plays.get_mut(&number).unwrap()
    }

    fn partner(&mut self, number: u16) -> &mut Partner {
        &mut self.play(number).partner
    }

    fn reopen(&mut self, number: u16) {
        let play = self.plays.remove(&number).unwrap();
        self.plays.insert(number, play.reopen());
    }

    /// Flags a home, tells the broker, puts the home forward, and tells that too.
    fn put_forward(&mut self, number: u16, home: u32, now: Timestamp) -> Forwarded {
        let play = self.play(number);
        play.partner.flag(homes(home..home + 1), &by(), now).unwrap();
        play.deliver(now);
        play.partner.put_forward(homes(home..home + 1), &by(), now).unwrap();
        self.keep(number, now)
    }

    /// Has the broker keep what the partner puts forward, now or in its next run.
    fn keep(&mut self, number: u16, now: Timestamp) -> Forwarded {
        let message = self.next(number, Kind::PutForward, now);
        let said = forwarded(number, &message);
        let rows = said.rows.len() as u32;
        let kept = Kept { log: LogEntry::NONE, kept: rows, unflagged: 0, new: rows, new_left: 20, held_left: 200 };
        let received = self.reply(number, &message, Reply::Kept(kept), now).unwrap();
        assert!(matches!(received, Received::Kept(kept) if kept.kept == rows));
        said
    }

    /// Has the broker refuse what a partner puts forward, because another epoch answers.
    fn other_epoch(&mut self, number: u16, answers: u32, now: Timestamp) -> Forwarded {
        let message = self.next(number, Kind::PutForward, now);
        let refused = Rejection::new(Code::OtherEpoch, answers.into(), "another answers");
        drop(self.reply(number, &message, Reply::Rejection(refused), now).unwrap());
        forwarded(number, &message)
    }

    fn reply(&mut self, number: u16, message: &[u8], reply: Reply, now: Timestamp) -> Result<Received, PartnerError> {
        let play = self.play(number);
        let bytes = play.broker.reply(message, reply);
        play.partner.read(&bytes, now)
    }

    /// What waits for a partner, as a post to an exchange: all of its notes are kept, and go to whom they are for.
    fn post(&mut self, number: u16, exchange: &Exchange) -> Post {
        let mut sent = [NoteFate::Empty; 4];
        for (slot, fate) in exchange.notes.iter().zip(&mut sent) {
            *fate = NoteFate::Kept;
            self.notes.entry(slot.partner).or_default().push(NoteSlot { partner: number, ..slot.clone() });
        }
        let entries = self.entries.remove(&number).unwrap_or_default();
        let mut waiting = self.notes.remove(&number).unwrap_or_default();
        let rest = waiting.split_off(waiting.len().min(4));
        let more = !rest.is_empty();
        self.notes.insert(number, rest);
        let notes = waiting.into_iter().map(|slot| (self.count(), slot)).collect();
        Post { log: LogEntry::NONE, sent, more, entries, notes }
    }

    /// Has a partner forget what it sent today. What a message says has tests in which several are sent on one day; how
    /// many are has its own.
    fn anew(&mut self, number: u16) {
        let mut transaction = self.partner(number).data.begin_at_latest().unwrap();
        transaction.state().after_hit.made_today = MadeToday::default();
        transaction.commit().unwrap();
    }

    /// The same, of its exchanges alone.
    fn exchange_more(&mut self, number: u16) {
        let mut transaction = self.partner(number).data.begin_at_latest().unwrap();
        transaction.state().after_hit.made_today.exchanges = 0;
        transaction.commit().unwrap();
    }

    /// The next message of a kind, of today's or of those of a day more.
    fn next(&mut self, number: u16, wanted: Kind, now: Timestamp) -> Vec<u8> {
        if wanted == Kind::PutForward && self.partner(number).data.state().talk.is_none() {
            self.anew(number);
        }
        for _ in 0..9 {
            let Some(message) = self.partner(number).talk(now).unwrap() else {
                self.exchange_more(number);
                continue;
            };
            match kind(&message) {
                kind if kind == wanted => return message,
                Kind::PutForward => drop(self.keep(number, now)),
                _ => drop(self.exchange(number, now)),
            }
        }
        panic!("no {wanted:?} comes")
    }

    /// One exchange, now or in the next run: what it brought, and what was read.
    fn exchange(&mut self, number: u16, now: Timestamp) -> (Exchange, Posted) {
        let message = self.next(number, Kind::Exchange, now);
        let exchange = exchange_of(number, &message);
        let post = self.post(number, &exchange);
        match self.reply(number, &message, Reply::Post(post), now).unwrap() {
            Received::Posted(posted) => (exchange, posted),
            other => panic!("{other:?}"),
        }
    }

    /// What is left of a partner's messages of the day. Their kinds.
    fn run(&mut self, number: u16, now: Timestamp) -> Vec<Kind> {
        let mut kinds = Vec::new();
        while let Some(message) = self.partner(number).talk(now).unwrap() {
            kinds.push(kind(&message));
            match kind(&message) {
                Kind::PutForward => drop(self.keep(number, now)),
                _ => drop(self.exchange(number, now)),
            }
        }
        assert_eq!(self.partner(number).complaints().unwrap(), [], "of an honest broker");
        kinds
    }

    fn count(&mut self) -> u64 {
        self.counted += 1;
        self.counted
    }

    /// Adds an entry for a partner.
    fn tell(&mut self, number: u16, subject: Subject, day: Day, told: EntryKind) {
        let subject = if matches!(told, EntryKind::Left { .. }) { Subject::NONE } else { subject };
        let entry = Entry { number: self.count(), subject, epoch: 1, day, told };
        self.entries.entry(number).or_default().push(entry);
    }

    /// Tells two that put a home forward of each other.
    fn introduce(&mut self, one: &Forwarded, other: &Forwarded, home: u32, day: Day) {
        for (to, from) in [(one, other), (other, one)] {
            let told = introduced(to, from, home);
            self.tell(to.partner, subject(home), day, told);
        }
    }

    /// Tells the coordinator of a partner that put a home forward, and that partner of the coordinator.
    fn introduce_to_coordinator(&mut self, one: &Forwarded, home: u32, day: Day) {
        let conversation = conversation(home);
        let (last_day, row, code) = (one.last_day, one.number, one.code(&pseudonym(home), COORDINATOR));
        let told = EntryKind::Introduced { conversation, partner: one.partner, last_day, row, own_row: 0, code };
        self.tell(COORDINATOR, subject(home), day, told);
        let (partner, own_row, code) = (COORDINATOR, one.number, RowCode::NONE);
        let told = EntryKind::Introduced { conversation, partner, last_day, row: 0, own_row, code };
        self.tell(one.partner, subject(home), day, told);
    }

    fn conversation(&mut self, number: u16) -> Conversation {
        let all: Vec<_> = self.partner(number).conversations().collect();
        assert_eq!(all.len(), 1);
        all.into_iter().next().unwrap()
    }

    fn write(&mut self, number: u16, text: &str, now: Timestamp) {
        self.partner(number).write_note(1, &NewNote::Text { text, to: None }, &by(), now).unwrap();
    }
}

/// What one that put a home forward is told of another that did.
fn introduced(to: &Forwarded, from: &Forwarded, home: u32) -> EntryKind {
    EntryKind::Introduced {
        conversation: conversation(home),
        partner: from.partner,
        last_day: from.last_day,
        row: from.number,
        own_row: to.number,
        code: from.code(&pseudonym(home), to.partner),
    }
}

/// The pseudonym of a home in epoch 1.
fn pseudonym(home: u32) -> Pseudonym {
    source(1).pseudonym(&homes(home..home + 1)[0])
}

fn subject(home: u32) -> Subject {
    Subject::of(&pseudonym(home))
}

fn conversation(home: u32) -> ConversationId {
    ConversationId::from_bytes([home as u8; 16])
}

fn verified(number: u16, message: &[u8]) -> Verified<'_> {
    let key = sample::partner_key(number as u8).verifying_key();
    Unverified::parse(message, Role::Partner).unwrap().verify(&key).unwrap()
}

fn kind(message: &[u8]) -> Kind {
    Unverified::parse(message, Role::Partner).unwrap().unverified_header().kind
}

fn exchange_of(number: u16, message: &[u8]) -> Exchange {
    match verified(number, message).request().unwrap() {
        Request::Exchange(exchange) => exchange,
        _ => panic!("it is no exchange"),
    }
}

fn forwarded(partner: u16, message: &[u8]) -> Forwarded {
    let message = verified(partner, message);
    let number = message.header().sequence;
    match message.request().unwrap() {
        Request::PutForward(said) => Forwarded {
            partner,
            number,
            last_day: said.last_day,
            receivers: said.receivers.clone(),
            rows: said.rows().map(|row| (*row.pseudonym, row.codes().collect())).collect(),
        },
        _ => panic!("it puts nothing forward"),
    }
}

/// The texts of the notes of others in a conversation.
fn texts(conversation: &Conversation) -> Vec<String> {
    let text = |note: &ConversationNote| match (&note.from, &note.content) {
        (Some(_), crate::talk::NoteContent::Text(text)) => Some(text.clone()),
        _ => None,
    };
    conversation.notes.iter().filter_map(text).collect()
}

/// How far the copies of own notes came.
fn progress(conversation: &Conversation) -> Vec<NoteProgress> {
    conversation.notes.iter().flat_map(|note| &note.copies).map(|copy| copy.progress).collect()
}
