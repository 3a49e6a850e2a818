//! Which organisations are fresh, have changed or have delivered in an epoch. Only those that may flag count.

use std::collections::BTreeSet;

use super::state::{Account, OpenEpoch};
use crate::day::{Day, Timestamp};
use crate::policy::Policy;
use crate::slug::Slug;

/// Those of which a state message was accepted within the policy's window before `as_of`.
pub(super) fn fresh<'p, 'a>(
    policy: &'p Policy,
    epoch: u32,
    accounts: impl IntoIterator<Item = (&'a u16, &'a Account)>,
    as_of: Timestamp,
) -> BTreeSet<&'p Slug> {
    let window = u64::from(policy.freshness_days) * 86_400;
    // One that was heard of since is fresh all the more.
    let is_fresh = |heard: Timestamp| as_of.since(heard) <= window;
    let accounts = accounts.into_iter().filter(|(_, account)| account.row.heard.is_some_and(is_fresh));
    accounts.filter_map(|(partner, _)| policy.flags_for(*partner, epoch)).collect()
}

/// Those that hold an unended flag that the release in force does not show.
pub(super) fn changed<'p>(policy: &'p Policy, number: u32, epoch: &OpenEpoch, today: Day) -> BTreeSet<&'p Slug> {
    let accounts = epoch.accounts.iter();
    let changed = accounts.filter(|(partner, account)| account.has_new_flag(&epoch.index, **partner, today));
    changed.filter_map(|(partner, _)| policy.flags_for(*partner, number)).collect()
}

/// Those that delivered a full set.
pub(super) fn delivered<'p>(policy: &'p Policy, number: u32, epoch: &OpenEpoch) -> BTreeSet<&'p Slug> {
    let delivered = epoch.accounts.iter().filter(|(_, account)| account.row.has_set());
    delivered.filter_map(|(partner, _)| policy.flags_for(*partner, number)).collect()
}
