//! Messages to the broker and its replies: `partner deliver`, `confirm`, `read` and `give-up`.

use std::path::PathBuf;

use serde_json::json;
use stapel::message::Kind;
use stapel::partner::{InFlight, Partner, Shortened};

use super::refs::Refs;
use super::{OutboxArgs, PartnerFolder, outbox, report};
use crate::failure::{Failure, note};
use crate::files;
use crate::now::Clock;
use crate::output::Output;
use crate::threads::ThreadArgs;

/// Write the messages that bring the broker up to date
///
/// Until their replies are read, the same messages come again; so do questions that are waited for and not in the
/// outbox.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner deliver --dir police")]
pub(super) struct DeliverArgs {
    #[command(flatten)]
    delivery: Delivery,
}

/// Write the message that nothing changed, or what did
///
/// By it silence differs from no change.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner confirm --dir police")]
pub(super) struct ConfirmArgs {
    #[command(flatten)]
    delivery: Delivery,
}

#[derive(clap::Args)]
struct Delivery {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    outbox: OutboxArgs,
    /// Print JSON Lines, one for each message, and before them one for flags that the policy shortened or ended
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    clock: Clock,
}

/// Read the broker's replies
///
/// Prints standings with the references and addresses of the rows that were asked. Messages that were replied to leave
/// the outbox, and so do their replies. Of a folder, the files that end in .reply are read, by name.
///
/// The exit status is 1 where a reply could not be read, and the others are read all the same; one that was read and
/// rejects a message is no failure.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner read --dir police --json")]
pub(super) struct ReadArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    outbox: OutboxArgs,
    /// Replies, or folders of them [default: the outbox]
    files: Vec<PathBuf>,
    /// Print JSON Lines, one for each reply and one for each standing and reference
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// No longer wait for the reply to a message
///
/// For one that was lost for good. Its number is spent, and what it said is said in a later message.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner give-up --dir police question-0000000003.msg")]
pub(super) struct GiveUpArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    outbox: OutboxArgs,
    /// The message's name, as `stapel partner status` shows it
    message: String,
    #[command(flatten)]
    clock: Clock,
}

pub(super) fn deliver(args: &DeliverArgs, out: &mut Output) -> Result<(), Failure> {
    let delivery = &args.delivery;
    hand_over(delivery, out, |partner| Ok(partner.deliver(delivery.clock.time()?)?))
}

pub(super) fn confirm(args: &ConfirmArgs, out: &mut Output) -> Result<(), Failure> {
    let delivery = &args.delivery;
    hand_over(delivery, out, |partner| Ok(partner.confirm(delivery.clock.time()?)?))
}

/// Writes what a partner has to say into the outbox, and says what it keeps for later.
fn hand_over(
    args: &Delivery,
    out: &mut Output,
    messages: impl FnOnce(&mut Partner) -> Result<Vec<Vec<u8>>, Failure>,
) -> Result<(), Failure> {
    let threads = args.threads.start()?;
    let mut partner = args.place.open()?.with_threads(threads);
    let before: Vec<_> = deliveries(&partner).map(|message| message.digest).collect();
    let made = messages(&mut partner);
    // Said also where no message was made: nothing else says it.
    let Shortened { shortened, ended } = partner.take_shortened();
    if shortened + ended > 0 {
        note(&format!(
            "the policy allows fewer days than when these were flagged: {shortened} flags were shortened, and {ended} \
             ended; renew those that are still right with stapel partner flag --renew REASON"
        ));
        if args.json {
            out.json(&json!({ "shortened": shortened, "ended": ended }))?;
        }
    }
    let messages = made?;
    let awaited = deliveries(&partner).find(|message| before.contains(&message.digest));
    match (awaited, partner.undelivered()) {
        (_, 0) if messages.is_empty() => note("the broker is up to date; nothing was written"),
        (_, 0) => {}
        (Some(message), waiting) => note(&format!(
            "{waiting} flags wait for the reply to {}: have it handled, read its reply with stapel partner read, and \
             deliver again",
            outbox::name(&message)
        )),
        (None, waiting) => {
            let budgets = &partner.policy().policy().budgets;
            note(&format!(
                "{waiting} flags wait for a later delivery, with which as many go as the organisation's budgets take: \
                 {} new flags a day (UTC), {} at a time, house numbers included",
                budgets.new_flags_a_day, budgets.flags_held
            ));
        }
    }
    args.outbox.of(&args.place).write(&partner, &messages, args.json, out)
}

/// The messages that bring the broker up to date, and whose replies are awaited.
fn deliveries(partner: &Partner) -> impl Iterator<Item = InFlight<'_>> {
    partner.in_flight().filter(|message| matches!(message.kind, Kind::Delta | Kind::FullSet | Kind::Confirm))
}

pub(super) fn read(args: &ReadArgs, out: &mut Output) -> Result<(), Failure> {
    let mut partner = args.place.open()?;
    let mut refs = Refs::open(&args.place.dir)?;
    let outbox = args.outbox.of(&args.place);
    let (paths, failures) = match args.files.as_slice() {
        [] if outbox.folder().is_dir() => files::expand(&[outbox.folder().to_owned()], ".reply")?,
        [] => Default::default(),
        given => files::expand(given, ".reply")?,
    };
    if paths.is_empty() {
        note("there is no reply to read");
    }
    failures.iter().for_each(|failure| note(&failure.line()));
    let mut failed = failures.len();
    let mut done = Vec::new();
    for path in paths {
        let now = args.clock.time()?;
        let reply = files::read_up_to(&path, stapel::message::MAX_MESSAGE + 1);
        match reply.and_then(|reply| partner.read(&reply, now).map_err(Failure::of_file(&path))) {
            Ok(received) => {
                report::received(&path, &received, &partner, &refs, args.json, out)?;
                done.push(path);
            }
            Err(failure) => {
                failed += 1;
                note(&failure.line());
            }
        }
    }
    // Replies are shown before they go.
    out.finish()?;
    for complaint in partner.complaints()? {
        note(&report::complaint_line(&complaint));
    }
    outbox.clean(&partner, &done)?;
    refs.settle(&partner)?;
    match failed {
        0 => Ok(()),
        1 => Err(Failure::new("not_read", "1 reply could not be read")),
        replies => Err(Failure::new("not_read", format!("{replies} replies could not be read"))),
    }
}

pub(super) fn give_up(args: &GiveUpArgs) -> Result<(), Failure> {
    let mut partner = args.place.open()?;
    let found = partner.in_flight().find(|message| outbox::name(message) == args.message);
    let digest = found.map(|message| message.digest).ok_or_else(|| {
        Failure::new(
            "no_such_message",
            format!("no message '{}' is waited for; see stapel partner status", args.message),
        )
    })?;
    partner.give_up(digest, args.clock.time()?)?;
    args.outbox.of(&args.place).clean(&partner, &[])
}
