//! Messages to the broker and its replies: `partner deliver`, `confirm`, `talk`, `totals`, `read` and `give-up`.

use std::path::{Path, PathBuf};

use serde_json::json;
use stapel::message::{Code, Kind, MAX_MESSAGE, Role, Unverified};
use stapel::partner::{InFlight, Partner, PartnerError, Received, Shortened};

use super::{OutboxArgs, PartnerFolder, outbox, report, told};
use crate::failure::{self, Failure, note, warn};
use crate::files::Inputs;
use crate::now::Clock;
use crate::output::{self, Output, Shown, counted};
use crate::threads::WorkArgs;

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

/// Write the next message of what comes after a hit
///
/// On each day what is put forward, once, and then those that bring notes and fetch what waits, as many as the policy
/// says. Have it handled, read its reply, and write the next one until there is none. What is put forward waits while a
/// flag of it is yet to be delivered: deliver first. Over HTTPS `stapel partner sync` does that.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner talk --dir police")]
pub(super) struct TalkArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    outbox: OutboxArgs,
    /// Print JSON Lines, one for each message
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// Ask how many of the organisation's flags are stacked, where the policy tells no more
///
/// For a policy with `answers = "totals"`, whose partners are told once a quarter, in numbers of which none is small.
/// Its reply is read with `stapel partner read`; `stapel partner sync` carries the message, and prints the reply.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner totals --dir police")]
pub(super) struct TotalsArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    outbox: OutboxArgs,
    /// Print JSON Lines, one for each message
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
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
    work: WorkArgs,
}

/// Read the broker's replies
///
/// Prints standings with the references and addresses of the rows that were asked. Messages that were replied to leave
/// the outbox, and so do their replies. Of a folder, the files that end in .reply are read, by name.
///
/// The exit status is 3 where a reply could not be read, where one rejects a message, or where something is wrong with
/// the broker's log; the others are read all the same. It is 75 where the broker could only not keep a message: carry
/// that again; or where there are more than 10,000 replies: read again.
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
    /// The message's name, as `stapel partner status` shows it, or its file in the outbox
    message: PathBuf,
    #[command(flatten)]
    clock: Clock,
}

pub(super) fn deliver(args: &DeliverArgs, out: &mut Output) -> Result<(), Failure> {
    let delivery = &args.delivery;
    hand_over(delivery, out, |partner| Ok(partner.deliver(delivery.work.clock.time()?)?))
}

pub(super) fn confirm(args: &ConfirmArgs, out: &mut Output) -> Result<(), Failure> {
    let delivery = &args.delivery;
    hand_over(delivery, out, |partner| Ok(partner.confirm(delivery.work.clock.time()?)?))
}

pub(super) fn talk(args: &TalkArgs, out: &mut Output) -> Result<(), Failure> {
    let mut partner = args.place.open()?;
    let now = args.clock.time()?;
    let message = partner.talk(now)?;
    told::warn_of_what_is_missing(&partner, &args.place, now.day());
    let waits = partner.put_forward_waits(now.day());
    if waits {
        warn(&format!(
            "what is put forward waits for a flag that the broker has yet to take: have that delivered ({}), read the \
             reply, and go on with stapel partner talk",
            args.place.command("deliver")
        ));
    }
    if message.is_none() {
        note(match partner.policy().policy().meet {
            Some(_) if waits => "of today's that message is left, and comes after the delivery; nothing was written",
            Some(_) => "today's have gone, or this partner has no part in it; nothing was written",
            None => "nobody meets under this policy (it has no [meet]); nothing was written",
        });
        return Ok(());
    }
    args.outbox.of(&args.place).write(&partner, &message.into_iter().collect::<Vec<_>>(), args.json, out)
}

pub(super) fn totals(args: &TotalsArgs, out: &mut Output) -> Result<(), Failure> {
    let mut partner = args.place.open()?;
    let request = partner.totals_request(args.clock.time()?)?;
    let asked = partner.in_flight().find(|message| message.kind == Kind::TotalsRequest).map(|message| message.epoch);
    if let Some(epoch) = asked.filter(|_| partner.epochs().count() > 1) {
        note(&format!(
            "asked in epoch {epoch}: where another answers, the broker's reply says which, and the next request is of \
             that one"
        ));
    }
    args.outbox.of(&args.place).write(&partner, &[request], args.json, out)
}

/// Writes what a partner has to say into the outbox, and says what it keeps for later.
fn hand_over(
    args: &Delivery,
    out: &mut Output,
    messages: impl FnOnce(&mut Partner) -> Result<Vec<Vec<u8>>, Failure>,
) -> Result<(), Failure> {
    let threads = args.work.threads.start()?;
    let mut partner = args.place.open()?.with_threads(threads);
    let before: Vec<_> = deliveries(&partner).map(|message| message.digest).collect();
    let made = messages(&mut partner);
    // Said also where no message was made: nothing else says it.
    let Shortened { shortened, ended } = partner.take_shortened();
    if shortened + ended > 0 {
        warn(&format!(
            "the policy allows fewer days than when these were flagged: {shortened} flags were shortened, and {ended} \
             ended; renew those that are still right with stapel partner flag --renew REASON"
        ));
        if args.json {
            out.json(&json!({ "shortened": shortened, "ended": ended }))?;
        }
    }
    super::warn_of_unreached(&partner, args.work.clock.time()?.day());
    let messages = made?;
    let awaited = deliveries(&partner).find(|message| before.contains(&message.digest));
    match (awaited, partner.undelivered()) {
        (_, 0) if messages.is_empty() => note("the broker is up to date; nothing was written"),
        (_, 0) => {}
        (Some(message), waiting) => note(&format!(
            "{} for the reply to {}: have it handled, read its reply with stapel partner read, and \
             deliver again",
            counted(waiting, "flag waits", "flags wait"),
            outbox::name(&message)
        )),
        (None, waiting) => {
            let budgets = &partner.policy().policy().budgets;
            note(&format!(
                "{} for a later delivery, with which as many go as the organisation's budgets take: \
                 {} new flags a day (UTC), {} at a time, house numbers included",
                counted(waiting, "flag waits", "flags wait"),
                budgets.new_flags_a_day,
                budgets.flags_held
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
    // A reply leaves the outbox once it was shown.
    output::refuse_closed()?;
    let outbox = args.outbox.of(&args.place);
    // What comes from a pipe is waited for before the folder is opened, which others cannot use meanwhile.
    let given =
        |given: &[PathBuf], is_urgent: &dyn Fn(&Path) -> bool| Inputs::of(given, ".reply", MAX_MESSAGE + 1, is_urgent);
    let mut inputs = if args.files.is_empty() { Inputs::default() } else { given(&args.files, &|_| true)? };
    let mut partner = args.place.open()?;
    let mut refs = args.place.refs()?;
    if args.files.is_empty() && outbox.folder().is_dir() {
        inputs = given(&[outbox.folder().to_owned()], &|path| outbox.is_awaited(&partner, path))?;
    }
    if inputs.files.is_empty() {
        note("there is no reply to read");
    }
    let mut failures = std::mem::take(&mut inputs.failures);
    let mut done = Vec::new();
    let mut refusals = Refusals::default();
    for input in &mut inputs.files {
        let now = args.clock.time()?;
        let reply = match input.read(MAX_MESSAGE + 1) {
            Ok(reply) => reply,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        let kind = replied_to(&partner, &reply);
        match partner.read(&reply, now) {
            Ok(received) => {
                refusals.count(&received);
                report::received((&input.path, kind), &received, &partner, &refs, now, args.json, out)?;
                done.push(input.path.clone());
            }
            // It would be come upon again at each run, and there is nothing that anybody could do about it.
            Err(error) if error.is_no_longer_awaited() && outbox.holds(&input.path) => {
                warn(&format!("{}: {error}; it was taken out of the outbox", input.path.shown()));
                done.push(input.path.clone());
            }
            Err(error) => {
                let failure = unreadable(&input.path, error);
                failures.push(match Unverified::parse(&reply, Role::Broker).map(|reply| reply.claimed_partner()) {
                    Ok(other) if other != partner.number() && failure.code() == "unexpected_reply" => failure
                        .and(&format!("it is a reply to partner {other}: take the file to the outbox of that one")),
                    _ => failure,
                });
            }
        }
    }
    // Replies are shown before they go.
    out.finish()?;
    for complaint in partner.complaints()? {
        failure::some_refused();
        note(&report::complaint_line(&complaint));
    }
    failures.extend(outbox.clean(&partner, &done)?);
    refs.settle(&partner)?;
    failures.extend(inputs.left());
    failures.extend(refusals.failure());
    Failure::of_several(failures, !done.is_empty())
}

/// The kind of the message in flight that a reply is to.
fn replied_to(partner: &Partner, reply: &[u8]) -> Option<Kind> {
    let verified = Unverified::parse(reply, Role::Broker).ok()?;
    let verified = verified.verify(&partner.policy().policy().operator.verifying_key).ok()?;
    let digest = verified.header().context;
    partner.in_flight().find(|message| message.digest == digest).map(|message| message.kind)
}

/// What is wrong with the reply in a file, and what to do about it.
fn unreadable(path: &Path, error: PartnerError) -> Failure {
    let is_whole = !matches!(error.code(), "malformed" | "too_large" | "bad_signature");
    let failure = Failure::of_file(path)(error);
    if is_whole {
        return failure;
    }
    failure.and(
        "it is no whole reply of the broker, as where a copy was broken off: take it away; the broker gives it again \
         when the message is handled again",
    )
}

/// What replies say of messages that were not accepted.
#[derive(Default)]
struct Refusals {
    rejected: u32,
    unavailable: u32,
}

impl Refusals {
    fn count(&mut self, received: &Received) {
        match received {
            Received::Rejection { rejection, .. } if rejection.code == Code::Unavailable => self.unavailable += 1,
            Received::Rejection { .. } | Received::Hint(_) => self.rejected += 1,
            // Nothing waited for it any more.
            Received::Late(_) => failure::some_warned(),
            _ => {}
        }
    }

    /// Each rejection was shown, with what to do.
    fn failure(&self) -> Option<Failure> {
        if self.rejected > 0 {
            failure::some_refused();
        }
        let finding = format!(
            "{} could not be kept: have them handled again later",
            counted(self.unavailable, "message", "messages")
        );
        (self.unavailable > 0).then(|| Failure::new("unavailable", finding))
    }
}

pub(super) fn give_up(args: &GiveUpArgs) -> Result<(), Failure> {
    let mut partner = args.place.open()?;
    let outbox = args.outbox.of(&args.place);
    let name = args.message.file_name().unwrap_or_default();
    // A file of another outbox may have the name of a message that this partner waits for.
    let is_ours = args.message == Path::new(name) || outbox.holds(&args.message);
    let found = partner.in_flight().find(|message| is_ours && name == outbox::name(message).as_str());
    let digest = found.map(|message| message.digest).ok_or_else(|| {
        let message = args.message.shown();
        Failure::new("no_such_message", format!("no message '{message}' is waited for; see stapel partner status"))
    })?;
    partner.give_up(digest, args.clock.time()?)?;
    let failures = outbox.clean(&partner, &[])?;
    Failure::of_several(failures, true)
}
