//! The coordinator's agenda: what waits, since when, and what was decided.

use std::fmt;

use super::super::Partner;
use super::conversation::Conversation;
use crate::day::Day;
use crate::talk::{NoteContent, Outcome};

/// A conversation on the coordinator's agenda.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgendaItem {
    /// The conversation: [`Partner::conversations`] has what was written in it.
    pub conversation: u32,
    /// The day of its first introduction.
    pub began: Day,
    /// Whether the coordinator wrote nothing in it yet.
    pub is_new: bool,
    /// Since which day it waits for the coordinator: since it began or a note or somebody came to it, after the last
    /// decision. `None` where nothing did.
    pub waiting_since: Option<Day>,
    /// Who joined, and on which day; in that order, without those who left.
    pub joined: Vec<(u16, Day)>,
    /// Who leads.
    pub lead: Option<u16>,
    /// What was decided last.
    pub decision: Option<String>,
    /// When it is looked at next.
    pub next: Option<Day>,
    /// How it ended, as was said last.
    pub outcome: Option<Outcome>,
    /// The addresses that notes said it is about, each once: the canonical key, and as it was typed. More than one
    /// where they differ.
    pub addresses: Vec<(String, String)>,
}

impl Partner {
    /// The conversations as an agenda, oldest first, without those that this partner left.
    pub fn agenda(&self) -> Vec<AgendaItem> {
        self.conversations().filter(|one| one.left.is_none()).map(AgendaItem::of).collect()
    }
}

impl AgendaItem {
    fn of(one: Conversation) -> AgendaItem {
        let is_decision = |content: &NoteContent| matches!(content, NoteContent::Decision { .. });
        let decided = one.notes.iter().rposition(|note| note.from.is_none() && is_decision(&note.content));
        let decided_on = decided.and_then(|at| one.notes.get(at)).map(|note| note.time.day());
        let after = one.notes.get(decided.map_or(0, |at| at + 1)..).unwrap_or_default();
        let written = after.iter().filter(|note| note.from.is_some()).map(|note| note.time.day());
        let came = one.introduced.iter().map(|other| other.since);
        let waiting = written.chain(came.filter(|day| decided_on.is_none_or(|decided| decided < *day)));
        let mut addresses = Vec::new();
        for note in &one.notes {
            if let NoteContent::Address { key, typed } = &note.content {
                let said = (key.clone(), typed.clone());
                if !addresses.contains(&said) {
                    addresses.push(said);
                }
            }
        }
        let present = one.introduced.iter().filter(|other| other.left.is_none());
        AgendaItem {
            conversation: one.number,
            began: one.began,
            is_new: one.notes.iter().all(|note| note.from.is_some()),
            waiting_since: waiting.min(),
            joined: present.map(|other| (other.partner, other.since)).collect(),
            lead: one.lead,
            next: one.decision.as_ref().and_then(|decision| decision.next),
            decision: one.decision.map(|decision| decision.text),
            outcome: one.outcome,
            addresses,
        }
    }
}

/// Without addresses, and what was decided.
impl fmt::Debug for AgendaItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AgendaItem");
        shown.field("conversation", &self.conversation).field("began", &self.began).field("is_new", &self.is_new);
        shown.field("waiting_since", &self.waiting_since).field("joined", &self.joined).field("lead", &self.lead);
        shown.field("next", &self.next).field("outcome", &self.outcome).finish_non_exhaustive()
    }
}
