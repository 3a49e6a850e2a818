//! The message that brings notes and fetches what waits.

use super::super::Partner;
use super::super::error::PartnerError;
use super::super::member::Member;
use super::super::record::JournalEvent;
use super::super::state::PartnerState;
use super::record::TalkEvent;
use super::state::{CopyProgress, KnownConversation, KnownCopy, KnownNote};
use super::written::copies;
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
            // Of a flag that ended since, or was withdrawn, a person decides.
            let Some(address) = known.address.filter(|address| state.flags.covers(address)) else { continue };
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

    /// The next exchange, and the epoch of its header.
    pub(super) fn next_exchange(&self, now: Timestamp) -> Result<(u32, Exchange), PartnerError> {
        let (state, today) = (self.data.state(), now.day());
        let known = &state.after_hit;
        let leaves =
            |known: &&KnownConversation| known.left.is_some() && !known.left_told && known.id != ConversationId::NONE;
        let left = known.conversations.iter().filter(leaves).map(|known| known.id);
        let mut left: Vec<_> = left.take(LEFT_AT_ONCE).collect();
        left.sort_unstable();
        let epochs = self.member.epochs_without_secret(today)?;
        let mut best = (epochs[0], Vec::new());
        for epoch in epochs {
            let own = self.own_seal_key(epoch, today)?;
            let waiting = if own.is_some() { waiting(&self.member, state, epoch, today) } else { Vec::new() };
            if waiting.len() > best.1.len() {
                best = (epoch, waiting);
            }
        }
        let (epoch, waiting) = best;
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

    /// Whether there is something for an exchange to bring today, apart from fetching.
    pub(super) fn has_to_bring(&self, today: Day) -> Result<bool, PartnerError> {
        let state = self.data.state();
        let leaves =
            |known: &KnownConversation| known.left.is_some() && !known.left_told && known.id != ConversationId::NONE;
        if state.after_hit.conversations.iter().any(leaves) {
            return Ok(true);
        }
        for epoch in self.member.epochs_without_secret(today)? {
            if self.own_seal_key(epoch, today)?.is_some() && !waiting(&self.member, state, epoch, today).is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The first notes that can be sealed in an epoch, and are to be sent; of one partner in a conversation in the order of
/// their numbers.
fn waiting<'a>(
    member: &Member,
    state: &'a PartnerState,
    epoch: u32,
    today: Day,
) -> Vec<(&'a KnownConversation, &'a KnownNote, KnownCopy)> {
    let restored = state.own_lines.restored;
    let is_over = |epoch: u32| member.policy().epoch(epoch).is_none_or(|epoch| epoch.closes < today);
    let goes = |copy: &KnownCopy| match copy.progress {
        CopyProgress::Waiting => true,
        CopyProgress::PutOff { day } => day != today,
        CopyProgress::Kept { epoch, restored: kept } => is_over(epoch) || kept < restored,
        CopyProgress::Read | CopyProgress::NotIntroduced => false,
    };
    let mut found = Vec::new();
    for known in state.after_hit.conversations.iter().filter(|known| known.id != ConversationId::NONE) {
        for other in known.present().filter(|other| member.seal_key(other.partner, epoch, today).is_some()) {
            for note in &known.notes {
                for copy in note.copies.iter().filter(|copy| copy.to == other.partner && goes(copy)) {
                    found.push((known, note, *copy));
                    if found.len() == NOTES_AT_ONCE {
                        return found;
                    }
                }
            }
        }
    }
    found
}

impl KnownNote {
    fn is_for(&self, partner: u16) -> bool {
        self.copies.iter().any(|copy| copy.to == partner)
    }
}
