//! Upkeep of the two files: purging writes both anew without what was removed, and a backup is written in the same way,
//! to another folder.

use std::path::Path;
use std::sync::PoisonError;

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::disk::{Disk, StoreFolder};
use super::durable::DurableStore;
use super::error::{self, StoreError};
use super::file::{self, StoreFile};
use super::interface::{Purged, Upkeep};
use super::tables::{ABOUT, BLOBS, FLAGS, LEAVES, LEDGER, LINES, MANIFESTS, ROWS, fresh};

impl Upkeep for DurableStore {
    /// Writes what counts of both files to fresh ones, and puts those in their place.
    ///
    /// A page that redb frees keeps its bytes until it is used again, and redb's own compacting moves pages without
    /// wiping them. A fresh file holds nothing but what was written to it.
    fn purge(&self) -> Result<Purged, StoreError> {
        let before = self.bytes()?;
        let _dropping = self.dropping.write().unwrap_or_else(PoisonError::into_inner);
        let garbage = self.garbage.take();
        if !garbage.is_empty() {
            self.write_blobs(&garbage, &[])?;
        }
        {
            let _writing = self.flags.writing.lock().unwrap_or_else(PoisonError::into_inner);
            self.freshen(&self.flags)?;
        }
        let _alone = self.queue.alone();
        self.freshen(&self.ledger)?;
        Ok(Purged { before, after: self.bytes()? })
    }

    /// The ledger is looked at first: what it names is in the other file by then. Its copy gets its name last, so that
    /// a copy that was broken off is no store.
    fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let to = StoreFolder::create(to)?;
        if [FLAGS, LEDGER].iter().any(|name| to.exists(name)) {
            let finding = "there is a store already; nothing was changed: give another folder for the backup";
            return Err(error::store(&to.path(""), finding));
        }
        let _looking = self.dropping.read().unwrap_or_else(PoisonError::into_inner);
        let files = (self.ledger.readable()?, self.flags.readable()?);
        let failed = |name| move |error| error::redb(&self.disk.path(name), error);
        let ledger = files.0.begin_read().map_err(failed(LEDGER))?;
        let flags = files.1.begin_read().map_err(failed(FLAGS))?;
        let named = self.named(&ledger)?;
        let copied = [(FLAGS, &flags), (LEDGER, &ledger)].into_iter().try_for_each(|(name, from)| {
            write(&to, name, from, |blob| named.contains(&blob))?;
            let io = |source| error::io(&to.path(name), source);
            to.rename(&fresh(name), name).map_err(io)?;
            to.sync().map_err(io)
        });
        if copied.is_err() {
            // So that the next try finds the folder empty.
            for name in [&fresh(FLAGS), FLAGS, &fresh(LEDGER), LEDGER] {
                let _ = to.remove(name);
            }
        }
        copied
    }
}

impl DurableStore {
    fn freshen(&self, file: &StoreFile) -> Result<(), StoreError> {
        let failed = |error| error::redb(&self.disk.path(file.name), error);
        let database = file.writable()?;
        let from = database.begin_read().map_err(failed)?;
        let written = write(&*self.disk, file.name, &from, |_| true);
        drop((from, database));
        if let Err(error) = written {
            // It is no use to anybody; at the latest the next open removes it.
            let _ = self.disk.remove(&fresh(file.name));
            return Err(error);
        }
        file.replace(&fresh(file.name))
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        let length = |name| self.disk.length(name).map_err(|source| error::io(&self.disk.path(name), source));
        Ok(length(FLAGS)? + length(LEDGER)?)
    }
}

/// Writes what `from` shows of the file `name`, and of blobs those that are wanted, to the file that is to take its
/// place, durably.
fn write(disk: &dyn Disk, name: &str, from: &ReadTransaction, wanted: impl Fn(u64) -> bool) -> Result<(), StoreError> {
    let failed = |error: redb::Error| error::redb(&disk.path(name), error);
    let mut database = file::create(disk, &fresh(name))?;
    copy_tables(name, from, &database, wanted).map_err(failed)?;
    // A file grows by doubling; what it has too much goes here.
    database.compact().map_err(|error| failed(error.into()))?;
    database.close().map_err(|error| failed(error.into()))
}

fn copy_tables(
    name: &str,
    from: &ReadTransaction,
    to: &Database,
    wanted: impl Fn(u64) -> bool,
) -> Result<(), redb::Error> {
    let to = to.begin_write()?;
    copy(from, &to, ABOUT, |_| true)?;
    if name == FLAGS {
        copy(from, &to, BLOBS, wanted)?;
    } else {
        copy(from, &to, ROWS, |_| true)?;
        copy(from, &to, MANIFESTS, |_| true)?;
        copy(from, &to, LINES, |_| true)?;
        copy(from, &to, LEAVES, |_| true)?;
    }
    Ok(to.commit()?)
}

/// Copies the rows of a table whose keys are wanted.
fn copy<K: redb::Key + 'static, V: redb::Value + 'static>(
    from: &ReadTransaction,
    to: &WriteTransaction,
    table: TableDefinition<'_, K, V>,
    wanted: impl Fn(K::SelfType<'_>) -> bool,
) -> Result<(), redb::Error> {
    let mut target = to.open_table(table)?;
    for row in from.open_table(table)?.iter()? {
        let (key, value) = row?;
        if wanted(key.value()) {
            target.insert(key.value(), value.value())?;
        }
    }
    Ok(())
}
