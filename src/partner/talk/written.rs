//! Notes that people write, and leaving a conversation.

use std::fmt;

use super::super::error::PartnerError;
use super::super::record::JournalEvent;
use super::super::state::PartnerState;
use super::super::{Case, Partner};
use super::known::{KnownConversation, KnownPartner};
use super::record::TalkEvent;
use super::state::AfterHit;
use crate::day::{Day, Timestamp};
use crate::talk::{NoteContent, Outcome};

/// A note that somebody writes.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NewNote<'a> {
    /// A text.
    Text {
        /// What it says.
        text: &'a str,
        /// Whom it is for; `None` for all that can be written to.
        to: Option<u16>,
    },
    /// Who leads from now on: this partner, where nobody leads yet, or the one that it hands the lead over to.
    Lead {
        /// Who.
        partner: u16,
        /// What goes with it; may be empty.
        text: &'a str,
    },
    /// How it ended.
    Outcome {
        /// How.
        outcome: Outcome,
        /// What goes with it; may be empty.
        text: &'a str,
    },
    /// What the coordinator decides. Whoever gets it learns who leads.
    Decision {
        /// Who leads; `None` leaves that as it is.
        lead: Option<u16>,
        /// When it is looked at next.
        next: Option<Day>,
        /// What is decided.
        text: &'a str,
    },
}

impl NewNote<'_> {
    /// Whether this is what a note says that was written: of a program that writes again what it does not know to be
    /// there.
    pub fn says(&self, content: &NoteContent) -> bool {
        match (self, content) {
            (NewNote::Text { text, .. }, NoteContent::Text(said)) => normalised(text) == *said,
            (NewNote::Lead { partner, text }, NoteContent::Lead { partner: lead, text: said, .. }) => {
                partner == lead && normalised(text) == *said
            }
            (NewNote::Outcome { outcome, text }, NoteContent::Outcome { outcome: way, text: said }) => {
                outcome == way && normalised(text) == *said
            }
            (
                NewNote::Decision { lead, next, text },
                NoteContent::Decision { lead: leads, next: day, text: said, .. },
            ) => (lead, next) == (leads, day) && normalised(text) == *said,
            _ => false,
        }
    }
}

impl Partner {
    /// Writes a note. It goes to all that this partner was introduced to in the conversation and that did not leave,
    /// unless it is a text for one of them; [`Partner::talk`] brings it. The coordinator gets the address by itself,
    /// with the first exchange after the introduction.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NoConversation`] where there is no such conversation, nobody in it to write to, or a
    /// text is for somebody who is not in it;
    /// [`PartnerError::NoteText`]; [`PartnerError::NotLeading`] for a lead where another leads;
    /// [`PartnerError::NotPermitted`] for a decision of another than the coordinator, and a lead for somebody who was
    /// not introduced, or for a day to look at it next that is over;
    /// [`PartnerError::Clock`], [`PartnerError::ClockAhead`];
    /// [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn write_note(
        &mut self,
        conversation: u32,
        note: &NewNote<'_>,
        by: &Case,
        now: Timestamp,
    ) -> Result<(), PartnerError> {
        let (content, copies) = self.compose(conversation, note, now)?;
        let event = TalkEvent::NoteWritten { conversation, content, copies };
        self.data.record(now, Some(by), JournalEvent::Talk(event))
    }

    /// Leaves a conversation: takes back what is put forward there, and has the broker tell the others, with the next
    /// exchange after those that bring what was written there before; in any case from the second day after on
    /// ([`Partner::leaving_goes_on`]). Nobody can write to this partner there any more then. What was written stays
    /// here.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NoConversation`] where there is none of that number, or it was left already;
    /// [`PartnerError::Clock`], [`PartnerError::ClockAhead`];
    /// [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn leave(&mut self, conversation: u32, by: &Case, now: Timestamp) -> Result<(), PartnerError> {
        let mut transaction = self.data.begin(now)?;
        to_leave(transaction.view(), conversation)?;
        transaction.record(Some(by), JournalEvent::Talk(TalkEvent::Left { conversation }))?;
        transaction.keep();
        Ok(())
    }

    /// What a note says, whom it goes to, and its number at each of them.
    pub(super) fn compose(
        &mut self,
        conversation: u32,
        note: &NewNote<'_>,
        now: Timestamp,
    ) -> Result<(NoteContent, Vec<(u16, u64)>), PartnerError> {
        self.data.refresh()?;
        let known = self.data.state().after_hit.conversation(conversation);
        let known = known.ok_or(PartnerError::NoConversation { conversation })?;
        if let NewNote::Decision { next: Some(next), .. } = note
            && *next < now.day()
        {
            let finding = format!("{next} is over: name a day on which it is looked at next");
            return Err(PartnerError::NotPermitted { finding });
        }
        let content = self.content(known, note)?;
        content.refuse_unfit()?;
        let to = match note {
            NewNote::Text { to, .. } => *to,
            _ => None,
        };
        let copies = copies(&self.data.state().after_hit, known, to);
        if copies.is_empty() {
            return Err(PartnerError::NoConversation { conversation });
        }
        Ok((content, copies))
    }

    fn content(&self, known: &KnownConversation, note: &NewNote<'_>) -> Result<NoteContent, PartnerError> {
        let not_permitted = |finding: String| Err(PartnerError::NotPermitted { finding });
        let turn = known.highest_turn().saturating_add(1);
        let is_there = |partner: u16| partner == self.member.number || known.present().any(|it| it.partner == partner);
        Ok(match note {
            NewNote::Text { text, .. } => NoteContent::Text(normalised(text)),
            NewNote::Outcome { outcome, text } => NoteContent::Outcome { outcome: *outcome, text: normalised(text) },
            NewNote::Lead { partner, text } => {
                if !is_there(*partner) {
                    return not_permitted(format!("partner {partner} is not in this conversation, and cannot lead it"));
                }
                // Whoever does not lead can claim a lead that nobody has, and no other.
                let may = match known.lead() {
                    Some(leads) => leads == self.member.number,
                    None => *partner == self.member.number,
                };
                if !may {
                    return Err(PartnerError::NotLeading { leads: known.lead() });
                }
                NoteContent::Lead { turn, partner: *partner, text: normalised(text) }
            }
            NewNote::Decision { lead, next, text } => {
                if !self.member.coordinates() {
                    return not_permitted("only the coordinator decides: write a text to it".into());
                }
                if let Some(partner) = lead.filter(|partner| !is_there(*partner)) {
                    return not_permitted(format!("partner {partner} is not in this conversation, and cannot lead it"));
                }
                NoteContent::Decision { turn, lead: *lead, next: *next, text: normalised(text) }
            }
        })
    }
}

/// Whom a note goes to, and its number there; `to` names one of those who can be written to.
pub(super) fn copies(all: &AfterHit, known: &KnownConversation, to: Option<u16>) -> Vec<(u16, u64)> {
    let for_it = known.present().filter(|other| to.is_none_or(|to| to == other.partner));
    for_it.map(|other| (other.partner, next_number(all, other))).collect()
}

/// The number of the next note to somebody. Where this folder may be an old copy, it is one that no note had.
pub(super) fn next_number(all: &AfterHit, other: &KnownPartner) -> u64 {
    other.written.max(all.notes_above).saturating_add(1)
}

/// An error where there is no conversation of that number to leave.
pub(super) fn to_leave(state: &PartnerState, conversation: u32) -> Result<(), PartnerError> {
    let known = state.after_hit.conversation(conversation).filter(|known| known.left.is_none());
    known.map(drop).ok_or(PartnerError::NoConversation { conversation })
}

/// A text in its one form: each line without white space at its ends, and no empty lines at the text's.
fn normalised(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// Without what it says.
impl fmt::Debug for NewNote<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewNote(..)")
    }
}
