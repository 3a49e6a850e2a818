//! Locks on folders: a folder is open in one process at a time, and there in one place.

use std::fs::File;
use std::path::{Path, PathBuf};
#[cfg(all(unix, feature = "partner"))]
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::files::{io, private_options};
use crate::system::SystemError;

/// The file whose lock is the folder's.
const LOCK: &str = "lock";

/// The file whose lock says who is next among those that wait for the folder.
const NEXT: &str = "lock.next";

/// The file in which `stapel partner serve` says at which socket it is called.
#[cfg(unix)]
const SERVER: &str = "serve.at";

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
        let open = || private_options().create(true).open(&path).map_err(|source| io("open", &path, source));
        #[cfg(unix)]
        {
            refuse_other_user(folder)?;
            let mut all = posix::all_held();
            let in_use = |server| SystemError::FolderInUse { path: folder.to_owned(), server };
            // Not opened where this process holds it: closing any file of it would end the lock.
            if std::fs::metadata(&path).is_ok_and(|there| posix::is_held(&all, &there)) {
                return Err(in_use(posix::server_of(&folder.join(SERVER), &all)));
            }
            let file = open()?;
            let metadata = file.metadata().map_err(|source| io("read", &path, source))?;
            if !posix::try_lock(&file).map_err(|source| io("lock", &path, source))? {
                return Err(in_use(posix::server_of(&folder.join(SERVER), &all)));
            }
            let held = posix::Held::of(&metadata);
            all.push((held, None));
            Ok(FolderLock { file: Some(file), held })
        }
        #[cfg(not(unix))]
        {
            let file = open()?;
            match file.try_lock() {
                Ok(()) => Ok(FolderLock { file: Some(file) }),
                Err(std::fs::TryLockError::WouldBlock) => {
                    Err(SystemError::FolderInUse { path: folder.to_owned(), server: None })
                }
                Err(std::fs::TryLockError::Error(source)) => Err(io("lock", &path, source)),
            }
        }
    }
}

/// Says to whoever finds a partner's folder in use at which socket a server of this process is called for it, as long
/// as this lives: the file `serve.at`, which is locked meanwhile.
///
/// One that lies there without a lock was left by a server that was killed, and whoever has the folder since is no
/// server: so it says nothing, whenever it is read.
#[cfg(all(unix, feature = "partner"))]
#[derive(Debug)]
pub struct ServedAt {
    path: PathBuf,
    /// `None` once it is being dropped.
    file: Option<File>,
    held: posix::Held,
    /// The folder stays this process's until the file is gone, so that no other server's is taken away.
    _folder: Arc<FolderLock>,
}

#[cfg(all(unix, feature = "partner"))]
impl ServedAt {
    pub(crate) fn write(folder: &Path, lock: Arc<FolderLock>, socket: &Path) -> Result<ServedAt, SystemError> {
        use std::io::{ErrorKind, Write};
        use std::os::unix::ffi::OsStrExt;
        let path = folder.join(SERVER);
        let socket = std::path::absolute(socket).map_err(|source| io("find", socket, source))?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io("replace", &path, error)),
            _ => {}
        }
        let failed = |source| io("write", &path, source);
        let mut file = private_options().create_new(true).open(&path).map_err(failed)?;
        file.write_all(socket.as_os_str().as_bytes()).map_err(failed)?;
        let mut all = posix::all_held();
        // Once all of it is written: until then it says nothing. Nobody else locks it.
        if !posix::try_lock(&file).map_err(failed)? {
            return Err(SystemError::FolderInUse { path: folder.to_owned(), server: None });
        }
        let held = posix::Held::of(&file.metadata().map_err(failed)?);
        all.push((held, Some(socket)));
        drop(all);
        Ok(ServedAt { path, file: Some(file), held, _folder: lock })
    }
}

#[cfg(all(unix, feature = "partner"))]
impl Drop for ServedAt {
    fn drop(&mut self) {
        // In a child that was forked it is the parent's.
        if self.held.is_own() {
            let _ = std::fs::remove_file(&self.path);
        }
        posix::let_go(&mut self.file, self.held);
    }
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
        posix::let_go(&mut self.file, self.held);
        #[cfg(not(unix))]
        drop(self.file.take());
    }
}

#[cfg(unix)]
mod posix {
    use std::ffi::OsString;
    use std::fs::{File, Metadata};
    use std::io::{self, Read};
    use std::os::unix::ffi::OsStringExt;
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use rustix::fs::{FlockOperation, fcntl_lock};
    use rustix::io::Errno;
    use rustix::process::{Flock, FlockType, fcntl_getlk};

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

        /// Whether this process holds it, and not the one that it was forked from.
        #[cfg(feature = "partner")]
        pub(super) fn is_own(self) -> bool {
            self.process == std::process::id()
        }
    }

    /// Root can write in anybody's folder, and what it leaves there the owner can no longer read.
    pub(super) fn refuse_other_user(folder: &Path, metadata: &Metadata) -> Result<(), SystemError> {
        let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
        if owner == user { Ok(()) } else { Err(SystemError::OtherUser { path: folder.into(), owner, user }) }
    }

    /// A file that is held, and the socket that it names where it says that a server has the folder.
    pub(super) type Holding = (Held, Option<PathBuf>);

    /// What this process holds, and in a child what its parent held when it was forked.
    pub(super) fn all_held() -> MutexGuard<'static, Vec<Holding>> {
        static HELD: Mutex<Vec<Holding>> = Mutex::new(Vec::new());
        HELD.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_held(all: &[Holding], file: &Metadata) -> bool {
        all.iter().any(|(held, _)| *held == Held::of(file))
    }

    pub(super) fn let_go(file: &mut Option<File>, held: Held) {
        let mut all = all_held();
        // Closed before it is free: another that locked it in between would lose its lock to this closing.
        drop(file.take());
        all.retain(|(other, _)| *other != held);
    }

    /// The socket that the file at `path` names; `None` where it is not locked, for a server that was killed left it.
    pub(super) fn server_of(path: &Path, all: &[Holding]) -> Option<PathBuf> {
        let there = Held::of(&std::fs::metadata(path).ok()?);
        // A server of this process would lose its lock to the closing of the file.
        if let Some((_, socket)) = all.iter().find(|(held, _)| *held == there) {
            return socket.clone();
        }
        let file = File::open(path).ok()?;
        fcntl_getlk(&file, &Flock::from(FlockType::ReadLock)).ok()??;
        let mut socket = Vec::new();
        file.take(4_096).read_to_end(&mut socket).ok()?;
        Some(PathBuf::from(OsString::from_vec(socket))).filter(|socket| socket.is_absolute())
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

    #[cfg(all(unix, feature = "partner"))]
    #[test]
    fn whoever_finds_a_servers_folder_in_use_is_told_of_its_socket() {
        let folder = tempfile::tempdir().unwrap();
        let held = Arc::new(FolderLock::hold(folder.path()).unwrap());
        let said = || FolderLock::wait_for(folder.path(), PAUSE).unwrap_err().to_string();
        assert!(said().contains("wait longer for it") && said().contains("stapel partner serve own it"), "{}", said());
        let served = ServedAt::write(folder.path(), held, Path::new("/run/stapel/police.sock")).unwrap();
        for _ in 0..2 {
            let error = FolderLock::wait_in_line(folder.path(), || panic!("nobody waits for a server")).unwrap_err();
            let said_of_it = error.to_string();
            let names = ["call it at /run/stapel/police.sock", "stapel_client in Python", "stapel.client in Java"];
            assert!(names.iter().all(|name| said_of_it.contains(name)), "{said_of_it}");
        }
        drop(served);
        assert!(!folder.path().join(SERVER).exists());
        FolderLock::hold(folder.path()).unwrap();
    }

    /// A server was killed, and a command has the folder before anybody took away what the server left there: whoever
    /// waits for the command is not sent to the server.
    #[cfg(all(unix, feature = "partner"))]
    #[test]
    fn what_a_killed_server_left_keeps_nobody_from_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SERVER);
        std::fs::write(&path, "/run/stapel/police.sock").unwrap();
        let mut command = Some(FolderLock::hold(folder.path()).unwrap());
        let waited = FolderLock::wait_in_line(folder.path(), || {
            command = None;
            true
        });
        let served = ServedAt::write(folder.path(), Arc::new(waited.unwrap()), Path::new("other.sock")).unwrap();
        let error = FolderLock::hold(folder.path()).unwrap_err();
        let socket = std::path::absolute("other.sock").unwrap();
        assert!(error.to_string().contains(socket.to_str().unwrap()), "{error}");
        // The folder stays the server's as long as the file says so.
        drop(served);
        FolderLock::hold(folder.path()).unwrap();
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
