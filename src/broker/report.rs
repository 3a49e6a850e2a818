//! What the broker tells its operator: numbers only.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::certificates::Certificates;
use super::clock::{CLOCK_TOLERANCE, LONGEST_UNCONFIRMED};
use super::error::BrokerError;
use super::meet::{AfterHitStatus, ExchangeStatus};
use super::organisations::changed;
use super::schedule::{NextRelease, next_release};
use super::state::{LONGEST_SILENCE, OpenEpoch};
use crate::codes::named;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::policy::{Policy, Statement};

/// What a release did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Release {
    /// The epoch.
    pub epoch: u32,
    /// The number of the release in that epoch.
    #[serde(rename = "release")]
    pub number: u64,
    /// The moment that it speaks of.
    pub as_of: Timestamp,
    /// Whether accepted flags became visible; if not, flags only ended.
    pub full: bool,
    /// Released flags, all partners together.
    pub flags: u64,
    /// Tags with a released flag.
    pub tags: u64,
}

/// What ends where it is accepted that the clock is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WouldEnd {
    /// Flags that end, also with their epoch, all partners together.
    pub flags: u64,
    /// The epochs that close, and whose keys are destroyed, by number.
    pub epochs: Vec<u32>,
    /// Lines of the log that are pruned.
    pub lines: u64,
}

/// What a purge did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purge {
    /// Rows, each a flag or a withdrawal, that were removed since the last purge.
    pub rows: u64,
    /// Bytes of the store's files before.
    pub bytes_before: u64,
    /// Bytes of the store's files after.
    pub bytes_after: u64,
}

/// The state of a broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BrokerStatus {
    /// The latest time that the broker was told. All this is as of then.
    pub as_of: Timestamp,
    /// Within how many seconds a program that runs the broker by itself writes this again; `None` where none does.
    pub again_within: Option<u32>,
    /// When that program wrote this last. A command that opened the broker since may have written it later.
    pub promised_at: Option<Timestamp>,
    /// The latest moment that was acted on.
    pub latest: Timestamp,
    /// The version of the policy in force.
    pub policy_version: u32,
    /// Its digest.
    pub policy: Digest,
    /// The last day of the policy's last epoch.
    pub closes: Day,
    /// The times without a release over which the broker went on, and nobody has said since that its clock is right.
    pub silence: Option<Silence>,
    /// What is kept because the caller is not sure enough of the clock to destroy it; `None` where it is.
    pub held_back: Option<HeldBack>,
    /// When the last backup was made of this store.
    pub last_backup: Option<Timestamp>,
    /// When the store was last restored from a backup; `None` if it never was. What partners sent before is not in
    /// this.
    pub restored: Option<Timestamp>,
    /// The folder of the keys with which the broker was opened, in absolute form, for whoever looks at the broker while
    /// it does not run; `None` where they are in memory only, or the path is not UTF-8.
    pub keys: Option<PathBuf>,
    /// The open epochs, by number.
    pub epochs: Vec<EpochStatus>,
    /// What comes after a hit; `None` where the policy has no `[meet]`.
    pub after_hit: Option<AfterHitStatus>,
    /// The certificates and suspensions that are kept, by epoch, partner and serial.
    pub certificates: Vec<CertificateStatus>,
    /// The last fault of the disk or the clock since the broker was opened. Without one, that its keys are not those of
    /// the policy.
    pub last_fault: Option<String>,
    /// Why no new checkpoints of the audit log are signed: what an
    /// [`BrokerError::LogBehind`](super::BrokerError::LogBehind) says.
    pub log_behind: Option<String>,
    /// What is wrong and was not put right yet. [`BrokerStatus::faults_at`] has what time shows, too.
    pub faults: Vec<Fault>,
}

/// Times without a release, each of more than three days, after which nobody has said that the clock is right. What the
/// clock says is destroyed by nobody then: epochs stay open, their keys are kept, nothing is pruned or purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Silence {
    /// The last release before the first of them.
    pub since: Timestamp,
    /// How many seconds they are together. After more than two weeks the broker waits for a person.
    pub seconds: u64,
}

/// What would have been destroyed by now under a clock that the caller is sure of ([`Destroys`](super::Destroys)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HeldBack {
    /// The epochs that are over, and are open with their keys, by number.
    pub epochs: Vec<u32>,
    /// Rows, each a flag or a withdrawal, that were removed and are in the store's files until the next purge.
    pub rows: u64,
}

/// Something that is wrong at the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fault {
    /// How bad it is.
    pub severity: Severity,
    /// What it is: an error's code, or `not_running`, `release_overdue`, `backup_overdue`, `not_certified`,
    /// `full_set_missing`, `not_fetched`, `coordinator_absent` or `policy_ends`; or a code of the program that runs the
    /// broker.
    pub code: String,
    /// Since when it stands, where that is known.
    pub since: Option<Timestamp>,
    /// What was found, and what to do.
    pub finding: String,
}

named! {
    /// How bad a fault is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[non_exhaustive]
    pub enum Severity {
        /// Something will not work, or not be safe, unless a person looks.
        Warning => "warning",
        /// Something does not work.
        Critical => "critical",
    }
}

impl Fault {
    pub(super) fn new(severity: Severity, code: &str, since: Option<Timestamp>, finding: String) -> Fault {
        Fault { severity, code: code.to_owned(), since, finding }
    }
}

/// How long before the end of the policy's last epoch it is said, in days: so long a new policy may take.
const POLICY_ENDS: u16 = 30;

/// For how long an epoch may wait for full sets before the operator is told: a weekend, in seconds.
const FULL_SETS_LATE: u64 = 3 * 86_400;

impl BrokerStatus {
    /// The codes of all faults that the broker itself can have. A program that runs it has codes of its own.
    pub const FAULT_CODES: [&'static str; 27] = [
        "backup_overdue",
        "broker_keys",
        "clock",
        "clock_ahead",
        "clock_unconfirmed",
        "clock_untrusted",
        "coordinator_absent",
        "file_mode",
        "folder_in_use",
        "forgotten",
        "full_set_missing",
        "io",
        "log_behind",
        "not_certified",
        "not_fetched",
        "not_running",
        "other_process",
        "other_user",
        "outcome_unknown",
        "policy_ends",
        "policy_operator",
        "random",
        "release_overdue",
        "store",
        "store_damaged",
        "store_format",
        "threads",
    ];

    /// What is wrong at `now`, the worst first: what stands, a release or a backup that is overdue, partners that do
    /// not fetch, an end of the policy. A backup is overdue that is older than `backup_days` days.
    ///
    /// A release is due at each turn of the day, and overdue a day later. A partner is to fetch each day what comes
    /// after a hit, and the operator is told of one that did not for a week; of the coordinator, after three working
    /// days.
    pub fn faults_at(&self, now: Timestamp, backup_days: u32) -> Vec<Fault> {
        let mut faults = self.faults.clone();
        if let Some(behind) = &self.log_behind {
            faults.push(Fault::new(Severity::Warning, "log_behind", None, behind.clone()));
        }
        if self.latest.since(now) > CLOCK_TOLERANCE {
            let finding = BrokerError::Clock { now, latest: self.latest }.to_string();
            // One that stands already was noted at another time: how far the clock is behind now is told, and once.
            match faults.iter_mut().find(|fault| fault.code == "clock") {
                Some(standing) => standing.finding = finding,
                None => faults.push(Fault::new(Severity::Critical, "clock", None, finding)),
            }
        }
        let promised_at = self.promised_at.unwrap_or(self.as_of);
        let is_late = |within: &u32| now.0.abs_diff(promised_at.0) > u64::from(*within);
        if let Some(within) = self.again_within.filter(is_late) {
            let finding = format!(
                "the program that runs the broker was to write this again within {within} seconds, and has not since \
                 {promised_at}: see whether it runs and answers, or whether the clock was set; if it is to run no \
                 more, start it and stop it in good order"
            );
            faults.push(Fault::new(Severity::Critical, "not_running", Some(promised_at), finding));
        }
        let mut add = |severity, code, since, finding| faults.push(Fault::new(severity, code, since, finding));
        if let Some(Silence { since, .. }) = self.silence {
            let error = BrokerError::ClockUnconfirmed { since };
            add(Severity::Warning, "clock_unconfirmed", Some(since), error.to_string());
        }
        if let Some(HeldBack { epochs, rows }) = self.held_back.as_ref().filter(|_| self.silence.is_none()) {
            // A fault is shown to more people than may know how many rows it is.
            let rows = (*rows > 0).then(|| "rows that were removed wait to be purged".to_owned());
            let kept = (!epochs.is_empty()).then(|| open_epochs(epochs));
            let waits = kept.into_iter().chain(rows).collect::<Vec<_>>().join(", ");
            let finding = format!("{}; {waits}", BrokerError::ClockUncertain { now: self.as_of });
            add(Severity::Warning, "clock_unconfirmed", None, finding);
        }
        let silent_before = self.silence.map_or(0, |silence| silence.seconds);
        for EpochStatus { number, as_of, next_release: due, .. } in &self.epochs {
            let silent = now.since(*as_of);
            let is_stopped = silent > LONGEST_SILENCE && silent + silent_before > LONGEST_UNCONFIRMED;
            if now.since(*due) < 86_400 {
                continue;
            }
            let remedy = if is_stopped {
                "the broker waits for a person: see whether the clock is right, and if it is, say so with stapel \
                 broker accept-clock"
            } else {
                "run stapel broker release, once a day"
            };
            let finding = format!("epoch {number} has had no release since {as_of}: {remedy}");
            let severity = if is_stopped { Severity::Critical } else { Severity::Warning };
            add(severity, "release_overdue", Some(*due), finding);
        }
        for EpochStatus { number, uncertified, .. } in &self.epochs {
            if !uncertified.is_empty() {
                let partners = numbers(uncertified);
                let finding = format!(
                    "nothing is accepted in epoch {number} of {partners}, without a certificate that holds: ask their \
                     organisations for one, and keep it with stapel broker certify"
                );
                add(Severity::Warning, "not_certified", None, finding);
            }
        }
        for EpochStatus { number, waits_since, without_full_set, .. } in &self.epochs {
            let Some(since) = waits_since.filter(|since| now.since(*since) >= FULL_SETS_LATE) else { continue };
            if !without_full_set.is_empty() {
                let partners = numbers(without_full_set);
                let finding = format!(
                    "epoch {number} waits for the full set of {partners}: tell their organisations, which deliver once \
                     more; after a restore nothing counts there before"
                );
                add(Severity::Warning, "full_set_missing", Some(since), finding);
            }
        }
        let today = now.day();
        let after = |partner: &ExchangeStatus| partner.silent_since.plus(1).start();
        let not_fetching = self.after_hit.as_ref().map_or(Vec::new(), |shown| shown.not_fetching(today));
        if let Some(since) = not_fetching.iter().map(after).min() {
            let partners = numbers(&not_fetching.iter().map(|partner| partner.number).collect::<Vec<_>>());
            let finding = format!(
                "for a week or longer nothing was fetched by {partners}, whose people so hear nothing of what comes \
                 after a hit: ask their organisations whether stapel partner sync runs there each day"
            );
            add(Severity::Warning, "not_fetched", Some(since), finding);
        }
        if let Some(absent) = self.after_hit.as_ref().and_then(|shown| shown.absent_coordinator(today)) {
            let finding = format!(
                "on three working days or more nothing was fetched by the coordinator, partner {}, so that nobody \
                 takes up what others put forward: ask there whether stapel partner sync runs each day",
                absent.number
            );
            add(Severity::Warning, "coordinator_absent", Some(after(&absent)), finding);
        }
        let ends = self.closes.plus(1).start();
        if now >= ends {
            let finding = format!("all epochs of the policy are over since {}: adopt a newer one", self.closes);
            add(Severity::Critical, "policy_ends", Some(ends), finding);
        } else if ends.since(now) < u64::from(POLICY_ENDS) * 86_400 {
            let finding =
                format!("{} is the last day of the policy's last epoch: adopt a newer policy before", self.closes);
            add(Severity::Warning, "policy_ends", None, finding);
        }
        if self.last_backup.is_none_or(|made| now.since(made) > u64::from(backup_days) * 86_400) {
            let last = self.last_backup.map_or("no backup was made of this store".to_owned(), |made| {
                format!("the last backup was made at {made}")
            });
            let finding = format!("{last}: run stapel broker backup, once a day");
            let since = self.last_backup.map(|made| made.plus(u64::from(backup_days) * 86_400));
            add(Severity::Warning, "backup_overdue", since, finding);
        }
        faults.sort_by_key(|fault| std::cmp::Reverse(fault.severity));
        faults
    }
}

/// Epochs that are over and not closed, by their numbers.
fn open_epochs(epochs: &[u32]) -> String {
    let numbers: Vec<String> = epochs.iter().map(|number| number.to_string()).collect();
    format!("epoch {} is over and has its keys still", numbers.join(", "))
}

/// Partners, by their numbers.
fn numbers(partners: &[u16]) -> String {
    let numbers: Vec<String> = partners.iter().map(|number| number.to_string()).collect();
    format!("partner {}", numbers.join(", "))
}

/// An open epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EpochStatus {
    /// Its number.
    pub number: u32,
    /// The release in force.
    pub release: u64,
    /// The moment that it speaks of.
    pub as_of: Timestamp,
    /// Tags with a released flag.
    pub tags: u64,
    /// When the next release is due, the turn of the day: what ended or was withdrawn goes with it, whatever else.
    pub next_release: Timestamp,
    /// When new flags can show next, if enough organisations have some then.
    pub shows_from: Timestamp,
    /// When they show whatever changed.
    pub shows_by: Timestamp,
    /// How many organisations have new flags.
    pub changed: usize,
    /// How many must have some.
    pub min_changed: usize,
    /// Since when the epoch waits for the full sets of all that flag in it, before new flags show for the first time.
    pub waits_since: Option<Timestamp>,
    /// Its partners, by number.
    pub partners: Vec<PartnerStatus>,
    /// The partners that take part and have no certificate that holds, by number: nothing of theirs is accepted.
    pub uncertified: Vec<u16>,
    /// The partners that may flag and of which no full set has come, by number.
    pub without_full_set: Vec<u16>,
}

/// A partner in an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PartnerStatus {
    /// Its number.
    pub number: u16,
    /// Flags that it holds.
    pub held: u32,
    /// Flags of it that are released.
    pub released: u32,
    /// When its last state message was accepted.
    pub heard: Option<Timestamp>,
    /// Whether a full set has come.
    pub full_set_seen: bool,
}

/// A certificate or a suspension of a partner that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CertificateStatus {
    /// The epoch.
    pub epoch: u32,
    /// The partner's number.
    pub partner: u16,
    /// Its serial. The highest whose first day has come counts.
    pub serial: u32,
    /// Whether it suspends the partner.
    pub suspends: bool,
    /// The first day on which it holds.
    pub first_day: Day,
    /// The last day on which it holds.
    pub last_day: Day,
}

impl CertificateStatus {
    pub(super) fn of(statement: &Statement) -> CertificateStatus {
        let Statement { partner, epoch, serial, ref keys, first_day, last_day } = *statement;
        CertificateStatus { epoch, partner, serial, suspends: keys.is_none(), first_day, last_day }
    }
}

impl EpochStatus {
    pub(super) fn of(
        number: u32,
        epoch: &OpenEpoch,
        policy: &Policy,
        certificates: &Certificates,
        today: Day,
    ) -> EpochStatus {
        let taking_part = || policy.partners.iter().filter(|one| policy.takes_part(&one.organisation, number));
        let is_certified = |partner: u16| {
            // A suspension is a decision, and no lack.
            let counts = certificates.of(number, partner, today).map(|(statement, _)| statement);
            counts.is_some_and(|statement| statement.keys.is_none() || today <= statement.last_day)
        };
        let has_set = |partner| epoch.accounts.get(&partner).is_some_and(|account| account.row.has_set());
        let uncertified = taking_part().map(|one| one.number).filter(|number| !is_certified(*number)).collect();
        let flagging = taking_part().filter(|one| one.may.flag).map(|one| one.number);
        let without_full_set = flagging.filter(|number| !has_set(*number)).collect();
        let NextRelease { due, shows_from, shows_by } = next_release(policy, number, &epoch.row);
        let partners = epoch.accounts.iter().map(|(partner, account)| PartnerStatus {
            number: *partner,
            held: account.row.held,
            released: epoch.tally.of(*partner),
            heard: account.row.heard,
            full_set_seen: account.row.has_set(),
        });
        EpochStatus {
            number,
            release: epoch.row.release,
            as_of: epoch.row.as_of,
            tags: epoch.tally.tags,
            next_release: due,
            shows_from,
            shows_by,
            changed: changed(policy, number, epoch, epoch.row.as_of.day()).len(),
            min_changed: usize::from(policy.release.min_changed.max(1)),
            waits_since: epoch.row.waits_since,
            partners: partners.collect(),
            uncertified,
            without_full_set,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;
    use crate::system::SystemError;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_that_a_fault_can_have_is_listed() {
        let mut codes: BTreeSet<&str> =
            [BrokerError::CODES, StoreError::CODES, SystemError::CODES].concat().into_iter().collect();
        // Those that are named where the fault is made.
        for source in [include_str!("report.rs"), include_str!("mod.rs")] {
            let made = source.split("Severity::").skip(1).chain(source.split("add(severity").skip(1));
            codes.extend(
                made.filter_map(|rest| rest.split_once(", \"")?.1.split('"').next()).filter(|code| {
                    !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                }),
            );
        }
        assert!(codes.iter().copied().eq(BrokerStatus::FAULT_CODES), "{codes:?}");
    }
}
