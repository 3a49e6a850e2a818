//! The bodies of the messages after a hit: what is put forward, the exchange of notes, totals and the year.
//! spec/after-a-hit.md.
//!
//! Types that hold pseudonyms or subjects have no `Debug` that shows them.

use std::fmt;

use super::error::MessageError;
use super::log_entry::LogEntry;
use crate::codec::{Encode, Malformed, Reader, Writer, encode_fields};
use crate::day::{Day, Timestamp};
use crate::pseudonym::Pseudonym;
use crate::talk::{ConversationId, RowCode, SealedNote, Subject};

/// The most rows of one message.
pub const MAX_ROWS: usize = 10_000;

/// The most receivers of one message's codes.
pub const MAX_RECEIVERS: usize = 1_000;

/// The notes that one exchange brings, and one post.
pub const NOTES_AT_ONCE: usize = 4;

/// The conversations that one exchange leaves.
pub const LEFT_AT_ONCE: usize = 8;

/// The entries of one post.
pub const ENTRIES_AT_ONCE: usize = 32;

/// The most cells of a year's report, and of totals.
const MAX_CELLS: usize = 250;

/// All that a partner puts forward in an epoch.
pub struct PutForward<'a> {
    /// The last day of all rows.
    pub last_day: Day,
    /// The partners that codes are for, ascending.
    pub receivers: Vec<u16>,
    /// For each row, ascending by pseudonym: the pseudonym, then a code for each receiver.
    pub(crate) cells: Cells<'a>,
}

/// The rows of a message, as its bytes have them or as they were made.
pub(crate) enum Cells<'a> {
    Read(&'a [[u8; 16]]),
    Made(Vec<[u8; 16]>),
}

/// A pseudonym that is put forward, and a code for each receiver.
pub struct PutForwardRow<'a> {
    /// The pseudonym.
    pub pseudonym: &'a Pseudonym,
    codes: &'a [[u8; 16]],
}

/// Sends notes, and fetches what waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The number of the last entry that the sender read; 0 for none.
    pub told: u64,
    /// The number of the last note that the sender read; 0 for none.
    pub received: u64,
    /// The conversations that the sender leaves, ascending. At most 8.
    pub left: Vec<ConversationId>,
    /// At most 4.
    pub notes: Vec<NoteSlot>,
}

/// A note on its way, as the broker sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSlot {
    /// The conversation.
    pub conversation: ConversationId,
    /// In an exchange the receiver, in a post the sender.
    pub partner: u16,
    /// The epoch in which the conversation began.
    pub began: u32,
    /// The number of the note, of this sender to this receiver in this conversation, from 1.
    pub number: u64,
    /// The epoch whose seal keys it is sealed with: that of the exchange which brought it.
    pub epoch: u32,
    /// The note.
    pub sealed: SealedNote,
}

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

/// What waited for a partner, and what became of the notes that it sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The log line.
    pub log: LogEntry,
    /// For each slot of the exchange.
    pub sent: [NoteFate; NOTES_AT_ONCE],
    /// Whether more waits than is in this post.
    pub more: bool,
    /// At most 32, ascending by number.
    pub entries: Vec<Entry>,
    /// At most 4, each with its number, ascending by that.
    pub notes: Vec<(u64, NoteSlot)>,
}

/// What became of a note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum NoteFate {
    /// The slot was empty.
    #[default]
    Empty = 0,
    /// It is kept for the receiver.
    Kept = 1,
    /// The two are not introduced in that conversation, or one of them left it.
    NotIntroduced = 2,
    /// The organisation's notes of the day are spent.
    OverBudget = 3,
    /// Too many notes wait for the receiver.
    TooManyWait = 4,
}

/// What a partner is told of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub number: u64,
    /// What it is about.
    pub subject: Subject,
    /// The epoch.
    pub epoch: u32,
    /// The day of the turn at which it was decided, or on which the other left.
    pub day: Day,
    /// What is told.
    pub told: EntryKind,
}

/// What an entry tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryKind {
    /// Somebody put forward what the partner flags too.
    Asked {
        /// The last day on which an answer is in time.
        answer_by: Day,
    },
    /// Two are introduced.
    Introduced {
        /// What the broker calls the conversation.
        conversation: ConversationId,
        /// The other.
        partner: u16,
        /// The last day of the other's row; of the coordinator, which has none, that of the partner's own.
        last_day: Day,
        /// The number of the other's row; 0 of the coordinator.
        row: u64,
        /// The number of the partner's own row; 0 to the coordinator.
        own_row: u64,
        /// The other's code for the partner; zeros of the coordinator.
        code: RowCode,
    },
    /// The other left.
    Left {
        /// What the broker calls the conversation.
        conversation: ConversationId,
        /// Who left.
        partner: u16,
    },
}

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

    pub(super) fn refuse_uncountable(&self) -> Result<(), MessageError> {
        if self.rows().len() > MAX_ROWS || self.receivers.len() > MAX_RECEIVERS {
            let finding = "a message puts at most 10,000 pseudonyms forward, for at most 1,000 partners";
            return Err(MessageError::TooLarge { finding });
        }
        Ok(())
    }

    pub(super) fn length(&self) -> usize {
        2 + 2 + 2 * self.receivers.len() + 4 + 16 * self.cells().len()
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.u16(self.last_day.0).u16(self.receivers.len() as u16);
        for receiver in &self.receivers {
            writer.u16(*receiver);
        }
        writer.u32(self.rows().len() as u32).bytes(self.cells().as_flattened());
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<PutForward<'a>, MessageError> {
        let last_day = Day(reader.u16()?);
        let count = usize::from(reader.u16()?);
        let receivers = (0..count).map(|_| reader.u16()).collect::<Result<Vec<_>, _>>()?;
        if !receivers.is_sorted_by(|a, b| a < b) {
            return malformed("the receivers are not ascending, each once");
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

impl Exchange {
    /// The bytes of every exchange's body.
    pub(super) const LENGTH: usize = 8 + 8 + 16 * LEFT_AT_ONCE + NOTES_AT_ONCE * NoteSlot::LENGTH;

    pub(super) fn refuse_uncountable(&self) -> Result<(), MessageError> {
        if self.left.len() > LEFT_AT_ONCE || self.notes.len() > NOTES_AT_ONCE {
            let finding = "an exchange leaves at most 8 conversations, and brings at most 4 notes";
            return Err(MessageError::TooLarge { finding });
        }
        Ok(())
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.u64(self.told).u64(self.received);
        let none = [ConversationId::NONE; LEFT_AT_ONCE];
        for conversation in self.left.iter().chain(&none).take(LEFT_AT_ONCE) {
            writer.bytes(&conversation.0);
        }
        write_slots(writer, &self.notes, |writer, slot| slot.write(writer), NoteSlot::LENGTH, NOTES_AT_ONCE);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Exchange, MessageError> {
        let (told, received) = (reader.u64()?, reader.u64()?);
        let left = read_slots(reader, 16, LEFT_AT_ONCE, |reader| Ok(ConversationId(reader.array()?)))?;
        if !left.is_sorted_by(|a, b| a < b) {
            return malformed("the conversations that are left are not ascending, each once");
        }
        let notes = read_slots(reader, NoteSlot::LENGTH, NOTES_AT_ONCE, NoteSlot::read)?;
        Ok(Exchange { told, received, left, notes })
    }
}

impl NoteSlot {
    const LENGTH: usize = 16 + 2 + 4 + 8 + 4 + 1_096;

    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.conversation.0).u16(self.partner).u32(self.began).u64(self.number).u32(self.epoch);
        writer.bytes(&self.sealed.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<NoteSlot, MessageError> {
        let conversation = ConversationId(reader.array()?);
        let (partner, began, number, epoch) = (reader.u16()?, reader.u32()?, reader.u64()?, reader.u32()?);
        if conversation == ConversationId::NONE || partner == 0 || number == 0 {
            return malformed("a note has no conversation, partner or number");
        }
        Ok(NoteSlot { conversation, partner, began, number, epoch, sealed: SealedNote(reader.array()?) })
    }
}

impl Year {
    pub(super) fn length(&self) -> usize {
        3 + 5 * self.cells.len()
    }

    pub(super) fn refuse_uncountable(&self) -> Result<(), MessageError> {
        if self.cells.len() > MAX_CELLS {
            return Err(MessageError::TooLarge { finding: "a year's report has at most 250 cells" });
        }
        Ok(())
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.u16(self.year).u8(self.cells.len() as u8);
        for cell in &self.cells {
            writer.u8(cell.ways).u32(cell.number);
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Year, MessageError> {
        let (year, count) = (reader.u16()?, reader.u8()?);
        let cells = (0..count)
            .map(|_| Ok(YearCell { ways: reader.u8()?, number: reader.u32()? }))
            .collect::<Result<Vec<_>, MessageError>>()?;
        let mut seen = 0;
        for cell in &cells {
            if cell.ways == 0 || cell.ways > ALL_WAYS || cell.ways & seen != 0 {
                return malformed("the cells of a year count no way, an unknown one, or one twice");
            }
            seen |= cell.ways;
            let is_few = cell.number == 0 && cell.ways == ALL_WAYS;
            if cell.number < FEWEST && !is_few {
                return malformed("a cell of a year has fewer than ten");
            }
        }
        if !cells.is_sorted_by(|a, b| a.ways < b.ways) {
            return malformed("the cells of a year are not ascending");
        }
        Ok(Year { year, cells })
    }
}

/// All ways in which a conversation can end, open included.
const ALL_WAYS: u8 = 0x1f;

/// Cells with fewer are merged.
const FEWEST: u32 = 10;

impl Post {
    pub(super) fn encode(&self) -> Result<Vec<u8>, MessageError> {
        if self.entries.len() > ENTRIES_AT_ONCE || self.notes.len() > NOTES_AT_ONCE {
            let finding = "a post has at most 32 entries and 4 notes";
            return Err(MessageError::TooLarge { finding });
        }
        let mut writer = Writer::default();
        writer.put(&self.log);
        for fate in self.sent {
            writer.u8(fate as u8);
        }
        writer.u8(self.more.into());
        write_slots(&mut writer, &self.entries, |writer, entry| entry.write(writer), Entry::LENGTH, ENTRIES_AT_ONCE);
        let note = |writer: &mut Writer, (number, slot): &(u64, NoteSlot)| slot.write(writer.u64(*number));
        write_slots(&mut writer, &self.notes, note, 8 + NoteSlot::LENGTH, NOTES_AT_ONCE);
        Ok(writer.finish())
    }

    pub(super) fn decode(body: &[u8]) -> Result<Post, MessageError> {
        let mut reader = Reader::new(body);
        let log = reader.get()?;
        let mut sent = [NoteFate::Empty; NOTES_AT_ONCE];
        for fate in &mut sent {
            *fate = NoteFate::of(reader.u8()?)?;
        }
        let more = read_bool(&mut reader)?;
        let entries = read_slots(&mut reader, Entry::LENGTH, ENTRIES_AT_ONCE, Entry::read)?;
        let note = |reader: &mut Reader<'_>| Ok((reader.u64()?, NoteSlot::read(reader)?));
        let notes = read_slots(&mut reader, 8 + NoteSlot::LENGTH, NOTES_AT_ONCE, note)?;
        reader.end()?;
        let is_ascending = entries.is_sorted_by(|a, b| a.number < b.number) && notes.is_sorted_by(|a, b| a.0 < b.0);
        if !is_ascending || entries.iter().any(|entry| entry.number == 0) || notes.iter().any(|note| note.0 == 0) {
            return malformed("the entries or notes are not ascending by number");
        }
        Ok(Post { log, sent, more, entries, notes })
    }
}

impl NoteFate {
    fn of(byte: u8) -> Result<NoteFate, MessageError> {
        use NoteFate::*;
        let found = [Empty, Kept, NotIntroduced, OverBudget, TooManyWait].into_iter().find(|fate| *fate as u8 == byte);
        found.ok_or(MessageError::Malformed { finding: "what became of a note has no meaning" })
    }
}

const ASKED: u8 = 1;
const INTRODUCED: u8 = 2;
const LEFT: u8 = 3;

impl Entry {
    const LENGTH: usize = 84;

    fn write(&self, writer: &mut Writer) {
        let (kind, conversation, last_day, partner, row, own_row, code) = match self.told {
            EntryKind::Asked { answer_by } => (ASKED, ConversationId::NONE, answer_by, 0, 0, 0, RowCode::NONE),
            EntryKind::Introduced { conversation, partner, last_day, row, own_row, code } => {
                (INTRODUCED, conversation, last_day, partner, row, own_row, code)
            }
            EntryKind::Left { conversation, partner } => (LEFT, conversation, Day(0), partner, 0, 0, RowCode::NONE),
        };
        writer.u64(self.number).u8(kind).bytes(self.subject.expose_bytes()).bytes(&conversation.0);
        writer.u32(self.epoch).u16(self.day.0).u16(last_day.0).u16(partner).u64(row).u64(own_row);
        writer.bytes(&code.0).u8(0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Entry, MessageError> {
        let (number, kind) = (reader.u64()?, reader.u8()?);
        let subject = Subject::from_bytes(reader.array()?);
        let conversation = ConversationId(reader.array()?);
        let (epoch, day, last_day) = (reader.u32()?, Day(reader.u16()?), Day(reader.u16()?));
        let (partner, row, own_row) = (reader.u16()?, reader.u64()?, reader.u64()?);
        let (code, reserved) = (RowCode(reader.array()?), reader.u8()?);
        let told = match kind {
            ASKED => EntryKind::Asked { answer_by: last_day },
            INTRODUCED => EntryKind::Introduced { conversation, partner, last_day, row, own_row, code },
            LEFT => EntryKind::Left { conversation, partner },
            _ => return malformed("an entry is of no known kind"),
        };
        let entry = Entry { number, subject, epoch, day, told };
        // What the kind does not have is zero.
        let is_whole = match kind {
            ASKED => (conversation, partner, row, own_row, code) == (ConversationId::NONE, 0, 0, 0, RowCode::NONE),
            INTRODUCED => conversation != ConversationId::NONE && partner > 0,
            _ => {
                conversation != ConversationId::NONE
                    && partner > 0
                    && (last_day, row, own_row, code) == (Day(0), 0, 0, RowCode::NONE)
            }
        };
        if is_whole && reserved == 0 { Ok(entry) } else { malformed("an entry has what its kind does not have") }
    }
}

impl Kept {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.put(self);
        writer.finish()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Kept, MessageError> {
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

impl Totals {
    pub(super) fn encode(&self) -> Result<Vec<u8>, MessageError> {
        if self.cells.len() > MAX_CELLS {
            return Err(MessageError::TooLarge { finding: "totals have at most 250 cells" });
        }
        let mut writer = Writer::default();
        writer.put(&self.log).u64(self.release).u64(self.as_of.0).u16(self.year).u8(self.quarter).u32(self.flags);
        writer.u8(self.cells.len() as u8);
        for cell in &self.cells {
            writer.u8(cell.from).u8(cell.to).u32(cell.number);
        }
        Ok(writer.finish())
    }

    pub(super) fn decode(body: &[u8]) -> Result<Totals, MessageError> {
        let mut reader = Reader::new(body);
        let log = reader.get()?;
        let (release, as_of) = (reader.u64()?, Timestamp(reader.u64()?));
        let (year, quarter, flags, count) = (reader.u16()?, reader.u8()?, reader.u32()?, reader.u8()?);
        let cells = (0..count)
            .map(|_| Ok(TotalsCell { from: reader.u8()?, to: reader.u8()?, number: reader.u32()? }))
            .collect::<Result<Vec<_>, MessageError>>()?;
        reader.end()?;
        let is_rounded = |number: u32| number.is_multiple_of(10);
        if !(1..=4).contains(&quarter)
            || usize::from(count) > MAX_CELLS
            || !is_rounded(flags)
            || !cells.iter().all(|cell| is_rounded(cell.number))
        {
            return malformed("totals are of no quarter, or not rounded");
        }
        // They follow on each other, and the last alone may have no end.
        let follow = cells.windows(2).all(|pair| pair[0].to >= pair[0].from && pair[1].from == pair[0].to + 1);
        if !follow || cells.last().is_some_and(|last| last.to != 0 && last.to < last.from) {
            return malformed("the cells of totals do not follow on each other");
        }
        Ok(Totals { log, release, as_of, year, quarter, flags, cells })
    }
}

/// Writes what there is, then zeros for the slots that are left.
fn write_slots<T>(writer: &mut Writer, slots: &[T], write: impl Fn(&mut Writer, &T), length: usize, count: usize) {
    slots.iter().for_each(|slot| write(writer, slot));
    writer.bytes(&vec![0; length * (count - slots.len())]);
}

/// Reads slots of one length, of which those that are used come first and the others are zeros.
fn read_slots<T>(
    reader: &mut Reader<'_>,
    length: usize,
    count: usize,
    read: impl Fn(&mut Reader<'_>) -> Result<T, MessageError>,
) -> Result<Vec<T>, MessageError> {
    let mut slots = Vec::new();
    let mut has_ended = false;
    for _ in 0..count {
        let bytes = reader.take(length)?;
        if bytes.iter().all(|byte| *byte == 0) {
            has_ended = true;
        } else if has_ended {
            return malformed("a slot that is used comes after an empty one");
        } else {
            let mut slot = Reader::new(bytes);
            slots.push(read(&mut slot)?);
            slot.end()?;
        }
    }
    Ok(slots)
}

fn read_bool(reader: &mut Reader<'_>) -> Result<bool, MessageError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => malformed("a yes or no is neither 1 nor 0"),
    }
}

fn malformed<T>(finding: &'static str) -> Result<T, MessageError> {
    Err(MessageError::Malformed { finding })
}

impl fmt::Debug for PutForward<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PutForward(..)")
    }
}

/// In the broker's store an entry is as in a post.
impl Encode for Entry {
    fn encode(&self, writer: &mut Writer) {
        self.write(writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Entry, Malformed> {
        Entry::read(reader).map_err(|_| Malformed("an entry is not in its one form"))
    }
}

encode_fields! { NoteSlot { conversation, partner, began, number, epoch, sealed } }

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::reply::Reply;
    use super::super::request::Request;
    use super::*;
    use crate::digest::Digest;

    fn row(number: u8) -> Pseudonym {
        Pseudonym::danger_from_remote_source([number; 16])
    }

    fn code(number: u8) -> RowCode {
        RowCode([number; 16])
    }

    fn log() -> LogEntry {
        LogEntry { restored: Timestamp(7), index: 9, leaf: Digest([5; 32]), salt: [6; 16] }
    }

    fn slot(number: u8) -> NoteSlot {
        NoteSlot {
            conversation: ConversationId([number; 16]),
            partner: 2,
            began: 1,
            number: number.into(),
            epoch: 3,
            sealed: SealedNote([number; 1_096]),
        }
    }

    fn refused(kind: Kind, body: &[u8]) -> &'static str {
        match Request::decode(kind, body) {
            Err(error) => error.code(),
            Ok(_) => "ok",
        }
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
        // Receivers and rows that are not ascending, a row more than there is, and a byte after the end.
        for (at, byte) in [(4, 9), (12, 5), (8, 3)] {
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
    }

    #[test]
    fn an_exchange_has_one_length_whatever_it_says() {
        let left = vec![ConversationId([1; 16]), ConversationId([2; 16])];
        let full = Exchange { told: 5, received: 6, left, notes: vec![slot(1), slot(2)] };
        for exchange in [Exchange::default(), full.clone()] {
            let body = Request::Exchange(exchange.clone()).encode().unwrap();
            assert_eq!(body.len(), 4_664);
            let Ok(Request::Exchange(again)) = Request::decode(Kind::Exchange, &body) else { panic!("it is one") };
            assert_eq!(again, exchange);
        }
        let body = Request::Exchange(full).encode().unwrap();
        let with = |range: std::ops::Range<usize>, byte: u8| {
            let mut other = body.clone();
            other[range].fill(byte);
            refused(Kind::Exchange, &other)
        };
        assert_eq!(with(16..32, 3), "malformed", "conversations that are not ascending");
        assert_eq!(with(16..32, 0), "malformed", "one after an empty one");
        assert_eq!(with(144..160, 0), "malformed", "a note without a conversation");
        assert_eq!(with(160..162, 0), "malformed", "a note without a receiver");
        assert_eq!(with(166..174, 0), "malformed", "a note without a number");
        assert_eq!(with(144..144 + 1_130, 0), "malformed", "a note after an empty slot");
        let many = Exchange { notes: vec![slot(1); 5], ..Exchange::default() };
        assert_eq!(Request::Exchange(many).encode().unwrap_err().code(), "too_large");
    }

    #[test]
    fn a_post_has_one_length_whatever_it_says() {
        let introduced = EntryKind::Introduced {
            conversation: ConversationId([3; 16]),
            partner: 4,
            last_day: Day(20_801),
            row: 11,
            own_row: 12,
            code: code(5),
        };
        let left = EntryKind::Left { conversation: ConversationId([3; 16]), partner: 4 };
        let told = [EntryKind::Asked { answer_by: Day(20_805) }, introduced, left];
        let entries = told.into_iter().zip(1u64..);
        let entries = entries
            .map(|(told, number)| {
                let subject = Subject::from_bytes([number as u8; 16]);
                Entry { number, subject, epoch: 1, day: Day(20_800), told }
            })
            .collect();
        let sent = [NoteFate::Kept, NoteFate::NotIntroduced, NoteFate::OverBudget, NoteFate::TooManyWait];
        let full = Post { log: log(), sent, more: true, entries, notes: vec![(8, slot(1)), (9, slot(2))] };
        let none = Post { log: log(), sent: Default::default(), more: false, entries: Vec::new(), notes: Vec::new() };
        for post in [none, full.clone()] {
            let body = Reply::Post(post.clone()).encode().unwrap();
            assert_eq!(body.len(), 64 + 5 + 32 * 84 + 4 * 1_138);
            assert_eq!(Reply::decode(Kind::Post, &body).unwrap(), Reply::Post(post));
        }
        let body = Reply::Post(full).encode().unwrap();
        let with = |at: usize, byte: u8| {
            let mut other = body.clone();
            other[at] = byte;
            Reply::decode(Kind::Post, &other).err().map(|error| error.code())
        };
        let entry = |number: usize, at: usize| 64 + 5 + number * 84 + at;
        // A fate, a yes or no, an entry's order, kind, and what its kind does not have.
        let wrong = [64, 68, entry(0, 0), entry(0, 8), entry(0, 25), entry(2, 47), entry(2, 51), entry(1, 83)];
        for at in wrong {
            assert_eq!(with(at, 9), Some("malformed"), "{at}");
        }
        assert_eq!(Reply::decode(Kind::Post, &body[..body.len() - 1]).unwrap_err().code(), "malformed");
    }

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
        assert_eq!(decoded(&[]), "ok");
        for wrong in [
            &[(0x00, 12)][..],
            &[(0x20, 12)],
            &[(0x01, 9)],
            &[(0x01, 0)],
            &[(0x03, 12), (0x05, 12)],
            &[(0x02, 12), (0x01, 12)],
        ] {
            assert_eq!(decoded(wrong), "malformed", "{wrong:?}");
        }
    }

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
        assert_eq!(totals(1, 90, &[]), "ok");
        assert_eq!(totals(0, 240, &[]), "malformed");
        assert_eq!(totals(5, 240, &[]), "malformed");
        assert_eq!(totals(1, 241, &[]), "malformed");
        assert_eq!(totals(1, 240, &[(2, 0, 21)]), "malformed");
        assert_eq!(totals(1, 240, &[(2, 3, 20), (5, 0, 10)]), "malformed");
        assert_eq!(totals(1, 240, &[(2, 0, 20), (3, 0, 10)]), "malformed");
        assert_eq!(totals(1, 240, &[(3, 2, 20)]), "malformed");
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
