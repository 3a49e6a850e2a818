//! What a message says of each flag beside its pseudonym: how long it lasts, since when, and why it was renewed.

use std::str::FromStr;

use super::error::MessageError;
use crate::codec::{Reader, Writer, encode_variants};
use crate::codes::named;
use crate::day::Day;

/// In the bits of a group: its flags are on house numbers.
const HOUSE_NUMBER: u8 = 0x01;

/// The bytes that terms take.
pub(super) const TERMS: usize = 6;

/// What a message says of each flag of a group beside its pseudonym.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Terms {
    /// The last day on which it is valid; a month's last day.
    pub last_day: Day,
    /// The day on which it was flagged first, as the partner's journal has it.
    pub first_day: Day,
    /// Why it was renewed last; `None` where it never was.
    pub renewal: Option<RenewalReason>,
    /// Whether it is on a house number, which has the days of a home at it.
    pub house_number: bool,
}

named! {
    /// Why a flag may stand for longer than the policy's `max_days`. Names and numbers are stable across versions.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[non_exhaustive]
    #[repr(u8)]
    pub enum RenewalReason {
        /// The partner itself observed again what it flagged.
        ObservedAgain = 1 => "observed_again",
        /// The partner is acting on it: an investigation, a visit or a measure of its own is under way.
        BeingActedOn = 2 => "being_acted_on",
        /// A court, objection or permit procedure on it is pending.
        ProcedurePending = 3 => "procedure_pending",
        /// A measure was imposed or agreed, and the partner watches whether it is kept.
        UnderSupervision = 4 => "under_supervision",
    }
}

impl Terms {
    pub(super) fn write(&self, writer: &mut Writer) {
        let reason = self.renewal.map_or(0, |reason| reason as u8);
        let bits = if self.house_number { HOUSE_NUMBER } else { 0 };
        writer.u16(self.last_day.0).u16(self.first_day.0).u8(reason).u8(bits);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Terms, MessageError> {
        let malformed = |finding| MessageError::Malformed { finding };
        let (last_day, first_day) = (Day(reader.u16()?), Day(reader.u16()?));
        if !last_day.is_month_end() {
            return Err(malformed("a last valid day is not the last day of a month"));
        }
        let renewal = match reader.u8()? {
            0 => None,
            byte => Some(RenewalReason::from_byte(byte).ok_or(malformed("the reason of a renewal is not known"))?),
        };
        let bits = reader.u8()?;
        if bits & !HOUSE_NUMBER != 0 {
            return Err(malformed("a bit of a group is set that has no meaning"));
        }
        Ok(Terms { last_day, first_day, renewal, house_number: bits != 0 })
    }
}

/// A name is not that of a reason for renewing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no reason for renewing; give observed_again, being_acted_on, procedure_pending or under_supervision")]
pub struct NotAReason;

impl FromStr for RenewalReason {
    type Err = NotAReason;

    fn from_str(name: &str) -> Result<RenewalReason, NotAReason> {
        RenewalReason::named(name).ok_or(NotAReason)
    }
}

impl RenewalReason {
    fn from_byte(byte: u8) -> Option<RenewalReason> {
        RenewalReason::ALL.into_iter().find(|reason| *reason as u8 == byte)
    }
}

encode_variants! {
    RenewalReason { 1 => ObservedAgain, 2 => BeingActedOn, 3 => ProcedurePending, 4 => UnderSupervision },
    else "the reason of a renewal is not known"
}
