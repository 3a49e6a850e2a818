//! Releases: when accepted flags become visible, and when flags end. SPEC.md 5.7.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::state::{Epoch, EpochRow, PartnerRow, Share, State, Stored, Tally, span_of, write_row};
use super::view::{Holding, Turn, View};
use super::{Broker, Release};
use crate::day::{Day, Timestamp};
use crate::error::Error;
use crate::policy::Policy;
use crate::slug::Slug;
use crate::store::{BatchId, Change, Key, Row};

/// A release that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// The moment that the release speaks of.
    pub(super) as_of: Timestamp,
    /// Whether accepted flags become visible, or flags only end.
    pub(super) full: bool,
}

/// What there is to do at a time.
struct Look {
    /// The latest moment at which a full release could be; each is looked at once, so that nothing accepted after it shows with it.
    moment: Timestamp,
    due: Option<Due>,
}

/// The epoch after a release, and the batches that it no longer needs.
pub(super) struct Released {
    pub(super) epoch: Epoch,
    pub(super) superseded: Vec<BatchId>,
    /// Partners that are in the roster no longer.
    pub(super) gone: Vec<u16>,
}

impl Broker {
    /// Does what is due at `now`: opens and closes epochs, and makes releases.
    pub(super) fn tick(&self, state: &mut State, policy: &Policy, now: Timestamp) -> Result<Vec<Release>, Error> {
        if let Some(as_of) = state.epochs.values().map(|epoch| epoch.row.as_of).filter(|as_of| now < *as_of).max() {
            return Err(Error::Clock { now, as_of });
        }
        let today = now.day();
        let open = |number: &u32| policy.epoch(*number).is_some_and(|epoch| epoch.is_open(today));
        for number in state.epochs.keys().copied().filter(|number| !open(number)).collect::<Vec<_>>() {
            self.close(state, number)?;
        }
        for number in policy.epochs.iter().map(|epoch| epoch.number).filter(open) {
            if let Entry::Vacant(vacant) = state.epochs.entry(number) {
                self.keys.draw(number)?;
                let row = EpochRow { release: 0, as_of: now, looked: now, changed_since: None, fresh: 0 };
                let rows = vec![(Key::Epoch(number), Some(write_row(&row)))];
                self.store.commit(&Change { rows, ..Change::default() })?;
                vacant.insert(Epoch::new(row));
            }
        }
        let mut releases = Vec::new();
        for number in state.epochs.keys().copied().collect::<Vec<_>>() {
            let Some(epoch) = state.epochs.get_mut(&number) else { continue };
            let Look { moment, due } = look(policy, epoch, now);
            if let Some(due) = due {
                releases.push(self.turn(state, policy, number, due, moment)?);
            } else if moment > epoch.row.looked {
                let row = EpochRow { looked: moment, ..epoch.row.clone() };
                let rows = vec![(Key::Epoch(number), Some(write_row(&row)))];
                self.store.commit(&Change { rows, ..Change::default() })?;
                epoch.row = row;
            }
        }
        Ok(releases)
    }

    /// Makes one release, and keeps it.
    pub(super) fn turn(
        &self,
        state: &mut State,
        policy: &Policy,
        number: u32,
        due: Due,
        looked: Timestamp,
    ) -> Result<Release, Error> {
        let epoch = state.epochs.get(&number).ok_or(Error::StoreDamaged { finding: "an epoch is missing" })?;
        let mut next = release(policy, number, epoch, &state.partners, due);
        next.epoch.row.looked = looked;
        let mut change = Change::default();
        next.record(number, &mut change);
        self.store.commit(&change)?;
        let epoch = next.epoch;
        let release = Release {
            epoch: number,
            number: epoch.row.release,
            as_of: due.as_of,
            full: due.full,
            flags: epoch.tally.released.values().copied().map(u64::from).sum(),
            tags: epoch.view.len() as u64,
        };
        state.epochs.insert(number, epoch);
        Ok(release)
    }

    /// Closes an epoch: its rows go, then its pepper. In this order, because rows without a pepper could not be opened again.
    fn close(&self, state: &mut State, number: u32) -> Result<(), Error> {
        let Some(epoch) = state.epochs.get(&number) else {
            return Ok(());
        };
        let mut change = Change { rows: vec![(Key::Epoch(number), None)], ..Change::default() };
        for (partner, share) in &epoch.shares {
            change.rows.push((Key::Share(number, *partner), None));
            change.removed.extend(share.ids(number, *partner));
        }
        self.store.commit(&change)?;
        state.epochs.remove(&number);
        self.keys.destroy(number)
    }
}

impl Released {
    /// What of the release is to be kept.
    pub(super) fn record(&self, number: u32, change: &mut Change) {
        change.rows.push((Key::Epoch(number), Some(write_row(&self.epoch.row))));
        for (partner, share) in &self.epoch.shares {
            change.rows.push((Key::Share(number, *partner), Some(write_row(&share.row))));
        }
        change.rows.extend(self.gone.iter().map(|partner| (Key::Share(number, *partner), None)));
        change.removed.extend(&self.superseded);
    }
}

/// What there is to do in `epoch` at `now`.
fn look(policy: &Policy, epoch: &Epoch, now: Timestamp) -> Look {
    let turn = now.day().start();
    let expiry = (turn.day() > epoch.row.as_of.day()).then_some(Due { as_of: turn, full: false });
    let moment = latest_moment(policy, now);
    if moment <= epoch.row.looked || policy.release.immediate || !enough_changed(policy, epoch, moment) {
        return Look { moment, due: expiry };
    }
    let as_of = expiry.map_or(moment, |expiry| expiry.as_of.max(moment));
    Look { moment, due: Some(Due { as_of, full: true }) }
}

/// The earliest moment after `now` at which there can be another release.
pub(super) fn next_possible(policy: &Policy, now: Timestamp) -> Timestamp {
    let midnight = now.day().plus(1).start();
    if policy.release.immediate {
        return now;
    }
    midnight.min(latest_moment(policy, now).plus(interval(policy)))
}

/// Makes the release. `partners` are the rows whose accepted numbers it reaches.
pub(super) fn release(
    policy: &Policy,
    number: u32,
    epoch: &Epoch,
    partners: &BTreeMap<u16, PartnerRow>,
    due: Due,
) -> Released {
    let today = due.as_of.day();
    let in_roster = |partner: &u16| policy.partner(*partner).is_some();
    let gone: Vec<u16> = epoch.shares.keys().copied().filter(|partner| !in_roster(partner)).collect();
    let mut shares: BTreeMap<u16, Share> = epoch
        .shares
        .iter()
        .filter(|(partner, _)| in_roster(partner))
        .map(|(partner, share)| (*partner, share.clone()))
        .collect();
    for share in shares.values_mut() {
        share.pending.expire(today);
    }
    let turns = if due.full { all_pending(&shares) } else { renewed(&epoch.view, &shares, today) };
    let stays = |holding: &Holding| holding.span.last >= today && in_roster(&holding.partner);
    let view = Arc::new(epoch.view.turn(&turns, stays));
    let tally = Tally::of(&view);

    let mut superseded: Vec<BatchId> = Vec::new();
    for (partner, share) in &mut shares {
        if due.full {
            share.pending = Default::default();
            share.row.released = partners.get(partner).map_or(0, PartnerRow::accepted_state);
            let old = supersede(&mut share.batches, share.parts.len());
            superseded.extend(old.map(|sequence| BatchId { epoch: number, partner: *partner, sequence }));
        }
    }
    for partner in &gone {
        superseded.extend(epoch.shares[partner].ids(number, *partner));
    }
    let held = held(&view, &shares);
    for (partner, share) in &mut shares {
        share.row.held = held.get(partner).copied().unwrap_or(0);
    }
    let behind = shares.iter().any(|(partner, share)| differs(&view, *partner, share));
    let row = EpochRow {
        release: epoch.row.release + 1,
        as_of: due.as_of,
        looked: epoch.row.looked,
        // The wait of one organisation's change does not begin with another's that is over.
        changed_since: epoch.row.changed_since.filter(|_| behind),
        fresh: fresh(policy, &shares, due.as_of),
    };
    Released { epoch: Epoch { row, view, tally, shares }, superseded, gone }
}

/// The latest multiple of the policy's interval that is not after `now`.
fn latest_moment(policy: &Policy, now: Timestamp) -> Timestamp {
    Timestamp(now.0 - now.0 % interval(policy))
}

fn interval(policy: &Policy) -> u64 {
    u64::from(policy.release.interval_hours.max(1)) * 3600
}

/// Whether what is held differs from what is released for enough organisations, or for one for long enough.
fn enough_changed(policy: &Policy, epoch: &Epoch, moment: Timestamp) -> bool {
    let waited = epoch
        .row
        .changed_since
        .is_some_and(|since| moment.since(since) >= u64::from(policy.release.max_wait_days) * 86_400);
    let needed = if waited { 1 } else { usize::from(policy.release.min_changed.max(1)) };
    let mut changed: BTreeSet<&Slug> = BTreeSet::new();
    for (partner, share) in &epoch.shares {
        let Some(entry) = policy.partner(*partner) else { continue };
        if !changed.contains(&entry.organisation) && differs(&epoch.view, *partner, share) {
            changed.insert(&entry.organisation);
        }
    }
    changed.len() >= needed
}

/// Whether what `partner` holds differs from what is released of it.
fn differs(view: &View, partner: u16, share: &Share) -> bool {
    share.pending.rows().iter().any(|row| span_of(view.holdings(&row.tag), partner) != row.span)
}

fn all_pending(shares: &BTreeMap<u16, Share>) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for (partner, share) in shares {
        turns.extend(share.pending.rows().into_iter().map(|Row { tag, span }| Turn { tag, partner: *partner, span }));
    }
    turns.sort_unstable_by_key(|turn| (turn.tag, turn.partner));
    turns
}

/// The flags that end before `today` as they were released, but were renewed since: they stay, and show nothing new.
fn renewed(view: &View, shares: &BTreeMap<u16, Share>, today: Day) -> Vec<Turn> {
    let mut turns = Vec::new();
    for (tag, holdings) in view.iter() {
        for holding in holdings.iter().filter(|holding| holding.span.last < today) {
            let said = shares.get(&holding.partner).and_then(|share| share.pending.get(&tag)).flatten();
            turns.extend(said.map(|span| Turn { tag, partner: holding.partner, span: Some(span) }));
        }
    }
    turns
}

/// How many flags each partner holds, released or not.
fn held(view: &View, shares: &BTreeMap<u16, Share>) -> BTreeMap<u16, u32> {
    let mut held: BTreeMap<u16, u32> = BTreeMap::new();
    for (tag, holdings) in view.iter() {
        for holding in holdings {
            let overruled = shares.get(&holding.partner).is_some_and(|share| share.pending.get(&tag).is_some());
            *held.entry(holding.partner).or_default() += u32::from(!overruled);
        }
    }
    for (partner, share) in shares {
        let said = share.pending.rows().iter().filter(|row| row.span.is_some()).count();
        *held.entry(*partner).or_default() += said as u32;
    }
    held
}

/// How many organisations were heard of within the policy's window before `as_of`.
fn fresh(policy: &Policy, shares: &BTreeMap<u16, Share>, as_of: Timestamp) -> u16 {
    let window = u64::from(policy.freshness_days) * 86_400;
    let heard = |share: &Share| share.row.heard.is_some_and(|heard| as_of.since(heard) <= window);
    let organisations: BTreeSet<&Slug> = shares
        .iter()
        .filter(|(_, share)| heard(share))
        .filter_map(|(partner, _)| Some(&policy.partner(*partner)?.organisation))
        .collect();
    organisations.len() as u16
}

/// Takes out the batches before the latest whole full set; `unfinished` are the parts at the end of one that is not whole.
fn supersede(batches: &mut Vec<Stored>, unfinished: usize) -> impl Iterator<Item = u64> + use<> {
    let whole = batches.len() - unfinished;
    let last_part = batches[..whole].iter().rposition(|stored| stored.part.is_some_and(|(part, of)| part == of));
    let first_part = last_part.map_or(0, |at| at + 1 - usize::from(batches[at].part.map_or(1, |(_, of)| of)));
    batches.drain(..first_part).map(|stored| stored.sequence).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_full_set_supersedes_what_came_before() {
        let stored = |sequence, part| Stored { sequence, part };
        let mut batches = vec![
            stored(1, Some((1, 1))),
            stored(2, None),
            stored(3, Some((1, 2))),
            stored(4, Some((2, 2))),
            stored(5, None),
            stored(6, Some((1, 3))),
        ];
        assert_eq!(supersede(&mut batches, 1).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(batches.len(), 4);
        assert_eq!(supersede(&mut batches, 1).count(), 0);
        assert_eq!(supersede(&mut vec![stored(1, None)], 0).count(), 0);
    }
}
