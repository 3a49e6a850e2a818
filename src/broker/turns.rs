//! One message of a partner at a time; messages of different partners do not wait for each other.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};

/// Which partners have a message under way.
#[derive(Default)]
pub(super) struct Turns {
    busy: Mutex<BTreeSet<u16>>,
    done: Condvar,
}

/// A partner's turn, until it is dropped.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    partner: u16,
}

impl Turns {
    /// Waits until no other message of `partner` is under way.
    pub(super) fn take(&self, partner: u16) -> Turn<'_> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        while !busy.insert(partner) {
            busy = self.done.wait(busy).unwrap_or_else(PoisonError::into_inner);
        }
        Turn { turns: self, partner }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.partner);
        self.turns.done.notify_all();
    }
}
