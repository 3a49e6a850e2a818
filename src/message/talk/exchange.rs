//! The exchange, by which a partner sends notes and fetches what waits for it.

use super::{malformed, read_slots, write_slots};
use crate::codec::{Reader, Writer, encode_fields};
use crate::message::MessageError;
use crate::talk::{ConversationId, SealedNote};

/// The notes that one exchange brings, and one post.
pub const NOTES_AT_ONCE: usize = 4;

/// The conversations that one exchange leaves.
pub const LEFT_AT_ONCE: usize = 8;

/// The bytes of a conversation's id.
const CONVERSATION: usize = 16;

/// Sends notes, and fetches what waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The number of the last entry that the sender read; 0 for none.
    pub told: u64,
    /// The number of the last note that the sender read; 0 for none.
    pub received: u64,
    /// The conversations that the sender leaves, ascending. At most 8.
    pub left: Vec<ConversationId>,
    /// At most 4.
    pub notes: Vec<NoteSlot>,
}

/// A note on its way, as the broker sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSlot {
    /// The conversation.
    pub conversation: ConversationId,
    /// In an exchange the receiver, in a post the sender.
    pub partner: u16,
    /// The epoch in which the conversation began.
    pub began: u32,
    /// The number of the note, of this sender to this receiver in this conversation, from 1.
    pub number: u64,
    /// The epoch whose seal keys it is sealed with: that of the exchange which brought it.
    pub epoch: u32,
    /// The note.
    pub sealed: SealedNote,
}

impl Exchange {
    /// The bytes of every exchange's body.
    pub(in crate::message) const LENGTH: usize = 8 + 8 + CONVERSATION * LEFT_AT_ONCE + NOTES_AT_ONCE * NoteSlot::LENGTH;

    pub(in crate::message) fn refuse_uncountable(&self) -> Result<(), MessageError> {
        if self.left.len() > LEFT_AT_ONCE || self.notes.len() > NOTES_AT_ONCE {
            let finding = "an exchange leaves at most 8 conversations, and brings at most 4 notes";
            return Err(MessageError::TooLarge { finding });
        }
        Ok(())
    }

    pub(in crate::message) fn write(&self, writer: &mut Writer) {
        writer.u64(self.told).u64(self.received);
        write_slots(writer, &self.left, CONVERSATION, LEFT_AT_ONCE);
        write_slots(writer, &self.notes, NoteSlot::LENGTH, NOTES_AT_ONCE);
    }

    pub(in crate::message) fn read(reader: &mut Reader<'_>) -> Result<Exchange, MessageError> {
        let (told, received) = (reader.u64()?, reader.u64()?);
        let left: Vec<ConversationId> = read_slots(reader, CONVERSATION, LEFT_AT_ONCE)?;
        if !left.is_sorted_by(|a, b| a < b) {
            return malformed("the conversations that are left are not ascending, each once");
        }
        let notes = read_slots(reader, NoteSlot::LENGTH, NOTES_AT_ONCE)?;
        Ok(Exchange { told, received, left, notes })
    }
}

impl NoteSlot {
    /// The bytes of a slot.
    pub(super) const LENGTH: usize = CONVERSATION + 2 + 4 + 8 + 4 + 1_096;
}

encode_fields! {
    NoteSlot { conversation, partner, began, number, epoch, sealed }
    where |slot| slot.conversation != ConversationId::NONE && slot.partner > 0 && slot.number > 0,
    else "a note has no conversation, partner or number"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::talk::tests::{refused, slot};
    use crate::message::{Kind, Request};

    #[test]
    fn an_exchange_has_one_length_whatever_it_says() {
        let left = vec![ConversationId([1; 16]), ConversationId([2; 16])];
        let full = Exchange { told: 5, received: 6, left, notes: vec![slot(1), slot(2)] };
        for exchange in [Exchange::default(), full.clone()] {
            let body = Request::Exchange(exchange.clone()).encode().unwrap();
            assert_eq!(body.len(), 4_664);
            let Ok(Request::Exchange(again)) = Request::decode(Kind::Exchange, &body) else { panic!("it is one") };
            assert_eq!(again, exchange);
        }
        let body = Request::Exchange(full).encode().unwrap();
        let with = |range: std::ops::Range<usize>, byte: u8| {
            let mut other = body.clone();
            other[range].fill(byte);
            refused(Kind::Exchange, &other)
        };
        assert_eq!(with(16..32, 3), "malformed", "conversations that are not ascending");
        assert_eq!(with(16..32, 0), "malformed", "one after an empty one");
        assert_eq!(with(144..160, 0), "malformed", "a note without a conversation");
        assert_eq!(with(160..162, 0), "malformed", "a note without a receiver");
        assert_eq!(with(166..174, 0), "malformed", "a note without a number");
        assert_eq!(with(144..144 + 1_130, 0), "malformed", "a note after an empty slot");
        let many = Exchange { notes: vec![slot(1); 5], ..Exchange::default() };
        assert_eq!(Request::Exchange(many).encode().unwrap_err().code(), "too_large");
    }
}
