//! The broker: counts, per pseudonym, how many distinct organisations flag it, and never holds the key to an address.
//!
//! [`Broker::handle`] is the whole protocol: bytes of a message in, bytes of a reply out. What it does with a message is in
//! the order of SPEC.md 5.3.

mod accept;
mod answer;
mod decide;
mod folder;
mod journal;
mod keys;
mod making;
mod release;
mod rows;
mod signed;
mod state;
mod turns;
mod upkeep;
mod view;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

pub use keys::BrokerKeys;
pub use upkeep::Purge;

use serde::{Serialize, Serializer};

use decide::{Case, Settled};
use journal::Strangers;
use making::Rest;
use rows::{PolicyRow, write_row};
use state::{Epoch, FORMAT, State};
use turns::Turns;

use crate::audit::Event;
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::error::Error;
use crate::message::MessageError;
use crate::message::{self, Code, Header, Kind, Rejection, Reply, Role, Unverified, Verified};
use crate::policy::{Policy, PolicySignature, RosterEntry, SignedPolicy};
use crate::secret::KeyId;
use crate::store::{BatchId, BlobKeys, Change, Key, MemoryStore, Store, Ticket};
use crate::threads::Threads;

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
    turns: Turns,
    rest: Rest,
    strangers: Strangers,
    trouble: Mutex<Option<String>>,
    threads: Threads,
}

/// What a release did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Release {
    /// The epoch.
    pub epoch: u32,
    /// The number of the release in that epoch.
    #[serde(rename = "release")]
    pub number: u64,
    /// The moment that it speaks of.
    #[serde(serialize_with = "as_text")]
    pub as_of: Timestamp,
    /// Whether accepted flags became visible; if not, flags only ended.
    pub full: bool,
    /// Released flags, all partners together.
    pub flags: u64,
    /// Tags with a released flag.
    pub tags: u64,
}

/// What the broker can tell its operator: numbers only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BrokerStatus {
    /// The version of the policy in force.
    pub policy_version: u32,
    /// Its digest.
    #[serde(serialize_with = "as_text")]
    pub policy: Digest,
    /// The open epochs, by number.
    pub epochs: Vec<EpochStatus>,
    /// The last trouble with the disk or the clock since the broker was opened; else that its keys are not those of the policy.
    pub trouble: Option<String>,
    /// Why the audit log is not signed on, if it is not: what an [`Error::LogBehind`] says.
    pub log_behind: Option<String>,
}

/// An open epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EpochStatus {
    /// Its number.
    pub number: u32,
    /// The release in force.
    pub release: u64,
    /// The moment that it speaks of.
    #[serde(serialize_with = "as_text")]
    pub as_of: Timestamp,
    /// Tags with a released flag.
    pub tags: u64,
    /// Its partners, by number.
    pub partners: Vec<PartnerStatus>,
}

/// A partner in an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PartnerStatus {
    /// Its number.
    pub number: u16,
    /// Flags that it holds.
    pub held: u32,
    /// Flags of it that are released.
    pub released: u32,
    /// When its last state message was accepted.
    #[serde(serialize_with = "as_text_or_null")]
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
#[derive(Clone, Copy)]
struct Sender {
    partner: u16,
    epoch: u32,
    sequence: u64,
    digest: Digest,
}

impl Broker {
    /// Makes a broker in `folder`, under the policy in `policy_file` and the signatures beside it.
    ///
    /// The store and a copy of the policy are in `folder`; `keys` are to be elsewhere, or in a folder of their own there. There is a
    /// whole broker, or none: a making that was broken off is no broker, and this can be called again.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] and [`SystemError::Io`](crate::SystemError::Io), also where there is a broker in `folder` already; [`SystemError::FolderInUse`](crate::SystemError::FolderInUse); what [`SignedPolicy::read`] says;
    /// [`Error::PolicyOperator`] where the policy names other keys, [`Error::PolicyNotYet`] where it is not yet valid.
    pub fn create(folder: &Path, keys: BrokerKeys, policy_file: &Path, now: Timestamp) -> Result<Broker, Error> {
        let (policy, text) = Policy::read_with_text(policy_file)?;
        let signatures = PolicySignature::read_beside(policy_file)?;
        let signed = SignedPolicy::verify(policy, &signatures)?;
        refuse_unfit(&signed, &keys, now)?;
        let keys = Arc::new(keys);
        let _making = folder::begin(folder)?;
        let store = folder::create(folder, keys.clone())?;
        folder::keep_policy(&folder::making(folder), signed.policy().version, &text, &signatures)?;
        drop(Broker::begin(keys.clone(), Box::new(store), None, signed, now)?);
        folder::put_in_place(folder)?;
        let broker = Broker::open_with(folder, keys)?;
        // Not before it is in its place: of a making that was broken off, nothing is to be noted as signed.
        let _ = broker.noted(broker.sign_first());
        Ok(broker)
    }

    /// Opens the broker in `folder`.
    ///
    /// # Errors
    ///
    /// [`Error::Store`], [`SystemError::FolderInUse`](crate::SystemError::FolderInUse), [`Error::StoreDamaged`], [`Error::StoreFormat`]; what [`SignedPolicy::read`] says of
    /// the policy kept there; [`Error::BrokerKeys`] where a key of an epoch that the store has is missing. What it has of an epoch whose keys were
    /// destroyed, as a copy may that is older than that, is dropped, and [`BrokerStatus::trouble`] says so.
    pub fn open(folder: &Path, keys: BrokerKeys) -> Result<Broker, Error> {
        Broker::open_with(folder, Arc::new(keys))
    }

    fn open_with(folder: &Path, keys: Arc<BrokerKeys>) -> Result<Broker, Error> {
        let store = folder::open(folder, keys.clone())?;
        let kept = |version| Ok(SignedPolicy::read(&folder::policy_path(folder, version))?);
        Broker::resume(keys, Box::new(store), Some(folder.into()), kept)
    }

    /// Goes on with what is in a store; `kept` gives the policy of a version, as it was adopted.
    fn resume(
        keys: Arc<BrokerKeys>,
        store: Box<dyn Store>,
        folder: Option<PathBuf>,
        kept: impl FnOnce(u32) -> Result<SignedPolicy, Error>,
    ) -> Result<Broker, Error> {
        let (state, row) = State::load(&*store)?;
        let row = row.ok_or(Error::StoreDamaged { finding: "its ledger names no policy" })?;
        let signed = kept(row.version)?;
        if signed.digest() != row.digest {
            return Err(Error::StoreDamaged { finding: "the policy kept beside it is not the one that was adopted" });
        }
        let (destroyed, open): (Vec<u32>, Vec<u32>) =
            state.epochs.keys().partition(|number| keys.is_destroyed(**number));
        for number in open {
            keys.pepper(number, false)?;
            keys.blob_key(number)?;
        }
        Ok(Broker {
            keys,
            store,
            folder,
            policy: RwLock::new(Arc::new(InForce { signed, row })),
            state: Mutex::new(state),
            turns: Turns::default(),
            rest: Rest::default(),
            strangers: Strangers::default(),
            trouble: Mutex::new(already_closed(&destroyed)),
            threads: Threads::default(),
        })
    }

    /// Makes a broker that is gone with the process: for tests and simulations.
    ///
    /// # Errors
    ///
    /// [`Error::PolicyOperator`], [`Error::PolicyNotYet`], [`SystemError::Random`](crate::SystemError::Random).
    pub fn in_memory(keys: BrokerKeys, policy: SignedPolicy, now: Timestamp) -> Result<Broker, Error> {
        refuse_unfit(&policy, &keys, now)?;
        let broker = Broker::begin(Arc::new(keys), Box::new(MemoryStore::default()), None, policy, now)?;
        broker.sign_first()?;
        Ok(broker)
    }

    /// Tags the pseudonyms of a large message, looks them up, and makes releases on these threads; it does so on the caller's alone
    /// otherwise. The replies are the same.
    pub fn with_threads(mut self, threads: Threads) -> Broker {
        self.threads = threads;
        self
    }

    /// Takes a message, and gives the reply to carry back.
    ///
    /// `now` is the broker's time. Whatever the bytes, there is a reply; one that was not accepted is a rejection with a
    /// code and a sentence. What was accepted, and its line in the log, is kept before this returns. With another signing key than
    /// the policy names nothing is accepted (`unavailable`), and no partner can verify the reply: see [`BrokerStatus::trouble`].
    pub fn handle(&self, message: &[u8], now: Timestamp) -> Vec<u8> {
        loop {
            let in_force = self.in_force();
            if in_force.signed.policy().operator.verifying_key != self.keys.verifying_key() {
                // Which `status` says as long as it is so.
                return self.cannot_be_verified(&in_force, message, now);
            }
            match self.authenticate(&in_force, message, now) {
                Ok((verified, partner)) => {
                    let header = verified.header();
                    let (number, epoch, sequence) = (header.partner, header.epoch, header.sequence);
                    let sender = Sender { partner: number, epoch, sequence, digest: verified.digest() };
                    let (sender, threads) = (&sender, &self.threads);
                    let case = Case { in_force: &in_force, header, partner: &partner, sender, threads, now };
                    if let Settled::Reply(reply) = self.respond(&case, &verified) {
                        return reply;
                    }
                }
                Err(stranger) => {
                    let (header, rejection) = *stranger;
                    self.note_stranger(&in_force, rejection.code, now);
                    let digest = Digest::of(&[message]);
                    let header = reply_header(&header, in_force.signed.digest(), Kind::Rejection, digest, now);
                    return message::unsigned_rejection(&header, &rejection).unwrap_or_default();
                }
            }
        }
    }

    /// The reply where the key that signs it is not that of the policy: no partner can verify it, so nothing is accepted, which would not be
    /// accepted again.
    fn cannot_be_verified(&self, in_force: &InForce, message: &[u8], now: Timestamp) -> Vec<u8> {
        let parsed = Unverified::parse(message, Role::Partner);
        let header = parsed.map(|unverified| unverified.unverified_header().clone());
        let header = header.unwrap_or_else(|_| blank_header(in_force.signed.policy(), now));
        let digest = Digest::of(&[message]);
        let header = reply_header(&header, in_force.signed.digest(), Kind::Rejection, digest, now);
        let sentence =
            "the broker has other keys than the policy names; nothing was done: send the same bytes again later";
        let rejection = Reply::Rejection(Rejection::new(Code::Unavailable, 0, sentence));
        message::sign(&header, &rejection.encode(), self.keys.signing()).unwrap_or_default()
    }

    /// The policy in force.
    pub fn policy(&self) -> SignedPolicy {
        self.in_force().signed.clone()
    }

    /// Numbers for the operator.
    pub fn status(&self) -> BrokerStatus {
        let in_force = self.in_force();
        // What is kept is told; and what is there, if the store cannot be read.
        let state = self.state().unwrap_or_else(|_| self.state.lock().unwrap_or_else(PoisonError::into_inner));
        let origin = &in_force.signed.policy().operator.log_origin;
        BrokerStatus {
            policy_version: in_force.signed.policy().version,
            policy: in_force.signed.digest(),
            epochs: state.epochs.iter().map(|(number, epoch)| epoch.status(*number)).collect(),
            trouble: self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone().or_else(|| {
                // Said, and the broker is open all the same: to put other keys into a policy, it must be.
                refuse_other_keys(&in_force.signed, &self.keys).err().map(|error| error.to_string())
            }),
            log_behind: self.keys.signed().refusal(origin, &state.journal.log).map(|error| error.to_string()),
        }
    }

    /// A new broker, whose log is not signed yet.
    fn begin(
        keys: Arc<BrokerKeys>,
        store: Box<dyn Store>,
        folder: Option<PathBuf>,
        signed: SignedPolicy,
        now: Timestamp,
    ) -> Result<Broker, Error> {
        let (version, digest) = (signed.policy().version, signed.digest());
        let row = PolicyRow { version, digest, previous: None, adopted: now };
        let rows = vec![(Key::Format, Some(write_row(&FORMAT))), (Key::Policy, Some(write_row(&row)))];
        let mut change = Change { rows, ..Change::default() };
        let broker = Broker {
            keys,
            store,
            folder,
            policy: RwLock::new(Arc::new(InForce { signed, row })),
            state: Mutex::default(),
            turns: Turns::default(),
            rest: Rest::default(),
            strangers: Strangers::default(),
            trouble: Mutex::default(),
            threads: Threads::default(),
        };
        let mut state = broker.state()?;
        state.journal.append(&mut change, now, digest, Event::PolicyAdopted { version, previous: None })?;
        let (mut state, _) = broker.tick_unsigned(state, &broker.in_force(), now, change)?;
        let ticket = broker.submit(&mut state, &Change::default())?;
        drop(state);
        broker.wait(ticket)?;
        Ok(broker)
    }

    fn sign_first(&self) -> Result<(), Error> {
        let mut state = self.state()?;
        self.sign_log(&mut state, &self.in_force())?;
        let ticket = self.submit(&mut state, &Change::default())?;
        drop(state);
        self.wait(ticket)
    }

    fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_in_force(&self, in_force: &InForce) -> bool {
        self.in_force().row == in_force.row
    }

    /// The state, in which everything is that is kept or in line to be.
    fn state(&self) -> Result<MutexGuard<'_, State>, Error> {
        let mut state = self.state.lock().unwrap_or_else(|poisoned| {
            // Whoever panicked may have left a change half in memory; the store has it whole or not at all.
            let mut state = poisoned.into_inner();
            state.ahead = true;
            self.state.clear_poison();
            state
        });
        if state.ahead {
            *state = State::load(&*self.store)?.0;
        }
        Ok(state)
    }

    /// Puts a change in line for the disk, of which `state` has it all already.
    fn submit(&self, state: &mut State, change: &Change) -> Result<Ticket, Error> {
        self.store.submit(change).inspect_err(|_| state.ahead = true)
    }

    /// Waits until a change is on disk. If it could not be kept, the state is read anew.
    fn wait(&self, ticket: Ticket) -> Result<(), Error> {
        self.store.wait(ticket).inspect_err(|_| {
            self.state.lock().unwrap_or_else(PoisonError::into_inner).ahead = true;
        })
    }

    /// Counts a message whose sender is not authenticated, and logs those of the minute before.
    fn note_stranger(&self, in_force: &InForce, code: Code, now: Timestamp) {
        if let Some(event) = self.strangers.count(now, code) {
            self.log_strangers(in_force, event, now);
        }
    }

    fn log_strangers(&self, in_force: &InForce, event: Event, now: Timestamp) {
        let logged = || {
            let mut state = self.state()?;
            let mut change = Change::default();
            state.journal.append(&mut change, now, in_force.signed.digest(), event)?;
            let ticket = self.submit(&mut state, &change)?;
            drop(state);
            self.wait(ticket)
        };
        let _ = self.noted(logged());
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
    ) -> Result<(Verified<'a>, RosterEntry), Box<(Header, Rejection)>> {
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

/// A program may handle a message and end: what was counted of strangers is logged, as far as that can be.
impl Drop for Broker {
    fn drop(&mut self) {
        if let Some((last, event)) = self.strangers.rest() {
            self.log_strangers(&self.in_force(), event, last);
        }
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
            tags: self.tally.tags,
            partners: partners.collect(),
        }
    }
}

/// What is said of epochs that a store has and whose keys were destroyed.
fn already_closed(destroyed: &[u32]) -> Option<String> {
    let numbers: Vec<String> = destroyed.iter().map(|number| number.to_string()).collect();
    (!numbers.is_empty()).then(|| {
        format!(
            "this store is older than the closing of epoch {}: what it had of it cannot be opened any more and was dropped",
            numbers.join(", ")
        )
    })
}

/// A broker runs under a policy that names its keys and is valid.
fn refuse_unfit(signed: &SignedPolicy, keys: &BrokerKeys, now: Timestamp) -> Result<(), Error> {
    refuse_other_keys(signed, keys)?;
    let policy = signed.policy();
    if policy.valid_from > now.day() {
        return Err(Error::PolicyNotYet { valid_from: policy.valid_from, today: now.day() });
    }
    Ok(())
}

fn refuse_other_keys(signed: &SignedPolicy, keys: &BrokerKeys) -> Result<(), Error> {
    let policy = signed.policy();
    if policy.operator.verifying_key != keys.verifying_key() || policy.operator.checkpoint_key != keys.checkpoint_key()
    {
        return Err(Error::PolicyOperator {
            verifying_key: keys.verifying_key(),
            checkpoint_key: keys.checkpoint_key(),
        });
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

/// As reports for people and other programs have it, not as the ledger's rows do.
fn as_text<S: Serializer>(value: &impl fmt::Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

fn as_text_or_null<S: Serializer>(value: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(time) => as_text(time, to),
        None => to.serialize_none(),
    }
}

/// The rejection of bytes that do not decode.
fn undecodable(error: &MessageError) -> Rejection {
    let code = if matches!(error, MessageError::TooLarge { .. }) { Code::TooLarge } else { Code::Malformed };
    Rejection::new(code, 0, error.to_string())
}
