//! The place in the broker's audit log that a reply names.

use crate::codec::encode_fields;
use crate::day::Timestamp;
use crate::digest::Digest;

/// The line of the broker's audit log that a reply was logged with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// When the broker's store was last put back from a copy, and a log of its own was begun; 0 for never.
    pub restored: Timestamp,
    /// The number of the line, counted from 0.
    pub index: u64,
    /// The line's RFC 6962 leaf hash; zeros where there is no line.
    pub leaf: Digest,
    /// The line's salt. With it the partner writes down the line itself, and sees that the leaf hash is that of no
    /// other.
    pub salt: [u8; 16],
}

impl LogEntry {
    /// Stands where nothing was logged.
    pub const NONE: LogEntry = LogEntry { restored: Timestamp(0), index: 0, leaf: Digest::NONE, salt: [0; 16] };

    /// Whether there is a line.
    pub fn is_line(&self) -> bool {
        self.leaf != Digest::NONE
    }

    /// Whether its line was written after that of another.
    pub(crate) fn is_after(&self, other: &LogEntry) -> bool {
        (self.restored, self.index) > (other.restored, other.index)
    }
}

encode_fields! {
    LogEntry { restored, index, leaf, salt }
    where |entry| entry.is_line() || (entry.index, entry.salt) == (0, [0; 16]),
    else "a line of the log has a number or a salt, and no hash"
}
