//! What a server tells systemd, where that listens.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Interval, interval};

pub(crate) fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd could not be told");
    }
}

/// That what it serves is read again.
pub(crate) fn tell_reloading() {
    let mut states = vec![NotifyState::Reloading];
    states.extend(NotifyState::monotonic_usec_now());
    tell(&states);
}

/// When it is to be told that the server lives: twice in the time that it waits, or about never.
pub(crate) fn watchdog() -> Interval {
    interval(sd_notify::watchdog_enabled().map_or(Duration::from_secs(86_400), |time| time / 2))
}

/// Tells it that the server lives, where that is so.
pub(crate) fn tell_alive(is_alive: bool) {
    match is_alive {
        true => tell(&[NotifyState::Watchdog]),
        false => tracing::error!("what must go on has done nothing for long: systemd is not told that it lives"),
    }
}
