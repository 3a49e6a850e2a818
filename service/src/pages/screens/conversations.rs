//! The conversations, in the order in which somebody here has to do with them.

use maud::{Markup, html};
use stapel::Day;
use stapel::partner::{Case, Conversation, ConversationNote, Partner};
use stapel::talk::NoteContent;

use super::Visit;
use super::parts::{self, Step, row};
use super::{conversation, write};
use crate::pages::refusal::Refusal;
use crate::pages::request::Fields;
use crate::words::Words;

const PATH: &str = "/conversations";

/// How it stands with a conversation, for this partner's people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Nobody said anything yet.
    New,
    /// Another said something last; or this partner leads, and the day has come that was agreed.
    WaitsForUs,
    /// This partner said something last.
    WaitsForOthers,
    /// It was said how it ended, or somebody left so that nobody is there to write to.
    Ended,
}

const ORDER: [Standing; 4] = [Standing::New, Standing::WaitsForUs, Standing::WaitsForOthers, Standing::Ended];

pub(super) fn show(visit: &mut Visit<'_>) -> Result<Markup, Refusal> {
    Ok(begin(&Step::of(visit, PATH, ""), false))
}

pub(super) fn act(visit: &mut Visit<'_>, fields: &Fields) -> Result<Markup, Refusal> {
    let case = fields.filled("case").unwrap_or_default().to_owned();
    let step = Step { case: &case, ..Step::of(visit, PATH, "") };
    let Ok(by) = visit.person.acting_for(&case) else { return Ok(begin(&step, true)) };
    match fields.one("do") {
        Some("open") => conversation::open(visit, &step, fields, &by),
        Some("ask") => write::confirm(visit, &step, fields, &by),
        Some("yes") => write::perform(visit, &step, fields, &by),
        _ => list(visit, &step, &by),
    }
}

fn begin(step: &Step<'_>, is_wrong: bool) -> Markup {
    let words = step.words;
    html! {
        p {
            (words.t(
                "Met wie hetzelfde aandroeg, of met de coördinator, schrijft u hier. De teller kan het niet lezen. \
                 Maak een afspraak, en praat.",
                "Here you write with those who put the same forward, or with the coordinator. The broker cannot read \
                 it. Make an appointment, and talk.",
            ))
        }
        (step.case_form(is_wrong, words.t("Bekijken", "Look")))
    }
}

fn list(visit: &mut Visit<'_>, step: &Step<'_>, by: &Case) -> Result<Markup, Refusal> {
    let (words, today) = (step.words, visit.now.day());
    let all = visit.partner.show_conversations(None, by, visit.now)?;
    let partner = &visit.partner;
    let policy = partner.policy().policy();
    let coordinates = |number: u16| policy.partner(number).is_some_and(|entry| entry.may.coordinate);
    let sorted: Vec<_> = all.iter().map(|one| (standing(one, partner.number(), today, coordinates), one)).collect();
    Ok(html! {
        (step.case_line())
        @if all.is_empty() {
            p { (words.t("Er zijn geen gesprekken.", "There are no conversations.")) }
        }
        @for group in ORDER {
            @let these: Vec<_> = sorted.iter().filter(|(standing, _)| *standing == group).collect();
            @if !these.is_empty() {
                section.plain aria-labelledby=(id(group)) {
                    h2 id=(id(group)) { (called(words, group)) ": " (these.len()) }
                    @for (_, one) in these { (item(step, partner, one, group)) }
                }
            }
        }
    })
}

fn item(step: &Step<'_>, partner: &Partner, one: &Conversation, group: Standing) -> Markup {
    let (words, id) = (step.words, format!("conversation-{}", one.number));
    let open = html! {
        input type="hidden" name="conversation" value=(one.number);
        button.second[group == Standing::Ended] type="submit" aria-describedby=(id) { (words.t("Openen", "Open")) }
    };
    let with: Vec<u16> = one.introduced.iter().filter(|it| it.left.is_none()).map(|it| it.partner).collect();
    let is_new = matches!(group, Standing::New | Standing::WaitsForUs);
    html! {
        article.item.waits[is_new] aria-labelledby=(id) {
            h3 id=(id) {
                (parts::address(&one.typed, one.address.map(|address| address.as_str().to_owned()).as_deref()
                    .unwrap_or(words.t("adres nog niet genoemd", "address not said yet"))))
            }
            dl {
                (row(words.t("Gesprek", "Conversation"), &html! {
                    (one.number) ", " (words.t("sinds ", "since ")) (words.day(one.began))
                }))
                (row(words.t("Met", "With"), &html! {
                    @if with.is_empty() {
                        (words.t("niemand meer", "nobody any more"))
                    } @else { (parts::names(words, partner, &with)) }
                }))
                @if let Some(last) = one.notes.last() {
                    (row(words.t("Laatste bericht", "Last note"), &html! {
                        (words.moment(last.time)) ", "
                        (parts::who(words, partner, last.from.unwrap_or(partner.number())))
                    }))
                }
                @if let Some(lead) = one.lead {
                    (row(words.t("Trekker", "Leads"), &html! { (parts::who(words, partner, lead)) }))
                }
                @if let Some(next) = one.decision.as_ref().and_then(|decision| decision.next) {
                    (row(words.t("Opnieuw op", "Next on"), &html! { (words.day(next)) }))
                }
            }
            (step.form("open", &open))
        }
    }
}

/// The address each writes to the coordinator by itself, so that is nothing that somebody said.
fn is_said(note: &&ConversationNote) -> bool {
    !matches!(note.content, NoteContent::Address { .. })
}

fn standing(one: &Conversation, own: u16, today: Day, coordinates: impl Fn(u16) -> bool) -> Standing {
    if one.left.is_some() || one.introduced.iter().all(|other| other.left.is_some()) {
        return Standing::Ended;
    }
    let says_how = |note: &ConversationNote| matches!(note.content, NoteContent::Outcome { .. });
    let Some(last) = one.notes.iter().rev().find(is_said) else { return Standing::New };
    if says_how(last) {
        // Where another than the coordinator said how it ended, this partner is to say it too.
        let is_over = last.from.is_none_or(coordinates) || one.notes.iter().any(|it| it.from.is_none() && says_how(it));
        return if is_over { Standing::Ended } else { Standing::WaitsForUs };
    }
    let is_due = one.decision.as_ref().and_then(|decision| decision.next).is_some_and(|next| next <= today);
    match last.from {
        None if is_due && one.lead == Some(own) => Standing::WaitsForUs,
        None => Standing::WaitsForOthers,
        Some(_) => Standing::WaitsForUs,
    }
}

fn id(standing: Standing) -> &'static str {
    match standing {
        Standing::New => "new",
        Standing::WaitsForUs => "waits-for-us",
        Standing::WaitsForOthers => "waits-for-others",
        Standing::Ended => "ended",
    }
}

fn called(words: Words, standing: Standing) -> &'static str {
    match standing {
        Standing::New => words.t("Nieuw", "New"),
        Standing::WaitsForUs => words.t("Wacht op u", "Waits for you"),
        Standing::WaitsForOthers => words.t("Wacht op een ander", "Waits for another"),
        Standing::Ended => words.t("Afgelopen", "Ended"),
    }
}
