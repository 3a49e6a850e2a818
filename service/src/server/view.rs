//! What is seen of a service at one moment, from which its figures and its page are made. It is gathered once for each
//! request and then holds no lock, so that who looks keeps no partner waiting.

use std::collections::BTreeMap;

use stapel::broker::{BrokerStatus, Fault, Overview, Severity};
use stapel::policy::Policy;
use stapel::{SignedPolicy, Slug, Timestamp};

use super::clock::ClockState;
use super::consortium::Consortium;
use super::routes::{Counted, Server};

/// A backup that is older than so many days is a fault, as of `stapel broker status --check`.
const BACKUP_DAYS: u32 = 2;

/// What is seen of a service.
pub(super) struct View {
    /// Whether schedules and workers get things done.
    pub(super) is_alive: bool,
    /// Responses, by consortium, status and the problem's code.
    pub(super) requests: Counted,
    pub(super) consortia: Vec<OfConsortium>,
}

/// What is seen of one consortium.
pub(super) struct OfConsortium {
    pub(super) name: Slug,
    /// What time it is there.
    pub(super) now: Timestamp,
    policy: SignedPolicy,
    pub(super) status: BrokerStatus,
    pub(super) overview: Overview,
    /// The worst first.
    pub(super) faults: Vec<Fault>,
    pub(super) clock: ClockState,
    /// The bytes that may still be written, in whole hundredths of the disk, and those of the whole disk; `None` where
    /// it cannot be seen.
    pub(super) disk: Option<(u64, u64)>,
    /// When certificates end, by the file's name.
    pub(super) certificate_ends: BTreeMap<String, Timestamp>,
    /// When revocation lists are to be replaced, by the file's name.
    pub(super) list_ends: BTreeMap<String, Timestamp>,
    /// When the certificate ends with which each organisation connected last, since the service began.
    pub(super) connected_ends: BTreeMap<Slug, Timestamp>,
}

impl View {
    /// Looks, which may take a while where a release was made that nobody looked at yet.
    pub(super) fn of(server: &Server, is_alive: bool) -> View {
        let consortia = server.consortia();
        let consortia = consortia.values().map(|consortium| OfConsortium::of(server, consortium)).collect();
        View { is_alive, requests: server.counted(), consortia }
    }

    /// How bad the worst is that is wrong.
    pub(super) fn worst(&self) -> Option<Severity> {
        let stands_still = (!self.is_alive).then_some(Severity::Critical);
        self.consortia.iter().filter_map(OfConsortium::worst).chain(stands_still).max()
    }
}

impl OfConsortium {
    fn of(server: &Server, consortium: &Consortium) -> OfConsortium {
        let Consortium { broker, clock, dates, name, folder, .. } = consortium;
        let now = clock.now();
        let status = broker.status();
        let faults = status.faults_at(now, BACKUP_DAYS);
        let policy = broker.policy();
        let connected_ends = connected(server, policy.policy());
        OfConsortium {
            name: name.clone(),
            now,
            policy,
            status,
            overview: broker.overview(now),
            faults,
            clock: clock.state(),
            disk: rustix::fs::statvfs(folder)
                .ok()
                .map(|disk| (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize)))
                .map(|(free, size)| (whole_hundredths(free, size), size)),
            certificate_ends: dates.certificate_ends(),
            list_ends: dates.list_ends(),
            connected_ends,
        }
    }

    pub(super) fn policy(&self) -> &Policy {
        self.policy.policy()
    }

    pub(super) fn worst(&self) -> Option<Severity> {
        self.faults.iter().map(|fault| fault.severity).max()
    }

    /// When the certificate ends under which each partner's messages of an epoch count now: by epoch and number.
    pub(super) fn partner_ends(&self) -> BTreeMap<(u32, u16), Timestamp> {
        let mut counting = BTreeMap::new();
        let today = self.now.day();
        // By ascending serial: the highest whose first day has come counts.
        for one in self.status.certificates.iter().filter(|one| one.first_day <= today) {
            let end = (!one.suspends).then(|| one.last_day.plus(1).start());
            counting.insert((one.epoch, one.partner), end);
        }
        let is_open = |epoch: u32| self.status.epochs.iter().any(|open| open.number == epoch);
        counting
            .into_iter()
            .filter(|((epoch, _), _)| is_open(*epoch))
            .filter_map(|(of, end)| Some((of, end?)))
            .collect()
    }

    /// What an organisation is called.
    pub(super) fn organisation_name(&self, slug: &Slug) -> String {
        self.policy().organisation(slug).map_or_else(|| slug.to_string(), |organisation| organisation.name.clone())
    }
}

/// When the certificates end with which the organisations of a policy connected last: of several, the one that ends
/// first.
fn connected(server: &Server, policy: &Policy) -> BTreeMap<Slug, Timestamp> {
    let seen = server.certificates_seen();
    let end = |oins: &[stapel::policy::Oin]| oins.iter().filter_map(|oin| seen.get(oin)).min().copied();
    let organisations = policy.organisations.iter();
    organisations.filter_map(|one| Some((one.slug.clone(), end(&one.tls_oins)?))).collect()
}

/// What is free of a disk, rounded down to whole hundredths of it. Each message that is stored takes some of it: from
/// the exact number, one who watches would see each as it comes, and about how large it is.
fn whole_hundredths(free: u64, size: u64) -> u64 {
    let hundredth = (size / 100).max(1);
    free / hundredth * hundredth
}

#[cfg(test)]
mod tests {
    use super::whole_hundredths;

    #[test]
    fn l51_a_message_more_leaves_as_much_of_the_disk_free() {
        assert_eq!(
            [700, 699, 601, 600, 599, 0].map(|free| whole_hundredths(free, 10_000)),
            [700, 600, 600, 600, 500, 0]
        );
        assert_eq!(whole_hundredths(7, 0), 7, "a disk that says no size");
    }
}
