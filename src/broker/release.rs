//! Releases: when accepted flags become visible, and when flags end. SPEC.md 5.7.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::state::{Epoch, EpochRow, PartnerRow, Share, ShareRow, State, Stored, Tally, span_of, write_row};
use super::view::{Holding, Turn, View};
use super::{Broker, InForce, Release};
use crate::audit::Event;
use crate::day::{Day, Timestamp};
use crate::error::Error;
use crate::policy::Policy;
use crate::slug::Slug;
use crate::store::{Batch, BatchId, BlobKeys, Change, Key, Row, Span};

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
    /// The batches that stand for others now.
    pub(super) folded: Vec<Batch>,
    /// How many rows went out of the store.
    pub(super) gone_rows: u64,
    /// Partners that are in the roster no longer.
    pub(super) gone: Vec<u16>,
}

/// A broker that made no release for so long does not trust the clock: a wrong one would end flags and destroy keys.
const LONGEST_SILENCE: u64 = 3 * 86_400;

/// Threads that read the clock by turns may come so many seconds late.
const CLOCKS_APART: u64 = 60;

impl Broker {
    /// Does what is due at `now`: opens and closes epochs, makes releases, closes the day's books. Puts it in line for the disk.
    ///
    /// Nothing is done where the clock is further ahead than it can be trusted.
    pub(super) fn tick(&self, state: &mut State, in_force: &InForce, now: Timestamp) -> Result<Vec<Release>, Error> {
        if let Some(as_of) = state.as_of().filter(|as_of| now < *as_of) {
            // Another thread that read the clock later may have made that release.
            return if as_of.since(now) <= CLOCKS_APART { Ok(Vec::new()) } else { Err(Error::Clock { now, as_of }) };
        }
        match clock_ahead(state, now) {
            Some(_) => Ok(Vec::new()),
            None => self.tick_trusting(state, in_force, now, Change::default()),
        }
    }

    /// As [`Broker::tick`], whatever the clock says; `change` has what is to be kept with it.
    pub(super) fn tick_trusting(
        &self,
        state: &mut State,
        in_force: &InForce,
        now: Timestamp,
        mut change: Change,
    ) -> Result<Vec<Release>, Error> {
        let mut closed = Vec::new();
        let due = self.do_what_is_due(state, in_force, now, &mut change, &mut closed);
        let releases = due.inspect_err(|_| state.ahead = true)?;
        if !change.rows.is_empty() || !change.lines.is_empty() {
            let ticket = self.submit(state, &change)?;
            if !closed.is_empty() {
                // Rows without keys could not be opened again, so the keys go when the rows are gone.
                self.store.wait(ticket).inspect_err(|_| state.ahead = true)?;
                closed.into_iter().try_for_each(|number| self.keys.destroy(number))?;
            }
        }
        self.sign_log(state, in_force)?;
        Ok(releases)
    }

    fn do_what_is_due(
        &self,
        state: &mut State,
        in_force: &InForce,
        now: Timestamp,
        change: &mut Change,
        closed: &mut Vec<u32>,
    ) -> Result<Vec<Release>, Error> {
        let (policy, digest, today) = (in_force.signed.policy(), in_force.signed.digest(), now.day());
        if let Some(event) = self.strangers.turn(now) {
            state.journal.append(change, now, digest, event)?;
        }
        // An epoch whose keys were destroyed never opens again: what a copy has of it is gone, and partners think it closed.
        let open = |number: &u32| {
            policy.epoch(*number).is_some_and(|epoch| epoch.is_open(today)) && !self.keys.is_destroyed(*number)
        };
        for number in state.epochs.keys().copied().filter(|number| !open(number)).collect::<Vec<_>>() {
            if let Some(epoch) = state.epochs.remove(&number) {
                epoch.forget(number, change);
                state.journal.append(change, now, digest, Event::EpochClosed { epoch: number })?;
                closed.push(number);
            }
        }
        for number in policy.epochs.iter().map(|epoch| epoch.number).filter(open) {
            if let Entry::Vacant(vacant) = state.epochs.entry(number) {
                self.keys.draw(number)?;
                // Later openings of the same epoch, by a broker that was lost and made anew, have higher numbers.
                let row = EpochRow { release: now.0, as_of: now, looked: now, fresh: 0 };
                change.rows.push((Key::Epoch(number), Some(write_row(&row))));
                vacant.insert(Epoch::new(row));
                state.journal.append(change, now, digest, Event::EpochOpened { epoch: number })?;
            }
        }
        let mut releases = Vec::new();
        for number in state.epochs.keys().copied().collect::<Vec<_>>() {
            let Some(epoch) = state.epochs.get_mut(&number) else { continue };
            let Look { moment, due } = look(policy, epoch, now);
            if let Some(due) = due {
                releases.push(self.turn(state, in_force, number, due, moment, change)?);
            } else if moment > epoch.row.looked {
                epoch.row.looked = moment;
                change.rows.push((Key::Epoch(number), Some(write_row(&epoch.row))));
            }
        }
        if state.journal.turn_day(change, now, digest)? {
            // A crash between an epoch's rows and its keys leaves the keys: they go now.
            closed.extend(policy.epochs.iter().filter(|epoch| epoch.closes < today).map(|epoch| epoch.number));
        }
        Ok(releases)
    }

    /// Makes one release, and adds to `change` what is to be kept of it.
    pub(super) fn turn(
        &self,
        state: &mut State,
        in_force: &InForce,
        number: u32,
        due: Due,
        looked: Timestamp,
        change: &mut Change,
    ) -> Result<Release, Error> {
        let policy = in_force.signed.policy();
        let epoch = state.epochs.get(&number).ok_or(Error::StoreDamaged { finding: "an epoch is missing" })?;
        let mut next = release(policy, number, epoch, &state.partners, due);
        next.epoch.row.looked = looked;
        next.record(number, change);
        let epoch = next.epoch;
        let release = Release {
            epoch: number,
            number: epoch.row.release,
            as_of: due.as_of,
            full: due.full,
            flags: epoch.tally.released.values().copied().map(u64::from).sum(),
            tags: epoch.view.len() as u64,
        };
        let event = Event::Release { epoch: number, release: release.number, as_of: due.as_of, full: due.full };
        state.journal.append(change, due.as_of, in_force.signed.digest(), event)?;
        state.unpurged += next.gone_rows;
        state.epochs.insert(number, epoch);
        Ok(release)
    }
}

/// The moment of the last release, where `now` is further from it than the clock is trusted.
pub(super) fn clock_ahead(state: &State, now: Timestamp) -> Option<Timestamp> {
    state.as_of().filter(|as_of| now.since(*as_of) > LONGEST_SILENCE)
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
        change.added.extend(self.folded.iter().cloned());
    }
}

/// What there is to do in `epoch` at `now`.
fn look(policy: &Policy, epoch: &Epoch, now: Timestamp) -> Look {
    let turn = now.day().start();
    let expiry = (turn.day() > epoch.row.as_of.day()).then_some(Due { as_of: turn, full: false });
    let moment = latest_moment(policy, now);
    if policy.release.immediate {
        let behind = epoch.shares.iter().any(|(partner, share)| differs(&epoch.view, *partner, share, now.day()));
        return Look { moment, due: if behind { Some(Due { as_of: now, full: true }) } else { expiry } };
    }
    if moment <= epoch.row.looked || !enough_changed(policy, epoch, moment) {
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
    let tally = Arc::new(Tally::of(&view));

    let ended = with_ended(&epoch.view, today);
    let (mut superseded, mut folded, mut gone_rows) = (Vec::new(), Vec::new(), 0);
    for (partner, share) in &mut shares {
        if due.full {
            share.pending = Default::default();
            share.row.released = partners.get(partner).map_or(0, PartnerRow::accepted_state);
        }
        let name = |sequence| BatchId { epoch: number, partner: *partner, sequence };
        let before: usize = share.batches.iter().map(|stored| stored.rows).sum();
        if due.full {
            superseded.extend(supersede(&mut share.batches, share.parts.len()).into_iter().map(name));
        }
        if let Some(fold) = foldable(share, ended.contains(partner)) {
            let rows = rows_of(&view, *partner);
            superseded.extend(share.batches[..fold].iter().map(|stored| name(stored.sequence)));
            let last = share.batches[fold - 1].sequence;
            share.batches.splice(..fold, [Stored { sequence: last, part: Some((1, 1)), rows: rows.len() }]);
            folded.push(Batch { id: name(last), part: Some((1, 1)), rows });
        }
        gone_rows += before.saturating_sub(share.batches.iter().map(|stored| stored.rows).sum()) as u64;
    }
    for partner in &gone {
        superseded.extend(epoch.shares[partner].ids(number, *partner));
        gone_rows += epoch.shares[partner].batches.iter().map(|stored| stored.rows as u64).sum::<u64>();
    }
    for (partner, share) in &mut shares {
        // A wait begins with a change that is still to be shown, and not with one that is over.
        if !differs(&view, *partner, share, today) {
            share.row.changed_since = None;
        }
    }
    let held = held(&view, &shares);
    for (partner, share) in &mut shares {
        share.row.held = held.get(partner).copied().unwrap_or(0);
    }
    let row = EpochRow {
        release: epoch.row.release + 1,
        as_of: due.as_of,
        looked: epoch.row.looked,
        fresh: fresh(policy, &shares, due.as_of),
    };
    Released { epoch: Epoch { row, view, tally, shares }, superseded, folded, gone_rows, gone }
}

/// The latest multiple of the policy's interval that is not after `now`.
fn latest_moment(policy: &Policy, now: Timestamp) -> Timestamp {
    Timestamp(now.0 - now.0 % interval(policy))
}

fn interval(policy: &Policy) -> u64 {
    u64::from(policy.release.interval_hours.max(1)) * 3600
}

/// Whether what is held differs from what is released for enough organisations, or each for which it does waited long enough.
fn enough_changed(policy: &Policy, epoch: &Epoch, moment: Timestamp) -> bool {
    let mut changed: BTreeMap<&Slug, Option<Timestamp>> = BTreeMap::new();
    for (partner, share) in &epoch.shares {
        let Some(entry) = policy.partner(*partner) else { continue };
        if differs(&epoch.view, *partner, share, moment.day()) {
            let first = changed.entry(&entry.organisation).or_insert(share.row.changed_since);
            *first = (*first).min(share.row.changed_since);
        }
    }
    let wait = u64::from(policy.release.max_wait_days) * 86_400;
    let waited = |since: &Option<Timestamp>| since.is_some_and(|since| moment.since(since) >= wait);
    // One that waited must not take along one that did not: whoever waits on purpose would learn of the other's change alone.
    changed.len() >= usize::from(policy.release.min_changed.max(1))
        || (!changed.is_empty() && changed.values().all(waited))
}

/// Whether what `partner` holds differs from what is released of it, but for what ends before `today` anyhow.
fn differs(view: &View, partner: u16, share: &Share, today: Day) -> bool {
    let lasting = |span: Option<Span>| span.filter(|span| span.last >= today);
    share.pending.rows().iter().any(|row| lasting(span_of(view.holdings(&row.tag), partner)) != lasting(row.span))
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
///
/// Only when all is released: what is not may rest on what comes before it.
fn supersede(batches: &mut Vec<Stored>, unfinished: usize) -> Vec<u64> {
    let whole = batches.len() - unfinished;
    let last_part = batches[..whole].iter().rposition(|stored| stored.part.is_some_and(|(part, of)| part == of));
    let first_part = last_part.map_or(0, |at| at + 1 - usize::from(batches[at].part.map_or(1, |(_, of)| of)));
    batches.drain(..first_part).map(|stored| stored.sequence).collect()
}

/// How many batches from the first on are to become one: those that are released, when they say more than a quarter beyond the
/// first, or when flags of theirs `ended`, so that what has ended goes.
fn foldable(share: &Share, ended: bool) -> Option<usize> {
    let whole = share.batches.len() - share.parts.len();
    let released = share.batches[..whole].iter().take_while(|stored| stored.sequence <= share.row.released).count();
    let (first, rest) = share.batches[..released].split_first()?;
    let beyond: usize = rest.iter().map(|stored| stored.rows).sum();
    // A set in parts is one already, and its parts are no deltas.
    let deltas = rest.iter().any(|stored| stored.part.is_none());
    (ended || (deltas && beyond * 4 > first.rows)).then_some(released)
}

/// The partners of which a released flag ended before `today`.
fn with_ended(view: &View, today: Day) -> BTreeSet<u16> {
    let ended = view.iter().flat_map(|(_, holdings)| holdings.iter().filter(|holding| holding.span.last < today));
    ended.map(|holding| holding.partner).collect()
}

/// The released flags of a partner, by ascending tag.
fn rows_of(view: &View, partner: u16) -> Vec<Row> {
    let row = |(tag, holdings)| Some(Row { tag, span: Some(span_of(holdings, partner)?) });
    view.iter().filter_map(row).collect()
}

impl Epoch {
    /// Adds to `change` that all of this epoch goes.
    pub(super) fn forget(&self, number: u32, change: &mut Change) {
        change.rows.push((Key::Epoch(number), None));
        for (partner, share) in &self.shares {
            change.rows.push((Key::Share(number, *partner), None));
            change.removed.extend(share.ids(number, *partner));
        }
    }

    /// Forgets what its partners hold, as a store that was restored must: flags that were withdrawn since the copy must not come back.
    pub(super) fn recover(&mut self, number: u32, now: Timestamp, change: &mut Change) {
        for (partner, share) in &mut self.shares {
            change.removed.extend(share.ids(number, *partner));
            let row = ShareRow { recovering: true, asked: share.row.asked, ..ShareRow::default() };
            change.rows.push((Key::Share(number, *partner), Some(write_row(&row))));
            *share = Share { row, ..Share::default() };
        }
        self.view = Arc::new(View::empty());
        self.tally = Arc::default();
        let release = self.row.release.max(now.0) + 1;
        self.row = EpochRow { release, as_of: now, looked: now, fresh: 0 };
        change.rows.push((Key::Epoch(number), Some(write_row(&self.row))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_full_set_supersedes_what_came_before() {
        let stored = |sequence, part| Stored { sequence, part, rows: 1 };
        let mut batches = vec![
            stored(1, Some((1, 1))),
            stored(2, None),
            stored(3, Some((1, 2))),
            stored(4, Some((2, 2))),
            stored(5, None),
            stored(6, Some((1, 3))),
        ];
        assert_eq!(supersede(&mut batches, 1), [1, 2]);
        assert_eq!(batches.len(), 4);
        assert!(supersede(&mut batches, 1).is_empty());
        assert!(supersede(&mut vec![stored(1, None)], 0).is_empty());
    }
}
