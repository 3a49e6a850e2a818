//! TLS as spec/carrier.md 5 has it, from the files that `broker.toml` names.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};
use stapel::shown_path;

use super::config::Tls;
use super::dates::{FileCertificate, FileDates, RevocationList};
use super::run::ServeError;

/// What is wrong with a file of TLS, and what to do.
pub(super) type Finding = String;

/// What could be read of the files.
pub(super) struct TlsFiles {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: Option<PrivateKeyDer<'static>>,
    pub(super) client_ca: Vec<(PathBuf, CertificateDer<'static>)>,
    pub(super) crls: Vec<(PathBuf, CertificateRevocationListDer<'static>)>,
}

impl TlsFiles {
    /// Reads them, with all that is wrong with them.
    pub(super) fn read(tls: &Tls) -> (TlsFiles, Vec<Finding>) {
        let mut findings = Vec::new();
        // A file that broker.toml does not name was found missing before.
        let is_named = |path: &Path| !path.as_os_str().is_empty();
        let chain = is_named(&tls.certificate).then(|| certificates(&tls.certificate)).transpose();
        let chain = chain.map(Option::unwrap_or_default).unwrap_or_else(|finding| note(&mut findings, finding));
        let key = is_named(&tls.key).then(|| private_key(&tls.key)).transpose();
        let key = key.unwrap_or_else(|finding| note(&mut findings, finding));
        let mut client_ca = Vec::new();
        for path in &tls.client_ca {
            let read = certificates(path).unwrap_or_else(|finding| note(&mut findings, finding));
            client_ca.extend(read.into_iter().map(|one| (path.clone(), one)));
        }
        let mut crls = Vec::new();
        for path in &tls.crls {
            let lists = revocation_lists(path).unwrap_or_else(|finding| note(&mut findings, finding));
            crls.extend(lists.into_iter().map(|list| (path.clone(), list)));
        }
        (TlsFiles { chain, key, client_ca, crls }, findings)
    }

    /// When its certificates end, the own ones and the authorities', and when its lists are outdated.
    pub(super) fn dates(&self, tls: &Tls) -> FileDates {
        let of_chain = self.chain.iter().map(|one| (&tls.certificate, one));
        let of_authorities = self.client_ca.iter().map(|(path, one)| (path, one));
        let certificates = of_chain.chain(of_authorities);
        FileDates {
            certificates: certificates.filter_map(|(path, der)| FileCertificate::new(path, der)).collect(),
            lists: self.crls.iter().map(|(path, list)| RevocationList::new(path, list)).collect(),
        }
    }

    /// What is wrong with what could be read, taken together.
    pub(super) fn findings(&self, tls: &Tls) -> Vec<Finding> {
        let provider = Arc::new(ring::default_provider());
        let pair = if self.chain.is_empty() { None } else { self.pair(&provider, tls).err() };
        let verifier = if self.client_ca.is_empty() { None } else { self.verifier(&provider, tls).err() };
        pair.into_iter().flatten().chain(verifier).collect()
    }

    /// The certificate with its key; the error is none where there is no key, as whoever read it was told.
    fn pair(&self, provider: &CryptoProvider, tls: &Tls) -> Result<CertifiedKey, Option<Finding>> {
        let key = self.key.as_ref().ok_or(None)?.clone_key();
        CertifiedKey::from_der(self.chain.clone(), key, provider).map_err(|error| {
            let (certificate, key) = (shown_path(&tls.certificate), shown_path(&tls.key));
            Some(format!("{key} is not the key of {certificate}, or one of them is of no use: {error}"))
        })
    }

    /// The configuration that they make.
    fn server_config(&self, tls: &Tls) -> Result<Arc<ServerConfig>, Vec<Finding>> {
        // Its suites and groups are those of the carrier: AES-GCM and ChaCha20, x25519, secp256r1 and secp384r1.
        let provider = Arc::new(ring::default_provider());
        let (Ok(pair), Ok(verifier)) = (self.pair(&provider, tls), self.verifier(&provider, tls)) else {
            return Err(self.findings(tls));
        };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| vec![error.to_string()])?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
        config.require_ems = true;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
        tls: &Tls,
    ) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, Finding> {
        let mut roots = RootCertStore::empty();
        for (path, authority) in &self.client_ca {
            let refuse = |error| format!("an authority in {} is of no use: {error}", shown_path(path));
            roots.add(authority.clone()).map_err(refuse)?;
        }
        let names = || tls.client_ca.iter().map(|path| shown_path(path).to_string()).collect::<Vec<_>>().join(", ");
        // Lists need not be there of every authority. An outdated one still says what was revoked: refusing all whom it
        // does not name would stop the service whenever an authority is late. The status and the log say it.
        WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
            .with_crls(self.crls.iter().map(|(_, list)| list.clone()))
            .allow_unknown_revocation_status()
            .build()
            .map_err(|error| format!("the authorities in {} and their revocation lists: {error}", names()))
    }
}

impl Tls {
    /// The configuration of a server whose TLS is as spec/carrier.md 5 has it, for programs that take connections by
    /// themselves.
    ///
    /// # Errors
    ///
    /// [`ServeError::Tls`], with everything that is wrong with the files.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, ServeError> {
        load(self).map(|(config, _)| config).map_err(ServeError::Tls)
    }
}

/// The configuration that the files make, with their dates, or everything that is wrong with them.
pub(super) fn load(tls: &Tls) -> Result<(Arc<ServerConfig>, FileDates), Vec<Finding>> {
    let (files, findings) = TlsFiles::read(tls);
    if !findings.is_empty() {
        return Err(findings);
    }
    Ok((files.server_config(tls)?, files.dates(tls)))
}

fn note<T: Default>(findings: &mut Vec<Finding>, finding: Finding) -> T {
    findings.push(finding);
    T::default()
}

/// A private key, which not every user of the machine may read: a partner refuses such a key too.
fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Finding> {
    let refuse = |error| format!("{} is no private key in PEM that can be read: {error}", shown_path(path));
    let key = PrivateKeyDer::from_pem_file(path).map_err(refuse)?;
    match std::fs::metadata(path) {
        Ok(there) if there.permissions().mode() & 0o007 != 0 => {
            Err(format!("{}: every user of this machine can read it: chmod 600", shown_path(path)))
        }
        _ => Ok(key),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Finding> {
    let refuse = |error| format!("{} has no certificates in PEM that can be read: {error}", shown_path(path));
    let read = CertificateDer::pem_file_iter(path).and_then(|all| all.collect::<Result<Vec<_>, _>>());
    let read = read.map_err(refuse)?;
    if read.is_empty() {
        return Err(format!("{} has no certificate in PEM", shown_path(path)));
    }
    Ok(read)
}

fn revocation_lists(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, Finding> {
    let bytes = std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", shown_path(path)))?;
    if !bytes.starts_with(b"-----") {
        return Ok(vec![CertificateRevocationListDer::from(bytes)]);
    }
    let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
    let refuse = |error| format!("{} has no revocation lists that can be read: {error}", shown_path(path));
    let lists = lists.map_err(refuse)?;
    if lists.is_empty() {
        // As where a certificate was put in its place: nothing would count as revoked.
        return Err(format!("{} has no revocation list in PEM (X509 CRL)", shown_path(path)));
    }
    Ok(lists)
}
