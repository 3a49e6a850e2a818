//! What a store holds: rows of the ledger by key, lines of the log, batches of flags.

use std::fmt;

use crate::day::Day;
use crate::tag::Tag;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its place in the log, from 0.
    pub(crate) index: u64,
    pub(crate) bytes: Vec<u8>,
    /// Its hash in the log's tree.
    pub(crate) leaf: [u8; 32],
}

/// Names a row of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// The format of the store.
    Format,
    /// The policy in force.
    Policy,
    /// A partner's numbers and last replies.
    Partner(u16),
    /// An epoch's release.
    Epoch(u32),
    /// What the broker knows of a partner in an epoch.
    Share(u32, u16),
    /// What is counted of the log beside its lines.
    LogCounts,
    /// The checkpoint of the log that was signed on a day.
    Checkpoint(Day),
    /// When the store was put back from a copy last.
    Restored,
    /// How many rows went out of the store since the last purge.
    Unpurged,
    /// What an organisation spent of its budgets. The broker counts them as they come.
    Organisation(u32),
    /// The certificates and suspensions of a partner in an epoch.
    Certificates(u32, u16),
    /// For how long there was no release, where nobody has said since that the clock is right.
    Silence,
    /// The last turn of the day at which it was looked at who is to be introduced.
    Introduced,
    /// What a partner puts forward in an epoch. Sealed.
    PutForward(u32, u16),
    /// Which partners were asked to answer what others put forward in an epoch. Sealed.
    Asked(u32),
    /// The conversations that began in an epoch and whose id begins with these two bytes.
    Conversations(u32, u16),
    /// The numbers of a partner's post, and of it what tells of no subject.
    Mailbox(u16),
    /// What waits for a partner of an epoch's subjects. Sealed.
    Entries(u32, u16),
    /// The notes that wait for one partner of another.
    Notes(u16, u16),
    /// The reply to a partner's last message of what comes after a hit, which was of this epoch. Sealed.
    LastTalk(u32, u16),
    /// What a partner reported of a year.
    Year(u16, u16),
}

/// Names a batch: the message that brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BatchId {
    pub(crate) epoch: u32,
    pub(crate) partner: u16,
    /// The message's state number.
    pub(crate) sequence: u64,
}

/// The flags that one message added, changed or withdrew.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) id: BatchId,
    /// Of a full set: which part, and of how many; `None` for a delta.
    pub(crate) part: Option<(u16, u16)>,
    /// The rows, by ascending tag, each tag once.
    pub(crate) rows: Vec<Row>,
}

/// What a batch says of one tag: that it is flagged, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) tag: Tag,
    /// How long the flag lasts. One that was withdrawn lasted until the day before.
    pub(crate) span: Span,
}

/// How long a flag lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    /// The day on which it was flagged first.
    pub(crate) first: Day,
    /// The last day on which it is valid.
    pub(crate) last: Day,
}

impl Key {
    /// The bytes: a kind, then epoch and partner, big-endian, so that the order of bytes is that of keys.
    pub(crate) fn to_bytes(self) -> [u8; 7] {
        let (kind, epoch, partner) = match self {
            Key::Format => (0, 0, 0),
            Key::Policy => (1, 0, 0),
            Key::Partner(partner) => (2, 0, partner),
            Key::Epoch(epoch) => (3, epoch, 0),
            Key::Share(epoch, partner) => (4, epoch, partner),
            Key::LogCounts => (5, 0, 0),
            Key::Checkpoint(day) => (6, 0, day.0),
            Key::Restored => (7, 0, 0),
            Key::Unpurged => (8, 0, 0),
            Key::Organisation(at) => (9, at, 0),
            Key::Certificates(epoch, partner) => (10, epoch, partner),
            Key::Silence => (11, 0, 0),
            Key::Introduced => (12, 0, 0),
            Key::PutForward(epoch, partner) => (13, epoch, partner),
            Key::Asked(epoch) => (14, epoch, 0),
            Key::Conversations(epoch, first) => (15, epoch, first),
            Key::Mailbox(partner) => (16, 0, partner),
            Key::Entries(epoch, partner) => (17, epoch, partner),
            Key::Notes(receiver, sender) => (18, receiver.into(), sender),
            Key::LastTalk(epoch, partner) => (19, epoch, partner),
            Key::Year(year, partner) => (20, year.into(), partner),
        };
        let mut bytes = [kind; 7];
        bytes[1..5].copy_from_slice(&u32::to_be_bytes(epoch));
        bytes[5..].copy_from_slice(&u16::to_be_bytes(partner));
        bytes
    }

    /// The epoch under whose key a store on disk seals the row: one that tells of a pseudonym, and goes with the epoch.
    pub(crate) fn sealed_in(self) -> Option<u32> {
        match self {
            Key::PutForward(epoch, _) | Key::Asked(epoch) | Key::Entries(epoch, _) | Key::LastTalk(epoch, _) => {
                Some(epoch)
            }
            _ => None,
        }
    }

    pub(crate) fn from_bytes(bytes: [u8; 7]) -> Option<Key> {
        let [kind, e0, e1, e2, e3, p0, p1] = bytes;
        let (epoch, partner) = (u32::from_be_bytes([e0, e1, e2, e3]), u16::from_be_bytes([p0, p1]));
        let key = match kind {
            0 => Key::Format,
            1 => Key::Policy,
            2 => Key::Partner(partner),
            3 => Key::Epoch(epoch),
            4 => Key::Share(epoch, partner),
            5 => Key::LogCounts,
            6 => Key::Checkpoint(Day(partner)),
            7 => Key::Restored,
            8 => Key::Unpurged,
            9 => Key::Organisation(epoch),
            10 => Key::Certificates(epoch, partner),
            11 => Key::Silence,
            12 => Key::Introduced,
            13 => Key::PutForward(epoch, partner),
            14 => Key::Asked(epoch),
            15 => Key::Conversations(epoch, partner),
            16 => Key::Mailbox(partner),
            17 => Key::Entries(epoch, partner),
            // What does not fit two bytes comes back as other bytes, and so is no key.
            18 => Key::Notes(epoch as u16, partner),
            19 => Key::LastTalk(epoch, partner),
            20 => Key::Year(epoch as u16, partner),
            _ => return None,
        };
        (key.to_bytes() == bytes).then_some(key)
    }
}

impl Span {
    /// Whether the flag ended before `day`.
    pub(crate) fn ended(&self, day: Day) -> bool {
        self.last < day
    }

    /// How long the flag lasts, or lasted, once it is withdrawn on `day`: until the day before, if it was held then.
    pub(crate) fn withdrawn(self, day: Day) -> Span {
        Span { last: self.last.min(Day(day.0.saturating_sub(1))), ..self }
    }

    /// Whether it ended so long before `day` that nothing is to be known of it any more.
    pub(crate) fn is_forgotten(&self, day: Day) -> bool {
        self.last.is_forgotten(day)
    }
}

/// Shows no tags.
impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("id", &self.id).field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}
