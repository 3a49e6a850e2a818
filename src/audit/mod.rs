//! The audit log: what the broker did, in lines that cannot be changed afterwards without it showing.
//!
//! Each [`Line`] is a leaf of a Merkle tree (RFC 6962), of which the broker signs the root, again and again, in
//! [`Checkpoint`]s (C2SP tlog-checkpoint). With these an officer who has the lines checks all of them
//! ([`ExportedLog`]); a partner checks that the line which its receipt or answer names is there ([`InclusionProof`]),
//! and that each checkpoint it is shown continues the last one ([`follow`]); and two parties check that they were shown
//! the same log ([`compare`]).
//!
//! This shows alteration. That something was left out shows only where somebody holds a receipt or an answer for it.

mod checkpoint;
mod compare;
mod error;
mod event;
mod export;
mod ldv;
mod line;
mod proof;
mod reply;
mod tree;

pub use checkpoint::{Checkpoint, LogKey, MAX_CHECKPOINT, UnverifiedCheckpoint};
pub use compare::{Comparison, compare, follow};
pub use error::AuditError;
pub use event::{Event, Outcome, Subject};
pub use export::{ExportedLog, LogRow, Report, prune, prune_before};
pub use ldv::Ldv;
pub use line::{Line, MAX_LINE};
pub use proof::{ConsistencyProof, InclusionProof};
pub use reply::LoggedReply;
pub use tree::{Log, leaf_hash, verify_consistency, verify_inclusion};
