//! The files of a store: a folder, or in tests something that can fail like a disk.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::error::{self, StoreError};
use crate::files;
use crate::lock::FolderLock;
use crate::system::SystemError;

/// Where the files of a store are.
pub(super) trait Disk: Debug + Send + Sync {
    /// Makes an empty file, in the place of one that is there.
    fn create(&self, name: &str) -> io::Result<Backend>;

    /// Opens a file to read and write it.
    fn open(&self, name: &str) -> io::Result<Backend>;

    /// Opens a file that may be read only.
    fn open_to_read(&self, name: &str) -> io::Result<Backend>;

    fn exists(&self, name: &str) -> bool;

    fn length(&self, name: &str) -> io::Result<u64>;

    /// Puts the file `from` in the place of `to`.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the names of files durable.
    fn sync(&self) -> io::Result<()>;

    /// The file's path, for errors.
    fn path(&self, name: &str) -> PathBuf;
}

/// A folder, held by one process.
#[derive(Debug)]
pub(super) struct StoreFolder {
    path: PathBuf,
    /// Locked while the store is open. The files have locks of their own, but purging puts other files in their place.
    _lock: FolderLock,
}

impl StoreFolder {
    /// Makes the folder, for its owner only, if it is not there, and holds it.
    pub(super) fn create(path: &Path) -> Result<StoreFolder, StoreError> {
        files::create_private_folder(path)?;
        files::sync_folder(path)?;
        StoreFolder::hold(path)
    }

    /// Holds a folder that is there.
    pub(super) fn hold(path: &Path) -> Result<StoreFolder, StoreError> {
        let lock = FolderLock::hold(path).map_err(|failure| match failure {
            SystemError::Io { path, source, .. } => error::io(&path, source),
            other => other.into(),
        })?;
        Ok(StoreFolder { path: path.into(), _lock: lock })
    }

    fn backend(&self, options: &OpenOptions, name: &str) -> io::Result<Backend> {
        backend(options, &self.path.join(name))
    }
}

fn backend(options: &OpenOptions, path: &Path) -> io::Result<Backend> {
    let file = options.open(path)?;
    Ok(Backend::new(FileBackend::new(file).map_err(io::Error::other)?))
}

/// A folder that holds a copy of a store, which is only looked at: nothing in it is changed, and what is written stays
/// in memory. Nobody else changes a copy, so that it needs no lock, which would be written there.
#[derive(Debug)]
pub(super) struct CopiedFolder(PathBuf);

impl CopiedFolder {
    pub(super) fn new(path: &Path) -> CopiedFolder {
        CopiedFolder(path.into())
    }
}

impl Disk for CopiedFolder {
    fn create(&self, _: &str) -> io::Result<Backend> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn open(&self, name: &str) -> io::Result<Backend> {
        Ok(Backend::new(Overlay::new(self.open_to_read(name)?)?))
    }

    fn open_to_read(&self, name: &str) -> io::Result<Backend> {
        backend(OpenOptions::new().read(true), &self.0.join(name))
    }

    fn exists(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.0.join(name))?.len())
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    /// What is left over there does not count, and stays.
    fn remove(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Disk for StoreFolder {
    fn create(&self, name: &str) -> io::Result<Backend> {
        match self.remove(name) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            // A link that somebody put there must not lead the writing elsewhere.
            _ => self.backend(private().create_new(true), name),
        }
    }

    fn open(&self, name: &str) -> io::Result<Backend> {
        self.backend(OpenOptions::new().read(true).write(true), name)
    }

    fn open_to_read(&self, name: &str) -> io::Result<Backend> {
        self.backend(OpenOptions::new().read(true), name)
    }

    fn exists(&self, name: &str) -> bool {
        self.path.join(name).exists()
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.path.join(name))?.len())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        #[cfg(unix)]
        fs::File::open(&self.path)?.sync_all()?;
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// To read and write a file that, if it is made, is for its owner only.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A file as redb sees it.
///
/// What is written is brought to the disk a piece at a time, also before redb asks for it: a disk that is handed two
/// megabytes at once keeps a question waiting meanwhile that has a line to write. An early sync takes nothing from what
/// the later one promises.
#[derive(Debug)]
pub(super) struct Backend {
    file: Box<dyn StorageBackend>,
    /// Bytes that were written since the last sync.
    unsynced: AtomicU64,
    /// The process that opened it. A fork of that one must not write what is in its copy of the memory: redb does so
    /// also when it is closed.
    process: u32,
}

/// So many bytes are written before they are synced.
const PIECE: u64 = 256 << 10;

impl Backend {
    pub(super) fn new(file: impl StorageBackend) -> Backend {
        Backend { file: Box::new(file), unsynced: AtomicU64::new(0), process: std::process::id() }
    }

    fn refuse_fork(&self) -> io::Result<()> {
        match self.process == std::process::id() {
            true => Ok(()),
            false => Err(io::Error::other("another process opened it, of which this one is a fork")),
        }
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.refuse_fork()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.unsynced.store(0, Ordering::Relaxed);
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.refuse_fork()?;
        self.file.write(offset, data)?;
        let written = data.len() as u64;
        if self.unsynced.fetch_add(written, Ordering::Relaxed) + written < PIECE {
            return Ok(());
        }
        self.sync_data()
    }

    fn close(&self) -> io::Result<()> {
        self.refuse_fork()?;
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

/// A file that is read, while all that is written over it stays in memory: so that a file can be looked into, or read
/// where it can no longer be written, as if it were repaired, and stays as it is.
///
/// It takes no locks: who uses it holds the folder.
#[derive(Debug)]
pub(super) struct Overlay {
    below: Backend,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    length: u64,
    /// Up to where the file below is what it was.
    below: u64,
    pages: BTreeMap<u64, Box<[u8; PAGE]>>,
}

const PAGE: usize = 4096;

impl Overlay {
    pub(super) fn new(below: Backend) -> io::Result<Overlay> {
        let length = below.len()?;
        Ok(Overlay { below, written: Mutex::new(Written { length, below: length, pages: BTreeMap::new() }) })
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page of the file below; zeros where it has ended.
    fn page(&self, written: &Written, page: u64) -> io::Result<Box<[u8; PAGE]>> {
        let mut bytes = Box::new([0; PAGE]);
        let start = page * PAGE as u64;
        let there = written.below.saturating_sub(start).min(PAGE as u64) as usize;
        if there > 0 {
            self.below.read(start, &mut bytes[..there])?;
        }
        Ok(bytes)
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let written = self.written();
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > written.length) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        for (page, at, piece) in pieces(offset, out.len()) {
            let to = &mut out[piece.clone()];
            match written.pages.get(&page) {
                Some(bytes) => to.copy_from_slice(&bytes[at..at + piece.len()]),
                None => to.copy_from_slice(&self.page(&written, page)?[at..at + piece.len()]),
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut written = self.written();
        if len < written.length {
            written.below = written.below.min(len);
            let _ = written.pages.split_off(&len.div_ceil(PAGE as u64));
            if let Some(bytes) = written.pages.get_mut(&(len / PAGE as u64)) {
                bytes[(len % PAGE as u64) as usize..].fill(0);
            }
        }
        written.length = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut written = self.written();
        let end = offset.checked_add(data.len() as u64).ok_or(ErrorKind::FileTooLarge)?;
        for (page, at, piece) in pieces(offset, data.len()) {
            if !written.pages.contains_key(&page) {
                let bytes = self.page(&written, page)?;
                written.pages.insert(page, bytes);
            }
            if let Some(bytes) = written.pages.get_mut(&page) {
                bytes[at..at + piece.len()].copy_from_slice(&data[piece]);
            }
        }
        written.length = written.length.max(end);
        Ok(())
    }
}

/// Cuts a range of a file at its pages: the page, where in it, and which of the bytes.
fn pieces(offset: u64, length: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let position = offset + done as u64;
        let at = (position % PAGE as u64) as usize;
        let piece = done..(done + PAGE - at).min(length);
        done = piece.end;
        (!piece.is_empty()).then_some((position / PAGE as u64, at, piece))
    })
}

#[cfg(test)]
mod tests {
    use super::super::simulated::SimDisk;
    use super::*;
    use redb::backends::InMemoryBackend;

    #[test]
    fn what_is_written_is_synced_a_piece_at_a_time() {
        let disk = SimDisk::default();
        let file = disk.create("file").unwrap();
        let quarter = vec![7; PIECE as usize / 4];
        let write = |quarters: u64| (0..quarters).for_each(|at| file.write(at * PIECE / 4, &quarter).unwrap());
        disk.record();
        write(9);
        assert_eq!(disk.recorded().len(), 2);
        file.sync_data().unwrap();
        disk.record();
        write(3);
        assert_eq!(disk.recorded().len(), 0, "it begins anew after each sync");
    }

    #[test]
    fn an_overlay_reads_like_the_file_and_leaves_it_as_it_is() {
        let below = InMemoryBackend::new();
        let original: Vec<u8> = (0..3 * PAGE + 100).map(|at| (at % 251) as u8).collect();
        below.set_len(original.len() as u64).unwrap();
        below.write(0, &original).unwrap();
        let overlay = Overlay::new(Backend::new(below)).unwrap();
        let mut expected = original.clone();
        let check = |expected: &[u8]| {
            let mut bytes = vec![0; expected.len()];
            assert_eq!(overlay.len().unwrap(), expected.len() as u64);
            overlay.read(0, &mut bytes).unwrap();
            assert!(bytes == expected);
            assert!(overlay.read(1, &mut bytes).is_err());
        };
        check(&expected);
        overlay.write(PAGE as u64 - 3, &[9; 2 * PAGE]).unwrap();
        expected[PAGE - 3..3 * PAGE - 3].fill(9);
        check(&expected);
        overlay.set_len(50).unwrap();
        expected.truncate(50);
        check(&expected);
        overlay.set_len(2 * PAGE as u64 + 7).unwrap();
        expected.resize(2 * PAGE + 7, 0);
        check(&expected);
        overlay.write(2 * PAGE as u64, &[7; 100]).unwrap();
        expected.resize(2 * PAGE + 100, 0);
        expected[2 * PAGE..].fill(7);
        check(&expected);
        let mut bytes = vec![0; original.len()];
        overlay.below.read(0, &mut bytes).unwrap();
        assert!(bytes == original);
    }

    #[test]
    fn a_folder_is_held_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        assert_eq!(StoreFolder::hold(&path).unwrap_err().code(), "store");
        let held = StoreFolder::create(&path).unwrap();
        for error in [StoreFolder::hold(&path).unwrap_err(), StoreFolder::create(&path).unwrap_err()] {
            assert_eq!(error.code(), "folder_in_use");
        }
        drop(held);
        StoreFolder::hold(&path).unwrap();
    }
}
