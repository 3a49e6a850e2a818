//! The message that brings notes and asks for what waits.

use super::super::Partner;
use super::super::error::PartnerError;
use super::super::flags::Holds;
use super::super::member::Member;
use super::super::record::JournalEvent;
use super::super::state::PartnerState;
use super::known::{CopyProgress, KnownConversation, KnownCopy, KnownNote, KnownPartner};
use super::record::TalkEvent;
use super::written::{copies, next_number};
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::message::{Exchange, LEFT_AT_ONCE, NOTES_AT_ONCE, NoteSlot};
use crate::secret::random;
use crate::talk::{ConversationId, Note, NoteContent, NoteScope};

impl Partner {
    /// Writes the coordinator the address of each conversation in which this partner was introduced to it, and whose
    /// flag stands: it knows which address it is about from nobody else.
    pub(super) fn tell_addresses(&mut self, now: Timestamp) -> Result<(), PartnerError> {
        let Some(coordinator) = self.member.policy().coordinating_partner().map(|entry| entry.number) else {
            return Ok(());
        };
        let state = self.data.state();
        let told = |known: &KnownConversation| {
            let is_address = |note: &KnownNote| matches!(note.content, NoteContent::Address { .. });
            let is_told = |note: &KnownNote| note.from.is_none() && is_address(note) && note.is_for(coordinator);
            known.notes.iter().any(is_told)
        };
        let mut events = Vec::new();
        for known in state.after_hit.conversations.iter().filter(|known| !told(known)) {
            // Of what was taken back since, or is of a flag that ended, a person decides.
            let stands = |address: &AddressKey| state.flags.covers(address) && state.after_hit.has_row(address);
            let Some(address) = known.address.filter(stands) else { continue };
            let copies = copies(&state.after_hit, known, Some(coordinator));
            if !copies.is_empty() {
                let (key, typed) = (address.as_str().to_owned(), state.typed.shown(&address));
                let content = NoteContent::Address { key: key.clone(), typed };
                let fits = content.refuse_unfit().is_ok();
                // How a house number was typed may be as long as the homes at it are many.
                let content = if fits { content } else { NoteContent::Address { key, typed: String::new() } };
                events.push(TalkEvent::NoteWritten { conversation: known.number, content, copies });
            }
        }
        for event in events {
            self.data.record(now, None, JournalEvent::Talk(event))?;
        }
        Ok(())
    }

    /// Writes those whose notes were read that they were, where no other note goes to them that says so, as far as the
    /// next exchange has room.
    pub(super) fn tell_what_was_read(&mut self, now: Timestamp) -> Result<(), PartnerError> {
        let state = self.data.state();
        let (_, waiting) = self.fullest(now.day())?;
        let full = state.after_hit.full_receivers();
        let goes_first = |copy: &KnownCopy| copy.progress.is_unsent() && !full.contains_key(&copy.to);
        let free = NOTES_AT_ONCE.saturating_sub(waiting.iter().filter(|(.., copy)| goes_first(copy)).count());
        let reachable = state.after_hit.conversations.iter().filter(|known| known.id != ConversationId::NONE);
        let due = reachable.flat_map(|known| {
            let is_due = |other: &&KnownPartner| {
                other.waits_for_read() && !known.has_unsent(other.partner) && !full.contains_key(&other.partner)
            };
            known
                .present()
                .filter(is_due)
                .map(|other| (known.number, other.partner, next_number(&state.after_hit, other)))
        });
        let due: Vec<_> = due.take(free).collect();
        for (conversation, partner, number) in due {
            let event =
                TalkEvent::NoteWritten { conversation, content: NoteContent::Read, copies: vec![(partner, number)] };
            self.data.record(now, None, JournalEvent::Talk(event))?;
        }
        Ok(())
    }

    /// The next exchange, and the epoch of its header.
    pub(super) fn next_exchange(&self, now: Timestamp) -> Result<(u32, Exchange), PartnerError> {
        let (state, today) = (self.data.state(), now.day());
        let known = &state.after_hit;
        let restored = state.own_lines.restored;
        let left = known.conversations.iter().filter(|known| known.leaves(restored, today)).map(|known| known.id);
        let strangers = known.strangers.iter().copied().filter(|id| known.called(*id).is_none());
        let mut left: Vec<_> = left.chain(strangers).take(LEFT_AT_ONCE).collect();
        left.sort_unstable();
        let (epoch, waiting) = self.fullest(today)?;
        let mut notes = Vec::new();
        if let Some(own) = self.own_seal_key(epoch, today)? {
            for (known, note, copy) in waiting {
                let (Some(other), Some(key)) = (known.with(copy.to), self.member.seal_key(copy.to, epoch, today))
                else {
                    continue;
                };
                let policy = self.member.policy();
                let scope = NoteScope {
                    consortium: &policy.consortium,
                    purpose: &policy.purpose,
                    epoch,
                    subject: &known.subject,
                    began: known.epoch,
                    sender: self.member.number,
                    receiver: copy.to,
                    number: copy.number,
                };
                let said = Note { received: other.read, time: note.time, content: note.content.clone() };
                let sealed = scope.seal(&said, &own, &key, &random()?)?;
                let (conversation, began) = (known.id, known.epoch);
                notes.push(NoteSlot { conversation, partner: copy.to, began, number: copy.number, epoch, sealed });
            }
        }
        Ok((epoch, Exchange { told: known.told, received: known.received, left, notes }))
    }

    /// The epoch with whose keys most notes can be sealed of those that are to be sent, and the first of them. Notes to
    /// receivers for which too many waited count only between epochs that are alike in all others.
    fn fullest(&self, today: Day) -> Result<(u32, Vec<WaitingCopy<'_>>), PartnerError> {
        let epochs = self.member.epochs_without_secret(today)?;
        // Without notes, the newest in which the broker takes a message of this partner.
        let held = |epoch: u32| self.data.state().epoch(epoch).is_none_or(|it| it.undelivered.holds == Holds::AsTold);
        let takes = |epoch: &&u32| {
            held(**epoch)
                && matches!(self.own_seal_key(**epoch, today), Ok(Some(_)))
                && self.member.refuse_uncertified(**epoch, today).is_ok()
        };
        let state = self.data.state();
        let full = state.after_hit.full_receivers();
        let worth = |waiting: &[WaitingCopy<'_>]| {
            let to_others = waiting.iter().filter(|(.., copy)| !full.contains_key(&copy.to));
            (to_others.count(), waiting.len())
        };
        let mut best = (*epochs.iter().find(takes).unwrap_or(&epochs[0]), Vec::new());
        for epoch in epochs {
            let own = self.own_seal_key(epoch, today)?;
            let waiting = if own.is_some() { waiting(&self.member, state, epoch, today) } else { Vec::new() };
            if worth(&waiting) > worth(&best.1) {
                best = (epoch, waiting);
            }
        }
        Ok(best)
    }
}

/// A note that is to be sent, and to whom.
type WaitingCopy<'a> = (&'a KnownConversation, &'a KnownNote, KnownCopy);

/// The first notes that can be sealed in an epoch, and are to be sent: those that the broker was never brought before
/// those that it lost, those of a conversation that is left before all others, that something was read after what says
/// more, and otherwise as they were written.
///
/// After all these come notes to receivers for which too many waited when the broker was last asked, so that one that
/// fetches nothing holds up no note to another; whoever was tried longest ago comes first. Where it was today, nothing
/// more goes there on this day.
fn waiting<'a>(member: &Member, state: &'a PartnerState, epoch: u32, today: Day) -> Vec<WaitingCopy<'a>> {
    let restored = state.own_lines.restored;
    let is_over = |epoch: u32| member.policy().epoch(epoch).is_none_or(|epoch| epoch.closes < today);
    let goes = |copy: &KnownCopy| match copy.progress {
        CopyProgress::Waiting => true,
        CopyProgress::PutOff { day, .. } => day != today,
        CopyProgress::Kept { epoch, restored: kept } => is_over(epoch) || kept < restored,
        CopyProgress::Read | CopyProgress::NotIntroduced => false,
    };
    let full = state.after_hit.full_receivers();
    let mut found = Vec::new();
    let reachable = state.after_hit.conversations.iter().filter(|known| known.id != ConversationId::NONE);
    for known in reachable.filter(|known| !known.leaves(restored, today)) {
        let has_left = known.left.is_some();
        // Of a conversation that is left, what was written before and was never brought.
        let is_meant = |note: &KnownNote, copy: &KnownCopy| {
            !has_left || copy.progress.is_unsent() && note.content != NoteContent::Read
        };
        let has_room = |other: &&KnownPartner| full.get(&other.partner) != Some(&today);
        let reached = known.reached().filter(has_room);
        for other in reached.filter(|other| member.seal_key(other.partner, epoch, today).is_some()) {
            for note in &known.notes {
                let copies = note.copies.iter().filter(|copy| copy.to == other.partner && goes(copy));
                let copies = copies.filter(|copy| is_meant(note, copy));
                found.extend(copies.map(|copy| (known, note, *copy)));
            }
        }
    }
    found.sort_by_key(|(known, note, copy)| {
        let is_read = note.content == NoteContent::Read;
        // None comes before any day.
        let tried = full.get(&copy.to);
        (tried, !copy.progress.is_unsent(), known.left.is_none(), is_read, note.time)
    });
    found.truncate(NOTES_AT_ONCE);
    found
}

impl KnownConversation {
    /// Whether a note to a partner waits for an exchange, which says what was read too.
    fn has_unsent(&self, partner: u16) -> bool {
        let mut copies = self.notes.iter().flat_map(|note| &note.copies);
        copies.any(|copy| copy.to == partner && copy.progress.is_unsent())
    }
}

impl KnownNote {
    fn is_for(&self, partner: u16) -> bool {
        self.copies.iter().any(|copy| copy.to == partner)
    }
}
