//! What the page says of what comes after a hit: who fetched it when, and how much there is.

use maud::{Markup, html};
use stapel::broker::{AfterHitStatus, ExchangeStatus};

use super::super::view::OfConsortium;
use super::sections::{at_least, term};
use crate::words::Words;

pub(super) fn after_hit(words: Words, one: &OfConsortium, shown: &AfterHitStatus) -> Markup {
    html! {
        p {
            (words.t("Iedere partner haalt elke dag op wat er voor hem is, ook als er niets is. Voor wie er iets wacht \
                      staat hier niet: dat zou laten zien wiens melding gestapeld is.",
                     "Each partner fetches every day what there is for it, also where there is nothing. For whom \
                      something waits is not shown here, since that would tell whose flag is stacked."))
        }
        table {
            caption { (words.t("Wie wanneer ophaalde", "Who fetched when")) }
            thead { tr {
                th scope="col" { (words.t("Partner", "Partner")) }
                th scope="col" { (words.t("Laatst opgehaald", "Fetched last")) }
            } }
            tbody { @for partner in &shown.partners { (fetched(words, one, partner)) } }
        }
        @if let Some(day) = shown.counted_on {
            p {
                (words.t("Hoeveel er was op ", "How much there was on ")) (words.day(day))
                (words.t(". Deze aantallen zijn afgerond op hele tientallen en veranderen eens per maand.",
                         ". These numbers are rounded down to whole tens, and change once a month."))
            }
            dl {
                (term(words.t("Aangedragen", "Put forward"), at_least(words, shown.put_forward.into())))
                (term(words.t("Gesprekken", "Conversations"), at_least(words, shown.conversations.into())))
                (term(words.t("Wachtende berichten", "Notes that waited"), at_least(words, shown.notes.into())))
            }
        }
    }
}

fn fetched(words: Words, one: &OfConsortium, partner: &ExchangeStatus) -> Markup {
    let Some(entry) = one.policy().partner(partner.number) else { return html! {} };
    html! {
        tr {
            th scope="row" {
                (one.organisation_name(&entry.organisation))
                span class="under" {
                    (partner.number) ": " (entry.name)
                    @if partner.coordinates { (words.t(" (coördinator)", " (coordinator)")) }
                }
            }
            td {
                @match partner.exchanged {
                    Some(day) => time datetime=(day) { (words.day(day)) },
                    None => (words.t("nog niet", "not yet")),
                }
            }
        }
    }
}
