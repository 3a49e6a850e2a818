//! The broker's folder: the store, and the policies that were in force.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::digest::Digest;
use crate::files::{self, crash};
use crate::lock::FolderLock;
use crate::policy::PolicySignature;
use crate::store::{BlobKeys, DurableStore, StoreError};
use crate::system::SystemError;
use crate::trace;

/// Where a broker is made or restored until it is whole, so that its folder holds a whole broker or none.
pub(super) fn making(folder: &Path) -> PathBuf {
    folder.join("store.making")
}

/// Begins to make a broker, and removes what is left of an attempt that broke off. Until the lock is dropped, no other
/// process makes a broker in the folder. An error where one does, or where there is a broker.
pub(super) fn begin(folder: &Path) -> Result<FolderLock, StoreError> {
    files::create_private_folder(folder)?;
    let lock = FolderLock::hold(folder)?;
    let (store, making) = (store_path(folder), making(folder));
    if fs::read_dir(&store).is_ok_and(|mut files| files.next().is_some()) {
        let finding =
            "it exists already; nothing was changed: see stapel broker status. To have another in its place, move \
                       it away under another name; else give another folder"
                .into();
        return Err(StoreError::Store { path: store, finding });
    }
    match fs::remove_dir_all(&making) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(files::io("remove", &making, source).into()),
        _ => Ok(lock),
    }
}

/// Begins a backup in the folder `to`, and removes what is left of one that was broken off. An error where there is a
/// store or what is of no backup, or where another backup is being made.
pub(super) fn begin_backup(to: &Path) -> Result<(), StoreError> {
    let (store, making, policies) = (backup_path(to), making(to), policies(to));
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let is_foreign = |path: &PathBuf| ![&store, &making, &policies].contains(&path);
    let foreign = entries(to).map(|entry| entry.path()).find(is_foreign);
    if let Some(path) = foreign.or_else(|| entries(&store).next().map(|_| store)) {
        let finding = "it is there already, and of no copy that was broken off; nothing was changed: give a new folder \
                       for the backup";
        return Err(StoreError::Store { path, finding: finding.into() });
    }
    if !making.is_dir() {
        return Ok(());
    }
    // Whoever makes a store holds it by this lock.
    let _lock = FolderLock::hold(&making)?;
    Ok(fs::remove_dir_all(&making).map_err(|source| files::io("remove", &making, source))?)
}

/// Gives the store of a backup its name, now that the backup is whole: another than a broker's has, so that nobody
/// opens it as one, and goes on with a log that the broker itself goes on with.
pub(super) fn name_backup(to: &Path) -> Result<(), SystemError> {
    let store = backup_path(to);
    crash::point()
        .and_then(|()| fs::rename(making(to), &store))
        .map_err(|source| files::io("create", &store, source))?;
    files::sync_folder(&store)
}

/// Refuses to restore from what is no backup, or one that was broken off, before anything is changed.
pub(super) fn refuse_incomplete(from: &Path) -> Result<(), StoreError> {
    let has_files = |folder: PathBuf| fs::read_dir(folder)?.next().transpose().map(|file| file.is_some());
    match incomplete([copied_path(from), from.join("policies")].map(has_files), from.is_dir()) {
        None => Ok(()),
        Some(finding) => Err(StoreError::Store { path: from.into(), finding: finding.into() }),
    }
}

/// What is wrong with a backup, by whether its parts have files, and whether it could be seen to be a folder.
fn incomplete(parts: [io::Result<bool>; 2], is_folder: bool) -> Option<&'static str> {
    let is_refused =
        |part: &io::Result<bool>| part.as_ref().is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    if parts.iter().all(|part| matches!(part, Ok(true))) {
        None
    } else if parts.iter().any(is_refused) {
        Some(
            "this user may not look into it, or into a folder above it; nothing was changed: give the folders of \
             backups to the user that the broker runs as (chown -R)",
        )
    } else if is_folder {
        Some(
            "it is no whole backup: making it was broken off, or a part was not copied; nothing was changed: give \
             another",
        )
    } else {
        Some("there is no such backup; nothing was changed: give the folder of one")
    }
}

/// Makes an empty store where a broker is made.
pub(super) fn create(folder: &Path, keys: Arc<dyn BlobKeys>) -> Result<DurableStore, StoreError> {
    let making = making(folder);
    files::create_private_folder(&making.join("policies"))?;
    DurableStore::create(&store_path(&making), keys)
}

/// Copies a backup to where a broker is made.
pub(super) fn copy(from: &Path, folder: &Path) -> Result<(), SystemError> {
    let making = making(folder);
    copy_policies(from, &making)?;
    files::create_private_folder(&store_path(&making))?;
    copy_files(&copied_path(from), &store_path(&making))
}

/// Moves what was made, and nobody has open, to its place. The store goes last, by one rename, so that there is a whole
/// broker or none.
pub(super) fn put_in_place(folder: &Path) -> Result<(), SystemError> {
    let (store, making) = (store_path(folder), making(folder));
    copy_policies(&making, folder)?;
    // An empty folder may be there, which a rename replaces on Unix alone.
    let _ = fs::remove_dir(&store);
    let moved = crash::point().and_then(|()| fs::rename(store_path(&making), &store)).and_then(|()| crash::point());
    moved.map_err(|source| files::io("create", &store, source))?;
    files::sync_folder(&store)?;
    // There is a broker now, whatever becomes of this.
    remove_leftover(&making);
    Ok(())
}

/// Opens the store of a backup, in which nothing is changed.
pub(super) fn open_to_verify(from: &Path, keys: Arc<dyn BlobKeys>) -> Result<DurableStore, StoreError> {
    DurableStore::open_to_verify(&copied_path(from), keys)
}

/// Opens the store, and removes what is left beside it of one that was being made.
pub(super) fn open(folder: &Path, keys: Arc<dyn BlobKeys>) -> Result<DurableStore, StoreError> {
    if !store_path(folder).exists() && backup_path(folder).is_dir() {
        let finding = "it is a backup and no broker; nothing was changed: put it back with stapel broker restore";
        return Err(StoreError::Store { path: folder.into(), finding: finding.into() });
    }
    let (store, making) = (DurableStore::open(&store_path(folder), keys)?, making(folder));
    if making.exists() {
        // Where another process holds the lock, it is making a broker there.
        let _ = FolderLock::hold(folder).map(|_lock| remove_leftover(&making));
    }
    Ok(store)
}

/// Removes what is left of a broker that was being made. It does no harm where it stays.
fn remove_leftover(making: &Path) {
    if let Err(error) = fs::remove_dir_all(making) {
        trace::event!(WARN, "what is left of a broker's making stays", folder = making.display(), fault = error);
    }
}

/// Where the store is.
pub(super) fn store_path(folder: &Path) -> PathBuf {
    folder.join("store")
}

/// Where the store of a backup is.
fn backup_path(folder: &Path) -> PathBuf {
    folder.join("backup")
}

/// The store to put back: a backup's, or one of which the files were copied while nobody had it open.
fn copied_path(from: &Path) -> PathBuf {
    let backup = backup_path(from);
    if backup.is_dir() { backup } else { store_path(from) }
}

/// Copies the policies that were in force, with their signatures.
pub(super) fn copy_policies(from: &Path, to: &Path) -> Result<(), SystemError> {
    files::create_private_folder(&to.join("policies"))?;
    copy_files(&from.join("policies"), &to.join("policies"))
}

/// Copies the files in a folder, each whole and on disk.
fn copy_files(from: &Path, to: &Path) -> Result<(), SystemError> {
    for entry in fs::read_dir(from).map_err(|source| files::io("read", from, source))? {
        let path = entry.map_err(|source| files::io("read", from, source))?.path();
        let bytes = fs::read(&path).map_err(|source| files::io("read", &path, source))?;
        files::replace_private(&to.join(path.file_name().unwrap_or_default()), &bytes)?;
    }
    Ok(())
}

/// Where policies are kept, and vetoes of those to come.
pub(super) fn policies(folder: &Path) -> PathBuf {
    folder.join("policies")
}

/// Where the policy of a version is kept, with its signatures beside it.
pub(super) fn policy_path(folder: &Path, version: u32) -> PathBuf {
    policies(folder).join(format!("{version}.toml"))
}

/// Where the version is kept that is announced for a lost policy key, with its signatures beside it: apart from those
/// that were adopted, because another of the same number may be adopted in its place.
pub(super) fn announced_path(folder: &Path, version: Digest) -> PathBuf {
    policies(folder).join(format!("announced-{version}.toml"))
}

/// Keeps a policy's text and its signatures, so that they are still there when the original is gone.
///
/// The ledger says which one is in force; a copy that was not adopted is overwritten by the next of its version.
pub(super) fn keep_policy(kept: &Path, text: &str, signatures: &[PolicySignature]) -> Result<(), SystemError> {
    files::replace_private(kept, text.as_bytes())?;
    for signature in signatures {
        files::replace_private(&signature.path_of_key_beside(kept), signature.to_text().as_bytes())?;
    }
    Ok(())
}

/// Keeps a receipt that the store does not have, on disk when this returns.
pub(super) fn keep_evidence(folder: &Path, digest: &Digest, receipt: &[u8]) -> Result<(), SystemError> {
    let path = folder.join(format!("evidence-{}.receipt", &digest.to_string()[..16]));
    if files::is_vacant(&path)? { files::replace_private(&path, receipt) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever may not look into a backup is not told that there is none.
    #[test]
    fn a_backup_that_may_not_be_seen_is_told_from_one_that_is_not_there() {
        let error = |kind: ErrorKind| io::Result::<bool>::Err(kind.into());
        let missing = || error(ErrorKind::NotFound);
        assert_eq!(incomplete([Ok(true), Ok(true)], true), None);
        let said = |parts, is_folder| incomplete(parts, is_folder).unwrap().split(';').next().unwrap();
        assert_eq!(said([missing(), missing()], false), "there is no such backup");
        assert!(said([Ok(true), missing()], true).starts_with("it is no whole backup"));
        assert!(said([Ok(false), Ok(true)], true).starts_with("it is no whole backup"));
        let refused = "this user may not look into it, or into a folder above it";
        assert_eq!(said([error(ErrorKind::PermissionDenied), missing()], false), refused);
        assert_eq!(said([Ok(true), error(ErrorKind::PermissionDenied)], true), refused);
    }
}
