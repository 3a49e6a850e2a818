//! The place in the broker's audit log that a reply names.

use crate::codec::encode_fields;
use crate::digest::Digest;

/// The line of the broker's audit log that a reply was logged with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The number of the line, counted from 0.
    pub index: u64,
    /// The line's RFC 6962 leaf hash; zeros where there is no line.
    pub leaf: Digest,
}

impl LogEntry {
    /// Stands where nothing was logged.
    pub const NONE: LogEntry = LogEntry { index: 0, leaf: Digest::NONE };
}

encode_fields! {
    LogEntry { index, leaf }
    where |entry| entry.leaf != Digest::NONE || entry.index == 0,
    else "a line of the log has a number and no hash"
}
