//! What time it is by what partners say: evidence for a clock that its caller is not sure of. SPEC.md 5.7.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::incoming::Sender;
use crate::day::Timestamp;
use crate::slug::Slug;

/// The latest date of an authenticated message of each organisation.
#[derive(Default)]
pub(super) struct Attested(Mutex<BTreeMap<Slug, Timestamp>>);

impl Attested {
    /// Notes the date of a message. One of a partner that is suspended counts for nothing: its key may be stolen.
    pub(super) fn note(&self, sender: &Sender, time: Timestamp) {
        if sender.statement.as_ref().is_none_or(|statement| statement.keys.is_none()) {
            return;
        }
        let mut dates = self.dates();
        match dates.get_mut(&sender.entry.organisation) {
            Some(latest) => *latest = time.max(*latest),
            None => drop(dates.insert(sender.entry.organisation.clone(), time)),
        }
    }

    /// The moment that messages of two organisations are dated at or after.
    pub(super) fn moment(&self) -> Timestamp {
        let mut dates: Vec<Timestamp> = self.dates().values().copied().collect();
        dates.sort_unstable();
        dates.iter().rev().nth(1).copied().unwrap_or_default()
    }

    fn dates(&self) -> MutexGuard<'_, BTreeMap<Slug, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
