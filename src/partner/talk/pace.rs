//! How much is sent: on each day as much, whatever there is to say.

use crate::codec::encode_fields;
use crate::day::{Day, Timestamp};

/// How often in one run a message is made anew that the broker no longer knows: after that it is another day's.
const MOST_STALE: u8 = 4;

/// Whether one run of messages of what comes after a hit goes on: [`Partner::talk`](crate::Partner::talk). How many
/// messages of the day have gone is in the folder.
#[derive(Clone, Copy, Debug, Default)]
pub struct TalkRun {
    stale: u8,
    is_over: bool,
    is_after_delivery: bool,
}

/// What was made today of what comes after a hit.
#[derive(Clone, Copy, Default)]
pub(crate) struct MadeToday {
    pub(crate) day: Day,
    /// When the broker had been restored last: since then the day's number begins anew.
    pub(crate) restored: Timestamp,
    /// Whether the message that puts forward was.
    pub(crate) put_forward: bool,
    pub(crate) exchanges: u8,
    /// The number of the last exchange that is counted.
    pub(crate) last: u64,
}

impl TalkRun {
    /// A run of a program that has had the day delivered before, whatever came of that. What is put forward waits for
    /// no flag in it: the day's messages are the same ones in the same order on each day.
    pub fn after_delivery() -> TalkRun {
        TalkRun { is_after_delivery: true, ..TalkRun::default() }
    }

    pub(crate) fn is_after_delivery(&self) -> bool {
        self.is_after_delivery
    }

    /// The next run of the same program.
    pub(crate) fn next(&self) -> TalkRun {
        TalkRun { is_after_delivery: self.is_after_delivery, ..TalkRun::default() }
    }

    /// Whether it ended with a message that was not accepted.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Nothing more is sent in it.
    pub(crate) fn end(&mut self) {
        self.is_over = true;
    }

    /// The broker knows a later message than the one that was sent: the next one is made anew.
    pub(crate) fn stale(&mut self) {
        self.stale = self.stale.saturating_add(1);
        self.is_over |= self.stale >= MOST_STALE;
    }
}

impl MadeToday {
    /// The same, or nothing where the day or the broker's last restore is a later one.
    pub(crate) fn on(self, day: Day, restored: Timestamp) -> MadeToday {
        if day <= self.day && restored <= self.restored {
            return self;
        }
        MadeToday { day: self.day.max(day), restored: self.restored.max(restored), ..MadeToday::default() }
    }

    /// Counts an exchange.
    pub(crate) fn exchanged(&mut self, number: u64) {
        (self.exchanges, self.last) = (self.exchanges.saturating_add(1), number);
    }

    /// A message was accepted, on that day by the broker's clock: it is one of that day's there, also where it was made
    /// before.
    pub(crate) fn accepted(&mut self, day: Day, restored: Timestamp, exchange: Option<u64>) {
        let sent = self.on(day, restored);
        let is_anew = (sent.day, sent.restored) != (self.day, self.restored);
        *self = sent;
        match exchange {
            Some(number) if is_anew || number > self.last => self.exchanged(number),
            None => self.put_forward = true,
            _ => {}
        }
    }
}

encode_fields! { MadeToday { day, restored, put_forward, exchanges, last } }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_counts_on_the_day_on_which_it_is_made_and_on_that_on_which_it_comes() {
        let mut sent = MadeToday::default().on(Day(9), Timestamp(0));
        sent.exchanged(7);
        sent.accepted(Day(9), Timestamp(0), Some(7));
        assert_eq!(sent.exchanges, 1, "it was counted");
        sent.accepted(Day(9), Timestamp(0), Some(8));
        assert_eq!(sent.exchanges, 2, "as where the folder is an old copy");
        sent.exchanged(9);
        sent.accepted(Day(10), Timestamp(0), Some(9));
        assert_eq!((sent.day, sent.exchanges), (Day(10), 1), "it came after midnight");
        sent.accepted(Day(10), Timestamp(0), None);
        assert!(sent.put_forward);
        sent.accepted(Day(10), Timestamp(5), Some(10));
        assert_eq!((sent.put_forward, sent.exchanges), (false, 1), "the broker was restored");
        assert_eq!(sent.on(Day(9), Timestamp(0)).exchanges, 1, "the clock went back");
    }
}
