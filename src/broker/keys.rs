//! The broker's own secrets, in a folder of their own: never in the store, nor in its backup.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::BrokerError;
use super::signed_logs::SignedLogs;
use crate::files;
use crate::lock::refuse_other_user;
use crate::secret::{Key32, SecretError, SigningKey, VerifyingKey};
use crate::store::{BlobKeys, StoreError};
use crate::system::SystemError;
use crate::tag::Pepper;

/// The key that signs replies, the key that signs the log's checkpoints, and for each epoch a pepper and a blob key.
pub struct BrokerKeys {
    signing: SigningKey,
    checkpoint: SigningKey,
    /// Where the epochs' keys are; `None` keeps them in memory only.
    folder: Option<PathBuf>,
    /// The keys of epochs that were read or drawn.
    epochs: Mutex<BTreeMap<u32, EpochKeys>>,
    /// Epochs whose keys were destroyed.
    destroyed: Mutex<BTreeSet<u32>>,
    signed_logs: SignedLogs,
}

/// An epoch's keys: of its tags, and of its batches in the store.
#[derive(Clone)]
struct EpochKeys {
    pepper: Arc<Pepper>,
    blob_key: Arc<Key32>,
}

impl BrokerKeys {
    /// Draws new signing keys and writes them to `folder`, which is made if it is not there. Keys that are there
    /// already stay.
    ///
    /// # Errors
    ///
    /// [`BrokerError::System`], [`BrokerError::Secret`].
    pub fn create(folder: &Path) -> Result<BrokerKeys, BrokerError> {
        files::create_private_folder(folder)?;
        refuse_other_user(folder)?;
        for path in [signing_path(folder), checkpoint_path(folder)] {
            if files::is_vacant(&path)? {
                SigningKey::create(&path)?;
            }
        }
        BrokerKeys::open(folder)
    }

    /// Reads the signing keys from `folder`, and what was signed of the log.
    ///
    /// # Errors
    ///
    /// [`BrokerError::System`], [`BrokerError::Secret`], [`BrokerError::Store`].
    pub fn open(folder: &Path) -> Result<BrokerKeys, BrokerError> {
        // What is signed is noted there, and the owner could no longer read what root wrote.
        refuse_other_user(folder)?;
        for path in [signing_path(folder), checkpoint_path(folder)] {
            files::refuse_special(&path)?;
        }
        Ok(BrokerKeys {
            signing: SigningKey::read(&signing_path(folder))?,
            checkpoint: SigningKey::read(&checkpoint_path(folder))?,
            folder: Some(folder.into()),
            epochs: Mutex::default(),
            destroyed: Mutex::new(epochs_in(folder, &["destroyed"])?),
            signed_logs: SignedLogs::open(folder)?,
        })
    }

    /// Keys that are gone with the process: for tests and simulations.
    pub fn in_memory(signing: SigningKey, checkpoint: SigningKey) -> BrokerKeys {
        BrokerKeys {
            signing,
            checkpoint,
            folder: None,
            epochs: Mutex::default(),
            destroyed: Mutex::default(),
            signed_logs: SignedLogs::in_memory(),
        }
    }

    /// The key that replies are verified with: the policy's `operator.verifying_key`.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.signing.verifying_key()
    }

    /// The key that checkpoints are verified with: the policy's `operator.checkpoint_key`.
    pub fn checkpoint_key(&self) -> VerifyingKey {
        self.checkpoint.verifying_key()
    }

    pub(super) fn checkpoint(&self) -> &SigningKey {
        &self.checkpoint
    }

    /// Which trees of the log were signed.
    pub(super) fn signed_logs(&self) -> &SignedLogs {
        &self.signed_logs
    }

    pub(super) fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// The pepper of an epoch that is open, and so was drawn or read and not destroyed; `None` of any other.
    pub(super) fn pepper(&self, epoch: u32) -> Option<Arc<Pepper>> {
        self.epochs().get(&epoch).map(|keys| Arc::clone(&keys.pepper))
    }

    /// Reads the keys of an epoch that the store has. That must not get others: then nothing would be found again.
    pub(super) fn read(&self, epoch: u32) -> Result<(), StoreError> {
        self.epoch_keys(epoch, false).map(drop)
    }

    /// Draws the keys of an epoch that begins, unless they are there; they are on disk before this returns.
    pub(super) fn draw(&self, epoch: u32) -> Result<(), StoreError> {
        self.epoch_keys(epoch, true).map(drop)
    }

    /// The epochs of which there is a key.
    pub(super) fn stored(&self) -> Result<BTreeSet<u32>, SystemError> {
        match &self.folder {
            Some(folder) => epochs_in(folder, &["pepper", "blobs"]),
            None => Ok(self.epochs().keys().copied().collect()),
        }
    }

    /// Destroys the pepper and the blob key of an epoch, if they are there: its tags can no longer be made, nor its
    /// batches opened.
    ///
    /// A file that says so is written first, so that keys that are missing without it are known to be lost, and not
    /// destroyed.
    pub(super) fn destroy(&self, epoch: u32) -> Result<(), SystemError> {
        let known = self.epochs().remove(&epoch).is_some();
        let there = |folder: &PathBuf| pepper_path(folder, epoch).exists() || blob_key_path(folder, epoch).exists();
        if known || self.folder.as_ref().is_some_and(there) {
            if let Some(folder) = &self.folder {
                files::replace_private(&destroyed_path(folder, epoch), DESTROYED)?;
            }
            self.destroyed.lock().unwrap_or_else(PoisonError::into_inner).insert(epoch);
        }
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        for path in [pepper_path(folder, epoch), blob_key_path(folder, epoch)] {
            match fs::remove_file(&path) {
                Ok(()) => files::sync_folder(&path)?,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(files::io("remove", &path, error)),
            }
        }
        Ok(())
    }

    /// Where the keys are; `None` where they are in memory only.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// A key of an epoch, as it is in the folder. One that is not there is drawn, if `may_draw`.
    fn key(&self, epoch: u32, may_draw: bool, path: fn(&Path, u32) -> PathBuf) -> Result<Key32, StoreError> {
        let path = match &self.folder {
            Some(folder) => path(folder, epoch),
            None if may_draw => return Ok(Key32::generate()?),
            None => return Err(missing(Path::new("in memory"), epoch)),
        };
        if may_draw && files::is_vacant(&path)? {
            let key = Key32::generate()?;
            files::create_private(&path, key.expose_secret())?;
            return Ok(key);
        }
        let bytes = files::read_found(&path).map_err(|error| match error {
            SystemError::Io { source, .. } if source.kind() == ErrorKind::NotFound => missing(&path, epoch),
            other => other.into(),
        })?;
        let key: Option<&[u8; 32]> = bytes.as_slice().try_into().ok();
        Ok(Key32::from_bytes(*key.ok_or(SecretError::KeyFile { path, length: bytes.len() })?))
    }

    /// The keys of an epoch. Those that are not there are drawn, if `may_draw`.
    fn epoch_keys(&self, epoch: u32, may_draw: bool) -> Result<EpochKeys, StoreError> {
        let mut epochs = self.epochs();
        if let Some(keys) = epochs.get(&epoch) {
            return Ok(keys.clone());
        }
        let pepper = Pepper::new(&self.key(epoch, may_draw, pepper_path)?);
        let blob_key = self.key(epoch, may_draw, blob_key_path)?;
        let keys = EpochKeys { pepper: Arc::new(pepper), blob_key: Arc::new(blob_key) };
        epochs.insert(epoch, keys.clone());
        Ok(keys)
    }

    fn epochs(&self) -> MutexGuard<'_, BTreeMap<u32, EpochKeys>> {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BlobKeys for BrokerKeys {
    fn blob_key(&self, epoch: u32) -> Result<Arc<Key32>, StoreError> {
        self.epoch_keys(epoch, false).map(|keys| keys.blob_key)
    }

    fn is_destroyed(&self, epoch: u32) -> bool {
        self.destroyed.lock().unwrap_or_else(PoisonError::into_inner).contains(&epoch)
    }
}

impl fmt::Debug for BrokerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrokerKeys(..)")
    }
}

/// What a file says that stands where an epoch's keys were.
const DESTROYED: &[u8] = b"The keys of this epoch were destroyed when it closed.\n";

/// The epochs of which the folder has a file with one of these endings.
fn epochs_in(folder: &Path, endings: &[&str]) -> Result<BTreeSet<u32>, SystemError> {
    let mut epochs = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(|source| files::io("read", folder, source))? {
        let name = entry.map_err(|source| files::io("read", folder, source))?.file_name();
        let parts = name.to_str().and_then(|name| name.strip_prefix("epoch-")?.split_once('.'));
        if let Some((number, ending)) = parts
            && endings.contains(&ending)
        {
            epochs.extend(number.parse::<u32>());
        }
    }
    Ok(epochs)
}

/// An epoch's key is not there, and was not destroyed.
fn missing(path: &Path, epoch: u32) -> StoreError {
    StoreError::BrokerKeys {
        path: path.into(),
        finding: format!(
            "the key is missing, and what the store has of epoch {epoch} cannot be used without it: put the folder \
             with the keys back as it was. If the key is lost for good, so is that: make a broker anew in another \
             folder, and let each partner deliver a full set"
        ),
    }
}

fn signing_path(folder: &Path) -> PathBuf {
    folder.join("signing.key")
}

fn checkpoint_path(folder: &Path) -> PathBuf {
    folder.join("checkpoint.key")
}

fn blob_key_path(folder: &Path, epoch: u32) -> PathBuf {
    folder.join(format!("epoch-{epoch}.blobs"))
}

fn destroyed_path(folder: &Path, epoch: u32) -> PathBuf {
    folder.join(format!("epoch-{epoch}.destroyed"))
}

fn pepper_path(folder: &Path, epoch: u32) -> PathBuf {
    folder.join(format!("epoch-{epoch}.pepper"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pseudonym::Pseudonym;

    #[cfg(unix)]
    #[test]
    fn a_folder_of_keys_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        BrokerKeys::create(folder.path()).unwrap();
        // Whoever is not root finds one of root's.
        let others = match std::os::unix::fs::chown(folder.path(), Some(65_534), None) {
            Ok(()) => folder.path(),
            Err(_) => Path::new("/"),
        };
        assert_eq!(BrokerKeys::open(others).err().unwrap().code(), "other_user");
        assert_eq!(BrokerKeys::create(others).err().unwrap().code(), "other_user");
    }

    #[test]
    fn an_epochs_keys_are_drawn_once_and_destroyed_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let keys = BrokerKeys::create(folder.path()).unwrap();
        assert_eq!(keys.read(1).unwrap_err().code(), "broker_keys", "an epoch with rows gets no new keys");
        let pseudonym = Pseudonym::danger_from_remote_source([7; 16]);
        let tag = |keys: &BrokerKeys, epoch| {
            keys.draw(epoch).unwrap();
            keys.pepper(epoch).unwrap().tag(&pseudonym)
        };
        let again = BrokerKeys::create(folder.path()).unwrap();
        assert_eq!(again.verifying_key(), keys.verifying_key(), "keys that are there stay");
        assert!(tag(&again, 1) == tag(&keys, 1));
        assert!(tag(&again, 2) != tag(&keys, 1));
        // What a crash leaves of a key that was being drawn is none.
        fs::write(blob_key_path(folder.path(), 3), []).unwrap();
        fs::write(pepper_path(folder.path(), 3), []).unwrap();
        assert!(again.read(3).is_err() && again.pepper(3).is_none());
        again.draw(3).unwrap();
        assert!(again.pepper(3).is_some());
        let key = again.blob_key(1).unwrap();
        assert_eq!(BrokerKeys::open(folder.path()).unwrap().blob_key(1).unwrap().expose_secret(), key.expose_secret());
        assert!(!again.is_destroyed(1));
        again.destroy(1).unwrap();
        again.destroy(1).unwrap();
        again.destroy(7).unwrap();
        for keys in [&again, &BrokerKeys::open(folder.path()).unwrap()] {
            assert!(keys.is_destroyed(1) && !keys.is_destroyed(2) && !keys.is_destroyed(7), "7 was never drawn");
        }
        assert!(!pepper_path(folder.path(), 1).exists() && !blob_key_path(folder.path(), 1).exists());
        assert_eq!(again.blob_key(1).unwrap_err().code(), "broker_keys");
        assert!(again.pepper(1).is_none());
    }

    #[test]
    fn keys_in_memory_are_drawn_only_for_an_epoch_that_begins() {
        let key = |seed| SigningKey::from_seed(&[seed; 32]).unwrap();
        let keys = BrokerKeys::in_memory(key(1), key(2));
        assert!(keys.pepper(1).is_none());
        assert_eq!(keys.blob_key(1).unwrap_err().code(), "broker_keys");
        keys.draw(1).unwrap();
        assert!(keys.pepper(1).is_some() && keys.blob_key(1).is_ok());
        keys.destroy(1).unwrap();
        assert!(keys.is_destroyed(1) && keys.pepper(1).is_none());
    }

    #[test]
    fn a_crash_leaves_no_key_missing_that_is_not_known_to_be_destroyed() {
        use crate::files::crash;
        let folder = tempfile::tempdir().unwrap();
        for steps in 0..8 {
            BrokerKeys::create(folder.path()).unwrap().draw(steps).unwrap();
            let keys = BrokerKeys::open(folder.path()).unwrap();
            crash::after(Some(steps));
            let _ = keys.destroy(steps);
            crash::after(None);
            let keys = BrokerKeys::open(folder.path()).unwrap();
            let whole = keys.read(steps).is_ok();
            assert!(whole || keys.is_destroyed(steps), "step {steps}");
        }
    }
}
