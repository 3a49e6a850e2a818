//! How many of an organisation's flags are stacked, where a pilot is told no more.

use super::malformed;
use crate::codec::{Reader, Writer, encode_fields};
use crate::day::Timestamp;
use crate::message::{LogEntry, MessageError};

/// With fewer flags than these there are no cells.
const FEWEST_FLAGS: u32 = 100;

/// Cells with fewer are merged.
const FEWEST: u32 = 10;

/// How many of an organisation's flags are stacked, for a pilot that is told no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// The log line.
    pub log: LogEntry,
    /// The release that they are of.
    pub release: u64,
    /// Its moment.
    pub as_of: Timestamp,
    /// The year of that moment.
    pub year: u16,
    /// The quarter of that moment, 1 to 4.
    pub quarter: u8,
    /// Released flags, rounded down to tens.
    pub flags: u32,
    /// Ascending.
    pub cells: Vec<TotalsCell>,
}

/// How many of the flags are stacked by some numbers of organisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TotalsCell {
    /// The fewest organisations.
    pub from: u8,
    /// The most; 0 for all above.
    pub to: u8,
    /// Pseudonyms, rounded down to tens.
    pub number: u32,
}

impl Totals {
    pub(in crate::message) fn encode(&self) -> Result<Vec<u8>, MessageError> {
        let Ok(count) = u8::try_from(self.cells.len()) else {
            return Err(MessageError::TooLarge { finding: "totals have at most 255 cells" });
        };
        let mut writer = Writer::default();
        writer.put(&self.log).u64(self.release).u64(self.as_of.0).u16(self.year).u8(self.quarter).u32(self.flags);
        writer.u8(count);
        for cell in &self.cells {
            writer.put(cell);
        }
        Ok(writer.finish())
    }

    pub(in crate::message) fn decode(body: &[u8]) -> Result<Totals, MessageError> {
        let mut reader = Reader::new(body);
        let log = reader.get()?;
        let (release, as_of) = (reader.u64()?, Timestamp(reader.u64()?));
        let (year, quarter, flags, count) = (reader.u16()?, reader.u8()?, reader.u32()?, reader.u8()?);
        let cells = (0..count).map(|_| Ok(reader.get()?)).collect::<Result<Vec<TotalsCell>, MessageError>>()?;
        reader.end()?;
        if !(1..=4).contains(&quarter) {
            return malformed("totals are of no quarter");
        }
        let is_rounded = |number: u32| number.is_multiple_of(10);
        if !is_rounded(flags) || !cells.iter().all(|cell| is_rounded(cell.number)) {
            return malformed("totals are not rounded down to tens");
        }
        if cells.is_empty() != (flags < FEWEST_FLAGS) {
            return malformed("totals have cells where there are fewer than 100 flags, or none where there are more");
        }
        if cells.len() > 1 && cells.iter().any(|cell| cell.number < FEWEST) {
            return malformed("a cell of totals has fewer than ten, and was not merged");
        }
        // Each flag of a cell is one of those released, and rounding down leaves no more of them than of all.
        if cells.iter().map(|cell| u64::from(cell.number)).sum::<u64>() > u64::from(flags) {
            return malformed("more flags are in the cells of totals than there are");
        }
        // They follow on each other, and the last alone may have no end.
        let begins = cells.first().is_none_or(|first| first.from > 0);
        let follow =
            cells.windows(2).all(|pair| pair[0].to >= pair[0].from && pair[0].to.checked_add(1) == Some(pair[1].from));
        if !begins || !follow || cells.last().is_some_and(|last| last.to != 0 && last.to < last.from) {
            return malformed("the cells of totals do not follow on each other");
        }
        Ok(Totals { log, release, as_of, year, quarter, flags, cells })
    }
}

encode_fields! { TotalsCell { from, to, number } }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::talk::tests::log;
    use crate::message::{Kind, Reply};

    #[test]
    fn totals_are_rounded_and_follow_on_each_other() {
        let totals = |quarter, flags, cells: &[(u8, u8, u32)]| {
            let cells = cells.iter().map(|(from, to, number)| TotalsCell { from: *from, to: *to, number: *number });
            let totals = Totals {
                log: log(),
                release: 3,
                as_of: Timestamp(1_796_126_400),
                year: 2026,
                quarter,
                flags,
                cells: cells.collect(),
            };
            let body = Reply::Totals(totals.clone()).encode().unwrap();
            match Reply::decode(Kind::Totals, &body) {
                Ok(again) => {
                    assert_eq!(again, Reply::Totals(totals));
                    "ok"
                }
                Err(error) => error.code(),
            }
        };
        assert_eq!(totals(4, 240, &[(2, 3, 20), (4, 0, 10)]), "ok");
        assert_eq!(totals(4, 240, &[(2, 2, 20), (3, 9, 10)]), "ok");
        assert_eq!(totals(1, 90, &[]), "ok");
        assert_eq!(totals(1, 100, &[(2, 0, 0)]), "ok", "fewer than ten in all");
        assert_eq!(totals(1, 100, &[(2, 0, 100)]), "ok");
        for (quarter, flags, cells) in [
            (0, 240, &[(2, 0, 20)][..]),
            (5, 240, &[(2, 0, 20)]),
            (1, 241, &[(2, 0, 20)]),
            (1, 240, &[(2, 0, 21)]),
            (1, 240, &[]),
            (1, 90, &[(2, 0, 20)]),
            (1, 240, &[(2, 3, 20), (4, 0, 0)]),
            (1, 240, &[(2, 3, 200), (4, 0, 50)]),
            (1, 240, &[(0, 3, 20), (4, 0, 10)]),
            (1, 240, &[(2, 3, 20), (5, 0, 10)]),
            (1, 240, &[(2, 0, 20), (3, 0, 10)]),
            (1, 240, &[(2, 255, 20), (0, 0, 10)]),
            (1, 240, &[(3, 2, 20)]),
        ] {
            assert_eq!(totals(quarter, flags, cells), "malformed", "{quarter} {flags} {cells:?}");
        }
        let many = (1..=120).map(|from| (from, from, 10)).collect::<Vec<_>>();
        assert_eq!(totals(1, 1_200, &many), "ok");
    }
}
