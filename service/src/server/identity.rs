//! Who is at the other end of a connection: the OIN of a certificate that rustls has verified, or the one that a
//! gateway hands on. spec/carrier.md 5.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName};
use stapel::policy::Oin;
use x509_parser::oid_registry::OID_X509_SERIALNUMBER;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The other end of a connection.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// The OIN of its certificate; `None` over a socket, or where the certificate names none.
    pub oin: Option<Oin>,
    /// Its network address; `None` over a socket.
    pub address: Option<IpAddr>,
    /// The field in which it hands on OINs, where it is a gateway.
    pub gateway: Option<HeaderName>,
}

impl Peer {
    /// The OIN that a request is of. A gateway's own counts for nothing, and so does the field from anybody else.
    pub fn oin_of(&self, headers: &HeaderMap) -> Option<Oin> {
        let Some(field) = &self.gateway else { return self.oin };
        let mut values = headers.get_all(field).iter();
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        value.to_str().ok()?.parse().ok()
    }
}

/// The OIN in a certificate's subject: the `serialNumber`, where there is one and it is an OIN.
pub fn oin_of_certificate(der: &[u8]) -> Option<Oin> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let mut found = certificate.subject().iter_by_oid(&OID_X509_SERIALNUMBER);
    let number = found.next()?;
    if found.next().is_some() {
        return None;
    }
    number.as_str().ok()?.parse().ok()
}
