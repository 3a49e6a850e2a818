//! The broker: counts, per pseudonym, how many distinct organisations flag it, and never holds the key to an address.
//!
//! [`Broker::handle`] is the whole protocol: bytes of a message in, bytes of a reply out. What it does with a message is in
//! the order of SPEC.md 5.3.

mod accept;
mod answer;
mod decide;
mod folder;
mod keys;
mod release;
mod state;
mod view;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

pub use keys::BrokerKeys;

use release::{Due, release};
use state::{Epoch, FORMAT, PolicyRow, State, write_row};

use crate::day::Timestamp;
use crate::digest::Digest;
use crate::error::Error;
use crate::message::{self, Code, Header, Kind, Rejection, Role, Unverified, Verified};
use crate::policy::{Lang, Partner, Policy, PolicySignature, SignedPolicy};
use crate::secret::KeyId;
use crate::store::{BatchId, BlobKeys, Change, Key, MemoryStore, Store};

/// The broker of one consortium.
///
/// It can be shared between threads. Two brokers on one store exclude each other.
pub struct Broker {
    keys: Arc<BrokerKeys>,
    store: Box<dyn Store>,
    /// `None` for a broker in memory.
    folder: Option<PathBuf>,
    policy: RwLock<Arc<InForce>>,
    state: Mutex<State>,
    trouble: Mutex<Option<String>>,
}

/// What a release did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Release {
    /// The epoch.
    pub epoch: u32,
    /// The number of the release in that epoch.
    pub number: u64,
    /// The moment that it speaks of.
    pub as_of: Timestamp,
    /// Whether accepted flags became visible; if not, flags only ended.
    pub full: bool,
    /// Released flags, all partners together.
    pub flags: u64,
    /// Tags with a released flag.
    pub tags: u64,
}

/// What the broker can tell its operator: numbers only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokerStatus {
    /// The version of the policy in force.
    pub policy_version: u32,
    /// Its digest.
    pub policy: Digest,
    /// The open epochs, by number.
    pub epochs: Vec<EpochStatus>,
    /// The last trouble with the disk or the clock since the broker was opened.
    pub trouble: Option<String>,
}

/// An open epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EpochStatus {
    /// Its number.
    pub number: u32,
    /// The release in force.
    pub release: u64,
    /// The moment that it speaks of.
    pub as_of: Timestamp,
    /// Tags with a released flag.
    pub tags: u64,
    /// Its partners, by number.
    pub partners: Vec<PartnerStatus>,
}

/// A partner in an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartnerStatus {
    /// Its number.
    pub number: u16,
    /// Flags that it holds.
    pub held: u32,
    /// Flags of it that are released.
    pub released: u32,
    /// When its last state message was accepted.
    pub heard: Option<Timestamp>,
    /// Whether a full set has come.
    pub full_set_seen: bool,
}

/// The policy in force, with what the ledger has of it.
struct InForce {
    signed: SignedPolicy,
    row: PolicyRow,
}

/// Who sent a message that was authenticated, and which message.
struct Sender {
    partner: u16,
    epoch: u32,
    sequence: u64,
    digest: Digest,
}

impl Broker {
    /// Makes a broker in `folder`, under the policy in the file `policy` and the signatures beside it.
    ///
    /// The store and a copy of the policy are in `folder`; `keys` are to be elsewhere, or in a folder of their own there.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] and [`Error::Io`], also where there is a broker in `folder` already; what [`SignedPolicy::read`] says;
    /// [`Error::PolicyOperator`] where the policy names other keys, [`Error::PolicyNotYet`] where it is not yet valid.
    pub fn create(folder: &Path, keys: BrokerKeys, policy: &Path, now: Timestamp) -> Result<Broker, Error> {
        let signed = SignedPolicy::read(policy)?;
        refuse_unfit(&signed, &keys, now)?;
        let keys = Arc::new(keys);
        let store = folder::create(folder, keys.clone())?;
        folder::keep_policy(folder, policy, signed.policy().version)?;
        Broker::begin(keys, Box::new(store), Some(folder.into()), signed, now)
    }

    /// Opens the broker in `folder`.
    ///
    /// # Errors
    ///
    /// [`Error::Store`], [`Error::StoreDamaged`], [`Error::StoreFormat`]; what [`SignedPolicy::read`] says of the policy kept
    /// there; what [`BrokerKeys`] says of a pepper that is missing.
    pub fn open(folder: &Path, keys: BrokerKeys) -> Result<Broker, Error> {
        let keys = Arc::new(keys);
        let store = folder::open(folder, keys.clone())?;
        let (state, row) = State::load(&store)?;
        let row = row.ok_or(Error::StoreDamaged { finding: "its ledger names no policy" })?;
        let signed = SignedPolicy::read(&folder::policy_path(folder, row.version))?;
        if signed.digest() != row.digest {
            return Err(Error::StoreDamaged { finding: "the policy kept beside it is not the one that was adopted" });
        }
        for number in state.epochs.keys() {
            keys.pepper(*number, false)?;
            keys.blob_key(*number)?;
        }
        Ok(Broker {
            keys,
            store: Box::new(store),
            folder: Some(folder.into()),
            policy: RwLock::new(Arc::new(InForce { signed, row })),
            state: Mutex::new(state),
            trouble: Mutex::default(),
        })
    }

    /// Makes a broker that is gone with the process: for tests and simulations.
    ///
    /// # Errors
    ///
    /// [`Error::PolicyOperator`], [`Error::PolicyNotYet`], [`Error::Random`].
    pub fn in_memory(keys: BrokerKeys, policy: SignedPolicy, now: Timestamp) -> Result<Broker, Error> {
        refuse_unfit(&policy, &keys, now)?;
        Broker::begin(Arc::new(keys), Box::new(MemoryStore::default()), None, policy, now)
    }

    /// Takes a message, and gives the reply to carry back.
    ///
    /// `now` is the broker's time. Whatever the bytes, there is a reply; one that was not accepted is a rejection with a
    /// code and a sentence. What was accepted is kept before this returns.
    pub fn handle(&self, message: &[u8], now: Timestamp) -> Vec<u8> {
        let in_force = self.in_force();
        match self.authenticate(&in_force, message, now) {
            Ok((verified, partner)) => self.respond(&in_force, &verified, &partner, now),
            Err(stranger) => {
                let (header, rejection) = *stranger;
                let digest = Digest::of(&[message]);
                let header = reply_header(&header, in_force.signed.digest(), Kind::Rejection, digest, now);
                message::unsigned_rejection(&header, &rejection).unwrap_or_default()
            }
        }
    }

    /// Makes the releases that are due at `now`, closes epochs whose last day has passed, and says what was released.
    ///
    /// [`Broker::handle`] does the same before it looks at a message; a broker that gets none needs this once a day.
    ///
    /// # Errors
    ///
    /// [`Error::Store`], and [`Error::Clock`] where `now` is before the last release.
    pub fn release(&self, now: Timestamp) -> Result<Vec<Release>, Error> {
        let in_force = self.in_force();
        self.noted(self.tick(&mut self.state(), in_force.signed.policy(), now))
    }

    /// Puts the policy in the file `policy` in the place of the one in force, and says what changes, in plain English.
    ///
    /// Flags of partners that left the roster are gone with this; what a partner may see changes with this.
    ///
    /// # Errors
    ///
    /// What [`SignedPolicy::succeed`] says; [`Error::PolicyOperator`], [`Error::PolicyNotYet`], [`Error::Store`], [`Error::Io`].
    pub fn adopt_policy(&self, policy: &Path, now: Timestamp) -> Result<Vec<String>, Error> {
        let newer = Policy::read(policy)?;
        let signatures = PolicySignature::read_beside(policy)?;
        let mut state = self.state();
        let old = self.in_force();
        let signed = old.signed.succeed(newer, &signatures)?;
        refuse_unfit(&signed, &self.keys, now)?;
        self.tick(&mut state, old.signed.policy(), now)?;
        if let Some(folder) = &self.folder {
            folder::keep_policy(folder, policy, signed.policy().version)?;
        }
        let differences = old.signed.policy().difference(signed.policy(), Lang::En);
        let lowered = signed.policy().counting.threshold < old.signed.policy().counting.threshold;
        let row = PolicyRow {
            version: signed.policy().version,
            digest: signed.digest(),
            previous: (!lowered).then_some(old.row.digest),
            adopted: now,
        };
        let mut change = Change::default();
        change.rows.push((Key::Policy, Some(write_row(&row))));
        let mut released = Vec::new();
        for (number, epoch) in &state.epochs {
            let due = Due { as_of: now, full: false };
            let step = release(signed.policy(), *number, epoch, &state.partners, due);
            step.record(*number, &mut change);
            released.push((*number, step));
        }
        self.store.commit(&change)?;
        for (number, step) in released {
            state.epochs.insert(number, step.epoch);
        }
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(InForce { signed, row });
        let in_force = self.in_force();
        self.tick(&mut state, in_force.signed.policy(), now)?;
        Ok(differences)
    }

    /// The policy in force.
    pub fn policy(&self) -> SignedPolicy {
        self.in_force().signed.clone()
    }

    /// Numbers for the operator.
    pub fn status(&self) -> BrokerStatus {
        let in_force = self.in_force();
        let state = self.state();
        BrokerStatus {
            policy_version: in_force.signed.policy().version,
            policy: in_force.signed.digest(),
            epochs: state.epochs.iter().map(|(number, epoch)| epoch.status(*number)).collect(),
            trouble: self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    fn begin(
        keys: Arc<BrokerKeys>,
        store: Box<dyn Store>,
        folder: Option<PathBuf>,
        signed: SignedPolicy,
        now: Timestamp,
    ) -> Result<Broker, Error> {
        let policy = signed.policy();
        let row = PolicyRow { version: policy.version, digest: signed.digest(), previous: None, adopted: now };
        let rows = vec![(Key::Format, Some(write_row(&FORMAT))), (Key::Policy, Some(write_row(&row)))];
        store.commit(&Change { rows, ..Change::default() })?;
        let broker = Broker {
            keys,
            store,
            folder,
            policy: RwLock::new(Arc::new(InForce { signed, row })),
            state: Mutex::default(),
            trouble: Mutex::default(),
        };
        broker.release(now)?;
        Ok(broker)
    }

    fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is put in place whole, after its commit; so what a panicking thread left is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what went wrong for [`Broker::status`]: a reply says nothing of the broker's disk.
    fn noted<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        }
        result
    }

    /// Steps 1 to 4: who sent this?
    fn authenticate<'a>(
        &self,
        in_force: &InForce,
        bytes: &'a [u8],
        now: Timestamp,
    ) -> Result<(Verified<'a>, Partner), Box<(Header, Rejection)>> {
        let policy = in_force.signed.policy();
        let unverified = match Unverified::parse(bytes, Role::Partner) {
            Ok(unverified) => unverified,
            Err(error) => return Err(Box::new((blank_header(policy, now), undecodable(&error)))),
        };
        let header = unverified.unverified_header().clone();
        let refuse = |code, sentence: &str| Err(Box::new((header.clone(), Rejection::new(code, 0, sentence))));
        if header.consortium != policy.consortium {
            return refuse(
                Code::WrongConsortium,
                "this broker serves another consortium: check where the message is sent",
            );
        }
        let Some(partner) = policy.partner(header.partner) else {
            return refuse(
                Code::UnknownPartner,
                "the roster has no partner of this number: check it, or have the partner enrolled",
            );
        };
        for key in partner.keys(now.day()) {
            if let Ok(verified) = unverified.verify(&key) {
                return Ok((verified, partner.clone()));
            }
        }
        refuse(Code::BadSignature, "the signature is not of the key in the roster: check the partner's key and number")
    }
}

impl Sender {
    /// The name of the batch that this sender's message of a state number brought.
    fn batch(&self, sequence: u64) -> BatchId {
        BatchId { epoch: self.epoch, partner: self.partner, sequence }
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Broker(..)")
    }
}

impl Epoch {
    fn status(&self, number: u32) -> EpochStatus {
        let partners = self.shares.iter().map(|(partner, share)| PartnerStatus {
            number: *partner,
            held: share.row.held,
            released: self.tally.released.get(partner).copied().unwrap_or(0),
            heard: share.row.heard,
            full_set_seen: share.row.full_seen,
        });
        EpochStatus {
            number,
            release: self.row.release,
            as_of: self.row.as_of,
            tags: self.view.len() as u64,
            partners: partners.collect(),
        }
    }
}

/// A broker runs under a policy that names its keys and is valid.
fn refuse_unfit(signed: &SignedPolicy, keys: &BrokerKeys, now: Timestamp) -> Result<(), Error> {
    let policy = signed.policy();
    if policy.operator.verifying_key != keys.verifying_key() || policy.operator.checkpoint_key != keys.checkpoint_key()
    {
        return Err(Error::PolicyOperator {
            verifying_key: keys.verifying_key(),
            checkpoint_key: keys.checkpoint_key(),
        });
    }
    if policy.valid_from > now.day() {
        return Err(Error::PolicyNotYet { valid_from: policy.valid_from, today: now.day() });
    }
    Ok(())
}

/// The header of a reply to `request`, which is the message `digest`.
fn reply_header(request: &Header, policy: Digest, kind: Kind, digest: Digest, now: Timestamp) -> Header {
    Header { kind, time: now, policy, context: digest, ..request.clone() }
}

/// What stands in for the header of bytes that have none.
fn blank_header(policy: &Policy, now: Timestamp) -> Header {
    Header {
        version: message::VERSION,
        kind: Kind::Rejection,
        consortium: policy.consortium.clone(),
        purpose: policy.purpose.clone(),
        epoch: 0,
        key_id: KeyId([0; 8]),
        partner: 0,
        sequence: 0,
        previous: 0,
        time: now,
        policy: Digest::NONE,
        context: Digest::NONE,
        body_length: 0,
    }
}

/// The rejection of bytes that do not decode.
fn undecodable(error: &Error) -> Rejection {
    let code = if matches!(error, Error::TooLarge { .. }) { Code::TooLarge } else { Code::Malformed };
    Rejection::new(code, 0, error.to_string())
}
