//! How many flags a release shows: of each partner, and tags in all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::policy::Policy;

/// The counts of one release.
#[derive(Default)]
pub(super) struct Tally {
    /// Flags of each partner that has any.
    pub(super) released: BTreeMap<u16, u32>,
    /// The same, with those that ended and are not forgotten.
    known: BTreeMap<u16, u32>,
    /// Tags with a flag.
    pub(super) tags: u64,
    /// How many organisations these partners belong to; counted at the first question.
    sources: OnceLock<usize>,
}

impl Tally {
    pub(super) fn new(released: BTreeMap<u16, u32>, known: BTreeMap<u16, u32>, tags: u64) -> Tally {
        Tally { released, known, tags, sources: OnceLock::new() }
    }

    /// Flags of a partner that the index has, those that ended included.
    pub(super) fn known_of(&self, partner: u16) -> u32 {
        self.known.get(&partner).copied().unwrap_or(0)
    }

    /// Released flags of a partner.
    pub(super) fn of(&self, partner: u16) -> u32 {
        self.released.get(&partner).copied().unwrap_or(0)
    }

    /// How many organisations that may flag in the epoch have released flags, under the policy of the release.
    pub(super) fn sources(&self, policy: &Policy, epoch: u32) -> usize {
        let organisation = |partner: &u16| policy.flags_for(*partner, epoch);
        let organisations = || self.released.keys().filter_map(organisation).collect::<BTreeSet<_>>().len();
        *self.sources.get_or_init(organisations)
    }
}
