//! TLS certificates for trying, of an authority that is made for it: of a broker, and of the organisations that reach
//! it. In earnest they are PKIoverheid's: docs/connect.md.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use stapel::Timestamp;
use stapel::policy::Policy;

use crate::error::{DemoError, Result};

/// How long they hold, in seconds: a year.
const HOLDS: u64 = 366 * 86_400;

/// From when, in seconds before they are made: clocks differ.
const BEFORE: u64 = 86_400;

/// The names of the machine that they are tried on, besides the hosts of the policy's addresses.
const THIS_MACHINE: [&str; 2] = ["localhost", "127.0.0.1"];

/// Writes what a policy's broker and its organisations connect with into a new folder: `ca.pem` and `ca.crl`, the
/// authority and its empty revocation list; `server.pem` and `server.key`, the broker's; and for each organisation
/// `client-SLUG.pem` and `client-SLUG.key`. The files, in that order. They hold for a year by the machine's clock, by
/// which TLS goes. The authority's own key is not kept, so that nobody makes more of them.
///
/// # Errors
///
/// [`DemoError::NotForTests`] where the policy is none; [`DemoError::Failed`] where the system makes no keys;
/// [`DemoError::File`] where the folder is there already, or a file cannot be written.
pub fn write(folder: &Path, policy: &Policy) -> Result<Vec<PathBuf>> {
    if !policy.test {
        return Err(DemoError::NotForTests);
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let until = Timestamp(now.saturating_add(HOLDS));
    let from = Timestamp(now.saturating_sub(BEFORE));
    let authority = Authority::new("For trying Stapel, and for nothing else", from)?;
    let mut hosts: Vec<&str> = policy.operator.addresses.iter().map(|address| host(address)).collect();
    hosts.extend(THIS_MACHINE);
    hosts.sort_unstable();
    hosts.dedup();
    let server = authority.identity(&[], &hosts, until)?;
    let mut files = vec![
        ("ca.pem".to_owned(), authority.pem()),
        ("ca.crl".to_owned(), authority.crl(&[], until)?),
        ("server.pem".to_owned(), server.chain),
        ("server.key".to_owned(), server.key),
    ];
    for organisation in &policy.organisations {
        let oins: Vec<_> = organisation.tls_oins.iter().take(1).map(|oin| oin.as_str()).collect();
        let client = authority.identity(&oins, &[], until)?;
        files.push((format!("client-{}.pem", organisation.slug), client.chain));
        files.push((format!("client-{}.key", organisation.slug), client.key));
    }
    std::fs::create_dir(folder).map_err(DemoError::file("create the folder", folder))?;
    let mut written = Vec::new();
    for (name, text) in files {
        let path = folder.join(name);
        if let Err(source) = create(&path, &text) {
            // A part of them is of no use, and stands in the way of the next attempt.
            let _ = std::fs::remove_dir_all(folder);
            return Err(DemoError::file("write", &path)(source));
        }
        written.push(path);
    }
    Ok(written)
}

/// The host of an address as a policy takes it: `https://HOST`, and a port and a path where it has them.
fn host(address: &str) -> &str {
    let rest = address.strip_prefix("https://").unwrap_or(address);
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((literal, _)) => literal,
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// A new file; a private key may be read by its owner alone.
fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if path.extension().is_some_and(|ending| ending == "key") {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    options.open(path)?.write_all(text.as_bytes())
}

/// An authority. Its key is in memory alone.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    from: Timestamp,
    next: AtomicU64,
}

/// A certificate with its key, in PEM.
pub struct Identity {
    /// The certificate.
    pub chain: String,
    /// Its private key.
    pub key: String,
    /// Its number with the authority, by which it is revoked.
    pub serial: u64,
}

impl Authority {
    /// An authority of this name, whose certificates hold from that moment on.
    ///
    /// # Errors
    ///
    /// [`DemoError::Failed`] where the system makes no keys.
    pub fn new(name: &str, from: Timestamp) -> Result<Authority> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = moment(from).into();
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Authority { issuer, from, next: AtomicU64::new(1) })
    }

    /// Its certificate, in PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate with these in its subject's `serialNumber`, where an OIN stands, for these hosts.
    ///
    /// # Errors
    ///
    /// [`DemoError::Failed`] where a host is none, or the system makes no keys.
    pub fn identity(&self, numbers: &[&str], hosts: &[&str], until: Timestamp) -> Result<Identity> {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts)?;
        params.distinguished_name.push(DnType::CommonName, "a system");
        for number in numbers {
            params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), *number);
        }
        let serial = self.next.fetch_add(1, Ordering::SeqCst);
        params.serial_number = Some(SerialNumber::from(serial));
        params.not_before = moment(self.from).into();
        params.not_after = moment(until).into();
        // As strict clients want it, such as Python's.
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity { chain: certificate.pem(), key: key.serialize_pem(), serial })
    }

    /// A list of what was revoked, in PEM.
    ///
    /// # Errors
    ///
    /// [`DemoError::Failed`] where it cannot be signed.
    pub fn crl(&self, serials: &[u64], until: Timestamp) -> Result<String> {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: moment(self.from).into(),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: moment(self.from).into(),
            next_update: moment(until).into(),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(params.signed_by(&self.issuer)?.pem()?)
    }
}

fn moment(timestamp: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(timestamp.0)
}

impl From<rcgen::Error> for DemoError {
    fn from(error: rcgen::Error) -> DemoError {
        DemoError::Failed(format!("a certificate cannot be made: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address() {
        for (address, wanted) in [
            ("https://localhost:8443", "localhost"),
            ("https://stapel.example.nl/a", "stapel.example.nl"),
            ("https://[::1]:8443/a", "::1"),
        ] {
            assert_eq!(host(address), wanted, "{address}");
        }
    }
}
