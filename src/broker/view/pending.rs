//! What was accepted and not yet released.

use std::sync::Arc;

use crate::day::Day;
use crate::pseudonym::Tag;
use crate::store::{Row, Span};

/// The flags that were accepted since the last release, of one partner: what they say of a tag overrules the view.
///
/// Kept as sorted runs, each at least twice as long as the next, so that a message costs its own rows and a share of a
/// merge, and a look-up a few searches.
#[derive(Clone, Default)]
pub(in crate::broker) struct Pending {
    /// The oldest first.
    runs: Vec<Arc<Vec<Row>>>,
}

/// Looks up one tag after the other, at the least cost by ascending tag.
pub(in crate::broker) struct PendingCursor<'a> {
    /// The newest first; each with the place from which on the tags looked for are.
    runs: Vec<(&'a [Row], usize)>,
}

/// What is said, by ascending tag.
struct Rows<'a> {
    /// The newest first; what is left of each.
    runs: Vec<&'a [Row]>,
}

impl Pending {
    /// What is said of one tag: nothing, that it is withdrawn, or how long it is flagged.
    pub(in crate::broker) fn get(&self, tag: &Tag) -> Option<Option<Span>> {
        self.runs.iter().rev().find_map(|run| {
            let at = run.binary_search_by_key(tag, |row| row.tag).ok()?;
            Some(run[at].span)
        })
    }

    /// Looks tags up.
    pub(in crate::broker) fn cursor(&self) -> PendingCursor<'_> {
        PendingCursor { runs: self.runs().map(|run| (run, 0)).collect() }
    }

    /// All that is said, by ascending tag, each tag once.
    pub(in crate::broker) fn rows(&self) -> impl Iterator<Item = Row> {
        Rows { runs: self.runs().collect() }
    }

    /// All that is said, and was since overruled, by ascending tag in each run; the newest run first.
    pub(super) fn runs(&self) -> impl Iterator<Item = &[Row]> {
        self.runs.iter().rev().map(|run| run.as_slice())
    }

    /// Adds what a message says; `rows` by ascending tag, each once.
    pub(in crate::broker) fn push(&mut self, rows: Vec<Row>) {
        if rows.is_empty() {
            return;
        }
        let mut newest = rows;
        while let Some(run) = self.runs.pop_if(|run| run.len() < 2 * newest.len()) {
            newest = merge(&run, &newest);
        }
        newest.shrink_to_fit();
        self.runs.push(Arc::new(newest));
    }

    /// Forgets flags that ended before `day`: an ended flag is a withdrawn one.
    pub(in crate::broker) fn expire(&mut self, day: Day) {
        for run in &mut self.runs {
            if run.iter().any(|row| row.ended(day)) {
                let left = |row: &Row| Row { span: row.span.filter(|_| !row.ended(day)), ..*row };
                *run = Arc::new(run.iter().map(left).collect());
            }
        }
    }
}

impl PendingCursor<'_> {
    /// As [`Pending::get`].
    pub(in crate::broker) fn get(&mut self, tag: &Tag) -> Option<Option<Span>> {
        self.runs.iter_mut().find_map(|(run, from)| {
            if from.checked_sub(1).is_some_and(|before| run[before].tag >= *tag) {
                *from = 0;
            }
            *from += reach(&run[*from..], tag);
            run.get(*from).filter(|row| row.tag == *tag).map(|row| row.span)
        })
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let next = *self.runs.iter().filter_map(|run| run.first()).reduce(|a, b| if b.tag < a.tag { b } else { a })?;
        for run in &mut self.runs {
            *run = run.split_first().filter(|(row, _)| row.tag == next.tag).map_or(*run, |(_, rest)| rest);
        }
        Some(next)
    }
}

/// How many rows from the first on are of lower tags: looked for near the beginning first.
fn reach(rows: &[Row], tag: &Tag) -> usize {
    let mut step = 1;
    while rows.get(step - 1).is_some_and(|row| row.tag < *tag) {
        step *= 2;
    }
    let (low, high) = (step / 2, rows.len().min(step));
    low + rows[low..high].partition_point(|row| row.tag < *tag)
}

/// Both, by ascending tag; where both speak of a tag, the newer one.
fn merge(older: &[Row], newer: &[Row]) -> Vec<Row> {
    let mut merged = Vec::with_capacity(older.len() + newer.len());
    let mut older = older.iter().peekable();
    for row in newer {
        while let Some(before) = older.next_if(|before| before.tag < row.tag) {
            merged.push(*before);
        }
        older.next_if(|before| before.tag == row.tag);
        merged.push(*row);
    }
    merged.extend(older);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
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
        fn pending_is_a_map(messages in prop::collection::vec(
            prop::collection::btree_map(0u8..60, prop::option::of(1u16..9), 0..20), 0..12,
        ), day in 0u16..9, asked in prop::collection::vec(0u8..60, 0..60)) {
            let mut pending = Pending::default();
            let mut model = BTreeMap::new();
            for message in messages {
                let row = |(number, last): (&u8, &Option<u16>)| Row { tag: tag(*number), span: last.map(span) };
                let rows: Vec<_> = message.iter().map(row).collect();
                model.extend(rows.iter().map(|row| (row.tag, row.span)));
                pending.push(rows);
            }
            for run in pending.runs.windows(2) {
                prop_assert!(run[0].len() >= 2 * run[1].len());
            }
            pending.expire(Day(day));
            for row in model.values_mut() {
                *row = row.filter(|span| span.last >= Day(day));
            }
            let (mut ascending, mut mixed) = (pending.cursor(), pending.cursor());
            for number in 0..60 {
                let said = model.get(&tag(number)).copied();
                prop_assert_eq!(pending.get(&tag(number)), said);
                prop_assert_eq!(ascending.get(&tag(number)), said);
            }
            for number in asked {
                prop_assert_eq!(mixed.get(&tag(number)), model.get(&tag(number)).copied());
            }
            let rows: Vec<Row> = model.into_iter().map(|(tag, span)| Row { tag, span }).collect();
            prop_assert_eq!(pending.rows().collect::<Vec<_>>(), rows);
        }
    }
}
