//! How a partner reaches the broker: certificates, proxy, fields of an outway, and addresses.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring::default_provider;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use ureq::http::Uri;

use super::error::CarrierError;
use super::file::{all_filled, filled};

/// How a partner reaches the broker. Nothing is trusted that is not named here, and nothing of the environment counts.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// A file in PEM with the partner's TLS certificate, and those between it and the authority after it.
    #[serde(deserialize_with = "filled")]
    pub certificate: Option<PathBuf>,
    /// A file in PEM with the certificate's private key.
    #[serde(deserialize_with = "filled")]
    pub key: Option<PathBuf>,
    /// Files in PEM with the certificates of the authorities by which the broker is known. No others are trusted.
    #[serde(deserialize_with = "all_filled")]
    pub ca: Vec<PathBuf>,
    /// The proxy: `http://`, `https://` (CONNECT) or `socks5://`, with `user:password@` before the host where it needs
    /// that. Without it, none is used, whatever the environment says.
    #[serde(deserialize_with = "filled")]
    pub proxy: Option<String>,
    /// Addresses in the place of the policy's.
    pub addresses: Vec<String>,
    /// More fields in the head of each request, such as those by which an outway finds the service.
    pub header: BTreeMap<String, String>,
}

/// Shows neither a field's value nor the proxy's password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { certificate, ca, addresses, .. } = self;
        write!(f, "Settings({certificate:?}, {ca:?}, {addresses:?}, ..)")
    }
}

/// An address at which the broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// As it was written.
    pub(super) text: String,
    /// Its host and port, as a request's head has them.
    pub(super) authority: String,
    /// What comes before the path that the specification gives.
    pub(super) path: String,
    /// Whether it is an outway on this machine.
    pub(super) is_outway: bool,
}

/// The most bytes of a file of certificates.
const MAX_PEM: u64 = 4 << 20;

/// Fields that a request has by itself, or that would change what it is.
const OWN_FIELDS: [&str; 12] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "padding",
    "proxy-authorization",
    "te",
    "traceparent",
    "transfer-encoding",
    "upgrade",
];

impl Settings {
    /// The addresses: those of the settings, or else the policy's.
    pub(super) fn targets(&self, policys: &[String]) -> Result<Vec<Address>, CarrierError> {
        let written = if self.addresses.is_empty() { policys } else { &self.addresses };
        if written.is_empty() {
            return Err(settings(
                "the policy names no address of the broker (operator.addresses): write addresses = [\"https://...\"] \
                 under [connect]",
            ));
        }
        written.iter().map(|text| Address::parse(text)).collect()
    }

    /// The fields that each request has besides its own.
    pub(super) fn fields(&self) -> Result<Vec<(String, String)>, CarrierError> {
        let is_token = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
        };
        for (name, value) in &self.header {
            let lower = name.to_ascii_lowercase();
            if !is_token(name) || OWN_FIELDS.contains(&lower.as_str()) {
                return Err(settings(&format!("'{}' under [connect.header] is no field to add", shown(name))));
            }
            let is_ascii = value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && value.trim() == value;
            if !is_ascii {
                return Err(settings(&format!("the value of '{name}' under [connect.header] is no plain ASCII text")));
            }
        }
        Ok(self.header.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect())
    }

    /// The proxy.
    pub(super) fn proxy(&self) -> Result<Option<ureq::Proxy>, CarrierError> {
        let Some(text) = &self.proxy else { return Ok(None) };
        // What is wrong with it may hold a password, and is not repeated.
        let finding = "proxy under [connect] is none: write it as http://proxy.example.nl:3128 or \
                       socks5://proxy.example.nl:1080";
        let known = ["http://", "https://", "socks5://"].iter().any(|scheme| text.starts_with(scheme));
        match ureq::Proxy::new(text) {
            Ok(proxy) if known => Ok(Some(proxy)),
            _ => Err(settings(finding)),
        }
    }

    /// What TLS goes by. Files are read once, here.
    pub(super) fn tls(&self) -> Result<Arc<ClientConfig>, CarrierError> {
        let missing = |what| {
            settings(&format!(
                "no {what} under [connect] in the configuration file: write the path of a file in PEM; nothing is \
                 trusted by default"
            ))
        };
        let certificate = self.certificate.as_deref().ok_or_else(|| missing("certificate"))?;
        let key = self.key.as_deref().ok_or_else(|| missing("key"))?;
        if self.ca.is_empty() {
            return Err(missing("ca"));
        }
        let chain = certificates(certificate)?;
        let key_der = private_key(key, &chain)?;
        let mut roots = RootCertStore::empty();
        for path in &self.ca {
            for authority in certificates(path)? {
                roots.add(authority).map_err(|error| file(path, format!("a certificate in it is none: {error}")))?;
            }
        }
        let unusable = |error: rustls::Error| file(key, format!("TLS cannot go by it: {error}"));
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_root_certificates(roots).with_client_auth_cert(chain, key_der))
            .map_err(unusable)?;
        // spec/carrier.md 5. Without the extended master secret, whoever is between two sessions of TLS 1.2 can make
        // both have one secret.
        config.require_ems = true;
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}

impl Address {
    /// Reads an address. `http://` is only for an outway on this machine: there is nobody between it and this.
    fn parse(text: &str) -> Result<Address, CarrierError> {
        let refused = |finding: &str| settings(&format!("'{}' is no address of a broker: {finding}", shown(text)));
        let uri: Uri = text.parse().map_err(|_| refused("write it as https://stapel.example.nl"))?;
        let (scheme, host) = (uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default());
        let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        if host.is_empty() || authority.contains('@') {
            return Err(refused("write it as https://stapel.example.nl"));
        }
        let rest = text.get(scheme.len() + "://".len() + authority.len()..).unwrap_or_default();
        if rest.contains(['?', '#', '%']) || rest.ends_with('/') {
            return Err(refused("it ends without '/', query or '#'"));
        }
        let is_outway = match scheme {
            "https" => false,
            "http" if is_loopback(host) => true,
            "http" => return Err(refused("http:// is only for an outway on this machine, such as http://127.0.0.1")),
            _ => return Err(refused("it begins with https://")),
        };
        Ok(Address { text: text.to_owned(), authority: authority.to_owned(), path: rest.to_owned(), is_outway })
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn read(path: &Path) -> Result<Vec<u8>, CarrierError> {
    let there = there(path)?;
    if there.len() > MAX_PEM {
        return Err(file(path, "it is no file of certificates or keys: too long".into()));
    }
    std::fs::read(path).map_err(|source| file(path, format!("cannot read it: {source}")))
}

/// What the system says of a file.
fn there(path: &Path) -> Result<std::fs::Metadata, CarrierError> {
    let there = std::fs::metadata(path).map_err(|source| file(path, format!("cannot read it: {source}")))?;
    match there.is_dir() {
        true => Err(file(path, "it is a folder: give a file".into())),
        false => Ok(there),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CarrierError> {
    let pem = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(file(path, "there is no certificate in PEM in it (-----BEGIN CERTIFICATE-----)".into())),
    }
}

/// The private key of the first of `chain`.
fn private_key(path: &Path, chain: &[CertificateDer<'static>]) -> Result<PrivateKeyDer<'static>, CarrierError> {
    refuse_open(path)?;
    let pem = read(path)?;
    let none = |_| file(path, "there is no private key in PEM in it, or it has a password".into());
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(none)?;
    let unknown =
        |_| file(path, "its key is of no kind that TLS takes here: ECDSA P-256, P-384, RSA or Ed25519".into());
    let signing = any_supported_type(&key).map_err(unknown)?;
    match CertifiedKey::new(chain.to_vec(), signing).keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(key),
        Err(_) => Err(file(path, "it is not the key of the certificate under [connect]".into())),
    }
}

/// Refuses a key that every user of this machine can read.
fn refuse_open(path: &Path) -> Result<(), CarrierError> {
    let there = there(path)?;
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::mode(&there) & 0o007 != 0 {
        return Err(file(path, "every user of this machine can read it: chmod 600".into()));
    }
    let _ = there;
    Ok(())
}

fn settings(finding: &str) -> CarrierError {
    CarrierError::Settings { finding: finding.to_owned() }
}

fn file(path: &Path, finding: String) -> CarrierError {
    CarrierError::File { path: path.into(), finding }
}

/// Text from elsewhere, on one line and with nothing that steers a terminal, cut short.
pub(super) fn shown(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars().take(300) {
        if stapel::is_hidden(c) { line.extend(c.escape_debug()) } else { line.push(c) }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_on_this_machine() {
        let parsed =
            |text: &str| Address::parse(text).map(|address| (address.authority, address.path, address.is_outway));
        let read = |authority: &str, path: &str, is_outway| Some((authority.to_owned(), path.to_owned(), is_outway));
        assert_eq!(parsed("https://stapel.example.nl:8443/a/b").ok(), read("stapel.example.nl:8443", "/a/b", false));
        assert_eq!(parsed("https://stapel.example.nl").ok(), read("stapel.example.nl", "", false));
        assert_eq!(parsed("http://127.0.0.1:8080").ok(), read("127.0.0.1:8080", "", true));
        assert_eq!(parsed("http://[::1]:80/x").ok(), read("[::1]:80", "/x", true));
        for wrong in [
            "",
            "stapel.example.nl",
            "ftp://a.nl",
            "http://a.nl",
            "http://127.0.0.1.a.nl",
            "http://10.0.0.1",
            "http://localhost",
            "https://",
            "https://a.nl/",
            "https://a.nl?x",
            "https://a.nl#x",
            "https://u:p@a.nl",
            "https://a.nl/%61",
        ] {
            assert_eq!(parsed(wrong).map_err(|error| error.code()), Err("connect_settings"), "{wrong}");
        }
    }

    #[test]
    fn a_field_is_added_and_none_is_changed() {
        let of = |name: &str, value: &str| {
            let header = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            Settings { header, ..Settings::default() }.fields().is_ok()
        };
        assert!(of("Fsc-Grant-Hash", "$1$3$abc=="));
        for (name, value) in
            [("Host", "x"), ("content-length", "1"), ("a b", "x"), ("", "x"), ("X", "a\r\nb"), ("X", " a")]
        {
            assert!(!of(name, value), "{name}: {value}");
        }
    }

    #[test]
    fn a_folder_is_named_as_one() {
        // One that every user can read, as most are.
        let folder = std::env::temp_dir();
        for refused in [private_key(&folder, &[]).err(), certificates(&folder).err()] {
            let said = refused.unwrap().to_string();
            assert!(said.contains("it is a folder: give a file"), "{said}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let header = BTreeMap::from([("X-Token".to_owned(), "geheim".to_owned())]);
        let mut settings = Settings { proxy: Some("http://u:geheim@p".into()), header, ..Settings::default() };
        assert!(!format!("{settings:?}").contains("geheim"));
        settings.proxy = Some("geheim@".into());
        assert!(!settings.proxy().unwrap_err().to_string().contains("geheim"));
    }
}
