//! Replaces a partner's released batches by one merged set, and drops those that a later full set made superfluous, so
//! that the store stays about as large as what partners hold.

use super::index::Index;
use super::state::{Account, StoredBatch};
use crate::store::{Batch, BatchId, Row, Staged, Store, StoreError};

/// The most rows in one batch of a merged set. Where fewer old names are free than it needs, its batches are larger.
const ROWS_A_BATCH: usize = 100_000;

/// The most rows of merged sets in memory at a time. A row that is sealed needs some sixty bytes.
const ROWS_AT_A_TIME: usize = 4 * ROWS_A_BATCH;

/// A set that takes the place of a partner's released batches, written in parts.
pub(super) struct MergedSet {
    partner: u16,
    /// The name of each part: that of a batch in whose place it comes.
    names: Vec<BatchId>,
    /// How many rows a part has; the last ones may have fewer.
    part_rows: usize,
    /// How many parts are written.
    written: usize,
    /// The rows of the next part.
    rows: Vec<Row>,
}

impl MergedSet {
    /// Decides whether one set of `known` rows is to take the place of the released batches at the start of an
    /// account. If so, the account gets its parts in their place; the names of the batches that go are added to
    /// `removed`.
    pub(super) fn choose(
        account: &mut Account,
        (epoch, partner): (u32, u16),
        (known, any_cut): (u32, bool),
        removed: &mut Vec<BatchId>,
    ) -> Option<MergedSet> {
        let batches = mergeable(account, any_cut)?;
        let old: Vec<BatchId> = account.ids(epoch, partner).take(batches).collect();
        let rows = known as usize;
        let parts = rows.div_ceil(ROWS_A_BATCH).clamp(1, batches);
        let names = old[batches - parts..].to_vec();
        let part_rows = rows.div_ceil(parts);
        let stored = |(at, id): (usize, &BatchId)| StoredBatch {
            sequence: id.sequence,
            part: Some((at as u16 + 1, parts as u16)),
            rows: part_rows.min(rows.saturating_sub(at * part_rows)),
        };
        account.batches.splice(..batches, names.iter().enumerate().map(stored));
        removed.extend(old);
        Some(MergedSet { partner, names, part_rows, written: 0, rows: Vec::new() })
    }

    /// Writes the next part.
    fn write(&mut self, store: &dyn Store) -> Result<Staged, StoreError> {
        let id = self.names[self.written];
        self.written += 1;
        let part = Some((self.written as u16, self.names.len() as u16));
        store.stage(&Batch { id, part, rows: std::mem::take(&mut self.rows) })
    }
}

/// Writes merged sets with the released flags of their partners, and with those that ended and are not forgotten, as
/// many at a time as memory is meant for.
pub(super) fn write_merged(
    mut sets: Vec<MergedSet>,
    index: &Index,
    store: &dyn Store,
) -> Result<Vec<Staged>, StoreError> {
    let mut staged = Vec::new();
    while !sets.is_empty() {
        let mut together = 0;
        let fitting = sets.iter().take_while(|set| {
            together += set.part_rows;
            together <= ROWS_AT_A_TIME
        });
        let mut group: Vec<MergedSet> = sets.drain(..fitting.count().max(1)).collect();
        // By partner, so that the many flags of others cost one look each.
        let mut places = vec![None; 1 << 16];
        for (place, set) in group.iter().enumerate() {
            places[usize::from(set.partner)] = Some(place);
        }
        for (tag, flag) in index.all_known() {
            let Some(place) = places[usize::from(flag.partner)] else { continue };
            let set = &mut group[place];
            if set.rows.is_empty() {
                set.rows.reserve_exact(set.part_rows);
            }
            set.rows.push(Row { tag, span: flag.span });
            if set.rows.len() == set.part_rows {
                staged.push(set.write(store)?);
            }
        }
        for set in &mut group {
            while set.written < set.names.len() {
                staged.push(set.write(store)?);
            }
        }
    }
    Ok(staged)
}

/// Takes out the batches before the latest whole full set; at the end are `unfinished` parts of one that is not whole.
///
/// This holds only where all is released: a change that is not may rest on the batches before the set.
pub(super) fn supersede(batches: &mut Vec<StoredBatch>, unfinished: usize) -> Vec<u64> {
    let whole = batches.len() - unfinished;
    let last_part = batches[..whole].iter().rposition(|stored| stored.part.is_some_and(|(part, of)| part == of));
    let first_part = last_part.map_or(0, |at| at + 1 - usize::from(batches[at].part.map_or(1, |(_, of)| of)));
    batches.drain(..first_part).map(|stored| stored.sequence).collect()
}

/// How many batches from the first on are to become one set: all that are released, where deltas say more than a
/// quarter of what sets say, or where flags of theirs were cut: they are forgotten, or were withdrawn or shortened
/// without a full release. Then their rows leave the store, and what is read from it is what the index shows.
fn mergeable(account: &Account, any_cut: bool) -> Option<usize> {
    let is_released = |stored: &&StoredBatch| stored.sequence <= account.row.released_through;
    let released = account.whole_batches().iter().take_while(is_released).count();
    let (mut in_sets, mut in_deltas) = (0, 0);
    for stored in &account.batches[..released] {
        if stored.part.is_some() {
            in_sets += stored.rows;
        } else {
            in_deltas += stored.rows;
        }
    }
    (released > 0 && (any_cut || in_deltas * 4 > in_sets)).then_some(released)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(sequence: u64, part: Option<(u16, u16)>) -> StoredBatch {
        StoredBatch { sequence, part, rows: 1 }
    }

    #[test]
    fn a_whole_full_set_supersedes_what_came_before() {
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
