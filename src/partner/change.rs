//! Flagging, renewing and withdrawing: what the partner's own people do.

use super::clock::LONGEST_SILENCE;
use super::error::PartnerError;
use super::flags::Flag;
use super::given::{Given, Taken, Texts};
use super::record::JournalEvent;
use super::state::PartnerState;
use super::transaction::Transaction;
use super::{Case, Partner};
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::message::RenewalReason;
use crate::policy::{Policy, Retention};

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
    /// Addresses that were not flagged: their flag ended within the last 30 days, and only a renewal lets it go on.
    pub lapsed: usize,
    /// How many addresses more were given than there are different ones: each counts once.
    pub repeated: usize,
}

/// What is done with the flags of addresses that are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// [`Partner::flag`].
    Flag,
    /// [`Partner::flag_until`], a last valid day.
    FlagUntil(Day),
    /// [`Partner::renew`], for a reason.
    Renew(RenewalReason),
    /// [`Partner::withdraw`].
    Withdraw,
    /// [`Partner::replace_all`].
    ReplaceAll {
        /// Whether it is meant that more than the policy's share of the flags goes.
        allow_shrink: bool,
    },
}

/// How many flags a policy that allows fewer days shortened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shortened {
    /// Those that stand until an earlier month's end.
    pub shortened: usize,
    /// Those that ended, because no month ends in the days that are left to them.
    pub ended: usize,
}

impl Partner {
    /// Flags homes, through the latest month's end that the policy's `max_days` reach. Those that are flagged already
    /// stay as they are: looked at again, they are renewed, with [`Partner::renew`].
    ///
    /// A home whose flag ended or was withdrawn within the last 30 days goes on with that flag: it has the same first
    /// day, and ends no later than it could have without another renewal. Where that is over, the home is not flagged,
    /// but counted as [`Changed::lapsed`].
    ///
    /// A house number follows from the homes at it. Where no home is certain but the number is
    /// ([`AddressError::number_key`](crate::AddressError::number_key)), and the policy counts house numbers, the key of
    /// the number flags that alone: it counts at that level, and for no home. Such a flag has days of its own, and all
    /// said here of homes holds for it.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPermitted`]; [`PartnerError::Level`] for a house number where the policy does not count any;
    /// [`PartnerError::RegisterRequired`]; [`PartnerError::LastDay`] where no month ends within `max_days`;
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn flag<'a>(
        &mut self,
        homes: impl IntoIterator<Item = impl Into<Given<'a>>>,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, PartnerError> {
        self.change(homes, Change::Flag, by, now)
    }

    /// Flags homes through `last_day`, a month's last. It can also bring the end of a flag forward, or put it back as
    /// far as that needs no further renewal: within `max_days` of its first day, or so many more for each renewal it
    /// had.
    ///
    /// # Errors
    ///
    /// As [`Partner::flag`]; [`PartnerError::LastDay`] for a day that is over, not a month's last, or too far off.
    pub fn flag_until<'a>(
        &mut self,
        homes: impl IntoIterator<Item = impl Into<Given<'a>>>,
        last_day: Day,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, PartnerError> {
        self.change(homes, Change::FlagUntil(last_day), by, now)
    }

    /// Renews the flags of homes that were looked at again, also of those that ended or were withdrawn within the last
    /// 30 days: through the latest month's end that the policy's `max_days` reach from today, and `max_renewals` from
    /// the first day. The message says why, and the broker's log counts it.
    ///
    /// # Errors
    ///
    /// As [`Partner::flag`]; [`PartnerError::NotFlagged`] where one has no such flag; [`PartnerError::TooManyRenewals`]
    /// where one cannot last longer. Then none is renewed.
    pub fn renew<'a>(
        &mut self,
        homes: impl IntoIterator<Item = impl Into<Given<'a>>>,
        reason: RenewalReason,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, PartnerError> {
        self.change(homes, Change::Renew(reason), by, now)
    }

    /// Withdraws the flags of homes, and of house numbers that were flagged alone. Withdrawing what is not flagged does
    /// nothing; so a house number is flagged on while a home at it is.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPermitted`], [`SystemError::Io`](crate::SystemError::Io).
    pub fn withdraw<'a>(
        &mut self,
        homes: impl IntoIterator<Item = impl Into<Given<'a>>>,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, PartnerError> {
        self.change(homes, Change::Withdraw, by, now)
    }

    /// Makes the flags exactly those of `homes`; those that were flagged already keep their days, and those that ended
    /// within the last 30 days are as [`Partner::flag`] says. The next delivery is a full set.
    ///
    /// A truncated export must not wipe a partner out: where more than the policy's share of the flags would go,
    /// `allow_shrink` must say that it is meant.
    ///
    /// # Errors
    ///
    /// As [`Partner::flag`]; [`PartnerError::Shrink`].
    pub fn replace_all<'a>(
        &mut self,
        homes: impl IntoIterator<Item = impl Into<Given<'a>>>,
        allow_shrink: bool,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, PartnerError> {
        self.change(homes, Change::ReplaceAll { allow_shrink }, by, now)
    }

    /// What a change would come to now. Nothing is recorded.
    ///
    /// # Errors
    ///
    /// Those of the call that makes the change.
    pub fn preview<'a>(
        &mut self,
        homes: impl IntoIterator<Item = impl Into<Given<'a>>>,
        change: Change,
        now: Timestamp,
    ) -> Result<Changed, PartnerError> {
        self.decide(homes, change, now).map(|(_, _, changed)| changed)
    }

    /// Shortens the flags that have more days than the policy allows, because it allowed more when they were flagged.
    /// The broker would take no full set that has one of them.
    pub(super) fn shorten(&mut self, now: Timestamp) -> Result<(), PartnerError> {
        let today = self.data.at(now)?.day();
        if let Some((event, Shortened { shortened, ended })) = shorten(self.data.state(), self.member.policy(), today) {
            self.data.record(now, None, event)?;
            self.shortened.shortened += shortened;
            self.shortened.ended += ended;
        }
        Ok(())
    }

    /// How many flags [`Partner::deliver`] and [`Partner::confirm`] shortened or ended since this was called last,
    /// because the policy allows fewer days than when they were flagged. Show it to whoever flagged them: nobody else
    /// says that they go.
    pub fn take_shortened(&mut self) -> Shortened {
        std::mem::take(&mut self.shortened)
    }

    /// Whether `now` can be right, for whoever does something else by it before a message is made: what that writes
    /// down would be of a day that has not come.
    ///
    /// # Errors
    ///
    /// [`PartnerError::Clock`] and [`PartnerError::ClockAhead`], as all calls that record something have them.
    pub fn check_clock(&mut self, now: Timestamp) -> Result<(), PartnerError> {
        self.data.at(now).map(drop)
    }

    /// Says that somebody saw that the clock is right, where calls are refused with [`PartnerError::Clock`] or
    /// [`PartnerError::ClockAhead`]. The journal has who said it. With that, the flags end whose last valid day has
    /// passed, as [`Partner::flags`] has them: how many.
    ///
    /// # Errors
    ///
    /// [`PartnerError::ClockAhead`] for a moment after the last day of the policy's last epoch: adopt a newer policy
    /// first; [`SystemError::Io`](crate::SystemError::Io).
    pub fn accept_clock(&mut self, by: &Case, now: Timestamp) -> Result<usize, PartnerError> {
        self.refuse_after_last_epoch(now)?;
        let mut transaction = self.data.begin_trusting(now)?;
        let before = transaction.view().flags.len();
        transaction.record(Some(by), JournalEvent::ClockAccepted)?;
        let ended = before - transaction.view().flags.len();
        transaction.commit()?;
        Ok(ended)
    }

    fn refuse_after_last_epoch(&self, now: Timestamp) -> Result<(), PartnerError> {
        let closes = self.member.policy().epochs.iter().map(|epoch| epoch.closes).max().unwrap_or_default();
        let latest = self.data.state().latest;
        if now.has_day() && now.day() <= closes {
            return Ok(());
        }
        Err(PartnerError::ClockAhead { now, latest, days: LONGEST_SILENCE })
    }

    /// Decides on what is flagged at `now`, and records what was decided, if anything.
    fn change<'a>(
        &mut self,
        homes: impl IntoIterator<Item = impl Into<Given<'a>>>,
        change: Change,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, PartnerError> {
        let (mut transaction, event, changed) = self.decide(homes, change, now)?;
        if let Some(event) = event {
            transaction.record(Some(by), event)?;
            transaction.keep();
        }
        Ok(changed)
    }

    /// What a change at `now` is recorded as, if anything, and what it comes to; in a transaction that has recorded
    /// nothing yet.
    fn decide<'a>(
        &mut self,
        homes: impl IntoIterator<Item = impl Into<Given<'a>>>,
        change: Change,
        now: Timestamp,
    ) -> Result<(Transaction<'_>, Option<JournalEvent>, Changed), PartnerError> {
        self.member.permit(|may| may.flag, "flag")?;
        let Taken { keys: mut homes, typed, are_resolved } = Taken::of(homes);
        if change != Change::Withdraw {
            self.member.refuse_uncounted(&homes, "the policy does not count house numbers: flag homes")?;
            self.member.refuse_without_register(are_resolved)?;
        }
        let given = homes.len();
        homes.sort_unstable();
        homes.dedup();
        let repeated = given - homes.len();
        if self.data.state().latest == Timestamp::default() {
            // Nothing else says here that the clock is ahead.
            self.refuse_after_last_epoch(now)?;
        }
        let transaction = self.data.begin(now)?;
        let (state, policy, today) = (transaction.view(), self.member.policy(), transaction.now().day());
        let flagged = |renewal, (flags, changed), typed| (JournalEvent::flagged(renewal, flags, typed), changed);
        let (event, changed) = match change {
            Change::Flag => flagged(None, new_flags(state, policy, &homes, today)?, typed),
            Change::FlagUntil(last_day) => flagged(None, flags_until(state, policy, &homes, last_day, today)?, typed),
            Change::Renew(reason) => flagged(Some(reason), renewed_flags(state, policy, &homes, reason, today)?, typed),
            Change::Withdraw => withdraw(state, homes),
            Change::ReplaceAll { allow_shrink } => {
                let (event, changed) = replace(state, policy, homes, typed, allow_shrink, today)?;
                (Some(event), changed)
            }
        };
        Ok((transaction, event, Changed { repeated, ..changed }))
    }
}

impl JournalEvent {
    /// The record of flags, which ascend by home, each once; `None` where there are none. `typed` may have the texts of
    /// others too.
    fn flagged(renewal: Option<RenewalReason>, flags: Vec<Flag>, typed: Texts) -> Option<JournalEvent> {
        let has_flag = |home: &AddressKey| flags.binary_search_by_key(home, |flag| flag.address).is_ok();
        let typed = typed.only(|home, _| has_flag(home));
        (!flags.is_empty()).then_some(JournalEvent::Flagged { renewal, flags, typed })
    }
}

/// The flags of homes, which ascend, where those that are flagged stay as they are, and what changes.
fn new_flags(
    state: &PartnerState,
    policy: &Policy,
    homes: &[AddressKey],
    today: Day,
) -> Result<(Vec<Flag>, Changed), PartnerError> {
    let latest = default_last_day(policy, today)?;
    let mut changed = Changed::default();
    let mut flags = Vec::with_capacity(homes.len());
    for home in homes {
        let flag = match (state.flags.get(home), state.ended.get(home)) {
            (Some(flag), _) => {
                changed.unchanged += 1;
                *flag
            }
            (None, Some(ended)) => {
                let last_day = latest.min(longest(policy, ended, renewals(policy, ended)));
                if last_day < today {
                    changed.lapsed += 1;
                    continue;
                }
                changed.added += 1;
                Flag { last_day, ..*ended }
            }
            (None, None) => {
                changed.added += 1;
                Flag { address: *home, first_day: today, last_day: latest, renewal: None }
            }
        };
        flags.push(flag);
    }
    Ok((flags, changed))
}

/// The flags of homes, which ascend, through `last_day`, and what changes.
fn flags_until(
    state: &PartnerState,
    policy: &Policy,
    homes: &[AddressKey],
    last_day: Day,
    today: Day,
) -> Result<(Vec<Flag>, Changed), PartnerError> {
    check_last_day(state, policy, homes, last_day, today)?;
    let new = |home: &AddressKey| Flag { address: *home, first_day: today, last_day, renewal: None };
    let until = |home| state.known_flag(home).map_or(new(home), |flag| Flag { last_day, ..*flag });
    let flags: Vec<Flag> = homes.iter().map(until).collect();
    let changed = changed_by(state, &flags);
    Ok((flags, changed))
}

/// The flags of homes, which ascend, renewed, and what changes.
fn renewed_flags(
    state: &PartnerState,
    policy: &Policy,
    homes: &[AddressKey],
    reason: RenewalReason,
    today: Day,
) -> Result<(Vec<Flag>, Changed), PartnerError> {
    let known: Vec<&Flag> = homes.iter().filter_map(|home| state.known_flag(home)).collect();
    let missing = homes.len() - known.len();
    if missing > 0 {
        return Err(PartnerError::NotFlagged { missing });
    }
    let latest = default_last_day(policy, today)?;
    let most_renewals = policy.retention.max_renewals.into();
    let mut exhausted = 0;
    let mut flags = Vec::with_capacity(homes.len());
    for flag in known {
        let most = longest(policy, flag, most_renewals);
        exhausted += usize::from(most <= flag.last_day || most < today);
        let last_day = latest.min(most).max(flag.last_day);
        flags.push(Flag { last_day, renewal: Some(reason), ..*flag });
    }
    if exhausted > 0 {
        return Err(PartnerError::TooManyRenewals { homes: exhausted, days: policy.retention.longest_days() });
    }
    let changed = changed_by(state, &flags);
    Ok((flags, changed))
}

/// What these flags change.
fn changed_by(state: &PartnerState, flags: &[Flag]) -> Changed {
    let mut changed = Changed::default();
    for flag in flags {
        match state.flags.get(&flag.address) {
            None => changed.added += 1,
            Some(held) if held.last_day == flag.last_day => changed.unchanged += 1,
            Some(_) => changed.changed += 1,
        }
    }
    changed
}

/// How many renewals a flag had, as far as the policy allows them.
fn renewals(policy: &Policy, flag: &Flag) -> u32 {
    let Retention { max_renewals, .. } = policy.retention;
    policy.retention.renewals(flag.first_day, flag.last_day).min(max_renewals.into())
}

/// The latest month's end through which a flag may stand with so many renewals; a day that is over where there is none.
fn longest(policy: &Policy, flag: &Flag, renewals: u32) -> Day {
    policy.retention.longest(flag.first_day, renewals).latest_month_end().unwrap_or_default()
}

/// What withdrawing homes is recorded as, and what it changes: what is not flagged is not withdrawn either.
fn withdraw(state: &PartnerState, homes: Vec<AddressKey>) -> (Option<JournalEvent>, Changed) {
    let given = homes.len();
    let homes: Vec<_> = homes.into_iter().filter(|home| state.flags.get(home).is_some()).collect();
    let changed = Changed { withdrawn: homes.len(), unchanged: given - homes.len(), ..Changed::default() };
    ((!homes.is_empty()).then_some(JournalEvent::Withdrawn { homes }), changed)
}

/// What making the flags exactly those of `wanted`, which ascend, is recorded as, and what it changes.
fn replace(
    state: &PartnerState,
    policy: &Policy,
    wanted: Vec<AddressKey>,
    typed: Texts,
    allow_shrink: bool,
    today: Day,
) -> Result<(JournalEvent, Changed), PartnerError> {
    let flags = &state.flags;
    let is_wanted = |flag: &&Flag| wanted.binary_search(&flag.address).is_ok();
    let withdrawn: Vec<_> = flags.rows().iter().filter(|f| !is_wanted(f)).map(|flag| flag.address).collect();
    let percent = policy.max_shrink_percent;
    if !allow_shrink && withdrawn.len() * 100 > flags.len() * usize::from(percent) {
        return Err(PartnerError::Shrink { withdrawn: withdrawn.len(), flags: flags.len(), percent });
    }
    let (mut added, changed) = new_flags(state, policy, &wanted, today)?;
    added.retain(|flag| flags.get(&flag.address).is_none());
    let is_added = |home: &AddressKey| added.binary_search_by_key(home, |flag| flag.address).is_ok();
    // A set that comes every night says the same again of most.
    let is_new =
        |home: &AddressKey, text: &str| is_added(home) || flags.get(home).is_some() && state.typed.get(home) != text;
    let typed = typed.only(is_new);
    let changed = Changed { withdrawn: withdrawn.len(), ..changed };
    Ok((JournalEvent::Replaced { shrink: allow_shrink, added, withdrawn, typed }, changed))
}

/// What shortening the flags to the days that the policy allows is recorded as, and how many; `None` where it allows
/// those they have.
fn shorten(state: &PartnerState, policy: &Policy, today: Day) -> Option<(JournalEvent, Shortened)> {
    let Retention { max_days, max_renewals, .. } = policy.retention;
    let (mut flags, mut ended) = (Vec::new(), Vec::new());
    for flag in state.flags.rows() {
        // Without a reason the broker takes no renewal.
        let renewals = if flag.renewal.is_some() { max_renewals.into() } else { 0 };
        let most = today.plus(max_days).min(policy.retention.longest(flag.first_day, renewals));
        if flag.last_day <= most || flag.last_day < today {
            continue;
        }
        match most.latest_month_end().filter(|last_day| *last_day >= today) {
            Some(last_day) => flags.push(Flag { last_day, ..*flag }),
            None => ended.push(flag.address),
        }
    }
    let counts = Shortened { shortened: flags.len(), ended: ended.len() };
    (counts != Shortened::default()).then_some((JournalEvent::Shortened { flags, ended }, counts))
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
    let too_far = |flag: &Flag| last_day > longest(policy, flag, renewals(policy, flag));
    if homes.iter().any(|home| state.known_flag(home).is_some_and(too_far)) {
        return wrong(format!(
            "{last_day} is more than the policy's {max_days} days after the first day of a flag, or after its last \
             renewal; look at it again and renew it"
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
        let (first_day, last_day) = (Day(TODAY.0 - 100), Day(TODAY.0 + 10));
        let flag = |address| (address, Some(Flag { address, first_day, last_day, renewal: None }));
        state.flags.set(homes(numbers).into_iter().map(flag), |_| {});
        state
    }

    #[test]
    fn what_a_call_changes_is_counted_by_home() {
        let (state, policy) = (flagged(1..4), sample::policy());
        let (_, new) = new_flags(&state, &policy, &homes(2..6), TODAY).unwrap();
        assert_eq!(new, Changed { added: 2, unchanged: 2, ..Changed::default() });
        let until = Day(TODAY.0 + 20).month_end();
        let (_, moved) = flags_until(&state, &policy, &homes(2..6), until, TODAY).unwrap();
        assert_eq!(moved, Changed { added: 2, changed: 2, ..Changed::default() });
        let reason = RenewalReason::ObservedAgain;
        let (_, renewed) = renewed_flags(&state, &policy, &homes(2..4), reason, TODAY).unwrap();
        assert_eq!(renewed, Changed { changed: 2, ..Changed::default() });
        let (event, changed) = withdraw(&state, homes(3..6));
        assert_eq!(changed, Changed { withdrawn: 1, unchanged: 2, ..Changed::default() });
        assert!(matches!(event, Some(JournalEvent::Withdrawn { homes: withdrawn }) if withdrawn == homes(3..4)));
        assert!(withdraw(&state, homes(4..6)).0.is_none(), "none of them was flagged");
    }

    #[test]
    fn a_set_in_place_of_all_shrinks_only_where_it_is_meant() {
        let (state, policy) = (flagged(1..11), sample::policy());
        let replaced = |wanted, allow| replace(&state, &policy, homes(wanted), Texts::default(), allow, TODAY);
        assert_eq!(replaced(4..11, false).err().map(|error| error.code()), Some("shrink"));
        let (event, changed) = replaced(4..12, true).unwrap();
        assert_eq!(changed, Changed { added: 1, withdrawn: 3, unchanged: 7, ..Changed::default() });
        let JournalEvent::Replaced { shrink: true, added, withdrawn, .. } = event else { panic!() };
        let added: Vec<_> = added.iter().map(|flag| flag.address).collect();
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
