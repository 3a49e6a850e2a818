//! What the broker knows of what comes after a hit, in memory, and the rows that it is kept in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::rows::{DAMAGED, Replied, read_row, write_row};
use super::rows::{
    Asked, Conversation, Counted, Forwarded, Mailbox, MailboxRow, TurnRow, WaitingNotes, YearRow, names_subject,
    other_of,
};
use crate::day::{Day, Timestamp};
use crate::message::{Entry, EntryKind, NoteSlot};
use crate::policy::Policy;
use crate::slug::Slug;
use crate::store::{Change, Key, StoreError};
use crate::talk::{ConversationId, Subject};

/// All of what comes after a hit.
#[derive(Default)]
pub(crate) struct MeetState {
    /// The day of the last turn at which it was looked at who is to be introduced.
    pub(crate) turned: Day,
    /// How much there was at the first turn of its month.
    pub(crate) counted: Counted,
    /// What is put forward, by epoch and partner.
    pub(crate) forwarded: BTreeMap<(u32, u16), Arc<Forwarded>>,
    /// By epoch.
    pub(crate) asked: BTreeMap<u32, Asked>,
    pub(crate) conversations: BTreeMap<ConversationId, Conversation>,
    /// By partner.
    pub(crate) mailboxes: BTreeMap<u16, Mailbox>,
    /// By receiver and sender.
    pub(crate) notes: BTreeMap<(u16, u16), WaitingNotes>,
    /// The last message that was accepted of each partner, with the epoch under whose key it is sealed: that of the
    /// message, or an older one of which its reply names a subject.
    pub(crate) last: BTreeMap<u16, (u32, Replied)>,
    /// What was reported, by year and partner.
    pub(crate) years: BTreeMap<(u16, u16), YearRow>,
}

impl MeetState {
    /// Takes a row of the store; other rows are no row of what comes after a hit.
    pub(crate) fn load(&mut self, key: Key, value: &[u8]) -> Result<(), StoreError> {
        match key {
            Key::Introduced => {
                let TurnRow { turned, counted } = read_row(value)?;
                (self.turned, self.counted) = (turned, counted);
            }
            Key::PutForward(epoch, partner) => {
                self.forwarded.insert((epoch, partner), Arc::new(read_row(value)?));
            }
            Key::Asked(epoch) => {
                self.asked.insert(epoch, read_row(value)?);
            }
            Key::Conversations(epoch, first) => {
                let found: BTreeMap<ConversationId, Conversation> = read_row(value)?;
                let is_there = |(id, one): (&ConversationId, &Conversation)| (one.epoch, bucket(id)) == (epoch, first);
                if !found.iter().all(is_there) {
                    return Err(DAMAGED);
                }
                self.conversations.extend(found);
            }
            Key::Mailbox(partner) => {
                let MailboxRow { last_entry, last_note, served, exchanged, left } = read_row(value)?;
                let mailbox = self.mailboxes.entry(partner).or_default();
                (mailbox.last_entry, mailbox.last_note, mailbox.served) = (last_entry, last_note, served);
                mailbox.exchanged = exchanged;
                mailbox.entries.extend(left.into_iter().map(|entry| (entry.number, entry)));
            }
            Key::Entries(epoch, partner) => {
                let entries: Vec<Entry> = read_row(value)?;
                // The partner's mailbox comes before, since rows come by ascending key.
                let mailbox = self.mailboxes.get_mut(&partner).ok_or(DAMAGED)?;
                let is_sound =
                    |entry: &Entry| entry.epoch == epoch && names_subject(entry) && entry.number <= mailbox.last_entry;
                if !entries.iter().all(is_sound) {
                    return Err(DAMAGED);
                }
                mailbox.entries.extend(entries.into_iter().map(|entry| (entry.number, entry)));
            }
            Key::Notes(receiver, sender) => {
                let notes: WaitingNotes = read_row(value)?;
                let last = self.mailboxes.get(&receiver).map_or(0, |mailbox| mailbox.last_note);
                // Without a number are the last ones alone.
                let is_in_order = notes.is_sorted_by(|a, b| b.0 == 0 || a.0 != 0 && a.0 < b.0);
                if !is_in_order || notes.iter().any(|(number, slot)| *number > last || slot.partner != sender) {
                    return Err(DAMAGED);
                }
                self.notes.insert((receiver, sender), notes);
            }
            Key::LastTalk(epoch, partner) => {
                self.last.insert(partner, (epoch, read_row(value)?));
            }
            Key::Year(year, partner) => {
                self.years.insert((year, partner), read_row(value)?);
            }
            _ => {}
        }
        Ok(())
    }

    /// Refuses what is kept of an epoch that the store does not have.
    pub(crate) fn refuse_other_epochs(&self, is_open: impl Fn(u32) -> bool) -> Result<(), StoreError> {
        let epochs = self.forwarded.keys().map(|(epoch, _)| epoch).chain(self.asked.keys());
        if epochs.copied().all(is_open) { Ok(()) } else { Err(DAMAGED) }
    }

    /// Whether nothing of it was ever used.
    pub(crate) fn is_unused(&self) -> bool {
        self.forwarded.is_empty() && self.asked.is_empty() && self.conversations.is_empty()
    }

    /// How many rows the other partners of an organisation hold in an epoch.
    pub(crate) fn held_by_others(
        &self,
        policy: &Policy,
        (organisation, partner): (&Slug, u16),
        epoch: u32,
        today: Day,
    ) -> u32 {
        let of_epoch = self.forwarded.range((epoch, 0)..=(epoch, u16::MAX));
        let is_others = |number: u16| {
            number != partner && policy.partner(number).is_some_and(|entry| entry.organisation == *organisation)
        };
        let held = of_epoch.filter(|((_, number), rows)| is_others(*number) && rows.last_day >= today);
        held.map(|(_, rows)| rows.rows.len() as u32).sum()
    }

    /// Puts what a partner puts forward in an epoch in the place of what it put forward before. How many rows went out
    /// of the store.
    pub(crate) fn keep_forwarded(&mut self, of: (u32, u16), forwarded: Option<Forwarded>, change: &mut Change) -> u64 {
        let before = match forwarded.filter(|forwarded| !forwarded.rows.is_empty()) {
            Some(forwarded) => {
                change.rows.push((Key::PutForward(of.0, of.1), Some(write_row(&forwarded))));
                self.forwarded.insert(of, Arc::new(forwarded))
            }
            None => {
                let before = self.forwarded.remove(&of);
                if before.is_some() {
                    change.rows.push((Key::PutForward(of.0, of.1), None));
                }
                before
            }
        };
        before.map_or(0, |before| before.rows.len() as u64)
    }

    pub(crate) fn keep_asked(&mut self, epoch: u32, asked: Asked, change: &mut Change) {
        if self.asked.get(&epoch).map_or(asked.partners.is_empty(), |before| *before == asked) {
            return;
        }
        let is_empty = asked.partners.is_empty();
        change.rows.push((Key::Asked(epoch), (!is_empty).then(|| write_row(&asked))));
        if is_empty {
            self.asked.remove(&epoch);
        } else {
            self.asked.insert(epoch, asked);
        }
    }

    /// Writes the row that a conversation is in, which may be gone.
    pub(crate) fn keep_conversation(&self, epoch: u32, id: ConversationId, change: &mut Change) {
        let first = bucket(&id);
        let (mut low, mut high) = ([0; 16], [u8::MAX; 16]);
        low[..2].copy_from_slice(&first.to_be_bytes());
        high[..2].copy_from_slice(&first.to_be_bytes());
        let range = ConversationId::from_bytes(low)..=ConversationId::from_bytes(high);
        let of_epoch = self.conversations.range(range).filter(|(_, one)| one.epoch == epoch);
        let row: BTreeMap<ConversationId, Conversation> = of_epoch.map(|(id, one)| (*id, one.clone())).collect();
        change.rows.push((Key::Conversations(epoch, first), (!row.is_empty()).then(|| write_row(&row))));
    }

    /// Adds an entry to what waits for a partner, in memory. What it makes superfluous goes, so that no more waits than
    /// there are subjects and introductions.
    pub(crate) fn tell(&mut self, partner: u16, entry: Entry, restored: Timestamp) {
        let mailbox = self.mailboxes.entry(partner).or_default();
        mailbox.entries.retain(|_, before| !is_superfluous(before, &entry));
        mailbox.last_entry = next(mailbox.last_entry, restored);
        let number = mailbox.last_entry;
        mailbox.entries.insert(number, Entry { number, ..entry });
    }

    /// The epochs of whose subjects entries wait for a partner.
    pub(crate) fn epochs_waiting(&self, partner: u16) -> BTreeSet<u32> {
        let entries = self.mailboxes.get(&partner).into_iter().flat_map(|mailbox| mailbox.entries.values());
        entries.filter(|entry| names_subject(entry)).map(|entry| entry.epoch).collect()
    }

    /// Writes what waits for a partner. `before` are the epochs of whose subjects entries waited until now.
    pub(crate) fn keep_mailbox(&self, partner: u16, before: &BTreeSet<u32>, change: &mut Change) {
        let Some(mailbox) = self.mailboxes.get(&partner) else { return };
        let Mailbox { last_entry, last_note, served, exchanged, entries } = mailbox;
        let left = entries.values().filter(|entry| !names_subject(entry)).copied().collect();
        let (last_entry, last_note, served, exchanged) = (*last_entry, *last_note, *served, *exchanged);
        let row = MailboxRow { last_entry, last_note, served, exchanged, left };
        change.rows.push((Key::Mailbox(partner), Some(write_row(&row))));
        for epoch in self.epochs_waiting(partner).union(before) {
            let of_epoch = |entry: &&Entry| names_subject(entry) && entry.epoch == *epoch;
            let waiting: Vec<Entry> = entries.values().filter(of_epoch).copied().collect();
            change.rows.push((Key::Entries(*epoch, partner), (!waiting.is_empty()).then(|| write_row(&waiting))));
        }
    }

    /// Writes the notes that wait for one partner of another.
    pub(crate) fn keep_notes(&mut self, of: (u16, u16), change: &mut Change) {
        let is_empty = self.notes.get(&of).is_none_or(Vec::is_empty);
        let row = self.notes.get(&of).filter(|_| !is_empty).map(write_row);
        change.rows.push((Key::Notes(of.0, of.1), row));
        if is_empty {
            self.notes.remove(&of);
        }
    }

    /// Keeps of the notes that wait for those which `stays` says, and writes what changed.
    pub(crate) fn retain_notes(&mut self, stays: impl Fn((u16, u16), &(u64, NoteSlot)) -> bool, change: &mut Change) {
        let mut changed = Vec::new();
        for (of, notes) in &mut self.notes {
            let before = notes.len();
            notes.retain(|note| stays(*of, note));
            if notes.len() < before {
                changed.push(*of);
            }
        }
        changed.into_iter().for_each(|of| self.keep_notes(of, change));
    }

    /// The reply to a partner's last message, and what it was of.
    pub(crate) fn keep_last(&mut self, partner: u16, sealed_in: u32, last: Replied, change: &mut Change) {
        self.forget_last(partner, change);
        change.rows.push((Key::LastTalk(sealed_in, partner), Some(write_row(&last))));
        self.last.insert(partner, (sealed_in, last));
    }

    pub(crate) fn forget_last(&mut self, partner: u16, change: &mut Change) {
        if let Some((epoch, _)) = self.last.remove(&partner) {
            change.rows.push((Key::LastTalk(epoch, partner), None));
        }
    }

    /// Ends the introductions of a partner in a conversation that `ends` picks by the other partner, and tells those
    /// others. The partners that were told.
    pub(crate) fn end_introductions(
        &mut self,
        partner: u16,
        id: ConversationId,
        (today, restored): (Day, Timestamp),
        ends: impl Fn(u16) -> bool,
    ) -> Vec<u16> {
        let Some(one) = self.conversations.get_mut(&id) else { return Vec::new() };
        let mut ended = Vec::new();
        for (pair, is_introduced) in &mut one.pairs {
            if let Some(other) = other_of(*pair, partner).filter(|other| *is_introduced && ends(*other)) {
                *is_introduced = false;
                ended.push(other);
            }
        }
        let epoch = one.epoch;
        for other in &ended {
            let told = EntryKind::Left { conversation: id, partner };
            // The broker may know the subject no longer, and the other knows it by the conversation.
            let subject = Subject::NONE;
            let entry = Entry { number: 0, subject, epoch, day: today, told };
            self.tell(*other, entry, restored);
        }
        ended
    }
}

/// The number after the last one: after a restore it is at least the seconds of that moment, because the copy may not
/// know the last one that was told.
pub(crate) fn next(last: u64, restored: Timestamp) -> u64 {
    last.saturating_add(1).max(restored.0)
}

/// The first two bytes of a conversation's id, by which the store has it.
fn bucket(id: &ConversationId) -> u16 {
    let [first, second, ..] = *id.as_bytes();
    u16::from_be_bytes([first, second])
}

/// Whether an entry that waits says no more than one that comes.
fn is_superfluous(before: &Entry, entry: &Entry) -> bool {
    let between = |told: &EntryKind| match told {
        EntryKind::Introduced { conversation, partner, .. } | EntryKind::Left { conversation, partner } => {
            Some((*conversation, *partner))
        }
        _ => None,
    };
    match (before.told, entry.told) {
        (EntryKind::Asked { .. }, EntryKind::Asked { .. }) => {
            (before.epoch, before.subject) == (entry.epoch, entry.subject)
        }
        // Who was introduced is not told of the end alone: the introduction stays in the post beside it.
        (EntryKind::Introduced { .. }, EntryKind::Left { .. }) => false,
        (one, other) => between(&one).is_some() && between(&one) == between(&other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::talk::RowCode;

    #[test]
    fn of_what_is_told_again_the_latest_alone_waits() {
        let mut meet = MeetState::default();
        let entry = |subject: u8, told| {
            let subject = Subject::from_bytes([subject; 16]);
            Entry { number: 0, subject, epoch: 1, day: Day(1), told }
        };
        let conversation = ConversationId::from_bytes([7; 16]);
        let asked = |subject| entry(subject, EntryKind::Asked { answer_by: Day(9) });
        let introduced = |partner| {
            let (last_day, code) = (Day(9), RowCode::from_bytes([1; 16]));
            entry(1, EntryKind::Introduced { conversation, partner, last_day, row: 1, own_row: 1, code })
        };
        let left = |partner| entry(0, EntryKind::Left { conversation, partner });
        let told =
            [asked(1), asked(2), asked(1), introduced(2), introduced(3), left(2), left(3), introduced(2), left(2)];
        told.into_iter().for_each(|entry| meet.tell(9, entry, Timestamp(0)));
        let numbers: Vec<u64> = meet.mailboxes[&9].entries.keys().copied().collect();
        assert_eq!(numbers, [2, 3, 5, 7, 8, 9], "asked twice over 1, and introduced to 2 anew");
        // After a restore numbers are at least its seconds, and go on from there.
        meet.tell(9, asked(3), Timestamp(100));
        meet.tell(9, asked(4), Timestamp(100));
        assert_eq!(meet.mailboxes[&9].last_entry, 101);
    }
}
