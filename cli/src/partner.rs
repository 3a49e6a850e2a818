//! `stapel partner`: the partner's side, with messages and replies as files.
//!
//! - `acting`: flags and questions from rows;
//! - `outbox`: messages to be carried, and replies that came back;
//! - `refs`: the partner's own references of rows, kept beside its journal;
//! - `report`: what replies, news and the dossier say, as text and as JSON.

mod acting;
mod outbox;
mod refs;
mod report;

use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};
use stapel::partner::{InFlight, Partner};
use stapel::policy::{Lang, Oin};
use stapel::{AddressKey, Slug};

use crate::failure::{Failure, note};
use crate::files;
use crate::now::Clock;
use crate::output::Output;
use crate::threads::ThreadArgs;
use outbox::Outbox;
use refs::Refs;

/// Flag addresses, ask about them, and read what the broker says
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel partner flag --dir police --actor j.jansen --case 2026-0117 addresses.csv\n  \
                        stapel partner deliver --dir police"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Init(InitArgs),
    Adopt(AdoptArgs),
    AddSecret(AddSecretArgs),
    Flag(acting::FlagArgs),
    Withdraw(acting::WithdrawArgs),
    Full(acting::FullArgs),
    Deliver(DeliverArgs),
    Confirm(ConfirmArgs),
    Ask(acting::AskArgs),
    Read(ReadArgs),
    News(NewsArgs),
    Dossier(DossierArgs),
    Status(StatusArgs),
    GiveUp(GiveUpArgs),
}

/// The partner's folder.
#[derive(clap::Args)]
struct Place {
    /// The partner's folder
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// Where messages go.
#[derive(clap::Args)]
struct OutboxArgs {
    /// The folder of messages to be carried to the broker [default: DIR/outbox]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Make a partner's folder, and print its entry for the roster
///
/// The entry goes to the coordinator, who completes it and puts it into the policy. Texts that are left empty there,
/// the policy's reader refuses.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner init --dir police --number 1 --name 'Politie' \\\n      \
                   --oin 00000001000000000000 --organisation politie")]
struct InitArgs {
    #[command(flatten)]
    place: Place,
    /// The number it is to have in the roster
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    number: u16,
    /// The partner's name
    #[arg(long)]
    name: Option<String>,
    /// The organisation's OIN, 20 digits
    #[arg(long)]
    oin: Option<Oin>,
    /// The organisation that it counts as
    #[arg(long, value_name = "SLUG")]
    organisation: Option<Slug>,
    /// Its legal basis to flag
    #[arg(long, value_name = "TEXT")]
    legal_basis_flag: Option<String>,
    /// Its legal basis to ask
    #[arg(long, value_name = "TEXT")]
    legal_basis_ask: Option<String>,
    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
}

/// Take a policy into force, the first or a newer one
///
/// The signatures are read beside it. A first policy is taken on the word of whoever hands it over: compare its digest
/// with another partner's.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner adopt --dir police --policy policy.toml")]
struct AdoptArgs {
    #[command(flatten)]
    place: Place,
    /// The policy, with its signatures beside it
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The language in which to say what changes: nl or en
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: Lang,
}

/// Keep a copy of an epoch's secret in the folder
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner add-secret --dir police epoch-1.secret")]
struct AddSecretArgs {
    #[command(flatten)]
    place: Place,
    /// The secret file
    file: PathBuf,
}

/// Write the messages that bring the broker up to date
///
/// Until their replies are read, the same messages come again; so do questions that are waited for and not in the
/// outbox.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner deliver --dir police")]
struct DeliverArgs {
    #[command(flatten)]
    delivery: Delivery,
}

/// Write the message that nothing changed, or what did
///
/// By it silence differs from no change.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner confirm --dir police")]
struct ConfirmArgs {
    #[command(flatten)]
    delivery: Delivery,
}

#[derive(clap::Args)]
struct Delivery {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    outbox: OutboxArgs,
    /// Print JSON Lines, one for each message
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
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner read --dir police --json")]
struct ReadArgs {
    #[command(flatten)]
    place: Place,
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

/// Tell what changed over own flags since the last time
///
/// From the answers that were read since; `stapel partner ask --own` asks for all.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner news --dir police")]
struct NewsArgs {
    #[command(flatten)]
    place: Place,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
}

/// Print all that the journal has on one address
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner dossier --dir police 'Dam 1-A, 1012 JS Amsterdam'")]
struct DossierArgs {
    #[command(flatten)]
    place: Place,
    /// The address as people write it, or in canonical form: 1012JS|1|A a home, 1012JS|1 a building
    address: String,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
}

/// Show where the partner stands, or ask the broker
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel partner status --dir police\n  stapel partner status --dir police --request"
)]
struct StatusArgs {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    outbox: OutboxArgs,
    /// Write a message that asks the broker where the partner stands
    #[arg(long)]
    request: bool,
    /// Read the whole journal, and check every link of its chain
    #[arg(long)]
    check: bool,
    /// Print one JSON object
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
struct GiveUpArgs {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    outbox: OutboxArgs,
    /// The message's name, as `stapel partner status` shows it
    message: String,
    #[command(flatten)]
    clock: Clock,
}

pub(crate) fn run(args: Args, out: &mut Output) -> Result<(), Failure> {
    match args.command {
        Command::Init(args) => init(&args, out),
        Command::Adopt(args) => adopt(&args, out),
        Command::AddSecret(args) => add_secret(&args),
        Command::Flag(args) => acting::flag(&args, out),
        Command::Withdraw(args) => acting::withdraw(&args, out),
        Command::Full(args) => acting::full(&args, out),
        Command::Deliver(DeliverArgs { delivery }) => {
            deliver(&delivery, out, |partner| partner.deliver(delivery.clock.time()?).map_err(Failure::from))
        }
        Command::Confirm(ConfirmArgs { delivery }) => {
            deliver(&delivery, out, |partner| partner.confirm(delivery.clock.time()?).map_err(Failure::from))
        }
        Command::Ask(args) => acting::ask(&args, out),
        Command::Read(args) => read(&args, out),
        Command::News(args) => news(&args, out),
        Command::Dossier(args) => dossier(&args, out),
        Command::Status(args) => status(&args, out),
        Command::GiveUp(args) => give_up(&args),
    }
}

impl Place {
    fn open(&self) -> Result<Partner, Failure> {
        Partner::open(&self.dir).map_err(|error| {
            let steps = [
                ("partner.key", "no partner's folder: make one with stapel partner init"),
                ("policy.toml", "a folder without a policy: give it one with stapel partner adopt"),
            ];
            let missing = steps.iter().find(|(file, _)| matches!(self.dir.join(file).try_exists(), Ok(false)));
            match missing {
                Some((_, finding)) => Failure::new("partner_folder", format!("{} is {finding}", self.dir.display())),
                None => error.into(),
            }
        })
    }
}

impl OutboxArgs {
    fn of(&self, place: &Place) -> Outbox {
        Outbox::new(self.out.clone().unwrap_or_else(|| place.dir.join("outbox")))
    }
}

fn init(args: &InitArgs, out: &mut Output) -> Result<(), Failure> {
    let enrolment = Partner::init(&args.place.dir, args.number)?;
    let (number, key) = (enrolment.number, enrolment.verifying_key.to_string());
    if args.json {
        return out.json(&json!({ "number": number, "verifying_key": key }));
    }
    // A string in JSON is one in TOML too.
    let quoted = |text: Option<&str>| Value::from(text.unwrap_or_default());
    writeln!(out, "[[partner]]")?;
    writeln!(out, "number = {number}")?;
    writeln!(out, "name = {}", quoted(args.name.as_deref()))?;
    writeln!(out, "oin = {}", quoted(args.oin.as_ref().map(Oin::as_str)))?;
    writeln!(out, "organisation = {}", quoted(args.organisation.as_ref().map(Slug::as_str)))?;
    writeln!(out, "verifying_key = \"{key}\"")?;
    writeln!(out, "may = [\"flag\", \"ask\"]")?;
    writeln!(out, "sees = \"presence\"")?;
    writeln!(out, "legal_basis_flag = {}", quoted(args.legal_basis_flag.as_deref()))?;
    writeln!(out, "legal_basis_ask = {}", quoted(args.legal_basis_ask.as_deref()))?;
    Ok(())
}

fn adopt(args: &AdoptArgs, out: &mut Output) -> Result<(), Failure> {
    let (folder, policy) = (&args.place.dir, &args.policy);
    if folder.join("policy.toml").exists() {
        let mut partner = args.place.open()?;
        let before = partner.policy().clone();
        // To adopt what was adopted, as after a command that was broken off, is no error.
        if stapel::Policy::read(policy).map_err(Failure::of_policy(policy))?.digest() != before.digest() {
            partner.adopt_policy(policy).map_err(Failure::of_policy(policy))?;
        }
        for difference in before.policy().difference(partner.policy().policy(), args.lang) {
            writeln!(out, "{difference}")?;
        }
    } else {
        Partner::join(folder, policy).map_err(Failure::of_policy(policy))?;
    }
    let signed = stapel::SignedPolicy::read(policy).map_err(Failure::of_policy(policy))?;
    writeln!(out, "policy version {}, digest {}", signed.policy().version, signed.digest())?;
    Ok(())
}

fn add_secret(args: &AddSecretArgs) -> Result<(), Failure> {
    Ok(args.place.open()?.add_secret(&args.file)?)
}

fn deliver(
    args: &Delivery,
    out: &mut Output,
    messages: impl FnOnce(&mut Partner) -> Result<Vec<Vec<u8>>, Failure>,
) -> Result<(), Failure> {
    let threads = args.threads.start()?;
    let mut partner = args.place.open()?.with_threads(threads);
    let messages = messages(&mut partner)?;
    match (messages.is_empty(), partner.undelivered()) {
        (true, 0) => note("the broker is up to date; nothing was written"),
        (_, 0) => {}
        (_, waiting) => {
            let budgets = &partner.policy().policy().budgets;
            note(&format!(
                "{waiting} flags wait for a later delivery, with which as many go as the budgets take: {} new flags a \
                 day (UTC), {} at a time, buildings included",
                budgets.new_flags_a_day, budgets.flags_held
            ));
        }
    }
    args.outbox.of(&args.place).write(&partner, &messages, args.json, out)
}

fn read(args: &ReadArgs, out: &mut Output) -> Result<(), Failure> {
    let mut partner = args.place.open()?;
    let mut refs = Refs::open(&args.place.dir)?;
    let outbox = args.outbox.of(&args.place);
    let paths = match args.files.as_slice() {
        [] if outbox.folder().is_dir() => files::expand(&[outbox.folder().to_owned()], ".reply")?,
        [] => Vec::new(),
        given => files::expand(given, ".reply")?,
    };
    if paths.is_empty() {
        note("there is no reply to read");
    }
    let mut failed = 0;
    let mut done = Vec::new();
    for path in paths {
        let reply = files::read_up_to(&path, stapel::message::MAX_MESSAGE + 1)?;
        match partner.read(&reply, args.clock.time()?) {
            Ok(received) => {
                report::received(&path, &received, &partner, &refs, args.json, out)?;
                done.push(path);
            }
            Err(error) => {
                failed += 1;
                note(&format!("{}: {}", path.display(), Failure::from(error).line()));
            }
        }
    }
    // Replies are shown before they go.
    out.finish()?;
    outbox.clean(&partner, &done)?;
    refs.settle(&partner)?;
    match failed {
        0 => Ok(()),
        1 => Err(Failure::new("not_read", "1 reply could not be read")),
        replies => Err(Failure::new("not_read", format!("{replies} replies could not be read"))),
    }
}

fn news(args: &NewsArgs, out: &mut Output) -> Result<(), Failure> {
    let mut partner = args.place.open()?;
    let refs = Refs::open(&args.place.dir)?;
    let news = partner.news()?;
    if news.is_empty() && !args.json {
        writeln!(out, "no news")?;
    }
    for news in &news {
        report::news(news, &partner, &refs, args.json, out)?;
    }
    Ok(())
}

fn dossier(args: &DossierArgs, out: &mut Output) -> Result<(), Failure> {
    let address = match AddressKey::from_canonical(&args.address) {
        Ok(address) => address,
        Err(_) => AddressKey::parse(&args.address)?,
    };
    let partner = args.place.open()?;
    let entries = partner.dossier(&address)?;
    if entries.is_empty() && !args.json {
        writeln!(out, "nothing on {}", address.as_str())?;
    }
    for entry in &entries {
        report::dossier(entry, &partner, args.json, out)?;
    }
    Ok(())
}

fn status(args: &StatusArgs, out: &mut Output) -> Result<(), Failure> {
    let mut partner = args.place.open()?;
    let outbox = args.outbox.of(&args.place);
    if args.check {
        partner.check_journal()?;
    }
    if args.request {
        let request = partner.status(args.clock.time()?)?;
        return outbox.write(&partner, &[request], args.json, out);
    }
    let policy = partner.policy();
    let (version, digest) = (policy.policy().version, policy.digest().to_string());
    let brokers = partner.brokers_policy().map(|digest| digest.to_string());
    let epochs: Vec<u32> = partner.epochs().collect();
    let (records, head) = (partner.journal_length(), partner.journal_head().to_string());
    let in_flight: Vec<InFlight<'_>> = partner.in_flight().collect();
    if args.json {
        return out.json(&json!({
            "number": partner.number(), "verifying_key": partner.verifying_key().to_string(),
            "policy_version": version, "policy": digest, "brokers_policy": brokers, "epochs": epochs,
            "flags": partner.flags().len(), "undelivered": partner.undelivered(),
            "in_flight": in_flight.iter().map(outbox::json).collect::<Vec<_>>(),
            "journal_records": records, "journal_head": head,
        }));
    }
    writeln!(out, "partner {}, key {}", partner.number(), partner.verifying_key())?;
    writeln!(out, "policy version {version}, digest {digest}")?;
    if let Some(brokers) = brokers {
        writeln!(out, "the broker holds to another policy: {brokers}")?;
    }
    let epochs: Vec<_> = epochs.iter().map(u32::to_string).collect();
    writeln!(out, "secrets of epochs: {}", if epochs.is_empty() { "none".into() } else { epochs.join(", ") })?;
    writeln!(out, "{} flags, {} of them in no delivery yet", partner.flags().len(), partner.undelivered())?;
    writeln!(out, "journal: {records} records, head {head}")?;
    for message in &in_flight {
        let missing = if outbox.has(message) { "" } else { ", which is not in the outbox: deliver writes it again" };
        writeln!(out, "waiting for the reply to {}{missing}", outbox::name(message))?;
    }
    Ok(())
}

fn give_up(args: &GiveUpArgs) -> Result<(), Failure> {
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
