//! A lock for each organisation: its partners' messages are handled one at a time, because they share its budgets, and
//! those of different organisations side by side.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::slug::Slug;

/// The organisations whose lock is held.
#[derive(Default)]
pub(super) struct OrganisationLocks {
    held: Mutex<BTreeSet<Slug>>,
    released: Condvar,
}

/// An organisation's lock, held until it is dropped.
pub(super) struct OrganisationLock<'a> {
    locks: &'a OrganisationLocks,
    organisation: Slug,
}

impl OrganisationLocks {
    /// Waits until no other thread holds the lock of `organisation`.
    pub(super) fn lock(&self, organisation: &Slug) -> OrganisationLock<'_> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while !held.insert(organisation.clone()) {
            held = self.released.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        OrganisationLock { locks: self, organisation: organisation.clone() }
    }
}

impl Drop for OrganisationLock<'_> {
    fn drop(&mut self) {
        self.locks.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.organisation);
        self.locks.released.notify_all();
    }
}
