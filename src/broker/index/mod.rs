//! The index that answers are read from: for each tag the partners that flag it, as of one release.
//!
//! It is in memory, derived from the store, and made again from it at open. In the words of databases:
//!
//! - An [`Index`] is an immutable **snapshot**: it shows one release for as long as anybody holds it. A release makes
//!   the next one, and the broker then puts that in its place, so that a question waits for nothing and sees no half
//!   release.
//! - The tags are cut into **shards** by their first bits. Tags are made with HMAC-SHA256 under a key of the broker's
//!   own, so they are uniform and shards are of one size. A release makes the shards anew: each thread takes a range of
//!   them and makes one after the other. Two snapshots share the shards in which nothing changed, so that both
//!   together take at most twice the memory of one.
//! - A tag takes 16 bytes, and each of its flags 4. A flag that ended or was withdrawn stays until it is forgotten, and
//!   does not show.
//! - A look-up finds the place of a tag by **interpolation**, since uniform tags lie about where their bits say.
//! - What was accepted since the last release is **pending**, for each partner apart: sorted runs, as in a
//!   log-structured merge tree. A release merges them into the shards.

mod pending;
mod rebuild;
mod shard;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) use pending::{Pending, PendingCursor};
pub(super) use rebuild::{Changes, Effect};
pub(super) use shard::{FlagsOfTag, PartnerFlag};

use crate::broker::tally::Tally;
use crate::day::Day;
use crate::store::Span;
use crate::tag::Tag;
use crate::threads::Threads;
use rebuild::RebuiltShard;
use shard::{SHARDS, Shard, shard_of};

/// The number of tags in the piece of work that one thread takes.
const TAGS_AT_ONCE: usize = 1 << 12;

/// The number of shards in the piece of work that one thread takes.
const SHARDS_AT_ONCE: usize = 1 << 4;

/// The released flags of one epoch, as of one release.
pub(super) struct Index {
    shards: Box<[Arc<Shard>]>,
    /// The day of the release: flags that ended before it do not show.
    day: Day,
}

/// The index after a release that is not in force yet, and what was counted on the way.
pub(super) struct Rebuilt {
    pub(super) index: Arc<Index>,
    pub(super) tally: Tally,
    /// The partners with a flag that is forgotten or, in an `OnlyLess` release, was withdrawn or shortened.
    pub(super) cut: BTreeSet<u16>,
}

impl Index {
    /// An index without flags.
    pub(super) fn empty() -> Arc<Index> {
        let empty = Arc::new(Shard::new(&[]));
        Arc::new(Index { shards: vec![empty; SHARDS].into(), day: Day(0) })
    }

    /// For each of `tags` what `maker`'s function makes of the flags on it, which come by ascending partner. Each
    /// thread has a function of its own, which can use the same memory again and again.
    pub(super) fn look_up<T: Clone + Default + Send, F: FnMut(FlagsOfTag<'_>) -> T>(
        &self,
        tags: &[Tag],
        threads: &Threads,
        maker: impl Fn() -> F + Send + Sync,
    ) -> Vec<T> {
        // Tags that follow each other are found in memory that the processor has at hand.
        let mut ascending: Vec<(Tag, u32)> = tags.iter().copied().zip(0..).collect();
        ascending.sort_unstable_by_key(|(tag, _)| *tag);
        let found = threads.map_pieces(&ascending, TAGS_AT_ONCE, |piece| {
            let mut make = maker();
            piece.iter().map(|(tag, place)| (*place, make(self.flags(tag)))).collect()
        });
        let mut made = vec![T::default(); tags.len()];
        found.into_iter().for_each(|(place, of)| made[place as usize] = of);
        made
    }

    /// The flags on `tag`, by ascending partner.
    pub(super) fn flags(&self, tag: &Tag) -> FlagsOfTag<'_> {
        self.shards[shard_of(tag)].flags(tag, self.day)
    }

    /// Whether `partner` flags `tag`.
    pub(super) fn shows(&self, tag: &Tag, partner: u16) -> bool {
        self.flags(tag).any(|flag| flag.partner == partner)
    }

    /// How long `partner` flags `tag`, or flagged it.
    pub(super) fn known_span(&self, tag: &Tag, partner: u16) -> Option<Span> {
        let known = self.shards[shard_of(tag)].flags(tag, Day(0)).find(|flag| flag.partner == partner);
        known.map(|flag| flag.span)
    }

    /// All flags, those that ended and are not forgotten included, by ascending tag and partner.
    pub(super) fn all_known(&self) -> impl Iterator<Item = (Tag, PartnerFlag)> {
        self.shards.iter().flat_map(|shard| shard.all_flags())
    }

    /// The same of one partner, by ascending tag.
    pub(super) fn known_of(&self, partner: u16) -> impl Iterator<Item = (Tag, Span)> {
        self.all_known().filter(move |(_, flag)| flag.partner == partner).map(|(tag, flag)| (tag, flag.span))
    }

    /// How many tags so many organisations flag, from none on. `organisation_of` has the number of the organisation
    /// that a partner counts as, if it counts.
    pub(super) fn tags_by_organisations(&self, organisation_of: impl Fn(u16) -> Option<usize>) -> Vec<u64> {
        let mut counted = vec![0];
        let mut count = |organisations: &mut Vec<usize>| {
            organisations.sort_unstable();
            organisations.dedup();
            if counted.len() <= organisations.len() {
                counted.resize(organisations.len() + 1, 0);
            }
            counted[organisations.len()] += 1;
            organisations.clear();
        };
        let mut flagging = Vec::new();
        let mut last = None;
        for (tag, flag) in self.all_known().filter(|(_, flag)| !flag.span.ended(self.day)) {
            if last.replace(tag).is_some_and(|last| last != tag) {
                count(&mut flagging);
            }
            flagging.extend(organisation_of(flag.partner));
        }
        if last.is_some() {
            count(&mut flagging);
        }
        counted
    }

    /// The index after a release.
    pub(super) fn rebuild(&self, changes: &Changes<'_>) -> Rebuilt {
        let shards: Vec<(usize, &Arc<Shard>)> = self.shards.iter().enumerate().collect();
        let ranges: Vec<_> = shards.chunks(SHARDS_AT_ONCE).collect();
        let rebuilt = changes.threads.map_large(&ranges, |shards| changes.rebuild(shards, self.day));
        let (shards, cut): (Vec<_>, Vec<_>) =
            rebuilt.into_iter().flatten().map(|RebuiltShard { shard, cut }| (shard, cut)).unzip();
        let index = Index { shards: shards.into(), day: changes.today };
        let tally = index.tally();
        Rebuilt { index: Arc::new(index), tally, cut: cut.into_iter().flatten().collect() }
    }

    fn tally(&self) -> Tally {
        let mut known = vec![0; 1 << 16];
        let mut ended = vec![0; 1 << 16];
        let mut last_days = vec![Day(0); 1 << 16];
        let mut tags = 0;
        let mut last_shown = None;
        for (tag, flag) in self.all_known() {
            let partner = usize::from(flag.partner);
            known[partner] += 1;
            last_days[partner] = last_days[partner].max(flag.span.last);
            if flag.span.ended(self.day) {
                ended[partner] += 1;
            } else if last_shown != Some(tag) {
                last_shown = Some(tag);
                tags += 1;
            }
        }
        let known: BTreeMap<u16, u32> = (0..=u16::MAX).zip(known).filter(|(_, flags)| *flags > 0).collect();
        let shown = known.iter().map(|(partner, flags)| (*partner, flags - ended[usize::from(*partner)]));
        let released: BTreeMap<u16, u32> = shown.filter(|(_, flags)| *flags > 0).collect();
        let last_days = released.keys().map(|partner| (*partner, last_days[usize::from(*partner)])).collect();
        Tally::new(released, known, last_days, tags)
    }
}

#[cfg(test)]
mod tests;
