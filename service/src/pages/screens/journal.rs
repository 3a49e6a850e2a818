//! The officer's page: what was done by whom for which case. Looking is an act too, which the journal has first.

use maud::{Markup, html};
use stapel::partner::{Act, ActQuery, Partner};
use stapel::{Case, Day};

use super::forms::{Wrong, summary};
use super::officer_form::{self as form, BY, Field};
use super::{Visit, journal_file, parts};
use crate::journal_words;
use crate::pages::refusal::Refusal;
use crate::pages::request::Fields;
use crate::words::Words;

/// The most acts that a page shows. The file has all.
const MOST: usize = 200;

/// The most addresses of one act that are shown.
const MOST_ADDRESSES: usize = 20;

/// The columns of the list, in Dutch and in English.
const COLUMNS: [(&str, &str); 6] = [("Wanneer", "When"), ("Wat", "What"), ("Adres", "Address"), BY[0], BY[1], BY[2]];

/// What is asked for, as it was typed.
#[derive(Default)]
struct Typed {
    case: String,
    actor: String,
    about: String,
    address: String,
    year: String,
    from: String,
    to: String,
    /// Before which record: those that came since the first look are left out of the further pages of it.
    before: Option<u64>,
    /// Which page of the answer, from 0.
    page: usize,
}

/// What is seen.
struct View<'a> {
    csrf: &'a str,
    typed: Typed,
    wrong: Option<Wrong>,
    /// `None` where nothing was looked for.
    found: Option<Found>,
}

/// What was found.
struct Found {
    acts: Vec<Act>,
    /// What is not in the journal any more, in words.
    pruned: Option<String>,
}

pub(super) fn show(visit: &mut Visit<'_>) -> Result<Markup, Refusal> {
    let view = View { csrf: visit.csrf, typed: Typed::default(), wrong: None, found: None };
    Ok(markup(visit.words, &visit.partner, &view))
}

pub(super) fn act(visit: &mut Visit<'_>, fields: &Fields) -> Result<Markup, Refusal> {
    let text = |name| fields.filled(name).unwrap_or_default().to_owned();
    let mut typed = Typed {
        case: text("case"),
        actor: text("actor"),
        about: text("about"),
        address: text("address"),
        year: text("year"),
        from: text("from"),
        to: text("to"),
        before: text("before").parse().ok(),
        page: text("page").parse().unwrap_or_default(),
    };
    let query = match query(&typed) {
        Ok(query) => query,
        Err(wrong) => {
            let view = View { csrf: visit.csrf, typed, wrong: Some(wrong), found: None };
            return Ok(markup(visit.words, &visit.partner, &view));
        }
    };
    let before = typed.before.unwrap_or_else(|| visit.partner.journal_length());
    typed.before = Some(before);
    let by = visit.person.acting_for(&typed.case)?;
    let mut acts = visit.partner.acts(&query, &by, visit.now)?;
    acts.retain(|act| act.record < before);
    if fields.one("file").is_some() {
        visit.file = Some(journal_file::file(visit.words, &visit.partner, &acts));
    }
    typed.page = typed.page.min(acts.len().saturating_sub(1) / MOST);
    let pruned = visit.partner.pruned()?.map(|pruned| journal_words::pruned(&pruned, visit.words.0));
    let found = Some(Found { acts, pruned });
    Ok(markup(visit.words, &visit.partner, &View { csrf: visit.csrf, typed, wrong: None, found }))
}

/// What is looked for.
fn query(typed: &Typed) -> Result<ActQuery, Wrong> {
    form::refuse_case(&typed.case)?;
    for (field, text) in [("actor", &typed.actor), ("about", &typed.about)] {
        if !text.is_empty() && Case::new(text, text).is_err() {
            let dutch = "Dit kan in geen journaal staan: geef hoogstens 200 tekens.";
            return Err(Wrong::new(field, dutch, "No journal can have this: give at most 200 characters."));
        }
    }
    let filled = |text: &String| (!text.is_empty()).then(|| text.clone());
    let mut query = ActQuery::default();
    (query.actor, query.case) = (filled(&typed.actor), filled(&typed.about));
    (query.from, query.to) = (form::day("from", &typed.from)?, form::day("to", &typed.to)?);
    if !typed.year.is_empty() {
        if query.from.is_some() || query.to.is_some() {
            let dutch = "Geef een jaar of dagen, niet beide.";
            return Err(Wrong::new("year", dutch, "Give a year or days, and not both."));
        }
        let year = typed.year.parse().ok().filter(|_| typed.year.len() == 4);
        let days = year.and_then(|year| Day::from_ymd(year, 1, 1).zip(Day::from_ymd(year, 12, 31)));
        let (from, to) =
            days.ok_or(Wrong::new("year", "Dit is geen jaar: schrijf 2027.", "This is no year: write 2027."))?;
        (query.from, query.to) = (Some(from), Some(to));
    }
    if query.from.zip(query.to).is_some_and(|(from, to)| from > to) {
        let dutch = "Deze dag is voor de eerste: geef de vroegste eerst.";
        return Err(Wrong::new("to", dutch, "This day is before the first: give the earlier first."));
    }
    if !typed.address.is_empty() {
        query.address = Some(form::address(&typed.address)?);
    }
    Ok(query)
}

fn markup(words: Words, partner: &Partner, view: &View<'_>) -> Markup {
    let View { csrf, typed, wrong, found } = view;
    let wrong = wrong.as_ref();
    let field = |name, label, kind, value: &str, is_needed| {
        form::field(words, wrong, &Field { name, label, kind, value, is_needed })
    };
    html! {
        p {
            (words.t(
                "Wat u hier zoekt, komt zelf ook in het journaal: wie keek, voor welke zaak en waarnaar.",
                "What you look for here is in the journal too: who looked, for which case, and for what.",
            ))
        }
        (summary(words, wrong))
        form method="post" action={ "/" (words.lang()) "/journal" } {
            input type="hidden" name="csrf" value=(csrf);
            (field("case", ("Uw zaak", "Your case"), "text", &typed.case, true))
            fieldset {
                legend {
                    (words.t("Wat u zoekt; wat leeg is, telt niet", "What you look for; what is empty does not count"))
                }
                div.fields {
                    (field("actor", ("Wie het deed", "Who did it"), "text", &typed.actor, false))
                    (field("about", ("Voor welke zaak", "For which case"), "text", &typed.about, false))
                    (field("address", ("Adres", "Address"), "text", &typed.address, false))
                    (field("year", ("Jaar", "Year"), "text", &typed.year, false))
                    (field("from", ("Vanaf", "From"), "date", &typed.from, false))
                    (field("to", ("Tot en met", "Up to"), "date", &typed.to, false))
                }
            }
            button type="submit" { (words.t("Zoeken", "Look")) }
        }
        @if let Some(found) = found { (answer(words, partner, csrf, typed, found)) }
    }
}

/// What was found, the latest first, a page of it.
fn answer(words: Words, partner: &Partner, csrf: &str, typed: &Typed, found: &Found) -> Markup {
    let Found { acts, pruned } = found;
    let first = typed.page * MOST;
    let shown: Vec<&Act> = acts.iter().rev().skip(first).take(MOST).collect();
    let last_page = acts.len().saturating_sub(1) / MOST;
    html! {
        section aria-labelledby="found" {
            h2 #found { (words.t("Gevonden", "Found")) ": " (words.number(acts.len() as u64)) }
            (form::not_whole(words, pruned.as_deref()))
            @if !acts.is_empty() {
                @if last_page > 0 {
                    p {
                        (words.t("Hier staan ", "These are ")) (words.number(first as u64 + 1))
                        (words.t(" tot en met ", " up to ")) (words.number((first + shown.len()) as u64))
                        (words.t(", de laatste eerst.", ", the latest first."))
                    }
                }
                (form::table(words, &COLUMNS, shown.iter().map(|act| one(words, partner, act))))
                p {
                    (words.t(
                        "Elke bladzijde en elk bestand is opnieuw kijken, en staat zo in het journaal.",
                        "Each page and each file is another look, and the journal has it so.",
                    ))
                }
                div.further {
                    @if typed.page > 0 {
                        (again(words, csrf, typed, Some(typed.page - 1), ("Latere", "Later ones")))
                    }
                    @if typed.page < last_page {
                        (again(words, csrf, typed, Some(typed.page + 1), ("Eerdere", "Earlier ones")))
                    }
                    (again(words, csrf, typed, None, ("Alles als bestand (CSV)", "All as a file (CSV)")))
                }
            }
        }
    }
}

/// A form that looks for the same again, for another page, or for a file.
fn again(words: Words, csrf: &str, typed: &Typed, page: Option<usize>, label: (&str, &str)) -> Markup {
    let Typed { case, actor, about, address, year, from, to, before, page: _ } = typed;
    let fields = [
        ("case", case),
        ("actor", actor),
        ("about", about),
        ("address", address),
        ("year", year),
        ("from", from),
        ("to", to),
    ];
    html! {
        form method="post" action={ "/" (words.lang()) "/journal" } {
            input type="hidden" name="csrf" value=(csrf);
            @for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
                input type="hidden" name=(name) value=(value);
            }
            @if let Some(before) = before { input type="hidden" name="before" value=(before); }
            @match page {
                Some(page) => { input type="hidden" name="page" value=(page); }
                None => { input type="hidden" name="file" value="csv"; }
            }
            button type="submit" { (words.t(label.0, label.1)) }
        }
    }
}

fn one(words: Words, partner: &Partner, act: &Act) -> Vec<Markup> {
    let more = act.addresses.len().saturating_sub(MOST_ADDRESSES);
    let mut cells = vec![
        html! { (words.moment(act.time)) },
        html! {
            (journal_words::act(&act.kind, words.0))
            (journal_words::place(&act.place, words.0, |number| parts::who(words, partner, number)))
        },
        html! {
            @for address in act.addresses.iter().take(MOST_ADDRESSES) { span.address { (address.as_str()) } " " }
            @if more > 0 { (words.t("en nog ", "and more: ")) (words.number(more as u64)) }
        },
    ];
    cells.extend(form::by(words, act.by.as_ref()));
    cells
}
