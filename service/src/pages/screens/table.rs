//! Own flags as a table. On a narrow screen each row is a block; the roles say that it is a table all the same.

use maud::{Markup, html};
use stapel::AddressKey;
use stapel::partner::{Gone, GoneWhy};

use super::overview::{Overview, Progress, Row, Stacked, others, shown};
use crate::words::Words;

const COLUMNS: [(&str, &str); 4] = [("Adres", "Address"), ("Anderen", "Others"), ("Zaak", "Case"), ("Eindigt", "Ends")];

/// Rows of own flags. `chosen` says which of them are chosen, where somebody may do something with them.
pub(super) fn rows(
    words: Words,
    overview: &Overview,
    rows: &[&Row],
    chosen: Option<&dyn Fn(&AddressKey) -> bool>,
) -> Markup {
    html! {
        table role="table" {
            caption.unseen { (words.t("Eigen meldingen, op volgorde", "Own flags, in order")) }
            thead role="rowgroup" {
                tr role="row" {
                    @if chosen.is_some() {
                        th.choice role="columnheader" scope="col" { (words.t("Kies", "Choose")) }
                    }
                    @for column in COLUMNS {
                        th role="columnheader" scope="col" { (words.t(column.0, column.1)) }
                    }
                }
            }
            tbody role="rowgroup" {
                @for (at, row) in rows.iter().enumerate() {
                    (one(words, overview, row, chosen.map(|chosen| (at, chosen(&row.address)))))
                }
            }
        }
    }
}

/// One row. `choice` is its place and whether it is chosen.
fn one(words: Words, overview: &Overview, row: &Row, choice: Option<(usize, bool)>) -> Markup {
    let label = |column: usize| words.t(COLUMNS[column].0, COLUMNS[column].1);
    html! {
        tr role="row" {
            @if let Some((at, is_chosen)) = choice {
                td.choice role="cell" data-label=(words.t("Kies", "Choose")) {
                    input type="checkbox" name="address" value=(row.address.as_str()) id={ "row-" (at) }
                        checked[is_chosen] aria-label={ (words.t("Kies ", "Choose ")) (row.typed) };
                }
            }
            td role="cell" data-label=(label(0)) {
                div { span.address-text { (row.typed) } (read_as(row)) }
            }
            td role="cell" data-label=(label(1)) { div { (state(words, overview, row)) } }
            td role="cell" data-label=(label(2)) { (row.case) }
            td role="cell" data-label=(label(3)) { (words.day(row.last_day)) }
        }
    }
}

/// What an address was read as, where it was written otherwise.
fn read_as(row: &Row) -> Markup {
    let read = shown(String::new(), &row.address);
    html! { @if row.typed != read { " " span.read { (read) } } }
}

/// What is known of others, and how far the flag came.
pub(super) fn state(words: Words, overview: &Overview, row: &Row) -> Markup {
    html! {
        @if let Some(home) = &row.home {
            p.hit { (stacked(words, overview, home)) }
        }
        @if let Some(number) = &row.number {
            p.hit {
                @if row.home.is_some() || row.address.number_key() != row.address {
                    (words.t("Het huisnummer als geheel: ", "The house number as a whole: "))
                }
                (stacked(words, overview, number))
            }
        }
        @if row.is_put_forward {
            p { (words.t("Door ons aangedragen", "Put forward by us")) }
        }
        @match row.progress {
            Progress::Undelivered => p {
                (words.t("Nog niet aangeleverd", "Not delivered yet"))
            },
            Progress::Unreleased(time) => p {
                (words.t("Aangeleverd op ", "Delivered on ")) (words.day(time.day()))
                (words.t(", nog niet in een peilmoment", ", in no release yet"))
            },
            Progress::Released => {
                @if !row.is_stacked() {
                    p {
                        (words.t(
                            "Geen treffer: alleen u, of te weinig anderen",
                            "No hit: you alone, or too few others",
                        ))
                    }
                }
            },
        }
    }
}

/// How many, since when, and whether that is new.
fn stacked(words: Words, overview: &Overview, stacked: &Stacked) -> Markup {
    let latest = stacked.before.map(|(_, time)| time).or(stacked.since);
    html! {
        @if latest.is_some_and(|time| overview.is_new(time)) {
            strong.new { (words.t("Nieuw", "New")) } " "
        }
        b { (others(words, stacked.told, overview.cap)) }
        @if let Some(since) = stacked.since {
            (words.t(", sinds ", ", since ")) (words.day(since.day()))
        }
        @if let Some((before, time)) = stacked.before {
            (words.t("; tot ", "; until ")) (words.day(time.day())) ": "
            (others(words, before, overview.cap))
        }
    }
}

/// What is no longer stacked, each with why.
pub(super) fn gone(words: Words, gone: &[&Gone]) -> Markup {
    html! {
        ul {
            @for one in gone {
                li {
                    b { (shown(one.typed.clone(), &one.address)) }
                    @if one.address.number_key() == one.address && !one.address.postcode().is_empty() {
                        (words.t(" (het huisnummer als geheel)", " (the house number as a whole)"))
                    }
                    ", " (words.day(one.time.day())) ": "
                    @match one.why {
                        GoneWhy::OwnEnded => (words.t(
                            "uw eigen melding eindigde of werd ingetrokken. Van anderen weet u daarna niets.",
                            "your own flag ended or was withdrawn. Of others you know nothing after that.",
                        )),
                        GoneWhy::OthersBelow => (words.t(
                            "anderen halen de drempel niet meer. Welke anderen wordt nooit verteld.",
                            "others no longer reach the threshold. Which others is never told.",
                        )),
                    }
                }
            }
        }
    }
}
