//! The officer's page on one address: all that the journal has on it. Looking is an act too, which the journal has
//! first.

use maud::{Markup, html};
use stapel::AddressKey;
use stapel::partner::{DossierEntry, Partner};
use stapel::register::may_be_one;

use super::forms::{Wrong, summary};
use super::officer_form::{self as form, BY, Field};
use super::{Visit, parts};
use crate::journal_words;
use crate::pages::refusal::Refusal;
use crate::pages::request::Fields;
use crate::words::Words;

/// The columns of the list, in Dutch and in English.
const COLUMNS: [(&str, &str); 6] = [("Wanneer", "When"), ("Adres", "Address"), ("Wat", "What"), BY[0], BY[1], BY[2]];

/// What is seen.
struct View<'a> {
    csrf: &'a str,
    case: String,
    address: String,
    wrong: Option<Wrong>,
    /// `None` where nothing was looked for.
    found: Option<Found>,
}

/// What the journal has.
struct Found {
    /// What was looked for, as the journal has it.
    addresses: Vec<AddressKey>,
    entries: Vec<DossierEntry>,
    /// What is not in the journal any more, in words.
    pruned: Option<String>,
    /// The most organisations that an answer tells.
    cap: u8,
    /// Whether it is the coordinator's journal, which knows an address by what notes say of it alone.
    is_of_coordinator: bool,
}

pub(super) fn show(visit: &mut Visit<'_>) -> Result<Markup, Refusal> {
    let (case, address) = (String::new(), String::new());
    Ok(markup(visit.words, &visit.partner, &View { csrf: visit.csrf, case, address, wrong: None, found: None }))
}

pub(super) fn act(visit: &mut Visit<'_>, fields: &Fields) -> Result<Markup, Refusal> {
    let text = |name| fields.filled(name).unwrap_or_default().to_owned();
    let (case, address) = (text("case"), text("address"));
    let addresses =
        form::refuse_case(&case).and_then(|()| visit.desk.looked_at(&address).ok_or_else(form::unread_address));
    let (wrong, found) = match addresses {
        Err(wrong) => (Some(wrong), None),
        Ok(addresses) => (None, Some(look(visit, &case, addresses)?)),
    };
    Ok(markup(visit.words, &visit.partner, &View { csrf: visit.csrf, case, address, wrong, found }))
}

fn look(visit: &mut Visit<'_>, case: &str, addresses: Vec<AddressKey>) -> Result<Found, Refusal> {
    let by = visit.person.acting_for(case)?;
    let mut entries = Vec::new();
    for address in &addresses {
        entries.extend(visit.partner.dossier(address, &by, visit.now)?);
    }
    let pruned = visit.partner.pruned()?.map(|pruned| journal_words::pruned(&pruned, visit.words.0));
    let cap = visit.partner.policy().policy().counting.count_cap;
    Ok(Found { addresses, entries, pruned, cap, is_of_coordinator: visit.coordinates() })
}

fn markup(words: Words, partner: &Partner, view: &View<'_>) -> Markup {
    let View { csrf, case, address, wrong, found } = view;
    let wrong = wrong.as_ref();
    let field = |name, label, value: &str| {
        form::field(words, wrong, &Field { name, label, kind: "text", value, is_needed: true })
    };
    html! {
        p {
            (words.t(
                "Alles wat het journaal van één adres heeft. Dat u keek, en voor welke zaak, komt zelf ook in het \
                 journaal.",
                "All that the journal has on one address. That you looked, and for which case, is in the journal too.",
            ))
        }
        (summary(words, wrong))
        form method="post" action={ "/" (words.lang()) "/dossier" } {
            input type="hidden" name="csrf" value=(csrf);
            div.fields {
                (field("case", ("Uw zaak", "Your case"), case))
                (field("address", ("Adres", "Address"), address))
            }
            button type="submit" { (words.t("Opzoeken", "Look up")) }
        }
        @if let Some(found) = found { (answer(words, partner, found)) }
    }
}

/// What was found, oldest first.
fn answer(words: Words, partner: &Partner, found: &Found) -> Markup {
    let Found { addresses, entries, pruned, cap, is_of_coordinator } = found;
    let is_of_another_spelling =
        entries.iter().any(|entry| addresses.iter().any(|address| may_be_one(address, &entry.address)));
    html! {
        section aria-labelledby="found" {
            h2 #found {
                (words.t("Dossier van ", "Dossier of "))
                @for (at, address) in addresses.iter().enumerate() {
                    @if at > 0 { (words.t(" en ", " and ")) }
                    span.address { (address.as_str()) }
                }
            }
            (form::not_whole(words, pruned.as_deref()))
            @if *is_of_coordinator {
                p.note {
                    (words.t(
                        "De coördinator kent een adres alleen uit wat berichten ervan zeggen. Van een gesprek waarin \
                         geen bericht dit adres noemt, staat hier niets: zoek dat in het journaal, op zaak, medewerker \
                         of dag.",
                        "The coordinator knows an address only by what notes say of it. Of a conversation in which no \
                         note names this address there is nothing here: look for that in the journal, by case, by who \
                         did it, or by day.",
                    ))
                }
            }
            @if entries.is_empty() {
                p {
                    (words.t("Het journaal heeft niets van dit adres.", "The journal has nothing on this address."))
                }
            } @else {
                @if is_of_another_spelling {
                    p.note {
                        (words.t(
                            "Een deel hiervan is van een andere schrijfwijze van die verdieping, en kan een andere \
                             woning zijn: zie het adres van elke regel.",
                            "Some of this is of another spelling of that floor, and may be another home: see the \
                             address of each line.",
                        ))
                    }
                }
                (form::table(words, &COLUMNS, entries.iter().map(|entry| one(words, partner, entry, *cap))))
            }
        }
    }
}

fn one(words: Words, partner: &Partner, entry: &DossierEntry, cap: u8) -> Vec<Markup> {
    let mut cells = vec![
        html! { (words.moment(entry.time)) },
        html! {
            span.address { (entry.address.as_str()) }
            @if !entry.typed.is_empty() { " (" (form::plain(&entry.typed)) ")" }
        },
        html! {
            (journal_words::event(&entry.event, cap, words.0))
            (journal_words::place(&entry.place, words.0, |number| parts::who(words, partner, number)))
        },
    ];
    cells.extend(form::by(words, entry.by.as_ref()));
    cells
}
