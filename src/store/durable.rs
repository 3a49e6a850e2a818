//! The store on disk: two redb files in a folder.
//!
//! `flags.redb` holds the batches, as sealed chunks; `ledger.redb` the rows, the sealed manifests that say which chunks
//! count, and the log. A batch is written durably to `flags.redb` first; then one transaction of `ledger.redb` is the
//! moment at which it, and all that changes with it, counts. So a question's line waits for no large message, and
//! chunks that no manifest names, as a crash in between leaves them, are dropped at open.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use redb::{Database, Durability, ReadTransaction, ReadableDatabase, ReadableTable, WriteTransaction};

use super::commit_queue::{CommitQueue, Ticket};
use super::disk::{Disk, Folder};
use super::error::{self, StoreError};
use super::file::{self, StoreFile};
use super::interface::{Change, Purged, Staged, Store};
use super::model::{Batch, BatchId, Key, Line};
use super::seal::{BlobKeys, Chunk, Garbage, Manifest, SealedBatch, Sealer, tag_of};
use super::tables::{
    ABOUT, ABOUT_COMMITS, ABOUT_FORMAT, ABOUT_STORE, BLOBS, FLAGS, FORMAT, LEAVES, LEDGER, LINES, MANIFESTS, ROWS,
    about, commits, create_tables, fresh,
};
use crate::secret::random;

/// See the module.
pub(crate) struct DurableStore {
    pub(super) disk: Arc<dyn Disk>,
    keys: Arc<dyn BlobKeys>,
    pub(super) flags: StoreFile,
    pub(super) ledger: StoreFile,
    pub(super) queue: CommitQueue<Work>,
    kept: Mutex<Kept>,
    next_blob: AtomicU64,
    pub(super) garbage: Arc<Garbage>,
    /// Held to read by who looks up in one file what the other names; to write by who drops blobs.
    pub(super) dropping: RwLock<()>,
}

/// What is in the ledger, as far as writing needs to know.
#[derive(Default)]
struct Kept {
    /// The blobs of each batch.
    batches: BTreeMap<BatchId, Vec<u64>>,
    leaves: u64,
    commits: u64,
}

/// What a change does to the ledger.
#[derive(Default)]
pub(super) struct Work {
    rows: Vec<(Key, Option<Vec<u8>>)>,
    removed: Vec<BatchId>,
    added: Vec<Arc<SealedBatch>>,
    lines: Vec<Line>,
    prune: Option<u64>,
}

/// Why a group of changes was not kept.
enum Stop {
    Redb(redb::Error),
    OutOfOrder,
}

impl DurableStore {
    /// Makes a store in a folder that holds none, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`StoreError::Store`], also where there is a store already.
    pub(crate) fn create(folder: &Path, keys: Arc<dyn BlobKeys>) -> Result<DurableStore, StoreError> {
        DurableStore::create_on(Arc::new(Folder::create(folder)?), keys)
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
        DurableStore::open_on(Arc::new(Folder::hold(folder)?), keys)
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
            kept: Mutex::default(),
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
        let mut wanted: BTreeMap<u64, Chunk> = BTreeMap::new();
        let mut kept = Kept::default();
        let mut id = None;
        self.read(&self.ledger, |ledger| {
            id = about(ledger, ABOUT_STORE)?;
            kept.commits = commits(ledger)?;
            kept.leaves =
                ledger.open_table(LEAVES)?.iter()?.next_back().transpose()?.map_or(0, |last| last.0.value() + 1);
            Ok(())
        })?;
        let manifests = self.read(&self.ledger, sealed_manifests)?;
        let (destroyed, manifests): (Vec<_>, _) =
            manifests.into_iter().partition(|(batch, _)| self.keys.is_destroyed(batch.epoch));
        self.open_manifests(manifests, &mut |batch, manifest, _| {
            kept.batches.insert(batch, manifest.chunks.iter().map(|chunk| chunk.blob).collect());
            wanted.extend(manifest.chunks.iter().map(|chunk| (chunk.blob, *chunk)));
            Ok(())
        })?;
        let mut orphans = Vec::new();
        let mut highest = None;
        let mut same = false;
        let mut found = BTreeSet::new();
        self.read(&self.flags, |flags| {
            same = id.is_some() && about(flags, ABOUT_STORE)? == id;
            for row in flags.open_table(BLOBS)?.iter()? {
                let (blob, sealed) = row?;
                highest = Some(blob.value());
                match wanted.get(&blob.value()) {
                    Some(chunk) if tag_of(sealed.value()) == Some(chunk.tag) => found.extend([blob.value()]),
                    Some(_) => {}
                    None => orphans.push(blob.value()),
                }
            }
            Ok(())
        })?;
        if !same {
            return Err(StoreError::StoreDamaged { finding: "flags.redb and ledger.redb are not of one store" });
        }
        if found.len() != wanted.len() {
            return Err(StoreError::StoreDamaged { finding: "flags.redb lacks flags that ledger.redb names" });
        }
        let highest = highest.max(wanted.last_key_value().map(|last| *last.0));
        self.next_blob.store(highest.map_or(0, |highest| highest + 1), Ordering::Relaxed);
        *self.kept() = kept;
        if !destroyed.is_empty() {
            let removed = destroyed.into_iter().map(|(batch, _)| batch).collect();
            self.keep(&[&Work { removed, ..Work::default() }])?;
        }
        for name in [FLAGS, LEDGER] {
            if self.disk.exists(&fresh(name)) {
                let path = self.disk.path(&fresh(name));
                self.disk.remove(&fresh(name)).map_err(|source| error::io(&path, source))?;
            }
        }
        if orphans.is_empty() { Ok(()) } else { self.write_blobs(&orphans, &[]) }
    }

    /// Shows the manifest of each batch, with what opens its chunks.
    fn manifests(
        &self,
        visit: &mut dyn FnMut(BatchId, Manifest, &Sealer) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.open_manifests(self.read(&self.ledger, sealed_manifests)?, visit)
    }

    /// The blobs that a ledger names.
    pub(super) fn named(&self, ledger: &ReadTransaction) -> Result<BTreeSet<u64>, StoreError> {
        let failed = |error| error::redb(&self.disk.path(LEDGER), error);
        let mut named = BTreeSet::new();
        self.open_manifests(sealed_manifests(ledger).map_err(failed)?, &mut |_, manifest, _| {
            named.extend(manifest.chunks.iter().map(|chunk| chunk.blob));
            Ok(())
        })?;
        Ok(named)
    }

    fn open_manifests(
        &self,
        sealed: Vec<(BatchId, Vec<u8>)>,
        visit: &mut dyn FnMut(BatchId, Manifest, &Sealer) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut sealer: Option<(u32, Sealer)> = None;
        for (id, sealed) in sealed {
            let sealer = match sealer.take_if(|(epoch, _)| *epoch == id.epoch) {
                Some(same) => sealer.insert(same),
                None => sealer.insert((id.epoch, Sealer::new(&*self.keys.blob_key(id.epoch)?))),
            };
            visit(id, sealer.1.open_manifest(&id, sealed)?, &sealer.1)?;
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
    fn keep(&self, group: &[&Work]) -> Result<(), StoreError> {
        let path = self.disk.path(LEDGER);
        let (number, leaves) = {
            let kept = self.kept();
            (kept.commits + 1, kept.leaves)
        };
        let database = self.ledger.writable()?;
        let transaction = match prepare(&database, group, number, leaves) {
            Ok(transaction) => transaction,
            Err(Stop::OutOfOrder) => return Err(error::out_of_order(&path)),
            Err(Stop::Redb(error)) => {
                self.ledger.fail(None);
                return Err(error::redb(&path, error));
            }
        };
        if let Err(error) = transaction.commit() {
            drop(database);
            self.ledger.fail(Some(number));
            if self.ledger.writable().is_err() {
                // Until it is undone it may be on disk, and name its blobs; the next open drops them, if it does not.
                group.iter().flat_map(|work| &work.added).for_each(|batch| batch.keep());
            }
            return Err(error::redb(&path, error));
        }
        self.note(group, number);
        Ok(())
    }

    /// Takes note of what was kept.
    fn note(&self, group: &[&Work], number: u64) {
        let mut kept = self.kept();
        kept.commits = number;
        for work in group {
            for id in &work.removed {
                self.garbage.add(kept.batches.remove(id).unwrap_or_default());
            }
            for batch in &work.added {
                batch.keep();
                let replaced = kept.batches.insert(batch.id, batch.blobs.clone());
                self.garbage.add(replaced.unwrap_or_default());
            }
            kept.leaves += work.lines.len() as u64;
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing panics while it is held.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for DurableStore {
    fn rows(&self) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
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

    fn batches(&self, visit: &mut dyn FnMut(Batch) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let _looking = self.dropping.read().unwrap_or_else(PoisonError::into_inner);
        self.manifests(&mut |id, manifest, sealer| {
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

    fn submit(&self, change: &Change) -> Result<Ticket, StoreError> {
        let mut added = change.added.iter().map(|batch| self.seal(batch)).collect::<Result<Vec<_>, _>>()?;
        for staged in &change.staged {
            added.push(match staged {
                Staged::Sealed(batch) => Arc::clone(batch),
                Staged::Whole(batch) => self.seal(batch)?,
            });
        }
        Ok(self.queue.push(Work {
            rows: change.rows.clone(),
            removed: change.removed.clone(),
            added,
            lines: change.lines.clone(),
            prune: change.prune,
        }))
    }

    fn wait(&self, ticket: Ticket) -> Result<(), StoreError> {
        self.queue.wait(ticket, |group| self.keep(group))
    }

    fn purge(&self) -> Result<Purged, StoreError> {
        self.rewrite()
    }

    fn backup(&self, to: &Path) -> Result<(), StoreError> {
        self.copy_to(&Folder::create(to)?)
    }
}

/// A transaction with a group of changes in it, ready to be committed.
///
/// In two phases: in one, redb would take a commit with a damaged page for one that a crash tore, and open the one
/// before it; what was receipted last would be gone, and nothing else in the ledger would tell.
fn prepare(database: &Database, group: &[&Work], number: u64, mut leaves: u64) -> Result<WriteTransaction, Stop> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_two_phase_commit(true);
    {
        let mut rows = transaction.open_table(ROWS)?;
        let mut manifests = transaction.open_table(MANIFESTS)?;
        let mut lines = transaction.open_table(LINES)?;
        let mut hashes = transaction.open_table(LEAVES)?;
        for work in group {
            for (key, value) in &work.rows {
                match value {
                    Some(value) => rows.insert(&key.to_bytes(), value.as_slice())?,
                    None => rows.remove(&key.to_bytes())?,
                };
            }
            for id in &work.removed {
                manifests.remove(key_of(id))?;
            }
            for batch in &work.added {
                manifests.insert(key_of(&batch.id), batch.manifest.as_slice())?;
            }
            for line in &work.lines {
                if line.index != leaves {
                    return Err(Stop::OutOfOrder);
                }
                lines.insert(line.index, line.bytes.as_slice())?;
                hashes.insert(line.index, &line.leaf)?;
                leaves += 1;
            }
            if let Some(before) = work.prune {
                lines.retain_in(..before, |_, _| false)?;
            }
        }
        transaction.open_table(ABOUT)?.insert(ABOUT_COMMITS, number.to_le_bytes().as_slice())?;
    }
    Ok(transaction)
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

impl<E: Into<redb::Error>> From<E> for Stop {
    fn from(error: E) -> Stop {
        Stop::Redb(error.into())
    }
}
