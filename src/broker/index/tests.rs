//! The index against a plain map, and on one thread against many.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::day::Day;
use crate::store::Row;

fn tag(number: u8) -> Tag {
    // Some tags share a shard, and some do not.
    Tag([number / 4 * 8, number, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
}

fn span(last: u16) -> Span {
    Span { first: Day(1), last: Day(last) }
}

type Model = BTreeMap<(Tag, u16), Span>;

/// All that is known, those that ended included, once it is the same by every way of asking. On `day` the index shows
/// what did not end before.
fn seen(index: &Index, day: u16) -> Model {
    let all: Model = index.all_known().map(|(tag, flag)| ((tag, flag.partner), flag.span)).collect();
    assert!(index.all_known().map(|(tag, flag)| (tag, flag.partner)).eq(all.keys().copied()));
    let mut shown = Model::new();
    for tag in (0..64).map(tag) {
        let flags: Vec<PartnerFlag> = index.flags(&tag).collect();
        assert!(flags.is_sorted_by(|a, b| a.partner < b.partner));
        shown.extend(flags.iter().map(|flag| ((tag, flag.partner), flag.span)));
    }
    let lasting = all.iter().filter(|(_, span)| span.last >= Day(day)).map(|(key, span)| (*key, *span));
    assert!(lasting.eq(shown.iter().map(|(key, span)| (*key, *span))));
    let mixed: Vec<Tag> = (0..64u8).map(|number| tag(number.wrapping_mul(37) % 64)).collect();
    let looked_up = index.look_up(&mixed, &Threads::default(), || |flags: FlagsOfTag<'_>| flags.collect::<Vec<_>>());
    for (tag, flags) in mixed.iter().zip(looked_up) {
        assert!(index.flags(tag).eq(flags));
    }
    for partner in 0..8 {
        let flags: Vec<_> = index.known_of(partner).collect();
        assert!(flags.is_sorted_by(|a, b| a.0 < b.0));
        assert!(flags.iter().all(|(tag, span)| index.known_span(tag, partner) == Some(*span)));
        assert!(flags.iter().all(|(tag, span)| index.shows(tag, partner) == (span.last >= Day(day))));
        assert_eq!(flags.len(), all.keys().filter(|key| key.1 == partner).count());
    }
    all
}

/// One release: what is said in one or two messages, how many days after the one before, whether it shows them, and
/// which indexes are held meanwhile.
#[derive(Clone, Debug)]
struct Step {
    said: [BTreeMap<(u8, u16), i8>; 2],
    days: u16,
    full: bool,
    gone: Option<u16>,
    keep: bool,
    again: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // So many days after the release flags last; below 0 they ended before it.
    let said = || prop::collection::btree_map((0u8..60, 1u16..5), -2i8..9, 0..30);
    let days = prop_oneof![3 => 0u16..5, 1 => 25u16..40];
    let step =
        (said(), said(), days, prop::bool::weighted(0.8), prop::option::weighted(0.1, 1u16..5), any::<[bool; 2]>());
    let step = step.prop_map(|(first, second, days, full, gone, [keep, again])| Step {
        said: [first, second],
        days,
        full,
        gone,
        keep,
        again,
    });
    prop::collection::vec(step, 1..8)
}

proptest! {
    #[test]
    fn an_index_is_a_map_of_sets(steps in steps()) {
        let mut index = Index::empty();
        let mut model = Model::new();
        let mut kept = Vec::new();
        let one = Threads::default();
        let mut today = 100;
        for Step { said, days, full, gone, keep, again } in steps {
            let shown_on = today;
            today += days;
            let last = |days: i8| span(today.saturating_add_signed(days.into()));
            let mut pending: BTreeMap<u16, Pending> = BTreeMap::new();
            let mut latest: BTreeMap<(Tag, u16), Span> = BTreeMap::new();
            for message in &said {
                for partner in 1..5 {
                    let rows = message.iter().filter(|((_, by), _)| *by == partner);
                    let rows = rows.map(|((number, _), days)| Row { tag: tag(*number), span: last(*days) });
                    pending.entry(partner).or_default().push(rows.collect());
                }
                latest.extend(message.iter().map(|((number, by), days)| ((tag(*number), *by), last(*days))));
            }
            let before = seen(&index, shown_on);
            prop_assert_eq!(&before, &model);
            let gone: BTreeSet<u16> = gone.into_iter().collect();
            let stays = |partner| !gone.contains(&partner);
            let of_those_left = pending.iter().filter(|(partner, _)| stays(**partner));
            let pending = of_those_left.map(|(by, said)| (*by, said)).collect();
            let effect = if full { Effect::Everything } else { Effect::OnlyLess };
            let changes = Changes { pending, effect, today: Day(today), gone: &gone, threads: &one };
            if again {
                // One that was made and let go of leaves nothing.
                index.rebuild(&changes);
            }
            let rebuilt = index.rebuild(&changes);
            prop_assert_eq!(&seen(&index, shown_on), &before, "it stays as it was");
            // A flag that goes with its partner is not cut: nothing of it is in the store any more.
            model.retain(|key, _| stays(key.1));
            let mut cut = BTreeSet::new();
            let forgotten = |span: &Span| span.last.0 + 30 < today;
            for (key, span) in &mut model {
                let was = *span;
                match latest.get(key) {
                    Some(now) if full => *span = *now,
                    // It showed, and ended or became less; one that was put off before it ended goes on.
                    Some(now) if span.last.0 >= shown_on && (span.last.0 < today || now.last < span.last) => {
                        *span = *now;
                    }
                    _ => {}
                }
                if forgotten(&was) || (!full && (*span != was || forgotten(span))) {
                    cut.insert(key.1);
                }
            }
            if full {
                model.extend(latest.iter().filter(|(key, _)| stays(key.1)).map(|(key, span)| (*key, *span)));
            }
            model.retain(|_, span| !forgotten(span));
            prop_assert_eq!(seen(&rebuilt.index, today), model.clone());
            prop_assert_eq!(rebuilt.cut, cut);
            let shown: Vec<_> = model.iter().filter(|(_, span)| span.last.0 >= today).map(|(key, _)| *key).collect();
            let count = |partner| shown.iter().filter(|key| key.1 == partner).count() as u32;
            let released = (0..8).map(|by| (by, count(by))).filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>();
            prop_assert_eq!(rebuilt.tally.released.clone(), released);
            let tags = shown.iter().map(|key| key.0).collect::<BTreeSet<_>>().len() as u64;
            prop_assert_eq!(rebuilt.tally.tags, tags);
            for partner in 0..8 {
                let known = model.keys().filter(|key| key.1 == partner).count() as u32;
                prop_assert_eq!(rebuilt.tally.known_of(partner), known);
            }
            if keep {
                kept.push((Arc::clone(&rebuilt.index), today, model.clone()));
            }
            index = rebuilt.index;
        }
        for (index, day, model) in kept {
            prop_assert_eq!(seen(&index, day), model, "whoever still looks sees what it saw");
        }
    }
}

/// A set of every tag's own: more of them than the narrow numbers hold.
#[test]
fn a_shard_outgrows_its_widths() {
    let count = 70_000u32;
    let tag = |number: u32| Tag((u128::from(number) << 103).to_be_bytes());
    let span = |number: u32| Span { first: Day((number % 40_000) as u16), last: Day(60_000) };
    let mut said = Pending::default();
    said.push((0..count).map(|number| Row { tag: tag(number), span: span(number) }).collect());
    let mut other = Pending::default();
    other.push(
        (0..count)
            .map(|number| Row {
                tag: tag(number),
                span: Span { first: Day((number / 40_000) as u16), last: Day(60_001) },
            })
            .collect(),
    );
    let (gone, one) = (BTreeSet::new(), Threads::default());
    let effect = Effect::Everything;
    let changes = |pending| Changes { pending, effect, today: Day(0), gone: &gone, threads: &one };
    let first = Index::empty().rebuild(&changes(vec![(7, &said)])).index;
    let rebuilt = first.rebuild(&changes(vec![(9, &other)]));
    let (before, after) = (first, &rebuilt.index);
    let tags: Vec<Tag> = (0..count).rev().map(tag).collect();
    let most = if cfg!(feature = "threads") { 2 } else { 1 };
    for threads in 1..=most {
        let threads = Threads::new(threads).unwrap();
        let looked_up = rebuilt.index.look_up(&tags, &threads, || |flags: FlagsOfTag<'_>| flags.collect::<Vec<_>>());
        assert!(tags.iter().zip(looked_up).all(|(tag, flags)| after.flags(tag).eq(flags)));
    }
    for number in 0..count {
        let tag = tag(number);
        assert_eq!(shard_of(&tag), 0);
        assert!(before.flags(&tag).eq([PartnerFlag { partner: 7, span: span(number) }]));
        let partners: Vec<_> = after.flags(&tag).map(|flag| (flag.partner, flag.span)).collect();
        assert_eq!(partners.len(), 2);
        assert_eq!((partners[0], partners[1].0), ((7, span(number)), 9));
    }
    assert_eq!(rebuilt.tally.released, BTreeMap::from([(7, count), (9, count)]));
}

#[test]
fn a_release_is_the_same_on_any_number_of_threads() {
    // A multiple of an odd number: spread over all shards.
    let tag = |number: u64| Tag(u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_u128 << 64 | 1).to_be_bytes());
    let said = |partner: u16, numbers: Range<u64>, last: u16| {
        let numbers = numbers.filter(|number| !number.is_multiple_of(5));
        let last = |number: u64| span(last + number as u16 % 3);
        let mut rows: Vec<Row> = numbers.map(|number| Row { tag: tag(number), span: last(number) }).collect();
        rows.sort_by_key(|row| row.tag);
        let mut said = Pending::default();
        said.push(rows);
        (partner, said)
    };
    let rounds = [
        vec![said(1, 0..6_000, 5), said(2, 3_000..9_000, 4), said(u16::MAX, 0..9_000, 3)],
        vec![said(1, 4_000..7_000, 8), said(2, 0..100, 8)],
    ];
    let release = |threads: &Threads| {
        let (mut index, mut told) = (Index::empty(), Vec::new());
        for (said, today) in rounds.iter().zip([1, 35]) {
            let said = said.iter().map(|(partner, said)| (*partner, said)).collect();
            let effect = Effect::Everything;
            let changes = Changes { pending: said, effect, today: Day(today), gone: &[2].into(), threads };
            let rebuilt = index.rebuild(&changes);
            index = rebuilt.index;
            let flags: Vec<_> = index.all_known().collect();
            told.push((flags, rebuilt.tally.released, rebuilt.tally.tags, rebuilt.cut));
        }
        told
    };
    let alone = release(&Threads::default());
    assert_eq!(alone[0].1.keys().copied().collect::<Vec<_>>(), [1, 2, u16::MAX]);
    assert!(alone[0].0.is_sorted_by_key(|(tag, flag)| (*tag, flag.partner)) && alone[1].3.contains(&u16::MAX));
    let most = if cfg!(feature = "threads") { 3 } else { 1 };
    for count in 1..=most {
        assert!(release(&Threads::new(count).unwrap()) == alone, "{count} threads");
    }
}
