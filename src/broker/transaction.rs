//! The one way to change what the broker knows: in memory first, then in line for the disk, and read anew if that
//! failed.
//!
//! No other file locks the state or hands a change to the store.

use std::ops::Deref;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::certificates::Certificates;
use super::incoming::PolicyInForce;
use super::load::load;
use super::state::BrokerState;
use crate::audit::Event;
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::message::LogEntry;
use crate::store::{Change, Store, StoreError, Ticket};
use crate::system::SystemError;
use crate::trace;

/// The broker's state in memory, and the store that it is kept in.
pub(super) struct Database {
    store: Box<dyn Store>,
    memory: Mutex<Memory>,
    release_ended: Condvar,
    /// The process that opened it. A fork of that one has a copy of the memory, which the store no longer follows.
    process: u32,
}

struct Memory {
    state: BrokerState,
    /// Whether `state` may have a change that the store does not get. The next transaction then reads all anew.
    is_ahead: bool,
    /// The number of the release that is being made; numbers are given by `releases_begun`.
    releasing: Option<u64>,
    releases_begun: u64,
}

/// Exclusive access to the state, and what is to be kept of its changes.
///
/// Dropped without [`Transaction::commit`] or [`Transaction::submit`] after a change, by an error or a panic, it leaves
/// nothing: the state is read anew from the store.
pub(super) struct Transaction<'a> {
    database: &'a Database,
    memory: MutexGuard<'a, Memory>,
    change: Change,
}

/// A release that is being made while others read the state, until it is ended or dropped.
///
/// Meanwhile nobody changes what partners hold: see [`Transaction::is_release_in_progress`].
pub(super) struct ReleaseInProgress<'a> {
    database: &'a Database,
    number: u64,
    is_ended: bool,
}

impl Database {
    /// The state must be what the store holds.
    pub(super) fn new(store: Box<dyn Store>, state: BrokerState) -> Database {
        let memory = Memory { state, is_ahead: false, releasing: None, releases_begun: 0 };
        Database { store, memory: Mutex::new(memory), release_ended: Condvar::new(), process: std::process::id() }
    }

    /// Whether this process opened it, and is no fork of the one that did.
    pub(super) fn is_of_this_process(&self) -> bool {
        self.process == std::process::id()
    }

    /// The store, for what is not a change: reading, staging, purging, copying.
    pub(super) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Begins a transaction, once no other is open; an error where the state has to be read anew and cannot be, as
    /// after a change of which nobody knows whether it was kept, and in a process that did not open the database.
    pub(super) fn begin(&self) -> Result<Transaction<'_>, StoreError> {
        if !self.is_of_this_process() {
            return Err(SystemError::OtherProcess.into());
        }
        let mut memory = self.lock();
        if memory.is_ahead {
            // What is still in line could be kept in the midst of the reading or after it, and memory would lack it.
            // Nobody adds to the line meanwhile; and where this write fails, nothing of what was in line is kept.
            let written = self.store.submit(Change::default()).and_then(|ticket| self.store.wait(ticket));
            if let Err(unknown @ StoreError::OutcomeUnknown { .. }) = written {
                // What can be read now may be of before what is kept in the end.
                return Err(unknown);
            }
            trace::event!(WARN, "a change was not kept, and the broker's state is read anew from its store");
            memory.state = load(&*self.store)?.state;
            memory.releasing = None;
            memory.is_ahead = false;
        }
        Ok(Transaction { database: self, memory, change: Change::default() })
    }

    /// Begins a transaction, once no other is open and no release is being made.
    pub(super) fn begin_after_release(&self) -> Result<Transaction<'_>, StoreError> {
        loop {
            let transaction = self.begin()?;
            if !transaction.is_release_in_progress() {
                return Ok(transaction);
            }
            drop(self.release_ended.wait(transaction.memory).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Shows the state, and where the store cannot be read, what memory has.
    pub(super) fn inspect<T>(&self, read: impl FnOnce(&BrokerState) -> T) -> T {
        match self.begin() {
            Ok(transaction) => read(&transaction),
            Err(_) => read(&self.lock().state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        // Whoever panicked while it changed the state has left `is_ahead` behind.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Transaction<'a> {
    /// The state to change, and what is to be kept of that.
    pub(super) fn change(&mut self) -> (&mut BrokerState, &mut Change) {
        self.memory.is_ahead = true;
        (&mut self.memory.state, &mut self.change)
    }

    /// Appends a line to the audit log.
    pub(super) fn record(&mut self, now: Timestamp, policy: Digest, event: Event) -> Result<LogEntry, SystemError> {
        let (state, change) = self.change();
        state.log.append(change, now, policy, event)
    }

    /// Keeps the certificates of `in_force`, of which those `before` were kept until now, with a line on each that is
    /// new. The flags of whom a new one suspends today end, whatever is certified after it.
    pub(super) fn change_certificates(
        &mut self,
        now: Timestamp,
        in_force: &PolicyInForce,
        before: &Certificates,
    ) -> Result<(), SystemError> {
        let (state, change) = self.change();
        for (epoch, partner) in in_force.certificates.new_suspensions(before, now.day()) {
            state.end_flags((epoch, partner), now.day(), change);
        }
        change.rows.extend(in_force.certificates.rows_since(before));
        let mut events = in_force.certificates.events_since(before);
        events.try_for_each(|event| self.record(now, in_force.digest(), event).map(drop))
    }

    /// Puts all that was changed in line for the disk, and returns when it is kept there, with all that was in line
    /// before it. An error means that nothing of it was kept, or, if it is [`StoreError::OutcomeUnknown`], that nobody
    /// knows.
    pub(super) fn commit(mut self) -> Result<(), StoreError> {
        let ticket = self.put_in_line()?;
        let database = self.database;
        // Others go on, and what they commit shares a write with this.
        drop(self.memory);
        database.store.wait(ticket).inspect_err(|_| database.lock().is_ahead = true)
    }

    /// As [`Transaction::commit`], but that all others wait until it is kept.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        let ticket = self.put_in_line()?;
        self.database.store.wait(ticket).inspect_err(|_| self.memory.is_ahead = true)
    }

    /// Puts what was changed so far in line for the disk, as a change of its own, without waiting: whoever commits next
    /// waits for it too.
    pub(super) fn submit(&mut self) -> Result<(), StoreError> {
        if self.change.is_empty() {
            self.memory.is_ahead = false;
            return Ok(());
        }
        self.put_in_line().map(drop)
    }

    fn put_in_line(&mut self) -> Result<Ticket, StoreError> {
        let ticket = self.database.store.submit(std::mem::take(&mut self.change))?;
        self.memory.is_ahead = false;
        Ok(ticket)
    }

    /// Whether a release is being made. What partners hold must then stay as it is, because the release takes its
    /// place.
    pub(super) fn is_release_in_progress(&self) -> bool {
        self.memory.releasing.is_some()
    }

    /// Lets others read while a release is made; none must be in progress.
    pub(super) fn begin_release(mut self) -> Result<ReleaseInProgress<'a>, StoreError> {
        self.submit()?;
        self.memory.releases_begun += 1;
        self.memory.releasing = Some(self.memory.releases_begun);
        Ok(ReleaseInProgress { database: self.database, number: self.memory.releases_begun, is_ended: false })
    }
}

/// What is changed goes through [`Transaction::change`].
impl Deref for Transaction<'_> {
    type Target = BrokerState;

    fn deref(&self) -> &BrokerState {
        &self.memory.state
    }
}

impl<'a> ReleaseInProgress<'a> {
    /// Ends it. The release must not be put in force where this says `false`: then the state was read anew since it
    /// began.
    pub(super) fn end(mut self) -> Result<(Transaction<'a>, bool), StoreError> {
        let mut transaction = self.database.begin()?;
        self.is_ended = true;
        let is_current = self.clear(&mut transaction.memory);
        Ok((transaction, is_current))
    }

    fn clear(&self, memory: &mut Memory) -> bool {
        let is_current = memory.releasing == Some(self.number);
        if is_current {
            memory.releasing = None;
        }
        self.database.release_ended.notify_all();
        is_current
    }
}

/// An error or a panic broke it off: nothing of the release shows.
impl Drop for ReleaseInProgress<'_> {
    fn drop(&mut self) {
        if !self.is_ended {
            self.clear(&mut self.database.lock());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;

    use super::super::BrokerKeys;
    use super::*;
    use crate::policy::sample;
    use crate::store::{MemoryStore, SimDisk};

    fn database() -> Database {
        Database::new(Box::<MemoryStore>::default(), BrokerState::default())
    }

    fn begin_change(database: &Database, rows: u64) -> Transaction<'_> {
        let mut transaction = database.begin().unwrap();
        let (state, change) = transaction.change();
        state.count_removed(rows, change);
        transaction
    }

    fn unpurged(database: &Database) -> u64 {
        database.begin().unwrap().unpurged
    }

    #[test]
    fn a_change_that_is_neither_committed_nor_submitted_leaves_nothing() {
        let database = database();
        begin_change(&database, 1).commit().unwrap();
        drop(begin_change(&database, 2));
        assert_eq!(unpurged(&database), 1);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _transaction = begin_change(&database, 2);
            panic!("as told");
        }));
        assert!(panicked.is_err());
        assert_eq!(unpurged(&database), 1);
        begin_change(&database, 2).submit().unwrap();
        assert_eq!(unpurged(&database), 3);
    }

    #[test]
    fn what_is_in_line_is_kept_before_the_state_is_read_anew() {
        let keys = BrokerKeys::in_memory(sample::operator_key(), sample::checkpoint_key());
        let store = SimDisk::default().create_store(Arc::new(keys)).unwrap();
        let database = Database::new(Box::new(store), BrokerState::default());
        begin_change(&database, 1).submit().unwrap();
        drop(begin_change(&database, 2));
        assert_eq!(unpurged(&database), 1);
        begin_change(&database, 4).commit().unwrap();
        assert_eq!(load(database.store()).unwrap().state.unpurged, 5);
    }

    #[test]
    fn a_release_that_began_before_the_state_was_read_anew_is_not_put_in_force() {
        let database = database();
        let first = database.begin().unwrap().begin_release().unwrap();
        drop(begin_change(&database, 1));
        let second = database.begin().unwrap().begin_release().unwrap();
        assert!(!first.end().unwrap().1);
        assert!(database.begin().unwrap().is_release_in_progress(), "the second is still being made");
        assert!(second.end().unwrap().1);
        assert!(!database.begin_after_release().unwrap().is_release_in_progress());
        drop(database.begin().unwrap().begin_release().unwrap());
        assert!(!database.begin_after_release().unwrap().is_release_in_progress(), "it was broken off");
    }
}
