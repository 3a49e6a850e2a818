//! The post: what waited for a partner, and what became of the notes that it sent.

use super::exchange::{NOTES_AT_ONCE, NoteSlot};
use super::{malformed, read_slots, write_slots};
use crate::codec::{Encode, Malformed, Reader, Writer, encode_variants};
use crate::day::Day;
use crate::message::{LogEntry, MessageError};
use crate::talk::{ConversationId, RowCode, Subject};

/// The entries of one post.
pub const ENTRIES_AT_ONCE: usize = 32;

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

impl EntryKind {
    /// Whom it names, if anybody.
    pub(crate) fn partner(&self) -> Option<u16> {
        match self {
            EntryKind::Asked { .. } => None,
            EntryKind::Introduced { partner, .. } | EntryKind::Left { partner, .. } => Some(*partner),
        }
    }
}

impl Post {
    pub(in crate::message) fn encode(&self) -> Result<Vec<u8>, MessageError> {
        if self.entries.len() > ENTRIES_AT_ONCE || self.notes.len() > NOTES_AT_ONCE {
            let finding = "a post has at most 32 entries and 4 notes";
            return Err(MessageError::TooLarge { finding });
        }
        let mut writer = Writer::default();
        writer.put(&self.log);
        for fate in &self.sent {
            writer.put(fate);
        }
        writer.put(&self.more);
        write_slots(&mut writer, &self.entries, Entry::LENGTH, ENTRIES_AT_ONCE);
        write_slots(&mut writer, &self.notes, NOTE, NOTES_AT_ONCE);
        Ok(writer.finish())
    }

    pub(in crate::message) fn decode(body: &[u8]) -> Result<Post, MessageError> {
        let mut reader = Reader::new(body);
        let log = reader.get()?;
        let mut sent = [NoteFate::Empty; NOTES_AT_ONCE];
        for fate in &mut sent {
            *fate = reader.get()?;
        }
        let more = reader.get()?;
        let entries: Vec<Entry> = read_slots(&mut reader, Entry::LENGTH, ENTRIES_AT_ONCE)?;
        let notes: Vec<(u64, NoteSlot)> = read_slots(&mut reader, NOTE, NOTES_AT_ONCE)?;
        reader.end()?;
        let is_ascending = entries.is_sorted_by(|a, b| a.number < b.number) && notes.is_sorted_by(|a, b| a.0 < b.0);
        if !is_ascending || entries.iter().any(|entry| entry.number == 0) || notes.iter().any(|note| note.0 == 0) {
            return malformed("the entries or notes are not ascending by number, from 1");
        }
        let used = sent.iter().take_while(|fate| **fate != NoteFate::Empty).count();
        if sent[used..].iter().any(|fate| *fate != NoteFate::Empty) {
            return malformed("what became of a note stands after an empty slot");
        }
        Ok(Post { log, sent, more, entries, notes })
    }
}

encode_variants! {
    NoteFate { 0 => Empty, 1 => Kept, 2 => NotIntroduced, 3 => OverBudget, 4 => TooManyWait },
    else "what became of a note has no meaning"
}

/// The bytes of a note in a post: its number, then the slot.
const NOTE: usize = 8 + NoteSlot::LENGTH;

const ASKED: u8 = 1;
const INTRODUCED: u8 = 2;
const LEFT: u8 = 3;

impl Entry {
    /// The bytes of an entry.
    const LENGTH: usize = 84;
}

/// In a post and in the broker's store alike.
impl Encode for Entry {
    fn encode(&self, writer: &mut Writer) {
        let (kind, conversation, last_day, partner, row, own_row, code) = match self.told {
            EntryKind::Asked { answer_by } => (ASKED, ConversationId::NONE, answer_by, 0, 0, 0, RowCode::NONE),
            EntryKind::Introduced { conversation, partner, last_day, row, own_row, code } => {
                (INTRODUCED, conversation, last_day, partner, row, own_row, code)
            }
            EntryKind::Left { conversation, partner } => (LEFT, conversation, Day(0), partner, 0, 0, RowCode::NONE),
        };
        writer.u64(self.number).u8(kind).put(&self.subject).put(&conversation).u32(self.epoch);
        writer.put(&self.day).put(&last_day).u16(partner).u64(row).u64(own_row).put(&code).u8(0);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Entry, Malformed> {
        let (number, kind) = (reader.u64()?, reader.u8()?);
        let (subject, conversation): (Subject, ConversationId) = reader.get()?;
        let epoch = reader.u32()?;
        let (day, last_day): (Day, Day) = reader.get()?;
        let (partner, row, own_row) = (reader.u16()?, reader.u64()?, reader.u64()?);
        let (code, reserved): (RowCode, u8) = reader.get()?;
        let has_partner = conversation != ConversationId::NONE && partner > 0;
        let (told, is_whole) = match kind {
            ASKED => {
                let is_whole = conversation == ConversationId::NONE && partner == 0;
                (EntryKind::Asked { answer_by: last_day }, is_whole && (row, own_row, code) == (0, 0, RowCode::NONE))
            }
            INTRODUCED => {
                // The coordinator has no row. Of the two, one is not the coordinator.
                let is_whole = has_partner && (row == 0) == (code == RowCode::NONE) && (row, own_row) != (0, 0);
                (EntryKind::Introduced { conversation, partner, last_day, row, own_row, code }, is_whole)
            }
            LEFT => {
                // The epoch whose key kept the subject may be over.
                let has_none = (last_day, row, own_row, code) == (Day(0), 0, 0, RowCode::NONE);
                let is_whole = has_partner && has_none && subject == Subject::NONE;
                (EntryKind::Left { conversation, partner }, is_whole)
            }
            _ => return Err(Malformed("an entry is of no known kind")),
        };
        if !is_whole || reserved != 0 {
            return Err(Malformed("an entry has what its kind does not have, or lacks what it has"));
        }
        Ok(Entry { number, subject, epoch, day, told })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::talk::tests::{code, log, slot};
    use crate::message::{Kind, Reply};

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
                let is_left = matches!(told, EntryKind::Left { .. });
                let subject = if is_left { Subject::NONE } else { Subject::from_bytes([number as u8; 16]) };
                Entry { number, subject, epoch: 1, day: Day(20_800), told }
            })
            .collect();
        let sent = [NoteFate::Kept, NoteFate::NotIntroduced, NoteFate::OverBudget, NoteFate::TooManyWait];
        let full = Post { log: log(), sent, more: true, entries, notes: vec![(8, slot(1)), (9, slot(2))] };
        let empty = Post { log: log(), sent: Default::default(), more: false, entries: Vec::new(), notes: Vec::new() };
        for post in [empty.clone(), full.clone()] {
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
        // A fate, one after an empty slot, a yes or no, an entry's order, its kind, and what its kind does not have.
        let wrong = [
            (64, 5),
            (64, 0),
            (68, 2),
            (entry(0, 0), 0),
            (entry(0, 0), 3),
            (entry(0, 8), 0),
            (entry(0, 8), 4),
            (entry(0, 25), 9),
            (entry(0, 49), 9),
            (entry(0, 83), 9),
            (entry(1, 49), 0),
            (entry(1, 51), 0),
            (entry(2, 47), 9),
            (entry(2, 51), 9),
            (entry(2, 59), 9),
            (entry(2, 67), 9),
        ];
        for (at, byte) in wrong {
            assert_eq!(with(at, byte), Some("malformed"), "{at} {byte}");
        }
        // Its partner or its own row is the coordinator's, and not both; a row without a code is nobody's.
        let introduced = |row: u64, own_row: u64, code: RowCode| {
            let told = EntryKind::Introduced {
                conversation: ConversationId([3; 16]),
                partner: 4,
                last_day: Day(20_801),
                row,
                own_row,
                code,
            };
            let entries = vec![Entry { number: 1, subject: Subject::from_bytes([1; 16]), epoch: 1, day: Day(1), told }];
            let body = Reply::Post(Post { entries, ..empty.clone() }).encode().unwrap();
            Reply::decode(Kind::Post, &body).is_ok()
        };
        assert!(introduced(11, 12, code(5)) && introduced(0, 12, RowCode::NONE) && introduced(11, 0, code(5)));
        assert!(!introduced(0, 12, code(5)) && !introduced(11, 12, RowCode::NONE) && !introduced(0, 0, RowCode::NONE));
        assert_eq!(Reply::decode(Kind::Post, &body[..body.len() - 1]).unwrap_err().code(), "malformed");
    }
}
