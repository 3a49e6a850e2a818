//! Flagging and withdrawing: what the partner's own people do.

use super::flags::Flag;
use super::journal::{Event, Flagging};
use super::packed::Packed;
use super::{Case, Partner};
use crate::address::{AddressKey, Level};
use crate::day::{Day, Timestamp};
use crate::error::Error;

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
    /// Flags homes, through the latest month's end that the policy's `max_days` reach. Those that are flagged already stay as they
    /// are: looked at again, they are renewed, with [`Partner::renew`].
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`]; [`Error::Level`] for a building: buildings follow from their homes; [`Error::LastDay`] where no month
    /// ends within `max_days`; [`SystemError::Io`](crate::SystemError::Io).
    pub fn flag<'a>(
        &mut self,
        homes: impl IntoIterator<Item = &'a AddressKey>,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, Error> {
        let last_day = self.default_last_day(now.day())?;
        let homes = self.homes(homes)?;
        self.set(homes, Flagging::New, last_day, by, now)
    }

    /// Flags homes through `last_day`, a month's last. It can also bring the end of a flag forward, or put it back within `max_days` of
    /// its first day.
    ///
    /// # Errors
    ///
    /// As [`Partner::flag`]; [`Error::LastDay`] for a day that is over, not a month's last, or too far off.
    pub fn flag_until<'a>(
        &mut self,
        homes: impl IntoIterator<Item = &'a AddressKey>,
        last_day: Day,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, Error> {
        let (today, max_days) = (now.day(), self.policy.policy().retention.max_days);
        let wrong = |finding| Err(Error::LastDay { finding });
        if !last_day.is_month_end() {
            return wrong(format!("{last_day} is not the last day of a month; use {}", last_day.month_end()));
        }
        if last_day < today {
            return wrong(format!("{last_day} is over"));
        }
        if last_day > today.plus(max_days) {
            return wrong(format!("{last_day} is more than the policy's {max_days} days away"));
        }
        let homes = self.homes(homes)?;
        // What ended is flagged anew, from today.
        self.state.expire(today);
        let too_far = |flag: &Flag| last_day > flag.first_day.plus(max_days);
        if homes.iter().any(|home| self.state.flags.get(home).is_some_and(too_far)) {
            return wrong(format!(
                "{last_day} is more than the policy's {max_days} days after the first day of a flag; look at it again and \
                 renew it"
            ));
        }
        self.set(homes, Flagging::Until, last_day, by, now)
    }

    /// Renews the flags of homes that were looked at again: they begin anew today. The message says so, and the broker's log counts it.
    ///
    /// # Errors
    ///
    /// As [`Partner::flag`]; [`Error::NotFlagged`] where one is not flagged.
    pub fn renew<'a>(
        &mut self,
        homes: impl IntoIterator<Item = &'a AddressKey>,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, Error> {
        let (today, homes) = (now.day(), self.homes(homes)?);
        let is_flagged = |home: &&AddressKey| self.state.flags.get(home).is_some_and(|flag| flag.last_day >= today);
        let missing = homes.len() - homes.iter().filter(is_flagged).count();
        if missing > 0 {
            return Err(Error::NotFlagged { missing });
        }
        let last_day = self.default_last_day(today)?;
        self.set(homes, Flagging::Renewal, last_day, by, now)
    }

    /// Withdraws the flags of homes. Withdrawing what is not flagged does nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`], [`Error::Level`], [`SystemError::Io`](crate::SystemError::Io).
    pub fn withdraw<'a>(
        &mut self,
        homes: impl IntoIterator<Item = &'a AddressKey>,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, Error> {
        let addresses = self.homes(homes)?;
        if addresses.is_empty() {
            return Ok(Changed::default());
        }
        self.state.expire(now.day());
        let withdrawn = addresses.iter().filter(|home| self.state.flags.get(home).is_some()).count();
        let unchanged = addresses.len() - withdrawn;
        self.record(now, Some(by), Event::Withdrawn { addresses: Packed(addresses) })?;
        Ok(Changed { withdrawn, unchanged, ..Changed::default() })
    }

    /// Makes the flags exactly those of `homes`; those that were flagged already keep their days. The next delivery is a full set.
    ///
    /// A truncated export must not wipe a partner out: where more than the policy's share of the flags would go, `allow_shrink` must
    /// say that it is meant.
    ///
    /// # Errors
    ///
    /// As [`Partner::flag`]; [`Error::Shrink`].
    pub fn replace_all<'a>(
        &mut self,
        homes: impl IntoIterator<Item = &'a AddressKey>,
        allow_shrink: bool,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, Error> {
        let wanted = self.homes(homes)?;
        let last_day = self.default_last_day(now.day())?;
        self.state.expire(now.day());
        let flags = &self.state.flags;
        let is_wanted = |flag: &&Flag| wanted.binary_search(&flag.address).is_ok();
        let withdrawn: Vec<_> = flags.rows().iter().filter(|f| !is_wanted(f)).map(|flag| flag.address).collect();
        let percent = self.policy.policy().max_shrink_percent;
        if !allow_shrink && withdrawn.len() * 100 > flags.len() * usize::from(percent) {
            return Err(Error::Shrink { withdrawn: withdrawn.len(), flags: flags.len(), percent });
        }
        let (wanted_count, withdrawn_count) = (wanted.len(), withdrawn.len());
        let mut addresses = wanted;
        addresses.retain(|home| flags.get(home).is_none());
        let added = addresses.len();
        let unchanged = wanted_count - added;
        let (addresses, withdrawn) = (Packed(addresses), Packed(withdrawn));
        self.record(now, Some(by), Event::Replaced { shrink: allow_shrink, last_day, addresses, withdrawn })?;
        Ok(Changed { added, changed: 0, withdrawn: withdrawn_count, unchanged })
    }

    /// `addresses` are homes, ascending, each once.
    fn set(
        &mut self,
        addresses: Vec<AddressKey>,
        how: Flagging,
        last_day: Day,
        by: &Case,
        now: Timestamp,
    ) -> Result<Changed, Error> {
        if addresses.is_empty() {
            return Ok(Changed::default());
        }
        self.state.expire(now.day());
        let mut changed = Changed::default();
        for home in &addresses {
            match self.state.flags.get(home) {
                None => changed.added += 1,
                Some(flag) if how == Flagging::New || flag.last_day == last_day => changed.unchanged += 1,
                Some(_) => changed.changed += 1,
            }
        }
        self.record(now, Some(by), Event::Flagged { how, last_day, addresses: Packed(addresses) })?;
        Ok(changed)
    }

    /// The homes, ascending, each once; an error for a building, or where the partner may not flag.
    fn homes<'a>(&self, homes: impl IntoIterator<Item = &'a AddressKey>) -> Result<Vec<AddressKey>, Error> {
        self.permit(|may| may.flag, "flag")?;
        let mut homes: Vec<_> = homes.into_iter().copied().collect();
        if homes.iter().any(|home| home.level() != Level::Unit) {
            return Err(Error::Level {
                finding: "a building is not flagged itself; it follows from the homes in it: flag those",
            });
        }
        homes.sort_unstable();
        homes.dedup();
        Ok(homes)
    }

    fn default_last_day(&self, today: Day) -> Result<Day, Error> {
        let max_days = self.policy.policy().retention.max_days;
        let last_day = today.plus(max_days).latest_month_end().filter(|day| *day >= today);
        last_day.ok_or_else(|| Error::LastDay {
            finding: format!("no month ends between {today} and {max_days} days later, which is the policy's max_days"),
        })
    }
}
