//! What each record of the journal changes in what is known of what comes after a hit.

use std::collections::{BTreeMap, BTreeSet};

use super::super::flags::Flags;
use super::super::reply_record::ReplyRecord;
use super::agreement::Agreement;
use super::known::{CopyProgress, KnownConversation, KnownCopy, KnownNote, KnownPartner, NOTE_SERIES, PutOffReason};
use super::news::TalkNews;
use super::pace::MadeToday;
use super::record::{Held, Introduction, PostRecord, SentCopy, SentRow, TakenEntry, TakenNote, TalkEvent};
use super::state::{AfterHit, Asked, OwnRow, SaidOn, SentMessage, SentReply, TalkYear};
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::message::{Code, NoteFate};
use crate::slug::Slug;
use crate::talk::{ConversationId, NoteContent};

/// The days for which it is shown that one was asked, after the last one on which an answer was in time.
const ASKED_SHOWN: u16 = 30;

/// The days for which it is shown that a row ended with its epoch, after the last one of that.
const ENDED_SHOWN: u16 = 30;

/// The most news that waits for somebody to look: of more the oldest goes, and what it is about is shown all the same.
const MAX_NEWS: usize = 10_000;

impl AfterHit {
    /// Does what record number `record` of the journal says.
    pub(crate) fn apply(&mut self, record: u64, time: Timestamp, event: &TalkEvent) {
        let (today, untold) = (time.day(), self.news.len());
        match event {
            TalkEvent::PutForward { addresses, agreed } => self.put_forward(addresses, agreed, today),
            TalkEvent::TookBack { addresses } => self.rows.retain(|row| !addresses.contains(&row.address)),
            TalkEvent::Answered { address, answer, agreed } => {
                for asked in self.asked.iter_mut().filter(|asked| asked.address == *address) {
                    asked.answer = Some((*answer, today));
                }
                match agreed {
                    Some(agreed) => self.put_forward(&[*address], agreed, today),
                    // Whoever joined and thinks better of it agrees no longer.
                    None => self.rows.retain(|row| row.address != *address),
                }
            }
            TalkEvent::NoteWritten { conversation, content, copies } => {
                if let Some(known) = self.conversation_mut(*conversation) {
                    known.write(time, content, copies);
                }
            }
            TalkEvent::Left { conversation } => self.leave(*conversation, time),
            TalkEvent::PuttingForward { said } => {
                self.sent.push(SentMessage { said: said.clone(), day: today, bytes: Vec::new(), reply: None });
            }
            TalkEvent::Kept { number, left, reply, .. } => {
                self.made_today.accepted(day_of(reply, today), reply.log.restored, None);
                if let Some(sent) = self.sent.iter().find(|sent| sent.said.number == *number) {
                    self.room = Some((sent.said.epoch, *left));
                }
                self.replied(*number, None, SaidOn::of(reply, record));
            }
            TalkEvent::Posted { post } => self.posted(record, post, time),
            TalkEvent::Lapsed { ended, wider } => self.lapsed(ended, wider),
            TalkEvent::Totals { .. } | TalkEvent::Shown { .. } => {}
            TalkEvent::YearKept { year, cells, .. } => {
                if let Err(at) = self.years.binary_search_by_key(year, |known| known.year) {
                    self.years.insert(at, TalkYear { year: *year, day: today, cells: cells.clone() });
                }
            }
        }
        if self.news.len() > untold {
            self.news_record = record;
            let over = self.news.len().saturating_sub(MAX_NEWS);
            self.news.drain(..over);
        }
    }

    /// A row ends with its flag.
    pub(crate) fn keep_flagged(&mut self, flags: &Flags) {
        self.rows.retain(|row| flags.covers(&row.address));
    }

    /// The turn of the day: what was asked long ago is no longer shown.
    pub(crate) fn expire(&mut self, today: Day) {
        self.asked.retain(|asked| asked.is_shown(today));
    }

    /// Whether somebody else put it forward, and that is still shown on a day.
    pub(crate) fn is_asked(&self, address: &AddressKey, today: Day) -> bool {
        self.asked.iter().any(|asked| asked.address == *address && asked.is_shown(today))
    }

    /// What was put forward in an epoch that closed goes, once people were told that it ended and had time to see it.
    /// `closes` gives the last day of an epoch of the policy.
    pub(crate) fn drop_ended(&mut self, today: Day, closes: impl Fn(u32) -> Option<Day>) {
        let is_long_over = |epoch| closes(epoch).is_none_or(|closes| closes.plus(ENDED_SHOWN) < today);
        self.rows.retain(|row| !row.ended_told || !is_long_over(row.agreed.epoch));
    }

    /// The broker did not accept a message. What puts forward and is over a budget is made anew with as many new rows
    /// as `detail` says are left, and then with none; without new rows it is of today all the same, and so are rows of
    /// an epoch that does not answer: one message more on that day would tell whoever counts them that there are any.
    /// What it said is not forgotten: a broker that uses it all the same is caught.
    pub(crate) fn rejected(&mut self, number: u64, code: u8, detail: u64, said: SaidOn) {
        if code == Code::Unavailable as u8 {
            return;
        }
        let is_over_budget = code == Code::OverBudget as u8;
        if let Some(sent) = self.sent.iter().find(|sent| sent.said.number == number) {
            let epoch = sent.said.epoch;
            let is_kept = |other: &&SentMessage| other.said.epoch == epoch && other.kept().is_some();
            let before = self.sent.iter().rev().find(is_kept);
            let is_new = |row: &&SentRow| before.is_none_or(|before| !before.said.says(&row.address));
            let new = u32::try_from(sent.said.rows.iter().filter(is_new).count()).unwrap_or(u32::MAX);
            self.made_today.put_forward = code == Code::OtherEpoch as u8 || is_over_budget && new == 0;
            if is_over_budget && new > 0 {
                // Its organisation's other partners spent more than is known here.
                let left = u32::try_from(detail).unwrap_or(u32::MAX);
                let was_cut = self.room == Some((epoch, new));
                self.room = Some((epoch, if was_cut || left >= new { 0 } else { left }));
            }
            self.replied(number, Some(code), said);
        } else if number == self.made_today.last {
            let exchanges = &mut self.made_today.exchanges;
            *exchanges = if is_over_budget { u8::MAX } else { exchanges.saturating_sub(1) };
        }
    }

    /// The number of a new message was used: this folder may be an old copy, which does not know what it wrote since.
    /// Notes that the broker does not have, as far as is known here, get numbers that were not used, and so do new
    /// ones.
    pub(crate) fn note_old_copy(&mut self, now: Timestamp) {
        self.notes_above = self.notes_above.max(now.0 << NOTE_SERIES);
        let above = self.notes_above;
        for known in &mut self.conversations {
            let KnownConversation { introduced, notes, .. } = known;
            for copy in notes.iter_mut().flat_map(|note| &mut note.copies) {
                // What they were not introduced for goes once they are.
                let waits = copy.progress.is_unsent() || copy.progress == CopyProgress::NotIntroduced;
                if let Some(other) = introduced.iter_mut().find(|other| waits && other.partner == copy.to) {
                    other.written = other.written.max(above).saturating_add(1);
                    copy.number = other.written;
                }
            }
        }
    }

    /// Forgets what is known of the broker. Another one knows none of the conversations.
    pub(crate) fn forget_broker(&mut self) {
        self.sent.clear();
        (self.room, self.all_told, self.told, self.received) = (None, None, 0, 0);
        self.made_today = MadeToday::default();
        self.held_back.clear();
        self.strangers.clear();
        self.conversations.iter_mut().for_each(|known| known.id = ConversationId::NONE);
    }

    /// The records up to a moment went, and conversations that no later one is about go with them.
    pub(crate) fn forget_through(&mut self, moment: Timestamp) {
        self.keep_conversations(|known| known.touched > moment);
    }

    /// Drops the conversations of which `is_kept` says so, and what is new in them.
    pub(crate) fn keep_conversations(&mut self, is_kept: impl Fn(&KnownConversation) -> bool) {
        self.conversations.retain(is_kept);
        let conversations = &self.conversations;
        let is_there = |number: u32| conversations.iter().any(|known| known.number == number);
        self.news.retain(|news| news.conversation().is_none_or(is_there));
    }

    fn conversation_mut(&mut self, number: u32) -> Option<&mut KnownConversation> {
        self.conversations.iter_mut().find(|known| known.number == number)
    }

    fn called_mut(&mut self, id: ConversationId) -> Option<&mut KnownConversation> {
        self.conversations.iter_mut().find(|known| known.id == id)
    }

    fn put_forward(&mut self, addresses: &[AddressKey], agreed: &Agreement, today: Day) {
        for address in addresses {
            let (agreed, wider_told) = (agreed.clone(), Vec::new());
            let new = OwnRow { address: *address, since: today, agreed, ended_told: false, wider_told };
            match self.rows.iter_mut().find(|row| row.address == *address) {
                Some(row) => *row = new,
                None => self.rows.push(new),
            }
        }
    }

    fn lapsed(&mut self, ended: &[AddressKey], wider: &[(AddressKey, Vec<Slug>)]) {
        let ended: BTreeSet<&AddressKey> = ended.iter().collect();
        let wider: BTreeMap<&AddressKey, &Vec<Slug>> = wider.iter().map(|(address, slugs)| (address, slugs)).collect();
        for row in &mut self.rows {
            if ended.contains(&row.address) {
                row.ended_told = true;
                self.news.push(TalkNews::RowEnded { address: row.address });
            } else if let Some(organisations) = wider.get(&row.address) {
                row.wider_told = organisations.to_vec();
                self.news.push(TalkNews::RowWider { address: row.address });
            }
        }
    }

    fn replied(&mut self, number: u64, rejected: Option<u8>, said: SaidOn) {
        if let Some(sent) = self.sent.iter_mut().find(|sent| sent.said.number == number) {
            sent.reply = Some(SentReply { rejected, said });
        }
    }

    fn leave(&mut self, conversation: u32, time: Timestamp) {
        let Some(known) = self.conversation_mut(conversation) else { return };
        (known.left, known.left_told, known.touched) = (Some(time.day()), None, time);
        let address = known.address;
        self.rows.retain(|row| Some(row.address) != address);
    }

    fn posted(&mut self, record: u64, post: &PostRecord, time: Timestamp) {
        let today = time.day();
        let restored = post.reply.log.restored;
        let told = day_of(&post.reply, today);
        self.made_today.accepted(told, restored, Some(post.number));
        post.fates.iter().for_each(|sent| self.brought(sent, told, restored));
        // Before what this exchange left: who was introduced before that is not introduced again.
        post.entries.iter().for_each(|entry| self.take_entry(entry));
        for id in &post.left {
            if let Some(known) = self.called_mut(*id) {
                known.left_told = Some(restored);
                // It was left before it was known: the introduction that this post tells of is over again.
                known.left = known.left.or(Some(told));
            }
        }
        self.strangers.retain(|id| !post.left.contains(id));
        for id in &post.strangers {
            if !self.strangers.contains(id) {
                self.strangers.push(*id);
            }
        }
        post.notes.iter().for_each(|note| self.take_note(note, today));
        for id in post.conversations() {
            if let Some(known) = self.called_mut(id) {
                known.touched = time;
            }
        }
        self.news.extend(post.expired.iter().map(|partner| TalkNews::NeverCertified { partner: *partner }));
        self.news.extend(post.unreadable.iter().map(|partner| TalkNews::Unreadable { partner: *partner }));
        self.held_back = post.held_back.clone();
        for one in self.held_back.iter_mut().filter(|one| one.record == 0) {
            one.record = record;
        }
        self.told = self.told.max(post.told);
        self.received = self.received.max(post.received);
        // A note that waits says nothing of whether all introductions were told.
        let an_entry_waits = self.held_back.iter().any(|one| matches!(one.held, Held::Entry(_)));
        if !post.is_full && !an_entry_waits {
            self.all_told = Some(SaidOn::of(&post.reply, record));
            // All that was decided up to this day was told, and no row is used after its last day.
            let newest = self.sent.last().map(|sent| sent.said.number);
            self.sent.retain(|sent| sent.said.last_day >= told || Some(sent.said.number) == newest);
        }
    }

    /// What became of an own note that an exchange brought.
    fn brought(&mut self, sent: &SentCopy, told: Day, restored: Timestamp) {
        if let Some(copy) = self.copy_mut(sent) {
            copy.progress = progress(sent, told, restored);
        }
        if sent.fate == NoteFate::Kept {
            self.has_room_again(sent.to);
        }
        let Some(known) = self.called_mut(sent.conversation) else { return };
        let (number, has_left) = (known.number, known.left.is_some());
        let Some(other) = known.introduced.iter_mut().find(|it| it.partner == sent.to) else { return };
        match sent.fate {
            // It said how far the other's notes were read: no post was read since it was made.
            NoteFate::Kept => other.acknowledged = other.read,
            // The broker has no such introduction, as where it was restored from a copy of before: nothing can be
            // written to that one, and it can write nothing.
            NoteFate::NotIntroduced if !has_left && other.left.is_none() => {
                other.left = Some(told);
                self.news.push(TalkNews::Left { conversation: number, partner: sent.to });
            }
            _ => {}
        }
    }

    /// The broker took a note for a receiver: others that were put off because too many waited go on in their order.
    fn has_room_again(&mut self, to: u16) {
        let notes = self.conversations.iter_mut().flat_map(|known| &mut known.notes);
        for copy in notes.flat_map(|note| &mut note.copies).filter(|copy| copy.to == to) {
            if matches!(copy.progress, CopyProgress::PutOff { reason: PutOffReason::TooManyWait, .. }) {
                copy.progress = CopyProgress::Waiting;
            }
        }
    }

    /// An own copy that the other has not read yet.
    fn copy_mut(&mut self, sent: &SentCopy) -> Option<&mut KnownCopy> {
        let known = self.called_mut(sent.conversation)?;
        let mut copies = known.notes.iter_mut().flat_map(|note| &mut note.copies);
        let is_it = |copy: &&mut KnownCopy| (copy.to, copy.number) == (sent.to, sent.number);
        copies.find(is_it).filter(|copy| copy.progress != CopyProgress::Read)
    }

    fn take_entry(&mut self, entry: &TakenEntry) {
        match entry {
            TakenEntry::Asked { address, subject, epoch, day, answer_by } => {
                let is_it = |asked: &Asked| (asked.epoch, asked.subject) == (*epoch, *subject);
                if self.asked.iter().any(|asked| is_it(asked) && asked.day >= *day) {
                    return;
                }
                self.asked.retain(|asked| !is_it(asked));
                let (address, subject, epoch) = (*address, *subject, *epoch);
                let (day, answer_by) = (*day, *answer_by);
                self.asked.push(Asked { address, subject, epoch, day, answer_by, answer: None });
                self.news.push(TalkNews::Asked { address, answer_by });
            }
            TakenEntry::Introduced(introduction) => self.introduce(introduction),
            TakenEntry::Left { conversation, partner, day } => {
                let Some(known) = self.called_mut(*conversation) else { return };
                let number = known.number;
                let present = known.introduced.iter_mut().find(|it| it.partner == *partner && it.left.is_none());
                let Some(other) = present else { return };
                other.left = Some(*day);
                self.news.push(TalkNews::Left { conversation: number, partner: *partner });
            }
        }
    }

    fn introduce(&mut self, told: &Introduction) {
        self.strangers.retain(|id| *id != told.conversation);
        let is_it = |known: &KnownConversation| (known.subject, known.epoch) == (told.subject, told.epoch);
        let at = match self.conversations.iter().position(is_it) {
            Some(at) => at,
            None => {
                self.numbered = self.numbered.saturating_add(1);
                self.conversations.push(KnownConversation {
                    number: self.numbered,
                    subject: told.subject,
                    epoch: told.epoch,
                    id: told.conversation,
                    address: told.address,
                    began: told.day,
                    introduced: Vec::new(),
                    notes: Vec::new(),
                    left: None,
                    left_told: None,
                    touched: Timestamp::default(),
                });
                self.conversations.len() - 1
            }
        };
        let known = &mut self.conversations[at];
        known.id = told.conversation;
        // One that waited for a certificate may be of an earlier turn.
        known.began = known.began.min(told.day);
        let number = known.number;
        if known.add(told) {
            self.news.push(TalkNews::Introduced { conversation: number, partner: told.partner });
        }
    }

    fn take_note(&mut self, note: &TakenNote, today: Day) {
        let Some(known) = self.called_mut(note.conversation) else { return };
        let number = known.number;
        let Some(other) = known.introduced.iter_mut().find(|it| it.partner == note.partner) else { return };
        if other.has_read(note.number) {
            return;
        }
        other.take_number(note.number);
        if note.content != Some(NoteContent::Read) {
            other.said = other.said.max(note.number);
        }
        for copy in known.notes.iter_mut().flat_map(|known| &mut known.copies) {
            if copy.to == note.partner && copy.number <= note.received {
                copy.progress = CopyProgress::Read;
            }
        }
        let Some(content) = note.content.clone() else {
            self.news.push(TalkNews::Refused { conversation: number, partner: note.partner });
            return;
        };
        self.news.push(match content {
            NoteContent::Read => return,
            NoteContent::Decision { .. } => TalkNews::Decision { conversation: number },
            _ => TalkNews::Note { conversation: number, partner: note.partner },
        });
        let from = Some(note.partner);
        if let Some(known) = self.called_mut(note.conversation) {
            known.notes.push(KnownNote { from, time: note.time, came: today, content, copies: Vec::new() });
        }
    }
}

impl SaidOn {
    /// Its day is the one that the broker signed, however far that is from this side's: so it is compared with others
    /// that it signed.
    pub(crate) fn of(reply: &ReplyRecord, record: u64) -> SaidOn {
        SaidOn { day: reply.told, record, restored: reply.log.restored }
    }
}

/// The day of a reply, by the broker's clock, as what is sent next goes by it; of one that is far ahead of this side's,
/// at most tomorrow: else one such reply would silence a partner for as long.
fn day_of(reply: &ReplyRecord, today: Day) -> Day {
    reply.told.min(today.plus(1))
}

impl Asked {
    fn is_shown(&self, today: Day) -> bool {
        self.answer_by.plus(ASKED_SHOWN) >= today
    }
}

impl KnownConversation {
    fn write(&mut self, time: Timestamp, content: &NoteContent, copies: &[(u16, u64)]) {
        for (to, number) in copies {
            if let Some(other) = self.introduced.iter_mut().find(|it| it.partner == *to) {
                other.written = other.written.max(*number);
            }
        }
        let copy = |(to, number): &(u16, u64)| KnownCopy { to: *to, number: *number, progress: CopyProgress::Waiting };
        self.touched = time;
        let copies = copies.iter().map(copy).collect();
        self.notes.push(KnownNote { from: None, time, came: time.day(), content: content.clone(), copies });
    }

    /// Adds whom this partner is introduced to. Whether that is new.
    fn add(&mut self, told: &Introduction) -> bool {
        // Told before it was known that this partner left, it is of a turn before that.
        let returns = self.left_told.is_some() && self.left.is_some_and(|left| left < told.day);
        if returns {
            (self.left, self.left_told) = (None, None);
        }
        let Some(known) = self.introduced.iter_mut().find(|known| known.partner == told.partner) else {
            self.introduced.push(KnownPartner {
                partner: told.partner,
                since: told.day,
                last_day: told.last_day,
                left: None,
                written: 0,
                read: 0,
                beyond: Vec::new(),
                said: 0,
                acknowledged: 0,
            });
            return true;
        };
        if !returns && known.left.is_none_or(|left| left >= told.day) {
            return false;
        }
        (known.left, known.since, known.last_day) = (None, told.day, told.last_day);
        // What they were not introduced for goes now, so that the numbers have no gap.
        for copy in self.notes.iter_mut().flat_map(|note| &mut note.copies) {
            if copy.to == told.partner && copy.progress == CopyProgress::NotIntroduced {
                copy.progress = CopyProgress::Waiting;
            }
        }
        true
    }
}

/// How far a note came that the broker replied to.
fn progress(sent: &SentCopy, today: Day, restored: Timestamp) -> CopyProgress {
    match sent.fate {
        NoteFate::Kept => CopyProgress::Kept { epoch: sent.epoch, restored },
        NoteFate::NotIntroduced => CopyProgress::NotIntroduced,
        NoteFate::OverBudget => CopyProgress::PutOff { day: today, reason: PutOffReason::DaySpent },
        NoteFate::TooManyWait => CopyProgress::PutOff { day: today, reason: PutOffReason::TooManyWait },
        NoteFate::Empty => CopyProgress::Waiting,
    }
}
