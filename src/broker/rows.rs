//! The rows of the broker's ledger, and their bytes.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::error::Error;

/// The most bytes of a row: that of an answer to 100,000 pseudonyms, and then some.
const MAX_ROW: u64 = 1 << 20;

/// Which policy is in force, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PolicyRow {
    pub(super) version: u32,
    pub(super) digest: Digest,
    /// The one before, while state messages may still name it.
    pub(super) previous: Option<Digest>,
    pub(super) adopted: Timestamp,
}

/// A partner's numbers, last replies, and what it spent today.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct PartnerRow {
    pub(super) accepted: Option<Accepted>,
    pub(super) highest_state: u64,
    pub(super) highest_question: u64,
    pub(super) answered: Option<Answered>,
    pub(super) day: Day,
    pub(super) new_flags: u32,
    pub(super) asked: u32,
    pub(super) swept: u32,
}

/// The last state message that was accepted.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Accepted {
    pub(super) sequence: u64,
    pub(super) digest: Digest,
    pub(super) receipt: Vec<u8>,
}

/// The last question that was answered.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) sequence: u64,
    pub(super) digest: Digest,
    pub(super) epoch: u32,
    pub(super) release: u64,
    pub(super) answer: Vec<u8>,
}

/// An epoch's release.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct EpochRow {
    /// The number of the release.
    pub(super) release: u64,
    pub(super) as_of: Timestamp,
    /// The latest moment at which a full release could have been.
    pub(super) looked: Timestamp,
    /// How many organisations were fresh at the release.
    pub(super) fresh: u16,
}

/// What a partner has in an epoch.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct ShareRow {
    /// Whether a full set has come.
    pub(super) full_seen: bool,
    /// Whether the partner has not said what it holds since the store was put back, in one of before [`Key::Restored`] was kept.
    pub(super) recovering: bool,
    /// When the last state message was accepted.
    pub(super) heard: Option<Timestamp>,
    pub(super) held: u32,
    /// Pseudonyms asked that cost something.
    pub(super) asked: u32,
    /// The release in which `free` were asked for nothing.
    pub(super) free_in: u64,
    pub(super) free: u32,
    /// When the first change was accepted since a release after which all that the partner holds was released.
    pub(super) changed_since: Option<Timestamp>,
    /// Batches up to this state number are released.
    pub(super) released: u64,
}

/// What the ledger has beside the lines.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct JournalRow {
    /// The day that `told` counts.
    pub(super) day: Day,
    /// Standings told on that day, by epoch: stacked, and all others.
    pub(super) told: BTreeMap<u32, (u64, u64)>,
    /// Lines that were pruned.
    pub(super) pruned: u64,
}

impl PartnerRow {
    /// The number of the last state message that was accepted; 0 for none.
    pub(super) fn accepted_state(&self) -> u64 {
        self.accepted.as_ref().map_or(0, |accepted| accepted.sequence)
    }

    /// Begins a new day's budgets, if it is one.
    pub(super) fn turn_day(&mut self, today: Day) {
        if today > self.day {
            (self.day, self.new_flags, self.asked, self.swept) = (today, 0, 0, 0);
        }
    }
}

/// The bytes of a row.
pub(super) fn write_row<T: Serialize>(row: &T) -> Vec<u8> {
    codec::encode(row, MAX_ROW).expect("no row is longer than an answer")
}

pub(super) fn read_row<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    codec::decode(bytes, MAX_ROW).map_err(|_| DAMAGED)
}

pub(super) const DAMAGED: Error =
    Error::StoreDamaged { finding: "a row of its ledger is damaged, or belongs to another" };
