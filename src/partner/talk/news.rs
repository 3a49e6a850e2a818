//! What is new for people of what comes after a hit.

use std::fmt;

use crate::address::AddressKey;
use crate::codec::encode_variants;
use crate::day::Day;

/// Something new of what comes after a hit.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TalkNews {
    /// Somebody put forward what this partner flags too: [`Partner::answer`](crate::Partner::answer).
    Asked {
        /// The address.
        address: AddressKey,
        /// The last day on which an answer is in time.
        answer_by: Day,
    },
    /// This partner was introduced to another.
    Introduced {
        /// The conversation.
        conversation: u32,
        /// The other.
        partner: u16,
    },
    /// A note came.
    Note {
        /// The conversation.
        conversation: u32,
        /// Who wrote it.
        partner: u16,
    },
    /// The coordinator decided.
    Decision {
        /// The conversation.
        conversation: u32,
    },
    /// Another left.
    Left {
        /// The conversation.
        conversation: u32,
        /// Who left.
        partner: u16,
    },
}

impl TalkNews {
    /// The conversation that it is in.
    pub fn conversation(&self) -> Option<u32> {
        match self {
            TalkNews::Asked { .. } => None,
            TalkNews::Introduced { conversation, .. }
            | TalkNews::Note { conversation, .. }
            | TalkNews::Decision { conversation }
            | TalkNews::Left { conversation, .. } => Some(*conversation),
        }
    }
}

/// Without the address.
impl fmt::Debug for TalkNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TalkNews::Asked { answer_by, .. } => write!(f, "Asked(answer by {answer_by}, ..)"),
            TalkNews::Introduced { conversation, partner } => write!(f, "Introduced({conversation}, {partner})"),
            TalkNews::Note { conversation, partner } => write!(f, "Note({conversation}, {partner})"),
            TalkNews::Decision { conversation } => write!(f, "Decision({conversation})"),
            TalkNews::Left { conversation, partner } => write!(f, "Left({conversation}, {partner})"),
        }
    }
}

encode_variants! {
    TalkNews {
        1 => Asked { address, answer_by },
        2 => Introduced { conversation, partner },
        3 => Note { conversation, partner },
        4 => Decision { conversation },
        5 => Left { conversation, partner },
    },
    else "what is new is unknown"
}
