//! What can be wrong with the bytes of a message.

use crate::codec;
use crate::codes::codes;

/// Bytes are not a message, or not one that may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The bytes are not a message, or not in the one form that it has.
    #[error("not a message: {finding}")]
    Malformed {
        /// What was found, and what would help.
        finding: &'static str,
    },

    /// A message has more bytes or pseudonyms than one may have.
    #[error("too large for one message: {finding}")]
    TooLarge {
        /// What was found, and what would help.
        finding: &'static str,
    },

    /// A signature is not that of the key it should be of.
    #[error("the signature is wrong: the message was altered, or made with another key than the policy lists")]
    BadSignature,
}

codes!(MessageError {
    Malformed => "malformed",
    TooLarge => "too_large",
    BadSignature => "bad_signature",
});

impl From<codec::Malformed> for MessageError {
    fn from(codec::Malformed(finding): codec::Malformed) -> MessageError {
        MessageError::Malformed { finding }
    }
}
