//! What a partner puts forward, and that it is kept.

use std::fmt;

use super::malformed;
use crate::codec::{Malformed, Reader, Writer, encode_fields};
use crate::day::Day;
use crate::message::{LogEntry, MessageError};
use crate::pseudonym::Pseudonym;
use crate::talk::RowCode;

/// The most rows of one message.
pub const MAX_ROWS: usize = 10_000;

/// The most receivers of one message's codes.
pub const MAX_RECEIVERS: usize = 1_000;

/// All that a partner puts forward in an epoch.
pub struct PutForward<'a> {
    /// The last day of all rows.
    pub last_day: Day,
    /// The partners that codes are for, ascending.
    pub receivers: Vec<u16>,
    /// For each row, ascending by pseudonym: the pseudonym, then a code for each receiver.
    cells: Cells<'a>,
}

/// The rows of a message, as its bytes have them or as they were made.
enum Cells<'a> {
    Read(&'a [[u8; 16]]),
    Made(Vec<[u8; 16]>),
}

/// A pseudonym that is put forward, and a code for each receiver.
pub struct PutForwardRow<'a> {
    /// The pseudonym.
    pub pseudonym: &'a Pseudonym,
    codes: &'a [[u8; 16]],
}

/// What a partner put forward, or its year, is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The log line.
    pub log: LogEntry,
    /// Rows that are kept.
    pub kept: u32,
    /// Rows that are not, because the sender holds no flag there.
    pub unflagged: u32,
    /// Rows that are new.
    pub new: u32,
    /// What is left of the organisation's new rows of the day.
    pub new_left: u32,
    /// What is left of the rows that it may hold in the epoch.
    pub held_left: u32,
}

impl<'a> PutForward<'a> {
    /// Of rows that were made: each a pseudonym and a code for each receiver. Sorts them.
    pub fn new(last_day: Day, receivers: Vec<u16>, mut rows: Vec<(Pseudonym, Vec<RowCode>)>) -> PutForward<'static> {
        rows.sort_unstable_by_key(|(pseudonym, _)| *pseudonym);
        let mut cells = Vec::with_capacity(rows.len() * (1 + receivers.len()));
        for (pseudonym, codes) in rows {
            debug_assert_eq!(codes.len(), receivers.len(), "a code for each receiver");
            cells.push(*pseudonym.expose_bytes());
            cells.extend(codes.iter().map(|code| code.0));
        }
        PutForward { last_day, receivers, cells: Cells::Made(cells) }
    }

    /// The rows, ascending by pseudonym.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = PutForwardRow<'_>> {
        self.cells().chunks_exact(1 + self.receivers.len()).map(|row| {
            let (pseudonym, codes) = row.split_at(1);
            PutForwardRow { pseudonym: &Pseudonym::of_rows(pseudonym)[0], codes }
        })
    }

    fn cells(&self) -> &[[u8; 16]] {
        match &self.cells {
            Cells::Read(cells) => cells,
            Cells::Made(cells) => cells,
        }
    }

    pub(in crate::message) fn refuse_uncountable(&self) -> Result<(), MessageError> {
        if self.rows().len() > MAX_ROWS || self.receivers.len() > MAX_RECEIVERS {
            let finding = "a message puts at most 10,000 pseudonyms forward, for at most 1,000 partners";
            return Err(MessageError::TooLarge { finding });
        }
        Ok(())
    }

    pub(in crate::message) fn length(&self) -> usize {
        2 + 2 + 2 * self.receivers.len() + 4 + 16 * self.cells().len()
    }

    pub(in crate::message) fn write(&self, writer: &mut Writer) {
        writer.u16(self.last_day.0).u16(self.receivers.len() as u16);
        for receiver in &self.receivers {
            writer.u16(*receiver);
        }
        writer.u32(self.rows().len() as u32).bytes(self.cells().as_flattened());
    }

    pub(in crate::message) fn read(reader: &mut Reader<'a>) -> Result<PutForward<'a>, MessageError> {
        let last_day = Day(reader.u16()?);
        let count = usize::from(reader.u16()?);
        let receivers = (0..count).map(|_| reader.u16()).collect::<Result<Vec<_>, _>>()?;
        if !receivers.is_sorted_by(|a, b| a < b) || receivers.first() == Some(&0) {
            return malformed("the receivers are not numbers of partners, ascending, each once");
        }
        let count = reader.u32()? as usize;
        let bytes = count.checked_mul(16 * (1 + receivers.len())).ok_or(Malformed("a count is too large"))?;
        let (cells, _) = reader.take(bytes)?.as_chunks::<16>();
        let said = PutForward { last_day, receivers, cells: Cells::Read(cells) };
        said.refuse_uncountable()?;
        if !said.rows().map(|row| *row.pseudonym).is_sorted_by(|a, b| a < b) {
            return malformed("the rows are not ascending by pseudonym, each once");
        }
        Ok(said)
    }
}

impl PutForwardRow<'_> {
    /// The codes, in the order of the receivers.
    pub fn codes(&self) -> impl ExactSizeIterator<Item = RowCode> {
        self.codes.iter().map(|code| RowCode(*code))
    }
}

impl Kept {
    pub(in crate::message) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.put(self);
        writer.finish()
    }

    pub(in crate::message) fn decode(body: &[u8]) -> Result<Kept, MessageError> {
        let mut reader = Reader::new(body);
        let kept = reader.get()?;
        reader.end()?;
        Ok(kept)
    }
}

encode_fields! {
    Kept { log, kept, unflagged, new, new_left, held_left }
    where |kept| kept.new <= kept.kept, else "more rows are new than are kept"
}

impl fmt::Debug for PutForward<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PutForward(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::talk::tests::{code, log, refused};
    use crate::message::{Kind, Reply, Request};

    fn row(number: u8) -> Pseudonym {
        Pseudonym::danger_from_remote_source([number; 16])
    }

    #[test]
    fn what_is_put_forward() {
        let rows = vec![(row(4), vec![code(1), code(2)]), (row(1), vec![code(3), code(4)])];
        let request = Request::PutForward(PutForward::new(Day(20_800), vec![2, 9], rows));
        let body = request.encode().unwrap();
        assert_eq!(body.len(), 2 + 2 + 4 + 4 + 2 * 48);
        let Ok(Request::PutForward(again)) = Request::decode(Kind::PutForward, &body) else { panic!("it is one") };
        let rows: Vec<_> = again.rows().map(|it| (*it.pseudonym, it.codes().collect::<Vec<_>>())).collect();
        assert!(rows == [(row(1), vec![code(3), code(4)]), (row(4), vec![code(1), code(2)])]);
        assert_eq!(Request::PutForward(again).encode().unwrap(), body);
        let none = Request::PutForward(PutForward::new(Day(20_800), vec![], vec![])).encode().unwrap();
        assert_eq!(refused(Kind::PutForward, &none), "ok");
        // Receivers that are not ascending or not numbers of partners, a row more than there is, and rows that are not
        // ascending.
        for (at, byte) in [(4, 9), (4, 0), (8, 3), (12, 5)] {
            let mut other = body.clone();
            other[at] = byte;
            assert_eq!(refused(Kind::PutForward, &other), "malformed", "{at}");
        }
        assert_eq!(refused(Kind::PutForward, &[&body[..], &[0]].concat()), "malformed");
        let many = (0..10_001u32).map(|it| {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&it.to_be_bytes());
            (Pseudonym::danger_from_remote_source(bytes), vec![])
        });
        let many = PutForward::new(Day(20_800), vec![], many.collect());
        assert_eq!(Request::PutForward(many).encode().unwrap_err().code(), "too_large");
        let many = PutForward::new(Day(20_800), (1..=1_001).collect(), vec![]);
        assert_eq!(Request::PutForward(many).encode().unwrap_err().code(), "too_large");
        // A count that the bytes bear, and no message may have.
        let wide = [&20_800u16.to_le_bytes()[..], &1_001u16.to_le_bytes(), &[0; 2_002], &[0; 4]].concat();
        assert_eq!(refused(Kind::PutForward, &wide), "malformed", "receivers that are no numbers");
        let receivers = (1..=1_001u16).flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let wide = [&20_800u16.to_le_bytes()[..], &1_001u16.to_le_bytes(), &receivers, &[0; 4]].concat();
        assert_eq!(refused(Kind::PutForward, &wide), "too_large");
    }

    #[test]
    fn more_rows_cannot_be_new_than_are_kept() {
        let kept = Kept { log: log(), kept: 3, unflagged: 1, new: 3, new_left: 17, held_left: 197 };
        let body = Reply::Kept(kept).encode().unwrap();
        assert_eq!(Reply::decode(Kind::Kept, &body).unwrap(), Reply::Kept(kept));
        let body = Reply::Kept(Kept { new: 4, ..kept }).encode().unwrap();
        assert_eq!(Reply::decode(Kind::Kept, &body).unwrap_err().code(), "malformed");
    }
}
