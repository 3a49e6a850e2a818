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
    #[error("the audit log is not as it was signed: {finding}; keep it and the checkpoint, and tell the coordinator")]
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

    /// What the broker signed of its audit log is not one history.
    #[error(
        "the broker's audit log is not one history: {finding}. Keep all that shows it, that is the evidence. Compare \
         with other partners, ask the operator whether the store was restored from a backup, and tell the \
         coordinator.{}{}",
        after_a_line(older),
        after_a_line(newer)
    )]
    LogInconsistent {
        /// What does not fit.
        finding: String,
        /// The checkpoint that was held, signature included; empty where it is not about two checkpoints.
        older: Vec<u8>,
        /// The one that does not fit it, signature included; empty where the broker showed none.
        newer: Vec<u8>,
    },
}

/// A text after an empty line, if there is one.
fn after_a_line(text: &[u8]) -> String {
    if text.is_empty() { String::new() } else { format!("\n\n{}", String::from_utf8_lossy(text)) }
}

codes!(AuditError {
    LogLine => "log_line",
    LogFile => "log_file",
    LogAltered => "log_altered",
    Checkpoint => "checkpoint",
    LogProof => "log_proof",
    LogInconsistent => "log_inconsistent",
} wraps System, Message);
