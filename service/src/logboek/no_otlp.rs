//! In the place of what sends records, where the program is built without it.

use std::convert::Infallible;

use stapel::audit::ProcessingRecord;

use super::settings::{LogboekError, LogboekSettings};

/// There is none.
#[derive(Debug)]
pub struct Collector(Infallible);

impl Collector {
    /// Refuses.
    ///
    /// # Errors
    ///
    /// [`LogboekError::NotBuilt`], always.
    pub fn new(_: &LogboekSettings) -> Result<Collector, LogboekError> {
        Err(LogboekError::NotBuilt)
    }

    /// The URI of the processing activity.
    pub fn activity(&self) -> &str {
        match self.0 {}
    }

    /// Sends records.
    ///
    /// # Errors
    ///
    /// None: nobody has one of these.
    pub fn send(&self, _: &[ProcessingRecord]) -> Result<(), LogboekError> {
        match self.0 {}
    }
}
