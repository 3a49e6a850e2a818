//! A signed reply of the broker, as the journal keeps it.

use crate::codec::encode_fields;
use crate::day::Day;
use crate::message::LogEntry;

/// A signed reply of the broker: it commits the broker to a line of its log.
pub(super) struct ReplyRecord {
    pub(super) bytes: Vec<u8>,
    /// The origin of the log, by the policy that the partner held to.
    pub(super) origin: String,
    /// The line; none where the broker kept nothing.
    pub(super) log: LogEntry,
    /// The log went back behind what was seen of it.
    pub(super) went_back: bool,
    /// The day on which the message that it replies to was made.
    pub(super) day: Day,
    /// Its own day, by the broker's clock.
    pub(super) told: Day,
}

encode_fields! { ReplyRecord { bytes, origin, log, went_back, day, told } }
