//! A shard: the tags that begin with the same bits, in as few bytes as safe code can look them up in.
//!
//! For each tag there is the number of its set in the generation that was written last, 2 bytes in most shards; where
//! it has another set in the other generation, that number is kept apart. The number of a set is the place where it
//! begins among the flags of all sets. Wider numbers are used where a shard outgrows the narrow ones.
//!
//! The bits of a tag that follow its shard's say in which bucket of a few tags it is, and where in the bucket to expect
//! it.

use std::hint::black_box;
use std::ops::Range;

use crate::bucket_sort::Buckets;
use crate::day::Day;
use crate::store::Span;
use crate::tag::Tag;

/// How many first bits of a tag say in which shard it is.
///
/// With few shards tags share sets, and with many a release needs less memory beside the index: of ten million tags,
/// forty thousand are in a shard of 256.
pub(super) const SHARD_BITS: u32 = 8;

pub(super) const SHARDS: Buckets = Buckets::by_first(SHARD_BITS);

/// One partner's flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Flag {
    pub(crate) partner: u16,
    pub(crate) span: Span,
}

/// Which of a shard's two generations an index reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Generation {
    #[default]
    Even,
    Odd,
}

/// The tags of one shard, with their flags in both generations.
#[derive(Default)]
pub(super) struct Shard {
    /// Ascending: all that have a flag in either generation.
    tags: Box<[Tag]>,
    buckets: Buckets,
    /// For each bucket the place of its first tag; and, one more, where the last bucket ends.
    starts: Column,
    /// The generation that was written last.
    generation: Generation,
    /// For each tag the number of its set in that generation; 0 for none.
    numbers: Column,
    others: OtherNumbers,
    sets: Sets,
}

/// The numbers in the other generation.
#[derive(Default)]
enum OtherNumbers {
    #[default]
    Same,
    /// They differ at a few places, which ascend.
    Few {
        places: Column,
        numbers: Column,
    },
    All(Column),
}

/// A column of numbers, in as few bytes as the greatest takes.
#[derive(Default)]
enum Column {
    /// All of them 0.
    #[default]
    Zero,
    Narrow(Box<[u16]>),
    Wide(Box<[u32]>),
}

/// The sets, each by ascending partner. What is at place 0 belongs to no set.
enum Sets {
    /// Of each flag, from the highest bit: 16 bits of partner, 1 that says that the set goes on, 15 of the span's
    /// number.
    Narrow {
        spans: Box<[Span]>,
        flags: Box<[u32]>,
    },
    Wide(Box<[PackedFlag]>),
}

/// A flag as an integer: 1 bit that says that the set goes on, 15 of nothing, 16 of partner, 16 of first day, 16 of
/// last day.
///
/// Without its highest bit the order is that of partners.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PackedFlag(u64);

/// A set's flags from some number on.
pub(crate) struct Flags<'a> {
    sets: &'a Sets,
    next: usize,
}

/// How many tags are looked up together.
const BLOCK: usize = 32;

const GOES_ON: u64 = 1 << 63;
const NARROW_GOES_ON: u32 = 1 << 15;

impl Generation {
    pub(super) fn other(self) -> Generation {
        match self {
            Generation::Even => Generation::Odd,
            Generation::Odd => Generation::Even,
        }
    }
}

impl Shard {
    /// A shard of `tags`. Their sets are in `flags`; `numbers` are those of `generation`, `others` those of the other.
    pub(super) fn new(
        tags: Vec<Tag>,
        generation: Generation,
        numbers: &[u32],
        others: &[u32],
        flags: &[PackedFlag],
    ) -> Shard {
        let (buckets, mut starts) = (SHARDS.in_each(tags.len()), Vec::new());
        buckets.starts(tags.iter().map(|tag| tag.number()), &mut starts);
        Shard {
            starts: Column::of(&starts),
            tags: tags.into(),
            buckets,
            generation,
            numbers: Column::of(numbers),
            others: OtherNumbers::of(numbers, others),
            sets: Sets::of(flags),
        }
    }

    /// Its tags, also those that have a flag in one generation only.
    pub(super) fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// Whether both generations are the same. Then every set is in use.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.others, OtherNumbers::Same)
    }

    /// The number of the set of the tag at a place.
    pub(super) fn number(&self, generation: Generation, at: usize) -> usize {
        match &self.others {
            OtherNumbers::All(numbers) if generation != self.generation => numbers.get(at),
            OtherNumbers::Few { places, numbers } if generation != self.generation => {
                places.find(at).map_or_else(|| self.numbers.get(at), |differing| numbers.get(differing))
            }
            _ => self.numbers.get(at),
        }
    }

    /// The set of that number.
    pub(super) fn set(&self, number: usize) -> Flags<'_> {
        Flags { sets: &self.sets, next: number }
    }

    /// One more than the highest place in a set.
    pub(super) fn places(&self) -> usize {
        self.sets.len()
    }

    /// The flag at a place in the sets.
    pub(super) fn flag(&self, at: usize) -> Flag {
        self.sets.flag(at).0
    }

    /// The flags on a tag.
    pub(super) fn flags(&self, generation: Generation, tag: &Tag) -> Flags<'_> {
        self.set(self.find(tag).map_or(0, |at| self.number(generation, at)))
    }

    /// Shows the flags on each of `tags`, with what came with it.
    ///
    /// Blocks of tags are touched first and then looked up, so that the processor fetches their memory at the same
    /// time.
    pub(super) fn look_up<T: Copy>(
        &self,
        generation: Generation,
        tags: &[(Tag, T)],
        visit: &mut impl FnMut(T, Flags<'_>),
    ) {
        let (mut places, mut numbers) = ([None; BLOCK], [0; BLOCK]);
        for block in tags.chunks(BLOCK) {
            black_box(block.iter().fold(0, |sum, (tag, _)| sum ^ self.touch(self.expected(tag).1)));
            for ((tag, _), place) in block.iter().zip(&mut places) {
                *place = self.find(tag);
            }
            for (place, number) in places.iter().zip(&mut numbers).take(block.len()) {
                *number = place.map_or(0, |place| self.number(generation, place));
            }
            for ((_, with), number) in block.iter().zip(numbers) {
                visit(*with, self.set(number));
            }
        }
    }

    /// The flags of one partner.
    pub(super) fn flags_of(&self, generation: Generation, partner: u16) -> Vec<(Tag, Span)> {
        let mut spans = vec![None; self.places().max(1)];
        let mut number = 1;
        for at in 1..self.places() {
            let (flag, goes_on) = self.sets.flag(at);
            if flag.partner == partner {
                spans[number] = Some(flag.span);
            }
            number = if goes_on { number } else { at + 1 };
        }
        let flag = |(at, tag): (usize, &Tag)| Some((*tag, spans[self.number(generation, at)]?));
        self.tags.iter().enumerate().filter_map(flag).collect()
    }

    /// Shows all flags, by ascending tag.
    pub(super) fn each_flag(&self, generation: Generation, visit: &mut impl FnMut(Tag, Flag)) {
        for (at, tag) in self.tags.iter().enumerate() {
            self.set(self.number(generation, at)).for_each(|flag| visit(*tag, flag));
        }
    }

    /// Reads what is at a place, if anything is, so that the processor fetches it.
    fn touch(&self, at: usize) -> usize {
        self.tags.get(at).map_or(0, |tag| usize::from(tag.0[0]) ^ self.numbers.get(at))
    }

    /// Where a tag is.
    fn find(&self, tag: &Tag) -> Option<usize> {
        let (bucket, expected) = self.expected(tag);
        let (mut low, mut high, mut step) = (expected, expected, 2);
        while low > bucket.start && self.tags[low] > *tag {
            low = bucket.start.max(low.saturating_sub(step));
            step *= 2;
        }
        while high < bucket.end && self.tags[high] < *tag {
            high = bucket.end.min(high + step);
            step *= 2;
        }
        let high = bucket.end.min(high + 1);
        self.tags[low..high].binary_search(tag).ok().map(|at| low + at)
    }

    /// The bucket of a tag, and where in it the tag is to be expected, since tags are uniform.
    fn expected(&self, tag: &Tag) -> (Range<usize>, usize) {
        let number = self.buckets.of(tag.number());
        let bucket = self.starts.get(number)..self.starts.get(number + 1);
        let expected = bucket.start + ((bucket.len() as u128 * self.buckets.within(tag.number())) >> 64) as usize;
        (bucket, expected)
    }
}

impl PackedFlag {
    pub(super) fn new(flag: Flag) -> PackedFlag {
        let Flag { partner, span } = flag;
        PackedFlag(u64::from(partner) << 32 | u64::from(span.first.0) << 16 | u64::from(span.last.0))
    }

    /// The same flag, not the last of its set.
    pub(super) fn going_on(self) -> PackedFlag {
        PackedFlag(self.0 | GOES_ON)
    }

    pub(super) fn goes_on(self) -> bool {
        self.0 & GOES_ON != 0
    }

    /// The same flag, the last of its set.
    pub(super) fn alone(self) -> PackedFlag {
        PackedFlag(self.0 & !GOES_ON)
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

impl OtherNumbers {
    fn of(numbers: &[u32], others: &[u32]) -> OtherNumbers {
        let differing = || (0..).zip(numbers.iter().zip(others)).filter(|(_, (number, other))| number != other);
        let count = differing().count();
        if count == 0 {
            return OtherNumbers::Same;
        }
        if 2 * count > numbers.len() {
            return OtherNumbers::All(Column::of(others));
        }
        let places: Vec<u32> = differing().map(|(place, _)| place).collect();
        let numbers: Vec<u32> = differing().map(|(_, (_, other))| *other).collect();
        OtherNumbers::Few { places: Column::of(&places), numbers: Column::of(&numbers) }
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
    fn of(flags: &[PackedFlag]) -> Sets {
        let mut spans: Vec<Span> = flags.iter().map(|flag| flag.span()).collect();
        spans.sort_unstable();
        spans.dedup();
        if spans.len() > NARROW_GOES_ON as usize {
            return Sets::Wide(flags.into());
        }
        let narrow = |flag: &PackedFlag| {
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
    fn flag(&self, at: usize) -> (Flag, bool) {
        match self {
            Sets::Narrow { spans, flags } => {
                let flag = flags[at];
                let span = spans[(flag & (NARROW_GOES_ON - 1)) as usize];
                (Flag { partner: (flag >> 16) as u16, span }, flag & NARROW_GOES_ON != 0)
            }
            Sets::Wide(flags) => {
                let flag = flags[at];
                (Flag { partner: flag.partner(), span: flag.span() }, flag.goes_on())
            }
        }
    }
}

impl Default for Sets {
    fn default() -> Sets {
        Sets::Narrow { spans: Box::default(), flags: Box::default() }
    }
}

impl Iterator for Flags<'_> {
    type Item = Flag;

    fn next(&mut self) -> Option<Flag> {
        if self.next == 0 {
            return None;
        }
        let (flag, goes_on) = self.sets.flag(self.next);
        self.next = if goes_on { self.next + 1 } else { 0 };
        Some(flag)
    }
}

pub(super) fn shard_of(tag: &Tag) -> usize {
    SHARDS.of(tag.number())
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
            let shard = Shard::new(tags.clone(), Generation::Even, &numbers, &numbers, &[]);
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
        Tag((number >> SHARD_BITS).to_be_bytes())
    }
}
