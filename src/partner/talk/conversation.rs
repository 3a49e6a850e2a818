//! Conversations, as people are shown them.

use std::collections::BTreeSet;
use std::fmt;

use super::super::Partner;
use super::known::{CopyProgress, KnownConversation, KnownCopy, KnownNote, KnownPartner, PutOffReason};
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::talk::{NoteContent, Outcome};

/// A conversation: all that those who were introduced over one address said to each other.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conversation {
    /// By which [`Partner::write_note`] and [`Partner::leave`] know it. It is this partner's own: the others have
    /// numbers of their own for the same conversation.
    pub number: u32,
    /// The address; `None` at the coordinator, who has it from a note ([`Partner::agenda`]).
    pub address: Option<AddressKey>,
    /// The address as it was written here; empty where no text was given.
    pub typed: String,
    /// The epoch in which it began.
    pub epoch: u32,
    /// The day of its first introduction.
    pub began: Day,
    /// Whom this partner was introduced to, in that order.
    pub introduced: Vec<Introduced>,
    /// What was written, own notes and others', in the order in which it came.
    pub notes: Vec<ConversationNote>,
    /// Who leads.
    pub lead: Option<u16>,
    /// How it ended, as was said last.
    pub outcome: Option<Outcome>,
    /// What the coordinator decided last.
    pub decision: Option<Decision>,
    /// The day on which this partner left.
    pub left: Option<Day>,
}

/// Somebody that this partner was introduced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Introduced {
    /// Its number in the roster.
    pub partner: u16,
    /// The day on which that was decided; of one that left and came back, the last time.
    pub since: Day,
    /// The day on which it left.
    pub left: Option<Day>,
    /// Whether a note of it is missing: a later one came.
    pub misses_note: bool,
}

/// A note in a conversation.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConversationNote {
    /// Who wrote it; `None` for this partner.
    pub from: Option<u16>,
    /// When it was written, by its writer's clock.
    pub time: Timestamp,
    /// The day on which it was read here, or of an own note the one on which it was written. The writer's clock has no
    /// part in it.
    pub came: Day,
    /// What it says.
    pub content: NoteContent,
    /// Of an own note: what became of it, at each whom it is for.
    pub copies: Vec<NoteCopy>,
}

/// An own note to one partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoteCopy {
    /// Whom it is for.
    pub to: u16,
    /// How far it came.
    pub progress: NoteProgress,
}

/// How far an own note came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteProgress {
    /// It goes with one of the next exchanges: [`Partner::notes_go_on`]. One that was written before this partner left
    /// goes before the broker hears of that.
    Waiting,
    /// The broker did not take it on this day, and why. It goes again on a later one.
    PutOff(Day, PutOffReason),
    /// The broker has it.
    Kept,
    /// The other says that it read it.
    Read,
    /// It did not come to the other: one of the two left.
    NotIntroduced,
}

impl NoteProgress {
    /// Its stable name, as JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            NoteProgress::Waiting => "waiting",
            NoteProgress::PutOff(..) => "put_off",
            NoteProgress::Kept => "kept",
            NoteProgress::Read => "read",
            NoteProgress::NotIntroduced => "not_introduced",
        }
    }

    /// Of a note that the broker put off: on which day, and why. Else `None`.
    pub fn put_off(self) -> Option<(Day, PutOffReason)> {
        match self {
            NoteProgress::PutOff(day, reason) => Some((day, reason)),
            _ => None,
        }
    }
}

/// What the coordinator decided.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// When.
    pub time: Timestamp,
    /// What.
    pub text: String,
    /// When it is looked at next.
    pub next: Option<Day>,
}

impl Partner {
    /// All conversations, oldest first. What is shown to a person of them, [`Partner::show_conversations`] notes.
    pub fn conversations(&self) -> impl Iterator<Item = Conversation> {
        let state = self.data.state();
        state.after_hit.conversations.iter().map(|known| {
            let typed = known.address.map(|address| state.typed.shown(&address));
            Conversation::of(known, typed.unwrap_or_default())
        })
    }
}

impl Conversation {
    fn of(known: &KnownConversation, typed: String) -> Conversation {
        let outcome = |note: &KnownNote| match note.content {
            NoteContent::Outcome { outcome, .. } => Some(outcome),
            _ => None,
        };
        let introduced = |other: &KnownPartner| {
            let KnownPartner { partner, since, left, .. } = *other;
            Introduced { partner, since, left, misses_note: other.misses() }
        };
        Conversation {
            number: known.number,
            address: known.address,
            typed,
            epoch: known.epoch,
            began: known.began,
            introduced: known.introduced.iter().map(introduced).collect(),
            notes: known
                .notes
                .iter()
                .filter(|note| note.content != NoteContent::Read)
                .map(|note| ConversationNote::of(note, known))
                .collect(),
            lead: known.lead(),
            outcome: known.notes.iter().rev().find_map(outcome),
            decision: known.notes.iter().rev().find_map(Decision::of),
            left: known.left,
        }
    }
}

impl Conversation {
    /// Those who were said to lead at the same time, each without that the other was known, by their numbers in rising
    /// order; empty where there is one or none.
    pub fn said_to_lead(&self) -> Vec<u16> {
        let claim = |note: &ConversationNote| match note.content {
            NoteContent::Lead { turn, partner, .. } => Some((turn, partner)),
            NoteContent::Decision { turn, lead: Some(partner), .. } => Some((turn, partner)),
            _ => None,
        };
        let claims: Vec<_> = self.notes.iter().filter_map(claim).collect();
        let last = claims.iter().map(|(turn, _)| *turn).max();
        let of_last = claims.iter().filter(|(turn, _)| Some(*turn) == last);
        let rivals: BTreeSet<u16> = of_last.map(|(_, partner)| *partner).collect();
        if rivals.len() > 1 { rivals.into_iter().collect() } else { Vec::new() }
    }
}

impl ConversationNote {
    fn of(known: &KnownNote, conversation: &KnownConversation) -> ConversationNote {
        let is_reached = |copy: &KnownCopy| conversation.reached().any(|other| other.partner == copy.to);
        let progress = |copy: &KnownCopy| match copy.progress {
            CopyProgress::Waiting | CopyProgress::PutOff { .. } if !is_reached(copy) => NoteProgress::NotIntroduced,
            CopyProgress::Waiting => NoteProgress::Waiting,
            CopyProgress::PutOff { day, reason } => NoteProgress::PutOff(day, reason),
            CopyProgress::Kept { .. } => NoteProgress::Kept,
            CopyProgress::Read => NoteProgress::Read,
            CopyProgress::NotIntroduced => NoteProgress::NotIntroduced,
        };
        let copies = known.copies.iter().map(|copy| NoteCopy { to: copy.to, progress: progress(copy) });
        ConversationNote {
            from: known.from,
            time: known.time,
            came: known.came,
            content: known.content.clone(),
            copies: copies.collect(),
        }
    }
}

impl Decision {
    fn of(note: &KnownNote) -> Option<Decision> {
        match &note.content {
            NoteContent::Decision { text, next, .. } => {
                Some(Decision { time: note.time, text: text.clone(), next: *next })
            }
            _ => None,
        }
    }
}

/// Without the address, and what was written.
impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Conversation");
        shown.field("number", &self.number).field("epoch", &self.epoch).field("began", &self.began);
        shown.field("introduced", &self.introduced).field("notes", &self.notes.len()).field("lead", &self.lead);
        shown.field("outcome", &self.outcome).field("left", &self.left).finish_non_exhaustive()
    }
}

/// Without what it says.
impl fmt::Debug for ConversationNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ConversationNote");
        shown.field("from", &self.from).field("time", &self.time).field("copies", &self.copies).finish_non_exhaustive()
    }
}

/// Without what was decided.
impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision").field("time", &self.time).field("next", &self.next).finish_non_exhaustive()
    }
}
