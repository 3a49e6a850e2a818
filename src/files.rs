//! Files that only their owner may read, and that a crash never leaves half-written.

use std::fs::{self, File, Metadata, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use crate::system::SystemError;

/// Reads a file that only its owner may read.
pub(crate) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, SystemError> {
    let mut file = File::open(path).map_err(|source| io("open", path, source))?;
    let metadata = file.metadata().map_err(|source| io("read", path, source))?;
    if metadata.is_dir() {
        return Err(io("read", path, ErrorKind::IsADirectory.into()));
    }
    refuse_shared(path, &metadata)?;
    let size = metadata.len();
    // Room for all of it at once, so that growing leaves no copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or(0).saturating_add(1)));
    file.read_to_end(&mut bytes).map_err(|source| io("read", path, source))?;
    Ok(bytes)
}

/// As [`read_private`], of a file that was found in a folder and that nobody named.
pub(crate) fn read_found(path: &Path) -> Result<Zeroizing<Vec<u8>>, SystemError> {
    refuse_special(path)?;
    read_private(path)
}

/// An error for what is found under a file's name and is a pipe or a device: it would be waited for without end. What
/// a caller names itself may be a pipe. One that is not there is left to whoever opens it.
pub(crate) fn refuse_special(path: &Path) -> Result<(), SystemError> {
    match fs::metadata(path) {
        Ok(there) if !there.is_file() && !there.is_dir() => {
            Err(io("read", path, std::io::Error::new(ErrorKind::InvalidInput, "it is no file")))
        }
        _ => Ok(()),
    }
}

/// Whether a path is free for [`create_private`]: nothing is there, or an empty file, which a crash or a full disk
/// left. An error for a pipe or a device.
pub(crate) fn is_vacant(path: &Path) -> Result<bool, SystemError> {
    refuse_special(path)?;
    match fs::metadata(path) {
        Ok(there) => Ok(there.is_file() && there.len() == 0),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(source) => Err(io("read", path, source)),
    }
}

/// Creates a file that only its owner may read. An existing file is left alone and is an error.
///
/// An empty one is replaced: a crash or a full disk left it of an earlier try.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> Result<(), SystemError> {
    if fs::symlink_metadata(path).is_ok_and(|there| there.is_file() && there.len() == 0) {
        fs::remove_file(path).map_err(|source| io("replace", path, source))?;
    }
    let mut file = private_options().create_new(true).open(path).map_err(|source| io("create", path, source))?;
    if let Err(source) = file.write_all(bytes).and_then(|()| file.sync_all()) {
        drop(file);
        // A file cut short would stand in the way of the next try.
        let _ = fs::remove_file(path);
        return Err(io("write", path, source));
    }
    sync_folder(path)
}

/// Replaces a file's content in one step: after a crash the file holds the old bytes or the new ones. Returns when the
/// new ones are on disk.
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> Result<(), SystemError> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    drop(rename_private(path, |file| {
        file.write_all(first).and_then(|()| crash::point()).and_then(|()| file.write_all(second))
    })?);
    crash::point().map_err(|source| io("replace", path, source))?;
    sync_folder(path)
}

/// As [`replace_private`], with what `write` writes. Gives the new file, whose name is on disk once [`sync_folder`] has
/// returned.
pub(crate) fn rename_private(
    path: &Path,
    write: impl FnOnce(&mut File) -> std::io::Result<()>,
) -> Result<File, SystemError> {
    let new = &path.with_extension("new");
    crash::point().map_err(|source| io("write", path, source))?;
    // What a crash left there goes; a link that somebody put there must not lead the writing elsewhere.
    match fs::remove_file(new) {
        Err(source) if source.kind() != ErrorKind::NotFound => return Err(io("replace", new, source)),
        _ => {}
    }
    let created = private_options().read(true).create_new(true).open(new);
    let mut file = created.map_err(|source| io("create", new, source))?;
    let written = write(&mut file).and_then(|()| file.sync_all()).and_then(|()| crash::point());
    written.map_err(|source| io("write", new, source))?;
    fs::rename(new, path).map_err(|source| io("replace", path, source))?;
    Ok(file)
}

/// As [`rename_private`], for a file that others may read, and that no lock keeps to one writer: each writes under a
/// name of its own, where nothing is. Of one that fails nothing is left; what one leaves that was killed, the command
/// knows by that name, and clears.
pub(crate) fn rename_public(
    path: &Path,
    write: impl FnOnce(&mut File) -> std::io::Result<()>,
) -> Result<File, SystemError> {
    let number = RandomState::new().hash_one(path);
    let new = path.with_file_name(format!(".stapel-{}-{number}.new", std::process::id()));
    let created = OpenOptions::new().read(true).write(true).create_new(true).open(&new);
    let mut file = created.map_err(|source| io("create", &new, source))?;
    let written = write(&mut file).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&new, path));
    written.map_err(|source| {
        let _ = fs::remove_file(&new);
        io("write", path, source)
    })?;
    Ok(file)
}

/// As [`replace_private`], for what is soon written again: it is not synced, and may be lost with the power.
pub(crate) fn replace_unsynced(path: &Path, bytes: &[u8]) -> Result<(), SystemError> {
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(source) if source.kind() != ErrorKind::NotFound => return Err(io("replace", &new, source)),
        _ => {}
    }
    let mut file = private_options().create_new(true).open(&new).map_err(|source| io("create", &new, source))?;
    let written = file.write_all(bytes).and_then(|()| fs::rename(&new, path));
    written.map_err(|source| io("write", path, source))
}

/// Syncs the folder that a file is in, so that its creation or renaming survives a crash.
pub(crate) fn sync_folder(path: &Path) -> Result<(), SystemError> {
    #[cfg(unix)]
    if let Some(parent) = path.parent() {
        let folder = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        File::open(folder).and_then(|f| f.sync_all()).map_err(|source| io("sync", folder, source))?;
    }
    Ok(())
}

/// Creates a folder that only its owner may enter, and its parents, where they are missing. Returns when they are on
/// disk.
pub(crate) fn create_private_folder(path: &Path) -> Result<(), SystemError> {
    let new: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| io("create", path, source))?;
    new.into_iter().filter(|folder| !folder.as_os_str().is_empty()).try_for_each(sync_folder)
}

/// Crash points, at which tests end the process between two steps. In a normal build they do nothing.
#[cfg(not(test))]
pub(crate) mod crash {
    pub(crate) fn point() -> std::io::Result<()> {
        Ok(())
    }
}

/// Crash points: a test says at which one the process ends, and from there on nothing is written.
#[cfg(test)]
pub(crate) mod crash {
    use std::cell::Cell;

    thread_local! {
        static STEPS: Cell<Option<u32>> = const { Cell::new(None) };
    }

    /// Ends the process of this thread at the point after the next `steps`; `None` never does.
    pub(crate) fn after(steps: Option<u32>) {
        STEPS.set(steps);
    }

    pub(crate) fn point() -> std::io::Result<()> {
        match STEPS.get() {
            None => Ok(()),
            Some(0) => Err(std::io::Error::other("the process ended here")),
            Some(steps) => {
                STEPS.set(Some(steps - 1));
                Ok(())
            }
        }
    }
}

/// An [`SystemError::Io`].
pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> SystemError {
    SystemError::Io { action, path: path.into(), source }
}

/// How a private file is opened for writing.
pub(crate) fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn refuse_shared(path: &Path, metadata: &Metadata) -> Result<(), SystemError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(SystemError::FileMode { path: path.into(), mode }) }
}

/// Elsewhere than on Unix a file's access list is the administrator's to keep.
#[cfg(not(unix))]
fn refuse_shared(_: &Path, _: &Metadata) -> Result<(), SystemError> {
    Ok(())
}

/// Refuses a file that others than its owner may read or write. One that is not there is left to whoever opens it.
pub(crate) fn refuse_shared_file(path: &Path) -> Result<(), SystemError> {
    fs::metadata(path).map_or(Ok(()), |there| refuse_shared(path, &there))
}

/// Refuses a folder in which others than its owner may write: they could put other files in the place of its own. One
/// that is not there is left to whoever opens its files.
pub(crate) fn refuse_shared_folder(path: &Path) -> Result<(), SystemError> {
    #[cfg(unix)]
    if let Ok(there) = fs::metadata(path) {
        let mode = std::os::unix::fs::PermissionsExt::mode(&there.permissions()) & 0o777;
        if mode & 0o022 != 0 {
            return Err(SystemError::FolderMode { path: path.into(), mode });
        }
    }
    let _ = path;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn private_files_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create_private(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(create_private(&path, b"two").unwrap_err().code(), "io");
        replace_private(&path, b"three").unwrap();
        assert_eq!(read_private(&path).unwrap().as_slice(), b"three");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!path.with_extension("new").exists());
    }

    #[test]
    fn a_file_of_no_lock_is_written_by_several_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bag.stapel");
        let write = |bytes: &'static [u8]| rename_public(&path, |file| file.write_all(bytes));
        // The second begins and ends while the first writes.
        let first = rename_public(&path, |file| {
            drop(write(b"two").map_err(std::io::Error::other)?);
            file.write_all(b"one")
        });
        assert_eq!((first.is_ok(), fs::read(&path).unwrap()), (true, b"one".to_vec()));
        assert!(rename_public(&path, |_| Err(std::io::Error::other("full"))).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_leads_no_writing_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("state.sealed"), folder.path().join("victim"));
        fs::write(&victim, b"untouched").unwrap();
        std::os::unix::fs::symlink(&victim, path.with_extension("new")).unwrap();
        replace_private(&path, b"one").unwrap();
        assert_eq!((fs::read(&victim).unwrap(), fs::read(&path).unwrap()), (b"untouched".to_vec(), b"one".to_vec()));
        assert!(!path.is_symlink());
    }

    #[test]
    fn an_empty_file_is_what_a_crash_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, b"").unwrap();
        create_private(&path, b"one").unwrap();
        assert_eq!(read_private(&path).unwrap().as_slice(), b"one");
        std::os::unix::fs::symlink("/dev/null", folder.path().join("link")).unwrap();
        assert_eq!(create_private(&folder.path().join("link"), b"one").unwrap_err().code(), "io");
    }

    /// A test that hangs fails here.
    #[test]
    fn a_pipe_that_is_found_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.sealed");
        assert_eq!(read_found(&path).unwrap_err().code(), "io");
        assert!(is_vacant(&path).unwrap());
        let made = std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&path).status().unwrap();
        assert!(made.success());
        for error in [read_found(&path).unwrap_err(), is_vacant(&path).unwrap_err()] {
            assert!(error.code() == "io" && error.to_string().contains("it is no file"), "{error}");
        }
    }

    #[test]
    fn a_folder_is_no_file_whose_mode_is_to_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(read_private(folder.path()).unwrap_err().code(), "io");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create_private(&path, b"one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = read_private(&path).unwrap_err();
        assert_eq!(error.code(), "file_mode");
        assert!(error.to_string().contains(&format!("chmod 600 {}", path.display())), "{error}");
    }
}
