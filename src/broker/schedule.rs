//! When a release is due, and whether the clock can be trusted. SPEC.md 5.7.

use std::collections::BTreeMap;

use super::error::BrokerError;
use super::state::{Account, BrokerState, OpenEpoch};
use crate::day::Timestamp;
use crate::policy::Policy;
use crate::slug::Slug;

/// A longer time in seconds without a release may come from a wrong clock, which would end flags and destroy keys:
/// three days.
const LONGEST_SILENCE: u64 = 3 * 86_400;

/// Tolerance for callers' clocks in seconds: threads sample `now` before they take the lock, so that a `now` shortly
/// before the last release is a race, not a clock fault.
const CLOCK_TOLERANCE: u64 = 60;

/// A release that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// The moment that the release speaks of.
    pub(super) as_of: Timestamp,
    /// Whether accepted flags become visible; if not, flags only end.
    pub(super) full: bool,
    /// The latest moment that was considered for a full release.
    pub(super) considered: Timestamp,
}

/// What the clock allows at a time.
pub(super) enum ClockCheck {
    Trusted,
    /// A little before the last release, so that nothing is due.
    Late,
    /// So far past the last release, which was at this moment, that the clock may be wrong.
    Ahead(Timestamp),
}

/// Compares `now` with the last release; [`BrokerError::Clock`] where it is before it.
pub(super) fn check_clock(state: &BrokerState, now: Timestamp) -> Result<ClockCheck, BrokerError> {
    match state.as_of() {
        Some(as_of) if now < as_of && as_of.since(now) <= CLOCK_TOLERANCE => Ok(ClockCheck::Late),
        Some(as_of) if now < as_of => Err(BrokerError::Clock { now, as_of }),
        Some(as_of) if now.since(as_of) > LONGEST_SILENCE => Ok(ClockCheck::Ahead(as_of)),
        _ => Ok(ClockCheck::Trusted),
    }
}

/// The release that is due in an epoch at `now`.
pub(super) fn due(policy: &Policy, epoch: &OpenEpoch, now: Timestamp) -> Option<Due> {
    let moment = latest_moment(policy, now);
    let midnight = now.day().start();
    let day_turned = midnight.day() > epoch.row.as_of.day();
    let due = |as_of, full| Some(Due { as_of, full, considered: moment });
    if policy.release.immediate {
        let is_changed = |(partner, account): (&u16, &Account)| account.is_changed(&epoch.index, *partner, now.day());
        if epoch.accounts.iter().any(is_changed) {
            return due(now, true);
        }
    } else if moment > epoch.row.considered && enough_changed(policy, epoch, moment) {
        return due(if day_turned { midnight.max(moment) } else { moment }, true);
    }
    if day_turned { due(midnight, false) } else { None }
}

/// The earliest moment after `now` at which there can be another release.
pub(super) fn next_possible(policy: &Policy, now: Timestamp) -> Timestamp {
    if policy.release.immediate {
        return now;
    }
    let midnight = now.day().plus(1).start();
    midnight.min(latest_moment(policy, now).plus(interval(policy)))
}

/// The latest moment, up to `now`, at which a full release can be: a multiple of the policy's interval.
///
/// Each such moment is considered once, so that a full release never shows what was accepted after its moment.
pub(super) fn latest_moment(policy: &Policy, now: Timestamp) -> Timestamp {
    Timestamp(now.0 - now.0 % interval(policy))
}

fn interval(policy: &Policy) -> u64 {
    u64::from(policy.release.interval_hours.max(1)) * 3600
}

/// Whether what is held differs from what is released for enough organisations, or has for long enough for each of
/// them.
fn enough_changed(policy: &Policy, epoch: &OpenEpoch, moment: Timestamp) -> bool {
    let mut changed: BTreeMap<&Slug, Option<Timestamp>> = BTreeMap::new();
    for (partner, account) in &epoch.accounts {
        let Some(entry) = policy.partner(*partner) else { continue };
        if account.is_changed(&epoch.index, *partner, moment.day()) {
            let first = changed.entry(&entry.organisation).or_insert(account.row.changed_since);
            *first = (*first).min(account.row.changed_since);
        }
    }
    let wait = u64::from(policy.release.max_wait_days) * 86_400;
    let waited = |since: &Option<Timestamp>| since.is_some_and(|since| moment.since(since) >= wait);
    // All must have waited: if one that did took along one that did not, it would learn of the other's change alone.
    changed.len() >= usize::from(policy.release.min_changed.max(1))
        || (!changed.is_empty() && changed.values().all(waited))
}

#[cfg(test)]
mod tests {
    use super::super::rows::EpochRow;
    use super::*;

    #[test]
    fn the_clock_is_compared_with_the_last_release() {
        const AS_OF: Timestamp = Timestamp(1_796_126_400);
        let mut state = BrokerState::default();
        assert!(matches!(check_clock(&state, Timestamp(0)), Ok(ClockCheck::Trusted)), "there was no release yet");
        let row = EpochRow { release: 1, as_of: AS_OF, considered: AS_OF, fresh: 0 };
        state.epochs.insert(1, OpenEpoch::new(row));
        let check = |now| check_clock(&state, Timestamp(now));
        assert_eq!(check(AS_OF.0 - CLOCK_TOLERANCE - 1).err().unwrap().code(), "clock");
        assert!(matches!(check(AS_OF.0 - CLOCK_TOLERANCE), Ok(ClockCheck::Late)));
        assert!(matches!(check(AS_OF.0 + LONGEST_SILENCE), Ok(ClockCheck::Trusted)));
        assert!(matches!(check(AS_OF.0 + LONGEST_SILENCE + 1), Ok(ClockCheck::Ahead(AS_OF))));
    }
}
