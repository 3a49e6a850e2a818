//! What a partner did in a year, in numbers: for a council or a board. No address, no person and no case is in it.

use std::collections::BTreeMap;

use super::Partner;
use super::error::PartnerError;
use super::flags::Flag;
use super::record::{JournalEvent, JournalRecord};
use super::state::PartnerState;
use super::transaction::before_all;
use crate::day::{Day, Timestamp};
use crate::message::{Code, RenewalReason, Standing};

/// The fewest answers of one standing that are told apart from the others.
pub const FEWEST_TOLD: u64 = 10;

/// What a partner did in a year. Days are UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct YearReport {
    /// The year.
    pub year: u16,
    /// The last day that it counts: of a year that is not over, the day on which it was made.
    pub until: Day,
    /// The time of the last record that was pruned, where records of the year were: it is not whole then.
    pub pruned_to: Option<Timestamp>,
    /// Flags that stood on the year's first day, before anything was done on it.
    pub held_before: u64,
    /// Flags that still stand after [`YearReport::until`].
    pub held: u64,
    /// Each month from January on, up to that of [`YearReport::until`].
    pub months: Vec<YearNumbers>,
    /// Answers in the year, by address. By standing where the year is over, and two standings or more have
    /// [`FEWEST_TOLD`] or more and the others none.
    pub answers: AnswerNumbers,
}

/// What was done in a month, or in a year.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct YearNumbers {
    /// Flags that were set. Those that stood already are not among them.
    pub flagged: u64,
    /// Flags that were renewed, by reason.
    pub renewed: BTreeMap<RenewalReason, u64>,
    /// How many of the renewed ones had ended, and stood again.
    pub resumed: u64,
    /// Flags that were withdrawn.
    pub withdrawn: u64,
    /// Flags that ended after their last day, or because a policy allowed them no longer.
    pub ended: u64,
    /// Questions, and those of them that were sweeps.
    pub questions: u64,
    /// Sweeps among the questions.
    pub sweeps: u64,
    /// Addresses in questions.
    pub asked: u64,
    /// Dossiers of an address that somebody was shown.
    pub dossiers: u64,
    /// Searches of the journal.
    pub searches: u64,
    /// Messages that the broker did not accept, by code.
    pub rejected: BTreeMap<Code, u64>,
}

/// How many addresses were answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnswerNumbers {
    /// In all.
    pub all: u64,
    /// By standing: stacked, below the threshold, without an own flag. `None` where one of them has fewer than
    /// [`FEWEST_TOLD`] and not none: such a number, or the difference that gives it, could be about one home.
    pub by_standing: Option<[u64; 3]>,
}

impl YearReport {
    /// The months together.
    pub fn total(&self) -> YearNumbers {
        let mut total = YearNumbers::default();
        for month in &self.months {
            total.flagged += month.flagged;
            total.resumed += month.resumed;
            total.withdrawn += month.withdrawn;
            total.ended += month.ended;
            total.questions += month.questions;
            total.sweeps += month.sweeps;
            total.asked += month.asked;
            total.dossiers += month.dossiers;
            total.searches += month.searches;
            month.renewed.iter().for_each(|(reason, count)| *total.renewed.entry(*reason).or_default() += count);
            month.rejected.iter().for_each(|(code, count)| *total.rejected.entry(*code).or_default() += count);
        }
        total
    }
}

impl Partner {
    /// What the journal says was done in a year, in numbers. Nothing is written: no person and no address is shown.
    ///
    /// `today` ends a year that is not over. What was held at the beginning, and was set or stood again, is what was
    /// withdrawn or ended and what is held at the end.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPermitted`] for a year that has not begun; [`PartnerError::JournalDamaged`];
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn year_report(&self, year: u16, today: Day) -> Result<YearReport, PartnerError> {
        let mut months = Vec::new();
        for month in 1..=12 {
            months.extend(Day::from_ymd(year.into(), month, 1).filter(|first| *first <= today));
        }
        let Some(first) = months.first().copied() else {
            let why = if year < 1970 { "is before 1970" } else { "has not begun" };
            let finding = format!("the year {year} {why}: there is nothing to count");
            return Err(PartnerError::NotPermitted { finding });
        };
        let last = months.last().map_or(first, |month| month.month_end()).min(today);
        let pruned = self.pruned()?;
        let mut count = Count {
            state: before_all(self.data.journal())?,
            months,
            last,
            numbers: Vec::new(),
            held_before: None,
            standings: [0; 3],
        };
        count.numbers.resize(count.months.len(), YearNumbers::default());
        self.data.journal().read(|number, record| count.add(number, &record))?;
        count.pass(last.plus(1));
        let Count { state, numbers, held_before, standings, .. } = count;
        let all = standings.iter().sum();
        // Two reports of a year that goes on would tell by their difference what was answered between them.
        let is_over = today > last && Day::from_ymd(year.into(), 12, 31) == Some(last);
        let is_told = is_over && are_told(&standings);
        Ok(YearReport {
            year,
            until: last,
            pruned_to: pruned.map(|pruned| pruned.to).filter(|to| to.day() >= first),
            held_before: held_before.unwrap_or_default(),
            held: state.flags.len() as u64,
            months: numbers,
            answers: AnswerNumbers { all, by_standing: is_told.then_some(standings) },
        })
    }
}

/// Whether answers by standing are told: none of them is of few, and not all are of one standing.
fn are_told(standings: &[u64; 3]) -> bool {
    let is_few = |count: &&u64| (1..FEWEST_TOLD).contains(*count);
    standings.iter().find(is_few).is_none() && standings.iter().filter(|count| **count > 0).count() > 1
}

/// The count, as far as the journal was read.
struct Count {
    /// What the records so far come to.
    state: PartnerState,
    /// The first day of each month.
    months: Vec<Day>,
    /// The last day that counts.
    last: Day,
    numbers: Vec<YearNumbers>,
    held_before: Option<u64>,
    standings: [u64; 3],
}

impl Count {
    fn add(&mut self, number: u64, record: &JournalRecord) {
        let day = record.time.day();
        if day > self.last {
            return;
        }
        self.pass(day);
        let flags = &self.state.flags;
        let stood = |flag: &Flag| flags.get(&flag.address).copied();
        if let Some(numbers) = month_of(&self.months, day).and_then(|at| self.numbers.get_mut(at)) {
            match &record.event {
                JournalEvent::Flagged { renewal: None, flags: set, .. } | JournalEvent::Replaced { added: set, .. } => {
                    numbers.flagged += set.iter().filter(|flag| stood(flag).is_none()).count() as u64;
                }
                JournalEvent::Flagged { renewal: Some(reason), flags: set, .. } => {
                    let renewed = set.iter().filter(|flag| stood(flag).as_ref() != Some(*flag)).count();
                    *numbers.renewed.entry(*reason).or_default() += renewed as u64;
                    numbers.resumed += set.iter().filter(|flag| stood(flag).is_none()).count() as u64;
                }
                JournalEvent::Asking { sweep, addresses, .. } => {
                    numbers.questions += 1;
                    numbers.sweeps += u64::from(sweep.is_some());
                    numbers.asked += addresses.len() as u64;
                }
                JournalEvent::Answered { standings, .. } => {
                    for standing in standings {
                        self.standings[match standing {
                            Standing::Stacked(_) => 0,
                            Standing::BelowThreshold => 1,
                            Standing::NoOwnFlag => 2,
                        }] += 1;
                    }
                }
                JournalEvent::LookedUp { .. } => numbers.dossiers += 1,
                JournalEvent::Queried(_) => numbers.searches += 1,
                JournalEvent::Rejected { code, .. } => {
                    if let Some(code) = Code::ALL.into_iter().find(|known| *known as u8 == *code) {
                        *numbers.rejected.entry(code).or_default() += 1;
                    }
                }
                _ => {}
            }
            let gone = |homes: &[_]| homes.iter().filter(|home| flags.get(home).is_some()).count() as u64;
            match &record.event {
                JournalEvent::Withdrawn { homes } => numbers.withdrawn += gone(homes),
                JournalEvent::Replaced { withdrawn, .. } => numbers.withdrawn += gone(withdrawn),
                JournalEvent::Shortened { ended, .. } => numbers.ended += gone(ended),
                _ => {}
            }
        }
        self.state.replay(number, record);
    }

    /// Counts what ended before a day, each flag in the month of its last day.
    fn pass(&mut self, day: Day) {
        let first = self.months.first().copied().unwrap_or(day);
        for until in [first.min(day), day] {
            for flag in self.state.flags.rows().iter().filter(|flag| flag.last_day < until) {
                let ended = month_of(&self.months, flag.last_day);
                if let Some(numbers) = ended.and_then(|at| self.numbers.get_mut(at)) {
                    numbers.ended += 1;
                }
            }
            self.state.expire(until);
            if until >= first {
                self.held_before.get_or_insert(self.state.flags.len() as u64);
            }
        }
    }
}

/// Which of the months, given by their first days, a day is in or after.
fn month_of(months: &[Day], day: Day) -> Option<usize> {
    months.partition_point(|first| *first <= day).checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart_where_that_tells_of_many() {
        assert!(are_told(&[10, 10, 0]) && are_told(&[400, 12, 10]));
        for standings in [[0, 0, 0], [24, 0, 0], [0, 0, 10], [10, 9, 0], [10, 10, 1], [9, 30, 30]] {
            assert!(!are_told(&standings), "{standings:?}");
        }
    }
}
