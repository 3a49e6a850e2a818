//! `stapel partner sync --stay`: every day's work, until it is told to end.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stapel_service::client::{Pace, WallPace};

use super::holder::Holder;
use super::turn::turn;
use super::{SyncArgs, Ways};
use crate::failure::{self, Failure, note};
use crate::output::Output;

/// How often it looks whether people have asked something.
pub(in crate::partner) const LOOKS: Duration = Duration::from_secs(300);

/// How long what is under way may take once it was told to end.
const GRACE: Duration = Duration::from_secs(10);

/// Goes on until it is told to end. What goes wrong is said and tried again, but for what a person has to write
/// otherwise.
pub(super) fn stay(args: &SyncArgs, ways: &Ways, out: &mut Output) -> Result<(), Failure> {
    let stop = Arc::new(Stop::default());
    stop.listen()?;
    let at_step = |step: Step<'_>| matches!(step, Step::Failed(failure) if is_for_a_person(failure.code()));
    go_on(args, ways, &Holder::Folder, &stop, at_step, out)
}

/// What somebody who goes on comes to.
pub(in crate::partner) enum Step<'a> {
    Begins,
    /// Nothing went wrong in the run.
    Done {
        /// Whether the broker replied to anything in it.
        has_heard: bool,
    },
    Failed(&'a Failure),
}

/// Does one turn after another until it is told to end. `at_step` hears of each step, and says of a failure whether it
/// ends with that.
pub(in crate::partner) fn go_on(
    args: &SyncArgs,
    ways: &Ways,
    holder: &Holder,
    stop: &Arc<Stop>,
    mut at_step: impl FnMut(Step<'_>) -> bool,
    out: &mut Output,
) -> Result<(), Failure> {
    loop {
        // What was refused in an earlier turn was said then.
        failure::forget_refused();
        at_step(Step::Begins);
        let pace: Arc<dyn Pace> = Arc::new(StoppablePace { stop: stop.clone(), clock: WallPace::default() });
        let wait = match turn(args, ways, pace, holder, out) {
            Ok(turn) => {
                at_step(Step::Done { has_heard: turn.has_heard });
                let until = turn.next.0.saturating_sub(args.work.clock.time()?.0);
                LOOKS.min(Duration::from_secs(until.max(1)))
            }
            Err(failure) if failure.code() == "stopped" => break,
            Err(failure) if at_step(Step::Failed(&failure)) => return Err(failure),
            Err(failure) => {
                note(&failure.line());
                LOOKS
            }
        };
        out.finish()?;
        if !stop.wait(wait) {
            break;
        }
    }
    failure::forget_refused();
    Ok(())
}

/// Whether nothing gets better by itself.
fn is_for_a_person(code: &str) -> bool {
    matches!(code, "connect_settings" | "partner_folder" | "sync_record" | "key_file" | "")
}

/// Whether it was told to end.
#[derive(Default)]
pub(in crate::partner) struct Stop {
    is_told: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Listens to SIGTERM and SIGINT from now on.
    fn listen(self: &Arc<Self>) -> Result<(), Failure> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let failed = |source: std::io::Error| Failure::new("io", format!("cannot listen to signals: {source}"));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
            let (mut terminate, mut interrupt) = {
                let _entered = runtime.enter();
                let terminate = signal(SignalKind::terminate()).map_err(failed)?;
                (terminate, signal(SignalKind::interrupt()).map_err(failed)?)
            };
            let stop = self.clone();
            std::thread::spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = terminate.recv() => {}
                        _ = interrupt.recv() => {}
                    }
                });
                stop.tell();
                // What is on disk is whole at any moment, and a reply may take two minutes.
                std::thread::sleep(GRACE);
                std::process::exit(0);
            });
        }
        Ok(())
    }

    /// Tells it to end.
    pub(in crate::partner) fn tell(&self) {
        *self.lock() = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits; `false` where it was told to end.
    pub(in crate::partner) fn wait(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        let mut is_told = self.lock();
        while !*is_told {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            is_told = self.changed.wait_timeout(is_told, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }
}

/// Time that passes as it does, but for waiting, which ends when it is told to.
struct StoppablePace {
    stop: Arc<Stop>,
    clock: WallPace,
}

impl Pace for StoppablePace {
    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn wait(&self, time: Duration) -> bool {
        self.stop.wait(time)
    }
}
