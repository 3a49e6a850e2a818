//! Addresses that are flagged already when somebody flags them: until which day those flags stand, since flagging them
//! again changes nothing.

use maud::{Markup, html};
use stapel::partner::Partner;
use stapel::{AddressKey, Day};

use super::deeds::GivenRow;
use crate::words::Words;

/// The last valid days of the flags on addresses that were flagged already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    earliest: Day,
    latest: Day,
}

impl Held {
    /// Those of rows; `None` where none of them is flagged.
    pub(super) fn of(partner: &Partner, rows: &[GivenRow]) -> Option<Held> {
        let days = || rows.iter().filter_map(|row| last_day(partner, &row.key));
        Some(Held { earliest: days().min()?, latest: days().max()? })
    }

    /// As a row of a list.
    pub(super) fn row(self, words: Words) -> Markup {
        html! {
            div {
                dt { (words.t("Die meldingen gelden tot en met", "Those flags stand until")) }
                dd {
                    (words.day(self.earliest))
                    @if self.latest > self.earliest {
                        (words.t(" of later, ten langste tot en met ", " or later, the last of them until "))
                        (words.day(self.latest))
                    }
                }
            }
        }
    }
}

/// The last valid day of the flag on an address.
fn last_day(partner: &Partner, address: &AddressKey) -> Option<Day> {
    partner.flag_of(address).map(|flag| flag.last_day)
}

/// What is said beside an address that is flagged already.
pub(super) fn beside(words: Words, partner: &Partner, address: &AddressKey) -> Option<String> {
    let day = words.day(last_day(partner, address)?);
    Some(format!("{}{day}", words.t("u meldt dit al, tot en met ", "you flag this already, until ")))
}
