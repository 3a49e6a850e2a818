//! What can be wrong with a log, its checkpoints and its proofs.

use crate::codes::codes;
use crate::message::MessageError;
use crate::system::SystemError;

/// A log, a checkpoint or a proof cannot be used, or does not show what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The machine failed: a file could not be read.
    #[error(transparent)]
    System(#[from] SystemError),

    /// The broker's reply that names a line is not a message, or not signed by the broker.
    #[error(transparent)]
    Message(#[from] MessageError),

    /// A line of the audit log is not in the one form that it has.
    #[error("not a line of an audit log: {finding}; take it as the broker exported it")]
    LogLine {
        /// What was found.
        finding: &'static str,
    },

    /// An exported audit log is not in the one form that it has.
    #[error("not an exported audit log, row {row}: {finding}; export it again")]
    LogFile {
        /// The number of the row, counted from 0.
        row: u64,
        /// What was found.
        finding: &'static str,
    },

    /// An audit log is not the one that was signed.
    #[error("the audit log was altered: {finding}; keep it and the checkpoint, and tell the coordinator")]
    LogAltered {
        /// What was found, and where.
        finding: String,
    },

    /// A checkpoint cannot be used.
    #[error("not a checkpoint of this log: {finding}")]
    Checkpoint {
        /// What was found, and what to do.
        finding: &'static str,
    },

    /// A proof does not prove what it should, or what it is about is not what it proves.
    #[error("this does not prove it: {finding}")]
    LogProof {
        /// What was found, and what to do.
        finding: &'static str,
    },

    /// Two checkpoints, both signed by the broker, are not of one log that only grew.
    #[error(
        "the broker's audit log is not one log that only grew: {finding}. Keep both, they are the \
         evidence. Compare them with those of other partners, ask the operator whether the store was restored from a \
         backup, and tell the coordinator.\n\n{}\n{}",
        String::from_utf8_lossy(older),
        String::from_utf8_lossy(newer)
    )]
    LogInconsistent {
        /// What does not fit.
        finding: String,
        /// The checkpoint that was held, signature included.
        older: Vec<u8>,
        /// The one that does not fit it, signature included; empty where the broker showed none.
        newer: Vec<u8>,
    },
}

codes!(AuditError {
    LogLine => "log_line",
    LogFile => "log_file",
    LogAltered => "log_altered",
    Checkpoint => "checkpoint",
    LogProof => "log_proof",
    LogInconsistent => "log_inconsistent",
} wraps System, Message);
