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
    last: u64,
    rejected: BTreeMap<Code, u32>,
}

impl UnauthenticatedTraffic {
    /// Counts a message. Gives the line of the minute before, if that is over.
    pub(super) fn count(&self, now: Timestamp, code: Code) -> Option<Event> {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = minute.take_if_over(now);
        minute.starts = now.0 - now.0 % 60;
        minute.last = now.0;
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
        minute.take().map(|event| (Timestamp(minute.last), event))
    }
}

impl Minute {
    fn take_if_over(&mut self, now: Timestamp) -> Option<Event> {
        if now.0 - now.0 % 60 == self.starts { None } else { self.take() }
    }

    fn take(&mut self) -> Option<Event> {
        let rejected = std::mem::take(&mut self.rejected);
        (!rejected.is_empty()).then_some(Event::Unauthenticated { minute: Timestamp(self.starts), rejected })
    }
}
