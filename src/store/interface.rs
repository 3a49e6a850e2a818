//! What the broker asks of a store, and what it hands to it.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::commit_queue::Ticket;
use super::error::StoreError;
use super::model::{Batch, BatchId, Key, Line};
use super::seal::SealedBatch;

/// A store of one broker.
///
/// Many threads may use it at once. Changes are kept in the order of [`Store::submit`], and those that wait share one
/// write to the disk. When a write fails, all changes that were submitted and not yet kept fail with it, because each
/// may build on the one before.
pub(crate) trait Store: Send + Sync {
    /// All rows of the ledger, by ascending key.
    fn rows(&self) -> Result<Vec<(Key, Vec<u8>)>, StoreError>;

    /// Shows `visit` all batches, by ascending id; ends with the first error that it gives.
    fn batches(&self, visit: &mut dyn FnMut(Batch) -> Result<(), StoreError>) -> Result<(), StoreError>;

    /// The leaf hashes of all lines of the log, those of lines that were pruned included.
    fn leaves(&self) -> Result<Vec<[u8; 32]>, StoreError>;

    /// The lines of the log with an index in `range` that were not pruned, in order: the first of them, if they are
    /// many.
    fn lines(&self, range: Range<u64>) -> Result<Vec<(u64, Vec<u8>)>, StoreError>;

    /// Writes a large batch to disk ahead of the change that will add it, so that no other change waits for it.
    ///
    /// It does not count until that change is committed. Dropped before, it is forgotten.
    fn stage(&self, batch: &Batch) -> Result<Staged, StoreError>;

    /// Puts `change` in line to be kept, after all that were submitted before it.
    ///
    /// Without [`Store::wait`] it is not known to be kept, and may lie until another change is waited for.
    fn submit(&self, change: Change) -> Result<Ticket, StoreError>;

    /// Waits until the change is committed, whole and on disk. After an error nothing of it was kept, unless that is
    /// [`StoreError::OutcomeUnknown`]: then it may be or may not be, and every change after it fails with the same,
    /// until the store is opened again.
    fn wait(&self, ticket: Ticket) -> Result<(), StoreError>;

    /// Submits `change` and waits for it.
    #[cfg(test)]
    fn commit(&self, change: &Change) -> Result<(), StoreError> {
        self.wait(self.submit(change.clone())?)
    }

    /// What can be done with the store's own files; `None` where it has none.
    fn upkeep(&self) -> Option<&dyn Upkeep>;
}

/// What the operator has done with the files of a store that keeps its own.
pub(crate) trait Upkeep {
    /// Writes what counts to fresh files in the place of the old ones, so that nothing that was removed is left in the
    /// store's files.
    fn purge(&self) -> Result<Purged, StoreError>;

    /// Copies the store as it is at one moment to the folder `to`, which must hold none; to restore is to open the
    /// copy.
    fn backup(&self, to: &Path) -> Result<(), StoreError>;
}

/// What one step of the broker changes.
#[derive(Default)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Change {
    /// Rows to write, or to remove.
    pub(crate) rows: Vec<(Key, Option<Vec<u8>>)>,
    /// Batches to remove. They are removed before any is added, so that one may take the place of its namesake.
    pub(crate) removed: Vec<BatchId>,
    /// Batches to add.
    pub(crate) added: Vec<Staged>,
    /// Lines to append to the log. Each must follow the last one that was kept, so that no change is kept that builds
    /// on one that was not.
    pub(crate) lines: Vec<Line>,
    /// Lines before this index go; their leaf hashes stay.
    pub(crate) prune: Option<u64>,
}

impl Change {
    pub(crate) fn is_empty(&self) -> bool {
        let Change { rows, removed, added, lines, prune } = self;
        rows.is_empty() && removed.is_empty() && added.is_empty() && lines.is_empty() && prune.is_none()
    }
}

/// A batch that is to be added by a change.
#[derive(Clone)]
pub(crate) enum Staged {
    /// In memory: a store on disk writes it when the change is submitted.
    Whole(Arc<Batch>),
    /// On disk.
    Sealed(Arc<SealedBatch>),
}

/// How many bytes the store's files took, and take now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Purged {
    pub(crate) before: u64,
    pub(crate) after: u64,
}
