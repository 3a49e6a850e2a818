//! The bodies of the messages after a hit: what is put forward, the exchange of notes, totals and the year.
//! spec/after-a-hit.md.
//!
//! Types that hold pseudonyms or subjects have no `Debug` that shows them.

mod exchange;
mod post;
mod put_forward;
mod totals;
mod year;

use super::error::MessageError;
use crate::codec::{Encode, Reader, Writer};

pub use exchange::{Exchange, LEFT_AT_ONCE, NOTES_AT_ONCE, NoteSlot};
pub use post::{ENTRIES_AT_ONCE, Entry, EntryKind, NoteFate, Post};
pub use put_forward::{Kept, MAX_RECEIVERS, MAX_ROWS, PutForward, PutForwardRow};
pub use totals::{Totals, TotalsCell};
pub use year::{Year, YearCell};

/// Writes what there is, then zeros for the slots that are left of `count`, each of which has `length` bytes.
fn write_slots<T: Encode>(writer: &mut Writer, slots: &[T], length: usize, count: usize) {
    for slot in slots {
        writer.put(slot);
    }
    writer.bytes(&vec![0; length * (count - slots.len())]);
}

/// Reads slots of one length, of which those that are used come first and the others are zeros.
fn read_slots<T: Encode>(reader: &mut Reader<'_>, length: usize, count: usize) -> Result<Vec<T>, MessageError> {
    let mut slots = Vec::new();
    let mut has_ended = false;
    for _ in 0..count {
        let bytes = reader.take(length)?;
        if bytes.iter().all(|byte| *byte == 0) {
            has_ended = true;
        } else if has_ended {
            return malformed("a slot that is used comes after an empty one");
        } else {
            let mut slot = Reader::new(bytes);
            slots.push(slot.get()?);
            slot.end()?;
        }
    }
    Ok(slots)
}

fn malformed<T>(finding: &'static str) -> Result<T, MessageError> {
    Err(MessageError::Malformed { finding })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::Timestamp;
    use crate::digest::Digest;
    use crate::message::{Kind, LogEntry, Request};
    use crate::talk::{ConversationId, RowCode, SealedNote};

    pub(super) fn code(number: u8) -> RowCode {
        RowCode([number; 16])
    }

    pub(super) fn log() -> LogEntry {
        LogEntry { restored: Timestamp(7), index: 9, leaf: Digest([5; 32]), salt: [6; 16] }
    }

    pub(super) fn slot(number: u8) -> NoteSlot {
        NoteSlot {
            conversation: ConversationId([number; 16]),
            partner: 2,
            began: 1,
            number: number.into(),
            epoch: 3,
            sealed: SealedNote([number; 1_096]),
        }
    }

    /// The code with which a body is refused, or `ok`.
    pub(super) fn refused(kind: Kind, body: &[u8]) -> &'static str {
        match Request::decode(kind, body) {
            Err(error) => error.code(),
            Ok(_) => "ok",
        }
    }
}
