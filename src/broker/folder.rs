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
    DurableStore::create(folder, keys)
}

pub(super) fn open(folder: &Path, keys: Arc<dyn BlobKeys>) -> Result<DurableStore, Error> {
    DurableStore::open(folder, keys)
}

/// Where the policy of a version is kept, with its signatures beside it.
pub(super) fn policy_path(folder: &Path, version: u32) -> PathBuf {
    folder.join("policies").join(format!("{version}.toml"))
}

/// Copies a policy and the signatures beside it, so that it is still there when the original is gone.
///
/// The ledger says which one is in force; a copy that was not adopted is overwritten by the next of its version.
pub(super) fn keep_policy(folder: &Path, policy: &Path, version: u32) -> Result<(), Error> {
    let kept = policy_path(folder, version);
    let signatures = PolicySignature::read_beside(policy)?;
    let text = fs::read(policy).map_err(|source| files::io("read", policy, source))?;
    files::replace_private(&kept, &text)?;
    for signature in signatures {
        files::replace_private(&signature.path_of_key_beside(&kept), signature.to_text().as_bytes())?;
    }
    Ok(())
}
