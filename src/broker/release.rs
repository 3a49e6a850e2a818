//! Releases: when accepted flags become visible, and when flags end. SPEC.md 5.7.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, MutexGuard};

use super::rows::{EpochRow, ShareRow, write_row};
use super::state::{Epoch, Share, State, Stored, Tally};
use super::view::{Turn, Turned, View};
use super::{Broker, InForce, Release};
use crate::audit::Event;
use crate::day::{Day, Timestamp};
use crate::error::Error;
use crate::policy::Policy;
use crate::slug::Slug;
use crate::store::{Batch, BatchId, BlobKeys, Change, Key, Row, Span, Staged, Store};
use crate::tag::Tag;
use crate::threads::Threads;

/// A release that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// The moment that the release speaks of.
    pub(super) as_of: Timestamp,
    /// Whether accepted flags become visible, or flags only end.
    pub(super) full: bool,
    /// The latest moment that was looked at for a full release.
    pub(super) looked: Timestamp,
}

/// What there is to do at a time.
struct Look {
    /// The latest moment at which a full release could be; each is looked at once, so that nothing accepted after it shows with it.
    moment: Timestamp,
    due: Option<Due>,
}

/// A release of one epoch that was decided on.
pub(super) struct Plan {
    number: u32,
    due: Due,
    /// The epoch as it is. Until the release is done, nothing of it changes but what questions cost.
    epoch: Epoch,
    /// The last state number that was accepted of each partner.
    accepted: BTreeMap<u16, u64>,
}

/// A release that was made, and is not in force yet.
pub(super) struct Prepared {
    number: u32,
    due: Due,
    view: Arc<View>,
    tally: Arc<Tally>,
    row: EpochRow,
    /// The shares after it, of the partners that are in the roster.
    shares: BTreeMap<u16, Share>,
    /// The batches that it no longer needs.
    superseded: Vec<BatchId>,
    /// The batches that stand for others now.
    folded: Vec<Staged>,
    /// How many rows go out of the store.
    gone_rows: u64,
    /// Partners that are in the roster no longer.
    gone: BTreeSet<u16>,
}

/// A set that takes the place of a partner's batches, in parts.
struct Fold {
    partner: u16,
    /// A name for each part.
    names: Vec<BatchId>,
    /// How many rows a part has, but for the last ones, that may have fewer.
    part_rows: usize,
    /// How many parts are written.
    begun: usize,
    /// The rows of the next part.
    rows: Vec<Row>,
}

/// A broker that made no release for so long does not trust the clock: a wrong one would end flags and destroy keys.
const LONGEST_SILENCE: u64 = 3 * 86_400;

/// Threads that read the clock by turns may come so many seconds late.
const CLOCKS_APART: u64 = 60;

/// The most rows of a batch that stands for others, where there are names enough for so many batches.
const FOLDED_ROWS: usize = 100_000;

/// How many rows are put together at a time: a row that is sealed needs some sixty bytes of memory.
const FOLDED_TOGETHER: usize = 4 * FOLDED_ROWS;

impl Broker {
    /// Does what is due at `now`: opens and closes epochs, makes releases, closes the day's books. Puts it in line for the disk.
    ///
    /// Nothing is done where the clock is further ahead than it can be trusted, nor while somebody else makes a release: who
    /// does not wait for that with [`Broker::state_at_rest`] goes on with the release in force. The state is let go of while
    /// a release is made.
    pub(super) fn tick<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        in_force: &InForce,
        now: Timestamp,
    ) -> Result<(MutexGuard<'a, State>, Vec<Release>), Error> {
        if let Some(as_of) = state.as_of().filter(|as_of| now < *as_of) {
            // Another thread that read the clock later may have made that release.
            let late = as_of.since(now) <= CLOCKS_APART;
            return if late { Ok((state, Vec::new())) } else { Err(Error::Clock { now, as_of }) };
        }
        match clock_ahead(&state, now) {
            None if state.releasing.is_some() => Ok((state, Vec::new())),
            Some(as_of) => {
                // Partners are answered; the operator is told.
                let _ = self.noted::<()>(Err(Error::ClockAhead { now, as_of }));
                Ok((state, Vec::new()))
            }
            None => self.tick_trusting(state, in_force, now, Change::default()),
        }
    }

    /// As [`Broker::tick`], whatever the clock says, and nobody else makes a release; `change` has what is to be kept with it.
    pub(super) fn tick_trusting<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        in_force: &InForce,
        now: Timestamp,
        change: Change,
    ) -> Result<(MutexGuard<'a, State>, Vec<Release>), Error> {
        let (mut state, releases) = self.tick_unsigned(state, in_force, now, change)?;
        self.sign_log(&mut state, in_force)?;
        Ok((state, releases))
    }

    /// As [`Broker::tick_trusting`], but that the log is not signed.
    pub(super) fn tick_unsigned<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        in_force: &InForce,
        now: Timestamp,
        mut change: Change,
    ) -> Result<(MutexGuard<'a, State>, Vec<Release>), Error> {
        let mut closed = Vec::new();
        let due = self.open_and_close(&mut state, in_force, now, &mut change, &mut closed);
        let due = due.inspect_err(|_| state.ahead = true)?;
        let mut releases = Vec::new();
        for (number, due) in due {
            self.keep(&mut state, &mut change, &mut closed)?;
            let (after, release) = self.turn_apart(state, in_force, number, due, now)?;
            state = after;
            match release {
                Some(release) => releases.push(release),
                // All was read anew from the store meanwhile: what is due is for the next to find.
                None => return Ok((state, releases)),
            }
        }
        let books = self.close_the_books(&mut state, in_force, now, &mut change, &mut closed);
        books.inspect_err(|_| state.ahead = true)?;
        self.keep(&mut state, &mut change, &mut closed)?;
        Ok((state, releases))
    }

    /// Puts a change in line for the disk, and destroys the keys of the epochs that `closed` with it.
    fn keep(&self, state: &mut State, change: &mut Change, closed: &mut Vec<u32>) -> Result<(), Error> {
        let change = std::mem::take(change);
        if change.rows.is_empty() && change.lines.is_empty() {
            return Ok(());
        }
        let ticket = self.submit(state, &change)?;
        if !closed.is_empty() {
            // Rows without keys could not be opened again, so the keys go when the rows are gone.
            self.store.wait(ticket).inspect_err(|_| state.ahead = true)?;
            closed.drain(..).try_for_each(|number| self.keys.destroy(number))?;
        }
        Ok(())
    }

    /// Opens and closes epochs, and says which releases are due.
    fn open_and_close(
        &self,
        state: &mut State,
        in_force: &InForce,
        now: Timestamp,
        change: &mut Change,
        closed: &mut Vec<u32>,
    ) -> Result<Vec<(u32, Due)>, Error> {
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
                state.gone(epoch.rows(), change);
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
        let mut dues = Vec::new();
        for (number, epoch) in &mut state.epochs {
            let Look { moment, due } = look(policy, epoch, now);
            if let Some(due) = due {
                dues.push((*number, due));
            } else if moment > epoch.row.looked {
                epoch.row.looked = moment;
                change.rows.push((Key::Epoch(*number), Some(write_row(&epoch.row))));
            }
        }
        Ok(dues)
    }

    fn close_the_books(
        &self,
        state: &mut State,
        in_force: &InForce,
        now: Timestamp,
        change: &mut Change,
        closed: &mut Vec<u32>,
    ) -> Result<(), Error> {
        let (policy, today) = (in_force.signed.policy(), now.day());
        if state.journal.turn_day(change, now, in_force.signed.digest())? {
            // A crash between an epoch's rows and its keys leaves the keys: they go now.
            closed.extend(policy.epochs.iter().filter(|epoch| epoch.closes < today).map(|epoch| epoch.number));
        }
        Ok(())
    }

    /// Makes one release while others go on with the one in force; `None` where the state was read anew meanwhile.
    fn turn_apart<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        in_force: &InForce,
        number: u32,
        due: Due,
        now: Timestamp,
    ) -> Result<(MutexGuard<'a, State>, Option<Release>), Error> {
        let plan = Plan::of(&state, number, due)?;
        let making = self.begin_making(&mut state);
        drop(state);
        let prepared = plan.prepare(in_force.signed.policy(), &*self.store, &self.threads)?;
        let mut state = self.state()?;
        if !making.end(&mut state) {
            return Ok((state, None));
        }
        let mut change = Change::default();
        let release = prepared.put_in_force(&mut state, in_force, now, &mut change);
        let release = release.inspect_err(|_| state.ahead = true)?;
        self.submit(&mut state, &change)?;
        Ok((state, Some(release)))
    }

    /// Makes one release while all others wait, and adds to `change` what is to be kept of it.
    pub(super) fn turn(
        &self,
        state: &mut State,
        in_force: &InForce,
        number: u32,
        due: Due,
        now: Timestamp,
        change: &mut Change,
    ) -> Result<Release, Error> {
        let plan = Plan::of(state, number, due)?;
        plan.prepare(in_force.signed.policy(), &*self.store, &self.threads)?.put_in_force(state, in_force, now, change)
    }
}

impl Fold {
    /// Writes the next part.
    fn stage(&mut self, store: &dyn Store) -> Result<Staged, Error> {
        let (id, of) = (self.names[self.begun], self.names.len() as u16);
        self.begun += 1;
        let rows = std::mem::take(&mut self.rows);
        store.stage(&Batch { id, part: Some((self.begun as u16, of)), rows })
    }
}

/// The moment of the last release, where `now` is further from it than the clock is trusted.
pub(super) fn clock_ahead(state: &State, now: Timestamp) -> Option<Timestamp> {
    state.as_of().filter(|as_of| now.since(*as_of) > LONGEST_SILENCE)
}

impl Plan {
    fn of(state: &State, number: u32, due: Due) -> Result<Plan, Error> {
        let epoch = state.epochs.get(&number).ok_or(Error::StoreDamaged { finding: "an epoch is missing" })?;
        let accepted = state.partners.iter().map(|(partner, row)| (*partner, row.accepted_state())).collect();
        Ok(Plan { number, due, epoch: epoch.with_all_shares(), accepted })
    }

    /// Makes the release: all of its work, of which nothing shows yet.
    fn prepare(self, policy: &Policy, store: &dyn Store, threads: &Threads) -> Result<Prepared, Error> {
        let Plan { number, due, epoch, accepted } = self;
        let today = due.as_of.day();
        let in_roster = |partner: u16| policy.partner(partner).is_some();
        let (mut shares, leavers): (Vec<(u16, Share)>, Vec<_>) =
            epoch.shares.into_iter().partition(|(partner, _)| in_roster(*partner));
        for (_, share) in &mut shares {
            share.pending.expire(today);
        }
        let renewed = |partner: u16, tag: &Tag| {
            let at = shares.binary_search_by_key(&partner, |(partner, _)| *partner).ok()?;
            shares[at].1.pending.get(tag)?
        };
        let said = shares.iter().filter(|_| due.full).map(|(partner, share)| (*partner, &share.pending));
        let gone = leavers.iter().map(|(partner, _)| *partner).collect();
        let turn = Turn { said: said.collect(), today, gone: &gone, renewed: &renewed, threads };
        let Turned { view, tally, ended } = epoch.view.turn(&turn);
        let mut prepared = Prepared {
            number,
            due,
            row: EpochRow {
                release: epoch.row.release + 1,
                as_of: due.as_of,
                looked: due.looked,
                fresh: fresh(policy, &shares, due.as_of),
            },
            view,
            tally: Arc::new(tally),
            shares: BTreeMap::new(),
            superseded: Vec::new(),
            folded: Vec::new(),
            gone_rows: 0,
            gone,
        };
        for (partner, share) in &leavers {
            prepared.superseded.extend(share.ids(number, *partner));
            prepared.gone_rows += share.batches.iter().map(|stored| stored.rows as u64).sum::<u64>();
        }
        let mut folds = Vec::new();
        for (partner, mut share) in shares {
            if due.full {
                share.pending = Default::default();
                share.row.released = accepted.get(&partner).copied().unwrap_or(0);
            }
            folds.extend(prepared.choose(partner, &mut share, ended.contains(&partner)));
            let released = prepared.tally.released.get(&partner).copied().unwrap_or(0);
            let (differs, held) = compare(&prepared.view, partner, &share, released, today);
            share.row.held = held;
            // A wait begins with a change that is still to be shown, and not with one that is over.
            share.row.changed_since = share.row.changed_since.filter(|_| differs);
            prepared.shares.insert(partner, share);
        }
        prepared.fold(folds, store)?;
        Ok(prepared)
    }
}

impl Prepared {
    /// Lets go of a partner's batches that say nothing more, and says which are worth it that one set takes their place.
    fn choose(&mut self, partner: u16, share: &mut Share, ended: bool) -> Option<Fold> {
        let epoch = self.number;
        let name = |sequence| BatchId { epoch, partner, sequence };
        let before: usize = share.batches.iter().map(|stored| stored.rows).sum();
        if self.due.full {
            self.superseded.extend(supersede(&mut share.batches, share.parts.len()).into_iter().map(name));
        }
        let fold = foldable(share, ended).map(|fold| {
            self.superseded.extend(share.batches[..fold].iter().map(|stored| name(stored.sequence)));
            let rows = self.tally.released.get(&partner).copied().unwrap_or(0) as usize;
            // Each part takes the place, and the name, of a batch.
            let parts = rows.div_ceil(FOLDED_ROWS).clamp(1, fold);
            let names: Vec<BatchId> = share.batches[fold - parts..fold].iter().map(|it| name(it.sequence)).collect();
            let part_rows = rows.div_ceil(parts);
            let stored = |(number, id): (usize, &BatchId)| {
                let rows = part_rows.min(rows.saturating_sub(number * part_rows));
                Stored { sequence: id.sequence, part: Some((number as u16 + 1, parts as u16)), rows }
            };
            share.batches.splice(..fold, names.iter().enumerate().map(stored));
            Fold { partner, names, part_rows, begun: 0, rows: Vec::new() }
        });
        let after: usize = share.batches.iter().map(|stored| stored.rows).sum();
        self.gone_rows += before.saturating_sub(after) as u64;
        fold
    }

    /// Writes the sets that take the place of batches: as many at a time, with one walk through the view, as memory is for.
    fn fold(&mut self, mut folds: Vec<Fold>, store: &dyn Store) -> Result<(), Error> {
        while !folds.is_empty() {
            let mut together = 0;
            let fitting = folds.iter().take_while(|fold| {
                together += fold.part_rows;
                together <= FOLDED_TOGETHER
            });
            let mut group: Vec<Fold> = folds.drain(..fitting.count().max(1)).collect();
            let mut places = vec![None; 1 << 16];
            group.iter().enumerate().for_each(|(place, fold)| places[usize::from(fold.partner)] = Some(place));
            let mut staged = Ok(());
            self.view.each_flag(|tag, flag| {
                let Some(place) = places[usize::from(flag.partner)].filter(|_| staged.is_ok()) else { return };
                let fold = &mut group[place];
                if fold.rows.is_empty() {
                    fold.rows.reserve_exact(fold.part_rows);
                }
                fold.rows.push(Row { tag, span: Some(flag.span) });
                if fold.rows.len() == fold.part_rows {
                    staged = fold.stage(store).map(|part| self.folded.push(part));
                }
            });
            staged?;
            for fold in &mut group {
                while fold.begun < fold.names.len() {
                    self.folded.push(fold.stage(store)?);
                }
            }
        }
        Ok(())
    }

    /// Puts the release in force, and adds to `change` what is to be kept of it.
    ///
    /// `now` is when, which may be long after the moment that the release speaks of.
    fn put_in_force(
        self,
        state: &mut State,
        in_force: &InForce,
        now: Timestamp,
        change: &mut Change,
    ) -> Result<Release, Error> {
        let (number, due) = (self.number, self.due);
        let epoch = state.epochs.get_mut(&number).ok_or(Error::StoreDamaged { finding: "an epoch is missing" })?;
        let release = Release {
            epoch: number,
            number: self.row.release,
            as_of: due.as_of,
            full: due.full,
            flags: self.tally.released.values().copied().map(u64::from).sum(),
            tags: self.tally.tags,
        };
        change.rows.push((Key::Epoch(number), Some(write_row(&self.row))));
        (epoch.row, epoch.view, epoch.tally) = (self.row, self.view, self.tally);
        for partner in self.gone {
            epoch.shares.remove(&partner);
            change.rows.push((Key::Share(number, partner), None));
        }
        for (partner, mut share) in self.shares {
            if let Some(now) = epoch.shares.get(&partner) {
                // Questions were answered meanwhile.
                let ShareRow { asked, free_in, free, .. } = now.row;
                share.row = ShareRow { asked, free_in, free, ..share.row };
            }
            change.rows.push((Key::Share(number, partner), Some(write_row(&share.row))));
            epoch.shares.insert(partner, share);
        }
        change.removed.extend(self.superseded);
        change.staged.extend(self.folded);
        let event = Event::Release { epoch: number, release: release.number, as_of: due.as_of, full: due.full };
        state.journal.append(change, now, in_force.signed.digest(), event)?;
        state.gone(self.gone_rows, change);
        Ok(release)
    }
}

/// What there is to do in `epoch` at `now`.
fn look(policy: &Policy, epoch: &Epoch, now: Timestamp) -> Look {
    let turn = now.day().start();
    let moment = latest_moment(policy, now);
    let due = |as_of, full| Some(Due { as_of, full, looked: moment });
    let expiry = (turn.day() > epoch.row.as_of.day()).then_some(turn);
    let only_expiry = expiry.and_then(|turn| due(turn, false));
    if policy.release.immediate {
        let behind = epoch.shares.iter().any(|(partner, share)| differs(&epoch.view, *partner, share, now.day()));
        return Look { moment, due: if behind { due(now, true) } else { only_expiry } };
    }
    if moment <= epoch.row.looked || !enough_changed(policy, epoch, moment) {
        return Look { moment, due: only_expiry };
    }
    Look { moment, due: due(expiry.map_or(moment, |turn| turn.max(moment)), true) }
}

/// The earliest moment after `now` at which there can be another release.
pub(super) fn next_possible(policy: &Policy, now: Timestamp) -> Timestamp {
    let midnight = now.day().plus(1).start();
    if policy.release.immediate {
        return now;
    }
    midnight.min(latest_moment(policy, now).plus(interval(policy)))
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
    let mut released = view.cursor();
    share.pending.rows().any(|row| is_news(released.span_of(&row.tag, partner), row.span, today))
}

/// As [`differs`]; and how many flags `partner` holds, of which so many are `released`.
fn compare(view: &View, partner: u16, share: &Share, released: u32, today: Day) -> (bool, u32) {
    let mut cursor = view.cursor();
    let (mut differs, mut held) = (false, released);
    for row in share.pending.rows() {
        let was = cursor.span_of(&row.tag, partner);
        differs |= is_news(was, row.span, today);
        held = held + u32::from(row.span.is_some()) - u32::from(was.is_some());
    }
    (differs, held)
}

fn is_news(was: Option<Span>, is: Option<Span>, today: Day) -> bool {
    let lasting = |span: Option<Span>| span.filter(|span| span.last >= today);
    lasting(was) != lasting(is)
}

/// How many organisations were heard of within the policy's window before `as_of`.
fn fresh(policy: &Policy, shares: &[(u16, Share)], as_of: Timestamp) -> u16 {
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

/// How many batches from the first on are to become one set: those that are released, when deltas say more than a quarter of
/// what the set before them says, or when flags of theirs `ended`, so that what has ended goes.
fn foldable(share: &Share, ended: bool) -> Option<usize> {
    let whole = share.batches.len() - share.parts.len();
    let released = share.batches[..whole].iter().take_while(|stored| stored.sequence <= share.row.released).count();
    let (mut set, mut deltas) = (0, 0);
    for stored in &share.batches[..released] {
        *if stored.part.is_some() { &mut set } else { &mut deltas } += stored.rows;
    }
    (released > 0 && (ended || deltas * 4 > set)).then_some(released)
}

impl Epoch {
    /// How many rows the store has of it.
    pub(super) fn rows(&self) -> u64 {
        self.shares.values().flat_map(|share| &share.batches).map(|stored| stored.rows as u64).sum()
    }

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
            let row = ShareRow { asked: share.row.asked, ..ShareRow::default() };
            change.rows.push((Key::Share(number, *partner), Some(write_row(&row))));
            *share = Share { row, ..Share::default() };
        }
        self.view = View::empty();
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
