//! What time it is: the clock's, or what `--now` says.

use std::time::{SystemTime, UNIX_EPOCH};

use stapel::{Day, Timestamp};

use crate::failure::Failure;

/// The option `--now`.
#[derive(clap::Args)]
pub(crate) struct Clock {
    /// The time to act at, in UTC, as 2026-12-01T12:00:00Z: for tests and to play a history again [default: the clock]
    #[arg(long, value_name = "TIME", value_parser = parse)]
    now: Option<Timestamp>,
}

impl Clock {
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

/// Reads `2026-12-01T12:00:00Z`, the one form of RFC 3339 that the library itself prints.
fn parse(text: &str) -> Result<Timestamp, &'static str> {
    const WRONG: &str = "write it in UTC as 2026-12-01T12:00:00Z";
    let (day, time) = text.strip_suffix('Z').and_then(|text| text.split_once('T')).ok_or(WRONG)?;
    let day: Day = day.parse().map_err(|_| WRONG)?;
    let part = |part: &str, below: u64| -> Result<u64, &str> {
        let two_digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        part.parse().ok().filter(|number: &u64| two_digits && *number < below).ok_or(WRONG)
    };
    let mut parts = time.split(':');
    let mut next = |below| part(parts.next().unwrap_or_default(), below);
    let (hour, minute, second) = (next(24)?, next(60)?, next(60)?);
    if parts.next().is_some() {
        return Err(WRONG);
    }
    Ok(day.start().plus(hour * 3600 + minute * 60 + second))
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
