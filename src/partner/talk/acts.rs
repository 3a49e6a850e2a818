//! What was done after a hit, and with which address, as the journal tells it.

use std::collections::HashMap;

use super::record::{AskAnswer, TakenEntry, TalkEvent};
use super::state::AfterHit;
use crate::address::AddressKey;
use crate::codes::named;
use crate::talk::{ConversationId, NoteContent};

named! {
    /// Something that was done after a hit.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum TalkAct {
        /// It was put forward.
        PutForward => "put_forward",
        /// It was taken back.
        TookBack => "took_back",
        /// Another had put it forward, and it was answered: it is put forward here too.
        Joined => "joined",
        /// Another had put it forward, and it was answered: not now.
        NotNow => "not_now",
        /// Another had put it forward, and it was answered: the own flag is to be looked at again.
        Review => "review",
        /// The coordinator was told which address it is.
        AddressWritten => "address_written",
        /// Another was told that its notes were read.
        ReadTold => "read_told",
        /// Another note was written.
        NoteWritten => "note_written",
        /// The conversation was left.
        Left => "left",
        /// The broker was sent what is put forward.
        PuttingForward => "putting_forward",
        /// The broker keeps what is put forward.
        Kept => "kept",
        /// What waited at the broker was read.
        Posted => "posted",
        /// The broker said how many flags are stacked.
        Totals => "totals",
        /// A year was reported.
        YearReported => "year_reported",
        /// Somebody was shown conversations, or what is new.
        Shown => "shown",
        /// Its epoch is over, or the policy lets more know than was agreed to.
        Lapsed => "lapsed",
    }
}

/// Which address each conversation is about.
pub(crate) struct TalkAddresses {
    by_number: HashMap<u32, AddressKey>,
    by_id: HashMap<ConversationId, AddressKey>,
}

impl TalkEvent {
    /// What it is.
    pub(crate) fn act(&self) -> TalkAct {
        match self {
            TalkEvent::PutForward { .. } => TalkAct::PutForward,
            TalkEvent::TookBack { .. } => TalkAct::TookBack,
            TalkEvent::Answered { answer: AskAnswer::Join, .. } => TalkAct::Joined,
            TalkEvent::Answered { answer: AskAnswer::NotNow, .. } => TalkAct::NotNow,
            TalkEvent::Answered { answer: AskAnswer::Review, .. } => TalkAct::Review,
            TalkEvent::NoteWritten { content: NoteContent::Address { .. }, .. } => TalkAct::AddressWritten,
            TalkEvent::NoteWritten { content: NoteContent::Read, .. } => TalkAct::ReadTold,
            TalkEvent::NoteWritten { .. } => TalkAct::NoteWritten,
            TalkEvent::Left { .. } => TalkAct::Left,
            TalkEvent::PuttingForward { .. } => TalkAct::PuttingForward,
            TalkEvent::Kept { .. } => TalkAct::Kept,
            TalkEvent::Posted { .. } => TalkAct::Posted,
            TalkEvent::Totals { .. } => TalkAct::Totals,
            TalkEvent::YearKept { .. } => TalkAct::YearReported,
            TalkEvent::Shown { .. } => TalkAct::Shown,
            TalkEvent::Lapsed { .. } => TalkAct::Lapsed,
        }
    }
}

impl TalkAddresses {
    pub(crate) fn new(known: &AfterHit) -> TalkAddresses {
        let conversations = || known.conversations.iter().filter_map(|known| Some((known, known.address?)));
        TalkAddresses {
            by_number: conversations().map(|(known, address)| (known.number, address)).collect(),
            by_id: conversations().map(|(known, address)| (known.id, address)).collect(),
        }
    }

    /// The addresses that a record is about, each once.
    pub(crate) fn of(&self, event: &TalkEvent) -> Vec<AddressKey> {
        let numbered = |number: &u32| self.by_number.get(number).copied();
        let called = |id: &ConversationId| self.by_id.get(id).copied();
        let told = |entry: &TakenEntry| match entry {
            TakenEntry::Asked { address, .. } => Some(*address),
            TakenEntry::Introduced(told) => told.address,
            TakenEntry::Left { conversation, .. } => called(conversation),
        };
        let mut addresses: Vec<AddressKey> = match event {
            TalkEvent::PutForward { addresses, .. } | TalkEvent::TookBack { addresses } => addresses.clone(),
            TalkEvent::Answered { address, .. } => vec![*address],
            TalkEvent::NoteWritten { conversation, .. } | TalkEvent::Left { conversation } => {
                numbered(conversation).into_iter().collect()
            }
            TalkEvent::Shown { conversations, addresses } => {
                conversations.iter().filter_map(numbered).chain(addresses.iter().copied()).collect()
            }
            TalkEvent::PuttingForward { said } => said.rows.iter().map(|row| row.address).collect(),
            TalkEvent::Lapsed { ended, wider } => {
                ended.iter().copied().chain(wider.iter().map(|(address, _)| *address)).collect()
            }
            TalkEvent::Posted { post } => {
                let written = post.notes.iter().filter_map(|note| called(&note.conversation));
                let sent = post.fates.iter().filter_map(|sent| called(&sent.conversation));
                post.entries.iter().filter_map(told).chain(written).chain(sent).collect()
            }
            TalkEvent::Kept { .. } | TalkEvent::Totals { .. } | TalkEvent::YearKept { .. } => Vec::new(),
        };
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }
}
