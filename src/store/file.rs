//! One file of the store: opened with all its checks, opened again after the disk failed, and replaced by a fresh one.
//!
//! Everything in a file is read and written by redb, whose version is pinned, but for the bytes of its header below.
//! They are read and written here because redb has no other way to choose between the two commits that a file holds.
//! Nothing else depends on how redb lays a file out.
//!
//! | bytes | what | how it is used |
//! |---|---|---|
//! | 9 | the god byte: bit 0 says which commit is in force, bit 2 that it took two phases | read; bit 0 flipped |
//! | 168 to 175 | the number of commit 0, little-endian | compared with that of commit 1 |
//! | 296 to 303 | the number of commit 1, little-endian | compared with that of commit 0 |
//!
//! A file shorter than this header of 320 bytes is handed to redb, which refuses it. Any value of these bytes is
//! possible in a damaged file, and none is trusted: a choice of another commit is first tried in memory, on an
//! [`Overlay`], and is written only if redb then verifies every checksum of the file. That check is redb's own, made at
//! every open (`set_check_integrity_on_open`): a file that was altered since redb wrote it is an error, and nothing
//! else.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{Database, ReadableDatabase, StorageBackend};

use super::disk::{Backend, Disk, Overlay};
use super::error::{self, StoreError};
use super::tables::{ABOUT, commits};

/// A file of the store, and whether it can be written to.
pub(super) struct StoreFile {
    pub(super) name: &'static str,
    disk: Arc<dyn Disk>,
    current: Mutex<Current>,
    /// Held by who writes to the file, or puts another in its place.
    pub(super) writing: Mutex<()>,
}

#[derive(Default)]
struct Current {
    database: Option<Arc<Database>>,
    /// Whether what is written to `database` goes to the disk; if not, it is an overlay for readers.
    writable: bool,
    failed: bool,
    /// The number of a commit that failed, and must not show, whatever the disk kept of it.
    undo: Option<u64>,
    /// Whether the folder must be made durable before anything else is written.
    unnamed: bool,
}

/// Memory for a file's pages, in bytes. What is read often is in the broker's index; redb's own default is a gibibyte.
const CACHE: usize = 32 << 20;

impl StoreFile {
    pub(super) fn new(disk: &Arc<dyn Disk>, name: &'static str) -> StoreFile {
        StoreFile { name, disk: Arc::clone(disk), current: Mutex::default(), writing: Mutex::default() }
    }

    /// The file, to be written to. After a failure it is opened and checked again.
    pub(super) fn writable(&self) -> Result<Arc<Database>, StoreError> {
        let mut current = self.current();
        if current.unnamed {
            self.disk.sync().map_err(|source| error::io(&self.disk.path(self.name), source))?;
            current.unnamed = false;
        }
        self.make_writable(&mut current)
    }

    /// The file, to be read; where it cannot be opened to write, as what is on the disk shows it.
    pub(super) fn readable(&self) -> Result<Arc<Database>, StoreError> {
        let mut current = self.current();
        if let Some(database) = current.database.as_ref().filter(|_| !current.failed) {
            return Ok(Arc::clone(database));
        }
        let writable = self.make_writable(&mut current);
        writable.or_else(|error| current.database.clone().filter(|_| !current.failed).ok_or(error))
    }

    /// Notes that a write failed: redb does nothing more with the file until it is opened again.
    ///
    /// With the number of a commit of the ledger that failed, it is undone then, should the disk have kept it all the
    /// same.
    pub(super) fn fail(&self, undo: Option<u64>) {
        let mut current = self.current();
        current.failed = true;
        current.undo = current.undo.or(undo);
    }

    /// Puts the file `fresh` in this one's place: on disk under its name before this returns.
    pub(super) fn replace(&self, fresh: &str) -> Result<(), StoreError> {
        let failed = |source| error::io(&self.disk.path(self.name), source);
        let mut current = self.current();
        self.disk.rename(fresh, self.name).map_err(failed)?;
        // From here on the name may be either file's until the folder is durable, so nothing may be written to just one
        // of them.
        *current = Current { unnamed: true, ..Current::default() };
        self.disk.sync().map_err(failed)?;
        current.unnamed = false;
        self.make_writable(&mut current).map(|_| ())
    }

    fn make_writable(&self, current: &mut Current) -> Result<Arc<Database>, StoreError> {
        if let Some(database) = current.database.as_ref().filter(|_| current.writable && !current.failed) {
            return Ok(Arc::clone(database));
        }
        if let Some(database) = current.database.take() {
            // A file can be opened once at a time, and whoever still reads it lets go of it soon.
            if Arc::strong_count(&database) > 1 {
                current.database = Some(database);
                let finding = "the disk failed, and it is still being read: try again later";
                return Err(error::store(&self.disk.path(self.name), finding));
            }
        }
        match open(&*self.disk, self.name, current.undo) {
            Ok(database) => {
                let database = Arc::new(database);
                let unnamed = current.unnamed;
                *current =
                    Current { database: Some(Arc::clone(&database)), writable: true, unnamed, ..Current::default() };
                Ok(database)
            }
            Err(error) => {
                if let Ok(database) = look_into(&*self.disk, self.name, current.undo) {
                    let (undo, unnamed) = (current.undo, current.unnamed);
                    *current = Current { database: Some(Arc::new(database)), undo, unnamed, ..Current::default() };
                }
                Err(error)
            }
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        // Whatever a panicking thread left, the file is opened anew from it.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a file, with every checksum in it verified; as it was before the commit `undo`, or with all that is whole.
pub(super) fn open(disk: &dyn Disk, name: &str, undo: Option<u64>) -> Result<Database, StoreError> {
    let path = disk.path(name);
    let io = |source| error::io(&path, source);
    let below = disk.open_to_read(name).map_err(io)?;
    if below.len().map_err(io)? == 0 {
        return Err(error::damaged(&path)); // redb would begin a new one
    }
    let god = match undo {
        Some(number) => Some(before_commit(disk, name, number)?.0),
        None => later_commit(disk, name, below)?,
    };
    let backend = disk.open(name).map_err(io)?;
    if let Some(god) = god {
        backend.write(GOD_BYTE, &[god]).map_err(io)?;
        backend.sync_data().map_err(io)?;
    }
    checked(disk, name, backend)
}

/// Opens a file as what is on the disk shows it, and leaves it as it is.
pub(super) fn look_into(disk: &dyn Disk, name: &str, undo: Option<u64>) -> Result<Database, StoreError> {
    if let Some(number) = undo {
        return Ok(before_commit(disk, name, number)?.1);
    }
    let path = disk.path(name);
    let io = |source| error::io(&path, source);
    let overlay = Overlay::new(disk.open_to_read(name).map_err(io)?).map_err(io)?;
    if overlay.len().map_err(io)? == 0 {
        return Err(error::damaged(&path));
    }
    checked(disk, name, overlay)
}

/// Makes a file, in the place of one of that name.
pub(super) fn create(disk: &dyn Disk, name: &str) -> Result<Database, StoreError> {
    let path = disk.path(name);
    let backend = disk.create(name).map_err(|source| error::io(&path, source))?;
    builder().create_with_backend(backend).map_err(|error| error::redb(&path, error))
}

fn checked(disk: &dyn Disk, name: &str, backend: impl StorageBackend) -> Result<Database, StoreError> {
    let opened = builder().set_check_integrity_on_open(true).create_with_backend(backend);
    opened.map_err(|error| error::redb(&disk.path(name), error))
}

fn builder() -> redb::Builder {
    let mut builder = redb::Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

/// How many bytes of redb's header are looked at; see the table at the top.
const HEADER: u64 = 320;
const GOD_BYTE: u64 = 9;
const PRIMARY_BIT: u8 = 1;
const TWO_PHASES: u8 = 4;
const COMMIT_NUMBERS: [u64; 2] = [64 + 104, 192 + 104];

/// The god byte that puts the file's other commit in force, where that one is the later and both its phases were made;
/// `None` otherwise.
///
/// Such a commit is either one that a crash interrupted, which nobody was told of and which may as well be kept; or one
/// in force, with the one bit damaged that says so: then redb would open the commit before it, which is whole too, and
/// what was receipted last would be gone without a word. The two look alike, and taking the later commit is right for
/// both.
fn later_commit(disk: &dyn Disk, name: &str, file: Backend) -> Result<Option<u8>, StoreError> {
    let io = |source| error::io(&disk.path(name), source);
    let Some(god) = later_god_byte(&file).map_err(io)? else {
        return Ok(None);
    };
    let overlay = Overlay::new(file).map_err(io)?;
    overlay.write(GOD_BYTE, &[god]).map_err(io)?;
    // If it does not verify, the crash came before all of it was on disk.
    Ok(checked(disk, name, overlay).is_ok().then_some(god))
}

fn later_god_byte(file: &Backend) -> io::Result<Option<u8>> {
    if file.len()? < HEADER {
        return Ok(None);
    }
    let god = god_byte(file)?;
    let mut numbers = [0; 2];
    for (number, at) in numbers.iter_mut().zip(COMMIT_NUMBERS) {
        let mut bytes = [0; 8];
        file.read(at, &mut bytes)?;
        *number = u64::from_le_bytes(bytes);
    }
    let primary = usize::from(god & PRIMARY_BIT);
    let later = god & TWO_PHASES != 0 && numbers[1 - primary] > numbers[primary];
    Ok(later.then_some(god ^ PRIMARY_BIT))
}

/// The byte that puts in force the commit before the commit `number` of the ledger, and the ledger as it then is.
///
/// A commit that failed may be in the file all the same: written, but not synced. Nobody may see it, as it was reported
/// to have failed. The commit before it is still whole beside it: redb overwrites nothing of that until the next one.
fn before_commit(disk: &dyn Disk, name: &str, number: u64) -> Result<(u8, Database), StoreError> {
    let path = disk.path(name);
    let io = |source| error::io(&path, source);
    for other in [0, PRIMARY_BIT] {
        let file = disk.open_to_read(name).map_err(io)?;
        let god = god_byte(&file).map_err(io)? ^ other;
        let overlay = Overlay::new(file).map_err(io)?;
        overlay.write(GOD_BYTE, &[god]).map_err(io)?;
        let Ok(database) = checked(disk, name, overlay) else { continue };
        let found = || commits(&database.begin_read()?.open_table(ABOUT)?);
        if found().is_ok_and(|found| found.checked_add(1) == Some(number)) {
            return Ok((god, database));
        }
    }
    Err(error::damaged(&path))
}

fn god_byte(file: &Backend) -> io::Result<u8> {
    let mut byte = [0];
    file.read(GOD_BYTE, &mut byte)?;
    Ok(byte[0])
}
