//! Questions about rows, or about own flags: `partner ask`.

use std::collections::HashSet;

use stapel::partner::{Given, Partner};
use stapel::{Day, Level, Slug};

use super::acting::{CaseArgs, counts_house_numbers, done_without_references, once_each, say_repeated};
use super::{OutboxArgs, PartnerFolder};
use crate::failure::{Failure, note};
use crate::output::Output;
use crate::rows::RowArgs;
use crate::threads::WorkArgs;

/// Write the questions about addresses
///
/// The standings come back through `stapel partner read`, each with its row's reference.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel partner ask --dir police --actor j.jansen --case 2026-0117 addresses.csv\n  \
                        stapel partner ask --dir police --actor j.jansen --case 2026-0117 --own"
)]
pub(super) struct AskArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    outbox: OutboxArgs,
    #[command(flatten)]
    case: CaseArgs,
    #[command(flatten)]
    rows: RowArgs,
    /// Ask about all that the partner itself flags, in place of rows
    #[arg(long, conflicts_with_all = ["file", "sweep", "numbers", "refused", "number_only"])]
    own: bool,
    /// Ask about what the partner need not flag itself, for a reason that the policy lists
    #[arg(long, value_name = "REASON")]
    sweep: Option<Slug>,
    /// Ask about the house number of each address too, where the policy counts house numbers
    #[arg(long)]
    numbers: bool,
    /// Print JSON Lines, one for each message, and before them one of what was read of the rows
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    work: WorkArgs,
}

pub(super) fn ask(args: &AskArgs, out: &mut Output) -> Result<(), Failure> {
    let (case, now) = (args.case.case()?, args.work.clock.time()?);
    let outbox = args.outbox.of(&args.place);
    let threads = args.work.threads.start()?;
    if args.own {
        let mut partner = args.place.open()?.with_threads(threads);
        if args.rows.dry_run {
            note(&format!("{} addresses would be asked about", own_addresses(&partner, now.day())));
            return Ok(());
        }
        let messages = partner.ask_own(&case, now)?;
        if messages.is_empty() {
            note("there are no own flags to ask about; nothing was written");
        }
        return outbox.write(&partner, &messages, args.json, out).map_err(asked_all_the_same);
    }
    args.place.refuse_without_register(&args.rows)?;
    let sheet = args.rows.read()?;
    let mut addresses: Vec<Given<'_>> = once_each(sheet.rows.given(), Given::key).collect();
    let read = sheet.json();
    say_repeated(sheet.rows.len() - addresses.len());
    if args.numbers {
        let numbers: Vec<_> = addresses.iter().filter_map(Given::number).collect();
        // Some may be among them already, as house numbers alone.
        addresses = once_each(addresses.into_iter().chain(numbers), Given::key).collect();
    }
    let mut partner = args.place.open()?.with_threads(threads);
    sheet.count_numbers(counts_house_numbers(&partner))?;
    if args.numbers && !counts_house_numbers(&partner) {
        return Err(Failure::new("level", "the policy does not count house numbers: leave --numbers out"));
    }
    if args.rows.dry_run {
        note(&format!("{} addresses would be asked about", addresses.len()));
        return if args.json { out.json(&read) } else { Ok(()) };
    }
    let refs = args.place.refs()?;
    let messages = match &args.sweep {
        None => partner.ask(&addresses, &case, now)?,
        Some(reason) => partner.sweep(&addresses, reason, &case, now)?,
    };
    // Before the messages leave, so that no answer comes back without its references while there is room for them.
    let kept = refs.asked(sheet.rows);
    if messages.is_empty() {
        note("there are no addresses to ask about; nothing was written");
    }
    if args.json {
        out.json(&read)?;
    }
    outbox.write(&partner, &messages, args.json, out).map_err(asked_all_the_same)?;
    kept.map_err(|failure| done_without_references(failure, "the answer comes without them"))
}

/// Why messages could not be put into the outbox, where the partner has made them and waits for their replies.
fn asked_all_the_same(failure: Failure) -> Failure {
    match failure {
        Failure::Stapel(_) | Failure::Refused { .. } => Failure::Partly(Box::new(
            failure.and("the question was asked all the same: stapel partner deliver puts it there once there is room"),
        )),
        // Some are there, or nothing could be said of them.
        other => other,
    }
}

/// How many addresses a question about all own flags is about: homes, and house numbers where they are counted.
fn own_addresses(partner: &Partner, today: Day) -> usize {
    let standing = || partner.flags().filter(|flag| flag.last_day >= today).map(|flag| flag.address);
    let homes = standing().filter(|address| address.level() == Level::Unit).count();
    let numbers: HashSet<_> =
        standing().map(|home| home.number_key()).filter(|key| key.level() == Level::Number).collect();
    homes + if counts_house_numbers(partner) { numbers.len() } else { 0 }
}
