//! One conversation: who is in it, what was written, and what somebody can do in it.

use maud::{Markup, html};
use stapel::partner::{Case, Conversation, ConversationNote, NoteProgress, Partner};
use stapel::talk::NoteContent;

use super::Visit;
use super::conversation_forms::forms;
use super::draft::Draft;
use super::forms::{Wrong, summary};
use super::parts::{self, Step, row, who};
use crate::after_hit;
use crate::pages::refusal::Refusal;
use crate::pages::request::Fields;
use crate::words::Words;

/// One that is asked for by its number, with what somebody was writing in it.
pub(super) fn open(visit: &mut Visit<'_>, step: &Step<'_>, fields: &Fields, by: &Case) -> Result<Markup, Refusal> {
    let draft = if fields.one("kind").is_some() { Some(Draft::read(fields)?) } else { None };
    page(visit, step, number(fields)?, draft.as_ref(), &[], by)
}

/// The conversation that a form is of.
pub(super) fn number(fields: &Fields) -> Result<u32, Refusal> {
    let number = fields.one("conversation").and_then(|text| text.parse().ok());
    number.ok_or_else(|| Refusal::of("bad_request"))
}

/// A conversation with its forms; in one of them what somebody was writing, and what is wrong with that.
pub(super) fn page(
    visit: &mut Visit<'_>,
    step: &Step<'_>,
    number: u32,
    draft: Option<&Draft>,
    wrongs: &[Wrong],
    by: &Case,
) -> Result<Markup, Refusal> {
    let (words, now) = (step.words, visit.now);
    let shown = visit.partner.show_conversations(Some(number), by, now)?;
    let one = shown.first().ok_or_else(|| Refusal::of("not_found"))?;
    // Whoever reads it has seen what is new in it.
    visit.partner.take_talk_news_of(number)?;
    let partner = &visit.partner;
    let back = step.button("look", words.t("Terug naar de lijst", "Back to the list"));
    Ok(html! {
        (summary(words, wrongs))
        (step.case_line())
        section aria-labelledby="about" {
            h2 #about { (title(words, one)) }
            (about(words, partner, one))
        }
        section.plain aria-labelledby="notes" {
            h2 #notes { (words.t("Berichten", "Notes")) ": " (one.notes.len()) }
            @if one.notes.is_empty() {
                p { (words.t("Er is nog niets geschreven.", "Nothing was written yet.")) }
            }
            ol.notes { @for note in &one.notes { li { (noted(words, partner, note)) } } }
        }
        (forms(step, partner, one, (draft, wrongs), now.day()))
        div.buttons { (back) }
    })
}

/// What it is about.
pub(super) fn title(words: Words, one: &Conversation) -> Markup {
    let keys = addresses(one);
    html! {
        @match (one.address, keys.first()) {
            (Some(address), _) => (parts::address(&one.typed, address.as_str())),
            (None, Some((key, typed))) => (parts::address(typed, key)),
            (None, None) => { (words.t("Gesprek ", "Conversation ")) (one.number) },
        }
    }
}

/// The addresses that notes said it is about, each once, as it was typed first.
fn addresses(one: &Conversation) -> Vec<(&str, &str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for note in &one.notes {
        if let NoteContent::Address { key, typed } = &note.content
            && !found.iter().any(|(known, _)| known == key)
        {
            found.push((key, typed));
        }
    }
    found
}

fn about(words: Words, partner: &Partner, one: &Conversation) -> Markup {
    let keys = addresses(one);
    html! {
        dl {
            (row(words.t("Gesprek", "Conversation"), &html! {
                (one.number) ", " (words.t("sinds ", "since ")) (words.day(one.began))
            }))
            @if one.address.is_none() && keys.len() != 1 {
                (row(words.t("Adres", "Address"), &html! {
                    @if keys.is_empty() { (words.t("nog niet genoemd", "not said yet")) } @else {
                        b { (after_hit::agenda(words.0).differ) }
                        ul { @for (key, typed) in &keys { li { (parts::address(typed, key)) } } }
                    }
                }))
            }
            (row(words.t("Wie meedoet", "Who is in it"), &html! {
                ul {
                    @for other in &one.introduced {
                        li {
                            (who(words, partner, other.partner)) ", "
                            (words.t("sinds ", "since ")) (words.day(other.since))
                            @if let Some(left) = other.left {
                                " – " b { (words.t("vertrokken op ", "left on ")) (words.day(left)) }
                            }
                            @if other.misses_note {
                                " – " (words.t("een bericht ontbreekt nog", "a note of it is missing"))
                            }
                        }
                    }
                }
            }))
            (row(words.t("Trekker", "Leads"), &html! {
                @match one.lead {
                    Some(lead) => (who(words, partner, lead)),
                    None => (words.t("niemand", "nobody")),
                }
            }))
            @if let Some(decision) = &one.decision {
                (row(words.t("Besluit", "Decision"), &html! {
                    (words.day(decision.time.day())) p.text { (decision.text) }
                }))
                @if let Some(next) = decision.next {
                    (row(words.t("Opnieuw op", "Next on"), &html! { (words.day(next)) }))
                }
            }
            @if let Some(outcome) = one.outcome {
                (row(words.t("Afloop", "Outcome"), &html! { (after_hit::outcome(outcome, words.0)) }))
            }
            @if let Some(left) = one.left {
                (row(words.t("Verlaten", "Left"), &html! {
                    (words.t("uw organisatie vertrok op ", "your organisation left on ")) (words.day(left))
                }))
            }
        }
    }
}

fn noted(words: Words, partner: &Partner, note: &ConversationNote) -> Markup {
    let from = who(words, partner, note.from.unwrap_or(partner.number()));
    html! {
        p.from {
            b { (from) } ", " (words.moment(note.time))
            // They stand in the order in which they came, which need not be that in which they were written.
            @if note.from.is_some() { "; " (words.t("gekomen op ", "came on ")) (words.day(note.came)) }
        }
        (says(words, partner, &note.content))
        @if !note.copies.is_empty() {
            ul.copies {
                @for copy in &note.copies {
                    li {
                        (words.t("aan ", "to ")) (who(words, partner, copy.to)) ": "
                        @let text = after_hit::progress(copy.progress, words.0, |day| words.day(day));
                        @if copy.progress == NoteProgress::Read { (text) } @else { b { (text) } }
                    }
                }
            }
        }
    }
}

/// What a note says.
pub(super) fn says(words: Words, partner: &Partner, content: &NoteContent) -> Markup {
    let what = match content {
        NoteContent::Text(_) => html! {},
        NoteContent::Address { key, typed } => html! {
            (words.t("Het adres is ", "The address is ")) (parts::address(typed, key))
        },
        NoteContent::Lead { partner: lead, .. } => html! {
            (words.t("Trekker: ", "Leads: ")) (who(words, partner, *lead))
        },
        NoteContent::Outcome { outcome, .. } => html! {
            (words.t("Afloop: ", "Outcome: ")) (after_hit::outcome(*outcome, words.0))
        },
        NoteContent::Decision { lead, next, .. } => html! {
            (words.t("Besluit", "Decision"))
            @if let Some(lead) = lead { "; " (words.t("trekker: ", "leads: ")) (who(words, partner, *lead)) }
            @if let Some(next) = next { "; " (words.t("opnieuw op ", "next on ")) (words.day(*next)) }
        },
        _ => html! { (words.t("Iets dat deze versie niet kent", "Something that this version does not know")) },
    };
    let text = match content {
        NoteContent::Text(text)
        | NoteContent::Lead { text, .. }
        | NoteContent::Outcome { text, .. }
        | NoteContent::Decision { text, .. } => text.as_str(),
        _ => "",
    };
    html! {
        @if !matches!(content, NoteContent::Text(_)) { p.what { (what) } }
        @if !text.is_empty() { p.text { (text) } }
    }
}
