//! What a partner no longer need keep: `partner forget-epoch` and `prune-journal`.

use std::io::Write;

use serde_json::json;

use super::PartnerFolder;
use super::acting::CaseArgs;
use crate::failure::{Failure, note};
use crate::now::Clock;
use crate::output::{Output, counted};

/// Remove the secret and the seal key of an epoch that is over
///
/// `stapel partner status` names such epochs. Whoever gets hold of the folder later then has no pseudonyms of the
/// epoch, and can read nothing that was sealed to the partner in it. The journal has who did it. Refused while the
/// epoch is open, or while messages of it wait for their replies.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner forget-epoch --dir police --actor j.jansen --case yearly 1")]
pub(super) struct ForgetEpochArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    case: CaseArgs,
    /// The epoch
    #[arg(value_name = "N")]
    epoch: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// Remove the first records of the journal, which need not be kept any longer
///
/// Those older than the policy's log_days, or than --days. Records stay from the first on that a standing flag, or a
/// question without an answer, is from. The journal has who did it, how many records, of which times, and its head
/// after them; numbers and heads of the others stay as they were.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel partner prune-journal --dir police --actor j.jansen --case yearly --days 1826"
)]
pub(super) struct PruneJournalArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    case: CaseArgs,
    /// Keep so many days, where the organisation's own rules have it keep more than the policy [default: the policy's
    /// log_days]
    #[arg(long, value_name = "N")]
    days: Option<u16>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

pub(super) fn forget_epoch(args: &ForgetEpochArgs, out: &mut Output) -> Result<(), Failure> {
    let (case, now) = (args.case.case()?, args.clock.time()?);
    let forgotten = args.place.open()?.forget_epoch(args.epoch, &case, now)?;
    let removed: Vec<_> = [(forgotten.secret, "secret"), (forgotten.seal, "seal")]
        .into_iter()
        .filter(|(was_there, _)| *was_there)
        .map(|(_, ending)| format!("epoch-{}.{ending}", args.epoch))
        .collect();
    if args.json {
        out.json(&json!({ "epoch": args.epoch, "removed": removed }))?;
    } else if removed.is_empty() {
        writeln!(out, "nothing was removed: there is no secret of epoch {} here", args.epoch)?;
    } else {
        writeln!(out, "removed {}", removed.join(" and "))?;
    }
    if !removed.is_empty() {
        note(
            "destroy the copies too: backups of this folder, and the file in which the secret came. What the broker \
             was not told in this epoch, such as withdrawals, it cannot be told any more; it destroys what it has of \
             an epoch when that closes",
        );
    }
    Ok(())
}

pub(super) fn prune_journal(args: &PruneJournalArgs, out: &mut Output) -> Result<(), Failure> {
    let (case, now) = (args.case.case()?, args.clock.time()?);
    let mut partner = args.place.open()?;
    let before = partner.pruned()?.map_or(0, |pruned| pruned.records);
    let pruned = partner.prune_journal(args.days, &case, now)?;
    if args.json {
        return out.json(&json!({
            "pruned": pruned.map_or(0, |pruned| pruned.records - before),
            "journal_pruned": pruned.or(partner.pruned()?).as_ref().map(super::report::pruned_json),
        }));
    }
    match pruned {
        None => writeln!(out, "nothing was pruned: no record may go yet")?,
        Some(pruned) => {
            let records = counted(pruned.records - before, "record was pruned", "records were pruned");
            writeln!(out, "{records}")?;
            writeln!(out, "{}", super::report::pruned_line(&pruned))?;
        }
    }
    Ok(())
}
