//! What the officer's pages have in common: fields of a form, and a table.

use maud::{Markup, html};
use stapel::{AddressKey, Case, Day, is_hidden};

use super::forms::{Wrong, wrong_case};
use crate::journal_words;
use crate::words::Words;

/// The columns that say who did something, for which case, and how that came in.
pub(super) const BY: [(&str, &str); 3] = [("Wie", "Who"), ("Zaak", "Case"), ("Langs", "Through")];

/// A field of a form.
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    /// In Dutch and in English.
    pub(super) label: (&'a str, &'a str),
    /// The kind of input: `text` or `date`.
    pub(super) kind: &'a str,
    pub(super) value: &'a str,
    pub(super) is_needed: bool,
}

pub(super) fn field(words: Words, wrong: Option<&Wrong>, field: &Field<'_>) -> Markup {
    let Field { name, label, kind, value, is_needed } = *field;
    let is_wrong = wrong.is_some_and(|wrong| wrong.field == name);
    html! {
        div.field {
            label for=(name) { (words.t(label.0, label.1)) }
            input id=(name) name=(name) type=(kind) value=(value) required[is_needed] autocomplete="off" maxlength="400"
                aria-invalid=[is_wrong.then_some("true")] aria-describedby=[is_wrong.then_some("wrong")];
        }
    }
}

/// Refuses a case that no journal can have.
pub(super) fn refuse_case(text: &str) -> Result<(), Wrong> {
    wrong_case(text).map_or(Ok(()), Err)
}

/// The day in a field; `None` where it is empty.
pub(super) fn day(field: &'static str, text: &str) -> Result<Option<Day>, Wrong> {
    let none = |_| Wrong::new(field, "Dit is geen dag: schrijf 2027-03-09.", "This is no day: write 2027-03-09.");
    (!text.is_empty()).then(|| text.parse().map_err(none)).transpose()
}

/// What an address that cannot be read says.
pub(super) fn unread_address() -> Wrong {
    let dutch = "Dit adres is niet te lezen: schrijf het als Molenstraat 12-A, 9999 XA.";
    Wrong::new("address", dutch, "This address cannot be read: write it as Molenstraat 12-A, 9999 XA.")
}

/// An address as people write it, or as the journal has it.
pub(super) fn address(text: &str) -> Result<AddressKey, Wrong> {
    AddressKey::from_canonical(text).or_else(|_| AddressKey::parse(text)).map_err(|_| unread_address())
}

/// A table. On a narrow screen each row is a block; the roles say that it is a table all the same.
pub(super) fn table(words: Words, columns: &[(&str, &str)], rows: impl Iterator<Item = Vec<Markup>>) -> Markup {
    html! {
        table role="table" {
            thead role="rowgroup" {
                tr role="row" {
                    @for column in columns { th role="columnheader" scope="col" { (words.t(column.0, column.1)) } }
                }
            }
            tbody role="rowgroup" {
                @for row in rows {
                    tr role="row" {
                        @for (column, cell) in columns.iter().zip(row) {
                            td role="cell" data-label=(words.t(column.0, column.1)) {
                                // One thing beside the column's name, whatever is in it.
                                @if !cell.0.is_empty() { div { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The cells of [`BY`].
pub(super) fn by(words: Words, by: Option<&Case>) -> [Markup; 3] {
    let through = by.map(|by| journal_words::through(by.caller(), words.0));
    [
        html! { (by.map_or(words.t("niemand: dit ging vanzelf", "nobody: it went by itself"), Case::actor)) },
        html! { (by.map_or("", Case::reference)) },
        html! { (through.unwrap_or_default()) },
    ]
}

/// That the journal has not all any more, and what it lacks, in words.
pub(super) fn not_whole(words: Words, pruned: Option<&str>) -> Markup {
    html! {
        @if let Some(pruned) = pruned { p { (words.t("Niet compleet: ", "Not whole: ")) (pruned) "." } }
    }
}

/// A text that somebody typed, with what would not be seen of it, or would change how others read, written out.
pub(super) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { shown.extend(c.escape_debug()) } else { shown.push(c) }
    }
    shown
}
