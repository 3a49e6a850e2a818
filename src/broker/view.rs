//! The index that answers are read from: for each tag the partners that flag it, as of one release.
//!
//! A view is derived from the store and never changes: a release makes the next one out of it and the changes since,
//! sharing every shard that stays as it is. So a question that holds a view sees one release, whatever happens meanwhile.

use std::collections::HashMap;
use std::sync::Arc;

use crate::day::Day;
use crate::pseudonym::Tag;
use crate::store::{Row, Span};

/// A tag's shard is its top bits: tags are uniform, so shards are of one size.
const SHARDS: usize = 4096;

/// The released flags of one epoch.
#[derive(Clone)]
pub(super) struct View {
    shards: Vec<Arc<Shard>>,
}

/// One partner's flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Holding {
    pub(super) partner: u16,
    pub(super) span: Span,
}

/// What a release changes: a partner's flag on a tag, and what it is from now on.
#[derive(Clone, Copy)]
pub(super) struct Turn {
    pub(super) tag: Tag,
    pub(super) partner: u16,
    pub(super) span: Option<Span>,
}

/// The tags that begin with the same bits, ascending, each with the number of its set of holdings.
#[derive(Default)]
struct Shard {
    tags: Vec<Tag>,
    numbers: Vec<u32>,
    /// The sets, each once; each by ascending partner.
    sets: Vec<Box<[Holding]>>,
}

impl View {
    /// A view without flags.
    pub(super) fn empty() -> View {
        View { shards: vec![Arc::default(); SHARDS] }
    }

    /// The flags on `tag`, by ascending partner.
    pub(super) fn holdings(&self, tag: &Tag) -> &[Holding] {
        self.shards[shard_of(tag)].holdings(tag)
    }

    /// How many tags have a flag.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.tags.len()).sum()
    }

    /// All tags and their flags, by ascending tag.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Tag, &[Holding])> {
        self.shards.iter().flat_map(|shard| {
            shard.tags.iter().zip(&shard.numbers).map(|(tag, number)| (*tag, &*shard.sets[*number as usize]))
        })
    }

    /// The view after `turns`, with only such flags as `stays` lets stay.
    ///
    /// `turns` come by ascending tag, and no partner has two turns on one tag. `stays` is asked of the flags that no turn
    /// speaks of.
    pub(super) fn turn(&self, turns: &[Turn], stays: impl Fn(&Holding) -> bool) -> View {
        let mut rest = turns;
        let shards = self
            .shards
            .iter()
            .enumerate()
            .map(|(number, shard)| {
                let (mine, after) = rest.split_at(rest.partition_point(|turn| shard_of(&turn.tag) <= number));
                rest = after;
                if mine.is_empty() && shard.sets.iter().flatten().all(&stays) {
                    Arc::clone(shard)
                } else {
                    Arc::new(shard.turn(mine, &stays))
                }
            })
            .collect();
        View { shards }
    }
}

impl Shard {
    fn holdings(&self, tag: &Tag) -> &[Holding] {
        match self.tags.binary_search(tag) {
            Ok(at) => &self.sets[self.numbers[at] as usize],
            Err(_) => &[],
        }
    }

    fn turn(&self, turns: &[Turn], stays: impl Fn(&Holding) -> bool) -> Shard {
        let mut next = Builder::default();
        let mut set = Vec::new();
        let (mut old, mut turns) = (0, turns);
        while old < self.tags.len() || !turns.is_empty() {
            let tag = match (self.tags.get(old), turns.first()) {
                (Some(held), Some(turn)) => (*held).min(turn.tag),
                (Some(held), None) => *held,
                (None, Some(turn)) => turn.tag,
                (None, None) => break,
            };
            let (mine, after) = turns.split_at(turns.partition_point(|turn| turn.tag == tag));
            turns = after;
            set.clear();
            if self.tags.get(old) == Some(&tag) {
                let held = &self.sets[self.numbers[old] as usize];
                let spoken_of = |holding: &&Holding| mine.iter().any(|turn| turn.partner == holding.partner);
                set.extend(held.iter().filter(|holding| !spoken_of(holding) && stays(holding)));
                old += 1;
            }
            set.extend(mine.iter().filter_map(|turn| turn.span.map(|span| Holding { partner: turn.partner, span })));
            set.sort_unstable_by_key(|holding| holding.partner);
            next.push(tag, &set);
        }
        next.shard
    }
}

/// Makes a shard, giving equal sets one number.
#[derive(Default)]
struct Builder {
    shard: Shard,
    numbers: HashMap<Box<[Holding]>, u32>,
}

impl Builder {
    fn push(&mut self, tag: Tag, set: &[Holding]) {
        if set.is_empty() {
            return;
        }
        let number = match self.numbers.get(set) {
            Some(number) => *number,
            None => {
                let number = self.shard.sets.len() as u32;
                self.shard.sets.push(set.into());
                self.numbers.insert(set.into(), number);
                number
            }
        };
        self.shard.tags.push(tag);
        self.shard.numbers.push(number);
    }
}

/// The flags that were accepted since the last release, of one partner: what they say of a tag overrules the view.
///
/// Kept as sorted runs, each at least twice as long as the next, so that a message costs its own rows and a share of a
/// merge, and a look-up a few binary searches.
#[derive(Clone, Default)]
pub(super) struct Pending {
    runs: Vec<Arc<[Row]>>,
}

impl Pending {
    /// What is said of `tag`: nothing, that it is withdrawn, or how long it is flagged.
    pub(super) fn get(&self, tag: &Tag) -> Option<Option<Span>> {
        self.runs.iter().rev().find_map(|run| {
            let at = run.binary_search_by_key(tag, |row| row.tag).ok()?;
            Some(run[at].span)
        })
    }

    /// Adds what a message says; `rows` by ascending tag, each once.
    pub(super) fn push(&mut self, rows: &[Row]) {
        if rows.is_empty() {
            return;
        }
        let mut newest: Arc<[Row]> = rows.into();
        while let Some(run) = self.runs.pop_if(|run| run.len() < 2 * newest.len()) {
            newest = merge(&run, &newest).into();
        }
        self.runs.push(newest);
    }

    /// All that is said, by ascending tag, each tag once.
    pub(super) fn rows(&self) -> Vec<Row> {
        self.runs.iter().rev().fold(Vec::new(), |newer, run| merge(run, &newer))
    }

    /// Forgets flags that ended before `day`: an ended flag is a withdrawn one.
    pub(super) fn expire(&mut self, day: Day) {
        for run in &mut self.runs {
            if run.iter().any(|row| row.ended(day)) {
                let left = |row: &Row| Row { span: row.span.filter(|_| !row.ended(day)), ..*row };
                *run = run.iter().map(left).collect();
            }
        }
    }
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

fn shard_of(tag: &Tag) -> usize {
    usize::from(u16::from_be_bytes([tag.0[0], tag.0[1]])) / (usize::from(u16::MAX) / SHARDS + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn tag(number: u8) -> Tag {
        // Some tags share a shard, and some do not.
        Tag([number / 4 * 8, number, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
    }

    fn span(last: u16) -> Span {
        Span { first: Day(1), last: Day(last) }
    }

    type Model = BTreeMap<(Tag, u16), Span>;

    fn seen(view: &View) -> Model {
        view.iter()
            .flat_map(|(tag, holdings)| {
                assert!(holdings.is_sorted_by(|a, b| a.partner < b.partner) && !holdings.is_empty());
                assert_eq!(view.holdings(&tag), holdings);
                holdings.iter().map(move |holding| ((tag, holding.partner), holding.span))
            })
            .collect()
    }

    proptest! {
        #[test]
        fn a_view_is_a_map_of_sets(steps in prop::collection::vec(
            (prop::collection::btree_map((0u8..60, 1u16..5), prop::option::of(1u16..9), 0..30), 0u16..5), 1..8,
        )) {
            let mut view = View::empty();
            let mut model = Model::new();
            for (changes, day) in steps {
                let mut turns: Vec<Turn> = changes
                    .iter()
                    .map(|((number, partner), last)| Turn { tag: tag(*number), partner: *partner, span: last.map(span) })
                    .collect();
                turns.sort_by_key(|turn| turn.tag);
                let before = seen(&view);
                let next = view.turn(&turns, |holding| holding.span.last >= Day(day));
                prop_assert_eq!(seen(&view), before, "the view before stays as it was");
                let spoken_of = |key: &(Tag, u16)| turns.iter().any(|turn| (turn.tag, turn.partner) == *key);
                model.retain(|key, span| !spoken_of(key) && span.last >= Day(day));
                model.extend(turns.iter().filter_map(|turn| Some(((turn.tag, turn.partner), turn.span?))));
                prop_assert_eq!(seen(&next), model.clone());
                view = next;
            }
        }

        #[test]
        fn pending_is_a_map(messages in prop::collection::vec(
            prop::collection::btree_map(0u8..60, prop::option::of(1u16..9), 0..20), 0..12,
        ), day in 0u16..9) {
            let mut pending = Pending::default();
            let mut model = BTreeMap::new();
            for message in messages {
                let row = |(number, last): (&u8, &Option<u16>)| Row { tag: tag(*number), span: last.map(span) };
                let mut rows: Vec<_> = message.iter().map(row).collect();
                rows.sort_by_key(|row| row.tag);
                model.extend(rows.iter().map(|row| (row.tag, row.span)));
                pending.push(&rows);
            }
            for run in pending.runs.windows(2) {
                prop_assert!(run[0].len() >= 2 * run[1].len());
            }
            pending.expire(Day(day));
            for row in model.values_mut() {
                *row = row.filter(|span| span.last >= Day(day));
            }
            for number in 0..60 {
                prop_assert_eq!(pending.get(&tag(number)), model.get(&tag(number)).copied());
            }
            prop_assert_eq!(pending.rows(), model.into_iter().map(|(tag, span)| Row { tag, span }).collect::<Vec<_>>());
        }
    }
}
