//! Rewrites the shards of an index for the next release, and counts its flags on the way.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher};
use std::mem;
use std::ops::Range;

use foldhash::fast::RandomState;

use super::pending::Pending;
use super::shard::{Flag, Generation, PackedFlag, SHARDS, Shard, shard_of};
use super::shard_list::ShardList;
use crate::broker::tally::Tally;
use crate::day::Day;
use crate::store::{Row, Span};
use crate::tag::Tag;
use crate::threads::Threads;

/// How many ranges of shards each thread is given. With several, the others have little to wait for if one is held up.
const RANGES_A_THREAD: usize = 4;

/// What a release changes.
pub(crate) struct Changes<'a> {
    /// What becomes visible, for each partner once.
    pub(crate) pending: Vec<(u16, &'a Pending)>,
    /// Flags that ended before this day go.
    pub(crate) today: Day,
    /// Partners whose flags go.
    pub(crate) gone: &'a BTreeSet<u16>,
    /// For a flag that ended, and of which `pending` says nothing: how long it lasts, if it was renewed before it
    /// ended.
    pub(crate) renewed: &'a (dyn Fn(u16, &Tag) -> Option<Span> + Sync),
    /// The threads that shards are rewritten on.
    pub(crate) threads: &'a Threads,
}

impl Changes<'_> {
    /// Writes the generation of `index` that is not in force; `generation` is the one that is. Counts the flags of the
    /// new one, and gives the partners of which a flag ended.
    pub(super) fn rewrite(&self, index: &ShardList, generation: Generation) -> (Tally, BTreeSet<u16>) {
        let shards = SHARDS.count();
        let pending = self.pending.iter().flat_map(|(_, pending)| pending.runs()).map(<[Row]>::len);
        let rows = pending.sum::<usize>() + index.shards().map(|shard| shard.tags().len()).sum::<usize>();
        let ranges = match self.threads.count_for(rows) {
            1 => 1,
            threads => RANGES_A_THREAD * threads,
        };
        let length = shards.div_ceil(ranges);
        let ranges: Vec<Range<usize>> =
            (0..shards).step_by(length).map(|from| from..shards.min(from + length)).collect();
        let counted = self.threads.map_large(&ranges, |range| self.rewrite_range(index, generation, range.clone()));
        let (mut all, mut ended) = (FlagCounts::default(), BTreeSet::new());
        for (counted, ended_there) in counted {
            all.tags += counted.tags;
            for (flags, partner) in counted.flags.iter().zip(0..=u16::MAX) {
                all.add(partner, *flags);
            }
            ended.extend(ended_there);
        }
        (all.tally(), ended)
    }

    /// Does what [`Changes::rewrite`] does, for some of the shards.
    fn rewrite_range(
        &self,
        index: &ShardList,
        generation: Generation,
        shards: Range<usize>,
    ) -> (FlagCounts, BTreeSet<u16>) {
        let mut runs: Vec<(u16, &[Row])> =
            self.pending.iter().flat_map(|(partner, pending)| pending.runs().map(|run| (*partner, run))).collect();
        for (_, run) in &mut runs {
            *run = &run[run.partition_point(|row| shard_of(&row.tag) < shards.start)..];
        }
        let (mut news, mut mine, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        let mut writer = ShardWriter::new(self, generation);
        for number in shards {
            self.take(&mut runs, number, &mut news, (&mut mine, &mut ends));
            let shard = index.shard(number);
            if let Some(next) = writer.rebuild(&shard, &news) {
                index.replace(number, next);
            }
        }
        (writer.counted, writer.ended)
    }

    /// Takes the rows of one shard from the beginning of each of `runs` into `news`: by ascending tag and partner, and
    /// of several rows of one partner about one tag the newest. `mine` and `ends` are scratch memory.
    fn take<'r>(
        &self,
        runs: &mut [(u16, &'r [Row])],
        shard: usize,
        news: &mut Vec<ChangedFlag>,
        (mine, ends): (&mut Vec<(u16, &'r [Row])>, &mut Vec<u32>),
    ) {
        mine.clear();
        let mut count = 0;
        for (partner, run) in runs {
            let length = run.iter().take_while(|row| shard_of(&row.tag) == shard).count();
            let (of_shard, rest) = run.split_at(length);
            *run = rest;
            mine.push((*partner, of_shard));
            count += length;
        }
        let said = |partner: u16, row: &Row| ChangedFlag {
            tag: row.tag,
            partner,
            span: row.span.filter(|_| !row.ended(self.today)),
        };
        let all = mine.iter().flat_map(|(partner, run)| run.iter().map(|row| said(*partner, row)));
        // A partner's runs come newest first, and the sort is stable, so that its newest row about a tag stays first.
        SHARDS.in_each(count).sort(all, |news| news.tag.number(), |news| (news.tag, news.partner), news, ends);
        news.dedup_by_key(|news| (news.tag, news.partner));
    }
}

/// A partner's flag on a tag, as it is from now on.
#[derive(Clone)]
struct ChangedFlag {
    tag: Tag,
    partner: u16,
    span: Option<Span>,
}

/// Writes shards, one after the other, in the same memory.
struct ShardWriter<'a> {
    changes: &'a Changes<'a>,
    /// The generation in force.
    generation: Generation,
    tags: Vec<Tag>,
    /// For each tag the number of its set in the generation in force, and in the next.
    numbers: [Vec<u32>; 2],
    sets: Interner,
    /// The set that is being put together.
    set: Vec<PackedFlag>,
    /// What becomes of each set of the shard as it was, by its number there. Freed before the new shard is made, as it
    /// is large.
    carried: Vec<Option<CarriedSet>>,
    /// By number: how many tags have the set after the release.
    uses: Vec<u32>,
    counted: FlagCounts,
    ended: BTreeSet<u16>,
}

/// How many flags there are after the release.
#[derive(Default)]
struct FlagCounts {
    /// How many flags each partner has, up to the highest of those that have any.
    flags: Vec<u32>,
    /// How many tags have a flag.
    tags: u64,
}

impl FlagCounts {
    fn add(&mut self, partner: u16, more: u32) {
        let at = usize::from(partner);
        if self.flags.len() <= at {
            self.flags.resize(at + 1, 0);
        }
        self.flags[at] += more;
    }

    fn tally(&self) -> Tally {
        let flags = self.flags.iter().zip(0..=u16::MAX).filter(|(flags, _)| **flags > 0);
        Tally::new(flags.map(|(flags, partner)| (partner, *flags)).collect(), self.tags)
    }
}

/// What becomes of a set at tags that nothing changes.
#[derive(Clone, Copy)]
struct CarriedSet {
    /// The number that it has now.
    number: u32,
    /// Whether all flags in it stay.
    stays: bool,
}

impl<'a> ShardWriter<'a> {
    fn new(changes: &'a Changes<'a>, generation: Generation) -> ShardWriter<'a> {
        ShardWriter {
            changes,
            generation,
            tags: Vec::new(),
            numbers: Default::default(),
            sets: Interner::default(),
            set: Vec::new(),
            carried: Vec::new(),
            uses: Vec::new(),
            counted: FlagCounts::default(),
            ended: BTreeSet::new(),
        }
    }

    /// The shard after the release, with the generation in force as it was; `None` where it stays as it is.
    fn rebuild(&mut self, shard: &Shard, news: &[ChangedFlag]) -> Option<Shard> {
        let all_stay = || (1..shard.places()).all(|at| self.stays(&shard.flag(at)));
        if news.is_empty() && shard.is_settled() && all_stay() {
            self.count_settled(shard);
            return None;
        }
        self.begin(shard, news);
        let (mut old, mut news) = (0, news);
        loop {
            let held = shard.tags().get(old);
            let tag = match (held, news.first()) {
                (Some(held), Some(news)) => (*held).min(news.tag),
                (Some(held), None) => *held,
                (None, Some(news)) => news.tag,
                (None, None) => break,
            };
            let (mine, rest) = news.split_at(news.iter().take_while(|news| news.tag == tag).count());
            news = rest;
            let number = if held == Some(&tag) {
                old += 1;
                shard.number(self.generation, old - 1)
            } else {
                0
            };
            let before = self.carry(shard, number);
            let after = if mine.is_empty() && before.stays {
                before.number
            } else {
                self.number_after(shard, number, &tag, mine)
            };
            self.push(tag, before.number, after);
        }
        self.carried = Vec::new();
        self.count();
        let [before, after] = &self.numbers;
        Some(Shard::new(mem::take(&mut self.tags), self.generation.other(), after, before, &self.sets.flags))
    }

    fn stays(&self, flag: &Flag) -> bool {
        flag.span.last >= self.changes.today && !self.changes.gone.contains(&flag.partner)
    }

    fn begin(&mut self, shard: &Shard, news: &[ChangedFlag]) {
        // Exactly as much as there can be: vectors that double would be most of a release's memory.
        let most = shard.tags().len() + news.chunk_by(|a, b| a.tag == b.tag).count();
        self.tags.reserve_exact(most);
        for numbers in &mut self.numbers {
            numbers.clear();
            numbers.reserve_exact(most);
        }
        self.sets.clear();
        self.carried = vec![None; shard.places().max(1)];
        self.carried[0] = Some(CarriedSet { number: 0, stays: true });
    }

    /// Takes over a set of the generation in force.
    fn carry(&mut self, shard: &Shard, number: usize) -> CarriedSet {
        if let Some(carried) = self.carried[number] {
            return carried;
        }
        let today = self.changes.today;
        self.ended.extend(shard.set(number).filter(|flag| flag.span.last < today).map(|flag| flag.partner));
        let stays = shard.set(number).all(|flag| self.stays(&flag));
        self.set.clear();
        self.set.extend(shard.set(number).map(PackedFlag::new));
        let carried = CarriedSet { number: self.sets.number(&self.set), stays };
        self.carried[number] = Some(carried);
        carried
    }

    /// The number of the set of `tag` after the release, which had the set of that number before.
    fn number_after(&mut self, shard: &Shard, number: usize, tag: &Tag, news: &[ChangedFlag]) -> u32 {
        self.set.clear();
        for flag in shard.set(number) {
            let partner = flag.partner;
            if self.changes.gone.contains(&partner) || news.iter().any(|news| news.partner == partner) {
                continue;
            }
            let ended = flag.span.last < self.changes.today;
            let span = if ended { (self.changes.renewed)(partner, tag) } else { Some(flag.span) };
            self.set.extend(span.map(|span| PackedFlag::new(Flag { partner, span })));
        }
        let flag = |news: &ChangedFlag| Some(PackedFlag::new(Flag { partner: news.partner, span: news.span? }));
        self.set.extend(news.iter().filter_map(flag));
        self.set.sort_unstable();
        self.sets.number(&self.set)
    }

    fn push(&mut self, tag: Tag, before: u32, after: u32) {
        if (before, after) == (0, 0) {
            return;
        }
        self.tags.push(tag);
        self.numbers[0].push(before);
        self.numbers[1].push(after);
    }

    /// Counts what the shard that was just written shows after the release.
    fn count(&mut self) {
        self.uses.clear();
        self.uses.resize(self.sets.flags.len(), 0);
        for number in &self.numbers[1] {
            self.uses[*number as usize] += 1;
        }
        self.counted.tags += (self.tags.len() - self.uses[0] as usize) as u64;
        let mut uses = 0;
        let mut goes_on = false;
        for (at, flag) in self.sets.flags.iter().enumerate().skip(1) {
            uses = if goes_on { uses } else { self.uses[at] };
            goes_on = flag.goes_on();
            self.counted.add(flag.partner(), uses);
        }
    }

    /// Counts what a shard shows that stays as it is.
    fn count_settled(&mut self, shard: &Shard) {
        self.uses.clear();
        self.uses.resize(shard.places(), 0);
        for at in 0..shard.tags().len() {
            self.uses[shard.number(self.generation, at)] += 1;
        }
        self.counted.tags += shard.tags().len() as u64;
        for (number, uses) in self.uses.iter().enumerate().filter(|(_, uses)| **uses > 0) {
            for flag in shard.set(number) {
                self.counted.add(flag.partner, *uses);
            }
        }
    }
}

/// Gives equal sets one number, which is the place among all flags where the set begins.
struct Interner {
    flags: Vec<PackedFlag>,
    /// A hash table of numbers, 0 for a free slot. Its size is a power of two.
    slots: Vec<u32>,
    taken: usize,
    hasher: RandomState,
}

impl Interner {
    fn clear(&mut self) {
        self.flags.truncate(1);
        self.slots.fill(0);
        self.taken = 0;
    }

    /// The number of a set, whose flags come by ascending partner and each [`PackedFlag::alone`].
    fn number(&mut self, set: &[PackedFlag]) -> u32 {
        let Some((last, others)) = set.split_last() else {
            return 0;
        };
        if 2 * self.taken >= self.slots.len() {
            self.grow();
        }
        let mut slot = self.slot(set.iter().copied());
        while self.slots[slot] != 0 {
            let number = self.slots[slot];
            if self.set(number).eq(set.iter().copied()) {
                return number;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        let number = self.flags.len() as u32;
        if self.flags.capacity() < self.flags.len() + set.len() {
            self.flags.reserve_exact(set.len() + self.flags.len() / 8);
        }
        self.flags.extend(others.iter().map(|flag| flag.going_on()));
        self.flags.push(*last);
        self.slots[slot] = number;
        self.taken += 1;
        number
    }

    fn set(&self, number: u32) -> impl Iterator<Item = PackedFlag> {
        let mut rest = self.flags[number as usize..].iter();
        let mut goes_on = true;
        std::iter::from_fn(move || {
            let flag = rest.next().filter(|_| goes_on)?;
            goes_on = flag.goes_on();
            Some(flag.alone())
        })
    }

    fn slot(&self, set: impl Iterator<Item = PackedFlag>) -> usize {
        let mut hasher = self.hasher.build_hasher();
        set.for_each(|flag| hasher.write_u64(flag.bits()));
        hasher.finish() as usize & (self.slots.len() - 1)
    }

    fn grow(&mut self) {
        let numbers = mem::take(&mut self.slots);
        self.slots = vec![0; (2 * numbers.len()).max(64)];
        for number in numbers.into_iter().filter(|number| *number != 0) {
            let mut slot = self.slot(self.set(number));
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = number;
        }
    }
}

impl Default for Interner {
    fn default() -> Interner {
        // What stands at 0 belongs to no set.
        let nobody = PackedFlag::new(Flag { partner: 0, span: Span { first: Day(0), last: Day(0) } });
        Interner { flags: vec![nobody], slots: Vec::new(), taken: 0, hasher: RandomState::default() }
    }
}
