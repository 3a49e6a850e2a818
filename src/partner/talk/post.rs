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
use super::record::{PostRecord, SentCopy, TakenEntry, TalkEvent};
use crate::day::Day;
use crate::message::{
    ENTRIES_AT_ONCE, Entry, Exchange, Kept, LogEntry, NOTES_AT_ONCE, NoteFate, NoteSlot, Post, Request,
};

/// What waited at the broker, as far as it was taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Posted {
    /// The line of the broker's audit log.
    pub log: LogEntry,
    /// Whether more waits: [`Partner::talk`] fetches it.
    pub more: bool,
    /// What is new. It is told by [`Partner::talk_news`] too.
    pub news: Vec<TalkNews>,
    /// Entries and notes that were passed over: entries of nothing that this partner flags or put forward, and notes
    /// that do not open, or are of nobody that it was introduced to.
    pub passed_over: u32,
    /// What is wrong with an introduction.
    pub complaint: Option<Complaint>,
}

/// A post that was read, before anything of it is taken over.
pub(in crate::partner) struct CheckedPost {
    pub(in crate::partner) event: JournalEvent,
    pub(in crate::partner) posted: Posted,
    pub(in crate::partner) findings: Vec<Finding>,
    /// Whether some of it has to be fetched again, once a certificate is here that it cannot be checked without.
    pub(in crate::partner) is_held_up: bool,
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
                TalkEvent::YearKept { number, year: year.year, reply }
            }
            Request::PutForward(said) if u64::from(kept) + u64::from(unflagged) == said.rows().len() as u64 => {
                TalkEvent::Kept { number, kept, unflagged, left: new_left.min(held_left), reply }
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
        refuse_unfit(&exchange, post)?;
        let mut reader = PostReader::new(self, (today, reply.told), post.log.restored, &exchange);
        reader.read_entries(&post.entries)?;
        let may_wait = reader.is_held_up || post.entries.len() == ENTRIES_AT_ONCE;
        reader.read_notes(&post.notes, may_wait)?;
        let fates = exchange.notes.iter().zip(post.sent).map(|(slot, fate)| SentCopy {
            conversation: slot.conversation,
            to: slot.partner,
            number: slot.number,
            epoch: slot.epoch,
            fate,
        });
        let PostReader { told, received, entries, notes, passed_over, findings, is_held_up, .. } = reader;
        let record = PostRecord {
            number: sent.head.sequence,
            told,
            received,
            // What is held up waits too.
            more: post.more || is_held_up,
            fates: fates.collect(),
            left: exchange.left,
            entries,
            notes,
            passed_over,
            reply,
        };
        let posted = Posted { log: post.log, more: record.more, news: Vec::new(), passed_over, complaint: None };
        let event = JournalEvent::Talk(TalkEvent::Posted { post: record });
        Ok(CheckedPost { event, posted, findings, is_held_up })
    }

    /// Complains of what does not fit of a post: all that shows it is on disk when this returns.
    pub(in crate::partner) fn complain_of_post(
        &self,
        findings: Vec<Finding>,
        post: &[u8],
    ) -> Result<Option<Complaint>, PartnerError> {
        let mut first = None;
        for Finding { error, other: record, message } in findings {
            let mut other = Vec::new();
            if let Some(record) = record {
                self.data.journal().read(|number, read| {
                    if number == record {
                        other = read.event.reply().map(|reply| reply.bytes.clone()).unwrap_or_default();
                    }
                })?;
            }
            let files = [("-other.reply", other.as_slice()), ("-other.message", message.as_slice()), (".reply", post)];
            let complaint = self.complain(error.code(), &error.to_string(), &files)?;
            first.get_or_insert(complaint);
        }
        Ok(first)
    }
}

/// Refuses a post that is none to this exchange.
fn refuse_unfit(exchange: &Exchange, post: &Post) -> Result<(), PartnerError> {
    let used = exchange.notes.len();
    let is_answered = |at: usize| (post.sent[at] != NoteFate::Empty) == (at < used);
    if !(0..NOTES_AT_ONCE).all(is_answered) {
        return unexpected("it says of other notes what became of them than were sent");
    }
    let is_new = post.entries.first().is_none_or(|entry| entry.number > exchange.told)
        && post.notes.first().is_none_or(|(number, _)| *number > exchange.received);
    if is_new { Ok(()) } else { unexpected("it tells what was said to be read already") }
}

impl PostReader<'_> {
    /// Goes through the entries, up to one that cannot be checked yet: that one is told again.
    fn read_entries(&mut self, entries: &[Entry]) -> Result<(), PartnerError> {
        for entry in entries {
            match self.check_entry(entry)? {
                CheckedEntry::NotYet => {
                    self.is_held_up = true;
                    return Ok(());
                }
                CheckedEntry::PassedOver => self.passed_over += 1,
                CheckedEntry::False(finding) => self.findings.push(finding),
                CheckedEntry::Taken(entry, finding) => {
                    if let TakenEntry::Introduced(introduction) = &entry {
                        self.meet(introduction);
                    }
                    self.entries.push(entry);
                    self.findings.extend(finding);
                }
            }
            self.told = entry.number;
        }
        Ok(())
    }

    /// Goes through the notes, likewise. `may_wait`: introductions may wait that were not read yet.
    fn read_notes(&mut self, notes: &[(u64, NoteSlot)], may_wait: bool) -> Result<(), PartnerError> {
        for (number, slot) in notes {
            match self.check_note(slot)? {
                CheckedNote::NotYet => {
                    self.is_held_up = true;
                    return Ok(());
                }
                CheckedNote::NotIntroduced if may_wait => return Ok(()),
                CheckedNote::NotIntroduced | CheckedNote::NotOpened => self.passed_over += 1,
                CheckedNote::Known => {}
                CheckedNote::Taken(note) => self.notes.push(note),
            }
            self.received = *number;
        }
        Ok(())
    }
}

fn unexpected<T>(finding: &'static str) -> Result<T, PartnerError> {
    Err(PartnerError::UnexpectedReply { finding })
}
