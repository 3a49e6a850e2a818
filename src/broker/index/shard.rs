//! A shard: the flags on the tags that begin with the same bits, in as few bytes as safe code can look them up in.
//!
//! Few spans occur in a shard, since flags end with a month: they are numbered, so that a flag takes 4 bytes. The bits
//! of a tag that follow its shard's say in which bucket of a few tags it is, and where in the bucket to expect it.

use crate::day::Day;
use crate::store::Span;
use crate::tag::Tag;

/// How many first bits of a tag say in which shard it is.
const SHARD_BITS: u32 = 8;

pub(super) const SHARDS: usize = 1 << SHARD_BITS;

/// About how many flags a bucket has: from half as many up to so many, and up to twice as many in a small shard.
const BUCKET: usize = 32;

/// In a packed flag: that it is the last of its tag.
const LAST: u64 = 1 << 16;

/// How many low bits of a packed flag are not its span's number.
const BELOW_SPAN: u32 = 17;

/// One partner's flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartnerFlag {
    pub(crate) partner: u16,
    pub(crate) span: Span,
}

/// The flags on the tags of one shard, and those that ended and are not forgotten.
pub(super) struct Shard {
    /// Those that have a flag, ascending.
    tags: Box<[Tag]>,
    /// The flags of each tag follow those of the tag before, by ascending partner.
    flags: PackedFlags,
    /// By number.
    spans: Box<[Span]>,
    /// Where each bucket begins; and, one more, where the last one ends.
    starts: Box<[Start]>,
    /// How many bits of a tag say in which bucket it is.
    bucket_bits: u32,
}

/// The places where a bucket begins among the tags and among the flags.
#[derive(Clone, Copy, Default)]
struct Start {
    tag: u32,
    flag: u32,
}

/// Flags as integers: from the lowest bit, 16 bits of partner, 1 that says that the flag is the last of its tag, and
/// the number of the span.
enum PackedFlags {
    Narrow(Box<[u32]>),
    /// Used where there are more spans than 15 bits can number.
    Wide(Box<[u64]>),
}

/// The flags on one tag that did not end before a day.
pub(crate) struct FlagsOfTag<'a> {
    shard: &'a Shard,
    /// The place of the next one.
    next: Option<usize>,
    day: Day,
}

impl Shard {
    /// A shard of `flags`, which come by ascending tag and partner.
    pub(super) fn new(flags: &[(Tag, PartnerFlag)]) -> Shard {
        let mut spans: Vec<Span> = flags.iter().map(|(_, flag)| flag.span).collect();
        spans.sort_unstable();
        spans.dedup();
        let bucket_bits = (flags.len() / BUCKET).next_power_of_two().ilog2();
        let mut starts = vec![Start::default(); (1 << bucket_bits) + 1];
        let mut tags = Vec::with_capacity(flags.len());
        let mut packed = Vec::with_capacity(flags.len());
        for (at, (tag, flag)) in flags.iter().enumerate() {
            let is_last = flags.get(at + 1).is_none_or(|next| next.0 != *tag);
            // Every span is among them, which were made of these flags.
            let number = spans.partition_point(|span| *span < flag.span) as u64;
            packed.push(number << BELOW_SPAN | if is_last { LAST } else { 0 } | u64::from(flag.partner));
            let after = &mut starts[tag_bits(tag, SHARD_BITS, bucket_bits) + 1];
            after.flag += 1;
            if is_last {
                after.tag += 1;
                tags.push(*tag);
            }
        }
        for bucket in 1..starts.len() {
            starts[bucket].tag += starts[bucket - 1].tag;
            starts[bucket].flag += starts[bucket - 1].flag;
        }
        let flags = PackedFlags::of(packed);
        Shard { tags: tags.into(), flags, spans: spans.into(), starts: starts.into(), bucket_bits }
    }

    /// All flags, by ascending tag and partner.
    pub(super) fn all_flags(&self) -> impl Iterator<Item = (Tag, PartnerFlag)> {
        let mut place = 0;
        (0..self.flags.len()).map(move |at| {
            let (flag, is_last) = self.flag(at);
            let tag = self.tags[place];
            place += usize::from(is_last);
            (tag, flag)
        })
    }

    /// The flags on a tag that did not end before `day`.
    pub(super) fn flags(&self, tag: &Tag, day: Day) -> FlagsOfTag<'_> {
        FlagsOfTag { shard: self, next: self.first_flag(tag), day }
    }

    /// Where the flags on a tag begin, if it has any.
    fn first_flag(&self, tag: &Tag) -> Option<usize> {
        let bucket = tag_bits(tag, SHARD_BITS, self.bucket_bits);
        let (start, end) = (self.starts[bucket], self.starts[bucket + 1]);
        let mut before = self.find(tag, start.tag as usize, end.tag as usize)? - start.tag as usize;
        let mut at = start.flag as usize;
        while before > 0 {
            before -= usize::from(self.flags.get(at) & LAST != 0);
            at += 1;
        }
        Some(at)
    }

    /// The place of a tag, which is in the bucket from `start` to `end`, if it is anywhere.
    fn find(&self, tag: &Tag, start: usize, end: usize) -> Option<usize> {
        // 2^64 would be the bucket's end.
        let within = (tag.number() << SHARD_BITS << self.bucket_bits) >> 64;
        let expected = start + (((end - start) as u128 * within) >> 64) as usize;
        let mut low = expected;
        let mut high = expected;
        let mut step = 2;
        while low > start && self.tags[low] > *tag {
            low = start.max(low.saturating_sub(step));
            step *= 2;
        }
        while high < end && self.tags[high] < *tag {
            high = end.min(high + step);
            step *= 2;
        }
        let high = end.min(high + 1);
        self.tags[low..high].binary_search(tag).ok().map(|at| low + at)
    }

    /// The flag at a place, and whether it is the last of its tag.
    fn flag(&self, at: usize) -> (PartnerFlag, bool) {
        let packed = self.flags.get(at);
        let span = self.spans[(packed >> BELOW_SPAN) as usize];
        (PartnerFlag { partner: packed as u16, span }, packed & LAST != 0)
    }
}

impl PackedFlags {
    fn of(flags: Vec<u64>) -> PackedFlags {
        if flags.iter().all(|flag| *flag <= u32::MAX.into()) {
            PackedFlags::Narrow(flags.iter().map(|flag| *flag as u32).collect())
        } else {
            PackedFlags::Wide(flags.into())
        }
    }

    fn get(&self, at: usize) -> u64 {
        match self {
            PackedFlags::Narrow(flags) => flags[at].into(),
            PackedFlags::Wide(flags) => flags[at],
        }
    }

    fn len(&self) -> usize {
        match self {
            PackedFlags::Narrow(flags) => flags.len(),
            PackedFlags::Wide(flags) => flags.len(),
        }
    }
}

impl Iterator for FlagsOfTag<'_> {
    type Item = PartnerFlag;

    fn next(&mut self) -> Option<PartnerFlag> {
        loop {
            let at = self.next?;
            let (flag, is_last) = self.shard.flag(at);
            self.next = (!is_last).then_some(at + 1);
            if !flag.span.ended(self.day) {
                return Some(flag);
            }
        }
    }
}

/// The number of the shard that a tag is in.
pub(super) fn shard_of(tag: &Tag) -> usize {
    tag_bits(tag, 0, SHARD_BITS)
}

/// So many bits of a tag, after the first `skipped`, as a number.
pub(super) fn tag_bits(tag: &Tag, skipped: u32, bits: u32) -> usize {
    // As two shifts, since all bits shifted out at once would be too many where none are wanted.
    ((tag.number() << skipped) >> 64 >> (64 - bits)) as usize
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
            let flags = |(number, tag): (usize, &Tag)| {
                let span = Span { first: Day(number as u16), last: Day(9_000) };
                (0..=number as u16 % 3).map(|partner| (*tag, PartnerFlag { partner, span })).collect::<Vec<_>>()
            };
            let flags: Vec<(Tag, PartnerFlag)> = tags.iter().enumerate().flat_map(flags).collect();
            let shard = Shard::new(&flags);
            prop_assert!(shard.all_flags().eq(flags.iter().copied()));
            for tag in tags.iter().copied().chain([asked, 0, u128::MAX, asked << shift].map(tag)) {
                let wanted = flags.iter().filter(|flag| flag.0 == tag).map(|flag| flag.1);
                prop_assert!(shard.flags(&tag, Day(0)).eq(wanted));
            }
        }
    }

    /// A tag of the first shard.
    fn tag(number: u128) -> Tag {
        Tag((number >> SHARD_BITS).to_be_bytes())
    }
}
