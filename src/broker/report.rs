//! What the broker tells its operator: numbers only.

use serde::Serialize;

use super::state::OpenEpoch;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::policy::Statement;

/// What a release did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Release {
    /// The epoch.
    pub epoch: u32,
    /// The number of the release in that epoch.
    #[serde(rename = "release")]
    pub number: u64,
    /// The moment that it speaks of.
    pub as_of: Timestamp,
    /// Whether accepted flags became visible; if not, flags only ended.
    pub full: bool,
    /// Released flags, all partners together.
    pub flags: u64,
    /// Tags with a released flag.
    pub tags: u64,
}

/// What ends where it is accepted that the clock is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WouldEnd {
    /// Flags that end, also with their epoch, all partners together.
    pub flags: u64,
    /// The epochs that close, and whose keys are destroyed, by number.
    pub epochs: Vec<u32>,
    /// Lines of the log that are pruned.
    pub lines: u64,
}

/// What a purge did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purge {
    /// Rows, each a flag or a withdrawal, that were removed since the last purge.
    pub rows: u64,
    /// Bytes of the store's files before.
    pub bytes_before: u64,
    /// Bytes of the store's files after.
    pub bytes_after: u64,
}

/// The state of a broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BrokerStatus {
    /// The version of the policy in force.
    pub policy_version: u32,
    /// Its digest.
    pub policy: Digest,
    /// The open epochs, by number.
    pub epochs: Vec<EpochStatus>,
    /// The certificates and suspensions that are kept, by epoch, partner and serial.
    pub certificates: Vec<CertificateStatus>,
    /// The last fault of the disk or the clock since the broker was opened. Without one, that its keys are not those of
    /// the policy.
    pub last_fault: Option<String>,
    /// Why no new checkpoints of the audit log are signed: what an
    /// [`BrokerError::LogBehind`](super::BrokerError::LogBehind) says.
    pub log_behind: Option<String>,
}

/// An open epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EpochStatus {
    /// Its number.
    pub number: u32,
    /// The release in force.
    pub release: u64,
    /// The moment that it speaks of.
    pub as_of: Timestamp,
    /// Tags with a released flag.
    pub tags: u64,
    /// Its partners, by number.
    pub partners: Vec<PartnerStatus>,
}

/// A partner in an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PartnerStatus {
    /// Its number.
    pub number: u16,
    /// Flags that it holds.
    pub held: u32,
    /// Flags of it that are released.
    pub released: u32,
    /// When its last state message was accepted.
    pub heard: Option<Timestamp>,
    /// Whether a full set has come.
    pub full_set_seen: bool,
}

/// A certificate or a suspension of a partner that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CertificateStatus {
    /// The epoch.
    pub epoch: u32,
    /// The partner's number.
    pub partner: u16,
    /// Its serial. The highest whose first day has come counts.
    pub serial: u32,
    /// Whether it suspends the partner.
    pub suspends: bool,
    /// The first day on which it holds.
    pub first_day: Day,
    /// The last day on which it holds.
    pub last_day: Day,
}

impl CertificateStatus {
    pub(super) fn of(statement: &Statement) -> CertificateStatus {
        let Statement { partner, epoch, serial, ref keys, first_day, last_day } = *statement;
        CertificateStatus { epoch, partner, serial, suspends: keys.is_none(), first_day, last_day }
    }
}

impl EpochStatus {
    pub(super) fn of(number: u32, epoch: &OpenEpoch) -> EpochStatus {
        let partners = epoch.accounts.iter().map(|(partner, account)| PartnerStatus {
            number: *partner,
            held: account.row.held,
            released: epoch.tally.of(*partner),
            heard: account.row.heard,
            full_set_seen: account.row.has_set(),
        });
        EpochStatus {
            number,
            release: epoch.row.release,
            as_of: epoch.row.as_of,
            tags: epoch.tally.tags,
            partners: partners.collect(),
        }
    }
}
