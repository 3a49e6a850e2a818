//! `stapel broker status`: numbers for the operator, what is wrong, and the exit status of a monitor's plug-in.

use std::io::Write;
use std::path::Path;

use serde_json::json;
use stapel::broker::{AfterHitStatus, BrokerStatus, CertificateStatus, EpochStatus, Fault, Severity};
use stapel::{Broker, Timestamp};

use super::BrokerFolder;
use crate::failure::{Failure, note, some_warned, warn};
use crate::now::Clock;
use crate::output::{Output, counted};

/// Show numbers for the operator, and what is wrong
///
/// Whatever is wrong with this clock is said too; nothing is done at its time. Where another process has the store
/// open, this shows what that one wrote last, and as of when.
///
/// With --check it opens nothing, and reads only what was written last: so it may run every minute, as the folder's
/// owner or as root, and beside a broker that is working. It prints one line for each fault, with since when and what
/// to do, then the next releases and the last backup. Its exit status is that of a monitor's plug-in: 0 OK, 1 WARNING,
/// 2 CRITICAL, 3 UNKNOWN.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker status --dir broker --json\n  \
                        stapel broker status --dir broker --check")]
pub(super) struct StatusArgs {
    #[command(flatten)]
    place: BrokerFolder,
    /// Judge it for a monitor
    #[arg(long)]
    check: bool,
    /// Warn of a backup that is older than so many days
    #[arg(long, value_name = "N", default_value_t = 2)]
    backup_days: u32,
    /// Print one JSON object; its clock is what is wrong with the clock, or null
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

impl StatusArgs {
    /// Whether its exit status is a verdict.
    pub(super) fn is_check(&self) -> bool {
        self.check
    }

    pub(super) fn place(&self) -> &BrokerFolder {
        &self.place
    }

    pub(super) fn place_mut(&mut self) -> &mut BrokerFolder {
        &mut self.place
    }
}

pub(super) fn status(args: &StatusArgs, out: &mut Output) -> Result<(), Failure> {
    if args.check {
        return check(args, out);
    }
    let broker = args.place.open()?;
    let clock = broker.clock(&args.clock)?;
    if let Err(error) = BrokerStatus::read(&args.place.dir) {
        warn(&format!("status.json cannot be written, so that monitors see nothing of this: {error}"));
    }
    show(args, &broker.status(), clock.now, clock_fault(&broker, clock), out)
}

/// Shows what another process, which has the store open, wrote last.
pub(super) fn written(args: &StatusArgs, out: &mut Output) -> Result<(), Failure> {
    let now = args.clock.time()?;
    let status = BrokerStatus::read(&args.place.dir)?;
    note(&format!("another process has the store open; this is what it wrote as of {}", status.as_of));
    show(args, &status, now, None, out)
}

fn show(
    args: &StatusArgs,
    status: &BrokerStatus,
    now: Timestamp,
    clock: Option<String>,
    out: &mut Output,
) -> Result<(), Failure> {
    let faults = status.faults_at(now, args.backup_days);
    if !faults.is_empty() || clock.is_some() {
        some_warned();
    }
    if args.json {
        return out.json(&to_json(status, clock, &faults));
    }
    writeln!(out, "as of {}", status.as_of)?;
    writeln!(out, "policy version {}, digest {}", status.policy_version, status.policy)?;
    for epoch in &status.epochs {
        writeln!(out, "epoch {}: release {} as of {}, {} tags", epoch.number, epoch.release, epoch.as_of, epoch.tags)?;
        for partner in &epoch.partners {
            let heard = match (partner.heard, status.restored) {
                (Some(time), _) => format!("last heard of {time}"),
                // When it was heard of before is not in a store that was put back.
                (None, Some(restored)) => format!("not heard of since the restore of {restored}"),
                (None, None) => "not heard of yet".to_owned(),
            };
            let full = if partner.full_set_seen { "" } else { "; no full set yet" };
            let (held, released) = (partner.held, partner.released);
            writeln!(out, "  partner {}: {held} flags held, {released} released, {heard}{full}", partner.number)?;
        }
    }
    if let Some(shown) = &status.after_hit {
        after_hit(shown, out)?;
    }
    for one in &status.certificates {
        let CertificateStatus { epoch, partner, serial, first_day, last_day, .. } = one;
        let kind = if one.suspends { "suspension" } else { "certificate" };
        writeln!(out, "{kind} of partner {partner} in epoch {epoch}: serial {serial}, {first_day} to {last_day}")?;
    }
    what_comes(status, out)?;
    if let Some(fault) = &clock {
        writeln!(out, "clock: {fault}")?;
    }
    if let Some(fault) = &status.last_fault {
        writeln!(out, "last fault: {fault}")?;
    }
    for fault in &faults {
        writeln!(out, "{}", line(fault))?;
    }
    Ok(())
}

/// Who fetched when, and how much there was.
fn after_hit(shown: &AfterHitStatus, out: &mut Output) -> Result<(), Failure> {
    if let Some(day) = shown.counted_on {
        let rounded = |number: u32| if number == 0 { "fewer than 10".to_owned() } else { format!("{number} or more") };
        let [rows, talks, notes] = [shown.put_forward, shown.conversations, shown.notes].map(rounded);
        writeln!(out, "after a hit, on {day}: {rows} rows put forward, {talks} conversations, {notes} notes waited")?;
    }
    for partner in &shown.partners {
        let who = if partner.coordinates { "coordinator, partner" } else { "partner" };
        let fetched =
            partner.exchanged.map_or("nothing fetched yet".to_owned(), |day| format!("fetched last on {day}"));
        writeln!(out, "  {who} {}: {fetched}", partner.number)?;
    }
    Ok(())
}

fn clock_fault(broker: &Broker, now: stapel::Clock) -> Option<String> {
    broker.check_clock(now).err().map(|fault| fault.to_string())
}

/// Judges what the broker wrote last, and what of its folder can be seen without opening it.
fn check(args: &StatusArgs, out: &mut Output) -> Result<(), Failure> {
    let now = args.clock.time()?;
    let status = match BrokerStatus::read(&args.place.dir) {
        Ok(status) => status,
        Err(error) => {
            let found = args.place.lacks().unwrap_or_else(|| error.to_string());
            if args.json {
                out.json(&json!({ "check": "UNKNOWN", "error": found }))?;
            } else {
                writeln!(out, "UNKNOWN: {found}")?;
            }
            return Err(Failure::Monitor(3));
        }
    };
    let mut faults: Vec<(Severity, String)> = Vec::new();
    let mut missing = args.place.lacks();
    for EpochStatus { number, .. } in &status.epochs {
        for name in [format!("epoch-{number}.pepper"), format!("epoch-{number}.blobs")] {
            let path = args.place.keys().join(name);
            if missing.is_none() && is_missing(&path) {
                missing = Some(format!(
                    "{} is not there: put the folder with the keys back as it was",
                    stapel::shown_path(&path)
                ));
            }
        }
    }
    let unwritable =
        args.place.cannot_be_written().map(|found| (Severity::Critical, format!("CRITICAL [io]: {found}")));
    faults.extend(unwritable);
    faults.extend(missing.map(|found| (Severity::Critical, format!("CRITICAL [broker_folder]: {found}"))));
    let found = status.faults_at(now, args.backup_days);
    faults.extend(found.iter().map(|fault| (fault.severity, line(fault))));
    let worst = faults.iter().map(|(severity, _)| *severity).max();
    let (word, exit) = match worst {
        None => ("OK", 0),
        Some(Severity::Warning) => ("WARNING", 1),
        Some(_) => ("CRITICAL", 2),
    };
    if args.json {
        let mut value = to_json(&status, None, &found);
        value["check"] = json!(word);
        value["lines"] = faults.iter().map(|(_, line)| line.as_str()).collect();
        out.json(&value)?;
    } else {
        writeln!(out, "{word}: {}, as of {}", counted(faults.len(), "fault", "faults"), status.as_of)?;
        for (_, line) in &faults {
            writeln!(out, "{line}")?;
        }
        what_comes(&status, out)?;
    }
    if exit == 0 { Ok(()) } else { Err(Failure::Monitor(exit)) }
}

fn to_json(status: &BrokerStatus, clock: Option<String>, faults: &[Fault]) -> serde_json::Value {
    let mut value = serde_json::to_value(status).unwrap_or_default();
    value["clock"] = json!(clock);
    value["faults"] = json!(faults);
    value
}

/// The next releases and the last backup.
fn what_comes(status: &BrokerStatus, out: &mut Output) -> Result<(), Failure> {
    if status.epochs.is_empty() {
        writeln!(out, "next release: none, because no epoch is open; the policy's last ends on {}", status.closes)?;
    }
    for epoch in &status.epochs {
        let EpochStatus { number, next_release, shows_from, shows_by, changed, min_changed, .. } = epoch;
        let shows = match epoch.waits_since {
            Some(_) => {
                let waits: Vec<String> = epoch.without_full_set.iter().map(|number| number.to_string()).collect();
                let waits = if waits.is_empty() { String::new() } else { format!(" (not yet: {})", waits.join(", ")) };
                format!("for the first time once all that flag have delivered{waits}, at the latest {shows_by}")
            }
            None if shows_from == shows_by => format!("from {shows_by} on"),
            None if changed >= min_changed => format!("from {shows_from} on: {changed} organisations have some"),
            None => format!(
                "from {shows_from} on if {min_changed} organisations have some ({changed} now), else {shows_by}"
            ),
        };
        writeln!(out, "next release of epoch {number}: {next_release}; new flags show {shows}")?;
    }
    let backup = status.last_backup.map_or("none of this store".to_owned(), |made| made.to_string());
    writeln!(out, "last backup: {backup}")?;
    Ok(())
}

/// A fault as one line.
fn line(fault: &Fault) -> String {
    let Fault { severity, code, since, finding, .. } = fault;
    let word = severity.as_str().to_uppercase();
    let since = since.map_or(String::new(), |since| format!(" since {since}"));
    format!("{word}{since} [{code}]: {finding}")
}

fn is_missing(path: &Path) -> bool {
    matches!(path.try_exists(), Ok(false))
}
