//! A consortium while it is served: what is due is done on time, and its operator's commands are taken.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use arc_swap::ArcSwap;

use super::consortium::Consortium;
use super::logboek;
#[cfg(unix)]
use super::operator::{self, Sockets};
use super::run::{Environment, ServeError};
use super::schedule::{self, Stop};
use crate::logboek::Collector;

/// Ends with what it does for the consortium, after what is under way of it.
pub(super) struct Upkept {
    pub(super) consortium: Arc<Consortium>,
    #[cfg(unix)]
    sockets: Option<Sockets>,
    stop: Stop,
    schedule: Option<JoinHandle<()>>,
    sending: Option<JoinHandle<()>>,
}

impl Upkept {
    /// One for which nothing is done yet: who opened a broker and then cannot serve it leaves its status as it was.
    pub(super) fn new(consortium: Consortium) -> Upkept {
        Upkept {
            consortium: Arc::new(consortium),
            #[cfg(unix)]
            sockets: None,
            stop: Stop::default(),
            schedule: None,
            sending: None,
        }
    }

    /// The broker's folder and that of its keys, by which a configuration names it.
    pub(super) fn folders(&self) -> (PathBuf, PathBuf) {
        (self.consortium.folder.clone(), self.consortium.keys.clone())
    }

    /// Begins with it, where that was not done.
    pub(super) fn begin(
        &mut self,
        runtime_folder: &Path,
        environment: &Environment,
        collector: Option<&Arc<ArcSwap<Collector>>>,
    ) -> Result<(), ServeError> {
        if self.schedule.is_some() {
            return Ok(());
        }
        #[cfg(unix)]
        if let Some(perform) = &environment.operator {
            let refuse = |error| ServeError::Listen { place: stapel::shown_path(runtime_folder).to_string(), error };
            let listening = operator::listen(&self.consortium, runtime_folder, Arc::clone(perform));
            self.sockets = Some(listening.map_err(refuse)?);
        }
        if let Some(collector) = collector {
            let sending = logboek::start(Arc::clone(&self.consortium), Arc::clone(collector), self.stop.clone())?;
            self.sending = Some(sending);
        }
        self.consortium.pulse.beat();
        self.schedule = Some(schedule::start(Arc::clone(&self.consortium), self.stop.clone())?);
        Ok(())
    }

    /// Tells its schedule, and what sends its log to a Logboek, to end.
    pub(super) fn tell_to_stop(&self) {
        self.stop.stop();
    }

    /// Whether its schedule goes on.
    pub(super) fn is_alive(&self, now: Instant) -> bool {
        self.schedule.as_ref().is_some_and(|schedule| !schedule.is_finished()) && self.consortium.pulse.is_alive(now)
    }
}

impl Drop for Upkept {
    fn drop(&mut self) {
        #[cfg(unix)]
        drop(self.sockets.take());
        self.stop.stop();
        // It catches its own panics, and notes them.
        let _ = self.schedule.take().map(JoinHandle::join);
        let _ = self.sending.take().map(JoinHandle::join);
    }
}
