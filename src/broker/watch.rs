//! What is wrong and since when, and the file in which whoever watches the broker reads that without its lock.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::BrokerError;
use super::report::{BrokerStatus, Fault, Severity};
use crate::day::Timestamp;
use crate::files;
use crate::store::StoreError;
use crate::trace;

/// How old what is in the file may become while messages come in, in seconds of the broker's clock.
const WRITTEN_EVERY: u64 = 60;

/// Faults that are found by opening a broker, and are over once it opens.
const BY_OPENING: [&str; 3] = ["broker_keys", "store_damaged", "store_format"];

/// The faults that stand, and what is in the file.
#[derive(Default)]
pub(super) struct Watch {
    /// The latest time that the broker was told, in seconds.
    told: AtomicU64,
    /// The time as of which the file was written.
    written: AtomicU64,
    /// Whether the file says what is no longer so.
    is_changed: AtomicBool,
    faults: Mutex<Vec<Fault>>,
    /// Of what runs the broker, which says them again when it begins.
    told_faults: Mutex<Vec<Fault>>,
    /// Whether the keys' folder could not be used, which says nothing of the store's disk.
    is_keys_fault: AtomicBool,
    /// Whether the caller is not sure enough of the clock to destroy what it says is over.
    is_uncertain: AtomicBool,
    /// Within how many seconds the file is written again; 0 where nobody promised that.
    again_within: AtomicU32,
    /// When that was promised last, in seconds of the broker's clock. A command that opens the broker does not renew
    /// it.
    promised_at: AtomicU64,
    writing: Mutex<()>,
}

impl Watch {
    /// Goes on from what the file says, at the latest moment that the store acted on.
    pub(super) fn resume(&self, folder: &Path, latest: Timestamp) {
        self.told.store(latest.0, Ordering::Relaxed);
        if let Ok(before) = BrokerStatus::read(folder) {
            // What lies there is taken away by a person who has seen to it.
            let is_forgotten = has_evidence(folder);
            let stands = |fault: &Fault| fault.since.is_some() && (fault.code != "forgotten" || is_forgotten);
            let faults: Vec<Fault> = before.faults.into_iter().filter(stands).collect();
            self.is_keys_fault.store(faults.iter().any(|fault| fault.code == "io"), Ordering::Relaxed);
            *self.faults() = faults;
            // A program that was killed did not take its promise back, and whoever opens the broker next is not it.
            if let (Some(within), Some(at)) = (before.again_within, before.promised_at) {
                self.again_within.store(within, Ordering::Relaxed);
                self.promised_at.store(at.0, Ordering::Relaxed);
            }
        }
    }

    /// The latest time that the broker was told.
    pub(super) fn told(&self) -> Timestamp {
        Timestamp(self.told.load(Ordering::Relaxed))
    }

    pub(super) fn tell(&self, now: Timestamp) {
        if now.has_day() {
            self.told.store(now.0, Ordering::Relaxed);
        }
    }

    /// Notes whether the caller is sure enough of the clock to destroy what it says is over.
    pub(super) fn tell_certain(&self, is_certain: bool) {
        if self.is_uncertain.swap(!is_certain, Ordering::Relaxed) == is_certain {
            self.change();
        }
    }

    /// Notes within how many seconds the file is written again, as of the time that the broker was told last.
    pub(super) fn promise(&self, again_within: Option<u32>) {
        self.promised_at.store(self.told().0, Ordering::Relaxed);
        self.again_within.store(again_within.unwrap_or_default(), Ordering::Relaxed);
    }

    pub(super) fn promised(&self) -> Option<u32> {
        Some(self.again_within.load(Ordering::Relaxed)).filter(|seconds| *seconds > 0)
    }

    /// When that was promised last.
    pub(super) fn promised_at(&self) -> Option<Timestamp> {
        self.promised().map(|_| Timestamp(self.promised_at.load(Ordering::Relaxed)))
    }

    pub(super) fn is_uncertain(&self) -> bool {
        self.is_uncertain.load(Ordering::Relaxed)
    }

    /// Notes a fault, which stands until one of the next says that it is over.
    pub(super) fn note(&self, error: &BrokerError) {
        let (code, finding) = (error.code(), error.to_string());
        let mut faults = self.faults();
        // One that stands is not written again: whoever sends anything would have the file written each time.
        match faults.iter_mut().find(|fault| fault.code == code) {
            Some(fault) => fault.finding = finding,
            None => {
                faults.push(Fault::new(Severity::Critical, code, Some(self.told()), finding));
                self.change();
            }
        }
    }

    /// Puts faults in the place of those of the same code that whoever runs the broker told before.
    pub(super) fn tell_faults(&self, code: &str, findings: &[String]) {
        let told = |finding: &String| Fault::new(Severity::Warning, code, None, finding.clone());
        let mut faults = self.told_faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.retain(|fault| fault.code != code);
        faults.extend(findings.iter().map(told));
    }

    /// What whoever runs the broker told.
    pub(super) fn told_faults(&self) -> Vec<Fault> {
        self.told_faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The clock is in doubt no longer.
    pub(super) fn clock_is_right(&self) {
        self.end(|fault| fault.code.starts_with("clock"));
    }

    /// Notes that the keys' folder could not be used, until [`Watch::was_signed`].
    pub(super) fn keys_failed(&self) {
        self.is_keys_fault.store(true, Ordering::Relaxed);
    }

    /// Something was kept, so that the store's disk works.
    pub(super) fn was_kept(&self) {
        let is_keys_fault = self.is_keys_fault.load(Ordering::Relaxed);
        let stands = |code: &str| code.starts_with("clock") || code == "forgotten" || code == "io" && is_keys_fault;
        self.end(|fault| !stands(&fault.code));
    }

    /// The log was signed, so that the keys' folder can be written.
    pub(super) fn was_signed(&self) {
        self.is_keys_fault.store(false, Ordering::Relaxed);
        self.end(|fault| fault.code == "io");
    }

    fn end(&self, is_over: impl Fn(&Fault) -> bool) {
        let mut faults = self.faults();
        let before = faults.len();
        faults.retain(|fault| !is_over(fault));
        if faults.len() < before {
            self.change();
        }
    }

    /// What the file says is no longer so.
    pub(super) fn change(&self) {
        self.is_changed.store(true, Ordering::Relaxed);
    }

    /// Whether the file is to be written.
    pub(super) fn is_due(&self) -> bool {
        let age = self.told().0.abs_diff(self.written.load(Ordering::Relaxed));
        self.is_changed.load(Ordering::Relaxed) || age >= WRITTEN_EVERY
    }

    /// Writes the file. One that cannot be written is removed, since nobody would see that it is of before.
    pub(super) fn write(&self, folder: &Path, status: impl FnOnce() -> BrokerStatus) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_changed.store(false, Ordering::Relaxed);
        let status = status();
        self.written.store(status.as_of.0, Ordering::Relaxed);
        write(folder, &status);
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BrokerStatus {
    /// What the broker in `folder` wrote last, read without its lock: also while a process has it open, and where it
    /// cannot be opened. [`BrokerStatus::as_of`] says how old it is, and [`BrokerStatus::faults_at`] what is wrong now.
    ///
    /// A broker writes it when it is opened and closed, with every release, fault and backup, and once a minute while
    /// messages come in.
    ///
    /// # Errors
    ///
    /// [`BrokerError::System`]; [`BrokerError::Store`] where it is not there, or is not whole.
    pub fn read(folder: &Path) -> Result<BrokerStatus, BrokerError> {
        let path = path(folder);
        files::refuse_special(&path)?;
        let unusable = |finding: &str| StoreError::Store {
            path: path.clone(),
            finding: format!("{finding}; stapel broker status opens the store, says what is wrong, and writes it anew"),
        };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
                let finding =
                    "it is not there: no broker was opened here, or it could not be written, as on a full disk";
                return Err(unusable(finding).into());
            }
            Err(source) => return Err(files::io("read", &path, source).into()),
        };
        Ok(serde_json::from_slice(&bytes).map_err(|_| unusable("it is not whole"))?)
    }
}

/// Notes that a broker could not be opened, for those who watch it.
pub(super) fn note_unopened(folder: &Path, error: &BrokerError) {
    if !BY_OPENING.contains(&error.code()) {
        return;
    }
    let Ok(mut status) = BrokerStatus::read(folder) else { return };
    status.faults.retain(|fault| fault.code != error.code());
    status.faults.push(Fault::new(Severity::Critical, error.code(), None, error.to_string()));
    write(folder, &status);
}

/// Removes what another store's broker wrote there.
pub(super) fn forget(folder: &Path) {
    let _ = fs::remove_file(path(folder));
}

fn write(folder: &Path, status: &BrokerStatus) {
    let Ok(mut bytes) = serde_json::to_vec(status) else { return };
    bytes.push(b'\n');
    if let Err(error) = files::replace_unsynced(&path(folder), &bytes) {
        trace::event!(WARN, "the broker's status cannot be written", fault = error);
        forget(folder);
    }
}

fn has_evidence(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with("evidence-"))
}

fn path(folder: &Path) -> PathBuf {
    folder.join("status.json")
}
