//! From one release to the next: the shards rewritten one after the other, and all that is counted on the way.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher};
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::shard::{Packed, Shard, Side};
use super::{Holding, Index, Pending, SHARDS, View, shard_of};
use crate::broker::tally::Tally;
use crate::day::Day;
use crate::store::{Row, Span};
use crate::tag::Tag;
use crate::threads::Threads;

/// Each thread takes so many ranges of shards, so that one that is held up leaves the others little to wait for.
const RANGES_A_THREAD: usize = 4;

/// What a release does.
pub(in crate::broker) struct Turn<'a> {
    /// What becomes visible: each partner once.
    pub(in crate::broker) said: Vec<(u16, &'a Pending)>,
    /// Flags that ended before it go.
    pub(in crate::broker) today: Day,
    /// Partners whose flags go.
    pub(in crate::broker) gone: &'a BTreeSet<u16>,
    /// How long a flag lasts that ended as it was released, if it was renewed before it did.
    pub(in crate::broker) renewed: &'a (dyn Fn(u16, &Tag) -> Option<Span> + Sync),
    /// Shards are rewritten on these.
    pub(in crate::broker) threads: &'a Threads,
}

/// A release, made and not published.
pub(in crate::broker) struct Turned {
    pub(in crate::broker) view: Arc<View>,
    pub(in crate::broker) tally: Tally,
    /// The partners of which a flag ended that was released.
    pub(in crate::broker) ended: BTreeSet<u16>,
}

impl Turn<'_> {
    /// Rewrites the side of `index` that is not `side`, and counts what it shows then and which partners' flags ended.
    pub(super) fn rewrite(&self, index: &Index, side: Side) -> (Tally, BTreeSet<u16>) {
        let shards = index.0.len();
        let said = self.said.iter().flat_map(|(_, pending)| pending.runs()).map(<[Row]>::len);
        let rows = said.sum::<usize>() + index.shards().map(|shard| shard.tags().len()).sum::<usize>();
        let ranges = match self.threads.count_for(rows) {
            1 => 1,
            threads => RANGES_A_THREAD * threads,
        };
        let length = shards.div_ceil(ranges);
        let ranges: Vec<Range<usize>> =
            (0..shards).step_by(length).map(|from| from..shards.min(from + length)).collect();
        let counted = self.threads.map_large(&ranges, |range| self.rewrite_range(index, side, range.clone()));
        let (mut all, mut ended) = (Counted::default(), BTreeSet::new());
        for (counted, ended_there) in counted {
            all.tags += counted.tags;
            for (flags, partner) in counted.flags.iter().zip(0..=u16::MAX) {
                all.add(partner, *flags);
            }
            ended.extend(ended_there);
        }
        (all.tally(), ended)
    }

    /// As [`Turn::rewrite`], some of the shards.
    fn rewrite_range(&self, index: &Index, side: Side, shards: Range<usize>) -> (Counted, BTreeSet<u16>) {
        let mut runs: Vec<(u16, &[Row])> =
            self.said.iter().flat_map(|(partner, pending)| pending.runs().map(|run| (*partner, run))).collect();
        for (_, run) in &mut runs {
            *run = &run[run.partition_point(|row| shard_of(&row.tag) < shards.start)..];
        }
        let (mut news, mut mine, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        let mut writer = Writer::new(self, side);
        for number in shards {
            self.take(&mut runs, number, &mut news, (&mut mine, &mut ends));
            let shard = index.shard(number);
            if let Some(next) = writer.turn(&shard, &news) {
                index.replace(number, next);
            }
        }
        (writer.counted, writer.ended)
    }

    /// Takes what is said of one shard's tags from the beginning of `runs`: by ascending tag and partner, the latest only. With `mine` and
    /// `ends` as room to work in.
    fn take<'r>(
        &self,
        runs: &mut [(u16, &'r [Row])],
        shard: usize,
        news: &mut Vec<News>,
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
        let said =
            |partner: u16, row: &Row| News { tag: row.tag, partner, span: row.span.filter(|_| !row.ended(self.today)) };
        let all = mine.iter().flat_map(|(partner, run)| run.iter().map(|row| said(*partner, row)));
        // A partner's newest row comes first, and stays so.
        SHARDS.in_each(count).sort(all, |news| news.tag.number(), |news| (news.tag, news.partner), news, ends);
        news.dedup_by_key(|news| (news.tag, news.partner));
    }
}

/// A partner's flag on a tag, as it is from now on.
#[derive(Clone)]
struct News {
    tag: Tag,
    partner: u16,
    span: Option<Span>,
}

/// Writes shards, one after the other, in the same memory.
struct Writer<'a> {
    turn: &'a Turn<'a>,
    /// The side in force.
    side: Side,
    tags: Vec<Tag>,
    /// For each tag the number of its set on the side in force, and on the next.
    numbers: [Vec<u32>; 2],
    sets: Interner,
    /// The set that is being put together.
    set: Vec<Packed>,
    /// By the number that a set has in the shard as it was: what becomes of it. Let go of before the shard as it will be is there.
    carried: Vec<Option<Carried>>,
    /// By number: how many tags have the set after the release.
    uses: Vec<u32>,
    counted: Counted,
    ended: BTreeSet<u16>,
}

/// What there is after the release.
#[derive(Default)]
struct Counted {
    /// How many flags each partner has, up to the highest of those that have any.
    flags: Vec<u32>,
    /// How many tags have a flag.
    tags: u64,
}

impl Counted {
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

/// What becomes of a set of which no news speaks.
#[derive(Clone, Copy)]
struct Carried {
    /// The number that it has now.
    number: u32,
    /// Whether all flags in it stay.
    stays: bool,
}

impl<'a> Writer<'a> {
    fn new(turn: &'a Turn<'a>, side: Side) -> Writer<'a> {
        Writer {
            turn,
            side,
            tags: Vec::new(),
            numbers: Default::default(),
            sets: Interner::default(),
            set: Vec::new(),
            carried: Vec::new(),
            uses: Vec::new(),
            counted: Counted::default(),
            ended: BTreeSet::new(),
        }
    }

    /// The shard after the release, with the side in force as it was; `None` where it stays as it is.
    fn turn(&mut self, shard: &Shard, news: &[News]) -> Option<Shard> {
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
                shard.number(self.side, old - 1)
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
        Some(Shard::new(mem::take(&mut self.tags), self.side.other(), after, before, &self.sets.flags))
    }

    fn stays(&self, holding: &Holding) -> bool {
        holding.span.last >= self.turn.today && !self.turn.gone.contains(&holding.partner)
    }

    fn begin(&mut self, shard: &Shard, news: &[News]) {
        // No more than there can be: of a release's own memory, room that is doubled would be most.
        let most = shard.tags().len() + news.chunk_by(|a, b| a.tag == b.tag).count();
        self.tags.reserve_exact(most);
        for numbers in &mut self.numbers {
            numbers.clear();
            numbers.reserve_exact(most);
        }
        self.sets.clear();
        self.carried = vec![None; shard.places().max(1)];
        self.carried[0] = Some(Carried { number: 0, stays: true });
    }

    /// Takes over a set of the side in force.
    fn carry(&mut self, shard: &Shard, number: usize) -> Carried {
        if let Some(carried) = self.carried[number] {
            return carried;
        }
        let today = self.turn.today;
        self.ended.extend(shard.set(number).filter(|flag| flag.span.last < today).map(|flag| flag.partner));
        let stays = shard.set(number).all(|flag| self.stays(&flag));
        self.set.clear();
        self.set.extend(shard.set(number).map(Packed::new));
        let carried = Carried { number: self.sets.number(&self.set), stays };
        self.carried[number] = Some(carried);
        carried
    }

    /// The number of the set of `tag` after the release, which had the set of that number before.
    fn number_after(&mut self, shard: &Shard, number: usize, tag: &Tag, news: &[News]) -> u32 {
        self.set.clear();
        for holding in shard.set(number) {
            let partner = holding.partner;
            if self.turn.gone.contains(&partner) || news.iter().any(|news| news.partner == partner) {
                continue;
            }
            let ended = holding.span.last < self.turn.today;
            let span = if ended { (self.turn.renewed)(partner, tag) } else { Some(holding.span) };
            self.set.extend(span.map(|span| Packed::new(Holding { partner, span })));
        }
        let flag = |news: &News| Some(Packed::new(Holding { partner: news.partner, span: news.span? }));
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
            self.uses[shard.number(self.side, at)] += 1;
        }
        self.counted.tags += shard.tags().len() as u64;
        for (number, uses) in self.uses.iter().enumerate().filter(|(_, uses)| **uses > 0) {
            for holding in shard.set(number) {
                self.counted.add(holding.partner, *uses);
            }
        }
    }
}

/// Gives equal sets one number: the place where it begins among the flags of all.
struct Interner {
    flags: Vec<Packed>,
    /// A hash table of numbers; 0 for a slot that is free. Its size is a power of two.
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

    /// The number of a set, whose flags come by ascending partner and each [`Packed::alone`].
    fn number(&mut self, set: &[Packed]) -> u32 {
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

    fn set(&self, number: u32) -> impl Iterator<Item = Packed> {
        let mut rest = self.flags[number as usize..].iter();
        let mut goes_on = true;
        std::iter::from_fn(move || {
            let flag = rest.next().filter(|_| goes_on)?;
            goes_on = flag.goes_on();
            Some(flag.alone())
        })
    }

    fn slot(&self, set: impl Iterator<Item = Packed>) -> usize {
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
        let nobody = Packed::new(Holding { partner: 0, span: Span { first: Day(0), last: Day(0) } });
        Interner { flags: vec![nobody], slots: Vec::new(), taken: 0, hasher: RandomState::default() }
    }
}
