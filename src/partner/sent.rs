//! The messages that a partner sent, and what a reply to one of them must fit: SPEC.md 7.3, steps 7 to 9.

use super::error::PartnerError;
use super::record::Series;
use crate::codec::{encode_fields, encode_variants};
use crate::digest::Digest;
use crate::message::{Code, Header, Kind, LONGEST_LEAP, Receipt, Rejection, Reply};
use crate::secret::KeyId;

/// What is known of a message without its bytes.
#[derive(Clone)]
pub(super) struct MessageHead {
    pub(super) digest: Digest,
    pub(super) kind: Kind,
    pub(super) epoch: u32,
    pub(super) key_id: KeyId,
    pub(super) sequence: u64,
    pub(super) previous: u64,
    /// The latest release seen in the epoch when it was made.
    pub(super) release: u64,
    /// Of a full set in several parts: which part, and of how many. Both 0 for all else.
    pub(super) part: (u16, u16),
    /// The pseudonyms that it flags; of a full set, with those of the parts before it.
    pub(super) flagged: u32,
    /// The pseudonyms that a delta withdraws.
    pub(super) withdrawn: u32,
}

/// A message that was made and whose reply was not read yet.
pub(super) struct SignedMessage {
    pub(super) head: MessageHead,
    /// Whether the broker is up to date in the epoch once it accepts this: a delta, or the last part of a full set.
    pub(super) settles: bool,
    pub(super) bytes: Vec<u8>,
}

/// A message that is no longer waited for.
pub(super) struct PastMessage {
    pub(super) head: MessageHead,
    pub(super) end: End,
}

/// Why a message is no longer waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its reply was read.
    Read,
    /// The reply to another message says that it was accepted; its own receipt may still come.
    Implied,
    /// It was given up, or a message before it in the chain was rejected.
    Dropped,
}

impl MessageHead {
    /// An error where a reply is none to this message.
    pub(super) fn refuse_unfit(&self, header: &Header, reply: &Reply) -> Result<(), PartnerError> {
        let repeats = (header.epoch, header.key_id, header.sequence, header.previous)
            == (self.epoch, self.key_id, self.sequence, self.previous);
        if !repeats {
            return unexpected("its header does not repeat that of the message it replies to");
        }
        match (Series::of(self.kind), reply) {
            (Series::State, Reply::Receipt(receipt)) => self.refuse_unfit_receipt(receipt),
            (Series::Question, Reply::Answer(_)) | (Series::Status, Reply::Status(_)) => Ok(()),
            (_, Reply::Rejection(rejection)) => self.refuse_unfit_rejection(rejection),
            _ => unexpected("its kind is not one of a reply to that message"),
        }
    }

    fn refuse_unfit_receipt(&self, receipt: &Receipt) -> Result<(), PartnerError> {
        if receipt.part != self.part {
            return unexpected("it is the receipt of another part");
        }
        let told = u64::from(receipt.added) + u64::from(receipt.changed);
        let withdrawn = receipt.withdrawn <= self.withdrawn || self.kind == Kind::FullSet;
        // Once it has its last part, the broker holds a full set and nothing else.
        let is_whole = self.kind == Kind::FullSet && self.part.0 == self.part.1;
        let held = !is_whole || receipt.held == self.flagged;
        if told > self.flagged.into() || !withdrawn || !held {
            return unexpected("it counts other flags than the message has");
        }
        Ok(())
    }

    fn refuse_unfit_rejection(&self, rejection: &Rejection) -> Result<(), PartnerError> {
        if !rejection.code.rejects(self.kind) {
            return unexpected("no message of that kind is rejected with such a code");
        }
        let (number, sequence) = (rejection.number, self.sequence);
        let is_right = match rejection.code {
            // What was accepted was numbered before this message.
            Code::Gap => number < sequence,
            // The number was used, or is too far above the lowest that is free.
            Code::Stale => number > sequence || sequence - number >= LONGEST_LEAP,
            _ => true,
        };
        if is_right { Ok(()) } else { unexpected("the number that it names cannot be right for that message") }
    }
}

fn unexpected(finding: &'static str) -> Result<(), PartnerError> {
    Err(PartnerError::UnexpectedReply { finding })
}

encode_fields! {
    MessageHead { digest, kind, epoch, key_id, sequence, previous, release, part, flagged, withdrawn }
}

encode_fields! { SignedMessage { head, settles, bytes } }

encode_fields! { PastMessage { head, end } }

encode_variants! { End { 1 => Read, 2 => Implied, 3 => Dropped }, else "why a message is no longer waited for is
unknown" }
