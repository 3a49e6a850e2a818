//! An exchange: what its sender read goes, what it leaves ends, its notes are kept for their receivers, and it gets
//! what waits. spec/after-a-hit.md, sections 2.3 and 2.4.

use std::collections::BTreeSet;

use super::super::incoming::Incoming;
use super::super::rows::OrganisationRow;
use super::super::state::BrokerState;
use super::rows::{Conversation, WaitingNotes, names_subject};
use super::state::next;
use crate::message::{ENTRIES_AT_ONCE, Exchange, LogEntry, NOTES_AT_ONCE, NoteFate, NoteSlot, Post, Reply};
use crate::store::Change;
use crate::talk::ConversationId;

/// The most notes of one sender that wait for one receiver.
const MOST_WAITING: usize = 64;

/// The oldest epoch of which a reply names a subject; none for a reply that names none.
pub(crate) fn oldest_named(reply: &Reply) -> Option<u32> {
    let Reply::Post(post) = reply else { return None };
    post.entries.iter().filter(|entry| names_subject(entry)).map(|entry| entry.epoch).min()
}

impl BrokerState {
    /// Does what an exchange says, and gives the post, without its entry in the log. Its notes are charged to `spent`.
    pub(crate) fn exchange(
        &mut self,
        incoming: &Incoming<'_>,
        exchange: &Exchange,
        spent: &mut OrganisationRow,
        change: &mut Change,
    ) -> Post {
        let partner = incoming.header.partner;
        let before = self.meet.epochs_waiting(partner);
        let mailbox = self.meet.mailboxes.entry(partner).or_default();
        mailbox.entries = mailbox.entries.split_off(&exchange.told.saturating_add(1));
        mailbox.exchanged = incoming.now.day();
        let is_read = |of: (u16, u16), number: u64| of.0 == partner && (1..=exchange.received).contains(&number);
        self.meet.retain_notes(|of, (number, _)| !is_read(of, *number), change);
        exchange.left.iter().for_each(|id| self.leave(incoming, *id, change));
        let mut sent = [NoteFate::Empty; NOTES_AT_ONCE];
        for (fate, slot) in sent.iter_mut().zip(&exchange.notes) {
            *fate = self.carry(incoming, slot, spent, change);
        }
        let post = self.post(partner, sent, change);
        self.meet.keep_mailbox(partner, &before, change);
        post
    }

    /// Ends the sender's introductions in a conversation. Where the others left first there are none, and that it left
    /// is kept all the same: its row of this day stands until it is said again. Nothing where it never had any there.
    fn leave(&mut self, incoming: &Incoming<'_>, id: ConversationId, change: &mut Change) {
        let (partner, moment) = (incoming.header.partner, (incoming.now.day(), self.log.restored));
        let others: Vec<u16> =
            self.meet.conversations.get(&id).into_iter().flat_map(|one| one.others(partner)).collect();
        let waiting: Vec<BTreeSet<u32>> = others.iter().map(|other| self.meet.epochs_waiting(*other)).collect();
        self.meet.end_introductions(partner, id, moment, |_| true);
        for (other, before) in others.iter().zip(&waiting) {
            self.meet.keep_mailbox(*other, before, change);
        }
        let Some(one) = self.meet.conversations.get_mut(&id) else { return };
        if !one.pairs.keys().any(|(low, high)| [*low, *high].contains(&partner)) {
            return;
        }
        let epoch = one.epoch;
        // Whoever is introduced now came back since it left.
        one.left.retain(|other, _| !others.contains(other));
        one.left.insert(partner, incoming.header.sequence);
        let is_open = self.epochs.contains_key(&epoch);
        self.meet.tidy_conversation(id, is_open);
        self.meet.keep_conversation(epoch, id, change);
    }

    /// Keeps a note for its receiver, if it may.
    fn carry(
        &mut self,
        incoming: &Incoming<'_>,
        slot: &NoteSlot,
        spent: &mut OrganisationRow,
        change: &mut Change,
    ) -> NoteFate {
        let (sender, receiver) = (incoming.header.partner, slot.partner);
        let conversation = self.meet.conversations.get(&slot.conversation);
        let is_introduced = |one: &Conversation| one.epoch == slot.began && one.introduces(sender, receiver);
        if !conversation.is_some_and(is_introduced) {
            return NoteFate::NotIntroduced;
        }
        let a_day = incoming.policy().meet.as_ref().map_or(0, |meet| meet.notes_a_day);
        if spent.notes >= a_day {
            return NoteFate::OverBudget;
        }
        let waiting: &mut WaitingNotes = self.meet.notes.entry((receiver, sender)).or_default();
        if waiting.len() >= MOST_WAITING {
            return NoteFate::TooManyWait;
        }
        waiting.push((0, NoteSlot { partner: sender, ..slot.clone() }));
        spent.notes += 1;
        self.meet.keep_notes((receiver, sender), change);
        NoteFate::Kept
    }

    /// What waits for a partner: entries in the order in which they came, and of notes those that a post had already,
    /// and then one of each sender in turn.
    fn post(&mut self, partner: u16, sent: [NoteFate; NOTES_AT_ONCE], change: &mut Change) -> Post {
        let of_partner = (partner, 0)..=(partner, u16::MAX);
        let is_numbered = |note: &&(u64, NoteSlot)| note.0 > 0;
        let told = self.meet.notes.range(of_partner.clone()).flat_map(|(_, notes)| notes).filter(is_numbered).count();
        for _ in told..NOTES_AT_ONCE {
            self.number_note(partner, change);
        }
        let waiting = || self.meet.notes.range(of_partner.clone()).flat_map(|(_, notes)| notes);
        let mut notes: Vec<(u64, NoteSlot)> = waiting().filter(is_numbered).cloned().collect();
        notes.sort_unstable_by_key(|(number, _)| *number);
        let more_notes = waiting().count() > notes.len();
        let mailbox = self.meet.mailboxes.entry(partner).or_default();
        let entries: Vec<_> = mailbox.entries.values().take(ENTRIES_AT_ONCE).copied().collect();
        let more = more_notes || mailbox.entries.len() > entries.len();
        Post { log: LogEntry::NONE, sent, more, entries, notes }
    }

    /// Gives the next number to a note that no post had, of the sender after the one that had the last turn; nothing
    /// where there is none.
    fn number_note(&mut self, partner: u16, change: &mut Change) {
        let restored = self.log.restored;
        let mailbox = self.meet.mailboxes.entry(partner).or_default();
        let has_new = |(of, notes): (&(u16, u16), &WaitingNotes)| {
            notes.last().is_some_and(|(number, _)| *number == 0).then_some(of.1)
        };
        let mut senders = self.meet.notes.range((partner, 0)..=(partner, u16::MAX)).filter_map(has_new);
        let first = senders.clone().next();
        let Some(sender) = senders.find(|sender| *sender > mailbox.served).or(first) else { return };
        let waiting = self.meet.notes.get_mut(&(partner, sender));
        let note = waiting.and_then(|notes| notes.iter_mut().find(|(number, _)| *number == 0));
        let Some((number, _)) = note else { return };
        mailbox.last_note = next(mailbox.last_note, restored);
        (*number, mailbox.served) = (mailbox.last_note, sender);
        self.meet.keep_notes((partner, sender), change);
    }
}
