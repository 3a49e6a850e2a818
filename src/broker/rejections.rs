//! How many messages were rejected since the broker was opened, by code.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::message::Code;

/// Counts of rejections, by code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejected {
    /// Of messages whose sender was authenticated.
    pub authenticated: BTreeMap<Code, u64>,
    /// Of the others: of strangers, and of partners whose keys or policy are not those in force.
    pub unauthenticated: BTreeMap<Code, u64>,
}

/// The counts so far.
#[derive(Default)]
pub(super) struct Rejections(Mutex<Rejected>);

impl Rejections {
    pub(super) fn count(&self, code: Code) {
        self.change(|rejected| *rejected.authenticated.entry(code).or_default() += 1);
    }

    pub(super) fn count_unauthenticated(&self, code: Code) {
        self.change(|rejected| *rejected.unauthenticated.entry(code).or_default() += 1);
    }

    pub(super) fn so_far(&self) -> Rejected {
        self.change(|rejected| rejected.clone())
    }

    fn change<T>(&self, change: impl FnOnce(&mut Rejected) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
