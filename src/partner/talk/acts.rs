//! What was done after a hit, and with which address, as the journal tells it.

use std::collections::HashMap;

use super::known::KnownConversation;
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
        /// The others were written who leads.
        LeadWritten => "lead_written",
        /// The others were written how it ended.
        OutcomeWritten => "outcome_written",
        /// The coordinator wrote what it decided.
        DecisionWritten => "decision_written",
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

/// Where something was done after a hit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TalkPlace {
    /// The conversations, by the numbers that this partner has for them; where an address was looked for, those about
    /// it. None of what is of no conversation, and of what the broker was sent or replied.
    pub conversations: Vec<u32>,
    /// Whom a note was written to, by their numbers in the roster.
    pub to: Vec<u16>,
}

/// Which addresses each conversation is about: the one that was put forward; at the coordinator those that notes told.
pub(crate) struct TalkAddresses {
    by_number: HashMap<u32, Vec<AddressKey>>,
    by_id: HashMap<ConversationId, Vec<AddressKey>>,
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
            TalkEvent::NoteWritten { content: NoteContent::Lead { .. }, .. } => TalkAct::LeadWritten,
            TalkEvent::NoteWritten { content: NoteContent::Outcome { .. }, .. } => TalkAct::OutcomeWritten,
            TalkEvent::NoteWritten { content: NoteContent::Decision { .. }, .. } => TalkAct::DecisionWritten,
            TalkEvent::NoteWritten { content: NoteContent::Text(_), .. } => TalkAct::NoteWritten,
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

    /// Where it was done.
    pub(crate) fn place(&self) -> TalkPlace {
        match self {
            TalkEvent::NoteWritten { conversation, copies, .. } => {
                let to = copies.iter().map(|(partner, _)| *partner).collect();
                TalkPlace { conversations: vec![*conversation], to }
            }
            TalkEvent::Left { conversation } => TalkPlace { conversations: vec![*conversation], to: Vec::new() },
            TalkEvent::Shown { conversations, .. } => {
                TalkPlace { conversations: conversations.clone(), to: Vec::new() }
            }
            _ => TalkPlace::default(),
        }
    }
}

impl TalkAddresses {
    pub(crate) fn new(known: &AfterHit) -> TalkAddresses {
        let conversations = || known.conversations.iter().map(|known| (known, about(known)));
        TalkAddresses {
            by_number: conversations().map(|(known, addresses)| (known.number, addresses)).collect(),
            by_id: conversations().map(|(known, addresses)| (known.id, addresses)).collect(),
        }
    }

    /// Where it was done, as far as that is about such an address.
    pub(crate) fn place(&self, event: &TalkEvent, concerns: impl Fn(&AddressKey) -> bool) -> TalkPlace {
        let mut place = event.place();
        place.conversations.retain(|number| self.by_number.get(number).is_some_and(|all| all.iter().any(&concerns)));
        place
    }

    /// The addresses that a record is about, each once.
    pub(crate) fn of(&self, event: &TalkEvent) -> Vec<AddressKey> {
        let numbered = |number: &u32| self.by_number.get(number).into_iter().flatten().copied();
        let called = |id: &ConversationId| self.by_id.get(id).into_iter().flatten().copied();
        let told = |entry: &TakenEntry| -> Vec<AddressKey> {
            match entry {
                TakenEntry::Asked { address, .. } => vec![*address],
                TakenEntry::Introduced(told) => match told.address {
                    Some(address) => vec![address],
                    None => called(&told.conversation).collect(),
                },
                TakenEntry::Left { conversation, .. } => called(conversation).collect(),
            }
        };
        let mut addresses: Vec<AddressKey> = match event {
            TalkEvent::PutForward { addresses, .. } | TalkEvent::TookBack { addresses } => addresses.clone(),
            TalkEvent::Answered { address, .. } => vec![*address],
            TalkEvent::NoteWritten { conversation, .. } | TalkEvent::Left { conversation } => {
                numbered(conversation).collect()
            }
            TalkEvent::Shown { conversations, addresses } => {
                conversations.iter().flat_map(numbered).chain(addresses.iter().copied()).collect()
            }
            TalkEvent::PuttingForward { said } => said.rows.iter().map(|row| row.address).collect(),
            TalkEvent::Lapsed { ended, wider } => {
                ended.iter().copied().chain(wider.iter().map(|(address, _)| *address)).collect()
            }
            TalkEvent::Posted { post } => {
                let written = post.notes.iter().flat_map(|note| called(&note.conversation));
                let sent = post.fates.iter().flat_map(|sent| called(&sent.conversation));
                post.entries.iter().flat_map(told).chain(written).chain(sent).collect()
            }
            TalkEvent::Kept { .. } | TalkEvent::Totals { .. } | TalkEvent::YearKept { .. } => Vec::new(),
        };
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }
}

/// The addresses that a conversation is about, each once.
fn about(known: &KnownConversation) -> Vec<AddressKey> {
    if let Some(address) = known.address {
        return vec![address];
    }
    let told = known.notes.iter().filter_map(|note| match &note.content {
        NoteContent::Address { key, .. } => AddressKey::from_canonical(key).ok(),
        _ => None,
    });
    let mut addresses: Vec<_> = told.collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}
