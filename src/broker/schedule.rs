//! When a release is due. SPEC.md 5.7.

use super::organisations::{changed, delivered};
use super::rows::EpochRow;
use super::state::BrokerState;
use crate::day::Timestamp;
use crate::policy::Policy;

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

/// The release that is due in an epoch at `now`.
pub(super) fn due(policy: &Policy, number: u32, state: &BrokerState, now: Timestamp) -> Option<Due> {
    let epoch = state.epochs.get(&number)?;
    let forced = forced_moment(policy, number, now);
    let considered = latest_moment(policy, number, now);
    let midnight = now.day().start();
    let day_turned = midnight.day() > epoch.row.as_of.day();
    let due = |as_of, full| Some(Due { as_of, full, considered });
    if policy.release.immediate {
        if epoch.accounts.values().any(|account| !account.pending.is_empty()) {
            return due(now, true);
        }
    } else if considered > epoch.row.considered && is_full_due(policy, number, state, (considered, forced)) {
        return due(if day_turned { midnight.max(considered) } else { considered }, true);
    }
    if day_turned { due(midnight, false) } else { None }
}

/// The earliest moment after `now` at which there can be another release.
pub(super) fn next_possible(policy: &Policy, now: Timestamp) -> Timestamp {
    if policy.release.immediate {
        return now;
    }
    let midnight = now.day().plus(1).start();
    midnight.min(interval_moment(policy, now).plus(interval(policy)))
}

/// The next moment at which there is something to do of what `policy` says, whatever is said until then: the turn of
/// the day, or one at which a full release of an open epoch is looked at.
pub(super) fn next_due(policy: &Policy, state: &BrokerState) -> Timestamp {
    let day_turns = state.log.row.day.plus(1).start();
    let epochs = state.epochs.values().filter(|_| !policy.release.immediate);
    let moments = epochs.map(|epoch| {
        interval_moment(policy, epoch.row.considered).plus(interval(policy)).min(epoch.row.as_of.day().plus(1).start())
    });
    moments.min().unwrap_or(day_turns).min(day_turns)
}

/// When an epoch's next releases are.
pub(super) struct NextRelease {
    /// The turn of the day.
    pub(super) due: Timestamp,
    /// The earliest moment of a full release.
    pub(super) shows_from: Timestamp,
    /// The moment of a full release whatever changed.
    pub(super) shows_by: Timestamp,
}

/// When the releases are after the last one of an epoch.
pub(super) fn next_release(policy: &Policy, number: u32, row: &EpochRow) -> NextRelease {
    let due = row.as_of.day().plus(1).start();
    let last = row.as_of.max(row.considered);
    if policy.release.immediate {
        return NextRelease { due, shows_from: last, shows_by: last };
    }
    let shows_from = interval_moment(policy, last).plus(interval(policy));
    let shows_by = match row.waits_since.map(|since| since.plus(max_wait(policy))) {
        Some(over) if over <= last => shows_from,
        Some(over) if latest_moment(policy, number, over) == over => over,
        // The first moment after the wait.
        Some(over) => interval_moment(policy, over).plus(interval(policy)),
        None => forced_moment(policy, number, last).plus(max_wait(policy)),
    };
    NextRelease { due, shows_from: shows_from.min(shows_by), shows_by }
}

/// The latest moment, up to `now`, at which a full release of an epoch can be.
///
/// Each such moment is considered once, so that a full release never shows what was accepted after its moment.
pub(super) fn latest_moment(policy: &Policy, epoch: u32, now: Timestamp) -> Timestamp {
    interval_moment(policy, now).max(forced_moment(policy, epoch, now))
}

/// The latest multiple, up to `now`, of the policy's interval.
fn interval_moment(policy: &Policy, now: Timestamp) -> Timestamp {
    Timestamp(now.0 - now.0 % interval(policy))
}

/// The latest moment, up to `now`, at which there is a full release of an epoch whatever changed: a whole number of
/// times `max_wait_days` after its opening day. So nobody can put it off or bring it on.
fn forced_moment(policy: &Policy, epoch: u32, now: Timestamp) -> Timestamp {
    let opens = policy.epoch(epoch).map_or(Timestamp(0), |epoch| epoch.opens.start());
    Timestamp(now.0 - now.since(opens) % max_wait(policy))
}

fn interval(policy: &Policy) -> u64 {
    u64::from(policy.release.interval_hours.max(1)) * 3600
}

fn max_wait(policy: &Policy) -> u64 {
    u64::from(policy.release.max_wait_days.max(1)) * 86_400
}

/// Whether a full release is due at `moment`, or was at the earlier `forced` moment and was not made.
fn is_full_due(policy: &Policy, number: u32, state: &BrokerState, (moment, forced): (Timestamp, Timestamp)) -> bool {
    let Some(epoch) = state.epochs.get(&number) else { return false };
    match epoch.row.waits_since {
        Some(since) => {
            let is_over = moment >= since.plus(max_wait(policy));
            // While an older epoch answers, whoever delivered last would choose the moment, and so what is new in it.
            let may_be_early = state.answering_before(policy, number).is_none();
            is_over || may_be_early && policy.flagging_in(number) == delivered(policy, number, epoch)
        }
        None => {
            let changed = changed(policy, number, epoch, moment.day()).len();
            forced > epoch.row.considered || changed >= usize::from(policy.release.min_changed.max(1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::OpenEpoch;
    use super::*;
    use crate::policy::sample;

    /// What is said to come is what `due` then finds.
    #[test]
    fn what_comes_next_is_what_is_due_then() {
        let policy = sample::policy();
        let opens = policy.epochs[0].opens.start();
        let row =
            |as_of: Timestamp, waits_since| EpochRow { release: 1, as_of, considered: as_of, fresh: 0, waits_since };
        for hours in [0, 1, 23, 24, 30, 7 * 24, 7 * 24 + 1, 300] {
            let as_of = opens.plus(hours * 3_600);
            for waits_since in [None, Some(opens), Some(as_of)] {
                let next = next_release(&policy, 1, &row(as_of, waits_since));
                assert_eq!(next.due, as_of.day().plus(1).start());
                assert!(next.shows_from > as_of && next.shows_from <= next.shows_by, "{hours} {waits_since:?}");
                let mut state = BrokerState::default();
                state.epochs.insert(1, OpenEpoch::new(row(as_of, waits_since)));
                let is_full = |now| due(&policy, 1, &state, now).is_some_and(|due| due.full);
                assert!(is_full(next.shows_by), "{hours} {waits_since:?}");
                assert!(!is_full(Timestamp(next.shows_by.0 - 1)), "{hours} {waits_since:?}");
            }
        }
    }
}
