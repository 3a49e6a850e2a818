//! Rejections: the codes of why a message was not accepted, and the body that carries one.

use std::fmt;

use super::error::MessageError;
use super::header::Kind;
use super::log_entry::LogEntry;
use crate::codec::{Reader, Writer};
use crate::codes::named;
use crate::hidden::is_hidden;

/// The most bytes of a rejection's sentence.
const MAX_SENTENCE: usize = 1000;

/// A message was not accepted, and changed nothing but the sender's numbers and the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The log line of the rejection; none where the message was not authenticated.
    pub log: LogEntry,
    /// Why.
    pub code: Code,
    /// What `code` says that it is: the last state number accepted, the lowest number still free, what is left of a
    /// budget, how many flags it is about, the epoch that answers.
    pub number: u64,
    /// What was wrong and what to do, in English. At most 1,000 bytes.
    pub sentence: String,
}

named! {
    /// Why a message was not accepted. The codes are stable across versions.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[non_exhaustive]
    #[repr(u8)]
    pub enum Code {
        /// The bytes are not a message.
        Malformed = 1 => "malformed",
        /// The roster has no partner of that number.
        UnknownPartner = 2 => "unknown_partner",
        /// The signature is not that partner's.
        BadSignature = 3 => "bad_signature",
        /// The message is for another consortium.
        WrongConsortium = 4 => "wrong_consortium",
        /// The message is for another purpose.
        WrongPurpose = 5 => "wrong_purpose",
        /// The key id is not that of the epoch.
        WrongKeyId = 6 => "wrong_key_id",
        /// The policy's digest is not that of the policy in force.
        WrongPolicy = 7 => "wrong_policy",
        /// The policy has no such epoch, or it is not open today, or the organisation joined with a later one.
        WrongEpoch = 8 => "wrong_epoch",
        /// The state number before it is not the last that was accepted; `number` is the one expected.
        Gap = 9 => "gap",
        /// The number was used before; `number` is the lowest still free.
        Stale = 10 => "stale",
        /// The partner may not do this.
        NotPermitted = 11 => "not_permitted",
        /// A budget does not reach; `number` is what is left of it: of a state message, how many flags the delta may
        /// add, or the full set have.
        OverBudget = 12 => "over_budget",
        /// There are more bytes or pseudonyms than a message may have.
        TooLarge = 13 => "too_large",
        /// The full set would withdraw more than the policy's share, `number` flags, and does not say that it means to.
        Shrink = 14 => "shrink",
        /// A flag would last longer than the policy's days since its first, and the message gives no reason.
        RenewalNotDeclared = 15 => "renewal_not_declared",
        /// The message's time, or a last valid day, is too long ago or too far ahead.
        Clock = 16 => "clock",
        /// The partner's first state message in this epoch must be a full set.
        FullSetRequired = 17 => "full_set_required",
        /// The broker was restored from an older store and needs this partner's full set first.
        Recovering = 18 => "recovering",
        /// The broker cannot keep anything now; send the same bytes again later.
        Unavailable = 19 => "unavailable",
        /// Another epoch answers questions, and rows are put forward in that one; `number` is that epoch.
        OtherEpoch = 20 => "other_epoch",
        /// No epoch answers questions yet, because some organisations have not delivered.
        NotYetAnswering = 21 => "not_yet_answering",
        /// The partner is suspended, or its certificate has ended.
        NotCertified = 22 => "not_certified",
        /// Flags would last longer since their first day than the policy's most renewals allow; `number` is how many.
        TooManyRenewals = 23 => "too_many_renewals",
    }
}

impl Rejection {
    /// A rejection without a log line.
    pub(crate) fn new(code: Code, number: u64, sentence: impl Into<String>) -> Rejection {
        Rejection { log: LogEntry::NONE, code, number, sentence: sentence.into() }
    }

    /// The body.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.put(&self.log);
        writer.u8(self.code as u8).u64(self.number);
        let sentence = cut(&self.sentence);
        writer.u16(sentence.len() as u16).bytes(sentence.as_bytes());
        writer.finish()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Rejection, MessageError> {
        let mut reader = Reader::new(body);
        let log = reader.get()?;
        let code = Code::from_byte(reader.u8()?)
            .ok_or(MessageError::Malformed { finding: "the rejection's code is unknown" })?;
        let number = reader.u64()?;
        if (number != 0 && !code.has_number()) || (number == 0 && code == Code::Stale) {
            return Err(MessageError::Malformed { finding: "the rejection's number is not one that its code has" });
        }
        let length = usize::from(reader.u16()?);
        let sentence = std::str::from_utf8(reader.take(length)?)
            .ok()
            .filter(|text| text.len() <= MAX_SENTENCE && !text.contains(is_hidden));
        let sentence = sentence
            .ok_or(MessageError::Malformed { finding: "the rejection's sentence is not text that can be shown" })?
            .to_owned();
        reader.end()?;
        Ok(Rejection { log, code, number, sentence })
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.sentence)
    }
}

impl Code {
    /// Whether it can be found before the sender is authenticated, so that it may come unsigned.
    pub(super) fn may_be_unsigned(self) -> bool {
        use Code::*;
        matches!(self, Malformed | UnknownPartner | BadSignature | WrongConsortium | TooLarge)
    }

    /// Whether a rejection with it has a number.
    fn has_number(self) -> bool {
        matches!(
            self,
            Code::Gap | Code::Stale | Code::OverBudget | Code::Shrink | Code::OtherEpoch | Code::TooManyRenewals
        )
    }

    /// Whether a signed rejection of a message of this kind can have it.
    pub(crate) fn rejects(self, kind: Kind) -> bool {
        use Code::*;
        match self {
            // The sender was not authenticated, so that nobody may sign them.
            UnknownPartner | BadSignature | WrongConsortium => false,
            Malformed | TooLarge | WrongPurpose | Stale | WrongEpoch | WrongKeyId | Clock | OverBudget
            | Unavailable | NotCertified => true,
            WrongPolicy | NotPermitted | Recovering => kind != Kind::Status,
            Gap | FullSetRequired => kind.is_state(),
            OtherEpoch => matches!(kind, Kind::Question | Kind::TotalsRequest | Kind::PutForward),
            NotYetAnswering => matches!(kind, Kind::Question | Kind::TotalsRequest),
            Shrink => kind == Kind::FullSet,
            RenewalNotDeclared | TooManyRenewals => matches!(kind, Kind::Delta | Kind::FullSet),
        }
    }

    /// Whether a signed rejection with it has a line of the log. One that uses up no number has none, because whoever
    /// kept a message could fill the log with it.
    pub(crate) fn is_logged(self) -> bool {
        !matches!(self, Code::Unavailable | Code::Stale | Code::WrongPurpose | Code::WrongEpoch)
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Code> {
        Code::ALL.into_iter().find(|code| *code as u8 == byte)
    }
}

/// As much of a sentence as fits, cut between two characters.
fn cut(sentence: &str) -> &str {
    let end = (0..=MAX_SENTENCE.min(sentence.len())).rev().find(|end| sentence.is_char_boundary(*end));
    &sentence[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_comes_back() {
        for (at, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, at + 1);
            let rejection = Rejection::new(code, if code.has_number() { 42 } else { 0 }, "één zin");
            assert_eq!(Rejection::decode(&rejection.encode()).unwrap(), rejection);
            let wrong = Rejection { number: if code.has_number() { 0 } else { 42 }, ..rejection };
            // None was accepted, nothing is left: 0 is a number, but of the lowest one that is free.
            let fits = code.has_number() && code != Code::Stale;
            assert_eq!(Rejection::decode(&wrong.encode()).is_ok(), fits, "{code:?}");
        }
        assert_eq!(Code::from_byte(0), None);
        assert_eq!(Code::from_byte(24), None);
    }

    #[test]
    fn a_long_sentence_is_cut_between_characters() {
        let rejection = Rejection::new(Code::Gap, 0, "é".repeat(600) + "x");
        assert_eq!(Rejection::decode(&rejection.encode()).unwrap().sentence, "é".repeat(500));
    }
}
