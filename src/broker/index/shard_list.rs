//! The shards of an index, each of which a release replaces while others read.

use std::sync::{Arc, PoisonError, RwLock};

use super::shard::{SHARDS, Shard};

/// The shards, which the indexes of two releases share.
pub(super) struct ShardList(Box<[RwLock<Arc<Shard>>]>);

impl ShardList {
    pub(super) fn empty() -> ShardList {
        ShardList((0..SHARDS.count()).map(|_| RwLock::default()).collect())
    }

    /// Another list of the same shards, in which they can be replaced without a change to this one.
    pub(super) fn fork(&self) -> ShardList {
        ShardList(self.shards().map(RwLock::new).collect())
    }

    pub(super) fn shard(&self, number: usize) -> Arc<Shard> {
        // Nothing panics while it is held.
        Arc::clone(&self.0[number].read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn shards(&self) -> impl Iterator<Item = Arc<Shard>> {
        (0..self.0.len()).map(|number| self.shard(number))
    }

    pub(super) fn replace(&self, number: usize, shard: Shard) {
        let shard = Arc::new(shard);
        *self.0[number].write().unwrap_or_else(PoisonError::into_inner) = shard;
    }
}
