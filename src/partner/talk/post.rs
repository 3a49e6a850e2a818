//! Reading what the broker says of what comes after a hit: spec/after-a-hit.md, section 6.

use super::super::Partner;
use super::super::error::PartnerError;
use super::super::log::Complaint;
use super::super::record::{JournalEvent, ReplyRecord};
use super::super::sent::SignedMessage;
use super::entries::CheckedEntry;
use super::news::TalkNews;
use super::notes::CheckedNote;
use super::reader::{Finding, PostReader};
use super::record::{Held, HeldBack, PostRecord, SentCopy, TakenEntry, TalkEvent};
use crate::day::Day;
use crate::message::{
    ENTRIES_AT_ONCE, Entry, EntryKind, Exchange, Kept, LogEntry, NOTES_AT_ONCE, NoteFate, NoteSlot, Post, Request,
};

/// The days for which something waits here for a certificate by which it can be checked or opened.
const LONGEST_HELD: u16 = 14;

/// How far above the last one that was read a number of an entry or a note may be. A broker leaves out numbers of what
/// went before it was told, which is never so much. One that is taken is said to be read, with all below it: near the
/// last number there is, it would keep all that an honest broker tells later from being read.
const LONGEST_LEAP: u64 = 1 << 24;

/// The notes of one sender that wait here at once, at most; as many wait at the broker.
const MOST_HELD_NOTES: usize = 64;

/// What waited at the broker, as far as it was taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Posted {
    /// The line of the broker's audit log.
    pub log: LogEntry,
    /// Whether more waits: it comes with the next exchange of [`Partner::talk`], of today or tomorrow.
    pub more: bool,
    /// What is new. It is told by [`Partner::talk_news`] too.
    pub news: Vec<TalkNews>,
    /// Entries and notes that were passed over: entries of nothing that this partner flags or put forward, notes that
    /// do not open or are of nobody that it was introduced to, and what waited here too long for a certificate. Of what
    /// another does not know to be unread there is news too.
    pub passed_over: u32,
    /// What is wrong with an introduction.
    pub complaint: Option<Complaint>,
}

/// A post that was read, before anything of it is taken over.
pub(in crate::partner) struct CheckedPost {
    pub(in crate::partner) event: JournalEvent,
    pub(in crate::partner) posted: Posted,
    pub(in crate::partner) findings: Vec<Finding>,
}

impl Partner {
    /// What is recorded of a *kept*.
    pub(in crate::partner) fn check_kept(
        &self,
        sent: &SignedMessage,
        kept: &Kept,
        reply: ReplyRecord,
    ) -> Result<JournalEvent, PartnerError> {
        let Kept { log: _, kept, unflagged, new, new_left, held_left } = *kept;
        let number = sent.head.sequence;
        let event = match sent.request(&self.member.key.verifying_key())? {
            Request::Year(year) if (kept, unflagged, new, new_left, held_left) == (0, 0, 0, 0, 0) => {
                TalkEvent::YearKept { number, year: year.year, cells: year.cells, reply }
            }
            Request::PutForward(said) if u64::from(kept) + u64::from(unflagged) == said.rows().len() as u64 => {
                TalkEvent::Kept { number, kept, unflagged, left: held_left, reply }
            }
            _ => return unexpected("it counts other rows than the message has"),
        };
        Ok(JournalEvent::Talk(event))
    }

    /// Looks at a post: what can be taken over of it, and what does not fit. Nothing is taken over.
    pub(in crate::partner) fn check_post(
        &self,
        sent: &SignedMessage,
        post: &Post,
        today: Day,
        reply: ReplyRecord,
    ) -> Result<CheckedPost, PartnerError> {
        let key = self.member.key.verifying_key();
        let Request::Exchange(exchange) = sent.request(&key)? else { return unexpected("it is to no exchange") };
        refuse_unfit(&exchange, post, today)?;
        let mut reader = PostReader::new(self, (today, reply.told), post.log.restored, &exchange);
        reader.read(post)?;
        let fates = exchange.notes.iter().zip(post.sent).map(|(slot, fate)| SentCopy {
            conversation: slot.conversation,
            to: slot.partner,
            number: slot.number,
            epoch: slot.epoch,
            fate,
        });
        let PostReader { told, received, entries, notes, passed_over, findings, .. } = reader;
        let record = PostRecord {
            number: sent.head.sequence,
            told,
            received,
            is_full: post.entries.len() == ENTRIES_AT_ONCE,
            fates: fates.collect(),
            left: exchange.left,
            entries,
            notes,
            passed_over,
            held_back: reader.held_back,
            expired: reader.expired,
            unreadable: reader.unreadable,
            strangers: reader.strangers,
            reply,
        };
        let posted = Posted { log: post.log, more: post.more, news: Vec::new(), passed_over, complaint: None };
        let event = JournalEvent::Talk(TalkEvent::Posted { post: record });
        Ok(CheckedPost { event, posted, findings })
    }

    /// Complains of what does not fit of a post: all that shows it is on disk when this returns.
    pub(in crate::partner) fn complain_of_post(
        &self,
        findings: Vec<Finding>,
        post: &[u8],
    ) -> Result<Option<Complaint>, PartnerError> {
        let mut first = None;
        for Finding { error, other, message, post: before } in findings {
            let other = other.map(|record| self.recorded_reply(record)).transpose()?.unwrap_or_default();
            let before = before.map(|record| self.recorded_reply(record)).transpose()?;
            let post = before.as_deref().unwrap_or(post);
            let files = [("-other.reply", other.as_slice()), ("-other.message", message.as_slice()), (".reply", post)];
            let complaint = self.complain(error.code(), &error.to_string(), &files)?;
            first.get_or_insert(complaint);
        }
        Ok(first)
    }
}

impl Partner {
    /// The bytes of the reply that a record of the journal has.
    fn recorded_reply(&self, record: u64) -> Result<Vec<u8>, PartnerError> {
        let mut bytes = Vec::new();
        self.data.journal().read(|number, read| {
            if number == record {
                bytes = read.event.reply().map(|reply| reply.bytes.clone()).unwrap_or_default();
            }
        })?;
        Ok(bytes)
    }
}

/// Refuses a post that is none to this exchange, or whose numbers cannot be right.
fn refuse_unfit(exchange: &Exchange, post: &Post, today: Day) -> Result<(), PartnerError> {
    let used = exchange.notes.len();
    let is_answered = |at: usize| (post.sent[at] != NoteFate::Empty) == (at < used);
    if !(0..NOTES_AT_ONCE).all(is_answered) {
        return unexpected("it says of other notes what became of them than were sent");
    }
    if post.more && post.entries.len() < ENTRIES_AT_ONCE && post.notes.len() < NOTES_AT_ONCE {
        return unexpected("it says that more waits, and has room for it");
    }
    let is_new = post.entries.first().is_none_or(|entry| entry.number > exchange.told)
        && post.notes.first().is_none_or(|(number, _)| *number > exchange.received);
    if !is_new {
        return unexpected("it tells what was said to be read already");
    }
    // After a restore a broker counts from its moment, in seconds; one that is not yet is no ground for anything.
    let restored = post.log.restored.min(today.plus(1).start()).0;
    let can_be = |number: u64, before: u64| number <= before.max(restored).saturating_add(LONGEST_LEAP);
    let is_near = post.entries.last().is_none_or(|entry| can_be(entry.number, exchange.told))
        && post.notes.last().is_none_or(|(number, _)| can_be(*number, exchange.received));
    if is_near { Ok(()) } else { unexpected("it has a number far above those before it") }
}

impl PostReader<'_> {
    /// Goes through what was held back of posts before, and then through this one: entries before notes, since a note
    /// is of somebody that an entry tells of.
    fn read(&mut self, post: &Post) -> Result<(), PartnerError> {
        let before = &self.partner.data.state().after_hit.held_back;
        let new = |held| HeldBack { since: self.today, record: 0, wrong: None, held };
        let entries = post.entries.iter().map(|entry| new(Held::Entry(*entry)));
        let notes = post.notes.iter().map(|(_, slot)| new(Held::Note(slot.clone())));
        let all: Vec<HeldBack> = before.iter().cloned().chain(entries).chain(notes).collect();
        for one in &all {
            if let Held::Entry(entry) = &one.held {
                self.read_entry(one, entry)?;
            }
        }
        // Introductions may wait that its sender is known by.
        let may_wait = !self.held_back.is_empty() || post.entries.len() == ENTRIES_AT_ONCE;
        for one in &all {
            if let Held::Note(slot) = &one.held {
                self.read_note(one, slot, may_wait)?;
            }
        }
        self.told = post.entries.last().map_or(self.told, |last| last.number);
        self.received = post.notes.last().map_or(self.received, |(number, _)| *number);
        Ok(())
    }

    fn read_entry(&mut self, one: &HeldBack, entry: &Entry) -> Result<(), PartnerError> {
        let found = |finding: Finding| Finding { post: Some(one.record).filter(|record| *record > 0), ..finding };
        let checked = self.check_entry(entry)?;
        if let Some(finding) = self.stays_wrong(one, entry, &checked)? {
            self.findings.push(found(finding));
            return Ok(());
        }
        match checked {
            CheckedEntry::NotYet => self.hold_back(one, entry.told.partner()),
            CheckedEntry::PassedOver if self.waits_for_introduction(entry) => self.hold_back(one, entry.told.partner()),
            CheckedEntry::PassedOver => self.passed_over += 1,
            CheckedEntry::Unreadable => self.leave_unread(entry.told.partner()),
            CheckedEntry::Wrong(Some(finding)) if one.wrong.is_some_and(|found| found < self.today) => {
                self.findings.push(found(finding));
            }
            CheckedEntry::Wrong(Some(_)) => {
                self.held_back.push(HeldBack { wrong: one.wrong.or(Some(self.today)), ..one.clone() });
            }
            CheckedEntry::Wrong(None) if self.waits(one) => self.held_back.push(one.clone()),
            CheckedEntry::Wrong(None) => self.leave_unread(entry.told.partner()),
            CheckedEntry::Taken(entry, finding) => {
                if let TakenEntry::Introduced(introduction) = &entry {
                    self.meet(introduction);
                }
                self.entries.push(entry);
                self.findings.extend(finding.map(found));
            }
        }
        Ok(())
    }

    /// Whether it tells that somebody left whose introduction was held back.
    fn waits_for_introduction(&self, left: &Entry) -> bool {
        let EntryKind::Left { conversation: id, partner: who } = left.told else { return false };
        self.held_back.iter().any(|one| match &one.held {
            Held::Entry(Entry { told: EntryKind::Introduced { conversation, partner, .. }, .. }) => {
                (*conversation, *partner) == (id, who)
            }
            _ => false,
        })
    }

    fn read_note(&mut self, one: &HeldBack, slot: &NoteSlot, may_wait: bool) -> Result<(), PartnerError> {
        let is_of_sender = |one: &&HeldBack| matches!(&one.held, Held::Note(held) if held.partner == slot.partner);
        let has_room = self.held_back.iter().filter(is_of_sender).count() < MOST_HELD_NOTES;
        match self.check_note(slot)? {
            CheckedNote::NotYet if has_room => self.hold_back(one, Some(slot.partner)),
            CheckedNote::NotIntroduced if may_wait && has_room && self.waits(one) => self.held_back.push(one.clone()),
            // There is no room to wait for its introduction; or it was introduced here, and this folder, put back from
            // before, does not know it.
            CheckedNote::NotIntroduced if may_wait && !has_room => self.leave_unread(Some(slot.partner)),
            CheckedNote::NotIntroduced if self.meetings.iter().any(|meeting| meeting.id == slot.conversation) => {
                self.leave_unread(Some(slot.partner));
            }
            CheckedNote::NotIntroduced => {
                self.passed_over += 1;
                if !self.strangers.contains(&slot.conversation) {
                    self.strangers.push(slot.conversation);
                }
            }
            CheckedNote::NotOpened if has_room && self.waits(one) => self.held_back.push(one.clone()),
            CheckedNote::NotYet | CheckedNote::NotOpened | CheckedNote::Unreadable => {
                self.leave_unread(Some(slot.partner))
            }
            CheckedNote::Known => {}
            CheckedNote::Taken(note) => self.notes.push(note),
        }
        Ok(())
    }

    /// Whether something is kept still until it can be checked.
    fn waits(&self, one: &HeldBack) -> bool {
        self.today <= one.since.plus(LONGEST_HELD)
    }

    /// Passes over what cannot be read here, and says of whom it is.
    fn leave_unread(&mut self, of: Option<u16>) {
        self.passed_over += 1;
        if let Some(partner) = of.filter(|partner| !self.unreadable.contains(partner)) {
            self.unreadable.push(partner);
        }
    }

    /// Keeps something for which a certificate is missing, at most [`LONGEST_HELD`] days.
    fn hold_back(&mut self, one: &HeldBack, of: Option<u16>) {
        if self.waits(one) {
            self.held_back.push(one.clone());
            return;
        }
        self.passed_over += 1;
        if let Some(partner) = of.filter(|partner| !self.expired.contains(partner)) {
            self.expired.push(partner);
        }
    }
}

fn unexpected<T>(finding: &'static str) -> Result<T, PartnerError> {
    Err(PartnerError::UnexpectedReply { finding })
}
