//! Flagging, renewing and withdrawing: what the partner's own people do.

use super::error::PartnerError;
use super::flags::Flag;
use super::record::{FlagMode, JournalEvent};
use super::state::PartnerState;
use super::{Case, Partner};
use crate::address::{AddressKey, Level};
use crate::day::{Day, Timestamp};
use crate::policy::Policy;

/// What a call changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Addresses that were not flagged before.
    pub added: usize,
    /// Addresses that were flagged, with another last valid day now.
    pub changed: usize,
    /// Addresses that were flagged, and are no longer.
    pub withdrawn: usize,
    /// Addresses that are as they were.
    pub unchanged: usize,
}

impl Partner {
    /// Flags homes, through the latest month's end that the policy's `max_days` reach. Those that are flagged already
    /// stay as they are: looked at again, they are renewed, with [`Partner::renew`].
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPermitted`]; [`PartnerError::Level`] for a house number: house numbers follow from their
    /// homes; [`PartnerError::LastDay`] where no month ends within `max_days`;
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn flag<'a>(
        &mut self,
        homes: impl IntoIterator<Item = &'a AddressKey>,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, PartnerError> {
        let last_day = default_last_day(self.member.policy(), now.day())?;
        let homes = self.homes(homes)?;
        self.record_flags(homes, FlagMode::New, last_day, by, now)
    }

    /// Flags homes through `last_day`, a month's last. It can also bring the end of a flag forward, or put it back
    /// within `max_days` of its first day.
    ///
    /// # Errors
    ///
    /// As [`Partner::flag`]; [`PartnerError::LastDay`] for a day that is over, not a month's last, or too far off.
    pub fn flag_until<'a>(
        &mut self,
        homes: impl IntoIterator<Item = &'a AddressKey>,
        last_day: Day,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, PartnerError> {
        let homes = self.homes(homes)?;
        check_last_day(self.data.on(now.day())?, self.member.policy(), &homes, last_day, now.day())?;
        self.record_flags(homes, FlagMode::Until, last_day, by, now)
    }

    /// Renews the flags of homes that were looked at again: they begin anew today. The message says so, and the
    /// broker's log counts it.
    ///
    /// # Errors
    ///
    /// As [`Partner::flag`]; [`PartnerError::NotFlagged`] where one is not flagged.
    pub fn renew<'a>(
        &mut self,
        homes: impl IntoIterator<Item = &'a AddressKey>,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, PartnerError> {
        let (today, homes) = (now.day(), self.homes(homes)?);
        let flags = &self.data.on(today)?.flags;
        let missing = homes.iter().filter(|home| flags.get(home).is_none()).count();
        if missing > 0 {
            return Err(PartnerError::NotFlagged { missing });
        }
        let last_day = default_last_day(self.member.policy(), today)?;
        self.record_flags(homes, FlagMode::Renewal, last_day, by, now)
    }

    /// Withdraws the flags of homes. Withdrawing what is not flagged does nothing.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPermitted`], [`PartnerError::Level`], [`SystemError::Io`](crate::SystemError::Io).
    pub fn withdraw<'a>(
        &mut self,
        homes: impl IntoIterator<Item = &'a AddressKey>,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, PartnerError> {
        let homes = self.homes(homes)?;
        if homes.is_empty() {
            return Ok(Changed::default());
        }
        let (event, changed) = withdraw(self.data.on(now.day())?, homes);
        self.data.record(now, Some(by), event)?;
        Ok(changed)
    }

    /// Makes the flags exactly those of `homes`; those that were flagged already keep their days. The next delivery is
    /// a full set.
    ///
    /// A truncated export must not wipe a partner out: where more than the policy's share of the flags would go,
    /// `allow_shrink` must say that it is meant.
    ///
    /// # Errors
    ///
    /// As [`Partner::flag`]; [`PartnerError::Shrink`].
    pub fn replace_all<'a>(
        &mut self,
        homes: impl IntoIterator<Item = &'a AddressKey>,
        allow_shrink: bool,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, PartnerError> {
        let wanted = self.homes(homes)?;
        let (event, changed) =
            replace(self.data.on(now.day())?, self.member.policy(), wanted, allow_shrink, now.day())?;
        self.data.record(now, Some(by), event)?;
        Ok(changed)
    }

    /// `homes` ascend, each once.
    fn record_flags(
        &mut self,
        homes: Vec<AddressKey>,
        mode: FlagMode,
        last_day: Day,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, PartnerError> {
        if homes.is_empty() {
            return Ok(Changed::default());
        }
        let (event, changed) = flag(self.data.on(now.day())?, homes, mode, last_day);
        self.data.record(now, Some(by), event)?;
        Ok(changed)
    }

    /// The homes, ascending, each once; an error for a house number, or where the partner may not flag.
    fn homes<'a>(&self, homes: impl IntoIterator<Item = &'a AddressKey>) -> Result<Vec<AddressKey>, PartnerError> {
        self.member.permit(|may| may.flag, "flag")?;
        let mut homes: Vec<_> = homes.into_iter().copied().collect();
        if homes.iter().any(|home| home.level() != Level::Unit) {
            return Err(PartnerError::Level {
                finding: "a house number is not flagged itself; it follows from the homes at it: flag those",
            });
        }
        homes.sort_unstable();
        homes.dedup();
        Ok(homes)
    }
}

/// What flagging homes, which ascend, is recorded as, and what it changes.
fn flag(state: &PartnerState, homes: Vec<AddressKey>, mode: FlagMode, last_day: Day) -> (JournalEvent, Changed) {
    let mut changed = Changed::default();
    for home in &homes {
        match state.flags.get(home) {
            None => changed.added += 1,
            Some(flag) if mode == FlagMode::New || flag.last_day == last_day => changed.unchanged += 1,
            Some(_) => changed.changed += 1,
        }
    }
    (JournalEvent::Flagged { mode, last_day, homes }, changed)
}

/// What withdrawing homes is recorded as, and what it changes.
fn withdraw(state: &PartnerState, homes: Vec<AddressKey>) -> (JournalEvent, Changed) {
    let withdrawn = homes.iter().filter(|home| state.flags.get(home).is_some()).count();
    let changed = Changed { withdrawn, unchanged: homes.len() - withdrawn, ..Changed::default() };
    (JournalEvent::Withdrawn { homes }, changed)
}

/// What making the flags exactly those of `wanted`, which ascend, is recorded as, and what it changes.
fn replace(
    state: &PartnerState,
    policy: &Policy,
    wanted: Vec<AddressKey>,
    allow_shrink: bool,
    today: Day,
) -> Result<(JournalEvent, Changed), PartnerError> {
    let last_day = default_last_day(policy, today)?;
    let flags = &state.flags;
    let is_wanted = |flag: &&Flag| wanted.binary_search(&flag.address).is_ok();
    let withdrawn: Vec<_> = flags.rows().iter().filter(|f| !is_wanted(f)).map(|flag| flag.address).collect();
    let percent = policy.max_shrink_percent;
    if !allow_shrink && withdrawn.len() * 100 > flags.len() * usize::from(percent) {
        return Err(PartnerError::Shrink { withdrawn: withdrawn.len(), flags: flags.len(), percent });
    }
    let wanted_count = wanted.len();
    let mut added = wanted;
    added.retain(|home| flags.get(home).is_none());
    let changed =
        Changed { added: added.len(), changed: 0, withdrawn: withdrawn.len(), unchanged: wanted_count - added.len() };
    Ok((JournalEvent::Replaced { shrink: allow_shrink, last_day, added, withdrawn }, changed))
}

/// Whether homes may be flagged through `last_day`.
fn check_last_day(
    state: &PartnerState,
    policy: &Policy,
    homes: &[AddressKey],
    last_day: Day,
    today: Day,
) -> Result<(), PartnerError> {
    let max_days = policy.retention.max_days;
    let wrong = |finding| Err(PartnerError::LastDay { finding });
    if !last_day.is_month_end() {
        return wrong(format!("{last_day} is not the last day of a month; use {}", last_day.month_end()));
    }
    if last_day < today {
        return wrong(format!("{last_day} is over"));
    }
    if last_day > today.plus(max_days) {
        return wrong(format!("{last_day} is more than the policy's {max_days} days away"));
    }
    let too_far = |flag: &Flag| last_day > flag.first_day.plus(max_days);
    if homes.iter().any(|home| state.flags.get(home).is_some_and(too_far)) {
        return wrong(format!(
            "{last_day} is more than the policy's {max_days} days after the first day of a flag; look at it again and \
             renew it"
        ));
    }
    Ok(())
}

/// The latest month's end that the policy's `max_days` reach.
fn default_last_day(policy: &Policy, today: Day) -> Result<Day, PartnerError> {
    let max_days = policy.retention.max_days;
    let last_day = today.plus(max_days).latest_month_end().filter(|day| *day >= today);
    last_day.ok_or_else(|| PartnerError::LastDay {
        finding: format!("no month ends between {today} and {max_days} days later, which is the policy's max_days"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::sample;

    const TODAY: Day = Day(20_802);

    fn homes(numbers: std::ops::Range<u32>) -> Vec<AddressKey> {
        let home = |number| AddressKey::from_canonical(&format!("1012JS|{number}|")).unwrap();
        let mut homes: Vec<_> = numbers.map(home).collect();
        homes.sort_unstable();
        homes
    }

    /// A state with these homes flagged since a hundred days ago.
    fn flagged(numbers: std::ops::Range<u32>) -> PartnerState {
        let mut state = PartnerState { number: 1, ..PartnerState::default() };
        let first_day = Day(TODAY.0 - 100);
        let flag = |address, _: Option<&Flag>| Some(Flag { address, first_day, last_day: Day(TODAY.0 + 10) });
        state.flags.set(&homes(numbers), flag, |_| {});
        state
    }

    #[test]
    fn what_a_call_changes_is_counted_by_home() {
        let state = flagged(1..4);
        let of = |mode| flag(&state, homes(2..6), mode, Day(TODAY.0 + 20)).1;
        assert_eq!(of(FlagMode::New), Changed { added: 2, unchanged: 2, ..Changed::default() });
        assert_eq!(of(FlagMode::Renewal), Changed { added: 2, changed: 2, ..Changed::default() });
        let (event, changed) = withdraw(&state, homes(3..6));
        assert_eq!(changed, Changed { withdrawn: 1, unchanged: 2, ..Changed::default() });
        assert!(matches!(event, JournalEvent::Withdrawn { homes: withdrawn } if withdrawn == homes(3..6)));
    }

    #[test]
    fn a_set_in_place_of_all_shrinks_only_where_it_is_meant() {
        let (state, policy) = (flagged(1..11), sample::policy());
        let replaced = |wanted, allow| replace(&state, &policy, homes(wanted), allow, TODAY);
        assert_eq!(replaced(4..11, false).err().map(|error| error.code()), Some("shrink"));
        let (event, changed) = replaced(4..12, true).unwrap();
        assert_eq!(changed, Changed { added: 1, changed: 0, withdrawn: 3, unchanged: 7 });
        let JournalEvent::Replaced { shrink: true, added, withdrawn, .. } = event else { panic!() };
        assert_eq!((added, withdrawn), (homes(11..12), homes(1..4)));
    }

    #[test]
    fn a_last_day_is_held_to_the_first() {
        let (state, policy) = (flagged(1..2), sample::policy());
        let end = |days| Day(TODAY.0 + days).month_end();
        assert!(check_last_day(&state, &policy, &homes(1..2), end(20), TODAY).is_ok());
        let far = check_last_day(&state, &policy, &homes(1..2), end(100), TODAY).unwrap_err().to_string();
        assert!(far.contains("after the first day of a flag"), "{far}");
        assert!(check_last_day(&state, &policy, &homes(2..3), end(100), TODAY).is_ok(), "it is not flagged yet");
    }
}
