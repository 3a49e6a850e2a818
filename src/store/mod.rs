//! Where the broker keeps what must survive: a ledger of small rows, the lines of the log, and the accepted batches of flags.
//!
//! Batches are few and large, not a row a flag: a batch is what one message says, already tagged. The ledger says which
//! batches count. A [`Change`] is kept whole or not at all, and is on disk when [`Store::wait`] returns.

mod compact;
mod disk;
mod durable;
mod memory;
mod queue;
mod seal;
mod slot;
mod trouble;
mod upkeep;

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

pub(crate) use durable::DurableStore;
pub(crate) use memory::MemoryStore;
pub(crate) use queue::Ticket;
pub(crate) use seal::BlobKeys;
#[cfg(test)]
pub(crate) use simulated::SimDisk;

use crate::day::Day;
use crate::error::Error;
use crate::tag::Tag;
use seal::SealedBatch;

/// A store of one broker.
///
/// Many threads may use it at once. Changes are kept in the order of [`Store::submit`], and those that wait share one
/// write to the disk. When a write fails, all changes that were submitted and not yet kept fail with it, because each may
/// build on the one before.
pub(crate) trait Store: Send + Sync {
    /// All rows of the ledger, by ascending key.
    fn rows(&self) -> Result<Vec<(Key, Vec<u8>)>, Error>;

    /// Shows all batches, by ascending id.
    fn batches(&self, visit: &mut dyn FnMut(Batch) -> Result<(), Error>) -> Result<(), Error>;

    /// The leaf hashes of all lines of the log, those of lines that were pruned included.
    fn leaves(&self) -> Result<Vec<[u8; 32]>, Error>;

    /// Shows the lines of the log with an index in `range` that were not pruned, in order.
    fn lines(&self, range: Range<u64>, visit: &mut Visit<'_>) -> Result<(), Error>;

    /// Writes a large batch to disk ahead of the change that will add it, so that no other change waits for it.
    ///
    /// It does not count until that change is kept; let go of, it is forgotten.
    fn stage(&self, batch: &Batch) -> Result<Staged, Error>;

    /// Puts `change` in line to be kept, after all that were submitted before it. Batches in [`Change::added`] are staged first.
    ///
    /// Without [`Store::wait`] it is not known to be kept, and may lie until another change is waited for.
    fn submit(&self, change: &Change) -> Result<Ticket, Error>;

    /// Waits until the change is kept, whole and on disk; or nothing of it is kept, and an error.
    fn wait(&self, ticket: Ticket) -> Result<(), Error>;

    /// Keeps `change`, whole, on disk before this returns; or nothing of it, and an error.
    #[cfg(test)]
    fn commit(&self, change: &Change) -> Result<(), Error> {
        self.wait(self.submit(change)?)
    }

    /// Writes what counts to fresh files in the place of the old ones, so that nothing that was removed is left in the store's files.
    fn purge(&self) -> Result<Purged, Error>;

    /// Copies the store as it is at one moment to the folder `to`, which must hold none; to restore is to open the copy.
    fn backup(&self, to: &Path) -> Result<(), Error>;
}

/// What [`Store::lines`] shows a line to: its index and its bytes.
pub(crate) type Visit<'a> = dyn FnMut(u64, &[u8]) -> Result<(), Error> + 'a;

/// What one step of the broker changes.
#[derive(Default)]
pub(crate) struct Change {
    /// Rows to write, or to remove.
    pub(crate) rows: Vec<(Key, Option<Vec<u8>>)>,
    /// Batches to remove. They are removed before any is added, so that one may take the place of its namesake.
    pub(crate) removed: Vec<BatchId>,
    /// Batches to add.
    pub(crate) added: Vec<Batch>,
    /// Batches to add that were staged before.
    pub(crate) staged: Vec<Staged>,
    /// Lines to append to the log. Each must follow the last one that was kept, so that no change is kept that builds on one that was not.
    pub(crate) lines: Vec<Line>,
    /// Lines before this index go; their leaf hashes stay.
    pub(crate) prune: Option<u64>,
}

impl Change {
    pub(crate) fn is_empty(&self) -> bool {
        let Change { rows, removed, added, staged, lines, prune } = self;
        rows.is_empty()
            && removed.is_empty()
            && added.is_empty()
            && staged.is_empty()
            && lines.is_empty()
            && prune.is_none()
    }
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its place in the log, from 0.
    pub(crate) index: u64,
    pub(crate) bytes: Vec<u8>,
    /// Its hash in the log's tree.
    pub(crate) leaf: [u8; 32],
}

/// A batch that was written ahead of the change that will add it.
#[derive(Clone)]
pub(crate) enum Staged {
    /// In memory.
    Whole(Arc<Batch>),
    /// On disk.
    Sealed(Arc<SealedBatch>),
}

/// How many bytes the store's files took, and take now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Purged {
    pub(crate) before: u64,
    pub(crate) after: u64,
}

/// Names a row of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// The format of the store.
    Format,
    /// The policy in force.
    Policy,
    /// A partner's numbers, last replies and daily budgets.
    Partner(u16),
    /// An epoch's release.
    Epoch(u32),
    /// What the broker knows of a partner in an epoch.
    Share(u32, u16),
    /// What the broker keeps of its log beside the lines.
    Journal,
    /// The checkpoint of the log that was signed on a day.
    Checkpoint(Day),
    /// When the store was put back from a copy last.
    Restored,
    /// How many rows went out of the store since the last purge.
    Unpurged,
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

/// What a batch says of one tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) tag: Tag,
    /// How long the flag lasts; `None` where it is withdrawn.
    pub(crate) span: Option<Span>,
}

/// How long a flag lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    /// The day from which renewals are counted.
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
            Key::Journal => (5, 0, 0),
            Key::Checkpoint(day) => (6, 0, day.0),
            Key::Restored => (7, 0, 0),
            Key::Unpurged => (8, 0, 0),
        };
        let mut bytes = [kind; 7];
        bytes[1..5].copy_from_slice(&u32::to_be_bytes(epoch));
        bytes[5..].copy_from_slice(&u16::to_be_bytes(partner));
        bytes
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
            5 => Key::Journal,
            6 => Key::Checkpoint(Day(partner)),
            7 => Key::Restored,
            8 => Key::Unpurged,
            _ => return None,
        };
        (key.to_bytes() == bytes).then_some(key)
    }
}

impl Row {
    /// Whether it is a flag that ended before `day`.
    pub(crate) fn ended(&self, day: Day) -> bool {
        self.span.is_some_and(|span| span.last < day)
    }
}

/// Shows no tags.
impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("id", &self.id).field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}
