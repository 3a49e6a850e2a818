//! What is wrong with a configuration, all of it, before a broker runs under it.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;

use stapel::{SignedPolicy, Threads, Timestamp, shown_path};
use x509_parser::prelude::{CertificateRevocationList, FromDer, GeneralName, X509Certificate};

use super::clock::{Machine, ServiceClock};
use super::config::{Config, Place, Tls};
use super::consortium::Consortium;
use super::monitor;
use super::tls::TlsFiles;
use crate::local::remedy_of;
use crate::logboek::Collector;

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
    let (config, wrong) = Config::read_all(file);
    let mut findings: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    if let Some(Err(error)) = config.logboek.as_ref().map(Collector::new) {
        findings.push(error.to_string());
    }
    let mut unchecked = Vec::new();
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
            Err(error) => {
                let finding = Consortium::not_made(folder).map_or_else(|| error.to_string(), str::to_owned);
                findings.push(format!("{}: {finding}", shown_path(folder)));
            }
        }
    }
    // The names of all certificates; unknown where one cannot be read.
    let mut certified = Some(Vec::new());
    let mut is_tls = false;
    let runs = !unchecked.is_empty();
    // Held until all were tried: one address that stands there twice cannot be had twice.
    let mut held = Vec::new();
    let mut try_it = |address: &SocketAddr, findings: &mut Vec<String>, unchecked: &mut Vec<String>| {
        match TcpListener::bind(address) {
            Err(_) if runs => unchecked
                .push(format!("{address}: it is taken, as a broker that runs takes it, so that it was not tried")),
            Err(error) => findings.push(format!("cannot listen on {address}: {error}; {}", remedy_of(&error))),
            Ok(listener) => held.push(listener),
        }
    };
    for listen in &config.listen {
        match &listen.place {
            Place::Tls(address, tls) => {
                is_tls = true;
                try_it(address, &mut findings, &mut unchecked);
                let names = check_tls(tls, now, &mut findings);
                certified = certified.zip(names).map(|(all, names)| [all, names].concat());
            }
            Place::Socket(path) => check_socket(path, &config.runtime_dir, &mut findings),
        }
    }
    if let Some(monitor) = &config.monitor {
        try_it(&monitor.address, &mut findings, &mut unchecked);
    }
    if let Err(error) = monitor::token_of(&config) {
        findings.push(error.to_string());
    }
    for (name, host) in hosts {
        if is_tls && certified.as_ref().is_some_and(|all| !all.iter().any(|pattern| covers(pattern, &host))) {
            findings.push(format!(
                "the policy of {name} has the address {host}, which no certificate here is for: partners will refuse it"
            ));
        }
    }
    findings.sort();
    findings.dedup();
    Checked { findings, unchecked }
}

/// Looks at the files of TLS of one place; the names in its certificate, where that can be read.
fn check_tls(tls: &Tls, now: Timestamp, findings: &mut Vec<String>) -> Option<Vec<String>> {
    let (files, wrong) = TlsFiles::read(tls);
    findings.extend(wrong);
    let of_chain = files.chain.iter().map(|one| (&tls.certificate, one));
    let of_authorities = files.client_ca.iter().map(|(path, one)| (path, one));
    for (path, der) in of_chain.chain(of_authorities) {
        if X509Certificate::from_der(der).is_err() {
            findings.push(format!("{} holds what is no X.509 certificate", shown_path(path)));
        }
    }
    for (path, list) in &files.crls {
        if CertificateRevocationList::from_der(list).is_err() {
            findings.push(format!("{} holds no revocation list", shown_path(path)));
        }
    }
    let dates = files.dates(tls);
    findings.extend(dates.certificates.iter().filter_map(|one| one.finding(now)));
    findings.extend(dates.lists.iter().filter_map(|list| list.outdated(now)));
    findings.extend(files.findings(tls));
    let leaf = files.chain.first()?;
    if is_for_clients_alone(leaf) {
        let path = shown_path(&tls.certificate);
        findings.push(format!("{path} is for clients alone (extendedKeyUsage): order one for servers"));
    }
    Some(names_of(leaf))
}

/// Looks at where a gateway's socket will be.
fn check_socket(path: &Path, runtime_folder: &Path, findings: &mut Vec<String>) {
    if fs::symlink_metadata(path).is_ok_and(|there| !there.file_type().is_socket()) {
        findings.push(format!("{} is there and is no socket: move it away", shown_path(path)));
    }
    if path.starts_with(runtime_folder) {
        findings.push(format!(
            "{}: whoever may read the status in {} may open this socket too, and claim any OIN: put it in a folder of \
             its own, whose group is the gateway's",
            shown_path(path),
            shown_path(runtime_folder)
        ));
    }
}

/// Whether partners refuse it as a server's.
fn is_for_clients_alone(der: &[u8]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return false };
    let Ok(Some(usage)) = certificate.extended_key_usage() else { return false };
    !usage.value.server_auth && !usage.value.any
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
