//! What a broker does on time without anybody asking: releases, ends of epochs, checkpoints, purges, and the file that
//! says that it runs. SPEC.md 5.7.
//!
//! The library knows what is due, and catches up by one release however many moments passed. This only wakes it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

use stapel::broker::Destroys;
use stapel::{Clock, Day, Timestamp};

use super::consortium::Consortium;

/// The longest time between two looks at the clock and two writings of the status, so that a clock that was set is
/// noticed, and a monitor sees soon that the broker is there.
pub const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// After how many seconds without a new status a monitor takes the broker for stopped: four writings.
pub const MISSED_AFTER: u32 = 60;

/// The same while what is due is done: a release of many millions of flags, and purging after it, takes minutes.
const AT_WORK: u32 = 1_800;

/// How long what failed waits, in seconds: on a full disk each try is a fault that is noted.
const TRIES_APART: u64 = 60;

/// The fault that a certificate by which the broker takes connections ended, ends within two weeks, or does not hold
/// yet.
pub const CERTIFICATE_ENDS: &str = "certificate_ends";

/// The fault that a revocation list is outdated.
pub const CRL_OUTDATED: &str = "crl_outdated";

/// The fault that lines of the log are not in the Logboek Dataverwerkingen that is to have them.
pub const LOGBOEK_UNSENT: &str = "logboek_unsent";

/// Tells threads to stop. Clones are one.
#[derive(Clone, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Tells whoever waits, and whoever asks from now on.
    pub fn stop(&self) {
        let (is_stopped, changed) = &*self.0;
        *is_stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    /// Whether it was told.
    pub fn is_stopped(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is told, or for so long. Whether it was told.
    pub fn wait(&self, longest: Duration) -> bool {
        let (is_stopped, changed) = &*self.0;
        let is_stopped = is_stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(is_stopped, longest, |is_stopped| !*is_stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stop").field(&self.is_stopped()).finish()
    }
}

/// The schedule of one consortium.
#[derive(Debug)]
pub struct Schedule {
    consortium: Arc<Consortium>,
    /// What was over before this day was destroyed, as far as the clock allowed.
    certain: Day,
    /// What the log said of certificates and revocation lists.
    said: Vec<String>,
    /// By the boot clock: not before this is anything tried again that failed.
    not_before: Duration,
}

/// Begins the schedule of a consortium in a thread of its own, which ends soon after `stop` was told. Then the status
/// says that nobody runs the broker any more.
///
/// # Errors
///
/// Where the system gives no thread.
pub fn start(consortium: Arc<Consortium>, stop: Stop) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("schedule".into()).spawn(move || {
        let mut schedule = Schedule::new(Arc::clone(&consortium));
        loop {
            // A fault in one turn is not to end the others; the status has what the broker noted of it.
            let wait = catch_unwind(AssertUnwindSafe(|| schedule.turn())).unwrap_or_else(|_| {
                tracing::error!(consortium = %consortium.name, "a turn of the schedule broke off");
                LONGEST_WAIT
            });
            consortium.pulse.beat();
            if stop.wait(wait) {
                break;
            }
        }
        if catch_unwind(AssertUnwindSafe(|| schedule.end())).is_err() {
            tracing::error!(consortium = %consortium.name, "the status could not say that the broker stopped");
        }
    })
}

impl Schedule {
    /// A schedule on which nothing was done yet.
    pub fn new(consortium: Arc<Consortium>) -> Schedule {
        Schedule { consortium, certain: Day::default(), said: Vec::new(), not_before: Duration::ZERO }
    }

    /// Does what is due, writes the status, and says after how long to come again.
    pub fn turn(&mut self) -> Duration {
        let Consortium { broker, clock, name, dates, .. } = &*self.consortium;
        clock.ask_kernel();
        let told = clock.read(broker);
        let certain = certain_day(told, broker.attested());
        let is_due = told.now >= broker.next_due() || certain > self.certain;
        if is_due && clock.boot() >= self.not_before {
            broker.write_status_at(told, Some(AT_WORK));
            match broker.release(told) {
                Ok(releases) => {
                    self.certain = certain;
                    for release in releases {
                        let (epoch, number, full) = (release.epoch, release.number, release.full);
                        tracing::info!(consortium = %name, epoch, release = number, full, "made a release");
                    }
                }
                Err(error) => {
                    // The broker noted it, and the status has it.
                    tracing::warn!(consortium = %name, code = error.code(), "what is due could not be done");
                    self.not_before = clock.boot() + Duration::from_secs(TRIES_APART);
                }
            }
        }
        let (ending, outdated) = (dates.ending(told.now), dates.outdated(told.now));
        broker.tell_faults(CERTIFICATE_ENDS, &ending);
        broker.tell_faults(CRL_OUTDATED, &outdated);
        let findings = [ending, outdated].concat();
        for finding in findings.iter().filter(|finding| !self.said.contains(finding)) {
            tracing::warn!(consortium = %name, "{finding}");
        }
        self.said = findings;
        broker.write_status_at(clock.read(broker), Some(MISSED_AFTER));
        let left = broker.next_due().0.saturating_sub(clock.now().0);
        if left == 0 { LONGEST_WAIT } else { LONGEST_WAIT.min(Duration::from_secs(left)) }
    }

    /// Writes that nobody runs the broker any more.
    pub fn end(&self) {
        let Consortium { broker, clock, .. } = &*self.consortium;
        broker.write_status_at(clock.read(broker), None);
    }
}

/// The day before which what was over may be destroyed.
fn certain_day(clock: Clock, attested: Timestamp) -> Day {
    match clock.destroys {
        Destroys::Ended => clock.now.day(),
        Destroys::Attested => clock.now.min(attested).day(),
        _ => Day::default(),
    }
}
