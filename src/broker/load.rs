//! Derives the broker's state from what its store holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::certificates::Certificates;
use super::index::{Changes, Effect, Pending};
use super::join::join;
use super::rows::{DAMAGED, PolicyRow, read_row};
use super::state::{Account, BrokerState, OpenEpoch, StoredBatch};
use crate::audit::Line;
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::store::{Batch, Key, Row, Span, Store, StoreError};
use crate::tag::Tag;
use crate::threads::Threads;

/// The format of the rows and batches.
pub(super) const FORMAT: u32 = 1;

/// What a store holds.
pub(super) struct Loaded {
    pub(super) state: BrokerState,
    /// The row of the policy in force; `None` in a store that is not whole.
    pub(super) policy: Option<PolicyRow>,
    pub(super) certificates: Certificates,
}

pub(super) fn load(store: &dyn Store) -> Result<Loaded, StoreError> {
    let mut state = BrokerState::default();
    let mut policy = None;
    let mut certificates = Certificates::default();
    let mut accounts: BTreeMap<(u32, u16), Account> = BTreeMap::new();
    for (key, value) in store.rows()? {
        match key {
            // The lowest key: it comes before any row that another format may write in another way.
            Key::Format => refuse_other_format(read_row(&value)?)?,
            Key::Policy => {
                let row: PolicyRow = read_row(&value)?;
                state.log.last = state.log.last.max(row.adopted);
                policy = Some(row);
            }
            Key::Partner(number) => {
                state.partners.insert(number, read_row(&value)?);
            }
            // Rows come by ascending key.
            Key::Organisation(_) => state.organisations.push(read_row(&value)?),
            Key::Epoch(number) => {
                state.epochs.insert(number, OpenEpoch::new(read_row(&value)?));
            }
            Key::LogCounts => state.log.row = read_row(&value)?,
            Key::Checkpoint(day) => {
                // Rows come by ascending day, so that the latest stays.
                state.log.signed_on = day;
                state.log.checkpoint = value;
            }
            Key::Silence => state.silence = Some(read_row(&value)?),
            Key::Unpurged => state.unpurged = read_row(&value)?,
            Key::Restored => state.log.restored = read_row(&value)?,
            Key::Certificates(epoch, partner) => certificates.load((epoch, partner), read_row(&value)?),
            Key::Introduced
            | Key::PutForward(..)
            | Key::Asked(_)
            | Key::Conversations(..)
            | Key::Mailbox(_)
            | Key::Entries(..)
            | Key::Notes(..)
            | Key::LastTalk(..)
            | Key::Year(..) => state.meet.load(key, &value)?,
            Key::Share(epoch, partner) => {
                let account = Account { row: read_row(&value)?, ..Account::default() };
                state.log.last = state.log.last.max(account.row.heard.unwrap_or_default());
                accounts.insert((epoch, partner), account);
            }
        }
    }
    state.meet.refuse_other_epochs(|epoch| state.epochs.contains_key(&epoch))?;
    let mut replays: BTreeMap<(u32, u16), Replay> = BTreeMap::new();
    store.batches(&mut |batch| {
        let id = (batch.id.epoch, batch.id.partner);
        let account = accounts.get_mut(&id).ok_or(DAMAGED)?;
        let rows = batch.rows.len();
        account.batches.push(StoredBatch { sequence: batch.id.sequence, part: batch.part, rows });
        replays.entry(id).or_default().apply(batch, account.row.released_through)
    })?;
    let mut released: BTreeMap<u32, Vec<(u16, Pending)>> = BTreeMap::new();
    for ((number, partner), mut account) in accounts {
        let epoch = state.epochs.get_mut(&number).ok_or(DAMAGED)?;
        if let Some(replay) = replays.remove(&(number, partner)) {
            let flags = replay.finish(&mut account)?;
            released.entry(number).or_default().push((partner, flags));
        }
        epoch.accounts.insert(partner, account);
    }
    for leaf in store.leaves()? {
        state.log.tree.append(Digest(leaf));
    }
    let size = state.log.tree.size();
    for (_, line) in store.lines(size.saturating_sub(1)..size)? {
        state.log.last = state.log.last.max(Line::parse(&line).map_or(Timestamp(0), |line| line.time));
    }
    for (number, flags) in released {
        let epoch = state.epochs.get_mut(&number).ok_or(DAMAGED)?;
        let pending = flags.iter().map(|(partner, flags)| (*partner, flags)).collect();
        let today = epoch.row.as_of.day();
        let (gone, threads) = (&BTreeSet::new(), &Threads::default());
        let changes = Changes { pending, effect: Effect::Everything, today, gone, threads };
        let rebuilt = epoch.index.rebuild(&changes);
        epoch.index = rebuilt.index;
        epoch.tally = Arc::new(rebuilt.tally);
    }
    Ok(Loaded { state, policy, certificates })
}

fn refuse_other_format(found: u32) -> Result<(), StoreError> {
    if found == FORMAT { Ok(()) } else { Err(StoreError::StoreFormat { found, known: FORMAT }) }
}

/// Puts together what the batches of one partner say, taken by ascending sequence.
#[derive(Default)]
struct Replay {
    /// What the batches up to the last full release say, once a later one has come.
    released: Option<Pending>,
    said: Pending,
    /// The parts of a full set whose last part has not come, and of how many it is.
    parts: Vec<Arc<Vec<Row>>>,
    of: u16,
}

const TORN: StoreError = StoreError::StoreDamaged { finding: "the parts of a full set do not belong together" };

impl Replay {
    /// Takes the next batch. Refuses what no broker writes: a set that lacks a part, has another batch in its midst, or
    /// is released in part.
    fn apply(&mut self, batch: Batch, released_through: u64) -> Result<(), StoreError> {
        let is_between_sets = self.parts.is_empty();
        if batch.id.sequence > released_through && self.released.is_none() {
            self.released = if is_between_sets { Some(self.said.clone()) } else { return Err(TORN) };
        }
        let Some((part, of)) = batch.part else {
            self.said.push(batch.rows);
            return if is_between_sets { Ok(()) } else { Err(TORN) };
        };
        let is_next = usize::from(part) == self.parts.len() + 1 && part <= of && (is_between_sets || of == self.of);
        if !is_next {
            return Err(TORN);
        }
        self.of = of;
        self.parts.push(Arc::new(batch.rows));
        if part == of {
            self.said = Pending::of_parts(std::mem::take(&mut self.parts));
        }
        Ok(())
    }

    /// Gives the account what its partner's batches come to, and returns the released flags.
    fn finish(self, account: &mut Account) -> Result<Pending, StoreError> {
        if self.released.is_none() && !self.parts.is_empty() {
            return Err(TORN);
        }
        account.parts = self.parts;
        let ended = account.row.ended;
        if self.released.is_none() && ended.is_none() {
            return Ok(self.said);
        }
        let released = self.released.unwrap_or_else(|| self.said.clone());
        let mut pending = Vec::new();
        for (tag, was, said) in join(spans(&released), spans(&self.said)) {
            let is = said.map(|span| ended.map_or(span, |day| span.withdrawn(day)));
            // What a full set says nothing of was forgotten when it came.
            pending.extend(is.filter(|_| was != is).map(|span| Row { tag, span }));
        }
        account.pending.push(pending);
        Ok(released)
    }
}

/// What is said, by ascending tag.
fn spans(said: &Pending) -> impl Iterator<Item = (Tag, Span)> {
    said.rows().map(|row| (row.tag, row.span))
}

#[cfg(test)]
mod tests {
    use super::super::rows::{EpochRow, ShareRow, write_row};
    use super::*;
    use crate::store::{BatchId, Change, MemoryStore};

    /// Whether a store loads that has these batches of one partner, of which those up to a number are released.
    fn loads(batches: &[(u64, Option<(u16, u16)>)], released_through: u64) -> bool {
        let store = MemoryStore::default();
        let now = Timestamp(1_796_126_400);
        let epoch = EpochRow { release: 1, as_of: now, considered: now, fresh: 0, waits_since: None };
        let share = ShareRow { delivered: true, released_through, ..ShareRow::default() };
        let rows = vec![(Key::Epoch(1), Some(write_row(&epoch))), (Key::Share(1, 2), Some(write_row(&share)))];
        let batch = |(sequence, part): &(u64, Option<(u16, u16)>)| {
            let id = BatchId { epoch: 1, partner: 2, sequence: *sequence };
            store.stage(&Batch { id, part: *part, rows: Vec::new() }).unwrap()
        };
        let added = batches.iter().map(batch).collect();
        store.submit(Change { rows, added, ..Change::default() }).unwrap();
        match load(&store) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.code(), "store_damaged");
                false
            }
        }
    }

    #[test]
    fn batches_that_no_broker_writes_are_refused() {
        let part = |sequence, part, of| (sequence, Some((part, of)));
        let delta = |sequence| (sequence, None);
        let set = [part(3, 1, 1), delta(4), part(10, 1, 3), part(11, 2, 3), part(12, 3, 3), delta(13)];
        assert!([3, 4, 9, 12, 13, 20].iter().all(|released| loads(&set, *released)));
        assert!([10, 11].iter().all(|released| !loads(&set, *released)), "a set is released whole");
        let unfinished = [part(3, 1, 1), part(10, 1, 3), part(11, 2, 3)];
        assert!(loads(&unfinished, 3) && !loads(&unfinished, 10) && !loads(&unfinished, 11));
        for torn in [
            &[part(3, 1, 1), part(12, 3, 3)][..],
            &[part(3, 0, 1)],
            &[part(3, 1, 0)],
            &[part(3, 2, 1)],
            &[part(3, 2, 2)],
            &[part(3, 1, 3), part(4, 3, 3)],
            &[part(3, 1, 3), part(4, 2, 2)],
            &[part(3, 1, 2), part(4, 1, 2), part(5, 2, 2)],
            &[part(3, 1, 2), delta(4), part(5, 2, 2)],
        ] {
            assert!(!loads(torn, 0) && !loads(torn, 20), "{torn:?}");
        }
    }
}
