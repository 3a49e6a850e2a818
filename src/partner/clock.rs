//! Whether the time that a caller gives can be right. The library reads no clock, and a wrong time would end flags for
//! good.

use super::error::PartnerError;
use crate::day::Timestamp;

/// Seconds by which threads of one program may come in another order than that in which they read the clock.
const RACE: u64 = 60;

/// Days without a record after which the clock is no longer taken at its word. A partner that confirms once a month has
/// fewer. A flag that a clock wrong by less has ended can be renewed: the partner remembers it for nearly as long.
pub(super) const LONGEST_SILENCE: u16 = 35;

/// The time of what is done at `now`, where the latest record bears the time `latest`: so the journal's times never run
/// backwards, but where a person says that the clock is right.
pub(super) fn judge(latest: Timestamp, now: Timestamp) -> Result<Timestamp, PartnerError> {
    refuse_out_of_range(latest, now)?;
    let is_first = latest == Timestamp::default();
    if !is_first && now.since(latest) > Timestamp::days(LONGEST_SILENCE) {
        return Err(PartnerError::ClockAhead { now, latest, days: LONGEST_SILENCE });
    }
    if latest.since(now) > RACE {
        return Err(PartnerError::Clock { now, latest });
    }
    Ok(now.max(latest))
}

/// Refuses a time that no clock says, such as one in milliseconds.
pub(super) fn refuse_out_of_range(latest: Timestamp, now: Timestamp) -> Result<(), PartnerError> {
    match now.has_day() {
        true => Ok(()),
        false => Err(PartnerError::ClockAhead { now, latest, days: LONGEST_SILENCE }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_refused_that_cannot_be_right() {
        let latest = Timestamp(1_796_083_200);
        let code = |now| judge(latest, Timestamp(now)).map(|now| now.0).map_err(|error| error.code());
        assert_eq!(code(latest.0 - 60), Ok(latest.0), "the time of a record is never before that of the one before");
        assert_eq!(code(latest.0 - 61), Err("clock"));
        assert_eq!(code(0), Err("clock"));
        assert_eq!(code(latest.0 + 35 * 86_400), Ok(latest.0 + 35 * 86_400));
        assert_eq!(code(latest.0 + 35 * 86_400 + 1), Err("clock_ahead"));
        assert_eq!(code(u64::MAX), Err("clock_ahead"), "a negative number in another language");
        let milliseconds = judge(latest, Timestamp(latest.0 * 1000 + 5)).unwrap_err().to_string();
        assert!(
            milliseconds.contains(" seconds since 1970, which looks like milliseconds: give whole seconds, is"),
            "{milliseconds}"
        );
        let year_ahead = judge(latest, Timestamp(latest.0 + 365 * 86_400)).unwrap_err().to_string();
        assert!(!year_ahead.contains("milliseconds") && year_ahead.contains("accept-clock"), "{year_ahead}");
        let first = Timestamp::default();
        assert_eq!(judge(first, latest).ok(), Some(latest), "a folder that did nothing yet knows no time");
        assert!(judge(first, Timestamp(latest.0 * 1000)).unwrap_err().to_string().contains("milliseconds"));
    }
}
