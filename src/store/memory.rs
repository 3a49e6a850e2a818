//! A store that is gone with the process, for tests and simulations.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Batch, BatchId, Change, Key, Store};
use crate::error::Error;

/// See the module.
#[derive(Default)]
pub(crate) struct MemoryStore {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    rows: BTreeMap<Key, Vec<u8>>,
    batches: BTreeMap<BatchId, Batch>,
}

impl MemoryStore {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // No step in between can be seen half-done, so what a panicking thread left is whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn rows(&self) -> Result<Vec<(Key, Vec<u8>)>, Error> {
        Ok(self.kept().rows.iter().map(|(key, value)| (*key, value.clone())).collect())
    }

    fn batches(&self, visit: &mut dyn FnMut(Batch) -> Result<(), Error>) -> Result<(), Error> {
        self.kept().batches.values().cloned().try_for_each(visit)
    }

    fn commit(&self, change: &Change) -> Result<(), Error> {
        let mut kept = self.kept();
        for (key, value) in &change.rows {
            match value {
                Some(value) => kept.rows.insert(*key, value.clone()),
                None => kept.rows.remove(key),
            };
        }
        kept.batches.extend(change.added.iter().map(|batch| (batch.id, batch.clone())));
        for id in &change.removed {
            kept.batches.remove(id);
        }
        Ok(())
    }
}
