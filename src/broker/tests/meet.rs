//! What comes after a hit, at a broker: who is told what, to the byte; what is kept, and what a crash, a restore, a
//! policy or the end of an epoch leaves of it.

mod crashes;
mod ends;
mod learns;
mod notes;
mod watched;

use std::collections::BTreeMap;

use super::*;
use crate::broker::meet::SentToday;
use crate::broker::rows::write_row;
use crate::message::{Entry, EntryKind, Exchange, Kept, Kind, NoteFate, NoteSlot, Post, PutForward};
use crate::policy::{Policy, SignedPolicy};
use crate::store::Key;
use crate::talk::{ConversationId, RowCode, SealedNote, Subject};

/// A consortium with a coordinator, its broker, and what each partner's numbers are.
struct Town {
    keys: tempfile::TempDir,
    disk: SimDisk,
    broker: Broker,
    policy: SignedPolicy,
    members: BTreeMap<u8, Member>,
    now: Timestamp,
    /// The epoch of what is said.
    epoch: u32,
}

#[derive(Clone, Copy, Default)]
struct Member {
    state: u64,
    accepted: u64,
    talk: u64,
    /// The last entry and the last note that it read.
    told: u64,
    received: u64,
}

/// What each partner flags, unless a test says otherwise. All of it is released.
const FLAGS: [&[u8]; 4] = [&[1, 2], &[1, 3], &[1, 2], &[4]];

impl Town {
    /// A town in which all flags are released, under a policy with these changes.
    fn begin(changes: &[(&str, &str)]) -> Town {
        Town::with(sample::with_meet(changes))
    }

    fn with(policy: Policy) -> Town {
        let (keys, disk) = (key_folder(), SimDisk::default());
        // One pepper for all towns, so that what two of them tell can be compared.
        files::create_private(&keys.path().join("epoch-1.pepper"), &[0xe1; 32]).unwrap();
        let broker_keys = Arc::new(BrokerKeys::open(keys.path()).unwrap());
        let store = disk.create_store(broker_keys.clone()).unwrap();
        let certificates = sample::certificates(&policy);
        let policy = sample::signed_with_meet(policy);
        let broker = Broker::begin(broker_keys, Box::new(store), policy.clone(), &certificates, START).unwrap();
        let mut town = Town { keys, disk, broker, policy, members: BTreeMap::new(), now: START, epoch: 1 };
        town.deliver();
        town.turn();
        assert_eq!(town.broker.status().epochs[0].partners[0].released, 2);
        town
    }

    /// Has each partner that flags deliver its set.
    fn deliver(&mut self) {
        for (partner, flags) in (1..).zip(FLAGS) {
            assert_eq!(self.flag(partner, flags), "ok");
        }
    }

    fn reopen_on(&self, disk: &SimDisk) -> Broker {
        let keys = Arc::new(BrokerKeys::open(self.keys.path()).unwrap());
        let store = disk.open_store(keys.clone()).unwrap();
        Broker::resume(keys, Box::new(store), None, |_| Ok(self.policy.clone())).unwrap()
    }

    fn reopen(&mut self) {
        // Two brokers on one disk would write over each other's pages.
        let keys = BrokerKeys::in_memory(sample::operator_key(), sample::checkpoint_key());
        self.broker = Broker::in_memory(keys, self.policy.clone(), &[], self.now).unwrap();
        self.broker = self.reopen_on(&self.disk);
    }

    /// A day later.
    fn turn(&mut self) {
        self.now = self.now.plus(DAY);
        self.broker.release(self.now).unwrap();
    }

    fn sign(&self, partner: u8, request: &Request<'_>, (sequence, previous): (u64, u64)) -> Vec<u8> {
        let (policy, epoch) = (self.policy.policy(), self.epoch);
        let header = Header {
            version: message::VERSION,
            kind: request.kind(),
            consortium: policy.consortium.clone(),
            purpose: policy.purpose.clone(),
            epoch,
            key_id: policy.epoch(epoch).unwrap().key_id,
            partner: partner.into(),
            sequence,
            previous,
            time: self.now,
            policy: self.policy.digest(),
            context: Digest::NONE,
            body_length: 0,
        };
        message::sign(&header, &request.encode().unwrap(), &sample::partner_key(partner)).unwrap()
    }

    /// Sends a full set.
    fn flag(&mut self, partner: u8, flags: &[u8]) -> &'static str {
        let mut member = self.members.get(&partner).copied().unwrap_or_default();
        member.state += 1;
        let pseudonyms: Vec<_> = flags.iter().map(|flag| pseudonym(*flag)).collect();
        let mut flagged = vec![Group { terms: until(self.now.day().plus(100).month_end()), pseudonyms: &pseudonyms }];
        flagged.retain(|group| !group.pseudonyms.is_empty());
        let request = Request::FullSet(FullSet { shrink: true, part: Part { number: 1, of: 1 }, flagged });
        let message = self.sign(partner, &request, (member.state, member.accepted));
        let said = code(&self.broker.handle(&message, self.now));
        if said == "ok" {
            member.accepted = member.state;
        }
        self.members.insert(partner, member);
        said
    }

    /// The bytes of a partner's next message of what comes after a hit.
    fn next(&mut self, partner: u8, request: &Request<'_>) -> Vec<u8> {
        let member = self.members.entry(partner).or_default();
        member.talk += 1;
        let sequence = member.talk;
        self.sign(partner, request, (sequence, 0))
    }

    /// Has the broker forget what it accepted today of a partner that is to send one more. What a message does has
    /// tests that send several on one day; how many are taken has its own.
    fn allow(&self, partner: u8, request: &Request<'_>) {
        let a_day = self.policy.policy().meet.as_ref().map_or(0, |meet| meet.exchanges_a_day);
        let sent = self.broker.database.inspect(|state| state.partners.get(&partner.into()).map(|row| row.sent_today));
        let is_spent = match (request, sent) {
            (Request::PutForward(_), Some(sent)) => sent.put_forward,
            (Request::Exchange(_), Some(sent)) => sent.exchanges >= a_day,
            _ => false,
        };
        if is_spent {
            let mut transaction = self.broker.database.begin().unwrap();
            let (state, change) = transaction.change();
            let row = state.partners.get_mut(&partner.into()).unwrap();
            row.sent_today = SentToday::default();
            change.rows.push((Key::Partner(partner.into()), Some(write_row(row))));
            transaction.commit().unwrap();
        }
    }

    /// Sends a message as a partner does that has sent others today, and gives the code of its rejection.
    fn say_once_more(&mut self, partner: u8, request: &Request<'_>) -> &'static str {
        let message = self.next(partner, request);
        code(&self.broker.handle(&message, self.now))
    }

    fn say(&mut self, partner: u8, request: &Request<'_>) -> Reply {
        self.allow(partner, request);
        let message = self.next(partner, request);
        read(&self.broker.handle(&message, self.now))
    }

    /// Puts all of these forward, for 13 days, with codes for all others.
    fn put(&mut self, partner: u8, rows: &[u8]) -> Kept {
        let last_day = self.now.day().plus(13);
        match self.say(partner, &put_forward(partner, rows, last_day)) {
            Reply::Kept(kept) => kept,
            other => panic!("{other:?}"),
        }
    }

    /// Says that all that was told is read, and gives what waits.
    fn exchange(&mut self, partner: u8, exchange: Exchange) -> Post {
        let Member { told, received, .. } = self.members.get(&partner).copied().unwrap_or_default();
        let exchange = Exchange { told, received, ..exchange };
        let Reply::Post(post) = self.say(partner, &Request::Exchange(exchange)) else { panic!("no post") };
        let member = self.members.entry(partner).or_default();
        member.told = post.entries.last().map_or(told, |last| last.number);
        member.received = post.notes.last().map_or(received, |last| last.0);
        post
    }

    /// What a partner is told, of whom.
    fn told(&mut self, partner: u8) -> Vec<(&'static str, u16)> {
        self.exchange(partner, Exchange::default()).entries.iter().map(what).collect()
    }

    /// Two that meet directly, and the coordinator, are introduced over 1; all have read it.
    fn introduce(&mut self) -> ConversationId {
        self.put(1, &[1]);
        self.put(2, &[1]);
        self.turn();
        let entries = self.exchange(1, Exchange::default()).entries;
        for partner in [2, 3, 5] {
            self.exchange(partner, Exchange::default());
        }
        entries.iter().find_map(conversation).unwrap()
    }

    /// How many entries wait for each partner, as the broker has it.
    fn waiting(broker: &Broker) -> BTreeMap<u16, usize> {
        broker.database.inspect(|state| {
            let waiting = state.meet.mailboxes.iter().map(|(partner, mailbox)| (*partner, mailbox.entries.len()));
            waiting.filter(|(_, entries)| *entries > 0).collect()
        })
    }
}

fn put_forward(partner: u8, rows: &[u8], last_day: Day) -> Request<'static> {
    let receivers: Vec<u16> = (1..=6).filter(|other| *other != u16::from(partner)).collect();
    let codes = |row: u8| receivers.iter().map(|to| row_code(partner, *to as u8, row)).collect();
    let rows = rows.iter().map(|row| (pseudonym(*row), codes(*row))).collect();
    Request::PutForward(PutForward::new(last_day, receivers.clone(), rows))
}

fn row_code(from: u8, to: u8, row: u8) -> RowCode {
    RowCode::from_bytes([from, to, row, 0xc0].repeat(4).try_into().unwrap())
}

fn what(entry: &Entry) -> (&'static str, u16) {
    match entry.told {
        EntryKind::Asked { .. } => ("asked", 0),
        EntryKind::Introduced { partner, .. } => ("introduced", partner),
        EntryKind::Left { partner, .. } => ("left", partner),
    }
}

fn conversation(entry: &Entry) -> Option<ConversationId> {
    match entry.told {
        EntryKind::Asked { .. } => None,
        EntryKind::Introduced { conversation, .. } | EntryKind::Left { conversation, .. } => Some(conversation),
    }
}

fn slot(conversation: ConversationId, partner: u16, number: u64) -> NoteSlot {
    let sealed = SealedNote::from_bytes([number as u8; 1_096]);
    NoteSlot { conversation, partner, began: 1, number, epoch: 1, sealed }
}

/// A reply without its line in the log, which is another each time.
fn without_line(reply: Reply) -> Vec<u8> {
    let reply = match reply {
        Reply::Kept(kept) => Reply::Kept(Kept { log: message::LogEntry::NONE, ..kept }),
        Reply::Post(post) => Reply::Post(Post { log: message::LogEntry::NONE, ..post }),
        other => panic!("{other:?}"),
    };
    reply.encode().unwrap()
}

fn lines(broker: &Broker) -> Vec<Event> {
    let mut events = Vec::new();
    let visit = |_, row: &LogRow| {
        if let LogRow::Line(line) = row {
            events.push(line.event.clone());
        }
        Ok(())
    };
    broker.log_rows(visit).unwrap();
    events
}

#[test]
fn who_puts_the_same_forward_is_told_at_the_turn_until_it_says_that_it_read_it() {
    let mut town = Town::begin(&[]);
    let Kept { kept, unflagged, new, new_left, held_left, .. } = town.put(1, &[1, 2]);
    assert_eq!((kept, unflagged, new, new_left, held_left), (2, 0, 2, 18, 198));
    let Kept { kept, unflagged, new, new_left, held_left, .. } = town.put(2, &[1, 2]);
    assert_eq!((kept, unflagged, new, new_left, held_left), (1, 1, 1, 19, 199), "2 does not flag 2");
    for partner in 1..=5 {
        assert_eq!(town.told(partner), [], "nobody is told before the turn");
    }
    town.turn();
    let first = town.exchange(1, Exchange::default());
    let told: Vec<_> = first.entries.iter().map(what).collect();
    assert_eq!(told.iter().filter(|it| **it == ("introduced", 5)).count(), 2, "over 1 and over 2");
    assert_eq!(told.len(), 3);
    let of_2 = first.entries.iter().find(|entry| what(entry) == ("introduced", 2)).unwrap();
    let (id, day) = (conversation(of_2).unwrap(), town.now.day());
    let pepper = town.broker.keys.pepper(1).unwrap();
    let subject = Subject::of(&pseudonym(1));
    assert!(id == pepper.conversation(&subject));
    let introduced = EntryKind::Introduced {
        conversation: id,
        partner: 2,
        last_day: day.plus(12),
        row: 1,
        own_row: 1,
        code: row_code(2, 1, 1),
    };
    assert_eq!(*of_2, Entry { number: of_2.number, subject, epoch: 1, day, told: introduced });
    assert_eq!(town.told(2), [("introduced", 1), ("introduced", 5)]);
    assert_eq!(town.told(3), [("asked", 0), ("asked", 0)]);
    assert_eq!(town.told(4), []);
    let told = town.told(5);
    assert_eq!(told.iter().filter(|it| **it == ("introduced", 1)).count(), 2);
    assert_eq!((told.len(), told.contains(&("introduced", 2))), (3, true));
    // 3 is not to meet the two directly: whoever it joins is told by the coordinator alone.
    town.put(3, &[1]);
    town.turn();
    assert_eq!((town.told(3), town.told(5)), (vec![("introduced", 5)], vec![("introduced", 3)]));
    assert_eq!((town.told(1), town.told(2)), (vec![], vec![]));
    let pairs: Vec<u32> = lines(&town.broker)
        .iter()
        .filter_map(|event| match event {
            Event::Introduced { epoch: 1, pairs, .. } => Some(*pairs),
            _ => None,
        })
        .collect();
    assert_eq!(pairs, [0, 4, 1], "a line a day, from the epoch's first release on");
    verify_log(&town.broker);
}

#[test]
fn what_waits_is_told_again_until_it_was_read_and_a_resend_gets_the_same_bytes() {
    let mut town = Town::begin(&[]);
    town.put(1, &[1]);
    town.put(2, &[1]);
    town.turn();
    let unread = Request::Exchange(Exchange::default());
    let message = town.next(1, &unread);
    let reply = town.broker.handle(&message, town.now);
    assert!(town.broker.handle(&message, town.now) == reply);
    town.reopen();
    assert!(town.broker.handle(&message, town.now) == reply, "also by a broker that was opened again");
    // Other bytes of the same number, and a number before.
    town.members.get_mut(&1).unwrap().talk -= 1;
    let Reply::Rejection(rejection) = town.say(1, &put_forward(1, &[], town.now.day())) else { panic!("accepted") };
    assert_eq!((rejection.code.as_str(), rejection.number), ("stale", 3));
    let again = without_line(town.say(1, &unread));
    assert!(again == without_line(read(&reply)), "nobody said that it was read");
    let Reply::Post(post) = read(&reply) else { panic!("no post") };
    let read_half = Exchange { told: post.entries[0].number, ..Exchange::default() };
    let Reply::Post(rest) = town.say(1, &Request::Exchange(read_half)) else { panic!("no post") };
    assert!(rest.entries == post.entries[1..] && !rest.more);
    let all = Exchange { told: u64::MAX, received: u64::MAX, ..Exchange::default() };
    let Reply::Post(rest) = town.say(1, &Request::Exchange(all)) else { panic!("no post") };
    assert_eq!(rest.entries, []);
    town.reopen();
    assert_eq!(town.told(1), []);
    // What comes later is told all the same, whatever was said to be read.
    town.put(3, &[1, 2]);
    town.put(1, &[1, 2]);
    town.turn();
    assert_eq!(town.told(1), [("introduced", 5)], "over 2");
}

/// A broker that was stopped over midnight decides the turn before it looks at a message.
#[test]
fn a_broker_that_comes_late_decides_the_turn_before_a_message() {
    let mut town = Town::begin(&[]);
    let today = town.now.day();
    for partner in [1, 2] {
        assert!(matches!(town.say(partner, &put_forward(partner, &[1], today.plus(2))), Reply::Kept(_)));
    }
    let base = town.disk.copy();
    town.now = town.now.plus(2 * DAY);
    let entries = town.exchange(1, Exchange::default()).entries;
    assert_eq!(entries.iter().map(what).collect::<Vec<_>>(), [("introduced", 2), ("introduced", 5)]);
    assert!(entries.iter().all(|entry| entry.day == today.plus(2)));
    // What is taken back in that message is taken back after the turn, and what was over by then tells nothing.
    town.disk = base.copy();
    town.reopen();
    town.put(1, &[]);
    assert_eq!(town.told(2), [("introduced", 1), ("introduced", 5)]);
    town.disk = base;
    town.reopen();
    town.now = town.now.plus(DAY);
    town.broker.release(town.now).unwrap();
    assert!(Town::waiting(&town.broker).is_empty());
}

#[test]
fn more_than_a_post_holds_is_told_in_the_next() {
    let mut town = Town::begin(&[("[meet]", "[meet]\nnew_a_day = 50")]);
    let many: Vec<u8> = (100..140).collect();
    for partner in [1, 2, 3] {
        assert_eq!(town.flag(partner, &many), "ok");
    }
    town.turn();
    town.put(1, &many);
    town.turn();
    let first = town.exchange(3, Exchange::default());
    assert_eq!((first.entries.len(), first.more), (32, true));
    let rest = town.exchange(3, Exchange::default());
    assert_eq!((rest.entries.len(), rest.more), (8, false));
    assert!(rest.entries[0].number > first.entries[31].number);
}

#[test]
fn a_message_that_is_not_permitted_changes_nothing_but_the_numbers() {
    let mut town = Town::begin(&[]);
    let today = town.now.day();
    let refused = |town: &mut Town, partner: u8, request: &Request<'_>| match town.say(partner, request) {
        Reply::Rejection(rejection) => rejection.code.as_str(),
        _ => "ok",
    };
    let rows = |last_day| put_forward(1, &[1], last_day);
    assert_eq!(refused(&mut town, 1, &rows(Day(today.0 - 1))), "not_permitted");
    assert_eq!(refused(&mut town, 1, &rows(today.plus(15))), "not_permitted");
    assert_eq!(refused(&mut town, 1, &rows(today.plus(14))), "ok");
    let own = PutForward::new(today, vec![1, 2], vec![(pseudonym(1), vec![RowCode::NONE; 2])]);
    assert_eq!(refused(&mut town, 1, &Request::PutForward(own)), "malformed");
    assert_eq!(refused(&mut town, 5, &put_forward(5, &[], today)), "not_permitted", "the coordinator flags nothing");
    assert_eq!(refused(&mut town, 5, &Request::Exchange(Exchange::default())), "ok");
    assert_eq!(refused(&mut town, 1, &Request::Totals), "not_permitted");
    let other_epoch = NoteSlot { epoch: 2, ..slot(ConversationId::from_bytes([1; 16]), 2, 1) };
    let exchange = Exchange { notes: vec![other_epoch], ..Exchange::default() };
    assert_eq!(refused(&mut town, 1, &Request::Exchange(exchange)), "malformed");
    let message = town.next(1, &Request::Exchange(Exchange::default()));
    let outcomes: Vec<_> = lines(&town.broker)
        .into_iter()
        .filter_map(|event| match event {
            Event::Message { partner: 1, subject, outcome, count, .. } => {
                Some((subject, outcome.as_str(), count)).filter(|it| matches!(it.0, crate::audit::Subject::PutForward))
            }
            _ => None,
        })
        .map(|(_, outcome, count)| (outcome, count))
        .collect();
    assert_eq!(outcomes, [("not_permitted", 1), ("not_permitted", 1), ("ok", 1), ("malformed", 0)]);
    // While the clock is in doubt nothing of it is done, and the same bytes are taken afterwards.
    let rows = put_forward(1, &[1], today);
    let put = town.next(1, &rows);
    for message in [&message, &put] {
        assert_eq!(code(&town.broker.handle(message, Clock::untrusted(town.now))), "unavailable");
    }
    for message in [&message, &put] {
        assert_eq!(code(&town.broker.handle(message, town.now)), "ok");
    }
    // A policy without `[meet]` has none of it.
    let (_place, broker, mut clients) = Place::begin();
    for request in [Request::Exchange(Exchange::default()), rows, Request::Totals] {
        clients[0].question += 1;
        let message = clients[0].sign(&request, clients[0].question, 0, day(1));
        assert_eq!(code(&broker.handle(&message, day(1))), "not_permitted");
    }
}

#[test]
fn budgets_are_the_organisations() {
    let second = "[[partner]]\nnumber = 6\nname = \"Politie, recherche\"\norganisation = \"politie\"\n\
                  may = [\"flag\", \"ask\"]\nlegal_basis_flag = \"Politiewet 2012, artikel 3\"\n\
                  legal_basis_ask = \"Politiewet 2012, artikel 3\"\n\n[[partner]]\nnumber = 2";
    let mut town = Town::begin(&[("[[partner]]\nnumber = 2", second), ("[meet]", "[meet]\nnew_a_day = 3\nheld = 4")]);
    assert_eq!(town.flag(1, &[1, 2, 3, 4, 5, 6]), "ok");
    assert_eq!(town.flag(6, &[1, 2, 3, 4, 5, 6]), "ok");
    let over = |town: &mut Town, partner: u8, rows: &[u8]| match town
        .say(partner, &put_forward(partner, rows, town.now.day().plus(9)))
    {
        Reply::Rejection(rejection) => (rejection.code.as_str(), rejection.number),
        other => panic!("{other:?}"),
    };
    let kept = |kept: Kept| (kept.kept, kept.new, kept.new_left, kept.held_left);
    assert_eq!(over(&mut town, 1, &[1, 2, 3, 4]), ("over_budget", 3));
    assert_eq!(kept(town.put(1, &[1, 2])), (2, 2, 1, 2));
    assert_eq!(over(&mut town, 6, &[1, 2]), ("over_budget", 1), "the same pseudonym of another partner is new");
    assert_eq!(kept(town.put(6, &[1])), (1, 1, 0, 1));
    // Taking back gives no new rows back, and rows that stay are none.
    assert_eq!(kept(town.put(1, &[1])), (1, 0, 0, 2));
    assert_eq!(over(&mut town, 1, &[1, 2]), ("over_budget", 0));
    town.turn();
    assert_eq!(kept(town.put(1, &[1, 2, 3])), (3, 2, 1, 0));
    assert_eq!(over(&mut town, 6, &[1, 4]), ("over_budget", 1), "four rows at a time");
    assert_eq!(kept(town.put(1, &[])), (0, 0, 1, 3));
}

#[test]
fn kinds_after_a_hit_are_one_series() {
    let mut town = Town::begin(&[]);
    town.put(1, &[1]);
    town.exchange(1, Exchange::default());
    let kinds = [Kind::PutForward, Kind::Exchange, Kind::TotalsRequest, Kind::Year];
    assert!(kinds.into_iter().all(Kind::is_talk));
    town.broker.database.inspect(|state| {
        let row = &state.partners[&1];
        assert_eq!((row.highest_talk, row.highest_question), (2, 0));
    });
}

/// A message that is made at 23:59 comes after midnight, or to a clock that is a minute behind.
#[test]
fn rows_stand_by_the_day_on_which_their_message_was_made() {
    for (made, come, days, expected) in [
        (-60, 60, 14, "ok"),
        (-60, 60, 15, "not_permitted"),
        (60, -60, 14, "ok"),
        (60, -60, 15, "not_permitted"),
        (60, -60, 0, "ok"),
        (-60, 60, 0, "ok"),
        (60, 60, -1, "not_permitted"),
    ] {
        let mut town = Town::begin(&[]);
        let midnight = town.now.day().plus(2).start();
        let at = |seconds: i64| Timestamp(midnight.0.checked_add_signed(seconds).unwrap());
        town.broker.accept_clock(at(come)).unwrap();
        town.now = at(made);
        let last_day = Day(town.now.day().0.checked_add_signed(days).unwrap());
        let message = town.next(1, &put_forward(1, &[1], last_day));
        let said = code(&town.broker.handle(&message, at(come)));
        assert_eq!(said, expected, "made {made}, come {come}, for {days} days");
    }
}
