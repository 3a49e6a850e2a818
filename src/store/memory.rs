//! A store that is gone with the process, for tests and simulations.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::commit_queue::Ticket;
use super::error::{self, StoreError};
use super::interface::{Change, Staged, Store, Upkeep};
use super::model::{Batch, BatchId, Key};

/// A store in memory.
#[derive(Default)]
pub(crate) struct MemoryStore {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    rows: BTreeMap<Key, Vec<u8>>,
    batches: BTreeMap<BatchId, Arc<Batch>>,
    lines: BTreeMap<u64, Vec<u8>>,
    leaves: Vec<[u8; 32]>,
}

impl MemoryStore {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // No step in between can be seen half-done, so what a panicking thread left is whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn rows(&self) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
        Ok(self.kept().rows.iter().map(|(key, value)| (*key, value.clone())).collect())
    }

    fn batches(&self, visit: &mut dyn FnMut(Batch) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.kept().batches.values().map(|batch| Batch::clone(batch)).try_for_each(visit)
    }

    fn leaves(&self) -> Result<Vec<[u8; 32]>, StoreError> {
        Ok(self.kept().leaves.clone())
    }

    fn lines(&self, range: Range<u64>) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        Ok(self.kept().lines.range(range).map(|(index, line)| (*index, line.clone())).collect())
    }

    fn stage(&self, batch: &Batch) -> Result<Staged, StoreError> {
        Ok(Staged::Whole(Arc::new(batch.clone())))
    }

    fn submit(&self, change: Change) -> Result<Ticket, StoreError> {
        let mut kept = self.kept();
        let mut next = kept.leaves.len() as u64..;
        if change.lines.iter().any(|line| Some(line.index) != next.next()) {
            return Err(error::out_of_order(Path::new("in memory")));
        }
        for (key, value) in change.rows {
            match value {
                Some(value) => kept.rows.insert(key, value),
                None => kept.rows.remove(&key),
            };
        }
        for id in &change.removed {
            kept.batches.remove(id);
        }
        for staged in change.added {
            // A batch that another store staged is not this one's to add.
            if let Staged::Whole(batch) = staged {
                kept.batches.insert(batch.id, batch);
            }
        }
        for line in change.lines {
            kept.lines.insert(line.index, line.bytes);
            kept.leaves.push(line.leaf);
        }
        if let Some(before) = change.prune {
            kept.lines.retain(|index, _| *index >= before);
        }
        Ok(Ticket::committed())
    }

    fn wait(&self, ticket: Ticket) -> Result<(), StoreError> {
        ticket.outcome().unwrap_or(Ok(()))
    }

    fn upkeep(&self) -> Option<&dyn Upkeep> {
        None
    }
}
