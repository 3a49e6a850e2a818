//! What the operator does with a broker: releases, policies, purging, backups, and the log for an officer.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;
use stapel::audit::{LogRow, MAX_CHECKPOINT, UnverifiedCheckpoint};
use stapel::broker::{Release, VerifiedLog, WouldEnd};
use stapel::policy::{Certificate, Statement};
use stapel::{Broker, BrokerKeys, Day, Policy, SystemError};

use super::{BrokerFolder, Opened, note_uncertified};
use crate::failure::{Failure, warn};
use crate::files::{self, NewFile};
use crate::now::{Clock, refuse_other_date};
use crate::output::{Output, Shown, counted};
use crate::progress::Progress;
use crate::threads::WorkArgs;

/// Make the releases that are due, and close epochs whose last day is over
///
/// What ended or was withdrawn goes from the files with it. Handling a message makes the same releases first; a broker
/// that gets none needs this once a day. After more than three days without one nothing is closed, destroyed or purged,
/// and after two weeks nothing is released, for the clock may be wrong: see whether it is right, and say so with
/// `stapel broker accept-clock`.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker release --dir broker")]
pub(super) struct ReleaseArgs {
    #[command(flatten)]
    pub(super) place: BrokerFolder,
    /// Print JSON Lines, one for each epoch that closed and each release
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    work: WorkArgs,
}

/// Say that the clock is right, where there was no release for more than three days
///
/// With that, flags end, epochs close and their keys are destroyed, and lines of the log are pruned: without --date it
/// only says which and how many those are. The log says that this was said. A day after the policy's last epoch is
/// refused: adopt a newer policy first.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker accept-clock --dir broker --date 2027-01-11")]
pub(super) struct AcceptClockArgs {
    #[command(flatten)]
    pub(super) place: BrokerFolder,
    /// Today's date in UTC, typed out from a calendar and not from this machine's clock
    #[arg(long, value_name = "DAY")]
    date: Option<Day>,
    /// Print JSON Lines, one for each epoch that closed and each release
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    work: WorkArgs,
}

/// Keep certificates and suspensions of partners
///
/// They come from the partners' organisations, and hold from their first day on. One that was kept before is no error.
/// The exit status is 3 where one was refused; the others are kept all the same.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker certify --dir broker 1.1.2.cert")]
pub(super) struct CertifyArgs {
    #[command(flatten)]
    pub(super) place: BrokerFolder,
    /// Certificates and suspensions
    #[arg(required = true)]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    clock: Clock,
}

/// Take a newer policy into force, and say what changes
///
/// It takes up the certificates in the policy's folder.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker adopt --dir broker --policy policy-2.toml")]
pub(super) struct AdoptArgs {
    #[command(flatten)]
    pub(super) place: BrokerFolder,
    /// The policy, with its signatures beside it
    #[arg(long, value_name = "FILE")]
    pub(super) policy: PathBuf,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// Announce in the log a version that says that an organisation lost its policy key
///
/// It can be adopted 30 days later, and until then that organisation can veto it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker announce --dir broker --policy policy-2.toml")]
pub(super) struct AnnounceArgs {
    #[command(flatten)]
    pub(super) place: BrokerFolder,
    /// The version, with its signatures beside it
    #[arg(long, value_name = "FILE")]
    pub(super) policy: PathBuf,
    #[command(flatten)]
    clock: Clock,
}

/// Keep an organisation's veto of the versions that say that its policy key is lost
///
/// A version that follows the policy in force and says so is then refused.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker veto --dir broker policy.toml.belastingdienst.veto.sig")]
pub(super) struct VetoArgs {
    #[command(flatten)]
    pub(super) place: BrokerFolder,
    /// The veto
    pub(super) file: PathBuf,
}

/// Write what counts to fresh files, so that nothing that went is left in them
///
/// A release does this too. It promises nothing of what a disk, a snapshot or a backup remembers: let old backups go on
/// time.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker purge --dir broker")]
pub(super) struct PurgeArgs {
    #[command(flatten)]
    pub(super) place: BrokerFolder,
    /// Print one JSON object: rows, bytes_before, bytes_after
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// Copy the store and the policies to a folder
///
/// The keys are not in the copy, which opens nothing without them: keep a copy of their folder elsewhere, all of it but
/// signed.logs, which must never be put back from a copy. A copy that was broken off is none, and the same command
/// makes it whole.
///
/// With --verify it makes none, and proves that one is good: it opens all that is sealed with the keys, compares the
/// log with its hashes and its checkpoints, and says what is in the copy, and as of when. Nothing is changed.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker backup --dir broker --to /mnt/backup/2026-12-01\n  \
                        stapel broker backup --dir broker --verify /mnt/backup/2026-12-01")]
pub(super) struct BackupArgs {
    #[command(flatten)]
    pub(super) place: BrokerFolder,
    /// The folder of the copy, in which there must be no broker
    #[arg(long, value_name = "DIR", required_unless_present = "verify")]
    pub(super) to: Option<PathBuf>,
    /// The folder of a copy to be verified, with the keys that it would be restored with
    #[arg(long, value_name = "DIR", conflicts_with = "to")]
    pub(super) verify: Option<PathBuf>,
    /// Print one JSON object on the copy that was verified: status, lines, pruned, checkpoints
    #[arg(long, requires = "verify")]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// Put a backup in the place of a store that was lost
///
/// What partners said since the backup is not in it. So each partner counts again when its full set has come, and is
/// told so with the code `recovering`; a flag that was withdrawn since does not come back. Policies, certificates and
/// suspensions that came since must be adopted and kept again: `stapel broker adopt`, `stapel broker certify`.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel broker restore --from /mnt/backup/2026-12-01 --dir broker --keys /mnt/keys/broker"
)]
pub(super) struct RestoreArgs {
    /// The folder of the backup
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    place: BrokerFolder,
    /// Today's date in UTC, from a calendar, for a backup that is older than three days: a clock that is ahead would
    /// destroy the keys of epochs that are not over
    #[arg(long, value_name = "DAY")]
    date: Option<Day>,
    /// A version that was adopted since, for a backup all of whose policy's epochs are over; again for each, oldest
    /// first. Those that are not needed for that are not adopted: do so afterwards, with `stapel broker adopt`
    #[arg(long, value_name = "FILE", requires = "date")]
    policy: Vec<PathBuf>,
    /// Print one JSON object: policy_version, policy, epochs, first, last_fault, log_behind
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// Export the log and its checkpoints, for an officer
///
/// One row of JSON for each line from the first on; of a pruned line its hash. Each checkpoint goes to a file of its
/// own, which is named after how many lines it covers. `stapel audit` checks them without the broker.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker log --dir broker --out log.jsonl --checkpoints checkpoints/\n  \
                        stapel audit verify --policy policy.toml --log log.jsonl --checkpoints checkpoints/")]
pub(super) struct LogArgs {
    #[command(flatten)]
    pub(super) place: BrokerFolder,
    /// The file of the log; one that is there is replaced
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
    /// The folder of the checkpoints; those that are there stay
    #[arg(long, value_name = "DIR")]
    pub(super) checkpoints: PathBuf,
    /// Print one JSON object: lines, pruned, checkpoints
    #[arg(long)]
    json: bool,
}

/// Sign today's checkpoint of the log, if it is not signed yet, and print the latest
///
/// It is a C2SP signed note, which `stapel audit` checks. One is signed a day, after the lines on the day before; what
/// else is due is done first, as before a message.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker checkpoint --dir broker > latest.checkpoint")]
pub(super) struct CheckpointArgs {
    #[command(flatten)]
    pub(super) place: BrokerFolder,
    #[command(flatten)]
    clock: Clock,
}

/// Compare the log with its hashes and with each checkpoint that was signed of it
///
/// Of the lines after the latest checkpoint nothing is proven until the next one is signed, and it says how many these
/// are. Nothing is changed, and a broker that runs goes on meanwhile. To verify a backup, with all that is sealed in
/// it: `stapel broker backup --verify`.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker verify --dir broker")]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    pub(super) place: BrokerFolder,
    /// Print one JSON object: lines, pruned, checkpoints, covered (by the latest of these), log_behind
    #[arg(long)]
    json: bool,
}

pub(super) fn checkpoint(args: &CheckpointArgs, out: &mut Output) -> Result<(), Failure> {
    let broker = args.place.open()?;
    let checkpoint = broker.checkpoint(broker.clock(&args.clock)?)?;
    Ok(out.write_all(&checkpoint)?)
}

pub(super) fn verify_log(args: &VerifyArgs, out: &mut Output) -> Result<(), Failure> {
    let verified = args.place.open()?.verify_log()?;
    if let Some(behind) = &verified.log_behind {
        warn(&format!("log_behind: {behind}"));
    }
    if args.json {
        return out.json(&verified);
    }
    let VerifiedLog { lines, pruned, covered, .. } = verified;
    let lines_of = counted(lines, "line", "lines");
    let checkpoints = counted(verified.checkpoints as u64, "checkpoint", "checkpoints");
    writeln!(out, "{lines_of} of the log, {pruned} of them pruned: each is as its hash says")?;
    writeln!(out, "{covered} of them are as they were signed, held to {checkpoints}")?;
    if lines > covered {
        writeln!(out, "of the last {} nothing is proven: they are after the latest checkpoint", lines - covered)?;
    }
    Ok(())
}

pub(super) fn release(args: &ReleaseArgs, out: &mut Output) -> Result<(), Failure> {
    let threads = args.work.threads.start()?;
    let broker = args.place.open()?.with_threads(threads);
    let clock = broker.clock(&args.work.clock)?;
    let before = epochs_of(&broker);
    let in_force = |broker: &Broker| broker.status().epochs.iter().map(|epoch| epoch.release).max();
    let latest = in_force(&broker);
    let releases = broker.release(clock).map_err(|error| {
        let failure = Failure::from(error);
        if in_force(&broker) == latest {
            return failure;
        }
        let made = "a release was made all the same, and what comes after it was not: run this again";
        Failure::Partly(Box::new(failure.and(made)))
    })?;
    say_released(&broker, &before, &releases, args.json, out)
}

pub(super) fn accept_clock(args: &AcceptClockArgs, out: &mut Output) -> Result<(), Failure> {
    let threads = args.work.threads.start()?;
    let broker = args.place.open()?.with_threads(threads);
    let now = broker.clock(&args.work.clock)?.now;
    let would_end = broker.would_end(now)?;
    let told = format!("the clock says {now}; with that, {}", ends(&would_end));
    refuse_other_date(args.date, now, &told)?;
    let before = epochs_of(&broker);
    let releases = broker.accept_clock(now)?;
    broker.clock_accepted();
    if !args.json {
        writeln!(out, "accepted that it is {now}; with that, {}", ends(&would_end))?;
    }
    say_released(&broker, &before, &releases, args.json, out)
}

/// What ends, in words.
fn ends(would_end: &WouldEnd) -> String {
    let WouldEnd { flags, epochs, lines, .. } = would_end;
    let epochs = match epochs.as_slice() {
        [] => "no epoch closes".to_owned(),
        [one] => format!("epoch {one} closes and its keys are destroyed"),
        more => {
            let numbers: Vec<String> = more.iter().map(u32::to_string).collect();
            format!("epochs {} close and their keys are destroyed", numbers.join(", "))
        }
    };
    format!("{flags} flags end, {epochs}, and {lines} lines of the log are pruned")
}

fn epochs_of(broker: &Broker) -> Vec<u32> {
    broker.status().epochs.iter().map(|epoch| epoch.number).collect()
}

/// Says which of the epochs that were open `before` closed, and which releases were made.
fn say_released(
    broker: &Broker,
    before: &[u32],
    releases: &[Release],
    json: bool,
    out: &mut Output,
) -> Result<(), Failure> {
    let after = epochs_of(broker);
    let closed: Vec<u32> = before.iter().copied().filter(|number| !after.contains(number)).collect();
    if let Some(behind) = broker.status().log_behind {
        warn(&format!("log_behind: {behind}"));
    }
    for epoch in &closed {
        if json {
            out.json(&json!({ "epoch": epoch, "closed": true, "keys": "destroyed" }))?;
        } else {
            writeln!(out, "epoch {epoch} closed, because its last day is over; its keys were destroyed")?;
        }
    }
    if releases.is_empty() && closed.is_empty() && !json {
        writeln!(out, "no release was due")?;
    }
    for release in releases {
        if json {
            out.json(release)?;
        } else {
            let Release { epoch, number, as_of, flags, tags, .. } = release;
            let what = if release.full { "new flags show" } else { "flags only ended" };
            let (flags, tags) = (counted(*flags, "flag", "flags"), counted(*tags, "tag", "tags"));
            writeln!(out, "epoch {epoch}, release {number} as of {as_of}: {what}; {flags} on {tags}")?;
        }
    }
    Ok(())
}

pub(super) fn announce(args: &AnnounceArgs, out: &mut Output) -> Result<(), Failure> {
    let broker = args.place.open()?;
    let announced = broker.announce_policy(&args.policy, broker.clock(&args.clock)?);
    let first = announced.map_err(Failure::of_policy(&args.policy))?;
    writeln!(out, "it is announced, and can be adopted from {first} on, unless the organisation vetoes it")?;
    Ok(())
}

pub(super) fn veto(args: &VetoArgs) -> Result<(), Failure> {
    Ok(args.place.open()?.keep_veto(&args.file)?)
}

pub(super) fn certify(args: &CertifyArgs, out: &mut Output) -> Result<(), Failure> {
    // Before the store is opened, since what was named may be a pipe.
    let read: Vec<_> = args.files.iter().map(|path| (path, Certificate::read(path))).collect();
    let broker = args.place.open()?;
    let (mut failures, mut any_done) = (Vec::new(), false);
    for (path, certificate) in read {
        let kept = certificate.map_err(Failure::from).and_then(|read| keep_certificate(&broker, &read, &args.clock));
        match kept.map_err(Failure::of_file(path)) {
            Ok(said) => {
                any_done = true;
                writeln!(out, "{}: {said}", path.shown())?;
            }
            Err(failure) => failures.push(failure),
        }
    }
    Failure::of_several(failures, any_done)
}

/// What became of a certificate.
fn keep_certificate(broker: &Opened, certificate: &Certificate, clock: &Clock) -> Result<String, Failure> {
    let is_new = broker.keep_certificate(certificate, broker.clock(clock)?)?;
    let Statement { partner, epoch, first_day, .. } = certificate.claimed();
    let what = if certificate.claimed().keys.is_some() { "certified" } else { "suspended" };
    let when = if is_new { "" } else { ", as was kept before" };
    Ok(format!("partner {partner} is {what} in epoch {epoch} from {first_day} on{when}"))
}

pub(super) fn adopt(args: &AdoptArgs, out: &mut Output) -> Result<(), Failure> {
    let broker = args.place.open()?;
    // To adopt what was adopted, as after a command that was broken off, is no error.
    let differences =
        if Policy::read(&args.policy).map_err(Failure::of_policy(&args.policy))?.digest() == broker.policy().digest() {
            Vec::new()
        } else {
            broker.adopt_policy(&args.policy, broker.clock(&args.clock)?).map_err(Failure::of_policy(&args.policy))?
        };
    note_uncertified(&broker, broker.clock(&args.clock)?.now);
    if args.json {
        return out.json(&differences);
    }
    for difference in differences {
        writeln!(out, "{difference}")?;
    }
    Ok(())
}

pub(super) fn purge(args: &PurgeArgs, out: &mut Output) -> Result<(), Failure> {
    let broker = args.place.open()?;
    let purge = broker.purge(broker.clock(&args.clock)?)?;
    let (rows, before, after) = (purge.rows, purge.bytes_before, purge.bytes_after);
    if args.json {
        return out.json(&json!({ "rows": rows, "bytes_before": before, "bytes_after": after }));
    }
    writeln!(out, "{rows} flags and withdrawals went; the store's files have {after} bytes, and had {before}")?;
    Ok(())
}

pub(super) fn backup(args: &BackupArgs, out: &mut Output) -> Result<(), Failure> {
    let to = match (&args.verify, &args.to) {
        (Some(copy), _) => return verify(copy, args, out),
        (None, Some(to)) => to,
        (None, None) => return Err(Failure::Usage("--to or --verify is needed".into())),
    };
    let broker = args.place.open()?;
    broker.backup(to, broker.clock(&args.clock)?)?;
    if let Some(fault) = broker.status().last_fault {
        warn(&format!("last fault: {fault}"));
    }
    let keys = args.place.keys();
    writeln!(
        out,
        "copied to {}; the keys in {} are not in it, and it opens nothing without them",
        to.shown(),
        keys.shown()
    )?;
    Ok(())
}

/// Proves that a copy is good, and says what is in it.
fn verify(copy: &Path, args: &BackupArgs, out: &mut Output) -> Result<(), Failure> {
    let keys = open_keys(&args.place)?;
    let verified = Broker::verify_backup(copy, keys).map_err(Failure::of_file(copy))?;
    let status = &verified.status;
    let today = args.clock.time()?.day();
    if today > status.closes {
        warn(&format!(
            "all epochs of its policy are over since {}: restored, it needs the newer versions with --policy",
            status.closes
        ));
    }
    if let Some(fault) = &status.last_fault {
        warn(fault);
    }
    if args.json {
        return out.json(&verified);
    }
    writeln!(out, "{} is good, as of {}", copy.shown(), status.latest)?;
    writeln!(out, "policy version {}, digest {}", status.policy_version, status.policy)?;
    for epoch in &status.epochs {
        let held: u64 = epoch.partners.iter().map(|partner| u64::from(partner.held)).sum();
        let held = counted(held, "flag", "flags");
        writeln!(out, "epoch {}: {held} held by {} partners", epoch.number, epoch.partners.len())?;
    }
    let (lines, pruned) = (counted(verified.lines, "line", "lines"), verified.pruned);
    let checkpoints = counted(verified.checkpoints as u64, "checkpoint", "checkpoints");
    writeln!(out, "{lines} of the log, {pruned} of them pruned, and {checkpoints} of it")?;
    if let Some(behind) = &status.log_behind {
        writeln!(out, "restored, it has this: {behind}")?;
    }
    Ok(())
}

/// The broker's keys, or where they were looked for.
fn open_keys(place: &BrokerFolder) -> Result<BrokerKeys, Failure> {
    BrokerKeys::open(&place.keys()).map_err(|error| {
        let (code, place) = (error.code(), place.keys());
        let remedy = "put them back there, or name the folder where they are with --keys";
        Failure::new(code, format!("{error}: the broker's keys are looked for in {}: {remedy}", place.shown()))
    })
}

pub(super) fn restore(args: &RestoreArgs, out: &mut Output) -> Result<(), Failure> {
    // Without the keys nothing is put in place, so that they can be put there and the command given again.
    let keys = open_keys(&args.place)?;
    let now = args.clock.time()?;
    if args.date.is_some() {
        refuse_other_date(args.date, now, &format!("the clock says {now}"))?;
    }
    let (from, dir) = (&args.from, &args.place.dir);
    let restored = match args.date {
        Some(_) => Broker::restore_under(from, dir, keys, &args.policy, now),
        None => Broker::restore(from, dir, keys, now),
    };
    let status = restored?.status();
    let (version, digest) = (status.policy_version, status.policy);
    let epochs: Vec<_> = status.epochs.iter().map(|epoch| epoch.number).collect();
    let first = "before anything is handled: adopt the policies that came into force since the copy again, oldest \
                 first, with stapel broker adopt; then keep the certificates and suspensions that came since again, \
                 with stapel broker certify. Else a stolen key is good again, and a suspension that is kept late ends \
                 flags that came back";
    if args.json {
        return out.json(&json!({
            "policy_version": version, "policy": digest.to_string(), "epochs": epochs, "first": first,
            "last_fault": status.last_fault, "log_behind": status.log_behind,
        }));
    }
    writeln!(out, "restored under policy version {version}, digest {digest}")?;
    writeln!(out, "{first}")?;
    for epoch in epochs {
        writeln!(out, "epoch {epoch}: each partner counts again when it has delivered its full set; tell them")?;
    }
    if let Some(fault) = status.last_fault {
        writeln!(out, "last fault: {fault}")?;
    }
    if let Some(behind) = status.log_behind {
        writeln!(out, "log_behind: {behind}")?;
    }
    Ok(())
}

pub(super) fn log(args: &LogArgs, out: &mut Output) -> Result<(), Failure> {
    files::refuse_special(&args.out)?;
    let broker = args.place.open()?;
    // They are read first: then the log has every line that they cover, whatever is written meanwhile.
    let checkpoints = broker.checkpoints()?;
    files::create_folder(&args.checkpoints)?;
    let place = |checkpoint| Ok((place_of(&args.checkpoints, checkpoint)?, checkpoint));
    let places = checkpoints.iter().map(|bytes| place(bytes.as_slice())).collect::<Result<Vec<_>, Failure>>()?;
    // And written last: where the disk is full, no checkpoint lies beside an older log, which would seem cut short.
    let (lines, pruned) = write_rows(&broker, &args.out)?;
    places.iter().try_for_each(|(path, checkpoint)| files::replace(path, checkpoint))?;
    let (count, folder) = (checkpoints.len(), args.checkpoints.shown());
    if args.json {
        return out.json(&json!({ "lines": lines, "pruned": pruned, "checkpoints": count }));
    }
    let of_these = if pruned == 0 { String::new() } else { format!(", {pruned} of them pruned to their hashes") };
    let (lines, checkpoints) = (counted(lines, "line", "lines"), counted(count as u64, "checkpoint", "checkpoints"));
    writeln!(out, "{lines}{of_these} in {}, {checkpoints} in {folder}", args.out.shown())?;
    Ok(())
}

/// Writes all rows of the log to `path`. How many there are, and how many of them are pruned.
fn write_rows(broker: &Broker, path: &Path) -> Result<(u64, u64), Failure> {
    let mut file = NewFile::create(path)?;
    let progress = Progress::counting("lines");
    let (mut lines, mut pruned) = (0, 0);
    broker.log_rows(|index, row| {
        lines += 1;
        pruned += u64::from(matches!(row, LogRow::Pruned(_)));
        progress.add(1);
        let written = writeln!(file, "{}", row.to_json(index));
        written.map_err(|source| SystemError::Io { action: "write", path: path.into(), source }.into())
    })?;
    file.finish()?;
    Ok((lines, pruned))
}

/// Where a checkpoint goes in the folder. Another of as many lines would be evidence, and is not written over.
fn place_of(folder: &Path, checkpoint: &[u8]) -> Result<PathBuf, Failure> {
    let size = UnverifiedCheckpoint::parse(checkpoint)?.claimed_size();
    let path = folder.join(format!("{size:010}.checkpoint"));
    if files::is_regular(&path).is_some() && files::read_found(&path, MAX_CHECKPOINT + 1)? != checkpoint {
        let finding = "is there, and is another checkpoint of as many lines, so evidence of two logs: keep it, and \
                       give another folder";
        return Err(Failure::new("checkpoint_exists", format!("{} {finding}", path.shown())));
    }
    Ok(path)
}
