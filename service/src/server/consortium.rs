//! A consortium that is served: its folder, and its broker, which is open as long as this is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use stapel::policy::Oin;
use stapel::{Broker, BrokerError, BrokerKeys, Slug, Threads};

use super::clock::ServiceClock;
use super::dates::TlsDates;
use crate::pulse::Pulse;

/// A consortium that is served.
#[derive(Debug)]
pub struct Consortium {
    /// Its slug, by which requests name it.
    pub name: Slug,
    /// The broker's folder.
    pub folder: PathBuf,
    /// The folder of its keys.
    pub keys: PathBuf,
    /// The broker, which holds the folder's lock.
    pub broker: Broker,
    /// What time it is: for all that the broker is asked to do. Each consortium has one of its own, because the
    /// evidence for a clock that was set is what its own partners say.
    pub clock: Arc<ServiceClock>,
    /// When the certificates and revocation lists end of the places where it is served; none, where a program of one's
    /// own serves it.
    pub dates: Arc<TlsDates>,
    /// Beats with every turn of its schedule.
    pub(super) pulse: Pulse,
}

impl Consortium {
    /// Opens the broker in `folder`, of which the policy names the consortium.
    ///
    /// # Errors
    ///
    /// Those of [`Broker::open`] and [`BrokerKeys::open`].
    pub fn open(
        folder: PathBuf,
        keys: PathBuf,
        threads: Threads,
        clock: Arc<ServiceClock>,
    ) -> Result<Consortium, BrokerError> {
        let broker = Broker::open(&folder, BrokerKeys::open(&keys)?)?.with_threads(threads);
        let name = broker.policy().policy().consortium.clone();
        Ok(Consortium { name, folder, keys, broker, clock, dates: Arc::default(), pulse: Pulse::default() })
    }

    /// What to say where no broker was ever made in a folder. What is missing else, the broker says.
    pub(super) fn not_made(folder: &Path) -> Option<&'static str> {
        let is_missing = matches!(folder.join("store").try_exists(), Ok(false));
        is_missing.then_some("no broker is in this folder: make it with stapel broker init, or name the folder of one")
    }

    /// The organisations whose partners connect with this OIN under the policy in force.
    pub fn organisations_of(&self, oin: &Oin) -> Vec<Slug> {
        self.broker.inspect_policy(|signed| {
            let organisations = signed.policy().organisations.iter();
            organisations.filter(|one| one.tls_oins.contains(oin)).map(|one| one.slug.clone()).collect()
        })
    }

    /// The organisation of a partner of the policy in force.
    pub fn organisation_of(&self, partner: u16) -> Option<Slug> {
        self.broker.inspect_policy(|signed| signed.policy().partner(partner).map(|one| one.organisation.clone()))
    }
}
