//! What the operator does: releases, policies, purging, backups, and the log for an officer.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use super::release::{Due, clock_ahead};
use super::rows::{PolicyRow, write_row};
use super::state::{Epoch, State};
use super::{Broker, BrokerKeys, InForce, Release, folder, refuse_unfit};
use crate::audit::{Event, Line, LogRow, prune_before};
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::error::Error;
use crate::policy::{Lang, Policy, PolicySignature};
use crate::store::{BlobKeys, Change, Key};

/// What a purge did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purge {
    /// Rows, each a flag or a withdrawal, that went since the last purge.
    pub rows: u64,
    /// Bytes of the store's files before.
    pub bytes_before: u64,
    /// Bytes of the store's files after.
    pub bytes_after: u64,
}

impl Broker {
    /// Makes the releases that are due at `now`, closes epochs whose last day has passed, purges what went, and says what was
    /// released.
    ///
    /// [`Broker::handle`] does the same before it looks at a message, but for the purge; a broker needs this once a day.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; [`Error::Clock`] where `now` is before the last release, [`Error::ClockAhead`] where it is more than three
    /// days after it: then see whether the clock is right, and call [`Broker::accept_clock`].
    pub fn release(&self, now: Timestamp) -> Result<Vec<Release>, Error> {
        self.noted(self.release_if(now, false))
    }

    /// As [`Broker::release`], where the clock is more than three days past the last release and somebody saw that it is right.
    ///
    /// # Errors
    ///
    /// [`Error::Store`], and [`Error::Clock`] where `now` is before the last release.
    pub fn accept_clock(&self, now: Timestamp) -> Result<Vec<Release>, Error> {
        self.noted(self.release_if(now, true))
    }

    fn release_if(&self, now: Timestamp, accept_clock: bool) -> Result<Vec<Release>, Error> {
        let mut state = self.state_at_rest()?;
        let in_force = self.in_force();
        let (mut state, releases) = match clock_ahead(&state, now) {
            Some(as_of) if !accept_clock => return Err(Error::ClockAhead { now, as_of }),
            Some(last) => {
                let mut change = Change::default();
                state.journal.append(&mut change, now, in_force.signed.digest(), Event::ClockAccepted { last })?;
                self.tick_trusting(state, &in_force, now, change)?
            }
            None => self.tick(state, &in_force, now)?,
        };
        let ticket = self.submit(&mut state, &Change::default())?;
        let gone = state.unpurged > 0;
        drop(state);
        self.wait(ticket)?;
        if self.prune_log(now)? || gone {
            self.purge(now)?;
        }
        Ok(releases)
    }

    /// Writes what counts to fresh files, so that nothing that ended, was withdrawn or belonged to a closed epoch is left in the
    /// store's files. It promises nothing of what a disk, a snapshot or a backup remembers.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub fn purge(&self, now: Timestamp) -> Result<Purge, Error> {
        let purged = self.store.purge()?;
        let mut state = self.state()?;
        let purge =
            Purge { rows: std::mem::take(&mut state.unpurged), bytes_before: purged.before, bytes_after: purged.after };
        let bytes = purged.before.saturating_sub(purged.after);
        let change = Change { rows: vec![(Key::Unpurged, None)], ..Change::default() };
        self.log(state, now, Event::Purge { flags: purge.rows, bytes }, change)?;
        Ok(purge)
    }

    /// Puts the policy in the file `policy` in the place of the one in force, and says what changes, in plain English.
    ///
    /// Flags of partners that left the roster are gone with this; what a partner may see changes with this.
    ///
    /// # Errors
    ///
    /// What [`SignedPolicy::succeed`](crate::SignedPolicy::succeed) says; [`Error::PolicyOperator`], [`Error::PolicyNotYet`],
    /// [`Error::Clock`], [`Error::ClockAhead`], [`Error::Store`], [`SystemError::Io`](crate::SystemError::Io).
    pub fn adopt_policy(&self, policy: &Path, now: Timestamp) -> Result<Vec<String>, Error> {
        let (newer, text) = Policy::read_with_text(policy)?;
        let signatures = PolicySignature::read_beside(policy)?;
        let (mut state, old, signed) = loop {
            let state = self.state_at_rest()?;
            let old = self.in_force();
            old.signed.refuse_reopened(&newer, now.day())?;
            let signed = old.signed.succeed(newer.clone(), &signatures)?;
            refuse_unfit(&signed, &self.keys, now)?;
            if let Some(as_of) = clock_ahead(&state, now) {
                return Err(Error::ClockAhead { now, as_of });
            }
            let (state, _) = self.tick(state, &old, now)?;
            // The state was let go of, if there was a release to make.
            if self.is_in_force(&old) {
                break (state, old, signed);
            }
        };
        if let Some(folder) = &self.folder {
            folder::keep_policy(folder, signed.policy().version, &text, &signatures)?;
        }
        let differences = old.signed.policy().difference(signed.policy(), Lang::En);
        let lowered = signed.policy().counting.threshold < old.signed.policy().counting.threshold;
        let (version, digest) = (signed.policy().version, signed.digest());
        let row = PolicyRow { version, digest, previous: (!lowered).then_some(old.row.digest), adopted: now };
        let newer = Arc::new(InForce { signed, row });
        let mut change = Change { rows: vec![(Key::Policy, Some(write_row(&newer.row)))], ..Change::default() };
        let adopted = Event::PolicyAdopted { version, previous: Some(old.row.digest) };
        state.journal.append(&mut change, now, digest, adopted)?;
        for number in state.epochs.keys().copied().collect::<Vec<_>>() {
            let Some(epoch) = state.epochs.get(&number) else { continue };
            let due = Due { as_of: now, full: false, looked: epoch.row.looked };
            let turned = self.turn(&mut state, &newer, number, due, now, &mut change);
            turned.inspect_err(|_| state.ahead = true)?;
        }
        let ticket = self.submit(&mut state, &change)?;
        // Nobody decides under the newer policy before it is kept, because that needs the state.
        self.store.wait(ticket).inspect_err(|_| state.ahead = true)?;
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&newer);
        // Under a new name or key the log has no checkpoint yet, and partners look for one.
        let (mut state, _) = self.tick(state, &newer, now)?;
        let ticket = self.submit(&mut state, &Change::default())?;
        drop(state);
        self.wait(ticket)?;
        Ok(differences)
    }

    /// Copies the store and the policies to the folder `to`, which must not hold a broker, while the broker goes on.
    ///
    /// The keys are not in it: without them the copy opens nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Store`], [`SystemError::Io`](crate::SystemError::Io).
    pub fn backup(&self, to: &Path, now: Timestamp) -> Result<(), Error> {
        self.store.backup(&folder::store_path(to))?;
        if let Some(folder) = &self.folder {
            folder::copy_policies(folder, to)?;
        }
        self.log(self.state()?, now, Event::Backup, Change::default())
    }

    /// Puts the copy in the folder `from` in the place of a store that was lost: in `folder`, which must not hold a broker.
    ///
    /// What partners said since the copy is not in it. So it counts each partner again only when its full set has come, and says
    /// so to each; numbers of releases go on after those of the lost store. Where a checkpoint was signed after the copy, the log
    /// cannot be signed on under its name: [`BrokerStatus::log_behind`](super::BrokerStatus::log_behind) says so. What was broken off
    /// put nothing in place, and this can be called again.
    ///
    /// # Errors
    ///
    /// As [`Broker::open`], and [`Error::Store`] where there is a broker in `folder`.
    pub fn restore(from: &Path, folder: &Path, keys: BrokerKeys, now: Timestamp) -> Result<Broker, Error> {
        let keys = Arc::new(keys);
        let _making = folder::begin(folder)?;
        folder::copy(from, folder)?;
        let copy = Broker::open_with(&folder::making(folder), keys.clone())?;
        copy.recover(now)?;
        let trouble = copy.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(copy);
        folder::put_in_place(folder)?;
        let broker = Broker::open_with(folder, keys)?;
        // Of an epoch that was dropped, the copy says so once.
        *broker.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
        Ok(broker)
    }

    /// Notes that the store was put back: each partner counts again when its full set has come.
    fn recover(&self, now: Timestamp) -> Result<(), Error> {
        self.keys.signed().note_restored(&self.policy().policy().operator.log_origin)?;
        let mut state = self.state()?;
        let mut change = Change::default();
        let in_force = self.in_force();
        let digest = in_force.signed.digest();
        state.journal.append(&mut change, now, digest, Event::Restore)?;
        for number in state.epochs.keys().copied().filter(|number| self.keys.is_destroyed(*number)).collect::<Vec<_>>()
        {
            if let Some(epoch) = state.epochs.remove(&number) {
                state.gone(epoch.rows(), &mut change);
                epoch.forget(number, &mut change);
                state.journal.append(&mut change, now, digest, Event::EpochClosed { epoch: number })?;
            }
        }
        let rows = state.epochs.values().map(Epoch::rows).sum();
        state.gone(rows, &mut change);
        for (number, epoch) in &mut state.epochs {
            epoch.recover(*number, now, &mut change);
        }
        state.restored = Some(now);
        change.rows.push((Key::Restored, Some(write_row(&now))));
        let ticket = self.submit(&mut state, &change)?;
        drop(state);
        self.wait(ticket)
    }

    /// Shows the lines of the log, from the first on, with the hashes of those that were pruned.
    ///
    /// # Errors
    ///
    /// [`Error::Store`], [`Error::StoreDamaged`], and whatever `visit` gives.
    pub fn log_rows(&self, mut visit: impl FnMut(u64, &LogRow) -> Result<(), Error>) -> Result<(), Error> {
        let leaves = self.store.leaves()?;
        let mut next = 0;
        self.store.lines(0..leaves.len() as u64, &mut |index, bytes| {
            for (at, leaf) in leaves.iter().enumerate().take(index as usize).skip(next) {
                visit(at as u64, &LogRow::Pruned(Digest(*leaf)))?;
            }
            next = index as usize + 1;
            let line =
                Line::parse(bytes).map_err(|_| Error::StoreDamaged { finding: "a line of its log is damaged" })?;
            visit(index, &LogRow::Line(line))
        })?;
        for (at, leaf) in leaves.iter().enumerate().skip(next) {
            visit(at as u64, &LogRow::Pruned(Digest(*leaf)))?;
        }
        Ok(())
    }

    /// The checkpoints that were signed, one a day, from the first on.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub fn checkpoints(&self) -> Result<Vec<Vec<u8>>, Error> {
        let rows = self.store.rows()?.into_iter();
        Ok(rows.filter_map(|(key, value)| matches!(key, Key::Checkpoint(_)).then_some(value)).collect())
    }

    /// Lets go of lines of the log that are older than the policy's `log_days`; their hashes stay. Whether there were any.
    fn prune_log(&self, now: Timestamp) -> Result<bool, Error> {
        let mut state = self.state()?;
        let in_force = self.in_force();
        let before = prune_before(now.day(), in_force.signed.policy().retention.log_days);
        let (from, size) = (state.journal.row.pruned, state.journal.log.size());
        let mut until = from;
        let mut looking = true;
        // A few lines more than those that go are read on most days: one.
        while looking && until < size {
            let end = size.min(until + 1_000);
            self.store.lines(until..end, &mut |index, bytes| {
                let old = Line::parse(bytes).is_ok_and(|line| line.time.day() < before);
                looking &= old;
                until = if looking { index + 1 } else { until };
                Ok(())
            })?;
        }
        if until == from {
            return Ok(false);
        }
        state.journal.row.pruned = until;
        let mut change = Change { prune: Some(until), ..Change::default() };
        state.journal.keep(&mut change);
        let event = Event::Prune { before, lines: until - from, total: until };
        state.journal.append(&mut change, now, in_force.signed.digest(), event)?;
        let ticket = self.submit(&mut state, &change)?;
        drop(state);
        self.wait(ticket)?;
        Ok(true)
    }

    /// Logs what the operator did, and keeps what it changes.
    fn log(
        &self,
        mut state: std::sync::MutexGuard<'_, State>,
        now: Timestamp,
        event: Event,
        mut change: Change,
    ) -> Result<(), Error> {
        let digest = self.in_force().signed.digest();
        state.journal.append(&mut change, now, digest, event)?;
        let ticket = self.submit(&mut state, &change)?;
        drop(state);
        self.wait(ticket)
    }
}
