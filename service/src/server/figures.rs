//! The figures of a service for Prometheus, taken anew each time that they are asked for. They are of the broker, its
//! partners as organisations, and its clock; none is of a person, an address or a pseudonym.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use stapel::Timestamp;
use stapel::broker::{BrokerStatus, EpochStatus, PartnerStatus, Severity};

use super::consortium::Consortium;
use super::routes::Server;

/// The form of the text: OpenMetrics 1.0.
pub(super) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A backup that is older than so many days is a fault, as of `stapel broker status --check`.
const BACKUP_DAYS: u32 = 2;

type Labels = Vec<(&'static str, String)>;

/// The figures of all consortia.
///
/// # Errors
///
/// Where the text cannot be written.
pub(super) fn text(server: &Server, is_alive: bool) -> Result<String, fmt::Error> {
    let mut figures = Figures(Registry::default());
    figures.gauge("stapel_alive", "Whether schedules and workers get things done", [(vec![], f64::from(is_alive))]);
    let requests = server.counted().into_iter().map(|((consortium, status, code), count)| {
        let consortium = consortium.map_or_else(String::new, |name| name.to_string());
        let code = code.map_or("", |code| code.as_str()).to_owned();
        (vec![("consortium", consortium), ("status", status.to_string()), ("code", code)], count)
    });
    figures.counter("stapel_requests", "Responses, by status and the problem's code", requests);
    let consortia = server.consortia();
    let of_each = consortia.values().map(|consortium| OfConsortium::new(consortium)).collect::<Vec<_>>();
    let mut gauge = |name, help, rows: &dyn Fn(&OfConsortium<'_>) -> Vec<(Labels, f64)>| {
        figures.gauge(name, help, of_each.iter().flat_map(rows));
    };
    gauge("stapel_policy_version", "The version of the policy in force", &|one| {
        vec![one.row(f64::from(one.status.policy_version))]
    });
    gauge("stapel_policy_end_timestamp_seconds", "When the last epoch of the policy is over", &|one| {
        vec![one.row(seconds(one.status.closes.plus(1).start()))]
    });
    gauge("stapel_faults", "What is wrong, by code and severity: stapel broker status says what to do", &|one| {
        one.faults()
    });
    gauge("stapel_backup_timestamp_seconds", "When the last backup was made", &|one| {
        one.status.last_backup.map(|made| one.row(seconds(made))).into_iter().collect()
    });
    gauge("stapel_clock_in_step", "Whether the machine's clock is kept in step with others", &|one| {
        vec![one.row(f64::from(one.consortium.clock.state().is_synchronised))]
    });
    gauge("stapel_clock_set_seconds", "By how much the clock was set since the service began", &|one| {
        vec![one.row(one.consortium.clock.state().set_by as f64)]
    });
    gauge("stapel_disk_free_bytes", "What the broker may still write to its disk", &|one| {
        let free = rustix::fs::statvfs(&one.consortium.folder).ok();
        free.map(|disk| one.row(disk.f_bavail as f64 * disk.f_frsize as f64)).into_iter().collect()
    });
    gauge("stapel_release_timestamp_seconds", "When the release in force was made", &|one| {
        one.of_epochs(|epoch| Some(seconds(epoch.as_of)))
    });
    gauge("stapel_next_release_timestamp_seconds", "When the next release is due", &|one| {
        one.of_epochs(|epoch| Some(seconds(epoch.next_release)))
    });
    gauge("stapel_changed_organisations", "Organisations that changed flags since the release", &|one| {
        one.of_epochs(|epoch| Some(epoch.changed as f64))
    });
    gauge("stapel_changed_organisations_needed", "How many must have, before changes show", &|one| {
        one.of_epochs(|epoch| Some(epoch.min_changed as f64))
    });
    gauge("stapel_heard_timestamp_seconds", "When the last state message of a partner came", &|one| {
        one.of_partners(|partner| partner?.heard.map(seconds))
    });
    gauge("stapel_flags_held", "Flags of a partner that are held", &|one| {
        one.of_partners(|partner| Some(partner.map_or(0.0, |partner| f64::from(partner.held))))
    });
    let mut text = String::new();
    encode(&mut text, &figures.0)?;
    Ok(text)
}

fn seconds(moment: Timestamp) -> f64 {
    moment.0 as f64
}

struct Figures(Registry);

impl Figures {
    fn gauge(&mut self, name: &str, help: &str, rows: impl IntoIterator<Item = (Labels, f64)>) {
        let family = Family::<Labels, Gauge<f64, AtomicU64>>::default();
        for (labels, value) in rows {
            family.get_or_create(&labels).set(value);
        }
        self.0.register(name, help, family);
    }

    /// `name` without the `_total` that every counter's has in the text.
    fn counter(&mut self, name: &str, help: &str, rows: impl IntoIterator<Item = (Labels, u64)>) {
        let family = Family::<Labels, Counter>::default();
        for (labels, value) in rows {
            family.get_or_create(&labels).inc_by(value);
        }
        self.0.register(name, help, family);
    }
}

/// What is told of one consortium.
struct OfConsortium<'a> {
    consortium: &'a Consortium,
    status: BrokerStatus,
}

impl OfConsortium<'_> {
    fn new(consortium: &Consortium) -> OfConsortium<'_> {
        OfConsortium { consortium, status: consortium.broker.status() }
    }

    fn labels(&self) -> Labels {
        vec![("consortium", self.consortium.name.to_string())]
    }

    fn row(&self, value: f64) -> (Labels, f64) {
        (self.labels(), value)
    }

    fn faults(&self) -> Vec<(Labels, f64)> {
        let faults = self.status.faults_at(self.consortium.clock.now(), BACKUP_DAYS);
        let mut counts = BTreeMap::<(&str, Severity), u32>::new();
        for fault in &faults {
            *counts.entry((&fault.code, fault.severity)).or_default() += 1;
        }
        let row = |((code, severity), count): ((&str, Severity), u32)| {
            let mut labels = self.labels();
            labels.extend([("code", code.to_owned()), ("severity", severity.as_str().to_owned())]);
            (labels, f64::from(count))
        };
        counts.into_iter().map(row).collect()
    }

    fn of_epochs(&self, value: impl Fn(&EpochStatus) -> Option<f64>) -> Vec<(Labels, f64)> {
        let row = |epoch: &EpochStatus| {
            let mut labels = self.labels();
            labels.push(("epoch", epoch.number.to_string()));
            Some((labels, value(epoch)?))
        };
        self.status.epochs.iter().filter_map(row).collect()
    }

    /// Of every partner of the policy, also one that never delivered.
    fn of_partners(&self, value: impl Fn(Option<&PartnerStatus>) -> Option<f64>) -> Vec<(Labels, f64)> {
        let policy = self.consortium.broker.policy();
        let mut rows = Vec::new();
        for epoch in &self.status.epochs {
            for entry in &policy.policy().partners {
                let known = epoch.partners.iter().find(|partner| partner.number == entry.number);
                let Some(value) = value(known) else { continue };
                let mut labels = self.labels();
                labels.extend([
                    ("epoch", epoch.number.to_string()),
                    ("organisation", entry.organisation.to_string()),
                    ("partner", entry.number.to_string()),
                ]);
                rows.push((labels, value));
            }
        }
        rows
    }
}
