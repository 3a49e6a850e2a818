//! What the broker keeps of what comes after a hit, and the bytes of each row of it.
//!
//! As in the ledger's other rows, a byte 1 comes before the fields; integers are little-endian; "how many" is 8 bytes.
//! Rows marked * are sealed under the key of their epoch and go with it.
//!
//! | row | fields |
//! |---|---|
//! | introduced | the day of the last turn at which it was looked at who is to be introduced, 2 |
//! | | the day of the turn that was counted last, 2; rows, conversations and notes then, in whole tens, 4 each |
//! | put forward * | the number of the message, 8; the digest of its policy; the last day, 2 |
//! | | how many receivers; of each its number, 2; how many rows; of each: tag, subject and conversation, 16 each |
//! | | how many codes, as many as receivers; of each 16 |
//! | asked * | how many tags; of each: the tag, 16; how many partners; of each its number, 2 |
//! | conversations | how many; of each: its id, 16; the epoch, 4; how many pairs; of each: the lower partner, 2; the |
//! | | higher, 2; 1 if they are introduced still, else 0. How many left; of each its number, 2, and that of the |
//! | | exchange that said so, 8 |
//! | mailbox | the number of the last entry, 8; of the last note, 8; whose note was numbered last, 2; |
//! | | the day of the last exchange, 2; how many entries that tell who left; each as in a post, 84 |
//! | entries * | how many; each as in a post, 84 |
//! | notes | how many; of each: its number, 8, 0 until a post has it; the note as in a post |
//! | last talk * | as the last status request of a partner |
//! | year | how many cells; of each: its bits, 1; the number, 4 |

use std::collections::BTreeMap;

use crate::codec::encode_fields;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::{Entry, EntryKind, NoteSlot};
use crate::tag::Tag;
use crate::talk::{ConversationId, RowCode, Subject};

/// All that a partner puts forward in an epoch.
#[derive(Clone, PartialEq)]
pub(crate) struct Forwarded {
    /// The number of the message that said it, which is that of each row.
    pub(crate) number: u64,
    /// The policy that it was said under.
    pub(crate) policy: Digest,
    /// The last day on which the rows stand.
    pub(crate) last_day: Day,
    /// Whom codes are for, ascending.
    pub(crate) receivers: Vec<u16>,
    /// By ascending tag.
    pub(crate) rows: Vec<ForwardedRow>,
}

/// A pseudonym that is put forward.
#[derive(Clone, PartialEq)]
pub(crate) struct ForwardedRow {
    pub(crate) tag: Tag,
    pub(crate) subject: Subject,
    pub(crate) conversation: ConversationId,
    /// One for each receiver.
    pub(crate) codes: Vec<RowCode>,
}

/// The partners that were asked to answer what others put forward, by tag, while a row stands there.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Asked {
    pub(crate) partners: BTreeMap<Tag, Vec<u16>>,
}

/// All introductions over one subject of one epoch.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Conversation {
    /// The epoch in which it began.
    pub(crate) epoch: u32,
    /// The lower and the higher partner of each pair that was introduced, and whether it is still. Who was introduced
    /// once knows of the other from then on, and counts in what section 4 of the text looks at.
    pub(crate) pairs: BTreeMap<(u16, u16), bool>,
    /// Those who left, each with the number of the exchange that said so: a row of a message before that introduces
    /// them no more.
    pub(crate) left: BTreeMap<u16, u64>,
}

/// What waits for a partner, without the notes.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Mailbox {
    /// The number of the last entry.
    pub(crate) last_entry: u64,
    /// The number of the last note.
    pub(crate) last_note: u64,
    /// Whose note was given the last number: the next one is of the sender after that one.
    pub(crate) served: u16,
    /// The day of the last exchange; the first of all days before there was one.
    pub(crate) exchanged: Day,
    /// Those that were not read yet, by number.
    pub(crate) entries: BTreeMap<u64, Entry>,
}

/// A mailbox as it is kept beside its sealed entries.
pub(crate) struct MailboxRow {
    pub(crate) last_entry: u64,
    pub(crate) last_note: u64,
    pub(crate) served: u16,
    pub(crate) exchanged: Day,
    /// Entries that tell who left. They name no subject, and outlive the epoch.
    pub(crate) left: Vec<Entry>,
}

/// Notes that wait for one partner of another, as they came. The first are those that a post had, by ascending number;
/// the others have 0 until one does, so that senders take turns in it.
pub(crate) type WaitingNotes = Vec<(u64, NoteSlot)>;

/// What was accepted of a partner on a day: it sends as much on each, and no more, so that the number tells nothing.
#[derive(Clone, Copy, Default)]
pub(crate) struct SentToday {
    pub(crate) day: Day,
    /// Whether a message that puts forward was.
    pub(crate) put_forward: bool,
    pub(crate) exchanges: u8,
}

/// The last turn of the day, and what was counted at one before.
pub(crate) struct TurnRow {
    pub(crate) turned: Day,
    pub(crate) counted: Counted,
}

/// How much there was at the first turn of a month, in whole tens: those who watch over the broker are shown this
/// until the next month, so that they see of nothing on which day it came.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) struct Counted {
    /// The day of that turn; the first of all days before there was one.
    pub(crate) day: Day,
    /// Rows, of all partners and epochs.
    pub(crate) rows: u32,
    /// Conversations in which somebody is introduced still.
    pub(crate) conversations: u32,
    /// Notes that waited.
    pub(crate) notes: u32,
}

/// What a partner reported of a year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct YearRow {
    /// Bits of what is counted, and how many.
    pub(crate) cells: Vec<(u8, u32)>,
}

/// The totals that an organisation was told, which it is told again until the quarter is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TotalsRow {
    pub(crate) release: u64,
    pub(crate) as_of: Timestamp,
    pub(crate) flags: u32,
    /// The fewest organisations, the most or 0, and how many pseudonyms.
    pub(crate) cells: Vec<(u8, (u8, u32))>,
}

impl SentToday {
    /// The same, where nothing was accepted yet on a day that is another.
    pub(crate) fn on(self, today: Day) -> SentToday {
        if self.day == today { self } else { SentToday { day: today, ..SentToday::default() } }
    }
}

impl Forwarded {
    /// The place of a partner's code in each row.
    pub(crate) fn place_of(&self, receiver: u16) -> Option<usize> {
        self.receivers.binary_search(&receiver).ok()
    }

    /// Whether there is a row on `tag`.
    pub(crate) fn has(&self, tag: &Tag) -> bool {
        self.rows.binary_search_by_key(tag, |row| row.tag).is_ok()
    }
}

impl Conversation {
    /// The key of a pair.
    pub(crate) fn pair(one: u16, other: u16) -> (u16, u16) {
        (one.min(other), one.max(other))
    }

    /// Whether two partners are introduced, and none of them has left since.
    pub(crate) fn introduces(&self, one: u16, other: u16) -> bool {
        self.pairs.get(&Conversation::pair(one, other)) == Some(&true)
    }

    /// The partners that `partner` is introduced to.
    pub(crate) fn others(&self, partner: u16) -> impl Iterator<Item = u16> {
        let pairs = self.pairs.iter().filter(|(_, is_introduced)| **is_introduced);
        pairs.filter_map(move |(pair, _)| other_of(*pair, partner))
    }
}

/// The other of a pair that has `partner`.
pub(crate) fn other_of((one, other): (u16, u16), partner: u16) -> Option<u16> {
    match partner {
        _ if partner == one => Some(other),
        _ if partner == other => Some(one),
        _ => None,
    }
}

/// Whether an entry names its subject, so that it is sealed and goes with the epoch.
pub(crate) fn names_subject(entry: &Entry) -> bool {
    !matches!(entry.told, EntryKind::Left { .. })
}

encode_fields! {
    Forwarded { number, policy, last_day, receivers, rows }
    where |forwarded| {
        let receivers = &forwarded.receivers;
        receivers.is_sorted_by(|a, b| a < b)
            && forwarded.rows.is_sorted_by(|a, b| a.tag < b.tag)
            && forwarded.rows.iter().all(|row| row.codes.len() == receivers.len())
    }, else "what is put forward is not in its one form"
}
encode_fields! { ForwardedRow { tag, subject, conversation, codes } }
encode_fields! { Asked { partners } }
encode_fields! {
    Conversation { epoch, pairs, left }
    where |one| one.pairs.keys().all(|(low, high)| low < high),
    else "a conversation is not in its one form"
}
encode_fields! {
    MailboxRow { last_entry, last_note, served, exchanged, left }
    where |row| {
        row.left.iter().all(|entry| !names_subject(entry) && entry.number <= row.last_entry)
    }, else "a mailbox has a number above the last"
}
encode_fields! { SentToday { day, put_forward, exchanges } }
encode_fields! {
    TurnRow { turned, counted } where |row| row.counted.day <= row.turned, else "a later turn was counted"
}
encode_fields! {
    Counted { day, rows, conversations, notes }
    where |counted| [counted.rows, counted.conversations, counted.notes].iter().all(|number| number % 10 == 0),
    else "what is shown is in whole tens"
}
encode_fields! { YearRow { cells } }
encode_fields! { TotalsRow { release, as_of, flags, cells } }

#[cfg(test)]
mod tests {
    use super::super::super::rows::{read_row, write_row};
    use super::*;
    use crate::codec::Encode;
    use crate::talk::SealedNote;

    /// Writes `row`, and checks that it comes back from these bytes alone.
    fn frozen<R: Encode>(row: R, bytes: &[&[u8]]) {
        let bytes = bytes.concat();
        assert_eq!(write_row(&row), bytes);
        assert_eq!(write_row(&read_row::<R>(&bytes).unwrap()), bytes);
        for length in 0..bytes.len() {
            assert!(read_row::<R>(&bytes[..length]).is_err(), "{length}");
        }
        assert!(read_row::<R>(&[&bytes, &[0][..]].concat()).is_err());
        assert!(read_row::<R>(&[&[2], &bytes[1..]].concat()).is_err());
    }

    fn number(value: u8) -> [u8; 8] {
        u64::from(value).to_le_bytes()
    }

    fn forwarded() -> Forwarded {
        Forwarded {
            number: 0x11,
            policy: Digest([0x12; 32]),
            last_day: Day(0x13),
            receivers: vec![0x14, 0x15],
            rows: vec![ForwardedRow {
                tag: Tag([0x16; 16]),
                subject: Subject::from_bytes([0x17; 16]),
                conversation: ConversationId([0x18; 16]),
                codes: vec![RowCode([0x19; 16]), RowCode([0x1a; 16])],
            }],
        }
    }

    fn entry(told: EntryKind) -> Entry {
        let is_left = matches!(told, EntryKind::Left { .. });
        let subject = if is_left { Subject::NONE } else { Subject::from_bytes([0x22; 16]) };
        Entry { number: 0x21, subject, epoch: 0x23, day: Day(0x24), told }
    }

    #[test]
    fn rows_are_these_bytes() {
        let head = [&number(0x11)[..], &[0x12; 32], &[0x13, 0], &number(2), &[0x14, 0, 0x15, 0]].concat();
        let row = [&[0x16; 16][..], &[0x17; 16], &[0x18; 16], &number(2), &[0x19; 16], &[0x1a; 16]].concat();
        frozen(forwarded(), &[&[1], &head, &number(1), &row]);
        let asked = Asked { partners: [(Tag([0x31; 16]), vec![0x32, 0x33])].into() };
        frozen(asked, &[&[1], &number(1), &[0x31; 16], &number(2), &[0x32, 0, 0x33, 0]]);
        let conversation = Conversation {
            epoch: 0x42,
            pairs: [((0x43, 0x44), true), ((0x43, 0x45), false)].into(),
            left: [(0x45, 0x46)].into(),
        };
        let pairs = [0x43, 0, 0x44, 0, 1, 0x43, 0, 0x45, 0, 0];
        frozen(
            BTreeMap::from([(ConversationId([0x41; 16]), conversation)]),
            &[
                &[1],
                &number(1),
                &[0x41; 16],
                &[0x42, 0, 0, 0],
                &number(2),
                &pairs,
                &number(1),
                &[0x45, 0],
                &number(0x46),
            ],
        );
        let left = EntryKind::Left { conversation: ConversationId([0x51; 16]), partner: 0x52 };
        let left = entry(left);
        let row = |last_entry| MailboxRow {
            last_entry,
            last_note: 0x54,
            served: 0x15,
            exchanged: Day(0x57),
            left: Vec::new(),
        };
        frozen(row(0x53), &[&[1], &number(0x53), &number(0x54), &[0x15, 0], &[0x57, 0], &number(0)]);
        let mailbox = MailboxRow { left: vec![left], ..row(0x53) };
        let bytes = write_row(&mailbox);
        assert_eq!(bytes.len(), 1 + 28 + 84);
        assert_eq!(write_row(&read_row::<MailboxRow>(&bytes).unwrap()), bytes);
        let asked = MailboxRow { left: vec![entry(EntryKind::Asked { answer_by: Day(9) })], ..row(0x53) };
        assert!(read_row::<MailboxRow>(&write_row(&asked)).is_err(), "it names a subject");
        let entries = vec![entry(EntryKind::Asked { answer_by: Day(0x25) })];
        let told = [&number(0x21)[..], &[1], &[0x22; 16], &[0; 16], &[0x23, 0, 0, 0], &[0x24, 0, 0x25, 0]].concat();
        frozen(entries, &[&[1], &number(1), &told, &[0; 2 + 8 + 8 + 16 + 1]]);
        let slot = NoteSlot {
            conversation: ConversationId([0x61; 16]),
            partner: 0x62,
            began: 0x63,
            number: 0x64,
            epoch: 0x65,
            sealed: SealedNote::from_bytes([0x66; 1_096]),
        };
        let note = [&[0x61; 16][..], &[0x62, 0, 0x63, 0, 0, 0], &number(0x64), &[0x65, 0, 0, 0], &[0x66; 1_096]];
        let notes: WaitingNotes = vec![(0x67, slot)];
        frozen(notes, &[&[1], &number(1), &number(0x67), &note.concat()]);
        let counted = Counted { day: Day(0x91), rows: 10, conversations: 20, notes: 30 };
        let bytes = [0x92, 0, 0x91, 0, 10, 0, 0, 0, 20, 0, 0, 0, 30, 0, 0, 0];
        frozen(TurnRow { turned: Day(0x92), counted }, &[&[1], &bytes]);
        let year = YearRow { cells: vec![(0x71, 0x72)] };
        frozen(year, &[&[1], &number(1), &[0x71, 0x72, 0, 0, 0]]);
        let totals =
            TotalsRow { release: 0x81, as_of: Timestamp(0x82), flags: 0x83, cells: vec![(0x84, (0x85, 0x86))] };
        let cells = [0x84, 0x85, 0x86, 0, 0, 0];
        frozen(totals, &[&[1], &number(0x81), &number(0x82), &[0x83, 0, 0, 0], &number(1), &cells]);
    }

    #[test]
    fn what_no_broker_writes_is_damage() {
        let counted = |day, notes| Counted { day: Day(day), rows: 10, conversations: 20, notes };
        let reads = |counted| read_row::<TurnRow>(&write_row(&TurnRow { turned: Day(9), counted })).is_ok();
        assert!(reads(counted(9, 30)) && !reads(counted(10, 30)) && !reads(counted(9, 31)));
        let refused = |forwarded: Forwarded| assert!(read_row::<Forwarded>(&write_row(&forwarded)).is_err());
        refused(Forwarded { receivers: vec![2, 1], ..forwarded() });
        refused(Forwarded { receivers: vec![1], ..forwarded() });
        let row = forwarded().rows.remove(0);
        refused(Forwarded { rows: vec![row.clone(), row], ..forwarded() });
        let refused = |pairs: &[(u16, u16)]| {
            let pairs = pairs.iter().map(|pair| (*pair, true)).collect();
            let bytes = write_row(&Conversation { epoch: 1, pairs, left: BTreeMap::new() });
            read_row::<Conversation>(&bytes).is_err()
        };
        assert!(!refused(&[(1, 2)]) && refused(&[(2, 1)]) && refused(&[(1, 1)]));
    }
}
