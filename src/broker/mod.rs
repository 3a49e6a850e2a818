//! The broker: counts, per pseudonym, how many distinct organisations flag it, and never holds the key to an address.
//!
//! [`Broker::handle`] is the whole protocol: bytes of a message in, bytes of a reply out. `messages` carries a message
//! through the steps of SPEC.md 5.3, `decide` decides on it, `transaction` changes what the broker knows, `release`
//! makes releases.

mod accept;
mod answer;
mod attested;
mod budgets;
mod certificates;
mod clock;
mod decide;
mod error;
mod folder;
#[doc(hidden)]
pub mod fuzzing;
mod incoming;
mod index;
mod join;
mod keys;
mod load;
mod log;
mod meet;
mod merge;
mod messages;
mod operator;
mod organisation_lock;
mod organisations;
mod overview;
mod processing;
mod published;
mod receipts;
mod rejections;
mod release;
mod report;
mod rows;
mod schedule;
mod signed_logs;
mod stacks;
mod state;
mod tally;
mod transaction;
mod unauthenticated;
mod upkeep;
mod verify;
mod watch;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

pub use budgets::{BudgetKind, BudgetUse};
pub use clock::{Clock, Destroys};
pub use error::BrokerError;
pub use keys::BrokerKeys;
pub use meet::{AfterHitStatus, ExchangeStatus, ReportedYear, YearTotals};
pub use overview::{CheckpointOverview, EpochOverview, Hearing, Overview, PartnerOverview};
pub use processing::LogPlace;
pub use published::{PublishedPolicies, PublishedPolicy};
pub use rejections::Rejected;
pub use report::{
    BrokerStatus, CertificateStatus, EpochStatus, Fault, HeldBack, PartnerStatus, Purge, Release, Severity, Silence,
    WouldEnd,
};
pub use stacks::Stacks;
pub use verify::{VerifiedBackup, VerifiedLog};

use attested::Attested;
use certificates::Certificates;
use clock::{refuse_out_of_range, refuse_past_epochs};
use incoming::PolicyInForce;
use load::{FORMAT, Loaded, load};
use organisation_lock::OrganisationLocks;
use rejections::Rejections;
use rows::{PolicyRow, SilenceRow, write_row};
use state::BrokerState;
use transaction::Database;
use unauthenticated::UnauthenticatedTraffic;
use watch::Watch;

use crate::audit::Event;
use crate::day::{Day, Timestamp};
use crate::policy::{Certificate, Policy, PolicyError, PolicySignature, SignedPolicy};
use crate::store::{BlobKeys, Key, MemoryStore, Store, StoreError};
use crate::threads::Threads;
use crate::trace;

/// The broker of one consortium.
///
/// It can be shared between threads. Two brokers on one store exclude each other.
pub struct Broker {
    keys: Arc<BrokerKeys>,
    /// `None` for a broker in memory.
    folder: Option<PathBuf>,
    policy: RwLock<Arc<PolicyInForce>>,
    database: Database,
    /// Held by whoever purges.
    purging: Mutex<()>,
    organisation_locks: OrganisationLocks,
    unauthenticated: UnauthenticatedTraffic,
    rejections: Rejections,
    attested: Attested,
    last_fault: Mutex<Option<String>>,
    watch: Watch,
    threads: Threads,
}

impl Broker {
    /// Makes a broker in `folder`, under the policy in `policy_file`, with the signatures and certificates beside it.
    /// Those that do not hold count for nothing.
    ///
    /// The store and a copy of the policy are in `folder`; `keys` should be elsewhere, or in a folder of their own
    /// there. An attempt that breaks off leaves no broker, and this can be called again.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Store`] and [`BrokerError::System`], also where there is a broker in `folder` already; those of
    /// [`SignedPolicy::read`]; [`BrokerError::PolicyOperator`] where the policy names other keys,
    /// [`PolicyError::PolicyNotYet`] where it is not yet valid; [`BrokerError::ClockRange`];
    /// [`BrokerError::ClockPastEpochs`] where all its epochs are over, [`BrokerError::ClockPastKeys`] where there are
    /// keys of one that is.
    pub fn create(folder: &Path, keys: BrokerKeys, policy_file: &Path, now: Timestamp) -> Result<Broker, BrokerError> {
        refuse_out_of_range(now)?;
        let (policy, text) = Policy::read_with_text(policy_file)?;
        let signatures = PolicySignature::read_beside(policy_file)?;
        let certificates = Certificate::read_beside(policy_file)?;
        let signed = SignedPolicy::verify(policy, &signatures)?;
        refuse_unfit(&signed, &keys, now)?;
        refuse_over(signed.policy(), &keys, now)?;
        let keys = Arc::new(keys);
        let _making = folder::begin(folder)?;
        let store = folder::create(folder, keys.clone())?;
        let kept = folder::policy_path(&folder::making(folder), signed.policy().version);
        folder::keep_policy(&kept, &text, &signatures)?;
        drop(Broker::begin(keys.clone(), Box::new(store), signed, &certificates, now)?);
        folder::put_in_place(folder)?;
        watch::forget(folder);
        let broker = Broker::open_with(folder, keys)?;
        // Only a broker in its place notes what it signed, because one whose making broke off is made again with
        // another log.
        let _ = broker.sign_first().inspect_err(|error| broker.note_fault(error));
        Ok(broker)
    }

    /// Opens the broker in `folder`.
    ///
    /// What the store has of an epoch whose keys were destroyed, as an older copy may, is dropped, and
    /// [`BrokerStatus::last_fault`] says so.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Store`], [`BrokerError::System`], those of [`SignedPolicy::read`] about the policy kept there;
    /// [`StoreError::BrokerKeys`] where a key of an epoch that the store has is missing.
    pub fn open(folder: &Path, keys: BrokerKeys) -> Result<Broker, BrokerError> {
        Broker::open_with(folder, Arc::new(keys))
    }

    fn open_with(folder: &Path, keys: Arc<BrokerKeys>) -> Result<Broker, BrokerError> {
        let open = || {
            let store = folder::open(folder, keys.clone())?;
            let kept = |version| SignedPolicy::read(&folder::policy_path(folder, version));
            Broker::resume(keys, Box::new(store), Some(folder.into()), kept)
        };
        let broker = open().inspect_err(|error| watch::note_unopened(folder, error))?;
        broker.watch.resume(folder, broker.database.inspect(BrokerState::latest_moment));
        broker.write_status();
        Ok(broker)
    }

    /// Goes on with what is in a store; `kept` gives the policy of a version, as it was adopted.
    fn resume(
        keys: Arc<BrokerKeys>,
        store: Box<dyn Store>,
        folder: Option<PathBuf>,
        kept: impl FnOnce(u32) -> Result<SignedPolicy, PolicyError>,
    ) -> Result<Broker, BrokerError> {
        let Loaded { state, policy, certificates } = load(&*store)?;
        let row = policy.ok_or(StoreError::StoreDamaged { finding: "its ledger names no policy" })?;
        let signed = kept(row.version)?;
        if signed.digest() != row.digest {
            let finding = "the policy kept beside it is not the one that was adopted";
            return Err(StoreError::StoreDamaged { finding }.into());
        }
        let (destroyed, open): (Vec<u32>, Vec<u32>) =
            state.epochs.keys().partition(|number| keys.is_destroyed(**number));
        for number in open {
            keys.read(number)?;
        }
        let broker =
            Broker::assemble(keys, Database::new(store, state), folder, PolicyInForce { signed, row, certificates });
        *broker.last_fault() = already_closed(&destroyed);
        Ok(broker)
    }

    /// Makes a broker that ends with the process, with those of these certificates that hold: for tests and
    /// simulations.
    ///
    /// # Errors
    ///
    /// [`BrokerError::PolicyOperator`], [`PolicyError::PolicyNotYet`], [`BrokerError::ClockRange`],
    /// [`BrokerError::System`].
    pub fn in_memory(
        keys: BrokerKeys,
        policy: SignedPolicy,
        certificates: &[Certificate],
        now: Timestamp,
    ) -> Result<Broker, BrokerError> {
        refuse_out_of_range(now)?;
        refuse_unfit(&policy, &keys, now)?;
        let broker = Broker::begin(Arc::new(keys), Box::new(MemoryStore::default()), policy, certificates, now)?;
        broker.sign_first()?;
        Ok(broker)
    }

    /// Tags the pseudonyms of large messages, looks them up and makes releases on these threads, and not on the
    /// caller's alone. The replies are the same.
    pub fn with_threads(mut self, threads: Threads) -> Broker {
        self.threads = threads;
        self
    }

    /// The policy in force.
    pub fn policy(&self) -> SignedPolicy {
        self.in_force().signed.clone()
    }

    /// Reads the policy in force, without a copy of it, as for who may connect.
    pub fn inspect_policy<T>(&self, read: impl FnOnce(&SignedPolicy) -> T) -> T {
        read(&self.in_force().signed)
    }

    /// Numbers for the operator.
    pub fn status(&self) -> BrokerStatus {
        let in_force = self.in_force();
        // A broker with other keys than the policy names is open all the same, so that its keys can be put into a
        // policy.
        let other_keys = || refuse_other_keys(&in_force.signed, &self.keys).err().map(|error| error.to_string());
        let other_keys = other_keys();
        let mut faults = self.watch.faults().clone();
        faults.extend(
            other_keys.iter().map(|finding| Fault::new(Severity::Critical, "policy_operator", None, finding.clone())),
        );
        faults.extend(self.watch.told_faults());
        let last_fault = self.last_fault().clone().or(other_keys);
        self.database.inspect(|state| BrokerStatus {
            as_of: self.watch.told(),
            again_within: self.watch.promised(),
            promised_at: self.watch.promised_at(),
            latest: state.latest_moment(),
            closes: in_force.policy().epochs.iter().map(|epoch| epoch.closes).max().unwrap_or_default(),
            last_backup: state.log.row.backed_up,
            restored: state.restored(),
            // JSON has no other texts.
            keys: self.keys.folder().and_then(|one| std::path::absolute(one).ok()).filter(|one| one.to_str().is_some()),
            silence: state.silence.map(|SilenceRow { since, seconds, .. }| Silence { since, seconds }),
            held_back: Some(self.watch.is_uncertain()).filter(|is_uncertain| *is_uncertain).and_then(|_| {
                let today = self.watch.told().day();
                let is_over = |number: &u32| in_force.policy().epoch(*number).is_some_and(|epoch| epoch.closes < today);
                let epochs: Vec<u32> = state.epochs.keys().copied().filter(is_over).collect();
                let waits = state.unpurged > 0 || !epochs.is_empty();
                waits.then_some(HeldBack { epochs, rows: state.unpurged })
            }),
            faults,
            policy_version: in_force.policy().version,
            policy: in_force.digest(),
            after_hit: meet::after_hit_status(
                state,
                in_force.policy(),
                &in_force.certificates,
                in_force.row.adopted.day(),
            ),
            certificates: in_force.certificates.all().map(|one| CertificateStatus::of(one.claimed())).collect(),
            epochs: state
                .epochs
                .iter()
                .map(|(number, epoch)| {
                    let today = state.latest_moment().day();
                    EpochStatus::of(*number, epoch, in_force.policy(), &in_force.certificates, today)
                })
                .collect(),
            last_fault,
            log_behind: {
                let name = state.log.name(in_force.policy());
                self.keys.signed_logs().refusal(name.origin(), &state.log.tree).map(|error| error.to_string())
            },
        })
    }

    /// A new broker, whose log is not signed yet.
    fn begin(
        keys: Arc<BrokerKeys>,
        store: Box<dyn Store>,
        signed: SignedPolicy,
        certificates: &[Certificate],
        now: Timestamp,
    ) -> Result<Broker, BrokerError> {
        let (version, digest) = (signed.policy().version, signed.digest());
        let certificates = Certificates::default().under(signed.policy(), certificates);
        let row = PolicyRow { version, digest, previous: None, adopted: now, announced: None };
        let rows = [(Key::Format, Some(write_row(&FORMAT))), (Key::Policy, Some(write_row(&row)))];
        let database = Database::new(store, BrokerState::default());
        let broker = Broker::assemble(keys, database, None, PolicyInForce { signed, row, certificates });
        let in_force = broker.in_force();
        let mut transaction = broker.database.begin()?;
        transaction.change().1.rows.extend(rows);
        transaction.record(now, digest, Event::PolicyAdopted { version, previous: None })?;
        transaction.change_certificates(now, &in_force, &Certificates::default())?;
        let (transaction, _) = broker.upkeep(&in_force, now, now.day()).catch_up_unsigned(transaction)?;
        transaction.commit()?;
        Ok(broker)
    }

    fn assemble(keys: Arc<BrokerKeys>, database: Database, folder: Option<PathBuf>, in_force: PolicyInForce) -> Broker {
        Broker {
            keys,
            folder,
            policy: RwLock::new(Arc::new(in_force)),
            database,
            purging: Mutex::default(),
            organisation_locks: OrganisationLocks::default(),
            unauthenticated: UnauthenticatedTraffic::default(),
            rejections: Rejections::default(),
            attested: Attested::default(),
            last_fault: Mutex::default(),
            watch: Watch::default(),
            threads: Threads::default(),
        }
    }

    /// The moment that messages of two organisations are dated at or after, since the broker was opened; 0 before.
    ///
    /// A message is authenticated before it counts, and one that is sent again later bears the same date.
    pub fn attested(&self) -> Timestamp {
        self.attested.moment()
    }

    /// The day before which what was over may be destroyed, as far as the caller knows.
    fn certain(&self, clock: Clock) -> Day {
        let certain = clock.certain(self.attested());
        self.watch.tell_certain(certain >= clock.now.day());
        certain
    }

    fn sign_first(&self) -> Result<(), BrokerError> {
        let mut transaction = self.database.begin()?;
        self.sign_log(&mut transaction, &self.in_force())?;
        Ok(transaction.commit()?)
    }

    fn in_force(&self) -> Arc<PolicyInForce> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether neither the policy nor a certificate changed since.
    fn is_in_force(&self, in_force: &PolicyInForce) -> bool {
        std::ptr::eq(Arc::as_ptr(&self.in_force()), in_force)
    }

    /// Puts a policy, or other certificates under the same, in the place of those in force. They must be kept.
    fn put_in_force(&self, newer: &Arc<PolicyInForce>) {
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(newer);
    }

    /// Keeps a fault for [`Broker::status`], because replies say nothing of the broker's disk.
    fn note_fault(&self, error: &BrokerError) {
        trace::event!(WARN, "the broker met a fault", code = error.code(), fault = error);
        self.watch.note(error);
        *self.last_fault() = Some(error.to_string());
    }

    fn last_fault(&self) -> MutexGuard<'_, Option<String>> {
        self.last_fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Broker {
    /// Writes the file that [`BrokerStatus::read`] reads, where that is due. Whoever calls this holds no lock of the
    /// broker's.
    fn settle(&self) {
        if self.watch.is_due() {
            self.write_status();
        }
    }

    /// Notes what time it is, and writes the file that [`BrokerStatus::read`] reads, whatever changed.
    ///
    /// A program that runs the broker by itself calls this again within so many seconds, `again_within`, so that
    /// whoever watches the file sees when the program has stopped; and with `None` once it stops by itself. A program
    /// that was killed stays missed until this is called again, whoever opens the broker meanwhile.
    pub fn write_status_at(&self, clock: impl Into<Clock>, again_within: Option<u32>) {
        self.read_clock(clock.into());
        self.watch.promise(again_within);
        self.write_status();
    }

    /// Notes what is wrong with that by which a program runs the broker, such as its revocation lists: a warning each,
    /// of this code, with what to do. It stands until this is called again with the same code, or the broker is closed,
    /// and is in what [`Broker::write_status_at`] writes next.
    pub fn tell_faults(&self, code: &str, findings: &[String]) {
        self.watch.tell_faults(code, findings);
    }

    fn write_status(&self) {
        if let Some(folder) = self.folder.as_deref().filter(|_| self.database.is_of_this_process()) {
            self.watch.write(folder, || self.status());
        }
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Broker(..)")
    }
}

/// What is said of epochs that a store has although their keys were destroyed.
fn already_closed(destroyed: &[u32]) -> Option<String> {
    let numbers: Vec<String> = destroyed.iter().map(|number| number.to_string()).collect();
    (!numbers.is_empty()).then(|| {
        format!(
            "this store is older than the closing of epoch {}: \
             what it had of it cannot be opened any more and was dropped",
            numbers.join(", ")
        )
    })
}

/// Refuses a policy that names other keys than the broker's, or is not valid yet.
fn refuse_unfit(signed: &SignedPolicy, keys: &BrokerKeys, now: Timestamp) -> Result<(), BrokerError> {
    refuse_other_keys(signed, keys)?;
    let policy = signed.policy();
    if policy.valid_from > now.day() {
        return Err(PolicyError::PolicyNotYet { valid_from: policy.valid_from, today: now.day() }.into());
    }
    Ok(())
}

/// Refuses a day on which nothing is left to do under a policy, or on which keys that are there would be destroyed.
fn refuse_over(policy: &Policy, keys: &BrokerKeys, now: Timestamp) -> Result<(), BrokerError> {
    refuse_past_epochs(policy, now)?;
    let is_over = |number: &u32| policy.epoch(*number).is_some_and(|epoch| epoch.closes < now.day());
    match keys.stored()?.into_iter().find(is_over) {
        Some(epoch) => Err(BrokerError::ClockPastKeys { now, epoch }),
        None => Ok(()),
    }
}

fn refuse_other_keys(signed: &SignedPolicy, keys: &BrokerKeys) -> Result<(), BrokerError> {
    let operator = &signed.policy().operator;
    let (verifying_key, checkpoint_key) = (keys.verifying_key(), keys.checkpoint_key());
    if operator.verifying_key != verifying_key || operator.checkpoint_key != checkpoint_key {
        return Err(BrokerError::PolicyOperator { verifying_key, checkpoint_key });
    }
    Ok(())
}
