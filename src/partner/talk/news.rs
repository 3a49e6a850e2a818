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
    /// What is put forward ended with its epoch: [`Partner::put_forward`](crate::Partner::put_forward) puts it forward
    /// in the one that answers.
    RowEnded {
        /// The address.
        address: AddressKey,
    },
    /// The policy lets more know of what is put forward than was agreed to
    /// ([`PutForwardRow::more`](crate::partner::PutForwardRow::more)). They are not told, unless somebody agrees to
    /// that by putting it forward again.
    RowWider {
        /// The address.
        address: AddressKey,
    },
    /// Something of another was passed over, because no certificate of it came for two weeks by which it could have
    /// been checked: an introduction to it, or a note. Ask its organisation why there is none.
    NeverCertified {
        /// Whose certificate is missing.
        partner: u16,
    },
    /// Something of another could not be read here, and was passed over: an introduction to it, or a note. The own seal
    /// key that it is for was replaced and is gone; or this folder was put back from before that introduction, or, at
    /// a coordinator, lacks the policy of it; or a note opened by none of the other's certificates that came in two
    /// weeks. The other does not know: ask its organisation to write anew, or to put the address forward anew.
    Unreadable {
        /// Whose it is, as the broker says.
        partner: u16,
    },
    /// A note of another was passed over, because its writer may not say what it says.
    Refused {
        /// The conversation.
        conversation: u32,
        /// Who wrote it.
        partner: u16,
    },
}

impl TalkNews {
    /// What it is: the stable name that JSON has.
    pub fn as_str(&self) -> &'static str {
        match self {
            TalkNews::Asked { .. } => "put_forward_by_other",
            TalkNews::Introduced { .. } => "introduced",
            TalkNews::Note { .. } => "note",
            TalkNews::Decision { .. } => "decision",
            TalkNews::Left { .. } => "left",
            TalkNews::RowEnded { .. } => "put_forward_ended",
            TalkNews::RowWider { .. } => "put_forward_wider",
            TalkNews::NeverCertified { .. } => "never_certified",
            TalkNews::Unreadable { .. } => "unreadable",
            TalkNews::Refused { .. } => "refused",
        }
    }

    /// The other that it is about: who was introduced, wrote or left, whose certificate is missing, or of whom
    /// something was not read; `None` where it is about nobody in particular.
    pub fn partner(&self) -> Option<u16> {
        match self {
            TalkNews::Introduced { partner, .. }
            | TalkNews::Note { partner, .. }
            | TalkNews::Left { partner, .. }
            | TalkNews::NeverCertified { partner }
            | TalkNews::Unreadable { partner }
            | TalkNews::Refused { partner, .. } => Some(*partner),
            TalkNews::Asked { .. }
            | TalkNews::Decision { .. }
            | TalkNews::RowEnded { .. }
            | TalkNews::RowWider { .. } => None,
        }
    }

    /// Of what another put forward, the last day on which an answer is in time; else `None`.
    pub fn answer_by(&self) -> Option<Day> {
        match self {
            TalkNews::Asked { answer_by, .. } => Some(*answer_by),
            _ => None,
        }
    }

    /// The address that the news itself names: of what others put forward, and of own rows that ended or that more may
    /// know of. `None` of news in a conversation, whose address
    /// [`Conversation::address`](crate::partner::Conversation::address) has, and of
    /// what was not read or not checked.
    pub fn address(&self) -> Option<AddressKey> {
        match self {
            TalkNews::Asked { address, .. } | TalkNews::RowEnded { address } | TalkNews::RowWider { address } => {
                Some(*address)
            }
            _ => None,
        }
    }

    /// The conversation that it is in.
    pub fn conversation(&self) -> Option<u32> {
        match self {
            TalkNews::Asked { .. }
            | TalkNews::RowEnded { .. }
            | TalkNews::RowWider { .. }
            | TalkNews::NeverCertified { .. }
            | TalkNews::Unreadable { .. } => None,
            TalkNews::Introduced { conversation, .. }
            | TalkNews::Note { conversation, .. }
            | TalkNews::Decision { conversation }
            | TalkNews::Left { conversation, .. }
            | TalkNews::Refused { conversation, .. } => Some(*conversation),
        }
    }
}

/// Shows what it is and with whom, and not the address, because this may be logged.
impl fmt::Debug for TalkNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TalkNews::Asked { answer_by, .. } => write!(f, "Asked(answer by {answer_by}, ..)"),
            TalkNews::Introduced { conversation, partner } => write!(f, "Introduced({conversation}, {partner})"),
            TalkNews::Note { conversation, partner } => write!(f, "Note({conversation}, {partner})"),
            TalkNews::Decision { conversation } => write!(f, "Decision({conversation})"),
            TalkNews::Left { conversation, partner } => write!(f, "Left({conversation}, {partner})"),
            TalkNews::RowEnded { .. } => f.write_str("RowEnded(..)"),
            TalkNews::RowWider { .. } => f.write_str("RowWider(..)"),
            TalkNews::NeverCertified { partner } => write!(f, "NeverCertified({partner})"),
            TalkNews::Unreadable { partner } => write!(f, "Unreadable({partner})"),
            TalkNews::Refused { conversation, partner } => write!(f, "Refused({conversation}, {partner})"),
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
        6 => RowEnded { address },
        7 => RowWider { address },
        8 => NeverCertified { partner },
        9 => Refused { conversation, partner },
        10 => Unreadable { partner },
    },
    else "what is new is unknown"
}
