//! The broker's audit log: what it did, in lines that nobody can change afterwards unnoticed.
//!
//! Each [`Line`] is a leaf of a Merkle tree (RFC 6962). The broker signs the root of the tree as it grows, in
//! [`Checkpoint`]s (C2SP tlog-checkpoint). An officer who has all lines checks them against checkpoints
//! ([`ExportedLog`]). A partner checks that the line which its receipt or answer names is in the log
//! ([`InclusionProof`]), and that each checkpoint continues the one before ([`follow`]). Two parties check that they
//! were shown the same log ([`compare`]).
//!
//! All this detects alterations. It detects an omission only where somebody holds a receipt or an answer for what was
//! omitted.

mod account;
mod checkpoint;
mod compare;
mod error;
mod event;
mod export;
mod ldv;
mod line;
mod processing_record;
mod proof;
mod reply;
mod tree;

pub use account::{Account, AccountPolicy, AccountTotals, PartnerAccount};
pub use checkpoint::{Checkpoint, LogKey, MAX_CHECKPOINT, UnverifiedCheckpoint};
pub use compare::{Comparison, compare, compare_restores, follow};
pub use error::AuditError;
pub use event::{Event, Outcome, SignedTree, Subject};
pub(crate) use export::prune_before;
pub use export::{ExportedLog, LogRow, Report};
pub use ldv::Ldv;
pub use line::{Line, MAX_LINE};
pub use processing_record::{AttributeValue, ForeignOperation, ProcessingRecord, ProcessingStatus};
pub use proof::{ConsistencyProof, InclusionProof};
pub use reply::LoggedReply;
pub use tree::{Log, leaf_hash};
pub(crate) use tree::{MAX_TILE_WIDTH, verify_inclusion};
