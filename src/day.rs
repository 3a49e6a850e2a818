//! Calendar days and moments, all in UTC.
//!
//! A [`Day`] is what flags end on; a [`Timestamp`] is what messages and releases are dated with. The library never
//! reads a clock: whoever calls it says what time it is.

use std::fmt;
use std::str::FromStr;

use crate::codec::encode_fields;
use crate::json::serde_as_text;

const SECONDS_A_DAY: u64 = 86_400;

/// So many days after a flag ended or was withdrawn, whoever flags again goes on with the same flag.
const REMEMBERED_DAYS: u16 = 30;

/// A day: the number of days since 1970-01-01 UTC. Reaches 2149-06-06.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u16);

serde_as_text!(Day, |text| text.parse().ok());

/// A moment: whole seconds since 1970-01-01T00:00:00 UTC, leap seconds not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub u64);

serde_as_text!(Timestamp, |text| text.parse().ok());

/// A day was not of the form `2026-11-30`, or not between 1970-01-01 and 2149-06-06.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a day between 1970-01-01 and 2149-06-06; write it as 2026-11-30")]
pub struct NotADay;

/// A moment was not of the form `2026-11-30T23:59:59Z`, or not between 1970 and 2149-06-06.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a moment between 1970-01-01 and 2149-06-06; write it as 2026-11-30T23:59:59Z")]
pub struct NotAMoment;

impl Day {
    /// The day of a date in the Gregorian calendar, or `None` where there is no such day.
    pub fn from_ymd(year: i32, month: u8, day: u8) -> Option<Day> {
        let month = time::Month::try_from(month).ok()?;
        Day::from_date(time::Date::from_calendar_date(year, month, day).ok()?)
    }

    /// The last day of this day's month: flags end only on such days, so that an end does not become a join key.
    pub fn month_end(self) -> Day {
        let date = self.date();
        let last = date.month().length(date.year());
        // Day 65535 is 2149-06-06; that month's end does not fit, so the last day of the range stands for it.
        Day::from_ymd(date.year(), date.month().into(), last).unwrap_or(Day(u16::MAX))
    }

    /// Whether this is the last day of its month.
    pub(crate) fn is_month_end(self) -> bool {
        self.month_end() == self && self.0 != u16::MAX
    }

    /// The latest month's end that is not after this day; `None` before 1970-01-31.
    pub fn latest_month_end(self) -> Option<Day> {
        if self.is_month_end() {
            return Some(self);
        }
        self.0.checked_sub(u16::from(self.date().day())).map(Day)
    }

    /// This day and `days` more, or the last day that can be written.
    pub fn plus(self, days: u16) -> Day {
        Day(self.0.saturating_add(days))
    }

    /// The same day of the next month, or that month's last where it has no such day.
    pub(crate) fn month_later(self) -> Day {
        let first = self.month_end().plus(1);
        first.plus(u16::from(self.date().day()) - 1).min(first.month_end())
    }

    /// The year.
    pub(crate) fn year(self) -> u16 {
        // Days are from 1970 to 2149.
        self.date().year() as u16
    }

    /// The year, and which quarter of it, from 1 to 4.
    pub(crate) fn quarter(self) -> (u16, u8) {
        (self.year(), (u8::from(self.date().month()) - 1) / 3 + 1)
    }

    /// Whether a flag that had this last day is forgotten by `today`.
    pub(crate) fn is_forgotten(self, today: Day) -> bool {
        self.plus(REMEMBERED_DAYS) < today
    }

    /// The first moment of this day.
    pub fn start(self) -> Timestamp {
        Timestamp(u64::from(self.0) * SECONDS_A_DAY)
    }

    fn date(self) -> time::Date {
        // 1970-01-01 is Julian day 2,440,588, and u16::MAX days later is still in the calendar's range.
        time::Date::from_julian_day(2_440_588 + i32::from(self.0)).unwrap_or(time::Date::MAX)
    }

    fn from_date(date: time::Date) -> Option<Day> {
        u16::try_from(date.to_julian_day() - 2_440_588).ok().map(Day)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.date();
        write!(f, "{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
    }
}

impl FromStr for Day {
    type Err = NotADay;

    fn from_str(text: &str) -> Result<Day, NotADay> {
        let parse = || {
            let mut parts = text.split('-');
            let year = parts.next()?.parse().ok()?;
            let (month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            Day::from_ymd(year, month, day)
        };
        // Refuses signs, missing zeros and what follows.
        parse().filter(|day| day.to_string() == text).ok_or(NotADay)
    }
}

impl Timestamp {
    /// The day this moment falls on, UTC; the last day that can be written for moments after it.
    pub fn day(self) -> Day {
        Day(u16::try_from(self.0 / SECONDS_A_DAY).unwrap_or(u16::MAX))
    }

    /// So many days, in seconds.
    pub(crate) fn days(days: u16) -> u64 {
        u64::from(days) * SECONDS_A_DAY
    }

    /// Whether its day can be written: it is not after 2149-06-06.
    pub(crate) fn has_day(self) -> bool {
        self.0 / SECONDS_A_DAY <= u64::from(u16::MAX)
    }

    /// What an error adds that refuses this moment, where it looks like a number of milliseconds: taken as one, it is
    /// between 2020 and 2149.
    pub(crate) fn unit_hint(self) -> &'static str {
        let seconds = Timestamp(self.0 / 1000);
        let is_plausible = !self.has_day() && seconds.has_day() && seconds.day() >= Day(18_262);
        if is_plausible { ", which looks like milliseconds: give whole seconds" } else { "" }
    }

    /// This moment and so many seconds more.
    pub fn plus(self, seconds: u64) -> Timestamp {
        Timestamp(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this moment; 0 if it is not earlier.
    pub fn since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = self.0 % SECONDS_A_DAY;
        write!(f, "{}T{:02}:{:02}:{:02}Z", self.day(), second / 3600, second / 60 % 60, second % 60)
    }
}

/// RFC 3339, always in UTC and without fractions.
impl FromStr for Timestamp {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Timestamp, NotAMoment> {
        let parse = || {
            let (day, clock) = text.split_once('T')?;
            let mut parts = clock.strip_suffix('Z')?.split(':').map(|part| part.parse::<u16>().ok());
            let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
            let seconds = u64::from(hour) * 3600 + u64::from(minute) * 60 + u64::from(second);
            Some(day.parse::<Day>().ok()?.start().plus(seconds))
        };
        // Refuses hours, minutes and seconds that are too many, and other forms.
        parse().filter(|moment| moment.to_string() == text).ok_or(NotAMoment)
    }
}

encode_fields! { Day { 0 } }
encode_fields! { Timestamp { 0 } }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_print_and_parse() {
        for (number, text) in
            [(0, "1970-01-01"), (20_787, "2026-11-30"), (11_016, "2000-02-29"), (65_535, "2149-06-06")]
        {
            assert_eq!(Day(number).to_string(), text);
            assert_eq!(text.parse(), Ok(Day(number)));
        }
    }

    #[test]
    fn years_and_quarters_are_those_of_the_calendar() {
        for (text, year, quarter) in
            [("1970-01-01", 1_970, 1), ("2026-12-31", 2_026, 4), ("2027-01-01", 2_027, 1), ("2149-06-06", 2_149, 2)]
        {
            let day: Day = text.parse().unwrap();
            assert_eq!((day.year(), day.quarter()), (year, (year, quarter)), "{text}");
        }
    }

    #[test]
    fn a_month_later_is_the_same_day_or_that_months_last() {
        for (day, later) in [
            ("2026-11-30", "2026-12-30"),
            ("2026-12-31", "2027-01-31"),
            ("2027-01-31", "2027-02-28"),
            ("2028-01-29", "2028-02-29"),
            ("2027-02-28", "2027-03-28"),
            ("2149-05-31", "2149-06-06"),
        ] {
            assert_eq!(day.parse::<Day>().unwrap().month_later().to_string(), later, "{day}");
        }
    }

    #[test]
    fn what_is_not_a_day_is_refused() {
        for text in [
            "",
            "2026-11-31",
            "2025-02-29",
            "26-11-30",
            "2026-1-01",
            "1969-12-31",
            "2149-06-07",
            "2026/11/30",
            "+026-11-30",
            "2026-11-3é",
        ] {
            assert_eq!(text.parse::<Day>(), Err(NotADay), "{text}");
        }
    }

    #[test]
    fn month_ends() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        assert_eq!(day("2024-02-01").month_end(), day("2024-02-29"));
        assert!(day("2026-11-30").is_month_end());
        assert!(!day("2026-11-29").is_month_end());
        assert_eq!(day("2026-11-29").latest_month_end(), Some(day("2026-10-31")));
        assert_eq!(day("2026-11-30").latest_month_end(), Some(day("2026-11-30")));
        assert_eq!(day("1970-01-30").latest_month_end(), None);
        assert!(!Day(u16::MAX).is_month_end());
    }

    #[test]
    fn every_day_has_its_month_end() {
        for number in 0..u16::MAX {
            let end = Day(number).month_end();
            assert!(end >= Day(number) && end.0 - number <= 30 && end.month_end() == end);
        }
    }

    #[test]
    fn moments_print() {
        assert_eq!(Timestamp(1_795_996_799).to_string(), "2026-11-29T23:59:59Z");
        assert_eq!(Timestamp(1_795_996_799).day().start(), Timestamp(1_795_910_400));
    }

    #[test]
    fn moments_parse() {
        for seconds in [0, 59, 86_399, 86_400, 1_795_996_799, 65_535 * 86_400 + 86_399] {
            assert_eq!(Timestamp(seconds).to_string().parse(), Ok(Timestamp(seconds)));
        }
        for text in [
            "",
            "2026-11-29",
            "2026-11-29T",
            "2026-11-29T24:00:00Z",
            "2026-11-29T23:60:00Z",
            "2026-11-29T23:59:60Z",
            "2026-11-29T23:59:59",
            "2026-11-29T23:59:59z",
            "2026-11-29 23:59:59Z",
            "2026-11-29T23:59:59+00:00",
            "2026-11-29T23:59:+9Z",
            "2026-11-31T00:00:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(NotAMoment), "{text}");
        }
    }
}
