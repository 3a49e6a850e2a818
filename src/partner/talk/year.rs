//! How a year's conversations went, in cells of which none is small.

use super::super::Partner;
use super::super::error::PartnerError;
use super::state::TalkYear;
use crate::day::{Day, Timestamp};
use crate::message::{Kind, Request, Year, YearCell};
use crate::talk::{NoteContent, Outcome};

/// The ways in which a conversation can go, by their bits: open, taken up together, by one, not taken up, nothing
/// found.
const WAYS: [u8; 5] = [0x01, 0x02, 0x04, 0x08, 0x10];

/// A cell with fewer is merged with another.
const FEWEST: u32 = 10;

impl Partner {
    /// How the conversations went that began in a year, as the report of it says: a cell under ten is merged with the
    /// smallest other until it has ten, and one of all ways with the number 0 says that they are fewer than ten
    /// together. Nothing is written.
    pub fn year_cells(&self, year: u16) -> Vec<YearCell> {
        let mut counts = [0; WAYS.len()];
        for known in &self.data.state().after_hit.conversations {
            if known.began.year() == year {
                let outcome = known.notes.iter().rev().find_map(|note| match note.content {
                    NoteContent::Outcome { outcome, .. } => Some(outcome),
                    _ => None,
                });
                counts[way(outcome)] += 1;
            }
        }
        merged(counts)
    }

    /// The years whose report the broker keeps, with what was reported; oldest first.
    pub fn reported_years(&self) -> &[TalkYear] {
        &self.data.state().after_hit.years
    }

    /// The report of a year: [`Partner::year_cells`], once it is over and in the year after it. The same bytes come
    /// again as long as the reply was not read; once it was, the year is not reported again.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPermitted`] for a year that is not over or longer ago, where the policy has no `[meet]`, or
    /// where this partner may not flag; [`PartnerError::YearReported`]; [`PartnerError::TalkInFlight`];
    /// [`PartnerError::NoEpoch`]; [`PartnerError::Clock`], [`PartnerError::ClockAhead`];
    /// [`SystemError::Io`](crate::SystemError::Io), [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn report_year(&mut self, year: u16, now: Timestamp) -> Result<Vec<u8>, PartnerError> {
        self.member.permit(|may| may.flag, "flag, and so report no year")?;
        self.member.meet()?;
        let now = self.data.at(now)?;
        if let Some(reported) = self.reported_years().iter().find(|reported| reported.year == year) {
            return Err(PartnerError::YearReported { year, day: reported.day });
        }
        self.refuse_year(year, now.day())?;
        if let Some(bytes) = self.talk_in_flight(Kind::Year)? {
            let message = self.data.state().talk.as_ref();
            let asked = message.map(|message| message.request(&self.member.key.verifying_key())).transpose()?;
            let is_it = matches!(asked, Some(Request::Year(of)) if of.year == year);
            return if is_it { Ok(bytes) } else { Err(PartnerError::TalkInFlight) };
        }
        let epoch = self.member.epochs_without_secret(now.day())?[0];
        self.make_talk(epoch, &Request::Year(Year { year, cells: self.year_cells(year) }), now)
    }
}

impl Partner {
    /// The broker takes the report of a year in the one after it alone.
    fn refuse_year(&self, year: u16, today: Day) -> Result<(), PartnerError> {
        let next = year.saturating_add(1);
        let finding = match today.year() {
            this if this == next => return Ok(()),
            this if this > next => format!(
                "the year {year} could be reported until {next}-12-31: of this year the report of {} is taken",
                this.saturating_sub(1)
            ),
            _ => format!("the year {year} is not over: report it from {next}-01-01 to {next}-12-31"),
        };
        Err(PartnerError::NotPermitted { finding })
    }
}

/// Which of the ways it is. That a signal was wrong is told among those in the conversation alone.
fn way(outcome: Option<Outcome>) -> usize {
    match outcome {
        None => 0,
        Some(Outcome::Together) => 1,
        Some(Outcome::ByOne) => 2,
        Some(Outcome::NotTakenUp | Outcome::WrongSignal) => 3,
        Some(Outcome::NothingFound) => 4,
    }
}

/// The cells, merged until none is small.
fn merged(counts: [u32; WAYS.len()]) -> Vec<YearCell> {
    let cell = |(ways, number): (u8, u32)| YearCell { ways, number };
    let mut cells: Vec<YearCell> = WAYS.into_iter().zip(counts).map(cell).collect();
    let by_size = |one: &YearCell| (one.number, one.ways);
    cells.sort_unstable_by_key(by_size);
    while cells.len() > 1 && cells[0].number < FEWEST {
        let smallest = cells.remove(0);
        cells[0].ways |= smallest.ways;
        cells[0].number += smallest.number;
        cells.sort_unstable_by_key(by_size);
    }
    for one in cells.iter_mut().filter(|one| one.number < FEWEST) {
        one.number = 0;
    }
    cells.sort_unstable_by_key(|one| one.ways);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells(counts: [u32; 5]) -> Vec<(u8, u32)> {
        merged(counts).iter().map(|one| (one.ways, one.number)).collect()
    }

    #[test]
    fn a_small_cell_is_merged_with_the_smallest_other() {
        assert_eq!(cells([12, 30, 11, 10, 40]), [(0x01, 12), (0x02, 30), (0x04, 11), (0x08, 10), (0x10, 40)]);
        assert_eq!(cells([12, 30, 11, 9, 40]), [(0x01, 12), (0x02, 30), (0x0c, 20), (0x10, 40)]);
        assert_eq!(cells([12, 3, 0, 0, 0]), [(0x1f, 15)], "what is left of the total would be three");
        assert_eq!(cells([25, 4, 3, 2, 1]), [(0x01, 25), (0x1e, 10)]);
        assert_eq!(cells([9, 0, 0, 0, 0]), [(0x1f, 0)], "fewer than ten in all");
        assert_eq!(cells([0; 5]), [(0x1f, 0)]);
    }

    proptest! {
        #[test]
        fn no_cell_is_small_and_each_way_is_in_one(counts in prop::array::uniform5(0u32..25)) {
            let cells = cells(counts);
            prop_assert_eq!(cells.iter().fold(0, |seen, (ways, _)| seen | ways), 0x1f);
            prop_assert_eq!(cells.iter().map(|(ways, _)| ways.count_ones()).sum::<u32>(), 5);
            let total: u32 = counts.iter().sum();
            let told: u32 = cells.iter().map(|(_, number)| number).sum();
            prop_assert!(cells.iter().all(|(_, number)| *number >= FEWEST) || cells == [(0x1f, 0)]);
            prop_assert!(told == total || (total < FEWEST && told == 0));
        }
    }
}
