//! The tables `[pages]` of a partner's configuration file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::file::{address, all_filled, filled};

/// Where people find a partner's pages, and how they sign in. docs/pages.md.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PagesSettings {
    /// Where it listens: an address of this machine alone, or any with a certificate and a key.
    #[serde(deserialize_with = "address")]
    pub listen: Option<SocketAddr>,
    /// What people type, without a path: `https://stapel.example.nl`. On a loopback address it may be left out, and is
    /// `http://localhost` with the port.
    #[serde(deserialize_with = "filled")]
    pub url: Option<String>,
    /// A file in PEM with the TLS certificate, and those between it and the authority after it.
    #[serde(deserialize_with = "filled")]
    pub certificate: Option<PathBuf>,
    /// A file in PEM with the certificate's private key.
    #[serde(deserialize_with = "filled")]
    pub key: Option<PathBuf>,
    /// After so many minutes without a request somebody signs in anew. 15 where it is left out.
    pub idle_minutes: Option<u16>,
    /// So many hours after signing in somebody signs in anew. 10 where it is left out.
    pub longest_hours: Option<u16>,
    /// The one user, where the policy allows that there is no provider.
    #[serde(deserialize_with = "filled")]
    pub user: Option<String>,
    /// The file of the token that the one user types.
    #[serde(deserialize_with = "filled")]
    pub token: Option<PathBuf>,
    /// Where people sign in.
    pub provider: Option<ProviderSettings>,
    /// What of the provider's claims lets people do what.
    pub may: MaySettings,
}

/// An OpenID Connect provider.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ProviderSettings {
    /// Its issuer, as its discovery document has it.
    pub issuer: String,
    /// What it calls these pages.
    pub client_id: String,
    /// The file of the client's secret.
    #[serde(deserialize_with = "filled")]
    pub secret: Option<PathBuf>,
    /// Files in PEM with the authorities by which it is known. Where it is left out, those of the system.
    #[serde(deserialize_with = "all_filled")]
    pub ca: Vec<PathBuf>,
    /// The proxy to it, such as `http://proxy.example.nl:3128`. Without it none is used.
    #[serde(deserialize_with = "filled")]
    pub proxy: Option<String>,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that says who somebody is, for the journal. `sub` where it is left out.
    #[serde(deserialize_with = "filled")]
    pub who: Option<String>,
}

/// A proxy may have a password in it.
impl std::fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ProviderSettings { issuer, client_id, .. } = self;
        f.debug_struct("ProviderSettings").field("issuer", issuer).field("client_id", client_id).finish_non_exhaustive()
    }
}

/// The claim that says what somebody may, and which of its values let people do what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct MaySettings {
    /// The claim: its name, or the names on the way to it with a dot between.
    #[serde(deserialize_with = "filled")]
    pub claim: Option<String>,
    /// Values with which somebody sees what is flagged and what came of it.
    #[serde(deserialize_with = "all_filled")]
    pub look: Vec<String>,
    /// Values with which somebody flags, withdraws and renews.
    #[serde(deserialize_with = "all_filled")]
    pub flag: Vec<String>,
    /// Values with which somebody puts forward, answers and writes to others.
    #[serde(deserialize_with = "all_filled")]
    pub meet: Vec<String>,
    /// Values with which somebody sees what others did: the privacy officer.
    #[serde(deserialize_with = "all_filled")]
    pub officer: Vec<String>,
}

impl PagesSettings {
    /// The same, with its paths taken from this folder.
    pub(super) fn in_folder(mut self, folder: &Path) -> PagesSettings {
        let PagesSettings { certificate, key, token, provider, .. } = &mut self;
        let own = [certificate, key, token].into_iter().flatten();
        let providers = provider.iter_mut().flat_map(|provider| provider.secret.iter_mut().chain(&mut provider.ca));
        for path in own.chain(providers) {
            *path = folder.join(&*path);
        }
        self
    }
}
