//! The partner's side: its folder, its flags, its questions.
//!
//! A program opens a folder, flags and asks, carries the messages that come out to the broker by whatever way it has, and reads
//! the replies:
//!
//! ```no_run
//! use stapel::{AddressKey, Timestamp};
//! use stapel::partner::{Case, Partner, Received};
//!
//! # fn broker(message: &[u8]) -> Vec<u8> { message.to_vec() }
//! # fn main() -> Result<(), stapel::Error> {
//! # let (folder, now) = (std::path::Path::new("police"), Timestamp(0));
//! # let address = AddressKey::from_canonical("1012JS|1|A")?;
//! let mut police = Partner::open(folder)?;
//! let by = Case::new("j.jansen", "2026-0117")?;
//! police.flag(&[address], &by, now)?;
//! for message in police.deliver(now)? {
//!     police.read(&broker(&message), now)?;
//! }
//! for message in police.ask(&[address], &by, now)? {
//!     if let Received::Answer(answer) = police.read(&broker(&message), now)? {
//!         for (address, standing) in &answer.rows {
//!             println!("{address:?}: {standing:?}");
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Everything that a call did is on disk when it returns. A message's number and bytes are there before the bytes are handed
//! out, so a crash never leads to one number for two different messages; until its reply was read, the same call gives the same
//! bytes again.
//!
//! - `folder`: the files;
//! - `journal`: who did what for which case, and the chain that messages commit to;
//! - `state`: numbers, flags and messages in flight, made from the journal;
//! - `flags`: own flags, and what the broker lacks of them;
//! - `change`, `deliver`, `ask`, `read`: what the calls do;
//! - `log`: whether the broker's audit log is one that only grows;
//! - `news`, `dossier`: what there is to tell.

mod ask;
mod case;
mod change;
mod deliver;
mod dossier;
mod flags;
mod folder;
mod journal;
mod log;
mod news;
mod packed;
mod read;
mod seal;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

pub use case::Case;
pub use change::Changed;
pub use dossier::{DossierEntry, DossierEvent};
pub use flags::Flag;
pub use log::Complaint;
pub use news::{Change, News};
pub use read::{Answered, Next, Received};

use folder::{Folder, Source};
use journal::{Event, Journal, Record};
use state::{Flight, State};

use crate::address::{AddressKey, Level};
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::error::Error;
use crate::message::MessageError;
use crate::message::{self, Header, Kind, Request};
use crate::policy::{self, Policy, PolicySignature, SignedPolicy};
use crate::pseudonym::{Pseudonym, PseudonymKey, PseudonymSource};
use crate::secret::{KeyId, SecretFile, SigningKey, VerifyingKey};
use crate::threads::Threads;

/// A partner with its folder open. One at a time can have it open.
pub struct Partner {
    folder: Folder,
    key: SigningKey,
    policy: SignedPolicy,
    /// Ascending by epoch.
    sources: Vec<(u32, Source)>,
    threads: Threads,
    journal: Journal,
    state: State,
}

/// What a new partner hands to the coordinator, for the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// The number it is to have in the roster.
    pub number: u16,
    /// The public key of its messages.
    pub verifying_key: VerifyingKey,
}

/// A message that was made and whose reply was not read yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InFlight<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its epoch.
    pub epoch: u32,
    /// Its number in its series; 0 for a status request.
    pub number: u64,
    /// Its digest, by which it is given up.
    pub digest: Digest,
    /// Its bytes.
    pub bytes: &'a [u8],
}

impl Partner {
    /// Makes the folder of a new partner: its key, the key of its journal, and an empty journal and state.
    ///
    /// A folder in which there is no journal and no state, but keys are, is begun anew around them: after a loss, the next message that
    /// the broker accepts is a full set, and the broker's replies say which numbers are still free.
    ///
    /// # Errors
    ///
    /// [`Error::PartnerFolder`] where there is one already, [`SystemError::Io`](crate::SystemError::Io), [`SystemError::FolderInUse`](crate::SystemError::FolderInUse), [`SystemError::Random`](crate::SystemError::Random).
    pub fn init(folder: &Path, number: u16) -> Result<Enrolment, Error> {
        let key = Folder::create(folder, number)?;
        Ok(Enrolment { number, verifying_key: key.verifying_key() })
    }

    /// Opens a folder: `policy.toml` with the signatures beside it, and the secrets of its epochs in `epoch-<number>.secret`, as far
    /// as they are there.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io), [`SystemError::FileMode`](crate::SystemError::FileMode), [`SecretError::KeyFile`](crate::secret::SecretError::KeyFile), [`SystemError::FolderInUse`](crate::SystemError::FolderInUse); [`Error::PartnerFolder`] and
    /// [`Error::JournalDamaged`] where a file was altered; those of [`SignedPolicy::read`]; [`Error::NotInRoster`];
    /// [`SecretError::SecretFile`](crate::secret::SecretError::SecretFile) and [`Error::SecretMismatch`].
    pub fn open(folder: &Path) -> Result<Partner, Error> {
        Partner::open_from(folder, |folder, policy| folder.read_sources(policy))
    }

    /// Opens a folder whose pseudonyms come from elsewhere than its secrets: each source is that of the epoch whose key id it has.
    ///
    /// # Errors
    ///
    /// As [`Partner::open`]; [`Error::NoEpoch`] where no epoch of the policy has a source's key id.
    pub fn open_with(folder: &Path, sources: Vec<Box<dyn PseudonymSource + Send>>) -> Result<Partner, Error> {
        Partner::open_from(folder, |_, policy| {
            let find = |id: KeyId| policy.epochs.iter().find(|epoch| epoch.key_id == id);
            let mut found = Vec::new();
            for source in sources {
                let epoch = find(source.key_id()).ok_or(Error::NoEpoch {
                    day: policy.valid_from,
                    finding: "the policy has no epoch with the key id of a source",
                })?;
                found.push((epoch.number, source));
            }
            found.sort_by_key(|(epoch, _)| *epoch);
            Ok(found)
        })
    }

    fn open_from(
        path: &Path,
        sources: impl FnOnce(&Folder, &Policy) -> Result<Vec<(u32, Source)>, Error>,
    ) -> Result<Partner, Error> {
        let (folder, key, mut state, journal) = Folder::open(path)?;
        let policy = folder.read_policy()?;
        let number = entry(policy.policy(), &key, state.number)?.number;
        state.number = number;
        let sources = sources(&folder, policy.policy())?;
        Ok(Partner { folder, key, policy, sources, threads: Threads::default(), journal, state })
    }

    /// Makes pseudonyms of many addresses on these threads; it does so on the caller's alone otherwise. The messages are the same.
    pub fn with_threads(mut self, threads: Threads) -> Partner {
        self.sources.iter_mut().for_each(|(_, source)| source.use_threads(&threads));
        self.threads = threads;
        self
    }

    /// Copies a first policy, with the signatures beside it, into the folder of a partner that has none yet.
    ///
    /// It is taken on the word of whoever hands it over; later ones come through [`Partner::adopt_policy`].
    ///
    /// # Errors
    ///
    /// Those of [`SignedPolicy::read`] and of [`Partner::open`]; [`Error::PartnerFolder`] where the folder has a policy.
    pub fn join(folder: &Path, path: &Path) -> Result<(), Error> {
        let (folder, key, state, _) = Folder::open(folder)?;
        folder.refuse_policy()?;
        let (policy, text) = Policy::read_with_text(path)?;
        let signatures = PolicySignature::read_beside(path)?;
        let signed = SignedPolicy::verify(policy, &signatures)?;
        entry(signed.policy(), &key, state.number)?;
        folder.write_policy(signed.policy().version, &text, &signatures)
    }

    /// Takes a newer policy into force, from its file and the signatures beside it, and keeps a copy in the folder.
    ///
    /// # Errors
    ///
    /// Those of [`SignedPolicy::succeed`] and of reading it; [`Error::NotInRoster`]; [`SystemError::Io`](crate::SystemError::Io).
    pub fn adopt_policy(&mut self, path: &Path) -> Result<(), Error> {
        let (newer, text) = Policy::read_with_text(path)?;
        let signatures = PolicySignature::read_beside(path)?;
        let newer = self.policy.succeed(newer, &signatures)?;
        entry(newer.policy(), &self.key, self.state.number)?;
        self.folder.write_policy(newer.policy().version, &text, &signatures)?;
        let epochs = &newer.policy().epochs;
        self.sources.retain(|(number, _)| epochs.iter().any(|epoch| epoch.number == *number));
        self.state.brokers_policy = self.state.brokers_policy.filter(|digest| *digest != newer.digest());
        self.policy = newer;
        Ok(())
    }

    /// Keeps a copy of an epoch's secret in the folder and uses it.
    ///
    /// # Errors
    ///
    /// Those of [`SecretFile::read`]; [`Error::SecretMismatch`] where it is not the one that the policy names.
    pub fn add_secret(&mut self, path: &Path) -> Result<(), Error> {
        let file = SecretFile::read(path)?;
        self.folder.write_secret(&file, self.policy.policy())?;
        let epoch = file.scope.epoch;
        let mut source: Source = Box::new(PseudonymKey::new(&file.secret, &file.scope));
        source.use_threads(&self.threads);
        self.sources.retain(|(number, _)| *number != epoch);
        self.sources.push((epoch, source));
        self.sources.sort_by_key(|(number, _)| *number);
        Ok(())
    }

    /// The partner's number in the roster.
    pub fn number(&self) -> u16 {
        self.state.number
    }

    /// The public key of its messages.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    /// The policy that it holds to.
    pub fn policy(&self) -> &SignedPolicy {
        &self.policy
    }

    /// The digest of the policy that the broker said to hold to, where that is another than the partner's: there is a newer one to
    /// fetch, or the broker has yet to adopt this one.
    pub fn brokers_policy(&self) -> Option<Digest> {
        self.state.brokers_policy
    }

    /// The epochs for which there is a secret or another source, ascending.
    pub fn epochs(&self) -> impl Iterator<Item = u32> {
        self.sources.iter().map(|(number, _)| *number)
    }

    /// Its flags, ascending by address. Those that ended go when the partner does something on a later day.
    pub fn flags(&self) -> impl ExactSizeIterator<Item = &Flag> {
        self.state.flags.rows().iter()
    }

    /// The messages whose replies were not read yet, state messages first.
    pub fn in_flight(&self) -> impl Iterator<Item = InFlight<'_>> {
        let state = &self.state;
        let questions = state.questions.iter().map(|question| &question.flight);
        state.chain.iter().chain(questions).chain(&state.status).map(Flight::shown)
    }

    /// The head of its journal's chain, as the next message will name it.
    pub fn journal_head(&self) -> Digest {
        self.journal.mark().head
    }

    /// How many records its journal has.
    pub fn journal_length(&self) -> u64 {
        self.journal.mark().records
    }

    /// Reads the whole journal and checks every link of its chain. [`Partner::open`] checks those only that are newer than the
    /// state.
    ///
    /// # Errors
    ///
    /// [`Error::JournalDamaged`] and [`SystemError::Io`](crate::SystemError::Io).
    pub fn check_journal(&self) -> Result<(), Error> {
        self.journal.read(|_, _| {})
    }

    /// What the roster says of this partner.
    fn entry(&self) -> Result<&policy::RosterEntry, Error> {
        entry(self.policy.policy(), &self.key, self.state.number)
    }

    fn permit(&self, may: impl Fn(&policy::Permissions) -> bool, what: &str) -> Result<(), Error> {
        if may(&self.entry()?.may) {
            return Ok(());
        }
        Err(Error::NotPermitted { finding: format!("the roster does not let partner {} {what}", self.state.number) })
    }

    fn counts_buildings(&self) -> bool {
        self.policy.policy().counting.levels.contains(&Level::Building)
    }

    /// Writes down what is done, on disk before it returns, and does it.
    fn record(&mut self, time: Timestamp, by: Option<&Case>, event: Event) -> Result<u64, Error> {
        let record = Record { time, by: by.cloned(), event };
        let number = self.journal.append(&record)?;
        self.state.apply(number, &record);
        Ok(number)
    }

    /// Copies the state to disk.
    fn save(&mut self) -> Result<(), Error> {
        self.state.journal = self.journal.mark();
        self.folder.write_state(&self.state)
    }

    /// Signs a message. The journal's head that it names is the present one.
    fn sign(&self, draft: &Draft<'_>, time: Timestamp) -> Result<Flight, Error> {
        let policy = self.policy.policy();
        let key_id = self.source(draft.epoch, time.day())?.key_id();
        let header = Header {
            version: 1,
            kind: draft.request.kind(),
            consortium: policy.consortium.clone(),
            purpose: policy.purpose.clone(),
            epoch: draft.epoch,
            key_id,
            partner: self.state.number,
            sequence: draft.sequence,
            previous: draft.previous,
            time,
            policy: self.policy.digest(),
            context: self.journal.mark().head,
            body_length: 0,
        };
        let bytes = message::sign_request(&header, draft.request, &self.key)?;
        Ok(Flight {
            digest: Digest::of(&[&bytes]),
            kind: header.kind,
            epoch: draft.epoch,
            key_id,
            sequence: draft.sequence,
            previous: draft.previous,
            release: self.state.epoch(draft.epoch).map_or(0, |epoch| epoch.release),
            settles: draft.settles,
            bytes: packed::Blob(bytes),
        })
    }

    fn source(&self, epoch: u32, day: Day) -> Result<&Source, Error> {
        let at = self.sources.binary_search_by_key(&epoch, |(number, _)| *number);
        let source = at.ok().and_then(|at| self.sources.get(at)).map(|(_, source)| source);
        source.ok_or(Error::NoEpoch { day, finding: "the secret of the epoch is missing: add it" })
    }

    /// The newest epoch that is open on `day` and has a source, and the older ones, newest first.
    fn open_epochs(&self, day: Day) -> Result<(u32, Vec<u32>), Error> {
        let policy = self.policy.policy();
        let is_open = |number: &u32| policy.epoch(*number).is_some_and(|epoch| epoch.is_open(day));
        let mut usable: Vec<u32> = self.epochs().filter(is_open).collect();
        usable.reverse();
        let finding = match usable.split_first() {
            Some((newest, older)) => return Ok((*newest, older.to_vec())),
            None if policy.epochs.iter().any(|epoch| epoch.is_open(day)) => {
                "the secret of the open epoch is missing: add it"
            }
            None if policy.epochs.iter().all(|epoch| day < epoch.opens) => {
                "the first epoch has not opened yet: wait for its first day, or set the clock right"
            }
            None if policy.epochs.iter().all(|epoch| epoch.closes < day) => {
                "all epochs of the policy have closed: adopt a newer policy, or set the clock right"
            }
            None => "no epoch is open between two of the policy's: wait for the next one, or set the clock right",
        };
        Err(Error::NoEpoch { day, finding })
    }

    /// The pseudonyms of addresses, in their order.
    fn pseudonyms(&self, epoch: u32, day: Day, addresses: &[AddressKey]) -> Result<Vec<Pseudonym>, Error> {
        let pseudonyms = self.source(epoch, day)?.pseudonyms(addresses)?;
        if pseudonyms.len() != addresses.len() {
            return Err(MessageError::Malformed {
                finding: "a source of pseudonyms gave another number of them than it was asked",
            }
            .into());
        }
        Ok(pseudonyms)
    }
}

/// Shows no address, no case and no key.
impl fmt::Debug for Partner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Partner({}, {} flags, ..)", self.state.number, self.state.flags.len())
    }
}

/// Shows no bytes.
impl fmt::Debug for InFlight<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InFlight({:?} {} of epoch {}, {})", self.kind, self.number, self.epoch, self.digest)
    }
}

impl Flight {
    fn shown(&self) -> InFlight<'_> {
        let (kind, epoch, number, digest) = (self.kind, self.epoch, self.sequence, self.digest);
        InFlight { kind, epoch, number, digest, bytes: &self.bytes.0 }
    }
}

/// A message before it is signed.
struct Draft<'a> {
    epoch: u32,
    sequence: u64,
    previous: u64,
    settles: bool,
    request: &'a Request<'a>,
}

/// The roster's entry for the holder of `key`, which must have `number`; 0 where that is not known.
fn entry<'a>(policy: &'a Policy, key: &SigningKey, number: u16) -> Result<&'a policy::RosterEntry, Error> {
    let own = key.verifying_key();
    let is_own = |partner: &&policy::RosterEntry| partner.all_keys().any(|key| key == own);
    let wrong = |finding| Err(Error::NotInRoster { finding });
    match policy.partners.iter().find(is_own) {
        None => wrong(format!("no entry has the key {own}; send the coordinator the enrolment again")),
        Some(partner) if number != 0 && partner.number != number => {
            wrong(format!("the key {own} is that of partner {}, and this folder is partner {number}'s", partner.number))
        }
        Some(partner) => Ok(partner),
    }
}
