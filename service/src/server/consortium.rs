//! A consortium that is served: its folder, and its broker, which is open as long as this is.

use std::path::PathBuf;
use std::sync::Arc;

use stapel::policy::Oin;
use stapel::{Broker, BrokerError, BrokerKeys, Clock, Slug, Threads};

/// The clock that each message is handled by.
pub type Now = Arc<dyn Fn() -> Clock + Send + Sync>;

/// A consortium that is served.
#[derive(Debug)]
pub struct Consortium {
    /// Its slug, by which requests name it.
    pub name: Slug,
    /// The broker's folder.
    pub folder: PathBuf,
    /// The folder of its keys.
    pub keys: PathBuf,
    /// The broker.
    pub broker: Broker,
}

impl Consortium {
    /// Opens the broker in `folder`.
    ///
    /// # Errors
    ///
    /// Those of [`Broker::open`] and [`BrokerKeys::open`].
    pub fn open(folder: PathBuf, keys: PathBuf, threads: Threads) -> Result<Consortium, BrokerError> {
        let broker = Broker::open(&folder, BrokerKeys::open(&keys)?)?.with_threads(threads);
        let name = broker.policy().policy().consortium.clone();
        Ok(Consortium { name, folder, keys, broker })
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
