//! The tests of the stores: those that every store must pass, and those of the store on disk.

mod every_store;
mod files;

use std::sync::Arc;

use super::simulated::Random;
use super::*;
use crate::day::Day;
use crate::secret::Key32;
use crate::system::SystemError;
use crate::tag::Tag;

/// A key for each epoch, and none for epoch 99.
struct Keys;

impl BlobKeys for Keys {
    fn blob_key(&self, epoch: u32) -> Result<Arc<Key32>, StoreError> {
        if epoch == 99 {
            return Err(SystemError::Random.into());
        }
        Ok(Arc::new(Key32::from_bytes([epoch as u8 + 1; 32])))
    }
}

fn keys() -> Arc<dyn BlobKeys> {
    Arc::new(Keys)
}

/// All that a store shows.
#[derive(PartialEq)]
struct Contents {
    rows: Vec<(Key, Vec<u8>)>,
    batches: Vec<Batch>,
    leaves: Vec<[u8; 32]>,
    lines: Vec<(u64, Vec<u8>)>,
}

fn contents(store: &dyn Store) -> Result<Contents, StoreError> {
    let (mut batches, mut lines) = (Vec::new(), Vec::new());
    store.batches(&mut |batch| {
        batches.push(batch);
        Ok(())
    })?;
    loop {
        let from = lines.last().map_or(0, |(last, _): &(u64, Vec<u8>)| last + 1);
        let more = store.lines(from..u64::MAX)?;
        if more.is_empty() {
            break;
        }
        lines.extend(more);
    }
    Ok(Contents { rows: store.rows()?, batches, leaves: store.leaves()?, lines })
}

fn batch(id: BatchId, rows: u64, random: &mut Random) -> Batch {
    let mut tags: Vec<[u8; 16]> =
        (0..rows).map(|_| ((u128::from(random.next()) << 64) | u128::from(random.next())).to_be_bytes()).collect();
    tags.sort_unstable();
    let row = |tag| {
        let span = Span { first: Day(random.below(3) as u16), last: Day(20_000 + random.below(9) as u16) };
        Row { tag: Tag(tag), span }
    };
    Batch { id, part: None, rows: tags.into_iter().map(row).collect() }
}

fn whole(batch: Batch) -> Staged {
    Staged::Whole(Arc::new(batch))
}

/// A change that is a little of everything: rows, log lines, new batches, removals, merged sets.
fn change(model: &Contents, number: u64, random: &mut Random) -> Change {
    let (epoch, partner) = (1 + random.below(2) as u32, 1 + random.below(3) as u16);
    let mut change = Change::default();
    let bytes = |random: &mut Random| (0..random.below(200)).map(|_| random.next() as u8).collect::<Vec<u8>>();
    for _ in 0..random.below(3) {
        let sealed = Key::PutForward(epoch, partner);
        let key = [Key::Policy, Key::Partner(partner), Key::Epoch(epoch), Key::Share(epoch, partner), sealed];
        let value = (random.below(4) > 0).then(|| bytes(random));
        change.rows.push((key[random.below(5) as usize], value));
    }
    for index in 0..random.below(3) {
        let index = model.leaves.len() as u64 + index;
        change.lines.push(Line { index, bytes: bytes(random), leaf: [random.next() as u8; 32] });
    }
    if random.below(8) == 0 {
        change.prune = Some(random.below(model.leaves.len() as u64 / 2 + 1));
    }
    let mine: Vec<BatchId> = model.batches.iter().map(|batch| batch.id).filter(|id| id.epoch == epoch).collect();
    match random.below(4) {
        0 if mine.len() > 2 => {
            // A merged set: the base takes the place and the name of the last.
            change.removed = mine.clone();
            change.added.push(whole(batch(mine[mine.len() - 1], 300, random)));
        }
        1 => change.removed.extend(mine.first()),
        2 => change.added.push(whole(batch(BatchId { epoch, partner, sequence: number }, 9_000, random))),
        _ => {
            let rows = random.below(100);
            change.added.push(whole(batch(BatchId { epoch, partner, sequence: number }, rows, random)));
        }
    }
    change
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
        Key::LogCounts,
        Key::Checkpoint(Day(1)),
        Key::Restored,
        Key::Unpurged,
        Key::Silence,
        Key::Introduced,
        Key::PutForward(1, 2),
        Key::Asked(1),
        Key::Conversations(1, 2),
        Key::Mailbox(2),
        Key::Entries(1, 2),
        Key::Notes(2, 3),
        Key::LastTalk(1, 2),
        Key::Year(2026, 2),
    ];
    assert!(keys.is_sorted() && keys.map(Key::to_bytes).is_sorted());
    for key in keys {
        assert_eq!(Key::from_bytes(key.to_bytes()), Some(key));
    }
    assert_eq!(Key::from_bytes([0, 0, 0, 0, 1, 0, 0]), None);
    assert_eq!(Key::from_bytes([9; 7]), None);
    for kind in [18, 20] {
        assert_eq!(Key::from_bytes([kind, 0, 1, 0, 0, 0, 1]), None, "three bytes for two");
    }
}
