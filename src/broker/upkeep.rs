//! What the broker does when it is time: opens and closes epochs, makes releases, ends the log's day, signs and prunes
//! the log.

use std::collections::BTreeSet;
use std::ops::Range;

use super::incoming::PolicyInForce;
use super::release::{PreparedRelease, ReleasePlan};
use super::report::Release;
use super::rows::{EpochRow, write_row};
use super::schedule::{Due, due, latest_moment};
use super::state::{BrokerState, OpenEpoch};
use super::transaction::Transaction;
use super::{Broker, BrokerError};
use crate::audit::{Event, Line, prune_before};
use crate::day::{Day, Timestamp};
use crate::store::{BlobKeys, Key, StoreError};
use crate::system::SystemError;
use crate::trace;

/// The broker at a moment, under the policy that is in force then.
pub(super) struct Upkeep<'a> {
    broker: &'a Broker,
    in_force: &'a PolicyInForce,
    now: Timestamp,
    /// What was over before this day may be destroyed.
    certain: Day,
    /// Whether a person says that the clock is right, however long there was no release.
    is_confirmed: bool,
}

/// A transaction that goes on, and the releases that were made meanwhile.
type CaughtUp<'t> = (Transaction<'t>, Vec<Release>);

impl Broker {
    /// What was over before the day `certain` may be destroyed: see [`Broker::certain`].
    pub(super) fn upkeep<'a>(&'a self, in_force: &'a PolicyInForce, now: Timestamp, certain: Day) -> Upkeep<'a> {
        Upkeep { broker: self, in_force, now, certain, is_confirmed: false }
    }

    /// The same, where a person says that the clock is right.
    pub(super) fn confirmed_upkeep<'a>(&'a self, in_force: &'a PolicyInForce, now: Timestamp) -> Upkeep<'a> {
        Upkeep { broker: self, in_force, now, certain: now.day(), is_confirmed: true }
    }
}

impl Upkeep<'_> {
    /// Does what is due, and puts it in line for the disk.
    ///
    /// Nothing is done while another thread makes a release: the caller goes on with the release in force, unless it
    /// waited with `begin_after_release`. Others go on while a release is made here. The clock must not be in doubt,
    /// nor its time be before the latest moment that was acted on.
    pub(super) fn catch_up<'t>(&self, transaction: Transaction<'t>) -> Result<CaughtUp<'t>, BrokerError> {
        if transaction.is_release_in_progress() {
            return Ok((transaction, Vec::new()));
        }
        let (mut transaction, releases) = self.catch_up_unsigned(transaction)?;
        self.broker.sign_log(&mut transaction, self.in_force)?;
        Ok((transaction, releases))
    }

    /// As [`Upkeep::catch_up`], but that the log is not signed, and no release must be in progress.
    pub(super) fn catch_up_unsigned<'t>(&self, mut transaction: Transaction<'t>) -> Result<CaughtUp<'t>, BrokerError> {
        if let Some(event) = self.broker.unauthenticated.take_if_over(self.now) {
            self.record(&mut transaction, event)?;
        }
        let (state, change) = transaction.change();
        state.keep_silence(if self.is_confirmed { None } else { state.silence_at(self.now) }, change);
        state.log.turn_hour(change, self.now, self.in_force.digest())?;
        self.open_and_close(&mut transaction)?;
        let mut releases = Vec::new();
        for (number, due) in due_releases(&mut transaction, self.in_force, self.now) {
            let (after, release) = self.release_aside(transaction, number, due)?;
            transaction = after;
            match release {
                Some(release) => releases.push(release),
                // The state was read anew meanwhile, so that what was due is for the next to find.
                None => return Ok((transaction, releases)),
            }
        }
        let (state, change) = transaction.change();
        state.turn_meet(self.in_force, self.now, change)?;
        let day_turned = state.log.turn_day(change, self.now, self.in_force.digest())?;
        if day_turned || self.is_confirmed {
            // A crash after an epoch's rows were removed and before its keys were destroyed leaves the keys.
            let left = self.keys_of_closed_epochs(&transaction);
            self.destroy_keys(&mut transaction, left)?;
        }
        transaction.submit()?;
        Ok((transaction, releases))
    }

    /// Ends the log's day and signs it, which destroys nothing: at the latest moment that was acted on where the clock
    /// is in doubt.
    pub(super) fn sign_day<'t>(&self, mut transaction: Transaction<'t>) -> Result<Transaction<'t>, BrokerError> {
        let (state, change) = transaction.change();
        state.log.turn_day(change, self.now, self.in_force.digest())?;
        self.broker.sign_log(&mut transaction, self.in_force)?;
        transaction.submit()?;
        Ok(transaction)
    }

    /// Closes epochs whose last day has passed, and opens those whose first day has come.
    fn open_and_close(&self, transaction: &mut Transaction<'_>) -> Result<(), BrokerError> {
        let policy = self.in_force.policy();
        let today = self.now.day();
        // An epoch whose keys were destroyed is not opened again, because partners take it for closed.
        let is_open = |number: &u32| {
            policy.epoch(*number).is_some_and(|epoch| epoch.is_open(today)) && !self.broker.keys.is_destroyed(*number)
        };
        debug_assert!(self.now >= transaction.latest_moment(), "a time from before a wait");
        let closed = self.epochs_over(transaction);
        for number in &closed {
            let (state, change) = transaction.change();
            state.remove_epoch(policy, *number, today, change);
            self.record(transaction, Event::EpochClosed { epoch: *number })?;
        }
        for number in policy.epochs.iter().map(|epoch| epoch.number).filter(is_open) {
            if transaction.epochs.contains_key(&number) {
                continue;
            }
            self.broker.keys.draw(number)?;
            // The number of the release is a time, so that a broker made anew after a loss has higher ones.
            let row = EpochRow {
                release: self.now.0,
                as_of: self.now,
                considered: self.now,
                fresh: 0,
                waits_since: (!policy.release.immediate).then_some(today.start()),
            };
            let (state, change) = transaction.change();
            change.rows.push((Key::Epoch(number), Some(write_row(&row))));
            state.epochs.insert(number, OpenEpoch::new(row));
            self.record(transaction, Event::EpochOpened { epoch: number })?;
        }
        if closed.is_empty() { Ok(()) } else { self.destroy_keys(transaction, closed) }
    }

    /// The day before which what was over may be destroyed: none after a time without a release, until a person says
    /// that the clock is right.
    fn certain(&self, state: &BrokerState) -> Day {
        if self.is_confirmed || state.silence.is_none() { self.certain.min(self.now.day()) } else { Day(0) }
    }

    /// The open epochs that are over. One that was opened is not over before its first day, whatever the clock says:
    /// its keys would be lost.
    fn epochs_over(&self, state: &BrokerState) -> Vec<u32> {
        let policy = self.in_force.policy();
        let certain = self.certain(state);
        let is_over = |number: &u32| {
            policy.epoch(*number).is_none_or(|epoch| epoch.closes < certain) || self.broker.keys.is_destroyed(*number)
        };
        state.epochs.keys().copied().filter(is_over).collect()
    }

    /// What would end at this moment: the flags, and the epochs that would be closed.
    pub(super) fn would_end(&self, state: &BrokerState) -> (u64, Vec<u32>) {
        let mut epochs = self.epochs_over(state);
        let (before, today) = (state.latest_moment().day(), self.now.day());
        let flags = state.epochs.iter().flat_map(|(number, epoch)| {
            let all_end = epochs.contains(number);
            let known = epoch.accounts.keys().flat_map(|partner| epoch.all_known(*partner));
            known.filter(move |(_, span)| !span.ended(before) && (all_end || span.ended(today)))
        });
        let flags = flags.count() as u64;
        epochs.extend(self.keys_of_closed_epochs(state));
        epochs.sort_unstable();
        (flags, epochs)
    }

    /// The epochs that are closed for good and whose keys are there all the same.
    fn keys_of_closed_epochs(&self, state: &BrokerState) -> Vec<u32> {
        let certain = self.certain(state);
        if certain < self.now.day() {
            return Vec::new();
        }
        let keys = &self.broker.keys;
        let stored = keys.stored().unwrap_or_else(|error| {
            // Partners are answered where the keys' folder cannot be read, and the operator sees it in the status.
            self.broker.watch.keys_failed();
            self.broker.note_fault(&error.into());
            BTreeSet::new()
        });
        // Keys may be there before their epoch is: a crash came while it was opened, or it was opened after the copy
        // was made that the store was restored from. Then it opens with these keys, perhaps only once a policy is
        // adopted again that lists it. So of the epochs that are not listed, only those before an open one are over.
        let last_open = state.epochs.keys().next_back();
        let is_over = |number: &u32| match self.in_force.policy().epoch(*number) {
            Some(epoch) => epoch.closes < self.now.day(),
            None => last_open > Some(number),
        };
        let is_closed =
            |number: &u32| !state.epochs.contains_key(number) && (keys.is_destroyed(*number) || is_over(number));
        stored.into_iter().filter(is_closed).collect()
    }

    /// Destroys the keys of closed epochs, once their rows are gone from the disk: rows without keys could not be
    /// opened again.
    fn destroy_keys(&self, transaction: &mut Transaction<'_>, closed: Vec<u32>) -> Result<(), BrokerError> {
        transaction.flush()?;
        Ok(closed.into_iter().try_for_each(|number| self.broker.keys.destroy(number))?)
    }

    /// Makes a release while others go on with the one in force; `None` where the state was read anew meanwhile.
    fn release_aside<'t>(
        &self,
        transaction: Transaction<'t>,
        number: u32,
        due: Due,
    ) -> Result<(Transaction<'t>, Option<Release>), BrokerError> {
        let plan = ReleasePlan::of(&transaction, &self.in_force.certificates, number, due)?;
        let in_progress = transaction.begin_release()?;
        let prepared = self.prepare(plan)?;
        let (mut transaction, is_current) = in_progress.end()?;
        if !is_current {
            trace::event!(WARN, "a release was dropped, because the state was read anew meanwhile", epoch = number);
            return Ok((transaction, None));
        }
        let (state, change) = transaction.change();
        let release = prepared.put_in_force(state, change, self.in_force, self.now)?;
        transaction.submit()?;
        Ok((transaction, Some(release)))
    }

    /// Makes a release within a transaction, while all others wait.
    pub(super) fn release_now(
        &self,
        transaction: &mut Transaction<'_>,
        number: u32,
        due: Due,
    ) -> Result<(), StoreError> {
        let prepared = self.prepare(ReleasePlan::of(transaction, &self.in_force.certificates, number, due)?)?;
        let (state, change) = transaction.change();
        prepared.put_in_force(state, change, self.in_force, self.now).map(drop)
    }

    fn prepare(&self, plan: ReleasePlan) -> Result<PreparedRelease, StoreError> {
        let mut prepared = plan.prepare(self.in_force.policy(), &self.broker.threads);
        prepared.write_merged(self.broker.database.store())?;
        Ok(prepared)
    }

    fn record(&self, transaction: &mut Transaction<'_>, event: Event) -> Result<(), SystemError> {
        transaction.record(self.now, self.in_force.digest(), event).map(drop)
    }
}

impl Broker {
    /// Signs the log as it is, once a day and when it got another name or key; not where the store does not continue
    /// what was signed.
    ///
    /// Where the keys' folder cannot be written, or has another key than the policy names, nothing is signed until that
    /// is put right. Partners are answered and policies adopted none the less.
    pub(super) fn sign_log(
        &self,
        transaction: &mut Transaction<'_>,
        in_force: &PolicyInForce,
    ) -> Result<(), BrokerError> {
        let name = transaction.log.name(in_force.policy());
        let has_key = in_force.policy().operator.checkpoint_key == self.keys.checkpoint_key();
        let signed_logs = self.keys.signed_logs();
        if !transaction.log.is_unsigned(&name)
            || !has_key
            || signed_logs.refusal(name.origin(), &transaction.log.tree).is_some()
        {
            return Ok(());
        }
        // Whatever is signed must be in the store, even if the power goes now.
        transaction.flush()?;
        let tree = &transaction.log.tree;
        if let Err(error) = signed_logs.note(name.origin(), tree.size(), tree.root()) {
            self.watch.keys_failed();
            self.note_fault(&error.into());
            return Ok(());
        }
        self.watch.was_signed();
        let (state, change) = transaction.change();
        state.log.sign(change, &name, self.keys.checkpoint())?;
        Ok(transaction.submit()?)
    }

    /// The numbers of the lines that are older than the policy's `log_days`.
    pub(super) fn lines_to_prune(&self, state: &BrokerState, before: Day) -> Result<Range<u64>, BrokerError> {
        let from = state.log.row.pruned;
        let size = state.log.tree.size();
        let mut until = from;
        // On most days one batch of lines is read, most of which stay.
        'lines: loop {
            let lines = self.database.store().lines(until..size.min(until + 1_000))?;
            if lines.is_empty() {
                break;
            }
            for (index, bytes) in lines {
                if !Line::parse(&bytes).is_ok_and(|line| line.time.day() < before) {
                    break 'lines;
                }
                until = index + 1;
            }
        }
        Ok(from..until)
    }

    /// Removes lines of the log that are older than the policy's `log_days`; their hashes stay. Whether there were any.
    pub(super) fn prune_log(&self, now: Timestamp) -> Result<bool, BrokerError> {
        let mut transaction = self.database.begin()?;
        let in_force = self.in_force();
        let before = prune_before(now.day(), in_force.policy().retention.log_days);
        let Range { start: from, end: until } = self.lines_to_prune(&transaction, before)?;
        if until == from {
            return Ok(false);
        }
        let (state, change) = transaction.change();
        state.log.row.pruned = until;
        state.log.keep(change);
        change.prune = Some(until);
        let event = Event::Prune { before, lines: until - from, total: until };
        transaction.record(now, in_force.digest(), event)?;
        transaction.commit()?;
        Ok(true)
    }
}

/// The releases that are due. Of each other epoch it is kept up to which moment a release was considered.
fn due_releases(transaction: &mut Transaction<'_>, in_force: &PolicyInForce, now: Timestamp) -> Vec<(u32, Due)> {
    let policy = in_force.policy();
    let mut releases = Vec::new();
    let mut considered = Vec::new();
    for (number, epoch) in &transaction.epochs {
        let moment = latest_moment(policy, *number, now);
        match due(policy, *number, transaction, now) {
            Some(due) => releases.push((*number, due)),
            None if moment > epoch.row.considered => considered.push((*number, moment)),
            None => {}
        }
    }
    for (number, moment) in considered {
        let (state, change) = transaction.change();
        if let Some(epoch) = state.epochs.get_mut(&number) {
            epoch.row.considered = moment;
            change.rows.push((Key::Epoch(number), Some(write_row(&epoch.row))));
        }
    }
    releases
}
