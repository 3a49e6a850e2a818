//! A release: planned from the epoch as it is, prepared without touching it, and put in force at once. SPEC.md 5.7.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::certificates::Certificates;
use super::incoming::PolicyInForce;
use super::index::{Changes, Effect, Index, Rebuilt};
use super::merge::{MergedSet, supersede, write_merged};
use super::organisations::fresh;
use super::report::Release;
use super::rows::{EpochRow, ShareRow, write_row};
use super::schedule::Due;
use super::state::{Account, BrokerState, OpenEpoch, StoredBatch};
use super::tally::Tally;
use crate::audit::Event;
use crate::day::Timestamp;
use crate::policy::Policy;
use crate::store::{BatchId, Change, Key, Staged, Store, StoreError};
use crate::threads::Threads;

/// A release of one epoch that is to be made.
pub(super) struct ReleasePlan {
    number: u32,
    due: Due,
    /// The epoch as it was. While the release is made, only what questions cost changes in it.
    epoch: OpenEpoch,
    /// Partners whose flags end, because a suspension has begun since the release before.
    suspended: BTreeSet<u16>,
}

/// A release that is made and not in force yet.
pub(super) struct PreparedRelease {
    number: u32,
    due: Due,
    index: Arc<Index>,
    tally: Arc<Tally>,
    row: EpochRow,
    /// The accounts after it, of the partners in the roster.
    accounts: BTreeMap<u16, Account>,
    /// Partners with an account that are in the roster no longer.
    leavers: BTreeSet<u16>,
    /// The sets to write in the place of batches.
    merged: Vec<MergedSet>,
    /// These sets, once they are written.
    staged: Vec<Staged>,
    /// The batches that go.
    removed: Vec<BatchId>,
    /// How many rows fewer the store has after it.
    removed_rows: u64,
}

impl ReleasePlan {
    pub(super) fn of(
        state: &BrokerState,
        certificates: &Certificates,
        number: u32,
        due: Due,
    ) -> Result<ReleasePlan, StoreError> {
        let epoch = state.epochs.get(&number).ok_or(MISSING)?;
        let suspended = certificates.suspensions_begun_between(number, epoch.row.as_of.day(), due.as_of.day());
        Ok(ReleasePlan { number, due, epoch: epoch.with_all_accounts(), suspended })
    }

    /// Makes the release. Nothing of it shows yet.
    pub(super) fn prepare(self, policy: &Policy, threads: &Threads) -> PreparedRelease {
        let ReleasePlan { number, due, mut epoch, suspended } = self;
        let today = due.as_of.day();
        let in_roster = |partner: &u16| policy.partner(*partner).is_some();
        let may_flag = |partner: &u16| policy.flags_for(*partner, number).is_some() && !suspended.contains(partner);
        // Of one that was never heard, or whose flags ended before, there is nothing to end.
        let is_stopped = |(partner, account): &(&u16, &Account)| {
            account.row.heard.is_some() && in_roster(partner) && !may_flag(partner)
        };
        let stopped: Vec<u16> = epoch.accounts.iter().filter(is_stopped).map(|(partner, _)| *partner).collect();
        let unfinished =
            |partner: u16| epoch.end_flags(partner, today).into_iter().map(move |stored| (partner, stored));
        let unfinished: Vec<(u16, StoredBatch)> = stopped.into_iter().flat_map(unfinished).collect();
        let (accounts, left): (Vec<(u16, Account)>, Vec<_>) =
            epoch.accounts.into_iter().partition(|(partner, _)| in_roster(partner));
        let pending = accounts.iter().map(|(partner, account)| (*partner, &account.pending)).collect();
        let effect = if due.full { Effect::Everything } else { Effect::OnlyLess };
        let gone: BTreeSet<u16> = left.iter().map(|(partner, _)| *partner).collect();
        let changes = Changes { pending, effect, today, gone: &gone, threads };
        let Rebuilt { index, tally, cut } = epoch.index.rebuild(&changes);
        let of_accounts = accounts.iter().map(|(partner, account)| (partner, account));
        let fresh = fresh(policy, number, of_accounts, due.as_of).len() as u16;
        let release = epoch.row.release + 1;
        let mut prepared = PreparedRelease {
            number,
            due,
            index,
            tally: Arc::new(tally),
            row: EpochRow {
                release,
                as_of: due.as_of,
                considered: due.considered,
                fresh,
                waits_since: epoch.row.waits_since.filter(|_| !due.full),
            },
            accounts: BTreeMap::new(),
            removed: unfinished.iter().map(|(partner, stored)| stored.id(number, *partner)).collect(),
            removed_rows: unfinished.iter().map(|(_, stored)| stored.rows as u64).sum(),
            leavers: gone,
            merged: Vec::new(),
            staged: Vec::new(),
        };
        for (partner, account) in left {
            prepared.removed.extend(account.ids(number, partner));
            prepared.removed_rows += account.stored_rows();
        }
        for (partner, mut account) in accounts {
            // Where all flags were ended, the batches still say that they are held, and a restart would take those that
            // this release reaches for released flags. A merged set takes their place and says what is true.
            let is_released_now = |stored: &StoredBatch| stored.sequence > account.row.released_through;
            let any_new = !account.pending.is_empty() || account.whole_batches().iter().any(is_released_now);
            let any_ended = due.full && account.row.ended.is_some() && any_new;
            if due.full {
                account.pending = Default::default();
                // A set whose last part has not come is released as a whole or not at all.
                let last_whole = account.whole_batches().last().map(|stored| stored.sequence);
                account.row.released_through = last_whole.unwrap_or(account.row.released_through);
            }
            prepared.tidy(partner, &mut account, any_ended || cut.contains(&partner));
            account.row.held = account.held(&prepared.index, partner, prepared.tally.of(partner), today);
            prepared.accounts.insert(partner, account);
        }
        prepared
    }
}

impl PreparedRelease {
    /// Chooses which batches of a partner go, and which a merged set takes the place of.
    fn tidy(&mut self, partner: u16, account: &mut Account, any_cut: bool) {
        let before = account.stored_rows();
        if self.due.full {
            let superseded = supersede(&mut account.batches, account.parts.len());
            let name = |sequence| BatchId { epoch: self.number, partner, sequence };
            self.removed.extend(superseded.into_iter().map(name));
        }
        let rows = self.tally.known_of(partner);
        let merged = MergedSet::choose(account, (self.number, partner), (rows, any_cut), &mut self.removed);
        self.merged.extend(merged);
        self.removed_rows += before.saturating_sub(account.stored_rows());
    }

    /// Writes the merged sets to the store, ahead of the change that makes them count.
    pub(super) fn write_merged(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        self.staged = write_merged(std::mem::take(&mut self.merged), &self.index, store)?;
        Ok(())
    }

    /// Puts the release in force, and adds to `change` what is to be kept of it. `now` is when that is, which may be
    /// long after the moment that the release speaks of.
    pub(super) fn put_in_force(
        self,
        state: &mut BrokerState,
        change: &mut Change,
        in_force: &PolicyInForce,
        now: Timestamp,
    ) -> Result<Release, StoreError> {
        let (number, due) = (self.number, self.due);
        let epoch = state.epochs.get_mut(&number).ok_or(MISSING)?;
        let release = Release {
            epoch: number,
            number: self.row.release,
            as_of: due.as_of,
            full: due.full,
            flags: self.tally.released.values().copied().map(u64::from).sum(),
            tags: self.tally.tags,
        };
        change.rows.push((Key::Epoch(number), Some(write_row(&self.row))));
        epoch.row = self.row;
        epoch.index = self.index;
        epoch.tally = self.tally;
        for partner in self.leavers {
            epoch.accounts.remove(&partner);
            change.rows.push((Key::Share(number, partner), None));
        }
        for (partner, mut account) in self.accounts {
            if let Some(now) = epoch.accounts.get(&partner) {
                // Questions were answered while the release was made.
                let ShareRow { free_in, free, .. } = now.row;
                account.row = ShareRow { free_in, free, ..account.row };
            }
            change.rows.push((Key::Share(number, partner), Some(write_row(&account.row))));
            epoch.accounts.insert(partner, account);
        }
        change.removed.extend(self.removed);
        change.added.extend(self.staged);
        let event = Event::Release { epoch: number, release: release.number, as_of: due.as_of, full: due.full };
        state.log.append(change, now, in_force.digest(), event)?;
        state.count_removed(self.removed_rows, change);
        Ok(release)
    }
}

const MISSING: StoreError = StoreError::StoreDamaged { finding: "an epoch is missing" };

#[cfg(test)]
mod tests {
    use super::super::rows::{PartnerRow, PolicyRow, Replied};
    use super::*;
    use crate::policy::sample;
    use crate::store::{Row, Span};
    use crate::tag::Tag;

    /// 2026-12-01T12:00:00Z, the first day of the sample.
    const NOW: Timestamp = Timestamp(1_796_126_400);

    fn row(number: u16) -> Row {
        let span = Span { first: NOW.day(), last: NOW.day().plus(30) };
        Row { tag: Tag([number as u8; 16]), span }
    }

    /// An epoch in which partners 1 and 2, and 9 that is not in the roster, wait for two flags each, one of which they
    /// share.
    fn state() -> BrokerState {
        let mut state = BrokerState::default();
        let mut epoch =
            OpenEpoch::new(EpochRow { release: 7, as_of: NOW, considered: NOW, fresh: 0, waits_since: None });
        for partner in [1, 2, 9] {
            let mut account = Account::default();
            account.row.heard = Some(NOW);
            account.pending.push(vec![row(0), row(partner)]);
            account.batches.push(StoredBatch { sequence: 3, part: Some((1, 1)), rows: 2 });
            epoch.accounts.insert(partner, account);
            let accepted = Some(Replied { sequence: 3, digest: sample::signed().digest(), reply: Vec::new() });
            state.partners.insert(partner, PartnerRow { accepted, ..PartnerRow::default() });
        }
        state.epochs.insert(1, epoch);
        state
    }

    #[test]
    fn a_release_changes_nothing_before_it_is_put_in_force() {
        let mut state = state();
        let as_of = NOW.plus(86_400);
        let due = Due { as_of, full: true, considered: as_of };
        let prepared = ReleasePlan::of(&state, &Certificates::default(), 1, due)
            .unwrap()
            .prepare(&sample::policy(), &Threads::default());
        assert_eq!((prepared.row.release, prepared.row.fresh), (8, 2));
        assert_eq!((prepared.tally.of(1), prepared.tally.of(2), prepared.tally.tags), (2, 2, 3));
        assert!(prepared.removed == [BatchId { epoch: 1, partner: 9, sequence: 3 }]);
        let before = &state.epochs[&1];
        assert_eq!((before.row.release, before.tally.tags, before.accounts.len()), (7, 0, 3));

        // What a question cost meanwhile stays charged.
        state.epochs.get_mut(&1).unwrap().accounts.get_mut(&1).unwrap().row.free = 5;
        let signed = sample::signed();
        let row = PolicyRow { version: 1, digest: signed.digest(), previous: None, adopted: NOW, announced: None };
        let mut change = Change::default();
        let in_force = PolicyInForce { signed, row, certificates: Certificates::default() };
        let release = prepared.put_in_force(&mut state, &mut change, &in_force, as_of).unwrap();
        assert_eq!((release.number, release.flags, release.tags), (8, 4, 3));
        let epoch = &state.epochs[&1];
        assert!(epoch.accounts.keys().eq([&1, &2]));
        let account = &epoch.accounts[&1];
        assert!(account.pending.is_empty());
        assert_eq!((account.row.held, account.row.released_through, account.row.free), (2, 3, 5));
        assert_eq!((state.unpurged, change.lines.len()), (2, 1));
    }

    #[test]
    fn a_release_that_only_ends_flags_shows_nothing_new() {
        let state = state();
        let as_of = NOW.plus(86_400);
        let due = Due { as_of, full: false, considered: NOW };
        let prepared = ReleasePlan::of(&state, &Certificates::default(), 1, due)
            .unwrap()
            .prepare(&sample::policy(), &Threads::default());
        assert_eq!((prepared.tally.of(1), prepared.tally.tags), (0, 0));
        let account = &prepared.accounts[&1];
        assert_eq!((account.row.held, account.row.released_through), (2, 0));
    }
}
