//! What whoever is admitted may fetch: policies with their signatures, certificates, the latest checkpoint of the log
//! and its tree's hashes. All of it is signed or follows from what is, and nothing of it is of messages.
//! spec/carrier.md, section 6.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::incoming::PolicyInForce;
use super::state::BrokerState;
use super::{Broker, BrokerError, BrokerStatus, folder};
use crate::audit::MAX_TILE_WIDTH;
use crate::day::Day;
use crate::digest::Digest;
use crate::policy::{Certificate, Policy, PolicySignature, SignedPolicy};

/// Which versions of the policy a broker has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PublishedPolicies {
    /// The version in force.
    pub in_force: u32,
    /// Those that were adopted and are still there, and one that is announced, by ascending version.
    pub versions: Vec<PublishedPolicy>,
}

/// A version of the policy that a broker has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PublishedPolicy {
    /// Its number.
    pub version: u32,
    /// Its digest.
    pub digest: Digest,
    /// The first day on which it may be in force.
    pub valid_from: Day,
}

impl SignedPolicy {
    /// The policy in force at the broker in `folder`, by what it wrote last, read without its lock: also while a
    /// process has it open.
    ///
    /// # Errors
    ///
    /// Those of [`BrokerStatus::read`] and [`SignedPolicy::read`].
    pub fn of_broker(folder: &Path) -> Result<SignedPolicy, BrokerError> {
        let version = BrokerStatus::read(folder)?.policy_version;
        Ok(SignedPolicy::read(&folder::policy_path(folder, version))?)
    }
}

/// Certificates, the checkpoint and tiles are as of the latest change, and are in memory; policies are read from the
/// broker's folder, and a broker in memory has none of their texts.
impl Broker {
    /// The versions of the policy that were adopted and are still there, and the one that was announced last.
    ///
    /// # Errors
    ///
    /// [`BrokerError::System`] and [`BrokerError::Policy`] where a kept policy cannot be read.
    pub fn published_policies(&self) -> Result<PublishedPolicies, BrokerError> {
        let in_force = self.in_force();
        let published = |policy: &Policy| PublishedPolicy {
            version: policy.version,
            digest: policy.digest(),
            valid_from: policy.valid_from,
        };
        let mut versions = Vec::new();
        // Each version is one more than the one before it, so that below the first that is missing there is none.
        for version in (1..=in_force.policy().version).rev() {
            let Some((_, policy, _)) = self.kept(&in_force, version)? else { break };
            versions.push(published(&policy));
        }
        versions.reverse();
        let announced = self.kept(&in_force, in_force.policy().version.saturating_add(1))?;
        versions.extend(announced.map(|(_, policy, _)| published(&policy)));
        Ok(PublishedPolicies { in_force: in_force.policy().version, versions })
    }

    /// The text of a version, as it was signed; `None` where it is none of [`Broker::published_policies`].
    ///
    /// # Errors
    ///
    /// Those of [`Broker::published_policies`].
    pub fn published_policy(&self, version: u32) -> Result<Option<String>, BrokerError> {
        Ok(self.kept(&self.in_force(), version)?.map(|(_, _, text)| text))
    }

    /// The texts of the signatures of a version, and of the vetoes against one that was announced; `None` where it is
    /// none of [`Broker::published_policies`].
    ///
    /// # Errors
    ///
    /// Those of [`Broker::published_policies`].
    pub fn published_signatures(&self, version: u32) -> Result<Option<Vec<String>>, BrokerError> {
        let Some((path, policy, _)) = self.kept(&self.in_force(), version)? else { return Ok(None) };
        let digest = policy.digest();
        let mut signatures = PolicySignature::read_beside(&path)?;
        if let Some(folder) = &self.folder {
            signatures.extend(PolicySignature::kept_vetoes(&folder::policies(folder), policy.previous)?);
        }
        // Beside it may be signatures of another text that was kept as this version and not adopted.
        let is_of_this = |one: &PolicySignature| match one.is_veto() {
            true => policy.lost_key().is_some() && Some(one.digest()) == policy.previous,
            false => one.digest() == digest,
        };
        let mut texts: Vec<String> =
            signatures.iter().filter(|one| is_of_this(one)).map(PolicySignature::to_text).collect();
        texts.sort();
        texts.dedup();
        Ok(Some(texts))
    }

    /// The texts of all certificates and suspensions that are kept under the policy in force, by epoch, partner and
    /// serial.
    pub fn published_certificates(&self) -> Vec<String> {
        self.in_force().certificates.all().map(Certificate::to_text).collect()
    }

    /// The latest checkpoint of the log, as it was signed; `None` before the first under the log's name, such as just
    /// after a restore.
    pub fn published_checkpoint(&self) -> Option<Vec<u8>> {
        self.database.inspect(|state| self.signed_size(state).map(|_| state.log.checkpoint.clone()))
    }

    /// A tile of C2SP's tlog-tiles: `width` hashes, from number `256 * index` on, of the whole subtrees of
    /// 256^`level` lines. `None` where the tree of [`Broker::published_checkpoint`] does not have them all, and where
    /// `width` is not from 1 to 256.
    pub fn published_tile(&self, level: u8, index: u64, width: u16) -> Option<Vec<u8>> {
        if !(1..=MAX_TILE_WIDTH).contains(&width) {
            return None;
        }
        self.database.inspect(|state| {
            let hashes = state.log.tree.tile(level, index, width, self.signed_size(state)?)?;
            Some(hashes.iter().flat_map(|hash| hash.0).collect())
        })
    }

    /// The size of the tree of the latest checkpoint.
    fn signed_size(&self, state: &BrokerState) -> Option<u64> {
        let name = state.log.name(self.in_force().policy());
        state.log.last_signed(name.origin()).map(|last| last.size)
    }

    /// The file, policy and text of a version that was adopted or is announced.
    pub(super) fn kept(
        &self,
        in_force: &PolicyInForce,
        version: u32,
    ) -> Result<Option<(PathBuf, Policy, String)>, BrokerError> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let path = if version <= in_force.policy().version {
            folder::policy_path(folder, version)
        } else if let Some(announced) = in_force.row.announced {
            folder::announced_path(folder, announced.version)
        } else {
            return Ok(None);
        };
        if crate::files::is_vacant(&path)? {
            return Ok(None);
        }
        let (policy, text) = Policy::read_with_text(&path)?;
        Ok((policy.version == version).then_some((path, policy, text)))
    }
}
