//! What is wrong with a configuration, all of it, before a broker runs under it.

use std::path::Path;
use std::sync::Arc;

use stapel::{SignedPolicy, Threads, Timestamp, shown_path};
use x509_parser::prelude::{CertificateRevocationList, FromDer, GeneralName, X509Certificate};

use super::clock::{Machine, ServiceClock};
use super::config::{Config, Place};
use super::consortium::Consortium;
use super::tls::{RevocationList, TlsFiles};

/// A certificate that ends within so many seconds is told of: two weeks.
const SOON: i64 = 14 * 86_400;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// All that is wrong, one finding each, with what to do.
    pub findings: Vec<String>,
    /// What was not looked at, and why.
    pub unchecked: Vec<String>,
}

/// Looks for all that is wrong with a configuration at `now`; it can be served where nothing is. A broker that runs
/// goes on, and its store is not looked at.
pub fn check(file: &Path, now: Timestamp) -> Checked {
    let config = match Config::read(file) {
        Ok(config) => config,
        Err(error) => return Checked { findings: vec![error.to_string()], unchecked: Vec::new() },
    };
    let mut unchecked = Vec::new();
    let (moment, now) = (now, now.0 as i64);
    let mut findings = Vec::new();
    let mut hosts = Vec::new();
    let mut names = Vec::new();
    for (folder, keys) in &config.consortia {
        let clock = Arc::new(ServiceClock::new(Machine));
        let opened = match Consortium::open(folder.clone(), keys.clone(), Threads::default(), clock) {
            Ok(consortium) => Ok(consortium.broker.policy()),
            Err(error) if error.code() == "folder_in_use" => {
                let folder_shown = shown_path(folder);
                unchecked.push(format!("{folder_shown}: a process has it open, so that its store was not looked at"));
                SignedPolicy::of_broker(folder)
            }
            Err(error) => Err(error),
        };
        match opened {
            Ok(signed) => {
                let policy = signed.policy();
                if names.contains(&policy.consortium) {
                    findings.push(format!("{}: another folder is of {} too", shown_path(folder), policy.consortium));
                }
                names.push(policy.consortium.clone());
                let addresses = policy.operator.addresses.iter();
                hosts.extend(addresses.map(|address| (policy.consortium.clone(), host_of(address).to_owned())));
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
    Checked { findings, unchecked }
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
