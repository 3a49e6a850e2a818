//! The broker's folder: the store, and the policies that were in force.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;
use crate::files;
use crate::policy::PolicySignature;
use crate::store::{BlobKeys, DurableStore};

pub(super) fn create(folder: &Path, keys: Arc<dyn BlobKeys>) -> Result<DurableStore, Error> {
    files::create_private_folder(&folder.join("policies"))?;
    DurableStore::create(&store_path(folder), keys)
}

pub(super) fn open(folder: &Path, keys: Arc<dyn BlobKeys>) -> Result<DurableStore, Error> {
    DurableStore::open(&store_path(folder), keys)
}

/// Where the store is.
pub(super) fn store_path(folder: &Path) -> PathBuf {
    folder.join("store")
}

/// Copies the policies that were in force, with their signatures.
pub(super) fn copy_policies(from: &Path, to: &Path) -> Result<(), Error> {
    files::create_private_folder(&to.join("policies"))?;
    copy_files(&from.join("policies"), &to.join("policies"))
}

/// Copies a backup to where a broker is to be; an error where one is.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let store = store_path(to);
    if store.exists() {
        return Err(Error::Store {
            path: store,
            finding: "it exists already; restore to a folder without a store".into(),
        });
    }
    copy_policies(from, to)?;
    files::create_private_folder(&store)?;
    copy_files(&store_path(from), &store)
}

/// Copies the files in a folder, each whole and on disk.
fn copy_files(from: &Path, to: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(from).map_err(|source| files::io("read", from, source))? {
        let path = entry.map_err(|source| files::io("read", from, source))?.path();
        let bytes = fs::read(&path).map_err(|source| files::io("read", &path, source))?;
        files::replace_private(&to.join(path.file_name().unwrap_or_default()), &bytes)?;
    }
    Ok(())
}

/// Where the policy of a version is kept, with its signatures beside it.
pub(super) fn policy_path(folder: &Path, version: u32) -> PathBuf {
    folder.join("policies").join(format!("{version}.toml"))
}

/// Keeps a policy's text and its signatures, so that they are still there when the original is gone.
///
/// The ledger says which one is in force; a copy that was not adopted is overwritten by the next of its version.
pub(super) fn keep_policy(
    folder: &Path,
    version: u32,
    text: &str,
    signatures: &[PolicySignature],
) -> Result<(), Error> {
    let kept = policy_path(folder, version);
    files::replace_private(&kept, text.as_bytes())?;
    for signature in signatures {
        files::replace_private(&signature.path_of_key_beside(&kept), signature.to_text().as_bytes())?;
    }
    Ok(())
}
