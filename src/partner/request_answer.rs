//! How a request by a data subject was answered.

use crate::codec::{encode_fields, encode_variants};
use crate::codes::named;
use crate::day::Day;

named! {
    /// How a request by a data subject was answered.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum RequestAnswer {
        /// They were told what is known.
        Told => "told",
        /// They were told that nothing is known.
        NothingKnown => "nothing_known",
        /// What was known was corrected or erased.
        Changed => "changed",
        /// It was refused, as the law allows.
        Refused => "refused",
        /// They took it back.
        TakenBack => "taken_back",
    }
}

/// When a request was answered, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestAnswered {
    /// The day of the answer.
    pub day: Day,
    /// How.
    pub answer: RequestAnswer,
}

encode_fields! { RequestAnswered { day, answer } }

encode_variants! {
    RequestAnswer { 1 => Told, 2 => NothingKnown, 3 => Changed, 4 => Refused, 5 => TakenBack },
    else "how a request was answered is unknown"
}
