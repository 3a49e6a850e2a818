//! TLS as spec/carrier.md 5 has it, from the files that `broker.toml` names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};
use stapel::shown_path;

use arc_swap::ArcSwap;
use stapel::Timestamp;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use super::config::Tls;
use super::run::ServeError;

/// What is wrong with a file of TLS, and what to do.
pub(super) type Finding = String;

/// What the files hold.
pub(super) struct TlsFiles {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) client_ca: Vec<CertificateDer<'static>>,
    pub(super) crls: Vec<(PathBuf, CertificateRevocationListDer<'static>)>,
}

impl TlsFiles {
    /// Reads them; everything that is wrong.
    pub(super) fn read(tls: &Tls) -> Result<TlsFiles, Vec<Finding>> {
        let mut findings = Vec::new();
        let chain = certificates(&tls.certificate).unwrap_or_else(|finding| note(&mut findings, finding));
        let key = PrivateKeyDer::from_pem_file(&tls.key)
            .map_err(|error| format!("{} is no private key in PEM that can be read: {error}", shown_path(&tls.key)));
        let mut client_ca = Vec::new();
        for path in &tls.client_ca {
            client_ca.extend(certificates(path).unwrap_or_else(|finding| note(&mut findings, finding)));
        }
        let mut crls = Vec::new();
        for path in &tls.crls {
            let lists = revocation_lists(path).unwrap_or_else(|finding| note(&mut findings, finding));
            crls.extend(lists.into_iter().map(|list| (path.clone(), list)));
        }
        match key {
            Ok(key) if findings.is_empty() => Ok(TlsFiles { chain, key, client_ca, crls }),
            Ok(_) => Err(findings),
            Err(finding) => {
                findings.push(finding);
                Err(findings)
            }
        }
    }

    /// The configuration that they make.
    pub(super) fn server_config(self, tls: &Tls) -> Result<Arc<ServerConfig>, Finding> {
        // Its suites and groups are those of the carrier: AES-GCM and ChaCha20, x25519, secp256r1 and secp384r1.
        let provider = Arc::new(ring::default_provider());
        let verifier = self.verifier(&provider, tls)?;
        let of_pair = |error| {
            let (certificate, key) = (shown_path(&tls.certificate), shown_path(&tls.key));
            format!("{key} is not the key of {certificate}, or one of them is of no use: {error}")
        };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| error.to_string())?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain, self.key)
            .map_err(of_pair)?;
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
        let names = || tls.client_ca.iter().map(|path| shown_path(path).to_string()).collect::<Vec<_>>().join(", ");
        let mut roots = RootCertStore::empty();
        for authority in &self.client_ca {
            let refuse = |error| format!("an authority in {} is of no use: {error}", names());
            roots.add(authority.clone()).map_err(refuse)?;
        }
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

/// The configuration that the files make, with their revocation lists, or everything that is wrong with them.
pub(super) fn load(tls: &Tls) -> Result<(Arc<ServerConfig>, Vec<RevocationList>), Vec<Finding>> {
    let files = TlsFiles::read(tls)?;
    let lists = files.crls.iter().map(|(path, list)| RevocationList::new(path, list)).collect();
    Ok((files.server_config(tls).map_err(|finding| vec![finding])?, lists))
}

/// What is said of a revocation list.
#[derive(Clone, Debug)]
pub(super) struct RevocationList {
    path: PathBuf,
    /// When its authority makes the next; `None` where it does not say.
    next: Option<Timestamp>,
}

impl RevocationList {
    pub(super) fn new(path: &Path, list: &[u8]) -> RevocationList {
        let parsed = CertificateRevocationList::from_der(list).ok();
        let next = parsed.and_then(|(_, list)| list.next_update());
        let next = next.and_then(|time| u64::try_from(time.timestamp()).ok()).map(Timestamp);
        RevocationList { path: path.to_owned(), next }
    }

    /// What to say where it is outdated.
    pub(super) fn outdated(&self, now: Timestamp) -> Option<Finding> {
        let next = self.next.filter(|next| *next < now)?;
        let path = shown_path(&self.path);
        Some(format!(
            "{path} is outdated since {next}, so that later revocations are not seen: fetch the authority's latest, \
             and reload"
        ))
    }
}

/// The revocation lists by which connections are taken now.
#[derive(Debug, Default)]
pub struct RevocationLists(ArcSwap<Vec<RevocationList>>);

impl RevocationLists {
    pub(super) fn replace(&self, lists: impl Iterator<Item = RevocationList>) {
        self.0.store(Arc::new(lists.collect()));
    }

    /// What to say of those that are outdated.
    pub(super) fn outdated(&self, now: Timestamp) -> Vec<Finding> {
        let mut findings: Vec<_> = self.0.load().iter().filter_map(|list| list.outdated(now)).collect();
        findings.sort();
        findings.dedup();
        findings
    }
}

fn note<T: Default>(findings: &mut Vec<Finding>, finding: Finding) -> T {
    findings.push(finding);
    T::default()
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
