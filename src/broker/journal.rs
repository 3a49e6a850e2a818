//! The broker's side of the audit log: which lines it writes, and the checkpoints it signs.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::rows::{JournalRow, write_row};
use crate::audit::{Checkpoint, Event, Line, Log, LogKey, UnverifiedCheckpoint};
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::error::Error;
use crate::message::{Code, LogEntry};
use crate::secret::SigningKey;
use crate::store::{self, Change, Key};

/// The log as the broker has it in memory: hashes, and what is not yet a line.
#[derive(Default)]
pub(super) struct Journal {
    pub(super) log: Log,
    pub(super) row: JournalRow,
    /// The latest checkpoint that was signed.
    pub(super) checkpoint: Vec<u8>,
    /// The day on which it was.
    pub(super) signed_on: Day,
    /// The log that it is of, once that was looked at.
    signed_as: Option<LogKey>,
}

impl Journal {
    /// Appends a line to the log, and to what `change` keeps.
    ///
    /// The log in memory is then ahead of the store: where the change is not kept, the journal is read anew.
    pub(super) fn append(
        &mut self,
        change: &mut Change,
        time: Timestamp,
        policy: Digest,
        event: Event,
    ) -> Result<LogEntry, Error> {
        let line = Line::new(time, policy, event)?;
        let leaf = line.leaf();
        let index = self.log.append(leaf);
        change.lines.push(store::Line { index, bytes: line.to_json().into_bytes(), leaf: leaf.0 });
        Ok(LogEntry { index, leaf })
    }

    /// Counts the standings of an answer.
    pub(super) fn count(&mut self, change: &mut Change, epoch: u32, stacked: u64, all: u64) {
        let told = self.row.told.entry(epoch).or_default();
        told.0 += stacked;
        told.1 += all - stacked;
        self.keep(change);
    }

    /// Closes the day's books, if another day has begun: what was told becomes lines.
    pub(super) fn turn_day(&mut self, change: &mut Change, now: Timestamp, policy: Digest) -> Result<bool, Error> {
        let today = now.day();
        if self.row.day == today {
            return Ok(false);
        }
        let day = self.row.day;
        for (epoch, (stacked, not_stacked)) in std::mem::take(&mut self.row.told) {
            self.append(change, now, policy, Event::Told { day, epoch, stacked, not_stacked })?;
        }
        self.row.day = today;
        self.keep(change);
        Ok(true)
    }

    /// Whether today's checkpoint of the log that `name` names is still to be signed.
    pub(super) fn is_unsigned(&mut self, name: &LogKey) -> bool {
        if self.signed_as.is_none() && Checkpoint::verify(&self.checkpoint, name).is_ok() {
            self.signed_as = Some(name.clone());
        }
        self.signed_on != self.row.day || self.signed_as.as_ref() != Some(name)
    }

    /// Signs the log as it is.
    pub(super) fn sign(&mut self, change: &mut Change, name: &LogKey, key: &SigningKey) -> Result<(), Error> {
        self.checkpoint = Checkpoint::sign(&self.log, name, key)?.as_bytes().to_vec();
        (self.signed_on, self.signed_as) = (self.row.day, Some(name.clone()));
        change.rows.push((Key::Checkpoint(self.row.day), Some(self.checkpoint.clone())));
        Ok(())
    }

    /// The latest checkpoint, and the proof that it continues the tree of `size` lines; no proof where it does not, or where
    /// there is nothing to prove.
    pub(super) fn continuing(&self, size: u64) -> (Vec<u8>, Vec<Digest>) {
        let newest = UnverifiedCheckpoint::parse(&self.checkpoint).map(|checkpoint| checkpoint.claimed_size());
        let proof = newest.ok().filter(|_| size > 0).and_then(|newest| self.log.prove_consistency(size, newest));
        (self.checkpoint.clone(), proof.unwrap_or_default())
    }

    /// Keeps what is beside the lines.
    pub(super) fn keep(&self, change: &mut Change) {
        change.rows.retain(|(key, _)| *key != Key::Journal);
        change.rows.push((Key::Journal, Some(write_row(&self.row))));
    }
}

/// Messages whose sender was not authenticated: a line a minute says how many there were, so that they cannot fill the log.
#[derive(Default)]
pub(super) struct Strangers(Mutex<Minute>);

#[derive(Default)]
struct Minute {
    first: u64,
    /// When the last of them came.
    last: u64,
    rejected: BTreeMap<Code, u32>,
}

impl Strangers {
    /// Counts one. The minute before, if there was one with strangers and it is over.
    pub(super) fn count(&self, now: Timestamp, code: Code) -> Option<Event> {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = minute.over(now);
        (minute.first, minute.last) = (now.0 - now.0 % 60, now.0);
        let count = minute.rejected.entry(code).or_default();
        *count = count.saturating_add(1);
        over
    }

    /// What is left of them when the process ends, and when the last of them came.
    pub(super) fn rest(&mut self) -> Option<(Timestamp, Event)> {
        let minute = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        minute.take().map(|event| (Timestamp(minute.last), event))
    }

    /// The minute before, if there was one with strangers and it is over.
    pub(super) fn turn(&self, now: Timestamp) -> Option<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).over(now)
    }
}

impl Minute {
    fn over(&mut self, now: Timestamp) -> Option<Event> {
        if now.0 - now.0 % 60 == self.first { None } else { self.take() }
    }

    fn take(&mut self) -> Option<Event> {
        let rejected = std::mem::take(&mut self.rejected);
        (!rejected.is_empty()).then_some(Event::Unauthenticated { minute: Timestamp(self.first), rejected })
    }
}
