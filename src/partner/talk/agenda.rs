//! The coordinator's agenda: what waits, since when and for what, what was decided, and what has ended.

use std::fmt;

use super::super::error::PartnerError;
use super::super::record::JournalEvent;
use super::super::{Case, Partner};
use super::conversation::{Conversation, ConversationNote};
use super::record::TalkEvent;
use crate::codes::named;
use crate::day::{Day, Timestamp};
use crate::talk::{NoteContent, Outcome};

named! {
    /// Why a conversation waits for the coordinator.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum WaitsFor {
        /// Nothing was decided yet.
        FirstDecision => "first_decision",
        /// Somebody joined who has not got what was decided last.
        Joined => "joined",
        /// A note came after what was decided last.
        Note => "note",
        /// The day on which it was to be looked at next has come.
        NextDay => "next_day",
        /// Who leads has left, and cannot hand the lead over any more.
        LeaderLeft => "leader_left",
    }
}

named! {
    /// Why a conversation is on the agenda no longer.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum AgendaEnd {
        /// All who joined, and did not leave, said how it ended; and the coordinator decided nothing since.
        AllSaid => "all_said",
        /// The coordinator said how it ended, and nobody joined or wrote since.
        Closed => "closed",
        /// All who joined have left.
        AllLeft => "all_left",
        /// The coordinator left.
        CoordinatorLeft => "coordinator_left",
    }
}

/// A conversation on the coordinator's agenda, or one that was.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgendaItem {
    /// The conversation: [`Partner::conversations`] has what was written in it.
    pub conversation: u32,
    /// The day of its first introduction.
    pub began: Day,
    /// Whether the coordinator wrote nothing in it yet.
    pub is_new: bool,
    /// Since which day it waits for the coordinator, and for what; of several reasons the earliest. `None` where it
    /// does not: the coordinator decided, and nothing came since.
    pub waits: Option<(Day, WaitsFor)>,
    /// Who joined, and on which day; in that order, without those who left.
    pub joined: Vec<(u16, Day)>,
    /// Who of them joined since what was decided last, and so has not got it.
    pub newcomers: Vec<u16>,
    /// Who joined and left again, and the day on which it left.
    pub left: Vec<(u16, Day)>,
    /// Who leads.
    pub lead: Option<u16>,
    /// What was decided last.
    pub decision: Option<String>,
    /// When it is looked at next.
    pub next: Option<Day>,
    /// How it ended, as was said last.
    pub outcome: Option<Outcome>,
    /// Why it is on the agenda no longer, and since which day; `None` where it is on it.
    pub ended: Option<(Day, AgendaEnd)>,
    /// The day on which the coordinator closed it, where it came back since; what for, `waits` says.
    pub closed: Option<Day>,
    /// The addresses that notes said it is about, each canonical key once, with the different ways in which it was
    /// typed. More than one where the keys differ.
    pub addresses: Vec<(String, Vec<String>)>,
}

impl Partner {
    /// All conversations of the coordinator, oldest first, as of `today`: those on the agenda, and those that have
    /// [`ended`](AgendaItem::ended). What is shown to a person of it, [`Partner::show_agenda`] notes.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPermitted`] where this partner is not the coordinator.
    pub fn agenda(&self, today: Day) -> Result<Vec<AgendaItem>, PartnerError> {
        if !self.member.coordinates() {
            let finding = "only the coordinator has an agenda: a partner has its conversations (conversations)";
            return Err(PartnerError::NotPermitted { finding: finding.into() });
        }
        Ok(self.conversations().map(|one| AgendaItem::of(one, today)).collect())
    }

    /// Since which day each conversation waits that does; none where this partner is not the coordinator.
    pub(super) fn waiting_since(&self, today: Day) -> impl Iterator<Item = Day> {
        let all = self.conversations().filter(|_| self.member.coordinates());
        all.filter_map(move |one| AgendaItem::of(one, today).waits).map(|(since, _)| since)
    }

    /// The same, for a person to be shown. Before it is handed out the journal has who is shown it, and for which case.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPermitted`] where this partner is not the coordinator; [`PartnerError::Clock`],
    /// [`PartnerError::ClockAhead`]; [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn show_agenda(&mut self, by: &Case, now: Timestamp) -> Result<Vec<AgendaItem>, PartnerError> {
        self.data.refresh()?;
        let items = self.agenda(now.day())?;
        if !items.is_empty() {
            let conversations = items.iter().map(|item| item.conversation).collect();
            let event = TalkEvent::Shown { conversations, addresses: Vec::new() };
            self.data.record(now, Some(by), JournalEvent::Talk(event))?;
        }
        Ok(items)
    }
}

impl AgendaItem {
    fn of(one: Conversation, today: Day) -> AgendaItem {
        let ended = ended(&one);
        let waits = if ended.is_none() { waits(&one, today) } else { None };
        let decided = decided_at(&one).and_then(|at| one.notes.get(at));
        let newcomers = decided.map(|note| joined_since(&one, note).map(|(other, _)| other).collect());
        let closed = decided.filter(|note| ended.is_none() && says_how(note)).map(|note| note.came);
        let mut addresses: Vec<(String, Vec<String>)> = Vec::new();
        for note in &one.notes {
            let NoteContent::Address { key, typed } = &note.content else { continue };
            let at = addresses.iter().position(|(known, _)| known == key);
            let at = at.unwrap_or_else(|| {
                addresses.push((key.clone(), Vec::new()));
                addresses.len() - 1
            });
            if let Some((_, spellings)) = addresses.get_mut(at)
                && !typed.is_empty()
                && !spellings.contains(typed)
            {
                spellings.push(typed.clone());
            }
        }
        AgendaItem {
            conversation: one.number,
            began: one.began,
            is_new: one.notes.iter().all(|note| note.from.is_some()),
            waits,
            joined: present(&one).collect(),
            newcomers: newcomers.unwrap_or_default(),
            left: one.introduced.iter().filter_map(|other| Some((other.partner, other.left?))).collect(),
            lead: one.lead,
            next: one.decision.as_ref().and_then(|decision| decision.next),
            decision: one.decision.map(|decision| decision.text),
            outcome: one.outcome,
            ended,
            closed,
            addresses,
        }
    }
}

/// Who joined and did not leave, and on which day.
fn present(one: &Conversation) -> impl Iterator<Item = (u16, Day)> {
    one.introduced.iter().filter(|other| other.left.is_none()).map(|other| (other.partner, other.since))
}

/// The place among the notes of what the coordinator decided last: a decision, or how it ended.
fn decided_at(one: &Conversation) -> Option<usize> {
    let decides = |content: &NoteContent| matches!(content, NoteContent::Decision { .. } | NoteContent::Outcome { .. });
    one.notes.iter().rposition(|note| note.from.is_none() && decides(&note.content))
}

/// Whether somebody wrote it. The address each writes by itself.
fn is_written_by_another(note: &ConversationNote) -> bool {
    note.from.is_some() && !matches!(note.content, NoteContent::Address { .. })
}

/// Those who joined since a note was written to all: it did not go to them.
fn joined_since<'a>(one: &'a Conversation, note: &'a ConversationNote) -> impl Iterator<Item = (u16, Day)> + 'a {
    present(one).filter(|(other, _)| note.copies.iter().all(|copy| copy.to != *other))
}

/// Whether it says how it ended.
fn says_how(note: &ConversationNote) -> bool {
    matches!(note.content, NoteContent::Outcome { .. })
}

fn waits(one: &Conversation, today: Day) -> Option<(Day, WaitsFor)> {
    let Some((at, decided)) = decided_at(one).and_then(|at| Some((at, one.notes.get(at)?))) else {
        return Some((one.began, WaitsFor::FirstDecision));
    };
    let joined = joined_since(one, decided).map(|(_, since)| (since, WaitsFor::Joined));
    let after = one.notes.iter().skip(at + 1).filter(|note| is_written_by_another(note));
    let written = after.map(|note| (note.came, WaitsFor::Note));
    let next = match &decided.content {
        NoteContent::Decision { next, .. } => next.filter(|next| *next <= today),
        _ => None,
    };
    // What was decided without it was decided in the knowledge that it left.
    let led = one.lead.filter(|lead| decided.copies.iter().any(|copy| copy.to == *lead));
    let left = one.introduced.iter().find(|other| Some(other.partner) == led).and_then(|other| other.left);
    let others = [left.map(|left| (left, WaitsFor::LeaderLeft)), next.map(|next| (next, WaitsFor::NextDay))];
    joined.chain(written).chain(others.into_iter().flatten()).min_by_key(|(since, _)| *since)
}

fn ended(one: &Conversation) -> Option<(Day, AgendaEnd)> {
    if let Some(day) = one.left {
        return Some((day, AgendaEnd::CoordinatorLeft));
    }
    if present(one).next().is_none() {
        let last = one.introduced.iter().filter_map(|other| other.left).max();
        return Some((last.unwrap_or(one.began), AgendaEnd::AllLeft));
    }
    let decided = decided_at(one);
    let after = one.notes.get(decided.map_or(0, |at| at + 1)..).unwrap_or_default();
    if let Some(note) = decided.and_then(|at| one.notes.get(at)).filter(|note| says_how(note))
        && joined_since(one, note).next().is_none()
        && !after.iter().any(is_written_by_another)
    {
        return Some((note.came, AgendaEnd::Closed));
    }
    // What each of them wrote last, other than the address, since the coordinator decided.
    let mut last_day = one.began;
    for (other, _) in present(one) {
        let last = after.iter().rfind(|note| note.from == Some(other) && is_written_by_another(note));
        last_day = last_day.max(last.filter(|note| says_how(note))?.came);
    }
    Some((last_day, AgendaEnd::AllSaid))
}

/// Shows who and when, and not addresses or what was decided, because this may be logged.
impl fmt::Debug for AgendaItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AgendaItem");
        shown.field("conversation", &self.conversation).field("began", &self.began).field("is_new", &self.is_new);
        shown.field("waits", &self.waits).field("joined", &self.joined).field("left", &self.left);
        shown.field("lead", &self.lead).field("next", &self.next).field("outcome", &self.outcome);
        shown.field("ended", &self.ended).field("closed", &self.closed).field("newcomers", &self.newcomers);
        shown.finish_non_exhaustive()
    }
}
