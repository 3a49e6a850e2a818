//! What the broker knows: its rows in the ledger, and what is derived from them and the batches at open.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::sync::{Arc, OnceLock};

use super::journal::Journal;
use super::rows::{DAMAGED, EpochRow, PartnerRow, PolicyRow, ShareRow, read_row, write_row};
use super::view::{Cursor, Pending, PendingCursor, Turn, View};
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::error::Error;
use crate::policy::Policy;
use crate::store::{Batch, BatchId, Change, Key, Row, Span, Store};
use crate::tag::Tag;
use crate::threads::Threads;

/// The format of the rows and batches.
pub(super) const FORMAT: u32 = 1;

/// Everything, but for the keys.
#[derive(Default)]
pub(super) struct State {
    pub(super) journal: Journal,
    /// The release that is being made, by a number of its own. Until it is done, what partners hold stays as it is.
    pub(super) releasing: Option<u64>,
    /// Whether a change that is in here was not kept: then all is read anew from the store.
    pub(super) ahead: bool,
    /// Rows that went out of the store since the last purge: see [`State::gone`].
    pub(super) unpurged: u64,
    pub(super) partners: BTreeMap<u16, PartnerRow>,
    pub(super) epochs: BTreeMap<u32, Epoch>,
    /// When the store was put back from a copy, if it was.
    pub(super) restored: Option<Timestamp>,
}

/// An epoch: its release, its flags, and what each partner has there.
pub(super) struct Epoch {
    pub(super) row: EpochRow,
    /// What is released.
    pub(super) view: Arc<View>,
    /// Derived from the view.
    pub(super) tally: Arc<Tally>,
    pub(super) shares: BTreeMap<u16, Share>,
}

/// What one partner has in an epoch.
#[derive(Clone, Default)]
pub(super) struct Share {
    pub(super) row: ShareRow,
    /// What was accepted since the last full release.
    pub(super) pending: Pending,
    /// The rows of a full set whose last part has not come, by part.
    pub(super) parts: Vec<Arc<Vec<Row>>>,
    /// The batches in the store.
    pub(super) batches: Vec<Stored>,
}

/// A batch in the store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) sequence: u64,
    pub(super) part: Option<(u16, u16)>,
    /// How many rows it has.
    pub(super) rows: usize,
}

/// Released flags, counted.
#[derive(Default)]
pub(super) struct Tally {
    /// Flags of each partner that has any.
    pub(super) released: BTreeMap<u16, u32>,
    /// Tags with a flag.
    pub(super) tags: u64,
    /// How many organisations these partners are of, once somebody asked.
    sources: OnceLock<usize>,
}

/// Looks up what a partner holds, released or not, one tag after the other; at the least cost by ascending tag.
pub(super) struct Held<'a> {
    partner: u16,
    pending: Option<PendingCursor<'a>>,
    released: Option<Cursor<'a>>,
}

impl State {
    /// Derives the state from what a store holds, and says which policy was in force.
    pub(super) fn load(store: &dyn Store) -> Result<(State, Option<PolicyRow>), Error> {
        let mut state = State::default();
        let mut policy = None;
        let mut format = None;
        let mut shares: BTreeMap<(u32, u16), Share> = BTreeMap::new();
        for (key, value) in store.rows()? {
            match key {
                Key::Format => format = Some(read_row::<u32>(&value)?),
                Key::Policy => policy = Some(read_row(&value)?),
                Key::Partner(number) => {
                    state.partners.insert(number, read_row(&value)?);
                }
                Key::Epoch(number) => {
                    state.epochs.insert(number, Epoch::new(read_row(&value)?));
                }
                Key::Journal => state.journal.row = read_row(&value)?,
                // By ascending day: the last is the latest.
                Key::Checkpoint(day) => (state.journal.signed_on, state.journal.checkpoint) = (day, value),
                Key::Unpurged => state.unpurged = read_row(&value)?,
                Key::Restored => state.restored = Some(read_row(&value)?),
                Key::Share(epoch, partner) => {
                    let share = Share { row: read_row(&value)?, ..Share::default() };
                    shares.insert((epoch, partner), share);
                }
            }
        }
        if format.is_some_and(|format| format != FORMAT) {
            return Err(Error::StoreFormat { found: format.unwrap_or_default(), known: FORMAT });
        }
        let mut replays: BTreeMap<(u32, u16), Replay> = BTreeMap::new();
        let mut released: BTreeMap<u32, Vec<(u16, Pending)>> = BTreeMap::new();
        store.batches(&mut |batch| {
            let id = (batch.id.epoch, batch.id.partner);
            let share = shares.get_mut(&id).ok_or(DAMAGED)?;
            share.batches.push(Stored { sequence: batch.id.sequence, part: batch.part, rows: batch.rows.len() });
            replays.entry(id).or_default().apply(batch, share.row.released);
            Ok(())
        })?;
        for ((number, partner), mut share) in shares {
            let epoch = state.epochs.get_mut(&number).ok_or(DAMAGED)?;
            let today = epoch.row.as_of.day();
            if let Some(replay) = replays.remove(&(number, partner)) {
                let replayed = replay.finish(today);
                released.entry(number).or_default().push((partner, replayed.released));
                share.pending.push(replayed.pending);
                share.parts = replayed.parts;
            }
            epoch.shares.insert(partner, share);
        }
        for leaf in store.leaves()? {
            state.journal.log.append(Digest(leaf));
        }
        for (number, said) in released {
            let epoch = state.epochs.get_mut(&number).ok_or(DAMAGED)?;
            let said = said.iter().map(|(partner, said)| (*partner, said)).collect();
            let today = epoch.row.as_of.day();
            let (gone, threads) = (&BTreeSet::new(), &Threads::default());
            let turned = epoch.view.turn(&Turn { said, today, gone, renewed: &|_, _| None, threads });
            (epoch.view, epoch.tally) = (turned.view, Arc::new(turned.tally));
        }
        Ok((state, policy))
    }
}

impl State {
    /// The moment of the latest release of any epoch.
    pub(super) fn as_of(&self) -> Option<Timestamp> {
        self.epochs.values().map(|epoch| epoch.row.as_of).max()
    }

    /// Takes note that `rows` go out of the store, whose bytes a purge is to take out of its files: also one by another process.
    pub(super) fn gone(&mut self, rows: u64, change: &mut Change) {
        if rows > 0 {
            self.unpurged += rows;
            change.rows.retain(|(key, _)| *key != Key::Unpurged);
            change.rows.push((Key::Unpurged, Some(write_row(&self.unpurged))));
        }
    }

    /// The release in force in an epoch.
    pub(super) fn release(&self, epoch: u32) -> Option<u64> {
        self.epochs.get(&epoch).map(|epoch| epoch.row.release)
    }
}

impl Epoch {
    pub(super) fn new(row: EpochRow) -> Epoch {
        Epoch { row, view: View::empty(), tally: Arc::default(), shares: BTreeMap::new() }
    }

    /// The epoch, with the share of one partner.
    pub(super) fn with_share_of(&self, partner: u16) -> Epoch {
        let share = self.shares.get(&partner).map(|share| (partner, share.clone()));
        Epoch {
            row: self.row.clone(),
            view: Arc::clone(&self.view),
            tally: Arc::clone(&self.tally),
            shares: share.into_iter().collect(),
        }
    }

    /// The epoch as it is.
    pub(super) fn with_all_shares(&self) -> Epoch {
        Epoch { shares: self.shares.clone(), ..self.with_share_of(0) }
    }

    /// Looks up what `partner` holds, released or not.
    pub(super) fn held(&self, partner: u16) -> Held<'_> {
        let pending = self.shares.get(&partner).map(|share| share.pending.cursor());
        // Most partners that say all for the first time have none: then the view need not be looked into.
        let released = self.tally.released.contains_key(&partner).then(|| self.view.cursor());
        Held { partner, pending, released }
    }

    /// All flags that `partner` holds, released or not, by ascending tag.
    pub(super) fn all_held(&self, partner: u16) -> impl Iterator<Item = (Tag, Span)> {
        let pending = self.shares.get(&partner).into_iter().flat_map(|share| share.pending.rows());
        // As above.
        let released = self.tally.released.contains_key(&partner).then(|| self.view.flags_of(partner));
        overruled(released.into_iter().flatten(), pending)
    }
}

impl Held<'_> {
    /// How long the flag on `tag` lasts, if there is one.
    pub(super) fn get(&mut self, tag: &Tag) -> Option<Span> {
        let said = self.pending.as_mut().and_then(|pending| pending.get(tag));
        said.unwrap_or_else(|| self.released.as_mut()?.span_of(tag, self.partner))
    }
}

impl Share {
    /// The names of its batches.
    pub(super) fn ids(&self, epoch: u32, partner: u16) -> impl Iterator<Item = BatchId> {
        self.batches.iter().map(move |stored| BatchId { epoch, partner, sequence: stored.sequence })
    }
}

impl Tally {
    pub(super) fn new(released: BTreeMap<u16, u32>, tags: u64) -> Tally {
        Tally { released, tags, sources: OnceLock::new() }
    }

    /// How many organisations hold released flags, under the policy of the release.
    pub(super) fn sources(&self, policy: &Policy) -> usize {
        let organisation = |partner: &u16| Some(&policy.partner(*partner)?.organisation);
        let organisations = || self.released.keys().filter_map(organisation).collect::<BTreeSet<_>>().len();
        *self.sources.get_or_init(organisations)
    }
}

/// Puts together what the batches of one partner say, as they came.
#[derive(Default)]
struct Replay {
    /// What the batches up to the last full release say, once one came that is later.
    released: Option<Pending>,
    said: Pending,
    parts: Vec<Arc<Vec<Row>>>,
}

/// What the batches of one partner come to.
struct Replayed {
    /// Released flags; those that ended, and withdrawals, are no flags.
    released: Pending,
    /// What overrules it.
    pending: Vec<Row>,
    /// The parts of an unfinished full set.
    parts: Vec<Arc<Vec<Row>>>,
}

impl Replay {
    fn apply(&mut self, batch: Batch, released: u64) {
        if batch.id.sequence > released && self.released.is_none() {
            self.released = Some(self.said.clone());
        }
        let Some((part, of)) = batch.part else {
            self.parts.clear();
            self.said.push(batch.rows);
            return;
        };
        if part == 1 {
            self.parts.clear();
        }
        if part < of {
            self.parts.push(Arc::new(batch.rows));
            return;
        }
        let mut parts = std::mem::take(&mut self.parts);
        parts.push(Arc::new(batch.rows));
        self.said = Pending::of_parts(parts);
    }

    fn finish(self, today: Day) -> Replayed {
        let Some(released) = self.released else {
            return Replayed { released: self.said, pending: Vec::new(), parts: self.parts };
        };
        let now = flags(&self.said);
        let mut released = flags(&released);
        let pending = differences(&released, &now, today);
        released.retain_mut(|(tag, span)| {
            if span.last < today {
                // A flag that ended but was renewed before it did stays, as it did when the day turned.
                match find(&now, tag).filter(|renewed| renewed.last >= today) {
                    Some(renewed) => *span = renewed,
                    None => return false,
                }
            }
            true
        });
        let mut flags = Pending::default();
        flags.push(released.into_iter().map(|(tag, span)| Row { tag, span: Some(span) }).collect());
        Replayed { released: flags, pending, parts: self.parts }
    }
}

/// The flags that are left, by ascending tag.
fn flags(said: &Pending) -> Vec<(Tag, Span)> {
    said.rows().filter_map(|row| Some((row.tag, row.span?))).collect()
}

fn find(rows: &[(Tag, Span)], tag: &Tag) -> Option<Span> {
    let at = rows.binary_search_by_key(tag, |row| row.0).ok()?;
    Some(rows[at].1)
}

/// What turns `before` into `after`, but for flags that ended before `today`.
fn differences(before: &[(Tag, Span)], after: &[(Tag, Span)], today: Day) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut before = before.iter().peekable();
    let gone = |(tag, _): &(Tag, Span)| Row { tag: *tag, span: None };
    for (tag, span) in after {
        while let Some(was) = before.next_if(|was| was.0 < *tag) {
            rows.push(gone(was));
        }
        let was = before.next_if(|was| was.0 == *tag);
        if was.is_none_or(|was| was.1 != *span) {
            let row = Row { tag: *tag, span: Some(*span) };
            rows.push(if row.ended(today) { gone(&(*tag, *span)) } else { row });
        }
    }
    rows.extend(before.map(gone));
    rows
}

/// `released` with what `pending` says instead, both by ascending tag.
fn overruled(
    released: impl Iterator<Item = (Tag, Span)>,
    pending: impl Iterator<Item = Row>,
) -> impl Iterator<Item = (Tag, Span)> {
    let (mut released, mut pending) = (released.peekable(), pending.peekable());
    iter::from_fn(move || {
        loop {
            let said = match (released.peek(), pending.peek()) {
                (Some((tag, _)), Some(said)) if said.tag > *tag => return released.next(),
                (Some((tag, _)), Some(said)) => {
                    if said.tag == *tag {
                        released.next();
                    }
                    pending.next()?
                }
                (_, None) => return released.next(),
                (None, Some(_)) => pending.next()?,
            };
            if let Some(span) = said.span {
                return Some((said.tag, span));
            }
        }
    })
}
