//! The files of a partner's folder.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::error::PartnerError;
use super::journal::Journal;
use super::member::Source;
use super::seal::{NONCE, Sealer};
use super::state::PartnerState;
use crate::day::Day;
use crate::digest::Digest;
use crate::files::{self, crash, io};
use crate::hidden::shown_path;
use crate::label;
#[cfg(unix)]
use crate::lock::ServedAt;
use crate::lock::{FolderLock, refuse_other_user};
use crate::policy::{Certificate, PartnerKeys, Policy, PolicySignature, SignedPolicy};
use crate::pseudonym::PseudonymKey;
use crate::secret::{Key32, SecretFile, SigningKey, UnsealingKey};
use crate::system::SystemError;

const PARTNER_KEY: &str = "partner.key";
const JOURNAL_KEY: &str = "journal.key";
const JOURNAL: &str = "journal.sealed";
const STATE: &str = "state.sealed";
const POLICY: &str = "policy.toml";
const POLICY_BEFORE: &str = "before.toml";
/// Of a coordinator's former policies; a version and `.toml` follow.
const FORMER: &str = "former-";

/// Where a partner's files are: its folder, and its keys, which may be in another one.
///
/// The keys are `partner.key`, `journal.key`, and of each epoch its secret and its seal key. Without them nothing can
/// be signed, and journal and state cannot be read: so a copy of the folder without its keys shows neither.
///
/// A path is a folder that has its keys in it.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    folder: &'a Path,
    keys: &'a Path,
    /// How long the folder is waited for where it is in use.
    wait: Duration,
}

impl<'a> Place<'a> {
    /// A folder whose keys are in another one, which is made where it is not there.
    pub fn with_keys(folder: &'a Path, keys: &'a Path) -> Place<'a> {
        Place { folder, keys, wait: Duration::ZERO }
    }

    /// Lets whatever opens the folder wait for it, about so long, where another process or thread has it open; without
    /// this that is [`SystemError::FolderInUse`](crate::SystemError::FolderInUse) at once, as it always is where
    /// `stapel partner serve` has it.
    ///
    /// Those that wait take turns, so that processes which open and close one folder all day all get through. The
    /// library reads no clock: it counts its pauses, and on a busy machine waits somewhat longer.
    ///
    /// ```no_run
    /// # use std::{path::Path, time::Duration};
    /// # use stapel::partner::{Partner, PartnerError, Place};
    /// # fn main() -> Result<(), PartnerError> {
    /// let police = Partner::open(Place::from("police").waiting(Duration::from_secs(5)))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn waiting(self, wait: Duration) -> Place<'a> {
        Place { wait, ..self }
    }

    fn lock(&self) -> Result<FolderLock, SystemError> {
        match self.wait.is_zero() {
            true => FolderLock::hold(self.folder),
            false => FolderLock::wait_for(self.folder, self.wait),
        }
    }
}

impl<'a, P: AsRef<Path> + ?Sized> From<&'a P> for Place<'a> {
    fn from(folder: &'a P) -> Place<'a> {
        Place::with_keys(folder.as_ref(), folder.as_ref())
    }
}

/// A partner's folder, locked as long as this lives.
pub(super) struct PartnerFolder {
    path: PathBuf,
    /// Where its keys are.
    keys: PathBuf,
    sealer: Sealer,
    journal_key: Key32,
    lock: Arc<FolderLock>,
}

impl PartnerFolder {
    /// Makes keys and an empty journal and state. Keys without a journal and a state, as a crash may leave them here,
    /// are kept.
    pub(super) fn create(place: Place<'_>, number: u16) -> Result<SigningKey, PartnerError> {
        let Place { folder: path, keys, .. } = place;
        files::create_private_folder(path)?;
        files::create_private_folder(keys)?;
        let lock = place.lock()?;
        for file in [JOURNAL, STATE] {
            let exists = path.join(file).try_exists().map_err(|source| io("read", path, source))?;
            if exists {
                let finding = "there is one already; give another folder, or open this one";
                return Err(PartnerError::PartnerFolder { path: path.join(file), finding: finding.into() });
            }
        }
        refuse_other_user(keys)?;
        let key_path = keys.join(PARTNER_KEY);
        let key =
            if files::is_vacant(&key_path)? { SigningKey::create(&key_path)? } else { SigningKey::read(&key_path)? };
        let key_path = keys.join(JOURNAL_KEY);
        if files::is_vacant(&key_path)? {
            files::create_private(&key_path, Key32::generate()?.expose_secret())?;
        }
        let folder = PartnerFolder::with_lock(place, lock)?;
        Journal::create(&path.join(JOURNAL))?;
        folder.write_state(&PartnerState { number, ..PartnerState::default() })?;
        Ok(key)
    }

    /// Locks the folder.
    pub(super) fn open(place: Place<'_>) -> Result<PartnerFolder, PartnerError> {
        let folder = PartnerFolder::with_lock(place, place.lock()?)?;
        folder.refuse_without(PARTNER_KEY)?;
        Ok(folder)
    }

    fn with_lock(place: Place<'_>, lock: FolderLock) -> Result<PartnerFolder, PartnerError> {
        let Place { folder: path, keys, .. } = place;
        refuse_other_user(keys)?;
        files::refuse_shared_folder(path)?;
        files::refuse_shared_folder(keys)?;
        files::refuse_shared_file(&path.join(JOURNAL))?;
        refuse_without(place, JOURNAL_KEY)?;
        let key_path = keys.join(JOURNAL_KEY);
        files::refuse_special(&key_path)?;
        let journal_key = Key32::read(&key_path)?;
        let sealer = Sealer::new(&journal_key, label::PARTNER_STATE);
        Ok(PartnerFolder { path: path.to_owned(), keys: keys.to_owned(), sealer, journal_key, lock: Arc::new(lock) })
    }

    fn refuse_without(&self, key: &str) -> Result<(), PartnerError> {
        refuse_without(Place::with_keys(&self.path, &self.keys), key)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Says in the folder at which socket a server is called that has it open.
    #[cfg(unix)]
    pub(super) fn serve_at(&self, socket: &Path) -> Result<ServedAt, SystemError> {
        ServedAt::write(&self.path, self.lock.clone(), socket)
    }

    /// The key that signs messages.
    pub(super) fn read_signing_key(&self) -> Result<SigningKey, PartnerError> {
        files::refuse_special(&self.keys.join(PARTNER_KEY))?;
        Ok(SigningKey::read(&self.keys.join(PARTNER_KEY))?)
    }

    /// Opens the journal, of which the end is still to be found.
    pub(super) fn open_journal(&self) -> Result<Journal, PartnerError> {
        Journal::open(&self.path.join(JOURNAL), &self.journal_key)
    }

    /// Puts the state in place of the one before it, whole or not at all.
    pub(super) fn write_state(&self, state: &PartnerState) -> Result<(), PartnerError> {
        let mut sealed = state.write(vec![0; NONCE]);
        self.sealer.seal(label::PARTNER_STATE, &mut sealed, 0)?;
        Ok(files::replace_private(&self.path.join(STATE), &sealed)?)
    }

    /// The policy and the signatures beside it.
    pub(super) fn read_policy(&self) -> Result<SignedPolicy, PartnerError> {
        files::refuse_special(&self.path.join(POLICY))?;
        Ok(SignedPolicy::read(&self.path.join(POLICY))?)
    }

    /// The vetoes that hold against a version that follows the policy of the digest `previous`.
    pub(super) fn read_vetoes(&self, previous: Option<Digest>) -> Result<Vec<PolicySignature>, PartnerError> {
        Ok(PolicySignature::kept_vetoes(&self.path, previous)?)
    }

    /// Keeps a veto until a version comes that it holds against.
    pub(super) fn keep_veto(&self, veto: &PolicySignature) -> Result<(), PartnerError> {
        Ok(veto.keep_veto(&self.path)?)
    }

    /// The policy before the one that was adopted last; `None` where there is none.
    pub(super) fn read_policy_before(&self) -> Result<Option<SignedPolicy>, PartnerError> {
        let path = self.path.join(POLICY_BEFORE);
        if !path.try_exists().map_err(|source| io("read", &path, source))? {
            return Ok(None);
        }
        Ok(Some(SignedPolicy::read(&path)?))
    }

    /// The versions before the one in force that are kept of a coordinator's policies; no signatures are.
    pub(super) fn read_former_policies(&self) -> Result<Vec<Policy>, PartnerError> {
        let read = |path: PathBuf| {
            let text = fs::read_to_string(&path).map_err(|source| io("read", &path, source))?;
            Ok(Policy::parse(&text)?)
        };
        self.former_policies()?.into_iter().map(read).collect()
    }

    /// Keeps the text of a version that another one takes the place of, and drops those of whose epochs none is open on
    /// a day.
    pub(super) fn keep_former_policy(&self, version: u32, today: Day) -> Result<(), PartnerError> {
        let text = fs::read(self.path.join(POLICY)).map_err(|source| io("read", &self.path.join(POLICY), source))?;
        files::replace_private(&self.path.join(format!("{FORMER}{version}.toml")), &text)?;
        for (path, policy) in self.former_policies()?.into_iter().zip(self.read_former_policies()?) {
            if policy.epochs.iter().all(|epoch| epoch.closes < today) {
                fs::remove_file(&path).map_err(|source| io("remove", &path, source))?;
            }
        }
        Ok(())
    }

    fn former_policies(&self) -> Result<Vec<PathBuf>, PartnerError> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(|source| io("read", &self.path, source))? {
            let path = entry.map_err(|source| io("read", &self.path, source))?.path();
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            if name.starts_with(FORMER) && name.ends_with(".toml") {
                paths.push(path);
            }
        }
        paths.sort_unstable();
        Ok(paths)
    }

    /// Copies the policy in force and its signatures to where the one before is kept.
    fn keep_policy_before(&self) -> Result<(), PartnerError> {
        let before = self.path.join(POLICY_BEFORE);
        let text = fs::read(self.path.join(POLICY)).map_err(|source| io("read", &self.path.join(POLICY), source))?;
        for signature in PolicySignature::read_beside(&self.path.join(POLICY))? {
            files::replace_private(&signature.path_of_key_beside(&before), signature.to_text().as_bytes())?;
        }
        // Signatures of an earlier one have the same names, or are over another text and count for nothing.
        Ok(files::replace_private(&before, &text)?)
    }

    /// An error where there is a policy.
    pub(super) fn refuse_policy(&self) -> Result<(), PartnerError> {
        let path = self.path.join(POLICY);
        if path.try_exists().map_err(|source| io("read", &path, source))? {
            let finding = "it has a policy already; a newer one is adopted";
            return Err(PartnerError::PartnerFolder { path: self.path.clone(), finding: finding.into() });
        }
        Ok(())
    }

    /// Keeps the text of a policy that was verified, and its signatures. It takes effect when its text takes the place
    /// of the one before; signatures have names of their own by version, so that until then those of the one before
    /// stay. With `keeps_one_before` the one that it takes the place of is kept too.
    pub(super) fn write_policy(
        &self,
        version: u32,
        text: &str,
        signatures: &[PolicySignature],
        keeps_one_before: bool,
    ) -> Result<(), PartnerError> {
        if keeps_one_before {
            self.keep_policy_before()?;
        }
        let old = self.signatures(POLICY)?;
        let mut new = Vec::new();
        for signature in signatures {
            let path = self.path.join(format!("{POLICY}.{}.v{version}.sig", signature.owner()));
            files::replace_private(&path, signature.to_text().as_bytes())?;
            new.push(path);
        }
        files::replace_private(&self.path.join(POLICY), text.as_bytes())?;
        for path in old.iter().filter(|path| !new.contains(path)) {
            fs::remove_file(path).map_err(|source| io("remove", path, source))?;
        }
        Ok(())
    }

    /// The sources of the secrets that are there for epochs of `policy`, ascending by epoch.
    pub(super) fn read_sources(&self, policy: &Policy) -> Result<Vec<(u32, Source)>, PartnerError> {
        let mut sources = Vec::new();
        for epoch in &policy.epochs {
            let path = self.secret_path(epoch.number);
            if !files::is_vacant(&path)? {
                let file = SecretFile::read(&path)?;
                fit(&file, policy, epoch.number)?;
                self.refuse_reused(&file, policy)?;
                let source: Source = Box::new(PseudonymKey::new(&file.secret, &file.scope));
                sources.push((epoch.number, source));
            }
        }
        Ok(sources)
    }

    /// Keeps a copy of a secret's file. The same secret again is no error.
    pub(super) fn write_secret(&self, file: &SecretFile, policy: &Policy) -> Result<(), PartnerError> {
        let epoch = file.scope.epoch;
        fit(file, policy, epoch)?;
        self.refuse_reused(file, policy)?;
        let path = self.secret_path(epoch);
        if !files::is_vacant(&path)? {
            if SecretFile::read(&path)? == *file {
                return Ok(());
            }
            return Err(PartnerError::SecretMismatch {
                epoch,
                finding: "the folder has another one; take that away first",
            });
        }
        Ok(file.create(&path)?)
    }

    /// Refuses a secret that is there for another epoch too: whoever got hold of one would have both.
    fn refuse_reused(&self, file: &SecretFile, policy: &Policy) -> Result<(), PartnerError> {
        let epoch = file.scope.epoch;
        for other in policy.epochs.iter().filter(|other| other.number != epoch) {
            let path = self.secret_path(other.number);
            if !files::is_vacant(&path)? && SecretFile::read(&path)?.secret == file.secret {
                let finding = "another epoch has the same secret; ask the coordinator for one that is drawn anew";
                return Err(PartnerError::SecretMismatch { epoch, finding });
            }
        }
        Ok(())
    }

    /// The partner's keys in an epoch; its seal key there is drawn where it has none yet.
    pub(super) fn keys(&self, epoch: u32) -> Result<PartnerKeys, PartnerError> {
        let path = self.seal_path(epoch);
        let seal = if files::is_vacant(&path)? { UnsealingKey::create(&path)? } else { UnsealingKey::read(&path)? };
        Ok(PartnerKeys { message: self.read_signing_key()?.verifying_key(), seal: seal.seal_key() })
    }

    /// The partner's private seal key of an epoch; `None` where it has none there.
    pub(super) fn unsealing_key(&self, epoch: u32) -> Result<Option<UnsealingKey>, PartnerError> {
        let path = self.seal_path(epoch);
        if files::is_vacant(&path)? {
            return Ok(None);
        }
        Ok(Some(UnsealingKey::read(&path)?))
    }

    /// The certificates that are there, lower serials first.
    pub(super) fn read_certificates(&self) -> Result<Vec<Certificate>, PartnerError> {
        Ok(Certificate::read_beside(&self.path.join(POLICY))?)
    }

    /// Keeps a certificate.
    pub(super) fn write_certificate(&self, certificate: &Certificate) -> Result<(), PartnerError> {
        Ok(files::replace_private(&self.path.join(certificate.file_name()), certificate.to_text().as_bytes())?)
    }

    /// Keeps a file, if it is not there already, and says where.
    pub(super) fn keep_evidence(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, PartnerError> {
        let path = self.path.join(name);
        if !path.try_exists().map_err(|source| io("read", &path, source))? {
            files::replace_private(&path, bytes)?;
        }
        Ok(path)
    }

    /// The files of evidence that are there, by name.
    pub(super) fn evidence(&self) -> Result<Vec<PathBuf>, PartnerError> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(|source| io("read", &self.path, source))? {
            let path = entry.map_err(|source| io("read", &self.path, source))?.path();
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            if name.starts_with("evidence-") {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }

    /// The state that was written last.
    pub(super) fn read_state(&self) -> Result<PartnerState, PartnerError> {
        let path = self.path.join(STATE);
        if !path.try_exists().map_err(|source| io("read", &path, source))? {
            // The journal has all that matters of it.
            return Ok(PartnerState::default());
        }
        let sealed = std::mem::take(&mut *files::read_found(&path)?);
        let opened = self.sealer.open(label::PARTNER_STATE, sealed);
        match opened.and_then(|opened| PartnerState::read(opened.plain()).ok()) {
            Some(state) => Ok(state),
            None => Err(self.state_fault()?),
        }
    }

    /// Why the state cannot be read. Only where the journal opens under the key may it be taken away.
    fn state_fault(&self) -> Result<PartnerError, PartnerError> {
        let (path, keys) = (self.path.clone(), shown_path(&self.keys));
        let remedy = "name the right folder with --keys (Place::with_keys)";
        Ok(match Journal::opens_with(&path.join(JOURNAL), &self.journal_key)? {
            Some(true) => {
                let finding = "it was altered; take it away, and it is made again from the journal";
                PartnerError::PartnerFolder { path: path.join(STATE), finding: finding.into() }
            }
            Some(false) => {
                let finding = format!("the keys in {keys} are not those of this folder: {remedy}");
                PartnerError::PartnerFolder { path, finding }
            }
            None => {
                let finding = format!(
                    "{STATE} was altered, or the keys in {keys} are not those of this folder, and the journal is too \
                     empty to say which: {remedy}, or put back a copy of {STATE}"
                );
                PartnerError::PartnerFolder { path, finding }
            }
        })
    }

    /// The epochs of which there is a secret or a seal key.
    pub(super) fn epochs_with_secrets(&self) -> Result<BTreeSet<u32>, PartnerError> {
        let mut epochs = BTreeSet::new();
        for entry in fs::read_dir(&self.keys).map_err(|source| io("read", &self.keys, source))? {
            let name = entry.map_err(|source| io("read", &self.keys, source))?.file_name();
            let parts = name.to_str().and_then(|name| name.strip_prefix("epoch-")?.split_once('.'));
            if let Some((number, "secret" | "seal")) = parts
                && let Ok(number) = number.parse()
            {
                epochs.insert(number);
            }
        }
        Ok(epochs)
    }

    /// Whether an epoch's secret is there, and its seal key.
    pub(super) fn has_secrets(&self, epoch: u32) -> Result<(bool, bool), PartnerError> {
        let is_there = |path: PathBuf| path.try_exists().map_err(|source| io("read", &path, source));
        Ok((is_there(self.secret_path(epoch))?, is_there(self.seal_path(epoch))?))
    }

    /// Removes an epoch's secret and seal key. They are gone from the folder when this returns.
    pub(super) fn remove_secrets(&self, epoch: u32) -> Result<(), PartnerError> {
        for path in [self.secret_path(epoch), self.seal_path(epoch)] {
            match crash::point().and_then(|()| fs::remove_file(&path)) {
                Ok(()) => files::sync_folder(&path)?,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(source) => return Err(io("remove", &path, source).into()),
            }
        }
        Ok(())
    }

    fn secret_path(&self, epoch: u32) -> PathBuf {
        self.keys.join(format!("epoch-{epoch}.secret"))
    }

    /// Where the private seal key of an epoch is.
    pub(super) fn seal_path(&self, epoch: u32) -> PathBuf {
        self.keys.join(format!("epoch-{epoch}.seal"))
    }

    /// The files of signatures beside a policy's file.
    fn signatures(&self, policy: &str) -> Result<Vec<PathBuf>, PartnerError> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(|source| io("read", &self.path, source))? {
            let path = entry.map_err(|source| io("read", &self.path, source))?.path();
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            if name.starts_with(policy) && name.ends_with(".sig") {
                paths.push(path);
            }
        }
        Ok(paths)
    }
}

/// Says that a key is missing in a folder that was made with one: its keys are elsewhere, or lost.
fn refuse_without(place: Place<'_>, key: &str) -> Result<(), PartnerError> {
    let is_there = |path: &Path| path.try_exists().map_err(|source| io("read", path, source));
    let path = place.keys.join(key);
    if is_there(&path)? || !(is_there(&place.folder.join(JOURNAL))? || is_there(&place.folder.join(STATE))?) {
        return Ok(());
    }
    let finding = "this key is missing: name the folder that has the keys (--keys, Place::with_keys), or put it back. \
                   In the place of a lost partner.key another is certified; without journal.key nobody can read the \
                   journal any more";
    Err(PartnerError::PartnerFolder { path, finding: finding.into() })
}

/// Checks that a secret is the one that the policy names for its epoch.
fn fit(file: &SecretFile, policy: &Policy, epoch: u32) -> Result<(), PartnerError> {
    let wrong = |finding| Err(PartnerError::SecretMismatch { epoch, finding });
    if file.scope.purpose != policy.purpose {
        return wrong("it is for another purpose");
    }
    if file.scope.epoch != epoch {
        return wrong("the file is that of another epoch: its name must be epoch-<number>.secret");
    }
    match policy.epoch(epoch) {
        None => wrong("the policy has no such epoch; adopt the policy first"),
        Some(named) if named.key_id != file.key_id() => {
            wrong("its key id is another; ask the coordinator for the right one")
        }
        Some(_) => Ok(()),
    }
}
