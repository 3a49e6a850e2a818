//! When the certificates end by which a broker takes connections, and when its revocation lists are outdated.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arc_swap::ArcSwap;
use stapel::{Timestamp, shown_path};
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

use super::tls::Finding;

/// How long before its end, in seconds, a certificate is told of: two weeks.
const SOON: u64 = 14 * 86_400;

/// What is said of a certificate in a file.
#[derive(Clone, Debug)]
pub(super) struct FileCertificate {
    pub(super) path: PathBuf,
    subject: String,
    from: Timestamp,
    pub(super) until: Timestamp,
}

impl FileCertificate {
    /// `None` where the bytes are no certificate.
    pub(super) fn new(path: &Path, der: &[u8]) -> Option<FileCertificate> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let moment = |seconds: i64| Timestamp(u64::try_from(seconds).unwrap_or_default());
        let (validity, subject) = (certificate.validity(), certificate.subject().to_string());
        let (from, until) = (moment(validity.not_before.timestamp()), moment(validity.not_after.timestamp()));
        Some(FileCertificate { path: path.to_owned(), subject, from, until })
    }

    /// What to say of it at `now`, where it does not hold, or not for long.
    pub(super) fn finding(&self, now: Timestamp) -> Option<Finding> {
        let FileCertificate { subject, from, until, .. } = self;
        let path = shown_path(&self.path);
        if *until < now {
            Some(format!("{path}: {subject} ended on {until}: replace it"))
        } else if *until < now.plus(SOON) {
            Some(format!("{path}: {subject} ends soon, on {until}: replace it"))
        } else if *from > now {
            Some(format!("{path}: {subject} does not hold before {from}"))
        } else {
            None
        }
    }
}

/// What is said of a revocation list.
#[derive(Clone, Debug)]
pub(super) struct RevocationList {
    pub(super) path: PathBuf,
    /// When its authority makes the next; `None` where it does not say.
    pub(super) next: Option<Timestamp>,
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

/// What is said of the files of one place.
#[derive(Clone, Debug, Default)]
pub(super) struct FileDates {
    pub(super) certificates: Vec<FileCertificate>,
    pub(super) lists: Vec<RevocationList>,
}

/// When the certificates end by which connections are taken now, and when the revocation lists are outdated.
#[derive(Debug, Default)]
pub struct TlsDates(ArcSwap<FileDates>);

impl TlsDates {
    /// Takes those of all places in the place of what was there.
    pub(super) fn replace<'a>(&self, places: impl Iterator<Item = &'a FileDates>) {
        let mut all = FileDates::default();
        for one in places {
            all.certificates.extend(one.certificates.iter().cloned());
            all.lists.extend(one.lists.iter().cloned());
        }
        self.0.store(all.into());
    }

    /// What to say of the certificates that have ended or end soon.
    pub(super) fn ending(&self, now: Timestamp) -> Vec<Finding> {
        in_order(self.0.load().certificates.iter().filter_map(|one| one.finding(now)))
    }

    /// What to say of the lists that are outdated.
    pub(super) fn outdated(&self, now: Timestamp) -> Vec<Finding> {
        in_order(self.0.load().lists.iter().filter_map(|list| list.outdated(now)))
    }

    /// When the certificate ends, of those in each file, that ends first.
    pub(super) fn certificate_ends(&self) -> BTreeMap<String, Timestamp> {
        earliest(self.0.load().certificates.iter().map(|one| (one.path.as_path(), one.until)))
    }

    /// When the list is to be replaced, of those in each file, that is so first.
    pub(super) fn list_ends(&self) -> BTreeMap<String, Timestamp> {
        earliest(self.0.load().lists.iter().filter_map(|list| Some((list.path.as_path(), list.next?))))
    }
}

/// When a certificate ends.
pub(super) fn end_of_certificate(der: &[u8]) -> Option<Timestamp> {
    FileCertificate::new(Path::new(""), der).map(|one| one.until)
}

fn in_order(findings: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let mut findings: Vec<_> = findings.collect();
    findings.sort();
    findings.dedup();
    findings
}

/// By the file's name, without its folder.
fn earliest<'a>(files: impl Iterator<Item = (&'a Path, Timestamp)>) -> BTreeMap<String, Timestamp> {
    let mut ends = BTreeMap::new();
    for (path, end) in files {
        let name = shown_path(Path::new(path.file_name().unwrap_or_default())).to_string();
        let known = ends.entry(name).or_insert(end);
        *known = end.min(*known);
    }
    ends
}
