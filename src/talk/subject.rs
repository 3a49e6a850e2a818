//! What a conversation is about, without saying which address.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::codec::encode_fields;
use crate::label;
use crate::pseudonym::{Pseudonym, first16};

/// What those concerned call a pseudonym: the first 16 bytes of HMAC-SHA256(pseudonym, "meet").
///
/// Whoever has the pseudonym computes it, and whoever has an epoch's secret can find the address of it; so `Debug`
/// shows nothing. The coordinator, who has neither, learns nothing from it but that two rows are about the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject([u8; 16]);

/// What the broker calls a conversation, and nobody can trace to a pseudonym once the epoch's pepper is destroyed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(pub(crate) [u8; 16]);

encode_fields! { Subject { 0 } }
encode_fields! { ConversationId { 0 } }

impl Subject {
    /// Stands where there is none.
    pub const NONE: Subject = Subject([0; 16]);

    /// The subject of a pseudonym.
    pub fn of(pseudonym: &Pseudonym) -> Subject {
        let mut mac: Hmac<Sha256> =
            Hmac::new_from_slice(pseudonym.expose_bytes()).expect("HMAC takes a key of any length");
        mac.update(label::MEET);
        Subject(first16(mac))
    }

    /// Takes 16 raw bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Subject {
        Subject(bytes)
    }

    /// The raw bytes. They are personal data: keep them out of logs and errors.
    pub fn expose_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl ConversationId {
    /// Stands where there is none.
    pub const NONE: ConversationId = ConversationId([0; 16]);

    /// Takes 16 raw bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> ConversationId {
        ConversationId(bytes)
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(..)")
    }
}

impl fmt::Debug for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConversationId(..)")
    }
}
