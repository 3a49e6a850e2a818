//! What the broker keeps in place of pseudonyms: tags, under a key of its own that is destroyed with the epoch.

use std::cmp::Ordering;
use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::codec::encode_fields;
use crate::label;
use crate::pseudonym::{Pseudonym, first16, keyed};
use crate::secret::Key32;
use crate::talk::{ConversationId, Subject};

/// The first 16 bytes of HMAC-SHA256(pepper, pseudonym).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub(crate) struct Tag(pub(crate) [u8; 16]);

encode_fields! { Tag { 0 } }

/// The key that makes tags, its HMAC state computed once.
pub(crate) struct Pepper {
    mac: Hmac<Sha256>,
}

impl Pepper {
    pub(crate) fn new(key: &Key32) -> Pepper {
        Pepper { mac: keyed(key) }
    }

    pub(crate) fn tag(&self, pseudonym: &Pseudonym) -> Tag {
        let mut mac = self.mac.clone();
        mac.update(pseudonym.expose_bytes());
        Tag(first16(mac))
    }

    /// What the broker calls the conversation about a subject: the first 16 bytes of HMAC-SHA256(pepper, "conversation"
    /// || subject). Without the pepper nobody can tell of which subject it was.
    pub(crate) fn conversation(&self, subject: &Subject) -> ConversationId {
        let mut mac = self.mac.clone();
        mac.update(label::CONVERSATION);
        mac.update(subject.expose_bytes());
        ConversationId::from_bytes(first16(mac))
    }
}

impl Tag {
    /// The tag as a number. Numbers have the order of the bytes and compare in two instructions.
    pub(crate) fn number(self) -> u128 {
        u128::from_be_bytes(self.0)
    }
}

impl Ord for Tag {
    fn cmp(&self, other: &Tag) -> Ordering {
        self.number().cmp(&other.number())
    }
}

impl PartialOrd for Tag {
    fn partial_cmp(&self, other: &Tag) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(..)")
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex::from_hex;

    #[test]
    fn debug_shows_nothing() {
        let pepper = Pepper::new(&Key32::from_bytes([1; 32]));
        let tag = pepper.tag(&Pseudonym::danger_from_remote_source([2; 16]));
        assert_eq!(format!("{pepper:?}{tag:?}"), "Pepper(..)Tag(..)");
    }

    /// The vectors' conversations, whose pepper nothing outside gets to see.
    #[test]
    fn the_vectors_of_conversations() {
        #[derive(serde::Deserialize)]
        struct File {
            subjects: Vec<Row>,
        }
        #[derive(serde::Deserialize)]
        struct Row {
            subject: String,
            pepper: String,
            conversation: String,
        }
        let file: File = serde_json::from_str(include_str!("../tests/vectors/v1/talk.json")).unwrap();
        assert_eq!(file.subjects.len(), 4);
        for row in file.subjects {
            let pepper = Pepper::new(&Key32::from_bytes(from_hex(&row.pepper).unwrap()));
            let made = pepper.conversation(&Subject::from_bytes(from_hex(&row.subject).unwrap()));
            assert_eq!(Some(*made.as_bytes()), from_hex(&row.conversation));
        }
    }

    /// The vectors' tags, which nothing outside gets to see.
    #[test]
    fn the_vectors_of_tags() {
        #[derive(serde::Deserialize)]
        struct File {
            derivations: Vec<Derivation>,
        }
        #[derive(serde::Deserialize)]
        struct Derivation {
            pepper: String,
            pseudonyms: Vec<Row>,
        }
        #[derive(serde::Deserialize)]
        struct Row {
            pseudonym: String,
            tag: String,
        }
        let file: File = serde_json::from_str(include_str!("../tests/vectors/v1/derivations.json")).unwrap();
        assert!(file.derivations.len() > 5);
        for derivation in file.derivations {
            let pepper = Pepper::new(&Key32::from_bytes(from_hex(&derivation.pepper).unwrap()));
            assert!(!derivation.pseudonyms.is_empty());
            for row in derivation.pseudonyms {
                let pseudonym = Pseudonym::danger_from_remote_source(from_hex(&row.pseudonym).unwrap());
                assert_eq!(Some(pepper.tag(&pseudonym).0), from_hex(&row.tag));
            }
        }
    }
}
