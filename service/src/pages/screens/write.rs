//! What somebody does in a conversation: a note, the lead, a decision, how it ended, and leaving; each is confirmed.

use maud::{Markup, html};
use stapel::Timestamp;
use stapel::partner::{Case, NewNote, Partner, PartnerError};
use stapel::talk::Outcome;

use super::Visit;
use super::asked::capital;
use super::conversation::{number, page, title};
use super::draft::{Draft, wrong_of};
use super::forms::Wrong;
use super::parts::{self, Step, names, row, told, who};
use crate::after_hit;
use crate::pages::refusal::Refusal;
use crate::pages::request::Fields;
use crate::words::Words;

/// Shows what would be done, and who would learn what of it.
pub(super) fn confirm(visit: &mut Visit<'_>, step: &Step<'_>, fields: &Fields, by: &Case) -> Result<Markup, Refusal> {
    let (words, now) = (step.words, visit.now);
    let (conversation, draft) = (number(fields)?, Draft::read(fields)?);
    let note = match draft.note(now.day()) {
        Ok(note) => note,
        Err(wrong) => return page(visit, step, conversation, Some(&draft), &[wrong], by),
    };
    let to = match &note {
        Some(note) => match visit.partner.preview_note(conversation, note, now) {
            Ok(to) => to,
            Err(error) => match wrong_of(words, &visit.partner, draft.kind, &error) {
                Some(wrong) => return page(visit, step, conversation, Some(&draft), &[wrong], by),
                None => return Err(error.into()),
            },
        },
        None => {
            visit.partner.preview_leave(conversation, now)?;
            after_hit::present(&visit.partner, conversation)
        }
    };
    let partner = &visit.partner;
    let known = partner.conversations().find(|known| known.number == conversation);
    let lines = who_learns(words, partner, (conversation, note.as_ref()), &to, now);
    let is_coordinator = step.path == super::agenda::PATH;
    let called = draft.kind.called(words, is_coordinator);
    let yes = html! {
        (draft.hidden(conversation))
        button type="submit" { (words.t("Ja, doen", "Yes, do it")) }
    };
    let back = html! {
        (draft.hidden(conversation))
        button.second type="submit" { (words.t("Nee, terug", "No, back")) }
    };
    Ok(html! {
        h2 { (capital(called)) "?" }
        dl.confirmed {
            (row(words.t("Gesprek", "Conversation"), &html! {
                (conversation) @if let Some(known) = &known { ": " (title(words, known)) }
            }))
            (row(words.t("Zaak", "Case"), &html! { (step.case) }))
            @match &note {
                Some(NewNote::Lead { partner: lead, .. }) => {
                    (row(words.t("Trekker", "Leads"), &html! { (who(words, partner, *lead)) }))
                },
                Some(NewNote::Outcome { outcome, .. }) => {
                    (row(words.t("Afloop", "Outcome"), &html! { (after_hit::outcome(*outcome, words.0)) }))
                },
                Some(NewNote::Decision { lead, next, .. }) => {
                    (row(words.t("Trekker", "Leads"), &html! {
                        @match lead {
                            Some(lead) => (who(words, partner, *lead)),
                            None => (words.t("blijft zoals het is", "stays as it is")),
                        }
                    }))
                    (row(words.t("Opnieuw op", "Next on"), &html! {
                        @match next { Some(next) => (words.day(*next)), None => (words.t("geen dag", "no day")) }
                    }))
                },
                _ => {},
            }
            @if !draft.text.trim().is_empty() {
                (row(words.t("Tekst", "Text"), &html! { p.text { (draft.text) } }))
            }
        }
        (told(words, &lines))
        div.buttons { (step.form("yes", &yes)) (step.form("open", &back)) }
    })
}

fn who_learns(
    words: Words,
    partner: &Partner,
    (conversation, note): (u32, Option<&NewNote<'_>>),
    to: &[u16],
    now: Timestamp,
) -> Vec<String> {
    let (today, readers) = (now.day(), names(words, partner, to));
    let Some(note) = note else {
        let day = words.day(partner.leaving_goes_on(conversation, today).unwrap_or(today));
        return vec![
            words.t(
                format!("{readers}: dat uw organisatie vertrok. De teller hoort dat op {day}, en zegt het door."),
                format!("{readers}: that your organisation left. The broker hears that on {day}, and tells it."),
            ),
            words
                .t(
                    "Wat hier is aangedragen bij dit adres, wordt teruggenomen. Niemand kan u er nog schrijven.",
                    "What is put forward here of this address is taken back. Nobody can write to you there any more.",
                )
                .to_owned(),
            words
                .t(
                    "Wat geschreven is, blijft staan: hier, en bij de anderen.",
                    "What was written stays: here, and with the others.",
                )
                .to_owned(),
        ];
    };
    let day = words.day(partner.notes_would_go_on(to.len(), today).unwrap_or(today));
    let mut lines = vec![
        words.t(
            format!("{readers}: dit, zonder uw zaak en naam, en dat het van uw organisatie komt. Niemand anders."),
            format!("{readers}: this, without your case and name, and that your organisation wrote it. Nobody else."),
        ),
        words.t(
            format!("Het gaat mee op {day}, of de dag daarna. De teller kan het niet lezen."),
            format!("It goes on {day}, or the day after. The broker cannot read it."),
        ),
    ];
    match note {
        NewNote::Decision { lead: Some(lead), .. } if to.len() > 1 => {
            let lead = who(words, partner, *lead);
            lines.push(words.t(
                format!("Zij lezen allen dat {lead} meedoet: noem niemand die daar niet mee instemde."),
                format!("They all read that {lead} is in it: name nobody who did not agree to that."),
            ));
        }
        NewNote::Outcome { outcome: Outcome::WrongSignal, .. } => lines.push(
            words
                .t(
                    "Dat een signaal verkeerd was, blijft onder hen. Was het uw eigen melding, trek die dan ook in.",
                    "That a signal was wrong stays among them. Where it was your own flag, withdraw it too.",
                )
                .to_owned(),
        ),
        NewNote::Outcome { .. } => lines.push(
            words
                .t(
                    "Na het jaar hoort de teller alleen aantallen, nooit kleine.",
                    "After the year the broker hears numbers alone, none of them small.",
                )
                .to_owned(),
        ),
        _ => {}
    }
    lines
}

/// Does what was confirmed, once.
pub(super) fn perform(visit: &mut Visit<'_>, step: &Step<'_>, fields: &Fields, by: &Case) -> Result<Markup, Refusal> {
    let (words, now) = (step.words, visit.now);
    let (conversation, draft) = (number(fields)?, Draft::read(fields)?);
    let known = visit.partner.conversations().find(|known| known.number == conversation);
    let known = known.ok_or(PartnerError::NoConversation { conversation })?;
    let note = match draft.note(now.day()) {
        Ok(note) => note,
        Err(wrong) => return page(visit, step, conversation, Some(&draft), &[wrong], by),
    };
    let to = after_hit::present(&visit.partner, conversation);
    let is_new = match &note {
        None if known.left.is_some() => false,
        None => {
            visit.partner.leave(conversation, by, now)?;
            true
        }
        Some(note) => match known.notes.get(draft.after) {
            Some(next) if next.from.is_none() && note.says(&next.content) => false,
            None if known.notes.len() == draft.after => {
                if let Err(error) = visit.partner.write_note(conversation, note, by, now) {
                    return match wrong_of(words, &visit.partner, draft.kind, &error) {
                        Some(wrong) => page(visit, step, conversation, Some(&draft), &[wrong], by),
                        None => Err(error.into()),
                    };
                }
                true
            }
            _ => {
                let wrong = Wrong::new(
                    draft.kind.text_field(),
                    "Er kwam intussen een bericht bij. Er is niets verstuurd: lees het, en verstuur dan het uwe.",
                    "A note came meanwhile. Nothing was sent: read it, and send yours then.",
                );
                return page(visit, step, conversation, Some(&draft), &[wrong], by);
            }
        },
    };
    let to = match &note {
        Some(NewNote::Text { to: Some(to), .. }) => vec![*to],
        _ => to,
    };
    let readers = names(words, &visit.partner, &to);
    let text = match &note {
        Some(_) => words.t(format!("Geschreven aan {readers}."), format!("Written to {readers}.")),
        None => words.t(
            format!("U hebt het gesprek verlaten. {readers} hoort dat nog."),
            format!("You have left the conversation. {readers} is yet to be told."),
        ),
    };
    let back = html! {
        input type="hidden" name="conversation" value=(conversation);
        button.second type="submit" { (words.t("Terug naar het gesprek", "Back to the conversation")) }
    };
    let list = step.button("look", words.t("Naar de lijst", "To the list"));
    Ok(html! {
        (parts::done(words, is_new, &text))
        div.buttons { (step.form("open", &back)) (list) }
    })
}
