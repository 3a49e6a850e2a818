//! The place in the broker's audit log that a reply names.

use super::error::MessageError;
use crate::codec::{Reader, Writer};
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

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.u64(self.index).bytes(&self.leaf.0);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<LogEntry, MessageError> {
        Ok(LogEntry { index: reader.u64()?, leaf: Digest(reader.array()?) })
    }
}
