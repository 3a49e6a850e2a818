//! The coordinator's agenda: to look at, to print for the meeting, and to decide from.

use maud::{Markup, html};
use stapel::Day;
use stapel::partner::{AgendaItem, Case, Partner};

use super::Visit;
use super::parts::{self, Step, row, who};
use super::{conversation, start, write};
use crate::after_hit::{self, AgendaWords};
use crate::pages::refusal::Refusal;
use crate::pages::request::Fields;
use crate::words::Words;

pub(super) const PATH: &str = "/agenda";

pub(super) fn show(visit: &mut Visit<'_>) -> Result<Markup, Refusal> {
    let begin = begin(&Step::of(visit, PATH, ""), false);
    Ok(html! { (begin) (start::beneath(visit)) })
}

pub(super) fn act(visit: &mut Visit<'_>, fields: &Fields) -> Result<Markup, Refusal> {
    let case = fields.filled("case").unwrap_or_default().to_owned();
    let step = Step { case: &case, ..Step::of(visit, PATH, "") };
    let Ok(by) = visit.person.acting_for(&case) else { return Ok(begin(&step, true)) };
    match fields.one("do") {
        Some("open") => conversation::open(visit, &step, fields, &by),
        Some("ask") => write::confirm(visit, &step, fields, &by),
        Some("yes") => write::perform(visit, &step, fields, &by),
        Some("ended") => list(visit, &step, &by, true),
        _ => list(visit, &step, &by, false),
    }
}

fn begin(step: &Step<'_>, is_wrong: bool) -> Markup {
    let words = step.words;
    html! {
        p {
            (words.t(
                "De agenda voor het overleg: een blok voor elk gesprek, wat het langst wacht eerst. Zeg niet meer van \
                 de een tegen de ander dan die goedvond.",
                "The agenda for the meeting: a block for each conversation, what waits longest first. Say no more of \
                 one to another than that one agreed to.",
            ))
        }
        (step.case_form(is_wrong, words.t("Bekijken", "Look")))
    }
}

fn list(visit: &mut Visit<'_>, step: &Step<'_>, by: &Case, ended: bool) -> Result<Markup, Refusal> {
    let (words, today) = (step.words, visit.now.day());
    let items = after_hit::in_order(visit.partner.show_agenda(by, visit.now)?, ended);
    let partner = &visit.partner;
    let said = after_hit::agenda(words.0);
    let title = if ended { said.ended_title } else { said.title };
    let (asks, other) = match ended {
        true => ("look", words.t("Wat nog loopt", "Those that go on")),
        false => ("ended", said.ended_title),
    };
    Ok(html! {
        div.no-print {
            (step.case_line())
            (step.button(asks, other))
            @if !items.is_empty() {
                p.hint {
                    (words.t(
                        "Afdrukken: Ctrl+P. Elk gesprek blijft heel, met ruimte om te schrijven. Er staan adressen \
                         en organisaties op: druk er weinig af, en neem ze na het overleg weer in.",
                        "To print: Ctrl+P. Each conversation stays whole, with room to write. It names addresses and \
                         organisations: print few, and take them back after the meeting.",
                    ))
                }
            }
        }
        section.plain.agenda aria-labelledby="agenda" {
            h2 #agenda { (title) " " (partner.policy().policy().consortium) ", " (words.day(today)) }
            @if items.is_empty() {
                p { (if ended { said.none_ended } else { said.none }) }
            } @else {
                p { (counts(said, &items)) }
            }
            @for item in &items { (block(step, partner, item, said)) }
        }
    })
}

/// How many there are, how many are new, and how many wait.
fn counts(said: &AgendaWords, items: &[AgendaItem]) -> String {
    let counted = |number: usize, [one, several]: [&str; 2]| {
        (number > 0).then(|| format!("{number} {}", if number == 1 { one } else { several }))
    };
    let new = items.iter().filter(|item| item.is_new && item.ended.is_none()).count();
    let waiting = items.iter().filter(|item| item.waits.is_some()).count();
    let parts =
        [counted(items.len(), said.conversations), counted(new, [said.of_them_new; 2]), counted(waiting, said.wait)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn block(step: &Step<'_>, partner: &Partner, item: &AgendaItem, said: &AgendaWords) -> Markup {
    let (words, id) = (step.words, format!("item-{}", item.conversation));
    let is_new = item.is_new && item.ended.is_none();
    let open = html! {
        input type="hidden" name="conversation" value=(item.conversation);
        button type="submit" .second[item.ended.is_some()] aria-describedby=(id) {
            (if item.ended.is_some() { words.t("Openen", "Open") } else {
                words.t("Openen, besluiten of sluiten", "Open, decide or close")
            })
        }
    };
    html! {
        article.item.waits[item.waits.is_some()] aria-labelledby=(id) {
            h3 id=(id) {
                (said.conversation) " " (item.conversation) ", " (said.since) " " (words.day(item.began))
                @if is_new { " " span.badge { (said.new) } }
            }
            dl {
                @match (item.ended, item.waits) {
                    (Some((day, why)), _) => (row(said.ended, &html! {
                        (said.on) " " (words.day(day)) ": " (after_hit::ended(why, words.0))
                    })),
                    (None, Some((day, why))) => (row(said.waits, &html! {
                        (said.since) " " (words.day(day)) ": " (after_hit::waits_for(why, words.0))
                        @if let Some(closed) = item.closed { "; " (said.closed) " " (words.day(closed)) }
                    })),
                    (None, None) => (row(said.waits, &html! { (said.not) })),
                }
                (row(said.joined, &dated(words, partner, &item.joined, said.since, said, &item.newcomers)))
                @if !item.left.is_empty() {
                    (row(said.left, &dated(words, partner, &item.left, said.on, said, &[])))
                }
                (row(said.address, &addresses(item, said)))
                (row(said.lead, &html! {
                    @match item.lead { Some(lead) => (who(words, partner, lead)), None => (said.nobody) }
                }))
                (row(said.decision, &html! {
                    @match &item.decision { Some(text) => p.text { (text) }, None => (said.nothing) }
                }))
                @if item.ended.is_none() {
                    (row(said.next, &html! {
                        @match item.next { Some(day) => (words.day(day)), None => (said.nothing) }
                    }))
                }
                @if let Some(outcome) = item.outcome {
                    (row(said.outcome, &html! { (after_hit::outcome(outcome, words.0)) }))
                }
            }
            @if item.ended.is_none() { div.room aria-hidden="true" {} }
            (step.form("open", &open))
        }
    }
}

/// Partners, each with its day, and which of them are newcomers, who have not got what was decided.
fn dated(
    words: Words,
    partner: &Partner,
    at: &[(u16, Day)],
    word: &str,
    said: &AgendaWords,
    newcomers: &[u16],
) -> Markup {
    html! {
        @if at.is_empty() { (said.nobody) } @else {
            ul {
                @for (one, day) in at {
                    li {
                        (who(words, partner, *one)) ", " (word) " " (words.day(*day))
                        @if newcomers.contains(one) { " " span.badge { (said.new) } " " b { (said.not_told) } }
                    }
                }
            }
        }
    }
}

fn addresses(item: &AgendaItem, said: &AgendaWords) -> Markup {
    html! {
        @if item.addresses.len() > 1 { b { (said.differ) } }
        @match item.addresses.as_slice() {
            [] => (said.unknown),
            all => ul {
                @for (key, typed) in all {
                    li {
                        (parts::address(typed.first().map_or("", String::as_str), key))
                        @if typed.len() > 1 { "; " (said.typed) ": " (typed.join("; ")) }
                    }
                }
            },
        }
    }
}
