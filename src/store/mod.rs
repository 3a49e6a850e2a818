//! Where the broker keeps what must survive: a ledger of small rows, and the accepted batches of flags.
//!
//! Batches are few and large, not a row a flag: a batch is what one message says, already tagged. The ledger says which
//! batches count. A [`Change`] is kept whole or not at all, and is on disk when [`Store::commit`] returns.

mod memory;
mod redb;

pub(crate) use self::redb::RedbStore;
pub(crate) use memory::MemoryStore;

use crate::codec::{Malformed, Reader, Writer};
use crate::day::Day;
use crate::error::Error;
use crate::pseudonym::Tag;

/// A store of one broker.
pub(crate) trait Store: Send + Sync {
    /// All rows of the ledger, by ascending key.
    fn rows(&self) -> Result<Vec<(Key, Vec<u8>)>, Error>;

    /// Shows all batches, by ascending id.
    fn batches(&self, visit: &mut dyn FnMut(Batch) -> Result<(), Error>) -> Result<(), Error>;

    /// Keeps `change`, whole, on disk before this returns; or nothing of it, and an error.
    fn commit(&self, change: &Change) -> Result<(), Error>;
}

/// What one step of the broker changes.
#[derive(Default)]
pub(crate) struct Change {
    /// Rows to write, or to remove.
    pub(crate) rows: Vec<(Key, Option<Vec<u8>>)>,
    /// Batches to add.
    pub(crate) added: Vec<Batch>,
    /// Batches to remove.
    pub(crate) removed: Vec<BatchId>,
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

impl Batch {
    /// The rows and the part as bytes: tags in one column, days in the next.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (part, of) = self.part.unwrap_or((0, 0));
        let tags: Vec<[u8; 16]> = self.rows.iter().map(|row| row.tag.0).collect();
        let mut writer = Writer::default();
        writer.u16(part).u16(of).column(&tags);
        for row in &self.rows {
            let (first, last) = row.span.map_or((0, 0), |span| (span.first.0, span.last.0));
            writer.u16(first).u16(last);
        }
        writer.finish()
    }

    pub(crate) fn decode(id: BatchId, bytes: &[u8]) -> Result<Batch, Malformed> {
        let mut reader = Reader::new(bytes);
        let part = match (reader.u16()?, reader.u16()?) {
            (0, 0) => None,
            part => Some(part),
        };
        let tags = reader.column()?;
        let mut rows = Vec::with_capacity(tags.len());
        for tag in tags {
            // No flag lasts until 1970-01-01, so that day can stand for none.
            let span = match (reader.u16()?, reader.u16()?) {
                (0, 0) => None,
                (first, last) => Some(Span { first: Day(first), last: Day(last) }),
            };
            rows.push(Row { tag: Tag(*tag), span });
        }
        reader.end()?;
        Ok(Batch { id, part, rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(sequence: u64) -> Batch {
        let span = Some(Span { first: Day(20_000), last: Day(20_100) });
        let rows = vec![Row { tag: Tag([1; 16]), span }, Row { tag: Tag([2; 16]), span: None }];
        Batch { id: BatchId { epoch: 1, partner: 7, sequence }, part: Some((1, 2)), rows }
    }

    #[test]
    fn keys_come_back_in_their_order() {
        let keys = [
            Key::Format,
            Key::Policy,
            Key::Partner(1),
            Key::Partner(300),
            Key::Epoch(1),
            Key::Share(1, 2),
            Key::Share(256, 1),
        ];
        assert!(keys.is_sorted() && keys.map(Key::to_bytes).is_sorted());
        for key in keys {
            assert_eq!(Key::from_bytes(key.to_bytes()), Some(key));
        }
        assert_eq!(Key::from_bytes([0, 0, 0, 0, 1, 0, 0]), None);
        assert_eq!(Key::from_bytes([9; 7]), None);
    }

    #[test]
    fn every_store_keeps_what_was_committed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let stores: [Box<dyn Store>; 2] =
            [Box::new(MemoryStore::default()), Box::new(RedbStore::create(&path).unwrap())];
        for store in stores {
            let rows = vec![(Key::Partner(7), Some(vec![1])), (Key::Epoch(1), Some(vec![2]))];
            store.commit(&Change { rows, added: vec![example(1), example(2)], removed: vec![] }).unwrap();
            let rows = vec![(Key::Partner(7), Some(vec![3])), (Key::Epoch(1), None)];
            store.commit(&Change { rows, added: vec![], removed: vec![example(1).id] }).unwrap();
            assert_kept(&*store);
        }
        assert_kept(&RedbStore::open(&path).unwrap());
    }

    fn assert_kept(store: &dyn Store) {
        assert_eq!(store.rows().unwrap(), [(Key::Partner(7), vec![3])]);
        let mut seen = vec![];
        store
            .batches(&mut |batch| {
                seen.push(batch);
                Ok(())
            })
            .unwrap();
        assert!(seen == [example(2)]);
    }

    #[test]
    fn a_store_that_is_not_there_or_open_elsewhere_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        assert_eq!(RedbStore::open(&path).err().unwrap().code(), "store");
        let _held = RedbStore::create(&path).unwrap();
        assert_eq!(RedbStore::open(&path).err().unwrap().code(), "store");
        assert_eq!(RedbStore::create(&path).err().unwrap().code(), "store");
        std::fs::write(folder.path().join("junk"), b"not a store at all").unwrap();
        assert_eq!(RedbStore::open(&folder.path().join("junk")).err().unwrap().code(), "store");
    }
}
