//! What somebody is writing in a conversation, from its form to the note that it means.

use maud::{Markup, html};
use stapel::Day;
use stapel::partner::{NewNote, Partner, PartnerError};
use stapel::talk::{MAX_NOTE_TEXT, NoteTextError, Outcome};

use super::forms::Wrong;
use super::parts::who;
use crate::pages::refusal::Refusal;
use crate::pages::request::Fields;
use crate::words::Words;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Lead,
    Outcome,
    Decision,
    Leave,
}

/// In the order in which they stand beneath a conversation.
pub(super) const KINDS: [Kind; 5] = [Kind::Text, Kind::Lead, Kind::Decision, Kind::Outcome, Kind::Leave];

/// What somebody is writing, as it was typed.
pub(super) struct Draft {
    pub(super) kind: Kind,
    /// How many notes the conversation had that it was written beneath.
    pub(super) after: usize,
    pub(super) text: String,
    pub(super) to: String,
    pub(super) lead: String,
    pub(super) outcome: String,
    pub(super) next: String,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Lead => "lead",
            Kind::Outcome => "outcome",
            Kind::Decision => "decision",
            Kind::Leave => "leave",
        }
    }

    /// The id of the field with its text.
    pub(super) fn text_field(self) -> &'static str {
        match self {
            Kind::Text => "text-text",
            Kind::Lead => "lead-text",
            Kind::Outcome => "outcome-text",
            Kind::Decision => "decision-text",
            Kind::Leave => "leave",
        }
    }

    pub(super) fn called(self, words: Words, coordinates: bool) -> &'static str {
        match self {
            Kind::Text => words.t("een bericht schrijven", "write a note"),
            Kind::Lead => words.t("zeggen wie trekt", "say who leads"),
            Kind::Decision => words.t("besluiten", "decide"),
            Kind::Outcome if coordinates => words.t("sluiten: zeggen hoe het afliep", "close: say how it ended"),
            Kind::Outcome => words.t("zeggen hoe het afliep", "say how it ended"),
            Kind::Leave => words.t("het gesprek verlaten", "leave the conversation"),
        }
    }
}

impl Draft {
    pub(super) fn read(fields: &Fields) -> Result<Draft, Refusal> {
        let text = |name| fields.one(name).unwrap_or_default().to_owned();
        let kind = KINDS.into_iter().find(|kind| fields.one("kind") == Some(kind.name()));
        let after = fields.one("after").and_then(|text| text.parse().ok());
        let bad = || Refusal::of("bad_request");
        Ok(Draft {
            kind: kind.ok_or_else(bad)?,
            after: after.ok_or_else(bad)?,
            text: text("text"),
            to: text("to"),
            lead: text("lead"),
            outcome: text("outcome"),
            next: text("next"),
        })
    }

    /// The note that is meant; `None` for leaving.
    pub(super) fn note(&self, today: Day) -> Result<Option<NewNote<'_>>, Wrong> {
        let partner = |text: &str, field| match text {
            "" => Ok(None),
            text => text.parse::<u16>().map(Some).map_err(|_| Wrong::new(field, "Kies iemand.", "Choose somebody.")),
        };
        let text = self.text.as_str();
        Ok(Some(match self.kind {
            Kind::Text => NewNote::Text { text, to: partner(&self.to, "text-to")? },
            Kind::Lead => {
                let lead = partner(&self.lead, "lead-lead")?;
                let lead = lead.ok_or_else(|| Wrong::new("lead-lead", "Kies wie trekt.", "Choose who leads."))?;
                NewNote::Lead { partner: lead, text }
            }
            Kind::Outcome => {
                let outcome = Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == self.outcome);
                let none = || Wrong::new("outcome-outcome", "Kies hoe het afliep.", "Choose how it ended.");
                NewNote::Outcome { outcome: outcome.ok_or_else(none)?, text }
            }
            Kind::Decision => {
                let next = match self.next.trim() {
                    "" => None,
                    text => Some(text.parse::<Day>().map_err(|_| {
                        Wrong::new(
                            "decision-next",
                            "Dit is geen dag: schrijf 2027-03-09.",
                            "This is no day: write 2027-03-09.",
                        )
                    })?),
                };
                if next.is_some_and(|next| next < today) {
                    let dutch = "Die dag is voorbij: kies vandaag of een latere.";
                    return Err(Wrong::new("decision-next", dutch, "That day is over: choose today or a later one."));
                }
                NewNote::Decision { lead: partner(&self.lead, "decision-lead")?, next, text }
            }
            Kind::Leave => return Ok(None),
        }))
    }

    /// As fields that do not show.
    pub(super) fn hidden(&self, conversation: u32) -> Markup {
        let fields = [("text", &self.text), ("to", &self.to), ("lead", &self.lead), ("outcome", &self.outcome)];
        html! {
            (of(conversation, self.kind, self.after))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            input type="hidden" name="next" value=(self.next);
        }
    }
}

/// What each form of a conversation has, as fields that do not show.
pub(super) fn of(conversation: u32, kind: Kind, after: usize) -> Markup {
    html! {
        input type="hidden" name="conversation" value=(conversation);
        input type="hidden" name="kind" value=(kind.name());
        input type="hidden" name="after" value=(after);
    }
}

/// What the library says is wrong, where somebody can mend it in the form.
pub(super) fn wrong_of(words: Words, partner: &Partner, kind: Kind, error: &PartnerError) -> Option<Wrong> {
    let text = match error {
        PartnerError::NoteText(NoteTextError::Empty) => words
            .t("Er staat niets: schrijf wat u wilt zeggen.", "It says nothing: write what is to be said.")
            .to_owned(),
        PartnerError::NoteText(NoteTextError::TooLong { bytes }) => {
            let (has, most) = (words.number(*bytes as u64), words.number(MAX_NOTE_TEXT as u64));
            words.t(
                format!("De tekst is {has} bytes, en er passen er {most} in een bericht: schrijf minder, of twee."),
                format!("The text has {has} bytes, and a note holds {most}: write less, or two notes."),
            )
        }
        PartnerError::NoteText(NoteTextError::Hidden { at }) => words.t(
            format!("Teken {at} van de tekst is niet te zien: haal het weg."),
            format!("Character {at} of the text does not show: take it out."),
        ),
        PartnerError::NotLeading { leads } => {
            let leads = leads.map_or_else(|| words.t("niemand", "nobody").to_owned(), |it| who(words, partner, it));
            words.t(
                format!("U trekt dit gesprek niet ({leads} doet dat): vraag om het over te dragen."),
                format!("You do not lead this conversation ({leads} does): ask to have the lead handed over."),
            )
        }
        _ => return None,
    };
    Some(Wrong::written(kind.text_field(), text))
}
