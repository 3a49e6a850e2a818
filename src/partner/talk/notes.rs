//! Whether a note of a post is of somebody that this partner was introduced to, and opens.

use super::super::error::PartnerError;
use super::known::KnownConversation;
use super::reader::{Meeting, PostReader};
use super::record::TakenNote;
use crate::message::NoteSlot;
use crate::talk::{NoteContent, NoteScope};

/// How far above the highest turn that is known here one may be: so many leads and decisions, at most, came before one
/// was introduced.
const LONGEST_LEAP: u32 = 1_000;

/// What was found of a note.
pub(super) enum CheckedNote {
    Taken(TakenNote),
    /// It was read before: its sender sent it again.
    Known,
    /// Its sender was not introduced in that conversation.
    NotIntroduced,
    /// It opens by no certificate that is known here, and another may come.
    NotOpened,
    /// It cannot be opened any more: the key that it was sealed to is gone.
    Unreadable,
    /// A certificate is missing that it cannot be opened without.
    NotYet,
}

impl PostReader<'_> {
    pub(super) fn check_note(&self, slot: &NoteSlot) -> Result<CheckedNote, PartnerError> {
        let member = &self.partner.member;
        let is_it = |meeting: &&Meeting| (meeting.id, meeting.epoch) == (slot.conversation, slot.began);
        let meeting = self.meetings.iter().find(is_it).filter(|meeting| meeting.partners.contains(&slot.partner));
        let Some(meeting) = meeting else { return Ok(CheckedNote::NotIntroduced) };
        let known = self.partner.data.state().after_hit.called(slot.conversation);
        if known.and_then(|known| known.with(slot.partner)).is_some_and(|other| other.has_read(slot.number)) {
            return Ok(CheckedNote::Known);
        }
        let policy = member.policy();
        let (Some(sender), Some(_)) = (policy.partner(slot.partner), policy.epoch(slot.epoch)) else {
            return Ok(CheckedNote::Unreadable);
        };
        let Some(own) = self.partner.data.folder().unsealing_key(slot.epoch)? else {
            return Ok(CheckedNote::Unreadable);
        };
        let theirs = member.seal_keys(slot.partner, slot.epoch);
        if theirs.is_empty() {
            return Ok(CheckedNote::NotYet);
        }
        let scope = NoteScope {
            consortium: &policy.consortium,
            purpose: &policy.purpose,
            epoch: slot.epoch,
            subject: &meeting.subject,
            began: slot.began,
            sender: slot.partner,
            receiver: member.number,
            number: slot.number,
        };
        let Some(note) = theirs.iter().find_map(|key| scope.open(&slot.sealed, &own, key).ok()) else {
            let is_only = self.is_only_key(slot.epoch, &own);
            return Ok(if is_only { CheckedNote::NotOpened } else { CheckedNote::Unreadable });
        };
        let turn = known.map_or(0, KnownConversation::highest_turn);
        let may_say = match &note.content {
            NoteContent::Decision { .. } if !sender.may.coordinate => false,
            // Whoever took the last turn there is would lead for ever.
            NoteContent::Lead { turn: its, .. } | NoteContent::Decision { turn: its, .. } => {
                *its <= turn.saturating_add(LONGEST_LEAP)
            }
            _ => true,
        };
        Ok(CheckedNote::Taken(TakenNote {
            conversation: slot.conversation,
            partner: slot.partner,
            number: slot.number,
            received: note.received,
            time: note.time,
            content: Some(note.content).filter(|_| may_say),
        }))
    }
}
