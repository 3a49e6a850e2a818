//! Counts messages whose sender was not authenticated: one log line a minute, so that a stranger cannot fill the log.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::audit::Event;
use crate::day::Timestamp;
use crate::message::Code;

/// The counts of the current minute.
#[derive(Default)]
pub(super) struct UnauthenticatedTraffic(Mutex<Minute>);

#[derive(Default)]
struct Minute {
    starts: u64,
    /// When the last of the messages came.
    last: Timestamp,
    rejected: BTreeMap<Code, u32>,
}

impl UnauthenticatedTraffic {
    /// Counts a message. Gives the line of the minute before, if that is over.
    pub(super) fn count(&self, now: Timestamp, code: Code) -> Option<Event> {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = minute.take_if_over(now);
        if minute.rejected.is_empty() {
            minute.starts = now.0 - now.0 % 60;
        }
        minute.last = minute.last.max(now);
        let count = minute.rejected.entry(code).or_default();
        *count = count.saturating_add(1);
        over
    }

    /// The line of the minute that was counted last, if it is over.
    pub(super) fn take_if_over(&self, now: Timestamp) -> Option<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take_if_over(now)
    }

    /// The line of a minute that the end of the process cuts short, and when the last message came.
    pub(super) fn take_rest(&mut self) -> Option<(Timestamp, Event)> {
        let minute = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        minute.take().map(|event| (minute.last, event))
    }
}

impl Minute {
    /// A thread that read the clock in the minute before does not end this one.
    fn take_if_over(&mut self, now: Timestamp) -> Option<Event> {
        if now.since(Timestamp(self.starts)) < 60 { None } else { self.take() }
    }

    fn take(&mut self) -> Option<Event> {
        let rejected = std::mem::take(&mut self.rejected);
        (!rejected.is_empty()).then_some(Event::Unauthenticated { minute: Timestamp(self.starts), rejected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_come_late_at_a_turn_of_the_minute_have_no_line_of_their_own() {
        let counted = UnauthenticatedTraffic::default();
        let lines = [59, 61, 58, 62, 59].map(|now| counted.count(Timestamp(now), Code::Malformed));
        assert_eq!(lines.iter().flatten().count(), 1, "{lines:?}");
        let Some(Event::Unauthenticated { minute, rejected }) = counted.take_if_over(Timestamp(120)) else {
            panic!("no line")
        };
        assert_eq!((minute, rejected[&Code::Malformed]), (Timestamp(60), 4));
    }
}
