//! Own flags as lists have them: one row an address, its home and its house number together.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use stapel::message::Told;
use stapel::partner::{Gone, PartnerError};
use stapel::{AddressKey, Case, Day, Level, Timestamp};

use super::Visit;
use crate::pages::person::Person;
use crate::words::Words;

/// For which case the journal says that somebody looked at their own flags.
const LOOKING: &str = "eigen meldingen";

/// A flag ends soon where its last valid day is within so many days.
pub(super) const SOON: u16 = 30;

/// Own flags, the highest rank first, and what is new of them.
pub(super) struct Overview {
    pub(super) rows: Vec<Row>,
    /// What was stacked and is no longer, the latest first.
    pub(super) gone: Vec<Gone>,
    /// When this person saw it last, on a day before today; `None` where the journal does not know.
    pub(super) visit: Option<Timestamp>,
    /// The number that stands for so many or more.
    pub(super) cap: u8,
}

/// An own flag.
pub(super) struct Row {
    pub(super) address: AddressKey,
    /// As it was written; its key, where no text was given.
    pub(super) typed: String,
    /// The case for which it was flagged or renewed last; empty where that is not known.
    pub(super) case: String,
    pub(super) last_day: Day,
    /// Whether the home is stacked.
    pub(super) home: Option<Stacked>,
    /// Whether its house number is.
    pub(super) number: Option<Stacked>,
    pub(super) progress: Progress,
    pub(super) is_put_forward: bool,
}

/// How far a flag came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// The broker does not have it yet.
    Undelivered,
    /// The broker has it since that moment, and no release shows it yet.
    Unreleased(Timestamp),
    Released,
}

/// An address that others flag too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stacked {
    pub(super) told: Told,
    /// Since when; `None` where the journal no longer has that.
    pub(super) since: Option<Timestamp>,
    /// What it was before, and since when it is this.
    pub(super) before: Option<(Told, Timestamp)>,
}

impl Overview {
    /// What there is to see. The journal has that they saw it first.
    pub(super) fn of(visit: &mut Visit<'_>) -> Result<Overview, PartnerError> {
        let (now, today) = (visit.now, visit.now.day());
        let by = visit.person.acting_for(LOOKING)?;
        let history = visit.desk.history(&visit.partner, now)?;
        let unseen = (!history.has_seen(&by, today)).then(|| {
            let stacked = visit.partner.stacked().map(|(address, _)| address);
            stacked.chain(history.gone().iter().map(|gone| gone.address)).collect::<Vec<_>>()
        });
        drop(history);
        if let Some(unseen) = unseen {
            visit.partner.note_shown(unseen, &by, now)?;
        }
        let history = visit.desk.history(&visit.partner, now)?;
        let partner = &visit.partner;
        let told: HashMap<AddressKey, Told> = partner.stacked().collect();
        let stacked = |address: &AddressKey| {
            let stack = history.stack(address);
            let stacked = |told: &Told| Stacked {
                told: *told,
                since: stack.map(|stack| stack.since),
                before: stack.and_then(|stack| Some((stack.before?, stack.counted))),
            };
            told.get(address).map(stacked)
        };
        let put_forward: HashSet<AddressKey> =
            partner.put_forward_rows().filter(|row| !row.ended).map(|row| row.address).collect();
        let seen = partner.seen_release().map(|seen| (seen.epoch, seen.number));
        let mut rows = Vec::with_capacity(partner.flags().len());
        for flag in partner.flags().filter(|flag| flag.last_day >= today) {
            let address = flag.address;
            let past = history.flag(&address);
            let accepted = past.and_then(|past| past.accepted);
            let progress = match accepted {
                _ if !partner.is_delivered(&address) => Progress::Undelivered,
                Some((epoch, release, time)) if seen.is_none_or(|seen| seen <= (epoch, release)) => {
                    Progress::Unreleased(time)
                }
                _ => Progress::Released,
            };
            // One that was withdrawn and is flagged again is no hit by an answer of before.
            let is_of_now = |one: &Stacked| one.since.is_some() || past.is_none();
            let number = address.number_key();
            let has_number = number.level() == Level::Number;
            rows.push(Row {
                address,
                typed: shown(partner.typed(&address), &address),
                case: past.and_then(|past| past.by.as_ref()).map_or(String::new(), |by| by.reference().to_owned()),
                last_day: flag.last_day,
                home: (address.level() == Level::Unit).then(|| stacked(&address)).flatten().filter(is_of_now),
                number: has_number.then(|| stacked(&number)).flatten().filter(is_of_now),
                progress,
                is_put_forward: put_forward.contains(&address) || put_forward.contains(&number),
            });
        }
        rows.sort_by(|a, b| a.rank().cmp(&b.rank()));
        let gone = history.gone().iter().rev().cloned().collect();
        let cap = partner.policy().policy().counting.count_cap;
        Ok(Overview { rows, gone, visit: history.last_visit(&by, today), cap })
    }

    /// Whether something of that moment is new to this person.
    pub(super) fn is_new(&self, moment: Timestamp) -> bool {
        self.visit.is_none_or(|visit| moment > visit)
    }

    /// What is no longer stacked since this person saw it last.
    pub(super) fn newly_gone(&self) -> impl Iterator<Item = &Gone> {
        self.gone.iter().filter(|gone| self.is_new(gone.time))
    }
}

impl Row {
    /// What comes first: most organisations at the home, then at the house number, then what ends first; and then in
    /// the order of a street.
    fn rank(&self) -> (Reverse<u8>, Reverse<u8>, Day, (&str, u32, &str)) {
        let height =
            |stacked: Option<Stacked>| Reverse(stacked.map_or(0, |stacked| stacked.told.at_least().unwrap_or(2)));
        let place = (self.address.postcode(), self.address.number(), self.address.addition());
        (height(self.home), height(self.number), self.last_day, place)
    }

    pub(super) fn is_stacked(&self) -> bool {
        self.home.is_some() || self.number.is_some()
    }

    pub(super) fn ends_soon(&self, today: Day) -> bool {
        self.last_day <= today.plus(SOON)
    }

    /// Whether what others flag at it is new since somebody saw it.
    pub(super) fn is_new(&self, overview: &Overview) -> bool {
        let is_new = |stacked: &Stacked| {
            let latest = stacked.before.map(|(_, time)| time).or(stacked.since);
            latest.is_some_and(|time| overview.is_new(time))
        };
        self.home.iter().chain(&self.number).any(is_new)
    }
}

/// An address as people see it: as it was written, or its key.
pub(super) fn shown(typed: String, address: &AddressKey) -> String {
    if !typed.is_empty() {
        return typed;
    }
    match (address.postcode(), address.addition()) {
        ("", _) => address.as_str().to_owned(),
        (postcode, "") => format!("{postcode} {}", address.number()),
        (postcode, addition) => format!("{postcode} {}-{addition}", address.number()),
    }
}

/// So many organisations in words, this one among them: never a bare 2, which would say that it is one other.
pub(super) fn others(words: Words, told: Told, cap: u8) -> String {
    match told.at_least() {
        None | Some(0..=2) => words.t("u en ten minste één ander", "you and at least one other").to_owned(),
        Some(number) => {
            let others = number - 1;
            match told.is_exact(cap) {
                true => words.t(format!("u en {others} anderen"), format!("you and {others} others")),
                false => {
                    words.t(format!("u en ten minste {others} anderen"), format!("you and at least {others} others"))
                }
            }
        }
    }
}

/// Whether somebody is to see own flags.
pub(super) fn may_look(person: &Person) -> bool {
    person.has(Some(crate::pages::person::Right::Look))
}

/// A case as it was typed, as the journal can have it.
pub(super) fn is_case(text: &str) -> bool {
    Case::new("-", text).is_ok()
}
