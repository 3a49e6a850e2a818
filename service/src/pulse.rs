//! Whether what must go on goes on. A service lives while it gets things done, not while a timer of its runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one thing may take that is done again and again: a release of a large consortium, a call for many
/// addresses, or a wait for one. More than any that was measured takes, because who is taken for dead is killed.
const LONGEST: Duration = Duration::from_secs(900);

/// When something was done last. Clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Pulse(Arc<Mutex<Instant>>);

impl Default for Pulse {
    /// It was done now.
    fn default() -> Pulse {
        Pulse(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Pulse {
    /// It was done again.
    pub(crate) fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether it was done within the longest time that it may take.
    pub(crate) fn is_alive(&self, now: Instant) -> bool {
        now.saturating_duration_since(*self.0.lock().unwrap_or_else(PoisonError::into_inner)) <= LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_done_for_long_is_alive_again_once_it_is_done() {
        let begun = Instant::now();
        let pulse = Pulse(Arc::new(Mutex::new(begun)));
        assert!(pulse.is_alive(begun) && pulse.is_alive(begun + LONGEST));
        let late = begun + LONGEST + Duration::from_nanos(1);
        assert!(!pulse.is_alive(late));
        while Instant::now() == begun {}
        pulse.clone().beat();
        assert!(pulse.is_alive(late));
    }
}
