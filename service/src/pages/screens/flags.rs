//! All own flags: looked through, printed, and withdrawn, renewed or put forward.

use std::collections::HashSet;

use axum::http::StatusCode;
use maud::{Markup, html};
use stapel::AddressKey;
use stapel::message::RenewalReason;
use stapel::partner::Gone;

use super::deeds::{self, Deed, GivenRow, Kind};
use super::forms::{self, Wrong, case_field, hidden, marks, said, summary, wrong_case};
use super::monday::proves_nothing;
use super::overview::{Overview, Progress, Row};
use super::{Visit, table};
use crate::pages::person::Right;
use crate::pages::refusal::Refusal;
use crate::pages::request::Fields;
use crate::words::Words;

/// The flags on a page.
const ON_A_PAGE: usize = 50;

/// Which flags are shown, by the word in the address: in Dutch and in English.
const SHOWN: [(&str, &str, &str); 6] = [
    ("all", "Alle meldingen", "All flags"),
    ("hits", "Alleen treffers", "Hits alone"),
    ("new", "Nieuw sinds uw vorige bezoek", "New since your last visit"),
    ("ending", "Eindigt binnen 30 dagen", "Ends within 30 days"),
    ("waiting", "Nog niet in een peilmoment", "In no release yet"),
    ("gone", "Geen treffer meer", "No longer a hit"),
];

/// What somebody looks for.
#[derive(Default)]
struct Looked {
    text: String,
    /// One of [`SHOWN`].
    shown: &'static str,
    /// From 1 on; 0 for all on one page, to print.
    page: usize,
}

/// What somebody is about to do, as it was typed.
#[derive(Default)]
struct Typed {
    case: String,
    reason: String,
    chosen: HashSet<String>,
}

pub(super) fn show(visit: &mut Visit<'_>) -> Result<Markup, Refusal> {
    let looked = Looked::of(visit.query);
    list(visit, &looked, &Typed::default(), &[])
}

pub(super) fn act(visit: &mut Visit<'_>, form: &Fields) -> Result<Markup, Refusal> {
    let needed = match form.one("do").unwrap_or_default() {
        "search" => return list(visit, &Looked::of(form), &Typed::default(), &[]),
        "confirm" => {
            // What it is was seen to when it was asked for.
            return deeds::confirm(visit, form, "/flags");
        }
        "forward" => Right::Meet,
        "withdraw" | "renew" => Right::Flag,
        _ => return Err(Refusal::of("bad_request")),
    };
    if !visit.person.has(Some(needed)) {
        return Err(Refusal::of("not_for_you"));
    }
    let typed = Typed {
        case: form.filled("case").unwrap_or_default().to_owned(),
        reason: form.one("reason").unwrap_or_default().to_owned(),
        chosen: form.all("address").map(str::to_owned).collect(),
    };
    let (deed, wrong) = deed(visit, form, &typed)?;
    match deed.filter(|_| wrong.is_empty()) {
        Some(deed) => match deeds::ask(visit, deed, "/flags") {
            Err(refusal) if refusal.status == StatusCode::CONFLICT => {
                list(visit, &Looked::of(form), &typed, &[deeds::wrong_with("row-0", &refusal)])
            }
            asked => asked,
        },
        None => list(visit, &Looked::of(form), &typed, &wrong),
    }
}

/// What is to be done with the flags that were chosen.
fn deed(visit: &Visit<'_>, form: &Fields, typed: &Typed) -> Result<(Option<Deed>, Vec<Wrong>), Refusal> {
    let mut wrong: Vec<Wrong> = wrong_case(&typed.case).into_iter().collect();
    let mut rows = Vec::new();
    for text in form.all("address") {
        let key = AddressKey::from_canonical(text).map_err(|_| Refusal::of("bad_request"))?;
        rows.push(GivenRow { key, typed: visit.partner.typed(&key), is_resolved: true });
    }
    if rows.is_empty() {
        let english = "Choose at least one flag in the list.";
        wrong.push(Wrong::new("row-0", "Kies minstens één melding in de lijst.", english));
    }
    let kind = match form.one("do") {
        Some("withdraw") => Some(Kind::Withdraw),
        Some("forward") => Some(Kind::PutForward),
        _ => match typed.reason.parse::<RenewalReason>() {
            Ok(reason) => Some(Kind::Renew(reason)),
            Err(_) => {
                let english = "Give the reason for which the flag is renewed.";
                wrong.push(Wrong::new("reason", "Geef de reden waarom u verlengt.", english));
                None
            }
        },
    };
    let deed = kind.map(|kind| Deed { kind, case: typed.case.clone(), rows, refused: Vec::new(), refused_file: None });
    Ok((deed, wrong))
}

impl Looked {
    fn of(fields: &Fields) -> Looked {
        let asked = fields.one("show").unwrap_or_default();
        let shown = SHOWN.iter().find(|row| row.0 == asked).map_or(SHOWN[0].0, |row| row.0);
        let page = fields.one("page").map_or(Some(1), |page| page.parse().ok()).unwrap_or(1);
        Looked { text: fields.filled("q").unwrap_or_default().to_owned(), shown, page }
    }

    fn has(&self, overview: &Overview, row: &Row, today: stapel::Day) -> bool {
        let is_shown = match self.shown {
            "hits" => row.is_stacked(),
            "new" => row.is_new(overview),
            "ending" => row.ends_soon(today),
            "waiting" => row.progress != Progress::Released,
            "gone" => false,
            _ => true,
        };
        is_shown && self.finds([row.typed.as_str(), row.address.as_str(), row.case.as_str()])
    }

    fn has_gone(&self, gone: &Gone) -> bool {
        self.shown == "gone" && self.finds([gone.typed.as_str(), gone.address.as_str(), ""])
    }

    /// Whether each word stands in one of the texts, capitals and spaces aside.
    fn finds(&self, texts: [&str; 3]) -> bool {
        let plain = |text: &str| text.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "");
        let texts = texts.map(plain);
        let mut words = self.text.split_whitespace().map(plain).filter(|word| !word.is_empty());
        words.all(|word| texts.iter().any(|text| text.contains(&word)))
    }
}

fn list(visit: &mut Visit<'_>, looked: &Looked, typed: &Typed, wrong: &[Wrong]) -> Result<Markup, Refusal> {
    let (words, today) = (visit.words, visit.now.day());
    let overview = Overview::of(visit)?;
    let found: Vec<&Row> = overview.rows.iter().filter(|row| looked.has(&overview, row, today)).collect();
    let gone: Vec<&Gone> = overview.gone.iter().filter(|gone| looked.has_gone(gone)).collect();
    let pages = found.len().div_ceil(ON_A_PAGE).max(1);
    let page = looked.page.min(pages);
    let on_page: Vec<&Row> = match page {
        0 => found.clone(),
        page => found.iter().copied().skip((page - 1) * ON_A_PAGE).take(ON_A_PAGE).collect(),
    };
    let may_act = [Right::Flag, Right::Meet].map(|right| visit.person.has(Some(right)));
    let is_chosen = |address: &AddressKey| typed.chosen.contains(address.as_str());
    // All on one page are to be printed: a form takes no more than it can name.
    let chosen = (may_act != [false; 2] && page > 0).then_some(&is_chosen as &dyn Fn(&AddressKey) -> bool);
    Ok(html! {
        (summary(words, wrong))
        (proves_nothing(words))
        (search(visit, looked))
        section.list aria-labelledby="found" {
            h2 #found {
                (SHOWN.iter().find(|row| row.0 == looked.shown).map_or("", |row| words.t(row.1, row.2))) ": "
                (words.number((found.len() + gone.len()) as u64))
            }
            @if !looked.text.is_empty() {
                p {
                    (words.t("Alleen wat u zocht: ", "What you looked for alone: ")) b { (looked.text) }
                    @if looked.shown == SHOWN[0].0 {
                        (words.t(", van alle ", ", of all ")) (words.number(overview.rows.len() as u64))
                    }
                }
            }
            @if looked.shown == "gone" {
                p {
                    (words.t("Van de laatste 30 dagen.", "Of the last 30 days."))
                }
                @if gone.is_empty() { p { (words.t("Geen.", "None.")) } } @else { (table::gone(words, &gone)) }
            } @else if found.is_empty() {
                p { (words.t("Niets gevonden.", "Nothing found.")) }
            } @else if chosen.is_some() {
                form method="post" action={ "/" (words.lang()) "/flags" } {
                    input type="hidden" name="csrf" value=(visit.csrf);
                    (again(looked, page))
                    (table::rows(words, &overview, &on_page, chosen))
                    (acting(words, typed, wrong, may_act))
                }
            } @else {
                (table::rows(words, &overview, &on_page, None))
            }
            @if pages > 1 { (other_pages(visit, looked, page, pages)) }
        }
    })
}

/// The search, which goes in a form and so in no history of a browser.
fn search(visit: &Visit<'_>, looked: &Looked) -> Markup {
    let words = visit.words;
    html! {
        form.search role="search" method="post" action={ "/" (words.lang()) "/flags" } {
            (hidden(visit, "search"))
            div.fields {
                div.field {
                    label for="q" { (words.t("Adres of zaak", "Address or case")) }
                    input #q name="q" type="text" value=(looked.text) autocomplete="off" maxlength="200";
                }
                div.field {
                    label for="show" { (words.t("Welke", "Which")) }
                    select #show name="show" {
                        @for (word, dutch, english) in SHOWN {
                            option value=(word) selected[word == looked.shown] { (words.t(dutch, english)) }
                        }
                    }
                }
            }
            button type="submit" { (words.t("Zoeken", "Search")) }
        }
    }
}

/// What is looked for, for a form that shows the list again.
fn again(looked: &Looked, page: usize) -> Markup {
    html! {
        input type="hidden" name="q" value=(looked.text);
        input type="hidden" name="show" value=(looked.shown);
        input type="hidden" name="page" value=(page);
    }
}

/// The other pages of the list, and all of it on one.
fn other_pages(visit: &Visit<'_>, looked: &Looked, page: usize, pages: usize) -> Markup {
    let words = visit.words;
    html! {
        nav.pages aria-label=(words.t("Bladzijden van de lijst", "Pages of the list")) {
            form method="post" action={ "/" (words.lang()) "/flags" } {
                (hidden(visit, "search"))
                input type="hidden" name="q" value=(looked.text);
                input type="hidden" name="show" value=(looked.shown);
                @if page > 0 {
                    span {
                        (words.t("Bladzijde ", "Page ")) (words.number(page as u64))
                        (words.t(" van ", " of ")) (words.number(pages as u64))
                    }
                }
                @if page > 1 {
                    button.plain type="submit" name="page" value=(page - 1) { (words.t("Vorige", "Previous")) }
                }
                @if page > 0 && page < pages {
                    button.plain type="submit" name="page" value=(page + 1) { (words.t("Volgende", "Next")) }
                }
                @if page == 0 {
                    button.plain type="submit" name="page" value="1" { (words.t("In bladzijden", "In pages")) }
                } @else {
                    button.plain type="submit" name="page" value="0" {
                        (words.t("Alles op één bladzijde, om af te drukken", "All on one page, to print"))
                    }
                }
            }
        }
    }
}

/// What is done with the flags that are chosen.
fn acting(words: Words, typed: &Typed, wrong: &[Wrong], [may_flag, may_meet]: [bool; 2]) -> Markup {
    let (invalid, described) = marks(wrong, "reason");
    html! {
        fieldset.acting {
            legend { (words.t("Met de gekozen meldingen", "With the flags that you chose")) }
            (case_field(words, wrong, &typed.case))
            @if may_flag {
                div.field {
                    label for="reason" { (words.t("Reden, om te verlengen", "Reason, to renew")) }
                    p.hint #reason-hint {
                        (words.t(
                            "Alleen wie opnieuw gekeken heeft, verlengt.",
                            "Only who looked again renews.",
                        ))
                    }
                    (said(words, wrong, "reason"))
                    select #reason name="reason" aria-invalid=[invalid] aria-describedby=[described] {
                        option value="" { (words.t("Kies een reden", "Choose a reason")) }
                        @for reason in forms::REASONS {
                            option value=(reason.as_str()) selected[reason.as_str() == typed.reason] {
                                (forms::reason(words, reason))
                            }
                        }
                    }
                }
            }
            p {
                (words.t(
                    "Hierna leest u eerst wie dit te weten komt, en bevestigt u het.",
                    "Next you read who will learn of this, and confirm it.",
                ))
            }
            div.actions {
                @if may_flag {
                    button type="submit" name="do" value="renew" { (words.t("Verlengen", "Renew")) } " "
                    button type="submit" name="do" value="withdraw" { (words.t("Intrekken", "Withdraw")) } " "
                }
                @if may_meet {
                    button type="submit" name="do" value="forward" { (words.t("Aandragen", "Put forward")) }
                }
            }
        }
    }
}
