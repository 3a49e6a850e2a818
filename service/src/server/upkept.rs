//! A consortium while it is served: what is due is done on time, and its operator's commands are taken.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::consortium::Consortium;
#[cfg(unix)]
use super::operator::{self, Sockets};
use super::run::{Environment, ServeError};
use super::schedule::{self, Stop};

/// Ends with what it does for the consortium, after what is under way of it.
pub(super) struct Upkept {
    pub(super) consortium: Arc<Consortium>,
    #[cfg(unix)]
    sockets: Option<Sockets>,
    stop: Stop,
    schedule: Option<JoinHandle<()>>,
}

impl Upkept {
    pub(super) fn begin(
        consortium: Consortium,
        runtime_folder: &Path,
        environment: &Environment,
    ) -> Result<Upkept, ServeError> {
        let consortium = Arc::new(consortium);
        #[cfg(unix)]
        let sockets = match &environment.operator {
            None => None,
            Some(perform) => {
                Some(operator::listen(&consortium, runtime_folder, Arc::clone(perform)).map_err(|error| {
                    ServeError::Listen { place: stapel::shown_path(runtime_folder).to_string(), error }
                })?)
            }
        };
        let stop = Stop::default();
        let schedule = Some(schedule::start(Arc::clone(&consortium), stop.clone())?);
        Ok(Upkept {
            consortium,
            #[cfg(unix)]
            sockets,
            stop,
            schedule,
        })
    }
}

impl Drop for Upkept {
    fn drop(&mut self) {
        #[cfg(unix)]
        drop(self.sockets.take());
        self.stop.stop();
        // It catches its own panics, and notes them.
        let _ = self.schedule.take().map(JoinHandle::join);
    }
}
