//! What was accepted and is not released yet.

use std::iter;
use std::sync::Arc;

use super::shard::tag_bits;
use crate::store::{Row, Span};
use crate::tag::Tag;

/// The flags that were accepted since the last release, of one partner: what they say of a tag overrules the index.
///
/// Kept as sorted runs. Each is at least twice as long as the next newer one, so that a message costs its own
/// rows and a share of a merge, and a look-up a few searches; only the parts of a full set stay as they came, so that
/// there is no second copy of them.
#[derive(Clone, Default)]
pub(crate) struct Pending {
    /// The oldest first.
    runs: Vec<Arc<Vec<Row>>>,
}

/// Looks up one tag after the other. Ascending tags cost least, as each search begins where the one before ended.
pub(crate) struct PendingCursor<'a> {
    /// The newest first, each with the place where its last search ended.
    runs: Vec<(&'a [Row], usize)>,
}

/// About how many rows are merged at a time.
const PIECE: usize = 1 << 13;

impl Pending {
    /// The parts of a full set, each by ascending tag.
    pub(crate) fn of_parts(runs: Vec<Arc<Vec<Row>>>) -> Pending {
        Pending { runs }
    }

    /// Whether nothing is said.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.iter().all(|run| run.is_empty())
    }

    /// Looks tags up.
    pub(crate) fn cursor(&self) -> PendingCursor<'_> {
        PendingCursor { runs: self.runs().map(|run| (run, 0)).collect() }
    }

    /// All that is said, by ascending tag, each tag once.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row> {
        merged(self.runs().collect())
    }

    /// All that is said, and was since overruled, by ascending tag in each run; the newest run first.
    pub(super) fn runs(&self) -> impl Iterator<Item = &[Row]> {
        self.runs.iter().rev().map(|run| run.as_slice())
    }

    /// Adds what a message says; `rows` by ascending tag, each once.
    pub(crate) fn push(&mut self, mut rows: Vec<Row>) {
        if rows.is_empty() {
            return;
        }
        let mut older = Vec::new();
        let mut count = rows.len();
        while let Some(run) = self.runs.pop_if(|run| run.len() < 2 * count) {
            count += run.len();
            older.push(run);
        }
        if !older.is_empty() {
            let runs = iter::once(rows.as_slice()).chain(older.iter().map(|run| run.as_slice()));
            rows = merged(runs.collect()).collect();
        }
        rows.shrink_to_fit();
        self.runs.push(Arc::new(rows));
    }
}

impl PendingCursor<'_> {
    /// How long a tag is flagged, or was; `None` where nothing is said of it.
    pub(crate) fn get(&mut self, tag: &Tag) -> Option<Span> {
        self.runs.iter_mut().find_map(|(run, from)| {
            if from.checked_sub(1).is_some_and(|before| run[before].tag >= *tag) {
                *from = 0;
            }
            *from += reach(&run[*from..], tag);
            run.get(*from).filter(|row| row.tag == *tag).map(|row| row.span)
        })
    }
}

/// The rows of sorted runs, the newest first, by ascending tag, and of each tag the newest. They are gathered and
/// sorted a piece at a time, so that there is no second copy of all.
fn merged(runs: Vec<&[Row]>) -> impl Iterator<Item = Row> {
    let count: usize = runs.iter().map(|run| run.len()).sum();
    let bits = (count / PIECE).next_power_of_two().ilog2();
    (0..1 << bits).flat_map(move |piece| {
        let mut rows = Vec::with_capacity(count.min(2 * PIECE));
        runs.iter().for_each(|run| rows.extend_from_slice(of_piece(run, bits, piece)));
        // The sort is stable, so that the newest row of a tag stays first.
        rows.sort_by_key(|row| row.tag);
        rows.dedup_by_key(|row| row.tag);
        rows
    })
}

/// The rows whose tags begin with the `bits` bits that are `piece`.
fn of_piece(run: &[Row], bits: u32, piece: usize) -> &[Row] {
    let from = run.partition_point(|row| tag_bits(&row.tag, 0, bits) < piece);
    let length = run[from..].partition_point(|row| tag_bits(&row.tag, 0, bits) == piece);
    &run[from..from + length]
}

/// How many rows from the first on have lower tags, by exponential search.
fn reach(rows: &[Row], tag: &Tag) -> usize {
    let mut step = 1;
    while rows.get(step - 1).is_some_and(|row| row.tag < *tag) {
        step *= 2;
    }
    let low = step / 2;
    let high = rows.len().min(step);
    low + rows[low..high].partition_point(|row| row.tag < *tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::Day;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn tag(number: u8) -> Tag {
        Tag([number; 16])
    }

    fn span(last: u16) -> Span {
        Span { first: Day(1), last: Day(last) }
    }

    proptest! {
        #[test]
        fn pending_is_a_map(
            set in prop::collection::btree_map(0u8..60, 1u16..9, 0..60),
            parts in 0u8..5,
            messages in prop::collection::vec(
                prop::collection::btree_map(0u8..60, 1u16..9, 0..20), 0..12,
            ),
            asked in prop::collection::vec(0u8..60, 0..60),
        ) {
            let row = |(number, last): (&u8, &u16)| Row { tag: tag(*number), span: span(*last) };
            let of_part = |part| set.iter().filter(move |(number, _)| **number % parts == part);
            let part = |part| -> Box<[Row]> { of_part(part).map(row).collect() };
            let mut pending = Pending::of_parts((0..parts).map(|number| Arc::new(part(number).into_vec())).collect());
            let said: Vec<Row> = (0..parts).flat_map(part).collect();
            let mut model: BTreeMap<Tag, Span> = said.iter().map(|row| (row.tag, row.span)).collect();
            prop_assert_eq!(pending.is_empty(), said.is_empty());
            for message in messages {
                let rows: Vec<_> = message.iter().map(row).collect();
                model.extend(rows.iter().map(|row| (row.tag, row.span)));
                let mut roomy = Vec::with_capacity(2 * rows.len());
                roomy.extend(rows);
                pending.push(roomy);
            }
            prop_assert!(pending.runs.iter().all(|run| run.capacity() == run.len()), "no room to spare is kept");
            let pushed = pending.runs.get(usize::from(parts)..).unwrap_or_default();
            prop_assert!(pushed.windows(2).all(|run| run[0].len() >= 2 * run[1].len()));
            let (mut ascending, mut mixed) = (pending.cursor(), pending.cursor());
            for number in 0..60 {
                let said = model.get(&tag(number)).copied();
                prop_assert_eq!(pending.cursor().get(&tag(number)), said);
                prop_assert_eq!(ascending.get(&tag(number)), said);
            }
            for number in asked {
                prop_assert_eq!(mixed.get(&tag(number)), model.get(&tag(number)).copied());
            }
            let rows: Vec<Row> = model.into_iter().map(|(tag, span)| Row { tag, span }).collect();
            prop_assert_eq!(pending.rows().collect::<Vec<_>>(), rows);
        }
    }

    #[test]
    fn many_rows_come_a_piece_at_a_time() {
        // Multiples of an odd number: in no order, and spread over all pieces.
        let tag =
            |number: u64| Tag(u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_u128 << 64 | 1).to_be_bytes());
        let run = |numbers: std::ops::Range<u64>, last| {
            let mut rows: Vec<Row> = numbers.map(|n| Row { tag: tag(n), span: span(last) }).collect();
            rows.sort_by_key(|row| row.tag);
            rows
        };
        let mut pending = Pending::of_parts((0..5).map(|n| Arc::new(run(n * 10_000..(n + 1) * 10_000, 7))).collect());
        let rows: Vec<Row> = pending.rows().collect();
        assert!(rows == run(0..50_000, 7));
        pending.push(run(49_000..51_000, 8));
        let mut wanted = run(0..51_000, 7);
        let newer = run(49_000..51_000, 8);
        for row in &newer {
            let at = wanted.binary_search_by_key(&row.tag, |row| row.tag).unwrap();
            wanted[at] = *row;
        }
        assert!(pending.rows().eq(wanted.iter().copied()));
        // All that is shorter than twice what comes is put together at once.
        pending.push(run(0..30_000, 9));
        assert_eq!(pending.runs.len(), 1);
        for row in run(0..30_000, 9) {
            let at = wanted.binary_search_by_key(&row.tag, |row| row.tag).unwrap();
            wanted[at] = row;
        }
        assert!(pending.rows().eq(wanted));
    }
}
