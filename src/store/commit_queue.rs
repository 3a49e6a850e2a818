//! Group commit: of the threads that wait for their changes, one commits the changes of all, in the order in which they
//! came.

use std::mem;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use super::error::{SharedFailure, StoreError};

/// A change that was submitted, to be waited for.
pub(crate) struct Ticket(Arc<CommitOutcome>);

/// The result of a change, once it is known; a failure, if it was not committed.
type CommitOutcome = OnceLock<Option<SharedFailure>>;

/// Changes in line to be committed.
pub(super) struct CommitQueue<W> {
    line: Mutex<QueueState<W>>,
    moved: Condvar,
    /// What is written to, for errors.
    path: PathBuf,
}

struct QueueState<W> {
    waiting: Vec<(W, Arc<CommitOutcome>)>,
    /// Whether somebody writes.
    busy: bool,
    /// Whether a write ended of which nobody knows whether it was kept. Nothing is written after it, because it could
    /// build on what is not there.
    is_outcome_unknown: bool,
}

impl Ticket {
    /// The ticket of a change that is committed already.
    pub(crate) fn committed() -> Ticket {
        Ticket(Arc::new(OnceLock::from(None)))
    }

    /// What became of the change, once it is known.
    pub(super) fn outcome(&self) -> Option<Result<(), StoreError>> {
        self.0.get().map(|outcome| outcome.as_ref().map_or(Ok(()), |failure| Err(failure.error())))
    }
}

impl<W> CommitQueue<W> {
    pub(super) fn new(path: PathBuf) -> CommitQueue<W> {
        let line = QueueState { waiting: Vec::new(), busy: false, is_outcome_unknown: false };
        CommitQueue { line: Mutex::new(line), moved: Condvar::new(), path }
    }

    pub(super) fn push(&self, work: W) -> Ticket {
        let mut line = self.line();
        if line.is_outcome_unknown {
            return Ticket(Arc::new(OnceLock::from(Some(self.outcome_unknown()))));
        }
        let outcome = Arc::new(CommitOutcome::new());
        line.waiting.push((work, Arc::clone(&outcome)));
        Ticket(outcome)
    }

    /// Waits until it is known what became of a ticket's change; writes all that are in line, with `write`, if nobody
    /// does. Of a `write` that panics it is not known what it kept.
    pub(super) fn wait(
        &self,
        ticket: Ticket,
        write: impl FnOnce(&[&W]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut line = self.line();
        loop {
            if let Some(outcome) = ticket.outcome() {
                return outcome;
            }
            if !line.busy {
                break;
            }
            line = self.moved.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
        line.busy = true;
        let group = mem::take(&mut line.waiting);
        drop(line);
        let mut writing = Writing { queue: self, group, failure: Some(self.outcome_unknown()) };
        let works: Vec<&W> = writing.group.iter().map(|(work, _)| work).collect();
        let written = write(&works);
        writing.failure = written.err().map(SharedFailure::of);
        drop(writing);
        ticket.outcome().unwrap_or_else(|| Err(self.outcome_unknown().error()))
    }

    /// Keeps others from writing until what it returns is dropped. What they submit waits, and does not fail.
    pub(super) fn alone(&self) -> impl Drop {
        let mut line = self.line();
        while line.busy {
            line = self.moved.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
        line.busy = true;
        Writing { queue: self, group: Vec::new(), failure: None }
    }

    fn outcome_unknown(&self) -> SharedFailure {
        SharedFailure::OutcomeUnknown(self.path.clone())
    }

    fn line(&self) -> MutexGuard<'_, QueueState<W>> {
        // Nothing panics while it is held.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to write, of one thread at a time; given back when it is dropped, also by a panic.
struct Writing<'a, W> {
    queue: &'a CommitQueue<W>,
    group: Vec<(W, Arc<CommitOutcome>)>,
    failure: Option<SharedFailure>,
}

impl<W> Drop for Writing<'_, W> {
    fn drop(&mut self) {
        let mut line = self.queue.line();
        line.busy = false;
        line.is_outcome_unknown |= matches!(self.failure, Some(SharedFailure::OutcomeUnknown(_)));
        let mut group = mem::take(&mut self.group);
        if self.failure.is_some() {
            // They came after what failed, and may build on it.
            group.append(&mut line.waiting);
        }
        for (_, outcome) in &group {
            let _ = outcome.set(self.failure.clone());
        }
        drop(line);
        self.queue.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::Path;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn those_who_wait_share_one_write_in_order() {
        let queue = CommitQueue::new(PathBuf::new());
        let tickets: Vec<Ticket> = (0..10).map(|number| queue.push(number)).collect();
        let mut written = Vec::new();
        for ticket in tickets {
            queue
                .wait(ticket, |works| {
                    written.push(works.iter().map(|work| **work).collect::<Vec<i32>>());
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(written, [(0..10).collect::<Vec<_>>()]);
    }

    #[test]
    fn a_failure_fails_the_group_and_what_came_meanwhile_but_nothing_later() {
        let queue = CommitQueue::new(PathBuf::new());
        let (first, second) = (queue.push(1), queue.push(2));
        let mut meanwhile = None;
        let failed = queue.wait(first, |_| {
            meanwhile = Some(queue.push(3));
            Err(super::super::error::store(Path::new("x"), "full"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "the store x cannot be used: full");
        assert!(queue.wait(second, |_| unreachable!()).is_err());
        assert!(queue.wait(meanwhile.unwrap(), |_| unreachable!()).is_err());
        let later = queue.wait(queue.push(4), |works| {
            assert_eq!(works, [&4]);
            Ok(())
        });
        assert!(later.is_ok());
    }

    #[test]
    fn nothing_is_written_after_a_write_of_which_nobody_knows_what_it_kept() {
        let code = |outcome: Result<(), StoreError>| outcome.unwrap_err().code();
        for panics in [true, false] {
            let queue = CommitQueue::new(PathBuf::from("store"));
            let (first, second) = (queue.push(1), queue.push(2));
            let write = |_: &[&i32]| if panics { panic!("as told") } else { Err(queue.outcome_unknown().error()) };
            let ended = catch_unwind(AssertUnwindSafe(|| queue.wait(first, write)));
            assert!(ended.map_or(panics, |outcome| !panics && code(outcome) == "outcome_unknown"));
            assert_eq!(code(queue.wait(second, |_| unreachable!())), "outcome_unknown");
            assert_eq!(code(queue.wait(queue.push(3), |_| unreachable!())), "outcome_unknown");
        }
    }

    #[test]
    fn many_threads_are_all_served() {
        let queue = CommitQueue::new(PathBuf::new());
        let written = Mutex::new(Vec::new());
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for thread in 0..8 {
                let (queue, written, start) = (&queue, &written, &start);
                scope.spawn(move || {
                    start.wait();
                    for number in 0..100 {
                        let ticket = queue.push((thread, number));
                        let write = |works: &[&(i32, i32)]| {
                            written.lock().unwrap().extend(works.iter().map(|work| **work));
                            Ok(())
                        };
                        queue.wait(ticket, write).unwrap();
                        assert!(written.lock().unwrap().contains(&(thread, number)));
                    }
                });
            }
            let _alone = queue.alone();
        });
        let written = written.into_inner().unwrap();
        assert_eq!(written.len(), 800);
        for thread in 0..8 {
            assert!(written.iter().filter(|work| work.0 == thread).map(|work| work.1).eq(0..100));
        }
    }
}
