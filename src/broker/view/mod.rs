//! The index that answers are read from: for each tag the partners that flag it, as of one release.
//!
//! It is derived from the store. The tags are cut into shards by their top bits; a shard has its tags in order, and for each the
//! number of its set of flags on two sides: that of the release in force, and that of the next. A release rewrites one shard
//! after the other without changing what is read on the side in force, and is published when the other side takes its place.
//! So a question that holds a view sees one release, whatever happens meanwhile; it waits for nothing; and a release needs
//! no more memory than one shard and a number a tag.

mod pending;
mod shard;
mod turn;

use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

pub(super) use pending::{Pending, PendingCursor};
pub(super) use shard::Holdings;
pub(super) use turn::{Turn, Turned};

use crate::slots::Slots;
use crate::store::Span;
use crate::tag::Tag;
use crate::threads::Threads;
use shard::{Shard, Side};

/// A tag's shard is its top bits: tags are uniform, so shards are of one size.
///
/// Few, so that tags share sets: of ten million, forty thousand are in a shard; and a shard is what a release needs beside them.
const SHARD_BITS: u32 = 8;

const SHARDS: Slots = Slots::by_first(SHARD_BITS);

/// How many tags a thread looks up at once.
const PIECE: usize = 1 << 12;

/// The released flags of one epoch, as of one release.
pub(super) struct View {
    index: Arc<Index>,
    side: Side,
    /// The view of the other side: while somebody looks at that one, its side is not written over.
    other: Mutex<Weak<View>>,
}

/// The shards, which the views of two releases share.
struct Index(Box<[RwLock<Arc<Shard>>]>);

/// One partner's flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Holding {
    pub(super) partner: u16,
    pub(super) span: Span,
}

/// Looks up one tag after the other, at the least cost by ascending tag.
pub(super) struct Cursor<'a> {
    view: &'a View,
    /// The last shard that was looked into, and its number.
    shard: Option<(usize, Arc<Shard>)>,
}

impl View {
    /// A view without flags.
    pub(super) fn empty() -> Arc<View> {
        Arc::new(View { index: Arc::new(Index::empty()), side: Side::First, other: Mutex::default() })
    }

    /// What is made of the flags on each of `tags`, by ascending partner; looked up in whatever order costs least. Each piece of the
    /// work is given something of its own that makes it, which so can have room that it uses again and again.
    pub(super) fn look_up<T: Clone + Default + Send, F: FnMut(Holdings<'_>) -> T>(
        &self,
        tags: &[Tag],
        threads: &Threads,
        maker: impl Fn() -> F + Send + Sync,
    ) -> Vec<T> {
        let found = threads.map_pieces(&by_shard(tags), PIECE, |piece| {
            let (mut make, mut found) = (maker(), Vec::with_capacity(piece.len()));
            for tags in piece.chunk_by(|(one, _), (other, _)| shard_of(one) == shard_of(other)) {
                let shard = self.index.shard(shard_of(&tags[0].0));
                shard.look_up(self.side, tags, &mut |place, holdings| found.push((place, make(holdings))));
            }
            found
        });
        let mut made = vec![T::default(); tags.len()];
        found.into_iter().for_each(|(place, of)| made[place as usize] = of);
        made
    }

    /// Looks tags up.
    pub(super) fn cursor(&self) -> Cursor<'_> {
        Cursor { view: self, shard: None }
    }

    /// The flags of one partner, by ascending tag.
    pub(super) fn flags_of(&self, partner: u16) -> impl Iterator<Item = (Tag, Span)> {
        self.index.shards().flat_map(move |shard| shard.flags_of(self.side, partner))
    }

    /// Shows all flags, by ascending tag.
    pub(super) fn each_flag(&self, mut visit: impl FnMut(Tag, Holding)) {
        self.index.shards().for_each(|shard| shard.each_flag(self.side, &mut visit));
    }

    /// The view after a release, and what there is in it. This one shows what it did, until the next one after that is made.
    pub(super) fn turn(self: &Arc<View>, turn: &Turn<'_>) -> Turned {
        let mut other = self.other.lock().unwrap_or_else(PoisonError::into_inner);
        let view = |index, other| Arc::new(View { index, side: self.side.other(), other: Mutex::new(other) });
        let next = if other.strong_count() == 0 {
            let next = view(Arc::clone(&self.index), Arc::downgrade(self));
            *other = Arc::downgrade(&next);
            next
        } else {
            // Somebody still looks at the release before this one: let them, with the shards as they are.
            view(Arc::new(self.index.fork()), Weak::new())
        };
        let (tally, ended) = turn.rewrite(&next.index, self.side);
        Turned { view: next, tally, ended }
    }
}

impl Cursor<'_> {
    /// The flags on `tag`, by ascending partner.
    pub(super) fn holdings(&mut self, tag: &Tag) -> impl Iterator<Item = Holding> {
        let number = shard_of(tag);
        let (_, shard) = match self.shard.take_if(|held| held.0 == number) {
            Some(same) => self.shard.insert(same),
            None => self.shard.insert((number, self.view.index.shard(number))),
        };
        shard.holdings(self.view.side, tag)
    }

    /// How long `partner` flags `tag`.
    pub(super) fn span_of(&mut self, tag: &Tag, partner: u16) -> Option<Span> {
        self.holdings(tag).find(|holding| holding.partner == partner).map(|holding| holding.span)
    }
}

impl Index {
    fn empty() -> Index {
        Index((0..1 << SHARD_BITS).map(|_| RwLock::default()).collect())
    }

    fn fork(&self) -> Index {
        Index(self.shards().map(RwLock::new).collect())
    }

    fn shard(&self, number: usize) -> Arc<Shard> {
        // Nothing panics while it is held.
        Arc::clone(&self.0[number].read().unwrap_or_else(PoisonError::into_inner))
    }

    fn shards(&self) -> impl Iterator<Item = Arc<Shard>> {
        (0..self.0.len()).map(|number| self.shard(number))
    }

    fn replace(&self, number: usize, shard: Shard) {
        let shard = Arc::new(shard);
        *self.0[number].write().unwrap_or_else(PoisonError::into_inner) = shard;
    }
}

/// The tags with their places, those of a shard together.
fn by_shard(tags: &[Tag]) -> Vec<(Tag, u32)> {
    let mut parted = Vec::new();
    SHARDS.part(tags.iter().copied().zip(0..), |(tag, _)| tag.number(), &mut parted, &mut Vec::new());
    parted
}

fn shard_of(tag: &Tag) -> usize {
    SHARDS.of(tag.number())
}

#[cfg(test)]
mod tests;
