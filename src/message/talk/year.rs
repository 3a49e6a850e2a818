//! The report of a year: how a partner's conversations went.

use super::malformed;
use crate::codec::{Reader, Writer, encode_fields};
use crate::message::MessageError;

/// How a partner's conversations of a year went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Year {
    /// The year.
    pub year: u16,
    /// Ascending by what they count.
    pub cells: Vec<YearCell>,
}

/// How many conversations ended in one of some ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YearCell {
    /// A bit for each way: 0x01 open, 0x02 taken up together, 0x04 by one, 0x08 not taken up, 0x10 nothing found.
    pub ways: u8,
    /// How many; 0 where they are fewer than ten and all of the year.
    pub number: u32,
}

/// All ways in which a conversation can go, open included.
const ALL_WAYS: u8 = 0x1f;

/// Cells with fewer are merged.
const FEWEST: u32 = 10;

impl Year {
    pub(in crate::message) fn length(&self) -> usize {
        3 + 5 * self.cells.len()
    }

    pub(in crate::message) fn refuse_uncountable(&self) -> Result<(), MessageError> {
        if self.cells.len() > ALL_WAYS.count_ones() as usize {
            return Err(MessageError::TooLarge { finding: "a year's report has at most five cells" });
        }
        Ok(())
    }

    pub(in crate::message) fn write(&self, writer: &mut Writer) {
        writer.u16(self.year).u8(self.cells.len() as u8);
        for cell in &self.cells {
            writer.put(cell);
        }
    }

    pub(in crate::message) fn read(reader: &mut Reader<'_>) -> Result<Year, MessageError> {
        let (year, count) = (reader.u16()?, reader.u8()?);
        let cells = (0..count).map(|_| Ok(reader.get()?)).collect::<Result<Vec<YearCell>, MessageError>>()?;
        let mut counted = 0;
        for cell in &cells {
            if cell.ways == 0 || cell.ways & !ALL_WAYS != 0 || cell.ways & counted != 0 {
                return malformed("a cell of a year counts no way, an unknown one, or one that another counts");
            }
            counted |= cell.ways;
            let is_small_year = cell.number == 0 && cell.ways == ALL_WAYS;
            if cell.number < FEWEST && !is_small_year {
                return malformed("a cell of a year has fewer than ten");
            }
        }
        // What is in no cell would be known to be none.
        if counted != ALL_WAYS {
            return malformed("the cells of a year do not count every way");
        }
        if !cells.is_sorted_by(|a, b| a.ways < b.ways) {
            return malformed("the cells of a year are not ascending");
        }
        Ok(Year { year, cells })
    }
}

encode_fields! { YearCell { ways, number } }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::talk::tests::refused;
    use crate::message::{Kind, Request};

    #[test]
    fn a_year_has_no_small_cells() {
        let decoded = |cells: &[(u8, u32)]| {
            let cells = cells.iter().map(|(ways, number)| YearCell { ways: *ways, number: *number }).collect();
            let year = Request::Year(Year { year: 2026, cells });
            let body = year.encode().unwrap();
            refused(Kind::Year, &body)
        };
        assert_eq!(decoded(&[(0x01, 12), (0x1e, 40)]), "ok");
        assert_eq!(decoded(&[(0x1f, 0)]), "ok", "fewer than ten");
        assert_eq!(decoded(&[(0x03, 12), (0x1c, 10)]), "ok");
        for wrong in [
            &[][..],
            &[(0x01, 12)],
            &[(0x00, 12), (0x1f, 12)],
            &[(0x3f, 12)],
            &[(0x1f, 9)],
            &[(0x1f, 1)],
            &[(0x01, 9), (0x1e, 40)],
            &[(0x01, 0), (0x1e, 40)],
            &[(0x03, 12), (0x1d, 12)],
            &[(0x1e, 12), (0x01, 12)],
        ] {
            assert_eq!(decoded(wrong), "malformed", "{wrong:?}");
        }
    }
}
