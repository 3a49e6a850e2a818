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
            Key::Unpurged => state.unpurged = read_row(&value)?,
            Key::Restored => state.log.restored = read_row(&value)?,
            Key::Certificates(epoch, partner) => certificates.load((epoch, partner), read_row(&value)?),
            Key::Share(epoch, partner) => {
                let account = Account { row: read_row(&value)?, ..Account::default() };
                state.log.last = state.log.last.max(account.row.heard.unwrap_or_default());
                accounts.insert((epoch, partner), account);
            }
        }
    }
    let mut replays: BTreeMap<(u32, u16), Replay> = BTreeMap::new();
    store.batches(&mut |batch| {
        let id = (batch.id.epoch, batch.id.partner);
        let account = accounts.get_mut(&id).ok_or(DAMAGED)?;
        let rows = batch.rows.len();
        account.batches.push(StoredBatch { sequence: batch.id.sequence, part: batch.part, rows });
        replays.entry(id).or_default().apply(batch, account.row.released);
        Ok(())
    })?;
    let mut released: BTreeMap<u32, Vec<(u16, Pending)>> = BTreeMap::new();
    for ((number, partner), mut account) in accounts {
        let epoch = state.epochs.get_mut(&number).ok_or(DAMAGED)?;
        if let Some(replay) = replays.remove(&(number, partner)) {
            let flags = replay.finish(&mut account);
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
        self.parts.push(Arc::new(batch.rows));
        if part >= of {
            self.said = Pending::of_parts(std::mem::take(&mut self.parts));
        }
    }

    /// Gives the account what its partner's batches come to, and returns the released flags.
    fn finish(self, account: &mut Account) -> Pending {
        account.parts = self.parts;
        let ended = account.row.ended;
        if self.released.is_none() && ended.is_none() {
            return self.said;
        }
        let released = self.released.unwrap_or_else(|| self.said.clone());
        let mut pending = Vec::new();
        for (tag, was, said) in join(spans(&released), spans(&self.said)) {
            let is = said.map(|span| ended.map_or(span, |day| span.withdrawn(day)));
            // What a full set says nothing of was forgotten when it came.
            pending.extend(is.filter(|_| was != is).map(|span| Row { tag, span }));
        }
        account.pending.push(pending);
        released
    }
}

/// What is said, by ascending tag.
fn spans(said: &Pending) -> impl Iterator<Item = (Tag, Span)> {
    said.rows().map(|row| (row.tag, row.span))
}
