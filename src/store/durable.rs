//! The store on disk: two redb files in a folder.
//!
//! `flags.redb` holds the batches, as sealed chunks; `ledger.redb` the rows, the sealed manifests that say which chunks
//! count, and the log. A batch is written durably to `flags.redb` first; then one transaction of `ledger.redb` is the
//! moment at which it, and all that changes with it, counts. So a question's line waits for no large message, and
//! chunks that no manifest names, as a crash in between leaves them, are dropped at open.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use redb::{Database, Durability, ReadTransaction, ReadableDatabase, ReadableTable, WriteTransaction};

use super::commit_queue::{CommitQueue, Ticket};
use super::disk::{CopiedFolder, Disk, StoreFolder};
use super::error::{self, StoreError};
use super::file::{self, StoreFile};
use super::interface::{Change, Staged, Store, Upkeep};
use super::model::{Batch, BatchId, Key};
use super::seal::{BlobKeys, Chunk, Garbage, Manifest, SealedBatch, Sealer, tag_of};
use super::tables::{
    ABOUT, ABOUT_COMMITS, ABOUT_FORMAT, ABOUT_STORE, BLOBS, FLAGS, FORMAT, LEAVES, LEDGER, LINES, MANIFESTS, ROWS,
    about, commits, create_tables, fresh,
};
use crate::secret::random;

/// A store of two redb files, which one process at a time has open.
pub(crate) struct DurableStore {
    pub(super) disk: Arc<dyn Disk>,
    keys: Arc<dyn BlobKeys>,
    pub(super) flags: StoreFile,
    pub(super) ledger: StoreFile,
    pub(super) queue: CommitQueue<SealedChange>,
    /// The blobs of each batch that the ledger names.
    blobs: Mutex<BTreeMap<BatchId, Vec<u64>>>,
    next_blob: AtomicU64,
    pub(super) garbage: Arc<Garbage>,
    /// Held to read by who looks up in one file what the other names; to write by who drops blobs.
    pub(super) dropping: RwLock<()>,
}

/// A change whose batches are on disk.
#[derive(Default)]
pub(super) struct SealedChange {
    /// The change without its batches.
    change: Change,
    added: Vec<Arc<SealedBatch>>,
}

impl DurableStore {
    /// Makes a store in a folder that holds none, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`StoreError::Store`], also where there is a store already.
    pub(crate) fn create(folder: &Path, keys: Arc<dyn BlobKeys>) -> Result<DurableStore, StoreError> {
        DurableStore::create_on(Arc::new(StoreFolder::create(folder)?), keys)
    }

    /// Opens a store, with every checksum in it verified.
    ///
    /// What is sealed in the chunks is verified as [`Store::batches`] shows it. Batches of epochs whose keys were
    /// destroyed are dropped: a copy that was put back may have them.
    ///
    /// # Errors
    ///
    /// [`StoreError::StoreFormat`], with nothing written; [`StoreError::StoreDamaged`], [`StoreError::Store`]; what
    /// `keys` says.
    pub(crate) fn open(folder: &Path, keys: Arc<dyn BlobKeys>) -> Result<DurableStore, StoreError> {
        if ![FLAGS, LEDGER].iter().any(|name| folder.join(name).exists()) {
            return Err(error::store(folder, "there is no store: make one first, or give the folder that has it"));
        }
        DurableStore::open_on(Arc::new(StoreFolder::hold(folder)?), keys)
    }

    /// Opens a copy of a store as [`DurableStore::open`] does, and changes nothing of it: what is written stays in
    /// memory.
    pub(crate) fn open_to_verify(folder: &Path, keys: Arc<dyn BlobKeys>) -> Result<DurableStore, StoreError> {
        DurableStore::open_on(Arc::new(CopiedFolder::new(folder)), keys)
    }

    pub(super) fn create_on(disk: Arc<dyn Disk>, keys: Arc<dyn BlobKeys>) -> Result<DurableStore, StoreError> {
        if disk.exists(FLAGS) || disk.exists(LEDGER) {
            return Err(error::store(&disk.path(""), "it exists already; nothing was changed: give another folder"));
        }
        let id: [u8; 16] = random()?;
        for name in [FLAGS, LEDGER] {
            let fresh = fresh(name);
            let failed = |error: redb::Error| error::redb(&disk.path(name), error);
            let database = file::create(&*disk, &fresh)?;
            create_tables(&database, name, &id).map_err(failed)?;
            database.close().map_err(|error| failed(error.into()))?;
        }
        let io = |source| error::io(&disk.path(LEDGER), source);
        for name in [FLAGS, LEDGER] {
            disk.rename(&fresh(name), name).map_err(io)?;
        }
        disk.sync().map_err(io)?;
        DurableStore::open_on(disk, keys)
    }

    pub(super) fn open_on(disk: Arc<dyn Disk>, keys: Arc<dyn BlobKeys>) -> Result<DurableStore, StoreError> {
        for name in [LEDGER, FLAGS] {
            if !disk.exists(name) {
                let finding = "it is missing: restore the store from a backup, or give the folder that has it";
                return Err(error::store(&disk.path(name), finding));
            }
        }
        refuse_other_formats(&*disk)?;
        let store = DurableStore {
            flags: StoreFile::new(&disk, FLAGS),
            ledger: StoreFile::new(&disk, LEDGER),
            queue: CommitQueue::new(disk.path(LEDGER)),
            disk,
            keys,
            blobs: Mutex::default(),
            next_blob: AtomicU64::new(0),
            garbage: Arc::default(),
            dropping: RwLock::default(),
        };
        store.load()?;
        Ok(store)
    }

    /// Reads what counts, checks that it is all there, and drops what does not count.
    fn load(&self) -> Result<(), StoreError> {
        // A broker that could keep nothing is told so at once, though it could read.
        self.ledger.writable()?;
        self.flags.writable()?;
        let store = self.read(&self.ledger, |ledger| about(ledger, ABOUT_STORE))?;
        if store.is_none() || self.read(&self.flags, |flags| about(flags, ABOUT_STORE))? != store {
            return Err(StoreError::StoreDamaged { finding: "flags.redb and ledger.redb are not of one store" });
        }
        let manifests = self.read(&self.ledger, sealed_manifests)?;
        let (destroyed, manifests): (Vec<_>, Vec<_>) =
            manifests.into_iter().partition(|(batch, _)| self.keys.is_destroyed(batch.epoch));
        let mut named: BTreeMap<u64, Chunk> = BTreeMap::new();
        self.open_manifests(&manifests, &mut |batch, manifest, _| {
            self.blobs().insert(batch, manifest.chunks.iter().map(|chunk| chunk.blob).collect());
            named.extend(manifest.chunks.iter().map(|chunk| (chunk.blob, *chunk)));
            Ok(())
        })?;
        let orphans = self.orphans(&named)?;
        let is_lost = |key: &Key| key.sealed_in().is_some_and(|epoch| self.keys.is_destroyed(epoch));
        let lost: Vec<Key> = self.ledger_rows()?.into_iter().map(|(key, _)| key).filter(is_lost).collect();
        if !destroyed.is_empty() || !lost.is_empty() {
            let removed = destroyed.into_iter().map(|(batch, _)| batch).collect();
            let rows = lost.into_iter().map(|key| (key, None)).collect();
            let change = Change { rows, removed, ..Change::default() };
            self.keep(&[&SealedChange { change, added: Vec::new() }])?;
        }
        for name in [FLAGS, LEDGER].map(fresh) {
            if self.disk.exists(&name) {
                self.disk.remove(&name).map_err(|source| error::io(&self.disk.path(&name), source))?;
            }
        }
        if orphans.is_empty() { Ok(()) } else { self.write_blobs(&orphans, &[]) }
    }

    /// The blobs in the file that are not among those that manifests name; an error where one of these is missing or is
    /// another. Blobs that are written from now on get numbers above all of them.
    fn orphans(&self, named: &BTreeMap<u64, Chunk>) -> Result<Vec<u64>, StoreError> {
        let mut orphans = Vec::new();
        let mut found = 0;
        let mut highest = named.last_key_value().map(|(blob, _)| *blob);
        self.read(&self.flags, |flags| {
            for row in flags.open_table(BLOBS)?.iter()? {
                let (blob, sealed) = row?;
                highest = highest.max(Some(blob.value()));
                match named.get(&blob.value()) {
                    Some(chunk) => found += usize::from(tag_of(sealed.value()) == Some(chunk.tag)),
                    None => orphans.push(blob.value()),
                }
            }
            Ok(())
        })?;
        if found != named.len() {
            return Err(StoreError::StoreDamaged { finding: "flags.redb lacks flags that ledger.redb names" });
        }
        self.next_blob.store(highest.map_or(0, |highest| highest + 1), Ordering::Relaxed);
        Ok(orphans)
    }

    /// The blobs that a ledger names.
    pub(super) fn named(&self, ledger: &ReadTransaction) -> Result<BTreeSet<u64>, StoreError> {
        let failed = |error| error::redb(&self.disk.path(LEDGER), error);
        let mut named = BTreeSet::new();
        self.open_manifests(&sealed_manifests(ledger).map_err(failed)?, &mut |_, manifest, _| {
            named.extend(manifest.chunks.iter().map(|chunk| chunk.blob));
            Ok(())
        })?;
        Ok(named)
    }

    /// Shows each manifest, with what opens the batch's chunks. They come by epoch.
    fn open_manifests(
        &self,
        sealed: &[(BatchId, Vec<u8>)],
        visit: &mut dyn FnMut(BatchId, Manifest, &Sealer) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for of_epoch in sealed.chunk_by(|(one, _), (other, _)| one.epoch == other.epoch) {
            let sealer = Sealer::new(&*self.keys.blob_key(of_epoch[0].0.epoch)?);
            for (id, sealed) in of_epoch {
                visit(*id, sealer.open_manifest(id, sealed.clone())?, &sealer)?;
            }
        }
        Ok(())
    }

    /// Reads from one file at one moment.
    fn read<T>(
        &self,
        file: &StoreFile,
        read: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let failed = |error| error::redb(&self.disk.path(file.name), error);
        let database = file.readable()?;
        let transaction = database.begin_read().map_err(|error| failed(error.into()))?;
        read(&transaction).map_err(failed)
    }

    /// Writes blobs durably, and drops others with the same commit.
    ///
    /// One phase is enough: should redb fall back to the commit before this one, the manifests notice.
    pub(super) fn write_blobs(&self, dropped: &[u64], written: &[(u64, Vec<u8>)]) -> Result<(), StoreError> {
        let _writing = self.flags.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let database = self.flags.writable()?;
        let write = || -> Result<(), redb::Error> {
            let mut transaction = database.begin_write()?;
            transaction.set_durability(Durability::Immediate)?;
            let mut blobs = transaction.open_table(BLOBS)?;
            for blob in dropped {
                blobs.remove(blob)?;
            }
            for (blob, sealed) in written {
                blobs.insert(blob, sealed.as_slice())?;
            }
            drop(blobs);
            Ok(transaction.commit()?)
        };
        write().map_err(|error| {
            self.flags.fail(None);
            self.garbage.add(dropped.iter().copied().chain(written.iter().map(|blob| blob.0)));
            error::redb(&self.disk.path(FLAGS), error)
        })
    }

    /// All rows of the ledger, those that are sealed as they are.
    fn ledger_rows(&self) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
        let rows = self.read(&self.ledger, |ledger| {
            let rows = ledger.open_table(ROWS)?;
            rows.iter()?
                .map(|row| row.map(|(key, value)| (*key.value(), value.value().to_vec())).map_err(Into::into))
                .collect::<Result<Vec<_>, redb::Error>>()
        })?;
        let known = |(key, value)| Some((Key::from_bytes(key)?, value));
        rows.into_iter()
            .map(known)
            .collect::<Option<_>>()
            .ok_or(StoreError::StoreDamaged { finding: "ledger.redb has a row of no known kind" })
    }

    /// What seals and opens the row of that key, if it is one that is sealed. `made` has those of earlier rows.
    fn sealer<'s>(&self, made: &'s mut BTreeMap<u32, Sealer>, key: Key) -> Result<Option<&'s Sealer>, StoreError> {
        let Some(epoch) = key.sealed_in() else { return Ok(None) };
        Ok(Some(match made.entry(epoch) {
            Entry::Occupied(sealer) => sealer.into_mut(),
            Entry::Vacant(place) => place.insert(Sealer::new(&*self.keys.blob_key(epoch)?)),
        }))
    }

    fn seal(&self, batch: &Batch) -> Result<Arc<SealedBatch>, StoreError> {
        let sealer = Sealer::new(&*self.keys.blob_key(batch.id.epoch)?);
        let (length, sealed) = sealer.chunks(batch)?;
        let first = self.next_blob.fetch_add(sealed.len() as u64, Ordering::Relaxed);
        let blobs: Vec<(u64, Vec<u8>)> = (first..).zip(sealed).collect();
        let chunk = |(blob, sealed): &(u64, Vec<u8>)| Some(Chunk { blob: *blob, tag: tag_of(sealed)? });
        let chunks = blobs.iter().filter_map(chunk).collect();
        let manifest = sealer.seal_manifest(&batch.id, &Manifest { length, chunks })?;
        // What was removed goes with the next blobs that come, unless somebody is just looking it up.
        let dropping = self.dropping.try_write();
        let dropped = if dropping.is_ok() { self.garbage.take() } else { Vec::new() };
        self.write_blobs(&dropped, &blobs)?;
        let numbers = blobs.iter().map(|blob| blob.0).collect();
        Ok(Arc::new(SealedBatch::new(batch.id, manifest, numbers, Arc::clone(&self.garbage))))
    }

    /// Keeps a group of changes with one transaction, or none of them.
    fn keep(&self, group: &[&SealedChange]) -> Result<(), StoreError> {
        let path = self.disk.path(LEDGER);
        let database = self.ledger.writable()?;
        let prepared = prepare(&database, group).map_err(|error| {
            self.ledger.fail(None);
            error::redb(&path, error)
        })?;
        let (transaction, number) = prepared.ok_or_else(|| error::out_of_order(&path))?;
        if let Err(error) = transaction.commit() {
            drop(database);
            self.ledger.fail(Some(number));
            if self.ledger.writable().is_err() {
                // Until it is undone it may be on disk, and name its blobs; the next open drops them, if it does not.
                group.iter().flat_map(|sealed| &sealed.added).for_each(|batch| batch.keep());
            }
            return Err(error::redb(&path, error));
        }
        let mut blobs = self.blobs();
        for sealed in group {
            for id in &sealed.change.removed {
                self.garbage.add(blobs.remove(id).unwrap_or_default());
            }
            for batch in &sealed.added {
                batch.keep();
                let replaced = blobs.insert(batch.id, batch.blobs.clone());
                self.garbage.add(replaced.unwrap_or_default());
            }
        }
        Ok(())
    }

    fn blobs(&self) -> MutexGuard<'_, BTreeMap<BatchId, Vec<u64>>> {
        // Nothing panics while it is held.
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for DurableStore {
    fn rows(&self) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
        let mut rows = self.ledger_rows()?;
        let mut sealers = BTreeMap::new();
        for (key, value) in &mut rows {
            if let Some(sealer) = self.sealer(&mut sealers, *key)? {
                *value = sealer.open_row(*key, std::mem::take(value))?;
            }
        }
        Ok(rows)
    }

    fn batches(&self, visit: &mut dyn FnMut(Batch) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let _looking = self.dropping.read().unwrap_or_else(PoisonError::into_inner);
        self.open_manifests(&self.read(&self.ledger, sealed_manifests)?, &mut |id, manifest, sealer| {
            let batch = sealer.batch(id, &manifest, |blob| {
                let sealed = self.read(&self.flags, |flags| {
                    Ok(flags.open_table(BLOBS)?.get(blob)?.map(|sealed| sealed.value().to_vec()))
                })?;
                sealed.ok_or(StoreError::StoreDamaged { finding: "flags.redb lacks flags that ledger.redb names" })
            })?;
            visit(batch)
        })
    }

    fn leaves(&self) -> Result<Vec<[u8; 32]>, StoreError> {
        let leaves = self.read(&self.ledger, |ledger| {
            let mut leaves = Vec::new();
            for row in ledger.open_table(LEAVES)?.iter()? {
                let (index, leaf) = row?;
                leaves.push((index.value(), *leaf.value()));
            }
            Ok(leaves)
        })?;
        if leaves.iter().map(|leaf| leaf.0).ne(0..leaves.len() as u64) {
            return Err(StoreError::StoreDamaged { finding: "ledger.redb lacks hashes of the log" });
        }
        Ok(leaves.into_iter().map(|leaf| leaf.1).collect())
    }

    fn lines(&self, range: Range<u64>) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        // A few at a time, so that a long log is neither in memory at once nor keeps a purge waiting.
        self.read(&self.ledger, |ledger| {
            let mut lines = Vec::new();
            for row in ledger.open_table(LINES)?.range(range)?.take(1024) {
                let (index, line) = row?;
                lines.push((index.value(), line.value().to_vec()));
            }
            Ok(lines)
        })
    }

    fn stage(&self, batch: &Batch) -> Result<Staged, StoreError> {
        Ok(Staged::Sealed(self.seal(batch)?))
    }

    fn submit(&self, mut change: Change) -> Result<Ticket, StoreError> {
        let mut sealers = BTreeMap::new();
        for (key, value) in &mut change.rows {
            let Some(value) = value else { continue };
            if let Some(sealer) = self.sealer(&mut sealers, *key)? {
                *value = sealer.seal_row(*key, value)?;
            }
        }
        let mut added = Vec::new();
        for staged in change.added.drain(..) {
            added.push(match staged {
                Staged::Sealed(batch) => batch,
                Staged::Whole(batch) => self.seal(&batch)?,
            });
        }
        Ok(self.queue.push(SealedChange { change, added }))
    }

    fn wait(&self, ticket: Ticket) -> Result<(), StoreError> {
        self.queue.wait(ticket, |group| self.keep(group))
    }

    fn upkeep(&self) -> Option<&dyn Upkeep> {
        Some(self)
    }
}

/// A transaction with a group of changes in it, ready to be committed, and the number of that commit; `None` where a
/// line of the log does not follow the last one.
///
/// In two phases: in one, redb would take a commit with a damaged page for one that a crash tore, and open the one
/// before it; what was receipted last would be gone, and nothing else in the ledger would tell.
fn prepare(database: &Database, group: &[&SealedChange]) -> Result<Option<(WriteTransaction, u64)>, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_two_phase_commit(true);
    let number;
    {
        let mut about = transaction.open_table(ABOUT)?;
        let mut rows = transaction.open_table(ROWS)?;
        let mut manifests = transaction.open_table(MANIFESTS)?;
        let mut lines = transaction.open_table(LINES)?;
        let mut leaves = transaction.open_table(LEAVES)?;
        number = commits(&about)? + 1;
        about.insert(ABOUT_COMMITS, number.to_le_bytes().as_slice())?;
        let mut next = leaves.last()?.map_or(0, |(index, _)| index.value() + 1);
        for SealedChange { change, added } in group {
            for (key, value) in &change.rows {
                match value {
                    Some(value) => rows.insert(&key.to_bytes(), value.as_slice())?,
                    None => rows.remove(&key.to_bytes())?,
                };
            }
            for id in &change.removed {
                manifests.remove(key_of(id))?;
            }
            for batch in added {
                manifests.insert(key_of(&batch.id), batch.manifest.as_slice())?;
            }
            for line in &change.lines {
                if line.index != next {
                    return Ok(None);
                }
                lines.insert(line.index, line.bytes.as_slice())?;
                leaves.insert(line.index, &line.leaf)?;
                next += 1;
            }
            if let Some(before) = change.prune {
                lines.retain_in(..before, |_, _| false)?;
            }
        }
    }
    Ok(Some((transaction, number)))
}

fn sealed_manifests(ledger: &ReadTransaction) -> Result<Vec<(BatchId, Vec<u8>)>, redb::Error> {
    let mut sealed = Vec::new();
    for row in ledger.open_table(MANIFESTS)?.iter()? {
        let (key, value) = row?;
        let (epoch, partner, sequence) = key.value();
        sealed.push((BatchId { epoch, partner, sequence }, value.value().to_vec()));
    }
    Ok(sealed)
}

/// Reads the ledger's format without writing to it.
fn refuse_other_formats(disk: &dyn Disk) -> Result<(), StoreError> {
    let path = disk.path(LEDGER);
    let failed = |error: redb::Error| error::redb(&path, error);
    let database = file::look_into(disk, LEDGER, None)?;
    let ledger = database.begin_read().map_err(|error| failed(error.into()))?;
    let found = about(&ledger, ABOUT_FORMAT).map_err(failed)?;
    let found = found.and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    match found.ok_or(StoreError::StoreDamaged { finding: "ledger.redb says no format" })? {
        FORMAT => Ok(()),
        found => Err(StoreError::StoreFormat { found, known: FORMAT }),
    }
}

fn key_of(id: &BatchId) -> (u32, u16, u64) {
    (id.epoch, id.partner, id.sequence)
}
