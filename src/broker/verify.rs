//! Proves that a backup can be put in the place of a store that was lost.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::report::BrokerStatus;
use super::{Broker, BrokerError, BrokerKeys, folder, refuse_other_keys};
use crate::audit::{Checkpoint, Log, LogKey, LogRow};
use crate::digest::Digest;
use crate::policy::{Policy, SignedPolicy};
use crate::store::StoreError;

/// What is in a backup that is good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VerifiedBackup {
    /// The broker as the backup has it, as of the latest moment that it acted on. Its `log_behind` says whether the log
    /// could be signed on under its name after a restore.
    pub status: BrokerStatus,
    /// Lines of the log.
    pub lines: u64,
    /// How many of them are pruned to their hashes.
    pub pruned: u64,
    /// Checkpoints of the log.
    pub checkpoints: usize,
}

/// A log that is as its checkpoints say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VerifiedLog {
    /// Its lines.
    pub lines: u64,
    /// How many of them are pruned to their hashes.
    pub pruned: u64,
    /// Checkpoints of it that are kept.
    pub checkpoints: usize,
    /// How many of its lines the latest of them covers. Those after it are as their hashes, and nobody signed them yet.
    pub covered: u64,
    /// Why it is not signed on: see [`BrokerStatus::log_behind`].
    pub log_behind: Option<String>,
}

impl Broker {
    /// Proves that the backup in the folder `from` is good, with the keys that it would be restored with, and says what
    /// is in it. Nothing is changed, there or in the keys' folder.
    ///
    /// Every checksum of its files is verified, all that is sealed is opened, every line of the log is compared with
    /// its hash, the log with each checkpoint, and each checkpoint's signature with the policies; the policy in force
    /// is there with its signatures, and so is each key of the epochs that are open.
    ///
    /// # Errors
    ///
    /// Those of [`Broker::open`]; [`BrokerError::Store`] where it is no whole backup or is damaged;
    /// [`BrokerError::PolicyOperator`] where its policy names other keys than these.
    pub fn verify_backup(from: &Path, keys: BrokerKeys) -> Result<VerifiedBackup, BrokerError> {
        folder::refuse_incomplete(from)?;
        let keys = Arc::new(keys);
        let store = folder::open_to_verify(from, keys.clone())?;
        let kept = |version| SignedPolicy::read(&folder::policy_path(from, version));
        let copy = Broker::resume(keys, Box::new(store), None, kept)?;
        refuse_other_keys(&copy.policy(), &copy.keys)?;
        let (lines, pruned) = copy.verify_lines()?;
        let (checkpoints, _) = copy.verify_checkpoints(from)?;
        copy.watch.tell(copy.database.inspect(|state| state.latest_moment()));
        Ok(VerifiedBackup { status: copy.status(), lines, pruned, checkpoints })
    }

    /// Compares the log of this broker, as its store has it now, with its hashes, with what is in memory, and with each
    /// checkpoint that was signed of it. The broker goes on meanwhile, and nothing is changed.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Store`] where the store is damaged, or its log does not continue a checkpoint.
    pub fn verify_log(&self) -> Result<VerifiedLog, BrokerError> {
        let (lines, pruned) = self.verify_lines()?;
        let leaves = self.database.store().leaves()?;
        let is_same = |tree: &Log| (0..).zip(&leaves).all(|(index, leaf)| tree.leaf(index) == Some(Digest(*leaf)));
        if !self.database.inspect(|state| is_same(&state.log.tree)) {
            let finding = "the hashes of its log on disk are not those that the broker goes on with";
            return Err(StoreError::StoreDamaged { finding }.into());
        }
        let (checkpoints, covered) = match &self.folder {
            Some(folder) => self.verify_checkpoints(folder)?,
            None => (0, 0),
        };
        let log_behind = self.status().log_behind;
        // One may have been signed of lines that came since they were compared.
        let covered = covered.min(lines);
        Ok(VerifiedLog { lines, pruned, checkpoints, covered, log_behind })
    }

    /// Compares each line of the log with its hash. How many there are, and how many of them are pruned.
    fn verify_lines(&self) -> Result<(u64, u64), BrokerError> {
        let leaves = self.database.store().leaves()?;
        let (mut lines, mut pruned) = (0, 0);
        self.log_rows(|index, row| {
            let Some(leaf) = leaves.get(index as usize) else {
                // It came while the lines before it were read.
                return Ok(());
            };
            lines += 1;
            let is_right = match row {
                LogRow::Line(line) => *leaf == line.leaf().0,
                LogRow::Pruned(_) => {
                    pruned += 1;
                    index < self.database.inspect(|state| state.log.row.pruned)
                }
            };
            if is_right {
                return Ok(());
            }
            let finding = "a line of its log is missing, or is not the one that it was";
            Err(StoreError::StoreDamaged { finding }.into())
        })?;
        Ok((lines, pruned))
    }

    /// Compares the log with each of its checkpoints, and says how many there are and how many lines the latest covers.
    /// Each is signed under the policy of its time.
    fn verify_checkpoints(&self, from: &Path) -> Result<(usize, u64), BrokerError> {
        let versions = 1..=self.in_force().policy().version;
        let policies: Vec<Policy> =
            versions.rev().filter_map(|version| Policy::read(&folder::policy_path(from, version)).ok()).collect();
        let checkpoints = self.checkpoints()?;
        let mut covered = 0;
        for bytes in &checkpoints {
            let verified = policies
                .iter()
                .find_map(|policy| Checkpoint::verify(bytes, &LogKey::of_checkpoint(policy, bytes)).ok());
            let checkpoint = verified.ok_or(StoreError::StoreDamaged {
                finding: "a checkpoint of its log is signed under none of the policies beside it",
            })?;
            let root = self.database.inspect(|state| state.log.tree.root_at(checkpoint.size()));
            if root != Some(checkpoint.root()) {
                let finding = "its log does not continue a checkpoint that was signed of it";
                return Err(StoreError::StoreDamaged { finding }.into());
            }
            covered = covered.max(checkpoint.size());
        }
        Ok((checkpoints.len(), covered))
    }
}
