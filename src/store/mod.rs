//! Where the broker keeps what must survive: a ledger of small rows, the lines of the log, and the accepted batches of
//! flags.
//!
//! Batches are few and large, not a row a flag: a batch is what one message says, already tagged. The ledger says which
//! batches count. A [`Change`] is committed whole or not at all, and is on disk when [`Store::wait`] returns.
//!
//! [`MemoryStore`] is gone with the process. [`DurableStore`] is two redb files: `durable.rs` has its transactions,
//! `file.rs` how one of its files is opened, and what is read of it beside redb's API.

mod batch_form;
mod commit_queue;
mod disk;
mod durable;
mod error;
mod file;
mod interface;
mod memory;
mod model;
mod rewrite;
mod seal;
mod tables;

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

pub(crate) use commit_queue::Ticket;
pub(crate) use durable::DurableStore;
pub use error::StoreError;
#[cfg(test)]
pub(crate) use interface::Upkeep;
pub(crate) use interface::{Change, Purged, Staged, Store};
pub(crate) use memory::MemoryStore;
pub(crate) use model::{Batch, BatchId, Key, Line, Row, Span};
pub(crate) use seal::BlobKeys;
#[cfg(test)]
pub(crate) use simulated::SimDisk;
