//! TLS of the pages: a certificate that browsers know, and no certificate of whoever comes.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};

use super::setup::PagesError;

pub(super) fn config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, PagesError> {
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| PagesError::of_file(certificate, format!("cannot read it: {error}")))?;
    if chain.is_empty() {
        return Err(PagesError::of_file(certificate, "there is no certificate in PEM in it"));
    }
    let unread = |error: std::io::Error| PagesError::of_file(key, format!("cannot read it: {error}"));
    if std::fs::metadata(key).map_err(unread)?.permissions().mode() & 0o007 != 0 {
        return Err(PagesError::of_file(key, "every user of this machine can read it: chmod 600"));
    }
    let none = |_| PagesError::of_file(key, "there is no private key in PEM in it, or it has a password");
    let private = PrivateKeyDer::from_pem_file(key).map_err(none)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private));
    let unusable = |error| PagesError::of_file(key, format!("it is not the certificate's, or of no use: {error}"));
    let mut config = config.map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
