//! The time at which a command acts: the clock's, or what `--now` says.

use std::time::{SystemTime, UNIX_EPOCH};

use stapel::{Day, Timestamp};

use crate::failure::Failure;

/// The option `--now`.
#[derive(Clone, clap::Args)]
pub(crate) struct Clock {
    /// The time to act at, in UTC, as 2026-12-01T12:00:00Z: for tests and to play a history again [default: the clock]
    #[arg(long, value_name = "TIME", value_parser = parse)]
    now: Option<Timestamp>,
}

impl Clock {
    /// Whether a time was given.
    pub(crate) fn is_given(&self) -> bool {
        self.now.is_some()
    }

    /// The time.
    pub(crate) fn time(&self) -> Result<Timestamp, Failure> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since =
            since.map_err(|_| Failure::new("clock", "the clock is before 1970: set it right, or give --now"))?;
        Ok(Timestamp(since.as_secs()))
    }
}

/// Refuses where a person did not type the day that the clock says; `told` is what the clock says, and what would come
/// of it.
pub(crate) fn refuse_other_date(date: Option<Day>, now: Timestamp, told: &str) -> Result<(), Failure> {
    let finding = match date {
        Some(date) if date == now.day() => return Ok(()),
        Some(date) => format!("--date says {date}: set the clock right"),
        None => "if it is right, give --date with today's date, from a calendar".to_owned(),
    };
    Err(Failure::new("clock", format!("{told}; {finding}; nothing was done")))
}

/// Reads `2026-12-01T12:00:00Z`, the one form of RFC 3339 that the library itself prints.
fn parse(text: &str) -> Result<Timestamp, &'static str> {
    text.parse().map_err(|_| "write it in UTC as 2026-12-01T12:00:00Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_moment_prints_is_read_again() {
        for text in ["1970-01-01T00:00:00Z", "2026-12-01T12:34:56Z", "2149-06-06T23:59:59Z"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn nothing_else_is_a_moment() {
        for text in [
            "",
            "2026-12-01",
            "2026-12-01T12:00:00",
            "2026-12-01T12:00Z",
            "2026-12-01T24:00:00Z",
            "2026-12-01T12:60:00Z",
            "2026-12-01T12:00:60Z",
            "2026-12-01T12:00:00:00Z",
            "2026-12-01T+1:00:00Z",
            "2026-12-01T1:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-12-01T12:00:00+01:00",
            "2026-12-01t12:00:00z",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
