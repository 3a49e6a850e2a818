//! A lock for each partner: its messages are handled one at a time, and those of different partners side by side.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};

/// The partners whose lock is held.
#[derive(Default)]
pub(super) struct PartnerLocks {
    held: Mutex<BTreeSet<u16>>,
    released: Condvar,
}

/// A partner's lock, held until it is dropped.
pub(super) struct PartnerLock<'a> {
    locks: &'a PartnerLocks,
    partner: u16,
}

impl PartnerLocks {
    /// Waits until no other thread holds the lock of `partner`.
    pub(super) fn lock(&self, partner: u16) -> PartnerLock<'_> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while !held.insert(partner) {
            held = self.released.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        PartnerLock { locks: self, partner }
    }
}

impl Drop for PartnerLock<'_> {
    fn drop(&mut self) {
        self.locks.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.partner);
        self.locks.released.notify_all();
    }
}
