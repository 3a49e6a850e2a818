//! Certificates of a test's own authority, and TLS with them.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use stapel::Day;
use stapel_demo::certificates;
pub(crate) use stapel_demo::certificates::Identity;

/// An authority.
pub(crate) struct Authority(certificates::Authority);

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        // Before any time that a test gives, and that the machine's clock may show.
        Authority(certificates::Authority::new(name, Day::from_ymd(2000, 1, 1).unwrap().start()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate with these in its subject's `serialNumber`, for these hosts.
    pub(crate) fn identity(&self, numbers: &[&str], hosts: &[&str]) -> Identity {
        self.identity_until(numbers, hosts, 2149)
    }

    pub(crate) fn identity_until(&self, numbers: &[&str], hosts: &[&str], year: i32) -> Identity {
        self.0.identity(numbers, hosts, Day::from_ymd(year, 1, 1).unwrap().start()).unwrap()
    }

    /// A list of what was revoked.
    pub(crate) fn crl(&self, serials: &[u64]) -> String {
        self.crl_until(serials, (2149, 1, 1))
    }

    /// One whose next is announced for a day.
    pub(crate) fn crl_until(&self, serials: &[u64], (year, month, day): (i32, u8, u8)) -> String {
        self.0.crl(serials, Day::from_ymd(year, month, day).unwrap().start()).unwrap()
    }

    /// A client that trusts this authority, with a certificate or without.
    pub(crate) fn client(&self, identity: Option<&Identity>) -> Arc<ClientConfig> {
        self.client_of(&[&TLS13, &TLS12], identity)
    }

    /// One of these versions of TLS.
    pub(crate) fn client_of(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        identity: Option<&Identity>,
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem().as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { chain, key, .. }) => {
                let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).map(Result::unwrap).collect();
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
            }
        };
        Arc::new(config)
    }
}
