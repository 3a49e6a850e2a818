//! The index that answers are read from: for each tag the partners that flag it, as of one release.
//!
//! It is in memory, derived from the store, and rebuilt at open. In the words of databases:
//!
//! - An [`Index`] is a **snapshot**: it shows one release for as long as anybody holds it. A release makes the next
//!   one, and the broker then puts that in its place, so that a question waits for nothing and sees no half release.
//! - The tags are cut into **shards** by their first bits. Tags are made with HMAC-SHA256 under a key of the broker's
//!   own, so they are uniform and shards are of one size. A release rewrites one shard after the other, on as many
//!   threads as there are, and leaves alone those in which nothing changes.
//! - A shard has two **generations**, that of the release in force and that of the next (double buffering). A release
//!   writes the one that nobody reads, so it needs memory for one shard and a number a tag, not for a second index. If
//!   somebody still reads the older generation, the release is made on another list of the shards.
//! - Tags with the same flags share a **set**, which has a number in its shard (interning). A tag costs its 16 bytes
//!   and those of the number, 2 in most shards. Sets cost 4 bytes a flag.
//! - A look-up finds the place of a tag by **interpolation**, since uniform tags lie about where their bits say.
//! - What was accepted since the last release is **pending**, for each partner apart: sorted runs, as in a
//!   log-structured merge tree. A release merges them into the shards.

mod pending;
mod rebuild;
mod shard;
mod shard_list;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};

pub(super) use pending::{Pending, PendingCursor};
pub(super) use rebuild::Changes;
pub(super) use shard::{Flag, Flags};

use crate::broker::tally::Tally;
use crate::store::Span;
use crate::tag::Tag;
use crate::threads::Threads;
use shard::{Generation, SHARDS, Shard, shard_of};
use shard_list::ShardList;

/// How many tags a thread looks up at once.
const PIECE: usize = 1 << 12;

/// The released flags of one epoch, as of one release.
pub(super) struct Index {
    shards: Arc<ShardList>,
    generation: Generation,
    /// The index that reads the other generation. While somebody holds it, that generation is not written over.
    other: Mutex<Weak<Index>>,
}

/// The index after a release that is not in force yet, and what was counted on the way.
pub(super) struct Rebuilt {
    pub(super) index: Arc<Index>,
    pub(super) tally: Tally,
    /// The partners of which a flag ended that was released.
    pub(super) ended: BTreeSet<u16>,
}

/// Looks up one tag after the other. Ascending tags cost least, as the shard is kept from one to the next.
pub(super) struct Cursor<'a> {
    index: &'a Index,
    /// The number of the shard that was searched last, and the shard.
    shard: Option<(usize, Arc<Shard>)>,
}

impl Index {
    /// An index without flags.
    pub(super) fn empty() -> Arc<Index> {
        Arc::new(Index { shards: Arc::new(ShardList::empty()), generation: Generation::Even, other: Mutex::default() })
    }

    /// For each of `tags` what `maker`'s function makes of the flags on it, which come by ascending partner. Each
    /// thread has a function of its own, which can use the same memory again and again.
    pub(super) fn look_up<T: Clone + Default + Send, F: FnMut(Flags<'_>) -> T>(
        &self,
        tags: &[Tag],
        threads: &Threads,
        maker: impl Fn() -> F + Send + Sync,
    ) -> Vec<T> {
        let found = threads.map_pieces(&by_shard(tags), PIECE, |piece| {
            let (mut make, mut found) = (maker(), Vec::with_capacity(piece.len()));
            for tags in piece.chunk_by(|(one, _), (other, _)| shard_of(one) == shard_of(other)) {
                let shard = self.shards.shard(shard_of(&tags[0].0));
                shard.look_up(self.generation, tags, &mut |place, flags| found.push((place, make(flags))));
            }
            found
        });
        let mut made = vec![T::default(); tags.len()];
        found.into_iter().for_each(|(place, of)| made[place as usize] = of);
        made
    }

    /// Looks tags up.
    pub(super) fn cursor(&self) -> Cursor<'_> {
        Cursor { index: self, shard: None }
    }

    /// The flags of one partner, by ascending tag.
    pub(super) fn flags_of(&self, partner: u16) -> impl Iterator<Item = (Tag, Span)> {
        self.shards.shards().flat_map(move |shard| shard.flags_of(self.generation, partner))
    }

    /// Shows all flags, by ascending tag.
    pub(super) fn each_flag(&self, mut visit: impl FnMut(Tag, Flag)) {
        self.shards.shards().for_each(|shard| shard.each_flag(self.generation, &mut visit));
    }

    /// The index after a release. This one stays as it is for as long as it is held.
    pub(super) fn rebuild(self: &Arc<Index>, changes: &Changes<'_>) -> Rebuilt {
        let mut other = self.other.lock().unwrap_or_else(PoisonError::into_inner);
        let next =
            |shards, other| Arc::new(Index { shards, generation: self.generation.other(), other: Mutex::new(other) });
        let index = if other.strong_count() == 0 {
            let index = next(Arc::clone(&self.shards), Arc::downgrade(self));
            *other = Arc::downgrade(&index);
            index
        } else {
            // Somebody still holds the release before this one, which so must not be written over.
            next(Arc::new(self.shards.fork()), Weak::new())
        };
        let (tally, ended) = changes.rewrite(&index.shards, self.generation);
        Rebuilt { index, tally, ended }
    }
}

impl Cursor<'_> {
    /// The flags on `tag`, by ascending partner.
    pub(super) fn flags(&mut self, tag: &Tag) -> impl Iterator<Item = Flag> {
        let number = shard_of(tag);
        let (_, shard) = match self.shard.take_if(|held| held.0 == number) {
            Some(same) => self.shard.insert(same),
            None => self.shard.insert((number, self.index.shards.shard(number))),
        };
        shard.flags(self.index.generation, tag)
    }

    /// How long `partner` flags `tag`.
    pub(super) fn span_of(&mut self, tag: &Tag, partner: u16) -> Option<Span> {
        self.flags(tag).find(|flag| flag.partner == partner).map(|flag| flag.span)
    }
}

/// The tags with their places, those of a shard together.
fn by_shard(tags: &[Tag]) -> Vec<(Tag, u32)> {
    let mut parted = Vec::new();
    SHARDS.part(tags.iter().copied().zip(0..), |(tag, _)| tag.number(), &mut parted, &mut Vec::new());
    parted
}

#[cfg(test)]
mod tests;
