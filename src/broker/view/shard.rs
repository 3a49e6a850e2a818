//! The tags that begin with the same bits, in as few bytes as safe code can look them up in.
//!
//! A tag has the number of its set on the side that was written last, two bytes beside its own sixteen; and where it is
//! another one on the other side, that one. Sets are kept once a shard, four bytes a flag, one set after the other; the number of
//! a set is where it begins. Where a shard outgrows those widths, as few do of a country's addresses, it takes wider ones.
//!
//! A tag is found by the bits that follow the shard's: they name a slot of a few tags, and where in it the tag is to be expected.

use std::hint::black_box;
use std::ops::Range;

use super::Holding;
use crate::day::Day;
use crate::slots::Slots;
use crate::store::Span;
use crate::tag::Tag;

/// Which of a shard's two sides a view reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Side {
    #[default]
    First,
    Second,
}

/// See the module.
#[derive(Default)]
pub(super) struct Shard {
    /// Ascending; those with a flag on either side.
    tags: Box<[Tag]>,
    slots: Slots,
    /// For each slot the place of its first tag; and, one more, where the last slot ends.
    starts: Column,
    /// The side that was written last.
    side: Side,
    /// For each tag the number of its set on that side; 0 for none.
    numbers: Column,
    others: Others,
    sets: Sets,
}

/// The numbers on the other side.
#[derive(Default)]
enum Others {
    #[default]
    Same,
    /// They differ at few places, which ascend.
    Few {
        places: Column,
        numbers: Column,
    },
    All(Column),
}

/// Numbers, in as few bytes as the greatest takes.
#[derive(Default)]
enum Column {
    /// All of them 0.
    #[default]
    Zero,
    Narrow(Box<[u16]>),
    Wide(Box<[u32]>),
}

/// The sets, each by ascending partner. What stands at 0 belongs to none.
enum Sets {
    /// Of each flag, from the highest bit: 16 bits of partner, 1 that says that the set goes on, 15 of the span's number.
    Narrow {
        spans: Box<[Span]>,
        flags: Box<[u32]>,
    },
    Wide(Box<[Packed]>),
}

/// A flag as an integer: 1 bit that says that the set goes on, 15 of nothing, 16 of partner, 16 of first day, 16 of last day.
///
/// Without its highest bit the order is that of partners.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Packed(u64);

/// A set's flags from some number on.
pub(in crate::broker) struct Holdings<'a> {
    sets: &'a Sets,
    next: usize,
}

/// How many tags are looked up together.
const BLOCK: usize = 32;

const GOES_ON: u64 = 1 << 63;
const NARROW_GOES_ON: u32 = 1 << 15;

impl Side {
    pub(super) fn other(self) -> Side {
        match self {
            Side::First => Side::Second,
            Side::Second => Side::First,
        }
    }
}

impl Shard {
    /// A shard of `tags`, with the numbers that they have on `side` and on the other, of sets that stand in `flags`.
    pub(super) fn new(tags: Vec<Tag>, side: Side, numbers: &[u32], others: &[u32], flags: &[Packed]) -> Shard {
        let (slots, mut starts) = (super::SHARDS.in_each(tags.len()), Vec::new());
        slots.starts(tags.iter().map(|tag| tag.number()), &mut starts);
        Shard {
            starts: Column::of(&starts),
            tags: tags.into(),
            slots,
            side,
            numbers: Column::of(numbers),
            others: Others::of(numbers, others),
            sets: Sets::of(flags),
        }
    }

    /// Its tags, those included that have a flag on one side only.
    pub(super) fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// Whether both sides are the same; then no set is there that no tag has.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.others, Others::Same)
    }

    /// The number of the set of the tag at a place.
    pub(super) fn number(&self, side: Side, at: usize) -> usize {
        match &self.others {
            Others::All(numbers) if side != self.side => numbers.get(at),
            Others::Few { places, numbers } if side != self.side => {
                places.find(at).map_or_else(|| self.numbers.get(at), |differing| numbers.get(differing))
            }
            _ => self.numbers.get(at),
        }
    }

    /// The set of that number.
    pub(super) fn set(&self, number: usize) -> Holdings<'_> {
        Holdings { sets: &self.sets, next: number }
    }

    /// One more than the highest place in a set.
    pub(super) fn places(&self) -> usize {
        self.sets.len()
    }

    /// The flag at a place in the sets.
    pub(super) fn flag(&self, at: usize) -> Holding {
        self.sets.flag(at).0
    }

    /// The flags on a tag.
    pub(super) fn holdings(&self, side: Side, tag: &Tag) -> Holdings<'_> {
        self.set(self.find(tag).map_or(0, |at| self.number(side, at)))
    }

    /// Shows the flags on each of `tags`, with what came with it.
    ///
    /// A block of them waits for the memory together: one after the other, each would wait for its own.
    pub(super) fn look_up<T: Copy>(&self, side: Side, tags: &[(Tag, T)], visit: &mut impl FnMut(T, Holdings<'_>)) {
        let (mut places, mut numbers) = ([None; BLOCK], [0; BLOCK]);
        for block in tags.chunks(BLOCK) {
            black_box(block.iter().fold(0, |sum, (tag, _)| sum ^ self.touch(self.expected(tag).1)));
            for ((tag, _), place) in block.iter().zip(&mut places) {
                *place = self.find(tag);
            }
            for (place, number) in places.iter().zip(&mut numbers).take(block.len()) {
                *number = place.map_or(0, |place| self.number(side, place));
            }
            for ((_, with), number) in block.iter().zip(numbers) {
                visit(*with, self.set(number));
            }
        }
    }

    /// The flags of one partner.
    pub(super) fn flags_of(&self, side: Side, partner: u16) -> Vec<(Tag, Span)> {
        let mut spans = vec![None; self.places().max(1)];
        let mut number = 1;
        for at in 1..self.places() {
            let (flag, goes_on) = self.sets.flag(at);
            if flag.partner == partner {
                spans[number] = Some(flag.span);
            }
            number = if goes_on { number } else { at + 1 };
        }
        let flag = |(at, tag): (usize, &Tag)| Some((*tag, spans[self.number(side, at)]?));
        self.tags.iter().enumerate().filter_map(flag).collect()
    }

    /// Shows all flags, by ascending tag.
    pub(super) fn each_flag(&self, side: Side, visit: &mut impl FnMut(Tag, Holding)) {
        for (at, tag) in self.tags.iter().enumerate() {
            self.set(self.number(side, at)).for_each(|flag| visit(*tag, flag));
        }
    }

    /// Looks at what is at a place, if anything is.
    fn touch(&self, at: usize) -> usize {
        self.tags.get(at).map_or(0, |tag| usize::from(tag.0[0]) ^ self.numbers.get(at))
    }

    /// Where a tag is.
    fn find(&self, tag: &Tag) -> Option<usize> {
        let (slot, expected) = self.expected(tag);
        let (mut low, mut high, mut step) = (expected, expected, 2);
        while low > slot.start && self.tags[low] > *tag {
            low = slot.start.max(low.saturating_sub(step));
            step *= 2;
        }
        while high < slot.end && self.tags[high] < *tag {
            high = slot.end.min(high + step);
            step *= 2;
        }
        let high = slot.end.min(high + 1);
        self.tags[low..high].binary_search(tag).ok().map(|at| low + at)
    }

    /// The slot of a tag, and where in it a tag is to be expected, since tags are uniform.
    fn expected(&self, tag: &Tag) -> (Range<usize>, usize) {
        let number = self.slots.of(tag.number());
        let slot = self.starts.get(number)..self.starts.get(number + 1);
        let expected = slot.start + ((slot.len() as u128 * self.slots.within(tag.number())) >> 64) as usize;
        (slot, expected)
    }
}

impl Packed {
    pub(super) fn new(holding: Holding) -> Packed {
        let Holding { partner, span } = holding;
        Packed(u64::from(partner) << 32 | u64::from(span.first.0) << 16 | u64::from(span.last.0))
    }

    /// The same, in a set that goes on after it.
    pub(super) fn going_on(self) -> Packed {
        Packed(self.0 | GOES_ON)
    }

    pub(super) fn goes_on(self) -> bool {
        self.0 & GOES_ON != 0
    }

    /// The same, whether or not the set goes on.
    pub(super) fn alone(self) -> Packed {
        Packed(self.0 & !GOES_ON)
    }

    pub(super) fn partner(self) -> u16 {
        (self.0 >> 32) as u16
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    fn span(self) -> Span {
        Span { first: Day((self.0 >> 16) as u16), last: Day(self.0 as u16) }
    }
}

impl Others {
    fn of(numbers: &[u32], others: &[u32]) -> Others {
        let differing = || (0..).zip(numbers.iter().zip(others)).filter(|(_, (number, other))| number != other);
        let count = differing().count();
        if count == 0 {
            return Others::Same;
        }
        if 2 * count > numbers.len() {
            return Others::All(Column::of(others));
        }
        let places: Vec<u32> = differing().map(|(place, _)| place).collect();
        let numbers: Vec<u32> = differing().map(|(_, (_, other))| *other).collect();
        Others::Few { places: Column::of(&places), numbers: Column::of(&numbers) }
    }
}

impl Column {
    fn of(numbers: &[u32]) -> Column {
        match numbers.iter().max() {
            None | Some(0) => Column::Zero,
            Some(0..=0xffff) => Column::Narrow(numbers.iter().map(|number| *number as u16).collect()),
            Some(_) => Column::Wide(numbers.into()),
        }
    }

    fn get(&self, at: usize) -> usize {
        match self {
            Column::Zero => 0,
            Column::Narrow(numbers) => numbers[at].into(),
            Column::Wide(numbers) => numbers[at] as usize,
        }
    }

    /// Where `number` is, if they ascend.
    fn find(&self, number: usize) -> Option<usize> {
        match self {
            Column::Zero => (number == 0).then_some(0),
            Column::Narrow(numbers) => numbers.binary_search(&number.try_into().ok()?).ok(),
            Column::Wide(numbers) => numbers.binary_search(&number.try_into().ok()?).ok(),
        }
    }
}

impl Sets {
    fn of(flags: &[Packed]) -> Sets {
        let mut spans: Vec<Span> = flags.iter().map(|flag| flag.span()).collect();
        spans.sort_unstable();
        spans.dedup();
        if spans.len() > NARROW_GOES_ON as usize {
            return Sets::Wide(flags.into());
        }
        let narrow = |flag: &Packed| {
            // Every span is among them, which were made of these flags.
            let span = spans.partition_point(|span| *span < flag.span()) as u32;
            u32::from(flag.partner()) << 16 | if flag.goes_on() { NARROW_GOES_ON } else { 0 } | span
        };
        Sets::Narrow { flags: flags.iter().map(narrow).collect(), spans: spans.into() }
    }

    fn len(&self) -> usize {
        match self {
            Sets::Narrow { flags, .. } => flags.len(),
            Sets::Wide(flags) => flags.len(),
        }
    }

    /// The flag at a place, and whether its set goes on.
    fn flag(&self, at: usize) -> (Holding, bool) {
        match self {
            Sets::Narrow { spans, flags } => {
                let flag = flags[at];
                let span = spans[(flag & (NARROW_GOES_ON - 1)) as usize];
                (Holding { partner: (flag >> 16) as u16, span }, flag & NARROW_GOES_ON != 0)
            }
            Sets::Wide(flags) => {
                let flag = flags[at];
                (Holding { partner: flag.partner(), span: flag.span() }, flag.goes_on())
            }
        }
    }
}

impl Default for Sets {
    fn default() -> Sets {
        Sets::Narrow { spans: Box::default(), flags: Box::default() }
    }
}

impl Iterator for Holdings<'_> {
    type Item = Holding;

    fn next(&mut self) -> Option<Holding> {
        if self.next == 0 {
            return None;
        }
        let (holding, goes_on) = self.sets.flag(self.next);
        self.next = if goes_on { self.next + 1 } else { 0 };
        Some(holding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tags_are_found_wherever_they_are(
            uniform in prop::collection::btree_set(any::<u128>(), 0..400),
            dense in prop::collection::btree_set(0u128..300, 0..200),
            shift in 0u32..120,
            asked in any::<u128>(),
        ) {
            let tags: std::collections::BTreeSet<Tag> =
                uniform.iter().copied().chain(dense.iter().map(|number| number << shift)).map(tag).collect();
            let tags: Vec<Tag> = tags.into_iter().collect();
            let numbers = vec![0; tags.len()];
            let shard = Shard::new(tags.clone(), Side::First, &numbers, &numbers, &[]);
            for (at, tag) in tags.iter().enumerate() {
                prop_assert_eq!(shard.find(tag), Some(at));
            }
            for tag in [asked, 0, u128::MAX, asked << shift].map(tag) {
                prop_assert_eq!(shard.find(&tag), tags.binary_search(&tag).ok());
            }
        }
    }

    /// A tag of the first shard.
    fn tag(number: u128) -> Tag {
        Tag((number >> super::super::SHARD_BITS).to_be_bytes())
    }
}
