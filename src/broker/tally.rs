//! How many flags a release shows: of each partner, and tags in all.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::stacks::Stacks;
use crate::day::Day;
use crate::policy::Policy;

/// The counts of one release.
#[derive(Default)]
pub(super) struct Tally {
    /// Flags of each partner that has any.
    pub(super) released: BTreeMap<u16, u32>,
    /// The same, with those that ended and are not forgotten.
    known: BTreeMap<u16, u32>,
    /// Of each partner that has released flags, the day on which the last of them ends.
    last_days: BTreeMap<u16, Day>,
    /// Tags with a flag.
    pub(super) tags: u64,
    /// The same day of each organisation that may flag, ascending; made at the first question.
    sources: OnceLock<Vec<Day>>,
    /// The stacks as they are shown; counted when somebody first looks, and once, so that no two counts of one release
    /// can be told apart.
    stacks: OnceLock<Vec<Stacks>>,
}

impl Tally {
    pub(super) fn new(
        released: BTreeMap<u16, u32>,
        known: BTreeMap<u16, u32>,
        last_days: BTreeMap<u16, Day>,
        tags: u64,
    ) -> Tally {
        Tally { released, known, last_days, tags, sources: OnceLock::new(), stacks: OnceLock::new() }
    }

    /// Flags of a partner that the index has, those that ended included.
    pub(super) fn known_of(&self, partner: u16) -> u32 {
        self.known.get(&partner).copied().unwrap_or(0)
    }

    /// Released flags of a partner.
    pub(super) fn of(&self, partner: u16) -> u32 {
        self.released.get(&partner).copied().unwrap_or(0)
    }

    /// The stacks of the release, as `count` first counted them.
    pub(super) fn stacks(&self, count: impl FnOnce() -> Vec<Stacks>) -> Vec<Stacks> {
        self.stacks.get_or_init(count).clone()
    }

    /// How many organisations that may flag in the epoch have released flags that have not ended, under the policy of
    /// the release.
    pub(super) fn sources(&self, policy: &Policy, epoch: u32, today: Day) -> usize {
        let last_days = self.sources.get_or_init(|| {
            let mut of_organisations = BTreeMap::new();
            for (partner, last_day) in &self.last_days {
                if let Some(organisation) = policy.flags_for(*partner, epoch) {
                    let last = of_organisations.entry(organisation).or_insert(*last_day);
                    *last = (*last).max(*last_day);
                }
            }
            let mut last_days: Vec<Day> = of_organisations.into_values().collect();
            last_days.sort_unstable();
            last_days
        });
        last_days.len() - last_days.partition_point(|last_day| *last_day < today)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::sample;

    #[test]
    fn an_organisation_whose_flags_have_all_ended_is_no_source() {
        let policy = sample::policy();
        let ends = |days: &[(u16, u16)]| days.iter().map(|(partner, day)| (*partner, Day(*day))).collect();
        let tally = Tally::new(BTreeMap::new(), BTreeMap::new(), ends(&[(1, 20), (2, 22), (9, 30)]), 3);
        let sources = |today| tally.sources(&policy, 1, Day(today));
        assert_eq!([20, 21, 22, 23].map(sources), [2, 1, 1, 0], "partner 9 is not in the roster");
    }
}
