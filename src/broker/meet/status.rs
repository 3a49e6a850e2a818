//! What the operator and those who watch over the broker are shown of what comes after a hit: when each partner fetched
//! last, and how much there is in whole tens, once a month. It is not shown for whom something waits, since that tells
//! whose flag is stacked, and from when on. spec/threats.md, L70 and L71.

use serde::{Deserialize, Serialize};

use super::super::certificates::Certificates;
use super::super::stacks::tens;
use super::super::state::BrokerState;
use super::rows::Counted;
use super::state::MeetState;
use crate::day::Day;
use crate::policy::{Policy, RosterEntry};

/// After so many days without an exchange the operator is told.
const LONGEST_UNFETCHED: u16 = 7;

/// After so many working days without an exchange of the coordinator the operator is told.
const LONGEST_ABSENCE: usize = 3;

/// What is shown of what comes after a hit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterHitStatus {
    /// The partners that may fetch what comes after a hit in an open epoch, by number, without those that are
    /// suspended.
    pub partners: Vec<ExchangeStatus>,
    /// The day of the turn of which the numbers below are, the first one of its month; `None` before there was one.
    pub counted_on: Option<Day>,
    /// Rows that were put forward, of all partners: the number, rounded down to whole tens.
    pub put_forward: u32,
    /// Conversations in which somebody is introduced: the number, rounded down to whole tens.
    pub conversations: u32,
    /// Notes that waited for their receivers: the number, rounded down to whole tens.
    pub notes: u32,
}

/// When a partner fetched last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExchangeStatus {
    /// Its number.
    pub number: u16,
    /// Whether it is the coordinator.
    pub coordinates: bool,
    /// The day of its last exchange; `None` before the first.
    pub exchanged: Option<Day>,
    /// Since which day it has sent none: that of the last one, or of the last restore if that is later. Before the
    /// first one, the day from which on it could send one under the policy in force.
    pub silent_since: Day,
}

/// What is shown; `None` where the policy has no `[meet]`. `adopted` is the day on which the policy was.
pub(crate) fn after_hit_status(
    state: &BrokerState,
    policy: &Policy,
    certificates: &Certificates,
    adopted: Day,
) -> Option<AfterHitStatus> {
    policy.meet.as_ref()?;
    let today = state.latest_moment().day();
    let restored = state.restored().map_or(Day(0), |restored| restored.day());
    let partner = |entry: &RosterEntry| {
        let number = entry.number;
        let is_suspended =
            |epoch: u32| certificates.of(epoch, number, today).is_some_and(|(statement, _)| statement.keys.is_none());
        let open = state.epochs.keys().filter(|epoch| policy.takes_part(&entry.organisation, **epoch));
        let open = open.filter(|epoch| !is_suspended(**epoch)).filter_map(|epoch| policy.epoch(*epoch));
        let first = open.map(|epoch| epoch.opens).min()?.max(adopted);
        let exchanged = state.meet.mailboxes.get(&number).map(|mailbox| mailbox.exchanged);
        let exchanged = exchanged.filter(|day| *day > Day(0));
        let silent_since = exchanged.unwrap_or(first).max(restored);
        Some(ExchangeStatus { number, coordinates: entry.may.coordinate, exchanged, silent_since })
    };
    let fetching = policy.partners.iter().filter(|entry| entry.may.flag || entry.may.coordinate);
    let mut partners: Vec<ExchangeStatus> = fetching.filter_map(partner).collect();
    partners.sort_unstable_by_key(|partner| partner.number);
    let Counted { day, rows, conversations, notes } = state.meet.counted;
    Some(AfterHitStatus {
        partners,
        counted_on: Some(day).filter(|day| *day > Day(0)),
        put_forward: rows,
        conversations,
        notes,
    })
}

impl AfterHitStatus {
    /// The partners, the coordinator apart, that have fetched nothing for a week or longer.
    pub(crate) fn not_fetching(&self, today: Day) -> Vec<ExchangeStatus> {
        let is_late = |partner: &&ExchangeStatus| today >= partner.silent_since.plus(LONGEST_UNFETCHED);
        self.partners.iter().filter(|partner| !partner.coordinates).filter(is_late).copied().collect()
    }

    /// The coordinator, where it has fetched nothing on three working days that are over.
    pub(crate) fn absent_coordinator(&self, today: Day) -> Option<ExchangeStatus> {
        let is_absent = |partner: &&ExchangeStatus| {
            partner.coordinates && working_days_between(partner.silent_since, today) >= LONGEST_ABSENCE
        };
        self.partners.iter().find(is_absent).copied()
    }
}

/// The days from Monday to Friday after one day and before another.
fn working_days_between(since: Day, today: Day) -> usize {
    // The first of January 1970, day 0, was a Thursday.
    let is_working_day = |day: &u32| (day + 3) % 7 < 5;
    (u32::from(since.0) + 1..u32::from(today.0)).filter(is_working_day).count()
}

impl MeetState {
    /// Counts what there is, at the first turn of a month.
    pub(super) fn count_month(&mut self, today: Day) {
        if self.counted.day.month_end() == today.month_end() {
            return;
        }
        let rounded = |number: usize| u32::try_from(tens(number as u64)).unwrap_or_default();
        let is_open = |pairs: Vec<&bool>| pairs.into_iter().any(|is_introduced| *is_introduced);
        self.counted = Counted {
            day: today,
            rows: rounded(self.forwarded.values().map(|forwarded| forwarded.rows.len()).sum()),
            conversations: rounded(
                self.conversations.values().filter(|one| is_open(one.pairs.values().collect())).count(),
            ),
            notes: rounded(self.notes.values().map(Vec::len).sum()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn working_days_are_from_monday_to_friday() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        // 2026-12-04 is a Friday.
        let days = |since: &str, today: &str| working_days_between(day(since), day(today));
        assert_eq!(days("2026-12-04", "2026-12-04"), 0);
        assert_eq!(days("2026-12-04", "2026-12-07"), 0, "a weekend");
        assert_eq!(days("2026-12-04", "2026-12-08"), 1, "Monday is over on Tuesday");
        assert_eq!(days("2026-12-01", "2026-12-05"), 3);
        assert_eq!(days("2026-12-01", "2026-12-06"), 3);
    }
}
