//! The clock that the broker is given, and when it is in doubt. SPEC.md 5.7.

use super::error::BrokerError;
use super::rows::SilenceRow;
use super::state::BrokerState;
use crate::day::{Day, Timestamp};
use crate::policy::Policy;

/// The most seconds of silences, all together, over which the broker goes on without a person: two weeks, which is
/// longer than any holidays.
pub(super) const LONGEST_UNCONFIRMED: u64 = 14 * 86_400;

/// Tolerance for callers' clocks in seconds: threads sample `now` before they take the lock, so that a `now` shortly
/// before the latest moment acted on is a race, not a clock fault.
pub(super) const CLOCK_TOLERANCE: u64 = 60;

/// What time it is, as the broker's caller knows.
///
/// A plain [`Timestamp`] is one that the caller trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The time.
    pub now: Timestamp,
    /// Whether the caller has good reason to think that it is right, such as a clock that is kept in step with others.
    pub trusted: bool,
    /// What may be destroyed by it: keys of epochs that are over, old lines of the log, and what was removed from the
    /// store. A wrong clock that only shows and ends flags is put right by the next release; keys do not come back.
    pub destroys: Destroys,
}

/// What may be destroyed because the clock says that it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destroys {
    /// All that is over.
    #[default]
    Ended,
    /// What was over at the moment that messages of two organisations are dated at or after, since the broker was
    /// opened: for a clock that was set by something that the caller did not see.
    Attested,
    /// Nothing.
    Nothing,
}

/// The time that the broker goes by, and whether its clock is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// Never before what was acted on. In doubt, the latest moment that was acted on, so that nothing that is kept
    /// bears a wrong time. So a reply whose time stands still tells that the clock is in doubt; and partners refuse an
    /// answer, or a receipt for more than withdrawals, that bears one: those are given by a trusted clock alone.
    pub(super) now: Timestamp,
    pub(super) in_doubt: bool,
    /// Whether nobody has said yet that the clock is right after a time without a release.
    pub(super) is_unconfirmed: bool,
    /// What was over before this day may be destroyed.
    pub(super) certain: Day,
}

impl Moment {
    /// The same after a wait: see [`BrokerState::not_before_latest`].
    pub(super) fn after_wait(self, state: &BrokerState) -> Moment {
        Moment { now: state.not_before_latest(self.now), ..self }
    }

    /// The day by which certificates and suspensions have begun. In doubt all have: the broker's day stands still, and
    /// a key that is stolen meanwhile is to be stopped.
    pub(super) fn certificates_day(self) -> Day {
        if self.in_doubt { Day(u16::MAX) } else { self.now.day() }
    }
}

impl Clock {
    /// A time that the caller has no reason to trust.
    pub fn untrusted(now: Timestamp) -> Clock {
        Clock { now, trusted: false, destroys: Destroys::Nothing }
    }

    /// The same time, by which no more may be destroyed than this.
    pub fn destroying(self, destroys: Destroys) -> Clock {
        Clock { destroys, ..self }
    }

    /// The day before which what was over may be destroyed; `attested` is the moment that messages of two organisations
    /// are dated at or after.
    pub(super) fn certain(self, attested: Timestamp) -> Day {
        match self.destroys {
            Destroys::Ended => self.now.day(),
            Destroys::Attested => self.now.min(attested).day(),
            Destroys::Nothing => Day(0),
        }
    }

    /// The time to go by; an error where it is in doubt.
    pub(super) fn judge(self, state: &BrokerState) -> Result<Timestamp, BrokerError> {
        let (now, judged) = (self.now, self.judge_range(state)?);
        match state.silence_at(now) {
            Some(SilenceRow { since, seconds, .. }) if seconds > LONGEST_UNCONFIRMED => {
                Err(BrokerError::ClockAhead { now, as_of: state.as_of().unwrap_or(since) })
            }
            _ => Ok(judged),
        }
    }

    /// The time to go by where a person says that it is right, however long there was no release: not past the last
    /// epoch.
    pub(super) fn judge_accepted(self, state: &BrokerState, policy: &Policy) -> Result<Timestamp, BrokerError> {
        let now = self.judge_range(state)?;
        refuse_past_epochs(policy, now).map(|()| now)
    }

    fn judge_range(self, state: &BrokerState) -> Result<Timestamp, BrokerError> {
        let Clock { now, trusted, .. } = self;
        let latest = state.latest_moment();
        refuse_out_of_range(now)?;
        if !trusted {
            return Err(BrokerError::ClockUntrusted { now });
        }
        if latest.since(now) > CLOCK_TOLERANCE {
            return Err(BrokerError::Clock { now, latest });
        }
        Ok(state.not_before_latest(now))
    }
}

/// Refuses a time that no clock says, such as one in milliseconds.
pub(super) fn refuse_out_of_range(now: Timestamp) -> Result<(), BrokerError> {
    if now.has_day() { Ok(()) } else { Err(BrokerError::ClockRange { now }) }
}

/// Refuses a day after the policy's last epoch: a clock that is ahead would close them all, and destroy their keys.
pub(super) fn refuse_past_epochs(policy: &Policy, now: Timestamp) -> Result<(), BrokerError> {
    let closes = policy.epochs.iter().map(|epoch| epoch.closes).max().unwrap_or_default();
    if now.day() > closes { Err(BrokerError::ClockPastEpochs { now, closes }) } else { Ok(()) }
}

impl From<Timestamp> for Clock {
    fn from(now: Timestamp) -> Clock {
        Clock { now, trusted: true, destroys: Destroys::Ended }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::EpochRow;
    use super::super::state::{LONGEST_SILENCE, OpenEpoch};
    use super::*;

    #[test]
    fn the_clock_is_compared_with_what_was_acted_on() {
        const AS_OF: Timestamp = Timestamp(1_796_126_400);
        let judge = |state: &BrokerState, clock: Clock| clock.judge(state).map_err(|error| error.code());
        let mut state = BrokerState::default();
        assert_eq!(judge(&state, Timestamp(0).into()), Ok(Timestamp(0)), "there was no release yet");
        assert_eq!(judge(&state, Clock::untrusted(AS_OF)), Err("clock_untrusted"));
        let row = EpochRow { release: 1, as_of: AS_OF, considered: AS_OF, fresh: 0, waits_since: None };
        state.epochs.insert(1, OpenEpoch::new(row));
        let at = |state: &BrokerState, now| judge(state, Timestamp(now).into());
        assert_eq!(at(&state, AS_OF.0 - CLOCK_TOLERANCE - 1), Err("clock"));
        assert_eq!(at(&state, AS_OF.0 - CLOCK_TOLERANCE), Ok(AS_OF), "the clock does not run backwards");
        assert_eq!(at(&state, AS_OF.0 + LONGEST_UNCONFIRMED), Ok(Timestamp(AS_OF.0 + LONGEST_UNCONFIRMED)));
        assert_eq!(at(&state, AS_OF.0 + LONGEST_UNCONFIRMED + 1), Err("clock_ahead"));
        // What nobody confirmed adds up; less than three days count for nothing.
        state.silence = Some(SilenceRow { since: AS_OF, until: AS_OF, seconds: LONGEST_UNCONFIRMED - LONGEST_SILENCE });
        assert_eq!(at(&state, AS_OF.0 + LONGEST_SILENCE), Ok(Timestamp(AS_OF.0 + LONGEST_SILENCE)));
        // While the release is made that ends one, it is counted already, and not twice.
        let until = Timestamp(AS_OF.0 + LONGEST_UNCONFIRMED);
        state.silence = Some(SilenceRow { since: AS_OF, until, seconds: LONGEST_UNCONFIRMED });
        assert_eq!(at(&state, until.0 + 5), Ok(until.plus(5)));
        state.silence = Some(SilenceRow { since: AS_OF, until: AS_OF, seconds: LONGEST_UNCONFIRMED - LONGEST_SILENCE });
        assert_eq!(at(&state, AS_OF.0 + LONGEST_SILENCE + 1), Err("clock_ahead"));
        state.silence = None;
        // A message that was accepted is acted on, too.
        state.log.last = AS_OF.plus(500);
        assert_eq!(at(&state, AS_OF.0 + 400), Err("clock"));
        assert_eq!(at(&state, AS_OF.0 + 450), Ok(AS_OF.plus(500)));
        // Replies name the moment of the restore, so that none is of before it.
        state.log.restored = AS_OF.plus(900);
        assert_eq!(at(&state, AS_OF.0 + 800), Err("clock"));
        assert_eq!(at(&state, AS_OF.0 + 850), Ok(AS_OF.plus(900)));
    }
}
