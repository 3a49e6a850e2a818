//! When the message of a day goes, and what was done of each day.
//!
//! The moment follows from a key that is drawn once and from the day alone: so neither what changed nor how often the
//! command runs has any part in it. It is before 23:00 UTC, so that what goes wrong can be tried again on the same day.

use std::path::{Path, PathBuf};

use ring::hmac;
use serde::{Deserialize, Serialize};
use stapel::{Day, Timestamp};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::files;

/// Bound to what is made with the key, so that it is taken for nothing else.
const LABEL: &[u8] = b"stapel1 sync day";

/// Seconds of a day from which the moment is drawn.
const DRAWN_FROM: u64 = 23 * 3_600;

/// The moment on a day from which its message goes. `keys` is the folder of the partner's keys.
pub(super) fn moment(keys: &Path, day: Day) -> Result<Timestamp, Failure> {
    let path = keys.join("sync.key");
    if !path.exists() {
        let mut key = Zeroizing::new([0; 32]);
        super::super::refs::draw(&mut *key)?;
        files::replace(&path, &*key)?;
    }
    let key = Zeroizing::new(files::read_found(&path, 33)?);
    if key.len() != 32 {
        let finding = "sync.key is no key of 32 bytes: take it away, and another is drawn";
        return Err(Failure::new("key_file", finding));
    }
    Ok(moment_under(&key, day))
}

fn moment_under(key: &[u8], day: Day) -> Timestamp {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let drawn = hmac::sign(&key, &[LABEL, &day.0.to_be_bytes()].concat());
    let drawn = drawn.as_ref().iter().take(8).fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    Timestamp(day.start().0 + drawn % DRAWN_FROM)
}

/// The first day from `from` on whose run is not over of what comes after a hit, and from which moment of it on that
/// goes; `None` for a folder that no run serves.
pub(in crate::partner) fn next_talk(
    dir: &Path,
    keys: &Path,
    from: Day,
    today: Day,
) -> Result<Option<(Day, Timestamp)>, Failure> {
    if !dir.join("sync.json").exists() || !keys.join("sync.key").exists() {
        return Ok(None);
    }
    let has_gone = Record::read(dir, today)?.kept().talked == Some(today.0);
    let day = if has_gone { from.max(today.plus(1)) } else { from };
    Ok(Some((day, moment(keys, day)?)))
}

/// What was done, in a file that says no more than the broker saw: on which days.
pub(super) struct Record {
    path: PathBuf,
    kept: Kept,
}

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Kept {
    /// The last day whose message the broker has accepted.
    pub(super) delivered: Option<u16>,
    /// The day whose message is under way.
    pub(super) begun: Option<u16>,
    /// The last day on which the broker said where the partner stands.
    pub(super) status: Option<u16>,
    /// The last day on which own flags were asked about.
    pub(super) own: Option<u16>,
    /// The last day on which all was said and fetched of what comes after a hit.
    pub(super) talked: Option<u16>,
    /// The last day on which policies and certificates were fetched.
    pub(super) fetched: Option<u16>,
    /// The version of the policy that was in force at the broker then.
    pub(super) brokers_version: u32,
}

/// When the next message of a day goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Now, and for which day.
    Now(Day),
    /// Not before this.
    At(Timestamp),
    /// It has gone.
    Gone,
}

impl Record {
    /// Reads what was done with a partner's folder. What bears a day later than `today` was done under a clock that was
    /// wrong, and counts as not done: else nothing would be done until that day comes.
    pub(super) fn read(dir: &Path, today: Day) -> Result<Record, Failure> {
        let path = dir.join("sync.json");
        let mut kept = if path.exists() {
            let bytes = files::read_found(&path, 1 << 20)?;
            serde_json::from_slice(&bytes).map_err(|_| {
                let finding = "sync.json in the partner's folder was altered: take it away; the day's message may then \
                               go twice";
                Failure::new("sync_record", finding)
            })?
        } else {
            Kept::default()
        };
        let Kept { delivered, begun, status, own, talked, fetched, brokers_version: _ } = &mut kept;
        for day in [delivered, begun, status, own, talked, fetched] {
            *day = day.filter(|day| *day <= today.0);
        }
        Ok(Record { path, kept })
    }

    pub(super) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Changes it, on disk before anything is done by it.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Kept)) -> Result<(), Failure> {
        let mut kept = self.kept.clone();
        change(&mut kept);
        if kept != self.kept {
            files::replace(&self.path, serde_json::to_string(&kept).unwrap_or_default().as_bytes())?;
            self.kept = kept;
        }
        Ok(())
    }

    /// When the next message goes. That of a day that was missed goes at once; the first day is none that was missed.
    pub(super) fn due(&self, now: Timestamp, moment: Timestamp) -> Due {
        let today = now.day();
        match self.kept.delivered {
            Some(day) if day >= today.0 => Due::Gone,
            _ if now >= moment => Due::Now(today),
            Some(day) if day + 1 < today.0 => Due::Now(Day(today.0 - 1)),
            _ => Due::At(moment),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moment_is_of_the_day_alone_and_before_23_hours() {
        let moments: Vec<_> = (20_000..22_000).map(|day| moment_under(&[7; 32], Day(day))).collect();
        let of_day = |moment: &Timestamp| moment.0 % 86_400;
        assert!(moments.iter().zip(20_000..).all(|(moment, day)| moment.day() == Day(day) && of_day(moment) < 82_800));
        let [early, late] = [7_200, 75_600].map(|bound| moments.iter().filter(|moment| of_day(moment) < bound).count());
        assert!((120..230).contains(&early) && (1_770..1_880).contains(&late), "{early} {late}");
        assert_ne!(moment_under(&[8; 32], Day(20_000)), moments[0]);
        let keys = tempfile::tempdir().unwrap();
        let drawn = moment(keys.path(), Day(20_000)).ok().unwrap();
        assert_eq!(moment(keys.path(), Day(20_000)).ok(), Some(drawn), "it is drawn once");
    }

    #[test]
    fn what_people_did_goes_today_or_where_that_has_gone_tomorrow() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let from = |day| next_talk(dir, dir, Day(day), Day(100)).ok().unwrap();
        let next = || from(100);
        assert_eq!(next(), None);
        let today = moment(dir, Day(100)).ok().unwrap();
        assert_eq!(next(), None, "no run was there yet");
        let mut record = Record::read(dir, Day(100)).ok().unwrap();
        record.change(|kept| kept.talked = Some(99)).ok().unwrap();
        assert_eq!(next(), Some((Day(100), today)));
        record.change(|kept| kept.talked = Some(100)).ok().unwrap();
        assert_eq!(next(), Some((Day(101), moment(dir, Day(101)).ok().unwrap())));
        assert_eq!(from(102), Some((Day(102), moment(dir, Day(102)).ok().unwrap())), "what is to go later does");
    }

    #[test]
    fn a_day_has_one_message_and_one_that_was_missed_comes_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |day: u16, hour: u64| Timestamp(Day(day).start().0 + hour * 3_600);
        let due = |delivered: Option<u16>, hour| {
            let mut record = Record::read(folder.path(), Day(100)).ok().unwrap();
            record.change(|kept| kept.delivered = delivered).ok().unwrap();
            Record::read(folder.path(), Day(100)).ok().unwrap().due(at(100, hour), at(100, 12))
        };
        assert_eq!(due(None, 11), Due::At(at(100, 12)));
        assert_eq!(due(None, 12), Due::Now(Day(100)));
        assert_eq!(due(Some(99), 11), Due::At(at(100, 12)));
        assert_eq!(due(Some(99), 23), Due::Now(Day(100)));
        assert_eq!(due(Some(98), 11), Due::Now(Day(99)), "yesterday's was missed");
        assert_eq!(due(Some(98), 12), Due::Now(Day(100)), "and today's says it too");
        assert_eq!(due(Some(100), 23), Due::Gone);
        assert_eq!(due(Some(101), 23), Due::Now(Day(100)), "a clock was wrong, and nothing has gone today");
    }

    #[test]
    fn a_day_that_has_not_come_counts_as_not_done() {
        let folder = tempfile::tempdir().unwrap();
        let written = |day| Kept {
            delivered: Some(day),
            begun: Some(day),
            status: Some(day),
            own: Some(day),
            talked: Some(day),
            fetched: Some(day),
            brokers_version: 3,
        };
        let read = |day| {
            let text = serde_json::to_string(&written(day)).unwrap();
            std::fs::write(folder.path().join("sync.json"), text).unwrap();
            Record::read(folder.path(), Day(100)).ok().unwrap().kept
        };
        assert!(read(100) == written(100));
        assert!(read(101) == Kept { brokers_version: 3, ..Kept::default() });
    }
}
