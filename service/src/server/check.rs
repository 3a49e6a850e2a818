//! What is wrong with a configuration, all of it, before a broker runs under it.

use std::path::Path;
use std::sync::Arc;

use stapel::{Threads, Timestamp, shown_path};
use x509_parser::prelude::{CertificateRevocationList, FromDer, GeneralName, X509Certificate};

use super::clock::{Machine, ServiceClock};
use super::config::{Config, Place};
use super::consortium::Consortium;
use super::tls::{RevocationList, TlsFiles};

/// A certificate that ends within so many seconds is told of: two weeks.
const SOON: i64 = 14 * 86_400;

/// All that is wrong with a configuration at `now`, one finding each, with what to do; nothing where it can be served.
pub fn check(file: &Path, now: Timestamp) -> Vec<String> {
    let config = match Config::read(file) {
        Ok(config) => config,
        Err(error) => return vec![error.to_string()],
    };
    let (moment, now) = (now, now.0 as i64);
    let mut findings = Vec::new();
    let mut hosts = Vec::new();
    let mut names = Vec::new();
    for (folder, keys) in &config.consortia {
        let opened = Threads::new(1).map_err(|error| error.to_string()).and_then(|threads| {
            let clock = Arc::new(ServiceClock::new(Machine));
            Consortium::open(folder.clone(), keys.clone(), threads, clock).map_err(|error| error.to_string())
        });
        match opened {
            Ok(consortium) => {
                if names.contains(&consortium.name) {
                    findings.push(format!("{}: another folder is of {} too", shown_path(folder), consortium.name));
                }
                names.push(consortium.name.clone());
                let signed = consortium.broker.policy();
                let addresses = signed.policy().operator.addresses.iter();
                hosts.extend(addresses.map(|address| (consortium.name.clone(), host_of(address).to_owned())));
            }
            Err(error) => findings.push(format!("{}: {error}", shown_path(folder))),
        }
    }
    let (mut certified, mut is_tls) = (Vec::new(), false);
    for listen in &config.listen {
        let Place::Tls(_, tls) = &listen.place else { continue };
        is_tls = true;
        let files = match TlsFiles::read(tls) {
            Ok(files) => files,
            Err(wrong) => {
                findings.extend(wrong);
                continue;
            }
        };
        let of_chain = files.chain.iter().map(|one| (&tls.certificate, one));
        // An authority's file is named once for all that it holds.
        let of_authorities = files.client_ca.iter().map(|one| (&tls.client_ca[0], one));
        for (path, der) in of_chain.chain(of_authorities) {
            let Ok((_, certificate)) = X509Certificate::from_der(der) else {
                findings.push(format!("{} holds what is no X.509 certificate", shown_path(path)));
                continue;
            };
            let (validity, subject) = (certificate.validity(), certificate.subject());
            let until = validity.not_after;
            if until.timestamp() < now {
                findings.push(format!("{}: {subject} ended on {until}: replace it", shown_path(path)));
            } else if until.timestamp() < now + SOON {
                findings.push(format!("{}: {subject} ends soon, on {until}: replace it", shown_path(path)));
            }
            if validity.not_before.timestamp() > now {
                let from = validity.not_before;
                findings.push(format!("{}: {subject} does not hold before {from}", shown_path(path)));
            }
        }
        for (path, list) in &files.crls {
            if CertificateRevocationList::from_der(list).is_err() {
                findings.push(format!("{} holds no revocation list", shown_path(path)));
            }
            findings.extend(RevocationList::new(path, list).outdated(moment));
        }
        certified.extend(files.chain.first().map(|leaf| names_of(leaf)).unwrap_or_default());
        findings.extend(files.server_config(tls).err());
    }
    for (name, host) in hosts {
        if is_tls && !certified.iter().any(|pattern| covers(pattern, &host)) {
            findings.push(format!(
                "the policy of {name} has the address {host}, which no certificate here is for: partners will refuse it"
            ));
        }
    }
    findings.sort();
    findings.dedup();
    findings
}

/// The host of an address of a policy, which begins with `https://`.
fn host_of(address: &str) -> &str {
    let rest = address.strip_prefix("https://").unwrap_or(address);
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or(literal),
        None => authority.split(':').next().unwrap_or(authority),
    }
}

/// The names in a certificate: hosts, and network addresses as text.
fn names_of(der: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return Vec::new() };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |one: &GeneralName<'_>| match one {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    };
    names.value.general_names.iter().filter_map(name).collect()
}

/// Whether a name in a certificate stands for a host. A `*` stands for one label.
fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
        None => pattern.eq_ignore_ascii_case(host),
    }
}
