//! What holds when somebody flags addresses, beside what changes: until which day those stand that were flagged
//! already, since flagging them again changes nothing; and how many are delivered later, since a day has a budget.

use maud::{Markup, html};
use stapel::partner::Partner;
use stapel::{AddressKey, Day, Timestamp};

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

/// Flags that are beyond the budget of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Later {
    count: usize,
    /// The first day on which any of them can be delivered.
    from: Day,
}

impl Later {
    /// Those of all flags once these rows are flagged too; `None` where a day's budget takes all.
    pub(super) fn of(partner: &Partner, rows: &[GivenRow], now: Timestamp) -> Option<Later> {
        let today = now.day();
        // Where no epoch is open nothing is delivered, and no budget is what keeps it.
        let count = partner.would_wait(rows.iter().map(|row| row.key), today).unwrap_or(0);
        (count > 0).then(|| Later { count, from: today.plus(1) })
    }

    /// As a row of a list.
    pub(super) fn row(self, words: Words) -> Markup {
        html! {
            div {
                dt { (words.t("Wordt later aangeleverd", "Delivered later")) }
                dd {
                    (words.number(self.count as u64))
                    (words.t(", op zijn vroegst vanaf ", ", not before "))
                    (words.day(self.from))
                    (words.t(
                        ": de afspraken staan per dag niet meer nieuwe meldingen toe",
                        ": the policy allows no more new flags on a day",
                    ))
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
