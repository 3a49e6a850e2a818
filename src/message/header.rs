//! The header that every message begins with: who sent it, to which consortium, and which of its messages it is.

use serde::{Deserialize, Serialize};

use super::error::MessageError;
use super::limits::MAX_HEADER;
use crate::codec;
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::label;
use crate::secret::KeyId;
use crate::slug::Slug;

/// The version of the message format that this library speaks.
pub const VERSION: u8 = 1;

/// What every message says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format: 1.
    pub version: u8,
    /// What the message is.
    pub kind: Kind,
    /// The consortium, as the policy names it.
    pub consortium: Slug,
    /// The purpose (doel), as the policy names it.
    pub purpose: Slug,
    /// The key period.
    pub epoch: u32,
    /// The key id of the epoch's secret, as the policy names it.
    pub key_id: KeyId,
    /// The number of the partner that sent this, or that it is for.
    pub partner: u16,
    /// The number of this message in its series: state messages, questions, status requests, or what comes after a hit.
    /// A reply repeats it.
    pub sequence: u64,
    /// In a state message the number of the last state message that the broker accepted, 0 for none; 0 in all others. A
    /// reply repeats it.
    pub previous: u64,
    /// When it was made.
    pub time: Timestamp,
    /// The digest of the policy that the sender holds to.
    pub policy: Digest,
    /// From a partner: the head of its journal, its commitment to its own log. From the broker: the digest of the
    /// message that this replies to.
    pub context: Digest,
    /// The number of bytes of the body. [`sign`](super::sign) sets it.
    pub body_length: u32,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
#[non_exhaustive]
#[repr(u8)]
pub enum Kind {
    /// Adds and withdraws flags.
    Delta = 0x01,
    /// All of a partner's flags, or one part of them.
    FullSet = 0x02,
    /// Nothing changed.
    Confirm = 0x03,
    /// Asks for the standings of pseudonyms.
    Question = 0x04,
    /// Asks where the partner stands with the broker.
    Status = 0x05,
    /// A state message was accepted.
    Receipt = 0x11,
    /// The standings that were asked.
    Answer = 0x12,
    /// Where the partner stands.
    StatusReply = 0x13,
    /// The message was not accepted.
    Rejection = 0x14,
    /// Says all that a partner puts forward in an epoch.
    PutForward = 0x20,
    /// Sends notes, and fetches what waits.
    Exchange = 0x21,
    /// Asks how many of an organisation's flags are stacked.
    TotalsRequest = 0x22,
    /// Reports how a year's conversations went.
    Year = 0x23,
    /// What was put forward, or a year, is kept.
    Kept = 0x28,
    /// What waited.
    Post = 0x29,
    /// How many are stacked.
    Totals = 0x2a,
}

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A partner of the roster.
    Partner,
    /// The broker.
    Broker,
}

impl Header {
    /// The bytes: bincode 1, fixed-width little-endian integers, no trailing bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        codec::encode(self, MAX_HEADER as u64).expect("two slugs and 158 bytes are under the limit")
    }

    /// The header that `bytes` begin with, and its length.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Header, usize), MessageError> {
        let window = &bytes[..bytes.len().min(MAX_HEADER)];
        let (header, length): (Header, usize) = codec::decode_prefix(window)?;
        let malformed = |finding| Err(MessageError::Malformed { finding });
        if header.version != VERSION {
            return malformed("the version is not 1, the only one known here");
        }
        if header.kind.names_none_before() && header.previous != 0 {
            return malformed("only a state message, and a reply to one, names the one before it");
        }
        Ok((header, length))
    }

    /// A header for tests.
    #[cfg(test)]
    pub(super) fn example(kind: Kind) -> Header {
        Header {
            version: VERSION,
            kind,
            consortium: "zaanstad".parse().unwrap(),
            purpose: "ondermijning-zaanstad".parse().unwrap(),
            epoch: 1,
            key_id: KeyId([5; 16]),
            partner: 7,
            sequence: 2,
            previous: u64::from(kind.is_state()),
            time: Timestamp(1_795_996_799),
            policy: Digest([3; 32]),
            context: Digest([4; 32]),
            body_length: 0,
        }
    }
}

impl Kind {
    /// Who sends messages of this kind.
    pub fn role(self) -> Role {
        // In either half of a range of 16, or in a range of their own.
        match self as u8 {
            0x00..=0x0f | 0x20..=0x27 => Role::Partner,
            _ => Role::Broker,
        }
    }

    /// Whether it names no message before it, in `previous`: neither a state message nor a reply to one alone.
    fn names_none_before(self) -> bool {
        !matches!(self, Kind::Delta | Kind::FullSet | Kind::Confirm | Kind::Receipt | Kind::Rejection)
    }

    /// Whether it is a message of what comes after a hit.
    pub(crate) fn is_talk(self) -> bool {
        matches!(self, Kind::PutForward | Kind::Exchange | Kind::TotalsRequest | Kind::Year)
    }

    /// Whether it is a state message: one that says what a partner flags.
    pub(crate) fn is_state(self) -> bool {
        matches!(self, Kind::Delta | Kind::FullSet | Kind::Confirm)
    }

    /// The 16 bytes that a signature of this kind starts from.
    pub(super) fn label(self) -> [u8; 16] {
        let role = match self.role() {
            Role::Partner => label::SIGN_PARTNER,
            Role::Broker => label::SIGN_BROKER,
        };
        let mut label = [self as u8; 16];
        label[..15].copy_from_slice(role);
        label
    }
}

/// A byte was not the number of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the number of a kind of message")]
pub struct NotAKind;

impl TryFrom<u8> for Kind {
    type Error = NotAKind;

    fn try_from(byte: u8) -> Result<Kind, NotAKind> {
        use Kind::*;
        let partners = [Delta, FullSet, Confirm, Question, Status, PutForward, Exchange, TotalsRequest, Year];
        let brokers = [Receipt, Answer, StatusReply, Rejection, Kept, Post, Totals];
        partners.into_iter().chain(brokers).find(|kind| *kind as u8 == byte).ok_or(NotAKind)
    }
}

impl From<Kind> for u8 {
    fn from(kind: Kind) -> u8 {
        kind as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_specification() {
        let bytes = Header { body_length: 5, ..Header::example(Kind::Delta) }.encode();
        let mut expected = vec![1, 1];
        expected.extend(b"\x08\0\0\0\0\0\0\0zaanstad\x15\0\0\0\0\0\0\0ondermijning-zaanstad");
        expected.extend([1, 0, 0, 0]);
        expected.extend([5; 16]);
        expected.extend([7, 0]);
        expected.extend([2, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([1, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend(1_795_996_799u64.to_le_bytes());
        expected.extend([3; 32]);
        expected.extend([4; 32]);
        expected.extend([5, 0, 0, 0]);
        assert_eq!(bytes, expected);
        let (header, length) = Header::decode(&[bytes.as_slice(), b"after"].concat()).unwrap();
        assert_eq!((header.body_length, length), (5, bytes.len()));
    }

    /// bincode is no longer maintained (RUSTSEC-2025-0141); this is what lets it be swapped in a day.
    #[test]
    fn wincode_makes_and_reads_the_same_bytes() {
        let header = Header::example(Kind::Question);
        let addressed = (
            header.version,
            header.kind as u8,
            header.consortium.to_string(),
            header.purpose.to_string(),
            header.epoch,
            header.key_id.0,
            header.partner,
        );
        let (policy, context) = (header.policy.0, header.context.0);
        let numbered = (header.sequence, header.previous, header.time.0, policy, context, header.body_length);
        let fields = (addressed, numbered);
        let bytes = wincode::serialize(&fields).unwrap();
        assert_eq!(bytes, header.encode());
        let read = |bytes: &[u8]| wincode::deserialize_exact(bytes).ok();
        assert_eq!(read(&[bytes.as_slice(), &[0]].concat()), None);
        assert_eq!(read(&bytes), Some(fields));
    }

    #[test]
    fn what_no_message_says_is_refused() {
        let refused = |header: Header| Header::decode(&header.encode()).is_err();
        assert!(!refused(Header::example(Kind::Question)));
        assert!(refused(Header { version: 2, ..Header::example(Kind::Question) }));
        assert!(refused(Header { previous: 1, ..Header::example(Kind::Question) }));
        assert!(refused(Header { previous: 1, ..Header::example(Kind::Status) }));
        assert!(refused(Header { previous: 1, ..Header::example(Kind::Answer) }));
        assert!(refused(Header { previous: 1, ..Header::example(Kind::StatusReply) }));
        let mut bytes = Header::example(Kind::Delta).encode();
        for kind in (0..=255u8).filter(|kind| Kind::try_from(*kind).is_err()) {
            bytes[1] = kind;
            assert!(Header::decode(&bytes).is_err(), "kind {kind:#x}");
        }
    }
}
