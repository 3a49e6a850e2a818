//! Locks on folders: a folder is open in one process at a time, and there in one place.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::files::{io, private_options};
use crate::system::SystemError;

/// The file whose lock is the folder's.
const LOCK: &str = "lock";

/// The file whose lock says who is next among those that wait for the folder.
const NEXT: &str = "lock.next";

/// The file in which `stapel partner serve` says at which socket it is called.
pub(crate) const SERVER: &str = "serve.at";

/// The pause between two attempts at a folder that is in use: short beside the milliseconds for which a call has it
/// open, and long beside the 20 microseconds that an attempt takes.
const PAUSE: Duration = Duration::from_millis(5);

/// A folder that nobody else holds as long as this lives.
///
/// On Unix it is a record lock (POSIX, `fcntl`), which is the process's own: a child that was forked holds none, so
/// that one that never touches the folder does not keep it locked after its parent has ended.
#[derive(Debug)]
pub(crate) struct FolderLock {
    /// `None` once it is being dropped.
    file: Option<File>,
    #[cfg(unix)]
    held: posix::Held,
}

impl FolderLock {
    /// Locks a folder through the file `lock` in it. [`SystemError::FolderInUse`] where it is locked already,
    /// [`SystemError::OtherUser`] where it is another user's.
    pub(crate) fn hold(folder: &Path) -> Result<FolderLock, SystemError> {
        FolderLock::hold_file(folder, LOCK)
    }

    /// As [`FolderLock::hold`], but where the folder is locked already, waits for it about so long: no clock is read,
    /// the pauses between two attempts are counted.
    pub(crate) fn wait_for(folder: &Path, wait: Duration) -> Result<FolderLock, SystemError> {
        let mut pauses = wait.as_nanos().div_ceil(PAUSE.as_nanos());
        FolderLock::wait_in_line(folder, || {
            let goes_on = pauses > 0;
            if goes_on {
                pauses -= 1;
                thread::sleep(PAUSE);
            }
            goes_on
        })
    }

    /// Locks a folder once it is free, with a pause between two attempts, until `pause` says that there is no next one.
    ///
    /// Whoever waits holds the file `lock.next` first, and all others wait for that. Else a process that closes the
    /// folder and opens it again at once would nearly always come before those that wait, and some of them would wait
    /// in vain.
    fn wait_in_line(folder: &Path, mut pause: impl FnMut() -> bool) -> Result<FolderLock, SystemError> {
        let mut once_free = |name| loop {
            match FolderLock::hold_file(folder, name) {
                // A server keeps it all day.
                Err(SystemError::FolderInUse { server: None, .. }) if pause() => {}
                held_or_not => return held_or_not,
            }
        };
        let _next = once_free(NEXT)?;
        once_free(LOCK)
    }

    fn hold_file(folder: &Path, name: &str) -> Result<FolderLock, SystemError> {
        let path = folder.join(name);
        let in_use = || SystemError::FolderInUse { path: folder.to_owned(), server: server_of(folder) };
        let open = || private_options().create(true).open(&path).map_err(|source| io("open", &path, source));
        #[cfg(unix)]
        {
            refuse_other_user(folder)?;
            let mut all = posix::all_held();
            // Not opened where this process holds it: closing any file of it would end the lock.
            if std::fs::metadata(&path).is_ok_and(|there| all.contains(&posix::Held::of(&there))) {
                return Err(in_use());
            }
            let file = open()?;
            let metadata = file.metadata().map_err(|source| io("read", &path, source))?;
            if !posix::try_lock(&file).map_err(|source| io("lock", &path, source))? {
                return Err(in_use());
            }
            let held = posix::Held::of(&metadata);
            all.push(held);
            Ok(FolderLock { file: Some(file), held })
        }
        #[cfg(not(unix))]
        {
            let file = open()?;
            match file.try_lock() {
                Ok(()) => Ok(FolderLock { file: Some(file) }),
                Err(std::fs::TryLockError::WouldBlock) => Err(in_use()),
                Err(std::fs::TryLockError::Error(source)) => Err(io("lock", &path, source)),
            }
        }
    }
}

/// The socket of the server that has a partner's folder open, as it wrote it there.
fn server_of(folder: &Path) -> Option<PathBuf> {
    let mut socket = String::new();
    File::open(folder.join(SERVER)).ok()?.take(4_096).read_to_string(&mut socket).ok()?;
    Some(PathBuf::from(socket)).filter(|socket| socket.is_absolute())
}

/// [`SystemError::OtherUser`] for a folder of another user, in which files are replaced without a lock. One that is not
/// there is left to whoever opens its files.
pub(crate) fn refuse_other_user(folder: &Path) -> Result<(), SystemError> {
    #[cfg(unix)]
    if let Ok(owner) = std::fs::metadata(folder) {
        posix::refuse_other_user(folder, &owner)?;
    }
    Ok(())
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        #[cfg(unix)]
        let mut all = posix::all_held();
        // Closed before it is free: another that locked it in between would lose its lock to this closing.
        drop(self.file.take());
        #[cfg(unix)]
        all.retain(|held| *held != self.held);
    }
}

#[cfg(unix)]
mod posix {
    use std::fs::{File, Metadata};
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use rustix::fs::{FlockOperation, fcntl_lock};
    use rustix::io::Errno;

    use crate::system::SystemError;

    /// A file that a process holds: record locks do not keep two places of one process apart.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Held {
        process: u32,
        device: u64,
        inode: u64,
    }

    impl Held {
        pub(super) fn of(file: &Metadata) -> Held {
            Held { process: std::process::id(), device: file.dev(), inode: file.ino() }
        }
    }

    /// Root can write in anybody's folder, and what it leaves there the owner can no longer read.
    pub(super) fn refuse_other_user(folder: &Path, metadata: &Metadata) -> Result<(), SystemError> {
        let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
        if owner == user { Ok(()) } else { Err(SystemError::OtherUser { path: folder.into(), owner, user }) }
    }

    /// What this process holds, and in a child what its parent held when it was forked.
    pub(super) fn all_held() -> MutexGuard<'static, Vec<Held>> {
        static HELD: Mutex<Vec<Held>> = Mutex::new(Vec::new());
        HELD.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it could be locked.
    pub(super) fn try_lock(file: &File) -> io::Result<bool> {
        match fcntl_lock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn one_place_holds_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let held = FolderLock::hold(folder.path()).unwrap();
        assert_eq!(FolderLock::hold(folder.path()).unwrap_err().code(), "folder_in_use");
        let elsewhere = tempfile::tempdir().unwrap();
        FolderLock::hold(elsewhere.path()).unwrap();
        drop(held);
        FolderLock::hold(folder.path()).unwrap();
    }

    #[test]
    fn whoever_finds_a_servers_folder_in_use_is_told_of_its_socket() {
        let folder = tempfile::tempdir().unwrap();
        let _held = FolderLock::hold(folder.path()).unwrap();
        let said = || FolderLock::wait_for(folder.path(), PAUSE).unwrap_err().to_string();
        assert!(said().contains("wait longer for it") && said().contains("stapel partner serve own it"), "{}", said());
        std::fs::write(folder.path().join(SERVER), "/run/stapel/police.sock").unwrap();
        let error = FolderLock::wait_in_line(folder.path(), || panic!("nobody waits for a server")).unwrap_err();
        let said_of_it = error.to_string();
        let names = ["call it at /run/stapel/police.sock", "stapel_client in Python", "stapel.client in Java"];
        assert!(names.iter().all(|name| said_of_it.contains(name)), "{said_of_it}");
        std::fs::write(folder.path().join(SERVER), "police.sock").unwrap();
        assert!(said().contains("wait longer for it"), "{}", said());
    }

    #[test]
    fn whoever_waits_gets_the_folder_once_it_is_free_and_comes_before_those_who_wait_longer() {
        let folder = tempfile::tempdir().unwrap();
        let mut held = Some(FolderLock::hold(folder.path()).unwrap());
        let mut pauses = 0;
        let waited = FolderLock::wait_in_line(folder.path(), || {
            pauses += 1;
            if pauses == 3 {
                held = None;
            }
            // Whoever comes later is not let in, not even once the folder is free.
            let refused = FolderLock::wait_in_line(folder.path(), || false).unwrap_err();
            assert_eq!(refused.code(), "folder_in_use");
            true
        });
        let waited = waited.unwrap();
        assert_eq!(pauses, 3);
        // The place in the line is free again, and the folder is not.
        let mut pauses = 0;
        let late = FolderLock::wait_in_line(folder.path(), || {
            pauses += 1;
            pauses < 3
        });
        assert_eq!((late.unwrap_err().code(), pauses), ("folder_in_use", 3));
        drop(waited);
        FolderLock::wait_for(folder.path(), Duration::ZERO).unwrap();
    }

    #[test]
    fn threads_that_wait_all_get_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        // Longer than any machine takes over 160 of them.
                        let _held = FolderLock::wait_for(folder.path(), Duration::from_secs(600)).unwrap();
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        // Whoever is not root finds one of root's.
        let others = match std::os::unix::fs::chown(folder.path(), Some(65_534), None) {
            Ok(()) => folder.path(),
            Err(_) => Path::new("/"),
        };
        let error = FolderLock::hold(others).unwrap_err();
        assert!(error.code() == "other_user" && error.to_string().contains("runuser -u"), "{error}");
        assert!(!folder.path().join("lock").exists());
    }
}
