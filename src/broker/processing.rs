//! The log as records of a Logboek Dataverwerkingen, read on from where it was read before.

use super::Broker;
use super::error::BrokerError;
use crate::audit::{Ldv, Line, ProcessingRecord, leaf_hash};
use crate::digest::Digest;
use crate::policy::Policy;
use crate::store::StoreError;

/// Up to where the log was read: how many lines, and the leaf hash of the last of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPlace {
    /// How many lines; 0 for none.
    pub lines: u64,
    /// The leaf hash of the last of them (RFC 6962); zeros where there are none.
    pub leaf: Digest,
}

impl Broker {
    /// The processings that the log records after a place, oldest first, and the place up to which it was read: a
    /// thousand lines or so at a time, and the same place where there are no more.
    ///
    /// After a place that this log does not have, such as of a log before a restore, it is read from its first line on.
    /// Each record has the ids that it had before, by which a Logboek sees that it has it already. Those of lines that
    /// were pruned are gone.
    ///
    /// `activity` is the URI of the processing activity in the operator's register (Register van
    /// Verwerkingsactiviteiten).
    ///
    /// # Errors
    ///
    /// [`BrokerError::Store`]; [`BrokerError::System`] and [`BrokerError::Policy`] where a kept policy cannot be read.
    pub fn processings(
        &self,
        activity: &str,
        after: LogPlace,
    ) -> Result<(Vec<ProcessingRecord>, LogPlace), BrokerError> {
        let (size, is_known) = self.database.inspect(|state| {
            let tree = &state.log.tree;
            let last = after.lines.checked_sub(1);
            (tree.size(), last.is_some_and(|last| tree.leaf(last) == Some(after.leaf)))
        });
        let after = if is_known { after } else { LogPlace::default() };
        // Lines that are not on disk yet are not there: the next call has them.
        let lines = self.database.store().lines(after.lines..size)?;
        let Some((last, bytes)) = lines.last() else { return Ok((Vec::new(), after)) };
        let place = LogPlace { lines: last + 1, leaf: leaf_hash(bytes) };
        let policies = self.kept_policies()?;
        let ldv = Ldv::new(activity, &policies);
        let mut records = Vec::new();
        for (index, bytes) in &lines {
            let damaged = |_| StoreError::StoreDamaged { finding: "a line of its log is damaged" };
            records.extend(ldv.record(*index, &Line::parse(bytes).map_err(damaged)?));
        }
        Ok((records, place))
    }

    /// The versions of the policy that were in force and are still there.
    fn kept_policies(&self) -> Result<Vec<Policy>, BrokerError> {
        let in_force = self.in_force();
        let mut policies = Vec::new();
        for version in (1..=in_force.policy().version).rev() {
            let Some((_, policy, _)) = self.kept(&in_force, version)? else { break };
            policies.push(policy);
        }
        // One in memory has no texts, and still has a policy.
        if policies.is_empty() {
            policies.push(in_force.policy().clone());
        }
        Ok(policies)
    }
}
