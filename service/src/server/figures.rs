//! The figures of a service for Prometheus, taken anew each time that they are asked for. They are of the broker, its
//! partners as organisations, and its clock; none is of a person, an address or a pseudonym. They are listed in
//! docs/operate.md.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use stapel::broker::{AfterHitStatus, EpochOverview, EpochStatus, Hearing, PartnerOverview, Severity, Stacks};
use stapel::{Day, Slug, Timestamp};

use super::view::{OfConsortium, View};

/// The form of the text: OpenMetrics 1.0.
pub(super) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;

/// What a gauge has of one consortium.
type Rows<'a> = dyn Fn(&OfConsortium) -> Vec<(Labels, f64)> + 'a;

/// The figures of all consortia.
///
/// # Errors
///
/// Where the text cannot be written.
pub(super) fn text(view: &View) -> Result<String, fmt::Error> {
    let mut figures = Figures(Registry::default());
    figures.gauge(
        "stapel_alive",
        "Whether schedules and workers get things done",
        [(vec![], f64::from(view.is_alive))],
    );
    let requests = view.requests.iter().map(|((consortium, status, code), count)| {
        let consortium = consortium.as_ref().map_or_else(String::new, |name| name.to_string());
        let code = code.map_or("", |code| code.as_str()).to_owned();
        (vec![("consortium", consortium), ("status", status.to_string()), ("code", code)], *count)
    });
    figures.counter("stapel_requests", "Responses, by status and the problem's code", requests);
    let rejected = view.consortia.iter().flat_map(|one| one.rejected(true));
    figures.counter("stapel_rejections", "Messages of partners that were rejected, by code", rejected);
    let rejected = view.consortia.iter().flat_map(|one| one.rejected(false));
    figures.counter("stapel_unauthenticated", "Messages whose sender was not authenticated, by code", rejected);
    of_brokers(&mut figures, view);
    of_what_comes_after_a_hit(&mut figures, view);
    of_machines(&mut figures, view);
    of_epochs(&mut figures, view);
    let mut text = String::new();
    encode(&mut text, &figures.0)?;
    Ok(text)
}

fn of_brokers(figures: &mut Figures, view: &View) {
    let mut gauge = figures.of(view);
    gauge("stapel_policy_version", "The version of the policy in force", &|one| {
        vec![one.row(f64::from(one.status.policy_version))]
    });
    gauge("stapel_policy_end_timestamp_seconds", "When the last epoch of the policy is over", &|one| {
        vec![one.row(seconds(one.status.closes.plus(1).start()))]
    });
    gauge("stapel_faults", "What is wrong, by code and severity: stapel broker status says what to do", &|one| {
        one.counted_faults()
    });
    gauge("stapel_backup_timestamp_seconds", "When the last backup was made", &|one| {
        one.status.last_backup.map(|made| one.row(seconds(made))).into_iter().collect()
    });
    gauge("stapel_log_lines", "The lines of the log at least, in whole hundreds or signed", &|one| {
        vec![one.row(one.overview.log_size as f64)]
    });
    gauge("stapel_checkpoint_lines", "The lines that the latest checkpoint is of", &|one| {
        one.overview.checkpoint.map(|last| one.row(last.size as f64)).into_iter().collect()
    });
    gauge("stapel_checkpoint_timestamp_seconds", "The start of the day on which it was signed", &|one| {
        one.overview.checkpoint.map(|last| one.row(seconds(last.day.start()))).into_iter().collect()
    });
    gauge("stapel_budget_allowed", "What an organisation may use of a budget", &|one| {
        one.overview.budgets.iter().map(|used| one.of_budget(used, f64::from(used.allowed))).collect()
    });
    gauge("stapel_budget_used", "What it used, in tenths of the budget or steps of ten", &|one| {
        one.overview.budgets.iter().map(|used| one.of_budget(used, f64::from(used.used))).collect()
    });
}

fn of_what_comes_after_a_hit(figures: &mut Figures, view: &View) {
    let mut gauge = figures.of(view);
    gauge("stapel_exchanged_timestamp_seconds", "The start of the day on which a partner fetched last", &|one| {
        let partners = one.status.after_hit.iter().flat_map(|shown| &shown.partners);
        let row = |number: u16, day: Day| {
            let organisation = one.policy().partner(number)?.organisation.to_string();
            let labels = [("organisation", organisation), ("partner", number.to_string())];
            Some(one.with(labels, seconds(day.start())))
        };
        partners.filter_map(|partner| row(partner.number, partner.exchanged?)).collect()
    });
    let mut of_month = |name, help, number: &dyn Fn(&AfterHitStatus) -> u32| {
        gauge(name, help, &|one| {
            let counted = one.status.after_hit.iter().filter(|shown| shown.counted_on.is_some());
            counted.map(|shown| one.row(f64::from(number(shown)))).collect()
        });
    };
    of_month("stapel_put_forward", "Rows put forward at the month's first turn, in whole tens", &|shown| {
        shown.put_forward
    });
    of_month("stapel_conversations", "Conversations at the month's first turn, in whole tens", &|shown| {
        shown.conversations
    });
    of_month("stapel_notes", "Notes that waited at the month's first turn, in whole tens", &|shown| shown.notes);
}

fn of_machines(figures: &mut Figures, view: &View) {
    let mut gauge = figures.of(view);
    gauge("stapel_clock_in_step", "Whether the machine's clock is kept in step with others", &|one| {
        vec![one.row(f64::from(one.clock.is_synchronised))]
    });
    gauge("stapel_clock_set_seconds", "By how much the clock was set since the service began", &|one| {
        vec![one.row(one.clock.set_by as f64)]
    });
    gauge("stapel_disk_free_bytes", "What may still be written, in hundredths of the disk", &|one| {
        one.disk.map(|(free, _)| one.row(free as f64)).into_iter().collect()
    });
    gauge("stapel_disk_bytes", "The size of that disk", &|one| {
        one.disk.map(|(_, size)| one.row(size as f64)).into_iter().collect()
    });
    let by_file = |one: &OfConsortium, ends: &BTreeMap<String, Timestamp>| {
        ends.iter().map(|(file, end)| one.with([("file", file.clone())], seconds(*end))).collect::<Vec<_>>()
    };
    gauge("stapel_certificate_end_timestamp_seconds", "When the first certificate in a file ends", &|one| {
        by_file(one, &one.certificate_ends)
    });
    gauge("stapel_crl_next_update_timestamp_seconds", "When a revocation list is to be replaced", &|one| {
        by_file(one, &one.list_ends)
    });
    gauge("stapel_connected_certificate_end_timestamp_seconds", "When the last TLS certificate ends", &|one| {
        let ends = one.connected_ends.iter();
        ends.map(|(slug, end)| one.with([("organisation", slug.to_string())], seconds(*end))).collect()
    });
}

fn of_epochs(figures: &mut Figures, view: &View) {
    let mut gauge = figures.of(view);
    gauge("stapel_release_timestamp_seconds", "When the release in force was made", &|one| {
        one.of_epochs(|epoch, _| vec![(vec![], seconds(epoch.as_of))])
    });
    gauge("stapel_next_release_timestamp_seconds", "When the next release is due", &|one| {
        one.of_epochs(|epoch, _| vec![(vec![], seconds(epoch.next_release))])
    });
    gauge("stapel_waits_for_full_sets", "Whether an epoch waits for the first full sets", &|one| {
        one.of_epochs(|epoch, _| vec![(vec![], f64::from(epoch.waits_since.is_some()))])
    });
    gauge("stapel_changes_suffice", "Whether as many have new flags as must, before these show", &|one| {
        one.of_epochs(|_, shown| vec![(vec![], f64::from(shown.changes_suffice))])
    });
    gauge("stapel_stacks", "Pseudonyms that so many organisations flag, in whole tens", &|one| {
        one.of_epochs(|_, shown| {
            shown.stacks.iter().map(|stacks| (vec![("organisations", range(stacks))], stacks.at_least as f64)).collect()
        })
    });
    gauge("stapel_heard_timestamp_seconds", "When the last state message of a partner came", &|one| {
        one.of_partners(|partner, _| partner.heard.map(seconds))
    });
    gauge("stapel_partner_fresh", "Whether a partner was heard within the policy's freshness_days", &|one| {
        // One that only asks sends no such message.
        let flags =
            |partner: &PartnerOverview| one.policy().partner(partner.number).is_some_and(|entry| entry.may.flag);
        one.of_partners(|partner, _| flags(partner).then_some(f64::from(partner.hearing == Hearing::Fresh)))
    });
    gauge("stapel_flags_released", "Flags of a partner as of the release, in whole tens", &|one| {
        one.of_partners(|partner, _| Some(partner.released as f64))
    });
    gauge("stapel_partner_certificate_end_timestamp_seconds", "When a partner's keys are certified no more", &|one| {
        let ends = one.partner_ends();
        one.of_partners(|partner, epoch| ends.get(&(epoch, partner.number)).copied().map(seconds))
    });
}

fn seconds(moment: Timestamp) -> f64 {
    moment.0 as f64
}

/// A number of organisations, or several, as a label.
pub(super) fn range(stacks: &Stacks) -> String {
    match stacks.to {
        None => format!("{}+", stacks.from),
        Some(to) if to == stacks.from => to.to_string(),
        Some(to) => format!("{}-{to}", stacks.from),
    }
}

struct Figures(Registry);

impl Figures {
    /// Makes gauges of what is seen of each consortium.
    fn of<'a>(&'a mut self, view: &'a View) -> impl FnMut(&str, &str, &Rows<'_>) + 'a {
        |name, help, rows| self.gauge(name, help, view.consortia.iter().flat_map(rows))
    }

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

impl OfConsortium {
    fn labels(&self) -> Labels {
        vec![("consortium", self.name.to_string())]
    }

    fn row(&self, value: f64) -> (Labels, f64) {
        (self.labels(), value)
    }

    fn with<const N: usize>(&self, more: [(&'static str, String); N], value: f64) -> (Labels, f64) {
        let mut labels = self.labels();
        labels.extend(more);
        (labels, value)
    }

    fn of_budget(&self, used: &stapel::broker::BudgetUse, value: f64) -> (Labels, f64) {
        let epoch = used.epoch.map_or_else(String::new, |number| number.to_string());
        let organisation = used.organisation.to_string();
        self.with(
            [("organisation", organisation), ("budget", used.budget.as_str().to_owned()), ("epoch", epoch)],
            value,
        )
    }

    fn rejected(&self, authenticated: bool) -> Vec<(Labels, u64)> {
        let rejected = &self.overview.rejected;
        let counts = if authenticated { &rejected.authenticated } else { &rejected.unauthenticated };
        let row = |(code, count): (&stapel::message::Code, &u64)| {
            let mut labels = self.labels();
            labels.push(("code", code.as_str().to_owned()));
            (labels, *count)
        };
        counts.iter().map(row).collect()
    }

    fn counted_faults(&self) -> Vec<(Labels, f64)> {
        let mut counts = BTreeMap::<(&str, Severity), u32>::new();
        for fault in &self.faults {
            *counts.entry((&fault.code, fault.severity)).or_default() += 1;
        }
        let row = |((code, severity), count): ((&str, Severity), u32)| {
            self.with([("code", code.to_owned()), ("severity", severity.as_str().to_owned())], f64::from(count))
        };
        counts.into_iter().map(row).collect()
    }

    fn of_epochs(&self, rows: impl Fn(&EpochStatus, &EpochOverview) -> Vec<(Labels, f64)>) -> Vec<(Labels, f64)> {
        let mut all = Vec::new();
        for epoch in &self.status.epochs {
            // A release between the two looks may have opened or closed one.
            let Some(shown) = self.overview.epochs.iter().find(|one| one.number == epoch.number) else { continue };
            for (more, value) in rows(epoch, shown) {
                let mut labels = self.labels();
                labels.push(("epoch", epoch.number.to_string()));
                labels.extend(more);
                all.push((labels, value));
            }
        }
        all
    }

    /// Of every partner of the policy that takes part, also one that never delivered.
    fn of_partners(&self, value: impl Fn(&PartnerOverview, u32) -> Option<f64>) -> Vec<(Labels, f64)> {
        let organisation_of = |partner: u16| self.policy().partner(partner).map(|entry| &entry.organisation);
        let row = |epoch: &EpochOverview, partner: &PartnerOverview| {
            let organisation: &Slug = organisation_of(partner.number)?;
            let labels = [
                ("epoch", epoch.number.to_string()),
                ("organisation", organisation.to_string()),
                ("partner", partner.number.to_string()),
            ];
            Some(self.with(labels, value(partner, epoch.number)?))
        };
        let epochs = self.overview.epochs.iter();
        epochs.flat_map(|epoch| epoch.partners.iter().filter_map(move |partner| row(epoch, partner))).collect()
    }
}
