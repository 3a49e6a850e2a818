//! The broker's audit log in memory: the lines that it appends, and the checkpoints that it signs.

use std::num::NonZeroU32;
use std::sync::OnceLock;

use super::rows::{LogCountsRow, write_row};
use crate::audit::{AuditError, Checkpoint, Event, Line, Log, LogKey, SignedTree, UnverifiedCheckpoint};
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::{LineProof, LogEntry};
use crate::policy::Policy;
use crate::secret::SigningKey;
use crate::store::{self, Change, Key};
use crate::system::SystemError;

/// The hashes of the log, its latest checkpoint, and what is counted until the day's end makes a line of it.
#[derive(Default)]
pub(super) struct AuditLog {
    /// When the store was last put back from a copy, by which the log is named; 0 for never.
    pub(super) restored: Timestamp,
    /// The time of the last line. Whatever is decided has a line, so that nothing was decided later.
    pub(super) last: Timestamp,
    pub(super) tree: Log,
    pub(super) row: LogCountsRow,
    /// The latest checkpoint that was signed; empty before the first.
    pub(super) checkpoint: Vec<u8>,
    /// The day on which that was.
    pub(super) signed_on: Day,
    /// The name and key of the checkpoint, once it was signed or verified.
    signed_as: OnceLock<LogKey>,
}

impl AuditLog {
    /// Appends a line, in memory and in what `change` keeps. It bears the time of the line before it where that is
    /// later, because threads come in another order than that in which they read the clock.
    pub(super) fn append(
        &mut self,
        change: &mut Change,
        time: Timestamp,
        policy: Digest,
        event: Event,
    ) -> Result<LogEntry, SystemError> {
        let line = Line::new(time.max(self.last), policy, event)?;
        self.last = line.time;
        let leaf = line.leaf();
        let index = self.tree.append(leaf);
        change.lines.push(store::Line { index, bytes: line.to_json().into_bytes(), leaf: leaf.0 });
        Ok(LogEntry { restored: self.restored, index, leaf, salt: line.salt })
    }

    /// Counts the standings of an answer.
    pub(super) fn count(&mut self, change: &mut Change, epoch: u32, stacked: u64, all: u64) {
        let told = self.row.told.entry(epoch).or_default();
        told.0 += stacked;
        told.1 += all - stacked;
        self.keep(change);
    }

    /// Counts a message that used up no number: whoever kept one could send it for ever, so that it has no line of its
    /// own. The count is kept, so that it holds for brokers that handle one message a process.
    pub(super) fn count_replayed(&mut self, change: &mut Change, now: Timestamp) {
        if self.row.replayed == 0 {
            self.row.hour = hour(now);
        }
        self.row.replayed = self.row.replayed.saturating_add(1);
        self.keep(change);
    }

    /// If another hour has begun, appends the line on the messages of the hour before that used up no number.
    pub(super) fn turn_hour(&mut self, change: &mut Change, now: Timestamp, policy: Digest) -> Result<(), SystemError> {
        let counted = self.row.hour;
        if let Some(count) = NonZeroU32::new(self.row.replayed).filter(|_| hour(now) != counted) {
            self.append(change, now, policy, Event::Replayed { hour: counted, count })?;
            self.row.replayed = 0;
            self.keep(change);
        }
        Ok(())
    }

    /// If another day has begun, appends a line for each epoch with the standings that were told on the day before.
    pub(super) fn turn_day(
        &mut self,
        change: &mut Change,
        now: Timestamp,
        policy: Digest,
    ) -> Result<bool, SystemError> {
        let today = now.day();
        if today <= self.row.day {
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

    /// The name of the log, under a policy.
    pub(super) fn name(&self, policy: &Policy) -> LogKey {
        LogKey::of(policy).after_restore(self.restored)
    }

    /// Whether today's checkpoint under this name and key is still to be signed.
    pub(super) fn is_unsigned(&self, name: &LogKey) -> bool {
        if self.signed_as.get().is_none() && Checkpoint::verify(&self.checkpoint, name).is_ok() {
            let _ = self.signed_as.set(name.clone());
        }
        self.signed_on != self.row.day || self.signed_as.get() != Some(name)
    }

    /// Signs the log as it is.
    pub(super) fn sign(&mut self, change: &mut Change, name: &LogKey, key: &SigningKey) -> Result<(), AuditError> {
        self.checkpoint = Checkpoint::sign(&self.tree, name, key)?.as_bytes().to_vec();
        self.signed_on = self.row.day;
        self.signed_as = OnceLock::from(name.clone());
        change.rows.push((Key::Checkpoint(self.row.day), Some(self.checkpoint.clone())));
        Ok(())
    }

    /// The tree of the latest checkpoint, which is of this origin.
    pub(super) fn last_signed(&self, origin: &str) -> Option<SignedTree> {
        let last = UnverifiedCheckpoint::parse(&self.checkpoint).ok().filter(|last| last.claimed_origin() == origin)?;
        let (size, root) = (last.claimed_size(), last.claimed_root());
        Some(SignedTree { origin: origin.to_owned(), size, root })
    }

    /// What a status reply shows: the latest checkpoint where it is of the log of this name, else none; the proof that
    /// it continues the tree of `size` lines, where it does; and the proofs that it has these lines, as far as it does.
    pub(super) fn show(&self, name: &LogKey, size: u64, lines: &[u64]) -> (Vec<u8>, Vec<Digest>, Vec<LineProof>) {
        let Some(newest) = self.last_signed(name.origin()).map(|last| last.size) else { return Default::default() };
        let consistency = if size > 0 { self.tree.prove_consistency(size, newest) } else { None };
        let proof = |index: &u64| Some(LineProof { index: *index, path: self.tree.prove_inclusion(*index, newest)? });
        (self.checkpoint.clone(), consistency.unwrap_or_default(), lines.iter().filter_map(proof).collect())
    }

    /// Keeps the row beside the lines.
    pub(super) fn keep(&self, change: &mut Change) {
        change.rows.retain(|(key, _)| *key != Key::LogCounts);
        change.rows.push((Key::LogCounts, Some(write_row(&self.row))));
    }
}

/// The first moment of an hour.
fn hour(now: Timestamp) -> Timestamp {
    Timestamp(now.0 - now.0 % 3_600)
}
