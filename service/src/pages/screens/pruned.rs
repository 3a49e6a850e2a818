//! The officer's page on what was removed because it need not be kept any longer, and what may be.

use maud::{Markup, html};
use stapel::partner::{Removal, Removed};

use super::Visit;
use super::officer_form::{self as form, BY};
use crate::journal_words;
use crate::pages::refusal::Refusal;
use crate::words::Words;

/// The columns of the list, in Dutch and in English.
const COLUMNS: [(&str, &str); 5] = [("Wanneer", "When"), ("Wat", "What"), BY[0], BY[1], BY[2]];

/// What is seen.
struct View {
    /// For how many days the policy has logs kept.
    log_days: u16,
    removals: Vec<Removal>,
    /// What is not in the journal any more, in words.
    pruned: Option<String>,
    /// The epochs that are over and whose secrets are still here.
    retired: Vec<u32>,
}

pub(super) fn show(visit: &mut Visit<'_>) -> Result<Markup, Refusal> {
    let Visit { partner, now, words, .. } = visit;
    let mut removals = partner.removals()?;
    removals.reverse();
    let view = View {
        log_days: partner.policy().policy().retention.log_days,
        removals,
        pruned: partner.pruned()?.map(|pruned| journal_words::pruned(&pruned, words.0)),
        retired: partner.retired_epochs(now.day())?,
    };
    Ok(markup(*words, &view))
}

fn markup(words: Words, view: &View) -> Markup {
    let View { log_days, removals, pruned, retired } = view;
    html! {
        p {
            (words.t("De afspraken laten het journaal bewaren: minstens ", "The policy keeps the journal: at least "))
            (words.number(u64::from(*log_days)))
            (words.t(
                " dagen, en zo lang als een melding of een open vraag erop steunt.",
                " days, and as long as a flag or an open question rests on it.",
            ))
        }
        section aria-labelledby="removed" {
            h2 #removed { (words.t("Gewist", "Removed")) ": " (words.number(removals.len() as u64)) }
            (form::not_whole(words, pruned.as_deref()))
            @if removals.is_empty() {
                p { (words.t("Er is nog niets gewist.", "Nothing was removed yet.")) }
            } @else {
                (form::table(words, &COLUMNS, removals.iter().map(|removal| one(words, removal))))
            }
        }
        section aria-labelledby="left" {
            h2 #left { (words.t("Wat nog te wissen is", "What is left to remove")) }
            @if retired.is_empty() {
                p {
                    (words.t(
                        "Van geen periode die voorbij is, zijn hier nog geheimen.",
                        "Of no epoch that is over there are secrets here.",
                    ))
                }
            } @else {
                p {
                    (words.t(
                        "Deze perioden zijn voorbij, en hun geheimen zijn er nog. Laat de beheerder ze wissen:",
                        "These epochs are over, and their secrets are still here. Have the administrator remove them:",
                    ))
                }
                ul { @for epoch in retired { li { code { "stapel partner forget-epoch " (epoch) } } } }
            }
            p {
                (words.t(
                    "De beheerder wist het begin van het journaal, als dat oud genoeg is, met ",
                    "The administrator removes the journal's first records, once they are old enough, with ",
                ))
                code { "stapel partner prune-journal" } "."
            }
        }
    }
}

fn one(words: Words, removal: &Removal) -> Vec<Markup> {
    let what = match removal.removed {
        Removed::Records { records, to } => {
            let until = words.t("tot en met", "up to");
            format!("{}, {until} {}", journal_words::pruned_records(records, words.0), words.moment(to))
        }
        Removed::Epoch(epoch) => journal_words::epoch_forgotten(epoch, words.0),
        _ => journal_words::unknown(words.0).to_owned(),
    };
    let mut cells = vec![html! { (words.moment(removal.time)) }, html! { (what) }];
    cells.extend(form::by(words, removal.by.as_ref()));
    cells
}
